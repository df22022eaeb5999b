/* SPDX-License-Identifier: Apache-2.0
 *
 * hook: a configuration from YAML, the real HTTP server, raw sockets; the test
 * stands where the sequencer stands. */
#include "engine/sources/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <zlib.h>

#include "engine/base/crypto.h"
#include "engine/base/diag.h"
#include "engine/base/hex.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "test_io_net.h"
#include "unit_main.h"

#define QUEUE_ITEMS 2
#define NOW         1614265330 /* s */

static const char first_yaml[] =
    "limits: { body: 64KiB }\n"
    "connections:\n"
    "  hindsite:\n"
    "    connector: hindsite\n"
    "    base_url: https://hindsite.example\n"
    "    client_id: a\n"
    "    client_secret: \"${env:TEST_SECRET}\"\n"
    "    webhook: { secret: \"${env:TEST_SECRET}\" }\n"
    "hooks:\n"
    "  open: { verify: none }\n"
    "  github: { verify: github, secret: \"${env:TEST_SECRET}\", event_header: X-GitHub-Event,"
    " id_header: X-GitHub-Delivery }\n"
    "  billing: { verify: standard-webhooks, secret: \"${env:TEST_STANDARD}\","
    " id_header: X-Other }\n"
    "  token: { verify: bearer, secret: \"${env:TEST_SECRET}\" }\n"
    "  grid: { verify: none, handshake: { origins: [Grid.Example, b.example], rate: 120 } }\n"
    "  any: { verify: bearer, secret: \"${env:TEST_SECRET}\", handshake: { origins: '*' } }\n";

static const char second_yaml[] = "hooks:\n"
				  "  late: { verify: none }\n"
				  "  token: { verify: none }\n";

struct world {
	struct config *config;
	struct queue *inputs;
	struct sequencer_stats stats;
	struct instant now;
	atomic_bool room;
	struct hooks *hooks;
	struct http_server *server;
	unsigned port;
	char reply[1 << 16];
};

static struct config *load(const char *yaml)
{
	char path[] = "/tmp/tappet-hook-XXXXXX";
	struct diags *diags = diags_new();
	struct config *config;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	setenv("TEST_SECRET", "It's a Secret to Everybody", 1);
	setenv("TEST_STANDARD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1);
	config = config_load(path, CONFIG_SECRETS_NEEDED, diags);
	unlink(path);
	ck_assert_msg(diags_errors(diags) == 0, "%s", diags_at(diags, 0)->what);
	ck_assert_ptr_nonnull(config);
	diags_free(diags);
	return config;
}

static bool has_room(void *of)
{
	return atomic_load(&((struct world *)of)->room);
}

static void world_init(struct world *w)
{
	static const struct http_server_limits limits = { .connections = 16,
							  .idle_seconds = 30,
							  .header_bytes = 32768,
							  .body_bytes_total = 1 << 20 };
	struct http_listen listen = { .listen = "127.0.0.1:0",
				      .site = { hooks_begin, hooks_done, NULL } };
	char why[200];

	memset(w, 0, sizeof(*w));
	w->config = load(first_yaml);
	w->inputs = queue_new(QUEUE_ITEMS, 1 << 20);
	w->now = (struct instant){ .wall = (int64_t)NOW * 1000 };
	atomic_store(&w->room, true);
	struct hooks_parts parts = { .config = w->config,
				     .inputs = w->inputs,
				     .stats = &w->stats,
				     .has_room = has_room,
				     .of = w,
				     .clock = clock_manual(&w->now) };

	w->hooks = hooks_new(&parts);
	ck_assert_ptr_nonnull(w->hooks);
	listen.site.of = w->hooks;
	ck_assert_int_eq(http_server_start(&listen, 1, &limits, &w->server, why, sizeof(why)),
			 FATE_OK);
	w->port = http_server_port(w->server, 0);
}

static void world_fini(struct world *w)
{
	http_server_stop(w->server);
	hooks_free(w->hooks);
	for (struct queue_item *item = queue_take(w->inputs), *next; item != NULL; item = next) {
		next = item->next;
		input_free((struct input *)(void *)item);
	}
	queue_free(w->inputs);
	config_free(w->config);
}

/* Sends a request on a connection of its own; headers end with CRLF each. */
static int post_bytes(struct world *w, const char *path, const char *headers, const void *body,
		      size_t size)
{
	char head[LIMIT_SIGNATURE * 2];
	int fd = net_connect(w->port);
	int n = snprintf(head, sizeof(head),
			 "POST /hooks/%s HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n%s\r\n",
			 path, size, headers);

	ck_assert_int_lt(n, (int)sizeof(head));
	net_send(fd, head);
	ck_assert(net_put(fd, body, size));
	return fd;
}

static int post(struct world *w, const char *path, const char *headers, const char *body)
{
	return post_bytes(w, path, headers, body, strlen(body));
}

/* The next input, waited for. */
static struct input *taken(struct world *w)
{
	struct pollfd wait = { .fd = queue_fd(w->inputs), .events = POLLIN };
	struct input *input;

