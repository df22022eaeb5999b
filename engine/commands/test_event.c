/* SPDX-License-Identifier: Apache-2.0
 *
 * test_event - an event as tests write it.
 *
 *   event: { type: T, subject: S, data: {...}, before: {...} }
 *   event: { file: acme.json, set: { data.price: 5, before.price: 4 } }
 *
 * A file holds one event, as JSON or YAML: a CloudEvent, or a line of
 * `tappet events --format json`. What is written inline goes before what the
 * file says; `set` goes before both. Unset are: the type, where the rule names
 * exactly one; the source and the connection, as they would arrive: a hook's
 * event comes from the hook, a schedule's from the schedule, both without a
 * connection; else the connection is the one that is clear. */
#include "engine/commands/test_case.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/value/parse.h"

static const char *const members[] = { "type", "id",   "subject", "source", "connection",
				       "time", "data", "before",  NULL };

const char *const test_event_keys[] = { "type", "id",     "subject", "source", "connection", "time",
					"data", "before", "file",    "set",    NULL };

DEFINE_AUTO(json_parser_free, struct json_parser *)

/* ---- Changing values, which are immutable: by copying maps along the path. ---- */

/* `v` with `path` (not empty) set to `to`; what is no map on the way becomes one. */
static struct value with_path(struct arena *arena, struct value v, struct text path,
			      struct value to)
{
	struct value_map_builder b;
	struct text head, rest = text_split(path, '.', &head);
	struct value key = value_text(head);
	const struct value *old = value_get(v, head);

	value_map_begin(&b, arena);
	for (uint32_t i = 0; v.kind == VALUE_MAP && i < v.n; i++)
		value_map_add(&b, v.pairs[i].key, v.pairs[i].val);
	if (rest.n > 0)
		to = with_path(arena, old != NULL ? *old : value_null(), rest, to);
	value_map_add(&b, key, to);
	return value_map_end(&b);
}

static bool is_member(struct text name)
{
	for (size_t i = 0; members[i] != NULL; i++)
		if (text_is(name, members[i]))
			return true;
	return false;
}

static size_t depth(struct text path)
{
	size_t n = 1;

	for (size_t i = 0; i < path.n; i++)
		n += path.s[i] == '.';
	return n;
}

static struct value apply_set(const struct reader *r, const struct yaml_node *set, struct value v)
{
	struct text head;

	if (set->kind != YAML_MAP) {
		reader_error(r, set, "set: { data.stage: project }", "set must be a map, not %s",
			     yaml_kind_words(set));
		return v;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct yaml_node *key = set->pairs[i].key;
		struct text path = text_dup(r->arena, key->text);

		(void)text_split(path, '.', &head);
		if (!is_member(head) || depth(path) > LIMIT_JSON_DEPTH)
			reader_error(r, key, "paths begin with the event's member: data.stage",
				     "an event has no \"%.*s\"", TEXT_ARG(head));
		else
			v = with_path(r->arena, v, path, yaml_value(r->arena, set->pairs[i].val));
	}
	return v;
}

/* ---- Files. ---- */

static struct value parse_json(const struct reader *r, const struct yaml_node *node,
			       struct text path, struct text content)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct value v = value_null();
	struct json_error error;

	if (parser == NULL)
		reader_error(r, node, "", "memory is out");
	else if (json_parse(parser, r->arena, content, &v, &error) != FATE_OK)
		reader_error(r, node, "", "%.*s:%d:%d: %s", TEXT_ARG(path), error.line,
			     error.column, error.what);
	return v;
}

static struct value parse_yaml(const struct reader *r, struct text path, struct text content)
{
	const char *name = diags_source(r->diags, text_dup(r->arena, path).s, content);
	struct yaml_node *tree = NULL;

	if (name != NULL)
		tree = yaml_read(r->arena, r->diags, name, content);
	return tree != NULL ? yaml_value(r->arena, tree) : value_null();
}

