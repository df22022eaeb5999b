/* SPDX-License-Identifier: Apache-2.0
 *
 * lane - the text by which runs of several rules take turns.
 *
 * I1  The same event, rule and vars give the same lane: it isn't stored, a run that is read from
 *     the store gets it again. */
#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/rules/evaluate.h"

void load_lane(struct loading *l, const struct yaml_node *node)
{
	assert(l != NULL && node != NULL);
	if (node->kind == YAML_MAP || node->kind == YAML_LIST || node->kind == YAML_NULL ||
	    node->text.n == 0)
		reader_error(&l->r, node, "lane: \"workspace/${object.id}\"",
			     "a lane must be a text, not %s",
			     node->kind == YAML_TEXT ? "an empty one" : yaml_kind_words(node));
	else
		l->rule->lane = load_template(l, node, NULL, SLOT_PLAIN);
}

static bool as_text(struct scope *scope, struct value v, struct text *out)
{
	AUTO_FINI(buf_fini) struct buf b;

	buf_init(&b, LIMIT_TEMPLATE);
	if (!value_is(v, VALUE_TEXT) && !value_is(v, VALUE_INT) && !value_is(v, VALUE_UINT) &&
	    !value_is(v, VALUE_BOOL))
		return false;
	value_write_plain(&b, v);
	*out = text_dup(scope->arena, buf_view(&b));
	return true;
}

bool rule_lane(struct scope *scope, struct text *out, struct text *why)
{
	struct value v;

	assert(scope != NULL && scope->rule != NULL && out != NULL && why != NULL);
	*out = *why = TEXT_NONE;
	if (scope->rule->lane == NULL)
		return true;
	if (template_fill(scope, scope->rule->lane, &v, why) != FATE_OK)
		return false;
	if (as_text(scope, v, out) && out->n > 0) {
		*out = rule_key_bounded(scope->arena, *out);
		return true;
	}
	*why = text_printf(scope->arena, "it must be text, int or bool, and not empty; this is %s",
			   value_is(v, VALUE_TEXT)   ? "empty text"
			   : value_is(v, VALUE_NULL) ? "null"
						     : value_kind_name((enum value_kind)v.kind));
	return false;
}
