/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_kit - what the tests of rules/ share: loading from a text, looking
 * for a mistake, evaluating against a JSON event.
 *
 * Files are written into a folder of their own beneath TMPDIR and removed. */
#ifndef TAPPET_TESTS_RULES_KIT_H
#define TAPPET_TESTS_RULES_KIT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/diag.h"
#include "engine/base/limits.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"
#include "engine/value/parse.h"
#include "tests/unit/unit_main.h"

/* A file in a folder of its own. */
struct kit_file {
	char folder[64];
	char path[192];
};

static inline void kit_write(struct kit_file *f, const char *name, const char *text)
{
	FILE *out;

	snprintf(f->folder, sizeof(f->folder), "/tmp/tappet-rules-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%.60s/%.100s", f->folder, name);
	out = fopen(f->path, "w");
	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	fclose(out);
}

static inline void kit_remove(struct kit_file *f)
{
	unlink(f->path);
	rmdir(f->folder);
}

/* Prints all mistakes, for a failing test. */
static inline void kit_show(struct diags *diags)
{
	struct buf b;

	buf_init(&b, MIB);
	diags_print(diags, &b, false);
	fputs(buf_cstr(&b), stderr);
	buf_fini(&b);
}

/* Asserts that there is a mistake at the line (and column, unless 0) whose message and hint hold
 * these words. */
static inline void kit_expect(struct diags *diags, int line, int column, const char *what,
			      const char *hint)
{
	for (size_t i = 0; i < diags_count(diags); i++) {
		const struct diag *d = diags_at(diags, i);

		if (d->at.line == line && (column == 0 || d->at.column == column) &&
		    strstr(d->what, what) != NULL && strstr(d->hint, hint) != NULL)
			return;
	}
	kit_show(diags);
	ck_abort_msg("no \"%s\" with \"%s\" at %d:%d", what, hint, line, column);
}

struct kit {
	struct diags *diags;
	struct config *config;
	struct ruleset *set;
	struct arena *arena;
	struct json_parser *parser;
	struct event_view event;
	struct scope scope;
};

static inline void kit_init(struct kit *k)
{
	*k = (struct kit){ .diags = diags_new(), .config = config_bare() };
	k->arena = arena_new("test", 16 * MIB);
	k->parser = json_parser_new();
	ck_assert_ptr_nonnull(k->diags);
	ck_assert_ptr_nonnull(k->config);
	ck_assert_ptr_nonnull(k->arena);
	ck_assert_ptr_nonnull(k->parser);
}

static inline void kit_fini(struct kit *k)
{
	ruleset_free(k->set);
	config_free(k->config);
	diags_free(k->diags);
	arena_free(k->arena);
	json_parser_free(k->parser);
}

/* tappet.yaml from a text. */
static inline void kit_config(struct kit *k, const char *text)
{
	struct kit_file f;

	kit_write(&f, "tappet.yaml", text);
	config_free(k->config);
	k->config = config_load(f.path, CONFIG_SECRETS_OPTIONAL, k->diags);
	kit_remove(&f);
}

/* A rules file from a text. */
static inline void kit_load(struct kit *k, const char *text)
{
	struct kit_file f;
	struct text path;

	kit_write(&f, "rules.yaml", text);
	path = text_of(f.path);
	ruleset_free(k->set);
	k->set = ruleset_load(k->config, &path, 1, k->diags);
	ck_assert_ptr_nonnull(k->set);
	kit_remove(&f);
}

/* The same, which must be free of errors. */
static inline const struct rule *kit_rule(struct kit *k, const char *text)
{
	kit_load(k, text);
	if (diags_errors(k->diags) > 0)
		kit_show(k->diags);
	ck_assert_uint_eq(diags_errors(k->diags), 0);
	ck_assert_uint_gt(ruleset_count(k->set), 0);
	return ruleset_at(k->set, 0);
}

static inline struct value kit_json(struct kit *k, const char *json)
{
	struct json_error error;
	struct value v;

	ck_assert_msg(json_parse(k->parser, k->arena, text_of(json), &v, &error) == FATE_OK,
		      "%s: %s", json, error.what);
	return v;
}

/* A scope for an event of this type; `before` may be "null". */
static inline struct scope *kit_event(struct kit *k, const struct rule *rule, const char *type,
				      const char *before, const char *data)
{
	k->event = (struct event_view){ .id = TEXT("e1"),
					.source = TEXT("test"),
					.type = text_of(type),
					.subject = TEXT("s1"),
					.connection = TEXT("kantata"),
					.time = 1700000000000,
					.seq = 7,
					.before = kit_json(k, before),
					.data = kit_json(k, data) };
	k->scope = (struct scope){
		.arena = k->arena, .rule = rule, .event = &k->event, .now = 1700000001000
	};
	return &k->scope;
}

/* A tappet.yaml that has this mistake. */
static inline void kit_mistake(const char *text, int line, int column, const char *what,
			       const char *hint)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, text);
	kit_expect(k.diags, line, column, what, hint);
	kit_fini(&k);
}

#endif
