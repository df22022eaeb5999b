/* SPDX-License-Identifier: Apache-2.0
 *
 * reader - see reader.h. */
#include "engine/rules/reader.h"

#include <assert.h>
#include <errno.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"

#define NAME_SHOWN 64 /* bytes of a key that messages name */
#define KEYS_SHOWN 8  /* keys of a map that a hint lists */

struct place reader_place(const struct reader *r, const struct yaml_node *node)
{
	const char *file = r->file;

	for (size_t i = 0; r->files != NULL && r->files[i] != NULL; i++)
		if (node->at.file != NULL && strcmp(r->files[i], node->at.file) == 0)
			file = r->files[i];
	return (struct place){ file, node->at.line, node->at.column };
}

const char *reader_nearest(struct arena *arena, struct text word, const char *const *candidates)
{
	const char *near = text_nearest(word, candidates);
	struct text hint;

	if (near == NULL)
		return "";
	hint = text_printf(arena, "did you mean \"%s\"?", near);
	return hint.s != NULL ? hint.s : "";
}

static bool in_list(struct text word, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		if (text_is(word, *list))
			return true;
	return false;
}

bool reader_map(const struct reader *r, const struct yaml_node *node, const char *what,
		const char *member, const char *like)
{
	bool scalar = node->kind != YAML_LIST && node->kind != YAML_NULL;
	/* "a table" is not what stands before the colon. */
	struct text hint, shown = node->key != NULL ? node->key->text : text_of(what);

	assert(r != NULL && what != NULL && member != NULL && like != NULL);
	if (node->kind == YAML_MAP)
		return true;
	hint = text_printf(r->arena, "%.*s: { %s: %.*s }", TEXT_ARG(shown), member,
			   TEXT_ARG(scalar && node->text.n > 0 ? node->text : text_of(like)));
	reader_error(r, node, hint.s != NULL ? hint.s : "", "%s must be a map, not %s", what,
		     yaml_kind_words(node));
	return false;
}

/* What other products call a key of ours. */
static const char *key_hint(const struct reader *r, struct text key, const char *const *known)
{
	static const char *const others[][2] = {
		{ "tries", "attempts" }, { "retries", "attempts" }, { "max_attempts", "attempts" },
		{ "count", "attempts" }, { "delay", "first" },      { "backoff", "first" },
		{ "per", "every" },      { "interval", "every" },   { "if", "when" },
		{ "where", "when" },     { "condition", "when" },   { "conditions", "when" },
		{ "filter", "when" },    { "trigger", "on" },       { "event", "on" },
		{ "then", "do" },        { "actions", "do" },       { "steps", "do" },
	};
	const char *hint = "";

	for (size_t i = 0; hint[0] == '\0' && i < sizeof(others) / sizeof(*others); i++)
		if (text_is(key, others[i][0]) && in_list(text_of(others[i][1]), known))
			hint = reader_nearest(r->arena, text_of(others[i][1]), known);
	return hint[0] != '\0' ? hint : reader_nearest(r->arena, key, known);
}

/* For what should be a map: its keys, or what is missing where one seems to be written. */
static const char *map_hint(const struct reader *r, const struct yaml_node *node,
			    const char *const *known)
{
	struct text hint = TEXT("its keys: ");
	size_t n = 0;

	if (node->kind == YAML_TEXT && text_find(node->text, TEXT(":")) != SIZE_MAX)
		return "write key: value, with a space after the colon";
	if (known[0] == NULL)
		return "";
	for (; known[n] != NULL && n < KEYS_SHOWN; n++)
		hint =
		    text_printf(r->arena, "%.*s%s%s", TEXT_ARG(hint), n > 0 ? ", " : "", known[n]);
	if (known[n] != NULL)
		hint = text_printf(r->arena, "%.*s, ...", TEXT_ARG(hint));
	return hint.s != NULL ? hint.s : "";
}

bool reader_keys(const struct reader *r, const struct yaml_node *map, const char *what,
		 const char *const *known, const char *const *later)
{
	assert(r != NULL && map != NULL);
	if (map->kind != YAML_MAP) {
		reader_error(r, map, map_hint(r, map, known), "%s must be a map, not %s", what,
			     yaml_kind_words(map));
		return false;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		if (in_list(key->text, known))
			continue;
		if (in_list(key->text, later))
			reader_error(r, key, "the word is reserved for a later version",
				     "\"%.*s\" is not yet supported", TEXT_ARG(key->text));
		else
			reader_error(r, key, key_hint(r, key->text, known),
				     "%s has no key \"%.*s\"", what, TEXT_ARG(key->text));
	}
	return true;
}

struct yaml_node *reader_need(const struct reader *r, const struct yaml_node *map, const char *key,
			      const char *hint)
{
	struct yaml_node *node = yaml_get(map, key);

	assert(r != NULL && map != NULL && key != NULL);
	if (node == NULL && !map->damaged)
		reader_error(r, map, hint, "\"%s\" is missing", key);
	return node;
}

