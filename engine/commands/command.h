/* SPDX-License-Identifier: Apache-2.0
 *
 * command - what a command of the CLI is: one row, one function.
 *
 * A command is a file commands/WORD.c with `const struct command command_WORD`
 * and the word in meson.build; main.c lists them all. Help, the parsing of
 * options and "did you mean" come from the row.
 *
 * Ownership: rows are static. A context lives for one command; its arena holds
 * what the command needs until it ends. Never: a command calls exit(). */
#ifndef TAPPET_COMMANDS_COMMAND_H
#define TAPPET_COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/text.h"

/* Exit codes, the same for all commands. */
enum command_exit {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1, /* a check or a test failed, or what was asked for does not exist */
	COMMAND_USAGE = 2,  /* the command line is wrong */
	COMMAND_ABSENT = 3, /* no daemon, or no store */
};

struct option_row {
	const char *name;  /* "since", written --since; NULL ends a table */
	char letter;       /* 'c', or 0 */
	const char *value; /* "FILE": what follows it; NULL: nothing does */
	const char *doc;
};

#define CONFIGS_MAX 8  /* files laid over each other; base, environment and machine are 3 */
#define OPTIONS_MAX 16 /* options given at once; more than any command knows */

struct option_given {
	const struct option_row *row;
	const char *value; /* NULL for a flag */
};

enum output_format { OUTPUT_TEXT, OUTPUT_JSON };

struct command;

struct context {
	const struct command *command;
	struct arena *arena;
	const char *config_files[CONFIGS_MAX]; /* of -c, or the default */
	size_t config_count;
	bool config_given; /* -c was there */
	enum output_format format;
	bool colour;             /* standard output is a terminal that wants colour */
	const char *const *args; /* what is left when the options are taken out */
	int arg_count;
	struct option_given given[OPTIONS_MAX];
	int given_count;
	struct buf out; /* goes to standard output with context_flush, and at the end */
	bool lost;      /* some of it could not be written; a message is out */
};

struct command {
	const char *name;
	const char *arguments;            /* as help shows them: "[RULES...]" */
	const char *doc;                  /* one sentence, without its dot */
	const char *more;                 /* further lines of help, or NULL */
	const struct option_row *options; /* besides the common ones; NULL: none */
	int least, most;                  /* arguments; most -1: any number */
	bool rehearses;                   /* rules in shadow are played as live ones */
	int (*run)(struct context *context);
};

/* ---- options.c ---- */

/* Takes the options out of argv[0..count) (the command's word isn't among them) and fills the
 * context. False after a message on standard error: exit with COMMAND_USAGE. */
bool options_parse(struct context *context, const struct command *command, int count,
		   const char *const *argv);

/* True when -h or --help is among the words. */
bool options_want_help(int count, const char *const *argv);

/* Words of argv that come before the command's: how many. */
int options_before_command(int count, const char *const *argv);

bool option_flag(const struct context *context, const char *name);
const char *option_value(const struct context *context, const char *name); /* NULL: not given */

/* For sub-commands: true when no option besides the common ones and those named (ends with NULL)
 * is given; else false after a message that the option is not for `what`. */
bool options_only(const struct context *context, const char *what, const char *const *names);

/* Before any command: the first option that no command knows; NULL: there is none. */
const char *options_unknown(int count, const char *const *argv);

void options_help(struct buf *out, const struct command *command);

/* ---- context.c ---- */

/* False when memory is out. */
bool context_init(struct context *context);

/* Flushes. False when not all output could be written since the beginning. */
bool context_fini(struct context *context);

/* Writes what is in `out` to standard output. False, after one message, when that is gone or full;
 * from then on nothing is written any more. */
bool context_flush(struct context *context);

/* "tappet events: ..." on standard error, and the code given back. */
int context_fail(const struct context *context, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The words of a wrong command line, with a pointer to the help: COMMAND_USAGE. */
int context_usage(const struct context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
