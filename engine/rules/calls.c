/* SPDX-License-Identifier: Apache-2.0
 *
 * calls - what check says of calls whose types fit, and that fail or say no all the
 * same: duration("7d"), changed(data.title), became("over_budget", "true").
 *
 * What is written in the expression alone is evaluated once; of paths the
 * connectors' tables are asked. Stored revisions were accepted once: nothing is
 * said of them.
 * Never: evaluates what reads a variable. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/cel/shape.h"

struct looking {
	struct loading *l;
	const struct cel_program *program;
	struct place (*place)(void *of, size_t offset);
	void *of;
	bool failed;
};

static void say(struct looking *k, enum severity severity, struct cel_part at, struct text hint,
		struct text what)
{
	size_t offset = (size_t)(at.text.s - cel_program_text(k->program).s);

	k->failed = k->failed || severity == DIAG_ERROR;
	diags_add(k->l->r.diags, severity, k->place(k->of, offset), hint.s != NULL ? hint.s : "",
		  "%.*s", TEXT_ARG(what));
}

static struct cel_part operand(const struct looking *k, struct cel_part call, uint32_t i)
{
	return cel_part(k->program, cel_operand(k->program, call.at, i));
}

static const struct cel_function *rule_function(struct text name)
{
	for (const struct cel_function *f = rule_functions; f->name != NULL; f++)
		if (text_is(name, f->name))
			return f;
	for (const struct cel_function *f = entity_functions; f->name != NULL; f++)
		if (text_is(name, f->name))
			return f;
	return NULL;
}

/* ---- What is written alone. ---- */

static bool no_variable(void *of, struct arena *arena, uint32_t index, struct value *out)
{
	(void)of;
	(void)arena;
	(void)index;
	(void)out;
	return false;
}

static bool is_alone(const struct looking *k, struct cel_part call)
{
	for (uint32_t i = 0; i < call.count; i++)
		if (operand(k, call, i).code != CEL_CODE_CONSTANT)
			return false;
	return call.count > 0;
}

/* "... (in duration("7d"))": the part is pointed at instead. */
static struct text without_place(struct text why)
{
	size_t at = text_find(why, TEXT(" (in "));

	return at != SIZE_MAX ? (struct text){ why.s, at } : why;
}

static struct text constant_hint(struct text function)
{
	if (text_is(function, "duration"))
		return TEXT("units are h, m, s and ms; a day is 24h");
	if (text_is(function, "timestamp"))
		return TEXT("write a time like \"2026-01-31T09:00:00Z\"");
	return TEXT("");
}

/* What folds is a constant by now; what is left, though nothing is unknown of it, fails. */
static void look_alone(struct looking *k, struct cel_part call)
{
	const struct cel_vars vars = { .lookup = no_variable };
	struct value v;

	if (!is_alone(k, call))
		return;
	v = cel_eval_part(k->program, call.at, k->l->scratch, &vars);
	if (v.kind == VALUE_ERROR)
		say(k, DIAG_ERROR, call, constant_hint(call.name),
		    text_printf(k->l->r.arena, "this never works: %.*s",
				TEXT_ARG(without_place(value_as_text(v)))));
}

/* ---- Words that a function can't take, whatever its other arguments are. ---- */

static void look_at_words(struct looking *k, struct cel_part call)
{
	char why[120] = "";

	for (uint32_t i = 0; i < call.count; i++) {
		struct cel_part part = operand(k, call, i);

		if (part.code == CEL_CODE_CONSTANT && value_is(part.constant, VALUE_TEXT) &&
		    !cel_word_fits(call.name, i, value_as_text(part.constant), why, sizeof(why)))
			say(k, DIAG_ERROR, part, TEXT(""),
			    text_printf(k->l->r.arena, "this never works: %s", why));
	}
}

/* ---- Days taken for times. ---- */

static bool beneath_data(struct text variable)
{
	return text_is(variable, "data") || text_is(variable, "before") ||
	       text_is(variable, "object");
}

