/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_transfer - see mail_transfer.h, and mail_client.h for what is promised.
 *
 * libcurl talks SMTP; every line of the server's comes by its header callback.
 * The last complete reply is what counts, except the answer to QUIT, which may follow
 * one that tells of a failure. */
#include "engine/io/mail_transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/crypto.h"
#include "engine/base/hash.h"
#include "engine/base/mem.h"
#include "engine/io/http_secure.h"

#define MAIL_URL     1024 /* smtps://, a host of 255, a port, and a name of ours as long */
#define SOCKETS      4    /* open at once: two while IPv6 and IPv4 race, one being closed */
#define CODE_CLOSING 221  /* the answer to QUIT */

struct mail_line {
	const atomic_bool *stop;
	CURL *easy;              /* NULL: no connection is kept */
	char identity[HASH_HEX]; /* whom the handle's connections may be used for */
	pthread_mutex_t lock;    /* sockets */
	int sockets[SOCKETS];    /* -1: free */
	/* Of the letter under way: */
	struct letter *letter;
	size_t taken; /* bytes of the message that libcurl has */
	bool denied;  /* an address was refused */
	bool fresh;   /* the last reply is complete, the next line begins another */
};

/* ---- Sockets. ---- */

static int *socket_place(struct mail_line *line, int fd)
{
	for (int i = 0; i < SOCKETS; i++)
		if (line->sockets[i] == fd)
			return &line->sockets[i];
	return NULL;
}

static bool socket_keep(struct mail_line *line, int fd)
{
	int *place;

	pthread_mutex_lock(&line->lock);
	place = socket_place(line, -1);
	if (place != NULL)
		*place = fd;
	pthread_mutex_unlock(&line->lock);
	return place != NULL;
}

static curl_socket_t on_open_socket(void *of, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct mail_line *line = of;
	int fd;

	(void)purpose;
	if (line->letter->call.pool == HTTP_PUBLIC_ONLY &&
	    http_address_is_private(&address->addr)) {
		line->denied = true;
		return CURL_SOCKET_BAD;
	}
	if (atomic_load(line->stop))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (!socket_keep(line, fd)) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	return fd;
}

static int on_close_socket(void *of, curl_socket_t fd)
{
	struct mail_line *line = of;
	int *place, failed;

	/* Under the lock: mail_line_cut must not meet a number that is somebody else's. */
	pthread_mutex_lock(&line->lock);
	place = socket_place(line, fd);
	if (place != NULL)
		*place = -1;
	failed = close(fd);
	pthread_mutex_unlock(&line->lock);
	return failed;
}

void mail_line_cut(struct mail_line *line)
{
	assert(line != NULL && atomic_load(line->stop));
	pthread_mutex_lock(&line->lock);
	for (int i = 0; i < SOCKETS; i++)
		if (line->sockets[i] >= 0)
			(void)shutdown(line->sockets[i], SHUT_RDWR);
	pthread_mutex_unlock(&line->lock);
}

/* ---- What libcurl asks and tells. ---- */

static size_t on_message(char *out, size_t size, size_t n, void *of)
{
	struct mail_line *line = of;
	struct text rest = line->letter->call.message;

	rest.s += line->taken;
	rest.n -= line->taken;
	n = rest.n < size * n ? rest.n : size * n;
	memcpy(out, rest.s, n);
	line->taken += n;
	return n;
}

static int digits(struct text t)
{
	int code = 0;

	for (size_t i = 0; i < 3; i++) {
		if (i >= t.n || t.s[i] < '0' || t.s[i] > '9')
			return 0;
		code = 10 * code + (t.s[i] - '0');
	}
	return code;
}

static void keep_words(struct letter *letter, struct text words)
{
	size_t room = sizeof(letter->reply) - letter->reply_size;

	if (letter->reply_size > 0 && room > 0) {
		letter->reply[letter->reply_size++] = ' ';
		room--;
	}
	words = text_head(words, room);
	memcpy(letter->reply + letter->reply_size, words.s, words.n);
	letter->reply_size += words.n;
}

