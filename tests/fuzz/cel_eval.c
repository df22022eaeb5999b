/* SPDX-License-Identifier: Apache-2.0
 *
 * An expression of a rule and an event: EXPRESSION @@ JSON, where the JSON is
 * the object, or {"data": ..., "before": ...}.
 *
 * The evaluation ends within its budget, twice with the same result, and with
 * folding off with the same result: unless one of them ran out of budget, which
 * folding spares. */
#include "engine/cel/cel.h"
#include "engine/rules/evaluate.h"
#include "engine/value/parse.h"
#include "tests/fuzz/rule_env.h"

static const char rule_text[] =
    "id: fuzz\non: kantata.workspace.updated\ndo:\n  - slack.post: { text: x }\n";

struct world {
	struct diags *diags;
	struct ruleset *set;
	struct json_parser *parser;
};

/* Made once; inputs can't change it. */
static const struct world *world(void)
{
	static struct world w;

	if (w.set != NULL)
		return &w;
	w.diags = diags_new();
	w.parser = json_parser_new();
	w.set = ruleset_load_revision(fuzz_config(), TEXT("fuzz"), TEXT(rule_text), w.diags);
	FUZZ_CHECK(w.set != NULL && ruleset_count(w.set) == 1, "the rule doesn't load\n");
	return &w;
}

static struct event_view event_of(const struct world *w, struct arena *arena, struct text json)
{
	struct event_view event = { .id = TEXT("e1"),
				    .source = TEXT("fuzz"),
				    .type = TEXT("kantata.workspace.updated"),
				    .subject = TEXT("s1"),
				    .connection = TEXT("fuzz"),
				    .time = 1700000000123,
				    .seq = 7 };
	const struct value *data, *before;
	struct json_error error;
	struct value v;

	if (json_parse(w->parser, arena, json, &v, &error) != FATE_OK)
		v = value_null();
	data = value_get(v, TEXT("data"));
	before = value_get(v, TEXT("before"));
	event.data = data != NULL ? *data : v;
	event.before = before != NULL ? *before : value_null();
	return event;
}

/* The result, and as text in `out`; false when the expression is refused. */
static bool evaluate(const struct world *w, struct arena *arena, struct text expr, struct text json,
		     bool folding, struct buf *out)
{
	struct loading l;
	struct cel_env *env = fuzz_rule_env(&l, arena);
	struct event_view event = event_of(w, arena, json);
	struct scope scope = {
		.arena = arena, .rule = ruleset_at(w->set, 0), .event = &event, .now = 1700000001000
	};
	const struct cel_program *program;
	struct cel_issue issue;
	struct value v;

	cel_env_folding(env, folding);
	if (cel_compile(env, arena, expr, &program, &issue) != FATE_OK)
		return false;
	v = scope_eval(&scope, program);
	buf_clear(out);
	if (v.kind == VALUE_ERROR) {
		FUZZ_CHECK(v.n > 0 && text_is_utf8(value_as_text(v)), "an error without words\n");
		buf_str(out, "error ");
		buf_text(out, value_as_text(v));
		return true;
	}
	buf_printf(out, "%s ", value_kind_name((enum value_kind)v.kind));
	value_write(out, v);
	return true;
}

/* Out of steps or of memory: which of the two evaluations it hits is no matter. */
static bool out_of_budget(const struct buf *out)
{
	return text_find(buf_view(out), TEXT("takes too many steps")) != SIZE_MAX ||
	       text_find(buf_view(out), TEXT("memory")) != SIZE_MAX;
}

static bool both_errors(const struct buf *a, const struct buf *b)
{
	return text_starts(buf_view(a), TEXT("error ")) && text_starts(buf_view(b), TEXT("error "));
}

/* What it says with folding on (first) and off, twice. */
static void compare(const struct world *w, struct text expr, struct text json, bool folding,
		    struct buf *first, bool took)
{
	AUTO(arena_free) struct arena *arena = arena_new("eval", FUZZ_ARENA);
	AUTO_FINI(buf_fini) struct buf out;

	buf_init(&out, FUZZ_ARENA);
	FUZZ_CHECK(evaluate(w, arena, expr, json, folding, &out) == took, "folding %d\n", folding);
	if (!took || out_of_budget(first) || out_of_budget(&out))
		return;
	if (!folding && both_errors(first, &out))
		return; /* which of two errors comes first is open */
	FUZZ_CHECK(text_eq(buf_view(first), buf_view(&out)), "folding %d: %s\n  first: %s\n",
		   folding, buf_cstr(&out), buf_cstr(first));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	AUTO(arena_free) struct arena *arena = arena_new("eval", FUZZ_ARENA);
	AUTO_FINI(buf_fini) struct buf first;
	const struct world *w = world();
	struct text json, expr = fuzz_split(fuzz_text(bytes, n), "@@", &json);
	bool took;

	buf_init(&first, FUZZ_ARENA);
	took = evaluate(w, arena, expr, json, true, &first);
	compare(w, expr, json, true, &first, took);
	compare(w, expr, json, false, &first, took);
	return 0;
}
