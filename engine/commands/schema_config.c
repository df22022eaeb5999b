/* SPDX-License-Identifier: Apache-2.0
 *
 * schema_config - the JSON Schema of tappet.yaml; see schema.h. */
#include <assert.h>
#include <stdio.h>

#include "engine/commands/json.h"
#include "engine/commands/schema.h"
#include "engine/rules/words.h"

#define NAME     "^[a-z][a-z0-9_-]*$"
#define SECTIONS 32 /* more than tappet.yaml has */
#define DEF_NAME 96 /* "connection NAME" */

static const struct schema_row section_rows[] = {
	{ "listen", "'type':['string','integer']", "Where hooks, health and metrics are served." },
	{ "tls",
	  "'type':'object','additionalProperties':false,'required':['certificate','key'],"
	  "'properties':{'certificate':{'type':'string'},'key':{'type':'string'}}",
	  "The certificate of listen, PEM, and its key." },
	{ "admin",
	  "'type':'object','additionalProperties':false,'properties':{"
	  "'listen':{'type':['string','integer']},'token':{'type':'string'}}",
	  "Where the admin API is; on TCP it needs a token." },
	{ "store", "'type':'string','pattern':'^sqlite:.'", "sqlite:PATH." },
	{ "rules", "'$ref':'#/$defs/texts'", "Files and folders of rules." },
	{ "vars", "'type':['object','null']",
	  "Values that rules read as vars.NAME; never secrets." },
	{ "secrets",
	  "'type':['object','null'],'propertyNames':{'pattern':'^[A-Za-z_][A-Za-z0-9_]*$'},"
	  "'additionalProperties':{'type':'string','pattern':'\\\\$\\\\{(env|file|credential):'}",
	  "Seen as secrets.NAME by parameters that take a secret." },
	{ "tables", SCHEMA_TABLES, "Tables that rules read and write." },
	{ "retention",
	  "'type':'object','additionalProperties':false,'properties':{"
	  "'events':{'$ref':'#/$defs/duration'},'dedupe':{'$ref':'#/$defs/duration'}}",
	  "How long events, and the ids of what was seen, are kept." },
	{ "limits",
	  "'type':'object','additionalProperties':false,'properties':{"
	  "'body':{'$ref':'#/$defs/size'},'memory':{'$ref':'#/$defs/size'}}",
	  "The largest body, and the memory of what waits." },
	{ "reload", "'enum':['signal','watch']",
	  "Whether changed files are noticed by themselves." },
	{ "max_mode", "'enum':['live','shadow','off']", "The most that any rule may do." },
	{ "connections",
	  "'type':['object','null'],'propertyNames':{'pattern':'" NAME
	  "'},'additionalProperties':{'$ref':'#/$defs/connection'}",
	  "A name, which connector, how to reach it." },
	{ "hooks",
	  "'type':['object','null'],'propertyNames':{'pattern':'" NAME
	  "'},'additionalProperties':{'$ref':'#/$defs/hook'}",
	  "Webhooks of any sender, received at /hooks/NAME." },
	{ "schedules",
	  "'type':['object','null'],'propertyNames':{'pattern':'" NAME
	  "'},'additionalProperties':{'$ref':'#/$defs/schedule'}",
	  "Events by the clock." },
	{ "bus",
	  "'type':['object','null'],'additionalProperties':false,'properties':{"
	  "'sessions':{'$ref':'#/$defs/endpoint'},'events':{'$ref':'#/$defs/endpoint'},"
	  "'key':{'type':'string'},'trusted':{'type':'string'}}",
	  "The sockets that plugins talk to; over tcp they need a key." },
	{ "plugins",
	  "'type':['object','null'],'propertyNames':{'pattern':'^[a-z][a-z0-9_]*$'},"
	  "'additionalProperties':{'anyOf':[{'type':'null'},{'$ref':'#/$defs/plugin'}]}",
	  "Processes that bring events and offer actions." },
	{ .name = NULL },
};

