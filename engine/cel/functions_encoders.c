/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_encoders - base64.encode and base64.decode: cel-go's encoders
 * extension; RFC 4648, section 4.
 *
 * Decoding gives bytes, whatever they are; string(bytes) is what asks for UTF-8.
 * The padding may be missing, as the extension allows; nothing else is let
 * through that an encoder wouldn't write. */
#include "engine/cel/env.h"
#include "engine/cel/out.h"

#include <assert.h>

#include "engine/base/hex.h"

static struct value call_encode(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	size_t size = BASE64_SIZE((size_t)args[0].n);
	struct cel_out out;
	char *to;

	(void)of;
	assert(count == 1);
	cel_out_begin(&out, run);
	cel_out_charge(&out, args[0].n / 16);
	to = cel_out_room(&out, size);
	if (to != NULL) {
		base64_encode(args[0].s, args[0].n, to);
		out.n += size - 1;
	}
	return cel_out_end(&out);
}

/* The two or three characters behind the last whole four, with the padding that
 * is missing. */
static bool decode_tail(struct text tail, char *to, size_t *n)
{
	char four[4] = { '=', '=', '=', '=' };

	assert(tail.n < 4);
	*n = 0;
	if (tail.n == 0)
		return true;
	if (memchr(tail.s, '=', tail.n) != NULL)
		return false;
	memcpy(four, tail.s, tail.n);
	return base64_decode((struct text){ four, 4 }, to, 3, n);
}

/* `to` has room for three bytes of every four characters begun. */
static bool decode(struct text t, char *to, size_t *n)
{
	struct text head = { t.s, t.n - t.n % 4 };
	size_t more;

	if (head.n < t.n && head.n > 0 && head.s[head.n - 1] == '=')
		return false; /* padding ends the text */
	if (!base64_decode(head, to, head.n / 4 * 3, n) ||
	    !decode_tail((struct text){ t.s + head.n, t.n - head.n }, to + *n, &more))
		return false;
	*n += more;
	return true;
}

static struct value call_decode(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	struct text t = value_as_text(args[0]);
	struct cel_out out;
	struct value v;
	size_t n = 0;
	char *to;

	(void)of;
	assert(count == 1);
	cel_out_begin(&out, run);
	cel_out_charge(&out, t.n / 16);
	to = cel_out_room(&out, (t.n + 3) / 4 * 3);
	if (to != NULL && !decode(t, to, &n))
		cel_out_fail(&out, cel_error(run, "the text is no base64"));
	out.n = n;
	v = cel_out_end(&out);
	if (v.kind == VALUE_TEXT)
		v.kind = VALUE_BYTES;
	return v;
}

#define ONE(type_)                                                                                 \
	{                                                                                          \
		(type_), CEL_DYN, CEL_DYN, CEL_DYN                                                 \
	}

const struct cel_function cel_functions_encoders[] = {
	{ "base64.encode", "The bytes as base64.", false, CEL_TEXT, 1, 1, ONE(CEL_BYTES),
	  call_encode, false },
	{ "base64.decode", "The bytes that a base64 text stands for; padding may be missing.",
	  false, CEL_BYTES, 1, 1, ONE(CEL_TEXT), call_decode, false },
	{ .name = NULL },
};
