/* SPDX-License-Identifier: Apache-2.0
 *
 * test_case - see test_case.h. */
#include "engine/commands/test_case.h"

#include <assert.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

#define STATUS_LEAST 100 /* RFC 9110, section 15 */
#define STATUS_MOST  599
#define TIMES_MOST   1000
#define NAMES_SHOWN  8 /* of a rule, in a hint */

const char *const test_given_keys[] = { "event", "advance", "reload", "tables", "entity", NULL };
const char *const test_entity_keys[] = { "kind", "id", "connection", "data", NULL };
const char *const test_reply_keys[] = { "result", "status", "times", "drop", "retry_after", NULL };

/* A test under way. */
struct test_reading {
	struct reader r;
	const struct rule *rule;
	bool reloads; /* names may belong to the reloaded rule */
};

/* ---- Names of steps. ---- */

bool test_step_is(const struct step *step, struct text name)
{
	/* A for_each sends nothing by itself. */
	return name.n > 0 && step->loop == NULL &&
	       (text_eq(step->name, name) || text_is(name, step->what));
}

/* The names a test may use, for hints; ends with NULL. */
static const char *const *step_names(const struct test_reading *t)
{
	const struct rule *rule = t->rule;
	const char **names =
	    arena_array(t->r.arena, 2 * (size_t)rule->step_count + 1, sizeof(*names));
	size_t n = 0;

	if (names == NULL)
		return NULL;
	for (int i = 0; i < rule->step_count; i++) {
		const struct step *step = &rule->steps[i];

		if (step->loop != NULL)
			continue;
		if (step->name.n > 0)
			names[n++] = text_dup(t->r.arena, step->name).s;
		names[n++] = step->what;
		if (step->name.n > 0 && names[n - 2] == NULL)
			return NULL;
	}
	names[n] = NULL;
	return names;
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The nearest name; where none is near, the first few there are, each once. */
static const char *names_hint(const struct test_reading *t, struct text name,
			      const char *const *names)
{
	const char *near = reader_nearest(t->r.arena, name, names);
	struct text hint = TEXT("it has: ");
	size_t shown = 0;

	if (near[0] != '\0' || names[0] == NULL)
		return near;
	for (size_t i = 0; names[i] != NULL && shown <= NAMES_SHOWN; i++) {
		if (is_among(names[i], names, i))
			continue;
		hint = text_printf(t->r.arena, "%.*s%s%s", TEXT_ARG(hint), shown > 0 ? ", " : "",
				   shown < NAMES_SHOWN ? names[i] : "...");
		shown++;
	}
	return hint.s != NULL ? hint.s : "";
}

static void check_name(const struct test_reading *t, const struct yaml_node *node, struct text name)
{
	const char *const *names;

	if (t->reloads)
		return;
	for (int i = 0; i < t->rule->step_count; i++)
		if (test_step_is(&t->rule->steps[i], name))
			return;
	names = step_names(t);
	reader_error(&t->r, node, names != NULL ? names_hint(t, name, names) : "",
		     "the rule has no step or action \"%.*s\"", TEXT_ARG(name));
}

/* ---- given ---- */

static struct text entity_json(const struct test_reading *t, const struct yaml_node *data)
{
	AUTO_FINI(buf_fini) struct buf json;

	buf_init(&json, LIMIT_ACTION_REPLY);
	if (data == NULL || data->kind != YAML_MAP) {
		if (data != NULL)
			reader_error(&t->r, data, "data: { id: \"7\" }",
				     "an object must be a map, not %s", yaml_kind_words(data));
		return TEXT_NONE;
	}
	value_write(&json, yaml_value(t->r.arena, data));
	if (buf_failed(&json))
		reader_error(&t->r, data, "", "the object is too large");
	return text_dup(t->r.arena, buf_view(&json));
}

static void read_entity(const struct test_reading *t, const struct yaml_node *node,
			struct test_entity *out)
{
	static const char example[] = "entity: { kind: kantata.workspace, data: { id: \"7\" } }";
	const struct yaml_node *kind, *data, *id, *val;
	struct text name;

	if (!reader_keys(&t->r, node, "an entity", test_entity_keys, NULL))
		return;
	kind = reader_need(&t->r, node, "kind", example);
	data = reader_need(&t->r, node, "data", example);
	out->data = entity_json(t, data);
	if ((val = yaml_get(node, "connection")) != NULL)
		(void)reader_text(&t->r, val, &out->connection);
	if (kind == NULL || !reader_text(&t->r, kind, &name))
		return;
	out->kind = entity_kind(name);
	if (out->kind == NULL) {
		reader_error(&t->r, kind, entity_kind_hint(t->r.arena, name),
			     "there is no kind of object \"%.*s\"", TEXT_ARG(name));
		return;
	}
	id = yaml_get(node, "id");
	if (data == NULL || data->kind != YAML_MAP)
		return; /* told */
	if (id == NULL)
		id = yaml_get(data, out->kind->id);
	if (id == NULL || id->kind == YAML_MAP || id->kind == YAML_LIST || id->text.n == 0)
		reader_error(&t->r, node, example, "an entity needs an id");
	else
		out->id = text_dup(t->r.arena, id->text);
}

static void read_moment(struct test_reading *t, const struct yaml_node *node, struct given *out)
{
	const struct yaml_node *val;

	out->at = reader_place(&t->r, node);
	if (!reader_keys(&t->r, node, "an entry of given", test_given_keys, NULL))
		return;
	if (node->count != 1) {
		reader_error(
		    &t->r, node, "put each in an entry of its own: - advance: 1h",
		    "an entry of given is one of event, advance, reload, tables and entity");
		return;
	}
	val = node->pairs[0].val;
	if (yaml_get(node, "event") != NULL) {
		out->kind = GIVEN_EVENT;
		if (test_event_read(&t->r, t->rule, val, &out->event))
			test_hints_event(&t->r, t->rule, val, &out->event);
	} else if (yaml_get(node, "advance") != NULL) {
		out->kind = GIVEN_ADVANCE;
		(void)reader_duration(&t->r, val, 0, &out->advance);
	} else if (yaml_get(node, "tables") != NULL) {
		out->kind = GIVEN_TABLES;
		test_tables_read(&t->r, t->rule, val, out);
	} else if (yaml_get(node, "entity") != NULL) {
		out->kind = GIVEN_ENTITY;
		read_entity(t, val, &out->entity);
	} else if (yaml_get(node, "reload") != NULL) {
		out->kind = GIVEN_RELOAD;
		if (reader_text(&t->r, val, &out->file))
			out->file = reader_path(
			    t->r.arena, reader_directory(text_of(t->rule->at.file)), out->file);
	}
}

static bool is_list(const struct test_reading *t, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_LIST)
		return true;
	reader_error(&t->r, node, "", "%s must be a list, not %s", what, yaml_kind_words(node));
	return false;
}

