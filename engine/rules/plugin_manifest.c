/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_manifest.c - the JSON of a manifest, checked and kept; see plugin_manifest.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/buf.h"
#include "engine/rules/plugin_parts.h"

DEFINE_AUTO(json_parser_free, struct json_parser *)

struct manifest {
	atomic_uint refs;
	struct arena *arena;
	bool known;
	struct text json;
	struct text version;
	struct connector connector;
};

static const struct param no_settings[] = { { .name = NULL } };
static const struct action no_actions[] = { { .name = NULL } };
static const struct event_type no_events[] = { { .name = NULL } };

/* ---- Where, and what is wrong. ---- */

size_t manifest_enter(struct manifest_reading *r, const char *member)
{
	size_t back = r->at;
	int n;

	assert(r->at < sizeof(r->path));
	n = snprintf(r->path + r->at, sizeof(r->path) - r->at, "%s%s", r->at > 0 ? "." : "",
		     member);
	if (n > 0)
		r->at += (size_t)n;
	if (r->at >= sizeof(r->path))
		r->at = sizeof(r->path) - 1;
	return back;
}

void manifest_leave(struct manifest_reading *r, size_t back)
{
	assert(back <= r->at);
	r->at = back;
	r->path[back] = '\0';
}

bool manifest_wrong(struct manifest_reading *r, const char *format, ...)
{
	va_list args;
	int n;

	if (r->wrong)
		return false;
	r->wrong = true;
	n = snprintf(r->words, MANIFEST_WORDS, "%s%s", r->path, r->at > 0 ? ": " : "");
	/* A path that leaves no room for words is cut. */
	if (n > MANIFEST_WORDS / 2)
		n = snprintf(r->words, MANIFEST_WORDS, "%.*s...: ", MANIFEST_WORDS / 2, r->path);
	if (n < 0)
		return false;
	va_start(args, format);
	(void)vsnprintf(r->words + n, MANIFEST_WORDS - (size_t)n, format, args);
	va_end(args);
	return false;
}

static bool is_plain(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.s[i] < ' ' || t.s[i] == 0x7f)
			return false;
	/* C1 controls are two bytes in UTF-8: 0xc2 0x80 to 0x9f. */
	for (size_t i = 0; i + 1 < t.n; i++)
		if ((unsigned char)t.s[i] == 0xc2 && (unsigned char)t.s[i + 1] < 0xa0)
			return false;
	return true;
}

const char *manifest_shown(struct text t, char room[MANIFEST_SHOWN])
{
	struct text head = text_head(t, MANIFEST_SHOWN - 4);

	if (!is_plain(head))
		return "(not printable)";
	(void)snprintf(room, MANIFEST_SHOWN, "%.*s%s", TEXT_ARG(head), head.n < t.n ? "..." : "");
	return room;
}

bool manifest_is_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] >= 'a' && t.s[i] <= 'z';
		bool other = t.s[i] == '_' || (t.s[i] >= '0' && t.s[i] <= '9');

		if (!letter && (i == 0 || !other))
			return false;
	}
	return t.n > 0 && t.n <= LIMIT_MANIFEST_NAME;
}

const char *manifest_keep(struct manifest_reading *r, struct text t)
{
	return text_dup(r->arena, t).s;
}

/* ---- Members. ---- */

bool manifest_members(struct manifest_reading *r, struct value v, const char *const *known)
{
	char room[MANIFEST_SHOWN];

	if (!value_is(v, VALUE_MAP))
		return manifest_wrong(r, "must be an object");
	for (uint32_t i = 0; i < v.n; i++) {
		struct text key = value_as_text(v.pairs[i].key);
		const char *const *k = known;

		while (*k != NULL && !text_is(key, *k))
			k++;
		if (*k == NULL) {
			const char *near = text_nearest(key, known);

			return manifest_wrong(r, "there is no member \"%s\"%s%s%s",
					      manifest_shown(key, room),
					      near != NULL ? "; did you mean \"" : "",
					      near != NULL ? near : "", near != NULL ? "\"?" : "");
		}
	}
	return true;
}

