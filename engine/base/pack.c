/* SPDX-License-Identifier: Apache-2.0
 *
 * pack.c - zlib's deflate with a dictionary; see pack.h. */
#include "engine/base/pack.h"

#include <assert.h>
#include <zlib.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define RAW   (-15) /* zlib's windowBits: the largest window, no header */
#define LEVEL 1     /* the fastest; measured in docs/decisions/012-raw-bodies.md */
#define MEM   5     /* zlib's memLevel: a small hash table is sooner emptied */

struct packer {
	z_stream z;
};

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

/* zlib only reads through it; the member is not const in this version. */
static unsigned char *bytes_of(struct text t)
{
	static unsigned char none;

	return t.n > 0 ? (unsigned char *)(uintptr_t)t.s : &none;
}

struct packer *packer_new(void)
{
	struct packer *p = mem_zero(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->z.zalloc = give;
	p->z.zfree = take;
	if (deflateInit2(&p->z, LEVEL, Z_DEFLATED, RAW, MEM, Z_DEFAULT_STRATEGY) == Z_OK)
		return p;
	mem_free(p);
	return NULL;
}

void packer_free(struct packer *packer)
{
	if (packer == NULL)
		return;
	(void)deflateEnd(&packer->z);
	mem_free(packer);
}

bool packer_pack(struct packer *packer, struct text plain, struct text like, struct buf *out)
{
	unsigned char piece[LIMIT_GUNZIP_PIECE];
	z_stream *z;
	int result;

	assert(packer != NULL && out != NULL);
	assert(plain.n <= LIMIT_BODY_MAX && like.n <= UINT32_MAX);
	z = &packer->z;
	if (deflateReset(z) != Z_OK ||
	    deflateSetDictionary(z, bytes_of(like), (unsigned)like.n) != Z_OK)
		return false;
	z->next_in = bytes_of(plain);
	z->avail_in = (unsigned)plain.n;
	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		result = deflate(z, Z_FINISH);
		buf_put(out, piece, sizeof(piece) - z->avail_out);
	} while (result == Z_OK && !buf_failed(out));
	return result == Z_STREAM_END && !buf_failed(out);
}

static bool unpack_all(z_stream *z, struct buf *out)
{
	unsigned char piece[LIMIT_GUNZIP_PIECE];
	int result;

	do {
		z->next_out = piece;
		z->avail_out = sizeof(piece);
		result = inflate(z, Z_NO_FLUSH);
		buf_put(out, piece, sizeof(piece) - z->avail_out);
	} while (result == Z_OK && !buf_failed(out));
	return result == Z_STREAM_END && z->avail_in == 0 && !buf_failed(out);
}

bool unpack(struct text packed, struct text like, struct buf *out)
{
	z_stream z = { .zalloc = give, .zfree = take };
	bool whole;

	assert(out != NULL && packed.n <= UINT32_MAX && like.n <= UINT32_MAX);
	if (inflateInit2(&z, RAW) != Z_OK)
		return false;
	z.next_in = bytes_of(packed);
	z.avail_in = (unsigned)packed.n;
	whole = inflateSetDictionary(&z, bytes_of(like), (unsigned)like.n) == Z_OK &&
		unpack_all(&z, out);
	(void)inflateEnd(&z);
	return whole;
}
