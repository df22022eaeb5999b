/* SPDX-License-Identifier: Apache-2.0
 *
 * bus - see bus.h. The only file that calls libzmq, and but for the functions on
 * keys only on the bus's thread: the sockets are opened and closed there, too.
 *
 * One turn: the handler's turn, then a wait for any of
 *   the ZAP socket    a connection shows its key (answered first: it holds up
 *                     nobody but that connection)
 *   the eventfd       bus_wake, bus_stop
 *   the watches       the owner's descriptors
 *   the XPUB          somebody subscribed, or doesn't any more
 *   the ROUTER        messages, at most BATCH a turn, so that a peer that floods
 *                     can't keep the others of this list waiting
 * zmq_poll looks at each socket's state before it waits, so that the
 * edge-triggered descriptors behind it lose nothing.
 *
 * A message whose frames never end is held by libzmq, outside of any limit it has:
 * only a process of this user, or with a trusted key, can send one. */
#include "engine/io/bus.h"

#include <assert.h>
#include <limits.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "engine/base/crypto.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/io/bus_weight.h"

#define BATCH       256 /* messages read in one turn */
#define LINGER      1000
#define KEY_BYTES   32
#define PEER_BYTES  5 /* of a routing id that the ROUTER has made: 0, then a number */
#define ZAP_FRAMES  7
#define ZAP_ADDRESS "inproc://zeromq.zap.01"
#define ENDPOINT    300

enum state { OPENING, RUNNING, FAILED };

struct watch {
	int fd;
	void (*ready)(void *of);
	void *of;
};

struct bus {
	struct bus_handler handler;
	struct clock clock;
	const struct text *refusal;
	size_t refusal_count;
	struct secret *key; /* NULL: none */

	/* The thread's. */
	void *context, *zap, *taps, *router;
	struct weights *heavy_taps, *heavy; /* heavy: by peer */
	struct watch watches[LIMIT_BUS_WATCHES];
	size_t watch_count;

	/* Between threads. */
	int wake;
	atomic_bool stopping;
	atomic_uint topics; /* subscribed to */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum state state; /* under the lock, as is what follows, until it isn't OPENING any more */
	enum fate fate;
	char words[BUS_WORDS];

	bool started;
	pthread_t thread;
	char sessions[ENDPOINT], events[ENDPOINT];
};

/* ---- Opening, on the thread. ---- */

static bool fail(struct bus *bus, enum fate fate, const char *where, const char *why)
{
	bus->fate = fate;
	(void)snprintf(bus->words, sizeof(bus->words), "%s: %s", where, why);
	return false;
}

static bool fail_zmq(struct bus *bus, const char *where)
{
	int why = zmq_errno();
	bool out = why == EMFILE || why == ENFILE || why == ENOMEM || why == ENOBUFS;

	return fail(bus, out ? FATE_RETRY : FATE_REJECT, where, zmq_strerror(why));
}

static bool set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

/* True when a process listens on the file. */
static bool is_live(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool live;

	if (fd < 0)
		return true; /* who knows: then it is left alone */
	/* A full backlog (EAGAIN) is somebody's, too. */
	live = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       errno != ECONNREFUSED;
	close(fd);
	return live;
}

/* libzmq replaces whatever stands at the path, so this looks first. */
static bool check_ipc(struct bus *bus, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	struct stat st;

	if (n == 0 || path[0] == '@' || path[0] == '*')
		return fail(bus, FATE_REJECT, path, "an ipc endpoint is the path of a file");
	if (n >= sizeof(address.sun_path))
		return fail(bus, FATE_REJECT, path, "the path of a socket has at most 107 bytes");
	memcpy(address.sun_path, path, n + 1);
	if (lstat(path, &st) != 0)
		return errno == ENOENT || fail(bus, FATE_REJECT, path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(bus, FATE_REJECT, path, "is there, and is no socket");
	return !is_live(&address) || fail(bus, FATE_REJECT, path, "another process listens there");
}

static bool check_endpoint(struct bus *bus, const char *endpoint)
{
	if (strncmp(endpoint, "ipc://", 6) == 0)
		return check_ipc(bus, endpoint + 6);
	if (strncmp(endpoint, "tcp://", 6) != 0)
		return fail(bus, FATE_REJECT, endpoint, "only ipc:// and tcp:// are served");
	return bus->key != NULL || fail(bus, FATE_REJECT, endpoint, "tcp:// needs a key");
}

static bool set_curve(struct bus *bus, void *socket)
{
	struct text key = secret_reveal(bus->key);
	char z85[BUS_KEY];
	bool good = key.n == BUS_KEY - 1;

	if (!good)
		return false;
	memcpy(z85, key.s, key.n);
	z85[key.n] = '\0';
	good = set_int(socket, ZMQ_CURVE_SERVER, 1) &&
	       zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, z85, sizeof(z85)) == 0 &&
	       zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, "tappet", 6) == 0;
	bytes_wipe(z85, sizeof(z85));
	return good;
}

