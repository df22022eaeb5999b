/* SPDX-License-Identifier: Apache-2.0
 *
 * context - what every command starts and ends with; see command.h. */
#include "engine/commands/command.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/limits.h"

/* https://no-color.org: any value but the empty one means no colour. */
static bool colour_wanted(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

bool context_init(struct context *context)
{
	assert(context != NULL);
	*context = (struct context){ .config_files = { "tappet.yaml" }, .config_count = 1 };
	context->arena = arena_new("command", LIMIT_COMMAND_ARENA);
	context->colour = colour_wanted();
	buf_init(&context->out, LIMIT_COMMAND_OUTPUT);
	return context->arena != NULL;
}

bool context_fini(struct context *context)
{
	bool whole = context_flush(context);

	buf_fini(&context->out);
	arena_free(context->arena);
	return whole;
}

static void lose(struct context *context, const char *why)
{
	if (!context->lost)
		(void)fprintf(stderr, "tappet: %s\n", why);
	context->lost = true;
}

bool context_flush(struct context *context)
{
	struct buf *out = &context->out;
	bool failed = buf_failed(out);
	char why[160];

	if (!context->lost) {
		errno = 0;
		if ((out->n > 0 && fwrite(out->s, 1, out->n, stdout) != out->n) ||
		    fflush(stdout) != 0) {
			(void)snprintf(why, sizeof(why), "standard output can't be written: %s",
				       strerror(errno));
			lose(context, why);
		}
	}
	if (failed)
		lose(context, "the output is too large");
	buf_clear(out);
	return !context->lost;
}

static void complain(const struct context *context, const char *format, va_list args)
{
	const char *name = context->command != NULL ? context->command->name : "";

	(void)fprintf(stderr, "tappet%s%s: ", name[0] != '\0' ? " " : "", name);
	(void)vfprintf(stderr, format, args);
	(void)fputc('\n', stderr);
}

int context_fail(const struct context *context, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(context, format, args);
	va_end(args);
	return code;
}

int context_usage(const struct context *context, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(context, format, args);
	va_end(args);
	if (context->command != NULL)
		(void)fprintf(stderr, "try \"tappet %s --help\"\n", context->command->name);
	else
		(void)fprintf(stderr, "try \"tappet --help\"\n");
	return COMMAND_USAGE;
}
