/* SPDX-License-Identifier: Apache-2.0
 *
 * edge - see edge.h. */
#include "engine/rules/edge.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/rules/evaluate.h"

/* A rule that is active for a key, or of which runs have yet to decide, or were given up. */
struct pair {
	const struct rule *rule;
	bool active, given_up;
	unsigned waiting;
};

struct active {
	struct pair *pairs;
	size_t count, room;
};

/* The groups of a type of event. */
struct typed {
	const struct edge_group **groups;
	size_t count;
};

struct edges {
	struct ruleset *set;
	struct edge_group *groups;
	size_t group_count;
	uint32_t *group_of; /* by number of the rule */
	int64_t *born;
	uint64_t *stamps;
	struct map *by_type; /* type -> struct typed, heap */
	struct map *active;  /* group NUL key -> struct active, heap */
	size_t active_count, given_up_count;
	bool failed;
};

/* ---- Groups. ---- */

static void note_use(void *of, struct text path)
{
	(void)path;
	*(bool *)of = true;
}

/* What a define means, only its own rule says. */
static bool reads_define(const struct rule *rule)
{
	bool reads = false;

	for (size_t i = 0; rule->key != NULL && i < rule->define_count; i++)
		cel_program_paths(rule->key, rule->defines[i].name.s, note_use, &reads);
	return reads;
}

/* What names a rule's group: the text of its key, and the rule itself where the text alone doesn't
 * say what it means. */
static void group_name(const struct rule *rule, char out[16 + 1])
{
	const struct text parts[2] = { rule->key != NULL ? cel_program_text(rule->key) : TEXT(""),
				       reads_define(rule) ? rule->id : TEXT("") };
	char hex[HASH_HEX];

	hash_name(parts, 2, hex);
	memcpy(out, hex, 16);
	out[16] = '\0';
}

/* NULL when memory is out. */
static struct edge_group *group_get(struct edges *e, struct map *by_name, const struct rule *rule)
{
	char name[16 + 1];
	struct edge_group *group;

	group_name(rule, name);
	group = map_get(by_name, text_of(name));
	if (group != NULL)
		return group;
	group = &e->groups[e->group_count++];
	memcpy(group->name, name, sizeof(name));
	return map_put(by_name, text_of(name), group) ? group : NULL;
}

/* *plain: the group of rules without a key of their own, which most are; NULL as long as it isn't
 * known. */
static bool group_add(struct edges *e, struct map *by_name, const struct rule *rule,
		      struct edge_group **plain)
{
	struct edge_group *group = rule->key == NULL ? *plain : NULL;

	if (group == NULL)
		group = group_get(e, by_name, rule);
	if (group == NULL)
		return false;
	if (rule->key == NULL)
		*plain = group;
	e->group_of[rule->number] = (uint32_t)(group - e->groups) + 1;
	group->count++;
	return true;
}

static bool group_fill(struct edges *e)
{
	for (size_t i = 0; i < e->group_count; i++) {
		e->groups[i].rules = mem_zero(e->groups[i].count, sizeof(*e->groups[i].rules));
		if (e->groups[i].rules == NULL)
			return false;
		e->groups[i].count = 0;
	}
	for (size_t i = 0; i < ruleset_count(e->set); i++) {
		const struct rule *rule = ruleset_at(e->set, i);
		struct edge_group *group;

		if (e->group_of[i] == 0)
			continue;
		group = &e->groups[e->group_of[i] - 1];
		group->rules[group->count++] = rule;
	}
	return true;
}

static bool edges_build(struct edges *e)
{
	struct map *by_name = map_new();
	struct edge_group *plain = NULL;
	bool fine = by_name != NULL;

	for (size_t i = 0; fine && i < ruleset_count(e->set); i++) {
		const struct rule *rule = ruleset_at(e->set, i);

		if (rule->edge != EDGE_NONE && rule->mode != MODE_OFF)
			fine = group_add(e, by_name, rule, &plain);
	}
	map_free(by_name);
	return fine && group_fill(e);
}

