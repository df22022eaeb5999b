/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-bridge-ref - the do-nothing bridge that the engine's throughput is
 * measured against: HTTP in through http_server, HTTP out through http_client,
 * nothing parsed, matched or stored between.
 *
 *   bench-bridge-ref --listen ADDRESS --sink URL --port-file FILE
 *
 * Each POST is answered 202 as soon as its body is in the queue, and the body
 * is posted to URL. Beyond BACKLOG bodies that aren't delivered yet, a request
 * is parked until its own body is on its way: back-pressure without refusals.
 * On SIGTERM or SIGINT it stops and prints "ACCEPTED DELIVERED FAILED\n".
 *
 * Two threads: the server's, and main, which runs the client's loop. They share
 * the queue and the depth counter. */
#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "engine/base/mem.h"
#include "engine/base/queue.h"
#include "engine/io/http_client.h"
#include "engine/io/http_server.h"

#define BACKLOG 4096       /* bodies accepted and not delivered */
#define SLOTS   256        /* requests to the sink at once */
#define BODY    (1u << 20) /* of one request */
#define BATCH   64         /* parked requests answered with one wake-up */

struct event {
	struct queue_item item; /* first: the queue links it */
	http_ticket ticket;     /* 0: answered already */
	size_t n;
	char body[];
};

struct bridge {
	struct http_server *server;
	struct http_client *client;
	struct queue *queue;
	struct text sink;
	struct event *first, *last; /* taken, not begun */
	unsigned busy;              /* slots */
	struct http_reply replies[BATCH];
	size_t reply_count;
	atomic_size_t depth;
	atomic_ullong accepted;
	unsigned long long delivered, failed;
	int signals;
	bool stop;
};

static const struct http_answer accepted = { .status = 202, .body = { "{\"id\":\"-\"}", 10 } };

/* --- in: the server's thread ----------------------------------------------- */

static enum http_next on_begin(void *of, const struct http_request *request, size_t *limit,
			       struct http_answer *answer)
{
	(void)of;
	if (!text_is(http_request_method(request), "POST")) {
		*answer = (struct http_answer){ .status = 405, .allow = "POST" };
		return HTTP_ANSWERED;
	}
	*limit = BODY;
	return HTTP_GO_ON;
}

static enum http_next on_body(void *of, const struct http_request *request, struct text body,
			      http_ticket ticket, struct http_answer *answer)
{
	struct bridge *bridge = of;
	struct event *event = mem_alloc(sizeof(*event) + body.n);
	bool full = atomic_fetch_add(&bridge->depth, 1) >= BACKLOG;

	(void)request;
	if (event == NULL) {
		atomic_fetch_sub(&bridge->depth, 1);
		*answer = (struct http_answer){ .status = 503 };
		return HTTP_ANSWERED;
	}
	event->item.weight = body.n;
	event->ticket = full ? ticket : 0;
	event->n = body.n;
	if (body.n > 0)
		memcpy(event->body, body.s, body.n);
	atomic_fetch_add(&bridge->accepted, 1);
	queue_force(bridge->queue, &event->item);
	*answer = accepted;
	return full ? HTTP_PARKED : HTTP_ANSWERED;
}

/* --- out: the main thread -------------------------------------------------- */

static void on_delivered(void *of, const struct http_outcome *outcome);

static void reply_later(struct bridge *bridge, http_ticket ticket)
{
	bridge->replies[bridge->reply_count++] = (struct http_reply){ ticket, accepted };
	if (bridge->reply_count < BATCH)
		return;
	http_reply(bridge->server, bridge->replies, bridge->reply_count);
	bridge->reply_count = 0;
}

static void send_event(struct bridge *bridge, struct event *event)
{
	static const struct http_header headers[] = { { { "Content-Type", 12 },
							{ "application/json", 16 } } };
	struct http_call call = { .method = "POST",
				  .url = bridge->sink,
				  .headers = headers,
				  .header_count = 1,
				  .body = { event->body, event->n },
				  .pool = HTTP_ANY_ADDRESS,
				  .timeout_ms = 30000,
				  .reply_limit = 1 << 20 };

	if (event->ticket != 0)
		reply_later(bridge, event->ticket);
	bridge->busy++;
	if (http_client_start(bridge->client, &call, on_delivered, bridge) == NULL) {
		bridge->busy--;
		bridge->failed++;
	}
	mem_free(event);
}

