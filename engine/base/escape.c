/* SPDX-License-Identifier: Apache-2.0
 *
 * escape - one character at a time; see escape.h for the contract. */
#include "engine/base/escape.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

static size_t replace(char out[ESCAPE_MAX])
{
	memcpy(out, replacement, 3);
	return 3;
}

static size_t unicode(uint32_t code, char out[ESCAPE_MAX])
{
	snprintf(out, ESCAPE_MAX, "\\u%04x", (unsigned)code & 0xffffu);
	return 6;
}

/* Characters that a terminal acts on instead of showing them. */
static bool acts(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

size_t escape_json(struct text t, size_t *at, char out[ESCAPE_MAX])
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* byte, then its letter */
	uint32_t code;
	size_t n;

	assert(*at < t.n);
	n = text_char(t, *at, &code);
	if (n == 0) {
		*at += 1;
		return replace(out);
	}
	for (size_t i = 0; n == 1 && letters[i] != '\0'; i += 2) {
		if ((uint32_t)letters[i] != code)
			continue;
		*at += 1;
		out[0] = '\\';
		out[1] = letters[i + 1];
		return 2;
	}
	*at += n;
	if (acts(code))
		return unicode(code, out);
	memcpy(out, t.s + *at - n, n);
	return n;
}

size_t escape_plain(struct text t, size_t *at, char out[ESCAPE_MAX])
{
	uint32_t code;
	size_t n;

	assert(*at < t.n);
	n = text_char(t, *at, &code);
	*at += n > 0 ? n : 1;
	if (n == 0 || acts(code))
		return replace(out);
	memcpy(out, t.s + *at - n, n);
	return n;
}

void escape_json_put(struct buf *out, struct text t)
{
	char piece[ESCAPE_MAX];
	size_t at = 0;

	buf_char(out, '"');
	while (at < t.n && !buf_failed(out)) {
		size_t n = escape_json(t, &at, piece);

		buf_put(out, piece, n);
	}
	buf_char(out, '"');
}
