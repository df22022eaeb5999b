/* SPDX-License-Identifier: Apache-2.0
 *
 * pause - stops a rule, a connection or a plugin for a while, through the daemon; without a
 * name it lists what is paused, from the store. */
#include <assert.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/ask.h"
#include "engine/commands/json.h"
#include "engine/commands/pauses.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"

DEFINE_AUTO(table_free, struct table *)

static const struct option_row options[] = {
	{ "for", 0, "DURATION", "for how long: 30m, 2h, 1d; without it, until it is resumed" },
	{ "why", 0, "TEXT", "the reason, for those who wonder" },
	{ 0 },
};

/* ---- What is paused. ---- */

struct gathering {
	struct context *context;
	struct json_parser *parser;
	struct pause_row *rows;
	size_t count;
};

static bool gather_row(void *of, struct text rule, struct text key, struct text json)
{
	struct gathering *g = of;

	(void)rule;
	if (g->count < LIMIT_PAUSES &&
	    pause_read(g->parser, g->context->arena, key, json, &g->rows[g->count]))
		g->count++;
	return !arena_failed(g->context->arena);
}

bool pauses_gather(struct context *context, struct store *store, struct pauses *out)
{
	AUTO(json_parser_free) struct json_parser *parser = json_parser_new();
	struct gathering g = { .context = context, .parser = parser };

	assert(store != NULL && out != NULL);
	g.rows = arena_array(context->arena, LIMIT_PAUSES, sizeof(*g.rows));
	if (parser == NULL || g.rows == NULL)
		return false;
	store_each_state(store, TEXT(PAUSE_STATE), gather_row, &g);
	*out = (struct pauses){ g.rows, g.count };
	return !arena_failed(context->arena);
}

const struct pause_row *pauses_find(const struct pauses *pauses, const char *kind, struct text name)
{
	assert(pauses != NULL && kind != NULL);
	for (size_t i = 0; i < pauses->count; i++)
		if (text_is(pauses->rows[i].kind, kind) && text_eq(pauses->rows[i].name, name))
			return &pauses->rows[i];
	return NULL;
}

static void show_json(struct buf *out, const struct pause_row *row)
{
	json_open(out, '{');
	json_text(out, "kind", row->kind);
	json_text(out, "name", row->name);
	json_time(out, "since", row->since);
	json_time(out, "until", row->until);
	json_text(out, "who", row->who);
	json_text(out, "why", row->why);
	json_close(out, '}');
	json_line(out);
}

static void show_row(struct table *table, const struct pause_row *row)
{
	char since[TIMETEXT_MAX], until[TIMETEXT_MAX];

	timetext_format_ms(row->since, since);
	timetext_format_ms(row->until, until);
	table_cell(table, row->name, TINT_BOLD);
	table_cell(table, row->kind, TINT_NONE);
	table_cell(table, text_of(since), TINT_NONE);
	table_cell(table, row->until > 0 ? text_of(until) : TEXT("resumed"), TINT_NONE);
	table_cell(table, row->who, TINT_NONE);
	table_cell(table, row->why, TINT_NONE);
}

static int list(struct context *context)
{
	static const char *const titles[] = {
		"NAME", "KIND", "SINCE", "UNTIL", "WHO", "WHY", NULL
	};
	static const char *const none[] = { NULL };
	AUTO(table_free) struct table *table = table_new(titles);
	struct pauses pauses;
	int code;

	if (!options_only(context, "the list of what is paused; name what to pause", none))
		return COMMAND_USAGE;
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	if (table == NULL || !pauses_gather(context, store, &pauses))
		return context_fail(context, COMMAND_FAILED, "memory is out");
	for (size_t i = 0; i < pauses.count; i++) {
		if (context->format == OUTPUT_JSON)
			show_json(&context->out, &pauses.rows[i]);
		else
			show_row(table, &pauses.rows[i]);
	}
	if (context->format == OUTPUT_TEXT && pauses.count == 0)
		buf_str(&context->out, "nothing is paused\n");
	else if (context->format == OUTPUT_TEXT)
		(void)table_write(table, &context->out, context->colour);
	return COMMAND_OK;
}

