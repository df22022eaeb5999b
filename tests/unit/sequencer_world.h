/* SPDX-License-Identifier: Apache-2.0
 *
 * sequencer_world - a sequencer with a clock turned by hand, a store in memory,
 * and a target that answers as the test says.
 *
 * Ownership: world_fini frees all. */
#ifndef TAPPET_TESTS_SEQUENCER_WORLD_H
#define TAPPET_TESTS_SEQUENCER_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/sequencer/sequencer.h"

/* Whether a batch can be made to fail: with -Dfaults=true. */
#ifdef TAPPET_FAULTS
#define HAVE_FAULTS 1
#else
#define HAVE_FAULTS 0
#endif

struct world {
	char folder[64];
	char store_name[96];
	struct config *config;
	struct ruleset *rules;
	struct store *store;
	struct sequencer *sequencer;
	struct instant now;
	struct outputs out;
	struct queue_item *inputs, **end;
};

static inline void world_write(const struct world *w, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void world_diags(struct diags *diags)
{
	struct buf text;

	buf_init(&text, 1u << 20);
	diags_print(diags, &text, false);
	if (diags_errors(diags) > 0)
		ck_abort_msg("%s", buf_cstr(&text));
	buf_fini(&text);
}

static inline void world_load(struct world *w, const char *config, const char *rules)
{
	struct diags *diags = diags_new();
	char path[128];

	world_write(w, "tappet.yaml", config);
	world_write(w, "rules.yaml", rules);
	(void)snprintf(path, sizeof(path), "%s/tappet.yaml", w->folder);
	w->config = config_load(path, CONFIG_SECRETS_NEEDED, diags);
	if (w->config != NULL)
		w->rules = ruleset_load(w->config, w->config->rule_paths,
					w->config->rule_path_count, diags);
	world_diags(diags);
	diags_free(diags);
	ck_assert_ptr_nonnull(w->rules);
}

/* One batch with what was pushed since the last. */
static inline enum fate world_batch(struct world *w)
{
	struct queue_item *inputs = w->inputs;

	w->inputs = NULL;
	w->end = &w->inputs;
	return sequencer_batch(w->sequencer, inputs, w->now, &w->out);
}

/* One batch that can't be committed. */
static inline void world_fails(struct world *w)
{
	fault_arm("store.commit", 1, false);
	ck_assert_int_eq(world_batch(w), FATE_RETRY);
	ck_assert(fault_disarm());
}

static inline void world_open(struct world *w)
{
	static const struct sequencer_options options = { .polls = true,
							  .schedules = true,
							  .keep_params = true };

	ck_assert_int_eq(
	    sequencer_new(w->store, w->config, w->rules, &options, w->now, &w->sequencer), FATE_OK);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static inline void world_init(struct world *w, const char *config, const char *rules)
{
	struct store_error error;

	*w = (struct world){ .now = { .wall = 1795309825000, .mono = 5000 } };
	w->end = &w->inputs;
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/tappet-world-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->folder));
	world_load(w, config, rules);
	(void)snprintf(w->store_name, sizeof(w->store_name), "memory:");
	ck_assert_int_eq(store_open(w->store_name, &w->store, &error), FATE_OK);
	world_open(w);
}

static inline void world_remove(const struct world *w, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	(void)unlink(path);
}

static inline void world_fini(struct world *w)
{
	sequencer_free(w->sequencer);
	store_close(w->store);
	ruleset_free(w->rules);
	config_free(w->config);
	world_remove(w, "tappet.yaml");
	world_remove(w, "rules.yaml");
	(void)rmdir(w->folder);
}

/* The process dies and starts again on the same store. */
static inline void world_crash(struct world *w)
{
	sequencer_free(w->sequencer);
	world_open(w);
}

static inline void world_push(struct world *w, const struct input *input)
{
	struct input *copy = input_new(input);

	ck_assert_ptr_nonnull(copy);
	*w->end = &copy->item;
	w->end = &copy->item.next;
}

static inline void world_hook(struct world *w, const char *hook, const char *id, const char *body)
{
	const struct input input = {
		.kind = INPUT_HOOK,
		.hook = { .ticket = 7,
			  .hook = text_of(hook),
			  .body = text_of(body),
			  .sender_id = text_of(id) },
	};

	world_push(w, &input);
}

/* Somebody changes an object, in a batch of its own. Its connection has its product's name. */
static inline void world_change(struct world *w, const char *type, const char *subject,
				const char *before, const char *data)
{
	struct input input = {
		.kind = INPUT_EVENT,
		.event = { .type = text_of(type),
			   .source = TEXT("test"),
			   .subject = text_of(subject),
			   .time = INT64_MIN,
			   .data = text_of(data),
			   .before = text_of(before) },
	};

	(void)text_split(input.event.type, '.', &input.event.connection);
	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

/* Everything the batch wanted gets credit. */
static inline void world_grant(struct world *w, unsigned credits)
{
	size_t n = w->out.target_count;

	for (size_t i = 0; i < n; i++) {
		const struct input input = {
			.kind = INPUT_GRANT,
			.grant = { .target = w->out.targets[i], .credits = credits },
		};

		world_push(w, &input);
	}
	if (n > 0)
		ck_assert_int_eq(world_batch(w), FATE_OK);
}

/* How an attempt ended, for the next batch. `a` may be a copy kept from an earlier one. */
static inline void world_reply(struct world *w, const struct attempt_out *a, int status,
			       const char *body)
{
	const struct input input = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = a->run,
			     .step = a->step,
			     .attempt = a->attempt,
			     /* A copy's texts are gone by now. */
			     .target = text_of("http://127.0.0.1:1"),
			     .credits = 1,
			     .ending = { .how = status != 0 ? END_REPLIED : END_NO_REPLY,
					 .sent = true,
					 .status = status,
					 .body = text_of(body),
					 .content_type = TEXT("application/json"),
					 .error = TEXT("the connection was reset"),
					 .retry_after = -1,
					 .started = w->now.wall,
					 .ended = w->now.wall } },
	};

	world_push(w, &input);
}

