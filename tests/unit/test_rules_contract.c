/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of every row of every connector, as far as no run is needed: its
 * example is taken by `tappet check`, mistakes in its parameters are refused where
 * they stand, its recorded replies are read as they say, and memory that gives out
 * anywhere changes no answer. Rows come from the registry; nothing is listed here. */
#include "tests/unit/test_rules_row.h"

/* ---- Rules with a step of the row. ---- */

#define STEP_LINE 5

/* Where the parameters begin, counted from 1. */
static int row_column(const struct row *row)
{
	return (int)strlen("      - ") + (int)strlen(row->name) + 3;
}

static const char *row_rules(struct row *row, const char *params)
{
	return text_printf(row->kit.arena,
			   "rules:\n  - id: r\n    on: hook.go\n    do:\n      - %s: %s\n",
			   row->name, params)
	    .s;
}

/* JSON with the blanks that YAML wants. */
static void put_yaml(struct buf *out, struct value v)
{
	if (!value_is(v, VALUE_MAP) && !value_is(v, VALUE_LIST)) {
		value_write(out, v);
		return;
	}
	buf_char(out, value_is(v, VALUE_MAP) ? '{' : '[');
	for (uint32_t i = 0; i < v.n; i++) {
		if (i > 0)
			buf_str(out, ", ");
		if (value_is(v, VALUE_MAP)) {
			value_write(out, v.pairs[i].key);
			buf_str(out, ": ");
		}
		put_yaml(out, value_is(v, VALUE_MAP) ? v.pairs[i].val : v.items[i]);
	}
	buf_char(out, value_is(v, VALUE_MAP) ? '}' : ']');
}

static const char *yaml_of(struct row *row, struct value v)
{
	struct buf b;
	const char *made;

	buf_init(&b, 64 * KIB);
	put_yaml(&b, v);
	made = text_dup(row->kit.arena, buf_view(&b)).s;
	buf_fini(&b);
	return made;
}

static const char *row_params(struct row *row)
{
	struct recording recording;

	(void)recording_load(row->kit.arena, row->connector->name, row->file, &recording);
	if (recording.params.n == 0)
		return row->action->example;
	return text_dup(row->kit.arena, recording.params).s;
}

/* The example as the engine takes it: the rule's own parameters. */
static void row_example(struct row *row)
{
	const struct rule *rule = kit_rule(&row->kit, row_rules(row, row_params(row)));
	struct scope *scope = kit_event(&row->kit, rule, "hook.go", "null", "{}");
	struct text error = TEXT_NONE;

	ck_assert_msg(step_params(scope, &rule->steps[0], &row->example, &error) == FATE_OK,
		      "%s: %.*s", row->name, TEXT_ARG(error));
	row->example = value_copy(row->kit.arena, row->example);
}

/* ---- Mistakes. ---- */

/* One error at the step's line, at the character where `mark` stands (or anywhere in it: NULL). */
static void expect_error(struct row *row, struct value params, const char *mark, const char *word)
{
	const char *yaml = yaml_of(row, params);
	const char *at = mark != NULL ? strstr(yaml, mark) : NULL;
	bool found = false;

	ck_assert(mark == NULL || at != NULL);
	diags_free(row->kit.diags);
	row->kit.diags = diags_new();
	kit_load(&row->kit, row_rules(row, yaml));
	for (size_t i = 0; i < diags_count(row->kit.diags); i++) {
		const struct diag *d = diags_at(row->kit.diags, i);
		int column = row_column(row) + (at != NULL ? (int)(at - yaml) : 0);

		found = found || (d->severity == DIAG_ERROR && d->at.line == STEP_LINE &&
				  (at != NULL ? d->at.column == column : d->at.column > 0) &&
				  strstr(d->what, word) != NULL && d->at.file != NULL);
	}
	if (!found)
		kit_show(row->kit.diags);
	ck_assert_msg(found, "%s: %s: no error with \"%s\" at %s", row->name, yaml, word,
		      mark != NULL ? mark : "the step");
}

/* What a table hangs in: the parameters themselves when NULL. */
struct nest {
	const struct nest *outer;
	const struct param *param;
};

static struct value one_member(struct row *row, const char *name, struct value v)
{
	struct value_map_builder b;

	value_map_begin(&b, row->kit.arena);
	if (name != NULL)
		value_map_set(&b, name, v);
	return value_map_end(&b);
}

/* The example, with these members of a table in place of its own. */
static struct value with(struct row *row, const struct nest *nest, struct value members)
{
	struct value_list_builder list;
	struct value_map_builder b;

