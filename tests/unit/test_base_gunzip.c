/* SPDX-License-Identifier: Apache-2.0
 *
 * gunzip: what zlib packed comes back; bombs, stumps and leftovers don't. */
#include "engine/base/gunzip.h"

#include <stdlib.h>
#include <zlib.h>

#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "unit_main.h"

#define ROOM 65536

/* One gzip member; returns its size. */
static size_t pack(const void *bytes, size_t n, unsigned char out[ROOM])
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)n };

	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = out;
	z.avail_out = ROOM;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return ROOM - z.avail_out;
}

static enum gunzip unpacked(const void *packed, size_t n, size_t limit, struct text expected)
{
	struct buf out;
	enum gunzip result;

	buf_init(&out, limit);
	result = gunzip((struct text){ packed, n }, &out);
	ck_assert_uint_le(out.n, limit);
	if (result == GUNZIP_OK)
		ck_assert(text_eq(buf_view(&out), expected));
	buf_fini(&out);
	return result;
}

START_TEST(there_and_back)
{
	static const char text[] = "{\"a\":1}";
	unsigned char packed[2 * ROOM];
	size_t n = pack(text, 7, packed);

	ck_assert_int_eq(unpacked(packed, n, 7, TEXT("{\"a\":1}")), GUNZIP_OK);
	ck_assert_int_eq(unpacked(packed, n, 6, TEXT("")), GUNZIP_TOO_LARGE);
	n += pack(text + 3, 4, packed + n); /* a second member follows */
	ck_assert_int_eq(unpacked(packed, n, 20, TEXT("{\"a\":1}\":1}")), GUNZIP_OK);
	ck_assert_int_eq(unpacked(packed, n, 10, TEXT("")), GUNZIP_TOO_LARGE);
	n = pack("", 0, packed);
	ck_assert_int_eq(unpacked(packed, n, 20, TEXT("")), GUNZIP_OK);
}
END_TEST

START_TEST(no_gzip)
{
	unsigned char packed[ROOM];
	size_t n = pack("hello, hello, hello", 19, packed);

	for (size_t cut = 0; cut < n; cut++)
		ck_assert_int_eq(unpacked(packed, cut, 100, TEXT("")), GUNZIP_MALFORMED);
	packed[n] = 0;
	ck_assert_int_eq(unpacked(packed, n + 1, 100, TEXT("")), GUNZIP_MALFORMED);
	packed[n - 5] ^= 1; /* the checksum */
	ck_assert_int_eq(unpacked(packed, n, 100, TEXT("")), GUNZIP_MALFORMED);
	ck_assert_int_eq(unpacked("{\"a\":1}", 7, 100, TEXT("")), GUNZIP_MALFORMED);
	ck_assert_int_eq(unpacked(NULL, 0, 100, TEXT("")), GUNZIP_MALFORMED);
	/* zlib's own format, not gzip */
	ck_assert_int_eq(unpacked("\x78\x9c\x03\x00\x00\x00\x00\x01", 8, 100, TEXT("")),
			 GUNZIP_MALFORMED);
}
END_TEST

/* 16 MiB in 16 KiB: the limit is what bounds the work. */
START_TEST(a_bomb)
{
	size_t size = (size_t)16 << 20;
	char *zeros = calloc(1, size);
	unsigned char packed[ROOM];
	size_t n = pack(zeros, size, packed);

	ck_assert_int_eq(unpacked(packed, n, MIB, TEXT("")), GUNZIP_TOO_LARGE);
	ck_assert_int_eq(unpacked(packed, n, size - 1, TEXT("")), GUNZIP_TOO_LARGE);
	ck_assert_int_eq(unpacked(packed, n, size, (struct text){ zeros, size }), GUNZIP_OK);
	free(zeros);
}
END_TEST

START_TEST(memory_is_out)
{
	unsigned char packed[ROOM];
	size_t n = pack("hello", 5, packed);
	bool hit = true;

	for (int i = 1; hit; i++) {
		enum gunzip result;

		fault_arm("memory", i, false);
		result = unpacked(packed, n, 100, TEXT("hello"));
		hit = fault_disarm();
		ck_assert_int_eq(result, hit ? GUNZIP_NO_MEMORY : GUNZIP_OK);
	}
}
END_TEST

UNIT_MAIN("base_gunzip", there_and_back, no_gzip, a_bomb, memory_is_out)
