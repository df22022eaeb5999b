/* SPDX-License-Identifier: Apache-2.0
 *
 * Command lines: what is taken, what is refused, and that nothing is passed over. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/commands/command.h"
#include "engine/commands/setup.h"
#include "tests/unit/unit_main.h"

static const struct option_row rows[] = {
	{ "since", 0, "TIME", "since when" },
	{ "limit", 'n', "N", "how many" },
	{ "follow", 'f', NULL, "go on" },
	{ 0 },
};

static int run_nothing(struct context *context)
{
	(void)context;
	return COMMAND_OK;
}

static const struct command command_some = {
	.name = "some",
	.arguments = "A [B]",
	.doc = "Does some",
	.options = rows,
	.least = 1,
	.most = 2,
	.run = run_nothing,
};

/* The words up to NULL. */
static bool parse(struct context *context, const char *const *words)
{
	int count = 0;

	while (words[count] != NULL)
		count++;
	ck_assert(context_init(context));
	return options_parse(context, &command_some, count, words);
}

#define WORDS(...)                                                                                 \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

/* --config that is a command's own leaves -c what it is. */
START_TEST(own_words_come_first)
{
	static const struct option_row own[] = { { "config", 0, NULL, "something else" }, { 0 } };
	const struct command command = { .name = "own", .options = own, .run = run_nothing };
	const char *const words[] = { "--config", "-c", "x.yaml" };
	struct context c;

	ck_assert(context_init(&c));
	ck_assert(options_parse(&c, &command, 3, words));
	ck_assert(option_flag(&c, "config"));
	ck_assert_ptr_null(option_value(&c, "config"));
	ck_assert(c.config_given);
	ck_assert_str_eq(c.config_files[0], "x.yaml");
	context_fini(&c);
}
END_TEST

START_TEST(takes_options_anywhere)
{
	struct context c;

	ck_assert(parse(&c, WORDS("-f", "one", "--since=2h", "-n", "3", "two", "--format", "json",
				  "-cx.yaml")));
	ck_assert_int_eq(c.arg_count, 2);
	ck_assert_str_eq(c.args[0], "one");
	ck_assert_str_eq(c.args[1], "two");
	ck_assert(option_flag(&c, "follow"));
	ck_assert_str_eq(option_value(&c, "since"), "2h");
	ck_assert_str_eq(option_value(&c, "limit"), "3");
	ck_assert_int_eq(c.format, OUTPUT_JSON);
	ck_assert(c.config_given);
	ck_assert_str_eq(c.config_files[0], "x.yaml");
	context_fini(&c);
}
END_TEST

START_TEST(has_defaults)
{
	struct context c;

	ck_assert(parse(&c, WORDS("one")));
	ck_assert_str_eq(c.config_files[0], "tappet.yaml");
	ck_assert(!c.config_given && !option_flag(&c, "follow"));
	ck_assert_ptr_null(option_value(&c, "since"));
	ck_assert_int_eq(c.format, OUTPUT_TEXT);
	context_fini(&c);
}
END_TEST

START_TEST(two_dashes_end_options)
{
	struct context c;

	ck_assert(parse(&c, WORDS("--", "--since", "-f")));
	ck_assert_int_eq(c.arg_count, 2);
	ck_assert_str_eq(c.args[0], "--since");
	context_fini(&c);
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
	struct context c;

	ck_assert(parse(&c, WORDS("one", "--since=")));
	ck_assert_str_eq(option_value(&c, "since"), "");
	context_fini(&c);
}
END_TEST

START_TEST(several_configurations)
{
	struct context c;

	ck_assert(parse(&c, WORDS("one", "-c", "a", "--config=b")));
	ck_assert_uint_eq(c.config_count, 2);
	ck_assert_str_eq(c.config_files[0], "a");
	ck_assert_str_eq(c.config_files[1], "b");
	context_fini(&c);
}
END_TEST

