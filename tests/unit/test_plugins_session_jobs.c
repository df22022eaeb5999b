/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs: how each ends, and the credit for more; and what plugins emit. */
#include "engine/base/fault.h"
#include "tests/unit/test_plugins_kit.h"

#define JOB(id, body)                                                                              \
	"1 JOB {\"id\":\"" id "\",\"action\":\"reserve\",\"key\":\"k1\",\"attempt\":1,"            \
	"\"timeout\":30000,\"rule\":\"restock\"} " body "\n"
#define COMPLAINT(code, about)                                                                     \
	"1 ERROR {\"code\":\"" code "\",\"fatal\":false,\"about\":\"" about "\"}\n"

/* With a job "a" at work, of the two that it takes. */
static void start(void)
{
	world_start();
	hello(1);
	send_job(7, "a", "{\"sku\":\"A-7\"}");
	expect(JOB("a", "{\"sku\":\"A-7\"}"));
}

static void result(const char *header, const char *body)
{
	say_body(1, "RESULT", header, body);
}

/* ---- How a job ends. ---- */

START_TEST(a_job_is_done)
{
	start();
	result("{\"id\":\"a\",\"fate\":\"ok\",\"jobs\":1}", "{\"reservation\":\"R-19\"}");
	expect("job 7 ok {\"reservation\":\"R-19\"}\ncredit inventory\n");
	world_end();
}
END_TEST

START_TEST(each_fate)
{
	start();
	result("{\"id\":\"a\",\"fate\":\"retry\",\"after\":1500,\"error\":\"closed\",\"jobs\":1}",
	       NULL);
	expect("job 7 retry null after 1500: closed\ncredit inventory\n");
	send_job(8, "b", "1");
	result("{\"id\":\"b\",\"fate\":\"reject\",\"error\":\"no such article\",\"jobs\":1}", "");
	expect(JOB("b", "1") "job 8 reject null: no such article\ncredit inventory\n");
	send_job(9, "c", "1");
	result("{\"id\":\"c\",\"fate\":\"doubt\",\"jobs\":1}", NULL);
	expect(JOB("c", "1") "job 9 doubt null\ncredit inventory\n");
	send_job(10, "d", "1");
	result("{\"id\":\"d\",\"fate\":\"retry\",\"after\":9223372036854775807}", NULL);
	expect(JOB("d", "1") "job 10 retry null after 86400000\ncredit inventory\n");
	world_end();
}
END_TEST

START_TEST(results_in_any_order)
{
	start();
	send_job(8, "b", "1");
	result("{\"id\":\"b\",\"fate\":\"ok\"}", "2");
	result("{\"id\":\"a\",\"fate\":\"ok\"}", "1");
	expect(JOB("b", "1") "job 8 ok 2\njob 7 ok 1\n");
	world_end();
}
END_TEST

START_TEST(words_are_cut)
{
	char *header = long_text(2000, "{\"id\":\"a\",\"fate\":\"reject\",\"error\":\"", "\"}");

	start();
	result(header, NULL);
	ck_assert_uint_eq(w.log.n, strlen("job 7 reject null: \ncredit inventory\n") + LIMIT_WORDS);
	mem_free(header);
	world_end();
}
END_TEST

START_TEST(a_wrong_result_is_a_doubt)
{
	start();
	result("{\"id\":\"a\",\"fate\":\"fine\",\"jobs\":1}", NULL);
	expect(COMPLAINT("bad-result", "a") "job 7 doubt: \"fate\" is none of ok, retry, reject, "
					    "doubt\ncredit inventory\n");
	send_job(8, "b", "1");
	result("{\"id\":\"b\",\"fate\":\"ok\",\"jobs\":1}", "{\"half\":");
	expect(JOB("b", "1") COMPLAINT("bad-result", "b") "job 8 doubt: the body is no JSON\n"
							  "credit inventory\n");
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	world_end();
}
END_TEST

START_TEST(an_unknown_job)
{
	start();
	result("{\"id\":\"z\",\"fate\":\"ok\"}", NULL);
	say(1, "PROGRESS", "{\"id\":\"z\"}");
	expect(COMPLAINT("unknown-job", "z") "credit inventory\n" COMPLAINT("unknown-job", "z"));
	/* Answered twice. */
	result("{\"id\":\"a\",\"fate\":\"ok\"}", "1");
	result("{\"id\":\"a\",\"fate\":\"reject\"}", "1");
	expect("job 7 ok 1\ncredit inventory\n" COMPLAINT("unknown-job", "a") "credit inventory\n");
	world_end();
}
END_TEST

