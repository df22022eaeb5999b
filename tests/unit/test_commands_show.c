/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands print: tables, JSON lines, CEL's values as JSON, runs. */
#include <stdio.h>
#include <string.h>

#include "engine/commands/eval_value.h"
#include "engine/commands/json.h"
#include "engine/commands/lines.h"
#include "engine/commands/runs.h"
#include "engine/commands/table.h"
#include "tests/unit/unit_main.h"

/* ---- Tables. ---- */

static const char *const titles[] = { "ID", "NAME", "WHY", NULL };

START_TEST(columns_are_aligned)
{
	struct table *table = table_new(titles);
	struct buf out;

	buf_init(&out, 1000);
	table_int(table, 7);
	table_cell(table, TEXT("Zürich"), TINT_GOOD);
	table_cell(table, TEXT("far"), TINT_NONE);
	table_int(table, 12345);
	table_cell(table, TEXT("x"), TINT_NONE);
	table_cell(table, TEXT_NONE, TINT_NONE);
	ck_assert_uint_eq(table_rows(table), 2);
	ck_assert(table_write(table, &out, false));
	ck_assert_str_eq(buf_cstr(&out), "ID     NAME    WHY\n"
					 "7      Zürich  far\n"
					 "12345  x\n");
	buf_clear(&out);
	table_int(table, 1);
	table_cell(table, TEXT("y"), TINT_NONE);
	table_cell(table, TEXT("z"), TINT_NONE);
	ck_assert(table_write(table, &out, false));
	ck_assert_str_eq(buf_cstr(&out), "1      y       z\n");
	buf_fini(&out);
	table_free(table);
}
END_TEST

