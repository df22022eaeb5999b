/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite_deliveries - webhook deliveries: read, sent again, caught up with.
 *
 * HINDSITE keeps a list of what it sent and with what success. A delivery has no
 * body in it, so a webhook that was missed can't be read from there: it is asked
 * for again, and comes with the same body and signature as the first time. The
 * new delivery has an id of its own, the old one stays `errored`.
 *
 * Deliveries in the state `retrying` are still on their way and left alone.
 *
 * Source: api-docs.hindsiteind.com, Webhook Deliveries. How many are on a page and
 * what `meta` of the list holds isn't shown there, so both are read loosely. */
#include "engine/connectors/hindsite_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"

#define ROUTE "/api/v2/webhook_deliveries"

/* How many to ask for again at once: no limit is documented. */
#define AGAIN 100

/* Highest number of a page: it is written into a URL, and nobody reads so far. */
#define PAGES 1000000

/* ---- pages ---- */

static const char *const totals[] = { "total_pages", "page_count", "pages", "last_page", NULL };

static bool tells(struct value meta)
{
	for (size_t i = 0; totals[i] != NULL; i++)
		if (value_is(param_value(meta, totals[i]), VALUE_INT))
			return true;
	return false;
}

/* `page` is 0 where only the reply can tell which it was. */
static bool is_last(struct value meta, unsigned page)
{
	struct value current = param_value(meta, "current_page");

	if (page == 0 && value_is(current, VALUE_INT) && current.i > 0 && current.i <= PAGES)
		page = (unsigned)current.i;

	for (size_t i = 0; totals[i] != NULL; i++) {
		struct value total = param_value(meta, totals[i]);

		if (value_is(total, VALUE_INT))
			return (int64_t)page >= total.i;
	}
	return value_get(meta, TEXT("next_page")) != NULL &&
	       value_is(param_value(meta, "next_page"), VALUE_NULL);
}

enum fate hindsite_delivery_rows(struct call *call, const struct reply *reply, unsigned page,
				 struct hindsite_page *out)
{
	struct value doc;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = hindsite_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	out->rows = param_value(doc, "webhook_deliveries");
	if (!value_is(out->rows, VALUE_LIST))
		return call_fail(call, FATE_RETRY, "the reply has no webhook_deliveries");
	for (uint32_t i = 0; i < out->rows.n; i++) {
		struct text id;

		if (!value_id(call->arena, param_value(out->rows.items[i], "id"), &id))
			return call_fail(call, FATE_RETRY, "webhook_deliveries: item %u has no id",
					 i + 1);
	}
	out->more = out->rows.n > 0 && !is_last(param_value(doc, "meta"), page);
	out->told = tells(param_value(doc, "meta"));
	return FATE_OK;
}

/* ---- webhook_delivery.list ---- */

static const char *const states[] = { "completed", "errored", "retrying", "in_progress", NULL };

const struct param hindsite_delivery_list_params[] = {
	{ .name = "webhook_id", .type = PARAM_ID, .doc = "Only those of this webhook." },
	{ .name = "state",
	  .type = PARAM_CHOICE,
	  .doc = "Only those in this state; errored ones were tried as often as HINDSITE does.",
	  .choices = states },
	{ .name = "since", .type = PARAM_UNIX, .doc = "Only those made at or after this time." },
	{ .name = "page", .type = PARAM_INT, .doc = "Only this page, counted from 1." },
	{ .name = NULL },
};

static void put_since(struct buf *url, int64_t seconds)
{
	char when[TIMETEXT_MAX];

	timetext_format(seconds, 0, when); /* what is beyond the year 9999 is its end */
	buf_str(url, "&since=");
	url_encode(url, text_of(when));
}

static void put_text(struct buf *url, const char *name, struct text t)
{
	if (t.n == 0)
		return;
	buf_printf(url, "&%s=", name);
	url_encode(url, t);
}

