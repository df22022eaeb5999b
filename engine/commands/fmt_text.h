/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_text - the normal form of rule files and tappet.yaml.
 *
 * Only white space between tokens, and the marks --- and ... around the document, are touched; one
 * exception: a block of text that ends without a line end becomes one that drops it ("|-"), for
 * what it says stays the same then. Comments, the order of keys, quotes and the lines of texts
 * stay.
 *
 * I1  What is written loads as the same tree, with the same comments: it is read again and
 *     compared before it is given out.
 * I2  Formatting what is formatted changes nothing.
 * Never: breaks or joins lines of texts and flow collections, sorts, changes quotes. */
#ifndef TAPPET_COMMANDS_FMT_TEXT_H
#define TAPPET_COMMANDS_FMT_TEXT_H

#include "engine/base/buf.h"
#include "engine/base/diag.h"
#include "engine/rules/yaml.h"

enum fmt_end {
	FMT_DONE,
	FMT_REFUSED, /* diags says why: the loader's own words, or what isn't formatted */
	FMT_BUG,     /* what came out means something else; nothing may be done with it */
};

/* Formats `content` into `out` (empty, given by the caller). `file` names it in messages. */
enum fmt_end fmt_text(struct diags *diags, const char *file, struct text content, struct buf *out);

/* ---- fmt_write.c ---- */

struct fmt_refusal {
	size_t at; /* byte offset */
	const char *what, *hint;
};

/* Writes the tree that `content` was read as in its normal form. False: *refusal says why (`what`
 * is NULL when the tree and the text don't fit each other). */
bool fmt_write(const struct yaml_node *root, struct text content, struct buf *out,
	       struct fmt_refusal *refusal);

/* ---- fmt_same.c ---- */

/* One file as read: the tree of a text. */
struct fmt_side {
	const struct yaml_node *root;
	struct text content;
};

/* True when both load the same, and have the same comments in the same order. */
bool fmt_same(const struct fmt_side *a, const struct fmt_side *b);

#endif
