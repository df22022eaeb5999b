/* SPDX-License-Identifier: Apache-2.0
 *
 * verify.c - the schemes of enum verify_scheme; see verify.h.
 *
 * Two families: a MAC in one header (hindsite, github, hmac), described by struct
 * mac_scheme, and Standard Webhooks, whose header lists signatures. */
#include "engine/sources/verify.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/crypto.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"

#define KEY_MAX 512 /* bytes of a decoded key; Standard Webhooks asks for 24 to 64 */
#define TOLERANCE_DEFAULT                                                                          \
	300000 /* ms; five minutes, as the Standard Webhooks libraries have it                     \
		*/

/* A header that may be used: there, and not too long to look at. */
static bool verify_header(const struct verify_request *r, const char *name, struct text *out)
{
	*out = r->header(r->of, name);
	return out->s != NULL && out->n > 0 && out->n <= LIMIT_SIGNATURE;
}

/* Unix seconds, not further from now than the tolerance, in either direction. */
static bool verify_fresh(const struct hook_config *hook, const struct verify_request *r,
			 struct text timestamp)
{
	int64_t tolerance = hook->tolerance > 0 ? hook->tolerance : TOLERANCE_DEFAULT;
	int64_t seconds, ms, off;

	if (!text_to_int(timestamp, &seconds) || __builtin_mul_overflow(seconds, 1000, &ms) ||
	    __builtin_sub_overflow(r->now_wall_ms, ms, &off))
		return false;
	return off <= tolerance && off >= -tolerance;
}

/* ---- One MAC in one header. ---- */

struct mac_scheme {
	enum crypto_hash hash;
	const char *header, *prefix;
	bool base64;
	const char *timestamp_header; /* NULL: the body alone is signed */
};

static bool mac_given(const struct mac_scheme *scheme, const struct verify_request *r,
		      uint8_t out[CRYPTO_MAC_MAX], size_t *n)
{
	struct text prefix = text_of(scheme->prefix);
	struct text t;

	if (!verify_header(r, scheme->header, &t) || !text_starts(t, prefix))
		return false;
	t.s += prefix.n;
	t.n -= prefix.n;
	return scheme->base64 ? base64_decode(t, out, CRYPTO_MAC_MAX, n)
			      : hex_decode(t, out, CRYPTO_MAC_MAX, n);
}

static bool mac_matches(enum crypto_hash hash, struct text key, const struct text *parts,
			size_t count, struct text given)
{
	uint8_t mac[CRYPTO_MAC_MAX];
	size_t n = key.n > 0 ? hmac_parts(hash, key, parts, count, mac) : 0;

	return n > 0 && bytes_equal_ct((struct text){ (const char *)mac, n }, given);
}

static bool verify_mac(const struct hook_config *hook, const struct verify_request *r,
		       const struct mac_scheme *scheme)
{
	struct text parts[3] = { TEXT_NONE, TEXT("."), r->body };
	const struct text *signed_parts = parts;
	size_t count = 3;
	uint8_t given[CRYPTO_MAC_MAX];
	size_t n = 0;
	bool matches = false;

	if (!mac_given(scheme, r, given, &n))
		return false;
	if (scheme->timestamp_header == NULL) {
		signed_parts = parts + 2;
		count = 1;
	} else if (!verify_header(r, scheme->timestamp_header, &parts[0]) ||
		   !verify_fresh(hook, r, parts[0])) {
		return false;
	}
	for (size_t i = 0; i < hook->secret_count && !matches; i++)
		matches = mac_matches(scheme->hash, secret_reveal(hook->secrets[i]), signed_parts,
				      count, (struct text){ (const char *)given, n });
	return matches;
}

static bool verify_hindsite(const struct hook_config *hook, const struct verify_request *r)
{
	static const struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
						  .header = "X-Webhook-Signature",
						  .prefix = "" };

	return verify_mac(hook, r, &scheme);
}

/* docs.github.com, "Validating webhook deliveries". */
static bool verify_github(const struct hook_config *hook, const struct verify_request *r)
{
	static const struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
						  .header = "X-Hub-Signature-256",
						  .prefix = "sha256=" };

	return verify_mac(hook, r, &scheme);
}

static bool verify_hmac(const struct hook_config *hook, const struct verify_request *r)
{
	struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
				     .header = hook->header,
				     .prefix = hook->prefix != NULL ? hook->prefix : "",
				     .base64 = hook->base64,
				     .timestamp_header = hook->timestamp_header };

	if (hook->sha512)
		scheme.hash = CRYPTO_HMAC_SHA512;
	else if (hook->sha1)
		scheme.hash = CRYPTO_HMAC_SHA1;
	return scheme.header != NULL && verify_mac(hook, r, &scheme);
}

/* ---- Standard Webhooks. ---- */

struct signature {
	bool asymmetric; /* v1a: ed25519; else v1: HMAC-SHA256 */
	uint8_t bytes[CRYPTO_ED25519_SIG];
	size_t n;
};

struct message {
	struct text id, timestamp, body;
	struct signature signatures[LIMIT_SIGNATURES];
	size_t signature_count;
};

static bool signature_read(struct text t, struct signature *out)
{
	struct text version;
	struct text value = text_split(t, ',', &version);

	out->asymmetric = text_is(version, "v1a");
	if (!out->asymmetric && !text_is(version, "v1"))
		return false;
	return base64_decode(value, out->bytes, sizeof(out->bytes), &out->n);
}

