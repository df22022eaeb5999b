/* SPDX-License-Identifier: Apache-2.0
 *
 * Durable subscriptions: what is wanted, given, acknowledged and passed over. */
#include "engine/base/fault.h"
#include "tests/unit/test_plugins_kit.h"

#define COMPLAINT(code, about)                                                                     \
	"1 ERROR {\"code\":\"" code "\",\"fatal\":false,\"about\":\"" about "\"}\n"
#define BUSY(about)                                                                                \
	"1 ERROR {\"code\":\"busy\",\"fatal\":false,\"about\":\"" about "\",\"after\":1000}\n"
#define EVENT(seq) "1 EVENT {\"cursor\":\"audit\",\"seq\":" seq "} {}\n"

static uint64_t audit; /* the subscription */

static void subscribe(const char *header)
{
	say(1, "SUBSCRIBE", header);
}

static void subscribed(int64_t seq)
{
	sessions_subscribed(w.s, w.ticket, SESSION_TAKEN, seq, NULL, w.now);
}

/* An open cursor "audit" at 10, with a window of 3. */
static void start(void)
{
	world_start();
	hello(1);
	subscribe("{\"cursor\":\"audit\",\"types\":[\"a.*\",\"tappet.**\"],\"window\":3}");
	expect("subscribe inventory audit from -1 a.* tappet.**\n");
	audit = w.ticket;
	subscribed(10);
	expect("1 SUBSCRIBED {\"cursor\":\"audit\",\"seq\":10}\nwant after 10 most 3\n");
}

static bool event(int64_t seq)
{
	return sessions_event(w.s, audit, seq, TEXT("{}"), w.now);
}

static void read_to(int64_t seq)
{
	sessions_read(w.s, audit, seq, w.now);
}

static void ack(int64_t seq)
{
	char header[64];

	(void)snprintf(header, sizeof(header), "{\"cursor\":\"audit\",\"seq\":%ld}", (long)seq);
	say(1, "ACK", header);
}

/* ---- SUBSCRIBE. ---- */

START_TEST(where_a_cursor_begins)
{
	world_start();
	hello(1);
	subscribe("{\"cursor\":\"a\",\"types\":[\"**\"],\"from\":\"start\"}");
	subscribe("{\"cursor\":\"b\",\"types\":[\"x\"],\"from\":\"now\",\"window\":10000}");
	subscribe("{\"cursor\":\"c\",\"types\":[\"x\"],\"from\":17}");
	expect("subscribe inventory a from 0 **\nsubscribe inventory b from -1 x\n"
	       "subscribe inventory c from 17 x\n");
	subscribed(17);
	expect("1 SUBSCRIBED {\"cursor\":\"c\",\"seq\":17}\nwant after 17 most 100\n");
	ck_assert_uint_eq(w.bytes, LIMIT_SESSION_EVENTS);
	ck_assert_int_eq(w.place, 17);
	subscribed(17); /* a ticket is good for one answer */
	expect("");
	world_end();
}
END_TEST

static void wrong(const char *header, const char *about, const char *words)
{
	char want[200];

	subscribe(header);
	(void)snprintf(
	    want, sizeof(want), "1 ERROR {\"code\":\"bad-subscribe\",\"fatal\":false%s%s%s}\n",
	    about[0] != '\0' ? ",\"about\":\"" : "", about, about[0] != '\0' ? "\"" : "");
	expect(want);
	ck_assert_msg(strstr(w.message, words) != NULL, "%s", w.message);
}