static size_t edge_rules(const struct ruleset *set)
{
	size_t n = 0;

	for (size_t i = 0; i < ruleset_count(set); i++)
		n += ruleset_at(set, i)->edge != EDGE_NONE;
	return n;
}

struct edges *edges_new(struct ruleset *set)
{
	struct edges *e = mem_zero(1, sizeof(*e));
	size_t rules, with_edge;

	assert(set != NULL);
	if (e == NULL)
		return NULL;
	e->set = set;
	rules = ruleset_count(set);
	with_edge = edge_rules(set);
	e->by_type = map_new();
	e->active = map_new();
	e->groups = mem_zero(with_edge + 1, sizeof(*e->groups));
	e->group_of = mem_zero(rules + 1, sizeof(*e->group_of));
	e->born = mem_zero(rules + 1, sizeof(*e->born));
	e->stamps = mem_zero(rules + 1, sizeof(*e->stamps));
	if (e->by_type != NULL && e->active != NULL && e->groups != NULL && e->group_of != NULL &&
	    e->born != NULL && e->stamps != NULL && edges_build(e))
		return e;
	edges_free(e);
	return NULL;
}

static void free_typed(struct edges *e)
{
	struct text key;
	void *value;

	for (size_t at = 0; e->by_type != NULL && map_next(e->by_type, &at, &key, &value);) {
		mem_free(((struct typed *)value)->groups);
		mem_free(value);
	}
	map_free(e->by_type);
}

void edges_free(struct edges *e)
{
	struct text key;
	void *value;

	if (e == NULL)
		return;
	free_typed(e);
	for (size_t at = 0; e->active != NULL && map_next(e->active, &at, &key, &value);) {
		mem_free(((struct active *)value)->pairs);
		mem_free(value);
	}
	map_free(e->active);
	for (size_t i = 0; i < e->group_count; i++)
		mem_free(e->groups[i].rules);
	mem_free(e->groups);
	mem_free(e->group_of);
	mem_free(e->born);
	mem_free(e->stamps);
	mem_free(e);
}

bool edges_failed(const struct edges *e)
{
	assert(e != NULL);
	return e->failed;
}

const struct edge_group *edges_group_of(const struct edges *e, const struct rule *rule)
{
	assert(e != NULL && rule != NULL && e->group_of[rule->number] > 0);
	return &e->groups[e->group_of[rule->number] - 1];
}

int64_t *edges_born(struct edges *e, const struct rule *rule)
{
	assert(e != NULL && rule != NULL);
	return &e->born[rule->number];
}

uint64_t *edges_stamp(struct edges *e, const struct rule *rule)
{
	assert(e != NULL && rule != NULL);
	return &e->stamps[rule->number];
}

/* ---- Which events concern a group. ---- */

/* "a.b." of "a.b.updated". */
static struct text stem(struct text type)
{
	while (type.n > 0 && type.s[type.n - 1] != '.')
		type.n--;
	return type;
}

static bool takes(const struct rule *rule, struct text type)
{
	for (size_t i = 0; i < rule->on_count; i++)
		if (event_glob(rule->on[i], type))
			return true;
	return false;
}

static bool ends(const struct rule *rule, struct text type)
{
	if (!text_ends(type, TEXT(".deleted")))
		return false;
	for (size_t i = 0; i < rule->on_count; i++)
		if (text_eq(stem(rule->on[i]), stem(type)) || event_glob(rule->on[i], type))
			return true;
	return false;
}

bool edge_is_end(const struct rule *rule, const struct event_view *event)
{
	assert(rule != NULL && event != NULL);
	return value_is(event->data, VALUE_NULL) && ends(rule, event->type);
}

bool edge_has_fallen(struct scope *scope)
{
	const struct rule *rule;
	struct decision d;

	assert(scope != NULL && scope->rule != NULL && scope->event != NULL);
	rule = scope->rule;
	if (edge_is_end(rule, scope->event))
		return rule->from.n == 0 || text_eq(rule->from, event_from(scope->event));
	d = rule_decide(scope);
	return d.verdict == VERDICT_NO && strcmp(d.part, "on") != 0 && strcmp(d.part, "from") != 0;
}

