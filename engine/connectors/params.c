/* SPDX-License-Identifier: Apache-2.0
 *
 * params - parameters of actions against their table, at the time of the call.
 *
 * What a rule file says literally was checked when it was loaded. What comes out
 * of a template is known only now, so every build function passes its
 * parameters through params_fit first and works on what that gives back.
 *
 * I1  What params_fit returns has only members of the table, each of its type
 *     (nested ones may be null).
 * Ownership: the result lives in call->arena and borrows from the values given. */
#include "engine/connectors/connector.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/connectors/mailbox.h"

/* Where we are, for messages: "workspace.status_key". */
struct fit {
	struct call *call;
	const char *inside; /* with a trailing dot; "" at the top */
};

static enum fate misfit(const struct fit *fit, const struct param *param, const char *wanted,
			struct value v)
{
	if (value_is(v, VALUE_TEXT))
		return call_fail(fit->call, FATE_REJECT, "%s%s must be %s, not \"%.*s\"",
				 fit->inside, param->name, wanted, v.n > 60 ? 60 : (int)v.n, v.s);
	return call_fail(fit->call, FATE_REJECT, "%s%s must be %s, not %s", fit->inside,
			 param->name, wanted, value_kind_name((enum value_kind)v.kind));
}

static enum fate fit_text(const struct fit *fit, const struct param *param, struct value *v)
{
	AUTO_FINI(buf_fini) struct buf plain;
	struct text t;

	buf_init(&plain, KIB);
	if (value_is(*v, VALUE_TEXT))
		return FATE_OK;
	if (!value_is(*v, VALUE_BOOL) && !value_is(*v, VALUE_INT) && !value_is(*v, VALUE_UINT) &&
	    !value_is(*v, VALUE_DOUBLE) && !value_is(*v, VALUE_TIMESTAMP))
		return misfit(fit, param, "text", *v);
	value_write_plain(&plain, *v);
	if (plain.starved)
		return call_starved(fit->call);
	t = text_dup(fit->call->arena, buf_view(&plain));
	if (t.s == NULL || buf_failed(&plain))
		return call_fail(fit->call, FATE_REJECT, "the parameters take too much memory");
	*v = value_text(t);
	return FATE_OK;
}

static enum fate fit_id(const struct fit *fit, const struct param *param, struct value *v)
{
	struct text id;

	if (value_is(*v, VALUE_TEXT) && v->n == 0)
		return call_fail(fit->call, FATE_REJECT, "%s%s is empty", fit->inside, param->name);
	if (!value_id(fit->call->arena, *v, &id))
		return misfit(fit, param, "an id", *v);
	*v = value_text(id);
	return FATE_OK;
}

/* Kantata reads status_key as an int and writes status.key as text: "305" is taken. */
static enum fate fit_int(const struct fit *fit, const struct param *param, struct value *v)
{
	int64_t i;

	if (value_is(*v, VALUE_INT) || value_is(*v, VALUE_UINT))
		return FATE_OK;
	if (value_is(*v, VALUE_DOUBLE) && floor(v->d) == v->d && fabs(v->d) <= 9007199254740992.0)
		*v = value_int((int64_t)v->d);
	else if (value_is(*v, VALUE_TEXT) && text_to_int(value_as_text(*v), &i))
		*v = value_int(i);
	else
		return misfit(fit, param, "a whole number", *v);
	return FATE_OK;
}

static enum fate fit_number(const struct fit *fit, const struct param *param, struct value v)
{
	if (value_is(v, VALUE_INT) || value_is(v, VALUE_UINT) ||
	    (value_is(v, VALUE_DOUBLE) && isfinite(v.d)))
		return FATE_OK;
	return misfit(fit, param, "a number", v);
}

static enum fate fit_choice(const struct fit *fit, const struct param *param, struct value v)
{
	char wanted[120] = "one of";
	size_t n = strlen(wanted);

	for (const char *const *c = param->choices; *c != NULL; c++) {
		if (value_is(v, VALUE_TEXT) && text_is(value_as_text(v), *c))
			return FATE_OK;
		if (n < sizeof(wanted))
			n += (size_t)snprintf(wanted + n, sizeof(wanted) - n, " %s", *c);
	}
	if (n >= sizeof(wanted))
		(void)snprintf(wanted, sizeof(wanted), "one of the names that are known here");
	return misfit(fit, param, wanted, v);
}

