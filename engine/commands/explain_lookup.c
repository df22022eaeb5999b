/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_lookup - of a rule with look-ups: what they brought, read from the record of
 * the run, so that `when` is explained with the very values it was decided by. */
#include <assert.h>

#include "engine/commands/explain.h"

static struct value member(struct value entry, const char *name)
{
	const struct value *v = value_get(entry, text_of(name));

	return v != NULL ? *v : value_null();
}

/* As expressions read them: NAME -> {result}. */
static struct value as_steps(struct arena *arena, struct value list)
{
	struct value_map_builder all, one;

	value_map_begin(&all, arena);
	for (uint32_t i = 0; i < list.n; i++) {
		value_map_begin(&one, arena);
		value_map_set(&one, "result", member(list.items[i], "result"));
		if (text_starts(value_as_text(member(list.items[i], "as")), TEXT("lookup.")))
			value_map_add(&all, member(list.items[i], "as"), value_map_end(&one));
	}
	return value_map_end(&all);
}

static bool is_lookup(const struct rule *rule, int step)
{
	if (step < 0 || step >= rule->step_count)
		return false;
	return rule->steps[step].reads || is_lookup(rule, rule->steps[step].handles);
}

static enum lookups_told how_far(const struct explain_view *view)
{
	const struct run_record *run = &view->run;

	if (!view->same || run->steps.n == 0)
		return LOOKUPS_UNMADE;
	if (!is_lookup(view->rule, run->step) || run->state == RUN_SKIPPED)
		return LOOKUPS_MADE;
	return run_state_open(run->state) ? LOOKUPS_OPEN : LOOKUPS_FAILED;
}

struct value explain_lookups(struct json_parser *parser, struct arena *arena,
			     struct explain_view *view)
{
	struct explain_lookups *out = &view->lookups;
	struct json_error error;
	struct value list;

	assert(parser != NULL && arena != NULL && view != NULL && view->rule != NULL);
	*out = (struct explain_lookups){ .told = LOOKUPS_NONE };
	if (view->rule->lookup_first < 0)
		return value_null();
	out->told = how_far(view);
	if (out->told == LOOKUPS_UNMADE ||
	    json_parse(parser, arena, view->run.steps, &list, &error) != FATE_OK ||
	    !value_is(list, VALUE_LIST))
		return value_null();
	out->entries = list;
	return out->told == LOOKUPS_MADE ? as_steps(arena, list) : value_null();
}

bool explain_lookup_at(const struct explain_lookups *lookups, uint32_t i,
		       struct explain_lookup *out)
{
	static const char step[] = "lookup.";
	struct value entry = lookups->entries.items[i];
	struct text name = value_as_text(member(entry, "as"));

	assert(i < lookups->entries.n);
	if (!text_starts(name, TEXT("lookup.")))
		return false;
	*out = (struct explain_lookup){
		.name = { name.s + sizeof(step) - 1, name.n - (sizeof(step) - 1) },
		.state = value_as_text(member(entry, "state")),
		.result = member(entry, "result"),
		.error = value_is(member(entry, "error"), VALUE_TEXT)
			     ? value_as_text(member(entry, "error"))
			     : TEXT_NONE,
		.cached = value_get(entry, TEXT("cached")) != NULL,
	};
	return true;
}

struct text explain_lookup_words(struct arena *arena, const struct explain_lookup *l, size_t most)
{
	struct text value = explain_value(arena, l->result, most);

	if (text_is(l->state, "skipped"))
		return text_printf(arena, "%.*s = null: not made, for what it is about is null",
				   TEXT_ARG(l->name));
	if (text_is(l->state, "done"))
		return text_printf(arena, "%.*s = %.*s%s", TEXT_ARG(l->name), TEXT_ARG(value),
				   l->cached ? "  (was known)" : "");
	return text_printf(arena, "%.*s: %.*s", TEXT_ARG(l->name),
			   TEXT_ARG(l->error.n > 0 ? l->error : TEXT("under way")));
}
