/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record_runs - what recorded runs sent, and what came back, as tests say it. */
#include "engine/commands/test_record.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/commands/setup.h"

/* One run, with the rule's text it ran under. */
struct reading_run {
	struct recording *r;
	const struct run_view *view;
	const struct rule *rule; /* under its revision; else as it is now */
};

static struct text step_name(const struct step *step)
{
	return step->name.n > 0 ? step->name : text_of(step->what);
}

static const struct step *step_of(const struct reading_run *u, int step)
{
	return step >= 0 && step < u->rule->step_count ? &u->rule->steps[step] : NULL;
}

static bool is_known(const struct recording *r, struct text name)
{
	for (int i = 0; i < r->rule->step_count; i++)
		if (test_step_is(&r->rule->steps[i], name))
			return true;
	return false;
}

/* ---- Replies. ---- */

/* A further attempt of the same step, and item of a list. */
static bool is_last(const struct run_view *view, size_t at)
{
	const struct attempt_record *a = &view->attempts[at];

	for (size_t i = 0; i < view->attempt_count; i++)
		if (view->attempts[i].step == a->step && view->attempts[i].n > a->n &&
		    text_eq(view->attempts[i].key, a->key))
			return false;
	return true;
}

static struct value entry_of(const struct run_view *view, int step)
{
	for (uint32_t i = view->steps.kind == VALUE_LIST ? view->steps.n : 0; i-- > 0;) {
		const struct value *n = value_get(view->steps.items[i], TEXT("i"));

		if (n != NULL && n->kind == VALUE_INT && n->i == step)
			return view->steps.items[i];
	}
	return value_null();
}

static bool body_of(const struct reading_run *u, const struct attempt_record *a, struct value *out)
{
	struct arena *arena = u->r->context->arena;
	struct json_error error;

	return a->reply.n > 0 && a->reply.n < LIMIT_REPLY_KEPT &&
	       json_parse(u->r->parser, arena, a->reply, out, &error) == FATE_OK;
}

/* What became of it. Of an item of a for_each only the reply is left. */
static void put_success(const struct reading_run *u, const struct attempt_record *a,
			struct value_map_builder *b)
{
	const struct step *step = step_of(u, a->step);
	struct value entry = entry_of(u->view, a->step), body;
	const struct value *result = value_get(entry, TEXT("result"));

	if (a->status != 200 && a->status >= 100)
		value_map_set(b, "status", value_int(a->status));
	if (result != NULL)
		value_map_set(b, "result", *result);
	else if (entry.kind == VALUE_NULL && text_is(text_of(step->connector->name), "http") &&
		 body_of(u, a, &body))
		value_map_set(b, "result", body);
}

static void put_failure(const struct reading_run *u, const struct attempt_record *a,
			struct value_map_builder *b)
{
	bool success = a->status >= 200 && a->status < 300;
	bool again = text_is(a->fate, "retry");
	struct value body;

	if (text_is(a->fate, "doubt")) {
		value_map_set(b, "drop", value_bool(true));
		return;
	}
	/* Nothing came back, or what came wasn't what was promised. */
	u->r->unsaid += success || a->status == 0;
	value_map_set(b, "status",
		      value_int(!success && a->status != 0 ? a->status : (again ? 503 : 422)));
	if (body_of(u, a, &body))
		value_map_set(b, "result", body);
}

static bool add_reply(const struct reading_run *u, size_t at)
{
	const struct attempt_record *a = &u->view->attempts[at];
	const struct step *step = step_of(u, a->step);
	bool ok = text_is(a->fate, "ok");
	struct value_map_builder b;

	if (step == NULL || step->action == NULL || step->action->inside ||
	    (ok && !is_last(u->view, at)))
		return true;
	if (!is_known(u->r, step_name(step)))
		return true; /* what is sent then differs, which is told */
	value_map_begin(&b, u->r->context->arena);
	if (ok)
		put_success(u, a, &b);
	else
		put_failure(u, a, &b);
	return recorded_add(u->r, &u->r->replies, step_name(step), value_map_end(&b));
}

/* ---- Requests. ---- */

static bool is_sent(const struct recording *r, const struct recorded_sent *s)
{
	for (size_t i = 0; i < r->sent_count; i++)
		if (r->sent[i].run == s->run && r->sent[i].step == s->step &&
		    text_eq(r->sent[i].key, s->key))
			return true;
	return false;
}

static void add_sent(const struct reading_run *u, const struct attempt_record *a)
{
	const struct step *step = step_of(u, a->step);
	struct recorded_sent s = {
		.started = a->started, .run = u->view->run.id, .step = a->step, .key = a->key
	};

	if (step != NULL)
		s.name = step_name(step);
	if (text_starts(s.name, TEXT("lookup.")) || is_sent(u->r, &s))
		return;
	s.name = text_dup(u->r->context->arena, s.name);
	u->r->sent[u->r->sent_count++] = s;
}

static void note_length(struct recording *r, const struct run_view *view)
{
	int64_t first = INT64_MAX, last = 0;
	bool again = false;

	for (size_t i = 0; i < view->attempt_count; i++) {
		const struct attempt_record *a = &view->attempts[i];

		again = again || text_is(a->fate, "retry") || text_is(a->fate, "doubt");
		first = a->started < first ? a->started : first;
		last = a->ended > last ? a->ended : last;
	}
	if (again && last - first >= r->lasted)
		r->lasted = last - first + 1;
}

static bool read_run(struct recording *r, const struct run_view *view)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(ruleset_free) struct ruleset *old = NULL;
	struct revision_record text;
	struct reading_run u = { .r = r, .view = view, .rule = r->rule };
	bool fine = diags != NULL;

	if (fine &&
	    store_get_revision(r->store, r->context->arena, r->rule->id, view->run.revision, &text))
		old = ruleset_load_revision(r->config, r->rule->id, text.text, diags);
	if (old != NULL && diags_errors(diags) == 0 && ruleset_count(old) > 0)
		u.rule = ruleset_at(old, 0);
	for (size_t i = 0; fine && i < view->attempt_count; i++) {
		add_sent(&u, &view->attempts[i]);
		fine = add_reply(&u, i);
	}
	note_length(r, view);
	return fine;
}

bool test_record_runs(struct recording *r)
{
	size_t attempts = 0;

	assert(r != NULL && r->rule != NULL);
	for (size_t i = 0; i < r->run_count; i++)
		attempts += r->runs[i].attempt_count;
	r->sent = arena_array(r->context->arena, attempts + 1, sizeof(*r->sent));
	if (r->sent == NULL)
		return false;
	for (size_t i = 0; i < r->run_count; i++)
		if (!read_run(r, &r->runs[i]))
			return false;
	return true;
}
