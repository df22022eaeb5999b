/* SPDX-License-Identifier: Apache-2.0
 *
 * work - what lasts from one session to the next: jobs at hand, emits without an answer,
 * and for each cursor
 *
 *   done     the last event that the plugin was given; what comes again isn't given again
 *   wanted   what the plugin has acknowledged
 *   sent     the last event of this session; nothing beyond it may be acknowledged
 *   said     what was acknowledged in this session
 *   acked    what is on the engine's disk. When SUBSCRIBED is behind it, the engine's log is
 *            another one, and what was done says nothing about it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

void work_credit(struct tappet_plugin *p, int more)
{
	p->owed += more;
	if (!p->in_session || p->owed == 0 || p->stopping)
		return;
	session_say(p, "CREDIT", json_pack("{s:I}", "jobs", p->owed), NULL);
	p->owed = 0;
}

/* ---- Jobs. ---- */

static const char *or_empty(json_t *header, const char *name)
{
	const char *text = json_string_value(json_object_get(header, name));

	return text != NULL ? text : "";
}

/* Of the header, which is kept; false: it isn't as it should be. */
static bool fill_job(struct job *job, json_t *header)
{
	struct tappet_job *j = &job->job;
	json_int_t attempt, timeout;
	const char *id, *key, *action;

	if (json_unpack(header, "{s:s,s:s,s:s,s:I,s:I}", "id", &id, "key", &key, "action", &action,
			"attempt", &attempt, "timeout", &timeout) != 0)
		return false;
	j->id = id, j->key = key, j->action = action, j->attempt = attempt, j->timeout = timeout;
	j->rule = or_empty(header, "rule");
	j->event = or_empty(header, "event");
	j->given_up = false;
	json_incref(header);
	json_decref(job->header);
	job->header = header;
	return true;
}

static struct job *find_job(struct tappet_plugin *p, const char *key, const char *id)
{
	for (struct job *j = p->jobs; j != NULL; j = j->next)
		if (key != NULL ? strcmp(j->job.key, key) == 0
				: id != NULL && !j->job.given_up && strcmp(j->job.id, id) == 0)
			return j;
	return NULL;
}

static void run_job(struct tappet_plugin *p, struct job *job)
{
	const struct tappet_action *a = p->o.actions;
	struct tappet_result none = { TAPPET_REJECT, NULL, "there is no such action", 0 };
	struct tappet_result later = { TAPPET_RETRY, NULL, "the plugin stops", 0 };

	while (a != NULL && a->name != NULL && strcmp(a->name, job->job.action) != 0)
		a++;
	if (p->stopping)
		tappet_job_end(&job->job, &later);
	else if (a == NULL || a->name == NULL)
		tappet_job_end(&job->job, &none);
	else
		a->run(p->o.of, &job->job);
}

bool work_job(struct tappet_plugin *p, json_t *header, json_t *body)
{
	const char *key = json_string_value(json_object_get(header, "key"));
	struct job *job = key != NULL ? find_job(p, key, NULL) : NULL;

	if (job != NULL) { /* another attempt at what is still at work */
		bool fine = fill_job(job, header);

		work_credit(p, fine ? 1 : 0);
		return fine;
	}
	job = calloc(1, sizeof(*job));
	if (job == NULL || !fill_job(job, header)) {
		p->failed |= job == NULL;
		free(job);
		return false;
	}
	job->plugin = p;
	job->job.params = json_is_object(body) ? json_incref(body) : json_object();
	job->next = p->jobs;
	p->jobs = job;
	p->working++;
	run_job(p, job);
	return true;
}

void work_cancel(struct tappet_plugin *p, json_t *header)
{
	struct job *job = find_job(p, NULL, json_string_value(json_object_get(header, "id")));

	if (job == NULL)
		return;
	job->job.given_up = true;
	if (p->o.calls.cancelled != NULL)
		p->o.calls.cancelled(p->o.of, &job->job);
}

static void free_job(struct job *job)
{
	struct job **at = &job->plugin->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	job->plugin->working--;
	json_decref(job->job.params);
	json_decref(job->header);
	free(job);
}

