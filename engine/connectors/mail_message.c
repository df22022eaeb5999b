/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_message - see mail_message.h for what it writes. */
#include "engine/connectors/mail_message.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/hex.h"
#include "engine/base/timetext.h"

#define LINE      76 /* bytes: RFC 2045, 6.7; RFC 2047, 2; below the 78 of RFC 5322 */
#define WORD      75 /* bytes of one encoded word: RFC 2047, 2 */
#define WORD_HEAD "=?UTF-8?B?"
#define WORD_MORE (sizeof(WORD_HEAD) - 1 + 2) /* with "?=" */

/* ---- Lines of headers. ---- */

struct lines {
	struct buf *out;
	size_t column;
};

static void put(struct lines *l, struct text t)
{
	buf_text(l->out, t);
	l->column += t.n;
}

/* A break where a blank belongs anyway. */
static void fold(struct lines *l)
{
	buf_str(l->out, "\r\n");
	l->column = 0;
}

static struct lines begin(struct buf *out, const char *name)
{
	struct lines l = { .out = out };

	put(&l, text_of(name));
	put(&l, TEXT(":"));
	return l;
}

static bool is_blank(char c)
{
	return c == ' ';
}

/* Printable ASCII that nobody takes for an encoded word. */
static bool is_plain(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.s[i] < 0x20 || (unsigned char)t.s[i] > 0x7e)
			return false;
	return text_find(t, TEXT("=?")) == SIZE_MAX;
}

/* Blanks as they are, a break before those behind which the next word would be too far right. */
static void put_folded(struct lines *l, struct text t)
{
	size_t at = 0;

	while (at < t.n) {
		size_t end = at;

		while (end < t.n && is_blank(t.s[end]))
			end++;
		while (end < t.n && !is_blank(t.s[end]))
			end++;
		if (at > 0 && l->column + end - at > LINE && is_blank(t.s[at]))
			fold(l);
		put(l, (struct text){ t.s + at, end - at });
		at = end;
	}
}

/* Bytes of t, whole characters, that fit an encoded word of at most `room` bytes. */
static size_t word_bytes(struct text t, size_t room)
{
	size_t most = room > WORD_MORE ? (room - WORD_MORE) / 4 * 3 : 0, n = 0;

	while (n < t.n) {
		uint32_t code;
		size_t one = text_char(t, n, &code);

		one = one > 0 ? one : 1;
		if (n + one > most)
			break;
		n += one;
	}
	return n;
}

static void put_word(struct lines *l, struct text t)
{
	char coded[BASE64_SIZE(WORD)];

	assert(t.n < WORD);
	base64_encode(t.s, t.n, coded);
	put(l, TEXT(WORD_HEAD));
	put(l, text_of(coded));
	put(l, TEXT("?="));
}

/* Encoded words, with the blank before each that readers drop between two of them. */
static void put_words(struct lines *l, struct text t)
{
	while (t.n > 0) {
		size_t room = l->column + 1 < LINE ? LINE - l->column - 1 : 0;
		size_t n = word_bytes(t, room < WORD ? room : WORD);

		if (n == 0) {
			fold(l);
			n = word_bytes(t, WORD);
		}
		put(l, TEXT(" "));
		put_word(l, (struct text){ t.s, n });
		t.s += n;
		t.n -= n;
	}
}

void mail_plain(struct buf *out, const char *name, struct text value)
{
	assert(out != NULL && name != NULL);
	assert(is_plain(value));
	buf_printf(out, "%s: %.*s\r\n", name, TEXT_ARG(value));
}

/* Control characters become blanks. */
static void put_calm(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		buf_char(out, (unsigned char)t.s[i] < 0x20 || t.s[i] == 0x7f ? ' ' : t.s[i]);
}

void mail_text(struct buf *out, const char *name, struct text value)
{
	struct lines l;
	struct buf calm;
	struct text t;

	assert(out != NULL && name != NULL);
	buf_init(&calm, value.n);
	put_calm(&calm, value);
	t = text_trim(buf_view(&calm));
	l = begin(out, name);
	if (is_plain(t)) {
		put(&l, TEXT(" "));
		put_folded(&l, t);
	} else {
		put_words(&l, t);
	}
	buf_str(out, "\r\n");
	buf_follow(out, &calm);
	buf_fini(&calm);
}

/* ---- Mailboxes. ---- */

static bool is_atoms(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (strchr("()<>[]:;@\\,.\"", t.s[i]) != NULL)
			return false;
	return true;
}

static void unescape(struct buf *out, const struct mailbox *m)
{
	for (size_t i = 0; i < m->name.n; i++) {
		if (m->quoted && m->name.s[i] == '\\' && i + 1 < m->name.n)
			i++;
		buf_char(out, m->name.s[i]);
	}
}

static void put_name(struct lines *l, struct text name)
{
	if (!is_plain(name)) {
		put_words(l, name);
		return;
	}
	put(l, TEXT(" "));
	if (is_atoms(name)) {
		put(l, name);
		return;
	}
	put(l, TEXT("\""));
	for (size_t i = 0; i < name.n; i++) {
		if (name.s[i] == '"' || name.s[i] == '\\')
			put(l, TEXT("\\"));
		put(l, (struct text){ name.s + i, 1 });
	}
	put(l, TEXT("\""));
}

