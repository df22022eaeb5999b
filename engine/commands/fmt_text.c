/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_text - reads, writes, reads again and compares; see fmt_text.h. */
#include "engine/commands/fmt_text.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/commands/setup.h"
#include "engine/rules/walker.h"

static void refuse(struct diags *diags, const char *file, const struct fmt_side *side,
		   const struct fmt_refusal *why)
{
	struct walker walker = walker_of(side->content);

	diags_add(diags, DIAG_ERROR, walker_to(&walker, file, why->at), why->hint, "%s", why->what);
}

/* Unicode's own line ends, which readers of YAML take for different things, and byte order marks at
 * the start of a line, which libyaml passes over. SIZE_MAX: there are none. */
static size_t strange_end(struct text t)
{
	for (size_t i = 0; i + 1 < t.n; i++) {
		const char *s = t.s + i;

		if (memcmp(s, "\xc2\x85", 2) == 0)
			return i;
		if (i + 2 < t.n &&
		    (memcmp(s, "\xe2\x80\xa8", 3) == 0 || memcmp(s, "\xe2\x80\xa9", 3) == 0 ||
		     ((i == 0 || s[-1] == '\n' || s[-1] == '\r') &&
		      memcmp(s, "\xef\xbb\xbf", 3) == 0)))
			return i;
	}
	return SIZE_MAX;
}

static bool can_be_written(struct diags *diags, const char *file, const struct fmt_side *side)
{
	enum yaml_kind kind = side->root->kind;
	size_t strange = strange_end(side->content);
	char what[80];

	if (strange != SIZE_MAX) {
		refuse(diags, file, side,
		       &(struct fmt_refusal){
			   strange,
			   "a character that not every reader of YAML takes for a line end",
			   "in double quotes it can be written as \\u0085, \\u2028 or \\u2029" });
		return false;
	}
	if (kind == YAML_MAP || kind == YAML_NULL)
		return true;
	(void)snprintf(what, sizeof(what), "the file must be a map, not %s",
		       yaml_kind_words(side->root));
	refuse(diags, file, side, &(struct fmt_refusal){ side->root->from, what, "" });
	return false;
}

/* The tree of `content`, or NULL after reporting. */
static const struct yaml_node *tree(struct arena *arena, struct diags *diags, const char *file,
				    struct text content)
{
	size_t errors = diags_errors(diags);
	const char *shown = diags_source(diags, file, content);
	const struct yaml_node *root =
	    yaml_read(arena, diags, shown != NULL ? shown : file, content);

	return diags_errors(diags) == errors ? root : NULL;
}

/* Whether what came out loads as what went in. */
static bool same_again(const char *file, const struct fmt_side *before, struct text after)
{
	AUTO(arena_free) struct arena *arena = arena_new("fmt", LIMIT_RULES_ARENA);
	AUTO(diags_free) struct diags *diags = diags_new();
	struct fmt_side side = { .content = after };

	if (arena == NULL || diags == NULL)
		return false;
	side.root = tree(arena, diags, file, after);
	return side.root != NULL && fmt_same(before, &side);
}

static enum fmt_end too_large(struct diags *diags, const char *file)
{
	diags_add(diags, DIAG_ERROR, (struct place){ file, 1, 1 }, "split it into several files",
		  "formatted, the file would be larger than %u MiB", LIMIT_YAML_FILE / MIB);
	return FMT_REFUSED;
}

static enum fmt_end write_side(struct diags *diags, const char *file, const struct fmt_side *side,
			       struct buf *out)
{
	struct fmt_refusal why;

	if (!can_be_written(diags, file, side))
		return FMT_REFUSED;
	if (!fmt_write(side->root, side->content, out, &why)) {
		if (why.what == NULL)
			return FMT_BUG;
		refuse(diags, file, side, &why);
		return FMT_REFUSED;
	}
	if (buf_failed(out))
		return too_large(diags, file);
	return same_again(file, side, buf_view(out)) ? FMT_DONE : FMT_BUG;
}

enum fmt_end fmt_text(struct diags *diags, const char *file, struct text content, struct buf *out)
{
	AUTO(arena_free) struct arena *arena = arena_new("fmt", LIMIT_RULES_ARENA);
	struct fmt_side side = { .content = content.n > 0 ? content : TEXT("") };

	assert(diags != NULL && file != NULL);
	assert(out != NULL && out->n == 0);
	if (arena == NULL) {
		diags_add(diags, DIAG_ERROR, (struct place){ file, 0, 0 }, "", "memory is out");
		return FMT_REFUSED;
	}
	side.root = tree(arena, diags, file, content);
	if (side.root == NULL)
		return FMT_REFUSED;
	/* Positions in trees don't count a byte order mark. */
	if (text_starts(content, TEXT("\xef\xbb\xbf")))
		side.content = (struct text){ content.s + 3, content.n - 3 };
	return write_side(diags, file, &side, out);
}
