/* SPDX-License-Identifier: Apache-2.0
 *
 * try - what a rule would send for an event: every request, rendered, and none of
 * them sent.
 *
 * The rule is the configured one, whatever its mode; the event comes from the store
 * or from a file. What depends on state (throttle, edge) is explain's business.
 * I1  Nothing is written and nothing leaves: the store is open for reading. */
#include <assert.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/commands/event_read.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/rules/edge.h"
#include "engine/rules/explain.h"
#include "engine/rules/render.h"
#include "engine/sequencer/tables.h"

static const struct option_row options[] = {
	{ "clear", 0, NULL, "the steps of clear instead of those of do" },
	{ "rules", 0, "PATH", "rules from here instead of the configuration's" },
	{ 0 },
};

struct trying {
	struct context *context;
	const struct config *config;
	struct json_parser *parser;
	const struct rule *rule;
	struct event_view event;
	int64_t now; /* ms: ctx.now */
	bool clear;
	int shown; /* steps so far */
	const struct ruleset *rules;
	struct store *store; /* NULL: the event comes from a file */
	struct stored_tables tables;
	struct known_objects known;
	struct entities entities;
};

/* ---- The steps. ---- */

static bool has_body(const struct rendered *r)
{
	return r->how == RENDER_SENT && r->request.body.n > 0;
}

static const char *state_word(enum render_how how)
{
	return how == RENDER_SENT      ? "unsent"
	       : how == RENDER_SKIPPED ? "skipped"
	       : how == RENDER_NEEDS   ? "needs"
	       : how == RENDER_LOOP    ? "for_each"
				       : "failed";
}

static void put_body(struct buf *out, struct text body)
{
	if (!text_is_utf8(body)) {
		buf_printf(out, "     (%zu bytes that are not text)\n", body.n);
		return;
	}
	buf_str(out, "     ");
	plain_put(out, body);
	buf_char(out, '\n');
}

static void put_line(struct buf *out, const char *before, struct text text, const char *after)
{
	if (text.n == 0)
		return;
	buf_printf(out, "     %s", before);
	plain_put(out, text);
	buf_printf(out, "%s\n", after);
}

static void put_header(struct buf *out, struct text name, struct text value)
{
	buf_str(out, "     ");
	plain_put(out, name);
	buf_str(out, ": ");
	plain_put(out, value);
	buf_char(out, '\n');
}

static void put_request(struct trying *t, const struct rendered *r)
{
	struct buf *out = &t->context->out;

	buf_printf(out, "     %s ", r->request.method);
	plain_put(out, request_place(&r->request));
	buf_char(out, '\n');
	for (unsigned i = 0; i < r->request.header_count; i++)
		put_header(out, r->request.headers[i].name, r->request.headers[i].value);
	if (r->request.auth.secret.n > 0) {
		AUTO_FINI(buf_fini) struct buf words;

		/* Named, not told: what goes out is known when it does. */
		buf_init(&words, 2 * LIMIT_URL);
		request_auth_words(&r->request, &words);
		put_header(out, r->request.auth.header, buf_view(&words));
	}
	if (has_body(r))
		put_body(out, r->request.body);
	if (r->prepares)
		buf_str(out, "     then what that reads is needed for the request itself\n");
}

static void put_step(void *of, const struct rendered *r)
{
	struct trying *t = of;
	struct buf *out = &t->context->out;
	const struct step *step = r->step;

	buf_printf(out, "\n  %d. ", ++t->shown);
	if (step->name.n > 0) {
		plain_put(out, step->name);
		buf_str(out, ": ");
	}
	buf_str(out, step->what);
	if (step->connection.n > 0 && !text_is(step->connection, step->connector->name))
		buf_printf(out, " via %.*s", TEXT_ARG(step->connection));
	if (step->handles >= 0)
		buf_str(out, "  on_error");
	if (r->how == RENDER_SKIPPED) {
		buf_str(out, "  ");
		tint_put(out, TINT_FAINT,
			 r->absent ? TEXT("skipped: a parameter is null, so it is null")
				   : TEXT("skipped: its if is false"),
			 t->context->colour);
	}
	buf_char(out, '\n');
	put_line(out, "only if what ", r->needs_if, " brings says so");
	if (r->how == RENDER_SENT)
		put_request(t, r);
	if (r->how == RENDER_LOOP)
		buf_printf(out, "     %zu items%s\n", r->items,
			   r->items > 0 ? "; of the first:" : ": nothing to do");
	if (r->how == RENDER_NEEDS)
		put_line(out, "needs ", r->needs, ": nothing has answered yet");
	if (r->how == RENDER_FAILED)
		put_line(out, "would fail: ", r->why, "");
}

static void header_json(struct buf *out, struct text name, struct text value)
{
	json_open(out, '{');
	json_text(out, "name", name);
	json_text(out, "value", value);
	json_close(out, '}');
}

