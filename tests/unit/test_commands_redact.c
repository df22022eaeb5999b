/* SPDX-License-Identifier: Apache-2.0
 *
 * What recordings tell of people and secrets: by fields' names, by what texts
 * hold; the same value has the same substitute; and YAML that reads back. */
#include <check.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/commands/redact.h"
#include "engine/commands/setup.h"
#include "engine/commands/yaml_write.h"
#include "engine/rules/yaml.h"
#include "engine/value/parse.h"
#include "tests/unit/unit_main.h"

struct bench {
	struct arena *arena;
	struct config *config;
	struct json_parser *parser;
	struct redactor *redactor;
	struct buf out;
};

static void bench_init(struct bench *b)
{
	b->arena = arena_new("redact", 256 * MIB);
	b->config = config_bare();
	b->parser = json_parser_new();
	b->redactor = redactor_new(b->arena, b->config);
	ck_assert_ptr_nonnull(b->redactor);
	buf_init(&b->out, 16 * MIB);
}

static void bench_fini(struct bench *b)
{
	buf_fini(&b->out);
	redactor_free(b->redactor);
	json_parser_free(b->parser);
	config_free(b->config);
	arena_free(b->arena);
}

static struct value parse(struct bench *b, const char *json)
{
	struct json_error error;
	struct value v;

	ck_assert_msg(json_parse(b->parser, b->arena, text_dup(b->arena, text_of(json)), &v,
				 &error) == FATE_OK,
		      "%s", json);
	return value_copy(b->arena, v);
}

static const char *redacted(struct bench *b, const char *json)
{
	struct value v = parse(b, json);

	redact_learn(b->redactor, TEXT("data"), v);
	buf_clear(&b->out);
	value_write(&b->out, redact_value(b->redactor, TEXT("data"), v));
	return buf_cstr(&b->out);
}

