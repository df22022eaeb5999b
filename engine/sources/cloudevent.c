/* SPDX-License-Identifier: Apache-2.0
 *
 * cloudevent.c - media types and ce- headers; see cloudevent.h. */
#include "engine/sources/cloudevent.h"

#include <assert.h>

#include "engine/base/hex.h"

/* ---- The media type. ---- */

static bool ends_anycase(struct text t, struct text suffix)
{
	return t.n >= suffix.n && text_ieq((struct text){ t.s + t.n - suffix.n, suffix.n }, suffix);
}

enum media cloudevent_media(struct text content_type)
{
	struct text type, major, minor;

	(void)text_split(content_type, ';', &type);
	type = text_trim(type);
	if (type.n == 0)
		return MEDIA_JSON;
	if (text_ieq(type, TEXT("application/cloudevents-batch+json")))
		return MEDIA_BATCH;
	if (text_ieq(type, TEXT("application/cloudevents+json")))
		return MEDIA_STRUCTURED;
	if (text_ieq(type, TEXT("application/x-www-form-urlencoded")))
		return MEDIA_FORM;
	if (text_ieq(type, TEXT("application/json")))
		return MEDIA_JSON;
	minor = text_split(type, '/', &major);
	return major.n > 0 && minor.n > 5 && ends_anycase(minor, TEXT("+json")) ? MEDIA_JSON
										: MEDIA_OTHER;
}

/* ---- One value. ---- */

/* The inside of a quoted-string (RFC 9110, 5.6.4) with its backslashes resolved;
 * false when the quotes do not close. */
static bool unquote(struct text value, char *out, size_t *n)
{
	size_t used = 0;

	if (value.n < 2 || value.s[value.n - 1] != '"')
		return false;
	for (size_t i = 1; i < value.n - 1; i++) {
		if (value.s[i] == '"')
			return false;
		if (value.s[i] == '\\' && ++i == value.n - 1)
			return false;
		out[used++] = value.s[i];
	}
	*n = used;
	return true;
}

/* In place. */
static bool percent_decode(char *s, size_t *n)
{
	size_t used = 0, got;

	for (size_t i = 0; i < *n; i++) {
		char c = s[i];

		if (c == '%') {
			if (*n - i < 3 || !hex_decode((struct text){ s + i + 1, 2 }, &c, 1, &got))
				return false;
			i += 2;
		}
		s[used++] = c;
	}
	*n = used;
	return true;
}

/* CloudEvents 1.0, "Type System", String: no control characters, no
 * noncharacters; and it has to be UTF-8. */
static bool is_string(struct text t)
{
	for (size_t at = 0; at < t.n;) {
		uint32_t code;
		size_t length = text_char(t, at, &code);

		if (length == 0 || code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
		    (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef))
			return false;
		at += length;
	}
	return true;
}

bool cloudevent_decode(struct text value, char *out, size_t *n)
{
	assert(out != NULL && n != NULL);
	value = text_trim(value);
	*n = value.n;
	if (value.n > 0 && value.s[0] == '"') {
		if (!unquote(value, out, n))
			return false;
	} else if (value.n > 0) {
		memcpy(out, value.s, value.n);
	}
	return percent_decode(out, n) && is_string((struct text){ out, *n });
}

/* ---- Binary mode. ---- */

const char *cloudevent_binary(struct text (*header)(const void *of, const char *name),
			      const void *of, struct hook_input *in, struct cloudevent_room *room)
{
	static const char *const names[5] = { "ce-id", "ce-source", "ce-type", "ce-subject",
					      "ce-time" };
	struct text *const targets[5] = { &in->ce_id, &in->ce_source, &in->ce_type, &in->ce_subject,
					  &in->ce_time };
	struct text version = header(of, "ce-specversion");
	struct text values[5];

	assert(room != NULL);
	for (int i = 0; i < 5; i++)
		values[i] = header(of, names[i]);
	if (version.s == NULL || values[0].s == NULL || values[1].s == NULL || values[2].s == NULL)
		return NULL;
	if (!text_is(text_trim(version), "1.0"))
		return "{\"error\":\"ce-specversion must be 1.0\"}";
	for (int i = 0; i < 5; i++) {
		size_t n;

		if (values[i].n > LIMIT_CE_ATTRIBUTE)
			return "{\"error\":\"a ce- header is too long\"}";
		if (!cloudevent_decode(values[i], room->bytes[i], &n))
			return "{\"error\":\"a ce- header is malformed: send percent-encoded "
			       "UTF-8\"}";
		*targets[i] = (struct text){ room->bytes[i], n };
	}
	in->envelope = ENVELOPE_BINARY;
	return NULL;
}
