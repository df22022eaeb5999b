/* SPDX-License-Identifier: Apache-2.0
 *
 * upload - a form with files (RFC 7578), taken apart strictly: every part begins and ends as
 * RFC 2046 says, and is named.
 */
#include "tests/sandbox/any.h"

#include "tests/sandbox/chat.h"

#include <stdlib.h>
#include <string.h>

struct body {
	const char *at;
	size_t left;
};

static bool eat(struct body *b, const char *s)
{
	size_t n = strlen(s);

	if (b->left < n || memcmp(b->at, s, n) != 0)
		return false;
	b->at += n;
	b->left -= n;
	return true;
}

/* Up to the next `s`, which is eaten, too; NULL when there is none. */
static char *until(struct body *b, const char *s, size_t *n)
{
	const char *end = b->left > 0 ? memmem(b->at, b->left, s, strlen(s)) : NULL;
	char *found;

	if (!end)
		return NULL;
	*n = (size_t)(end - b->at);
	found = must_copy_n(b->at, *n);
	b->left -= *n + strlen(s);
	b->at = end + strlen(s);
	return found;
}

/* The value of name="..." in a line, or NULL. */
static char *quoted(const char *line, const char *name)
{
	const char *at = strstr(line, name);
	const char *end;

	if (!at)
		return NULL;
	at += strlen(name);
	end = strchr(at, '"');
	return end ? must_copy_n(at, (size_t)(end - at)) : NULL;
}

static void set_text(json_t *part, const char *name, const char *text)
{
	if (text)
		(void)json_object_set_new(part, name, json_string(text));
}

/* What stands in one part's headers; false when it has no name. */
static bool heads(json_t *part, const char *lines)
{
	const char *type = strstr(lines, "Content-Type: ");
	char *name = quoted(lines, "form-data; name=\"");
	char *file = quoted(lines, "; filename=\"");
	char *kind = type ? must_copy_n(type + 14, strcspn(type + 14, "\r")) : NULL;
	bool named = name != NULL;

	set_text(part, "name", name);
	set_text(part, "filename", file);
	set_text(part, "type", kind);
	free(name);
	free(file);
	free(kind);
	return named;
}

static bool take_part(struct body *b, const char *delimiter, json_t *parts)
{
	size_t n = 0;
	char *lines = until(b, "\r\n\r\n", &n);
	char *content = lines ? until(b, delimiter, &n) : NULL;
	json_t *part = json_object();
	bool good = content && heads(part, lines);

	if (good) {
		json_t *text = json_stringn(content, n);

		(void)json_object_set_new(part, "size", json_integer((json_int_t)n));
		if (text)
			(void)json_object_set_new(part, "text", text);
	}
	free(lines);
	free(content);
	(void)json_array_append_new(parts, part);
	return good;
}

static bool take_all(const struct request *rq, const char *boundary, json_t *parts)
{
	struct body b = { rq->body, rq->len };
	struct text delimiter = { 0 };
	bool good;

	text_fmt(&delimiter, "\r\n--%s", boundary);
	good = eat(&b, delimiter.data + 2);
	while (good && !eat(&b, "--\r\n"))
		good = eat(&b, "\r\n") && take_part(&b, delimiter.data, parts);
	text_fini(&delimiter);
	return good && b.left == 0;
}

void any_upload(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	static const char form[] = "multipart/form-data; boundary=";
	json_t *parts = json_array();
	bool good = rq->content_type && !strncmp(rq->content_type, form, strlen(form)) &&
		    take_all(rq, rq->content_type + strlen(form), parts);

	(void)sb;
	if (good)
		text_value(reply_json(re, 200), parts);
	else
		any.refuse(re, 400, "this is no form with files");
	json_decref(parts);
}
