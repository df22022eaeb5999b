/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_manifest - what a plugin says of itself (plugins/PROTOCOL.md, The
 * manifest), as the tables that any connector has: the loader, the checker, the
 * catalog, `tappet connectors` and the sequencer use them like those that are
 * built in.
 *
 *   plugin_manifest.c   the JSON, checked; every mistake names its path
 *   plugin_tables.c     parameters, fields and results as tables
 *   plugin_call.c       building a job and reading what comes of it
 *
 * I1  A manifest never changes once it is made; it is counted by reference and may
 *     be used by several threads.
 * I2  All its names are lower-case letters, digits and _; no text in it has control
 *     characters, so it may be shown on a terminal.
 * I3  Its memory is bounded by LIMIT_MANIFEST_ARENA, whatever the JSON is.
 * Ownership: an arena of its own holds it; manifest_free lets go of one reference. */
#ifndef TAPPET_RULES_PLUGIN_MANIFEST_H
#define TAPPET_RULES_PLUGIN_MANIFEST_H

#include "engine/connectors/connector.h"

#define PLUGIN_REQUEST "PLUGIN" /* the method of a request that is a job */

struct manifest;

#define MANIFEST_WORDS 320 /* bytes of what is wrong, with the NUL */

/* From the JSON of HELLO's body; `plugin` is the name in tappet.yaml. NULL fills `words`: the path
 * and what is wrong there ("actions.reserve.params.count.type: ..."), or that memory is out. */
struct manifest *manifest_read(struct text plugin, struct text json, char words[MANIFEST_WORDS]);

/* Of a plugin that nobody knows anything about yet: it has no actions and no events. NULL when
 * memory is out. */
struct manifest *manifest_unknown(struct text plugin);

struct manifest *manifest_ref(struct manifest *manifest);
void manifest_free(struct manifest *manifest); /* NULL is fine */

bool manifest_is_known(const struct manifest *manifest);
struct text manifest_json(const struct manifest *manifest); /* as it was given */
struct text manifest_version(const struct manifest *manifest);

/* Named as the plugin is; its events are "plugin.NAME.TYPE". */
const struct connector *manifest_connector(const struct manifest *manifest);

/* The event by its name in the manifest ("low"), NULL: there is none. */
const struct event_type *manifest_event(const struct manifest *manifest, struct text type);

/* Whether an event's data is as its `fields` say: an object when there are any, and each member
 * that they name of its type (null: as if it weren't there). Others may be anything. False fills
 * `words`, which quote nothing of the data. */
bool manifest_fits(const struct event_type *event, struct value data, char words[MANIFEST_WORDS]);

/* What a plugin and all that it has may be called. */
bool manifest_is_name(struct text t);

/* ---- plugin_call.c ---- */

/* An action of which only the name is known: it takes any parameters. NULL when memory is out. */
const struct action *manifest_any_action(struct arena *arena, struct text name);

/* The plugin's own words in what is read of a job that ended badly: {"error": "..."}. */
struct text manifest_error_words(struct call *call, const struct reply *reply);

/* struct action's functions, for any action of any plugin. */
enum fate manifest_build(struct call *call, struct value params, struct request *out);
enum fate manifest_result(struct call *call, const struct reply *reply, struct reading *out);

#endif
