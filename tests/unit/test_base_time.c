/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of base/timetext, clock and zone. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/base/zone.h"
#include "tests/unit/unit_main.h"

START_TEST(times_are_parsed)
{
	int64_t s, ms;
	int32_t nanos;

	ck_assert(timetext_parse(TEXT("1970-01-01T00:00:00Z"), &s, NULL) && s == 0);
	ck_assert(timetext_parse(TEXT("2013-04-15T16:48:48-07:00"), &s, &nanos));
	ck_assert_int_eq(s, 1366069728);
	ck_assert_int_eq(nanos, 0);
	ck_assert(timetext_parse(TEXT("2026-11-22t00:50:25.123456789z"), &s, &nanos));
	ck_assert_int_eq(nanos, 123456789);
	ck_assert(timetext_parse(TEXT("2024-02-29T23:59:59.5+05:30"), &s, &nanos));
	ck_assert_int_eq(s, 1709231399);
	ck_assert_int_eq(nanos, 500000000);
	ck_assert(timetext_parse(TEXT("0001-01-01T00:00:00Z"), &s, NULL) && s == TIMETEXT_FIRST);
	ck_assert(timetext_parse(TEXT("9999-12-31T23:59:59Z"), &s, NULL) && s == TIMETEXT_LAST);
	ck_assert(timetext_parse_ms(TEXT("1969-12-31T23:59:59.9999Z"), &ms) && ms == -1);
	ck_assert(timetext_parse_ms(TEXT("2000-02-29T00:00:00.001-00:00"), &ms));
	ck_assert_int_eq(ms, 951782400001);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
	static const char *const bad[] = {
		"",
		"2026-11-22",
		"2026-11-22T00:50:25",
		"2026-11-22 00:50:25Z",
		"2023-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T23:59:60Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00.1234567890Z",
		"2026-01-01T00:00:00ZZ",
		"2026-01-01T00:00:00+0700",
		"2026-01-01T00:00:00+07",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+07:60",
		"2026-01-01T00:00:00 Z",
		"0000-01-01T00:00:00Z",
		"0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"26-01-01T00:00:00Z",
		"2026-1-01T00:00:00Z",
		"+026-01-01T00:00:00Z",
		"2026-01-01T00:00:00,5Z",
	};
	int64_t s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!timetext_parse(text_of(bad[i]), &s, NULL), "%s", bad[i]);
	ck_assert(!timetext_parse(TEXT("2026-01-01T00:00:00\0"), &s, NULL));
}
END_TEST

static void check_format(int64_t s, int32_t nanos, const char *expect)
{
	char out[TIMETEXT_MAX];

	timetext_format(s, nanos, out);
	ck_assert_str_eq(out, expect);
}

START_TEST(times_are_written)
{
	char out[TIMETEXT_MAX];

	check_format(0, 0, "1970-01-01T00:00:00Z");
	check_format(-1, 500000000, "1969-12-31T23:59:59.500Z");
	check_format(0, 1000, "1970-01-01T00:00:00.000001Z");
	check_format(0, 1, "1970-01-01T00:00:00.000000001Z");
	check_format(TIMETEXT_LAST, 0, "9999-12-31T23:59:59Z");
	check_format(INT64_MAX, 0, "9999-12-31T23:59:59Z");
	check_format(INT64_MIN, 0, "0001-01-01T00:00:00Z");
	timetext_format_ms(-1, out);
	ck_assert_str_eq(out, "1969-12-31T23:59:59.999Z");
	timetext_format_ms(1795308625123, out);
	ck_assert_str_eq(out, "2026-11-22T00:50:25.123Z");
	timetext_format_ms(INT64_MIN, out);
	timetext_format_ms(INT64_MAX, out);
	ck_assert(!timetext_in_range(TIMETEXT_LAST + 1) && timetext_in_range(0));
}
END_TEST

START_TEST(every_day_has_its_date)
{
	struct civil before = timetext_to_civil(TIMETEXT_FIRST);

	ck_assert_int_eq(before.weekday, 1); /* 0001-01-01 was a Monday */
	for (int64_t s = TIMETEXT_FIRST + 86400; s <= TIMETEXT_LAST; s += 86400) {
		struct civil c = timetext_to_civil(s);
		bool same_month = c.month == before.month;

		ck_assert_int_eq(c.weekday, (before.weekday + 1) % 7);
		ck_assert_int_eq(c.day, same_month ? before.day + 1 : 1);
		if (!same_month)
			ck_assert_int_eq(before.day,
					 timetext_month_days(before.year, before.month));
		ck_assert(timetext_from_civil(&c) == s);
		before = c;
	}
	ck_assert_int_eq(before.year, 9999);
}
END_TEST

