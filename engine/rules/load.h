/* SPDX-License-Identifier: Apache-2.0
 *
 * load - shared by the files that turn YAML into rules; see rule.h.
 *
 * I1  Whatever stays lives in the set's arena; trees and environments live in
 *     a scratch arena that is emptied after each file.
 * I2  Errors are reported where they stand and loading goes on; a set with
 *     errors is never run. */
#ifndef TAPPET_RULES_LOAD_H
#define TAPPET_RULES_LOAD_H

#include <stdatomic.h>

#include "engine/rules/reader.h"
#include "engine/rules/rule.h"

struct map;
struct known;
struct parts;

/* What a use says for steps that don't say it themselves. */
struct inherited {
	const struct inherited *outer;
	const struct yaml_node *retry, *timeout, *on_error; /* or NULL */
	const struct step_use *use;                         /* in which they are written */
};

/* An on_error list to read once the main steps are. */
struct pending_handler {
	const struct yaml_node *list; /* NULL: none */
	const struct step_use *use;
	bool own; /* the step itself says what happens when it fails */
	/* The steps of a for_each. */
	const struct yaml_node *body; /* NULL: none */
	struct loop *loop;
	const struct step_use *body_use;
	const struct inherited *inherited;
};

/* The order of cel_env_variable, so the index an evaluation asks for. A rule's
 * defines follow. */
enum variable {
	VAR_EVENT,
	VAR_DATA,
	VAR_BEFORE,
	VAR_OBJECT,
	VAR_CHANGED,
	VAR_VARS,
	VAR_CTX,
	VAR_STEPS,
	VAR_ERROR,
	VAR_PARAMS,
	VAR_LOOKUP,
	VAR_SECRETS, /* known by name, so that expressions that read it can be told why not */
	VARIABLES,
};

#define MAX_KINDS 8 /* kinds of objects one rule's events carry; more and nothing is known */

/* Where the parts of a rule stand in its source: for whoever explains it. */
struct rule_written {
	const struct yaml_node *map; /* the rule */
	const struct written_piece {
		size_t from; /* offset in the text of the program `match` */
		struct place at;
	} * pieces; /* the entries of `match`, in rising order */
	size_t piece_count;
};

struct loading {
	struct reader r;
	struct ruleset *set;
	const struct config *config;
	struct arena *scratch;
	struct cel_env *plain;              /* for rules without defines */
	struct known *known;                /* catalog.c: event types that exist */
	struct value_map_builder stand_ins; /* of a bare configuration: vars that rules read */

	struct parts *parts; /* of the file under way, or NULL */

	bool failed; /* memory ran out where no arena that lasts says so */

	/* One rule from its source: `written` is kept. It was accepted when it was stored, so the
	 * types of fields and the cost don't count. */
	bool by_itself;

	/* The rule under way. */
	struct rule *rule;
	struct rule_written *written;
	struct cel_env *env;
	const struct object_kind *kinds[MAX_KINDS];
	size_t kind_count;
	bool kinds_known;   /* every event type has a known kind */
	struct step *steps; /* LIMIT_STEPS of them, main ones first */
	int step_count;
	int visible_from;                  /* steps before it belong to another list */
	int visible;                       /* steps[0..visible) may be named by steps.NAME */
	int within;                        /* the for_each whose steps are read, or -1 */
	int body_from;                     /* the first of those */
	struct pending_handler *pending;   /* LIMIT_STEPS of them: of each step */
	int handled;                       /* the step whose handler is read, -1: a main step */
	const struct step_use *use;        /* the named list under way, or NULL */
	const struct inherited *inherited; /* innermost first */
	struct text action;                /* of the step under way: "slack.post" */
	const struct yaml_node *lookups;   /* the map `lookup`, or NULL */
	bool lookups_wrong;                /* it was reported: nobody asks for its names */
	bool looking;                      /* its entries are read */
	bool clearing;                     /* the steps of clear are, which have none */
	size_t looked_up;                  /* how many of its entries may be read by now */
	const struct yaml_node *defining;  /* the map `define` while one of its values is read */
	size_t defined;                    /* which */
};

/* ---- expression.c ---- */

/* The functions of rules: changed, became, ..., raw. */
extern const struct cel_function rule_functions[];

/* entity(); entity_functions.c. */
extern const struct cel_function entity_functions[];

/* The names and functions of rules, with the types of fields that the rule under way may read. */
struct cel_env *load_env(struct loading *l, struct arena *arena);

/* Compiles what a scalar says from byte `offset` on. NULL after reporting. */
const struct cel_program *load_expression(struct loading *l, const struct yaml_node *node,
					  struct text text, size_t offset);

/* A condition: an expression that is true or false. */
const struct cel_program *load_condition(struct loading *l, const struct yaml_node *node);

/* Names that don't exist: vars.X, steps.X, fields of data, ... `node` and `offset` as above, or
 * the whole map of `match`. */
void load_check_names(struct loading *l, const struct cel_program *program,
		      const struct yaml_node *node, size_t offset);

