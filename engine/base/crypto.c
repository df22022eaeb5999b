/* SPDX-License-Identifier: Apache-2.0
 *
 * crypto - libcrypto's EVP interface, and its own for SHA-256, behind crypto.h.
 *
 * I1  Every function fails closed: an error of libcrypto is never a match.
 * libcrypto's error queue is emptied after a failure, so that nothing of it
 * shows up in the next, unrelated report. */
#include "engine/base/crypto.h"

#define OPENSSL_API_COMPAT 0x10100000L /* SHA256_Init and its kin: the names are old, and stay */

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

/* libcrypto's context by our name; it is only ever cast, never looked into. */
static SHA256_CTX *ctx_of(struct crypto_sha256 *sum)
{
	return (SHA256_CTX *)(void *)sum;
}

/* Not by EVP: that looks the algorithm up by its name each time, which costs more than the sum of
 * a name. */
struct crypto_sha256 *crypto_sha256_new(void)
{
	SHA256_CTX *ctx = OPENSSL_malloc(sizeof(*ctx));

	if (ctx == NULL || SHA256_Init(ctx) != 1) {
		OPENSSL_free(ctx);
		ERR_clear_error();
		return NULL;
	}
	return (struct crypto_sha256 *)(void *)ctx;
}

void crypto_sha256_put(struct crypto_sha256 *sum, struct text part)
{
	if (sum != NULL && part.n > 0)
		SHA256_Update(ctx_of(sum), part.s, part.n);
}

bool crypto_sha256_end(struct crypto_sha256 *sum, uint8_t out[CRYPTO_SHA256])
{
	bool ok;

	if (sum == NULL)
		return false;
	ok = SHA256_Final(out, ctx_of(sum)) == 1;
	OPENSSL_free(sum);
	return ok;
}

static bool mac_run(EVP_MAC_CTX *ctx, const char *digest, struct text key, const struct text *parts,
		    size_t count, uint8_t *out, size_t *n)
{
	/* The parameter is read only; its type wants a pointer to char. */
	OSSL_PARAM params[2] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	/* A NULL key would mean "the key set before". */
	const unsigned char *bytes = (const unsigned char *)(key.n > 0 ? key.s : "");

	if (EVP_MAC_init(ctx, bytes, key.n, params) != 1)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].n > 0 &&
		    EVP_MAC_update(ctx, (const unsigned char *)parts[i].s, parts[i].n) != 1)
			return false;
	}
	return EVP_MAC_final(ctx, out, n, CRYPTO_MAC_MAX) == 1;
}

size_t hmac_parts(enum crypto_hash hash, struct text key, const struct text *parts, size_t count,
		  uint8_t out[CRYPTO_MAC_MAX])
{
	static const char *const digests[] = { "SHA1", "SHA256", "SHA512" };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
	size_t n = 0;

	assert((unsigned)hash < sizeof(digests) / sizeof(digests[0]));
	assert(parts != NULL || count == 0);
	assert(out != NULL);
	if (ctx == NULL || !mac_run(ctx, digests[hash], key, parts, count, out, &n)) {
		ERR_clear_error();
		n = 0;
	}
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return n;
}

bool hmac_sha256(struct text key, const struct text *parts, size_t count,
		 uint8_t out[CRYPTO_SHA256])
{
	uint8_t mac[CRYPTO_MAC_MAX];

	if (hmac_parts(CRYPTO_HMAC_SHA256, key, parts, count, mac) != CRYPTO_SHA256)
		return false;
	memcpy(out, mac, CRYPTO_SHA256);
	return true;
}

bool ed25519_verify(struct text key, struct text signature, struct text message)
{
	EVP_PKEY *pkey;
	EVP_MD_CTX *ctx;
	bool ok;

	if (key.n != CRYPTO_ED25519_KEY || signature.n != CRYPTO_ED25519_SIG)
		return false;
	pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)key.s,
					   key.n);
	ctx = EVP_MD_CTX_new();
	ok = pkey != NULL && ctx != NULL &&
	     EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
	     EVP_DigestVerify(ctx, (const unsigned char *)signature.s, signature.n,
			      (const unsigned char *)(message.n > 0 ? message.s : ""),
			      message.n) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

static BIO *pem_reader(struct text pem)
{
	return pem.n <= INT_MAX ? BIO_new_mem_buf(pem.n > 0 ? pem.s : "", (int)pem.n) : NULL;
}

static X509 *pem_first(struct text pem)
{
	BIO *in = pem_reader(pem);
	X509 *one = in != NULL ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;

	BIO_free(in);
	return one;
}

/* Asked for the password of a key: there is nobody to ask. */
static int no_password(char *out, int room, int writes, void *of)
{
	(void)out;
	(void)room;
	(void)writes;
	(void)of;
	return -1;
}

static EVP_PKEY *pem_key(struct text pem)
{
	BIO *in = pem_reader(pem);
	EVP_PKEY *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_password, NULL) : NULL;

	BIO_free(in);
	return key;
}

const char *pem_pair_mistake(struct text certificate, struct text key)
{
	X509 *x = pem_first(certificate);
	EVP_PKEY *own = pem_key(key);
	const char *mistake = NULL;

	if (x == NULL || !pem_has_certificates(certificate))
		mistake = "no certificate can be read";
	else if (own == NULL)
		mistake = text_find(key, TEXT("ENCRYPTED")) != SIZE_MAX
			      ? "the key is encrypted"
			      : "no private key can be read";
	else if (X509_check_private_key(x, own) != 1)
		mistake = "the key isn't that of the first certificate";
	X509_free(x);
	EVP_PKEY_free(own);
	ERR_clear_error();
	return mistake;
}

bool pem_is_out_of_date(struct text pem)
{
	X509 *x = pem_first(pem);
	bool out = x != NULL && (X509_cmp_current_time(X509_get0_notBefore(x)) > 0 ||
				 X509_cmp_current_time(X509_get0_notAfter(x)) < 0);

	X509_free(x);
	ERR_clear_error();
	return out;
}

bool pem_has_certificates(struct text pem)
{
	BIO *in = pem_reader(pem);
	size_t count = 0;
	X509 *one;
	bool ok;

	while (in != NULL && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
		X509_free(one);
		count++;
	}
	/* The end is an error, too: of the only kind that is none. */
	ok = count > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(in);
	ERR_clear_error();
	return ok;
}

bool bytes_equal_ct(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.s, b.s, a.n) == 0);
}

void bytes_wipe(void *bytes, size_t n)
{
	assert(bytes != NULL || n == 0);
	OPENSSL_cleanse(bytes, n);
}
