/* SPDX-License-Identifier: Apache-2.0
 *
 * http - any HTTP API, without knowing it.
 *
 * Works without a connection: then url is absolute. A connection gives base_url
 * and may give credentials: then url is relative to it, or absolute and beneath
 * it. They are put in when a request is sent (delivery/), not here.
 *
 * I1  A connection's credentials never leave its base_url: an absolute URL elsewhere
 *     is refused.
 * I2  A path has no "." or ".." segment, however it was put together, so that a
 *     value in a URL can't climb out of its place.
 * I3  Headers that frame the message or name its receiver are the client's own.
 * Source: RFC 9110 (methods, fields), RFC 3986 (URLs). */
#include "engine/connectors/http_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define MOST_HEADERS (sizeof(((struct request *)0)->headers) / sizeof(struct request_header))

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL };

static const struct param request_params[] = {
	{ .name = "method",
	  .type = PARAM_CHOICE,
	  .doc = "Method; POST when there is a body, else GET, unless said otherwise.",
	  .choices = methods },
	{ .name = "url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_URL,
	  .doc = "Absolute URL, or a path beneath the connection's base_url." },
	{ .name = "query",
	  .type = PARAM_MAP,
	  .doc = "Parameters to add to the URL; a list gives one several times." },
	{ .name = "headers", .type = PARAM_MAP, .slot = SLOT_HEADER, .doc = "Headers to send." },
	{ .name = "json", .type = PARAM_ANY, .doc = "Body, sent as JSON." },
	{ .name = "form", .type = PARAM_MAP, .doc = "Body, sent as an HTML form is." },
	{ .name = "multipart",
	  .type = PARAM_MAP,
	  .doc = "Body, sent as a form with files is: a field's value, or { content, filename, "
		 "content_type }." },
	{ .name = "body",
	  .type = PARAM_TEXT,
	  .slot = SLOT_BODY,
	  .doc = "Body as text; JSON when it begins with { or [, unless a header says otherwise." },
	{ .name = "auth",
	  .type = PARAM_MAP,
	  .doc = "How the request proves itself, with a secret of tappet.yaml: one of these.",
	  .members = http_auth_members },
	{ .name = NULL },
};

/* ---- URL ---- */

/* What follows "https://" or "http://"; TEXT_NONE when url is not absolute. */
static struct text after_scheme(struct text url)
{
	for (size_t i = 0; i < 2; i++) {
		struct text scheme = i == 0 ? TEXT("https://") : TEXT("http://");

		if (url.n > scheme.n && text_ieq((struct text){ url.s, scheme.n }, scheme))
			return (struct text){ url.s + scheme.n, url.n - scheme.n };
	}
	return TEXT_NONE;
}

static size_t authority_end(struct text t)
{
	size_t n = 0;

	while (n < t.n && t.s[n] != '/' && t.s[n] != '?')
		n++;
	return n;
}

static enum fate check_absolute(struct call *call, struct text url)
{
	struct text rest = after_scheme(url);
	size_t n = authority_end(rest);

	if (n == 0)
		return call_fail(call, FATE_REJECT,
				 "url must begin with http:// or https:// and a host");
	if (memchr(rest.s, '@', n) != NULL)
		return call_fail(call, FATE_REJECT, "url must not hold a user or password");
	if (url_has_dots((struct text){ rest.s + n, rest.n - n }))
		return call_fail(call, FATE_REJECT, "url must not have . or .. in its path");
	return FATE_OK;
}

/* The part of url beneath base, beginning with '/' or '?' (or empty); false when it is elsewhere.
 */
static bool beneath(struct text url, struct text base, struct text *rest)
{
	while (base.n > 0 && base.s[base.n - 1] == '/')
		base.n--;
	if (!text_starts(url, base))
		return false;
	*rest = (struct text){ url.s + base.n, url.n - base.n };
	return rest->n == 0 || rest->s[0] == '/' || rest->s[0] == '?';
}

