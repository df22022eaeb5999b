/* SPDX-License-Identifier: Apache-2.0
 *
 * emitted - whether anything makes the events of other types that rules wait for.
 *
 * Such a type may come to any hook, as a CloudEvent, or be made by another rule's
 * tappet.emit, in a file that is read later: so what a rule waits for is noted, and
 * told when the last file is read and no step makes it.
 * Ownership: notes live in the set's arena. */
#include <assert.h>

#include "engine/rules/load.h"

struct emit_use {
	struct emit_use *next;
	struct text type; /* of what a step makes, empty: it isn't written out */
	struct place at;
	bool made; /* by a step; else a rule waits for it */
};

static void note(struct loading *l, struct text type, struct place at, bool made)
{
	struct emit_use *use = arena_zero(l->r.arena, sizeof(*use));

	if (use == NULL)
		return;
	*use = (struct emit_use){ .next = l->set->emit_uses, .at = at, .made = made };
	use->type = text_dup(l->r.arena, type);
	l->set->emit_uses = use;
}

void emitted_wanted(struct loading *l, struct text type, struct place at)
{
	assert(l != NULL && type.n > 0);
	note(l, type, at, false);
}

void emitted_step(struct loading *l, const struct step *step, const struct yaml_node *params)
{
	const struct yaml_node *type;

	assert(l != NULL && step != NULL && params != NULL);
	if (strcmp(step->connector->name, "tappet") != 0 || strcmp(step->action->name, "emit") != 0)
		return;
	type = yaml_get(params, "type");
	if (type == NULL || type->kind != YAML_TEXT)
		return;
	note(l, text_find(type->text, TEXT("${")) == SIZE_MAX ? type->text : TEXT(""),
	     reader_place(&l->r, type), true);
}

static bool is_made(const struct loading *l, struct text type)
{
	for (const struct emit_use *use = l->set->emit_uses; use != NULL; use = use->next)
		if (use->made && (use->type.n == 0 || text_eq(use->type, type)))
			return true;
	return false;
}

void emitted_check(struct loading *l)
{
	assert(l != NULL);
	for (const struct emit_use *use = l->set->emit_uses; use != NULL; use = use->next)
		if (!use->made && !is_made(l, use->type))
			diags_add(l->r.diags, DIAG_WARNING, use->at,
				  "events of other types arrive at hooks, as CloudEvents, or are "
				  "made by tappet.emit",
				  "nothing here sends \"%.*s\"", TEXT_ARG(use->type));
	l->set->emit_uses = NULL;
}