static bool group_takes(const struct edge_group *group, struct text type)
{
	for (size_t i = 0; i < group->count; i++)
		if (takes(group->rules[i], type) || ends(group->rules[i], type))
			return true;
	return false;
}

static struct typed *typed_new(const struct edges *e, struct text type)
{
	struct typed *t = mem_zero(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->groups = mem_zero(e->group_count + 1, sizeof(*t->groups));
	for (size_t i = 0; t->groups != NULL && i < e->group_count; i++)
		if (group_takes(&e->groups[i], type))
			t->groups[t->count++] = &e->groups[i];
	if (t->groups != NULL)
		return t;
	mem_free(t);
	return NULL;
}

/* Types come from senders: what is remembered of them is bounded. */
static void forget_types(struct edges *e)
{
	if (map_count(e->by_type) < LIMIT_EDGE_TYPES)
		return;
	free_typed(e);
	e->by_type = map_new();
}

const struct edge_group *const *edges_groups(struct edges *e, struct text type, size_t *count)
{
	struct typed *t;

	assert(e != NULL && count != NULL);
	*count = 0;
	if (e->group_count == 0)
		return NULL;
	forget_types(e);
	t = e->by_type != NULL ? map_get(e->by_type, type) : NULL;
	if (t == NULL && e->by_type != NULL) {
		t = typed_new(e, type);
		if (t != NULL && !map_put(e->by_type, type, t)) {
			mem_free(t->groups);
			mem_free(t);
			t = NULL;
		}
	}
	if (t == NULL) {
		e->failed = true;
		return NULL;
	}
	*count = t->count;
	return t->groups;
}

/* ---- Active rules. ---- */

/* The name of a set: built on the stack, as every event asks for some. */
struct set_name {
	char s[sizeof(((struct edge_group *)0)->name) + LIMIT_RUN_KEY];
	size_t n;
};

/* False for a key that no run has. */
static bool set_name(struct set_name *out, const struct edge_group *group, struct text key)
{
	if (key.n > LIMIT_RUN_KEY)
		return false;
	memcpy(out->s, group->name, sizeof(group->name)); /* ends in NUL */
	if (key.n > 0)
		memcpy(out->s + sizeof(group->name), key.s, key.n);
	out->n = sizeof(group->name) + key.n;
	return true;
}

static struct text set_text(const struct set_name *name)
{
	return (struct text){ name->s, name->n };
}

static struct active *active_get(const struct edges *e, const struct edge_group *group,
				 struct text key)
{
	struct set_name name;

	return set_name(&name, group, key) ? map_get(e->active, set_text(&name)) : NULL;
}

static struct active *active_make(struct edges *e, const struct edge_group *group, struct text key)
{
	struct set_name name;
	struct active *set;

	if (!set_name(&name, group, key))
		return NULL;
	set = map_get(e->active, set_text(&name));
	if (set != NULL)
		return set;
	set = mem_zero(1, sizeof(*set));
	if (set != NULL && map_put(e->active, set_text(&name), set))
		return set;
	mem_free(set);
	return NULL;
}

static void active_gone(struct edges *e, const struct edge_group *group, struct text key)
{
	struct set_name name;
	struct active *set;

	if (!set_name(&name, group, key))
		return;
	set = map_drop(e->active, set_text(&name));
	if (set != NULL)
		mem_free(set->pairs);
	mem_free(set);
}

static struct pair *pair_in(const struct active *set, const struct rule *rule)
{
	for (size_t i = 0; set != NULL && i < set->count; i++)
		if (set->pairs[i].rule == rule)
			return &set->pairs[i];
	return NULL;
}

static struct pair *pair_get(const struct edges *e, const struct rule *rule, struct text key)
{
	return pair_in(active_get(e, edges_group_of(e, rule), key), rule);
}

/* NULL when there is no room. */
static struct pair *pair_make(struct edges *e, const struct rule *rule, struct text key)
{
	struct active *set = active_make(e, edges_group_of(e, rule), key);
	struct pair *pair = pair_in(set, rule);

