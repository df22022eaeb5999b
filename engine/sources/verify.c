/* SPDX-License-Identifier: Apache-2.0
 *
 * verify.c - the schemes of enum verify_scheme; see verify.h.
 *
 * Three families: a MAC in one header (hindsite, github, slack, hmac), described
 * by struct mac_scheme; headers that list signatures (Standard Webhooks, Stripe);
 * and what the sender simply tells (bearer, basic).
 * A new scheme is a function here and a row of checks[]. */
#include "engine/sources/verify.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/crypto.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"

#define KEY_MAX   512 /* bytes of a decoded key; Standard Webhooks asks for 24 to 64 */
#define PARTS_MAX LIMIT_SIGNED_PARTS
#define TOLERANCE_DEFAULT                                                                          \
	300000 /* ms; five minutes, as the Standard Webhooks libraries have it                     \
		*/

/* A header that may be used: there, and not too long to look at. */
static bool verify_header(const struct verify_request *r, const char *name, struct text *out)
{
	*out = r->header(r->of, name);
	return out->s != NULL && out->n > 0 && out->n <= LIMIT_SIGNATURE;
}

static int64_t tolerance_of(const struct hook_config *hook)
{
	return hook->tolerance > 0 ? hook->tolerance : TOLERANCE_DEFAULT;
}

/* How long ago Unix seconds were, in ms. */
static bool age_of(const struct verify_request *r, struct text timestamp, int64_t *age)
{
	int64_t seconds, ms;

	return text_to_int(timestamp, &seconds) && !__builtin_mul_overflow(seconds, 1000, &ms) &&
	       !__builtin_sub_overflow(r->now_wall_ms, ms, age);
}

/* Unix seconds, not further from now than the tolerance, in either direction. */
static bool verify_fresh(const struct hook_config *hook, const struct verify_request *r,
			 struct text timestamp)
{
	int64_t tolerance = tolerance_of(hook);
	int64_t age;

	return age_of(r, timestamp, &age) && age <= tolerance && age >= -tolerance;
}

/* ---- One MAC in one header. ---- */

struct mac_scheme {
	enum crypto_hash hash;
	const char *header, *prefix;
	bool base64;
	const char *timestamp_header, *id_header; /* NULL: not signed */
	const struct signed_part *parts;
	size_t count;
	enum key_form key_form;
};

static const struct signed_part body_alone[] = { { .kind = SIGNED_BODY } };

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

/* The values that are signed besides the body; the id is the sender's then. */
static bool mac_values(const struct hook_config *hook, const struct verify_request *r,
		       const struct mac_scheme *scheme, struct text *timestamp, struct text *id)
{
	if (scheme->timestamp_header != NULL &&
	    (!verify_header(r, scheme->timestamp_header, timestamp) ||
	     !verify_fresh(hook, r, *timestamp)))
		return false;
	return scheme->id_header == NULL ||
	       (verify_header(r, scheme->id_header, id) && id->n <= LIMIT_SENDER_ID);
}

/* The signed bytes in pieces. An id that holds the first byte of what separates
 * it from the rest could move the border between the two. */
static bool mac_parts(const struct mac_scheme *scheme, const struct text values[SIGNED_BODY + 1],
		      struct text parts[PARTS_MAX])
{
	assert(scheme->count <= PARTS_MAX);
	for (size_t i = 0; i < scheme->count; i++) {
		const struct signed_part *part = &scheme->parts[i];

		parts[i] = part->kind == SIGNED_TEXT ? part->text : values[part->kind];
		if (i > 0 && part[-1].kind == SIGNED_ID &&
		    memchr(parts[i - 1].s, part->text.s[0], parts[i - 1].n) != NULL)
			return false;
	}
	return true;
}

static bool mac_proved(const struct mac_scheme *scheme, struct text secret,
		       const struct text *parts, struct text given)
{
	uint8_t key[KEY_MAX];
	size_t n = 0;
	bool matches;

	if (scheme->key_form == KEY_TEXT)
		return mac_matches(scheme->hash, secret, parts, scheme->count, given);
	matches = (scheme->key_form == KEY_HEX ? hex_decode(secret, key, sizeof(key), &n)
					       : base64_decode(secret, key, sizeof(key), &n)) &&
		  mac_matches(scheme->hash, (struct text){ (const char *)key, n }, parts,
			      scheme->count, given);
	bytes_wipe(key, sizeof(key));
	return matches;
}

