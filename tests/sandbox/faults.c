/* SPDX-License-Identifier: Apache-2.0
 *
 * faults - see faults.h. A short list searched in its order; there are never more than FAULTS_MAX.
 */
#include "tests/sandbox/faults.h"

#include "tests/sandbox/bounds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
	char route[64];
	struct fault fault;
	int64_t times; /* -1: for ever */
	int64_t hits;
	int64_t free_ms; /* of every_ms: when the next one is let through */
};

struct faults {
	unsigned epoch;
	size_t n;
	struct row rows[FAULTS_MAX];
};

static const char *const words[FAULT_KINDS] = {
	[FAULT_NONE] = "none",           [FAULT_STATUS] = "status",
	[FAULT_DELAY] = "delay",         [FAULT_TOO_MANY] = "429",
	[FAULT_TRUNCATE] = "truncate",   [FAULT_RESET] = "reset",
	[FAULT_DUPLICATE] = "duplicate", [FAULT_TOKEN_EXPIRY] = "token_expiry",
	[FAULT_HANG] = "hang",           [FAULT_GARBAGE] = "garbage",
};

struct faults *faults_new(void)
{
	return must_alloc(1, sizeof(struct faults));
}

void faults_free(struct faults *fs)
{
	free(fs);
}

const char *faults_word(enum fault_kind kind)
{
	assert(kind < FAULT_KINDS);
	return words[kind];
}

static void drop(struct faults *fs, size_t i)
{
	fs->n--;
	memmove(&fs->rows[i], &fs->rows[i + 1], (fs->n - i) * sizeof(fs->rows[0]));
}

void faults_clear(struct faults *fs, const char *route)
{
	fs->epoch++;
	for (size_t i = fs->n; i-- > 0;)
		if (!route || !strcmp(route, fs->rows[i].route))
			drop(fs, i);
}

unsigned faults_epoch(const struct faults *fs)
{
	return fs->epoch;
}

static bool kind_of(const char *word, enum fault_kind *kind)
{
	for (int i = FAULT_STATUS; i < FAULT_KINDS; i++)
		if (word && !strcmp(word, words[i])) {
			*kind = (enum fault_kind)i;
			return true;
		}
	return false;
}

static int64_t number(const json_t *spec, const char *name, int64_t fallback)
{
	const json_t *value = json_object_get(spec, name);

	if (!value || json_is_null(value))
		return fallback;
	return json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
}

static const char *fill(struct row *row, const json_t *spec)
{
	const char *word = json_string_value(json_object_get(spec, "fault"));
	struct fault *f = &row->fault;

	if (!kind_of(word, &f->kind))
		return "fault must be one of status, delay, 429, truncate, reset, duplicate, "
		       "token_expiry, hang, garbage";
	row->times = number(spec, "times", -1);
	if (row->times < -1 || row->times == 0)
		return "times must be a positive number, or -1 for ever";
	f->delay_ms = number(spec, "delay_ms", f->kind == FAULT_DELAY ? 1000 : 0);
	if (f->delay_ms < 0 || f->delay_ms > 3600000)
		return "delay_ms must be between 0 and 3600000";
	f->retry_after = number(spec, "retry_after", -1);
	if (f->retry_after < -1 || f->retry_after > 86400)
		return "retry_after must be between 0 and 86400 seconds";
	f->retry_date = json_is_true(json_object_get(spec, "retry_date"));
	f->every_ms = number(spec, "every_ms", 0);
	if (f->every_ms < 0 || f->every_ms > 86400000 ||
	    (f->every_ms > 0 && f->kind != FAULT_TOO_MANY))
		return "every_ms belongs to 429, from 0 to 86400000";
	f->status = f->kind == FAULT_TOO_MANY ? 429 : (int)number(spec, "status", 503);
	if (f->status < 200 || f->status > 599)
		return "status must be between 200 and 599";
	f->after = json_is_true(json_object_get(spec, "after"));
	return NULL;
}

const char *faults_add(struct faults *fs, const json_t *spec)
{
	const char *route = json_string_value(json_object_get(spec, "route"));
	struct row row = { 0 };
	const char *why;

	if (!route || !*route || strlen(route) >= sizeof(row.route))
		return "route must be the name of a route, a prefix such as kantata.*, or *";
	(void)snprintf(row.route, sizeof(row.route), "%s", route);
	why = fill(&row, spec);
	if (!why && fs->n == FAULTS_MAX)
		why = "too many fault switches";
	if (!why)
		fs->rows[fs->n++] = row;
	return why;
}

static bool fits(const char *pattern, const char *route)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '*')
		return !strncmp(pattern, route, n - 1);
	return !strcmp(pattern, route);
}

/* One that keeps within what is allowed. */
static bool lets_through(struct row *row, int64_t now_ms)
{
	if (row->fault.every_ms == 0 || now_ms < row->free_ms)
		return false;
	row->free_ms = now_ms + row->fault.every_ms;
	return true;
}

struct fault faults_take(struct faults *fs, const char *route, unsigned kinds, int64_t now_ms)
{
	for (size_t i = 0; i < fs->n; i++) {
		struct fault fault = fs->rows[i].fault;

		if (!fits(fs->rows[i].route, route) || !((kinds >> fault.kind) & 1))
			continue;
		if (lets_through(&fs->rows[i], now_ms))
			break;
		fs->rows[i].hits++;
		if (fs->rows[i].times > 0 && --fs->rows[i].times == 0)
			drop(fs, i);
		return fault;
	}
	return (struct fault){ .kind = FAULT_NONE, .retry_after = -1 };
}

void faults_write(const struct faults *fs, struct text *out)
{
	text_char(out, '[');
	for (size_t i = 0; i < fs->n; i++) {
		const struct row *row = &fs->rows[i];

		text_add(out, i ? ",{" : "{");
		text_key(out, "route");
		text_quote(out, row->route);
		text_key(out, "fault");
		text_quote(out, words[row->fault.kind]);
		text_fmt(out, ",\"status\":%d,\"delay_ms\":%lld", row->fault.status,
			 (long long)row->fault.delay_ms);
		if (row->fault.retry_after >= 0)
			text_fmt(out, ",\"retry_after\":%lld", (long long)row->fault.retry_after);
		text_fmt(out, ",\"after\":%s,\"times\":%lld,\"hits\":%lld}",
			 row->fault.after ? "true" : "false", (long long)row->times,
			 (long long)row->hits);
	}
	text_char(out, ']');
}