	if (set == NULL || pair != NULL)
		return pair;
	if (set->count == set->room) {
		size_t room = set->room == 0 ? 2 : set->room * 2;
		struct pair *more = mem_grow(set->pairs, room, sizeof(*more));

		if (more == NULL)
			return NULL;
		set->pairs = more;
		set->room = room;
	}
	pair = &set->pairs[set->count++];
	*pair = (struct pair){ .rule = rule };
	return pair;
}

/* Forgets the pair when it says nothing any more. */
static void pair_settle(struct edges *e, const struct rule *rule, struct text key)
{
	const struct edge_group *group = edges_group_of(e, rule);
	struct active *set = active_get(e, group, key);
	struct pair *pair = pair_in(set, rule);

	if (pair == NULL || pair->active || pair->given_up || pair->waiting > 0)
		return;
	set->count--;
	memmove(pair, pair + 1, (size_t)(&set->pairs[set->count] - pair) * sizeof(*pair));
	if (set->count == 0)
		active_gone(e, group, key);
}

bool edges_has(const struct edges *e, const struct rule *rule, struct text key)
{
	const struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_get(e, rule, key);
	return pair != NULL && pair->active;
}

bool edges_put(struct edges *e, const struct rule *rule, struct text key)
{
	struct pair *pair;

	assert(e != NULL && rule != NULL);
	if (e->active_count >= LIMIT_EDGES)
		return false;
	pair = pair_make(e, rule, key);
	if (pair == NULL)
		return false;
	e->active_count += !pair->active;
	pair->active = true;
	return true;
}

void edges_drop(struct edges *e, const struct rule *rule, struct text key)
{
	struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_get(e, rule, key);
	if (pair == NULL || !pair->active)
		return;
	pair->active = false;
	e->active_count--;
	pair_settle(e, rule, key);
}

bool edges_wait(struct edges *e, const struct rule *rule, struct text key)
{
	struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_make(e, rule, key);
	if (pair != NULL)
		pair->waiting++;
	return pair != NULL;
}

void edges_unwait(struct edges *e, const struct rule *rule, struct text key)
{
	struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_get(e, rule, key);
	if (pair == NULL || pair->waiting == 0)
		return;
	pair->waiting--;
	pair_settle(e, rule, key);
}

bool edges_waits(const struct edges *e, const struct rule *rule, struct text key)
{
	const struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_get(e, rule, key);
	return pair != NULL && pair->waiting > 0;
}

bool edges_give_up(struct edges *e, const struct rule *rule, struct text key)
{
	struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = e->given_up_count < LIMIT_EDGES ? pair_make(e, rule, key) : NULL;
	if (pair == NULL)
		return false;
	e->given_up_count += !pair->given_up;
	pair->given_up = true;
	return true;
}

void edges_settle(struct edges *e, const struct rule *rule, struct text key)
{
	struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_get(e, rule, key);
	if (pair == NULL || !pair->given_up)
		return;
	pair->given_up = false;
	e->given_up_count--;
	pair_settle(e, rule, key);
}

bool edges_given_up(const struct edges *e, const struct rule *rule, struct text key)
{
	const struct pair *pair;

	assert(e != NULL && rule != NULL);
	pair = pair_get(e, rule, key);
	return pair != NULL && pair->given_up;
}

void edges_each(struct edges *e, const struct edge_group *group, struct text key,
		bool (*visit)(void *of, const struct rule *rule), void *of)
{
	const struct active *set;

	assert(e != NULL && group != NULL && visit != NULL);
	set = active_get(e, group, key);
	for (size_t i = set != NULL ? set->count : 0; i-- > 0;)
		if (!visit(of, set->pairs[i].rule))
			break;
}

size_t edges_active(const struct edges *e)
{
	assert(e != NULL);
	return e->active_count;
}
