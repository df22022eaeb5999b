/* SPDX-License-Identifier: Apache-2.0
 *
 * config_auth - how a connection to any HTTP API proves itself: one of bearer,
 * basic, api_key and oauth2, and beside it `sign`.
 *
 * Everything that can be made ahead is made here (the whole value of a header,
 * the decoded key), so that a mistake is found with its position and sending
 * only puts things together.
 * I1  Secrets end up in struct secret; buffers on the way are wiped.
 * Sources: RFC 6750 (bearer), RFC 7617 (basic), RFC 6749 4.4 (oauth2),
 * https://www.standardwebhooks.com (sign). */
#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"
#include "engine/rules/config_internal.h"

static const char *const ways[] = { "bearer", "basic", "api_key", "oauth2", NULL };

bool config_auth_owns(const char *setting)
{
	assert(setting != NULL);
	for (size_t i = 0; ways[i] != NULL; i++)
		if (strcmp(setting, ways[i]) == 0)
			return true;
	return strcmp(setting, "sign") == 0;
}

static void wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->room);
	buf_fini(b);
}

/* A header of ours, under `key`. */
static void own_header(struct configuring *c, const struct yaml_node *map, const char *key,
		       const char **out)
{
	static const char *const others[] = {
		"host",       "content-length", "transfer-encoding", "content-type",
		"connection", "expect",         "user-agent",        NULL
	};

	config_header_name(c, map, key, out);
	for (size_t i = 0; *out != NULL && others[i] != NULL; i++)
		if (text_ieq(text_of(*out), text_of(others[i])))
			reader_error(&c->r, yaml_get(map, key), "like X-Signature",
				     "the header %s is set by tappet itself", *out);
}

/* ---- basic ---- */

/* "Basic " and base64 of USER:PASSWORD. */
static struct secret *basic_value(struct configuring *c, struct text user, struct text password)
{
	AUTO_FINI(wipe) struct buf plain, value;
	char *at;

	buf_init(&plain, 3 * LIMIT_SECRET_FILE);
	buf_init(&value, 5 * LIMIT_SECRET_FILE);
	buf_text(&plain, user);
	buf_char(&plain, ':');
	buf_text(&plain, password);
	buf_str(&value, "Basic ");
	at = buf_failed(&plain) ? NULL : buf_reserve(&value, BASE64_SIZE(plain.n));
	if (at == NULL)
		return NULL;
	base64_encode(plain.s, plain.n, at);
	value.n += BASE64_SIZE(plain.n) - 1;
	return config_keep(c, buf_view(&value));
}

static void basic(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char hint[] = "basic: { user: NAME, password: \"${env:NAME}\" }";
	static const char *const keys[] = { "user", "password", NULL };
	const struct yaml_node *user, *password;
	struct secret *secret;
	struct text name;

	if (!config_secret_map(c, node, "basic",
			       "basic: { user: NAME, password: \"${env:NAME}\" }") ||
	    !reader_keys(&c->r, node, "basic", keys, NULL))
		return;
	user = reader_need(&c->r, node, "user", hint);
	password = reader_need(&c->r, node, "password", hint);
	if (user == NULL || password == NULL || !config_env_text(c, user, &name))
		return;
	if (text_find(name, TEXT(":")) != SIZE_MAX) {
		reader_error(&c->r, user, "the colon stands between name and password",
			     "a user's name has no colon");
		return;
	}
	secret = config_secret(c, password);
	if (secret == NULL)
		return;
	conn->auth_value = basic_value(c, name, secret_reveal(secret));
	conn->auth_secret = secret;
	conn->auth_header = TEXT("Authorization");
}

/* ---- api_key ---- */

static void key_value(struct configuring *c, const struct yaml_node *node,
		      const struct yaml_node *value, struct connection *conn)
{
	AUTO_FINI(wipe) struct buf whole;
	const struct yaml_node *prefix = yaml_get(node, "prefix");
	struct secret *secret = config_secret(c, value);
	struct text t;

	buf_init(&whole, 3 * LIMIT_SECRET_FILE);
	if (prefix != NULL && config_text(c, prefix, &t))
		buf_text(&whole, t);
	if (prefix != NULL && conn->auth_query.n > 0)
		reader_error(&c->r, prefix, "", "only a header's value has a prefix");
	if (secret == NULL)
		return;
	buf_text(&whole, secret_reveal(secret));
	conn->auth_value = config_keep(c, buf_view(&whole));
	conn->auth_secret = secret;
}