START_TEST(refuses)
{
	const char *const *const lines[] = {
		WORDS("one", "--sinse", "2h"),
		WORDS("one", "-x"),
		WORDS("one", "--since"),
		WORDS("one", "--follow=yes"),
		WORDS("one", "-f", "--follow"),
		WORDS("one", "--format", "xml"),
		WORDS("one", "two", "three"),
		WORDS("-f"),
		WORDS("one", "-ca", "-cb", "-cc", "-cd", "-ce", "-cf", "-cg", "-ch", "-ci"),
		WORDS("one", "--"
			     "-"),
	};
	struct context c;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ck_assert_msg(!parse(&c, lines[i]), "line %zu was taken", i);
		context_fini(&c);
	}
}
END_TEST

START_TEST(finds_the_command_behind_options)
{
	ck_assert_int_eq(options_before_command(3, WORDS("-c", "x.yaml", "check")), 2);
	ck_assert_int_eq(options_before_command(2, WORDS("--config=x", "check")), 1);
	ck_assert_int_eq(options_before_command(1, WORDS("check")), 0);
	ck_assert_int_eq(options_before_command(1, WORDS("--help")), 1);
	ck_assert_int_eq(options_before_command(1, WORDS("-c")), 1);
	ck_assert(options_want_help(2, WORDS("check", "--help")));
	ck_assert(!options_want_help(2, WORDS("--", "-h")));
}
END_TEST

START_TEST(help_names_every_option)
{
	struct buf out;

	buf_init(&out, 10000);
	options_help(&out, &command_some);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "tappet some A [B]"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "-n, --limit N"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "--format text|json"));
	buf_fini(&out);
}
END_TEST

START_TEST(reads_since_and_numbers)
{
	struct context c;
	int64_t ms;
	size_t n;

	ck_assert(parse(&c, WORDS("one", "--since", "2026-01-31T08:00:00Z", "-n", "7")));
	ck_assert(setup_since(&c, &ms) && setup_number(&c, "limit", &n));
	ck_assert_int_eq(ms, 1769846400000);
	ck_assert_uint_eq(n, 7);
	context_fini(&c);
	ck_assert(parse(&c, WORDS("one", "--since", "yesterday", "-n", "0")));
	ck_assert(!setup_since(&c, &ms) && !setup_number(&c, "limit", &n));
	context_fini(&c);
}
END_TEST

START_TEST(options_may_be_for_another)
{
	static const char *const some[] = { "follow", "limit", NULL };
	static const char *const other[] = { "limit", NULL };
	struct context c;

	ck_assert(parse(&c, WORDS("-f", "one")));
	ck_assert(options_only(&c, "this", some));
	ck_assert(!options_only(&c, "this", other));
	ck_assert(context_fini(&c));
}
END_TEST

START_TEST(options_before_a_command_are_known)
{
	ck_assert_ptr_null(options_unknown(0, NULL));
	ck_assert_ptr_null(options_unknown(3, WORDS("-c", "x.yaml", "--format=json")));
	ck_assert_str_eq(options_unknown(3, WORDS("-c", "--fine", "--nope")), "--nope");
	ck_assert_ptr_null(options_unknown(2, WORDS("word", "--nope")));
}
END_TEST

START_TEST(lost_output_is_told)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int kept = dup(STDOUT_FILENO);
	struct context c;
	bool written;

	ck_assert_int_ge(full, 0);
	ck_assert_int_ge(kept, 0);
	ck_assert(context_init(&c));
	ck_assert_int_eq(fflush(stdout), 0);
	ck_assert_int_ge(dup2(full, STDOUT_FILENO), 0);
	buf_str(&c.out, "lost\n");
	written = context_flush(&c);
	(void)dup2(kept, STDOUT_FILENO);
	(void)close(kept);
	(void)close(full);
	ck_assert(!written && c.lost);
	ck_assert(!context_fini(&c));
}
END_TEST

UNIT_MAIN("commands_options", own_words_come_first, takes_options_anywhere, has_defaults,
	  two_dashes_end_options, an_empty_value_is_a_value, several_configurations, refuses,
	  finds_the_command_behind_options, help_names_every_option, reads_since_and_numbers,
	  options_may_be_for_another, options_before_a_command_are_known, lost_output_is_told)
