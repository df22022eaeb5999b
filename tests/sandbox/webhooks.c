/* SPDX-License-Identifier: Apache-2.0
 *
 * webhooks - see webhooks.h.
 *
 * The sender copies what it needs out of a delivery, lets the lock go for the attempt, and looks
 * the delivery up again by its id afterwards: a reset may have dropped it meanwhile.
 */
#include "tests/sandbox/webhooks.h"

#include "tests/sandbox/faults.h"
#include "tests/sandbox/hindsite.h"
#include "tests/sandbox/ids.h"
#include "tests/sandbox/times.h"

#include <assert.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEBHOOK_ID "01J8Z3KQ5V9X7W2M4N6P8R0W01"
#define SIGNATURE  65

enum state { IN_PROGRESS, RETRYING, COMPLETED, ERRORED, STATES };

static const char *const state_words[STATES] = { "in_progress", "retrying", "completed",
						 "errored" };

struct delivery {
	char id[ULID_SIZE];
	char event_id[ULID_SIZE];
	char timestamp[TIMES_TEXT];
	char *action;
	char *body;
	enum state state;
	int64_t due_ms; /* of the steady clock */
	int64_t attempts;
	int copies;   /* sent that often when accepted: the duplicate fault */
	bool garbled; /* sent with a wrong signature */
	long status;  /* of the last attempt, 0 for none */
	int64_t created_ms;
	int64_t updated_ms;
};

struct hooks {
	size_t n;
	size_t cap;
	struct delivery **v;
	pthread_cond_t wake;
	pthread_t thread;
	bool running;
	atomic_bool stopping;
};

/* What one attempt needs, apart from the lock. */
struct job {
	char id[ULID_SIZE];
	char url[512];
	char signature[SIGNATURE];
	char timestamp[TIMES_TEXT];
	char *body;
	int copies;
	atomic_bool *stopping;
};

struct hooks *hooks_new(void)
{
	struct hooks *hs = must_alloc(1, sizeof(*hs));
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&hs->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	return hs;
}

static void delivery_free(struct delivery *d)
{
	free(d->action);
	free(d->body);
	free(d);
}

void hooks_clear(struct hooks *hs)
{
	assert(hs);
	for (size_t i = 0; i < hs->n; i++)
		delivery_free(hs->v[i]);
	free(hs->v);
	hs->v = NULL;
	hs->n = hs->cap = 0;
}

void hooks_free(struct hooks *hs)
{
	if (!hs)
		return;
	assert(!hs->running);
	hooks_clear(hs);
	(void)pthread_cond_destroy(&hs->wake);
	free(hs);
}

static bool finished(const struct delivery *d)
{
	return d->state == COMPLETED || d->state == ERRORED;
}

/* Makes room by dropping the oldest; a finished one if there is any. */
static void drop_one(struct hooks *hs)
{
	size_t at = 0;

	while (at < hs->n && !finished(hs->v[at]))
		at++;
	if (at == hs->n)
		at = 0;
	delivery_free(hs->v[at]);
	hs->n--;
	memmove(hs->v + at, hs->v + at + 1, (hs->n - at) * sizeof(struct delivery *));
}

static struct delivery *add(struct sandbox *sb)
{
	struct hooks *hs = sb->hooks;
	struct delivery *d = must_alloc(1, sizeof(*d));

	if (hs->n == DELIVERIES_MAX)
		drop_one(hs);
	if (hs->n == hs->cap) {
		hs->cap = hs->cap ? hs->cap * 2 : 64;
		hs->v = must_grow(hs->v, hs->cap, sizeof(struct delivery *));
	}
	d->created_ms = d->updated_ms = sandbox_now_ms(sb);
	d->due_ms = times_steady_ms();
	d->copies = 1;
	ids_ulid(d->id, d->created_ms);
	hs->v[hs->n++] = d;
	(void)pthread_cond_signal(&hs->wake);
	return d;
}

