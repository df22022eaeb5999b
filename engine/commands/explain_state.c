/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_state - what the store adds to a rule's own words: the run it made, the
 * throttle, the revision it was at; and the verdict over it all.
 *
 * A run that was suppressed doesn't name the one that spent the throttle. That is
 * the last run of this rule and key before it that was not suppressed itself. */
#include "engine/commands/explain.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/diag.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/sequencer/pause.h"

#define REVISIONS 4    /* told in a message: enough to pick from */
#define RUNS_SEEN 1000 /* looked at for it */
#define WHY       2000 /* bytes of the sentence: reasons are shortened to a few hundred */

DEFINE_AUTO(ruleset_free, struct ruleset *)
DEFINE_AUTO(diags_free, struct diags *)
DEFINE_AUTO(json_parser_free, struct json_parser *)

/* ---- Runs. ---- */

static struct run_record run_copy(struct arena *arena, const struct run_record *run)
{
	struct run_record copy = *run;

	copy.rule = text_dup(arena, run->rule);
	copy.revision = text_dup(arena, run->revision);
	copy.key = text_dup(arena, run->key);
	copy.reason = text_dup(arena, run->reason);
	copy.steps = text_dup(arena, run->steps);
	return copy;
}

struct run_search {
	struct arena *arena;
	bool (*wanted)(const struct run_search *search, const struct run_record *run);
	int64_t before; /* id, or ms */
	struct text key;
	bool shadow;
	bool found;
	struct run_record run;
};

static bool visit_run(void *of, const struct run_record *run)
{
	struct run_search *search = of;

	if (search->wanted != NULL && !search->wanted(search, run))
		return true;
	search->run = run_copy(search->arena, run);
	search->found = true;
	return false;
}

bool explain_find_run(struct store *store, struct arena *arena, struct text rule,
		      struct explain_view *view)
{
	const struct run_query query = { .event = view->event.seq,
					 .rule = rule,
					 .newest_first = true };
	struct run_search search = { .arena = arena };

	assert(store != NULL && view->event.seq > 0);
	if (store_query_runs(store, &query, visit_run, &search) != FATE_OK)
		return false;
	view->has_run = search.found;
	view->run = search.run;
	return true;
}

static bool is_suppressed(const struct run_record *run)
{
	return run->state == RUN_SKIPPED && !text_is(run->reason, "shadow") &&
	       !text_starts(run->reason, TEXT("dropped "));
}

/* Live runs and those in shadow have throttles of their own. */
static bool spent_it(const struct run_search *search, const struct run_record *run)
{
	bool shadow = run->state == RUN_SKIPPED && text_is(run->reason, "shadow");

	return run->id < search->before && text_eq(run->key, search->key) && !is_suppressed(run) &&
	       shadow == search->shadow;
}

static bool came_before(const struct run_search *search, const struct run_record *run)
{
	return run->created < search->before;
}

/* ---- Revisions. ---- */

struct revisions {
	struct arena *arena;
	struct text items[REVISIONS];
	size_t count;
};

static bool visit_revision(void *of, const struct run_record *run)
{
	struct revisions *r = of;

	for (size_t i = 0; i < r->count; i++)
		if (text_eq(r->items[i], run->revision))
			return true;
	r->items[r->count++] = text_dup(r->arena, run->revision);
	return r->count < REVISIONS;
}

struct text explain_revisions(struct store *store, struct arena *arena, struct text rule)
{
	const struct run_query query = { .rule = rule, .newest_first = true, .limit = RUNS_SEEN };
	struct revisions r = { .arena = arena };
	struct text all = TEXT_NONE;

	assert(store != NULL && arena != NULL);
	if (store_query_runs(store, &query, visit_revision, &r) != FATE_OK)
		return all;
	for (size_t i = 0; i < r.count; i++)
		all = text_printf(arena, "%.*s%s%.*s", TEXT_ARG(all), i > 0 ? ", " : "",
				  TEXT_ARG(r.items[i]));
	return all;
}

