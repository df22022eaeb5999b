/* SPDX-License-Identifier: Apache-2.0
 *
 * log - one line per occurrence, to standard error.
 *
 * On a terminal: time, level, message, then key=value pairs; with the JSON
 * format one object per line. Values are always quoted or escaped, so nobody
 * can forge a line. Repeats of one message beyond LOG_BURST in a second are
 * counted, not printed (log_relay's are left to its caller); each message has
 * a count of its own, so that a flood of one hides no other.
 * A standard error that nobody reads holds up nobody for longer than
 * LIMIT_LOG_WAIT: lines are left out and counted until it is read again.
 * Never: prints a struct secret (there is no way to pass one); allocates. */
#ifndef TAPPET_BASE_LOG_H
#define TAPPET_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/clock.h"

#define LOG_BURST 20 /* lines of one message in a second: enough to see, too few to drown */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_field {
	const char *key;
	enum { LOG_NONE, LOG_STR, LOG_NUM } kind;
	const char *str; /* NUL-terminated; NULL prints as "" */
	int64_t num;
};

#define LOG_S(k, v) ((struct log_field){ (k), LOG_STR, (v), 0 })
#define LOG_I(k, v) ((struct log_field){ (k), LOG_NUM, 0, (int64_t)(v) })

/* Before any thread is started. */
void log_setup(enum log_format format, enum log_level least, struct clock clock);

/* log_write(LOG_WARN, "target refused", LOG_S("target", name), LOG_I("status", 503)) */
#define log_write(level, ...) log_write_(level, __VA_ARGS__, (struct log_field){ 0 })
void log_write_(enum log_level level, const char *message, ...);

/* The same for what somebody else says, who bounds how often: none of it is counted instead. */
#define log_relay(level, ...) log_relay_(level, __VA_ARGS__, (struct log_field){ 0 })
void log_relay_(enum log_level level, const char *message, ...);

/* Tells what was left out where no further line has done so: of messages whose second is over, or
 * of all. To be called now and then, and at the end. */
void log_settle(bool all);

/* Lines left out since the start. */
struct log_losses {
	uint64_t repeats; /* beyond LOG_BURST */
	uint64_t blocked; /* standard error took nothing */
};

struct log_losses log_losses(void);

#endif
