/* SPDX-License-Identifier: Apache-2.0
 *
 * pause.c - rules, connections and plugins that an operator has paused, at run time.
 *
 * A paused rule decides nothing: an event that it matches makes a run that is SKIPPED with
 * the pause as its reason, and spends no throttle. What its edges know stays as it is, so
 * that the first event after the pause sees what turned meanwhile. Runs of it that are open
 * wait, and so do those whose step in hand goes to a paused connection or plugin: attempts
 * under way end, none is begun. They wait in their lanes, so order per key holds. Of a
 * paused connection nothing is polled, and it doesn't count as silent.
 *
 * A pause ends by its own timer, or when it is resumed. Both are events and log lines, with
 * who and why.
 *
 * I1  Pauses in memory are those in the store's states: both change in one batch, and after
 *     a failed one they are read again.
 * I2  What waits for a pause is in s->parked and nowhere else; every end of a pause gives
 *     all of it another turn. */
#include "engine/sequencer/pause.h"
#include "engine/base/cleanup.h"
#include "engine/sequencer/internal.h"

struct pause {
	struct pause_row row;
	int64_t due; /* mono ms; INT64_MAX: it has no end */
	char bytes[];
};

#define KEY_ROOM (LIMIT_PAUSE_NAME + 16)

static struct text key_of(char room[KEY_ROOM], struct text kind, struct text name)
{
	int n = snprintf(room, KEY_ROOM, "%.*s/%.*s", TEXT_ARG(text_head(kind, 10)),
			 TEXT_ARG(text_head(name, LIMIT_PAUSE_NAME)));

	return (struct text){ room, (size_t)n };
}

static const struct pause *pause_find(const struct sequencer *s, const char *kind, struct text name)
{
	char room[KEY_ROOM];

	if (s->paused == NULL || map_count(s->paused) == 0)
		return NULL;
	return map_get(s->paused, key_of(room, text_of(kind), name));
}

bool pause_of_rule(const struct sequencer *s, const struct rule *rule)
{
	return pause_find(s, "rule", rule->id) != NULL;
}

bool pause_of_connection(const struct sequencer *s, struct text name)
{
	return pause_find(s, "connection", name) != NULL || pause_find(s, "plugin", name) != NULL;
}

const char *pause_reason(struct sequencer *s, const struct rule *rule)
{
	const struct pause *pause = pause_find(s, "rule", rule->id);
	struct text words;

	assert(pause != NULL);
	words = pause_words(s->work, &pause->row);
	return words.n > 0 ? words.s : "paused";
}

bool pause_holds(struct sequencer *s, struct run *run)
{
	const struct step *step = &run->rule->steps[run->step];

	if (s->paused == NULL || map_count(s->paused) == 0)
		return false;
	return pause_of_rule(s, run->rule) || pause_of_connection(s, step->connection);
}

void pause_park(struct sequencer *s, struct run *run)
{
	if (run->state != RUN_PENDING)
		run_move(run, RUN_PENDING);
	target_queue(s, s->parked, run);
}

/* Those that another pause holds come back. */
static void unpark(struct sequencer *s)
{
	struct run *run;

	while ((run = s->parked->ready_head) != NULL) {
		target_unqueue(run);
		target_queue(s, s->turn, run);
	}
}

/* ---- Rows. ---- */

static int64_t member_int(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == VALUE_INT ? found->i : 0;
}

static struct text member_text(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == VALUE_TEXT ? value_as_text(*found) : TEXT_NONE;
}

bool pause_read(struct json_parser *parser, struct arena *arena, struct text key, struct text json,
		struct pause_row *out)
{
	struct json_error error;
	struct text name;
	struct value v;

