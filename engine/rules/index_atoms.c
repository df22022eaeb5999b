/* SPDX-License-Identifier: Apache-2.0
 *
 * index_atoms - what must hold for a rule to fire, as far as it can be looked up.
 *
 * match && when is cut into conjuncts; each is turned into alternatives (a || b)
 * of atoms (a && b). Leaving an atom out is always right: what remains still must
 * hold. So whatever isn't understood here is left out, and too many alternatives
 * are cut back.
 * Defines are looked into: `used >= 90` with used: data.percent is a range of
 * data.percent. vars are constants of their set. */
#include "engine/rules/index_inside.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "engine/base/limits.h"

static const struct cover unknown = { NULL, 0, false };

/* ---- Covers. ---- */

static struct cover cover_new(struct taking *t, uint32_t count)
{
	struct cover c = { arena_zero(t->arena, count * sizeof(*c.items)), count, false };

	if (c.items == NULL) {
		t->slots->failed = true;
		return unknown;
	}
	return c;
}

/* exact: the atom is all that the condition says. */
static struct cover cover_atom(struct taking *t, struct atom atom, bool exact)
{
	struct cover c = cover_new(t, 1);
	struct atom *kept = arena_copy(t->arena, &atom, sizeof(atom));

	if (c.count == 0 || kept == NULL) {
		t->slots->failed = true;
		return unknown;
	}
	kept->proves[0] = CONJUNCT_NONE;
	kept->proves[1] = CONJUNCT_NONE;
	c.items[0] = (struct alternative){ kept, 1 };
	c.exact = exact;
	return c;
}

/* Two ranges of one slot are one. There is space for INDEX_ATOMS; false beyond that. */
static bool alternative_add(struct alternative *a, const struct atom *atom)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct atom *have = &a->atoms[i];

		if (atom->kind != ATOM_RANGE || have->kind != ATOM_RANGE ||
		    have->slot != atom->slot || have->line != atom->line)
			continue;
		have->low = fmax(have->low, atom->low);
		have->high = fmin(have->high, atom->high);
		have->blind &= atom->blind; /* one that is false decides */
		have->proves[have->proves[0] != CONJUNCT_NONE] = atom->proves[0];
		return true;
	}
	if (a->count == INDEX_ATOMS)
		return false;
	a->atoms[a->count++] = *atom;
	return true;
}

static struct cover inexact(struct cover c)
{
	c.exact = false;
	return c;
}

/* What holds when both do, in memory of its own; *exact becomes false when some is left out. */
static bool alternative_and(struct taking *t, const struct alternative *a,
			    const struct alternative *b, struct alternative *out, bool *exact)
{
	uint32_t room = a->count + b->count;

	room = room < INDEX_ATOMS ? room : INDEX_ATOMS;
	*out = (struct alternative){ arena_array(t->arena, room, sizeof(*out->atoms)), 0 };
	if (out->atoms == NULL)
		return false;
	for (; out->count < a->count; out->count++)
		out->atoms[out->count] = a->atoms[out->count];
	for (uint32_t i = 0; i < b->count; i++)
		*exact = alternative_add(out, &b->atoms[i]) && *exact;
	return true;
}

/* Both hold. Of too many combinations only the side that says more is kept. */
static struct cover cover_and(struct taking *t, struct cover a, struct cover b)
{
	struct cover all;

	if (a.count == 0 || b.count == 0)
		return inexact(a.count == 0 ? b : a);
	if (a.count * b.count > INDEX_ALTERNATIVES)
		return inexact(a.count <= b.count ? a : b);
	all = cover_new(t, a.count * b.count);
	all.exact = a.exact && b.exact;
	for (uint32_t i = 0; i < all.count; i++)
		if (!alternative_and(t, &a.items[i / b.count], &b.items[i % b.count], &all.items[i],
				     &all.exact)) {
			t->slots->failed = true;
			return unknown;
		}
	return all;
}

/* One of them holds; one that is unknown makes all unknown. */
static struct cover cover_or(struct taking *t, struct cover a, struct cover b)
{
	struct cover all;

	if (a.count == 0 || b.count == 0 || a.count + b.count > INDEX_ALTERNATIVES)
		return unknown;
	all = cover_new(t, a.count + b.count);
	all.exact = a.exact && b.exact;
	for (uint32_t i = 0; i < all.count; i++)
		all.items[i] = i < a.count ? a.items[i] : b.items[i - a.count];
	return all;
}

/* ---- Comparisons. ---- */

