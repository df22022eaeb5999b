/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: who comes in, heartbeats, goodbyes, and each error of
 * plugins/PROTOCOL.md that ends one. */
#include "tests/unit/test_plugins_kit.h"

#define FATAL(peer, code, about)                                                                   \
#peer " ERROR {\"code\":\"" code "\",\"fatal\":true,\"about\":\"" about "\"}\n"
#define ENDED(code) "ended inventory " code "\n"

/* What a second HELLO of the same peer must bring: the session before is over. */
static void still_works(uint32_t peer)
{
	say_body(peer, "HELLO", HELLO, MANIFEST);
	ck_assert_uint_ne(text_find(buf_view(&w.log), TEXT("WELCOME")), SIZE_MAX);
	buf_clear(&w.log);
	ck_assert(sessions_has(w.s, TEXT("inventory")));
}

/* ---- HELLO. ---- */

START_TEST(hello_is_welcomed)
{
	world_start();
	say_body(1, "HELLO", HELLO, MANIFEST);
	expect(
	    "1 WELCOME "
	    "{\"protocol\":1,\"session\":\"e220a8397b1dcdaf\",\"heartbeat\":1000,\"emits\":256}\n"
	    "began inventory\ncredit inventory\n");
	ck_assert_uint_eq(sessions_count(w.s), 1);
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	ck_assert(!sessions_has(w.s, TEXT("other")));
	say_body(2, "HELLO", "{\"protocol\":1,\"name\":\"other\",\"later\":[1]}", MANIFEST);
	expect(
	    "2 WELCOME "
	    "{\"protocol\":1,\"session\":\"6e789e6aa1b965f4\",\"heartbeat\":1000,\"emits\":256}\n"
	    "began other\n");
	ck_assert_uint_eq(sessions_count(w.s), 2);
	world_end();
}
END_TEST

static void refused(const char *header, const char *body, const char *code, const char *words)
{
	char want[200];

	w.now += 2000;
	say_body(1, "HELLO", header, body);
	(void)snprintf(want, sizeof(want),
		       "1 ERROR {\"code\":\"%s\",\"fatal\":true,\"about\":\"HELLO\"}\n", code);
	expect(want);
	ck_assert_msg(strstr(w.message, words) != NULL, "%s", w.message);
	ck_assert_uint_eq(sessions_count(w.s), 0);
}

START_TEST(hello_is_refused)
{
	char *longer = long_text(LIMIT_SESSION_MANIFEST + 1, "\"", "\"");
	char *name = long_text(100, "{\"protocol\":1,\"name\":\"", "\"}");

	world_start();
	refused("{\"protocol\":2,\"name\":\"inventory\"}", MANIFEST, "protocol-version", "1");
	refused("{\"protocol\":-1,\"name\":\"inventory\"}", MANIFEST, "protocol-version", "1");
	refused("{\"protocol\":1,\"name\":\"nobody\"}", MANIFEST, "name-unknown", "no plugin");
	ck_assert_str_eq(w.refused, "nobody name-unknown");
	refused("{\"protocol\":1,\"name\":\"\"}", MANIFEST, "name-unknown", "no plugin");
	refused("{\"protocol\":1,\"name\":\"a\\u0000\"}", MANIFEST, "name-unknown", "no plugin");
	refused(name, MANIFEST, "name-unknown", "no plugin");
	refused("{\"protocol\":1,\"name\":\"inventory\",\"jobs\":4097}", MANIFEST, "flood", "4096");
	refused("{\"protocol\":1,\"name\":\"inventory\",\"jobs\":-1}", MANIFEST, "bad-frame",
		"isn't negative");
	refused("{\"protocol\":1,\"name\":\"inventory\",\"jobs\":\"1\"}", MANIFEST, "bad-frame",
		"an integer");
	refused("{\"protocol\":1.5,\"name\":\"inventory\"}", MANIFEST, "bad-frame", "an integer");
	refused("{\"name\":\"inventory\"}", MANIFEST, "bad-frame", "missing");
	refused("{\"protocol\":1}", MANIFEST, "bad-frame", "missing");
	refused(HELLO, NULL, "bad-manifest", "there is none");
	refused(HELLO, "", "bad-manifest", "there is none");
	refused(HELLO, longer, "too-large", "262144");
	w.manifest = "actions.reserve.params: \\\"x\\\" isn't known";
	refused(HELLO, MANIFEST, "bad-manifest", "actions.reserve");
	w.manifest = NULL;
	w.manifest_busy = true; /* no mistake of the plugin: it is to try again */
	refused(HELLO, MANIFEST, "busy", "no room");
	w.admit = SESSION_UNTRUSTED;
	refused(HELLO, MANIFEST, "not-trusted", "key");
	ck_assert_str_eq(w.refused, "inventory not-trusted");
	mem_free(longer);
	mem_free(name);
	world_end();
}
END_TEST