static void api_key(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char *const keys[] = { "header", "query", "value", "prefix", NULL };
	const struct yaml_node *value, *query;
	const char *header = NULL;

	if (!config_secret_map(c, node, "api_key",
			       "api_key: { header: X-Api-Key, value: \"${env:NAME}\" }") ||
	    !reader_keys(&c->r, node, "api_key", keys, NULL))
		return;
	value = reader_need(&c->r, node, "value",
			    "api_key: { header: X-Api-Key, value: \"${env:NAME}\" }");
	own_header(c, node, "header", &header);
	conn->auth_header = text_of(header);
	query = yaml_get(node, "query");
	if (query != NULL && config_text(c, query, &conn->auth_query) && conn->auth_query.n == 0)
		reader_error(&c->r, query, "like api_key", "the parameter needs a name");
	if ((yaml_get(node, "header") != NULL) == (query != NULL) && !node->damaged)
		reader_error(&c->r, node, "header: X-Api-Key, or query: api_key",
			     "the key goes into a header or into the query");
	else if (value != NULL)
		key_value(c, node, value, conn);
}

/* ---- oauth2 ---- */

/* "&NAME=VALUE" */
static void extra_field(struct buf *out, struct text name, struct text value)
{
	buf_char(out, '&');
	url_encode(out, name);
	buf_char(out, '=');
	url_encode(out, value);
}

struct scopes {
	struct configuring *c;
	struct buf *text;
};

static void add_scope(void *of, struct yaml_node *node)
{
	struct scopes *s = of;
	struct text t;

	if (!config_text(s->c, node, &t))
		return;
	if (s->text->n > 0)
		buf_char(s->text, ' ');
	buf_text(s->text, t);
}

static void oauth_params(struct configuring *c, const struct yaml_node *node, struct buf *out)
{
	static const char *const ours[] = { "grant_type", "client_id", "client_secret", "scope",
					    NULL };
	struct text value;

	if (node->kind != YAML_MAP)
		reader_error(&c->r, node, "params: { audience: https://api.example.com }",
			     "params must be a map, not %s", yaml_kind_words(node));
	for (size_t i = 0; node->kind == YAML_MAP && i < node->count; i++) {
		struct text name = node->pairs[i].key->text;

		for (size_t k = 0; ours[k] != NULL; k++)
			if (text_is(name, ours[k]))
				reader_error(&c->r, node->pairs[i].key, "",
					     "\"%s\" is set by tappet itself", ours[k]);
		if (config_text(c, node->pairs[i].val, &value))
			extra_field(out, name, value);
	}
}

static void oauth_form(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	AUTO_FINI(buf_fini) struct buf out;
	AUTO_FINI(buf_fini) struct buf scope;
	const struct yaml_node *given = yaml_get(node, "scope");
	struct scopes scopes = { c, &scope };

	buf_init(&out, 8 * KIB);
	buf_init(&scope, 4 * KIB);
	if (given != NULL)
		reader_each(given, add_scope, &scopes);
	if (scope.n > 0)
		extra_field(&out, TEXT("scope"), buf_view(&scope));
	given = yaml_get(node, "params");
	if (given != NULL)
		oauth_params(c, given, &out);
	if (buf_failed(&out) || buf_failed(&scope))
		reader_error(&c->r, node, "", "scope and params are too long");
	else
		conn->token_extra = text_dup(c->r.arena, buf_view(&out));
}

static void oauth_url(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	struct text url;

	if (!config_env_text(c, node, &url))
		return;
	if ((!text_starts(url, TEXT("https://")) && !text_starts(url, TEXT("http://"))) ||
	    config_url_host(url).n == 0 || !url_is_clean(url)) {
		reader_error(&c->r, node, "like https://login.example.com/oauth/token",
			     "this is no URL");
		return;
	}
	conn->token_url = text_dup(c->r.arena, url);
	conn->hides_path = conn->hides_path || config_url_hides(node->text, url);
	if (text_find(config_url_host(node->text), TEXT("${")) == SIZE_MAX)
		conn->token_private = true;
}

