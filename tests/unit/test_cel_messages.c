/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions for messages: money, fmt, date, round and sum. */
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

START_TEST(amounts)
{
	static const struct world_row rows[] = {
		{ "money(123450, 'EUR')", "\"1,234.50 EUR\"" },
		{ "money(5, 'usd')", "\"0.05 USD\"" },
		{ "money(0, 'EUR')", "\"0.00 EUR\"" },
		{ "money(-5, 'EUR')", "\"-0.05 EUR\"" },
		{ "money(99999, 'EUR')", "\"999.99 EUR\"" },
		{ "money(100000, 'EUR')", "\"1,000.00 EUR\"" },
		{ "money(-123456789, 'CHF')", "\"-1,234,567.89 CHF\"" },
		{ "money(123450, 'JPY')", "\"123,450 JPY\"" },
		{ "money(-7, 'XPF')", "\"-7 XPF\"" },
		{ "money(1234567, 'KWD')", "\"1,234.567 KWD\"" },
		{ "money(1234567, 'CLF')", "\"123.4567 CLF\"" },
		{ "money(9223372036854775807, 'EUR')", "\"92,233,720,368,547,758.07 EUR\"" },
		{ "money(-9223372036854775808, 'JPY')", "\"-9,223,372,036,854,775,808 JPY\"" },
		{ "money(100, '')", "!\"\" is no currency such as \"EUR\"" },
		{ "money(100, 'EU1')", "!\"EU1\" is no currency" },
		{ "money(100, 'Euro')", "!\"Euro\" is no currency" },
		{ "money(100, 'F C')", "!\"F C\" is no currency" },
		{ "money(dyn(1.5), 'EUR')", "!no such overload" },
		{ "money(dyn(null), 'EUR')", "!no such overload" },
		{ "money(1.5, 'EUR')", "?no such overload" },
		{ "money(1)", "?money() takes 2 arguments" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

#define AT "timestamp('2026-03-29T01:30:05.078Z')" /* half an hour after Berlin's clocks moved */

START_TEST(times)
{
	static const struct world_row rows[] = {
		{ "fmt(" AT ", '%d.%m.%Y %H:%M', 'Europe/Berlin')", "\"29.03.2026 03:30\"" },
		{ "fmt(" AT ", '%F %T.%L %z', 'Europe/Berlin')",
		  "\"2026-03-29 03:30:05.078 +02:00\"" },
		{ "fmt(" AT ", '%F %R %z', '-08:30')", "\"2026-03-28 17:00 -08:30\"" },
		{ "fmt(" AT ", '%FT%T%z')", "\"2026-03-29T01:30:05+00:00\"" },
		{ "fmt(" AT ", '%A, %e %B %y (%a %b)')", "\"Sunday, 29 March 26 (Sun Mar)\"" },
		{ "fmt(" AT ", '%I:%M %p, day %j, 100%%, %u')", "\"01:30 AM, day 088, 100%, 7\"" },
		{ "fmt(timestamp('2026-01-01T00:00:00Z'), '%I %p')", "\"12 AM\"" },
		{ "fmt(timestamp('2026-01-01T12:00:00Z'), '%I %p')", "\"12 PM\"" },
		{ "fmt(timestamp('2027-01-03T00:00:00Z'), '%G-W%V-%u')", "\"2026-W53-7\"" },
		{ "fmt(timestamp('2024-12-30T00:00:00Z'), '%G-W%V')", "\"2025-W01\"" },
		{ "fmt(timestamp('0001-01-01T00:00:00Z'), '%F %j')", "\"0001-01-01 001\"" },
		{ "fmt(timestamp('1969-12-31T23:59:59Z'), '%F %T', '+01:00')",
		  "\"1970-01-01 00:59:59\"" },
		{ "fmt('2026-12-18', '%d.%m.%Y, %A', 'Europe/Berlin')", "\"18.12.2026, Friday\"" },
		{ "fmt('2026-12-18T23:30:00Z', '%d %H', 'Europe/Berlin')", "\"19 00\"" },
		{ "fmt(" AT ", '')", "\"\"" },
		{ "fmt(" AT ", 'Gr\xc3\xbc\xc3\x9f')", "\"Gr\xc3\xbc\xc3\x9f\"" },
		{ "fmt('2026-12-18', '%H')", "!%H: a day has no time" },
		{ "fmt(" AT ", '%Q')", "!a format has no \"%Q\"" },
		{ "fmt(" AT ", '%\xc3\xbc')", "!a format has no \"%\xc3\xbc\"" },
		{ "fmt(" AT ", '%')", "!the format ends in %" },
		{ "fmt(" AT ", '%F', 'Europe/Atlantis')", "?no time zone \"Europe/Atlantis\"" },
		{ "fmt('2026-12-18', '%F', data.title)", "!there is no time zone" },
		{ "fmt('soon', '%F')", "!\"soon\" is no day such as \"2026-12-18\"" },
		{ "fmt(1, '%F')", "?no such overload" },
		{ "fmt(dyn(null), '%F')", "!no such overload" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(days)
{
	static const struct world_row rows[] = {
		{ "date(timestamp('2026-12-18T23:30:00Z'))", "\"2026-12-18\"" },
		{ "date(timestamp('2026-12-18T23:30:00Z'), 'Europe/Berlin')", "\"2026-12-19\"" },
		{ "date(timestamp('0001-01-01T00:00:00Z'))", "\"0001-01-01\"" },
		{ "date('2024-02-29')", "\"2024-02-29\"" },
		{ "date('2026-12-18T23:30:00-05:00', 'UTC')", "\"2026-12-19\"" },
		{ "date('2023-02-29')", "!\"2023-02-29\" is no day" },
		{ "date('2026-13-01')", "!is no day" },
		{ "date('0000-01-01')", "!is no day" },
		{ "date('2026-1a-01')", "!is no day" },
		{ "date('')", "!is no day" },
		{ "date(timestamp(0), 'Mars')", "?no time zone \"Mars\"" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(rounding)
{
	static const struct world_row rows[] = {
		{ "round(2.675, 2)", "2.68" },
		{ "round(-2.675, 2)", "-2.68" },
		{ "round(0.125, 2)", "0.13" },
		{ "round(83.449999, 1)", "83.4" },
		{ "round(9.96, 1)", "10.0" },
		{ "round(0.05, 1)", "0.1" },
		{ "round(0.04, 1)", "0.0" },
		{ "round(0.004, 1)", "0.0" },
		{ "round(2.5)", "3.0" },
		{ "round(0.5, 0)", "1.0" },
		{ "round(0.1 + 0.2, 15)", "0.3" },
		{ "round(1e300, 2)", "1e+300" },
		{ "round(5e-324, 15)", "0.0" },
		{ "round(123456789.987654321, 3)", "123456789.988" },
		{ "round(7, 2)", "7" },
		{ "round(7u)", "7u" },
		{ "math.isNaN(round(0.0 / 0.0, 2))", "true" },
		{ "math.isInf(round(1.0 / 0.0, 2))", "true" },
		{ "round(1.5, -1)", "!round: 0 to 15 digits, not -1" },
		{ "round(1.5, 16)", "!round: 0 to 15 digits, not 16" },
		{ "round('1.5', 1)", "?no such overload" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

START_TEST(sums)
{
	static const struct world_row rows[] = {
		{ "sum([1, 2, 3])", "6" },
		{ "[1, 2, 3].sum()", "6" },
		{ "sum([])", "0" },
		{ "sum([1u, 2u])", "3u" },
		{ "sum([1u, -2])", "-1" },
		{ "sum([1, 0.5])", "1.5" },
		{ "sum([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])", "1.0" },
		{ "sum([1e16, 1.0, -1e16])", "1.0" },
		{ "sum([9223372036854775807, 1, -1])", "9223372036854775807" },
		{ "sum([18446744073709551615u])", "18446744073709551615u" },
		{ "sum([1.0 / 0.0, 1.0]) == 1.0 / 0.0", "true" },
		{ "sum(data.items.map(i, i.n)) > 0", "true" },
		{ "sum([1, 2]) + 1", "4" },
		{ "sum([9223372036854775807, 1])", "!sum: integer overflow" },
		{ "sum([18446744073709551615u, 1u])", "!sum: integer overflow" },
		{ "sum([1, 'a'])", "!sum takes numbers, not string" },
		{ "sum(data.title)", "!no such overload" },
		{ "sum([1, 2]) + 'a'", "?no such overload" },
		{ NULL, NULL },
	};

	world_check(&world, rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cel_messages");
	TCase *tc = tcase_create("messages");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, amounts);
	tcase_add_test(tc, times);
	tcase_add_test(tc, days);
	tcase_add_test(tc, rounding);
	tcase_add_test(tc, sums);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