START_TEST(a_key_belongs_to_a_session)
{
	struct text texts[] = { TEXT("HELLO"), TEXT(HELLO), TEXT(MANIFEST) };
	struct bus_message m = { 1, TEXT("k"), texts, 3 };

	world_start();
	sessions_message(w.s, &m, w.now);
	ck_assert(text_starts(buf_view(&w.log), TEXT("key k\n1 WELCOME")));
	buf_clear(&w.log);
	/* The same number with another key is another connection. */
	m.key = TEXT("j");
	texts[0] = TEXT("PING");
	texts[1] = TEXT("{\"n\":1}");
	m.count = 2;
	w.now += 5000;
	sessions_message(w.s, &m, w.now);
	expect(ENDED("gone"));
	world_end();
}
END_TEST

START_TEST(hello_again_begins_anew)
{
	world_start();
	hello(1);
	say_body(1, "HELLO", "{\"protocol\":1,\"name\":\"other\"}", MANIFEST);
	ck_assert(text_starts(buf_view(&w.log), TEXT(ENDED("again") "1 WELCOME")));
	ck_assert(!sessions_has(w.s, TEXT("inventory")));
	ck_assert(sessions_has(w.s, TEXT("other")));
	world_end();
}
END_TEST

/* ---- Two of one name. ---- */

START_TEST(a_name_is_taken_when_the_other_answers)
{
	char pong[32];

	world_start();
	hello(1);
	say_body(2, "HELLO", HELLO, MANIFEST);
	expect("1 PING\n");
	/* What was on its way proves nothing. */
	say(1, "PONG", "{\"n\":-7}");
	expect("");
	(void)snprintf(pong, sizeof(pong), "{\"n\":%ld}", (long)w.ping);
	say(1, "PONG", pong);
	expect(FATAL(2, "name-taken", "HELLO"));
	ck_assert_str_eq(w.refused, "inventory name-taken");
	pass(2999);
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	world_end();
}
END_TEST

START_TEST(a_name_is_free_when_the_other_is_silent)
{
	world_start();
	hello(1);
	say_body(2, "HELLO", HELLO, MANIFEST);
	expect("1 PING\n");
	ck_assert_int_eq(sessions_tick(w.s, w.now), w.now + 1000);
	pass(999);
	expect("");
	say(2, "PING", "{\"n\":1}"); /* waits for its WELCOME */
	expect("");
	pass(1);
	ck_assert(text_starts(buf_view(&w.log), TEXT(ENDED("replaced") "2 WELCOME")));
	buf_clear(&w.log);
	say(2, "PING", "{\"n\":1}");
	expect("2 PONG {\"n\":1}\n");
	say(1, "CREDIT", "{\"jobs\":1}");
	expect(""); /* it was told, or would have been */
	pass(1000);
	buf_clear(&w.log);
	say(1, "CREDIT", "{\"jobs\":1}");
	expect(FATAL(1, "hello-first", "CREDIT"));
	world_end();
}
END_TEST

START_TEST(a_name_is_free_when_the_other_is_gone)
{
	world_start();
	hello(1);
	w.send[1] = BUS_GONE;
	say_body(2, "HELLO", HELLO, MANIFEST);
	ck_assert(text_starts(buf_view(&w.log), TEXT(ENDED("gone") "2 WELCOME")));
	ck_assert_uint_eq(sessions_count(w.s), 1);
	world_end();
}
END_TEST

