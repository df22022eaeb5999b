/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_make - rules at random, as users write them: a line of YAML each.
 *
 * One seed gives one stream of rules and events (test_rules_events.h) on every machine.
 * Ownership: the buffer is the caller's. */
#ifndef TAPPET_TESTS_RULES_MAKE_H
#define TAPPET_TESTS_RULES_MAKE_H

#include "engine/base/buf.h"
#include "engine/rules/rule.h"

#define MAKE_CONSTANTS 48
#define MAKE_DEFINES   3

static const char make_config[] =
    "vars: { limit: 90, word: ab, list: [1, ab, 2.5], on: true, deep: { x: 1 }, none: null }\n"
    "hooks: { one: { verify: none }, two: { verify: none } }\n";

/* As CEL, as a key of `match`, and beneath data for changed() and its like. */
struct make_field {
	const char *cel, *match, *path;
};

static const struct make_field make_fields[] = {
	{ "data.a", "data.a", "a" },
	{ "data.b", "data.b", "b" },
	{ "data.c", "data.c", "c" },
	{ "data.d", "data.d", "d" },
	{ "data.s.k", "data.s.k", "s.k" },
	{ "data.s.deep.x", "data.s.deep.x", "s.deep.x" },
	{ "data['odd name']", "data.odd name", "odd name" },
	{ "data.l[0]", "data.l.0", "l.0" },
	{ "before.a", "before.a", "a" },
	{ "object.b", "object.b", "b" },
	{ "before.s.k", "before.s.k", "s" },
	{ "event.subject", "event.subject", "" },
	{ "event.seq", "event.seq", "l" },
	{ "event.time", "event.time", "missing" },
	{ "event.connection", "event.connection", "a.b" },
	{ "vars.limit", "vars.limit", "s.deep" },
	{ "vars.qqqqqqqq", "vars.qqqqqqqq", "c" },
	{ "data['s\\u001fk']", "data.d", "d" },
	{ "data['a.b']", "data.c", "a.b" },
	{ "data", "data.a", "" },
	{ "data.l", "data.l", "l" },
	{ "changed.a.to", "data.a", "a" },
};

struct make_constant {
	const char *cel;   /* the literal */
	const char *plain; /* in YAML, when it has one: else "${cel}" */
};

static const struct make_constant make_constants[] = {
	{ "0", "0" },
	{ "1", "1" },
	{ "-1", "-1" },
	{ "2", "2" },
	{ "5", "5" },
	{ "90", "90" },
	{ "9007199254740991", "9007199254740991" },
	{ "9007199254740992", "9007199254740992" },
	{ "9007199254740993", "9007199254740993" },
	{ "-9007199254740992", "-9007199254740992" },
	{ "-9007199254740993", NULL },
	{ "9223372036854775807", "9223372036854775807" },
	{ "1u", NULL },
	{ "90u", NULL },
	{ "9223372036854775808u", "9223372036854775808" },
	{ "18446744073709551615u", "18446744073709551615" },
	{ "1.0", "1.0" },
	{ "-0.0", "-0.0" },
	{ "0.5", "0.5" },
	{ "90.0", "90.0" },
	{ "89.99999999999999", "89.99999999999999" },
	{ "9007199254740992.0", NULL },
	{ "9007199254740994.0", NULL },
	{ "1e300", "1e300" },
	{ "5e-324", NULL },
	{ "''", "''" },
	{ "'a'", "'a'" },
	{ "'ab'", "'ab'" },
	{ "'one'", "'one'" },
	{ "'projectA'", "'projectA'" },
	{ "'projectAl'", "'projectAl'" },
	{ "'projectAlpha and so on'", "'projectAlpha and so on'" },
	{ "'projectB'", "'projectB'" },
	{ "'projec'", "'projec'" },
	{ "'proj\\u00fcct\\u20ac'", NULL },
	{ "'a\\000'", NULL },
	{ "'a\\000\\000\\000\\000\\000\\000\\000'", NULL },
	{ "'a\\000\\000\\000\\000\\000\\000\\000b'", NULL },
	{ "'\\U0010ffff\\U0010ffff'", NULL },
	{ "true", "true" },
	{ "false", "false" },
	{ "null", "null" },
	{ "timestamp('2023-11-14T22:13:20Z')", NULL },
	{ "timestamp('2023-11-14T22:13:20.5Z')", NULL },
	{ "timestamp('1969-12-31T23:59:59.5Z')", NULL },
	{ "duration('90s')", NULL },
	{ "duration('-0.5s')", NULL },
	{ "b'ab'", NULL },
	{ "[1, 'a']", "[1, a]" },
	{ "{'k': 1}", "{ k: 1 }" },
};

