/* SPDX-License-Identifier: Apache-2.0
 *
 * file - the files of the log: lines of JSON, one to an event, in the order of seq.
 *
 *   events-<seq of the first line, 19 digits>-<when it was begun, UTC>.jsonl
 *
 * I1  A file ends with a whole line, but for the time of a write. What a crash has left
 *     of one is cut off when the folder is opened, and when a write fails.
 * I2  Each line's seq is greater than that of the line before it, across files.
 * I3  Only one process writes to a folder (flock).
 *
 * Ownership: log_close frees all. Errors are told on stderr. */
#ifndef EVENT_LOG_FILE_H
#define EVENT_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct log;

struct log_limits {
	long long size; /* bytes after which a new file is begun */
	long long age;  /* s after which one is begun; 0: never */
	unsigned keep;  /* files; the oldest beyond that are deleted; 0: all are kept */
};

/* Repairs the newest file and goes on with it. NULL: it can't. */
struct log *log_open(const char *folder, const struct log_limits *limits);
void log_close(struct log *log);

/* The seq of the last line, 0: there is none. Its id, empty when it has none. */
long long log_last(const struct log *log);
const char *log_last_id(const struct log *log);

/* Adds a line: kept in memory until log_write. The text has no line break. */
bool log_add(struct log *log, long long seq, const char *text, size_t size);
bool log_write(struct log *log); /* to the file */
bool log_sync(struct log *log);  /* what was written, to the disk */

#endif
