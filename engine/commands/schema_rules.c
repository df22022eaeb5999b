/* SPDX-License-Identifier: Apache-2.0
 *
 * schema_rules - the JSON Schema of rules files; see schema.h. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/commands/json.h"
#include "engine/commands/schema.h"
#include "engine/rules/words.h"

#define NAME         "^[a-z][a-z0-9_-]*$"
#define IDENTIFIER   "^[A-Za-z_][A-Za-z0-9_]*$"
#define STRINGIZE(n) #n
#define NUMBER(n)    STRINGIZE(n)

static const struct schema_row file_rows[] = {
	{ "params",
	  "'type':'object','propertyNames':{'pattern':'" IDENTIFIER
	  "'},'additionalProperties':{'$ref':'#/$defs/param'}",
	  "What the rules of this file need of vars." },
	{ "defaults", "'$ref':'#/$defs/defaults'",
	  "What the rules and steps of this file do unless they say otherwise." },
	{ "actions",
	  "'type':'object','propertyNames':{'pattern':'" NAME
	  "'},'additionalProperties':{'$ref':'#/$defs/action'}",
	  "Named lists of steps, used as use.NAME." },
	{ "tables", SCHEMA_TABLES, "Tables that rules read and write." },
	{ "rules", "'type':['array','null'],'items':{'$ref':'#/$defs/rule'}", "The rules." },
	{ .name = NULL },
};

static const struct schema_row rule_rows[] = {
	{ "id",
	  "'type':['string','integer'],'pattern':'^[A-Za-z0-9][A-Za-z0-9_.-]*$',"
	  "'maxLength':" NUMBER(LIMIT_RULE_ID),
	  "A name that stays: state belongs to it." },
	{ "description", "'type':'string'", "What the rule is for, in words." },
	{ "on",
	  "'anyOf':[{'$ref':'#/$defs/event'},"
	  "{'type':'array','minItems':1,'items':{'$ref':'#/$defs/event'}}]",
	  "The event's type, a list of types, or a glob: * is one segment, a trailing ** any." },
	{ "from", "'type':'string'", "The connection or hook that the event comes from." },
	{ "match", "'$ref':'#/$defs/match'", "Structured conditions, all must hold." },
	{ "define",
	  "'type':'object','propertyNames':{'pattern':'" IDENTIFIER
	  "'},'additionalProperties':{'$ref':'#/$defs/expression'}",
	  "Named values; each sees those before it." },
	{ "when", "'$ref':'#/$defs/expression'", "A condition in CEL." },
	{ "key", "'$ref':'#/$defs/expression'",
	  "What order, throttle and edge go by: text, int or bool; else the event's subject." },
	{ "lookup",
	  "'type':['object','null'],'propertyNames':{'pattern':'" IDENTIFIER
	  "'},'additionalProperties':{'$ref':'#/$defs/lookup'}",
	  "Requests that only read, made before the decision; read as lookup.NAME." },
	{ "throttle",
	  "'type':'object','properties':{'every':{'$ref':'#/$defs/duration'}},"
	  "'required':['every'],'additionalProperties':false",
	  "At most once per key in this time." },
	{ "mode", "'enum':['live','shadow','off']",
	  "live acts, shadow decides and records but sends nothing, off does nothing." },
	{ "live_when", "'$ref':'#/$defs/expression'",
	  "A live rule is in shadow where this is false." },
	{ "edge", "'type':'boolean'",
	  "do when the condition turns true, clear when it turns false, per key." },
	{ "first", "'enum':['arm','fire']",
	  "Of edge: what the first sight of a condition that is already true does." },
	{ "clear", "'$ref':'#/$defs/steps'", "Of edge: the steps when the condition turns false." },
	{ "lane", "'type':'string'", "Rules that name the same lane take turns." },
	{ "echoes", "'enum':['ignore','allow']",
	  "Whether changes that the rule itself made are events for it." },
	{ "do", "'$ref':'#/$defs/steps'", "The steps, one after the other." },
	{ "tests", "'type':'array','items':{'$ref':'#/$defs/test'}",
	  "Tests of the rule, run by tappet test." },
	{ .name = NULL },
};

static const struct schema_row step_rows[] = {
	{ "as", "'type':'string','pattern':'" IDENTIFIER "'",
	  "A name, for steps.NAME.result, .status and .error." },
	{ "if", "'$ref':'#/$defs/expression'", "Whether the step is done." },
	{ "retry", "'$ref':'#/$defs/retry'", "How often and when it is tried again." },
	{ "timeout", "'$ref':'#/$defs/duration'", "How long an attempt may take, 10m at most." },
	{ "ok",
	  "'anyOf':[{'$ref':'#/$defs/status'},"
	  "{'type':'array','items':{'$ref':'#/$defs/status'}}]",
	  "Further statuses that count as success." },
	{ "result", "'type':'string'", "The part of the reply that is kept: data.items.0.id." },
	{ "via", "'type':'string'", "The connection, when several share the connector." },
	{ "on_error", "'$ref':'#/$defs/on_error'",
	  "stop (default), continue, or a list of steps, then stop." },
	{ "after_doubt", "'enum':['repeat','lookup','park']",
	  "What to do when nobody knows whether it happened." },
	{ "for_each", "'$ref':'#/$defs/expression'", "A list: do, for each of its items." },
	{ "item", "'type':'string','pattern':'" IDENTIFIER "'", "What an item is called." },
	{ "max", "'type':'integer','minimum':1", "More items than that are held." },
	{ "on_item_error", "'enum':['stop','continue']", "What follows an item that failed." },
	{ "do", "'$ref':'#/$defs/steps'", "The steps for each item." },
	{ .name = NULL },
};

static const struct schema_row default_rows[] = {
	{ "mode", "'enum':['live','shadow','off']", "Of rules that say none." },
	{ "on_error", "'$ref':'#/$defs/on_error'", "Of steps that say none." },
	{ "retry", "'$ref':'#/$defs/retry'", "Of steps that say none." },
	{ "timeout", "'$ref':'#/$defs/duration'", "Of steps that say none." },
	{ .name = NULL },
};

/* What look-ups have otherwise than steps. */
static const struct schema_row lookup_rows[] = {
	{ "if", "'$ref':'#/$defs/expression'", "Whether it is made; else it is null." },
	{ "via", "'type':'string'", "The connection, when several share the connector." },
	{ "retry", "'$ref':'#/$defs/retry'", "How often and when it is tried again." },
	{ "timeout", "'$ref':'#/$defs/duration'", "How long an attempt may take, 10m at most." },
	{ "ok",
	  "'anyOf':[{'$ref':'#/$defs/status'},"
	  "{'type':'array','items':{'$ref':'#/$defs/status'}}]",
	  "Further statuses that count as success; from 400 on the look-up is null." },
	{ "result", "'type':'string'", "The part of the reply that is kept: data.items.0.id." },
	{ "cache", "'$ref':'#/$defs/duration'",
	  "How long the result serves other look-ups, a day at most." },
	{ "on_error",
	  "'anyOf':[{'enum':['stop']},{'type':'array','items':{'$ref':'#/$defs/step'}}]",
	  "stop (default), or a list of steps, then stop." },
	{ .name = NULL },
};

