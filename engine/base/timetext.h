/* SPDX-License-Identifier: Apache-2.0
 *
 * timetext - times and durations as people and protocols write them.
 *
 * RFC 3339 (with its ISO 8601 offset), HTTP dates (RFC 9110 5.6.7), and the
 * durations of configuration files (500ms 10s 5m 2h 1d 1w). Proleptic
 * Gregorian calendar, years 1 to 9999. */
#ifndef TAPPET_BASE_TIMETEXT_H
#define TAPPET_BASE_TIMETEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/text.h"

struct civil {
	int year, month, day;     /* month and day from 1 */
	int hour, minute, second; /* 0..23, 0..59, 0..59 */
	int weekday;              /* 0 = Sunday; an output only */
};

#define TIMETEXT_MAX 40 /* "2026-11-22T00:50:25.123456789Z" and a NUL fit */

/* "2013-04-15T16:48:48-07:00", fraction up to nine digits, offset required.
 * False for anything else. `nanos` may be NULL. */
bool timetext_parse(struct text t, int64_t *seconds, int32_t *nanos);
bool timetext_parse_ms(struct text t, int64_t *ms); /* the same, truncated to milliseconds */

/* UTC with "Z"; a fraction only when there is one (3, 6 or 9 digits). */
void timetext_format(int64_t seconds, int32_t nanos, char out[TIMETEXT_MAX]);
void timetext_format_ms(int64_t ms, char out[TIMETEXT_MAX]);

bool timetext_parse_http(struct text t, int64_t *ms); /* IMF-fixdate only */

/* One number and one unit; the result is in milliseconds and positive or 0. */
bool timetext_duration(struct text t, int64_t *ms);
void timetext_duration_format(int64_t ms, char out[TIMETEXT_MAX]); /* "24h", "1500ms" */

/* Whether the instant lies in the years 1 to 9999 (UTC). What lies outside is
 * shown as the nearest end. */
#define TIMETEXT_FIRST INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define TIMETEXT_LAST  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
bool timetext_in_range(int64_t seconds);

int timetext_month_days(int year, int month);

int64_t timetext_from_civil(const struct civil *c); /* UTC; seconds since the epoch */
struct civil timetext_to_civil(int64_t seconds);    /* UTC */

#endif
