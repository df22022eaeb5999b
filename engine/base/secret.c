/* SPDX-License-Identifier: Apache-2.0
 *
 * secret - counted holders, bytes wiped when the last one lets go. */
#include "engine/base/secret.h"

#include <assert.h>
#include <stdatomic.h>

#include "engine/base/crypto.h"
#include "engine/base/mem.h"

struct secret {
	atomic_uint holders;
	size_t n;
	char bytes[];
};

struct secret *secret_new(struct text bytes)
{
	struct secret *secret;

	if (bytes.n > SIZE_MAX / 2)
		return NULL;
	secret = mem_alloc(sizeof(*secret) + bytes.n + 1);
	if (secret == NULL)
		return NULL;
	atomic_init(&secret->holders, 1);
	secret->n = bytes.n;
	if (bytes.n > 0)
		memcpy(secret->bytes, bytes.s, bytes.n);
	secret->bytes[bytes.n] = '\0';
	return secret;
}

struct secret *secret_ref(struct secret *secret)
{
	assert(secret != NULL);
	atomic_fetch_add(&secret->holders, 1);
	return secret;
}

void secret_free(struct secret *secret)
{
	unsigned before;

	if (secret == NULL)
		return;
	before = atomic_fetch_sub(&secret->holders, 1);
	assert(before > 0);
	if (before > 1)
		return;
	bytes_wipe(secret->bytes, secret->n);
	mem_free(secret);
}

struct text secret_reveal(const struct secret *secret)
{
	assert(secret != NULL);
	return (struct text){ secret->bytes, secret->n };
}

bool secret_equals(const struct secret *secret, struct text given)
{
	volatile unsigned char differ;

	assert(secret != NULL);
	differ = secret->n != given.n;
	/* With another length the walk goes round the secret, so that its time
	 * says nothing of where the two part or how long the secret is. The byte
	 * after the last is NUL, which serves an empty secret. */
	for (size_t i = 0, k = 0; i < given.n; i++) {
		differ |= (unsigned char)(given.s[i] ^ secret->bytes[k]);
		k = k + 1 < secret->n ? k + 1 : 0;
	}
	return differ == 0;
}