static void headers_json(struct buf *out, const struct request *request)
{
	json_key(out, "headers");
	json_open(out, '[');
	for (unsigned i = 0; i < request->header_count; i++)
		header_json(out, request->headers[i].name, request->headers[i].value);
	if (request->auth.secret.n > 0) {
		AUTO_FINI(buf_fini) struct buf words;

		buf_init(&words, 2 * LIMIT_URL);
		request_auth_words(request, &words);
		header_json(out, request->auth.header, buf_view(&words));
	}
	json_close(out, ']');
}

static void step_json(void *of, const struct rendered *r)
{
	struct trying *t = of;
	struct buf *out = &t->context->out;
	struct text body = r->request.body;

	json_open(out, '{');
	json_maybe(out, "as", r->step->name);
	json_str(out, "action", r->step->what);
	json_maybe(out, "connection", r->step->connection);
	json_str(out, "state", state_word(r->how));
	json_str(out, "key", r->key);
	if (r->how == RENDER_SENT) {
		json_key(out, "request");
		json_open(out, '{');
		json_str(out, "method", r->request.method);
		json_text(out, "url", r->request.url);
		headers_json(out, &r->request);
		json_maybe(out, "body", text_is_utf8(body) ? body : TEXT("(not text)"));
		json_close(out, '}');
		json_bool(out, "prepares", r->prepares);
	}
	if (r->how == RENDER_LOOP)
		json_int(out, "items", (int64_t)r->items);
	json_maybe(out, "needs", r->needs);
	json_maybe(out, "needs_if", r->needs_if);
	json_maybe(out, "error", r->why);
	json_close(out, '}');
}

/* ---- The whole. ---- */

static const char *const mode_words[] = { "live", "shadow", "off" };

static void put_head(struct trying *t, const struct explanation *told, bool fires)
{
	struct buf *out = &t->context->out;

	buf_str(out, "rule ");
	tint_put(out, TINT_BOLD, t->rule->id, t->context->colour);
	buf_printf(out, " (%s), event ", mode_words[t->rule->mode]);
	tint_put(out, TINT_BOLD, t->event.id, t->context->colour);
	buf_str(out, ", ");
	plain_put(out, t->event.type);
	buf_char(out, '\n');
	if (fires) {
		buf_str(out, t->clear ? "would clear key " : "would fire for key ");
		plain_put(out, told->decision.key);
		if (t->rule->lookup_first >= 0)
			buf_str(out, " unless its look-ups bring what makes when false");
	} else {
		buf_str(out, t->clear ? "would not clear: " : "would not fire: ");
		plain_put(out, told->because);
	}
	buf_char(out, '\n');
}

static void head_json(struct trying *t, const struct explanation *told, bool fires)
{
	struct buf *out = &t->context->out;

	json_open(out, '{');
	json_text(out, "rule", t->rule->id);
	json_text(out, "revision", t->rule->revision);
	json_str(out, "mode", mode_words[t->rule->mode]);
	json_text(out, "event", t->event.id);
	json_bool(out, "fires", fires);
	json_maybe(out, "key", told->decision.key);
	json_maybe(out, "why", fires ? TEXT_NONE : told->because);
	json_key(out, "steps");
	json_open(out, '[');
}

static void end_json(struct buf *out)
{
	json_close(out, ']');
	json_close(out, '}');
	json_line(out);
}

/* The steps to show begin here; the number of steps: there are none. */
static int first_step(const struct trying *t)
{
	if (t->clear)
		return t->rule->clear_first >= 0 ? t->rule->clear_first : t->rule->step_count;
	return t->rule->main_count > 0 ? 0 : t->rule->step_count;
}

static void put_steps(struct trying *t, struct scope *scope, const struct explanation *told)
{
	const struct rendering rendering = {
		.config = t->config,
		.parser = t->parser,
		.scope = scope,
		.key = rule_key_bounded(scope->arena, told->decision.key),
	};

	if (t->rule->lookup_first >= 0)
		render_steps(&rendering, t->rule->lookup_first,
			     t->context->format == OUTPUT_JSON ? step_json : put_step, t);
	scope->steps = value_null();
	render_steps(&rendering, first_step(t),
		     t->context->format == OUTPUT_JSON ? step_json : put_step, t);
}

/* Whether the rule fires, in words. Those are about the rule loaded by itself, as the store keeps
 * it.
 */
static bool explain(struct trying *t, struct explanation *told)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(arena_free) struct arena *trees = arena_new("explanation", LIMIT_COMMAND_ARENA);
	AUTO(ruleset_free)
	struct ruleset *set =
	    diags != NULL ? ruleset_load_revision(t->config, t->rule->id, t->rule->source, diags)
			  : NULL;
	struct scope scope = { .arena = t->context->arena,
			       .event = &t->event,
			       .entities = t->store != NULL ? &t->entities : NULL,
			       .now = t->now };

	if (trees == NULL || set == NULL)
		return false;
	scope.rule = ruleset_at(set, 0);
	if (!rule_explain(&scope, trees, told))
		return false;
	/* What clears is a condition that is false, of which no key is told. */
	if (t->clear && told->decision.verdict == VERDICT_NO)
		told->decision.key = rule_decide_key(&scope).key;
	told->because = t->clear && told->decision.verdict == VERDICT_YES
			    ? TEXT("its condition is true")
			    : text_dup(t->context->arena, told->because);
	told->decision.key = text_dup(t->context->arena, told->decision.key);
	return true;
}