/* A connection is there exactly when its settings have a base_url. */
static enum fate put_url(struct call *call, struct buf *out, struct text url, bool *absolute)
{
	struct text base = param_text(call->settings, "base_url");
	enum fate fate = FATE_OK;

	if (!url_is_clean(url))
		return call_fail(call, FATE_REJECT,
				 "url has characters that must be percent-encoded");
	*absolute = base.n == 0;
	if (*absolute)
		fate = check_absolute(call, url);
	else if (after_scheme(url).n > 0 && !beneath(url, base, &url))
		return call_fail(call, FATE_REJECT, "url leads out of the connection's base_url");
	else if (url.n > 0 && url.s[0] != '/' && url.s[0] != '?')
		return call_fail(call, FATE_REJECT,
				 "url must begin with / or with the connection's base_url");
	else if (url_has_dots(url))
		return call_fail(call, FATE_REJECT, "url must not have . or .. in its path");
	buf_text(out, url);
	return fate;
}

/* ---- headers ---- */

/* RFC 9110, 5.6.2. */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return t.n > 0;
}

/* RFC 9110, 5.5: a value has no controls but tabs inside. */
bool http_header_value(struct text t)
{
	assert(t.n == 0 || t.s != NULL);
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.s[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_ours(struct text name)
{
	static const char *const ours[] = { "host",
					    "content-length",
					    "transfer-encoding",
					    "connection",
					    "keep-alive",
					    "te",
					    "trailer",
					    "upgrade",
					    "expect",
					    "proxy-authorization",
					    "idempotency-key",
					    NULL };

	for (size_t i = 0; ours[i] != NULL; i++)
		if (text_ieq(name, text_of(ours[i])))
			return true;
	return false;
}

/* A header that carries the connection's key or signature. */
static bool is_own(const struct call *call, struct text name)
{
	struct value own = param_value(call->settings, "own_headers");

	for (uint32_t i = 0; value_is(own, VALUE_LIST) && i < own.n; i++)
		if (text_ieq(name, value_as_text(own.items[i])))
			return true;
	return false;
}

enum fate http_header_name(struct call *call, const struct request *out, struct text name)
{
	assert(call != NULL && out != NULL);
	if (!is_token(name))
		return call_fail(call, FATE_REJECT, "\"%.*s\" is no name of a header",
				 TEXT_ARG(name));
	if (is_ours(name) || is_own(call, name))
		return call_fail(call, FATE_REJECT, "header %.*s is set by tappet itself",
				 TEXT_ARG(name));
	for (unsigned i = 0; i < out->header_count; i++)
		if (text_ieq(out->headers[i].name, name))
			return call_fail(call, FATE_REJECT, "header %.*s is given twice",
					 TEXT_ARG(name));
	return FATE_OK;
}

static enum fate check_header(struct call *call, const struct request *out, struct text name,
			      struct text value)
{
	bool connected = param_text(call->settings, "base_url").n > 0;
	enum fate fate = http_header_name(call, out, name);

	if (fate != FATE_OK)
		return fate;
	if (connected && text_ieq(name, TEXT("authorization")))
		return call_fail(call, FATE_REJECT, "header %.*s is set by tappet itself",
				 TEXT_ARG(name));
	if (!http_header_value(value))
		return call_fail(call, FATE_REJECT, "header %.*s has control characters",
				 TEXT_ARG(name));
	if (out->header_count == sizeof(out->headers) / sizeof(out->headers[0]))
		return call_fail(call, FATE_REJECT, "too many headers: at most %u",
				 out->header_count);
	return FATE_OK;
}

static enum fate header_text(struct call *call, struct value v, struct text *out)
{
	AUTO_FINI(buf_fini) struct buf plain;

	buf_init(&plain, LIMIT_URL);
	if (!value_is(v, VALUE_TEXT) && !value_is(v, VALUE_BOOL) && !value_is(v, VALUE_INT) &&
	    !value_is(v, VALUE_UINT) && !value_is(v, VALUE_DOUBLE))
		return call_fail(call, FATE_REJECT, "a header's value must be text or a number");
	value_write_plain(&plain, v);
	if (plain.starved)
		return call_starved(call);
	*out = text_dup(call->arena, buf_view(&plain));
	if (out->s == NULL || buf_failed(&plain))
		return call_fail(call, FATE_REJECT, "a header is longer than %u bytes", LIMIT_URL);
	return FATE_OK;
}

static enum fate put_headers(struct call *call, struct request *out, struct value headers)
{
	for (uint32_t i = 0; i < headers.n; i++) {
		struct text name = value_as_text(headers.pairs[i].key);
		struct text value;
		enum fate fate;

		if (!value_is(headers.pairs[i].key, VALUE_TEXT))
			return call_fail(call, FATE_REJECT, "a header's name must be text");
		if (value_is(headers.pairs[i].val, VALUE_NULL))
			continue;
		fate = header_text(call, headers.pairs[i].val, &value);
		if (fate == FATE_OK)
			fate = check_header(call, out, name, value);
		if (fate != FATE_OK)
			return fate;
		out->headers[out->header_count++] = (struct request_header){ name, value };
	}
	return FATE_OK;
}

enum fate http_headers(struct call *call, struct request *out, struct value headers)
{
	assert(call != NULL && out != NULL);
	return put_headers(call, out, headers);
}

/* ---- body ---- */

static bool has_header(const struct request *request, struct text name)
{
	for (unsigned i = 0; i < request->header_count; i++)
		if (text_ieq(request->headers[i].name, name))
			return true;
	return false;
}

static enum fate put_text(struct call *call, struct request *out, struct text body)
{
	struct text t = text_trim(body);

	if (body.n > LIMIT_REQUEST)
		return call_fail(call, FATE_REJECT, "the body is larger than %u bytes",
				 LIMIT_REQUEST);
	out->body = body;
	out->content_type = t.n > 0 && (t.s[0] == '{' || t.s[0] == '[')
				? "application/json"
				: "text/plain; charset=utf-8";
	return FATE_OK;
}

static enum fate put_body(struct call *call, struct request *out, struct value params)
{
	const struct value *json = value_get(params, TEXT("json"));
	const struct value *form = value_get(params, TEXT("form"));
	const struct value *body = value_get(params, TEXT("body"));
	const struct value *files = value_get(params, TEXT("multipart"));
	enum fate fate = FATE_OK;

	if ((json != NULL) + (form != NULL) + (body != NULL) + (files != NULL) > 1)
		return call_fail(call, FATE_REJECT,
				 "only one of json, form, multipart and body can be sent");
	if (files != NULL && has_header(out, TEXT("content-type")))
		return call_fail(call, FATE_REJECT,
				 "with multipart, Content-Type is set by tappet itself");
	if (files != NULL && out->header_count == MOST_HEADERS)
		return call_fail(call, FATE_REJECT,
				 "more than %zu headers, the one of multipart included",
				 MOST_HEADERS);
	if (files != NULL)
		return request_multipart(call, out, *files);
	if (json != NULL)
		fate = request_json(call, out, *json);
	else if (form != NULL)
		fate = request_form(call, out, *form);
	else if (body != NULL)
		fate = put_text(call, out, value_as_text(*body));
	if (has_header(out, TEXT("content-type")))
		out->content_type = NULL;
	return fate;
}

/* ---- the action ---- */

static enum fate put_method(struct call *call, struct request *out, struct value params)
{
	struct text given = param_text(params, "method");
	bool body =
	    value_get(params, TEXT("json")) != NULL || value_get(params, TEXT("form")) != NULL ||
	    value_get(params, TEXT("multipart")) != NULL || value_get(params, TEXT("body")) != NULL;

	out->method = body ? "POST" : "GET";
	for (size_t i = 0; methods[i] != NULL; i++)
		if (text_is(given, methods[i]))
			out->method = methods[i];
	if (body && (strcmp(out->method, "GET") == 0 || strcmp(out->method, "HEAD") == 0))
		return call_fail(call, FATE_REJECT, "a %s sends no body", out->method);
	return FATE_OK;
}

static enum fate build_url(struct call *call, struct request *out, struct value params)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct text given = param_text(params, "url");
	struct value query = param_value(params, "query");
	enum fate fate;

	buf_init(&url, LIMIT_URL);
	fate = put_url(call, &url, given, &out->absolute);
	if (fate == FATE_OK && value_is(query, VALUE_MAP))
		fate = url_pairs(call, &url, text_find(given, TEXT("?")) == SIZE_MAX ? '?' : '&',
				 query);
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

static enum fate build_request(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, request_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	fate = put_method(call, out, params);
	if (fate == FATE_OK)
		fate = build_url(call, out, params);
	if (fate == FATE_OK)
		fate = put_headers(call, out, param_value(params, "headers"));
	if (fate == FATE_OK)
		fate = put_body(call, out, params);
	if (fate == FATE_OK)
		fate = http_auth(call, out, param_value(params, "auth"));
	return fate;
}

/* application/json, application/problem+json; parameters don't matter. */
static bool is_json(struct text content_type)
{
	struct text type;

	(void)text_split(content_type, ';', &type);
	type = text_trim(type);
	if (text_ieq(type, TEXT("application/json")) || text_ieq(type, TEXT("text/json")))
		return true;
	return type.n > 5 && text_ieq((struct text){ type.s + type.n - 5, 5 }, TEXT("+json"));
}

static enum fate read_reply(struct call *call, const struct reply *reply, struct reading *out)
{
	struct text body;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	if (text_trim(reply->body).n == 0)
		return FATE_OK;
	if (is_json(reply->content_type))
		return reply_json(call, reply, &out->result);
	body = text_dup(call->arena, reply->body);
	if (body.s == NULL)
		return call_fail(call, FATE_RETRY, "the reply takes too much memory");
	out->result = value_text(body);
	if (!text_is_utf8(body))
		out->result.kind = VALUE_BYTES;
	return FATE_OK;
}

/* The usual members of a JSON error (RFC 9457 among them), else the text itself. */
static struct text error_words(struct call *call, const struct reply *reply)
{
	static const char *const members[] = { "detail", "message", "error_description",
					       "error",  "title",   NULL };
	struct json_error error;
	struct value doc;
	struct text t;

	assert(call != NULL && reply != NULL);
	if (json_parse(call->parser, call->arena, reply->body, &doc, &error) == FATE_OK)
		for (size_t i = 0; members[i] != NULL; i++)
			if (param_text(doc, members[i]).n > 0)
				return words_cut(param_text(doc, members[i]));
	t = text_dup(call->arena, words_cut(text_trim(reply->body)));
	return t.s != NULL ? t : TEXT_NONE;
}

static const struct action actions[] = {
	{ .name = "request",
	  .reads = READS_BY_METHOD,
	  .doc = "Sends an HTTP request.",
	  .params = request_params,
	  .after_doubt = DOUBT_REPEAT, /* with a stable Idempotency-Key */
	  .example =
	      "{ method: POST, url: \"https://api.example.com/orders\", json: { total: 12 } }",
	  .result = "The reply's body: data when it is JSON, else text; null when it is empty.",
	  .build = build_request,
	  .read = read_reply },
	{ .name = NULL },
};

/* ---- settings ---- */

static const struct param api_key_members[] = {
	{ .name = "header", .type = PARAM_TEXT, .doc = "Header that carries the key." },
	{ .name = "query", .type = PARAM_TEXT, .doc = "Or: parameter of the URL that does." },
	{ .name = "value",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "The key.",
	  .secret = true },
	{ .name = "prefix",
	  .type = PARAM_TEXT,
	  .doc = "What stands before it in the header, such as \"Token \"." },
	{ .name = NULL },
};

static const char *const token_places[] = { "basic", "body", NULL };

static const struct param oauth2_members[] = {
	{ .name = "token_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Where tokens are had." },
	{ .name = "client_id",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Id of the client.",
	  .secret = true },
	{ .name = "client_secret",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Its secret.",
	  .secret = true },
	{ .name = "scope", .type = PARAM_ANY, .doc = "Scopes to ask for: a text, or a list." },
	{ .name = "params",
	  .type = PARAM_MAP,
	  .doc = "Further fields of the request for a token, such as audience." },
	{ .name = "send",
	  .type = PARAM_CHOICE,
	  .doc = "Whether id and secret go as Basic credentials, the default, or in the body.",
	  .choices = token_places },
	{ .name = NULL },
};

static const char *const sign_schemes[] = { "standard-webhooks", "hmac", NULL };
static const char *const key_forms[] = { "text", "hex", "base64", NULL };
static const char *const algorithms[] = { "sha256", "sha512", "sha1", NULL };
static const char *const encodings[] = { "hex", "base64", NULL };
static const char *const stamps[] = { "seconds", "milliseconds", "iso8601", NULL };

static const struct param sign_members[] = {
	{ .name = "with",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .doc = "Scheme; all that follows secret is of hmac.",
	  .choices = sign_schemes },
	{ .name = "secret",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Key; of standard-webhooks (whsec_...) also a list of up to 4 while they change.",
	  .secret = true },
	{ .name = "secret_encoding",
	  .type = PARAM_CHOICE,
	  .doc = "How the secret spells the key, text unless said otherwise.",
	  .choices = key_forms },
	{ .name = "header", .type = PARAM_TEXT, .doc = "Header that carries the signature." },
	{ .name = "prefix",
	  .type = PARAM_TEXT,
	  .doc = "What stands before it in there, such as sha256=." },
	{ .name = "algorithm",
	  .type = PARAM_CHOICE,
	  .doc = "Hash, sha256 unless said otherwise.",
	  .choices = algorithms },
	{ .name = "encoding",
	  .type = PARAM_CHOICE,
	  .doc = "How the signature is written, hex unless said otherwise.",
	  .choices = encodings },
	{ .name = "timestamp_header",
	  .type = PARAM_TEXT,
	  .doc = "Header for the time of sending." },
	{ .name = "timestamp_format",
	  .type = PARAM_CHOICE,
	  .doc = "How it is written, seconds since 1970 unless said otherwise.",
	  .choices = stamps },
	{ .name = "id_header",
	  .type = PARAM_TEXT,
	  .doc = "Header for the id, which is the Idempotency-Key." },
	{ .name = "signed",
	  .type = PARAM_TEXT,
	  .doc = "What is signed, of {timestamp}, {id}, {method}, {path} and {body}; "
		 "\"{timestamp}.{body}\" with a timestamp_header, else \"{body}\"." },
	{ .name = NULL },
};

static const struct param settings[] = {
	{ .name = "base_url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "What relative URLs are put behind; requests stay beneath it." },
	{ .name = "bearer",
	  .type = PARAM_TEXT,
	  .doc = "Token to send as Authorization: Bearer.",
	  .secret = true },
	{ .name = "basic",
	  .type = PARAM_MAP,
	  .doc = "User and password to send as Authorization: Basic.",
	  .members = http_basic_members },
	{ .name = "api_key",
	  .type = PARAM_MAP,
	  .doc = "A key in a header or in the query.",
	  .members = api_key_members },
	{ .name = "oauth2",
	  .type = PARAM_MAP,
	  .doc = "Client credentials: a token is fetched, renewed before it ends, and sent as "
		 "Authorization: Bearer.",
	  .members = oauth2_members },
	{ .name = "sign",
	  .type = PARAM_MAP,
	  .doc = "A signature of every request, beside or without one of the above.",
	  .members = sign_members },
	{ .name = NULL },
};

const struct connector connector_http = {
	.name = "http",
	.title = "HTTP",
	.doc = "Requests to any HTTP API.",
	.settings = settings,
	.auth = AUTH_ANY,
	.connection_optional = true,
	.actions = actions,
	.any_resource = &http_list,
	.error_words = error_words,
};