static void oauth2(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char *const keys[] = { "token_url", "client_id", "client_secret",
					    "scope",     "params",    "send",
					    NULL };
	static const char *const places[] = { "basic", "body", NULL };
	static const char hint[] = "oauth2: { token_url: URL, client_id: \"${env:ID}\", "
				   "client_secret: \"${env:SECRET}\" }";
	const struct yaml_node *url, *id, *secret, *send;
	int place = 0;

	if (!reader_keys(&c->r, node, "oauth2", keys, NULL))
		return;
	url = reader_need(&c->r, node, "token_url", hint);
	id = reader_need(&c->r, node, "client_id", hint);
	secret = reader_need(&c->r, node, "client_secret", hint);
	send = yaml_get(node, "send");
	if (send != NULL)
		reader_choice(&c->r, send, places, NULL, &place);
	conn->token_basic = place == 0;
	oauth_form(c, node, conn);
	if (url != NULL)
		oauth_url(c, url, conn);
	if (id != NULL) { /* often public, so no warning about one that is written out */
		bool literal;

		conn->client_id = config_secret_text(c, id, &literal);
	}
	if (secret != NULL)
		conn->client_secret = config_secret(c, secret);
}

/* ---- sign ---- */

enum { WITH_STANDARD, WITH_HMAC };

/* Where a configuration is only checked, what stands outside may be a stand-in. */
static enum severity severity_of(const struct configuring *c, const struct yaml_node *node)
{
	bool literal = text_find(node->text, TEXT("${")) == SIZE_MAX;

	return literal || c->secrets == CONFIG_SECRETS_NEEDED ? DIAG_ERROR : DIAG_WARNING;
}

static void misspelled(struct configuring *c, const struct yaml_node *node, enum key_form form)
{
	diags_add(c->r.diags, severity_of(c, node), node->at,
		  "copy it whole, as the other side shows it",
		  "the secret is not %s of at most %u bytes", form == KEY_HEX ? "hex" : "base64",
		  LIMIT_SIGNING_KEY);
}

void config_key_spelled(struct configuring *c, const struct yaml_node *node, struct text given,
			enum key_form form)
{
	char key[LIMIT_SIGNING_KEY];
	size_t n = 0;

	assert(c != NULL && node != NULL);
	if (form != KEY_TEXT && given.n > 0 &&
	    !(form == KEY_HEX ? hex_decode(given, key, sizeof(key), &n)
			      : base64_decode(given, key, sizeof(key), &n)))
		misspelled(c, node, form);
	bytes_wipe(key, sizeof(key));
}

/* `form`: how the text spells the key. What it was is never shown. */
static struct secret *decoded(struct configuring *c, const struct yaml_node *node,
			      const struct secret *given, enum key_form form)
{
	char key[LIMIT_SIGNING_KEY];
	struct text t = secret_reveal(given);
	struct secret *made = NULL;
	size_t n = 0;

	if (form == KEY_TEXT)
		return config_keep(c, t);
	if (form == KEY_HEX ? hex_decode(t, key, sizeof(key), &n)
			    : base64_decode(t, key, sizeof(key), &n))
		made = config_keep(c, (struct text){ key, n });
	else if (t.n > 0 || c->secrets == CONFIG_SECRETS_NEEDED)
		misspelled(c, node, form);
	bytes_wipe(key, sizeof(key));
	return made;
}

/* "whsec_" and base64. */
static struct secret *standard_key(struct configuring *c, const struct yaml_node *node)
{
	struct secret *given = config_secret(c, node), *rest;
	struct text t = given != NULL ? secret_reveal(given) : TEXT_NONE;
	struct text prefix = TEXT("whsec_");

	if (given == NULL)
		return NULL;
	if (text_starts(t, TEXT("whsk_"))) {
		reader_error(&c->r, node, "use a whsec_ secret",
			     "signing with ed25519 keys is not yet supported");
		return NULL;
	}
	if (text_starts(t, prefix))
		t = (struct text){ t.s + prefix.n, t.n - prefix.n };
	rest = config_keep(c, t);
	return rest != NULL ? decoded(c, node, rest, KEY_BASE64) : NULL;
}

static struct secret *hmac_key(struct configuring *c, const struct yaml_node *map,
			       const struct yaml_node *node)
{
	static const char *const forms[] = { "text", "hex", "base64", NULL };
	const struct yaml_node *form = yaml_get(map, "secret_encoding");
	struct secret *given;
	int choice = 0;

	if (form != NULL && !reader_choice(&c->r, form, forms, NULL, &choice))
		return NULL;
	given = config_secret(c, node);
	return given != NULL ? decoded(c, node, given, (enum key_form)choice) : NULL;
}

