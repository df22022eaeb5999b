/* SPDX-License-Identifier: Apache-2.0
 *
 * clock - the system's two clocks, and one turned by hand. */
#include "engine/base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The ban of base/banned.h ends here: this is what the others are to use. */
#undef clock_gettime

static int64_t read_ms(clockid_t id)
{
	struct timespec now = { 0 };
	int failed = clock_gettime(id, &now);

	assert(failed == 0); /* both clocks exist wherever this compiles */
	(void)failed;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_micros(void)
{
	struct timespec now = { 0 };
	int failed = clock_gettime(CLOCK_MONOTONIC, &now);

	assert(failed == 0);
	(void)failed;
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct instant read_system(void *of)
{
	(void)of;
	return (struct instant){ read_ms(CLOCK_REALTIME), read_ms(CLOCK_MONOTONIC) };
}

static struct instant read_manual(void *of)
{
	const struct instant *now = of;

	return *now;
}

struct clock clock_system(void)
{
	return (struct clock){ read_system, NULL };
}

#ifdef TAPPET_FAULTS
#define LOOK_MS 5 /* short against the seconds that are turned by, long against a commit */

static struct instant read_turned(void *of)
{
	const _Atomic int64_t *ms = of;
	int64_t now = ms[0];

	return (struct instant){ now + ms[1], now };
}

bool clock_turned(const char *path, struct clock *out)
{
	void *ms;
	int fd;

	assert(path != NULL && out != NULL);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ms = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (ms == MAP_FAILED)
		return false;
	*out = (struct clock){ read_turned, ms };
	return true;
}

int64_t clock_patience(const struct clock *clock, int64_t ms)
{
	assert(clock != NULL);
	return clock->read == read_turned && (ms < 0 || ms > LOOK_MS) ? LOOK_MS : ms;
}
#else
int64_t clock_patience(const struct clock *clock, int64_t ms)
{
	(void)clock;
	return ms;
}
#endif

struct clock clock_manual(struct instant *now)
{
	assert(now != NULL);
	return (struct clock){ read_manual, now };
}
