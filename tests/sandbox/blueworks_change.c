/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_change - what changes work: WorkAction, WorkComment, LaunchInstance, and the control
 * routes. Which words WorkAction takes as `type` isn't public; these are the connector's own.
 */
#include "tests/sandbox/blueworks.h"

#include "tests/sandbox/control.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COMMENT_MAX 200 /* characters of a comment, as documented */

void blueworks_new_id(struct blueworks *b, char out[32])
{
	(void)snprintf(out, 32, "5f501e%07llx", 0x134c600ULL + (unsigned long long)++b->ids);
}

/* Every change moves the last number of the version. */
static void bump(json_t *work)
{
	json_t *version = json_object_get(work, "runtimeVersion");
	json_int_t n = json_integer_value(json_array_get(version, 2));

	(void)json_array_set_new(version, 2, json_integer(n + 1));
}

/* ---- starting ---- */

static json_t *new_task(struct blueworks *b, const json_t *given, const char *user)
{
	json_t *due = json_object_get(given, "dueDate");
	const char *owner = blueworks_text(given, "assignedTo");
	const char *name = blueworks_text(given, "name");
	char id[32];
	json_t *task;

	blueworks_new_id(b, id);
	task = json_pack("{ss ss ss ss sb}", "status", "NotStarted", "assignedTo",
			 *owner ? owner : user, "name", *name ? name : "To do", "id", id,
			 "approvalStep", json_is_true(json_object_get(given, "approvalStep")));
	if (json_is_integer(due))
		(void)json_object_set(task, "dueDate", due);
	return task;
}

json_t *blueworks_start(struct blueworks *b, const char *app, const char *subject, const char *user,
			const json_t *tasks, int64_t now_ms)
{
	json_t *definition = blueworks_app(app), *list = json_array(), *work;
	char id[32], name[256];

	assert(definition);
	blueworks_new_id(b, id);
	for (size_t i = 0; i < json_array_size(tasks); i++)
		(void)json_array_append_new(list, new_task(b, json_array_get(tasks, i), user));
	if (json_array_size(list) == 0)
		(void)json_array_append_new(list, new_task(b, NULL, user));
	(void)snprintf(name, sizeof(name), "%.100s - %.120s", blueworks_text(definition, "name"),
		       subject);
	work = json_pack("{s[ssi] ss sb ss ss so s[] ss s[] sI ss ss ss}", "runtimeVersion",
			 "ede1c9df-61be-4774-99ab-196ec6742d57", id, 1, "details", "",
			 "canManageWork", 1, "name", name, "subject", subject, "tasks", list,
			 "attachments", "status", "Active", "comments", "startedAt",
			 (json_int_t)now_ms, "startedBy", user, "id", id, "appId", app);
	json_decref(definition);
	(void)json_array_append_new(b->works, work);
	return work;
}

/* A parameter that is JSON text; `inner` is what it must hold. A new reference to the whole, NULL
 * with the refusal filled in. */
static json_t *structured(const struct request *rq, const char *name, const char *inner,
			  struct reply *re)
{
	const char *text = args_get(&rq->query, name);
	json_t *whole = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (json_is_object(json_object_get(whole, inner)))
		return whole;
	json_decref(whole);
	blueworks_refuse(re, 400, "a parameter is missing or no JSON of the right form");
	return NULL;
}

void blueworks_launch_instance(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *whole = blueworks_version(rq, re) ? structured(rq, "instance", "app", re) : NULL;
	json_t *app = json_object_get(whole, "app");
	json_t *known = app ? blueworks_app(blueworks_text(app, "id")) : NULL;

	if (app && (!known || !*blueworks_text(app, "subject") ||
		    !json_is_array(json_object_get(app, "attachments"))))
		blueworks_refuse(re, 400, "app.id, app.subject and app.attachments are needed");
	else if (app)
		blueworks_send(
		    re,
		    blueworks_shown(
			sb, blueworks_start(sb->blueworks, blueworks_text(app, "id"),
					    blueworks_text(app, "subject"), blueworks_actor(sb, rq),
					    json_object_get(app, "tasks"), sandbox_now_ms(sb))));
	json_decref(known);
	json_decref(whole);
}

/* ---- WorkAction ---- */

static json_t *part(const json_t *work, const char *list, const char *id, size_t *at)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(work, list), i, one)
	{
		*at = i;
		if (!strcmp(blueworks_text(one, "id"), id))
			return one;
	}
	return NULL;
}

static void end_work(struct sandbox *sb, json_t *work, const char *status, const char *user)
{
	(void)json_object_set_new(work, "status", json_string(status));
	(void)json_object_set_new(work, "completedBy", json_string(user));
	(void)json_object_set_new(work, "completedAt", json_integer(sandbox_now_ms(sb)));
}

