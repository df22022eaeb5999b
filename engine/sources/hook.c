/* SPDX-License-Identifier: Apache-2.0
 *
 * hook.c - from a request to a parked INPUT_HOOK; see hook.h.
 *
 * The lock guards the configuration's pointer and the list of counters; it is
 * held for a look-up, never across a check. A row of counters, once made, stays
 * until the end, so a request counts without the lock. Rows are made at start
 * and reload, never by a request: strangers can't grow the list. */
#include "engine/sources/hook.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "engine/base/gunzip.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/sources/cloudevent.h"
#include "engine/sources/handshake.h"
#include "engine/sources/verify.h"

#define BUSY_SECONDS 1 /* Retry-After of 429: a batch takes milliseconds */
#define DOWN_SECONDS 5 /* Retry-After of 503: a disk needs somebody */

enum { TAKEN, S200, S400, S401, S403, S405, S413, S415, S429, S503, STATUSES };

static const char *const status_names[STATUSES] = { "taken", "200", "400", "401", "403",
						    "405",   "413", "415", "429", "503" };

struct row {
	char *name;
	atomic_uint_fast64_t counts[STATUSES];
};

struct hooks {
	struct hooks_parts parts; /* its config is not used */
	pthread_mutex_t lock;     /* config, by_name, rows, row_count */
	struct config *config;
	struct map *by_name; /* struct row by hook */
	struct row *rows[LIMIT_HOOK_COUNTS];
	size_t row_count;
	struct row others;            /* beyond LIMIT_HOOK_COUNTS */
	atomic_uint_fast64_t unknown; /* 404 */
};

/* A request's view of what it needs. */
struct visit {
	struct hooks *hooks;
	const struct http_request *request;
	struct config *config; /* referenced */
	const struct hook_config *hook;
	struct row *row;
	struct http_answer *answer;
};

/* ---- Counters. ---- */

static void row_free(struct row *row)
{
	mem_free(row->name);
	mem_free(row);
}

/* With the lock held, or before anybody else sees the hooks. */
static bool rows_add(struct hooks *hooks, struct text name)
{
	struct row *row;

	if (map_get(hooks->by_name, name) != NULL || hooks->row_count == LIMIT_HOOK_COUNTS)
		return true;
	row = mem_zero(1, sizeof(*row));
	if (row == NULL)
		return false;
	row->name = text_heap(name);
	if (row->name == NULL || !map_put(hooks->by_name, name, row)) {
		row_free(row);
		return false;
	}
	hooks->rows[hooks->row_count++] = row;
	return true;
}

static bool rows_cover(struct hooks *hooks, const struct config *config)
{
	for (size_t i = 0; i < config->hook_count; i++)
		if (!rows_add(hooks, config->hooks[i].name))
			return false;
	return true;
}

static void count(struct row *row, int status)
{
	atomic_fetch_add_explicit(&row->counts[status], 1, memory_order_relaxed);
}

/* The name needs no escaping: the configuration takes [a-z0-9_-] only. */
static void row_write(struct buf *out, const struct row *row)
{
	for (int i = 0; i < STATUSES; i++) {
		uint64_t n = atomic_load_explicit(&row->counts[i], memory_order_relaxed);

		if (n > 0)
			buf_printf(out,
				   "tappet_hook_requests_total{hook=\"%s\",status=\"%s\"} %llu\n",
				   row->name, status_names[i], (unsigned long long)n);
	}
}

void hooks_metrics(void *of, struct buf *out)
{
	struct hooks *hooks = of;
	uint64_t unknown;

	assert(hooks != NULL && out != NULL);
	unknown = atomic_load_explicit(&hooks->unknown, memory_order_relaxed);
	buf_str(out, "# HELP tappet_hook_requests_total Requests below /hooks/ by hook and "
		     "answer; taken ones went on to be committed.\n"
		     "# TYPE tappet_hook_requests_total counter\n");
	pthread_mutex_lock(&hooks->lock);
	for (size_t i = 0; i < hooks->row_count; i++)
		row_write(out, hooks->rows[i]);
	pthread_mutex_unlock(&hooks->lock);
	row_write(out, &hooks->others);
	buf_printf(out, "tappet_hook_requests_total{hook=\"\",status=\"404\"} %llu\n",
		   (unsigned long long)unknown);
}