/* What a message calls the value: by its key, where it has one. */
static struct text name_of(const struct reader *r, const struct yaml_node *node)
{
	struct text name = TEXT_NONE;

	if (node->key != NULL && node->key->text.n > 0 && node->key->text.n <= NAME_SHOWN)
		name = text_printf(r->arena, "\"%.*s\"", TEXT_ARG(node->key->text));
	return name.s != NULL ? name : TEXT("this");
}

static bool mismatch(const struct reader *r, const struct yaml_node *node, const char *wanted,
		     const char *hint)
{
	struct text name = name_of(r, node);

	if (node->kind == YAML_MAP || node->kind == YAML_LIST || node->kind == YAML_NULL)
		reader_error(r, node, hint, "%.*s must be %s, not %s", TEXT_ARG(name), wanted,
			     yaml_kind_words(node));
	else
		reader_error(r, node, hint, "%.*s must be %s, not \"%.*s\"", TEXT_ARG(name), wanted,
			     TEXT_ARG(node->text));
	return false;
}

static const char *text_hint(const struct yaml_node *node)
{
	if (node->kind == YAML_LIST)
		return "one value, without [ ] or -";
	return node->kind == YAML_NULL ? "" : "put it in quotes if a text is meant";
}

void reader_refuse(const struct reader *r, const struct yaml_node *node, const char *wanted)
{
	assert(r != NULL && node != NULL && wanted != NULL);
	reader_error(r, node, text_hint(node), "%.*s must be %s, not %s",
		     TEXT_ARG(name_of(r, node)), wanted, yaml_kind_words(node));
}

bool reader_text(const struct reader *r, const struct yaml_node *node, struct text *out)
{
	assert(r != NULL && node != NULL);
	if (node->kind != YAML_TEXT)
		return mismatch(r, node, "a text", text_hint(node));
	*out = text_dup(r->arena, node->text);
	return out->s != NULL;
}

bool reader_bool(const struct reader *r, const struct yaml_node *node, bool *out)
{
	assert(r != NULL && node != NULL);
	if (node->kind != YAML_BOOL)
		return mismatch(r, node, "true or false",
				"yes, no, on and off are texts in YAML 1.2");
	*out = node->scalar.b;
	return true;
}

bool reader_int(const struct reader *r, const struct yaml_node *node, int64_t least, int64_t most,
		int64_t *out)
{
	assert(r != NULL && node != NULL);
	if (node->kind != YAML_INT || node->scalar.kind != VALUE_INT)
		return mismatch(r, node, "a whole number", "");
	if (node->scalar.i < least || node->scalar.i > most) {
		reader_error(r, node, "", "%.*s must be between %lld and %lld",
			     TEXT_ARG(name_of(r, node)), (long long)least, (long long)most);
		return false;
	}
	*out = node->scalar.i;
	return true;
}

bool reader_number(const struct reader *r, const struct yaml_node *node, double *out)
{
	double d = -1;

	assert(r != NULL && node != NULL);
	if (node->kind == YAML_INT && node->scalar.kind == VALUE_INT)
		d = (double)node->scalar.i;
	else if (node->kind == YAML_FLOAT)
		d = node->scalar.d;
	if (!(d >= 0))
		return mismatch(r, node, "a number from 0", "");
	*out = d;
	return true;
}

bool reader_duration(const struct reader *r, const struct yaml_node *node, int64_t least,
		     int64_t *ms)
{
	char shown[TIMETEXT_MAX];
	int64_t n;

	assert(r != NULL && node != NULL);
	if (node->kind != YAML_TEXT || !timetext_duration(node->text, &n))
		return mismatch(r, node, "a duration",
				"write a number and a unit: 500ms 10s 5m 2h 1d 1w");
	if (n < least) {
		timetext_duration_format(least, shown);
		reader_error(r, node, "", "%.*s must be at least %s", TEXT_ARG(name_of(r, node)),
			     shown);
		return false;
	}
	*ms = n;
	return true;
}

static uint64_t size_unit(struct text unit)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = { { "", 1 },
		      { "B", 1 },
		      { "KB", 1000 },
		      { "KiB", 1024 },
		      { "MB", 1000000 },
		      { "MiB", 1024 * 1024 },
		      { "GB", 1000000000 },
		      { "GiB", 1 << 30 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text_is(unit, units[i].name))
			return units[i].bytes;
	return 0;
}

#define SIZE_WORDS 32

static const char *size_words(size_t n, char out[SIZE_WORDS])
{
	static const char *const units[] = { " bytes", "KiB", "MiB", "GiB" };
	size_t unit = 0;

	while (unit < 3 && n > 0 && n % 1024 == 0) {
		n /= 1024;
		unit++;
	}
	snprintf(out, SIZE_WORDS, "%zu%s", n, units[unit]);
	return out;
}

