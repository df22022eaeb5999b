/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hooks - the `hooks:` and `schedules:` of tappet.yaml. */
#include "engine/rules/config_internal.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/zone.h"
#include "engine/rules/words.h"
#include "engine/value/redact.h"

/* ---- Hooks. ---- */

/* A header's name: RFC 9110, 5.6.2 token. */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && strchr("!#$%&'*+-.^_`|~", c) == NULL)
			return false;
	}
	return t.n > 0;
}

void config_header_name(struct configuring *c, const struct yaml_node *map, const char *key,
			const char **out)
{
	const struct yaml_node *node = yaml_get(map, key);
	struct text t;

	if (node == NULL || !config_text(c, node, &t))
		return;
	if (!is_token(t))
		reader_error(&c->r, node, "like X-Signature", "\"%.*s\" is no name of a header",
			     TEXT_ARG(t));
	else
		*out = t.s;
}

static void hook_dedupe(struct configuring *c, const struct yaml_node *node,
			struct hook_config *hook)
{
	static const char *const keys[] = { "by", "within", NULL };
	static const char *const ways[] = { "body", NULL };
	const struct yaml_node *by, *within;
	int choice;

	if (!reader_keys(&c->r, node, "dedupe", keys, NULL))
		return;
	by = reader_need(&c->r, node, "by", "dedupe: { by: body, within: 10m }");
	if (by != NULL && reader_choice(&c->r, by, ways, NULL, &choice))
		hook->dedupe_by_body = true;
	within = yaml_get(node, "within");
	if (within != NULL)
		reader_duration(&c->r, within, 1, &hook->dedupe_within);
}

/* ---- handshake: { origins, rate } ---- */

struct origins {
	struct configuring *c;
	struct text *list;
	size_t count;
};

bool config_is_origin(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.')
			return false;
	}
	return t.n > 0 && t.n <= LIMIT_ORIGIN;
}

static void add_origin(void *of, struct yaml_node *node)
{
	struct origins *o = of;
	struct text t;

	if (!config_text(o->c, node, &t))
		return;
	if (!text_is(t, "*") && !config_is_origin(t))
		reader_error(&o->c->r, node, "like eventgrid.azure.net, or \"*\" for anybody",
			     "\"%.*s\" is no name of a sender", TEXT_ARG(t));
	else
		o->list[o->count++] = t;
}

static void hook_handshake(struct configuring *c, const struct yaml_node *node,
			   struct hook_config *hook)
{
	static const char *const keys[] = { "origins", "rate", NULL };
	const struct yaml_node *origins, *rate;
	struct origins o = { .c = c };

	if (!reader_keys(&c->r, node, "handshake", keys, NULL))
		return;
	origins = reader_need(&c->r, node, "origins",
			      "handshake: { origins: [eventgrid.azure.net], rate: 600 }");
	rate = yaml_get(node, "rate");
	if (rate != NULL)
		reader_int(&c->r, rate, 1, INT32_MAX, &hook->allowed_rate);
	if (origins == NULL)
		return;
	o.list = arena_array(c->r.arena, origins->count + 1, sizeof(*o.list));
	if (o.list == NULL)
		return;
	reader_each(origins, add_origin, &o);
	hook->origins = o.list;
	hook->origin_count = o.count;
}

/* ---- A hook. ---- */

void config_keep_body(struct configuring *c, const struct yaml_node *map, struct hook_config *hook)
{
	const struct yaml_node *node = yaml_get(map, "keep_body");
	bool keep = true;

	if (node != NULL)
		reader_bool(&c->r, node, &keep);
	hook->drop_body = !keep;
}

struct redacting {
	struct configuring *c;
	struct text *list;
	size_t count;
};