/* The next one that waits may begin; when none is left, the work is done. */
static void go_on(struct sandbox *sb, json_t *work, const char *user)
{
	json_t *task;
	size_t i;

	json_array_foreach(json_object_get(work, "tasks"), i, task)
	{
		const char *status = blueworks_text(task, "status");

		if (!strcmp(status, "Pending"))
			(void)json_object_set_new(task, "status", json_string("NotStarted"));
		if (strcmp(status, "Completed") != 0 && strcmp(status, "Reassigned") != 0)
			return;
	}
	end_work(sb, work, "Completed", user);
}

static void note_actor(json_t *task, const char *user)
{
	if (strcmp(blueworks_text(task, "assignedTo"), user) != 0)
		(void)json_object_set_new(task, "actioner", json_string(user));
}

static const char *finish(struct sandbox *sb, json_t *work, json_t *task, const char *type,
			  const char *user)
{
	bool step = json_is_true(json_object_get(task, "approvalStep"));

	if (step == !strcmp(type, "complete"))
		return step ? "the task is to be approved or rejected" : "the task is no approval";
	(void)json_object_set_new(task, "status", json_string("Completed"));
	if (step)
		(void)json_object_set_new(task, "isApproved",
					  json_boolean(!strcmp(type, "approve")));
	note_actor(task, user);
	go_on(sb, work, user);
	return NULL;
}

static const char *reassign(struct sandbox *sb, json_t *work, json_t *task, const json_t *action,
			    const char *user)
{
	const char *to = blueworks_text(action, "assignedTo");
	char id[32];
	json_t *copy;

	if (!blueworks_is_user(to))
		return "assignedTo is no user";
	blueworks_new_id(sb->blueworks, id);
	copy = json_copy(task);
	(void)json_object_set_new(copy, "assignedTo", json_string(to));
	(void)json_object_set_new(copy, "id", json_string(id));
	(void)json_object_set_new(task, "status", json_string("Reassigned"));
	(void)json_object_set_new(task, "reassignmentReason", json_string("TaskReassigned"));
	note_actor(task, user);
	(void)json_array_append_new(json_object_get(work, "tasks"), copy);
	return NULL;
}

static const char *on_task(struct sandbox *sb, json_t *work, const json_t *action, const char *user)
{
	const char *type = blueworks_text(action, "type");
	size_t at;
	json_t *task = part(work, "tasks", blueworks_text(action, "taskId"), &at);
	const char *status = blueworks_text(task, "status");

	if (!task)
		return "taskId is no task of this work";
	if (strcmp(status, "NotStarted") != 0 && strcmp(status, "InProgress") != 0)
		return "the task is not open";
	if (!strcmp(type, "reassign"))
		return reassign(sb, work, task, action, user);
	return finish(sb, work, task, type, user);
}

static const char *set_subject(json_t *work, const char *subject)
{
	if (!*subject)
		return "subject is missing";
	(void)json_object_set_new(work, "subject", json_string(subject));
	return NULL;
}

/* What is wrong with it, or NULL once it is done. */
static const char *act(struct sandbox *sb, json_t *work, const json_t *action, const char *user)
{
	const char *type = blueworks_text(action, "type");
	size_t at;

	if (!json_equal(json_object_get(action, "runtimeVersion"),
			json_object_get(work, "runtimeVersion")))
		return "runtimeVersion is not the latest version";
	if (strcmp(blueworks_text(work, "status"), "Active") != 0)
		return "the work is not active";
	if (!strcmp(type, "subject"))
		return set_subject(work, blueworks_text(action, "subject"));
	if (!strcmp(type, "cancel")) {
		end_work(sb, work, "Cancelled", user);
		return NULL;
	}
	if (!strcmp(type, "remove_attachment")) {
		if (!part(work, "attachments", blueworks_text(action, "attachmentId"), &at))
			return "attachmentId is no attachment of this work";
		(void)json_array_remove(json_object_get(work, "attachments"), at);
		return NULL;
	}
	if (!strcmp(type, "complete") || !strcmp(type, "reassign") || !strcmp(type, "approve") ||
	    !strcmp(type, "reject"))
		return on_task(sb, work, action, user);
	return "type is not supported";
}

void blueworks_work_action(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *whole = blueworks_version(rq, re) ? structured(rq, "action", "action", re) : NULL;
	json_t *action = json_object_get(whole, "action");
	const char *user = whole ? blueworks_actor(sb, rq) : "";
	json_t *work =
	    whole ? blueworks_find(sb, blueworks_text(action, "workId"), user, re) : NULL;
	const char *why = work ? act(sb, work, action, user) : NULL;

	if (work && why) {
		blueworks_refuse(re, 400, why);
	} else if (work) {
		bump(work);
		blueworks_send(re, blueworks_shown(sb, work));
	}
	json_decref(whole);
}

/* ---- WorkComment ---- */

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xC0) != 0x80;
	return n;
}

static void add_comment(struct sandbox *sb, json_t *work, const struct request *rq,
			struct reply *re)
{
	const char *text = args_get(&rq->query, "comment");
	const char *parent = args_get(&rq->query, "parentCommentId");
	size_t at;
	json_t *above = parent ? part(work, "comments", parent, &at) : NULL, *comment;
	char id[32];