/* The path of data.a.b, before.a.b or object.a.b; TEXT_NONE for anything else. */
static struct text path_of(const struct looking *k, struct cel_part part)
{
	struct text path = TEXT_NONE;

	for (; part.code == CEL_CODE_SELECT; part = operand(k, part, 0))
		path = path.s == NULL ? part.name
				      : text_printf(k->l->scratch, "%.*s.%.*s", TEXT_ARG(part.name),
						    TEXT_ARG(path));
	return part.code == CEL_CODE_VARIABLE && beneath_data(part.name) ? path : TEXT_NONE;
}

static void look_at_time(struct looking *k, struct cel_part call)
{
	struct text path = path_of(k, operand(k, call, 0)), shown = operand(k, call, 0).text;
	const struct field *field;

	if (path.s == NULL || !k->l->kinds_known)
		return;
	field = load_field(k->l, path);
	if (field == NULL || field->type != FIELD_DATE)
		return;
	say(k, DIAG_WARNING, call,
	    text_printf(k->l->r.arena, "write timestamp(%.*s + \"T00:00:00Z\")", TEXT_ARG(shown)),
	    text_printf(k->l->r.arena,
			"%.*s is a day like 2026-01-31, and timestamp() takes a time",
			TEXT_ARG(shown)));
}

/* ---- Kinds of objects. ---- */

static void look_at_kind(struct looking *k, struct cel_part call)
{
	struct cel_part first = operand(k, call, 0);

	if (first.code != CEL_CODE_CONSTANT || entity_kind(value_as_text(first.constant)) != NULL)
		return;
	say(k, DIAG_ERROR, first,
	    text_of(entity_kind_hint(k->l->r.arena, value_as_text(first.constant))),
	    text_printf(k->l->r.arena, "there is no kind of object \"%.*s\"",
			TEXT_ARG(value_as_text(first.constant))));
}

/* ---- Changes. ---- */

static struct text first_word(struct text path)
{
	struct text head;

	(void)text_split(path, '.', &head);
	return head;
}

/* False after a mistake in the path of a change; *path is a literal's, else TEXT_NONE. */
static bool look_at_path(struct looking *k, struct cel_part call, struct text *path)
{
	struct cel_part first = operand(k, call, 0);
	struct text written = path_of(k, first);
	struct arena *arena = k->l->r.arena;

	*path = TEXT_NONE;
	if (written.s != NULL)
		say(k, DIAG_ERROR, first, text_printf(arena, "write \"%.*s\"", TEXT_ARG(written)),
		    text_printf(arena, "the path of %.*s() stands in quotes", TEXT_ARG(call.name)));
	if (written.s != NULL || first.code != CEL_CODE_CONSTANT)
		return written.s == NULL;
	*path = value_as_text(first.constant);
	if (!beneath_data(first_word(*path)) || first_word(*path).n == path->n)
		return true;
	say(k, k->l->kinds_known ? DIAG_ERROR : DIAG_WARNING, first,
	    text_printf(arena, "write \"%.*s\"", (int)(path->n - first_word(*path).n - 1),
			path->s + first_word(*path).n + 1),
	    TEXT("paths of changes are relative to data already"));
	return false;
}

static const char *plain(enum cel_type type)
{
	return type == CEL_TEXT ? "text" : cel_type_name(type);
}

static bool is_number(enum cel_type type)
{
	return type == CEL_INT || type == CEL_UINT || type == CEL_DOUBLE;
}

static bool fits(enum cel_type field, struct value v)
{
	enum cel_type type = (enum cel_type)(v.kind + 1);

	return v.kind == VALUE_NULL || field == CEL_DYN || field == type ||
	       (is_number(field) && is_number(type));
}

/* became(path, value) */
static void look_at_value(struct looking *k, struct cel_part call, struct text path,
			  enum cel_type field)
{
	struct cel_part second = operand(k, call, 1);

