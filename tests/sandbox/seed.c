/* SPDX-License-Identifier: Apache-2.0
 *
 * seed - the projects a fresh sandbox starts with.
 *
 * Everything is worked out from the number of the project and the clock; two runs that start at the
 * same second make the same world.
 */
#include "tests/sandbox/times.h"
#include "tests/sandbox/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY ((int64_t)86400)

struct sample {
	const char *title;
	const char *description;
	int64_t price;
	int64_t used;
	int64_t rate;
	int64_t complete;
	int64_t lead;
	int64_t client;
	int due_in_days;
};

static const struct sample samples[] = {
	{ "Acme rollout", "Roll the new maintenance platform out to six plants.", 5000000, 4800000,
	  15000, 81, 9001, 9101, 21 },
	{ "Borealis data migration", "Move twelve years of work orders.", 12000000, 7320000, 14000,
	  58, 9002, 9102, 64 },
	{ "Cobalt plant handover", "Commissioning and hand-over of line 4.", 3200000, 960000, 12500,
	  34, 9002, 9103, 90 },
	{ "Dunmore service portal", "Customer portal, phase one.", 2400000, 2100000, 13000, 92,
	  9003, 9101, -3 },
};

void seed_demo(struct world *w, int64_t now)
{
	assert(w);
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const struct sample *s = &samples[i];
		struct workspace *ws = world_create(w, now - (int64_t)(40 - i) * DAY);

		free(ws->title);
		ws->title = must_copy(s->title);
		ws->description = must_copy(s->description);
		ws->updated_at = now - (int64_t)(5 - i) * 3600;
		ws->price_in_cents = s->price;
		ws->budget_used_in_cents = s->used;
		ws->rate_in_cents = s->rate;
		ws->minutes_logged = s->used / s->rate * 60;
		ws->percentage_complete = s->complete;
		ws->primary_maven_id = s->lead;
		ws->primary_counterpart_id = s->client;
		ws->start_date = times_date(now - (int64_t)(38 - i) * DAY);
		ws->due_date = times_date(now + s->due_in_days * DAY);
		workspace_recompute(ws);
	}
}

void seed_many(struct world *w, int64_t count, int64_t now)
{
	int64_t span = 29 * DAY;
	int64_t groups = (count + 3) / 4;
	char title[48];

	assert(w && count >= 0);
	for (int64_t i = 0; i < count; i++) {
		int64_t created = now - 30 * DAY + (i / 4) * span / groups;
		struct workspace *ws = world_create(w, created);

		(void)snprintf(title, sizeof(title), "Project %06lld", (long long)ws->id);
		free(ws->title);
		ws->title = must_copy(title);
		ws->updated_at = created + i * 7919 % DAY;
		ws->price_in_cents = 1000000 + i % 97 * 50000;
		ws->budget_used_in_cents = ws->price_in_cents / 100 * (i % 100);
		ws->minutes_logged = ws->budget_used_in_cents / ws->rate_in_cents * 60;
		ws->percentage_complete = i % 100;
		ws->primary_maven_id = 9001 + i % 3;
		ws->primary_counterpart_id = 9101 + i % 3;
		ws->start_date = times_date(created);
		ws->due_date = times_date(created + (60 + i % 300) * DAY);
		workspace_recompute(ws);
	}
}
