/* SPDX-License-Identifier: Apache-2.0
 *
 * Unit tests of base/mem, arena, buf, map, heap, cleanup and the fault points. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/fault.h"
#include "engine/base/heap.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "tests/unit/unit_main.h"

START_TEST(sizes_that_overflow_are_refused)
{
	void *p = mem_alloc(0);

	ck_assert_ptr_nonnull(p);
	ck_assert_ptr_null(mem_zero(SIZE_MAX / 2, 4));
	ck_assert_ptr_null(mem_grow(p, SIZE_MAX / 2, 4));
	p = mem_grow(p, 10, 10);
	ck_assert_ptr_nonnull(p);
	mem_free(p);
	p = mem_copy("abc", 3);
	ck_assert_mem_eq(p, "abc", 3);
	mem_free(p);
	mem_free(NULL);
}
END_TEST

START_TEST(arena_hands_out_aligned_memory_until_the_budget_is_spent)
{
	struct arena *a = arena_new("test", 1000);
	char *p = arena_alloc(a, 100);
	char *q = arena_zero(a, 1);

	ck_assert_str_eq(arena_name(a), "test");
	ck_assert_uint_eq((uintptr_t)p % 16, 0);
	ck_assert_uint_eq((uintptr_t)q % 16, 0);
	ck_assert_int_eq(q[0], 0);
	memset(p, 1, 100);
	ck_assert_int_eq(q[0], 0);
	ck_assert_ptr_nonnull(arena_alloc(a, 0));
	ck_assert(!arena_failed(a));
	ck_assert_ptr_null(arena_alloc(a, 1000));
	ck_assert(arena_failed(a));
	ck_assert_ptr_null(arena_alloc(a, 1)); /* stays failed */
	ck_assert_uint_le(arena_used(a), 1000);
	arena_reset(a);
	ck_assert(!arena_failed(a));
	ck_assert_uint_eq(arena_used(a), 0);
	ck_assert_ptr_nonnull(arena_alloc(a, 992));
	arena_free(a);
	arena_free(NULL);
}
END_TEST

START_TEST(arena_refuses_products_that_overflow)
{
	struct arena *a = arena_new("test", SIZE_MAX);

	ck_assert_ptr_null(arena_array(a, SIZE_MAX / 2, 3));
	ck_assert(arena_failed(a));
	arena_reset(a);
	ck_assert_ptr_null(arena_alloc(a, SIZE_MAX - 3));
	ck_assert(arena_failed(a));
	arena_free(a);
}
END_TEST

START_TEST(arena_keeps_pieces_apart)
{
	struct arena *a = arena_new("test", 64u << 20);
	unsigned char *pieces[500];
	size_t sizes[500];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 500; i++) {
			sizes[i] = (i * 7919) % (i % 50 == 0 ? 300000 : 700);
			pieces[i] = arena_alloc(a, sizes[i]);
			ck_assert_ptr_nonnull(pieces[i]);
			memset(pieces[i], (int)(i & 255), sizes[i]);
		}
		for (size_t i = 0; i < 500; i++) {
			for (size_t k = 0; k < sizes[i]; k++)
				ck_assert_uint_eq(pieces[i][k], i & 255);
		}
		arena_reset(a);
	}
	arena_free(a);
}
END_TEST

static char order[8];

static void note(void *of)
{
	strncat(order, of, 1);
}

START_TEST(arena_lets_go_in_reverse_order)
{
	struct arena *a = arena_new("test", 4096);
	char names[] = "123";

	ck_assert(arena_on_free(a, note, &names[0]));
	ck_assert(arena_on_free(a, note, &names[1]));
	arena_reset(a);
	ck_assert_str_eq(order, "21");
	ck_assert(arena_on_free(a, note, &names[2]));
	arena_free(a);
	ck_assert_str_eq(order, "213");
	a = arena_new("test", 8);
	ck_assert(!arena_on_free(a, note, &names[0]));
	arena_free(a);
	ck_assert_str_eq(order, "213");
}
END_TEST

