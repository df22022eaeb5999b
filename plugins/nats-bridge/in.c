/* SPDX-License-Identifier: Apache-2.0
 *
 * in.c - see in.h. Messages are asked for here, not by natsSubscription_Fetch: as of 3.4.1 it
 * loses count when messages of an earlier request are in its queue (it compares what it has
 * with the size of the request for the rest), and then writes behind its list. Nor is a
 * subscription destroyed while the connection is open: until 3.6 the library's thread may be
 * putting a message into it. Acknowledgements are messages to the subject that a message asks to
 * reply to: "+ACK", "-NAK" (deliver it again) and "+TERM" (never again), as NATS's documentation of
 * consumers has them. So they don't need the subscription, which may be another by then. */
#include "in.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "server.h"

#define BATCH      64
#define FETCH_WAIT 1000 /* ms after which the server ends a request */
#define PAUSE      1    /* s after something went wrong */
#define ID_MOST    128
#define ANSWER_AGE 30000000000 /* ns after which a new consumer delivers again */

struct held {
	struct held *next;
	natsMsg *msg; /* NULL once it was emitted */
	uint64_t sequence;
	char *reply;
	char time[32];
	char id[ID_MOST + 1];
};

struct in {
	struct tappet_plugin *plugin;
	natsConnection *nc;
	jsCtx *js;
	struct in_options o;
	struct held *held; /* emitted, without an answer */
	bool stopped;
	/* The thread's own. */
	natsSubscription *sub; /* of the inbox: freed when the connection is closed */
	natsInbox *inbox;
	bool ready, failing; /* the consumer is there; since something went wrong */
	int asked;           /* messages, of which none has come yet */
	/* Between both. */
	pthread_t thread;
	bool began;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct held *come, **come_end;
	unsigned count; /* come and held */
	bool stopping;
};

static void free_held(struct in *in, struct held *h, const char *answer)
{
	/* One that gets lost is made up for by the next delivery. */
	if (answer != NULL)
		(void)natsConnection_PublishString(in->nc, h->reply, answer);
	natsMsg_Destroy(h->msg);
	free(h->reply);
	free(h);
}

/* ---- The thread. ---- */

static void write_time(char *text, size_t size, int64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm t;
	size_t n = 0;

	if (gmtime_r(&seconds, &t) != NULL)
		n = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &t);
	if (n > 0)
		(void)snprintf(text + n, size - n, ".%03dZ", (int)(ns / 1000000 % 1000));
}

static bool read_place(struct held *h)
{
	jsMsgMetaData *meta = NULL;
	const char *id = NULL;

	if (natsMsg_GetMetaData(&meta, h->msg) != NATS_OK)
		return false;
	h->sequence = meta->Sequence.Stream;
	write_time(h->time, sizeof(h->time), meta->Timestamp);
	if (natsMsgHeader_Get(h->msg, "Nats-Msg-Id", &id) == NATS_OK && id[0] != '\0' &&
	    strlen(id) <= ID_MOST)
		(void)memcpy(h->id, id, strlen(id) + 1);
	else
		(void)snprintf(h->id, sizeof(h->id), "%llu.%lld", (unsigned long long)h->sequence,
			       (long long)meta->Timestamp);
	jsMsgMetaData_Destroy(meta);
	return true;
}

/* NULL: it will be delivered again. */
static struct held *make_held(natsMsg *msg)
{
	const char *reply = natsMsg_GetReply(msg);
	struct held *h = calloc(1, sizeof(*h));

	if (h != NULL) {
		h->msg = msg;
		h->reply = reply != NULL ? strdup(reply) : NULL;
	}
	if (h != NULL && h->reply != NULL && read_place(h))
		return h;
	natsMsg_Destroy(msg);
	if (h != NULL)
		free(h->reply);
	free(h);
	return NULL;
}

/* One that there is no room for is of a request that was given up: it comes again. */
static void hand_over(struct in *in, natsMsg *msg)
{
	struct held *h = make_held(msg);
	bool room;

	if (h == NULL)
		return;
	(void)pthread_mutex_lock(&in->lock);
	room = in->count < IN_MOST;
	if (room) {
		*in->come_end = h;
		in->come_end = &h->next;
		in->count++;
	}
	(void)pthread_mutex_unlock(&in->lock);
	if (room)
		(void)eventfd_write(in->o.wake, 1);
	else
		free_held(in, h, "-NAK");
}

/* Whether a consumer that was made before can be used as it is. */
static bool is_ours(const struct in *in, const jsConsumerConfig *c)
{
	const char *filter = c->FilterSubject != NULL ? c->FilterSubject : "";

	return c->DeliverSubject == NULL && c->AckPolicy == js_AckExplicit &&
	       strcmp(filter, in->o.subject) == 0;
}

