/* SPDX-License-Identifier: Apache-2.0
 *
 * admin: both sites on the real HTTP server, raw sockets; the test stands where
 * the sequencer stands. */
#include "engine/admin/admin.h"

#include <poll.h>

#include "engine/base/limits.h"
#include "engine/sequencer/pause.h"
#include "test_io_net.h"
#include "unit_main.h"

struct world {
	struct config config; /* nothing but its token is read */
	struct queue *inputs;
	struct sequencer_stats stats;
	struct instant now;
	atomic_bool room;
	atomic_int reloads;
	atomic_bool bus; /* there is one */
	struct admin *admin;
	struct http_server *_Atomic server;
	unsigned public, api;
	char *reply;
};

#define REPLY_ROOM (1u << 18)

static bool has_room(void *of)
{
	return atomic_load(&((struct world *)of)->room);
}

static struct http_server *server_of(void *of)
{
	return atomic_load(&((struct world *)of)->server);
}

static void reload(void *of)
{
	atomic_fetch_add(&((struct world *)of)->reloads, 1);
}

static void more_metrics(void *of, struct buf *out)
{
	(void)of;
	buf_str(out, "# TYPE more_total counter\nmore_total 42\n");
}

static void plugins_of(void *of, struct buf *out)
{
	if (atomic_load(&((struct world *)of)->bus))
		buf_str(out, "{\"plugins\":[]}");
}

static void world_init(struct world *w, const char *token)
{
	static const struct http_server_limits limits = { .connections = 16,
							  .idle_seconds = 30,
							  .header_bytes = 32768,
							  .body_bytes_total = 8 << 20 };
	static const struct admin_metrics metrics = { more_metrics, NULL };
	struct http_server *server;
	char why[200];

	memset(w, 0, sizeof(*w));
	w->reply = malloc(REPLY_ROOM);
	w->inputs = queue_new(LIMIT_QUEUE, 8 << 20);
	w->now = (struct instant){ .wall = 1614265330123, .mono = 5000 };
	w->config.admin_token = token != NULL ? secret_new(text_of(token)) : NULL;
	atomic_store(&w->room, true);
	const struct admin_parts parts = { .config = &w->config,
					   .inputs = w->inputs,
					   .stats = &w->stats,
					   .has_room = has_room,
					   .server = server_of,
					   .reload = reload,
					   .of = w,
					   .metrics = &metrics,
					   .metrics_count = 1,
					   .plugins = { plugins_of, w },
					   .clock = clock_manual(&w->now) };

	w->admin = admin_new(&parts);
	ck_assert_ptr_nonnull(w->admin);
	const struct http_listen listens[2] = {
		{ .listen = "127.0.0.1:0",
		  .site = { admin_public_begin, admin_public_done, w->admin } },
		{ .listen = "127.0.0.1:0", .site = { admin_api_begin, admin_api_done, w->admin } },
	};

	ck_assert_int_eq(http_server_start(listens, 2, &limits, &server, why, sizeof(why)),
			 FATE_OK);
	atomic_store(&w->server, server);
	w->public = http_server_port(server, 0);
	w->api = http_server_port(server, 1);
}

static void world_fini(struct world *w)
{
	http_server_stop(w->server);
	admin_free(w->admin);
	secret_free(w->config.admin_token);
	for (struct queue_item *item = queue_take(w->inputs), *next; item != NULL; item = next) {
		next = item->next;
		input_free((struct input *)(void *)item);
	}
	queue_free(w->inputs);
	free(w->reply);
}

static int start(unsigned port, const char *method, const char *path, const char *headers,
		 const char *body)
{
	char head[8192];
	int fd = net_connect(port);
	int n = snprintf(head, sizeof(head),
			 "%s %s HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n%s\r\n", method, path,
			 strlen(body), headers);

	ck_assert_int_lt(n, (int)sizeof(head));
	net_send(fd, head);
	net_send(fd, body);
	return fd;
}

static int finish(struct world *w, int fd)
{
	int status = net_status(fd, w->reply, REPLY_ROOM);

	close(fd);
	return status;
}

static int get(struct world *w, const char *path)
{
	return finish(w, start(w->public, "GET", path, "", ""));
}

static int post(struct world *w, const char *path, const char *body)
{
	return finish(w, start(w->api, "POST", path, "", body));
}

#define HAS(w, part)                                                                               \
	ck_assert_msg(strstr((w)->reply, part) != NULL, "no %s in %s", part, (w)->reply)

/* The next input, waited for. */
static struct input *taken(struct world *w)
{
	struct pollfd wait = { .fd = queue_fd(w->inputs), .events = POLLIN };
	struct input *input;

