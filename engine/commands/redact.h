/* SPDX-License-Identifier: Apache-2.0
 *
 * redact - recorded data without what it tells about people, and without secrets.
 *
 * What is replaced, by the same substitute wherever the same value stands:
 *   - secrets of the configuration, in any text;
 *   - e-mail addresses, phone numbers with their +, tokens by their well-known
 *     beginnings, credentials in URLs, in any text;
 *   - by the field's name: names of persons, phone numbers, credentials, free
 *     text, other personal details (redact_field.c). A person's name that was
 *     learnt is replaced in other texts as well.
 * Kinds of values stay: a text becomes a text, a number a number.
 * I1  What was replaced is never told, only where it stood.
 * Ownership: everything lives in the redactor's arena; the configuration outlives it. */
#ifndef TAPPET_COMMANDS_REDACT_H
#define TAPPET_COMMANDS_REDACT_H

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/rules/config.h"
#include "engine/value/value.h"

enum redact_class {
	REDACT_NOT,
	REDACT_SECRET,
	REDACT_EMAIL,
	REDACT_NAME,
	REDACT_PHONE,
	REDACT_TOKEN,
	REDACT_TEXT,
	REDACT_DETAIL,
	REDACT_ASKED, /* by its path */
	REDACT_CLASSES
};

struct redactor;

/* `keep` and `asked` are dotted paths, from the document's name on ("data.lead"); items of lists
 * have the path of their list. NULL when memory is out. */
struct redactor *redactor_new(struct arena *arena, const struct config *config);
void redactor_free(struct redactor *r);
DEFINE_AUTO(redactor_free, struct redactor *)
void redact_keep(struct redactor *r, struct text path);
void redact_asked(struct redactor *r, struct text path);

/* The first round: takes note of names, which stand in other texts, too. */
void redact_learn(struct redactor *r, struct text path, struct value v);

/* The second: the value with substitutes. */
struct value redact_value(struct redactor *r, struct text path, struct value v);

/* The same by what texts hold, whatever their fields are called. */
struct value redact_texts(struct redactor *r, struct value v);

/* What became of paths of redacted values: left out, shown after all (in another place of the same
 * path, or beneath it). What was replaced in a path left out isn't told. The last forgets both. */
void redact_dropped(struct redactor *r, struct text path);
void redact_shown(struct redactor *r, struct text path);
void redact_all_shown(struct redactor *r);

/* True when the path, or one above it, is to be kept. */
bool redact_is_kept(const struct redactor *r, struct text path);

/* What was replaced, a line each: "data.lead.email: e-mail address". Returns how many. */
size_t redact_tell(const struct redactor *r, struct buf *out);

/* ---- Within: redact_field.c, redact_text.c. ---- */

/* What a field's name says of its texts. `beside` is the map it stands in, `parent` the name of
 * the field that holds that. */
enum redact_class redact_field(struct text name, struct text parent, struct value beside);

/* A parameter of a URL that carries a credential. */
bool redact_is_credential(struct text name);

/* The substitute for a text of the class. */
struct text redact_substitute(struct redactor *r, enum redact_class class, struct text original);
bool redact_is_substitute(const struct redactor *r, struct text t);

/* The longest name learnt that stands at the beginning of `t`; 0: none. */
size_t redact_known_name(const struct redactor *r, struct text t);

/* The text with substitutes for what it holds; bit 1u << class of *found is set for each that was
 * replaced. */
struct text redact_scan(struct redactor *r, struct arena *arena, struct text t, unsigned *found);

#endif
