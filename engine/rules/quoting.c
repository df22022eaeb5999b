/* SPDX-License-Identifier: Apache-2.0
 *
 * quoting - finds what people forget to quote, line by line.
 *
 * A tolerant scanner of YAML's shape: indentation, "- ", "key: ", quoted texts,
 * flow collections and block scalars. It judges only the values it finds.
 * I1  Every byte is visited a bounded number of times. */
#include "engine/rules/quoting.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/limits.h"
#include "engine/rules/walker.h"

#define SHOWN_VALUE 160 /* bytes of a hint that shows the value as it should be */

/* ---- Edits. ---- */

void mends_add(struct mends *mends, struct mend mend)
{
	size_t first, after;

	assert(mends != NULL);
	for (first = 0; first < mends->count; first++)
		if (mends->items[first].at + mends->items[first].cut > mend.at)
			break;
	for (after = first; after < mends->count; after++)
		if (mends->items[after].at >= mend.at + mend.cut)
			break;
	if (mends->count + 1 > mends->room) {
		size_t room = mends->room == 0 ? 16 : mends->room * 2;
		struct mend *grown = arena_array(mends->arena, room, sizeof(*grown));

		if (grown == NULL)
			return;
		if (mends->count > 0)
			memcpy(grown, mends->items, mends->count * sizeof(*grown));
		mends->items = grown;
		mends->room = room;
	}
	memmove(mends->items + first + 1, mends->items + after,
		(mends->count - after) * sizeof(*mends->items));
	mends->items[first] = mend;
	mends->count = mends->count - (after - first) + 1;
}

struct text mends_apply(const struct mends *mends, struct text content)
{
	struct text out = TEXT_NONE;
	struct buf b;
	size_t at = 0;

	assert(mends != NULL && mends->arena != NULL);
	buf_init(&b, 4 * (size_t)LIMIT_YAML_FILE);
	for (size_t i = 0; i < mends->count; i++) {
		const struct mend *m = &mends->items[i];

		buf_put(&b, content.s + at, m->at - at);
		buf_text(&b, m->put);
		at = m->at + m->cut;
	}
	buf_put(&b, content.s + at, content.n - at);
	if (!buf_failed(&b))
		out = text_dup(mends->arena, buf_view(&b));
	buf_fini(&b);
	return out;
}

/* ---- The scanner. ---- */

struct scan {
	struct text in;
	struct mends *mends;
	struct diags *diags;
	const char *file;
	struct walker walker;
	bool quiet;      /* looking ahead: report nothing */
	struct text key; /* of the value under way; may be empty */
};

size_t quoting_next_line(struct text content, size_t at)
{
	const char *end = at < content.n ? memchr(content.s + at, '\n', content.n - at) : NULL;

	assert(at <= content.n);
	return end != NULL ? (size_t)(end - content.s) + 1 : content.n;
}

size_t quoting_indent(struct text content, size_t line)
{
	size_t i = line;

	assert(line <= content.n);
	while (i < content.n && content.s[i] == ' ')
		i++;
	return i - line;
}

