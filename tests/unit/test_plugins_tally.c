/* SPDX-License-Identifier: Apache-2.0
 *
 * test_plugins_tally - what is counted of plugins. */
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/plugins/tally.h"
#include "tests/unit/unit_main.h"

#include <string.h>

static const struct plugin_setting both[] = { { .name = { "inventory", 9 } },
					      { .name = { "billing", 7 } } };

static bool tells(struct tally *t, const char *line)
{
	struct buf out;
	bool found;

	buf_init(&out, 64 * KIB);
	tally_metrics(t, &out);
	ck_assert(!buf_failed(&out));
	found = strstr(buf_cstr(&out), line) != NULL;
	buf_fini(&out);
	return found;
}

static void lists(struct tally *t, const char *wanted)
{
	struct buf out;

	buf_init(&out, 64 * KIB);
	tally_list(t, &out);
	ck_assert_str_eq(buf_cstr(&out), wanted);
	buf_fini(&out);
}

static void cover(struct tally *t, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)tally_cover(t, both[i].name);
}

START_TEST(what_happens_is_counted)
{
	struct tally *t = tally_new();

	ck_assert_ptr_nonnull(t);
	cover(t, 2);
	lists(t, "{\"name\":\"inventory\",\"session\":\"\",\"jobs\":0},"
		 "{\"name\":\"billing\",\"session\":\"\",\"jobs\":0}");
	ck_assert(tells(t, "tappet_plugin_connected{plugin=\"billing\"} 0\n"));
	tally_began(t, TEXT("inventory"), "9f2c64d01b7a55e0", 1000);
	for (int i = 0; i < 4; i++)
		tally_sent(t, TEXT("inventory"));
	tally_job(t, TEXT("inventory"), JOB_OK);
	tally_job(t, TEXT("inventory"), JOB_OK);
	tally_job(t, TEXT("inventory"), JOB_UNSENT);
	tally_emit(t, TEXT("billing"));
	tally_error(t, "bad-emit");
	ck_assert(tells(t, "tappet_plugin_connected{plugin=\"inventory\"} 1\n"));
	ck_assert(tells(t, "tappet_plugin_jobs{plugin=\"inventory\"} 1\n"));
	ck_assert(tells(t, "tappet_plugin_jobs_total{plugin=\"inventory\",fate=\"ok\"} 2\n"));
	ck_assert(tells(t, "tappet_plugin_jobs_total{plugin=\"inventory\",fate=\"unsent\"} 1\n"));
	ck_assert(tells(t, "tappet_plugin_emits_total{plugin=\"billing\"} 1\n"));
	ck_assert(tells(t, "tappet_plugin_errors_total{code=\"bad-emit\"} 1\n"));
	ck_assert(tells(t, "tappet_plugin_errors_total{code=\"flood\"} 0\n"));
	lists(t, "{\"name\":\"inventory\",\"session\":\"9f2c64d01b7a55e0\","
		 "\"since\":\"1970-01-01T00:00:01Z\",\"jobs\":1},"
		 "{\"name\":\"billing\",\"session\":\"\",\"jobs\":0}");
	tally_free(t);
}
END_TEST

START_TEST(who_was_refused)
{
	struct tally *t = tally_new();

	cover(t, 1);
	tally_refused(t, TEXT("inventory"), "bad-manifest", "actions: \"x\" isn't known", 1000);
	tally_refused(t, TEXT("nobody"), "name-unknown", "no plugin", 1000);
	tally_refused(t, TEXT(""), "bad-frame", "no frame", 1000);
	tally_ended(t, TEXT("inventory"), "gone", 2000);
	lists(t, "{\"name\":\"inventory\",\"session\":\"\","
		 "\"since\":\"1970-01-01T00:00:02Z\","
		 "\"refused\":{\"at\":\"1970-01-01T00:00:01Z\",\"code\":\"bad-manifest\","
		 "\"why\":\"actions: \\\"x\\\" isn't known\"},\"jobs\":0}");
	tally_free(t);
}
END_TEST

