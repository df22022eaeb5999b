/* SPDX-License-Identifier: Apache-2.0
 *
 * main - the command table.
 *
 * registry.h has one COMMAND(word) line for each word of commands/meson.build;
 * it is expanded twice here, to declare and to list.
 * Never: does anything but find the command and hand it its arguments. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/commands/command.h"

#define COMMAND(word) extern const struct command command_##word;
#include "engine/commands/registry.h"
#undef COMMAND

#define COMMAND(word) &command_##word,
static const struct command *const commands[] = {
#include "engine/commands/registry.h"
	NULL,
};
#undef COMMAND

#define COMMANDS_COUNT (sizeof(commands) / sizeof(commands[0]) - 1)

static const struct command *find(struct text name)
{
	for (size_t i = 0; commands[i] != NULL; i++)
		if (text_is(name, commands[i]->name))
			return commands[i];
	return NULL;
}

/* ---- Help. ---- */

static void overview(struct buf *out)
{
	buf_str(out, "usage: tappet COMMAND [arguments] [options]\n\n"
		     "Watches for changes, decides by rules, acts on other systems.\n\n");
	for (size_t i = 0; commands[i] != NULL; i++)
		buf_printf(out, "  %-12s %s\n", commands[i]->name, commands[i]->doc);
	buf_str(out,
		"\n\"tappet help COMMAND\" tells more of one; \"tappet --version\" says which "
		"version this is.\n"
		"Exit codes: 0 done, 1 a check or test failed, 2 usage, 3 no daemon or store.\n");
}

static int unknown(struct text name)
{
	const char *names[COMMANDS_COUNT + 1];
	const char *near;

	for (size_t i = 0; i <= COMMANDS_COUNT; i++)
		names[i] = commands[i] != NULL ? commands[i]->name : NULL;
	near = text_nearest(name, names);
	(void)fprintf(stderr, "tappet: there is no command \"%.*s\"", TEXT_ARG(name));
	if (near != NULL)
		(void)fprintf(stderr, "; did you mean \"%s\"?", near);
	(void)fprintf(stderr, "\ntry \"tappet --help\"\n");
	return COMMAND_USAGE;
}

/* The exit code of what only prints. */
static int written(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return COMMAND_OK;
	(void)fprintf(stderr, "tappet: standard output can't be written\n");
	return COMMAND_FAILED;
}

static int help(const char *name)
{
	const struct command *command = name != NULL ? find(text_of(name)) : NULL;
	struct buf out;

	if (name != NULL && command == NULL)
		return unknown(text_of(name));
	buf_init(&out, LIMIT_COMMAND_OUTPUT);
	if (command != NULL)
		options_help(&out, command);
	else
		overview(&out);
	(void)fputs(buf_cstr(&out), stdout);
	buf_fini(&out);
	return written();
}

/* "tappet: unknown option --nope" when one is among these; else COMMAND_OK. */
static int refuse_unknown_option(int count, const char *const *argv)
{
	const char *word = options_unknown(count, argv);

	if (word == NULL)
		return COMMAND_OK;
	(void)fprintf(stderr, "tappet: unknown option %s\ntry \"tappet --help\"\n", word);
	return COMMAND_USAGE;
}

/* "tappet help [COMMAND]". */
static int help_command(int count, const char *const *argv)
{
	int at = options_before_command(count, argv);
	int code = refuse_unknown_option(at, argv);

	if (code != COMMAND_OK)
		return code;
	return help(at < count ? argv[at] : NULL);
}

/* ---- One command. ---- */

/* argv without the command's own word, which may stand behind options. */
static int run(const struct command *command, int count, const char *const *argv, int at)
{
	struct context context;
	int code = COMMAND_USAGE;

	if (!context_init(&context)) {
		(void)fprintf(stderr, "tappet: memory is out\n");
		return COMMAND_FAILED;
	}
	const char **rest = arena_array(context.arena, (size_t)count, sizeof(*rest));

	for (int i = 0, n = 0; rest != NULL && i < count; i++)
		if (i != at)
			rest[n++] = argv[i];
	if (rest != NULL && options_parse(&context, command, count - 1, rest))
		code = command->run(&context);
	if (!context_fini(&context) && code == COMMAND_OK)
		code = COMMAND_FAILED;
	return code;
}

static int no_command(int count, const char *const *argv)
{
	if (count > 0 && strcmp(argv[0], "--version") == 0) {
		(void)printf("tappet %s\n", TAPPET_VERSION);
		return written();
	}
	if (options_want_help(count, argv))
		return help(NULL);
	if (refuse_unknown_option(count, argv) != COMMAND_OK)
		return COMMAND_USAGE;
	if (count > 0)
		(void)fprintf(stderr, "tappet: which command?\n");
	(void)help(NULL);
	return COMMAND_USAGE;
}

int main(int argc, char **argv)
{
	const char *const *words = (const char *const *)argv + 1;
	int count = argc > 0 ? argc - 1 : 0;
	int at = options_before_command(count, words);
	const struct command *command;

	assert(at <= count);
	if (at == count)
		return no_command(count, words);
	if (strcmp(words[at], "help") == 0)
		return help_command(count - at - 1, words + at + 1);
	command = find(text_of(words[at]));
	if (command == NULL)
		return unknown(text_of(words[at]));
	if (options_want_help(count, words))
		return help(command->name);
	return run(command, count, words, at);
}
