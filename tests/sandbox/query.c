/* SPDX-License-Identifier: Apache-2.0
 *
 * query - see query.h.
 *
 * A list first picks the shortest ready-made order that covers it (a range of created_at or
 * updated_at, else all), drops what the filters drop, and sorts only if the order asked for is
 * another one. So a page of a keyset walk over 100,000 projects touches each at most once.
 */
#include "tests/sandbox/query.h"

#include "tests/sandbox/custom.h"
#include "tests/sandbox/includes.h"
#include "tests/sandbox/times.h"
#include "tests/sandbox/timesheets.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum archived { ARCHIVED_EXCLUDE, ARCHIVED_INCLUDE, ARCHIVED_ONLY };
enum three { NO, YES, EITHER };

/* Bounds in milliseconds, both exclusive; INT64_MIN and INT64_MAX are open ends. */
struct range {
	int64_t after;
	int64_t before;
};

struct ids {
	bool given;
	size_t n;
	int64_t *v;
};

struct column {
	const char *name;
	enum world_order ready; /* WORLD_BY_ID: none, has to be sorted */
	int (*compare)(const struct workspace *a, const struct workspace *b);
};

struct query {
	struct range created;
	struct range updated;
	struct range due;   /* dates as numbers */
	struct range start; /* likewise */
	enum archived archived;
	enum three budgeted;
	const char *stage;
	const char *custom_text;
	const char *pending; /* timesheets; NULL: not asked for */
	struct timesheet_range weeks;
	const char *matching;
	const struct args *args; /* what is rare is looked up */
	struct ids only;
	struct ids except;
	const struct column *column;
	bool descending;
};

struct found {
	struct workspace **v;
	size_t n;
	bool ordered; /* by the column, ascending, ties by id */
};

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_created(const struct workspace *a, const struct workspace *b)
{
	return compare(a->created_at, b->created_at);
}

static int by_updated(const struct workspace *a, const struct workspace *b)
{
	return compare(a->updated_at, b->updated_at);
}

static int by_title(const struct workspace *a, const struct workspace *b)
{
	return strcasecmp(a->title ? a->title : "", b->title ? b->title : "");
}

static int by_due(const struct workspace *a, const struct workspace *b)
{
	return compare(a->due_date, b->due_date);
}

static int by_start(const struct workspace *a, const struct workspace *b)
{
	return compare(a->start_date, b->start_date);
}

static int by_price(const struct workspace *a, const struct workspace *b)
{
	return compare(a->price_in_cents, b->price_in_cents);
}

static int by_complete(const struct workspace *a, const struct workspace *b)
{
	return compare(a->percentage_complete, b->percentage_complete);
}

static int by_status(const struct workspace *a, const struct workspace *b)
{
	return compare(a->status_key, b->status_key);
}

static int by_lead(const struct workspace *a, const struct workspace *b)
{
	const struct user *x = world_user(a->primary_maven_id);
	const struct user *y = world_user(b->primary_maven_id);

	return strcmp(x ? x->full_name : "", y ? y->full_name : "");
}

static const struct column columns[] = {
	{ "updated_at", WORLD_BY_UPDATED, by_updated }, /* first: the default */
	{ "created_at", WORLD_BY_CREATED, by_created },
	{ "title", WORLD_BY_ID, by_title },
	{ "due_date", WORLD_BY_ID, by_due },
	{ "start_date", WORLD_BY_ID, by_start },
	{ "price", WORLD_BY_ID, by_price },
	{ "percentage_complete", WORLD_BY_ID, by_complete },
	{ "status", WORLD_BY_ID, by_status },
	{ "provider_lead_name", WORLD_BY_ID, by_lead },
};

/* `name:direction`; anything but desc is ascending, an unknown name is the default order. */
static void parse_order(struct query *q, const char *s)
{
	size_t n = s ? strcspn(s, ":") : 0;

	q->column = &columns[0];
	q->descending = true;
	for (size_t i = 0; s && i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (strlen(columns[i].name) != n || strncmp(columns[i].name, s, n) != 0)
			continue;
		q->column = &columns[i];
		q->descending = !strcmp(s + n, ":desc");
	}
}