/* A header has a limit, and is UTF-8. */
static json_t *error_words(const char *error)
{
	size_t n = error != NULL ? strnlen(error, WORDS_MOST + 1) : 0;
	json_t *words;

	if (n == 0)
		return NULL;
	if (n > WORDS_MOST)
		for (n = WORDS_MOST; n > 0 && ((unsigned char)error[n] & 0xc0) == 0x80; n--)
			;
	words = json_stringn(error, n);
	return words != NULL ? words : json_string("the plugin's words aren't UTF-8");
}

static void say_result(struct tappet_plugin *p, const struct tappet_job *j,
		       const struct tappet_result *result)
{
	static const char *const words[] = { "ok", "retry", "reject", "doubt" };
	char *body = result->fate == TAPPET_OK && result->value != NULL
			 ? json_dumps(result->value, JSON_COMPACT | JSON_ENCODE_ANY)
			 : NULL;
	bool lost = result->fate == TAPPET_OK && result->value != NULL &&
		    (body == NULL || strlen(body) > BODY_MOST);
	const char *error =
	    lost ? "the result can't be sent, or has more than 1 MiB" : result->error;
	json_t *header =
	    json_pack("{s:s,s:s,s:o*}", "id", j->id, "fate",
		      words[lost ? TAPPET_DOUBT : result->fate], "error", error_words(error));

	if (header != NULL && result->fate == TAPPET_RETRY && result->after > 0)
		(void)json_object_set_new(header, "after", json_integer(result->after));
	if (header != NULL && !p->stopping)
		(void)json_object_set_new(header, "jobs", json_integer(1));
	session_say(p, "RESULT", header, lost ? NULL : body);
	free(body);
}

void tappet_job_end(struct tappet_job *j, const struct tappet_result *result)
{
	struct job *job = (struct job *)j;

	assert(j != NULL && result != NULL && result->fate <= TAPPET_DOUBT);
	if (j->given_up)
		work_credit(job->plugin, 1);
	else
		say_result(job->plugin, j, result);
	free_job(job);
}

void tappet_job_progress(struct tappet_job *j)
{
	assert(j != NULL);
	if (!j->given_up)
		session_say(((struct job *)j)->plugin, "PROGRESS", json_pack("{s:s}", "id", j->id),
			    NULL);
}

/* ---- Emits. ---- */

void work_emits(struct tappet_plugin *p, long long now)
{
	for (struct emit *e = p->emits; e != NULL && p->room > 0 && p->in_session; e = e->next) {
		if (e->said || e->not_before > now)
			continue;
		e->said = true;
		p->room--;
		session_say_text(p, "EMIT", e->header, e->body);
	}
}

static struct emit **find_emit(struct tappet_plugin *p, const char *id)
{
	struct emit **at = &p->emits;

	while (*at != NULL && (id == NULL || strcmp((*at)->id, id) != 0))
		at = &(*at)->next;
	return at;
}

static void free_emit(struct emit *e)
{
	if (e == NULL)
		return;
	free(e->header);
	free(e->body);
	free(e);
}

/* NULL, and errno. */
static struct emit *make_emit(const struct tappet_emit *emit)
{
	json_t *header = json_pack("{s:s,s:s,s:s*,s:s*}", "id", emit->id, "type", emit->type,
				   "subject", emit->subject, "time", emit->time);
	struct emit *e = calloc(1, sizeof(*e) + strlen(emit->id) + 1);

	if (e != NULL) {
		(void)memcpy(e->id, emit->id, strlen(emit->id) + 1);
		e->header = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
		e->body = emit->data == NULL
			      ? strdup("null")
			      : json_dumps(emit->data, JSON_COMPACT | JSON_ENCODE_ANY);
	}
	json_decref(header);
	errno = EMSGSIZE;
	if (e == NULL)
		errno = ENOMEM;
	else if (e->header == NULL || e->body == NULL)
		errno = EINVAL;
	else if (strlen(e->body) <= BODY_MOST && strlen(e->header) <= HEADER_MOST)
		return e;
	free_emit(e);
	return NULL;
}

