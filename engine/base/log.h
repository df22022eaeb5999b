/* SPDX-License-Identifier: Apache-2.0
 *
 * log - one line per occurrence, to standard error.
 *
 * On a terminal: time, level, message, then key=value pairs; with the JSON
 * format one object per line. Values are always quoted or escaped, so nobody
 * can forge a line. Repeats of one message beyond LOG_BURST in a second are
 * counted, not printed (log_relay's are left to its caller).
 * Never: prints a struct secret (there is no way to pass one). */
#ifndef TAPPET_BASE_LOG_H
#define TAPPET_BASE_LOG_H

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

#endif
