/* SPDX-License-Identifier: Apache-2.0
 *
 * dead - what was given up, with the reason; to be tried again or let go. */
#include <assert.h>

#include "engine/commands/ask.h"
#include "engine/commands/names.h"
#include "engine/commands/runs.h"
#include "engine/commands/setup.h"

static const struct option_row options[] = {
	{ "all", 0, NULL, "retry, drop: all of them; retry leaves out what an operator ended" },
	{ "rule", 0, "ID", "only this rule's" },
	{ "since", 0, "TIME", "begun since: 10m, 2h, 1d, or 2026-01-31T08:00:00Z" },
	{ "limit", 'n', "N", "list: the newest N" },
	{ 0 },
};

static bool read_wanted(struct context *context, struct runs_wanted *wanted)
{
	wanted->query.states = 1u << RUN_DEAD;
	wanted->query.rule = text_of(option_value(context, "rule"));
	return setup_since(context, &wanted->query.since) &&
	       setup_number(context, "limit", &wanted->limit);
}

static int list(struct context *context)
{
	static const char *const fitting[] = { "rule", "since", "limit", NULL };
	struct runs_wanted wanted = { 0 };
	int code;

	if (!options_only(context, "list", fitting) || !read_wanted(context, &wanted))
		return COMMAND_USAGE;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	return names_rule(context, store, wanted.query.rule) ? runs_list(context, store, &wanted)
							     : COMMAND_FAILED;
}

/* ---- Deciding. ---- */

struct ids {
	struct context *context;
	bool skip_ended; /* what an operator ended is not for --all */
	int64_t *items;
	size_t count, room;
};

static bool ids_add(struct ids *ids, int64_t id)
{
	if (ids->count == ids->room) {
		size_t room = ids->room > 0 ? ids->room * 2 : 64;
		int64_t *items = arena_array(ids->context->arena, room, sizeof(*items));

		if (items == NULL)
			return false;
		if (ids->count > 0)
			memcpy(items, ids->items, ids->count * sizeof(*items));
		ids->items = items;
		ids->room = room;
	}
	ids->items[ids->count++] = id;
	return true;
}

/* The sequencer's reasons for a cancelled and for a dropped run end so. */
static bool ended_by_operator(const struct run_record *run)
{
	return text_ends(run->reason, TEXT("by an operator"));
}

static bool visit(void *of, const struct run_record *run)
{
	struct ids *ids = of;

	if (ids->skip_ended && ended_by_operator(run))
		return true;
	return ids_add(ids, run->id);
}

/* --all: what the store says is dead. */
static int ids_of_all(struct context *context, struct ids *ids)
{
	struct runs_wanted wanted = { 0 };
	int code;

	if (!read_wanted(context, &wanted))
		return COMMAND_USAGE;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	if (!names_rule(context, store, wanted.query.rule))
		return COMMAND_FAILED;
	if (store_query_runs(store, &wanted.query, visit, ids) != FATE_OK)
		return context_fail(context, COMMAND_FAILED, "%s", store_last_error(store)->text);
	return COMMAND_OK;
}

static int ids_named(struct context *context, struct ids *ids)
{
	int64_t id;

	for (int i = 1; i < context->arg_count; i++) {
		if (!text_to_int(text_of(context->args[i]), &id) || id < 1)
			return context_usage(context, "\"%s\" is no run's id", context->args[i]);
		if (!ids_add(ids, id))
			return context_fail(context, COMMAND_FAILED, "memory is out");
	}
	return COMMAND_OK;
}

static int post_all(struct context *context, const struct ids *ids, const char *verb)
{
	int code = COMMAND_OK, worst = COMMAND_OK;
	char path[64], what[40];
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	for (size_t i = 0; i < ids->count && worst != COMMAND_ABSENT; i++) {
		(void)snprintf(path, sizeof(path), "/api/v1/dead/%lld/%s", (long long)ids->items[i],
			       verb);
		(void)snprintf(what, sizeof(what), "run %lld", (long long)ids->items[i]);
		code = ask_decide(context, config, path, TEXT("{}"), what);
		worst = code > worst ? code : worst;
		(void)context_flush(context);
	}
	return worst;
}

static bool check_words(struct context *context, const char *verb, bool all)
{
	static const char *const of_all[] = { "all", "rule", "since", NULL };
	static const char *const of_ids[] = { NULL };
	bool named = context->arg_count > 1;

	if (all && named)
		(void)context_usage(context, "%s takes IDs or --all, not both", verb);
	else if (!all && !named)
		(void)context_usage(context, "%s needs IDs of runs, or --all", verb);
	else
		return options_only(context, all ? verb : "named runs", all ? of_all : of_ids);
	return false;
}

static int decide(struct context *context, const char *verb)
{
	struct ids ids = { .context = context, .skip_ended = strcmp(verb, "retry") == 0 };
	bool all = option_flag(context, "all");
	int code;

	if (!check_words(context, verb, all))
		return COMMAND_USAGE;
	code = all ? ids_of_all(context, &ids) : ids_named(context, &ids);
	if (code != COMMAND_OK)
		return code;
	if (ids.count > 0)
		return post_all(context, &ids, verb);
	if (context->format == OUTPUT_TEXT)
		buf_printf(&context->out, "nothing to %s\n", verb);
	return COMMAND_OK;
}

static int run(struct context *context)
{
	const char *verb = context->arg_count > 0 ? context->args[0] : "list";

	assert(verb != NULL);
	if (strcmp(verb, "list") == 0)
		return context->arg_count > 1
			   ? context_usage(context,
					   "list takes no ids; \"tappet runs ID\" shows one")
			   : list(context);
	if (strcmp(verb, "retry") == 0 || strcmp(verb, "drop") == 0)
		return decide(context, verb);
	return context_usage(context, "dead knows list, retry and drop, not \"%s\"", verb);
}

const struct command command_dead = {
	.name = "dead",
	.arguments = "[list | retry ID... | drop ID...]",
	.doc = "Lists what was given up, tries it again, or lets it go",
	.more = "retry and drop need the daemon. retry --all leaves out runs that an operator "
		"cancelled or\n"
		"dropped (list shows the reason); name their IDs to try those again.",
	.options = options,
	.most = -1,
	.run = run,
};