START_TEST(one_waits_for_a_name)
{
	world_start();
	hello(1);
	say_body(2, "HELLO", HELLO, MANIFEST);
	say_body(3, "HELLO", HELLO, MANIFEST);
	expect("1 PING\n" FATAL(2, "name-taken", "HELLO") "1 PING\n");
	say_body(3, "HELLO", HELLO, MANIFEST); /* the same once more */
	expect("1 PING\n");
	w.admit = SESSION_UNKNOWN; /* a reload in between */
	pass(1000);
	expect(ENDED("replaced") FATAL(3, "name-unknown", "HELLO"));
	world_end();
}
END_TEST

START_TEST(who_waits_may_give_up)
{
	world_start();
	hello(1);
	say_body(2, "HELLO", HELLO, MANIFEST);
	say_body(2, "HELLO", "{\"protocol\":1,\"name\":\"other\"}", MANIFEST);
	buf_clear(&w.log);
	pass(1000);
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	ck_assert(sessions_has(w.s, TEXT("other")));
	world_end();
}
END_TEST

/* ---- Heartbeats. ---- */

START_TEST(silence_is_asked_and_ends)
{
	world_start();
	hello(1);
	ck_assert_int_eq(sessions_tick(w.s, w.now), w.now + 1000);
	pass(999);
	expect("");
	pass(1);
	expect("1 PING\n");
	ck_assert_int_eq(sessions_tick(w.s, w.now), w.now + 2000);
	pass(1000);
	expect("");
	say(1, "PONG", "{\"n\":1}");
	pass(999);
	expect("");
	pass(1);
	expect("1 PING\n");
	pass(1999);
	expect("");
	pass(1);
	expect("1 ERROR {\"code\":\"not-heard\",\"fatal\":true}\n" ENDED("not-heard"));
	ck_assert_int_eq(sessions_tick(w.s, w.now), -1);
	still_works(1);
	world_end();
}
END_TEST

START_TEST(pings_are_answered)
{
	world_start();
	hello(1);
	say(1, "PING", "{\"n\":7}");
	say(1, "PING", "{\"n\":-9223372036854775808}");
	expect("1 PONG {\"n\":7}\n1 PONG {\"n\":-9223372036854775808}\n");
	world_end();
}
END_TEST

START_TEST(a_connection_that_ended)
{
	world_start();
	hello(1);
	w.send[1] = BUS_GONE;
	pass(1000);
	expect(ENDED("gone"));
	w.send[1] = BUS_SENT;
	hello(2);
	w.send[2] = BUS_FULL; /* it doesn't read */
	say(2, "PING", "{\"n\":7}");
	expect(ENDED("full"));
	world_end();
}
END_TEST

/* ---- Frames. ---- */

static void breaks(const struct text *texts, size_t count, const char *code, const char *about,
		   const char *words)
{
	char want[200];

	hello(1);
	frames(1, texts, count);
	(void)snprintf(want, sizeof(want),
		       "1 ERROR {\"code\":\"%s\",\"fatal\":true%s%s%s}\n" ENDED("%s"), code,
		       about[0] != '\0' ? ",\"about\":\"" : "", about, about[0] != '\0' ? "\"" : "",
		       code);
	expect(want);
	ck_assert_msg(strstr(w.message, words) != NULL, "%s", w.message);
	/* Later messages of the same burst are passed over. */
	frames(1, texts, count);
	expect("");
}

START_TEST(wrong_frames_end_a_session)
{
	struct text one[] = { TEXT("PING") };
	struct text many[] = { TEXT("PING"), TEXT("{\"n\":1}"), TEXT("1"), TEXT("2") };
	struct text verb[] = { TEXT("FETCH"), TEXT("{}") };
	struct text small[] = { TEXT("ping"), TEXT("{\"n\":1}") };
	struct text none[] = { TEXT(""), TEXT("{\"n\":1}") };
	struct text longer[] = { TEXT("PINGPINGPINGPINGPING"), TEXT("{\"n\":1}") };
	struct text ours[] = { TEXT("WELCOME"), TEXT("{}") };

	world_start();
	breaks(one, 1, "bad-frame", "", "two or three");
	breaks(many, 4, "bad-frame", "", "two or three");
	breaks(many, 9, "bad-frame", "", "not 9");
	breaks(verb, 2, "bad-frame", "", "FETCH is no verb");
	breaks(small, 2, "bad-frame", "", "capital letters");
	breaks(none, 2, "bad-frame", "", "capital letters");
	breaks(longer, 2, "bad-frame", "", "capital letters");
	breaks(ours, 2, "bad-frame", "", "WELCOME is no verb");
	world_end();
}
END_TEST

