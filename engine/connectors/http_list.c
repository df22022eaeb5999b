/* SPDX-License-Identifier: Apache-2.0
 *
 * http_list - polls of any JSON list: asks for its pages and reads them.
 *
 * What the list is called, where it stands in the reply, what tells its rows apart and how
 * its pages follow each other are settings of the poll. The rows' fields are undeclared.
 *
 * I1  A page is checked whole before the first of its rows is shown: each is an object with
 *     an id, and no two have the same.
 * I2  The last page is told by what the settings name (no next cursor, URL or link; fewer rows
 *     than `size`, or none), never by a failure: a list that was read in part is no list.
 * I3  Validators (ETag, Last-Modified) speak for one page. They are of use only where the list
 *     has a single one and could not get a second without that page changing.
 * Source: RFC 9110, 8.8 and 13.1 (validators), RFC 8288 (Link). */
#include "engine/connectors/http_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define MOST_HEADERS (sizeof(((struct request *)0)->headers) / sizeof(struct request_header))

#define MAX_PAGE_SIZE 100000 /* rows; a page is at most LIMIT_REPLY, and a row has some bytes */

/* ---- settings ---- */

enum way { WAY_ONE, WAY_NUMBER, WAY_OFFSET, WAY_CURSOR, WAY_URL, WAY_LINK };

static const char *const ways[] = { "number", "offset", "cursor", "url", "link", NULL };

static const struct param page_params[] = {
	{ .name = "by",
	  .type = PARAM_CHOICE,
	  .required = true,
	  .doc = "How the next page is asked for: by its number, by the rows to skip, by a cursor "
		 "or a URL in the reply, or by the Link header's rel=next.",
	  .choices = ways },
	{ .name = "param",
	  .type = PARAM_TEXT,
	  .doc = "Query parameter that takes it; page, offset or cursor unless said otherwise." },
	{ .name = "next",
	  .type = PARAM_TEXT,
	  .doc = "Path in the reply to the next page's cursor or URL; there is none on the last." },
	{ .name = "first", .type = PARAM_INT, .doc = "Number of the first page; 1 if not given." },
	{ .name = "size",
	  .type = PARAM_INT,
	  .doc = "Rows on a page: one with fewer is the last. Without it, the last one is empty." },
	{ .name = "size_param", .type = PARAM_TEXT, .doc = "Query parameter that takes the size." },
	{ .name = NULL },
};

