/* SPDX-License-Identifier: Apache-2.0
 *
 * hex - bytes as text: hexadecimal and base64 (RFC 4648), both strict.
 *
 * Decoding accepts exactly what an encoder may write: nothing skipped, no
 * missing padding, no stray bits in the last character. So one value has one
 * spelling (two for hex: either case).
 * Ownership: the caller owns all buffers. */
#ifndef TAPPET_BASE_HEX_H
#define TAPPET_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/text.h"

#define HEX_SIZE(n)    (2 * (n) + 1)           /* for n bytes, with the NUL */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1) /* for n bytes, with the NUL */

/* Lower-case digits and a NUL: HEX_SIZE(n) bytes. */
void hex_encode(const void *bytes, size_t n, char *out);

/* Decodes into out, which has `room` bytes; false when the text is not hex or
 * doesn't fit. */
bool hex_decode(struct text t, void *out, size_t room, size_t *n);

/* Standard alphabet with padding, and a NUL: BASE64_SIZE(n) bytes. */
void base64_encode(const void *bytes, size_t n, char *out);
bool base64_decode(struct text t, void *out, size_t room, size_t *n);

#endif
