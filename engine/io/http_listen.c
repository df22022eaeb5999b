/* SPDX-License-Identifier: Apache-2.0
 *
 * http_listen - sockets are bound here rather than by the HTTP library, so that
 * unix sockets work and "in use" is told from "no such address".
 *
 * I1  A unix socket has mode 0600 before anybody can connect (connect fails
 *     until listen).
 * I2  A socket file is removed only when nobody answers on it, or when it is
 *     ours by device and inode. */
#include "engine/io/http_listen.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/text.h"

#define BACKLOG                                                                                    \
	1024 /* a burst of senders while the thread is busy; the kernel caps it at somaxconn */
#define HOST_ROOM 256 /* the longest DNS name is 253 */

struct why {
	char *s;
	size_t room;
};

__attribute__((format(printf, 2, 3))) static enum fate reject(const struct why *why,
							      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->s, why->room, format, args);
	va_end(args);
	return FATE_REJECT;
}

static enum fate refuse_errno(const struct why *why, const char *address, int error)
{
	bool short_of = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;

	if (error == EADDRINUSE)
		return reject(why, "%s is in use by another process", address);
	reject(why, "cannot listen on %s: %s", address, strerrordesc_np(error));
	return short_of ? FATE_RETRY : FATE_REJECT;
}

static int open_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Returns a bound socket that listens, or -1 with errno. */
static int bind_tcp(const struct sockaddr *address, socklen_t size, bool dual)
{
	const int on = 1, off = 0;
	int fd = open_socket(address->sa_family);
	int error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual ? &off : &on, sizeof(on));
	if (bind(fd, address, size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static unsigned bound_port(int fd)
{
	struct sockaddr_storage bound = { 0 };
	socklen_t size = sizeof(bound);

	if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
		return 0;
	if (bound.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
	return ntohs(((struct sockaddr_in *)&bound)->sin_port);
}

/* All addresses: one socket for both families where there is IPv6. */
static int bind_any(unsigned port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = bind_tcp((struct sockaddr *)&v6, sizeof(v6), true);

	if (fd >= 0 || errno == EADDRINUSE || errno == EACCES)
		return fd;
	return bind_tcp((struct sockaddr *)&v4, sizeof(v4), false);
}

static int bind_host(const char *host, const char *port, int *lookup)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				  .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int fd = -1;

	*lookup = getaddrinfo(host, port, &hints, &found);
	if (*lookup != 0)
		return -1;
	for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
		fd = bind_tcp(at->ai_addr, at->ai_addrlen, false);
	freeaddrinfo(found);
	return fd;
}

/* Splits "HOST:PORT"; brackets around an IPv6 address are taken off. */
static bool split_address(const char *address, char host[HOST_ROOM], unsigned *port)
{
	const char *colon = strrchr(address, ':');
	struct text name;
	int64_t number;

	if (colon == NULL || !text_to_int(text_of(colon + 1), &number))
		return false;
	name = (struct text){ address, (size_t)(colon - address) };
	if (name.n >= 2 && name.s[0] == '[' && name.s[name.n - 1] == ']')
		name = (struct text){ name.s + 1, name.n - 2 };
	else if (memchr(name.s, ':', name.n) != NULL)
		return false; /* an IPv6 address without brackets */
	if (number < 0 || number > 65535 || name.n >= HOST_ROOM)
		return false;
	memcpy(host, name.s, name.n);
	host[name.n] = '\0';
	*port = (unsigned)number;
	return true;
}

static enum fate open_tcp(const char *address, struct http_listener *out, const struct why *why)
{
	char host[HOST_ROOM], port_text[8];
	unsigned port;
	int lookup = 0;

	if (!split_address(address, host, &port))
		return reject(why, "\"%s\" is not HOST:PORT, [IPV6]:PORT, :PORT or unix:PATH",
			      address);
	snprintf(port_text, sizeof(port_text), "%u", port);
	out->fd = host[0] == '\0' ? bind_any(port) : bind_host(host, port_text, &lookup);
	if (lookup != 0)
		return reject(why, "cannot listen on %s: %s", address, gai_strerror(lookup));
	if (out->fd < 0)
		return refuse_errno(why, address, errno);
	out->port = bound_port(out->fd);
	return FATE_OK;
}

/* 0 when the path is free afterwards, else what stands in the way. */
static int clear_stale(const struct sockaddr_un *at)
{
	struct stat status;
	int fd, error;

	if (lstat(at->sun_path, &status) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(status.st_mode))
		return EEXIST;
	fd = open_socket(AF_UNIX);
	if (fd < 0)
		return errno;
	error = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ? EADDRINUSE : errno;
	close(fd);
	if (error != ECONNREFUSED)
		return error == EAGAIN ? EADDRINUSE : error;
	return unlink(at->sun_path) == 0 ? 0 : errno;
}

static int bind_unix(const struct sockaddr_un *at, struct http_listener *out)
{
	struct stat status;
	int error = clear_stale(at);

	if (error != 0)
		return error;
	out->fd = open_socket(AF_UNIX);
	if (out->fd < 0)
		return errno;
	if (bind(out->fd, (const struct sockaddr *)at, sizeof(*at)) != 0)
		return errno;
	if (chmod(at->sun_path, 0600) != 0 || lstat(at->sun_path, &status) != 0 ||
	    listen(out->fd, BACKLOG) != 0) {
		error = errno;
		unlink(at->sun_path);
		return error;
	}
	memcpy(out->path, at->sun_path, sizeof(out->path));
	out->device = status.st_dev;
	out->inode = status.st_ino;
	return 0;
}

static enum fate open_unix(const char *address, const char *path, struct http_listener *out,
			   const struct why *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int error;

	if (n == 0 || n >= sizeof(at.sun_path))
		return reject(why, "the path of %s must have 1 to %zu bytes", address,
			      sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, n);
	error = bind_unix(&at, out);
	if (error == 0)
		return FATE_OK;
	http_listen_close(out);
	if (error == EEXIST)
		return reject(why, "%s exists and is not a socket", path);
	return refuse_errno(why, address, error);
}

enum fate http_listen_open(const char *address, struct http_listener *out, char *why,
			   size_t why_room)
{
	const struct why reason = { why, why_room };

	assert(address != NULL && out != NULL);
	assert(why != NULL && why_room > 0);
	*out = (struct http_listener){ .fd = -1 };
	if (strncmp(address, "unix:", 5) == 0)
		return open_unix(address, address + 5, out, &reason);
	return open_tcp(address, out, &reason);
}

void http_listen_close(struct http_listener *listener)
{
	struct stat status;

	assert(listener != NULL);
	if (listener->path[0] != '\0' && lstat(listener->path, &status) == 0 &&
	    status.st_dev == listener->device && status.st_ino == listener->inode)
		unlink(listener->path);
	listener->path[0] = '\0';
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
}
