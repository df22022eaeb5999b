/* SPDX-License-Identifier: Apache-2.0
 *
 * cron - five-field schedules: reading them, and when they are due next.
 *
 * Fields as in crontab(5): minute hour day-of-month month day-of-week; lists,
 * ranges, steps, names of months and weekdays; 7 is Sunday. When both day
 * fields are restricted, either one is enough.
 * Never: reads a clock. */
#include "engine/rules/config.h"

#include <assert.h>

#include "engine/base/zone.h"

#define CRON_DAYS (8 * 366 + 2) /* 29 February comes back within 8 years */

/* ---- Reading. ---- */

struct field_range {
	const char *name;
	int least, most;
	const char *const *words; /* names, from `first` on */
	int first;
};

static const char *const months[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
				      "AUG", "SEP", "OCT", "NOV", "DEC", NULL };
static const char *const weekdays[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL };

static const struct field_range ranges[] = {
	{ "minute", 0, 59, NULL, 0 },         { "hour", 0, 23, NULL, 0 },
	{ "day of month", 1, 31, NULL, 0 },   { "month", 1, 12, months, 1 },
	{ "day of week", 0, 7, weekdays, 0 },
};

static bool cron_number(const struct field_range *range, struct text t, int *out)
{
	int64_t n;

	for (int i = 0; range->words != NULL && range->words[i] != NULL; i++) {
		if (text_ieq(t, text_of(range->words[i]))) {
			*out = range->first + i;
			return true;
		}
	}
	if (t.n == 0 || t.s[0] == '-' || !text_to_int(t, &n) || n < range->least || n > range->most)
		return false;
	*out = (int)n;
	return true;
}

/* "*", "7", "1-5", each with an optional "/step". */
static bool cron_part(const struct field_range *range, struct text part, uint64_t *bits)
{
	struct text span, from, to, step = text_split(part, '/', &span);
	int low = range->least, high = range->most, by = 1;
	bool stepped = step.s != NULL;

	if (stepped && (!cron_number(&(struct field_range){ "", 1, 59, NULL, 0 }, step, &by)))
		return false;
	if (!text_is(span, "*")) {
		to = text_split(span, '-', &from);
		if (!cron_number(range, from, &low))
			return false;
		high = to.s == NULL ? (stepped ? range->most : low) : low;
		if (to.s != NULL && !cron_number(range, to, &high))
			return false;
		/* SAT-SUN, 5-7 and 6-0: Sunday is at both ends. */
		if (range->words == weekdays && high == 0 && low > 0)
			high = 7;
		if (low > high)
			return false;
	}
	for (int i = low; i <= high; i += by)
		*bits |= UINT64_C(1) << i;
	return true;
}

static bool cron_field(const struct field_range *range, struct text field, uint64_t *bits)
{
	struct text rest = field, part;

	*bits = 0;
	while (rest.s != NULL) {
		rest = text_split(rest, ',', &part);
		if (!cron_part(range, part, bits))
			return false;
	}
	return true;
}

static bool next_field(struct text *rest, struct text *field)
{
	*rest = text_trim(*rest);
	if (rest->n == 0)
		return false;
	field->s = rest->s;
	field->n = 0;
	while (field->n < rest->n && rest->s[field->n] != ' ' && rest->s[field->n] != '\t')
		field->n++;
	rest->s += field->n;
	rest->n -= field->n;
	return true;
}