	ck_assert_int_eq(poll(&wait, 1, NET_PATIENCE * 1000), 1);
	input = (struct input *)(void *)queue_take(w->inputs);
	ck_assert_ptr_nonnull(input);
	ck_assert_ptr_null(input->item.next);
	ck_assert_int_eq(input->kind, INPUT_HOOK);
	return input;
}

static int answer(struct world *w, int fd)
{
	int status = net_status(fd, w->reply, sizeof(w->reply));

	close(fd);
	return status;
}

/* Answers a parked request as the sequencer would, and drops the input. */
static void finish(struct world *w, struct input *input, int fd)
{
	struct http_reply reply = { input->hook.ticket,
				    { .status = 202, .body = TEXT("{\"id\":\"1\"}") } };

	http_reply(w->server, &reply, 1);
	input_free(input);
	ck_assert_int_eq(answer(w, fd), 202);
	ck_assert_ptr_nonnull(strstr(w->reply, "{\"id\":\"1\"}"));
}

static void refused(struct world *w, int fd, int status, const char *part)
{
	ck_assert_int_eq(answer(w, fd), status);
	ck_assert_msg(strstr(w->reply, part) != NULL, "no %s in %s", part, w->reply);
	ck_assert_uint_eq(queue_depth(w->inputs), 0);
}

static void metric(struct world *w, const char *line, bool there)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	hooks_metrics(w->hooks, &out);
	ck_assert_msg((strstr(buf_cstr(&out), line) != NULL) == there, "%s: %s", line,
		      buf_cstr(&out));
	buf_fini(&out);
}

#define JSON "Content-Type: application/json\r\n"
#define GITHUB                                                                                     \
	"X-Hub-Signature-256: "                                                                    \
	"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\r\n"
#define CE_REQUIRED "ce-specversion: 1.0\r\nce-id: 7\r\nce-source: /s\r\nce-type: a.b\r\n"

START_TEST(takes_and_parks)
{
	struct world w;
	struct input *input;
	int fd;

	world_init(&w);
	fd =
	    post(&w, "github?x=1", JSON GITHUB "X-GitHub-Event: push\r\nX-GitHub-Delivery: d-1\r\n",
		 "Hello, World!");
	input = taken(&w);
	ck_assert(text_is(input->hook.hook, "github"));
	ck_assert(text_is(input->hook.body, "Hello, World!"));
	ck_assert(text_is(input->hook.event, "push"));
	ck_assert(text_is(input->hook.sender_id, "d-1"));
	ck_assert_int_eq(input->hook.envelope, ENVELOPE_NONE);
	ck_assert_uint_ne(input->hook.ticket, 0);
	finish(&w, input, fd);
	metric(&w, "tappet_hook_requests_total{hook=\"github\",status=\"taken\"} 1\n", true);
	world_fini(&w);
}
END_TEST

START_TEST(unknown_hooks)
{
	struct world w;

	world_init(&w);
	refused(&w, post(&w, "nobody", JSON, "{}"), 404, "no such hook");
	refused(&w, post(&w, "", JSON, "{}"), 404, "no such hook");
	refused(&w, post(&w, "open/", JSON, "{}"), 404, "no such hook");
	refused(&w, post(&w, "open%00", JSON, "{}"), 400, "NUL");
	metric(&w, "{hook=\"\",status=\"404\"} 3\n", true);
	metric(&w, "nobody", false);
	world_fini(&w);
}
END_TEST

