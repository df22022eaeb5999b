/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_edge - of a rule with `edge`: whether the event was the one at which its
 * condition turned. Only what is active now is kept, and since which event. */
#include <assert.h>

#include "engine/commands/explain.h"

static const char *word_of(const struct explain_edge *edge)
{
	return edge->armed ? "armed" : "fired";
}

static bool read_row(struct store *store, struct arena *arena, const struct explain_view *view,
		     struct explain_edge *edge)
{
	bool shadow = view->rule->mode == MODE_SHADOW;
	struct text state, word, rest;

	if (store == NULL ||
	    !store_get_state(store, arena, view->rule->id,
			     shadow ? TEXT("edge.shadow") : TEXT("edge"), edge->key, &state))
		return false;
	rest = text_split(state, ' ', &word);
	edge->armed = text_is(word, "armed");
	return text_to_int(rest, &edge->since);
}

/* What the run at hand says, whose look-ups decided. */
static enum edge_told told_by_run(const struct explain_view *view)
{
	static const struct {
		const char *reason;
		enum edge_told told;
	} reasons[] = {
		{ "armed", EDGE_TOLD_ARMED },
		{ "active already", EDGE_TOLD_ACTIVE },
		{ "turned false", EDGE_TOLD_CLEARED },
		{ "when ", EDGE_TOLD_UNREACHED },
		{ "a later event", EDGE_TOLD_LATER },
		{ "the rule has no edge", EDGE_TOLD_UNREACHED },
		{ "too many keys", EDGE_TOLD_UNREACHED },
		{ "loop", EDGE_TOLD_UNREACHED },
	};
	bool told = view->lookups.told == LOOKUPS_NONE || view->lookups.told == LOOKUPS_MADE;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (view->run.state == RUN_SKIPPED && view->rule->lookup_first >= 0 &&
		    text_starts(view->run.reason, text_of(reasons[i].reason)))
			return reasons[i].told;
	if (view->told.decision.verdict != VERDICT_YES)
		return EDGE_TOLD_CLEARED;
	return told ? EDGE_TOLD_TURNED : EDGE_TOLD_UNREACHED;
}

void explain_edge(struct store *store, struct arena *arena, struct explain_view *view)
{
	struct explain_edge *edge = &view->edge;
	bool fires = view->told.decision.verdict == VERDICT_YES;

	assert(arena != NULL && view != NULL && view->rule != NULL);
	*edge = (struct explain_edge){ .told = EDGE_TOLD_NONE };
	if (view->rule->edge == EDGE_NONE)
		return;
	edge->told = EDGE_TOLD_UNREACHED;
	edge->key = view->same ? view->run.key : rule_key_bounded(arena, view->told.decision.key);
	if (view->same)
		edge->told = told_by_run(view);
	if (edge->told == EDGE_TOLD_ACTIVE || edge->told == EDGE_TOLD_LATER)
		(void)read_row(store, arena, view, edge);
	if (view->same)
		return;
	if (fires && !read_row(store, arena, view, edge))
		edge->told = EDGE_TOLD_FREE;
	else if (fires && edge->since == view->event.seq)
		edge->told = EDGE_TOLD_ARMED;
	else if (fires)
		edge->told = edge->since < view->event.seq ? EDGE_TOLD_ACTIVE : EDGE_TOLD_LATER;
}

struct text explain_edge_words(struct arena *arena, const struct explain_edge *edge)
{
	assert(arena != NULL && edge != NULL);
	switch (edge->told) {
	case EDGE_TOLD_NONE:
		break;
	case EDGE_TOLD_UNREACHED:
		return TEXT("not reached");
	case EDGE_TOLD_FREE:
		return text_printf(arena, "not active for key %.*s now", TEXT_ARG(edge->key));
	case EDGE_TOLD_TURNED:
		return text_printf(arena, "turned true for key %.*s with this event",
				   TEXT_ARG(edge->key));
	case EDGE_TOLD_CLEARED:
		return text_printf(arena, "turned false for key %.*s with this event",
				   TEXT_ARG(edge->key));
	case EDGE_TOLD_ARMED:
		return text_printf(
		    arena, "first sight of key %.*s, and true already: armed without acting",
		    TEXT_ARG(edge->key));
	case EDGE_TOLD_ACTIVE:
	case EDGE_TOLD_LATER:
		if (edge->since == 0)
			return text_printf(
			    arena, "not active for key %.*s any more: a later event decided",
			    TEXT_ARG(edge->key));
		return text_printf(arena, "active for key %.*s since event %lld, %s",
				   TEXT_ARG(edge->key), (long long)edge->since, word_of(edge));
	}
	return TEXT_NONE;
}
