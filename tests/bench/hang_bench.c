/* SPDX-License-Identifier: Apache-2.0
 *
 * bench-hang - both ends of a daemon with two targets, one of which falls ill:
 * what tests/bench/hang sends with and receives with, so that one clock reads all.
 *
 *   bench-hang --port-file FILE
 *
 * Serves the two targets on free ports of 127.0.0.1 and writes "WELL ILL\n" to
 * FILE. Then it does what it reads, a line each, and answers each with a line:
 *
 *   send WELL_URL ILL_URL WELL_RATE ILL_RATE   events a second to the two hooks
 *   ill ok | hang | slow MS | 429 | refuse     what the ill target does from now on
 *   phase                                      figures since the last one, as JSON
 *   stop                                       sends nothing more
 *   audit                                      counts since the start, as JSON
 *
 * An event is {"t": target, "n": number, "k": key, "at": microseconds, "pad": ...};
 * `at` is when it was due, so that a sender that falls behind hides nothing. A key
 * has one event under way to the daemon at most, so its events come to the daemon
 * in order, and have to come out so.
 *
 * Two threads of servers and main, which sends. They share `struct bench` under
 * its lock. It ends when its input does. */
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/io/http_client.h"
#include "engine/io/http_server.h"

#define KEYS    1024       /* events under way to one hook at most */
#define EVENTS  (1u << 22) /* to one hook: more than an hour of 1,000 a second */
#define HELD    8192       /* requests that the ill target has taken and not answered */
#define PAD     1200       /* makes an event of about 1.3 KB */
#define TIMEOUT 60000      /* ms for an answer of the daemon */
#define FOREVER (INT64_C(1) << 62)

enum { WELL, ILL, TARGETS };
enum mood { MOOD_OK, MOOD_LATE, MOOD_BUSY, MOOD_REFUSES };
enum series { WELL_ARRIVED, WELL_ANSWERED, ILL_ANSWERED, SERIES };

struct samples {
	uint32_t *micros; /* EVENTS of them */
	size_t n;
};

struct target {
	struct bench *bench;
	int which;
	struct http_server *server;
	unsigned port;
	unsigned char *arrived; /* by event */
	uint32_t last[KEYS];    /* 1 + number of the key's newest event, 0: none */
	uint64_t distinct, repeats, disordered;
};

struct hook {
	struct bench *bench;
	int which, timer;
	char url[256];
	double interval; /* us */
	int64_t began;
	uint32_t next, due; /* events sent, events that should have been */
	uint16_t free[KEYS];
	size_t free_first, free_count;
	unsigned char *accepted; /* by event */
	uint64_t answered, taken, refused;
};

struct held {
	http_ticket ticket;
	int64_t until;
};

struct bench {
	pthread_mutex_t lock; /* all below but the hooks, which are main's */
	struct samples samples[SERIES];
	struct target targets[TARGETS];
	enum mood mood;
	int64_t late; /* us */
	struct held held[HELD];
	size_t held_first, held_count;

	struct hook hooks[TARGETS];
	struct http_client *client;
	int64_t phase_began;
	bool end;
};

/* One event on its way to the daemon. */
struct post {
	struct hook *hook;
	uint32_t n;
	uint16_t key;
	int64_t at;
};

static void die(const char *what)
{
	fprintf(stderr, "bench-hang: %s\n", what);
	exit(1);
}

static void sample(struct bench *bench, enum series series, int64_t micros)
{
	struct samples *to = &bench->samples[series];

	pthread_mutex_lock(&bench->lock);
	if (to->n < EVENTS)
		to->micros[to->n++] = micros < UINT32_MAX ? (uint32_t)micros : UINT32_MAX;
	pthread_mutex_unlock(&bench->lock);
}

/* --- the targets: their servers' threads ----------------------------------- */

static enum http_next on_begin(void *of, const struct http_request *request, size_t *limit,
			       struct http_answer *answer)
{
	(void)of;
	(void)request;
	(void)answer;
	*limit = 1u << 20;
	return HTTP_GO_ON;
}

/* The number after "NAME": in a body that send_event wrote and the daemon passed on. */
static int64_t number(const char *body, const char *name)
{
	char sought[16];
	const char *at;

	snprintf(sought, sizeof(sought), "\"%s\":", name);
	at = strstr(body, sought);
	if (at == NULL)
		die("an event that isn't ours");
	return strtoll(at + strlen(sought), NULL, 10);
}

/* Under the lock. */
static void note_arrival(struct target *target, uint32_t n, uint32_t key)
{
	if (n >= EVENTS || key >= KEYS)
		die("an event that isn't ours");
	if (target->arrived[n]) {
		target->repeats++;
		return;
	}
	target->arrived[n] = 1;
	target->distinct++;
	if (target->last[key] > n + 1)
		target->disordered++;
	else
		target->last[key] = n + 1;
}