	assert(parser != NULL && arena != NULL && out != NULL);
	name = text_split(text_dup(arena, key), '/', &out->kind);
	if (name.n == 0 || json_parse(parser, arena, json, &v, &error) != FATE_OK)
		return false;
	out->name = name;
	out->who = text_dup(arena, member_text(v, "who"));
	out->why = text_dup(arena, member_text(v, "why"));
	out->since = member_int(v, "since");
	out->until = member_int(v, "until");
	return v.kind == VALUE_MAP && !arena_failed(arena);
}

struct text pause_words(struct arena *arena, const struct pause_row *row)
{
	char until[TIMETEXT_MAX];

	assert(arena != NULL && row != NULL);
	if (row->until == 0)
		return text_printf(arena, "paused until it is resumed, by %.*s: %.*s",
				   TEXT_ARG(row->who), TEXT_ARG(row->why));
	timetext_format_ms(row->until, until);
	return text_printf(arena, "paused until %s by %.*s: %.*s", until, TEXT_ARG(row->who),
			   TEXT_ARG(row->why));
}

static void pause_write(struct sequencer *s, const struct pause_row *row)
{
	char room[KEY_ROOM];
	struct value_map_builder b;

	value_map_begin(&b, s->work);
	value_map_set(&b, "since", value_int(row->since));
	value_map_set(&b, "until", value_int(row->until));
	value_map_set(&b, "who", value_text(row->who));
	value_map_set(&b, "why", value_text(row->why));
	store_put_state(s->store, TEXT(PAUSE_RULE), TEXT(PAUSE_STATE),
			key_of(room, row->kind, row->name), seq_json(s, value_map_end(&b)),
			s->now.wall);
}

/* ---- In memory. ---- */

static struct text put_text(char **at, struct text t)
{
	struct text copy = { *at, t.n };

	if (t.n > 0)
		memcpy(*at, t.s, t.n);
	(*at)[t.n] = '\0';
	*at += t.n + 1;
	return copy;
}

/* In place of one of the same name. False with the batch broken. */
static bool pause_keep(struct sequencer *s, const struct pause_row *row, int64_t due)
{
	struct pause *pause =
	    mem_zero(1, sizeof(*pause) + row->kind.n + row->name.n + row->who.n + row->why.n + 4);
	char room[KEY_ROOM];
	struct text key;
	char *at;

	if (pause == NULL) {
		seq_break(s);
		return false;
	}
	at = pause->bytes;
	pause->row = *row;
	pause->row.kind = put_text(&at, row->kind);
	pause->row.name = put_text(&at, row->name);
	pause->row.who = put_text(&at, row->who);
	pause->row.why = put_text(&at, row->why);
	pause->due = due;
	key = key_of(room, pause->row.kind, pause->row.name);
	mem_free(map_drop(s->paused, key));
	if (map_put(s->paused, key, pause)) {
		s->pauses_changed = true;
		return true;
	}
	mem_free(pause);
	seq_break(s);
	return false;
}

/* The wall clock may have jumped: never longer than it was asked for. */
static int64_t due_of(const struct sequencer *s, const struct pause_row *row)
{
	int64_t left = row->until - s->now.wall;

	if (row->until == 0)
		return INT64_MAX;
	if (left > row->until - row->since)
		left = row->until - row->since;
	return s->now.mono + (left > 0 ? left : 0);
}

static bool pause_load(void *of, struct text rule, struct text key, struct text json)
{
	struct sequencer *s = of;
	struct pause_row row;

	(void)rule;
	if (!pause_read(s->parser, s->work, key, json, &row))
		return true;
	return pause_keep(s, &row, due_of(s, &row));
}

bool pauses_setup(struct sequencer *s)
{
	pauses_free(s);
	s->paused = map_new();
	if (s->paused == NULL)
		return false;
	s->pauses_changed = true;
	store_each_state(s->store, TEXT(PAUSE_STATE), pause_load, s);
	seq_clear(s);
	return !s->broken;
}

void pauses_free(struct sequencer *s)
{
	struct text key;
	void *value;

	for (size_t at = 0; s->paused != NULL && map_next(s->paused, &at, &key, &value);)
		mem_free(value);
	map_free(s->paused);
	s->paused = NULL;
}

