/* SPDX-License-Identifier: Apache-2.0
 *
 * address - IP addresses and networks as text: RFC 4291 (2.2), RFC 4632 (3.1),
 * written in the canonical form of RFC 5952, but without its mixed notation.
 *
 * Refused: zones ("fe80::1%eth0"), IPv4 in IPv6 ("::ffff:1.2.3.4"), zeros in front
 * of a decimal number. One text has one meaning everywhere. */
#include "engine/value/value.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#define GROUPS  8                      /* of an IPv6 address */
#define LONGEST (INET6_ADDRSTRLEN + 4) /* a text of so many bytes is no network */

/* ---- In. ---- */

static bool is_mapped(const unsigned char *bytes)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(bytes, prefix, sizeof(prefix)) == 0;
}

uint32_t value_ip_parse(struct text t, unsigned char out[VALUE_CIDR_BYTES])
{
	char room[INET6_ADDRSTRLEN];

	assert(out != NULL);
	if (t.n == 0 || t.n >= sizeof(room) || memchr(t.s, '\0', t.n) != NULL)
		return 0;
	memcpy(room, t.s, t.n);
	room[t.n] = '\0';
	if (inet_pton(AF_INET, room, out) == 1)
		return 4;
	return inet_pton(AF_INET6, room, out) == 1 && !is_mapped(out) ? 16 : 0;
}

uint32_t value_cidr_parse(struct text t, unsigned char out[VALUE_CIDR_BYTES])
{
	size_t slash = t.n < LONGEST ? text_find(t, TEXT("/")) : SIZE_MAX;
	struct text bits;
	uint32_t n;
	unsigned length = 0;

	assert(out != NULL);
	if (slash == SIZE_MAX)
		return 0;
	n = value_ip_parse((struct text){ t.s, slash }, out);
	bits = (struct text){ t.s + slash + 1, t.n - slash - 1 };
	if (n == 0 || bits.n == 0 || bits.n > 3 || (bits.s[0] == '0' && bits.n > 1))
		return 0;
	for (size_t i = 0; i < bits.n; i++) {
		if (bits.s[i] < '0' || bits.s[i] > '9')
			return 0;
		length = length * 10 + (unsigned)(bits.s[i] - '0');
	}
	if (length > n * 8)
		return 0;
	out[n] = (unsigned char)length;
	return n + 1;
}

/* ---- Out. ---- */

static unsigned group(const unsigned char *bytes, int i)
{
	return (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
}

/* The first of the longest runs of zeros, where it is worth a "::"; its length. */
static int longest_zeros(const unsigned char *bytes, int *from)
{
	int best = 1, run = 0;

	*from = GROUPS;
	for (int i = 0; i < GROUPS; i++) {
		run = group(bytes, i) == 0 ? run + 1 : 0;
		if (run > best) {
			best = run;
			*from = i + 1 - run;
		}
	}
	return best;
}

static size_t put_ipv6(const unsigned char *bytes, char *out, size_t room)
{
	int from, zeros = longest_zeros(bytes, &from);
	size_t n = 0;

	for (int i = 0; i < GROUPS; i++) {
		if (i == from)
			n += (size_t)snprintf(out + n, room - n, "::");
		if (i >= from && i < from + zeros)
			continue;
		n += (size_t)snprintf(out + n, room - n, "%s%x",
				      i == 0 || i == from + zeros ? "" : ":", group(bytes, i));
	}
	return n;
}

void value_address_text(struct value v, char out[VALUE_ADDRESS_TEXT])
{
	const unsigned char *bytes = (const unsigned char *)v.s;
	uint32_t n = v.kind == VALUE_CIDR ? v.n - 1 : v.n;
	size_t at;

	assert(v.kind == VALUE_IP || v.kind == VALUE_CIDR);
	assert(n == 4 || n == 16);
	if (n == 4)
		at = (size_t)snprintf(out, VALUE_ADDRESS_TEXT, "%d.%d.%d.%d", bytes[0], bytes[1],
				      bytes[2], bytes[3]);
	else
		at = put_ipv6(bytes, out, VALUE_ADDRESS_TEXT);
	if (v.kind == VALUE_CIDR)
		snprintf(out + at, VALUE_ADDRESS_TEXT - at, "/%d", bytes[n]);
}