static void read_given(struct test_reading *t, const struct yaml_node *node, struct test_case *out)
{
	struct given *items;

	if (node == NULL || !is_list(t, node, "given"))
		return;
	items = arena_zero(t->r.arena, (node->count + 1) * sizeof(*items));
	for (size_t i = 0; items != NULL && i < node->count; i++) {
		read_moment(t, node->items[i], &items[i]);
		t->reloads = t->reloads || items[i].kind == GIVEN_RELOAD;
	}
	out->given = items;
	out->given_count = items != NULL ? node->count : 0;
}

/* ---- reply ---- */

static void read_result(const struct test_reading *t, const struct yaml_node *node,
			struct answered *out)
{
	struct buf json;

	buf_init(&json, LIMIT_ACTION_REPLY);
	value_write(&json, yaml_value(t->r.arena, node));
	if (buf_failed(&json))
		reader_error(&t->r, node, "", "the result is too large");
	else
		out->result = text_dup(t->r.arena, buf_view(&json));
	buf_fini(&json);
}

static void read_answered(const struct test_reading *t, const struct yaml_node *node,
			  struct answered *out)
{
	const struct yaml_node *val;
	int64_t n;

	*out = (struct answered){ .status = 200, .retry_after = -1 };
	if (!reader_keys(&t->r, node, "a reply", test_reply_keys, NULL))
		return;
	if ((val = yaml_get(node, "status")) != NULL &&
	    reader_int(&t->r, val, STATUS_LEAST, STATUS_MOST, &n))
		out->status = (int)n;
	if ((val = yaml_get(node, "times")) != NULL && reader_int(&t->r, val, 1, TIMES_MOST, &n))
		out->times = (int)n;
	if ((val = yaml_get(node, "drop")) != NULL)
		(void)reader_bool(&t->r, val, &out->drop);
	if ((val = yaml_get(node, "retry_after")) != NULL)
		(void)reader_duration(&t->r, val, 0, &out->retry_after);
	if ((val = yaml_get(node, "result")) != NULL)
		read_result(t, val, out);
	test_hints_answer(&t->r, node, out);
}

