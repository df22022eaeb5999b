/* SPDX-License-Identifier: Apache-2.0
 *
 * test_recordings - the replies recorded for a row of a connector's tables, and
 * the connection that the row is tried with.
 *
 * One file for each action and pollable resource, replies/CONNECTOR/ROW.replies,
 * and replies/CONNECTOR/errors.replies for what every route of the product may
 * answer; ROW+WORD.replies are further ones of the row, with other parameters.
 * replies/README.md has their language. Replies are written after the
 * vendors' documentation, not taken from anybody's account.
 * Ownership: all of it lives in the arena given. */
#ifndef TAPPET_TESTS_RECORDINGS_H
#define TAPPET_TESTS_RECORDINGS_H

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/connectors/connector.h"

#define RECORDED_MOST 40

struct recorded {
	/* Empty, or what it answers: found; after; changes, sweep, verify, again, next. */
	struct text part;
	int status;
	struct text fate; /* ok, more, absent, retry, reject */
	struct text type; /* Content-Type */
	struct text link; /* Link */
	struct text words;
	struct text body;
};

struct recording {
	struct text path;
	struct text connection;      /* flow YAML; empty: none */
	struct text params;          /* flow YAML; empty: the action's example */
	struct text cut, odd, empty; /* what becomes of a body cut short (or no JSON at all), of
				      * JSON of another shape, of none */
	struct recorded replies[RECORDED_MOST];
	unsigned count;
};

/* The file's content with a NUL behind it, or TEXT_NONE. Tests run in the root. */
static inline struct text recorded_file(struct arena *arena, const char *name)
{
	struct text path = text_printf(arena, "tests/unit/replies/%s", name);
	FILE *file = fopen(path.s, "r");
	char *content;
	size_t n;

	if (file == NULL)
		return TEXT_NONE;
	content = arena_zero(arena, 64 * KIB);
	n = fread(content, 1, 64 * KIB, file);
	ck_assert_msg(n < 64 * KIB, "%s is too large", path.s);
	(void)fclose(file);
	return (struct text){ content, n };
}

static inline struct text recorded_word(struct text *line)
{
	struct text word;

	*line = text_split(text_trim(*line), ' ', &word);
	return word;
}

/* "== [PART] STATUS FATE [as TYPE][: WORDS]", or "linked LINK" in place of "as TYPE". */
static inline void recorded_head(struct recording *r, struct text line)
{
	struct recorded *one = &r->replies[r->count++];
	struct text word = recorded_word(&line);
	size_t colon = text_find(line, TEXT(": "));
	int64_t status;

	ck_assert_msg(r->count <= RECORDED_MOST, "%s: too many replies", r->path.s);
	*one = (struct recorded){ .type = TEXT("application/json") };
	if (colon != SIZE_MAX) {
		one->words = (struct text){ line.s + colon + 2, line.n - colon - 2 };
		line.n = colon;
	}
	if (!text_to_int(word, &status)) {
		one->part = word;
		word = recorded_word(&line);
	}
	ck_assert_msg(text_to_int(word, &status), "%s: no status %.*s", r->path.s, TEXT_ARG(word));
	one->status = (int)status;
	one->fate = recorded_word(&line);
	ck_assert_msg(text_is(one->fate, "ok") || text_is(one->fate, "retry") ||
			  text_is(one->fate, "reject") || text_is(one->fate, "more") ||
			  text_is(one->fate, "absent"),
		      "%s: no fate %.*s", r->path.s, TEXT_ARG(one->fate));
	word = recorded_word(&line);
	if (text_is(word, "as"))
		one->type = text_trim(line);
	else if (text_is(word, "linked"))
		one->link = text_trim(line);
	else
		ck_assert_msg(word.n == 0, "%s: no word %.*s", r->path.s, TEXT_ARG(word));
}

static inline void recorded_setting(struct recording *r, struct text line)
{
	struct text name = recorded_word(&line);

	if (text_is(name, "connection"))
		r->connection = line;
	else if (text_is(name, "params"))
		r->params = line;
	else if (text_is(name, "cut"))
		r->cut = line;
	else if (text_is(name, "odd"))
		r->odd = line;
	else if (text_is(name, "empty"))
		r->empty = line;
	else
		ck_assert_msg(name.n == 0 || name.s[0] == '#', "%s: no setting %.*s", r->path.s,
			      TEXT_ARG(name));
}

/* A body "@NAME" is the file of that name. */
static inline struct text recorded_body(struct arena *arena, struct text body)
{
	struct text name = text_trim(body), content;

	if (name.n < 2 || name.s[0] != '@')
		return name;
	content = recorded_file(arena, text_printf(arena, "%.*s", (int)name.n - 1, name.s + 1).s);
	ck_assert_msg(content.n > 0, "no %.*s", TEXT_ARG(name));
	return content;
}

/* False when there is no such file. */
static inline bool recording_load(struct arena *arena, const char *connector, const char *row,
				  struct recording *out)
{
	struct text name = text_printf(arena, "%s/%s.replies", connector, row);
	struct text rest = recorded_file(arena, name.s), line;
	struct recorded *open = NULL;

	*out = (struct recording){ .path = name };
	out->cut = out->odd = out->empty = TEXT("retry");
	while (rest.n > 0) {
		rest = text_split(rest, '\n', &line);
		if (text_starts(line, TEXT("== "))) {
			recorded_head(out, (struct text){ line.s + 3, line.n - 3 });
			open = &out->replies[out->count - 1];
			open->body = (struct text){ rest.s, 0 };
		} else if (open == NULL) {
			recorded_setting(out, line);
		} else {
			open->body.n = (size_t)(line.s + line.n - open->body.s);
		}
	}
	for (unsigned i = 0; i < out->count; i++)
		out->replies[i].body = recorded_body(arena, out->replies[i].body);
	return open != NULL;
}

/* The flow YAML of the connection that the row is tried with; TEXT_NONE: it needs none. */
static inline struct text recorded_connection(struct arena *arena, const char *connector,
					      const char *row)
{
	struct recording r;

	(void)recording_load(arena, connector, row, &r);
	if (r.connection.n == 0)
		(void)recording_load(arena, connector, "errors", &r);
	return r.connection;
}

#define RECORDED_ROWS 8

/* The names of the row's recordings: its own first, then ROW+WORD. */
static inline unsigned recorded_rows(struct arena *arena, const char *connector, const char *row,
				     const char *out[RECORDED_ROWS])
{
	glob_t found;
	unsigned count = 1;

	out[0] = row;
	if (glob(text_printf(arena, "tests/unit/replies/%s/%s+*.replies", connector, row).s, 0,
		 NULL, &found) != 0)
		return count;
	ck_assert_uint_lt(found.gl_pathc, RECORDED_ROWS);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;

		out[count++] = text_printf(arena, "%.*s", (int)strlen(name) - 8, name).s;
	}
	globfree(&found);
	return count;
}

/* The replies that went before the one in hand: pages of the same list. */
struct recorded_chain {
	const struct recorded *replies[RECORDED_MOST];
	unsigned count;
};

/* Before a reply is tried: one that follows nothing begins anew. */
static inline void chain_begin(struct recorded_chain *chain, const struct recorded *r)
{
	if (!text_is(r->part, "after"))
		chain->count = 0;
	ck_assert(chain->count > 0 || !text_is(r->part, "after"));
}

/* After it. */
static inline void chain_end(struct recorded_chain *chain, const struct recorded *r)
{
	if (text_is(r->fate, "more"))
		chain->replies[chain->count++] = r;
}

static inline bool status_is_2xx(int status)
{
	return status >= 200 && status < 300;
}

#endif
