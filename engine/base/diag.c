/* SPDX-License-Identifier: Apache-2.0
 *
 * diag - collecting mistakes and printing them with the line they are in.
 *
 * I1  An error is counted even when there is no memory or room to keep it, so
 *     that nobody takes a broken file for a good one.
 * I2  What is kept is fit for a terminal: control characters were replaced when
 *     it was added; quoted lines are treated while printing. */
#include "engine/base/diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/base/buf.h"
#include "engine/base/diag_secrets.h"
#include "engine/base/escape.h"
#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"

#define QUOTE_WIDTH 100 /* columns of a quoted line; longer ones are cut around the caret */
#define QUOTE_LEFT  60  /* of them at most before the caret */
#define TAB_STOP    4

#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define GREEN  "\033[32m"
#define BOLD   "\033[1m"
#define PLAIN  "\033[0m"

struct source {
	const char *name;
	struct text content;
};

struct entry {
	struct diag diag;
	size_t order; /* of adding; ties of place are printed in it */
};

struct diags {
	struct arena *arena;
	struct map *sources; /* name -> struct source */
	struct entry *entries;
	size_t count, room;
	size_t errors, lost;                    /* lost: counted but not kept */
	struct text hidden[LIMIT_DIAGS_HIDDEN]; /* what was hidden of sources, as it was */
	size_t hidden_count;
	bool sorted;
};

struct diags *diags_new(void)
{
	struct diags *list = mem_zero(1, sizeof(*list));

	if (list == NULL)
		return NULL;
	list->arena = arena_new("diagnostics", LIMIT_DIAGS_ARENA);
	list->sources = map_new();
	if (list->arena == NULL || list->sources == NULL) {
		diags_free(list);
		return NULL;
	}
	return list;
}

void diags_free(struct diags *list)
{
	if (list == NULL)
		return;
	map_free(list->sources);
	mem_free(list->entries);
	arena_free(list->arena);
	mem_free(list);
}

/* What is as long as a secret is taken out of words about the file, too. */
static void hide_words(struct diags *list, struct text run)
{
	if (run.n < LIMIT_HIDDEN_SECRET || list->hidden_count == LIMIT_DIAGS_HIDDEN)
		return;
	list->hidden[list->hidden_count] = text_dup(list->arena, run);
	list->hidden_count += list->hidden[list->hidden_count].s != NULL;
}

/* Line ends, quotes and references stay. */
static void hide(struct diags *list, const struct source *source, size_t from, size_t to)
{
	char *s = (char *)(uintptr_t)source->content.s; /* the list's own copy */
	bool reference = false;
	size_t run = from;

	for (size_t i = from; i < to; i++) {
		bool stays;

		if (s[i] == '$' && i + 1 < to && s[i + 1] == '{')
			reference = true;
		stays = reference || strchr("\n\r\"'*", s[i]) != NULL;
		if (s[i] == '}')
			reference = false;
		if (stays) {
			hide_words(list, (struct text){ s + run, i - run });
			memset(s + run, '*', i - run);
			run = i + 1;
		}
	}
	if (to > run) {
		hide_words(list, (struct text){ s + run, to - run });
		memset(s + run, '*', to - run);
	}
}

const char *diags_source(struct diags *list, const char *file, struct text content)
{
	struct source *source;

	assert(list != NULL);
	assert(file != NULL);
	source = arena_zero(list->arena, sizeof(*source));
	if (source == NULL)
		return NULL;
	source->name = text_dup(list->arena, text_of(file)).s;
	source->content = text_dup(list->arena, content);
	if (source->content.s == NULL || !map_put(list->sources, text_of(file), source))
		return NULL;
	for (size_t from, at = 0; diag_secret_next(source->content, &from, &at);)
		hide(list, source, from, at);
	return source->name;
}

/* The list's own copy of a file's name. */
static const char *own_name(struct diags *list, const char *file)
{
	const struct source *source;

	if (file == NULL)
		return "";
	source = map_get(list->sources, text_of(file));
	return source != NULL ? source->name : text_dup(list->arena, text_of(file)).s;
}

/* Stars in the place of what is hidden. */
static void without_hidden(const struct diags *list, char *words)
{
	for (size_t i = 0; i < list->hidden_count; i++)
		for (char *at = words; (at = strstr(at, list->hidden[i].s)) != NULL;)
			memset(at, '*', list->hidden[i].n);
}

