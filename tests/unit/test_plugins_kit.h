/* SPDX-License-Identifier: Apache-2.0
 *
 * A host of sessions that writes down what it is told and sent, a line each, and
 * answers as a test has set it. expect() compares all lines since the last one.
 *
 * Frames out: "PEER VERB HEADER[ BODY]"; of an ERROR the message is left out (it is
 * in world.message), and of a PING its number (in world.ping). */
#ifndef TAPPET_TEST_PLUGINS_KIT_H
#define TAPPET_TEST_PLUGINS_KIT_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/plugins/session.h"
#include "tests/unit/unit_main.h"

#define PEERS    16
#define MANIFEST "{\"version\":\"1\"}"
#define HELLO    "{\"protocol\":1,\"name\":\"inventory\",\"jobs\":2}"

struct world {
	struct sessions *s;
	int64_t now;
	struct buf log;
	char message[SESSION_WORDS];
	char refused[128]; /* who wasn't let in last, and why */
	long ping;
	/* Answers. */
	enum bus_sent send[PEERS];
	enum session_admit admit;
	unsigned concurrency;
	const char *manifest; /* words; NULL: it is fine */
	bool manifest_busy;
	enum session_answer answer;
	/* What came last. */
	uint64_t ticket;
	int64_t after, place;
	unsigned most;
	size_t bytes;
};

static struct world w;

/* All of the header but what stands from `first` up to `last`. */
static inline void log_without(struct text header, const char *first, const char *last)
{
	size_t from = text_find(header, text_of(first)), to = text_find(header, text_of(last));

	ck_assert(from != SIZE_MAX && to != SIZE_MAX && from < to);
	buf_printf(&w.log, " %.*s%.*s", (int)from, header.s, (int)(header.n - to), header.s + to);
}

static inline void log_frame(uint32_t peer, const struct text *frames, size_t count)
{
	static const char mark[] = ",\"message\":\"";
	struct text header = frames[1];
	size_t at = text_find(header, TEXT(",\"message\":\"")), end;

	buf_printf(&w.log, "%u %.*s", peer, TEXT_ARG(frames[0]));
	if (text_is(frames[0], "PING")) {
		ck_assert_int_eq(sscanf(header.s, "{\"n\":%ld}", &w.ping), 1);
	} else if (text_is(frames[0], "WELCOME")) {
		log_without(header, ",\"engine\"", ",\"heartbeat\"");
	} else if (text_is(frames[0], "ERROR")) {
		at += strlen(mark);
		end = text_find(header, TEXT("\",\"fatal\""));
		(void)snprintf(w.message, sizeof(w.message), "%.*s", (int)(end - at),
			       header.s + at);
		log_without(header, mark, ",\"fatal\"");
	} else {
		buf_printf(&w.log, " %.*s", TEXT_ARG(header));
	}
	if (count == 3)
		buf_printf(&w.log, " %.*s", TEXT_ARG(frames[2]));
	buf_char(&w.log, '\n');
}

static inline enum bus_sent on_send(void *of, uint32_t peer, const struct text *frames,
				    size_t count)
{
	ck_assert_ptr_eq(of, &w);
	ck_assert(count == 2 || count == 3);
	if (w.send[peer % PEERS] == BUS_SENT)
		log_frame(peer, frames, count);
	return w.send[peer % PEERS];
}

static inline enum session_admit on_admit(void *of, struct text plugin, struct text key,
					  unsigned *concurrency)
{
	(void)of;
	if (key.n > 0)
		buf_printf(&w.log, "key %.*s\n", TEXT_ARG(key));
	*concurrency = w.concurrency;
	if (!text_is(plugin, "inventory") && !text_is(plugin, "other"))
		return SESSION_UNKNOWN;
	return w.admit;
}

static inline enum session_answer on_manifest(void *of, struct text plugin, struct text json,
					      char words[SESSION_WORDS])
{
	(void)of;
	(void)plugin;
	ck_assert_uint_gt(json.n, 0);
	if (w.manifest == NULL)
		return w.manifest_busy ? SESSION_BUSY : SESSION_TAKEN;
	(void)snprintf(words, SESSION_WORDS, "%s", w.manifest);
	return SESSION_WRONG;
}

static inline void on_began(void *of, struct text plugin, const char *session)
{
	(void)of;
	ck_assert_uint_eq(strlen(session), 16);
	buf_printf(&w.log, "began %.*s\n", TEXT_ARG(plugin));
}

static inline void on_ended(void *of, struct text plugin, const char *code, const char *words)
{
	(void)of;
	ck_assert_ptr_nonnull(words);
	buf_printf(&w.log, "ended %.*s %s\n", TEXT_ARG(plugin), code);
}

static inline void on_refused(void *of, struct text plugin, const char *code, const char *words)
{
	(void)of;
	ck_assert_ptr_nonnull(code);
	if (words != NULL)
		(void)snprintf(w.refused, sizeof(w.refused), "%.*s %s", TEXT_ARG(plugin), code);
}

static inline void on_credit(void *of, struct text plugin)
{
	(void)of;
	buf_printf(&w.log, "credit %.*s\n", TEXT_ARG(plugin));
}

static inline void on_job_ended(void *of, uint64_t ref, const struct job_end *end)
{
	static const char *const words[] = { "ok", "retry", "reject", "doubt", "unsent" };

	(void)of;
	buf_printf(&w.log, "job %lu %s", (unsigned long)ref, words[end->fate]);
	if (end->body.n > 0)
		buf_printf(&w.log, " %.*s", TEXT_ARG(end->body));
	if (end->after >= 0)
		buf_printf(&w.log, " after %ld", (long)end->after);
	if (end->error.n > 0)
		buf_printf(&w.log, ": %.*s", TEXT_ARG(end->error));
	buf_char(&w.log, '\n');
}

