/* SPDX-License-Identifier: Apache-2.0
 *
 * gunzip.c - zlib's inflate in pieces; see gunzip.h. */
#include "engine/base/gunzip.h"

#include <assert.h>
#include <zlib.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define GZIP_ONLY (15 + 16) /* zlib's windowBits: the largest window, a gzip header */

static void *give(void *of, unsigned count, unsigned size)
{
	(void)of;
	return mem_zero(count, size);
}

static void take(void *of, void *block)
{
	(void)of;
	mem_free(block);
}

/* One step: a piece more in `out`, of *made bytes. Z_OK, or what ended it. */
static int step(z_stream *z, struct buf *out, size_t *made)
{
	unsigned char piece[LIMIT_GUNZIP_PIECE];
	int result;

	z->next_out = piece;
	z->avail_out = sizeof(piece);
	result = inflate(z, Z_NO_FLUSH);
	*made = sizeof(piece) - z->avail_out;
	buf_put(out, piece, *made);
	return result;
}

/* Until all of the input is used, member after member. */
static enum gunzip unpack(z_stream *z, struct buf *out)
{
	for (;;) {
		size_t made, before = out->n;
		int result = step(z, out, &made);

		if (buf_failed(out))
			return made > out->limit - before ? GUNZIP_TOO_LARGE : GUNZIP_NO_MEMORY;
		if (result == Z_MEM_ERROR)
			return GUNZIP_NO_MEMORY;
		if (result == Z_STREAM_END && z->avail_in == 0)
			return GUNZIP_OK;
		if (result == Z_STREAM_END && inflateReset(z) == Z_OK)
			continue;
		if (result != Z_OK) /* Z_BUF_ERROR: it ends too early */
			return GUNZIP_MALFORMED;
	}
}

enum gunzip gunzip(struct text packed, struct buf *out)
{
	z_stream z = { .zalloc = give, .zfree = take };
	enum gunzip result;
	int began;

	assert(out != NULL && packed.n <= LIMIT_BODY_MAX);
	/* zlib only reads through it; the member is not const in this version. */
	z.next_in = (unsigned char *)(uintptr_t)packed.s;
	z.avail_in = (unsigned)packed.n;
	began = inflateInit2(&z, GZIP_ONLY);
	if (began != Z_OK)
		return GUNZIP_NO_MEMORY;
	result = unpack(&z, out);
	inflateEnd(&z);
	return result;
}
