/* SPDX-License-Identifier: Apache-2.0
 *
 * pack.c - what differs in blanks only, and zlib's deflate with a dictionary; see pack.h.
 *
 * A text that is `like` with blanks put in (JSON with a blank behind each colon) is kept as the
 * places of the blanks: BLANKS, the lengths of the text and of `like`, then a byte for each blank,
 * which says how many bytes of `like` come before it (six bits; DISTANT: a number follows) and
 * which one it is (two bits). Numbers are seven bits a byte, the lowest first; the top bit says
 * that more follow. No deflate stream begins with BLANKS: its second and third bit are those of a
 * block type that RFC 1951, 3.2.3 reserves. */
#include "engine/base/pack.h"

#include <assert.h>
#include <zlib.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define RAW   (-15) /* zlib's windowBits: the largest window, no header */
#define LEVEL 1     /* the fastest; measured in docs/decisions/012-raw-bodies.md */
#define MEM   5     /* zlib's memLevel: a small hash table is sooner emptied */

#define BLANKS  '\xff'
#define DISTANT 63u

#define HEAD_MOST 16 /* what stands before the list of blanks, and a few of them */

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

/* ---- Blanks. ---- */

static const char blanks[] = " \n\r\t";

static void put_number(struct buf *out, size_t n)
{
	for (; n > 127; n >>= 7)
		buf_char(out, (char)(n | 128));
	buf_char(out, (char)n);
}

/* False when the number is cut off or too large. */
static bool take_number(struct text *from, size_t *out)
{
	unsigned char c = 128;

	*out = 0;
	for (unsigned shift = 0; c > 127; shift += 7) {
		if (from->n == 0 || shift > 28)
			return false;
		c = (unsigned char)from->s[0];
		*out |= (size_t)(c & 127u) << shift;
		from->s++;
		from->n--;
	}
	return true;
}

/* How many bytes are the same at the beginning of both. */
static size_t same_bytes(struct text a, struct text b)
{
	size_t most = a.n < b.n ? a.n : b.n, n = 0;

	while (most - n >= 8 && memcmp(a.s + n, b.s + n, 8) == 0)
		n += 8;
	while (n < most && a.s[n] == b.s[n])
		n++;
	return n;
}

static struct text behind(struct text t, size_t n)
{
	return n > 0 ? (struct text){ t.s + n, t.n - n } : t;
}

static void put_blank(struct buf *out, size_t before, size_t kind)
{
	buf_char(out, (char)((before < DISTANT ? before : DISTANT) | kind << 6));
	if (before >= DISTANT)
		put_number(out, before - DISTANT);
}

/* False, with nothing of use in `out`, when more than blanks differ, or so many that deflate takes
 * less. */
static bool pack_blanks(struct text plain, struct text like, struct buf *out)
{
	size_t most = out->n + HEAD_MOST + plain.n / 8;

	buf_char(out, BLANKS);
	put_number(out, plain.n);
	put_number(out, like.n);
	while (plain.n > 0 && out->n < most) {
		size_t same = same_bytes(plain, like);
		const char *blank;

		plain = behind(plain, same);
		like = behind(like, same);
		if (plain.n == 0)
			break;
		blank = memchr(blanks, plain.s[0], sizeof(blanks) - 1);
		if (blank == NULL)
			return false;
		put_blank(out, same, (size_t)(blank - blanks));
		plain = behind(plain, 1);
	}
	return plain.n == 0 && like.n == 0;
}

static bool unpack_blanks(struct text packed, struct text like, struct buf *out)
{
	size_t n, whole, from = out->n;

	packed = behind(packed, 1);
	if (!take_number(&packed, &whole) || !take_number(&packed, &n) || n != like.n)
		return false;
	while (packed.n > 0 && !buf_failed(out)) {
		unsigned char c = (unsigned char)packed.s[0];
		size_t more = 0;

		packed = behind(packed, 1);
		n = c & DISTANT;
		if (n == DISTANT && !take_number(&packed, &more))
			return false;
		n += more;
		if (n > like.n)
			return false;
		buf_put(out, like.s, n);
		buf_char(out, blanks[c >> 6]);
		like = behind(like, n);
	}
	buf_text(out, like);
	return !buf_failed(out) && out->n - from == whole;
}

/* ---- Anything else. ---- */

static bool pack_deflated(struct packer *packer, struct text plain, struct text like,
			  struct buf *out)
{
	unsigned char piece[LIMIT_GUNZIP_PIECE];
	z_stream *z;
	int result;

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

bool packer_pack(struct packer *packer, struct text plain, struct text like, struct buf *out)
{
	size_t before;

	assert(packer != NULL && out != NULL);
	assert(plain.n <= LIMIT_BODY_MAX && like.n <= UINT32_MAX);
	before = out->n;
	if (pack_blanks(plain, like, out))
		return !buf_failed(out);
	buf_cut(out, before);
	return pack_deflated(packer, plain, like, out);
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
	if (packed.n > 0 && packed.s[0] == BLANKS)
		return unpack_blanks(packed, like, out);
	if (inflateInit2(&z, RAW) != Z_OK)
		return false;
	z.next_in = bytes_of(packed);
	z.avail_in = (unsigned)packed.n;
	whole = inflateSetDictionary(&z, bytes_of(like), (unsigned)like.n) == Z_OK &&
		unpack_all(&z, out);
	(void)inflateEnd(&z);
	return whole;
}
