/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt - brings rule files and tappet.yaml into one form; see fmt_text.h.
 *
 * Each file by itself: one that can't be read or written is told, and the others
 * are formatted all the same. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/commands/fmt_file.h"
#include "engine/commands/fmt_text.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"

static const struct option_row options[] = {
	{ "check", 0, NULL, "change nothing; list the files that would change, and fail then" },
	{ 0 },
};

#define STANDARD_INPUT "standard input"

struct session {
	struct context *context;
	bool check;
	bool failed; /* a file could not be formatted */
	bool differ; /* with check: a file would change */
};

static void fail(struct session *s, struct diags *diags, const char *path, const char *why)
{
	diags_add(diags, DIAG_ERROR, (struct place){ path, 0, 0 }, "", "%s", why);
	s->failed = true;
}

static void tell(struct session *s, const char *path)
{
	struct buf *out = &s->context->out;

	s->differ = true;
	if (s->context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_text(out, "file", text_of(path));
		json_close(out, '}');
	} else {
		buf_str(out, path);
	}
	buf_char(out, '\n');
}

/* The normal form of a text. False after telling why there is none. */
static bool format(struct session *s, struct diags *diags, const char *name, struct text content,
		   struct buf *out)
{
	enum fmt_end end = fmt_text(diags, name, content, out);

	if (end == FMT_BUG)
		fail(s, diags, name,
		     "BUG: formatted, it would mean something else; it is left as it was");
	s->failed = s->failed || end != FMT_DONE;
	return end == FMT_DONE;
}

static void format_file(struct session *s, struct diags *diags, const char *path)
{
	AUTO_FINI(buf_fini) struct buf content, out;
	char why[FMT_WHY];
	struct stat was;

	buf_init(&out, LIMIT_YAML_FILE);
	if (!fmt_file_read(path, &content, &was, why)) {
		fail(s, diags, path, why);
		return;
	}
	if (!format(s, diags, path, buf_view(&content), &out) ||
	    text_eq(buf_view(&content), buf_view(&out)))
		return;
	if (!s->check && !fmt_file_replace(path, &was, buf_view(&out), why))
		fail(s, diags, path, why);
	else
		tell(s, path);
}

/* Standard input to standard output. */
static void format_input(struct session *s, struct diags *diags)
{
	AUTO_FINI(buf_fini) struct buf content, out;
	const char *why;

	buf_init(&out, LIMIT_YAML_FILE);
	if (!reader_file(TEXT("/dev/stdin"), LIMIT_YAML_FILE, &content, &why)) {
		fail(s, diags, STANDARD_INPUT, why);
		return;
	}
	if (!format(s, diags, STANDARD_INPUT, buf_view(&content), &out))
		return;
	if (!s->check)
		buf_text(&s->context->out, buf_view(&out));
	else if (!text_eq(buf_view(&content), buf_view(&out)))
		tell(s, STANDARD_INPUT);
}

/* A path: NULL for standard input. False when memory is out. */
static bool format_one(struct session *s, const char *path)
{
	AUTO(diags_free) struct diags *diags = diags_new();

	if (diags == NULL)
		return false;
	if (path == NULL)
		format_input(s, diags);
	else
		format_file(s, diags, path);
	(void)setup_complain(diags);
	return true;
}

static bool format_paths(struct session *s, struct diags *diags)
{
	for (int i = 0; i < s->context->arg_count; i++) {
		const struct text *files;
		size_t count =
		    ruleset_files(s->context->arena, text_of(s->context->args[i]), diags, &files);

		for (size_t k = 0; k < count; k++)
			if (!format_one(s, files[k].s))
				return false;
	}
	return true;
}

static int run(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct session s = { .context = context, .check = option_flag(context, "check") };
	bool input = context->arg_count == 1 && strcmp(context->args[0], "-") == 0;

	for (int i = 0; i < context->arg_count && !input; i++)
		if (strcmp(context->args[i], "-") == 0)
			return context_usage(context, "\"-\" stands by itself");
	if (diags == NULL || !(input ? format_one(&s, NULL) : format_paths(&s, diags)))
		return context_fail(context, COMMAND_FAILED, "memory is out");
	if (setup_complain(diags))
		s.failed = true;
	return s.failed || (s.check && s.differ) ? COMMAND_FAILED : COMMAND_OK;
}

const struct command command_fmt = {
	.name = "fmt",
	.arguments = "FILE|FOLDER|-...",
	.doc = "Formats rule files and configurations",
	.more = "Files are rewritten in place and those that changed are listed; of a folder those "
		"that end in\n"
		".yaml or .yml. \"-\" formats standard input to standard output. What a file "
		"means never changes:\n"
		"only indentation, empty lines and blanks between words do.",
	.options = options,
	.least = 1,
	.most = -1,
	.run = run,
};
