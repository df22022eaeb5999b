/* SPDX-License-Identifier: Apache-2.0
 *
 * run - events from a file against rules from files: the match index and every rule by itself.
 *
 *   differential-run CONFIG EVENTS.jsonl RULES...
 *
 * A line of events is {"type", "before", "data"}. Prints what differs, then
 * "N passed, N failed": events of which all rules agree, and others. Exits 1 when any differ. */
#include "tests/unit/test_rules_compare.h"

#include "engine/base/cleanup.h"
#include "engine/base/diag.h"
#include "engine/value/parse.h"

#define SHOWN 5 /* differences printed in full */

struct running {
	struct compare c;
	struct json_parser *parser;
	struct arena *arena; /* of one line */
	size_t lines, failed;
};

static struct text read_all(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct buf b;
	char block[65536];
	size_t n;
	char *s;

	buf_init(&b, 1024u * MIB);
	while (in != NULL && (n = fread(block, 1, sizeof(block), in)) > 0)
		buf_put(&b, block, n);
	if (in != NULL)
		fclose(in);
	s = buf_take(&b, &n);
	return (struct text){ s, s != NULL ? n : 0 };
}

static struct value member(struct value line, const char *name)
{
	const struct value *found = value_get(line, text_of(name));

	return found != NULL ? *found : value_null();
}

/* False when the line is no event. */
static bool run_line(struct running *r, struct text line)
{
	struct event_view event = { .id = TEXT("e"), .source = TEXT("github") };
	struct json_error error;
	struct value v;

	arena_reset(r->arena);
	if (json_parse(r->parser, r->arena, line, &v, &error) != FATE_OK)
		return false;
	event.type = value_as_text(member(v, "type"));
	event.before = member(v, "before");
	event.data = member(v, "data");
	event.seq = (int64_t)++r->lines;
	if (compare_event(&r->c, &event))
		return true;
	if (r->failed++ < SHOWN)
		compare_show(&r->c, &event);
	return true;
}

static int run_all(struct running *r, struct text events)
{
	struct text line;

	while (events.s != NULL) {
		events = text_split(events, '\n', &line);
		if (line.n > 0 && !run_line(r, line)) {
			fprintf(stderr, "differential-run: line %zu is no event\n", r->lines + 1);
			return 2;
		}
	}
	printf("%zu events, %zu rules, %llu pairs: %llu fire, %llu blind, %llu left out of "
	       "samples\n%zu passed, %zu failed\n",
	       r->lines, ruleset_count(r->c.set), (unsigned long long)r->c.pairs,
	       (unsigned long long)r->c.yes, (unsigned long long)r->c.blind,
	       (unsigned long long)r->c.left_out, r->lines - r->failed, r->failed);
	return r->failed > 0;
}

static struct ruleset *load(const char *config_path, char **paths, size_t count)
{
	struct text rules[16];
	struct diags *diags = diags_new();
	struct config *config = config_load(config_path, CONFIG_SECRETS_OPTIONAL, diags);
	struct ruleset *set = NULL;
	AUTO_FINI(buf_fini) struct buf b;

	buf_init(&b, MIB);
	for (size_t i = 0; i < count; i++)
		rules[i] = text_of(paths[i]);
	if (config != NULL)
		set = ruleset_load(config, rules, count, diags);
	if (diags_errors(diags) > 0) {
		diags_print(diags, &b, false);
		fputs(buf_cstr(&b), stderr);
		ruleset_free(set);
		set = NULL;
	}
	config_free(config);
	diags_free(diags);
	return set;
}

int main(int argc, char **argv)
{
	struct running r = { .parser = json_parser_new() };
	struct ruleset *set = NULL;
	struct text events;
	int code = 2;

	if (argc < 4 || argc > 3 + 16) {
		fprintf(stderr, "usage: differential-run CONFIG EVENTS.jsonl RULES...\n");
		return 2;
	}
	events = read_all(argv[2]);
	r.arena = arena_new("line", LIMIT_EVENT_ARENA);
	set = load(argv[1], argv + 3, (size_t)argc - 3);
	if (events.n > 0 && set != NULL && r.arena != NULL && r.parser != NULL &&
	    compare_init(&r.c, set))
		code = run_all(&r, events);
	compare_fini(&r.c);
	ruleset_free(set);
	arena_free(r.arena);
	json_parser_free(r.parser);
	free((void *)(uintptr_t)events.s);
	return code;
}