	if (nest != NULL) {
		value_list_begin(&list, row->kit.arena);
		value_list_add(&list, members);
		if (nest->param->type == PARAM_LIST)
			members = value_list_end(&list);
		return with(row, nest->outer, one_member(row, nest->param->name, members));
	}
	value_map_begin(&b, row->kit.arena);
	for (uint32_t i = 0; i < row->example.n; i++)
		value_map_add(&b, row->example.pairs[i].key, row->example.pairs[i].val);
	for (uint32_t i = 0; i < members.n; i++)
		value_map_add(&b, members.pairs[i].key, members.pairs[i].val);
	return value_map_end(&b);
}

#define WRONG "\"wrong\""

static void try_wrong_type(struct row *row, const struct nest *nest, const struct param *p)
{
	struct value text = value_text(TEXT("wrong"));
	struct value map = one_member(row, "wrong", value_int(0));

	if (p->type == PARAM_ANY)
		return;
	if (p->type == PARAM_TEXT || p->type == PARAM_ID)
		expect_error(row, with(row, nest, one_member(row, p->name, map)), "{" WRONG,
			     p->name);
	else
		expect_error(row, with(row, nest, one_member(row, p->name, text)), WRONG,
			     p->type == PARAM_CHOICE ? "wrong"
			     : p->type == PARAM_MAIL ? "no mail address"
						     : p->name);
}

static void try_missing(struct row *row, const struct nest *nest, const struct param *p)
{
	struct value_map_builder b;

	if (nest != NULL) {
		expect_error(row, with(row, nest, one_member(row, NULL, value_null())), NULL,
			     p->name);
		return;
	}
	value_map_begin(&b, row->kit.arena);
	for (uint32_t i = 0; i < row->example.n; i++)
		if (!text_is(value_as_text(row->example.pairs[i].key), p->name))
			value_map_add(&b, row->example.pairs[i].key, row->example.pairs[i].val);
	expect_error(row, value_map_end(&b), NULL, p->name);
}

static void try_table(struct row *row, const struct nest *nest, const struct param *table)
{
	expect_error(row, with(row, nest, one_member(row, "no_such_thing", value_int(1))),
		     "\"no_such_thing\"", "no_such_thing");
	for (const struct param *p = table; p->name != NULL; p++) {
		struct nest inner = { nest, p };

		if (p->secret)
			continue;
		try_wrong_type(row, nest, p);
		if (p->required)
			try_missing(row, nest, p);
		if (p->members != NULL)
			try_table(row, &inner, p->members);
	}
}

/* ---- An action's functions. ---- */

static enum fate call_build(struct trial *trial, struct call *call, struct buf *answer)
{
	struct request request = { .method = "" };
	enum fate fate = trial->row->action->build(call, trial->row->example, &request);

	if (fate == FATE_OK && !arena_failed(call->arena))
		put_answer(answer, &request);
	return fate;
}

static enum fate call_lookup(struct trial *trial, struct call *call, struct buf *answer)
{
	struct request request = { .method = "" };
	enum fate fate = trial->row->action->lookup(call, trial->row->example, &request);

	if (fate == FATE_OK && !arena_failed(call->arena))
		put_answer(answer, &request);
	return fate;
}

static enum fate call_read(struct trial *trial, struct call *call, struct buf *answer)
{
	const struct recorded *r = trial->reply;
	const struct reply reply = { r->status, r->body, r->type };
	struct reading reading = { .result = value_null() };

	call->params = trial->row->example;
	bool found = text_is(r->part, "found");

	if (found)
		call->gathered = value_null();
	enum fate fate =
	    (found ? trial->row->action->found : trial->row->action->read)(call, &reply, &reading);

	if (fate != FATE_OK || arena_failed(call->arena))
		return fate;
	ck_assert_msg(found || reading.more == text_is(r->fate, "more"), "%s: %s", trial->row->name,
		      trial->what);
	buf_printf(answer, "%d %d %s %s ", reading.more, reading.absent,
		   reading.happened != NULL ? reading.happened : "",
		   reading.kind != NULL ? reading.kind->name : "");
	value_write(answer, reading.result);
	value_write(answer, reading.object);
	buf_text(answer, reading.emits.type);
	buf_text(answer, reading.keeps.table);
	value_write(answer, reading.keeps.row);
	buf_text(answer, reading.says);
	return fate;
}

static enum fate call_words(struct trial *trial, struct call *call, struct buf *answer)
{
	const struct recorded *r = trial->reply;
	const struct reply reply = { r->status, r->body, r->type };
	struct text words = trial->row->connector->error_words(call, &reply);

