/* SPDX-License-Identifier: Apache-2.0
 *
 * publish.c - see publish.h. */
#include "engine/sequencer/publish.h"

#include <assert.h>

#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/value/diff.h"

static void member(struct buf *out, const char *name)
{
	buf_str(out, ",\"");
	buf_str(out, name);
	buf_str(out, "\":");
}

static void member_text(struct buf *out, const char *name, struct text value)
{
	member(out, name);
	value_write_text(out, value);
}

static void member_json(struct buf *out, const char *name, struct text json)
{
	member(out, name);
	buf_text(out, json.n > 0 ? json : TEXT("null"));
}

/* A reference within the engine: /tappet/ and the source. */
static void member_source(struct buf *out, struct text source)
{
	AUTO_FINI(buf_fini) struct buf path;

	buf_init(&path, LIMIT_URL);
	buf_str(&path, "/tappet/");
	buf_text(&path, source);
	member_text(out, "source", buf_view(&path));
	buf_follow(out, &path);
}

void publish_event(struct buf *out, struct arena *scratch, const struct event_record *record,
		   struct value before, struct value data)
{
	char time[TIMETEXT_MAX];
	struct changes changes;

	assert(out != NULL && scratch != NULL && record != NULL);
	timetext_format_ms(record->time, time);
	buf_str(out, "{\"specversion\":\"1.0\"");
	member_text(out, "id", record->id);
	member_source(out, record->source);
	member_text(out, "type", record->type);
	if (record->subject.n > 0)
		member_text(out, "subject", record->subject);
	member_text(out, "time", text_of(time));
	buf_str(out, ",\"datacontenttype\":\"application/json\",\"seq\":");
	buf_int(out, record->seq);
	member(out, "depth");
	buf_int(out, record->depth);
	member_json(out, "data", record->data);
	if (before.kind != VALUE_NULL) {
		changes = diff_values(scratch, before, data);
		member_json(out, "before", record->before);
		member(out, "changed");
		value_write(out, diff_as_value(scratch, &changes));
	}
	buf_char(out, '}');
}