/* ---- A visit. ---- */

static enum http_next refuse(const struct visit *v, int status, const char *body)
{
	static const int numbers[STATUSES] = { 0, 200, 400, 401, 403, 405, 413, 415, 429, 503 };

	assert(status > TAKEN && status < STATUSES);
	count(v->row, status);
	*v->answer = (struct http_answer){ .status = numbers[status], .body = text_of(body) };
	if (status == S405)
		v->answer->allow = v->hook->origin_count > 0 ? "POST, OPTIONS" : "POST";
	if (status == S429)
		v->answer->retry_after = BUSY_SECONDS;
	if (status == S503)
		v->answer->retry_after = DOWN_SECONDS;
	return HTTP_ANSWERED;
}

/* False after answering 404; else to be closed with visit_end. */
static bool visit_begin(struct visit *v, struct hooks *hooks, const struct http_request *request,
			struct http_answer *answer)
{
	struct text prefix = TEXT("/hooks/");
	struct text name = http_request_path(request);

	assert(text_starts(name, prefix));
	name.s += prefix.n;
	name.n -= prefix.n;
	*v = (struct visit){ .hooks = hooks, .request = request, .answer = answer };
	pthread_mutex_lock(&hooks->lock);
	v->config = config_ref(hooks->config);
	v->row = map_get(hooks->by_name, name);
	pthread_mutex_unlock(&hooks->lock);
	v->hook = config_hook(v->config, name);
	if (v->row == NULL)
		v->row = &hooks->others;
	if (v->hook != NULL)
		return true;
	config_free(v->config);
	atomic_fetch_add_explicit(&hooks->unknown, 1, memory_order_relaxed);
	*answer =
	    (struct http_answer){ .status = 404, .body = TEXT("{\"error\":\"no such hook\"}") };
	return false;
}

static void visit_end(struct visit *v)
{
	config_free(v->config);
}

static struct text visit_header(const void *of, const char *name)
{
	return http_request_header(of, name);
}

static struct text visit_query(const void *of, const char *name)
{
	return http_request_query(of, name);
}

/* ---- The headers. ---- */

static enum http_next shake_hands(const struct visit *v)
{
	struct text origin = http_request_header(v->request, "WebHook-Request-Origin");
	struct text rate = http_request_header(v->request, "WebHook-Request-Rate");
	int64_t granted;

	switch (handshake_answer(v->hook, origin, rate, &granted)) {
	case HANDSHAKE_MALFORMED:
		return refuse(v, S400,
			      "{\"error\":\"send WebHook-Request-Origin, a DNS name; "
			      "WebHook-Request-Rate is a whole number above 0\"}");
	case HANDSHAKE_STRANGER:
		return refuse(v, S403, "{\"error\":\"this origin is not allowed\"}");
	case HANDSHAKE_CONSENT:
		break;
	}
	count(v->row, S200);
	*v->answer = (struct http_answer){ .status = 200,
					   .allow = "POST, OPTIONS",
					   .allowed_origin = origin.s,
					   .allowed_rate = granted };
	return HTTP_ANSWERED;
}

/* RFC 9110, 8.4.1: x-gzip is an old name of gzip, identity says nothing. */
static bool is_gzip(struct text encoding)
{
	return text_ieq(encoding, TEXT("gzip")) || text_ieq(encoding, TEXT("x-gzip"));
}

static enum http_next check_encoding(const struct visit *v)
{
	struct text encoding = text_trim(http_request_header(v->request, "Content-Encoding"));

	if (encoding.n == 0 || text_ieq(encoding, TEXT("identity")) || is_gzip(encoding))
		return HTTP_GO_ON;
	return refuse(v, S415, "{\"error\":\"of content encodings only gzip is taken\"}");
}

/* A product's webhook has its own form: JSON, and no CloudEvent. */
static enum http_next check_media(const struct visit *v)
{
	bool product = v->hook->connection != NULL;

	switch (cloudevent_media(http_request_header(v->request, "Content-Type"))) {
	case MEDIA_JSON:
	case MEDIA_STRUCTURED:
		return check_encoding(v);
	case MEDIA_BATCH:
	case MEDIA_FORM:
		if (!product)
			return check_encoding(v);
		break;
	case MEDIA_OTHER:
		break;
	}
	return refuse(v, S415, "{\"error\":\"send JSON: Content-Type: application/json\"}");
}

