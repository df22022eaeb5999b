/* SPDX-License-Identifier: Apache-2.0
 *
 * rule - the rule model: what the loader makes of YAML and the sequencer runs.
 *
 * A rule set is immutable once loaded and counted by reference, so a reload
 * swaps it whole. One rule can also be loaded by itself from its stored text (a
 * run finishes under the revision it began with).
 * Ownership: everything lives in the set's arena. */
#ifndef TAPPET_RULES_RULE_H
#define TAPPET_RULES_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/diag.h"
#include "engine/cel/cel.h"
#include "engine/connectors/connector.h"
#include "engine/rules/config.h"
#include "engine/rules/tables.h"

/* Whether a rule acts when its condition turns, and what the first sight of one that is true does.
 */
enum rule_edge { EDGE_NONE, EDGE_ARM, EDGE_FIRE };

enum rule_mode { MODE_LIVE, MODE_SHADOW, MODE_OFF };

/* A parameter tree in which texts may hold ${...}. */
struct template;

struct define {
	struct text name;
	const struct cel_program *program;
};

/* A use of a named list of steps. Its steps see its arguments as `params`, and only each other's
 * names: they are called "PREFIX/NAME" in the run's record. */
struct step_use {
	const struct step_use *outer; /* the use in whose list it stands, or NULL */
	struct text name, prefix;
	struct place at;
	const struct param *params;          /* ends with a row without a name */
	const struct template *args;         /* a map, or NULL */
	struct value defaults;               /* a map: of those that are left out */
	const struct cel_program *condition; /* `if`, of all its steps; or NULL */
};

enum on_error { ON_ERROR_STOP, ON_ERROR_CONTINUE, ON_ERROR_STEPS };

/* What a step repeats for each item of a list. */
struct loop {
	const struct cel_program *list;
	struct text item; /* the name by which its steps see the item */
	int max;          /* a longer list is held for an operator */
	bool go_on;       /* with the next item when one failed */
	int first, end;   /* its steps, their handlers included: [first, end) */
};

struct step {
	struct text name; /* `as`, or empty */
	struct place at;
	const char *what;        /* its action, "slack.post", or "for_each" */
	const struct loop *loop; /* for_each, which has neither connector nor action; or NULL */
	int within;              /* index of the for_each it is a step of, -1: none */
	const struct connector *connector;
	const struct action *action;
	struct text connection; /* resolved name; empty: none (http without one) */
	bool plugin;            /* it is a plugin's, and `connection` is that one's name */
	const struct template *params;
	const struct cel_program *condition; /* `if`, or NULL */
	int attempts;                        /* retry.attempts */
	int64_t first, max;                  /* retry: first wait and ceiling, ms */
	int64_t timeout;                     /* ms per attempt */
	bool literal_host;                   /* the host of `url` is written out in the rule */
	const int *ok;                       /* further statuses that count as success */
	size_t ok_count;
	struct text result; /* the part of the reply that is kept: a dotted path, or empty: all */
	enum on_error on_error;
	int handler; /* ON_ERROR_STEPS: index of the handler's first step */
	enum doubt after_doubt;
	int next;   /* index of the step that follows, -1: the end */
	int resume; /* ON_ERROR_CONTINUE: the one that follows when this one failed */
	const struct step_use *use; /* the named list it comes from, or NULL */
	bool reads;    /* a look-up: made before the rule decides, named "lookup.NAME" */
	int64_t cache; /* look-ups: ms for which a result serves others, too; 0: none */
	int handles;   /* index of the step whose failure this one handles, -1: a main step */
};

/* The action as it is now: a plugin may have changed since the rule was loaded. NULL with *why. */
const struct action *step_action(const struct config *config, struct arena *arena,
				 const struct step *step, const char **why);

struct rule_written;

/* One `tests:` entry, kept as YAML for the test runner. */
struct yaml_node;