bool tappet_emit(struct tappet_plugin *p, const struct tappet_emit *emit)
{
	struct emit **at;

	assert(p != NULL && emit != NULL && emit->id != NULL && emit->type != NULL);
	at = find_emit(p, emit->id);
	if (*at != NULL)
		return true; /* the same event: one answer is enough */
	if (p->waiting >= EMITS_MOST) {
		errno = EAGAIN;
		return false;
	}
	*at = make_emit(emit);
	if (*at == NULL)
		return false;
	p->waiting++;
	work_emits(p, plugin_now());
	return true;
}

static void end_emit(struct tappet_plugin *p, struct emit **at,
		     const struct tappet_emitted *emitted)
{
	struct emit *e = *at;

	*at = e->next;
	p->waiting--;
	if (p->o.calls.emitted != NULL)
		p->o.calls.emitted(p->o.of, emitted);
	free_emit(e);
}

static void more_room(struct tappet_plugin *p, json_t *header)
{
	p->room += json_integer_value(json_object_get(header, "emits"));
}

bool work_emitted(struct tappet_plugin *p, json_t *header)
{
	struct tappet_emitted emitted = { 0 };
	json_int_t seq;
	int repeat;
	struct emit **at;

	if (json_unpack(header, "{s:s,s:s,s:I,s:b}", "id", &emitted.id, "event", &emitted.event,
			"seq", &seq, "repeat", &repeat) != 0)
		return false;
	more_room(p, header);
	emitted.seq = seq;
	emitted.repeat = repeat != 0;
	at = find_emit(p, emitted.id);
	if (*at != NULL)
		end_emit(p, at, &emitted);
	work_emits(p, plugin_now());
	return true;
}

/* ---- Durable subscriptions. ---- */

void work_acks(struct tappet_plugin *p)
{
	for (struct cursor *c = p->cursors; c != NULL; c = c->next) {
		long long seq = c->wanted < c->sent ? c->wanted : c->sent;

		if (!c->open || seq <= c->said)
			continue;
		c->said = seq;
		session_say(p, "ACK", json_pack("{s:s,s:I}", "cursor", c->name, "seq", seq), NULL);
	}
}

static void free_cursor(struct cursor *c)
{
	if (c == NULL)
		return;
	json_decref(c->header);
	free(c->name);
	free(c);
}

bool tappet_subscribe(struct tappet_plugin *p, const struct tappet_subscription *s)
{
	struct cursor *c = calloc(1, sizeof(*c));
	json_t *types = json_array();

	assert(p != NULL && s != NULL && s->cursor != NULL && s->types != NULL);
	for (size_t i = 0; s->types[i] != NULL; i++)
		(void)json_array_append_new(types, json_string(s->types[i]));
	if (c == NULL) {
		json_decref(types);
		return false;
	}
	c->header = json_pack("{s:s,s:o,s:o}", "cursor", s->cursor, "types", types, "from",
			      s->from < 0 ? json_string("now") : json_integer(s->from));
	c->name = strdup(s->cursor);
	if (c->header == NULL || c->name == NULL) {
		free_cursor(c);
		return false;
	}
	if (s->window > 0)
		(void)json_object_set_new(c->header, "window", json_integer(s->window));
	c->done = c->wanted = c->acked = -1;
	c->next = p->cursors;
	p->cursors = c;
	return true;
}

static struct cursor *find_cursor(struct tappet_plugin *p, const char *name)
{
	struct cursor *c = p->cursors;

	while (c != NULL && (name == NULL || strcmp(c->name, name) != 0))
		c = c->next;
	return c;
}

void tappet_ack(struct tappet_plugin *p, const char *cursor, long long seq)
{
	struct cursor *c = find_cursor(p, cursor);

	assert(c != NULL);
	if (seq > c->done)
		return; /* of a log that isn't there any more */
	if (seq > c->wanted)
		c->wanted = seq;
}

