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
 *     sender gives none.
 * I3  A batch of CloudEvents is taken as a whole or not at all. */
#include "engine/sequencer/internal.h"
#include "engine/value/form.h"
#include "engine/value/redact.h"

struct delivery {
	const struct hook_input *in;
	const struct hook_config *hook;
	struct value body;
	struct text dedupe;      /* the key it is recognised by; empty: none */
	struct text ids;         /* base of the ids of its events; empty: sequence numbers */
	struct event_body raw;   /* as it came in: kept by its first event, */
	struct event_body *kept; /* unless the hook says otherwise: NULL then */
};

static struct text intake_name(struct sequencer *s, struct text a, struct text b, struct text c)
{
	const struct text parts[3] = { a, b, c };
	char hex[HASH_HEX];

	hash_name(parts, 3, hex);
	return text_dup(s->work, text_of(hex));
}

static struct text intake_member(struct value body, const char *name)
{
	const struct value *v = value_get(body, text_of(name));

	return v != NULL && v->kind == VALUE_TEXT ? value_as_text(*v) : TEXT_NONE;
}

/* Some senders put a delivery's id into the signed body. */
static struct text intake_body_id(const struct delivery *d)
{
	struct text id = TEXT_NONE;

	if (d->hook->verify == VERIFY_STRIPE)
		id = intake_member(d->body, "id");
	else if (d->hook->verify == VERIFY_SLACK)
		id = intake_member(d->body, "event_id");
	return id.n <= LIMIT_SENDER_ID ? id : TEXT_NONE;
}

/* What this delivery is recognised by, and for how long. */
static void intake_identity(struct sequencer *s, struct delivery *d, struct text sender_id)
{
	const struct connection *c = d->hook->connection;

	d->dedupe = d->ids = TEXT_NONE;
	if (sender_id.n == 0)
		sender_id = intake_body_id(d);
	if (sender_id.n > 0) {
		d->dedupe = intake_name(s, TEXT("id"), sender_id, TEXT_NONE);
		d->ids = intake_name(s, d->hook->name, sender_id, TEXT_NONE);
	} else if (d->hook->dedupe_by_body || (c != NULL && c->connector->webhook->bodies_unique)) {
		d->dedupe = intake_name(s, TEXT("body"), d->in->body, TEXT_NONE);
	}
}

static void intake_count_refused(struct sequencer *s, const struct delivery *d)
{
	s->stats.refused++;
	board_source(s->board, d->hook->name)->events[BOARD_REFUSED]++;
}

/* True when it was seen before. */
static bool intake_seen(struct sequencer *s, const struct delivery *d, struct text *first)
{
	if (d->dedupe.n == 0 ||
	    !store_get_seen(s->store, s->batch, d->hook->name, d->dedupe, seq_steady(s), first))
		return false;
	s->stats.repeats++;
	board_source(s->board, d->hook->name)->events[BOARD_REPEAT]++;
	return true;
}

static void intake_remember(struct sequencer *s, const struct delivery *d, struct text id)
{
	int64_t within = d->hook->dedupe_within;

	if (within <= 0)
		within = s->config->retain_dedupe;
	if (d->dedupe.n > 0)
		store_put_seen(s->store, d->hook->name, d->dedupe, id, seq_steady(s) + within);
}

/* Slack shows what answers a command or a button to the person who used it, and
 * calls anything but 200 a failure. */
static void intake_answer(struct sequencer *s, const struct delivery *d, struct text id,
			  const char *more)
{
	if (d->in->form && d->hook->verify == VERIFY_SLACK)
		seq_answer(s, d->in->ticket, 200, TEXT(""));
	else
		seq_reply(s, d->in->ticket, 202, "{\"id\":\"%.*s\"%s}", TEXT_ARG(id), more);
}

/* The same, and it is answered then. */
static bool intake_repeat(struct sequencer *s, const struct delivery *d)
{
	struct text first;

	if (!intake_seen(s, d, &first))
		return false;
	intake_answer(s, d, first, ",\"repeat\":true");
	return true;
}

static void intake_accepted(struct sequencer *s, const struct delivery *d, struct text id)
{
	intake_remember(s, d, id);
	intake_answer(s, d, id, "");
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
		.body = d->kept,
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
		intake_count_refused(s, d);
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
			.body = d->kept,
		};

		first = emit(s, &e);
	}
	intake_accepted(s, d, first);
}

