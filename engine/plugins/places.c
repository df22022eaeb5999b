/* SPDX-License-Identifier: Apache-2.0
 *
 * places.c - see places.h. */
#include "engine/plugins/places.h"

#include <assert.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/sequencer/sequencer.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

DEFINE_AUTO(store_close, struct store *)
DEFINE_AUTO(json_parser_free, struct json_parser *)

static bool newest(void *of, const struct event_record *event)
{
	tally_head(of, event->seq);
	return false;
}

/* {"audit":17,...}; what isn't so isn't told. */
static void read_places(struct tally *tally, struct store *store, struct text plugin)
{
	AUTO(arena_free) struct arena *arena = arena_new("places", MIB);
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct json_error error;
	struct text row, json;
	struct value v;

	if (arena == NULL || parser == NULL)
		return;
	row = text_printf(arena, PLACE_ROWS "%.*s", TEXT_ARG(plugin));
	if (row.s == NULL || !store_get_cursor(store, arena, row, &json) ||
	    json_parse(parser, arena, json, &v, &error) != FATE_OK || v.kind != VALUE_MAP)
		return;
	for (uint32_t i = 0; i < v.n; i++) {
		struct text cursor = value_as_text(v.pairs[i].key);

		if (v.pairs[i].val.kind == VALUE_INT && manifest_is_name(cursor))
			tally_place(tally, plugin, cursor, v.pairs[i].val.i);
	}
}

void places_cover(struct tally *tally, const char *store_name,
		  const struct plugin_setting *settings, size_t count)
{
	const struct event_query last = { .newest_first = true, .limit = 1 };
	AUTO(store_close) struct store *store = NULL;
	struct store_error error;
	bool tried = store_name == NULL;

	assert(tally != NULL && (settings != NULL || count == 0));
	for (size_t i = 0; i < count; i++) {
		if (!tally_cover(tally, settings[i].name))
			continue;
		if (!tried && store_open_reader(store_name, &store, &error) == FATE_OK)
			(void)store_query_events(store, &last, newest, tally);
		tried = true;
		if (store != NULL)
			read_places(tally, store, settings[i].name);
	}
}