static enum three parse_bool(const char *s)
{
	if (s && (!strcmp(s, "true") || !strcmp(s, "TRUE")))
		return YES;
	return s && (!strcmp(s, "false") || !strcmp(s, "FALSE")) ? NO : EITHER;
}

static int by_number(const void *a, const void *b)
{
	return compare(*(const int64_t *)a, *(const int64_t *)b);
}

/* Tokens made of digits, without doubles; others are dropped. */
static struct ids parse_ids(const char *list)
{
	struct ids ids = { .given = list != NULL };
	size_t unique = 0;

	if (!list)
		return ids;
	ids.v = must_alloc(strlen(list) / 2 + 1, sizeof(*ids.v));
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n > 0 && n < 19 && strspn(list, "0123456789") == n)
			ids.v[ids.n++] = strtoll(list, NULL, 10);
		list += list[n] ? n + 1 : n;
	}
	qsort(ids.v, ids.n, sizeof(*ids.v), by_number);
	for (size_t i = 0; i < ids.n; i++)
		if (i == 0 || ids.v[i] != ids.v[unique - 1])
			ids.v[unique++] = ids.v[i];
	ids.n = unique;
	return ids;
}

static bool bound(const struct args *args, const char *name, bool date, int64_t shift,
		  int64_t *value, char why[WHY_MAX])
{
	const char *s = args_get(args, name);
	int32_t day = 0;
	int64_t ms = 0;

	if (!s)
		return true;
	if (date ? !times_parse_date(s, &day) : !times_parse(s, &ms)) {
		(void)snprintf(why, WHY_MAX, "%s is not a valid %s", name,
			       date ? "date" : "ISO 8601 datetime");
		return false;
	}
	*value = (date ? day : ms) + shift;
	return true;
}

static bool parse_ranges(struct query *q, const struct args *args, bool inclusive,
			 char why[WHY_MAX])
{
	int64_t less = inclusive ? -1 : 0;
	int64_t more = inclusive ? 1 : 0;
	struct range open = { INT64_MIN, INT64_MAX };

	q->created = q->updated = q->due = q->start = open;
	return bound(args, "created_after", false, less, &q->created.after, why) &&
	       bound(args, "created_before", false, more, &q->created.before, why) &&
	       bound(args, "updated_after", false, less, &q->updated.after, why) &&
	       bound(args, "updated_before", false, more, &q->updated.before, why) &&
	       bound(args, "due_date_after", true, 0, &q->due.after, why) &&
	       bound(args, "due_date_before", true, 0, &q->due.before, why) &&
	       bound(args, "start_date_after", true, 0, &q->start.after, why) &&
	       bound(args, "start_date_before", true, 0, &q->start.before, why);
}

static enum archived parse_archived(const struct args *args)
{
	const char *mode = args_get(args, "archived");
	const char *defaults = args_get(args, "apply_default_filters");
	bool off = defaults && strcmp(defaults, "true") != 0 && strcmp(defaults, "TRUE") != 0 &&
		   strcmp(defaults, "1") != 0;

	if (mode && !strcmp(mode, "only"))
		return ARCHIVED_ONLY;
	if (mode && !strcmp(mode, "include"))
		return ARCHIVED_INCLUDE;
	if (mode && !strcmp(mode, "exclude"))
		return ARCHIVED_EXCLUDE;
	return off || parse_bool(args_get(args, "include_archived")) == YES ? ARCHIVED_INCLUDE
									    : ARCHIVED_EXCLUDE;
}

bool query_shows_archived(const struct args *args)
{
	return parse_archived(args) != ARCHIVED_EXCLUDE;
}

