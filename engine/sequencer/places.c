/* SPDX-License-Identifier: Apache-2.0
 *
 * places.c - what is kept of plugins: how far they have read the log of events
 * (plugins/PROTOCOL.md, Durable subscriptions; one row a plugin, a map of its cursors
 * to sequence numbers), and what they said of themselves.
 *
 * I1  A place never moves back.
 * I2  A plugin has at most LIMIT_SESSION_CURSORS. */
#include "engine/rules/plugin_manifest.h"
#include "engine/sequencer/internal.h"

static struct text place_row(struct sequencer *s, struct text plugin)
{
	return text_printf(s->work, PLACE_ROWS "%.*s", TEXT_ARG(plugin));
}

static struct value places_read(struct sequencer *s, struct text row)
{
	struct json_error error;
	struct text json;
	struct value v;

	if (!store_get_cursor(s->store, s->work, row, &json) ||
	    json_parse(s->parser, s->work, json, &v, &error) != FATE_OK || v.kind != VALUE_MAP)
		return (struct value){ .kind = VALUE_MAP };
	return v;
}

/* The map with the cursor at `seq`, or without it (-1). */
static void places_write(struct sequencer *s, struct text row, struct value places,
			 struct text cursor, int64_t seq)
{
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	for (uint32_t i = 0; i < places.n; i++)
		if (!text_eq(value_as_text(places.pairs[i].key), cursor))
			value_map_add(&b, places.pairs[i].key, places.pairs[i].val);
	if (seq >= 0)
		value_map_add(&b, value_text(cursor), value_int(seq));
	store_put_cursor(s->store, row, seq_json(s, value_map_end(&b)));
}

static bool place_first(void *of, const struct event_record *event)
{
	int64_t *seq = of;

	*seq = event->seq;
	return false;
}

/* After which number a new cursor begins; -1: the store fails. */
static int64_t place_begin(struct sequencer *s, int64_t from)
{
	const struct event_query oldest = { .limit = 1 };
	int64_t seq = s->last_event + 1;

	if (from == PLACE_NOW || from > s->last_event)
		return s->last_event;
	if (from != PLACE_START)
		return from;
	if (store_query_events(s->store, &oldest, place_first, &seq) != FATE_OK)
		return -1;
	return seq - 1;
}

static void place_open(struct sequencer *s, const struct place_input *in, struct text row,
		       struct value places)
{
	const struct value *known = value_get(places, in->cursor);
	int64_t seq = known != NULL && known->kind == VALUE_INT ? known->i : -1;

	if (seq < 0 && places.n >= LIMIT_SESSION_CURSORS) {
		seq_refuse(s, in->ticket, 409, "a plugin has at most 16 cursors");
		return;
	}
	if (seq < 0) {
		seq = place_begin(s, in->seq);
		if (seq < 0) {
			seq_break(s);
			return;
		}
		places_write(s, row, places, in->cursor, seq);
	}
	seq_reply(s, in->ticket, 200, "{\"seq\":%lld}", (long long)seq);
}

static void place_move(struct sequencer *s, const struct place_input *in, struct text row,
		       struct value places)
{
	const struct value *known = value_get(places, in->cursor);

	if (known == NULL || known->kind != VALUE_INT) {
		seq_refuse(s, in->ticket, 404, "no such cursor");
		return;
	}
	if (in->seq > known->i)
		places_write(s, row, places, in->cursor, in->seq);
	seq_reply(s, in->ticket, 200, "{\"seq\":%lld}", (long long)in->seq);
}

void place_take(struct sequencer *s, const struct place_input *in)
{
	struct text row;
	struct value places;

	assert(s != NULL && in != NULL && in->plugin.n > 0 && in->cursor.n > 0);
	row = place_row(s, in->plugin);
	places = places_read(s, row);
	switch (in->op) {
	case PLACE_OPEN:
		place_open(s, in, row, places);
		break;
	case PLACE_MOVE:
		place_move(s, in, row, places);
		break;
	case PLACE_FORGET:
		places_write(s, row, places, in->cursor, -1);
		break;
	}
}

/* ---- Manifests. ---- */

/* Events that follow at once are read by it; rules are, when they are loaded with it. */
static void manifest_note(struct sequencer *s, const struct manifest_input *in)
{
	char words[MANIFEST_WORDS];
	struct manifest *before = map_get(s->said, in->plugin);
	struct manifest *manifest = manifest_read(in->plugin, in->json, words);

	if (manifest == NULL)
		return; /* memory is out: it was read before it came here */
	if (map_put(s->said, in->plugin, manifest))
		manifest_free(before);
	else
		manifest_free(manifest);
}

void manifest_take(struct sequencer *s, const struct manifest_input *in)
{
	assert(s != NULL && in != NULL && in->plugin.n > 0);
	manifest_note(s, in);
	store_put_manifest(s->store, in->plugin, in->json, s->now.wall);
	seq_reply(s, in->ticket, 200, "{}");
}

const struct event_type *seq_event_type(const struct sequencer *s, struct text type)
{
	struct text rest, name;
	const struct manifest *manifest = NULL;

	if (text_starts(type, TEXT("plugin.")) && map_count(s->said) > 0) {
		rest = text_split((struct text){ type.s + 7, type.n - 7 }, '.', &name);
		manifest = map_get(s->said, name);
	}
	return manifest != NULL ? manifest_event(manifest, rest) : config_event(s->config, type);
}

const struct action *seq_action(struct sequencer *s, const struct step *step, const char **why)
{
	const struct manifest *said = step->plugin ? map_get(s->said, step->connection) : NULL;
	const struct action *action;

	if (said == NULL || config_plugin(s->config, step->connection) == NULL)
		return step_action(s->config, s->work, step, why);
	action = connector_action(manifest_connector(said), text_of(step->action->name));
	if (action == NULL) {
		*why = text_printf(s->work, "the plugin %.*s has no action \"%s\"",
				   TEXT_ARG(step->connection), step->action->name)
			   .s;
		*why = *why != NULL ? *why : "its plugin has no such action";
	}
	return action;
}
