/* SPDX-License-Identifier: Apache-2.0
 *
 * message - what the connectors of chat and alert targets share: texts shortened
 * to what a target takes, and the words of its replies on one line.
 *
 * I1  What is shortened stays UTF-8, ends in a note that says so, and breaks no
 *     escape apart (an entity of Slack, a backslash of Markdown).
 * Ownership: results live in call->arena or borrow from what was given. */
#ifndef TAPPET_CONNECTORS_MESSAGE_H
#define TAPPET_CONNECTORS_MESSAGE_H

#include "engine/connectors/connector.h"

/* How a target counts: UTF-16 units (what JavaScript and Java call characters) or bytes of UTF-8.
 */
enum message_unit { MESSAGE_CHARACTERS, MESSAGE_BYTES };

/* t, or its beginning and the note, at most `most` units together (most > 20). */
struct text message_cut(struct call *call, struct text t, size_t most, enum message_unit unit);

/* UTF-16 units. */
size_t message_characters(struct text t);

/* A copy of the map in which `name` is v, where it was or at the end. */
struct value message_set(struct call *call, struct value map, const char *name, struct value v);

/* The map with the text `name` in it shortened to `most` characters; the map itself when there is
 * nothing to shorten. */
struct value message_cut_member(struct call *call, struct value map, const char *name, size_t most);

/* The list with `each` applied to its items; anything else as it is. */
struct value message_each(struct call *call, struct value list,
			  struct value (*each)(struct call *call, struct value item));

/* Puts make(of, text) into the request as JSON of at most `most` bytes, shortening the text as far
 * as it takes. FATE_REJECT with call->why when the rest alone is too large. */
enum fate message_json(struct call *call, struct request *out, struct text text, size_t most,
		       struct value (*make)(struct call *call, struct value of, struct text text),
		       struct value of);

/* The beginning of a target's words on one line: control characters become blanks. */
struct text message_line(struct call *call, struct text words);

/* The text at a path of a JSON reply; TEXT_NONE when there is none. */
struct text message_words(struct call *call, const struct reply *reply, const char *path);

/* A connector's error_words for {"error":{"message":"..."}}, or any reply's beginning. */
struct text message_error(struct call *call, const struct reply *reply);

#endif
