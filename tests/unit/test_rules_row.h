/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_row - a row of a connector's tables in a world of its own, for the
 * contract tests, and its functions called with a memory that gives out anywhere.
 * Ownership: what a row makes lives in its kit's arena until row_end. */
#ifndef TAPPET_TESTS_RULES_ROW_H
#define TAPPET_TESTS_RULES_ROW_H

#include "engine/base/fault.h"
#include "tests/unit/test_recordings.h"
#include "tests/unit/test_rules_kit.h"

struct row {
	struct kit kit;
	const struct connector *connector;
	const struct action *action;
	const char *file; /* its recording: the row's name, or NAME+WORD */
	const char *name;
	struct value example;
	struct value gathered; /* of the replies before the one in hand */
	struct recorded_chain before;
	struct buf seen;
};

static inline void row_connect(struct row *row, const char *of)
{
	struct text connection = recorded_connection(row->kit.arena, row->connector->name, of);
	struct text entry = TEXT(" {}");

	if (connection.n > 0)
		entry = text_printf(row->kit.arena, "\n  %s: %.*s", row->connector->name,
				    TEXT_ARG(connection));
	kit_config(&row->kit, text_printf(row->kit.arena,
					  "hooks: { go: { verify: none } }\n"
					  "tables: { projects: { key: workspace_id, columns: "
					  "{ workspace_id: text, work_set_id: text } } }\n"
					  "connections:%s\n",
					  entry.s)
				  .s);
	if (diags_errors(row->kit.diags) > 0)
		kit_show(row->kit.diags);
	ck_assert_uint_eq(diags_errors(row->kit.diags), 0);
}

static inline void row_begin(struct row *row, const struct connector *c, const char *part)
{
	*row = (struct row){ .connector = c, .file = part };
	kit_init(&row->kit);
	arena_free(row->kit.arena);
	row->kit.arena = arena_new("test", 512 * MIB);
	row->name = text_printf(row->kit.arena, "%s.%s", c->name, part).s;
	buf_init(&row->seen, MIB);
	row_connect(row, part);
}

static inline void row_end(struct row *row)
{
	buf_fini(&row->seen);
	kit_fini(&row->kit);
}

/* ---- Memory. ---- */

/* What a function is given and what it answered, as text; of a spent arena nothing is said. */
struct trial {
	struct row *row;
	const struct recorded *reply;
	const struct resource *resource;
	const struct step *step;
	struct page_ask ask;
	enum fate (*function)(struct trial *trial, struct call *call, struct buf *answer);
	const char *what;
};

static inline void put_answer(struct buf *answer, const struct request *request)
{
	buf_printf(answer, "%s %d %.*s %s", request->method, request->absolute,
		   TEXT_ARG(request->url),
		   request->content_type != NULL ? request->content_type : "");
	for (unsigned i = 0; i < request->header_count; i++)
		buf_printf(answer, " %.*s=%.*s", TEXT_ARG(request->headers[i].name),
			   TEXT_ARG(request->headers[i].value));
	buf_printf(answer, " %.*s", TEXT_ARG(request->body));
}

static inline struct call trial_call(struct row *row, struct arena *arena,
				     struct json_parser *parser)
{
	const struct connection *c =
	    config_connection(row->kit.config, text_of(row->connector->name));

	return (struct call){ .arena = arena,
			      .parser = parser,
			      .settings = c != NULL ? c->settings : value_null(),
			      .idempotency_key = "k",
			      .gathered = row->gathered,
			      .rule = TEXT("r"),
			      .key = TEXT("key") };
}

/* One call with a memory of its own, whose n-th allocation fails (0: none). True when it did. */
static inline bool try_once(struct trial *trial, int n, struct buf *answer, enum fate *fate,
			    bool *spent)
{
	struct arena *arena = arena_new("trial", LIMIT_EVENT_ARENA);
	struct json_parser *parser = json_parser_new();
	struct call call = trial_call(trial->row, arena, parser);
	struct buf found;
	bool hit = false;

	buf_init(&found, MIB);
	ck_assert(buf_reserve(&found, 256 * KIB) != NULL); /* ours, not what is tried */
	if (n > 0)
		fault_arm("memory", n, false);
	*fate = trial->function(trial, &call, &found);
	if (n > 0)
		hit = fault_disarm();
	*spent = arena_failed(arena);
	ck_assert_int_ne(*fate, FATE_BUG);
	ck_assert_msg(*fate == FATE_OK || *spent || call.why[0] != '\0', "%s: %s: no words",
		      trial->row->name, trial->what);
	buf_clear(answer);
	buf_text(answer, buf_view(&found));
	buf_char(answer, '\n');
	if (*fate != FATE_OK)
		buf_str(answer, call.why);
	buf_fini(&found);
	json_parser_free(parser);
	arena_free(arena);
	return hit;
}

/* The same answer as with enough of it, or a spent arena: then the batch is thrown away. */
static inline void sweep(struct trial *trial, enum fate wanted)
{
	struct buf good, answer;
	enum fate fate;
	bool spent, hit = true;

	buf_init(&good, MIB);
	buf_init(&answer, MIB);
	(void)try_once(trial, 0, &good, &fate, &spent);
	ck_assert_msg(fate == wanted && !spent, "%s: %s: %s %s", trial->row->name, trial->what,
		      fate_word(fate), buf_cstr(&good));
	for (int n = 1; hit; n++) {
		hit = try_once(trial, n, &answer, &fate, &spent);
		ck_assert_msg(spent ||
				  (fate == wanted && text_eq(buf_view(&good), buf_view(&answer))),
			      "%s: %s: allocation %d: %s %s", trial->row->name, trial->what, n,
			      fate_word(fate), buf_cstr(&answer));
		ck_assert(hit || !spent);
	}
	buf_fini(&good);
	buf_fini(&answer);
}

static inline enum fate wanted_fate(const struct recorded *r)
{
	if (text_is(r->fate, "retry"))
		return FATE_RETRY;
	return text_is(r->fate, "reject") ? FATE_REJECT : FATE_OK;
}

#endif
