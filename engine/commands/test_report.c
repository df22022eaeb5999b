/* SPDX-License-Identifier: Apache-2.0
 *
 * test_report - see test_report.h.
 *
 *   ok      over-budget: fires once when the flag turns
 *   FAILED  over-budget: is quiet for a day            (rules/over.yaml:31)
 *             1. expected slack.post                   sent slack.post
 *                  rules/over.yaml:40:21: text: expected "Acme", sent "Zenith"
 *             2. expected nothing                      sent hindsite.work_set.start */
#include "engine/commands/test_report.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/table.h"
#include "engine/commands/test_compare.h"

#define NAME_WIDTH 40 /* column of what was sent, beside what was expected */

/* ---- Judging. ---- */

/* By the step's name, or its action. */
static bool is_named(const struct sent *sent, struct text name)
{
	return name.n > 0 && (text_eq(sent->name, name) || text_eq(sent->action, name));
}

static struct text sent_name(const struct sent *sent)
{
	return sent->name.n > 0 ? sent->name : sent->action;
}

static void put_pair(struct buf *out, size_t n, struct text wanted, struct text got)
{
	size_t at = out->n;

	buf_printf(out, "%zu. expected ", n);
	plain_put(out, wanted.n > 0 ? wanted : TEXT("nothing"));
	do
		buf_char(out, ' ');
	while (out->n - at < NAME_WIDTH && !buf_failed(out));
	buf_str(out, "sent ");
	plain_put(out, got.n > 0 ? got : TEXT("nothing"));
	buf_char(out, '\n');
}

static void put_params(struct buf *out, const struct sent *sent)
{
	struct buf json;

	buf_init(&json, LIMIT_REQUEST);
	value_write(&json, sent->params);
	buf_str(out, "     with ");
	plain_put(out, buf_view(&json));
	buf_char(out, '\n');
	buf_fini(&json);
}

/* One expected step beside one that was sent; either may be NULL. True when they agree. */
static bool judge_step(struct arena *arena, const struct expected *wanted, const struct sent *got,
		       size_t n, struct buf *out)
{
	bool named = wanted != NULL && got != NULL && is_named(got, wanted->name);
	struct buf differences;
	bool same = named;

	buf_init(&differences, LIMIT_COMMAND_OUTPUT / 4);
	if (named && wanted->params != NULL)
		same = test_compare(arena, wanted->params, got->params, &differences);
	put_pair(out, n, wanted != NULL ? wanted->name : TEXT_NONE,
		 got != NULL ? sent_name(got) : TEXT_NONE);
	if (!named && wanted != NULL)
		buf_printf(out, "     %s:%d:%d\n", wanted->at.file, wanted->at.line,
			   wanted->at.column);
	if (!named && got != NULL)
		put_params(out, got);
	for (size_t i = 0; i < differences.n; i++) {
		if (i == 0 || differences.s[i - 1] == '\n')
			buf_str(out, "     ");
		buf_char(out, differences.s[i]);
	}
	buf_fini(&differences);
	return same;
}

/* True when it passed; `out` has the story. */
static bool judge(struct arena *arena, const struct test_case *test,
		  const struct test_outcome *result, struct buf *out)
{
	bool passed = result->trouble.n == 0;
	size_t wanted = test->expected_count, got = result->sent_count;

	for (size_t i = 0; i < wanted || i < got; i++)
		if (!judge_step(arena, i < wanted ? &test->expected[i] : NULL,
				i < got ? &result->sent[i] : NULL, i + 1, out))
			passed = false;
	if (result->trouble.n > 0)
		buf_printf(out, "%.*s\n", TEXT_ARG(result->trouble));
	if (result->unfired.n > 0)
		buf_printf(out, "%.*s\n", TEXT_ARG(result->unfired));
	for (size_t i = 0; i < result->waiting_count; i++)
		buf_printf(out, "%.*s\n", TEXT_ARG(result->waiting[i]));
	for (size_t i = 0; i < result->ended_count; i++) {
		const struct ended *e = &result->ended[i];

		buf_printf(out, "run %lld became %.*s: ", (long long)e->run, TEXT_ARG(e->state));
		plain_put(out, e->reason);
		buf_char(out, '\n');
	}
	return passed;
}

/* ---- Telling. ---- */

static void tell_text(struct context *context, const struct test_case *test,
		      const struct test_outcome *result, bool passed, struct text story)
{
	struct buf *out = &context->out;
	struct text line;

	tint_put(out, passed ? TINT_GOOD : TINT_BAD, passed ? TEXT("ok      ") : TEXT("FAILED  "),
		 context->colour);
	plain_put(out, test->rule->id);
	buf_str(out, ": ");
	plain_put(out, test->name);
	if (!passed)
		buf_printf(out, "  (%s:%d)", test->at.file, test->at.line);
	buf_char(out, '\n');
	while (!passed && story.n > 0) {
		story = text_split(story, '\n', &line);
		buf_printf(out, "          %.*s\n", TEXT_ARG(line));
	}
	for (size_t i = 0; i < result->note_count; i++) {
		buf_str(out, "          note: ");
		plain_put(out, result->notes[i]);
		buf_char(out, '\n');
	}
}

