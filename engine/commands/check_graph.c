/* SPDX-License-Identifier: Apache-2.0
 *
 * check_graph - the graph of rules that write what others take, and its cycles. */
#include "engine/commands/check_graph.h"

#include <assert.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/table.h"
#include "engine/rules/leads.h"

DEFINE_AUTO(table_free, struct table *)

struct painting {
	struct context *context;
	struct table *table;
};

static void put_lead(void *of, const struct lead *lead)
{
	struct painting *p = of;
	struct buf *out = &p->context->out;

	if (p->context->format == OUTPUT_JSON) {
		json_open(out, '{');
		json_text(out, "rule", lead->from->id);
		json_text(out, "writes", lead->what);
		json_text(out, "fields", lead->fields);
		json_text(out, "leads_to", lead->to->id);
		json_bool(out, "possible", lead->never.n == 0);
		json_maybe(out, "never", lead->never);
		json_close(out, '}');
		json_line(out);
	} else {
		table_cell(p->table, lead->from->id, TINT_NONE);
		table_cell(p->table, lead->what, TINT_NONE);
		table_cell(p->table, lead->fields, TINT_NONE);
		table_cell(p->table, lead->to->id, TINT_NONE);
		table_cell(p->table, lead->never.n > 0 ? lead->never : TEXT("-"), TINT_FAINT);
		if (table_rows(p->table) == LIMIT_COMMAND_ROWS)
			(void)table_write(p->table, out, p->context->colour);
	}
	if (out->n > MIB)
		(void)context_flush(p->context);
}

void check_graph(struct context *context, const struct ruleset *rules)
{
	static const char *const titles[] = {
		"RULE", "WRITES", "FIELDS", "LEADS TO", "NEVER", NULL
	};
	AUTO(arena_free) struct arena *arena = arena_new("graph", LIMIT_RULES_ARENA);
	AUTO(table_free) struct table *table = table_new(titles);
	struct painting p = { context, table };

	assert(context != NULL && rules != NULL);
	if (arena == NULL || table == NULL)
		(void)context_fail(context, COMMAND_FAILED, "memory is out");
	else if (!leads_each(rules, arena, put_lead, &p))
		(void)context_fail(context, COMMAND_FAILED,
				   "the rules lead to each other in too many ways");
	if (table != NULL && context->format == OUTPUT_TEXT)
		(void)table_write(table, &context->out, context->colour);
}

void check_loops(struct context *context, const struct ruleset *rules, struct diags *diags)
{
	AUTO(arena_free) struct arena *arena = arena_new("graph", LIMIT_RULES_ARENA);

	assert(context != NULL && rules != NULL && diags != NULL);
	if (arena == NULL || !leads_check(rules, arena, diags))
		(void)context_fail(context, COMMAND_FAILED,
				   "the rules lead to each other in too many ways: not all cycles "
				   "are told");
}
