/* SPDX-License-Identifier: Apache-2.0
 *
 * change_functions - what this event changed, and how far a day is from the
 * moment of the evaluation, as functions of conditions.
 *
 * Paths are relative to data and cover what lies beneath. `before` is the
 * object before the change; a new object (before is null) counts as having had
 * nothing: changed() and became() hold for whatever it has, rose_past() and
 * crossed() for every threshold it starts at or above, fell_below() never.
 * A threshold counts as passed when it is reached: before < n <= after, and
 * before >= n > after for falling.
 * Null and absent are the same here.
 * Ownership: nothing is kept; the event belongs to the evaluation's scope. */
#include "engine/rules/evaluate.h"

#include <assert.h>

static struct value at_path(struct value v, struct text path)
{
	const struct value *found = path.n > 0 ? value_path(v, path) : &v;

	return found != NULL ? *found : value_null();
}

static const struct event_view *event_of(void *of)
{
	const struct scope *scope = of;

	assert(scope != NULL && scope->event != NULL);
	return scope->event;
}

/* Takes what comparing the two sides of a change reads from the budget. */
static bool afford(struct cel_run *run, struct text path, struct value a, struct value b)
{
	return cel_charge_value(run, value_text(path)) && cel_charge_value(run, a) &&
	       cel_charge_value(run, b);
}

static bool same(struct value a, struct value b);

/* Every member of a is in b, or null. */
static bool covered(struct value a, struct value b)
{
	for (uint32_t i = 0; i < a.n; i++) {
		const struct value *other = value_get_value(b, a.pairs[i].key);

		if (!same(a.pairs[i].val, other != NULL ? *other : value_null()))
			return false;
	}
	return true;
}

/* What b has beyond a is null. */
static bool no_more(struct value a, struct value b)
{
	for (uint32_t i = 0; i < b.n; i++) {
		if (!value_is(b.pairs[i].val, VALUE_NULL) &&
		    value_get_value(a, b.pairs[i].key) == NULL)
			return false;
	}
	return true;
}

/* Looks at every part once. Documents are at most LIMIT_JSON_DEPTH deep, which bounds this. */
static bool same(struct value a, struct value b)
{
	if (value_is(a, VALUE_MAP) && value_is(b, VALUE_MAP))
		return covered(a, b) && no_more(a, b);
	return value_equal(a, b);
}

bool event_changed(const struct event_view *event, struct text path)
{
	assert(event != NULL);
	return !same(at_path(event->before, path), at_path(event->data, path));
}

static struct value fn_changed(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	const struct event_view *event = event_of(of);
	struct text path = value_as_text(args[0]);
	struct value before = at_path(event->before, path), after = at_path(event->data, path);

	(void)count;
	return afford(run, path, before, after) ? value_bool(!same(before, after))
						: cel_error_budget();
}

static struct value fn_became(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	const struct event_view *event = event_of(of);
	struct text path = value_as_text(args[0]);
	struct value before = at_path(event->before, path), after = at_path(event->data, path);

	(void)count;
	if (!afford(run, path, before, after))
		return cel_error_budget();
	return value_bool(same(after, args[1]) && !same(before, args[1]));
}

static bool is_number(struct value v)
{
	return value_is(v, VALUE_INT) || value_is(v, VALUE_UINT) || value_is(v, VALUE_DOUBLE);
}

enum reading_of { READ_NUMBERS, READ_ABSENT, READ_WRONG };

/* The two sides of a number's change; *had: there was one before. */
static enum reading_of numbers(const struct event_view *event, struct text path,
			       struct value *before, struct value *after, bool *had)
{
	*before = at_path(event->before, path);
	*after = at_path(event->data, path);
	*had = is_number(*before);
	if (value_is(*after, VALUE_NULL))
		return READ_ABSENT;
	return is_number(*after) && (*had || value_is(*before, VALUE_NULL)) ? READ_NUMBERS
									    : READ_WRONG;
}

static struct value not_a_number(struct cel_run *run, struct text path)
{
	return cel_error(run, "\"%.*s\" is no number", TEXT_ARG(path));
}

static struct value fn_rose_past(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	struct text path = value_as_text(args[0]);
	struct value before, after;
	bool had;
	enum reading_of reading = numbers(event_of(of), path, &before, &after, &had);
	int order;

	(void)count;
	if (reading == READ_WRONG || !is_number(args[1]))
		return not_a_number(run, reading == READ_WRONG ? path : TEXT("threshold"));
	if (reading == READ_ABSENT)
		return value_bool(false);
	order = value_order(after, args[1]);
	return value_bool((order == 0 || order == 1) &&
			  (!had || value_order(before, args[1]) == -1));
}

