/* SPDX-License-Identifier: Apache-2.0
 *
 * lists - see lists.h. A list is a JSON object: its rows and what it was told about itself.
 *
 * Validators are those of RFC 9110: the ETag is a hash of the body, Last-Modified the time of the
 * last change. A page's body holds nothing that changes by itself.
 */
#include "tests/sandbox/lists.h"

#include "tests/sandbox/times.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct lists {
	json_t *all; /* name -> list */
};

static void refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"error\":");
	text_quote(out, why ? why : "something went wrong");
	text_char(out, '}');
}

const struct vendor lists = { "lists", true, refuse, NULL, NULL };

struct lists *lists_new(void)
{
	struct lists *l = must_alloc(1, sizeof(*l));

	l->all = json_object();
	return l;
}

void lists_free(struct lists *l)
{
	if (!l)
		return;
	json_decref(l->all);
	free(l);
}

void lists_clear(struct lists *l)
{
	assert(l);
	(void)json_object_clear(l->all);
}

static const char *word(const json_t *list, const char *name)
{
	const char *s = json_string_value(json_object_get(list, name));

	return s ? s : "";
}

static bool is_by(const json_t *list, const char *way)
{
	return !strcmp(word(list, "by"), way);
}

/* ---- reading ---- */

struct slice {
	size_t from, size, total;
	bool more;
};

/* Which rows were asked for; without a size all of them. */
static struct slice slice_of(const json_t *list, const struct request *rq)
{
	int64_t size = json_integer_value(json_object_get(list, "size"));
	int64_t first = json_is_true(json_object_get(list, "from_zero")) ? 0 : 1;
	struct slice s = { .total = json_array_size(json_object_get(list, "rows")) };

	size = args_int(&rq->query, "per_page", size > 0 ? size : INT32_MAX, 1, INT32_MAX);
	size = args_int(&rq->query, "limit", size, 1, INT32_MAX);
	if (!json_is_true(json_object_get(list, "deaf")))
		s.from = (size_t)((args_int(&rq->query, "page", first, 0, INT32_MAX) - first) *
				  (size < INT32_MAX ? size : 0));
	if (is_by(list, "offset"))
		s.from = (size_t)args_int(&rq->query, "offset", 0, 0, INT32_MAX);
	if (args_get(&rq->query, "cursor"))
		s.from = (size_t)strtoul(args_get(&rq->query, "cursor") + 1, NULL, 10);
	s.size = (size_t)size;
	s.more = s.from + s.size < s.total;
	return s;
}

static json_t *rows_of(const json_t *list, const struct slice *s)
{
	json_t *rows = json_object_get(list, "rows"), *page = json_array();

	for (size_t i = s->from; i < s->total && i < s->from + s->size; i++)
		(void)json_array_append(page, json_array_get(rows, i));
	return page;
}

/* Where the next page is: the cursor, or a URL with it. `next` puts another in its place. */
static void write_next(char out[160], const json_t *list, const struct request *rq,
		       const struct slice *s)
{
	bool stuck = json_is_true(json_object_get(list, "stuck"));
	size_t at = stuck ? s->size : s->from + s->size;

	if (*word(list, "next"))
		(void)snprintf(out, 160, "%s", word(list, "next"));
	else if (is_by(list, "cursor"))
		(void)snprintf(out, 160, "c%zu", at);
	else if (is_by(list, "link") && rq->host)
		(void)snprintf(out, 160, "http://%s%s?cursor=c%zu", rq->host, rq->path, at);
	else
		(void)snprintf(out, 160, "%s?cursor=c%zu", rq->path, at);
}

static json_t *wrapped(const json_t *list, json_t *page, const char *next)
{
	json_t *body = json_object();

	(void)json_object_set_new(body, word(list, "wrap"), page);
	if (is_by(list, "cursor"))
		(void)json_object_set_new(
		    body, "meta",
		    json_pack("{s:o}", "next_cursor", *next ? json_string(next) : json_null()));
	if (is_by(list, "url"))
		(void)json_object_set_new(body, "links",
					  *next ? json_pack("{s:s}", "next", next) : json_object());
	return body;
}

static void write_etag(char out[40], const struct text *body)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < body->len; i++)
		h = (h ^ (unsigned char)body->data[i]) * UINT64_C(1099511628211);
	(void)snprintf(out, 40, "\"%016llx\"", (unsigned long long)h);
}