/* Those that every connector has; poll and webhook follow from its tables. */
static const struct schema_row connection_rows[] = {
	{ "connector", "'type':'string'", "Which connector." },
	{ "allow_private", "'type':'boolean'", "Whether its name may lead to private addresses." },
	{ "rate",
	  "'type':'object','additionalProperties':false,'properties':{"
	  "'per_second':{'type':'number','exclusiveMinimum':0},'burst':{'type':'number','minimum':"
	  "1},"
	  "'slots':{'type':'integer','minimum':1,'maximum':1000}}",
	  "Requests per second and at once." },
	{ "timeout", "'$ref':'#/$defs/duration'",
	  "Of an attempt, unless the step says otherwise." },
	{ "proxy", "'type':'string'", "URL of an HTTP proxy." },
	{ "ca_file", "'type':'string'", "Certificates to trust, PEM." },
	{ .name = NULL },
};

static const struct schema_row hook_rows[] = {
	{ "secret", "'$ref':'#/$defs/texts'", "The key, or a list while keys change." },
	{ "event_header", "'type':'string'", "The header that names the event." },
	{ "id_header", "'type':'string'", "The header with the sender's id." },
	{ "dedupe",
	  "'type':'object','additionalProperties':false,'required':['by'],'properties':{"
	  "'by':{'enum':['body']},'within':{'$ref':'#/$defs/duration'}}",
	  "What makes two requests one event." },
	{ "handshake",
	  "'type':'object','additionalProperties':false,'required':['origins'],'properties':{"
	  "'origins':{'$ref':'#/$defs/texts'},'rate':{'type':'integer','minimum':1}}",
	  "Who may ask whether it may deliver here (CloudEvents)." },
	{ "header", "'type':'string'", "The header that carries the signature." },
	{ "algorithm", "'enum':['sha256','sha512','sha1']", "Of hmac." },
	{ "encoding", "'enum':['hex','base64']", "How the signature is written." },
	{ "prefix", "'type':'string'", "What stands before the signature." },
	{ "tolerance", "'$ref':'#/$defs/duration'", "How old a signed time may be." },
	{ "signed", "'type':'string'", "What is signed: {timestamp}.{body}." },
	{ "timestamp_header", "'type':'string'", "The header with the time." },
	{ "secret_encoding", "'enum':['text','hex','base64']", "How the secret spells the key." },
	{ "user", "'type':'string'", "Of basic." },
	{ "keep_body", "'type':'boolean'", "Whether the raw body is kept." },
	{ "redact", "'$ref':'#/$defs/texts'",
	  "What of the data is left out before anything is recorded: data.customer.email." },
	{ "silent_after", "'$ref':'#/$defs/duration'", "How long without a delivery is told." },
	{ .name = NULL },
};

static const struct schema_row schedule_rows[] = {
	{ "cron", "'type':'string'", "Minute, hour, day, month, day of week." },
	{ "timezone", "'type':'string'", "An IANA name; UTC unless said otherwise." },
	{ "on_gap", "'enum':['run','skip']", "When clocks jump over the time." },
	{ "on_overlap", "'enum':['once','twice']", "When clocks show the time twice." },
	{ "missed", "'enum':['once','skip','all']", "What is done about times that were missed." },
	{ .name = NULL },
};

static const struct schema_row plugin_rows[] = {
	{ "command", "'$ref':'#/$defs/texts'", "What is started: a program and its words." },
	{ "environment",
	  "'type':['object','null'],'propertyNames':{'pattern':'^[A-Za-z_][A-Za-z0-9_]*$'},"
	  "'additionalProperties':{'type':['string','number','boolean']}",
	  "All that it has in its environment." },
	{ "limits",
	  "'type':'object','additionalProperties':false,'properties':{"
	  "'memory':{'$ref':'#/$defs/size'},'files':{'type':'integer','minimum':16}}",
	  "Memory, and how many files are open at once." },
	{ "manifest", "'type':'string'", "The file that says what it has." },
	{ "concurrency", "'type':'integer','minimum':1,'maximum':4096", "Jobs at once." },
	{ .name = NULL },
};

