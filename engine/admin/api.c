/* SPDX-License-Identifier: Apache-2.0
 *
 * api.c - the admin API: paths to inputs of the sequencer.
 *
 * A path is looked up in one table, with "*" for the number of a run. */
#include "engine/admin/internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/timetext.h"

#define BUSY_SECONDS 1          /* Retry-After of 429: a batch takes milliseconds */
#define DOWN_SECONDS 5          /* Retry-After of 503: a disk needs somebody */
#define REFUSAL_MAX  (4u * KIB) /* an error with what it quotes */

struct api_call {
	struct admin *admin;
	int64_t run; /* what stood at "*" */
	struct text body;
	http_ticket ticket;
	struct http_answer *answer;
};

struct route {
	const char *method;
	const char *path;
	enum http_next (*run)(struct api_call *c,
			      int command); /* command: enum command_kind; post_table: drop */
	int command;
};

/* ---- Answers. ---- */

/* {"error": why} with the parts joined and escaped. */
static enum http_next refuse(struct api_call *c, int status, const char *why, struct text quoted)
{
	struct buf *page = &c->admin->page;
	struct buf sentence;

	buf_init(&sentence, REFUSAL_MAX);
	buf_str(&sentence, why);
	buf_text(&sentence, quoted.n < REFUSAL_MAX / 2 ? quoted : TEXT("..."));
	buf_clear(page);
	buf_str(page, "{\"error\":");
	value_write_text(page, buf_view(&sentence));
	buf_char(page, '}');
	buf_fini(&sentence);
	return admin_answer(c->answer, status, buf_cstr(page));
}

static enum http_next refuse_for_now(struct api_call *c, int status, int after, const char *body)
{
	admin_answer(c->answer, status, body);
	c->answer->retry_after = after;
	return HTTP_ANSWERED;
}

/* Copies the input and parks the request. */
static enum http_next hand_over(struct api_call *c, const struct input *whole)
{
	const struct admin_parts *parts = &c->admin->parts;
	struct input *input;

	if (atomic_load(&parts->stats->store_down))
		return refuse_for_now(c, 503, DOWN_SECONDS,
				      "{\"error\":\"the store can't be written\"}");
	input = input_new(whole);
	if (input == NULL)
		return refuse_for_now(c, 503, DOWN_SECONDS, "{\"error\":\"out of memory\"}");
	if (!queue_push(parts->inputs, &input->item)) {
		input_free(input);
		return refuse_for_now(c, 429, BUSY_SECONDS,
				      "{\"error\":\"too many requests at once\"}");
	}
	return HTTP_PARKED; /* the input is the sequencer's now */
}

/* ---- Bodies. ---- */

/* The body as a map with no members but `known` (ends with NULL); false after
 * answering. */
static bool read_body(struct api_call *c, struct arena *arena, const char *const *known,
		      struct value *out)
{
	struct json_error error;
	enum fate fate;

	fate = json_parse(c->admin->parser, arena, c->body, out, &error);
	if (fate == FATE_RETRY) {
		refuse_for_now(c, 503, DOWN_SECONDS, "{\"error\":\"out of memory\"}");
		return false;
	}
	if (fate != FATE_OK) {
		char where[200];

		snprintf(where, sizeof(where), "line %d, column %d: %s", error.line, error.column,
			 error.what);
		refuse(c, 400, "not JSON: ", text_of(where));
		return false;
	}
	if (out->kind != VALUE_MAP) {
		refuse(c, 400, "the body must be a JSON object", TEXT_NONE);
		return false;
	}
	for (uint32_t i = 0; i < out->n; i++) {
		struct text key = value_as_text(out->pairs[i].key);
		int k = 0;

		while (known[k] != NULL && !text_is(key, known[k]))
			k++;
		if (known[k] != NULL)
			continue;
		refuse(c, 400, "unknown member: ", key);
		return false;
	}
	return true;
}

/* A member that is text, or absent or null: then *out is empty. */
static bool read_text(struct api_call *c, struct value map, const char *key, struct text *out)
{
	const struct value *v = value_get(map, text_of(key));

	*out = TEXT_NONE;
	if (v == NULL || v->kind == VALUE_NULL)
		return true;
	if (v->kind == VALUE_TEXT) {
		*out = value_as_text(*v);
		return true;
	}
	refuse(c, 400, "this member must be text: ", text_of(key));
	return false;
}

/* ---- Events by hand. ---- */

/* An id goes into answers, logs and URLs as it is. */
static bool is_plain_id(struct text id)
{
	for (size_t i = 0; i < id.n; i++)
		if (id.s[i] <= ' ' || id.s[i] > '~' || id.s[i] == '"' || id.s[i] == '\\')
			return false;
	return id.n <= LIMIT_SENDER_ID;
}