static bool set_limits(void *socket, const char *endpoint, int64_t frame, int receive, int send)
{
	return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame, sizeof(frame)) == 0 &&
	       set_int(socket, ZMQ_RCVHWM, receive) && set_int(socket, ZMQ_SNDHWM, send) &&
	       set_int(socket, ZMQ_HANDSHAKE_IVL, LIMIT_BUS_HANDSHAKE) &&
	       set_int(socket, ZMQ_BACKLOG, LIMIT_BUS_BACKLOG) &&
	       set_int(socket, ZMQ_LINGER, LINGER) && set_int(socket, ZMQ_TCP_KEEPALIVE, 1) &&
	       set_int(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
}

/* Binds; what the endpoint came out as replaces it. */
static bool bind_to(struct bus *bus, void *socket, char endpoint[ENDPOINT])
{
	size_t n = ENDPOINT;
	mode_t before;
	bool good;

	if (!check_endpoint(bus, endpoint))
		return false;
	/* The process's, for a moment: a file that another thread makes in it is but stricter. */
	before = umask(0177);
	good = zmq_bind(socket, endpoint) == 0;
	umask(before);
	return (good && zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &n) == 0) ||
	       fail_zmq(bus, endpoint);
}

/* Before the others are bound, and closed after them: where nobody answers ZAP, libzmq lets every
 * key in. */
static bool open_zap(struct bus *bus)
{
	if (bus->key == NULL)
		return true;
	bus->zap = zmq_socket(bus->context, ZMQ_REP);
	return (bus->zap != NULL && set_int(bus->zap, ZMQ_LINGER, 0) &&
		zmq_bind(bus->zap, ZAP_ADDRESS) == 0) ||
	       fail_zmq(bus, ZAP_ADDRESS);
}

static bool open_one(struct bus *bus, void *socket, char endpoint[ENDPOINT])
{
	bool tcp = strncmp(endpoint, "tcp://", 6) == 0;

	if (tcp && bus->key != NULL && !set_curve(bus, socket))
		return fail(bus, FATE_REJECT, endpoint, "the key is no CURVE key");
	return bind_to(bus, socket, endpoint);
}

static bool open_all(struct bus *bus)
{
	bus->context = zmq_ctx_new();
	if (bus->context == NULL)
		return fail_zmq(bus, "zmq");
	if (!open_zap(bus))
		return false;
	bus->taps = zmq_socket(bus->context, ZMQ_XPUB);
	bus->router = zmq_socket(bus->context, ZMQ_ROUTER);
	if (bus->taps == NULL || bus->router == NULL ||
	    !set_limits(bus->taps, bus->events, LIMIT_BUS_TOPIC, LIMIT_BUS_RECEIVE,
			LIMIT_BUS_PUBLISH) ||
	    !set_limits(bus->router, bus->sessions, LIMIT_BUS_FRAME, LIMIT_BUS_RECEIVE,
			LIMIT_BUS_SEND) ||
	    !set_int(bus->router, ZMQ_ROUTER_MANDATORY, 1))
		return fail_zmq(bus, "zmq");
	return open_one(bus, bus->router, bus->sessions) && open_one(bus, bus->taps, bus->events);
}

static void close_one(void *socket)
{
	if (socket != NULL)
		zmq_close(socket);
}