/* What stands alone under $defs. */
static const struct schema_row defs[] = {
	{ "template", "'type':'string','pattern':'[$][{]'",
	  "A text with an expression in ${...}." },
	{ "duration", "'type':'string','pattern':'^[0-9]+(ms|s|m|h|d|w)$'",
	  "A number and a unit: 500ms 10s 5m 2h 1d 1w." },
	{ "expression", "'type':['string','boolean','number']", "An expression in CEL." },
	{ "status", "'type':'integer','minimum':100,'maximum':599", "A status of HTTP." },
	{ "steps", "'type':['array','null'],'items':{'$ref':'#/$defs/step'}", NULL },
	{ "on_error",
	  "'anyOf':[{'enum':['stop','continue']},{'type':'array','items':{'$ref':'#/$defs/step'}}]",
	  NULL },
	{ "retry",
	  "'type':'object','additionalProperties':false,'properties':{"
	  "'attempts':{'type':'integer','minimum':1,'maximum':1000},"
	  "'first':{'$ref':'#/$defs/duration'},'max':{'$ref':'#/$defs/duration'}}",
	  NULL },
	{ "action",
	  "'type':'object','additionalProperties':false,'required':['do'],'properties':{"
	  "'description':{'type':'string'},"
	  "'params':{'type':'object','propertyNames':{'pattern':'" IDENTIFIER
	  "'},'additionalProperties':{'$ref':'#/$defs/param'}},"
	  "'do':{'type':'array','minItems':1,'items':{'$ref':'#/$defs/step'}}}",
	  "A list of steps with parameters." },
	{ "path", "'type':'string','minLength':1,'not':{'pattern':'^(data|before|object)([.]|$)'}",
	  "A path relative to data: status.key." },
	{ .name = NULL },
};

/* ---- Types of events. ---- */

static void put_event(struct buf *out, const struct connector *const *all)
{
	json_key(out, "event");
	json_open(out, '{');
	json_str(out, "description", "An event's type, or a glob.");
	json_key(out, "anyOf");
	json_open(out, '[');
	json_open(out, '{');
	json_key(out, "enum");
	json_open(out, '[');
	for (const struct connector *const *c = all; *c != NULL; c++)
		for (const struct event_type *e = (*c)->events; e != NULL && e->name != NULL; e++)
			json_item(out, text_of(e->name));
	json_close(out, ']');
	json_close(out, '}');
	buf_str(out, ",{\"type\":\"string\",\"minLength\":1}");
	json_close(out, ']');
	json_close(out, '}');
}

