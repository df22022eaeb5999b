/* SPDX-License-Identifier: Apache-2.0
 *
 * out.c - see out.h. */
#include "out.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include "server.h"

#define ANSWER_WAIT 5000 /* ms for JetStream's answer */
#define PAUSE_FIRST 100  /* ms until what wasn't taken is published again */
#define PAUSE_MOST  5000
#define FINISH_WAIT 1000

enum state { TO_SAY, SAID, DONE };

struct entry {
	struct entry *next;
	long long seq;
	enum state state;
	size_t size;
	char *subject, *id, *text;
};

/* An answer, on its way from the library's thread. */
struct answer {
	struct answer *next;
	bool fine;
	char words[128];
	char id[];
};

struct out {
	struct tappet_plugin *plugin;
	natsConnection *nc;
	jsCtx *js;
	struct out_options o;
	struct entry *first, **end; /* in the order of seq */
	long long last;
	bool waiting, failing; /* for the timer; since something wasn't taken */
	long long pause;
	pthread_mutex_t lock; /* of the two below */
	struct answer *answers, **answers_end;
	bool lost; /* an answer, as memory was out */
};

static void take_answer(struct out *out, struct answer *a)
{
	(void)pthread_mutex_lock(&out->lock);
	if (a != NULL) {
		*out->answers_end = a;
		out->answers_end = &a->next;
	}
	out->lost |= a == NULL;
	(void)pthread_mutex_unlock(&out->lock);
	(void)eventfd_write(out->o.wake, 1);
}

static void on_answer(jsCtx *js, natsMsg *msg, jsPubAck *ack, jsPubAckErr *error, void *of)
{
	const char *id = NULL;
	struct answer *a = NULL;

	(void)js;
	if (natsMsgHeader_Get(msg, "Nats-Msg-Id", &id) == NATS_OK)
		a = calloc(1, sizeof(*a) + strlen(id) + 1);
	if (a != NULL) {
		(void)memcpy(a->id, id, strlen(id) + 1);
		a->fine = ack != NULL;
		if (error != NULL)
			(void)snprintf(a->words, sizeof(a->words), "%s",
				       error->ErrText != NULL ? error->ErrText
							      : natsStatus_GetText(error->Err));
	}
	take_answer(of, a);
	natsMsg_Destroy(msg);
}

struct out *out_new(struct tappet_plugin *p, natsConnection *nc, const struct out_options *options)
{
	struct out *out = calloc(1, sizeof(*out));
	jsOptions js;

	if (out == NULL)
		return NULL;
	out->plugin = p;
	out->nc = nc;
	out->o = *options;
	out->end = &out->first;
	out->answers_end = &out->answers;
	out->pause = PAUSE_FIRST;
	(void)pthread_mutex_init(&out->lock, NULL);
	(void)jsOptions_Init(&js);
	js.PublishAsync.AckHandler = on_answer;
	js.PublishAsync.AckHandlerClosure = out;
	if (natsConnection_JetStream(&out->js, nc, &js) == NATS_OK)
		return out;
	out_free(out);
	return NULL;
}

/* ---- Entries. ---- */

static void free_entry(struct entry *e)
{
	if (e == NULL)
		return;
	free(e->subject);
	free(e->id);
	free(e->text);
	free(e);
}

/* A token of a subject is not empty, and has no blanks or wildcards. */
static char *make_subject(const char *prefix, const char *type)
{
	size_t size = strlen(prefix) + strlen(type) + 2;
	char *subject = malloc(size);

	if (subject == NULL)
		return NULL;
	(void)snprintf(subject, size, "%s.%s", prefix, type);
	for (char *c = subject + strlen(prefix) + 1; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == '*' || *c == '>' || *c == 127 ||
		    (*c == '.' && (c[-1] == '.' || c[1] == '\0')))
			*c = '_';
	return subject;
}

static struct entry *make_entry(const struct out *out, const struct tappet_message *event)
{
	json_t *read = json_loadb(event->body, event->size, JSON_ALLOW_NUL, NULL);
	const char *id = json_string_value(json_object_get(read, "id"));
	const char *type = json_string_value(json_object_get(read, "type"));
	struct entry *e = calloc(1, sizeof(*e));

	if (e != NULL && id != NULL && type != NULL && strpbrk(id, "\r\n") == NULL) {
		e->seq = event->seq;
		e->id = strdup(id);
		e->subject = make_subject(out->o.prefix, type);
		e->text = malloc(event->size + 1);
		e->size = event->size;
	}
	json_decref(read);
	if (e != NULL && e->id != NULL && e->subject != NULL && e->text != NULL) {
		(void)memcpy(e->text, event->body, event->size);
		return e;
	}
	free_entry(e);
	say("event %lld can't be read, or memory is out", event->seq);
	return NULL;
}

/* The engine's log is another one: what was kept of the other is nobody's any more. */
static void forget_all(struct out *out)
{
	while (out->first != NULL) {
		struct entry *next = out->first->next;

		free_entry(out->first);
		out->first = next;
	}
	out->end = &out->first;
}

/* ---- Publishing. ---- */

static void pause_it(struct out *out, const char *why)
{
	struct itimerspec at = { .it_value = { out->pause / 1000, out->pause % 1000 * 1000000 } };

	if (!out->failing && server_is_there(out->nc))
		say("not taken, will be published again: %s", why);
	out->failing |= server_is_there(out->nc);
	out->waiting = true;
	out->pause = out->pause * 2 < PAUSE_MOST ? out->pause * 2 : PAUSE_MOST;
	(void)timerfd_settime(out->o.timer, 0, &at, NULL);
}

