/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer - the words of an expression; see lexer.h.
 *
 * What people write who think in another language (=, and, =~, single &) is
 * recognised here only to say what CEL calls it. */
#include "engine/cel/lexer.h"

#include <assert.h>
#include <stdio.h>

struct cel_token cel_lex_refuse(struct cel_lexer *lexer, size_t at, const char *hint,
				const char *what)
{
	cel_refuse(lexer->issue, at, hint, "%s", what);
	return (
	    struct cel_token){ .kind = CEL_TOKEN_ERROR, .from = (uint32_t)at, .to = (uint32_t)at };
}

static char peek(const struct cel_lexer *lexer, size_t ahead)
{
	size_t at = lexer->at + ahead;

	return at < lexer->in.n ? lexer->in.s[at] : '\0';
}

static bool is_name_start(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blank(struct cel_lexer *lexer)
{
	for (;;) {
		char c = peek(lexer, 0);

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
			lexer->at++;
		} else if (c == '/' && peek(lexer, 1) == '/') {
			while (lexer->at < lexer->in.n && lexer->in.s[lexer->at] != '\n')
				lexer->at++;
		} else {
			return;
		}
	}
}

/* True when a prefix (r, b, br) and a quote stand here. */
static bool at_quote(const struct cel_lexer *lexer)
{
	size_t i = 0;
	char c = peek(lexer, i);

	if (c == 'b' || c == 'B')
		c = peek(lexer, ++i);
	if (c == 'r' || c == 'R')
		c = peek(lexer, ++i);
	return c == '"' || c == '\'';
}

static struct cel_token token(struct cel_lexer *lexer, enum cel_token_kind kind, size_t n)
{
	struct cel_token t = { .kind = kind,
			       .mark = lexer->in.s[lexer->at],
			       .from = (uint32_t)lexer->at,
			       .to = (uint32_t)(lexer->at + n) };

	assert(lexer->at + n <= lexer->in.n);
	lexer->at += n;
	return t;
}

static struct cel_token lex_name(struct cel_lexer *lexer)
{
	struct cel_token t;
	struct text word;
	size_t n = 1;

	while (is_name_start(peek(lexer, n)) || is_digit(peek(lexer, n)))
		n++;
	t = token(lexer, CEL_TOKEN_NAME, n);
	word = (struct text){ lexer->in.s + t.from, n };
	if (text_is(word, "in")) {
		t.kind = CEL_TOKEN_IN;
	} else if (text_is(word, "true") || text_is(word, "false")) {
		t.kind = CEL_TOKEN_LITERAL;
		t.value = value_bool(word.s[0] == 't');
	} else if (text_is(word, "null")) {
		t.kind = CEL_TOKEN_LITERAL;
		t.value = value_null();
	}
	return t;
}

static bool is_backtick_char(char c)
{
	return is_name_start(c) || is_digit(c) || c == '.' || c == '-' || c == '/' || c == ' ';
}

static struct cel_token lex_backtick(struct cel_lexer *lexer)
{
	size_t n = 1;

	while (is_backtick_char(peek(lexer, n)))
		n++;
	if (n == 1 || peek(lexer, n) != '`')
		return cel_lex_refuse(lexer, lexer->at + n, "write data[\"...\"] instead",
				      "a name in backticks holds letters, digits, _ . - / and "
				      "spaces");
	return token(lexer, CEL_TOKEN_QUOTED, n + 1);
}

struct word {
	const char *spelling;
	enum cel_token_kind kind;
	const char *hint; /* for CEL_TOKEN_ERROR */
};