START_TEST(other_methods)
{
	static const char *const methods[] = { "GET", "PUT", "DELETE", "OPTIONS" };
	struct world w;

	world_init(&w);
	for (int i = 0; i < 4; i++) {
		char request[200];
		int fd = net_connect(w.port);

		snprintf(request, sizeof(request), "%s /hooks/token HTTP/1.1\r\nHost: t\r\n\r\n",
			 methods[i]);
		net_send(fd, request);
		refused(&w, fd, 405, "Allow: POST");
	}
	metric(&w, "tappet_hook_requests_total{hook=\"token\",status=\"405\"} 4\n", true);
	world_fini(&w);
}
END_TEST

/* 404, 405, 413, 415, 401, 400, 503, 429: what comes first is told. */
START_TEST(order_of_checks)
{
	static char large[65 * 1024 + 1];
	static const char text[] = "Content-Type: text/plain\r\n";
	struct world w;

	memset(large, ' ', sizeof(large) - 1);
	world_init(&w);
	atomic_store(&w.stats.store_down, true);
	atomic_store(&w.room, false);
	refused(&w, post(&w, "nobody", text, large), 404, "no such hook");
	refused(&w, post(&w, "token", text, large), 413, "too large");
	refused(&w, post(&w, "token", text, "{"), 415, "Content-Type: application/json");
	refused(&w, post(&w, "token", JSON, "{"), 401, "{\"error\":\"unauthorized\"}");
	refused(&w, post(&w, "open", CE_REQUIRED "ce-subject: %zz\r\n", "{"), 400, "ce- header");
	refused(&w, post(&w, "open", JSON, "{"), 503, "Retry-After: 5");
	atomic_store(&w.stats.store_down, false);
	refused(&w, post(&w, "open", JSON, "{"), 429, "Retry-After: 1");
	world_fini(&w);
}
END_TEST

START_TEST(a_wrong_signature_says_nothing)
{
	static const char *const wrong[] = {
		JSON,
		JSON GITHUB,
		JSON "X-Hub-Signature-256: sha256=00\r\n",
		JSON "X-Hub-Signature-256: \r\n",
	};
	struct world w;
	char first[4096] = "";

	world_init(&w);
	for (int i = 0; i < 4; i++) {
		char *body;

		refused(&w, post(&w, "github", wrong[i], "Hello, World?"), 401, "unauthorized");
		body = strstr(w.reply, "\r\n\r\n");
		if (i == 0)
			snprintf(first, sizeof(first), "%s", body);
		ck_assert_str_eq(first, body);
	}
	metric(&w, "{hook=\"github\",status=\"401\"} 4\n", true);
	world_fini(&w);
}
END_TEST

START_TEST(a_full_queue)
{
	struct world w;
	int fds[QUEUE_ITEMS];
	struct queue_item *items;

	world_init(&w);
	for (int i = 0; i < QUEUE_ITEMS; i++)
		fds[i] = post(&w, "open", JSON, "{}");
	while (queue_depth(w.inputs) < QUEUE_ITEMS)
		(void)poll(NULL, 0, 1); /* until the server's thread has put both there */
	ck_assert_int_eq(answer(&w, post(&w, "open", JSON, "{}")), 429);
	ck_assert_ptr_nonnull(strstr(w.reply, "Retry-After: 1"));
	items = queue_take(w.inputs);
	for (int i = 0; i < QUEUE_ITEMS; i++) {
		struct input *input = (struct input *)(void *)items;
		struct http_reply reply = { input->hook.ticket, { .status = 202 } };

		items = items->next;
		http_reply(w.server, &reply, 1);
		input_free(input);
		ck_assert_int_eq(answer(&w, fds[i]), 202);
	}
	world_fini(&w);
}
END_TEST

