/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite - see hindsite.h. Work sets are few, so each is kept as the JSON object it is shown as.
 */
#include "tests/sandbox/hindsite.h"

#include "tests/sandbox/ids.h"
#include "tests/sandbox/webhooks.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_ID     "hindsite-id"
#define CLIENT_SECRET "hindsite-secret"

struct token {
	char text[TOKEN_SIZE];
	int64_t until_ms;
};

struct hindsite {
	size_t n_tokens;
	struct token tokens[TOKENS_MAX];
	json_t *work_sets; /* array; the place plus one is the numeric alias of the id */
	json_t *kept;      /* object: what was made through the API, by id */
};

struct sample {
	const char *id;
	const char *title;
	const char *description;
	const char *project; /* the Kantata project it belongs to */
	bool running;
	int progress;
};

static const struct sample samples[] = {
	{ "01J8Z3KQ5V9X7W2M4N6P8R0T1A", "Recovery plan",
	  "Review scope, re-plan the remaining work, agree it with the client.", "1001", false, 0 },
	{ "01J8Z3KQ5V9X7W2M4N6P8R0T1B", "Hand-over checklist", "Line 4, mechanical and electrical.",
	  "1003", true, 40 },
	{ "01J8Z3KQ5V9X7W2M4N6P8R0T1C", "Closure review", "Lessons learned and final report.",
	  "1004", false, 0 },
};

struct hindsite *hindsite_new(void)
{
	struct hindsite *h = must_alloc(1, sizeof(*h));

	h->work_sets = json_array();
	h->kept = json_object();
	return h;
}

void hindsite_free(struct hindsite *h)
{
	if (!h)
		return;
	json_decref(h->work_sets);
	json_decref(h->kept);
	free(h);
}

void hindsite_clear(struct hindsite *h)
{
	assert(h);
	h->n_tokens = 0;
	(void)json_array_clear(h->work_sets);
	(void)json_object_clear(h->kept);
}

void hindsite_keep(struct sandbox *sb, const char *id, json_t *object)
{
	json_t *kept = sb->hindsite->kept;

	if (json_object_size(kept) >= KEPT_MAX)
		(void)json_object_clear(kept);
	(void)json_object_set(kept, id, object);
}

json_t *hindsite_kept(struct sandbox *sb, const char *id)
{
	return json_object_get(sb->hindsite->kept, id);
}

static void add_lists(json_t *set)
{
	static const char *const lists[] = { "assigned_users",     "manager_ids",
					     "participant_ids",    "operational_lead_ids",
					     "location_ids",       "group_ids",
					     "work_set_workflows", "approvals",
					     "reviewers" };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		(void)json_object_set_new(set, lists[i], json_array());
}

static json_t *work_set(const struct sample *s, json_int_t now)
{
	json_t *set = json_pack(
	    "{ss ss ss sb sb sb sb sb so sf si s[s] si sb sb so so so so ss ss ss so so sb sb "
	    "sI sI}",
	    "id", s->id, "title", s->title, "description", s->description, "template", 0, "shared",
	    0, "archived", 0, "approved", 0, "completed", 0, "completed_at", json_null(),
	    "progress", (double)s->progress, "work_set_workflows_count", 0, "project_ids",
	    s->project, "tracked_time", s->progress * 6, "work_set_workflows_approved", 0,
	    "work_set_journeys_approved", 0, "started_on", json_null(), "started_at", json_null(),
	    "start_date", json_null(), "finish_date", json_null(), "location_timezone",
	    "Europe/London", "creator_id", "01J8Z3KQ5V9X7W2M4N6P8R0U01", "user_id",
	    "01J8Z3KQ5V9X7W2M4N6P8R0U01", "asset_id", json_null(), "work_set_template_id",
	    json_null(), "flagged", 0, "editable", 1, "created_at", now - 86400, "updated_at",
	    now - 86400);

	assert(set);
	add_lists(set);
	if (s->running) {
		(void)json_object_set_new(set, "started_at", json_integer(now - 7200));
		(void)json_object_set_new(set, "started_on", json_integer(now - 7200));
	}
	return set;
}

void hindsite_seed(struct hindsite *h, int64_t now_ms)
{
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		(void)json_array_append_new(h->work_sets, work_set(&samples[i], now_ms / 1000));
}

void hindsite_write(const struct hindsite *h, struct text *out)
{
	text_value(out, h->work_sets);
}

void hindsite_refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"error\":");
	text_quote(out, why ? why : status == 404 ? "Not Found" : "Internal Server Error");
	text_char(out, '}');
	if (status == 401)
		reply_header(re, "WWW-Authenticate",
			     "Bearer realm=\"HINDSITE\", error=\"invalid_token\", "
			     "error_description=\"The access token expired\"");
}

