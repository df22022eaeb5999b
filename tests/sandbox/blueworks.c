/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks - see blueworks.h: who may ask, and what they are shown.
 */
#include "tests/sandbox/blueworks.h"

#include "tests/sandbox/ids.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "20110917"

enum category { WORK_MANAGEMENT, USER_MANAGEMENT, ACCOUNT_ACTIVITY };

/* Service IDs act for whom X-On-Behalf-Of names; a user service ID is its owner. */
struct client {
	const char *id;
	const char *secret;
	const char *owner;
	enum category category;
};

static const struct client clients[] = {
	{ "blueworks-id", "blueworks-secret", NULL, WORK_MANAGEMENT },
	{ "blueworks-user-id", "blueworks-secret", "7f0002", WORK_MANAGEMENT },
	{ "blueworks-users-id", "blueworks-secret", NULL, USER_MANAGEMENT },
	{ "blueworks-activity-id", "blueworks-secret", NULL, ACCOUNT_ACTIVITY },
};

struct person {
	const char *id;
	const char *username;
	const char *name;
};

static const struct person people[] = {
	{ "7f0001", "admin@example.com", "admin" },
	{ "7f0002", "kim@example.com", "Kim" },
	{ "7f0003", "lee@example.com", "Lee" },
};

#define PEOPLE  (sizeof(people) / sizeof(people[0]))
#define CLIENTS (sizeof(clients) / sizeof(clients[0]))

/* ---- state ---- */

struct blueworks *blueworks_new(void)
{
	struct blueworks *b = must_alloc(1, sizeof(*b));

	b->works = json_array();
	return b;
}

void blueworks_free(struct blueworks *b)
{
	if (!b)
		return;
	json_decref(b->works);
	free(b);
}

void blueworks_clear(struct blueworks *b)
{
	assert(b);
	(void)json_array_clear(b->works);
	b->n_tokens = 0;
	b->ids = 0;
	b->activity_calls = 0;
	b->activity_from_ms = 0;
}

void blueworks_seed(struct blueworks *b, int64_t now_ms)
{
	json_t *tasks =
	    json_pack("[{ss ss sb} {ss ss sI}]", "name", "Approve or reject", "assignedTo",
		      "7f0003", "approvalStep", 1, "name", "Pay the invoice", "assignedTo",
		      "7f0002", "dueDate", (json_int_t)(now_ms + 604800000));
	json_t *old =
	    blueworks_start(b, "5f500e1349400", "Old hand", "7f0002", NULL, now_ms - 172800000);
	json_t *acme, *file;

	(void)json_object_set_new(old, "status", json_string("Completed"));
	(void)json_object_set_new(old, "completedBy", json_string("7f0002"));
	(void)json_object_set_new(old, "completedAt", json_integer(now_ms - 86400000));
	(void)json_object_set_new(json_array_get(json_object_get(old, "tasks"), 0), "status",
				  json_string("Completed"));
	acme = blueworks_start(b, "5f500e1349338", "Acme", "7f0002", tasks, now_ms - 7200000);
	file = json_pack("{sf ss si ss ss sb sI}", "size", 3.0, "uploadedBy", "7f0002", "type", 9,
			 "name", "foo.txt", "id", "5f500e1349358", "canDelete", 1, "uploadedOn",
			 (json_int_t)(now_ms - 7200000));
	(void)json_array_append_new(json_object_get(acme, "attachments"), file);
	(void)blueworks_start(b, "5f500e1349400", "New hand", "7f0003", NULL, now_ms - 3600000);
	json_decref(tasks);
}

/* ---- replies ---- */

const char *blueworks_text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

void blueworks_refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"errorMessage\":");
	text_quote(out, why ? why : "The request was not completed.");
	text_char(out, '}');
}

void blueworks_send(struct reply *re, json_t *object)
{
	struct text *out = reply_json(re, 200);
	struct text plain = { 0 };

	text_value(&plain, object);
	for (size_t i = 0; i < plain.len; i++) {
		if (plain.data[i] == '/')
			text_char(out, '\\');
		text_char(out, plain.data[i]);
	}
	text_fini(&plain);
	json_decref(object);
}

bool blueworks_version(const struct request *rq, struct reply *re)
{
	const char *version = args_get(&rq->query, "version");

	if (version && !strcmp(version, VERSION))
		return true;
	blueworks_refuse(re, 400, "version is missing or not supported");
	return false;
}

