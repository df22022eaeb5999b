/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_parts - shared by the files that read a manifest; see plugin_manifest.h.
 *
 * I1  After the first mistake nothing more is read: manifest_wrong keeps the first. */
#ifndef TAPPET_RULES_PLUGIN_PARTS_H
#define TAPPET_RULES_PLUGIN_PARTS_H

#include "engine/rules/plugin_manifest.h"

#define MANIFEST_PATH 560 /* bytes: eight names and what is between them */

struct manifest_reading {
	struct arena *arena; /* of what stays */
	struct text plugin;
	char path[MANIFEST_PATH]; /* where we are: "actions.reserve.params" */
	size_t at;                /* its length */
	char *words;              /* MANIFEST_WORDS of them */
	bool wrong;
};

/* ---- plugin_manifest.c ---- */

/* Goes to a member; what it returns goes back to manifest_leave. */
size_t manifest_enter(struct manifest_reading *r, const char *member);
void manifest_leave(struct manifest_reading *r, size_t back);

/* Says what is wrong at the path. Always false. */
bool manifest_wrong(struct manifest_reading *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A text that may be shown, cut: for messages. */
#define MANIFEST_SHOWN 64
const char *manifest_shown(struct text t, char room[MANIFEST_SHOWN]);

/* A map without members but these (ends with NULL). */
bool manifest_members(struct manifest_reading *r, struct value v, const char *const *known);

/* A map of at most so many things with names. */
bool manifest_named(struct manifest_reading *r, struct value v, size_t most, const char *what);

/* The member's text, without control characters; *out stays as it is when there is none. */
bool manifest_text(struct manifest_reading *r, struct value map, const char *member,
		   const char **out);

/* The name of a thing, kept; NULL when memory is out. */
const char *manifest_keep(struct manifest_reading *r, struct text t);

/* ---- plugin_tables.c ---- */

/* A map of parameters; NULL after saying what is wrong. `depth`: 1 at the top. */
const struct param *manifest_params(struct manifest_reading *r, struct value map, unsigned depth);

/* A map of fields. */
const struct field *manifest_fields(struct manifest_reading *r, struct value map);

/* Whether an example has these fields. */
bool manifest_example(struct manifest_reading *r, const struct field *fields, struct value example);

/* The YAML of an action's parameters, and a sentence about its result. */
const char *manifest_params_example(struct manifest_reading *r, const struct param *params);
const char *manifest_result_words(struct manifest_reading *r, const struct field *fields);

#endif
