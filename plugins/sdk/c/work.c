/* SPDX-License-Identifier: Apache-2.0
 *
 * work - what lasts from one session to the next: jobs at hand, emits without an answer,
 * and for each cursor
 *
 *   done     the last event that the plugin was given; what comes again isn't given again
 *   wanted   what the plugin has acknowledged
 *   sent     the last event of this session; nothing beyond it may be acknowledged. -1: it
 *            isn't subscribed to
 *   said     what was acknowledged in this session
 *   acked    what is on the engine's disk. When SUBSCRIBED is behind it, the engine's log is
 *            another one, and what was done says nothing about it.
 *
 * What comes changes this alone; work_say says what follows from it. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

enum {
	BODY_MOST = 1048576,
	HEADER_MOST = 16384,
	WORDS_MOST = 1000, /* bytes of what is wrong with a job */
	ITEMS_MOST = 1024, /* of a kind, that wait: four times what an engine takes at once */
};

/* ---- Items. ---- */

/* Where the one with this id is; NULL is there when none has it. A job's id is its key. */
struct item **work_find(struct tappet_plugin *p, int list, const char *id)
{
	static const char *const names[] = { "key", "id", "cursor" };
	struct item **at = &p->lists[list];

	while (*at != NULL &&
	       strcmp(json_string_value(json_object_get((*at)->header, names[list])), id) != 0)
		at = &(*at)->next;
	return at;
}

/* Takes header and body. NULL: memory is out. */
static struct item *add(struct tappet_plugin *p, struct item **at, json_t *header, json_t *body)
{
	struct item *item = malloc(sizeof(*item));

	if (item == NULL) {
		json_decref(header);
		json_decref(body);
		return NULL;
	}
	*item = (struct item){ .plugin = p, .header = header, .body = body };
	item->done = item->wanted = item->sent = item->acked = -1;
	*at = item;
	return item;
}

static void drop(struct item **at)
{
	struct item *item = *at;

	*at = item->next;
	json_decref(item->header);
	json_decref(item->body);
	free(item);
}

unsigned work_count(const struct tappet_plugin *p, int list)
{
	unsigned n = 0;

	for (const struct item *item = p->lists[list]; item != NULL; item = item->next)
		n++;
	return n;
}

