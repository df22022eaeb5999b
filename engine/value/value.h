/* SPDX-License-Identifier: Apache-2.0
 *
 * value - the one data model: JSON documents, CEL values, parameters, results.
 *
 * A value is 16 bytes, immutable once built, and lives in an arena together
 * with everything it points to. JSON has null, bool, int, uint (only beyond
 * int64), double, text, list and map; the other kinds belong to CEL and to
 * typed fields.
 *
 * Numbers follow their spelling in JSON: 1 is int, 1.0 and 1e2 are double, an
 * integer beyond int64 is uint, beyond that double.
 *
 * I1  Text is valid UTF-8. Its bytes may contain NUL.
 * I2  A map keeps the order it was built in; keys are unique by value_equal and
 *     are text, int, uint or bool (JSON: text only).
 * Ownership: the arena given to the maker. Values themselves are passed by
 * value or const pointer and never freed. */
#ifndef TAPPET_VALUE_VALUE_H
#define TAPPET_VALUE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/text.h"

enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT,
	VALUE_DOUBLE,
	VALUE_TEXT,
	VALUE_BYTES,
	VALUE_LIST,
	VALUE_MAP,
	VALUE_TIMESTAMP, /* i = seconds since the epoch, n = nanoseconds 0..999999999 */
	VALUE_DURATION,  /* i = seconds, n = nanoseconds as int32 of the same sign */
	VALUE_TYPE,      /* s = its name */
	VALUE_OPTIONAL,  /* items[0] when n is 1, none when n is 0 */
	VALUE_IP,        /* s = the address in network order, n = 4 or 16 */
	VALUE_CIDR,      /* likewise, and a byte with the prefix's length: n = 5 or 17 */
	VALUE_ERROR,     /* s = what went wrong; only inside an evaluation */
};

struct value_pair;

struct value {
	uint8_t kind; /* enum value_kind */
	uint32_t n;   /* bytes, items or pairs; see the kinds above */
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double d;
		const char *s;
		const struct value *items;
		const struct value_pair *pairs;
	};
};

struct value_pair {
	struct value key;
	struct value val;
};

_Static_assert(sizeof(struct value) == 16, "a value is two words");

static inline struct value value_null(void)
{
	return (struct value){ .kind = VALUE_NULL };
}

static inline struct value value_bool(bool b)
{
	return (struct value){ .kind = VALUE_BOOL, .b = b };
}

static inline struct value value_int(int64_t i)
{
	return (struct value){ .kind = VALUE_INT, .i = i };
}

static inline struct value value_uint(uint64_t u)
{
	return (struct value){ .kind = VALUE_UINT, .u = u };
}

static inline struct value value_double(double d)
{
	return (struct value){ .kind = VALUE_DOUBLE, .d = d };
}

/* Borrows the bytes; they must live as long as the value. n must fit 32 bits. */
static inline struct value value_text(struct text t)
{
	return (struct value){ .kind = VALUE_TEXT, .n = (uint32_t)t.n, .s = t.s };
}

/* Milliseconds since the epoch as a timestamp. */
struct value value_timestamp_ms(int64_t ms);

static inline struct text value_as_text(struct value v)
{
	return (struct text){ v.s, v.n };
}

static inline bool value_is(struct value v, enum value_kind kind)
{
	return v.kind == kind;
}

const char *value_kind_name(enum value_kind kind); /* CEL's type names: "int", "string", ... */

/* ---- Building. All return VALUE_ERROR-free values; on a spent arena they
 * return null and the arena is failed (check once at the end). ---- */

struct value_list_builder {
	struct arena *arena;
	struct value *items;
	uint32_t n, room;
};

void value_list_begin(struct value_list_builder *b, struct arena *arena);
void value_list_room(struct value_list_builder *b, uint32_t n); /* for n items in all; optional */
void value_list_add(struct value_list_builder *b, struct value item);
struct value value_list_end(struct value_list_builder *b);

struct value_map_builder {
	struct arena *arena;
	struct value_pair *pairs;
	uint32_t n, room;
};

void value_map_begin(struct value_map_builder *b, struct arena *arena);
void value_map_room(struct value_map_builder *b, uint32_t n); /* for n pairs in all; optional */
void value_map_add(struct value_map_builder *b, struct value key, struct value val);

/* The key is borrowed: static text. */
void value_map_set(struct value_map_builder *b, const char *key, struct value val);

/* Ends the map. With a key added twice the last value stays, where the first
 * stood. Pairs must come from here: a map of more than eight carries an index
 * behind them. */
struct value value_map_end(struct value_map_builder *b);

/* Like value_map_end, but false when a key was added twice. */
bool value_map_end_unique(struct value_map_builder *b, struct value *out);

/* A deep copy that borrows nothing from the original's arena. */
struct value value_copy(struct arena *arena, struct value v);

/* ---- Reading. ---- */

/* NULL when v is no map or has no such key. */
const struct value *value_get(struct value v, struct text key);

/* The same for a key of any kind; 1, 1u and 1.0 are one key. */
const struct value *value_get_value(struct value v, struct value key);

/* Follows "a.b.c" through maps; NULL when a step is missing. A segment that is
 * all digits also indexes a list. */
const struct value *value_path(struct value v, struct text path);

/* Whether lists and maps stand in each other more than `most` levels deep; a text is 0 deep. */
bool value_is_deeper(struct value v, unsigned most);

/* ---- Comparing, hashing. ---- */

/* CEL's equality: numbers compare by their mathematical value across kinds,
 * NaN differs from itself, maps ignore order; different kinds are unequal. */
bool value_equal(struct value a, struct value b);

/* -1, 0, 1 for comparable kinds (numbers with numbers, text, bytes, bool,
 * timestamp, duration), else 2; also 2 when a NaN takes part. */
int value_order(struct value a, struct value b);

/* ---- Addresses (address.c). ---- */

#define VALUE_CIDR_BYTES   17
#define VALUE_ADDRESS_TEXT 44 /* the longest address, its prefix length and a NUL */

/* Reads an IP address ("10.0.0.1", "2001:db8::1"), or with its prefix length a
 * network ("10.0.0.0/8"), into the bytes that a VALUE_IP or VALUE_CIDR points to;
 * how many they are, 0 when the text is none. */
uint32_t value_ip_parse(struct text t, unsigned char out[VALUE_CIDR_BYTES]);
uint32_t value_cidr_parse(struct text t, unsigned char out[VALUE_CIDR_BYTES]);

/* A VALUE_IP or VALUE_CIDR in its canonical form. */
void value_address_text(struct value v, char out[VALUE_ADDRESS_TEXT]);

struct buf;

/* ---- JSON out (write.c). Timestamps print as RFC 3339 text, durations as
 * "3.5s", addresses as text, bytes as base64, NaN and infinities as text; keys that are not text
 * print as text. ---- */
void value_write(struct buf *out, struct value v);        /* one line, no spaces */
void value_write_pretty(struct buf *out, struct value v); /* two spaces of indent */
void value_write_text(struct buf *out, struct text t);    /* one JSON string with its quotes */

/* Writes the value as it reads inside a sentence or template: text bare, whole
 * doubles without a fraction, lists and maps as JSON, null as "null". */
void value_write_plain(struct buf *out, struct value v);

/* RFC 8785-like canonical form: keys sorted by bytes, no spaces, numbers in
 * their shortest form with 1.0 written as 1. */
void value_write_canonical(struct buf *out, struct value v);

/* Equal values (value_equal) hash alike, and all NaN do. For tables in memory:
 * the result differs between machines and must not be stored. */
uint64_t value_hash(struct value v);

#endif
