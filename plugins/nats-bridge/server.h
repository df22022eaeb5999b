/* SPDX-License-Identifier: Apache-2.0
 *
 * server - the connection to NATS: where, with which credentials, and for how long.
 *
 * It connects in the background, and again whenever the server was gone; it ends only when
 * the server refuses the credentials. Passwords and tokens come from the environment, never
 * from words of the command (which others on the machine can read), and are never printed.
 *
 * Callbacks come from threads of the library. */
#ifndef NATS_BRIDGE_SERVER_H
#define NATS_BRIDGE_SERVER_H

#include <nats/nats.h>
#include <stdbool.h>

struct server_options {
	const char *url;                    /* or several, with commas between them */
	const char *credentials;            /* file with a JWT and its seed; NULL: none */
	const char *ca, *certificate, *key; /* files in PEM; NULL: none */
	void (*connected)(void *of);        /* again: what was under way may be lost */
	void (*closed)(void *of);           /* refused for good */
	void *of;
};

/* NULL: said why. Free with natsConnection_Destroy. */
natsConnection *server_connect(const struct server_options *options);
bool server_is_there(natsConnection *nc);

/* A line on stderr. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
