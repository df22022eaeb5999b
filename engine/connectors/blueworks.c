/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks - IBM Blueworks Live: work started from applications, and its tasks.
 *
 * The product has neither webhooks nor a feed of changes to work, so whose work is
 * watched is said by the connection (on_behalf_of), their lists are read, and each
 * work is compared with what it was (blueworks_poll.c).
 *
 * A service ID acts for whoever X-On-Behalf-Of names and has one category; a user
 * service ID is its owner. Accounts have hosts of their own: the general one
 * answers 301 with the right one.
 *
 * I1  Structured parameters travel as JSON text in the query, also of a POST.
 * Never: follows a redirect; the token would go along.
 *
 * Source: www.ibm.com/docs/en/blueworks-live, Blueworks Live API, WorkDetail,
 * WorkList, TaskList, WorkAction, WorkComment, LaunchInstance, service IDs. */
#include "engine/connectors/blueworks_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define WORK_EXAMPLE(state)                                                                        \
	"{\"id\":\"5f501e134c6bf\",\"name\":\"Invoice approval - Acme\",\"subject\":\"Acme\","     \
	"\"details\":\"\",\"appId\":\"5f500e1349338\",\"app\":{\"id\":\"5f500e1349338\","          \
	"\"name\":\"Invoice approval\",\"type\":\"workflow\"},\"startedBy\":\"7f0002\","           \
	"\"startedAt\":\"2026-11-22T08:00:00Z\",\"starter\":{\"id\":\"7f0002\",\"name\":\"Kim\"}," \
	"\"tasks\":[],\"attachments\":[],\"comments\":[],\"watchedBy\":\"kim@example.com\"," state \
	"}"

#define WORK_OF                                                                                    \
	"\"work\":{\"id\":\"5f501e134c6bf\",\"name\":\"Invoice approval - Acme\","                 \
	"\"subject\":\"Acme\",\"status\":\"Active\"},\"app\":{\"id\":\"5f500e1349338\","           \
	"\"name\":\"Invoice approval\",\"type\":\"workflow\"}"

#define TASK_EXAMPLE(state)                                                                        \
	"{\"id\":\"5f501e134c6ce\",\"name\":\"Check the amount\",\"assignedTo\":\"7f0003\","       \
	"\"assignee\":{\"id\":\"7f0003\",\"name\":\"Lee\"},\"dueDate\":\"2026-11-25T17:00:"        \
	"00Z\"," state "," WORK_OF "}"

#define FILE_EXAMPLE(state)                                                                        \
	"{\"id\":\"5f500e1349358\",\"name\":\"invoice.pdf\",\"size\":3.0,\"type\":9,"              \
	"\"uploadedBy\":\"7f0002\",\"uploader\":{\"id\":\"7f0002\",\"name\":\"Kim\"},"             \
	"\"uploadedOn\":\"2026-11-22T08:00:00Z\"," state "," WORK_OF "}"

