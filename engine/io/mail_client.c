/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_client - the threads and their letters; see mail_client.h.
 *
 * A thread is made when a letter comes and none is idle, up to
 * LIMIT_MAIL_THREADS, and stays. Before it sleeps it hangs up, unless another
 * letter comes within LIMIT_MAIL_IDLE: servers count open connections. */
#include "engine/io/mail_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>

#include "engine/base/crypto.h"
#include "engine/base/mem.h"
#include "engine/io/mail_transfer.h"

struct worker {
	struct mail_client *client;
	pthread_t thread;
	struct mail_line *line;
};

struct mail_client {
	struct clock clock;     /* stamps */
	struct clock timer;     /* what the condition waits by */
	pthread_mutex_t lock;   /* waiting, idle */
	pthread_cond_t letters; /* one has come, or stop */
	struct letter *waiting, **waiting_end;
	size_t waiting_count, idle;
	struct queue *ended; /* letters, for the owner */
	struct worker workers[LIMIT_MAIL_THREADS];
	size_t worker_count;
	atomic_bool stop;
};

/* ---- The threads. ---- */

/* False when nothing came in time. */
static bool wait_a_while(struct mail_client *client)
{
	int64_t until = clock_read(&client->timer).mono + LIMIT_MAIL_IDLE;
	const struct timespec at = { .tv_sec = until / 1000,
				     .tv_nsec = (long)(until % 1000) * 1000000 };

	return pthread_cond_timedwait(&client->letters, &client->lock, &at) != ETIMEDOUT;
}

/* The next letter, or NULL at the end. The lock is held, but not while hanging up. */
static struct letter *next_letter(struct worker *worker)
{
	struct mail_client *client = worker->client;
	struct letter *letter;

	client->idle++;
	while (client->waiting == NULL && !atomic_load(&client->stop)) {
		if (!mail_line_is_open(worker->line)) {
			pthread_cond_wait(&client->letters, &client->lock);
		} else if (!wait_a_while(client) && client->waiting == NULL) {
			client->idle--;
			pthread_mutex_unlock(&client->lock);
			mail_line_hang_up(worker->line);
			pthread_mutex_lock(&client->lock);
			client->idle++;
		}
	}
	client->idle--;
	letter = atomic_load(&client->stop) ? NULL : client->waiting;
	if (letter != NULL) {
		client->waiting = letter->next;
		client->waiting_count--;
		if (client->waiting == NULL)
			client->waiting_end = &client->waiting;
	}
	return letter;
}

static void *worker_run(void *of)
{
	struct worker *worker = of;
	struct mail_client *client = worker->client;
	struct letter *letter;

	pthread_mutex_lock(&client->lock);
	while ((letter = next_letter(worker)) != NULL) {
		pthread_mutex_unlock(&client->lock);
		letter->started = clock_read(&client->clock).mono;
		mail_line_carry(worker->line, letter);
		letter->ended = clock_read(&client->clock).mono;
		pthread_mutex_lock(&client->lock);
		/* Within the lock: whoever sends the next letter finds this thread idle. */
		queue_force(client->ended, &letter->item);
	}
	pthread_mutex_unlock(&client->lock);
	mail_line_hang_up(worker->line);
	return NULL;
}

static bool worker_add(struct mail_client *client)
{
	struct worker *worker = &client->workers[client->worker_count];

	worker->client = client;
	worker->line = mail_line_new(&client->stop);
	if (worker->line == NULL)
		return false;
	if (pthread_create(&worker->thread, NULL, worker_run, worker) != 0) {
		mail_line_free(worker->line);
		return false;
	}
	client->worker_count++;
	return true;
}

/* ---- Letters. ---- */

static struct text letter_put(struct letter *letter, struct text t)
{
	char *at = letter->bytes + letter->size;

	if (t.n > 0)
		memcpy(at, t.s, t.n);
	letter->size += t.n;
	return (struct text){ at, t.n };
}

static struct letter *letter_new(const struct mail_call *call, http_done done, void *of)
{
	size_t n = call->url.n + call->hello.n + call->username.n + call->password.n + call->ca.n +
		   call->from.n + call->to.n + call->message.n;
	struct letter *letter = mem_zero(1, sizeof(*letter) + n);

