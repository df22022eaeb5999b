/* SPDX-License-Identifier: Apache-2.0
 *
 * event_read - events as rules see them, read back from the store or from a
 * CloudEvent.
 *
 * Where the type's kind of object is known, fields have its types again, as they
 * had when the event came.
 * Ownership: what is made lives in the arena and borrows from what was given. */
#ifndef TAPPET_COMMANDS_EVENT_READ_H
#define TAPPET_COMMANDS_EVENT_READ_H

#include "engine/commands/command.h"
#include "engine/rules/rule.h"
#include "engine/store/store.h"
#include "engine/value/parse.h"

/* The configuration says what events plugins have. False when the record's JSON can't be read. */
bool event_of_record(const struct config *config, struct json_parser *parser, struct arena *arena,
		     const struct event_record *record, struct event_view *out);

/* An event in CloudEvents' JSON format, with `connection` and `before` beside it. Its time is
 * `now` when it names none. The value was parsed a moment ago and nobody else knows it: fields
 * get their types in place. False without id and type. */
bool event_of_cloudevent(const struct config *config, struct typer *typer, struct arena *arena,
			 struct value v, int64_t now, struct event_view *out);

/* What a store knows of objects: the `of` of struct entities. */
struct known_objects {
	struct store *store;
	struct json_parser *parser;
};

struct value event_known(void *of, struct arena *arena, struct text connection,
			 const struct object_kind *kind, struct text id);

/* The recorded event that a word of a command line names: its id, its seq, or run:ID. */
bool event_find(struct store *store, struct arena *arena, struct text word,
		struct event_record *out);

/* A CloudEvent in a file; COMMAND_OK, or the exit code after a message. `now`: ms. */
int event_of_file(struct context *context, const struct config *config, struct json_parser *parser,
		  const char *file, int64_t now, struct event_view *out);

#endif
