/* SPDX-License-Identifier: Apache-2.0
 *
 * http_server_request - one request, from its first byte to its answer.
 *
 * The library can queue a response after the headers or after the whole body,
 * not between. A refusal of a request that brings a body therefore reads past
 * the body (LIMIT_DISCARD at most) before it answers, so that a sender which
 * writes first and reads later sees the answer and not a reset. Two cases are
 * answered at once and closed: "Expect: 100-continue", whose sender waits for
 * our word, and a declared length beyond LIMIT_DISCARD. A chunked body that
 * goes beyond LIMIT_DISCARD is cut off without an answer.
 *
 * States of a request; a ticket is good while it is PARKED:
 *
 *   RECEIVING --body complete--> READY or PARKED --reply--> READY --queued--> SENDING
 *   RECEIVING --refused--> DISCARDING --body complete--> READY
 *   any --completed or closed--> back in the pool, generation + 1
 *
 * I3  A ticket holds index and generation of its request; a reply whose
 *     generation has passed is dropped.
 * I4  held == sum of `counted` of all requests in use.
 * Ownership: the server owns requests and their bodies; a request in use is
 * reachable from its connection (con_cls). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/io/http_server_internal.h"

/* --- requests ----------------------------------------------------------- */

static struct http_request *request_make(struct http_server *server)
{
	struct http_request *request;

	if (server->request_count == server->request_room)
		return NULL; /* as many as connections: does not happen */
	request = mem_zero(1, sizeof(*request));
	if (request == NULL)
		return NULL;
	request->index = (uint32_t)server->request_count;
	request->generation = 1;
	server->requests[server->request_count++] = request;
	return request;
}

static struct http_request *request_take(struct site *site)
{
	struct http_server *server = site->server;
	struct http_request *request = server->free;

	if (request != NULL)
		server->free = request->next_free;
	else
		request = request_make(server);
	if (request == NULL)
		return NULL;
	assert(request->state == REQUEST_FREE && request->counted == 0);
	request->site = site;
	request->state = REQUEST_RECEIVING;
	request->discarded = 0;
	atomic_fetch_add_explicit(&server->requests_seen, 1, memory_order_relaxed);
	return request;
}

/* Keeps the memory of common bodies for the next request. */
static void request_drop_body(struct http_request *request)
{
	if (request->body.room > LIMIT_HTTP_KEEP)
		buf_fini(&request->body);
	else
		buf_clear(&request->body);
}

static void request_uncount(struct http_request *request)
{
	assert(request->site->server->held >= request->counted);
	request->site->server->held -= request->counted;
	request->counted = 0;
}

static void request_release(struct http_request *request)
{
	struct http_server *server = request->site->server;

	if (request->state == REQUEST_PARKED)
		atomic_fetch_sub_explicit(&server->parked, 1, memory_order_relaxed);
	if (request->state == REQUEST_SENDING)
		server->sending--;
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	request_drop_body(request);
	request_uncount(request);
	request->response = NULL;
	request->connection = NULL;
	request->state = REQUEST_FREE;
	/* 31 bits: tickets with the top bit are somebody else's. */
	if (++request->generation > INT32_MAX)
		request->generation = 1;
	request->next_free = server->free;
	server->free = request;
}

static http_ticket request_ticket(const struct http_request *request)
{
	return (http_ticket)request->generation << 32 | request->index;
}

static struct http_request *request_parked(struct http_server *server, http_ticket ticket)
{
	uint32_t index = (uint32_t)ticket;
	struct http_request *request;

	if (index >= server->request_count)
		return NULL;
	request = server->requests[index];
	if (request->generation != (uint32_t)(ticket >> 32) || request->state != REQUEST_PARKED)
		return NULL;
	return request;
}

/* --- answers ------------------------------------------------------------ */

