/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_poll - the poll of work: the lists of everybody who is watched, then
 * each piece of work.
 *
 * WorkList has only what its user started, so the work others started is found by
 * the tasks they gave to that user. No public page says in which order lists come,
 * nor whether their rows show every change (a comment?): each open piece of work
 * is read in each round, and lists of what is over are read whole now and then.
 *
 * A work is read for the user whose list named it first; one that no list names
 * any more for whom it was read for last.
 *
 * Source: www.ibm.com/docs/en/blueworks-live, WorkList, TaskList, WorkDetail. */
#include "engine/connectors/blueworks_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

/* ---- lists ---- */

struct list_kind {
	const char *path, *type, *rows;
	bool is_task, settled;
};

/* Of each user; the settled ones come after the others. */
static const struct list_kind kinds[] = {
	{ "/scr/api/WorkList", "open", "work", false, false },
	{ "/scr/api/TaskList", "assigned", "tasks", true, false },
	{ "/scr/api/WorkList", "closed", "work", false, true },
	{ "/scr/api/TaskList", "completed", "tasks", true, true },
};

/* A connection without on_behalf_of watches the owner of its user service ID. */
static unsigned user_count(const struct call *call)
{
	struct value users = param_value(call->settings, "on_behalf_of");

	return value_is(users, VALUE_LIST) && users.n > 0 ? users.n : 1;
}

/* Open lists of all users, then the settled ones. False past the last. */
static bool list_at(const struct call *call, unsigned i, const struct list_kind **kind,
		    struct text *user)
{
	unsigned users = user_count(call);

	if (i >= 4 * users)
		return false;
	*kind = &kinds[(i < 2 * users ? 0 : 2) + i % 2];
	(void)blueworks_user(call, i / 2 % users, user);
	return true;
}

static bool list(struct call *call, unsigned i, struct round_list *out)
{
	const struct list_kind *kind;
	struct text user;

	assert(call != NULL && out != NULL);
	if (!list_at(call, i, &kind, &user))
		return false;
	out->settled = kind->settled;
	out->name = text_printf(call->arena, "%s %s %.*s", kind->rows, kind->type, TEXT_ARG(user));
	return true;
}

/* ---- asking ---- */

/* On whose behalf a work is read. */
static struct text reader_of(const struct call *call, const struct page_ask *ask)
{
	struct text last = param_text(ask->known, "watchedBy"), user;
	const struct list_kind *kind;

	if (list_at(call, ask->list, &kind, &user))
		return user;
	for (unsigned i = 0; blueworks_user(call, i, &user); i++)
		if (text_eq(user, last))
			return user;
	(void)blueworks_user(call, 0, &user);
	return user;
}

static enum fate ask_one(struct call *call, const struct page_ask *ask, struct request *out)
{
	struct value_map_builder query;

	assert(ask->id_count == 1);
	value_map_begin(&query, call->arena);
	value_map_set(&query, "workId", value_text(ask->ids[0]));
	blueworks_behalf(out, reader_of(call, ask));
	return blueworks_url(call, out, "/scr/api/WorkDetail", value_map_end(&query));
}

static enum fate ask_page(struct call *call, const struct page_ask *ask, struct request *out)
{
	const struct list_kind *kind;
	struct value_map_builder query;
	struct text user;

	assert(call != NULL && ask != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	if (ask->kind == PAGE_ONE)
		return ask_one(call, ask, out);
	if (!list_at(call, ask->list, &kind, &user))
		return call_fail(call, FATE_REJECT, "there is no such list");
	value_map_begin(&query, call->arena);
	value_map_set(&query, "type", value_text(text_of(kind->type)));
	value_map_set(&query, "limit", value_int(BLUEWORKS_PAGE));
	value_map_set(&query, "startFrom", value_int(ask->offset));
	blueworks_behalf(out, user);
	return blueworks_url(call, out, kind->path, value_map_end(&query));
}

/* ---- reading ---- */

static enum fate read_page(struct call *call, const struct page_ask *ask, const struct reply *reply,
			   bool (*visit)(void *of, struct text id, struct text json), void *of,
			   struct page *out)
{
	const struct list_kind *kind = &kinds[0];
	struct value rows;
	struct text id;
	enum fate fate;