/* A line of the server's, "250-words" or, the last of a reply, "250 words". */
static size_t on_line(char *bytes, size_t size, size_t n, void *of)
{
	struct mail_line *line = of;
	struct text t = text_trim((struct text){ bytes, size * n });
	int code = digits(t);

	if (code == 0 || code == CODE_CLOSING || line->letter == NULL)
		return size * n;
	if (line->fresh) {
		line->letter->reply_size = 0;
		line->letter->status = 0;
	}
	line->fresh = t.n == 3 || t.s[3] != '-';
	if (t.n > 4)
		keep_words(line->letter, (struct text){ t.s + 4, t.n - 4 });
	if (line->fresh)
		line->letter->status = code;
	return size * n;
}

static int on_progress(void *of, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct mail_line *line = of;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(line->stop);
}

/* ---- How it ended. ---- */

/* Sentences of ours: libcurl's may hold names and addresses. */
static const char *line_error(CURLcode code, bool sent)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "could not resolve the host name";
	case CURLE_COULDNT_CONNECT:
		return "could not connect";
	case CURLE_OPERATION_TIMEDOUT:
		return sent ? "no answer to the message in time" : "the server is too slow";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "the TLS certificate of the host was not accepted";
	case CURLE_USE_SSL_FAILED:
		return "the server offers no STARTTLS";
	case CURLE_SSL_CONNECT_ERROR:
		return "the TLS handshake failed";
	case CURLE_SSL_CACERT_BADFILE:
		return "the connection's ca_file holds no certificate";
	case CURLE_LOGIN_DENIED:
		return "the server knows no way to log in that we know";
	case CURLE_OUT_OF_MEMORY:
		return "out of memory";
	default:
		return sent ? "the connection was closed before the message was answered"
			    : "the connection was closed before the message was sent";
	}
}

/* A refusal ends the conversation, unless libcurl goes on after it, with HELO or another way to log
 * in: when that has no answer, the refusal was not the last word. */
static bool is_refused(const struct mail_line *line, CURLcode code)
{
	return line->fresh && line->letter->status >= 400 && code != CURLE_RECV_ERROR &&
	       code != CURLE_OPERATION_TIMEDOUT;
}

static void line_end(struct mail_line *line, CURLcode code)
{
	struct letter *letter = line->letter;

	/* Also of a failure: it may be seen only after all was read. */
	letter->sent = line->taken == letter->call.message.n;
	letter->error = "";
	if (code == CURLE_OK || is_refused(line, code)) {
		letter->end = HTTP_REPLIED;
		return;
	}
	letter->status = 0;
	letter->reply_size = 0;
	letter->end = line->denied ? HTTP_REFUSED : HTTP_NO_REPLY;
	letter->error =
	    line->denied ? "the host has a private address" : line_error(code, letter->sent);
}

/* ---- The handle. ---- */

static bool easy_secure(CURL *easy, const struct mail_call *call)
{
	long use = call->wire == MAIL_WIRE_STARTTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE;
	const char *protocol = call->wire == MAIL_WIRE_IMPLICIT ? "smtps" : "smtp";

	return http_authorities(easy, call->ca) && http_secure(easy, protocol) &&
	       curl_easy_setopt(easy, CURLOPT_USE_SSL, use) == CURLE_OK;
}

static void easy_callbacks(struct mail_line *line)
{
	CURL *easy = line->easy;

	curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_message);
	curl_easy_setopt(easy, CURLOPT_READDATA, line);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, line);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, line);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, line);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, line);
}

static bool easy_login(CURL *easy, const struct mail_call *call)
{
	char *username = text_heap(call->username), *password = text_heap(call->password);
	bool fine = username != NULL && password != NULL &&
		    curl_easy_setopt(easy, CURLOPT_USERNAME, username) == CURLE_OK &&
		    curl_easy_setopt(easy, CURLOPT_PASSWORD, password) == CURLE_OK;

	if (password != NULL)
		bytes_wipe(password, call->password.n);
	mem_free(password);
	mem_free(username);
	return fine;
}

static bool easy_setup(struct mail_line *line, const struct mail_call *call)
{
	CURL *easy = line->easy;
	char url[MAIL_URL];
	int n = snprintf(url, sizeof(url), "%.*s/%.*s", TEXT_ARG(call->url), TEXT_ARG(call->hello));

	if (n < 0 || (size_t)n >= sizeof(url) || !easy_secure(easy, call))
		return false;
	easy_callbacks(line);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)LIMIT_HTTP_IDLE_SECONDS);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_HTTP_CONNECT);
	if (call->username.n > 0 && !easy_login(easy, call))
		return false;
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
}