START_TEST(buf_grows_and_stays_terminated)
{
	struct buf b;
	size_t n;
	char *s;

	buf_init(&b, 10000);
	ck_assert_str_eq(buf_cstr(&b), "");
	buf_str(&b, "a");
	buf_char(&b, 'b');
	buf_int(&b, INT64_MIN);
	buf_int(&b, 0);
	buf_text(&b, TEXT_NONE);
	buf_printf(&b, "%s-%d", "x", 7);
	ck_assert_str_eq(buf_cstr(&b), "ab-92233720368547758080x-7");
	for (int i = 0; i < 1000; i++)
		buf_put(&b, "12345", 5);
	ck_assert_uint_eq(buf_view(&b).n, 5026);
	buf_cut(&b, 2);
	ck_assert_str_eq(buf_cstr(&b), "ab");
	s = buf_take(&b, &n);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(s, "ab");
	mem_free(s);
	ck_assert_ptr_null(buf_take(&b, &n));
	buf_fini(&b);
}
END_TEST

START_TEST(buf_stops_at_its_limit)
{
	struct buf b;
	size_t n;

	buf_init(&b, 5);
	buf_str(&b, "12345");
	ck_assert(!buf_failed(&b));
	buf_char(&b, '6');
	ck_assert(buf_failed(&b));
	ck_assert_str_eq(buf_cstr(&b), "12345");
	ck_assert_ptr_null(buf_take(&b, &n));
	buf_clear(&b);
	buf_printf(&b, "%s", "123456");
	ck_assert(buf_failed(&b));
	buf_clear(&b);
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	buf_clear(&b);
	ck_assert_ptr_nonnull(buf_reserve(&b, 5));
	buf_fini(&b);
}
END_TEST

START_TEST(map_finds_what_was_put)
{
	struct map *m = map_new();
	static int values[5000];
	size_t at = 0, seen = 0;
	struct text key;
	void *value;
	char s[16];

	for (int i = 0; i < 5000; i++) {
		snprintf(s, sizeof(s), "key%d", i);
		ck_assert(map_put(m, text_of(s), &values[i]));
	}
	ck_assert_uint_eq(map_count(m), 5000);
	for (int i = 0; i < 5000; i += 2) {
		snprintf(s, sizeof(s), "key%d", i);
		ck_assert_ptr_eq(map_drop(m, text_of(s)), &values[i]);
	}
	for (int i = 0; i < 5000; i++) {
		snprintf(s, sizeof(s), "key%d", i);
		ck_assert_ptr_eq(map_get(m, text_of(s)), i % 2 == 0 ? NULL : &values[i]);
	}
	while (map_next(m, &at, &key, &value)) {
		ck_assert(text_starts(key, TEXT("key")));
		ck_assert_ptr_nonnull(value);
		seen++;
	}
	ck_assert_uint_eq(seen, 2500);
	ck_assert_ptr_null(map_drop(m, TEXT("other")));
	map_free(m);
	map_free(NULL);
}
END_TEST

START_TEST(map_replaces_and_takes_any_bytes)
{
	struct map *m = map_new();
	int one, two;

	ck_assert(map_put(m, TEXT_NONE, &one));
	ck_assert(map_put(m, TEXT("\0a"), &one));
	ck_assert(map_put(m, TEXT("\0a"), &two));
	ck_assert_uint_eq(map_count(m), 2);
	ck_assert_ptr_eq(map_get(m, TEXT("")), &one);
	ck_assert_ptr_eq(map_get(m, TEXT("\0a")), &two);
	map_free(m);
}
END_TEST

struct timer {
	int name;
	struct heap_node node;
};