	ck_assert_int_eq(poll(&wait, 1, NET_PATIENCE * 1000), 1);
	input = (struct input *)(void *)queue_take(w->inputs);
	ck_assert_ptr_nonnull(input);
	ck_assert_ptr_null(input->item.next);
	return input;
}

static void reply(struct world *w, http_ticket ticket, int fd)
{
	struct http_reply reply = { ticket, { .status = 202, .body = TEXT("{\"id\":\"1\"}") } };

	ck_assert_uint_ne(ticket, 0);
	http_reply(w->server, &reply, 1);
	ck_assert_int_eq(finish(w, fd), 202);
}

/* ---- The public site. ---- */

START_TEST(health)
{
	struct world w;
	int fd;

	world_init(&w, NULL);
	ck_assert_int_eq(get(&w, "/healthz"), 200);
	HAS(&w, "\r\n\r\n{\"status\":\"ok\"}");
	HAS(&w, "Content-Type: application/json");
	fd = net_connect(w.public);
	net_send(fd, "HEAD /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
	ck_assert_int_gt(recv(fd, w.reply, REPLY_ROOM - 1, MSG_WAITALL), 0);
	ck_assert_int_eq(strncmp(w.reply, "HTTP/1.1 200", 12), 0);
	close(fd);
	ck_assert_int_eq(finish(&w, start(w.public, "POST", "/healthz", "", "{}")), 405);
	HAS(&w, "Allow: GET, HEAD");
	ck_assert_int_eq(get(&w, "/"), 404);
	ck_assert_int_eq(get(&w, "/healthz/"), 404);
	ck_assert_int_eq(get(&w, "/api/v1/status"), 404);
	ck_assert_int_eq(finish(&w, start(w.public, "GET", "/healthz", "", "x")), 413);
	world_fini(&w);
}
END_TEST

static void ready(struct world *w, const char *reason)
{
	char part[100];

	ck_assert_int_eq(get(w, "/readyz"), reason == NULL ? 200 : 503);
	if (reason == NULL)
		snprintf(part, sizeof(part), "{\"status\":\"ready\"}");
	else
		snprintf(part, sizeof(part), "{\"status\":\"not ready\",\"reason\":\"%s\"}",
			 reason);
	HAS(w, part);
}

START_TEST(readiness)
{
	struct world w;

	world_init(&w, NULL);
	ready(&w, "starting");
	admin_set_state(w.admin, ADMIN_READY);
	ready(&w, NULL);
	atomic_store(&w.stats.store_down, true);
	ready(&w, "store down");
	atomic_store(&w.stats.store_down, false);
	atomic_store(&w.room, false);
	ready(&w, "intake full");
	atomic_store(&w.room, true);
	ready(&w, NULL);
	for (int i = 0; i < LIMIT_QUEUE; i++)
		queue_push(w.inputs, &input_new(&(struct input){ .kind = INPUT_GRANT })->item);
	ready(&w, "intake full");
	admin_set_state(w.admin, ADMIN_DRAINING);
	ready(&w, "draining");
	world_fini(&w);
}
END_TEST

/* Every line is a comment or "name{labels} number", each family is declared
 * once and before its samples. */
static void check_exposition(const char *page)
{
	char family[200] = "";

	for (const char *line = page; *line != '\0'; line = strchr(line, '\n') + 1) {
		char name[200];
		size_t n = strcspn(line, "{ \n");

		ck_assert_ptr_nonnull(strchr(line, '\n'));
		if (strncmp(line, "# TYPE ", 7) == 0) {
			char again[220];

			ck_assert_int_eq(sscanf(line + 7, "%199s", family), 1);
			snprintf(again, sizeof(again), "# TYPE %s ", family);
			ck_assert_ptr_null(strstr(line + 1, again));
			continue;
		}
		if (line[0] == '#')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)n, line);
		ck_assert_str_eq(name, family);
		n = strcspn(line, "\n");
		ck_assert_msg(line[n - 1] >= '0' && line[n - 1] <= '9', "%.*s", (int)n, line);
	}
}

