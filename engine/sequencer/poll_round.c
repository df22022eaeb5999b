/* SPDX-License-Identifier: Apache-2.0
 *
 * poll_round.c - a source that reads lists and then each object (rounds.c): how its
 * round goes on, and what people hear of objects that were left out. */
#include "engine/sequencer/poll.h"

void source_round_on(struct sequencer *s, struct source *src)
{
	struct call *call = source_call(s, src);

	if (call == NULL)
		return;
	if (!round_is_over(src->round)) {
		source_fetch(s, src);
	} else if (round_is_barren(src->round)) {
		source_failed(s, src, text_of(src->left_out), -1);
		src->busy = false;
	} else if (round_done(src->round, src->poll, call)) {
		source_done(s, src);
	} else {
		seq_break(s);
	}
}

void source_round_next(struct sequencer *s, struct source *src, const struct page *page)
{
	struct call *call = source_call(s, src);
	const char *why;

	if (call == NULL)
		return;
	/* An object was read: what failed before it and what fails behind it is not in a row. */
	if (round_is_reading(src->round))
		source_works(s, src);
	why = round_next(s, src->round, src->poll, call, source_shelf(s, src), page);
	if (why != NULL)
		source_failed(s, src, text_of(why), -1);
	else
		source_round_on(s, src);
}

bool source_round_skip(struct sequencer *s, struct source *src, const struct ending *end,
		       struct text why)
{
	struct text id = text_dup(s->work, src->round_id);

	if (s->broken)
		return false;
	if (!round_skip(s, src->round, src->poll->resource->rounds, source_shelf(s, src), end))
		return false;
	why = text_printf(s->work, "%.*s: %.*s", TEXT_ARG(id), TEXT_ARG(why));
	if (round_left(src->round) == 1) {
		mem_free(src->left_out);
		src->left_out = text_heap(why);
		if (src->left_out == NULL)
			seq_break(s);
	}
	log_write(LOG_WARN, "a poll left something out",
		  LOG_S("source", text_dup(s->work, src->poll->source).s), LOG_S("why", why.s));
	source_round_on(s, src);
	return true;
}

void source_tell_left(struct sequencer *s, struct source *src)
{
	size_t left = round_left(src->round);

	if (left == 0)
		return;
	src->error = text_heap(
	    text_printf(s->work, "%zu could not be read, the first: %s", left, src->left_out));
	if (src->error == NULL)
		seq_break(s);
}
