/* SPDX-License-Identifier: Apache-2.0
 *
 * IP addresses and networks in expressions: net.IP, net.CIDR and their functions. */
#include "tests/unit/test_cel_world.h"

static struct cel_world world;

static void setup(void)
{
	world_init(&world);
}

static void teardown(void)
{
	world_fini(&world);
}

START_TEST(addresses)
{
	static const struct world_row rows[] = {
		{ "ip('192.168.0.1')", "\"192.168.0.1\"" },
		{ "string(ip('2001:DB8::68'))", "\"2001:db8::68\"" },
		{ "type(ip('::1')) == net.IP", "true" },
		{ "type(ip('::1')) == net.CIDR", "false" },
		{ "type(net.IP) == type", "true" },
		{ "ip('2001:db8::1') == ip('2001:DB8:0:0::1')", "true" },
		{ "ip('10.0.0.1') != ip('10.0.0.2')", "true" },
		{ "ip('0.0.0.0') == ip('::')", "false" },
		{ "ip('10.0.0.1') in [ip('10.0.0.1')]", "true" },
		{ "[ip('::1'), ip('0::1')].distinct().size()", "1" },
		{ "isIP('192.168.0.1')", "true" },
		{ "isIP('192.168.0.1.0')", "false" },
		{ "isIP('::ffff:1.2.3.4')", "false" },
		{ "isIP('fe80::1%eth0')", "false" },
		{ "isIP(data.title)", "false" },
		{ "ip.isCanonical('127.0.0.1')", "true" },
		{ "ip.isCanonical('2001:DB8::68')", "false" },
		{ "ip.isCanonical('2001:db8::68')", "true" },
		{ "ip.isCanonical('::102:304')", "true" },
		{ "ip.isCanonical('127.0.0.1.0')", "!\"127.0.0.1.0\" is no IP address" },
		{ "ip('2001:db8:::68')", "!\"2001:db8:::68\" is no IP address" },
		{ "ip(data.title)", "!\"Acme\" is no IP address" },
		{ "ip(data.price_in_cents)", "!no such overload: ip(int)" },
		{ "isIP(cidr('10.0.0.0/8'))", "?no such overload: isIP(net.CIDR)" },
		{ "ip('::1') == '::1'", "?no such overload: net.IP == string" },
		{ "ip('::1') < ip('::2')", "?no such overload" },
		{ "dyn(ip('::1')) < dyn(ip('::2'))", "!no such overload: net.IP < net.IP" },
		{ "[ip('::1')].sort()", "!sorting: net.IP has no order" },
		{ "{ip('::1'): 1}", "?a map's key is" },
		{ "{dyn(ip('::1')): 1}", "!a map's key is" },
		{ "net.nosuch", "?unknown name \"net\"" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(kinds_of_addresses)
{
	static const struct world_row rows[] = {
		{ "ip('192.168.0.1').family()", "4" },
		{ "ip('2001:db8::68').family()", "6" },
		{ "ip('0.0.0.0').isUnspecified()", "true" },
		{ "ip('::').isUnspecified()", "true" },
		{ "ip('0.0.0.1').isUnspecified()", "false" },
		{ "ip('127.255.0.1').isLoopback()", "true" },
		{ "ip('::1').isLoopback()", "true" },
		{ "ip('1::1').isLoopback()", "false" },
		{ "ip('192.168.0.1').isGlobalUnicast()", "true" },
		{ "ip('2001:db8::abcd').isGlobalUnicast()", "true" },
		{ "ip('255.255.255.255').isGlobalUnicast()", "false" },
		{ "ip('224.0.1.1').isGlobalUnicast()", "false" },
		{ "ip('239.1.1.1').isGlobalUnicast()", "false" },
		{ "ip('240.0.0.1').isGlobalUnicast()", "true" },
		{ "ip('169.254.1.1').isGlobalUnicast()", "false" },
		{ "ip('ff00::1').isGlobalUnicast()", "false" },
		{ "ip('::1').isGlobalUnicast()", "false" },
		{ "ip('224.0.0.1').isLinkLocalMulticast()", "true" },
		{ "ip('224.0.1.1').isLinkLocalMulticast()", "false" },
		{ "ip('ff02::1').isLinkLocalMulticast()", "true" },
		{ "ip('ff32::1').isLinkLocalMulticast()", "true" },
		{ "ip('ff05::1').isLinkLocalMulticast()", "false" },
		{ "ip('169.254.169.254').isLinkLocalUnicast()", "true" },
		{ "ip('169.253.0.1').isLinkLocalUnicast()", "false" },
		{ "ip('fe80::1').isLinkLocalUnicast()", "true" },
		{ "ip('febf::1').isLinkLocalUnicast()", "true" },
		{ "ip('fec0::1').isLinkLocalUnicast()", "false" },
		{ "'::1'.isLoopback()", "?no such overload: isLoopback(string)" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(networks)
{
	static const struct world_row rows[] = {
		{ "cidr('10.1.2.3/8')", "\"10.1.2.3/8\"" },
		{ "string(cidr('2001:db8::/32'))", "\"2001:db8::/32\"" },
		{ "type(cidr('10.0.0.0/8')) == net.CIDR", "true" },
		{ "cidr('10.0.0.0/8') == cidr('10.0.0.0/8')", "true" },
		{ "cidr('10.0.0.1/8') == cidr('10.0.0.0/8')", "false" },
		{ "cidr('10.0.0.0/8') == cidr('10.0.0.0/9')", "false" },
		{ "cidr('192.168.0.1/24').masked()", "\"192.168.0.0/24\"" },
		{ "cidr('255.255.255.255/0').masked()", "\"0.0.0.0/0\"" },
		{ "cidr('1.2.3.255/27').masked()", "\"1.2.3.224/27\"" },
		{ "cidr('2001:db8:ffff::1/33').masked()", "\"2001:db8:8000::/33\"" },
		{ "cidr('::1/128').masked()", "\"::1/128\"" },
		{ "cidr('192.168.0.7/24').ip() == ip('192.168.0.7')", "true" },
		{ "cidr('2001:db8::/32').prefixLength()", "32" },
		{ "isCIDR('10.0.0.0/8')", "true" },
		{ "isCIDR('10.0.0.0')", "false" },
		{ "cidr('192.168.0.0/')", "!\"192.168.0.0/\" is no network" },
		{ "cidr('10.0.0.0/33')", "!is no network" },
		{ "cidr('10.0.0.0/08')", "!is no network" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(belonging)
{
	static const struct world_row rows[] = {
		{ "cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", "true" },
		{ "cidr('192.168.0.0/24').containsIP('192.168.1.1')", "false" },
		{ "cidr('192.168.0.77/24').containsIP('192.168.0.255')", "true" },
		{ "cidr('192.168.0.0/23').containsIP('192.168.1.255')", "true" },
		{ "cidr('192.168.0.0/23').containsIP('192.168.2.0')", "false" },
		{ "cidr('0.0.0.0/0').containsIP('255.1.2.3')", "true" },
		{ "cidr('0.0.0.0/0').containsIP('::1')", "false" },
		{ "cidr('::/0').containsIP('1.2.3.4')", "false" },
		{ "cidr('2001:db8::/32').containsIP(ip('2001:db8::1'))", "true" },
		{ "cidr('1.2.3.4/32').containsIP('1.2.3.5')", "false" },
		{ "cidr('10.0.0.0/8').containsIP('x')", "!\"x\" is no IP address" },
		{ "cidr('10.0.0.0/8').containsIP(dyn(1))", "!no such overload" },
		{ "cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.0/25'))", "true" },
		{ "cidr('192.168.0.0/24').containsCIDR('192.168.0.0/24')", "true" },
		{ "cidr('192.168.0.0/24').containsCIDR(cidr('192.168.0.1/32'))", "true" },
		{ "cidr('192.168.0.0/24').containsCIDR('192.168.0.0/23')", "false" },
		{ "cidr('192.168.0.0/24').containsCIDR('192.168.1.0/25')", "false" },
		{ "cidr('0.0.0.0/0').containsCIDR('::/0')", "false" },
		{ "cidr('10.0.0.0/8').containsCIDR('10.0.0.0')", "!is no network" },
		{ "['10.0.0.0/8', '192.168.0.0/16'].exists(n, cidr(n).containsIP('192.168.3.4'))",
		  "true" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

/* A long text is refused by its length, so repeating that is cheap and bounded. */
START_TEST(hostile_texts)
{
	char *s = arena_alloc(world.arena, MIB);

	ck_assert_ptr_nonnull(s);
	memset(s, ':', MIB);
	world.data = value_text((struct text){ s, MIB });
	ck_assert_str_eq(world_eval(&world, "isIP(data) || isCIDR(data)"), "false");
	ck_assert(
	    world_is(world_eval(&world, "ip(data)"), "!a text of 1048576 bytes is no IP address"));
	ck_assert(world_is(world_eval(&world, "lists.range(40000).exists(x, isCIDR(data))"),
			   "!too many steps"));
	ck_assert(world_is(
	    world_eval(&world, "lists.range(60000).map(x, ip('10.0.0.' + string(x % 256)))"),
	    "!too many steps"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_network");
	TCase *tc = tcase_create("cel_network");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, kinds_of_addresses);
	tcase_add_test(tc, networks);
	tcase_add_test(tc, belonging);
	tcase_add_test(tc, hostile_texts);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
