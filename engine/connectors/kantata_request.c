/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_request - the action kantata.request: any other path of the API, with the
 * connection's token, limits and the words of its errors.
 *
 * I1  The path stays beneath base_url: it begins with one '/', and no segment of
 *     it is "." or "..", however they are written.
 * Never: repeats anything by itself after a doubt; only its author knows what a
 * path does. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };

const struct param kantata_request_params[] = {
	{ .name = "path",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_URL,
	  .doc = "Path beneath base_url: /time_entries." },
	{ .name = "method",
	  .type = PARAM_CHOICE,
	  .choices = methods,
	  .doc = "Method; GET, or POST with json, unless given." },
	{ .name = "query",
	  .type = PARAM_MAP,
	  .doc = "Parameters to add to the path; a list gives one several times." },
	{ .name = "json", .type = PARAM_ANY, .doc = "Body, sent as JSON." },
	{ .name = "all_pages",
	  .type = PARAM_BOOL,
	  .doc = "True, of a GET that lists: all of its pages are read." },
	{ .name = NULL },
};

/* Slashes, and segments of RFC 3986 unreserved or percent-encoded characters. */
static bool is_path_text(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
			     c == '~' || c == '/' || c == '%';

		if (!plain)
			return false;
	}
	return t.n > 1 && t.s[0] == '/' && t.s[1] != '/';
}

/* Encoded dots too: clients and servers decode them before they resolve. */
static bool has_dots(struct text path)
{
	struct text rest = path, segment;

	while (rest.n > 0) {
		rest = text_split(rest, '/', &segment);
		if (text_is(segment, ".") || text_is(segment, "..") ||
		    text_find(segment, TEXT("%2e")) != SIZE_MAX ||
		    text_find(segment, TEXT("%2E")) != SIZE_MAX)
			return true;
	}
	return false;
}

static bool is_true(struct value params, const char *name)
{
	struct value v = param_value(params, name);

	return value_is(v, VALUE_BOOL) && v.b;
}

static const char *method_of(struct value params, bool body)
{
	struct text given = param_text(params, "method");

	for (size_t i = 0; methods[i] != NULL; i++)
		if (text_is(given, methods[i]))
			return methods[i];
	return body ? "POST" : "GET";
}

/* The page after those that were gathered, and what they start with. */
static enum fate put_page(struct call *call, struct value query, struct buf *url,
			  struct request *out)
{
	static const char *const ours[] = { "page", "per_page", "limit", "offset" };
	struct value items = param_value(call->gathered, "items");
	struct value_map_builder first;
	struct value_list_builder none;

	if (strcmp(out->method, "GET") != 0)
		return call_fail(call, FATE_REJECT, "all_pages goes with a GET");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (value_get(query, text_of(ours[i])) != NULL)
			return call_fail(call, FATE_REJECT, "query.%s can't go with all_pages",
					 ours[i]);
	buf_char(url, value_is(query, VALUE_MAP) && query.n > 0 ? '&' : '?');
	if (items.n > 0)
		buf_printf(url, "limit=%d&offset=%u", KANTATA_PAGE, items.n);
	else
		buf_printf(url, "per_page=%d", KANTATA_PAGE);
	if (!value_is(call->gathered, VALUE_NULL))
		return FATE_OK;
	value_list_begin(&none, call->arena);
	value_map_begin(&first, call->arena);
	value_map_set(&first, "items", value_list_end(&none));
	out->keep = value_map_end(&first);
	return FATE_OK;
}

enum fate kantata_build_request(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params, query;
	const struct value *json;
	struct text path;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, kantata_request_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	path = param_text(params, "path");
	query = param_value(params, "query");
	json = value_get(params, TEXT("json"));
	if (!is_path_text(path) || has_dots(path))
		return call_fail(call, FATE_REJECT,
				 "path must begin with / and have no . or .. and no query");
	out->method = method_of(params, json != NULL);
	if (json != NULL && strcmp(out->method, "GET") == 0)
		return call_fail(call, FATE_REJECT, "a GET sends no body");
	buf_text(&url, path);
	if (value_is(query, VALUE_MAP))
		fate = url_pairs(call, &url, '?', query);
	if (fate == FATE_OK && is_true(params, "all_pages"))
		fate = put_page(call, query, &url, out);
	if (fate == FATE_OK)
		fate = request_url(call, out, &url);
	if (fate == FATE_OK && json != NULL)
		fate = request_json(call, out, *json);
	return fate;
}

enum fate kantata_read_request(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value doc = value_null();
	enum fate fate = FATE_OK;

	assert(call != NULL && reply != NULL && out != NULL);
	if (value_is(call->gathered, VALUE_MAP))
		return kantata_read_list(call, NULL, reply, out);
	if (reply->body.n > 0 || reply->status != 204)
		fate = kantata_doc(call, reply, &doc);
	*out = (struct reading){ .result = doc, .object = value_null() };
	return fate;
}