/* Under the lock: the oldest goes unanswered when there are too many. */
static void hold(struct bench *bench, http_ticket ticket, int64_t until)
{
	if (bench->held_count == HELD)
		die("too many requests are held");
	bench->held[(bench->held_first + bench->held_count++) % HELD] =
	    (struct held){ ticket, until };
}

/* Under the lock. What hangs and is refused counts when it comes again. */
static enum http_next treat(struct target *target, const char *body, http_ticket ticket,
			    struct http_answer *answer)
{
	struct bench *bench = target->bench;
	enum mood mood = target->which == ILL ? bench->mood : MOOD_OK;
	bool hangs = mood == MOOD_LATE && bench->late == FOREVER;

	*answer = (struct http_answer){ .status = 200, .body = TEXT("{}") };
	if (mood == MOOD_BUSY || mood == MOOD_REFUSES) {
		*answer = (struct http_answer){ .status = 429, .retry_after = 2 };
		return HTTP_ANSWERED;
	}
	if (!hangs)
		note_arrival(target, (uint32_t)number(body, "n"), (uint32_t)number(body, "k"));
	if (mood == MOOD_OK)
		return HTTP_ANSWERED;
	hold(bench, ticket, hangs ? FOREVER : clock_micros() + bench->late);
	return HTTP_PARKED;
}

static enum http_next on_body(void *of, const struct http_request *request, struct text body,
			      http_ticket ticket, struct http_answer *answer)
{
	struct target *target = of;
	int64_t now = clock_micros();
	char copy[PAD + 512];
	enum http_next next;

	(void)request;
	snprintf(copy, sizeof(copy), "%.*s", TEXT_ARG(body));
	if (number(copy, "t") != target->which)
		die("an event of the other target");
	if (target->which == WELL)
		sample(target->bench, WELL_ARRIVED, now - number(copy, "at"));
	pthread_mutex_lock(&target->bench->lock);
	next = treat(target, copy, ticket, answer);
	pthread_mutex_unlock(&target->bench->lock);
	return next;
}

static void target_start(struct target *target)
{
	const struct http_server_limits limits = { 4096, 3600, 16384, 64u << 20, 0 };
	struct http_listen listens[] = { { .site = { on_begin, on_body, target } } };
	char address[64], why[256];

	snprintf(address, sizeof(address), "127.0.0.1:%u", target->port);
	listens[0].listen = address;
	if (http_server_start(listens, 1, &limits, &target->server, why, sizeof(why)) != FATE_OK)
		die(why);
	target->port = http_server_port(target->server, 0);
}

static void target_stop(struct target *target)
{
	http_server_stop(target->server);
	target->server = NULL;
}

/* Answers what the ill target has held long enough, or all of it: 503, for it hasn't counted. */
static void let_go(struct bench *bench, bool all)
{
	struct http_server *server = bench->targets[ILL].server;
	int64_t now = clock_micros();

	pthread_mutex_lock(&bench->lock);
	while (bench->held_count > 0) {
		const struct held *oldest = &bench->held[bench->held_first];
		struct http_reply reply = { oldest->ticket, { .status = 200 } };

		if (!all && oldest->until > now)
			break;
		if (oldest->until == FOREVER)
			reply.answer.status = 503;
		if (server != NULL)
			http_reply(server, &reply, 1);
		bench->held_first = (bench->held_first + 1) % HELD;
		bench->held_count--;
	}
	pthread_mutex_unlock(&bench->lock);
}

/* --- the senders: main ------------------------------------------------------ */

static void send_due(struct hook *hook);

static void on_answer(void *of, const struct http_outcome *outcome)
{
	struct post *post = of;
	struct hook *hook = post->hook;

	hook->answered++;
	if (outcome->end == HTTP_REPLIED && outcome->status == 202) {
		hook->accepted[post->n] = 1;
		hook->taken++;
		sample(hook->bench, hook->which == WELL ? WELL_ANSWERED : ILL_ANSWERED,
		       clock_micros() - post->at);
	} else {
		hook->refused++;
	}
	hook->free[(hook->free_first + hook->free_count++) % KEYS] = post->key;
	free(post);
	send_due(hook);
}

static struct post *post_make(struct hook *hook)
{
	struct post *post = malloc(sizeof(*post));

	if (post == NULL)
		die("out of memory");
	post->hook = hook;
	post->n = hook->next++;
	post->key = hook->free[hook->free_first];
	post->at = hook->began + (int64_t)(hook->interval * post->n);
	hook->free_first = (hook->free_first + 1) % KEYS;
	hook->free_count--;
	return post;
}