START_TEST(metrics)
{
	struct world w;
	long long number;

	world_init(&w, "secret-token");
	admin_set_state(w.admin, ADMIN_READY);
	atomic_store(&w.stats.events, 7);
	atomic_store(&w.stats.runs_doubt, 3);
	atomic_store(&w.stats.polls_failed, 2);
	atomic_store(&w.stats.last_commit_ms, 1614265330005);
	ck_assert_int_eq(get(&w, "/metrics"), 200);
	HAS(&w, "Content-Type: text/plain; version=0.0.4; charset=utf-8");
	HAS(&w, "\ntappet_build_info{version=\"");
	HAS(&w, "\n# TYPE tappet_events_total counter\ntappet_events_total 7\n");
	HAS(&w, "\ntappet_runs_total{state=\"in_doubt\"} 3\n");
	HAS(&w, "\ntappet_polls_total{result=\"failed\"} 2\n");
	HAS(&w, "\ntappet_last_commit_timestamp_seconds 1614265330.005\n");
	HAS(&w, "\nprocess_start_time_seconds 1614265330.123\n");
	HAS(&w, "\ntappet_ready 1\n");
	HAS(&w, "\ntappet_store_up 1\n");
	HAS(&w, "\ntappet_http_requests_total 1\n");
	HAS(&w, "\nmore_total 42\n");
	ck_assert_ptr_null(strstr(w.reply, "secret-token"));
	check_exposition(strstr(w.reply, "\r\n\r\n") + 4);
	ck_assert_int_eq(sscanf(strstr(w.reply, "\nprocess_resident_memory_bytes "),
				"\nprocess_resident_memory_bytes %lld", &number),
			 1);
	ck_assert_int_gt(number, 1 << 20);
	ck_assert_int_eq(
	    sscanf(strstr(w.reply, "\nprocess_open_fds "), "\nprocess_open_fds %lld", &number), 1);
	ck_assert_int_gt(number, 4);
	world_fini(&w);
}
END_TEST

/* ---- The API. ---- */

START_TEST(pauses)
{
	const struct pause_row rows[] = {
		{ TEXT("rule"), TEXT("a.b-c"), TEXT("kim"), TEXT("say \"when\""), 1614265330000,
		  0 },
		{ TEXT("plugin"), TEXT("shop"), TEXT("lee"), TEXT("no"), 1614265330001,
		  1614265331000 },
	};
	static const char *const bad[] = {
		"{\"why\":\"x\"}",
		"{\"name\":\"a\"}",
		"{\"name\":\"a\",\"why\":\"x\\ny\"}",
		"{\"name\":\"a\",\"why\":\"x\",\"for\":\"soon\"}",
		"{\"name\":\"a\",\"why\":\"x\",\"for\":\"0s\"}",
		"{\"name\":\"a\",\"why\":\"x\",\"for\":\"99999d\"}",
		"{\"name\":\"a\",\"why\":\"x\",\"of\":\"hook\"}",
		"{\"name\":\"a\",\"why\":\"x\",\"until\":\"1\"}",
	};
	struct input *input;
	struct world w;
	int fd;

	world_init(&w, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(post(&w, "/api/v1/pause", bad[i]), 400);
	ck_assert_int_eq(post(&w, "/api/v1/resume", "{\"name\":\"a\",\"why\":\"x\"}"), 400);
	fd = start(w.api, "POST", "/api/v1/pause", "",
		   "{\"name\":\"a\",\"why\":\"x\",\"for\":\"2h\"}");
	input = taken(&w);
	ck_assert_int_eq(input->kind, INPUT_PAUSE);
	ck_assert(!input->pause.resume && input->pause.length == 7200000);
	ck_assert(text_is(input->pause.who, "the admin API") && input->pause.of.n == 0);
	reply(&w, input->pause.ticket, fd);
	input_free(input);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/pauses", "", "")), 200);
	HAS(&w, "{\"pauses\":[]}");
	admin_set_pauses(w.admin, rows, 2);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/pauses", "", "")), 200);
	HAS(&w,
	    "[{\"kind\":\"rule\",\"name\":\"a.b-c\",\"since\":\"2021-02-25T15:02:10Z\","
	    "\"until\":null,\"who\":\"kim\",\"why\":\"say \\\"when\\\"\"},{\"kind\":\"plugin\"");
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status", "", "")), 200);
	HAS(&w, "\"paused\":2");
	ck_assert_int_eq(get(&w, "/metrics"), 200);
	HAS(&w, "\ntappet_paused{kind=\"rule\",name=\"a.b-c\"} 1\n");
	HAS(&w, "{kind=\"plugin\",name=\"shop\"} 1614265330.001\n");
	check_exposition(strstr(w.reply, "\r\n\r\n") + 4);
	world_fini(&w);
}
END_TEST

START_TEST(token)
{
	static const char *const wrong[] = { "", "Authorization: Bearer\r\n",
					     "Authorization: Bearer secret-toke\r\n",
					     "Authorization: Basic secret-token\r\n",
					     "Authorization: secret-token\r\n" };
	struct secret *old;
	struct world w;

	world_init(&w, "secret-token");
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status", wrong[i], "")),
				 401);
		HAS(&w, "{\"error\":\"unauthorized\"}");
		ck_assert_int_eq(finish(&w, start(w.api, "GET", "/nowhere", wrong[i], "")), 401);
		ck_assert_int_eq(finish(&w, start(w.api, "POST", "/api/v1/reload", wrong[i], "")),
				 401);
	}
	ck_assert_int_eq(atomic_load(&w.reloads), 0);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status",
					  "Authorization: Bearer secret-token\r\n", "")),
			 200);
	old = w.config.admin_token;
	w.config.admin_token = secret_new(TEXT("another"));
	admin_reload(w.admin, &w.config);
	secret_free(old);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status",
					  "Authorization: Bearer secret-token\r\n", "")),
			 401);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status",
					  "Authorization: bearer another\r\n", "")),
			 200);
	world_fini(&w);
}
END_TEST

