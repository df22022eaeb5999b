/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_cron - reading five fields, and the next time they are due. */
#include "engine/base/timetext.h"
#include "engine/base/zone.h"
#include "tests/unit/test_rules_kit.h"

static int64_t at(const char *rfc3339)
{
	int64_t seconds;

	ck_assert_msg(timetext_parse(text_of(rfc3339), &seconds, NULL), "%s", rfc3339);
	return seconds;
}

static struct schedule_config schedule(const char *cron, const char *zone)
{
	struct schedule_config s = { .zone = zone_load(text_of(zone)) };
	char why[160];

	ck_assert_ptr_nonnull(s.zone);
	ck_assert_msg(cron_parse(text_of(cron), &s.cron, why, sizeof(why)), "%s: %s", cron, why);
	return s;
}

static void due(struct schedule_config s, const char *after, const char *expected)
{
	char shown[TIMETEXT_MAX];
	int64_t next = cron_next(&s, at(after));

	timetext_format(next, 0, shown);
	ck_assert_msg(next == at(expected), "after %s: %s, not %s", after, shown, expected);
}

static void next(const char *cron, const char *zone, const char *after, const char *expected)
{
	struct schedule_config s = schedule(cron, zone);

	due(s, after, expected);
	zone_free(s.zone);
}

START_TEST(plain_times)
{
	next("* * * * *", "UTC", "2026-11-22T00:00:00Z", "2026-11-22T00:01:00Z");
	next("* * * * *", "UTC", "2026-11-22T00:00:59Z", "2026-11-22T00:01:00Z");
	next("0 9 * * MON", "Europe/Berlin", "2026-11-22T00:00:00Z", "2026-11-23T08:00:00Z");
	next("0 9 * * MON", "Europe/Berlin", "2026-11-23T08:00:00Z", "2026-11-30T08:00:00Z");
	next("*/15 8-17 * * 1-5", "UTC", "2026-11-20T17:45:00Z", "2026-11-23T08:00:00Z");
	next("30 6 1,15 * *", "UTC", "2026-11-16T00:00:00Z", "2026-12-01T06:30:00Z");
	next("0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z");
	next("0 12 * jan sun", "UTC", "2026-11-22T00:00:00Z", "2027-01-03T12:00:00Z");
	next("0 0 * * 7", "UTC", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z");
	next("0 0 * * sat-sun", "UTC", "2026-11-22T00:00:00Z", "2026-11-28T00:00:00Z");
	next("5/20 * * * *", "UTC", "2026-11-22T00:06:00Z", "2026-11-22T00:25:00Z");
}
END_TEST

START_TEST(either_day_is_enough)
{
	/* crontab(5): both restricted. */
	next("0 0 13 * FRI", "UTC", "2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z");
	next("0 0 24 * FRI", "UTC", "2026-11-22T00:00:00Z", "2026-11-24T00:00:00Z");
	next("0 0 * * FRI", "UTC", "2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z");
}
END_TEST

START_TEST(never)
{
	static const char *const all[] = { "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 FEB */2" };
	static const char *const some[] = { "0 0 29 2 *", "0 0 30 2 MON", "0 0 31 4,5 *" };
	struct schedule_config s = schedule("0 0 1 2 *", "UTC");
	struct cron cron;
	char why[160];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		ck_assert(!cron_parse(text_of(all[i]), &cron, why, sizeof(why)));
		ck_assert_ptr_nonnull(strstr(why, "never happens"));
		ck_assert(cron_parse(text_of(some[i]), &cron, why, sizeof(why)));
	}
	s.cron.days = 1u << 30;
	ck_assert(cron_next(&s, at("2026-11-22T00:00:00Z")) == INT64_MAX);
	zone_free(s.zone);
}
END_TEST

/* Berlin skips 02:00-03:00 on 2026-03-29. */
START_TEST(clocks_forward)
{
	struct schedule_config s = schedule("30 2 * * *", "Europe/Berlin");

	s.on_gap = GAP_RUN;
	due(s, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
	due(s, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z");
	s.on_gap = GAP_SKIP;
	due(s, "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z");
	zone_free(s.zone);
}
END_TEST

/* Berlin shows 02:00-03:00 twice on 2026-10-25. */
START_TEST(clocks_back)
{
	struct schedule_config s = schedule("30 2 * * *", "Europe/Berlin");

	s.on_overlap = OVERLAP_ONCE;
	due(s, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
	due(s, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
	s.on_overlap = OVERLAP_TWICE;
	due(s, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z");
	due(s, "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z");
	zone_free(s.zone);
}
END_TEST

/* A dense schedule never goes back and never stands still. */
START_TEST(always_forward)
{
	struct schedule_config s = schedule("*/10 * * * *", "America/New_York");
	int64_t t = at("2026-10-31T00:00:00Z"), end = at("2026-11-03T00:00:00Z");

	s.on_overlap = OVERLAP_TWICE;
	while (t < end) {
		int64_t n = cron_next(&s, t);

		ck_assert_int_eq(n, t + 600);
		t = n;
	}
	zone_free(s.zone);
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {
		"",           "* * * *",     "* * * * * *", "60 * * * *",
		"* 24 * * *", "* * 0 * *",   "* * * 13 *",  "* * * * 8",
		"a * * * *",  "5-1 * * * *", "*/0 * * * *", "1,,2 * * * *",
		"-1 * * * *", "1- * * * *",  "* * * foo *", "@daily"
	};
	struct cron cron;
	char why[160];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why[0] = '\0';
		ck_assert_msg(!cron_parse(text_of(bad[i]), &cron, why, sizeof(why)), "%s", bad[i]);
		ck_assert_msg(why[0] != '\0', "%s", bad[i]);
	}
}
END_TEST

UNIT_MAIN("rules_cron", plain_times, either_day_is_enough, never, clocks_forward, clocks_back,
	  always_forward, refused)