static char *event_body(const char *action, const char *when, const char *subject,
			const json_t *object)
{
	struct text out = { 0 };

	text_fmt(&out,
		 "{\"action\":\"%s\",\"created_at\":\"%s\","
		 "\"organisation\":{\"id\":\"01J8Z3KQ5V9X7W2M4N6P8R0G01\"},"
		 "\"creator\":{\"id\":\"01J8Z3KQ5V9X7W2M4N6P8R0U01\",\"name\":\"Robin Hale\"},"
		 "\"%s\":",
		 action, when, subject);
	text_value(&out, object);
	text_char(&out, '}');
	return text_take(&out);
}

void hooks_emit(struct sandbox *sb, const char *action, const char *subject, const json_t *object)
{
	struct fault fault;
	struct delivery *d;

	assert(sb && action && subject && object);
	if (!*sb->switches.hook_url)
		return;
	d = add(sb);
	fault = faults_take(sb->faults, HOOK_ROUTE, FAULTS_OUT, sandbox_now_ms(sb));
	d->copies = fault.kind == FAULT_DUPLICATE ? 2 : 1;
	d->garbled = fault.kind == FAULT_GARBAGE;
	d->due_ms += fault.delay_ms;
	ids_ulid(d->event_id, d->created_ms);
	times_iso_ms(d->timestamp, d->created_ms);
	d->action = must_copy(action);
	d->body = event_body(action, d->timestamp, subject, object);
}

/* Hex HMAC-SHA256 (RFC 2104) of the body. */
static void sign(const char *secret, const char *body, char out[SIGNATURE])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	(void)HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body,
		   strlen(body), mac, &n);
	assert(n == 32);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static size_t swallow(char *bytes, size_t size, size_t n, void *to)
{
	(void)bytes;
	(void)to;
	return size * n;
}

static int cancelled(void *job, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(((struct job *)job)->stopping);
}

static struct curl_slist *header_lines(const struct job *job)
{
	char line[160];
	struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");

	(void)snprintf(line, sizeof(line), "X-Webhook-Signature: %s", job->signature);
	list = curl_slist_append(list, line);
	(void)snprintf(line, sizeof(line), "X-Webhook-Timestamp: %s", job->timestamp);
	return curl_slist_append(list, line);
}

/* One POST; the status, 0 if no reply came. */
static long post(CURL *curl, struct job *job)
{
	struct curl_slist *headers = header_lines(job);
	long status = 0;

	curl_easy_reset(curl);
	(void)curl_easy_setopt(curl, CURLOPT_URL, job->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, job->body);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(job->body));
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "HINDSITE-Webhooks/1.0 (tappet-sandbox)");
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, HOOK_TIMEOUT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, swallow);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, cancelled);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, job);
	if (curl_easy_perform(curl) == CURLE_OK)
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	return status;
}

/* The next delivery to attempt; else NULL, with the time of the next one in due_ms. */
static struct delivery *next_due(const struct hooks *hs, int64_t now, int64_t *due_ms)
{
	struct delivery *best = NULL;

	*due_ms = INT64_MAX;
	for (size_t i = 0; i < hs->n; i++) {
		struct delivery *d = hs->v[i];

		if (finished(d) || d->due_ms >= *due_ms)
			continue;
		*due_ms = d->due_ms;
		best = d;
	}
	return best && *due_ms <= now ? best : NULL;
}

static void wait_until(struct sandbox *sb, int64_t due_ms)
{
	struct timespec when = { .tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000 };

	if (due_ms == INT64_MAX)
		(void)pthread_cond_wait(&sb->hooks->wake, &sb->lock);
	else
		(void)pthread_cond_timedwait(&sb->hooks->wake, &sb->lock, &when);
}

static struct delivery *find(const struct hooks *hs, const char *id)
{
	for (size_t i = hs->n; i-- > 0;)
		if (!strcmp(hs->v[i]->id, id))
			return hs->v[i];
	return NULL;
}

static void prepare(struct sandbox *sb, const struct delivery *d, struct job *job)
{
	*job = (struct job){ .copies = d->copies, .stopping = &sb->hooks->stopping };
	(void)snprintf(job->id, sizeof(job->id), "%s", d->id);
	(void)snprintf(job->url, sizeof(job->url), "%s", sb->switches.hook_url);
	(void)snprintf(job->timestamp, sizeof(job->timestamp), "%s", d->timestamp);
	job->body = must_copy(d->body);
	sign(sb->switches.hook_secret, d->body, job->signature);
	if (d->garbled)
		job->signature[0] = job->signature[0] == '0' ? '1' : '0';
}