static void add_redact(void *of, struct yaml_node *node)
{
	struct redacting *o = of;
	struct text path;
	const char *wrong;

	if (!config_text(o->c, node, &path))
		return;
	if (!text_starts(path, TEXT("data."))) {
		reader_error(&o->c->r, node, "like data.customer.email",
			     "what is left out is part of the event's data");
		return;
	}
	path = (struct text){ path.s + strlen("data."), path.n - strlen("data.") };
	wrong = redact_path_mistake(path);
	if (wrong != NULL)
		reader_error(&o->c->r, node, "like data.customer.email, or data.people.*.email",
			     "%s", wrong);
	else
		o->list[o->count++] = path;
}

/* The body to the byte would have what is left out: it isn't kept. */
static void hook_redact(struct configuring *c, const struct yaml_node *map,
			const struct yaml_node *node, struct hook_config *hook)
{
	const struct yaml_node *keep = yaml_get(map, "keep_body");
	struct redacting o = { .c = c };

	if (keep != NULL && !hook->drop_body)
		reader_error(&c->r, keep, "leave it away: with redact it is false",
			     "the body has what redact leaves out");
	if (node->count > LIMIT_REDACT_PATHS) {
		reader_error(&c->r, node, "name what they are parts of",
			     "there are at most %d paths", LIMIT_REDACT_PATHS);
		return;
	}
	o.list = arena_array(c->r.arena, node->count + 1, sizeof(*o.list));
	if (o.list == NULL)
		return;
	reader_each(node, add_redact, &o);
	hook->redact = o.list;
	hook->redact_count = o.count;
	hook->drop_body = true;
}

#define LEAST_SILENCE 1000 /* ms; no sender speaks more often for sure */

bool config_silent_after(struct configuring *c, const struct yaml_node *map, int64_t *ms)
{
	const struct yaml_node *node = yaml_get(map, "silent_after");

	return node == NULL || reader_duration(&c->r, node, LEAST_SILENCE, ms);
}

static void hook_options(struct configuring *c, const struct yaml_node *map,
			 struct hook_config *hook)
{
	const struct yaml_node *node;

	config_header_name(c, map, "header", &hook->header);
	config_header_name(c, map, "timestamp_header", &hook->timestamp_header);
	config_header_name(c, map, "event_header", &hook->event_header);
	config_header_name(c, map, "id_header", &hook->id_header);
	config_verify_options(c, map, hook);
	if ((node = yaml_get(map, "dedupe")) != NULL)
		hook_dedupe(c, node, hook);
	if ((node = yaml_get(map, "handshake")) != NULL)
		hook_handshake(c, node, hook);
	config_keep_body(c, map, hook);
	if ((node = yaml_get(map, "redact")) != NULL)
		hook_redact(c, map, node, hook);
	config_silent_after(c, map, &hook->silent_after);
}

const char *const hook_keys[] = {
	"verify",           "secret",          "event_header", "id_header",
	"dedupe",           "handshake",       "header",       "algorithm",
	"encoding",         "prefix",          "tolerance",    "signed",
	"timestamp_header", "secret_encoding", "user",         "keep_body",
	"redact",           "silent_after",    NULL,
};

static void hook(struct configuring *c, const struct yaml_node *key, const struct yaml_node *map)
{
	struct hook_config *hook = &c->hooks[c->config->hook_count];
	enum verify_scheme verify;

	if (!config_name(c, key, "hook") || !reader_keys(&c->r, map, "a hook", hook_keys, NULL) ||
	    !config_verify(c, map, &verify))
		return;
	*hook = (struct hook_config){ .name = text_dup(c->r.arena, key->text),
				      .at = reader_place(&c->r, key),
				      .verify = verify,
				      .prefix = "" };
	hook_options(c, map, hook);
	c->config->hook_count++;
}

void config_hooks(struct configuring *c, const struct yaml_node *map)
{
	assert(c != NULL && map != NULL);
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		hook(c, map->pairs[i].key, map->pairs[i].val);
	if (map->kind != YAML_MAP && map->kind != YAML_NULL)
		reader_error(&c->r, map, "NAME: { verify: ... }", "hooks must be a map, not %s",
			     yaml_kind_words(map));
}

