/* SPDX-License-Identifier: Apache-2.0
 *
 * test_connectors_kit - what the tests of connectors share: a call to give to
 * their functions, JSON in and out, and the recorded replies.
 *
 * Replies are written after the vendors' documentation, not taken from anybody's
 * account. */
#ifndef TAPPET_TESTS_CONNECTORS_KIT_H
#define TAPPET_TESTS_CONNECTORS_KIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/connectors/connector.h"

static struct arena *arena;
static struct json_parser *parser;
static struct call call;
static struct buf out;

static inline void setup(void)
{
	arena = arena_new("test", LIMIT_EVENT_ARENA);
	parser = json_parser_new();
	ck_assert_ptr_nonnull(arena);
	ck_assert_ptr_nonnull(parser);
	buf_init(&out, 64 * MIB);
	call = (struct call){ .arena = arena, .parser = parser, .idempotency_key = "k" };
	call.settings = (struct value){ .kind = VALUE_MAP };
}

static inline void teardown(void)
{
	buf_fini(&out);
	json_parser_free(parser);
	arena_free(arena);
}

static inline struct value parsed(struct text json)
{
	struct json_error error = { .what = "" };
	struct value v = value_null();

	ck_assert_msg(json_parse(parser, arena, json, &v, &error) == FATE_OK, "%s at %zu: %.*s",
		      error.what, error.offset, TEXT_ARG(json));
	return v;
}

static inline const char *json_of(struct value v)
{
	buf_clear(&out);
	value_write(&out, v);
	return buf_cstr(&out);
}

/* JSON at a dotted path; "absent" when there is nothing. */
static inline const char *at(struct value v, const char *path)
{
	const struct value *found = value_path(v, text_of(path));

	return found != NULL ? json_of(*found) : "absent";
}

/* A file of tests/unit/replies, in the arena, with a NUL behind it. Tests run in the root. */
static inline struct text recorded(const char *name)
{
	struct text path;
	char *content;
	FILE *file;
	size_t n;

	path = text_printf(arena, "tests/unit/replies/%s", name);
	file = fopen(path.s, "r");
	ck_assert_msg(file != NULL, "no %s", path.s);
	content = arena_zero(arena, 64 * KIB);
	n = fread(content, 1, 64 * KIB, file);
	ck_assert(n > 0 && n < 64 * KIB);
	(void)fclose(file);
	return (struct text){ content, n };
}

static inline const struct connector *connector(const char *name)
{
	const struct connector *found = connector_find(text_of(name));

	ck_assert_msg(found != NULL, "no connector %s", name);
	return found;
}

static inline const struct action *action(const char *of, const char *name)
{
	const struct action *found = connector_action(connector(of), text_of(name));

	ck_assert_msg(found != NULL, "no action %s.%s", of, name);
	return found;
}

static struct value kept; /* what the request that was built last keeps for its reply */

/* "PUT /workspaces/7 application/json {...}", or "reject: why". */
static inline const char *built(const char *of, const char *name, const char *params)
{
	struct request request;
	enum fate fate;

	call.why[0] = '\0';
	fate = action(of, name)->build(&call, parsed(text_of(params)), &request);
	kept = fate == FATE_OK ? request.keep : value_null();
	buf_clear(&out);
	if (fate != FATE_OK) {
		buf_printf(&out, "%s: %s", fate_word(fate), call.why);
		ck_assert(text_is_utf8(text_of(call.why)));
		return buf_cstr(&out);
	}
	buf_printf(&out, "%s %s%.*s", request.method, request.absolute ? "!" : "",
		   TEXT_ARG(request.url));
	for (unsigned i = 0; i < request.header_count; i++)
		buf_printf(&out, " [%.*s: %.*s]", TEXT_ARG(request.headers[i].name),
			   TEXT_ARG(request.headers[i].value));
	if (request.content_type != NULL)
		buf_printf(&out, " (%s)", request.content_type);
	if (request.body.n > 0)
		buf_printf(&out, " %.*s", TEXT_ARG(request.body));
	return buf_cstr(&out);
}

static inline enum fate read_reply(const char *of, const char *name, int status,
				   const char *content_type, struct text body,
				   struct reading *reading)
{
	struct reply reply = { status, body, text_of(content_type) };

	call.why[0] = '\0';
	*reading = (struct reading){ .result = value_null() };
	return action(of, name)->read(&call, &reply, reading);
}

#endif
