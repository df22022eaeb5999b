/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_message - a message as it goes over the wire: header lines and MIME parts.
 *
 * I1  Only printable ASCII and CRLF is written, no line is longer than 76 bytes
 *     where it can be broken and never longer than 998 (RFC 5322, 2.1.1).
 * I2  No value makes a header line of its own: what isn't plain becomes encoded
 *     words, and control characters blanks.
 *
 * Sources: RFC 5322 (message), RFC 2045 and 2046 (MIME), RFC 2047 (encoded words).
 * Ownership: everything is appended to a buf of the caller's. */
#ifndef TAPPET_CONNECTORS_MAIL_MESSAGE_H
#define TAPPET_CONNECTORS_MAIL_MESSAGE_H

#include "engine/base/buf.h"
#include "engine/connectors/mailbox.h"

/* "Name: value" of plain ASCII that has no control characters and is short; the caller's promise.
 */
void mail_plain(struct buf *out, const char *name, struct text value);

/* Any text: folded at its blanks, or as encoded words. */
void mail_text(struct buf *out, const char *name, struct text value);

void mail_mailboxes(struct buf *out, const char *name, const struct mailbox *list, size_t count);

/* RFC 5322, 3.3, in UTC. */
void mail_date(struct buf *out, int64_t ms);

/* The rest of the message: its content's headers, an empty line, the content. With html it is
 * multipart/alternative; `unique` then makes the boundary. Texts are UTF-8 with any line ends. */
void mail_content(struct buf *out, struct text text, struct text html, struct text unique);

#endif
