/* SPDX-License-Identifier: Apache-2.0
 *
 * eval_value - see eval_value.h. The recursion is bounded by the depth of JSON. */
#include "engine/commands/eval_value.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/hex.h"
#include "engine/base/timetext.h"

#define EXACT 9007199254740992 /* 2^53: beyond it a double doesn't hold every integer */

static const struct {
	const char *name;
	enum cel_type type;
} names[] = {
	{ "dyn", CEL_DYN },
	{ "null", CEL_NULL },
	{ "null_type", CEL_NULL },
	{ "bool", CEL_BOOL },
	{ "int", CEL_INT },
	{ "uint", CEL_UINT },
	{ "double", CEL_DOUBLE },
	{ "string", CEL_TEXT },
	{ "bytes", CEL_BYTES },
	{ "list", CEL_LIST },
	{ "map", CEL_MAP },
	{ "timestamp", CEL_TIMESTAMP },
	{ "google.protobuf.Timestamp", CEL_TIMESTAMP },
	{ "duration", CEL_DURATION },
	{ "google.protobuf.Duration", CEL_DURATION },
	{ "type", CEL_TYPE },
	{ "optional_type", CEL_OPTIONAL },
};

bool eval_type(struct text type, enum cel_type *out)
{
	struct text head;

	assert(out != NULL);
	(void)text_split(type, '(', &head);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (text_is(text_trim(head), names[i].name)) {
			*out = names[i].type;
			return true;
		}
	}
	return false;
}

/* "map(string, list(int))" to "string" and "list(int)"; dyn where nothing is said. */
static void type_arguments(struct text type, struct text *first, struct text *second)
{
	struct text inner, head;
	int depth = 0;

	*first = *second = TEXT("dyn");
	inner = text_split(type, '(', &head);
	if (inner.n == 0 || inner.s[inner.n - 1] != ')')
		return;
	inner.n--;
	*first = text_trim(inner);
	for (size_t i = 0; i < inner.n; i++) {
		depth += inner.s[i] == '(' ? 1 : inner.s[i] == ')' ? -1 : 0;
		if (inner.s[i] != ',' || depth != 0)
			continue;
		*first = text_trim((struct text){ inner.s, i });
		*second = text_trim((struct text){ inner.s + i + 1, inner.n - i - 1 });
		return;
	}
}

/* ---- In. ---- */

static bool take_int(struct value json, struct value *out)
{
	int64_t i;

	if (json.kind == VALUE_INT)
		*out = json;
	else if (json.kind == VALUE_DOUBLE && trunc(json.d) == json.d && fabs(json.d) <= EXACT)
		*out = value_int((int64_t)json.d);
	else if (json.kind == VALUE_TEXT && text_to_int(value_as_text(json), &i))
		*out = value_int(i);
	else
		return false;
	return true;
}

static bool take_uint(struct arena *arena, struct value json, struct value *out)
{
	struct value whole;
	char *end = NULL;

	if (json.kind == VALUE_UINT) {
		*out = json;
		return true;
	}
	if (take_int(json, &whole)) {
		*out = value_uint((uint64_t)whole.i);
		return whole.i >= 0;
	}
	if (json.kind != VALUE_TEXT || json.n == 0 || json.s[0] < '0' || json.s[0] > '9')
		return false;
	struct text digits = text_dup(arena, value_as_text(json));

	if (digits.s == NULL)
		return false;
	errno = 0;
	*out = value_uint(strtoull(digits.s, &end, 10));
	return errno == 0 && end == digits.s + digits.n;
}

static bool take_double(struct value json, struct value *out)
{
	struct text t = json.kind == VALUE_TEXT ? value_as_text(json) : TEXT_NONE;

	if (json.kind == VALUE_DOUBLE)
		*out = json;
	else if (json.kind == VALUE_INT)
		*out = value_double((double)json.i);
	else if (json.kind == VALUE_UINT)
		*out = value_double((double)json.u);
	else if (text_is(t, "NaN"))
		*out = value_double(NAN);
	else if (text_is(t, "Infinity") || text_is(t, "-Infinity"))
		*out = value_double(t.s[0] == '-' ? -INFINITY : INFINITY);
	else
		return false;
	return true;
}

static bool take_bytes(struct arena *arena, struct value json, struct value *out)
{
	char *bytes = arena_alloc(arena, json.n + 1);
	size_t n;

	if (bytes == NULL || !base64_decode(value_as_text(json), bytes, json.n, &n))
		return false;
	*out = (struct value){ .kind = VALUE_BYTES, .n = (uint32_t)n, .s = bytes };
	return true;
}

/* RFC 3339, to the nanosecond. */
static bool take_timestamp(struct value json, struct value *out)
{
	int64_t seconds;
	int32_t nanos;

	if (!timetext_parse(value_as_text(json), &seconds, &nanos))
		return false;
	*out = (struct value){ .kind = VALUE_TIMESTAMP, .n = (uint32_t)nanos, .i = seconds };
	return true;
}

