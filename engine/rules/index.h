/* SPDX-License-Identifier: Apache-2.0
 *
 * index - from an event to the rules that may fire on it, without asking the others.
 *
 * A rule fires when its match and its when are true. From these conditions the
 * index takes atoms: parts that must hold and can be looked up.
 *
 *   equals   data.id == "7", data.status in ["a", "b"], data.flag, has(data.x),
 *            changed("x"), from        a hash table; several form one key
 *   range    data.used >= 90           intervals sorted by their lower end
 *   prefix   data.title.startsWith("A")  texts sorted by their bytes
 *   rise     rose_past, crossed, fell_below  thresholds sorted by value
 *
 * What is compared (data.status.key) is a slot, filled at most once per event.
 * The rules whose atoms have the same shape (which slots, compared how) form a
 * group; an event costs one look-up per group, however many rules there are.
 *
 * I1  Rules that the index doesn't name can't fire: an atom is false, its condition
 *     is false then (not an error), and false && anything is false. What is named is
 *     verified by evaluating the conditions that its atoms don't prove.
 * I2  An atom that can't be evaluated (its field is missing, or a flag is no bool)
 *     makes the rule blind, not false; a sample of those rules is evaluated in full.
 * I3  Immutable once built. What a lookup needs to remember is the matcher's.
 * Ownership: lives in the arena of its set. */
#ifndef TAPPET_RULES_INDEX_H
#define TAPPET_RULES_INDEX_H

#include "engine/rules/load.h"

#define INDEX_EQUALS 4 /* slots of a key: more select no better */

enum slot_kind {
	SLOT_PART,    /* a part of an expression */
	SLOT_PATH,    /* a path beneath data; missing is null */
	SLOT_CHANGED, /* changed(path) */
	SLOT_FROM,    /* the connection */
};

struct slot {
	enum slot_kind kind;
	bool derived; /* no plain field: worth its evaluation only when many rules use it */
	const struct cel_program *program; /* PART: one that holds it; NULL: only guarded so far */
	uint32_t at;
	struct text path;
	struct text name; /* as told */
	uint32_t uses;
	uint32_t distinct; /* values that rules compare it with */
};

/* Why a value can't be looked up; several, as bits, of an atom: where it is an error then, and
 * not merely false. */
enum lack {
	LACK_ABSENT = 1, /* a map has no such key */
	LACK_ERROR = 2,  /* it can't be evaluated for another reason: what should hold it is null */
	LACK_NULL = 4,
	LACK_KIND = 8, /* it is of a kind that doesn't fit: a text that should be a number */
};

#define LACKS (LACK_ABSENT | LACK_ERROR | LACK_NULL | LACK_KIND)

enum atom_kind { ATOM_NONE, ATOM_EQUALS, ATOM_RANGE, ATOM_PREFIX, ATOM_RISE, ATOM_FALL };

#define CONJUNCT_NONE UINT32_MAX

/* Whole numbers below this are doubles without a change; this one may be its neighbour, rounded. */
#define INDEX_EXACT 9007199254740992.0

/* What is compared with what: a number never with a time. */
enum index_line { LINE_NUMBER, LINE_TIME, LINE_DURATION };

struct atom {
	uint8_t kind;  /* enum atom_kind */
	uint8_t line;  /* enum index_line: RANGE */
	uint8_t blind; /* of enum lack: it is an error then; else false */
	bool truth;    /* EQUALS: what is looked up stands as a condition itself */
	uint32_t slot;
	uint32_t proves[2]; /* conditions of the rule that hold when it does, or CONJUNCT_NONE */
	uint32_t count;     /* EQUALS, RISE, FALL: of values */
	const struct value *values;
	double low, high; /* RANGE, both included */
	struct text prefix;
};

/* Values of `in` and thresholds of crossed() that are looked up: longer lists are evaluated. */
#define INDEX_LIST       1024
#define INDEX_THRESHOLDS 64

/* Conditions that hold together. */
#define INDEX_ATOMS 12
struct alternative {
	struct atom *atoms;
	uint32_t count; /* at most INDEX_ATOMS */
};

/* One of them must hold; count 0: nothing is known. Exact: and when one does, the condition is
 * true. */
#define INDEX_ALTERNATIVES 16
struct cover {
	struct alternative *items;
	uint32_t count;
	bool exact;
};

/* One condition that match && when is made of. */
struct conjunct {
	const struct cel_program *program;
	uint32_t at;
};

struct conjuncts {
	const struct conjunct *items;
	uint32_t count;
};

/* ---- index_atoms.c ---- */

struct slots {
	struct arena *arena; /* of the set: slots stay */
	struct map *by_key;  /* key -> index + 1 */
	struct slot *items;
	uint32_t count, room;
	bool failed;
};

/* items NULL: memory is out. */
struct conjuncts rule_conjuncts(struct arena *arena, const struct rule *rule);