/* The throttle's length under the revision that a run was of; 0: unknown. */
static int64_t throttle_of(struct store *store, struct arena *arena, const struct config *config,
			   const struct explain_view *view, const struct run_record *run)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	AUTO(ruleset_free) struct ruleset *set = NULL;
	struct revision_record record;

	if (text_eq(run->revision, view->rule->revision))
		return view->rule->throttle;
	if (diags == NULL || !store_get_revision(store, arena, run->rule, run->revision, &record))
		return 0;
	set = ruleset_load_revision(config, run->rule, record.text, diags);
	return set != NULL ? ruleset_at(set, 0)->throttle : 0;
}

/* ---- The throttle. ---- */

/* What the throttle's state says now. */
static bool read_state(struct store *store, struct arena *arena, const struct explain_view *view,
		       int64_t *until, int64_t *run)
{
	bool shadow = view->rule->mode == MODE_SHADOW;
	struct text what = shadow ? TEXT("throttle.shadow") : TEXT("throttle");
	struct text state, head, rest;

	*until = *run = 0;
	if (!store_get_state(store, arena, view->rule->id, what, view->throttle.key, &state))
		return false;
	rest = text_split(state, ' ', &head);
	return text_to_int(head, until) && text_to_int(rest, run);
}

static void name_event(struct store *store, struct arena *arena, struct explain_throttle *t)
{
	struct event_record event;
	struct run_record run;

	if (store_get_run(store, arena, t->run, &run) &&
	    store_get_event(store, arena, run.event, &event))
		t->event = event.id;
}

/* The run at hand was suppressed: by which one, and until when? */
static bool find_spender(struct store *store, struct arena *arena, const struct config *config,
			 struct explain_view *view)
{
	const struct run_query query = { .rule = view->rule->id, .newest_first = true };
	struct run_search search = { .arena = arena,
				     .wanted = spent_it,
				     .before = view->run.id,
				     .key = view->run.key,
				     .shadow = view->rule->mode == MODE_SHADOW };
	struct explain_throttle *t = &view->throttle;
	int64_t until, run, every;

	t->told = THROTTLE_CLOSED;
	if (store_query_runs(store, &query, visit_run, &search) != FATE_OK)
		return false;
	if (!search.found)
		return true;
	t->run = search.run.id;
	name_event(store, arena, t);
	every = throttle_of(store, arena, config, view, &search.run);
	if (every > 0)
		t->until = search.run.created + every;
	if (read_state(store, arena, view, &until, &run) && run == t->run)
		t->until = until;
	return true;
}

/* The run at hand spent it. */
static void tell_spent(struct store *store, struct arena *arena, struct explain_view *view)
{
	struct explain_throttle *t = &view->throttle;
	int64_t until, run;
	bool state = read_state(store, arena, view, &until, &run);

	t->told = THROTTLE_SPENT;
	t->run = view->run.id;
	t->until = view->run.created + view->rule->throttle;
	if (state && run == t->run)
		t->until = until;
	else if (!state && view->run.state == RUN_DEAD)
		t->told = THROTTLE_RETURNED;
}

/* Nothing was recorded: how it stands now. */
static void tell_now(struct store *store, struct arena *arena, int64_t now,
		     struct explain_view *view)
{
	struct explain_throttle *t = &view->throttle;
	int64_t until, run;

	t->told = THROTTLE_FREE;
	if (store == NULL || !read_state(store, arena, view, &until, &run) || until <= now)
		return;
	t->told = THROTTLE_CLOSED;
	t->until = until;
	t->run = run;
	name_event(store, arena, t);
}

/* The run of a rule with look-ups did not come to what follows them. */
static bool is_undecided(const struct explain_view *view)
{
	return view->same && view->rule->lookup_first >= 0 &&
	       (view->lookups.told != LOOKUPS_MADE || view->told.decision.verdict != VERDICT_YES);
}