#define MAKE_FIELDS (sizeof(make_fields) / sizeof(*make_fields))
#define MAKE_ALL    (sizeof(make_constants) / sizeof(*make_constants))

struct make {
	uint64_t state;
	struct buf *out;
	size_t constants[MAKE_CONSTANTS]; /* of this set: what rules compare with */
	size_t constant_count;
	size_t field_count; /* the first so many, and `wide` plain ones beside */
	size_t wide;
	int depth;   /* conditions nest so deeply */
	int defines; /* of the rule under way */
	int loops;   /* names of macros in use */
	int types;   /* of events */
};

/* ---- Chance. ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t make_next(struct make *m)
{
	uint64_t x = m->state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline size_t make_pick(struct make *m, size_t n)
{
	return (size_t)(make_next(m) % n);
}

static inline bool make_chance(struct make *m, size_t percent)
{
	return make_pick(m, 100) < percent;
}

/* ---- Parts of conditions. ---- */

static inline const struct make_constant *make_constant(struct make *m)
{
	return &make_constants[m->constants[make_pick(m, m->constant_count)]];
}

static inline void put_constant(struct make *m)
{
	static const char *const vars[] = { "vars.limit", "vars.word", "vars.on", "vars.deep.x" };

	buf_str(m->out, make_chance(m, 5) ? vars[make_pick(m, 4)] : make_constant(m)->cel);
}

/* A constant whose literal begins like this; any when the set has none. */
static inline void put_constant_of(struct make *m, const char *first)
{
	for (int i = 0; i < 8; i++) {
		const struct make_constant *c = make_constant(m);

		if (strchr(first, c->cel[0]) != NULL) {
			buf_str(m->out, c->cel);
			return;
		}
	}
	buf_str(m->out, first[0] == '\'' ? "'ab'" : "5");
}

static inline void put_field(struct make *m)
{
	if (m->wide > 0 && make_chance(m, 80))
		buf_printf(m->out, "data.w%zu", make_pick(m, m->wide));
	else
		buf_str(m->out, make_fields[make_pick(m, m->field_count)].cel);
}

static inline void put_path(struct make *m)
{
	const char *path = make_fields[make_pick(m, m->field_count)].path;

	if (m->wide > 0 && make_chance(m, 50))
		buf_printf(m->out, "'w%zu'", make_pick(m, m->wide));
	else
		buf_printf(m->out, "'%s'", path);
}

static inline void put_subject(struct make *m)
{
	switch (make_pick(m, 24)) {
	case 0:
	case 1:
		buf_str(m->out, "default(");
		put_field(m);
		buf_str(m->out, ", ");
		put_constant(m);
		buf_char(m->out, ')');
		return;
	case 2:
		if (m->defines > 0) {
			buf_printf(m->out, "d%zu", make_pick(m, (size_t)m->defines));
			return;
		}
		break;
	case 3:
		buf_str(m->out, "size(");
		put_field(m);
		buf_char(m->out, ')');
		return;
	case 4:
		buf_char(m->out, '(');
		put_field(m);
		buf_str(m->out, " + 1)");
		return;
	case 5:
		buf_str(m->out, "data.?s.?k.orValue(");
		put_constant(m);
		buf_char(m->out, ')');
		return;
	default:
		break;
	}
	put_field(m);
}

static inline void put_condition(struct make *m, int depth);

static inline void put_comparison(struct make *m)
{
	static const char *const signs[] = { "==", "==", "==", "!=", "<", "<=", ">", ">=" };
	const char *sign = signs[make_pick(m, 8)];
	bool turned = make_chance(m, 15);

	if (turned)
		put_constant(m);
	else
		put_subject(m);
	buf_printf(m->out, " %s ", sign);
	if (turned)
		put_subject(m);
	else if (make_chance(m, 4))
		put_field(m);
	else if (sign[0] == '<' || sign[0] == '>')
		put_constant_of(m, make_chance(m, 85) ? "0123456789-" : "'tdf");
	else
		put_constant(m);
}

