/* SPDX-License-Identifier: Apache-2.0
 *
 * verify: published vectors of every scheme, each with twins that must fail. */
#include "engine/sources/verify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/limits.h"
#include "unit_main.h"

#define NOW 1614265330

struct header {
	const char *name, *value;
};

/* A request and the hook it comes to; tests bend one thing at a time. */
struct given {
	struct hook_config hook;
	struct header headers[4];
	const char *secrets[2];
	struct text body;
	int64_t now;              /* seconds */
	const char *access_token; /* of the URL, or NULL */
};

static struct text find(const void *of, const char *name)
{
	const struct header *headers = of;

	for (int i = 0; i < 4; i++)
		if (headers[i].name != NULL && strcasecmp(headers[i].name, name) == 0)
			return text_of(headers[i].value);
	return TEXT_NONE;
}

static struct text find_query(const void *of, const char *name)
{
	const struct given *g =
	    (const struct given *)(const void *)((const char *)of -
						 offsetof(struct given, headers));

	return strcmp(name, "access_token") == 0 ? text_of(g->access_token) : TEXT_NONE;
}

static bool passes_as(const struct given *g, char *id, size_t room)
{
	struct hook_config hook = g->hook;
	struct secret *secrets[2] = { NULL, NULL };
	struct verify_request r = {
		.header = find,
		.query = find_query,
		.of = g->headers,
		.body = g->body,
		.now_wall_ms = g->now * 1000,
	};
	struct text sender_id = TEXT("untouched");
	bool passed;

	for (int i = 0; i < 2 && g->secrets[i] != NULL; i++)
		secrets[hook.secret_count++] = secret_new(text_of(g->secrets[i]));
	hook.secrets = secrets;
	passed = verify_request(&hook, &r, &sender_id);
	snprintf(id, room, "%.*s", TEXT_ARG(sender_id));
	for (int i = 0; i < 2; i++)
		secret_free(secrets[i]);
	return passed;
}

static bool passes(struct given g)
{
	char id[64];

	return passes_as(&g, id, sizeof(id));
}

#define MUST_PASS(g) ck_assert_msg(passes(g), "line %d must pass", __LINE__)
#define MUST_FAIL(g) ck_assert_msg(!passes(g), "line %d must fail", __LINE__)

/* One header's value replaced, by name. */
static struct given with(struct given g, const char *name, const char *value)
{
	for (int i = 0; i < 4; i++)
		if (g.headers[i].name != NULL && strcmp(g.headers[i].name, name) == 0)
			g.headers[i] = (struct header){ value != NULL ? name : NULL, value };
	return g;
}

static struct given with_body(struct given g, const char *body)
{
	g.body = text_of(body);
	return g;
}

static struct given with_secret(struct given g, const char *secret)
{
	g.secrets[0] = secret;
	return g;
}

static struct given at(struct given g, int64_t now)
{
	g.now = now;
	return g;
}

/* Every single bit of the header's value turned: none may pass. Only the case
 * of a hex digit is free. */
static void no_bit_may_turn(struct given g, const char *name, bool hex)
{
	char value[256];
	size_t n = find(g.headers, name).n;
	struct given bent = with(g, name, value);

	ck_assert_uint_lt(n, sizeof(value));
	memcpy(value, find(g.headers, name).s, n + 1);
	for (size_t i = 0; i < n * 7; i++) {
		bool letter = (value[i / 7] | 32) >= 'a' && (value[i / 7] | 32) <= 'f';

		if (hex && letter && i % 7 == 5)
			continue;
		value[i / 7] ^= (char)(1 << i % 7);
		ck_assert_msg(!passes(bent), "bit %zu of %s", i, name);
		value[i / 7] ^= (char)(1 << i % 7);
	}
	MUST_PASS(bent);
}

/* ---- github ---- */

