/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_time - timestamps, durations and their parts: langdef.md,
 * "Timestamps and Durations".
 *
 * I1  A timestamp lies in years 1 to 9999; a duration fits 64 bits of
 *     nanoseconds, as in the reference implementations.
 * I2  The nanoseconds of a timestamp are 0..999999999, those of a duration have
 *     its sign.
 * A zone is an IANA name or an offset such as "-07:00"; without one it is UTC. */
#include "engine/cel/env.h"
#include "engine/cel/program.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/mem.h"
#include "engine/base/timetext.h"
#include "engine/base/zone.h"

#define NANOS        1000000000
#define MOST_SECONDS (INT64_MAX / NANOS)

__extension__ typedef __int128 wide; /* nanoseconds before their range is checked */

/* ---- Ranges ---- */

struct value cel_timestamp(struct cel_run *run, int64_t seconds, int64_t nanos)
{
	seconds += nanos / NANOS;
	nanos %= NANOS;
	if (nanos < 0) {
		nanos += NANOS;
		seconds--;
	}
	if (seconds < TIMETEXT_FIRST || seconds > TIMETEXT_LAST)
		return cel_error(run, "the timestamp is out of range");
	return (struct value){ .kind = VALUE_TIMESTAMP, .n = (uint32_t)nanos, .i = seconds };
}

struct value cel_duration(struct cel_run *run, int64_t seconds, int64_t nanos)
{
	wide total = (wide)seconds * NANOS + nanos;

	if (total > INT64_MAX || total < INT64_MIN)
		return cel_error(run, "the duration is out of range");
	return (struct value){ .kind = VALUE_DURATION,
			       .n = (uint32_t)(int32_t)(total % NANOS),
			       .i = (int64_t)(total / NANOS) };
}

void cel_duration_text(struct value v, char out[CEL_DURATION_TEXT])
{
	int32_t nanos = (int32_t)v.n;
	bool negative = v.i < 0 || nanos < 0;
	uint64_t seconds = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
	char fraction[16] = "";

	assert(v.kind == VALUE_DURATION && nanos > -NANOS && nanos < NANOS);
	if (nanos != 0) {
		snprintf(fraction, sizeof(fraction), ".%09d", nanos < 0 ? -nanos : nanos);
		for (int n = 9; n > 0 && fraction[n] == '0'; n--)
			fraction[n] = '\0';
	}
	snprintf(out, CEL_DURATION_TEXT, "%s%llu%ss", negative ? "-" : "",
		 (unsigned long long)seconds, fraction);
}

/* ---- Reading durations: Go's time.ParseDuration ---- */

struct unit {
	const char *name;
	int64_t nanos;
};

/* Takes digits from *t into *value; how many, or -1 when they are too many. */
static int take_digits(struct text *t, int64_t *value)
{
	int n = 0;

	*value = 0;
	while (t->n > 0 && t->s[0] >= '0' && t->s[0] <= '9') {
		if (n++ == 18)
			return -1;
		*value = *value * 10 + (t->s[0] - '0');
		t->s++;
		t->n--;
	}
	return n;
}

/* The nanoseconds of the unit that *t starts with, or 0. */
static int64_t take_unit(struct text *t)
{
	static const struct unit units[] = {
		{ "ns", 1 },       { "us", 1000 }, { "\xc2\xb5s", 1000 }, { "\xce\xbcs", 1000 },
		{ "ms", 1000000 }, { "s", NANOS }, { "m", 60LL * NANOS }, { "h", 3600LL * NANOS },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (!text_starts(*t, text_of(units[i].name)))
			continue;
		t->s += n;
		t->n -= n;
		return units[i].nanos;
	}
	return 0;
}

/* One "1.5h" from *t, added to *total. */
static bool take_part(struct text *t, wide *total)
{
	int64_t whole, part = 0, unit;
	int digits = take_digits(t, &whole), decimals = 0;
	wide scale = 1;

	if (t->n > 0 && t->s[0] == '.') {
		t->s++;
		t->n--;
		decimals = take_digits(t, &part);
	}
	if (digits < 0 || decimals < 0 || digits + decimals == 0)
		return false;
	unit = take_unit(t);
	for (int i = 0; i < decimals; i++)
		scale *= 10;
	*total += (wide)whole * unit + (wide)part * unit / scale;
	return unit != 0 && *total <= (wide)INT64_MAX;
}

#define DURATION_TEXT 400 /* longer spellings are refused: every unit with 18 digits takes 160 */

static bool read_duration(struct text t, wide *total)
{
	bool negative = t.n > 0 && t.s[0] == '-';

	*total = 0;
	if (t.n > 0 && (t.s[0] == '-' || t.s[0] == '+')) {
		t.s++;
		t.n--;
	}
	if (text_is(t, "0"))
		return true;
	do {
		if (!take_part(&t, total))
			return false;
	} while (t.n > 0);
	if (negative)
		*total = -*total;
	return true;
}