static struct value read_file(const struct reader *r, const struct rule *rule,
			      const struct yaml_node *node)
{
	AUTO_FINI(buf_fini) struct buf content;
	const char *why = NULL;
	struct value v = value_null();
	struct text path;

	buf_init(&content, LIMIT_BODY_MAX);
	if (!reader_text(r, node, &path))
		return v;
	path = reader_path(r->arena, reader_directory(text_of(rule->at.file)), path);
	if (!reader_file(path, LIMIT_BODY_MAX, &content, &why)) {
		reader_error(r, node, "paths are relative to the rule's file", "%.*s: %s",
			     TEXT_ARG(path), why);
		return v;
	}
	if (text_ends(path, TEXT(".yaml")) || text_ends(path, TEXT(".yml")))
		v = parse_yaml(r, path, buf_view(&content));
	else
		v = parse_json(r, node, path, buf_view(&content));
	return v;
}

/* ---- Members. ---- */

static struct text as_text(const struct reader *r, struct value v)
{
	struct text t = TEXT_NONE;
	struct buf b;

	if (v.kind == VALUE_NULL)
		return t;
	buf_init(&b, LIMIT_BODY_MAX);
	value_write_plain(&b, v);
	if (!buf_failed(&b))
		t = text_dup(r->arena, buf_view(&b));
	buf_fini(&b);
	return t;
}

static struct text as_json(const struct reader *r, struct value v)
{
	struct text t = TEXT_NONE;
	struct buf b;

	buf_init(&b, LIMIT_BODY_MAX);
	value_write(&b, v);
	if (!buf_failed(&b))
		t = text_dup(r->arena, buf_view(&b));
	buf_fini(&b);
	return t;
}

static struct value member(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL ? *found : value_null();
}

static struct text default_type(const struct rule *rule)
{
	if (rule->on_count == 1 && memchr(rule->on[0].s, '*', rule->on[0].n) == NULL)
		return rule->on[0];
	return TEXT_NONE;
}

/* The source as intake and schedules write it: hook.NAME.EVENT comes from NAME. */
static struct text default_source(struct text type)
{
	struct text head, name, rest = text_split(type, '.', &head);

	if (text_is(head, "schedule"))
		return type;
	(void)text_split(rest, '.', &name);
	return text_is(head, "hook") && name.n > 0 ? name : TEXT("test");
}

static void read_members(const struct reader *r, const struct rule *rule,
			 const struct yaml_node *node, struct value v, struct test_event *out)
{
	struct text time = as_text(r, member(v, "time"));

	out->type = as_text(r, member(v, "type"));
	out->id = as_text(r, member(v, "id"));
	out->subject = as_text(r, member(v, "subject"));
	out->source = as_text(r, member(v, "source"));
	out->connection = as_text(r, member(v, "connection"));
	out->data = as_json(r, member(v, "data"));
	out->before = as_json(r, member(v, "before"));
	out->time = INT64_MIN;
	if (out->type.n == 0)
		out->type = default_type(rule);
	if (out->source.n == 0)
		out->source = default_source(out->type);
	if (out->type.n == 0)
		reader_error(r, node, "", "the event needs a type");
	if (time.n > 0 && !timetext_parse_ms(time, &out->time))
		reader_error(r, node, "for example 2026-01-31T08:00:00Z", "\"%.*s\" is no time",
			     TEXT_ARG(time));
}

bool test_event_read(const struct reader *r, const struct rule *rule, const struct yaml_node *node,
		     struct test_event *out)
{
	size_t errors = diags_errors(r->diags);
	struct value v = value_null();
	const struct yaml_node *file, *set;

	assert(rule != NULL && node != NULL && out != NULL);
	if (!reader_keys(r, node, "an event", test_event_keys, NULL))
		return false;
	if ((file = yaml_get(node, "file")) != NULL)
		v = read_file(r, rule, file);
	for (size_t i = 0; i < node->count; i++) {
		struct text name = text_dup(r->arena, node->pairs[i].key->text);

		if (is_member(name))
			v = with_path(r->arena, v, name, yaml_value(r->arena, node->pairs[i].val));
	}
	if ((set = yaml_get(node, "set")) != NULL)
		v = apply_set(r, set, v);
	read_members(r, rule, node, v, out);
	return diags_errors(r->diags) == errors;
}
