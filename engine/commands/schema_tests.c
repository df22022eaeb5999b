/* SPDX-License-Identifier: Apache-2.0
 *
 * schema_tests - the JSON Schema of the tests beside rules; see schema.h.
 *
 * Keys are those that test_case.c and test_event.c read by. */
#include <assert.h>

#include "engine/commands/schema.h"
#include "engine/commands/test_case.h"
#include "engine/rules/words.h"

static const struct schema_row test_rows[] = {
	{ "name", "'type':'string'", "What the test shows, in words." },
	{ "given", "'type':'array','items':{'$ref':'#/$defs/given'}",
	  "A timeline of event, advance, reload, tables and entity." },
	{ "reply",
	  "'type':'object','additionalProperties':{'anyOf':[{'$ref':'#/$defs/reply'},"
	  "{'type':'array','items':{'$ref':'#/$defs/reply'}}]}",
	  "What steps are answered, by name or action; else 200 with {}." },
	{ "expect",
	  "'type':'array','items':{'type':['string','object'],'minProperties':1,"
	  "'maxProperties':1,'additionalProperties':{'type':'object'}}",
	  "The steps in order; [] when nothing is sent." },
	{ .name = NULL },
};

static const struct schema_row given_rows[] = {
	{ "event", "'$ref':'#/$defs/given_event'", "An event arrives." },
	{ "advance", "'$ref':'#/$defs/duration'", "So much time passes." },
	{ "reload", "'type':'string'", "This rules file takes the place of the rule's own." },
	{ "tables",
	  "'type':'object','additionalProperties':{'type':'array','minItems':1,"
	  "'items':{'type':'object'}}",
	  "Rows that tables have when it begins: NAME: [ROW, ...]." },
	{ "entity", "'$ref':'#/$defs/given_entity'", "What polls know of an object." },
	{ .name = NULL },
};

static const struct schema_row entity_rows[] = {
	{ "kind", "'type':'string'", "The kind of object: kantata.workspace." },
	{ "id", "'type':['string','number','boolean']", "Its id; else the one in data." },
	{ "connection", "'type':'string'", "The connection it is polled by." },
	{ "data", "'type':'object'", "The object." },
	{ .name = NULL },
};

static const struct schema_row reply_rows[] = {
	{ "result", NULL, "What the step's result is." },
	{ "status", "'$ref':'#/$defs/status'", "200 unless said." },
	{ "times", "'type':'integer','minimum':1,'maximum':1000",
	  "So many attempts get it, then the next one of the list." },
	{ "drop", "'type':'boolean'", "The connection is cut after the request left." },
	{ "retry_after", "'$ref':'#/$defs/duration'", "Retry-After." },
	{ .name = NULL },
};

static const struct schema_row event_rows[] = {
	{ "type", "'anyOf':[{'$ref':'#/$defs/event'},true]",
	  "Its type; else the one that the rule names." },
	{ "id", NULL, "Its id." },
	{ "subject", NULL, "What it is about: an object's id." },
	{ "source", NULL, "Where it came from." },
	{ "connection", NULL, "The connection that it came by." },
	{ "time", NULL, "When, as 2026-01-31T08:00:00Z; else now." },
	{ "data", NULL, "The object, or what the sender wrote." },
	{ "before", NULL, "The object before the change." },
	{ "file", "'type':'string'",
	  "A file with the event, as JSON or YAML; what stands beside it goes first." },
	{ "set",
	  "'type':'object','propertyNames':{'pattern':"
	  "'^(type|id|subject|source|connection|time|data|before)([.]|$)'}",
	  "Paths and what they are changed to: data.stage." },
	{ .name = NULL },
};

void schema_tests(struct buf *out)
{
	assert(out != NULL);
	schema_keyed(out, "test", test_keys, test_rows, "'required':['name','given','expect']");
	schema_keyed(out, "given", test_given_keys, given_rows,
		     "'minProperties':1,'maxProperties':1");
	schema_keyed(out, "given_event", test_event_keys, event_rows, NULL);
	schema_keyed(out, "given_entity", test_entity_keys, entity_rows,
		     "'required':['kind','data']");
	schema_keyed(out, "reply", test_reply_keys, reply_rows, NULL);
}
