/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite - HINDSITE: work sets (also called work orders) of industrial jobs.
 *
 * Work sets are started from rules and their state is learnt from two sides: the
 * reply to a start, and webhooks. Webhooks that could not be delivered are asked
 * for again (hindsite_deliveries.c). Times are Unix seconds in replies and ISO 8601
 * in webhooks; typing makes both one. Which webhook actions exist isn't public,
 * so a webhook is read by its shape: the first object in it that has an id is
 * what it is about.
 *
 * I1  Ids are opaque text (ULIDs, UUIDs or numbers, depending on the page of the
 *     documentation).
 * I2  A reply or webhook is observed as far as it goes (absent_is_unknown), unless
 *     it is older than what is known: webhooks overtake each other, the more so
 *     when missed ones are sent again.
 *
 * Source: api-docs.hindsiteind.com, Work Sets, Webhooks; RFC 6749, 4.4. */
#include "engine/connectors/hindsite_parts.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/timetext.h"

static const struct field fields[] = {
	{ "id", FIELD_TEXT, "Identity of the work set.", NULL },
	{ "title", FIELD_TEXT, "Title.", NULL },
	{ "description", FIELD_TEXT, "Description.", NULL },
	{ "template", FIELD_BOOL, "Whether it is a template.", NULL },
	{ "shared", FIELD_BOOL, "Whether it is shared.", NULL },
	{ "archived", FIELD_BOOL, "Whether it is archived.", NULL },
	{ "approved", FIELD_BOOL, "Whether it is approved.", NULL },
	{ "completed", FIELD_BOOL, "Whether it is completed.", NULL },
	{ "completed_at", FIELD_TIMESTAMP_UNIX, "When it was completed.", NULL },
	{ "progress", FIELD_DOUBLE, "How much of it is done, 0 to 100.", NULL },
	{ "work_set_workflows_count", FIELD_INT, "Number of its workflows (tasks).", NULL },
	{ "assigned_users", FIELD_LIST, "Users it is assigned to.", NULL },
	{ "manager_ids", FIELD_LIST, "Ids of its managers.", NULL },
	{ "participant_ids", FIELD_LIST, "Ids of its participants.", NULL },
	{ "operational_lead_ids", FIELD_LIST, "Ids of its operational leads.", NULL },
	{ "location_ids", FIELD_LIST, "Ids of its locations.", NULL },
	{ "group_ids", FIELD_LIST, "Ids of its groups.", NULL },
	{ "project_ids", FIELD_LIST, "Ids of its projects.", NULL },
	{ "tracked_time", FIELD_INT, "Minutes tracked.", NULL },
	{ "work_set_workflows_approved", FIELD_BOOL, "Whether all workflows are approved.", NULL },
	{ "work_set_journeys_approved", FIELD_BOOL,
	  "Deprecated by the vendor: work_set_workflows_approved.", NULL },
	{ "started_on", FIELD_TIMESTAMP_UNIX, "Day it was started.", NULL },
	{ "started_at", FIELD_TIMESTAMP_UNIX, "When it was started.", NULL },
	{ "start_date", FIELD_TIMESTAMP_UNIX, "Planned start.", NULL },
	{ "finish_date", FIELD_TIMESTAMP_UNIX, "Planned end.", NULL },
	{ "location_timezone", FIELD_TEXT, "Time zone of its location.", NULL },
	{ "creator_id", FIELD_TEXT, "User who created it.", NULL },
	{ "user_id", FIELD_TEXT, "Deprecated by the vendor: creator_id.", NULL },
	{ "asset_id", FIELD_TEXT, "Asset it is about.", NULL },
	{ "work_set_template_id", FIELD_TEXT, "Template it was made from.", NULL },
	{ "flagged", FIELD_BOOL, "Whether it is flagged.", NULL },
	{ "editable", FIELD_BOOL, "Whether it can be edited.", NULL },
	{ "work_set_workflows", FIELD_LIST, "Its workflows (tasks).", NULL },
	{ "approvals", FIELD_LIST, "Approvals given.", NULL },
	{ "reviewers", FIELD_LIST, "Users who review it.", NULL },
	{ "created_at", FIELD_TIMESTAMP_UNIX, "When it was created.", NULL },
	{ "updated_at", FIELD_TIMESTAMP_UNIX,
	  "When it was last changed; its change alone is no event.", NULL },
	{ .name = NULL },
};

/* tracked_time is not among them: HINDSITE tells of a work set only when something happened, so a
 * growing time makes no noise, and rules are written about too much of it. */
static const char *const ignored[] = { "updated_at", NULL };

static const char *const started_covers[] = { "started_on", NULL };
static const char *const completed_covers[] = { "completed_at", "progress", NULL };
static const char *const approved_covers[] = { "approvals", "reviewers",
					       "work_set_workflows_approved",
					       "work_set_journeys_approved", NULL };