/* One reply, or a list of them, taken one after the other. */
static void read_answers(const struct test_reading *t, const struct yaml_pair *pair,
			 struct answers *out)
{
	const struct yaml_node *val = pair->val;
	size_t count = val->kind == YAML_LIST ? val->count : 1;
	struct answered *items = arena_array(t->r.arena, count + 1, sizeof(*items));

	out->name = text_dup(t->r.arena, pair->key->text);
	check_name(t, pair->key, pair->key->text);
	for (size_t i = 0; items != NULL && i < count; i++)
		read_answered(t, val->kind == YAML_LIST ? val->items[i] : val, &items[i]);
	out->items = items;
	out->count = items != NULL ? count : 0;
}

static void read_reply(struct test_reading *t, const struct yaml_node *node, struct test_case *out)
{
	struct answers *items;

	if (node == NULL)
		return;
	if (node->kind != YAML_MAP) {
		reader_error(&t->r, node, "for example reply: { slack.post: { status: 503 } }",
			     "reply must be a map of steps, not %s", yaml_kind_words(node));
		return;
	}
	items = arena_zero(t->r.arena, (node->count + 1) * sizeof(*items));
	for (size_t i = 0; items != NULL && i < node->count; i++)
		read_answers(t, &node->pairs[i], &items[i]);
	out->answers = items;
	out->answers_count = items != NULL ? node->count : 0;
}

/* ---- expect ---- */

static void read_expected(const struct test_reading *t, const struct yaml_node *node,
			  struct expected *out)
{
	const struct yaml_node *name = node;

	out->at = reader_place(&t->r, node);
	if (node->kind == YAML_MAP && node->count == 1) {
		name = node->pairs[0].key;
		out->params = node->pairs[0].val;
		if (out->params->kind != YAML_MAP)
			reader_error(&t->r, out->params, "", "the parameters must be a map, not %s",
				     yaml_kind_words(out->params));
	} else if (node->kind != YAML_TEXT) {
		reader_error(&t->r, node, "for example - slack.post: { text: { contains: over } }",
			     "a step is its name, or a map of its name to parameters");
		return;
	}
	out->name = text_dup(t->r.arena, name->text);
	check_name(t, name, name->text);
	if (out->params != NULL && !t->reloads)
		test_hints_expected(&t->r, t->rule, name->text, out->params);
}

static void read_expect(struct test_reading *t, const struct yaml_node *node, struct test_case *out)
{
	struct expected *items;

	if (node == NULL || !is_list(t, node, "expect"))
		return;
	items = arena_zero(t->r.arena, (node->count + 1) * sizeof(*items));
	for (size_t i = 0; items != NULL && i < node->count; i++)
		read_expected(t, node->items[i], &items[i]);
	out->expected = items;
	out->expected_count = items != NULL ? node->count : 0;
}

/* ---- A test. ---- */

static void read_case(struct test_reading *t, const struct yaml_node *node, struct test_case *out)
{
	const struct yaml_node *name;

	out->rule = t->rule;
	out->at = reader_place(&t->r, node);
	t->reloads = false;
	if (node->kind != YAML_MAP)
		return; /* the loader has said so, as it has of unknown keys */
	name = reader_need(&t->r, node, "name", "say in words what the test shows");
	if (name != NULL)
		(void)reader_text(&t->r, name, &out->name);
	read_given(t, reader_need(&t->r, node, "given", "given: [{ event: {...} }]"), out);
	read_reply(t, yaml_get(node, "reply"), out);
	read_expect(t, reader_need(&t->r, node, "expect", "expect: [] when nothing must be sent"),
		    out);
	if (!t->reloads)
		test_hints_case(&t->r, t->rule, node, out);
}

bool test_cases_read(struct arena *arena, struct diags *diags, const struct rule *rule,
		     const struct test_case **out, size_t *count)
{
	struct test_reading t = { .r = { .arena = arena, .diags = diags, .file = rule->at.file },
				  .rule = rule };
	size_t errors = diags_errors(diags);
	struct test_case *cases;

	assert(arena != NULL && out != NULL && count != NULL);
	*count = 0;
	if (rule->tests == NULL || !is_list(&t, rule->tests, "tests"))
		return diags_errors(diags) == errors;
	cases = arena_zero(arena, (rule->tests->count + 1) * sizeof(*cases));
	for (size_t i = 0; cases != NULL && i < rule->tests->count; i++)
		read_case(&t, rule->tests->items[i], &cases[i]);
	*out = cases;
	*count = cases != NULL ? rule->tests->count : 0;
	return cases != NULL && diags_errors(diags) == errors;
}