static char at(const struct scan *s, size_t i)
{
	return i < s->in.n ? s->in.s[i] : '\n';
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool ends(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blanks(const struct scan *s, size_t i)
{
	while (i < s->in.n && blank(s->in.s[i]))
		i++;
	return i;
}

/* A line that holds nothing, or a comment only. */
static bool empty_line(const struct scan *s, size_t line)
{
	size_t i = skip_blanks(s, line);

	return at(s, i) == '\n' || at(s, i) == '#';
}

/* True when nothing, or a comment, follows on the line. */
static bool rest_is_empty(const struct scan *s, size_t i)
{
	size_t k = skip_blanks(s, i);

	return at(s, k) == '\n' || (at(s, k) == '#' && (k > i || k == 0));
}

/* ---- What is said about them. ---- */

struct advice {
	char start; /* the character a value starts with, or 0 */
	const char *what;
	const char *hint; /* used when the value itself is too long to show it quoted */
};

static const struct advice starts[] = {
	{ '!', "a value that starts with \"!\" needs quotes: YAML takes it for a tag",
	  "put the whole condition in quotes" },
	{ '"', "YAML ends this value at its second quote, but more follows",
	  "put the whole condition in single quotes" },
	{ '\'', "YAML ends this value at its second quote, but more follows",
	  "put the whole condition in double quotes" },
	{ '[', "a value that starts with \"[\" needs quotes: YAML takes it for a list",
	  "put the whole condition in quotes" },
	{ '{', "a value that starts with \"{\" needs quotes: YAML takes it for a map",
	  "put the whole condition in quotes" },
	{ '*', "a value that starts with \"*\" needs quotes: YAML takes it for an alias",
	  "put the whole text in quotes" },
	{ '&', "a value that starts with \"&\" needs quotes: YAML takes it for an anchor",
	  "put the whole text in quotes" },
	{ '@', "a text that starts with \"@\" needs quotes", "put the whole text in quotes" },
	{ '%', "a text that starts with \"%\" needs quotes", "put the whole text in quotes" },
	{ '`', "a text that starts with a backtick needs quotes", "put the whole text in quotes" },
	{ '>', "a value that starts with \">\" needs quotes: YAML takes it for a block of text",
	  "put the whole condition in quotes" },
	{ '|', "a value that starts with \"|\" needs quotes: YAML takes it for a block of text",
	  "put the whole condition in quotes" },
};

static const struct advice dollar_brace = {
	0, "${...} inside {...} or [...] needs quotes: YAML takes its brace for a map",
	"put the whole text in quotes"
};
static const struct advice brace_inside = {
	0, "a text that holds braces or brackets needs quotes inside {...} or [...]",
	"put the whole text in quotes"
};
static const struct advice colon = {
	0, "a value that holds \": \" needs quotes: YAML takes it for a key",
	"put the whole value in quotes"
};
static const struct advice hash = {
	0, "a value that holds \" #\" needs quotes: YAML takes the rest for a comment",
	"put the whole value in quotes"
};
static const struct advice hash_first = { 0, "YAML takes \" #\" for a comment",
					  "put the whole text in quotes" };
static const struct advice open_quote = { 0, "this quote is never closed",
					  "add the closing quote at the end of the text" };
static const struct advice tab = { 0, "a tab indents this line", "indent with spaces" };

static const struct advice *start_advice(char c)
{
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (starts[i].start == c)
			return &starts[i];
	return NULL;
}

static void say(struct scan *s, size_t offset, const struct advice *advice)
{
	if (!s->quiet)
		diags_add(s->diags, DIAG_ERROR, walker_to(&s->walker, s->file, offset),
			  advice->hint, "%s", advice->what);
}

/* The bytes in the quotes that need the least escaping. */
static void put_quoted(struct buf *out, struct text t)
{
	char quote = memchr(t.s, '"', t.n) == NULL && memchr(t.s, '\\', t.n) == NULL ? '"' : '\'';

	buf_char(out, quote);
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '\'' && quote == '\'')
			buf_char(out, '\'');
		buf_char(out, t.s[i]);
	}
	buf_char(out, quote);
}

/* True for what wants a value behind it: no text of an expression ends so. */
static bool ends_open(struct text t)
{
	while (t.n > 0 && t.s[t.n - 1] == ' ')
		t.n--;
	return t.n > 0 && strchr("=<>(,[+&|", t.s[t.n - 1]) != NULL;
}

/* "hi ${data["x y"]}", "data.title == "a"": the quotes meant are there already, those of the
 * expression end them. */
static bool quotes_around(struct text t)
{
	size_t open = text_find(t, TEXT("${")), second = 1;

	if (t.n < 4 || (t.s[0] != '"' && t.s[0] != '\'') || t.s[t.n - 1] != t.s[0])
		return false;
	while (second < t.n && t.s[second] != t.s[0])
		second++;
	if (second >= t.n - 1)
		return false;
	return (t.s[0] == '"' && open < second) || ends_open((struct text){ t.s + 1, second - 1 });
}

/* Single quotes instead, or, where they would change what a backslash says, the quotes inside
 * escaped. */
static void put_requoted(struct buf *out, struct text t)
{
	bool escapes = memchr(t.s, '\\', t.n) != NULL;

	if (t.s[0] == '\'') {
		put_quoted(out, (struct text){ t.s + 1, t.n - 2 });
		return;
	}
	buf_char(out, escapes ? '"' : '\'');
	for (size_t i = 1; i + 1 < t.n; i++) {
		if (escapes && t.s[i] == '"' && t.s[i - 1] != '\\')
			buf_char(out, '\\');
		if (!escapes && t.s[i] == '\'')
			buf_char(out, '\'');
		buf_char(out, t.s[i]);
	}
	buf_char(out, escapes ? '"' : '\'');
}

