/* SPDX-License-Identifier: Apache-2.0
 *
 * Equality, order and hash of values, as CEL defines them (cel-spec, langdef:
 * "Equality", "Ordering").
 *
 * I1  int, uint and double compare by the numbers they stand for, never by
 *     converting one to the other's type first: 2^53 + 1 is not 2.0^53.
 * I2  value_equal(a, b) implies value_hash(a) == value_hash(b). */
#include "engine/value/value.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/value/inside.h"

#define UNORDERED 2
#define TWO_63    9223372036854775808.0
#define TWO_64    18446744073709551616.0

/* ---- numbers ---- */

static bool is_number(struct value v)
{
	return v.kind == VALUE_INT || v.kind == VALUE_UINT || v.kind == VALUE_DOUBLE;
}

/* Once the whole parts are equal the fraction decides; it is exact. */
static int order_fraction(double d)
{
	double rest = d - trunc(d);

	return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

static int order_int_double(int64_t i, double d)
{
	int64_t whole;

	if (isnan(d))
		return UNORDERED;
	if (d >= TWO_63)
		return -1;
	if (d < -TWO_63)
		return 1;
	whole = (int64_t)d;
	if (i != whole)
		return i < whole ? -1 : 1;
	return order_fraction(d);
}

static int order_uint_double(uint64_t u, double d)
{
	uint64_t whole;

	if (isnan(d))
		return UNORDERED;
	if (d >= TWO_64)
		return -1;
	if (d < 0)
		return 1;
	whole = (uint64_t)d;
	if (u != whole)
		return u < whole ? -1 : 1;
	return order_fraction(d);
}

static int order_doubles(double a, double b)
{
	if (isnan(a) || isnan(b))
		return UNORDERED;
	return (a > b) - (a < b);
}

static int order_int(int64_t i, struct value b)
{
	if (b.kind == VALUE_INT)
		return (i > b.i) - (i < b.i);
	if (b.kind == VALUE_DOUBLE)
		return order_int_double(i, b.d);
	if (i < 0)
		return -1;
	return ((uint64_t)i > b.u) - ((uint64_t)i < b.u);
}

static int reversed(int order)
{
	return order == UNORDERED ? UNORDERED : -order;
}

static int order_numbers(struct value a, struct value b)
{
	assert(is_number(a) && is_number(b));
	if (a.kind == VALUE_INT)
		return order_int(a.i, b);
	if (b.kind == VALUE_INT)
		return reversed(order_int(b.i, a));
	if (a.kind == VALUE_DOUBLE && b.kind == VALUE_DOUBLE)
		return order_doubles(a.d, b.d);
	if (b.kind == VALUE_DOUBLE)
		return order_uint_double(a.u, b.d);
	if (a.kind == VALUE_DOUBLE)
		return reversed(order_uint_double(b.u, a.d));
	return (a.u > b.u) - (a.u < b.u);
}

/* ---- order ---- */

static int order_bytes(struct value a, struct value b)
{
	int order = text_cmp(value_as_text(a), value_as_text(b));

	return (order > 0) - (order < 0);
}

static int order_times(struct value a, struct value b)
{
	int32_t m = (int32_t)a.n;
	int32_t n = (int32_t)b.n;

	if (a.i != b.i)
		return a.i < b.i ? -1 : 1;
	return (m > n) - (m < n);
}

int value_order(struct value a, struct value b)
{
	assert(a.kind <= VALUE_ERROR && b.kind <= VALUE_ERROR);
	if (is_number(a) && is_number(b))
		return order_numbers(a, b);
	if (a.kind != b.kind)
		return UNORDERED;
	switch (a.kind) {
	case VALUE_BOOL:
		return (int)a.b - (int)b.b;
	case VALUE_TEXT:
	case VALUE_BYTES:
		return order_bytes(a, b);
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return order_times(a, b);
	default:
		return UNORDERED;
	}
}

/* ---- equality ---- */

static bool equal(struct value a, struct value b, bool nan_same);

static bool equal_items(struct value a, struct value b, bool nan_same)
{
	if (a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++) {
		if (!equal(a.items[i], b.items[i], nan_same))
			return false;
	}
	return true;
}

static bool equal_maps(struct value a, struct value b, bool nan_same)
{
	if (a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++) {
		const struct value *other = value_get_value(b, a.pairs[i].key);

		if (other == NULL || !equal(a.pairs[i].val, *other, nan_same))
			return false;
	}
	return true;
}

static bool equal(struct value a, struct value b, bool nan_same)
{
	if (is_number(a) && is_number(b)) {
		if (nan_same && a.kind == VALUE_DOUBLE && b.kind == VALUE_DOUBLE && isnan(a.d))
			return isnan(b.d);
		return order_numbers(a, b) == 0;
	}
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case VALUE_NULL:
		return true;
	case VALUE_TYPE:
	case VALUE_IP:
	case VALUE_CIDR:
		return text_eq(value_as_text(a), value_as_text(b));
	case VALUE_LIST:
	case VALUE_OPTIONAL:
		return equal_items(a, b, nan_same);
	case VALUE_MAP:
		return equal_maps(a, b, nan_same);
	case VALUE_ERROR:
		return false;
	default:
		return value_order(a, b) == 0;
	}
}

