/* SPDX-License-Identifier: Apache-2.0
 *
 * hash - multiply and fold for tables, SHA-256 for names.
 *
 * hash64 follows the idea of wyhash (Wang Yi, public domain): multiply two
 * words to 128 bits and xor the halves. It is fast and spreads well; it is not
 * meant to resist someone who searches for collisions. Words are read in the
 * machine's byte order, so its values must never be stored. */
#include "engine/base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/crypto.h"
#include "engine/base/hex.h"

__extension__ typedef unsigned __int128 wide;

/* Odd constants with as many ones as zeros, from the fraction of the golden
 * ratio and of the square roots of 2 and 3. */
#define K0 UINT64_C(0x9e3779b97f4a7c15)
#define K1 UINT64_C(0x6a09e667f3bcc909)
#define K2 UINT64_C(0xbb67ae8584caa73b)

static uint64_t fold(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t word8(const unsigned char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

static uint64_t word4(const unsigned char *s)
{
	uint32_t w;

	memcpy(&w, s, sizeof(w));
	return w;
}

/* The last 0 to 16 bytes as two words that overlap where they are fewer. */
static void tail(const unsigned char *s, size_t n, uint64_t *a, uint64_t *b)
{
	if (n >= 8) {
		*a = word8(s);
		*b = word8(s + n - 8);
	} else if (n >= 4) {
		*a = word4(s);
		*b = word4(s + n - 4);
	} else if (n > 0) {
		*a = (uint64_t)s[0] << 16 | (uint64_t)s[n / 2] << 8 | s[n - 1];
		*b = 0;
	} else {
		*a = *b = 0;
	}
}

uint64_t hash64(const void *bytes, size_t n, uint64_t seed)
{
	const unsigned char *s = bytes;
	uint64_t h = seed ^ fold(seed ^ K0, K1);
	size_t left = n;
	uint64_t a, b;

	assert(bytes != NULL || n == 0);
	if (left > 32) { /* two chains, so that the multiplications overlap */
		uint64_t other = h;

		for (; left > 32; left -= 32, s += 32) {
			h = fold(word8(s) ^ K0, word8(s + 8) ^ h);
			other = fold(word8(s + 16) ^ K1, word8(s + 24) ^ other);
		}
		h ^= other;
	}
	if (left > 16) {
		h = fold(word8(s) ^ K2, word8(s + 8) ^ h);
		s += 16;
		left -= 16;
	}
	tail(s, left, &a, &b);
	return fold(K2 ^ n, fold(a ^ K1, b ^ h) ^ K0);
}

void hash_name(const struct text *parts, size_t count, char out[HASH_HEX])
{
	uint8_t digest[CRYPTO_SHA256];
	struct crypto_sha256 *sum = crypto_sha256_new();

	assert(parts != NULL || count == 0);
	for (size_t i = 0; i < count; i++) {
		uint8_t length[8];

		for (size_t k = 0; k < sizeof(length); k++)
			length[k] = (uint8_t)((uint64_t)parts[i].n >> (56 - 8 * k));
		crypto_sha256_put(sum, (struct text){ (const char *)length, sizeof(length) });
		crypto_sha256_put(sum, parts[i]);
	}
	/* Fails only when memory is out; going on without a name would break
	 * identity, and a crash leaves the store whole. */
	if (!crypto_sha256_end(sum, digest))
		abort();
	hex_encode(digest, (HASH_HEX - 1) / 2, out);
}