static const struct param list_params[] = {
	{ .name = "path",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Path beneath base_url, like /tickets." },
	{ .name = "query", .type = PARAM_MAP, .doc = "Parameters to add to the URL of each page." },
	{ .name = "headers", .type = PARAM_MAP, .doc = "Headers to send." },
	{ .name = "items",
	  .type = PARAM_TEXT,
	  .doc = "Path in the reply to the list; without it the reply itself is the list." },
	{ .name = "id",
	  .type = PARAM_TEXT,
	  .doc = "Path in a row to what tells it apart, a text or number; id if not given." },
	{ .name = "page",
	  .type = PARAM_MAP,
	  .doc = "How further pages are asked for; without it the list has one page.",
	  .members = page_params },
	{ .name = "ignore",
	  .type = PARAM_LIST,
	  .doc = "Paths of fields whose change alone is no event." },
	{ .name = "conditional",
	  .type = PARAM_BOOL,
	  .doc = "false: never ask with If-None-Match or If-Modified-Since." },
	{ .name = NULL },
};

struct list_settings {
	struct text path, items, id;
	enum way way;
	struct text param, next, size_param;
	int64_t first, size; /* size 0: not known */
	bool conditional;
};

static int64_t number_or(struct value map, const char *name, int64_t otherwise)
{
	struct value v = param_value(map, name);

	return value_is(v, VALUE_INT) ? v.i : otherwise;
}

static struct list_settings settings_of(struct value settings)
{
	static const char *const params[] = { "", "page", "offset", "cursor", "", "" };
	struct value page = param_value(settings, "page");
	struct value conditional = param_value(settings, "conditional");
	struct list_settings l = {
		.path = param_text(settings, "path"),
		.items = param_text(settings, "items"),
		.id = param_text(settings, "id"),
		.param = param_text(page, "param"),
		.next = param_text(page, "next"),
		.size_param = param_text(page, "size_param"),
		.first = number_or(page, "first", 1),
		.size = number_or(page, "size", 0),
		.conditional = !value_is(conditional, VALUE_BOOL) || conditional.b,
	};

	for (int i = 0; ways[i] != NULL; i++)
		if (text_is(param_text(page, "by"), ways[i]))
			l.way = (enum way)(i + 1);
	if (l.id.n == 0)
		l.id = TEXT("id");
	if (l.param.n == 0)
		l.param = text_of(params[l.way]);
	return l;
}

/* ---- checking settings ---- */

static bool unfit(struct call *call, const char **at, const char *where, const char *why)
{
	*at = where;
	(void)call_fail(call, FATE_REJECT, "%s", why);
	return false;
}

/* Segments joined with dots, none empty. */
static bool is_path(struct text t)
{
	struct text segment;

	do {
		t = text_split(t, '.', &segment);
		if (segment.n == 0)
			return false;
	} while (t.s != NULL);
	return true;
}

static bool path_fits(struct call *call, const struct list_settings *l, const char **at)
{
	if (l->path.n == 0 || l->path.s[0] != '/')
		return unfit(call, at, "path", "path begins with /, beneath base_url");
	if (!url_is_clean(l->path))
		return unfit(call, at, "path", "path has characters that must be percent-encoded");
	if (url_has_dots(l->path))
		return unfit(call, at, "path", "path must not have . or .. in it");
	return true;
}

static bool places_fit(struct call *call, struct value settings, const struct list_settings *l,
		       const char **at)
{
	struct value ignore = param_value(settings, "ignore");

	if (!value_is(param_value(settings, "items"), VALUE_NULL) && !is_path(l->items))
		return unfit(call, at, "items", "a path is names joined with dots: data.items");
	if (!is_path(l->id))
		return unfit(call, at, "id", "a path is names joined with dots: attributes.id");
	for (uint32_t i = 0; value_is(ignore, VALUE_LIST) && i < ignore.n; i++)
		if (!value_is(ignore.items[i], VALUE_TEXT) ||
		    !is_path(value_as_text(ignore.items[i])))
			return unfit(call, at, "ignore", "ignore lists paths: [updated_at]");
	return true;
}

static bool next_fits(struct call *call, struct value page, const struct list_settings *l,
		      const char **at)
{
	bool has_next = !value_is(param_value(page, "next"), VALUE_NULL);
	bool needs = l->way == WAY_CURSOR || l->way == WAY_URL;

	if (needs && !has_next)
		return unfit(call, at, "page", "next is missing: where the reply has it");
	if (!needs && has_next)
		return unfit(call, at, "page.next", "next belongs to by: cursor and by: url");
	if (has_next && !is_path(l->next))
		return unfit(call, at, "page.next",
			     "a path is names joined with dots: meta.next_cursor");
	return true;
}

static bool page_fits(struct call *call, struct value page, const struct list_settings *l,
		      const char **at)
{
	if (!next_fits(call, page, l, at))
		return false;
	if (!value_is(param_value(page, "param"), VALUE_NULL) &&
	    (l->way == WAY_URL || l->way == WAY_LINK))
		return unfit(call, at, "page.param", "the next page's URL needs no param");
	if (!value_is(param_value(page, "first"), VALUE_NULL) && l->way != WAY_NUMBER)
		return unfit(call, at, "page.first", "first belongs to by: number");
	if (l->first < 0 || l->first > 1)
		return unfit(call, at, "page.first", "pages are counted from 0 or 1");
	if (!value_is(param_value(page, "size"), VALUE_NULL) &&
	    (l->size < 1 || l->size > MAX_PAGE_SIZE))
		return unfit(call, at, "page.size", "a size is from 1 to 100000");
	if (l->size_param.n > 0 && l->size == 0)
		return unfit(call, at, "page.size_param", "size_param needs size");
	return true;
}

/* A parameter given twice means one thing to one server and another to the next. */
static bool query_fits(struct call *call, struct value settings, const struct list_settings *l,
		       const char **at)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value query = param_value(settings, "query");

	buf_init(&url, LIMIT_URL);
	for (uint32_t i = 0; value_is(query, VALUE_MAP) && i < query.n; i++) {
		struct text name = value_as_text(query.pairs[i].key);

		if ((l->param.n > 0 && text_eq(name, l->param)) ||
		    (l->size_param.n > 0 && text_eq(name, l->size_param)))
			return unfit(call, at, "query", "page sets one of these parameters");
	}
	*at = "query";
	return !value_is(query, VALUE_MAP) || url_pairs(call, &url, '?', query) == FATE_OK;
}