struct rule {
	struct text id, description;
	struct place at;
	struct text source;    /* the rule as written: what the store keeps */
	struct text revision;  /* 12 hex digits of the source's hash */
	const struct text *on; /* types and globs */
	size_t on_count;
	struct text from; /* connection, or empty */
	enum rule_mode mode;
	const struct cel_program *match; /* of all `match` entries, or NULL */
	const struct define *defines;
	size_t define_count;
	const struct cel_program *when; /* or NULL */
	const struct cel_program *key;  /* or NULL: the default key */
	const struct template *lane;    /* or NULL: runs wait for those of their rule and key */
	const struct cel_program
	    *live_when;           /* or NULL; a live rule is in shadow where it is false */
	int64_t throttle;         /* ms; 0: none */
	const struct step *steps; /* main steps first: [0, main_count), then handlers */
	int step_count, main_count;
	/* Behind those the steps of `clear` and look-ups; those of a for_each stand behind its
	 * list. */
	int lookup_first; /* index of the first look-up, or -1 */
	int clear_first;  /* index of the first step of `clear`, or -1 */
	enum rule_edge edge;
	bool echoes;                   /* it also takes changes that are what it wrote itself */
	size_t number;                 /* place in its set */
	const struct yaml_node *tests; /* list, or NULL */
	const struct ruleset *set;
	const struct rule_written *written; /* of a rule loaded by itself, else NULL: load.h */
};

struct ruleset;

/* The files that a path of rules stands for: itself, or every *.yaml and *.yml beneath, sorted;
 * names that begin with a dot are passed over. What can't be looked at goes to diags. */
size_t ruleset_files(struct arena *arena, struct text path, struct diags *diags,
		     const struct text **files);

/* Loads files and folders (every *.yaml and *.yml beneath, sorted). All mistakes of all
 * files go to diags; NULL only when memory is out. */
struct ruleset *ruleset_load(const struct config *config, const struct text *paths, size_t count,
			     struct diags *diags);

/* The same of one file whose text is at hand; `path` names it. */
struct ruleset *ruleset_load_text(const struct config *config, struct text path,
				  struct text content, struct diags *diags);

/* The same with the tables that other files of `beside` declare: it outlives what is loaded. */
struct ruleset *ruleset_load_beside(const struct config *config, const struct ruleset *beside,
				    struct text path, struct text content, struct diags *diags);

/* One rule from its stored source. NULL with diags when it does not load any more. */
struct ruleset *ruleset_load_revision(const struct config *config, struct text id,
				      struct text source, struct diags *diags);

/* A table that some file declares, or NULL; all of them. */
const struct table *ruleset_table(const struct ruleset *set, struct text name);
const struct table_list *ruleset_tables(const struct ruleset *set);

struct ruleset *ruleset_ref(struct ruleset *set);
void ruleset_free(struct ruleset *set);

const struct config *ruleset_config(const struct ruleset *set); /* it was loaded with */
size_t ruleset_count(const struct ruleset *set);
const struct rule *ruleset_at(const struct ruleset *set, size_t i);
const struct rule *ruleset_find(const struct ruleset *set, struct text id);
/* True when any rule that isn't off has an edge. */
bool ruleset_has_edges(const struct ruleset *set);
struct value ruleset_vars(const struct ruleset *set);

/* Every expression of the rule, those of its steps, handlers and look-ups included. */
void rule_programs(const struct rule *rule,
		   void (*see)(void *of, const struct cel_program *program), void *of);

/* True when the glob takes the type: * is one segment, a trailing ** any number (at least one). */
bool event_glob(struct text glob, struct text type);

/* The types of events that connectors, and hooks and schedules of the configuration, are known to
 * bring; a segment "*" stands for any one. Ends with NULL; NULL: memory is out. */
const char *const *event_types(struct arena *arena, const struct config *config);

/* What a test of the rule gives as an event's type and connection: reports what can't be. */
struct reader;
void ruleset_check_type(const struct reader *r, const struct rule *rule,
			const struct yaml_node *node, struct text type);