static bool verify_mac(const struct hook_config *hook, const struct verify_request *r,
		       const struct mac_scheme *scheme, struct text *sender_id)
{
	struct text values[SIGNED_BODY + 1] = { [SIGNED_BODY] = r->body };
	struct text parts[PARTS_MAX];
	uint8_t given[CRYPTO_MAC_MAX];
	size_t n = 0;
	bool matches = false;

	if (!mac_given(scheme, r, given, &n) ||
	    !mac_values(hook, r, scheme, &values[SIGNED_TIMESTAMP], &values[SIGNED_ID]) ||
	    !mac_parts(scheme, values, parts))
		return false;
	for (size_t i = 0; i < hook->secret_count && !matches; i++)
		matches = mac_proved(scheme, secret_reveal(hook->secrets[i]), parts,
				     (struct text){ (const char *)given, n });
	if (matches)
		*sender_id = values[SIGNED_ID];
	return matches;
}

static bool verify_hindsite(const struct hook_config *hook, const struct verify_request *r,
			    struct text *sender_id)
{
	static const struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
						  .header = "X-Webhook-Signature",
						  .prefix = "",
						  .parts = body_alone,
						  .count = 1 };

	return verify_mac(hook, r, &scheme, sender_id);
}

/* docs.github.com, "Validating webhook deliveries". */
static bool verify_github(const struct hook_config *hook, const struct verify_request *r,
			  struct text *sender_id)
{
	static const struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
						  .header = "X-Hub-Signature-256",
						  .prefix = "sha256=",
						  .parts = body_alone,
						  .count = 1 };

	return verify_mac(hook, r, &scheme, sender_id);
}

/* docs.slack.dev, "Verifying requests from Slack". */
static bool verify_slack(const struct hook_config *hook, const struct verify_request *r,
			 struct text *sender_id)
{
	static const struct signed_part parts[] = { { SIGNED_TEXT, { "v0:", 3 } },
						    { .kind = SIGNED_TIMESTAMP },
						    { SIGNED_TEXT, { ":", 1 } },
						    { .kind = SIGNED_BODY } };
	static const struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
						  .header = "X-Slack-Signature",
						  .prefix = "v0=",
						  .timestamp_header = "X-Slack-Request-Timestamp",
						  .parts = parts,
						  .count = 4 };

	return verify_mac(hook, r, &scheme, sender_id);
}

static bool signs(const struct hook_config *hook, int kind)
{
	for (size_t i = 0; i < hook->signed_count; i++)
		if ((int)hook->signed_parts[i].kind == kind)
			return true;
	return false;
}

static bool verify_hmac(const struct hook_config *hook, const struct verify_request *r,
			struct text *sender_id)
{
	static const struct signed_part timed[] = { { .kind = SIGNED_TIMESTAMP },
						    { SIGNED_TEXT, { ".", 1 } },
						    { .kind = SIGNED_BODY } };
	struct mac_scheme scheme = { .hash = CRYPTO_HMAC_SHA256,
				     .header = hook->header,
				     .prefix = hook->prefix != NULL ? hook->prefix : "",
				     .base64 = hook->base64,
				     .timestamp_header = hook->timestamp_header,
				     .id_header = signs(hook, SIGNED_ID) ? hook->id_header : NULL,
				     .parts = hook->signed_parts,
				     .count = hook->signed_count,
				     .key_form = hook->key_form };

	if (hook->sha512)
		scheme.hash = CRYPTO_HMAC_SHA512;
	else if (hook->sha1)
		scheme.hash = CRYPTO_HMAC_SHA1;
	if (scheme.count == 0) {
		scheme.parts = hook->timestamp_header != NULL ? timed : body_alone;
		scheme.count = hook->timestamp_header != NULL ? 3 : 1;
	}
	return scheme.header != NULL && verify_mac(hook, r, &scheme, sender_id);
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

/* ---- Stripe: docs.stripe.com/webhooks, "Verify webhook signatures manually". ---- */

struct stripe {
	struct text timestamp; /* the first one */
	uint8_t signatures[LIMIT_SIGNATURES][CRYPTO_SHA256];
	size_t count;
};

/* "t=1614265330,v1=HEX,v1=HEX,v0=HEX": other schemes than v1 are no proof. */
static bool stripe_read(const struct verify_request *r, struct stripe *s)
{
	struct text header, item, name;

	if (!verify_header(r, "Stripe-Signature", &header))
		return false;
	while (header.n > 0 && s->count < LIMIT_SIGNATURES) {
		size_t n;

		header = text_split(header, ',', &item);
		item = text_split(text_trim(item), '=', &name);
		if (text_is(name, "t") && s->timestamp.s == NULL)
			s->timestamp = item;
		else if (text_is(name, "v1") &&
			 hex_decode(item, s->signatures[s->count], CRYPTO_SHA256, &n) &&
			 n == CRYPTO_SHA256)
			s->count++;
	}
	return s->timestamp.n > 0 && s->count > 0;
}

/* A time ahead of ours is taken, as Stripe's own libraries do: only who has the
 * key can have signed it, and a repeat is known by its event's id. */
static bool stripe_fresh(const struct hook_config *hook, const struct verify_request *r,
			 struct text timestamp)
{
	int64_t age;