START_TEST(the_job_of_another_session)
{
	start();
	say_body(2, "HELLO", "{\"protocol\":1,\"name\":\"other\"}", MANIFEST);
	buf_clear(&w.log);
	say(2, "RESULT", "{\"id\":\"a\",\"fate\":\"ok\"}");
	expect("2 ERROR {\"code\":\"unknown-job\",\"fatal\":false,\"about\":\"a\"}\n");
	result("{\"id\":\"a\",\"fate\":\"ok\"}", NULL);
	expect("job 7 ok null\ncredit inventory\n");
	world_end();
}
END_TEST

/* ---- Deadlines. ---- */

/* Keeps the session alive on the way. */
static void pass_alive(int64_t ms)
{
	for (; ms > 0; ms -= 1000) {
		pass(ms < 1000 ? ms : 1000);
		say(1, "PONG", "{\"n\":0}");
	}
}

START_TEST(who_does_not_answer_is_cancelled)
{
	start();
	ck_assert_int_eq(sessions_tick(w.s, w.now), w.now + 1000);
	pass_alive(29999);
	buf_clear(&w.log);
	pass(1);
	expect("1 CANCEL {\"id\":\"a\"}\njob 7 doubt: no RESULT within 30000 ms\n"
	       "credit inventory\n");
	/* Too late; but its room counts. */
	ck_assert_uint_eq(sessions_lend(w.s, TEXT("inventory"), 9), 1);
	result("{\"id\":\"a\",\"fate\":\"ok\",\"jobs\":1}", NULL);
	expect(COMPLAINT("unknown-job", "a") "credit inventory\n");
	ck_assert_uint_eq(sessions_lend(w.s, TEXT("inventory"), 9), 1);
	world_end();
}
END_TEST

START_TEST(progress_begins_anew)
{
	start();
	pass_alive(29000);
	say(1, "PROGRESS", "{\"id\":\"a\"}");
	pass_alive(29000);
	buf_clear(&w.log);
	ck_assert_uint_eq(w.log.n, 0);
	pass_alive(1000);
	ck_assert(text_find(buf_view(&w.log), TEXT("1 CANCEL {\"id\":\"a\"}")) != SIZE_MAX);
	world_end();
}
END_TEST

START_TEST(progress_ends_after_a_day)
{
	int64_t end;

	start();
	end = w.now + LIMIT_SESSION_JOB;
	while (w.now < end - 20000) {
		w.now += 20000;
		say(1, "PROGRESS", "{\"id\":\"a\"}");
	}
	expect("");
	w.now = end - 1;
	say(1, "PROGRESS", "{\"id\":\"a\"}");
	pass(0);
	expect("");
	pass(1);
	expect("1 CANCEL {\"id\":\"a\"}\njob 7 doubt: no RESULT within 30000 ms\n"
	       "credit inventory\n");
	world_end();
}
END_TEST

START_TEST(a_session_that_ends_leaves_doubt)
{
	start();
	send_job(8, "b", "1");
	buf_clear(&w.log);
	say(1, "BYE", "{}");
	expect("1 BYE {\"reason\":\"goodbye\"}\n"
	       "job 8 doubt: the plugin's session ended: goodbye was said\n"
	       "job 7 doubt: the plugin's session ended: goodbye was said\n"
	       "ended inventory bye\n");
	send_job(9, "c", "1");
	expect("job 9 unsent: the plugin isn't connected\n");
	world_end();
}
END_TEST

/* ---- Credit. ---- */

START_TEST(credit_is_lent_once)
{
	struct text name = TEXT("inventory");

	world_start();
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 0);
	hello(1); /* 2 */
	ck_assert_uint_eq(sessions_lend(w.s, name, 1), 1);
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 1);
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 0);
	send_job(7, "a", "1");
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 0);
	sessions_return(w.s, name, 1);
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 1);
	sessions_return(w.s, name, 100); /* no more than was lent */
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 1);
	sessions_return(w.s, TEXT("nobody"), 1);
	world_end();
}
END_TEST

START_TEST(what_is_lent_outlives_a_session)
{
	struct text name = TEXT("inventory");

	world_start();
	hello(1);
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 2);
	say(1, "BYE", "{}");
	sessions_reload(w.s, w.now);
	hello(2); /* gives 2; the sequencer still holds as many */
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 0);
	send_job(7, "a", "1");
	send_job(8, "b", "1");
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 0);
	say(2, "CREDIT", "{\"jobs\":3}");
	ck_assert_uint_eq(sessions_lend(w.s, name, 5), 3);
	world_end();
}
END_TEST