static bool headers_fit(struct call *call, struct value settings, const char **at)
{
	struct value headers = param_value(settings, "headers");
	struct request request = { .header_count = 0 };

	*at = "headers";
	for (uint32_t i = 0; value_is(headers, VALUE_MAP) && i < headers.n; i++) {
		struct text name = value_as_text(headers.pairs[i].key);

		if (text_ieq(name, TEXT("if-none-match")) ||
		    text_ieq(name, TEXT("if-modified-since")))
			return unfit(call, at, "headers",
				     "these headers are set by tappet itself: see conditional");
	}
	if (value_is(headers, VALUE_MAP) && http_headers(call, &request, headers) != FATE_OK)
		return false;
	if (request.header_count == MOST_HEADERS)
		return unfit(call, at, "headers", "too many headers: one is ours, see conditional");
	return true;
}

static bool list_fits(struct call *call, struct value settings, const char **at)
{
	struct list_settings l = settings_of(settings);

	assert(call != NULL && at != NULL);
	return path_fits(call, &l, at) && places_fit(call, settings, &l, at) &&
	       page_fits(call, param_value(settings, "page"), &l, at) &&
	       query_fits(call, settings, &l, at) && headers_fit(call, settings, at);
}

/* ---- asking ---- */

struct query {
	struct buf *url;
	char joint;
};

static void query_name(struct query *q, struct text name)
{
	buf_char(q->url, q->joint);
	url_encode(q->url, name);
	buf_char(q->url, '=');
	q->joint = '&';
}

static void put_page(struct query *q, const struct list_settings *l, const struct page_ask *ask)
{
	if (l->size_param.n > 0) {
		query_name(q, l->size_param);
		buf_printf(q->url, "%lld", (long long)l->size);
	}
	if (l->way == WAY_NUMBER) {
		query_name(q, l->param);
		buf_printf(q->url, "%lld", (long long)(l->first + ask->pages));
	} else if (l->way == WAY_OFFSET) {
		query_name(q, l->param);
		buf_printf(q->url, "%u", ask->offset);
	} else if (l->way == WAY_CURSOR && ask->next.n > 0) {
		query_name(q, l->param);
		url_encode(q->url, ask->next);
	}
}

/* The path and query of a page beneath base_url. */
static enum fate put_url(struct call *call, struct buf *url, const struct list_settings *l,
			 const struct page_ask *ask)
{
	struct value query = param_value(ask->settings, "query");
	struct query q = { url, text_find(l->path, TEXT("?")) == SIZE_MAX ? '?' : '&' };
	enum fate fate = FATE_OK;

	if (ask->next.n > 0 && (l->way == WAY_URL || l->way == WAY_LINK)) {
		buf_text(url, ask->next);
		return FATE_OK;
	}
	buf_text(url, l->path);
	if (value_is(query, VALUE_MAP) && query.n > 0) {
		size_t before = url->n;

		fate = url_pairs(call, url, q.joint, query);
		if (url->n > before)
			q.joint = '&';
	}
	put_page(&q, l, ask);
	return fate;
}