/* What must hold for the rule to fire. From scratch, and of the rule's own constants. */
struct cover rule_cover(struct arena *scratch, struct slots *slots, const struct rule *rule,
			const struct conjuncts *conjuncts);

/* ---- What is built. ---- */

struct bound {
	double low, high;
	double reach; /* the highest `high` of the half of the list whose middle this is */
	uint32_t rule;
	uint8_t blind; /* as in struct atom */
	bool again;    /* the rule stands in this bucket before, and is sampled there */
};

struct prefixed {
	struct text prefix;
	uint32_t rule;
	uint32_t up; /* + 1: the longest other prefix in the bucket that begins this one; 0: none */
	uint8_t blind;
	bool again;
};

struct bucket_of {
	const struct value *key;
	uint32_t first, count; /* in the group's rules, bounds or prefixes */
};

/* A place of a group's table: eight bytes, so that most tables fit a processor's cache. */
struct table_place {
	uint32_t tag;    /* the upper half of the key's hash */
	uint32_t bucket; /* + 1; 0: free */
};

struct group {
	uint32_t equals[INDEX_EQUALS];
	uint32_t equal_count;
	enum atom_kind second; /* RANGE, PREFIX, RISE, FALL or NONE */
	enum index_line line;  /* of RANGE */
	uint32_t second_slot;
	struct table_place *table; /* open addressing */
	struct bucket_of *buckets;
	uint32_t mask, bucket_count, entry_count;
	uint32_t *rules;           /* second NONE */
	struct bound *bounds;      /* RANGE, RISE, FALL */
	struct prefixed *prefixes; /* PREFIX */
	uint64_t *heads, *tails;   /* of the prefixes: bytes 0 to 7 and 8 to 15 */
	uint32_t *risky;           /* rules that are blind when a slot of the key is in error... */
	uint32_t risky_count;
	uint32_t absent_count; /* ...and, the first so many, also when it is absent */
	uint32_t *unsure;      /* rules that are blind when a slot of the key is no bool... */
	uint32_t unsure_count;
	uint32_t null_count; /* ...and, the first so many, also when it is null */
	uint8_t truths;      /* bit i: some rule needs a bool in slot i of the key */
};

struct partition {
	struct text type; /* or glob */
	struct group *groups;
	uint32_t group_count;
	uint32_t *always; /* rules without an atom */
	uint32_t always_count;
};

/* What is left of a rule when its key fits: few words, because each match reads them. */
struct verification {
	uint32_t first; /* in conjuncts */
	uint16_t count;
	bool keyed; /* the rule has a key to evaluate */
	bool from;  /* the connection is yet to be compared */
};

/* Where a rule is found, for the telling. */
struct route {
	const struct group *group; /* the first one; NULL: it is asked on every event */
	const struct group *last;
	uint32_t groups, postings;
};

struct rule_index {
	struct map *by_type; /* type or glob as written -> number of the partition + 1 */
	struct partition *partitions;
	uint32_t partition_count;
	uint32_t *globs; /* partitions of globs */
	uint32_t glob_count;
	struct slot *slots;
	uint32_t slot_count;
	struct verification *rules; /* by number of the rule */
	struct route *routes;       /* likewise */
	struct conjunct *conjuncts;
	uint32_t cells;   /* of a memo */
	size_t bytes;     /* it takes */
	int64_t build_ms; /* it took to build */
};

/* ---- index_tables.c ---- */

struct shape {
	uint32_t equals[INDEX_EQUALS]; /* slots, rising */
	uint32_t equal_count;
	uint32_t second, line, second_slot;
};

struct posting {
	uint32_t partition, shape;
	uint64_t hash;
	const struct value *key; /* one per equals of the shape */
	double low, high;
	struct text prefix;
	uint32_t rule;
	uint8_t key_blind; /* of the atoms of the key, together */
	uint8_t truths;    /* bit i: the one of slot i needs a bool */
	uint8_t blind;     /* of the second one */
};

/* Makes groups and buckets of the postings, which it sorts, and notes the rules that have none. */
bool index_tables(struct ruleset *set, const struct shape *shapes, struct posting *postings,
		  size_t count);

/* ---- index_build.c ---- */

/* Builds set->index. False when memory is out. */
bool index_build(struct ruleset *set);
void index_free(struct rule_index *index); /* NULL is fine; the arena keeps the rest */

/* The hash of a key of several slots, one value after the other; start with 0. */
uint64_t index_hash(uint64_t hash, struct value v);

/* Eight bytes from `from` on as a number that orders like them; NULs behind the end. */
uint64_t index_head(struct text prefix, size_t from);

/* True for values that equality looks up: no lists, maps or NaN. */
bool index_is_scalar(struct value v);

enum index_line index_line(struct value v);

/* Where a number or time stands on its line; false for anything else. */
bool index_number(struct value v, double *out);

#endif