static void conclude(struct sandbox *sb, const char *id, long status)
{
	struct delivery *d = find(sb->hooks, id);
	int64_t shift;

	if (!d)
		return;
	d->attempts++;
	d->status = status;
	d->updated_ms = sandbox_now_ms(sb);
	if (status >= 200 && status < 300) {
		d->state = COMPLETED;
	} else if (d->attempts >= sb->switches.hook_attempts) {
		d->state = ERRORED;
	} else {
		d->state = RETRYING;
		shift = d->attempts < 16 ? d->attempts - 1 : 15;
		d->due_ms = times_steady_ms() + (sb->switches.hook_retry_ms << shift);
	}
}

static void attempt(struct sandbox *sb, CURL *curl, const struct delivery *d)
{
	struct job job;
	long status;

	prepare(sb, d, &job);
	(void)pthread_mutex_unlock(&sb->lock);
	status = post(curl, &job);
	for (int i = 1; i < job.copies && status >= 200 && status < 300; i++)
		status = post(curl, &job);
	(void)pthread_mutex_lock(&sb->lock);
	conclude(sb, job.id, status);
	free(job.body);
}

static void *sender(void *arg)
{
	struct sandbox *sb = arg;
	CURL *curl = curl_easy_init();

	if (!curl)
		return NULL;
	(void)pthread_mutex_lock(&sb->lock);
	while (!atomic_load(&sb->hooks->stopping)) {
		int64_t due_ms;
		const struct delivery *d = next_due(sb->hooks, times_steady_ms(), &due_ms);

		if (d && *sb->switches.hook_url && !sb->switches.hook_hold)
			attempt(sb, curl, d);
		else
			wait_until(sb, d ? INT64_MAX : due_ms);
	}
	(void)pthread_mutex_unlock(&sb->lock);
	curl_easy_cleanup(curl);
	return NULL;
}

bool hooks_start(struct sandbox *sb)
{
	struct hooks *hs = sb->hooks;

	assert(!hs->running);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	hs->running = pthread_create(&hs->thread, NULL, sender, sb) == 0;
	return hs->running;
}

void hooks_stop(struct sandbox *sb)
{
	struct hooks *hs = sb->hooks;

	if (!hs->running)
		return;
	(void)pthread_mutex_lock(&sb->lock);
	atomic_store(&hs->stopping, true);
	(void)pthread_cond_signal(&hs->wake);
	(void)pthread_mutex_unlock(&sb->lock);
	(void)pthread_join(hs->thread, NULL);
	hs->running = false;
	curl_global_cleanup();
}

void hooks_wake(struct hooks *hs)
{
	(void)pthread_cond_signal(&hs->wake);
}

void hooks_write(const struct hooks *hs, struct text *out)
{
	size_t counts[STATES] = { 0 };

	for (size_t i = 0; i < hs->n; i++)
		counts[hs->v[i]->state]++;
	text_char(out, '{');
	for (int i = 0; i < STATES; i++)
		text_fmt(out, "%s\"%s\":%zu", i ? "," : "", state_words[i], counts[i]);
	text_char(out, '}');
}

static void delivery_write(const struct delivery *d, struct text *out)
{
	char created[TIMES_TEXT];
	char updated[TIMES_TEXT];

	times_iso_ms(created, d->created_ms);
	times_iso_ms(updated, d->updated_ms);
	text_fmt(out,
		 "{\"id\":\"%s\",\"webhook_id\":\"" WEBHOOK_ID "\",\"event_id\":\"%s\","
		 "\"event_action\":\"%s\",\"state\":\"%s\",\"response\":",
		 d->id, d->event_id, d->action, state_words[d->state]);
	if (d->status)
		text_fmt(out, "{\"status\":%ld}", d->status);
	else
		text_add(out, "null");
	text_fmt(out, ",\"created_at\":\"%s\",\"updated_at\":\"%s\"}", created, updated);
}