/* ---- Asking the daemon. ---- */

/* By their login: who used sudo, else who runs this. */
static struct text who(struct context *context)
{
	const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *user = sudo == NULL ? getpwuid(geteuid()) : NULL;
	const char *name = sudo != NULL ? sudo : user != NULL ? user->pw_name : NULL;

	if (name == NULL)
		return text_printf(context->arena, "user %u", (unsigned)geteuid());
	return text_head(text_dup(context->arena, text_of(name)), LIMIT_PAUSE_WHO);
}

void pauses_open(struct context *context, struct buf *body)
{
	struct text of, name = text_split(text_of(context->args[0]), '/', &of);

	assert(context->arg_count == 1);
	json_open(body, '{');
	json_text(body, "name", name.s != NULL ? name : of);
	if (name.s != NULL)
		json_text(body, "of", of);
	json_text(body, "who", who(context));
}

static struct text member(struct value v, const char *name)
{
	const struct value *found = value_get(v, text_of(name));

	return found != NULL && found->kind == VALUE_TEXT ? value_as_text(*found) : TEXT_NONE;
}

int pauses_post(struct context *context, const char *path, struct buf *body)
{
	struct answer answer = { 0 };
	struct text until;
	int code;

	if (buf_failed(body))
		return context_fail(context, COMMAND_USAGE, "that is too long");
	AUTO(config_free) struct config *config = setup_config(context, &code);

	if (config == NULL)
		return code;
	code = ask_post(context, config, path, buf_view(body), &answer);
	if (code != COMMAND_OK)
		return code;
	if (answer.status != 200)
		return ask_refused(context, &answer, context->args[0]);
	if (context->format == OUTPUT_JSON) {
		buf_text(&context->out, answer.body);
		buf_char(&context->out, '\n');
		return COMMAND_OK;
	}
	until = member(answer.value, "until");
	plain_put(&context->out, member(answer.value, "kind"));
	buf_char(&context->out, ' ');
	plain_put(&context->out, member(answer.value, "name"));
	buf_str(&context->out, ": ");
	plain_put(&context->out, member(answer.value, "state"));
	if (text_is(member(answer.value, "state"), "paused")) {
		buf_str(&context->out, " until ");
		plain_put(&context->out, until.n > 0 ? until : TEXT("it is resumed"));
	}
	buf_char(&context->out, '\n');
	return COMMAND_OK;
}

static int run(struct context *context)
{
	const char *length = option_value(context, "for"), *why = option_value(context, "why");
	AUTO_FINI(buf_fini) struct buf body;
	int64_t ms;

	buf_init(&body, 64 * KIB);
	if (context->arg_count == 0)
		return list(context);
	if (why == NULL || *why == '\0')
		return context_usage(context, "say --why, for those who wonder");
	if (length != NULL && (!timetext_duration(text_of(length), &ms) || ms <= 0))
		return context_usage(context, "--for is a duration like 30m, 2h or 1d, not \"%s\"",
				     length);
	pauses_open(context, &body);
	if (length != NULL)
		json_str(&body, "for", length);
	json_str(&body, "why", why);
	json_close(&body, '}');
	return pauses_post(context, "/api/v1/pause", &body);
}

const struct command command_pause = {
	.name = "pause",
	.arguments = "[NAME]",
	.doc = "Stops a rule, a connection or a plugin for a while; lists what is paused",
	.more = "NAME is a rule's id or a connection's or plugin's name; rule/NAME, "
		"connection/NAME and "
		"plugin/NAME\n"
		"tell them apart. Events that a paused rule matches are recorded as skipped, and "
		"its open "
		"runs\n"
		"wait. To a paused connection or plugin nothing is sent, and nothing is polled "
		"there: what "
		"is to be\n"
		"done waits in its order. It is kept across restarts, and ends by itself or with "
		"\"tappet resume\".\n"
		"Pausing needs the daemon; the list doesn't.",
	.options = options,
	.most = 1,
	.run = run,
};
