/* SPDX-License-Identifier: Apache-2.0
 *
 * hex - hexadecimal and base64 as in RFC 4648, sections 8 and 4. */
#include "engine/base/hex.h"

#include <assert.h>
#include <stdint.h>

void hex_encode(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *s = bytes;

	assert(bytes != NULL || n == 0);
	assert(out != NULL);
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[s[i] >> 4];
		out[2 * i + 1] = digits[s[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct text t, void *out, size_t room, size_t *n)
{
	uint8_t *to = out;

	assert(out != NULL);
	assert(n != NULL);
	if (t.n % 2 != 0 || t.n / 2 > room)
		return false;
	for (size_t i = 0; i < t.n; i += 2) {
		int high = hex_value(t.s[i]);
		int low = hex_value(t.s[i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i / 2] = (uint8_t)(high << 4 | low);
	}
	*n = t.n / 2;
	return true;
}

void base64_encode(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *s = bytes;

	assert(bytes != NULL || n == 0);
	assert(out != NULL);
	for (size_t i = 0; i < n; i += 3) {
		size_t have = n - i < 3 ? n - i : 3;
		uint32_t three = (uint32_t)s[i] << 16;

		if (have > 1)
			three |= (uint32_t)s[i + 1] << 8;
		if (have > 2)
			three |= s[i + 2];
		*out++ = digits[three >> 18];
		*out++ = digits[three >> 12 & 63];
		*out++ = have > 1 ? digits[three >> 6 & 63] : '=';
		*out++ = have > 2 ? digits[three & 63] : '=';
	}
	*out = '\0';
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

bool base64_decode(struct text t, void *out, size_t room, size_t *n)
{
	uint8_t *to = out;
	uint32_t bits = 0;
	size_t held = 0, pad = 0, used = 0;

	assert(out != NULL);
	assert(n != NULL);
	if (t.n % 4 != 0)
		return false;
	while (pad < 2 && pad < t.n && t.s[t.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < t.n - pad; i++) {
		int value = base64_value(t.s[i]);

		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32_t)value) & 0xffffu;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (used == room)
			return false;
		to[used++] = (uint8_t)(bits >> held);
	}
	if ((bits & ((1u << held) - 1)) != 0)
		return false;
	*n = used;
	return true;
}