static void tell_json(struct buf *out, const struct test_case *test,
		      const struct test_outcome *result, bool passed, struct text story)
{
	json_open(out, '{');
	json_str(out, "file", test->at.file);
	json_int(out, "line", test->at.line);
	json_text(out, "rule", test->rule->id);
	json_text(out, "test", test->name);
	json_bool(out, "ok", passed);
	if (!passed)
		json_text(out, "why", text_trim(story));
	if (result->note_count > 0) {
		json_key(out, "notes");
		json_open(out, '[');
		for (size_t i = 0; i < result->note_count; i++)
			json_item(out, result->notes[i]);
		json_close(out, ']');
	}
	json_close(out, '}');
	json_line(out);
}

bool test_report(struct context *context, struct arena *arena, const struct test_case *test,
		 const struct test_outcome *result)
{
	struct buf story;
	bool passed;

	assert(context != NULL && test != NULL && result != NULL);
	buf_init(&story, LIMIT_COMMAND_OUTPUT / 2);
	passed = judge(arena, test, result, &story);
	if (context->format == OUTPUT_JSON)
		tell_json(&context->out, test, result, passed, buf_view(&story));
	else
		tell_text(context, test, result, passed, buf_view(&story));
	buf_fini(&story);
	return passed;
}

bool test_passes(struct arena *arena, const struct test_case *test,
		 const struct test_outcome *result)
{
	struct buf story;
	bool passed;

	assert(arena != NULL && test != NULL && result != NULL);
	buf_init(&story, LIMIT_COMMAND_OUTPUT / 2);
	passed = judge(arena, test, result, &story);
	buf_fini(&story);
	return passed;
}

/* ---- What no test reaches. ---- */

static void tell_unreached(struct context *context, const struct rule *rule,
			   const struct step *step)
{
	const struct place *at = step != NULL ? &step->at : &rule->at;
	struct text name = TEXT_NONE;
	struct buf *out = &context->out;

	if (step != NULL)
		name = step->name.n > 0 ? step->name : text_of(step->what);
	if (context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_str(out, "file", at->file);
		json_int(out, "line", at->line);
		json_text(out, "not_reached", rule->id);
		json_maybe(out, "step", name);
		json_close(out, '}');
		json_line(out);
		return;
	}
	tint_put(out, TINT_WARN, TEXT("not reached: "), context->colour);
	buf_str(out, "rule ");
	plain_put(out, rule->id);
	if (name.n > 0)
		buf_str(out, " step ");
	plain_put(out, name);
	buf_printf(out, "  (%s:%d)\n", at->file, at->line);
}

static bool same_place(const struct step *a, const struct step *b)
{
	return a->at.line == b->at.line && a->at.column == b->at.column;
}

/* A step of an action stands in the rule once for each use: it is told of once, and only when
 * none of them was reached. */
static bool told_with_another(const struct coverage *coverage, const struct rule *rule, int step)
{
	for (int i = 0; rule->steps[step].use != NULL && i < rule->step_count; i++)
		if (i != step && same_place(&rule->steps[i], &rule->steps[step]) &&
		    (i < step || coverage_step(coverage, rule, i)))
			return true;
	return false;
}

size_t test_report_unreached(struct context *context, const struct ruleset *rules,
			     const struct coverage *coverage)
{
	size_t n = 0;

	assert(rules != NULL && coverage != NULL);
	for (size_t i = 0; i < ruleset_count(rules); i++) {
		const struct rule *rule = ruleset_at(rules, i);

		if (!coverage_rule(coverage, rule)) {
			tell_unreached(context, rule, NULL);
			n++;
			continue;
		}
		for (int k = 0; k < rule->step_count; k++) {
			if (rule->steps[k].loop != NULL || coverage_step(coverage, rule, k) ||
			    told_with_another(coverage, rule, k))
				continue;
			tell_unreached(context, rule, &rule->steps[k]);
			n++;
		}
	}
	return n;
}

void test_report_summary(struct context *context, const struct test_counts *counts)
{
	struct buf *out = &context->out;
	struct buf line;

	if (context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_int(out, "passed", (int64_t)counts->passed);
		json_int(out, "failed", (int64_t)counts->failed);
		json_int(out, "not_reached", (int64_t)counts->unreached);
		json_int(out, "branches", (int64_t)counts->branches.all);
		json_int(out, "branches_taken", (int64_t)counts->branches.taken);
		json_close(out, '}');
		json_line(out);
		return;
	}
	if (counts->branches.all > 0)
		buf_printf(out, "coverage: %zu of %zu branches\n", counts->branches.taken,
			   counts->branches.all);
	buf_init(&line, KIB);
	buf_printf(&line, "%zu passed, %zu failed", counts->passed, counts->failed);
	tint_put(out, counts->failed > 0 ? TINT_BAD : TINT_GOOD, buf_view(&line), context->colour);
	buf_char(out, '\n');
	buf_fini(&line);
}