/* ---- Schedules. ---- */

static void let_zone_go(void *of)
{
	zone_free(of);
}

static void schedule_zone(struct configuring *c, const struct yaml_node *node,
			  struct schedule_config *schedule)
{
	struct text name = TEXT("UTC");

	if (node != NULL && !config_text(c, node, &name))
		return;
	schedule->zone = zone_load(name);
	if (schedule->zone == NULL) {
		if (node != NULL)
			reader_error(&c->r, node, "an IANA name like Europe/Berlin, or UTC",
				     "there is no time zone \"%.*s\"", TEXT_ARG(name));
		else
			diags_add(c->r.diags, DIAG_ERROR, schedule->at, "install tzdata",
				  "the time zone UTC can't be read");
	} else if (!arena_on_free(c->r.arena, let_zone_go, schedule->zone)) {
		zone_free(schedule->zone);
		schedule->zone = NULL;
	}
}

static bool schedule_cron(struct configuring *c, const struct yaml_node *map,
			  struct schedule_config *schedule)
{
	static const char hint[] = "cron: \"0 9 * * MON\"";
	const struct yaml_node *node = reader_need(&c->r, map, "cron", hint);
	struct text t;
	char why[160];

	if (node == NULL || !config_text(c, node, &t))
		return false;
	if (cron_parse(t, &schedule->cron, why, sizeof(why)))
		return true;
	reader_error(&c->r, node, hint, "%s", why);
	return false;
}

static void schedule_words(struct configuring *c, const struct yaml_node *map,
			   struct schedule_config *schedule)
{
	static const char *const gaps[] = { "run", "skip", NULL };
	static const char *const overlaps[] = { "once", "twice", NULL };
	static const char *const misses[] = { "once", "skip", "all", NULL };
	const struct yaml_node *node;
	int choice;

	if ((node = yaml_get(map, "on_gap")) != NULL &&
	    reader_choice(&c->r, node, gaps, NULL, &choice))
		schedule->on_gap = (enum on_gap)choice;
	if ((node = yaml_get(map, "on_overlap")) != NULL &&
	    reader_choice(&c->r, node, overlaps, NULL, &choice))
		schedule->on_overlap = (enum on_overlap)choice;
	if ((node = yaml_get(map, "missed")) != NULL &&
	    reader_choice(&c->r, node, misses, NULL, &choice))
		schedule->missed = (enum missed)choice;
}

const char *const schedule_keys[] = { "cron", "timezone", "on_gap", "on_overlap", "missed", NULL };

static void schedule(struct configuring *c, const struct yaml_node *key,
		     const struct yaml_node *map)
{
	struct schedule_config *schedule = &c->schedules[c->config->schedule_count];

	if (!reader_is_name(key->text)) {
		reader_error(&c->r, key, "small letters, digits, _ and -, a letter first",
			     "\"%.*s\" is no name for a schedule", TEXT_ARG(key->text));
		return;
	}
	if (!reader_keys(&c->r, map, "a schedule", schedule_keys, NULL))
		return;
	*schedule = (struct schedule_config){ .name = text_dup(c->r.arena, key->text),
					      .at = reader_place(&c->r, key) };
	schedule_words(c, map, schedule);
	schedule_zone(c, yaml_get(map, "timezone"), schedule);
	if (schedule_cron(c, map, schedule) && schedule->zone != NULL)
		c->config->schedule_count++;
}

void config_schedules(struct configuring *c, const struct yaml_node *map)
{
	assert(c != NULL && map != NULL);
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		schedule(c, map->pairs[i].key, map->pairs[i].val);
	if (map->kind != YAML_MAP && map->kind != YAML_NULL)
		reader_error(&c->r, map, "NAME: { cron: ... }", "schedules must be a map, not %s",
			     yaml_kind_words(map));
}
