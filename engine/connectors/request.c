/* SPDX-License-Identifier: Apache-2.0
 *
 * request - what connectors share in building requests and reading replies.
 *
 * I1  Nothing of a value reaches a URL unescaped: url_encode keeps only the
 *     unreserved characters of RFC 3986, 2.3, so a value never adds a path
 *     segment, a parameter or a fragment.
 * I2  call->why is always valid UTF-8: it ends up in logs, records and JSON.
 * Ownership: results live in call->arena; buffers are the caller's.
 * Never: sees a credential, does I/O. */
#include "engine/connectors/connector.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

/* Cuts a character that was cut in half; bytes that were never UTF-8 become '?'. */
static void make_utf8(char *s)
{
	struct text t = text_of(s);

	for (int i = 0; i < 3 && t.n > 0 && !text_is_utf8(t); i++)
		t.n--;
	if (text_is_utf8(t)) {
		s[t.n] = '\0';
		return;
	}
	for (; *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			*s = '?';
}

enum fate call_fail(struct call *call, enum fate fate, const char *format, ...)
{
	va_list args;

	assert(call != NULL && format != NULL);
	assert(fate != FATE_OK);
	va_start(args, format);
	(void)vsnprintf(call->why, sizeof(call->why), format, args);
	va_end(args);
	make_utf8(call->why);
	return fate;
}

enum fate call_starved(struct call *call)
{
	assert(call != NULL);
	arena_fail(call->arena);
	return call_fail(call, FATE_RETRY, "memory is out");
}

struct value param_value(struct value params, const char *name)
{
	const struct value *v = value_get(params, text_of(name));

	return v != NULL ? *v : value_null();
}

struct text param_text(struct value params, const char *name)
{
	struct value v = param_value(params, name);

	return value_is(v, VALUE_TEXT) ? value_as_text(v) : TEXT_NONE;
}

bool value_id(struct arena *arena, struct value v, struct text *out)
{
	assert(arena != NULL && out != NULL);
	if (value_is(v, VALUE_TEXT))
		*out = value_as_text(v);
	else if (value_is(v, VALUE_INT))
		*out = text_printf(arena, "%lld", (long long)v.i);
	else if (value_is(v, VALUE_UINT))
		*out = text_printf(arena, "%llu", (unsigned long long)v.u);
	else
		return false;
	return out->s != NULL && out->n > 0;
}

/* ---- URLs ---- */

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void url_encode(struct buf *out, struct text t)
{
	static const char digits[] = "0123456789ABCDEF";

	assert(out != NULL);
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.s[i];
		char hex[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (unreserved(t.s[i]))
			buf_char(out, t.s[i]);
		else
			buf_put(out, hex, sizeof(hex));
	}
}

/* A dot segment would be resolved away by clients and servers (RFC 3986, 5.2.4), and dots can't be
 * escaped: they are unreserved. */
enum fate url_segment(struct call *call, struct buf *out, struct text id)
{
	assert(call != NULL && out != NULL);
	if (id.n == 0)
		return call_fail(call, FATE_REJECT, "the id is empty");
	if (id.n > LIMIT_ID)
		return call_fail(call, FATE_REJECT, "the id is longer than %d bytes", LIMIT_ID);
	if (text_is(id, ".") || text_is(id, ".."))
		return call_fail(call, FATE_REJECT, "\"%.*s\" is no id", TEXT_ARG(id));
	url_encode(out, id);
	return FATE_OK;
}

/* A dot as clients and servers see it: plain or percent-encoded. Returns its length. */
static size_t dot_at(struct text t, size_t at)
{
	if (t.s[at] == '.')
		return 1;
	if (at + 2 < t.n && t.s[at] == '%' && t.s[at + 1] == '2' &&
	    (t.s[at + 2] == 'e' || t.s[at + 2] == 'E'))
		return 3;
	return 0;
}

static bool is_dots(struct text segment)
{
	size_t dots = 0;
	size_t at = 0;

	while (at < segment.n) {
		size_t n = dot_at(segment, at);

		if (n == 0)
			return false;
		at += n;
		dots++;
	}
	return dots == 1 || dots == 2;
}

/* A backslash is a slash to some. */
bool url_has_dots(struct text path)
{
	size_t from = 0;

	for (size_t i = 0; i <= path.n; i++) {
		bool end = i == path.n || path.s[i] == '?' || path.s[i] == '#';

		if (!end && path.s[i] != '/' && path.s[i] != '\\')
			continue;
		if (is_dots((struct text){ path.s + from, i - from }))
			return true;
		if (end)
			return false;
		from = i + 1;
	}
	return false;
}

/* The characters that can't stand in a URL are refused, not repaired. */
bool url_is_clean(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.s[i];

		if (c <= ' ' || c >= 0x7f || memchr("\"<>\\^`{|}#", c, 10) != NULL)
			return false;
	}
	return t.n > 0;
}

static bool is_scalar(struct value v)
{
	switch (v.kind) {
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
	case VALUE_TEXT:
	case VALUE_TIMESTAMP:
	case VALUE_DURATION:
		return true;
	default:
		return false;
	}
}

static enum fate pair_add(struct call *call, struct buf *out, char *joint, struct text name,
			  struct value v)
{
	AUTO_FINI(buf_fini) struct buf plain;

