/* SPDX-License-Identifier: Apache-2.0
 *
 * index_tell - what the index knows, in words; for tappet check --index. */
#include "engine/rules/index.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/cel/shape.h"

static const char *kind_words(enum atom_kind kind)
{
	switch (kind) {
	case ATOM_RANGE:
		return "range";
	case ATOM_PREFIX:
		return "prefix";
	case ATOM_RISE:
		return "rises past";
	case ATOM_FALL:
		return "falls below";
	case ATOM_EQUALS:
	case ATOM_NONE:
		break;
	}
	return "=";
}

static void put_slot(struct buf *out, const struct rule_index *index, uint32_t slot,
		     enum atom_kind kind)
{
	if (out->n > 0)
		buf_str(out, ", ");
	buf_text(out, index->slots[slot].name);
	buf_printf(out, " %s", kind_words(kind));
}

static struct text found_by(const struct rule_index *index, struct arena *arena,
			    const struct route *route)
{
	AUTO_FINI(buf_fini) struct buf out;
	const struct group *g = route->group;

	buf_init(&out, LIMIT_EXPR * INDEX_EQUALS);
	for (uint32_t i = 0; i < g->equal_count; i++)
		put_slot(&out, index, g->equals[i], ATOM_EQUALS);
	if (g->second != ATOM_NONE)
		put_slot(&out, index, g->second_slot, g->second);
	if (route->groups > 1)
		buf_printf(&out, "; or in %u other way%s", route->groups - 1,
			   route->groups == 2 ? "" : "s");
	return text_dup(arena, buf_view(&out));
}

/* Joined by && it would read as something else. */
static bool needs_parentheses(struct cel_part part)
{
	return part.code == CEL_CODE_OR || part.code == CEL_CODE_CHOOSE;
}

static struct text left_over(const struct rule_index *index, struct arena *arena,
			     const struct verification *v)
{
	AUTO_FINI(buf_fini) struct buf out;

	buf_init(&out, LIMIT_EXPR * 4);
	for (uint32_t i = 0; i < v->count; i++) {
		const struct conjunct *c = &index->conjuncts[v->first + i];

		struct cel_part part = cel_part(c->program, c->at);
		bool wrap = v->count > 1 && needs_parentheses(part);

		buf_str(&out, i > 0 ? " && " : "");
		buf_str(&out, wrap ? "(" : "");
		buf_text(&out, part.text);
		buf_str(&out, wrap ? ")" : "");
	}
	return text_dup(arena, buf_view(&out));
}

struct index_story ruleset_story(const struct ruleset *set, struct arena *arena, size_t rule)
{
	const struct rule_index *index = set->index;
	struct index_story story = { .found = TEXT("") };

	assert(index != NULL && arena != NULL && rule < set->count);
	story.off = set->rules[rule]->mode == MODE_OFF;
	story.postings = index->routes[rule].postings;
	if (index->routes[rule].group != NULL)
		story.found = found_by(index, arena, &index->routes[rule]);
	story.left = left_over(index, arena, &index->rules[rule]);
	return story;
}

struct index_size ruleset_index_size(const struct ruleset *set)
{
	const struct rule_index *index = set->index;
	struct index_size size = { 0 };

	assert(index != NULL);
	size.types = index->partition_count;
	size.bytes = index->bytes;
	size.rule_bytes = arena_used(set->arena);
	size.build_ms = index->build_ms;
	for (uint32_t i = 0; i < index->partition_count; i++)
		size.groups += index->partitions[i].group_count;
	for (size_t r = 0; r < set->count; r++)
		size.always += index->routes[r].postings == 0 && set->rules[r]->mode != MODE_OFF;
	return size;
}
