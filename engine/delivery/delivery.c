/* SPDX-License-Identifier: Apache-2.0
 *
 * delivery.c - the thread: jobs in, transfers, ends out; see delivery.h. */
#include "engine/delivery/internal.h"

#include "engine/base/cleanup.h"
#include "engine/delivery/sign.h"

/* ---- Lists. ---- */

static void job_link(struct item_list *list, struct queue_item *item)
{
	item->next = NULL;
	if (list->first == NULL)
		list->first = item;
	else
		list->last->next = item;
	list->last = item;
}

/* ---- Ends. ---- */

/* All ends of a turn are one wake-up of the sequencer, which then commits them together. */
static void delivery_flush(struct delivery *d)
{
	struct queue_item *items = d->posts.first;

	d->posts = (struct item_list){ 0 };
	queue_force_all(d->inputs, items);
}

void delivery_post(struct delivery *d, const struct input *input)
{
	struct input *copy = input_new(input);

	while (copy == NULL) {
		/* A fact that isn't told would leave its run STARTED until a restart. */
		log_write(LOG_ERROR, "memory is out: waiting to report an outcome");
		delivery_flush(d);
		http_client_turn(d->client, 100);
		copy = input_new(input);
	}
	job_link(&d->posts, &copy->item);
}

static void delivery_report(struct delivery *d, const struct job *job, const struct ending *ending,
			    unsigned credits)
{
	struct input input = { .kind = job->kind == JOB_FETCH ? INPUT_FETCHED : INPUT_OUTCOME };

	if (job->kind == JOB_FETCH)
		input.fetched = (struct fetched_input){ .source = job->source,
							.fetch = job->fetch,
							.ending = *ending };
	else
		input.outcome = (struct outcome_input){
			.run = job->run,
			.step = job->step,
			.attempt = job->attempt,
			.target = job->target,
			.credits = credits,
			.lent = job->grantee != NULL && job->grantee->rated,
			.shut = job->grantee != NULL && grantee_shut(d, job->grantee),
			.ending = *ending,
		};
	delivery_post(d, &input);
}

void delivery_ended(struct delivery *d, struct job *job, const struct ending *ending,
		    enum host_result result)
{
	unsigned credits = 0;

	if (d->stopping) {
		job_free(job);
		return;
	}
	if (job->grantee != NULL)
		credits = grantee_ended(d, job->grantee, result, ending->retry_after);
	delivery_report(d, job, ending, job->kind == JOB_FETCH ? 0 : credits);
	if (job->kind == JOB_FETCH && credits > 0) {
		struct input input = { .kind = INPUT_GRANT };

		input.grant.target = job->target;
		input.grant.credits = credits;
		input.grant.lent = job->grantee->rated;
		delivery_post(d, &input);
	}
	job_free(job);
}

void delivery_not_sent(struct delivery *d, struct job *job, const char *why, bool refused)
{
	int64_t now = clock_read(&d->clock).wall;
	const struct ending ending = {
		.how = refused ? END_REFUSED : END_NO_REPLY,
		.error = text_of(why),
		.retry_after = -1,
		.started = now,
		.ended = now,
	};

	delivery_ended(d, job, &ending, refused ? HOST_NEUTRAL : HOST_BAD);
}

void delivery_unsent(struct delivery *d, struct job *job, const char *why)
{
	delivery_not_sent(d, job, why, false);
}

void delivery_done(void *of, const struct http_outcome *o)
{
	struct job *job = of;
	struct delivery *d = job->of;

	if (!d->stopping && job->token != NULL && o->end == HTTP_REPLIED && o->status == 401) {
		token_refused(job->token, job->token_number);
		if (!job->replayed) {
			job->replayed = true;
			delivery_send(d, job);
			return;
		}
	}
	AUTO_FINI(buf_fini) struct buf body;
	AUTO_FINI(buf_fini) struct buf words;
	AUTO_FINI(buf_fini) struct buf link;
	struct ending ending = ending_of(d, job, o);
	bool mail = job->request.mail_to.n > 0;
	enum host_result result = mail ? delivery_mail_result(o) : ending_result(o);
	char redirect[REDIRECT_SIZE];

	buf_init(&body, 2 * LIMIT_REPLY);
	buf_init(&words, KIB);
	ending_redirect(config_connection(d->config, job->connection), o, redirect);
	if (redirect[0] != '\0')
		ending.error = text_of(redirect);
	buf_init(&link, 256 * KIB);
	ending.body = conceal(job->cover, ending.body, &body);
	ending.error = conceal(job->cover, ending.error, &words);
	ending.link = conceal(job->cover, ending.link, &link);
	if (buf_failed(&link))
		ending.body = TEXT_NONE; /* else the page would seem to be the last */
	ending_standing(d, job, o, &ending, &result);
	delivery_ended(d, job, &ending, result);
}

