/* SPDX-License-Identifier: Apache-2.0
 *
 * log - rendering a line on the stack and writing it in one call.
 *
 * Lines are built in a fixed buffer, so logging works when memory is out; long
 * values are cut. A line leaves in one write(2), so lines of several threads
 * never mix.
 * I1  Whatever the fields hold, a line is one line, and with the JSON format
 *     one valid object: room for closing it is kept back.
 * One of the engine's three file-scope objects: a log line must be possible
 * from anywhere, and there is one standard error. */
#include "engine/base/log.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/escape.h"
#include "engine/base/hash.h"
#include "engine/base/timetext.h"

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: what a pipe takes in one piece */
#define LINE_RESERVE   16   /* kept back for what closes a value and the line */
#define FIELDS_MAX     16
#define MESSAGE_KEPT   80 /* bytes of a message that a summary repeats */
#define BURST_SLOTS    64
#define BURST_WINDOW   1000 /* milliseconds */

/* How often one message came in the current second. */
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
	struct burst bursts[BURST_SLOTS];
} sink = { .lock = PTHREAD_MUTEX_INITIALIZER, .format = LOG_TEXT, .least = LOG_INFO };

struct line {
	char s[LINE_MAX_BYTES];
	size_t n;
};

static const char *const level_words[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_format format, enum log_level least, struct clock clock)
{
	assert(clock.read != NULL);
	assert((unsigned)least < 4);
	pthread_mutex_lock(&sink.lock);
	sink.format = format;
	sink.least = least;
	sink.clock = clock;
	memset(sink.bursts, 0, sizeof(sink.bursts));
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

static void write_all(const char *s, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* there is nowhere left to say so */
		s += done;
		n -= (size_t)done;
	}
}

static void emit(enum log_level level, int64_t wall, const char *message,
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
	write_all(line.s, line.n);
}

/* Tells how many lines of a message were left out, and starts afresh. */
static void settle(struct burst *burst, int64_t wall)
{
	if (burst->suppressed > 0)
		emit(burst->level, wall, burst->message, &LOG_I("suppressed", burst->suppressed),
		     1);
	*burst = (struct burst){ 0 };
}

/* Whether the message may be printed now. */
static bool admit(enum log_level level, const char *message, struct instant now)
{
	uint64_t hash = hash64(message, strlen(message), 0) | 1;
	struct burst *burst = &sink.bursts[(hash >> 8) % BURST_SLOTS];

	for (size_t i = 0; i < BURST_SLOTS; i++) {
		struct burst *old = &sink.bursts[i];

		if (old->hash != 0 && now.mono - old->since >= BURST_WINDOW)
			settle(old, now.wall);
	}
	if (burst->hash != hash) {
		settle(burst, now.wall);
		burst->hash = hash;
		burst->since = now.mono;
		burst->level = level;
		snprintf(burst->message, sizeof(burst->message), "%s", message);
	}
	burst->count++;
	if (burst->count <= LOG_BURST)
		return true;
	burst->suppressed++;
	return false;
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
	assert((unsigned)level < 4);
	pthread_mutex_lock(&sink.lock);
	if (sink.clock.read == NULL)
		sink.clock = clock_system();
	now = clock_read(&sink.clock);
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
