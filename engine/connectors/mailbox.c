/* SPDX-License-Identifier: Apache-2.0
 *
 * mailbox - see mailbox.h for what it reads. */
#include "engine/connectors/mailbox.h"

#include <assert.h>

#include "engine/base/limits.h"

static bool is_alnum(char c)
{
	char letter = (char)(c | 32);

	return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5322, 3.2.3. */
static bool is_atext(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_label(struct text t)
{
	if (t.n == 0 || t.n > LIMIT_MAIL_LABEL || t.s[0] == '-' || t.s[t.n - 1] == '-')
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (!is_alnum(t.s[i]) && t.s[i] != '-')
			return false;
	return true;
}

bool mailbox_domain(struct text t)
{
	struct text rest = t, label;

	if (t.n == 0 || t.n > LIMIT_ORIGIN || t.s[t.n - 1] == '.')
		return false;
	while (rest.s != NULL) {
		rest = text_split(rest, '.', &label);
		if (!is_label(label))
			return false;
	}
	return true;
}

static bool is_local(struct text t)
{
	if (t.n == 0 || t.n > LIMIT_MAIL_LOCAL || t.s[0] == '.' || t.s[t.n - 1] == '.')
		return false;
	for (size_t i = 0; i < t.n; i++)
		if (!is_atext(t.s[i]) && (t.s[i] != '.' || t.s[i - 1] == '.'))
			return false;
	return true;
}

static bool parse_address(struct text t, struct mailbox *out, const char **why)
{
	struct text local;

	out->address = t;
	out->domain = text_split(t, '@', &local);
	*why = "has no @";
	if (out->domain.s == NULL)
		return false;
	*why = "is longer than an address may be";
	if (t.n > LIMIT_MAIL_ADDRESS)
		return false;
	*why = "has something else than letters, digits and !#$%&'*+-/=?^_`{|}~. before the @";
	if (!is_local(local))
		return false;
	*why = "has no host name behind the @ (other letters than a to z are written xn--)";
	return mailbox_domain(out->domain);
}

static bool name_fits(struct text name, bool quoted)
{
	for (size_t i = 0; i < name.n; i++) {
		if (quoted && name.s[i] == '\\' && i + 1 == name.n)
			return false; /* it makes the closing quote a part of the name */
		if (quoted && name.s[i] == '\\')
			i++;
		else if (name.s[i] == '"' || (!quoted && strchr("<>\\", name.s[i]) != NULL))
			return false;
	}
	return name.n <= LIMIT_MAIL_NAME && text_is_utf8(name);
}

static bool has_control(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.s[i] < 0x20 || t.s[i] == 0x7f)
			return true;
	return false;
}

bool mailbox_parse(struct text t, struct mailbox *out, const char **why)
{
	size_t open;

	assert(out != NULL && why != NULL);
	*out = (struct mailbox){ .name = TEXT("") };
	*why = "has a line break or another control character";
	if (has_control(t))
		return false;
	t = text_trim(t);
	if (t.n == 0 || t.s[t.n - 1] != '>')
		return parse_address(t, out, why);
	for (open = t.n - 1; open > 0 && t.s[open] != '<'; open--)
		;
	out->name = text_trim((struct text){ t.s, open });
	out->quoted =
	    out->name.n >= 2 && out->name.s[0] == '"' && out->name.s[out->name.n - 1] == '"';
	if (out->quoted)
		out->name = (struct text){ out->name.s + 1, out->name.n - 2 };
	*why = "is no name followed by one address in < and >";
	if (t.s[open] != '<' || !name_fits(out->name, out->quoted))
		return false;
	return parse_address((struct text){ t.s + open + 1, t.n - open - 2 }, out, why);
}
