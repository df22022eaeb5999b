/* SPDX-License-Identifier: Apache-2.0
 *
 * How a connection to any API signs in, signs its requests, and which way they
 * take. */
#include "tests/unit/test_rules_kit.h"

#define HEAD "connections:\n  a: { connector: http, base_url: https://a.example/api,\n       "

static const struct connection *load(struct kit *k, const char *settings)
{
	char text[1200];

	kit_init(k);
	snprintf(text, sizeof(text), HEAD "%s }\n", settings);
	kit_config(k, text);
	if (diags_errors(k->diags) > 0)
		kit_show(k->diags);
	ck_assert_uint_eq(diags_errors(k->diags), 0);
	return config_connection(k->config, TEXT("a"));
}

/* A mistake of the third line. */
static void wrong(const char *settings, int column, const char *what, const char *hint)
{
	char text[600];
	struct kit k;

	kit_init(&k);
	snprintf(text, sizeof(text), HEAD "%s }\n", settings);
	kit_config(&k, text);
	kit_expect(k.diags, 3, column, what, hint);
	kit_fini(&k);
}

static bool owns(const struct connection *c, const char *header)
{
	const struct value *own = value_get(c->settings, TEXT("own_headers"));

	ck_assert_ptr_nonnull(own);
	for (uint32_t i = 0; i < own->n; i++)
		if (text_is(value_as_text(own->items[i]), header))
			return true;
	return false;
}

static bool hides(const char *base_url, const char *more)
{
	char text[600];
	bool hides;
	struct kit k;

	kit_init(&k);
	snprintf(text, sizeof(text), "connections:\n  a: { connector: http, base_url: \"%s\"%s }\n",
		 base_url, more);
	kit_config(&k, text);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	hides = config_connection(k.config, TEXT("a"))->hides_path;
	kit_fini(&k);
	return hides;
}

/* A path that comes from outside may be a secret. */
START_TEST(hidden_paths)
{
	static const char token[] =
	    ", oauth2: { token_url: \"https://b.example/${env:A_TOKEN}\", client_id: a, "
	    "client_secret: b }";

	ck_assert_int_eq(setenv("A_HOST", "a.example", 1), 0);
	ck_assert_int_eq(setenv("A_TOKEN", "hush", 1), 0);
	ck_assert_int_eq(setenv("A_URL", "https://a.example/hush", 1), 0);
	ck_assert_int_eq(setenv("A_PLACE", "a.example/hush", 1), 0);
	ck_assert(!hides("https://a.example/api/", ""));
	ck_assert(!hides("https://${env:A_HOST}/api/", ""));
	ck_assert(hides("https://a.example/api/${env:A_TOKEN}/x", ""));
	ck_assert(hides("https://a.example?key=${env:A_TOKEN}", ""));
	ck_assert(hides("${env:A_URL}", ""));
	ck_assert(hides("https://${env:A_PLACE}/x", ""));
	ck_assert(hides("https://a.example/api/", token));
}
END_TEST

START_TEST(bearer)
{
	struct kit k;
	const struct connection *c = load(&k, "bearer: abc");

	ck_assert(text_is(secret_reveal(c->token), "abc"));
	ck_assert(c->token_url.n == 0 && c->auth_header.n == 0 && c->signing == NULL);
	ck_assert(owns(c, "Authorization"));
	kit_fini(&k);
}
END_TEST