/* What is compared: default(x, other) is x, with `other` for missing and null. */
struct subject {
	uint32_t slot;
	bool has_other;
	struct value other;
};

static bool subject_of(struct taking *t, struct spot s, struct subject *out)
{
	*out = (struct subject){ 0 };
	s = index_resolved(t, s);
	if (part_of(s).code == CEL_CODE_DEFAULT) {
		if (!index_constant(t, operand_of(s, 1), &out->other))
			return false;
		out->has_other = true;
		s = index_resolved(t, operand_of(s, 0));
	}
	return index_part_slot(t, s, &out->slot);
}

static struct cover equals(struct taking *t, const struct subject *subject,
			   const struct value *values, uint32_t count)
{
	struct value *kept;
	struct atom atom = { .kind = ATOM_EQUALS,
			     .slot = subject->slot,
			     .blind = subject->has_other ? 0 : LACK_ABSENT | LACK_ERROR };

	if (count > INDEX_LIST)
		return unknown;
	kept = arena_array(t->arena, count, sizeof(*kept));
	if (kept == NULL) {
		t->slots->failed = true;
		return unknown;
	}
	atom.values = kept;
	for (uint32_t i = 0; i < count; i++) {
		/* What is missing may be equal: nothing that could be looked up. */
		if (!index_is_scalar(values[i]) ||
		    (subject->has_other && value_equal(subject->other, values[i])))
			return unknown;
		/* Null is replaced by something else, so it never equals null. */
		if (!subject->has_other || values[i].kind != VALUE_NULL)
			kept[atom.count++] = values[i];
	}
	return atom.count > 0 ? cover_atom(t, atom, true) : unknown;
}

static bool in_range(struct value v, double low, double high)
{
	double d;

	return index_number(v, &d) && d >= low && d <= high;
}

/* Numbers up to 2^53 are doubles without a change; a bound that is itself excluded becomes the
 * next double. Times and durations stand at their whole second, both ends included; what they
 * compare with behind the comma is left to the condition. */
static bool range_ends(enum cel_op op, struct value limit, double *low, double *high)
{
	double d;
	bool number = index_line(limit) == LINE_NUMBER;

	if (!index_number(limit, &d) || (number && fabs(d) > INDEX_EXACT))
		return false;
	*low = -INFINITY;
	*high = INFINITY;
	if (op == CEL_OP_LT || op == CEL_OP_LE)
		*high = number && op == CEL_OP_LT ? nextafter(d, -INFINITY) : d;
	else
		*low = number && op == CEL_OP_GT ? nextafter(d, INFINITY) : d;
	return true;
}

static struct cover range(struct taking *t, const struct subject *subject, enum cel_op op,
			  struct value limit)
{
	struct atom atom = { .kind = ATOM_RANGE,
			     .line = (uint8_t)index_line(limit),
			     .blind = LACKS,
			     .slot = subject->slot };
	double other;

	if (!range_ends(op, limit, &atom.low, &atom.high))
		return unknown;
	if (subject->has_other && in_range(subject->other, atom.low, atom.high))
		return unknown;
	/* The other one compares: false. It doesn't fit: an error as well. */
	if (subject->has_other && index_line(subject->other) == index_line(limit) &&
	    index_number(subject->other, &other))
		atom.blind = LACK_KIND;
	return cover_atom(t, atom, atom.line == LINE_NUMBER);
}

static enum cel_op mirrored(enum cel_op op)
{
	switch (op) {
	case CEL_OP_LT:
		return CEL_OP_GT;
	case CEL_OP_LE:
		return CEL_OP_GE;
	case CEL_OP_GT:
		return CEL_OP_LT;
	case CEL_OP_GE:
		return CEL_OP_LE;
	default:
		return op;
	}
}

/* No time either: rose_past and its like take none. */
static bool is_plain_number(struct value v, double *out)
{
	return index_number(v, out) && v.kind <= VALUE_DOUBLE;
}

/* crossed(path, [75, 90]) compared with anything but 0: one of them was passed. */
static struct cover crossed(struct taking *t, struct spot s, enum cel_op op, struct value with)
{
	struct cel_part part;
	struct value path, list;
	uint32_t slot;
	double d;

