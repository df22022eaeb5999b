/* SPDX-License-Identifier: Apache-2.0
 *
 * event-log - every event of tappet's log as a line of JSON in files of a folder.
 *
 * It reads by a durable cursor, and acknowledges what is in the files (on the disk, with
 * --sync batch or a time). What wasn't acknowledged comes again; what of it is in the
 * files already is known by its seq. So after any crash of either side there is no gap and no
 * line twice.
 *
 * When something can't be written, the process ends, with nothing of it acknowledged. */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "file.h"
#include "tappet_plugin.h"

#define WINDOW 2000

enum { SYNC_BATCH = 0, SYNC_NEVER = -1 }; /* else: ms between two */

struct event_log {
	struct tappet_plugin *plugin;
	struct log *log;
	long long sync;
	int timer;     /* -1: none */
	long long seq; /* of the last event that was given */
	long long written, acked;
	unsigned skipped; /* given again, and in the files */
	bool failed;
};

struct options {
	const char *folder;
	struct log_limits limits;
	long long sync;
	const char *from;
	json_t *types;
};

static void give_up(struct event_log *e)
{
	e->failed = true;
	tappet_plugin_stop(e->plugin);
}

/* ---- Events. ---- */

/* What came again, after a crash. The last line tells whether it is the same log. */
static void skip(struct event_log *e, const struct tappet_message *event)
{
	json_t *text = json_loadb(event->body, event->size, JSON_ALLOW_NUL, NULL);
	const char *id = json_string_value(json_object_get(text, "id"));
	bool other =
	    event->seq == log_last(e->log) && (id == NULL || strcmp(id, log_last_id(e->log)) != 0);

	json_decref(text);
	if (!other && ++e->skipped <= WINDOW)
		return;
	(void)fprintf(stderr, "the folder has the events of another log: "
			      "move them away, or name another folder\n");
	give_up(e);
}

/* With its seq, and in one line. */
static bool add_line(struct event_log *e, const struct tappet_message *event)
{
	json_t *text = NULL;
	char *line;
	bool fine;

	if (memchr(event->body, '\n', event->size) == NULL)
		return log_add(e->log, event->seq, event->body, event->size);
	text = json_loadb(event->body, event->size, JSON_ALLOW_NUL, NULL);
	line = text != NULL ? json_dumps(text, JSON_COMPACT) : NULL;
	fine = line != NULL && log_add(e->log, event->seq, line, strlen(line));
	free(line);
	json_decref(text);
	return fine;
}

static void on_event(void *of, const struct tappet_message *event)
{
	struct event_log *e = of;

	if (e->failed)
		return;
	if (event->seq <= log_last(e->log))
		skip(e, event);
	else if (!add_line(e, event))
		give_up(e);
	if (!e->failed)
		e->seq = event->seq;
}

/* What is missing is in the files, too: it has the seq of the last one that is. */
static void on_gap(void *of, const struct tappet_message *gap)
{
	struct event_log *e = of;
	char line[256];
	int n;

	if (e->failed)
		return;
	e->seq = gap->to > e->seq ? gap->to : e->seq;
	if (gap->to <= log_last(e->log))
		return;
	n = snprintf(
	    line, sizeof(line),
	    "{\"specversion\":\"1.0\",\"id\":\"gap-%lld\",\"source\":\"/tappet/event-log\","
	    "\"type\":\"tappet.gap\",\"seq\":%lld,\"data\":{\"from\":%lld,\"to\":%lld}}",
	    gap->to, gap->to, gap->from, gap->to);
	if (!log_add(e->log, gap->to, line, (size_t)n))
		give_up(e);
}

static void acknowledge(struct event_log *e)
{
	/* Until the last line was met, it isn't known that it is the same log. */
	if (e->written <= e->acked || e->written < log_last(e->log))
		return;
	tappet_ack(e->plugin, "event_log", e->written);
	e->acked = e->written;
}

static void sync_now(struct event_log *e)
{
	if (e->failed)
		return;
	if (!log_sync(e->log))
		give_up(e);
	else
		acknowledge(e);
}

static void on_idle(void *of)
{
	struct event_log *e = of;
	uint64_t times;

	if (e->failed)
		return;
	if (!log_write(e->log)) {
		give_up(e);
		return;
	}
	e->written = e->seq;
	if (e->sync == SYNC_BATCH || (e->timer >= 0 && read(e->timer, &times, sizeof(times)) > 0))
		sync_now(e);
	else if (e->sync == SYNC_NEVER)
		acknowledge(e);
}

static void on_stopping(void *of)
{
	on_idle(of);
	sync_now(of);
}

/* ---- Words of the command. ---- */

/* A number and a unit; -1: it is none. */
static long long parse(const char *text, const char *const *units, const long long *factors)
{
	char *end;
	long long n = strtoll(text, &end, 10);

	for (size_t i = 0; units[i] != NULL; i++)
		if (end != text && n >= 0 && n <= INT64_MAX / factors[i] &&
		    strcmp(end, units[i]) == 0)
			return n * factors[i];
	return -1;
}

