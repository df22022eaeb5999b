/* SPDX-License-Identifier: Apache-2.0
 *
 * json - see json.h. */
#include "engine/commands/json.h"

#include <assert.h>

#include "engine/base/escape.h"
#include "engine/base/timetext.h"

static void separate(struct buf *out)
{
	char last = out->n > 0 ? out->s[out->n - 1] : '\n';

	if (last != '{' && last != '[' && last != ':' && last != '\n' && last != ',')
		buf_char(out, ',');
}

void json_open(struct buf *out, char bracket)
{
	assert(out != NULL && (bracket == '{' || bracket == '['));
	separate(out);
	buf_char(out, bracket);
}

void json_close(struct buf *out, char bracket)
{
	assert(out != NULL && (bracket == '}' || bracket == ']'));
	buf_char(out, bracket);
}

void json_line(struct buf *out)
{
	buf_char(out, '\n');
}

void json_key(struct buf *out, const char *key)
{
	assert(out != NULL && key != NULL);
	separate(out);
	buf_printf(out, "\"%s\":", key);
}

void json_text(struct buf *out, const char *key, struct text text)
{
	json_key(out, key);
	escape_json_put(out, text);
}

void json_str(struct buf *out, const char *key, const char *s)
{
	if (s != NULL)
		json_text(out, key, text_of(s));
	else
		json_null(out, key);
}

void json_int(struct buf *out, const char *key, int64_t number)
{
	json_key(out, key);
	buf_int(out, number);
}

void json_bool(struct buf *out, const char *key, bool yes)
{
	json_key(out, key);
	buf_str(out, yes ? "true" : "false");
}

void json_null(struct buf *out, const char *key)
{
	json_key(out, key);
	buf_str(out, "null");
}

void json_raw(struct buf *out, const char *key, struct text json)
{
	json_key(out, key);
	buf_text(out, json.n > 0 ? json : TEXT("null"));
}

void json_time(struct buf *out, const char *key, int64_t ms)
{
	char room[TIMETEXT_MAX];

	if (ms <= 0) {
		json_null(out, key);
		return;
	}
	timetext_format_ms(ms, room);
	json_str(out, key, room);
}

void json_maybe(struct buf *out, const char *key, struct text text)
{
	if (text.n > 0)
		json_text(out, key, text);
	else
		json_null(out, key);
}

void json_item(struct buf *out, struct text text)
{
	separate(out);
	escape_json_put(out, text);
}