static natsStatus publish(struct out *out, struct entry *e)
{
	jsPubOptions options;
	natsMsg *msg = NULL;
	natsStatus s = natsMsg_Create(&msg, e->subject, NULL, e->text, (int)e->size);

	(void)jsPubOptions_Init(&options);
	options.MsgId = e->id;
	options.MaxWait = ANSWER_WAIT;
	if (s == NATS_OK)
		s = natsMsgHeader_Set(msg, "Content-Type", "application/cloudevents+json");
	if (s == NATS_OK)
		s = js_PublishMsgAsync(out->js, &msg, &options);
	natsMsg_Destroy(msg);
	return s;
}

static bool too_large(struct out *out, struct entry *e)
{
	say("event %lld, of %zu bytes, is larger than the server's max_payload%s", e->seq, e->size,
	    out->o.skip_too_large ? ": passed over" : "");
	if (out->o.skip_too_large)
		e->state = DONE;
	return out->o.skip_too_large;
}

/* Room for headers. */
static bool fits(const struct out *out, const struct entry *e)
{
	return (int64_t)(e->size + strlen(e->id) + 128) <= natsConnection_GetMaxPayload(out->nc);
}

static bool publish_all(struct out *out)
{
	for (struct entry *e = out->first; e != NULL && !out->waiting; e = e->next) {
		natsStatus s = NATS_CONNECTION_DISCONNECTED;

		if (e->state != TO_SAY)
			continue;
		if (server_is_there(out->nc)) {
			if (!fits(out, e) && !too_large(out, e))
				return false;
			s = e->state == DONE ? NATS_OK : publish(out, e);
		}
		if (s != NATS_OK)
			pause_it(out, natsStatus_GetText(s));
		else if (e->state == TO_SAY)
			e->state = SAID;
	}
	return true;
}

bool out_event(struct out *out, const struct tappet_message *event)
{
	struct entry *e = make_entry(out, event);

	if (e == NULL)
		return false;
	if (event->seq <= out->last)
		forget_all(out);
	out->last = e->seq;
	*out->end = e;
	out->end = &e->next;
	/* The first is all that is looked at when nothing else has to be said. */
	if (out->waiting)
		return true;
	if (!server_is_there(out->nc) || !fits(out, e))
		return publish_all(out);
	if (publish(out, e) == NATS_OK)
		e->state = SAID;
	else
		pause_it(out, "there is no room");
	return true;
}

static void say_all_again(struct out *out)
{
	for (struct entry *e = out->first; e != NULL; e = e->next)
		e->state = e->state == SAID ? TO_SAY : e->state;
}

bool out_reconnected(struct out *out)
{
	say_all_again(out);
	out->waiting = false;
	out->pause = PAUSE_FIRST;
	return publish_all(out);
}

/* ---- Answers. ---- */

static void end_answer(struct out *out, const struct answer *a)
{
	struct entry *e = out->first;

	while (e != NULL && (e->state == DONE || strcmp(e->id, a->id) != 0))
		e = e->next;
	if (e == NULL)
		return;
	e->state = a->fine ? DONE : TO_SAY;
	if (!a->fine && !out->waiting)
		pause_it(out, a->words);
	if (!a->fine || !out->failing)
		return;
	say("taken again");
	out->failing = false;
}

static void take_answers(struct out *out)
{
	struct answer *a;
	bool lost;

	(void)pthread_mutex_lock(&out->lock);
	a = out->answers;
	lost = out->lost;
	out->answers = NULL;
	out->answers_end = &out->answers;
	out->lost = false;
	(void)pthread_mutex_unlock(&out->lock);
	while (a != NULL) {
		struct answer *next = a->next;

		if (a->fine)
			out->pause = PAUSE_FIRST;
		end_answer(out, a);
		free(a);
		a = next;
	}
	if (lost)
		say_all_again(out);
}

static void acknowledge(struct out *out)
{
	long long seq = -1;

	while (out->first != NULL && out->first->state == DONE) {
		struct entry *e = out->first;

		seq = e->seq;
		out->first = e->next;
		free_entry(e);
	}
	if (out->first == NULL)
		out->end = &out->first;
	if (seq >= 0)
		tappet_ack(out->plugin, OUT_CURSOR, seq);
}

bool out_work(struct out *out)
{
	struct itimerspec left;
	bool fine;

	take_answers(out);
	if (timerfd_gettime(out->o.timer, &left) == 0 && left.it_value.tv_sec == 0 &&
	    left.it_value.tv_nsec == 0)
		out->waiting = false;
	fine = publish_all(out);
	acknowledge(out);
	return fine;
}

void out_finish(struct out *out)
{
	jsPubOptions options;

	(void)jsPubOptions_Init(&options);
	options.MaxWait = FINISH_WAIT;
	if (server_is_there(out->nc))
		(void)js_PublishAsyncComplete(out->js, &options);
	take_answers(out);
	acknowledge(out);
}

void out_close(struct out *out)
{
	if (out == NULL)
		return;
	jsCtx_Destroy(out->js);
	out->js = NULL;
}

void out_free(struct out *out)
{
	if (out == NULL)
		return;
	forget_all(out);
	while (out->answers != NULL) {
		struct answer *next = out->answers->next;

		free(out->answers);
		out->answers = next;
	}
	(void)pthread_mutex_destroy(&out->lock);
	free(out);
}