bool manifest_named(struct manifest_reading *r, struct value v, size_t most, const char *what)
{
	char room[MANIFEST_SHOWN];

	if (!value_is(v, VALUE_MAP))
		return manifest_wrong(r, "must be an object");
	if (v.n > most)
		return manifest_wrong(r, "has more than %zu %ss", most, what);
	for (uint32_t i = 0; i < v.n; i++)
		if (!manifest_is_name(value_as_text(v.pairs[i].key)))
			return manifest_wrong(
			    r,
			    "\"%s\" is no name for %s %s: lower-case letters, digits and _, a "
			    "letter first, at most %d bytes",
			    manifest_shown(value_as_text(v.pairs[i].key), room),
			    strchr("aei", what[0]) != NULL ? "an" : "a", what, LIMIT_MANIFEST_NAME);
	return true;
}

bool manifest_text(struct manifest_reading *r, struct value map, const char *member,
		   const char **out)
{
	const struct value *v = value_get(map, text_of(member));
	size_t back;

	if (v == NULL)
		return true;
	back = manifest_enter(r, member);
	if (!value_is(*v, VALUE_TEXT))
		return manifest_wrong(r, "must be a text");
	if (v->n > LIMIT_MANIFEST_WORDS)
		return manifest_wrong(r, "has more than %d bytes", LIMIT_MANIFEST_WORDS);
	if (!is_plain(value_as_text(*v)))
		return manifest_wrong(r, "has control characters");
	manifest_leave(r, back);
	*out = manifest_keep(r, value_as_text(*v));
	return true;
}

/* ---- Actions. ---- */

static bool read_doubt(struct manifest_reading *r, struct value map, struct action *action)
{
	const struct value *v = value_get(map, TEXT("after_doubt"));
	size_t back;

	if (v == NULL)
		return true;
	back = manifest_enter(r, "after_doubt");
	if (value_is(*v, VALUE_TEXT) && text_is(value_as_text(*v), "park"))
		action->after_doubt = DOUBT_PARK;
	else if (!value_is(*v, VALUE_TEXT) || !text_is(value_as_text(*v), "repeat"))
		return manifest_wrong(r, "must be \"repeat\" or \"park\"");
	manifest_leave(r, back);
	return true;
}

static bool read_timeout(struct manifest_reading *r, struct value map, struct action *action)
{
	const struct value *v = value_get(map, TEXT("timeout"));
	size_t back;

	if (v == NULL)
		return true;
	back = manifest_enter(r, "timeout");
	if (!value_is(*v, VALUE_INT) || v->i < 100 || v->i > LIMIT_MANIFEST_TIMEOUT)
		return manifest_wrong(r, "must be a whole number of milliseconds, 100 to %d",
				      LIMIT_MANIFEST_TIMEOUT);
	manifest_leave(r, back);
	action->timeout = v->i;
	return true;
}

/* The fields of `member`, NULL when there are none; false after saying what is wrong. */
static bool read_fields(struct manifest_reading *r, struct value map, const char *member,
			const struct field **out)
{
	const struct value *v = value_get(map, text_of(member));
	size_t back;

	*out = NULL;
	if (v == NULL)
		return true;
	back = manifest_enter(r, member);
	*out = manifest_fields(r, *v);
	manifest_leave(r, back);
	return *out != NULL;
}

static bool read_params(struct manifest_reading *r, struct value map, struct action *action)
{
	static const struct value none = { .kind = VALUE_MAP };
	const struct value *v = value_get(map, TEXT("params"));
	size_t back = manifest_enter(r, "params");

	action->params = manifest_params(r, v != NULL ? *v : none, 1);
	manifest_leave(r, back);
	return action->params != NULL;
}

static bool read_action(struct manifest_reading *r, struct text name, struct value v,
			struct action *out)
{
	static const char *const known[] = { "doc",         "params",  "result",
					     "after_doubt", "timeout", NULL };
	const struct field *result;

	*out = (struct action){ .name = manifest_keep(r, name),
				.doc = "",
				.after_doubt = DOUBT_REPEAT,
				.timeout = 30000,
				.build = manifest_build,
				.read = manifest_result };
	if (!manifest_members(r, v, known) || !manifest_text(r, v, "doc", &out->doc) ||
	    !read_params(r, v, out) || !read_fields(r, v, "result", &result) ||
	    !read_doubt(r, v, out) || !read_timeout(r, v, out))
		return false;
	out->example = manifest_params_example(r, out->params);
	out->result = manifest_result_words(r, result);
	return true;
}

