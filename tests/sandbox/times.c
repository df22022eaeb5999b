/* SPDX-License-Identifier: Apache-2.0
 *
 * times - see times.h. Calendar arithmetic is done by hand: it needs no time zone data and no
 * locks.
 */
#include "tests/sandbox/times.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t which)
{
	struct timespec now;

	(void)clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t times_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t times_steady_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct civil {
	int year, month, day;
	int second; /* of the day */
};

static struct civil civil_of(int64_t seconds)
{
	int64_t days = seconds / 86400 - (seconds % 86400 < 0);
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	struct civil c = { 0 };

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = (int)(yoe + era * 400 + (c.month <= 2));
	c.second = (int)(seconds - days * 86400);
	return c;
}

void times_iso(char out[TIMES_TEXT], int64_t seconds, int offset_min)
{
	struct civil c = civil_of(seconds + (int64_t)offset_min * 60);
	int off = offset_min < 0 ? -offset_min : offset_min;

	(void)snprintf(out, TIMES_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", c.year % 10000,
		       c.month, c.day, c.second / 3600, c.second / 60 % 60, c.second % 60,
		       offset_min < 0 ? '-' : '+', off / 60 % 100, off % 60);
}

void times_iso_ms(char out[TIMES_TEXT], int64_t ms)
{
	struct civil c = civil_of(ms / 1000);

	(void)snprintf(out, TIMES_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year % 10000,
		       c.month, c.day, c.second / 3600, c.second / 60 % 60, c.second % 60,
		       (int)(ms % 1000));
}

/* Exactly n digits at *p. */
static bool digits(const char **p, int n, int *value)
{
	*value = 0;
	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*value = *value * 10 + (**p - '0');
	}
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

static bool read_date(const char **p, int *year, int *month, int *day)
{
	static const int length[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return digits(p, 4, year) && literal(p, '-') && digits(p, 2, month) && literal(p, '-') &&
	       digits(p, 2, day) && *month >= 1 && *month <= 12 && *day >= 1 &&
	       *day <= length[*month - 1];
}

static bool read_time(const char **p, int64_t *ms)
{
	int hour, minute;
	int second = 0;
	int64_t unit = 100;

	if (!digits(p, 2, &hour) || !literal(p, ':') || !digits(p, 2, &minute))
		return false;
	if (literal(p, ':') && !digits(p, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*ms += ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
	if (!literal(p, '.'))
		return true;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
		*ms += (**p - '0') * unit;
	return true;
}

static bool read_offset(const char **p, int64_t *ms)
{
	int sign = **p == '-' ? 1 : -1;
	int hour, minute;

	if (literal(p, 'Z') || **p == '\0')
		return true;
	if (!literal(p, '-') && !literal(p, '+') && !literal(p, ' '))
		return false;
	if (!digits(p, 2, &hour))
		return false;
	(void)literal(p, ':');
	if (!digits(p, 2, &minute) || hour > 14 || minute > 59)
		return false;
	*ms += (int64_t)sign * (hour * 60 + minute) * 60000;
	return true;
}

bool times_parse(const char *s, int64_t *ms)
{
	int year, month, day;

	assert(s && ms);
	if (!read_date(&s, &year, &month, &day))
		return false;
	*ms = days_of(year, month, day) * 86400000;
	if (*s == '\0')
		return true;
	if (!literal(&s, 'T') && !literal(&s, ' '))
		return false;
	return read_time(&s, ms) && read_offset(&s, ms) && *s == '\0';
}

bool times_parse_date(const char *s, int32_t *date)
{
	int year, month, day;

	assert(s && date);
	if (!read_date(&s, &year, &month, &day) || (*s != '\0' && *s != 'T'))
		return false;
	*date = year * 10000 + month * 100 + day;
	return true;
}

int32_t times_date(int64_t seconds)
{
	struct civil c = civil_of(seconds);

	return c.year * 10000 + c.month * 100 + c.day;
}

void times_date_text(char out[TIMES_TEXT], int32_t date)
{
	(void)snprintf(out, TIMES_TEXT, "%04d-%02d-%02d", date / 10000, date / 100 % 100,
		       date % 100);
}