START_TEST(concurrency_goes_before_credit)
{
	struct text name = TEXT("inventory");

	world_start();
	w.concurrency = 3;
	say_body(1, "HELLO", "{\"protocol\":1,\"name\":\"inventory\",\"jobs\":100}", MANIFEST);
	buf_clear(&w.log);
	ck_assert_uint_eq(sessions_lend(w.s, name, 50), 3);
	send_job(7, "a", "1");
	ck_assert_uint_eq(sessions_lend(w.s, name, 50), 0);
	send_job(8, "b", "1");
	send_job(9, "c", "1");
	buf_clear(&w.log);
	result("{\"id\":\"b\",\"fate\":\"ok\"}", NULL);
	expect("job 8 ok null\ncredit inventory\n");
	ck_assert_uint_eq(sessions_lend(w.s, name, 50), 1);
	world_end();
}
END_TEST

START_TEST(a_job_without_credit_is_not_sent)
{
	start();
	send_job(8, "b", "1");
	buf_clear(&w.log);
	send_job(9, "c", "1");
	expect("job 9 unsent: the plugin takes no more jobs\n");
	world_end();
}
END_TEST

START_TEST(a_job_that_can_not_be_sent)
{
	start();
	send_job(8, "a", "1");
	expect("job 8 unsent: the same attempt is at work\n");
	w.send[1] = BUS_FULL;
	send_job(9, "b", "1");
	expect("job 9 unsent: the plugin doesn't read what it is sent\n");
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	w.send[1] = BUS_GONE;
	send_job(10, "c", "1");
	expect("job 10 unsent: the plugin isn't connected\n"
	       "job 7 doubt: the plugin's session ended: its connection has ended\n"
	       "ended inventory gone\n");
	world_end();
}
END_TEST

START_TEST(parameters_have_a_size)
{
	char *larger = long_text(LIMIT_SESSION_BODY + 1, "\"", "\"");
	char id[16];
	int sent = 0;

	world_start();
	hello(1);
	say(1, "CREDIT", "{\"jobs\":1000}");
	buf_clear(&w.log);
	send_job(7, "a", larger);
	expect("job 7 reject: the parameters are larger than 1 MiB\n");
	larger[LIMIT_SESSION_BODY] = '\0';
	for (; w.log.n == 0 || !text_ends(buf_view(&w.log), TEXT("too much at hand\n")); sent++) {
		buf_clear(&w.log);
		(void)snprintf(id, sizeof(id), "j%d", sent);
		send_job(100, id, larger);
	}
	ck_assert_int_eq(sent - 1, LIMIT_SESSION_BYTES / LIMIT_SESSION_BODY);
	buf_clear(&w.log);
	result("{\"id\":\"j0\",\"fate\":\"ok\"}", NULL);
	buf_clear(&w.log);
	send_job(101, "next", larger);
	ck_assert(text_starts(buf_view(&w.log), TEXT("1 JOB")));
	mem_free(larger);
	world_end();
}
END_TEST

/* ---- Emits. ---- */

#define EMIT_ERROR(code, about, after)                                                             \
	"1 ERROR {\"code\":\"" code "\",\"fatal\":false,\"about\":\"" about "\"" after             \
	",\"emits\":1}\n"

static void emitted(enum session_answer answer, bool repeat)
{
	struct session_emitted e = { answer, TEXT("b1946ac92492d234"), 90214, repeat, "bad data" };

	sessions_emitted(w.s, w.ticket, &e, w.now);
}

