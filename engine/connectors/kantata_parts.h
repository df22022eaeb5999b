/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_parts - what the files of the Kantata connector share.
 *
 *   kantata.c           events and polls
 *   kantata_actions.c   the actions
 *   kantata_call.c      an action's request, and the reply of one object
 *   kantata_list.c      lists, page by page, and what lists come back from
 *   kantata_lookup.c    whether a create happened
 *   kantata_page.c      pages of a poll
 *   kantata_feed.c      the feed of changes
 *   kantata_request.c   any other path
 *   kantata_envelope.c  what every reply is wrapped in
 *   kantata_custom.c    custom fields by their names
 *   kantata_writes.c    what actions write, in the form it is read in
 *   kantata_fields.c, kantata_params.c, kantata_filters.c   workspaces
 *   kantata_resource.c                                      workspace resources
 *
 * Ownership: everything made lives in the arena given. */
#ifndef TAPPET_CONNECTORS_KANTATA_PARTS_H
#define TAPPET_CONNECTORS_KANTATA_PARTS_H

#include "engine/connectors/connector.h"

#define KANTATA_PAGE 200 /* rows of a page: the API's own maximum */

/* An association: the object holds `key` (one id or a list of ids), the reply holds the objects by
 * id under `map`; we put them into the object under `name`. A NULL name ends a table. */
struct kantata_include {
	const char *name;
	const char *key;
	const char *map;
};

/* What the API has collections of. */
struct kantata_kind {
	const char *plural; /* the path, and the member that holds them: "workspaces" */
	const char *one;    /* the member of a body that holds one: "workspace" */
	const char *noun;   /* for messages */
	const char *shown;  /* switches the default filter off that hides some: a query */
	const struct kantata_include *includes;
	const struct object_kind *object;
	unsigned bulk; /* how many can be created at once */
};

extern const struct kantata_kind kantata_workspaces, kantata_resources; /* kantata.c */
extern const struct object_kind kantata_workspace, kantata_workspace_resource;
extern const struct action kantata_actions[]; /* kantata_actions.c */

/* ---- kantata_writes.c, by action ---- */
extern const struct writes kantata_writes_update, kantata_writes_create, kantata_writes_create_many,
    kantata_writes_delete, kantata_writes_expenses, kantata_writes_times, kantata_writes_unarchive,
    kantata_writes_resource_update, kantata_writes_resource_create,
    kantata_writes_resource_create_many, kantata_writes_resource_delete;

/* ---- The tables. ---- */

extern const struct kantata_include kantata_workspace_includes[], kantata_resource_includes[];
/* Names of what can be included, and of optional fields; they end with NULL. */
extern const char *const kantata_workspace_included[], *const kantata_workspace_optional[],
							   *const kantata_resource_included[],
							       *const kantata_resource_optional[];
extern const struct field kantata_workspace_fields[], kantata_resource_fields[];
extern const struct param kantata_reference_members[];
extern const struct param kantata_id_params[], kantata_show_params[], kantata_list_params[],
    kantata_create_params[], kantata_create_many_params[], kantata_update_params[],
    kantata_apply_params[], kantata_invite_params[], kantata_toggle_params[];
extern const struct param kantata_resource_id_params[], kantata_resource_show_params[],
    kantata_resource_list_params[], kantata_resource_create_params[],
    kantata_resource_create_many_params[], kantata_resource_update_params[],
    kantata_allocate_params[], kantata_allocate_many_params[];

/* ---- kantata_envelope.c ---- */

/* The product's own words: "title: can't be blank; base: is locked"; empty when there are none. */
struct text kantata_words(struct arena *arena, struct value doc);
struct text kantata_error_words(struct call *call, const struct reply *reply);

/* A 2xx body as JSON. FATE_REJECT when it holds `errors` or `error_message`, which is a failure
 * whatever the status says; FATE_RETRY when it is no JSON. */
enum fate kantata_doc(struct call *call, const struct reply *reply, struct value *doc);

