/* SPDX-License-Identifier: Apache-2.0
 *
 * http_link - where the next page of a list is, when the reply says so by a URL.
 *
 * I1  What a reply names is asked for with the connection's credentials, so it must lie
 *     beneath base_url: same scheme, host and port, and beneath its path. Anything
 *     else is refused, and quoted without its path and query.
 * Source: RFC 3986, 5.2 (references), RFC 8288, 3 (Link). */
#include "engine/connectors/http_parts.h"

#include <assert.h>

#include "engine/base/limits.h"

/* ---- URLs ---- */

static struct text after(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

static size_t scheme_end(struct text url)
{
	if (url.n > 8 && text_ieq(text_head(url, 8), TEXT("https://")))
		return 8;
	if (url.n > 7 && text_ieq(text_head(url, 7), TEXT("http://")))
		return 7;
	return 0;
}

/* Length of "scheme://authority". */
static size_t origin_end(struct text url)
{
	size_t n = scheme_end(url);

	while (n < url.n && url.s[n] != '/' && url.s[n] != '?')
		n++;
	return n;
}

/* Host and port of "scheme://authority", the scheme's port where none is written (RFC 3986, 6.2.3).
 * False when the port is no number; a user and password are then part of it, or of the host. */
static bool split_authority(struct text url, struct text *host, int64_t *port)
{
	size_t from = scheme_end(url), to = origin_end(url), colon = to;

	*host = (struct text){ url.s + from, to - from };
	*port = from == 8 ? 443 : 80;
	while (colon > from && url.s[colon - 1] != ':' && url.s[colon - 1] != ']')
		colon--;
	if (colon == from || url.s[colon - 1] != ':')
		return true;
	host->n = colon - 1 - from;
	return colon == to || text_to_int((struct text){ url.s + colon, to - colon }, port);
}

static bool same_origin(struct text one, struct text other)
{
	struct text host, wanted;
	int64_t port, wanted_port;

	return scheme_end(one) == scheme_end(other) && split_authority(one, &host, &port) &&
	       split_authority(other, &wanted, &wanted_port) && text_ieq(host, wanted) &&
	       port == wanted_port;
}

/* "tickets?page=2" stands beside the page that was asked for. */
static struct text beside(struct call *call, struct text base, struct text asked, struct text ref)
{
	struct text path;

	(void)text_split(asked, '?', &path);
	if (ref.s[0] == '?')
		return text_printf(call->arena, "%.*s%.*s%.*s", TEXT_ARG(base), TEXT_ARG(path),
				   TEXT_ARG(ref));
	while (path.n > 0 && path.s[path.n - 1] != '/')
		path.n--;
	return text_printf(call->arena, "%.*s%.*s%.*s", TEXT_ARG(base), TEXT_ARG(path),
			   TEXT_ARG(ref));
}

static struct text absolute(struct call *call, struct text base, struct text asked, struct text ref)
{
	struct text scheme = text_head(base, scheme_end(base) - 2);
	struct text origin = text_head(base, origin_end(base));

	if (text_find(ref, TEXT("://")) != SIZE_MAX && scheme_end(ref) > 0)
		return ref;
	if (text_starts(ref, TEXT("//")))
		return text_printf(call->arena, "%.*s%.*s", TEXT_ARG(scheme), TEXT_ARG(ref));
	if (ref.s[0] == '/')
		return text_printf(call->arena, "%.*s%.*s", TEXT_ARG(origin), TEXT_ARG(ref));
	return beside(call, base, asked, ref);
}

static enum fate elsewhere(struct call *call, struct text url)
{
	struct text origin = text_head(url, origin_end(url));

	if (memchr(origin.s, '@', origin.n) != NULL)
		origin = TEXT("a URL with a user");
	return call_fail(call, FATE_RETRY, "the next page is not beneath base_url: %.*s",
			 TEXT_ARG(text_head(origin, 200)));
}

enum fate http_next(struct call *call, struct text asked, struct text reference, struct text *rest)
{
	struct text base = param_text(call->settings, "base_url"), url, path;

	assert(call != NULL && rest != NULL && base.n > 0);
	(void)text_split(reference, '#', &reference);
	if (reference.n > LIMIT_LIST_CURSOR)
		return call_fail(call, FATE_RETRY, "the next page's URL is longer than %u bytes",
				 LIMIT_LIST_CURSOR);
	if (!url_is_clean(reference))
		return call_fail(call, FATE_RETRY, "the next page's URL can't be read");
	url = absolute(call, base, asked, reference);
	if (url.s == NULL)
		return call_fail(call, FATE_RETRY, "the page takes too much memory");
	if (!same_origin(url, base))
		return elsewhere(call, url);
	path = after(base, origin_end(base));
	*rest = after(url, origin_end(url));
	if (!text_starts(*rest, path))
		return elsewhere(call, url);
	*rest = after(*rest, path.n);
	if (rest->n > 0 && rest->s[0] != '/' && rest->s[0] != '?')
		return elsewhere(call, url);
	if (url_has_dots(*rest))
		return call_fail(call, FATE_RETRY, "the next page's URL has . or .. in its path");
	return FATE_OK;
}

/* ---- Link ---- */

struct links {
	struct text rest;
	bool failed;
};

static void skip(struct links *l)
{
	l->rest = text_trim(l->rest);
}

static bool take(struct links *l, char c)
{
	skip(l);
	if (l->rest.n == 0 || l->rest.s[0] != c)
		return false;
	l->rest = after(l->rest, 1);
	return true;
}

/* A parameter's value: a token, or a quoted text (escapes stand as they are: no relation has any).
 */
static struct text link_value(struct links *l)
{
	struct text value = TEXT_NONE;
	size_t n = 0;

	if (take(l, '"')) {
		while (n < l->rest.n && l->rest.s[n] != '"')
			n += l->rest.s[n] == '\\' ? 2 : 1;
		l->failed = l->failed || n >= l->rest.n;
		if (l->failed)
			return TEXT_NONE;
		value = text_head(l->rest, n);
		l->rest = after(l->rest, n + 1);
		return value;
	}
	skip(l);
	while (n < l->rest.n && memchr(" \t;,\"<>", l->rest.s[n], 7) == NULL)
		n++;
	value = (struct text){ l->rest.s, n };
	l->rest = after(l->rest, n);
	return value;
}

static struct text link_name(struct links *l)
{
	size_t n = 0;

	skip(l);
	while (n < l->rest.n && memchr(" \t=;,\"<>", l->rest.s[n], 8) == NULL)
		n++;
	struct text name = { l->rest.s, n };

	l->failed = l->failed || n == 0;
	l->rest = after(l->rest, n);
	return name;
}

/* A relation may be one of several: rel="next last". */
static bool is_next(struct text relations)
{
	struct text word;

	while (relations.n > 0) {
		relations = text_split(relations, ' ', &word);
		if (text_ieq(word, TEXT("next")))
			return true;
	}
	return false;
}

/* Empty ones are passed over (RFC 8288, B.3), also behind the last. */
static bool is_no_parameter(struct links *l)
{
	skip(l);
	return l->rest.n == 0 || l->rest.s[0] == ';' || l->rest.s[0] == ',';
}

/* One link; *next when it is the one. The first `rel` counts; a link of another context
 * (`anchor`) is none of ours. */
static struct text link_one(struct links *l, bool *next)
{
	struct text target = TEXT_NONE;
	bool related = false, anchored = false;
	size_t n = 0;

	if (!take(l, '<')) {
		l->failed = true;
		return target;
	}
	while (n < l->rest.n && l->rest.s[n] != '>')
		n++;
	l->failed = n == l->rest.n;
	if (l->failed)
		return target;
	target = (struct text){ l->rest.s, n };
	l->rest = after(l->rest, n + 1);
	*next = false;
	while (take(l, ';') && !l->failed) {
		if (is_no_parameter(l))
			continue;
		struct text name = link_name(l);
		struct text value = take(l, '=') ? link_value(l) : TEXT_NONE;

		if (text_ieq(name, TEXT("rel")) && !related) {
			related = true;
			*next = is_next(value);
		}
		anchored = anchored || text_ieq(name, TEXT("anchor"));
	}
	*next = *next && !anchored;
	return target;
}

enum fate http_link_next(struct call *call, struct text fields, struct text *target)
{
	struct links l = { .rest = text_trim(fields) };
	bool next = false;

	assert(call != NULL && target != NULL);
	*target = TEXT_NONE;
	while (l.rest.n > 0 && !l.failed) {
		struct text one = link_one(&l, &next);

		if (next && !l.failed && target->n == 0)
			*target = one;
		skip(&l);
		if (l.rest.n > 0 && !take(&l, ','))
			l.failed = true;
	}
	if (l.failed)
		return call_fail(call, FATE_RETRY, "the Link header can't be read, or is too long");
	return FATE_OK;
}
