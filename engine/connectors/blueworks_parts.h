/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_parts - what the files of the Blueworks Live connector share.
 *
 * blueworks.c has the settings, events and error words, blueworks_kinds.c the
 * objects' fields, blueworks_detail.c makes objects of a WorkDetail reply,
 * blueworks_lists.c reads work and task lists, blueworks_actions.c has the
 * actions, blueworks_work.c the one that changes work, blueworks_poll.c the poll.
 * Ownership: everything made lives in the call's arena. */
#ifndef TAPPET_CONNECTORS_BLUEWORKS_PARTS_H
#define TAPPET_CONNECTORS_BLUEWORKS_PARTS_H

#include "engine/connectors/connector.h"

#define BLUEWORKS_PAGE 100 /* rows of a list: the API's own default */

/* ---- blueworks_kinds.c ---- */

extern const struct object_kind blueworks_work;
extern const struct object_kind blueworks_task;
extern const struct object_kind blueworks_comment;
extern const struct object_kind blueworks_attachment;

/* ---- blueworks.c ---- */

/* The i-th of the connection's on_behalf_of; false past the last. */
bool blueworks_user(const struct call *call, unsigned i, struct text *out);

/* path?version=20110917&name=value... A map or list among the values becomes JSON text, as this
 * API takes its structured parameters. */
enum fate blueworks_url(struct call *call, struct request *out, const char *path,
			struct value query);

/* Says on whose behalf the request is, unless nobody is named (a user service ID is its owner). */
void blueworks_behalf(struct request *out, struct text user);

/* The JSON of a 2xx reply, which must be an object. FATE_RETRY when it is not; FATE_REJECT when it
 * holds nothing but an error. */
enum fate blueworks_doc(struct call *call, const struct reply *reply, struct value *out);

/* ---- blueworks_detail.c ---- */

/* A WorkDetail reply, its parts checked. */
struct blueworks_detail {
	struct value work, app, users; /* map, map or null, list */
	struct text id;                /* of the work */
	int64_t now;         /* ms, to tell what is overdue; INT64_MIN: only the API's word */
	struct text watched; /* on whose behalf it was read; may be empty */
};

enum fate blueworks_read_detail(struct call *call, const struct reply *reply,
				struct blueworks_detail *out);

/* The work with its people and app put in, times as text, and what is derived. */
struct value blueworks_work_object(struct call *call, const struct blueworks_detail *detail);

/* The same for what belongs to it; each also carries the work in short, and the app. `parent` is
 * the comment that a reply answers, else TEXT_NONE. */
struct value blueworks_task_object(struct call *call, const struct blueworks_detail *detail,
				   struct value task);
struct value blueworks_comment_object(struct call *call, const struct blueworks_detail *detail,
				      struct value comment, struct text parent);
struct value blueworks_attachment_object(struct call *call, const struct blueworks_detail *detail,
					 struct value attachment, bool gone);

/* ---- blueworks_lists.c ---- */

/* The rows of a WorkList or TaskList reply. */
enum fate blueworks_rows(struct call *call, const struct reply *reply, const char *name,
			 struct value *out);

/* The id of the work a row is or belongs to; false when it names none. */
bool blueworks_row_work(struct call *call, struct value row, bool is_task, struct text *out);

extern const struct param blueworks_work_list_params[];
extern const struct param blueworks_task_list_params[];
enum fate blueworks_build_work_list(struct call *call, struct value given, struct request *out);
enum fate blueworks_build_task_list(struct call *call, struct value given, struct request *out);
enum fate blueworks_read_work_list(struct call *call, const struct reply *reply,
				   struct reading *out);
enum fate blueworks_read_task_list(struct call *call, const struct reply *reply,
				   struct reading *out);

/* ---- blueworks_actions.c ---- */

extern const struct action blueworks_actions[];

/* On behalf of the parameter on_behalf_of, else of the connection's first user. */
void blueworks_behalf_of(const struct call *call, struct value params, struct request *out);

/* GET WorkDetail of a work. */
enum fate blueworks_ask_detail(struct call *call, struct value params, struct text id,
			       struct request *out);

/* ---- blueworks_poll.c ---- */

extern const struct resource blueworks_resources[];

/* ---- blueworks_work.c: of struct action ---- */

extern const struct param blueworks_work_action_params[];
enum fate blueworks_build_work_action(struct call *call, struct value given, struct request *out);
enum fate blueworks_read_work_action(struct call *call, const struct reply *reply,
				     struct reading *out);
enum fate blueworks_look_work_action(struct call *call, struct value given, struct request *out);
enum fate blueworks_found_work_action(struct call *call, const struct reply *reply,
				      struct reading *out);

#endif
