/* SPDX-License-Identifier: Apache-2.0
 *
 * zone - a reader for TZif (RFC 8536) and for the POSIX TZ rule in its footer.
 *
 * A zone is a table of transitions with the offset that holds from each on,
 * followed by a yearly rule. All questions are answered by two functions:
 * zone_offset (which offset holds at t) and next_change (when it may change).
 * I1  Transitions ascend strictly; every offset is within OFFSET_MAX of UTC.
 * I2  A file that breaks any of the format's rules is refused as a whole;
 *     nothing of it is trusted before it was checked.
 * Files with leap seconds ("right/...") are refused: our time scale has none. */
#include "engine/base/zone.h"

#include <assert.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define DAY        86400
#define OFFSET_MAX (26 * 3600) /* RFC 8536 recommends -24:59:59 to 25:59:59 */
#define WINDOW     (27 * 3600) /* beyond any offset */
#define TZIF_HEAD  44          /* bytes of a header */
#define ZONE_DIR   "/usr/share/zoneinfo"

/* A day of the year on which clocks change, as POSIX TZ writes it. */
struct change {
	enum { CHANGE_JULIAN, CHANGE_DAY, CHANGE_WEEK } kind; /* Jn, n, Mm.w.d */
	int month, week, day;
	int32_t time; /* seconds after local midnight; may be negative or beyond a day */
};

struct rule {
	int32_t std, dst; /* seconds east */
	bool has_dst;
	struct change start, end; /* of dst */
};

struct zone {
	size_t count;
	int64_t *at;      /* transitions */
	int32_t *offsets; /* from each on */
	int32_t first;    /* before all */
	bool has_rule;
	struct rule rule; /* from the last transition on */
};

/* ---- the yearly rule ---- */

static bool take(struct text *t, char c)
{
	if (t->n == 0 || t->s[0] != c)
		return false;
	*t = (struct text){ t->s + 1, t->n - 1 };
	return true;
}

/* A decimal number of at most three digits in the range, or -1. */
static int take_number(struct text *t, int least, int most)
{
	int sum = 0;
	size_t n = 0;

	while (n < t->n && n < 3 && t->s[n] >= '0' && t->s[n] <= '9')
		sum = sum * 10 + (t->s[n++] - '0');
	if (n == 0 || sum < least || sum > most)
		return -1;
	*t = (struct text){ t->s + n, t->n - n };
	return sum;
}

/* [+-]h[:mm[:ss]] */
static bool take_time(struct text *t, int most_hours, int32_t *out)
{
	bool negative = take(t, '-');
	int hours, minutes = 0, seconds = 0;

	if (!negative)
		take(t, '+');
	hours = take_number(t, 0, most_hours);
	if (hours >= 0 && take(t, ':')) {
		minutes = take_number(t, 0, 59);
		if (minutes >= 0 && take(t, ':'))
			seconds = take_number(t, 0, 59);
	}
	if (hours < 0 || minutes < 0 || seconds < 0)
		return false;
	*out = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
	return true;
}

/* Three letters or more, or anything of that kind in <>. */
static bool take_name(struct text *t)
{
	bool quoted = take(t, '<');
	size_t n = 0;

	while (n < t->n &&
	       (isalpha((unsigned char)t->s[n]) ||
		(quoted && (isdigit((unsigned char)t->s[n]) || t->s[n] == '+' || t->s[n] == '-'))))
		n++;
	*t = (struct text){ t->s + n, t->n - n };
	return n >= 3 && (!quoted || take(t, '>'));
}

