/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule.c - time becomes events.
 *
 * Each schedule's cursor is the last planned time that became an event. On a
 * tick, the planned times between it and now are due: one in ordinary life;
 * several after downtime or a jump of the wall clock, and then `missed` says which
 * of them count. Zones, gaps and overlaps are cron_next's business.
 *
 * I1  A planned time yields at most one event; its id is hash(schedule, time).
 * I2  A wall clock that is set back takes the cursor with it, so that no schedule waits for a time
 *     that a wrong clock once showed. The planned times that come again are known by their events'
 *     ids, and told only when they weren't before. */
#include "engine/sequencer/internal.h"

#define MISSED_AFTER 60   /* s: a planned time this long ago was missed, not just late */
#define MISSED_MOST  1000 /* missed: all: at most so many at once, the newest */

struct planner {
	const struct schedule_config *config;
	int64_t last; /* s: the last planned time accounted for */
	int64_t next; /* s, or INT64_MAX */
	bool fired;   /* since the daemon started */
};

static struct text planner_source(struct sequencer *s, const struct planner *p)
{
	return text_printf(s->work, "schedule.%.*s", TEXT_ARG(p->config->name));
}

static void planner_write(struct sequencer *s, const struct planner *p)
{
	struct text fired =
	    p->fired ? text_printf(s->work, ",\"ok_at\":%lld", (long long)s->now.wall) : TEXT("");

	store_put_cursor(
	    s->store, planner_source(s, p),
	    text_printf(s->work, "{\"last\":%lld%.*s}", (long long)p->last, TEXT_ARG(fired)));
}

static void planner_emit(struct sequencer *s, const struct planner *p, int64_t planned, bool missed)
{
	struct text source = planner_source(s, p);
	struct text number = text_printf(s->work, "%lld", (long long)planned);
	const struct text parts[2] = { source, number };
	struct value_map_builder b;
	struct event_record known;
	char id[HASH_HEX];

	hash_name(parts, 2, id);
	if (store_get_event_by_id(s->store, s->work, text_of(id), &known))
		return;
	value_map_begin(&b, s->work);
	value_map_set(&b, "planned", value_timestamp_ms(planned * 1000));
	value_map_set(&b, "missed", value_bool(missed));
	const struct emission e = {
		.id = text_of(id),
		.source = source,
		.type = source,
		.subject = p->config->name,
		.time = planned * 1000,
		.data = value_map_end(&b),
	};

	(void)emit(s, &e);
}

/* From where to walk so that the newest `most` planned times are met: decades may have been
 * missed (a clock that started in 1970), so it looks back further and further from now. */
static int64_t planner_from(const struct planner *p, int64_t now, int most)
{
	for (int64_t window = INT64_C(60) * most; now - window > p->last; window *= 4) {
		int64_t t = cron_next(p->config, now - window);
		int found = 0;

		for (; t <= now && found < most; t = cron_next(p->config, t))
			found++;
		if (found == most)
			return now - window;
	}
	return p->last;
}

static void planner_run(struct sequencer *s, struct planner *p)
{
	int64_t now = s->now.wall / 1000;
	int most = p->config->missed == MISSED_ALL ? MISSED_MOST : 1;
	int64_t planned = cron_next(p->config, planner_from(p, now, most)), latest = planned;
	int skipped = 0;

	/* Find the newest one due; walk again where all count. */
	for (int64_t t = cron_next(p->config, latest); t <= now; t = cron_next(p->config, t)) {
		latest = t;
		skipped++;
	}
	while (skipped >= MISSED_MOST) {
		planned = cron_next(p->config, planned);
		skipped--;
	}
	bool missed = now - latest > MISSED_AFTER;

	p->fired = true;

	if (p->config->missed == MISSED_ALL) {
		for (; planned <= latest; planned = cron_next(p->config, planned))
			planner_emit(s, p, planned, now - planned > MISSED_AFTER);
	} else if (!missed || p->config->missed == MISSED_ONCE) {
		planner_emit(s, p, latest, missed);
	}
	p->last = latest;
	p->next = cron_next(p->config, latest);
	planner_write(s, p);
}

static void planner_reset(struct sequencer *s, struct planner *p)
{
	int64_t now = s->now.wall / 1000;

	if (p->last <= now)
		return;
	p->last = now;
	p->next = cron_next(p->config, now);
	planner_write(s, p);
	arena_reset(s->work);
}

void schedule_timers(struct sequencer *s)
{
	for (size_t i = 0; i < s->planner_count && !s->broken; i++) {
		struct planner *p = &s->planners[i];

		planner_reset(s, p);
		if (p->next == INT64_MAX || p->next > s->now.wall / 1000)
			continue;
		planner_run(s, p);
		seq_clear(s);
	}
}

/* Looked at again at least every half minute, for the wall clock may jump. */
int64_t schedule_next(const struct sequencer *s)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < s->planner_count; i++) {
		int64_t left = s->planners[i].next;

		if (left == INT64_MAX)
			continue;
		left = left * 1000 - s->now.wall;
		if (left < 0)
			left = 0;
		if (left > 30000)
			left = 30000;
		if (s->now.mono + left < next)
			next = s->now.mono + left;
	}
	return next;
}

void schedule_free(struct sequencer *s)
{
	mem_free(s->planners);
	s->planners = NULL;
	s->planner_count = 0;
}

static void planner_setup(struct sequencer *s, struct planner *p,
			  const struct schedule_config *config)
{
	struct json_error error;
	struct text json;
	struct value v;

	p->config = config;
	p->last = s->now.wall / 1000;
	if (store_get_cursor(s->store, s->work, planner_source(s, p), &json) &&
	    json_parse(s->parser, s->work, json, &v, &error) == FATE_OK) {
		const struct value *last = value_get(v, TEXT("last"));

		if (last != NULL && last->kind == VALUE_INT)
			p->last = last->i;
	} else {
		planner_write(s, p);
	}
	p->next = cron_next(config, p->last);
}

bool schedule_setup(struct sequencer *s)
{
	schedule_free(s);
	if (s->config->schedule_count == 0 || !s->options.schedules)
		return true;
	s->planners = mem_zero(s->config->schedule_count, sizeof(*s->planners));
	if (s->planners == NULL)
		return false;
	s->planner_count = s->config->schedule_count;
	for (size_t i = 0; i < s->planner_count; i++)
		planner_setup(s, &s->planners[i], &s->config->schedules[i]);
	return true;
}