static struct value call_duration(struct cel_run *run, void *of, const struct value *args,
				  uint32_t count)
{
	struct value v = args[0];
	wide total;

	(void)of;
	assert(count == 1);
	if (v.kind == VALUE_DURATION)
		return v;
	if (v.n > DURATION_TEXT || !read_duration(value_as_text(v), &total))
		return cel_error(run, "\"%.*s\" is no duration such as \"1h30m\"",
				 TEXT_ARG(text_head(value_as_text(v), 40)));
	return cel_duration(run, (int64_t)(total / NANOS), (int64_t)(total % NANOS));
}

/* ---- Reading timestamps ---- */

static struct value call_timestamp(struct cel_run *run, void *of, const struct value *args,
				   uint32_t count)
{
	struct value v = args[0];
	int64_t seconds;
	int32_t nanos;

	(void)of;
	assert(count == 1);
	if (v.kind == VALUE_TIMESTAMP)
		return v;
	if (v.kind == VALUE_INT)
		return cel_timestamp(run, v.i, 0);
	if (!timetext_parse(value_as_text(v), &seconds, &nanos))
		return cel_error(run,
				 "\"%.*s\" is no timestamp such as \"2013-04-15T16:48:48-07:00\"",
				 TEXT_ARG(text_head(value_as_text(v), 40)));
	return cel_timestamp(run, seconds, nanos);
}

/* ---- Zones ---- */

struct place {
	struct zone *zone; /* NULL: the offset counts */
	int32_t offset;    /* seconds east of UTC */
};

static int two_digits(struct text t, size_t at)
{
	unsigned a = (unsigned)(t.s[at] - '0'), b = (unsigned)(t.s[at + 1] - '0');

	return a <= 9 && b <= 9 ? (int)(a * 10 + b) : -1;
}

/* "+05:30", "-08:00", "05:30". */
static bool read_offset(struct text t, int32_t *out)
{
	bool negative = t.n > 0 && t.s[0] == '-';
	int hours, minutes;

	if (t.n > 0 && (t.s[0] == '-' || t.s[0] == '+')) {
		t.s++;
		t.n--;
	}
	if (t.n != 5 || t.s[2] != ':')
		return false;
	hours = two_digits(t, 0);
	minutes = two_digits(t, 3);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*out = (hours * 60 + minutes) * (negative ? -60 : 60);
	return true;
}

static void place_drop(void *thing)
{
	struct place *place = thing;

	zone_free(place->zone);
	mem_free(place);
}

static void *place_make(struct text name, char *why, size_t room)
{
	struct place *place = mem_zero(1, sizeof(*place));

	if (place == NULL) {
		snprintf(why, room, "memory is out");
		return NULL;
	}
	if (read_offset(name, &place->offset))
		return place;
	place->zone = zone_load(name);
	if (place->zone != NULL)
		return place;
	snprintf(why, room, "there is no time zone \"%.*s\"", TEXT_ARG(text_head(name, 40)));
	mem_free(place);
	return NULL;
}

const struct cel_thing cel_zone = { place_make, place_drop };

/* ---- Parts ---- */

enum part { YEAR, MONTH, DAY_OF_YEAR, DAY, DAY_OF_WEEK, HOUR, MINUTE, SECOND };

static int64_t day_of_year(const struct civil *c)
{
	struct civil first = { .year = c->year, .month = 1, .day = 1 };
	struct civil day = { .year = c->year, .month = c->month, .day = c->day };

	return (timetext_from_civil(&day) - timetext_from_civil(&first)) / 86400;
}

/* Months and days of the year count from 0; DAY from 1. */
static int64_t part_of(const struct civil *c, enum part part)
{
	switch (part) {
	case YEAR:
		return c->year;
	case MONTH:
		return c->month - 1;
	case DAY_OF_YEAR:
		return day_of_year(c);
	case DAY:
		return c->day;
	case DAY_OF_WEEK:
		return c->weekday;
	case HOUR:
		return c->hour;
	case MINUTE:
		return c->minute;
	case SECOND:
		break;
	}
	return c->second;
}

bool cel_civil(struct cel_run *run, int64_t seconds, const struct value *zone, struct civil *out,
	       struct value *bad)
{
	const struct place *place;
	char why[100] = "";

	assert(run != NULL && out != NULL && bad != NULL);
	if (zone == NULL) {
		*out = timetext_to_civil(seconds);
		return true;
	}
	place = cel_thing(run, CEL_KEPT_ZONE, &cel_zone, value_as_text(*zone), why, sizeof(why));
	if (place == NULL) {
		*bad = cel_error(run, "%s", why);
		return false;
	}
	*out = place->zone != NULL ? zone_civil(place->zone, seconds)
				   : timetext_to_civil(seconds + place->offset);
	return true;
}

static struct value stamp_part(struct cel_run *run, const struct value *args, uint32_t count,
			       enum part part)
{
	struct value bad;
	struct civil c;

	assert(count == 1 || count == 2);
	if (!cel_civil(run, args[0].i, count == 2 ? &args[1] : NULL, &c, &bad))
		return bad;
	return value_int(part_of(&c, part));
}

#define PART(name, part)                                                                           \
	static struct value name(struct cel_run *run, void *of, const struct value *args,          \
				 uint32_t count)                                                   \
	{                                                                                          \
		(void)of;                                                                          \
		return stamp_part(run, args, count, (part));                                       \
	}