START_TEST(rows_stay)
{
	struct tally *t = tally_new();

	ck_assert_ptr_nonnull(t);
	cover(t, 2);
	tally_began(t, TEXT("billing"), "a", 1000);
	tally_ended(t, TEXT("billing"), "gone", 2000);
	cover(t, 1);
	cover(t, 2);
	tally_began(t, TEXT("billing"), "b", 1000);
	ck_assert(tells(t, "tappet_plugin_sessions_total{plugin=\"billing\"} 2\n"));
	lists(t, "{\"name\":\"inventory\",\"session\":\"\",\"jobs\":0},"
		 "{\"name\":\"billing\",\"session\":\"b\","
		 "\"since\":\"1970-01-01T00:00:01Z\",\"jobs\":0}");
	tally_free(t);
}
END_TEST

START_TEST(how_sessions_end)
{
	struct tally *t = tally_new();

	cover(t, 2);
	tally_ended(t, TEXT("billing"), "full", 2000);
	tally_ended(t, TEXT("billing"), "flood", 2000);
	tally_ended(t, TEXT("billing"), "not-heard", 2000);
	tally_key(t);
	ck_assert(
	    tells(t, "tappet_plugin_sessions_ended_total{plugin=\"billing\",reason=\"full\"} 1\n"));
	ck_assert(tells(
	    t, "tappet_plugin_sessions_ended_total{plugin=\"billing\",reason=\"error\"} 2\n"));
	ck_assert(
	    tells(t, "tappet_plugin_sessions_ended_total{plugin=\"billing\",reason=\"bye\"} 0\n"));
	ck_assert(tells(t, "tappet_plugin_keys_refused_total 1\n"));
	tally_free(t);
}
END_TEST

START_TEST(cursors_lag)
{
	struct tally *t = tally_new();
	char name[16];

	cover(t, 2);
	tally_place(t, TEXT("billing"), TEXT("audit"), 3);
	tally_place(t, TEXT("nobody"), TEXT("audit"), 3);
	ck_assert(tells(t, "tappet_plugin_cursor_lag{plugin=\"billing\",cursor=\"audit\"} 0\n"));
	tally_head(t, 10);
	tally_head(t, 9); /* it never goes back */
	ck_assert(tells(t, "tappet_plugin_cursor_lag{plugin=\"billing\",cursor=\"audit\"} 7\n"));
	tally_place(t, TEXT("billing"), TEXT("audit"), 10);
	tally_place(t, TEXT("billing"), TEXT("b"), 0);
	ck_assert(tells(t, "tappet_plugin_cursor_lag{plugin=\"billing\",cursor=\"audit\"} 0\n"));
	ck_assert(tells(t, "tappet_plugin_cursor_lag{plugin=\"billing\",cursor=\"b\"} 10\n"));
	tally_place(t, TEXT("billing"), TEXT("audit"), -1);
	tally_place(t, TEXT("billing"), TEXT("never"), -1);
	ck_assert(!tells(t, "audit"));
	ck_assert(!tells(t, "never"));
	ck_assert(!tells(t, "nobody"));
	/* As many as a plugin may have; what is forgotten makes room. */
	for (int i = 0; i < 2 * LIMIT_SESSION_CURSORS; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		tally_place(t, TEXT("billing"), text_of(name), 1);
	}
	ck_assert(tells(t, "cursor=\"c14\"} 9\n"));
	ck_assert(!tells(t, "cursor=\"c15\""));
	tally_place(t, TEXT("billing"), TEXT("b"), -1);
	tally_place(t, TEXT("billing"), TEXT("c15"), 1);
	ck_assert(tells(t, "cursor=\"c15\"} 9\n"));
	tally_free(t);
}
END_TEST

START_TEST(strangers_are_not_counted)
{
	struct tally *t = tally_new();

	ck_assert_ptr_nonnull(t);
	cover(t, 1);
	tally_began(t, TEXT("billing"), "a", 1000);
	tally_sent(t, TEXT("billing"));
	tally_job(t, TEXT("billing"), JOB_DOUBT);
	tally_emit(t, TEXT("billing"));
	tally_ended(t, TEXT("billing"), "gone", 2000);
	tally_error(t, "invented");
	ck_assert(!tells(t, "billing"));
	ck_assert(!tells(t, "invented"));
	tally_free(t);
}
END_TEST

UNIT_MAIN("plugins_tally", what_happens_is_counted, who_was_refused, rows_stay, how_sessions_end,
	  cursors_lag, strangers_are_not_counted)
