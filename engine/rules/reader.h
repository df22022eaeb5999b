/* SPDX-License-Identifier: Apache-2.0
 *
 * reader - taking typed things out of a YAML tree, with a message and a hint
 * for everything that is not as it should be.
 *
 * All functions report to the reader's diags and go on; where a value could not
 * be read they return false and leave *out alone.
 * I1  Places that outlive the reading name a file whose name the arena owns. */
#ifndef TAPPET_RULES_READER_H
#define TAPPET_RULES_READER_H

#include <stdint.h>

#include "engine/rules/yaml.h"

struct reader {
	struct arena *arena; /* of what stays */
	struct diags *diags;
	const char *file; /* the name to keep in places */
	/* Of several files: the names to keep, ends with NULL; or NULL. */
	const char *const *files;
};

/* The node's place, to be kept. */
struct place reader_place(const struct reader *r, const struct yaml_node *node);

#define reader_error(r, node, hint, ...)                                                           \
	diags_add((r)->diags, DIAG_ERROR, (node)->at, hint, __VA_ARGS__)
#define reader_warn(r, node, hint, ...)                                                            \
	diags_add((r)->diags, DIAG_WARNING, (node)->at, hint, __VA_ARGS__)

/* `did you mean "x"?`, or "". Both lists end with NULL; the second may be NULL. */
const char *reader_nearest(struct arena *arena, struct text word, const char *const *candidates);

/* Refuses keys of the map that are in neither list; those in `later` are "not yet". False when the
 * node is no map (reported; `what` names it: "a rule"). */
bool reader_keys(const struct reader *r, const struct yaml_node *map, const char *what,
		 const char *const *known, const char *const *later);

/* True for a map; else reports and shows one: `what: { member: VALUE }`, with the value as written
 * where there is one, else `like`. */
bool reader_map(const struct reader *r, const struct yaml_node *node, const char *what,
		const char *member, const char *like);

/* The value under a required key, or NULL after reporting. */
struct yaml_node *reader_need(const struct reader *r, const struct yaml_node *map, const char *key,
			      const char *hint);

/* Reports that the value must be `wanted`, by its key and kind: the value isn't told, it may be a
 * secret. */
void reader_refuse(const struct reader *r, const struct yaml_node *node, const char *wanted);

bool reader_text(const struct reader *r, const struct yaml_node *node, struct text *out);
bool reader_bool(const struct reader *r, const struct yaml_node *node, bool *out);
bool reader_int(const struct reader *r, const struct yaml_node *node, int64_t least, int64_t most,
		int64_t *out);
bool reader_number(const struct reader *r, const struct yaml_node *node, double *out); /* >= 0 */
bool reader_duration(const struct reader *r, const struct yaml_node *node, int64_t least,
		     int64_t *ms);
bool reader_size(const struct reader *r, const struct yaml_node *node, size_t least, size_t most,
		 size_t *out);

/* The index of the word in `words` (ends with NULL). Words in `later` are "not yet". */
bool reader_choice(const struct reader *r, const struct yaml_node *node, const char *const *words,
		   const char *const *later, int *out);

/* Calls item for each item of a list, or once for a single value. */
void reader_each(const struct yaml_node *node, void (*item)(void *of, struct yaml_node *node),
		 void *of);

bool reader_is_name(struct text t); /* [a-z][a-z0-9_-]*, at most 64 bytes */

/* A path relative to the directory of the file that names it. */
struct text reader_path(struct arena *arena, struct text directory, struct text path);
struct text reader_directory(struct text file); /* "." when there is none */

/* Reads a whole file; false with `why`. `out` is initialised in any case. */
struct buf;
bool reader_file(struct text path, size_t limit, struct buf *out, const char **why);

#endif
