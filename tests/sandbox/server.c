/* SPDX-License-Identifier: Apache-2.0
 *
 * server - see server.h.
 *
 * An exchange is one request and its reply. It begins with the request line, is handed to a route
 * when the body is complete, and ends when the library says so. Between those it may wait, once,
 * suspended, on the server's list.
 */
#include "tests/sandbox/server.h"

#include "tests/sandbox/faults.h"
#include "tests/sandbox/journal.h"
#include "tests/sandbox/routes.h"
#include "tests/sandbox/times.h"

#include <arpa/inet.h>
#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long a request left hanging is kept when the fault doesn't say. */
#define HANG_MS 600000

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_WAITING, STAGE_SENT };

struct exchange {
	struct server *srv;
	struct MHD_Connection *conn;
	enum stage stage;
	bool too_large;
	size_t body_cap;
	struct request rq;
	struct reply re;
	bool answered;
	const struct route *route; /* NULL: no such path */
	const struct vendor *vendor;
	bool other_method;
	struct fault fault;
	int64_t number; /* in the journal, 0 for none */
	int64_t due_ms;
	unsigned epoch; /* of the faults when it began to hang */
	struct exchange *next;
	struct exchange *prev;
};

struct server {
	struct sandbox *sb;
	struct MHD_Daemon *daemon;
	int wake;
	bool stopping;
	struct exchange *waiting; /* suspended; guarded by the sandbox's lock */
};

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct exchange *ex = must_alloc(1, sizeof(*ex));

	ex->srv = cls;
	ex->conn = conn;
	ex->rq.uri = must_copy(uri);
	return ex;
}

static void unlink_waiting(struct exchange *ex)
{
	struct server *srv = ex->srv;

	if (srv->waiting != ex && !ex->prev)
		return;
	if (ex->prev)
		ex->prev->next = ex->next;
	else
		srv->waiting = ex->next;
	if (ex->next)
		ex->next->prev = ex->prev;
	ex->next = ex->prev = NULL;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **context,
			 enum MHD_RequestTerminationCode why)
{
	struct exchange *ex = *context;

	(void)cls;
	(void)conn;
	(void)why;
	if (!ex)
		return;
	(void)pthread_mutex_lock(&ex->srv->sb->lock);
	unlink_waiting(ex);
	(void)pthread_mutex_unlock(&ex->srv->sb->lock);
	request_fini(&ex->rq);
	reply_fini(&ex->re);
	free(ex);
	*context = NULL;
}

static void add_body(struct exchange *ex, const char *bytes, size_t n)
{
	struct request *rq = &ex->rq;

	if (ex->too_large || rq->len + n > BODY_MAX) {
		ex->too_large = true;
		return;
	}
	if (rq->len + n + 1 > ex->body_cap) {
		ex->body_cap = (rq->len + n + 1) * 2;
		rq->body = must_grow(rq->body, ex->body_cap, 1);
	}
	memcpy(rq->body + rq->len, bytes, n);
	rq->len += n;
	rq->body[rq->len] = '\0';
}

static const char *header(struct exchange *ex, const char *name)
{
	return MHD_lookup_connection_value(ex->conn, MHD_HEADER_KIND, name);
}

static const char *any_header(void *of, const char *name)
{
	return header(of, name);
}

static void note(struct exchange *ex)
{
	const struct request *rq = &ex->rq;
	struct journal_item item = {
		.at_ms = sandbox_now_ms(ex->srv->sb),
		.route = ex->route ? ex->route->name : "none",
		.fault = ex->fault.kind ? faults_word(ex->fault.kind) : NULL,
		.method = rq->method,
		.uri = rq->uri,
		.idempotency_key = rq->idempotency_key,
		.content_type = rq->content_type,
		.authorized = rq->authorization != NULL,
		.secret = ex->route && ex->route->login,
		.body = rq->body,
		.len = rq->len,
	};

	ex->number = journal_add(ex->srv->sb->journal, &item);
}