/* A work set seen for the first time may have been started long ago; that it is completed or
 * approved is what somebody waits for. */
static const struct edge edges[] = {
	{ "started_at", true, "started", false, started_covers },
	{ "completed", true, "completed", true, completed_covers },
	{ "approved", true, "approved", true, approved_covers },
	{ .field = NULL },
};

const struct object_kind hindsite_work_set = {
	.name = "hindsite.work_set",
	.id = "id",
	.fields = fields,
	.ignored = ignored,
	.absent_is_unknown = true,
	.version = "updated_at",
	.updated = true,
	.edges = edges,
};

#define EXAMPLE(state)                                                                             \
	"{\"id\":\"01J8Z3QK5T\",\"title\":\"Recover Acme\",\"asset_id\":null,\"flagged\":false,"   \
	"\"started_at\":1795309825,\"created_at\":1795309000,\"updated_at\":1795310000," state "}"

static const struct event_type events[] = {
	{ "hindsite.work_set.started", "A work set was started.", &hindsite_work_set,
	  EXAMPLE("\"completed\":false,\"approved\":false,\"progress\":0.0") },
	{ "hindsite.work_set.updated", "A work set changed in another way.", &hindsite_work_set,
	  EXAMPLE("\"completed\":false,\"approved\":false,\"progress\":40.0") },
	{ "hindsite.work_set.completed", "A work set was completed.", &hindsite_work_set,
	  EXAMPLE("\"completed\":true,\"completed_at\":1795310000,\"approved\":false,"
		  "\"progress\":100.0") },
	{ "hindsite.work_set.approved", "A work set was approved.", &hindsite_work_set,
	  EXAMPLE("\"completed\":true,\"completed_at\":1795310000,\"approved\":true,"
		  "\"progress\":100.0") },
	{ "hindsite.webhook.report_export_completed",
	  "A report was exported; data is the webhook's whole body, and its download_url good for "
	  "a "
	  "short time only.",
	  NULL,
	  "{\"action\":\"report_export_completed\",\"created_at\":\"2026-11-22T00:50:25Z\","
	  "\"organisation\":{\"id\":\"01J8\"},\"creator\":{\"id\":\"01J9\",\"name\":\"Kim\"},"
	  "\"report_export\":{\"id\":\"01K0\",\"status\":\"completed\",\"format\":\"pdf\","
	  "\"exportable\":{\"type\":\"Form\",\"id\":\"01K1\"},"
	  "\"created_at\":\"2026-11-22T00:50:24Z\",\"completed_at\":\"2026-11-22T00:50:25Z\","
	  "\"download_url\":\"https://files.example/report.pdf\"}}" },
	{ "hindsite.webhook.*",
	  "A webhook about anything else, named by its action; data is the webhook's whole body.",
	  NULL,
	  "{\"action\":\"form_completed\",\"created_at\":\"2026-11-22T00:50:25Z\","
	  "\"organisation\":{\"id\":\"01J8\"},\"creator\":{\"id\":\"01J9\",\"name\":\"Kim\"},"
	  "\"form\":{\"id\":\"01K2\"}}" },
	{ .name = NULL },
};

/* ---- words of the product ---- */

/* The public pages show no error body. Its token endpoint follows RFC 6749 (error,
 * error_description); the rest is taken as {"error": text} or {"message": text}. */
struct text hindsite_words(struct value doc)
{
	static const char *const members[] = { "error_description", "error", "message", NULL };

	for (size_t i = 0; members[i] != NULL; i++) {
		struct text words = param_text(doc, members[i]);

		if (words.n > 0)
			return words_cut(words);
	}
	return TEXT_NONE;
}

static struct text error_words(struct call *call, const struct reply *reply)
{
	struct json_error error;
	struct value doc;

	assert(call != NULL && reply != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) != FATE_OK)
		return TEXT_NONE;
	return hindsite_words(doc);
}

enum fate hindsite_doc(struct call *call, const struct reply *reply, struct value *out)
{
	struct text words;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = reply_json(call, reply, out);
	if (fate != FATE_OK)
		return fate;
	words = value_is(*out, VALUE_MAP) && value_get(*out, TEXT("id")) == NULL
		    ? hindsite_words(*out)
		    : TEXT_NONE;
	if (words.n > 0)
		return call_fail(call, FATE_REJECT, "HINDSITE says: %.*s", TEXT_ARG(words));
	return FATE_OK;
}

/* ---- webhooks ---- */

/* Members of the envelope that are objects but not what it is about. */
static bool is_envelope(struct text key)
{
	return text_is(key, "organisation") || text_is(key, "organization") ||
	       text_is(key, "creator");
}

