/* SPDX-License-Identifier: Apache-2.0
 *
 * http_transfer - all calls of curl_easy; see http_transfer.h.
 *
 * libcurl by itself sends a request again when a reused connection turns out to
 * be closed before any byte of a reply came. The first copy may have been
 * received, so this could duplicate a POST. The pre-request callback, which
 * runs before each sending, lets only GET and HEAD through a second time; for
 * the others it ends the transfer as HTTP_NO_REPLY with `sent`. Connections
 * idle for LIMIT_HTTP_IDLE_SECONDS are not reused, which makes the race rare. */
#include "engine/io/http_transfer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/crypto.h"
#include "engine/base/limits.h"
#include "engine/base/mem.h"
#include "engine/io/http_secure.h"

#define FIXED_LINES 2 /* "Expect:" and "Content-Type:" that suppress libcurl's own */

/* --- sockets -------------------------------------------------------------- */

/* The address of the real connect is known here and nowhere earlier: the name
 * may resolve to anything. */
static curl_socket_t on_open_socket(void *of, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_transfer *transfer = of;
	struct http_watch *watch;
	int fd;

	(void)purpose;
	if (!transfer->any_address && http_address_is_private(&address->addr)) {
		transfer->denied = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	watch = http_watch_at(transfer->watches, fd);
	if (watch == NULL) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	*watch = (struct http_watch){ .ours = true };
	transfer->opened = true;
	return fd;
}

static int on_close_socket(void *of, curl_socket_t fd)
{
	struct http_watches *watches = of;

	assert((size_t)fd < watches->room);
	watches->at[fd] = (struct http_watch){ 0 }; /* closing takes it out of epoll */
	return close(fd);
}

/* --- what libcurl tells us ------------------------------------------------ */

static int on_request(void *of, char *peer, char *local, int peer_port, int local_port)
{
	struct http_transfer *transfer = of;

	(void)peer;
	(void)local;
	(void)peer_port;
	(void)local_port;
	if (transfer->sent && !transfer->may_repeat)
		return CURL_PREREQFUNC_ABORT;
	transfer->sent = true;
	return CURL_PREREQFUNC_OK;
}

/* Called with whole lines. */
static size_t on_header(char *bytes, size_t size, size_t n, void *of)
{
	struct http_transfer *transfer = of;

	return http_head_take(&transfer->head, (struct text){ bytes, size * n }) ? size * n : 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *of)
{
	struct http_transfer *transfer = of;

	buf_put(&transfer->body, bytes, size * n);
	if (!buf_failed(&transfer->body))
		return size * n;
	transfer->too_large = size * n > transfer->body.limit - transfer->body.n;
	return 0;
}

/* libcurl's reading of the URL is the one that counts: 127.1 and 0x7f000001 are addresses, too. */
static char *url_host(const char *url)
{
	CURLU *parts = curl_url();
	char *host = NULL;

	if (parts == NULL || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		host = NULL;
	curl_url_cleanup(parts);
	return host;
}

static bool host_is_private(struct text host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char plain[64] = "";

	if (text_ends(host, TEXT(".")))
		host.n--;
	if (host.n > 10 ? text_ieq((struct text){ host.s + host.n - 10, 10 }, TEXT(".localhost"))
			: text_ieq(host, TEXT("localhost")))
		return true;
	if (text_starts(host, TEXT("[")))
		host = (struct text){ host.s + 1, strcspn(host.s + 1, "]%") };
	if (host.n >= sizeof(plain))
		return false;
	memcpy(plain, host.s, host.n);
	if (inet_pton(AF_INET, plain, &v4.sin_addr) == 1)
		return http_address_is_private((const struct sockaddr *)(const void *)&v4);
	return inet_pton(AF_INET6, plain, &v6.sin6_addr) == 1 &&
	       http_address_is_private((const struct sockaddr *)(const void *)&v6);
}

bool http_transfer_is_private(struct text url)
{
	char *s = text_heap(url);
	char *host = s != NULL ? url_host(s) : NULL;
	bool is_private = host == NULL || host_is_private(text_of(host));

	curl_free(host);
	mem_free(s);
	return is_private;
}

/* --- how a transfer ended ------------------------------------------------ */

/* Sentences of ours: libcurl's error buffer may hold names and URLs. */
static const char *plain_error(CURLcode code, bool sent)
{
	switch (code) {
	case CURLE_URL_MALFORMAT:
		return "the URL is malformed";
	case CURLE_UNSUPPORTED_PROTOCOL:
		return sent ? "the reply is not HTTP" : "the URL is neither http nor https";
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "could not resolve the name of the proxy";
	case CURLE_COULDNT_RESOLVE_HOST:
		return "could not resolve the host name";
	case CURLE_OPERATION_TIMEDOUT:
		return sent ? "no complete reply in time" : "could not connect in time";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "the TLS certificate of the host was not accepted";
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_ABORTED_BY_CALLBACK: /* by on_request: a dead reused connection */
		return "the connection was closed before a complete reply";
	case CURLE_OK:
	case CURLE_PARTIAL_FILE:
		return "the reply was cut off";
	case CURLE_WRITE_ERROR:
		return "the reply has too many headers";
	default:
		return curl_easy_strerror(code);
	}
}

/* The system's reason for a failed connect, its first letter in lower case. */
static const char *connect_error(struct http_transfer *transfer)
{
	const char *reason;
	long number = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
	reason = number != 0 ? strerrordesc_np((int)number) : NULL;
	if (reason == NULL || reason[0] < 'A' || reason[0] > 'Z')
		return transfer->proxied ? "could not connect to the proxy" : "could not connect";
	snprintf(transfer->error_text, sizeof(transfer->error_text), "could not connect%s: %c%s",
		 transfer->proxied ? " to the proxy" : "", reason[0] - 'A' + 'a', reason + 1);
	return transfer->error_text;
}

/* Only a proxy answers with 407 (RFC 9110, 15.5.8): of plain http, which it is sent as a whole,
 * nothing went on to the host. Inside a tunnel it is the host's own business. */
static bool is_turned_back(const struct http_transfer *transfer)
{
	long tunnel = 0;

	return transfer->proxied && transfer->head.status == 407 &&
	       curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel) == CURLE_OK &&
	       tunnel == 0;
}

void http_transfer_settle(struct http_transfer *transfer)
{
	assert(transfer != NULL);
	if (!is_turned_back(transfer))
		return;
	transfer->turned_back = true;
	transfer->sent = false;
	transfer->head = (struct http_head){ 0 };
	buf_clear(&transfer->body);
}

/* The proxy's answer when it was asked for a tunnel and didn't make one; else NULL. */
static const char *tunnel_error(struct http_transfer *transfer)
{
	long status = 0;

	if (!transfer->proxied || transfer->sent ||
	    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK ||
	    status < 300)
		return NULL;
	snprintf(transfer->error_text, sizeof(transfer->error_text),
		 "the proxy refused to connect (status %ld)%s", status,
		 status == 407 ? "; check its user and password" : "");
	return transfer->error_text;
}

enum http_end http_transfer_end(const struct http_transfer *transfer, CURLcode code)
{
	bool policy = transfer->denied && !transfer->opened;

	if (!transfer->sent &&
	    (policy || code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL))
		return HTTP_REFUSED;
	if (transfer->head.status < 200)
		return HTTP_NO_REPLY;
	if (transfer->too_large)
		return HTTP_TOO_LARGE;
	if (code == CURLE_OK && transfer->head.done)
		return HTTP_REPLIED;
	return HTTP_CUT;
}

const char *http_transfer_error(struct http_transfer *transfer, enum http_end end, CURLcode code)
{
	if (end == HTTP_REPLIED)
		return "";
	if (end == HTTP_TOO_LARGE)
		return "the reply is too large";
	if (end == HTTP_REFUSED && transfer->denied)
		return transfer->proxied ? "the proxy has a private address"
					 : "the host has a private address";
	if (transfer->body.failed)
		return "out of memory";
	if (transfer->turned_back)
		return "the proxy refused the request (status 407); check its user and password";
	if (tunnel_error(transfer) != NULL)
		return transfer->error_text;
	if (code == CURLE_COULDNT_CONNECT)
		return connect_error(transfer);
	return plain_error(code, transfer->sent);
}

/* --- the handle ----------------------------------------------------------- */

void http_transfer_free(struct http_transfer *transfer)
{
	if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	buf_fini(&transfer->body);
	mem_free(transfer->block);
	mem_free(transfer);
}

static void easy_callbacks(struct http_transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	/* Connections outlive transfers, so their end is told to the table. */
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->watches);
}