static bool add_header(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* CloudEvents 1.0.2, http-webhook.md, section 4.2: consent is told by these headers. */
static bool add_consent(struct MHD_Response *response, const struct http_answer *answer)
{
	char rate[24] = "*";

	if (answer->allowed_origin == NULL)
		return true;
	if (answer->allowed_rate > 0)
		snprintf(rate, sizeof(rate), "%lld", (long long)answer->allowed_rate);
	return add_header(response, "WebHook-Allowed-Origin", answer->allowed_origin) &&
	       add_header(response, "WebHook-Allowed-Rate", rate);
}

static bool add_headers(struct MHD_Response *response, const struct http_answer *answer)
{
	const char *type = answer->content_type != NULL ? answer->content_type : "application/json";
	char number[16];

	if (answer->body.n > 0 && !add_header(response, "Content-Type", type))
		return false;
	if (answer->allow != NULL && !add_header(response, "Allow", answer->allow))
		return false;
	if (!add_consent(response, answer))
		return false;
	if (answer->retry_after <= 0)
		return true;
	snprintf(number, sizeof(number), "%d", answer->retry_after);
	return add_header(response, "Retry-After", number);
}

/* Builds the response a request will be answered with; false: memory is out. */
static bool request_prepare(struct http_request *request, const struct http_answer *answer)
{
	struct MHD_Response *response;

	assert(request->response == NULL);
	assert(answer->status >= 200 && answer->status <= 599);
	/* The library copies (MUST_COPY), its parameter is just not const. */
	response = MHD_create_response_from_buffer(
	    answer->body.n, (void *)(uintptr_t)answer->body.s, MHD_RESPMEM_MUST_COPY);
	if (response == NULL)
		return false;
	request->response = response;
	request->status = answer->status;
	if (!add_headers(response, answer))
		return false;
	return !(request->site->server->draining ||
		 http_door_is_closing(request->site, request->connection)) ||
	       add_header(response, "Connection", "close");
}

static struct http_answer refusal(int status, struct text body)
{
	return (struct http_answer){ .status = status,
				     .body = body,
				     .retry_after = status == 429 || status == 503 ? 1 : 0 };
}

static enum MHD_Result request_queue(struct http_request *request)
{
	enum MHD_Result result;

	assert(request->response != NULL);
	request_uncount(request);
	http_guest_begins(request->site->server, request->connection);
	result =
	    MHD_queue_response(request->connection, (unsigned)request->status, request->response);
	MHD_destroy_response(request->response); /* the connection has its own reference */
	request->response = NULL;
	request->state = REQUEST_SENDING;
	request->site->server->sending++;
	return result;
}

/* --- one request, step by step ------------------------------------------ */

static bool waits_for_us(const struct http_request *request)
{
	return http_request_header(request, "Expect").s != NULL ||
	       http_request_length(request) > (int64_t)LIMIT_DISCARD;
}

/* Refuses a request whose body may still be under way. */
static enum MHD_Result request_refuse(struct http_request *request,
				      const struct http_answer *answer)
{
	request_drop_body(request);
	request_uncount(request);
	request->state = REQUEST_DISCARDING;
	return request_prepare(request, answer) ? MHD_YES : MHD_NO;
}

static enum MHD_Result refuse_early(struct http_request *request, const struct http_answer *answer)
{
	if (request_refuse(request, answer) == MHD_NO)
		return MHD_NO;
	return waits_for_us(request) ? request_queue(request) : MHD_YES;
}

static const struct http_answer *check_length(const struct http_request *request,
					      struct http_answer *answer)
{
	const struct http_server *server = request->site->server;
	int64_t length = http_request_length(request);

	if (length > 0 && (uint64_t)length > request->limit)
		*answer = refusal(413, TEXT("{\"error\":\"the body is too large\"}"));
	else if (length > 0 && (uint64_t)length > server->limits.body_bytes_total - server->held)
		*answer = refusal(429, TEXT("{\"error\":\"too many bodies at once\"}"));
	else
		return NULL;
	return answer;
}

static enum MHD_Result request_begin(struct http_request *request, bool path_has_nul)
{
	const struct http_site *calls = &request->site->calls;
	struct http_answer answer = { 0 };
	enum http_next next;

	if (request->site->server->draining)
		answer = refusal(503, TEXT("{\"error\":\"shutting down\"}"));
	else if (path_has_nul)
		answer = refusal(400, TEXT("{\"error\":\"the path holds a NUL\"}"));
	if (answer.status != 0)
		return refuse_early(request, &answer);
	next = calls->begin(calls->of, request, &request->limit, &answer);
	assert(next == HTTP_ANSWERED || next == HTTP_GO_ON);
	if (next == HTTP_ANSWERED)
		return refuse_early(request, &answer);
	assert(request->limit < SIZE_MAX / 2);
	request->body.limit = request->limit;
	if (check_length(request, &answer) != NULL)
		return refuse_early(request, &answer);
	return MHD_YES;
}

static enum MHD_Result request_discard(struct http_request *request, size_t n)
{
	request->discarded += n;
	return request->discarded > LIMIT_DISCARD ? MHD_NO : MHD_YES;
}

static enum MHD_Result request_receive(struct http_request *request, const char *bytes, size_t n)
{
	struct http_server *server = request->site->server;
	struct http_answer answer;

	if (request->state != REQUEST_RECEIVING)
		return request_discard(request, n);
	if (n > request->limit - request->body.n)
		answer = refusal(413, TEXT("{\"error\":\"the body is too large\"}"));
	else if (n > server->limits.body_bytes_total - server->held)
		answer = refusal(429, TEXT("{\"error\":\"too many bodies at once\"}"));
	else {
		buf_put(&request->body, bytes, n);
		if (buf_failed(&request->body))
			return MHD_NO;
		server->held += n;
		request->counted += n;
		atomic_fetch_add_explicit(&server->body_bytes, n, memory_order_relaxed);
		return MHD_YES;
	}
	request->discarded = n;
	return request_refuse(request, &answer);
}

static enum MHD_Result request_complete(struct http_request *request)
{
	struct http_server *server = request->site->server;
	const struct http_site *calls = &request->site->calls;
	struct http_answer answer = { 0 };
	enum http_next next;

	if (server->stopping) { /* nobody would answer it any more */
		answer = refusal(503, TEXT("{\"error\":\"shutting down\"}"));
		next = HTTP_ANSWERED;
	} else {
		next = calls->done(calls->of, request, buf_view(&request->body),
				   request_ticket(request), &answer);
	}
	assert(next == HTTP_ANSWERED || next == HTTP_PARKED);
	if (next == HTTP_ANSWERED) /* the answer may quote the body, so that goes later */
		return request_prepare(request, &answer) ? request_queue(request) : MHD_NO;
	/* Its bytes stay counted: whoever will answer holds a copy of them. */
	request_drop_body(request);
	request->state = REQUEST_PARKED;
	atomic_fetch_add_explicit(&server->parked, 1, memory_order_relaxed);
	http_guest_rests(server, request->connection);
	MHD_suspend_connection(request->connection);
	return MHD_YES;
}

/* A path with a NUL in it would be cut there by everybody who reads C strings;
 * the raw form is seen here only, so a marker travels through con_cls. */
static const char nul_marker;

void *http_server_on_uri(void *of, const char *uri, struct MHD_Connection *connection)
{
	(void)of;
	(void)connection;
	return strstr(uri, "%00") != NULL ? (void *)(uintptr_t)&nul_marker : NULL;
}

static enum MHD_Result on_headers(struct site *site, struct MHD_Connection *connection,
				  const char *path, const char *method, void **con_cls)
{
	bool path_has_nul = *con_cls == &nul_marker;
	struct http_request *request = request_take(site);

	*con_cls = request;
	if (request == NULL)
		return MHD_NO;
	request->connection = connection;
	request->path = path;
	request->method = method;
	return request_begin(request, path_has_nul);
}

/* The library calls this with the headers, with each piece of the body, with
 * its end, and again after a resume. */
enum MHD_Result http_server_on_access(void *of, struct MHD_Connection *connection, const char *url,
				      const char *method, const char *version,
				      const char *upload_data, size_t *upload_data_size,
				      void **con_cls)
{
	struct http_request *request = *con_cls;
	size_t n = *upload_data_size;

	(void)version;
	if (request == NULL || *con_cls == &nul_marker)
		return on_headers(of, connection, url, method, con_cls);
	if (n > 0) {
		*upload_data_size = 0;
		return request_receive(request, upload_data, n);
	}
	if (request->response != NULL)
		return request_queue(request);
	if (request->state == REQUEST_RECEIVING)
		return request_complete(request);
	return request->state == REQUEST_SENDING ? MHD_YES : MHD_NO;
}

void http_server_on_completed(void *of, struct MHD_Connection *connection, void **con_cls,
			      enum MHD_RequestTerminationCode code)
{
	(void)of;
	(void)code;
	if (*con_cls != NULL && *con_cls != &nul_marker) {
		http_guest_begins(((struct http_request *)*con_cls)->site->server, connection);
		request_release(*con_cls);
	}
	*con_cls = NULL;
}

/* --- answers from the mailbox ------------------------------------------- */

static void answer_parked(struct http_request *request, const struct http_answer *answer)
{
	assert(request->state == REQUEST_PARKED);
	atomic_fetch_sub_explicit(&request->site->server->parked, 1, memory_order_relaxed);
	request->state = REQUEST_READY;
	if (!request_prepare(request, answer) && request->response != NULL) {
		MHD_destroy_response(request->response);
		request->response = NULL; /* on_access finds nothing to send and closes */
	}
	MHD_resume_connection(request->connection);
}

void http_server_deliver(struct http_server *server, const struct http_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct http_request *request = request_parked(server, batch->replies[i].ticket);

		if (request != NULL)
			answer_parked(request, &batch->replies[i].answer);
	}
}

