/* SPDX-License-Identifier: Apache-2.0
 *
 * diag_secrets - see diag_secrets.h. Nothing is parsed: a line is read from its key to its end. */
#include "engine/base/diag_secrets.h"

#include <assert.h>

static const struct {
	const char *key;
	bool map; /* all values of the map behind it */
} keys[] = {
	{ "bearer", false },      { "client_secret", false }, { "environment", true },
	{ "password", false },    { "proxy", false },         { "routing_key", false },
	{ "secret", false },      { "secrets", true },        { "token", false },
	{ "webhook_url", false },
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

static size_t line_end(struct text t, size_t from, const char *stops)
{
	while (from < t.n && t.s[from] != '\n' && strchr(stops, t.s[from]) == NULL)
		from++;
	return from;
}

/* Behind "key:" or "\"key\":" at `at`, and the blanks after it; 0 when none of the keys is there.
 */
static size_t behind_key(struct text t, size_t at, bool *map)
{
	if (at > 0 && is_word(t.s[at - 1]))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t to = at + strlen(keys[i].key);

		if (to >= t.n || memcmp(t.s + at, keys[i].key, to - at) != 0)
			continue;
		to += t.s[to] == '"' || t.s[to] == '\'';
		if (to >= t.n || t.s[to] != ':')
			continue;
		to++;
		while (to < t.n && (t.s[to] == ' ' || t.s[to] == '\t'))
			to++;
		*map = keys[i].map;
		return to;
	}
	return 0;
}

/* Whether a "{" before it is open in its line; then a value without quotes ends at a comma. */
static bool inside_braces(struct text t, size_t at)
{
	int open = 0;

	while (at > 0 && t.s[at - 1] != '\n') {
		at--;
		open += t.s[at] == '{';
		open -= t.s[at] == '}';
	}
	return open > 0;
}

/* The end of the value that begins at *from, which is put behind its quote; *from when what stands
 * there isn't hidden: nothing, a map of its own, or a reference. */
static size_t value_end(struct text t, size_t *from, bool map)
{
	char first = *from < t.n ? t.s[*from] : '\n';

	if (map)
		return first == '{' ? line_end(t, ++*from, "}") : *from;
	if (first == '"' || first == '\'') {
		++*from;
		return line_end(t, *from, first == '"' ? "\"" : "'");
	}
	if (first == '[')
		return line_end(t, *from, "]");
	if (first == '{' || first == '$' || first == '|' || first == '>' || first == ',' ||
	    first == '}')
		return *from;
	return line_end(t, *from, inside_braces(t, *from) ? ",}" : "");
}

bool diag_secret_next(struct text t, size_t *from, size_t *at)
{
	assert(from != NULL && at != NULL);
	for (size_t i = *at; i < t.n; i++) {
		bool map;

		*from = behind_key(t, i, &map);
		if (*from == 0)
			continue;
		*at = value_end(t, from, map);
		if (*at > *from)
			return true;
		i = *from - 1;
	}
	return false;
}
