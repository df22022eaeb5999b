/* SPDX-License-Identifier: Apache-2.0
 *
 * ids - random identifiers.
 */
#ifndef SANDBOX_IDS_H
#define SANDBOX_IDS_H

#include <stdint.h>

#define ULID_SIZE  27
#define TOKEN_SIZE 65

/* A ULID of that millisecond (https://github.com/ulid/spec): 26 characters, sortable by time. */
void ids_ulid(char out[ULID_SIZE], int64_t ms);

/* 32 random bytes in hex. */
void ids_token(char out[TOKEN_SIZE]);

#endif