/* ---- Sending. ---- */

struct assembly {
	struct buf url, auth, body, id, own;
	struct http_header headers[32]; /* the request's and at most seven of ours */
	unsigned count;
	struct signature signature;
};

static void assembly_header(struct assembly *a, const char *name, struct text value)
{
	assert(a->count < sizeof(a->headers) / sizeof(a->headers[0]));
	a->headers[a->count++] = (struct http_header){ text_of(name), value };
}

/* Path after path, query after query. */
static void assembly_join(struct assembly *a, struct text url, struct text more)
{
	struct text path, query, more_path, more_query;

	query = text_split(url, '?', &path);
	more_query = text_split(more, '?', &more_path);
	buf_text(&a->url, path);
	buf_text(&a->url, more_path);
	if (query.n + more_query.n > 0)
		buf_char(&a->url, '?');
	buf_text(&a->url, query);
	if (query.n > 0 && more_query.n > 0)
		buf_char(&a->url, '&');
	buf_text(&a->url, more_query);
}

/* A URL that a reply named may have the connection's own parameter, whose value isn't kept: left
 * out, for it is added. */
static void assembly_without(struct buf *out, struct text url, struct text name)
{
	struct text path, query = text_split(url, '?', &path), part;
	char joint = '?';

	buf_text(out, path);
	while (query.n > 0) {
		query = text_split(query, '&', &part);
		if (part.n > name.n && text_starts(part, name) && part.s[name.n] == '=')
			continue;
		buf_char(out, joint);
		buf_text(out, part);
		joint = '&';
	}
}

static void assembly_url(struct assembly *a, const struct connection *c, const struct request *r)
{
	if (!r->absolute && c != NULL && c->url != NULL) {
		assembly_join(a, secret_reveal(c->url), r->url);
		return;
	}
	if (!r->absolute && c != NULL)
		buf_text(&a->url, c->base_url);
	if (r->absolute || c == NULL || c->auth_query.n == 0 || c->auth_value == NULL) {
		buf_text(&a->url, r->url);
		return;
	}
	assembly_without(&a->url, r->url, c->auth_query);
	buf_char(&a->url, memchr(a->url.s, '?', a->url.n) == NULL ? '?' : '&');
	url_encode(&a->url, c->auth_query);
	buf_char(&a->url, '=');
	url_encode(&a->url, secret_reveal(c->auth_value));
}

/* The body, a JSON object, with the secret as its first member. */
static void assembly_member(struct assembly *a, const struct connection *c, struct text body)
{
	assert(body.n >= 2 && body.s[0] == '{');
	buf_char(&a->body, '{');
	value_write_text(&a->body, text_of(c->connector->auth_setting));
	buf_char(&a->body, ':');
	value_write_text(&a->body, secret_reveal(c->token));
	if (body.s[1] != '}')
		buf_char(&a->body, ',');
	buf_text(&a->body, (struct text){ body.s + 1, body.n - 1 });
}

static void assembly_bearer(struct assembly *a, const struct secret *token)
{
	buf_str(&a->auth, "Bearer ");
	buf_text(&a->auth, secret_reveal(token));
	assembly_header(a, "Authorization", buf_view(&a->auth));
}

static void assembly_secret(struct assembly *a, const struct connection *c, const struct request *r)
{
	if (c->token != NULL && c->connector->auth == AUTH_MEMBER)
		assembly_member(a, c, r->body);
	else if (c->token != NULL)
		assembly_bearer(a, c->token);
	if (c->auth_header.n > 0 && c->auth_value != NULL)
		assembly_header(a, c->auth_header.s, secret_reveal(c->auth_value));
}

/* A poll's requests have no key: they are told apart by what they are, and when. */
static struct text assembly_id(struct assembly *a, const struct job *job)
{
	if (job->key.n > 0)
		return job->key;
	buf_text(&a->id, job->source);
	buf_printf(&a->id, "-%llu-%lld", (unsigned long long)job->fetch, (long long)job->started);
	return buf_view(&a->id);
}

