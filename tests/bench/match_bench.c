/* SPDX-License-Identifier: Apache-2.0
 *
 * match_bench - what `tappet match --stats` is compared with, and what a rule set costs:
 *
 *   bench-match RULES.yaml EVENTS.jsonl
 *
 * One line: simdjson's parse alone and our parse into values, in events a second over the
 * whole file (best of three passes: nothing of ours is in it, so the best is the least
 * disturbed); milliseconds to load and check the rules, of which to build the index; bytes a
 * rule; microseconds to take a new set into use (what the sequencer does at a reload). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/diag.h"
#include "engine/base/limits.h"
#include "engine/rules/config.h"
#include "engine/rules/reader.h"
#include "engine/rules/rule.h"
#include "engine/value/parse.h"
#include "engine/value/tape.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench-match: %s\n", what);
	exit(1);
}

/* The next line; false at the end. */
static bool next(struct text *rest, struct text *line)
{
	while (rest->s != NULL && rest->n > 0) {
		*rest = text_split(*rest, '\n', line);
		if (line->n > 0)
			return true;
	}
	return false;
}

static double tape_rate(struct text events)
{
	struct tape_reader *reader = tape_reader_new();
	double best = 0;

	if (reader == NULL)
		fail("memory is out");
	for (int pass = 0; pass < 3; pass++) {
		struct text rest = events, line;
		struct tape tape;
		double began = now(), rate;
		long count = 0;

		for (; next(&rest, &line); count++)
			if (tape_read(reader, line.s, line.n, &tape) != TAPE_OK)
				fail("an event is no JSON");
		rate = (double)count / (now() - began);
		best = rate > best ? rate : best;
	}
	tape_reader_free(reader);
	return best;
}

static double parse_rate(struct text events)
{
	struct json_parser *parser = json_parser_new();
	struct arena *arena = arena_new("event", LIMIT_EVENT_ARENA);
	double best = 0;

	if (parser == NULL || arena == NULL)
		fail("memory is out");
	for (int pass = 0; pass < 3; pass++) {
		struct text rest = events, line;
		struct json_error error;
		struct value v;
		double began = now(), rate;
		long count = 0;

		for (; next(&rest, &line); count++) {
			if (json_parse(parser, arena, line, &v, &error) != FATE_OK)
				fail("an event is no JSON");
			arena_reset(arena);
		}
		rate = (double)count / (now() - began);
		best = rate > best ? rate : best;
	}
	arena_free(arena);
	json_parser_free(parser);
	return best;
}

/* What a reload costs the thread that matches. */
static double swap_us(struct ruleset *set)
{
	double began = now(), took;
	struct matcher *matcher = matcher_new(set);

	if (matcher == NULL)
		fail("memory is out");
	took = (now() - began) * 1e6;
	matcher_free(matcher);
	return took;
}

static void put_rules(const char *path)
{
	struct config *config = config_bare();
	struct diags *diags = diags_new();
	struct text paths[1] = { text_of(path) };
	double began = now(), loaded;
	struct ruleset *set;
	struct index_size size;
	size_t count;

	if (config == NULL || diags == NULL)
		fail("memory is out");
	set = ruleset_load(config, paths, 1, diags);
	loaded = (now() - began) * 1e3;
	if (set == NULL || diags_errors(diags) > 0 || ruleset_count(set) == 0)
		fail("the rules don't load");
	count = ruleset_count(set);
	size = ruleset_index_size(set);
	printf(
	    " rules %zu load_ms %.0f index_ms %lld index_bytes %zu rule_bytes %zu swap_us %.0f\n",
	    count, loaded, (long long)size.build_ms, size.bytes / count, size.rule_bytes / count,
	    swap_us(set));
	ruleset_free(set);
	diags_free(diags);
	config_free(config);
}

int main(int argc, char **argv)
{
	AUTO_FINI(buf_fini) struct buf events;
	const char *why = "";

	buf_init(&events, LIMIT_COMMAND_FILE);
	if (argc != 3 || !reader_file(text_of(argv[2]), LIMIT_COMMAND_FILE, &events, &why))
		fail(argc != 3 ? "bench-match RULES.yaml EVENTS.jsonl" : why);
	printf("simdjson %.0f values %.0f", tape_rate(buf_view(&events)),
	       parse_rate(buf_view(&events)));
	put_rules(argv[1]);
	return 0;
}
