/* SPDX-License-Identifier: Apache-2.0
 *
 * functions_messages - what people read in a message: money, fmt, date, round, and
 * sum. Not part of CEL or its extensions.
 *
 * I1  Amounts are whole numbers of a currency's smallest unit and never pass
 *     through a double.
 * I2  The words of a date are English, whatever the process's locale.
 * Ownership: results live in the evaluation's arena. */
#include "engine/cel/env.h"
#include "engine/cel/out.h"
#include "engine/cel/program.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/timetext.h"

#define DAY 86400

__extension__ typedef __int128 wide; /* ints and uints before their range is checked */

static struct value text_made(struct cel_run *run, const char *s)
{
	struct text t = text_dup(cel_arena(run), text_of(s));

	return t.s != NULL ? value_text(t) : cel_error_memory();
}

/* ---- money ---- */

/* ISO 4217's exponent: digits behind the point. Those not listed have two. */
static int exponent_of(const char *code)
{
	static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV "
				   "XAF XOF XPF";
	static const char three[] = "BHD IQD JOD KWD LYD OMR TND";
	static const char four[] = "CLF UYW";

	if (strstr(none, code) != NULL)
		return 0;
	if (strstr(three, code) != NULL)
		return 3;
	return strstr(four, code) != NULL ? 4 : 2;
}

