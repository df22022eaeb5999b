/* SPDX-License-Identifier: Apache-2.0
 *
 * http_address - which addresses are not on the public Internet.
 *
 * The tables are the IANA special-purpose registries (RFC 6890 and later
 * entries) plus multicast and the reserved class E. Forms of IPv6 that carry an
 * IPv4 address are judged by what they carry, or refused where the embedded
 * address says nothing about the way packets take (Teredo).
 * Never: resolves a name; the address of the real connect is judged. */
#include "engine/io/http_client.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct block4 {
	uint32_t net; /* host byte order */
	unsigned bits;
};

static const struct block4 private4[] = {
	{ 0x00000000, 8 },  /* "this" network, RFC 791 */
	{ 0x0a000000, 8 },  /* private, RFC 1918 */
	{ 0x64400000, 10 }, /* shared by carriers, RFC 6598 */
	{ 0x7f000000, 8 },  /* loopback, RFC 1122 */
	{ 0xa9fe0000, 16 }, /* link local, RFC 3927; clouds serve credentials there */
	{ 0xac100000, 12 }, /* private, RFC 1918 */
	{ 0xc0000000, 24 }, /* IETF assignments, RFC 6890 */
	{ 0xc0000200, 24 }, /* documentation, RFC 5737 */
	{ 0xc0586300, 24 }, /* 6to4 relays, RFC 7526 */
	{ 0xc0a80000, 16 }, /* private, RFC 1918 */
	{ 0xc6120000, 15 }, /* benchmarks, RFC 2544 */
	{ 0xc6336400, 24 }, /* documentation, RFC 5737 */
	{ 0xcb007100, 24 }, /* documentation, RFC 5737 */
	{ 0xe0000000, 4 },  /* multicast, RFC 5771 */
	{ 0xf0000000, 4 },  /* reserved and broadcast, RFC 1112 */
};

struct block6 {
	uint8_t net[8]; /* the first bytes; the longest prefix here is 64 bits */
	unsigned bits;
};

static const struct block6 private6[] = {
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, /* local translation, RFC 8215 */
	{ { 0x01, 0x00 }, 64 },                         /* discard, RFC 6666 */
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 },             /* IETF assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },             /* documentation, RFC 3849 */
	{ { 0x3f, 0xff, 0x00, 0x00 }, 20 },             /* documentation, RFC 9637 */
	{ { 0x5f, 0x00 }, 16 },                         /* segment routing, RFC 9602 */
	{ { 0xfc, 0x00 }, 7 },                          /* unique local, RFC 4193 */
	{ { 0xfe, 0x80 }, 10 },                         /* link local, RFC 4291 */
	{ { 0xfe, 0xc0 }, 10 },                         /* site local, RFC 3879 */
	{ { 0xff, 0x00 }, 8 },                          /* multicast, RFC 4291 */
};

static bool private_ipv4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(private4) / sizeof(private4[0]); i++) {
		unsigned shift = 32 - private4[i].bits;

		if (address >> shift == private4[i].net >> shift)
			return true;
	}
	return false;
}

static uint32_t ipv4_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool prefix_matches(const uint8_t *address, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(address, net, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ net[whole]) >> (8 - rest) == 0;
}

static bool private_ipv6(const uint8_t *address)
{
	static const uint8_t zero[12];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };   /* RFC 4291 */
	static const uint8_t translated[12] = { 0x00, 0x64, 0xff, 0x9b }; /* RFC 6052 */
	static const uint8_t stateless[12] = { [8] = 0xff, [9] = 0xff };  /* RFC 2765 */

	/* Compatible addresses are deprecated; unspecified and loopback are among them. */
	if (memcmp(address, zero, 12) == 0)
		return true;
	if (memcmp(address, mapped, 12) == 0 || memcmp(address, translated, 12) == 0 ||
	    memcmp(address, stateless, 12) == 0)
		return private_ipv4(ipv4_at(address + 12));
	if (address[0] == 0x20 && address[1] == 0x02) /* 6to4, RFC 3056 */
		return private_ipv4(ipv4_at(address + 2));
	for (size_t i = 0; i < sizeof(private6) / sizeof(private6[0]); i++)
		if (prefix_matches(address, private6[i].net, private6[i].bits))
			return true;
	return false;
}

bool http_address_is_private(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	assert(address != NULL);
	switch (address->sa_family) {
	case AF_INET:
		memcpy(&v4, address, sizeof(v4));
		return private_ipv4(ntohl(v4.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&v6, address, sizeof(v6));
		return private_ipv6(v6.sin6_addr.s6_addr);
	default:
		return true; /* not the Internet at all */
	}
}