static int answer(struct trying *t)
{
	struct context *context = t->context;
	struct scope scope = { .arena = context->arena,
			       .rule = t->rule,
			       .event = &t->event,
			       .entities = t->store != NULL ? &t->entities : NULL,
			       .now = t->now };
	struct explanation told;
	bool json = context->format == OUTPUT_JSON, fires;

	if (!explain(t, &told))
		return context_fail(context, COMMAND_FAILED, "memory is out");
	fires = t->clear ? edge_has_fallen(&scope) : told.decision.verdict == VERDICT_YES;
	if (json)
		head_json(t, &told, fires);
	else
		put_head(t, &told, fires);
	if (fires)
		put_steps(t, &scope, &told);
	if (json)
		end_json(&context->out);
	else if (fires)
		buf_str(&context->out, t->shown > 0 ? "\nnothing was sent\n"
						    : "it has no steps: nothing to send\n");
	return arena_failed(context->arena) ? context_fail(context, COMMAND_FAILED, "memory is out")
					    : COMMAND_OK;
}

/* ---- The question. ---- */

static int take_event(struct trying *t, const char *word)
{
	struct event_record record;
	bool found = event_find(t->store, t->context->arena, text_of(word), &record);

	if (!found && text_starts(text_of(word), TEXT("run:")))
		return context_fail(t->context, COMMAND_FAILED,
				    "there is no such run, or its event is gone: %s", word);
	if (!found)
		return context_fail(
		    t->context, COMMAND_FAILED,
		    "there is no event %s and no such file; \"tappet events\" lists "
		    "events",
		    word);
	if (!event_of_record(t->config, t->parser, t->context->arena, &record, &t->event))
		return context_fail(t->context, COMMAND_FAILED, "the event can't be read");
	t->now = record.received;
	return COMMAND_OK;
}

static int from_file(struct trying *t, const char *file)
{
	int code = event_of_file(t->context, t->config, t->parser, file, t->now, &t->event);

	t->tables.reader = (struct table_reader){ .set = t->rules };
	t->event.tables = &t->tables.reader;
	return code == COMMAND_OK ? answer(t) : code;
}

static int from_store(struct trying *t, const char *word)
{
	int code = COMMAND_OK;
	AUTO(store_close) struct store *store = setup_store(t->context, &code);

	if (store == NULL)
		return code;
	t->store = store;
	code = take_event(t, word);
	stored_tables_init(&t->tables, store, t->parser, t->rules);
	t->event.tables = &t->tables.reader;
	t->known = (struct known_objects){ store, t->parser };
	t->entities = (struct entities){ &t->known, event_known };
	return code == COMMAND_OK ? answer(t) : code;
}

static int no_rule(struct context *context, const struct ruleset *rules, const char *id)
{
	size_t count = ruleset_count(rules);
	const char **names = arena_array(context->arena, count + 1, sizeof(*names));
	const char *near;

	if (names == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	for (size_t i = 0; i < count; i++)
		names[i] = ruleset_at(rules, i)->id.s;
	names[count] = NULL;
	near = text_nearest(text_of(id), names);
	return context_fail(context, COMMAND_FAILED, "there is no rule %s%s%s%s", id,
			    near != NULL ? "; did you mean " : "", near != NULL ? near : "",
			    near != NULL ? "?" : "");
}

static int run(struct context *context)
{
	const char *path = option_value(context, "rules");
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct clock clock = clock_system();
	struct ruleset *set;
	int code = COMMAND_FAILED;

	if (diags == NULL || parser == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free)
	struct config *config =
	    setup_rules(context, &path, path != NULL ? 1 : 0, diags, &set, &code);
	AUTO(ruleset_free) struct ruleset *rules = set;

	if (rules == NULL || diags_errors(diags) > 0) {
		(void)setup_complain(diags);
		return code;
	}
	struct trying t = { .context = context,
			    .config = config,
			    .parser = parser,
			    .rules = rules,
			    .rule = ruleset_find(rules, text_of(context->args[0])),
			    .now = clock_read(&clock).wall,
			    .clear = option_flag(context, "clear") };

	if (t.rule == NULL)
		return no_rule(context, rules, context->args[0]);
	if (t.clear && t.rule->clear_first < 0)
		return context_fail(context, COMMAND_FAILED, "rule %s has no clear",
				    context->args[0]);
	return access(context->args[1], F_OK) == 0 ? from_file(&t, context->args[1])
						   : from_store(&t, context->args[1]);
}

const struct command command_try = {
	.name = "try",
	.arguments = "RULE EVENT",
	.doc = "Shows every request a rule would send for an event, and sends none",
	.more = "EVENT is an event's id, its seq, run:ID for the event of that run, or a file with "
		"a\nCloudEvent in JSON. The rule is taken as it is configured now, whatever its "
		"mode. Throttle\nand edge are not asked: tappet explain tells of them.",
	.options = options,
	.least = 2,
	.most = 2,
	.run = run,
};