START_TEST(a_wrong_subscribe)
{
	char header[100];

	start();
	wrong("{\"cursor\":\"\",\"types\":[\"x\"]}", "", "a name");
	wrong("{\"cursor\":\"A\",\"types\":[\"x\"]}", "A", "a name");
	wrong("{\"cursor\":\"audit\",\"types\":[\"x\"]}", "audit", "is open");
	wrong("{\"cursor\":\"b\",\"types\":[]}", "b", "1 to 64");
	wrong("{\"cursor\":\"b\",\"types\":[1]}", "b", "a pattern");
	wrong("{\"cursor\":\"b\",\"types\":[\"\"]}", "b", "a pattern");
	wrong("{\"cursor\":\"b\",\"types\":[\"a..b\"]}", "b", "a pattern");
	wrong("{\"cursor\":\"b\",\"types\":[\"a.b*\"]}", "b", "a pattern");
	wrong("{\"cursor\":\"b\",\"types\":[\"**.b\"]}", "b", "a pattern");
	wrong("{\"cursor\":\"b\",\"types\":[\"a b\"]}", "b", "a pattern");
	wrong("{\"cursor\":\"b\",\"types\":[\"x\"],\"window\":0}", "b", "1 to 10000");
	wrong("{\"cursor\":\"b\",\"types\":[\"x\"],\"window\":10001}", "b", "1 to 10000");
	wrong("{\"cursor\":\"b\",\"types\":[\"x\"],\"from\":\"end\"}", "b", "start, now");
	for (int i = 1; i < LIMIT_SESSION_CURSORS; i++) {
		(void)snprintf(header, sizeof(header), "{\"cursor\":\"c%d\",\"types\":[\"x\"]}", i);
		subscribe(header);
	}
	buf_clear(&w.log);
	wrong("{\"cursor\":\"b\",\"types\":[\"x\"]}", "b", "at most 16");
	w.answer = SESSION_WRONG;
	say(1, "UNSUBSCRIBE", "{\"cursor\":\"c1\"}");
	buf_clear(&w.log);
	subscribe("{\"cursor\":\"b\",\"types\":[\"x\"]}");
	expect("subscribe inventory b from -1 x\n" COMPLAINT("bad-subscribe", "b"));
	w.answer = SESSION_BUSY;
	subscribe("{\"cursor\":\"b\",\"types\":[\"x\"]}");
	expect("subscribe inventory b from -1 x\n" BUSY("b"));
	world_end();
}
END_TEST

START_TEST(a_subscribe_is_refused_later)
{
	world_start();
	hello(1);
	subscribe("{\"cursor\":\"a\",\"types\":[\"x\"]}");
	buf_clear(&w.log);
	sessions_subscribed(w.s, w.ticket, SESSION_WRONG, 0, "there are too many", w.now);
	expect(COMPLAINT("bad-subscribe", "a") "unsubscribe a\n");
	subscribe("{\"cursor\":\"a\",\"types\":[\"x\"]}");
	buf_clear(&w.log);
	sessions_subscribed(w.s, w.ticket, SESSION_BUSY, 0, NULL, w.now);
	expect(BUSY("a") "unsubscribe a\n");
	world_end();
}
END_TEST

/* ---- Events. ---- */

START_TEST(events_come_within_the_window)
{
	start();
	ck_assert(event(11));
	ck_assert(event(13));
	expect(EVENT("11") EVENT("13"));
	read_to(13);
	expect("want after 13 most 1\n");
	ck_assert(event(14));
	ck_assert(!event(15)); /* more than was wanted */
	expect(EVENT("14"));
	read_to(14);
	expect(""); /* the window is full */
	ack(13);
	expect("ack audit 13\nwant after 14 most 2\n");
	sessions_acked(w.s, w.ticket, true, w.now);
	expect("1 ACKED {\"cursor\":\"audit\",\"seq\":13}\n");
	world_end();
}
END_TEST

START_TEST(bytes_have_a_limit_too)
{
	char *body = long_text(LIMIT_SESSION_EVENTS / 2, "\"", "\"");

	start();
	ck_assert(sessions_event(w.s, audit, 11, text_of(body), w.now));
	read_to(11);
	ck_assert_uint_eq(w.most, 2);
	ck_assert_uint_eq(w.bytes, LIMIT_SESSION_EVENTS / 2);
	ck_assert(sessions_event(w.s, audit, 12, text_of(body), w.now));
	buf_clear(&w.log);
	read_to(12);
	expect(""); /* one more would fit the window */
	ack(12);
	ck_assert_uint_eq(w.bytes, LIMIT_SESSION_EVENTS);
	mem_free(body);
	world_end();
}
END_TEST

START_TEST(a_large_window)
{
	char want[64];

	world_start();
	hello(1);
	subscribe("{\"cursor\":\"audit\",\"types\":[\"x\"],\"window\":10000}");
	audit = w.ticket;
	subscribed(0);
	for (int round = 0; round < 3; round++) {
		for (int64_t i = 1; i <= 10000; i++) {
			ck_assert(event(round * 10000 + i));
			if (i % 7000 == 0)
				ack(round * 10000 + 6000);
		}
		buf_clear(&w.log);
		ack(round * 10000 + 10000);
		(void)snprintf(want, sizeof(want), "ack audit %d\n", round * 10000 + 10000);
		expect(want);
		read_to(round * 10000 + 10000);
		ck_assert_uint_eq(w.most, 10000);
		ck_assert_uint_eq(w.bytes, LIMIT_SESSION_EVENTS);
	}
	world_end();
}
END_TEST