/* ---- Hooks of any sender. ---- */

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
	intake_count_refused(s, d);
	seq_refuse(s, d->in->ticket, 400, why);
}

/* The event's data without what the hook leaves out, before anybody sees them: what is recorded,
 * matched and sent is the same, after a crash too. */
static struct value intake_redacted(struct sequencer *s, const struct delivery *d,
				    struct value data)
{
	for (size_t i = 0; i < d->hook->redact_count; i++)
		data = value_redacted(s->work, data, d->hook->redact[i]);
	return data;
}

static void intake_emit(struct sequencer *s, struct delivery *d, struct emission *e,
			struct text sender_id)
{
	intake_identity(s, d, sender_id);
	if (intake_repeat(s, d))
		return;
	e->id = d->ids;
	e->source = d->hook->name;
	e->body = d->kept;
	e->data = intake_redacted(s, d, e->data);
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

/* ---- CloudEvents 1.0. ---- */

/* One of them, read; the rest of it is in the emission. */
struct cloud {
	struct text id, source; /* together they identify it */
	struct text time;       /* empty: not told */
	struct emission e;
};

/* NULL, or what is wrong with it. */
static const char *cloud_check(struct sequencer *s, struct cloud *c)
{
	if (c->id.n == 0 || c->source.n == 0 || !intake_word(c->e.type))
		return "a CloudEvent needs id, source and type (letters, digits, . - _)";
	if (text_starts(c->e.type, TEXT("tappet.")))
		return "event types that start with tappet. are the engine's own";
	c->e.time = s->now.wall;
	if (c->time.n > 0 && !timetext_parse_ms(c->time, &c->e.time))
		return "a CloudEvent's time is RFC 3339, like 2026-01-31T12:00:00Z";
	return NULL;
}

/* False when it is there but neither text nor null. */
static bool cloud_text(struct value event, const char *name, struct text *out)
{
	const struct value *v = value_get(event, text_of(name));

	*out = intake_member(event, name);
	return v == NULL || v->kind == VALUE_TEXT || v->kind == VALUE_NULL;
}

/* JSON format, section 3. */
static const char *cloud_structured(struct sequencer *s, struct value event, struct cloud *c)
{
	const struct value *data = value_get(event, TEXT("data"));

	*c = (struct cloud){ .e.data = data != NULL ? *data : value_null() };
	if (event.kind != VALUE_MAP)
		return "a CloudEvent is a JSON object";
	if (!text_is(intake_member(event, "specversion"), "1.0"))
		return "specversion must be 1.0";
	if (!cloud_text(event, "id", &c->id) || !cloud_text(event, "source", &c->source) ||
	    !cloud_text(event, "type", &c->e.type) ||
	    !cloud_text(event, "subject", &c->e.subject) || !cloud_text(event, "time", &c->time))
		return "id, source, type, subject and time are texts";
	if (value_get(event, TEXT("data_base64")) != NULL)
		return "binary data (data_base64) is not taken; send JSON";
	return cloud_check(s, c);
}

static struct text cloud_name(struct sequencer *s, const struct cloud *c)
{
	return intake_name(s, TEXT("ce"), c->source, c->id);
}

static void intake_structured(struct sequencer *s, struct delivery *d)
{
	struct cloud c;
	const char *wrong = cloud_structured(s, d->body, &c);

	if (wrong != NULL)
		intake_refuse(s, d, wrong);
	else
		intake_emit(s, d, &c.e, cloud_name(s, &c));
}

static void intake_binary(struct sequencer *s, struct delivery *d)
{
	struct cloud c = {
		.id = d->in->ce_id,
		.source = d->in->ce_source,
		.time = d->in->ce_time,
		.e = { .type = d->in->ce_type, .subject = d->in->ce_subject, .data = d->body },
	};
	const char *wrong = cloud_check(s, &c);

	if (wrong != NULL)
		intake_refuse(s, d, wrong);
	else
		intake_emit(s, d, &c.e, cloud_name(s, &c));
}

/* The id of one of a batch, which may have been seen before. */
static struct text batch_take(struct sequencer *s, struct delivery *d, struct cloud *c)
{
	struct text id;