static bool known_token(struct sandbox *sb, const char *text)
{
	const struct hindsite *h = sb->hindsite;

	for (size_t i = 0; i < h->n_tokens; i++)
		if (!strcmp(h->tokens[i].text, text))
			return h->tokens[i].until_ms > sandbox_now_ms(sb);
	return false;
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *header = rq->authorization;

	if (header && !strncmp(header, "Bearer ", 7) && known_token(sb, header + 7))
		return true;
	hindsite_refuse(re, 401, "The access token is invalid or expired");
	return false;
}

static void expire(struct sandbox *sb)
{
	sb->hindsite->n_tokens = 0;
}

const struct vendor hindsite = { "hindsite", true, hindsite_refuse, admit, expire };

/* Errors of the token endpoint, RFC 6749 section 5.2. */
static void token_error(struct reply *re, int status, const char *code, const char *text)
{
	struct text *out = reply_json(re, status);

	text_fmt(out, "{\"error\":\"%s\",\"error_description\":\"%s\"}", code, text);
	if (status == 401)
		reply_header(re, "WWW-Authenticate",
			     "Bearer realm=\"HINDSITE\", error=\"invalid_client\"");
}

static const char *issue(struct sandbox *sb)
{
	struct hindsite *h = sb->hindsite;
	struct token *token;

	if (h->n_tokens == TOKENS_MAX) {
		h->n_tokens--;
		memmove(h->tokens, h->tokens + 1, h->n_tokens * sizeof(h->tokens[0]));
	}
	token = &h->tokens[h->n_tokens++];
	ids_token(token->text);
	token->until_ms = sandbox_now_ms(sb) + sb->switches.token_lifetime_s * 1000;
	return token->text;
}

/* One field of a form or JSON body. */
static const char *field(const json_t *body, const char *name)
{
	const char *s = json_string_value(json_object_get(body, name));

	return s ? s : "";
}

static void answer_token(struct sandbox *sb, const json_t *body, struct reply *re)
{
	if (!*field(body, "grant_type"))
		token_error(re, 400, "invalid_request", "Missing required parameter: grant_type.");
	else if (strcmp(field(body, "client_id"), CLIENT_ID) != 0 ||
		 strcmp(field(body, "client_secret"), CLIENT_SECRET) != 0)
		token_error(re, 401, "invalid_client",
			    "Client authentication failed due to unknown client, no client "
			    "authentication included, or unsupported authentication method.");
	else if (strcmp(field(body, "grant_type"), "client_credentials") != 0)
		token_error(re, 400, "unsupported_grant_type",
			    "The authorization grant type is not supported by the authorization "
			    "server.");
	else
		text_fmt(reply_json(re, 200),
			 "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%lld,"
			 "\"created_at\":%lld}",
			 issue(sb), (long long)sb->switches.token_lifetime_s,
			 (long long)sandbox_now(sb));
}

void hindsite_token(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);

	if (body)
		answer_token(sb, body, re);
	else
		token_error(re, 400, "invalid_request", "The request is malformed.");
	json_decref(body);
}

static json_t *find(const struct hindsite *h, const char *id)
{
	size_t i;
	json_t *set;
	char alias[24];

	json_array_foreach(h->work_sets, i, set)
	{
		(void)snprintf(alias, sizeof(alias), "%zu", i + 1);
		if (!strcmp(id, field(set, "id")) || !strcmp(id, alias))
			return set;
	}
	return NULL;
}

json_t *hindsite_work_set(struct sandbox *sb, const char *id)
{
	return find(sb->hindsite, id);
}

json_t *hindsite_change(struct sandbox *sb, const char *id, json_t *patch, const char *action)
{
	json_t *set = find(sb->hindsite, id);

	assert(action);
	if (!set)
		return NULL;
	(void)json_object_update(set, patch);
	(void)json_object_set_new(set, "updated_at", json_integer(sandbox_now(sb)));
	hooks_emit(sb, action, "work_set", set);
	return set;
}

/* A started set that isn't completed can't be started; a completed one is opened again. */
static void start(struct sandbox *sb, json_t *set, const json_t *body)
{
	json_t *asset = json_object_get(body, "asset_id");
	json_int_t now = sandbox_now(sb);
	json_t *patch =
	    json_pack("{sI sI sb sb so sf}", "started_at", now, "started_on", now - now % 86400,
		      "completed", 0, "approved", 0, "completed_at", json_null(), "progress", 0.0);

	if (json_is_string(asset))
		(void)json_object_set(patch, "asset_id", asset);
	(void)hindsite_change(sb, field(set, "id"), patch, "work_set_started");
	json_decref(patch);
}

void hindsite_start(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	json_t *set = find(sb->hindsite, rq->id);
	bool running = set && json_is_integer(json_object_get(set, "started_at")) &&
		       !json_is_true(json_object_get(set, "completed"));

	if (!body) {
		hindsite_refuse(re, 400, why);
	} else if (!set) {
		hindsite_refuse(re, 404, "Work set not found");
	} else if (running && !sb->switches.second_start_same) {
		hindsite_refuse(re, 422, "Work set has already been started");
	} else {
		if (!running)
			start(sb, set, body);
		text_value(reply_json(re, 201), set);
	}
	json_decref(body);
}
