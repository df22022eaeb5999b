/* SPDX-License-Identifier: Apache-2.0
 *
 * Values without what paths name. */
#include "engine/value/redact.h"

#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/value/parse.h"
#include "unit_main.h"

static void expect(const char *given, const char *path, const char *wanted)
{
	struct arena *arena = arena_new("redact", MIB);
	struct json_parser *parser = json_parser_new();
	struct json_error error;
	struct value v;
	struct buf out;

	ck_assert_int_eq(json_parse(parser, arena, text_of(given), &v, &error), FATE_OK);
	buf_init(&out, KIB);
	value_write(&out, value_redacted(arena, v, text_of(path)));
	ck_assert_str_eq(buf_cstr(&out), wanted);
	buf_clear(&out);
	value_write(&out, v);
	ck_assert_msg(strcmp(buf_cstr(&out), given) == 0, "the original changed");
	buf_fini(&out);
	json_parser_free(parser);
	arena_free(arena);
}

START_TEST(what_paths_lead_to)
{
	expect("{\"a\":1,\"b\":\"x\"}", "b", "{\"a\":1,\"b\":\"[redacted]\"}");
	expect("{\"a\":{\"b\":[1],\"c\":null}}", "a.b",
	       "{\"a\":{\"b\":\"[redacted]\",\"c\":null}}");
	expect("{\"a\":{\"b\":1}}", "a", "{\"a\":\"[redacted]\"}");
	expect("{\"a\":{\"b\":1,\"c\":[2]}}", "a.*",
	       "{\"a\":{\"b\":\"[redacted]\",\"c\":\"[redacted]\"}}");
	expect("{\"a\":[{\"b\":1},2,[{\"b\":3,\"c\":4}]]}", "a.b",
	       "{\"a\":[{\"b\":\"[redacted]\"},2,[{\"b\":\"[redacted]\",\"c\":4}]]}");
	expect("[{\"a\":1},{\"b\":2}]", "a", "[{\"a\":\"[redacted]\"},{\"b\":2}]");
	expect("{\"a\":[1,2]}", "a", "{\"a\":\"[redacted]\"}");
}
END_TEST

START_TEST(what_they_leave)
{
	expect("{\"a\":null}", "a", "{\"a\":null}");
	expect("{\"a\":1}", "b", "{\"a\":1}");
	expect("{\"a\":1}", "a.b", "{\"a\":1}");
	expect("{\"a\":[1,\"x\"]}", "a.b", "{\"a\":[1,\"x\"]}");
	expect("\"text\"", "a", "\"text\"");
	expect("{\"a\":{}}", "*.b", "{\"a\":{}}");
}
END_TEST

/* Nobody gets the original because there was no memory for the other. */
START_TEST(without_memory)
{
	struct arena *arena = arena_new("redact", MIB), *small = arena_new("small", 64);
	struct json_parser *parser = json_parser_new();
	struct json_error error;
	struct value v;
	char json[4096] = "{\"a\":1";

	for (int i = 0; i < 200; i++)
		snprintf(json + strlen(json), 32, ",\"m%d\":%d", i, i);
	snprintf(json + strlen(json), 2, "}");
	ck_assert_int_eq(json_parse(parser, arena, text_of(json), &v, &error), FATE_OK);
	ck_assert_int_eq(value_redacted(small, v, TEXT("a")).kind, VALUE_NULL);
	json_parser_free(parser);
	arena_free(small);
	arena_free(arena);
}
END_TEST

START_TEST(paths)
{
	ck_assert_ptr_null(redact_path_mistake(TEXT("a")));
	ck_assert_ptr_null(redact_path_mistake(TEXT("a.*.b c")));
	ck_assert_ptr_nonnull(redact_path_mistake(TEXT("")));
	ck_assert_ptr_nonnull(redact_path_mistake(TEXT("a.")));
	ck_assert_ptr_nonnull(redact_path_mistake(TEXT(".a")));
	ck_assert_ptr_nonnull(redact_path_mistake(TEXT("a..b")));
}
END_TEST

UNIT_MAIN("value_redact", what_paths_lead_to, what_they_leave, without_memory, paths)