static enum http_next push_event(struct api_call *c, struct event_input *e,
				 const struct value *data)
{
	const struct admin_parts *parts = &c->admin->parts;
	AUTO_FINI(buf_fini) struct buf json;
	struct input whole;

	buf_init(&json, 2 * LIMIT_ADMIN_BODY); /* escapes may make it longer than it came */
	if (data != NULL)
		value_write(&json, *data);
	if (buf_failed(&json))
		return refuse(c, 413, "the data is too large", TEXT_NONE);
	e->data = buf_view(&json);
	if (!parts->has_room(parts->of))
		return refuse_for_now(c, 429, BUSY_SECONDS,
				      "{\"error\":\"too much is waiting to be done\"}");
	whole = (struct input){ .kind = INPUT_EVENT, .event = *e };
	return hand_over(c, &whole);
}

static enum http_next post_event(struct api_call *c, int command)
{
	static const char *const known[] = { "type", "subject", "data", "id", NULL };
	AUTO(arena_free) struct arena *arena = arena_new("admin", LIMIT_ADMIN_ARENA);
	struct event_input e = { .ticket = c->ticket, .source = TEXT("cli"), .time = INT64_MIN };
	struct value map;

	(void)command;
	if (arena == NULL)
		return refuse_for_now(c, 503, DOWN_SECONDS, "{\"error\":\"out of memory\"}");
	if (!read_body(c, arena, known, &map) || !read_text(c, map, "type", &e.type) ||
	    !read_text(c, map, "subject", &e.subject) || !read_text(c, map, "id", &e.id))
		return HTTP_ANSWERED;
	if (e.type.n == 0)
		return refuse(c, 400, "an event needs a type", TEXT_NONE);
	if (!is_plain_id(e.id))
		return refuse(c, 400,
			      "an id is at most 512 printable characters, without spaces, "
			      "quotes and backslashes",
			      TEXT_NONE);
	return push_event(c, &e, value_get(map, TEXT("data")));
}

/* ---- Decisions. ---- */

static enum http_next post_command(struct api_call *c, int command)
{
	const struct input whole = { .kind = INPUT_COMMAND,
				     .command = { .ticket = c->ticket,
						  .kind = (enum command_kind)command,
						  .run = c->run } };

	return hand_over(c, &whole);
}

static enum http_next post_resolve(struct api_call *c, int command)
{
	static const char *const known[] = { "decision", NULL };
	static const char *const words[] = { "done", "repeat", "drop" };
	static const int commands[] = { COMMAND_RESOLVE_DONE, COMMAND_RESOLVE_REPEAT,
					COMMAND_RESOLVE_DROP };
	AUTO(arena_free) struct arena *arena = arena_new("admin", LIMIT_ADMIN_ARENA);
	struct text decision;
	struct value map;

	(void)command;
	if (arena == NULL)
		return refuse_for_now(c, 503, DOWN_SECONDS, "{\"error\":\"out of memory\"}");
	if (!read_body(c, arena, known, &map) || !read_text(c, map, "decision", &decision))
		return HTTP_ANSWERED;
	for (int i = 0; i < 3; i++)
		if (text_is(decision, words[i]))
			return post_command(c, commands[i]);
	return refuse(c, 400, "decision must be done, repeat or drop", TEXT_NONE);
}

/* ---- Tables. ---- */

static enum http_next push_row(struct api_call *c, bool drop, struct text table,
			       const struct value *row)
{
	AUTO_FINI(buf_fini) struct buf json;
	struct input whole;

	buf_init(&json, 2 * LIMIT_ADMIN_BODY); /* escapes may make it longer than it came */
	value_write(&json, *row);
	if (buf_failed(&json))
		return refuse(c, 413, "the row is too large", TEXT_NONE);
	whole = (struct input){ .kind = INPUT_TABLE,
				.table = { .ticket = c->ticket,
					   .drop = drop,
					   .table = table,
					   .json = buf_view(&json) } };
	return hand_over(c, &whole);
}

/* `drop`: the member is a key, else a row. */
static enum http_next post_table(struct api_call *c, int drop)
{
	const char *const known[] = { "table", drop ? "key" : "row", NULL };
	AUTO(arena_free) struct arena *arena = arena_new("admin", LIMIT_ADMIN_ARENA);
	const struct value *member;
	struct text table;
	struct value map;

	if (arena == NULL)
		return refuse_for_now(c, 503, DOWN_SECONDS, "{\"error\":\"out of memory\"}");
	if (!read_body(c, arena, known, &map) || !read_text(c, map, "table", &table))
		return HTTP_ANSWERED;
	member = value_get(map, text_of(known[1]));
	if (table.n == 0 || member == NULL)
		return refuse(c, 400,
			      "this is missing: ", text_of(table.n == 0 ? "table" : known[1]));
	return push_row(c, drop, table, member);
}