/* ---- match. ---- */

static const struct schema_row operator_rows[] = {
	{ "eq", NULL, "Equal." },
	{ "ne", NULL, "There, and another." },
	{ "gt", "'type':['number','string']", "Above." },
	{ "ge", "'type':['number','string']", "Above or equal." },
	{ "lt", "'type':['number','string']", "Below." },
	{ "le", "'type':['number','string']", "Below or equal." },
	{ "in", "'type':'array'", "One of them." },
	{ "prefix", "'type':'string'", "Begins with it." },
	{ "suffix", "'type':'string'", "Ends with it." },
	{ "contains", NULL, "A part of the text, or a member of the list." },
	{ "exists", "'type':'boolean'", "Whether it is there." },
	{ "matches", "'type':'string'", "A regular expression finds something in it." },
	{ .name = NULL },
};

#define OPERATORS 32 /* more than match has */

static void put_operand(struct buf *out)
{
	const char *words[OPERATORS + 1] = { NULL };

	for (size_t i = 0; i < OPERATORS && match_operator(i) != NULL; i++)
		words[i] = match_operator(i);
	json_key(out, "operand");
	json_open(out, '{');
	json_str(out, "description", "A value, a list (one of), or operators.");
	schema_put(out, "'if':{'type':'object'}");
	json_key(out, "then");
	json_open(out, '{');
	schema_object(out, words, operator_rows);
	json_close(out, '}');
	json_close(out, '}');
}

static void put_match(struct buf *out)
{
	static const char changes[] = "'type':'object','propertyNames':{'$ref':'#/$defs/path'},"
				      "'additionalProperties':{'type':['number','string']}";

	put_operand(out);
	json_key(out, "match");
	json_open(out, '{');
	schema_put(out, "'type':'object','additionalProperties':false");
	json_key(out, "properties");
	json_open(out, '{');
	schema_key(out, "changed", "A path that this event changes, or a list: one of them.",
		   "'anyOf':[{'$ref':'#/$defs/path'},"
		   "{'type':'array','minItems':1,'items':{'$ref':'#/$defs/path'}}]");
	schema_key(out, "became", "What paths have turned to with this event.",
		   "'type':'object','propertyNames':{'$ref':'#/$defs/path'}");
	schema_key(out, "rose_past", "Numbers that paths have reached or passed.", changes);
	schema_key(out, "fell_below", "Numbers that paths have fallen below.", changes);
	json_close(out, '}');
	schema_put(out, "'patternProperties':{'^(data|before|object|event|vars)[.].':"
			"{'$ref':'#/$defs/operand'}}");
	json_close(out, '}');
}

/* ---- Steps. ---- */

static void put_action(struct buf *out, const struct connector *c, const struct action *a)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", c->name, a->name);
	json_key(out, name);
	json_open(out, '{');
	json_str(out, "description", a->doc);
	schema_put(out,
		   schema_requires(a->params) ? "'type':'object'" : "'type':['object','null']");
	if (a->params != NULL)
		schema_params(out, a->params, SCHEMA_STEP);
	json_close(out, '}');
}

/* A plugin that hasn't said yet what it has. */
static bool has_any_action(const struct connector *c)
{
	return c->actions != NULL && c->actions->name == NULL;
}

/* Exactly one of them; of look-ups, one that only reads. */
static void put_one_action(struct buf *out, const struct connector *const *all, bool looks)
{
	const char *comma = "";

	json_key(out, "oneOf");
	json_open(out, '[');
	for (const struct connector *const *c = all; *c != NULL; c++) {
		for (const struct action *a = (*c)->actions; a != NULL && a->name != NULL; a++) {
			if (looks && a->reads == READS_NOT)
				continue;
			buf_printf(out, "%s{\"required\":[\"%s.%s\"]}", comma, (*c)->name, a->name);
			comma = ",";
		}
		if (!looks && has_any_action(*c)) {
			buf_printf(out,
				   "%s{\"not\":{\"propertyNames\":{\"not\":{\"pattern\":"
				   "\"^%s[.]\"}}}}",
				   comma, (*c)->name);
			comma = ",";
		}
	}
	json_close(out, ']');
}

static void put_any_actions(struct buf *out, const struct connector *const *all)
{
	json_key(out, "patternProperties");
	json_open(out, '{');
	for (const struct connector *const *c = all; *c != NULL; c++) {
		char pattern[96];

		if (!has_any_action(*c))
			continue;
		(void)snprintf(pattern, sizeof(pattern), "^%s[.]", (*c)->name);
		schema_key(out, pattern, "The plugin hasn't said yet what it has.",
			   "'type':['object','null']");
	}
	json_close(out, '}');
}