static const struct event_type events[] = {
	{ "blueworks.work.started", "Work was started.", &blueworks_work,
	  WORK_EXAMPLE("\"status\":\"Active\",\"closed\":false") },
	{ "blueworks.work.updated", "Work changed in another way: its name, subject or details.",
	  &blueworks_work, WORK_EXAMPLE("\"status\":\"Active\",\"closed\":false") },
	{ "blueworks.work.completed", "Work was completed.", &blueworks_work,
	  WORK_EXAMPLE("\"status\":\"Completed\",\"completed\":true,\"closed\":true,"
		       "\"completedBy\":\"7f0003\",\"completedAt\":\"2026-11-23T09:00:00Z\"") },
	{ "blueworks.work.cancelled", "Work was cancelled.", &blueworks_work,
	  WORK_EXAMPLE("\"status\":\"Cancelled\",\"cancelled\":true,\"closed\":true,"
		       "\"completedBy\":\"7f0002\",\"completedAt\":\"2026-11-23T09:00:00Z\"") },
	{ "blueworks.work.overdue",
	  "Work became overdue: its status says so, or an open task's due date passed.",
	  &blueworks_work, WORK_EXAMPLE("\"status\":\"Overdue\",\"overdue\":true") },
	{ "blueworks.task.assigned", "A task is waiting for its assignee.", &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"NotStarted\",\"approvalStep\":false,\"assigned\":true") },
	{ "blueworks.task.updated",
	  "A task changed in another way: its name, due date or assignee, or it was begun.",
	  &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"InProgress\",\"approvalStep\":false,\"assigned\":true") },
	{ "blueworks.task.completed", "A task was completed, an approval step included.",
	  &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"Completed\",\"approvalStep\":false,\"completed\":true") },
	{ "blueworks.task.approved", "An approval step was completed: approved.", &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"Completed\",\"approvalStep\":true,\"isApproved\":true,"
		       "\"approved\":true") },
	{ "blueworks.task.rejected", "An approval step was completed: rejected.", &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"Completed\",\"approvalStep\":true,\"isApproved\":false,"
		       "\"rejected\":true") },
	{ "blueworks.task.reassigned",
	  "A task was given to somebody else; assignee is still whom it was assigned to.",
	  &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"Reassigned\",\"reassignmentReason\":\"TaskReassigned\","
		       "\"actioner\":\"7f0002\",\"actor\":{\"id\":\"7f0002\",\"name\":\"Kim\"},"
		       "\"reassigned\":true") },
	{ "blueworks.task.overdue", "An open task's due date passed.", &blueworks_task,
	  TASK_EXAMPLE("\"status\":\"NotStarted\",\"approvalStep\":false,\"overdue\":true") },
	{ "blueworks.comment.added", "A comment, or an answer to one, was written.",
	  &blueworks_comment,
	  "{\"id\":\"5f501e134c701\",\"text\":\"Looks good.\",\"from\":\"7f0003\",\"author\":"
	  "{\"id\":\"7f0003\",\"name\":\"Lee\"},\"commentDate\":\"2026-11-22T09:00:00Z\","
	  "\"parentCommentId\":null," WORK_OF "}" },
	{ "blueworks.attachment.added", "A file was attached.", &blueworks_attachment,
	  FILE_EXAMPLE("\"present\":true,\"removed\":false") },
	{ "blueworks.attachment.removed",
	  "An attachment was removed from the work, or deleted from the account.",
	  &blueworks_attachment, FILE_EXAMPLE("\"present\":false,\"removed\":true") },
	{ .name = NULL },
};

/* ---- requests ---- */

bool blueworks_user(const struct call *call, unsigned i, struct text *out)
{
	struct value users = param_value(call->settings, "on_behalf_of");

	*out = TEXT_NONE;
	return value_is(users, VALUE_LIST) && i < users.n &&
	       value_id(call->arena, users.items[i], out);
}

void blueworks_behalf(struct request *out, struct text user)
{
	if (user.n > 0)
		request_header(out, "X-On-Behalf-Of", user);
}

/* Maps and lists as JSON text. */
static struct value flat(struct call *call, struct value v)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_URL);
	if (!value_is(v, VALUE_MAP) && !value_is(v, VALUE_LIST))
		return v;
	value_write(&json, v);
	if (json.starved)
		arena_fail(call->arena);
	return buf_failed(&json) ? value_null()
				 : value_text(text_dup(call->arena, buf_view(&json)));
}

enum fate blueworks_url(struct call *call, struct request *out, const char *path,
			struct value query)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value_map_builder pairs;
	enum fate fate;

	buf_init(&url, LIMIT_URL);
	buf_printf(&url, "%s?version=20110917", path);
	value_map_begin(&pairs, call->arena);
	for (uint32_t i = 0; value_is(query, VALUE_MAP) && i < query.n; i++) {
		struct value v = flat(call, query.pairs[i].val);

		if (value_is(v, VALUE_NULL) && !value_is(query.pairs[i].val, VALUE_NULL))
			return call_fail(call, FATE_REJECT, "%.*s is too long for a URL",
					 TEXT_ARG(value_as_text(query.pairs[i].key)));
		value_map_add(&pairs, query.pairs[i].key, v);
	}
	fate = url_pairs(call, &url, '&', value_map_end(&pairs));
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

