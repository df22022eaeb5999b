/* SPDX-License-Identifier: Apache-2.0
 *
 * conceal - see conceal.h.
 *
 * All spellings of all secrets are looked for in one walk: a table of bits says of nearly every
 * four bytes that no spelling begins with them. A text is walked once as it is, and once more for
 * each way of escaping whose mark is in it, as whoever reads it would. So the time it takes grows
 * with the text only. */
#include "engine/base/conceal.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/crypto.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define SPELLINGS                                                                                  \
	9 /* of a secret: itself, base64 in 3 alignments and 2 alphabets, hex in 2 cases */
#define NEEDLES (SPELLINGS * LIMIT_CONCEALED)
#define FIRST   4 /* bytes that the table of bits goes by; no spelling is shorter */
#define TABLE_BITS                                                                                 \
	8192 /* of which 2 % are set by the 18 spellings of a usual connection's secrets */

struct needle {
	size_t at, n;        /* of the bytes */
	size_t name, name_n; /* of the names */
};

struct concealer {
	struct needle needles[NEEDLES];
	unsigned count;
	struct buf bytes, names;
	uint64_t table[TABLE_BITS / 64];
};

static void wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->room);
	buf_fini(b);
}

struct concealer *concealer_new(void)
{
	struct concealer *c = mem_alloc(sizeof(*c));

	if (c == NULL)
		return NULL;
	c->count = 0;
	memset(c->table, 0, sizeof(c->table));
	buf_init(&c->bytes, (size_t)4 * NEEDLES * LIMIT_SECRET_FILE);
	buf_init(&c->names, (size_t)LIMIT_CONCEALED * KIB);
	return c;
}

void concealer_free(struct concealer *c)
{
	if (c == NULL)
		return;
	wipe(&c->bytes);
	buf_fini(&c->names);
	mem_free(c);
}

/* ---- What is looked for. ---- */

static unsigned table_bit(const char *s)
{
	uint32_t first;

	memcpy(&first, s, FIRST);
	return (unsigned)(first * 2654435761u >> 19); /* Knuth's multiplier; 13 bits are left */
}

static void needle_add(struct concealer *c, struct text t, size_t name, size_t name_n)
{
	unsigned bit;

	if (t.n < FIRST)
		return;
	if (c->count == NEEDLES) {
		c->bytes.failed = true;
		return;
	}
	bit = table_bit(t.s);
	c->table[bit / 64] |= (uint64_t)1 << bit % 64;
	c->needles[c->count++] =
	    (struct needle){ .at = c->bytes.n, .n = t.n, .name = name, .name_n = name_n };
	buf_text(&c->bytes, t);
}

/* The characters of base64 that the secret alone decides, when `before` bytes of something else
 * stand before it. */
static void add_base64(struct concealer *c, struct text secret, unsigned before, size_t name,
		       size_t name_n)
{
	AUTO_FINI(wipe) struct buf plain;
	AUTO_FINI(wipe) struct buf coded;
	size_t from = (8 * before + 5) / 6, to = 8 * (before + secret.n) / 6;
	char *at;

	buf_init(&plain, secret.n + 2);
	buf_put(&plain, "\0\0", before);
	buf_text(&plain, secret);
	buf_init(&coded, BASE64_SIZE(plain.n));
	at = buf_failed(&plain) ? NULL : buf_reserve(&coded, BASE64_SIZE(plain.n));
	if (at == NULL) {
		c->bytes.failed = true;
		return;
	}
	base64_encode(plain.s, plain.n, at);
	needle_add(c, (struct text){ at + from, to - from }, name, name_n);
	for (size_t i = from; i < to; i++)
		at[i] = at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i];
	needle_add(c, (struct text){ at + from, to - from }, name, name_n);
}

static void add_hex(struct concealer *c, struct text secret, size_t name, size_t name_n)
{
	AUTO_FINI(wipe) struct buf coded;
	char *at;

	buf_init(&coded, HEX_SIZE(secret.n));
	at = buf_reserve(&coded, HEX_SIZE(secret.n));
	if (at == NULL) {
		c->bytes.failed = true;
		return;
	}
	hex_encode(secret.s, secret.n, at);
	needle_add(c, (struct text){ at, 2 * secret.n }, name, name_n);
	for (size_t i = 0; i < 2 * secret.n; i++)
		at[i] = at[i] >= 'a' ? (char)(at[i] - 'a' + 'A') : at[i];
	needle_add(c, (struct text){ at, 2 * secret.n }, name, name_n);
}

