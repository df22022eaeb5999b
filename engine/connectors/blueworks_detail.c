/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_detail - a WorkDetail reply as the objects that rules see.
 *
 * I1  A reply is checked before anything is made of it: work and what belongs to
 *     it have ids.
 * I2  Times become text; a number that is no time of our calendar stays a number.
 * I3  The same reply at the same time gives the same objects, whoever asks.
 *
 * Source: www.ibm.com/docs/en/blueworks-live, WorkDetail. */
#include "engine/connectors/blueworks_parts.h"

#include <assert.h>
#include <math.h>

#include "engine/base/timetext.h"

/* ---- reading ---- */

static enum fate check_ids(struct call *call, struct value work, const char *name)
{
	const struct value *list = value_get(work, text_of(name));
	struct text id;

	if (list == NULL || value_is(*list, VALUE_NULL))
		return FATE_OK;
	if (!value_is(*list, VALUE_LIST))
		return call_fail(call, FATE_RETRY, "work.%s is no list", name);
	for (uint32_t i = 0; i < list->n; i++)
		if (!value_id(call->arena, param_value(list->items[i], "id"), &id))
			return call_fail(call, FATE_RETRY, "work.%s: item %u has no id", name,
					 i + 1);
	return FATE_OK;
}

enum fate blueworks_read_detail(struct call *call, const struct reply *reply,
				struct blueworks_detail *out)
{
	static const char *const lists[] = { "tasks", "attachments", "comments", NULL };
	struct value doc;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct blueworks_detail){ .now = INT64_MIN };
	fate = blueworks_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	out->work = param_value(doc, "work");
	out->app = param_value(doc, "app");
	out->users = param_value(doc, "users");
	if (!value_is(out->work, VALUE_MAP) ||
	    !value_id(call->arena, param_value(out->work, "id"), &out->id))
		return call_fail(call, FATE_RETRY, "the reply has no work with an id");
	for (size_t i = 0; lists[i] != NULL && fate == FATE_OK; i++)
		fate = check_ids(call, out->work, lists[i]);
	return fate;
}

/* ---- parts ---- */

/* Milliseconds since 1970 as ISO 8601 text; what isn't that stays. */
static struct value time_of(struct call *call, struct value v)
{
	char when[TIMETEXT_MAX];
	int64_t ms;

	if (value_is(v, VALUE_INT))
		ms = v.i;
	else if (value_is(v, VALUE_DOUBLE) && fabs(v.d) < 1e15)
		ms = (int64_t)v.d;
	else
		return v;
	if (!timetext_in_range(ms / 1000))
		return v;
	timetext_format_ms(ms, when);
	return value_text(text_dup(call->arena, text_of(when)));
}

static bool is_time(struct text key)
{
	static const char *const names[] = { "startedAt",  "completedAt", "dueDate", "commentDate",
					     "uploadedOn", "deletedOn",   NULL };

	for (size_t i = 0; names[i] != NULL; i++)
		if (text_is(key, names[i]))
			return true;
	return false;
}

/* {id, name} of the user whose id stands at `member`; null when nobody's does. */
static struct value person(struct call *call, const struct blueworks_detail *d, struct value of,
			   const char *member)
{
	struct value_map_builder b;
	struct value name = value_null();
	struct text id, other;

	if (!value_id(call->arena, param_value(of, member), &id))
		return value_null();
	for (uint32_t i = 0; value_is(d->users, VALUE_LIST) && i < d->users.n; i++)
		if (value_id(call->arena, param_value(d->users.items[i], "id"), &other) &&
		    text_eq(id, other))
			name = param_value(d->users.items[i], "name");
	value_map_begin(&b, call->arena);
	value_map_set(&b, "id", value_text(id));
	value_map_set(&b, "name", name);
	return value_map_end(&b);
}

/* The members as they came, but times as text and without `left_out`. */
static void put_members(struct call *call, struct value_map_builder *b, struct value of,
			const char *left_out)
{
	for (uint32_t i = 0; value_is(of, VALUE_MAP) && i < of.n; i++) {
		struct text key = value_as_text(of.pairs[i].key);

		if (left_out != NULL && text_is(key, left_out))
			continue;
		value_map_add(b, of.pairs[i].key,
			      is_time(key) ? time_of(call, of.pairs[i].val) : of.pairs[i].val);
	}
}

static bool has_status(struct value of, const char *status)
{
	return text_is(param_text(of, "status"), status);
}

static bool truth(struct value of, const char *member)
{
	struct value v = param_value(of, member);

	return value_is(v, VALUE_BOOL) && v.b;
}

/* The work as far as tasks, comments and attachments show it. */
static void put_context(struct call *call, struct value_map_builder *b,
			const struct blueworks_detail *d)
{
	static const char *const members[] = { "id",     "name",      "subject",   "details",
					       "status", "startedBy", "startedAt", NULL };
	struct value_map_builder work;

	value_map_begin(&work, call->arena);
	for (size_t i = 0; members[i] != NULL; i++) {
		struct value v = param_value(d->work, members[i]);

		value_map_set(&work, members[i],
			      is_time(text_of(members[i])) ? time_of(call, v) : v);
	}
	value_map_set(&work, "starter", person(call, d, d->work, "startedBy"));
	value_map_set(b, "work", value_map_end(&work));
	value_map_set(b, "app", d->app);
}

/* ---- tasks ---- */