	intake_identity(s, d, cloud_name(s, c));
	if (intake_seen(s, d, &id))
		return id;
	c->e.id = d->ids;
	c->e.source = d->hook->name;
	c->e.body = d->kept;
	c->e.data = intake_redacted(s, d, c->e.data);
	id = emit(s, &c->e);
	intake_remember(s, d, id);
	return id;
}

/* Each event's trees for themselves, as with a poll's page. */
static void batch_take_all(struct sequencer *s, struct delivery *d, struct buf *ids)
{
	struct arena *whole = s->work;

	s->work = s->object;
	for (uint32_t i = 0; i < d->body.n && !s->broken; i++) {
		struct cloud c;
		const char *wrong = cloud_structured(s, d->body.items[i], &c);

		assert(wrong == NULL); /* all were checked before */
		(void)wrong;
		buf_str(ids, i > 0 ? ",\"" : "\"");
		buf_text(ids, batch_take(s, d, &c));
		buf_char(ids, '"');
		if (arena_failed(s->object))
			seq_break(s);
		arena_reset(s->object);
	}
	s->work = whole;
}

static void intake_batch(struct sequencer *s, struct delivery *d)
{
	struct cloud c;
	struct buf ids;

	if (d->body.kind != VALUE_LIST || d->body.n > LIMIT_CE_BATCH) {
		intake_refuse(s, d, "a batch is a list of at most 1000 CloudEvents");
		return;
	}
	for (uint32_t i = 0; i < d->body.n; i++) {
		const char *wrong = cloud_structured(s, d->body.items[i], &c);

		if (wrong == NULL)
			continue;
		intake_refuse(s, d, text_printf(s->work, "event %u: %s", i + 1, wrong).s);
		return;
	}
	buf_init(&ids, (LIMIT_CE_BATCH + 1) * (HASH_HEX + 4));
	buf_str(&ids, "{\"ids\":[");
	batch_take_all(s, d, &ids);
	buf_str(&ids, "]}");
	if (buf_failed(&ids))
		seq_break(s);
	else
		seq_answer(s, d->in->ticket, 202, buf_view(&ids));
	buf_fini(&ids);
}

/* ---- The body. ---- */

/* docs.slack.dev, url_verification: Slack asks once whether it was we who gave it
 * this address. It is no event. */
static bool intake_challenge(struct sequencer *s, struct delivery *d)
{
	struct text challenge;
	struct buf b;

	if (d->hook->verify != VERIFY_SLACK ||
	    !text_is(intake_member(d->body, "type"), "url_verification"))
		return false;
	challenge = intake_member(d->body, "challenge");
	if (challenge.n == 0 || challenge.n > LIMIT_CHALLENGE) {
		intake_refuse(s, d, "the challenge is missing or too long");
		return true;
	}
	buf_init(&b, 8 * LIMIT_CHALLENGE); /* an escape takes six bytes */
	buf_str(&b, "{\"challenge\":");
	value_write_text(&b, challenge);
	buf_char(&b, '}');
	if (buf_failed(&b))
		seq_break(s);
	else
		seq_answer(s, d->in->ticket, 200, buf_view(&b));
	buf_fini(&b);
	return true;
}

static bool intake_json(struct sequencer *s, struct delivery *d, struct text json)
{
	struct json_error error;
	struct buf what;

	if (json_parse(s->parser, s->work, json, &d->body, &error) == FATE_OK)
		return true;
	buf_init(&what, 4096);
	value_write_text(&what, text_of(error.what));
	intake_count_refused(s, d);
	seq_reply(s, d->in->ticket, 400,
		  "{\"error\":\"not JSON\",\"line\":%d,\"column\":%d,\"offset\":%zu,"
		  "\"detail\":%s}",
		  error.line, error.column, error.offset, buf_cstr(&what));
	buf_fini(&what);
	return false;
}

/* A form whose only field is `payload` with an object or a list in it is that: so
 * do Slack and GitHub send JSON in forms. */
static bool intake_form(struct sequencer *s, struct delivery *d)
{
	struct text payload = text_trim(d->in->body);
	const char *wrong;

	/* Forms escape these. Read as a form, a copy of signed JSON would be news. */
	if (payload.n > 0 && (payload.s[0] == '{' || payload.s[0] == '['))
		wrong = "this is JSON, no form: send Content-Type: application/json";
	else
		wrong = form_parse(s->work, d->in->body, &d->body);
	if (wrong != NULL) {
		intake_refuse(s, d, wrong);
		return false;
	}
	payload = text_trim(intake_member(d->body, "payload"));
	if (d->body.n != 1 || payload.n == 0 || (payload.s[0] != '{' && payload.s[0] != '['))
		return !arena_failed(s->work);
	return intake_json(s, d, payload);
}

void intake_hook(struct sequencer *s, const struct hook_input *in)
{
	struct delivery d = { .in = in,
			      .hook = config_hook(s->config, in->hook),
			      .raw = { .media = in->media, .bytes = in->body } };

	d.kept = d.hook != NULL && !d.hook->drop_body ? &d.raw : NULL;

	if (d.hook == NULL)
		seq_refuse(s, in->ticket, 404, "no such hook");
	else if (!(in->form ? intake_form(s, &d) : intake_json(s, &d, in->body)) ||
		 intake_challenge(s, &d))
		return;
	else if (in->envelope == ENVELOPE_STRUCTURED)
		intake_structured(s, &d);
	else if (in->envelope == ENVELOPE_BINARY)
		intake_binary(s, &d);
	else if (in->envelope == ENVELOPE_BATCH)
		intake_batch(s, &d);
	else if (d.hook->connection != NULL)
		intake_product(s, &d);
	else
		intake_plain(s, &d);
	if (d.hook != NULL)
		silence_heard(s, d.hook->name);
}

/* ---- Events put in by hand, by a test, or by the engine's own edges. ---- */

static struct value intake_typed(struct sequencer *s, struct text type, struct text json, bool *ok)
{
	const struct event_type *row = seq_event_type(s, type);
	struct json_error error;
	struct value v = value_null();