/* A handle is for one server, login and set of authorities. */
static bool line_ready(struct mail_line *line, const struct mail_call *call)
{
	const struct text wire[2] = { { (const char *)&call->wire, sizeof(call->wire) },
				      { (const char *)&call->pool, sizeof(call->pool) } };
	const struct text parts[] = { call->url, call->hello, call->username, call->password,
				      call->ca,  wire[0],     wire[1] };
	char identity[HASH_HEX];

	hash_name(parts, sizeof(parts) / sizeof(parts[0]), identity);
	if (line->easy != NULL && memcmp(identity, line->identity, sizeof(identity)) == 0)
		return true;
	mail_line_hang_up(line);
	memcpy(line->identity, identity, sizeof(identity));
	line->easy = curl_easy_init();
	if (line->easy != NULL && easy_setup(line, call))
		return true;
	mail_line_hang_up(line);
	return false;
}

/* ---- One letter. ---- */

static bool add_line(struct curl_slist **list, struct text t)
{
	char *line = text_heap(t);
	struct curl_slist *longer = line != NULL ? curl_slist_append(*list, line) : NULL;

	mem_free(line);
	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static struct curl_slist *recipients(struct text to)
{
	struct curl_slist *list = NULL;
	struct text rest = to, one;

	while (rest.n > 0) {
		rest = text_split(rest, '\n', &one);
		if (add_line(&list, one))
			continue;
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

/* RFC 5321, 4.1.1.9: NOOP has no effect. */
static CURLcode line_probe(struct mail_line *line, const struct mail_call *call)
{
	CURL *easy = line->easy;

	curl_easy_setopt(easy, CURLOPT_UPLOAD, 0L);
	curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	if (curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "NOOP") != CURLE_OK)
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_perform(easy);
}

static CURLcode line_perform(struct mail_line *line, const struct mail_call *call)
{
	struct curl_slist *to = recipients(call->to);
	char *from = text_heap(call->from);
	long seconds = (long)(call->timeout_ms + 999) / 1000;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	if (to != NULL && from != NULL &&
	    curl_easy_setopt(line->easy, CURLOPT_MAIL_FROM, from) == CURLE_OK &&
	    curl_easy_setopt(line->easy, CURLOPT_MAIL_RCPT, to) == CURLE_OK) {
		curl_easy_setopt(line->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->message.n);
		curl_easy_setopt(line->easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
		curl_easy_setopt(line->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds);
		code = curl_easy_perform(line->easy);
		curl_easy_setopt(line->easy, CURLOPT_MAIL_RCPT, NULL);
	}
	mem_free(from);
	curl_slist_free_all(to);
	return code;
}

void mail_line_carry(struct mail_line *line, struct letter *letter)
{
	CURLcode code = CURLE_OUT_OF_MEMORY;

	assert(line != NULL && letter != NULL);
	assert(letter->call.probe || (letter->call.to.n > 0 && letter->call.message.n > 0));
	line->letter = letter;
	line->taken = 0;
	line->denied = false;
	line->fresh = true;
	letter->status = 0;
	letter->reply_size = 0;
	if (line_ready(line, &letter->call))
		code = letter->call.probe ? line_probe(line, &letter->call)
					  : line_perform(line, &letter->call);
	line_end(line, code);
	line->letter = NULL;
	if (code != CURLE_OK || letter->call.probe) /* the handle is set up for probes now */
		mail_line_hang_up(line);
}

/* ---- Life. ---- */

struct mail_line *mail_line_new(const atomic_bool *stop)
{
	struct mail_line *line = mem_zero(1, sizeof(*line));

	assert(stop != NULL);
	if (line == NULL)
		return NULL;
	if (pthread_mutex_init(&line->lock, NULL) != 0) {
		mem_free(line);
		return NULL;
	}
	line->stop = stop;
	for (int i = 0; i < SOCKETS; i++)
		line->sockets[i] = -1;
	return line;
}

bool mail_line_is_open(const struct mail_line *line)
{
	assert(line != NULL);
	return line->easy != NULL;
}

void mail_line_hang_up(struct mail_line *line)
{
	assert(line != NULL);
	if (line->easy != NULL)
		curl_easy_cleanup(line->easy);
	line->easy = NULL;
}

void mail_line_free(struct mail_line *line)
{
	if (line == NULL)
		return;
	mail_line_hang_up(line);
	pthread_mutex_destroy(&line->lock);
	mem_free(line);
}
