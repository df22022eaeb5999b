/* SPDX-License-Identifier: Apache-2.0
 *
 * publish - an event of the log as a CloudEvent, for taps and plugins.
 *
 * CloudEvents 1.0.2, JSON format in structured mode; `seq`, `depth`, `before` and
 * `changed` are extensions. plugins/PROTOCOL.md shows one. */
#ifndef TAPPET_SEQUENCER_PUBLISH_H
#define TAPPET_SEQUENCER_PUBLISH_H

#include "engine/base/buf.h"
#include "engine/store/store.h"
#include "engine/value/value.h"

/* Appends the event. `before` and `data` are the values of its JSON, which says what changed;
 * `scratch` holds what is needed for that. Where memory gives out `out` fails, or `changed` is cut
 * short and `scratch` has failed. */
void publish_event(struct buf *out, struct arena *scratch, const struct event_record *record,
		   struct value before, struct value data);

#endif