static struct given github(void)
{
	return (struct given){
		.hook = { .verify = VERIFY_GITHUB, .prefix = "" },
		.headers = { { "X-Hub-Signature-256", "sha256=757107ea0eb2509fc211221cce984b8a"
						      "37570b6d7586c22c46f4379c8b043e17" } },
		.secrets = { "It's a Secret to Everybody" },
		.body = TEXT("Hello, World!"),
		.now = NOW,
	};
}

START_TEST(github_vector)
{
	static const char upper[] = "sha256=757107EA0EB2509FC211221CCE984B8A"
				    "37570B6D7586C22C46F4379C8B043E17";
	char id[64];
	struct given g = github();

	ck_assert(passes_as(&g, id, sizeof(id)));
	ck_assert_str_eq(id, "");
	MUST_PASS(with(g, "X-Hub-Signature-256", upper));
}
END_TEST

START_TEST(github_refuses)
{
	static const char name[] = "X-Hub-Signature-256";
	struct given g = github();
	char longer[LIMIT_SIGNATURE + 128];

	no_bit_may_turn(g, name, true);
	MUST_FAIL(with(g, name, NULL));
	MUST_FAIL(with(g, name, ""));
	MUST_FAIL(with(g, name, "sha256="));
	MUST_FAIL(with(g, name, g.headers[0].value + 7)); /* no prefix */
	MUST_FAIL(with(g, name, "sha256=757107ea"));
	MUST_FAIL(with_body(g, "Hello, World?"));
	MUST_FAIL(with_body(g, "Hello, World!\n"));
	MUST_FAIL(with_body(g, ""));
	MUST_FAIL(with_secret(g, "It's a Secret to Nobody"));
	MUST_FAIL(with_secret(g, NULL));
	snprintf(longer, sizeof(longer), "%s%*s", g.headers[0].value, (int)LIMIT_SIGNATURE, "");
	MUST_FAIL(with(g, name, longer));
}
END_TEST

START_TEST(every_secret_is_tried)
{
	struct given g = github();

	g.secrets[1] = g.secrets[0];
	g.secrets[0] = "the new one";
	MUST_PASS(g);
	g.secrets[1] = "neither";
	MUST_FAIL(g);
}
END_TEST

/* HMAC of the body under an empty key: anybody can compute it. */
START_TEST(an_empty_secret_proves_nothing)
{
	struct given g = github();

	g.secrets[0] = "";
	g.body = TEXT("");
	MUST_FAIL(with(g, "X-Hub-Signature-256",
		       "sha256=b613679a0814d9ec772f95d778c35fc5"
		       "ff1697c493715653c6c712144292c5ad"));
	g.hook.verify = VERIFY_BEARER;
	g.headers[1] = (struct header){ "Authorization", "Bearer " };
	MUST_FAIL(g);
}
END_TEST

/* ---- hindsite ---- */

static struct given hindsite(void)
{
	return (struct given){
		.hook = { .verify = VERIFY_HINDSITE, .prefix = "" },
		.headers = { { "X-Webhook-Signature", "9a2d742f41d7d884466f6887a62cea8d"
						      "bb704dda186ac2674c9d97ad82516611" } },
		.secrets = { "hindsite-signing-secret" },
		.body = TEXT("{\"action\":\"report_export_completed\"}"),
		.now = NOW,
	};
}

START_TEST(hindsite_vector)
{
	static const char name[] = "X-Webhook-Signature";
	struct given g = hindsite();
	char prefixed[128];

	MUST_PASS(g);
	no_bit_may_turn(g, name, true);
	MUST_FAIL(with(g, name, NULL));
	MUST_FAIL(with_secret(g, "hindsite-signing-secreT"));
	MUST_FAIL(with_body(g, "{\"action\":\"report_export_completed\"} "));
	snprintf(prefixed, sizeof(prefixed), "sha256=%s", g.headers[0].value);
	MUST_FAIL(with(g, name, prefixed));
}
END_TEST

/* ---- standard-webhooks ---- */

#define STANDARD_V1 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define STANDARD_V1A                                                                               \
	"v1a,"                                                                                     \
	"fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2NVAw=="

