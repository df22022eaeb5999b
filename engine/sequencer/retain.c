/* SPDX-License-Identifier: Apache-2.0
 *
 * retain.c - what is too old is forgotten, a little at a time.
 *
 * Now and then, and again soon while there is more, so that no batch gets long.
 * What is still open or in doubt is kept whatever its age (store.h, I4). */
#include "engine/sequencer/internal.h"
#include "engine/sequencer/pause.h"

#define RETAIN_EVERY 60000 /* ms */
#define RETAIN_SOON  10    /* ms: there was more. With RETAIN_ROWS, 25,000 events a second */
#define RETAIN_ROWS  250   /* of each kind in one batch: below 5 ms */
#define RETAIN_COUNT 1000  /* ms: the counts of what is kept for people are read anew */
#define RETAIN_STATE (30 * INT64_C(86400000)) /* state of a rule whose id disappeared */

/* Pauses end by themselves. */
static bool retain_known(void *of, struct text rule)
{
	const struct sequencer *s = of;

	return text_is(rule, PAUSE_RULE) || ruleset_find(s->rules, rule) != NULL;
}

/* A clock that is put forward while the daemon runs makes nothing older: it would be gone for good
 * before anybody saw the mistake. */
static int64_t retain_now(const struct sequencer *s)
{
	return s->now.wall < seq_steady(s) ? s->now.wall : seq_steady(s);
}

void retain_timer(struct sequencer *s)
{
	int64_t now = retain_now(s);
	const struct retention retention = {
		.now = now,
		.events_before = now - s->config->retain_events,
		.states_before = now - RETAIN_STATE,
		.rule_is_known = retain_known,
		.of = s,
		.limit = RETAIN_ROWS,
	};

	if (!s->options.retention || s->now.mono < s->retain_at)
		return;
	bool more = store_retain(s->store, &retention);

	if (!more || s->now.mono >= s->kept_at) {
		kept_count(s);
		s->kept_at = s->now.mono + RETAIN_COUNT;
	}
	s->retain_at = s->now.mono + (more ? RETAIN_SOON : RETAIN_EVERY);
	/* Revisions may be among what went: put them again when they are next used. */
	map_free(s->kept_revisions);
	s->kept_revisions = map_new();
	if (s->kept_revisions == NULL)
		seq_break(s);
}
