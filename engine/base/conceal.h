/* SPDX-License-Identifier: Apache-2.0
 *
 * conceal - texts from outside without the secrets that they quote.
 *
 * Whoever is sent a secret may write it back, in an error or a log, and spell it otherwise. Found
 * are a secret's bytes as they are, in base64 (both alphabets, at each of the three alignments) and
 * in hexadecimal; each of these also as JSON, a URL, a form or HTML may escape it. Not found: other
 * encodings, two of them one over the other, a secret that is cut or broken over lines.
 * Ownership: the holder frees it; the bytes are wiped then. Not for several threads at once.
 * Sources: RFC 4648, 4, 5 and 8; RFC 8259, 7; RFC 3986, 2.1. */
#ifndef TAPPET_BASE_CONCEAL_H
#define TAPPET_BASE_CONCEAL_H

#include "engine/base/text.h"

struct buf;
struct concealer;

struct concealer *concealer_new(void);    /* NULL when memory is out */
void concealer_free(struct concealer *c); /* NULL is fine */

/* `name` takes the secret's place; both are copied. A secret under LIMIT_HIDDEN_SECRET bytes is
 * left out. When there is no room for it, nothing of any text is shown afterwards. */
void concealer_add(struct concealer *c, struct text secret, struct text name);

/* `t` itself when nothing of it is a secret, or c is NULL; else what `out` holds then. Nothing, and
 * `out` has failed, when it has no room, or it isn't known what to look for. */
struct text conceal(const struct concealer *c, struct text t, struct buf *out);

#endif