/* Mm.w.d, Jn or n, then an optional /time. */
static bool take_change(struct text *t, struct change *change)
{
	*change = (struct change){ .kind = CHANGE_DAY, .time = 2 * 3600 };
	if (take(t, 'M')) {
		change->kind = CHANGE_WEEK;
		change->month = take_number(t, 1, 12);
		if (change->month < 0 || !take(t, '.'))
			return false;
		change->week = take_number(t, 1, 5);
		if (change->week < 0 || !take(t, '.'))
			return false;
		change->day = take_number(t, 0, 6);
	} else if (take(t, 'J')) {
		change->kind = CHANGE_JULIAN;
		change->day = take_number(t, 1, 365);
	} else {
		change->day = take_number(t, 0, 365);
	}
	if (change->day < 0)
		return false;
	return !take(t, '/') || take_time(t, 167, &change->time);
}

/* POSIX.1 chapter 8.3, TZ, with the hours up to 167 of RFC 8536, 3.3.1. */
static bool rule_parse(struct text t, struct rule *rule)
{
	if (!take_name(&t) || !take_time(&t, 24, &rule->std))
		return false;
	rule->std = -rule->std; /* POSIX counts westward */
	rule->dst = rule->std;
	rule->has_dst = t.n > 0;
	if (!rule->has_dst)
		return true;
	if (!take_name(&t))
		return false;
	rule->dst = rule->std + 3600;
	if (t.n > 0 && t.s[0] != ',') {
		if (!take_time(&t, 24, &rule->dst))
			return false;
		rule->dst = -rule->dst;
	}
	return take(&t, ',') && take_change(&t, &rule->start) && take(&t, ',') &&
	       take_change(&t, &rule->end) && t.n == 0;
}

/* The change in a year as local time, counted as if it were UTC. */
static int64_t change_local(const struct change *change, int year)
{
	struct civil first = { .year = year, .month = 1, .day = 1 };
	int64_t day;
	int in_month;

	if (change->kind == CHANGE_WEEK)
		first.month = change->month;
	day = timetext_from_civil(&first) / DAY;
	switch (change->kind) {
	case CHANGE_JULIAN: /* 29 February has no number */
		day += change->day - 1;
		day += change->day >= 60 && timetext_month_days(year, 2) == 29;
		break;
	case CHANGE_DAY:
		day += change->day;
		break;
	case CHANGE_WEEK: /* the epoch was a Thursday; the weeks added keep it positive */
		in_month = (int)((change->day + 7 - (day + 4 + 7 * INT64_C(200000)) % 7) % 7);
		in_month += 7 * (change->week - 1);
		if (in_month >= timetext_month_days(year, change->month))
			in_month -= 7;
		day += in_month;
		break;
	}
	return day * DAY + change->time;
}

/* The two changes of a year as instants. */
static void rule_changes(const struct rule *rule, int year, int64_t *start, int64_t *end)
{
	*start = change_local(&rule->start, year) - rule->std;
	*end = change_local(&rule->end, year) - rule->dst;
}

/* The neighbouring years are looked at too: near New Year the year of UTC may
 * not be the local one, and a change's time may reach into another year. */
static int32_t rule_offset(const struct rule *rule, int64_t t)
{
	int year = timetext_to_civil(t).year;
	int64_t latest = INT64_MIN;
	int32_t offset = rule->std;

	if (!rule->has_dst)
		return rule->std;
	for (int y = year - 1; y <= year + 1; y++) {
		int64_t start, end;

		rule_changes(rule, y, &start, &end);
		if (end <= t && end > latest) {
			latest = end;
			offset = rule->std;
		}
		/* At the same instant the start counts: dst all year is written so. */
		if (start <= t && start >= latest) {
			latest = start;
			offset = rule->dst;
		}
	}
	return offset;
}

static int64_t rule_next(const struct rule *rule, int64_t t)
{
	int year = timetext_to_civil(t).year;
	int64_t next = INT64_MAX;

	if (!rule->has_dst)
		return INT64_MAX;
	for (int y = year - 1; y <= year + 1; y++) {
		int64_t start, end;

		rule_changes(rule, y, &start, &end);
		if (start > t && start < next)
			next = start;
		if (end > t && end < next)
			next = end;
	}
	return next;
}

