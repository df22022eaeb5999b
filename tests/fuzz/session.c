/* SPDX-License-Identifier: Apache-2.0
 *
 * Any frames into the sessions of plugins. A line is a message: a digit for the
 * peer, then its frames, separated by tabs. Other first letters are what the
 * engine does: t passes time, j hands over a job, a answers what was taken last, b
 * refuses it, e gives an event, g a gap, r ends a page, f fills the peers (and
 * empties them), l lends credit, o reloads, s stops.
 *
 * What must hold: frames out have a verb, a header that is a JSON object and a
 * peer that spoke; each job ends once; each subscription that was taken ends; no
 * more is under way than the limits say. */
#include "engine/plugins/session.h"
#include "engine/value/parse.h"
#include "tests/fuzz/fuzz.h"

#define PEERS 4
#define JOBS  64

struct fuzz_host {
	struct sessions *s;
	int64_t now, seq;
	bool full;
	int ended[JOBS];
	unsigned jobs;
	uint64_t ticket, subscription;
	enum { EMITS, SUBSCRIBES, ACKS } kind;
	long subscriptions, sessions;
};

static enum bus_sent on_send(void *of, uint32_t peer, const struct text *frames, size_t count)
{
	const struct fuzz_host *h = of;
	struct json_error error;

	FUZZ_CHECK(count == 2 || count == 3, "%zu frames\n", count);
	FUZZ_CHECK(peer < PEERS, "peer %u\n", peer);
	FUZZ_CHECK(frames[0].n > 0 && frames[0].n <= 16, "verb\n");
	FUZZ_CHECK(json_check(frames[1], &error) == FATE_OK && frames[1].s[0] == '{', "%s: %.*s\n",
		   error.what, TEXT_ARG(frames[1]));
	return h->full ? BUS_FULL : peer == 3 && h->seq % 5 == 4 ? BUS_GONE : BUS_SENT;
}

static enum session_admit on_admit(void *of, struct text plugin, struct text key,
				   unsigned *concurrency)
{
	(void)of;
	(void)key;
	*concurrency = 16;
	if (text_is(plugin, "c"))
		return SESSION_UNTRUSTED;
	return text_is(plugin, "a") || text_is(plugin, "b") ? SESSION_ADMITTED : SESSION_UNKNOWN;
}

static enum session_answer on_manifest(void *of, struct text plugin, struct text json,
				       char words[SESSION_WORDS])
{
	(void)of;
	(void)plugin;
	/* Words that need escaping. */
	(void)snprintf(words, SESSION_WORDS, "\"\n%.*s", (int)(json.n < 50 ? json.n : 50), "\\\"");
	return json.n > 2 ? SESSION_TAKEN : json.n > 1 ? SESSION_WRONG : SESSION_BUSY;
}

static void on_began(void *of, struct text plugin, const char *session)
{
	struct fuzz_host *h = of;

	(void)plugin;
	(void)session;
	h->sessions++;
	FUZZ_CHECK(h->sessions <= 2, "%ld sessions of 2 names\n", h->sessions);
}

static void on_ended(void *of, struct text plugin, const char *code, const char *words)
{
	struct fuzz_host *h = of;

	(void)plugin;
	FUZZ_CHECK(code != NULL && words[0] != '\0', "ended without a reason\n");
	h->sessions--;
}

static void on_refused(void *of, struct text plugin, const char *code, const char *words)
{
	(void)of;
	(void)plugin;
	FUZZ_CHECK(code != NULL, "no code\n");
	FUZZ_CHECK(words == NULL || words[0] != '\0', "refused without a reason\n");
}

static void on_credit(void *of, struct text plugin)
{
	(void)of;
	FUZZ_CHECK(plugin.n > 0, "credit of nobody\n");
}

static void on_job_ended(void *of, uint64_t ref, const struct job_end *end)
{
	struct fuzz_host *h = of;
	struct json_error error;

	FUZZ_CHECK(ref < JOBS && h->ended[ref]++ == 0, "job %lu ended again\n", (unsigned long)ref);
	FUZZ_CHECK(end->fate != JOB_OK || json_check(end->body, &error) == FATE_OK, "body\n");
	FUZZ_CHECK(end->error.n <= SESSION_WORDS + LIMIT_WORDS, "words\n");
}

static enum session_answer taken(struct fuzz_host *h, int kind, uint64_t ticket)
{
	if (h->seq % 7 == 6)
		return SESSION_BUSY;
	if (ticket != 0) {
		h->ticket = ticket;
		h->kind = kind;
	}
	return SESSION_TAKEN;
}

static enum session_answer on_emit(void *of, const struct session_emit *e, uint64_t ticket,
				   char words[SESSION_WORDS])
{
	struct json_error error;

	FUZZ_CHECK(json_check(e->data, &error) == FATE_OK, "data\n");
	FUZZ_CHECK(e->id.n > 0 && e->id.n <= LIMIT_SESSION_EMIT_ID, "id\n");
	(void)snprintf(words, SESSION_WORDS, "no \"type\"");
	return text_is(e->type, "x") ? SESSION_WRONG : taken(of, EMITS, ticket);
}

static enum session_answer on_subscribe(void *of, const struct session_subscribe *sub,
					uint64_t ticket, char words[SESSION_WORDS])
{
	struct fuzz_host *h = of;
	enum session_answer answer = taken(h, SUBSCRIBES, ticket);

	(void)words;
	FUZZ_CHECK(sub->type_count > 0 && sub->type_count <= LIMIT_SESSION_TYPES, "types\n");
	if (answer == SESSION_TAKEN)
		h->subscriptions++;
	FUZZ_CHECK(h->subscriptions <= 2 * LIMIT_SESSION_CURSORS, "%ld\n", h->subscriptions);
	return answer;
}

