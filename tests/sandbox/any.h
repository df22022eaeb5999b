/* SPDX-License-Identifier: Apache-2.0
 *
 * any - an API of nobody's: one path for each way a caller may prove itself, and one that takes
 * files. What passed is kept as a message, see /_sandbox/messages.
 *
 * Credentials are fixed: see README.md.
 */
#ifndef SANDBOX_ANY_H
#define SANDBOX_ANY_H

#include "tests/sandbox/routes.h"

extern const struct vendor any;

answer_fn any_token;
answer_fn any_receive;
answer_fn any_echo;
answer_fn any_upload; /* upload.c */

#endif
