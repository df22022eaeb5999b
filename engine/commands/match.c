/* SPDX-License-Identifier: Apache-2.0
 *
 * match - which rules match which events, and how fast: the index and the
 * conditions alone, without store, order, throttle or actions.
 *
 * I1  With --stats the clock runs while lines are parsed and matched, over a file
 *     that is in memory and rules that are built. */
#include <assert.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/commands/event_read.h"
#include "engine/commands/json.h"
#include "engine/commands/lines.h"
#include "engine/commands/setup.h"
#include "engine/rules/reader.h"
#include "engine/value/parse.h"

static const struct option_row options[] = {
	{ "rules", 0, "PATH", "a file or folder of rules" },
	{ "events", 0, "FILE", "CloudEvents, one JSON object a line" },
	{ "stats", 0, NULL, "print only how many, and how fast" },
	{ 0 },
};

struct matching {
	struct context *context;
	struct matcher *matcher;
	struct arena *arena; /* of one event */
	struct json_parser *parser;
	struct typer *typer;
	struct event_view event;
	bool quiet;
	int64_t events, matches;
	int64_t now;
	int line;
};

static bool visit(void *of, const struct rule *rule, const struct decision *decision)
{
	struct matching *m = of;
	struct buf *out = &m->context->out;

	if (decision->verdict != VERDICT_YES)
		return true;
	m->matches++;
	if (m->quiet)
		return true;
	json_open(out, '{');
	json_text(out, "event", m->event.id);
	json_text(out, "rule", rule->id);
	json_close(out, '}');
	json_line(out);
	return true;
}

static bool match_line(struct matching *m, struct text line)
{
	struct json_error error;
	struct value v;

	m->line++;
	if (text_trim(line).n == 0)
		return true;
	if (json_parse(m->parser, m->arena, line, &v, &error) != FATE_OK) {
		(void)context_fail(m->context, COMMAND_FAILED, "%s:%d:%d: %s",
				   option_value(m->context, "events"), m->line, error.column,
				   error.what);
		return false;
	}
	if (!event_of_cloudevent(m->typer, m->arena, v, m->now, &m->event)) {
		(void)context_fail(m->context, COMMAND_FAILED, "%s:%d: an event needs id and type",
				   option_value(m->context, "events"), m->line);
		return false;
	}
	m->event.seq = m->events + 1;
	if (!matcher_each(m->matcher, m->arena, &m->event, m->event.time, visit, m) ||
	    arena_failed(m->arena)) {
		(void)context_fail(m->context, COMMAND_FAILED, "memory is out");
		return false;
	}
	m->events++;
	arena_reset(m->arena);
	return m->context->out.n < MIB || context_flush(m->context);
}

static void put_stats(struct matching *m, int64_t ms)
{
	double seconds = (double)(ms > 0 ? ms : 1) / 1000;

	buf_printf(
	    &m->context->out, "events %lld matches %lld seconds %.3f events_per_second %.0f\n",
	    (long long)m->events, (long long)m->matches, seconds, (double)m->events / seconds);
}

static int match_all(struct matching *m, struct text rest)
{
	struct clock clock = clock_system();
	struct instant began = clock_read(&clock);
	struct text line;

	m->now = began.wall;
	while (lines_next(&rest, &line))
		if (!match_line(m, line))
			return COMMAND_FAILED;
	if (m->quiet)
		put_stats(m, clock_read(&clock).mono - began.mono);
	return COMMAND_OK;
}

static int with_rules(struct context *context, struct ruleset *rules, struct text events)
{
	AUTO(matcher_free) struct matcher *matcher = matcher_new(rules);
	AUTO(arena_free) struct arena *arena = arena_new("event", LIMIT_EVENT_ARENA);
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	AUTO(typer_free) struct typer *typer = typer_new();
	struct matching m = {
		.context = context,
		.matcher = matcher,
		.arena = arena,
		.parser = parser,
		.typer = typer,
		.quiet = option_flag(context, "stats"),
	};

	if (matcher == NULL || arena == NULL || parser == NULL || typer == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	return match_all(&m, events);
}

static int run(struct context *context)
{
	const char *path = option_value(context, "rules");
	const char *file = option_value(context, "events");
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO_FINI(buf_fini) struct buf events;
	const char *why = NULL;
	struct ruleset *set;
	int code;

	buf_init(&events, LIMIT_COMMAND_FILE);
	if (path == NULL || file == NULL)
		return context_usage(context, "--rules and --events are needed");
	if (diags == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free)
	struct config *config = setup_rules(context, &path, 1, diags, &set, &code);
	AUTO(ruleset_free) struct ruleset *rules = set;

	assert((config == NULL) == (rules == NULL));
	if (setup_complain(diags) || rules == NULL)
		return rules == NULL ? code : COMMAND_FAILED;
	if (!reader_file(text_of(file), LIMIT_COMMAND_FILE, &events, &why))
		return context_fail(context, COMMAND_USAGE, "%s: %s", file, why);
	return with_rules(context, rules, buf_view(&events));
}

const struct command command_match = {
	.name = "match",
	.arguments = "--rules PATH --events FILE",
	.doc = "Tells which rules match which events, and how fast",
	.options = options,
	.run = run,
};