/* False for 30 February and the like: no month has any of the days. */
static bool ever_due(const struct cron *cron)
{
	static const int days[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (!cron->any_day && !cron->any_weekday)
		return true; /* a day of the week will do */
	for (int m = 1; m <= 12; m++)
		for (int d = 1; d <= days[m]; d++)
			if ((cron->months >> m & 1) != 0 && (cron->days >> d & 1) != 0)
				return true;
	return false;
}

bool cron_parse(struct text t, struct cron *out, char *why, size_t why_room)
{
	uint64_t bits[5];
	struct text fields[5], rest = t;

	assert(out != NULL && why != NULL);
	for (int i = 0; i < 5; i++) {
		if (!next_field(&rest, &fields[i])) {
			snprintf(why, why_room,
				 "five fields are needed: minute hour day-of-month "
				 "month day-of-week");
			return false;
		}
		if (!cron_field(&ranges[i], fields[i], &bits[i])) {
			snprintf(why, why_room, "\"%.*s\" is no %s (%d to %d)", TEXT_ARG(fields[i]),
				 ranges[i].name, ranges[i].least, ranges[i].most);
			return false;
		}
	}
	if (text_trim(rest).n > 0) {
		snprintf(why, why_room, "more than five fields");
		return false;
	}
	*out = (struct cron){ .minutes = bits[0],
			      .hours = (uint32_t)bits[1],
			      .days = (uint32_t)bits[2],
			      .months = (uint32_t)bits[3],
			      .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f),
			      .any_day = fields[2].s[0] == '*',
			      .any_weekday = fields[4].s[0] == '*' };
	if (!ever_due(out)) {
		snprintf(why, why_room, "this never happens: no month given has such a day");
		return false;
	}
	return true;
}

/* ---- When next. ---- */

static bool day_is_due(const struct cron *cron, const struct civil *day)
{
	bool of_month = (cron->days >> day->day & 1) != 0;
	bool of_week = (cron->weekdays >> day->weekday & 1) != 0;

	if ((cron->months >> day->month & 1) == 0)
		return false;
	return cron->any_day || cron->any_weekday ? of_month && of_week : of_month || of_week;
}

static int64_t later(int64_t best, int64_t instant, int64_t after)
{
	return instant > after && instant < best ? instant : best;
}

/* The earliest instant after `after` at which this planned local time is due. */
static int64_t instant_due(const struct schedule_config *s, const struct civil *c, int64_t after,
			   int64_t best)
{
	int64_t first, second;

	switch (zone_instant(s->zone, c, &first, &second)) {
	case ZONE_ONCE:
		return later(best, first, after);
	case ZONE_TWICE:
		best = later(best, first, after);
		return s->on_overlap == OVERLAP_TWICE ? later(best, second, after) : best;
	case ZONE_GAP:
		return s->on_gap == GAP_RUN ? later(best, first, after) : best;
	}
	return best;
}

/* Local times rise with instants on a day without a change of clocks, so the first hit is it;
 * on others the whole day is looked through. */
static int64_t day_next(const struct schedule_config *s, struct civil c, int64_t after)
{
	int64_t best = INT64_MAX, midnight, second;
	bool steady;

	c.hour = c.minute = c.second = 0;
	steady = zone_instant(s->zone, &c, &midnight, &second) == ZONE_ONCE &&
		 zone_offset(s->zone, midnight) == zone_offset(s->zone, midnight + 86400);
	for (c.hour = 0; c.hour < 24; c.hour++) {
		if ((s->cron.hours >> c.hour & 1) == 0 ||
		    (steady && midnight + (c.hour + 1) * 3600 <= after))
			continue;
		for (c.minute = 0; c.minute < 60; c.minute++) {
			if ((s->cron.minutes >> c.minute & 1) == 0)
				continue;
			best = instant_due(s, &c, after, best);
			if (steady && best < INT64_MAX)
				return best;
		}
	}
	return best;
}

int64_t cron_next(const struct schedule_config *schedule, int64_t after)
{
	struct civil local, day;
	int64_t noon;

	assert(schedule != NULL && schedule->zone != NULL);
	local = zone_civil(schedule->zone, after);
	local.hour = 12;
	local.minute = local.second = 0;
	noon = timetext_from_civil(&local);
	/* A day early: the clocks may just have gone back over midnight. */
	for (int i = -1; i < CRON_DAYS; i++) {
		int64_t next;

		day = timetext_to_civil(noon + (int64_t)i * 86400);
		if (!day_is_due(&schedule->cron, &day))
			continue;
		next = day_next(schedule, day, after);
		if (next < INT64_MAX)
			return next;
	}
	return INT64_MAX;
}