static long long parse_size(const char *text)
{
	static const char *const units[] = { "", "KiB", "MiB", "GiB", NULL };
	static const long long factors[] = { 1, 1024, 1048576, 1073741824 };

	return parse(text, units, factors);
}

/* In ms. */
static long long parse_time(const char *text)
{
	static const char *const units[] = { "ms", "s", "m", "h", "d", NULL };
	static const long long factors[] = { 1, 1000, 60000, 3600000, 86400000 };

	return parse(text, units, factors);
}

static long long parse_sync(const char *text)
{
	long long ms;

	if (strcmp(text, "batch") == 0)
		return SYNC_BATCH;
	if (strcmp(text, "never") == 0)
		return SYNC_NEVER;
	ms = parse_time(text);
	return ms > 0 ? ms : -2;
}

static bool take_option(struct options *o, int option, const char *value)
{
	long long n = -1;

	switch (option) {
	case 'a':
		n = parse_time(value);
		o->limits.age = n / 1000;
		break;
	case 'd':
		o->folder = value;
		return true;
	case 'f':
		o->from = value;
		return strcmp(value, "now") == 0 || strcmp(value, "start") == 0;
	case 'k':
		n = parse_size(value);
		o->limits.keep = (unsigned)n;
		return n >= 0 && n <= 1000000;
	case 's':
		o->limits.size = n = parse_size(value);
		return n > 0;
	case 't':
		return json_array_append_new(o->types, json_string(value)) == 0;
	case 'y':
		o->sync = n = parse_sync(value);
		return n >= SYNC_NEVER;
	default:
		return false;
	}
	return n >= 0;
}

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option words[] = {
		{ "age", 1, NULL, 'a' },   { "directory", 1, NULL, 'd' }, { "from", 1, NULL, 'f' },
		{ "keep", 1, NULL, 'k' },  { "size", 1, NULL, 's' },      { "sync", 1, NULL, 'y' },
		{ "types", 1, NULL, 't' }, { NULL, 0, NULL, 0 },
	};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "", words, &index)) != -1) {
		if (option == '?')
			return false;
		if (!take_option(o, option, optarg)) {
			(void)fprintf(stderr, "event-log: --%s: what is %s?\n", words[index].name,
				      optarg);
			return false;
		}
	}
	if (json_array_size(o->types) == 0)
		(void)json_array_append_new(o->types, json_string("**"));
	return o->folder != NULL && optind == argc;
}

static void print_usage(void)
{
	(void)fprintf(stderr, "usage: event-log --directory DIR [--size 64MiB] [--age 24h]\n"
			      "                 [--keep FILES] [--sync batch|TIME|never]\n"
			      "                 [--types PATTERN]... [--from start|now]\n");
}

/* ---- From beginning to end. ---- */

static bool begin_timer(struct event_log *e)
{
	struct itimerspec every = { .it_interval = { e->sync / 1000, e->sync % 1000 * 1000000 } };

	if (e->sync <= 0)
		return true;
	every.it_value = every.it_interval;
	e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return e->timer >= 0 && timerfd_settime(e->timer, 0, &every, NULL) == 0 &&
	       tappet_plugin_watch(e->plugin, e->timer);
}

static bool begin(struct event_log *e, const struct options *o)
{
	e->log = log_open(o->folder, &o->limits);
	if (e->log == NULL)
		return false;
	e->plugin = tappet_plugin_new(&(struct tappet_options){
	    .name = "event_log",
	    .manifest = "{\"version\":\"1.0\",\"doc\":\"Writes events to files.\"}",
	    .of = e,
	    .event = on_event,
	    .gap = on_gap,
	    .idle = on_idle,
	    .stopping = on_stopping,
	});
	if (e->plugin != NULL &&
	    tappet_subscribe(e->plugin,
			     json_pack("{s:s,s:O,s:s,s:i}", "cursor", "event_log", "types",
				       o->types, "from", o->from, "window", WINDOW)) &&
	    begin_timer(e))
		return true;
	perror("event-log");
	return false;
}

int main(int argc, char **argv)
{
	struct options o = { .limits = { .size = 64 << 20, .age = 86400 },
			     .from = "start",
			     .types = json_array() };
	struct event_log e = { .timer = -1, .seq = -1, .written = -1, .acked = -1 };
	int code = 2;

	if (!read_options(&o, argc, argv)) {
		print_usage();
		json_decref(o.types);
		return 2;
	}
	e.sync = o.sync;
	if (begin(&e, &o))
		code = tappet_plugin_run(e.plugin);
	if (e.timer >= 0)
		(void)close(e.timer);
	tappet_plugin_free(e.plugin);
	log_close(e.log);
	json_decref(o.types);
	return e.failed ? 1 : code;
}