static bool is_date(struct text t)
{
	char whole[32];
	int64_t seconds;

	if (t.n != 10)
		return false;
	(void)snprintf(whole, sizeof(whole), "%.10sT00:00:00Z", t.s);
	return timetext_parse(text_of(whole), &seconds, NULL);
}

static enum fate fit_date(const struct fit *fit, const struct param *param, struct value *v)
{
	char when[TIMETEXT_MAX];
	struct text t;

	if (value_is(*v, VALUE_TEXT) && is_date(value_as_text(*v)))
		return FATE_OK;
	if (!value_is(*v, VALUE_TIMESTAMP))
		return misfit(fit, param, "a date such as 2026-11-22", *v);
	timetext_format(v->i, 0, when);
	t = text_dup(fit->call->arena, (struct text){ when, 10 });
	if (t.s == NULL)
		return call_fail(fit->call, FATE_REJECT, "the parameters take too much memory");
	*v = value_text(t);
	return FATE_OK;
}

/* Whole seconds, cut towards the past. */
static enum fate fit_unix(const struct fit *fit, const struct param *param, struct value *v)
{
	int64_t ms;

	if (value_is(*v, VALUE_TIMESTAMP))
		*v = value_int(v->i);
	else if (value_is(*v, VALUE_TEXT) && timetext_parse_ms(value_as_text(*v), &ms))
		*v = value_int((ms >= 0 ? ms : ms - 999) / 1000);
	else if (fit_int(fit, param, v) != FATE_OK)
		return misfit(fit, param, "a time such as 2026-11-22T09:00:00Z or Unix seconds",
			      *v);
	return FATE_OK;
}

static enum fate fit_map(const struct fit *fit, const struct param *table, bool top,
			 struct value given, struct value *out);

/* The members of a map, or of each map of a list. */
static enum fate fit_members(const struct fit *fit, const struct param *param, struct value *v)
{
	char inside[160];
	struct fit deeper = { fit->call, inside };
	struct value_list_builder list;
	enum fate fate = FATE_OK;

	(void)snprintf(inside, sizeof(inside), "%s%s.", fit->inside, param->name);
	if (value_is(*v, VALUE_MAP))
		return fit_map(&deeper, param->members, false, *v, v);
	value_list_begin(&list, fit->call->arena);
	for (uint32_t i = 0; i < v->n && fate == FATE_OK; i++) {
		struct value item = v->items[i];

		if (!value_is(item, VALUE_MAP))
			return misfit(fit, param, "a list of maps", item);
		fate = fit_map(&deeper, param->members, false, item, &item);
		value_list_add(&list, item);
	}
	*v = value_list_end(&list);
	return fate;
}

static enum fate fit_nested(const struct fit *fit, const struct param *param, struct value *v)
{
	bool list = param->type == PARAM_LIST;

	enum fate fate = FATE_OK;

	if (!value_is(*v, list ? VALUE_LIST : VALUE_MAP))
		return misfit(fit, param, list ? "a list" : "a map", *v);
	for (uint32_t i = 0; list && param->choices != NULL && i < v->n && fate == FATE_OK; i++)
		fate = fit_choice(fit, param, v->items[i]);
	if (fate != FATE_OK)
		return fate;
	return param->members != NULL ? fit_members(fit, param, v) : FATE_OK;
}

static enum fate fit_address(const struct fit *fit, const struct param *param, struct value v)
{
	struct mailbox mailbox;
	const char *why = "";

	if (!value_is(v, VALUE_TEXT))
		return misfit(fit, param, "a mail address", v);
	if (mailbox_parse(value_as_text(v), &mailbox, &why))
		return FATE_OK;
	return call_fail(fit->call, FATE_REJECT, "%s%s: \"%.*s\" %s", fit->inside, param->name,
			 v.n > 60 ? 60 : (int)v.n, v.s, why);
}

static enum fate fit_mail(const struct fit *fit, const struct param *param, struct value v)
{
	enum fate fate = FATE_OK;

	if (!value_is(v, VALUE_LIST))
		return fit_address(fit, param, v);
	for (uint32_t i = 0; i < v.n && fate == FATE_OK; i++)
		fate = fit_address(fit, param, v.items[i]);
	return fate;
}

/* The loader lets nothing else through. */
static enum fate fit_secret(const struct fit *fit, const struct param *param, struct value v)
{
	struct text name;