/* ---- words of the product ---- */

/* Bodies of errors aren't documented; these members are where such things stand. */
static struct text words_of(struct value doc)
{
	static const char *const members[] = { "error_description", "errorMessage", "message",
					       "error", NULL };

	for (size_t i = 0; members[i] != NULL; i++) {
		struct text words = param_text(doc, members[i]);

		if (words.n > 0)
			return words_cut(words);
	}
	return TEXT_NONE;
}

/* What the documentation says a refusal means. */
static const char *meaning_of(int status)
{
	if (status == 403)
		return "the service ID's category does not include this call (work takes Work "
		       "Management), access to the API is not enabled on the Account Information "
		       "tab, or the user may not do this";
	if (status == 401)
		return "the token is not valid for this call";
	return NULL;
}

static struct text error_words(struct call *call, const struct reply *reply)
{
	struct text words = TEXT_NONE;
	struct json_error error;
	struct value doc;

	assert(call != NULL && reply != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) == FATE_OK)
		words = words_of(doc);
	if (meaning_of(reply->status) == NULL)
		return words;
	return text_printf(call->arena, "%.*s%s%s", TEXT_ARG(words), words.n > 0 ? "; " : "",
			   meaning_of(reply->status));
}

enum fate blueworks_doc(struct call *call, const struct reply *reply, struct value *out)
{
	struct text words;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, out);
	if (fate != FATE_OK)
		return fate;
	if (!value_is(*out, VALUE_MAP))
		return call_fail(call, FATE_RETRY, "the reply is not an object");
	words = value_get(*out, TEXT("version")) == NULL ? words_of(*out) : TEXT_NONE;
	if (words.n > 0)
		return call_fail(call, FATE_REJECT, "Blueworks Live says: %.*s", TEXT_ARG(words));
	return FATE_OK;
}

/* ---- the connector ---- */

static const struct param action_types[] = {
	{ .name = "complete", .type = PARAM_TEXT, .doc = "Its word for complete." },
	{ .name = "reassign", .type = PARAM_TEXT, .doc = "Its word for reassign." },
	{ .name = "approve", .type = PARAM_TEXT, .doc = "Its word for approve." },
	{ .name = "reject", .type = PARAM_TEXT, .doc = "Its word for reject." },
	{ .name = "cancel", .type = PARAM_TEXT, .doc = "Its word for cancel." },
	{ .name = "subject", .type = PARAM_TEXT, .doc = "Its word for subject." },
	{ .name = "remove_attachment",
	  .type = PARAM_TEXT,
	  .doc = "Its word for remove_attachment." },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "base_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "The account's own host: https://LABEL.blueworkslive.com." },
	{ .name = "client_id",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Client id of a service ID or user service ID with Work Management.",
	  .secret = true },
	{ .name = "client_secret",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Its client secret.",
	  .secret = true },
	{ .name = "on_behalf_of",
	  .type = PARAM_LIST,
	  .doc = "Usernames whose work is watched; actions are done for the first unless they say "
		 "otherwise. Left out with a user service ID, which is its owner." },
	{ .name = "action_types",
	  .type = PARAM_MAP,
	  .doc = "What work.action writes as type, by its own word: { complete: ... }; IBM's "
		 "public pages don't show these words.",
	  .members = action_types },
	{ .name = NULL },
};

const struct connector connector_blueworks = {
	.name = "blueworks",
	.title = "IBM Blueworks Live",
	.doc = "Work, tasks, comments and attachments of Blueworks Live: watched for some users, "
	       "started and acted on from rules.",
	.settings = settings,
	.auth = AUTH_CLIENT_CREDENTIALS,
	.token_path = "/oauth/token",
	.events = events,
	.actions = blueworks_actions,
	.resources = blueworks_resources,
	/* No rate: "not yet", say IBM's pages of these calls; a connection may set its own. */
	.error_words = error_words,
};