/* row and rows; table_functions.c. */
extern const struct cel_function table_functions[];

/* ---- table_uses.c ---- */

/* What a rule says of tables is checked when all files are read, for another one may declare them.
 * A call of row() or rows(): what is written out of table and column, s is NULL where it isn't. */
void table_uses_call(struct loading *l, struct text table, struct place at, struct text column,
		     struct place column_at);

/* The parameters of table.put and table.drop. */
void table_uses_step(struct loading *l, const struct step *step, const struct yaml_node *params);

/* Reports tables and columns that don't exist. */
void table_uses_check(struct loading *l);

/* ---- emitted.c ---- */

/* A rule waits for events of a type that no connector, hook or schedule here has. */
void emitted_wanted(struct loading *l, struct text type, struct place at);

/* The parameters of any step: those of tappet.emit make one. */
void emitted_step(struct loading *l, const struct step *step, const struct yaml_node *params);

/* When all files are read: warns of those that no step makes. */
void emitted_check(struct loading *l);

/* ---- advice.c ---- */

/* False after reporting that an evaluation may take more steps than it is given. `place` says where
 * a byte of the program's text stands. */
bool load_check_cost(struct loading *l, const struct cel_program *program,
		     struct place (*place)(void *of, size_t offset), void *of);

/* Warns of divisions that may throw a fraction away unnoticed. */
void load_check_division(struct loading *l, const struct cel_program *program,
			 struct place (*place)(void *of, size_t offset), void *of);

/* ---- calls.c ---- */

/* False after reporting calls that fail whatever the event is, or say no. */
bool load_check_calls(struct loading *l, const struct cel_program *program,
		      struct place (*place)(void *of, size_t offset), void *of);

/* ---- fields.c ---- */

/* Lets the environment ask for the types that fields of the rule under way are declared to have. */
void load_field_types(struct loading *l, struct cel_env *env);

/* One such type, of what `match` may read: "data" and "status.key", say. CEL_DYN: unknown. */
enum cel_type load_field_type(struct loading *l, struct text variable, struct text path);

/* A row of the objects' tables when all kinds have one of the same type, else NULL. */
const struct field *load_field(const struct loading *l, struct text path);

/* ---- match.c ---- */

const struct cel_program *load_match(struct loading *l, const struct yaml_node *map);

/* ---- templates.c ---- */

/* A parameter tree. `row` says what the node must be (NULL: anything), `slot` how texts are
 * escaped. NULL after reporting. */
const struct template *load_template(struct loading *l, const struct yaml_node *node,
				     const struct param *row, enum param_slot slot);

/* A map of parameters against their table (NULL: any). */
const struct template *load_template_map(struct loading *l, const struct yaml_node *node,
					 const struct param *table, enum param_slot slot);

/* A tree that is this value; NULL when memory is out. */
const struct template *template_constant(struct loading *l, struct value v);

bool template_is_dynamic(struct text t);                            /* has ${…} */
struct text template_unescaped(struct arena *arena, struct text t); /* $${ becomes ${ */

/* The expression of a text that is one ${…}: its bytes. */
bool template_whole(struct text t, struct text *expression);

/* Offset of the brace that closes the expression which starts at `from`, or SIZE_MAX. */
size_t template_close(struct text t, size_t from);

/* True when the parameter `url` says its host in so many words: whoever wrote the rule chose
 * it, not an event. NULL is fine. */
bool template_names_host(const struct template *params);

void template_programs(const struct template *t,
		       void (*visit)(void *of, const struct cel_program *program), void *of);

/* templates_fill.c's view of the tree. */
enum template_kind { TEMPLATE_VALUE, TEMPLATE_WHOLE, TEMPLATE_TEXT, TEMPLATE_LIST, TEMPLATE_MAP };

struct template_part {
	struct text literal; /* when program is NULL */
	const struct cel_program *program;
	struct place at;
	bool raw;       /* raw(x): not escaped */
	bool in_string; /* SLOT_BODY: inside a JSON string */
};

struct template
{
	enum template_kind kind;
	enum param_slot slot;
	struct value value;                  /* VALUE */
	const struct template_part *parts;   /* TEXT; WHOLE has one */
	const struct template *const *items; /* LIST, MAP */
	const struct text *keys;             /* MAP */
	size_t count;
};

/* ---- params.c ---- */

/* Checks a literal against its row; the value it stands for goes to *out. False after reporting. */
bool load_literal(struct loading *l, const struct yaml_node *node, const struct param *row,
		  struct value *out);

/* Unknown, missing and secret members of a parameter map. */
void load_check_members(struct loading *l, const struct yaml_node *map, const struct param *table);

/* ---- secrets.c ---- */

/* What stands for a parameter that takes a secret, or that holds some and is no map: "${secrets.X}"
 * is taken as it is. NULL after reporting anything else. */
const struct template *load_secret(struct loading *l, const struct yaml_node *node,
				   const struct param *row);