/* Which page comes next; of all of them what the first starts with. */
static enum fate next_page(struct call *call, struct value given, struct request *out,
			   long long *number)
{
	struct value gathered = param_value(call->gathered, "page");
	struct value_list_builder none;
	struct value_map_builder first;

	*number = value_is(gathered, VALUE_INT) ? (long long)gathered.i + 1 : 1;
	if (value_is(given, VALUE_INT)) {
		*number = (long long)given.i;
		return given.i >= 1 && given.i <= PAGES
			   ? FATE_OK
			   : call_fail(call, FATE_REJECT, "page must be from 1 to %d", PAGES);
	}
	if (!value_is(call->gathered, VALUE_NULL))
		return FATE_OK;
	value_list_begin(&none, call->arena);
	value_map_begin(&first, call->arena);
	value_map_set(&first, "items", value_list_end(&none));
	value_map_set(&first, "page", value_int(0));
	out->keep = value_map_end(&first);
	return FATE_OK;
}

enum fate hindsite_build_deliveries(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params, since;
	long long number;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, hindsite_delivery_list_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	since = param_value(params, "since");
	fate = next_page(call, param_value(params, "page"), out, &number);
	if (fate != FATE_OK)
		return fate;
	buf_printf(&url, ROUTE "?page=%lld", number);
	put_text(&url, "webhook_id", param_text(params, "webhook_id"));
	put_text(&url, "state", param_text(params, "state"));
	if (value_is(since, VALUE_INT))
		put_since(&url, since.i);
	return request_url(call, out, &url);
}

static bool has_row(struct call *call, struct value rows, struct value row)
{
	struct text id, other;

	if (!value_id(call->arena, param_value(row, "id"), &id))
		return false;
	for (uint32_t i = 0; i < rows.n; i++)
		if (value_id(call->arena, param_value(rows.items[i], "id"), &other) &&
		    text_eq(id, other))
			return true;
	return false;
}

/* The rows of a page behind those before it. New deliveries come first and push others onto the
 * next page, where they are seen again. A page that adds nothing is the end where meta doesn't say
 * how many there are (all pages are the same to a server that doesn't know `page`). */
static enum fate add_page(struct call *call, struct hindsite_page *page)
{
	struct value before = param_value(call->gathered, "items");
	struct value_list_builder list;

	value_list_begin(&list, call->arena);
	for (uint32_t i = 0; i < before.n; i++)
		value_list_add(&list, before.items[i]);
	for (uint32_t i = 0; i < page->rows.n; i++)
		if (!has_row(call, before, page->rows.items[i]))
			value_list_add(&list, page->rows.items[i]);
	page->rows = value_list_end(&list);
	if (page->rows.n > LIMIT_LIST_ITEMS)
		return call_fail(call, FATE_REJECT, "more than %d deliveries: narrow the list",
				 LIMIT_LIST_ITEMS);
	if (page->rows.n == before.n && page->more && page->told)
		return call_fail(call, FATE_RETRY, "rows moved while the list was read");
	page->more = page->more && page->rows.n > before.n;
	return FATE_OK;
}

enum fate hindsite_read_deliveries(struct call *call, const struct reply *reply,
				   struct reading *out)
{
	struct value number = param_value(call->gathered, "page");
	bool all = value_is(number, VALUE_INT);
	struct value_map_builder result;
	struct hindsite_page page;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = hindsite_delivery_rows(call, reply, all ? (unsigned)number.i + 1 : 0, &page);
	if (fate == FATE_OK && all)
		fate = add_page(call, &page);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", page.rows);
	value_map_set(&result, "count", value_int(page.rows.n));
	value_map_set(&result, "more", value_bool(page.more));
	if (all && page.more)
		value_map_set(&result, "page", value_int(number.i + 1));
	*out = (struct reading){ .object = value_null(), .more = all && page.more };
	out->result = value_map_end(&result);
	return arena_failed(call->arena)
		   ? call_fail(call, FATE_RETRY, "the reply takes too much memory")
		   : FATE_OK;
}