void ruleset_check_connection(const struct reader *r, const struct rule *rule,
			      const struct yaml_node *node, struct text name);

/* The field.ask words that polls of this connection and resource must ask for, because a
 * rule reads those fields of its events; ends with NULL; lives as long as the set. */
const char *const *ruleset_asks(const struct ruleset *set, struct text connection,
				const struct resource *resource);

/* ---- Evaluation (evaluate.c). Everything is allocated from the scope's arena. ---- */

struct ruleset;

/* What row() and rows() read. */
struct table_reader {
	const struct ruleset *set; /* whose tables: those in force */

	/* The rows of a table in the store whose column has the cell (no column: all of them), in
	 * the order of their keys: at most `most`. False with the reason in *why. NULL: there is
	 * no store, and no row. */
	bool (*stored)(void *of, struct arena *arena, const struct table *table, size_t column,
		       struct text cell, size_t most, struct value *rows, struct text *why);
	bool stand_ins; /* of a table in a file that has rows in the store, only those are there */
	void *of;
};

/* One event as rules see it. */
struct event_view {
	struct text id, source, type, subject, connection;
	int64_t time; /* ms */
	int64_t seq;
	int depth;
	struct value data, before;         /* typed; null when there is none */
	struct text json;                  /* data, written; empty: it isn't at hand */
	const struct table_reader *tables; /* beside the event; NULL: the rule's set, no store */
};

/* Lends the last known state of objects to entity(). */
struct entities {
	void *of;

	/* Typed and in the arena; null: nothing is known of it. */
	struct value (*get)(void *of, struct arena *arena, struct text connection,
			    const struct object_kind *kind, struct text id);
};

/* A kind of objects by its name ("kantata.workspace"), NULL: there is none; what may be meant. */
const struct object_kind *entity_kind(struct text name); /* NULL: there is none */
const char *entity_kind_hint(struct arena *arena, struct text name);

/* Everything an expression of a rule may read. Zero-initialise, fill, pass by
 * pointer; caches fill up as it is used. */
struct scope {
	struct arena *arena;
	const struct rule *rule;
	const struct event_view *event;
	int64_t now;                     /* ctx.now, ms */
	struct value steps;              /* map: NAME -> {result, status, error}; null: none yet */
	const struct step_use *use;      /* of the step in hand, or NULL */
	struct value item;               /* of the for_each it is a step of */
	const struct entities *entities; /* of entity(); NULL: nothing is known */
	struct value error;              /* on_error steps: {step, message, status}; else null */
	struct scope_event
	    *about; /* what rules of one set share about one event; start with NULL */
	struct scope_cache *cache; /* evaluate.c's own; start with NULL */
	struct cel_memo *memo;     /* what rules computed alike about this event, or NULL */
	bool *asked; /* or NULL; set when rows or entities were asked for, which change */
};

enum verdict {
	VERDICT_NO, /* a condition is false */
	VERDICT_YES,
	VERDICT_BLIND, /* a condition or the key could not be evaluated */
};

struct decision {
	enum verdict verdict;
	const char *part; /* which part decided: "on", "from", "match", "key", "when"; "" for YES */
	struct text why;  /* BLIND: the error */
	struct text key;  /* YES: the key as text */
	uint32_t weight;  /* BLIND: how many decisions this one stands for; see matcher_each */
};

/* on, from, match, key, when, in this order. A define is evaluated when something first uses it;
 * its error is then the error of that part. A condition that is false decides whatever else
 * could not be evaluated, as false && error is false. */
struct decision rule_decide(struct scope *scope);

/* Of a rule with look-ups rule_decide knows nothing of them while scope->steps is null: it says NO
 * to what is false whatever they bring, and else YES, which means that they are to be made. With
 * them in scope->steps `when` is decided as any. This asks for `when` alone. */
