/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_client - messages handed to SMTP servers (RFC 5321), by libcurl.
 *
 * libcurl waits for a server's answer to a whole message, and to QUIT, inside of
 * one call, also with its multi interface. So messages are not transfers of
 * http_client, which has one thread for everything: each is carried out by one
 * of at most LIMIT_MAIL_THREADS threads, and reported on the owner's.
 *
 * I1  `done` is called exactly once per started message, from mail_client_turn or
 *     mail_client_free, with http_client's struct: status is the SMTP code, body the
 *     server's words without their codes.
 * I2  `sent` is true only when the last byte of the message was handed to libcurl:
 *     before that no server has anything it could deliver (RFC 5321, 4.1.1.4).
 * I3  TLS is on before a login or a message, and verified, unless the call says
 *     MAIL_WIRE_PLAIN; nothing falls back to less.
 * I4  As in http_client, private addresses are refused at connect time unless the
 *     pool allows them. A connection is used again only by a call that is equal in
 *     server, login and authorities.
 *
 * Everything but the threads inside belongs to the owner's thread. The process
 * must ignore SIGPIPE.
 * Ownership: mail_client_free ends the threads. What a call holds is copied, and
 * wiped afterwards. */
#ifndef TAPPET_IO_MAIL_CLIENT_H
#define TAPPET_IO_MAIL_CLIENT_H

#include "engine/io/http_client.h"

struct mail_client;

enum mail_wire { MAIL_WIRE_STARTTLS, MAIL_WIRE_IMPLICIT, MAIL_WIRE_PLAIN };

struct mail_call {
	struct text url; /* smtp://host:port, smtps:// with MAIL_WIRE_IMPLICIT; no path */
	enum mail_wire wire;
	struct text hello;              /* our name: a domain, may be empty */
	struct text username, password; /* empty: no login */
	struct text ca;                 /* PEM: trusted instead of the system's; may be empty */
	struct text from;               /* an address, without < and > */
	struct text to;                 /* addresses, each ends in a line feed; at least one */
	struct text message;            /* with CRLF at the ends of lines; not empty */
	bool probe; /* a login and NOOP, no mail: from, to and message are empty */
	enum http_pool pool;
	int64_t timeout_ms; /* of all of it */
};

struct mail_client *
mail_client_new(struct clock clock);               /* NULL when memory or descriptors are out */
void mail_client_free(struct mail_client *client); /* cuts what is under way (calls done) */

/* False when memory or threads are out: nothing was started, `done` isn't called. */
bool mail_client_start(struct mail_client *client, const struct mail_call *call, http_done done,
		       void *of);

int mail_client_fd(const struct mail_client *client); /* readable when a message has ended */
void mail_client_turn(void *client);                  /* reports those that have */

#endif