static bool judge_throttle(struct store *store, struct arena *arena, const struct config *config,
			   int64_t now, struct explain_view *view)
{
	struct explain_throttle *t = &view->throttle;
	bool fires = view->told.decision.verdict == VERDICT_YES && view->rule->mode != MODE_OFF;
	bool cleared = view->same && view->rule->edge != EDGE_NONE &&
		       view->told.decision.verdict != VERDICT_YES;

	*t = (struct explain_throttle){ .told = THROTTLE_NONE };
	if (view->rule->throttle == 0)
		return true;
	t->told = THROTTLE_UNREACHED;
	t->key = view->same ? view->run.key : rule_key_bounded(arena, view->told.decision.key);
	if (cleared || is_undecided(view))
		return true;
	if (view->same && text_is(view->run.reason, "throttled"))
		return find_spender(store, arena, config, view);
	if (view->same && !is_suppressed(&view->run))
		tell_spent(store, arena, view);
	else if (!view->same && fires)
		tell_now(store, arena, now, view);
	return true;
}

/* ---- Echoes. ---- */

/* Noted when the event came and the rule left it alone (sequencer/guard.c). */
static void find_echo(struct store *store, struct arena *arena, struct explain_view *view)
{
	struct text state;

	view->echo = 0;
	if (store == NULL || view->has_run || view->event.seq == 0 ||
	    !store_get_state(
		store, arena, text_printf(arena, "echo:%.*s", TEXT_ARG(view->rule->id)),
		TEXT("echo"), text_printf(arena, "%lld", (long long)view->event.seq), &state))
		return;
	(void)text_to_int(state, &view->echo);
}

/* ---- The verdict. ---- */

static void settle(struct explain_view *view, struct arena *arena, const char *verdict,
		   const char *part, const char *format, ...) __attribute__((format(printf, 5, 6)));

static void settle(struct explain_view *view, struct arena *arena, const char *verdict,
		   const char *part, const char *format, ...)
{
	char room[WHY];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(room, sizeof(room), format, args);
	va_end(args);
	view->verdict = verdict;
	view->part = part;
	view->why = text_dup(arena, text_of(room));
}

static const char *run_words(struct arena *arena, const struct run_record *run)
{
	struct text words = text_printf(arena, "run %lld is %s%s%.*s%s", (long long)run->id,
					run_state_word(run->state), run->reason.n > 0 ? " (" : "",
					TEXT_ARG(run->reason), run->reason.n > 0 ? ")" : "");

	return words.s != NULL ? words.s : "";
}

static const char *time_words(int64_t ms, char room[TIMETEXT_MAX])
{
	timetext_format_ms(ms, room);
	return room;
}

static void judge_throttled(struct explain_view *view, struct arena *arena, const char *verb)
{
	const struct explain_throttle *t = &view->throttle;
	char when[TIMETEXT_MAX], until[TIMETEXT_MAX + 8] = "", by[48] = "";

	if (t->until > 0)
		(void)snprintf(until, sizeof(until), " until %s", time_words(t->until, when));
	if (t->run > 0)
		(void)snprintf(by, sizeof(by), " by run %lld", (long long)t->run);
	settle(view, arena, "throttled", "throttle", "%s: it matched and was throttled%s%s", verb,
	       until, by);
}

/* True after settling what look-ups settle. */
static bool judge_lookups(struct explain_view *view, struct arena *arena)
{
	const char *words = run_words(arena, &view->run);
	bool blind = text_starts(view->run.reason, TEXT("when can't"));

	if (view->lookups.told == LOOKUPS_FAILED)
		settle(view, arena, "lookup", "lookup", "did not fire, for a look-up failed: %s",
		       words);
	else if (view->lookups.told == LOOKUPS_OPEN)
		settle(view, arena, "lookup", "lookup",
		       "not decided, for its look-ups are under way: %s", words);
	else if (view->run.state == RUN_SKIPPED && text_starts(view->run.reason, TEXT("when ")))
		settle(view, arena, blind ? "blind" : "no", "when", "did not fire: %.*s",
		       TEXT_ARG(view->told.because.n > 0 ? view->told.because : view->run.reason));
	else
		return false;
	return true;
}

