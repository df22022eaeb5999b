/* SPDX-License-Identifier: Apache-2.0
 *
 * secret - a value that does not print.
 *
 * Tokens, signing keys and secret URLs live in this type from the moment they
 * are read. The only way to the bytes is secret_reveal, called where a header
 * is built or a signature computed, so a reviewer can grep for it.
 * Ownership: the holder frees it; the bytes are wiped then. Immutable, so any
 * thread may read it; secret_ref/secret_free count holders atomically. */
#ifndef TAPPET_BASE_SECRET_H
#define TAPPET_BASE_SECRET_H

#include <stdbool.h>

#include "engine/base/text.h"

struct secret;

struct secret *secret_new(struct text bytes); /* copies; NULL when memory is out */
struct secret *secret_ref(struct secret *secret);
void secret_free(struct secret *secret); /* NULL is fine */

struct text secret_reveal(const struct secret *secret);

/* Constant time in the length of `given`. */
bool secret_equals(const struct secret *secret, struct text given);

#endif