static void send_event(struct hook *hook)
{
	static const struct http_header headers[] = { { { "Content-Type", 12 },
							{ "application/json", 16 } } };
	struct post *post = post_make(hook);
	char body[PAD + 256];
	int n = snprintf(body, sizeof(body),
			 "{\"t\":%d,\"n\":%u,\"k\":%u,\"at\":%lld,\"pad\":\"%0*d\"}", hook->which,
			 post->n, (unsigned)post->key, (long long)post->at, PAD, 0);
	struct http_call call = { .method = "POST",
				  .url = text_of(hook->url),
				  .headers = headers,
				  .header_count = 1,
				  .body = { body, (size_t)n },
				  .pool = HTTP_ANY_ADDRESS,
				  .timeout_ms = TIMEOUT,
				  .reply_limit = 1 << 16 };

	if (http_client_start(hook->bench->client, &call, on_answer, post) == NULL)
		die("out of memory");
}

static void send_due(struct hook *hook)
{
	while (hook->next < hook->due && hook->next < EVENTS && hook->free_count > 0)
		send_event(hook);
}

static void on_timer(void *of)
{
	struct hook *hook = of;
	uint64_t ticks;

	if (read(hook->timer, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks))
		return;
	hook->due = (uint32_t)((double)(clock_micros() - hook->began) / hook->interval) + 1;
	send_due(hook);
}

static void hook_pace(struct hook *hook, double rate)
{
	long nanos = (long)(1e9 / rate);
	struct itimerspec every = { .it_interval = { nanos / 1000000000, nanos % 1000000000 },
				    .it_value = { 0, 1 } };

	hook->interval = 1e6 / rate;
	hook->began = clock_micros();
	if (timerfd_settime(hook->timer, 0, &every, NULL) != 0)
		die("timerfd_settime");
}

static void hook_stop(struct hook *hook)
{
	const struct itimerspec never = { 0 };

	timerfd_settime(hook->timer, 0, &never, NULL);
	hook->due = hook->next;
}

/* --- what it is told --------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Milliseconds within which so many of a thousand were done. */
static double within(const struct samples *of, size_t thousandths)
{
	size_t at = of->n * thousandths / 1000;

	if (of->n == 0)
		return 0;
	return of->micros[at < of->n ? at : of->n - 1] / 1000.0;
}

static void print_series(const char *name, struct samples *of)
{
	qsort(of->micros, of->n, sizeof(of->micros[0]), ascending);
	printf(",\"%s\":{\"count\":%zu,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"longest\":%.3f}",
	       name, of->n, within(of, 500), within(of, 990), within(of, 999), within(of, 1000));
	of->n = 0;
}

static void do_phase(struct bench *bench)
{
	int64_t now = clock_micros();

	pthread_mutex_lock(&bench->lock);
	printf("{\"seconds\":%.3f", (double)(now - bench->phase_began) / 1e6);
	print_series("well arrived", &bench->samples[WELL_ARRIVED]);
	print_series("well answered", &bench->samples[WELL_ANSWERED]);
	print_series("ill answered", &bench->samples[ILL_ANSWERED]);
	printf("}\n");
	pthread_mutex_unlock(&bench->lock);
	bench->phase_began = now;
}

static void print_audit(const char *name, const struct hook *hook, const struct target *target)
{
	uint64_t missing = 0;

	for (uint32_t n = 0; n < hook->next; n++)
		missing += hook->accepted[n] && !target->arrived[n];
	printf("\"%s\":{\"sent\":%u,\"answered\":%llu,\"accepted\":%llu,\"refused\":%llu,"
	       "\"arrived\":%llu,\"repeats\":%llu,\"disordered\":%llu,\"missing\":%llu}",
	       name, hook->next, (unsigned long long)hook->answered,
	       (unsigned long long)hook->taken, (unsigned long long)hook->refused,
	       (unsigned long long)target->distinct, (unsigned long long)target->repeats,
	       (unsigned long long)target->disordered, (unsigned long long)missing);
}

static void do_audit(struct bench *bench)
{
	pthread_mutex_lock(&bench->lock);
	printf("{");
	print_audit("well", &bench->hooks[WELL], &bench->targets[WELL]);
	printf(",");
	print_audit("ill", &bench->hooks[ILL], &bench->targets[ILL]);
	printf("}\n");
	pthread_mutex_unlock(&bench->lock);
}

static bool do_ill(struct bench *bench, const char *what)
{
	struct target *target = &bench->targets[ILL];
	int64_t late = FOREVER;
	enum mood mood;

	if (strcmp(what, "ok") == 0)
		mood = MOOD_OK;
	else if (strcmp(what, "429") == 0)
		mood = MOOD_BUSY;
	else if (strcmp(what, "refuse") == 0)
		mood = MOOD_REFUSES;
	else if (strcmp(what, "hang") == 0 || strncmp(what, "slow ", 5) == 0)
		mood = MOOD_LATE;
	else
		return false;
	if (what[0] == 's')
		late = strtoll(what + 5, NULL, 10) * 1000;
	pthread_mutex_lock(&bench->lock);
	bench->mood = mood;
	bench->late = late;
	pthread_mutex_unlock(&bench->lock);
	let_go(bench, true);
	if (mood == MOOD_REFUSES && target->server != NULL)
		target_stop(target);
	if (mood != MOOD_REFUSES && target->server == NULL)
		target_start(target);
	return true;
}