/* True when only load_secret may read the node. */
bool secret_is_taken(const struct yaml_node *node, const struct param *row);

/* A step that sends one: where to is for the rule to say. */
void secrets_step(struct loading *l, const struct step *step, const struct yaml_node *params);

/* Reports an expression that reads secrets. */
void secrets_refuse(struct loading *l, struct place at, struct text path);

/* ---- reuse.c ---- */

/* Whether a value is what the declared parameter must be, and the word for that. */
bool param_value_fits(const struct param *row, struct value v);
const char *param_type_word(enum param_type type);

/* ---- lane.c ---- */

void load_lane(struct loading *l, const struct yaml_node *node);

/* ---- loops.c ---- */

/* The keys of a for_each; its steps are read later. NULL after reporting. */
struct loop *load_loop(struct loading *l, const struct yaml_node *map);

/* Whether the step under way is one of a for_each that an item which fails ends: the on_error of
 * the for_each says what follows, and what the file says for all steps would be done twice. */
bool load_in_strict_loop(const struct loading *l);

/* The names that its steps may use: the rule's, and the item's. */
struct cel_env *load_loop_env(struct loading *l, const struct loop *loop);

/* ---- steps_connection.c ---- */

void step_via(struct loading *l, const struct yaml_node *node, struct step *step);
void step_relative_url(struct loading *l, const struct yaml_node *params, const struct step *step);
void step_only_connection(struct loading *l, const struct yaml_node *key, struct step *step);

/* ---- steps.c ---- */

void load_steps(struct loading *l, const struct yaml_node *list);

/* The steps of `clear`, behind those of `do`. */
void load_clear(struct loading *l, const struct yaml_node *list);
bool step_has_key(struct text key); /* as, if, retry, ... */

/* The look-ups, behind all other steps. */
void load_lookups(struct loading *l, const struct yaml_node *map);

/* ---- lookups.c ---- */

/* The map `lookup` of a rule, ahead of everything that reads what it names; NULL after reporting.
 */
const struct yaml_node *lookups_open(struct loading *l, const struct yaml_node *map);

/* The action of a look-up, or NULL after reporting; its name as a step. */
const struct yaml_pair *lookup_action(struct loading *l, const struct yaml_node *map);
struct text lookup_step_name(struct arena *arena, struct text name);

/* The parameter of a look-up that would have to name this member of its result, and doesn't; NULL:
 * nothing is known to be missing. `lookup` is its map. */
const char *lookup_leaves_out(const struct yaml_node *lookup, struct text member);

/* What only look-ups have: `cache`; and that the action only reads. */
void lookup_finish(struct loading *l, const struct yaml_node *map, const struct yaml_pair *action,
		   struct step *step);

/* ---- catalog.c ---- */

/* Checks one entry of `on`. */
void catalog_check_type(struct loading *l, const struct yaml_node *node, struct text type);

/* Adds the kinds of objects that events of this type or glob carry; false when some are unknown. */
bool catalog_kinds(const struct config *config, struct text type, const struct object_kind **kinds,
		   size_t *count, size_t room);

const char *catalog_connector_hint(struct loading *l, struct text word);
const char *catalog_action_hint(struct loading *l, struct text word);

/* ---- plugin_steps.c ---- */

/* The action of a plugin that a step names; false after reporting one it doesn't have. */
bool plugin_read_action(struct loading *l, const struct yaml_node *key,
			const struct plugin_config *plugin, struct text word, struct step *step);
void plugin_params(struct loading *l, const struct yaml_node *node, struct step *step);
void plugin_connection(struct loading *l, const struct yaml_node *map, struct step *step);

/* ---- load.c ---- */

/* Whether a define or an item may be called that; reports. */
bool load_name_fits(struct loading *l, const struct yaml_node *name);

/* Reads the rules of one file into the set, or the one rule whose text this is. */
void load_file(struct loading *l, struct text path);
void load_text(struct loading *l, struct text path, struct text content);
void load_source(struct loading *l, struct text id, struct text source);

/* ---- ruleset.c ---- */

struct asked {
	struct asked *next;
	struct text connection;
	const struct resource *resource;
	const char **words; /* ends with NULL */
};

struct ruleset {
	atomic_int refs;
	struct arena *arena;
	struct config *config;
	bool has_edges;
	struct value vars; /* the configuration's; of a bare one, stand-ins */
	const struct rule **rules;
	size_t count, room;
	struct map *by_id;
	struct map *declared; /* reuse.c: vars that files need, by name */
	struct asked *asked;
	struct table_list tables;
	struct table_use *table_uses; /* table_uses.c: while loading */
	struct emit_use *emit_uses;   /* emitted.c: while loading */
	struct rule_index *index;     /* NULL while loading, and for one rule by itself */
};

bool ruleset_add(struct ruleset *set, struct rule *rule);

/* ---- asks.c ---- */

/* Words for every poll of the configuration; false when memory is out. */
bool ruleset_index_asks(struct ruleset *set);

#endif