static inline void put_in(struct make *m)
{
	size_t n = make_chance(m, 3) ? 70 : make_pick(m, 6);

	put_subject(m);
	if (make_chance(m, 5)) {
		buf_str(m->out, " in vars.list");
		return;
	}
	buf_str(m->out, " in [");
	for (size_t i = 0; i < n; i++) {
		buf_str(m->out, i > 0 ? ", " : "");
		put_constant(m);
	}
	buf_char(m->out, ']');
}

static inline void put_text_call(struct make *m)
{
	static const char *const names[] = { "startsWith", "startsWith", "startsWith", "endsWith",
					     "contains" };

	put_subject(m);
	buf_printf(m->out, ".%s(", names[make_pick(m, 5)]);
	put_constant_of(m, "'");
	buf_char(m->out, ')');
}

static inline void put_has(struct make *m)
{
	static const char *const paths[] = { "data.a",   "data.s.k", "data.s.deep.x", "before.a",
					     "object.b", "data.w1",  "data.c" };
	const char *path = paths[make_pick(m, 7)];

	switch (make_pick(m, 4)) {
	case 0:
		buf_printf(m->out, "default(has(%s), %s)", path,
			   make_chance(m, 70) ? "false" : "true");
		return;
	case 1:
		buf_printf(m->out, "%shas(%s)", make_chance(m, 40) ? "!" : "", path);
		return;
	case 2:
		buf_printf(m->out, "%s != null", path);
		return;
	default:
		buf_printf(m->out, "default(%s, %s) != null", path,
			   make_chance(m, 70) ? "null" : "7");
	}
	buf_printf(m->out, " && %s ", path);
	buf_str(m->out, make_chance(m, 50) ? "== " : ">= ");
	put_constant_of(m, "0123456789-");
}

static inline void put_change(struct make *m)
{
	static const char *const passed[] = { "rose_past(", "fell_below(" };

	switch (make_pick(m, 5)) {
	case 0:
		buf_str(m->out, "changed(");
		put_path(m);
		break;
	case 1:
		buf_str(m->out, "became(");
		put_path(m);
		buf_str(m->out, ", ");
		if (make_chance(m, 15))
			put_field(m);
		else
			put_constant(m);
		break;
	case 2:
		buf_str(m->out, "crossed(");
		put_path(m);
		buf_str(m->out, ", [");
		put_constant_of(m, "0123456789-t");
		buf_str(m->out, ", ");
		put_constant_of(m, "0123456789-");
		buf_printf(m->out, "]) %s ", make_chance(m, 50) ? ">" : "!=");
		put_constant_of(m, "0");
		return;
	default:
		buf_str(m->out, passed[make_pick(m, 2)]);
		put_path(m);
		buf_str(m->out, ", ");
		put_constant_of(m, "0123456789-");
	}
	buf_char(m->out, ')');
}

/* A condition whose value is what stands there: a flag. */
static inline void put_flag(struct make *m)
{
	static const char *const ways[] = { "", "", "!", "!!", "!default(", "default(" };
	const char *how = ways[make_pick(m, 6)];

	buf_str(m->out, how);
	if (make_chance(m, 70))
		put_field(m);
	else
		put_subject(m);
	if (how[0] != '\0' && how[strlen(how) - 1] == '(') {
		buf_str(m->out, ", ");
		if (make_chance(m, 80))
			buf_str(m->out, make_chance(m, 50) ? "true" : "false");
		else
			put_constant(m);
		buf_char(m->out, ')');
	}
}

/* Macros whose names may be those of defines. */
static inline void put_loop(struct make *m, int depth)
{
	static const char *const names[] = { "all", "exists", "exists_one" };

	if (make_chance(m, 30)) {
		buf_printf(m->out, "cel.bind(d%d, ", m->loops);
		put_field(m);
		buf_printf(m->out, ", d%d ", m->loops);
	} else if (make_chance(m, 30)) {
		buf_printf(m->out, "data.l.%s(i, d%d, i >= 0 && d%d ", names[make_pick(m, 2)],
			   m->loops, m->loops);
	} else {
		buf_printf(m->out, "data.l.%s(d%d, d%d ", names[make_pick(m, 3)], m->loops,
			   m->loops);
	}
	if (make_chance(m, 60)) {
		buf_str(m->out, "== ");
		put_constant(m);
	} else {
		buf_str(m->out, "!= 'x' && ");
		put_condition(m, depth - 1);
	}
	buf_char(m->out, ')');
}