struct decision rule_decide_when(struct scope *scope);

/* The same for a rule that takes the event and of which match and when are known to be true. */
struct decision rule_decide_key(struct scope *scope);

/* The name under which a key's lane and state go: one longer than LIMIT_RUN_KEY, or with a NUL in
 * it, is named by its hash. */
struct text rule_key_bounded(struct arena *arena, struct text key);

/* Bit i: the variable number i depends on the event, the clock and the set only, so rules may
 * share what they compute of it. */
uint64_t scope_shared_variables(void);

/* ---- The index (index.c builds, matcher.c asks). ---- */

/* One thread's working memory for matching events against a set. */
struct matcher;

struct matcher *matcher_new(struct ruleset *set); /* holds the set; NULL when memory is out */
void matcher_free(struct matcher *matcher);

/* What entity() reads from then on; borrowed. */
void matcher_entities(struct matcher *matcher, const struct entities *entities);

/* Visits, in the order loaded, every rule that is not off and fires on the event (YES), with its
 * decision as rule_decide makes it, and those that could not be evaluated (BLIND). Of many rules
 * that miss the same field a sample of LIMIT_BLIND_SAMPLE is evaluated, another one with each
 * event; decision.weight says how many rules each of them stands for. A rule that is false in a
 * part that is looked up isn't visited, also when all of it would exceed the budget. `visit` may
 * match another event. False when memory is out. */
bool matcher_each(struct matcher *matcher, struct arena *arena, const struct event_view *event,
		  int64_t now,
		  bool (*visit)(void *of, const struct rule *rule, const struct decision *decision),
		  void *of);

/* How the index finds a rule, for people. */
struct index_story {
	struct text
	    found; /* "data.id =, data.title prefix"; empty: the rule is asked on every event */
	struct text left;  /* what is evaluated then: "data.total > 5 && ..."; empty: nothing */
	uint32_t postings; /* places where it is entered: more for `in` and || */
	bool off;          /* not in the index: mode off */
};

struct index_story ruleset_story(const struct ruleset *set, struct arena *arena, size_t rule);

struct index_size {
	size_t types,
	    groups;    /* types and globs in `on`; a look-up for each group of an event's type */
	size_t always; /* rules asked on every event of their types */
	size_t bytes;  /* of the index */
	size_t rule_bytes; /* of everything that was loaded, the index included */
	int64_t build_ms;  /* it took to build the index */
};

struct index_size ruleset_index_size(const struct ruleset *set);

/* How many events were matched, since the matcher was made or told to forget, of which the rule
 * takes the type; one that two entries of `on` take counts twice. */
uint64_t matcher_seen(const struct matcher *matcher, const struct rule *rule);
void matcher_forget(struct matcher *matcher);

/* How many rules were looked at, found by the index or sampled, since the matcher was made: what
 * matching costs beyond the look-ups. */
uint64_t matcher_asked(const struct matcher *matcher);

/* The lane in which the rule's runs about this event wait for their turn, across rules; empty: they
 * have none but their rule and key. False with *why where it can't be told. */
bool rule_lane(struct scope *scope, struct text *out, struct text *why);

/* The mode for this event: `mode`, with live_when. What can't be evaluated isn't true. */
enum rule_mode rule_mode_now(struct scope *scope);

/* A step's `if`: VERDICT_BLIND fails the step. */
enum verdict step_condition(struct scope *scope, const struct step *step, struct text *why);

/* The list of a for_each: FATE_OK, or FATE_REJECT with why. */
enum fate step_list(struct scope *scope, const struct step *step, struct value *out,
		    struct text *why);

/* A step's parameters with templates filled in: FATE_OK, or FATE_REJECT with why
 * (with the place as file:line:column). `out` null: it is a look-up with a parameter that is null,
 * or the field of something that is, and is not made. */
enum fate step_params(struct scope *scope, const struct step *step, struct value *out,
		      struct text *why);

#endif