static void sign_keys(struct configuring *c, const struct yaml_node *map, struct signing *s)
{
	const struct yaml_node *node = reader_need(&c->r, map, "secret", "secret: \"${env:NAME}\"");
	size_t n = node != NULL && node->kind == YAML_LIST ? node->count : 1;

	if (node == NULL)
		return;
	if (node->kind == YAML_LIST && !s->standard) {
		reader_error(&c->r, node, "", "a request is signed with one secret");
		return;
	}
	if (n == 0 || n > LIMIT_SIGNING_KEYS) {
		reader_error(&c->r, node, "", "from 1 to %d secrets are needed",
			     LIMIT_SIGNING_KEYS);
		return;
	}
	s->keys = arena_array(c->r.arena, n, sizeof(*s->keys));
	for (size_t i = 0; s->keys != NULL && i < n; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ? node->items[i] : node;
		struct secret *key = s->standard ? standard_key(c, item) : hmac_key(c, map, item);

		if (key != NULL)
			s->keys[s->key_count++] = key;
	}
}

static void sign_words(struct configuring *c, const struct yaml_node *map, struct signing *s)
{
	static const char *const algorithms[] = { "sha256", "sha512", "sha1", NULL };
	static const enum crypto_hash hashes[] = { CRYPTO_HMAC_SHA256, CRYPTO_HMAC_SHA512,
						   CRYPTO_HMAC_SHA1 };
	static const char *const encodings[] = { "hex", "base64", NULL };
	static const char *const stamps[] = { "seconds", "milliseconds", "iso8601", NULL };
	const struct yaml_node *node;
	struct text prefix;
	int choice;

	if ((node = yaml_get(map, "algorithm")) != NULL &&
	    reader_choice(&c->r, node, algorithms, NULL, &choice))
		s->hash = hashes[choice];
	if ((node = yaml_get(map, "encoding")) != NULL &&
	    reader_choice(&c->r, node, encodings, NULL, &choice))
		s->base64 = choice == 1;
	if ((node = yaml_get(map, "timestamp_format")) != NULL &&
	    reader_choice(&c->r, node, stamps, NULL, &choice))
		s->stamp = choice == 1 ? STAMP_MILLISECONDS
				       : (choice == 2 ? STAMP_ISO8601 : STAMP_SECONDS);
	if ((node = yaml_get(map, "prefix")) != NULL && config_text(c, node, &prefix)) {
		if (prefix.n > LIMIT_SIGNING_PREFIX)
			reader_error(&c->r, node, "", "the prefix is longer than %d bytes",
				     LIMIT_SIGNING_PREFIX);
		s->prefix = prefix.s;
	}
}

/* What is signed when nothing is said: as a hook expects it. */
static void sign_default(struct signing *s)
{
	static const struct signed_part body[] = { { .kind = SIGNED_BODY } };
	static const struct signed_part timed[] = { { .kind = SIGNED_TIMESTAMP },
						    { .kind = SIGNED_TEXT, .text = { ".", 1 } },
						    { .kind = SIGNED_BODY } };

	s->parts = s->timestamp_header != NULL ? timed : body;
	s->part_count = s->timestamp_header != NULL ? 3 : 1;
}

static void sign_parts(struct configuring *c, const struct yaml_node *node, struct signing *s)
{
	struct signed_template t = {
		.outgoing = true,
		.hint = "like \"{timestamp}.{body}\": {timestamp}, {id}, {method}, {path}, {body}",
	};

	if (!config_signed(c, node, &t))
		return;
	if (t.wrong == NULL && t.count == 0)
		t.wrong = "nothing is signed";
	if (t.wrong == NULL && (t.seen & (1u << SIGNED_TIMESTAMP)) != 0 &&
	    s->timestamp_header == NULL) {
		t.wrong = "nothing tells the receiver the {timestamp}";
		t.hint = "timestamp_header: NAME";
	}
	if (t.wrong != NULL) {
		reader_error(&c->r, node, t.hint, "%s", t.wrong);
		return;
	}
	s->parts = t.parts;
	s->part_count = t.count;
}

static void sign_hmac(struct configuring *c, const struct yaml_node *map, struct signing *s)
{
	const struct yaml_node *node;

	own_header(c, map, "header", &s->header);
	own_header(c, map, "timestamp_header", &s->timestamp_header);
	own_header(c, map, "id_header", &s->id_header);
	if (yaml_get(map, "header") == NULL)
		reader_need(&c->r, map, "header", "the header that carries the signature");
	sign_words(c, map, s);
	sign_default(s);
	if ((node = yaml_get(map, "signed")) != NULL)
		sign_parts(c, node, s);
	if ((node = yaml_get(map, "timestamp_format")) != NULL && s->timestamp_header == NULL)
		reader_error(&c->r, node, "timestamp_header: NAME", "no timestamp is sent");
}