START_TEST(an_emit_is_answered_after_the_commit)
{
	world_start();
	hello(1);
	say_body(1, "EMIT", "{\"id\":\"low-1\",\"type\":\"low\"}", "{\"left\":3}");
	expect("emit inventory low-1 low [] {\"left\":3}\n");
	emitted(SESSION_TAKEN, false);
	expect("1 EMITTED {\"id\":\"low-1\",\"event\":\"b1946ac92492d234\",\"seq\":90214,"
	       "\"repeat\":false,\"emits\":1}\n");
	emitted(SESSION_TAKEN, false); /* a ticket is good for one answer */
	expect("");
	say(1, "EMIT",
	    "{\"id\":\"low-1\",\"type\":\"low\",\"subject\":\"A\",\"time\":\"1970-01-01T00:00:"
	    "01Z\"}");
	emitted(SESSION_TAKEN, true);
	expect("emit inventory low-1 low [A] 1000 null\n"
	       "1 EMITTED {\"id\":\"low-1\",\"event\":\"b1946ac92492d234\",\"seq\":90214,"
	       "\"repeat\":true,\"emits\":1}\n");
	/* Whether there is such a job isn't asked here: it may be over, or an earlier session's. */
	say(1, "EMIT", "{\"id\":\"low-2\",\"type\":\"low\",\"job\":\"4711.2.1\"}");
	expect("emit inventory low-2 low [] of 4711.2.1 null\n");
	world_end();
}
END_TEST

START_TEST(a_wrong_emit)
{
	char *id = long_text(160, "{\"id\":\"", "\",\"type\":\"low\"}");
	char *subject = long_text(1200, "{\"id\":\"1\",\"type\":\"low\",\"subject\":\"", "\"}");

	world_start();
	hello(1);
	say(1, "EMIT", "{\"id\":\"\",\"type\":\"low\"}");
	expect("1 ERROR {\"code\":\"bad-emit\",\"fatal\":false,\"emits\":1}\n");
	say(1, "EMIT", id);
	ck_assert(text_starts(buf_view(&w.log), TEXT("1 ERROR {\"code\":\"bad-emit\"")));
	buf_clear(&w.log);
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"\"}");
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\",\"time\":\"today\"}");
	say(1, "EMIT", subject);
	say_body(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}", "{]");
	expect(EMIT_ERROR("bad-emit", "1", "") EMIT_ERROR("bad-emit", "1", "")
		   EMIT_ERROR("bad-emit", "1", "") EMIT_ERROR("bad-emit", "1", ""));
	w.answer = SESSION_WRONG;
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"hight\"}");
	expect("emit inventory 1 hight [] null\n" EMIT_ERROR("bad-emit", "1", ""));
	ck_assert_str_eq(w.message, "no such type");
	w.answer = SESSION_TAKEN;
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	emitted(SESSION_WRONG, false);
	expect("emit inventory 1 low [] null\n" EMIT_ERROR("bad-emit", "1", ""));
	ck_assert_str_eq(w.message, "bad data");
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	mem_free(id);
	mem_free(subject);
	world_end();
}
END_TEST

START_TEST(an_emit_finds_no_room)
{
	world_start();
	hello(1);
	w.answer = SESSION_BUSY;
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	expect("emit inventory 1 low [] null\n" EMIT_ERROR("busy", "1", ",\"after\":1000"));
	w.answer = SESSION_TAKEN;
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	emitted(SESSION_BUSY, false);
	expect("emit inventory 1 low [] null\n" EMIT_ERROR("busy", "1", ",\"after\":1000"));
	world_end();
}
END_TEST

START_TEST(more_emits_than_credit_are_a_flood)
{
	world_start();
	hello(1);
	for (int i = 0; i < LIMIT_SESSION_EMITS; i++)
		say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	buf_clear(&w.log);
	emitted(SESSION_TAKEN, false);
	say(1, "EMIT", "{\"id\":\"2\",\"type\":\"low\"}");
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	buf_clear(&w.log);
	say(1, "EMIT", "{\"id\":\"3\",\"type\":\"low\"}");
	expect("1 ERROR {\"code\":\"flood\",\"fatal\":true,\"about\":\"3\"}\n"
	       "ended inventory flood\n");
	emitted(SESSION_TAKEN, false); /* of a session that has ended */
	expect("");
	hello(1); /* all of its credit is there again */
	for (int i = 0; i < LIMIT_SESSION_EMITS; i++)
		say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	world_end();
}
END_TEST

/* A plugin that says HELLO again and again can't fill the sequencer's queue, which is others', too:
 * what is under way of its sessions before counts until it is answered. */
