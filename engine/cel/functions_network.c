/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_network - IP addresses and networks: cel-go's network extension.
 *
 * A network keeps the address it was written with (10.1.2.3/8); masked() clears
 * the rest of it. Addresses of the two families never contain one another.
 * Ownership: the bytes of an address live in the evaluation's arena. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>

#define SHOWN      60 /* longer texts aren't quoted in an error: no cut inside a character */
#define READ_STEPS 10 /* reading an address takes about that many times as long as a step */

static struct value kept(struct cel_run *run, enum value_kind kind, const unsigned char *bytes,
			 uint32_t n)
{
	const char *copy = arena_copy(cel_arena(run), bytes, n);

	if (copy == NULL)
		return cel_error_memory();
	return (struct value){ .kind = (uint8_t)kind, .n = n, .s = copy };
}

static struct value malformed(struct cel_run *run, const char *what, struct value v)
{
	if (v.n > SHOWN)
		return cel_error(run, "a text of %u bytes is no %s", v.n, what);
	return cel_error(run, "\"%.*s\" is no %s", (int)v.n, v.s, what);
}

/* An address or network out of its text, or an error. Longer texts than addresses
 * have are refused unread. */
static struct value read_text(struct cel_run *run, enum value_kind kind, struct value v)
{
	unsigned char bytes[VALUE_CIDR_BYTES];
	uint32_t n;

	if (!cel_charge(run, READ_STEPS))
		return cel_error_budget();
	if (kind == VALUE_IP)
		n = value_ip_parse(value_as_text(v), bytes);
	else
		n = value_cidr_parse(value_as_text(v), bytes);
	if (n > 0)
		return kept(run, kind, bytes, n);
	return malformed(run, kind == VALUE_IP ? "IP address" : "network (10.0.0.0/8)", v);
}

/* ---- From text ---- */

static struct value call_ip(struct cel_run *run, void *of, const struct value *args, uint32_t count)
{
	(void)of;
	assert(count == 1);
	return read_text(run, VALUE_IP, args[0]);
}

static struct value call_cidr(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	(void)of;
	assert(count == 1);
	return read_text(run, VALUE_CIDR, args[0]);
}

static struct value call_is_ip(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	unsigned char bytes[VALUE_CIDR_BYTES];

	(void)of;
	assert(count == 1);
	if (!cel_charge(run, READ_STEPS))
		return cel_error_budget();
	return value_bool(value_ip_parse(value_as_text(args[0]), bytes) > 0);
}

static struct value call_is_cidr(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	unsigned char bytes[VALUE_CIDR_BYTES];

	(void)of;
	assert(count == 1);
	if (!cel_charge(run, READ_STEPS))
		return cel_error_budget();
	return value_bool(value_cidr_parse(value_as_text(args[0]), bytes) > 0);
}

static struct value call_is_canonical(struct cel_run *run, void *of, const struct value *args,
				      uint32_t count)
{
	struct value v = read_text(run, VALUE_IP, args[0]);
	char text[VALUE_ADDRESS_TEXT];

	(void)of;
	assert(count == 1);
	if (v.kind == VALUE_ERROR)
		return v;
	value_address_text(v, text);
	return value_bool(text_is(value_as_text(args[0]), text));
}

/* ---- Addresses ---- */

static unsigned byte(struct value v, uint32_t i)
{
	return (unsigned char)v.s[i];
}

static bool is_v4(struct value ip)
{
	return ip.n == 4;
}

/* All bytes before the last are 0 and the last is `last`. */
static bool is_small(struct value ip, unsigned last)
{
	for (uint32_t i = 0; i + 1 < ip.n; i++) {
		if (byte(ip, i) != 0)
			return false;
	}
	return byte(ip, ip.n - 1) == last;
}

static bool is_loopback(struct value ip)
{
	return is_v4(ip) ? byte(ip, 0) == 127 : is_small(ip, 1);
}

static bool is_multicast(struct value ip)
{
	return is_v4(ip) ? (byte(ip, 0) & 0xf0) == 0xe0 : byte(ip, 0) == 0xff;
}