/* ---- who asks ---- */

static const struct client *client_of(struct sandbox *sb, const struct request *rq)
{
	const struct blueworks *b = sb->blueworks;
	const char *header = rq->authorization;

	if (!header || strncmp(header, "Bearer ", 7) != 0)
		return NULL;
	for (size_t i = 0; i < b->n_tokens; i++)
		if (!strcmp(b->tokens[i].text, header + 7) &&
		    b->tokens[i].until_ms > sandbox_now_ms(sb))
			return &clients[b->tokens[i].client];
	return NULL;
}

static enum category category_of(const struct request *rq)
{
	const char *last = rq->n_segments > 0 ? rq->segments[rq->n_segments - 1] : "";

	if (!strcmp(last, "UserList"))
		return USER_MANAGEMENT;
	if (!strcmp(last, "activity") || !strcmp(last, "activities"))
		return ACCOUNT_ACTIVITY;
	return WORK_MANAGEMENT;
}

static const struct person *person_named(const char *username)
{
	for (size_t i = 0; username && i < PEOPLE; i++)
		if (!strcmp(people[i].username, username))
			return &people[i];
	return NULL;
}

static const char *behalf(const struct request *rq)
{
	return rq->header(rq->of, "X-On-Behalf-Of");
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const struct client *client = client_of(sb, rq);

	if (!client)
		blueworks_refuse(re, 401, "The access token is invalid or expired.");
	else if (client->category != category_of(rq))
		blueworks_refuse(re, 403, "The service ID is of another category.");
	else if (!client->owner && !behalf(rq))
		blueworks_refuse(re, (int)sb->switches.blueworks_no_user_status,
				 "X-On-Behalf-Of is missing");
	else if (!client->owner && !person_named(behalf(rq)))
		blueworks_refuse(re, 400, "X-On-Behalf-Of names no user of the account");
	else
		return true;
	return false;
}

const char *blueworks_actor(struct sandbox *sb, const struct request *rq)
{
	const struct client *client = client_of(sb, rq);

	assert(client);
	return client->owner ? client->owner : person_named(behalf(rq))->id;
}

static void expire(struct sandbox *sb)
{
	sb->blueworks->n_tokens = 0;
}

const struct vendor blueworks = { "blueworks", true, blueworks_refuse, admit, expire };
const struct vendor blueworks_www = { "blueworks-www", true, blueworks_refuse, NULL, NULL };

/* The general host knows where the account is, and nothing else. */
void blueworks_elsewhere(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *host = rq->header(rq->of, "Host");
	char where[160];

	(void)sb;
	(void)snprintf(where, sizeof(where), "http://%.60s/blueworks%.80s",
		       host ? host : "127.0.0.1", rq->path + strlen("/blueworks-www"));
	reply_plain(re, 301, "");
	reply_header(re, "Location", where);
}

/* ---- tokens ---- */

static void issue(struct sandbox *sb, size_t client, struct reply *re)
{
	struct blueworks *b = sb->blueworks;
	struct blueworks_token *token;

	if (b->n_tokens == TOKENS_MAX) {
		b->n_tokens--;
		memmove(b->tokens, b->tokens + 1, b->n_tokens * sizeof(b->tokens[0]));
	}
	token = &b->tokens[b->n_tokens++];
	ids_token(token->text);
	token->client = client;
	token->until_ms = sandbox_now_ms(sb) + sb->switches.blueworks_token_s * 1000;
	text_fmt(reply_json(re, 200),
		 "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%lld}",
		 token->text, (long long)sb->switches.blueworks_token_s);
}

void blueworks_token(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	size_t at = 0;

	while (at < CLIENTS && (strcmp(clients[at].id, blueworks_text(body, "client_id")) != 0 ||
				strcmp(clients[at].secret, blueworks_text(body, "client_secret"))))
		at++;
	if (!body || strcmp(blueworks_text(body, "grant_type"), "client_credentials") != 0)
		blueworks_refuse(re, 400, "grant_type must be client_credentials");
	else if (at == CLIENTS)
		blueworks_refuse(re, 401, "client_id or client_secret is wrong");
	else
		issue(sb, at, re);
	json_decref(body);
}

/* ---- what is shown ---- */