static bool parse(struct query *q, const struct sandbox *sb, const struct args *args,
		  char why[WHY_MAX])
{
	if (!parse_ranges(q, args, sb->switches.after_inclusive, why))
		return false;
	q->archived = parse_archived(args);
	q->budgeted = parse_bool(args_get(args, "budgeted"));
	q->stage = args_get(args, "stage");
	q->pending = args_get(args, "pending_timesheet_submissions");
	if (q->pending && !timesheets_range(q->pending, &q->weeks)) {
		(void)snprintf(why, WHY_MAX,
			       "pending_timesheet_submissions is not a valid range of dates");
		return false;
	}
	q->custom_text = args_get(args, "by_custom_text_value");
	q->matching = args_get(args, "matching");
	q->args = args;
	q->only = parse_ids(args_get(args, "only"));
	q->except = parse_ids(args_get(args, "except"));
	parse_order(q, args_get(args, "order"));
	return true;
}

static bool within(int64_t value, const struct range *r)
{
	return value > r->after && value < r->before;
}

/* A project without the date is outside any bounded range. */
static bool date_within(int32_t date, const struct range *r)
{
	if (r->after == INT64_MIN && r->before == INT64_MAX)
		return true;
	return date != 0 && within(date, r);
}

static bool stop_word(const char *word, size_t n)
{
	static const char *const stop[] = {
		"a", "an", "and", "for", "in", "of", "on", "the", "to"
	};

	for (size_t i = 0; i < sizeof(stop) / sizeof(stop[0]); i++)
		if (strlen(stop[i]) == n && !strncasecmp(stop[i], word, n))
			return true;
	return false;
}

static bool has_word(const char *title, const char *prefix, size_t n)
{
	for (bool start = true; *title; title++) {
		if (start && !strncasecmp(title, prefix, n))
			return true;
		start = isspace((unsigned char)*title);
	}
	return false;
}

/* Every word of the search begins a word of the title. */
static bool matches(const char *title, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");

		if (n && !stop_word(words, n) && !has_word(title ? title : "", words, n))
			return false;
		words += words[n] ? n + 1 : n;
	}
	return true;
}

static bool listed(const struct ids *ids, int64_t id)
{
	return ids->n && bsearch(&id, ids->v, ids->n, sizeof(*ids->v), by_number);
}

static bool passes(const struct query *q, const struct workspace *ws)
{
	if (q->archived != ARCHIVED_INCLUDE && ws->archived != (q->archived == ARCHIVED_ONLY))
		return false;
	if (!within(ws->created_at * 1000, &q->created) ||
	    !within(ws->updated_at * 1000, &q->updated))
		return false;
	if (!date_within(ws->due_date, &q->due) || !date_within(ws->start_date, &q->start))
		return false;
	if (q->budgeted != EITHER && ws->budgeted != (q->budgeted == YES))
		return false;
	if (q->stage && (!ws->stage || strcmp(q->stage, ws->stage) != 0))
		return false;
	if (q->pending && !timesheets_wait(ws, &q->weeks))
		return false;
	if (q->custom_text && !custom_has_texts(ws, q->custom_text))
		return false;
	if (!query_listed(args_get(q->args, "provider_lead"), ws->primary_maven_id))
		return false;
	return (!q->matching || matches(ws->title, q->matching)) && !listed(&q->except, ws->id) &&
	       query_refers(q->args, ws->reference);
}

static int64_t time_of(const struct workspace *ws, enum world_order order)
{
	return (order == WORLD_BY_CREATED ? ws->created_at : ws->updated_at) * 1000;
}

/* The first place in an order by time whose time is above the limit. */
static size_t first_above(struct workspace *const *v, size_t n, enum world_order order,
			  int64_t limit)
{
	size_t low = 0;

	while (low < n) {
		size_t mid = low + (n - low) / 2;

		if (time_of(v[mid], order) > limit)
			n = mid;
		else
			low = mid + 1;
	}
	return low;
}

static enum world_order choose(const struct query *q)
{
	if (q->updated.after != INT64_MIN)
		return WORLD_BY_UPDATED;
	if (q->created.after != INT64_MIN)
		return WORLD_BY_CREATED;
	return q->column->ready;
}

static void collect_only(struct world *w, const struct query *q, struct found *found)
{
	found->v = must_alloc(q->only.n, sizeof(struct workspace *));
	for (size_t i = 0; i < q->only.n; i++) {
		struct workspace *ws = world_find(w, q->only.v[i]);

		if (ws && passes(q, ws))
			found->v[found->n++] = ws;
	}
}

