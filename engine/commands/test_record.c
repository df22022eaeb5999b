/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record - see test_record.h. */
#include "engine/commands/test_record.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "engine/base/timetext.h"
#include "engine/commands/event_read.h"
#include "engine/commands/setup.h"
#include "engine/commands/test_record_write.h"
#include "engine/commands/test_report.h"

bool recorded_add(struct recording *r, struct recorded_list *list, struct text path,
		  struct value value)
{
	struct arena *arena = r->context->arena;

	assert(list != NULL);
	if (list->count == list->room) {
		size_t room = list->room > 0 ? 2 * list->room : 16;
		struct recorded *items = arena_array(arena, room, sizeof(*items));

		if (items == NULL)
			return false;
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] =
	    (struct recorded){ text_dup(arena, path), value_copy(arena, value) };
	return !arena_failed(arena);
}

/* ---- Which events, which rule. ---- */

static int by_seq(const void *a, const void *b)
{
	const struct event_record *x = a, *y = b;

	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int add_event(struct recording *r, struct text word)
{
	struct event_record *event = &r->events[r->event_count];

	if (word.n == 0)
		return COMMAND_OK;
	if (r->event_count == LIMIT_RECORD_EVENTS)
		return context_fail(r->context, COMMAND_USAGE, "more than %d events with --record",
				    LIMIT_RECORD_EVENTS);
	if (!event_find(r->store, r->context->arena, word, event))
		return context_fail(r->context, COMMAND_FAILED,
				    "there is no event %.*s; \"tappet events\" lists events",
				    TEXT_ARG(word));
	for (size_t i = 0; i < r->event_count; i++)
		if (r->events[i].seq == event->seq)
			return COMMAND_OK;
	r->event_count++;
	return COMMAND_OK;
}

static int find_events(struct recording *r)
{
	struct text rest = text_of(option_value(r->context, "record")), word;
	int code = COMMAND_OK;

	while (rest.n > 0 && code == COMMAND_OK) {
		rest = text_split(rest, ',', &word);
		code = add_event(r, text_trim(word));
	}
	if (code == COMMAND_OK && r->event_count == 0)
		code = context_usage(r->context, "--record needs an event");
	qsort(r->events, r->event_count, sizeof(*r->events), by_seq);
	return code;
}

struct rules_seen {
	struct recording *r;
	struct text rule; /* the first one */
	struct buf more;  /* their names, when there are several */
};

static bool see_rule(void *of, const struct run_record *run)
{
	struct rules_seen *seen = of;

	if (seen->rule.n == 0)
		seen->rule = text_dup(seen->r->context->arena, run->rule);
	else if (!text_eq(seen->rule, run->rule))
		buf_printf(&seen->more, ", %.*s", TEXT_ARG(run->rule));
	return seen->more.n < KIB;
}

/* The rule that ran for the events, where it is one. */
static int guess_rule(struct recording *r, struct text *out)
{
	struct rules_seen seen = { .r = r };
	int code = COMMAND_OK;

	buf_init(&seen.more, 2 * KIB);
	for (size_t i = 0; i < r->event_count; i++) {
		const struct run_query query = { .event = r->events[i].seq };

		if (store_query_runs(r->store, &query, see_rule, &seen) != FATE_OK)
			code = context_fail(r->context, COMMAND_FAILED, "%s",
					    store_last_error(r->store)->text);
	}
	if (code == COMMAND_OK && seen.rule.n == 0)
		code = context_fail(r->context, COMMAND_FAILED,
				    "no rule ran for it; name the one to test with --rule ID");
	else if (code == COMMAND_OK && seen.more.n > 0)
		code = context_fail(r->context, COMMAND_FAILED,
				    "several rules ran for it; name one with --rule: %.*s%s",
				    TEXT_ARG(seen.rule), buf_cstr(&seen.more));
	buf_fini(&seen.more);
	*out = seen.rule;
	return code;
}

static int find_rule(struct recording *r)
{
	struct text id = text_of(option_value(r->context, "rule"));
	int code = COMMAND_OK;

	if (id.n == 0)
		code = guess_rule(r, &id);
	if (code != COMMAND_OK)
		return code;
	r->rule = ruleset_find(r->rules, id);
	if (r->rule == NULL)
		return context_fail(r->context, COMMAND_FAILED,
				    "there is no rule %.*s in the rules", TEXT_ARG(id));
	return COMMAND_OK;
}

/* ---- Its runs. ---- */

struct gathered_runs {
	struct recording *r;
	int64_t ids[LIMIT_RECORD_EVENTS * 2];
	size_t count;
};

static bool gather_run(void *of, const struct run_record *run)
{
	struct gathered_runs *g = of;

	if (g->count < sizeof(g->ids) / sizeof(*g->ids))
		g->ids[g->count++] = run->id;
	return true;
}

static bool find_runs(struct recording *r)
{
	struct gathered_runs g = { .r = r };
	struct arena *arena = r->context->arena;
	bool fine = true;

	for (size_t i = 0; i < r->event_count && fine; i++) {
		const struct run_query query = { .event = r->events[i].seq, .rule = r->rule->id };

		fine = store_query_runs(r->store, &query, gather_run, &g) == FATE_OK;
	}
	r->runs = arena_array(arena, g.count + 1, sizeof(*r->runs));
	for (size_t i = 0; i < g.count && fine && r->runs != NULL; i++) {
		struct run_record run;

		if (!store_get_run(r->store, arena, g.ids[i], &run))
			continue;
		fine = run_view_read(r->store, arena, r->parser, &run, &r->runs[r->run_count]);
		r->run_count += fine;
	}
	return fine && r->runs != NULL && test_record_runs(r) && test_record_state(r) &&
	       test_record_reads(r);
}

/* ---- Playing. ---- */

/* The entry read as the rule's only test and played. COMMAND_OK: *passed says how it went. */
static int play(struct recording *r, struct text yaml, struct test_outcome *out, bool *passed)
{
	struct arena *arena = r->context->arena;
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(coverage_free) struct coverage *coverage = coverage_new();
	const char *name = diags != NULL ? diags_source(diags, "the recorded test", yaml) : NULL;
	const struct test_case *test;
	const struct yaml_node *root;
	struct rule rule = *r->rule;
	size_t count = 0;

	if (coverage == NULL || name == NULL)
		return context_fail(r->context, COMMAND_FAILED, "memory is out");
	root = yaml_read(arena, diags, name, yaml);
	rule.tests = root != NULL ? yaml_get(root, "tests") : NULL;
	(void)test_cases_read(arena, diags, &rule, &test, &count);
	if (diags_errors(diags) > 0 || count != 1) {
		(void)setup_complain(diags);
		return context_fail(r->context, COMMAND_FAILED,
				    "the event doesn't fit into a test");
	}
	if (test_world_play(arena, r->config, r->rules, test, coverage, out) != FATE_OK)
		return context_fail(r->context, COMMAND_FAILED, "memory is out");
	*passed = test_passes(arena, test, out);
	return COMMAND_OK;
}

static struct text sent_name(const struct sent *sent)
{
	return sent->name.n > 0 ? sent->name : sent->action;
}

/* As many of each name here as there. */
static bool same_sent(const struct recording *r, const struct test_outcome *played)
{
	for (size_t i = 0; i < r->sent_count; i++) {
		size_t here = 0, there = 0;

		for (size_t k = 0; k < r->sent_count; k++)
			here += text_eq(r->sent[k].name, r->sent[i].name);
		for (size_t k = 0; k < played->sent_count; k++)
			there += text_eq(sent_name(&played->sent[k]), r->sent[i].name);
		if (here != there)
			return false;
	}
	return r->sent_count == played->sent_count;
}

static int by_start(const void *a, const void *b)
{
	const struct recorded_sent *x = a, *y = b;

	if (x->started != y->started)
		return x->started < y->started ? -1 : 1;
	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return (x->step > y->step) - (x->step < y->step);
}

static struct value expect_played(struct recording *r, const struct test_outcome *played)
{
	struct value_list_builder list;

	value_list_begin(&list, r->context->arena);
	for (size_t i = 0; i < played->sent_count; i++)
		value_list_add(
		    &list, record_expected(r, sent_name(&played->sent[i]), played->sent[i].params));
	return value_list_end(&list);
}

static struct value expect_recorded(struct recording *r)
{
	struct value_list_builder list;

	qsort(r->sent, r->sent_count, sizeof(*r->sent), by_start);
	value_list_begin(&list, r->context->arena);
	for (size_t i = 0; i < r->sent_count; i++)
		value_list_add(&list, value_text(r->sent[i].name));
	return value_list_end(&list);
}

/* ---- Writing. ---- */

static int put_out(struct recording *r, const struct buf *yaml)
{
	const char *path = option_value(r->context, "output");
	FILE *file;
	bool fine;

	if (path == NULL) {
		buf_text(&r->context->out, buf_view(yaml));
		return COMMAND_OK;
	}
	file = fopen(path, "w");
	if (file == NULL)
		return context_fail(r->context, COMMAND_FAILED, "%s: %s", path, strerror(errno));
	fine = fwrite(yaml->s, 1, yaml->n, file) == yaml->n;
	fine = fclose(file) == 0 && fine;
	return fine ? COMMAND_OK
		    : context_fail(r->context, COMMAND_FAILED, "%s could not be written", path);
}

static void tell(const struct recording *r, bool same, bool passed)
{
	AUTO_FINI(buf_fini) struct buf out;

	buf_init(&out, MIB);
	if (redact_tell(r->redactor, &out) > 0)
		(void)fprintf(stderr, "replaced:\n%s", buf_cstr(&out));
	else
		(void)fputs("nothing was replaced\n", stderr);
	if (r->unsaid > 0)
		(void)fprintf(stderr,
			      "%u reply(s) that never came, or made no sense, stand as status 503 "
			      "or 422\n",
			      r->unsaid);
	if (!same)
		(void)fputs("the rule as it is now sends something else for this test than it did: "
			    "what it did is expected. Rows,\nobjects, throttles and edges may have "
			    "been others; where a substitute is the reason, --keep PATH\n",
			    stderr);
	else if (!passed)
		(void)fputs("the test doesn't pass as it is written\n", stderr);
}

static int write_and_play(struct recording *r, struct buf *yaml, struct test_outcome *played)
{
	struct value expect = { .kind = VALUE_LIST };
	bool passed = false;

	buf_clear(yaml);
	if (!record_write(r, yaml, expect))
		return COMMAND_FAILED;
	return play(r, buf_view(yaml), played, &passed);
}

/* What the rule doesn't read is left out when it plays the same without. */
static int try_less(struct recording *r, struct buf *yaml, struct test_outcome *played)
{
	struct test_outcome with_less;
	int code;

	r->less = true;
	code = write_and_play(r, yaml, &with_less);
	if (code == COMMAND_OK && record_plays_same(played, &with_less)) {
		*played = with_less;
		return code;
	}
	r->less = false;
	redact_all_shown(r->redactor);
	return code;
}

static int fixture(struct recording *r)
{
	struct test_outcome played;
	struct value expect;
	AUTO_FINI(buf_fini) struct buf yaml;
	bool passed = false, same;
	int code;

	buf_init(&yaml, LIMIT_YAML_FILE);
	code = write_and_play(r, &yaml, &played);
	if (code == COMMAND_OK && !option_flag(r->context, "whole"))
		code = try_less(r, &yaml, &played);
	if (code != COMMAND_OK)
		return code;
	same = played.trouble.n == 0 && same_sent(r, &played);
	expect = same ? expect_played(r, &played) : expect_recorded(r);
	buf_clear(&yaml);
	if (!record_write(r, &yaml, expect))
		return COMMAND_FAILED;
	if (same)
		code = play(r, buf_view(&yaml), &played, &passed);
	if (code == COMMAND_OK)
		code = put_out(r, &yaml);
	if (code != COMMAND_OK)
		return code;
	tell(r, same, passed);
	return same && passed ? COMMAND_OK : COMMAND_FAILED;
}

/* ---- The command. ---- */

static void add_paths(struct recording *r, const char *option,
		      void (*add)(struct redactor *redactor, struct text path))
{
	struct text rest = text_of(option_value(r->context, option)), path;

	while (rest.n > 0) {
		rest = text_split(rest, ',', &path);
		if (text_trim(path).n > 0)
			add(r->redactor, text_trim(path));
	}
}

static int record(struct recording *r)
{
	int code = find_events(r);

	if (code == COMMAND_OK)
		code = find_rule(r);
	if (code != COMMAND_OK)
		return code;
	add_paths(r, "keep", redact_keep);
	add_paths(r, "redact", redact_asked);
	if (!find_runs(r))
		return context_fail(r->context, COMMAND_FAILED,
				    "memory is out, or the store can't be read");
	return fixture(r);
}

int test_record(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct ruleset *set;
	int code = COMMAND_FAILED;

	assert(context != NULL);
	if (diags == NULL || parser == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	AUTO(config_free)
	struct config *config =
	    setup_rules(context, context->args, context->arg_count, diags, &set, &code);
	AUTO(ruleset_free) struct ruleset *rules = set;

	if (rules == NULL || diags_errors(diags) > 0) {
		(void)setup_complain(diags);
		return code;
	}
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	AUTO(redactor_free) struct redactor *redactor = redactor_new(context->arena, config);
	struct recording *r = arena_zero(context->arena, sizeof(*r));

	if (redactor == NULL || r == NULL)
		return context_fail(context, COMMAND_FAILED, "memory is out");
	log_setup(LOG_TEXT, LOG_ERROR, clock_system());
	*r = (struct recording){ .context = context,
				 .config = config,
				 .rules = rules,
				 .store = store,
				 .parser = parser,
				 .redactor = redactor };
	return record(r);
}
