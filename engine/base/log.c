/* SPDX-License-Identifier: Apache-2.0
 *
 * log - rendering a line on the stack and writing it in one call.
 *
 * Lines are built in a fixed buffer, so logging works when memory is out; long
 * values are cut. A line leaves in one write(2), so lines of several threads
 * never mix. Where standard error is full it is waited for once, briefly; then
 * lines are left out until it takes some again.
 * I1  Whatever the fields hold, a line is one line, and with the JSON format
 *     one valid object: room for closing it is kept back.
 * One of the engine's three file-scope objects: a log line must be possible
 * from anywhere, and there is one standard error. */
#include "engine/base/log.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/escape.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: what a pipe takes in one piece */
#define LINE_RESERVE   16   /* kept back for what closes a value and the line */
#define FIELDS_MAX     16
#define MESSAGE_KEPT   80   /* bytes of a message that a summary repeats */
#define BURST_SLOTS    64   /* messages of one second; further ones share a count by level */
#define BURST_WINDOW   1000 /* milliseconds */
#define LEVELS         4

/* How often one message came in the second that began with the first of it. */
struct burst {
	uint64_t hash; /* of the message; 0: free */
	int64_t since; /* monotonic milliseconds */
	int64_t count, suppressed;
	enum log_level level;
	char message[MESSAGE_KEPT];
};

static struct {
	pthread_mutex_t lock;
	enum log_format format;
	enum log_level least;
	struct clock clock; /* read is NULL until log_setup: then the system's */
	struct burst bursts[BURST_SLOTS], others[LEVELS];
	struct log_losses losses;
	int64_t lost; /* lines since standard error took none; told when it does */
	bool blocked; /* it took nothing the last time: it is no longer waited for */
	bool torn;    /* it took a part of a line */
} sink = { .lock = PTHREAD_MUTEX_INITIALIZER, .format = LOG_TEXT, .least = LOG_INFO };

struct line {
	char s[LINE_MAX_BYTES];
	size_t n;
};

static const char *const level_words[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_format format, enum log_level least, struct clock clock)
{
	assert(clock.read != NULL);
	assert((unsigned)least < LEVELS);
	pthread_mutex_lock(&sink.lock);
	sink.format = format;
	sink.least = least;
	sink.clock = clock;
	memset(sink.bursts, 0, sizeof(sink.bursts));
	memset(sink.others, 0, sizeof(sink.others));
	sink.losses = (struct log_losses){ 0 };
	sink.lost = 0;
	sink.blocked = sink.torn = false;
	pthread_mutex_unlock(&sink.lock);
}

/* Adds all of `s` or nothing; false when it would eat into the reserve. */
static bool put(struct line *line, const char *s, size_t n)
{
	if (line->n + n > sizeof(line->s) - LINE_RESERVE)
		return false;
	memcpy(line->s + line->n, s, n);
	line->n += n;
	return true;
}

/* For what closes something: uses the reserve. */
static void close_with(struct line *line, const char *s)
{
	size_t n = strlen(s);

	assert(n <= sizeof(line->s) - line->n);
	memcpy(line->s + line->n, s, n);
	line->n += n;
}

static void put_escaped(struct line *line, const char *value)
{
	struct text t = text_of(value);
	char piece[ESCAPE_MAX];
	size_t at = 0;

	while (at < t.n) {
		size_t n = escape_json(t, &at, piece);

		if (!put(line, piece, n))
			return;
	}
}

/* Text values are quoted the same way in both formats. */
static void put_field(struct line *line, const struct log_field *field)
{
	const char *lead = sink.format == LOG_JSON ? ",\"" : " ";
	const char *middle = sink.format == LOG_JSON ? "\":" : "=";
	char number[24];
	int n = snprintf(number, sizeof(number), "%lld", (long long)field->num);
	/* Begun only when name and an empty value fit. */
	size_t need = strlen(lead) + strlen(field->key) + strlen(middle) + (size_t)n + 2;

	if (line->n + need > sizeof(line->s) - LINE_RESERVE)
		return;
	put(line, lead, strlen(lead));
	put(line, field->key, strlen(field->key));
	put(line, middle, strlen(middle));
	if (field->kind == LOG_NUM) {
		put(line, number, (size_t)n);
		return;
	}
	put(line, "\"", 1);
	put_escaped(line, field->str);
	close_with(line, "\"");
}

/* A pipe has room for a whole line then, and takes it in one piece; of a socket see write_some. */
static bool takes(void)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	sink.blocked = poll(&fd, 1, sink.blocked ? 0 : LIMIT_LOG_WAIT) == 0;
	return !sink.blocked;
}

/* A stream socket (journald's) may have room for a part of a line only. */
static ssize_t write_some(const char *s, size_t n)
{
	ssize_t done = send(STDERR_FILENO, s, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return done < 0 && errno == ENOTSOCK ? write(STDERR_FILENO, s, n) : done;
}

/* False: nothing was written, or a part. */
static bool write_all(const char *s, size_t n)
{
	size_t all = n;

	while (n > 0 && takes()) {
		ssize_t done = write_some(s, n);

		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done <= 0)
			break; /* there is nowhere left to say so */
		s += done;
		n -= (size_t)done;
	}
	sink.torn = sink.torn || (n > 0 && n < all);
	return n == 0;
}

