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
#include "engine/rules/edge.h"
#include "engine/rules/reader.h"
#include "engine/value/parse.h"

DEFINE_AUTO(edges_free, struct edges *)

static const struct option_row options[] = {
	{ "rules", 0, "PATH", "a file or folder of rules" },
	{ "events", 0, "FILE", "CloudEvents, one JSON object a line" },
	{ "stats", 0, NULL, "print only how many, and how fast" },
	{ 0 },
};

struct matching {
	struct context *context;
	const struct config *config;
	struct matcher *matcher;
	struct edges *edges; /* NULL: no rule has one */
	struct arena *arena; /* of one event */
	struct json_parser *parser;
	struct typer *typer;
	struct event_view event;
	bool quiet, full; /* full: no more pairs of rule and key fit */
	int64_t events, matches;
	int64_t now;
	int line;
};

/* ---- Rules with edge: a match is the event at which the condition turned true. ---- */

static bool rises(struct matching *m, const struct rule *rule, const struct decision *decision)
{
	struct text key = rule_key_bounded(m->arena, decision->key);

	*edges_stamp(m->edges, rule) = (uint64_t)m->event.seq;
	if (edges_has(m->edges, rule, key))
		return false;
	m->full = !edges_put(m->edges, rule, key);
	return !m->full;
}

struct falling {
	struct matching *m;
	struct text key;
	const struct rule **rules;
	size_t count, room;
};

static bool note_fallen(void *of, const struct rule *rule)
{
	struct falling *f = of;
	struct matching *m = f->m;
	struct scope scope = {
		.arena = m->arena, .rule = rule, .event = &m->event, .now = m->event.time
	};

	if (*edges_stamp(m->edges, rule) == (uint64_t)m->event.seq)
		return true;
	if (!edge_has_fallen(&scope))
		return true;
	if (f->count == f->room) {
		size_t room = f->room == 0 ? 16 : 2 * f->room;
		const struct rule **more = arena_array(m->arena, room, sizeof(*more));

		if (more == NULL)
			return false;
		if (f->count > 0)
			memcpy(more, f->rules, f->count * sizeof(*more));
		f->rules = more;
		f->room = room;
	}
	f->rules[f->count++] = rule;
	return true;
}

static void fall(struct matching *m)
{
	size_t count = 0;
	const struct edge_group *const *groups =
	    m->edges != NULL ? edges_groups(m->edges, m->event.type, &count) : NULL;

	for (size_t i = 0; i < count; i++) {
		struct scope scope = { .arena = m->arena,
				       .rule = groups[i]->rules[0],
				       .event = &m->event,
				       .now = m->event.time };
		struct decision d = rule_decide_key(&scope);
		struct falling f = { .m = m };

		if (d.verdict != VERDICT_YES)
			continue;
		f.key = rule_key_bounded(m->arena, d.key);
		edges_each(m->edges, groups[i], f.key, note_fallen, &f);
		for (size_t k = 0; k < f.count; k++)
			edges_drop(m->edges, f.rules[k], f.key);
	}
}

static bool visit(void *of, const struct rule *rule, const struct decision *decision)
{
	struct matching *m = of;
	struct buf *out = &m->context->out;

	if (decision->verdict != VERDICT_YES)
		return true;
	if (rule->edge != EDGE_NONE && !rises(m, rule, decision))
		return !m->full;
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
	if (!event_of_cloudevent(m->config, m->typer, m->arena, v, m->now, &m->event)) {
		(void)context_fail(m->context, COMMAND_FAILED, "%s:%d: an event needs id and type",
				   option_value(m->context, "events"), m->line);
		return false;
	}
	m->event.seq = m->events + 1;
	if (!matcher_each(m->matcher, m->arena, &m->event, m->event.time, visit, m) || m->full ||
	    arena_failed(m->arena)) {
		(void)context_fail(m->context, COMMAND_FAILED, "memory is out");
		return false;
	}
	fall(m);
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
	AUTO(edges_free) struct edges *edges = ruleset_has_edges(rules) ? edges_new(rules) : NULL;
	AUTO(arena_free) struct arena *arena = arena_new("event", LIMIT_EVENT_ARENA);
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	AUTO(typer_free) struct typer *typer = typer_new();
	struct matching m = {
		.context = context,
		.config = ruleset_config(rules),
		.matcher = matcher,
		.edges = edges,
		.arena = arena,
		.parser = parser,
		.typer = typer,
		.quiet = option_flag(context, "stats"),
	};

	if ((edges == NULL && ruleset_has_edges(rules)) || matcher == NULL || arena == NULL ||
	    parser == NULL || typer == NULL)
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