START_TEST(media_types)
{
	static const struct {
		const char *header;
		int envelope; /* -1: 415 */
	} cases[] = {
		{ "", ENVELOPE_NONE },
		{ "Content-Type: application/json; charset=utf-8\r\n", ENVELOPE_NONE },
		{ "Content-Type: APPLICATION/JSON\r\n", ENVELOPE_NONE },
		{ "Content-Type: application/vnd.api+json\r\n", ENVELOPE_NONE },
		{ "Content-Type: Application/CloudEvents+JSON; charset=UTF-8\r\n",
		  ENVELOPE_STRUCTURED },
		{ "Content-Type: application/cloudevents-batch+json\r\n", ENVELOPE_BATCH },
		{ "Content-Type: Application/X-WWW-Form-URLEncoded; charset=utf-8\r\n",
		  ENVELOPE_NONE },
		{ "Content-Encoding: identity\r\n", ENVELOPE_NONE },
		{ "Content-Encoding: br\r\n", -1 },
		{ "Content-Encoding: gzip, gzip\r\n", -1 },
		{ "Content-Encoding: deflate\r\n", -1 },
		{ "Content-Type: application/cloudevents-batch\r\n", -1 },
		{ "Content-Type: application/cloudevents-batch+avro\r\n", -1 },
		{ "Content-Type: application/cloudevents\r\n", -1 },
		{ "Content-Type: multipart/form-data; boundary=x\r\n", -1 },
		{ "Content-Type: text/plain\r\n", -1 },
		{ "Content-Type: +json\r\n", -1 },
		{ "Content-Type: application/+json\r\n", -1 },
		{ "Content-Type: application/jsonp\r\n", -1 },
	};
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = post(&w, "open", cases[i].header, "{}");

		if (cases[i].envelope < 0) {
			refused(&w, fd, 415, "error");
			continue;
		}
		struct input *input = taken(&w);

		ck_assert_int_eq(input->hook.envelope, (enum envelope)cases[i].envelope);
		ck_assert(input->hook.form == (strstr(cases[i].header, "Form") != NULL));
		finish(&w, input, fd);
	}
	world_fini(&w);
}
END_TEST

START_TEST(binary_cloudevent)
{
	struct world w;
	struct input *input;
	int fd;

	world_init(&w);
	fd = post(&w, "open",
		  JSON "CE-SpecVersion: 1.0\r\nce-id: a%20b\r\nce-source: /mycontext\r\n"
		       "ce-type: com.example.some\r\nce-subject: \"Euro \\\"%E2%82%AC\\\"\"\r\n"
		       "ce-time: 2018-04-05T03:56:24Z\r\nX-Other: 1\r\n",
		  "{}");
	input = taken(&w);
	ck_assert_int_eq(input->hook.envelope, ENVELOPE_BINARY);
	ck_assert(text_is(input->hook.ce_id, "a b"));
	ck_assert(text_is(input->hook.ce_source, "/mycontext"));
	ck_assert(text_is(input->hook.ce_type, "com.example.some"));
	ck_assert(text_is(input->hook.ce_subject, "Euro \"\xe2\x82\xac\""));
	ck_assert(text_is(input->hook.ce_time, "2018-04-05T03:56:24Z"));
	finish(&w, input, fd);
	fd = post(&w, "open", JSON "ce-specversion: 1.0\r\nce-id: 7\r\nce-source: /s\r\n", "{}");
	input = taken(&w); /* without ce-type it is no CloudEvent */
	ck_assert_int_eq(input->hook.envelope, ENVELOPE_NONE);
	finish(&w, input, fd);
	world_fini(&w);
}
END_TEST

START_TEST(malformed_headers)
{
	static const char *const wrong[] = { "%C0%A0",   "%",       "%4",        "%zz",
					     "%0a",      "%7F",     "\"",        "\"a",
					     "\"a\"b\"", "\"a\\\"", "%EF%BF%BF", "%ED%A0%80" };
	char long_one[LIMIT_CE_ATTRIBUTE + 2];
	char header[LIMIT_CE_ATTRIBUTE + 200];
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(header, sizeof(header), JSON CE_REQUIRED "ce-subject: %s\r\n", wrong[i]);
		refused(&w, post(&w, "open", header, "{}"), 400, "malformed");
	}
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	snprintf(header, sizeof(header), JSON CE_REQUIRED "ce-subject: %s\r\n", long_one);
	refused(&w, post(&w, "open", header, "{}"), 400, "too long");
	long_one[LIMIT_SENDER_ID + 1] = '\0';
	snprintf(header, sizeof(header), JSON GITHUB "X-GitHub-Event: %s\r\n", long_one);
	refused(&w, post(&w, "github", header, "Hello, World!"), 400, "name is too long");
	snprintf(header, sizeof(header), JSON GITHUB "X-GitHub-Delivery: %s\r\n", long_one);
	refused(&w, post(&w, "github", header, "Hello, World!"), 400, "id is too long");
	refused(&w,
		post(&w, "open",
		     JSON "ce-specversion: 0.3\r\nce-id: 7\r\nce-source: /s\r\nce-type: a\r\n",
		     "{}"),
		400, "specversion");
	world_fini(&w);
}
END_TEST

