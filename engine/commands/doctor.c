/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor - looks at everything that a daemon needs, and says what to do where something is
 * wrong: configuration, store, permissions, clock, the daemon itself, and whether each
 * connection's host answers. */
#include "engine/commands/doctor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/commands/ask.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"

#define WORDS 600 /* bytes of a finding: errors of the store quote paths of 240 */

/* ---- Telling. ---- */

static const char *const levels[] = { "ok", "warn", "fail" };

static void put_json(struct buf *out, enum finding finding, const char *check, struct text which,
		     const char *what, const char *what_to_do)
{
	json_open(out, '{');
	json_str(out, "level", levels[finding]);
	json_str(out, "check", check);
	json_maybe(out, "which", which);
	json_str(out, "what", what);
	json_str(out, "do", what_to_do);
	json_close(out, '}');
	json_line(out);
}

static void put_line(struct context *context, enum finding finding, const char *check,
		     struct text which, const char *what, const char *what_to_do)
{
	static const enum tint tints[] = { TINT_GOOD, TINT_WARN, TINT_BAD };
	struct buf *out = &context->out;

	tint_put(out, tints[finding], text_of(levels[finding]), context->colour);
	buf_printf(out, "%*s%s", finding == FINDING_OK ? 4 : 2, "", check);
	if (which.n > 0) {
		buf_char(out, ' ');
		plain_put(out, which);
	}
	buf_str(out, ": ");
	plain_put(out, text_of(what));
	if (what_to_do != NULL) {
		buf_str(out, " - ");
		plain_put(out, text_of(what_to_do));
	}
	buf_char(out, '\n');
}

void doctor_say(struct doctor *d, enum finding finding, const char *check, struct text which,
		const char *what_to_do, const char *format, ...)
{
	char what[WORDS];
	va_list args;

	assert(d != NULL && check != NULL && format != NULL);
	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	d->failed += finding == FINDING_FAIL;
	if (d->context->format == OUTPUT_JSON)
		put_json(&d->context->out, finding, check, which, what, what_to_do);
	else
		put_line(d->context, finding, check, which, what, what_to_do);
	(void)context_flush(d->context);
}

/* ---- Configuration and daemon. ---- */

static bool configuration(struct doctor *d, struct diags *diags, const struct ruleset *rules)
{
	struct text which = text_of(d->context->config_files[0]);
	int errors = (int)diags_errors(diags);
	size_t warnings = diags_count(diags) - (size_t)errors;

	if (errors > 0)
		(void)setup_complain(diags);
	if (errors > 0 || rules == NULL)
		doctor_say(d, FINDING_FAIL, "configuration", which,
			   "correct them; tappet check shows them, too", "%d mistakes", errors);
	else if (warnings > 0)
		doctor_say(d, FINDING_WARN, "configuration", which,
			   "tappet check shows them; secrets may be there for the daemon alone",
			   "%zu warnings, %zu rules", warnings, ruleset_count(rules));
	else
		doctor_say(d, FINDING_OK, "configuration", which, NULL,
			   "%zu rules, %zu connections", ruleset_count(rules),
			   d->config->connection_count);
	return errors == 0 && rules != NULL;
}

static const struct value *member(struct value v, const char *name, enum value_kind kind)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == kind ? found : NULL;
}

static void plugin_one(struct doctor *d, struct value all, struct text name)
{
	const struct value *list = member(all, "plugins", VALUE_LIST);
	const struct value *state = NULL;

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct value *at = member(list->items[i], "name", VALUE_TEXT);

		if (at != NULL && text_eq(value_as_text(*at), name))
			state = member(list->items[i], "session", VALUE_TEXT);
	}
	if (state != NULL)
		doctor_say(d, FINDING_OK, "plugin", name, NULL, "connected");
	else
		doctor_say(d, FINDING_WARN, "plugin", name, "tappet plugin list says more",
			   "not connected");
}

static void plugins(struct doctor *d)
{
	struct answer answer = { 0 };
	bool denied;

	if (d->config->plugin_count == 0 ||
	    !ask_get(d->context, d->config, "/api/v1/plugins", &answer, &denied))
		return;
	for (size_t i = 0; i < d->config->plugin_count; i++)
		plugin_one(d, answer.value, d->config->plugins[i].name);
}

static void paused(struct doctor *d, struct value status)
{
	const struct value *count = member(status, "paused", VALUE_INT);

	if (count != NULL && count->i > 0)
		doctor_say(d, FINDING_WARN, "daemon", d->config->admin,
			   "tappet pause says what, by whom and why", "%lld paused",
			   (long long)count->i);
}

static void ready(struct doctor *d, struct value status)
{
	const struct value *yes = member(status, "ready", VALUE_BOOL);
	const struct value *reason = member(status, "reason", VALUE_TEXT);

	if (yes != NULL && yes->b)
		doctor_say(d, FINDING_OK, "daemon", d->config->admin, NULL, "ready");
	else
		doctor_say(d, FINDING_FAIL, "daemon", d->config->admin,
			   "see the runbook in docs/OPERATING.md", "not ready: %.*s",
			   reason != NULL ? (int)reason->n : 7,
			   reason != NULL ? value_as_text(*reason).s : "unknown");
	paused(d, status);
	plugins(d);
}

static void daemon_of(struct doctor *d)
{
	struct answer answer = { 0 };
	bool denied = false, any;

	any = ask_get(d->context, d->config, "/api/v1/status", &answer, &denied);
	if (any && answer.status == 200)
		ready(d, answer.value);
	else if (any)
		doctor_say(d, FINDING_WARN, "daemon", d->config->admin,
			   "is its token set for this command, too?", "it answers with status %d",
			   answer.status);
	else if (denied)
		doctor_say(d, FINDING_WARN, "daemon", d->config->admin,
			   "run this as the daemon's user", "it runs as another user");
	else
		doctor_say(d, FINDING_WARN, "daemon", d->config->admin, "tappet run starts one",
			   "no daemon answers");
}

/* ---- The command. ---- */

static int examine(struct context *context, const struct config *config, struct diags *diags,
		   const struct ruleset *rules)
{
	struct clock clock = clock_system();
	struct doctor d = { .context = context, .config = config, .now = clock_read(&clock).wall };

	if (configuration(&d, diags, rules)) {
		doctor_store(&d);
		doctor_files(&d);
		doctor_clock(&d);
		daemon_of(&d);
		doctor_reach(&d);
	}
	return d.failed > 0 ? COMMAND_FAILED : COMMAND_OK;
}

static int run(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct ruleset *set = NULL;
	int code = COMMAND_FAILED;
	AUTO(config_free)
	struct config *config =
	    diags != NULL ? setup_rules(context, NULL, 0, diags, &set, &code) : NULL;
	AUTO(ruleset_free) struct ruleset *rules = set;

	if (config != NULL)
		return examine(context, config, diags, rules);
	if (diags != NULL && setup_complain(diags))
		(void)context_fail(context, code, "the configuration can't be used at all");
	return code;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "",
	.doc = "Looks for what is wrong around the daemon, and changes nothing",
	.more = "A line for each thing: ok, warn or fail, what is so, and what to do. Looked at "
		"are the "
		"configuration,\n"
		"the store (all of it is read), disk space, who may read and write files, the "
		"clock, the "
		"daemon, and\n"
		"whether each connection's host answers: a HEAD of its / without credentials, a "
		"NOOP for "
		"mail.\n"
		"Run it as the daemon's user. Exit code 1: something failed.",
	.run = run,
};
