/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.c - see notify.h. A socket for each message: they are few. */
#include "engine/io/notify.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/base/text.h"

/* A path, or with "@" before it a name of the abstract name space. */
static bool address_of(const char *name, struct sockaddr_un *address, socklen_t *size)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof(address->sun_path))
		return false;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, name, n);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return true;
}

bool notify_send(const char *lines)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t size;
	ssize_t sent;
	int fd;

	assert(lines != NULL);
	if (name == NULL || !address_of(name, &address, &size))
		return false;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	sent = sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&address, size);
	close(fd);
	return sent >= 0;
}

int64_t notify_watchdog(void)
{
	const char *every = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
	int64_t micros, pid;

	if (every == NULL || !text_to_int(text_of(every), &micros) || micros < 2000)
		return 0;
	if (whose != NULL && (!text_to_int(text_of(whose), &pid) || pid != getpid()))
		return 0;
	return micros / 1000;
}