	assert(call != NULL && ask != NULL && reply != NULL && visit != NULL && out != NULL);
	*out = (struct page){ .high = INT64_MIN };
	(void)list_at(call, ask->list, &kind, &id);
	fate = blueworks_rows(call, reply, kind->rows, &rows);
	if (fate != FATE_OK)
		return FATE_RETRY; /* whatever it is: a poll asks again */
	for (uint32_t i = 0; i < rows.n; i++)
		if (!blueworks_row_work(call, rows.items[i], kind->is_task, &id))
			return call_fail(call, FATE_RETRY, "row %u names no work", i + 1);
	for (uint32_t i = 0; i < rows.n; i++)
		if (!blueworks_row_work(call, rows.items[i], kind->is_task, &id) ||
		    !visit(of, id, TEXT_NONE))
			return call_fail(call, FATE_RETRY, "the list could not be taken");
	out->items = rows.n;
	out->more = rows.n >= BLUEWORKS_PAGE;
	return FATE_OK;
}

/* One WorkDetail reply on its way to the sequencer. */
struct showing {
	struct call *call;
	const struct blueworks_detail *detail;
	bool (*visit)(void *of, const struct object_kind *kind, struct text id, struct text json);
	void *of;
	bool refused;
};

static void show(struct showing *w, const struct object_kind *kind, struct value object)
{
	AUTO_FINI(buf_fini) struct buf json;
	struct text id;

	buf_init(&json, LIMIT_REPLY);
	value_write(&json, object);
	if (json.starved)
		arena_fail(w->call->arena);
	if (w->refused || !value_id(w->call->arena, param_value(object, "id"), &id))
		return; /* an answer to a comment without an id is no comment */
	w->refused = buf_failed(&json) || arena_failed(w->call->arena) ||
		     !w->visit(w->of, kind, id, buf_view(&json));
}

static void show_comments(struct showing *w)
{
	struct value comments = param_value(w->detail->work, "comments");

	for (uint32_t i = 0; value_is(comments, VALUE_LIST) && i < comments.n; i++) {
		struct value replies = param_value(comments.items[i], "replies");
		struct text parent = TEXT_NONE;

		show(w, &blueworks_comment,
		     blueworks_comment_object(w->call, w->detail, comments.items[i], TEXT_NONE));
		(void)value_id(w->call->arena, param_value(comments.items[i], "id"), &parent);
		for (uint32_t k = 0; value_is(replies, VALUE_LIST) && k < replies.n; k++)
			show(
			    w, &blueworks_comment,
			    blueworks_comment_object(w->call, w->detail, replies.items[k], parent));
	}
}

static bool is_listed(struct call *call, struct value list, struct value item)
{
	struct text id, other;

	if (!value_id(call->arena, param_value(item, "id"), &id))
		return true;
	for (uint32_t i = 0; value_is(list, VALUE_LIST) && i < list.n; i++)
		if (value_id(call->arena, param_value(list.items[i], "id"), &other) &&
		    text_eq(id, other))
			return true;
	return false;
}

/* Those that are there, and those that were there when the work was last seen. */
static void show_attachments(struct showing *w, struct value known)
{
	struct value now = param_value(w->detail->work, "attachments");
	struct value before = param_value(known, "attachments");

	for (uint32_t i = 0; value_is(now, VALUE_LIST) && i < now.n; i++)
		show(w, &blueworks_attachment,
		     blueworks_attachment_object(w->call, w->detail, now.items[i], false));
	for (uint32_t i = 0; value_is(before, VALUE_LIST) && i < before.n; i++)
		if (!is_listed(w->call, now, before.items[i]))
			show(
			    w, &blueworks_attachment,
			    blueworks_attachment_object(w->call, w->detail, before.items[i], true));
}

static enum fate read_one(struct call *call, const struct page_ask *ask, const struct reply *reply,
			  bool (*visit)(void *of, const struct object_kind *kind, struct text id,
					struct text json),
			  void *of)
{
	struct blueworks_detail detail;
	struct showing w = { .call = call, .detail = &detail, .visit = visit, .of = of };
	struct value tasks;

	assert(call != NULL && ask != NULL && reply != NULL && visit != NULL);
	if (blueworks_read_detail(call, reply, &detail) != FATE_OK)
		return FATE_RETRY; /* whatever it is: a poll asks again */
	if (!text_eq(detail.id, ask->ids[0]))
		return call_fail(call, FATE_RETRY, "the reply is about other work");
	detail.now = ask->now;
	detail.watched = reader_of(call, ask);
	show(&w, &blueworks_work, blueworks_work_object(call, &detail));
	tasks = param_value(detail.work, "tasks");
	for (uint32_t i = 0; value_is(tasks, VALUE_LIST) && i < tasks.n; i++)
		show(&w, &blueworks_task, blueworks_task_object(call, &detail, tasks.items[i]));
	show_comments(&w);
	show_attachments(&w, ask->known);
	return w.refused ? call_fail(call, FATE_RETRY, "the work could not be taken") : FATE_OK;
}

/* ---- the resource ---- */

static const struct rounds rounds = {
	.list = list,
	.over = "closed",
	.gone = 404,
	.hidden = 403,
	.read = read_one,
};

const struct resource blueworks_resources[] = {
	{ .name = "work",
	  .doc = "Work that the users named in on_behalf_of started or have tasks in, with its "
		 "tasks, comments and attachments; each open piece is read by itself.",
	  .kind = &blueworks_work,
	  .every = INT64_C(2) * 60 * 1000,
	  .full = INT64_C(6) * 3600 * 1000,
	  .overlap = 1, /* nothing is asked for by time */
	  .page_size = BLUEWORKS_PAGE,
	  .rounds = &rounds,
	  .ask = ask_page,
	  .read = read_page },
	{ .name = NULL },
};
