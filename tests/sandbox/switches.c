/* SPDX-License-Identifier: Apache-2.0
 *
 * switches - see switches.h. One row per switch.
 */
#include "tests/sandbox/switches.h"

#include "tests/sandbox/bounds.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum kind { FLAG, NUMBER, WORD, SECRET };

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size; /* of a text */
	int64_t low;
	int64_t high;
};

#define AT(member)   offsetof(struct switches, member)
#define SIZE(member) sizeof(((struct switches *)0)->member)

static const struct row rows[] = {
	{ "kantata_token", SECRET, AT(kantata_token), SIZE(kantata_token), 0, 0 },
	{ "after_inclusive", FLAG, AT(after_inclusive), 0, 0, 0 },
	{ "financials", FLAG, AT(financials), 0, 0, 0 },
	{ "second_start_same", FLAG, AT(second_start_same), 0, 0, 0 },
	{ "hindsite_admin", FLAG, AT(hindsite_admin), 0, 0, 0 },
	{ "kantata_admin", FLAG, AT(kantata_admin), 0, 0, 0 },
	{ "feed_shuffled", FLAG, AT(feed_shuffled), 0, 0, 0 },
	{ "feed_duplicates", FLAG, AT(feed_duplicates), 0, 0, 0 },
	{ "feed_payload_text", FLAG, AT(feed_payload_text), 0, 0, 0 },
	{ "feed_lag_s", NUMBER, AT(feed_lag_s), 0, 0, FEED_LAG_MAX },
	{ "blueworks_plain_rows", FLAG, AT(blueworks_plain_rows), 0, 0, 0 },
	{ "blueworks_no_user_status", NUMBER, AT(blueworks_no_user_status), 0, 400, 403 },
	{ "blueworks_token_s", NUMBER, AT(blueworks_token_s), 0, 1, 86400 },
	{ "token_lifetime_s", NUMBER, AT(token_lifetime_s), 0, 1, 86400 },
	{ "utc_offset_min", NUMBER, AT(utc_offset_min), 0, -720, 840 },
	{ "hook_retry_ms", NUMBER, AT(hook_retry_ms), 0, 1, 3600000 },
	{ "hook_attempts", NUMBER, AT(hook_attempts), 0, 1, 100 },
	{ "hook_hold", FLAG, AT(hook_hold), 0, 0, 0 },
	{ "hook_url", WORD, AT(hook_url), SIZE(hook_url), 0, 0 },
	{ "hook_secret", SECRET, AT(hook_secret), SIZE(hook_secret), 0, 0 },
};

#define COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static bool set(struct switches *sw, const struct row *row, const json_t *value)
{
	char *at = (char *)sw + row->offset;
	json_int_t n = json_integer_value(value);

	switch (row->kind) {
	case FLAG:
		*(bool *)(void *)at = json_is_true(value);
		return json_is_boolean(value);
	case NUMBER:
		*(int64_t *)(void *)at = n;
		return json_is_integer(value) && n >= row->low && n <= row->high;
	case WORD:
	case SECRET:
		break;
	}
	if (!json_is_string(value) || json_string_length(value) >= row->size)
		return false;
	(void)snprintf(at, row->size, "%s", json_string_value(value));
	return true;
}

const char *switches_set(struct switches *sw, const json_t *object)
{
	struct switches copy;
	const char *name;
	json_t *value;

	assert(sw && object);
	copy = *sw;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		const struct row *row = find(name);

		if (!row)
			return "there is no switch of that name";
		if (!set(&copy, row, value))
			return "a switch can't have that value";
	}
	*sw = copy;
	return NULL;
}

void switches_write(const struct switches *sw, struct text *out)
{
	text_char(out, '{');
	for (size_t i = 0; i < COUNT; i++) {
		const char *at = (const char *)sw + rows[i].offset;

		text_key(out, rows[i].name);
		if (rows[i].kind == FLAG)
			text_add(out, *(const bool *)(const void *)at ? "true" : "false");
		else if (rows[i].kind == NUMBER)
			text_int(out, *(const int64_t *)(const void *)at);
		else if (rows[i].kind == WORD)
			text_quote(out, at);
		else
			text_add(out, *at ? "\"set\"" : "\"\"");
	}
	text_char(out, '}');
}
