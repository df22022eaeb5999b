/* SPDX-License-Identifier: Apache-2.0
 *
 * options - command lines by table; see command.h.
 *
 * Long options as --name VALUE and --name=VALUE, short ones as -c VALUE and
 * -cVALUE, anywhere among the arguments; "--" ends them. What is not known is an
 * error with the nearest name, never passed over.
 * Never: abbreviates a name, or bundles short flags. */
#include "engine/commands/command.h"

#include <assert.h>
#include <stdio.h>

static const struct option_row common[] = {
	{ "config", 'c', "FILE",
	  "the configuration (default tappet.yaml); of several, later ones win" },
	{ "format", 0, "text|json", "tables for people, or JSON lines for programs" },
	{ "help", 'h', NULL, "this text" },
	{ 0 },
};

/* ---- Finding rows. ---- */

static const struct option_row *row_find(const struct option_row *table, struct text name,
					 char letter)
{
	for (; table != NULL && table->name != NULL; table++)
		if (letter != 0 ? table->letter == letter : text_is(name, table->name))
			return table;
	return NULL;
}

/* A command's own rows come first: a common word may mean something else to it. */
static const struct option_row *row_any(const struct command *command, struct text name,
					char letter)
{
	const struct option_row *row =
	    command != NULL ? row_find(command->options, name, letter) : NULL;

	return row != NULL ? row : row_find(common, name, letter);
}

static const char *row_nearest(const struct command *command, struct text name)
{
	const char *names[2 * OPTIONS_MAX + 1];
	size_t n = 0;

	for (const struct option_row *r = common; r->name != NULL; r++)
		names[n++] = r->name;
	for (const struct option_row *r = command->options; r != NULL && r->name != NULL; r++) {
		assert(n < 2 * OPTIONS_MAX);
		names[n++] = r->name;
	}
	names[n] = NULL;
	return text_nearest(name, names);
}

/* ---- One word. ---- */

struct word {
	const struct option_row *row;
	struct text name;  /* as written, for messages */
	const char *value; /* what stands in the same word, or NULL */
};

static bool word_is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static struct word word_read(const struct command *command, const char *word)
{
	struct word w = { 0 };

	assert(word_is_option(word));
	if (word[1] == '-') {
		struct text rest = text_split(text_of(word + 2), '=', &w.name);

		w.row = row_any(command, w.name, 0);
		w.value = rest.s;
	} else {
		w.name = (struct text){ word + 1, 1 };
		w.row = row_any(command, TEXT_NONE, word[1]);
		w.value = word[2] != '\0' ? word + 2 : NULL;
	}
	return w;
}

static bool refuse_unknown(const struct context *context, const char *word, struct text name)
{
	const char *near = word[1] == '-' ? row_nearest(context->command, name) : NULL;

	if (near != NULL)
		(void)context_usage(context, "unknown option %s; did you mean --%s?", word, near);
	else
		(void)context_usage(context, "unknown option %s", word);
	return false;
}

static bool take_format(struct context *context, const char *value)
{
	assert(value != NULL);
	if (strcmp(value, "json") == 0)
		context->format = OUTPUT_JSON;
	else if (strcmp(value, "text") == 0)
		context->format = OUTPUT_TEXT;
	else
		(void)context_usage(context, "--format is text or json, not \"%s\"", value);
	return strcmp(value, "json") == 0 || strcmp(value, "text") == 0;
}

static bool take_config(struct context *context, const char *value)
{
	assert(value != NULL);
	if (!context->config_given)
		context->config_count = 0;
	if (context->config_count == CONFIGS_MAX) {
		(void)context_usage(context, "more than %d files with -c", CONFIGS_MAX);
		return false;
	}
	context->config_files[context->config_count++] = value;
	context->config_given = true;
	return true;
}

static bool take_option(struct context *context, const struct option_row *row, const char *value)
{
	if (row == &common[0])
		return take_config(context, value);
	if (row == &common[1])
		return take_format(context, value);
	if (row == &common[2])
		return true;
	if (context->given_count == OPTIONS_MAX || option_flag(context, row->name)) {
		(void)context_usage(context, "--%s is given twice", row->name);
		return false;
	}
	context->given[context->given_count++] = (struct option_given){ row, value };
	return true;
}

