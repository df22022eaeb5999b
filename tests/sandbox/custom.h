/* SPDX-License-Identifier: Apache-2.0
 *
 * custom - the custom fields of the pretended Kantata account: their sets, fields and choices, and
 * the values that projects have.
 *
 * Invariant: a workspace's `custom` maps the ids of fields to values that custom_set() has taken.
 */
#ifndef SANDBOX_CUSTOM_H
#define SANDBOX_CUSTOM_H

#include "tests/sandbox/routes.h"
#include "tests/sandbox/world.h"

answer_fn custom_sets;
answer_fn custom_fields;
answer_fn custom_choices;
answer_fn custom_values;

/* Applies the custom_fields of a create or update; false when one doesn't fit. */
bool custom_set(struct workspace *ws, const json_t *list);

/* The filter by_custom_text_value: `2:red`, `2:red;8:blue` or `(2:red):(8:blue)`, all of which must
 * hold; texts are compared to the letter. */
bool custom_has_texts(const struct workspace *ws, const char *filter);

/* `[..]` of custom_field_value_ids, and the rows of the map custom_field_values. */
void custom_write_ids(const struct workspace *ws, struct text *out);
void custom_write_rows(const struct workspace *ws, struct text *out);

#endif