	if (letter == NULL)
		return NULL;
	letter->item.weight = sizeof(*letter) + n;
	letter->call = *call;
	letter->call.url = letter_put(letter, call->url);
	letter->call.hello = letter_put(letter, call->hello);
	letter->call.username = letter_put(letter, call->username);
	letter->call.password = letter_put(letter, call->password);
	letter->call.ca = letter_put(letter, call->ca);
	letter->call.from = letter_put(letter, call->from);
	letter->call.to = letter_put(letter, call->to);
	letter->call.message = letter_put(letter, call->message);
	letter->done = done;
	letter->of = of;
	return letter;
}

static void letter_free(struct letter *letter)
{
	bytes_wipe(letter->bytes, letter->size);
	mem_free(letter);
}

static void letter_report(struct letter *letter)
{
	struct http_outcome outcome = {
		.end = letter->end,
		.sent = letter->sent,
		.status = letter->status,
		.body = { letter->reply, letter->reply_size },
		.content_type = TEXT(""),
		.retry_after = TEXT(""),
		.error = letter->error,
		.started = letter->started,
		.ended = letter->ended,
	};

	letter->done(letter->of, &outcome);
	letter_free(letter);
}

bool mail_client_start(struct mail_client *client, const struct mail_call *call, http_done done,
		       void *of)
{
	struct letter *letter;
	bool carried;

	assert(client != NULL && call != NULL && done != NULL);
	assert(call->probe ? call->to.n + call->message.n == 0
			   : call->to.n > 0 && call->from.n > 0 && call->message.n > 0);
	assert(call->timeout_ms > 0 && !atomic_load(&client->stop));
	letter = letter_new(call, done, of);
	if (letter == NULL)
		return false;
	pthread_mutex_lock(&client->lock);
	carried = client->idle > client->waiting_count ||
		  (client->worker_count < LIMIT_MAIL_THREADS && worker_add(client)) ||
		  client->worker_count > 0;
	if (carried) {
		*client->waiting_end = letter;
		client->waiting_end = &letter->next;
		client->waiting_count++;
		pthread_cond_signal(&client->letters);
	}
	pthread_mutex_unlock(&client->lock);
	if (!carried)
		letter_free(letter);
	return carried;
}

int mail_client_fd(const struct mail_client *client)
{
	assert(client != NULL);
	return queue_fd(client->ended);
}

void mail_client_turn(void *of)
{
	struct mail_client *client = of;
	struct queue_item *item;

	assert(client != NULL);
	item = queue_take(client->ended);
	while (item != NULL) {
		struct queue_item *next = item->next;

		letter_report((struct letter *)(void *)item);
		item = next;
	}
}

/* ---- Life. ---- */

static bool init_lock(struct mail_client *client)
{
	pthread_condattr_t attributes;
	bool fine;

	if (pthread_mutex_init(&client->lock, NULL) != 0)
		return false;
	if (pthread_condattr_init(&attributes) != 0) {
		pthread_mutex_destroy(&client->lock);
		return false;
	}
	fine = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(&client->letters, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	if (!fine)
		pthread_mutex_destroy(&client->lock);
	return fine;
}

struct mail_client *mail_client_new(struct clock clock)
{
	struct mail_client *client = mem_zero(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->clock = clock;
	client->timer = clock_system();
	client->waiting_end = &client->waiting;
	atomic_init(&client->stop, false);
	client->ended = queue_new(SIZE_MAX, SIZE_MAX);
	if (client->ended != NULL && init_lock(client)) {
		if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
			return client;
		pthread_cond_destroy(&client->letters);
		pthread_mutex_destroy(&client->lock);
	}
	queue_free(client->ended);
	mem_free(client);
	return NULL;
}

static void stop_workers(struct mail_client *client)
{
	pthread_mutex_lock(&client->lock);
	atomic_store(&client->stop, true);
	pthread_cond_broadcast(&client->letters);
	pthread_mutex_unlock(&client->lock);
	for (size_t i = 0; i < client->worker_count; i++)
		mail_line_cut(client->workers[i].line);
	for (size_t i = 0; i < client->worker_count; i++) {
		pthread_join(client->workers[i].thread, NULL);
		mail_line_free(client->workers[i].line);
	}
}

void mail_client_free(struct mail_client *client)
{
	struct letter *letter;

	if (client == NULL)
		return;
	stop_workers(client);
	mail_client_turn(client);
	while ((letter = client->waiting) != NULL) {
		client->waiting = letter->next;
		letter->end = HTTP_CANCELLED;
		letter->error = "cancelled";
		letter_report(letter);
	}
	queue_free(client->ended);
	pthread_cond_destroy(&client->letters);
	pthread_mutex_destroy(&client->lock);
	mem_free(client);
	curl_global_cleanup();
}