static void breaks_header(const char *verb, const char *header, const char *words)
{
	struct text texts[] = { text_of(verb), text_of(header) };

	breaks(texts, 2, "bad-frame", verb, words);
}

START_TEST(wrong_headers_end_a_session)
{
	world_start();
	breaks_header("PING", "", "the header, 1:1");
	breaks_header("PING", "{\"n\":1", "the header, 1:7");
	breaks_header("PING", "{\"n\":1,\"n\":2}", "the header");
	breaks_header("PING", "{\"n\":\xff}", "the header");
	breaks_header("PING", "[1]", "JSON object");
	breaks_header("PING", "{}", "is missing");
	breaks_header("PING", "{\"n\":null}", "an integer");
	breaks_header("PING", "{\"n\":1e3}", "an integer");
	breaks_header("PING", "{\"n\":18446744073709551615}", "an integer");
	breaks_header("CREDIT", "{\"jobs\":-1}", "isn't negative");
	breaks_header("RESULT", "{\"id\":1,\"fate\":\"ok\"}", "a text");
	breaks_header("RESULT", "{\"id\":\"1\",\"fate\":\"ok\",\"after\":-1}", "isn't negative");
	breaks_header("PROGRESS", "{\"id\":{}}", "a text");
	breaks_header("EMIT", "{\"id\":\"1\",\"type\":[]}", "a text");
	breaks_header("SUBSCRIBE", "{\"cursor\":\"a\",\"types\":\"a\"}", "a list");
	breaks_header("SUBSCRIBE", "{\"cursor\":\"a\",\"types\":[],\"from\":true}", "text or an");
	breaks_header("SUBSCRIBE", "{\"cursor\":\"a\",\"types\":[],\"from\":-1}", "text or an");
	breaks_header("UNSUBSCRIBE", "{\"cursor\":\"a\",\"forget\":1}", "true or false");
	breaks_header("ACK", "{\"cursor\":\"a\",\"seq\":-1}", "isn't negative");
	breaks_header("BYE", "{\"reason\":1}", "a text");
	world_end();
}
END_TEST

START_TEST(frames_that_are_too_large)
{
	char *header = long_text(LIMIT_SESSION_HEADER + 1, "{\"n\":1,\"x\":\"", "\"}");
	char *body = long_text(LIMIT_SESSION_BODY + 1, "\"", "\"");
	struct text first[] = { TEXT("PING"), text_of(header) };
	struct text second[] = { TEXT("EMIT"), TEXT("{\"id\":\"1\",\"type\":\"low\"}"),
				 text_of(body) };

	world_start();
	breaks(first, 2, "too-large", "", "16384");
	breaks(second, 3, "too-large", "", "1048576");
	mem_free(header);
	mem_free(body);
	world_end();
}
END_TEST

START_TEST(the_largest_frames_are_read)
{
	char *header = long_text(LIMIT_SESSION_HEADER, "{\"n\":1,\"x\":\"", "\"}");
	char *body = long_text(LIMIT_SESSION_BODY, "\"", "\"");

	world_start();
	hello(1);
	say(1, "PING", header);
	expect("1 PONG {\"n\":1}\n");
	say_body(1, "EMIT", "{\"id\":\"1\",\"type\":\"low\"}", body);
	ck_assert(text_starts(buf_view(&w.log), TEXT("emit inventory 1 low")));
	mem_free(header);
	mem_free(body);
	world_end();
}
END_TEST

/* ---- Outside of a session. ---- */

