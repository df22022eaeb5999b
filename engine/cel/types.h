/* SPDX-License-Identifier: Apache-2.0
 *
 * types - which operators take which static types: langdef.md, "List of Standard
 * Definitions". CEL_DYN fits everywhere that anything fits. */
#ifndef TAPPET_CEL_TYPES_H
#define TAPPET_CEL_TYPES_H

#include "engine/cel/ast.h"

bool cel_types_number(enum cel_type type);
bool cel_types_key(enum cel_type type); /* may select from a map; doubles too, by value */

/* False when no values of these types fit the operator. */
bool cel_types_binary(enum cel_op op, enum cel_type a, enum cel_type b, enum cel_type *result);

/* What to write instead, or "". */
const char *cel_types_hint(enum cel_op op, enum cel_type a, enum cel_type b);

/* The start of a type's dotted name (google.protobuf.Timestamp, net.IP). */
bool cel_types_is_namespace(const struct cel_ast *node);

#endif