/* A value that needs quotes: says so and shows it with them. */
static void say_quoted(struct scan *s, size_t from, size_t to, const struct advice *advice)
{
	struct text value = { s->in.s + from, to - from };
	struct advice shown = *advice;
	struct buf b;

	if (s->quiet)
		return;
	buf_init(&b, SHOWN_VALUE);
	if (quotes_around(value)) {
		buf_str(&b, "write ");
		put_requoted(&b, value);
	} else {
		buf_str(&b, "put quotes around it: ");
		put_quoted(&b, value);
	}
	if (!buf_failed(&b))
		shown.hint = buf_cstr(&b);
	say(s, from, &shown);
	buf_fini(&b);
}

static void edit(struct scan *s, size_t from, size_t to, struct text put, bool wraps)
{
	if (!s->quiet)
		mends_add(s->mends, (struct mend){ from, to - from, put, wraps, false });
}

/* Puts quotes around the bytes. */
static void wrap(struct scan *s, size_t from, size_t to)
{
	struct text value = { s->in.s + from, to - from };
	struct buf b;

	if (s->quiet)
		return;
	buf_init(&b, 4 * (size_t)LIMIT_YAML_FILE);
	if (quotes_around(value))
		put_requoted(&b, value);
	else
		put_quoted(&b, value);
	/* With its quotes replaced, the value isn't the bytes that stood there. */
	if (!buf_failed(&b))
		edit(s, from, to, text_dup(s->mends->arena, buf_view(&b)), !quotes_around(value));
	buf_fini(&b);
}

/* ---- Quoted texts. ---- */

/* Offset behind the closing quote, or 0 when there is none before `end`. */
static size_t quoted_end(const struct scan *s, size_t from, size_t end)
{
	char quote = s->in.s[from];

	for (size_t i = from + 1; i < end; i++) {
		if (quote == '"' && s->in.s[i] == '\\') {
			i++;
		} else if (s->in.s[i] == quote) {
			if (quote == '\'' && i + 1 < end && s->in.s[i + 1] == quote)
				i++;
			else
				return i + 1;
		}
	}
	return 0;
}

/* Start of the first line after `line` that no longer belongs to a value whose key stands in
 * column `parent` (0-based). */
static size_t value_limit(const struct scan *s, size_t line, size_t parent)
{
	size_t i = quoting_next_line(s->in, line);

	while (i < s->in.n) {
		size_t indent = quoting_indent(s->in, i);

		if (at(s, i + indent) != '\n' && at(s, i + indent) != '\r' && indent <= parent)
			break;
		i = quoting_next_line(s->in, i);
	}
	return i;
}

/* Where the value of a line ends: before a comment and blanks; quotes hide both. */
static size_t line_value_end(const struct scan *s, size_t from, size_t line_end)
{
	size_t i = from, end;

	while (i < line_end && s->in.s[i] != '\n') {
		char c = s->in.s[i];

		if (c == '#' && i > from && blank(s->in.s[i - 1]))
			break;
		if ((c == '"' || c == '\'') && quoted_end(s, i, line_end) > 0)
			i = quoted_end(s, i, line_end);
		else
			i++;
	}
	end = i;
	while (end > from && ends(s->in.s[end - 1]))
		end--;
	return end;
}

/* The whole rest of the line is meant as one text. */
static void whole_value(struct scan *s, size_t from, size_t line_end, const struct advice *advice)
{
	size_t end = line_value_end(s, from, line_end);

	say_quoted(s, from, end, advice);
	wrap(s, from, end);
}

static size_t scan_quoted(struct scan *s, size_t from, size_t line_end, size_t parent)
{
	size_t limit = value_limit(s, from, parent);
	size_t close = quoted_end(s, from, limit);

	if (close > 0 && rest_is_empty(s, close))
		return quoting_next_line(s->in, close);
	if (close > 0 && close <= line_end) {
		whole_value(s, from, line_end, start_advice(s->in.s[from]));
		return line_end;
	}
	close = line_end;
	while (close > from + 1 && ends(at(s, close - 1)))
		close--;
	say(s, from, &open_quote);
	edit(s, close, close, s->in.s[from] == '"' ? TEXT("\"") : TEXT("'"), false);
	return line_end;
}

/* ---- Flow collections. ---- */

struct flow {
	char open[LIMIT_YAML_DEPTH]; /* the brackets that are open */
	size_t depth;
	bool start; /* a value or key may start here */
	bool value; /* a key and its colon came before */
};