	buf_init(&plain, LIMIT_REQUEST);
	if (value_is(v, VALUE_NULL))
		return FATE_OK;
	if (!is_scalar(v))
		return call_fail(call, FATE_REJECT, "%.*s: a %s can't stand here", TEXT_ARG(name),
				 value_kind_name((enum value_kind)v.kind));
	if (*joint != '\0')
		buf_char(out, *joint);
	*joint = '&';
	url_encode(out, name);
	buf_char(out, '=');
	value_write_plain(&plain, v);
	url_encode(out, buf_view(&plain));
	buf_follow(out, &plain);
	return FATE_OK;
}

enum fate url_pairs(struct call *call, struct buf *out, char joint, struct value fields)
{
	enum fate fate = FATE_OK;

	assert(call != NULL && out != NULL);
	if (!value_is(fields, VALUE_MAP))
		return call_fail(call, FATE_REJECT, "names and values are needed, not a %s",
				 value_kind_name((enum value_kind)fields.kind));
	for (uint32_t i = 0; i < fields.n && fate == FATE_OK; i++) {
		struct text name = value_as_text(fields.pairs[i].key);
		struct value v = fields.pairs[i].val;

		if (!value_is(fields.pairs[i].key, VALUE_TEXT))
			return call_fail(call, FATE_REJECT, "a name is no text");
		if (!value_is(v, VALUE_LIST))
			fate = pair_add(call, out, &joint, name, v);
		else
			for (uint32_t k = 0; k < v.n && fate == FATE_OK; k++)
				fate = pair_add(call, out, &joint, name, v.items[k]);
	}
	return fate;
}

enum fate request_url(struct call *call, struct request *request, const struct buf *url)
{
	assert(call != NULL && request != NULL && url != NULL);
	if (url->starved)
		return call_starved(call);
	if (buf_failed(url))
		return call_fail(call, FATE_REJECT, "the URL is longer than %u bytes", LIMIT_URL);
	request->url = text_dup(call->arena, buf_view(url));
	if (request->url.s == NULL)
		return call_fail(call, FATE_REJECT, "the parameters take too much memory");
	return FATE_OK;
}

/* ---- for people ---- */

struct text request_place(const struct request *request)
{
	assert(request != NULL);
	return request->url.n > 0 ? request->url : TEXT("(the connection's URL)");
}

void request_auth_words(const struct request *request, struct buf *out)
{
	const struct request_auth *auth = &request->auth;
	bool basic = auth->user.n > 0;

	assert(out != NULL);
	if (auth->secret.n > 0)
		buf_printf(out, "%.*s%.*s%s${secrets.%.*s}%s", TEXT_ARG(auth->prefix),
			   TEXT_ARG(auth->user), basic ? ":" : "", TEXT_ARG(auth->secret),
			   basic ? " in base64" : "");
}

/* ---- headers and bodies ---- */

void request_header(struct request *request, const char *name, struct text value)
{
	size_t room = sizeof(request->headers) / sizeof(request->headers[0]);

	assert(request != NULL && name != NULL);
	assert(request->header_count < room);
	request->headers[request->header_count++] =
	    (struct request_header){ .name = text_of(name), .value = value };
}

static enum fate take_body(struct call *call, struct request *request, const struct buf *body,
			   const char *content_type)
{
	if (body->starved)
		return call_starved(call);
	if (buf_failed(body))
		return call_fail(call, FATE_REJECT, "the body is larger than %u bytes",
				 LIMIT_REQUEST);
	request->body = text_dup(call->arena, buf_view(body));
	if (request->body.s == NULL)
		return call_fail(call, FATE_REJECT, "the parameters take too much memory");
	request->content_type = content_type;
	return FATE_OK;
}

/* An event that is passed on as it is: the same pairs in memory are the same text. */
static bool is_written(const struct call *call, struct value body)
{
	return body.kind == VALUE_MAP && call->written.kind == VALUE_MAP && body.n > 0 &&
	       body.n == call->written.n && body.pairs == call->written.pairs && call->json.n > 0 &&
	       call->json.n <= LIMIT_REQUEST;
}

enum fate request_json(struct call *call, struct request *request, struct value body)
{
	AUTO_FINI(buf_fini) struct buf out;

	assert(call != NULL && request != NULL);
	buf_init(&out, LIMIT_REQUEST);
	if (is_written(call, body)) {
		request->body = call->json;
		request->content_type = "application/json";
		return FATE_OK;
	}
	value_write(&out, body);
	return take_body(call, request, &out, "application/json");
}

enum fate request_form(struct call *call, struct request *request, struct value fields)
{
	AUTO_FINI(buf_fini) struct buf out;
	enum fate fate;

	assert(call != NULL && request != NULL);
	buf_init(&out, LIMIT_REQUEST);
	fate = url_pairs(call, &out, '\0', fields);
	if (fate != FATE_OK)
		return fate;
	return take_body(call, request, &out, "application/x-www-form-urlencoded");
}

/* ---- replies ---- */

struct text words_cut(struct text words)
{
	return text_is_utf8(words) ? text_head(words, LIMIT_WORDS) : TEXT_NONE;
}

enum fate reply_json(struct call *call, const struct reply *reply, struct value *out)
{
	struct json_error error = { .offset = 0 };
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	assert(call->parser != NULL && call->arena != NULL);
	fate = json_parse(call->parser, call->arena, reply->body, out, &error);
	if (fate == FATE_OK)
		return FATE_OK;
	if (fate == FATE_RETRY)
		return call_starved(call);
	return call_fail(call, FATE_RETRY, "the reply is not JSON: %s (byte %zu of %zu)",
			 error.what, error.offset, reply->body.n);
}
