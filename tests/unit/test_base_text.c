/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of base/text, escape, hex, hash, crypto and secret. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/crypto.h"
#include "engine/base/escape.h"
#include "engine/base/hash.h"
#include "engine/base/hex.h"
#include "engine/base/mem.h"
#include "engine/base/secret.h"
#include "engine/base/text.h"
#include "tests/unit/unit_main.h"

START_TEST(texts_compare)
{
	ck_assert_int_lt(text_cmp(TEXT("ab"), TEXT("abc")), 0);
	ck_assert_int_gt(text_cmp(TEXT("b"), TEXT("abc")), 0);
	ck_assert_int_gt(text_cmp(TEXT("\xff"), TEXT("a")), 0);
	ck_assert_int_eq(text_cmp(TEXT_NONE, TEXT("")), 0);
	ck_assert(text_ieq(TEXT("X-Id"), TEXT("x-iD")));
	ck_assert(!text_ieq(TEXT("a["), TEXT("a{")));
	ck_assert(text_starts(TEXT("abc"), TEXT("ab")) && !text_starts(TEXT("a"), TEXT("ab")));
	ck_assert(text_starts(TEXT_NONE, TEXT_NONE) && text_ends(TEXT("x"), TEXT_NONE));
	ck_assert(text_ends(TEXT("abc"), TEXT("bc")) && !text_ends(TEXT("abc"), TEXT("ab")));
	ck_assert_uint_eq(text_find(TEXT("a\0bc"), TEXT("bc")), 2);
	ck_assert_uint_eq(text_find(TEXT("abc"), TEXT("x")), SIZE_MAX);
	ck_assert_uint_eq(text_find(TEXT_NONE, TEXT("x")), SIZE_MAX);
	ck_assert_uint_eq(text_find(TEXT_NONE, TEXT_NONE), 0);
}
END_TEST

