/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses and networks: what is read, how they print, that they copy, compare
 * and hash by their bytes. */
#include "engine/value/value.h"

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "tests/unit/unit_main.h"

static struct value address(enum value_kind kind, const char *text, unsigned char *bytes)
{
	uint32_t n = kind == VALUE_IP ? value_ip_parse(text_of(text), bytes)
				      : value_cidr_parse(text_of(text), bytes);

	ck_assert_msg(n > 0, "%s isn't read", text);
	return (struct value){ .kind = (uint8_t)kind, .n = n, .s = (const char *)bytes };
}

static void check_print(enum value_kind kind, const char *text, const char *want)
{
	unsigned char bytes[VALUE_CIDR_BYTES];
	char out[VALUE_ADDRESS_TEXT];

	value_address_text(address(kind, text, bytes), out);
	ck_assert_str_eq(out, want);
}

START_TEST(addresses_print_in_their_canonical_form)
{
	static const char *const rows[][2] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "192.168.0.1", "192.168.0.1" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "2001:DB8::68", "2001:db8::68" },
		{ "2001:0db8:0:0:0:0:2:1", "2001:db8::2:1" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "0:0:1:2:3:4:5:6", "::1:2:3:4:5:6" },
		{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
		{ "::1.2.3.4", "::102:304" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_print(VALUE_IP, rows[i][0], rows[i][1]);
	check_print(VALUE_CIDR, "10.1.2.3/8", "10.1.2.3/8");
	check_print(VALUE_CIDR, "0.0.0.0/0", "0.0.0.0/0");
	check_print(VALUE_CIDR, "::/0", "::/0");
	check_print(VALUE_CIDR, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}
END_TEST

START_TEST(other_texts_are_no_addresses)
{
	static const char *const rows[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"01.2.3.4",
		"1.2.3.4 ",
		" 1.2.3.4",
		"1.2.3.",
		"-1.2.3.4",
		"0x7f.0.0.1",
		"1.2.3.4/8",
		"::ffff:1.2.3.4",
		"::ffff:1:2",
		":",
		":::",
		"1::2::3",
		"12345::",
		"00001::",
		"g::1",
		"1:2:3:4:5:6:7",
		"fe80::1%eth0",
		"1:2:3:4:5:6:7::8:9",
		"[::1]",
		"1:2:3:4:5:6:7:8:9",
		"localhost",
		"2130706433",
		"::1.2.3",
		"::1.2.3.04",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	unsigned char bytes[VALUE_CIDR_BYTES];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(value_ip_parse(text_of(rows[i]), bytes) == 0, "%s", rows[i]);
	ck_assert_uint_eq(value_ip_parse(TEXT("1.2.3.4\0"), bytes), 0);
	ck_assert_uint_eq(value_ip_parse(TEXT("1.2.3.4\0 5"), bytes), 0);
	ck_assert_uint_eq(value_ip_parse(TEXT_NONE, bytes), 0);
}
END_TEST

START_TEST(other_texts_are_no_networks)
{
	static const char *const rows[] = {
		"",
		"/",
		"/8",
		"10.0.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8 ",
		"10.0.0.0/8/8",
		"10.0.0.0/255.0.0.0",
		"::/129",
		"::/1000",
		"::ffff:10.0.0.0/104",
		"fe80::1%eth0/64",
		"10.0/8",
		"10.0.0.0/4294967304",
	};
	unsigned char bytes[VALUE_CIDR_BYTES];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(value_cidr_parse(text_of(rows[i]), bytes) == 0, "%s", rows[i]);
}
END_TEST

START_TEST(addresses_are_values)
{
	struct arena *arena = arena_new("test", MIB);
	unsigned char a[VALUE_CIDR_BYTES], b[VALUE_CIDR_BYTES], c[VALUE_CIDR_BYTES];
	struct value ip = address(VALUE_IP, "2001:db8::1", a);
	struct value same = address(VALUE_IP, "2001:DB8:0::1", b);
	struct value net = address(VALUE_CIDR, "10.0.0.0/8", c);
	struct value copy;
	struct buf out;

	ck_assert(value_equal(ip, same) && !value_equal(ip, net));
	ck_assert_uint_eq(value_hash(ip), value_hash(same));
	ck_assert_int_eq(value_order(ip, same), 2);
	copy = value_copy(arena, ip);
	ck_assert(value_equal(copy, ip) && copy.s != ip.s);
	ck_assert_str_eq(value_kind_name(VALUE_IP), "net.IP");
	ck_assert_str_eq(value_kind_name(VALUE_CIDR), "net.CIDR");
	buf_init(&out, KIB);
	value_write(&out, net);
	value_write_plain(&out, ip);
	ck_assert_str_eq(buf_cstr(&out), "\"10.0.0.0/8\"2001:db8::1");
	buf_fini(&out);
	arena_free(arena);
}
END_TEST

UNIT_MAIN("value_address", addresses_print_in_their_canonical_form, other_texts_are_no_addresses,
	  other_texts_are_no_networks, addresses_are_values)
