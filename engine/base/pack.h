/* SPDX-License-Identifier: Apache-2.0
 *
 * pack - bytes made small by what is like them.
 *
 * A text that says nearly the same as one that is at hand (a webhook's body and the
 * data read from it) is packed against it, and takes few bytes. What comes out is
 * a list of blanks, or deflate without header or checksum (RFC 1951): it is kept
 * in places that have their own.
 *
 * Ownership: a packer is zlib's memory, about 150 KB, kept because making it costs
 * more than packing a small text; one thread at a time. */
#ifndef TAPPET_BASE_PACK_H
#define TAPPET_BASE_PACK_H

#include "engine/base/buf.h"
#include "engine/base/text.h"

/* The most that n bytes become: zlib's own bound for what it can't make smaller. */
#define PACK_MOST(n) ((n) + (n) / 8 + (n) / 64 + 64)

struct packer;

struct packer *packer_new(void); /* NULL: memory is out */
void packer_free(struct packer *packer);

/* Appends `plain` to `out`, packed against `like`. False when memory is out or the limit of
 * `out` is reached. */
bool packer_pack(struct packer *packer, struct text plain, struct text like, struct buf *out);

/* Appends what was packed against this very `like`. False when it wasn't, memory is out, or the
 * limit of `out` is reached. */
bool unpack(struct text packed, struct text like, struct buf *out);

#endif