/* A printable copy, cut after LIMIT_DIAG_TEXT bytes. */
static const char *own_plain(struct diags *list, const char *given)
{
	char words[2 * LIMIT_DIAG_TEXT];
	struct text t;
	char clean[LIMIT_DIAG_TEXT + ESCAPE_MAX];
	size_t at = 0, n = 0;

	(void)snprintf(words, sizeof(words), "%s", given);
	without_hidden(list, words);
	t = text_of(words);
	while (at < t.n && n + ESCAPE_MAX <= LIMIT_DIAG_TEXT)
		n += escape_plain(t, &at, clean + n);
	if (at < t.n) {
		memcpy(clean + n, "...", 3);
		n += 3;
	}
	return text_dup(list->arena, (struct text){ clean, n }).s;
}

static struct entry *new_entry(struct diags *list)
{
	size_t room = list->room > 0 ? list->room * 2 : 16;
	struct entry *entries;

	if (list->count == LIMIT_DIAGS)
		return NULL;
	if (list->count == list->room) {
		entries = mem_grow(list->entries, room, sizeof(*entries));
		if (entries == NULL)
			return NULL;
		list->entries = entries;
		list->room = room;
	}
	return &list->entries[list->count];
}

/* The same was said of the same place: what several rules share is read for each of them. */
static bool told(const struct diags *list, struct place at, enum severity severity,
		 const char *what)
{
	for (size_t i = list->count; i-- > 0;) {
		const struct diag *d = &list->entries[i].diag;

		if (d->at.line == at.line && d->at.column == at.column && at.line > 0 &&
		    d->severity == severity && strcmp(d->what, what) == 0 && at.file != NULL &&
		    strcmp(d->at.file, at.file) == 0)
			return true;
	}
	return false;
}

void diags_add(struct diags *list, enum severity severity, struct place at, const char *hint,
	       const char *format, ...)
{
	char what[2 * LIMIT_DIAG_TEXT];
	struct entry *entry;
	va_list args;

	assert(list != NULL);
	assert(format != NULL);
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (told(list, at, severity, what))
		return;
	list->errors += severity == DIAG_ERROR;
	entry = new_entry(list);
	if (entry == NULL) {
		list->lost++;
		return;
	}
	at.file = own_name(list, at.file);
	*entry = (struct entry){ { at, severity, own_plain(list, what), own_plain(list, hint) },
				 list->count };
	if (at.file == NULL || entry->diag.what == NULL || entry->diag.hint == NULL) {
		list->lost++;
		return;
	}
	list->count++;
	list->sorted = false;
}

size_t diags_errors(const struct diags *list)
{
	assert(list != NULL);
	return list->errors;
}

size_t diags_count(const struct diags *list)
{
	assert(list != NULL);
	return list->count;
}

static int by_place(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->diag.at.file, b->diag.at.file);

	if (order != 0)
		return order;
	if (a->diag.at.line != b->diag.at.line)
		return a->diag.at.line < b->diag.at.line ? -1 : 1;
	if (a->diag.at.column != b->diag.at.column)
		return a->diag.at.column < b->diag.at.column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

const struct diag *diags_at(struct diags *list, size_t i)
{
	assert(list != NULL);
	assert(i < list->count);
	if (!list->sorted)
		qsort(list->entries, list->count, sizeof(*list->entries), by_place);
	list->sorted = true;
	return &list->entries[i].diag;
}

/* Where the last quoted line was: places come in order, so finding the next one
 * goes on from there. */
struct finder {
	const struct source *source;
	int line; /* that `rest` begins with */
	struct text rest;
};

/* The line of the place, without its end; false when it isn't known. */
static bool find_line(struct finder *f, const struct diags *list, struct place at,
		      struct text *line)
{
	const struct source *source = map_get(list->sources, text_of(at.file));
	struct text rest;