/* ---- Telling. ---- */

static void pause_tell(struct sequencer *s, const struct pause_row *row, struct text by,
		       const char *type)
{
	struct value_map_builder b;
	bool paused = strcmp(type, "tappet.paused") == 0;

	value_map_begin(&b, s->work);
	value_map_set(&b, "kind", value_text(row->kind));
	value_map_set(&b, "name", value_text(row->name));
	value_map_set(&b, "until", row->until > 0 ? value_timestamp_ms(row->until) : value_null());
	value_map_set(&b, "who", by.n > 0 ? value_text(by) : value_null());
	value_map_set(&b, "why", value_text(row->why));
	if (!paused)
		value_map_set(&b, "paused_at", value_timestamp_ms(row->since));
	emit_own(s, type, row->name, value_map_end(&b), NULL, 0);
}

static void pause_log(struct sequencer *s, const struct pause_row *row, struct text by,
		      const char *what)
{
	char until[TIMETEXT_MAX] = "it is resumed";

	if (row->until > 0)
		timetext_format_ms(row->until, until);
	log_write(LOG_INFO, what, LOG_S("kind", text_dup(s->work, row->kind).s),
		  LOG_S("name", text_dup(s->work, row->name).s), LOG_S("until", until),
		  LOG_S("who", by.n > 0 ? text_dup(s->work, by).s : "its own timer"),
		  LOG_S("why", text_dup(s->work, row->why).s));
}

/* Polls have a while to speak again before they count as silent. */
static void pause_end(struct sequencer *s, struct pause *pause, struct text by)
{
	char room[KEY_ROOM];
	struct text key = key_of(room, pause->row.kind, pause->row.name);

	(void)map_drop(s->paused, key);
	s->pauses_changed = true;
	store_drop_state(s->store, TEXT(PAUSE_RULE), TEXT(PAUSE_STATE), key);
	pause_log(s, &pause->row, by, "resumed");
	if (text_is(pause->row.kind, "connection"))
		silence_spare(s, pause->row.name);
	unpark(s);
	pause_tell(s, &pause->row, by, "tappet.resumed");
	mem_free(pause);
}

/* ---- Operators. ---- */

static const char *kind_of(const struct sequencer *s, const struct pause_input *in, bool *twice)
{
	bool any = in->of.n == 0;
	const char *kind = NULL;

	*twice = false;
	if ((any || text_is(in->of, "connection")) &&
	    config_connection(s->config, in->name) != NULL)
		kind = "connection";
	else if ((any || text_is(in->of, "plugin")) && config_plugin(s->config, in->name) != NULL)
		kind = "plugin";
	if ((any || text_is(in->of, "rule")) && ruleset_find(s->rules, in->name) != NULL) {
		*twice = kind != NULL;
		kind = "rule";
	}
	return kind;
}

static void refuse_unknown(struct sequencer *s, const struct pause_input *in)
{
	const char *what = "no rule, connection or plugin has this name";

	if (in->of.n == 0 && config_hook(s->config, in->name) != NULL)
		what = "this is a hook, whose senders don't wait; the rules that take its events "
		       "can be paused";
	seq_refuse(s, in->ticket, 404, what);
}

static void pause_answer(struct sequencer *s, const struct pause_input *in,
			 const struct pause_row *row, const char *state)
{
	AUTO_FINI(buf_fini) struct buf b;
	char until[TIMETEXT_MAX];

	buf_init(&b, 2 * KIB);
	buf_printf(&b, "{\"state\":\"%s\",\"kind\":\"%.*s\",\"name\":\"%.*s\",\"until\":", state,
		   TEXT_ARG(row->kind), TEXT_ARG(row->name));
	timetext_format_ms(row->until, until);
	if (row->until > 0)
		buf_printf(&b, "\"%s\"}", until);
	else
		buf_str(&b, "null}");
	seq_answer(s, in->ticket, 200, buf_view(&b));
}