static void fill_slots(struct bridge *bridge)
{
	while (bridge->busy < SLOTS && bridge->first != NULL) {
		struct event *event = bridge->first;

		bridge->first = (struct event *)event->item.next;
		send_event(bridge, event);
	}
}

static void on_delivered(void *of, const struct http_outcome *outcome)
{
	struct bridge *bridge = of;

	bridge->busy--;
	atomic_fetch_sub(&bridge->depth, 1);
	if (outcome->end == HTTP_REPLIED && outcome->status == 200)
		bridge->delivered++;
	else
		bridge->failed++;
	if (!bridge->stop)
		fill_slots(bridge);
}

static void on_queue(void *of)
{
	struct bridge *bridge = of;
	struct event *taken = (struct event *)queue_take(bridge->queue);

	if (taken == NULL)
		return;
	if (bridge->first == NULL)
		bridge->first = taken;
	else
		bridge->last->item.next = &taken->item;
	while (taken->item.next != NULL)
		taken = (struct event *)taken->item.next;
	bridge->last = taken;
	fill_slots(bridge);
}

static void on_signal(void *of)
{
	struct bridge *bridge = of;

	bridge->stop = true;
}

/* --- life ------------------------------------------------------------------ */

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread, so that all inherit it */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool write_port(const struct bridge *bridge, const char *file)
{
	char temporary[4096];
	FILE *out;

	snprintf(temporary, sizeof(temporary), "%s.new", file);
	out = fopen(temporary, "w");
	return out != NULL && fprintf(out, "%u\n", http_server_port(bridge->server, 0)) > 0 &&
	       fclose(out) == 0 && rename(temporary, file) == 0;
}

static bool bridge_start(struct bridge *bridge, const char *address)
{
	const struct http_server_limits limits = { 2048, 60, 16384, 64u << 20, 0 };
	struct http_listen listens[] = { { .listen = address,
					   .site = { on_begin, on_body, bridge } } };
	char why[256] = "out of memory or descriptors";

	bridge->signals = block_signals();
	bridge->queue = queue_new(BACKLOG, (size_t)BACKLOG * BODY);
	bridge->client = http_client_new(clock_system());
	if (bridge->queue != NULL && bridge->client != NULL &&
	    http_client_watch(bridge->client, bridge->signals, on_signal, bridge) &&
	    http_client_watch(bridge->client, queue_fd(bridge->queue), on_queue, bridge) &&
	    http_server_start(listens, 1, &limits, &bridge->server, why, sizeof(why)) == FATE_OK)
		return true;
	fprintf(stderr, "bench-bridge-ref: %s\n", why);
	return false;
}

static void bridge_stop(struct bridge *bridge)
{
	struct event *event;

	http_server_stop(bridge->server);
	on_queue(bridge);
	http_client_free(bridge->client);
	while ((event = bridge->first) != NULL) {
		bridge->first = (struct event *)event->item.next;
		mem_free(event);
	}
	queue_free(bridge->queue);
}

static const char *flag(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], name) == 0)
			return argv[i + 1];
	fprintf(stderr, "usage: bench-bridge-ref --listen ADDRESS --sink URL --port-file FILE\n");
	return NULL;
}

int main(int argc, char **argv)
{
	static struct bridge bridge;
	const char *address = flag(argc, argv, "--listen");
	const char *sink = flag(argc, argv, "--sink");
	const char *port_file = flag(argc, argv, "--port-file");

	if (address == NULL || sink == NULL || port_file == NULL)
		return 2;
	raise_descriptors();
	bridge.sink = text_of(sink);
	if (!bridge_start(&bridge, address) || !write_port(&bridge, port_file))
		return 1;
	while (!bridge.stop) {
		http_client_turn(bridge.client, -1);
		if (bridge.reply_count > 0)
			http_reply(bridge.server, bridge.replies, bridge.reply_count);
		bridge.reply_count = 0;
	}
	bridge_stop(&bridge);
	printf("%llu %llu %llu\n", (unsigned long long)bridge.accepted, bridge.delivered,
	       bridge.failed);
	return 0;
}