START_TEST(cells_cant_move_the_cursor)
{
	struct table *table = table_new(titles);
	struct buf out;

	buf_init(&out, 1000);
	table_int(table, 1);
	table_cell(table, TEXT("a\033[2Jb\nc"), TINT_NONE);
	table_cell(table, TEXT("\xff"), TINT_BAD);
	ck_assert(table_write(table, &out, true));
	ck_assert_ptr_null(strstr(buf_cstr(&out), "\033[2J"));
	ck_assert_ptr_null(strstr(buf_cstr(&out), "b\nc"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\033[31m"));
	buf_fini(&out);
	table_free(table);
}
END_TEST

/* ---- JSON lines. ---- */

START_TEST(json_puts_its_commas)
{
	struct buf out;

	buf_init(&out, 1000);
	for (int i = 0; i < 2; i++) {
		json_open(&out, '{');
		json_text(&out, "a", TEXT("x\"{"));
		json_int(&out, "b", -1);
		json_key(&out, "c");
		json_open(&out, '[');
		json_item(&out, TEXT("["));
		json_item(&out, TEXT("y"));
		json_open(&out, '{');
		json_close(&out, '}');
		json_close(&out, ']');
		json_time(&out, "d", 0);
		json_raw(&out, "e", TEXT("[1]"));
		json_bool(&out, "f", true);
		json_maybe(&out, "g", TEXT_NONE);
		json_close(&out, '}');
		json_line(&out);
	}
#define LINE                                                                                       \
	"{\"a\":\"x\\\"{\",\"b\":-1,\"c\":[\"[\",\"y\",{}],\"d\":null,\"e\":[1],\"f\":true,"       \
	"\"g\":null}\n"
	ck_assert_str_eq(buf_cstr(&out), LINE LINE);
	buf_fini(&out);
}
END_TEST

START_TEST(lines_are_cut)
{
	struct text rest = TEXT("a\n\nb"), line;

	ck_assert(lines_next(&rest, &line) && text_is(line, "a"));
	ck_assert(lines_next(&rest, &line) && line.n == 0);
	ck_assert(lines_next(&rest, &line) && text_is(line, "b"));
	ck_assert(!lines_next(&rest, &line));
}
END_TEST

/* ---- CEL's values. ---- */

static void check_value(struct arena *arena, const char *type, struct value json, const char *text)
{
	struct value v;
	struct buf out;

	ck_assert_msg(eval_take(arena, text_of(type), json, &v), "%s %s", type, text);
	buf_init(&out, 1000);
	value_write(&out, eval_give(arena, v));
	ck_assert_str_eq(buf_cstr(&out), text);
	buf_fini(&out);
}

static struct value words(const char *s)
{
	return value_text(text_of(s));
}

START_TEST(types_say_what_json_means)
{
	struct arena *a = arena_new("test", 100000);
	struct value v;

	check_value(a, "uint", value_int(5), "5");
	check_value(a, "uint", words("18446744073709551615"), "\"18446744073709551615\"");
	check_value(a, "int", words("-9223372036854775808"), "\"-9223372036854775808\"");
	check_value(a, "int", value_double(3), "3");
	check_value(a, "double", value_int(3), "3.0");
	check_value(a, "double", words("-Infinity"), "\"-Infinity\"");
	check_value(a, "bytes", words("AAH/"), "\"AAH/\"");
	check_value(a, "duration", words("-0.25s"), "\"-0.25s\"");
	check_value(a, "google.protobuf.Timestamp", words("2026-01-31T08:00:00.000000001Z"),
		    "\"2026-01-31T08:00:00.000000001Z\"");
	check_value(a, "type", words("int"), "\"int\"");
	check_value(a, "optional_type(uint)", words("7"), "7");
	check_value(a, "optional_type(uint)", value_null(), "null");
	ck_assert(eval_take(a, TEXT("optional_type(uint)"), words("7"), &v));
	ck_assert(value_is(v, VALUE_OPTIONAL) && v.n == 1 && value_is(v.items[0], VALUE_UINT));
	ck_assert(!eval_take(a, TEXT("optional_type(uint)"), words("x"), &v));
	check_value(a, "dyn", value_int(9007199254740993), "\"9007199254740993\"");
	check_value(a, "dyn", value_int(9007199254740992), "9007199254740992");
	ck_assert(!eval_take(a, TEXT("uint"), value_int(-1), &v));
	ck_assert(!eval_take(a, TEXT("uint"), words("1x"), &v));
	ck_assert(!eval_take(a, TEXT("uint"), words("18446744073709551616"), &v));
	ck_assert(!eval_take(a, TEXT("int"), value_double(1.5), &v));
	ck_assert(!eval_take(a, TEXT("bytes"), words("A"), &v));
	ck_assert(!eval_take(a, TEXT("duration"), words("1.5"), &v));
	ck_assert(!eval_take(a, TEXT("duration"), words("1.-5s"), &v));
	ck_assert(!eval_take(a, TEXT("timestamp"), words("today"), &v));
	ck_assert(!eval_take(a, TEXT("integer"), value_int(1), &v));
	arena_free(a);
}
END_TEST

START_TEST(types_reach_into_containers)
{
	struct arena *a = arena_new("test", 100000);
	struct value_map_builder m;
	struct value_list_builder l;
	struct value v;

	value_list_begin(&l, a);
	value_list_add(&l, value_int(1));
	value_map_begin(&m, a);
	value_map_set(&m, "1", value_list_end(&l));
	v = value_map_end(&m);
	check_value(a, "map(int, list(double))", v, "{\"1\":[1.0]}");
	ck_assert(!eval_take(a, TEXT("map(int, list(bool))"), v, &v));
	ck_assert(!eval_take(a, TEXT("map(bool, dyn)"), v, &v));
	arena_free(a);
}
END_TEST

/* ---- Runs. ---- */

static void write_run(struct store *store)
{
	const struct event_record event = { .seq = 1,
					    .id = TEXT("ev"),
					    .source = TEXT("s"),
					    .type = TEXT("t"),
					    .data = TEXT("{}"),
					    .before = TEXT("null") };
	const struct run_record run = {
		.id = 1,
		.event = 1,
		.rule = TEXT("r"),
		.revision = TEXT("0"),
		.key = TEXT("k"),
		.state = RUN_WAITING,
		.created = 1000,
		.updated = 2000,
		.steps = TEXT("[{\"i\":0,\"as\":\"one\",\"action\":\"x.y\",\"state\":\"failed\"},"
			      "{\"i\":0,\"as\":\"one\",\"action\":\"x.y\",\"state\":\"open\","
			      "\"from\":1}]"),
	};
	struct attempt_record attempt = { .run = 1,
					  .n = 1,
					  .started = 1000,
					  .ended = 1007,
					  .status = 500,
					  .fate = TEXT("reject"),
					  .request = TEXT("{}"),
					  .reply = TEXT("\xff") };

	store_begin(store);
	store_put_event(store, &event);
	store_put_run(store, &run);
	store_put_attempt(store, &attempt);
	attempt.n = 2;
	store_put_attempt(store, &attempt);
	ck_assert_int_eq(store_commit(store), FATE_OK);
}

START_TEST(a_run_is_put_together)
{
	struct arena *arena = arena_new("test", 1000000);
	struct json_parser *parser = json_parser_new();
	struct store_error error;
	struct store *store;
	struct run_record run;
	struct run_view view;
	struct buf out;

	ck_assert_int_eq(store_open("memory:", &store, &error), FATE_OK);
	write_run(store);
	ck_assert(store_get_run(store, arena, 1, &run));
	ck_assert(run_view_read(store, arena, parser, &run, &view));
	buf_init(&out, 10000);
	run_view_json(&out, &view, false);
#define ATTEMPT(n)                                                                                 \
	"\"attempts\":[{\"n\":" n                                                                  \
	",\"at\":\"1970-01-01T00:00:01Z\",\"status\":500,\"fate\":\"reject\",\"error\":null,"      \
	"\"ms\":7}]}"
	ck_assert_str_eq(
	    buf_cstr(&out),
	    "{\"id\":1,\"rule\":\"r\",\"revision\":\"0\",\"event\":\"ev\",\"key\":\"k\","
	    "\"state\":\"WAITING\",\"reason\":null,\"created\":\"1970-01-01T00:00:01Z\","
	    "\"updated\":\"1970-01-01T00:00:02Z\",\"due\":null,\"steps\":["
	    "{\"as\":\"one\",\"action\":\"x.y\",\"state\":\"failed\"," ATTEMPT(
		"1") ","
		     "{\"as\":\"one\",\"action\":\"x.y\",\"state\":\"WAITING\"," ATTEMPT(
			 "2") "]}\n");
	buf_clear(&out);
	run_view_json(&out, &view, true);
	ck_assert(text_is_utf8(buf_view(&out)));
	buf_clear(&out);
	run_view_text(&out, &view, false);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "2. one: x.y  WAITING"));
	buf_fini(&out);
	store_close(store);
	json_parser_free(parser);
	arena_free(arena);
}
END_TEST

START_TEST(a_waiting_run_says_until_when)
{
	struct run_view view = { .run = { .id = 1,
					  .rule = TEXT("r"),
					  .state = RUN_WAITING,
					  .created = 1000,
					  .due = 61000 } };
	struct table *table = table_new(run_titles);
	struct buf out;

	buf_init(&out, 10000);
	run_view_row(table, &view);
	view.run.state = RUN_DEAD;
	view.run.reason = TEXT("cancelled by an operator");
	run_view_row(table, &view);
	ck_assert(table_write(table, &out, false));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "WAITING  retry at 1970-01-01T00:01:01Z\n"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "DEAD     cancelled by an operator\n"));
	buf_fini(&out);
	table_free(table);
}
END_TEST

UNIT_MAIN("commands_show", columns_are_aligned, cells_cant_move_the_cursor, json_puts_its_commas,
	  lines_are_cut, types_say_what_json_means, types_reach_into_containers,
	  a_run_is_put_together, a_waiting_run_says_until_when)