static const struct schema_row defs[] = {
	{ "texts", "'anyOf':[{'type':'string'},{'type':'array','items':{'type':'string'}}]", NULL },
	{ "endpoint", "'type':'string','pattern':'^(ipc|tcp)://.'",
	  "ipc://PATH or tcp://ADDRESS:PORT." },
	{ "size", "'type':['string','integer'],'pattern':'^ *[0-9]+ *([KMG]i?B|B)? *$'",
	  "A number and a unit: 64KiB 1MiB 1GiB." },
	{ "duration", "'type':'string','pattern':'^[0-9]+(ms|s|m|h|d|w)$'",
	  "A number and a unit: 500ms 10s 5m 2h 1d 1w." },
	{ "poll",
	  "'type':['object','null'],'additionalProperties':false,'properties':{"
	  "'every':{'$ref':'#/$defs/duration'},'full':{'$ref':'#/$defs/duration'},"
	  "'baseline':{'enum':['silent','emit']},'fields':{'enum':['auto']},"
	  "'hints':{'type':'string'},'silent_after':{'$ref':'#/$defs/duration'}}",
	  "How often what changed is asked for, and how often everything is." },
	{ "webhook",
	  "'type':'object','additionalProperties':false,'required':['secret'],'properties':{"
	  "'secret':{'$ref':'#/$defs/texts'},'keep_body':{'type':'boolean'},"
	  "'silent_after':{'$ref':'#/$defs/duration'}}",
	  "Received at /hooks/NAME-OF-THE-CONNECTION." },
	{ .name = NULL },
};

/* ---- Connections. ---- */

/* One with settings of its own has these and four of the common ones. */
static void put_poll(struct buf *out, const struct resource *r, const char *name)
{
	static const char *const common[] = { "every", "full", "baseline", "silent_after", NULL };
	static const struct schema_row rows[] = {
		{ "every", "'$ref':'#/$defs/duration'", "How often what changed is asked for." },
		{ "full", "'$ref':'#/$defs/duration'", "How often everything is." },
		{ "baseline", "'enum':['silent','emit']", "Whether the first poll makes events." },
		{ "silent_after", "'$ref':'#/$defs/duration'",
		  "How long without a round that succeeds is told." },
		{ .name = NULL },
	};

	if (r->params == NULL) {
		schema_key(out, name, r->doc, "'$ref':'#/$defs/poll'");
		return;
	}
	json_key(out, name);
	json_open(out, '{');
	json_str(out, "description", r->doc);
	schema_put(out, "'type':'object'");
	json_key(out, "properties");
	json_open(out, '{');
	schema_properties(out, common, rows);
	schema_param_properties(out, r->params, SCHEMA_SETTING);
	json_close(out, '}');
	schema_put(out, "'additionalProperties':false");
	schema_required(out, r->params, NULL);
	json_close(out, '}');
}

static void put_polls(struct buf *out, const struct connector *c)
{
	json_key(out, "poll");
	json_open(out, '{');
	schema_put(out, "'type':'object'");
	json_key(out, "properties");
	json_open(out, '{');
	for (const struct resource *r = c->resources; r != NULL && r->name != NULL; r++)
		put_poll(out, r, r->name);
	json_close(out, '}');
	if (c->any_resource != NULL)
		put_poll(out, c->any_resource, "additionalProperties");
	else
		schema_put(out, "'additionalProperties':false");
	json_close(out, '}');
}

static void put_common(struct buf *out, const struct connector *c)
{
	for (const char *const *key = connection_keys; *key != NULL; key++) {
		const char *const one[] = { *key, NULL };

		if (strcmp(*key, "poll") == 0)
			put_polls(out, c);
		else if (strcmp(*key, "webhook") != 0)
			schema_properties(out, one, connection_rows);
		else if (c->webhook != NULL)
			schema_key(out, *key, NULL, "'$ref':'#/$defs/webhook'");
	}
}