static bool task_overdue(const struct blueworks_detail *d, struct value task)
{
	struct value due = param_value(task, "dueDate");
	double ms = value_is(due, VALUE_INT)      ? (double)due.i
		    : value_is(due, VALUE_DOUBLE) ? due.d
						  : INFINITY;

	if (has_status(task, "Completed") || has_status(task, "Reassigned"))
		return false;
	return d->now != INT64_MIN && ms <= (double)d->now;
}

static void put_people(struct call *call, struct value_map_builder *b,
		       const struct blueworks_detail *d, struct value task)
{
	value_map_set(b, "assignee", person(call, d, task, "assignedTo"));
	value_map_set(b, "actor", person(call, d, task, "actioner"));
}

struct value blueworks_task_object(struct call *call, const struct blueworks_detail *detail,
				   struct value task)
{
	bool completed = has_status(task, "Completed");
	bool decided =
	    completed && truth(task, "approvalStep") && value_get(task, TEXT("isApproved")) != NULL;
	struct value_map_builder b;

	assert(call != NULL && detail != NULL);
	value_map_begin(&b, call->arena);
	put_members(call, &b, task, NULL);
	put_people(call, &b, detail, task);
	value_map_set(&b, "assigned",
		      value_bool(has_status(task, "NotStarted") || has_status(task, "InProgress")));
	value_map_set(&b, "completed", value_bool(completed));
	value_map_set(&b, "approved", value_bool(decided && truth(task, "isApproved")));
	value_map_set(&b, "rejected", value_bool(decided && !truth(task, "isApproved")));
	value_map_set(&b, "reassigned", value_bool(has_status(task, "Reassigned")));
	value_map_set(&b, "overdue", value_bool(task_overdue(detail, task)));
	put_context(call, &b, detail);
	return value_map_end(&b);
}

/* ---- comments and attachments ---- */

struct value blueworks_comment_object(struct call *call, const struct blueworks_detail *detail,
				      struct value comment, struct text parent)
{
	struct value_map_builder b;

	assert(call != NULL && detail != NULL);
	value_map_begin(&b, call->arena);
	put_members(call, &b, comment, "replies");
	value_map_set(&b, "parentCommentId", parent.n > 0 ? value_text(parent) : value_null());
	value_map_set(&b, "author", person(call, detail, comment, "from"));
	put_context(call, &b, detail);
	return value_map_end(&b);
}

struct value blueworks_attachment_object(struct call *call, const struct blueworks_detail *detail,
					 struct value attachment, bool gone)
{
	struct value deleted = param_value(attachment, "deletedOn");
	bool removed = gone || !value_is(deleted, VALUE_NULL);
	struct value_map_builder b;

	assert(call != NULL && detail != NULL);
	value_map_begin(&b, call->arena);
	put_members(call, &b, attachment, NULL);
	value_map_set(&b, "uploader", person(call, detail, attachment, "uploadedBy"));
	value_map_set(&b, "present", value_bool(!removed));
	value_map_set(&b, "removed", value_bool(removed));
	put_context(call, &b, detail);
	return value_map_end(&b);
}

/* ---- work ---- */

/* The list of the work under `name`, each item with what stands beside ids. */
static struct value list_of(struct call *call, const struct blueworks_detail *d, const char *name)
{
	struct value list = param_value(d->work, name);
	struct value_list_builder out;

	value_list_begin(&out, call->arena);
	for (uint32_t i = 0; value_is(list, VALUE_LIST) && i < list.n; i++) {
		struct value_map_builder b;

		value_map_begin(&b, call->arena);
		put_members(call, &b, list.items[i], NULL);
		if (strcmp(name, "tasks") == 0)
			put_people(call, &b, d, list.items[i]);
		else if (strcmp(name, "comments") == 0)
			value_map_set(&b, "author", person(call, d, list.items[i], "from"));
		else
			value_map_set(&b, "uploader", person(call, d, list.items[i], "uploadedBy"));
		value_list_add(&out, value_map_end(&b));
	}
	return value_list_end(&out);
}

static bool work_overdue(const struct blueworks_detail *d)
{
	struct value tasks = param_value(d->work, "tasks");

	if (has_status(d->work, "Overdue"))
		return true;
	if (!has_status(d->work, "Active"))
		return false;
	for (uint32_t i = 0; value_is(tasks, VALUE_LIST) && i < tasks.n; i++)
		if (task_overdue(d, tasks.items[i]))
			return true;
	return false;
}

struct value blueworks_work_object(struct call *call, const struct blueworks_detail *detail)
{
	bool completed = has_status(detail->work, "Completed");
	bool cancelled = has_status(detail->work, "Cancelled");
	struct value_map_builder b;

	assert(call != NULL && detail != NULL);
	value_map_begin(&b, call->arena);
	put_members(call, &b, detail->work, NULL);
	value_map_set(&b, "tasks", list_of(call, detail, "tasks"));
	value_map_set(&b, "attachments", list_of(call, detail, "attachments"));
	value_map_set(&b, "comments", list_of(call, detail, "comments"));
	value_map_set(&b, "starter", person(call, detail, detail->work, "startedBy"));
	value_map_set(&b, "completer", person(call, detail, detail->work, "completedBy"));
	value_map_set(&b, "app", detail->app);
	value_map_set(&b, "completed", value_bool(completed));
	value_map_set(&b, "cancelled", value_bool(cancelled));
	value_map_set(&b, "closed", value_bool(completed || cancelled));
	value_map_set(&b, "overdue", value_bool(work_overdue(detail)));
	if (detail->watched.n > 0)
		value_map_set(&b, "watchedBy", value_text(detail->watched));
	return value_map_end(&b);
}