static void close_all(struct bus *bus)
{
	close_one(bus->router);
	close_one(bus->taps);
	close_one(bus->zap);
	if (bus->context == NULL)
		return;
	while (zmq_ctx_term(bus->context) != 0 && zmq_errno() == EINTR)
		;
}

/* ---- ZAP: who may connect (RFC 27). ---- */

static void zap_reply(struct bus *bus, zmq_msg_t *request_id, bool trusted, const char *user)
{
	const char *status = trusted ? "200" : "400";
	const char *why = trusted ? "" : "this key isn't trusted";

	zmq_send(bus->zap, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(bus->zap, zmq_msg_data(request_id), zmq_msg_size(request_id), ZMQ_SNDMORE);
	zmq_send(bus->zap, status, 3, ZMQ_SNDMORE);
	zmq_send(bus->zap, why, strlen(why), ZMQ_SNDMORE);
	zmq_send(bus->zap, user, strlen(user), ZMQ_SNDMORE);
	zmq_send(bus->zap, "", 0, 0);
}

static bool zap_trusts(struct bus *bus, zmq_msg_t *mechanism, zmq_msg_t *key, char z85[BUS_KEY])
{
	struct text name = { zmq_msg_data(mechanism), zmq_msg_size(mechanism) };

	z85[0] = '\0';
	if (!text_is(name, "CURVE") || zmq_msg_size(key) != KEY_BYTES ||
	    zmq_z85_encode(z85, zmq_msg_data(key), KEY_BYTES) == NULL)
		return false;
	return bus->handler.trusts(bus->handler.of, text_of(z85));
}

/* Reads a whole message into `parts`; what is beyond `most` is read and thrown away. How many
 * there were, 0: there is none now. The caller closes what is in `parts`. */
static size_t read_message(void *socket, zmq_msg_t *parts, size_t most)
{
	size_t count = 0;
	bool more = true;

	while (more) {
		zmq_msg_t spare, *into = count < most ? &parts[count] : &spare;

		zmq_msg_init(into);
		if (zmq_msg_recv(into, socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(into);
			/* Only before the first frame is there nothing; a signal is no end. */
			if (zmq_errno() == EINTR)
				continue;
			return count;
		}
		more = zmq_msg_more(into) != 0;
		if (into == &spare)
			zmq_msg_close(&spare);
		count++;
	}
	return count;
}

static void close_parts(zmq_msg_t *parts, size_t count, size_t most)
{
	for (size_t i = 0; i < count && i < most; i++)
		zmq_msg_close(&parts[i]);
}

static bool answer_zap(struct bus *bus)
{
	zmq_msg_t parts[ZAP_FRAMES];
	size_t count = read_message(bus->zap, parts, ZAP_FRAMES);
	char z85[BUS_KEY];
	bool trusted;

	if (count == 0)
		return false;
	/* libzmq asks, and nobody else; with fewer frames it asks about no key. */
	assert(count > 1);
	trusted = count >= ZAP_FRAMES && zap_trusts(bus, &parts[5], &parts[6], z85);
	zap_reply(bus, &parts[1], trusted, trusted ? z85 : "");
	close_parts(parts, count, ZAP_FRAMES);
	return true;
}

/* ---- Messages in. ---- */

static struct text part_text(zmq_msg_t *part)
{
	return (struct text){ zmq_msg_data(part), zmq_msg_size(part) };
}

static void route(uint32_t peer, char id[PEER_BYTES])
{
	id[0] = 0;
	for (int i = 1; i < PEER_BYTES; i++)
		id[i] = (char)(unsigned char)(peer >> (8 * (PEER_BYTES - 1 - i)));
}

/* False: the peer has named itself. */
static bool peer_of(struct text id, uint32_t *peer)
{
	*peer = 0;
	if (id.n != PEER_BYTES || id.s[0] != '\0')
		return false;
	for (int i = 1; i < PEER_BYTES; i++)
		*peer = *peer << 8 | (unsigned char)id.s[i];
	return true;
}

static bool make_part(zmq_msg_t *part, struct text t, struct weights *weights, uint32_t receiver)
{
	struct parcel *parcel;

	if (t.n <= LIMIT_BUS_LIGHT) {
		if (zmq_msg_init_size(part, t.n) != 0)
			return false;
		if (t.n > 0)
			memcpy(zmq_msg_data(part), t.s, t.n);
		return true;
	}
	parcel = weight_take(weights, receiver, t);
	if (parcel == NULL)
		return false;
	if (zmq_msg_init_data(part, weight_bytes(parcel), t.n, weight_drop, parcel) == 0)
		return true;
	weight_drop(NULL, parcel);
	return false;
}

/* All frames or none: what could fail for want of memory, or because the receiver has too much
 * already, is made before the first is sent. */
static enum bus_sent send_frames(void *socket, struct text id, const struct text *frames,
				 size_t count, struct weights *weights, uint32_t receiver)
{
	zmq_msg_t parts[1 + BUS_FRAMES];
	size_t made = 0, sent = 0;
	int why = ENOMEM;

	for (; made <= count; made++) {
		struct text t = made == 0 ? id : frames[made - 1];

		if (!make_part(&parts[made], t, weights, receiver))
			break;
	}
	while (made > count && sent <= count) {
		int flags = ZMQ_DONTWAIT | (sent < count ? ZMQ_SNDMORE : 0);

		if (zmq_msg_send(&parts[sent], socket, flags) >= 0) {
			sent++;
			continue;
		}
		why = zmq_errno();
		if (why != EINTR)
			break;
	}
	for (size_t i = sent; i < made; i++)
		zmq_msg_close(&parts[i]);
	if (sent > count)
		return BUS_SENT;
	return why == EHOSTUNREACH ? BUS_GONE : BUS_FULL;
}

static bool receive(struct bus *bus)
{
	zmq_msg_t parts[1 + BUS_FRAMES];
	struct text frames[BUS_FRAMES];
	size_t count = read_message(bus->router, parts, 1 + BUS_FRAMES);
	struct bus_message m = { .frames = frames, .count = count - 1 };

	if (count == 0)
		return false;
	for (size_t i = 1; i < count && i <= BUS_FRAMES; i++)
		frames[i - 1] = part_text(&parts[i]);
	if (count > 1 && peer_of(part_text(&parts[0]), &m.peer)) {
		m.key = text_of(zmq_msg_gets(&parts[1], "User-Id"));
		bus->handler.message(bus->handler.of, &m);
	} else if (bus->refusal_count > 0) {
		(void)send_frames(bus->router, part_text(&parts[0]), bus->refusal,
				  bus->refusal_count, bus->heavy, 0);
		bus->handler.named(bus->handler.of);
	}
	close_parts(parts, count, 1 + BUS_FRAMES);
	return true;
}

/* A first byte of 1 is a new topic, of 0 one that nobody wants any more (RFC 29). */
static bool count_taps(struct bus *bus)
{
	zmq_msg_t part;
	size_t count = read_message(bus->taps, &part, 1);
	unsigned topics = atomic_load(&bus->topics);

	if (count == 0)
		return false;
	if (zmq_msg_size(&part) > 0) {
		char first = *(const char *)zmq_msg_data(&part);

		if (first == 1)
			atomic_store(&bus->topics, topics + 1);
		else if (first == 0 && topics > 0)
			atomic_store(&bus->topics, topics - 1);
	}
	zmq_msg_close(&part);
	return true;
}

/* ---- The thread. ---- */

#define ITEM_WAKE   0
#define ITEM_ROUTER 1
#define ITEM_TAPS   2
#define ITEM_WATCH  3 /* and on; the ZAP socket is last */

static size_t fill_items(const struct bus *bus, zmq_pollitem_t *items)
{
	size_t n = ITEM_WATCH;

	items[ITEM_WAKE] = (zmq_pollitem_t){ .fd = bus->wake, .events = ZMQ_POLLIN };
	items[ITEM_ROUTER] = (zmq_pollitem_t){ .socket = bus->router, .events = ZMQ_POLLIN };
	items[ITEM_TAPS] = (zmq_pollitem_t){ .socket = bus->taps, .events = ZMQ_POLLIN };
	for (size_t i = 0; i < bus->watch_count; i++)
		items[n++] = (zmq_pollitem_t){ .fd = bus->watches[i].fd, .events = ZMQ_POLLIN };
	if (bus->zap != NULL)
		items[n++] = (zmq_pollitem_t){ .socket = bus->zap, .events = ZMQ_POLLIN };
	return n;
}

static void repeat(struct bus *bus, short ready, bool (*step)(struct bus *bus))
{
	int left = BATCH;

	while (ready != 0 && left > 0 && step(bus))
		left--;
}

static void serve(struct bus *bus, const zmq_pollitem_t *items)
{
	uint64_t wakes;

	if (bus->zap != NULL)
		repeat(bus, items[ITEM_WATCH + bus->watch_count].revents, answer_zap);
	if (items[ITEM_WAKE].revents != 0 && read(bus->wake, &wakes, sizeof(wakes)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
	for (size_t i = 0; i < bus->watch_count; i++)
		if (items[ITEM_WATCH + i].revents != 0)
			bus->watches[i].ready(bus->watches[i].of);
	repeat(bus, items[ITEM_TAPS].revents, count_taps);
	repeat(bus, items[ITEM_ROUTER].revents, receive);
}

static void turn(struct bus *bus)
{
	zmq_pollitem_t items[ITEM_WATCH + LIMIT_BUS_WATCHES + 1];
	size_t n = fill_items(bus, items);
	int64_t now = clock_read(&bus->clock).mono;
	int64_t due = bus->handler.turn(bus->handler.of, now);
	int64_t wait = due < 0 ? -1 : due > now ? due - now : 0;

	if (zmq_poll(items, (int)n, clock_patience(&bus->clock, wait)) > 0)
		serve(bus, items);
}

static void tell_state(struct bus *bus, enum state state)
{
	pthread_mutex_lock(&bus->lock);
	bus->state = state;
	pthread_cond_signal(&bus->changed);
	pthread_mutex_unlock(&bus->lock);
}

static void *bus_thread(void *of)
{
	struct bus *bus = of;
	bool good = open_all(bus);

	tell_state(bus, good ? RUNNING : FAILED);
	if (good) {
		while (!atomic_load(&bus->stopping))
			turn(bus);
		bus->handler.closing(bus->handler.of);
	}
	close_all(bus);
	return NULL;
}

/* ---- For the owner. ---- */

static bool copy_endpoint(char out[ENDPOINT], const char *endpoint)
{
	int n = snprintf(out, ENDPOINT, "%s", endpoint);

	return n > 0 && n < ENDPOINT;
}

struct bus *bus_new(const struct bus_settings *settings, const struct bus_handler *handler,
		    struct clock clock)
{
	struct bus *bus = mem_zero(1, sizeof(*bus));

	assert(settings != NULL && settings->sessions != NULL && settings->events != NULL);
	assert(settings->refusal_count <= BUS_FRAMES);
	assert(handler != NULL && handler->message != NULL && handler->turn != NULL);
	assert(handler->trusts != NULL && handler->named != NULL && handler->closing != NULL);
	if (bus == NULL)
		return NULL;
	bus->handler = *handler;
	bus->clock = clock;
	bus->refusal = settings->refusal;
	bus->refusal_count = settings->refusal_count;
	bus->key = settings->key != NULL ? secret_new(secret_reveal(settings->key)) : NULL;
	bus->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&bus->lock, NULL);
	pthread_cond_init(&bus->changed, NULL);
	bus->heavy = weights_new(LIMIT_BUS_HEAVY);
	bus->heavy_taps = weights_new(LIMIT_BUS_HEAVY_TAPS);
	if (bus->wake < 0 || bus->heavy == NULL || bus->heavy_taps == NULL ||
	    (settings->key != NULL && bus->key == NULL)) {
		bus_stop(bus);
		return NULL;
	}
	/* One that is too long is told by bus_start. */
	if (!copy_endpoint(bus->sessions, settings->sessions))
		bus->sessions[0] = '\0';
	if (!copy_endpoint(bus->events, settings->events))
		bus->events[0] = '\0';
	return bus;
}

bool bus_watch(struct bus *bus, int fd, void (*ready)(void *of), void *of)
{
	assert(bus != NULL && !bus->started && fd >= 0 && ready != NULL);
	if (bus->watch_count == LIMIT_BUS_WATCHES)
		return false;
	bus->watches[bus->watch_count++] = (struct watch){ fd, ready, of };
	return true;
}

enum fate bus_start(struct bus *bus, char words[BUS_WORDS])
{
	assert(bus != NULL && !bus->started && words != NULL);
	if (pthread_create(&bus->thread, NULL, bus_thread, bus) != 0) {
		(void)snprintf(words, BUS_WORDS, "no thread can be started");
		return FATE_RETRY;
	}
	bus->started = true;
	pthread_mutex_lock(&bus->lock);
	while (bus->state == OPENING)
		pthread_cond_wait(&bus->changed, &bus->lock);
	pthread_mutex_unlock(&bus->lock);
	memcpy(words, bus->words, BUS_WORDS);
	return bus->state == RUNNING ? FATE_OK : bus->fate;
}

void bus_stop(struct bus *bus)
{
	if (bus == NULL)
		return;
	if (bus->started) {
		atomic_store(&bus->stopping, true);
		bus_wake(bus);
		pthread_join(bus->thread, NULL);
	}
	if (bus->wake >= 0)
		close(bus->wake);
	weights_free(bus->heavy);
	weights_free(bus->heavy_taps);
	secret_free(bus->key);
	pthread_cond_destroy(&bus->changed);
	pthread_mutex_destroy(&bus->lock);
	mem_free(bus);
}

void bus_wake(struct bus *bus)
{
	uint64_t one = 1;
	ssize_t n;

	assert(bus != NULL);
	n = write(bus->wake, &one, sizeof(one));
	/* EAGAIN: the counter is full, so it is readable already. */
	(void)n;
}

bool bus_has_taps(const struct bus *bus)
{
	assert(bus != NULL);
	return atomic_load(&bus->topics) > 0;
}

const char *bus_sessions(const struct bus *bus)
{
	assert(bus != NULL);
	return bus->sessions;
}

const char *bus_events(const struct bus *bus)
{
	assert(bus != NULL);
	return bus->events;
}

enum bus_sent bus_send(struct bus *bus, uint32_t peer, const struct text *frames, size_t count)
{
	char id[PEER_BYTES];

	assert(bus != NULL && frames != NULL && count > 0 && count <= BUS_FRAMES);
	route(peer, id);
	return send_frames(bus->router, (struct text){ id, sizeof(id) }, frames, count, bus->heavy,
			   peer);
}

void bus_publish(struct bus *bus, struct text topic, struct text body)
{
	assert(bus != NULL);
	/* What a subscriber can't take is dropped for it alone; what is heavy is dropped for all
	 * while too much waits. Nothing is to be done here. */
	(void)send_frames(bus->taps, topic, &body, 1, bus->heavy_taps, 0);
}

bool bus_keygen(char public_key[BUS_KEY], char secret_key[BUS_KEY])
{
	assert(public_key != NULL && secret_key != NULL);
	return zmq_curve_keypair(public_key, secret_key) == 0;
}

bool bus_public_key(const struct secret *key, char out[BUS_KEY])
{
	struct text t;
	char z85[BUS_KEY];
	bool good;

	assert(key != NULL && out != NULL);
	t = secret_reveal(key);
	if (t.n != BUS_KEY - 1)
		return false;
	memcpy(z85, t.s, t.n);
	z85[t.n] = '\0';
	good = zmq_curve_public(out, z85) == 0;
	bytes_wipe(z85, sizeof(z85));
	return good;
}

void bus_endpoint(struct buf *out, struct text endpoint)
{
	char cwd[PATH_MAX];

	assert(out != NULL);
	if (text_starts(endpoint, TEXT("ipc://")) && endpoint.n > 6 && endpoint.s[6] != '/' &&
	    endpoint.s[6] != '@' && getcwd(cwd, sizeof(cwd)) != NULL)
		buf_printf(out, "ipc://%s/%.*s", cwd, (int)(endpoint.n - 6), endpoint.s + 6);
	else
		buf_text(out, endpoint);
}