PART(call_year, YEAR)
PART(call_month, MONTH)
PART(call_day_of_year, DAY_OF_YEAR)
PART(call_date, DAY)
PART(call_day_of_week, DAY_OF_WEEK)
PART(call_hours, HOUR)
PART(call_minutes, MINUTE)
PART(call_seconds, SECOND)

static struct value call_day_of_month(struct cel_run *run, void *of, const struct value *args,
				      uint32_t count)
{
	struct value v = stamp_part(run, args, count, DAY);

	(void)of;
	if (v.kind == VALUE_INT)
		v.i--;
	return v;
}

/* The same for timestamps and durations: what is left beyond the seconds. The
 * zone doesn't matter but has to exist. */
static struct value call_milliseconds(struct cel_run *run, void *of, const struct value *args,
				      uint32_t count)
{
	(void)of;
	if (count == 2) {
		struct value v = stamp_part(run, args, count, SECOND);

		if (v.kind == VALUE_ERROR)
			return v;
	}
	return value_int((int32_t)args[0].n / 1000000);
}

#define SPAN(name, seconds)                                                                        \
	static struct value name(struct cel_run *run, void *of, const struct value *args,          \
				 uint32_t count)                                                   \
	{                                                                                          \
		(void)run;                                                                         \
		(void)of;                                                                          \
		assert(count == 1);                                                                \
		return value_int(args[0].i / (seconds));                                           \
	}

SPAN(call_span_hours, 3600)
SPAN(call_span_minutes, 60)
SPAN(call_span_seconds, 1)

/* ---- Tables ---- */

const struct cel_preparation cel_preparations_time[] = {
	{ call_year, 1, &cel_zone },
	{ call_month, 1, &cel_zone },
	{ call_day_of_year, 1, &cel_zone },
	{ call_date, 1, &cel_zone },
	{ call_day_of_week, 1, &cel_zone },
	{ call_hours, 1, &cel_zone },
	{ call_minutes, 1, &cel_zone },
	{ call_seconds, 1, &cel_zone },
	{ call_day_of_month, 1, &cel_zone },
	{ call_milliseconds, 1, &cel_zone },
	{ NULL, 0, NULL },
};

#define OF(type_)                                                                                  \
	{                                                                                          \
		(type_), CEL_DYN, CEL_DYN, CEL_DYN                                                 \
	}
#define STAMP(name, doc, call)                                                                     \
	{                                                                                          \
		name, doc, true, CEL_INT, 1, 2, { CEL_TIMESTAMP, CEL_TEXT, CEL_DYN, CEL_DYN },     \
		    call, false                                                                    \
	}
#define SPAN_ROW(name, doc, call)                                                                  \
	{                                                                                          \
		name, doc, true, CEL_INT, 1, 1, OF(CEL_DURATION), call, false                      \
	}

const struct cel_function cel_functions_time[] = {
	{ "timestamp", "A time from RFC 3339 text or from seconds since 1970.", false,
	  CEL_TIMESTAMP, 1, 1, OF(CEL_TEXT), call_timestamp, false },
	{ "timestamp", "A time from seconds since 1970.", false, CEL_TIMESTAMP, 1, 1, OF(CEL_INT),
	  call_timestamp, false },
	{ "timestamp", "The time itself.", false, CEL_TIMESTAMP, 1, 1, OF(CEL_TIMESTAMP),
	  call_timestamp, false },
	{ "duration", "A span of time such as \"1h30m\", \"3.5s\", \"250ms\".", false, CEL_DURATION,
	  1, 1, OF(CEL_TEXT), call_duration, false },
	{ "duration", "The span itself.", false, CEL_DURATION, 1, 1, OF(CEL_DURATION),
	  call_duration, false },
	STAMP("getFullYear", "The year of a time, in UTC or the zone given.", call_year),
	STAMP("getMonth", "The month of a time, 0 to 11.", call_month),
	STAMP("getDayOfYear", "The day of the year, from 0.", call_day_of_year),
	STAMP("getDayOfMonth", "The day of the month, from 0.", call_day_of_month),
	STAMP("getDate", "The day of the month, from 1.", call_date),
	STAMP("getDayOfWeek", "The day of the week, 0 is Sunday.", call_day_of_week),
	STAMP("getHours", "The hour of a time, 0 to 23.", call_hours),
	STAMP("getMinutes", "The minute of a time, 0 to 59.", call_minutes),
	STAMP("getSeconds", "The second of a time, 0 to 59.", call_seconds),
	STAMP("getMilliseconds", "The milliseconds within the second.", call_milliseconds),
	SPAN_ROW("getHours", "All hours of a duration.", call_span_hours),
	SPAN_ROW("getMinutes", "All minutes of a duration.", call_span_minutes),
	SPAN_ROW("getSeconds", "All seconds of a duration.", call_span_seconds),
	SPAN_ROW("getMilliseconds", "The milliseconds within a duration's second.",
		 call_milliseconds),
	{ .name = NULL },
};
