/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_feed - Kantata's feed of changes, called subscribed events in its API.
 *
 * A row says what happened ("story:updated") to which object, when and by whom, and
 * holds the attributes before and after. Rows appear minutes after the change, in no
 * reliable order, sometimes twice, and are listed for nine days.
 *
 * I1  A page is checked whole before the first of its rows is shown.
 * I2  Nothing depends on the order of rows: pages are counted, and a row that slips
 *     from one to another while they are read is found by the overlap of the next look.
 * I3  A payload may be an object or JSON in a text (the reference shows one, the
 *     vendor's own client reads the other): rules see an object either way.
 * I4  A type of event that isn't "subject:verb" stops nothing; its row is told as
 *     unknown.event.
 *
 * Source: developer.kantata.com, sections Events and Event Types. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"

#define ROWS "subscribed_events"

/* Highest number of a page: a million rows, more than nine days of the largest account. */
#define PAGES 5000

static const struct field fields[] = {
	{ "id", FIELD_TEXT, "Identity of the row; a row that comes twice has the same.", NULL },
	{ "account_id", FIELD_TEXT, "Account it happened in.", NULL },
	{ "event_type", FIELD_TEXT, "What happened: story:updated.", NULL },
	{ "created_at", FIELD_TIMESTAMP, "When the row was made.", NULL },
	{ "subject_changed_at", FIELD_TIMESTAMP, "When the change happened.", NULL },
	{ "subject_type", FIELD_TEXT, "Class of the object: TimeEntry.", NULL },
	{ "subject_id", FIELD_TEXT, "Id of the object.", NULL },
	{ "user_id", FIELD_TEXT, "Who did it.", NULL },
	{ "previous_payload", FIELD_MAP, "Attributes before the change.", NULL },
	{ "current_payload", FIELD_MAP, "Attributes after it.", NULL },
	{ "payload_changes", FIELD_MAP, "Attributes that changed.", NULL },
	{ .name = NULL },
};

static const struct edge no_edges[] = { { .field = NULL } };

/* Never observed: each row is an event of its own. */
const struct object_kind kantata_news = {
	.name = "kantata.feed",
	.id = "id",
	.fields = fields,
	.edges = no_edges,
};

/* ---- asking ---- */

static void put_types(struct buf *url, const char *const *subjects)
{
	static const char *const verbs[] = {
		"created",
		"updated",
		"deleted",
		"custom_field_value_created",
		"custom_field_value_updated",
		"custom_field_value_deleted",
	};
	const char *joint = "&event_types=";

	for (; subjects != NULL && *subjects != NULL; subjects++)
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
			buf_printf(url, "%s%s%%3A%s", joint, *subjects, verbs[i]);
			joint = ",";
		}
}

enum fate kantata_ask_feed(struct call *call, const struct page_ask *ask, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	char when[TIMETEXT_MAX];

	assert(call != NULL && ask != NULL && out != NULL);
	assert(ask->kind == PAGE_CHANGES);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	buf_printf(&url, "/" ROWS "?per_page=%d&page=%u&order=created_at:asc", KANTATA_PAGE,
		   ask->offset + 1);
	if (ask->after >= 1000) {
		/* A second less: whether the bound is part of what it bounds isn't documented. */
		timetext_format(ask->after / 1000 - 1, 0, when);
		buf_printf(&url, "&created_after=%s", when);
	}
	put_types(&url, ask->asks);
	buf_str(&url, "&optional_fields=previous_payload,current_payload,payload_changes");
	return request_url(call, out, &url);
}

/* ---- pages ---- */

static enum fate check_rows(struct call *call, struct value doc, struct value *results)
{
	*results = param_value(doc, "results");
	if (!value_is(*results, VALUE_LIST) || !value_is(param_value(doc, "count"), VALUE_INT))
		return call_fail(call, FATE_RETRY, "the page lacks its results or count");
	if (results->n > KANTATA_PAGE)
		return call_fail(call, FATE_RETRY, "the page has more rows than were asked for");
	for (uint32_t i = 0; i < results->n; i++) {
		struct text id;

		if (!kantata_result_id(call->arena, ROWS, results->items[i], &id) ||
		    id.n > LIMIT_ID)
			return call_fail(call, FATE_RETRY, "result %u is no event", i + 1);
		if (kantata_object(doc, ROWS, id) == NULL)
			return call_fail(call, FATE_RETRY, "the page lacks event %.*s",
					 TEXT_ARG(id));
	}
	return FATE_OK;
}