/* A complete request: what is it, what shall go wrong with it, and into the journal with it. */
static void arrive(struct exchange *ex)
{
	struct request *rq = &ex->rq;
	struct sandbox *sb = ex->srv->sb;

	request_split(rq);
	rq->content_type = header(ex, "Content-Type");
	rq->authorization = header(ex, "Authorization");
	rq->idempotency_key = header(ex, "Idempotency-Key");
	rq->header = any_header;
	rq->of = ex;
	rq->host = header(ex, "Host");
	rq->if_none_match = header(ex, "If-None-Match");
	rq->if_modified_since = header(ex, "If-Modified-Since");
	ex->route = routes_find(rq, &ex->other_method);
	ex->vendor = ex->route ? ex->route->vendor : routes_vendor(rq);
	ex->fault.retry_after = -1;
	if (ex->route && ex->vendor->observed)
		ex->fault = faults_take(sb->faults, ex->route->name, FAULTS_IN, sandbox_now_ms(sb));
	if (ex->vendor->observed)
		note(ex);
}

/* RFC 9110, 5.6.7: the machine's clock, which is the reply's Date, too. */
static void date_after(int64_t seconds, char *out, size_t room)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)(times_wall_ms() / 1000 + seconds);
	struct tm tm = { 0 };

	(void)gmtime_r(&at, &tm);
	(void)snprintf(out, room, "%s, %02d %s %d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
		       months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void refuse_by_fault(struct exchange *ex)
{
	char when[80];
	int status = ex->fault.kind == FAULT_TOKEN_EXPIRY ? 401 : ex->fault.status;

	ex->vendor->refuse(&ex->re, status, NULL);
	if (ex->fault.retry_after < 0)
		return;
	if (ex->fault.retry_date)
		date_after(ex->fault.retry_after, when, sizeof(when));
	else
		(void)snprintf(when, sizeof(when), "%lld", (long long)ex->fault.retry_after);
	reply_header(&ex->re, "Retry-After", when);
}

/* The reply as it is without a fault. */
static void answer(struct exchange *ex)
{
	struct sandbox *sb = ex->srv->sb;
	const struct route *route = ex->route;

	if (ex->too_large)
		ex->vendor->refuse(&ex->re, 413, "Payload too large");
	else if (!route)
		ex->vendor->refuse(&ex->re, ex->other_method ? 405 : 404, NULL);
	else if (route->login || !ex->vendor->admit || ex->vendor->admit(sb, &ex->rq, &ex->re))
		route->answer(sb, &ex->rq, &ex->re);
}

/* The fault takes the place of the answer, unless it is to strike after the effect. */
static bool instead(const struct fault *fault)
{
	switch (fault->kind) {
	case FAULT_STATUS:
	case FAULT_TOO_MANY:
	case FAULT_RESET:
	case FAULT_HANG:
		return !fault->after;
	default:
		return false;
	}
}

static void apply(struct exchange *ex)
{
	switch (ex->fault.kind) {
	case FAULT_STATUS:
	case FAULT_TOO_MANY:
		ex->re.n_headers = 0;
		refuse_by_fault(ex);
		break;
	case FAULT_TRUNCATE:
		ex->re.cut = CUT_TRUNCATE;
		break;
	case FAULT_RESET:
		ex->re.cut = CUT_RESET;
		break;
	case FAULT_HANG:
		ex->re.cut = CUT_CLOSE;
		break;
	case FAULT_GARBAGE:
		text_clear(&ex->re.body);
		text_add(&ex->re.body, "<html><body>{\"results\": [ &nbsp;");
		break;
	default:
		break;
	}
}

static void respond(struct exchange *ex)
{
	const struct vendor *vendor = ex->vendor;

	if (ex->answered)
		return;
	ex->answered = true;
	if (ex->fault.kind == FAULT_TOKEN_EXPIRY && vendor->expire)
		vendor->expire(ex->srv->sb);
	if (ex->fault.kind == FAULT_TOKEN_EXPIRY && !vendor->expire)
		refuse_by_fault(ex);
	else if (!instead(&ex->fault))
		answer(ex);
	apply(ex);
}

static void wake(struct server *srv)
{
	uint64_t one = 1;

	if (write(srv->wake, &one, sizeof(one)) < 0)
		perror("tappet-sandbox: eventfd");
}

/* Puts the reply off if the fault says so. */
static bool put_off(struct exchange *ex)
{
	struct server *srv = ex->srv;
	int64_t delay = ex->fault.delay_ms;

	if (ex->fault.kind == FAULT_HANG && delay == 0)
		delay = HANG_MS;
	if (delay == 0 || srv->stopping)
		return false;
	if (ex->fault.after)
		respond(ex);
	ex->due_ms = times_steady_ms() + delay;
	ex->epoch = faults_epoch(srv->sb->faults);
	ex->stage = STAGE_WAITING;
	ex->next = srv->waiting;
	if (ex->next)
		ex->next->prev = ex;
	srv->waiting = ex;
	MHD_suspend_connection(ex->conn);
	wake(srv);
	return true;
}

/*
 * Sends a TCP reset at once. Connecting to no address aborts the connection (connect(2),
 * AF_UNSPEC); merely closing would send the end of the stream first.
 */
static void reset(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)connect(info->connect_fd, &none, sizeof(none));
}