/* The run that was recorded is of the revision at hand. */
static void judge_run(struct explain_view *view, struct arena *arena)
{
	const struct run_record *run = &view->run;

	if (view->rule->lookup_first >= 0 && judge_lookups(view, arena))
		return;

	if (view->edge.told == EDGE_TOLD_CLEARED)
		settle(view, arena, "cleared", "edge", "it turned false, and cleared: %s",
		       run_words(arena, run));
	else if (view->edge.told == EDGE_TOLD_ARMED || view->edge.told == EDGE_TOLD_ACTIVE ||
		 view->edge.told == EDGE_TOLD_LATER)
		settle(view, arena, "active", "edge", "did not fire: %s", run_words(arena, run));
	else if (run->state != RUN_SKIPPED || run->reason.n == 0)
		settle(view, arena, "fired", "", "fired: %s", run_words(arena, run));
	else if (text_is(run->reason, "echo"))
		settle(view, arena, "echo", "echo",
		       "did not fire, for the event is its own doing: %s", run_words(arena, run));
	else if (text_is(run->reason, "throttled"))
		judge_throttled(view, arena, "did not fire");
	else if (text_is(run->reason, "shadow"))
		settle(view, arena, "shadow", "mode",
		       "matched in shadow: run %lld is recorded and nothing was sent",
		       (long long)run->id);
	else if (text_starts(run->reason, TEXT("paused ")))
		settle(view, arena, "paused", "",
		       "did not fire: it matched while the rule was %.*s", TEXT_ARG(run->reason));
	else if (text_is(run->reason, "loop"))
		settle(view, arena, "loop", "",
		       "did not fire: the event is %d actions deep in a chain of events that "
		       "actions caused; %d is the limit",
		       view->event.depth, LIMIT_DEPTH);
	else if (view->edge.told == EDGE_TOLD_UNREACHED)
		settle(view, arena, "no", "edge", "did not fire: %s", run_words(arena, run));
	else
		settle(view, arena, "fired", "", "fired: %s", run_words(arena, run));
}

static void judge_rule(struct explain_view *view, struct arena *arena)
{
	const struct decision *d = &view->told.decision;
	bool past = view->received > 0 && !view->has_run;
	const char *no = past ? "did not fire" : "would not fire";
	struct text because = view->told.because;

	if (view->rule->mode == MODE_OFF)
		settle(view, arena, "off", "mode", "%s: its mode is off", no);
	else if (d->verdict != VERDICT_YES)
		settle(view, arena, d->verdict == VERDICT_BLIND ? "blind" : "no", d->part,
		       "%s: %.*s", no, TEXT_ARG(because));
	else if (view->lookups.told == LOOKUPS_UNMADE)
		settle(view, arena, "would_fire", "lookup",
		       "would make its look-ups, and decide then%s",
		       past ? "; when it came, no run was recorded" : "");
	else if (view->echo > 0)
		settle(view, arena, "echo", "echo",
		       "did not fire: the event is its own doing, run %lld wrote all that changed",
		       (long long)view->echo);
	else if (view->edge.told == EDGE_TOLD_ACTIVE || view->edge.told == EDGE_TOLD_ARMED)
		settle(view, arena, "active", "edge", "%s: %.*s", no,
		       TEXT_ARG(explain_edge_words(arena, &view->edge)));
	else if (view->throttle.told == THROTTLE_CLOSED)
		settle(view, arena, "would_fire", "throttle",
		       "would fire, but for the throttle, which is spent now%s",
		       past ? "; when it came, no run was recorded" : "");
	else
		settle(view, arena, "would_fire", "", "would fire%s%s",
		       view->rule->mode == MODE_SHADOW ? " in shadow" : "",
		       past ? " now; when it came, no run was recorded" : "");
}

/* ---- Notes. ---- */

static void note(struct explain_view *view, struct text text)
{
	assert(view->note_count < EXPLAIN_NOTES);
	if (text.n > 0)
		view->notes[view->note_count++] = text;
}

static void note_revision(struct explain_view *view, struct arena *arena)
{
	if (view->has_run && !view->same)
		note(view, text_printf(arena, "when it came, the rule was at revision %.*s: %s",
				       TEXT_ARG(view->run.revision), run_words(arena, &view->run)));
	if (view->today.n == 0)
		note(view, TEXT("the rule is not configured any more"));
	else if (!text_eq(view->today, view->rule->revision))
		note(view, text_printf(arena, "the configured rule is at revision %.*s now",
				       TEXT_ARG(view->today)));
}