static struct given standard(void)
{
	return (struct given){
		.hook = { .verify = VERIFY_STANDARD, .prefix = "", .tolerance = 300000 },
		.headers = { { "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek" },
			     { "webhook-timestamp", "1614265330" },
			     { "webhook-signature", STANDARD_V1 } },
		.secrets = { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
		.body = TEXT("{\"test\": 2432232314}"),
		.now = NOW,
	};
}

START_TEST(standard_vector)
{
	struct given g = standard();
	char id[64];

	ck_assert(passes_as(&g, id, sizeof(id)));
	ck_assert_str_eq(id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
	MUST_PASS(with_secret(g, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
	MUST_PASS(with(g, "webhook-signature", "v9,AAAA " STANDARD_V1));
	MUST_PASS(with(g, "webhook-signature", "v1,AAAA  v1 , v1a,AAAA v2 " STANDARD_V1 " v3,x"));
}
END_TEST

START_TEST(standard_refuses)
{
	struct given g = standard();
	char id[64];

	no_bit_may_turn(g, "webhook-signature", false);
	no_bit_may_turn(g, "webhook-id", false);
	no_bit_may_turn(g, "webhook-timestamp", false);
	MUST_FAIL(with(g, "webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="));
	MUST_FAIL(with(g, "webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
	MUST_FAIL(with(g, "webhook-signature", &STANDARD_V1[3]));
	MUST_FAIL(with(g, "webhook-signature", "v1,"));
	MUST_FAIL(with(g, "webhook-signature", NULL));
	MUST_FAIL(with(g, "webhook-id", NULL));
	MUST_FAIL(with(g, "webhook-timestamp", NULL));
	MUST_FAIL(with(g, "webhook-timestamp", "1614265330.0"));
	MUST_FAIL(with(g, "webhook-timestamp", "9223372036854775807"));
	MUST_FAIL(with(g, "webhook-timestamp", "-9223372036854775808"));
	MUST_FAIL(with_body(g, "{\"test\": 2432232315}"));
	ck_assert(!passes_as(&(struct given){ .hook = g.hook }, id, sizeof(id)));
	ck_assert_str_eq(id, "");
}
END_TEST

START_TEST(standard_secrets)
{
	struct given g = standard();

	MUST_FAIL(with_secret(g, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"));
	MUST_FAIL(with_secret(g, "whsec_"));
	MUST_FAIL(with_secret(g, ""));
	MUST_FAIL(with_secret(g, "whsec_not base64!"));
	MUST_FAIL(with_secret(g, "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
	MUST_FAIL(with_secret(g, "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
}
END_TEST

START_TEST(standard_tolerance)
{
	struct given g = standard();

	MUST_PASS(at(g, NOW + 300));
	MUST_PASS(at(g, NOW - 300));
	MUST_FAIL(at(g, NOW + 301));
	MUST_FAIL(at(g, NOW - 301));
	g.hook.tolerance = 0; /* not given: five minutes */
	MUST_PASS(at(g, NOW + 300));
	MUST_FAIL(at(g, NOW + 301));
	g.hook.tolerance = 10000;
	MUST_PASS(at(g, NOW + 10));
	MUST_FAIL(at(g, NOW + 11));
}
END_TEST

/* "a.b" . "1" . body signs the same bytes as "a" . "b.1" . body would. */
START_TEST(standard_borders_cannot_move)
{
	struct given g = standard();

	g.body = TEXT("1614265330.x");
	MUST_FAIL(with(g, "webhook-id", "a.1614265330"));
	g = standard();
	MUST_FAIL(with(g, "webhook-timestamp", "1614265330.1"));
}
END_TEST

/* The key pair of RFC 8032, 7.1, test 1. */
START_TEST(standard_ed25519)
{
	struct given g = standard();

	g.secrets[0] = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
	g.headers[2].value = STANDARD_V1A;
	MUST_PASS(g);
	MUST_PASS(with(g, "webhook-signature", STANDARD_V1 " " STANDARD_V1A));
	MUST_FAIL(with(g, "webhook-signature", STANDARD_V1));
	MUST_FAIL(with_body(g, "{\"test\": 2432232315}"));
	MUST_FAIL(with_secret(g, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURs="));
	MUST_FAIL(with_secret(g, "whpk_"));
	MUST_FAIL(with_secret(g, "whsec_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
	no_bit_may_turn(g, "webhook-signature", false);
	g.secrets[1] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	MUST_PASS(with(g, "webhook-signature", STANDARD_V1));
}
END_TEST

START_TEST(signatures_are_bounded)
{
	char many[LIMIT_SIGNATURE];
	struct given g = standard();
	struct text wrong = TEXT("v1,AAAA ");
	size_t n = 0;

	for (int i = 0; i < LIMIT_SIGNATURES; i++, n += wrong.n)
		memcpy(many + n, wrong.s, wrong.n);
	snprintf(many + n, sizeof(many) - n, STANDARD_V1);
	MUST_FAIL(with(g, "webhook-signature", many));
	MUST_PASS(with(g, "webhook-signature", many + wrong.n));
}
END_TEST

/* ---- hmac: RFC 2202 and RFC 4231, test case 2 ---- */

#define HMAC_SHA512                                                                                \
	"Fkt6e/z4GeLjlfvnO1bgo4e9ZCIugx/WECcM1+olBVSXWL91wFqZSm0DT2X48Ob9yuqxo01Ka0tjbgcKOLznNw=="

/* The same key over "1614265330." and the body. */
#define HMAC_TIMED "28bf12ac4fe98e509a57f9a63082e1ea612208d47decac51def2ea4070447d7e"

static struct given hmac(void)
{
	return (struct given){
		.hook = { .verify = VERIFY_HMAC, .header = "X-Sig", .prefix = "" },
		.headers = { { "X-Sig", "5bdcc146bf60754e6a042426089575c7"
					"5a003f089d2739839dec58b964ec3843" } },
		.secrets = { "Jefe" },
		.body = TEXT("what do ya want for nothing?"),
		.now = NOW,
	};
}

START_TEST(hmac_options)
{
	struct given g = hmac();

	MUST_PASS(g);
	no_bit_may_turn(g, "X-Sig", true);
	MUST_FAIL(with(g, "X-Sig", NULL));
	MUST_FAIL(with_secret(g, "jefe"));
	g.hook.sha1 = true;
	MUST_FAIL(g);
	MUST_PASS(with(g, "X-Sig", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"));
	g.hook.sha1 = false;
	g.hook.sha512 = g.hook.base64 = true;
	g.hook.prefix = "s=";
	MUST_FAIL(g);
	g.headers[0].value = "s=" HMAC_SHA512;
	MUST_PASS(g);
	MUST_FAIL(with(g, "X-Sig", HMAC_SHA512));
	g.hook.header = NULL;
	MUST_FAIL(g);
}
END_TEST

START_TEST(hmac_with_a_timestamp)
{
	struct given g = hmac();

	g.hook.timestamp_header = "X-Time";
	g.hook.tolerance = 60000;
	g.headers[0].value = HMAC_TIMED;
	g.headers[1] = (struct header){ "X-Time", "1614265330" };
	MUST_PASS(g);
	MUST_PASS(at(g, NOW + 60));
	MUST_PASS(at(g, NOW - 60));
	MUST_FAIL(at(g, NOW + 61));
	MUST_FAIL(at(g, NOW - 61));
	MUST_FAIL(with(g, "X-Time", NULL));
	MUST_FAIL(with(g, "X-Time", "1614265331"));
	MUST_FAIL(with(g, "X-Time", "soon"));
	MUST_FAIL(with(g, "X-Sig", hmac().headers[0].value)); /* the body alone */
}
END_TEST

/* What is signed, as the hook's template says. */
START_TEST(hmac_template)
{
	static const struct signed_part parts[] = {
		{ SIGNED_TEXT, { "v1|", 3 } }, { .kind = SIGNED_ID },
		{ SIGNED_TEXT, { "|", 1 } },   { .kind = SIGNED_TIMESTAMP },
		{ SIGNED_TEXT, { "|", 1 } },   { .kind = SIGNED_BODY },
	};
	struct given g = hmac();
	char id[64];

	g.hook.timestamp_header = "X-Time";
	g.hook.id_header = "X-Id";
	g.hook.signed_parts = parts;
	g.hook.signed_count = 6;
	g.headers[0].value = "44a19e27ea71e4ab38505cb193759b8cb046509beca936de7bf51e1dc5652ba7";
	g.headers[1] = (struct header){ "X-Time", "1614265330" };
	g.headers[2] = (struct header){ "X-Id", "msg-7" };
	ck_assert(passes_as(&g, id, sizeof(id)));
	ck_assert_str_eq(id, "msg-7"); /* it is signed, so it is the sender's */
	no_bit_may_turn(g, "X-Sig", true);
	MUST_FAIL(at(g, NOW + 301));
	MUST_FAIL(with(g, "X-Id", NULL));
	MUST_FAIL(with(g, "X-Id", "msg-8"));
	MUST_FAIL(with(g, "X-Time", NULL));
	MUST_FAIL(with(g, "X-Time", "1614265331"));
	MUST_FAIL(with_body(g, "what do ya want for nothing!"));
}
END_TEST

/* The same signed bytes, cut elsewhere: the id may not hold what separates it. */
START_TEST(hmac_template_borders)
{
	static const struct signed_part parts[] = {
		{ .kind = SIGNED_ID },
		{ SIGNED_TEXT, { ".", 1 } },
		{ .kind = SIGNED_BODY },
	};
	static const struct signed_part around[] = {
		{ .kind = SIGNED_TIMESTAMP },
		{ SIGNED_TEXT, { ":", 1 } },
		{ .kind = SIGNED_BODY },
		{ SIGNED_TEXT, { ":end", 4 } },
	};
	struct given g = hmac();

	g.hook.id_header = "X-Id";
	g.hook.signed_parts = parts;
	g.hook.signed_count = 3;
	g.headers[0].value = "b82a6856309262514fe2aa156ad766adc505f895629cd0276927a2f3ebf536c8";
	g.headers[1] = (struct header){ "X-Id", "msg-7" };
	MUST_PASS(g);
	g.headers[1].value = "msg-7.what do ya want for nothing?";
	MUST_FAIL(with_body(g, ""));
	g.hook.timestamp_header = "X-Time";
	g.hook.signed_parts = around;
	g.hook.signed_count = 4;
	g.headers[0].value = "fd919e8d98c9e2bf7e8d925694dc9a472172a0c5eef030aaf59c7c490f113b13";
	g.headers[1] = (struct header){ "X-Time", "1614265330" };
	MUST_PASS(g);
	MUST_FAIL(with_body(g, "what do ya want for nothing?:end"));
}
END_TEST

/* RFC 4231, test case 1: a key that is no text. */
START_TEST(hmac_keys)
{
	struct given g = hmac();

	g.body = TEXT("Hi There");
	g.headers[0].value = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
	g.hook.key_form = KEY_HEX;
	MUST_PASS(with_secret(g, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"));
	MUST_FAIL(with_secret(g, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0c"));
	MUST_FAIL(with_secret(g, "CwsLCwsLCwsLCwsLCwsLCwsLCws="));
	MUST_FAIL(with_secret(g, ""));
	g.hook.key_form = KEY_BASE64;
	MUST_PASS(with_secret(g, "CwsLCwsLCwsLCwsLCwsLCwsLCws="));
	MUST_FAIL(with_secret(g, "not base64"));
	g.hook.key_form = KEY_TEXT;
	MUST_FAIL(with_secret(g, "CwsLCwsLCwsLCwsLCwsLCwsLCws="));
}
END_TEST

/* ---- slack: the example of its documentation ---- */

#define SLACK_TIME 1531420618

static struct given slack(void)
{
	return (struct given){
		.hook = { .verify = VERIFY_SLACK, .prefix = "", .tolerance = 300000 },
		.headers = { { "X-Slack-Request-Timestamp", "1531420618" },
			     { "X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235"
						    "a7b4a8d21a10bd27519666489c69b503" } },
		.secrets = { "8f742231b10e8888abcd99yyyzzz85a5" },
		.body =
		    TEXT("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&"
			 "team_domain=testteamnow&channel_id=G8PSS9T3V&"
			 "channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&"
			 "command=%2Fwebhook-collect&text=&"
			 "response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F"
			 "397700885554%2F96rGlfmibIGlgcZRskXaIFfN&"
			 "trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"),
		.now = SLACK_TIME,
	};
}

START_TEST(slack_vector)
{
	struct given g = slack();

	MUST_PASS(g);
	MUST_PASS(at(g, SLACK_TIME + 300));
	MUST_PASS(at(g, SLACK_TIME - 300));
	no_bit_may_turn(g, "X-Slack-Signature", true);
	g.secrets[1] = g.secrets[0];
	MUST_PASS(with_secret(g, "the next one"));
}
END_TEST

START_TEST(slack_refuses)
{
	struct given g = slack();

	MUST_FAIL(at(g, SLACK_TIME + 301));
	MUST_FAIL(at(g, SLACK_TIME - 301));
	MUST_FAIL(with(g, "X-Slack-Signature", NULL));
	MUST_FAIL(with(g, "X-Slack-Signature", ""));
	MUST_FAIL(with(g, "X-Slack-Signature", "v0="));
	MUST_FAIL(with(g, "X-Slack-Signature", g.headers[1].value + 3));
	MUST_FAIL(with(g, "X-Slack-Request-Timestamp", NULL));
	MUST_FAIL(with(g, "X-Slack-Request-Timestamp", "1531420619"));
	MUST_FAIL(with(g, "X-Slack-Request-Timestamp", "1531420618 "));
	MUST_FAIL(with(g, "X-Slack-Request-Timestamp", "Thu, 12 Jul 2018 18:36:58 GMT"));
	MUST_FAIL(with_body(g, "token=xyzz0WbapA4vBCDEFasx0q6G"));
	MUST_FAIL(with_body(g, ""));
	MUST_FAIL(with_secret(g, "8f742231b10e8888abcd99yyyzzz85a4"));
	MUST_FAIL(with_secret(g, ""));
}
END_TEST

/* ---- stripe ---- */

#define STRIPE_V1 "v1=fbd6bf5496b9d6310e422a2c072578f95f5eb492111ab57a5510e9cd79c1b304"
#define STRIPE_NO "v1=0000000000000000000000000000000000000000000000000000000000000000"

static struct given stripe(void)
{
	return (struct given){
		.hook = { .verify = VERIFY_STRIPE, .prefix = "", .tolerance = 300000 },
		.headers = { { "Stripe-Signature", "t=1614265330," STRIPE_V1 } },
		.secrets = { "whsec_test_secret" },
		.body = TEXT("{\"id\":\"evt_test\",\"object\":\"event\"}"),
		.now = NOW,
	};
}

START_TEST(stripe_vector)
{
	static const char name[] = "Stripe-Signature";
	struct given g = stripe();

	MUST_PASS(g);
	MUST_PASS(at(g, NOW + 300));
	MUST_PASS(with(g, name, STRIPE_V1 ",t=1614265330"));
	MUST_PASS(with(g, name, "t=1614265330, " STRIPE_V1));
	MUST_PASS(with(g, name, "t=1614265330," STRIPE_NO "," STRIPE_V1 ",v0=00"));
	MUST_PASS(with(g, name, "t=1614265330,v2=x,,v1=zz," STRIPE_V1));
	MUST_PASS(at(g, NOW - 3600)); /* their clock is ahead: as their own libraries do */
	g.secrets[1] = g.secrets[0];
	MUST_PASS(with_secret(g, "whsec_the_next"));
}
END_TEST

START_TEST(stripe_refuses)
{
	static const char name[] = "Stripe-Signature";
	struct given g = stripe();

	MUST_FAIL(at(g, NOW + 301));
	MUST_FAIL(with(g, name, NULL));
	MUST_FAIL(with(g, name, ""));
	MUST_FAIL(with(g, name, STRIPE_V1));
	MUST_FAIL(with(g, name, "t=1614265330"));
	MUST_FAIL(with(g, name, "t=," STRIPE_V1));
	MUST_FAIL(with(g, name, "t=1614265331," STRIPE_V1));
	MUST_FAIL(with(g, name, "t=1614265331,t=1614265330," STRIPE_V1));
	MUST_FAIL(with(g, name, "t=now," STRIPE_V1));
	MUST_FAIL(with(g, name, "t=1614265330," STRIPE_NO));
	MUST_FAIL(with(g, name, "t=1614265330,v1=fbd6bf54"));
	MUST_FAIL(with(g, name,
		       "t=1614265330,v0=fbd6bf5496b9d6310e422a2c072578f9"
		       "5f5eb492111ab57a5510e9cd79c1b304"));
	MUST_FAIL(with_body(g, "{\"id\":\"evt_tesT\",\"object\":\"event\"}"));
	MUST_FAIL(with_secret(g, "test_secret")); /* all of the text is the key */
	MUST_FAIL(with_secret(g, ""));
}
END_TEST

/* ---- bearer, basic, none ---- */

START_TEST(bearer)
{
	static const char name[] = "Authorization";
	struct given g = {
		.hook = { .verify = VERIFY_BEARER, .prefix = "" },
		.headers = { { name, "Bearer s3cret-token" } },
		.secrets = { "another", "s3cret-token" },
		.now = NOW,
	};

	MUST_PASS(g);
	MUST_PASS(with(g, name, "bearer  s3cret-token"));
	MUST_FAIL(with(g, name, NULL));
	MUST_FAIL(with(g, name, "Bearer"));
	MUST_FAIL(with(g, name, "Bearer "));
	MUST_FAIL(with(g, name, "s3cret-token"));
	MUST_FAIL(with(g, name, "Basic s3cret-token"));
	MUST_FAIL(with(g, name, "Bearer s3cret-toke"));
	MUST_FAIL(with(g, name, "Bearer s3cret-token2"));
	MUST_FAIL(with(g, name, "Bearer S3cret-token"));
	MUST_FAIL(with(g, name, "Bearer s3cret-token s3cret-token"));
	g.secrets[1] = NULL;
	MUST_FAIL(g);
}
END_TEST

/* RFC 6750, section 2.3. */
START_TEST(bearer_in_the_url)
{
	struct given g = {
		.hook = { .verify = VERIFY_BEARER, .prefix = "" },
		.secrets = { "s3cret-token" },
		.now = NOW,
		.access_token = "s3cret-token",
	};

	MUST_PASS(g);
	g.headers[0] = (struct header){ "Authorization", "Bearer other" };
	MUST_FAIL(g); /* the header counts */
	g.headers[0].value = "Basic czNjcmV0LXRva2Vu";
	MUST_FAIL(g);
	g.headers[0].value = "Bearer s3cret-token";
	g.access_token = "other";
	MUST_PASS(g);
	g.headers[0].name = NULL;
	MUST_FAIL(g);
	g.access_token = "";
	MUST_FAIL(g);
	MUST_FAIL(with_secret(g, ""));
}
END_TEST

/* RFC 7617, section 2. */
START_TEST(basic)
{
	static const char name[] = "Authorization";
	struct given g = {
		.hook = { .verify = VERIFY_BASIC, .prefix = "", .user = TEXT("Aladdin") },
		.headers = { { name, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" } },
		.secrets = { "another", "open sesame" },
		.now = NOW,
	};

	MUST_PASS(g);
	MUST_PASS(with(g, name, "basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
	MUST_FAIL(with(g, name, NULL));
	MUST_FAIL(with(g, name, "Basic"));
	MUST_FAIL(with(g, name, "Basic "));
	MUST_FAIL(with(g, name, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
	MUST_FAIL(with(g, name, "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
	MUST_FAIL(with(g, name, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ"));
	MUST_FAIL(with(g, name, "Basic QWxhZGRpbg=="));     /* Aladdin */
	MUST_FAIL(with(g, name, "Basic QWxhZGRpbjo="));     /* Aladdin: */
	MUST_FAIL(with(g, name, "Basic Om9wZW4gc2VzYW1l")); /* :open sesame */
	MUST_FAIL(with(g, name, "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
	MUST_FAIL(with(g, name, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZTE="));
	g.hook.user = TEXT("Jafar");
	MUST_FAIL(g);
}
END_TEST

static const char *told(struct given g)
{
	static char why[200];
	struct verify_request r = { .header = find,
				    .query = find_query,
				    .of = g.headers,
				    .body = g.body,
				    .now_wall_ms = g.now * 1000 };

	verify_tell(&g.hook, &r, why, sizeof(why));
	return why;
}

START_TEST(operators_are_told_why)
{
	struct given g = {
		.hook = { .verify = VERIFY_HMAC,
			  .header = "X-Sig",
			  .prefix = "v1=",
			  .timestamp_header = "X-Time",
			  .tolerance = 60000 },
		.headers = { { "X-Sig", "v1=00" }, { "X-Time", "1614265300" } },
		.secrets = { "s3cret" },
		.body = TEXT("{}"),
		.now = NOW,
	};

	ck_assert_str_eq(told(g), "it is of another secret, or of another body");
	ck_assert_str_eq(told(with(g, "X-Sig", NULL)), "there is no header X-Sig");
	ck_assert_str_eq(told(with(g, "X-Time", NULL)), "there is no header X-Time");
	ck_assert_str_eq(told(with(g, "X-Sig", "00")),
			 "the header X-Sig doesn't begin with \"v1=\"");
	ck_assert_str_eq(told(at(g, NOW + 61)),
			 "the time in X-Time is no Unix time within 60 s of ours");
	ck_assert_str_eq(told(with(g, "X-Time", "2021-02-25T15:02:10Z")),
			 "the time in X-Time is no Unix time within 60 s of ours");
	g.hook = (struct hook_config){ .verify = VERIFY_BEARER };
	ck_assert_str_eq(told(g), "there is no header Authorization");
	g.headers[0] = (struct header){ "Authorization", "bearer other" };
	ck_assert_str_eq(told(g), "it is of another secret, or of another body");
	g.headers[0].value = "Basic other";
	ck_assert_str_eq(told(g), "the header Authorization doesn't begin with \"Bearer \"");
	g.headers[0].name = NULL;
	g.access_token = "other";
	ck_assert_str_eq(told(g), "it is of another secret, or of another body");
}
END_TEST

START_TEST(none_takes_all)
{
	struct given g = { .hook = { .verify = VERIFY_NONE, .prefix = "" } };
	char id[64];

	ck_assert(passes_as(&g, id, sizeof(id)));
	ck_assert_str_eq(id, "");
}
END_TEST

UNIT_MAIN("sources_verify", github_vector, github_refuses, every_secret_is_tried,
	  an_empty_secret_proves_nothing, hindsite_vector, standard_vector, standard_refuses,
	  standard_secrets, standard_tolerance, standard_borders_cannot_move, standard_ed25519,
	  signatures_are_bounded, hmac_options, hmac_with_a_timestamp, hmac_template,
	  hmac_template_borders, hmac_keys, slack_vector, slack_refuses, stripe_vector,
	  stripe_refuses, bearer, bearer_in_the_url, basic, operators_are_told_why, none_takes_all)
