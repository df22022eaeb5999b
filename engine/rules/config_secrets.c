/* SPDX-License-Identifier: Apache-2.0
 *
 * config_secrets - ${env:NAME}, ${file:PATH} and ${credential:NAME} become what
 * they stand for.
 *
 * Values go straight into struct secret; buffers on the way are wiped. A value
 * that is missing is an error, or a warning where a configuration is only
 * checked. */
#include "engine/rules/config_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/crypto.h"
#include "engine/base/limits.h"
#include "engine/base/mark.h"

static void wipe(struct buf *b)
{
	if (b->s != NULL)
		bytes_wipe(b->s, b->room);
	buf_fini(b);
}

static void missing(struct configuring *c, const struct yaml_node *node, const char *what,
		    struct text name, const char *why, const char *hint)
{
	enum severity severity = c->secrets == CONFIG_SECRETS_NEEDED ? DIAG_ERROR : DIAG_WARNING;

	diags_add(c->r.diags, severity, node->at, hint, "%s %.*s %s", what, TEXT_ARG(name), why);
}

/* Its file is looked at now and then while the daemon runs; it is read next. */
static void remember_file(struct configuring *c, struct text path)
{
	if (c->config->secret_file_count == SECRET_FILES)
		return;
	c->secret_files[c->config->secret_file_count++] = text_dup(c->r.arena, path);
	c->config->secrets_mark += mark_of(path);
}

static void put_file(struct configuring *c, const struct yaml_node *node, const char *what,
		     struct text path, struct buf *out)
{
	AUTO_FINI(wipe) struct buf content;
	struct text t, words;
	const char *why;

	remember_file(c, path);
	if (!reader_file(path, LIMIT_SECRET_FILE, &content, &why)) {
		words = text_printf(c->r.arena, "can't be read: %s", why);
		missing(c, node, what, path, words.s != NULL ? words.s : why, "");
		return;
	}
	t = buf_view(&content);
	while (t.n > 0 && (t.s[t.n - 1] == '\n' || t.s[t.n - 1] == '\r'))
		t.n--;
	buf_text(out, t);
}

static void put_env(struct configuring *c, const struct yaml_node *node, struct text name,
		    struct buf *out)
{
	struct text z = text_dup(c->r.arena, name);
	const char *value = z.s != NULL ? getenv(z.s) : NULL;

	if (value == NULL || value[0] == '\0')
		missing(c, node, "the environment variable", name,
			value == NULL ? "is not set" : "is empty",
			"set it where tappet is started; a daemon that runs sees it after a "
			"restart");
	else
		buf_str(out, value);
}

static void put_credential(struct configuring *c, const struct yaml_node *node, struct text name,
			   struct buf *out)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	if (memchr(name.s, '/', name.n) != NULL || text_starts(name, TEXT(".")))
		reader_error(&c->r, node, "", "\"%.*s\" is no name of a credential",
			     TEXT_ARG(name));
	else if (directory == NULL)
		missing(c, node, "the credential", name,
			"can't be read: systemd passed none (LoadCredential=)", "");
	else
		put_file(c, node, "the credential",
			 text_printf(c->r.arena, "%s/%.*s", directory, TEXT_ARG(name)), out);
}

/* `inside` is what stands between the braces. */
static bool put_reference(struct configuring *c, const struct yaml_node *node, struct text inside,
			  bool env_only, struct buf *out)
{
	struct text kind, name = text_split(inside, ':', &kind);

	if (text_is(kind, "env") && name.n > 0) {
		put_env(c, node, name, out);
		return true;
	}
	if (!env_only && text_is(kind, "file") && name.n > 0) {
		put_file(c, node, "the file", reader_path(c->r.arena, config_folder(c, node), name),
			 out);
		return true;
	}
	if (!env_only && text_is(kind, "credential") && name.n > 0) {
		put_credential(c, node, name, out);
		return true;
	}
	reader_error(&c->r, node,
		     env_only ? "write ${env:NAME}"
			      : "write ${env:NAME}, ${file:PATH} or ${credential:NAME}",
		     "\"${%.*s}\" can't be used here", TEXT_ARG(inside));
	return false;
}