START_TEST(heap_orders_by_time_then_by_arrival)
{
	static struct timer timers[1000];
	struct heap heap;
	struct heap_node *node;
	int64_t at = -1;
	int name = -1;

	heap_init(&heap);
	for (int i = 0; i < 1000; i++) {
		timers[i].name = i;
		timers[i].node.at = i * 7919 % 100;
		ck_assert(heap_push(&heap, &timers[i].node));
	}
	for (int i = 0; i < 1000; i += 3) {
		heap_drop(&heap, &timers[i].node);
		ck_assert(!heap_holds(&timers[i].node));
		heap_drop(&heap, &timers[i].node);
	}
	for (size_t left = heap.count; left > 0; left--) {
		struct timer *timer;

		node = heap_pop(&heap);
		timer = HEAP_OWNER(node, struct timer, node);
		ck_assert(timer->name % 3 != 0);
		ck_assert(node->at > at || (node->at == at && timer->name > name));
		at = node->at;
		name = timer->name;
	}
	ck_assert_ptr_null(heap_pop(&heap));
	ck_assert_ptr_null(heap_top(&heap));
	ck_assert(heap_push(&heap, &timers[0].node));
	heap_fini(&heap);
	ck_assert(!heap_holds(&timers[0].node));
}
END_TEST

START_TEST(locals_free_themselves)
{
	AUTO(arena_free) struct arena *a = arena_new("test", 100);
	AUTO(mem_free) char *s = text_heap(TEXT("x"));
	AUTO_FINI(buf_fini) struct buf b = { .limit = 100 };

	buf_str(&b, s);
	ck_assert_ptr_nonnull(arena_alloc(a, 10));
}
END_TEST

#ifdef TAPPET_FAULTS
static bool use_everything(void)
{
	AUTO(arena_free) struct arena *a = arena_new("test", 100000);
	AUTO_FINI(buf_fini) struct buf b = { .limit = 10000 };
	AUTO_FINI(heap_fini) struct heap heap = { 0 };
	struct map *m = map_new();
	struct timer timer = { 0 };
	char s[16];
	bool ok = a != NULL && m != NULL;

	for (int i = 0; ok && i < 100; i++) {
		snprintf(s, sizeof(s), "key%d", i);
		ok = map_put(m, text_of(s), &timer) && arena_alloc(a, 500) != NULL;
		buf_str(&b, "some bytes to write");
	}
	ok = ok && !buf_failed(&b) && heap_push(&heap, &timer.node);
	if (timer.node.slot != 0)
		heap_drop(&heap, &timer.node);
	map_free(m);
	return ok;
}

START_TEST(every_allocation_may_fail)
{
	for (int n = 1;; n++) {
		bool ok, hit;

		fault_arm("memory", n, n % 2 == 0);
		ok = use_everything();
		hit = fault_disarm();
		ck_assert(ok == !hit);
		if (!hit)
			break;
		ck_assert_int_lt(n, 10000);
	}
}
END_TEST

START_TEST(a_fault_fires_at_its_turn)
{
	fault_arm("disk", 2, false);
	ck_assert(!fault_point("memory"));
	ck_assert(!fault_point("disk"));
	ck_assert(fault_point("disk"));
	ck_assert(!fault_point("disk"));
	ck_assert(fault_disarm());
	fault_arm("disk", 1, true);
	ck_assert(fault_point("disk"));
	ck_assert(fault_point("disk"));
	ck_assert(fault_disarm());
	fault_arm("disk", 1, true);
	ck_assert(!fault_disarm());
	ck_assert(!fault_point("disk"));
}
END_TEST
#else
START_TEST(every_allocation_may_fail)
{
	fault_arm("memory", 1, true);
	ck_assert(!fault_point("memory")); /* compiled out */
	ck_assert(!fault_disarm());
}
END_TEST

START_TEST(a_fault_fires_at_its_turn)
{
	ck_assert(!fault_point("disk"));
}
END_TEST
#endif

UNIT_MAIN("base_memory", sizes_that_overflow_are_refused,
	  arena_hands_out_aligned_memory_until_the_budget_is_spent,
	  arena_refuses_products_that_overflow, arena_keeps_pieces_apart,
	  arena_lets_go_in_reverse_order, buf_grows_and_stays_terminated, buf_stops_at_its_limit,
	  map_finds_what_was_put, map_replaces_and_takes_any_bytes,
	  heap_orders_by_time_then_by_arrival, locals_free_themselves, every_allocation_may_fail,
	  a_fault_fires_at_its_turn)