static inline void put_many(struct make *m, int depth)
{
	size_t n = 2 + make_pick(m, make_chance(m, 5) ? 18 : 3);
	const char *joint = make_chance(m, 55) ? " && " : " || ";

	buf_char(m->out, '(');
	for (size_t i = 0; i < n; i++) {
		buf_str(m->out, i > 0 ? joint : "");
		put_condition(m, depth - 1);
	}
	buf_char(m->out, ')');
}

static inline void put_nested(struct make *m, int depth)
{
	switch (make_pick(m, 6)) {
	case 0:
		buf_str(m->out, "!(");
		break;
	case 1:
		buf_str(m->out, "default(");
		put_condition(m, depth - 1);
		buf_str(m->out, make_chance(m, 75) ? ", false" : ", true");
		buf_char(m->out, ')');
		return;
	case 2:
		buf_char(m->out, '(');
		put_condition(m, depth - 1);
		buf_str(m->out, " ? ");
		put_condition(m, depth - 1);
		buf_str(m->out, " : ");
		break;
	case 3:
		put_loop(m, depth);
		return;
	default:
		put_many(m, depth);
		return;
	}
	put_condition(m, depth - 1);
	buf_char(m->out, ')');
}

static inline void put_condition(struct make *m, int depth)
{
	size_t what = make_pick(m, depth > 0 ? 28 : 20);

	if (what < 7)
		put_comparison(m);
	else if (what < 10)
		put_in(m);
	else if (what < 13)
		put_text_call(m);
	else if (what < 15)
		put_has(m);
	else if (what < 17)
		put_flag(m);
	else if (what < 19)
		put_change(m);
	else if (what < 20 && m->defines > 0)
		buf_printf(m->out, "d%zu", make_pick(m, (size_t)m->defines));
	else if (depth > 0)
		put_nested(m, depth);
	else
		put_comparison(m);
}

/* ---- `match`. ---- */

static inline void put_operand(struct make *m, const char *word)
{
	const struct make_constant *c = make_constant(m);

	if (word != NULL && strchr("gl", word[0]) != NULL) {
		buf_str(m->out, "\"${");
		put_constant_of(m, "0123456789-t");
		buf_str(m->out, "}\"");
	} else if (word != NULL && strchr("psm", word[0]) != NULL) {
		buf_str(m->out, "\"${");
		put_constant_of(m, "'");
		buf_str(m->out, "}\"");
	} else if (c->plain != NULL && make_chance(m, 70)) {
		buf_str(m->out, c->plain);
	} else {
		struct buf b;

		buf_init(&b, KIB);
		buf_printf(&b, "${%s}", c->cel);
		value_write_text(m->out, buf_view(&b));
		buf_fini(&b);
	}
}

static inline void put_operands(struct make *m, const char *word)
{
	size_t n = make_pick(m, 4);

	buf_char(m->out, '[');
	for (size_t i = 0; i <= n; i++) {
		buf_str(m->out, i > 0 ? ", " : "");
		put_operand(m, word);
	}
	buf_char(m->out, ']');
}

static inline void put_operator(struct make *m)
{
	static const char *const words[] = { "eq", "ne", "gt",     "ge",     "lt",       "le",
					     "in", "in", "prefix", "suffix", "contains", "exists" };
	const char *word = words[make_pick(m, 12)];

	buf_printf(m->out, "{ %s: ", word);
	if (strcmp(word, "exists") == 0)
		buf_str(m->out, make_chance(m, 50) ? "true" : "false");
	else if (strcmp(word, "in") == 0)
		put_operands(m, NULL);
	else
		put_operand(m, strcmp(word, "contains") == 0 ? NULL : word);
	buf_str(m->out, " }");
}

static inline void put_match_change(struct make *m)
{
	static const char *const words[] = { "changed", "became", "rose_past", "fell_below" };
	size_t which = make_pick(m, 4);
	const char *path = make_fields[make_pick(m, 8)].path;

	buf_printf(m->out, "%s: ", words[which]);
	if (which == 0) {
		buf_printf(m->out, make_chance(m, 50) ? "'%s'" : "['%s', b, s.k]", path);
		return;
	}
	buf_printf(m->out, "{ '%s': ", path);
	if (which == 1 && make_chance(m, 30))
		put_operands(m, NULL);
	else
		put_operand(m, which == 1 ? NULL : "ge");
	buf_str(m->out, " }");
}