static bool read_actions(struct manifest_reading *r, struct value map, struct connector *out)
{
	const struct value *v = value_get(map, TEXT("actions"));
	size_t back = manifest_enter(r, "actions");
	struct action *actions;

	if (v == NULL) {
		manifest_leave(r, back);
		return true;
	}
	if (!manifest_named(r, *v, LIMIT_MANIFEST_ACTIONS, "action"))
		return false;
	actions = arena_array(r->arena, v->n + 1, sizeof(*actions));
	if (actions == NULL)
		return false;
	for (uint32_t i = 0; i < v->n; i++) {
		struct text name = value_as_text(v->pairs[i].key);
		const char *kept = manifest_keep(r, name);
		size_t here = manifest_enter(r, kept != NULL ? kept : "");

		if (kept == NULL || !read_action(r, name, v->pairs[i].val, &actions[i]))
			return false;
		manifest_leave(r, here);
	}
	actions[v->n] = (struct action){ .name = NULL };
	out->actions = actions;
	manifest_leave(r, back);
	return true;
}

/* ---- Events. ---- */

/* The example as JSON, kept. */
static bool keep_example(struct manifest_reading *r, struct value v, const char **out)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, 2 * LIMIT_SESSION_MANIFEST);
	value_write(&json, v);
	if (!buf_failed(&json))
		*out = manifest_keep(r, buf_view(&json));
	else
		arena_fail(r->arena);
	return *out != NULL;
}

static bool read_example(struct manifest_reading *r, struct value map, const struct field *fields,
			 struct event_type *out)
{
	const struct value *v = value_get(map, TEXT("example"));
	size_t back;

	if (v == NULL)
		return true;
	back = manifest_enter(r, "example");
	if (fields != NULL && !manifest_example(r, fields, *v))
		return false;
	manifest_leave(r, back);
	return keep_example(r, *v, &out->example);
}

static bool read_event(struct manifest_reading *r, struct text name, struct value v,
		       struct event_type *out)
{
	static const char *const known[] = { "doc", "fields", "example", NULL };
	const struct field *fields;
	struct object_kind *kind;

	*out = (struct event_type){ .doc = "" };
	out->name =
	    text_printf(r->arena, "plugin.%.*s.%.*s", TEXT_ARG(r->plugin), TEXT_ARG(name)).s;
	if (!manifest_members(r, v, known) || !manifest_text(r, v, "doc", &out->doc) ||
	    !read_fields(r, v, "fields", &fields) || !read_example(r, v, fields, out))
		return false;
	if (fields == NULL)
		return true;
	kind = arena_zero(r->arena, sizeof(*kind));
	if (kind == NULL)
		return false;
	*kind = (struct object_kind){ .name = out->name, .id = "id", .fields = fields };
	out->kind = kind;
	return true;
}

static bool read_events(struct manifest_reading *r, struct value map, struct connector *out)
{
	const struct value *v = value_get(map, TEXT("events"));
	size_t back = manifest_enter(r, "events");
	struct event_type *events;

	if (v == NULL) {
		manifest_leave(r, back);
		return true;
	}
	if (!manifest_named(r, *v, LIMIT_MANIFEST_EVENTS, "event"))
		return false;
	events = arena_array(r->arena, v->n + 1, sizeof(*events));
	if (events == NULL)
		return false;
	for (uint32_t i = 0; i < v->n; i++) {
		struct text name = value_as_text(v->pairs[i].key);
		const char *kept = manifest_keep(r, name);
		size_t here = manifest_enter(r, kept != NULL ? kept : "");

		if (kept == NULL || !read_event(r, name, v->pairs[i].val, &events[i]))
			return false;
		manifest_leave(r, here);
	}
	events[v->n] = (struct event_type){ .name = NULL };
	out->events = events;
	manifest_leave(r, back);
	return true;
}

/* ---- The whole. ---- */

