/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_page - asks for pages of a poll and reads them.
 *
 * The map of objects may hold further, side-loaded ones: only `results` says
 * which were asked for, and in which order.
 *
 * I1  A page is checked whole before the first of its objects is shown.
 * I2  Nothing depends on whether updated_after and created_after include the time
 *     they name (it isn't documented): we ask for one second less, the
 *     resolution of the API's times, and get everything from `after` on.
 * I3  Without includes an object is shown as the bytes that were received and no
 *     tree is built of it.
 *
 * Source: developer.kantata.com, sections Response Format, Workspaces and Workspace
 * Resources. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"

/* ---- asking for a page ---- */

/* The part of an ask word after `kind`, or TEXT_NONE. */
static struct text ask_name(const char *ask, const char *kind)
{
	struct text t = text_of(ask);
	struct text prefix = text_of(kind);

	if (!text_starts(t, prefix))
		return TEXT_NONE;
	return (struct text){ t.s + prefix.n, t.n - prefix.n };
}

/* "&include=a,b" of all asks of one kind ("include="), each name once. */
static void put_asks(struct buf *url, const char *const *asks, const char *kind)
{
	bool any = false;

	for (size_t i = 0; asks != NULL && asks[i] != NULL; i++) {
		struct text name = ask_name(asks[i], kind);
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again = again || strcmp(asks[i], asks[k]) == 0;
		if (name.n == 0 || again)
			continue;
		buf_char(url, any ? ',' : '&');
		if (!any)
			buf_str(url, kind);
		url_encode(url, name);
		any = true;
	}
}

static enum fate put_ids(struct call *call, const struct kantata_kind *kind, struct buf *url,
			 const struct page_ask *ask)
{
	assert(ask->id_count > 0 && ask->id_count <= KANTATA_PAGE);
	buf_str(url, "&only=");
	for (unsigned i = 0; i < ask->id_count; i++) {
		int64_t number;

		if (!text_to_int(ask->ids[i], &number) || number < 0)
			return call_fail(call, FATE_REJECT, "\"%.*s\" is no id of a %s",
					 TEXT_ARG(ask->ids[i]), kind->noun);
		if (i > 0)
			buf_char(url, ',');
		url_encode(url, ask->ids[i]);
	}
	return FATE_OK;
}

/* The bound of a listing, one second early (I2). Nothing is older than 1970. */
static void put_after(struct buf *url, const char *field, int64_t after)
{
	char when[TIMETEXT_MAX];

	if (after < 1000)
		return;
	timetext_format(after / 1000 - 1, 0, when);
	buf_printf(url, "&%s_after=%s", field, when);
}

static void put_range(struct buf *url, const struct page_ask *ask)
{
	const char *field = ask->kind == PAGE_CHANGES ? "updated" : "created";

	put_after(url, field, ask->after);
	buf_printf(url, "&order=%s_at:asc", field);
	if (ask->offset > 0)
		buf_printf(url, "&limit=%d&offset=%u", KANTATA_PAGE, ask->offset);
	else
		buf_printf(url, "&per_page=%d", KANTATA_PAGE);
}

enum fate kantata_ask(struct call *call, const struct kantata_kind *kind,
		      const struct page_ask *ask, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	enum fate fate = FATE_OK;

	assert(call != NULL && ask != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	buf_printf(&url, "/%s?%s", kind->plural, kind->shown);
	if (ask->kind == PAGE_VERIFY)
		fate = put_ids(call, kind, &url, ask);
	else
		put_range(&url, ask);
	put_asks(&url, ask->asks, "optional_fields=");
	put_asks(&url, ask->asks, "include=");
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

/* ---- reading a page ---- */

/* A page taken apart. Either the whole of it is parsed (when includes have to be put into the
 * objects), or only `results` is, and each object is a slice of the reply. */
struct listing {
	struct call *call;
	const struct kantata_kind *kind;
	struct value doc;                     /* null: slices */
	struct value results;                 /* list */
	int64_t count;                        /* -1: the page had none */
	struct text raw_results, raw_objects; /* slices of the members */
	struct text *keys, *rows;             /* of raw_objects */
	uint32_t row_count, room, at;
	struct text *ids; /* of results */
};

static bool visit_member(void *of, struct text key, struct text member)
{
	struct listing *l = of;

	if (text_is(key, "results"))
		l->raw_results = member;
	else if (text_is(key, l->kind->plural))
		l->raw_objects = member;
	else if (text_is(key, "count") && !text_to_int(member, &l->count))
		l->count = -1;
	return true;
}

static bool grow_rows(struct listing *l)
{
	uint32_t room = l->room == 0 ? KANTATA_PAGE + 56 : l->room * 2;
	struct text *keys = arena_array(l->call->arena, room, sizeof(*keys));
	struct text *rows = arena_array(l->call->arena, room, sizeof(*rows));

	if (keys == NULL || rows == NULL)
		return false;
	if (l->row_count > 0) {
		memcpy(keys, l->keys, l->row_count * sizeof(*keys));
		memcpy(rows, l->rows, l->row_count * sizeof(*rows));
	}
	l->keys = keys;
	l->rows = rows;
	l->room = room;
	return true;
}

static bool visit_row(void *of, struct text key, struct text member)
{
	struct listing *l = of;
	struct text copy;

	if (l->row_count == l->room && !grow_rows(l))
		return false;
	copy = text_dup(l->call->arena, key);
	if (copy.s == NULL)
		return false;
	l->keys[l->row_count] = copy;
	l->rows[l->row_count++] = member;
	return true;
}

static enum fate parse_slice(struct call *call, struct text slice, struct value *out)
{
	struct reply part = { .body = slice };

	return reply_json(call, &part, out);
}

static enum fate take_slices(struct listing *l, const struct reply *reply)
{
	struct call *call = l->call;
	struct json_error error = { .offset = 0 };
	enum fate fate;

	fate = json_each(call->parser, reply->body, TEXT(""), visit_member, l, &error);
	if (fate == FATE_RETRY)
		return call_starved(call);
	if (fate != FATE_OK)
		return call_fail(call, FATE_RETRY, "the page is not a JSON object: %s (byte %zu)",
				 error.what, error.offset);
	if (l->raw_results.n == 0 || l->raw_objects.n == 0)
		return call_fail(call, FATE_RETRY, "the page has no results");
	fate = parse_slice(call, l->raw_results, &l->results);
	if (fate != FATE_OK)
		return fate;
	if (l->raw_objects.s[0] == '{')
		fate = json_each(call->parser, l->raw_objects, TEXT(""), visit_row, l, &error);
	if (fate == FATE_RETRY)
		return call_starved(call);
	if (l->raw_objects.s[0] != '{' || fate != FATE_OK)
		return call_fail(call, FATE_RETRY, "the page's %s are no map", l->kind->plural);
	if (arena_failed(call->arena))
		return call_fail(call, FATE_RETRY, "the page takes too much memory");
	return FATE_OK;
}

static enum fate take_tree(struct listing *l, const struct reply *reply)
{
	enum fate fate = reply_json(l->call, reply, &l->doc);
	struct value count;

	if (fate != FATE_OK)
		return fate;
	if (!value_is(param_value(l->doc, l->kind->plural), VALUE_MAP))
		return call_fail(l->call, FATE_RETRY, "the page's %s are no map", l->kind->plural);
	count = param_value(l->doc, "count");
	l->count = value_is(count, VALUE_INT) ? count.i : -1;
	l->results = param_value(l->doc, "results");
	return FATE_OK;
}

/* The slice of an id. Results and map mostly have one order, so the search goes on where the last
 * one ended and each step costs one comparison. */
static const struct text *find_row(struct listing *l, struct text id)
{
	for (uint32_t i = 0; i < l->row_count; i++) {
		uint32_t at = (l->at + i) % l->row_count;

		if (text_eq(l->keys[at], id)) {
			l->at = at + 1;
			return &l->rows[at];
		}
	}
	return NULL;
}

/* True when the page holds the object of the id. */
static bool has_object(struct listing *l, struct text id)
{
	const struct text *row;

	if (value_is(l->doc, VALUE_MAP))
		return kantata_object(l->doc, l->kind->plural, id) != NULL;
	row = find_row(l, id);
	return row != NULL && row->n > 0 && row->s[0] == '{';
}

/* Every result has an id and an object (I1). */
static enum fate check_results(struct listing *l)
{
	struct call *call = l->call;

	if (!value_is(l->results, VALUE_LIST) || l->count < 0)
		return call_fail(call, FATE_RETRY, "the page lacks its results or count");
	if (l->results.n > KANTATA_PAGE)
		return call_fail(call, FATE_RETRY, "the page has more rows than were asked for");
	l->ids = arena_array(call->arena, l->results.n, sizeof(*l->ids));
	for (uint32_t i = 0; l->ids != NULL && i < l->results.n; i++) {
		if (!kantata_result_id(call->arena, l->kind->plural, l->results.items[i],
				       &l->ids[i]))
			return call_fail(call, FATE_RETRY, "result %u is no %s", i + 1,
					 l->kind->noun);
		if (!has_object(l, l->ids[i]))
			return call_fail(call, FATE_RETRY, "the page lacks %s %.*s", l->kind->noun,
					 TEXT_ARG(l->ids[i]));
	}
	if (arena_failed(call->arena))
		return call_fail(call, FATE_RETRY, "the page takes too much memory");
	return FATE_OK;
}

/* The i-th object's time by which the listing is ordered. */
static enum fate row_time(struct listing *l, uint32_t i, const char *field, int64_t *ms)
{
	struct value object;
	enum fate fate = FATE_OK;

	if (value_is(l->doc, VALUE_MAP))
		object = *kantata_object(l->doc, l->kind->plural, l->ids[i]);
	else
		fate = parse_slice(l->call, *find_row(l, l->ids[i]), &object);
	if (fate != FATE_OK)
		return fate;
	if (!timetext_parse_ms(param_text(object, field), ms))
		return call_fail(l->call, FATE_RETRY, "%s %.*s has no %s", l->kind->noun,
				 TEXT_ARG(l->ids[i]), field);
	return FATE_OK;
}

/* An order the API can't use falls back to another without a word, and paging would then lose rows:
 * the ends of the page show it. */
static enum fate read_order(struct listing *l, const struct page_ask *ask, struct page *out)
{
	const char *field = ask->kind == PAGE_CHANGES ? "updated_at" : "created_at";
	int64_t first;
	enum fate fate;

	out->high = INT64_MIN;
	if (ask->kind == PAGE_VERIFY || l->results.n == 0)
		return FATE_OK;
	fate = row_time(l, 0, field, &first);
	if (fate == FATE_OK)
		fate = row_time(l, l->results.n - 1, field, &out->high);
	if (fate == FATE_OK && first > out->high)
		return call_fail(l->call, FATE_RETRY, "the page is not ordered by %s", field);
	return fate;
}

static bool show_tree(struct listing *l, struct buf *json, uint32_t i, struct text *out)
{
	const struct value *object = kantata_object(l->doc, l->kind->plural, l->ids[i]);

	buf_clear(json);
	value_write(json, kantata_inlined(l->call->arena, l->kind->includes, l->doc, *object));
	*out = buf_view(json);
	if (json->starved)
		arena_fail(l->call->arena);
	return !buf_failed(json) && !arena_failed(l->call->arena);
}

static enum fate show_rows(struct listing *l, bool (*visit)(void *, struct text, struct text),
			   void *of)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_REPLY);
	for (uint32_t i = 0; i < l->results.n; i++) {
		struct text row;

		if (!value_is(l->doc, VALUE_MAP))
			row = *find_row(l, l->ids[i]);
		else if (!show_tree(l, &json, i, &row))
			return call_fail(l->call, FATE_RETRY, "the page takes too much memory");
		if (!visit(of, l->ids[i], row))
			return call_fail(l->call, FATE_RETRY, "the page was not taken");
	}
	return FATE_OK;
}

static bool wants_includes(const struct page_ask *ask)
{
	for (size_t i = 0; ask->asks != NULL && ask->asks[i] != NULL; i++)
		if (ask_name(ask->asks[i], "include=").n > 0)
			return true;
	return false;
}

enum fate kantata_read_page(struct call *call, const struct kantata_kind *kind,
			    const struct page_ask *ask, const struct reply *reply,
			    bool (*visit)(void *of, struct text id, struct text json), void *of,
			    struct page *out)
{
	struct listing l = { .call = call, .kind = kind, .count = -1 };
	enum fate fate;

	assert(call != NULL && kind != NULL);
	assert(ask != NULL && reply != NULL);
	assert(visit != NULL && out != NULL);
	*out = (struct page){ .high = INT64_MIN };
	fate = wants_includes(ask) ? take_tree(&l, reply) : take_slices(&l, reply);
	if (fate == FATE_OK)
		fate = check_results(&l);
	if (fate != FATE_OK) {
		struct text words = kantata_error_words(call, reply);

		if (words.n > 0)
			return call_fail(call, FATE_RETRY, "Kantata says: %.*s", TEXT_ARG(words));
		return fate;
	}
	fate = read_order(&l, ask, out);
	if (fate == FATE_OK)
		fate = show_rows(&l, visit, of);
	out->items = l.results.n;
	out->more = ask->kind != PAGE_VERIFY && l.results.n > 0 &&
		    l.count > (int64_t)ask->offset + l.results.n;
	return fate;
}
