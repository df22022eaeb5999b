/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_compare - asks the index of a rule set about an event, asks every rule by
 * itself, and tells where the two differ.
 *
 * What must hold of each rule that isn't off:
 *   YES    visited, with the same key
 *   BLIND  visited, with the same words; only a rule that shares its place in the index with
 *          more than LIMIT_BLIND_SAMPLE others may be left out of a sample
 *   NO     not visited
 * and the rules come in the order loaded. Each is also decided with a memo, which must change
 * nothing at all.
 * One thing may differ: a condition that would exceed its budget is NO to the index when a part
 * that is looked up is false. It is never YES. */
#ifndef TAPPET_TESTS_RULES_COMPARE_H
#define TAPPET_TESTS_RULES_COMPARE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/cel/share.h"
#include "engine/rules/evaluate.h"
#include "engine/rules/index.h"

struct compare {
	struct ruleset *set;
	struct matcher *matcher;
	struct cel_memo *memo;
	struct arena *arena; /* of one event */
	bool *crowded;       /* per rule: may be left out of a sample */
	struct decision *told;
	bool *visited;
	size_t next; /* rules visited so far stand before it */
	bool disordered;
	size_t found; /* the rule that differs */
	uint64_t pairs, yes, blind, left_out;
	char why[400]; /* what differs; "": nothing */
};

static inline void compare_crowd(struct compare *c, const struct group *g)
{
	for (uint32_t i = 0; g->risky_count > LIMIT_BLIND_SAMPLE && i < g->risky_count; i++)
		c->crowded[g->risky[i]] = true;
	for (uint32_t i = 0; g->unsure_count > LIMIT_BLIND_SAMPLE && i < g->unsure_count; i++)
		c->crowded[g->unsure[i]] = true;
	for (uint32_t b = 0; g->second != ATOM_NONE && b < g->bucket_count; b++)
		for (uint32_t i = 0; i < g->buckets[b].count; i++) {
			uint32_t at = g->buckets[b].first + i;

			if (g->buckets[b].count > LIMIT_BLIND_SAMPLE)
				c->crowded[g->second == ATOM_PREFIX ? g->prefixes[at].rule
								    : g->bounds[at].rule] = true;
		}
}

/* False when memory is out. */
static inline bool compare_init(struct compare *c, struct ruleset *set)
{
	size_t n = ruleset_count(set) + 1;

	*c = (struct compare){ .set = set, .matcher = matcher_new(set) };
	c->memo = cel_memo_new(set->index->cells);
	c->arena = arena_new("compare", LIMIT_EVENT_ARENA);
	c->crowded = calloc(n, sizeof(*c->crowded));
	c->told = calloc(n, sizeof(*c->told));
	c->visited = calloc(n, sizeof(*c->visited));
	if (c->matcher == NULL || c->memo == NULL || c->arena == NULL || c->crowded == NULL ||
	    c->told == NULL || c->visited == NULL)
		return false;
	for (uint32_t p = 0; p < set->index->partition_count; p++)
		for (uint32_t g = 0; g < set->index->partitions[p].group_count; g++)
			compare_crowd(c, &set->index->partitions[p].groups[g]);
	return true;
}

static inline void compare_fini(struct compare *c)
{
	matcher_free(c->matcher);
	cel_memo_free(c->memo);
	arena_free(c->arena);
	free(c->crowded);
	free(c->told);
	free(c->visited);
}

static inline bool compare_visit(void *of, const struct rule *rule, const struct decision *decision)
{
	struct compare *c = of;

	while (c->next < ruleset_count(c->set) && ruleset_at(c->set, c->next) != rule)
		c->next++;
	c->disordered = c->next == ruleset_count(c->set);
	if (c->disordered)
		return false;
	c->visited[c->next] = true;
	c->told[c->next++] = *decision;
	return true;
}

static inline const char *verdict_word(enum verdict v)
{
	return v == VERDICT_YES ? "YES" : v == VERDICT_NO ? "NO" : "BLIND";
}

static inline bool same_decision(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && strcmp(a->part, b->part) == 0 &&
	       text_eq(a->why, b->why) && text_eq(a->key, b->key);
}