static void collect(struct world *w, const struct query *q, struct found *found)
{
	enum world_order order = choose(q);
	size_t n;
	struct workspace *const *all = world_sorted(w, order, &n);
	size_t i = 0;

	if (order == WORLD_BY_UPDATED)
		i = first_above(all, n, order, q->updated.after);
	else if (order == WORLD_BY_CREATED)
		i = first_above(all, n, order, q->created.after);
	found->v = must_alloc(n - i, sizeof(struct workspace *));
	for (; i < n; i++)
		if (passes(q, all[i]))
			found->v[found->n++] = all[i];
	found->ordered = order != WORLD_BY_ID && order == q->column->ready;
}

static int compare_rows(const void *a, const void *b, void *column)
{
	const struct workspace *x = *(struct workspace *const *)a;
	const struct workspace *y = *(struct workspace *const *)b;
	int c = ((const struct column *)column)->compare(x, y);

	return c ? c : compare(x->id, y->id);
}

static void reverse(struct workspace **v, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct workspace *swap = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = swap;
	}
}

/* Turns an ascending list round; equal ones keep the ascending order of their ids. */
static void descend(struct found *found, const struct column *column)
{
	size_t start = 0;

	reverse(found->v, found->n);
	for (size_t i = 1; i <= found->n; i++) {
		if (i < found->n && column->compare(found->v[start], found->v[i]) == 0)
			continue;
		reverse(found->v + start, i - start);
		start = i;
	}
}

static void arrange(const struct query *q, struct found *found)
{
	if (!found->ordered && found->n)
		qsort_r(found->v, found->n, sizeof(*found->v), compare_rows,
			(void *)(uintptr_t)q->column);
	if (q->descending)
		descend(found, q->column);
}

struct query_page query_cut(const struct args *args, bool only, size_t count)
{
	const char *asked = args_get(args, "per_page");
	int64_t size = asked ? strtoll(asked, NULL, 10) : PER_PAGE_DEFAULT;
	int64_t number = args_int(args, "page", 1, INT64_MIN, INT64_MAX);
	struct query_page page = { .number = number };
	int64_t limit;
	int64_t offset;

	page.size = size < 1 ? PER_PAGE_DEFAULT : size > PER_PAGE_MAX ? PER_PAGE_MAX : size;
	limit = page.size;
	/* Past the end is past the end: the cap keeps the product from overflowing. */
	offset = limit * ((number < 1 ? 1 : number > SEED_MAX * 2 ? SEED_MAX * 2 : number) - 1);
	if (args_get(args, "limit") && args_get(args, "offset")) {
		limit = args_int(args, "limit", 1, 1, PER_PAGE_MAX);
		offset = args_int(args, "offset", 0, 0, INT64_MAX);
	}
	if (only) {
		limit = (int64_t)count;
		offset = 0;
	}
	page.start = offset < (int64_t)count ? (size_t)offset : count;
	page.n = count - page.start < (size_t)limit ? count - page.start : (size_t)limit;
	return page;
}

void query_meta(size_t count, const struct query_page *page, struct text *out)
{
	int64_t pages = ((int64_t)count + page->size - 1) / page->size;

	text_fmt(out,
		 "{\"count\":%zu,\"meta\":{\"count\":%zu,\"page_count\":%lld,"
		 "\"page_number\":%lld,\"page_size\":%lld},\"results\":[",
		 count, count, (long long)pages, (long long)(count ? page->number : 0),
		 (long long)page->size);
}

bool query_names(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list && *list; list += strcspn(list, ","), list += *list == ',')
		if (!strncmp(list, name, n) && (list[n] == '\0' || list[n] == ','))
			return true;
	return false;
}

bool query_listed(const char *only, int64_t id)
{
	char word[32];

	(void)snprintf(word, sizeof(word), "%lld", (long long)id);
	return !only || query_names(only, word);
}

static bool same_text(const struct args *args, const char *filter, const json_t *reference,
		      const char *member)
{
	const char *wanted = args_get(args, filter);
	const char *is = json_string_value(json_object_get(reference, member));

	return !wanted || (is && !strcmp(wanted, is));
}

