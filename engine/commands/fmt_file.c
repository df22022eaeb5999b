/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_file - see fmt_file.h. */
#include "engine/commands/fmt_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "engine/rules/reader.h"

/* Begins with a dot: who reads the folder meanwhile passes it over. */
#define NEW_NAME ".tappet-fmt-XXXXXX"

static bool say(char why[FMT_WHY], const char *what, const char *detail)
{
	(void)snprintf(why, FMT_WHY, "%s%s%s", what, detail[0] != '\0' ? ": " : "", detail);
	return false;
}

bool fmt_file_read(const char *path, struct buf *content, struct stat *was, char why[FMT_WHY])
{
	const char *reason;

	assert(path != NULL && was != NULL);
	buf_init(content, LIMIT_YAML_FILE);
	if (stat(path, was) != 0)
		return say(why, "can't be read", strerror(errno));
	if (!S_ISREG(was->st_mode))
		return say(why, "is no regular file", "");
	if (!reader_file(text_of(path), LIMIT_YAML_FILE, content, &reason))
		return say(why, "can't be read", reason);
	return true;
}

/* ---- Replacing. ---- */

/* The new file while it is made. */
struct making {
	char path[PATH_MAX]; /* "" until there is one */
	int fd;
};

static bool fill(int fd, struct text content)
{
	while (content.n > 0) {
		ssize_t n = fault_point("fmt-write") ? (errno = ENOSPC, -1)
						     : write(fd, content.s, content.n);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			content = (struct text){ content.s + n, content.n - (size_t)n };
	}
	return true;
}

static bool make(struct making *m, const char *folder, const struct stat *was, struct text content,
		 char why[FMT_WHY])
{
	struct stat st;
	int n = snprintf(m->path, sizeof(m->path), "%s/" NEW_NAME, folder);

	if (n < 0 || (size_t)n >= sizeof(m->path)) {
		m->path[0] = '\0';
		return say(why, "can't be written", strerror(ENAMETOOLONG));
	}
	m->fd = mkostemp(m->path, O_CLOEXEC);
	if (m->fd < 0) {
		m->path[0] = '\0';
		return say(why, "no file can be made beside it", strerror(errno));
	}
	if (!fill(m->fd, content))
		return say(why, "can't be written", strerror(errno));
	if (fstat(m->fd, &st) != 0 || ((st.st_uid != was->st_uid || st.st_gid != was->st_gid) &&
				       fchown(m->fd, was->st_uid, was->st_gid) != 0))
		return say(why, "its owner can't be kept", strerror(errno));
	if (fchmod(m->fd, was->st_mode & 07777) != 0)
		return say(why, "its permissions can't be kept", strerror(errno));
	if (fsync(m->fd) != 0)
		return say(why, "can't be written", strerror(errno));
	return true;
}

static bool unchanged(const char *path, const struct stat *was)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_ino == was->st_ino && now.st_dev == was->st_dev &&
	       now.st_size == was->st_size && now.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

/* The rename is on disk once the folder is. */
static bool sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	return done;
}

static bool put(struct making *m, const char *real, const char *folder, const struct stat *was,
		char why[FMT_WHY])
{
	if (!unchanged(real, was))
		return say(why, "changed meanwhile", "");
	if (fault_point("fmt-rename") || rename(m->path, real) != 0)
		return say(why, "can't be replaced", strerror(errno));
	m->path[0] = '\0';
	if (!sync_folder(folder))
		return say(why, "is replaced, but that may not outlive a power cut",
			   strerror(errno));
	return true;
}

bool fmt_file_replace(const char *path, const struct stat *was, struct text content,
		      char why[FMT_WHY])
{
	char real[PATH_MAX], folder[PATH_MAX];
	struct making m = { .fd = -1 };
	bool done;

	assert(path != NULL && was != NULL);
	if ((was->st_mode & 0222) == 0 || access(path, W_OK) != 0)
		return say(why, "is read-only", "");
	if (realpath(path, real) == NULL)
		return say(why, "can't be written", strerror(errno));
	memcpy(folder, real, sizeof(folder));
	*strrchr(folder, '/') = '\0'; /* "" for the root: NEW_NAME comes behind a slash */
	done = make(&m, folder, was, content, why) &&
	       put(&m, real, folder[0] != '\0' ? folder : "/", was, why);
	if (m.fd >= 0)
		(void)close(m.fd);
	if (m.path[0] != '\0')
		(void)unlink(m.path);
	return done;
}
