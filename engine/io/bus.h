/* SPDX-License-Identifier: Apache-2.0
 *
 * bus - the ZeroMQ sockets that plugins talk to, on a thread of their own.
 *
 * A ROUTER for sessions and an XPUB for taps (a PUB that says whether anybody
 * listens), each at an ipc or tcp endpoint. It carries frames and knows nothing
 * of what they mean; the handler is called on the thread, and may call there what
 * is marked so.
 *
 * I1  An ipc socket's file can be used by the process's user alone. The file of a
 *     process that is gone is replaced, that of one that lives never is.
 * I2  tcp speaks CURVE (ZMTP 3.1, RFC 26) or isn't opened: each connection's key is
 *     shown to the handler (ZAP, RFC 27) before a byte of it is read.
 * I3  Sending never blocks. What a peer doesn't read is bounded by
 *     LIMIT_BUS_SEND messages, and LIMIT_BUS_HEAVY bytes of those that are larger
 *     than LIMIT_BUS_LIGHT; a tap that reads too slowly misses some. While
 *     LIMIT_BUS_HEAVY_TAPS bytes of large ones wait for taps, all miss further ones.
 * I4  A frame is at most LIMIT_BUS_FRAME bytes: libzmq ends the connection that
 *     announces more.
 * I5  Peers are numbered by the socket. One that has given itself a routing id
 *     (ZMQ_IDENTITY) could take another's: it is told `refusal` and not heard.
 *
 * Ownership: bus_new copies the settings, bus_stop frees all. Texts given to the
 * handler are borrowed for the call.
 * Never: prints a key. */
#ifndef TAPPET_IO_BUS_H
#define TAPPET_IO_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/clock.h"
#include "engine/base/buf.h"
#include "engine/base/fate.h"
#include "engine/base/secret.h"
#include "engine/base/text.h"

#define BUS_KEY    41  /* bytes of a key in Z85 (ZeroMQ RFC 32), with the NUL */
#define BUS_FRAMES 4   /* of a message are kept: one more than any may have */
#define BUS_WORDS  300 /* bytes that say why a bus couldn't be started */

struct bus;

struct bus_settings {
	const char *sessions, *events; /* "ipc://PATH" or "tcp://ADDRESS:PORT"; port * is any */
	const struct secret *key;      /* CURVE's secret key in Z85; NULL: none, and no tcp */
	const struct text *refusal;    /* frames for peers that name themselves (I5); borrowed */
	size_t refusal_count;          /* at most BUS_FRAMES; 0: they are told nothing */
};

struct bus_message {
	uint32_t peer;
	struct text key;           /* of the connection, in Z85; empty without CURVE */
	const struct text *frames; /* the first BUS_FRAMES */
	size_t count;              /* of all that came; at least 1 */
};

enum bus_sent {
	BUS_SENT, /* handed to ZeroMQ; nothing says that it arrives */
	BUS_GONE, /* the peer's connection has ended, or there never was one */
	BUS_FULL, /* the peer reads too slowly, or memory is out: nothing was sent */
};

/* All are called on the bus's thread; none may be NULL. */
struct bus_handler {
	void *of;
	void (*message)(void *of, const struct bus_message *message);
	/* Called before each wait: the monotonic time of the next call at the latest, -1: none. */
	int64_t (*turn)(void *of, int64_t mono);
	/* Whether a client with this key may connect, to either socket. */
	bool (*trusts)(void *of, struct text key);
	/* A peer that has named itself was told the refusal (I5). */
	void (*named)(void *of);
	/* The last call: what is sent now still goes out, within a second. */
	void (*closing)(void *of);
};

/* NULL when memory or descriptors are out. `handler->of` must outlive the bus. */
struct bus *bus_new(const struct bus_settings *settings, const struct bus_handler *handler,
		    struct clock clock);

/* A descriptor of the owner that the thread also waits on; before bus_start. False: there are
 * LIMIT_BUS_WATCHES. */
bool bus_watch(struct bus *bus, int fd, void (*ready)(void *of), void *of);

/* Opens the sockets and starts the thread. FATE_REJECT (an endpoint or the key can't be used) and
 * FATE_RETRY (memory, descriptors or threads are out) fill `words`; then bus_stop is still to be
 * called. */
enum fate bus_start(struct bus *bus, char words[BUS_WORDS]);

/* Joins the thread when it was started, closes, frees. NULL is fine. */
void bus_stop(struct bus *bus);

/* ---- Any thread. ---- */

void bus_wake(struct bus *bus);           /* a turn follows */
bool bus_has_taps(const struct bus *bus); /* somebody subscribes to something */

/* Where the sockets listen, after bus_start. */
const char *bus_sessions(const struct bus *bus);
const char *bus_events(const struct bus *bus);

/* ---- On the thread only. ---- */

enum bus_sent bus_send(struct bus *bus, uint32_t peer, const struct text *frames, size_t count);

/* To all whose subscription is a prefix of the topic. */
void bus_publish(struct bus *bus, struct text topic, struct text body);

/* ---- Keys. ---- */

/* A new pair. False: this libzmq has no CURVE. */
bool bus_keygen(char public_key[BUS_KEY], char secret_key[BUS_KEY]);

/* The public key that belongs to a secret one; false: it is none. */
bool bus_public_key(const struct secret *key, char out[BUS_KEY]);

/* The endpoint with the path of an ipc socket from the root: other processes have other working
 * directories. */
void bus_endpoint(struct buf *out, struct text endpoint);

#endif
