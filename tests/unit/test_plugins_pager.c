/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of the log, from a store in a file that is written beside. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/plugins/pager.h"
#include "engine/store/store.h"
#include "tests/unit/unit_main.h"

static char folder[64], name[96];
static struct store *store;
static struct pager *pager;
static const struct text all = { "**", 2 };

static void put(int64_t seq, const char *type, const char *before, const char *data)
{
	char id[24];
	const struct event_record event = { .seq = seq,
					    .id = { id, (size_t)snprintf(id, sizeof(id), "e%ld",
									 (long)seq) },
					    .source = TEXT("test"),
					    .type = text_of(type),
					    .time = 1795309825000,
					    .received = 1795309825000,
					    .data = text_of(data),
					    .before = text_of(before) };

	store_begin(store);
	store_put_event(store, &event);
	ck_assert_int_eq(store_commit(store), FATE_OK);
}

static void start(void)
{
	struct store_error error;

	(void)snprintf(folder, sizeof(folder), "/tmp/tappet-pager-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(name, sizeof(name), "sqlite:%s/store.db", folder);
	ck_assert_int_eq(store_open(name, &store, &error), FATE_OK);
}

static void open_pager(void)
{
	char why[300];

	ck_assert_msg(pager_start(name, &pager, why, sizeof(why)) == FATE_OK, "%s", why);
}

static void finish(void)
{
	static const char *const ends[] = { "", "-wal", "-shm", ".lock", "-lock" };
	char path[128];

	pager_stop(pager);
	store_close(store);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", name + 7, ends[i]);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

/* The next page as words: "3-4 gone, 5, up to 6"; its text goes to `text` when it isn't NULL. */
static void expect(const char *want, struct buf *text)
{
	struct pollfd fd = { .fd = pager_fd(pager), .events = POLLIN };
	struct pager_page *page;
	struct buf got;

	ck_assert_int_eq(poll(&fd, 1, 20000), 1);
	page = (struct pager_page *)(void *)pager_take(pager);
	ck_assert_ptr_nonnull(page);
	ck_assert_ptr_null(page->item.next);
	ck_assert_uint_eq(page->subscription, 1);
	buf_init(&got, MIB);
	for (size_t i = 0; i < page->count; i++) {
		const struct pager_entry *e = &page->entries[i];

		if (e->gap_to > 0)
			buf_printf(&got, "%ld-%ld gone, ", (long)e->seq, (long)e->gap_to);
		else
			buf_printf(&got, "%ld, ", (long)e->seq);
		if (e->gap_to == 0 && text != NULL)
			buf_put(text, page->text + e->at, e->n);
	}
	buf_printf(&got, "up to %ld", (long)page->upto);
	ck_assert_str_eq(buf_cstr(&got), want);
	buf_fini(&got);
	pager_page_free(page);
}

static void want(int64_t after, unsigned most)
{
	ck_assert(pager_want(pager, 1, after, most, MIB));
}

START_TEST(pages_of_some_types)
{
	const struct text types[] = { TEXT("a.*"), TEXT("b.**") };
	struct buf text;

	start();
	put(1, "a.x", "null", "{\"n\":1}");
	put(2, "c.x", "null", "{\"n\":2}");
	put(3, "b.x.y", "{\"n\":2}", "{\"n\":3}");
	put(4, "a.x.y", "null", "{\"n\":4}");
	open_pager();
	ck_assert(pager_open(pager, 1, types, 2));
	want(0, 10);
	buf_init(&text, MIB);
	expect("1, 3, up to 4", &text);
	ck_assert_str_eq(
	    buf_cstr(&text),
	    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/tappet/test\",\"type\":\"a.x\","
	    "\"time\":\"2026-11-22T01:10:25Z\",\"datacontenttype\":\"application/json\",\"seq\":1,"
	    "\"depth\":0,\"data\":{\"n\":1}}"
	    "{\"specversion\":\"1.0\",\"id\":\"e3\",\"source\":\"/tappet/test\",\"type\":\"b.x.y\","
	    "\"time\":\"2026-11-22T01:10:25Z\",\"datacontenttype\":\"application/json\",\"seq\":3,"
	    "\"depth\":0,\"data\":{\"n\":3},\"before\":{\"n\":2},"
	    "\"changed\":{\"n\":{\"from\":2,\"to\":3}}}");
	buf_fini(&text);
	want(0, 1);
	expect("1, up to 2", NULL);
	want(2, 1);
	expect("3, up to 4", NULL);
	finish();
}
END_TEST

START_TEST(it_waits_for_what_is_not_there_yet)
{
	start();
	put(1, "a", "null", "1");
	open_pager();
	ck_assert(pager_open(pager, 1, &all, 1));
	want(1, 10);
	put(2, "a", "null", "1");
	pager_committed(pager, 2);
	expect("2, up to 2", NULL);
	pager_committed(pager, 1); /* old news */
	want(2, 10);
	pager_close(pager, 1);
	pager_committed(pager, 3);
	finish();
}
END_TEST

START_TEST(what_is_gone_is_told)
{
	start();
	put(3, "a", "null", "1");
	put(4, "a", "null", "1");
	put(7, "b", "null", "1");
	open_pager();
	ck_assert(pager_open(pager, 1, &all, 1));
	want(0, 10);
	expect("1-2 gone, 3, 4, 5-6 gone, 7, up to 7", NULL);
	pager_committed(pager, 9);
	want(7, 10);
	expect("8-9 gone, up to 9", NULL);
	want(0, 1);
	expect("1-2 gone, 3, up to 3", NULL);
	finish();
}
END_TEST

START_TEST(bytes_end_a_page)
{
	char data[1000];

	memset(data, '1', sizeof(data) - 1);
	data[sizeof(data) - 1] = '\0';
	data[0] = data[sizeof(data) - 2] = '"';
	start();
	for (int i = 1; i <= 3; i++)
		put(i, "a", "null", data);
	open_pager();
	ck_assert(pager_open(pager, 1, &all, 1));
	ck_assert(pager_want(pager, 1, 0, 10, 10)); /* one there always is */
	expect("1, up to 1", NULL);
	ck_assert(pager_want(pager, 1, 1, 10, 2500));
	expect("2, 3, up to 3", NULL);
	finish();
}
END_TEST

START_TEST(a_long_log_comes_in_parts)
{
	const struct text types = TEXT("rare");
	char upto[32];

	start();
	for (int i = 1; i <= 2 * PAGER_SCAN + 1; i++) {
		const struct event_record event = { .seq = i,
						    .id = TEXT(""),
						    .source = TEXT("test"),
						    .type = TEXT("a"),
						    .data = TEXT("1"),
						    .before = TEXT("null") };
		struct event_record own = event;
		char id[24];

		own.id = (struct text){ id, (size_t)snprintf(id, sizeof(id), "%d", i) };
		if (i == 1)
			store_begin(store);
		store_put_event(store, &own);
	}
	ck_assert_int_eq(store_commit(store), FATE_OK);
	open_pager();
	ck_assert(pager_open(pager, 1, &types, 1));
	for (int64_t at = 0; at < 2 * PAGER_SCAN + 1;) {
		int64_t next = at + PAGER_SCAN;

		want(at, 10);
		at = next < 2 * PAGER_SCAN + 1 ? next : 2 * PAGER_SCAN + 1;
		(void)snprintf(upto, sizeof(upto), "up to %ld", (long)at);
		expect(upto, NULL);
	}
	finish();
}
END_TEST

START_TEST(a_store_that_is_not_there)
{
	char why[300];

	ck_assert_int_eq(pager_start("sqlite:/nowhere/store.db", &pager, why, sizeof(why)),
			 FATE_REJECT);
	ck_assert_uint_gt(strlen(why), 0);
	pager_stop(NULL);
}
END_TEST

UNIT_MAIN("plugins_pager", pages_of_some_types, it_waits_for_what_is_not_there_yet,
	  what_is_gone_is_told, bytes_end_a_page, a_long_log_comes_in_parts,
	  a_store_that_is_not_there)
