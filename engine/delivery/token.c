/* SPDX-License-Identifier: Apache-2.0
 *
 * token.c - OAuth client credentials (RFC 6749, 4.4): one token per connection.
 *
 * Asked for when first needed and again at 90 % of its life, which began at the
 * reply's created_at if that is earlier: a server may hand out a token it made
 * before. One refresh at a
 * time: jobs that need the token meanwhile wait for it. After a 401 the token it
 * was sent with is dropped (a newer one isn't), and the job is sent once more.
 *
 * I1  Tokens live in this thread's memory only, in struct secret.
 * I2  A job that can't get a token ends as never sent. */
#include "engine/delivery/internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/hex.h"

#define TOKEN_TIMEOUT  30000 /* ms */
#define TOKEN_REPLY    (64u * KIB)
#define TOKEN_LIFE     3600 /* s: when the reply does not say */
#define TOKEN_LIFE_MAX (30 * 86400)

struct token *token_get(struct delivery *d, const struct connection *connection)
{
	struct token *token = map_get(d->tokens, connection->name);

	if (token != NULL)
		return token;
	token = mem_zero(1, sizeof(*token) + connection->name.n + 1);
	if (token == NULL || !map_put(d->tokens, connection->name, token)) {
		mem_free(token);
		return NULL;
	}
	token->of = d;
	token->waiting_end = &token->waiting;
	token->name_size = connection->name.n;
	memcpy(token->name, connection->name.s, connection->name.n);
	return token;
}

/* Everything that waited is sent, or ends unsent when `why` is given. */
static void token_release(struct token *token, const char *why)
{
	struct job *jobs = token->waiting;

	token->waiting = NULL;
	token->waiting_end = &token->waiting;
	while (jobs != NULL) {
		struct job *job = jobs;

		jobs = job->next;
		job->next = NULL;
		if (why != NULL)
			delivery_unsent(token->of, job, why);
		else
			delivery_send(token->of, job);
	}
}

/* A created_at that can't be, or whose token would be over soon, may as well be a clock that
 * differs: a tenth of the life is waited in any case, a token that is over sooner costs one 401. */
static int64_t token_refresh_ms(const struct value *created, int64_t life, int64_t wall_ms)
{
	int64_t age = 0, rest;

	if (created != NULL && created->kind == VALUE_INT && created->i > 0 &&
	    created->i <= wall_ms / 1000)
		age = wall_ms / 1000 - created->i;
	rest = age < life ? (life - age) * 900 : 0;
	return rest > life * 100 ? rest : life * 100;
}

/* A number as RFC 6749 says, or the text of one as some servers have it; *out stays as it is for
 * anything else. */
static bool token_seconds(struct value v, int64_t *out)
{
	int64_t n = 0;

	if (v.kind == VALUE_INT)
		n = v.i;
	else if (v.kind == VALUE_DOUBLE && v.d >= 1 && v.d < 1e12)
		n = (int64_t)v.d;
	else if (v.kind != VALUE_TEXT || !text_to_int(value_as_text(v), &n))
		return false;
	if (n <= 0)
		return false;
	*out = n;
	return true;
}

static bool token_read(struct token *token, struct text body)
{
	struct delivery *d = token->of;
	struct json_error error;
	struct value v;
	int64_t life = TOKEN_LIFE;

	arena_reset(d->arena);
	if (json_parse(d->parser, d->arena, body, &v, &error) != FATE_OK)
		return false;
	const struct value *access = value_get(v, TEXT("access_token"));
	const struct value *expires = value_get(v, TEXT("expires_in"));

	if (access == NULL || access->kind != VALUE_TEXT || access->n == 0)
		return false;
	if (expires != NULL && token_seconds(*expires, &life) && life > TOKEN_LIFE_MAX)
		life = TOKEN_LIFE_MAX;
	secret_free(token->secret);
	token->secret = secret_new(value_as_text(*access));
	token->number++;
	const struct instant now = clock_read(&d->clock);

	token->refresh_at =
	    now.mono + token_refresh_ms(value_get(v, TEXT("created_at")), life, now.wall);
	arena_reset(d->arena);
	return token->secret != NULL;
}

static void token_ask(struct token *token, const struct connection *c);

static void token_wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->room);
	buf_fini(b);
}

/* The configuration changed while the request was under way. */
static bool token_again(struct token *token)
{
	const struct connection *c =
	    config_connection(token->of->config, (struct text){ token->name, token->name_size });

	if (!token->stale || token->of->stopping)
		return false;
	token->stale = false;
	if (c == NULL || c->token_url.n == 0)
		token_release(token, "its connection is no longer configured");
	else if (token->waiting != NULL)
		token_ask(token, c);
	return true;
}

/* RFC 6749, 5.2. Only words that are known are shown: a reply may quote what it was sent. */
static const char *token_error(struct token *token, struct text body)
{
	static const char *const words[] = { " (invalid_request)",        " (invalid_client)",
					     " (invalid_grant)",          " (unauthorized_client)",
					     " (unsupported_grant_type)", " (invalid_scope)" };
	struct delivery *d = token->of;
	struct json_error error;
	struct value v;
	const char *found = "";

	arena_reset(d->arena);
	if (json_parse(d->parser, d->arena, body, &v, &error) != FATE_OK)
		return "";
	const struct value *word = value_get(v, TEXT("error"));

	for (size_t i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		struct text known = { words[i] + 2, strlen(words[i]) - 3 };

		if (word->kind == VALUE_TEXT && text_eq(value_as_text(*word), known))
			found = words[i];
	}
	arena_reset(d->arena);
	return found;
}