/* 224.0.0.0/24, and ff02::/16 with any flags (RFC 4291, 2.7). */
static bool is_link_local_multicast(struct value ip)
{
	if (is_v4(ip))
		return byte(ip, 0) == 224 && byte(ip, 1) == 0 && byte(ip, 2) == 0;
	return byte(ip, 0) == 0xff && (byte(ip, 1) & 0x0f) == 2;
}

/* 169.254.0.0/16 (RFC 3927) and fe80::/10. */
static bool is_link_local_unicast(struct value ip)
{
	if (is_v4(ip))
		return byte(ip, 0) == 169 && byte(ip, 1) == 254;
	return byte(ip, 0) == 0xfe && (byte(ip, 1) & 0xc0) == 0x80;
}

static bool is_broadcast(struct value ip)
{
	return is_v4(ip) && byte(ip, 0) == 255 && byte(ip, 1) == 255 && byte(ip, 2) == 255 &&
	       byte(ip, 3) == 255;
}

/* Private addresses count: they are unicast beyond the link. */
static bool is_global_unicast(struct value ip)
{
	return !is_small(ip, 0) && !is_loopback(ip) && !is_multicast(ip) &&
	       !is_link_local_unicast(ip) && !is_broadcast(ip);
}

#define IP_CALL(name_, expression_)                                                                \
	static struct value name_(struct cel_run *run, void *of, const struct value *args,         \
				  uint32_t count)                                                  \
	{                                                                                          \
		struct value ip = args[0];                                                         \
                                                                                                   \
		(void)run;                                                                         \
		(void)of;                                                                          \
		assert(count == 1 && ip.kind == VALUE_IP);                                         \
		return expression_;                                                                \
	}

IP_CALL(call_family, value_int(is_v4(ip) ? 4 : 6))
IP_CALL(call_is_unspecified, value_bool(is_small(ip, 0)))
IP_CALL(call_is_loopback, value_bool(is_loopback(ip)))
IP_CALL(call_is_global_unicast, value_bool(is_global_unicast(ip)))
IP_CALL(call_is_link_local_multicast, value_bool(is_link_local_multicast(ip)))
IP_CALL(call_is_link_local_unicast, value_bool(is_link_local_unicast(ip)))

/* ---- Networks ---- */

static uint32_t prefix_length(struct value cidr)
{
	return byte(cidr, cidr.n - 1);
}

/* The bits of byte i that belong to the prefix. */
static unsigned prefix_mask(struct value cidr, uint32_t i)
{
	uint32_t bits = prefix_length(cidr);

	if (bits >= 8 * (i + 1))
		return 0xff;
	return bits <= 8 * i ? 0 : 0xff & (0xffu << (8 * (i + 1) - bits));
}

/* True when the address (of n bytes) at `ip` begins with the network's prefix. */
static bool has_prefix(struct value cidr, struct value ip, uint32_t n)
{
	if (cidr.n - 1 != n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (((byte(cidr, i) ^ byte(ip, i)) & prefix_mask(cidr, i)) != 0)
			return false;
	}
	return true;
}

static struct value call_cidr_ip(struct cel_run *run, void *of, const struct value *args,
				 uint32_t count)
{
	(void)run;
	(void)of;
	assert(count == 1 && args[0].kind == VALUE_CIDR);
	return (struct value){ .kind = VALUE_IP, .n = args[0].n - 1, .s = args[0].s };
}

static struct value call_prefix_length(struct cel_run *run, void *of, const struct value *args,
				       uint32_t count)
{
	(void)run;
	(void)of;
	assert(count == 1 && args[0].kind == VALUE_CIDR);
	return value_int(prefix_length(args[0]));
}

static struct value call_masked(struct cel_run *run, void *of, const struct value *args,
				uint32_t count)
{
	unsigned char bytes[VALUE_CIDR_BYTES];

	(void)of;
	assert(count == 1 && args[0].kind == VALUE_CIDR && args[0].n <= sizeof(bytes));
	memcpy(bytes, args[0].s, args[0].n);
	for (uint32_t i = 0; i + 1 < args[0].n; i++)
		bytes[i] = (unsigned char)(bytes[i] & prefix_mask(args[0], i));
	return kept(run, VALUE_CIDR, bytes, args[0].n);
}

