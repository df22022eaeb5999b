/* SPDX-License-Identifier: Apache-2.0
 *
 * redact_text - what texts hold, wherever they stand; see redact.h.
 *
 * One pass from left to right: at each place the first that fits is taken. */
#include "engine/commands/redact.h"

#include <assert.h>

#include "engine/base/limits.h"

#define TOKEN_LEAST 8   /* bytes behind the beginning that tells a token */
#define PHONE_LEAST 8   /* digits: fewer are an offset or a difference */
#define PHONE_MOST  15  /* ITU-T E.164 */
#define EMAIL_MOST  320 /* bytes of a mailbox, and of its host: more than RFC 5321 allows */

struct scan {
	struct redactor *r;
	struct buf *out;
	unsigned found;
	const char *no_email; /* no address begins before this: tried from further left */
	const char *run_end;  /* of the mailbox's characters looked at last */
};

static bool is_alnum(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80;
}

static bool is_token(char c)
{
	return is_alnum(c) || strchr("._~+/=-", c) != NULL;
}

static bool is_local(char c)
{
	return is_alnum(c) || strchr("._%+-", c) != NULL;
}

static size_t run_of(struct text t, bool (*is)(char c))
{
	size_t n = 0;

	while (n < t.n && t.s[n] != '\0' && is(t.s[n]))
		n++;
	return n;
}

static struct text from(struct text t, size_t at)
{
	return (struct text){ t.s + at, t.n - at };
}

static size_t put(struct scan *s, enum redact_class class, struct text original)
{
	struct text with = original;

	if (!redact_is_substitute(s->r, original)) {
		with = redact_substitute(s->r, class, original);
		s->found |= 1u << class;
	}
	buf_text(s->out, with);
	return original.n;
}

/* ---- E-mail addresses: a mailbox, @ or %40, a name with a dot. ---- */

static bool is_host(char c)
{
	return is_alnum(c) || c == '.' || c == '-';
}

static struct text at_most(struct text t, size_t n)
{
	return (struct text){ t.s, t.n < n ? t.n : n };
}

static size_t host_of(struct text t)
{
	size_t n = run_of(at_most(t, EMAIL_MOST), is_host);
	struct text host;

	while (n > 0 && !is_alnum(t.s[n - 1]))
		n--;
	host = (struct text){ t.s, n };
	return text_find(host, TEXT(".")) != SIZE_MAX ? n : 0;
}

/* The same address however it is written: in small letters, with its @. */
static size_t put_email(struct scan *s, struct text t, size_t local, size_t at)
{
	char address[3 * EMAIL_MOST];
	size_t n = 0;
	struct text with, head;

	for (size_t i = local > EMAIL_MOST ? local - EMAIL_MOST : 0; i < t.n; i++) {
		char c = t.s[i];

		if (at == 3 && i > local && i < local + at)
			continue;
		address[n++] = i == local ? '@' : (char)(c >= 'A' && c <= 'Z' ? c | 32 : c);
	}
	if (redact_is_substitute(s->r, (struct text){ address, n })) {
		buf_text(s->out, t);
		return t.n;
	}
	s->found |= 1u << REDACT_EMAIL;
	with = text_split(redact_substitute(s->r, REDACT_EMAIL, (struct text){ address, n }), '@',
			  &head);
	buf_text(s->out, head);
	if (with.n > 0)
		buf_text(s->out, at == 3 ? TEXT("%40") : TEXT("@"));
	buf_text(s->out, with);
	return t.n;
}

static size_t email(struct scan *s, struct text t)
{
	struct text run = { t.s, 0 };
	size_t at = 1, host;

	if (s->no_email != NULL && t.s < s->no_email)
		return 0;
	if (s->run_end == NULL || t.s >= s->run_end)
		s->run_end = t.s + run_of(t, is_local);
	run.n = (size_t)(s->run_end - t.s);
	s->no_email = s->run_end;
	if (text_find(run, TEXT("%40")) != SIZE_MAX) {
		run.n = text_find(run, TEXT("%40"));
		at = 3;
		s->no_email = run.s + run.n + at;
	} else if (run.n == t.n || t.s[run.n] != '@') {
		return 0;
	}
	if (run.n == 0 || run.n + at >= t.n)
		return 0;
	host = host_of(from(t, run.n + at));
	if (host == 0)
		return 0;
	return put_email(s, (struct text){ t.s, run.n + at + host }, run.n, at);
}

