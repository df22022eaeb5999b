/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml - YAML 1.2 files as trees with positions (libyaml underneath).
 *
 * Core schema: yes/no/on/off are text. Duplicate keys, tabs in indentation,
 * anchors, aliases and tags are errors with a position. All mistakes that can be
 * told apart are reported, not only the first.
 * Ownership: the tree lives in the arena given and borrows nothing from the
 * content. Depth and size are bounded. */
#ifndef TAPPET_RULES_YAML_H
#define TAPPET_RULES_YAML_H

#include "engine/base/arena.h"
#include "engine/base/diag.h"
#include "engine/value/value.h"

enum yaml_kind { YAML_NULL, YAML_BOOL, YAML_INT, YAML_FLOAT, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_pair {
	struct yaml_node *key; /* always a scalar */
	struct yaml_node *val;
};

struct yaml_node {
	enum yaml_kind kind;
	struct place at;             /* of the node's first character */
	const struct yaml_node *key; /* that it stands under, or NULL: an item, the document */
	bool quoted;                 /* a text in quotes or a block */
	bool block;                  /* a text as | or > block */
	struct text text;            /* scalars: as written, unquoted */
	struct value scalar; /* scalars: null, bool, int, uint, double or text by the core schema */
	struct yaml_pair *pairs;  /* map, in the order written */
	struct yaml_node **items; /* list */
	size_t count;             /* pairs or items */
	size_t from, to;          /* byte offsets in the content: the node's source */
	const char *source;       /* the bytes from..to as written */
	bool comment_follows;     /* a plain scalar that a comment ends */
	bool mended;              /* a scalar that quoting.c put quotes around: reported already */
	bool damaged; /* a map or list of which some could not be read: what is missing may have
			 stood there */
};

/* Reads one document. NULL when it can't be used at all (diags has why). `file` must be a name that
 * diags_source returned. First makes the quoting mistakes people make understandable: see
 * quoting.c. */
struct yaml_node *yaml_read(struct arena *arena, struct diags *diags, const char *file,
			    struct text content);

/* The value under a key, or NULL. */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Plain data of a node (no templates). */
struct value yaml_value(struct arena *arena, const struct yaml_node *node);

/* Position of a byte offset inside a scalar's text, for errors in expressions: right for
 * plain, quoted and block scalars. */
struct place yaml_inside(const struct yaml_node *scalar, size_t offset);

/* A deep copy in another arena; places then name `file`. */
struct yaml_node *yaml_copy(struct arena *arena, const struct yaml_node *node, const char *file);

/* "a text", "a list", ...: for messages. */
const char *yaml_kind_words(const struct yaml_node *node);

/* Core schema of a plain scalar: its kind and value. */
enum yaml_kind yaml_resolve(struct arena *arena, struct text t, struct value *out);

#endif
