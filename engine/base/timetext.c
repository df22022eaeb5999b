/* SPDX-License-Identifier: Apache-2.0
 *
 * timetext - calendar arithmetic and strict readers and writers of times.
 *
 * Days are counted in eras of 400 years that begin on 1 March, so that the leap
 * day is the last of a year (the method is Howard Hinnant's "chrono-compatible
 * low-level date algorithms").
 * Leap seconds don't exist on our time scale: "23:59:60" is refused. */
#include "engine/base/timetext.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"

#define DAY 86400

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

bool timetext_in_range(int64_t seconds)
{
	return seconds >= TIMETEXT_FIRST && seconds <= TIMETEXT_LAST;
}

int64_t timetext_from_civil(const struct civil *c)
{
	int64_t y, era, year_of_era, day_of_year, day_of_era;

	assert(c != NULL);
	assert(c->month >= 1 && c->month <= 12);
	y = (int64_t)c->year - (c->month <= 2);
	era = floor_div(y, 400);
	year_of_era = y - era * 400;
	day_of_year = (153 * (c->month + (c->month > 2 ? -3 : 9)) + 2) / 5 + c->day - 1;
	day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return (era * 146097 + day_of_era - 719468) * DAY + c->hour * 3600 + c->minute * 60 +
	       c->second;
}

struct civil timetext_to_civil(int64_t seconds)
{
	int64_t days, rest, era, day_of_era, year_of_era, day_of_year, march;
	struct civil c;

	if (seconds < TIMETEXT_FIRST)
		seconds = TIMETEXT_FIRST;
	if (seconds > TIMETEXT_LAST)
		seconds = TIMETEXT_LAST;
	days = floor_div(seconds, DAY);
	rest = seconds - days * DAY;
	c.weekday = (int)((days + 719468 + 3) % 7); /* the era began on a Wednesday */
	days += 719468;
	era = floor_div(days, 146097);
	day_of_era = days - era * 146097;
	year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	march = (5 * day_of_year + 2) / 153; /* months since March */
	c.day = (int)(day_of_year - (153 * march + 2) / 5 + 1);
	c.month = (int)(march < 10 ? march + 3 : march - 9);
	c.year = (int)(year_of_era + era * 400 + (c.month <= 2));
	c.hour = (int)(rest / 3600);
	c.minute = (int)(rest / 60 % 60);
	c.second = (int)(rest % 60);
	return c;
}

int timetext_month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	assert(month >= 1 && month <= 12);
	return days[month - 1] + (month == 2 && leap);
}

/* Takes exactly n digits off the front of *t. */
static bool take_digits(struct text *t, size_t n, int *out)
{
	int sum = 0;

	if (t->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (t->s[i] < '0' || t->s[i] > '9')
			return false;
		sum = sum * 10 + (t->s[i] - '0');
	}
	*out = sum;
	*t = (struct text){ t->s + n, t->n - n };
	return true;
}

/* Takes one byte, which has to be one of `any`; it is returned, or NUL. */
static char take_any(struct text *t, const char *any)
{
	char c;

	if (t->n == 0 || t->s[0] == '\0' || strchr(any, t->s[0]) == NULL)
		return '\0';
	c = t->s[0];
	*t = (struct text){ t->s + 1, t->n - 1 };
	return c;
}

static bool civil_is_valid(const struct civil *c)
{
	return c->year >= 1 && c->month >= 1 && c->month <= 12 && c->day >= 1 &&
	       c->day <= timetext_month_days(c->year, c->month) && c->hour <= 23 &&
	       c->minute <= 59 && c->second <= 59;
}

static bool take_clock(struct text *t, struct civil *c)
{
	return take_digits(t, 2, &c->hour) && take_any(t, ":") && take_digits(t, 2, &c->minute) &&
	       take_any(t, ":") && take_digits(t, 2, &c->second);
}

/* A fraction is optional; with a dot there must be one to nine digits. */
static bool take_fraction(struct text *t, int32_t *nanos)
{
	int32_t unit = 100000000;
	int digit;

	*nanos = 0;
	if (!take_any(t, "."))
		return true;
	if (!take_digits(t, 1, &digit))
		return false;
	do {
		if (unit == 0)
			return false;
		*nanos += digit * unit;
		unit /= 10;
	} while (take_digits(t, 1, &digit));
	return true;
}