START_TEST(http_dates_are_parsed)
{
	static const char *const bad[] = {
		"",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nom 1994 08:49:37 GMT",
		"Sxn, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT",
	};
	int64_t ms;

	ck_assert(timetext_parse_http(TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), &ms));
	ck_assert_int_eq(ms, 784111777000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!timetext_parse_http(text_of(bad[i]), &ms), "%s", bad[i]);
}
END_TEST

START_TEST(durations_are_read_and_written)
{
	static const struct {
		const char *in;
		int64_t ms;
		const char *out;
	} good[] = {
		{ "500ms", 500, "500ms" }, { "1500ms", 1500, "1500ms" }, { "10s", 10000, "10s" },
		{ "60s", 60000, "1m" },    { "5m", 300000, "5m" },       { "2h", 7200000, "2h" },
		{ "1d", 86400000, "24h" }, { "90d", 7776000000, "90d" }, { "1w", 604800000, "7d" },
		{ "0s", 0, "0s" },         { "007s", 7000, "7s" },
	};
	static const char *const bad[] = { "",
					   "5",
					   "s",
					   "-5s",
					   "1.5h",
					   "5 m",
					   "1h30m",
					   "5M",
					   "5min",
					   "5ss",
					   "1y",
					   "+5s",
					   " 5s",
					   "5s ",
					   "99999999999999999999s",
					   "36501d",
					   "9223372036854775807w" };
	char out[TIMETEXT_MAX];
	int64_t ms;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(timetext_duration(text_of(good[i].in), &ms), "%s", good[i].in);
		ck_assert_int_eq(ms, good[i].ms);
		timetext_duration_format(ms, out);
		ck_assert_str_eq(out, good[i].out);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!timetext_duration(text_of(bad[i]), &ms), "%s", bad[i]);
	ck_assert(timetext_duration(TEXT("36500d"), &ms) && ms == LIMIT_DURATION);
}
END_TEST

START_TEST(clocks_are_read)
{
	struct instant now = { 5, 6 };
	struct clock manual = clock_manual(&now), real = clock_system();
	struct instant a, b;

	ck_assert_int_eq(clock_read(&manual).wall, 5);
	now.wall = 7;
	ck_assert_int_eq(clock_read(&manual).wall, 7);
	ck_assert_int_eq(clock_read(&manual).mono, 6);
	a = clock_read(&real);
	b = clock_read(&real);
	ck_assert(b.mono >= a.mono);
	ck_assert_int_gt(a.wall, 1600000000000);
}
END_TEST

static int64_t utc(const char *s)
{
	int64_t seconds;

	ck_assert_msg(timetext_parse(text_of(s), &seconds, NULL), "%s", s);
	return seconds;
}

/* What zone_instant says of a local time written as if it were UTC. */
static enum zone_hit ask(const struct zone *zone, const char *local, int64_t *first,
			 int64_t *second)
{
	struct civil c = timetext_to_civil(utc(local));

	return zone_instant(zone, &c, first, second);
}

static void check_once(const struct zone *zone, const char *local, const char *expect)
{
	int64_t first, second;

	ck_assert_msg(ask(zone, local, &first, &second) == ZONE_ONCE, "%s", local);
	ck_assert_msg(first == utc(expect), "%s", local);
}

static void check_twice(const struct zone *zone, const char *local, const char *one,
			const char *two)
{
	int64_t first, second;

	ck_assert_msg(ask(zone, local, &first, &second) == ZONE_TWICE, "%s", local);
	ck_assert_msg(first == utc(one) && second == utc(two), "%s", local);
}

static void check_gap(const struct zone *zone, const char *local, const char *after)
{
	int64_t first, second;

	ck_assert_msg(ask(zone, local, &first, &second) == ZONE_GAP, "%s", local);
	ck_assert_msg(first == utc(after), "%s", local);
}