START_TEST(a_plugin_that_reads_slowly_is_given_the_same_again)
{
	start();
	ck_assert(event(11));
	w.send[1] = BUS_FULL;
	ck_assert(!event(12));
	w.send[1] = BUS_SENT;
	ck_assert(!event(13)); /* never one before the other */
	read_to(20);
	expect(EVENT("11"));
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	ck_assert_int_eq(sessions_tick(w.s, w.now), w.now + 100);
	pass(99);
	expect("");
	pass(1);
	/* One, to see whether it is taken; the pauses grow while it isn't. */
	for (int ms = 200; ms <= 12800; ms *= 2) {
		expect("want after 11 most 1\n");
		w.send[1] = BUS_FULL;
		ck_assert(!event(12));
		w.send[1] = BUS_SENT;
		read_to(20);
		for (int left = ms < 3200 ? ms : 3200; left > 0; left -= 100) {
			expect("");
			say(1, "PONG", "{\"n\":0}");
			pass(100);
		}
	}
	expect("want after 11 most 1\n");
	ck_assert(event(12));
	expect(EVENT("12"));
	/* It was taken: all that fits again. */
	ack(12);
	expect("ack audit 12\n");
	read_to(12);
	expect("want after 12 most 3\n");
	world_end();
}
END_TEST

START_TEST(a_plugin_that_left)
{
	start();
	ck_assert(event(11));
	w.send[1] = BUS_GONE;
	ck_assert(!event(12));
	expect(EVENT("11") "unsubscribe audit\nended inventory gone\n");
	ck_assert(!event(13));
	read_to(13);
	sessions_gap(w.s, audit, 1, 2, w.now);
	expect("");
	world_end();
}
END_TEST

START_TEST(what_retention_deleted_is_told)
{
	start();
	sessions_gap(w.s, audit, 11, 9000, w.now);
	ck_assert(event(9001));
	expect("1 GAP {\"cursor\":\"audit\",\"from\":11,\"to\":9000}\n" EVENT("9001"));
	ack(9000);
	expect("ack audit 9000\n");
	world_end();
}
END_TEST

/* It is told again in the next session, so the cursor stays before it. */
START_TEST(a_gap_isnt_passed_over)
{
	start();
	sessions_gap(w.s, audit, 11, 9000, w.now);
	read_to(9000);
	expect("1 GAP {\"cursor\":\"audit\",\"from\":11,\"to\":9000}\n"
	       "want after 9000 most 3\n");
	read_to(12000);
	expect("want after 12000 most 3\n");
	ack(9000);
	expect("ack audit 9000\n");
	sessions_acked(w.s, w.ticket, true, w.now);
	expect("1 ACKED {\"cursor\":\"audit\",\"seq\":9000}\n");
	read_to(12001);
	expect("ack audit 12001 by itself\nwant after 12001 most 3\n");
	world_end();
}
END_TEST

/* An ACK that isn't kept after all may be said again, whatever came after it. */
START_TEST(an_ack_under_way_isnt_passed_over)
{
	uint64_t ticket;

	start();
	ck_assert(event(11));
	buf_clear(&w.log);
	ack(11);
	ticket = w.ticket;
	read_to(5000);
	expect("ack audit 11\nwant after 5000 most 3\n");
	sessions_acked(w.s, ticket, false, w.now);
	expect("1 ERROR {\"code\":\"busy\",\"fatal\":false,\"about\":\"audit\","
	       "\"after\":1000}\n");
	ack(11);
	sessions_acked(w.s, w.ticket, true, w.now);
	expect("ack audit 11\n1 ACKED {\"cursor\":\"audit\",\"seq\":11}\n");
	read_to(5001);
	expect("ack audit 5001 by itself\nwant after 5001 most 3\n");
	ack(11);
	expect("1 ACKED {\"cursor\":\"audit\",\"seq\":11}\n");
	world_end();
}
END_TEST

