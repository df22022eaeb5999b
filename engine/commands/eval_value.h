/* SPDX-License-Identifier: Apache-2.0
 *
 * eval_value - CEL's values as JSON and back, for `tappet eval`.
 *
 * JSON has fewer kinds than CEL; a type says what a JSON value stands for:
 *   null bool int uint double string bytes (base64) timestamp (RFC 3339)
 *   duration ("3.5s") list list(T) map map(K, V) type dyn
 * and, as CEL spells them, null_type, google.protobuf.Timestamp and
 * google.protobuf.Duration. Whole numbers beyond 2^53 and NaN, Infinity and
 * -Infinity are written as text.
 * Ownership: values live in the arena given. */
#ifndef TAPPET_COMMANDS_EVAL_VALUE_H
#define TAPPET_COMMANDS_EVAL_VALUE_H

#include "engine/cel/cel.h"
#include "engine/value/value.h"

/* The static type that a type's text begins with; false when there is no such type. */
bool eval_type(struct text type, enum cel_type *out);

/* What the JSON value stands for under the type. False when it doesn't fit. */
bool eval_take(struct arena *arena, struct text type, struct value json, struct value *out);

/* The value as JSON can carry it; map keys become text when it is written. */
struct value eval_give(struct arena *arena, struct value v);

#endif
