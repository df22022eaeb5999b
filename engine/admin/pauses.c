/* SPDX-License-Identifier: Apache-2.0
 *
 * pauses.c - what operators have paused, as the sequencer committed it last.
 *
 * Both pages are written when it changes, on the sequencer's thread; readers copy.
 * Never: shows a pause that isn't committed. */
#include "engine/admin/internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/timetext.h"
#include "engine/sequencer/pause.h"

static void put_text(struct buf *out, const char *name, struct text t)
{
	buf_printf(out, ",\"%s\":", name);
	value_write_text(out, t);
}

static void put_time(struct buf *out, const char *name, int64_t ms)
{
	char room[TIMETEXT_MAX];

	timetext_format_ms(ms, room);
	if (ms > 0)
		buf_printf(out, ",\"%s\":\"%s\"", name, room);
	else
		buf_printf(out, ",\"%s\":null", name);
}

static void put_row(struct buf *out, const struct pause_row *row)
{
	buf_str(out, "{\"kind\":");
	value_write_text(out, row->kind);
	put_text(out, "name", row->name);
	put_time(out, "since", row->since);
	put_time(out, "until", row->until);
	put_text(out, "who", row->who);
	put_text(out, "why", row->why);
	buf_char(out, '}');
}

/* Names of rules and connections have no character that a label would escape. */
static void put_metrics(struct buf *out, const struct pause_row *pauses, size_t count)
{
	buf_str(out, "# HELP tappet_paused 1 for each rule, connection and plugin that is paused.\n"
		     "# TYPE tappet_paused gauge\n");
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "tappet_paused{kind=\"%.*s\",name=\"%.*s\"} 1\n",
			   TEXT_ARG(pauses[i].kind), TEXT_ARG(pauses[i].name));
	buf_str(out, "# HELP tappet_pause_start_timestamp_seconds When it was paused.\n"
		     "# TYPE tappet_pause_start_timestamp_seconds gauge\n");
	for (size_t i = 0; i < count; i++)
		buf_printf(out,
			   "tappet_pause_start_timestamp_seconds{kind=\"%.*s\",name=\"%.*s\"} "
			   "%lld.%03d\n",
			   TEXT_ARG(pauses[i].kind), TEXT_ARG(pauses[i].name),
			   (long long)(pauses[i].since / 1000), (int)(pauses[i].since % 1000));
}

void admin_set_pauses(struct admin *admin, const struct pause_row *pauses, size_t count)
{
	struct buf *json = &admin->pauses_json;

	assert(admin != NULL && (pauses != NULL || count == 0));
	pthread_mutex_lock(&admin->lock);
	buf_clear(json);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_char(json, ',');
		put_row(json, &pauses[i]);
	}
	buf_clear(&admin->pauses_metrics);
	put_metrics(&admin->pauses_metrics, pauses, count);
	admin->pauses = count;
	pthread_mutex_unlock(&admin->lock);
}

void pauses_write_json(struct admin *admin)
{
	pthread_mutex_lock(&admin->lock);
	buf_str(&admin->page, "{\"pauses\":[");
	buf_text(&admin->page, buf_view(&admin->pauses_json));
	buf_str(&admin->page, "]}");
	pthread_mutex_unlock(&admin->lock);
}

void pauses_write_metrics(struct admin *admin)
{
	pthread_mutex_lock(&admin->lock);
	buf_text(&admin->page, buf_view(&admin->pauses_metrics));
	pthread_mutex_unlock(&admin->lock);
}

size_t pauses_count(struct admin *admin)
{
	pthread_mutex_lock(&admin->lock);
	size_t count = admin->pauses;

	pthread_mutex_unlock(&admin->lock);
	return count;
}
