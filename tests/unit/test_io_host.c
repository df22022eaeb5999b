/* SPDX-License-Identifier: Apache-2.0
 *
 * host: slots, bucket arithmetic, breaker and Retry-After on a clock turned by hand. */
#include "engine/io/host.h"

#include <check.h>
#include <stdlib.h>

#include "engine/base/limits.h"

static struct hosts *hosts;

static void setup(void)
{
	hosts = hosts_new();
	ck_assert_ptr_nonnull(hosts);
}

static void teardown(void)
{
	hosts_free(hosts);
}

static struct host *get(const char *name, unsigned slots, double per_second, double burst)
{
	struct host_rate rate = { slots, per_second, burst };
	struct host *host = hosts_get(hosts, text_of(name), &rate);

	ck_assert_ptr_nonnull(host);
	return host;
}

static void go_bad(struct host *host, int64_t now, int times)
{
	for (int i = 0; i < times; i++) {
		ck_assert_uint_eq(host_grant(host, now, 1), 1);
		host_ended(host, now, HOST_BAD, 0);
	}
}

static void count(void *of, struct host *host)
{
	ck_assert_uint_gt(host_name(host).n, 0);
	++*(int *)of;
}

START_TEST(test_found_again)
{
	struct host *a = get("a", 1, 0, 0);
	int n = 0;

	ck_assert_ptr_eq(get("a", 2, 0, 0), a);
	ck_assert_ptr_ne(get("b", 1, 0, 0), a);
	ck_assert(text_is(host_name(a), "a"));
	hosts_each(hosts, count, &n);
	ck_assert_int_eq(n, 2);
}
END_TEST

START_TEST(test_slots)
{
	struct host *host = get("a", 3, 0, 0);

	ck_assert_uint_eq(host_grant(host, 0, 2), 2);
	ck_assert_uint_eq(host_grant(host, 0, 2), 1);
	ck_assert_uint_eq(host_grant(host, 0, 2), 0);
	ck_assert_uint_eq(host_outstanding(host), 3);
	ck_assert_int_eq(host_next(host, 0), INT64_MAX);
	host_ended(host, 0, HOST_GOOD, 0);
	ck_assert_int_eq(host_next(host, 5), 5);
	ck_assert_uint_eq(host_grant(host, 5, 9), 1);
	host_unused(host, 3);
	ck_assert_uint_eq(host_outstanding(host), 0);
	/* Fewer slots than are out: nothing until enough have ended. */
	ck_assert_uint_eq(host_grant(host, 5, 3), 3);
	get("a", 1, 0, 0);
	host_ended(host, 5, HOST_GOOD, 0);
	ck_assert_uint_eq(host_grant(host, 5, 1), 0);
	host_unused(host, 2);
	ck_assert_uint_eq(host_grant(host, 5, 3), 1);
}
END_TEST

START_TEST(test_bucket)
{
	struct host *host = get("a", 100, 2, 5);

	ck_assert_uint_eq(host_grant(host, 1000, 9), 5); /* full at first */
	ck_assert_int_eq(host_next(host, 1000), 1500);
	ck_assert_uint_eq(host_grant(host, 1499, 9), 0);
	ck_assert_uint_eq(host_grant(host, 1500, 9), 1);
	ck_assert_uint_eq(host_grant(host, 3000, 9), 3);
	ck_assert_uint_eq(host_grant(host, 1000000, 9), 5); /* never above the burst */
	host_unused(host, 2);
	ck_assert_uint_eq(host_grant(host, 1000000, 9), 2);
	get("a", 100, 2, 1); /* a smaller bucket keeps no more than fits */
	ck_assert_uint_eq(host_grant(host, 2000000, 9), 1);
}
END_TEST

/* Asking at every moment loses no fraction of a token; asking when host_next
 * says so always yields one. */
START_TEST(test_bucket_is_exact)
{
	struct host *often = get("often", 100000, 7, 2), *told = get("told", 100000, 7, 1);
	unsigned total = 0, due = 0;

	for (int64_t now = 0; now <= 100000; now++)
		total += host_grant(often, now, 9);
	ck_assert_uint_eq(total, 702); /* two at first */
	for (int64_t now = 0; now <= 100000; now = host_next(told, now)) {
		ck_assert_uint_eq(host_grant(told, now, 1), 1);
		due++;
	}
	ck_assert_uint_ge(due, 695); /* whole milliseconds: 143 instead of 142.86 */
	ck_assert_uint_le(due, 701);
}
END_TEST

START_TEST(test_bucket_below_one)
{
	struct host *host = get("a", 10, 0.5, 0.1);

	ck_assert_uint_eq(host_grant(host, 0, 9), 1);
	ck_assert_int_eq(host_next(host, 0), 2000);
	ck_assert_uint_eq(host_grant(host, 2000, 9), 1);
}
END_TEST