/* The first object with an id. */
static const struct value_pair *subject_of(struct arena *arena, struct value body, struct text *id)
{
	for (uint32_t i = 0; i < body.n; i++) {
		const struct value_pair *pair = &body.pairs[i];

		if (value_is(pair->val, VALUE_MAP) && !is_envelope(value_as_text(pair->key)) &&
		    value_id(arena, param_value(pair->val, "id"), id))
			return pair;
	}
	*id = TEXT_NONE;
	return NULL;
}

/* The verb of an action on a work set, "completed" of "work_set_completed"; else TEXT_NONE. */
static struct text work_set_verb(struct text action)
{
	static const char *const subjects[] = { "work_set_", "work_order_", NULL };
	static const char *const parts[] = { "workflow_", "task_", "template_", NULL };

	for (size_t i = 0; subjects[i] != NULL; i++) {
		struct text subject = text_of(subjects[i]);
		struct text verb = { action.s + subject.n, action.n - subject.n };

		if (!text_starts(action, subject))
			continue;
		for (size_t k = 0; parts[k] != NULL; k++)
			if (text_starts(verb, text_of(parts[k])))
				return TEXT_NONE;
		return verb;
	}
	return TEXT_NONE;
}

/* Named so, or under a neutral name in an action on a work set. */
static bool is_work_set(struct text key, struct text action)
{
	if (text_is(key, "work_set") || text_is(key, "work_order"))
		return true;
	if (text_starts(key, TEXT("work_set_")) || text_starts(key, TEXT("work_order_")))
		return false;
	return work_set_verb(action).n > 0;
}

/* The action as one segment of an event's name: what isn't a letter, a digit, '_' or '-'
 * becomes '_'. */
static struct text action_name(struct arena *arena, struct text action)
{
	size_t n = action.n > LIMIT_ID ? LIMIT_ID : action.n;
	char *name = arena_copy(arena, action.s, n);

	if (name == NULL || n == 0)
		return TEXT_NONE;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-'))
			name[i] = '_';
	}
	return (struct text){ name, n };
}

static int64_t time_of(struct value v)
{
	int64_t ms;

	if (value_is(v, VALUE_TEXT) && timetext_parse_ms(value_as_text(v), &ms))
		return ms;
	return INT64_MIN;
}

static const char *edge_of(struct text verb)
{
	for (const struct edge *e = edges; e->field != NULL; e++)
		if (text_is(verb, e->event))
			return e->event;
	return NULL;
}

static enum fate read_webhook(struct call *call, struct value body, struct hook_reading *out)
{
	const struct value_pair *subject;

	assert(call != NULL && out != NULL);
	*out = (struct hook_reading){ .object = value_null() };
	if (!value_is(body, VALUE_MAP))
		return call_fail(call, FATE_REJECT, "a webhook's body is an object, not %s",
				 value_kind_name((enum value_kind)body.kind));
	out->action = action_name(call->arena, param_text(body, "action"));
	out->event_id = param_text(body, "event_id");
	if (out->event_id.n == 0)
		out->event_id = param_text(body, "id");
	out->time = time_of(param_value(body, "created_at"));
	subject = subject_of(call->arena, body, &out->subject);
	if (subject != NULL && is_work_set(value_as_text(subject->key), out->action)) {
		out->kind = &hindsite_work_set;
		out->object = subject->val;
		out->happened = edge_of(work_set_verb(out->action));
	}
	return FATE_OK;
}

static const struct webhook webhook = {
	.verify = "hindsite",
	/* The body carries the event's own time and no id is documented in it. */
	.bodies_unique = true,
	.read = read_webhook,
};

static const struct param settings[] = {
	{ .name = "base_url",
	  .type = PARAM_TEXT,
	  .doc = "Where HINDSITE is, https://app.hindsiteind.com unless said otherwise." },
	{ .name = "client_id",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "OAuth 2 client id, from HINDSITE's support.",
	  .secret = true },
	{ .name = "client_secret",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "OAuth 2 client secret, from HINDSITE's support.",
	  .secret = true },
	{ .name = "webhook_id",
	  .type = PARAM_ID,
	  .doc = "Id of the webhook that leads here: only its deliveries are caught up with, else "
		 "those of all webhooks of the organisation." },
	{ .name = NULL },
};

const struct connector connector_hindsite = {
	.name = "hindsite",
	.title = "HINDSITE",
	.doc =
	    "Work sets, forms and assets of HINDSITE: started and filled in from rules, followed "
	    "through its webhooks.",
	.settings = settings,
	.auth = AUTH_CLIENT_CREDENTIALS,
	.token_path = "/oauth/token",
	.base_url = "https://app.hindsiteind.com",
	.events = events,
	.actions = hindsite_actions,
	.resources = hindsite_resources,
	.webhook = &webhook,
	/* No rate: the vendor publishes no numbers, a connection may set its own. */
	.error_words = error_words,
};