static struct value fn_fell_below(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	struct text path = value_as_text(args[0]);
	struct value before, after;
	bool had;
	enum reading_of reading = numbers(event_of(of), path, &before, &after, &had);
	int order;

	(void)count;
	if (reading == READ_WRONG || !is_number(args[1]))
		return not_a_number(run, reading == READ_WRONG ? path : TEXT("threshold"));
	if (reading == READ_ABSENT || !had)
		return value_bool(false);
	order = value_order(before, args[1]);
	return value_bool((order == 0 || order == 1) && value_order(after, args[1]) == -1);
}

static struct value fn_crossed(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	struct text path = value_as_text(args[0]);
	struct value before, after, best = value_int(0);
	bool had, any = false;
	enum reading_of reading = numbers(event_of(of), path, &before, &after, &had);

	(void)count;
	if (!cel_charge_value(run, args[1]))
		return cel_error_budget();
	if (reading == READ_WRONG)
		return not_a_number(run, path);
	for (uint32_t i = 0; i < args[1].n && reading == READ_NUMBERS; i++) {
		struct value n = args[1].items[i];
		int reached;

		if (!is_number(n))
			return not_a_number(run, TEXT("threshold"));
		reached = value_order(after, n);
		if ((reached == 0 || reached == 1) && (!had || value_order(before, n) == -1) &&
		    (!any || value_order(n, best) == 1)) {
			best = n;
			any = true;
		}
	}
	return best;
}

static int64_t floor_seconds(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

static struct value fn_raw(struct cel_run *run, void *of, const struct value *args, uint32_t count)
{
	(void)run;
	(void)of;
	(void)count;
	return args[0];
}

/* Midnights between now and the day, in the zone; negative when the day has passed. */
static struct value fn_days_until(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	const struct scope *scope = of;
	const struct value *zone = count == 2 ? &args[1] : NULL;
	const struct value now = { .kind = VALUE_TIMESTAMP, .i = floor_seconds(scope->now) };
	struct value bad;
	int64_t today, day;

	if (!cel_day(run, args[0], zone, &day, &bad) || !cel_day(run, now, zone, &today, &bad))
		return bad;
	return value_int(day - today);
}

const struct cel_function rule_functions[] = {
	{ .name = "changed",
	  .doc = "True when this event changed the field at the path, or anything beneath it.",
	  .type = CEL_BOOL,
	  .least = 1,
	  .most = 1,
	  .args = { CEL_TEXT },
	  .call = fn_changed,
	  .path_args = true },
	{ .name = "became",
	  .doc = "True when the field at the path has the value now and had another before.",
	  .type = CEL_BOOL,
	  .least = 2,
	  .most = 2,
	  .args = { CEL_TEXT, CEL_DYN },
	  .call = fn_became,
	  .path_args = true },
	{ .name = "rose_past",
	  .doc = "True when the number at the path was below n and is n or more now.",
	  .type = CEL_BOOL,
	  .least = 2,
	  .most = 2,
	  .args = { CEL_TEXT, CEL_DYN },
	  .call = fn_rose_past,
	  .path_args = true },
	{ .name = "fell_below",
	  .doc = "True when the number at the path was n or more and is below n now.",
	  .type = CEL_BOOL,
	  .least = 2,
	  .most = 2,
	  .args = { CEL_TEXT, CEL_DYN },
	  .call = fn_fell_below,
	  .path_args = true },
	{ .name = "crossed",
	  .doc = "The highest of the numbers that this change rose past, or 0.",
	  .type = CEL_DYN,
	  .least = 2,
	  .most = 2,
	  .args = { CEL_TEXT, CEL_LIST },
	  .call = fn_crossed,
	  .path_args = true },
	{ .name = "raw",
	  .doc = "The value itself; as a whole ${raw(x)} it isn't escaped.",
	  .type = CEL_DYN,
	  .least = 1,
	  .most = 1,
	  .args = { CEL_DYN },
	  .call = fn_raw },
	{ .name = "days_until",
	  .doc = "Days from today to a day or time, in UTC or the zone given.",
	  .type = CEL_INT,
	  .least = 1,
	  .most = 2,
	  .args = { CEL_DYN, CEL_TEXT },
	  .call = fn_days_until },
	{ .name = NULL },
};