static struct value call_contains_ip(struct cel_run *run, void *of, const struct value *args,
				     uint32_t count)
{
	struct value ip = args[1].kind == VALUE_TEXT ? read_text(run, VALUE_IP, args[1]) : args[1];

	(void)of;
	assert(count == 2 && args[0].kind == VALUE_CIDR);
	if (ip.kind == VALUE_ERROR)
		return ip;
	return value_bool(has_prefix(args[0], ip, ip.n));
}

static struct value call_contains_cidr(struct cel_run *run, void *of, const struct value *args,
				       uint32_t count)
{
	struct value inner =
	    args[1].kind == VALUE_TEXT ? read_text(run, VALUE_CIDR, args[1]) : args[1];

	(void)of;
	assert(count == 2 && args[0].kind == VALUE_CIDR);
	if (inner.kind == VALUE_ERROR)
		return inner;
	return value_bool(prefix_length(args[0]) <= prefix_length(inner) &&
			  has_prefix(args[0], inner, inner.n - 1));
}

/* ---- The table ---- */

#define OF_TEXT(name_, doc_, type_, call_)                                                         \
	{                                                                                          \
		(name_), (doc_), false, (type_), 1, 1, { CEL_TEXT }, (call_), false                \
	}
#define OF_IP(name_, doc_, type_, call_)                                                           \
	{                                                                                          \
		(name_), (doc_), true, (type_), 1, 1, { CEL_IP }, (call_), false                   \
	}
#define OF_CIDR(name_, doc_, type_, call_)                                                         \
	{                                                                                          \
		(name_), (doc_), true, (type_), 1, 1, { CEL_CIDR }, (call_), false                 \
	}
#define WITHIN(name_, doc_, argument_, call_)                                                      \
	{                                                                                          \
		(name_), (doc_), true, CEL_BOOL, 2, 2, { CEL_CIDR, (argument_) }, (call_), false   \
	}

const struct cel_function cel_functions_network[] = {
	OF_TEXT("ip", "An IP address out of its text.", CEL_IP, call_ip),
	OF_TEXT("cidr", "A network out of its text: 10.0.0.0/8.", CEL_CIDR, call_cidr),
	OF_TEXT("isIP", "True when the text is an IP address.", CEL_BOOL, call_is_ip),
	OF_TEXT("isCIDR", "True when the text is a network.", CEL_BOOL, call_is_cidr),
	OF_TEXT("ip.isCanonical", "True when the address is written as string() writes it.",
		CEL_BOOL, call_is_canonical),
	OF_IP("family", "4 or 6.", CEL_INT, call_family),
	OF_IP("isUnspecified", "True for 0.0.0.0 and ::.", CEL_BOOL, call_is_unspecified),
	OF_IP("isLoopback", "True for 127.0.0.0/8 and ::1.", CEL_BOOL, call_is_loopback),
	OF_IP("isGlobalUnicast", "True for one host's address beyond the link.", CEL_BOOL,
	      call_is_global_unicast),
	OF_IP("isLinkLocalMulticast", "True for 224.0.0.0/24 and ff02::/16.", CEL_BOOL,
	      call_is_link_local_multicast),
	OF_IP("isLinkLocalUnicast", "True for 169.254.0.0/16 and fe80::/10.", CEL_BOOL,
	      call_is_link_local_unicast),
	WITHIN("containsIP", "True when the address is in the network.", CEL_IP, call_contains_ip),
	WITHIN("containsIP", "True when the address is in the network.", CEL_TEXT,
	       call_contains_ip),
	WITHIN("containsCIDR", "True when the other network is part of this one.", CEL_CIDR,
	       call_contains_cidr),
	WITHIN("containsCIDR", "True when the other network is part of this one.", CEL_TEXT,
	       call_contains_cidr),
	OF_CIDR("ip", "The network's address.", CEL_IP, call_cidr_ip),
	OF_CIDR("masked", "The network with all bits behind the prefix cleared.", CEL_CIDR,
		call_masked),
	OF_CIDR("prefixLength", "How many bits the prefix has.", CEL_INT, call_prefix_length),
	{ .name = NULL },
};
