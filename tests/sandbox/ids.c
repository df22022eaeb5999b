/* SPDX-License-Identifier: Apache-2.0
 *
 * ids - see ids.h.
 */
#include "tests/sandbox/ids.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void fill(unsigned char *bytes, size_t n)
{
	if (getrandom(bytes, n, 0) == (ssize_t)n)
		return;
	perror("tappet-sandbox: getrandom");
	exit(3);
}

void ids_ulid(char out[ULID_SIZE], int64_t ms)
{
	static const char base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned char random[16];

	assert(out && ms >= 0);
	fill(random, sizeof(random));
	for (int i = 0; i < 10; i++)
		out[i] = base32[ms >> (45 - 5 * i) & 31];
	for (int i = 0; i < 16; i++)
		out[10 + i] = base32[random[i] & 31];
	out[26] = '\0';
}

void ids_token(char out[TOKEN_SIZE])
{
	unsigned char random[32];

	fill(random, sizeof(random));
	for (int i = 0; i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", random[i]);
}
