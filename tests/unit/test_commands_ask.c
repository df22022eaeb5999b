/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the daemon when nobody answers, or not to us. */
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/limits.h"
#include "engine/io/http_ask.h"
#include "tests/unit/unit_main.h"

#define NOBODY 65534

static enum fate ask(const char *socket, struct http_asked *asked)
{
	const struct http_ask what = { .unix_path = socket,
				       .host = "localhost",
				       .method = "POST",
				       .path = "/",
				       .timeout_ms = 10000 };
	struct buf reply;
	enum fate fate;

	buf_init(&reply, KIB);
	fate = http_ask(&what, &reply, asked);
	buf_fini(&reply);
	return fate;
}

/* As a user without rights on what root made: 0 when the answer is "permission denied". */
static int ask_as_nobody(const char *socket)
{
	struct http_asked asked;
	pid_t child = fork();
	int status = -1;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (geteuid() == 0 &&
		    (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
			_exit(2);
		bool denied = ask(socket, &asked) == FATE_RETRY && asked.denied &&
			      strcmp(asked.why, "permission denied") == 0;

		_exit(denied ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

START_TEST(a_socket_may_be_somebody_elses)
{
	char folder[] = "/tmp/tappet-ask-XXXXXX";
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct http_asked asked;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", folder);
	ck_assert_int_eq(ask(name.sun_path, &asked), FATE_RETRY);
	ck_assert(!asked.denied && asked.why[0] != '\0');
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(chmod(name.sun_path, 0), 0);
	ck_assert_int_eq(ask_as_nobody(name.sun_path), 0);
	/* Nobody listens any more: that is no matter of permission for who may connect. */
	ck_assert_int_eq(chmod(name.sun_path, 0700), 0);
	ck_assert_int_eq(close(listener), 0);
	ck_assert_int_eq(ask(name.sun_path, &asked), FATE_RETRY);
	ck_assert(!asked.denied);
	ck_assert_int_eq(unlink(name.sun_path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

UNIT_MAIN("commands_ask", a_socket_may_be_somebody_elses)