static natsStatus make_consumer(struct in *in, jsErrCode *code)
{
	jsConsumerInfo *info = NULL;
	jsConsumerConfig config;
	natsStatus s = js_GetConsumerInfo(&info, in->js, in->o.stream, in->o.durable, NULL, code);

	if (s == NATS_OK && !is_ours(in, info->Config))
		s = NATS_MISMATCH;
	jsConsumerInfo_Destroy(info);
	if (s != NATS_NOT_FOUND || *code != JSConsumerNotFoundErr)
		return s;
	(void)jsConsumerConfig_Init(&config);
	config.Durable = in->o.durable;
	config.FilterSubject = in->o.subject;
	config.AckPolicy = js_AckExplicit;
	config.AckWait = ANSWER_AGE;
	return js_AddConsumer(NULL, in->js, in->o.stream, &config, NULL, code);
}

/* 0: it stops. */
static int wait_for_room(struct in *in)
{
	unsigned room;

	(void)pthread_mutex_lock(&in->lock);
	while (!in->stopping && in->count >= IN_MOST)
		(void)pthread_cond_wait(&in->changed, &in->lock);
	room = in->stopping ? 0 : IN_MOST - in->count;
	(void)pthread_mutex_unlock(&in->lock);
	return room < BATCH ? (int)room : BATCH;
}

static void wait_after(struct in *in, natsStatus s, jsErrCode code)
{
	struct timespec until;

	in->ready = false;
	in->asked = 0;
	if (!in->failing && server_is_there(in->nc))
		say("can't fetch from stream %s, trying again: %s (%d)", in->o.stream,
		    natsStatus_GetText(s), (int)code);
	in->failing |= server_is_there(in->nc);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PAUSE;
	(void)pthread_mutex_lock(&in->lock);
	while (!in->stopping && pthread_cond_timedwait(&in->changed, &in->lock, &until) == 0)
		;
	(void)pthread_mutex_unlock(&in->lock);
}

static natsStatus subscribe(struct in *in)
{
	natsStatus s = natsInbox_Create(&in->inbox);

	return s == NATS_OK ? natsConnection_SubscribeSync(&in->sub, in->nc, in->inbox) : s;
}

/* The next `room` messages, to our inbox:
 * https://docs.nats.io/reference/reference-protocols/nats_api_reference#fetching-from-a-pull-consumer-nextmsg
 */
static natsStatus ask(struct in *in, int room)
{
	char subject[512], request[64];
	int n = snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.MSG.NEXT.%s.%s", in->o.stream,
			 in->o.durable);

	if (n < 0 || (size_t)n >= sizeof(subject))
		return NATS_INVALID_ARG;
	(void)snprintf(request, sizeof(request), "{\"batch\":%d,\"expires\":%lld}", room,
		       FETCH_WAIT * 1000000LL);
	in->asked = room;
	return natsConnection_PublishRequestString(in->nc, subject, in->inbox, request);
}

/* A message, or how a request has ended: 404 and 408 say that no more will come for now. */
static natsStatus take(struct in *in, natsMsg *msg)
{
	const char *reply = natsMsg_GetReply(msg), *status = NULL;
	bool over;

	if (reply != NULL && reply[0] != '\0') {
		in->asked -= in->asked > 0;
		hand_over(in, msg);
		return NATS_OK;
	}
	over = natsMsgHeader_Get(msg, "Status", &status) == NATS_OK &&
	       (strcmp(status, "404") == 0 || strcmp(status, "408") == 0);
	natsMsg_Destroy(msg);
	in->asked = 0;
	return over ? NATS_OK : NATS_NO_RESPONDERS;
}

static void fetch(struct in *in, int room)
{
	natsMsg *msg = NULL;
	jsErrCode code = 0;
	natsStatus s = in->sub != NULL ? NATS_OK : subscribe(in);

	if (s == NATS_OK && !in->ready && !server_is_there(in->nc))
		s = NATS_CONNECTION_DISCONNECTED; /* or make_consumer would wait for it */
	if (s == NATS_OK && !in->ready)
		s = make_consumer(in, &code);
	in->ready = s == NATS_OK;
	if (s == NATS_OK && in->asked == 0)
		s = ask(in, room);
	if (s == NATS_OK)
		s = natsSubscription_NextMsg(&msg, in->sub, 2 * FETCH_WAIT);
	if (s == NATS_OK)
		s = take(in, msg);
	if (s == NATS_TIMEOUT && in->ready)
		in->asked = 0; /* the request or its end was lost: the server was gone */
	else if (s != NATS_OK)
		wait_after(in, s, code);
	else if (in->failing)
		say("fetching again");
	in->failing &= s != NATS_OK;
}