/* Id of {"key":"workspaces","id":"7"}; false for anything else. */
bool kantata_result_id(struct arena *arena, const char *plural, struct value result,
		       struct text *id);

/* The object of a parsed reply, NULL when it doesn't hold it as a map. */
const struct value *kantata_object(struct value doc, const char *plural, struct text id);

/* The object with everything the reply includes under the association's name. */
struct value kantata_inlined(struct arena *arena, const struct kantata_include *includes,
			     struct value doc, struct value object);

/* ---- kantata_call.c ---- */

struct kantata_op {
	const struct kantata_kind *kind;
	const char *method;
	const struct param *params;
	const char *tail; /* behind the id: "/invite"; NULL: nothing */
	bool shown;       /* with the kind's `shown` */
	bool custom;      /* its body may have `custom` */
};

/* The parameter `id` goes into the path, what has members into the body, the rest into the query,
 * lists with commas. What fits params is left in *params (may be NULL). */
enum fate kantata_build(struct call *call, const struct kantata_op *op, struct value given,
			struct request *out, struct value *params);

/* Appends the parameters of a table that stand in a query, `joint` before the first. */
struct buf;
enum fate kantata_put_query(struct call *call, struct buf *url, const struct param *table,
			    struct value params, char joint);

/* An envelope of one object of the kind: it is the result, and is observed. */
enum fate kantata_read_one(struct call *call, const struct kantata_kind *kind,
			   const struct reply *reply, struct reading *out);

/* ---- kantata_custom.c ---- */

/* Objects of custom_field_values as a map from their fields' names. */
struct value kantata_custom(struct arena *arena, struct value rows);

/* Puts custom_fields in place of `custom` into a body: an object, or a list of them. *asked: the
 * request reads definitions first, and the step is built again with them gathered. */
enum fate kantata_custom_put(struct call *call, struct value *body, struct request *out,
			     bool *asked);

/* Reads the reply when definitions were asked for. False: they weren't. */
bool kantata_custom_read(struct call *call, const struct reply *reply, struct reading *out,
			 enum fate *fate);

/* ---- kantata_list.c ---- */

enum fate kantata_build_list(struct call *call, const struct kantata_op *op, struct value given,
			     struct request *out);

/* `kind` NULL: objects of any, as they are. */
enum fate kantata_read_list(struct call *call, const struct kantata_kind *kind,
			    const struct reply *reply, struct reading *out);

/* An envelope of several objects that is not a page: {items, count}. */
enum fate kantata_read_many(struct call *call, const struct kantata_kind *kind,
			    const struct reply *reply, struct reading *out);

/* ---- kantata_lookup.c ---- */

enum fate kantata_lookup(struct call *call, const struct kantata_kind *kind,
			 const struct param *table, struct value given, struct request *out);
enum fate kantata_found(struct call *call, const struct kantata_kind *kind,
			const struct reply *reply, struct reading *out);

/* ---- kantata_request.c: of struct action ---- */

extern const struct param kantata_request_params[];
enum fate kantata_build_request(struct call *call, struct value given, struct request *out);
enum fate kantata_read_request(struct call *call, const struct reply *reply, struct reading *out);

/* ---- kantata_feed.c: of struct resource ---- */

extern const struct object_kind kantata_news;
extern const struct feed kantata_feed;
enum fate kantata_ask_feed(struct call *call, const struct page_ask *ask, struct request *out);
enum fate kantata_read_feed(struct call *call, const struct page_ask *ask,
			    const struct reply *reply,
			    bool (*visit)(void *of, struct text id, struct text json), void *of,
			    struct page *out);

/* ---- kantata_page.c ---- */

enum fate kantata_ask(struct call *call, const struct kantata_kind *kind,
		      const struct page_ask *ask, struct request *out);
enum fate kantata_read_page(struct call *call, const struct kantata_kind *kind,
			    const struct page_ask *ask, const struct reply *reply,
			    bool (*visit)(void *of, struct text id, struct text json), void *of,
			    struct page *out);

#endif