static void put_connector(struct buf *out, const struct connector *c)
{
	char name[DEF_NAME];

	(void)snprintf(name, sizeof(name), "connection-%s", c->name);
	json_key(out, name);
	json_open(out, '{');
	json_str(out, "description", c->doc);
	schema_put(out, "'additionalProperties':false");
	json_key(out, "properties");
	json_open(out, '{');
	put_common(out, c);
	schema_param_properties(out, c->settings, SCHEMA_SETTING);
	json_close(out, '}');
	schema_required(out, c->settings, "connector");
	json_close(out, '}');
}

static void put_names(struct buf *out)
{
	json_key(out, "connector");
	json_open(out, '{');
	json_str(out, "description", "Which connector; tappet connectors describes them.");
	json_key(out, "enum");
	json_open(out, '[');
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		json_item(out, text_of((*c)->name));
	json_close(out, ']');
	json_close(out, '}');
}

static void put_connection(struct buf *out)
{
	json_key(out, "connection");
	json_open(out, '{');
	schema_put(out, "'type':'object','required':['connector']");
	json_key(out, "properties");
	json_open(out, '{');
	put_names(out);
	json_close(out, '}');
	json_key(out, "allOf");
	json_open(out, '[');
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++) {
		json_open(out, '{');
		buf_printf(out,
			   "\"if\":{\"properties\":{\"connector\":{\"const\":\"%s\"}}},"
			   "\"then\":{\"$ref\":\"#/$defs/connection-%s\"}",
			   (*c)->name, (*c)->name);
		json_close(out, '}');
	}
	json_close(out, ']');
	json_close(out, '}');
	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		put_connector(out, *c);
}

/* ---- Hooks and schedules. ---- */

static void put_hook(struct buf *out)
{
	json_key(out, "hook");
	json_open(out, '{');
	schema_put(out, "'type':'object','additionalProperties':false,'required':['verify']");
	json_key(out, "properties");
	json_open(out, '{');
	for (const char *const *key = hook_keys; *key != NULL; key++) {
		const char *const one[] = { *key, NULL };

		if (strcmp(*key, "verify") != 0) {
			schema_properties(out, one, hook_rows);
			continue;
		}
		json_key(out, *key);
		json_open(out, '{');
		json_str(out, "description", "How the sender proves itself.");
		schema_words(out, "enum", verify_words);
		json_close(out, '}');
	}
	json_close(out, '}');
	json_close(out, '}');
}

static void put_schedule(struct buf *out)
{
	json_key(out, "schedule");
	json_open(out, '{');
	schema_object(out, schedule_keys, schedule_rows);
	schema_put(out, "'required':['cron']");
	json_close(out, '}');
}

static void put_plugin(struct buf *out)
{
	json_key(out, "plugin");
	json_open(out, '{');
	schema_object(out, plugin_keys, plugin_rows);
	json_close(out, '}');
}

/* ---- The whole. ---- */

void schema_config(struct buf *out)
{
	const char *sections[SECTIONS + 1] = { NULL };

	assert(out != NULL);
	for (size_t i = 0; i < SECTIONS && config_section(i) != NULL; i++)
		sections[i] = config_section(i);
	json_open(out, '{');
	schema_put(out, "'$schema':'https://json-schema.org/draft/2020-12/schema',"
			"'title':'Configuration of tappet'");
	schema_object(out, sections, section_rows);
	json_key(out, "$defs");
	json_open(out, '{');
	for (const struct schema_row *row = defs; row->name != NULL; row++)
		schema_key(out, row->name, row->doc, row->body);
	put_connection(out);
	put_hook(out);
	put_schedule(out);
	put_plugin(out);
	json_close(out, '}');
	json_close(out, '}');
	json_line(out);
}