json_t *blueworks_app(const char *id)
{
	bool approval = !strcmp(id, "5f500e1349338");

	if (!approval && strcmp(id, "5f500e1349400") != 0)
		return NULL;
	return json_pack("{sn ss ss ss sn}", "detailsTitle", "type",
			 approval ? "workflow" : "checklist", "name",
			 approval ? "Invoice approval" : "Onboarding", "id", id, "subjectTitle");
}

bool blueworks_is_user(const char *id)
{
	for (size_t i = 0; i < PEOPLE; i++)
		if (!strcmp(people[i].id, id))
			return true;
	return false;
}

static json_t *users(bool usernames)
{
	json_t *list = json_array();

	for (size_t i = 0; i < PEOPLE; i++) {
		json_t *user = json_pack("{ss ss}", "name", people[i].name, "id", people[i].id);

		if (usernames)
			(void)json_object_set_new(user, "username",
						  json_string(people[i].username));
		(void)json_array_append_new(list, user);
	}
	return list;
}

static bool is_open(const json_t *task)
{
	const char *status = blueworks_text(task, "status");

	return strcmp(status, "Completed") != 0 && strcmp(status, "Reassigned") != 0;
}

/* Comes about by itself: no version moves. */
static bool is_overdue(struct sandbox *sb, const json_t *work)
{
	json_t *task;
	size_t i;

	if (strcmp(blueworks_text(work, "status"), "Active") != 0)
		return false;
	json_array_foreach(json_object_get(work, "tasks"), i, task)
	{
		json_t *due = json_object_get(task, "dueDate");

		if (json_is_integer(due) && json_integer_value(due) <= sandbox_now_ms(sb) &&
		    is_open(task))
			return true;
	}
	return false;
}

json_t *blueworks_shown(struct sandbox *sb, json_t *work)
{
	json_t *copy = json_deep_copy(work);

	if (is_overdue(sb, work))
		(void)json_object_set_new(copy, "status", json_string("Overdue"));
	return json_pack("{so so ss so}", "work", copy, "app",
			 blueworks_app(blueworks_text(work, "appId")), "version", VERSION, "users",
			 users(false));
}

static bool takes_part(const json_t *work, const char *user)
{
	json_t *task;
	size_t i;

	if (!strcmp(user, "7f0001") || !strcmp(blueworks_text(work, "startedBy"), user))
		return true;
	json_array_foreach(json_object_get(work, "tasks"), i, task)
	{
		if (!strcmp(blueworks_text(task, "assignedTo"), user))
			return true;
	}
	return false;
}

json_t *blueworks_find(struct sandbox *sb, const char *id, const char *user, struct reply *re)
{
	json_t *work;
	size_t i;

	json_array_foreach(sb->blueworks->works, i, work)
	{
		if (!id || strcmp(blueworks_text(work, "id"), id) != 0)
			continue;
		if (!user || takes_part(work, user))
			return work;
		blueworks_refuse(re, 403, "You may not see this work.");
		return NULL;
	}
	blueworks_refuse(re, 404, "The specified piece of work was not found.");
	return NULL;
}

void blueworks_work_detail(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *id = args_get(&rq->query, "workId");
	json_t *work;

	if (!blueworks_version(rq, re))
		return;
	if (!id) {
		blueworks_refuse(re, 400, "workId is missing");
		return;
	}
	work = blueworks_find(sb, id, blueworks_actor(sb, rq), re);
	if (work)
		blueworks_send(re, blueworks_shown(sb, work));
}

/* ---- lists ---- */

/* Sends the rows from startFrom on; takes them over. */
static void send_rows(struct sandbox *sb, const struct request *rq, struct reply *re,
		      const char *name, json_t *rows)
{
	size_t from = (size_t)args_int(&rq->query, "startFrom", 0, 0, 1000000);
	size_t limit = (size_t)args_int(&rq->query, "limit", 100, 1, 1000);
	json_t *page = json_array();

	for (size_t i = from; i < json_array_size(rows) && i - from < limit; i++)
		(void)json_array_append(page, json_array_get(rows, i));
	if (sb->switches.blueworks_plain_rows)
		blueworks_send(re, json_pack("{ss so so}", "version", VERSION, "users",
					     users(false), "items", page));
	else
		blueworks_send(re, json_pack("{ss so so s[oo]}", "version", VERSION, name, page,
					     "users", users(false), "apps",
					     blueworks_app("5f500e1349338"),
					     blueworks_app("5f500e1349400")));
	json_decref(rows);
}

