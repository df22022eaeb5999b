/* SPDX-License-Identifier: Apache-2.0
 *
 * pause - how the store keeps what operators have paused, for the sequencer and for
 * readers: states of PAUSE_RULE, which is no rule, of the kind PAUSE_STATE; keys are as below. */
#ifndef TAPPET_SEQUENCER_PAUSE_H
#define TAPPET_SEQUENCER_PAUSE_H

#include "engine/base/arena.h"
#include "engine/value/parse.h"

#define PAUSE_RULE  "tappet:pauses"
#define PAUSE_STATE "pause"

/* "rule/NAME", "connection/NAME" or "plugin/NAME". */
struct pause_row {
	struct text kind, name;
	struct text who, why;
	int64_t since, until; /* wall ms; until 0: until it is resumed */
};

/* Reads a row; its texts are in the arena. False when it is none. */
bool pause_read(struct json_parser *parser, struct arena *arena, struct text key, struct text json,
		struct pause_row *out);

/* "paused until 2026-01-31T08:00:00Z by kim: a reason", in the arena; empty when memory is out. */
struct text pause_words(struct arena *arena, const struct pause_row *row);

#endif