/* Three letters, as capitals; false for anything else. */
static bool read_code(struct text t, char code[4])
{
	if (t.n != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		char c = t.s[i];

		code[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
		if (code[i] < 'A' || code[i] > 'Z')
			return false;
	}
	code[3] = '\0';
	return true;
}

/* Commas between thousands, from the last digit on. Room for 26 characters and a NUL. */
static void group(uint64_t n, char out[32])
{
	char digits[24];
	int count = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), at = 0;

	for (int i = 0; i < count; i++) {
		if (i > 0 && (count - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	out[at] = '\0';
}

static struct value call_money(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	int64_t amount = args[0].i;
	uint64_t size = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount, unit = 1;
	char code[4], whole[32], out[64];
	const char *sign = amount < 0 ? "-" : "";
	int digits;

	(void)of;
	assert(count == 2 && args[0].kind == VALUE_INT);
	if (!read_code(value_as_text(args[1]), code))
		return cel_error(run, "\"%.*s\" is no currency such as \"EUR\"",
				 TEXT_ARG(text_head(value_as_text(args[1]), 40)));
	digits = exponent_of(code);
	for (int i = 0; i < digits; i++)
		unit *= 10;
	group(size / unit, whole);
	if (digits == 0)
		snprintf(out, sizeof(out), "%s%s %s", sign, whole, code);
	else
		snprintf(out, sizeof(out), "%s%s.%0*llu %s", sign, whole, digits,
			 (unsigned long long)(size % unit), code);
	return text_made(run, out);
}

/* ---- Days and times ---- */

struct moment {
	struct civil c;
	int64_t offset; /* seconds east of UTC */
	int32_t nanos;
	bool is_day; /* a day without a time */
};

/* `n` digits at t.s + at, or -1. */
static int digits_at(struct text t, size_t at, size_t n)
{
	int value = 0;

	for (size_t i = at; i < at + n; i++) {
		if (t.s[i] < '0' || t.s[i] > '9')
			return -1;
		value = value * 10 + (t.s[i] - '0');
	}
	return value;
}

/* "2026-12-18", of a year from 1 on and a day that exists. */
static bool read_day(struct text t, struct civil *out)
{
	if (t.n != 10 || t.s[4] != '-' || t.s[7] != '-')
		return false;
	*out = (struct civil){ .year = digits_at(t, 0, 4),
			       .month = digits_at(t, 5, 2),
			       .day = digits_at(t, 8, 2) };
	if (out->year < 1 || out->month < 1 || out->month > 12 || out->day < 1 ||
	    out->day > timetext_month_days(out->year, out->month))
		return false;
	*out = timetext_to_civil(timetext_from_civil(out));
	return true;
}

static bool read_moment(struct cel_run *run, struct value v, const struct value *zone,
			struct moment *out, struct value *bad)
{
	int64_t seconds = v.i;

	*out = (struct moment){ .nanos = v.kind == VALUE_TIMESTAMP ? (int32_t)v.n : 0 };
	/* A zone that doesn't exist is an error even where it doesn't matter. */
	if (v.kind == VALUE_TEXT && read_day(value_as_text(v), &out->c)) {
		struct civil unused;

		out->is_day = true;
		return zone == NULL || cel_civil(run, 0, zone, &unused, bad);
	}
	if (v.kind == VALUE_TEXT && !timetext_parse(value_as_text(v), &seconds, &out->nanos)) {
		*bad = cel_error(run, "\"%.*s\" is no day such as \"2026-12-18\" and no timestamp",
				 TEXT_ARG(text_head(value_as_text(v), 40)));
		return false;
	}
	if (v.kind != VALUE_TEXT && v.kind != VALUE_TIMESTAMP) {
		*bad = cel_error(run, "a %s is no day and no time",
				 value_kind_name((enum value_kind)v.kind));
		return false;
	}
	if (!cel_civil(run, seconds, zone, &out->c, bad))
		return false;
	out->offset = timetext_from_civil(&out->c) - seconds;
	return true;
}

static int64_t day_number(const struct civil *c)
{
	struct civil day = { .year = c->year, .month = c->month, .day = c->day };
	int64_t seconds = timetext_from_civil(&day);

	/* Midnight is a multiple of a day, before 1970 as well. */
	return seconds / DAY;
}

bool cel_day(struct cel_run *run, struct value v, const struct value *zone, int64_t *day,
	     struct value *bad)
{
	struct moment m;

	assert(run != NULL && day != NULL && bad != NULL);
	if (!read_moment(run, v, zone, &m, bad))
		return false;
	*day = day_number(&m.c);
	return true;
}

static struct value call_date(struct cel_run *run, void *of, const struct value *args,
			      uint32_t count)
{
	struct value bad;
	struct moment m;
	char out[64];

	(void)of;
	assert(count == 1 || count == 2);
	if (!read_moment(run, args[0], count == 2 ? &args[1] : NULL, &m, &bad))
		return bad;
	snprintf(out, sizeof(out), "%04d-%02d-%02d", m.c.year, m.c.month, m.c.day);
	return text_made(run, out);
}

static const char *const month_names[] = { "January",   "February", "March",    "April",
					   "May",       "June",     "July",     "August",
					   "September", "October",  "November", "December" };
static const char *const day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
					 "Thursday", "Friday", "Saturday" };

static int day_of_year(const struct civil *c)
{
	struct civil first = { .year = c->year, .month = 1, .day = 1 };

	return (int)(day_number(c) - day_number(&first)) + 1;
}

/* ISO 8601: a week belongs to the year that its Thursday is in. */
static void iso_week(const struct civil *c, int *year, int *week)
{
	int from_monday = (c->weekday + 6) % 7;
	struct civil thursday = timetext_to_civil((day_number(c) - from_monday + 3) * DAY);

	*year = thursday.year;
	*week = (day_of_year(&thursday) - 1) / 7 + 1;
}

#define PIECE 24 /* the longest thing that a directive stands for, and a NUL */

static void put_hour(const struct moment *m, char what, char out[PIECE])
{
	int half = m->c.hour % 12 == 0 ? 12 : m->c.hour % 12;
	int64_t minutes = (m->offset < 0 ? -m->offset : m->offset) / 60;

	switch (what) {
	case 'H':
		snprintf(out, PIECE, "%02d", m->c.hour);
		return;
	case 'I':
		snprintf(out, PIECE, "%02d", half);
		return;
	case 'M':
		snprintf(out, PIECE, "%02d", m->c.minute);
		return;
	case 'S':
		snprintf(out, PIECE, "%02d", m->c.second);
		return;
	case 'L':
		snprintf(out, PIECE, "%03d", m->nanos / 1000000);
		return;
	case 'p':
		snprintf(out, PIECE, "%s", m->c.hour < 12 ? "AM" : "PM");
		return;
	case 'R':
		snprintf(out, PIECE, "%02d:%02d", m->c.hour, m->c.minute);
		return;
	case 'T':
		snprintf(out, PIECE, "%02d:%02d:%02d", m->c.hour, m->c.minute, m->c.second);
		return;
	default: /* z */
		snprintf(out, PIECE, "%c%02d:%02d", m->offset < 0 ? '-' : '+',
			 (int)(minutes / 60 % 100), (int)(minutes % 60));
	}
}

static void put_week(const struct moment *m, char what, char out[PIECE])
{
	int year, week;

	iso_week(&m->c, &year, &week);
	if (what == 'V')
		snprintf(out, PIECE, "%02d", week);
	else
		snprintf(out, PIECE, "%04d", year);
}

/* False: there is no such directive. */
static bool put_day(const struct moment *m, char what, char out[PIECE])
{
	const struct civil *c = &m->c;

	switch (what) {
	case 'Y':
		return snprintf(out, PIECE, "%04d", c->year) > 0;
	case 'y':
		return snprintf(out, PIECE, "%02d", c->year % 100) > 0;
	case 'm':
		return snprintf(out, PIECE, "%02d", c->month) > 0;
	case 'B':
		return snprintf(out, PIECE, "%s", month_names[c->month - 1]) > 0;
	case 'b':
		return snprintf(out, PIECE, "%.3s", month_names[c->month - 1]) > 0;
	case 'd':
		return snprintf(out, PIECE, "%02d", c->day) > 0;
	case 'e':
		return snprintf(out, PIECE, "%d", c->day) > 0;
	case 'j':
		return snprintf(out, PIECE, "%03d", day_of_year(c)) > 0;
	case 'A':
		return snprintf(out, PIECE, "%s", day_names[c->weekday]) > 0;
	case 'a':
		return snprintf(out, PIECE, "%.3s", day_names[c->weekday]) > 0;
	case 'u':
		return snprintf(out, PIECE, "%d", c->weekday == 0 ? 7 : c->weekday) > 0;
	case 'F':
		return snprintf(out, PIECE, "%04d-%02d-%02d", c->year, c->month, c->day) > 0;
	case '%':
		return snprintf(out, PIECE, "%%") > 0;
	default:
		return false;
	}
}

static bool takes_time(char what)
{
	return what != '\0' && strchr("HIMSLpRTz", what) != NULL;
}

/* The thing that the directive `what` stands for; false: there is no such directive. */
static bool put_piece(const struct moment *m, char what, char out[PIECE])
{
	if (takes_time(what))
		put_hour(m, what, out);
	else if (what == 'V' || what == 'G')
		put_week(m, what, out);
	else
		return put_day(m, what, out);
	return true;
}

/* `what` is what stands behind the percent sign. */
static void put_directive(struct cel_out *out, const struct moment *m, struct text what)
{
	char piece[PIECE];

	if (what.n == 0)
		cel_out_fail(out, cel_error(out->run, "the format ends in %%; write %%%% for one"));
	else if (m->is_day && takes_time(what.s[0]))
		cel_out_fail(out, cel_error(out->run, "%%%c: a day has no time", what.s[0]));
	else if (!put_piece(m, what.s[0], piece))
		cel_out_fail(out, cel_error(out->run, "a format has no \"%%%.*s\"",
					    TEXT_ARG(text_head(what, 4))));
	else
		cel_out_put(out, text_of(piece));
}

static struct value call_fmt(struct cel_run *run, void *of, const struct value *args,
			     uint32_t count)
{
	struct text format = value_as_text(args[1]);
	struct cel_out out;
	struct value bad;
	struct moment m;

	(void)of;
	assert(count == 2 || count == 3);
	if (!cel_charge(run, format.n / 8))
		return cel_error_budget();
	if (!read_moment(run, args[0], count == 3 ? &args[2] : NULL, &m, &bad))
		return bad;
	cel_out_begin(&out, run);
	while (format.n > 0 && !cel_out_failed(&out)) {
		const char *mark = memchr(format.s, '%', format.n);
		size_t n = mark != NULL ? (size_t)(mark - format.s) : format.n;

		cel_out_put(&out, (struct text){ format.s, n });
		if (mark == NULL)
			break;
		format = (struct text){ mark + 1, format.n - n - 1 };
		put_directive(&out, &m, format);
		if (format.n > 0)
			format = (struct text){ format.s + 1, format.n - 1 };
	}
	return cel_out_end(&out);
}

/* ---- What is written out, ahead of any data ---- */

static bool format_fits(struct text format, char *why, size_t room)
{
	struct moment m = { .c = timetext_to_civil(0) };
	char piece[PIECE];

	for (size_t i = 0; i < format.n; i++) {
		struct text what = { format.s + i + 1, format.n - i - 1 };

		if (format.s[i] != '%')
			continue;
		if (what.n == 0 || !put_piece(&m, what.s[0], piece)) {
			snprintf(why, room, "a format has no \"%%%.*s\"",
				 TEXT_ARG(text_head(what, 4)));
			return false;
		}
		i++;
	}
	return true;
}

static bool zone_fits(struct text name, char *why, size_t room)
{
	void *place = cel_zone.make(name, why, room);

	if (place != NULL)
		cel_zone.drop(place);
	return place != NULL;
}

bool cel_word_fits(struct text function, uint32_t argument, struct text word, char *why,
		   size_t room)
{
	char code[4];

	assert(why != NULL && room > 0);
	if (argument == 1 && text_is(function, "fmt"))
		return format_fits(word, why, room);
	if (argument == 1 && text_is(function, "days_until"))
		return zone_fits(word, why, room);
	if (argument != 1 || !text_is(function, "money") || read_code(word, code))
		return true;
	snprintf(why, room, "\"%.*s\" is no currency such as \"EUR\"",
		 TEXT_ARG(text_head(word, 40)));
	return false;
}

/* ---- round ---- */

#define MOST_DIGITS 15 /* behind the point; a double has no more to tell */

/* The shortest of 15 to 17 digits that read back as d, as "d.ddde+XX"; how many. */
static int shortest(double d, char out[40])
{
	for (int digits = 15; digits < 17; digits++) {
		snprintf(out, 40, "%.*e", digits - 1, d);
		if (strtod(out, NULL) == d)
			return digits;
	}
	snprintf(out, 40, "%.16e", d);
	return 17;
}

/* Rounds the decimal number that people see, halves away from zero: 2.675 becomes 2.68 although
 * the double is a little less. `d` is positive and finite. */
static double rounded(double d, int behind)
{
	char seen[40], out[48];
	int digits = shortest(d, seen);
	int kept = atoi(strchr(seen, 'e') + 1) + 1 + behind; /* of the digits */
	uint64_t n = 0;

	if (kept >= digits)
		return d;
	if (kept < 0)
		return 0.0;
	seen[1] = seen[0]; /* over the point: the digits follow each other from seen + 1 on */
	for (int i = 0; i < kept; i++)
		n = n * 10 + (uint64_t)(seen[1 + i] - '0');
	n += seen[1 + kept] >= '5';
	snprintf(out, sizeof(out), "%llue%d", (unsigned long long)n, -behind);
	return strtod(out, NULL);
}

static struct value call_round(struct cel_run *run, void *of, const struct value *args,
			       uint32_t count)
{
	struct value v = args[0];
	int64_t behind = count == 2 ? args[1].i : 0;

	(void)of;
	assert(count == 1 || count == 2);
	if (behind < 0 || behind > MOST_DIGITS)
		return cel_error(run, "round: 0 to %d digits, not %lld", MOST_DIGITS,
				 (long long)behind);
	if (v.kind != VALUE_DOUBLE || !isfinite(v.d) || v.d == 0)
		return v;
	return value_double(copysign(rounded(fabs(v.d), (int)behind), v.d));
}

/* ---- sum ---- */

struct total {
	wide whole;       /* of ints and uints: 2^32 of them fit */
	double part, low; /* of doubles, and what was lost in adding them (Neumaier 1974) */
	uint32_t doubles, uints;
};

static void add_double(struct total *t, double d)
{
	double sum = t->part + d;

	t->low += fabs(t->part) >= fabs(d) ? t->part - sum + d : d - sum + t->part;
	t->part = sum;
	t->doubles++;
}

static struct value total_of(struct cel_run *run, struct total *t, uint32_t n)
{
	if (t->doubles > 0) {
		add_double(t, (double)t->whole);
		/* Infinite or NaN: what was lost means nothing. */
		return value_double(isfinite(t->part) ? t->part + t->low : t->part);
	}
	if (n > 0 && t->uints == n && t->whole <= (wide)UINT64_MAX)
		return value_uint((uint64_t)t->whole);
	if (t->whole < INT64_MIN || t->whole > INT64_MAX)
		return cel_error(run, "sum: integer overflow");
	return value_int((int64_t)t->whole);
}

static struct value call_sum(struct cel_run *run, void *of, const struct value *args,
			     uint32_t count)
{
	struct total t = { .part = 0 };

	(void)of;
	assert(count == 1 && args[0].kind == VALUE_LIST);
	if (!cel_charge(run, args[0].n / 4))
		return cel_error_budget();
	for (uint32_t i = 0; i < args[0].n; i++) {
		struct value v = args[0].items[i];

		if (!cel_is_number(v))
			return cel_error(run, "sum takes numbers, not %s",
					 value_kind_name((enum value_kind)v.kind));
		if (v.kind == VALUE_DOUBLE)
			add_double(&t, v.d);
		else
			t.whole += v.kind == VALUE_INT ? (wide)v.i : (wide)v.u;
		t.uints += v.kind == VALUE_UINT;
	}
	return total_of(run, &t, args[0].n);
}

/* ---- Tables ---- */

const struct cel_preparation cel_preparations_messages[] = {
	{ call_date, 1, &cel_zone },
	{ call_fmt, 2, &cel_zone },
	{ NULL, 0, NULL },
};

#define MONEY_DOC "An amount in a currency's smallest unit as text: \"1,234.50 EUR\"."
#define FMT_DOC                                                                                    \
	"A time or day as text by a format such as \"%d.%m.%Y %H:%M\", in UTC or the zone given."
#define DATE_DOC  "The day of a time, such as \"2026-12-18\", in UTC or the zone given."
#define ROUND_DOC "The number with that many digits behind the point, halves away from zero."
#define SUM_DOC   "The sum of a list's numbers; 0 of an empty list."

#define ROW(name_, doc_, member_, type_, least_, most_, call_, ...)                                \
	{                                                                                          \
		(name_), (doc_), (member_), (type_), (least_), (most_), { __VA_ARGS__ }, (call_),  \
		    false                                                                          \
	}

const struct cel_function cel_functions_messages[] = {
	ROW("money", MONEY_DOC, false, CEL_TEXT, 2, 2, call_money, CEL_INT, CEL_TEXT),
	ROW("fmt", FMT_DOC, false, CEL_TEXT, 2, 3, call_fmt, CEL_TIMESTAMP, CEL_TEXT, CEL_TEXT),
	ROW("fmt", FMT_DOC, false, CEL_TEXT, 2, 3, call_fmt, CEL_TEXT, CEL_TEXT, CEL_TEXT),
	ROW("date", DATE_DOC, false, CEL_TEXT, 1, 2, call_date, CEL_TIMESTAMP, CEL_TEXT),
	ROW("date", DATE_DOC, false, CEL_TEXT, 1, 2, call_date, CEL_TEXT, CEL_TEXT),
	ROW("round", ROUND_DOC, false, CEL_DOUBLE, 1, 2, call_round, CEL_DOUBLE, CEL_INT),
	ROW("round", "The whole number itself.", false, CEL_INT, 1, 2, call_round, CEL_INT,
	    CEL_INT),
	ROW("round", "The whole number itself.", false, CEL_UINT, 1, 2, call_round, CEL_UINT,
	    CEL_INT),
	ROW("sum", SUM_DOC, false, CEL_DYN, 1, 1, call_sum, CEL_LIST),
	ROW("sum", SUM_DOC, true, CEL_DYN, 1, 1, call_sum, CEL_LIST),
	{ .name = NULL },
};