/* ---- Pauses. ---- */

/* Into answers, logs and records: one line. */
static bool is_line(struct text t, size_t most)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.s[i] < ' ' || t.s[i] == '\x7f')
			return false;
	return t.n <= most;
}

/* NULL when all of it is fit to be handed over. */
static const char *pause_fault(const struct pause_input *in, struct text length)
{
	if (in->name.n == 0 || !is_line(in->name, LIMIT_PAUSE_NAME) ||
	    text_find(in->name, TEXT("\"")) != SIZE_MAX)
		return "name must be a rule, connection or plugin";
	if (in->of.n > 0 && !text_is(in->of, "rule") && !text_is(in->of, "connection") &&
	    !text_is(in->of, "plugin"))
		return "of must be rule, connection or plugin";
	if (!is_line(in->who, LIMIT_PAUSE_WHO))
		return "who must be a line of at most 100 bytes";
	if (in->resume)
		return NULL;
	if (in->why.n == 0 || !is_line(in->why, LIMIT_PAUSE_WHY))
		return "why must be a line of at most 300 bytes";
	if (length.n > 0 && (in->length <= 0 || in->length > LIMIT_PAUSE_LENGTH))
		return "for must be a duration like 30m, 2h or 1d, at most 366d";
	return NULL;
}

static enum http_next post_pause(struct api_call *c, int resume)
{
	static const char *const of_pause[] = { "name", "of", "for", "why", "who", NULL };
	static const char *const of_resume[] = { "name", "of", "who", NULL };
	AUTO(arena_free) struct arena *arena = arena_new("admin", LIMIT_ADMIN_ARENA);
	struct pause_input in = { .ticket = c->ticket, .resume = resume };
	struct text length;
	const char *fault;
	struct value map;

	if (arena == NULL)
		return refuse_for_now(c, 503, DOWN_SECONDS, "{\"error\":\"out of memory\"}");
	if (!read_body(c, arena, resume ? of_resume : of_pause, &map) ||
	    !read_text(c, map, "name", &in.name) || !read_text(c, map, "of", &in.of) ||
	    !read_text(c, map, "for", &length) || !read_text(c, map, "why", &in.why) ||
	    !read_text(c, map, "who", &in.who))
		return HTTP_ANSWERED;
	if (length.n > 0 && !timetext_duration(length, &in.length))
		in.length = -1;
	fault = pause_fault(&in, length);
	if (fault != NULL)
		return refuse(c, 400, fault, TEXT_NONE);
	if (in.who.n == 0)
		in.who = TEXT("the admin API");
	return hand_over(c, &(const struct input){ .kind = INPUT_PAUSE, .pause = in });
}

static enum http_next get_pauses(struct api_call *c, int command)
{
	(void)command;
	buf_clear(&c->admin->page);
	pauses_write_json(c->admin);
	return admin_answer(c->answer, 200, buf_cstr(&c->admin->page));
}

/* ---- The daemon itself. ---- */

static enum http_next post_reload(struct api_call *c, int command)
{
	(void)command;
	c->admin->parts.reload(c->admin->parts.of);
	return admin_answer(c->answer, 202, "{\"status\":\"reloading\"}");
}

static enum http_next get_status(struct api_call *c, int command)
{
	const struct sequencer_stats *stats = c->admin->parts.stats;
	const char *reason = admin_reason(c->admin);
	struct instant now = clock_read(&c->admin->parts.clock);
	struct buf *page = &c->admin->page;

	(void)command;
	buf_clear(page);
	buf_printf(page, "{\"version\":\"%s\",\"state\":\"%s\",\"ready\":%s", TAPPET_VERSION,
		   admin_state_word(c->admin), reason == NULL ? "true" : "false");
	if (reason != NULL)
		buf_printf(page, ",\"reason\":\"%s\"", reason);
	buf_printf(page, ",\"uptime_ms\":%lld,\"waiting\":%zu",
		   (long long)(now.mono - c->admin->started.mono),
		   queue_depth(c->admin->parts.inputs));
#define COUNT(name)                                                                                \
	buf_printf(page, ",\"" #name "\":%llu", (unsigned long long)atomic_load(&stats->name))
	COUNT(events);
	COUNT(repeats);
	COUNT(refused);
	COUNT(matches);
	COUNT(blind);
	COUNT(echoes);
	buf_printf(page, ",\"open_runs\":%llu",
		   (unsigned long long)(atomic_load(&stats->open_runs) +
					atomic_load(&stats->stored_runs)));
	COUNT(stored_runs);
	COUNT(runs_done);
	COUNT(runs_dead);
	COUNT(runs_skipped);
	COUNT(runs_doubt);
	COUNT(runs_held);
	COUNT(attempts);
	COUNT(retries);
	COUNT(polls_ok);
	COUNT(polls_failed);
	COUNT(runs_parked);
#undef COUNT
	buf_printf(page, ",\"paused\":%zu}", pauses_count(c->admin));
	return admin_answer(c->answer, 200, buf_cstr(page));
}

static enum http_next get_plugins(struct api_call *c, int command)
{
	const struct admin_metrics *plugins = &c->admin->parts.plugins;
	struct buf *page = &c->admin->page;

