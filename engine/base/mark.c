/* SPDX-License-Identifier: Apache-2.0
 *
 * mark.c - see mark.h. */
#include "engine/base/mark.h"

#include <dirent.h>
#include <sys/stat.h>

#include "engine/base/buf.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"

#define MARK_DEPTH 8 /* folders beneath a rules folder */

static uint64_t mark_path(const char *path, int depth);

/* Order-independent: readdir's order is not fixed. */
static uint64_t mark_folder(const char *path, int depth)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	uint64_t sum = 0;

	if (folder == NULL)
		return 0;
	while ((entry = readdir(folder)) != NULL) {
		struct buf name;

		if (entry->d_name[0] == '.')
			continue;
		buf_init(&name, 4096);
		buf_printf(&name, "%s/%s", path, entry->d_name);
		if (!buf_failed(&name))
			sum += mark_path(buf_cstr(&name), depth - 1);
		buf_fini(&name);
	}
	(void)closedir(folder);
	return sum;
}

static uint64_t mark_path(const char *path, int depth)
{
	struct stat st;
	uint64_t facts[4];

	if (depth < 0 || stat(path, &st) != 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return mark_folder(path, depth);
	facts[0] = (uint64_t)st.st_size;
	facts[1] = (uint64_t)st.st_mtim.tv_sec;
	facts[2] = (uint64_t)st.st_mtim.tv_nsec;
	facts[3] = (uint64_t)st.st_ino;
	return hash64(path, strlen(path), hash64(facts, sizeof(facts), 0));
}

uint64_t mark_of(struct text path)
{
	char *name = text_heap(path);
	uint64_t mark = name != NULL ? mark_path(name, MARK_DEPTH) : 0;

	mem_free(name);
	return mark;
}
