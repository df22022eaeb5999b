/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_events - events at random whose values lie on, or just beside, what rules compare
 * with; and rules and events that are like those of many customers: few shapes, many values.
 *
 * Ownership: events live in the arena given. */
#ifndef TAPPET_TESTS_RULES_EVENTS_H
#define TAPPET_TESTS_RULES_EVENTS_H

#include <math.h>

#include "tests/unit/test_rules_make.h"

/* ---- Events. ---- */

static inline struct value make_near_number(struct make *m, struct value v)
{
	bool up = make_chance(m, 50);

	if (v.kind == VALUE_INT) {
		if (make_chance(m, 30))
			return value_double((double)v.i);
		if (make_chance(m, 20) && v.i >= 0)
			return value_uint((uint64_t)v.i);
		return value_int(v.i < INT64_MAX && v.i > INT64_MIN ? v.i + (up ? 1 : -1) : v.i);
	}
	if (v.kind == VALUE_UINT) {
		if (make_chance(m, 30))
			return value_double((double)v.u);
		if (make_chance(m, 30) && v.u <= INT64_MAX)
			return value_int((int64_t)v.u);
		return value_uint(up ? v.u + (v.u < UINT64_MAX) : v.u - (v.u > 0));
	}
	if (make_chance(m, 30) && fabs(v.d) < 9e18)
		return value_int((int64_t)v.d);
	return value_double(nextafter(v.d, up ? INFINITY : -INFINITY));
}

static inline struct value make_near_text(struct make *m, struct arena *arena, struct value v)
{
	static const char *const tails[] = { "x", " and so on", "\xe2\x82\xac", "l", "lpha" };

	if (make_chance(m, 40) && v.n > 0 && (v.s[v.n - 1] & 0x80) == 0)
		return value_text((struct text){ v.s, v.n - 1 });
	if (make_chance(m, 10)) /* a NUL behind */
		return value_text(
		    (struct text){ text_printf(arena, "%.*s", TEXT_ARG(value_as_text(v))).s,
				   strnlen(v.s, v.n) + 1 });
	return value_text(
	    text_printf(arena, "%.*s%s", TEXT_ARG(value_as_text(v)), tails[make_pick(m, 5)]));
}

/* The set's own constants, evaluated; what an event holds is one, or near one. */
struct make_values {
	struct value items[MAKE_CONSTANTS];
	size_t count;
};

static inline struct value make_near(struct make *m, struct arena *arena, struct value v)
{
	switch (v.kind) {
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		return make_near_number(m, v);
	case VALUE_TEXT:
		return make_near_text(m, arena, v);
	case VALUE_BOOL:
		return value_bool(!v.b);
	case VALUE_TIMESTAMP:
		v.n = v.n > 0 ? v.n - 1 : v.n + 1;
		return v;
	case VALUE_DURATION:
		v.n = (uint32_t)((int32_t)v.n + (v.i < 0 || (int32_t)v.n < 0 ? -1 : 1));
		return v;
	default:
		return value_null();
	}
}

static inline struct value make_value(struct make *m, struct arena *arena,
				      const struct make_values *values)
{
	struct value v = values->items[make_pick(m, values->count)];

	if (make_chance(m, 60))
		return v;
	if (make_chance(m, 75))
		return make_near(m, arena, v);
	if (make_chance(m, 20))
		return value_double(make_chance(m, 50) ? NAN : INFINITY);
	return make_chance(m, 50) ? value_bool(make_chance(m, 50)) : value_null();
}

static inline struct value make_list(struct make *m, struct arena *arena,
				     const struct make_values *values)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	for (size_t n = make_pick(m, 4); n > 0; n--)
		value_list_add(&b, make_value(m, arena, values));
	return value_list_end(&b);
}

static inline struct value make_inner(struct make *m, struct arena *arena,
				      const struct make_values *values)
{
	struct value_map_builder b, deep;

	value_map_begin(&b, arena);
	if (make_chance(m, 80))
		value_map_set(&b, "k", make_value(m, arena, values));
	if (make_chance(m, 15)) {
		value_map_set(&b, "deep", make_value(m, arena, values));
	} else if (make_chance(m, 80)) {
		value_map_begin(&deep, arena);
		if (make_chance(m, 80))
			value_map_set(&deep, "x", make_value(m, arena, values));
		value_map_set(&b, "deep", value_map_end(&deep));
	}
	return value_map_end(&b);
}

static inline struct value make_object(struct make *m, struct arena *arena,
				       const struct make_values *values)
{
	static const char *const names[] = { "a", "b", "c", "d", "odd name", "s\x1fk", "a.b" };
	size_t there = make_chance(m, 50) ? 100 : 70;
	struct value_map_builder b;

	value_map_begin(&b, arena);
	for (size_t i = 0; i < 7; i++)
		if (make_chance(m, there))
			value_map_set(&b, names[i], make_value(m, arena, values));
	if (make_chance(m, 85))
		value_map_set(&b, "s", make_inner(m, arena, values));
	else if (make_chance(m, 60))
		value_map_set(&b, "s", make_value(m, arena, values));
	if (make_chance(m, 80))
		value_map_set(&b, "l", make_list(m, arena, values));
	for (size_t i = 0; i < m->wide; i++)
		if (make_chance(m, there))
			value_map_add(&b, value_text(text_printf(arena, "w%zu", i)),
				      make_value(m, arena, values));
	return value_map_end(&b);
}

