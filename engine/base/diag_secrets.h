/* SPDX-License-Identifier: Apache-2.0
 *
 * diag_secrets - where a file's text may have a secret, by the words before it.
 *
 * Lines are quoted of files that nobody could read, too: what is wrong with them may be what hides
 * a secret. So it goes by keys ("token:", "password:"), wherever they stand, and rather hides too
 * much. Not found: a value on another line than its key. */
#ifndef TAPPET_BASE_DIAG_SECRETS_H
#define TAPPET_BASE_DIAG_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/text.h"

/* The next value from *at on that may be one: its bytes are *from..*at then. False: no more. */
bool diag_secret_next(struct text t, size_t *from, size_t *at);

#endif