/* The source of a truncated body: the first half, then an error, which closes the connection. */
struct half {
	char *data;
	size_t size;
};

static ssize_t read_half(void *cls, uint64_t pos, char *to, size_t max)
{
	const struct half *half = cls;
	size_t n = (size_t)pos < half->size ? half->size - (size_t)pos : 0;

	if (n == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = n < max ? n : max;
	memcpy(to, half->data + pos, n);
	return (ssize_t)n;
}

static void free_half(void *cls)
{
	free(((struct half *)cls)->data);
	free(cls);
}

static struct MHD_Response *body_of(struct reply *re)
{
	size_t n = re->body.len;
	struct half *half;

	if (n == 0)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (re->cut != CUT_TRUNCATE)
		return MHD_create_response_from_buffer(n, text_take(&re->body),
						       MHD_RESPMEM_MUST_FREE);
	half = must_alloc(1, sizeof(*half));
	half->size = n / 2;
	half->data = text_take(&re->body);
	return MHD_create_response_from_callback(n, 32768, read_half, half, free_half);
}

static enum MHD_Result transmit(struct exchange *ex)
{
	struct reply *re = &ex->re;
	struct MHD_Response *response;
	enum MHD_Result result;
	char id[32];

	if (re->cut == CUT_RESET)
		reset(ex->conn);
	if (re->cut == CUT_RESET || re->cut == CUT_CLOSE)
		return MHD_NO;
	assert(re->status);
	response = body_of(re);
	if (!response)
		return MHD_NO;
	if (re->type && re->status != 204)
		(void)MHD_add_response_header(response, "Content-Type", re->type);
	for (size_t i = 0; i < re->n_headers; i++)
		(void)MHD_add_response_header(response, re->headers[i].name, re->headers[i].value);
	(void)snprintf(id, sizeof(id), "sandbox-%lld", (long long)ex->number);
	if (ex->number)
		(void)MHD_add_response_header(response, "X-Request-Id", id);
	result = MHD_queue_response(ex->conn, (unsigned)re->status, response);
	MHD_destroy_response(response);
	return result;
}

/* The request is complete, or its reply was put off until now. */
static enum MHD_Result proceed(struct exchange *ex)
{
	struct server *srv = ex->srv;
	bool cut;

	(void)pthread_mutex_lock(&srv->sb->lock);
	if (ex->stage == STAGE_BODY) {
		arrive(ex);
		if (put_off(ex)) {
			(void)pthread_mutex_unlock(&srv->sb->lock);
			return MHD_YES;
		}
	}
	respond(ex);
	ex->stage = STAGE_SENT;
	cut = ex->re.cut == CUT_RESET || ex->re.cut == CUT_CLOSE;
	if (ex->number)
		journal_status(srv->sb->journal, ex->number, cut ? 0 : ex->re.status);
	if (!ex->vendor->observed && srv->waiting)
		wake(srv); /* faults may have been cleared */
	(void)pthread_mutex_unlock(&srv->sb->lock);
	return transmit(ex);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **context)
{
	struct exchange *ex = *context;

	(void)cls;
	(void)conn;
	(void)url;
	(void)version;
	assert(ex);
	if (ex->stage == STAGE_HEAD) {
		ex->rq.method = must_copy(method);
		ex->stage = STAGE_BODY;
		return MHD_YES;
	}
	if (*n == 0)
		return proceed(ex);
	add_body(ex, data, *n);
	*n = 0;
	return MHD_YES;
}

static bool listen_on(struct server *srv, const struct options *options)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(options->port) };

	if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1) {
		(void)fprintf(stderr, "tappet-sandbox: %s is not an IPv4 address\n", options->host);
		return false;
	}
	srv->daemon = MHD_start_daemon(
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME,
	    options->port, NULL, NULL, on_request, srv, MHD_OPTION_SOCK_ADDR, &address,
	    MHD_OPTION_URI_LOG_CALLBACK, on_uri, srv, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    srv, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, CONNECTION_IDLE_S,
	    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_LISTEN_BACKLOG_SIZE, CONNECTIONS_MAX,
	    MHD_OPTION_END);
	if (!srv->daemon)
		perror("tappet-sandbox: can't listen");
	return srv->daemon != NULL;
}

