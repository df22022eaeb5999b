/* SPDX-License-Identifier: Apache-2.0
 *
 * control - see control.h.
 */
#include "tests/sandbox/control.h"

#include "tests/sandbox/chat.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/feed.h"
#include "tests/sandbox/fields.h"
#include "tests/sandbox/hindsite.h"
#include "tests/sandbox/ids.h"
#include "tests/sandbox/journal.h"
#include "tests/sandbox/kantata.h"
#include "tests/sandbox/page.h"
#include "tests/sandbox/resources.h"
#include "tests/sandbox/switches.h"
#include "tests/sandbox/times.h"
#include "tests/sandbox/webhooks.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(struct reply *re, int status, const char *why)
{
	struct text *out = reply_json(re, status);

	text_add(out, "{\"error\":");
	text_quote(out, why ? why : "no such route");
	text_char(out, '}');
}

const struct vendor control = { "control", false, refuse, NULL, NULL };

static void done(struct reply *re)
{
	text_add(reply_json(re, 200), "{\"ok\":true}");
}

/* The body, or NULL with the refusal filled in. */
static json_t *body_of(const struct request *rq, struct reply *re)
{
	struct request json = *rq;
	char why[160] = "";
	json_t *body;

	json.content_type = NULL; /* JSON whatever curl says it is */
	body = request_object(&json, why);
	if (!body)
		refuse(re, 400, why);
	return body;
}

void control_page(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	size_t n;
	const char *html = page_html(&n);

	(void)sb;
	(void)rq;
	reply_plain(re, 200, "");
	re->type = "text/html; charset=utf-8";
	text_bytes(&re->body, html, n);
}

void control_journal(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	const char *format = args_get(&rq->query, "format");
	struct journal_view view = {
		.since = args_int(&rq->query, "since", 0, 0, INT64_MAX),
		.limit = (size_t)args_int(&rq->query, "limit", 0, 0, JOURNAL_MAX),
		.route = args_get(&rq->query, "route"),
		.path = args_get(&rq->query, "path"),
		.lines = format && !strcmp(format, "lines"),
	};

	journal_write(sb->journal, &view, reply_json(re, 200));
	if (view.lines)
		re->type = "application/x-ndjson";
}

void control_journal_clear(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)rq;
	journal_clear(sb->journal);
	done(re);
}

void control_reset(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)rq;
	sandbox_reset(sb);
	done(re);
}

void control_switches(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)rq;
	switches_write(&sb->switches, reply_json(re, 200));
}

void control_switches_set(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	const char *why = body ? switches_set(&sb->switches, body) : NULL;

	if (body && why) {
		refuse(re, 422, why);
	} else if (body) {
		hooks_wake(sb->hooks);
		switches_write(&sb->switches, reply_json(re, 200));
	}
	json_decref(body);
}

void control_faults(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)rq;
	faults_write(sb->faults, reply_json(re, 200));
}

void control_faults_add(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	const char *why = body ? faults_add(sb->faults, body) : NULL;

	if (body && why)
		refuse(re, 422, why);
	else if (body)
		faults_write(sb->faults, reply_json(re, 200));
	json_decref(body);
}

void control_faults_clear(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	faults_clear(sb->faults, args_get(&rq->query, "route"));
	done(re);
}

void control_clock(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	json_t *advance = json_object_get(body, "advance_s");
	double seconds = json_number_value(advance);

	if (body && (!json_is_number(advance) || !(seconds >= 0 && seconds <= 1e9))) {
		refuse(re, 422, "advance_s must be a number of seconds from 0 to 1e9");
	} else if (body) {
		if (json_is_true(json_object_get(body, "stop")) && sb->stopped_ms == 0)
			sb->stopped_ms = times_wall_ms();
		sb->clock_offset_ms += (int64_t)(seconds * 1000);
		if (sb->clock_offset_ms > CLOCK_OFFSET_MAX_MS)
			sb->clock_offset_ms = CLOCK_OFFSET_MAX_MS;
		text_fmt(reply_json(re, 200), "{\"now_ms\":%lld,\"offset_ms\":%lld}",
			 (long long)sandbox_now_ms(sb), (long long)sb->clock_offset_ms);
	}
	json_decref(body);
}

void control_messages(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	(void)rq;
	chat_write(sb->chat, 0, reply_json(re, 200));
}

void control_seed(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	json_int_t n = json_integer_value(json_object_get(body, "workspaces"));

	if (body && (n < 1 || n > SEED_MAX)) {
		refuse(re, 422, "workspaces must be a number from 1 to 1000000");
	} else if (body) {
		world_clear(sb->world);
		resources_clear(sb->resources);
		seed_many(sb->world, n, sandbox_now(sb));
		text_fmt(reply_json(re, 200), "{\"workspaces\":%zu}", world_count(sb->world));
	}
	json_decref(body);
}