	s = index_resolved(t, s);
	part = part_of(s);
	if (part.code != CEL_CODE_CALL || !text_is(part.name, "crossed") || part.count != 2 ||
	    !is_plain_number(with, &d))
		return unknown;
	if (!(op == CEL_OP_GT && d >= 0) && !(op == CEL_OP_GE && d > 0) &&
	    !(op == CEL_OP_EQ && d != 0) && !(op == CEL_OP_NE && d == 0))
		return unknown;
	if (!index_constant(t, operand_of(s, 0), &path) ||
	    !index_constant(t, operand_of(s, 1), &list) || path.kind != VALUE_TEXT ||
	    list.kind != VALUE_LIST || list.n == 0 || list.n > INDEX_THRESHOLDS)
		return unknown;
	for (uint32_t i = 0; i < list.n; i++)
		if (!is_plain_number(list.items[i], &d))
			return unknown;
	if (!index_path_slot(t, SLOT_PATH, value_as_text(path), &slot))
		return unknown;
	return cover_atom(t,
			  (struct atom){ .kind = ATOM_RISE,
					 .slot = slot,
					 .blind = LACK_KIND,
					 .count = list.n,
					 .values = list.items },
			  false);
}

static struct cover compared(struct taking *t, struct spot s, enum cel_op op, struct value with)
{
	struct cover c = crossed(t, s, op, with);
	struct subject subject;

	if (c.count > 0)
		return c;
	if (op == CEL_OP_NE || !subject_of(t, s, &subject))
		return unknown;
	return op == CEL_OP_EQ ? equals(t, &subject, &with, 1) : range(t, &subject, op, with);
}

static struct cover cover_binary(struct taking *t, struct spot s)
{
	enum cel_op op = part_of(s).op;
	struct spot a = operand_of(s, 0), b = operand_of(s, 1);
	struct subject subject;
	struct value with;

	if (op < CEL_OP_EQ)
		return unknown;
	if (op == CEL_OP_IN) {
		if (!index_constant(t, b, &with) || with.kind != VALUE_LIST || with.n == 0 ||
		    !subject_of(t, a, &subject))
			return unknown;
		return equals(t, &subject, with.items, with.n);
	}
	if (index_constant(t, b, &with))
		return compared(t, a, op, with);
	if (index_constant(t, a, &with))
		return compared(t, b, mirrored(op), with);
	return unknown;
}

/* ---- Calls. ---- */

static struct cover starts_with(struct taking *t, struct spot s)
{
	struct subject subject;
	struct value prefix;
	struct atom atom = { .kind = ATOM_PREFIX, .blind = LACKS };

	if (!index_constant(t, operand_of(s, 1), &prefix) || prefix.kind != VALUE_TEXT ||
	    !subject_of(t, operand_of(s, 0), &subject))
		return unknown;
	if (subject.has_other && subject.other.kind == VALUE_TEXT &&
	    text_starts(value_as_text(subject.other), value_as_text(prefix)))
		return unknown;
	atom.slot = subject.slot;
	if (subject.has_other && subject.other.kind == VALUE_TEXT)
		atom.blind = LACK_KIND;
	atom.prefix = value_as_text(prefix);
	return cover_atom(t, atom, true);
}

static struct cover changed(struct taking *t, struct text path)
{
	struct subject subject = { 0 };
	struct value *yes = arena_alloc(t->arena, sizeof(*yes));

	if (yes == NULL || !index_path_slot(t, SLOT_CHANGED, path, &subject.slot))
		return unknown;
	*yes = value_bool(true);
	return equals(t, &subject, yes, 1);
}

/* It changed, and has the value now. With a value that may fail to be there nothing is known:
 * then the whole is an error, also when nothing changed. */
static struct cover became(struct taking *t, struct spot s, struct text path)
{
	struct subject subject = { .has_other = true };
	struct value *value = arena_alloc(t->arena, sizeof(*value));
	struct cover c;

	if (value == NULL || !index_constant(t, operand_of(s, 1), value))
		return unknown;
	c = changed(t, path);
	if (value->kind == VALUE_NULL || !index_path_slot(t, SLOT_PATH, path, &subject.slot))
		return inexact(c);
	return cover_and(t, equals(t, &subject, value, 1), c);
}

static struct cover passed(struct taking *t, struct spot s, struct text path, enum atom_kind kind)
{
	struct value *threshold = arena_alloc(t->arena, sizeof(*threshold));
	struct atom atom = {
		.kind = (uint8_t)kind, .blind = LACK_KIND, .count = 1, .values = threshold
	};
	double d;

	if (threshold == NULL || !index_constant(t, operand_of(s, 1), threshold) ||
	    !is_plain_number(*threshold, &d) || !index_path_slot(t, SLOT_PATH, path, &atom.slot))
		return unknown;
	return cover_atom(t, atom, false);
}

