/* SPDX-License-Identifier: Apache-2.0
 *
 * The store's contract, checked on every backend. */
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/fault.h"
#include "tests/unit/test_store_world.h"

static const char *const backends[] = { "sqlite:", "memory:" };

static void on_each_backend(void (*check)(struct world *w))
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		struct world w;

		world_init(&w, backends[i]);
		check(&w);
		world_fini(&w);
	}
}

#define CONTRACT(name)                                                                             \
	static void check_##name(struct world *w);                                                 \
	START_TEST(name)                                                                           \
	{                                                                                          \
		on_each_backend(check_##name);                                                     \
	}                                                                                          \
	END_TEST                                                                                   \
	static void check_##name(struct world *w)

/* ---- Events and dedupe. ---- */

static void check_same_event(const struct event_record *got, const struct event_record *want)
{
	ck_assert_int_eq(got->seq, want->seq);
	ck_assert(text_eq(got->id, want->id));
	ck_assert(text_eq(got->source, want->source));
	ck_assert(text_eq(got->type, want->type));
	ck_assert(text_eq(got->subject, want->subject));
	ck_assert(text_eq(got->connection, want->connection));
	ck_assert_int_eq(got->time, want->time);
	ck_assert_int_eq(got->received, want->received);
	ck_assert_int_eq(got->cause, want->cause);
	ck_assert_int_eq(got->depth, want->depth);
	ck_assert(text_eq(got->data, want->data));
	ck_assert(text_eq(got->before, want->before));
}

CONTRACT(an_event_comes_back_as_it_was)
{
	struct event_record event = event_of(w, 7), got;

	ck_assert(!store_get_event(w->store, w->arena, 7, &got));
	ck_assert_int_eq(store_last_event(w->store), 0);
	store_begin(w->store);
	store_put_event(w->store, &event);
	ck_assert(store_get_event(w->store, w->arena, 7, &got)); /* the batch sees its own */
	world_commit(w);
	memset(&got, 0, sizeof(got));
	ck_assert(store_get_event(w->store, w->arena, 7, &got));
	check_same_event(&got, &event);
	ck_assert_int_eq(store_last_event(w->store), 7);
}

CONTRACT(texts_may_hold_any_bytes)
{
	struct event_record event = event_of(w, 1), got;

	event.id = TEXT("a\0b \xc3\xbc \xff 12345678901234567890123");
	event.subject = TEXT("\0");
	event.data = TEXT("\"\xf0\x9f\x98\x80\0\xfe\"");
	event.source = TEXT("s\0urce");
	event.connection = TEXT("");
	event.before = TEXT_NONE;
	store_begin(w->store);
	store_put_event(w->store, &event);
	world_commit(w);
	ck_assert(store_get_event_by_id(w->store, w->arena, event.id, &got));
	check_same_event(&got, &event);
	ck_assert(!store_get_event_by_id(w->store, w->arena, TEXT("a"), &got));
	check_events(w->store, (struct event_query){ .id = event.id }, "1 ");
}

CONTRACT(events_are_found_by_any_kind_of_id)
{
	static const char *const ids[] = { "2", "3", "03", "0123456789abcdef0123456789abcdef",
					   "0123456789ABCDEF0123456789ABCDEF" };
	struct event_record event, got;

	store_begin(w->store);
	for (int i = 0; i < 5; i++) {
		event = event_of(w, i * 5000 + 2); /* far apart: several groups of the index */
		event.id = text_of(ids[i]);
		store_put_event(w->store, &event);
	}
	world_commit(w);
	for (int i = 0; i < 5; i++) {
		ck_assert(store_get_event_by_id(w->store, w->arena, text_of(ids[i]), &got));
		ck_assert_int_eq(got.seq, i * 5000 + 2);
		check_text(got.id, ids[i]);
	}
	ck_assert(!store_get_event_by_id(w->store, w->arena, TEXT("5002"), &got));
	ck_assert(!store_get_event_by_id(w->store, w->arena, TEXT(""), &got));
}

/* The id that an event has of itself is its number and its time of arrival: the number alone, or
 * that of another log, names another event, or none. */
CONTRACT(an_own_id_names_one_event_of_one_log)
{
	struct event_record event = event_of(w, 7), other = event_of(w, 8), got;
	char own[EVENT_OWN_ID], elsewhere[EVENT_OWN_ID];

	event_own_id(event.seq, event.received, own);
	event_own_id(event.seq, event.received + 1, elsewhere);
	event.id = text_of(own);
	other.id = TEXT("7");
	store_begin(w->store);
	store_put_event(w->store, &event);
	world_commit(w);
	ck_assert(store_get_event_by_id(w->store, w->arena, text_of(own), &got));
	check_same_event(&got, &event);
	ck_assert(!store_get_event_by_id(w->store, w->arena, TEXT("7"), &got));
	ck_assert(!store_get_event_by_id(w->store, w->arena, text_of(elsewhere), &got));
	store_begin(w->store);
	store_put_event(w->store, &other);
	world_commit(w);
	ck_assert(store_get_event_by_id(w->store, w->arena, TEXT("7"), &got));
	check_same_event(&got, &other);
	check_events(w->store, (struct event_query){ .id = text_of(own) }, "7 ");
}

/* After its dedupe entry expired an id may come again; the newest one is found. */
CONTRACT(an_id_may_come_again)
{
	struct event_record first = event_of(w, 1), second = event_of(w, 2), got;

	second.id = first.id;
	store_begin(w->store);
	store_put_event(w->store, &first);
	store_put_event(w->store, &second);
	world_commit(w);
	ck_assert(store_get_event_by_id(w->store, w->arena, first.id, &got));
	ck_assert_int_eq(got.seq, 2);
}

CONTRACT(a_delivery_is_remembered_until_it_expires)
{
	struct text id;

	store_begin(w->store);
	store_put_seen(w->store, TEXT("github"), TEXT("abc"), TEXT("event-1"), 1000);
	ck_assert(store_get_seen(w->store, w->arena, TEXT("github"), TEXT("abc"), 999, &id));
	world_commit(w);
	check_text(id, "event-1");
	ck_assert(!store_get_seen(w->store, w->arena, TEXT("github"), TEXT("abc"), 1000, &id));
	ck_assert(!store_get_seen(w->store, w->arena, TEXT("github"), TEXT("abd"), 1, &id));
	ck_assert(!store_get_seen(w->store, w->arena, TEXT("githuba"), TEXT("bc"), 1, &id));
	store_begin(w->store); /* again, after it expired */
	store_put_seen(w->store, TEXT("github"), TEXT("abc"),
		       TEXT("00000000000000000000000000000002"), 2000);
	world_commit(w);
	ck_assert(store_get_seen(w->store, w->arena, TEXT("github"), TEXT("abc"), 1500, &id));
	check_text(id, "00000000000000000000000000000002");
}

/* Far more than are kept in memory. Those divisible by 7 are put twice, those
 * of every eleventh batch are rolled back and put again. */
static void put_deliveries(struct world *w, int64_t first, int64_t count, int64_t expires)
{
	for (int64_t n = first; n < first + count; n++) {
		char key[24];
		int length = snprintf(key, sizeof(key), "d-%lld", (long long)n);
		struct text text = { key, (size_t)length };

		store_put_seen(w->store, TEXT("s"), text, TEXT("first"), expires);
		if (n % 7 == 0)
			store_put_seen(w->store, TEXT("s"), text, TEXT("second"), expires);
	}
}

static void check_delivery(struct world *w, int64_t n)
{
	struct text id;

	arena_reset(w->arena);
	ck_assert_msg(store_get_seen(w->store, w->arena, TEXT("s"),
				     text_printf(w->arena, "d-%lld", (long long)n), 1, &id),
		      "%lld", (long long)n);
	check_text(id, n % 7 == 0 ? "second" : "first");
}

CONTRACT(deliveries_are_found_while_they_are_moved)
{
	struct text id;

	for (int64_t first = 0; first < 60000; first += 500) {
		store_begin(w->store);
		put_deliveries(w, first, 500, 10);
		if (first % 5500 == 0) {
			store_rollback(w->store);
			ck_assert(!store_get_seen(w->store, w->arena, TEXT("s"),
						  text_printf(w->arena, "d-%lld", (long long)first),
						  1, &id));
			store_begin(w->store);
			put_deliveries(w, first, 500, 10);
		}
		for (int64_t n = first % 13; n < first + 500; n += 997)
			check_delivery(w, n);
		world_commit(w);
	}
	for (int64_t n = 0; n < 60000; n += 3)
		check_delivery(w, n);
}

CONTRACT(events_are_queried_by_every_filter)
{
	struct seen seen = { .stop_after = 2 };

	store_begin(w->store);
	for (int64_t n = 1; n <= 6; n++)
		put_event(w, n);
	world_commit(w);
	check_events(w->store, (struct event_query){ 0 }, "1 2 3 4 5 6 ");
	check_events(w->store, (struct event_query){ .after_seq = 4 }, "5 6 ");
	check_events(w->store, (struct event_query){ .since = 5000 }, "5 6 ");
	check_events(w->store, (struct event_query){ .type = TEXT("github.push") }, "2 4 6 ");
	check_events(w->store, (struct event_query){ .type = TEXT("github.p") }, "");
	check_events(w->store, (struct event_query){ .type = TEXT("github.p*") }, "2 4 6 ");
	check_events(w->store, (struct event_query){ .type = TEXT("git*"), .limit = 2 }, "1 2 ");
	check_events(w->store, (struct event_query){ .type = TEXT("*") }, "1 2 3 4 5 6 ");
	check_events(w->store, (struct event_query){ .type = TEXT("none.*") }, "");
	check_events(w->store, (struct event_query){ .newest_first = true, .limit = 3 }, "6 5 4 ");
	check_events(w->store,
		     (struct event_query){ .newest_first = true, .since = 2000, .after_seq = 4 },
		     "6 5 ");
	check_events(w->store,
		     (struct event_query){ .id = TEXT("00000000000000000000000000000004") }, "4 ");
	check_events(w->store,
		     (struct event_query){ .id = TEXT("00000000000000000000000000000004"),
					   .type = TEXT("other") },
		     "");
	check_events(w->store, (struct event_query){ .id = TEXT("nobody") }, "");
	ck_assert_int_eq(store_query_events(w->store, &(struct event_query){ 0 }, see_event, &seen),
			 FATE_OK);
	ck_assert_str_eq(seen.text, "1 2 ");
}

/* ---- Cursors and objects. ---- */

CONTRACT(cursors_hold_their_last_value)
{
	struct seen seen = { 0 };
	struct text json;

	ck_assert(!store_get_cursor(w->store, w->arena, TEXT("kantata"), &json));
	store_begin(w->store);
	store_put_cursor(w->store, TEXT("kantata"), TEXT("1"));
	store_put_cursor(w->store, TEXT("blueworks"), TEXT("2"));
	store_put_cursor(w->store, TEXT("kantata"), TEXT("3"));
	world_commit(w);
	ck_assert(store_get_cursor(w->store, w->arena, TEXT("kantata"), &json));
	check_text(json, "3");
	ck_assert_int_eq(store_query_cursors(w->store, see_cursor, &seen), FATE_OK);
	ck_assert_str_eq(seen.text, "blueworks=2 kantata=3 ");
}

CONTRACT(manifests_hold_their_last_value)
{
	struct text plugin = TEXT("inventory"), json;
	int64_t seen;

	ck_assert(!store_get_manifest(w->store, w->arena, plugin, &json, &seen));
	store_begin(w->store);
	store_put_manifest(w->store, plugin, TEXT("{}"), 5);
	store_put_manifest(w->store, TEXT("other"), TEXT("{\"doc\":\"x\"}"), 6);
	store_put_manifest(w->store, plugin, TEXT("{\"version\":\"2\"}"), 7);
	world_commit(w);
	store_begin(w->store);
	store_put_manifest(w->store, plugin, TEXT("{\"version\":\"3\"}"), 8);
	store_rollback(w->store);
	ck_assert(store_get_manifest(w->store, w->arena, plugin, &json, &seen));
	check_text(json, "{\"version\":\"2\"}");
	ck_assert_int_eq(seen, 7);
}

CONTRACT(objects_change_and_go)
{
	struct text kind = TEXT("kantata/workspace"), data;
	uint64_t hash;

	ck_assert(!store_get_object_hash(w->store, kind, TEXT("1"), &hash));
	store_begin(w->store);
	store_put_object(w->store, kind, TEXT("1"), UINT64_MAX, TEXT("{}"));
	store_put_object(w->store, kind, TEXT("1"), UINT64_MAX - 1, TEXT("{\"a\":1}"));
	store_put_object(w->store, TEXT("other/kind"), TEXT("1"), 5, TEXT("x"));
	world_commit(w);
	ck_assert(store_get_object_hash(w->store, kind, TEXT("1"), &hash));
	ck_assert_uint_eq(hash, UINT64_MAX - 1);
	hash = 0;
	ck_assert(store_get_object(w->store, w->arena, kind, TEXT("1"), &hash, &data));
	ck_assert_uint_eq(hash, UINT64_MAX - 1);
	check_text(data, "{\"a\":1}");
	store_begin(w->store);
	store_drop_object(w->store, kind, TEXT("1"));
	store_drop_object(w->store, kind, TEXT("2"));
	store_drop_object(w->store, TEXT("unknown"), TEXT("1"));
	world_commit(w);
	ck_assert(!store_get_object(w->store, w->arena, kind, TEXT("1"), &hash, &data));
	ck_assert(
	    store_get_object(w->store, w->arena, TEXT("other/kind"), TEXT("1"), &hash, &data));
}

CONTRACT(objects_are_walked_in_byte_order)
{
	struct seen all = { 0 }, some = { 0 }, stopped = { .stop_after = 1 };
	struct text kind = TEXT("k/o");

	store_begin(w->store);
	store_put_object(w->store, kind, TEXT("b"), 2, TEXT("B"));
	store_put_object(w->store, kind, TEXT("a"), 1, TEXT("A"));
	store_put_object(w->store, kind, TEXT("\xc3\xa4"), 4, TEXT("C"));
	store_put_object(w->store, kind, TEXT("b0"), 3, TEXT("D"));
	store_put_object(w->store, TEXT("k/p"), TEXT("x"), 9, TEXT("E"));
	world_commit(w);
	ck_assert_uint_eq(store_each_object(w->store, kind, TEXT(""), 10, see_object, &all), 4);
	ck_assert_str_eq(all.text, "a=1 b=2 b0=3 \xc3\xa4=4 ");
	ck_assert_uint_eq(store_each_object(w->store, kind, TEXT("a"), 2, see_object, &some), 2);
	ck_assert_str_eq(some.text, "b=2 b0=3 ");
	ck_assert_uint_eq(store_each_object(w->store, kind, TEXT(""), 9, see_object, &stopped), 1);
	ck_assert_uint_eq(store_each_object(w->store, TEXT("?"), TEXT(""), 9, see_object, &all), 0);
}

/* ---- Rules. ---- */

CONTRACT(revisions_keep_their_text)
{
	struct revision_record first = { TEXT("r"), TEXT("v1"), TEXT("a.yaml"), 3, TEXT("on: x") };
	struct revision_record moved = { TEXT("r"), TEXT("v1"), TEXT("b.yaml"), 9, TEXT("on: x") };
	struct revision_record got;

	store_begin(w->store);
	store_put_revision(w->store, &first);
	store_put_revision(w->store, &moved);
	world_commit(w);
	ck_assert(store_get_revision(w->store, w->arena, TEXT("r"), TEXT("v1"), &got));
	check_text(got.rule, "r");
	check_text(got.revision, "v1");
	check_text(got.text, "on: x");
	check_text(got.file, "b.yaml");
	ck_assert_int_eq(got.line, 9);
	ck_assert(!store_get_revision(w->store, w->arena, TEXT("r"), TEXT("v2"), &got));
	ck_assert(!store_get_revision(w->store, w->arena, TEXT("v1"), TEXT("r"), &got));
}

CONTRACT(states_belong_to_rule_what_and_key)
{
	struct text json;

	store_begin(w->store);
	store_put_state(w->store, TEXT("r"), TEXT("throttle"), TEXT("k"), TEXT("[1]"), 5);
	store_put_state(w->store, TEXT("r"), TEXT("throttle.shadow"), TEXT("k"), TEXT("[2]"), 5);
	store_put_state(w->store, TEXT("r"), TEXT("throttle"), TEXT("k"), TEXT("[3]"), 6);
	world_commit(w);
	ck_assert(
	    store_get_state(w->store, w->arena, TEXT("r"), TEXT("throttle"), TEXT("k"), &json));
	check_text(json, "[3]");
	ck_assert(
	    !store_get_state(w->store, w->arena, TEXT("r"), TEXT("throttle"), TEXT("l"), &json));
	ck_assert(
	    !store_get_state(w->store, w->arena, TEXT("q"), TEXT("throttle"), TEXT("k"), &json));
	store_begin(w->store);
	store_drop_state(w->store, TEXT("r"), TEXT("throttle"), TEXT("k"));
	store_drop_state(w->store, TEXT("nobody"), TEXT("throttle"), TEXT("k"));
	world_commit(w);
	ck_assert(
	    !store_get_state(w->store, w->arena, TEXT("r"), TEXT("throttle"), TEXT("k"), &json));
	ck_assert(store_get_state(w->store, w->arena, TEXT("r"), TEXT("throttle.shadow"), TEXT("k"),
				  &json));
	check_text(json, "[2]");
}

/* ---- Runs. ---- */

CONTRACT(a_run_moves_and_keeps_the_rest)
{
	struct run_record run = run_of(3, 1, RUN_STARTED), got;

	store_begin(w->store);
	store_put_run(w->store, &run);
	world_commit(w);
	run.state = RUN_IN_DOUBT;
	run.reason = TEXT("the connection was cut");
	run.updated = 9;
	run.due = 10;
	run.step = 2;
	run.attempt = 4;
	run.steps = TEXT("[{},{}]");
	store_begin(w->store);
	store_update_run(w->store, &run);
	world_commit(w);
	ck_assert(store_get_run(w->store, w->arena, 3, &got));
	ck_assert_int_eq(got.state, RUN_IN_DOUBT);
	check_text(got.reason, "the connection was cut");
	check_text(got.steps, "[{},{}]");
	ck_assert_int_eq(got.event, 1);
	ck_assert_int_eq(got.created, 3000);
	ck_assert_int_eq(got.updated, 9);
	ck_assert_int_eq(got.due, 10);
	ck_assert_int_eq(got.step, 2);
	ck_assert_int_eq(got.attempt, 4);
	check_text(got.rule, "odd");
	check_text(got.revision, "r1");
	check_text(got.key, "octo/hello");
	ck_assert_int_eq(store_last_run(w->store), 3);
	ck_assert(!store_get_run(w->store, w->arena, 4, &got));
}

static const enum run_state all_states[] = {
#define X(name, number, doc) RUN_##name,
	RUN_STATES(X)
#undef X
};

CONTRACT(runs_are_queried_by_every_filter)
{
	unsigned open = 1u << RUN_PENDING | 1u << RUN_STARTED | 1u << RUN_WAITING;

	store_begin(w->store);
	for (int64_t n = 1; n <= 7; n++)
		put_run(w, n, n / 3 + 1, all_states[n - 1]);
	put_run(w, 8, 9, RUN_PENDING);
	world_commit(w);
	check_runs(w->store, (struct run_query){ 0 }, "1 2 3 4 5 6 7 8 ");
	check_runs(w->store, (struct run_query){ .after_id = 6 }, "7 8 ");
	check_runs(w->store, (struct run_query){ .id = 6 }, "6 ");
	check_runs(w->store, (struct run_query){ .event = 2 }, "3 4 5 ");
	check_runs(w->store, (struct run_query){ .since = 7000 }, "7 8 ");
	check_runs(w->store, (struct run_query){ .rule = TEXT("even") }, "2 4 6 8 ");
	check_runs(w->store, (struct run_query){ .rule = TEXT("nobody") }, "");
	check_runs(w->store, (struct run_query){ .states = open }, "1 2 3 8 ");
	check_runs(w->store, (struct run_query){ .states = open, .newest_first = true, .limit = 3 },
		   "8 3 2 ");
	check_runs(w->store, (struct run_query){ .states = 1u << RUN_DONE | 1u << RUN_DEAD },
		   "4 5 ");
	check_runs(w->store, (struct run_query){ .states = 1u << RUN_DEAD }, "5 ");
	check_runs(w->store,
		   (struct run_query){ .states = open, .rule = TEXT("even"), .since = 8000 }, "8 ");
}

static bool check_attempt(void *of, const struct attempt_record *attempt)
{
	ck_assert_int_eq(attempt->run, *(int64_t *)of);
	ck_assert_int_eq(attempt->started, 10);
	ck_assert_int_eq(attempt->ended, 20);
	ck_assert_int_eq(attempt->status, 503);
	check_text(attempt->fate, "retry");
	check_text(attempt->error, "busy");
	check_text(attempt->key, "k-1");
	check_text(attempt->request, "{\"url\":\"x\"}");
	check_text(attempt->reply, "later");
	return true;
}

CONTRACT(attempts_come_in_the_order_made)
{
	struct seen seen = { 0 }, none = { 0 }, two = { .stop_after = 2 };
	int64_t run = 5;

	store_begin(w->store);
	put_attempt(w, 5, 0, 1);
	put_attempt(w, 6, 0, 1);
	put_attempt(w, 5, 0, 2);
	put_attempt(w, 5, 1, 1);
	put_attempt(w, 4, 0, 1);
	world_commit(w);
	ck_assert_int_eq(store_query_attempts(w->store, 5, see_attempt, &seen), FATE_OK);
	ck_assert_str_eq(seen.text, "501 502 511 ");
	ck_assert_int_eq(store_query_attempts(w->store, 5, see_attempt, &two), FATE_OK);
	ck_assert_str_eq(two.text, "501 502 ");
	ck_assert_int_eq(store_query_attempts(w->store, 7, see_attempt, &none), FATE_OK);
	ck_assert_int_eq(store_query_attempts(w->store, INT64_MAX, see_attempt, &none), FATE_OK);
	ck_assert_int_eq(store_query_attempts(w->store, -1, see_attempt, &none), FATE_OK);
	ck_assert_str_eq(none.text, "");
	ck_assert_int_eq(store_query_attempts(w->store, 5, check_attempt, &run), FATE_OK);
}

static bool check_forwarded(void *of, const struct attempt_record *attempt)
{
	int *n = of;

	check_text(attempt->request, attempt->n == 1
					 ? "{\"url\":\"x\",\"body\":\"{\\\"n\\\":7}\",\"item\":3}"
					 : "{\"url\":\"y\"}");
	ck_assert_uint_eq(attempt->data_at, 0);
	*n += attempt->n;
	return true;
}

/* The body of a request that is the event's data comes back from there. */
CONTRACT(a_request_may_leave_out_the_events_data)
{
	struct attempt_record attempt = {
		.run = 5,
		.n = 1,
		.fate = TEXT("ok"),
		.request = TEXT("{\"url\":\"x\",\"item\":3}"),
		.data_at = 10,
	};
	int n = 0;

	store_begin(w->store);
	put_event(w, 7);
	put_run(w, 5, 7, RUN_DONE);
	store_put_attempt(w->store, &attempt);
	attempt.n = 2;
	attempt.request = TEXT("{\"url\":\"y\"}");
	attempt.data_at = 0;
	store_put_attempt(w->store, &attempt);
	world_commit(w);
	ck_assert_int_eq(store_query_attempts(w->store, 5, check_forwarded, &n), FATE_OK);
	ck_assert_int_eq(n, 3);
}

/* Queries within queries, and changes while one is under way. */
static bool nested(void *of, const struct run_record *run)
{
	struct world *w = of;
	struct seen seen = { 0 };
	struct run_record change = run_of(run->id, run->event, RUN_DONE), got;

	ck_assert_int_eq(store_query_attempts(w->store, run->id, see_attempt, &seen), FATE_OK);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert(store_get_run(w->store, w->arena, run->id, &got));
	store_update_run(w->store, &change);
	return true;
}

CONTRACT(a_visitor_may_use_the_store)
{
	struct run_query open = { .states = 1u << RUN_PENDING | 1u << RUN_WAITING };

	store_begin(w->store);
	for (int64_t n = 1; n <= 100; n++) {
		put_run(w, n, 1, RUN_PENDING);
		put_attempt(w, n, 0, 1);
	}
	ck_assert_int_eq(store_query_runs(w->store, &open, nested, w), FATE_OK);
	world_commit(w);
	check_runs(w->store, open, "");
}

/* ---- Batches. ---- */

static void put_all_kinds(struct world *w)
{
	put_event(w, 5);
	put_run(w, 6, 5, RUN_STARTED);
	put_attempt(w, 6, 0, 1);
	store_put_seen(w->store, TEXT("new-source"), TEXT("k"), TEXT("5"), 1000);
	store_put_cursor(w->store, TEXT("new-cursor"), TEXT("1"));
	store_put_object(w->store, TEXT("new/kind"), TEXT("1"), 1, TEXT("{}"));
	store_put_state(w->store, TEXT("new-rule"), TEXT("throttle"), TEXT(""), TEXT("1"), 1);
	store_put_revision(w->store, &(struct revision_record){ TEXT("new-rule"), TEXT("v"),
								TEXT("f"), 1, TEXT("t") });
}

static void check_nothing(struct world *w)
{
	struct seen none = { 0 };
	struct text text;
	uint64_t hash;
	struct revision_record revision;

	check_events(w->store, (struct event_query){ 0 }, "");
	check_runs(w->store, (struct run_query){ 0 }, "");
	ck_assert_int_eq(store_query_attempts(w->store, 6, see_attempt, &none), FATE_OK);
	ck_assert_int_eq(store_query_cursors(w->store, see_cursor, &none), FATE_OK);
	ck_assert_uint_eq(none.count, 0);
	ck_assert(!store_get_seen(w->store, w->arena, TEXT("new-source"), TEXT("k"), 1, &text));
	ck_assert(!store_get_object_hash(w->store, TEXT("new/kind"), TEXT("1"), &hash));
	ck_assert(!store_get_state(w->store, w->arena, TEXT("new-rule"), TEXT("throttle"), TEXT(""),
				   &text));
	ck_assert(!store_get_revision(w->store, w->arena, TEXT("new-rule"), TEXT("v"), &revision));
}

CONTRACT(a_rolled_back_batch_leaves_no_trace)
{
	struct event_record got;

	store_begin(w->store);
	put_all_kinds(w);
	store_rollback(w->store);
	check_nothing(w);
	store_begin(w->store); /* the numbers of names that were rolled back are not used */
	put_all_kinds(w);
	store_put_cursor(w->store, TEXT("another"), TEXT("2"));
	world_commit(w);
	ck_assert(store_get_event(w->store, w->arena, 5, &got));
	check_text(got.source, "github");
	check_text(got.type, "github.issues");
	check_text(got.connection, "gh");
}

CONTRACT(the_first_failure_sticks)
{
	struct run_record nobody = run_of(77, 1, RUN_DONE), got;

	store_begin(w->store);
	ck_assert(!store_failed(w->store));
	store_update_run(w->store, &nobody);
	ck_assert(store_failed(w->store));
	put_all_kinds(w);
	ck_assert(!store_get_run(w->store, w->arena, 6, &got));
	ck_assert_int_eq(store_commit(w->store), FATE_RETRY);
	ck_assert_ptr_nonnull(strstr(store_last_error(w->store)->text, "not in the store"));
	ck_assert_int_eq(store_last_error(w->store)->kind, STORE_OTHER);
	check_nothing(w);
	store_begin(w->store);
	ck_assert(!store_failed(w->store));
	ck_assert_str_eq(store_last_error(w->store)->text, "");
	put_all_kinds(w);
	put_event(w, 5); /* the same seq */
	ck_assert(store_failed(w->store));
	ck_assert_int_eq(store_commit(w->store), FATE_RETRY);
	check_nothing(w);
	store_begin(w->store);
	put_all_kinds(w);
	world_commit(w);
}

CONTRACT(a_failing_commit_is_a_rollback)
{
	store_begin(w->store);
	put_all_kinds(w);
	fault_arm("store.commit", 1, false);
	if (store_commit(w->store) == FATE_OK) /* built without fault points */
		return;
	ck_assert(fault_disarm());
	check_nothing(w);
	store_begin(w->store);
	put_all_kinds(w);
	world_commit(w);
	check_events(w->store, (struct event_query){ 0 }, "5 ");
}

/* ---- Bodies. ---- */

static void put_with_body(struct world *w, int64_t n, struct text media, struct text bytes,
			  int64_t of)
{
	const struct event_body body = { .media = media, .bytes = bytes, .of = of };
	struct event_record event = event_of(w, n);

	if (of != 0)
		event.received = event_of(w, of).received;
	event.body = &body;
	store_put_event(w->store, &event);
}

static void check_body(struct world *w, int64_t n, struct text media, struct text bytes)
{
	struct event_body body;

	ck_assert(store_get_body(w->store, w->arena, n, &body));
	ck_assert(text_eq(body.media, media));
	ck_assert(text_eq(body.bytes, bytes));
}

CONTRACT(a_body_comes_back_to_the_byte)
{
	const struct text odd = TEXT("\0\xff{ \"a\" :\t1 }\r\n\0");
	struct event_record event = event_of(w, 1);
	struct event_body body;

	store_begin(w->store);
	put_with_body(w, 1, TEXT("application/json"), event.data, 0);
	put_with_body(w, 2, TEXT("application/json; charset=utf-8"), odd, 0);
	put_with_body(w, 3, TEXT("text/\xff"), TEXT("a=1"), 0);
	put_with_body(w, 4, TEXT(""), TEXT(""), 0);
	put_event(w, 5);
	check_body(w, 2, TEXT("application/json; charset=utf-8"), odd); /* the batch sees its own */
	world_commit(w);
	check_body(w, 1, TEXT("application/json"), event.data);
	check_body(w, 2, TEXT("application/json; charset=utf-8"), odd);
	check_body(w, 3, TEXT("text/\xff"), TEXT("a=1"));
	check_body(w, 4, TEXT(""), TEXT(""));
	ck_assert(!store_get_body(w->store, w->arena, 5, &body));
	ck_assert(!store_get_body(w->store, w->arena, 6, &body));
	ck_assert(!store_failed(w->store));
}

/* A body is read long after it was written, whatever was packed between. */
CONTRACT(bodies_dont_mix)
{
	store_begin(w->store);
	for (int64_t n = 1; n <= 100; n++)
		put_with_body(
		    w, n, TEXT("text/plain"),
		    text_printf(w->arena, "%*lld", (int)(n * 997 % 5000) + 1, (long long)n), 0);
	world_commit(w);
	for (int64_t n = 100; n >= 1; n--)
		check_body(w, n, TEXT("text/plain"),
			   text_printf(w->arena, "%*lld", (int)(n * 997 % 5000) + 1, (long long)n));
}

/* ---- Retention. ---- */

static bool knows_rule(void *of, struct text rule)
{
	return text_is(rule, of);
}

static void retain(struct world *w, struct retention retention)
{
	bool more = true;

	if (retention.rule_is_known == NULL)
		retention.rule_is_known = knows_rule;
	if (retention.of == NULL)
		retention.of = (void *)(uintptr_t) "even";
	for (int calls = 0; more; calls++) {
		ck_assert_int_lt(calls, 200);
		store_begin(w->store);
		more = store_retain(w->store, &retention);
		world_commit(w);
	}
}

CONTRACT(retention_keeps_what_is_open_or_in_doubt)
{
	struct seen seen = { 0 };

	store_begin(w->store);
	for (int64_t n = 1; n <= 7; n++) {
		put_event(w, n);
		put_run(w, n, n, all_states[n - 1]);
		put_attempt(w, n, 0, 1);
	}
	put_event(w, 8); /* no run */
	put_event(w, 9); /* a finished run and one in doubt */
	put_run(w, 8, 9, RUN_DONE);
	put_run(w, 9, 9, RUN_IN_DOUBT);
	put_event(w, 10); /* too young */
	put_run(w, 10, 10, RUN_DONE);
	world_commit(w);
	retain(w, (struct retention){ .now = 0, .events_before = 10000, .limit = 2 });
	check_events(w->store, (struct event_query){ 0 }, "1 2 3 6 9 10 ");
	check_runs(w->store, (struct run_query){ 0 }, "1 2 3 6 8 9 10 ");
	for (int64_t n = 1; n <= 7; n++)
		ck_assert_int_eq(store_query_attempts(w->store, n, see_attempt, &seen), FATE_OK);
	ck_assert_str_eq(seen.text, "101 201 301 601 ");
}

/* A call looks at no more than it may delete, and the next one goes on behind that. */
CONTRACT(retention_passes_over_what_is_kept)
{
	const struct run_record done = { .id = 1, .state = RUN_DONE };
	struct retention two = { .events_before = 10000,
				 .limit = 2,
				 .rule_is_known = knows_rule,
				 .of = (void *)(uintptr_t) "even" };

	store_begin(w->store);
	for (int64_t n = 1; n <= 7; n++) {
		put_event(w, n);
		put_run(w, n, n, n <= 6 ? RUN_PENDING : RUN_DONE);
	}
	world_commit(w);
	for (int call = 1; call <= 4; call++) {
		check_runs(w->store, (struct run_query){ .states = 1u << RUN_DONE }, "7 ");
		store_begin(w->store);
		ck_assert(store_retain(w->store, &two) || call == 4);
		world_commit(w);
	}
	check_events(w->store, (struct event_query){ 0 }, "1 2 3 4 5 6 ");
	store_begin(w->store);
	store_update_run(w->store, &done);
	world_commit(w);
	retain(w, two);
	check_events(w->store, (struct event_query){ 0 }, "2 3 4 5 6 ");
}

CONTRACT(retention_takes_many_runs_of_one_event_in_steps)
{
	bool more;
	struct retention all = { .events_before = 2000,
				 .limit = 10,
				 .rule_is_known = knows_rule,
				 .of = (void *)(uintptr_t) "even" };

	store_begin(w->store);
	put_event(w, 1);
	for (int64_t n = 1; n <= 25; n++)
		put_run(w, n, 1, RUN_DONE);
	world_commit(w);
	store_begin(w->store);
	more = store_retain(w->store, &all);
	world_commit(w);
	ck_assert(more);
	check_events(w->store, (struct event_query){ 0 }, "1 ");
	check_runs(w->store, (struct run_query){ .limit = 1 }, "11 ");
	retain(w, all);
	check_events(w->store, (struct event_query){ 0 }, "");
	check_runs(w->store, (struct run_query){ 0 }, "");
}

CONTRACT(retention_keeps_a_body_as_long_as_an_event_came_in_it)
{
	const struct retention all = { .events_before = 5000, .limit = 2 };
	const struct run_record done = { .id = 1, .state = RUN_DONE };

	store_begin(w->store);
	put_with_body(w, 1, TEXT("application/json"), TEXT("[1, 2, 3]"), 0);
	put_with_body(w, 2, TEXT("application/json"), TEXT_NONE, 1);
	put_with_body(w, 3, TEXT("application/json"), TEXT_NONE, 1);
	put_run(w, 1, 3, RUN_IN_DOUBT);
	put_event(w, 4);
	world_commit(w);
	check_body(w, 2, TEXT("application/json"), TEXT("[1, 2, 3]"));
	retain(w, all);
	check_events(w->store, (struct event_query){ 0 }, "1 3 ");
	check_body(w, 3, TEXT("application/json"), TEXT("[1, 2, 3]"));
	store_begin(w->store);
	store_update_run(w->store, &done);
	world_commit(w);
	retain(w, all);
	check_events(w->store, (struct event_query){ 0 }, "");
}

CONTRACT(numbers_never_come_again)
{
	store_begin(w->store);
	put_event(w, 41);
	put_run(w, 17, 41, RUN_DONE);
	world_commit(w);
	retain(w, (struct retention){ .events_before = 1000000, .limit = 10 });
	check_events(w->store, (struct event_query){ 0 }, "");
	ck_assert_int_eq(store_last_event(w->store), 41);
	ck_assert_int_eq(store_last_run(w->store), 17);
	store_begin(w->store);
	put_event(w, 42);
	world_commit(w);
	ck_assert_int_eq(store_last_event(w->store), 42);
}

CONTRACT(retention_drops_expired_deliveries)
{
	struct text id;

	store_begin(w->store);
	for (int i = 0; i < 10; i++)
		store_put_seen(w->store, TEXT("s"), text_printf(w->arena, "%d", i), TEXT("e"),
			       100 + i);
	world_commit(w);
	retain(w, (struct retention){ .now = 105, .limit = 2 });
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(store_get_seen(w->store, w->arena, TEXT("s"),
						text_printf(w->arena, "%d", i), 0, &id),
				 i >= 5);
}

static void put_rule(struct world *w, const char *rule, int states)
{
	store_put_revision(w->store, &(struct revision_record){ text_of(rule), TEXT("v"), TEXT("f"),
								1, TEXT("t") });
	for (int i = 0; i < states; i++)
		store_put_state(w->store, text_of(rule), TEXT("throttle"),
				text_printf(w->arena, "%d", i), TEXT("1"), i * 10);
}

static bool has_state(struct world *w, const char *rule, const char *key)
{
	struct text json;

	return store_get_state(w->store, w->arena, text_of(rule), TEXT("throttle"), text_of(key),
			       &json);
}

CONTRACT(retention_walks_through_all_deliveries)
{
	struct text id;

	store_begin(w->store);
	put_deliveries(w, 0, 30000, 10);
	put_deliveries(w, 30000, 30000, 20);
	world_commit(w);
	retain(w, (struct retention){ .now = 15, .limit = 5000 });
	for (int64_t n = 30000; n < 60000; n += 11)
		check_delivery(w, n);
	for (int64_t n = 0; n < 30000; n += 11) {
		arena_reset(w->arena);
		ck_assert(!store_get_seen(w->store, w->arena, TEXT("s"),
					  text_printf(w->arena, "d-%lld", (long long)n), 1, &id));
	}
}

CONTRACT(retention_drops_what_belongs_to_rules_that_are_gone)
{
	struct revision_record got;

	store_begin(w->store);
	put_rule(w, "gone", 6);
	put_rule(w, "even", 6);
	put_rule(w, "odd", 6); /* gone too, but with a run */
	put_rule(w, "gone2", 1);
	put_event(w, 1);
	put_run(w, 1, 1, RUN_WAITING);
	world_commit(w);
	retain(w, (struct retention){ .states_before = 40, .limit = 1 });
	ck_assert(!has_state(w, "gone", "0"));
	ck_assert(!has_state(w, "gone", "3"));
	ck_assert(has_state(w, "gone", "4")); /* touched of late */
	ck_assert(has_state(w, "gone", "5"));
	ck_assert(has_state(w, "even", "0"));
	ck_assert(!has_state(w, "odd", "0"));
	ck_assert(!has_state(w, "gone2", "0"));
	ck_assert(!store_get_revision(w->store, w->arena, TEXT("gone"), TEXT("v"), &got));
	ck_assert(!store_get_revision(w->store, w->arena, TEXT("gone2"), TEXT("v"), &got));
	ck_assert(store_get_revision(w->store, w->arena, TEXT("even"), TEXT("v"), &got));
	ck_assert(store_get_revision(w->store, w->arena, TEXT("odd"), TEXT("v"), &got));
}

/* More names than the cache holds. */
CONTRACT(many_names_are_kept_apart)
{
	struct text json;

	store_begin(w->store);
	for (int i = 0; i < 20000; i++)
		store_put_cursor(w->store, text_printf(w->arena, "source-%d", i),
				 text_printf(w->arena, "%d", i));
	world_commit(w);
	for (int i = 0; i < 20000; i += 999) {
		ck_assert(store_get_cursor(w->store, w->arena,
					   text_printf(w->arena, "source-%d", i), &json));
		check_text(json, text_printf(w->arena, "%d", i).s);
	}
}

/* ---- Tables. ---- */

static void put_link(struct world *w, const char *key, const char *set, const char *json)
{
	const struct table_cell cells[] = { { TEXT("workspace_id"), text_of(key) },
					    { TEXT("work_set_id"), text_of(set) } };

	store_put_row(w->store, TEXT("links"), text_of(key), text_of(json), cells, 2);
}

static bool append_row(void *of, struct text key, struct text json)
{
	struct buf *b = of;

	buf_printf(b, "%.*s=%.*s ", TEXT_ARG(key), TEXT_ARG(json));
	return b->n < 60;
}

static void check_rows(struct world *w, const char *column, const char *value, size_t limit,
		       const char *want)
{
	const struct table_cell cell = { text_of(column), text_of(value) };
	struct buf b;

	buf_init(&b, 1024);
	if (column == NULL)
		store_each_row(w->store, TEXT("links"), limit, append_row, &b);
	else
		store_find_rows(w->store, TEXT("links"), &cell, limit, append_row, &b);
	ck_assert_str_eq(buf_cstr(&b), want);
	buf_fini(&b);
}

CONTRACT(rows_are_found_by_any_cell)
{
	struct text json;

	check_rows(w, "work_set_id", "a", 9, "");
	store_begin(w->store);
	put_link(w, "7", "a", "1");
	put_link(w, "10", "b", "2");
	put_link(w, "8", "a", "3");
	check_rows(w, "work_set_id", "a", 9, "7=1 8=3 "); /* the batch sees its own */
	world_commit(w);
	check_rows(w, NULL, NULL, 9, "10=2 7=1 8=3 ");
	check_rows(w, NULL, NULL, 2, "10=2 7=1 ");
	check_rows(w, "work_set_id", "a", 1, "7=1 ");
	check_rows(w, "workspace_id", "8", 9, "8=3 ");
	check_rows(w, "work_set_id", "8", 9, "");
	check_rows(w, "color", "a", 9, "");
	ck_assert(store_get_row(w->store, w->arena, TEXT("links"), TEXT("10"), &json));
	check_text(json, "2");
	ck_assert(!store_get_row(w->store, w->arena, TEXT("others"), TEXT("10"), &json));
}

static bool append_table(void *of, struct text table, int64_t rows)
{
	buf_printf(of, "%.*s %lld ", TEXT_ARG(table), (long long)rows);
	return true;
}

CONTRACT(rows_are_replaced_and_dropped)
{
	struct buf b;

	store_begin(w->store);
	put_link(w, "7", "a", "1");
	put_link(w, "7", "b", "2");
	put_link(w, "8", "b", "3");
	store_put_row(w->store, TEXT("empty"), TEXT("x"), TEXT("{}"), NULL, 0);
	ck_assert(store_drop_row(w->store, TEXT("empty"), TEXT("x")));
	ck_assert(!store_drop_row(w->store, TEXT("empty"), TEXT("x")));
	ck_assert(!store_drop_row(w->store, TEXT("none"), TEXT("x")));
	world_commit(w);
	check_rows(w, "work_set_id", "a", 9, "");
	check_rows(w, "work_set_id", "b", 9, "7=2 8=3 ");
	ck_assert_int_eq(store_count_rows(w->store, TEXT("links")), 2);
	ck_assert_int_eq(store_count_rows(w->store, TEXT("none")), 0);
	store_begin(w->store);
	ck_assert(store_drop_row(w->store, TEXT("links"), TEXT("7")));
	store_rollback(w->store);
	ck_assert_int_eq(store_count_rows(w->store, TEXT("links")), 2);
	buf_init(&b, 1024);
	store_each_table(w->store, append_table, &b);
	ck_assert_str_eq(buf_cstr(&b), "empty 0 links 2 ");
	buf_fini(&b);
}

UNIT_MAIN("store", rows_are_found_by_any_cell, rows_are_replaced_and_dropped,
	  an_event_comes_back_as_it_was, texts_may_hold_any_bytes,
	  events_are_found_by_any_kind_of_id, an_own_id_names_one_event_of_one_log,
	  an_id_may_come_again, a_delivery_is_remembered_until_it_expires,
	  deliveries_are_found_while_they_are_moved, events_are_queried_by_every_filter,
	  cursors_hold_their_last_value, manifests_hold_their_last_value, objects_change_and_go,
	  objects_are_walked_in_byte_order, revisions_keep_their_text,
	  states_belong_to_rule_what_and_key, a_run_moves_and_keeps_the_rest,
	  runs_are_queried_by_every_filter, attempts_come_in_the_order_made,
	  a_visitor_may_use_the_store, a_rolled_back_batch_leaves_no_trace,
	  the_first_failure_sticks, a_failing_commit_is_a_rollback,
	  retention_keeps_what_is_open_or_in_doubt, retention_passes_over_what_is_kept,
	  retention_takes_many_runs_of_one_event_in_steps,
	  retention_keeps_a_body_as_long_as_an_event_came_in_it, a_body_comes_back_to_the_byte,
	  a_request_may_leave_out_the_events_data, bodies_dont_mix, numbers_never_come_again,
	  retention_drops_expired_deliveries, retention_walks_through_all_deliveries,
	  retention_drops_what_belongs_to_rules_that_are_gone, many_names_are_kept_apart)
