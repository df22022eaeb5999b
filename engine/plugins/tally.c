/* SPDX-License-Identifier: Apache-2.0
 *
 * tally - see tally.h. Names and sessions are letters, digits and _: they need no escaping. */
#include "engine/plugins/tally.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"

#define FATES (JOB_UNSENT + 1)

static const char *const fates[FATES] = { "ok", "retry", "reject", "doubt", "unsent" };

/* The table of PROTOCOL.md. */
static const char *const codes[] = {
	"hello-first",    "protocol-version", "name-unknown", "name-taken", "not-trusted",
	"bad-manifest",   "bad-frame",        "too-large",    "flood",      "not-heard",
	"unknown-job",    "bad-result",       "bad-emit",     "busy",       "bad-subscribe",
	"unknown-cursor",
};

#define CODES (sizeof(codes) / sizeof(codes[0]))

struct row {
	struct row *next;
	char session[24]; /* empty: it isn't connected */
	uint64_t sessions, sent, ended[FATES], emits;
	char name[LIMIT_SESSION_NAME + 1];
};

struct tally {
	pthread_mutex_t lock;
	struct row *rows, **end;
	uint64_t errors[CODES];
};

struct tally *tally_new(void)
{
	struct tally *t = mem_zero(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->end = &t->rows;
	if (pthread_mutex_init(&t->lock, NULL) == 0)
		return t;
	mem_free(t);
	return NULL;
}

void tally_free(struct tally *t)
{
	if (t == NULL)
		return;
	for (struct row *row = t->rows, *next; row != NULL; row = next) {
		next = row->next;
		mem_free(row);
	}
	(void)pthread_mutex_destroy(&t->lock);
	mem_free(t);
}

/* ---- Counting. ---- */

static struct row *find(struct tally *t, struct text plugin)
{
	struct row *row = t->rows;

	while (row != NULL && !text_is(plugin, row->name))
		row = row->next;
	return row;
}

void tally_cover(struct tally *t, const struct plugin_setting *settings, size_t count)
{
	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < count; i++) {
		struct row *row = find(t, settings[i].name);

		if (row != NULL || settings[i].name.n > LIMIT_SESSION_NAME)
			continue;
		row = mem_zero(1, sizeof(*row));
		if (row == NULL)
			continue;
		memcpy(row->name, settings[i].name.s, settings[i].name.n);
		*t->end = row;
		t->end = &row->next;
	}
	pthread_mutex_unlock(&t->lock);
}

void tally_began(struct tally *t, struct text plugin, const char *session)
{
	struct row *row;

	assert(t != NULL && session != NULL);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL) {
		(void)snprintf(row->session, sizeof(row->session), "%s", session);
		row->sessions++;
	}
	pthread_mutex_unlock(&t->lock);
}

void tally_ended(struct tally *t, struct text plugin)
{
	struct row *row;

	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL)
		row->session[0] = '\0';
	pthread_mutex_unlock(&t->lock);
}

void tally_error(struct tally *t, const char *code)
{
	assert(t != NULL && code != NULL);
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < CODES; i++)
		t->errors[i] += strcmp(codes[i], code) == 0;
	pthread_mutex_unlock(&t->lock);
}

void tally_sent(struct tally *t, struct text plugin)
{
	struct row *row;

	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL)
		row->sent++;
	pthread_mutex_unlock(&t->lock);
}

void tally_job(struct tally *t, struct text plugin, enum job_fate fate)
{
	struct row *row;

	assert(t != NULL && fate < FATES);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL)
		row->ended[fate]++;
	pthread_mutex_unlock(&t->lock);
}

void tally_emit(struct tally *t, struct text plugin)
{
	struct row *row;

	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL)
		row->emits++;
	pthread_mutex_unlock(&t->lock);
}

/* ---- Telling. ---- */

static uint64_t open_jobs(const struct row *row)
{
	uint64_t n = row->sent;

	for (size_t i = 0; i < FATES; i++)
		n -= row->ended[i];
	return n;
}

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_jobs(const struct tally *t, struct buf *out)
{
	family(out, "tappet_plugin_jobs_total", "counter", "Jobs of plugins that ended, by fate.");
	for (const struct row *row = t->rows; row != NULL; row = row->next)
		for (size_t i = 0; i < FATES; i++)
			buf_printf(out,
				   "tappet_plugin_jobs_total{plugin=\"%s\",fate=\"%s\"} %llu\n",
				   row->name, fates[i], (unsigned long long)row->ended[i]);
}

static void write_numbers(const struct tally *t, struct buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} families[] = {
		{ "tappet_plugin_connected", "gauge", "1 while the plugin has a session." },
		{ "tappet_plugin_sessions_total", "counter", "Sessions that began." },
		{ "tappet_plugin_jobs", "gauge", "Jobs at work." },
		{ "tappet_plugin_emits_total", "counter",
		  "Events that plugins brought, repeats too." },
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		family(out, families[i].name, families[i].type, families[i].help);
		for (const struct row *row = t->rows; row != NULL; row = row->next) {
			const uint64_t numbers[] = { row->session[0] != '\0', row->sessions,
						     open_jobs(row), row->emits };

			buf_printf(out, "%s{plugin=\"%s\"} %llu\n", families[i].name, row->name,
				   (unsigned long long)numbers[i]);
		}
	}
}

void tally_metrics(struct tally *t, struct buf *out)
{
	assert(t != NULL && out != NULL);
	pthread_mutex_lock(&t->lock);
	write_numbers(t, out);
	write_jobs(t, out);
	family(out, "tappet_plugin_errors_total", "counter",
	       "Errors that plugins were told, by code.");
	for (size_t i = 0; i < CODES; i++)
		buf_printf(out, "tappet_plugin_errors_total{code=\"%s\"} %llu\n", codes[i],
			   (unsigned long long)t->errors[i]);
	pthread_mutex_unlock(&t->lock);
}

void tally_list(struct tally *t, struct buf *out)
{
	bool first = true;

	assert(t != NULL && out != NULL);
	pthread_mutex_lock(&t->lock);
	for (const struct row *row = t->rows; row != NULL; row = row->next) {
		if (row->session[0] == '\0')
			continue;
		buf_printf(out, "%s{\"name\":\"%s\",\"session\":\"%s\",\"jobs\":%llu}",
			   first ? "" : ",", row->name, row->session,
			   (unsigned long long)open_jobs(row));
		first = false;
	}
	pthread_mutex_unlock(&t->lock);
}
