/* SPDX-License-Identifier: Apache-2.0
 *
 * switches - reading and setting what the vendors leave open (struct switches), by name.
 */
#ifndef SANDBOX_SWITCHES_H
#define SANDBOX_SWITCHES_H

#include "tests/sandbox/sandbox.h"

/* Sets the named ones, all or none. NULL if fine, else what is wrong (static text). */
const char *switches_set(struct switches *sw, const json_t *object);

/* As a JSON object; of the webhook secret and the token only whether they are set. */
void switches_write(const struct switches *sw, struct text *out);

#endif