static inline enum session_answer answer(uint64_t ticket, char words[SESSION_WORDS])
{
	if (ticket != 0)
		w.ticket = ticket;
	if (w.answer == SESSION_WRONG && words != NULL)
		(void)snprintf(words, SESSION_WORDS, "no such type");
	return w.answer;
}

static inline enum session_answer on_emit(void *of, const struct session_emit *e, uint64_t ticket,
					  char words[SESSION_WORDS])
{
	(void)of;
	buf_printf(&w.log, "emit %.*s %.*s %.*s [%.*s]", TEXT_ARG(e->plugin), TEXT_ARG(e->id),
		   TEXT_ARG(e->type), TEXT_ARG(e->subject));
	if (e->time != INT64_MIN)
		buf_printf(&w.log, " %ld", (long)e->time);
	if (e->job.n > 0)
		buf_printf(&w.log, " of %.*s", TEXT_ARG(e->job));
	buf_printf(&w.log, " %.*s\n", TEXT_ARG(e->data));
	return answer(ticket, words);
}

static inline enum session_answer on_subscribe(void *of, const struct session_subscribe *sub,
					       uint64_t ticket, char words[SESSION_WORDS])
{
	(void)of;
	buf_printf(&w.log, "subscribe %.*s %.*s from %ld", TEXT_ARG(sub->plugin),
		   TEXT_ARG(sub->cursor), (long)sub->from);
	for (size_t i = 0; i < sub->type_count; i++)
		buf_printf(&w.log, " %.*s", TEXT_ARG(sub->types[i]));
	buf_char(&w.log, '\n');
	return answer(ticket, words);
}

static inline void on_want(void *of, uint64_t subscription, int64_t after, unsigned most,
			   size_t bytes)
{
	(void)of;
	(void)subscription;
	w.after = after;
	w.most = most;
	w.bytes = bytes;
	buf_printf(&w.log, "want after %ld most %u\n", (long)after, most);
}

static inline enum session_answer on_ack(void *of, struct text plugin, struct text cursor,
					 int64_t seq, uint64_t ticket)
{
	(void)of;
	(void)plugin;
	buf_printf(&w.log, "ack %.*s %ld%s\n", TEXT_ARG(cursor), (long)seq,
		   ticket == 0 ? " by itself" : "");
	return answer(ticket, NULL);
}

static inline void on_place(void *of, struct text plugin, struct text cursor, int64_t seq)
{
	(void)of;
	(void)plugin;
	ck_assert_uint_gt(cursor.n, 0);
	w.place = seq;
}

static inline void on_unsubscribe(void *of, uint64_t subscription, struct text plugin,
				  struct text cursor, bool forget)
{
	(void)of;
	(void)subscription;
	(void)plugin;
	buf_printf(&w.log, "unsubscribe %.*s%s\n", TEXT_ARG(cursor), forget ? " forget" : "");
}

static inline void world_start(void)
{
	struct session_host host = { &w,           on_send,  on_admit,      on_manifest,
				     on_began,     on_ended, on_refused,    on_credit,
				     on_job_ended, on_emit,  on_subscribe,  on_want,
				     on_ack,       on_place, on_unsubscribe };

	memset(&w, 0, sizeof(w));
	w.now = 100000;
	w.admit = SESSION_ADMITTED;
	w.concurrency = 100;
	w.answer = SESSION_TAKEN;
	buf_init(&w.log, 16 * MIB);
	w.s = sessions_new(&host, 0);
	ck_assert_ptr_nonnull(w.s);
}

static inline void world_end(void)
{
	sessions_free(w.s);
	buf_fini(&w.log);
}

static inline void expect(const char *lines)
{
	ck_assert_str_eq(buf_cstr(&w.log), lines);
	buf_clear(&w.log);
}

static inline void frames(uint32_t peer, const struct text *texts, size_t count)
{
	struct bus_message m = { .peer = peer, .frames = texts, .count = count };

	sessions_message(w.s, &m, w.now);
}

static inline void say_body(uint32_t peer, const char *verb, const char *header, const char *body)
{
	struct text texts[] = { text_of(verb), text_of(header), text_of(body) };

	frames(peer, texts, body != NULL ? 3 : 2);
}

static inline void say(uint32_t peer, const char *verb, const char *header)
{
	say_body(peer, verb, header, NULL);
}

/* A session of "inventory", whose beginning isn't looked at. */
static inline void hello(uint32_t peer)
{
	say_body(peer, "HELLO", HELLO, MANIFEST);
	ck_assert_uint_ne(text_find(buf_view(&w.log), TEXT("WELCOME")), SIZE_MAX);
	buf_clear(&w.log);
}

static inline void pass(int64_t ms)
{
	w.now += ms;
	(void)sessions_tick(w.s, w.now);
}

static inline void send_job(uint64_t ref, const char *id, const char *body)
{
	struct session_job job = { .ref = ref,
				   .plugin = TEXT("inventory"),
				   .id = text_of(id),
				   .action = TEXT("reserve"),
				   .key = TEXT("k1"),
				   .rule = TEXT("restock"),
				   .attempt = 1,
				   .timeout = 30000,
				   .body = text_of(body) };

	sessions_job(w.s, &job, w.now);
}

/* A text of so many bytes; mem_free it. */
static inline char *long_text(size_t n, const char *before, const char *after)
{
	size_t a = strlen(before), b = strlen(after);
	char *s = mem_alloc(n + 1);

	ck_assert(s != NULL && n >= a + b);
	memset(s, 'x', n);
	memcpy(s, before, a);
	memcpy(s + n - b, after, b);
	s[n] = '\0';
	return s;
}

#endif