/* End of a text inside {…} as its author meant it: braces, parentheses and quotes inside count. */
static size_t meant_end(const struct scan *s, size_t from, size_t line_end)
{
	size_t depth = 0, i = from;

	while (i < line_end) {
		char c = s->in.s[i];

		if ((c == '"' || c == '\'') && quoted_end(s, i, line_end) > 0) {
			i = quoted_end(s, i, line_end);
			continue;
		}
		if (depth == 0 && (c == ',' || c == '}' || c == ']'))
			break;
		if (c == '{' || c == '[' || c == '(')
			depth++;
		if ((c == '}' || c == ']' || c == ')') && depth > 0)
			depth--;
		i++;
	}
	while (i > from && ends(s->in.s[i - 1]))
		i--;
	return i;
}

static size_t flow_mistake(struct scan *s, size_t from, size_t line_end,
			   const struct advice *advice)
{
	size_t end = meant_end(s, from, line_end);

	if (end == from)
		end = from + 1;
	say_quoted(s, from, end, advice);
	wrap(s, from, end);
	return end;
}

static size_t flow_quoted(struct scan *s, size_t from, size_t line_end, size_t limit)
{
	size_t close = quoted_end(s, from, limit);
	size_t next;

	if (close == 0) {
		say(s, from, &open_quote);
		edit(s, from, meant_end(s, from, line_end), TEXT("''"), false);
		return meant_end(s, from, line_end);
	}
	next = skip_blanks(s, close);
	if (strchr(",:}]#\n", at(s, next)) != NULL)
		return close;
	return flow_mistake(s, from, line_end, start_advice(s->in.s[from]));
}

/* A plain text inside {…}: ends before , } ] or ": ". */
static size_t flow_plain(struct scan *s, size_t from, size_t line_end, bool value)
{
	for (size_t i = from; i < line_end; i++) {
		char c = s->in.s[i];

		if (c == '{' || c == '[')
			return flow_mistake(s, from, line_end,
					    i > from && s->in.s[i - 1] == '$' ? &dollar_brace
									      : &brace_inside);
		if (c == ',' || c == '}' || c == ']' || c == '\n')
			return i;
		if (c == ':' && value && ends(at(s, i + 1)))
			return flow_mistake(s, from, line_end, &colon);
		if (c == ':' && (ends(at(s, i + 1)) || strchr(",}]", at(s, i + 1)) != NULL))
			return i;
		if (c == '#' && i > from && blank(s->in.s[i - 1]))
			return i;
	}
	return line_end;
}

/* The end of an anchor (&name) that stands before a value of its own, or 0. */
static size_t anchor_end(const struct scan *s, size_t from, bool flow)
{
	size_t i = from + 1, next;

	if (at(s, from) != '&')
		return 0;
	while (!ends(at(s, i)) && strchr("&|=(){}[],\"'", at(s, i)) == NULL)
		i++;
	next = skip_blanks(s, i);
	if (i == from + 1 || !ends(at(s, i)))
		return 0;
	return strchr("{[\"'", at(s, next)) != NULL || (!flow && at(s, next) == '\n') ? i : 0;
}

/* Reports it and takes it out: the value may be fine. */
static size_t drop_anchor(struct scan *s, size_t from, size_t to)
{
	static const char what[] = "anchors aren't supported";
	struct text hint =
	    text_printf(s->mends->arena, "remove \"%.*s\"", (int)(to - from), s->in.s + from);
	struct advice shown = { 0, what, hint.s != NULL ? hint.s : "" };

	say(s, from, &shown);
	edit(s, from, to, TEXT(""), false);
	return to;
}

/* { channel: #ops }: a "#" where a value belongs, which something on the line still follows. */
static bool hash_is_meant(const struct scan *s, const struct flow *f, size_t i)
{
	size_t line_end = quoting_next_line(s->in, i), end = meant_end(s, i, line_end);

	return f->value && !ends(at(s, i + 1)) && end < line_end && !ends(at(s, end));
}

/* The end of a key that is a sign, as in { >=: 5 }, or 0. */
static size_t sign_end(const struct scan *s, size_t from)
{
	size_t i = from;

	while (i < s->in.n && strchr("<>=!", s->in.s[i]) != NULL)
		i++;
	return i > from && at(s, i) == ':' && ends(at(s, i + 1)) ? i : 0;
}

static size_t flow_value(struct scan *s, struct flow *f, size_t i, size_t limit)
{
	size_t line_end = quoting_next_line(s->in, i);
	char c = s->in.s[i];
	bool value = f->value;

	f->start = f->value = false;
	if (anchor_end(s, i, true) > 0)
		return drop_anchor(s, i, anchor_end(s, i, true));
	if (c == '"' || c == '\'')
		return flow_quoted(s, i, line_end, limit);
	if (start_advice(c) != NULL && sign_end(s, i) > 0)
		line_end = sign_end(s, i);
	if (start_advice(c) != NULL)
		return flow_mistake(s, i, line_end, start_advice(c));
	return flow_plain(s, i, line_end, value);
}

