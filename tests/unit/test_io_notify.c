/* SPDX-License-Identifier: Apache-2.0
 *
 * What a service manager hears, if there is one. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/io/notify.h"
#include "tests/unit/unit_main.h"

static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t n = strlen(name);

	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void hears(int fd, const char *lines)
{
	char got[200] = "";

	ck_assert(notify_send(lines));
	ck_assert_int_gt(recv(fd, got, sizeof(got) - 1, 0), 0);
	ck_assert_str_eq(got, lines);
	close(fd);
}

START_TEST(a_path_and_an_abstract_name)
{
	char folder[] = "/tmp/tappet-notify-XXXXXX", name[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(name, sizeof(name), "%s/socket", folder);
	hears(listen_at(name), "READY=1\nSTATUS=ready");
	ck_assert(!notify_send("READY=1")); /* nobody is there any more */
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	(void)snprintf(name, sizeof(name), "@tappet-notify-%d", (int)getpid());
	hears(listen_at(name), "STOPPING=1");
}
END_TEST

START_TEST(nobody_is_told_without_a_manager)
{
	char long_name[300];

	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
	ck_assert(!notify_send("READY=1"));
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	ck_assert(!notify_send("READY=1"));
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", "/nosuch/socket", 1), 0);
	ck_assert(!notify_send("READY=1"));
	memset(long_name, 'x', sizeof(long_name));
	long_name[0] = '/';
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", long_name, 1), 0);
	ck_assert(!notify_send("READY=1"));
}
END_TEST

static void watchdog(const char *micros, const char *pid, int64_t ms)
{
	ck_assert_int_eq(
	    micros != NULL ? setenv("WATCHDOG_USEC", micros, 1) : unsetenv("WATCHDOG_USEC"), 0);
	ck_assert_int_eq(pid != NULL ? setenv("WATCHDOG_PID", pid, 1) : unsetenv("WATCHDOG_PID"),
			 0);
	ck_assert_int_eq(notify_watchdog(), ms);
}

START_TEST(the_watchdog_is_ours_or_none)
{
	char own[24];

	(void)snprintf(own, sizeof(own), "%ld", (long)getpid());
	watchdog(NULL, NULL, 0);
	watchdog("60000000", NULL, 60000);
	watchdog("60000000", own, 60000);
	watchdog("60000000", "1", 0);
	watchdog("soon", NULL, 0);
	watchdog("-5", NULL, 0);
	watchdog("1", NULL, 0);
}
END_TEST

UNIT_MAIN("io_notify", a_path_and_an_abstract_name, nobody_is_told_without_a_manager,
	  the_watchdog_is_ours_or_none)
