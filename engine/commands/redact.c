/* SPDX-License-Identifier: Apache-2.0
 *
 * redact - see redact.h. The recursion is bounded by the depth of JSON. */
#include "engine/commands/redact.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"

#define SECRET_LEAST 6 /* bytes: shorter ones stand in words by chance */
#define NAME_LEAST   4 /* bytes of a name without a blank that is looked for in texts */

struct texts {
	struct text *items;
	size_t count, room;
};

struct known {
	struct text with;
	enum redact_class class;
};

struct redactor {
	struct arena *arena;
	struct map *known;       /* original -> struct known * */
	struct map *substitutes; /* those that were handed out */
	struct texts secrets, names, keep, asked;
	struct texts dropped, shown;
	struct texts told;    /* "PATH: what" in the order found */
	struct texts told_at; /* the paths of those */
	struct map *told_once;
	unsigned counts[REDACT_CLASSES];
	size_t untold;
};

static const char *const class_words[REDACT_CLASSES] = {
	[REDACT_SECRET] = "secret of the configuration",
	[REDACT_EMAIL] = "e-mail address",
	[REDACT_NAME] = "name of a person",
	[REDACT_PHONE] = "phone number",
	[REDACT_TOKEN] = "credential",
	[REDACT_TEXT] = "free text",
	[REDACT_DETAIL] = "personal detail",
	[REDACT_ASKED] = "asked for",
};