/* As it is sent; 0: it can't be. */
static size_t size_of(const json_t *value)
{
	return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* ---- Jobs. ---- */

/* A header has a limit: what is wrong is cut, between characters. */
static void cut_words(json_t *header)
{
	const char *error = json_string_value(json_object_get(header, "error"));
	size_t n = WORDS_MOST;

	if (error == NULL || strlen(error) <= n)
		return;
	while (n > 0 && ((unsigned char)error[n] & 0xc0) == 0x80)
		n--;
	(void)json_object_set_new(header, "error", json_stringn(error, n));
}

static void say_result(struct item *item, const char *fate, json_t *header, json_t *value)
{
	cut_words(header);
	(void)json_object_set_new(header, "id", json_string(item->job.said.id));
	(void)json_object_set_new(header, "fate", json_string(fate));
	if (item->plugin->stop_at == 0)
		(void)json_object_set_new(header, "jobs", json_integer(1));
	plugin_say(item->plugin, "RESULT", json_incref(header), json_incref(value));
}

void tappet_job_end(struct tappet_job *job, const char *fate, json_t *more, json_t *value)
{
	struct item *item = (struct item *)job;
	json_t *header = more != NULL ? more : json_object();
	size_t size = value != NULL ? size_of(value) : 1;

	assert(job != NULL && fate != NULL);
	if (size == 0 || size > BODY_MOST) {
		json_decref(value);
		value = NULL;
		fate = "doubt";
		(void)json_object_set_new(
		    header, "error",
		    json_string("the result can't be sent, or has more than 1 MiB"));
	}
	if (job->given_up)
		item->plugin->owed++;
	else
		say_result(item, fate, header, value);
	json_decref(header);
	json_decref(value);
	drop(work_find(item->plugin, JOBS, job->said.key));
}

void tappet_job_progress(struct tappet_job *job)
{
	assert(job != NULL);
	if (!job->given_up)
		plugin_say(((struct item *)job)->plugin, "PROGRESS",
			   json_pack("{s:s}", "id", job->said.id), NULL);
}

static void refuse_job(struct tappet_job *job, const char *fate, const char *error)
{
	tappet_job_end(job, fate, json_pack("{s:s}", "error", error), NULL);
}

static void run_job(struct tappet_plugin *p, struct tappet_job *job)
{
	const struct tappet_action *a = p->o.actions;

	while (a != NULL && a->name != NULL && strcmp(a->name, job->said.action) != 0)
		a++;
	if (p->stop_at > 0)
		refuse_job(job, "retry", "the plugin stops");
	else if (a == NULL || a->name == NULL)
		refuse_job(job, "reject", "there is no such action");
	else
		a->run(p->o.of, job);
}

void work_job(struct tappet_plugin *p, const struct tappet_message *m)
{
	struct item **at = work_find(p, JOBS, m->key), *item = *at;
	struct tappet_message said = *m;
	json_t *params;

	said.body = NULL; /* it lasts for the call only */
	said.size = 0;
	if (item != NULL) { /* another attempt at what is still at work */
		json_decref(item->header);
		item->header = json_incref(m->header);
		item->job.said = said;
		item->job.given_up = false;
		p->owed++;
		return;
	}
	params = json_loadb(m->body, m->size, JSON_ALLOW_NUL, NULL);
	item = add(p, at, json_incref(m->header), params != NULL ? params : json_object());
	if (item == NULL) {
		p->state = FAILED;
		return;
	}
	item->job = (struct tappet_job){ .said = said, .params = item->body };
	run_job(p, &item->job);
}

void work_cancel(struct tappet_plugin *p, const struct tappet_message *m)
{
	struct item *item = p->lists[JOBS];

	while (item != NULL && (item->job.given_up || strcmp(item->job.said.id, m->id) != 0))
		item = item->next;
	if (item == NULL)
		return;
	item->job.given_up = true;
	if (p->o.cancelled != NULL)
		p->o.cancelled(p->o.of, &item->job);
}

/* ---- Emits and subscriptions. ---- */

/* Unless it is there already. Takes header and body. False, and errno. */
static bool keep(struct tappet_plugin *p, int list, const char *id, json_t *header, json_t *body)
{
	struct item **at = id != NULL ? work_find(p, list, id) : NULL;

	errno = 0;
	if (id == NULL || size_of(body) == 0)
		errno = EINVAL;
	else if (size_of(header) > HEADER_MOST || size_of(body) > BODY_MOST)
		errno = EMSGSIZE;
	else if (work_count(p, list) >= ITEMS_MOST)
		errno = EAGAIN;
	else if (*at == NULL)
		return add(p, at, header, body) != NULL;
	json_decref(header);
	json_decref(body);
	return errno == 0;
}

bool tappet_emit(struct tappet_plugin *p, json_t *header, json_t *data)
{
	return keep(p, EMITS, json_string_value(json_object_get(header, "id")), header, data);
}

bool tappet_subscribe(struct tappet_plugin *p, json_t *header)
{
	return keep(p, CURSORS, json_string_value(json_object_get(header, "cursor")), header,
		    json_null());
}

void work_emitted(struct tappet_plugin *p, const struct tappet_message *m)
{
	struct item **at = work_find(p, EMITS, m->id);

	p->room += m->emits;
	if (*at == NULL)
		return;
	drop(at);
	if (p->o.emitted != NULL)
		p->o.emitted(p->o.of, m);
}

void tappet_ack(struct tappet_plugin *p, const char *cursor, json_int_t seq)
{
	struct item *c = *work_find(p, CURSORS, cursor);

	assert(c != NULL);
	if (seq <= c->done && seq > c->wanted) /* else it is of a log that isn't there any more */
		c->wanted = seq;
}

void work_subscribed(struct tappet_plugin *p, const struct tappet_message *m)
{
	struct item *c = *work_find(p, CURSORS, m->cursor);

	if (m->seq < c->acked) {
		(void)fprintf(stderr, "%s: the engine's log is another one\n", m->cursor);
		c->done = c->wanted = -1;
	}
	c->sent = c->said = c->acked = m->seq;
	c->due = 0;
}

void work_acked(struct tappet_plugin *p, const struct tappet_message *m)
{
	(*work_find(p, CURSORS, m->cursor))->acked = m->seq;
}

/* False: what is up to seq was given before. */
static bool goes_on(struct tappet_plugin *p, const char *cursor, json_int_t seq)
{
	struct item *c = *work_find(p, CURSORS, cursor);
	bool is_new = seq > c->done;

	c->sent = seq;
	if (is_new)
		c->done = seq;
	return is_new;
}

void work_event(struct tappet_plugin *p, const struct tappet_message *m)
{
	if (goes_on(p, m->cursor, m->seq) && p->o.event != NULL)
		p->o.event(p->o.of, m);
}

void work_gap(struct tappet_plugin *p, const struct tappet_message *m)
{
	(void)fprintf(stderr, "%s: retention has deleted the events %lld to %lld\n", m->cursor,
		      m->from, m->to);
	(void)goes_on(p, m->cursor, m->to);
	if (p->o.gap != NULL)
		p->o.gap(p->o.of, m);
}

void work_error(struct tappet_plugin *p, const struct tappet_message *m)
{
	/* An emit and a cursor may have the same name. */
	bool emit = json_object_get(m->header, "emits") != NULL;
	struct item *item = *work_find(p, emit ? EMITS : CURSORS, m->id);

	if (emit && strcmp(m->code, "bad-emit") == 0) {
		work_emitted(p, m);
		return;
	}
	p->room += m->emits;
	if (item != NULL && strcmp(m->code, "busy") == 0) {
		item->said = item->acked;
		item->due = plugin_now() + m->after;
	} else if (strcmp(m->code, "unknown-job") != 0) { /* of a result that came too late */
		(void)fprintf(stderr, "the engine says %s about %s: %s\n", m->code, m->id,
			      m->message);
	}
	if (strcmp(m->code, "bad-subscribe") == 0)
		p->state = FAILED;
}

/* ---- All of them. ---- */

static void say_emit(struct tappet_plugin *p, struct item *e)
{
	if (p->room <= 0)
		return;
	p->room--;
	e->due = NEVER;
	plugin_say(p, "EMIT", json_incref(e->header), json_incref(e->body));
}

static void say_cursor(struct tappet_plugin *p, struct item *c)
{
	json_int_t seq = c->wanted < c->sent ? c->wanted : c->sent;
	json_t *cursor = json_object_get(c->header, "cursor");

	if (c->sent < 0) {
		c->due = NEVER;
		plugin_say(p, "SUBSCRIBE", json_incref(c->header), NULL);
	} else if (seq > c->said) {
		c->said = seq;
		plugin_say(p, "ACK", json_pack("{s:O,s:I}", "cursor", cursor, "seq", seq), NULL);
	}
}

json_int_t work_say(struct tappet_plugin *p, json_int_t now)
{
	json_int_t next = NEVER;

	if (!p->in_session)
		return next;
	if (p->owed > 0 && p->stop_at == 0) {
		plugin_say(p, "CREDIT", json_pack("{s:I}", "jobs", p->owed), NULL);
		p->owed = 0;
	}
	for (int list = EMITS; list <= CURSORS; list++)
		for (struct item *item = p->lists[list]; item != NULL; item = item->next) {
			if (item->due > now)
				next = item->due < next ? item->due : next;
			else if (list == EMITS)
				say_emit(p, item);
			else
				say_cursor(p, item);
		}
	return next;
}

void work_over(struct tappet_plugin *p)
{
	p->room = 0;
	for (int list = JOBS; list <= CURSORS; list++)
		for (struct item *item = p->lists[list]; item != NULL; item = item->next) {
			item->job.given_up = true;
			item->due = 0;
			item->sent = -1;
		}
}

void work_free(struct tappet_plugin *p)
{
	for (int list = JOBS; list <= CURSORS; list++)
		while (p->lists[list] != NULL)
			drop(&p->lists[list]);
}