static struct cover cover_truth(struct taking *t, struct spot s, bool truth);

static struct cover cover_call(struct taking *t, struct spot s)
{
	struct cel_part part = part_of(s);
	struct value path;

	if (text_is(part.name, "startsWith") && part.count == 2)
		return starts_with(t, s);
	if (part.count == 0 || !index_constant(t, operand_of(s, 0), &path) ||
	    path.kind != VALUE_TEXT)
		return cover_truth(t, s, true);
	if (text_is(part.name, "changed"))
		return changed(t, value_as_text(path));
	if (text_is(part.name, "became"))
		return became(t, s, value_as_text(path));
	if (text_is(part.name, "rose_past"))
		return passed(t, s, value_as_text(path), ATOM_RISE);
	if (text_is(part.name, "fell_below"))
		return passed(t, s, value_as_text(path), ATOM_FALL);
	return cover_truth(t, s, true);
}

/* ---- The tree. ---- */

static struct cover cover_of(struct taking *t, struct spot s);

/* A part that is itself true or false: a flag, has(x). What is neither is an error. */
static struct cover cover_truth(struct taking *t, struct spot s, bool truth)
{
	struct subject subject;
	struct value *value = arena_alloc(t->arena, sizeof(*value));
	struct cover c;

	if (value == NULL || !subject_of(t, s, &subject))
		return unknown;
	*value = value_bool(truth);
	c = equals(t, &subject, value, 1);
	if (c.count > 0) {
		bool stood_in = subject.has_other && subject.other.kind == VALUE_BOOL;

		c.items[0].atoms[0].truth = true;
		c.items[0].atoms[0].blind = stood_in ? LACK_KIND : LACKS;
	}
	return c;
}

static struct cover cover_all(struct taking *t, struct spot s)
{
	struct cover all = cover_of(t, operand_of(s, 0));

	for (uint32_t i = 1; i < part_of(s).count; i++)
		all = cover_and(t, all, cover_of(t, operand_of(s, i)));
	return all;
}

static struct cover cover_any(struct taking *t, struct spot s)
{
	struct cover all = cover_of(t, operand_of(s, 0));

	for (uint32_t i = 1; i < part_of(s).count && all.count > 0; i++)
		all = cover_or(t, all, cover_of(t, operand_of(s, i)));
	return all;
}

/* default(condition, false): what can't be evaluated is false; but a flag that is a text stays
 * what it is. */
static struct cover cover_default(struct taking *t, struct spot s)
{
	struct value other;
	struct cover c;

	if (!index_constant(t, operand_of(s, 1), &other) || other.kind != VALUE_BOOL || other.b)
		return unknown;
	c = cover_of(t, operand_of(s, 0));
	for (uint32_t i = 0; i < c.count; i++)
		for (uint32_t k = 0; k < c.items[i].count; k++) {
			struct atom *atom = &c.items[i].atoms[k];

			atom->blind = atom->truth ? atom->blind & LACK_KIND : 0;
		}
	return c;
}

static struct cover cover_of(struct taking *t, struct spot s)
{
	struct cover c = unknown;
	struct cel_part part;

	if (t->depth == LIMIT_EXPR_TREE)
		return unknown;
	t->depth++;
	s = index_resolved(t, s);
	part = part_of(s);
	if (part.code == CEL_CODE_AND)
		c = cover_all(t, s);
	else if (part.code == CEL_CODE_OR)
		c = cover_any(t, s);
	else if (part.code == CEL_CODE_BINARY)
		c = cover_binary(t, s);
	else if (part.code == CEL_CODE_CALL)
		c = cover_call(t, s);
	else if (part.code == CEL_CODE_NOT)
		c = cover_truth(t, index_resolved(t, operand_of(s, 0)), false);
	else if (part.code == CEL_CODE_SELECT || part.code == CEL_CODE_HAS)
		c = cover_truth(t, s, true);
	else if (part.code == CEL_CODE_DEFAULT)
		c = cover_default(t, s);
	t->depth--;
	return c;
}

/* ---- A rule. ---- */

static uint32_t count_conjuncts(const struct cel_program *program)
{
	struct cel_part part = cel_part(program, cel_root(program));

	return part.code == CEL_CODE_AND ? part.count : 1;
}

static uint32_t put_conjuncts(struct conjunct *items, const struct cel_program *program)
{
	struct spot root = { program, cel_root(program) };
	uint32_t count = count_conjuncts(program);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = part_of(root).code == CEL_CODE_AND ? operand_of(root, i).at : root.at;

		items[i] = (struct conjunct){ program, at };
	}
	return count;
}