static bool texts_add(struct redactor *r, struct texts *list, struct text t)
{
	if (list->count == list->room) {
		size_t room = list->room > 0 ? 2 * list->room : 16;
		struct text *items = arena_array(r->arena, room, sizeof(*items));

		if (items == NULL)
			return false;
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = text_dup(r->arena, t);
	return true;
}

/* ---- Secrets of the configuration. ---- */

static void add_secret(struct redactor *r, const struct secret *secret)
{
	struct text t = secret != NULL ? secret_reveal(secret) : TEXT_NONE;

	if (t.n >= SECRET_LEAST)
		(void)texts_add(r, &r->secrets, t);
}

static void add_connection(struct redactor *r, const struct connection *c)
{
	const struct secret *const all[] = { c->token,     c->auth_value,    c->auth_secret,
					     c->client_id, c->client_secret, c->url,
					     c->username,  c->password,      c->transport.proxy };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		add_secret(r, all[i]);
	for (size_t i = 0; i < c->webhook_secret_count; i++)
		add_secret(r, c->webhook_secrets[i]);
	for (size_t i = 0; c->signing != NULL && i < c->signing->key_count; i++)
		add_secret(r, c->signing->keys[i]);
}

static void add_secrets(struct redactor *r, const struct config *config)
{
	add_secret(r, config->admin_token);
	for (size_t i = 0; i < config->secret_count; i++)
		add_secret(r, config->secrets[i].secret);
	for (size_t i = 0; i < config->connection_count; i++)
		add_connection(r, &config->connections[i]);
	for (size_t i = 0; i < config->hook_count; i++)
		for (size_t k = 0; k < config->hooks[i].secret_count; k++)
			add_secret(r, config->hooks[i].secrets[k]);
}

struct redactor *redactor_new(struct arena *arena, const struct config *config)
{
	struct redactor *r = arena_zero(arena, sizeof(*r));

	assert(arena != NULL && config != NULL);
	if (r == NULL)
		return NULL;
	r->arena = arena;
	r->known = map_new();
	r->substitutes = map_new();
	r->told_once = map_new();
	if (r->known == NULL || r->substitutes == NULL || r->told_once == NULL) {
		redactor_free(r);
		return NULL;
	}
	add_secrets(r, config);
	return r;
}

void redactor_free(struct redactor *r)
{
	if (r == NULL)
		return;
	map_free(r->known);
	map_free(r->substitutes);
	map_free(r->told_once);
}

/* ---- Substitutes. ---- */

static struct text make_substitute(struct redactor *r, enum redact_class class)
{
	unsigned n = ++r->counts[class];

	switch (class) {
	case REDACT_EMAIL:
		return text_printf(r->arena, "person%u@example.com", n);
	case REDACT_NAME:
		return text_printf(r->arena, "Person %u", n);
	case REDACT_PHONE:
		return text_printf(r->arena, "+1555010%04u", n);
	case REDACT_SECRET:
		return text_printf(r->arena, "secret-%u", n);
	case REDACT_TOKEN:
		return text_printf(r->arena, "token-%u", n);
	case REDACT_TEXT:
		return text_printf(r->arena, "text %u", n);
	case REDACT_DETAIL:
	case REDACT_ASKED:
	case REDACT_NOT:
	case REDACT_CLASSES:
		break;
	}
	return text_printf(r->arena, class == REDACT_DETAIL ? "detail %u" : "value %u", n);
}

struct text redact_substitute(struct redactor *r, enum redact_class class, struct text original)
{
	struct known *known = map_get(r->known, original);

	assert(class > REDACT_NOT && class < REDACT_CLASSES);
	if (known != NULL)
		return known->with;
	known = arena_zero(r->arena, sizeof(*known));
	if (known == NULL)
		return TEXT_NONE;
	known->with = make_substitute(r, class);
	known->class = class;
	if (!map_put(r->known, original, known) || !map_put(r->substitutes, known->with, known))
		return TEXT_NONE;
	return known->with;
}

bool redact_is_substitute(const struct redactor *r, struct text t)
{
	return map_get(r->substitutes, t) != NULL;
}

static bool is_word(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80;
}

size_t redact_known_name(const struct redactor *r, struct text t)
{
	size_t best = 0;

	for (size_t i = 0; i < r->names.count; i++) {
		struct text name = r->names.items[i];

		if (name.n > best && name.s[0] == t.s[0] && text_starts(t, name) &&
		    (name.n == t.n || !is_word(t.s[name.n])))
			best = name.n;
	}
	return best;
}

/* ---- Paths. ---- */

/* The path, or one above it. */
static bool is_under(const struct texts *list, struct text path)
{
	for (size_t i = 0; i < list->count; i++) {
		struct text t = list->items[i];

		if (text_starts(path, t) && (path.n == t.n || path.s[t.n] == '.'))
			return true;
	}
	return false;
}

void redact_keep(struct redactor *r, struct text path)
{
	(void)texts_add(r, &r->keep, path);
}

void redact_asked(struct redactor *r, struct text path)
{
	(void)texts_add(r, &r->asked, path);
}

void redact_dropped(struct redactor *r, struct text path)
{
	if (!is_under(&r->dropped, path))
		(void)texts_add(r, &r->dropped, path);
}

void redact_shown(struct redactor *r, struct text path)
{
	if (!is_under(&r->shown, path))
		(void)texts_add(r, &r->shown, path);
}

void redact_all_shown(struct redactor *r)
{
	assert(r != NULL);
	r->dropped.count = 0;
	r->shown.count = 0;
}

bool redact_is_kept(const struct redactor *r, struct text path)
{
	assert(r != NULL);
	return is_under(&r->keep, path);
}

/* ---- Telling. ---- */

static void tell(struct redactor *r, struct text path, enum redact_class class)
{
	struct text line = text_printf(r->arena, "%.*s: %s", TEXT_ARG(path), class_words[class]);

	if (line.s == NULL || map_get(r->told_once, line) != NULL)
		return;
	if (r->told.count >= LIMIT_REDACT_TOLD) {
		r->untold++;
		return;
	}
	if (texts_add(r, &r->told_at, path) && texts_add(r, &r->told, line))
		(void)map_put(r->told_once, line, r);
}

static void tell_all(struct redactor *r, struct text path, unsigned found)
{
	for (unsigned class = 1; class < REDACT_CLASSES; class ++)
		if ((found & (1u << class)) != 0)
			tell(r, path, (enum redact_class) class);
}

size_t redact_tell(const struct redactor *r, struct buf *out)
{
	size_t told = 0;

	assert(r != NULL && out != NULL);
	for (size_t i = 0; i < r->told.count; i++) {
		struct text at = r->told_at.items[i];

		if (is_under(&r->dropped, at) && !is_under(&r->shown, at))
			continue;
		buf_printf(out, "  %.*s\n", TEXT_ARG(r->told.items[i]));
		told++;
	}
	if (r->untold > 0)
		buf_printf(out, "  and %zu more\n", r->untold);
	return told + r->untold;
}

/* ---- Walking. ---- */

/* Where a value stands. */
struct spot {
	struct text path, name, parent; /* parent: the field that holds the map it is in */
	enum redact_class class;        /* of all beneath, or REDACT_NOT */
};

static struct spot spot_of(struct redactor *r, const struct spot *map, struct value v, uint32_t i)
{
	struct text name =
	    v.pairs[i].key.kind == VALUE_TEXT ? value_as_text(v.pairs[i].key) : TEXT_NONE;
	struct spot s = { .path = text_printf(r->arena, "%.*s%s%.*s", TEXT_ARG(map->path),
					      map->path.n > 0 ? "." : "", TEXT_ARG(name)),
			  .name = name,
			  .parent = map->name,
			  .class = map->class };

	if (s.class == REDACT_NOT)
		s.class = redact_field(name, map->name, v);
	/* A person's other members are told by their own names. */
	if ((s.class == REDACT_NAME || s.class == REDACT_TEXT || s.class == REDACT_PHONE) &&
	    v.pairs[i].val.kind == VALUE_MAP)
		s.class = REDACT_NOT;
	if (is_under(&r->asked, s.path))
		s.class = REDACT_ASKED;
	return s;
}

static bool has_letter(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (is_word(t.s[i]) && !(t.s[i] >= '0' && t.s[i] <= '9'))
			return true;
	return false;
}

/* A text that is replaced by its field's name is so as a whole wherever else it stands. */
static void learn_text(struct redactor *r, enum redact_class class, struct text t)
{
	if (class == REDACT_NOT || class == REDACT_TEXT || t.n < 2 || map_get(r->known, t) != NULL)
		return;
	if (class == REDACT_NAME && (!has_letter(t) || text_find(t, TEXT("@")) != SIZE_MAX))
		return;
	(void)redact_substitute(r, class, t);
	if (class == REDACT_NAME && r->names.count < LIMIT_REDACT_NAMES &&
	    (t.n >= NAME_LEAST || text_find(t, TEXT(" ")) != SIZE_MAX))
		(void)texts_add(r, &r->names, t);
}

static void learn(struct redactor *r, const struct spot *at, struct value v)
{
	for (uint32_t i = 0; v.kind == VALUE_LIST && i < v.n; i++)
		learn(r, at, v.items[i]);
	for (uint32_t i = 0; v.kind == VALUE_MAP && i < v.n; i++) {
		struct spot s = spot_of(r, at, v, i);

		learn(r, &s, v.pairs[i].val);
	}
	if (v.kind == VALUE_TEXT && !is_under(&r->keep, at->path))
		learn_text(r, at->class, text_trim(value_as_text(v)));
}

static struct spot document(struct redactor *r, struct text path)
{
	struct spot s = { .path = path };

	if (is_under(&r->asked, path))
		s.class = REDACT_ASKED;
	return s;
}

void redact_learn(struct redactor *r, struct text path, struct value v)
{
	struct spot s = document(r, path);

	assert(r != NULL);
	learn(r, &s, v);
}

static struct text without_secret(struct redactor *r, struct text t, struct text secret,
				  unsigned *found)
{
	AUTO_FINI(buf_fini) struct buf out;
	size_t at = text_find(t, secret);

	buf_init(&out, 2 * LIMIT_BODY_MAX);
	if (at == SIZE_MAX)
		return t;
	*found |= 1u << REDACT_SECRET;
	for (; at != SIZE_MAX; at = text_find(t, secret)) {
		buf_text(&out, (struct text){ t.s, at });
		buf_text(&out, redact_substitute(r, REDACT_SECRET, secret));
		t.s += at + secret.n;
		t.n -= at + secret.n;
	}
	buf_text(&out, t);
	return buf_failed(&out) ? TEXT_NONE : text_dup(r->arena, buf_view(&out));
}

static struct text without_secrets(struct redactor *r, struct text t, unsigned *found)
{
	for (size_t i = 0; i < r->secrets.count; i++)
		t = without_secret(r, t, r->secrets.items[i], found);
	return t;
}

/* Ids of persons are numbers: they stay. */
static bool stays(const struct spot *at, struct text t)
{
	return t.n == 0 || (at->class == REDACT_NAME && !has_letter(t));
}

/* The text with substitutes; *found: of which classes. */
static struct text redact_one(struct redactor *r, const struct spot *at, struct text t,
			      unsigned *found)
{
	const struct known *known = map_get(r->known, text_trim(t));
	struct text out = without_secrets(r, t, found);

	if (is_under(&r->keep, at->path))
		return out;
	if (known != NULL && *found == 0) {
		*found = 1u << known->class;
		return known->with;
	}
	if (at->class == REDACT_NOT || stays(at, text_trim(t)))
		return redact_scan(r, r->arena, out, found);
	if (redact_is_substitute(r, text_trim(t)))
		return out;
	/* An address in a field for names stays an address. */
	out = redact_scan(r, r->arena, out, found);
	if (at->class == REDACT_NAME && redact_is_substitute(r, out))
		return out;
	*found = 1u << at->class;
	return redact_substitute(r, at->class, text_trim(t));
}

static struct value redact_text_value(struct redactor *r, const struct spot *at, struct text t)
{
	unsigned found = 0;
	struct text out = redact_one(r, at, t, &found);

	tell_all(r, at->path, found);
	return value_text(out);
}

static struct value redact_number(struct redactor *r, const struct spot *at, struct value v)
{
	bool asked = at->class == REDACT_ASKED || at->class == REDACT_PHONE ||
		     at->class == REDACT_TOKEN || at->class == REDACT_DETAIL;
	AUTO_FINI(buf_fini) struct buf b;
	int64_t number = 0;
	struct text with;

	buf_init(&b, KIB);
	if (!asked || is_under(&r->keep, at->path))
		return v;
	buf_char(&b, '#');
	value_write(&b, v);
	with = redact_substitute(r, REDACT_ASKED, buf_view(&b));
	(void)text_to_int((struct text){ with.s + 6, with.n > 6 ? with.n - 6 : 0 }, &number);
	tell(r, at->path, at->class);
	return v.kind == VALUE_DOUBLE ? value_double((double)number) : value_int(number);
}

static struct value redact(struct redactor *r, const struct spot *at, struct value v);

static struct value redact_list(struct redactor *r, const struct spot *at, struct value v)
{
	struct value_list_builder b;

	value_list_begin(&b, r->arena);
	for (uint32_t i = 0; i < v.n; i++)
		value_list_add(&b, redact(r, at, v.items[i]));
	return value_list_end(&b);
}

static struct value redact_map(struct redactor *r, const struct spot *at, struct value v)
{
	struct value_map_builder b;

	value_map_begin(&b, r->arena);
	for (uint32_t i = 0; i < v.n; i++) {
		struct spot s = spot_of(r, at, v, i);
		struct spot key = { .path = s.path };
		struct value k = v.pairs[i].key;
		unsigned found = 0;

		if (k.kind == VALUE_TEXT)
			k = value_text(redact_one(r, &key, value_as_text(k), &found));
		s.path = text_printf(r->arena, "%.*s%s%.*s", TEXT_ARG(at->path),
				     at->path.n > 0 ? "." : "", TEXT_ARG(value_as_text(k)));
		tell_all(r, s.path, found);
		value_map_add(&b, k, redact(r, &s, v.pairs[i].val));
	}
	return value_map_end(&b);
}

static struct value redact(struct redactor *r, const struct spot *at, struct value v)
{
	switch (v.kind) {
	case VALUE_TEXT:
		return redact_text_value(r, at, value_as_text(v));
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_DOUBLE:
		return redact_number(r, at, v);
	case VALUE_LIST:
		return redact_list(r, at, v);
	case VALUE_MAP:
		return redact_map(r, at, v);
	default:
		return v;
	}
}

struct value redact_value(struct redactor *r, struct text path, struct value v)
{
	struct spot s = document(r, path);

	assert(r != NULL);
	return redact(r, &s, v);
}

/* ---- Texts alone. ---- */

static struct value texts_of(struct redactor *r, struct value v)
{
	unsigned found = 0;

	if (v.kind == VALUE_TEXT)
		return value_text(
		    redact_scan(r, r->arena, without_secrets(r, value_as_text(v), &found), &found));
	if (v.kind == VALUE_LIST) {
		struct value_list_builder b;

		value_list_begin(&b, r->arena);
		for (uint32_t i = 0; i < v.n; i++)
			value_list_add(&b, texts_of(r, v.items[i]));
		return value_list_end(&b);
	}
	if (v.kind == VALUE_MAP) {
		struct value_map_builder b;

		value_map_begin(&b, r->arena);
		for (uint32_t i = 0; i < v.n; i++)
			value_map_add(&b, v.pairs[i].key, texts_of(r, v.pairs[i].val));
		return value_map_end(&b);
	}
	return v;
}

struct value redact_texts(struct redactor *r, struct value v)
{
	assert(r != NULL);
	return texts_of(r, v);
}