START_TEST(heads_end_with_a_character)
{
	struct text t = TEXT("a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80z");
	static const size_t wanted[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	for (size_t most = 0; most < sizeof(wanted) / sizeof(wanted[0]); most++)
		ck_assert_uint_eq(text_head(t, most).n, wanted[most]);
	for (size_t n = 0; n <= t.n; n++)
		ck_assert_uint_eq(text_head((struct text){ t.s, n }, SIZE_MAX).n, wanted[n]);
	ck_assert_uint_eq(text_head(TEXT_NONE, 5).n, 0);
}
END_TEST

START_TEST(texts_split_and_trim)
{
	struct text head, rest;

	rest = text_split(TEXT("a=b=c"), '=', &head);
	ck_assert(text_is(head, "a") && text_is(rest, "b=c"));
	rest = text_split(TEXT("a="), '=', &head);
	ck_assert(text_is(head, "a") && rest.s != NULL && rest.n == 0);
	rest = text_split(TEXT("abc"), '=', &head);
	ck_assert(text_is(head, "abc") && rest.s == NULL);
	text_split(TEXT_NONE, '=', &head);
	ck_assert_uint_eq(head.n, 0);
	ck_assert(text_is(text_trim(TEXT(" \t a b\r\n")), "a b"));
	ck_assert(text_is(text_trim(TEXT(" \n")), ""));
}
END_TEST

START_TEST(integers_are_read_whole)
{
	static const char *const bad[] = { "",
					   "-",
					   "+1",
					   "1 ",
					   " 1",
					   "0x1",
					   "1.0",
					   "1e3",
					   "--1",
					   "9223372036854775808",
					   "-9223372036854775809" };
	int64_t i;

	ck_assert(text_to_int(TEXT("-9223372036854775808"), &i) && i == INT64_MIN);
	ck_assert(text_to_int(TEXT("9223372036854775807"), &i) && i == INT64_MAX);
	ck_assert(text_to_int(TEXT("-0"), &i) && i == 0);
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		ck_assert_msg(!text_to_int(text_of(bad[k]), &i), "%s", bad[k]);
	ck_assert(!text_to_int(TEXT_NONE, &i));
}
END_TEST

START_TEST(copies_end_with_nul)
{
	struct arena *a = arena_new("test", 200);
	char *s = text_heap(TEXT("ab"));

	ck_assert_str_eq(s, "ab");
	mem_free(s);
	s = text_heap(TEXT_NONE);
	ck_assert_str_eq(s, "");
	mem_free(s);
	ck_assert_str_eq(text_dup(a, (struct text){ "abc", 2 }).s, "ab");
	ck_assert_str_eq(text_printf(a, "%d-%s", 7, "x").s, "7-x");
	ck_assert_ptr_null(text_printf(a, "%300d", 7).s);
	ck_assert_ptr_null(text_dup(a, TEXT("x")).s);
	arena_free(a);
}
END_TEST

START_TEST(utf8_is_judged_strictly)
{
	static const char *const good[] = { "",
					    "a",
					    "\xc2\x80",
					    "\xdf\xbf",
					    "\xe0\xa0\x80",
					    "\xed\x9f\xbf",
					    "\xee\x80\x80",
					    "\xf0\x90\x80\x80",
					    "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80",
					   "\xc1\xbf",
					   "\xc2",
					   "\xc2\x41",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xff",
					   "a\xe2\x82",
					   "\xe2\x82\x41" };
	uint32_t code;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(text_is_utf8(text_of(good[i])), "good %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!text_is_utf8(text_of(bad[i])), "bad %zu", i);
	ck_assert(text_is_utf8(TEXT("a\0b")));
	ck_assert_uint_eq(text_char(TEXT("a\xe2\x82\xac"), 1, &code), 3);
	ck_assert_uint_eq(code, 0x20ac);
	ck_assert_uint_eq(text_char(TEXT("\xf0\x9f\x98\x80"), 0, &code), 4);
	ck_assert_uint_eq(code, 0x1f600);
	ck_assert_uint_eq(text_char(TEXT("\xff"), 0, &code), 0);
	ck_assert_uint_eq(code, 0xff);
}
END_TEST

START_TEST(the_nearest_name_is_suggested)
{
	static const char *const names[] = {
		"slack.post", "http.request", "kantata.workspace.update", "when", "on", NULL
	};
	static const char *const none[] = { NULL };

	ck_assert_str_eq(text_nearest(TEXT("slack.pots"), names), "slack.post");
	ck_assert_str_eq(text_nearest(TEXT("kantata.workspaces.update"), names),
			 "kantata.workspace.update");
	ck_assert_str_eq(text_nearest(TEXT("post"), names), "slack.post");
	ck_assert_str_eq(text_nearest(TEXT("wehn"), names), "when");
	ck_assert_str_eq(text_nearest(TEXT("no"), names), "on");
	ck_assert_ptr_null(text_nearest(TEXT("banana"), names));
	ck_assert_ptr_null(text_nearest(TEXT("x"), names));
	ck_assert_ptr_null(text_nearest(TEXT(""), names));
	ck_assert_ptr_null(text_nearest(TEXT("when"), none));
	ck_assert_uint_eq(text_distance(TEXT("abcd"), TEXT("acbd")), 1);
	ck_assert_uint_eq(text_distance(TEXT("kitten"), TEXT("sitting")), 3);
	ck_assert_uint_eq(text_distance(TEXT(""), TEXT("abc")), 3);
	ck_assert_uint_eq(text_distance(TEXT("ca"), TEXT("abc")), 3);
	ck_assert_uint_eq(text_distance((struct text){ names[2], 65 }, TEXT("x")), SIZE_MAX);
}
END_TEST

static const char *json_of(struct buf *b, struct text t)
{
	buf_clear(b);
	escape_json_put(b, t);
	return buf_cstr(b);
}

START_TEST(json_strings_are_escaped)
{
	char piece[ESCAPE_MAX];
	size_t at = 0;
	struct buf b;

	buf_init(&b, 1000);
	ck_assert_str_eq(json_of(&b, TEXT("a\"\\\n\t\x01\x7f/")),
			 "\"a\\\"\\\\\\n\\t\\u0001\\u007f/\"");
	ck_assert_str_eq(json_of(&b, TEXT("\0")), "\"\\u0000\"");
	ck_assert_str_eq(json_of(&b, TEXT("\xe2\x82\xac\xff\xc2\x9b")),
			 "\"\xe2\x82\xac\xef\xbf\xbd\\u009b\"");
	ck_assert_str_eq(json_of(&b, TEXT("\xe2\x80\xae")), "\"\\u202e\"");
	ck_assert_str_eq(json_of(&b, TEXT_NONE), "\"\"");
	buf_fini(&b);
	ck_assert_uint_eq(escape_plain(TEXT("\033[31m"), &at, piece), 3);
	ck_assert_mem_eq(piece, "\xef\xbf\xbd", 3);
	ck_assert_uint_eq(at, 1);
}
END_TEST

START_TEST(hex_is_strict)
{
	unsigned char out[4];
	char s[HEX_SIZE(4)];
	size_t n;

	hex_encode("\x00\xff\x1a", 3, s);
	ck_assert_str_eq(s, "00ff1a");
	ck_assert(hex_decode(TEXT("00fF1A"), out, sizeof(out), &n) && n == 3);
	ck_assert_mem_eq(out, "\x00\xff\x1a", 3);
	ck_assert(hex_decode(TEXT(""), out, sizeof(out), &n) && n == 0);
	ck_assert(!hex_decode(TEXT("0"), out, sizeof(out), &n));
	ck_assert(!hex_decode(TEXT("0g"), out, sizeof(out), &n));
	ck_assert(!hex_decode(TEXT("0 "), out, sizeof(out), &n));
	ck_assert(!hex_decode(TEXT("0011223344"), out, sizeof(out), &n));
}
END_TEST

/* The vectors of RFC 4648, section 10. */
START_TEST(base64_is_strict)
{
	static const char *const pairs[][2] = {
		{ "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "foobar", "Zm9vYmFy" }
	};
	static const char *const bad[] = { "Z",    "Zg",   "Zg=",         "Zh==",     "Zm9=",
					   "=Zg=", "Z===", "====",        "Zg==Zg==", "Zm9v\n",
					   "Zm-_", "Zm 9", "Zg==\n\n\n\n" };
	char out[16], s[BASE64_SIZE(6)];
	size_t n;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		base64_encode(pairs[i][0], strlen(pairs[i][0]), s);
		ck_assert_str_eq(s, pairs[i][1]);
		ck_assert(base64_decode(text_of(pairs[i][1]), out, sizeof(out), &n));
		ck_assert(text_is((struct text){ out, n }, pairs[i][0]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!base64_decode(text_of(bad[i]), out, sizeof(out), &n), "%s", bad[i]);
	ck_assert(!base64_decode(TEXT("Zm9vYmFy"), out, 5, &n));
	ck_assert(base64_decode(TEXT("+/+/"), out, 3, &n) && n == 3);
}
END_TEST

START_TEST(hash64_spreads)
{
	static unsigned char bytes[300];
	static uint64_t seen[300];

	for (size_t n = 0; n < 300; n++) {
		seen[n] = hash64(bytes, n, 1);
		for (size_t k = 0; k < n; k++)
			ck_assert(seen[k] != seen[n]);
	}
	/* Each input bit flips about half of the output. */
	for (size_t n = 1; n < 100; n += 7) {
		uint64_t plain = hash64(bytes, n, 1);

		for (size_t bit = 0; bit < n * 8; bit++) {
			int flipped;

			bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
			flipped = __builtin_popcountll(plain ^ hash64(bytes, n, 1));
			bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
			ck_assert_int_gt(flipped, 8);
			ck_assert_int_lt(flipped, 56);
		}
	}
	ck_assert(hash64("a", 1, 1) != hash64("a", 1, 2));
	ck_assert(hash64(NULL, 0, 1) == hash64("", 0, 1));
}
END_TEST

START_TEST(names_tell_their_parts_apart)
{
	struct text one[] = { TEXT("ab"), TEXT("c") }, two[] = { TEXT("a"), TEXT("bc") };
	struct text abc[] = { TEXT("abc") };
	char a[HASH_HEX], b[HASH_HEX];

	hash_name(one, 2, a);
	hash_name(two, 2, b);
	ck_assert_str_ne(a, b);
	ck_assert_uint_eq(strlen(a), 32);
	/* sha256 of 8 bytes of length, big endian, and "abc": fixed for ever. */
	hash_name(abc, 1, a);
	ck_assert_str_eq(a, "c3494ca1a2cf8eeb8a11ded316fb55b8");
	/* sha256 of nothing, FIPS 180-4. */
	hash_name(NULL, 0, a);
	ck_assert_str_eq(a, "e3b0c44298fc1c149afbf4c8996fb924");
}
END_TEST

/* RFC 4231, test cases 1, 2 (in two parts) and 6; RFC 2202 case 2 for SHA-1. */
START_TEST(hmac_matches_the_vectors)
{
	struct text hi[] = { TEXT("Hi There") };
	struct text jefe[] = { TEXT("what do ya "), TEXT_NONE, TEXT("want for nothing?") };
	struct text big[] = { TEXT("Test Using Larger Than Block-Size Key - Hash Key First") };
	char key[131], s[HEX_SIZE(CRYPTO_MAC_MAX)];
	uint8_t out[CRYPTO_MAC_MAX];

	memset(key, 0x0b, 20);
	ck_assert(hmac_sha256((struct text){ key, 20 }, hi, 1, out));
	hex_encode(out, 32, s);
	ck_assert_str_eq(s, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	ck_assert(hmac_sha256(TEXT("Jefe"), jefe, 3, out));
	hex_encode(out, 32, s);
	ck_assert_str_eq(s, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	ck_assert(hmac_sha256((struct text){ key, sizeof(key) }, big, 1, out));
	hex_encode(out, 32, s);
	ck_assert_str_eq(s, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	ck_assert_uint_eq(hmac_parts(CRYPTO_HMAC_SHA1, TEXT("Jefe"), jefe, 3, out), 20);
	hex_encode(out, 20, s);
	ck_assert_str_eq(s, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	ck_assert_uint_eq(hmac_parts(CRYPTO_HMAC_SHA512, TEXT_NONE, NULL, 0, out), 64);
	hex_encode(out, 4, s);
	ck_assert_str_eq(s, "b936cee8");
}
END_TEST

/* RFC 8032, section 7.1, test 2. */
START_TEST(ed25519_knows_its_signer)
{
	char key[32], signature[64];
	struct text k = { key, 32 }, g = { signature, 64 };
	size_t n;

	ck_assert(hex_decode(
	    TEXT("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), key, 32, &n));
	ck_assert(
	    hex_decode(TEXT("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
			    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
		       signature, 64, &n));
	ck_assert(ed25519_verify(k, g, TEXT("\x72")));
	ck_assert(!ed25519_verify(k, g, TEXT("\x73")));
	ck_assert(!ed25519_verify(k, g, TEXT_NONE));
	ck_assert(!ed25519_verify((struct text){ key, 31 }, g, TEXT("\x72")));
	ck_assert(!ed25519_verify(k, (struct text){ signature, 63 }, TEXT("\x72")));
	signature[0] = (char)(signature[0] ^ 1);
	ck_assert(!ed25519_verify(k, g, TEXT("\x72")));
	memset(key, 0xff, 32);
	ck_assert(!ed25519_verify(k, g, TEXT("\x72")));
}
END_TEST

START_TEST(bytes_are_compared_whole)
{
	char bytes[] = "secret";

	ck_assert(bytes_equal_ct(TEXT("abc"), TEXT("abc")));
	ck_assert(!bytes_equal_ct(TEXT("abc"), TEXT("abd")));
	ck_assert(!bytes_equal_ct(TEXT("abc"), TEXT("ab")));
	ck_assert(bytes_equal_ct(TEXT_NONE, TEXT("")));
	bytes_wipe(bytes, sizeof(bytes));
	ck_assert_int_eq(bytes[0], 0);
}
END_TEST

START_TEST(secrets_are_shared_and_compared)
{
	struct secret *s = secret_new(TEXT("hush"));
	struct secret *again = secret_ref(s);

	ck_assert_ptr_eq(s, again);
	ck_assert(text_is(secret_reveal(s), "hush"));
	secret_free(s);
	ck_assert(secret_equals(again, TEXT("hush")));
	ck_assert(!secret_equals(again, TEXT("hushhush")));
	ck_assert(!secret_equals(again, TEXT("hus")));
	ck_assert(!secret_equals(again, TEXT("husk")));
	ck_assert(!secret_equals(again, TEXT_NONE));
	secret_free(again);
	secret_free(NULL);
	s = secret_new(TEXT_NONE);
	ck_assert(secret_equals(s, TEXT("")));
	ck_assert(!secret_equals(s, TEXT("a")));
	ck_assert(!secret_equals(s, TEXT("\0")));
	secret_free(s);
}
END_TEST

UNIT_MAIN("base_text", texts_compare, heads_end_with_a_character, texts_split_and_trim,
	  integers_are_read_whole, copies_end_with_nul, utf8_is_judged_strictly,
	  the_nearest_name_is_suggested, json_strings_are_escaped, hex_is_strict, base64_is_strict,
	  hash64_spreads, names_tell_their_parts_apart, hmac_matches_the_vectors,
	  ed25519_knows_its_signer, bytes_are_compared_whole, secrets_are_shared_and_compared)
