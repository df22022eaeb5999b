/* SPDX-License-Identifier: Apache-2.0
 *
 * connectors - every connector with its settings, events and actions, printed
 * from the tables that the engine itself works by. */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/command.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"

static const char *type_word(enum param_type type)
{
	static const char *const words[] = {
		[PARAM_TEXT] = "text",     [PARAM_ID] = "id",     [PARAM_INT] = "int",
		[PARAM_NUMBER] = "number", [PARAM_BOOL] = "bool", [PARAM_CHOICE] = "choice",
		[PARAM_DATE] = "date",     [PARAM_UNIX] = "time", [PARAM_MAP] = "map",
		[PARAM_LIST] = "list",     [PARAM_MAIL] = "mail", [PARAM_ANY] = "any",
	};

	assert((size_t)type < sizeof(words) / sizeof(words[0]));
	return words[type];
}

static const char *field_word(enum field_type type)
{
	static const char *const words[] = {
		[FIELD_ANY] = "any",
		[FIELD_TEXT] = "text",
		[FIELD_BOOL] = "bool",
		[FIELD_INT] = "int",
		[FIELD_DOUBLE] = "double",
		[FIELD_TIMESTAMP] = "timestamp",
		[FIELD_TIMESTAMP_UNIX] = "timestamp",
		[FIELD_DATE] = "date",
		[FIELD_LIST] = "list",
		[FIELD_MAP] = "map",
	};

	assert((size_t)type < sizeof(words) / sizeof(words[0]));
	return words[type];
}

static const struct field *fields_of(const struct event_type *e)
{
	return e->kind != NULL ? e->kind->fields : NULL;
}

static const char *doubt_word(enum doubt doubt)
{
	static const char *const words[] = {
		[DOUBT_REPEAT] = "repeat",
		[DOUBT_LOOKUP] = "lookup",
		[DOUBT_PARK] = "park",
	};

	assert((size_t)doubt < sizeof(words) / sizeof(words[0]));
	return words[doubt];
}

static const char *reads_word(enum action_reads reads)
{
	static const char *const words[] = {
		[READS_NOT] = "no",
		[READS] = "yes",
		[READS_BY_METHOD] = "by_method",
	};

	assert((size_t)reads < sizeof(words) / sizeof(words[0]));
	return words[reads];
}

/* ---- JSON. ---- */