void http_server_refuse_parked(struct http_server *server)
{
	struct http_answer answer = refusal(503, TEXT("{\"error\":\"shutting down\"}"));

	for (size_t i = 0; i < server->request_count; i++)
		if (server->requests[i]->state == REQUEST_PARKED)
			answer_parked(server->requests[i], &answer);
}

/* --- what a site may ask ------------------------------------------------ */

struct text http_request_method(const struct http_request *request)
{
	assert(request != NULL);
	return text_of(request->method);
}

struct text http_request_path(const struct http_request *request)
{
	assert(request != NULL);
	return text_of(request->path);
}

static struct text lookup(const struct http_request *request, enum MHD_ValueKind kind,
			  const char *name)
{
	struct text value = TEXT_NONE;
	const char *s = NULL;
	size_t n = 0;

	assert(request != NULL && name != NULL);
	if (MHD_lookup_connection_value_n(request->connection, kind, name, strlen(name), &s, &n) !=
	    MHD_YES)
		return value;
	value.s = s != NULL ? s : "";
	value.n = s != NULL ? n : 0;
	return value;
}

struct text http_request_header(const struct http_request *request, const char *name)
{
	return lookup(request, MHD_HEADER_KIND, name);
}

struct text http_request_query(const struct http_request *request, const char *name)
{
	return lookup(request, MHD_GET_ARGUMENT_KIND, name);
}

struct header_visit {
	void (*visit)(void *of, struct text name, struct text value);
	void *of;
};

static enum MHD_Result on_header(void *of, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	struct header_visit *to = of;

	(void)kind;
	to->visit(to->of, text_of(name), text_of(value));
	return MHD_YES;
}

void http_request_headers(const struct http_request *request,
			  void (*visit)(void *of, struct text name, struct text value), void *of)
{
	struct header_visit to = { visit, of };

	assert(request != NULL && visit != NULL);
	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, on_header, &to);
}

int64_t http_request_length(const struct http_request *request)
{
	struct text length = http_request_header(request, "Content-Length");
	int64_t n;

	if (length.s == NULL || http_request_header(request, "Transfer-Encoding").s != NULL)
		return -1;
	return text_to_int(length, &n) && n >= 0 ? n : -1;
}