START_TEST(test_breaker_opens)
{
	struct host *host = get("a", 10, 0, 0);

	go_bad(host, 0, BREAKER_FAILURES - 1);
	ck_assert_int_eq(host_breaker(host), HOST_CLOSED);
	ck_assert_uint_eq(host_grant(host, 0, 1), 1);
	host_ended(host, 0, HOST_GOOD, 0); /* in a row, or it doesn't count */
	go_bad(host, 0, BREAKER_FAILURES - 1);
	ck_assert_int_eq(host_breaker(host), HOST_CLOSED);
	ck_assert_uint_eq(host_grant(host, 0, 1), 1);
	host_ended(host, 0, HOST_NEUTRAL, 0); /* neither breaks the row nor adds to it */
	go_bad(host, 100, 1);
	ck_assert_int_eq(host_breaker(host), HOST_OPEN);
	ck_assert_uint_eq(host_grant(host, 100, 1), 0);
	ck_assert_int_eq(host_next(host, 100), 100 + BREAKER_PAUSE);
	ck_assert_uint_eq(host_grant(host, 99 + BREAKER_PAUSE, 1), 0);
}
END_TEST

START_TEST(test_breaker_probes)
{
	struct host *host = get("a", 10, 0, 0);
	int64_t now = 0, pause = BREAKER_PAUSE;

	go_bad(host, now, BREAKER_FAILURES);
	for (int i = 0; i < 10; i++) {
		now += pause;
		ck_assert_uint_eq(host_grant(host, now - 1, 5), 0);
		ck_assert_uint_eq(host_grant(host, now, 5), 1);
		ck_assert_int_eq(host_breaker(host), HOST_HALF_OPEN);
		ck_assert_uint_eq(host_grant(host, now, 5), 0);
		ck_assert_int_eq(host_next(host, now), INT64_MAX);
		host_ended(host, now, HOST_BAD, 0);
		ck_assert_int_eq(host_breaker(host), HOST_OPEN);
		pause = pause * 2 < BREAKER_PAUSE_MAX ? pause * 2 : BREAKER_PAUSE_MAX;
	}
	now += pause;
	ck_assert_uint_eq(host_grant(host, now, 5), 1);
	host_unused(host, 1); /* nobody had a use for it */
	ck_assert_uint_eq(host_grant(host, now, 5), 1);
	host_ended(host, now, HOST_NEUTRAL, 0); /* says nothing: once more */
	ck_assert_uint_eq(host_grant(host, now, 5), 1);
	host_ended(host, now, HOST_GOOD, 0);
	ck_assert_int_eq(host_breaker(host), HOST_CLOSED);
	ck_assert_uint_eq(host_grant(host, now, 5), 5);
	host_unused(host, 5);
	go_bad(host, now, BREAKER_FAILURES); /* and the pause is short again */
	ck_assert_int_eq(host_next(host, now), now + BREAKER_PAUSE);
}
END_TEST

START_TEST(test_gone_is_left_alone)
{
	struct host *host = get("a", 5, 0, 0);

	ck_assert_uint_eq(host_grant(host, 0, 1), 1);
	host_ended(host, 0, HOST_GONE, 0);
	ck_assert_int_eq(host_breaker(host), HOST_OPEN);
	ck_assert_uint_eq(host_grant(host, BREAKER_GONE - 1, 5), 0);
	ck_assert_int_eq(host_next(host, 1), BREAKER_GONE);
	ck_assert_uint_eq(host_grant(host, BREAKER_GONE, 5), 1);
	host_ended(host, BREAKER_GONE, HOST_GONE, 0);
	ck_assert_int_eq(host_next(host, BREAKER_GONE), 2 * BREAKER_GONE);
	host_hurry(host, BREAKER_GONE + 7); /* somebody put it right, perhaps */
	ck_assert_uint_eq(host_grant(host, BREAKER_GONE + 7, 5), 1);
	host_hurry(host, BREAKER_GONE + 8); /* one probe is enough */
	ck_assert_uint_eq(host_grant(host, BREAKER_GONE + 8, 5), 0);
	host_ended(host, BREAKER_GONE + 9, HOST_GOOD, 0);
	ck_assert_int_eq(host_breaker(host), HOST_CLOSED);
	host_hurry(host, BREAKER_GONE + 9);
	ck_assert_uint_eq(host_grant(host, BREAKER_GONE + 9, 5), 5);
}
END_TEST

START_TEST(test_late_failures_prolong_nothing)
{
	struct host *host = get("a", 20, 0, 0);

	ck_assert_uint_eq(host_grant(host, 0, 20), 20);
	for (int64_t i = 0; i < 20; i++)
		host_ended(host, i * 100, HOST_BAD, 0);
	ck_assert_int_eq(host_next(host, 2000), (BREAKER_FAILURES - 1) * 100 + BREAKER_PAUSE);
}
END_TEST

