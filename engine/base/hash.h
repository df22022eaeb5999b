/* SPDX-License-Identifier: Apache-2.0
 *
 * hash - a 64-bit hash for tables and a 128-bit one for identity.
 *
 * hash64 is for in-memory tables and change detection; hash128 names things
 * that must not collide by accident (event ids, idempotency keys, revisions):
 * the first 16 bytes of SHA-256, so that the same parts give the same name on
 * every machine and version. */
#ifndef TAPPET_BASE_HASH_H
#define TAPPET_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"

#define HASH_HEX 33 /* 32 lower-case hex digits and a NUL */

uint64_t hash64(const void *bytes, size_t n, uint64_t seed);

/* Length-prefixed parts, so ("ab","c") and ("a","bc") differ. */
void hash_name(const struct text *parts, size_t count, char out[HASH_HEX]);

#endif