/* ---- webhook_delivery.redeliver, .redeliver_many ---- */

const struct param hindsite_delivery_again_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the delivery." },
	{ .name = NULL },
};

const struct param hindsite_deliveries_again_params[] = {
	{ .name = "delivery_ids",
	  .type = PARAM_LIST,
	  .required = true,
	  .doc = "Ids of the deliveries." },
	{ .name = NULL },
};

enum fate hindsite_build_again(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "POST" };
	fate = params_fit(call, hindsite_delivery_again_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, ROUTE "/");
	fate = url_segment(call, &url, param_text(params, "id"));
	buf_str(&url, "/redeliveries");
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

static enum fate ask_again(struct call *call, struct value ids, struct request *out)
{
	struct value_map_builder body;

	*out = (struct request){ .method = "POST", .url = TEXT(ROUTE "/redeliveries") };
	value_map_begin(&body, call->arena);
	value_map_set(&body, "delivery_ids", ids);
	return request_json(call, out, value_map_end(&body));
}

enum fate hindsite_build_again_many(struct call *call, struct value given, struct request *out)
{
	struct value params, ids;
	enum fate fate;

	assert(call != NULL && out != NULL);
	fate = params_fit(call, hindsite_deliveries_again_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	ids = param_value(params, "delivery_ids");
	fate = hindsite_ids(call, "delivery_ids", &ids);
	return fate == FATE_OK ? ask_again(call, ids, out) : fate;
}

static enum fate read_dropped(struct call *call, const struct reply *reply, struct value *rows,
			      struct value *dropped)
{
	enum fate fate;
	struct value doc;

	fate = hindsite_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	*rows = param_value(doc, "webhook_deliveries");
	*dropped = param_value(param_value(doc, "meta"), "dropped_ids");
	if (!value_is(*rows, VALUE_LIST))
		return call_fail(call, FATE_RETRY, "the reply has no webhook_deliveries");
	if (value_is(*dropped, VALUE_NULL))
		*dropped = (struct value){ .kind = VALUE_LIST };
	if (!value_is(*dropped, VALUE_LIST) ||
	    hindsite_ids(call, "dropped_ids", dropped) != FATE_OK)
		return call_fail(call, FATE_RETRY, "meta.dropped_ids is no list of ids");
	return FATE_OK;
}

enum fate hindsite_read_again_many(struct call *call, const struct reply *reply,
				   struct reading *out)
{
	struct value_map_builder result;
	struct value rows, dropped;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = read_dropped(call, reply, &rows, &dropped);
	if (fate != FATE_OK)
		return fate;
	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", rows);
	value_map_set(&result, "count", value_int(rows.n));
	value_map_set(&result, "dropped_ids", dropped);
	*out = (struct reading){ .result = value_map_end(&result), .object = value_null() };
	return FATE_OK;
}

/* ---- the resource ---- */

static const struct field delivery_fields[] = {
	{ "id", FIELD_TEXT, "Identity of the delivery.", NULL },
	{ "webhook_id", FIELD_TEXT, "Webhook it belongs to.", NULL },
	{ "event_id", FIELD_TEXT, "What it tells of; deliveries of one event share it.", NULL },
	{ "event_action", FIELD_TEXT, "Action of the webhook.", NULL },
	{ "state", FIELD_TEXT, "completed, errored, retrying or in_progress.", NULL },
	{ "created_at", FIELD_TIMESTAMP, "When it was made.", NULL },
	{ .name = NULL },
};

/* Never observed: deliveries have no events, only a place where those dealt with are kept. */
static const struct object_kind delivery = {
	.name = "hindsite.webhook_delivery",
	.id = "id",
	.fields = delivery_fields,
};

static enum fate ask_page(struct call *call, const struct page_ask *ask, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;

	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	buf_printf(&url, ROUTE "?state=errored&page=%u", ask->offset + 1);
	put_text(&url, "webhook_id", param_text(call->settings, "webhook_id"));
	if (ask->after != INT64_MIN)
		put_since(&url, ask->after / 1000);
	return request_url(call, out, &url);
}

static enum fate ask_deliveries(struct call *call, const struct page_ask *ask, struct request *out)
{
	struct value_list_builder ids;