START_TEST(test_retry_after)
{
	struct host *host = get("a", 10, 0, 0);

	ck_assert_uint_eq(host_grant(host, 0, 3), 3);
	host_ended(host, 0, HOST_NEUTRAL, 2000);
	host_ended(host, 0, HOST_NEUTRAL, 1000); /* a shorter one takes nothing back */
	ck_assert_int_eq(host_breaker(host), HOST_CLOSED);
	ck_assert_uint_eq(host_grant(host, 1999, 1), 0);
	ck_assert_int_eq(host_next(host, 1000), 2000);
	ck_assert_uint_eq(host_grant(host, 2000, 1), 1);
	host_ended(host, 2000, HOST_NEUTRAL, INT64_MAX);
	ck_assert_int_eq(host_next(host, 2000), 2000 + LIMIT_HOST_PAUSE);
}
END_TEST

/* Too many requests, and no word for how long. */
START_TEST(test_busy)
{
	struct host *host = get("a", 10, 0, 0);
	int64_t now = 0, rest = HOST_REST;

	ck_assert_uint_eq(host_grant(host, 0, 3), 3);
	host_ended(host, 0, HOST_BUSY, -1);
	host_ended(host, 5, HOST_BUSY, -1); /* it was out before: that was one time */
	host_ended(host, 9, HOST_BUSY, -1);
	ck_assert_uint_eq(host_grant(host, HOST_REST - 1, 1), 0);
	ck_assert_int_eq(host_next(host, 10), HOST_REST);
	for (int i = 0; i < 9; i++) {
		now += rest;
		ck_assert_uint_eq(host_grant(host, now, 1), 1);
		host_ended(host, now, HOST_BUSY, -1);
		rest = rest * 2 < HOST_REST_MAX ? rest * 2 : HOST_REST_MAX;
		ck_assert_int_eq(host_next(host, now), now + rest);
	}
	ck_assert_int_eq(rest, HOST_REST_MAX);
	ck_assert_int_eq(host_breaker(host), HOST_CLOSED);
	now += rest;
	ck_assert_uint_eq(host_grant(host, now, 10), 10);
	host_ended(host, now, HOST_GOOD, -1);
	host_ended(host, now, HOST_BUSY, -1);
	ck_assert_int_eq(host_next(host, now), now + HOST_REST);
	/* What it says counts. */
	now += HOST_REST;
	host_ended(host, now, HOST_BUSY, 0);
	ck_assert_uint_eq(host_grant(host, now, 1), 1);
	host_ended(host, now, HOST_BUSY, 70);
	ck_assert_int_eq(host_next(host, now), now + 70);
}
END_TEST

START_TEST(test_follow)
{
	struct host *host = get("a", 10, 0, 0), *other = get("a polls", 10, 0, 0);

	ck_assert_uint_eq(host_grant(other, 0, 2), 2);
	host_follow(host, 0, other);
	ck_assert(!host_shut(host, 0));
	host_ended(other, 0, HOST_BUSY, 5000);
	host_follow(host, 100, other);
	ck_assert_int_eq(host_next(host, 100), 5000);
	ck_assert_uint_eq(host_grant(host, 4999, 1), 0);
	ck_assert_uint_eq(host_grant(host, 5000, 1), 1);
	/* Its own, which is longer, stays. */
	host_ended(host, 5000, HOST_BUSY, 9000);
	host_ended(other, 5000, HOST_BUSY, 1000);
	host_follow(host, 5000, other);
	ck_assert_int_eq(host_next(host, 5000), 14000);
}
END_TEST

/* What was saved up while the tap was closed is not sent at once. */
START_TEST(test_calm_after_429)
{
	struct host *host = get("a", 10, 1, 5);

	ck_assert_uint_eq(host_grant(host, 0, 10), 5);
	host_ended(host, 10, HOST_GOOD, 0);
	for (int i = 0; i < 4; i++)
		host_ended(host, 10, HOST_NEUTRAL, 1000);
	ck_assert_uint_eq(host_grant(host, 1009, 5), 0);
	ck_assert_int_eq(host_next(host, 10), 1010);
	ck_assert_uint_eq(host_grant(host, 1010, 5), 1);
	host_ended(host, 1020, HOST_GOOD, 0);
	ck_assert_uint_eq(host_grant(host, 60000, 5), 1);
	host_ended(host, 60000, HOST_GOOD, 0);
	ck_assert_uint_eq(host_grant(host, 1010 + HOST_CALM, 10), 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("io_host");
	TCase *all = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, test_found_again);
	tcase_add_test(all, test_slots);
	tcase_add_test(all, test_bucket);
	tcase_add_test(all, test_bucket_is_exact);
	tcase_add_test(all, test_bucket_below_one);
	tcase_add_test(all, test_breaker_opens);
	tcase_add_test(all, test_breaker_probes);
	tcase_add_test(all, test_gone_is_left_alone);
	tcase_add_test(all, test_late_failures_prolong_nothing);
	tcase_add_test(all, test_retry_after);
	tcase_add_test(all, test_follow);
	tcase_add_test(all, test_busy);
	tcase_add_test(all, test_calm_after_429);
	suite_add_tcase(suite, all);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
