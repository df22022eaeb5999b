/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server_door - the library's daemons behind one listening address.
 *
 * A certificate is the daemon's for life, so a new one takes a new daemon: it is
 * given the same listening socket, and the one before finishes what it has and
 * is ended with its last connection. No connection attempt is refused meanwhile.
 *
 * I1  Exactly one daemon of a site accepts, until it is quiesced.
 * I2  A daemon is ended when it has no connection, or at the stop: the library
 *     aborts when one with suspended connections is.
 * Ownership: a door owns its daemon and its copy of certificate and key.
 * Never: reads files, judges certificates. */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/crypto.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/io/http_server_internal.h"

/* RFC 9325: nothing before TLS 1.2. */
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http_pair {
	char *certificate, *key; /* PEM, with a final zero; both in the block that this begins */
	size_t size;             /* of the block */
};

struct http_pair *http_pair_copy(const struct http_tls *tls)
{
	size_t size = sizeof(struct http_pair) + tls->certificate.n + tls->key.n + 2;
	struct http_pair *pair = mem_alloc(size);

	assert(tls->certificate.n > 0 && tls->key.n > 0);
	if (pair == NULL)
		return NULL;
	pair->size = size;
	pair->certificate = (char *)(pair + 1);
	pair->key = pair->certificate + tls->certificate.n + 1;
	memcpy(pair->certificate, tls->certificate.s, tls->certificate.n);
	pair->certificate[tls->certificate.n] = '\0';
	memcpy(pair->key, tls->key.s, tls->key.n);
	pair->key[tls->key.n] = '\0';
	return pair;
}

void http_pair_free(struct http_pair *pair)
{
	if (pair == NULL)
		return;
	bytes_wipe(pair, pair->size);
	mem_free(pair);
}

static void on_connection(void *of, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct site *site = of;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		atomic_fetch_add_explicit(&site->server->connections, 1, memory_order_relaxed);
		*socket_context = http_guest_comes(site->server, connection);
		return;
	}
	atomic_fetch_sub_explicit(&site->server->connections, 1, memory_order_relaxed);
	http_guest_goes(site->server, *socket_context);
	*socket_context = NULL;
	site->closed_one = true;
}

static struct MHD_Daemon *daemon_start_on(struct site *site, int fd, const struct http_pair *pair)
{
	const struct http_server_limits *limits = &site->server->limits;
	const struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, pair != NULL ? pair->certificate : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, pair != NULL ? pair->key : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_VERSIONS },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	return MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (pair != NULL ? MHD_USE_TLS : 0), 0, NULL,
	    NULL, http_server_on_access, site, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_URI_LOG_CALLBACK, http_server_on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED,
	    http_server_on_completed, site, MHD_OPTION_NOTIFY_CONNECTION, on_connection, site,
	    MHD_OPTION_CONNECTION_LIMIT, limits->connections, MHD_OPTION_CONNECTION_TIMEOUT,
	    limits->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->header_bytes,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, pair != NULL ? tls : none,
	    MHD_OPTION_END);
}

/* A daemon that doesn't start has closed its socket, or not: that depends on what it failed at.
 * By now the number may be another thread's, but then of something else. */
static void close_unless_closed(int fd, int same)
{
	struct stat is, was;

	if (fstat(fd, &is) == 0 && fstat(same, &was) == 0 && is.st_dev == was.st_dev &&
	    is.st_ino == was.st_ino)
		(void)close(fd);
}

/* Each daemon has a descriptor of its own for the socket, to be closed with it. */
static struct MHD_Daemon *daemon_start(struct site *site, const struct http_pair *pair)
{
	int fd = fcntl(site->listener.fd, F_DUPFD_CLOEXEC, 0);
	struct MHD_Daemon *daemon;

	if (fd < 0)
		return NULL;
	daemon = daemon_start_on(site, fd, pair);
	if (daemon == NULL)
		close_unless_closed(fd, site->listener.fd);
	return daemon;
}

/* The library leaves the descriptor to us. */
static void daemon_quiesce(struct MHD_Daemon *daemon)
{
	int fd = MHD_quiesce_daemon(daemon);

	if (fd >= 0)
		(void)close(fd);
}

bool http_door_open(struct site *site, struct http_pair *pair)
{
	assert(site != NULL && site->door.daemon == NULL);
	site->door = (struct door){ daemon_start(site, pair), pair };
	return site->door.daemon != NULL;
}

static void door_end(struct door *door)
{
	if (door->daemon != NULL)
		MHD_stop_daemon(door->daemon);
	http_pair_free(door->pair);
	*door = (struct door){ 0 };
}

static bool door_is_empty(const struct door *door)
{
	return MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
		   ->num_connections == 0;
}

static void doors_sweep(struct site *site)
{
	size_t kept = 0;

	for (size_t i = 0; i < site->closing_count; i++)
		if (door_is_empty(&site->closing[i]))
			door_end(&site->closing[i]);
		else
			site->closing[kept++] = site->closing[i];
	site->closing_count = kept;
}

/* The new daemon is there before the old one stops accepting. */
static void door_renew(struct site *site)
{
	struct door next = { daemon_start(site, site->wanted), site->wanted };

	site->wanted = NULL;
	if (next.daemon == NULL) {
		http_pair_free(next.pair);
		log_write(LOG_ERROR, "a renewed certificate can't be used: the one before stays");
		return;
	}
	daemon_quiesce(site->door.daemon);
	site->closing[site->closing_count++] = site->door;
	site->door = next;
	log_write(LOG_INFO, "a renewed certificate is used from now on");
}

void http_doors_turn(struct site *site)
{
	assert(site != NULL && site->door.daemon != NULL);
	if (site->closing_count > 0)
		doors_sweep(site);
	if (site->wanted != NULL && site->closing_count < DOORS_CLOSING && !site->server->draining)
		door_renew(site);
}

/* At the connection limit the library stops listening, and takes that back only
 * at the start of a run: after a close there has to be another. */
void http_doors_run(struct site *site)
{
	struct MHD_Daemon *daemons[1 + DOORS_CLOSING];
	size_t n = http_doors(site, daemons);

	site->closed_one = false;
	for (size_t i = 0; i < n; i++)
		MHD_run(daemons[i]);
	if (site->closed_one)
		MHD_run(site->door.daemon);
}

size_t http_doors(const struct site *site, struct MHD_Daemon *daemons[1 + DOORS_CLOSING])
{
	size_t n = 0;

	if (site->door.daemon != NULL)
		daemons[n++] = site->door.daemon;
	for (size_t i = 0; i < site->closing_count; i++)
		daemons[n++] = site->closing[i].daemon;
	return n;
}

void http_doors_quiesce(struct site *site)
{
	assert(site != NULL);
	if (site->door.daemon != NULL && site->listener.fd >= 0)
		daemon_quiesce(site->door.daemon);
	http_listen_close(&site->listener);
}

void http_doors_stop(struct site *site)
{
	assert(site != NULL);
	http_doors_quiesce(site);
	door_end(&site->door);
	for (size_t i = 0; i < site->closing_count; i++)
		door_end(&site->closing[i]);
	site->closing_count = 0;
	http_pair_free(site->wanted);
	http_pair_free(site->renewed);
}

bool http_door_is_closing(const struct site *site, struct MHD_Connection *connection)
{
	return site->closing_count > 0 &&
	       MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon !=
		   site->door.daemon;
}