static bool flow_bracket(struct flow *f, char c)
{
	f->value = false;
	if (c == '{' || c == '[') {
		if (f->depth == LIMIT_YAML_DEPTH)
			return false;
		f->open[f->depth++] = c;
		f->start = true;
		return true;
	}
	f->start = false;
	return f->depth > 0 && f->open[--f->depth] == (c == '}' ? '{' : '[');
}

/* Walks a {…} or […]; offset behind its end, or 0 when it doesn't end before `limit`. */
static size_t scan_flow(struct scan *s, size_t from, size_t limit)
{
	struct flow f = { .depth = 0, .start = true };
	size_t i = from;

	while (i < limit) {
		char c = s->in.s[i];

		if (ends(c)) {
			i++;
		} else if (c == '#' && hash_is_meant(s, &f, i)) {
			f.value = false;
			i = flow_mistake(s, i, quoting_next_line(s->in, i), &hash_first);
		} else if (c == '#' && i > 0 && ends(s->in.s[i - 1])) {
			i = quoting_next_line(s->in, i);
		} else if (c == '{' || c == '[' || c == '}' || c == ']') {
			if (!flow_bracket(&f, c))
				return 0;
			i++;
			if (f.depth == 0)
				return i;
		} else if (c == ',' || c == ':' || c == '?') {
			f.start = true;
			f.value = c == ':' && f.depth > 0 && f.open[f.depth - 1] == '{';
			i++;
		} else {
			i = flow_value(s, &f, i, limit);
		}
	}
	return 0;
}

static size_t scan_collection(struct scan *s, size_t from, size_t line_end, size_t parent)
{
	size_t limit = value_limit(s, from, parent);
	size_t close;

	s->quiet = true;
	close = scan_flow(s, from, limit);
	s->quiet = false;
	if (close > 0 && !rest_is_empty(s, close) && close <= line_end) {
		whole_value(s, from, line_end, start_advice(s->in.s[from]));
		return line_end;
	}
	scan_flow(s, from, limit);
	return close > 0 ? quoting_next_line(s->in, close) : limit;
}

/* ---- Plain texts and blocks. ---- */

static bool is_block_header(const struct scan *s, size_t from)
{
	size_t i = from + 1;

	while (at(s, i) == '+' || at(s, i) == '-' || (at(s, i) >= '1' && at(s, i) <= '9'))
		i++;
	return rest_is_empty(s, i);
}

static bool is_condition(struct text key)
{
	return text_is(key, "when") || text_is(key, "if") || text_is(key, "key");
}

/* True when a quote opened before the comment is closed behind it. */
static bool comment_in_quotes(const struct scan *s, size_t from, size_t line_end)
{
	char open = 0;

	for (size_t i = from; i < line_end; i++) {
		char c = s->in.s[i];

		if (open != 0 && c == '#' && blank(s->in.s[i - 1]))
			return memchr(s->in.s + i, open, line_end - i) != NULL;
		if (open == 0 && (c == '"' || c == '\''))
			open = c;
		else if (c == open)
			open = 0;
	}
	return false;
}

/* Offset of a ": " that a plain value holds before any comment, or 0. */
static size_t colon_inside(const struct scan *s, size_t from, size_t line_end)
{
	for (size_t i = from; i < line_end; i++) {
		if (s->in.s[i] == '#' && blank(s->in.s[i - 1]))
			return 0;
		if (s->in.s[i] == ':' && ends(at(s, i + 1)))
			return i;
	}
	return 0;
}

/* True for a line that reads as "key: …" or "- …": no continuation of a text. */
static bool looks_like_entry(const struct scan *s, size_t line)
{
	size_t i = skip_blanks(s, line), start = i;

	if (at(s, i) == '-' && ends(at(s, i + 1)))
		return true;
	while (i < s->in.n && (at(s, i) == '_' || at(s, i) == '-' || at(s, i) == '.' ||
			       (at(s, i) >= '0' && at(s, i) <= '9') ||
			       ((at(s, i) | 32) >= 'a' && (at(s, i) | 32) <= 'z')))
		i++;
	return i > start && at(s, i) == ':' && ends(at(s, i + 1));
}

