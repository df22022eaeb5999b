/* SPDX-License-Identifier: Apache-2.0
 *
 * http_message - checks of outgoing headers and URLs, and the reader of reply
 * heads; see http_message.h.
 *
 * What is refused here is what would let a value from an event end a line and
 * start another header or another request. */
#include "engine/io/http_message.h"

#include <assert.h>
#include <string.h>

#include "engine/base/limits.h"

/* A field name is a token (RFC 9110 5.6.2). */
static bool name_is_fine(struct text name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.s[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
			return false;
	}
	return name.n > 0;
}

static bool value_is_fine(struct text value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.s[i] == '\r' || value.s[i] == '\n' || value.s[i] == '\0')
			return false;
	return true;
}

static bool url_is_fine(struct text url)
{
	for (size_t i = 0; i < url.n; i++)
		if ((unsigned char)url.s[i] <= ' ' || url.s[i] == 0x7f)
			return false;
	return url.n > 0 && url.n <= LIMIT_HTTP_URL;
}

/* Headers that frame the message are ours alone: a second one is how requests get smuggled. */
static bool name_is_framing(struct text name)
{
	return text_ieq(name, TEXT("content-length")) || text_ieq(name, TEXT("transfer-encoding"));
}

const char *http_message_check(const struct http_call *call)
{
	assert(call != NULL);
	assert(call->headers != NULL || call->header_count == 0);
	if (!url_is_fine(call->url))
		return "the URL is malformed";
	for (size_t i = 0; i < call->header_count; i++) {
		if (!name_is_fine(call->headers[i].name))
			return "a header name is malformed";
		if (!value_is_fine(call->headers[i].value))
			return "a header value holds a line break";
		if (name_is_framing(call->headers[i].name))
			return "Content-Length and Transfer-Encoding are set by tappet";
	}
	return NULL;
}

bool http_message_has(const struct http_call *call, struct text name)
{
	for (size_t i = 0; i < call->header_count; i++)
		if (text_ieq(call->headers[i].name, name))
			return true;
	return false;
}

/* "HTTP/1.1 200 OK": three digits after the first space, 0 when it isn't so. */
static int status_of(struct text line)
{
	struct text version, code;
	int64_t status;

	code = text_split(line, ' ', &version);
	if (code.n < 3 || !text_to_int((struct text){ code.s, 3 }, &status))
		return 0;
	return status >= 100 && status <= 999 ? (int)status : 0;
}

static void keep_value(struct text value, char *to, size_t room)
{
	size_t n = value.n < room ? value.n : room - 1;

	if (n > 0)
		memcpy(to, value.s, n);
	to[n] = '\0';
}

/* A part of it would be another validator. */
static void keep_whole(struct text value, char *to, size_t room)
{
	keep_value(value.n < room ? value : TEXT_NONE, to, room);
}

/* A part of it could name a wrong page, or hide the next one. */
static void keep_link(struct text value, char *to, size_t room)
{
	size_t n = strlen(to);

	if (strcmp(to, LINK_TOO_LONG) == 0)
		return;
	if (n + 2 + value.n >= room) {
		keep_value(TEXT(LINK_TOO_LONG), to, room);
		return;
	}
	if (n > 0) {
		keep_value(TEXT(", "), to + n, room - n);
		n += 2;
	}
	keep_value(value, to + n, room - n);
}

static void take_field(struct http_head *head, struct text line)
{
	struct text name, value;

	value = text_trim(text_split(line, ':', &name));
	if (text_ieq(name, TEXT("content-type")))
		keep_value(value, head->content_type, sizeof(head->content_type));
	else if (text_ieq(name, TEXT("retry-after")))
		keep_value(value, head->retry_after, sizeof(head->retry_after));
	else if (text_ieq(name, TEXT("date")))
		keep_whole(value, head->date, sizeof(head->date));
	else if (text_ieq(name, TEXT("etag")))
		keep_whole(value, head->etag, sizeof(head->etag));
	else if (text_ieq(name, TEXT("last-modified")))
		keep_whole(value, head->last_modified, sizeof(head->last_modified));
	else if (text_ieq(name, TEXT("link")))
		keep_link(value, head->link, sizeof(head->link));
	else if (text_ieq(name, TEXT("location")))
		keep_value(value, head->location, sizeof(head->location));
}

bool http_head_take(struct http_head *head, struct text raw)
{
	struct text line = text_trim(raw);

	assert(head != NULL);
	head->bytes += raw.n;
	if (head->bytes > LIMIT_HTTP_HEADERS)
		return false;
	if (head->done) /* trailers say nothing we want */
		return true;
	if (text_starts(line, TEXT("HTTP/")) && text_ends(raw, TEXT("\n")))
		*head = (struct http_head){ .status = status_of(line), .bytes = head->bytes };
	else if (line.n > 0)
		take_field(head, line);
	else
		head->done = head->status >= 200;
	return true;
}