static void put_action_step(struct buf *out, const struct connector *const *all)
{
	json_key(out, "action_step");
	json_open(out, '{');
	schema_put(out, "'type':'object','additionalProperties':false");
	json_key(out, "properties");
	json_open(out, '{');
	schema_properties(out, step_keys, step_rows);
	for (const struct connector *const *c = all; *c != NULL; c++)
		for (const struct action *a = (*c)->actions; a != NULL && a->name != NULL; a++)
			put_action(out, *c, a);
	json_close(out, '}');
	put_any_actions(out, all);
	put_one_action(out, all, false);
	json_close(out, '}');
}

static void put_step(struct buf *out, const struct connector *const *all)
{
	json_key(out, "step");
	json_open(out, '{');
	schema_put(out,
		   "'if':{'type':'object','not':{'propertyNames':{'not':{'pattern':'^use[.]'}}}},"
		   "'then':{'$ref':'#/$defs/use'},"
		   "'else':{'if':{'required':['for_each']},'then':{'$ref':'#/$defs/loop'},"
		   "'else':{'$ref':'#/$defs/action_step'}}");
	json_close(out, '}');
	put_action_step(out, all);
	schema_keyed(out, "use", use_keys, step_rows,
		     "'patternProperties':{'^use[.][a-z]':{'type':['object','null']}}");
	schema_keyed(out, "loop", loop_keys, step_rows, "'required':['for_each','do']");
}

/* ---- Look-ups. ---- */

/* The action as in a step; where only the method tells, it is GET or HEAD, or there is no body. */
static void put_reading(struct buf *out, const struct connector *c, const struct action *a)
{
	static const char by_method[] =
	    "'if':{'type':'object','required':['method']},"
	    "'then':{'properties':{'method':{'enum':['GET','HEAD']}}},"
	    "'else':{'not':{'type':'object','anyOf':[{'required':['json']},{'required':['form']},"
	    "{'required':['body']},{'required':['multipart']}]}}";
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.%s", c->name, a->name);
	json_key(out, name);
	json_open(out, '{');
	buf_printf(out, "\"$ref\":\"#/$defs/action_step/properties/%s\"", name);
	if (a->reads == READS_BY_METHOD)
		schema_put(out, by_method);
	json_close(out, '}');
}

static void put_lookup(struct buf *out, const struct connector *const *all)
{
	json_key(out, "lookup");
	json_open(out, '{');
	json_str(out, "description", "An action that only reads, with its parameters.");
	schema_put(out, "'type':'object','additionalProperties':false");
	json_key(out, "properties");
	json_open(out, '{');
	schema_properties(out, lookup_keys, lookup_rows);
	for (const struct connector *const *c = all; *c != NULL; c++)
		for (const struct action *a = (*c)->actions; a != NULL && a->name != NULL; a++)
			if (a->reads != READS_NOT)
				put_reading(out, *c, a);
	json_close(out, '}');
	put_one_action(out, all, true);
	json_close(out, '}');
}

/* ---- Parameters that files and actions declare. ---- */

#define PARAM_WORDS 32 /* more than there are types */

static void put_declared(struct buf *out)
{
	const char *words[PARAM_WORDS + 1] = { NULL };

	for (size_t i = 0; i < PARAM_WORDS && param_word(i) != NULL; i++)
		words[i] = param_word(i);
	json_key(out, "type");
	json_open(out, '{');
	schema_words(out, "enum", words);
	json_close(out, '}');
	schema_key(out, "param", "A type, or { type, default, doc }.",
		   "'anyOf':[{'$ref':'#/$defs/type'},{'type':'object','additionalProperties':false,"
		   "'required':['type'],'properties':{'type':{'$ref':'#/$defs/type'},"
		   "'default':{},'doc':{'type':'string'}}}]");
}

/* ---- The whole. ---- */

void schema_rules(struct buf *out, const struct connector *const *all)
{
	assert(out != NULL && all != NULL);
	json_open(out, '{');
	schema_put(out, "'$schema':'https://json-schema.org/draft/2020-12/schema',"
			"'title':'Rules of tappet'");
	schema_object(out, file_keys, file_rows);
	schema_put(out, "'required':['rules']");
	json_key(out, "$defs");
	json_open(out, '{');
	for (const struct schema_row *row = defs; row->name != NULL; row++)
		schema_key(out, row->name, row->doc, row->body);
	put_event(out, all);
	put_match(out);
	put_declared(out);
	schema_keyed(out, "defaults", default_keys, default_rows, NULL);
	schema_keyed(out, "rule", rule_keys, rule_rows, "'required':['id','on']");
	put_lookup(out, all);
	schema_tests(out);
	put_step(out, all);
	json_close(out, '}');
	json_close(out, '}');
	json_line(out);
}