	(void)command;
	buf_clear(page);
	if (plugins->write != NULL)
		plugins->write(plugins->of, page);
	if (page->n == 0)
		return admin_answer(c->answer, 404, "{\"error\":\"there is no bus\"}");
	return admin_answer(c->answer, 200, buf_cstr(page));
}

/* ---- Routes. ---- */

static const struct route routes[] = {
	{ "POST", "/api/v1/events", post_event, 0 },
	{ "POST", "/api/v1/runs/*/resolve", post_resolve, 0 },
	{ "POST", "/api/v1/runs/*/cancel", post_command, COMMAND_CANCEL },
	{ "POST", "/api/v1/runs/*/release", post_command, COMMAND_RELEASE },
	{ "POST", "/api/v1/runs/*/drop", post_command, COMMAND_HELD_DROP },
	{ "POST", "/api/v1/dead/*/retry", post_command, COMMAND_DEAD_RETRY },
	{ "POST", "/api/v1/dead/*/drop", post_command, COMMAND_DEAD_DROP },
	{ "POST", "/api/v1/tables/put", post_table, false },
	{ "POST", "/api/v1/tables/drop", post_table, true },
	{ "POST", "/api/v1/pause", post_pause, false },
	{ "POST", "/api/v1/resume", post_pause, true },
	{ "GET", "/api/v1/pauses", get_pauses, 0 },
	{ "POST", "/api/v1/reload", post_reload, 0 },
	{ "GET", "/api/v1/status", get_status, 0 },
	{ "GET", "/api/v1/plugins", get_plugins, 0 },
};

/* Segment by segment; *run is the number at "*", which is positive. What is left
 * after the last segment has no bytes and no address, after a slash it has one. */
static bool path_fits(struct text path, const char *pattern, int64_t *run)
{
	struct text wanted = text_of(pattern);

	while (wanted.s != NULL && path.s != NULL) {
		struct text a, b;

		path = text_split(path, '/', &a);
		wanted = text_split(wanted, '/', &b);
		if (text_is(b, "*") ? !text_to_int(a, run) || *run <= 0 : !text_eq(a, b))
			return false;
	}
	return wanted.s == NULL && path.s == NULL;
}

static const struct route *route_of(const struct http_request *request, int64_t *run)
{
	struct text path = http_request_path(request);

	*run = 0;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (path_fits(path, routes[i].path, run))
			return &routes[i];
	return NULL;
}

/* RFC 6750, 2.1: the header only, a token in a URL ends up in logs. */
static bool is_authorised(struct admin *admin, const struct http_request *request)
{
	struct text value = http_request_header(request, "Authorization");
	struct text scheme, given;
	struct secret *token;
	bool equal;

	pthread_mutex_lock(&admin->lock);
	token = admin->token != NULL ? secret_ref(admin->token) : NULL;
	pthread_mutex_unlock(&admin->lock);
	if (token == NULL)
		return true;
	given = text_trim(text_split(value, ' ', &scheme));
	equal = value.n <= LIMIT_SIGNATURE && text_ieq(scheme, TEXT("Bearer")) && given.n > 0 &&
		secret_equals(token, given);
	secret_free(token);
	return equal;
}

enum http_next admin_api_begin(void *of, const struct http_request *request, size_t *body_limit,
			       struct http_answer *answer)
{
	const struct route *route;
	int64_t run;

	assert(of != NULL && request != NULL);
	assert(body_limit != NULL && answer != NULL);
	if (!is_authorised(of, request))
		return admin_answer(answer, 401, "{\"error\":\"unauthorized\"}");
	route = route_of(request, &run);
	if (route == NULL)
		return admin_answer(answer, 404, "{\"error\":\"no such page\"}");
	if (!text_is(http_request_method(request), route->method))
		return admin_refuse_method(answer, route->method);
	*body_limit = LIMIT_ADMIN_BODY;
	return HTTP_GO_ON;
}

enum http_next admin_api_done(void *of, const struct http_request *request, struct text body,
			      http_ticket ticket, struct http_answer *answer)
{
	struct api_call c = { .admin = of, .body = body, .ticket = ticket, .answer = answer };
	const struct route *route = route_of(request, &c.run);

	assert(of != NULL && answer != NULL && ticket != 0);
	assert(route != NULL); /* begin has found it */
	return route->run(&c, route->command);
}
