/* SPDX-License-Identifier: Apache-2.0
 *
 * crypto - the few primitives tappet needs, all from libcrypto.
 *
 * Digests that name things, MACs and signatures that prove a sender, and the
 * comparison that doesn't tell how far it got.
 * The only place that calls libcrypto.
 * Ownership: the caller owns all buffers. */
#ifndef TAPPET_BASE_CRYPTO_H
#define TAPPET_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/text.h"

#define CRYPTO_SHA256      32 /* bytes */
#define CRYPTO_MAC_MAX     64 /* bytes; SHA-512 */
#define CRYPTO_ED25519_KEY 32 /* bytes */
#define CRYPTO_ED25519_SIG 64 /* bytes */

/* A running SHA-256. crypto_sha256_end frees it and says whether all went well
 * (false: memory is out); the other two take NULL and failed sums in stride. */
struct crypto_sha256;

struct crypto_sha256 *crypto_sha256_new(void);
void crypto_sha256_put(struct crypto_sha256 *sum, struct text part);
bool crypto_sha256_end(struct crypto_sha256 *sum, uint8_t out[CRYPTO_SHA256]);

enum crypto_hash { CRYPTO_HMAC_SHA1, CRYPTO_HMAC_SHA256, CRYPTO_HMAC_SHA512 };

/* HMAC (RFC 2104) over the parts as if they were one text. Returns the length
 * written to out (20, 32 or 64), 0 when memory is out. */
size_t hmac_parts(enum crypto_hash hash, struct text key, const struct text *parts, size_t count,
		  uint8_t out[CRYPTO_MAC_MAX]);

/* The same with SHA-256; false when memory is out. */
bool hmac_sha256(struct text key, const struct text *parts, size_t count,
		 uint8_t out[CRYPTO_SHA256]);

/* Ed25519 (RFC 8032), pure. False for a wrong signature as for a key or a
 * signature of the wrong size. */
bool ed25519_verify(struct text key, struct text signature, struct text message);

/* True when the PEM text (RFC 7468) holds at least one X.509 certificate and each can be read;
 * what else stands in it is passed over. */
bool pem_has_certificates(struct text pem);

/* What keeps a server from using the two (PEM, the server's certificate first, the key not
 * encrypted), in words for people that say nothing of the key; NULL when nothing does. */
const char *pem_pair_mistake(struct text certificate, struct text key);

/* Whether the first certificate of the PEM text is over, or not valid yet, by the system's clock.
 */
bool pem_is_out_of_date(struct text pem);

/* Equality in a time that depends on the lengths only. */
bool bytes_equal_ct(struct text a, struct text b);

/* Overwrites in a way the compiler keeps. */
void bytes_wipe(void *bytes, size_t n);

#endif