static void write_modified(char out[40], const json_t *list)
{
	time_t at = (time_t)json_integer_value(json_object_get(list, "modified"));
	struct tm tm;

	(void)gmtime_r(&at, &tm);
	(void)strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* RFC 9110, 13.2.2: If-None-Match goes before If-Modified-Since. */
static void validate(const json_t *list, const struct request *rq, struct reply *re)
{
	bool same = false;
	char etag[40], modified[40];

	write_etag(etag, &re->body);
	write_modified(modified, list);
	if (json_is_true(json_object_get(list, "etag"))) {
		reply_header(re, "ETag", etag);
		same = rq->if_none_match && !strcmp(rq->if_none_match, etag);
	}
	if (json_is_true(json_object_get(list, "last_modified"))) {
		reply_header(re, "Last-Modified", modified);
		if (!rq->if_none_match && rq->if_modified_since)
			same = !strcmp(rq->if_modified_since, modified);
	}
	if (!same)
		return;
	text_clear(&re->body);
	re->status = 304;
}

/* "shift": after this page the list's first row goes, as when somebody deletes it meanwhile. */
static void shift(json_t *list)
{
	if (!json_is_true(json_object_get(list, "shift")))
		return;
	(void)json_object_del(list, "shift");
	(void)json_array_remove(json_object_get(list, "rows"), 0);
}

void lists_read(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *list = json_object_get(sb->lists->all, rq->id), *page;
	char next[160] = "", link[200];
	struct slice s;

	if (!list) {
		refuse(re, 404, "there is no such list");
		return;
	}
	s = slice_of(list, rq);
	page = rows_of(list, &s);
	if (s.more)
		write_next(next, list, rq, &s);
	if (*word(list, "wrap"))
		page = wrapped(list, page, next);
	text_value(reply_json(re, 200), page);
	json_decref(page);
	if (is_by(list, "link") && *next) {
		(void)snprintf(link, sizeof(link), "<%s>; rel=\"next\", </first>; rel=first", next);
		reply_header(re, "Link", link);
	}
	validate(list, rq, re);
	shift(list);
}

/* ---- control ---- */

static json_t *body_of(const struct request *rq, struct reply *re)
{
	struct request json = *rq;
	char why[160] = "";
	json_t *body;

	json.content_type = NULL; /* JSON whatever curl says it is */
	body = request_object(&json, why);
	if (!body)
		refuse(re, 400, why);
	return body;
}

static void changed(const struct sandbox *sb, json_t *list, struct reply *re)
{
	(void)json_object_set_new(list, "modified", json_integer(sandbox_now(sb)));
	text_value(reply_json(re, 200), list);
}

void lists_set(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *list = json_object_get(sb->lists->all, rq->id), *body = body_of(rq, re);

	if (!body)
		return;
	if (!list) {
		list = json_pack("{s:[]}", "rows");
		(void)json_object_set_new(sb->lists->all, rq->id, list);
	}
	(void)json_object_update(list, body);
	if (!json_is_array(json_object_get(list, "rows"))) {
		(void)json_object_del(sb->lists->all, rq->id);
		refuse(re, 422, "rows must be a list");
	} else if (json_object_get(body, "modified")) {
		text_value(reply_json(re, 200), list); /* set on purpose: leave it */
	} else {
		changed(sb, list, re);
	}
	json_decref(body);
}

static size_t row_at(const json_t *rows, const json_t *id)
{
	size_t i = 0;

	while (i < json_array_size(rows) &&
	       !json_equal(json_object_get(json_array_get(rows, i), "id"), id))
		i++;
	return i;
}

void lists_merge(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *list = json_object_get(sb->lists->all, rq->id), *body = body_of(rq, re);
	json_t *rows = json_object_get(list, "rows"), *id = json_object_get(body, "id");

	if (body && !list) {
		refuse(re, 404, "there is no such list");
	} else if (body && !id) {
		refuse(re, 422, "id is missing");
	} else if (body) {
		size_t i = row_at(rows, id);

		if (i < json_array_size(rows))
			(void)json_object_update(json_array_get(rows, i), body);
		else
			(void)json_array_append(rows, body);
		changed(sb, list, re);
	}
	json_decref(body);
}

/* Ids that are texts only. */
void lists_remove(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *list = json_object_get(sb->lists->all, rq->segments[2]), *id = json_string(rq->id);
	json_t *rows = json_object_get(list, "rows");

	if (!list || json_array_remove(rows, row_at(rows, id)) != 0)
		refuse(re, 404, "there is no such list or row");
	else
		changed(sb, list, re);
	json_decref(id);
}