static inline struct value make_side(struct make *m, struct arena *arena,
				     const struct make_values *values)
{
	if (make_chance(m, 4))
		return make_value(m, arena, values);
	return make_chance(m, 6) ? value_null() : make_object(m, arena, values);
}

static inline struct event_view make_event(struct make *m, struct arena *arena,
					   const struct make_values *values)
{
	static const char *const from[] = { "one", "two", "", "three" };
	static const char *const odd[] = { "com.acme", "com.acme.made.twice", "com.acme.*", "",
					   "com..made" };
	struct event_view e = { .id = TEXT("e1"), .time = 1700000000000, .depth = 1 };

	e.type = text_of(make_chance(m, 4) ? odd[make_pick(m, 5)]
					   : make_types[make_pick(m, (size_t)m->types)]);
	e.source = text_of(from[make_pick(m, 4)]);
	e.connection = text_of(from[make_pick(m, 4)]);
	e.subject = text_of(make_chance(m, 50) ? "" : "ab");
	e.seq = (int64_t)make_pick(m, 200);
	e.time += (int64_t)make_pick(m, 3) * 500 - 500;
	e.data = make_side(m, arena, values);
	e.before = make_chance(m, 25)   ? e.data
		   : make_chance(m, 25) ? value_null()
					: make_side(m, arena, values);
	return e;
}

/* ---- Few shapes, many values. ---- */

static inline void make_regular_rule(struct make *m, size_t number, size_t rules)
{
	size_t n = make_pick(m, rules), k = make_pick(m, 40);

	buf_printf(m->out, "  - { id: r%zu, on: com.acme.made, when: \"", number);
	switch (number % 8) {
	case 0:
		buf_printf(m->out, "data.id == %zu && data.flag", n);
		break;
	case 1:
		buf_printf(m->out, "data.used >= %zu", k * 3);
		break;
	case 2:
		/* Small numbers begin larger ones. */
		buf_printf(m->out, "data.title.startsWith('%.*s%zu')", (int)make_pick(m, 13),
			   "project Acme", make_chance(m, 50) ? n : n % 50);
		break;
	case 3:
		buf_printf(m->out, "data.status in ['s%zu', 's%zu', 's1'] && data.money == 'c%zu'",
			   k, k / 2, n % 3);
		break;
	case 4:
		buf_printf(m->out, "rose_past('used', %zu) && data.status == 's%zu'", k * 2, k);
		break;
	case 5:
		buf_printf(m->out, "data.used > %zu && data.used <= %zu && has(data.flag)", k * 2,
			   k * 2 + n % 20);
		break;
	case 6:
		buf_printf(m->out, "(data.id == %zu || data.status == 's%zu') && !data.flag", n, k);
		break;
	default:
		buf_printf(m->out, "data.money == 'c%zu' && data.used < %zu.5", n % 3, k);
	}
	buf_str(m->out, "\" }\n");
}

static inline void put_number(struct make *m, struct value_map_builder *b, const char *name,
			      size_t most)
{
	double d = (double)make_pick(m, most);

	if (make_chance(m, 10))
		return;
	if (make_chance(m, 5))
		value_map_set(b, name, make_chance(m, 50) ? value_null() : value_bool(true));
	else if (make_chance(m, 60))
		value_map_set(b, name, value_int((int64_t)d));
	else
		value_map_set(b, name, value_double(make_chance(m, 50) ? d : d + 0.5));
}

static inline struct value make_regular_object(struct make *m, struct arena *arena, size_t rules)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	put_number(m, &b, "id", rules);
	put_number(m, &b, "used", 130);
	if (make_chance(m, 90))
		value_map_set(&b, "flag",
			      make_chance(m, 95) ? value_bool(make_chance(m, 50)) : value_int(1));
	if (make_chance(m, 90))
		value_map_set(&b, "title",
			      value_text(text_printf(arena, "%.*s%zu", (int)make_pick(m, 13),
						     "project Acme", make_pick(m, rules))));
	if (make_chance(m, 90))
		value_map_set(&b, "status",
			      value_text(text_printf(arena, "s%zu", make_pick(m, 40))));
	if (make_chance(m, 90))
		value_map_set(&b, "money", value_text(text_printf(arena, "c%zu", make_pick(m, 4))));
	return value_map_end(&b);
}

static inline struct event_view make_regular_event(struct make *m, struct arena *arena,
						   size_t rules)
{
	struct event_view e = { .id = TEXT("e1"), .type = TEXT("com.acme.made") };

	e.seq = (int64_t)make_pick(m, 1000);
	e.data = make_chance(m, 97) ? make_regular_object(m, arena, rules) : value_null();
	e.before = make_chance(m, 90) ? make_regular_object(m, arena, rules) : value_null();
	return e;
}

#endif
