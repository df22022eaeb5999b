/* SPDX-License-Identifier: Apache-2.0
 *
 * mailbox - one mail address with or without a name: what people write in a To.
 *
 * Three forms are read: `ann@example.com`, `Ann Example <ann@example.com>`, and the same with
 * the name in double quotes. One text is one mailbox, whatever a value of an
 * event holds: a comma, a line break or a second address makes no further
 * recipient.
 *
 * Source: RFC 5321, 4.1.2 (Dot-string, Domain); RFC 5322, 3.4.
 * Ownership: a mailbox borrows from the text it was read from. */
#ifndef TAPPET_CONNECTORS_MAILBOX_H
#define TAPPET_CONNECTORS_MAILBOX_H

#include <stdbool.h>

#include "engine/base/text.h"

struct mailbox {
	struct text name;    /* as written, without its quotes; may be empty */
	bool quoted;         /* the name may hold backslash escapes */
	struct text address; /* local@domain, ASCII */
	struct text domain;
};

/* False with *why (a sentence's end: "has no @") when it is no mailbox. */
bool mailbox_parse(struct text t, struct mailbox *out, const char **why);

/* A DNS name: letters, digits and hyphens between dots. */
bool mailbox_domain(struct text t);

#endif