	if (source == NULL || at.line < 1)
		return false;
	if (f->source != source || f->line > at.line)
		*f = (struct finder){ source, 1, source->content };
	for (; f->line < at.line; f->line++) {
		f->rest = text_split(f->rest, '\n', line);
		if (f->rest.s == NULL)
			return false;
	}
	rest = text_split(f->rest, '\n', line);
	(void)rest; /* f stays at this line: the next mistake may be in it too */
	if (line->n > 0 && line->s[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* Offset of a place in the text; its end when it has no such line. */
static size_t place_offset(struct text t, struct place at)
{
	size_t i = 0;

	for (int line = 1; line < at.line && i < t.n; i++)
		line += t.s[i] == '\n';
	for (int column = 1; column < at.column && i < t.n; column++)
		for (i++; i < t.n && ((unsigned char)t.s[i] & 0xC0) == 0x80;)
			i++;
	return i;
}

void diags_hide(struct diags *list, struct place at, size_t bytes)
{
	const struct source *source;
	size_t from, to;

	assert(list != NULL);
	source = at.file != NULL ? map_get(list->sources, text_of(at.file)) : NULL;
	if (source == NULL || at.line < 1)
		return;
	from = place_offset(source->content, at);
	to = bytes < source->content.n - from ? from + bytes : source->content.n;
	hide(list, source, from, to);
}

/* Steps over one character that begins in display column `column` (from 0) and
 * returns the column after it. */
static size_t step(struct text line, size_t *at, size_t column, char piece[ESCAPE_MAX], size_t *n)
{
	if (line.s[*at] == '\t') {
		*at += 1;
		*n = 0;
		return (column / TAB_STOP + 1) * TAB_STOP;
	}
	*n = escape_plain(line, at, piece);
	return column + 1;
}

/* Display columns of the line's end and of its character number `character`
 * (from 1; beyond the end counts as the end). */
static size_t measure(struct text line, int character, size_t *caret)
{
	char piece[ESCAPE_MAX];
	size_t at = 0, width = 0, n;

	*caret = SIZE_MAX;
	for (int i = 1; at < line.n; i++) {
		if (i == character)
			*caret = width;
		width = step(line, &at, width, piece, &n);
	}
	if (*caret == SIZE_MAX)
		*caret = width;
	return width;
}

/* The characters that lie wholly in the columns from..to. */
static void put_columns(struct buf *out, struct text line, size_t from, size_t to)
{
	char piece[ESCAPE_MAX];
	size_t at = 0, column = 0, n;

	while (at < line.n && column < to) {
		size_t next = step(line, &at, column, piece, &n);

		for (size_t i = column; n == 0 && i < next; i++) {
			if (i >= from && i < to)
				buf_char(out, ' ');
		}
		if (column >= from)
			buf_put(out, piece, n);
		column = next;
	}
}

static void put_quote(struct buf *out, struct text line, struct place at, bool colour)
{
	size_t caret, from = 0;
	size_t width = measure(line, at.column, &caret);
	bool cut_left, cut_right;

	if (width > QUOTE_WIDTH && caret > QUOTE_LEFT)
		from = caret - QUOTE_LEFT;
	cut_left = from > 0;
	cut_right = width > from + QUOTE_WIDTH;
	buf_printf(out, "%5d | %s", at.line, cut_left ? "..." : "");
	put_columns(out, line, from + (cut_left ? 3 : 0), from + QUOTE_WIDTH - (cut_right ? 3 : 0));
	buf_str(out, cut_right ? "...\n" : "\n");
	if (at.column < 1)
		return;
	buf_str(out, "      | ");
	for (size_t i = from; i < caret; i++)
		buf_char(out, ' ');
	buf_str(out, colour ? GREEN "^" PLAIN "\n" : "^\n");
}

static void put_head(struct buf *out, const struct diag *diag, bool colour)
{
	bool error = diag->severity == DIAG_ERROR;

	if (colour)
		buf_str(out, BOLD);
	if (diag->at.file[0] != '\0')
		buf_str(out, diag->at.file);
	if (diag->at.line > 0)
		buf_printf(out, ":%d", diag->at.line);
	if (diag->at.line > 0 && diag->at.column > 0)
		buf_printf(out, ":%d", diag->at.column);
	if (diag->at.file[0] != '\0')
		buf_str(out, ": ");
	if (colour)
		buf_str(out, error ? PLAIN RED : PLAIN YELLOW);
	buf_str(out, error ? "error:" : "warning:");
	if (colour)
		buf_str(out, PLAIN);
	buf_printf(out, " %s\n", diag->what);
}

void diags_print(struct diags *list, struct buf *out, bool colour)
{
	struct finder finder = { 0 };
	struct text line;

	assert(list != NULL);
	assert(out != NULL);
	for (size_t i = 0; i < list->count; i++) {
		const struct diag *diag = diags_at(list, i);

		put_head(out, diag, colour);
		if (find_line(&finder, list, diag->at, &line))
			put_quote(out, line, diag->at, colour);
		if (diag->hint[0] != '\0')
			buf_printf(out, "   hint: %s\n", diag->hint);
	}
	if (list->lost > 0)
		buf_printf(out, "... and %zu more\n", list->lost);
}

static void put_member(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, ",\"%s\":", name);
	escape_json_put(out, text_of(value));
}

void diags_print_json(struct diags *list, struct buf *out)
{
	assert(list != NULL);
	assert(out != NULL);
	for (size_t i = 0; i < list->count; i++) {
		const struct diag *diag = diags_at(list, i);

		buf_str(out, "{\"file\":");
		escape_json_put(out, text_of(diag->at.file));
		buf_printf(out, ",\"line\":%d,\"column\":%d", diag->at.line, diag->at.column);
		put_member(out, "severity", diag->severity == DIAG_ERROR ? "error" : "warning");
		put_member(out, "message", diag->what);
		put_member(out, "hint", diag->hint);
		buf_str(out, "}\n");
	}
}
