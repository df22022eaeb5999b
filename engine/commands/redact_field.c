/* SPDX-License-Identifier: Apache-2.0
 *
 * redact_field - what the name of a field says; see redact.h.
 *
 * Names are compared word by word: firstName, first_name and first-name are one. */
#include "engine/commands/redact.h"

#include <assert.h>

#define NAME_MOST 128 /* bytes of a field's name that are looked at: its end */

/* The words of a field's name. */
struct words {
	char s[2 * NAME_MOST + 1]; /* "provider_lead_name" */
	struct text last, before;  /* "name", "lead"; empty: there is none */
};

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static size_t last_word(struct text t)
{
	size_t n = t.n;

	while (n > 0 && t.s[n - 1] != '_')
		n--;
	return n;
}

static void words_of(struct words *w, struct text name)
{
	size_t n = 0, from;

	if (name.n > NAME_MOST)
		name = (struct text){ name.s + name.n - NAME_MOST, NAME_MOST };
	for (size_t i = 0; i < name.n; i++) {
		char c = name.s[i];

		if (is_upper(c) && i > 0 && is_lower(name.s[i - 1]))
			w->s[n++] = '_';
		if (c == '-' || c == ' ' || c == '.')
			c = '_';
		w->s[n++] = is_upper(c) ? (char)(c | 32) : c;
	}
	struct text all = { w->s, n };

	from = last_word(all);
	w->last = (struct text){ w->s + from, n - from };
	all.n = from > 0 ? from - 1 : 0;
	from = last_word(all);
	w->before = (struct text){ w->s + from, all.n - from };
}

/* One of the words, or several of it. */
static bool is_one(struct text word, const char *const *list)
{
	struct text single = word;

	if (word.n > 3 && word.s[word.n - 1] == 's')
		single.n--;
	for (size_t i = 0; word.n > 0 && list[i] != NULL; i++)
		if (text_is(word, list[i]) || text_is(single, list[i]))
			return true;
	return false;
}

static const char *const persons[] = {
	"person",   "people",    "user",      "owner",     "creator",     "author",    "assignee",
	"approver", "reviewer",  "requester", "requestor", "manager",     "lead",      "member",
	"contact",  "customer",  "employee",  "colleague", "recipient",   "sender",    "uploader",
	"starter",  "completer", "actor",     "actioner",  "participant", "candidate", "patient",
	"attendee", "invitee",   NULL,
};

static const char *const of_persons[] = {
	"first", "last",   "full", "given", "family", "middle",  "nick",
	"real",  "maiden", "sur",  "user",  "screen", "display", NULL,
};

static const char *const whole_names[] = {
	"firstname", "lastname", "fullname",   "surname",  "username",    "nickname",
	"realname",  "login",    "familyname", "forename", "displayname", NULL,
};

static const char *const phones[] = { "phone", "telephone", "mobile", "cellphone",
				      "fax",   "tel",       NULL };

static const char *const credentials[] = {
	"token",  "secret", "password",  "passwd",     "passphrase", "pwd", "authorization",
	"cookie", "jwt",    "signature", "credential", "apikey",     "otp", NULL,
};

static const char *const keys_of[] = { "api",     "access", "private", "signing", "encryption",
				       "account", "auth",   "shared",  NULL };

static const char *const free_texts[] = { "comment", "body",     "message", "note",
					  "text",    "content",  "remark",  "description",
					  "answer",  "feedback", NULL };

static const char *const details[] = { "street", "address",   "postcode", "zip",  "birthday",
				       "dob",    "birthdate", "ssn",      "iban", NULL };

static bool is_person(struct text name)
{
	struct words w;

	words_of(&w, name);
	return is_one(w.last, persons);
}

static bool has_email(struct value map)
{
	struct words w;

	for (uint32_t i = 0; map.kind == VALUE_MAP && i < map.n; i++) {
		if (map.pairs[i].key.kind != VALUE_TEXT)
			continue;
		words_of(&w, value_as_text(map.pairs[i].key));
		if (text_is(w.last, "email") || text_is(w.last, "mail") ||
		    text_is(w.before, "email"))
			return true;
	}
	return false;
}

static bool is_name(const struct words *w, struct text parent, struct value beside)
{
	if (is_one(w->last, whole_names) || is_one(w->last, persons))
		return true;
	if (!text_is(w->last, "name"))
		return false;
	if (w->before.n > 0)
		return is_one(w->before, of_persons) || is_one(w->before, persons);
	return is_person(parent) || has_email(beside);
}

static bool is_credential(const struct words *w)
{
	return is_one(w->last, credentials) ||
	       (text_is(w->last, "key") && is_one(w->before, keys_of));
}

enum redact_class redact_field(struct text name, struct text parent, struct value beside)
{
	struct words w;

	assert(name.n == 0 || name.s != NULL);
	words_of(&w, name);
	if (is_credential(&w))
		return REDACT_TOKEN;
	if (is_one(w.last, phones) || (text_is(w.last, "number") && is_one(w.before, phones)))
		return REDACT_PHONE;
	if (is_name(&w, parent, beside))
		return REDACT_NAME;
	if (is_one(w.last, free_texts))
		return REDACT_TEXT;
	if (is_one(w.last, details) || (text_is(w.last, "birth") && text_is(w.before, "of")))
		return REDACT_DETAIL;
	return REDACT_NOT;
}

bool redact_is_credential(struct text name)
{
	static const char *const short_ones[] = { "key",  "sig",     "code", "auth",
						  "pass", "session", "sid",  NULL };
	struct words w;

	words_of(&w, name);
	return is_credential(&w) || is_one(w.last, short_ones);
}