	if (!text || characters(text) > COMMENT_MAX || (parent && !above)) {
		blueworks_refuse(re, 400,
				 !text    ? "comment is missing"
				 : parent ? "parentCommentId is no comment of this work"
					  : "comment is longer than 200 characters");
		return;
	}
	blueworks_new_id(sb->blueworks, id);
	comment = json_pack("{ss ss sI ss sb s[]}", "id", id, "from", blueworks_actor(sb, rq),
			    "commentDate", (json_int_t)sandbox_now_ms(sb), "text", text,
			    "canDelete", 1, "replies");
	(void)json_array_append(
	    above ? json_object_get(above, "replies") : json_object_get(work, "comments"), comment);
	bump(work);
	blueworks_send(re, json_pack("{so}", "comment", comment));
}

static void remove_comment(struct sandbox *sb, const char *id, struct reply *re)
{
	json_t *work;
	size_t i, at;

	json_array_foreach(sb->blueworks->works, i, work)
	{
		if (!id || !part(work, "comments", id, &at))
			continue;
		(void)json_array_remove(json_object_get(work, "comments"), at);
		bump(work);
		blueworks_send(re, json_object());
		return;
	}
	blueworks_refuse(re, 404, "The specified comment was not found.");
}

void blueworks_work_comment(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *action = args_get(&rq->query, "action");
	json_t *work;

	if (!blueworks_version(rq, re))
		return;
	if (action && !strcmp(action, "remove")) {
		remove_comment(sb, args_get(&rq->query, "commentId"), re);
	} else if (action && !strcmp(action, "add")) {
		work =
		    blueworks_find(sb, args_get(&rq->query, "workId"), blueworks_actor(sb, rq), re);
		if (work)
			add_comment(sb, work, rq, re);
	} else {
		blueworks_refuse(re, 400, "action must be add or remove");
	}
}

/* ---- control ---- */

static json_t *body_of(const struct request *rq, struct reply *re)
{
	struct request json = *rq;
	char why[160] = "";
	json_t *body;

	json.content_type = NULL;
	body = request_object(&json, why);
	if (!body)
		control.refuse(re, 400, why);
	return body;
}

static json_t *work_of(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	return blueworks_find(sb, rq->segments[2], NULL, re);
}

/* So many pieces of work more, started by Kim. */
void blueworks_control_many(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	json_int_t count = json_integer_value(json_object_get(body, "count"));
	char subject[32];

	if (body && (count < 1 || count > BURST_MAX)) {
		control.refuse(re, 422, "count must be 1 to 10000");
	} else if (body) {
		for (json_int_t i = 1; i <= count; i++) {
			(void)snprintf(subject, sizeof(subject), "Hand %d", (int)i);
			(void)blueworks_start(sb->blueworks, "5f500e1349400", subject, "7f0002",
					      NULL, sandbox_now_ms(sb));
		}
		text_add(reply_json(re, 200), "{\"ok\":true}");
	}
	json_decref(body);
}

void blueworks_control_merge(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *work = work_of(sb, rq, re);
	json_t *body = work ? body_of(rq, re) : NULL;

	if (body) {
		(void)json_object_del(body, "id");
		(void)json_object_update(work, body);
		bump(work);
		blueworks_send(re, json_incref(work));
	}
	json_decref(body);
}

/* Changes the task whose id the body has, or adds one. */
void blueworks_control_task(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *work = work_of(sb, rq, re);
	json_t *body = work ? body_of(rq, re) : NULL;
	size_t at;
	json_t *task = body ? part(work, "tasks", blueworks_text(body, "id"), &at) : NULL;

	if (body && !task) {
		task = new_task(sb->blueworks, body, blueworks_text(work, "startedBy"));
		(void)json_array_append_new(json_object_get(work, "tasks"), task);
		(void)json_object_del(body, "id");
	}
	if (body) {
		(void)json_object_update(task, body);
		bump(work);
		blueworks_send(re, json_incref(work));
	}
	json_decref(body);
}

void blueworks_control_attach(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *work = work_of(sb, rq, re);
	json_t *body = work ? body_of(rq, re) : NULL;
	const char *name = blueworks_text(body, "name");
	char id[32];

	if (body) {
		blueworks_new_id(sb->blueworks, id);
		(void)json_array_append_new(
		    json_object_get(work, "attachments"),
		    json_pack("{sf ss si ss ss sb sI}", "size", 3.0, "uploadedBy",
			      blueworks_text(work, "startedBy"), "type", 9, "name",
			      *name ? name : "bar.txt", "id", id, "canDelete", 1, "uploadedOn",
			      (json_int_t)sandbox_now_ms(sb)));
		bump(work);
		blueworks_send(re, json_incref(work));
	}
	json_decref(body);
}

void blueworks_control_delete(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *work = work_of(sb, rq, re);
	size_t i;
	json_t *one;

	if (!work)
		return;
	json_array_foreach(sb->blueworks->works, i, one)
	{
		if (one == work)
			break;
	}
	(void)json_array_remove(sb->blueworks->works, i);
	text_add(reply_json(re, 200), "{\"ok\":true}");
}
