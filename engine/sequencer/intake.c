/* SPDX-License-Identifier: Apache-2.0
 *
 * intake.c - bytes that came in become events.
 *
 * A hook's body is parsed, its delivery recognised when it comes again, and what
 * it says turned into one or more events. A repeat is answered 202 with the id
 * of the first. A body that isn't JSON is answered 400 with the position.
 *
 * I1  The same delivery received twice yields its events once.
 * I2  An event's id is hash(source, sender's id), or the sequence number when the
 *     sender gives none. */
#include "engine/sequencer/internal.h"

struct delivery {
	const struct hook_input *in;
	const struct hook_config *hook;
	struct value body;
	struct text dedupe; /* the key it is recognised by; empty: none */
	struct text ids;    /* base of the ids of its events; empty: sequence numbers */
};

static struct text intake_name(struct sequencer *s, struct text a, struct text b, struct text c)
{
	const struct text parts[3] = { a, b, c };
	char hex[HASH_HEX];

	hash_name(parts, 3, hex);
	return text_dup(s->work, text_of(hex));
}

/* What this delivery is recognised by, and for how long. */
static void intake_identity(struct sequencer *s, struct delivery *d, struct text sender_id)
{
	const struct connection *c = d->hook->connection;

	if (sender_id.n > 0) {
		d->dedupe = intake_name(s, TEXT("id"), sender_id, TEXT_NONE);
		d->ids = intake_name(s, d->hook->name, sender_id, TEXT_NONE);
	} else if (d->hook->dedupe_by_body || (c != NULL && c->connector->webhook->bodies_unique)) {
		d->dedupe = intake_name(s, TEXT("body"), d->in->body, TEXT_NONE);
	}
}

/* True when it was seen before; it is answered then. */
static bool intake_repeat(struct sequencer *s, const struct delivery *d)
{
	struct text first;

	if (d->dedupe.n == 0 ||
	    !store_get_seen(s->store, s->batch, d->hook->name, d->dedupe, s->now.wall, &first))
		return false;
	s->stats.repeats++;
	seq_reply(s, d->in->ticket, 202, "{\"id\":\"%.*s\",\"repeat\":true}", TEXT_ARG(first));
	return true;
}

static void intake_accepted(struct sequencer *s, const struct delivery *d, struct text id)
{
	int64_t within = d->hook->dedupe_within;

	if (within <= 0)
		within = s->config->retain_dedupe;
	if (d->dedupe.n > 0)
		store_put_seen(s->store, d->hook->name, d->dedupe, id, s->now.wall + within);
	seq_reply(s, d->in->ticket, 202, "{\"id\":\"%.*s\"}", TEXT_ARG(id));
}

/* ---- A connection's own webhook. ---- */

static bool intake_observe(struct sequencer *s, const struct delivery *d,
			   const struct hook_reading *r, struct text *first)
{
	const struct connection *c = d->hook->connection;
	struct observation o = {
		.kind = r->kind,
		.connection = c->name,
		.source = c->name,
		.object = r->object,
		.how = OBSERVED_HOOK,
		.happened = r->happened,
		.time = r->time,
		.id_base = d->ids,
	};

	return r->kind != NULL && observe(s, &o, first) > 0;
}

static void intake_product(struct sequencer *s, struct delivery *d)
{
	const struct connection *c = d->hook->connection;
	struct call call = { .arena = s->work, .parser = s->parser, .settings = c->settings };
	struct hook_reading r = { .time = INT64_MIN };
	struct text first;

	if (c->connector->webhook->read(&call, d->body, &r) != FATE_OK) {
		s->stats.refused++;
		seq_refuse(s, d->in->ticket, 400, call.why);
		return;
	}
	intake_identity(s, d, r.event_id);
	if (intake_repeat(s, d))
		return;
	if (!intake_observe(s, d, &r, &first)) {
		struct emission e = {
			.id = d->ids,
			.source = c->name,
			.type = text_printf(s->work, "%s.webhook.%.*s", c->connector->name,
					    TEXT_ARG(r.action.n > 0 ? r.action : TEXT("unknown"))),
			.subject = r.subject,
			.connection = c->name,
			.time = r.time != INT64_MIN ? r.time : s->now.wall,
			.data = d->body,
		};

		first = emit(s, &e);
	}
	intake_accepted(s, d, first);
}

/* ---- Hooks of any sender, and CloudEvents. ---- */

static int64_t intake_time(struct sequencer *s, struct text t)
{
	int64_t ms;

	return timetext_parse_ms(t, &ms) ? ms : s->now.wall;
}

/* The words an event type is made of: letters, digits, - _ and dots between. */
static bool intake_word(struct text t)
{
	if (t.n == 0 || t.n > 128)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

		if (!fine)
			return false;
	}
	return true;
}

static void intake_refuse(struct sequencer *s, const struct delivery *d, const char *why)
{
	s->stats.refused++;
	seq_refuse(s, d->in->ticket, 400, why);
}

static void intake_emit(struct sequencer *s, struct delivery *d, struct emission *e,
			struct text sender_id)
{
	intake_identity(s, d, sender_id);
	if (intake_repeat(s, d))
		return;
	e->id = d->ids;
	e->source = d->hook->name;
	intake_accepted(s, d, emit(s, e));
}