/* ---- the file ---- */

struct head {
	uint64_t isut, isstd, leap, times, types, chars; /* counts */
};

static uint64_t big_endian(const char *s, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = sum << 8 | (unsigned char)s[i];
	return sum;
}

static bool take_head(struct text *t, struct head *head)
{
	uint64_t counts[6];

	/* Version 1 has 32-bit times only and no footer; nobody ships it. */
	if (t->n < TZIF_HEAD || memcmp(t->s, "TZif", 4) != 0 || t->s[4] < '2')
		return false;
	for (size_t i = 0; i < 6; i++)
		counts[i] = big_endian(t->s + 20 + 4 * i, 4);
	*head = (struct head){ counts[0], counts[1], counts[2], counts[3], counts[4], counts[5] };
	*t = (struct text){ t->s + TZIF_HEAD, t->n - TZIF_HEAD };
	return true;
}

/* Bytes of a data block whose times are `wide` bytes. Counts have 32 bits, so
 * the sum doesn't overflow. */
static uint64_t block_size(const struct head *h, uint64_t wide)
{
	return h->times * (wide + 1) + h->types * 6 + h->chars + h->leap * (wide + 4) + h->isstd +
	       h->isut;
}

static bool type_offset(const char *types, size_t i, int32_t *offset)
{
	*offset = (int32_t)(uint32_t)big_endian(types + 6 * i, 4);
	return *offset >= -OFFSET_MAX && *offset <= OFFSET_MAX;
}

/* The 64-bit block: times, the type of each, the types. */
static bool read_block(struct zone *zone, const struct head *h, const char *s)
{
	const char *which = s + h->times * 8;
	const char *types = which + h->times;

	zone->count = (size_t)h->times;
	zone->at = mem_zero(zone->count, sizeof(*zone->at));
	zone->offsets = mem_zero(zone->count, sizeof(*zone->offsets));
	if (zone->at == NULL || zone->offsets == NULL || !type_offset(types, 0, &zone->first))
		return false;
	for (size_t i = 0; i < zone->count; i++) {
		unsigned char type = (unsigned char)which[i];

		zone->at[i] = (int64_t)big_endian(s + 8 * i, 8);
		if (type >= h->types || !type_offset(types, type, &zone->offsets[i]) ||
		    (i > 0 && zone->at[i] <= zone->at[i - 1]))
			return false;
	}
	return true;
}

static bool read_footer(struct zone *zone, struct text t)
{
	struct text rule, rest;

	if (!take(&t, '\n'))
		return false;
	rest = text_split(t, '\n', &rule);
	if (rest.s == NULL)
		return false; /* the closing newline is missing: cut off */
	zone->has_rule = rule.n > 0;
	return !zone->has_rule || rule_parse(rule, &zone->rule);
}

static bool zone_read(struct zone *zone, struct text t)
{
	struct head h;
	uint64_t size;

	if (!take_head(&t, &h) || block_size(&h, 4) > t.n)
		return false;
	size = block_size(&h, 4);
	t = (struct text){ t.s + size, t.n - size };
	if (!take_head(&t, &h) || block_size(&h, 8) > t.n)
		return false;
	if (h.types == 0 || h.leap != 0 || !read_block(zone, &h, t.s))
		return false;
	size = block_size(&h, 8);
	return read_footer(zone, (struct text){ t.s + size, t.n - size });
}

static bool name_is_valid(struct text name)
{
	if (name.n == 0 || name.n > LIMIT_ZONE_NAME || name.s[0] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.s[i];

		if (c >= 0x80 || (!isalnum(c) && strchr("+-_/", c) == NULL) || c == '\0')
			return false;
	}
	return true;
}