START_TEST(events)
{
	struct world w;
	struct input *input;
	int fd;

	world_init(&w, NULL);
	fd = start(w.api, "POST", "/api/v1/events", "",
		   "{\"type\":\"a.b\",\"subject\":\"7\",\"id\":\"x-1\",\"data\":{\"n\":1.0,\"t\":"
		   "\"\\u20ac\"}}");
	input = taken(&w);
	ck_assert_int_eq(input->kind, INPUT_EVENT);
	ck_assert(text_is(input->event.type, "a.b"));
	ck_assert(text_is(input->event.subject, "7"));
	ck_assert(text_is(input->event.id, "x-1"));
	ck_assert(text_is(input->event.source, "cli"));
	ck_assert(text_is(input->event.data, "{\"n\":1.0,\"t\":\"\xe2\x82\xac\"}"));
	ck_assert_uint_eq(input->event.before.n, 0);
	ck_assert_int_eq(input->event.time, INT64_MIN);
	reply(&w, input->event.ticket, fd);
	input_free(input);
	fd = start(w.api, "POST", "/api/v1/events", "", "{\"type\":\"a\"}");
	input = taken(&w);
	ck_assert_uint_eq(input->event.data.n, 0);
	ck_assert_uint_eq(input->event.id.n, 0);
	reply(&w, input->event.ticket, fd);
	input_free(input);
	world_fini(&w);
}
END_TEST

START_TEST(events_refused)
{
	static const struct {
		const char *body, *error;
	} cases[] = {
		{ "", "not JSON" },
		{ "{\"type\":", "line 1, column " },
		{ "[]", "must be a JSON object" },
		{ "{}", "needs a type" },
		{ "{\"type\":7}", "must be text: type" },
		{ "{\"type\":\"a\",\"subject\":{}}", "must be text: subject" },
		{ "{\"type\":\"a\",\"sub\\\"ject\":1}", "unknown member: sub\\\"ject" },
		{ "{\"type\":\"a\",\"id\":\"a b\"}", "printable" },
		{ "{\"type\":\"a\",\"id\":\"a\\\"b\"}", "printable" },
		{ "{\"type\":\"a\",\"id\":\"\\u20ac\"}", "printable" },
	};
	struct world w;

	world_init(&w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(post(&w, "/api/v1/events", cases[i].body), 400);
		HAS(&w, "{\"error\":\"");
		HAS(&w, cases[i].error);
	}
	ck_assert_uint_eq(queue_depth(w.inputs), 0);
	world_fini(&w);
}
END_TEST

START_TEST(too_large_or_too_much)
{
	char *large = malloc(LIMIT_ADMIN_BODY + 2);
	struct world w;

	world_init(&w, NULL);
	memset(large, ' ', LIMIT_ADMIN_BODY + 1);
	large[LIMIT_ADMIN_BODY + 1] = '\0';
	ck_assert_int_eq(post(&w, "/api/v1/events", large), 413);
	large[LIMIT_ADMIN_BODY] = '\0';
	ck_assert_int_eq(post(&w, "/api/v1/events", large), 400);
	atomic_store(&w.room, false);
	ck_assert_int_eq(post(&w, "/api/v1/events", "{\"type\":\"a\"}"), 429);
	HAS(&w, "Retry-After: 1");
	atomic_store(&w.stats.store_down, true);
	ck_assert_int_eq(post(&w, "/api/v1/runs/1/cancel", ""), 503);
	HAS(&w, "Retry-After: 5");
	ck_assert_uint_eq(queue_depth(w.inputs), 0);
	free(large);
	world_fini(&w);
}
END_TEST