/* Takes the option at argv[*at], and its value, moving *at to the last word used. */
static bool parse_option(struct context *context, int count, const char *const *argv, int *at)
{
	struct word w = word_read(context->command, argv[*at]);

	if (w.row == NULL)
		return refuse_unknown(context, argv[*at], w.name);
	if (w.row->value == NULL && w.value != NULL) {
		(void)context_usage(context, "--%s takes no value", w.row->name);
		return false;
	}
	if (w.row->value != NULL && w.value == NULL) {
		if (*at + 1 >= count) {
			(void)context_usage(context, "--%s needs a value: %s", w.row->name,
					    w.row->value);
			return false;
		}
		w.value = argv[++*at];
	}
	return take_option(context, w.row, w.value);
}

static bool check_count(const struct context *context)
{
	const struct command *c = context->command;

	if (context->arg_count < c->least) {
		(void)context_usage(context, "too few arguments");
		return false;
	}
	if (c->most >= 0 && context->arg_count > c->most) {
		(void)context_usage(context, "\"%s\" is one argument too many",
				    context->args[c->most]);
		return false;
	}
	return true;
}

bool options_parse(struct context *context, const struct command *command, int count,
		   const char *const *argv)
{
	const char **args = arena_array(context->arena, (size_t)count + 1, sizeof(*args));
	bool options = true;

	assert(command != NULL && count >= 0);
	context->command = command;
	if (args == NULL) {
		(void)context_fail(context, COMMAND_FAILED, "memory is out");
		return false;
	}
	context->args = args;
	for (int i = 0; i < count; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (!options || !word_is_option(argv[i]))
			args[context->arg_count++] = argv[i];
		else if (!parse_option(context, count, argv, &i))
			return false;
	}
	args[context->arg_count] = NULL;
	return check_count(context);
}

bool options_want_help(int count, const char *const *argv)
{
	for (int i = 0; i < count && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return true;
	return false;
}

int options_before_command(int count, const char *const *argv)
{
	int i = 0;

	while (i < count && word_is_option(argv[i])) {
		struct word w = word_read(NULL, argv[i]);

		i += w.row != NULL && w.row->value != NULL && w.value == NULL ? 2 : 1;
	}
	return i < count ? i : count;
}

const char *options_unknown(int count, const char *const *argv)
{
	for (int i = 0; i < count && word_is_option(argv[i]); i++) {
		struct word w = word_read(NULL, argv[i]);

		if (w.row == NULL)
			return argv[i];
		i += w.row->value != NULL && w.value == NULL;
	}
	return NULL;
}

/* ---- Asking. ---- */

static const struct option_given *given_find(const struct context *context, const char *name)
{
	assert(context != NULL && name != NULL);
	for (int i = 0; i < context->given_count; i++)
		if (strcmp(context->given[i].row->name, name) == 0)
			return &context->given[i];
	return NULL;
}

bool option_flag(const struct context *context, const char *name)
{
	return given_find(context, name) != NULL;
}

const char *option_value(const struct context *context, const char *name)
{
	const struct option_given *given = given_find(context, name);

	return given != NULL ? given->value : NULL;
}

bool options_only(const struct context *context, const char *what, const char *const *names)
{
	assert(context != NULL && what != NULL && names != NULL);
	for (int i = 0; i < context->given_count; i++) {
		const char *name = context->given[i].row->name;
		size_t k = 0;

		while (names[k] != NULL && strcmp(names[k], name) != 0)
			k++;
		if (names[k] == NULL) {
			(void)context_usage(context, "--%s is not for %s", name, what);
			return false;
		}
	}
	return true;
}

/* ---- Help. ---- */

static void help_row(struct buf *out, const struct option_row *row)
{
	char left[64];
	char letter[8] = "    ";

	if (row->letter != 0)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
		       row->value != NULL ? " " : "", row->value != NULL ? row->value : "");
	buf_printf(out, "  %-26s %s\n", left, row->doc);
}

void options_help(struct buf *out, const struct command *command)
{
	assert(out != NULL && command != NULL);
	buf_printf(out, "usage: tappet %s%s%s [options]\n\n%s.\n", command->name,
		   command->arguments[0] != '\0' ? " " : "", command->arguments, command->doc);
	if (command->more != NULL)
		buf_printf(out, "\n%s\n", command->more);
	buf_str(out, "\noptions:\n");
	for (const struct option_row *r = command->options; r != NULL && r->name != NULL; r++)
		help_row(out, r);
	for (const struct option_row *r = common; r->name != NULL; r++)
		if (row_find(command->options, text_of(r->name), 0) == NULL)
			help_row(out, r);
}