START_TEST(emits_of_ended_sessions_are_under_way)
{
	struct session_emitted e = { SESSION_TAKEN, TEXT("b1946ac92492d234"), 1, false, NULL };
	uint64_t first;

	world_start();
	hello(1);
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	first = w.ticket;
	for (int i = 1; i < LIMIT_SESSION_EMITS; i++)
		say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	say_body(1, "HELLO", HELLO, MANIFEST);
	buf_clear(&w.log);
	say(1, "EMIT", "{\"id\":\"2\",\"type\":\"low\"}");
	expect(EMIT_ERROR("busy", "2", ",\"after\":1000"));
	sessions_emitted(w.s, first, &e, w.now);
	expect("");
	say(1, "EMIT", "{\"id\":\"2\",\"type\":\"low\"}");
	expect("emit inventory 2 low [] null\n");
	say(1, "EMIT", "{\"id\":\"3\",\"type\":\"low\"}");
	expect(EMIT_ERROR("busy", "3", ",\"after\":1000"));
	/* They outlive even the name. */
	w.admit = SESSION_UNKNOWN;
	sessions_reload(w.s, w.now);
	sessions_emitted(w.s, first + 1, &e, w.now);
	world_end();
}
END_TEST

/* Nor by a few large ones. */
START_TEST(emits_have_bytes)
{
	char *large = long_text(LIMIT_SESSION_BODY, "\"", "\"");

	world_start();
	hello(1);
	for (size_t i = 0; i < LIMIT_SESSION_EMITTED / LIMIT_SESSION_BODY; i++)
		say_body(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}", large);
	buf_clear(&w.log);
	say_body(1, "EMIT", "{\"id\":\"2\",\"type\":\"low\"}", "12345");
	expect(EMIT_ERROR("busy", "2", ",\"after\":1000"));
	emitted(SESSION_TAKEN, false);
	buf_clear(&w.log);
	say_body(1, "EMIT", "{\"id\":\"2\",\"type\":\"low\"}", "12345");
	expect("emit inventory 2 low [] 12345\n");
	mem_free(large);
	world_end();
}
END_TEST

START_TEST(refused_emits_are_a_flood)
{
	world_start();
	hello(1);
	w.now += 1000;
	for (int i = 0; i <= LIMIT_SESSION_USELESS; i++)
		say(1, "EMIT", "{\"id\":\"1\",\"type\":\"\"}");
	ck_assert(text_ends(buf_view(&w.log), TEXT("ended inventory flood\n")));
	world_end();
}
END_TEST

START_TEST(stopping_waits_for_emits)
{
	world_start();
	hello(1);
	say(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}");
	sessions_stop(w.s, 1000, w.now);
	buf_clear(&w.log);
	pass(1);
	expect("");
	emitted(SESSION_TAKEN, false);
	buf_clear(&w.log);
	pass(0);
	expect("1 BYE {\"reason\":\"goodbye\"}\nended inventory bye\n");
	world_end();
}
END_TEST

/* ---- Memory. ---- */

/* Whichever allocation fails: a job ends once, and an emit is answered. */
START_TEST(memory_gives_out)
{
	bool hit = true;

	for (int n = 1; hit; n++) {
		bool ended, answered;

		start();
		ck_assert_ptr_nonnull(buf_reserve(&w.log, 4096));
		fault_arm("memory", n, false);
		send_job(8, "b", "1");
		say_body(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}", "1");
		hit = fault_disarm();
		answered = text_find(buf_view(&w.log), TEXT("emit inventory")) != SIZE_MAX ||
			   text_find(buf_view(&w.log), TEXT("\"code\":")) != SIZE_MAX;
		ck_assert_msg(answered, "%d: %s", n, buf_cstr(&w.log));
		result("{\"id\":\"b\",\"fate\":\"ok\"}", NULL);
		ended = text_find(buf_view(&w.log), TEXT("job 8 ")) != SIZE_MAX;
		ck_assert_msg(ended, "%d: %s", n, buf_cstr(&w.log));
		world_end();
	}
}
END_TEST

UNIT_MAIN("plugins_session_jobs", a_job_is_done, each_fate, results_in_any_order, words_are_cut,
	  a_wrong_result_is_a_doubt, an_unknown_job, the_job_of_another_session,
	  who_does_not_answer_is_cancelled, progress_begins_anew, progress_ends_after_a_day,
	  a_session_that_ends_leaves_doubt, credit_is_lent_once, what_is_lent_outlives_a_session,
	  concurrency_goes_before_credit, a_job_without_credit_is_not_sent,
	  a_job_that_can_not_be_sent, parameters_have_a_size, an_emit_is_answered_after_the_commit,
	  a_wrong_emit, an_emit_finds_no_room, more_emits_than_credit_are_a_flood,
	  emits_of_ended_sessions_are_under_way, emits_have_bytes, refused_emits_are_a_flood,
	  stopping_waits_for_emits, memory_gives_out)
