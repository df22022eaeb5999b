/* SPDX-License-Identifier: Apache-2.0
 *
 * explain - why a rule did or did not fire on an event, with the values seen.
 *
 * The rule is the configured one or, with --revision, as it was: its text is in
 * the store. It is loaded by itself, so that places in it are known. The event
 * comes from the store or from a file; what expressions read besides (vars) is of
 * today.
 * I1  Nothing is written: the store is open for reading. */
#include "engine/commands/explain.h"

#include <assert.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/commands/event_read.h"
#include "engine/commands/setup.h"
#include "engine/sequencer/tables.h"

#define NAMES 4096 /* rules looked through for "did you mean" */

static const struct option_row options[] = {
	{ "revision", 0, "REV", "the rule as it was: 12 hex digits, or \"recorded\"" },
	{ "event-file", 0, "FILE", "an event that is not recorded: a CloudEvent in JSON" },
	{ "rules", 0, "PATH", "rules from here instead of the configuration's" },
	{ 0 },
};

struct asking {
	struct context *context;
	struct config *config;
	const struct ruleset *rules;
	struct stored_tables tables;
	struct store *store; /* NULL: the event comes from a file */
	struct json_parser *parser;
	struct text id; /* of the rule */
	int64_t now;
	struct text source; /* of the rule as it is to be explained */
	struct explain_view view;
};

/* ---- The event. ---- */

static int take_recorded(struct asking *a, const char *word)
{
	struct event_record record;

	if (!event_find(a->store, a->context->arena, text_of(word), &record))
		return context_fail(a->context, COMMAND_FAILED,
				    "there is no event %s; \"tappet events\" lists them, and "
				    "retention forgets what is old",
				    word);
	if (!event_of_record(a->config, a->parser, a->context->arena, &record, &a->view.event))
		return context_fail(a->context, COMMAND_FAILED, "the event can't be read");
	a->view.received = record.received;
	if (!explain_find_run(a->store, a->context->arena, a->id, &a->view))
		return context_fail(a->context, COMMAND_FAILED, "%s",
				    store_last_error(a->store)->text);
	return COMMAND_OK;
}

static int take_file(struct asking *a, const char *file)
{
	return event_of_file(a->context, a->config, a->parser, file, a->now, &a->view.event);
}

/* ---- The rule. ---- */

static const char *nearest_rule(const struct asking *a)
{
	const char **names = arena_array(a->context->arena, NAMES + 1, sizeof(*names));
	size_t n = 0;

	if (names == NULL)
		return NULL;
	while (n < ruleset_count(a->rules) && n < NAMES) {
		names[n] = ruleset_at(a->rules, n)->id.s;
		n++;
	}
	names[n] = NULL;
	return text_nearest(a->id, names);
}

static struct text kept_revisions(const struct asking *a)
{
	return a->store != NULL ? explain_revisions(a->store, a->context->arena, a->id) : TEXT_NONE;
}

static int no_rule(const struct asking *a)
{
	struct text kept = kept_revisions(a);
	const char *near = nearest_rule(a);

	if (kept.n > 0)
		return context_fail(a->context, COMMAND_FAILED,
				    "there is no rule %.*s any more; it made runs at revision "
				    "%.*s: --revision explains those",
				    TEXT_ARG(a->id), TEXT_ARG(kept));
	return context_fail(a->context, COMMAND_FAILED, "there is no rule %.*s%s%s%s",
			    TEXT_ARG(a->id), near != NULL ? "; did you mean " : "",
			    near != NULL ? near : "", near != NULL ? "?" : "");
}

static int take_stored(struct asking *a, struct text revision)
{
	struct revision_record record;
	struct text kept = kept_revisions(a);

	if (!store_get_revision(a->store, a->context->arena, a->id, revision, &record))
		return context_fail(a->context, COMMAND_FAILED,
				    "the store has no revision %.*s of rule %.*s%s%.*s",
				    TEXT_ARG(revision), TEXT_ARG(a->id),
				    kept.n > 0 ? "; it has " : "", TEXT_ARG(kept));
	a->source = record.text;
	a->view.at = (struct place){ text_dup(a->context->arena, record.file).s, record.line, 0 };
	return COMMAND_OK;
}