bool query_refers(const struct args *args, const json_t *reference)
{
	enum three has = parse_bool(args_get(args, "has_external_references"));
	const char *refs = args_get(args, "external_reference_service_model_refs");
	const char *without = args_get(args, "without_external_reference_service_name");
	const json_t *ref = json_object_get(reference, "service_model_ref");
	const char *name = json_string_value(json_object_get(reference, "service_name"));
	char word[256] = "";

	if (json_is_string(ref))
		(void)snprintf(word, sizeof(word), "%s", json_string_value(ref));
	else if (ref)
		(void)snprintf(word, sizeof(word), "%lld", (long long)json_integer_value(ref));
	if (has != EITHER && (reference != NULL) != (has == YES))
		return false;
	if ((without && name && !strcmp(name, without)) || (refs && !query_names(refs, word)))
		return false;
	return same_text(args, "external_reference_service_name", reference, "service_name") &&
	       same_text(args, "external_reference_service_model", reference, "service_model") &&
	       same_text(args, "external_reference_status", reference, "status");
}

void query_reference(int64_t id, const json_t *reference, struct text *out)
{
	json_t *copy = json_deep_copy(reference);
	char word[32];

	(void)snprintf(word, sizeof(word), "%lld", (long long)id);
	(void)json_object_set_new(copy, "id", json_string(word));
	text_fmt(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", word);
	text_value(out, copy);
	json_decref(copy);
}

bool query_times(const struct sandbox *sb, const struct args *args, struct query_times *out,
		 char why[WHY_MAX])
{
	struct query q = { 0 };

	if (!parse_ranges(&q, args, sb->switches.after_inclusive, why))
		return false;
	*out = (struct query_times){ q.created.after, q.created.before, q.updated.after,
				     q.updated.before };
	return true;
}

bool query_in_times(const struct query_times *times, int64_t created_s, int64_t updated_s)
{
	return created_s * 1000 > times->created_after &&
	       created_s * 1000 < times->created_before &&
	       updated_s * 1000 > times->updated_after && updated_s * 1000 < times->updated_before;
}

static void write_envelope(struct workspace *const *v, size_t count, const struct query_page *page,
			   const struct view *view, struct text *out)
{
	struct workspace *const *row = v ? v + page->start : v;

	query_meta(count, page, out);
	for (size_t i = 0; i < page->n; i++)
		text_fmt(out, "%s{\"key\":\"workspaces\",\"id\":\"%lld\"}", i ? "," : "",
			 (long long)row[i]->id);
	text_add(out, "],\"workspaces\":{");
	for (size_t i = 0; i < page->n; i++) {
		text_fmt(out, "%s\"%lld\":", i ? "," : "", (long long)row[i]->id);
		fields_write(row[i], view, out);
	}
	text_char(out, '}');
	includes_write_maps(row, page->n, view->includes, out);
	text_char(out, '}');
}

struct view query_view(const struct sandbox *sb, const struct args *args)
{
	return (struct view){
		.optional = fields_optional(args_get(args, "optional_fields")),
		.includes = includes_parse(args_get(args, "include")),
		.financials = sb->switches.financials,
		.offset_min = (int)sb->switches.utc_offset_min,
	};
}

bool query_list(struct sandbox *sb, const struct args *args, struct text *out, char why[WHY_MAX])
{
	struct query q = { 0 };
	struct found found = { 0 };
	struct view view = query_view(sb, args);
	struct query_page page;

	assert(sb && args && out);
	if (!parse(&q, sb, args, why))
		return false;
	if (q.only.given)
		collect_only(sb->world, &q, &found);
	else
		collect(sb->world, &q, &found);
	arrange(&q, &found);
	page = query_cut(args, q.only.given, found.n);
	write_envelope(found.v, found.n, &page, &view, out);
	free(found.v);
	free(q.only.v);
	free(q.except.v);
	return true;
}

void query_envelope(struct workspace *const *page, size_t n, const struct view *view,
		    struct text *out)
{
	struct query_page all = { .n = n, .size = PER_PAGE_DEFAULT, .number = 1 };

	write_envelope(page, n, &all, view, out);
}
