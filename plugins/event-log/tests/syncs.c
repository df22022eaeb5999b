/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a line to the files of a folder and leaves them as a kill would, then begins again
 * there, as if the same line came once more, and says how often that put the file to the disk.
 * fdatasync is counted by the linker's --wrap. */
#include <stdio.h>
#include <string.h>

#include "file.h"

int __wrap_fdatasync(int fd);
int __real_fdatasync(int fd);

static int syncs;

int __wrap_fdatasync(int fd)
{
	syncs++;
	return __real_fdatasync(fd);
}

int main(int argc, char **argv)
{
	static const struct log_limits limits = { .size = 1000 };
	static const char line[] = "{\"seq\":1,\"id\":\"a\"}";
	struct log *log = argc == 2 ? log_open(argv[1], &limits) : NULL;

	if (log == NULL || !log_add(log, 1, line, strlen(line)) || !log_write(log))
		return 1;
	log_close(log);
	log = log_open(argv[1], &limits);
	if (log == NULL || log_last(log) != 1 || !log_write(log) || !log_sync(log))
		return 1;
	log_close(log);
	(void)printf("%d\n", syncs);
	return 0;
}