/* Reading and repeating deliveries takes an administrator's token. */
static bool allowed(const struct sandbox *sb, struct reply *re)
{
	if (!sb->switches.hindsite_admin)
		hindsite_refuse(re, 403, "Forbidden");
	return sb->switches.hindsite_admin;
}

struct filter {
	const char *state;
	const char *webhook;
	int64_t since_ms;
};

static bool passes(const struct delivery *d, const struct filter *f)
{
	return d->created_ms >= f->since_ms &&
	       (!f->state || !strcmp(f->state, state_words[d->state])) &&
	       (!f->webhook || !strcmp(f->webhook, WEBHOOK_ID));
}

/* Newest first, DELIVERIES_PER_PAGE on a page. */
static void list_page(const struct hooks *hs, const struct filter *f, size_t page, struct text *out)
{
	size_t skip = (page - 1) * DELIVERIES_PER_PAGE;
	size_t found = 0;
	size_t written = 0;

	text_add(out, "{\"webhook_deliveries\":[");
	for (size_t i = hs->n; i-- > 0;) {
		if (!passes(hs->v[i], f))
			continue;
		if (found++ < skip || written == DELIVERIES_PER_PAGE)
			continue;
		text_add(out, written++ ? "," : "");
		delivery_write(hs->v[i], out);
	}
	text_fmt(out,
		 "],\"meta\":{\"current_page\":%zu,\"per_page\":%u,\"total_pages\":%zu,"
		 "\"total_count\":%zu}}",
		 page, DELIVERIES_PER_PAGE, (found + DELIVERIES_PER_PAGE - 1) / DELIVERIES_PER_PAGE,
		 found);
}

void hooks_list(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *since = args_get(&rq->query, "since");
	struct filter f = { .state = args_get(&rq->query, "state"),
			    .webhook = args_get(&rq->query, "webhook_id"),
			    .since_ms = INT64_MIN };
	int64_t page = args_int(&rq->query, "page", 1, 1, DELIVERIES_MAX);

	if (!allowed(sb, re))
		return;
	if (since && !times_parse(since, &f.since_ms))
		hindsite_refuse(re, 400, "since is invalid");
	else
		list_page(sb->hooks, &f, (size_t)page, reply_json(re, 200));
}

/* A new delivery of the same event; the old one stays as it is. */
static const struct delivery *repeat(struct sandbox *sb, const char *id)
{
	const struct delivery *old = id ? find(sb->hooks, id) : NULL;
	struct delivery copy = { 0 };
	struct delivery *d;

	if (!old)
		return NULL;
	copy = *old;
	copy.action = must_copy(old->action);
	copy.body = must_copy(old->body);
	d = add(sb); /* may drop the old one */
	memcpy(d->event_id, copy.event_id, sizeof(d->event_id));
	memcpy(d->timestamp, copy.timestamp, sizeof(d->timestamp));
	d->action = copy.action;
	d->body = copy.body;
	return d;
}

void hooks_redeliver(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const struct delivery *d = sb->switches.hindsite_admin ? repeat(sb, rq->id) : NULL;

	if (!allowed(sb, re))
		return;
	if (d)
		delivery_write(d, reply_json(re, 201));
	else
		hindsite_refuse(re, 404, "Webhook delivery not found");
}

void hooks_redeliver_many(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "delivery_ids is missing";
	json_t *body = request_object(rq, why);
	json_t *ids = json_object_get(body, "delivery_ids");
	json_t *dropped = json_array();
	struct text *out;
	size_t i;
	json_t *id;
	bool first = true;

	if (allowed(sb, re) && !json_is_array(ids)) {
		hindsite_refuse(re, 400, why);
	} else if (sb->switches.hindsite_admin) {
		out = reply_json(re, 201);
		text_add(out, "{\"webhook_deliveries\":[");
		json_array_foreach(ids, i, id)
		{
			const struct delivery *d = repeat(sb, json_string_value(id));

			if (!d)
				(void)json_array_append(dropped, id);
			text_add(out, d && !first ? "," : "");
			first = first && !d;
			if (d)
				delivery_write(d, out);
		}
		text_add(out, "],\"meta\":{\"dropped_ids\":");
		text_value(out, dropped);
		text_add(out, "}}");
	}
	json_decref(dropped);
	json_decref(body);
}
