/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_parts - what the files of the Kantata connector share.
 *
 * kantata.c has the tables and actions, kantata_page.c asks for pages and reads
 * them, kantata_envelope.c reads what every reply is wrapped in,
 * kantata_fields.c has the tables of the workspace.
 * Ownership: everything made lives in the arena given. */
#ifndef TAPPET_CONNECTORS_KANTATA_PARTS_H
#define TAPPET_CONNECTORS_KANTATA_PARTS_H

#include "engine/connectors/connector.h"

#define KANTATA_PAGE     200 /* rows of a page: the API's own maximum */
#define KANTATA_INCLUDES 23

/* ---- kantata_fields.c; source: developer.kantata.com, specification of Workspaces. ---- */

/* An association: the workspace holds `key` (one id or a list of ids), the reply holds the
 * objects by id under `map`; we put them into the workspace under `name`. */
struct kantata_include {
	const char *name;
	const char *key;
	const char *map;
};

extern const struct kantata_include kantata_includes[KANTATA_INCLUDES];
extern const struct field kantata_workspace_fields[];
extern const struct param kantata_workspace_members[]; /* body of an update */

/* ---- kantata_envelope.c ---- */

/* The product's own words: "title: can't be blank; base: is locked"; empty when there are none. */
struct text kantata_words(struct arena *arena, struct value doc);
struct text kantata_error_words(struct call *call, const struct reply *reply);

/* A body with `errors` or `error_message` is a failure whatever the status says. */
bool kantata_is_failure(struct value doc);

/* Id of {"key":"workspaces","id":"7"}; false for anything else. */
bool kantata_result_id(struct arena *arena, struct value result, struct text *id);

/* The workspace of a parsed reply, NULL when it doesn't hold it as a map. */
const struct value *kantata_object(struct value doc, struct text id);

/* The object with everything the reply includes under the association's name. */
struct value kantata_inlined(struct arena *arena, struct value doc, struct value object);

/* ---- kantata.c ---- */

/* Appends &name=a,b of a list of names; a name that isn't one is a REJECT. */
struct buf;
enum fate kantata_put_names(struct call *call, struct buf *url, const char *name,
			    struct value list);

/* ---- kantata_list.c: of struct action ---- */

extern const struct param kantata_list_params[];
enum fate kantata_build_list(struct call *call, struct value given, struct request *out);
enum fate kantata_read_list(struct call *call, const struct reply *reply, struct reading *out);

/* ---- kantata_page.c: of struct resource ---- */

enum fate kantata_ask(struct call *call, const struct page_ask *ask, struct request *out);
enum fate kantata_read_page(struct call *call, const struct page_ask *ask,
			    const struct reply *reply,
			    bool (*visit)(void *of, struct text id, struct text json), void *of,
			    struct page *out);

#endif