	if (json.n > 0 && json_parse(s->parser, s->work, json, &v, &error) != FATE_OK)
		*ok = false;
	return row != NULL && row->kind != NULL ? object_kind_typed(row->kind, s->work, v) : v;
}

/* The step of the run that the event is said to come from, and the run's event; NULL: there is none
 * any more, or never was. */
static const struct step *intake_job(struct sequencer *s, const struct event_input *in,
				     int64_t *event)
{
	const struct run *run = run_find(s, in->job_run);
	const struct rule *rule = run != NULL ? run->rule : NULL;
	struct run_record record;

	*event = run != NULL ? run->event : 0;
	if (run == NULL) {
		if (!store_get_run(s->store, s->work, in->job_run, &record) ||
		    recover_revision(s, record.rule, record.revision, &rule) == NULL)
			return NULL;
		*event = record.event;
	}
	return in->job_step < rule->step_count ? &rule->steps[in->job_step] : NULL;
}

/* What a plugin brings in as part of a job has that job's run as its cause, so that loops through
 * it are seen. A name that isn't one of its jobs says nothing: retention may have taken the run,
 * and a restored log may never have had it. */
static void intake_cause(struct sequencer *s, const struct event_input *in, struct emission *e)
{
	struct event_record event;
	const struct step *step;
	int64_t seq;

	if (in->job_run <= 0 || in->job_step < 0)
		return;
	step = intake_job(s, in, &seq);
	if (step == NULL || !step->plugin || !text_eq(step->connection, in->connection) ||
	    !store_get_event(s->store, s->work, seq, &event))
		return;
	e->cause = in->job_run;
	e->depth = event.depth + 1;
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

	if (in->ticket != 0 && !s->options.own_events && text_starts(in->type, TEXT("tappet."))) {
		seq_refuse(s, in->ticket, 400,
			   "event types that start with tappet. are the engine's own");
		return;
	}
	if (!ok || !intake_word(in->type)) {
		seq_refuse(s, in->ticket, 400, "the event type or its JSON is malformed");
		return;
	}
	if (in->id.n > 0 && store_get_event_by_id(s->store, s->work, in->id, &known)) {
		seq_reply(s, in->ticket, 202, "{\"id\":\"%.*s\",\"seq\":%lld,\"repeat\":true}",
			  TEXT_ARG(in->id), (long long)known.seq);
		return;
	}
	intake_cause(s, in, &e);
	/* What rules make of it may emit more; its own number is the next. */
	int64_t seq = s->last_event + 1;
	struct text id = emit(s, &e);

	seq_reply(s, in->ticket, 202, "{\"id\":\"%.*s\",\"seq\":%lld}", TEXT_ARG(id),
		  (long long)seq);
}
