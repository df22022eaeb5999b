/* SPDX-License-Identifier: Apache-2.0
 *
 * index_slots - what rules compare: constants on one side, slots on the other.
 *
 * Two parts are one slot when their keys are: a chain of fields by its names,
 * anything else by its text. Parts that read a define, or a local of a macro,
 * mean something else in every rule and are no slots.
 * Ownership: slots live in the set's arena; see index_inside.h. */
#include "engine/rules/index_inside.h"

#include <assert.h>
#include <math.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/cel/share.h"

/* A define's name stands for its expression. */
struct spot index_resolved(const struct taking *t, struct spot s)
{
	struct cel_part part = part_of(s);

	while (part.code == CEL_CODE_VARIABLE && part.variable >= VARIABLES &&
	       part.variable - VARIABLES < t->rule->define_count) {
		const struct cel_program *p = t->rule->defines[part.variable - VARIABLES].program;

		if (p == NULL)
			break;
		s = (struct spot){ p, cel_root(p) };
		part = part_of(s);
	}
	return s;
}

/* ---- Values. ---- */

bool index_is_scalar(struct value v)
{
	switch ((enum value_kind)v.kind) {
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_TEXT:
	case VALUE_BYTES:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return true;
	case VALUE_DOUBLE:
		return !isnan(v.d);
	default:
		return false;
	}
}

bool index_number(struct value v, double *out)
{
	switch ((enum value_kind)v.kind) {
	case VALUE_INT:
		*out = (double)v.i;
		return true;
	case VALUE_UINT:
		*out = (double)v.u;
		return true;
	case VALUE_DOUBLE:
		*out = v.d;
		return !isnan(v.d);
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		*out = (double)v.i;
		return true;
	default:
		return false;
	}
}

enum index_line index_line(struct value v)
{
	if (v.kind == VALUE_TIMESTAMP)
		return LINE_TIME;
	return v.kind == VALUE_DURATION ? LINE_DURATION : LINE_NUMBER;
}

static bool is_chain_of_vars(struct spot s)
{
	struct cel_part part = part_of(s);

	while (part.code == CEL_CODE_SELECT) {
		s = operand_of(s, 0);
		part = part_of(s);
	}
	return part.code == CEL_CODE_VARIABLE && part.variable == VAR_VARS;
}

static const struct value *value_of_vars(const struct taking *t, struct spot s,
					 const struct value *all)
{
	struct cel_part part = part_of(s);
	const struct value *of;

	if (part.code == CEL_CODE_VARIABLE)
		return all;
	of = value_of_vars(t, operand_of(s, 0), all);
	return of != NULL ? value_get(*of, part.name) : NULL;
}

/* The value, when it is the same for every event. */
bool index_constant(const struct taking *t, struct spot s, struct value *out)
{
	struct cel_part part;
	struct value vars = ruleset_vars(t->rule->set);
	const struct value *found;

	s = index_resolved(t, s);
	part = part_of(s);
	if (part.code == CEL_CODE_CONSTANT) {
		*out = part.constant;
		return true;
	}
	if (!is_chain_of_vars(s))
		return false;
	found = value_of_vars(t, s, &vars);
	if (found != NULL)
		*out = *found;
	return found != NULL;
}

/* ---- Slots. ---- */

static struct slot *slot_add(struct slots *slots, struct text key, uint32_t *number)
{
	struct slot *more;

	if (slots->count == slots->room) {
		uint32_t room = slots->room == 0 ? 16 : slots->room * 2;

		more = arena_array(slots->arena, room, sizeof(*more));
		if (more == NULL)
			return NULL;
		if (slots->count > 0)
			memcpy(more, slots->items, slots->count * sizeof(*more));
		slots->items = more;
		slots->room = room;
	}
	more = &slots->items[slots->count];
	*more = (struct slot){ 0 };
	/* The map's value is the number itself, plus one: a value is never NULL. */
	if (!map_put(slots->by_key, key, (void *)((uintptr_t)slots->count + 1)))
		return NULL;
	*number = slots->count++;
	return more;
}

