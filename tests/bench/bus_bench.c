/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-bus - what plugins can be told and asked in a second, in one process over
 * ipc: events of 1.4 KB to a tap, beside libzmq alone, in turns; and jobs there and
 * back, each a grant, an attempt, a JOB, a RESULT and an outcome.
 *
 *   bench-bus [ROUNDS]     3 by default; prints the median of each
 *
 * The sender keeps WINDOW events under way, less than half of the high-water mark (libzmq tells a
 * sender of room that late), so none is dropped. The sequencer's part
 * (the commit) isn't in it: tests/bench/bridge measures that. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "engine/plugins/plugins.h"

#define EVENTS 300000
#define JOBS   100000
#define SIZE   1400
#define WINDOW 4000
#define BATCH  64
#define ROUNDS 9

static char sessions[100], events[100], plain[100];
static atomic_int received;
static char body[SIZE];

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench-bus: %s\n", what);
	exit(1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- The other end. ---- */

static void *connect_to(void *context, int type, const char *endpoint)
{
	void *socket = zmq_socket(context, type);
	int linger = 0;

	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	if (type == ZMQ_SUB)
		zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
	must(zmq_connect(socket, endpoint) == 0, "can't connect");
	return socket;
}

struct tap {
	void *context;
	const char *endpoint;
};

/* Until all have come; the first is a probe. */
static void *run_tap(void *of)
{
	const struct tap *tap = of;
	void *socket = connect_to(tap->context, ZMQ_SUB, tap->endpoint);
	char room[2 * SIZE];

	while (atomic_load(&received) < EVENTS) {
		must(zmq_recv(socket, room, sizeof(room), 0) >= 0, "no topic");
		must(zmq_recv(socket, room, sizeof(room), 0) == SIZE, "no event");
		atomic_fetch_add(&received, 1);
	}
	zmq_close(socket);
	return NULL;
}

static void say(void *socket, const char *verb, const char *header, const char *json)
{
	zmq_send(socket, verb, strlen(verb), ZMQ_SNDMORE);
	zmq_send(socket, header, strlen(header), ZMQ_SNDMORE);
	zmq_send(socket, json, strlen(json), 0);
}

static bool next_frame(void *socket, char *room, size_t size)
{
	int n = zmq_recv(socket, room, size - 1, 0), more = 0;
	size_t option = sizeof(more);

	must(n >= 0 && (size_t)n < size, "no frame");
	room[n] = '\0';
	zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &option);
	return more != 0;
}

/* Answers each job until BYE. */
static void *run_plugin(void *context)
{
	void *socket = connect_to(context, ZMQ_DEALER, sessions);
	char verb[32], header[4096], json[4096], id[64], result[128];

	say(socket, "HELLO", "{\"protocol\":1,\"name\":\"bench\",\"jobs\":1000}", "{}");
	do {
		(void)next_frame(socket, verb, sizeof(verb));
		if (next_frame(socket, header, sizeof(header)))
			(void)next_frame(socket, json, sizeof(json));
		if (strcmp(verb, "PING") == 0)
			say(socket, "PONG", header, "");
		if (strcmp(verb, "JOB") != 0)
			continue;
		must(sscanf(header, "{\"id\":\"%63[^\"]", id) == 1, "a job without an id");
		(void)snprintf(result, sizeof(result), "{\"id\":\"%s\",\"fate\":\"ok\",\"jobs\":1}",
			       id);
		say(socket, "RESULT", result, "{\"reservation\":\"R-19\"}");
	} while (strcmp(verb, "BYE") != 0);
	zmq_close(socket);
	return NULL;
}

/* ---- Events. ---- */

static int await_window(int sent)
{
	while (sent - atomic_load(&received) >= WINDOW)
		sched_yield();
	return sent;
}

/* Sends one after the other until the first has arrived: then there is a subscription. */
static void probe(pthread_t *thread, struct tap *tap, void (*send)(void *of, int count), void *of)
{
	struct timespec pause = { 0, 1000000 };

	atomic_store(&received, 0);
	must(pthread_create(thread, NULL, run_tap, tap) == 0, "no thread");
	while (atomic_load(&received) == 0) {
		send(of, 1);
		nanosleep(&pause, NULL);
	}
}

/* Probes that are still under way count as received before they were sent: a few of EVENTS. */
static double rate(void *context, const char *endpoint, void (*send)(void *of, int count), void *of)
{
	struct tap tap = { context, endpoint };
	pthread_t thread;
	double began;
	int first;

	probe(&thread, &tap, send, of);
	first = atomic_load(&received);
	began = seconds();
	for (int sent = first; sent < EVENTS + BATCH; sent = await_window(sent + BATCH))
		send(of, BATCH);
	pthread_join(thread, NULL);
	return (EVENTS - first) / (seconds() - began);
}

static void send_plain(void *socket, int count)
{
	for (int i = 0; i < count; i++) {
		zmq_send(socket, "kantata.workspace.updated", 25, ZMQ_SNDMORE);
		zmq_send(socket, body, SIZE, 0);
	}
}

static double plain_rate(void *context)
{
	void *socket = zmq_socket(context, ZMQ_PUB);
	int linger = 0, mark = 4 * WINDOW;
	double result;

	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(socket, ZMQ_SNDHWM, &mark, sizeof(mark));
	must(zmq_bind(socket, plain) == 0, "can't bind");
	result = rate(context, plain, send_plain, socket);
	zmq_close(socket);
	return result;
}

