/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts without the secrets that they quote, in all the ways they may be written. */
#include "engine/base/buf.h"
#include "engine/base/conceal.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "tests/unit/unit_main.h"

#define SECRET "s3cr/t+<k&y>\"'?=~e"

static void expect(const char *secret, const char *given, const char *kept)
{
	struct concealer *c = concealer_new();
	struct text t;
	struct buf b;

	concealer_add(c, text_of(secret), TEXT("***"));
	buf_init(&b, KIB);
	t = conceal(c, text_of(given), &b);
	ck_assert_msg(text_is(t, kept), "%.*s", TEXT_ARG(t));
	buf_fini(&b);
	concealer_free(c);
}

START_TEST(as_it_is_and_escaped)
{
	expect(SECRET, "", "");
	expect(SECRET, "nothing % of \\ it & there +", "nothing % of \\ it & there +");
	expect(SECRET, SECRET, "***");
	expect(SECRET, SECRET SECRET ".", "******.");
	expect(SECRET, "{\"a\":\"s3cr/t+<k&y>\\\"'?=~e\"}", "{\"a\":\"***\"}");
	expect(SECRET, "{\"a\":\"s3cr\\/t\\u002B\\u003ck\\u0026y>\\\"'?=~e\"}", "{\"a\":\"***\"}");
	expect(SECRET, "a=s3cr%2Ft%2B%3Ck%26y%3E%22%27%3F%3D~e&b", "a=***&b");
	expect(SECRET, "a=s3cr%2ft%2b%3ck%26y%3e%22'%3f%3d%7ee&b", "a=***&b");
	expect(SECRET, "<p>s3cr/t+&lt;k&amp;y&gt;&quot;&#39;?=~e</p>", "<p>***</p>");
	expect(SECRET, "<p>s3cr&#x2F;t&#43;&#x3c;k&#38;y&gt;&quot;&apos;?=~e</p>", "<p>***</p>");
	expect("two words", "a=two+words&b=two%20words", "a=***&b=***");
	expect("h\xc3\xbcsh-h\xe2\x82\xac", "\"h\\u00fcsh-h\\u20ac\"", "\"***\"");
	/* What looks like an escape and is none. */
	expect(SECRET, "\\u00 %2 &; &#; &#xg; &#99999999; \\",
	       "\\u00 %2 &; &#; &#xg; &#99999999; \\");
	/* As any word may be. */
	expect("short", "in short", "in short");
}
END_TEST

/* Between 0 to 2 bytes before and behind, at every length. */
START_TEST(in_base64)
{
	static const char around[] = "{}";
	char plain[64], coded[BASE64_SIZE(sizeof(plain))], secret[32];

	for (size_t n = LIMIT_HIDDEN_SECRET; n < 24; n++) {
		for (size_t i = 0; i < n; i++)
			secret[i] = (char)(unsigned char)(i % 2 == 0 ? 0xfb : 0xff);
		for (size_t before = 0; before < 9; before++) {
			struct concealer *c = concealer_new();
			struct text t;
			struct buf b;

			memcpy(plain, around, before % 3);
			memcpy(plain + before % 3, secret, n);
			memcpy(plain + before % 3 + n, around, before / 3);
			base64_encode(plain, before % 3 + n + before / 3, coded);
			for (char *s = coded; n % 2 == 0 && *s != '\0'; s++)
				*s = *s == '+' ? '-' : *s == '/' ? '_' : *s;
			concealer_add(c, (struct text){ secret, n }, TEXT("***"));
			buf_init(&b, KIB);
			t = conceal(c, text_of(coded), &b);
			ck_assert_msg(text_find(t, TEXT("***")) != SIZE_MAX, "%s", coded);
			ck_assert_uint_lt(t.n, before / 3 + before % 3 + 14);
			buf_fini(&b);
			concealer_free(c);
		}
	}
	/* PHP writes a slash with a backslash before it. */
	expect("?\?>?\?>", "{\"a\":\"Pz8+Pz8+ \"}", "{\"a\":\"*** \"}");
	expect("?\?\?>>>?\?\?", "{\"a\":\"Pz8\\/Pj4+Pz8\\/\"}", "{\"a\":\"***\"}");
}
END_TEST

START_TEST(in_hex)
{
	expect("hush-hush", "x'687573682D68757368' 687573682d68757368", "x'***' ***");
}
END_TEST

/* The longest that begins first; each under its name. */
START_TEST(several)
{
	struct concealer *c = concealer_new();
	struct buf b;

	concealer_add(c, TEXT("abcdef"), TEXT("1"));
	concealer_add(c, TEXT("abcdefgh"), TEXT("22"));
	concealer_add(c, TEXT("efghij"), TEXT("333"));
	buf_init(&b, KIB);
	ck_assert(text_is(conceal(c, TEXT("abcdefghij abcdefg efghij"), &b), "22ij 1g 333"));
	buf_fini(&b);
	concealer_free(c);
}
END_TEST

START_TEST(no_room)
{
	struct concealer *c = concealer_new();
	struct buf b;

	concealer_add(c, TEXT("abcdef"), TEXT("***"));
	buf_init(&b, 4);
	ck_assert_uint_eq(conceal(c, TEXT("an abcdef"), &b).n, 0);
	ck_assert(buf_failed(&b));
	buf_clear(&b);
	ck_assert_uint_eq(conceal(c, TEXT("what has none"), &b).n, 13);
	/* More secrets than are looked for: nothing is shown. */
	for (int i = 0; i < LIMIT_CONCEALED; i++)
		concealer_add(c, TEXT("ghijkl"), TEXT("***"));
	ck_assert_uint_eq(conceal(c, TEXT("anything"), &b).n, 0);
	ck_assert(buf_failed(&b));
	ck_assert(text_is(conceal(NULL, TEXT("anything"), &b), "anything"));
	buf_fini(&b);
	concealer_free(c);
}
END_TEST

UNIT_MAIN("base_conceal", as_it_is_and_escaped, in_base64, in_hex, several, no_room)