static void put_mailbox(struct lines *l, const struct mailbox *m)
{
	struct buf name;

	buf_init(&name, m->name.n);
	unescape(&name, m);
	if (name.n > 0)
		put_name(l, buf_view(&name));
	buf_follow(l->out, &name);
	buf_fini(&name);
	if (l->column + m->address.n + 4 > LINE && m->name.n > 0)
		fold(l);
	put(l, m->name.n > 0 ? TEXT(" <") : TEXT(" "));
	put(l, m->address);
	if (m->name.n > 0)
		put(l, TEXT(">"));
}

void mail_mailboxes(struct buf *out, const char *name, const struct mailbox *list, size_t count)
{
	struct lines l;

	assert(out != NULL && name != NULL);
	assert(list != NULL && count > 0);
	l = begin(out, name);
	for (size_t i = 0; i < count; i++) {
		if (i > 0) {
			put(&l, TEXT(","));
			if (l.column + list[i].name.n + list[i].address.n + 5 > LINE)
				fold(&l);
		}
		put_mailbox(&l, &list[i]);
	}
	buf_str(out, "\r\n");
}

void mail_date(struct buf *out, int64_t ms)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = timetext_to_civil((ms >= 0 ? ms : ms - 999) / 1000);

	assert(out != NULL);
	buf_printf(out, "Date: %s, %d %s %04d %02d:%02d:%02d +0000\r\n", days[c.weekday], c.day,
		   months[c.month - 1], c.year, c.hour, c.minute, c.second);
}

/* ---- Content. ---- */

/* Every line end becomes CRLF, and there is one at the end. */
static void put_crlf(struct buf *out, struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '\r' && i + 1 < t.n && t.s[i + 1] == '\n')
			continue;
		if (t.s[i] == '\n' || t.s[i] == '\r')
			buf_str(out, "\r\n");
		else
			buf_char(out, t.s[i]);
	}
	if (out->n < 2 || out->s[out->n - 1] != '\n')
		buf_str(out, "\r\n");
}

/* Whether the byte stands for itself in quoted-printable. A blank doesn't at the end of a line;
 * From at its beginning is what mailboxes in one file are told apart by. */
static bool qp_itself(struct text t, size_t at)
{
	unsigned char c = (unsigned char)t.s[at];

	if (c == '=' || c > 0x7e || (c < 0x20 && c != '\t'))
		return false;
	if (c == ' ' || c == '\t')
		return at + 1 < t.n && t.s[at + 1] != '\r';
	return c != 'F' || (at > 0 && t.s[at - 1] != '\n') ||
	       !text_starts((struct text){ t.s + at, t.n - at }, TEXT("From "));
}

static void put_quoted(struct buf *out, struct text t)
{
	size_t column = 0;

	for (size_t i = 0; i < t.n; i++) {
		bool itself = qp_itself(t, i);
		size_t width = itself ? 1 : 3;

		if (t.s[i] == '\r') { /* always a CRLF */
			buf_str(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		/* One place is left for the = of a soft break. */
		if (column + width > LINE - 1) {
			buf_str(out, "=\r\n");
			column = 0;
		}
		if (itself)
			buf_char(out, t.s[i]);
		else
			buf_printf(out, "=%02X", (unsigned)(unsigned char)t.s[i]);
		column += width;
	}
}

static void put_base64(struct buf *out, struct text t)
{
	for (size_t at = 0; at < t.n; at += LINE / 4 * 3) {
		size_t n = t.n - at < LINE / 4 * 3 ? t.n - at : LINE / 4 * 3;
		char line[LINE + 1];

		base64_encode(t.s + at, n, line);
		buf_str(out, line);
		buf_str(out, "\r\n");
	}
}

/* True when quoted-printable is no longer than base64. */
static bool is_mostly_ascii(struct text t)
{
	size_t other = 0;

	for (size_t i = 0; i < t.n; i++)
		other += (unsigned char)t.s[i] > 0x7e || t.s[i] == '=';
	return other <= t.n / 6;
}

static void put_part(struct buf *out, const char *type, struct text t)
{
	struct buf lines;

	buf_init(&lines, 2 * t.n + 2);
	put_crlf(&lines, t);
	buf_printf(out, "Content-Type: text/%s; charset=utf-8\r\n", type);
	if (is_mostly_ascii(buf_view(&lines))) {
		buf_str(out, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		put_quoted(out, buf_view(&lines));
	} else {
		buf_str(out, "Content-Transfer-Encoding: base64\r\n\r\n");
		put_base64(out, buf_view(&lines));
	}
	buf_follow(out, &lines);
	buf_fini(&lines);
}

/* Neither encoding can make "=_", so no text holds the boundary. */
void mail_content(struct buf *out, struct text text, struct text html, struct text unique)
{
	assert(out != NULL && is_plain(unique));
	if (html.n == 0) {
		put_part(out, "plain", text);
		return;
	}
	buf_printf(out, "Content-Type: multipart/alternative; boundary=\"=_%.*s\"\r\n\r\n",
		   TEXT_ARG(unique));
	buf_printf(out, "--=_%.*s\r\n", TEXT_ARG(unique));
	put_part(out, "plain", text);
	buf_printf(out, "\r\n--=_%.*s\r\n", TEXT_ARG(unique));
	put_part(out, "html", html);
	buf_printf(out, "\r\n--=_%.*s--\r\n", TEXT_ARG(unique));
}