/* Reads up to `room` bytes of a regular file; false also when there are more. */
static bool read_file(const char *path, char *to, size_t room, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t got = -1;

	*n = 0;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		do {
			got = read(fd, to + *n, room - *n);
			if (got > 0)
				*n += (size_t)got;
		} while (got > 0 && *n < room);
	}
	close(fd);
	return got >= 0 && *n < room;
}

static struct zone *zone_from(struct text content)
{
	struct zone *zone = mem_zero(1, sizeof(*zone));

	if (zone == NULL)
		return NULL;
	if (!zone_read(zone, content)) {
		zone_free(zone);
		return NULL;
	}
	return zone;
}

struct zone *zone_load(struct text name)
{
	const char *dir = getenv("TZDIR");
	char path[4096];
	struct zone *zone = NULL;
	char *content;
	size_t n;
	int length;

	if (!name_is_valid(name))
		return NULL;
	if (dir == NULL || dir[0] != '/')
		dir = ZONE_DIR;
	length = snprintf(path, sizeof(path), "%s/%.*s", dir, TEXT_ARG(name));
	if (length < 0 || (size_t)length >= sizeof(path))
		return NULL;
	content = mem_alloc(LIMIT_ZONE_FILE);
	if (content == NULL)
		return NULL;
	if (read_file(path, content, LIMIT_ZONE_FILE, &n))
		zone = zone_from((struct text){ content, n });
	else if (text_is(name, "UTC"))
		zone = mem_zero(1, sizeof(*zone)); /* needs no file: no changes, offset 0 */
	mem_free(content);
	return zone;
}

void zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	mem_free(zone->at);
	mem_free(zone->offsets);
	mem_free(zone);
}

/* ---- questions ---- */

/* How many transitions are at or before t. */
static size_t passed(const struct zone *zone, int64_t t)
{
	size_t low = 0, high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->at[middle] <= t)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int32_t zone_offset(const struct zone *zone, int64_t seconds)
{
	size_t n;

	assert(zone != NULL);
	n = passed(zone, seconds);
	if (n == zone->count && zone->has_rule)
		return rule_offset(&zone->rule, seconds);
	return n > 0 ? zone->offsets[n - 1] : zone->first;
}

/* The first instant after t at which the offset may change, or INT64_MAX. */
static int64_t next_change(const struct zone *zone, int64_t t)
{
	size_t n = passed(zone, t);

	if (n < zone->count)
		return zone->at[n];
	return zone->has_rule ? rule_next(&zone->rule, t) : INT64_MAX;
}

struct civil zone_civil(const struct zone *zone, int64_t seconds)
{
	assert(zone != NULL);
	if (seconds < TIMETEXT_FIRST)
		seconds = TIMETEXT_FIRST;
	if (seconds > TIMETEXT_LAST)
		seconds = TIMETEXT_LAST;
	return timetext_to_civil(seconds + zone_offset(zone, seconds));
}

/* Walks the stretches of equal offset around the instant: in each, the offset
 * names one instant that would show `c`, which counts if it lies within. */
enum zone_hit zone_instant(const struct zone *zone, const struct civil *c, int64_t *first,
			   int64_t *second)
{
	int64_t local, from, end, gap = 0;
	int32_t offset;
	int hits = 0;

	assert(zone != NULL);
	assert(c != NULL && first != NULL && second != NULL);
	local = timetext_from_civil(c);
	from = local - WINDOW;
	end = local + WINDOW;
	offset = zone_offset(zone, from);
	while (from <= end && hits < 2) {
		int64_t next = next_change(zone, from);
		int64_t shown = local - offset;

		if (shown >= from && shown < next)
			*(hits++ == 0 ? first : second) = shown;
		if (next == INT64_MAX)
			break;
		offset = zone_offset(zone, next);
		if (shown >= next && local - offset < next)
			gap = next;
		from = next;
	}
	if (hits == 2)
		return ZONE_TWICE;
	if (hits == 0)
		*first = gap;
	*second = *first;
	return hits == 1 ? ZONE_ONCE : ZONE_GAP;
}