/* The example of RFC 7617, 2. */
START_TEST(basic)
{
	struct kit k;
	const struct connection *c = load(&k, "basic: { user: Aladdin, password: 'open sesame' }");

	ck_assert(text_is(c->auth_header, "Authorization"));
	ck_assert(text_is(secret_reveal(c->auth_value), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
	kit_fini(&k);
	/* The one with UTF-8 of 2.1. */
	c = load(&k, "basic: { user: test, password: '123\\u00a3' }");
	kit_fini(&k);
	c = load(&k, "basic: { user: test, password: \"123\\u00a3\" }");
	ck_assert(text_is(secret_reveal(c->auth_value), "Basic dGVzdDoxMjPCow=="));
	kit_fini(&k);
}
END_TEST

START_TEST(api_key)
{
	struct kit k;
	const struct connection *c = load(&k, "api_key: { header: X-Key, value: abc }");

	ck_assert(text_is(c->auth_header, "X-Key") && c->auth_query.n == 0);
	ck_assert(text_is(secret_reveal(c->auth_value), "abc"));
	ck_assert(owns(c, "X-Key"));
	kit_fini(&k);
	c = load(&k, "api_key: { header: Authorization, prefix: 'Token ', value: abc }");
	ck_assert(text_is(secret_reveal(c->auth_value), "Token abc"));
	kit_fini(&k);
	c = load(&k, "api_key: { query: key, value: abc }");
	ck_assert(text_is(c->auth_query, "key") && c->auth_header.n == 0);
	kit_fini(&k);
}
END_TEST

START_TEST(oauth2)
{
	struct kit k;
	const struct connection *c =
	    load(&k, "oauth2: { token_url: https://l.example/t, client_id: i, client_secret: s,\n"
		     "  scope: [a, 'b:c'], params: { audience: 'https://x/' } }");

	ck_assert(text_is(c->token_url, "https://l.example/t"));
	ck_assert_str_eq(c->token_extra.s, "&scope=a%20b%3Ac&audience=https%3A%2F%2Fx%2F");
	ck_assert(c->token_basic && c->token_private);
	ck_assert(text_is(secret_reveal(c->client_id), "i"));
	kit_fini(&k);
	setenv("TAPPET_TEST", "l.example", 1);
	c = load(&k, "oauth2: { token_url: 'https://${env:TAPPET_TEST}/t', client_id: i,\n"
		     "  client_secret: s, send: body }");
	ck_assert(!c->token_basic && !c->token_private);
	ck_assert(text_is(c->token_url, "https://l.example/t"));
	kit_fini(&k);
	c = load(&k, "oauth2: { token_url: https://10.0.0.1/t, client_id: i, client_secret: s },\n"
		     "  allow_private: false");
	ck_assert(!c->token_private && !c->allow_private);
	kit_fini(&k);
}
END_TEST

START_TEST(sign)
{
	struct kit k;
	const struct connection *c =
	    load(&k, "bearer: x, sign: { with: standard-webhooks,\n"
		     "  secret: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, AAAA] }");

	ck_assert_ptr_nonnull(c->signing);
	ck_assert(c->signing->standard && c->signing->key_count == 2);
	ck_assert_uint_eq(secret_reveal(c->signing->keys[0]).n, 24);
	ck_assert_uint_eq(secret_reveal(c->signing->keys[1]).n, 3);
	ck_assert(owns(c, "webhook-id") && owns(c, "webhook-timestamp"));
	kit_fini(&k);
	c = load(&k, "sign: { with: hmac, secret: 6b6579, secret_encoding: hex, header: X-Sig,\n"
		     "  algorithm: sha1, encoding: base64, prefix: 'k=', id_header: X-Id,\n"
		     "  signed: '{method}{path}{id}{body}{body}' }");
	ck_assert(text_is(secret_reveal(c->signing->keys[0]), "key"));
	ck_assert(c->signing->hash == CRYPTO_HMAC_SHA1 && c->signing->base64);
	ck_assert_uint_eq(c->signing->part_count, 5);
	ck_assert_int_eq(c->signing->parts[1].kind, SIGNED_PATH);
	ck_assert(owns(c, "X-Sig") && owns(c, "X-Id"));
	kit_fini(&k);
	c = load(&k, "sign: { with: hmac, secret: x, header: S, timestamp_header: T }");
	ck_assert_uint_eq(c->signing->part_count, 3);
	kit_fini(&k);
}
END_TEST

START_TEST(auth_mistakes)
{
	wrong("bearer: x, basic: { user: u, password: p }", 26, "can't be given together",
	      "two connections");
	wrong("basic: { user: 'a:b', password: p }", 23, "no colon", "");
	wrong("basic: { user: a }", 15, "\"password\" is missing", "");
	wrong("basic: x", 15, "", "");
	wrong("api_key: { value: x }", 17, "into a header or into the query", "X-Api-Key");
	wrong("api_key: { header: A, query: b, value: x }", 17, "into a header or", "");
	wrong("api_key: { header: 'a b', value: x }", 27, "no name of a header", "");
	wrong("api_key: { header: Host, value: x }", 27, "set by tappet itself", "");
	wrong("api_key: { query: a, prefix: b, value: x }", 37, "only a header's", "");
	wrong("oauth2: { token_url: /t, client_id: i, client_secret: s }", 29, "no URL", "https");
	wrong("oauth2: { token_url: https://a/t, client_id: i }", 16, "\"client_secret\"", "");
	wrong("oauth2: { token_url: https://a/t, client_id: i, client_secret: s, send: hdr }", 80,
	      "\"hdr\"", "");
	wrong("oauth2: { token_url: https://a/t, client_id: i, client_secret: s,"
	      " params: { scope: x } }",
	      84, "set by tappet itself", "");
	wrong("sign: { secret: x }", 14, "\"with\" is missing", "hmac");
	wrong("sign: { with: hmac, secret: x }", 14, "\"header\" is missing", "");
	wrong("sign: { with: hmac, header: H }", 14, "\"secret\" is missing", "");
	wrong("sign: { with: standard-webhooks, secret: '!' }", 49, "not base64", "");
	wrong("sign: { with: standard-webhooks, secret: whsk_AAAA }", 49, "not yet", "whsec_");
	wrong("sign: { with: standard-webhooks, secret: AAAA, header: X }", 55, "has no \"header\"",
	      "hmac");
	wrong("sign: { with: hmac, header: H, secret: [a, b] }", 47, "one secret", "");
	wrong("sign: { with: hmac, header: H, secret: x, signed: '{timestamp}' }", 58,
	      "nothing tells the receiver", "timestamp_header");
	wrong("sign: { with: hmac, header: H, secret: x, signed: '{bdy}' }", 58, "no such value",
	      "{method}");
	wrong("sign: { with: hmac, header: H, secret: x, signed: '' }", 58, "nothing is signed",
	      "");
	wrong("sign: { with: hmac, header: H, secret: x, timestamp_format: iso8601 }", 68,
	      "no timestamp is sent", "");
	wrong("sign: { with: hmac, header: H, secret: xyz, secret_encoding: hex }", 47, "not hex",
	      "");
}
END_TEST

/* What is wrong with a secret is said without it. */
START_TEST(secrets_stay_unsaid)
{
	struct kit_file f;
	struct buf b;
	struct kit k;

	kit_init(&k);
	setenv("TAPPET_TEST", "s3cr3t!", 1);
	kit_write(&f, "tappet.yaml",
		  HEAD "sign: { with: standard-webhooks, secret: '${env:TAPPET_TEST}' },\n"
		       "       proxy: '${env:TAPPET_TEST}' }\n");
	config_free(k.config);
	k.config = config_load(f.path, CONFIG_SECRETS_NEEDED, k.diags);
	kit_remove(&f);
	ck_assert_uint_eq(diags_errors(k.diags), 2);
	buf_init(&b, MIB);
	diags_print(k.diags, &b, false);
	ck_assert(strstr(buf_cstr(&b), "s3cr3t") == NULL);
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

/* A secret in place of the map that should hold it is not shown either. */
START_TEST(secrets_in_the_wrong_place)
{
	static const char *const config =
	    "connections:\n"
	    "  a: { connector: http, base_url: \"https://a.example\", api_key: s3cr3t }\n"
	    "  b: { connector: http, base_url: \"https://a.example\", basic: s3cr3t }\n"
	    "  c: { connector: hindsite, client_id: \"${env:A}\", client_secret: \"${env:A}\",\n"
	    "       webhook: s3cr3t }\n";
	struct buf b;
	struct kit k;

	kit_init(&k);
	kit_config(&k, config);
	kit_expect(k.diags, 2, 65, "api_key must be a map, not a text", "value: \"${env:NAME}\"");
	kit_expect(k.diags, 3, 63, "basic must be a map, not a text", "password: ");
	kit_expect(k.diags, 5, 17, "webhook must be a map, not a text", "webhook: { secret: ");
	buf_init(&b, MIB);
	diags_print(k.diags, &b, false);
	ck_assert(strstr(buf_cstr(&b), "s3cr3t") == NULL);
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

START_TEST(proxy)
{
	struct kit k;
	const struct connection *c = load(&k, "proxy: 'http://10.1.2.3:3128'");

	ck_assert(text_is(secret_reveal(c->transport.proxy), "http://10.1.2.3:3128"));
	ck_assert(c->transport.proxy_private && c->transport.ca.n == 0);
	ck_assert_uint_eq(diags_count(k.diags), 0);
	kit_fini(&k);
	setenv("TAPPET_TEST", "http://u:p@h.example:80/", 1);
	c = load(&k, "proxy: '${env:TAPPET_TEST}'");
	ck_assert(!c->transport.proxy_private);
	kit_fini(&k);
	c = load(&k, "proxy: 'https://u:p@[::1]:3128'");
	kit_expect(k.diags, 3, 15, "a secret is written in the file", "${env:NAME}");
	kit_fini(&k);
	wrong("proxy: 'http://h.example'", 15, "no URL of an HTTP proxy with its port", "3128");
	wrong("proxy: 'socks5://h.example:1080'", 15, "no URL", "");
	wrong("proxy: 'http://h.example:1/x'", 15, "no URL", "");
	wrong("proxy: 'http://:80'", 15, "no URL", "");
	wrong("proxy: 'http://u@:80'", 15, "no URL", "");
	wrong("ca_file: 5", 17, "must be a text", "");
	wrong("ca_file: '${file:x}'", 17, "no ${...} here", "");
	wrong("ca_file: none.pem", 17, "none.pem can't be read", "");
}
END_TEST

START_TEST(authorities)
{
	struct diags *diags = diags_new();
	struct kit_file f;
	struct config *config;

	kit_write(&f, "tappet.yaml", HEAD "ca_file: tappet.yaml }\n");
	config = config_load(f.path, CONFIG_SECRETS_OPTIONAL, diags);
	kit_expect(diags, 3, 17, "holds no certificates", "PEM");
	/* It is watched, as a secret's file is. */
	ck_assert_uint_eq(config->secret_file_count, 1);
	config_free(config);
	diags_free(diags);
	kit_remove(&f);
}
END_TEST

/* Every connector takes them. */
START_TEST(common_to_all)
{
	struct kit k;
	const struct connection *c;

	kit_init(&k);
	kit_config(&k, "connections:\n  a: { connector: hindsite, client_id: x, client_secret: y,\n"
		       "       proxy: 'http://h.example:1' }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	c = config_connection(k.config, TEXT("a"));
	ck_assert_ptr_nonnull(c->transport.proxy);
	ck_assert(text_ends(c->token_url, TEXT("/oauth/token")));
	ck_assert(!c->token_basic && c->token_extra.n == 0);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_config_auth", hidden_paths, bearer, basic, api_key, oauth2, sign, auth_mistakes,
	  secrets_stay_unsaid, secrets_in_the_wrong_place, proxy, authorities, common_to_all)