/* Where a redirect points to, without what it was sent. */
static void token_redirect(const struct token *token, const struct http_outcome *o,
			   char out[REDIRECT_SIZE])
{
	const struct connection *c =
	    config_connection(token->of->config, (struct text){ token->name, token->name_size });
	struct concealer *cover = c != NULL ? cover_token(c) : NULL;
	struct text kept;
	struct buf b;

	ending_redirect(c, o, out);
	buf_init(&b, REDIRECT_SIZE - 1);
	kept = cover != NULL ? conceal(cover, text_of(out), &b) : TEXT_NONE;
	if (kept.s != out)
		(void)snprintf(out, REDIRECT_SIZE, "%.*s", TEXT_ARG(kept));
	buf_fini(&b);
	concealer_free(cover);
}

static void token_done(void *of, const struct http_outcome *o)
{
	struct token *token = of;
	char redirect[REDIRECT_SIZE], why[160 + REDIRECT_SIZE];

	token->asking = false;
	if (token_again(token))
		return;
	if (o->end == HTTP_REPLIED && o->status >= 200 && o->status < 300) {
		if (token_read(token, o->body)) {
			token_release(token, NULL);
			return;
		}
		(void)snprintf(why, sizeof(why), "no token: the reply holds no access_token");
	} else if (o->end == HTTP_REPLIED) {
		token_redirect(token, o, redirect);
		(void)snprintf(why, sizeof(why), "no token: refused with status %d%s%s%s",
			       o->status, token_error(token, o->body),
			       o->status == 400 || o->status == 401
				   ? "; check client_id and client_secret"
			       : redirect[0] != '\0' ? "; set the connection's base_url, "
						     : "",
			       redirect);
	} else {
		(void)snprintf(why, sizeof(why), "no token: %s", o->error);
	}
	if (!token->of->stopping)
		log_write(LOG_WARN, "a token could not be had", LOG_S("connection", token->name),
			  LOG_S("why", why));
	token_release(token, why);
}

/* RFC 6749, 2.3.1 and 4.4.2: the credentials go as fields, or form-encoded as user and password
 * of HTTP's Basic. */
static void token_form(struct buf *b, const struct connection *c)
{
	buf_str(b, "grant_type=client_credentials");
	if (!c->token_basic) {
		buf_str(b, "&client_id=");
		url_encode(b, secret_reveal(c->client_id));
		buf_str(b, "&client_secret=");
		url_encode(b, secret_reveal(c->client_secret));
	}
	buf_text(b, c->token_extra);
}

static void token_basic(struct buf *b, const struct connection *c)
{
	AUTO_FINI(token_wipe) struct buf plain;
	char *at;

	buf_init(&plain, 400 * KIB);
	url_encode(&plain, secret_reveal(c->client_id));
	buf_char(&plain, ':');
	url_encode(&plain, secret_reveal(c->client_secret));
	buf_str(b, "Basic ");
	at = buf_failed(&plain) ? NULL : buf_reserve(b, BASE64_SIZE(plain.n));
	if (at == NULL) {
		b->failed = true;
		return;
	}
	base64_encode(plain.s, plain.n, at);
	b->n += BASE64_SIZE(plain.n) - 1;
}

static void token_ask(struct token *token, const struct connection *c)
{
	struct http_header headers[] = {
		{ TEXT("Content-Type"), TEXT("application/x-www-form-urlencoded") },
		{ TEXT("Accept"), TEXT("application/json") },
		{ TEXT("Authorization"), TEXT_NONE },
	};
	AUTO_FINI(token_wipe) struct buf form;
	AUTO_FINI(token_wipe) struct buf basic;

	buf_init(&form, 400 * KIB);
	buf_init(&basic, 600 * KIB);
	token_form(&form, c);
	if (c->token_basic)
		token_basic(&basic, c);
	headers[2].value = buf_view(&basic);
	struct http_call call = {
		.method = "POST",
		.url = c->token_url,
		.headers = headers,
		.header_count = c->token_basic ? 3 : 2,
		.body = buf_view(&form),
		.pool = c->token_private ? HTTP_ANY_ADDRESS : HTTP_PUBLIC_ONLY,
		.timeout_ms = TOKEN_TIMEOUT,
		.reply_limit = TOKEN_REPLY,
	};

	delivery_transport(&call, c);
	token->asking = true;
	if (buf_failed(&form) || buf_failed(&basic) ||
	    http_client_start(token->of->client, &call, token_done, token) == NULL) {
		token->asking = false;
		token_release(token, "no token: memory is out");
	}
}

bool token_ready(struct token *token, const struct connection *connection, struct job *job)
{
	if (token->secret != NULL && clock_read(&token->of->clock).mono < token->refresh_at)
		return true;
	job->next = NULL;
	*token->waiting_end = job;
	token->waiting_end = &job->next;
	if (!token->asking)
		token_ask(token, connection);
	return false;
}

void token_refused(struct token *token, uint64_t number)
{
	if (token->number != number)
		return;
	secret_free(token->secret);
	token->secret = NULL;
}

/* Structs stay, for transfers point at them; the tokens go, for credentials may differ. What
 * a request under way brings is of the old ones: it is asked for again then. */
void tokens_forget(struct delivery *d)
{
	struct text key;
	void *value;

	for (size_t at = 0; map_next(d->tokens, &at, &key, &value);) {
		struct token *token = value;

		secret_free(token->secret);
		token->secret = NULL;
		token->stale = token->asking;
	}
}

void tokens_free(struct delivery *d)
{
	struct text key;
	void *value;

	for (size_t at = 0; d->tokens != NULL && map_next(d->tokens, &at, &key, &value);) {
		struct token *token = value;

		while (token->waiting != NULL) {
			struct job *job = token->waiting;

			token->waiting = job->next;
			job_free(job);
		}
		secret_free(token->secret);
		mem_free(token);
	}
	map_free(d->tokens);
}