static enum http_next check_headers(const struct visit *v)
{
	struct text method = http_request_method(v->request);

	if (text_is(method, "OPTIONS") && v->hook->origin_count > 0)
		return shake_hands(v);
	if (!text_is(method, "POST"))
		return refuse(v, S405, "{\"error\":\"a hook takes POST\"}");
	if (http_request_length(v->request) > (int64_t)v->config->body_limit)
		return refuse(v, S413, "{\"error\":\"the body is too large\"}");
	return check_media(v);
}

enum http_next hooks_begin(void *of, const struct http_request *request, size_t *body_limit,
			   struct http_answer *answer)
{
	struct visit v;
	enum http_next next;

	assert(of != NULL && request != NULL);
	assert(body_limit != NULL && answer != NULL);
	if (!visit_begin(&v, of, request, answer))
		return HTTP_ANSWERED;
	next = check_headers(&v);
	*body_limit = v.config->body_limit;
	visit_end(&v);
	return next;
}

/* ---- The body. ---- */

/* Products sign the body and send no CloudEvents: with ce- headers a copied request
 * could be made another event. */
static bool is_products(const struct hook_config *hook)
{
	return hook->verify == VERIFY_HINDSITE || hook->verify == VERIFY_GITHUB ||
	       hook->verify == VERIFY_STRIPE || hook->verify == VERIFY_SLACK;
}

/* Reads what the headers say besides the signature; NULL or what is wrong. The
 * scheme's own id is signed, so it goes before one that isn't. A product's
 * webhook has its own form and is no CloudEvent. */
static const char *read_headers(const struct visit *v, struct hook_input *in,
				struct cloudevent_room *room)
{
	const struct hook_config *hook = v->hook;

	if (hook->event_header != NULL)
		in->event = http_request_header(v->request, hook->event_header);
	if (hook->id_header != NULL && in->sender_id.n == 0)
		in->sender_id = http_request_header(v->request, hook->id_header);
	if (in->event.n > LIMIT_SENDER_ID)
		return "{\"error\":\"the header with the event's name is too long\"}";
	if (in->sender_id.n > LIMIT_SENDER_ID)
		return "{\"error\":\"the header with the delivery's id is too long\"}";
	if (hook->connection != NULL)
		return NULL;
	switch (cloudevent_media(http_request_header(v->request, "Content-Type"))) {
	case MEDIA_STRUCTURED:
		in->envelope = ENVELOPE_STRUCTURED;
		return NULL;
	case MEDIA_BATCH:
		in->envelope = ENVELOPE_BATCH;
		return NULL;
	case MEDIA_FORM: /* no CloudEvent: its data are JSON */
		in->form = true;
		return NULL;
	case MEDIA_JSON:
	case MEDIA_OTHER:
		break;
	}
	if (is_products(hook))
		return NULL;
	return cloudevent_binary(visit_header, v->request, in, room);
}

static enum http_next hand_over(const struct visit *v, const struct hook_input *in)
{
	const struct hooks_parts *parts = &v->hooks->parts;
	const struct input whole = { .kind = INPUT_HOOK, .hook = *in };
	struct input *input;

	if (atomic_load(&parts->stats->store_down))
		return refuse(v, S503, "{\"error\":\"the store can't be written\"}");
	if (!parts->has_room(parts->of))
		return refuse(v, S429, "{\"error\":\"too much is waiting to be done\"}");
	input = input_new(&whole);
	if (input == NULL)
		return refuse(v, S503, "{\"error\":\"out of memory\"}");
	if (!queue_push(parts->inputs, &input->item)) {
		input_free(input);
		return refuse(v, S429, "{\"error\":\"too many requests at once\"}");
	}
	count(v->row, TAKEN); /* the input is the sequencer's now */
	return HTTP_PARKED;
}

/* The sender learns nothing more; the operator learns at which hook, and why. Lines are limited by
 * the log, so nobody can flood it. */
static enum http_next refuse_signature(const struct visit *v, const struct verify_request *r)
{
	char name[80]; /* names are at most 64 characters */
	char why[200];

	(void)snprintf(name, sizeof(name), "%.*s", TEXT_ARG(v->hook->name));
	verify_tell(v->hook, r, why, sizeof(why));
	log_write(LOG_INFO, "a webhook was refused: its proof does not fit", LOG_S("hook", name),
		  LOG_S("why", why));
	return refuse(v, S401, "{\"error\":\"unauthorized\"}");
}