/* Paths differ, because a key may stand once only. */
static inline void put_match(struct make *m)
{
	size_t n = 1 + make_pick(m, 3), from = make_pick(m, 8);

	buf_str(m->out, ", match: { ");
	for (size_t i = 0; i < n; i++) {
		buf_str(m->out, i > 0 ? ", " : "");
		if (m->wide > 0 && make_chance(m, 60))
			buf_printf(m->out, "data.w%zu: ", i * m->wide / n);
		else
			buf_printf(m->out, "'%s': ", make_fields[(from + i) % 8].match);
		if (make_chance(m, 50))
			put_operator(m);
		else if (make_chance(m, 30))
			put_operands(m, NULL);
		else
			put_operand(m, NULL);
	}
	if (make_chance(m, 25)) {
		buf_str(m->out, ", ");
		put_match_change(m);
	}
	buf_str(m->out, " }");
}

/* ---- Rules. ---- */

static const char *const make_types[] = { "com.acme.made", "com.acme.sold", "com.other.made",
					  "hook.one", "hook.two.push" };

static inline void put_on(struct make *m)
{
	static const char *const more[] = { "com.acme.*",
					    "com.**",
					    "[com.acme.made, com.acme.*, com.**]",
					    "[com.other.made, com.acme.sold, com.acme.sold]",
					    "com.*.made",
					    "hook.**" };

	if (make_chance(m, 70))
		buf_str(m->out, make_types[make_pick(m, (size_t)m->types)]);
	else
		buf_str(m->out, more[make_pick(m, 6)]);
}

/* `"` and `\` of the condition, which was put from `from` on, escaped for YAML. */
static inline void quote_from(struct make *m, size_t from)
{
	struct buf b;

	buf_init(&b, MIB);
	value_write_text(&b, (struct text){ m->out->s + from, m->out->n - from });
	buf_cut(m->out, from);
	buf_text(m->out, buf_view(&b));
	buf_fini(&b);
}

static inline void put_defines(struct make *m)
{
	int n = make_chance(m, 30) ? 1 + (int)make_pick(m, MAKE_DEFINES) : 0;

	m->defines = 0;
	if (n > 0)
		buf_str(m->out, ", define: { ");
	for (; m->defines < n; m->defines++) {
		size_t from;

		buf_printf(m->out, "%sd%d: ", m->defines > 0 ? ", " : "", m->defines);
		from = m->out->n;
		if (make_chance(m, 50))
			put_condition(m, 1);
		else
			put_subject(m);
		quote_from(m, from);
	}
	if (n > 0)
		buf_str(m->out, " }");
}

/* A rule is one line, so that a mistake's line tells which one to leave out. */
static inline void make_rule(struct make *m, size_t number)
{
	static const char *const keys[] = { "data.a", "data.s.k", "object.b", "data.missing",
					    "event.seq" };
	size_t from;

	buf_printf(m->out, "  - { id: r%zu, on: ", number);
	put_on(m);
	if (make_chance(m, 20))
		buf_str(m->out, make_chance(m, 50) ? ", from: one" : ", from: two");
	if (make_chance(m, 6))
		buf_str(m->out, make_chance(m, 50) ? ", mode: off" : ", mode: shadow");
	if (make_chance(m, 40))
		put_match(m);
	put_defines(m);
	if (make_chance(m, 15))
		buf_printf(m->out, ", key: \"%s\"", keys[make_pick(m, 5)]);
	if (make_chance(m, 80)) {
		size_t n = 1 + make_pick(m, 4);

		buf_str(m->out, ", when: ");
		from = m->out->n;
		for (size_t i = 0; i < n; i++) {
			buf_str(m->out, i > 0 ? " && " : "");
			put_condition(m, m->depth);
		}
		quote_from(m, from);
	}
	buf_str(m->out, " }\n");
}

/* What the rules of a set have in common. */
static inline void make_profile(struct make *m, size_t rules)
{
	*m = (struct make){ .state = m->state, .out = m->out };
	m->constant_count = 3 + make_pick(m, rules > 300 ? MAKE_CONSTANTS - 3 : 12);
	for (size_t i = 0; i < m->constant_count; i++)
		m->constants[i] = make_pick(m, MAKE_ALL);
	m->field_count = 1 + make_pick(m, MAKE_FIELDS);
	m->wide = make_chance(m, 50) ? 1 + make_pick(m, 40) : 0;
	m->depth = (int)make_pick(m, rules > 300 ? 2 : 4);
	m->types = 1 + (int)make_pick(m, sizeof(make_types) / sizeof(*make_types));
	m->loops = (int)make_pick(m, 3);
}

#endif