static void on_want(void *of, uint64_t subscription, int64_t after, unsigned most, size_t bytes)
{
	struct fuzz_host *h = of;

	FUZZ_CHECK(most > 0 && most <= LIMIT_SESSION_WINDOW && bytes > 0, "want nothing\n");
	h->subscription = subscription;
	if (after > h->seq)
		h->seq = after;
}

static enum session_answer on_ack(void *of, struct text plugin, struct text cursor, int64_t seq,
				  uint64_t ticket)
{
	struct fuzz_host *h = of;

	(void)plugin;
	(void)cursor;
	FUZZ_CHECK(seq <= h->seq, "ack of %ld, which wasn't given\n", (long)seq);
	return taken(h, ACKS, ticket);
}

static void on_place(void *of, struct text plugin, struct text cursor, int64_t seq)
{
	(void)of;
	FUZZ_CHECK(plugin.n > 0 && cursor.n > 0 && seq >= 0, "place\n");
}

static void on_unsubscribe(void *of, uint64_t subscription, struct text plugin, struct text cursor,
			   bool forget)
{
	struct fuzz_host *h = of;

	(void)subscription;
	(void)plugin;
	(void)cursor;
	(void)forget;
	h->subscriptions--;
	FUZZ_CHECK(h->subscriptions >= 0, "ended twice\n");
}

/* ---- What the engine does. ---- */

static void answer(struct fuzz_host *h, bool good)
{
	struct session_emitted e = { good ? SESSION_TAKEN : SESSION_BUSY, TEXT("e"), 1, true, "" };

	switch (h->kind) {
	case EMITS:
		sessions_emitted(h->s, h->ticket, &e, h->now);
		break;
	case SUBSCRIBES:
		sessions_subscribed(h->s, h->ticket, e.answer, h->seq, "", h->now);
		break;
	case ACKS:
		sessions_acked(h->s, h->ticket, good, h->now);
		break;
	}
}

static void job(struct fuzz_host *h, struct text line)
{
	struct session_job j = { .ref = h->jobs,
				 .plugin = line.n % 2 == 0 ? TEXT("a") : TEXT("b"),
				 .id = line,
				 .action = TEXT("x"),
				 .key = text_head(line, LIMIT_SESSION_KEY),
				 .attempt = 1,
				 .timeout = 1500,
				 .body = TEXT("{}") };

	/* What the engine sends is text. */
	if (h->jobs == JOBS || !text_is_utf8(line))
		return;
	h->jobs++;
	sessions_job(h->s, &j, h->now);
}

static void message(struct fuzz_host *h, struct text line)
{
	struct text frames[BUS_FRAMES], rest = line, frame;
	struct bus_message m = { .peer = (uint32_t)(line.s[0] - '0'), .frames = frames };

	rest.s++;
	rest.n--;
	while (rest.s != NULL) {
		rest = text_split(rest, '\t', &frame);
		if (m.count < BUS_FRAMES)
			frames[m.count] = frame;
		m.count++;
	}
	sessions_message(h->s, &m, h->now);
}

static void act(struct fuzz_host *h, struct text line)
{
	switch (line.s[0]) {
	case 't':
		h->now += 100 * (int64_t)line.n * (int64_t)line.n;
		(void)sessions_tick(h->s, h->now);
		break;
	case 'j':
		job(h, line);
		break;
	case 'a':
	case 'b':
		answer(h, line.s[0] == 'a');
		break;
	case 'e':
		h->seq++;
		(void)sessions_event(h->s, h->subscription, h->seq, TEXT("{}"), h->now);
		break;
	case 'g':
		h->seq += 10;
		sessions_gap(h->s, h->subscription, h->seq - 9, h->seq, h->now);
		break;
	case 'r':
		h->seq += 600 * ((int64_t)line.n - 1);
		sessions_read(h->s, h->subscription, h->seq, h->now);
		break;
	case 'f':
		h->full = !h->full;
		break;
	case 'l':
		FUZZ_CHECK(sessions_lend(h->s, TEXT("a"), 100) <= 16, "lent too much\n");
		break;
	case 'o':
		sessions_reload(h->s, h->now);
		break;
	case 's':
		sessions_stop(h->s, 1000, h->now);
		break;
	default:
		if (line.s[0] >= '0' && line.s[0] < '0' + PEERS)
			message(h, line);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct fuzz_host h = { .now = 1000, .kind = EMITS };
	struct session_host host = { &h,           on_send,  on_admit,      on_manifest,
				     on_began,     on_ended, on_refused,    on_credit,
				     on_job_ended, on_emit,  on_subscribe,  on_want,
				     on_ack,       on_place, on_unsubscribe };
	struct text rest = fuzz_text(bytes, n), line;

	h.s = sessions_new(&host, 1);
	FUZZ_CHECK(h.s != NULL, "memory\n");
	while (rest.s != NULL) {
		rest = text_split(rest, '\n', &line);
		if (line.n > 0)
			act(&h, line);
	}
	sessions_free(h.s);
	for (unsigned i = 0; i < h.jobs; i++)
		FUZZ_CHECK(h.ended[i] == 1, "job %u ended %d times\n", i, h.ended[i]);
	FUZZ_CHECK(h.subscriptions == 0 && h.sessions == 0, "%ld and %ld are left\n",
		   h.subscriptions, h.sessions);
	return 0;
}