static void put_validators(struct request *out, const struct page_ask *ask)
{
	if (ask->pages > 0)
		return;
	if (ask->etag.n > 0)
		request_header(out, "If-None-Match", ask->etag);
	else if (ask->last_modified.n > 0)
		request_header(out, "If-Modified-Since", ask->last_modified);
}

static enum fate list_ask(struct call *call, const struct page_ask *ask, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct list_settings l = settings_of(ask->settings);
	struct value headers = param_value(ask->settings, "headers");
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = put_url(call, &url, &l, ask);
	if (fate == FATE_OK && value_is(headers, VALUE_MAP))
		fate = http_headers(call, out, headers);
	if (fate == FATE_OK && l.conditional)
		put_validators(out, ask);
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

/* ---- reading: what stands at a path ---- */

struct looking {
	struct text name, found;
};

static bool visit_name(void *of, struct text key, struct text member)
{
	struct looking *l = of;

	if (!text_eq(key, l->name))
		return true;
	l->found = member;
	return false;
}

/* The member of a map as it stands in the text; empty when there is none, or no map. Whether it is
 * there must be certain: other fates than FATE_OK are json_each's. */
static enum fate member_of(struct call *call, struct text json, struct text name,
			   struct text *found)
{
	struct looking l = { .name = name };
	struct json_error error;
	enum fate fate;

	*found = TEXT_NONE;
	if (json.n == 0 || json.s[0] != '{')
		return FATE_OK;
	fate = json_each(call->parser, json, TEXT(""), visit_name, &l, &error);
	*found = l.found;
	return fate;
}

/* What stands at a path; a member whose name is the whole path ("@odata.nextLink") goes first. */
static enum fate at_path(struct call *call, struct text json, struct text path, struct text *found)
{
	struct text within = text_trim(json), segment;
	enum fate fate = member_of(call, within, path, found);

	if (fate != FATE_OK || found->n > 0 || memchr(path.s, '.', path.n) == NULL)
		return fate;
	while (path.s != NULL && within.n > 0 && fate == FATE_OK) {
		path = text_split(path, '.', &segment);
		fate = member_of(call, within, segment, &within);
	}
	*found = within;
	return fate;
}

/* A text or number as text; false for anything else. */
static bool plain(struct call *call, struct text json, struct text *out)
{
	struct value v;
	struct json_error error;

	if (json.n == 0 || json.s[0] == '{' || json.s[0] == '[' ||
	    json_parse(call->parser, call->arena, json, &v, &error) != FATE_OK)
		return false;
	return value_id(call->arena, v, out);
}

/* ---- reading: rows ---- */

struct listing {
	struct call *call;
	const struct list_settings *settings;
	struct text *rows, *ids;
	uint32_t count, room;
};

static bool visit_row(void *of, struct text key, struct text member)
{
	struct listing *l = of;

	(void)key;
	if (l->count == l->room) {
		uint32_t room = l->room == 0 ? 128 : l->room * 2;
		struct text *rows = arena_array(l->call->arena, room, sizeof(*rows));

		if (rows == NULL)
			return false;
		if (l->count > 0)
			memcpy(rows, l->rows, l->count * sizeof(*rows));
		l->rows = rows;
		l->room = room;
	}
	l->rows[l->count++] = member;
	return true;
}

/* The page, or memory has given out elsewhere. */
static enum fate too_much(struct call *call)
{
	if (!arena_failed(call->arena))
		return call_starved(call);
	return call_fail(call, FATE_RETRY, "the page takes too much memory");
}

static enum fate no_json(struct call *call, const struct json_error *error)
{
	return call_fail(call, FATE_RETRY, "the page is no JSON: %s (byte %zu)", error->what,
			 error->offset);
}

static enum fate read_rows(struct listing *l, struct text body)
{
	struct call *call = l->call;
	struct text items = l->settings->items, list = text_trim(body);
	struct json_error error = { .offset = 0 };
	enum fate fate = FATE_OK;

	if (items.n > 0)
		fate = at_path(call, body, items, &list);
	if (fate == FATE_RETRY)
		return too_much(call);
	/* The scanner tells where; it is slow, and needed only when something is wrong. */
	if (list.n == 0 || list.s[0] != '[')
		fate = json_check(body, &error);
	if (fate == FATE_RETRY)
		return too_much(call);
	if (fate != FATE_OK)
		return no_json(call, &error);
	if (list.n == 0 || list.s[0] != '[')
		return items.n > 0 ? call_fail(call, FATE_RETRY, "the page has no list at %.*s",
					       TEXT_ARG(text_head(items, 100)))
				   : call_fail(call, FATE_RETRY, "the page is no list");
	fate = json_each(call->parser, list, TEXT(""), visit_row, l, &error);
	if (fate == FATE_RETRY || arena_failed(call->arena))
		return too_much(call);
	return fate == FATE_OK ? FATE_OK : no_json(call, &error);
}

static enum fate read_id(struct listing *l, uint32_t i)
{
	struct call *call = l->call;
	struct text found;

	if (l->rows[i].s[0] != '{')
		return call_fail(call, FATE_RETRY, "row %u is no object", i + 1);
	if (at_path(call, l->rows[i], l->settings->id, &found) != FATE_OK)
		return too_much(call);
	if (!plain(call, found, &l->ids[i]))
		return call_fail(call, FATE_RETRY, "row %u has no id at %.*s", i + 1,
				 TEXT_ARG(text_head(l->settings->id, 100)));
	if (l->ids[i].n > LIMIT_ID)
		return call_fail(call, FATE_RETRY, "the id of row %u is longer than %d bytes",
				 i + 1, LIMIT_ID);
	return FATE_OK;
}

static enum fate read_ids(struct listing *l)
{
	enum fate fate = FATE_OK;

	l->ids = arena_array(l->call->arena, l->count, sizeof(*l->ids));
	if (l->ids == NULL)
		return too_much(l->call);
	for (uint32_t i = 0; i < l->count && fate == FATE_OK; i++)
		fate = read_id(l, i);
	return arena_failed(l->call->arena) ? too_much(l->call) : fate;
}

static int by_text(const void *a, const void *b)
{
	return text_cmp(*(const struct text *)a, *(const struct text *)b);
}

static enum fate check_ids(struct listing *l)
{
	struct text *sorted = arena_copy(l->call->arena, l->ids, l->count * sizeof(*sorted));

	if (sorted == NULL)
		return too_much(l->call);
	qsort(sorted, l->count, sizeof(*sorted), by_text);
	for (uint32_t i = 1; i < l->count; i++)
		if (text_eq(sorted[i - 1], sorted[i]))
			return call_fail(l->call, FATE_RETRY, "two rows have the id %.*s",
					 TEXT_ARG(text_head(sorted[i], 100)));
	return FATE_OK;
}

/* ---- reading: what comes next ---- */

/* null, false and "" end a list as well as nothing at all does. */
static enum fate next_in_body(struct call *call, const struct list_settings *l, struct text body,
			      struct text *next)
{
	struct text found;

	*next = TEXT_NONE;
	if (at_path(call, body, l->next, &found) != FATE_OK)
		return too_much(call);
	if (found.n == 0 || text_is(found, "null") || text_is(found, "false") ||
	    text_is(found, "\"\""))
		return FATE_OK;
	if (!plain(call, found, next))
		return call_fail(call, FATE_RETRY, "what stands at %.*s is no cursor or URL",
				 TEXT_ARG(text_head(l->next, 100)));
	if (next->n > LIMIT_LIST_CURSOR)
		return call_fail(call, FATE_RETRY, "the next cursor is longer than %u bytes",
				 LIMIT_LIST_CURSOR);
	return FATE_OK;
}

/* The page's own path and query, against which a reference is resolved. */
static enum fate resolve(struct call *call, const struct list_settings *l,
			 const struct page_ask *ask, struct page *out)
{
	AUTO_FINI(buf_fini) struct buf asked;
	struct text rest;
	enum fate fate;

	buf_init(&asked, LIMIT_URL);
	fate = put_url(call, &asked, l, ask);
	if (fate == FATE_OK && buf_failed(&asked))
		fate = too_much(call);
	if (fate == FATE_OK)
		fate = http_next(call, buf_view(&asked), out->next, &rest);
	if (fate != FATE_OK)
		return FATE_RETRY;
	out->next = text_dup(call->arena, rest.n > 0 ? rest : TEXT("?"));
	return out->next.s != NULL ? FATE_OK : too_much(call);
}

static enum fate read_next(struct listing *l, const struct page_ask *ask, struct text body,
			   struct page *out)
{
	const struct list_settings *s = l->settings;
	enum fate fate = FATE_OK;

	if (s->way == WAY_NUMBER || s->way == WAY_OFFSET)
		out->more = s->size > 0 ? l->count >= s->size : l->count > 0;
	else if (s->way == WAY_CURSOR || s->way == WAY_URL)
		fate = next_in_body(l->call, s, body, &out->next);
	else if (s->way == WAY_LINK)
		fate = http_link_next(l->call, l->call->link, &out->next);
	if (fate != FATE_OK)
		return fate;
	if (out->next.n > 0) {
		out->more = true;
		if (s->way != WAY_CURSOR)
			fate = resolve(l->call, s, ask, out);
	}
	/* A second page would come to be without this one's body changing, unless it has room, or
	 * tells of it. */
	out->validates = !out->more && (s->way == WAY_ONE || s->way == WAY_CURSOR ||
					s->way == WAY_URL || (s->size > 0 && l->count < s->size));
	return fate;
}

/* Some servers put a byte order mark before JSON; readers may leave it out (RFC 8259, 8.1). */
static struct text unmarked(struct text body)
{
	return text_starts(body, TEXT("\xef\xbb\xbf")) ? (struct text){ body.s + 3, body.n - 3 }
						       : body;
}

static enum fate list_read(struct call *call, const struct page_ask *ask, const struct reply *reply,
			   bool (*visit)(void *of, struct text id, struct text json), void *of,
			   struct page *out)
{
	struct list_settings settings = settings_of(ask->settings);
	struct listing l = { .call = call, .settings = &settings };
	struct text body = unmarked(reply->body);
	enum fate fate;

	assert(call != NULL && reply != NULL);
	assert(visit != NULL && out != NULL);
	*out = (struct page){ .high = INT64_MIN };
	fate = read_rows(&l, body);
	if (fate == FATE_OK)
		fate = read_ids(&l);
	if (fate == FATE_OK)
		fate = check_ids(&l);
	if (fate == FATE_OK)
		fate = read_next(&l, ask, body, out);
	for (uint32_t i = 0; fate == FATE_OK && i < l.count; i++)
		if (!visit(of, l.ids[i], l.rows[i]))
			fate = call_fail(call, FATE_RETRY, "the page was not taken");
	out->items = l.count;
	return fate;
}

static const struct object_kind list_kind = {
	.name = "http",
	.id = "id",
	.created = true,
	.updated = true,
	.deleted = true,
};

const struct resource http_list = {
	.name = "NAME",
	.doc = "Any list of objects in JSON, under a name of yours.",
	.kind = &list_kind,
	.every = 300000,
	.full = 21600000,
	.whole = true,
	.params = list_params,
	.fits = list_fits,
	.ask = list_ask,
	.read = list_read,
};