/* Versions nobody here knows and entries that are malformed are skipped. */
static void signatures_read(struct text header, struct message *m)
{
	while (header.n > 0 && m->signature_count < LIMIT_SIGNATURES) {
		struct text one;

		header = text_split(header, ' ', &one);
		if (signature_read(one, &m->signatures[m->signature_count]))
			m->signature_count++;
	}
}

static bool message_read(const struct verify_request *r, struct message *m)
{
	struct text header;

	if (!verify_header(r, "webhook-id", &m->id) || m->id.n > LIMIT_SENDER_ID ||
	    !verify_header(r, "webhook-timestamp", &m->timestamp) ||
	    !verify_header(r, "webhook-signature", &header))
		return false;
	/* A dot would move the borders between what is signed. */
	if (text_find(m->id, TEXT(".")) != SIZE_MAX ||
	    text_find(m->timestamp, TEXT(".")) != SIZE_MAX)
		return false;
	m->body = r->body;
	signatures_read(header, m);
	return m->signature_count > 0;
}

static bool message_mac(const struct message *m, struct text key)
{
	const struct text parts[] = { m->id, TEXT("."), m->timestamp, TEXT("."), m->body };
	uint8_t mac[CRYPTO_SHA256];
	bool matches = false;

	if (key.n == 0 || !hmac_sha256(key, parts, 5, mac))
		return false;
	for (size_t i = 0; i < m->signature_count && !matches; i++) {
		const struct signature *s = &m->signatures[i];

		matches = !s->asymmetric &&
			  bytes_equal_ct((struct text){ (const char *)mac, sizeof(mac) },
					 (struct text){ (const char *)s->bytes, s->n });
	}
	return matches;
}

/* ed25519 reads its message twice, so the parts have to stand in one piece. */
static bool message_ed25519(const struct message *m, struct text key)
{
	struct buf whole;
	bool matches = false;

	buf_init(&whole, m->id.n + m->timestamp.n + m->body.n + 2);
	buf_text(&whole, m->id);
	buf_char(&whole, '.');
	buf_text(&whole, m->timestamp);
	buf_char(&whole, '.');
	buf_text(&whole, m->body);
	for (size_t i = 0; i < m->signature_count && !matches && !buf_failed(&whole); i++) {
		const struct signature *s = &m->signatures[i];

		matches = s->asymmetric &&
			  ed25519_verify(key, (struct text){ (const char *)s->bytes, s->n },
					 buf_view(&whole));
	}
	buf_fini(&whole);
	return matches;
}

/* "whsec_" and no prefix: base64 of a MAC key; "whpk_": base64 of a public key.
 * A private key ("whsk_") has no business here. */
static bool message_proved(const struct message *m, struct text secret)
{
	struct text public_prefix = TEXT("whpk_");
	struct text shared_prefix = TEXT("whsec_");
	bool asymmetric = text_starts(secret, public_prefix);
	uint8_t key[KEY_MAX];
	size_t n = 0, skip = 0;
	bool matches = false;

	if (asymmetric)
		skip = public_prefix.n;
	else if (text_starts(secret, shared_prefix))
		skip = shared_prefix.n;
	secret.s += skip;
	secret.n -= skip;
	if (base64_decode(secret, key, sizeof(key), &n)) {
		struct text k = { (const char *)key, n };

		matches = asymmetric ? message_ed25519(m, k) : message_mac(m, k);
	}
	bytes_wipe(key, sizeof(key));
	return matches;
}

static bool verify_standard(const struct hook_config *hook, const struct verify_request *r,
			    struct text *sender_id)
{
	struct message m = { .signature_count = 0 };
	bool matches = false;

	if (!message_read(r, &m) || !verify_fresh(hook, r, m.timestamp))
		return false;
	for (size_t i = 0; i < hook->secret_count && !matches; i++)
		matches = message_proved(&m, secret_reveal(hook->secrets[i]));
	if (matches)
		*sender_id = m.id;
	return matches;
}

/* ---- A shared token. ---- */

static bool verify_bearer(const struct hook_config *hook, const struct verify_request *r)
{
	bool matches = false;
	struct text t, scheme;

	if (!verify_header(r, "Authorization", &t))
		return false;
	t = text_trim(text_split(t, ' ', &scheme));
	if (!text_ieq(scheme, TEXT("Bearer")) || t.n == 0)
		return false;
	for (size_t i = 0; i < hook->secret_count && !matches; i++)
		matches = secret_equals(hook->secrets[i], t);
	return matches;
}

bool verify_request(const struct hook_config *hook, const struct verify_request *r,
		    struct text *sender_id)
{
	assert(hook != NULL);
	assert(r != NULL && r->header != NULL);
	assert(sender_id != NULL);
	*sender_id = TEXT_NONE;
	switch (hook->verify) {
	case VERIFY_NONE:
		return true;
	case VERIFY_HINDSITE:
		return verify_hindsite(hook, r);
	case VERIFY_GITHUB:
		return verify_github(hook, r);
	case VERIFY_STANDARD:
		return verify_standard(hook, r, sender_id);
	case VERIFY_HMAC:
		return verify_hmac(hook, r);
	case VERIFY_BEARER:
		return verify_bearer(hook, r);
	}
	return false;
}
