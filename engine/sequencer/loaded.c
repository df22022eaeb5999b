/* SPDX-License-Identifier: Apache-2.0
 *
 * loaded.c - which rules run, for whoever asks the store: `tappet plan` compares
 * files with them.
 *
 * Each loaded rule has a state "loaded" with its revision and mode, and its text is
 * among the revisions. Written at start and with a reload, where it differs.
 *
 * I1  The rows are the set that decides, in the same commit as its first decision. */
#include "engine/sequencer/internal.h"

#define WHAT TEXT("loaded")

static const char *const mode_words[] = { "live", "shadow", "off" };

struct loaded_reading {
	struct sequencer *s;
	struct map *rows; /* rule -> the text of its row, a struct text in s->work */
};

static bool loaded_row(void *of, struct text rule, struct text key, struct text json)
{
	const struct loaded_reading *r = of;
	const struct text kept = text_dup(r->s->work, json);
	struct text *row = arena_copy(r->s->work, &kept, sizeof(kept));

	(void)key;
	if (row != NULL && kept.s != NULL && map_put(r->rows, text_dup(r->s->work, rule), row))
		return true;
	seq_break(r->s);
	return false;
}

static void loaded_put(struct sequencer *s, struct map *rows, const struct rule *rule)
{
	const struct text *row = map_drop(rows, rule->id);
	struct text now =
	    text_printf(s->work, "%.*s %s", TEXT_ARG(rule->revision), mode_words[rule->mode]);

	if (row != NULL && text_eq(*row, now))
		return;
	run_revision(s, rule);
	store_put_state(s->store, rule->id, WHAT, TEXT(""), now, s->now.wall);
}

bool loaded_note(struct sequencer *s)
{
	struct loaded_reading reading = { .s = s, .rows = map_new() };
	struct text rule;
	void *value;

	if (reading.rows == NULL) {
		seq_break(s);
		return false;
	}
	store_each_state(s->store, WHAT, loaded_row, &reading);
	for (size_t i = 0; i < ruleset_count(s->rules) && !s->broken; i++)
		loaded_put(s, reading.rows, ruleset_at(s->rules, i));
	for (size_t at = 0; !s->broken && map_next(reading.rows, &at, &rule, &value);)
		store_drop_state(s->store, rule, WHAT, TEXT(""));
	map_free(reading.rows);
	seq_clear(s);
	return !s->broken;
}
