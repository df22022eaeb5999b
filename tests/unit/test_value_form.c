/* SPDX-License-Identifier: Apache-2.0
 *
 * form: fields to values, and what is no form. */
#include "engine/value/form.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "unit_main.h"

static void reads(const char *form, const char *json)
{
	struct arena *arena = arena_new("form", MIB);
	struct value v;
	struct buf out;

	ck_assert_ptr_null(form_parse(arena, text_of(form), &v));
	ck_assert(!arena_failed(arena));
	buf_init(&out, 65536);
	value_write(&out, v);
	ck_assert_str_eq(buf_cstr(&out), json);
	buf_fini(&out);
	arena_free(arena);
}

static void refuses(struct text form, const char *part)
{
	struct arena *arena = arena_new("form", MIB);
	struct value v;
	const char *why = form_parse(arena, form, &v);

	ck_assert_ptr_nonnull(why);
	ck_assert_msg(strstr(why, part) != NULL, "no %s in %s", part, why);
	ck_assert_int_eq(v.kind, VALUE_NULL);
	arena_free(arena);
}

START_TEST(fields)
{
	reads("", "{}");
	reads("&&", "{}");
	reads("a=1", "{\"a\":\"1\"}");
	reads("a=1&b=x+y%21&c", "{\"a\":\"1\",\"b\":\"x y!\",\"c\":\"\"}");
	reads("a=1=2&=3", "{\"a\":\"1=2\",\"\":\"3\"}");
	reads("%e2%82%AC=%26%3D%2B%25", "{\"\xe2\x82\xac\":\"&=+%\"}");
	reads("n=%00", "{\"n\":\"\\u0000\"}");
}
END_TEST

/* A field that is sent again makes a list of it, where it first stood. */
START_TEST(repeats)
{
	reads("b=1&a=2&b=3&a=4&b=5&c=6",
	      "{\"b\":[\"1\",\"3\",\"5\"],\"a\":[\"2\",\"4\"],\"c\":\"6\"}");
	reads("a&a=", "{\"a\":[\"\",\"\"]}");
	reads("a=1&%61=2", "{\"a\":[\"1\",\"2\"]}");
}
END_TEST

START_TEST(mistakes)
{
	char *many = calloc(1, 2 * LIMIT_FORM_FIELDS + 2);

	refuses(TEXT("a=%"), "no escape");
	refuses(TEXT("a=%4"), "no escape");
	refuses(TEXT("a=%zz"), "no escape");
	refuses(TEXT("%=1"), "no escape");
	refuses(TEXT("a=%C0%A0"), "UTF-8");
	refuses(TEXT("a=\xff"), "UTF-8");
	refuses(TEXT("\xed\xa0\x80=1"), "UTF-8");
	for (size_t i = 0; i < LIMIT_FORM_FIELDS + 1; i++)
		memcpy(many + 2 * i, "a&", 2);
	refuses((struct text){ many, 2 * LIMIT_FORM_FIELDS }, "too many");
	free(many);
}
END_TEST

START_TEST(a_spent_arena)
{
	struct value v = value_int(1);
	char form[4000];

	memset(form, 'x', sizeof(form));
	for (size_t budget = 16; budget < 20000; budget += 97) {
		struct arena *arena = arena_new("form", budget);

		ck_assert_ptr_null(form_parse(arena, (struct text){ form, sizeof(form) }, &v));
		ck_assert(arena_failed(arena) == (v.kind == VALUE_NULL));
		arena_free(arena);
	}
	ck_assert_int_eq(v.kind, VALUE_MAP);
}
END_TEST

UNIT_MAIN("value_form", fields, repeats, mistakes, a_spent_arena)