START_TEST(hello_comes_first)
{
	world_start();
	say(1, "CREDIT", "{\"jobs\":1}");
	expect(FATAL(1, "hello-first", "CREDIT"));
	say(1, "CREDIT", "{\"jobs\":1}");
	say(1, "PROGRESS", "{\"id\":\"a\"}");
	say(1, "FETCH", "{}");
	expect("");
	say(2, "FETCH", "{}");
	expect("2 ERROR {\"code\":\"bad-frame\",\"fatal\":true}\n");
	w.now += 1000;
	say(1, "PROGRESS", "{\"id\":\"a\"}");
	expect(FATAL(1, "hello-first", "PROGRESS"));
	/* Polite words need no session. */
	say(3, "BYE", "{}");
	say(3, "PONG", "{\"n\":1}");
	expect("");
	still_works(1);
	world_end();
}
END_TEST

START_TEST(many_strangers)
{
	world_start();
	for (uint32_t i = 0; i < 3 * LIMIT_SESSION_STRANGERS; i++)
		say(i, "PING", "{\"n\":1}");
	buf_clear(&w.log);
	say(3 * LIMIT_SESSION_STRANGERS - 1, "PING", "{\"n\":1}");
	expect("");
	say(0, "PING", "{\"n\":1}"); /* forgotten: told once more */
	expect(FATAL(0, "hello-first", "PING"));
	world_end();
}
END_TEST

/* ---- Floods. ---- */

START_TEST(messages_without_use_are_a_flood)
{
	world_start();
	hello(1);
	w.now += 1000;
	for (int i = 0; i < LIMIT_SESSION_USELESS; i++)
		say(1, "PING", "{\"n\":1}");
	ck_assert(sessions_has(w.s, TEXT("inventory")));
	buf_clear(&w.log);
	say(1, "PING", "{\"n\":1}");
	expect("1 ERROR {\"code\":\"flood\",\"fatal\":true}\n" ENDED("flood"));
	/* The name has to wait until the second is over. */
	say_body(1, "HELLO", HELLO, MANIFEST);
	expect(FATAL(1, "flood", "HELLO"));
	w.now += 1000;
	still_works(1);
	world_end();
}
END_TEST

START_TEST(large_hellos_are_a_flood)
{
	char *manifest = long_text(LIMIT_SESSION_MANIFEST, "\"", "\"");
	int welcomed = 0;

	world_start();
	for (int i = 0; i < 100; i++) {
		say_body(1, "HELLO", HELLO, manifest);
		if (text_find(buf_view(&w.log), TEXT("WELCOME")) != SIZE_MAX)
			welcomed++;
		buf_clear(&w.log);
	}
	/* 257 for each of them, out of 10,000. */
	ck_assert_int_eq(welcomed, 38);
	mem_free(manifest);
	world_end();
}
END_TEST

START_TEST(too_much_credit_is_a_flood)
{
	world_start();
	hello(1); /* 2 */
	say(1, "CREDIT", "{\"jobs\":4094}");
	expect("credit inventory\n");
	say(1, "CREDIT", "{\"jobs\":0}");
	expect("");
	say(1, "CREDIT", "{\"jobs\":1}");
	expect(FATAL(1, "flood", "jobs") ENDED("flood"));
	hello(1);
	say(1, "CREDIT", "{\"jobs\":9223372036854775807}");
	expect(FATAL(1, "flood", "jobs") ENDED("flood"));
	world_end();
}
END_TEST

/* ---- Goodbye. ---- */

START_TEST(a_plugin_says_goodbye)
{
	world_start();
	hello(1);
	say(1, "BYE", "{\"reason\":\"stopping\"}");
	expect("1 BYE {\"reason\":\"goodbye\"}\n" ENDED("bye"));
	say(1, "BYE", "{}");
	expect("");
	still_works(1);
	world_end();
}
END_TEST