/* Longest first. The errors are operators of other languages. */
static const struct word operators[] = {
	{ "===", CEL_TOKEN_ERROR, "use ==" },
	{ "!==", CEL_TOKEN_ERROR, "use !=" },
	{ "&&", CEL_TOKEN_AND, NULL },
	{ "||", CEL_TOKEN_OR, NULL },
	{ "==", CEL_TOKEN_EQ, NULL },
	{ "!=", CEL_TOKEN_NE, NULL },
	{ "<=", CEL_TOKEN_LE, NULL },
	{ ">=", CEL_TOKEN_GE, NULL },
	{ "=~", CEL_TOKEN_ERROR, "use text.matches(\"pattern\")" },
	{ "!~", CEL_TOKEN_ERROR, "use !text.matches(\"pattern\")" },
	{ "=>", CEL_TOKEN_ERROR, "use >= to compare; a condition on items is list.exists(x, ...)" },
	{ "=<", CEL_TOKEN_ERROR, "use <= to compare" },
	{ "<>", CEL_TOKEN_ERROR, "use !=" },
	{ "**", CEL_TOKEN_ERROR, "there is no power operator" },
	{ ":=", CEL_TOKEN_ERROR, "use == to compare" },
	{ "??", CEL_TOKEN_ERROR, "write default(value, other)" },
	{ "<", CEL_TOKEN_LT, NULL },
	{ ">", CEL_TOKEN_GT, NULL },
	{ "=", CEL_TOKEN_ERROR, "use == to compare" },
	{ "&", CEL_TOKEN_ERROR, "use && for and" },
	{ "|", CEL_TOKEN_ERROR, "use || for or" },
	{ "${", CEL_TOKEN_ERROR, "this is an expression already: write the name without ${ }" },
	{ "$", CEL_TOKEN_ERROR, "write the name without $" },
	{ ";", CEL_TOKEN_ERROR, "an expression is one term: join several with &&" },
	{ "#", CEL_TOKEN_ERROR, "comments start with //" },
};

/* U+2018 to U+201F, as editors put in for " and '. */
static bool is_curly_quote(const struct cel_lexer *lexer)
{
	return (unsigned char)peek(lexer, 0) == 0xe2 && (unsigned char)peek(lexer, 1) == 0x80 &&
	       (unsigned char)peek(lexer, 2) >= 0x98 && (unsigned char)peek(lexer, 2) <= 0x9f;
}

static struct cel_token lex_unknown(struct cel_lexer *lexer)
{
	unsigned char c = (unsigned char)peek(lexer, 0);
	char what[64];

	if (is_curly_quote(lexer))
		return cel_lex_refuse(lexer, lexer->at, "write \" or ' instead",
				      "a curly quote is no quote of a text");
	if (c >= 0xc0)
		return cel_lex_refuse(lexer, lexer->at, "put it in quotes if it is a text",
				      "a character outside of quotes that CEL has no use for");
	if (c < ' ' || c >= 0x7f)
		snprintf(what, sizeof(what), "unexpected byte 0x%02x", c);
	else
		snprintf(what, sizeof(what), "unexpected character '%c'", (char)c);
	return cel_lex_refuse(lexer, lexer->at, "", what);
}

static struct cel_token lex_operator(struct cel_lexer *lexer)
{
	struct text rest = { lexer->in.s + lexer->at, lexer->in.n - lexer->at };
	char what[32];

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		const struct word *w = &operators[i];

		if (!text_starts(rest, text_of(w->spelling)))
			continue;
		if (w->kind != CEL_TOKEN_ERROR)
			return token(lexer, w->kind, strlen(w->spelling));
		snprintf(what, sizeof(what), "unexpected \"%s\"", w->spelling);
		return cel_lex_refuse(lexer, lexer->at, w->hint, what);
	}
	if (memchr("()[]{}.,:?!-+*/%", rest.s[0], 16) != NULL)
		return token(lexer, CEL_TOKEN_MARK, 1);
	return lex_unknown(lexer);
}

bool cel_lexer_begin(struct cel_lexer *lexer, struct arena *arena, struct text in,
		     struct cel_issue *issue)
{
	assert(arena != NULL && issue != NULL && in.n <= UINT32_MAX);
	*lexer = (struct cel_lexer){ .arena = arena, .in = in, .issue = issue };
	lexer->decoded = arena_alloc(arena, in.n);
	return lexer->decoded != NULL || cel_refuse_size(issue, 0);
}

struct cel_token cel_lexer_next(struct cel_lexer *lexer)
{
	char c;

	assert(lexer->issue != NULL && lexer->at <= lexer->in.n);
	skip_blank(lexer);
	if (lexer->at == lexer->in.n)
		return (struct cel_token){ .kind = CEL_TOKEN_END,
					   .from = (uint32_t)lexer->at,
					   .to = (uint32_t)lexer->at };
	c = peek(lexer, 0);
	if (at_quote(lexer))
		return cel_lex_quoted(lexer);
	if (is_name_start(c))
		return lex_name(lexer);
	if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
		return cel_lex_number(lexer);
	if (c == '`')
		return lex_backtick(lexer);
	return lex_operator(lexer);
}
