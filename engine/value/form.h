/* SPDX-License-Identifier: Apache-2.0
 *
 * form - application/x-www-form-urlencoded (WHATWG URL, section 5.1) as a map.
 *
 * Every field is a text; a field that is sent several times is a list of them,
 * in their order, where the first stood. Stricter than browsers: escapes must be
 * whole and what they spell must be UTF-8.
 * Ownership: all of the map lives in the arena given. */
#ifndef TAPPET_VALUE_FORM_H
#define TAPPET_VALUE_FORM_H

#include "engine/value/value.h"

/* NULL, or what is wrong with it (static text; *out is null then). On a spent
 * arena *out is null and the arena is failed. */
const char *form_parse(struct arena *arena, struct text form, struct value *out);

#endif
