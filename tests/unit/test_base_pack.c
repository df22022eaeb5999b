/* SPDX-License-Identifier: Apache-2.0
 *
 * pack: what was packed comes back against the same text, and against no other. */
#include "engine/base/pack.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "unit_main.h"

struct kit {
	struct packer *packer;
	struct buf packed, plain;
};

static void kit_init(struct kit *k)
{
	k->packer = packer_new();
	ck_assert_ptr_nonnull(k->packer);
	buf_init(&k->packed, MIB);
	buf_init(&k->plain, MIB);
}

static void kit_fini(struct kit *k)
{
	buf_fini(&k->packed);
	buf_fini(&k->plain);
	packer_free(k->packer);
}

static size_t there_and_back(struct kit *k, struct text plain, struct text like)
{
	buf_clear(&k->packed);
	buf_clear(&k->plain);
	ck_assert(packer_pack(k->packer, plain, like, &k->packed));
	ck_assert(unpack(buf_view(&k->packed), like, &k->plain));
	ck_assert(text_eq(buf_view(&k->plain), plain));
	return k->packed.n;
}

START_TEST(what_was_packed_comes_back)
{
	const struct text json = TEXT("{\"order\":{\"customer\":\"Acme\",\"n\":1}}");
	struct kit k;

	kit_init(&k);
	ck_assert_uint_gt(there_and_back(&k, TEXT(""), TEXT("")), 0);
	(void)there_and_back(&k, TEXT(""), json);
	(void)there_and_back(&k, TEXT("\0\xff\x00 any bytes"), TEXT(""));
	/* Against itself it is a few bytes; so a second time, whatever came between. */
	ck_assert_uint_lt(there_and_back(&k, json, json), 10);
	ck_assert_uint_gt(there_and_back(&k, json, TEXT("")), 30);
	ck_assert_uint_lt(there_and_back(&k, json, json), 10);
	kit_fini(&k);
}
END_TEST

/* Bytes that nothing repeats, larger than zlib's window and than a piece. */
START_TEST(noise_grows_by_next_to_nothing)
{
	size_t n = 300 * KIB;
	char *noise = malloc(n);
	uint32_t x = 1;
	struct kit k;

	kit_init(&k);
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525u + 1013904223u;
		noise[i] = (char)(x >> 24);
	}
	ck_assert_uint_le(
	    there_and_back(&k, (struct text){ noise, n }, (struct text){ noise + 1, n - 1 }),
	    PACK_MOST(n));
	free(noise);
	kit_fini(&k);
}
END_TEST

START_TEST(anything_else_is_refused)
{
	const struct text plain = TEXT("{\"a\": 1, \"b\": \"a text of some length\"}");
	const struct text like = TEXT("{\"a\":1,\"b\":\"a text of some length\"}");
	struct kit k;

	kit_init(&k);
	ck_assert(packer_pack(k.packer, plain, like, &k.packed));
	for (size_t n = 0; n < k.packed.n; n++)
		ck_assert(!unpack((struct text){ k.packed.s, n }, like, &k.plain));
	buf_char(&k.packed, 'x');
	ck_assert(!unpack(buf_view(&k.packed), like, &k.plain));
	k.packed.n--;
	ck_assert(!unpack(buf_view(&k.packed), TEXT(""), &k.plain));
	kit_fini(&k);
}
END_TEST

/* What differs in blanks alone is not deflated: a byte a blank and a few more. */
START_TEST(blanks_are_told_by_their_places)
{
	const struct text like = TEXT("{\"a\":1,\"b\":[\"a text\",2]}");
	static const char *const same[] = {
		"{\"a\": 1, \"b\": [\"a text\", 2]}",
		" {\"a\":1,\"b\":[\"a text\",2]}\r\n",
		"{\t\"a\":1,\"b\":[\"a text\",\n  2]}",
	};
	char far[300], near[301];
	struct kit k;

	kit_init(&k);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		size_t n = there_and_back(&k, text_of(same[i]), like);

		ck_assert_uint_eq(n, 3 + strlen(same[i]) - like.n);
		ck_assert(
		    !unpack(buf_view(&k.packed), (struct text){ like.s, like.n - 1 }, &k.plain));
	}
	memset(far, 'x', sizeof(far));
	memset(near, 'x', sizeof(near));
	for (size_t at = 0; at < sizeof(near); at++) {
		near[at] = ' ';
		ck_assert_uint_le(there_and_back(&k, (struct text){ near, sizeof(near) },
						 (struct text){ far, sizeof(far) }),
				  8);
		near[at] = 'x';
	}
	/* Another blank, fewer of them, another letter, too many blanks: deflated. */
	(void)there_and_back(&k, TEXT("a\tb"), TEXT("a b"));
	(void)there_and_back(&k, TEXT("ab"), TEXT("a b"));
	(void)there_and_back(&k, TEXT("{\"c\": 1}"), TEXT("{\"a\":1}"));
	memset(near, ' ', sizeof(near));
	ck_assert_uint_lt(there_and_back(&k, (struct text){ near, 200 }, TEXT("")), 30);
	kit_fini(&k);
}
END_TEST

START_TEST(limits_hold)
{
	const struct text plain = TEXT("0123456789 and so on, 26 b");
	struct buf small;
	struct kit k;

	kit_init(&k);
	buf_init(&small, 8);
	ck_assert(!packer_pack(k.packer, plain, TEXT(""), &small));
	buf_fini(&small);
	ck_assert(packer_pack(k.packer, plain, TEXT(""), &k.packed));
	buf_init(&small, plain.n - 1);
	ck_assert(!unpack(buf_view(&k.packed), TEXT(""), &small));
	buf_fini(&small);
	buf_init(&small, plain.n);
	ck_assert(unpack(buf_view(&k.packed), TEXT(""), &small));
	buf_fini(&small);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("base_pack", what_was_packed_comes_back, noise_grows_by_next_to_nothing,
	  anything_else_is_refused, blanks_are_told_by_their_places, limits_hold)