static bool easy_setup(struct http_transfer *transfer)
{
	CURL *easy = curl_easy_init();

	transfer->easy = easy;
	if (easy == NULL || !http_secure(easy, "http,https"))
		return false;
	easy_callbacks(transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* Waiting for the resolver's thread would block this loop. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)LIMIT_HTTP_IDLE_SECONDS);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_HTTP_CONNECT);
	return curl_easy_setopt(easy, CURLOPT_USERAGENT, "tappet/" TAPPET_VERSION) == CURLE_OK;
}

struct http_transfer *http_transfer_new(struct http_client *client, struct http_watches *watches)
{
	struct http_transfer *transfer = mem_zero(1, sizeof(*transfer));

	assert(client != NULL && watches != NULL);
	if (transfer == NULL)
		return NULL;
	transfer->client = client;
	transfer->watches = watches;
	if (easy_setup(transfer))
		return transfer;
	http_transfer_free(transfer);
	return NULL;
}

void http_transfer_trim(struct http_transfer *transfer)
{
	assert(transfer != NULL && !transfer->active);
	if (transfer->body.room > LIMIT_HTTP_KEEP)
		buf_fini(&transfer->body);
	if (transfer->block_room <= LIMIT_HTTP_KEEP)
		return;
	mem_free(transfer->block);
	transfer->block = NULL;
	transfer->block_room = 0;
}

/* --- one request ---------------------------------------------------------- */

void http_transfer_reset(struct http_transfer *transfer, const struct http_call *call, int64_t now)
{
	assert(transfer != NULL && call != NULL);
	transfer->next = transfer->prev = NULL;
	transfer->active = false;
	transfer->may_repeat =
	    strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
	transfer->sent = transfer->opened = transfer->denied = false;
	transfer->too_large = transfer->turned_back = false;
	transfer->policy = call->pool;
	transfer->proxied = call->proxy.n > 0;
	transfer->once = transfer->proxied || call->ca.n > 0;
	transfer->any_address =
	    transfer->proxied ? call->proxy_any_address : call->pool == HTTP_ANY_ADDRESS;
	transfer->head = (struct http_head){ 0 };
	buf_clear(&transfer->body);
	transfer->body.limit = call->reply_limit;
	transfer->started = now;
}

static char *block_put(char *at, struct text t)
{
	if (t.n > 0)
		memcpy(at, t.s, t.n);
	return at + t.n;
}

/* "Name: value", or "Name;" which is how libcurl wants an empty value written. */
static char *block_header(char *at, const struct http_header *header)
{
	at = block_put(at, header->name);
	at = block_put(at, header->value.n > 0 ? TEXT(": ") : TEXT(";"));
	at = block_put(at, header->value);
	*at++ = '\0';
	return at;
}

static size_t block_size(const struct http_call *call)
{
	size_t n = (call->header_count + FIXED_LINES) * sizeof(struct curl_slist);

	for (size_t i = 0; i < call->header_count; i++)
		n += call->headers[i].name.n + call->headers[i].value.n + 3;
	return n + call->url.n + 1 + call->body.n;
}

static bool block_reserve(struct http_transfer *transfer, size_t n)
{
	char *block;

	if (n <= transfer->block_room)
		return true;
	block = mem_grow(transfer->block, n, 1);
	if (block == NULL)
		return false;
	transfer->block = block;
	transfer->block_room = n;
	return true;
}

struct request_parts {
	struct curl_slist *headers;
	char *url, *body;
};

/* One block of memory per request: libcurl's header list, its strings, the URL, the body. */
static bool block_write(struct http_transfer *transfer, const struct http_call *call,
			struct request_parts *parts)
{
	static const char *const fixed[FIXED_LINES] = { "Expect:", "Content-Type:" };
	size_t lines =
	    call->header_count + (http_message_has(call, TEXT("content-type")) ? 1 : FIXED_LINES);
	struct curl_slist *list;
	char *at;

	if (!block_reserve(transfer, block_size(call)))
		return false;
	list = (struct curl_slist *)(void *)transfer->block;
	at = (char *)(list + lines);
	for (size_t i = 0; i < lines; i++) {
		list[i].next = i + 1 < lines ? &list[i + 1] : NULL;
		if (i >= call->header_count) {
			list[i].data = (char *)(uintptr_t)fixed[i - call->header_count];
			continue;
		}
		list[i].data = at;
		at = block_header(at, &call->headers[i]);
	}
	parts->headers = list;
	parts->url = at;
	at = block_put(at, call->url);
	*at++ = '\0';
	parts->body = at;
	block_put(at, call->body);
	return true;
}

static bool easy_method(CURL *easy, const struct http_call *call, char *body)
{
	bool head = strcmp(call->method, "HEAD") == 0;
	bool post = strcmp(call->method, "POST") == 0;
	bool with_body = post || strcmp(call->method, "PUT") == 0 ||
			 strcmp(call->method, "PATCH") == 0 || call->body.n > 0;
	bool named = head || post || (strcmp(call->method, "GET") == 0 && !with_body);

	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL); /* makes it a POST, so first */
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);      /* also takes NOBODY back */
	if (head) {                                       /* a body with it would have no meaning */
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (with_body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body); /* borrowed from the block */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, named ? NULL : call->method) ==
	       CURLE_OK;
}

/* https://curl.se/libcurl/c/CURLOPT_PROXY.html. The answer to CONNECT isn't the reply. */
static bool easy_proxy(CURL *easy, const struct http_call *call)
{
	char *url = call->proxy.n > 0 ? text_heap(call->proxy) : NULL;
	bool ok;

	if (call->proxy.n == 0)
		return true;
	ok = url != NULL && curl_easy_setopt(easy, CURLOPT_PROXY, url) == CURLE_OK &&
	     curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK;
	if (url != NULL)
		bytes_wipe(url, call->proxy.n);
	mem_free(url);
	return ok;
}

bool http_transfer_prepare(struct http_transfer *transfer, const struct http_call *call)
{
	struct request_parts parts;

	assert(transfer != NULL && call != NULL);
	if (!block_write(transfer, call, &parts) ||
	    !easy_method(transfer->easy, call, parts.body) ||
	    curl_easy_setopt(transfer->easy, CURLOPT_URL, parts.url) != CURLE_OK ||
	    !easy_proxy(transfer->easy, call) || !http_authorities(transfer->easy, call->ca))
		return false;
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, parts.headers);
	return curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms) ==
	       CURLE_OK;
}