/* ---- Phone numbers: +, then 8 to 15 digits with the usual signs between them. ---- */

static size_t phone(struct scan *s, struct text t)
{
	size_t n = 1, digits = 0, end = 0;

	if (t.s[0] != '+')
		return 0;
	for (; n < t.n && t.s[n] != '\0' && strchr("0123456789 ()./-", t.s[n]) != NULL; n++)
		if (t.s[n] >= '0' && t.s[n] <= '9') {
			digits++;
			end = n + 1;
		}
	if (digits < PHONE_LEAST || digits > PHONE_MOST)
		return 0;
	return put(s, REDACT_PHONE, (struct text){ t.s, end });
}

/* ---- Tokens that say what they are. ---- */

/* "Basic information" is no credential: those have digits or signs in them. */
static bool has_sign(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (strchr("0123456789_=+/", t.s[i]) != NULL)
			return true;
	return false;
}

static size_t token(struct scan *s, struct text t)
{
	static const char *const begin[] = {
		"xoxb-",  "xoxp-",    "xoxa-",    "xoxr-",    "xoxs-",    "xoxe-",
		"xapp-",  "ghp_",     "gho_",     "ghs_",     "ghu_",     "github_pat_",
		"glpat-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_",
		"whsk_",  "AKIA",     "ASIA",     "AIza",     "ya29.",    "eyJ",
	};
	static const char *const schemes[] = { "bearer ", "basic " };
	size_t n;

	for (size_t i = 0; i < sizeof(begin) / sizeof(*begin); i++) {
		if (!text_starts(t, text_of(begin[i])))
			continue;
		n = run_of(t, is_token);
		return n >= strlen(begin[i]) + TOKEN_LEAST
			   ? put(s, REDACT_TOKEN, (struct text){ t.s, n })
			   : 0;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t head = strlen(schemes[i]);

		if (t.n <= head || !text_ieq((struct text){ t.s, head }, text_of(schemes[i])))
			continue;
		n = run_of(from(t, head), is_token);
		if (n < TOKEN_LEAST || !has_sign((struct text){ t.s + head, n }))
			return 0;
		buf_text(s->out, (struct text){ t.s, head });
		return head + put(s, REDACT_TOKEN, (struct text){ t.s + head, n });
	}
	return 0;
}

/* ---- URLs: user and password, credentials among the parameters, addresses that are secrets. ----
 */

static bool is_url(char c)
{
	return (unsigned char)c > ' ' && strchr("\"'<>`|\\^{}", c) == NULL;
}

static void scan_plain(struct scan *s, struct text t);

static void parameters(struct scan *s, struct text t)
{
	struct text pair, name, value;

	while (t.n > 0) {
		struct text rest = text_split(t, '&', &pair);

		value = text_split(pair, '=', &name);
		scan_plain(s, name);
		if (pair.n > name.n)
			buf_char(s->out, '=');
		if (value.n > 0 && redact_is_credential(name))
			(void)put(s, REDACT_TOKEN, value);
		else
			scan_plain(s, value);
		if (t.n > pair.n)
			buf_char(s->out, '&');
		t = rest;
	}
}

/* Hosts whose paths let anybody in who knows them. */
static bool is_secret_path(struct text host, struct text path)
{
	return text_is(host, "hooks.slack.com") || text_ends(host, TEXT(".webhook.office.com")) ||
	       (text_starts(host, TEXT("discord")) && text_starts(path, TEXT("/api/webhooks/"))) ||
	       (text_is(host, "api.telegram.org") && text_starts(path, TEXT("/bot")));
}