/* Expands all references; *literal: there was none. */
static bool expand(struct configuring *c, const struct yaml_node *node, bool env_only,
		   struct buf *out, bool *literal)
{
	struct text rest = node->text;
	size_t open;

	*literal = true;
	if (node->kind != YAML_TEXT) {
		reader_refuse(&c->r, node, "a text");
		return false;
	}
	while ((open = text_find(rest, TEXT("${"))) != SIZE_MAX) {
		struct text after = { rest.s + open + 2, rest.n - open - 2 };
		size_t close = text_find(after, TEXT("}"));

		*literal = false;
		buf_put(out, rest.s, open);
		if (close == SIZE_MAX) {
			reader_error(&c->r, node, "add the closing brace", "\"${\" is not closed");
			return false;
		}
		if (!put_reference(c, node, (struct text){ after.s, close }, env_only, out))
			return false;
		rest = (struct text){ after.s + close + 1, after.n - close - 1 };
	}
	buf_text(out, rest);
	return !buf_failed(out);
}

static void let_go(void *of)
{
	secret_free(of);
}

static void note_secret(struct configuring *c, const struct yaml_node *node)
{
	if (c->secret_node_count == c->secret_node_room) {
		size_t room = c->secret_node_room == 0 ? 16 : 2 * c->secret_node_room;
		const struct yaml_node **grown = arena_array(c->scratch, room, sizeof(*grown));

		if (grown == NULL)
			return; /* the tree's arena is full: the whole file is refused for it */
		if (c->secret_node_count > 0)
			memcpy(grown, c->secret_nodes, c->secret_node_count * sizeof(*grown));
		c->secret_nodes = grown;
		c->secret_node_room = room;
	}
	c->secret_nodes[c->secret_node_count++] = node;
}

struct secret *config_keep(struct configuring *c, struct text bytes)
{
	struct secret *secret = secret_new(bytes);

	if (secret != NULL && !arena_on_free(c->r.arena, let_go, secret)) {
		secret_free(secret);
		return NULL;
	}
	return secret;
}

struct secret *config_secret_text(struct configuring *c, const struct yaml_node *node,
				  bool *literal)
{
	AUTO_FINI(wipe) struct buf b;

	assert(c != NULL && node != NULL && literal != NULL);
	note_secret(c, node);
	diags_hide(c->r.diags, node->at, node->to - node->from);
	buf_init(&b, 2 * LIMIT_SECRET_FILE);
	return expand(c, node, false, &b, literal) ? config_keep(c, buf_view(&b)) : NULL;
}

struct secret *config_secret(struct configuring *c, const struct yaml_node *node)
{
	bool literal = false;
	struct secret *secret = config_secret_text(c, node, &literal);

	if (literal && secret != NULL)
		reader_warn(&c->r, node, "keep it outside: \"${env:NAME}\" or \"${file:PATH}\"",
			    "a secret is written in the file");
	return secret;
}

bool config_secret_map(struct configuring *c, const struct yaml_node *node, const char *what,
		       const char *like)
{
	assert(c != NULL && node != NULL && what != NULL && like != NULL);
	if (node->kind == YAML_MAP)
		return true;
	if (node->kind != YAML_LIST && text_find(node->text, TEXT("${")) == SIZE_MAX)
		diags_hide(c->r.diags, node->at, node->to - node->from);
	reader_error(&c->r, node, like, "%s must be a map, not %s", what, yaml_kind_words(node));
	return false;
}

struct text config_file(struct configuring *c, const struct yaml_node *node, size_t limit)
{
	AUTO_FINI(buf_fini) struct buf content;
	struct text name, path;
	const char *why;

	assert(c != NULL && node != NULL);
	buf_init(&content, limit);
	if (!config_text(c, node, &name))
		return TEXT_NONE;
	path = reader_path(c->r.arena, config_folder(c, node), name);
	if (path.s == NULL)
		return TEXT_NONE;
	remember_file(c, path);
	if (!reader_file(path, limit, &content, &why)) {
		reader_error(&c->r, node, "", "the file %.*s can't be read: %s", TEXT_ARG(path),
			     why);
		return TEXT_NONE;
	}
	return text_dup(c->r.arena, buf_view(&content));
}