bool value_equal(struct value a, struct value b)
{
	return equal(a, b, false);
}

bool value_same(struct value a, struct value b)
{
	return equal(a, b, true);
}

/* ---- hash ---- */

/* The finalizer of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t join(uint64_t hash, uint64_t next)
{
	return mix(hash * UINT64_C(0x9e3779b97f4a7c15) + next);
}

/* A whole number that some int or uint equals must hash like it: those hash by
 * their 64 bits, and whether they are negative. */
static uint64_t hash_whole(uint64_t bits, bool negative, uint64_t seed)
{
	return join(seed + (negative ? 2 : 1), bits);
}

static uint64_t hash_double(double d, uint64_t seed)
{
	uint64_t bits;

	if (isnan(d))
		return join(seed + 3, 0);
	if (d >= -TWO_63 && d < 0 && order_fraction(d) == 0)
		return hash_whole((uint64_t)(int64_t)d, true, seed);
	if (d >= 0 && d < TWO_64 && order_fraction(d) == 0)
		return hash_whole((uint64_t)d, false, seed);
	memcpy(&bits, &d, sizeof(bits));
	return join(seed + 4, bits);
}

static uint64_t hash_items(struct value v, uint64_t seed)
{
	uint64_t hash = join(seed + v.kind, v.n);

	for (uint32_t i = 0; i < v.n; i++)
		hash = join(hash, value_hash_seeded(v.items[i], seed));
	return hash;
}

/* A sum, because the order of pairs does not count. */
static uint64_t hash_map(struct value v, uint64_t seed)
{
	uint64_t sum = v.n;

	for (uint32_t i = 0; i < v.n; i++) {
		sum += join(value_hash_seeded(v.pairs[i].key, seed),
			    value_hash_seeded(v.pairs[i].val, seed));
	}
	return join(seed + VALUE_MAP, sum);
}

uint64_t value_hash_seeded(struct value v, uint64_t seed)
{
	assert(v.kind <= VALUE_ERROR);
	switch ((enum value_kind)v.kind) {
	case VALUE_TEXT:
		return hash64(v.s, v.n, seed);
	case VALUE_BYTES:
	case VALUE_TYPE:
	case VALUE_IP:
	case VALUE_CIDR:
	case VALUE_ERROR:
		return hash64(v.s, v.n, join(seed, v.kind));
	case VALUE_INT:
		return hash_whole((uint64_t)v.i, v.i < 0, seed);
	case VALUE_UINT:
		return hash_whole(v.u, false, seed);
	case VALUE_DOUBLE:
		return hash_double(v.d, seed);
	case VALUE_LIST:
	case VALUE_OPTIONAL:
		return hash_items(v, seed);
	case VALUE_MAP:
		return hash_map(v, seed);
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return join(join(seed + 16 + v.kind, (uint64_t)v.i), v.n);
	case VALUE_BOOL:
		return join(seed + 32, v.b);
	case VALUE_NULL:
		break;
	}
	return join(seed + 33, 0);
}

uint64_t value_hash(struct value v)
{
	return value_hash_seeded(v, 0);
}