/* Which text of the rule, and where it stands. */
static int choose_rule(struct asking *a)
{
	struct text revision = text_of(option_value(a->context, "revision"));
	const struct rule *today = ruleset_find(a->rules, a->id);

	if (text_is(revision, "recorded") && !a->view.has_run)
		return context_fail(a->context, COMMAND_FAILED,
				    "the event made no run of rule %.*s, so no revision is "
				    "recorded with it",
				    TEXT_ARG(a->id));
	if (text_is(revision, "recorded"))
		revision = a->view.run.revision;
	if (today != NULL)
		a->view.today = today->revision;
	if (revision.n > 0 && (today == NULL || !text_eq(today->revision, revision)))
		return take_stored(a, revision);
	if (today == NULL)
		return no_rule(a);
	a->source = today->source;
	a->view.at = today->at;
	return COMMAND_OK;
}

/* ---- The answer. ---- */

struct place explain_place(const struct explain_view *view, struct place inside)
{
	struct place at = view->at, from;

	if (inside.line == 0)
		return inside;
	from = rule_begins(view->rule);
	at.line += inside.line - from.line;
	at.column =
	    at.column > 0 && inside.column > 0 ? at.column + inside.column - from.column : 0;
	return at;
}

static int answer(struct asking *a, const struct rule *rule)
{
	struct context *context = a->context;
	struct explain_view *view = &a->view;
	struct known_objects known = { a->store, a->parser };
	const struct entities entities = { &known, event_known };
	struct scope scope = { .arena = context->arena, .rule = rule, .event = &view->event };

	AUTO(arena_free) struct arena *trees = arena_new("explanation", LIMIT_COMMAND_ARENA);

	if (a->store != NULL)
		stored_tables_init(&a->tables, a->store, a->parser, a->rules);
	else
		a->tables.reader = (struct table_reader){ .set = a->rules };
	view->event.tables = &a->tables.reader;
	scope.entities = a->store != NULL ? &entities : NULL;
	view->rule = rule;
	view->same = view->has_run && text_eq(view->run.revision, rule->revision);
	scope.now = view->has_run        ? view->run.created
		    : view->received > 0 ? view->received
					 : a->now;
	scope.steps = explain_lookups(a->parser, context->arena, view);
	if (trees == NULL || !rule_explain(&scope, trees, &view->told))
		return context_fail(context, COMMAND_FAILED, "memory is out");
	if (!explain_judge(a->store, context->arena, a->config, a->now, view))
		return context_fail(context, COMMAND_FAILED, "%s",
				    a->store != NULL ? store_last_error(a->store)->text
						     : "memory is out");
	if (context->format == OUTPUT_JSON)
		explain_json(&context->out, context->arena, view);
	else
		explain_text(&context->out, context->arena, view, context->colour);
	return COMMAND_OK;
}

static int explain(struct asking *a)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	int code = choose_rule(a);

	if (code != COMMAND_OK)
		return code;
	if (diags == NULL)
		return context_fail(a->context, COMMAND_FAILED, "memory is out");
	AUTO(ruleset_free)
	struct ruleset *set = ruleset_load_revision(a->config, a->id, a->source, diags);

	if (set == NULL) {
		(void)setup_complain(diags);
		return context_fail(a->context, COMMAND_FAILED,
				    "the rule no longer loads under this configuration");
	}
	return answer(a, ruleset_at(set, 0));
}

/* ---- The question. ---- */

static int from_store(struct asking *a)
{
	int code = COMMAND_OK;
	AUTO(store_close) struct store *store = setup_store(a->context, &code);

	if (store == NULL)
		return code;
	a->store = store;
	code = take_recorded(a, a->context->args[1]);
	return code == COMMAND_OK ? explain(a) : code;
}

static int from_file(struct asking *a, const char *file)
{
	int code = take_file(a, file);

	return code == COMMAND_OK ? explain(a) : code;
}

static int ask(struct context *context, const char *file)
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
	struct asking a = { .context = context,
			    .config = config,
			    .rules = rules,
			    .parser = parser,
			    .id = text_of(context->args[0]),
			    .now = clock_read(&clock).wall };

	return file != NULL ? from_file(&a, file) : from_store(&a);
}

static int run(struct context *context)
{
	const char *file = option_value(context, "event-file");

	if (file != NULL && context->arg_count > 1)
		return context_usage(context, "an EVENT or --event-file, not both");
	if (file != NULL && option_value(context, "revision") != NULL)
		return context_usage(context, "--revision is for recorded events");
	if (file == NULL && context->arg_count < 2)
		return context_usage(context, "which event? An id, a seq, run:ID or --event-file");
	return ask(context, file);
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "RULE EVENT",
	.doc = "Tells why a rule did or did not fire on an event, with the values seen",
	.more = "EVENT is an event's id, its seq, or run:ID for the event of that run. The rule is "
		"taken\nas it is configured now, or with --revision as it was. > marks the part of "
		"a\ncondition that decided.",
	.options = options,
	.least = 1,
	.most = 2,
	.run = run,
};