/* The slot with this key, new ones as `fresh` says; UINT32_MAX when memory is out. */
uint32_t index_slot(struct slots *slots, struct text key, const struct slot *fresh)
{
	uintptr_t found = (uintptr_t)map_get(slots->by_key, key);
	uint32_t number = 0;
	struct slot *slot;

	if (found != 0) {
		number = (uint32_t)found - 1;
		slot = &slots->items[number];
	} else {
		slot = slot_add(slots, key, &number);
		if (slot == NULL) {
			slots->failed = true;
			return UINT32_MAX;
		}
		*slot = *fresh;
		slot->program = NULL;
		slot->name = text_dup(slots->arena, fresh->name);
		slot->path = fresh->path.n > 0 ? text_dup(slots->arena, fresh->path) : TEXT_NONE;
	}
	if (slot->program == NULL && fresh->program != NULL) {
		slot->program = fresh->program;
		slot->at = fresh->at;
		slot->derived = fresh->derived;
	}
	return number;
}

/* One more field of a chain. Its length keeps data["a.b"] and any other odd name apart from
 * data.a.b. */
static void chain_link(struct buf *out, struct text field)
{
	buf_printf(out, "\x1f%zu:", field.n);
	buf_put(out, field.s, field.n);
}

/* A chain of selections from a variable, as a key: data.status.key. False for
 * anything else. */
static bool chain_key(struct spot s, struct buf *out)
{
	struct cel_part part = part_of(s);

	if (part.code == CEL_CODE_VARIABLE) {
		buf_put(out, part.name.s, part.name.n);
		return true;
	}
	if (part.code != CEL_CODE_SELECT || !chain_key(operand_of(s, 0), out))
		return false;
	chain_link(out, part.name);
	return true;
}

/* The slot of a part; false when its value isn't the same for all rules. */
bool index_part_slot(struct taking *t, struct spot s, uint32_t *slot)
{
	AUTO_FINI(buf_fini) struct buf key;
	struct cel_part part = part_of(s);
	struct slot fresh = { .kind = SLOT_PART, .program = s.program, .at = s.at };

	buf_init(&key, LIMIT_EXPR * 2);
	if (!cel_part_is_shared(s.program, s.at, scope_shared_variables()))
		return false;
	buf_char(&key, part.code == CEL_CODE_HAS ? '?' : '=');
	if (!chain_key(part.code == CEL_CODE_HAS ? operand_of(s, 0) : s, &key)) {
		buf_char(&key, '\x1e');
		buf_put(&key, part.text.s, part.text.n);
		fresh.derived = part.code != CEL_CODE_HAS;
	} else if (part.code == CEL_CODE_HAS) {
		chain_link(&key, part.name);
	}
	fresh.name = part.text;
	*slot = buf_failed(&key) ? UINT32_MAX : index_slot(t->slots, buf_view(&key), &fresh);
	return *slot != UINT32_MAX;
}

/* The slot of what has(x) asks for, which nobody may have read yet. */
bool index_guarded_slot(struct taking *t, struct spot has, uint32_t *slot)
{
	AUTO_FINI(buf_fini) struct buf key;
	struct slot fresh = { .kind = SLOT_PART };
	struct cel_part part = part_of(has);

	buf_init(&key, LIMIT_EXPR * 2);
	buf_char(&key, '=');
	if (!chain_key(operand_of(has, 0), &key))
		return false;
	chain_link(&key, part.name);
	*slot = buf_failed(&key) ? UINT32_MAX : index_slot(t->slots, buf_view(&key), &fresh);
	return *slot != UINT32_MAX;
}

bool index_path_slot(struct taking *t, enum slot_kind kind, struct text path, uint32_t *slot)
{
	struct text key =
	    text_printf(t->arena, "%c%.*s", kind == SLOT_CHANGED ? '!' : '/', TEXT_ARG(path));
	struct slot fresh = { .kind = kind, .path = path };

	fresh.name = text_printf(t->arena, kind == SLOT_CHANGED ? "changed(\"%.*s\")" : "data.%.*s",
				 TEXT_ARG(path));
	if (key.s == NULL || fresh.name.s == NULL) {
		t->slots->failed = true;
		return false;
	}
	*slot = index_slot(t->slots, key, &fresh);
	return *slot != UINT32_MAX;
}
