/* SPDX-License-Identifier: Apache-2.0
 *
 * any - see any.h. Sources: RFC 7617 (basic), RFC 6750 (bearer), RFC 6749 (tokens),
 * https://www.standardwebhooks.com; the HMAC is one of many that are in use.
 */
#include "tests/sandbox/any.h"

#include "tests/sandbox/chat.h"
#include "tests/sandbox/times.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN    "Bearer any-token"
#define BASIC    "Basic YW55LXVzZXI6YW55OnDDpHNz" /* any-user, any:päss */
#define KEY      "any-key"
#define SCHEME   "Token any-key"
#define STANDARD "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define HMAC_KEY "any-hmac-secret"
/* Of tokens: any:id and any&secret, form-encoded and then base64; and as a form has them. */
#define CLIENT        "Basic YW55JTNBaWQ6YW55JTI2c2VjcmV0"
#define CLIENT_ID     "any:id"
#define CLIENT_SECRET "any&secret"
#define WINDOW_S      300 /* a signed time may be off by */

static void refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"message\":");
	text_quote(out, why ? why : "refused");
	text_char(out, '}');
}

/* ---- Who may pass. ---- */

static bool equal(const char *given, const char *wanted)
{
	return given && !strcmp(given, wanted);
}

static bool good_key(const struct request *rq)
{
	return equal(rq->header(rq->of, "X-Api-Key"), KEY) ||
	       equal(args_get(&rq->query, "api_key"), KEY) || equal(rq->authorization, SCHEME);
}

static bool good_oauth(struct sandbox *sb, const struct request *rq)
{
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), "Bearer any-access-%u", sb->any.serial);
	return sb->any.until_ms > sandbox_now_ms(sb) && equal(rq->authorization, wanted);
}

/* base64 of an HMAC, at most 89 bytes. */
static void mac(const EVP_MD *hash, const char *key, size_t key_size, const struct text *all,
		char *out)
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	(void)HMAC(hash, key, (int)key_size, (const unsigned char *)all->data, all->len, bytes, &n);
	(void)EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
}

static bool fresh(const char *stamp, int64_t unit)
{
	int64_t at = stamp ? strtoll(stamp, NULL, 10) / unit : 0;
	int64_t now = times_wall_ms() / 1000;

	return at > now - WINDOW_S && at < now + WINDOW_S;
}

/* One of several signatures, with blanks between them. */
static bool listed(const char *list, const char *wanted)
{
	size_t n = strlen(wanted);

	for (const char *at = list; at && *at; at += strcspn(at, " "), at += *at == ' ')
		if (strcspn(at, " ") == n && !strncmp(at, wanted, n))
			return true;
	return false;
}

/* A copy of a request doesn't pass again. */
static bool is_copy(struct sandbox *sb, const char *signature)
{
	if (!signature || !strcmp(sb->any.signature, signature))
		return true;
	(void)snprintf(sb->any.signature, sizeof(sb->any.signature), "%s", signature);
	return false;
}

static bool good_standard(struct sandbox *sb, const struct request *rq)
{
	const char *given = rq->header(rq->of, "webhook-signature");
	const char *id = rq->header(rq->of, "webhook-id");
	const char *stamp = rq->header(rq->of, "webhook-timestamp");
	unsigned char key[64];
	struct text all = { 0 };
	char wanted[160] = "v1,";

	if (!id || !*id || !fresh(stamp, 1))
		return false;
	(void)EVP_DecodeBlock(key, (const unsigned char *)STANDARD, (int)strlen(STANDARD));
	text_fmt(&all, "%s.%s.", id, stamp);
	text_bytes(&all, rq->body ? rq->body : "", rq->len);
	mac(EVP_sha256(), (const char *)key, strlen(STANDARD) / 4 * 3, &all, wanted + 3);
	text_fini(&all);
	return listed(given, wanted) && !is_copy(sb, given);
}