static struct manifest *manifest_new(struct text plugin)
{
	struct arena *arena = arena_new("manifest", LIMIT_MANIFEST_ARENA);
	struct manifest *m = arena != NULL ? arena_zero(arena, sizeof(*m)) : NULL;

	assert(plugin.n > 0);
	if (m == NULL) {
		arena_free(arena);
		return NULL;
	}
	atomic_init(&m->refs, 1);
	m->arena = arena;
	m->connector = (struct connector){ .name = text_dup(arena, plugin).s,
					   .doc = "",
					   .settings = no_settings,
					   .auth = AUTH_NONE,
					   .connection_optional = true,
					   .events = no_events,
					   .actions = no_actions,
					   .error_words = manifest_error_words };
	m->connector.title = m->connector.name;
	if (m->connector.name == NULL) {
		manifest_free(m);
		return NULL;
	}
	return m;
}

static void read_whole(struct manifest *m, struct manifest_reading *r, struct value v)
{
	static const char *const known[] = { "version", "doc", "actions", "events", NULL };
	const char *version = "";

	if (!manifest_members(r, v, known) || !manifest_text(r, v, "version", &version) ||
	    !manifest_text(r, v, "doc", &m->connector.doc) || !read_actions(r, v, &m->connector) ||
	    !read_events(r, v, &m->connector))
		return;
	m->version = text_of(version != NULL ? version : "");
	m->known = true;
}

static bool parse(struct text json, struct arena *scratch, struct value *out,
		  char words[MANIFEST_WORDS])
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct json_error error;

	if (json.n > LIMIT_SESSION_MANIFEST) {
		(void)snprintf(words, MANIFEST_WORDS, "a manifest has at most %u bytes",
			       LIMIT_SESSION_MANIFEST);
		return false;
	}
	if (scratch == NULL || parser == NULL)
		return false;
	if (json_parse(parser, scratch, json, out, &error) == FATE_OK)
		return true;
	(void)snprintf(words, MANIFEST_WORDS, "no JSON, line %d, column %d: %s", error.line,
		       error.column, error.what);
	return false;
}

struct manifest *manifest_read(struct text plugin, struct text json, char words[MANIFEST_WORDS])
{
	AUTO(arena_free) struct arena *scratch = arena_new("manifest", LIMIT_MANIFEST_SCRATCH);
	struct manifest_reading r = { .plugin = plugin, .words = words };
	struct manifest *m;
	struct value v;

	assert(words != NULL && (json.n == 0 || json.s != NULL));
	(void)snprintf(words, MANIFEST_WORDS, "it takes too much memory");
	if (!parse(json, scratch, &v, words))
		return NULL;
	m = manifest_new(plugin);
	if (m == NULL)
		return NULL;
	r.arena = m->arena;
	m->json = text_dup(m->arena, json);
	read_whole(m, &r, v);
	if (m->known && !arena_failed(m->arena))
		return m;
	manifest_free(m);
	return NULL;
}

struct manifest *manifest_unknown(struct text plugin)
{
	return manifest_new(plugin);
}

struct manifest *manifest_ref(struct manifest *m)
{
	assert(m != NULL);
	atomic_fetch_add(&m->refs, 1);
	return m;
}

void manifest_free(struct manifest *m)
{
	if (m != NULL && atomic_fetch_sub(&m->refs, 1) == 1)
		arena_free(m->arena);
}

bool manifest_is_known(const struct manifest *m)
{
	assert(m != NULL);
	return m->known;
}

struct text manifest_json(const struct manifest *m)
{
	assert(m != NULL);
	return m->json;
}

struct text manifest_version(const struct manifest *m)
{
	assert(m != NULL);
	return m->version;
}

const struct connector *manifest_connector(const struct manifest *m)
{
	assert(m != NULL);
	return &m->connector;
}

const struct event_type *manifest_event(const struct manifest *m, struct text type)
{
	size_t head;

	assert(m != NULL);
	head = strlen("plugin.") + strlen(m->connector.name) + 1;
	for (const struct event_type *e = m->connector.events; e->name != NULL; e++)
		if (text_is(type, e->name + head))
			return e;
	return NULL;
}