static bool print(enum log_level level, int64_t wall, const char *message,
		  const struct log_field *fields, size_t count)
{
	bool json = sink.format == LOG_JSON;
	struct line line = { .n = 0 };
	char when[TIMETEXT_MAX];
	char head[128];
	int n;

	timetext_format_ms(wall, when);
	n = snprintf(head, sizeof(head),
		     json ? "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"" : "%s %-5s ", when,
		     level_words[level]);
	put(&line, head, (size_t)n);
	put_escaped(&line, message);
	if (json)
		close_with(&line, "\"");
	for (size_t i = 0; i < count; i++)
		put_field(&line, &fields[i]);
	close_with(&line, json ? "}\n" : "\n");
	return write_all(line.s, line.n);
}

static bool mend_torn(void)
{
	if (sink.torn && write_all("\n", 1))
		sink.torn = false;
	return !sink.torn;
}

/* True when nothing is left to tell: the next line may follow. */
static bool tell_lost(int64_t wall)
{
	if (mend_torn() && sink.lost > 0 &&
	    print(LOG_WARN, wall, "log lines were lost: nobody read standard error",
		  &LOG_I("lost", sink.lost), 1))
		sink.lost = 0;
	return !sink.torn && sink.lost == 0;
}

static void emit(enum log_level level, int64_t wall, const char *message,
		 const struct log_field *fields, size_t count)
{
	if (tell_lost(wall) && print(level, wall, message, fields, count))
		return;
	sink.lost++;
	sink.losses.blocked++;
}

/* Tells how many lines of a message were left out, and starts afresh. */
static void settle(struct burst *burst, int64_t wall)
{
	if (burst->suppressed > 0)
		emit(burst->level, wall, burst->message, &LOG_I("suppressed", burst->suppressed),
		     1);
	*burst = (struct burst){ 0 };
}

static void settle_all(struct instant now, bool all)
{
	for (size_t i = 0; i < BURST_SLOTS + LEVELS; i++) {
		struct burst *b = i < BURST_SLOTS ? &sink.bursts[i] : &sink.others[i - BURST_SLOTS];

		if (b->hash != 0 && (all || now.mono - b->since >= BURST_WINDOW))
			settle(b, now.wall);
	}
}

/* The message's count; where too many are in use, the level's. */
static struct burst *burst_of(enum log_level level, const char *message, int64_t mono)
{
	uint64_t hash = hash64(message, strlen(message), 0) | 1;
	struct burst *b = NULL;

	for (size_t i = 0; i < BURST_SLOTS; i++) {
		if (sink.bursts[i].hash == hash)
			return &sink.bursts[i];
		if (b == NULL && sink.bursts[i].hash == 0)
			b = &sink.bursts[i];
	}
	if (b == NULL) {
		b = &sink.others[level];
		message = "many different lines";
	}
	if (b->hash == 0) {
		*b = (struct burst){ .hash = hash, .since = mono, .level = level };
		snprintf(b->message, sizeof(b->message), "%s", message);
	}
	return b;
}

/* Whether the message may be printed now. */
static bool admit(enum log_level level, const char *message, struct instant now)
{
	struct burst *burst;

	settle_all(now, false);
	burst = burst_of(level, message, now.mono);
	if (++burst->count <= LOG_BURST)
		return true;
	burst->suppressed++;
	sink.losses.repeats++;
	return false;
}

static struct instant read_now(void)
{
	if (sink.clock.read == NULL)
		sink.clock = clock_system();
	return clock_read(&sink.clock);
}

void log_settle(bool all)
{
	struct instant now;

	pthread_mutex_lock(&sink.lock);
	now = read_now();
	settle_all(now, all);
	(void)tell_lost(now.wall);
	pthread_mutex_unlock(&sink.lock);
}

struct log_losses log_losses(void)
{
	struct log_losses losses;

	pthread_mutex_lock(&sink.lock);
	losses = sink.losses;
	pthread_mutex_unlock(&sink.lock);
	return losses;
}

static size_t gather(va_list args, struct log_field fields[FIELDS_MAX])
{
	size_t count = 0;

	for (;;) {
		struct log_field field = va_arg(args, struct log_field);

		if (field.kind == LOG_NONE)
			return count;
		assert(count < FIELDS_MAX);
		fields[count++] = field;
	}
}

static void say(enum log_level level, const char *message, const struct log_field *fields,
		size_t count, bool counted)
{
	struct instant now;

	assert(message != NULL);
	assert((unsigned)level < LEVELS);
	pthread_mutex_lock(&sink.lock);
	now = read_now();
	if (level >= sink.least && (!counted || admit(level, message, now)))
		emit(level, now.wall, message, fields, count);
	pthread_mutex_unlock(&sink.lock);
}

void log_write_(enum log_level level, const char *message, ...)
{
	struct log_field fields[FIELDS_MAX];
	size_t count;
	va_list args;

	va_start(args, message);
	count = gather(args, fields);
	va_end(args);
	say(level, message, fields, count, true);
}

void log_relay_(enum log_level level, const char *message, ...)
{
	struct log_field fields[FIELDS_MAX];
	size_t count;
	va_list args;

	va_start(args, message);
	count = gather(args, fields);
	va_end(args);
	say(level, message, fields, count, false);
}