static size_t scan_plain(struct scan *s, size_t from, size_t line_end, size_t parent)
{
	size_t limit = value_limit(s, from, parent), next = line_end;

	if (colon_inside(s, from, line_end) > 0)
		whole_value(s, from, line_end, &colon);
	else if (is_condition(s->key) && comment_in_quotes(s, from, line_end))
		whole_value(s, from, line_end, &hash);
	while (next < limit && !looks_like_entry(s, next))
		next = quoting_next_line(s->in, next);
	return next;
}

/* ---- Lines. ---- */

/* A value at `from`, whose key or dash stands in column `parent`. Start of the line to go on with.
 */
static size_t scan_value(struct scan *s, size_t from, size_t line_end, size_t parent)
{
	char c = at(s, from);

	if (c == '\n' || c == '#')
		return line_end;
	if ((c == '|' || c == '>') && is_block_header(s, from))
		return value_limit(s, from, parent);
	if (c == '"' || c == '\'')
		return scan_quoted(s, from, line_end, parent);
	if (c == '{' || c == '[')
		return scan_collection(s, from, line_end, parent);
	if (anchor_end(s, from, false) > 0)
		return scan_value(s,
				  skip_blanks(s, drop_anchor(s, from, anchor_end(s, from, false))),
				  line_end, parent);
	if (start_advice(c) != NULL) {
		whole_value(s, from, line_end, start_advice(c));
		return line_end;
	}
	return scan_plain(s, from, line_end, parent);
}

/* The end of a key at `from` (the offset of its colon), or 0. */
static size_t key_end(const struct scan *s, size_t from, size_t line_end)
{
	size_t i = from;

	if (at(s, i) == '"' || at(s, i) == '\'') {
		i = quoted_end(s, i, line_end);
		if (i == 0)
			return 0;
		i = skip_blanks(s, i);
	} else {
		while (i < line_end && !ends(s->in.s[i]) &&
		       strchr("{}[],\"'#", s->in.s[i]) == NULL &&
		       !(s->in.s[i] == ':' && ends(at(s, i + 1))))
			i++;
	}
	return i > from && at(s, i) == ':' && ends(at(s, i + 1)) ? i : 0;
}

/* A tab where indentation belongs: the line gets that of the line before it. */
static void scan_tab(struct scan *s, size_t line, size_t tab_at, size_t before)
{
	size_t end = skip_blanks(s, tab_at);
	size_t next = quoting_next_line(s->in, before);
	size_t indent = quoting_indent(s->in, before), last = next;
	struct text spaces;

	while (last > before && ends(s->in.s[last - 1]))
		last--;
	if ((last > before && s->in.s[last - 1] == ':') ||
	    (at(s, before + indent) == '-' && at(s, end) != '-'))
		indent += 2;
	spaces = text_printf(s->mends->arena, "%*s", (int)(indent < 128 ? indent : 128), "");
	say(s, tab_at, &tab);
	if (spaces.s != NULL)
		edit(s, line, end, spaces, false);
}

static size_t scan_line(struct scan *s, size_t line, size_t before)
{
	size_t line_end = quoting_next_line(s->in, line);
	size_t i = line + quoting_indent(s->in, line), parent, colon_at;

	if (empty_line(s, line) ||
	    text_starts((struct text){ s->in.s + line, line_end - line }, TEXT("---")))
		return line_end;
	if (at(s, i) == '\t')
		scan_tab(s, line, i, before);
	i = skip_blanks(s, i);
	parent = i - line;
	while (at(s, i) == '-' && ends(at(s, i + 1))) {
		parent = i - line;
		i = skip_blanks(s, i + 1);
	}
	if (i >= line_end || at(s, i) == '\n')
		return line_end;
	colon_at = key_end(s, i, line_end);
	s->key = TEXT_NONE;
	if (colon_at > 0) {
		parent = i - line;
		s->key = (struct text){ s->in.s + i, colon_at - i };
		i = skip_blanks(s, colon_at + 1);
	}
	return scan_value(s, i, line_end, parent);
}

void quoting_scan(struct mends *mends, struct diags *diags, const char *file, struct text content)
{
	struct scan s = { .in = content, .mends = mends, .diags = diags, .file = file };
	size_t line = 0, before = 0;

	assert(mends != NULL && diags != NULL);
	s.walker = walker_of(content);
	while (line < content.n) {
		size_t next = scan_line(&s, line, before);

		assert(next > line);
		if (!empty_line(&s, line))
			before = line;
		line = next;
	}
}