struct server *server_start(struct sandbox *sb)
{
	struct server *srv = must_alloc(1, sizeof(*srv));

	assert(sb);
	srv->sb = sb;
	srv->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (srv->wake >= 0 && listen_on(srv, &sb->options))
		return srv;
	if (srv->wake >= 0)
		(void)close(srv->wake);
	free(srv);
	return NULL;
}

uint16_t server_port(const struct server *srv)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(srv->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}

int server_wake_fd(const struct server *srv)
{
	return srv->wake;
}

/* Takes one that is due off the list; else NULL and the time of the next in due_ms. */
static struct exchange *take_due(struct server *srv, int64_t now, int64_t *due_ms)
{
	unsigned epoch = faults_epoch(srv->sb->faults);

	*due_ms = INT64_MAX;
	for (struct exchange *ex = srv->waiting; ex; ex = ex->next) {
		bool let_go = ex->fault.kind == FAULT_HANG && ex->epoch != epoch;

		if (srv->stopping || let_go || ex->due_ms <= now) {
			unlink_waiting(ex);
			return ex;
		}
		*due_ms = ex->due_ms < *due_ms ? ex->due_ms : *due_ms;
	}
	return NULL;
}

int64_t server_resume_due(struct server *srv)
{
	uint64_t count;
	int64_t due_ms;
	int64_t now = times_steady_ms();
	struct exchange *ex;

	(void)!read(srv->wake, &count, sizeof(count)); /* nothing to read is fine */
	do {
		(void)pthread_mutex_lock(&srv->sb->lock);
		ex = take_due(srv, now, &due_ms);
		(void)pthread_mutex_unlock(&srv->sb->lock);
		if (ex)
			MHD_resume_connection(ex->conn);
	} while (ex);
	return due_ms == INT64_MAX ? -1 : due_ms - now;
}

void server_stop(struct server *srv)
{
	if (!srv)
		return;
	(void)pthread_mutex_lock(&srv->sb->lock);
	srv->stopping = true;
	(void)pthread_mutex_unlock(&srv->sb->lock);
	(void)server_resume_due(srv);
	MHD_stop_daemon(srv->daemon);
	(void)close(srv->wake);
	free(srv);
}