	if (value_is(v, VALUE_TEXT) && secret_reference(value_as_text(v), &name))
		return FATE_OK;
	return call_fail(fit->call, FATE_REJECT, "%s%s takes a declared secret only", fit->inside,
			 param->name);
}

static enum fate fit_one(const struct fit *fit, const struct param *param, struct value *v)
{
	if (param->secret)
		return fit_secret(fit, param, *v);
	switch (param->type) {
	case PARAM_TEXT:
		return fit_text(fit, param, v);
	case PARAM_ID:
		return fit_id(fit, param, v);
	case PARAM_INT:
		return fit_int(fit, param, v);
	case PARAM_NUMBER:
		return fit_number(fit, param, *v);
	case PARAM_BOOL:
		return value_is(*v, VALUE_BOOL) ? FATE_OK : misfit(fit, param, "true or false", *v);
	case PARAM_CHOICE:
		return fit_choice(fit, param, *v);
	case PARAM_DATE:
		return fit_date(fit, param, v);
	case PARAM_UNIX:
		return fit_unix(fit, param, v);
	case PARAM_MAP:
	case PARAM_LIST:
		return fit_nested(fit, param, v);
	case PARAM_MAIL:
		return fit_mail(fit, param, *v);
	case PARAM_ANY:
		break;
	}
	return FATE_OK;
}

static const struct param *row_of(const struct param *table, struct value key)
{
	for (const struct param *p = table; p->name != NULL; p++)
		if (value_is(key, VALUE_TEXT) && text_is(value_as_text(key), p->name))
			return p;
	return NULL;
}

static enum fate fit_required(const struct fit *fit, const struct param *table, struct value given)
{
	for (const struct param *p = table; p->name != NULL; p++)
		if (p->required && value_is(param_value(given, p->name), VALUE_NULL))
			return call_fail(fit->call, FATE_REJECT, "%s%s is missing", fit->inside,
					 p->name);
	return FATE_OK;
}

static enum fate fit_map(const struct fit *fit, const struct param *table, bool top,
			 struct value given, struct value *out)
{
	struct value_map_builder map;
	enum fate fate = fit_required(fit, table, given);

	value_map_begin(&map, fit->call->arena);
	for (uint32_t i = 0; i < given.n && fate == FATE_OK; i++) {
		struct value key = given.pairs[i].key;
		struct value v = given.pairs[i].val;
		const struct param *row = row_of(table, key);

		if (row == NULL)
			return call_fail(fit->call, FATE_REJECT, "%s%.*s is no parameter",
					 fit->inside, value_is(key, VALUE_TEXT) ? (int)key.n : 0,
					 value_is(key, VALUE_TEXT) ? key.s : "");
		if (value_is(v, VALUE_NULL) && top)
			continue;
		if (!value_is(v, VALUE_NULL))
			fate = fit_one(fit, row, &v);
		value_map_add(&map, key, v);
	}
	*out = value_map_end(&map);
	return fate;
}

/* A letter first, then letters, digits and _: what an expression could name. */
static bool is_secret_name(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9'))
			return false;
	}
	return t.n > 0;
}

bool secret_reference(struct text t, struct text *name)
{
	static const struct text before = { "secrets.", 8 };
	struct text inside;

	assert(name != NULL && (t.n == 0 || t.s != NULL));
	if (!text_starts(t, TEXT("${")) || !text_ends(t, TEXT("}")))
		return false;
	inside = text_trim((struct text){ t.s + 2, t.n - 3 });
	if (!text_starts(inside, before))
		return false;
	*name = (struct text){ inside.s + before.n, inside.n - before.n };
	return is_secret_name(*name);
}

enum fate params_fit(struct call *call, const struct param *table, struct value given,
		     struct value *out)
{
	struct fit fit = { call, "" };
	enum fate fate;

	assert(call != NULL && call->arena != NULL);
	assert(table != NULL && out != NULL);
	if (!value_is(given, VALUE_MAP))
		return call_fail(call, FATE_REJECT, "parameters must be a map, not %s",
				 value_kind_name((enum value_kind)given.kind));
	fate = fit_map(&fit, table, true, given, out);
	if (fate == FATE_OK && arena_failed(call->arena))
		return call_fail(call, FATE_REJECT, "the parameters take too much memory");
	return fate;
}