	assert(call != NULL && ask != NULL && out != NULL);
	if (ask->kind != PAGE_AGAIN)
		return ask_page(call, ask, out);
	value_list_begin(&ids, call->arena);
	for (unsigned i = 0; i < ask->id_count; i++)
		value_list_add(&ids, value_text(ask->ids[i]));
	return ask_again(call, value_list_end(&ids), out);
}

/* State and webhook are looked at again, in case the filters are not known to the server. */
static bool is_ours(const struct call *call, struct value row)
{
	struct text ours = param_text(call->settings, "webhook_id");
	struct text state = param_text(row, "state");
	struct text webhook;

	if (state.n > 0 && !text_is(state, "errored"))
		return false;
	return ours.n == 0 || !value_id(call->arena, param_value(row, "webhook_id"), &webhook) ||
	       text_eq(webhook, ours);
}

typedef bool visit_fn(void *of, struct text id, struct text json);

static enum fate visit_rows(struct call *call, struct value rows, visit_fn *visit, void *of)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_REPLY);
	for (uint32_t i = 0; i < rows.n; i++) {
		struct text id;

		if (!is_ours(call, rows.items[i]) ||
		    !value_id(call->arena, param_value(rows.items[i], "id"), &id))
			continue;
		buf_clear(&json);
		value_write(&json, rows.items[i]);
		if (json.starved)
			return call_starved(call);
		if (buf_failed(&json) || !visit(of, id, buf_view(&json)))
			return call_fail(call, FATE_RETRY, "a delivery could not be read");
	}
	return FATE_OK;
}

static enum fate visit_dropped(struct call *call, const struct reply *reply, visit_fn *visit,
			       void *of)
{
	struct value rows, dropped;
	enum fate fate = read_dropped(call, reply, &rows, &dropped);

	for (uint32_t i = 0; fate == FATE_OK && i < dropped.n; i++)
		if (!visit(of, value_as_text(dropped.items[i]), TEXT_NONE))
			fate = call_fail(call, FATE_RETRY, "a dropped id could not be read");
	return fate;
}

static enum fate read_page(struct call *call, const struct page_ask *ask, const struct reply *reply,
			   visit_fn *visit, void *of, struct page *out)
{
	struct hindsite_page page;
	enum fate fate;

	assert(call != NULL && ask != NULL && reply != NULL);
	assert(visit != NULL && out != NULL);
	*out = (struct page){ .high = INT64_MIN };
	if (ask->kind == PAGE_AGAIN)
		return visit_dropped(call, reply, visit, of);
	fate = hindsite_delivery_rows(call, reply, ask->offset + 1, &page);
	if (fate == FATE_OK)
		fate = visit_rows(call, page.rows, visit, of);
	if (fate != FATE_OK)
		return fate;
	out->items = page.rows.n;
	out->more = page.more;
	return FATE_OK;
}

static const struct catch_up missed = { .time = "created_at", .event = "event_id" };

const struct resource hindsite_resources[] = {
	{ .name = "webhook_deliveries",
	  .doc = "Webhooks that HINDSITE could not deliver: they are asked for again and arrive as "
		 "webhooks, oldest first.",
	  .kind = &delivery,
	  .every = INT64_C(5) * 60 * 1000,
	  .full = INT64_C(24) * 3600 * 1000,
	  /* A delivery is listed by when it was made and fails when its last attempt has: how much
	   * later that may be isn't published, common senders try for about three days. */
	  .overlap = INT64_C(4) * 86400 * 1000,
	  .page_size = AGAIN,
	  .catch_up = &missed,
	  .ask = ask_deliveries,
	  .read = read_page },
	{ .name = NULL },
};
