/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_list - `tappet plugin list`: the plugins of the configuration, with what the
 * daemon knows of their sessions and processes.
 *
 * Without a daemon it shows the rest: manifests are in files and in the store. */
#include "engine/base/limits.h"
#include "engine/commands/ask.h"
#include "engine/commands/json.h"
#include "engine/commands/manifests.h"
#include "engine/commands/plugin.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"
#include "engine/io/bus.h"
#include "engine/rules/plugin_manifest.h"

DEFINE_AUTO(table_free, struct table *)

struct list {
	struct context *context;
	const struct config *config;
	struct value daemon; /* null: none answers */
	bool denied;
	char key[BUS_KEY]; /* the engine's public one; empty: none */
};

struct line {
	struct text name, state, session, process, why, version, since;
	struct text refused, refused_at, refused_why; /* the last HELLO that wasn't let in */
	int64_t jobs, pid;
	size_t keys;
};

static struct text text_in(const struct value *v, const char *name)
{
	const struct value *found = v != NULL ? value_get(*v, text_of(name)) : NULL;

	return found != NULL && found->kind == VALUE_TEXT ? value_as_text(*found) : TEXT_NONE;
}

static int64_t int_in(const struct value *v, const char *name)
{
	const struct value *found = v != NULL ? value_get(*v, text_of(name)) : NULL;

	return found != NULL && found->kind == VALUE_INT ? found->i : 0;
}

/* The plugin's entry in one of the daemon's lists; NULL: there is none. */
static const struct value *entry(const struct list *l, const char *which, struct text name)
{
	const struct value *items = value_get(l->daemon, text_of(which));

	for (uint32_t i = 0; items != NULL && items->kind == VALUE_LIST && i < items->n; i++)
		if (text_eq(text_in(&items->items[i], "name"), name))
			return &items->items[i];
	return NULL;
}

static struct line line_of(const struct list *l, const struct plugin_config *plugin)
{
	const struct value *session = entry(l, "plugins", plugin->name);
	const struct value *process = entry(l, "processes", plugin->name);
	const struct value *refused;
	struct line line = { .name = plugin->name, .keys = plugin->key_count };

	line.session = text_in(session, "session");
	line.jobs = int_in(session, "jobs");
	line.process = text_in(process, "state");
	line.pid = int_in(process, "pid");
	line.why = text_in(process, "why");
	line.since = text_in(session, "since");
	refused = session != NULL ? value_get(*session, TEXT("refused")) : NULL;
	line.refused = text_in(refused, "code");
	line.refused_at = text_in(refused, "at");
	line.refused_why = text_in(refused, "why");
	line.state = line.session.n > 0 ? TEXT("connected") : TEXT("away");
	if (l->daemon.kind != VALUE_MAP)
		line.state = TEXT("unknown");
	if (manifest_is_known(plugin->manifest))
		line.version = manifest_version(plugin->manifest).n > 0
				   ? manifest_version(plugin->manifest)
				   : TEXT("(no version)");
	return line;
}

static void show_json(const struct list *l, const struct line *line)
{
	struct buf *out = &l->context->out;

	json_open(out, '{');
	json_text(out, "plugin", line->name);
	json_text(out, "state", line->state);
	json_maybe(out, "session", line->session);
	json_maybe(out, "since", line->since);
	json_int(out, "jobs", line->jobs);
	json_maybe(out, "process", line->process);
	json_int(out, "pid", line->pid);
	json_maybe(out, "version", line->version);
	json_int(out, "keys", (int64_t)line->keys);
	json_maybe(out, "why", line->why);
	json_maybe(out, "refused", line->refused);
	json_maybe(out, "refused_at", line->refused_at);
	json_maybe(out, "refused_why", line->refused_why);
	json_maybe(out, "sessions", l->config->bus.sessions);
	json_maybe(out, "events", l->config->bus.events);
	json_maybe(out, "server_key", text_of(l->key));
	json_close(out, '}');
	json_line(out);
}

static void show_row(struct table *table, const struct line *line)
{
	bool here = text_is(line->state, "connected");

	table_cell(table, line->name, TINT_BOLD);
	table_cell(table, line->state, here ? TINT_GOOD : TINT_BAD);
	table_cell(table, line->session, TINT_FAINT);
	table_int(table, line->jobs);
	table_cell(table, line->process, TINT_NONE);
	table_cell(table, line->version, TINT_NONE);
	table_int(table, (int64_t)line->keys);
	table_cell(table, line->why, TINT_BAD);
}