	if (!arena_failed(call->arena)) {
		buf_text(answer, words);
		ck_assert(text_is_utf8(words) && words.n <= LIMIT_WORDS);
	}
	return FATE_OK;
}

/* What isn't told for want of memory is told by the next reply. */
static void try_standing(struct row *row, const struct recorded *r)
{
	const struct reply reply = { r->status, r->body, r->type };
	struct standing whole = { .retry_after = -1 };
	bool hit = row->connector->standing != NULL;

	for (int n = 0; hit; n++) {
		struct arena *arena = arena_new("trial", LIMIT_EVENT_ARENA);
		struct json_parser *parser = json_parser_new();
		struct call call = trial_call(row, arena, parser);
		struct standing out = { .retry_after = -1 };

		if (n > 0)
			fault_arm("memory", n, false);
		row->connector->standing(&call, &reply, &out);
		hit = n == 0 || fault_disarm();
		if (n == 0)
			whole = out;
		ck_assert_msg(whole.gone || !out.gone, "%s: status %d", row->name, r->status);
		ck_assert(hit || (out.gone == whole.gone && out.retry_after == whole.retry_after));
		json_parser_free(parser);
		arena_free(arena);
	}
}

/* What the replies before the one in hand give, as the sequencer keeps it. */
static void row_gather(struct row *row)
{
	struct request request = { .method = "" };
	struct call call;

	row->gathered = value_null();
	call = trial_call(row, row->kit.arena, row->kit.parser);
	if (row->action->inside || row->action->build(&call, row->example, &request) != FATE_OK)
		return;
	row->gathered = request.keep;
	for (unsigned i = 0; i < row->before.count; i++) {
		const struct recorded *r = row->before.replies[i];
		const struct reply reply = { r->status, r->body, r->type };
		struct reading reading;

		call.gathered = row->gathered;
		ck_assert_int_eq(row->action->read(&call, &reply, &reading), FATE_OK);
		row->gathered = call.gathered = reading.result;
		if (row->action->build(&call, row->example, &request) == FATE_OK &&
		    !value_is(request.keep, VALUE_NULL))
			row->gathered = request.keep;
	}
}

/* The request that follows. */
static void try_next(struct row *row)
{
	struct trial trial = { .row = row, .function = call_build, .what = "build of the next" };

	row_gather(row);
	sweep(&trial, FATE_OK);
}

static void try_replies(struct row *row, const struct recording *of)
{
	for (unsigned i = 0; i < of->count; i++) {
		struct trial trial = { .row = row, .reply = &of->replies[i] };

		chain_begin(&row->before, trial.reply);
		row_gather(row);
		trial.what = text_printf(row->kit.arena, "status %d, %.*s", trial.reply->status,
					 TEXT_ARG(trial.reply->body))
				 .s;
		trial.function = call_read;
		if (status_is_2xx(trial.reply->status))
			sweep(&trial, wanted_fate(trial.reply));
		trial.function = call_words;
		sweep(&trial, FATE_OK);
		try_standing(row, trial.reply);
		chain_end(&row->before, trial.reply);
		if (text_is(trial.reply->fate, "more"))
			try_next(row);
	}
	row->before.count = 0;
	row->gathered = value_null();
}

/* An inside action reads what it built. */
static void try_own_reply(struct row *row)
{
	struct call call = trial_call(row, row->kit.arena, row->kit.parser);
	struct recorded own = { .status = 200, .fate = TEXT("ok") };
	struct trial trial = { .row = row, .reply = &own, .function = call_read, .what = "read" };
	struct request request;

	ck_assert_int_eq(row->action->build(&call, row->example, &request), FATE_OK);
	own.body = request.body;
	sweep(&trial, FATE_OK);
}

static void try_action(struct row *row)
{
	struct trial trial = { .row = row, .function = call_build, .what = "build" };
	struct recording recording;
	struct call call = trial_call(row, row->kit.arena, row->kit.parser);
	struct request request;

	sweep(&trial, FATE_OK);
	if (row->action->lookup != NULL) {
		trial.function = call_lookup;
		trial.what = "lookup";
		sweep(&trial, row->action->lookup(&call, row->example, &request));
	}
	if (row->action->inside)
		try_own_reply(row);
	if (recording_load(row->kit.arena, row->connector->name, row->file, &recording))
		try_replies(row, &recording);
	if (recording_load(row->kit.arena, row->connector->name, "errors", &recording))
		try_replies(row, &recording);
}

/* ---- Templates. ---- */

