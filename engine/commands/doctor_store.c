/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_store - whether the store can be opened, is sound, and has room to grow. */
#include "engine/commands/doctor.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>

#include "engine/base/limits.h"
#include "engine/commands/setup.h"

#define ROOM_FAIL (256ull * MIB)  /* the log alone may grow by as much in a busy minute */
#define ROOM_WARN (2048ull * MIB) /* days of a small installation */

static bool first(void *of, const struct event_record *event)
{
	int64_t *newest = of;

	*newest = event->received;
	return false;
}

static void content(struct doctor *d, struct store *store)
{
	const struct event_query query = { .newest_first = true, .limit = 1 };
	struct store_error error = { 0 };

	if (!store_check(store, &error)) {
		doctor_say(d, FINDING_FAIL, "store", d->config->store,
			   "restore a backup: docs/OPERATING.md", "%s", error.text);
		return;
	}
	(void)store_query_events(store, &query, first, &d->newest);
	doctor_say(d, FINDING_OK, "store", d->config->store, NULL,
		   "sound, %lld events were ever recorded", (long long)store_last_event(store));
}

static void room(struct doctor *d)
{
	struct text kind, path = text_split(d->config->store, ':', &kind);
	unsigned long long left;
	struct statvfs fs;
	char at[PATH_MAX];
	char *folder;

	(void)snprintf(at, sizeof(at), "%.*s", TEXT_ARG(path));
	folder = dirname(at);
	if (statvfs(folder, &fs) != 0) {
		doctor_say(d, FINDING_FAIL, "disk", text_of(folder), "make the folder",
			   "can't be looked at: %s", strerror(errno));
		return;
	}
	left = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if ((fs.f_flag & ST_RDONLY) != 0)
		doctor_say(d, FINDING_FAIL, "disk", text_of(folder), "mount it for writing",
			   "read-only");
	else if (left < ROOM_WARN)
		doctor_say(d, left < ROOM_FAIL ? FINDING_FAIL : FINDING_WARN, "disk",
			   text_of(folder), "make room, or shorten retention.events",
			   "%llu MiB left", left / MIB);
	else
		doctor_say(d, FINDING_OK, "disk", text_of(folder), NULL, "%llu MiB left",
			   left / MIB);
}

void doctor_store(struct doctor *d)
{
	AUTO(store_close) struct store *store = NULL;
	struct store_error error = { 0 };

	if (!text_starts(d->config->store, TEXT("sqlite:")))
		return;
	if (store_open_reader(text_dup(d->context->arena, d->config->store).s, &store, &error) ==
	    FATE_OK)
		content(d, store);
	else if (error.kind == STORE_MISSING)
		doctor_say(d, FINDING_WARN, "store", d->config->store, "tappet run makes it",
			   "not there yet");
	else
		doctor_say(d, FINDING_FAIL, "store", d->config->store,
			   "see \"It doesn't start\" in docs/OPERATING.md", "%s", error.text);
	room(d);
}