void concealer_add(struct concealer *c, struct text secret, struct text name)
{
	size_t at;

	assert(c != NULL && name.n > 0);
	if (secret.n < LIMIT_HIDDEN_SECRET)
		return;
	at = c->names.n;
	buf_text(&c->names, name);
	needle_add(c, secret, at, name.n);
	for (unsigned before = 0; before < 3; before++)
		add_base64(c, secret, before, at, name.n);
	add_hex(c, secret, at, name.n);
}

/* ---- How texts are read. ---- */

/* A code as UTF-8; surrogates, which no secret has, come out as no text does. */
static size_t utf8_of(unsigned code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)(unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(unsigned char)(0xc0 | code >> 6);
		out[1] = (char)(unsigned char)(0x80 | (code & 0x3f));
		return 2;
	}
	out[0] = (char)(unsigned char)(0xe0 | code >> 12);
	out[1] = (char)(unsigned char)(0x80 | (code >> 6 & 0x3f));
	out[2] = (char)(unsigned char)(0x80 | (code & 0x3f));
	return 3;
}

/* Each reads what stands first in t: the bytes it says go to `out`, their number to *wide. They
 * return how many bytes of t that was. */
static size_t read_plain(struct text t, char out[4], size_t *wide)
{
	out[0] = t.s[0];
	*wide = 1;
	return 1;
}

static size_t read_json(struct text t, char out[4], size_t *wide)
{
	unsigned char pair[2];
	size_t n;

	if (t.s[0] != '\\' || t.n < 2)
		return read_plain(t, out, wide);
	if (t.s[1] == '"' || t.s[1] == '\\' || t.s[1] == '/') {
		out[0] = t.s[1];
		*wide = 1;
		return 2;
	}
	if (t.s[1] != 'u' || t.n < 6 || !hex_decode((struct text){ t.s + 2, 4 }, pair, 2, &n))
		return read_plain(t, out, wide);
	*wide = utf8_of((unsigned)pair[0] << 8 | pair[1], out);
	return 6;
}

static size_t read_url(struct text t, char out[4], size_t *wide)
{
	size_t n;

	if (t.s[0] != '%' || t.n < 3 || !hex_decode((struct text){ t.s + 1, 2 }, out, 1, &n))
		return read_plain(t, out, wide);
	*wide = 1;
	return 3;
}

static size_t read_form(struct text t, char out[4], size_t *wide)
{
	size_t n = read_url(t, out, wide);

	if (t.s[0] == '+')
		out[0] = ' ';
	return n;
}

/* A character's number between "&#" and ";"; 0 when it is none. */
static unsigned html_number(struct text t)
{
	unsigned base = t.n > 0 && (t.s[0] == 'x' || t.s[0] == 'X') ? 16 : 10, code = 0;

	for (size_t i = base == 16; i < t.n; i++) {
		char c = (char)(t.s[i] | 0x20);
		unsigned digit = c >= 'a' ? (unsigned)(c - 'a') + 10 : (unsigned)(t.s[i] - '0');

		if (digit >= base || (t.s[i] < '0'))
			return 0;
		code = code * base + digit;
	}
	return code <= 0xffff ? code : 0;
}

static size_t read_html(struct text t, char out[4], size_t *wide)
{
	static const struct {
		const char *name;
		unsigned code;
	} known[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' }
	};
	struct text name;
	unsigned code = 0;
	size_t n = 1;

	while (t.s[0] == '&' && n < t.n && n < 9 && t.s[n] != ';')
		n++;
	if (t.s[0] != '&' || n >= t.n || t.s[n] != ';')
		return read_plain(t, out, wide);
	name = (struct text){ t.s + 1, n - 1 };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (text_is(name, known[i].name))
			code = known[i].code;
	if (name.n > 1 && name.s[0] == '#')
		code = html_number((struct text){ name.s + 1, name.n - 1 });
	if (code == 0)
		return read_plain(t, out, wide);
	*wide = utf8_of(code, out);
	return n + 1;
}