	if (second.code != CEL_CODE_CONSTANT || fits(field, second.constant))
		return;
	say(k, DIAG_ERROR, second,
	    field == CEL_TEXT ? TEXT("put it in quotes")
			      : TEXT("write true, false or a number without quotes"),
	    text_printf(k->l->r.arena, "%.*s is %s, so it never becomes this", TEXT_ARG(path),
			plain(field)));
}

/* rose_past(path, n), fell_below(path, n), crossed(path, [n, ...]) */
static void look_at_threshold(struct looking *k, struct cel_part call, struct text path,
			      enum cel_type field)
{
	struct cel_part second = operand(k, call, 1);
	bool list = text_is(call.name, "crossed");

	if (field != CEL_DYN && !is_number(field))
		say(k, DIAG_ERROR, operand(k, call, 0), TEXT(""),
		    text_printf(k->l->r.arena, "%.*s is %s, and %.*s() takes numbers",
				TEXT_ARG(path), plain(field), TEXT_ARG(call.name)));
	else if (!list && second.code == CEL_CODE_CONSTANT &&
		 !is_number((enum cel_type)(second.constant.kind + 1)))
		say(k, DIAG_ERROR, second, TEXT("write it without quotes"),
		    text_printf(k->l->r.arena, "%.*s() takes a number", TEXT_ARG(call.name)));
}

static void look_at_change(struct looking *k, struct cel_part call)
{
	enum cel_type field;
	struct text path;

	if (!look_at_path(k, call, &path) || path.s == NULL || call.count < 2)
		return;
	field = load_field_type(k->l, TEXT("data"), path);
	if (text_is(call.name, "became"))
		look_at_value(k, call, path, field);
	else
		look_at_threshold(k, call, path, field);
}

/* ---- Tables. ---- */

/* Which table and which column is read stands in the rule, so that it can be checked. */
static bool is_written(struct looking *k, struct cel_part call, uint32_t i, struct text *word,
		       struct place *at)
{
	struct cel_part part = operand(k, call, i);

	*at = k->place(k->of, (size_t)(part.text.s - cel_program_text(k->program).s));
	if (part.code == CEL_CODE_CONSTANT && value_is(part.constant, VALUE_TEXT)) {
		*word = value_as_text(part.constant);
		return true;
	}
	say(k, DIAG_ERROR, part, TEXT("in quotes: row('people', 'email', data.email)"),
	    text_printf(k->l->r.arena, "the %s of %.*s() is written out",
			i == 0 ? "table" : "column", TEXT_ARG(call.name)));
	return false;
}

static void look_at_table(struct looking *k, struct cel_part call)
{
	struct text table, column = TEXT_NONE;
	struct place at, column_at = { 0 };

	if (is_written(k, call, 0, &table, &at) &&
	    (call.count < 2 || is_written(k, call, 1, &column, &column_at)))
		table_uses_call(k->l, table, at, column, column_at);
}

bool load_check_calls(struct loading *l, const struct cel_program *program,
		      struct place (*place)(void *of, size_t offset), void *of)
{
	struct looking k = { .l = l, .program = program, .place = place, .of = of };

	assert(l != NULL && program != NULL && place != NULL);
	for (uint32_t at = 0; !l->by_itself && at < cel_parts(program); at++) {
		struct cel_part part = cel_part(program, at);
		const struct cel_function *f;

		if (part.code != CEL_CODE_CALL)
			continue;
		f = rule_function(part.name);
		if (text_is(part.name, "row") || text_is(part.name, "rows"))
			look_at_table(&k, part);
		else if (f == NULL)
			look_alone(&k, part);
		else if (f->path_args)
			look_at_change(&k, part);
		if (f == NULL ? !is_alone(&k, part) : !f->path_args)
			look_at_words(&k, part);
		if (text_is(part.name, "entity"))
			look_at_kind(&k, part);
		if (text_is(part.name, "timestamp") && part.count == 1)
			look_at_time(&k, part);
	}
	return !k.failed;
}