/* Goes last: it covers the URL and the body as they are sent. */
static bool assembly_sign(struct assembly *a, const struct connection *c, const struct job *job)
{
	const struct sign_input in = {
		.method = job->request.method,
		.url = buf_view(&a->url),
		.id = assembly_id(a, job),
		.body = a->body.n > 0 ? buf_view(&a->body) : job->request.body,
		.now = job->started,
	};

	if (buf_failed(&a->id) || !sign_request(c->signing, &in, &a->signature))
		return false;
	for (unsigned i = 0; i < a->signature.count; i++)
		if (job->key.n == 0 ||
		    !text_ieq(a->signature.headers[i].name, TEXT("idempotency-key")))
			a->headers[a->count++] = a->signature.headers[i];
	return true;
}

static void assembly_init(struct assembly *a)
{
	a->count = 0;
	buf_init(&a->url, 64 * KIB);
	buf_init(&a->auth, 64 * KIB);
	buf_init(&a->body, LIMIT_REQUEST + 64 * KIB);
	buf_init(&a->id, KIB);
	buf_init(&a->own, 4 * LIMIT_SECRET_FILE + LIMIT_URL);
}

static void assembly_wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->n);
	buf_fini(b);
}

static void assembly_fini(struct assembly *a)
{
	assembly_wipe(&a->url);
	assembly_wipe(&a->auth);
	assembly_wipe(&a->body);
	assembly_wipe(&a->own);
	buf_fini(&a->id);
}

static void assembly_headers(struct assembly *a, const struct job *job)
{
	for (unsigned i = 0; i < job->request.header_count; i++)
		a->headers[a->count++] = (struct http_header){ job->request.headers[i].name,
							       job->request.headers[i].value };
	if (job->request.content_type != NULL)
		assembly_header(a, "Content-Type", text_of(job->request.content_type));
	if (job->key.n > 0)
		assembly_header(a, "Idempotency-Key", job->key);
	if (job->secret == NULL)
		return;
	auth_put(&a->own, job);
	a->headers[a->count++] =
	    (struct http_header){ job->request.auth.header, buf_view(&a->own) };
}

void delivery_transport(struct http_call *call, const struct connection *c)
{
	if (c == NULL)
		return;
	if (c->transport.proxy != NULL)
		call->proxy = secret_reveal(c->transport.proxy);
	call->proxy_any_address = c->transport.proxy_private;
	call->ca = c->transport.ca;
}

/* Private addresses are for hosts that somebody wrote down: in the connection, or, where there
 * is none, in the rule. */
enum http_pool delivery_pool(const struct job *job, const struct connection *c)
{
	bool allowed = c != NULL ? c->allow_private : job->allow_private;

	return allowed ? HTTP_ANY_ADDRESS : HTTP_PUBLIC_ONLY;
}

/* False when the request can't be signed. */
static bool assembly_make(struct assembly *a, const struct job *job, const struct connection *c)
{
	bool ours = c != NULL && !job->request.absolute;

	assembly_url(a, c, &job->request);
	assembly_headers(a, job);
	if (job->token != NULL)
		assembly_bearer(a, job->token->secret);
	else if (ours)
		assembly_secret(a, c, &job->request);
	return !ours || c->signing == NULL || assembly_sign(a, c, job);
}

static void delivery_start_call(struct delivery *d, struct job *job, const struct connection *c)
{
	AUTO_FINI(assembly_fini) struct assembly a;
	bool made;

	job->started = clock_read(&d->clock).wall;
	assembly_init(&a);
	made = assembly_make(&a, job, c);
	struct http_call call = {
		.method = job->request.method,
		.url = buf_view(&a.url),
		.headers = a.headers,
		.header_count = a.count,
		.body = a.body.n > 0 ? buf_view(&a.body) : job->request.body,
		.pool = delivery_pool(job, c),
		.timeout_ms = job->timeout,
		.reply_limit = job->kind == JOB_FETCH ? LIMIT_REPLY : LIMIT_ACTION_REPLY,
	};

	delivery_transport(&call, c);
	if (buf_failed(&a.url) || buf_failed(&a.auth) || buf_failed(&a.body) || buf_failed(&a.own))
		delivery_not_sent(d, job, "the URL, a header or the body is too long", true);
	else if (!made || http_client_start(d->client, &call, delivery_done, job) == NULL)
		delivery_not_sent(d, job, "memory is out", false);
}

static void delivery_answer(struct delivery *d, struct job *job)
{
	int64_t now = clock_read(&d->clock).wall;
	const struct ending ending = {
		.how = END_REPLIED,
		.sent = true,
		.status = 200,
		.body = job->request.body,
		.content_type = TEXT("application/json"),
		.retry_after = -1,
		.started = now,
		.ended = now,
	};

	delivery_ended(d, job, &ending, HOST_GOOD);
}

