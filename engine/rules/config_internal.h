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
	struct plugin_config *plugins;
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

/* Is what should hold a secret among its members a map? A text in its place may be the secret
 * itself: it is hidden, and `like` shows what to write. */
bool config_secret_map(struct configuring *c, const struct yaml_node *node, const char *what,
		       const char *like);

/* Says so when a secret that is there doesn't spell a key: a warning while configurations are only
 * checked and it comes from outside, else an error. */
void config_key_spelled(struct configuring *c, const struct yaml_node *node, struct text given,
			enum key_form form);

/* A plain text in which ${env:NAME} may stand. */
bool config_env_text(struct configuring *c, const struct yaml_node *node, struct text *out);

/* A text that can't hold ${…}. */
bool config_text(struct configuring *c, const struct yaml_node *node, struct text *out);

/* Reads a file that is no secret (a certificate) and has it watched like one. Empty after
 * reporting: an error in any case, for the file is named in the configuration. */
struct text config_file(struct configuring *c, const struct yaml_node *node, size_t limit);

/* The same text as config_secret reads, without the warning about one that is written out;
 * *literal says whether it was. */
struct secret *config_secret_text(struct configuring *c, const struct yaml_node *node,
				  bool *literal);

/* A secret kept as long as the configuration; NULL when memory is out. */
struct secret *config_keep(struct configuring *c, struct text bytes);

/* The map `secrets`. */
void config_secrets(struct configuring *c, const struct yaml_node *map);

/* ---- config_connections.c ---- */

void config_connections(struct configuring *c, const struct yaml_node *map);

/* The host of a URL with its port, as it is written. */
struct text config_url_host(struct text url);

/* True when what stands behind the URL's host isn't what is written: it came by ${env:NAME}. */
bool config_url_hides(struct text written, struct text url);

/* ---- config_auth.c ---- */

/* AUTH_ANY: the settings that are credentials, and how requests are signed. What of them is no
 * secret goes to `settings`, for the connector. */
void config_auth(struct configuring *c, const struct yaml_node *map, struct connection *conn,
		 struct value_map_builder *settings);
bool config_auth_owns(const char *setting);

/* ---- config_transport.c ---- */

/* The certificate of `listen`. */
void config_tls(struct configuring *c, const struct yaml_node *map);

/* proxy, ca_file. */
void config_transport(struct configuring *c, const struct yaml_node *map, struct connection *conn);

/* ---- config_signed.c ---- */

struct signed_template {
	bool outgoing; /* {method} and {path} exist, and any order goes */
	struct signed_part *parts;
	size_t count;
	unsigned seen; /* bits by kind */
	const char *wrong, *hint;
};

/* Reads `signed`; false after reporting, or when memory is out. What is wrong with it is in
 * t->wrong, for the caller to report. */
bool config_signed(struct configuring *c, const struct yaml_node *node, struct signed_template *t);

/* ---- config_mail.c ---- */

/* url, tls, username, password, hello of a connection over SMTP. */
void config_mail(struct configuring *c, const struct yaml_node *map, struct connection *conn);

/* Settings that config_mail reads. */
bool config_mail_owns(const char *setting);

/* ---- config_polls.c ---- */

/* The resource of a poll whose name the connector leaves to the user; NULL when it has no such
 * polls, or after reporting. */
const struct resource *config_any_poll(struct configuring *c, const struct connection *conn,
				       const struct yaml_node *key);

/* Of a resource with params: checks them and fills in poll->settings. The connection's own settings
 * are known already. */
void config_poll_settings(struct configuring *c, const struct connection *conn,
			  const struct yaml_node *node, struct poll_config *poll);

/* ---- config_hooks.c ---- */

/* A header's name (RFC 9110, 5.6.2) under `key`; *out stays as it is when there is none. */
void config_header_name(struct configuring *c, const struct yaml_node *map, const char *key,
			const char **out);

void config_hooks(struct configuring *c, const struct yaml_node *map);
void config_schedules(struct configuring *c, const struct yaml_node *map);

/* ---- config_plugins.c ---- */

void config_bus(struct configuring *c, const struct yaml_node *map);
void config_plugins(struct configuring *c, const struct yaml_node *map);
void config_bus_defaults(struct config *config, struct arena *arena);

/* ---- config_trusted.c ---- */

/* Gives the plugins their keys; mistakes are at the node. */
void config_trusted(struct configuring *c, const struct yaml_node *at);

/* Takes over the reference: it goes with the arena. False: memory is out, and it is gone. */
bool config_keep_manifest(struct arena *arena, struct manifest *manifest);

/* ---- config_verify.c ---- */

bool config_verify_scheme(const char *word, enum verify_scheme *out);

/* A hook's `verify`; false after reporting. */
bool config_verify(struct configuring *c, const struct yaml_node *map, enum verify_scheme *out);

/* The keys of the hook's scheme, its secrets included. */
/* keep_body: of a hook, or of a connection's webhook. */
void config_keep_body(struct configuring *c, const struct yaml_node *map, struct hook_config *hook);
/* silent_after: of these, and of a poll; *ms stays as it is without. False after reporting. */
bool config_silent_after(struct configuring *c, const struct yaml_node *map, int64_t *ms);
void config_verify_options(struct configuring *c, const struct yaml_node *map,
			   struct hook_config *hook);

/* ---- config.c ---- */

/* Checks that the key is a name nobody else in the file has; connections, hooks and plugins share
 * one namespace. */
bool config_name(struct configuring *c, const struct yaml_node *key, const char *what);

#endif
