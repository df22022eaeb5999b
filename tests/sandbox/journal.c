/* SPDX-License-Identifier: Apache-2.0
 *
 * journal - see journal.h. One allocation per entry: the strings stand behind the struct.
 */
#include "tests/sandbox/journal.h"

#include "tests/sandbox/bounds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	int64_t at_ms;
	const char *route;
	const char *fault;
	int status;
	bool authorized;
	bool secret;
	bool has_key;
	bool has_type;
	size_t full; /* length of the body as it came */
	size_t kept; /* how much of it is here */
	size_t bytes;
	char strings[]; /* method, uri, key, type, each terminated, then the body */
};

struct journal {
	size_t cap;
	size_t n;
	size_t first; /* slot of the oldest */
	size_t bytes;
	int64_t next; /* number of the next entry */
	struct entry **ring;
};

struct journal *journal_new(size_t cap)
{
	struct journal *j = must_alloc(1, sizeof(*j));

	assert(cap > 0 && cap <= JOURNAL_MAX);
	j->cap = cap;
	j->next = 1;
	j->ring = must_alloc(cap, sizeof(struct entry *));
	return j;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_clear(j);
	free(j->ring);
	free(j);
}

static void drop_oldest(struct journal *j)
{
	assert(j->n > 0);
	j->bytes -= j->ring[j->first]->bytes;
	free(j->ring[j->first]);
	j->ring[j->first] = NULL;
	j->first = (j->first + 1) % j->cap;
	j->n--;
}

void journal_clear(struct journal *j)
{
	while (j->n)
		drop_oldest(j);
}

static char *append(char *to, const char *s)
{
	return stpcpy(to, s ? s : "") + 1;
}

static size_t size_of(const char *s)
{
	return s ? strlen(s) + 1 : 1;
}

static struct entry *entry_new(const struct journal_item *item)
{
	size_t kept = item->secret                   ? 0
		      : item->len < JOURNAL_BODY_MAX ? item->len
						     : JOURNAL_BODY_MAX;
	size_t bytes = sizeof(struct entry) + size_of(item->method) + size_of(item->uri) +
		       size_of(item->idempotency_key) + size_of(item->content_type) + kept;
	struct entry *e = must_alloc(1, bytes);
	char *to = e->strings;

	e->at_ms = item->at_ms;
	e->route = item->route;
	e->fault = item->fault;
	e->authorized = item->authorized;
	e->secret = item->secret;
	e->has_key = item->idempotency_key != NULL;
	e->has_type = item->content_type != NULL;
	e->full = item->len;
	e->kept = kept;
	e->bytes = bytes;
	to = append(to, item->method);
	to = append(to, item->uri);
	to = append(to, item->idempotency_key);
	to = append(to, item->content_type);
	if (kept)
		memcpy(to, item->body, kept);
	return e;
}

int64_t journal_add(struct journal *j, const struct journal_item *item)
{
	struct entry *e;

	assert(j && item && item->route && item->method && item->uri);
	e = entry_new(item);
	while (j->n && (j->n == j->cap || j->bytes + e->bytes > JOURNAL_BYTES_MAX))
		drop_oldest(j);
	j->ring[(j->first + j->n) % j->cap] = e;
	j->n++;
	j->bytes += e->bytes;
	return j->next++;
}

void journal_status(struct journal *j, int64_t number, int status)
{
	int64_t oldest = j->next - (int64_t)j->n;

	if (number < oldest || number >= j->next)
		return;
	j->ring[(j->first + (size_t)(number - oldest)) % j->cap]->status = status;
}

int64_t journal_total(const struct journal *j)
{
	return j->next - 1;
}

static void optional(struct text *out, const char *name, const char *value, bool present)
{
	text_key(out, name);
	text_quote(out, present ? value : NULL);
}

static void entry_write(const struct entry *e, int64_t number, struct text *out)
{
	const char *method = e->strings;
	const char *uri = method + strlen(method) + 1;
	const char *key = uri + strlen(uri) + 1;
	const char *type = key + strlen(key) + 1;

	text_fmt(out, "{\"n\":%lld,\"at_ms\":%lld,\"route\":\"%s\",\"status\":%d,\"method\":",
		 (long long)number, (long long)e->at_ms, e->route, e->status);
	text_quote(out, method);
	text_add(out, ",\"path\":");
	text_quote(out, uri);
	optional(out, "fault", e->fault, e->fault != NULL);
	optional(out, "idempotency_key", key, e->has_key);
	optional(out, "content_type", type, e->has_type);
	text_add(out, e->authorized ? ",\"authorization\":true" : ",\"authorization\":false");
	if (e->secret)
		text_add(out, ",\"body_withheld\":true");
	if (e->kept < e->full && !e->secret)
		text_fmt(out, ",\"body_cut_from\":%zu", e->full);
	text_add(out, ",\"body\":");
	text_quote_n(out, type + strlen(type) + 1, e->kept);
	text_char(out, '}');
}

static bool wanted(const struct entry *e, const struct journal_view *view)
{
	const char *uri = e->strings + strlen(e->strings) + 1;

	if (view->route && strcmp(view->route, e->route) != 0)
		return false;
	return !view->path || !strncmp(uri, view->path, strlen(view->path));
}

void journal_write(const struct journal *j, const struct journal_view *view, struct text *out)
{
	int64_t oldest = j->next - (int64_t)j->n;
	size_t start = view->since >= oldest ? (size_t)(view->since - oldest + 1) : 0;
	size_t written = 0;

	if (!view->lines)
		text_char(out, '[');
	for (size_t i = start; i < j->n && (!view->limit || written < view->limit); i++) {
		const struct entry *e = j->ring[(j->first + i) % j->cap];

		if (!wanted(e, view))
			continue;
		if (written++ && !view->lines)
			text_char(out, ',');
		entry_write(e, oldest + (int64_t)i, out);
		if (view->lines)
			text_char(out, '\n');
	}
	if (!view->lines)
		text_char(out, ']');
}