static void *run(void *of)
{
	struct in *in = of;
	int room;

	while ((room = wait_for_room(in)) > 0)
		fetch(in, room);
	nats_ReleaseThreadMemory();
	return NULL;
}

/* ---- The plugin's thread. ---- */

struct in *in_new(struct tappet_plugin *p, natsConnection *nc, const struct in_options *options)
{
	struct in *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	in->plugin = p;
	in->nc = nc;
	in->o = *options;
	in->come_end = &in->come;
	(void)pthread_mutex_init(&in->lock, NULL);
	(void)pthread_cond_init(&in->changed, NULL);
	if (natsConnection_JetStream(&in->js, nc, NULL) == NATS_OK)
		in->began = pthread_create(&in->thread, NULL, run, in) == 0;
	if (in->began)
		return in;
	in_free(in);
	return NULL;
}

static void drop(struct in *in, struct held *h, const char *answer)
{
	free_held(in, h, answer);
	(void)pthread_mutex_lock(&in->lock);
	in->count--;
	(void)pthread_cond_signal(&in->changed);
	(void)pthread_mutex_unlock(&in->lock);
}

static struct held **find(struct in *in, const char *id)
{
	struct held **at = &in->held;

	while (*at != NULL && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void keep(struct in *in, struct held *h)
{
	struct held **at = find(in, h->id);

	if (*at != NULL) { /* delivered again: the later one is to be answered */
		struct held *old = *at;

		*at = old->next;
		drop(in, old, NULL);
	}
	natsMsg_Destroy(h->msg);
	h->msg = NULL;
	h->next = in->held;
	in->held = h;
}

/* False: why is said in `words`. */
static bool emit(struct in *in, struct held *h, char *words, size_t size)
{
	const char *subject = natsMsg_GetSubject(h->msg);
	json_error_t error = { .text = "" };
	json_t *body = json_loadb(natsMsg_GetData(h->msg), (size_t)natsMsg_GetDataLength(h->msg),
				  JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (body == NULL) {
		(void)snprintf(words, size, "is not JSON: %s", error.text);
		return false;
	}
	if (tappet_emit(in->plugin,
			json_pack("{s:s,s:s,s:s,s:s}", "id", h->id, "type", "message", "subject",
				  subject, "time", h->time),
			json_pack("{s:s,s:s,s:I,s:o}", "subject", subject, "stream", in->o.stream,
				  "sequence", (json_int_t)h->sequence, "body", body)))
		return true;
	(void)snprintf(words, size, "can't be emitted: %s", strerror(errno));
	return false;
}

void in_work(struct in *in)
{
	struct held *h;

	(void)pthread_mutex_lock(&in->lock);
	h = in->come;
	in->come = NULL;
	in->come_end = &in->come;
	(void)pthread_mutex_unlock(&in->lock);
	while (h != NULL) {
		struct held *next = h->next;
		char words[256];

		h->next = NULL;
		if (in->stopped) {
			drop(in, h, "-NAK");
		} else if (emit(in, h, words, sizeof(words))) {
			keep(in, h);
		} else {
			say("message %llu of %s %s: terminated", (unsigned long long)h->sequence,
			    in->o.stream, words);
			drop(in, h, "+TERM");
		}
		h = next;
	}
}

void in_emitted(struct in *in, const struct tappet_message *emitted)
{
	struct held **at = find(in, emitted->id), *h = *at;

	if (h == NULL)
		return;
	*at = h->next;
	if (emitted->code != NULL)
		say("message %llu of %s is refused by the engine: %s: terminated",
		    (unsigned long long)h->sequence, in->o.stream, emitted->message);
	drop(in, h, emitted->code == NULL ? "+ACK" : "+TERM");
}

void in_stop(struct in *in)
{
	in->stopped = true;
	(void)pthread_mutex_lock(&in->lock);
	in->stopping = true;
	(void)pthread_cond_signal(&in->changed);
	(void)pthread_mutex_unlock(&in->lock);
	in_work(in);
}

void in_close(struct in *in)
{
	if (in == NULL)
		return;
	in_stop(in);
	if (in->began)
		(void)pthread_join(in->thread, NULL);
	in->began = false;
	in_work(in);
}

void in_free(struct in *in)
{
	if (in == NULL)
		return;
	in_close(in);
	while (in->held != NULL) {
		struct held *next = in->held->next;

		drop(in, in->held, NULL);
		in->held = next;
	}
	natsSubscription_Destroy(in->sub);
	natsInbox_Destroy(in->inbox);
	jsCtx_Destroy(in->js);
	(void)pthread_cond_destroy(&in->changed);
	(void)pthread_mutex_destroy(&in->lock);
	free(in);
}