START_TEST(replaces_what_is_told)
{
	static const char *const pairs[][2] = {
		/* What texts hold. */
		{ "[\"a kim.lee+x@acme.example b\"]", "[\"a person1@example.com b\"]" },
		{ "[\"Kim@ACME.example\",\"kim@acme.example\",\"kim%40acme.example\"]",
		  "[\"person1@example.com\",\"person1@example.com\",\"person1%40example.com\"]" },
		{ "[\"me @ work, a@b, @kim, x@y.\"]", "[\"me @ work, a@b, @kim, x@y.\"]" },
		{ "[\"call +49 (170) 123-4567.\"]", "[\"call +15550100001.\"]" },
		{ "[\"+5, 2026-01-07T09:00:00+01:00, 4711 0815\"]",
		  "[\"+5, 2026-01-07T09:00:00+01:00, 4711 0815\"]" },
		{ "[\"Bearer abc.def-012 xoxb-1234567890\"]", "[\"Bearer token-1 token-2\"]" },
		{ "[\"Basic information is here\"]", "[\"Basic information is here\"]" },
		{ "[\"see https://h.example/a?b=1&token=xyz#access_token=q, ok\"]",
		  "[\"see https://h.example/a?b=1&token=token-1#access_token=token-2 ok\"]" },
		{ "[\"postgres://u:p@db.example/x\"]", "[\"postgres://token-1@db.example/x\"]" },
		{ "[\"https://hooks.slack.com/services/T0/B0/zzz\"]",
		  "[\"https://hooks.slack.com/token-1\"]" },
		{ "[\"see://x?token=abc ://\"]", "[\"see://x?token=abc ://\"]" },
		/* By the names of fields. */
		{ "{\"firstName\":\"Kim\",\"surname\":\"Lee\",\"title\":\"Leeway\"}",
		  "{\"firstName\":\"Person 1\",\"surname\":\"Person 2\",\"title\":\"Leeway\"}" },
		{ "{\"full_name\":\"Kim Lee\",\"title\":\"for Kim Lee, Kim Leeds\"}",
		  "{\"full_name\":\"Person 1\",\"title\":\"for Person 1, Kim Leeds\"}" },
		{ "{\"assignee\":{\"id\":\"7\",\"name\":\"Kim Lee\"},\"app\":{\"name\":\"Crm\"}}",
		  "{\"assignee\":{\"id\":\"7\",\"name\":\"Person "
		  "1\"},\"app\":{\"name\":\"Crm\"}}" },
		{ "{\"x\":{\"name\":\"Kim\",\"email\":\"k@a.example\"}}",
		  "{\"x\":{\"name\":\"Person 1\",\"email\":\"person1@example.com\"}}" },
		{ "{\"owners\":[\"Kim\",\"7\"],\"creator_id\":\"9\",\"owner\":8}",
		  "{\"owners\":[\"Person 1\",\"7\"],\"creator_id\":\"9\",\"owner\":8}" },
		{ "{\"mobile\":4917012345,\"apiKey\":\"abc\",\"status_key\":\"abc2\"}",
		  "{\"mobile\":1,\"apiKey\":\"token-1\",\"status_key\":\"abc2\"}" },
		{ "{\"comments\":[{\"text\":\"hi\",\"n\":1}],\"note\":\"\",\"body\":null}",
		  "{\"comments\":[{\"text\":\"text 1\",\"n\":1}],\"note\":\"\",\"body\":null}" },
		{ "{\"k@a.example\":1,\"date_of_birth\":\"1990-01-01\"}",
		  "{\"person1@example.com\":1,\"date_of_birth\":\"detail 1\"}" },
		{ "{\"stage\":\"project\",\"n\":1.5,\"on\":true,\"due_date\":\"2026-01-07\"}",
		  "{\"stage\":\"project\",\"n\":1.5,\"on\":true,\"due_date\":\"2026-01-07\"}" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct bench b;

		bench_init(&b);
		ck_assert_str_eq(redacted(&b, pairs[i][0]), pairs[i][1]);
		bench_fini(&b);
	}
}
END_TEST

START_TEST(paths_are_kept_and_asked_for)
{
	struct bench b;

	bench_init(&b);
	redact_keep(b.redactor, TEXT("data.owner"));
	redact_asked(b.redactor, TEXT("data.title"));
	redact_asked(b.redactor, TEXT("data.sums"));
	ck_assert_str_eq(
	    redacted(&b, "{\"owner\":{\"email\":\"k@a.example\",\"phone\":\"+4917012345\"},"
			 "\"ownership\":\"k@a.example\",\"title\":\"Acme\",\"x\":\"Acme\","
			 "\"sums\":[5,5.0,6]}"),
	    "{\"owner\":{\"email\":\"k@a.example\",\"phone\":\"+4917012345\"},"
	    "\"ownership\":\"person1@example.com\",\"title\":\"value 1\",\"x\":\"value 1\","
	    "\"sums\":[2,3.0,4]}");
	buf_clear(&b.out);
	ck_assert_uint_eq(redact_tell(b.redactor, &b.out), 4);
	ck_assert_str_eq(buf_cstr(&b.out), "  data.ownership: e-mail address\n"
					   "  data.title: asked for\n"
					   "  data.x: asked for\n"
					   "  data.sums: asked for\n");
	bench_fini(&b);
}
END_TEST

/* What was replaced is never told, also where it is a key. */
START_TEST(keys_are_told_as_they_are_written)
{
	struct bench b;

	bench_init(&b);
	ck_assert_str_eq(redacted(&b, "{\"by\":{\"kim@a.example\":{\"owner\":\"Kim Lee\"}}}"),
			 "{\"by\":{\"person1@example.com\":{\"owner\":\"Person 1\"}}}");
	buf_clear(&b.out);
	ck_assert_uint_eq(redact_tell(b.redactor, &b.out), 2);
	ck_assert_str_eq(buf_cstr(&b.out),
			 "  data.by.person1@example.com: e-mail address\n"
			 "  data.by.person1@example.com.owner: name of a person\n");
	bench_fini(&b);
}
END_TEST

/* Long texts of what nearly fits take time in proportion. */
START_TEST(hostile_texts_take_no_time)
{
	static const char *const parts[] = { "a.",  "@",        "://",         "+1 ",
					     "%40", "a@a.",     "https://a@?", "Bearer ",
					     "eyJ", "\xC3\xA9", "&token=" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct bench b;
		struct buf json;

		bench_init(&b);
		buf_init(&json, 4 * MIB);
		buf_str(&json, "{\"full_name\":\"Anna\",\"x\":\"");
		while (json.n < MIB)
			buf_str(&json, parts[i]);
		buf_str(&json, "\"}");
		ck_assert_ptr_nonnull(strstr(redacted(&b, buf_cstr(&json)), "Person 1"));
		buf_fini(&json);
		bench_fini(&b);
	}
}
END_TEST

/* Written as YAML and read back, everything is what it was. */
START_TEST(yaml_reads_back)
{
	static const char *const documents[] = {
		"{\"a\":1,\"b\":\"1\",\"c\":null,\"d\":\"null\",\"e\":[],\"f\":{},\"g\":1.5,\"h\":"
		"true}",
		"[[1,[2,[]]],[{\"a\":[{\"b\":{\"c\":\"yes\"}},{}]}],\"- x\",\"a: b\",\"#\",\"\"]",
		"{\"true\":\"~\",\"1\":\"0x1f\",\"a b\":\"tab\\tnew\\nline \\\"q\\\" "
		"\\\\\",\"on\":\"on\"}",
		"{\"x\":\"\\u0000\\u007f\\u0085\\u2028\\ufeff\\uffff\\ud83d\\ude00\\u00e9\"}",
		"{\"t\":\"2026-01-07\",\"n\":18446744073709551615,\"m\":-1e300,\"z\":\"${data.x}"
		"\"}",
	};

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		AUTO(diags_free) struct diags *diags = diags_new();
		struct value_map_builder m;
		struct yaml_node *root;
		struct bench b;

		bench_init(&b);
		struct value v = parse(&b, documents[i]);

		value_map_begin(&m, b.arena);
		value_map_set(&m, "doc", v);
		yaml_write(&b.out, value_map_end(&m), 4);
		root = yaml_read(b.arena, diags, diags_source(diags, "t", buf_view(&b.out)),
				 buf_view(&b.out));
		ck_assert_msg(root != NULL && diags_errors(diags) == 0, "%s", buf_cstr(&b.out));
		ck_assert_msg(value_equal(yaml_value(b.arena, yaml_get(root, "doc")), v), "%s",
			      buf_cstr(&b.out));
		bench_fini(&b);
	}
}
END_TEST

UNIT_MAIN("commands_redact", replaces_what_is_told, paths_are_kept_and_asked_for,
	  keys_are_told_as_they_are_written, hostile_texts_take_no_time, yaml_reads_back)