static void json_params(struct buf *out, const char *key, const struct param *table)
{
	json_key(out, key);
	json_open(out, '[');
	for (const struct param *p = table; p != NULL && p->name != NULL; p++) {
		json_open(out, '{');
		json_str(out, "name", p->name);
		json_str(out, "type", type_word(p->type));
		json_bool(out, "required", p->required);
		json_bool(out, "secret", p->secret);
		json_str(out, "doc", p->doc);
		if (p->choices != NULL) {
			json_key(out, "choices");
			json_open(out, '[');
			for (const char *const *c = p->choices; *c != NULL; c++)
				json_item(out, text_of(*c));
			json_close(out, ']');
		}
		if (p->members != NULL)
			json_params(out, "members", p->members);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void json_fields(struct buf *out, const struct field *table)
{
	json_key(out, "fields");
	json_open(out, '[');
	for (const struct field *f = table; f != NULL && f->name != NULL; f++) {
		json_open(out, '{');
		json_str(out, "name", f->name);
		json_str(out, "type", field_word(f->type));
		json_str(out, "doc", f->doc);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void json_events(struct buf *out, const struct event_type *events)
{
	json_key(out, "events");
	json_open(out, '[');
	for (const struct event_type *e = events; e != NULL && e->name != NULL; e++) {
		json_open(out, '{');
		json_str(out, "name", e->name);
		json_str(out, "doc", e->doc);
		json_str(out, "object", e->kind != NULL ? e->kind->name : NULL);
		json_raw(out, "example", text_of(e->example));
		json_fields(out, fields_of(e));
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void json_actions(struct buf *out, const struct connector *c)
{
	json_key(out, "actions");
	json_open(out, '[');
	for (const struct action *a = c->actions; a != NULL && a->name != NULL; a++) {
		json_open(out, '{');
		json_key(out, "name");
		buf_printf(out, "\"%s.%s\"", c->name, a->name);
		json_str(out, "doc", a->doc);
		json_params(out, "params", a->params);
		json_str(out, "after_doubt", doubt_word(a->after_doubt));
		json_str(out, "reads", reads_word(a->reads));
		json_str(out, "example", a->example);
		json_str(out, "result", a->result);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void json_resources(struct buf *out, const struct resource *resources)
{
	json_key(out, "polls");
	json_open(out, '[');
	for (const struct resource *r = resources; r != NULL && r->name != NULL; r++) {
		json_open(out, '{');
		json_str(out, "name", r->name);
		json_str(out, "doc", r->doc);
		json_int(out, "every_ms", r->every);
		json_int(out, "full_ms", r->full);
		json_close(out, '}');
	}
	json_close(out, ']');
}

/* Polls under names of the user's. */
static void json_any_resource(struct buf *out, const struct resource *r)
{
	if (r == NULL)
		return;
	json_key(out, "any_poll");
	json_open(out, '{');
	json_str(out, "doc", r->doc);
	json_int(out, "every_ms", r->every);
	json_int(out, "full_ms", r->full);
	json_params(out, "params", r->params);
	json_close(out, '}');
}

static const char *auth_word(enum auth_kind auth)
{
	static const char *const words[] = {
		[AUTH_NONE] = "none",
		[AUTH_BEARER] = "bearer",
		[AUTH_CLIENT_CREDENTIALS] = "client_credentials",
		[AUTH_URL] = "url",
		[AUTH_MEMBER] = "member",
		[AUTH_ANY] = "any",
		[AUTH_LOGIN] = "login",
	};

	return (size_t)auth < sizeof(words) / sizeof(words[0]) ? words[auth] : NULL;
}

/* What is sent to one target unless the connection's `rate` says otherwise. */
static void json_rate(struct buf *out, const struct connector *c)
{
	if (c->per_second <= 0)
		return;
	json_key(out, "rate");
	json_open(out, '{');
	json_key(out, "per_second");
	buf_printf(out, "%g", c->per_second);
	json_key(out, "burst");
	buf_printf(out, "%g", c->burst);
	json_close(out, '}');
}

static void show_json(struct buf *out, const struct connector *c)
{
	json_open(out, '{');
	json_str(out, "name", c->name);
	json_str(out, "title", c->title);
	json_str(out, "doc", c->doc);
	json_str(out, "auth", auth_word(c->auth));
	json_str(out, "base_url", c->base_url);
	json_bool(out, "webhook", c->webhook != NULL);
	json_rate(out, c);
	json_params(out, "settings", c->settings);
	json_events(out, c->events);
	json_actions(out, c);
	json_resources(out, c->resources);
	json_any_resource(out, c->any_resource);
	json_close(out, '}');
	json_line(out);
}

/* ---- Text. ---- */

static void heading(struct context *context, const char *text)
{
	buf_char(&context->out, '\n');
	tint_put(&context->out, TINT_BOLD, text_of(text), context->colour);
	buf_char(&context->out, '\n');
}

static void text_params(struct buf *out, const struct param *table, int depth)
{
	for (const struct param *p = table; p != NULL && p->name != NULL; p++) {
		int width = 20 - 2 * depth;

		buf_printf(out, "%*s%-*s %-7s %s%s%s", 4 + 2 * depth, "", width, p->name,
			   type_word(p->type), p->required ? "required. " : "",
			   p->secret ? "secret. " : "", p->doc != NULL ? p->doc : "");
		for (const char *const *c = p->choices; c != NULL && *c != NULL; c++)
			buf_printf(out, "%s%s", c == p->choices ? " One of: " : ", ", *c);
		buf_char(out, '\n');
		text_params(out, p->members, depth + 1);
	}
}

static void text_actions(struct context *context, const struct connector *c)
{
	struct buf *out = &context->out;

	if (c->actions == NULL || c->actions->name == NULL)
		return;
	heading(context, "actions");
	for (const struct action *a = c->actions; a->name != NULL; a++) {
		buf_printf(out, "  %s.%s: %s\n", c->name, a->name, a->doc);
		text_params(out, a->params, 0);
		buf_printf(out, "    result: %s\n", a->result != NULL ? a->result : "none");
		buf_printf(out, "    in doubt: %s\n", doubt_word(a->after_doubt));
		if (a->reads != READS_NOT)
			buf_printf(out, "    look-ups: yes%s\n",
				   a->reads == READS_BY_METHOD ? ", with method GET" : "");
		if (a->example != NULL)
			buf_printf(out, "    - %s.%s: %s\n", c->name, a->name, a->example);
	}
}

static void text_polls(struct context *context, const struct connector *c)
{
	char every[TIMETEXT_MAX], full[TIMETEXT_MAX];

	if (c->resources == NULL || c->resources->name == NULL)
		return;
	heading(context, "polls");
	for (const struct resource *r = c->resources; r->name != NULL; r++) {
		timetext_duration_format(r->every, every);
		timetext_duration_format(r->full, full);
		buf_printf(&context->out, "  %s: %s (every %s", r->name, r->doc, every);
		if (r->feed != NULL)
			buf_printf(&context->out, ", further back every %s", full);
		else if (r->catch_up == NULL)
			buf_printf(&context->out, ", all of them every %s", full);
		buf_str(&context->out, ")\n");
	}
}

static void text_any_poll(struct context *context, const struct connector *c)
{
	const struct resource *r = c->any_resource;
	char every[TIMETEXT_MAX];

	if (r == NULL)
		return;
	heading(context, "polls");
	timetext_duration_format(r->every, every);
	buf_printf(&context->out, "  NAME: %s (every %s)\n", r->doc, every);
	text_params(&context->out, r->params, 0);
	buf_printf(&context->out, "    makes %s.CONNECTION.NAME.created, .updated and .deleted\n",
		   c->name);
}

/* Events of one kind stand together and have the same fields, which follow the last of them. */
static void text_event(struct buf *out, const struct event_type *e)
{
	const struct field *f = fields_of(e);

	buf_printf(out, "  %s: %s\n", e->name, e->doc);
	if (f == NULL || (e[1].name != NULL && e[1].kind == e->kind))
		return;
	buf_printf(out, "    fields of %s in data and before:\n", e->kind->name);
	for (; f->name != NULL; f++)
		buf_printf(out, "    %-28s %-9s %s\n", f->name, field_word(f->type),
			   f->doc != NULL ? f->doc : "");
}

static void show_text(struct context *context, const struct connector *c)
{
	struct buf *out = &context->out;

	tint_put(out, TINT_BOLD, text_of(c->name), context->colour);
	buf_printf(out, ": %s\n%s\n", c->title, c->doc);
	if (c->settings != NULL && c->settings->name != NULL) {
		heading(context, "settings");
		text_params(out, c->settings, 0);
	}
	if (c->events != NULL && c->events->name != NULL)
		heading(context, "events");
	for (const struct event_type *e = c->events; e != NULL && e->name != NULL; e++)
		text_event(out, e);
	text_polls(context, c);
	text_any_poll(context, c);
	text_actions(context, c);
}

static void show_list(struct context *context, const struct connector *const *all)
{
	for (size_t i = 0; all[i] != NULL; i++) {
		if (i > 0)
			buf_char(&context->out, '\n');
		show_text(context, all[i]);
	}
}

static int unknown(struct context *context, const struct connector *const *all, const char *name)
{
	const char *names[64 + LIMIT_PLUGINS] = { 0 };

	for (size_t i = 0; all[i] != NULL && i < 63 + LIMIT_PLUGINS; i++)
		names[i] = all[i]->name;
	const char *near = text_nearest(text_of(name), names);

	if (near != NULL)
		return context_fail(context, COMMAND_FAILED,
				    "there is no connector \"%s\"; did you mean \"%s\"?", name,
				    near);
	return context_fail(context, COMMAND_FAILED, "there is no connector \"%s\"", name);
}

static int run(struct context *context)
{
	AUTO(config_free) struct config *config = NULL;
	const struct connector *const *all = setup_connectors(context, &config);
	const struct connector *one = NULL;

	if (all == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	if (context->arg_count == 1) {
		for (size_t i = 0; all[i] != NULL; i++)
			if (strcmp(all[i]->name, context->args[0]) == 0)
				one = all[i];
		if (one == NULL)
			return unknown(context, all, context->args[0]);
	}
	if (context->format == OUTPUT_TEXT && one != NULL)
		show_text(context, one);
	else if (context->format == OUTPUT_TEXT)
		show_list(context, all);
	for (size_t i = 0; context->format == OUTPUT_JSON && all[i] != NULL; i++)
		if (one == NULL || one == all[i])
			show_json(&context->out, all[i]);
	return COMMAND_OK;
}

const struct command command_connectors = {
	.name = "connectors",
	.arguments = "[NAME]",
	.doc = "Describes every connector, event type and action",
	.more = "Plugins of tappet.yaml, where there is one, are described by what they said of "
		"themselves last,\nor by their manifest.",
	.most = 1,
	.run = run,
};
