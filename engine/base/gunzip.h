/* SPDX-License-Identifier: Apache-2.0
 *
 * gunzip - gzip (RFC 1952) back to what it was, up to a limit.
 *
 * It and pack.c are the only places that call zlib.
 * I1  Nothing is ever unpacked beyond the limit: the work is bounded by it,
 *     however small what came in is.
 * I2  All of the input is used: what is cut short, or followed by anything but
 *     another member, is malformed.
 * Ownership: the caller owns both sides; zlib's state lives for the call. */
#ifndef TAPPET_BASE_GUNZIP_H
#define TAPPET_BASE_GUNZIP_H

#include "engine/base/buf.h"
#include "engine/base/text.h"

enum gunzip { GUNZIP_OK, GUNZIP_MALFORMED, GUNZIP_TOO_LARGE, GUNZIP_NO_MEMORY };

/* Appends to `out`, whose limit is the one that counts. */
enum gunzip gunzip(struct text packed, struct buf *out);

#endif