/* The signed id is used even when another header is named and sent. */
START_TEST(signed_id_first)
{
	struct world w;
	struct input *input;
	int fd;

	world_init(&w);
	fd = post(&w, "billing",
		  JSON "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n"
		       "webhook-timestamp: 1614265330\r\nX-Other: forged\r\n"
		       "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n",
		  "{\"test\": 2432232314}");
	input = taken(&w);
	ck_assert(text_is(input->hook.sender_id, "msg_p5jXN8AQM9LWM0D4loKWxJek"));
	finish(&w, input, fd);
	w.now.wall += 301000;
	refused(&w,
		post(&w, "billing",
		     JSON "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n"
			  "webhook-timestamp: 1614265330\r\n"
			  "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n",
		     "{\"test\": 2432232314}"),
		401, "unauthorized");
	world_fini(&w);
}
END_TEST

/* A product's own webhook is signed over the body alone: headers can't make
 * another event of it. */
START_TEST(a_connections_webhook)
{
	struct world w;
	struct input *input;
	int fd;

	world_init(&w);
	fd = post(&w, "hindsite",
		  JSON CE_REQUIRED "X-Webhook-Signature: "
				   "757107ea0eb2509fc211221cce984b8a"
				   "37570b6d7586c22c46f4379c8b043e17\r\n",
		  "Hello, World!");
	input = taken(&w);
	ck_assert(text_is(input->hook.hook, "hindsite"));
	ck_assert_int_eq(input->hook.envelope, ENVELOPE_NONE);
	ck_assert_uint_eq(input->hook.ce_type.n, 0);
	finish(&w, input, fd);
	fd = post(&w, "github", JSON GITHUB CE_REQUIRED, "Hello, World!");
	input = taken(&w);
	ck_assert_int_eq(input->hook.envelope, ENVELOPE_NONE);
	ck_assert_uint_eq(input->hook.ce_id.n, 0);
	finish(&w, input, fd);
	refused(&w, post(&w, "hindsite", "Content-Type: application/x-www-form-urlencoded\r\n", ""),
		415, "send JSON");
	refused(&w,
		post(&w, "hindsite", "Content-Type: application/cloudevents-batch+json\r\n", ""),
		415, "send JSON");
	world_fini(&w);
}
END_TEST

/* ---- Packed bodies. ---- */

static size_t pack(const char *bytes, size_t n, unsigned char *out, size_t room)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)n };

	ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = out;
	z.avail_out = (unsigned)room;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

#define GZIP "Content-Encoding: gzip\r\n"

/* What is signed are the bytes sent, not those they unpack to. */
START_TEST(gzip)
{
	struct world w;
	struct input *input;
	unsigned char packed[1000];
	char headers[300], mac[HEX_SIZE(CRYPTO_SHA256)];
	uint8_t sum[CRYPTO_SHA256];
	size_t n = pack("Hello, World!", 13, packed, sizeof(packed));
	struct text body = { (const char *)packed, n };
	int fd;

	world_init(&w);
	fd = post_bytes(&w, "open", JSON "Content-Encoding: X-GZIP\r\n", packed, n);
	input = taken(&w);
	ck_assert(text_is(input->hook.body, "Hello, World!"));
	finish(&w, input, fd);
	refused(&w, post_bytes(&w, "github", JSON GITHUB GZIP, packed, n), 401, "unauthorized");
	ck_assert(hmac_sha256(TEXT("It's a Secret to Everybody"), &body, 1, sum));
	hex_encode(sum, sizeof(sum), mac);
	snprintf(headers, sizeof(headers), JSON GZIP "X-Hub-Signature-256: sha256=%s\r\n", mac);
	fd = post_bytes(&w, "github", headers, packed, n);
	input = taken(&w);
	ck_assert(text_is(input->hook.body, "Hello, World!"));
	finish(&w, input, fd);
	refused(&w, post_bytes(&w, "open", JSON GZIP, packed, n - 1), 400, "not gzip");
	refused(&w, post(&w, "open", JSON GZIP, "{}"), 400, "not gzip");
	refused(&w, post(&w, "open", JSON GZIP, ""), 400, "not gzip");
	world_fini(&w);
}
END_TEST

