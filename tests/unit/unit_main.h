/* SPDX-License-Identifier: Apache-2.0
 *
 * unit_main - the main function that every unit test binary needs.
 *
 *   UNIT_MAIN("base_buf", grows, stops_at_its_limit)
 *
 * Each test runs in a process of its own (Check's default), so one crash fails
 * one test. */
#ifndef TAPPET_TESTS_UNIT_MAIN_H
#define TAPPET_TESTS_UNIT_MAIN_H

#include <check.h>

#define UNIT_TIMEOUT 60 /* seconds for one test; sanitizers are slow */

static inline int unit_run(const char *name, const TTest *const *tests, int count)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, UNIT_TIMEOUT);
	for (int i = 0; i < count; i++)
		tcase_add_test(cases, tests[i]);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#define UNIT_MAIN(name, ...)                                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                                      \
                                                                                                   \
		return unit_run(name, tests, (int)(sizeof(tests) / sizeof(tests[0])));             \
	}

#endif