static void intake_plain(struct sequencer *s, struct delivery *d)
{
	struct emission e = { .data = d->body, .time = s->now.wall };

	if (d->in->event.n > 0 && !intake_word(d->in->event)) {
		intake_refuse(s, d, "the event header holds characters that no event name has");
		return;
	}
	e.type = d->in->event.n > 0 ? text_printf(s->work, "hook.%.*s.%.*s",
						  TEXT_ARG(d->hook->name), TEXT_ARG(d->in->event))
				    : text_printf(s->work, "hook.%.*s", TEXT_ARG(d->hook->name));
	intake_emit(s, d, &e, d->in->sender_id);
}

/* CloudEvents 1.0: source and id together identify an event. */
static void intake_cloud(struct sequencer *s, struct delivery *d, struct text id,
			 struct text source, struct emission *e)
{
	if (id.n == 0 || source.n == 0 || !intake_word(e->type)) {
		intake_refuse(s, d,
			      "a CloudEvent needs id, source and type (letters, digits, . - _)");
		return;
	}
	if (text_starts(e->type, TEXT("tappet."))) {
		intake_refuse(s, d, "event types that start with tappet. are the engine's own");
		return;
	}
	intake_emit(s, d, e, intake_name(s, TEXT("ce"), source, id));
}

static struct text intake_member(struct value body, const char *name)
{
	const struct value *v = value_get(body, text_of(name));

	return v != NULL && v->kind == VALUE_TEXT ? value_as_text(*v) : TEXT_NONE;
}

static void intake_structured(struct sequencer *s, struct delivery *d)
{
	const struct value *data = value_get(d->body, TEXT("data"));
	struct emission e = {
		.type = intake_member(d->body, "type"),
		.subject = intake_member(d->body, "subject"),
		.time = intake_time(s, intake_member(d->body, "time")),
		.data = data != NULL ? *data : value_null(),
	};

	if (!text_is(intake_member(d->body, "specversion"), "1.0")) {
		intake_refuse(s, d, "specversion must be 1.0");
		return;
	}
	if (value_get(d->body, TEXT("data_base64")) != NULL) {
		intake_refuse(s, d, "binary data (data_base64) is not taken; send JSON");
		return;
	}
	intake_cloud(s, d, intake_member(d->body, "id"), intake_member(d->body, "source"), &e);
}

static void intake_binary(struct sequencer *s, struct delivery *d)
{
	struct emission e = {
		.type = d->in->ce_type,
		.subject = d->in->ce_subject,
		.time = intake_time(s, d->in->ce_time),
		.data = d->body,
	};

	intake_cloud(s, d, d->in->ce_id, d->in->ce_source, &e);
}

void intake_hook(struct sequencer *s, const struct hook_input *in)
{
	struct delivery d = { .in = in, .hook = config_hook(s->config, in->hook) };
	struct json_error error;

	if (d.hook == NULL) {
		seq_refuse(s, in->ticket, 404, "no such hook");
		return;
	}
	if (json_parse(s->parser, s->work, in->body, &d.body, &error) != FATE_OK) {
		struct buf what;

		buf_init(&what, 4096);
		value_write_text(&what, text_of(error.what));
		s->stats.refused++;
		seq_reply(s, in->ticket, 400,
			  "{\"error\":\"not JSON\",\"line\":%d,\"column\":%d,\"offset\":%zu,"
			  "\"detail\":%s}",
			  error.line, error.column, error.offset, buf_cstr(&what));
		buf_fini(&what);
		return;
	}
	if (in->envelope == ENVELOPE_STRUCTURED)
		intake_structured(s, &d);
	else if (in->envelope == ENVELOPE_BINARY)
		intake_binary(s, &d);
	else if (d.hook->connection != NULL)
		intake_product(s, &d);
	else
		intake_plain(s, &d);
}

/* ---- Events put in by hand, by a test, or by the engine's own edges. ---- */

static struct value intake_typed(struct sequencer *s, struct text type, struct text json, bool *ok)
{
	const struct event_type *row = connectors_event(type);
	struct json_error error;
	struct value v = value_null();

	if (json.n > 0 && json_parse(s->parser, s->work, json, &v, &error) != FATE_OK)
		*ok = false;
	return row != NULL && row->kind != NULL ? object_kind_typed(row->kind, s->work, v) : v;
}

void intake_event(struct sequencer *s, const struct event_input *in)
{
	bool ok = true;
	struct emission e = {
		.id = in->id,
		.source = in->source,
		.type = in->type,
		.subject = in->subject,
		.connection = in->connection,
		.time = in->time != INT64_MIN ? in->time : s->now.wall,
		.data = intake_typed(s, in->type, in->data, &ok),
		.before = intake_typed(s, in->type, in->before, &ok),
	};
	struct event_record known;

	if (in->ticket != 0 && text_starts(in->type, TEXT("tappet."))) {
		seq_refuse(s, in->ticket, 400,
			   "event types that start with tappet. are the engine's own");
		return;
	}
	if (!ok || !intake_word(in->type)) {
		seq_refuse(s, in->ticket, 400, "the event type or its JSON is malformed");
		return;
	}
	if (in->id.n > 0 && store_get_event_by_id(s->store, s->work, in->id, &known)) {
		seq_reply(s, in->ticket, 202, "{\"id\":\"%.*s\",\"repeat\":true}",
			  TEXT_ARG(in->id));
		return;
	}
	struct text id = emit(s, &e);

	seq_reply(s, in->ticket, 202, "{\"id\":\"%.*s\"}", TEXT_ARG(id));
}