static void send_events(void *of, int count)
{
	struct event_out list[BATCH];
	struct outputs out = { .events = list, .event_count = (size_t)count };

	for (int i = 0; i < count; i++)
		list[i] = (struct event_out){ .type = TEXT("kantata.workspace.updated"),
					      .published = { body, SIZE },
					      .seq = 1 };
	plugins_hand(of, &out);
}

/* ---- Jobs. ---- */

struct queue_count {
	unsigned credit;
	int done;
};

static void take(struct queue *inputs, struct queue_count *count)
{
	struct pollfd fd = { .fd = queue_fd(inputs), .events = POLLIN };
	struct queue_item *item;

	must(poll(&fd, 1, 10000) == 1, "nothing comes back");
	item = queue_take(inputs);
	while (item != NULL) {
		struct input *input = (struct input *)(void *)item;

		item = item->next;
		if (input->kind == INPUT_GRANT)
			count->credit += input->grant.credits;
		else
			count->done++;
		must(input->kind == INPUT_GRANT || input->outcome.ending.status == 200, "a job");
		input_free(input);
	}
}

static void hand_jobs(struct plugins *plugins, int from, unsigned count)
{
	struct attempt_out list[BATCH];
	struct outputs out = { .attempts = list, .attempt_count = count };

	for (unsigned i = 0; i < count; i++)
		list[i] = (struct attempt_out){ .run = from + (int)i,
						.attempt = 1,
						.target = TEXT("bench"),
						.request = { .method = PLUGIN_METHOD,
							     .url = TEXT("reserve"),
							     .body = TEXT("{\"sku\":\"A-7\"}") },
						.key = TEXT("b1946ac92492d234"),
						.timeout = 30000,
						.rule = TEXT("restock") };
	plugins_hand(plugins, &out);
}

static double job_rate(struct plugins *plugins, struct queue *inputs)
{
	struct text target = TEXT("bench");
	unsigned runs = JOBS;
	struct outputs want = { .targets = &target, .target_runs = &runs, .target_count = 1 };
	struct queue_count count = { 0 };
	double began = seconds();
	int sent = 0;

	plugins_hand(plugins, &want);
	while (count.done < JOBS) {
		take(inputs, &count);
		while (count.credit > 0 && sent < JOBS) {
			unsigned n = count.credit < BATCH ? count.credit : BATCH;

			hand_jobs(plugins, sent, n);
			sent += (int)n;
			count.credit -= n;
		}
	}
	return JOBS / (seconds() - began);
}

/* ---- */

static enum session_answer on_manifest(void *of, struct text plugin, struct text json,
				       char words[SESSION_WORDS])
{
	(void)of;
	(void)plugin;
	(void)words;
	return json.n > 0 ? SESSION_TAKEN : SESSION_WRONG;
}

static enum fate on_emits(void *of, struct text plugin, struct text type, struct text data,
			  char *words)
{
	(void)of;
	(void)plugin;
	(void)data;
	(void)words;
	return type.n > 0 ? FATE_OK : FATE_REJECT;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), by_size);
	return values[count / 2];
}

static struct plugins *start(struct queue *inputs)
{
	static const struct plugin_setting setting = { .name = { "bench", 5 } };
	struct plugins_parts parts = { .sessions = sessions,
				       .events = events,
				       .settings = &setting,
				       .count = 1,
				       .inputs = inputs,
				       .clock = clock_system(),
				       .manifest = on_manifest,
				       .emits = on_emits };
	struct plugins *plugins = NULL;
	char words[BUS_WORDS];

	must(plugins_start(&parts, &plugins, words) == FATE_OK, words);
	return plugins;
}

static void measure(int rounds)
{
	struct queue *inputs = queue_new(SIZE_MAX, SIZE_MAX);
	struct plugins *plugins = start(inputs);
	void *context = zmq_ctx_new();
	double taps[ROUNDS], alone[ROUNDS], jobs[ROUNDS];
	pthread_t plugin;

	must(pthread_create(&plugin, NULL, run_plugin, context) == 0, "no thread");
	for (int i = 0; i < rounds; i++) {
		alone[i] = plain_rate(context);
		taps[i] = rate(context, events, send_events, plugins);
		jobs[i] = job_rate(plugins, inputs);
	}
	plugins_stop(plugins);
	pthread_join(plugin, NULL);
	zmq_ctx_term(context);
	queue_free(inputs);
	printf("events of %d bytes to a tap: %.0f a second; libzmq alone %.0f\n", SIZE,
	       median(taps, rounds), median(alone, rounds));
	printf("jobs there and back: %.0f a second\n", median(jobs, rounds));
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/bench-bus-XXXXXX";
	int rounds = argc > 1 ? atoi(argv[1]) : 3;

	must(rounds > 0 && rounds <= ROUNDS, "1 to 9 rounds");
	must(mkdtemp(folder) != NULL, "no directory");
	memset(body, 'x', sizeof(body));
	(void)snprintf(sessions, sizeof(sessions), "ipc://%s/s", folder);
	(void)snprintf(events, sizeof(events), "ipc://%s/e", folder);
	(void)snprintf(plain, sizeof(plain), "ipc://%s/p", folder);
	measure(rounds);
	(void)unlink(sessions + 6);
	(void)unlink(events + 6);
	(void)unlink(plain + 6);
	(void)rmdir(folder);
	return 0;
}