/* Changes that many projects, spread evenly, and lists their ids. */
static bool touch(struct sandbox *sb, size_t wanted, const char *field, struct text *out)
{
	size_t n;
	struct workspace *const *all = world_sorted(sb->world, WORLD_BY_ID, &n);
	int64_t now = sandbox_now(sb);

	assert(wanted <= n);
	text_fmt(out, "{\"changed\":%zu,\"ids\":[", wanted);
	for (size_t i = 0; i < wanted; i++) {
		struct workspace *ws = all[i * n / wanted];

		if (!fields_bump(ws, field, now * 1000 + (int64_t)i % 1000))
			return false;
		world_touch(sb->world, ws, now);
		feed_workspace(sb, ws, "updated");
		text_fmt(out, "%s\"%lld\"", i ? "," : "", (long long)ws->id);
	}
	text_add(out, "]}");
	return true;
}

void control_touch(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	double fraction = json_number_value(json_object_get(body, "fraction"));
	const char *field = json_string_value(json_object_get(body, "field"));
	double wanted = floor(fraction * (double)world_count(sb->world) + 1e-6);

	if (body && !(fraction > 0 && fraction <= 1))
		refuse(re, 422, "fraction must be above 0 and at most 1");
	else if (body && !touch(sb, (size_t)wanted, field ? field : "title", reply_json(re, 200)))
		refuse(re, 422, "that field can't be changed");
	json_decref(body);
}

static struct workspace *find(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = world_find(sb->world, strtoll(rq->id, NULL, 10));

	if (!ws)
		refuse(re, 404, "no such workspace");
	return ws;
}

static void show(struct sandbox *sb, const struct workspace *ws, struct reply *re)
{
	struct view view = { .optional = UINT64_MAX,
			     .financials = true,
			     .offset_min = (int)sb->switches.utc_offset_min };

	fields_write(ws, &view, reply_json(re, 200));
}

static void changed(struct sandbox *sb, struct workspace *ws, struct reply *re)
{
	world_touch(sb->world, ws, sandbox_now(sb));
	feed_workspace(sb, ws, "updated");
	show(sb, ws, re);
}

void control_merge(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = find(sb, rq, re);
	json_t *body = ws ? body_of(rq, re) : NULL;
	struct workspace *copy = body ? workspace_copy(ws) : NULL;
	const char *field = "";
	char why[160] = "";

	if (copy && !kantata_apply(copy, body, true, &field, why)) {
		workspace_free(copy);
		refuse(re, 422, why);
	} else if (copy) {
		workspace_become(ws, copy);
		changed(sb, ws, re);
		if (json_object_get(body, "updated_at")) { /* set on purpose: leave it */
			(void)kantata_apply(ws, body, true, &field, why);
			show(sb, ws, re);
		}
	}
	json_decref(body);
}

void control_delete(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = find(sb, rq, re);

	if (!ws)
		return;
	resources_drop_workspace(sb, ws->id);
	feed_workspace(sb, ws, "deleted");
	world_remove(sb->world, ws);
	done(re);
}

void control_hours(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct workspace *ws = find(sb, rq, re);
	json_t *body = ws ? body_of(rq, re) : NULL;
	double hours = json_number_value(json_object_get(body, "hours"));
	double cost = ws ? hours * (double)ws->rate_in_cents : 0;

	if (body && !(fabs(hours) <= 100000 && hours != 0 && fabs(cost) <= 1e13)) {
		refuse(re, 422, "hours must be a number other than 0, and of a sensible size");
	} else if (body) {
		ws->minutes_logged += llround(hours * 60);
		ws->budget_used_in_cents += llround(cost);
		workspace_recompute(ws);
		changed(sb, ws, re);
	}
	json_decref(body);
}

static void set_archived(struct sandbox *sb, const struct request *rq, struct reply *re, bool to)
{
	struct workspace *ws = find(sb, rq, re);

	if (!ws)
		return;
	ws->archived = to;
	changed(sb, ws, re);
}

void control_archive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	set_archived(sb, rq, re, true);
}

void control_unarchive(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	set_archived(sb, rq, re, false);
}

/* Takes over the patch. */
static void change(struct sandbox *sb, const struct request *rq, struct reply *re, json_t *patch,
		   const char *action)
{
	json_t *set = patch ? hindsite_change(sb, rq->id, patch, action) : NULL;

	if (set)
		text_value(reply_json(re, 200), set);
	else if (patch)
		refuse(re, 404, "no such work set");
	json_decref(patch);
}