static inline void compare_differ(struct compare *c, size_t rule, const char *who,
				  const struct decision *plain, const struct decision *other)
{
	c->found = rule;
	snprintf(c->why, sizeof(c->why), "%s says %s (%s %.*s), the rule by itself %s (%s %.*s)",
		 who, other != NULL ? verdict_word(other->verdict) : "nothing",
		 other != NULL ? other->part : "", other != NULL ? (int)other->why.n : 0,
		 other != NULL && other->why.n > 0 ? other->why.s : "",
		 verdict_word(plain->verdict), plain->part, (int)plain->why.n,
		 plain->why.n > 0 ? plain->why.s : "");
}

static inline bool is_spent(const struct decision *d)
{
	return d->verdict == VERDICT_BLIND && text_find(d->why, TEXT("too many steps")) != SIZE_MAX;
}

/* True when what the matcher said of rule i is right. */
static inline bool compare_rule(struct compare *c, size_t i, const struct decision *plain)
{
	const struct decision *told = c->visited[i] ? &c->told[i] : NULL;

	if (is_spent(plain))
		return told == NULL || told->verdict == VERDICT_BLIND;
	if (plain->verdict == VERDICT_NO || ruleset_at(c->set, i)->mode == MODE_OFF)
		return told == NULL;
	c->yes += plain->verdict == VERDICT_YES;
	c->blind += plain->verdict == VERDICT_BLIND;
	if (told == NULL) {
		c->left_out++;
		return plain->verdict == VERDICT_BLIND && c->crowded[i];
	}
	return same_decision(plain, told) &&
	       (told->weight == 1 || (c->crowded[i] && told->weight > 0));
}

static inline void compare_all(struct compare *c, struct scope *plain, struct scope *memo)
{
	for (size_t i = 0; i < ruleset_count(c->set) && c->why[0] == '\0'; i++) {
		struct decision one, other;

		plain->rule = memo->rule = ruleset_at(c->set, i);
		plain->cache = memo->cache = NULL;
		one = rule_decide(plain);
		other = rule_decide(memo);
		c->pairs++;
		if (!same_decision(&one, &other))
			compare_differ(c, i, "the memo", &one, &other);
		else if (!compare_rule(c, i, &one))
			compare_differ(c, i, "the index", &one, c->visited[i] ? &c->told[i] : NULL);
	}
}

/* Compares; true when nothing differs, else why and found say what. */
static inline bool compare_event(struct compare *c, const struct event_view *event)
{
	struct scope plain, memo;

	arena_reset(c->arena);
	c->why[0] = '\0';
	c->next = 0;
	c->disordered = false;
	memset(c->visited, 0, ruleset_count(c->set) * sizeof(*c->visited));
	if (!matcher_each(c->matcher, c->arena, event, 1700000001000, compare_visit, c)) {
		snprintf(c->why, sizeof(c->why), "memory is out");
		return false;
	}
	if (c->disordered)
		snprintf(c->why, sizeof(c->why), "rules are visited twice or out of order");
	cel_memo_next(c->memo);
	plain = (struct scope){ .arena = c->arena, .event = event, .now = 1700000001000 };
	memo = plain;
	memo.memo = c->memo;
	compare_all(c, &plain, &memo);
	return c->why[0] == '\0';
}

/* What a person needs to see of a difference. */
static inline void compare_show(const struct compare *c, const struct event_view *event)
{
	const struct rule *rule = ruleset_at(c->set, c->found);
	struct buf b;

	buf_init(&b, MIB);
	buf_printf(&b,
		   "%s\nrule: %.*s\nevent: type %.*s connection %.*s seq %lld\nbefore: ", c->why,
		   TEXT_ARG(rule->source), TEXT_ARG(event->type), TEXT_ARG(event->connection),
		   (long long)event->seq);
	value_write(&b, event->before);
	buf_str(&b, "\ndata: ");
	value_write(&b, event->data);
	buf_char(&b, '\n');
	fputs(buf_cstr(&b), stderr);
	buf_fini(&b);
}

#endif
