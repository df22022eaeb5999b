/* SPDX-License-Identifier: Apache-2.0
 *
 * http_ask - see http_ask.h; https://curl.se/libcurl/c/CURLOPT_UNIX_SOCKET_PATH.html */
#include "engine/io/http_ask.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/limits.h"

static size_t on_body(char *bytes, size_t size, size_t n, void *of)
{
	struct buf *reply = of;

	buf_put(reply, bytes, size * n);
	return buf_failed(reply) ? 0 : size * n;
}

static bool is_header_text(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* Appends one line to *list; false when memory is out. */
static bool header_add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static bool headers_make(const struct http_ask *ask, struct curl_slist **list)
{
	struct buf line;
	bool ok = header_add(list, "Content-Type: application/json") && header_add(list, "Expect:");

	if (ask->bearer == NULL)
		return ok;
	buf_init(&line, LIMIT_HTTP_HEADERS);
	buf_printf(&line, "Authorization: Bearer %s", ask->bearer);
	ok = ok && !buf_failed(&line) && header_add(list, buf_cstr(&line));
	buf_fini(&line);
	return ok;
}

static bool set_body(CURL *easy, const struct http_ask *ask)
{
	if (strcmp(ask->method, "POST") == 0) {
		if (curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.n) !=
			CURLE_OK ||
		    curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
				     ask->body.n > 0 ? ask->body.s : "") != CURLE_OK)
			return false;
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method) == CURLE_OK;
}

static bool set_up(CURL *easy, const struct http_ask *ask, const char *url,
		   struct curl_slist *headers, struct buf *reply)
{
	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms) == CURLE_OK &&
	       (ask->unix_path == NULL ||
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, ask->unix_path) == CURLE_OK) &&
	       set_body(easy, ask);
}

/* unix(7): connecting needs search permission on the way and write permission on the socket. Asked
 * after the fact, as not every libcurl hands on the errno of connect. */
static bool is_denied(const struct http_ask *ask, CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT && ask->unix_path != NULL &&
	       faccessat(AT_FDCWD, ask->unix_path, W_OK, AT_EACCESS) != 0 && errno == EACCES;
}

static enum fate perform(CURL *easy, const struct http_ask *ask, struct http_asked *out)
{
	CURLcode code = curl_easy_perform(easy);
	long answered = 0;

	if (code != CURLE_OK) {
		out->denied = is_denied(ask, code);
		(void)snprintf(out->why, sizeof(out->why), "%s",
			       out->denied ? "permission denied" : curl_easy_strerror(code));
		return FATE_RETRY;
	}
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answered);
	out->status = (int)answered;
	return FATE_OK;
}

enum fate http_ask(const struct http_ask *ask, struct buf *reply, struct http_asked *out)
{
	struct curl_slist *headers = NULL;
	enum fate fate = FATE_REJECT;
	char url[4096];
	CURL *easy;

	assert(ask != NULL && ask->host != NULL && ask->method != NULL && ask->path != NULL);
	assert(reply != NULL && out != NULL);
	int n = snprintf(url, sizeof(url), "http://%s%s", ask->host, ask->path);

	*out = (struct http_asked){ .why = "the request can't be made" };
	if (n < 0 || (size_t)n >= sizeof(url) ||
	    (ask->bearer != NULL && !is_header_text(ask->bearer)) ||
	    curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return FATE_REJECT;
	easy = curl_easy_init();
	if (easy != NULL && headers_make(ask, &headers) && set_up(easy, ask, url, headers, reply))
		fate = perform(easy, ask, out);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	curl_global_cleanup();
	return fate;
}