static bool do_send(struct bench *bench, const char *words)
{
	double rates[TARGETS];

	if (sscanf(words, "%255s %255s %lf %lf", bench->hooks[WELL].url, bench->hooks[ILL].url,
		   &rates[WELL], &rates[ILL]) != 4 ||
	    rates[WELL] <= 0 || rates[ILL] <= 0)
		return false;
	for (int i = 0; i < TARGETS; i++)
		hook_pace(&bench->hooks[i], rates[i]);
	bench->phase_began = clock_micros();
	return true;
}

static void obey(struct bench *bench, const char *line)
{
	bool known = true;

	if (strcmp(line, "phase") == 0) {
		do_phase(bench);
	} else if (strcmp(line, "audit") == 0) {
		do_audit(bench);
	} else if (strncmp(line, "send ", 5) == 0) {
		known = do_send(bench, line + 5);
		printf("{}\n");
	} else if (strncmp(line, "ill ", 4) == 0) {
		known = do_ill(bench, line + 4);
		printf("{}\n");
	} else if (strcmp(line, "stop") == 0) {
		hook_stop(&bench->hooks[WELL]);
		hook_stop(&bench->hooks[ILL]);
		printf("{}\n");
	} else {
		known = false;
	}
	if (!known)
		die("what it was told makes no sense");
	fflush(stdout);
}

/* Its teller waits for an answer to each line, so they come one by one. */
static void on_input(void *of)
{
	struct bench *bench = of;
	char line[1024];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0) {
		bench->end = true;
		return;
	}
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	obey(bench, line);
}

/* --- life ------------------------------------------------------------------- */

static void *room_for(size_t size)
{
	void *room = calloc(EVENTS, size);

	if (room == NULL)
		die("out of memory");
	return room;
}

static void hook_make(struct bench *bench, int which)
{
	struct hook *hook = &bench->hooks[which];

	*hook = (struct hook){ .bench = bench, .which = which, .free_count = KEYS };
	hook->accepted = room_for(1);
	for (uint16_t key = 0; key < KEYS; key++)
		hook->free[key] = key;
	hook->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (hook->timer < 0 || !http_client_watch(bench->client, hook->timer, on_timer, hook))
		die("timerfd");
}

static void bench_make(struct bench *bench)
{
	pthread_mutex_init(&bench->lock, NULL);
	for (int i = 0; i < SERIES; i++)
		bench->samples[i].micros = room_for(sizeof(uint32_t));
	bench->client = http_client_new(clock_system());
	if (bench->client == NULL ||
	    !http_client_watch(bench->client, STDIN_FILENO, on_input, bench))
		die("out of memory or descriptors");
	for (int i = 0; i < TARGETS; i++) {
		bench->targets[i] =
		    (struct target){ .bench = bench, .which = i, .arrived = room_for(1) };
		target_start(&bench->targets[i]);
		hook_make(bench, i);
	}
}

static void write_ports(const struct bench *bench, const char *file)
{
	char temporary[4096];
	FILE *out;

	/* Renamed into place, so that whoever waits for the file never reads half of it. */
	snprintf(temporary, sizeof(temporary), "%s.new", file);
	out = fopen(temporary, "w");
	if (out == NULL ||
	    fprintf(out, "%u %u\n", bench->targets[WELL].port, bench->targets[ILL].port) < 0 ||
	    fclose(out) != 0 || rename(temporary, file) != 0)
		die(file);
}

static void bench_end(struct bench *bench)
{
	http_client_free(bench->client); /* what is under way ends by on_answer */
	for (int i = 0; i < TARGETS; i++) {
		if (bench->targets[i].server != NULL)
			target_stop(&bench->targets[i]);
		free(bench->targets[i].arrived);
		free(bench->hooks[i].accepted);
		close(bench->hooks[i].timer);
	}
	for (int i = 0; i < SERIES; i++)
		free(bench->samples[i].micros);
}

int main(int argc, char **argv)
{
	static struct bench bench;

	if (argc != 3 || strcmp(argv[1], "--port-file") != 0) {
		fprintf(stderr, "usage: bench-hang --port-file FILE\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	bench_make(&bench);
	write_ports(&bench, argv[2]);
	while (!bench.end) {
		http_client_turn(bench.client, 20); /* so late may a slow answer be */
		let_go(&bench, false);
	}
	hook_stop(&bench.hooks[WELL]);
	hook_stop(&bench.hooks[ILL]);
	bench_end(&bench);
	return 0;
}