void delivery_send(struct delivery *d, struct job *job)
{
	const struct connection *c = config_connection(d->config, job->connection);
	char why[AUTH_WHY_SIZE];

	job->token = NULL;
	if (job->inside) {
		delivery_answer(d, job);
		return;
	}
	if (!auth_take(job, d->config, why)) {
		delivery_not_sent(d, job, why, true);
		return;
	}
	if (job->connection.n > 0 && c == NULL) {
		delivery_not_sent(d, job, "its connection is no longer configured", true);
		return;
	}
	if (c != NULL && c->token_url.n > 0) {
		struct token *token = token_get(d, c);

		if (token == NULL) {
			delivery_not_sent(d, job, "memory is out", false);
			return;
		}
		if (!token_ready(token, c, job))
			return;
		job->token = token;
		job->token_number = token->number;
	}
	if (!cover_take(job, c)) {
		delivery_not_sent(d, job, "memory is out", false);
		return;
	}
	if (c != NULL && c->connector->smtp)
		delivery_start_mail(d, job, c);
	else
		delivery_start_call(d, job, c);
}

/* ---- The thread. ---- */

static void delivery_job(struct delivery *d, struct job *job)
{
	job->of = d;
	if (job->kind == JOB_CONFIG) {
		config_free(d->config);
		d->config = job->config;
		job->config = NULL;
		tokens_forget(d);
		grantees_hurry(d);
		job_free(job);
		return;
	}
	if (job->kind == JOB_STOP) {
		d->stopping = true;
		job_free(job);
		return;
	}
	job->grantee = grantee_get(d, job);
	if (job->grantee == NULL && (job->kind == JOB_TARGET || job->kind == JOB_UNUSED)) {
		log_write(LOG_ERROR, "memory is out, or there are too many targets: runs wait");
		job_free(job);
	} else if (job->grantee == NULL) {
		delivery_not_sent(d, job, "memory is out, or there are too many targets", false);
	} else if (job->kind == JOB_ATTEMPT) {
		delivery_send(d, job);
	} else if (job->kind == JOB_FETCH) {
		grantee_fetch(d, job);
	} else if (job->kind == JOB_UNUSED) {
		grantee_unused(d, job->grantee, job->runs, job->gone);
		job_free(job);
	} else {
		job->grantee->demand = job->runs;
		grantee_offer(d, job->grantee);
		job_free(job);
	}
}

static void delivery_take(void *of)
{
	struct delivery *d = of;
	struct queue_item *item = queue_take(d->jobs);

	while (item != NULL) {
		struct queue_item *next = item->next;

		delivery_job(d, (struct job *)(void *)item);
		item = next;
	}
}

static void *delivery_thread(void *of)
{
	struct delivery *d = of;

	while (!d->stopping) {
		int64_t next = grantees_next(d), wait = -1;

		if (next != INT64_MAX) {
			wait = next - clock_read(&d->clock).mono;
			wait = wait > 0 ? wait : 0;
		}
		http_client_turn(d->client, clock_patience(&d->clock, wait));
		grantees_due(d);
		delivery_flush(d);
	}
	return NULL;
}

/* What was never begun; the client is gone already. */
static void delivery_drop(struct delivery *d)
{
	struct queue_item *item = queue_take(d->jobs);

	while (item != NULL) {
		struct queue_item *next = item->next;

		job_free((struct job *)(void *)item);
		item = next;
	}
}

static void delivery_free(struct delivery *d)
{
	if (d == NULL)
		return;
	d->stopping = true;
	http_client_free(d->client);
	mail_client_free(d->mail);
	if (d->jobs != NULL)
		delivery_drop(d);
	queue_free(d->jobs);
	heap_fini(&d->timers); /* its nodes are the grantees' */
	grantees_free(d);
	tokens_free(d);
	hosts_free(d->hosts);
	json_parser_free(d->parser);
	arena_free(d->arena);
	config_free(d->config);
	mem_free(d);
}

static bool delivery_make(struct delivery *d)
{
	d->jobs = queue_new(SIZE_MAX, SIZE_MAX);
	d->client = http_client_new(d->clock);
	d->mail = mail_client_new(d->clock);
	d->hosts = hosts_new();
	d->grantees = map_new();
	d->tokens = map_new();
	d->parser = json_parser_new();
	d->arena = arena_new("token", MIB);
	heap_init(&d->timers);
	return d->jobs != NULL && d->client != NULL && d->mail != NULL && d->hosts != NULL &&
	       d->grantees != NULL && d->tokens != NULL && d->parser != NULL && d->arena != NULL &&
	       http_client_watch(d->client, queue_fd(d->jobs), delivery_take, d) &&
	       http_client_watch(d->client, mail_client_fd(d->mail), mail_client_turn, d->mail);
}

