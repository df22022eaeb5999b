/* SPDX-License-Identifier: Apache-2.0
 *
 * file.c - see file.h. */
#include "file.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_SIZE     sizeof("events-0000000000000000000-20260101T000000Z.jsonl")
#define ID_SIZE       256
#define LINE_MOST     (32 << 20) /* bytes; an event with its `before` has a few MiB at most */
#define PENDING_FIRST 65536

struct log {
	struct log_limits limits;
	int folder, lock, fd;     /* fd -1: no file is open */
	char (*names)[NAME_SIZE]; /* of the files, oldest first; the last one is open */
	size_t count;
	long long size, begun; /* of the open file: bytes that are fine; s since the epoch */
	long long last;
	char id[ID_SIZE];
	char *pending; /* lines to be written */
	size_t used, room;
	bool dirty; /* written and not synced */
};

static bool fail(const char *what, const char *name)
{
	(void)fprintf(stderr, "%s %s: %s\n", what, name, strerror(errno));
	return false;
}

/* ---- Names. ---- */

static bool parse_name(const char *name, long long *begun)
{
	long long seq;
	struct tm t = { 0 };
	int end = 0;

	if (strlen(name) != NAME_SIZE - 1 ||
	    sscanf(name, "events-%19lld-%4d%2d%2dT%2d%2d%2dZ.jsonl%n", &seq, &t.tm_year, &t.tm_mon,
		   &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &end) != 7 ||
	    end != NAME_SIZE - 1)
		return false;
	t.tm_year -= 1900;
	t.tm_mon--;
	*begun = timegm(&t);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool add_name(struct log *log, const char *name)
{
	void *more = realloc(log->names, (log->count + 1) * NAME_SIZE);

	if (more == NULL)
		return fail("memory for", name);
	log->names = more;
	(void)memcpy(log->names[log->count++], name, NAME_SIZE);
	return true;
}

static bool list_files(struct log *log)
{
	int fd = openat(log->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool fine = dir != NULL;
	long long begun;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	while (fine && (entry = readdir(dir)) != NULL)
		if (parse_name(entry->d_name, &begun))
			fine = add_name(log, entry->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	if (fine && log->count > 0)
		qsort(log->names, log->count, NAME_SIZE, by_name);
	return fine || fail("read", "the folder");
}

/* ---- Beginning where it was left. ---- */

/* The place after the last line break before `end`; -1: it can't be read. */
static long long line_start(int fd, long long end)
{
	char block[8192];

	while (end > 0) {
		long long from =
		    end > (long long)sizeof(block) ? end - (long long)sizeof(block) : 0;
		ssize_t n = pread(fd, block, (size_t)(end - from), from);

		if (n != end - from)
			return -1;
		while (n > 0 && block[n - 1] != '\n')
			n--;
		if (n > 0)
			return from + n;
		end = from;
	}
	return 0;
}

/* Whether it is a line of ours: an object with a seq. */
static bool read_line(struct log *log, int fd, long long from, long long to)
{
	char *text = to - from <= LINE_MOST ? malloc((size_t)(to - from) + 1) : NULL;
	json_t *line = NULL;
	json_int_t seq = 0;
	const char *id = "";
	bool fine = text != NULL && pread(fd, text, (size_t)(to - from), from) == to - from;

	if (fine)
		line = json_loadb(text, (size_t)(to - from), JSON_ALLOW_NUL, NULL);
	fine = line != NULL && json_unpack(line, "{s:I,s?s}", "seq", &seq, "id", &id) == 0;
	if (fine) {
		log->last = seq;
		(void)snprintf(log->id, sizeof(log->id), "%s", id);
	}
	json_decref(line);
	free(text);
	return fine;
}

/* Cuts off what isn't a whole line, from the end. */
static bool repair(struct log *log, const char *name)
{
	struct stat st;
	long long end, start;

	if (fstat(log->fd, &st) != 0)
		return fail("look at", name);
	end = line_start(log->fd, st.st_size);
	while (end > 0) {
		start = line_start(log->fd, end - 1);
		if (start < 0)
			return fail("read", name);
		if (read_line(log, log->fd, start, end - 1))
			break;
		end = start; /* after a power cut there may be zeros, or an old block */
	}
	if (end < 0)
		return fail("read", name);
	if (end != st.st_size) {
		(void)fprintf(stderr, "%s: %lld bytes that aren't a whole line are cut off\n", name,
			      (long long)st.st_size - end);
		if (ftruncate(log->fd, end) != 0 || fsync(log->fd) != 0)
			return fail("cut", name);
	}
	log->size = end;
	return true;
}

/* The newest file that has a line; one that has none is deleted. */
static bool resume(struct log *log)
{
	while (log->count > 0) {
		const char *name = log->names[log->count - 1];

		log->fd = openat(log->folder, name, O_RDWR | O_APPEND | O_CLOEXEC);
		if (log->fd < 0)
			return fail("open", name);
		if (!repair(log, name))
			return false;
		/* Who wrote it may have been killed before it was synced. */
		log->dirty = log->size > 0;
		if (log->size > 0)
			return parse_name(name, &log->begun);
		(void)close(log->fd);
		log->fd = -1;
		if (unlinkat(log->folder, name, 0) != 0)
			return fail("delete", name);
		log->count--;
	}
	return true;
}

struct log *log_open(const char *folder, const struct log_limits *limits)
{
	struct log *log = calloc(1, sizeof(*log));

	assert(folder != NULL && limits != NULL && limits->size > 0);
	if (log == NULL)
		return NULL;
	log->limits = *limits;
	log->fd = log->lock = -1;
	log->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log->folder >= 0)
		log->lock = openat(log->folder, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (log->lock < 0 || flock(log->lock, LOCK_EX | LOCK_NB) != 0)
		(void)fail(errno == EWOULDBLOCK ? "another process writes to" : "open", folder);
	else if (list_files(log) && resume(log))
		return log;
	log_close(log);
	return NULL;
}

void log_close(struct log *log)
{
	if (log == NULL)
		return;
	if (log->fd >= 0)
		(void)close(log->fd);
	if (log->lock >= 0)
		(void)close(log->lock);
	if (log->folder >= 0)
		(void)close(log->folder);
	free(log->names);
	free(log->pending);
	free(log);
}

long long log_last(const struct log *log)
{
	return log->last;
}

const char *log_last_id(const struct log *log)
{
	return log->id;
}

/* ---- Files one after the other. ---- */

static bool drop_oldest(struct log *log)
{
	while (log->limits.keep > 0 && log->count > log->limits.keep) {
		if (unlinkat(log->folder, log->names[0], 0) != 0 && errno != ENOENT)
			return fail("delete", log->names[0]);
		log->count--;
		(void)memmove(log->names, log->names + 1, log->count * NAME_SIZE);
	}
	return true;
}

static bool begin_file(struct log *log, long long seq)
{
	char name[NAME_SIZE];
	time_t now = time(NULL);
	struct tm t;
	size_t n;

	(void)gmtime_r(&now, &t);
	(void)snprintf(name, sizeof(name), "events-%019lld-", seq);
	n = strlen(name);
	if (strftime(name + n, sizeof(name) - n, "%Y%m%dT%H%M%SZ.jsonl", &t) == 0)
		return fail("name", name);
	log->fd = openat(log->folder, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (log->fd < 0 || fsync(log->folder) != 0)
		return fail("begin", name);
	log->size = 0;
	log->begun = now;
	return add_name(log, name) && drop_oldest(log);
}

/* A file that is left is on disk, so that only the newest one is ever repaired. */
static bool leave_file(struct log *log)
{
	if (!log_write(log) || !log_sync(log))
		return false;
	(void)close(log->fd);
	log->fd = -1;
	return true;
}

static bool is_full(const struct log *log, size_t more)
{
	long long size = log->size + (long long)log->used;

	if (size == 0)
		return false;
	return size + (long long)more > log->limits.size ||
	       (log->limits.age > 0 && time(NULL) - log->begun >= log->limits.age);
}

bool log_add(struct log *log, long long seq, const char *text, size_t size)
{
	size_t room = log->room > 0 ? log->room : PENDING_FIRST;
	char *more;

	assert(seq > log->last && memchr(text, '\n', size) == NULL);
	if (log->fd >= 0 && is_full(log, size + 1) && !leave_file(log))
		return false;
	if (log->fd < 0 && !begin_file(log, seq))
		return false;
	while (room < log->used + size + 1)
		room *= 2;
	more = room > log->room ? realloc(log->pending, room) : log->pending;
	if (more == NULL)
		return fail("memory for", "a line");
	log->pending = more;
	log->room = room;
	(void)memcpy(log->pending + log->used, text, size);
	log->pending[log->used + size] = '\n';
	log->used += size + 1;
	log->last = seq;
	return true;
}

bool log_write(struct log *log)
{
	size_t done = 0;

	while (done < log->used) {
		ssize_t n = write(log->fd, log->pending + done, log->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)fail("write", log->names[log->count - 1]);
			if (ftruncate(log->fd, log->size) != 0)
				(void)fail("cut", log->names[log->count - 1]);
			return false;
		}
		done += (size_t)n;
	}
	log->dirty |= log->used > 0;
	log->size += (long long)log->used;
	log->used = 0;
	return true;
}

bool log_sync(struct log *log)
{
	if (log->dirty && fdatasync(log->fd) != 0)
		return fail("sync", log->names[log->count - 1]);
	log->dirty = false;
	return true;
}