/* "Z" or "+hh:mm", which has to be the rest; seconds east. */
static bool take_offset(struct text *t, int *offset)
{
	int hours, minutes;
	char sign = take_any(t, "Zz+-");

	*offset = 0;
	if (sign == 'Z' || sign == 'z')
		return t->n == 0;
	if (sign == '\0' || !take_digits(t, 2, &hours) || !take_any(t, ":") ||
	    !take_digits(t, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return t->n == 0;
}

bool timetext_parse(struct text t, int64_t *seconds, int32_t *nanos)
{
	struct civil c = { 0 };
	int32_t fraction;
	int64_t at;
	int offset;

	assert(seconds != NULL);
	if (!take_digits(&t, 4, &c.year) || !take_any(&t, "-") || !take_digits(&t, 2, &c.month) ||
	    !take_any(&t, "-") || !take_digits(&t, 2, &c.day) || !take_any(&t, "Tt") ||
	    !take_clock(&t, &c) || !take_fraction(&t, &fraction) || !take_offset(&t, &offset))
		return false;
	if (!civil_is_valid(&c))
		return false;
	at = timetext_from_civil(&c) - offset;
	if (!timetext_in_range(at))
		return false;
	*seconds = at;
	if (nanos != NULL)
		*nanos = fraction;
	return true;
}

bool timetext_parse_ms(struct text t, int64_t *ms)
{
	int64_t seconds;
	int32_t nanos;

	assert(ms != NULL);
	if (!timetext_parse(t, &seconds, &nanos))
		return false;
	*ms = seconds * 1000 + nanos / 1000000;
	return true;
}

void timetext_format(int64_t seconds, int32_t nanos, char out[TIMETEXT_MAX])
{
	struct civil c = timetext_to_civil(seconds);
	char fraction[16] = "";

	assert(nanos >= 0 && nanos < 1000000000);
	if (nanos % 1000000 == 0 && nanos > 0)
		snprintf(fraction, sizeof(fraction), ".%03d", (int)nanos / 1000000);
	else if (nanos % 1000 == 0 && nanos > 0)
		snprintf(fraction, sizeof(fraction), ".%06d", (int)nanos / 1000);
	else if (nanos > 0)
		snprintf(fraction, sizeof(fraction), ".%09d", (int)nanos);
	/* The masks only tell the compiler that everything fits. */
	snprintf(out, TIMETEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u%sZ", (unsigned)c.year % 10000,
		 (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)c.hour % 100,
		 (unsigned)c.minute % 100, (unsigned)c.second % 100, fraction);
}

void timetext_format_ms(int64_t ms, char out[TIMETEXT_MAX])
{
	int32_t rest = (int32_t)(ms % 1000);

	timetext_format(floor_div(ms, 1000), (rest < 0 ? rest + 1000 : rest) * 1000000, out);
}

/* The place of the three letters in a list of such names, or -1. */
static int take_name(struct text *t, const char *names)
{
	int place = 0;

	if (t->n < 3)
		return -1;
	for (; *names != '\0'; names += 3, place++) {
		if (memcmp(names, t->s, 3) != 0)
			continue;
		*t = (struct text){ t->s + 3, t->n - 3 };
		return place;
	}
	return -1;
}

static bool take_literal(struct text *t, const char *literal)
{
	struct text want = text_of(literal);

	if (!text_starts(*t, want))
		return false;
	*t = (struct text){ t->s + want.n, t->n - want.n };
	return true;
}

bool timetext_parse_http(struct text t, int64_t *ms)
{
	struct civil c = { 0 };

	assert(ms != NULL);
	if (take_name(&t, "SunMonTueWedThuFriSat") < 0 || !take_literal(&t, ", ") ||
	    !take_digits(&t, 2, &c.day) || !take_literal(&t, " "))
		return false;
	c.month = take_name(&t, "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
	if (!take_literal(&t, " ") || !take_digits(&t, 4, &c.year) || !take_literal(&t, " ") ||
	    !take_clock(&t, &c) || !text_is(t, " GMT") || !civil_is_valid(&c))
		return false;
	*ms = timetext_from_civil(&c) * 1000;
	return true;
}

struct unit {
	const char *name;
	int64_t ms;
};

/* Smallest first. */
static const struct unit units[] = {
	{ "ms", 1 },          { "s", 1000 },       { "m", 60 * 1000 },
	{ "h", 3600 * 1000 }, { "d", DAY * 1000 }, { "w", 7 * (int64_t)DAY * 1000 },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

bool timetext_duration(struct text t, int64_t *ms)
{
	size_t digits = 0;
	int64_t number, product;

	assert(ms != NULL);
	while (digits < t.n && t.s[digits] >= '0' && t.s[digits] <= '9')
		digits++;
	if (!text_to_int((struct text){ t.s, digits }, &number))
		return false;
	t = (struct text){ t.s + digits, t.n - digits };
	for (size_t i = 0; i < UNITS; i++) {
		if (!text_is(t, units[i].name))
			continue;
		if (__builtin_mul_overflow(number, units[i].ms, &product) ||
		    product > LIMIT_DURATION)
			return false;
		*ms = product;
		return true;
	}
	return false;
}

void timetext_duration_format(int64_t ms, char out[TIMETEXT_MAX])
{
	size_t best = 0;

	assert(ms >= 0);
	if (ms == 0) {
		snprintf(out, TIMETEXT_MAX, "0s");
		return;
	}
	/* One day is said as 24h, and weeks as days: that is how people compare. */
	for (size_t i = 0; i < UNITS - 1; i++) {
		bool is_day = units[i].ms == DAY * 1000;

		if (ms % units[i].ms == 0 && (!is_day || ms >= 2 * units[i].ms))
			best = i;
	}
	snprintf(out, TIMETEXT_MAX, "%lld%s", (long long)(ms / units[best].ms), units[best].name);
}