bool config_secret_list(struct configuring *c, const struct yaml_node *node, struct secret ***out,
			size_t *count)
{
	size_t n = node->kind == YAML_LIST ? node->count : 1;

	assert(c != NULL && node != NULL && count != NULL);
	*count = 0;
	*out = arena_array(c->r.arena, n, sizeof(struct secret *));
	if (*out == NULL)
		return false;
	if (n == 0)
		reader_error(&c->r, node, "", "at least one secret is needed");
	for (size_t i = 0; i < n; i++) {
		struct secret *secret =
		    config_secret(c, node->kind == YAML_LIST ? node->items[i] : node);

		if (secret == NULL)
			return false;
		(*out)[(*count)++] = secret;
	}
	return n > 0;
}

/* ---- secrets: those that rules name. ---- */

/* They go into headers. */
static bool is_one_line(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.s[i] < ' ' || t.s[i] == 0x7f)
			return false;
	return true;
}

static void declare(struct configuring *c, const struct yaml_pair *pair,
		    struct declared_secret *out)
{
	size_t errors = diags_errors(c->r.diags);
	bool literal = false;
	struct text value;

	out->name = text_dup(c->r.arena, pair->key->text);
	out->secret = config_secret_text(c, pair->val, &literal);
	if (out->secret == NULL)
		return;
	value = secret_reveal(out->secret);
	if (literal)
		reader_error(&c->r, pair->val, "\"${env:NAME}\" or \"${file:PATH}\"",
			     "the secret %.*s is written in the file", TEXT_ARG(out->name));
	else if (!is_one_line(value))
		reader_error(&c->r, pair->val, "one line without control characters",
			     "the secret %.*s can't be sent in a header", TEXT_ARG(out->name));
	else if (value.n == 0 && c->secrets == CONFIG_SECRETS_NEEDED &&
		 diags_errors(c->r.diags) == errors)
		reader_error(&c->r, pair->val, "", "the secret %.*s is empty", TEXT_ARG(out->name));
}

void config_secrets(struct configuring *c, const struct yaml_node *map)
{
	struct declared_secret *all;

	assert(c != NULL && map != NULL);
	if (map->kind == YAML_NULL ||
	    !config_secret_map(c, map, "secrets", "secrets: { crm: \"${env:CRM_TOKEN}\" }"))
		return;
	all = arena_array(c->r.arena, map->count, sizeof(*all));
	if (all == NULL)
		return;
	c->config->secrets = all;
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_pair *pair = &map->pairs[i];
		struct text reference =
		    text_printf(c->scratch, "${secrets.%.*s}", TEXT_ARG(pair->key->text));
		struct text name;

		if (reference.s != NULL && secret_reference(reference, &name) &&
		    text_eq(name, pair->key->text)) {
			declare(c, pair, &all[c->config->secret_count++]);
			continue;
		}
		diags_hide(c->r.diags, pair->val->at, pair->val->to - pair->val->from);
		reader_error(&c->r, pair->key, "letters, digits and _, a letter first",
			     "\"%.*s\" is no name for a secret", TEXT_ARG(pair->key->text));
	}
}

bool config_env_text(struct configuring *c, const struct yaml_node *node, struct text *out)
{
	AUTO_FINI(buf_fini) struct buf b;
	bool literal;

	assert(c != NULL && node != NULL && out != NULL);
	buf_init(&b, LIMIT_SECRET_FILE);
	if (!expand(c, node, true, &b, &literal))
		return false;
	*out = text_dup(c->r.arena, buf_view(&b));
	return out->s != NULL;
}

bool config_text(struct configuring *c, const struct yaml_node *node, struct text *out)
{
	assert(c != NULL && node != NULL && out != NULL);
	if (node->kind == YAML_TEXT && text_find(node->text, TEXT("${")) != SIZE_MAX) {
		reader_error(&c->r, node,
			     "${...} works in tokens, secrets, base_url and hooks' secrets only",
			     "no ${...} here");
		return false;
	}
	return reader_text(&c->r, node, out);
}