/* How the one fetch that is out ended, for the next batch; status 0: without a reply. */
static inline void world_fetched(struct world *w, int status, struct text body)
{
	ck_assert_uint_eq(w->out.fetch_count, 1);
	const struct input input = {
		.kind = INPUT_FETCHED,
		.fetched = { .source = w->out.fetches[0].source,
			     .fetch = w->out.fetches[0].fetch,
			     .ending = { .how = status != 0 ? END_REPLIED : END_NO_REPLY,
					 .sent = true,
					 .status = status,
					 .body = body,
					 .content_type = TEXT("application/json"),
					 .error = TEXT("the connection was reset"),
					 .retry_after = -1 } },
	};

	world_push(w, &input);
}

/* Answers attempt number `i` of the last batch, in a batch of its own. */
static inline void world_answer(struct world *w, size_t i, int status, const char *body)
{
	ck_assert_uint_lt(i, w->out.attempt_count);
	const struct attempt_out *a = &w->out.attempts[i];
	const struct input input = {
		.kind = INPUT_OUTCOME,
		.outcome = { .run = a->run,
			     .step = a->step,
			     .attempt = a->attempt,
			     .target = a->target,
			     .credits = 1,
			     .ending = { .how = status != 0 ? END_REPLIED : END_NO_REPLY,
					 .sent = true,
					 .status = status,
					 .body = text_of(body),
					 .content_type = TEXT("application/json"),
					 .error = TEXT("the connection was reset"),
					 .retry_after = -1,
					 .started = w->now.wall,
					 .ended = w->now.wall } },
	};

	world_push(w, &input);
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

/* Answers 200 to all that is sent, until nothing is. */
static inline void world_settle(struct world *w)
{
	for (int round = 0; w->out.attempt_count > 0; round++) {
		ck_assert_int_lt(round, 1000);
		for (size_t i = 0; i < w->out.attempt_count; i++)
			world_reply(w, &w->out.attempts[i], 200, "{}");
		ck_assert_int_eq(world_batch(w), FATE_OK);
	}
}

/* New files; they take effect in the next batch. */
static inline void world_reload(struct world *w, const char *config, const char *rules)
{
	const struct input input = { .kind = INPUT_RELOAD };
	struct input *copy = input_new(&input);

	ck_assert_ptr_nonnull(copy);
	ruleset_free(w->rules);
	config_free(w->config);
	w->rules = NULL;
	world_load(w, config, rules);
	copy->reload.config = config_ref(w->config);
	copy->reload.rules = ruleset_ref(w->rules);
	*w->end = &copy->item;
	w->end = &copy->item.next;
}

static inline void world_advance(struct world *w, int64_t ms)
{
	w->now.wall += ms;
	w->now.mono += ms;
	ck_assert_int_eq(world_batch(w), FATE_OK);
}

static inline struct run_record world_run(struct world *w, struct arena *arena, int64_t id)
{
	struct run_record record;

	ck_assert(store_get_run(w->store, arena, id, &record));
	return record;
}

static inline enum run_state world_state(struct world *w, int64_t id)
{
	struct arena *arena = arena_new("test", 1u << 20);
	enum run_state state = world_run(w, arena, id).state;

	arena_free(arena);
	return state;
}

static inline void world_ended(struct world *w, int64_t id, enum run_state state,
			       const char *reason)
{
	struct arena *arena = arena_new("test", MIB);
	struct run_record run = world_run(w, arena, id);

	ck_assert_str_eq(run_state_word(run.state), run_state_word(state));
	ck_assert_msg(text_find(run.reason, text_of(reason)) != SIZE_MAX, "%.*s, not %s",
		      TEXT_ARG(run.reason), reason);
	arena_free(arena);
}

/* One request goes out, and there. */
static inline void world_sends(const struct world *w, const char *url)
{
	ck_assert_uint_eq(w->out.attempt_count, 1);
	ck_assert_msg(text_is(w->out.attempts[0].request.url, url), "%.*s, not %s",
		      TEXT_ARG(w->out.attempts[0].request.url), url);
}

/* The same, and it is answered. */
static inline void world_acts(struct world *w, const char *url)
{
	world_sends(w, url);
	world_answer(w, 0, 200, "{}");
}

/* The last batch's first event of a type, or NULL. */
static inline const struct event_out *world_told(const struct world *w, const char *type)
{
	for (size_t i = 0; i < w->out.event_count; i++)
		if (text_is(w->out.events[i].type, type))
			return &w->out.events[i];
	return NULL;
}

static inline bool world_has_event(const struct world *w, const char *type)
{
	return world_told(w, type) != NULL;
}

#endif
