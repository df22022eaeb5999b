/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests are signed with, against published vectors. */
#include "engine/delivery/sign.h"

#include "engine/base/hex.h"
#include "tests/unit/unit_main.h"

struct signer {
	struct signing how;
	struct secret *keys[LIMIT_SIGNING_KEYS];
	struct sign_input in;
	struct signature out;
};

static void signer_key(struct signer *s, struct text key)
{
	s->how.keys = s->keys;
	s->keys[s->how.key_count++] = secret_new(key);
}

static void signer_fini(struct signer *s)
{
	for (size_t i = 0; i < s->how.key_count; i++)
		secret_free(s->keys[i]);
}

static void standard_key(struct signer *s, const char *base64)
{
	char key[64];
	size_t n;

	ck_assert(base64_decode(text_of(base64), key, sizeof(key), &n));
	signer_key(s, (struct text){ key, n });
}

/* The vector of the reference libraries: https://github.com/standard-webhooks/standard-webhooks */
static struct signer standard(void)
{
	return (struct signer){
		.how = { .standard = true,
			 .hash = CRYPTO_HMAC_SHA256,
			 .base64 = true,
			 .prefix = "",
			 .header = "webhook-signature",
			 .timestamp_header = "webhook-timestamp",
			 .id_header = "webhook-id" },
		.in = { .method = "POST",
			.url = TEXT("https://example.com/hook"),
			.id = TEXT("msg_p5jXN8AQM9LWM0D4loKWxJek"),
			.body = TEXT("{\"test\": 2432232314}"),
			.now = INT64_C(1614265330) * 1000 + 999 },
	};
}

static void expect_header(const struct signer *s, unsigned i, const char *name, const char *value)
{
	ck_assert_uint_lt(i, s->out.count);
	ck_assert_msg(text_is(s->out.headers[i].name, name), "%.*s",
		      TEXT_ARG(s->out.headers[i].name));
	ck_assert_msg(text_is(s->out.headers[i].value, value), "%.*s",
		      TEXT_ARG(s->out.headers[i].value));
}

START_TEST(standard_webhooks)
{
	struct signer s = standard();

	standard_key(&s, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	ck_assert_uint_eq(s.out.count, 3);
	expect_header(&s, 0, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
	expect_header(&s, 1, "webhook-timestamp", "1614265330");
	expect_header(&s, 2, "webhook-signature",
		      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	signer_fini(&s);
}
END_TEST

START_TEST(every_key_signs)
{
	struct signer s = standard();
	char all[256];
	size_t n;

	standard_key(&s, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	standard_key(&s, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	n = s.out.headers[2].value.n;
	ck_assert_uint_lt(n, sizeof(all));
	ck_assert(text_starts(s.out.headers[2].value, TEXT("v1,")));
	ck_assert(text_ends(s.out.headers[2].value,
			    TEXT(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")));
	ck_assert_uint_eq(n, 2 * 47 + 1);
	signer_fini(&s);
}
END_TEST

START_TEST(a_later_repeat_differs_in_time_only)
{
	struct signer s = standard();
	struct signature first;

	standard_key(&s, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	ck_assert(sign_request(&s.how, &s.in, &first));
	s.in.now += 1000;
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	expect_header(&s, 0, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
	expect_header(&s, 1, "webhook-timestamp", "1614265331");
	ck_assert_str_ne(first.value, s.out.value);
	signer_fini(&s);
}
END_TEST

static const struct signed_part body_part[] = { { .kind = SIGNED_BODY } };

/* RFC 4231, 4.3: key "Jefe", data "what do ya want for nothing?"; RFC 2202 for SHA-1. */
static struct signer jefe(enum crypto_hash hash)
{
	struct signer s = { .how = { .hash = hash,
				     .header = "X-Signature",
				     .prefix = "",
				     .parts = body_part,
				     .part_count = 1 },
			    .in = { .method = "POST",
				    .url = TEXT("https://example.com/"),
				    .id = TEXT("k"),
				    .body = TEXT("what do ya want for nothing?") } };

	return s;
}

static void jefe_is(enum crypto_hash hash, const char *prefix, const char *wanted)
{
	struct signer s = jefe(hash);

	s.how.prefix = prefix;
	signer_key(&s, TEXT("Jefe"));
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	ck_assert_uint_eq(s.out.count, 1);
	expect_header(&s, 0, "X-Signature", wanted);
	signer_fini(&s);
}

START_TEST(hmac_vectors)
{
	jefe_is(CRYPTO_HMAC_SHA256, "",
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	jefe_is(CRYPTO_HMAC_SHA512, "sha512=",
		"sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
		"9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
	jefe_is(CRYPTO_HMAC_SHA1, "", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}
END_TEST

START_TEST(base64_of_a_signature)
{
	struct signer s = jefe(CRYPTO_HMAC_SHA256);

	s.how.base64 = true;
	signer_key(&s, TEXT("Jefe"));
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	expect_header(&s, 0, "X-Signature", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
	signer_fini(&s);
}
END_TEST

/* The pieces put together must give the text of RFC 4231. */
START_TEST(pieces_are_put_together)
{
	static const struct signed_part parts[] = {
		{ .kind = SIGNED_METHOD }, { .kind = SIGNED_TEXT, .text = { " ", 1 } },
		{ .kind = SIGNED_PATH },   { .kind = SIGNED_TEXT, .text = { " ya", 3 } },
		{ .kind = SIGNED_BODY },   { .kind = SIGNED_ID },
	};
	struct signer s = jefe(CRYPTO_HMAC_SHA256);

	s.how.parts = parts;
	s.how.part_count = 6;
	s.in.method = "what";
	s.in.url = TEXT("https://example.com?q=1");
	s.in.body = TEXT(" want for ");
	s.in.id = TEXT("nothing?");
	signer_key(&s, TEXT("Jefe"));
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	/* HMAC-SHA256 of "what /?q=1 ya want for nothing?", by openssl dgst */
	expect_header(&s, 0, "X-Signature",
		      "564bbdbbcf1363d565bb9dc15de1b41d75afc3db46ebb1d2804bfa3f5d9f6538");
	signer_fini(&s);
}
END_TEST

START_TEST(times_are_written_as_asked)
{
	static const struct signed_part parts[] = { { .kind = SIGNED_TIMESTAMP } };
	struct signer s = jefe(CRYPTO_HMAC_SHA256);

	s.how.parts = parts;
	s.how.timestamp_header = "X-Time";
	s.how.id_header = "X-Id";
	s.in.now = INT64_C(1614265330123);
	signer_key(&s, TEXT("Jefe"));
	s.how.stamp = STAMP_MILLISECONDS;
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	ck_assert_uint_eq(s.out.count, 3);
	expect_header(&s, 0, "X-Id", "k");
	expect_header(&s, 1, "X-Time", "1614265330123");
	expect_header(&s, 2, "X-Signature",
		      "77a8eab8b82e5618b1894034ffc6e4132227508c153a62f25b7a47a8a6c1e5ac");
	s.how.stamp = STAMP_ISO8601;
	ck_assert(sign_request(&s.how, &s.in, &s.out));
	expect_header(&s, 1, "X-Time", "2021-02-25T15:02:10.123Z");
	signer_fini(&s);
}
END_TEST

UNIT_MAIN("delivery_sign", standard_webhooks, every_key_signs, a_later_repeat_differs_in_time_only,
	  hmac_vectors, base64_of_a_signature, pieces_are_put_together, times_are_written_as_asked)
