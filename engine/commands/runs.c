/* SPDX-License-Identifier: Apache-2.0
 *
 * runs - what was done, every attempt with request and reply; and the decisions
 * that only a person can take. */
#include "engine/commands/runs.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/ask.h"
#include "engine/commands/event_read.h"
#include "engine/commands/names.h"
#include "engine/commands/setup.h"

static const struct option_row options[] = {
	{ "follow", 'f', NULL, "go on with what happens, until interrupted" },
	{ "rule", 0, "ID", "only this rule's" },
	{ "event", 0, "ID", "only those of this event" },
	{ "state", 0, "STATE,...", "PENDING STARTED WAITING DONE DEAD IN_DOUBT SKIPPED HELD" },
	{ "since", 0, "TIME", "begun since: 10m, 2h, 1d, or 2026-01-31T08:00:00Z" },
	{ "limit", 'n', "N", "the newest N" },
	{ "done", 0, NULL, "resolve: it happened; go on with the next step" },
	{ "repeat", 0, NULL, "resolve: it did not happen; send it again" },
	{ "drop", 0, NULL, "resolve: give the run up" },
	{ 0 },
};

/* ---- Reading. ---- */

static int show_list(struct context *context)
{
	static const char *const fitting[] = { "follow", "rule",  "event", "state",
					       "since",  "limit", NULL };
	struct runs_wanted wanted = { .follow = option_flag(context, "follow") };
	struct run_query *query = &wanted.query;
	const char *event = option_value(context, "event");
	struct event_record record;
	int code;

	query->rule = text_of(option_value(context, "rule"));
	if (!options_only(context, "the list of runs", fitting) ||
	    !setup_since(context, &query->since) ||
	    !setup_number(context, "limit", &wanted.limit) ||
	    !runs_states(context, option_value(context, "state"), &query->states))
		return COMMAND_USAGE;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	if (event != NULL) {
		if (!event_find(store, context->arena, text_of(event), &record))
			return context_fail(context, COMMAND_FAILED, "there is no event %s", event);
		query->event = record.seq;
	}
	if (!names_rule(context, store, query->rule))
		return COMMAND_FAILED;
	return runs_list(context, store, &wanted);
}

static bool read_id(struct context *context, const char *word, int64_t *id)
{
	if (text_to_int(text_of(word), id) && *id > 0)
		return true;
	(void)context_usage(context, "\"%s\" is no run's id", word);
	return false;
}

static int show_one(struct context *context, int64_t id)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct run_record run;
	struct run_view view;
	int code;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	if (!store_get_run(store, context->arena, id, &run))
		return context_fail(context, COMMAND_FAILED, "there is no run %lld", (long long)id);
	if (parser == NULL || !run_view_read(store, context->arena, parser, &run, &view))
		return context_fail(context, COMMAND_FAILED, "the run can't be read");
	if (context->format == OUTPUT_JSON)
		run_view_json(&context->out, &view, true);
	else
		run_view_text(&context->out, &view, context->colour);
	return COMMAND_OK;
}

/* ---- Deciding. ---- */

static int post(struct context *context, int64_t id, const char *verb, const char *json)
{
	char path[64], what[40];
	int code;
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	(void)snprintf(path, sizeof(path), "/api/v1/runs/%lld/%s", (long long)id, verb);
	(void)snprintf(what, sizeof(what), "run %lld", (long long)id);
	return ask_decide(context, config, path, text_of(json), what);
}

static int resolve(struct context *context, int64_t id)
{
	static const char *const decisions[] = { "done", "repeat", "drop", NULL };
	const char *decision = NULL;
	char json[48];
	int count = 0;

	for (size_t i = 0; decisions[i] != NULL; i++) {
		if (!option_flag(context, decisions[i]))
			continue;
		decision = decisions[i];
		count++;
	}
	if (!options_only(context, "resolve", decisions))
		return COMMAND_USAGE;
	if (count != 1)
		return context_usage(context, "resolve needs one of --done, --repeat and --drop");
	(void)snprintf(json, sizeof(json), "{\"decision\":\"%s\"}", decision);
	return post(context, id, "resolve", json);
}

static bool is_verb(const char *word)
{
	static const char *const verbs[] = { "resolve", "release", "drop", "cancel" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(word, verbs[i]) == 0)
			return true;
	return false;
}

static int run(struct context *context)
{
	static const char *const none[] = { NULL };
	const char *first = context->args[0];
	bool verb = context->arg_count > 0 && is_verb(first);
	int64_t id;

	assert(context->arg_count <= 2);
	if (context->arg_count == 0)
		return show_list(context);
	if (context->arg_count == 1 && !verb)
		return read_id(context, first, &id) && options_only(context, "one run", none)
			   ? show_one(context, id)
			   : COMMAND_USAGE;
	if (context->arg_count == 1)
		return context_usage(context, "%s which run?", first);
	if (!verb && text_to_int(text_of(first), &id))
		return context_usage(context, "one ID at a time");
	if (!verb)
		return context_usage(
		    context, "runs knows resolve, release, drop and cancel, not \"%s\"", first);
	if (!read_id(context, context->args[1], &id))
		return COMMAND_USAGE;
	if (strcmp(first, "resolve") == 0)
		return resolve(context, id);
	return options_only(context, first, none) ? post(context, id, first, "{}") : COMMAND_USAGE;
}

const struct command command_runs = {
	.name = "runs",
	.arguments = "[ID | resolve ID --done|--repeat|--drop | release ID | drop ID | cancel ID]",
	.doc = "Lists what was done; shows one run; decides what is in doubt or held",
	.more =
	    "An ID shows one run with every attempt's request and reply. resolve, release, drop "
	    "and cancel need the "
	    "daemon.",
	.options = options,
	.most = 2,
	.run = run,
};