START_TEST(what_nobody_asked_for_is_passed_over)
{
	start();
	read_to(10 + LIMIT_SESSION_PASS - 1);
	expect("want after 1009 most 3\n");
	read_to(10 + LIMIT_SESSION_PASS);
	expect("ack audit 1010 by itself\nwant after 1010 most 3\n");
	ck_assert_int_eq(w.place, 1010);
	ck_assert(event(1011));
	read_to(5000); /* not past what isn't acknowledged */
	expect("1 EVENT {\"cursor\":\"audit\",\"seq\":1011} {}\nwant after 5000 most 2\n");
	ack(1011);
	sessions_acked(w.s, w.ticket, true, w.now);
	expect("ack audit 1011\n1 ACKED {\"cursor\":\"audit\",\"seq\":1011}\n");
	w.answer = SESSION_BUSY;
	read_to(6000);
	expect("ack audit 6000 by itself\nwant after 6000 most 3\n");
	ck_assert_int_eq(w.place, 1011);
	w.answer = SESSION_TAKEN;
	read_to(6001);
	expect("ack audit 6001 by itself\nwant after 6001 most 3\n");
	world_end();
}
END_TEST

/* ---- ACK. ---- */

START_TEST(a_wrong_ack)
{
	start();
	ack(11);
	expect(COMPLAINT("unknown-cursor", "audit"));
	say(1, "ACK", "{\"cursor\":\"other\",\"seq\":1}");
	expect(COMPLAINT("unknown-cursor", "other"));
	subscribe("{\"cursor\":\"other\",\"types\":[\"x\"]}");
	buf_clear(&w.log);
	say(1, "ACK", "{\"cursor\":\"other\",\"seq\":0}"); /* before SUBSCRIBED */
	expect(COMPLAINT("unknown-cursor", "other"));
	say(1, "UNSUBSCRIBE", "{\"cursor\":\"third\"}");
	expect(COMPLAINT("unknown-cursor", "third"));
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	world_end();
}
END_TEST

START_TEST(an_ack_said_twice)
{
	uint64_t first;

	start();
	ck_assert(event(11));
	ck_assert(event(12));
	buf_clear(&w.log);
	ack(11);
	first = w.ticket;
	ack(11); /* under way: its answer is the answer */
	expect("ack audit 11\n");
	ck_assert_int_eq(w.place, 10); /* what isn't on disk isn't told */
	sessions_acked(w.s, first, true, w.now);
	ck_assert_int_eq(w.place, 11);
	sessions_acked(w.s, first, true, w.now);
	ack(11);
	ack(10);
	expect("1 ACKED {\"cursor\":\"audit\",\"seq\":11}\n"
	       "1 ACKED {\"cursor\":\"audit\",\"seq\":11}\n"
	       "1 ACKED {\"cursor\":\"audit\",\"seq\":10}\n");
	world_end();
}
END_TEST

START_TEST(an_ack_that_is_not_kept)
{
	start();
	ck_assert(event(11));
	buf_clear(&w.log);
	w.answer = SESSION_BUSY;
	ack(11);
	expect("ack audit 11\n" BUSY("audit"));
	w.answer = SESSION_TAKEN;
	ack(11);
	expect("ack audit 11\n");
	sessions_acked(w.s, w.ticket, false, w.now);
	expect(BUSY("audit"));
	ack(11);
	expect("ack audit 11\n");
	sessions_acked(w.s, w.ticket, true, w.now);
	expect("1 ACKED {\"cursor\":\"audit\",\"seq\":11}\n");
	world_end();
}
END_TEST

/* ---- UNSUBSCRIBE. ---- */

START_TEST(unsubscribe_keeps_or_forgets)
{
	uint64_t pending;

	start();
	ck_assert(event(11));
	ack(11);
	pending = w.ticket;
	buf_clear(&w.log);
	say(1, "UNSUBSCRIBE", "{\"cursor\":\"audit\"}");
	expect("unsubscribe audit\n");
	sessions_acked(w.s, pending, true, w.now);
	ck_assert(!event(12));
	expect("");
	subscribe("{\"cursor\":\"audit\",\"types\":[\"x\"]}");
	pending = w.ticket;
	say(1, "UNSUBSCRIBE", "{\"cursor\":\"audit\",\"forget\":true}");
	expect("subscribe inventory audit from -1 x\nunsubscribe audit forget\n");
	sessions_subscribed(w.s, pending, SESSION_TAKEN, 11, NULL, w.now);
	expect("");
	subscribe("{\"cursor\":\"audit\",\"types\":[\"x\"]}");
	expect("subscribe inventory audit from -1 x\n");
	world_end();
}
END_TEST