/* 32 MiB in 32 KiB, where 64 KiB are allowed. */
START_TEST(a_bomb)
{
	size_t size = (size_t)32 << 20;
	char *zeros = calloc(1, size);
	unsigned char packed[1 << 16];
	struct world w;
	size_t n = pack(zeros, size, packed, sizeof(packed));

	world_init(&w);
	ck_assert_uint_lt(n, w.config->body_limit);
	refused(&w, post_bytes(&w, "token", JSON GZIP, packed, n), 401, "unauthorized");
	refused(&w, post_bytes(&w, "open", JSON GZIP, packed, n), 413, "once unpacked");
	n = pack(zeros, w.config->body_limit, packed, sizeof(packed));
	int fd = post_bytes(&w, "open", JSON GZIP, packed, n);
	struct input *input = taken(&w);

	ck_assert_uint_eq(input->hook.body.n, w.config->body_limit);
	finish(&w, input, fd);
	metric(&w, "tappet_hook_requests_total{hook=\"open\",status=\"413\"} 1\n", true);
	world_fini(&w);
	free(zeros);
}
END_TEST

/* ---- The handshake of CloudEvents' webhooks. ---- */

static int options(struct world *w, const char *path, const char *headers)
{
	char request[600];
	int fd = net_connect(w->port);

	snprintf(request, sizeof(request), "OPTIONS /hooks/%s HTTP/1.1\r\nHost: t\r\n%s\r\n", path,
		 headers);
	net_send(fd, request);
	return fd;
}

#define ORIGIN(name) "WebHook-Request-Origin: " name "\r\n"
#define RATE(n)      "WebHook-Request-Rate: " n "\r\n"

START_TEST(handshake)
{
	struct world w;

	world_init(&w);
	refused(&w, options(&w, "grid", ORIGIN("grid.example") RATE("60")), 200,
		"WebHook-Allowed-Origin: grid.example\r\nWebHook-Allowed-Rate: 60\r\n");
	ck_assert_ptr_nonnull(strstr(w.reply, "Allow: POST, OPTIONS\r\n"));
	refused(&w, options(&w, "grid", ORIGIN("b.example") RATE("1000")), 200,
		"WebHook-Allowed-Rate: 120\r\n");
	refused(&w, options(&w, "grid", ORIGIN("b.example")), 200, "WebHook-Allowed-Rate: 120\r\n");
	refused(&w, options(&w, "any", ORIGIN("whoever.example")), 200,
		"WebHook-Allowed-Origin: whoever.example\r\nWebHook-Allowed-Rate: *\r\n");
	refused(&w, options(&w, "any", ORIGIN("whoever.example") RATE("7")), 200,
		"WebHook-Allowed-Rate: 7\r\n");
	metric(&w, "{hook=\"grid\",status=\"200\"} 3\n", true);
	world_fini(&w);
}
END_TEST