static bool good_hmac(const struct request *rq)
{
	const char *stamp = rq->header(rq->of, "X-Timestamp");
	struct text all = { 0 };
	char wanted[160] = "sha512=";

	if (!fresh(stamp, 1000))
		return false;
	text_fmt(&all, "%s\n%s\n%s\n", stamp, rq->method, rq->uri);
	text_bytes(&all, rq->body ? rq->body : "", rq->len);
	mac(EVP_sha512(), HMAC_KEY, strlen(HMAC_KEY), &all, wanted + 7);
	text_fini(&all);
	return equal(rq->header(rq->of, "X-Signature"), wanted);
}

static bool admit(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *way = rq->n_segments > 1 ? rq->segments[1] : "";
	bool good = (!strcmp(way, "bearer") && equal(rq->authorization, TOKEN)) ||
		    (!strcmp(way, "basic") && equal(rq->authorization, BASIC)) ||
		    (!strcmp(way, "key") && good_key(rq)) ||
		    (!strcmp(way, "oauth") && good_oauth(sb, rq)) ||
		    (!strcmp(way, "standard") && good_standard(sb, rq)) ||
		    (!strcmp(way, "hmac") && good_hmac(rq)) || !strcmp(way, "upload") ||
		    !strcmp(way, "echo");

	if (!good)
		refuse(re, 401, "not proven");
	return good;
}

static void expire(struct sandbox *sb)
{
	sb->any.until_ms = 0;
}

const struct vendor any = { "any", true, refuse, admit, expire };

/* ---- What they get. ---- */

/* The id and the time that were signed are kept, for tests. */
void any_receive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *id = rq->header(rq->of, "webhook-id");
	const char *stamp = rq->header(rq->of, "webhook-timestamp");
	struct text text = { 0 };
	json_t *message;

	text_fmt(&text, "%s passed %s %s", rq->segments[1], id ? id : "-", stamp ? stamp : "-");
	message = json_pack("{s:s}", "text", text.data);
	(void)chat_keep(sb, rq, message, NULL);
	json_decref(message);
	text_fini(&text);
	text_add(reply_json(re, 200), "{\"ok\":true,\"data\":{\"items\":[{\"id\":7}]}}");
}

/* Some write into their reply what they were sent: 200, or 400 for /any/echo/refused. */
void any_echo(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	bool refused = rq->n_segments > 2 && !strcmp(rq->segments[2], "refused");
	const char *key = rq->header(rq->of, "X-Api-Key");
	struct text *out = reply_json(re, refused ? 400 : 200);

	(void)sb;
	text_add(out, refused ? "{\"message\":" : "{\"authorization\":");
	text_quote(out, rq->authorization ? rq->authorization : "");
	text_add(out, ",\"key\":");
	text_quote(out, key ? key : "");
	text_char(out, '}');
}

static void token_error(struct reply *re, int status, const char *code)
{
	text_fmt(reply_json(re, status), "{\"error\":\"%s\"}", code);
}

static bool known_client(const struct request *rq, const json_t *body)
{
	const char *id = json_string_value(json_object_get(body, "client_id"));
	const char *secret = json_string_value(json_object_get(body, "client_secret"));

	if (rq->authorization)
		return equal(rq->authorization, CLIENT) && !id && !secret;
	return equal(id, CLIENT_ID) && equal(secret, CLIENT_SECRET);
}

/* Only the newest token is good. */
void any_token(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char why[160] = "";
	json_t *body = request_object(rq, why);
	const char *scope = json_string_value(json_object_get(body, "scope"));
	const char *grant = json_string_value(json_object_get(body, "grant_type"));

	if (!equal(grant, "client_credentials")) {
		token_error(re, 400, grant ? "unsupported_grant_type" : "invalid_request");
	} else if (!known_client(rq, body)) {
		token_error(re, 401, "invalid_client");
	} else if (scope && strcmp(scope, "orders:read orders:write") != 0) {
		token_error(re, 400, "invalid_scope");
	} else {
		sb->any.until_ms = sandbox_now_ms(sb) + sb->switches.token_lifetime_s * 1000;
		text_fmt(reply_json(re, 200),
			 "{\"access_token\":\"any-access-%u\",\"token_type\":\"bearer\","
			 "\"expires_in\":\"%lld\"}",
			 ++sb->any.serial, (long long)sb->switches.token_lifetime_s);
	}
	json_decref(body);
}