static void put_authority(struct scan *s, struct text *authority)
{
	size_t at = authority->n;

	while (at > 0 && authority->s[at - 1] != '@')
		at--;
	if (at > 1) {
		(void)put(s, REDACT_TOKEN, (struct text){ authority->s, at - 1 });
		buf_char(s->out, '@');
	}
	*authority = from(*authority, at);
	buf_text(s->out, *authority);
}

static size_t until(struct text t, const char *ends)
{
	size_t n = 0;

	while (n < t.n && strchr(ends, t.s[n]) == NULL)
		n++;
	return n;
}

static size_t url(struct scan *s, struct text t)
{
	static const char *const schemes[] = { "https://", "http://", "postgres://", "redis://",
					       "amqp://",  "smtp://", "ftp://" };
	size_t n = 0, head = 0;

	for (size_t i = 0; head == 0 && i < sizeof(schemes) / sizeof(*schemes); i++) {
		n = strlen(schemes[i]);
		if (t.n > n && text_ieq((struct text){ t.s, n }, text_of(schemes[i])))
			head = n;
	}
	if (head == 0)
		return 0;
	struct text rest = { t.s + head, run_of(from(t, head), is_url) };
	size_t all = head + rest.n;
	struct text authority = { rest.s, until(rest, "/?#") }, path;

	buf_text(s->out, (struct text){ t.s, head });
	rest = from(rest, authority.n);
	put_authority(s, &authority);
	path = (struct text){ rest.s, until(rest, "?#") };
	rest = from(rest, path.n);
	if (path.n > 1 && is_secret_path(authority, path)) {
		buf_char(s->out, '/');
		(void)put(s, REDACT_TOKEN, from(path, 1));
	} else {
		scan_plain(s, path);
	}
	while (rest.n > 0) {
		struct text part = from(rest, 1);

		buf_char(s->out, rest.s[0]);
		part.n = rest.s[0] == '#' ? part.n : until(part, "#");
		parameters(s, part);
		rest = from(rest, 1 + part.n);
	}
	return all;
}

/* ---- The pass. ---- */

static size_t known_name(struct scan *s, struct text t)
{
	size_t n = redact_known_name(s->r, t);

	return n > 0 ? put(s, REDACT_NAME, (struct text){ t.s, n }) : 0;
}

static size_t unchanged(struct scan *s, struct text t)
{
	size_t n = is_local(t.s[0]) ? run_of(t, is_alnum) : 1;

	if (n == 0)
		n = 1;
	buf_text(s->out, (struct text){ t.s, n });
	return n;
}

/* Without URLs, which hold such texts themselves. */
static void scan_plain(struct scan *s, struct text t)
{
	size_t n;

	s->no_email = s->run_end = NULL;
	while (t.n > 0) {
		if ((n = token(s, t)) == 0 && (n = phone(s, t)) == 0 && (n = email(s, t)) == 0 &&
		    (n = known_name(s, t)) == 0)
			n = unchanged(s, t);
		t = from(t, n);
	}
}

struct text redact_scan(struct redactor *r, struct arena *arena, struct text t, unsigned *found)
{
	AUTO_FINI(buf_fini) struct buf out;
	struct scan s = { .r = r, .out = &out };

	assert(r != NULL && found != NULL);
	buf_init(&out, 2 * LIMIT_BODY_MAX);
	for (size_t n; t.n > 0; t = from(t, n))
		if ((n = url(&s, t)) == 0) {
			/* To where the next URL may begin. */
			n = text_find(from(t, 1), TEXT("://"));
			n = n == SIZE_MAX ? t.n : n + 1;
			while (n > 0 && n < t.n && is_alnum(t.s[n - 1]))
				n--;
			if (n == 0)
				n = text_find(t, TEXT("://")) + 3;
			scan_plain(&s, (struct text){ t.s, n });
		}
	*found |= s.found;
	return buf_failed(&out) ? TEXT_NONE : text_dup(arena, buf_view(&out));
}