/* Standard Webhooks leaves nothing to choose. */
static void sign_standard(struct configuring *c, const struct yaml_node *map, struct signing *s)
{
	for (size_t i = 0; i < map->count; i++)
		if (!text_is(map->pairs[i].key->text, "with") &&
		    !text_is(map->pairs[i].key->text, "secret"))
			reader_error(&c->r, map->pairs[i].key, "it belongs to with: hmac",
				     "with: standard-webhooks has no \"%.*s\"",
				     TEXT_ARG(map->pairs[i].key->text));
	s->base64 = true;
	s->header = "webhook-signature";
	s->timestamp_header = "webhook-timestamp";
	s->id_header = "webhook-id";
}

static void sign(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char *const keys[] = { "with",      "secret",           "secret_encoding",
					    "header",    "prefix",           "algorithm",
					    "encoding",  "signed",           "timestamp_header",
					    "id_header", "timestamp_format", NULL };
	static const char *const schemes[] = { "standard-webhooks", "hmac", NULL };
	struct signing *s = arena_array(c->r.arena, 1, sizeof(*s));
	const struct yaml_node *with;
	int choice;

	if (s == NULL || !reader_keys(&c->r, node, "sign", keys, NULL))
		return;
	with = reader_need(&c->r, node, "with", "with: standard-webhooks, or with: hmac");
	if (with == NULL || !reader_choice(&c->r, with, schemes, NULL, &choice))
		return;
	*s = (struct signing){ .standard = choice == WITH_STANDARD,
			       .hash = CRYPTO_HMAC_SHA256,
			       .prefix = "" };
	if (s->standard)
		sign_standard(c, node, s);
	else
		sign_hmac(c, node, s);
	sign_keys(c, node, s);
	/* In check mode a key may be missing: nothing is signed then, and nothing sent. */
	if (s->key_count > 0 && s->header != NULL)
		conn->signing = s;
}

/* ---- All of it. ---- */

static void one_way(struct configuring *c, const struct yaml_node *map)
{
	const struct yaml_node *first = NULL;
	const char *word = NULL;

	for (size_t i = 0; ways[i] != NULL; i++) {
		const struct yaml_node *node = yaml_get(map, ways[i]);

		if (node != NULL && first != NULL)
			reader_error(&c->r, node, "make two connections of them",
				     "\"%s\" can't be given together with \"%s\"", ways[i], word);
		if (node != NULL && first == NULL) {
			first = node;
			word = ways[i];
		}
	}
}

/* The connector refuses these in rules. */
static void own_headers(struct configuring *c, const struct connection *conn,
			struct value_map_builder *settings)
{
	const struct signing *s = conn->signing;
	bool bearer = conn->token != NULL || conn->token_url.n > 0;
	const char *const names[] = { conn->auth_header.s, bearer ? "Authorization" : NULL,
				      s != NULL ? s->header : NULL,
				      s != NULL ? s->timestamp_header : NULL,
				      s != NULL ? s->id_header : NULL };
	struct value_list_builder list;

	value_list_begin(&list, c->r.arena);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] != NULL)
			value_list_add(&list, value_text(text_dup(c->r.arena, text_of(names[i]))));
	value_map_set(settings, "own_headers", value_list_end(&list));
}

void config_auth(struct configuring *c, const struct yaml_node *map, struct connection *conn,
		 struct value_map_builder *settings)
{
	const struct yaml_node *node;

	assert(c != NULL && map != NULL && conn != NULL && settings != NULL);
	one_way(c, map);
	if ((node = yaml_get(map, "bearer")) != NULL)
		conn->token = config_secret(c, node);
	if ((node = yaml_get(map, "basic")) != NULL)
		basic(c, node, conn);
	if ((node = yaml_get(map, "api_key")) != NULL)
		api_key(c, node, conn);
	if ((node = yaml_get(map, "oauth2")) != NULL)
		oauth2(c, node, conn);
	if ((node = yaml_get(map, "sign")) != NULL)
		sign(c, node, conn);
	own_headers(c, conn, settings);
}
