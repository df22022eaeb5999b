/* SPDX-License-Identifier: Apache-2.0
 *
 * test_client - see test_client.h.
 */
#include "tests/sandbox/test_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t server;
static char base[64];
static char bearer[256]; /* Authorization header line of the next calls; "" sends none */

static size_t collect(char *bytes, size_t size, size_t n, void *to)
{
	struct blob *blob = to;

	blob->data = realloc(blob->data, blob->len + size * n + 1);
	ck_assert_ptr_nonnull(blob->data);
	memcpy(blob->data + blob->len, bytes, size * n);
	blob->len += size * n;
	blob->data[blob->len] = '\0';
	return size * n;
}

struct result call(const char *method, const char *path, const char *type, const char *body)
{
	struct result r = { 0 };
	char url[8192];
	char line[160];
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = *bearer ? curl_slist_append(NULL, bearer) : NULL;

	(void)snprintf(url, sizeof(url), "%s%s", base, path);
	(void)snprintf(line, sizeof(line), "Content-Type: %s", type);
	headers = curl_slist_append(headers, line);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r.body);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &r.head);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	r.code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &r.status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (r.body.len)
		r.json = json_loadb(r.body.data, r.body.len, JSON_DECODE_ANY, NULL);
	return r;
}

void drop(struct result *r)
{
	json_decref(r->json);
	free(r->body.data);
	free(r->head.data);
}

struct result get(const char *fmt, ...)
{
	char path[8000];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return call("GET", path, "text/plain", NULL);
}

struct result post(const char *path, const char *json)
{
	return call("POST", path, "application/json", json);
}

void control(const char *path, const char *json)
{
	struct result r = post(path, json);

	ck_assert_msg(r.status == 200, "%s: %ld %s", path, r.status, r.body.data);
	drop(&r);
}

json_t *at(const struct result *r, const char *path)
{
	char copy[256];
	char *rest = copy;
	char *name;
	json_t *value = r->json;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	while (value && (name = strsep(&rest, ".")) != NULL)
		value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
					     : json_object_get(value, name);
	ck_assert_msg(value != NULL, "no %s in %.300s", path, r->body.data);
	return value;
}

const char *text(const struct result *r, const char *path)
{
	const char *s = json_string_value(at(r, path));

	ck_assert_msg(s != NULL, "%s is no text", path);
	return s;
}

json_int_t number(const struct result *r, const char *path)
{
	ck_assert_msg(json_is_integer(at(r, path)), "%s is no integer", path);
	return json_integer_value(at(r, path));
}

bool has_header(const struct result *r, const char *line)
{
	return strcasestr(r->head.data, line) != NULL;
}

void start_server(const char *binary)
{
	int fds[2];
	char line[128] = "";
	FILE *out;

	ck_assert_int_eq(pipe(fds), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		(void)dup2(fds[1], STDOUT_FILENO);
		(void)close(fds[0]);
		(void)close(fds[1]);
		execl(binary, binary, "--listen", "127.0.0.1:0", "--seed", "demo", "--hook-secret",
		      HOOK_SECRET, (char *)NULL);
		_exit(127);
	}
	(void)close(fds[1]);
	out = fdopen(fds[0], "r");
	ck_assert_msg(fgets(line, sizeof(line), out) != NULL, "%s didn't start", binary);
	(void)fclose(out);
	ck_assert_int_eq(sscanf(line, "sandbox listening on %60s", base), 1);
}

void stop_server(void)
{
	int status = 0;

	(void)kill(server, SIGTERM);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "unclean end: %d", status);
}

void set_header(const char *line)
{
	(void)snprintf(bearer, sizeof(bearer), "%s", line);
}

void fresh(void)
{
	set_header("");
	control("/_sandbox/reset", "{}");
	set_header("Authorization: Bearer kantata-token");
}

void fetch_token(void)
{
	struct result r;

	set_header("");
	r = call(
	    "POST", "/oauth/token", "application/x-www-form-urlencoded",
	    "grant_type=client_credentials&client_id=hindsite-id&client_secret=hindsite-secret");
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(number(&r, "expires_in"), 7200);
	ck_assert_str_eq(text(&r, "token_type"), "Bearer");
	ck_assert_int_gt(number(&r, "created_at"), 1500000000);
	(void)snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s",
		       text(&r, "access_token"));
	drop(&r);
}

void listener_open(struct listener *l)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);
	char json[160];

	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(l->fd, (struct sockaddr *)&address, n), 0);
	ck_assert_int_eq(listen(l->fd, 8), 0);
	ck_assert_int_eq(getsockname(l->fd, (struct sockaddr *)&address, &n), 0);
	(void)snprintf(json, sizeof(json),
		       "{\"hook_url\":\"http://127.0.0.1:%d/hooks/hindsite\",\"hook_retry_ms\":1}",
		       ntohs(address.sin_port));
	control("/_sandbox/switches", json);
}

/* The body of a complete request, or NULL while some of it is missing. */
static const char *complete(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n");
	const char *length = strcasestr(request, "content-length:");

	if (!body || !length)
		return NULL;
	return strlen(body + 4) >= strtoul(length + 15, NULL, 10) ? body + 4 : NULL;
}

const char *listener_take(struct listener *l, const char *status)
{
	struct pollfd ready = { .fd = l->fd, .events = POLLIN };
	size_t n = 0;
	char reply[128];
	int fd;

	ck_assert_msg(poll(&ready, 1, 20000) == 1, "no webhook came");
	fd = accept(l->fd, NULL, NULL);
	l->request[0] = '\0';
	while (!complete(l->request)) {
		ssize_t got = recv(fd, l->request + n, sizeof(l->request) - 1 - n, 0);

		ck_assert_int_gt(got, 0);
		n += (size_t)got;
		l->request[n] = '\0';
	}
	(void)snprintf(reply, sizeof(reply),
		       "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
	ck_assert_int_eq(send(fd, reply, strlen(reply), 0), (ssize_t)strlen(reply));
	(void)close(fd);
	return complete(l->request);
}

bool signed_well(const struct listener *l)
{
	const char *body = complete(l->request);
	const char *header = strcasestr(l->request, "x-webhook-signature: ");
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	char hex[65];

	ck_assert_ptr_nonnull(header);
	(void)HMAC(EVP_sha256(), HOOK_SECRET, (int)strlen(HOOK_SECRET), (const unsigned char *)body,
		   strlen(body), mac, &n);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	return !strncmp(header + 21, hex, 64);
}

void listener_close(struct listener *l)
{
	(void)close(l->fd);
}

void expect_ids(const char *query, const char *ids)
{
	struct result r = get("/api/v1/workspaces.json?%s", query);
	char found[256] = "";
	size_t i;
	json_t *row;

	ck_assert_int_eq(r.status, 200);
	json_array_foreach(at(&r, "results"), i, row)
	{
		size_t n = strlen(found);

		(void)snprintf(found + n, sizeof(found) - n, "%s%s", i ? "," : "",
			       json_string_value(json_object_get(row, "id")));
	}
	ck_assert_msg(!strcmp(found, ids), "%s: %s", query, found);
	drop(&r);
}