	return age_of(r, timestamp, &age) && age <= tolerance_of(hook);
}

/* The whole text of the secret is the key, "whsec_" included. */
static bool verify_stripe(const struct hook_config *hook, const struct verify_request *r,
			  struct text *sender_id)
{
	struct stripe s = { .count = 0 };
	bool matches = false;

	(void)sender_id; /* it stands in the body */
	if (!stripe_read(r, &s) || !stripe_fresh(hook, r, s.timestamp))
		return false;
	const struct text parts[] = { s.timestamp, TEXT("."), r->body };

	for (size_t i = 0; i < hook->secret_count * s.count && !matches; i++) {
		const uint8_t *given = s.signatures[i % s.count];

		matches =
		    mac_matches(CRYPTO_HMAC_SHA256, secret_reveal(hook->secrets[i / s.count]),
				parts, 3, (struct text){ (const char *)given, CRYPTO_SHA256 });
	}
	return matches;
}

/* ---- What the sender tells. ---- */

static bool any_secret_is(const struct hook_config *hook, struct text given)
{
	bool matches = false;

	for (size_t i = 0; i < hook->secret_count && !matches; i++)
		matches = given.n > 0 && secret_equals(hook->secrets[i], given);
	return matches;
}

/* What follows the name of the scheme in Authorization. */
static bool authorization(const struct verify_request *r, struct text scheme, struct text *out)
{
	struct text t, word;

	if (!verify_header(r, "Authorization", &t))
		return false;
	*out = text_trim(text_split(t, ' ', &word));
	return text_ieq(word, scheme);
}

/* RFC 6750, sections 2.1 and 2.3; the second form is for CloudEvents' webhooks, whose
 * targets have to take both. A request that uses the header is judged by it. */
static bool verify_bearer(const struct hook_config *hook, const struct verify_request *r,
			  struct text *sender_id)
{
	struct text token;

	(void)sender_id;
	if (authorization(r, TEXT("Bearer"), &token))
		return any_secret_is(hook, token);
	if (r->query == NULL || r->header(r->of, "Authorization").s != NULL)
		return false;
	token = r->query(r->of, "access_token");
	return token.n <= LIMIT_SIGNATURE && any_secret_is(hook, token);
}

/* RFC 7617; both parts are compared, whichever is wrong. */
static bool verify_basic(const struct hook_config *hook, const struct verify_request *r,
			 struct text *sender_id)
{
	char plain[LIMIT_SIGNATURE];
	struct text given, user, password;
	size_t n = 0;
	bool matches = false;

