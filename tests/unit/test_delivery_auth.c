/* SPDX-License-Identifier: Apache-2.0
 *
 * A step's own credential: what goes out, and what is kept of a reply that has it. */
#include "engine/delivery/internal.h"
#include "tests/unit/unit_main.h"

static struct job job_with(const char *user, const char *prefix, const char *secret)
{
	struct job job = { .kind = JOB_ATTEMPT };

	job.request.auth = (struct request_auth){ .secret = TEXT("crm"),
						  .header = TEXT("Authorization"),
						  .prefix = text_of(prefix),
						  .user = text_of(user) };
	job.secret = secret_new(text_of(secret));
	ck_assert_ptr_nonnull(job.secret);
	return job;
}

static void expect_value(const char *user, const char *prefix, const char *secret,
			 const char *value)
{
	struct job job = job_with(user, prefix, secret);
	struct buf b;

	buf_init(&b, KIB);
	auth_put(&b, &job);
	ck_assert_str_eq(buf_cstr(&b), value);
	buf_fini(&b);
	secret_free(job.secret);
}

/* The example of RFC 7617, 2. */
START_TEST(values_of_the_header)
{
	expect_value("", "Bearer ", "abc", "Bearer abc");
	expect_value("", "", "abc", "abc");
	expect_value("Aladdin", "Basic ", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}
END_TEST

static void expect_kept(const char *user, const char *secret, const char *reply, const char *kept)
{
	struct job job = job_with(user, user[0] != '\0' ? "Basic " : "Bearer ", secret);
	struct text t;
	struct buf b;

	buf_init(&b, KIB);
	ck_assert(cover_take(&job, NULL));
	t = conceal(job.cover, text_of(reply), &b);
	ck_assert_msg(text_is(t, kept), "%.*s", TEXT_ARG(t));
	buf_fini(&b);
	concealer_free(job.cover);
	secret_free(job.secret);
}

START_TEST(replies_without_the_secret)
{
	expect_kept("", "hush-hush", "{\"a\":1}", "{\"a\":1}");
	expect_kept("", "hush-hush", "", "");
	expect_kept("", "hush-hush", "Bearer hush-hush is wrong: hush-hush",
		    "Bearer ${secrets.crm} is wrong: ${secrets.crm}");
	expect_kept("", "hush-hush", "hush-hushush-hush", "${secrets.crm}ush-hush");
	expect_kept("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== (open sesame)",
		    "Basic ${secrets.crm} (${secrets.crm})");
	/* As JSON writes it, which is read as the secret again. */
	expect_kept("", "hu/sh\"\\h", "{\"a\":\"Bearer hu\\/sh\\\"\\\\h\"}",
		    "{\"a\":\"Bearer ${secrets.crm}\"}");
	expect_kept("", "hu/sh\"\\h", "{\"a\":\"hu/sh\\\"\\\\h\"}", "{\"a\":\"${secrets.crm}\"}");
	expect_kept("", "hu/sh+h", "{\"a\":\"hu\\u002fsh\\u002Bh\"}", "{\"a\":\"${secrets.crm}\"}");
	expect_kept("u", "?\?>?\?>",
		    "Basic dTo\\/Pz4\\/Pz4= dTo/Pz4/Pz4=", "Basic ${secrets.crm} ${secrets.crm}");
	/* As any word of the reply may be. */
	expect_kept("", "ok", "{\"ok\":true}", "{\"ok\":true}");
}
END_TEST

/* Very many of one of the two spellings. */
START_TEST(many_of_them)
{
	struct job job = job_with("Aladdin", "Basic ", "sesame");
	struct buf reply, out;

	buf_init(&reply, 256 * KIB);
	while (reply.n + 6 <= 256 * KIB)
		buf_str(&reply, "sesame");
	buf_init(&out, 2 * LIMIT_REPLY);
	ck_assert(cover_take(&job, NULL));
	ck_assert_uint_eq(conceal(job.cover, buf_view(&reply), &out).n, reply.n / 6 * 14);
	buf_fini(&out);
	buf_fini(&reply);
	concealer_free(job.cover);
	secret_free(job.secret);
}
END_TEST

START_TEST(too_long_to_be_kept)
{
	struct job job = job_with("", "Bearer ", "hush-hush");
	struct buf b;

	buf_init(&b, 8);
	ck_assert(cover_take(&job, NULL));
	ck_assert_uint_eq(conceal(job.cover, TEXT("a hush-hush too many"), &b).n, 0);
	buf_fini(&b);
	concealer_free(job.cover);
	secret_free(job.secret);
}
END_TEST

static void expect_covered(const struct connection *c, enum job_kind kind, const char *reply,
			   const char *kept)
{
	struct job job = { .kind = kind };
	struct text t;
	struct buf b;

	ck_assert(cover_take(&job, c));
	buf_init(&b, KIB);
	t = conceal(job.cover, text_of(reply), &b);
	ck_assert_msg(text_is(t, kept), "%.*s", TEXT_ARG(t));
	buf_fini(&b);
	concealer_free(job.cover);
}

/* What a connection has: each by itself, and together. */
START_TEST(credentials_of_connections)
{
	struct secret *token = secret_new(TEXT("token-1")), *key = secret_new(TEXT("key-23"));
	struct secret *value = secret_new(TEXT("Token key-23"));
	struct secret *basic = secret_new(TEXT("Basic dTprZXktMjM="));
	struct secret *url =
	    secret_new(TEXT("https://chat.example/services/T01/abcdefghijklmnopqr"));
	struct secret *proxy = secret_new(TEXT("http://me:p%40ssword@proxy.example:3128"));
	struct connection bearer = { .token = token, .password = key },
			  header = { .auth_secret = key, .auth_value = value },
			  user = { .auth_secret = key, .auth_value = basic },
			  chat = { .url = url, .transport.proxy = proxy },
			  path = { .hides_path = true,
				   .base_url = TEXT("https://a.example/abcdefghijklmnopqr") };

	expect_covered(&bearer, JOB_ATTEMPT, "Bearer token-1, key-23", "Bearer ***, ***");
	expect_covered(&header, JOB_ATTEMPT, "Token key-23", "Token ***");
	expect_covered(&user, JOB_ATTEMPT, "Basic dTprZXktMjM= key-23 u", "Basic *** *** u");
	expect_covered(&chat, JOB_ATTEMPT, "no /services/T01/abcdefghijklmnopqr here, services",
		       "no *** here, services");
	expect_covered(&chat, JOB_ATTEMPT, "abcdefghijklmnopqr p@ssword proxy.example",
		       "*** *** proxy.example");
	expect_covered(&path, JOB_ATTEMPT, "GET /abcdefghijklmnopqr/a?b", "GET ***/a?b");
	expect_covered(&path, JOB_FETCH, "GET /abcdefghijklmnopqr/a?b",
		       "GET /abcdefghijklmnopqr/a?b");
	secret_free(token);
	secret_free(key);
	secret_free(value);
	secret_free(basic);
	secret_free(url);
	secret_free(proxy);
}
END_TEST

START_TEST(without_one)
{
	struct config *config = config_bare();
	struct job job = { .kind = JOB_ATTEMPT };
	char why[AUTH_WHY_SIZE] = "";

	ck_assert(auth_take(&job, config, why));
	ck_assert_ptr_null(job.secret);
	job.request.auth.secret = TEXT("crm");
	ck_assert(!auth_take(&job, config, why));
	ck_assert_str_eq(why, "the secret crm is no longer configured");
	config_free(config);
}
END_TEST

static void expect_redirect(const struct connection *c, const char *location, const char *words)
{
	const struct http_outcome outcome = { .end = HTTP_REPLIED,
					      .status = 301,
					      .location = text_of(location) };
	char out[REDIRECT_SIZE];

	ending_redirect(c, &outcome, out);
	ck_assert_str_eq(out, words);
}

START_TEST(where_redirects_point)
{
	const struct connection plain = { .hides_path = false }, hiding = { .hides_path = true };

	expect_redirect(NULL, "https://a.example/b?c=d", "it points to https://a.example/b");
	expect_redirect(&plain, "https://a.example/b/hush#c",
			"it points to https://a.example/b/hush");
	expect_redirect(&hiding, "https://a.example/b/hush", "it points to https://a.example");
	expect_redirect(&hiding, "/b/hush", "");
	expect_redirect(&plain, "https://me:hush@a.example/", "");
}
END_TEST

UNIT_MAIN("delivery_auth", where_redirects_point, values_of_the_header, replies_without_the_secret,
	  too_long_to_be_kept, many_of_them, credentials_of_connections, without_one)
