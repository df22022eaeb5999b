/* SPDX-License-Identifier: Apache-2.0
 *
 * config_transport - how a connection's requests travel: `proxy` and `ca_file`.
 *
 * The authorities' certificates are read here, so that a file that is missing or
 * holds none is found with its position, and so that a reload takes a new one
 * as a whole. */
#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/config_internal.h"

static bool has_user(struct text url)
{
	struct text host = config_url_host(url);

	return host.n > 0 && memchr(host.s, '@', host.n) != NULL;
}

/* HOST:PORT as it is written, a reference or not. */
static struct text without_user(struct text url)
{
	struct text host = config_url_host(url);

	for (size_t i = host.n; i > 0; i--)
		if (host.s[i - 1] == '@')
			return (struct text){ host.s + i, host.n - i };
	return host;
}

/* HOST:PORT, with or without a user: there is no port that everybody would take for granted. */
static bool has_port(struct text host)
{
	size_t n = host.n;

	while (n > 0 && host.s[n - 1] >= '0' && host.s[n - 1] <= '9')
		n--;
	return n < host.n && n > 1 && host.s[n - 1] == ':' && host.s[n - 2] != '@';
}

static bool is_proxy_url(struct text url)
{
	struct text host = config_url_host(url);
	size_t scheme = text_find(url, TEXT("://")) + 3;

	if ((!text_starts(url, TEXT("http://")) && !text_starts(url, TEXT("https://"))) ||
	    !has_port(host) || !url_is_clean(url))
		return false;
	return scheme + host.n == url.n ||
	       (scheme + host.n + 1 == url.n && text_ends(url, TEXT("/")));
}

/* Its user and password are a secret, and so is all of the URL. */
static void proxy(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char hint[] = "like http://proxy.example:3128";
	struct secret *url;
	bool literal = false;

	url = config_secret_text(c, node, &literal);
	if (url == NULL)
		return;
	if (!is_proxy_url(secret_reveal(url)) && (literal || c->secrets == CONFIG_SECRETS_NEEDED)) {
		reader_error(&c->r, node, hint, "this is no URL of an HTTP proxy with its port");
		return;
	}
	if (literal && has_user(secret_reveal(url)))
		reader_warn(&c->r, node, "keep it outside: \"${env:NAME}\" or \"${file:PATH}\"",
			    "a secret is written in the file");
	conn->transport.proxy = url;
	conn->transport.proxy_private = text_find(without_user(node->text), TEXT("${")) == SIZE_MAX;
}

static void ca_file(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	struct text pem = config_file(c, node, LIMIT_CA_FILE);

	if (pem.s == NULL)
		return;
	if (!pem_has_certificates(pem))
		reader_error(&c->r, node, "PEM: -----BEGIN CERTIFICATE-----",
			     "the file %.*s holds no certificates that can be read",
			     TEXT_ARG(node->text));
	else
		conn->transport.ca = pem;
}

void config_transport(struct configuring *c, const struct yaml_node *map, struct connection *conn)
{
	const struct yaml_node *node;

	assert(c != NULL && map != NULL && conn != NULL);
	if ((node = yaml_get(map, "proxy")) != NULL && conn->connector->smtp)
		reader_error(&c->r, node, "an HTTP proxy carries no mail", "mail takes no proxy");
	else if (node != NULL)
		proxy(c, node, conn);
	if ((node = yaml_get(map, "ca_file")) != NULL)
		ca_file(c, node, conn);
}