static enum fate show_rows(struct call *call, struct value doc, struct value results,
			   bool (*visit)(void *, struct text, struct text), void *of)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_REPLY);
	for (uint32_t i = 0; i < results.n; i++) {
		struct text id;

		if (!kantata_result_id(call->arena, ROWS, results.items[i], &id))
			return call_fail(call, FATE_RETRY, "the page takes too much memory");
		buf_clear(&json);
		value_write(&json, *kantata_object(doc, ROWS, id));
		if (json.starved)
			return call_starved(call);
		if (buf_failed(&json) || !visit(of, id, buf_view(&json)))
			return call_fail(call, FATE_RETRY, "event %.*s was not taken",
					 TEXT_ARG(id));
	}
	return FATE_OK;
}

enum fate kantata_read_feed(struct call *call, const struct page_ask *ask,
			    const struct reply *reply,
			    bool (*visit)(void *of, struct text id, struct text json), void *of,
			    struct page *out)
{
	struct value doc, results;
	enum fate fate;

	assert(call != NULL && ask != NULL && reply != NULL);
	assert(visit != NULL && out != NULL);
	*out = (struct page){ .high = INT64_MIN };
	fate = kantata_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate == FATE_REJECT ? FATE_RETRY : fate;
	fate = check_rows(call, doc, &results);
	if (fate == FATE_OK)
		fate = show_rows(call, doc, results, visit, of);
	if (fate != FATE_OK)
		return fate;
	if (ask->offset + 1 >= PAGES)
		return call_fail(call, FATE_RETRY, "the feed has no end");
	out->items = results.n;
	out->more = results.n > 0 &&
		    param_value(doc, "count").i > ((int64_t)ask->offset + 1) * KANTATA_PAGE;
	return FATE_OK;
}

/* ---- rows ---- */

static bool is_word(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return t.n > 0 && t.n <= 64;
}

static void take_type(struct text type, struct news *out)
{
	out->verb = text_split(type, ':', &out->subject);
	if (is_word(out->subject) && is_word(out->verb))
		return;
	out->subject = TEXT("unknown");
	out->verb = TEXT("event");
}

/* JSON in a text, unless it is none. */
static struct value payload(struct call *call, struct value v)
{
	struct json_error error;
	struct value parsed;

	if (!value_is(v, VALUE_TEXT) ||
	    json_parse(call->parser, call->arena, value_as_text(v), &parsed, &error) != FATE_OK)
		return v;
	return parsed;
}

static struct value tidied(struct call *call, struct value row)
{
	static const char *const payloads[] = { "previous_payload", "current_payload",
						"payload_changes" };
	struct value_map_builder b;

	value_map_begin(&b, call->arena);
	for (uint32_t i = 0; i < row.n; i++) {
		struct value v = row.pairs[i].val;

		for (size_t k = 0; k < sizeof(payloads) / sizeof(payloads[0]); k++)
			if (text_is(value_as_text(row.pairs[i].key), payloads[k]))
				v = payload(call, v);
		value_map_add(&b, row.pairs[i].key, v);
	}
	return value_map_end(&b);
}

static enum fate read_row(struct call *call, struct value row, struct news *out)
{
	int64_t number;

	assert(call != NULL && out != NULL);
	*out = (struct news){ .at = INT64_MIN, .time = INT64_MIN };
	if (!value_is(row, VALUE_MAP))
		return call_fail(call, FATE_RETRY, "an event is no object");
	take_type(param_text(row, "event_type"), out);
	if (!value_id(call->arena, param_value(row, "subject_id"), &out->id) ||
	    !text_to_int(out->id, &number) || number < 0)
		out->id = TEXT_NONE;
	if (!timetext_parse_ms(param_text(row, "created_at"), &out->at))
		out->at = INT64_MIN;
	if (!timetext_parse_ms(param_text(row, "subject_changed_at"), &out->time))
		out->time = out->at;
	out->data = tidied(call, row);
	return FATE_OK;
}

/* Administrators only (documented); where it is no part of the account it isn't found. */
static bool is_off(const struct reply *reply)
{
	assert(reply != NULL);
	return reply->status == 403 || reply->status == 404;
}

/* Nine days (documented), less an hour in which the oldest rows may be dropped while we read. */
const struct feed kantata_feed = {
	.keeps = INT64_C(9) * 86400 * 1000 - INT64_C(3600) * 1000,
	.look_back = INT64_C(24) * 3600 * 1000,
	.off = is_off,
	.row = read_row,
};