enum fate delivery_start(struct config *config, struct queue *inputs, struct clock clock,
			 struct delivery **out)
{
	struct delivery *d = mem_zero(1, sizeof(*d));

	assert(config != NULL && inputs != NULL && out != NULL);
	if (d == NULL)
		return FATE_RETRY;
	d->clock = clock;
	d->inputs = inputs;
	d->config = config_ref(config);
	if (!delivery_make(d) || pthread_create(&d->thread, NULL, delivery_thread, d) != 0) {
		delivery_free(d);
		return FATE_RETRY;
	}
	*out = d;
	return FATE_OK;
}

/* ---- From other threads. ---- */

static void hand(struct delivery *d, struct job *job)
{
	queue_force(d->jobs, &job->item);
}

/* The attempt never left; say so, from the caller's thread. */
static void hand_failed(struct delivery *d, const struct attempt_out *a)
{
	const struct input input = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = a->run,
			     .step = a->step,
			     .attempt = a->attempt,
			     .target = a->target,
			     .credits = 1,
			     .ending = { .how = END_NO_REPLY,
					 .error = TEXT("memory is out"),
					 .retry_after = -1 } },
	};
	struct input *copy = input_new(&input);

	if (copy != NULL)
		queue_force(d->inputs, &copy->item);
	else
		log_write(LOG_ERROR, "memory is out: an attempt stays open until a restart",
			  LOG_I("run", a->run));
}

static bool is_elsewhere(const struct delivery_elsewhere *elsewhere, struct text target,
			 const char *method)
{
	return elsewhere != NULL && elsewhere->has(elsewhere->of, target, method);
}

static void hand_unused(struct item_list *jobs, const struct unused_out *unused)
{
	struct job *job = job_plain(JOB_UNUSED, unused->target);

	if (job == NULL) {
		log_write(LOG_ERROR, "memory is out: credit is lost until a restart");
		return;
	}
	job->runs = unused->credits;
	job->gone = unused->gone;
	job_link(jobs, &job->item);
}

static void hand_wanted(struct item_list *jobs, struct text target, unsigned runs)
{
	struct job *job = job_plain(JOB_TARGET, target);

	if (job == NULL)
		return;
	job->runs = runs;
	job_link(jobs, &job->item);
}

static void hand_fetch(struct item_list *jobs, const struct fetch_out *fetch)
{
	struct job *job = job_fetch(fetch);

	if (job != NULL)
		job_link(jobs, &job->item);
	else
		log_write(LOG_ERROR, "memory is out: a poll stands still until a reload");
}

static void hand_attempt(struct delivery *d, struct item_list *jobs,
			 const struct attempt_out *attempt)
{
	struct job *job = job_attempt(attempt);

	if (job != NULL)
		job_link(jobs, &job->item);
	else
		hand_failed(d, attempt);
}

void delivery_hand(struct delivery *d, const struct outputs *out,
		   const struct delivery_elsewhere *elsewhere)
{
	struct item_list jobs = { 0 };

	assert(d != NULL && out != NULL);
	for (size_t i = 0; i < out->unused_count; i++)
		if (!out->unused[i].plugin)
			hand_unused(&jobs, &out->unused[i]);
	for (size_t i = 0; i < out->target_count; i++)
		if (!is_elsewhere(elsewhere, out->targets[i], NULL))
			hand_wanted(&jobs, out->targets[i], out->target_runs[i]);
	for (size_t i = 0; i < out->fetch_count; i++)
		hand_fetch(&jobs, &out->fetches[i]);
	for (size_t i = 0; i < out->attempt_count; i++) {
		const struct attempt_out *a = &out->attempts[i];

		/* What happens inside of the engine has no method. */
		if (a->request.method == NULL ||
		    !is_elsewhere(elsewhere, a->target, a->request.method))
			hand_attempt(d, &jobs, a);
	}
	queue_force_all(d->jobs, jobs.first);
}

void delivery_reload(struct delivery *d, struct config *config)
{
	struct job *job = job_plain(JOB_CONFIG, TEXT_NONE);

	if (job == NULL) {
		log_write(LOG_ERROR, "memory is out: connections stay as they were");
		return;
	}
	job->config = config_ref(config);
	hand(d, job);
}

void delivery_stop(struct delivery *d)
{
	if (d == NULL)
		return;
	struct job *job = job_plain(JOB_STOP, TEXT_NONE);

	while (job == NULL)
		job = job_plain(JOB_STOP, TEXT_NONE);
	hand(d, job);
	(void)pthread_join(d->thread, NULL);
	delivery_free(d);
}