/* It would fire and there is no run: what is known of the rule in those days. */
static bool note_then(struct store *store, struct arena *arena, struct explain_view *view)
{
	const struct run_query query = { .rule = view->rule->id, .newest_first = true };
	struct run_search search = { .arena = arena,
				     .wanted = came_before,
				     .before = view->received };

	if (store_query_runs(store, &query, visit_run, &search) != FATE_OK)
		return false;
	if (!search.found)
		note(view, TEXT("no run of this rule is older than the event: it may not have been "
				"loaded then, or was off"));
	else if (!text_eq(search.run.revision, view->rule->revision))
		note(view, text_printf(arena,
				       "the last run before the event, %lld, was of revision %.*s: "
				       "--revision %.*s explains that",
				       (long long)search.run.id, TEXT_ARG(search.run.revision),
				       TEXT_ARG(search.run.revision)));
	else
		note(view, TEXT("the rule may have been off or missing when it came"));
	return true;
}

/* The rule fired, and by what is read now it would not have. */
static void note_doubt(struct explain_view *view, struct arena *arena)
{
	if (view->same && view->told.decision.verdict != VERDICT_YES &&
	    view->edge.told != EDGE_TOLD_CLEARED && view->run.state != RUN_SKIPPED &&
	    view->lookups.told != LOOKUPS_OPEN)
		note(view, text_printf(arena, "evaluated now it would not fire: %.*s",
				       TEXT_ARG(view->told.because)));
}

struct blind_search {
	struct text rule;
	int64_t seq;
	int64_t time;
};

static bool visit_blind(void *of, const struct event_record *event)
{
	struct blind_search *search = of;

	if (!text_eq(event->subject, search->rule))
		return true;
	search->seq = event->seq;
	search->time = event->time;
	return false;
}

static bool note_blind(struct store *store, struct arena *arena, struct explain_view *view)
{
	const struct event_query query = { .type = TEXT("tappet.rule.blind"),
					   .newest_first = true };
	struct blind_search search = { .rule = view->rule->id };
	char when[TIMETEXT_MAX];

	if (store_query_events(store, &query, visit_blind, &search) != FATE_OK)
		return false;
	if (search.seq > 0)
		note(view, text_printf(arena,
				       "the rule could not be evaluated on most of its events: "
				       "tappet.rule.blind at %s",
				       time_words(search.time, when)));
	return true;
}

struct pause_search {
	struct arena *arena;
	struct json_parser *parser;
	struct text rule;
	struct text words;
};

static bool visit_pause(void *of, struct text none, struct text key, struct text json)
{
	struct pause_search *search = of;
	struct pause_row row;

	(void)none;
	if (pause_read(search->parser, search->arena, key, json, &row) &&
	    text_is(row.kind, "rule") && text_eq(row.name, search->rule))
		search->words = pause_words(search->arena, &row);
	return search->words.n == 0;
}

/* How it stands today. */
static void note_pause(struct store *store, struct arena *arena, struct explain_view *view)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct pause_search search = { arena, parser, view->rule->id, TEXT_NONE };

	if (parser == NULL)
		return;
	store_each_state(store, TEXT(PAUSE_STATE), visit_pause, &search);
	if (search.words.n > 0)
		note(view, text_printf(arena, "the rule is %.*s", TEXT_ARG(search.words)));
}

bool explain_judge(struct store *store, struct arena *arena, const struct config *config,
		   int64_t now, struct explain_view *view)
{
	assert(arena != NULL && config != NULL && view != NULL && view->rule != NULL);
	assert(store != NULL || !view->has_run);
	if (!judge_throttle(store, arena, config, now, view))
		return false;
	explain_edge(store, arena, view);
	find_echo(store, arena, view);
	if (view->same)
		judge_run(view, arena);
	else
		judge_rule(view, arena);
	note_revision(view, arena);
	note_doubt(view, arena);
	if (store != NULL)
		note_pause(store, arena, view);
	if (store != NULL && strcmp(view->verdict, "would_fire") == 0 && view->received > 0 &&
	    !view->has_run && !note_then(store, arena, view))
		return false;
	if (store != NULL && strcmp(view->verdict, "blind") == 0 && !note_blind(store, arena, view))
		return false;
	return !arena_failed(arena);
}