/* Every slot that escapes, a text with the value inside and the value alone. */
#define TEMPLATES                                                                                  \
	"rules:\n"                                                                                 \
	"  - id: r\n"                                                                              \
	"    on: hook.go\n"                                                                        \
	"    do:\n"                                                                                \
	"      - http.request:\n"                                                                  \
	"          url: \"https://x.example/${data.x}?q=${data.x}\"\n"                             \
	"          method: POST\n"                                                                 \
	"          headers: { X-A: \"<${data.x}>\" }\n"                                            \
	"          query: { a: \"${data.x}\", b: \"${data}\" }\n"                                  \
	"          body: '{\"a\":\"${data.x}\",\"b\":${data.x},\"c\":${data}}'\n"                  \
	"      - slack.post: { text: \"${data.x}: ${data.x}\" }\n"                                 \
	"      - discord.post: { text: \"${data.x}: ${data}\" }\n"                                 \
	"      - teams.post: { text: \"${data.x}: ${data.x}\", title: \"${data.x}\" }\n"           \
	"      - google_chat.post: { text: \"${data.x}: ${data.x}\" }\n"

#define FOUR_TARGETS                                                                               \
	"hooks: { go: { verify: none } }\n"                                                        \
	"connections:\n"                                                                           \
	"  slack: { connector: slack, webhook_url: \"http://127.0.0.1:1\" }\n"                     \
	"  discord: { connector: discord, webhook_url: \"http://127.0.0.1:1\" }\n"                 \
	"  teams: { connector: teams, webhook_url: \"http://127.0.0.1:1\" }\n"                     \
	"  google_chat: { connector: google_chat, webhook_url: \"http://127.0.0.1:1\" }\n"

static enum fate call_params(struct trial *trial, struct call *call, struct buf *answer)
{
	struct row *row = trial->row;
	struct text error = TEXT_NONE;
	struct value params;
	enum fate fate;

	row->kit.scope.arena = call->arena;
	row->kit.scope.cache = NULL; /* what is kept there was made in the last one */
	row->kit.scope.about = NULL;
	fate = step_params(&row->kit.scope, trial->step, &params, &error);
	if (fate == FATE_OK && !arena_failed(call->arena))
		value_write(answer, params);
	return fate;
}

START_TEST(templates_without_memory)
{
	struct row row = { .name = "templates" };
	struct trial trial = { .row = &row, .function = call_params };
	const struct rule *rule;

	kit_init(&row.kit);
	kit_config(&row.kit, FOUR_TARGETS);
	rule = kit_rule(&row.kit, TEMPLATES);
	(void)kit_event(&row.kit, rule, "hook.go", "null", "{\"x\":\"@everyone <a> & /../ \\\"\"}");
	row.connector = connector_find(TEXT("http"));
	for (int i = 0; i < rule->step_count; i++) {
		trial.step = &rule->steps[i];
		trial.what = trial.step->connector->name;
		sweep(&trial, FATE_OK);
	}
	kit_fini(&row.kit);
}
END_TEST

/* ---- The rows. ---- */

START_TEST(mistakes_have_a_place)
{
	const struct connector *c = connectors_all()[_i];

	for (const struct action *a = c->actions; a != NULL && a->name != NULL; a++) {
		struct row row;

		row_begin(&row, c, a->name);
		row.action = a;
		row_example(&row);
		try_table(&row, NULL, a->params);
		row_end(&row);
	}
}
END_TEST

static void try_recordings(const struct connector *c, const struct action *a)
{
	struct arena *names = arena_new("test", MIB);
	const char *files[RECORDED_ROWS];
	unsigned count = recorded_rows(names, c->name, a->name, files);

	for (unsigned i = 0; i < count; i++) {
		struct row row;

		row_begin(&row, c, files[i]);
		row.name = text_printf(row.kit.arena, "%s.%s", c->name, a->name).s;
		row.action = a;
		row_example(&row);
		try_action(&row);
		row_end(&row);
	}
	arena_free(names);
}

START_TEST(memory_changes_no_answer)
{
	const struct connector *c = connectors_all()[_i];

	for (const struct action *a = c->actions; a != NULL && a->name != NULL; a++)
		try_recordings(c, a);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rules_contract");
	TCase *cases = tcase_create("contract");
	SRunner *runner = srunner_create(suite);
	int count = 0, failed;

	while (connectors_all()[count] != NULL)
		count++;
	tcase_set_timeout(cases, 240);
	tcase_add_loop_test(cases, mistakes_have_a_place, 0, count);
	tcase_add_loop_test(cases, memory_changes_no_answer, 0, count);
	tcase_add_test(cases, templates_without_memory);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