	(void)sender_id;
	if (authorization(r, TEXT("Basic"), &given) &&
	    base64_decode(given, plain, sizeof(plain), &n)) {
		password = text_split((struct text){ plain, n }, ':', &user);
		matches = any_secret_is(hook, password);
		matches = bytes_equal_ct(user, hook->user) && matches;
	}
	bytes_wipe(plain, sizeof(plain));
	return matches;
}

static bool verify_none(const struct hook_config *hook, const struct verify_request *r,
			struct text *sender_id)
{
	(void)hook;
	(void)r;
	(void)sender_id;
	return true;
}

typedef bool check_fn(const struct hook_config *hook, const struct verify_request *r,
		      struct text *sender_id);

static check_fn *const checks[] = {
	[VERIFY_NONE] = verify_none,     [VERIFY_HINDSITE] = verify_hindsite,
	[VERIFY_GITHUB] = verify_github, [VERIFY_STANDARD] = verify_standard,
	[VERIFY_HMAC] = verify_hmac,     [VERIFY_BEARER] = verify_bearer,
	[VERIFY_STRIPE] = verify_stripe, [VERIFY_SLACK] = verify_slack,
	[VERIFY_BASIC] = verify_basic,
};

bool verify_request(const struct hook_config *hook, const struct verify_request *r,
		    struct text *sender_id)
{
	assert(hook != NULL && (size_t)hook->verify < sizeof(checks) / sizeof(checks[0]));
	assert(r != NULL && r->header != NULL);
	assert(sender_id != NULL);
	*sender_id = TEXT_NONE;
	return checks[hook->verify](hook, r, sender_id);
}

/* ---- For the operator. ---- */

/* What a scheme wants besides the body, as far as it stands in headers. */
struct wanted {
	const char *header, *prefix, *timestamp_header, *id_header;
};

static struct wanted wanted_of(const struct hook_config *hook)
{
	static const struct wanted fixed[] = {
		[VERIFY_HINDSITE] = { .header = "X-Webhook-Signature" },
		[VERIFY_GITHUB] = { .header = "X-Hub-Signature-256", .prefix = "sha256=" },
		[VERIFY_STANDARD] = { .header = "webhook-signature",
				      .timestamp_header = "webhook-timestamp",
				      .id_header = "webhook-id" },
		[VERIFY_BEARER] = { .header = "Authorization", .prefix = "Bearer " },
		[VERIFY_STRIPE] = { .header = "Stripe-Signature" },
		[VERIFY_SLACK] = { .header = "X-Slack-Signature",
				   .prefix = "v0=",
				   .timestamp_header = "X-Slack-Request-Timestamp" },
		[VERIFY_BASIC] = { .header = "Authorization", .prefix = "Basic " },
	};

	if (hook->verify == VERIFY_HMAC)
		return (struct wanted){ hook->header, hook->prefix, hook->timestamp_header,
					signs(hook, SIGNED_ID) ? hook->id_header : NULL };
	return (size_t)hook->verify < sizeof(fixed) / sizeof(fixed[0]) ? fixed[hook->verify]
								       : (struct wanted){ 0 };
}

/* The first of its headers that is absent, empty or too long; NULL: all are there. */
static const char *missing(const struct wanted *w, const struct verify_request *r)
{
	const char *const names[] = { w->header, w->timestamp_header, w->id_header };
	struct text t;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] != NULL && !verify_header(r, names[i], &t))
			return names[i];
	return NULL;
}

/* The word of Authorization is compared without regard to case, as RFC 9110 has it. */
static bool begins(const struct hook_config *hook, struct text t, struct text prefix)
{
	bool word = hook->verify == VERIFY_BEARER || hook->verify == VERIFY_BASIC;

	return word ? t.n >= prefix.n && text_ieq((struct text){ t.s, prefix.n }, prefix)
		    : text_starts(t, prefix);
}

static bool token_in_url(const struct hook_config *hook, const struct verify_request *r)
{
	return hook->verify == VERIFY_BEARER && r->query != NULL &&
	       r->query(r->of, "access_token").n > 0;
}

void verify_tell(const struct hook_config *hook, const struct verify_request *r, char *out,
		 size_t room)
{
	struct wanted w;
	const char *absent;
	struct text t;

	assert(hook != NULL && r != NULL && r->header != NULL);
	assert(out != NULL && room > 0);
	w = wanted_of(hook);
	absent = token_in_url(hook, r) ? NULL : missing(&w, r);
	if (absent != NULL)
		snprintf(out, room, "there is no header %s", absent);
	else if (w.prefix != NULL && verify_header(r, w.header, &t) &&
		 !begins(hook, t, text_of(w.prefix)))
		snprintf(out, room, "the header %s doesn't begin with \"%s\"", w.header, w.prefix);
	else if (w.timestamp_header != NULL && verify_header(r, w.timestamp_header, &t) &&
		 !verify_fresh(hook, r, t))
		snprintf(out, room, "the time in %s is no Unix time within %lld s of ours",
			 w.timestamp_header, (long long)(tolerance_of(hook) / 1000));
	else
		snprintf(out, room, "%s",
			 hook->verify == VERIFY_STRIPE
			     ? "it is of another secret, of another body, or too old"
			     : "it is of another secret, or of another body");
}
