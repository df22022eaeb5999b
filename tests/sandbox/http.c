/* SPDX-License-Identifier: Apache-2.0
 *
 * http - see http.h.
 */
#include "tests/sandbox/http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding in place; a lone `%` stays. Blanks stand for plus signs only in queries. */
static void decode(char *s, bool plus)
{
	char *to = s;

	for (; *s; s++) {
		int high = *s == '%' ? nibble(s[1]) : -1;
		int low = high >= 0 ? nibble(s[2]) : -1;

		if (low >= 0) {
			*to++ = (char)(high << 4 | low);
			s += 2;
		} else {
			*to++ = plus && *s == '+' ? ' ' : *s;
		}
	}
	*to = '\0';
}

void args_parse(struct args *args, const char *s, size_t n)
{
	char *rest;
	char *pair;

	assert(args && !args->buffer);
	args->buffer = must_copy_n(s, n);
	rest = args->buffer;
	while ((pair = strsep(&rest, "&")) != NULL && args->n < ARGS_MAX) {
		char *value = strchr(pair, '=');

		if (!*pair)
			continue;
		if (value)
			*value++ = '\0';
		decode(pair, true);
		if (value)
			decode(value, true);
		args->v[args->n++] = (struct arg){ pair, value ? value : "" };
	}
}

void args_fini(struct args *args)
{
	free(args->buffer);
	*args = (struct args){ 0 };
}

const char *args_get(const struct args *args, const char *name)
{
	for (size_t i = args->n; i-- > 0;)
		if (!strcmp(args->v[i].name, name))
			return *args->v[i].value ? args->v[i].value : NULL;
	return NULL;
}

int64_t args_int(const struct args *args, const char *name, int64_t fallback, int64_t low,
		 int64_t high)
{
	const char *s = args_get(args, name);
	int64_t n = s ? strtoll(s, NULL, 10) : fallback;

	return n < low ? low : n > high ? high : n;
}

void request_split(struct request *rq)
{
	const char *mark = strchr(rq->uri, '?');
	size_t n = mark ? (size_t)(mark - rq->uri) : strlen(rq->uri);
	char *rest;
	char *segment;

	assert(!rq->path);
	rq->path = must_copy_n(rq->uri, n);
	rq->split = must_copy_n(rq->uri, n);
	rest = rq->split;
	while ((segment = strsep(&rest, "/")) != NULL && rq->n_segments < SEGMENTS_MAX) {
		if (!*segment)
			continue;
		decode(segment, false);
		rq->segments[rq->n_segments++] = segment;
	}
	args_parse(&rq->query, mark ? mark + 1 : "", mark ? strlen(mark + 1) : 0);
}

void request_fini(struct request *rq)
{
	args_fini(&rq->query);
	free(rq->split);
	free(rq->path);
	free(rq->uri);
	free(rq->method);
	free(rq->body);
	*rq = (struct request){ 0 };
}

bool request_is_form(const struct request *rq)
{
	static const char form[] = "application/x-www-form-urlencoded";

	return rq->content_type && !strncasecmp(rq->content_type, form, sizeof(form) - 1);
}

/*
 * Steps into the child of that name, which becomes an object or array as `kind` wants. An empty
 * name steps into an array: its last element, or a new one when the last has the next name already.
 */
static json_t *child(json_t *parent, const char *name, const char *next, bool array)
{
	json_t *at = *name ? json_object_get(parent, name) : NULL;

	if (!*name && json_is_array(parent)) {
		at = json_array_get(parent, json_array_size(parent) - 1);
		if (!json_is_object(at) || json_object_get(at, next))
			at = NULL;
	}
	if (at && (array ? json_is_array(at) : json_is_object(at)))
		return at;
	at = array ? json_array() : json_object();
	if (*name ? json_object_set_new(parent, name, at) : json_array_append_new(parent, at))
		return NULL;
	return at;
}

static void put(json_t *parent, const char *name, const char *value)
{
	json_t *text = json_string(value);

	if (!text)
		return; /* not UTF-8: as if it hadn't been sent */
	if (*name)
		(void)json_object_set_new(parent, name, text);
	else
		(void)json_array_append_new(parent, text);
}

/* `a[b][]` becomes the names "a", "b", "". Returns how many, 0 if malformed or too deep. */
static size_t split_name(char *s, const char *names[FORM_DEPTH_MAX])
{
	size_t n = 1;
	char *open = strchr(s, '[');

	names[0] = s;
	if (open == s)
		return 0;
	while (open) {
		char *close = strchr(open, ']');

		if (!close || n == FORM_DEPTH_MAX)
			return 0;
		*open = '\0';
		*close = '\0';
		names[n++] = open + 1;
		if (close[1] != '\0' && close[1] != '[')
			return 0;
		open = close[1] ? close + 1 : NULL;
	}
	return n;
}

json_t *form_object(const struct args *args)
{
	json_t *root = json_object();

	for (size_t i = 0; i < args->n; i++) {
		const char *names[FORM_DEPTH_MAX];
		char *copy = must_copy(args->v[i].name);
		size_t n = split_name(copy, names);
		json_t *at = n ? root : NULL;

		for (size_t k = 0; at && k + 1 < n; k++)
			at = child(at, names[k], names[k + 1], !*names[k + 1]);
		if (at && (*names[n - 1] ? json_is_object(at) : json_is_array(at)))
			put(at, names[n - 1], args->v[i].value);
		free(copy);
	}
	return root;
}

json_t *request_object(const struct request *rq, char why[160])
{
	struct args form = { 0 };
	json_error_t error;
	json_t *object;

	if (rq->len == 0)
		return json_object();
	if (request_is_form(rq)) {
		args_parse(&form, rq->body, rq->len);
		object = form_object(&form);
		args_fini(&form);
		return object;
	}
	object = json_loadb(rq->body, rq->len, 0, &error);
	if (!object)
		(void)snprintf(why, 160, "%.100s (line %d, column %d)", error.text, error.line,
			       error.column);
	else if (!json_is_object(object))
		(void)snprintf(why, 160, "the body must be a JSON object");
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

void reply_fini(struct reply *re)
{
	text_fini(&re->body);
}

void reply_header(struct reply *re, const char *name, const char *value)
{
	assert(re->n_headers < REPLY_HEADERS_MAX);
	re->headers[re->n_headers].name = name;
	(void)snprintf(re->headers[re->n_headers].value, sizeof(re->headers[0].value), "%s", value);
	re->n_headers++;
}

void reply_plain(struct reply *re, int status, const char *text)
{
	text_clear(&re->body);
	text_add(&re->body, text);
	re->status = status;
	re->type = "text/plain; charset=utf-8";
}

struct text *reply_json(struct reply *re, int status)
{
	assert(status >= 100 && status < 1000);
	text_clear(&re->body);
	re->status = status;
	re->type = "application/json; charset=utf-8";
	return &re->body;
}