bool work_cursor(struct tappet_plugin *p, const char *verb, json_t *header)
{
	struct cursor *c = find_cursor(p, json_string_value(json_object_get(header, "cursor")));
	json_int_t seq, to;

	if (c == NULL)
		return false;
	if (strcmp(verb, "GAP") == 0) {
		if (json_unpack(header, "{s:I,s:I}", "from", &seq, "to", &to) != 0)
			return false;
		plugin_tell(p, "%s: retention has deleted the events %lld to %lld", c->name,
			    (long long)seq, (long long)to);
		c->sent = to > c->sent ? to : c->sent;
		c->done = to > c->done ? to : c->done;
		if (p->o.calls.gap != NULL)
			p->o.calls.gap(p->o.of, c->name, seq, to);
		return true;
	}
	if (json_unpack(header, "{s:I}", "seq", &seq) != 0)
		return false;
	if (strcmp(verb, "SUBSCRIBED") == 0) {
		if (seq < c->acked) {
			plugin_tell(p, "%s: the engine's log is another one", c->name);
			c->done = c->wanted = -1;
		}
		c->open = true;
		c->sent = c->said = seq;
	}
	c->acked = seq;
	return true;
}

bool work_event(struct tappet_plugin *p, json_t *header, zmq_msg_t *body)
{
	struct cursor *c = find_cursor(p, json_string_value(json_object_get(header, "cursor")));
	json_int_t seq;

	if (c == NULL || body == NULL || json_unpack(header, "{s:I}", "seq", &seq) != 0)
		return false;
	c->sent = seq;
	if (seq <= c->done)
		return true;
	c->done = seq;
	if (p->o.calls.event != NULL)
		p->o.calls.event(p->o.of, &(struct tappet_event){ c->name, seq, zmq_msg_data(body),
								  zmq_msg_size(body) });
	return true;
}

/* ---- Sessions come and go. ---- */

void work_welcome(struct tappet_plugin *p)
{
	work_credit(p, 0);
	for (struct cursor *c = p->cursors; c != NULL; c = c->next)
		session_say(p, "SUBSCRIBE", json_incref(c->header), NULL);
	work_emits(p, plugin_now());
}

void work_over(struct tappet_plugin *p)
{
	p->room = 0;
	for (struct job *j = p->jobs; j != NULL; j = j->next)
		j->job.given_up = true;
	for (struct emit *e = p->emits; e != NULL; e = e->next)
		e->said = false;
	for (struct cursor *c = p->cursors; c != NULL; c = c->next)
		c->open = false;
}

void work_about(struct tappet_plugin *p, json_t *header, const char *code, const char *words)
{
	const char *about = json_string_value(json_object_get(header, "about"));
	json_t *after = json_object_get(header, "after");
	long long again = plugin_now() + (after != NULL ? json_integer_value(after) : 1000);
	bool busy = strcmp(code, "busy") == 0;
	bool emit = json_object_get(header, "emits") != NULL;
	struct emit **at = find_emit(p, emit ? about : NULL); /* names may be the same */
	struct cursor *c = find_cursor(p, emit ? NULL : about);

	more_room(p, header);
	if (*at != NULL && busy) {
		(*at)->said = false;
		(*at)->not_before = again;
	} else if (*at != NULL && strcmp(code, "bad-emit") == 0) {
		end_emit(p, at, &(struct tappet_emitted){ .id = about, .refused = words });
	} else if (c != NULL && busy) {
		c->again = again;
	} else if (strcmp(code, "bad-subscribe") == 0) {
		plugin_tell(p, "refused: %s: %s: %s", code, about != NULL ? about : "", words);
		p->failed = true;
	} else if (strcmp(code, "unknown-job") != 0) { /* of a result that came too late */
		plugin_tell(p, "the engine says %s about %s: %s", code,
			    about != NULL ? about : "it", words);
	}
}

void work_again(struct tappet_plugin *p, long long now)
{
	for (struct cursor *c = p->cursors; c != NULL; c = c->next) {
		if (c->again == 0 || c->again > now)
			continue;
		c->again = 0;
		if (c->open)
			c->said = c->acked < c->said ? c->acked : c->said;
		else
			session_say(p, "SUBSCRIBE", json_incref(c->header), NULL);
	}
	work_emits(p, now);
}

void work_free(struct tappet_plugin *p)
{
	while (p->jobs != NULL)
		free_job(p->jobs);
	while (p->emits != NULL) {
		struct emit *next = p->emits->next;

		free_emit(p->emits);
		p->emits = next;
	}
	while (p->cursors != NULL) {
		struct cursor *next = p->cursors->next;

		free_cursor(p->cursors);
		p->cursors = next;
	}
}