/* The body as it was before Content-Encoding. Its own limit holds for it, too: what
 * is small only while packed is answered 413. */
static enum http_next unpack_and_hand_over(const struct visit *v, struct hook_input *in)
{
	struct text encoding = text_trim(http_request_header(v->request, "Content-Encoding"));
	enum http_next next = HTTP_ANSWERED;
	struct buf plain;

	if (!is_gzip(encoding))
		return hand_over(v, in);
	buf_init(&plain, v->config->body_limit);
	switch (gunzip(in->body, &plain)) {
	case GUNZIP_OK:
		in->body = buf_view(&plain);
		next = hand_over(v, in);
		break;
	case GUNZIP_MALFORMED:
		next = refuse(v, S400, "{\"error\":\"the body is not gzip\"}");
		break;
	case GUNZIP_TOO_LARGE:
		next = refuse(v, S413, "{\"error\":\"the body is too large once unpacked\"}");
		break;
	case GUNZIP_NO_MEMORY:
		next = refuse(v, S503, "{\"error\":\"out of memory\"}");
		break;
	}
	buf_fini(&plain);
	return next;
}

static enum http_next take(const struct visit *v, struct text body, http_ticket ticket)
{
	const struct verify_request r = {
		.header = visit_header,
		.query = visit_query,
		.of = v->request,
		.body = body,
		.now_wall_ms = clock_read(&v->hooks->parts.clock).wall,
	};
	struct text media = text_trim(http_request_header(v->request, "Content-Type"));
	struct hook_input in = { .ticket = ticket, .hook = v->hook->name, .body = body };
	struct cloudevent_room room;
	const char *wrong;

	in.media = (struct text){ media.s, media.n < LIMIT_MEDIA ? media.n : LIMIT_MEDIA };
	if (!verify_request(v->hook, &r, &in.sender_id))
		return refuse_signature(v, &r);
	wrong = read_headers(v, &in, &room);
	if (wrong == NULL)
		return unpack_and_hand_over(v, &in);
	return refuse(v, S400, wrong);
}

enum http_next hooks_done(void *of, const struct http_request *request, struct text body,
			  http_ticket ticket, struct http_answer *answer)
{
	struct visit v;
	enum http_next next;

	assert(of != NULL && request != NULL);
	assert(ticket != 0 && answer != NULL);
	if (!visit_begin(&v, of, request, answer))
		return HTTP_ANSWERED;
	next = take(&v, body, ticket);
	visit_end(&v);
	return next;
}

/* ---- Life. ---- */

struct hooks *hooks_new(const struct hooks_parts *parts)
{
	struct hooks *hooks = mem_zero(1, sizeof(*hooks));

	assert(parts != NULL && parts->config != NULL);
	assert(parts->inputs != NULL && parts->stats != NULL && parts->has_room != NULL);
	if (hooks == NULL)
		return NULL;
	hooks->parts = *parts;
	hooks->parts.config = NULL;
	hooks->config = config_ref(parts->config);
	pthread_mutex_init(&hooks->lock, NULL);
	hooks->by_name = map_new();
	hooks->others.name = text_heap(TEXT("(others)"));
	if (hooks->by_name != NULL && hooks->others.name != NULL &&
	    rows_cover(hooks, hooks->config))
		return hooks;
	hooks_free(hooks);
	return NULL;
}

bool hooks_reload(struct hooks *hooks, struct config *config)
{
	struct config *old = NULL;
	bool covered;

	assert(hooks != NULL && config != NULL);
	pthread_mutex_lock(&hooks->lock);
	covered = rows_cover(hooks, config);
	if (covered) {
		old = hooks->config;
		hooks->config = config_ref(config);
	}
	pthread_mutex_unlock(&hooks->lock);
	config_free(old);
	return covered;
}

void hooks_free(struct hooks *hooks)
{
	if (hooks == NULL)
		return;
	for (size_t i = 0; i < hooks->row_count; i++)
		row_free(hooks->rows[i]);
	map_free(hooks->by_name);
	mem_free(hooks->others.name);
	config_free(hooks->config);
	pthread_mutex_destroy(&hooks->lock);
	mem_free(hooks);
}