/* What the table has no room for: since when one is away, and who wasn't let in. */
static void show_why(const struct list *l, const struct line *line)
{
	struct buf *out = &l->context->out;
	bool here = text_is(line->state, "connected");

	if (!here && line->since.n > 0) {
		buf_printf(out, "%.*s is away since ", TEXT_ARG(line->name));
		plain_put(out, line->since);
		buf_char(out, '\n');
	}
	if (line->refused.n == 0 || (here && text_cmp(line->refused_at, line->since) < 0))
		return;
	buf_printf(out, "%.*s was refused at ", TEXT_ARG(line->name));
	plain_put(out, line->refused_at);
	buf_str(out, ": ");
	plain_put(out, line->refused);
	buf_str(out, ": ");
	plain_put(out, line->refused_why);
	buf_char(out, '\n');
}

static void show_bus(const struct list *l)
{
	struct buf *out = &l->context->out;

	buf_str(out, "\nsessions    ");
	bus_endpoint(out, l->config->bus.sessions);
	buf_str(out, "\nevents      ");
	bus_endpoint(out, l->config->bus.events);
	buf_char(out, '\n');
	if (l->key[0] != '\0')
		buf_printf(out, "server key  %s\n", l->key);
	if (l->denied)
		buf_str(out, "the daemon runs as another user: who is connected isn't known\n");
	else if (l->daemon.kind != VALUE_MAP)
		buf_str(out, "no daemon answers: who is connected isn't known\n");
}

/* ---- Rules that don't fit. ---- */

/* What a daemon would tell and load all the same: the same mistake, as a warning. */
static bool is_told(struct diags *lenient, const struct diag *error)
{
	for (size_t i = 0; i < diags_count(lenient); i++) {
		const struct diag *d = diags_at(lenient, i);

		if (d->severity == DIAG_WARNING && d->at.line == error->at.line &&
		    d->at.column == error->at.column && strcmp(d->at.file, error->at.file) == 0 &&
		    strcmp(d->what, error->what) == 0)
			return true;
	}
	return false;
}

static void show_misfits(struct context *context, struct config *config)
{
	AUTO(diags_free) struct diags *strict = diags_new();
	AUTO(diags_free) struct diags *lenient = diags_new();
	AUTO(ruleset_free) struct ruleset *first = NULL;
	AUTO(ruleset_free) struct ruleset *second = NULL;

	if (strict == NULL || lenient == NULL)
		return;
	first = ruleset_load(config, config->rule_paths, config->rule_path_count, strict);
	config->lenient = true;
	second = ruleset_load(config, config->rule_paths, config->rule_path_count, lenient);
	for (size_t i = 0; first != NULL && second != NULL && i < diags_count(strict); i++) {
		const struct diag *d = diags_at(strict, i);

		if (d->severity == DIAG_ERROR && is_told(lenient, d))
			buf_printf(&context->out, "doesn't fit: %s:%d:%d: %s\n", d->at.file,
				   d->at.line, d->at.column, d->what);
	}
}

static int show(const struct list *l)
{
	static const char *const titles[] = { "PLUGIN",   "STATE", "SESSION",  "JOBS", "PROCESS",
					      "MANIFEST", "KEYS",  "LAST END", NULL };
	AUTO(table_free) struct table *table = table_new(titles);

	if (table == NULL)
		return context_fail(l->context, COMMAND_FAILED, "memory is out");
	for (size_t i = 0; i < l->config->plugin_count; i++) {
		struct line line = line_of(l, &l->config->plugins[i]);

		if (l->context->format == OUTPUT_JSON)
			show_json(l, &line);
		else
			show_row(table, &line);
	}
	if (l->context->format == OUTPUT_JSON)
		return COMMAND_OK;
	(void)table_write(table, &l->context->out, l->context->colour);
	for (size_t i = 0; i < l->config->plugin_count; i++) {
		struct line line = line_of(l, &l->config->plugins[i]);

		show_why(l, &line);
	}
	show_bus(l);
	return COMMAND_OK;
}

int plugin_list(struct context *context)
{
	struct list l = { .context = context, .daemon = value_null() };
	struct answer answer = { 0 };
	int code;
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	manifests_recall(config);
	l.config = config;
	if (config->bus.key != NULL && !bus_public_key(config->bus.key, l.key))
		l.key[0] = '\0';
	if (ask_get(context, config, "/api/v1/plugins", &answer, &l.denied) && answer.status == 200)
		l.daemon = answer.value;
	code = show(&l);
	if (code == COMMAND_OK && context->format == OUTPUT_TEXT)
		show_misfits(context, config);
	return code;
}
