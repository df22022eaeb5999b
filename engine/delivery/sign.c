/* SPDX-License-Identifier: Apache-2.0
 *
 * sign.c - see sign.h. Sources: RFC 2104 (HMAC), the specification at
 * https://www.standardwebhooks.com (webhook-id, webhook-timestamp,
 * webhook-signature: "v1," and base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY). */
#include "engine/delivery/sign.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/hex.h"

/* What follows the host; it begins with '/' or '?', or is empty. */
static struct text url_target(struct text url)
{
	size_t at = text_find(url, TEXT("://"));
	size_t n = at == SIZE_MAX ? 0 : at + 3;

	while (n < url.n && url.s[n] != '/' && url.s[n] != '?')
		n++;
	return (struct text){ url.s + n, url.n - n };
}

static void sign_stamp(const struct signing *how, int64_t now, char out[TIMETEXT_MAX])
{
	if (how->stamp == STAMP_ISO8601)
		timetext_format_ms(now, out);
	else
		(void)snprintf(out, TIMETEXT_MAX, "%lld",
			       (long long)(how->stamp == STAMP_SECONDS ? now / 1000 : now));
}

struct pieces {
	struct text all[2 * LIMIT_SIGNED_PARTS_OUT]; /* a path may be two */
	size_t count;
};

static void put(struct pieces *p, struct text t)
{
	assert(p->count < sizeof(p->all) / sizeof(p->all[0]));
	p->all[p->count++] = t;
}

static void put_part(struct pieces *p, const struct signed_part *part, const struct sign_input *in,
		     const char *stamp)
{
	switch (part->kind) {
	case SIGNED_TEXT:
		put(p, part->text);
		break;
	case SIGNED_TIMESTAMP:
		put(p, text_of(stamp));
		break;
	case SIGNED_ID:
		put(p, in->id);
		break;
	case SIGNED_BODY:
		put(p, in->body);
		break;
	case SIGNED_METHOD:
		put(p, text_of(in->method));
		break;
	case SIGNED_PATH:
		if (!text_starts(url_target(in->url), TEXT("/")))
			put(p, TEXT("/")); /* so it goes onto the wire */
		put(p, url_target(in->url));
		break;
	}
}

static struct pieces sign_pieces(const struct signing *how, const struct sign_input *in,
				 const char *stamp)
{
	struct pieces p = { .count = 0 };

	for (size_t i = 0; i < how->part_count; i++)
		put_part(&p, &how->parts[i], in, stamp);
	return p;
}

static struct pieces standard_pieces(const struct sign_input *in, const char *stamp)
{
	struct pieces p = { .count = 0 };

	put(&p, in->id);
	put(&p, TEXT("."));
	put(&p, text_of(stamp));
	put(&p, TEXT("."));
	put(&p, in->body);
	return p;
}

static bool sign_add(const struct signing *how, const struct secret *key, const struct pieces *p,
		     char *out, size_t room)
{
	uint8_t mac[CRYPTO_MAC_MAX];
	char text[HEX_SIZE(CRYPTO_MAC_MAX)];
	size_t used = strlen(out);
	size_t n = hmac_parts(how->hash, secret_reveal(key), p->all, p->count, mac);

	if (n == 0)
		return false;
	if (how->base64)
		base64_encode(mac, n, text);
	else
		hex_encode(mac, n, text);
	(void)snprintf(out + used, room - used, "%s%s%s", used > 0 ? " " : "",
		       how->standard ? "v1," : how->prefix, text);
	return true;
}

static void add_header(struct signature *out, const char *name, struct text value)
{
	if (name != NULL)
		out->headers[out->count++] = (struct http_header){ text_of(name), value };
}

bool sign_request(const struct signing *how, const struct sign_input *in, struct signature *out)
{
	struct pieces p;

	assert(how != NULL && in != NULL && out != NULL);
	assert(how->header != NULL && how->key_count > 0);
	assert(how->key_count <= LIMIT_SIGNING_KEYS);
	out->count = 0;
	out->value[0] = '\0';
	sign_stamp(how, in->now, out->stamp);
	p = how->standard ? standard_pieces(in, out->stamp) : sign_pieces(how, in, out->stamp);
	for (size_t i = 0; i < how->key_count; i++)
		if (!sign_add(how, how->keys[i], &p, out->value, sizeof(out->value)))
			return false;
	add_header(out, how->id_header, in->id);
	add_header(out, how->timestamp_header, text_of(out->stamp));
	add_header(out, how->header, text_of(out->value));
	return true;
}