/* True for one of two words; else refuses. `second` tells which. */
static bool type_of(const struct request *rq, const char *one, const char *two, bool *second,
		    struct reply *re)
{
	const char *type = args_get(&rq->query, "type");

	*second = type && !strcmp(type, two);
	if (type && (*second || !strcmp(type, one)))
		return true;
	blueworks_refuse(re, 400, "type is missing or not supported");
	return false;
}

static bool is_closed(const json_t *work)
{
	return strcmp(blueworks_text(work, "status"), "Active") != 0;
}

static json_t *summary(struct sandbox *sb, json_t *work)
{
	static const char *const members[] = { "id",        "name",  "subject",   "status",
					       "startedBy", "appId", "startedAt", NULL };
	json_t *row = json_object();

	for (size_t i = 0; members[i]; i++)
		(void)json_object_set(row, members[i], json_object_get(work, members[i]));
	if (is_overdue(sb, work))
		(void)json_object_set_new(row, "status", json_string("Overdue"));
	return row;
}

void blueworks_work_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *works = sb->blueworks->works, *rows;
	bool closed;

	if (!blueworks_version(rq, re) || !type_of(rq, "open", "closed", &closed, re))
		return;
	rows = json_array();
	for (size_t i = json_array_size(works); i-- > 0;) {
		json_t *work = json_array_get(works, i);

		if (is_closed(work) == closed &&
		    !strcmp(blueworks_text(work, "startedBy"), blueworks_actor(sb, rq)))
			(void)json_array_append_new(rows, summary(sb, work));
	}
	send_rows(sb, rq, re, "work", rows);
}

static void add_tasks(json_t *rows, const json_t *work, const char *user, bool completed)
{
	json_t *task;
	size_t i;

	json_array_foreach(json_object_get(work, "tasks"), i, task)
	{
		const char *status = blueworks_text(task, "status");
		bool wanted =
		    completed ? !strcmp(status, "Completed")
			      : !is_closed(work) && is_open(task) && strcmp(status, "Pending") != 0;
		json_t *row;

		if (!wanted || strcmp(blueworks_text(task, "assignedTo"), user) != 0)
			continue;
		row = json_copy(task);
		(void)json_object_set(row, "workId", json_object_get(work, "id"));
		(void)json_array_append_new(rows, row);
	}
}

void blueworks_task_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *rows, *work;
	bool completed;
	size_t i;

	if (!blueworks_version(rq, re) || !type_of(rq, "assigned", "completed", &completed, re))
		return;
	rows = json_array();
	json_array_foreach(sb->blueworks->works, i, work)
	{
		add_tasks(rows, work, blueworks_actor(sb, rq), completed);
	}
	send_rows(sb, rq, re, "tasks", rows);
}

void blueworks_app_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)sb;
	if (blueworks_version(rq, re))
		blueworks_send(re, json_pack("{s[oo]}", "apps", blueworks_app("5f500e1349338"),
					     blueworks_app("5f500e1349400")));
}

void blueworks_app_detail(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *id = args_get(&rq->query, "appId");
	json_t *app;

	(void)sb;
	if (!blueworks_version(rq, re))
		return;
	app = blueworks_app(id ? id : "");
	if (app)
		blueworks_send(re, json_pack("{so}", "app", app));
	else
		blueworks_refuse(re, 404, "The specified application was not found.");
}

void blueworks_user_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)sb;
	if (blueworks_version(rq, re))
		blueworks_send(re, json_pack("{so}", "users", users(true)));
}

/* 200 calls an hour, all callers together. */
void blueworks_activities(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct blueworks *b = sb->blueworks;
	int64_t now = sandbox_now_ms(sb);
	char seconds[24];

	if (now - b->activity_from_ms >= 3600000) {
		b->activity_from_ms = now;
		b->activity_calls = 0;
	}
	if (b->activity_calls >= ACTIVITIES_PER_HOUR) {
		(void)snprintf(seconds, sizeof(seconds), "%lld",
			       (long long)(b->activity_from_ms + 3600000 - now + 999) / 1000);
		blueworks_refuse(re, 429, "Too many requests.");
		reply_header(re, "Retry-After", seconds);
		return;
	}
	b->activity_calls++;
	if (!args_get(&rq->query, "start_date") || !args_get(&rq->query, "end_date"))
		blueworks_refuse(re, 400, "start_date and end_date are needed");
	else
		blueworks_send(re, json_pack("{s[]}", "activities"));
}