static void pause_begin(struct sequencer *s, const struct pause_input *in, const char *kind)
{
	const struct pause_row row = {
		.kind = text_of(kind),
		.name = in->name,
		.who = in->who,
		.why = in->why,
		.since = s->now.wall,
		.until = in->length > 0 ? s->now.wall + in->length : 0,
	};
	bool known = pause_find(s, kind, in->name) != NULL;

	if (!known && map_count(s->paused) >= LIMIT_PAUSES) {
		seq_refuse(s, in->ticket, 409, "too many are paused already");
		return;
	}
	if (!pause_keep(s, &row, due_of(s, &row)))
		return;
	pause_write(s, &row);
	pause_log(s, &row, row.who, "paused");
	pause_answer(s, in, &row, "paused");
	pause_tell(s, &row, row.who, "tappet.paused");
}

static void pause_resume(struct sequencer *s, const struct pause_input *in, const char *kind)
{
	struct pause *pause;
	char room[KEY_ROOM];

	pause = map_get(s->paused, key_of(room, text_of(kind), in->name));
	if (pause == NULL) {
		seq_refuse(s, in->ticket, 409, "it isn't paused");
		return;
	}
	pause_answer(s, in, &pause->row, "resumed");
	pause_end(s, pause, in->who);
}

/* What is no longer configured can still be resumed; of a name of two, the one that is paused. */
static const char *paused_kind(const struct sequencer *s, const struct pause_input *in, bool *twice)
{
	static const char *const kinds[] = { "rule", "connection", "plugin" };
	const char *kind = NULL;

	*twice = false;
	for (size_t i = 0; i < 3; i++) {
		if ((in->of.n > 0 && !text_is(in->of, kinds[i])) ||
		    pause_find(s, kinds[i], in->name) == NULL)
			continue;
		*twice = kind != NULL;
		kind = kinds[i];
	}
	return kind;
}

void pause_take(struct sequencer *s, const struct pause_input *in)
{
	const char *kind = NULL;
	bool twice = false;

	assert(s != NULL && in != NULL && in->name.n > 0);
	if (in->resume)
		kind = paused_kind(s, in, &twice);
	if (kind == NULL)
		kind = kind_of(s, in, &twice);
	if (kind == NULL)
		refuse_unknown(s, in);
	else if (twice)
		seq_refuse(
		    s, in->ticket, 409,
		    "a rule and a connection have this name; say rule/NAME, connection/NAME or "
		    "plugin/NAME");
	else if (in->resume)
		pause_resume(s, in, kind);
	else
		pause_begin(s, in, kind);
}

/* ---- Timers. ---- */

static struct pause *next_due(const struct sequencer *s)
{
	struct pause *first = NULL;
	struct text key;
	void *value;

	for (size_t at = 0; s->paused != NULL && map_next(s->paused, &at, &key, &value);) {
		struct pause *pause = value;

		if (first == NULL || pause->due < first->due)
			first = pause;
	}
	return first;
}

void pauses_timers(struct sequencer *s)
{
	struct pause *pause;

	while (!s->broken && (pause = next_due(s)) != NULL && pause->due <= s->now.mono) {
		pause_end(s, pause, TEXT_NONE);
		seq_clear(s);
	}
}

int64_t pauses_next(const struct sequencer *s)
{
	const struct pause *pause = next_due(s);

	return pause != NULL ? pause->due : INT64_MAX;
}

void pauses_out(struct sequencer *s)
{
	struct text key;
	void *value;

	if (!s->pauses_changed)
		return;
	for (size_t at = 0; s->paused != NULL && map_next(s->paused, &at, &key, &value);) {
		const struct pause *pause = value;
		struct pause_row *row = vector_add(s, &s->pauses, sizeof(*row));

		if (row != NULL)
			*row = pause->row;
	}
}
