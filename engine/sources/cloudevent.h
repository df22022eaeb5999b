/* SPDX-License-Identifier: Apache-2.0
 *
 * cloudevent - how a request carries a CloudEvent: the HTTP protocol binding,
 * version 1.0.2 (github.com/cloudevents/spec), as far as headers say.
 *
 * Ownership: decoded values live in the room the caller gives. */
#ifndef TAPPET_SOURCES_CLOUDEVENT_H
#define TAPPET_SOURCES_CLOUDEVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/limits.h"
#include "engine/base/text.h"
#include "engine/sequencer/record.h"

enum media {
	MEDIA_JSON,       /* application/json, anything/anything+json, or nothing said */
	MEDIA_STRUCTURED, /* application/cloudevents+json */
	MEDIA_BATCH,      /* application/cloudevents-batch+json */
	MEDIA_FORM,       /* application/x-www-form-urlencoded */
	MEDIA_OTHER,
};

/* By the value of Content-Type (s NULL: absent); parameters are ignored. */
enum media cloudevent_media(struct text content_type);

/* One header's value as the attribute it stands for (section 3.1.3.2): unquoted,
 * percent-decoded once. False for malformed escapes, bytes that are not UTF-8,
 * and characters the type String excludes. At most value.n bytes are written. */
bool cloudevent_decode(struct text value, char *out, size_t *n);

struct cloudevent_room {
	char bytes[5][LIMIT_CE_ATTRIBUTE];
};

/* Fills the ce_ members and the envelope of `in` when the four required headers
 * are there (binary mode), else leaves all as it is. Returns NULL, or the
 * body of an answer that says what is wrong with them (static text). */
const char *cloudevent_binary(struct text (*header)(const void *of, const char *name),
			      const void *of, struct hook_input *in, struct cloudevent_room *room);

#endif
