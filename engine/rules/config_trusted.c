/* SPDX-License-Identifier: Apache-2.0
 *
 * config_trusted - the file with the public keys of plugins (`trusted` of bus).
 *
 *   # comment
 *   inventory YmJj5+R#X...   40 characters, Z85 (ZeroMQ RFC 32)
 *
 * I1  A key belongs to one name. A name may have several: while one takes the other's place.
 * I2  Names that tappet.yaml hasn't are passed over: a plugin that was taken out can come
 *     back as it was.
 * Never: a file that isn't there is no mistake; then nobody is trusted. */
#include "engine/rules/config_internal.h"

#include <assert.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/mark.h"
#include "engine/rules/plugin_manifest.h"

bool config_is_key(struct text t)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
				      "YZ.-:+=^!/*?&<>()[]{}@%$#";

	for (size_t i = 0; i < t.n; i++)
		if (t.s[i] == '\0' || strchr(letters, t.s[i]) == NULL)
			return false;
	return t.n == CONFIG_KEY;
}

enum config_trust config_trust_line(struct text *rest, struct text *name, struct text *key)
{
	struct text line, tail;

	assert(rest != NULL && name != NULL && key != NULL);
	while (rest->n > 0) {
		*rest = text_split(*rest, '\n', &line);
		line = text_trim(line);
		if (line.n == 0 || line.s[0] == '#')
			return TRUST_EMPTY;
		tail = text_split(line, ' ', name);
		*key = text_trim(tail);
		return manifest_is_name(*name) && config_is_key(*key) ? TRUST_KEY : TRUST_WRONG;
	}
	return TRUST_END;
}

struct trust_line {
	struct text name, key;
};

static bool is_anothers(const struct trust_line *lines, size_t n, const struct trust_line *line)
{
	for (size_t i = 0; i < n; i++)
		if (text_eq(lines[i].key, line->key) && !text_eq(lines[i].name, line->name))
			return true;
	return false;
}

/* All that are in the file; false after telling what is wrong with it. */
static bool read_lines(struct configuring *c, const struct yaml_node *at, struct text content,
		       struct trust_line *lines, size_t *count)
{
	struct text path = c->config->bus.trusted, rest = content;
	struct trust_line line;
	enum config_trust what;

	*count = 0;
	for (int number = 1; (what = config_trust_line(&rest, &line.name, &line.key)) != TRUST_END;
	     number++) {
		const char *wrong = NULL;

		if (what == TRUST_EMPTY)
			continue;
		if (what == TRUST_WRONG)
			wrong = "isn't NAME KEY";
		else if (is_anothers(lines, *count, &line))
			wrong = "has the key of another plugin";
		else if (*count == LIMIT_TRUSTED)
			wrong = "is one key too many";
		if (wrong != NULL) {
			reader_error(&c->r, at, "\"tappet plugin trust\" writes it",
				     "line %d of %.*s %s", number, TEXT_ARG(path), wrong);
			return false;
		}
		lines[(*count)++] = line;
	}
	return true;
}

static void give(struct configuring *c, struct plugin_config *plugin,
		 const struct trust_line *lines, size_t count)
{
	struct text *keys = arena_array(c->r.arena, count + 1, sizeof(*keys));

	for (size_t i = 0; keys != NULL && i < count; i++)
		if (text_eq(lines[i].name, plugin->name))
			keys[plugin->key_count++] = text_dup(c->r.arena, lines[i].key);
	plugin->keys = keys;
}

void config_trusted(struct configuring *c, const struct yaml_node *at)
{
	AUTO_FINI(buf_fini) struct buf content;
	struct text path = c->config->bus.trusted;
	struct trust_line *lines;
	const char *why;
	size_t count;

	buf_init(&content, LIMIT_TRUSTED_FILE);
	c->config->bus.trusted_mark = mark_of(path);
	if (access(text_dup(c->r.arena, path).s, F_OK) != 0)
		return;
	if (!reader_file(path, LIMIT_TRUSTED_FILE, &content, &why)) {
		reader_error(&c->r, at, "it has the keys that plugins may come with",
			     "the file %.*s can't be read: %s", TEXT_ARG(path), why);
		return;
	}
	lines = arena_array(c->r.arena, LIMIT_TRUSTED, sizeof(*lines));
	if (lines == NULL || !read_lines(c, at, buf_view(&content), lines, &count))
		return;
	for (size_t i = 0; i < c->config->plugin_count; i++)
		give(c, &c->plugins[i], lines, count);
}