START_TEST(berlin_changes_its_clocks)
{
	struct zone *z = zone_load(TEXT("Europe/Berlin"));
	struct civil c;

	ck_assert_ptr_nonnull(z);
	ck_assert_int_eq(zone_offset(z, utc("2026-01-15T12:00:00Z")), 3600);
	ck_assert_int_eq(zone_offset(z, utc("2026-07-15T12:00:00Z")), 7200);
	ck_assert_int_eq(zone_offset(z, utc("2026-03-29T00:59:59Z")), 3600);
	ck_assert_int_eq(zone_offset(z, utc("2026-03-29T01:00:00Z")), 7200);
	check_once(z, "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z");
	check_gap(z, "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z");
	check_gap(z, "2026-03-29T02:59:59Z", "2026-03-29T01:00:00Z");
	check_once(z, "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z");
	check_once(z, "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z");
	check_twice(z, "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
	check_once(z, "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z");
	/* 2060: beyond the table, by the footer's rule. */
	check_gap(z, "2060-03-28T02:30:00Z", "2060-03-28T01:00:00Z");
	check_twice(z, "2060-10-31T02:00:00Z", "2060-10-31T00:00:00Z", "2060-10-31T01:00:00Z");
	check_once(z, "2060-07-01T09:00:00Z", "2060-07-01T07:00:00Z");
	check_once(z, "9999-07-01T09:00:00Z", "9999-07-01T07:00:00Z");
	c = zone_civil(z, utc("2026-12-31T23:30:00Z"));
	ck_assert(c.year == 2027 && c.month == 1 && c.day == 1 && c.hour == 0 && c.weekday == 5);
	zone_civil(z, INT64_MAX);
	zone_civil(z, INT64_MIN);
	ck_assert_int_eq(zone_offset(z, INT64_MIN), 3208); /* local mean time: 0:53:28 */
	zone_offset(z, INT64_MAX);
	zone_free(z);
}
END_TEST

START_TEST(other_zones)
{
	struct zone *z = zone_load(TEXT("America/New_York"));

	ck_assert_ptr_nonnull(z);
	check_gap(z, "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z");
	check_twice(z, "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z");
	check_gap(z, "2045-03-12T02:30:00Z", "2045-03-12T07:00:00Z");
	check_once(z, "2026-12-31T23:30:00Z", "2027-01-01T04:30:00Z");
	zone_free(z);
	z = zone_load(TEXT("Asia/Kolkata"));
	ck_assert_ptr_nonnull(z);
	check_once(z, "2026-03-29T02:30:00Z", "2026-03-28T21:00:00Z");
	check_once(z, "2060-03-29T02:30:00Z", "2060-03-28T21:00:00Z");
	zone_free(z);
	z = zone_load(TEXT("UTC"));
	ck_assert_ptr_nonnull(z);
	check_once(z, "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z");
	zone_free(z);
	z = zone_load(TEXT("Australia/Sydney")); /* summer over New Year */
	ck_assert_ptr_nonnull(z);
	check_once(z, "2060-01-01T00:30:00Z", "2059-12-31T13:30:00Z");
	check_once(z, "2060-07-01T00:00:00Z", "2060-06-30T14:00:00Z");
	zone_free(z);
	z = zone_load(TEXT("Pacific/Apia")); /* 2011-12-30 didn't happen there */
	ck_assert_ptr_nonnull(z);
	check_gap(z, "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z");
	zone_free(z);
	z = zone_load(TEXT("Europe/Dublin")); /* "summer" time is the standard one */
	ck_assert_ptr_nonnull(z);
	ck_assert_int_eq(zone_offset(z, utc("2060-07-01T00:00:00Z")), 3600);
	ck_assert_int_eq(zone_offset(z, utc("2060-01-01T00:00:00Z")), 0);
	zone_free(z);
}
END_TEST

START_TEST(bad_names_are_refused)
{
	static const char *const bad[] = {
		"",         "../etc/passwd", "/etc/passwd",    "Europe",
		"No/Where", "Europe/../UTC", "Europe/Berlin ", "Europe\\Berlin",
		"utc;ls",   "tzdata.zi",     "right/UTC",      "\xc3\xa4",
		"zone.tab"
	};
	char longer[LIMIT_ZONE_NAME + 2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(zone_load(text_of(bad[i])) == NULL, "%s", bad[i]);
	ck_assert_ptr_null(zone_load(TEXT("UTC\0")));
	ck_assert_ptr_null(zone_load(TEXT_NONE));
	memset(longer, 'a', sizeof(longer));
	ck_assert_ptr_null(zone_load((struct text){ longer, sizeof(longer) - 1 }));
	zone_free(NULL);
}
END_TEST

static char dir[64];

static void put_zone(const char *name, const char *bytes, size_t n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void use_own_zones(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tappet-zone-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(setenv("TZDIR", dir, 1), 0);
}

static void remove_own_zones(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/Zone", dir);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* A file without transitions, one type with offset 0, and the rule. */
static size_t file_with_rule(char out[256], const char *rule)
{
	static const char head[] =
	    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\0\0\0\0\1\0\0\0\4\0\0\0\0\0\0UTC";
	size_t n = 0;

	for (int i = 0; i < 2; i++) {
		memcpy(out + n, head, sizeof(head));
		n += sizeof(head);
	}
	return n + (size_t)snprintf(out + n, 256 - n, "\n%s\n", rule);
}

static struct zone *zone_with_rule(const char *rule)
{
	char bytes[256];

	put_zone("Zone", bytes, file_with_rule(bytes, rule));
	return zone_load(TEXT("Zone"));
}

static void check_rule(const char *rule, const char *at, int32_t offset)
{
	struct zone *z = zone_with_rule(rule);

	ck_assert_msg(z != NULL, "%s", rule);
	ck_assert_msg(zone_offset(z, utc(at)) == offset, "%s at %s: %d", rule, at,
		      (int)zone_offset(z, utc(at)));
	zone_free(z);
}

START_TEST(footers_are_understood)
{
	use_own_zones();
	check_rule("UTC0", "2026-01-01T00:00:00Z", 0);
	check_rule("<+0330>-3:30", "2026-01-01T00:00:00Z", 12600);
	check_rule("<-03>+3", "2026-01-01T00:00:00Z", -10800);
	check_rule("AAA0BBB,J60/0,J61/0", "2024-03-01T00:00:00Z", 3600);
	check_rule("AAA0BBB,J60/0,J61/0", "2023-03-01T00:00:00Z", 3600);
	check_rule("AAA0BBB,J60/0,J61/0", "2024-02-29T23:59:59Z", 0);
	check_rule("AAA0BBB,59/0,60/0", "2024-02-29T00:00:00Z", 3600);
	check_rule("AAA0BBB,59/0,60/0", "2023-03-01T00:00:00Z", 3600);
	check_rule("AAA0BBB-2,M3.5.0,M10.5.0/3", "2026-07-01T00:00:00Z", 7200);
	/* Greenland: on the day before the last Sunday, at 22:00 local. */
	check_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200);
	check_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600);
	/* Daylight-saving time all year, RFC 8536, 3.3.1. */
	check_rule("EST5EDT,0/0,J365/25", "2026-01-01T05:00:00Z", -14400);
	check_rule("EST5EDT,0/0,J365/25", "2026-12-31T23:00:00Z", -14400);
	remove_own_zones();
}
END_TEST

START_TEST(bad_footers_are_refused)
{
	static const char *const bad[] = {
		"X0",
		"UTC",
		"UTC25",
		"UTC0x",
		"<+03-3",
		"<+3>-3,",
		"AAA0BBB",
		"AAA0BBB,M3.5.0",
		"AAA0BBB,M13.1.0,M3.1.0",
		"AAA0BBB,M3.6.0,M3.1.0",
		"AAA0BBB,M3.5.7,M3.1.0",
		"AAA0BBB,J0,J1",
		"AAA0BBB,366,1",
		"AAA0BBB,M3.5.0/168,M3.1.0",
		"AAA0BBB,M3.5.0,M3.1.0,",
		"AAA0:60",
		":Europe/Berlin",
		"AAA-",
	};

	use_own_zones();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(zone_with_rule(bad[i]) == NULL, "%s", bad[i]);
	remove_own_zones();
}
END_TEST

/* Every truncation and every single changed byte of a real file either loads
 * and answers, or is refused. */
START_TEST(broken_files_do_no_harm)
{
	char bytes[8192];
	int64_t first, second;
	int fd = open("/usr/share/zoneinfo/Europe/Berlin", O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));
	struct zone *z;

	close(fd);
	ck_assert_int_gt(n, 100);
	use_own_zones();
	for (ssize_t i = 0; i < n; i += 3) {
		put_zone("Zone", bytes, (size_t)i);
		ck_assert_ptr_null(zone_load(TEXT("Zone")));
	}
	for (ssize_t i = 0; i < n; i++) {
		char kept = bytes[i];

		bytes[i] = (char)(kept ^ (1 << i % 8));
		put_zone("Zone", bytes, (size_t)n);
		bytes[i] = kept;
		z = zone_load(TEXT("Zone"));
		if (z == NULL)
			continue;
		ask(z, "2026-03-29T02:30:00Z", &first, &second);
		ask(z, "1916-05-01T00:00:00Z", &first, &second);
		zone_free(z);
	}
	memset(bytes, 0xff, sizeof(bytes));
	memcpy(bytes, "TZif2", 5);
	put_zone("Zone", bytes, sizeof(bytes));
	ck_assert_ptr_null(zone_load(TEXT("Zone")));
	remove_own_zones();
	ck_assert_ptr_nonnull(z = zone_load(TEXT("UTC"))); /* needs no file */
	ck_assert_int_eq(zone_offset(z, 0), 0);
	zone_free(z);
}
END_TEST

UNIT_MAIN("base_time", times_are_parsed, what_is_no_time_is_refused, times_are_written,
	  every_day_has_its_date, http_dates_are_parsed, durations_are_read_and_written,
	  clocks_are_read, berlin_changes_its_clocks, other_zones, bad_names_are_refused,
	  footers_are_understood, bad_footers_are_refused, broken_files_do_no_harm)
