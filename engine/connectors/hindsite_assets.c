/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite_assets - reads and searches assets.
 *
 * The public pages show neither the members of an asset nor what the list is
 * wrapped in ("get Asset(s)"), nor paging. So a bare list and one under `assets`
 * are taken; a reply that says there is more than it holds fails the step rather
 * than being taken for all of it.
 *
 * Source: api-docs.hindsiteind.com, Assets. */
#include "engine/connectors/hindsite_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

const struct param hindsite_asset_list_params[] = {
	{ .name = "location_ids",
	  .type = PARAM_LIST,
	  .doc = "Ids of locations: only their assets." },
	{ .name = NULL },
};

const struct param hindsite_asset_show_params[] = {
	{ .name = "id", .type = PARAM_ID, .required = true, .doc = "Id of the asset." },
	{ .name = NULL },
};

const struct param hindsite_asset_search_params[] = {
	{ .name = "criteria",
	  .type = PARAM_MAP,
	  .required = true,
	  .doc = "What to search for, sent as it is; the vendor doesn't publish its members." },
	{ .name = NULL },
};

/* The query takes one text, which holds several ids: they are separated by commas. */
static enum fate put_locations(struct call *call, struct buf *url, struct value ids)
{
	enum fate fate = hindsite_ids(call, "location_ids", &ids);

	for (uint32_t i = 0; i < ids.n && fate == FATE_OK; i++) {
		struct text id = value_as_text(ids.items[i]);

		if (text_find(id, TEXT(",")) != SIZE_MAX)
			return call_fail(call, FATE_REJECT, "location_ids: item %u is no id",
					 i + 1);
		buf_str(url, i == 0 ? "?location_ids=" : "%2C");
		url_encode(url, id);
	}
	return fate;
}

enum fate hindsite_build_asset_list(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params, ids;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, hindsite_asset_list_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	ids = param_value(params, "location_ids");
	buf_str(&url, "/api/v2/assets");
	if (value_is(ids, VALUE_LIST))
		fate = put_locations(call, &url, ids);
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

enum fate hindsite_build_asset_show(struct call *call, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, hindsite_asset_show_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	buf_str(&url, "/api/v2/assets/");
	fate = url_segment(call, &url, param_text(params, "id"));
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

enum fate hindsite_build_asset_search(struct call *call, struct value given, struct request *out)
{
	struct value params;
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "POST", .url = TEXT("/api/v2/assets/search") };
	fate = params_fit(call, hindsite_asset_search_params, given, &params);
	if (fate != FATE_OK)
		return fate;
	return request_json(call, out, param_value(params, "criteria"));
}

/* What meta counts, or what there is. */
static int64_t total_of(struct value doc, struct value items)
{
	static const char *const names[] = { "total_count", "total", "count", NULL };
	struct value meta = param_value(doc, "meta");

	for (size_t i = 0; names[i] != NULL; i++) {
		struct value n = param_value(meta, names[i]);

		if (value_is(n, VALUE_INT))
			return n.i;
	}
	return items.n;
}

enum fate hindsite_read_assets(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value_map_builder result;
	struct value doc, items;
	int64_t total;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = hindsite_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	items = value_is(doc, VALUE_LIST) ? doc : param_value(doc, "assets");
	if (!value_is(items, VALUE_LIST))
		return call_fail(call, FATE_RETRY, "the reply holds no list of assets");
	for (uint32_t i = 0; i < items.n; i++)
		if (!value_is(items.items[i], VALUE_MAP))
			return call_fail(call, FATE_RETRY, "item %u of the reply is no asset",
					 i + 1);
	total = total_of(doc, items);
	if (total > (int64_t)items.n)
		return call_fail(call, FATE_REJECT,
				 "%lld assets fit, but the reply holds only %u: narrow the search",
				 (long long)total, items.n);
	value_map_begin(&result, call->arena);
	value_map_set(&result, "items", items);
	value_map_set(&result, "count", value_int(items.n));
	*out = (struct reading){ .result = value_map_end(&result), .object = value_null() };
	return FATE_OK;
}