/* What look-ups bring isn't known yet: the matcher asks rule_decide. */
static const struct cel_program *known_when(const struct rule *rule)
{
	return rule->lookup_first < 0 ? rule->when : NULL;
}

struct conjuncts rule_conjuncts(struct arena *arena, const struct rule *rule)
{
	uint32_t count = 0;
	struct conjunct *items;

	assert(arena != NULL && rule != NULL);
	count += rule->match != NULL ? count_conjuncts(rule->match) : 0;
	count += known_when(rule) != NULL ? count_conjuncts(known_when(rule)) : 0;
	items = arena_array(arena, count, sizeof(*items));
	if (items == NULL)
		return (struct conjuncts){ NULL, 0 };
	count = rule->match != NULL ? put_conjuncts(items, rule->match) : 0;
	if (known_when(rule) != NULL)
		count += put_conjuncts(items + count, known_when(rule));
	return (struct conjuncts){ items, count };
}

/* What can't be wrong with the atom when s holds, and makes s false otherwise: has(x) and
 * x != null, alone and in default(has(x), false) and default(x, null) != null. */
static uint8_t guarded_by(struct taking *t, struct spot s, uint32_t *slot)
{
	struct cel_part part = part_of(s);
	bool or_false = part.code == CEL_CODE_DEFAULT;
	struct subject subject;
	struct value other;

	if (or_false) {
		if (!index_constant(t, operand_of(s, 1), &other) || other.kind != VALUE_BOOL ||
		    other.b)
			return 0;
		s = operand_of(s, 0);
		part = part_of(s);
	}
	if (part.code == CEL_CODE_HAS && index_guarded_slot(t, s, slot))
		return or_false ? LACK_ABSENT | LACK_ERROR : LACK_ABSENT;
	if (part.code != CEL_CODE_BINARY || part.op != CEL_OP_NE ||
	    !index_constant(t, operand_of(s, 1), &other) || other.kind != VALUE_NULL ||
	    !subject_of(t, operand_of(s, 0), &subject))
		return 0;
	*slot = subject.slot;
	if (subject.has_other)
		return subject.other.kind == VALUE_NULL ? LACK_ABSENT | LACK_ERROR | LACK_NULL : 0;
	return or_false ? LACK_ABSENT | LACK_ERROR | LACK_NULL : LACK_NULL;
}

static void guard(struct taking *t, struct spot s, struct alternative *a)
{
	uint32_t slot = UINT32_MAX;
	uint8_t guarded = guarded_by(t, s, &slot);

	for (uint32_t i = 0; i < a->count && guarded != 0; i++)
		if (a->atoms[i].slot == slot)
			a->atoms[i].blind &= (uint8_t)~guarded;
}

/* A single atom that says all its conjunct says proves it. */
static void prove(struct cover *c, uint32_t conjunct)
{
	if (c->exact && c->count == 1 && c->items[0].count == 1)
		c->items[0].atoms[0].proves[0] = conjunct;
}

static struct cover cover_from(struct taking *t)
{
	struct slot fresh = { .kind = SLOT_FROM, .name = TEXT("from") };
	struct subject subject = { .has_other = true };
	struct value *from = arena_alloc(t->arena, sizeof(*from));

	if (from == NULL || t->rule->from.n == 0)
		return unknown;
	*from = value_text(t->rule->from);
	subject.slot = index_slot(t->slots, TEXT("<"), &fresh);
	return subject.slot != UINT32_MAX ? equals(t, &subject, from, 1) : unknown;
}

struct cover rule_cover(struct arena *scratch, struct slots *slots, const struct rule *rule,
			const struct conjuncts *conjuncts)
{
	struct taking t = { .arena = scratch, .slots = slots, .rule = rule };
	struct cover all;

	assert(scratch != NULL && slots != NULL && rule != NULL && conjuncts != NULL);
	all = cover_from(&t);
	for (uint32_t i = 0; i < conjuncts->count; i++) {
		struct spot s = { conjuncts->items[i].program, conjuncts->items[i].at };
		struct cover one = cover_of(&t, s);

		prove(&one, i);
		all = cover_and(&t, all, one);
	}
	for (uint32_t i = 0; i < all.count; i++)
		for (uint32_t k = 0; k < conjuncts->count; k++)
			guard(&t,
			      (struct spot){ conjuncts->items[k].program, conjuncts->items[k].at },
			      &all.items[i]);
	return all;
}