void control_work_set_merge(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *patch = body_of(rq, re);

	if (patch)
		(void)json_object_del(patch, "id");
	change(sb, rq, re, patch, "work_set_updated");
}

void control_work_set_complete(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *patch = json_pack("{sb sI sf}", "completed", 1, "completed_at",
				  (json_int_t)sandbox_now(sb), "progress", 100.0);

	change(sb, rq, re, patch, "work_set_completed");
}

void control_work_set_approve(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	change(sb, rq, re, json_pack("{sb}", "approved", 1), "work_set_approved");
}

void control_work_set_progress(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	json_t *value = json_object_get(body, "progress");
	double progress = json_number_value(value);

	if (body && (!json_is_number(value) || !(progress >= 0 && progress <= 100)))
		refuse(re, 422, "progress must be a number from 0 to 100");
	else if (body)
		change(sb, rq, re, json_pack("{sf}", "progress", progress), "work_set_updated");
	json_decref(body);
}

/* Changes of tracked_time, one after the other, while the clock goes forward. */
void control_work_set_burst(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	json_t *body = body_of(rq, re);
	json_int_t count = json_integer_value(json_object_get(body, "count"));
	json_int_t seconds = json_integer_value(json_object_get(body, "over_s"));
	json_t *set = hindsite_work_set(sb, rq->id);
	json_int_t before = json_integer_value(json_object_get(set, "tracked_time"));

	if (body && !set)
		refuse(re, 404, "no such work set");
	else if (body && (count < 1 || count > BURST_MAX || seconds < 0 || seconds > 86400))
		refuse(re, 422, "count must be 1 to 10000, over_s 0 to 86400");
	else if (body) {
		for (json_int_t i = 1; i <= count; i++) {
			json_t *patch = json_pack("{sI}", "tracked_time", before + i);

			sb->clock_offset_ms += seconds * 1000 / count;
			(void)hindsite_change(sb, rq->id, patch, "work_set_updated");
			json_decref(patch);
		}
		text_value(reply_json(re, 200), set);
	}
	json_decref(body);
}

/* The one webhook whose body the vendor publishes. */
void control_report_export(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	char when[TIMES_TEXT];
	char id[ULID_SIZE];
	json_t *report;

	(void)rq;
	times_iso_ms(when, sandbox_now_ms(sb));
	ids_ulid(id, sandbox_now_ms(sb));
	report = json_pack("{ss ss ss s{ss ss} ss ss ss}", "id", id, "status", "completed",
			   "format", "pdf", "exportable", "type", "Form", "id",
			   "01J8Z3KQ5V9X7W2M4N6P8R0F01", "created_at", when, "completed_at", when,
			   "download_url", "https://files.example/report.pdf");
	hooks_emit(sb, "report_export_completed", "report_export", report);
	text_value(reply_json(re, 200), report);
	json_decref(report);
}

static void write_workspaces(struct sandbox *sb, struct text *out)
{
	struct view view = { .optional = UINT64_MAX,
			     .financials = true,
			     .offset_min = (int)sb->switches.utc_offset_min };
	size_t n;
	struct workspace *const *all = world_sorted(sb->world, WORLD_BY_ID, &n);

	text_char(out, '[');
	for (size_t i = 0; i < n && i < PAGE_ROWS; i++) {
		text_add(out, i ? "," : "");
		fields_write(all[i], &view, out);
	}
	text_char(out, ']');
}

void control_state(struct sandbox *sb, const struct request *rq, struct reply *re)
{
	struct text *out = reply_json(re, 200);

	(void)rq;
	text_fmt(out, "{\"now_ms\":%lld,\"clock_offset_ms\":%lld,\"workspaces_total\":%zu",
		 (long long)sandbox_now_ms(sb), (long long)sb->clock_offset_ms,
		 world_count(sb->world));
	text_fmt(out, ",\"requests\":%lld,\"messages_total\":%lld",
		 (long long)journal_total(sb->journal), (long long)chat_total(sb->chat));
	text_key(out, "workspaces");
	write_workspaces(sb, out);
	text_key(out, "work_sets");
	hindsite_write(sb->hindsite, out);
	text_key(out, "messages");
	chat_write(sb->chat, PAGE_ROWS, out);
	text_key(out, "webhook_deliveries");
	hooks_write(sb->hooks, out);
	text_key(out, "switches");
	switches_write(&sb->switches, out);
	text_key(out, "faults");
	faults_write(sb->faults, out);
	text_key(out, "routes");
	routes_write_names(out);
	text_char(out, '}');
}