/* "-3.5s": a sign, seconds, at most nine digits, and s. */
static bool take_duration(struct value json, struct value *out)
{
	struct text t = value_as_text(json), whole, fraction;
	bool negative = t.n > 0 && t.s[0] == '-';
	int64_t seconds, nanos = 0;

	if (t.n < 2 || t.s[t.n - 1] != 's')
		return false;
	t.n--;
	t.s += negative;
	t.n -= negative;
	fraction = text_split(t, '.', &whole);
	if (!text_to_int(whole, &seconds) || seconds < 0 || fraction.n > 9 ||
	    (fraction.n > 0 && (!text_to_int(fraction, &nanos) || nanos < 0)))
		return false;
	for (size_t i = fraction.n; i < 9 && nanos > 0; i++)
		nanos *= 10;
	*out = (struct value){ .kind = VALUE_DURATION,
			       .n = (uint32_t)(int32_t)(negative ? -nanos : nanos),
			       .i = negative ? -seconds : seconds };
	return true;
}

static bool take_list(struct arena *arena, struct text type, struct value json, struct value *out)
{
	struct value_list_builder b;
	struct text item, none;
	struct value v;

	type_arguments(type, &item, &none);
	value_list_begin(&b, arena);
	for (uint32_t i = 0; i < json.n; i++) {
		if (!eval_take(arena, item, json.items[i], &v))
			return false;
		value_list_add(&b, v);
	}
	*out = value_list_end(&b);
	return true;
}

static bool take_key(struct arena *arena, struct text type, struct value json, struct value *out)
{
	bool yes = json.kind == VALUE_TEXT && text_is(value_as_text(json), "true");

	if (text_is(type, "bool") && json.kind == VALUE_TEXT) {
		*out = value_bool(yes);
		return yes || text_is(value_as_text(json), "false");
	}
	return eval_take(arena, type, json, out);
}

static bool take_map(struct arena *arena, struct text type, struct value json, struct value *out)
{
	struct value_map_builder b;
	struct text key_type, val_type;
	struct value key, val;

	type_arguments(type, &key_type, &val_type);
	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < json.n; i++) {
		if (!take_key(arena, key_type, json.pairs[i].key, &key) ||
		    !eval_take(arena, val_type, json.pairs[i].val, &val))
			return false;
		value_map_add(&b, key, val);
	}
	*out = value_map_end(&b);
	return true;
}

/* null is none. */
static bool take_optional(struct arena *arena, struct text type, struct value json,
			  struct value *out)
{
	struct value *item = arena_array(arena, 1, sizeof(*item));
	struct text inner, none;

	type_arguments(type, &inner, &none);
	*out = (struct value){ .kind = VALUE_OPTIONAL };
	if (json.kind == VALUE_NULL)
		return true;
	if (item == NULL || !eval_take(arena, inner, json, item))
		return false;
	out->n = 1;
	out->items = item;
	return true;
}

static bool take_type(struct value json, struct value *out)
{
	*out = (struct value){ .kind = VALUE_TYPE, .n = json.n, .s = json.s };
	return true;
}

bool eval_take(struct arena *arena, struct text type, struct value json, struct value *out)
{
	bool text = json.kind == VALUE_TEXT;
	enum cel_type t;

	assert(arena != NULL && out != NULL);
	*out = json;
	if (!eval_type(type, &t))
		return false;
	switch (t) {
	case CEL_NULL:
		return json.kind == VALUE_NULL;
	case CEL_BOOL:
		return json.kind == VALUE_BOOL;
	case CEL_INT:
		return take_int(json, out);
	case CEL_UINT:
		return take_uint(arena, json, out);
	case CEL_DOUBLE:
		return take_double(json, out);
	case CEL_TEXT:
		return text;
	case CEL_BYTES:
		return text && take_bytes(arena, json, out);
	case CEL_LIST:
		return json.kind == VALUE_LIST && take_list(arena, type, json, out);
	case CEL_MAP:
		return json.kind == VALUE_MAP && take_map(arena, type, json, out);
	case CEL_TIMESTAMP:
		return text && take_timestamp(json, out);
	case CEL_DURATION:
		return text && take_duration(json, out);
	case CEL_TYPE:
		return text && take_type(json, out);
	case CEL_OPTIONAL:
		return take_optional(arena, type, json, out);
	case CEL_DYN:
	case CEL_IP:
	case CEL_CIDR:
		break;
	}
	return true;
}

/* ---- Out. ---- */

static struct value give_number(struct arena *arena, struct value v)
{
	if (v.kind == VALUE_INT && (v.i > EXACT || v.i < -EXACT))
		return value_text(text_printf(arena, "%" PRId64, v.i));
	if (v.kind == VALUE_UINT && v.u > EXACT)
		return value_text(text_printf(arena, "%" PRIu64, v.u));
	return v;
}

static struct value give_map(struct arena *arena, struct value v)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	for (uint32_t i = 0; i < v.n; i++)
		value_map_add(&b, v.pairs[i].key, eval_give(arena, v.pairs[i].val));
	return value_map_end(&b);
}

static struct value give_list(struct arena *arena, struct value v)
{
	struct value_list_builder b;

	value_list_begin(&b, arena);
	for (uint32_t i = 0; i < v.n; i++)
		value_list_add(&b, eval_give(arena, v.items[i]));
	return value_list_end(&b);
}

struct value eval_give(struct arena *arena, struct value v)
{
	assert(arena != NULL);
	switch (v.kind) {
	case VALUE_INT:
	case VALUE_UINT:
		return give_number(arena, v);
	case VALUE_LIST:
		return give_list(arena, v);
	case VALUE_MAP:
		return give_map(arena, v);
	case VALUE_TYPE:
		return value_text(value_as_text(v));
	case VALUE_OPTIONAL:
		return v.n > 0 ? eval_give(arena, v.items[0]) : value_null();
	default:
		return v;
	}
}