START_TEST(a_new_session_begins_at_the_last_ack)
{
	start();
	ck_assert(event(11));
	ck_assert(event(12));
	ack(11);
	sessions_acked(w.s, w.ticket, true, w.now);
	say(1, "BYE", "{}");
	buf_clear(&w.log);
	sessions_acked(w.s, w.ticket, true, w.now);
	expect("");
	hello(1);
	subscribe("{\"cursor\":\"audit\",\"types\":[\"x\"],\"from\":\"start\"}");
	audit = w.ticket;
	subscribed(11);
	expect("subscribe inventory audit from 0 x\n"
	       "1 SUBSCRIBED {\"cursor\":\"audit\",\"seq\":11}\nwant after 11 most 100\n");
	ck_assert(event(12));
	expect(EVENT("12"));
	world_end();
}
END_TEST

START_TEST(stopping_wants_no_more)
{
	start();
	ck_assert(event(11));
	ack(11);
	sessions_stop(w.s, 1000, w.now);
	buf_clear(&w.log);
	ck_assert(!event(12)); /* wanted before */
	read_to(12);
	pass(1);
	expect(""); /* the ACK isn't answered yet */
	sessions_acked(w.s, w.ticket, true, w.now);
	pass(0);
	expect("1 ACKED {\"cursor\":\"audit\",\"seq\":11}\n1 BYE {\"reason\":\"goodbye\"}\n"
	       "unsubscribe audit\nended inventory bye\n");
	world_end();
}
END_TEST

/* A story in which everything is asked for once; whatever comes of it. */
static void story(void)
{
	struct session_emitted emitted = { SESSION_TAKEN, TEXT("e"), 1, false, NULL };

	say_body(1, "HELLO", HELLO, MANIFEST);
	say_body(2, "HELLO", HELLO, MANIFEST);
	subscribe("{\"cursor\":\"audit\",\"types\":[\"a.*\",\"tappet.**\"],\"window\":300}");
	audit = w.ticket;
	subscribed(10);
	for (int64_t seq = 11; seq < 300 && event(seq); seq++)
		;
	read_to(300);
	ack(11);
	sessions_acked(w.s, w.ticket, true, w.now);
	say_body(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}", "1");
	sessions_emitted(w.s, w.ticket, &emitted, w.now);
	pass(1000);
	say(2, "UNSUBSCRIBE", "{\"cursor\":\"audit\"}");
}

/* Whichever allocation fails: nothing is lost hold of, and afterwards all is as ever. */
START_TEST(memory_gives_out)
{
	bool hit = true;

	for (int n = 1; hit; n++) {
		world_start();
		ck_assert_ptr_nonnull(buf_reserve(&w.log, 256 * KIB));
		fault_arm("memory", n, false);
		story();
		hit = fault_disarm();
		buf_clear(&w.log);
		w.now += 5000;
		(void)sessions_tick(w.s, w.now);
		hello(3);
		say(3, "SUBSCRIBE", "{\"cursor\":\"audit\",\"types\":[\"a\"]}");
		audit = w.ticket;
		sessions_subscribed(w.s, audit, SESSION_TAKEN, 10, NULL, w.now);
		ck_assert_msg(event(11), "%d: %s", n, buf_cstr(&w.log));
		world_end();
	}
}
END_TEST

UNIT_MAIN("plugins_session_cursors", where_a_cursor_begins, a_wrong_subscribe,
	  a_subscribe_is_refused_later, events_come_within_the_window, bytes_have_a_limit_too,
	  a_large_window, a_plugin_that_reads_slowly_is_given_the_same_again, a_plugin_that_left,
	  what_retention_deleted_is_told, what_nobody_asked_for_is_passed_over,
	  a_gap_isnt_passed_over, an_ack_under_way_isnt_passed_over, a_wrong_ack, an_ack_said_twice,
	  an_ack_that_is_not_kept, unsubscribe_keeps_or_forgets,
	  a_new_session_begins_at_the_last_ack, stopping_wants_no_more, memory_gives_out)