START_TEST(no_handshake)
{
	static const char *const malformed[] = { "",
						 ORIGIN(""),
						 ORIGIN("a b"),
						 ORIGIN("*"),
						 ORIGIN("http://b.example"),
						 ORIGIN("b.example") RATE("0"),
						 ORIGIN("b.example") RATE("-1"),
						 ORIGIN("b.example") RATE("fast"),
						 ORIGIN("b.example") RATE("99999999999999999999") };
	struct world w;

	world_init(&w);
	refused(&w, options(&w, "nobody", ORIGIN("b.example")), 404, "no such hook");
	refused(&w, options(&w, "open", ORIGIN("b.example")), 405, "Allow: POST\r\n");
	refused(&w, options(&w, "grid", ORIGIN("c.example")), 403, "not allowed");
	ck_assert_ptr_null(strstr(w.reply, "WebHook-Allowed"));
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		refused(&w, options(&w, "grid", malformed[i]), 400, "WebHook-Request-Origin");
		ck_assert_ptr_null(strstr(w.reply, "WebHook-Allowed"));
	}
	/* Consent proves nothing. */
	refused(&w, post(&w, "any", JSON ORIGIN("whoever.example"), "{}"), 401, "unauthorized");
	world_fini(&w);
}
END_TEST

START_TEST(token_in_the_url)
{
	struct world w;
	struct input *input;
	int fd;

	world_init(&w);
	fd = post(&w, "any?access_token=It%27s%20a%20Secret%20to+Everybody", JSON, "{}");
	input = taken(&w);
	finish(&w, input, fd);
	refused(&w, post(&w, "any?access_token=guessed", JSON, "{}"), 401, "unauthorized");
	refused(&w, post(&w, "any?access_token", JSON, "{}"), 401, "unauthorized");
	world_fini(&w);
}
END_TEST

/* A hundred thousand header lines, and one that never ends: the memory of a connection
 * is what there is. */
START_TEST(too_many_headers)
{
	struct world w;
	int fd;

	world_init(&w);
	fd = net_connect(w.port);
	net_send(fd, "POST /hooks/open HTTP/1.1\r\nHost: t\r\n");
	for (int i = 0; i < 100000; i++)
		if (!net_put(fd, "X-Header: 1\r\n", 13))
			break; /* it has heard enough */
	(void)net_put(fd, "\r\n", 2);
	int status = net_status(fd, w.reply, sizeof(w.reply));

	ck_assert_msg(status == 431 || status == -1, "%d", status);
	close(fd);
	ck_assert_uint_eq(queue_depth(w.inputs), 0);
	fd = post(&w, "open", JSON, "{}"); /* others are served */
	finish(&w, taken(&w), fd);
	world_fini(&w);
}
END_TEST

START_TEST(reload)
{
	struct world w;
	struct config *next = load(second_yaml);
	struct input *input;
	int fd;

	world_init(&w);
	refused(&w, post(&w, "token", JSON, "{}"), 401, "unauthorized");
	refused(&w, post(&w, "late", JSON, "{}"), 404, "no such hook");
	ck_assert(hooks_reload(w.hooks, next));
	config_free(next);
	fd = post(&w, "late", JSON, "{}");
	input = taken(&w);
	finish(&w, input, fd);
	fd = post(&w, "token", JSON, "{}");
	input = taken(&w);
	finish(&w, input, fd);
	refused(&w, post(&w, "open", JSON, "{}"), 404, "no such hook");
	metric(&w, "{hook=\"token\",status=\"401\"} 1\n", true);
	metric(&w, "{hook=\"token\",status=\"taken\"} 1\n", true);
	world_fini(&w);
}
END_TEST

/* The configuration changes between headers and body: the new one counts. */
START_TEST(reload_amid_a_request)
{
	struct world w;
	struct config *next = load(second_yaml);
	int fd;

	world_init(&w);
	fd = net_connect(w.port);
	net_send(fd, "POST /hooks/open HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n"
		     "Expect: 100-continue\r\n\r\n");
	ck_assert_int_eq(net_status(fd, w.reply, sizeof(w.reply)), 100);
	ck_assert(hooks_reload(w.hooks, next));
	net_send(fd, "{}");
	refused(&w, fd, 404, "no such hook");
	config_free(next);
	world_fini(&w);
}
END_TEST

UNIT_MAIN("sources_hook", takes_and_parks, unknown_hooks, other_methods, order_of_checks,
	  a_wrong_signature_says_nothing, a_full_queue, media_types, binary_cloudevent,
	  malformed_headers, signed_id_first, a_connections_webhook, gzip, a_bomb, handshake,
	  no_handshake, token_in_the_url, too_many_headers, reload, reload_amid_a_request)
