/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer - the words of an expression: langdef.md, "Syntax".
 *
 * Literals come out decoded. Looks ahead only within a word, so each byte is
 * visited a bounded number of times.
 * Ownership: decoded texts live in the arena given to cel_lexer_begin;
 * everything else borrows the expression's text. */
#ifndef TAPPET_CEL_LEXER_H
#define TAPPET_CEL_LEXER_H

#include "engine/cel/issue.h"

enum cel_token_kind {
	CEL_TOKEN_ERROR, /* the issue is filled */
	CEL_TOKEN_END,
	CEL_TOKEN_NAME,    /* identifier, reserved words included */
	CEL_TOKEN_QUOTED,  /* `a name in backticks`, only after a dot */
	CEL_TOKEN_INTEGER, /* value.u is the magnitude: the sign is the parser's business */
	CEL_TOKEN_LITERAL, /* every other literal, true, false and null included */
	CEL_TOKEN_IN,
	CEL_TOKEN_AND,
	CEL_TOKEN_OR,
	CEL_TOKEN_EQ,
	CEL_TOKEN_NE,
	CEL_TOKEN_LT,
	CEL_TOKEN_LE,
	CEL_TOKEN_GT,
	CEL_TOKEN_GE,
	CEL_TOKEN_MARK, /* one of ( ) [ ] { } . , : ? ! - + * / % as `mark` */
};

struct cel_token {
	enum cel_token_kind kind;
	char mark;
	uint32_t from, to; /* bytes from..to-1 of the expression */
	struct value value;
};

struct cel_lexer {
	struct arena *arena;
	struct text in;
	char *decoded; /* as long as `in`: decoded texts, each at the place of its spelling */
	size_t at;
	struct cel_issue *issue;
};

/* False when the arena is spent (the issue is filled). */
bool cel_lexer_begin(struct cel_lexer *lexer, struct arena *arena, struct text in,
		     struct cel_issue *issue);

struct cel_token cel_lexer_next(struct cel_lexer *lexer);

/* ---- literal.c, called by the lexer with lexer->at at the literal's start ---- */

struct cel_token cel_lex_number(struct cel_lexer *lexer);

/* A quoted text or bytes with its prefix (r, b, br). */
struct cel_token cel_lex_quoted(struct cel_lexer *lexer);

struct cel_token cel_lex_refuse(struct cel_lexer *lexer, size_t at, const char *hint,
				const char *what);

#endif