static const struct reading {
	char mark; /* without it in a text it says what it is; 0: any text */
	size_t (*read)(struct text t, char out[4], size_t *wide);
} readings[] = {
	{ 0, read_plain },  { '\\', read_json }, { '%', read_url },
	{ '+', read_form }, { '&', read_html },
};

#define READINGS (sizeof(readings) / sizeof(readings[0]))

static struct text skip(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

/* Puts what t says into `plain` (NULL: nowhere) until it has `most` bytes; how much of t that was.
 */
static size_t read_to(const struct reading *how, struct text t, size_t most, struct buf *plain)
{
	size_t from = 0, said = 0, wide;
	char bytes[4];

	if (how->mark == 0)
		return most < t.n ? most : t.n;
	while (from < t.n && said < most) {
		from += how->read(skip(t, from), bytes, &wide);
		said += wide;
		if (plain != NULL)
			buf_put(plain, bytes, wide);
	}
	return from;
}

/* ---- The search. ---- */

static const struct needle *needle_at(const struct concealer *c, struct text t)
{
	const struct needle *longest = NULL;

	for (unsigned i = 0; i < c->count; i++) {
		const struct needle *n = &c->needles[i];

		if (n->n <= t.n && memcmp(c->bytes.s + n->at, t.s, n->n) == 0 &&
		    (longest == NULL || n->n > longest->n))
			longest = n;
	}
	return longest;
}

/* The first of them in t from *at on, which is put there; NULL: none. */
static const struct needle *needle_find(const struct concealer *c, struct text t, size_t *at)
{
	for (; *at + FIRST <= t.n; (*at)++) {
		unsigned bit = table_bit(t.s + *at);
		const struct needle *found;

		if ((c->table[bit / 64] >> bit % 64 & 1) == 0)
			continue;
		found = needle_at(c, skip(t, *at));
		if (found != NULL)
			return found;
	}
	return NULL;
}

static struct text conceal_read(const struct concealer *c, const struct reading *how, struct text t,
				struct buf *out)
{
	AUTO_FINI(wipe) struct buf plain;
	const struct needle *found;
	struct text said = t;
	size_t at = 0, from = 0;

	buf_init(&plain, t.n);
	if (how->mark != 0) {
		if (t.n == 0 || memchr(t.s, how->mark, t.n) == NULL)
			return t;
		(void)read_to(how, t, SIZE_MAX, &plain);
		buf_follow(out, &plain);
		said = buf_view(&plain);
	}
	found = buf_failed(out) ? NULL : needle_find(c, said, &at);
	if (found == NULL)
		return t;
	for (; found != NULL; found = needle_find(c, said, &at)) {
		size_t n = read_to(how, t, at - from, NULL);

		buf_put(out, t.s, n);
		buf_put(out, c->names.s + found->name, found->name_n);
		t = skip(t, n);
		t = skip(t, read_to(how, t, found->n, NULL));
		from = at += found->n;
	}
	buf_text(out, t);
	return buf_view(out);
}

struct text conceal(const struct concealer *c, struct text t, struct buf *out)
{
	struct text original = t;
	struct buf rooms[READINGS];

	assert(out != NULL);
	if (c == NULL || (c->count == 0 && !buf_failed(&c->bytes)))
		return t;
	if (buf_failed(&c->bytes) || buf_failed(&c->names)) {
		out->failed = true;
		return TEXT_NONE;
	}
	for (size_t i = 0; i < READINGS; i++) {
		buf_init(&rooms[i], out->limit);
		t = conceal_read(c, &readings[i], t, &rooms[i]);
		buf_follow(out, &rooms[i]);
	}
	if (t.s != original.s)
		buf_text(out, t);
	for (size_t i = 0; i < READINGS; i++)
		wipe(&rooms[i]);
	if (buf_failed(out))
		return TEXT_NONE;
	return t.s != original.s ? buf_view(out) : original;
}