START_TEST(the_engine_says_goodbye)
{
	world_start();
	hello(1);
	say_body(2, "HELLO", "{\"protocol\":1,\"name\":\"other\"}", MANIFEST);
	send_job(7, "a", "{}");
	buf_clear(&w.log);
	sessions_stop(w.s, 10000, w.now);
	expect("2 BYE {\"reason\":\"stopping\",\"within\":10000}\n"
	       "1 BYE {\"reason\":\"stopping\",\"within\":10000}\n");
	sessions_stop(w.s, 10000, w.now);
	pass(0);
	expect("2 BYE {\"reason\":\"goodbye\"}\nended other bye\n"); /* it had nothing to do */
	ck_assert_uint_eq(sessions_lend(w.s, TEXT("inventory"), 9), 0);
	send_job(8, "b", "{}");
	expect("job 8 unsent: the engine is stopping\n");
	say_body(3, "HELLO", HELLO, MANIFEST);
	expect("3 BYE {\"reason\":\"stopping\"}\n");
	say(1, "RESULT", "{\"id\":\"a\",\"fate\":\"ok\",\"jobs\":1}");
	expect("job 7 ok null\n");
	pass(0);
	expect("1 BYE {\"reason\":\"goodbye\"}\n" ENDED("bye"));
	ck_assert_uint_eq(sessions_count(w.s), 0);
	world_end();
}
END_TEST

START_TEST(who_waits_for_a_name_hears_of_the_end)
{
	world_start();
	hello(1);
	send_job(7, "a", "{}");
	say_body(2, "HELLO", HELLO, MANIFEST);
	sessions_stop(w.s, 10000, w.now);
	buf_clear(&w.log);
	pass(1000);
	expect(
	    "job 7 doubt: the plugin's session ended: it didn't answer, and another came\n" ENDED(
		"replaced") "2 BYE {\"reason\":\"stopping\"}\n");
	ck_assert_uint_eq(sessions_count(w.s), 0);
	world_end();
}
END_TEST

START_TEST(the_engine_waits_no_longer_than_it_said)
{
	world_start();
	hello(1);
	send_job(7, "a", "{}");
	sessions_stop(w.s, 500, w.now);
	buf_clear(&w.log);
	pass(499);
	expect("");
	pass(1);
	expect("1 BYE {\"reason\":\"goodbye\"}\n"
	       "job 7 doubt: the plugin's session ended: goodbye was said\n" ENDED("bye"));
	world_end();
}
END_TEST

START_TEST(a_reload_ends_what_it_takes_out)
{
	world_start();
	hello(1);
	w.concurrency = 0;
	sessions_reload(w.s, w.now);
	expect("");
	ck_assert_uint_eq(sessions_lend(w.s, TEXT("inventory"), 9), 0);
	w.admit = SESSION_UNTRUSTED;
	sessions_reload(w.s, w.now);
	expect("1 ERROR {\"code\":\"not-trusted\",\"fatal\":true}\n" ENDED("not-trusted"));
	w.admit = SESSION_ADMITTED;
	hello(1);
	w.admit = SESSION_UNKNOWN;
	sessions_reload(w.s, w.now);
	expect("1 ERROR {\"code\":\"name-unknown\",\"fatal\":true}\n" ENDED("name-unknown"));
	world_end();
}
END_TEST

START_TEST(the_end_of_all_ends_each_job)
{
	world_start();
	hello(1);
	send_job(7, "a", "{}");
	buf_clear(&w.log);
	sessions_free(w.s);
	w.s = NULL;
	expect("job 7 doubt: the plugin's session ended: the engine has stopped\n"
	       "ended inventory stopped\n");
	world_end();
}
END_TEST

UNIT_MAIN("plugins_session", hello_is_welcomed, hello_is_refused, a_key_belongs_to_a_session,
	  hello_again_begins_anew, a_name_is_taken_when_the_other_answers,
	  a_name_is_free_when_the_other_is_silent, a_name_is_free_when_the_other_is_gone,
	  one_waits_for_a_name, who_waits_may_give_up, silence_is_asked_and_ends,
	  pings_are_answered, a_connection_that_ended, wrong_frames_end_a_session,
	  wrong_headers_end_a_session, frames_that_are_too_large, the_largest_frames_are_read,
	  hello_comes_first, many_strangers, messages_without_use_are_a_flood,
	  large_hellos_are_a_flood, too_much_credit_is_a_flood, a_plugin_says_goodbye,
	  the_engine_says_goodbye, who_waits_for_a_name_hears_of_the_end,
	  the_engine_waits_no_longer_than_it_said, a_reload_ends_what_it_takes_out,
	  the_end_of_all_ends_each_job)