bool reader_size(const struct reader *r, const struct yaml_node *node, size_t least, size_t most,
		 size_t *out)
{
	struct text t = text_trim(node->text);
	uint64_t unit, n;
	size_t digits = 0;
	int64_t i;

	assert(r != NULL && node != NULL);
	while (digits < t.n && t.s[digits] >= '0' && t.s[digits] <= '9')
		digits++;
	if ((node->kind != YAML_TEXT && node->kind != YAML_INT) ||
	    !text_to_int((struct text){ t.s, digits }, &i))
		return mismatch(r, node, "a size", "write a number and a unit: 64KiB 1MiB 1GiB");
	unit = size_unit(text_trim((struct text){ t.s + digits, t.n - digits }));
	if (unit == 0)
		return mismatch(r, node, "a size", "write a number and a unit: 64KiB 1MiB 1GiB");
	n = (uint64_t)i > UINT64_MAX / unit ? UINT64_MAX : (uint64_t)i * unit;
	if (n < least || n > most) {
		char from[SIZE_WORDS], to[SIZE_WORDS];

		if (n < least && most >= SIZE_MAX / 2)
			reader_error(r, node, "", "%.*s must be at least %s",
				     TEXT_ARG(name_of(r, node)), size_words(least, from));
		else
			reader_error(r, node, "", "%.*s must be between %s and %s",
				     TEXT_ARG(name_of(r, node)), size_words(least, from),
				     size_words(most, to));
		return false;
	}
	*out = (size_t)n;
	return true;
}

static const char *choices_hint(struct arena *arena, struct text word, const char *const *words)
{
	AUTO_FINI(buf_fini) struct buf b;
	const char *near = text_nearest(word, words);

	buf_init(&b, KIB);
	if (near != NULL)
		return reader_nearest(arena, word, words);
	buf_str(&b, "one of: ");
	for (size_t i = 0; words[i] != NULL; i++)
		buf_printf(&b, "%s%s", i > 0 ? ", " : "", words[i]);
	near = text_dup(arena, buf_view(&b)).s;
	return near != NULL ? near : "";
}

bool reader_choice(const struct reader *r, const struct yaml_node *node, const char *const *words,
		   const char *const *later, int *out)
{
	assert(node != NULL && words != NULL && out != NULL);
	if (node->kind == YAML_MAP || node->kind == YAML_LIST)
		return mismatch(r, node, "one word", choices_hint(r->arena, TEXT_NONE, words));
	for (int i = 0; words[i] != NULL; i++) {
		if (text_is(node->text, words[i])) {
			*out = i;
			return true;
		}
	}
	if (in_list(node->text, later))
		reader_error(r, node, "the word is reserved for a later version",
			     "\"%.*s\" is not yet supported", TEXT_ARG(node->text));
	else
		reader_error(r, node, choices_hint(r->arena, node->text, words),
			     "\"%.*s\" is not possible here", TEXT_ARG(node->text));
	return false;
}

void reader_each(const struct yaml_node *node, void (*item)(void *of, struct yaml_node *node),
		 void *of)
{
	assert(node != NULL && item != NULL);
	if (node->kind != YAML_LIST) {
		/* The callback only reads; it takes nodes as the tree hands them out. */
		struct yaml_node copy = *node;

		item(of, &copy);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		item(of, node->items[i]);
}

bool reader_is_name(struct text t)
{
	if (t.n == 0 || t.n > 64 || t.s[0] < 'a' || t.s[0] > 'z')
		return false;
	for (size_t i = 1; i < t.n; i++)
		if (!((t.s[i] >= 'a' && t.s[i] <= 'z') || (t.s[i] >= '0' && t.s[i] <= '9') ||
		      t.s[i] == '_' || t.s[i] == '-'))
			return false;
	return true;
}

struct text reader_path(struct arena *arena, struct text directory, struct text path)
{
	if ((path.n > 0 && path.s[0] == '/') || text_is(directory, "."))
		return text_dup(arena, path);
	return text_printf(arena, "%.*s/%.*s", TEXT_ARG(directory), TEXT_ARG(path));
}

struct text reader_directory(struct text file)
{
	size_t n = file.n;

	while (n > 0 && file.s[n - 1] != '/')
		n--;
	if (n == 0)
		return TEXT(".");
	return n == 1 ? TEXT("/") : (struct text){ file.s, n - 1 };
}

bool reader_file(struct text path, size_t limit, struct buf *out, const char **why)
{
	AUTO(mem_free) char *name = text_heap(path);
	FILE *f = name != NULL ? fopen(name, "re") : NULL;
	char chunk[16 * KIB];
	size_t n;

	assert(out != NULL && why != NULL);
	buf_init(out, limit);
	*why = f == NULL ? strerror(errno) : "";
	if (f == NULL)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && !buf_failed(out))
		buf_put(out, chunk, n);
	if (ferror(f))
		*why = strerror(errno);
	else if (buf_failed(out))
		*why = "the file is too large";
	fclose(f);
	return (*why)[0] == '\0';
}
