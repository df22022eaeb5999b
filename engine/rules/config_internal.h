/* SPDX-License-Identifier: Apache-2.0
 *
 * config_internal - shared by the files that read tappet.yaml; see config.h.
 *
 * Ownership: everything that is read lives in the configuration's arena, which
 * lets go of secrets and zones when it is freed. */
#ifndef TAPPET_RULES_CONFIG_INTERNAL_H
#define TAPPET_RULES_CONFIG_INTERNAL_H

#include "engine/rules/config.h"
#include "engine/rules/reader.h"

/* One configuration being read. */
struct configuring {
	struct reader r;
	struct config *config;
	enum config_secrets secrets;
	/* Being filled; their counts are in config. */
	struct connection *connections;
	struct hook_config *hooks;
	struct schedule_config *schedules;
	struct text *secret_files;             /* of SECRET_FILES */
	struct arena *scratch;                 /* of the trees */
	const struct yaml_node **secret_nodes; /* that were read as secrets, in scratch */
	size_t secret_node_count, secret_node_room;
};

#define SECRET_FILES                                                                               \
	256 /* files that are watched; further ones are read again with a reload only */

/* What paths written in this node are relative to: the folder of its file. */
struct text config_folder(const struct configuring *c, const struct yaml_node *node);

/* ---- config_secrets.c ---- */

/* A secret: a text with any of ${env:NAME}, ${file:PATH}, ${credential:NAME} in it. NULL after
 * reporting. */
struct secret *config_secret(struct configuring *c, const struct yaml_node *node);

/* One or a list of them. */
bool config_secret_list(struct configuring *c, const struct yaml_node *node, struct secret ***out,
			size_t *count);

/* A plain text in which ${env:NAME} may stand. */
bool config_env_text(struct configuring *c, const struct yaml_node *node, struct text *out);

/* A text that can't hold ${…}. */
bool config_text(struct configuring *c, const struct yaml_node *node, struct text *out);

/* ---- config_connections.c ---- */

void config_connections(struct configuring *c, const struct yaml_node *map);

/* ---- config_hooks.c ---- */

void config_hooks(struct configuring *c, const struct yaml_node *map);
void config_schedules(struct configuring *c, const struct yaml_node *map);

/* ---- config_verify.c ---- */

bool config_verify_scheme(const char *word, enum verify_scheme *out);

/* A hook's `verify`; false after reporting. */
bool config_verify(struct configuring *c, const struct yaml_node *map, enum verify_scheme *out);

/* The keys of the hook's scheme, its secrets included. */
void config_verify_options(struct configuring *c, const struct yaml_node *map,
			   struct hook_config *hook);

/* ---- config.c ---- */

/* Checks that the key is a name nobody else in the file has; connections, hooks and plugins share
 * one namespace. */
bool config_name(struct configuring *c, const struct yaml_node *key, const char *what);

#endif
