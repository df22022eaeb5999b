/* SPDX-License-Identifier: Apache-2.0
 *
 * tally - see tally.h. Names, sessions and codes are letters, digits, _ and -: they need no
 * escaping. */
#include "engine/plugins/tally.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/base/timetext.h"
#include "engine/value/value.h"

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

/* How sessions end; the last is any of the codes. */
static const char *const reasons[] = { "bye",   "stopped",  "gone", "full",
				       "again", "replaced", "error" };

#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

struct place {
	int64_t seq;
	char name[LIMIT_SESSION_NAME + 1]; /* empty: it is free */
};

struct row {
	struct row *next;
	char session[24]; /* empty: it isn't connected */
	int64_t since;    /* when that began; 0: it never was */
	struct {
		int64_t at; /* 0: never */
		char code[24], words[SESSION_WORDS];
	} refused;
	uint64_t sessions, sent, ended[FATES], emits, ends[REASONS];
	struct place places[LIMIT_SESSION_CURSORS];
	char name[LIMIT_SESSION_NAME + 1];
};

struct tally {
	pthread_mutex_t lock;
	struct row *rows, **end;
	uint64_t errors[CODES], keys;
	int64_t head;
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

bool tally_cover(struct tally *t, struct text plugin)
{
	struct row *row = NULL;

	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	if (find(t, plugin) == NULL && plugin.n <= LIMIT_SESSION_NAME)
		row = mem_zero(1, sizeof(*row));
	if (row != NULL) {
		memcpy(row->name, plugin.s, plugin.n);
		*t->end = row;
		t->end = &row->next;
	}
	pthread_mutex_unlock(&t->lock);
	return row != NULL;
}

void tally_began(struct tally *t, struct text plugin, const char *session, int64_t now)
{
	struct row *row;

	assert(t != NULL && session != NULL);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL) {
		(void)snprintf(row->session, sizeof(row->session), "%s", session);
		row->since = now;
		row->sessions++;
	}
	pthread_mutex_unlock(&t->lock);
}

void tally_ended(struct tally *t, struct text plugin, const char *code, int64_t now)
{
	size_t reason = 0;
	struct row *row;

	assert(t != NULL && code != NULL);
	while (reason < REASONS - 1 && strcmp(code, reasons[reason]) != 0)
		reason++;
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL) {
		row->session[0] = '\0';
		row->since = now;
		row->ends[reason]++;
	}
	pthread_mutex_unlock(&t->lock);
}

void tally_refused(struct tally *t, struct text plugin, const char *code, const char *words,
		   int64_t now)
{
	struct row *row;

	assert(t != NULL && code != NULL && words != NULL);
	pthread_mutex_lock(&t->lock);
	row = plugin.n > 0 ? find(t, plugin) : NULL;
	if (row != NULL) {
		row->refused.at = now;
		(void)snprintf(row->refused.code, sizeof(row->refused.code), "%s", code);
		(void)snprintf(row->refused.words, sizeof(row->refused.words), "%s", words);
	}
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

void tally_key(struct tally *t)
{
	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	t->keys++;
	pthread_mutex_unlock(&t->lock);
}

void tally_head(struct tally *t, int64_t seq)
{
	assert(t != NULL);
	pthread_mutex_lock(&t->lock);
	if (seq > t->head)
		t->head = seq;
	pthread_mutex_unlock(&t->lock);
}

/* The one of this name, a free one for "", NULL: there is none. */
static struct place *find_place(struct row *row, struct text cursor)
{
	for (size_t i = 0; i < LIMIT_SESSION_CURSORS; i++)
		if (text_is(cursor, row->places[i].name))
			return &row->places[i];
	return NULL;
}

void tally_place(struct tally *t, struct text plugin, struct text cursor, int64_t seq)
{
	struct place *place = NULL;
	struct row *row;

	assert(t != NULL && cursor.n > 0 && cursor.n <= LIMIT_SESSION_NAME);
	pthread_mutex_lock(&t->lock);
	row = find(t, plugin);
	if (row != NULL)
		place = find_place(row, cursor);
	if (row != NULL && place == NULL && seq >= 0)
		place = find_place(row, TEXT(""));
	if (place != NULL) {
		memset(place, 0, sizeof(*place));
		place->seq = seq;
		if (seq >= 0)
			memcpy(place->name, cursor.s, cursor.n);
	}
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

static void write_ends(const struct tally *t, struct buf *out)
{
	family(out, "tappet_plugin_sessions_ended_total", "counter",
	       "Sessions that ended, by reason.");
	for (const struct row *row = t->rows; row != NULL; row = row->next)
		for (size_t i = 0; i < REASONS; i++)
			buf_printf(out,
				   "tappet_plugin_sessions_ended_total{plugin=\"%s\",reason="
				   "\"%s\"} %llu\n",
				   row->name, reasons[i], (unsigned long long)row->ends[i]);
}

static void write_lags(const struct tally *t, struct buf *out)
{
	family(out, "tappet_plugin_cursor_lag", "gauge",
	       "Events that a durable subscription hasn't acknowledged.");
	for (const struct row *row = t->rows; row != NULL; row = row->next)
		for (size_t i = 0; i < LIMIT_SESSION_CURSORS; i++) {
			const struct place *place = &row->places[i];
			int64_t lag = t->head > place->seq ? t->head - place->seq : 0;

			if (place->name[0] != '\0')
				buf_printf(out,
					   "tappet_plugin_cursor_lag{plugin=\"%s\",cursor=\"%s\"} "
					   "%lld\n",
					   row->name, place->name, (long long)lag);
		}
}

void tally_metrics(struct tally *t, struct buf *out)
{
	assert(t != NULL && out != NULL);
	pthread_mutex_lock(&t->lock);
	write_numbers(t, out);
	write_jobs(t, out);
	write_ends(t, out);
	write_lags(t, out);
	family(out, "tappet_plugin_keys_refused_total", "counter",
	       "Connections with a key that isn't trusted.");
	buf_printf(out, "tappet_plugin_keys_refused_total %llu\n", (unsigned long long)t->keys);
	family(out, "tappet_plugin_errors_total", "counter",
	       "Errors that plugins were told, by code.");
	for (size_t i = 0; i < CODES; i++)
		buf_printf(out, "tappet_plugin_errors_total{code=\"%s\"} %llu\n", codes[i],
			   (unsigned long long)t->errors[i]);
	pthread_mutex_unlock(&t->lock);
}

static void write_time(struct buf *out, const char *key, int64_t at)
{
	char text[TIMETEXT_MAX];

	timetext_format_ms(at, text);
	buf_printf(out, "\"%s\":\"%s\",", key, text);
}

static void write_row(const struct row *row, struct buf *out)
{
	buf_printf(out, "{\"name\":\"%s\",\"session\":\"%s\",", row->name, row->session);
	if (row->since > 0)
		write_time(out, "since", row->since);
	if (row->refused.at > 0) {
		buf_str(out, "\"refused\":{");
		write_time(out, "at", row->refused.at);
		buf_printf(out, "\"code\":\"%s\",\"why\":", row->refused.code);
		value_write(out, value_text(text_of(row->refused.words)));
		buf_str(out, "},");
	}
	buf_printf(out, "\"jobs\":%llu}", (unsigned long long)open_jobs(row));
}

void tally_list(struct tally *t, struct buf *out)
{
	assert(t != NULL && out != NULL);
	pthread_mutex_lock(&t->lock);
	for (const struct row *row = t->rows; row != NULL; row = row->next) {
		write_row(row, out);
		if (row->next != NULL)
			buf_char(out, ',');
	}
	pthread_mutex_unlock(&t->lock);
}