START_TEST(commands)
{
	static const struct {
		const char *path, *body;
		enum command_kind kind;
		int64_t run;
	} cases[] = {
		{ "/api/v1/runs/7/resolve", "{\"decision\":\"done\"}", COMMAND_RESOLVE_DONE, 7 },
		{ "/api/v1/runs/8/resolve", "{\"decision\":\"repeat\"}", COMMAND_RESOLVE_REPEAT,
		  8 },
		{ "/api/v1/runs/9/resolve", "{\"decision\":\"drop\"}", COMMAND_RESOLVE_DROP, 9 },
		{ "/api/v1/runs/9223372036854775807/cancel", "", COMMAND_CANCEL, INT64_MAX },
		{ "/api/v1/dead/1/retry", "", COMMAND_DEAD_RETRY, 1 },
		{ "/api/v1/dead/2/drop", "{}", COMMAND_DEAD_DROP, 2 },
	};
	struct world w;

	world_init(&w, NULL);
	atomic_store(&w.room, false); /* who is to make room must get through */
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = start(w.api, "POST", cases[i].path, "", cases[i].body);
		struct input *input = taken(&w);

		ck_assert_int_eq(input->kind, INPUT_COMMAND);
		ck_assert_int_eq(input->command.kind, cases[i].kind);
		ck_assert_int_eq(input->command.run, cases[i].run);
		reply(&w, input->command.ticket, fd);
		input_free(input);
	}
	world_fini(&w);
}
END_TEST

START_TEST(commands_refused)
{
	static const char *const nowhere[] = {
		"/api/v1/runs/0/cancel",
		"/api/v1/runs/-1/cancel",
		"/api/v1/runs/x/cancel",
		"/api/v1/runs//cancel",
		"/api/v1/runs/1/cancel/",
		"/api/v1/runs/1/cancel/2",
		"/api/v1/runs/1",
		"/api/v1/dead/1/cancel",
		"/api/v1/runs/1/retry",
		"/api/v1/runs/1.0/cancel",
		"/api/v1/runs/9223372036854775808/cancel",
		"/api/v1",
		"/healthz",
		"/",
	};
	struct world w;

	world_init(&w, NULL);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		ck_assert_msg(post(&w, nowhere[i], "") == 404, "%s", nowhere[i]);
	ck_assert_int_eq(post(&w, "/api/v1/runs/1/resolve", "{\"decision\":\"maybe\"}"), 400);
	HAS(&w, "decision must be done, repeat or drop");
	ck_assert_int_eq(post(&w, "/api/v1/runs/1/resolve", "{}"), 400);
	ck_assert_int_eq(post(&w, "/api/v1/runs/1/resolve", ""), 400);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/runs/1/cancel", "", "")), 405);
	HAS(&w, "Allow: POST");
	ck_assert_int_eq(post(&w, "/api/v1/status", ""), 405);
	HAS(&w, "Allow: GET");
	ck_assert_uint_eq(queue_depth(w.inputs), 0);
	world_fini(&w);
}
END_TEST

START_TEST(reloading)
{
	struct world w;

	world_init(&w, NULL);
	ck_assert_int_eq(post(&w, "/api/v1/reload", ""), 202);
	ck_assert_int_eq(atomic_load(&w.reloads), 1);
	world_fini(&w);
}
END_TEST

START_TEST(status)
{
	struct world w;

	world_init(&w, NULL);
	w.now.mono += 1500;
	atomic_store(&w.stats.events, 12);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status", "", "")), 200);
	HAS(&w, "\"state\":\"starting\",\"ready\":false,\"reason\":\"starting\"");
	HAS(&w, "\"uptime_ms\":1500,");
	HAS(&w, "\"events\":12,");
	admin_set_state(w.admin, ADMIN_READY);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/status", "", "")), 200);
	HAS(&w, "\"state\":\"ready\",\"ready\":true,\"uptime_ms\"");
	world_fini(&w);
}
END_TEST

START_TEST(plugins)
{
	struct world w;

	world_init(&w, NULL);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/plugins", "", "")), 404);
	HAS(&w, "there is no bus");
	atomic_store(&w.bus, true);
	ck_assert_int_eq(finish(&w, start(w.api, "GET", "/api/v1/plugins", "", "")), 200);
	HAS(&w, "{\"plugins\":[]}");
	ck_assert_int_eq(get(&w, "/api/v1/plugins"), 404); /* not for everybody */
	world_fini(&w);
}
END_TEST

UNIT_MAIN("admin", pauses, health, readiness, metrics, token, events, events_refused,
	  too_large_or_too_much, commands, commands_refused, reloading, status, plugins)
