/* SPDX-License-Identifier: Apache-2.0
 *
 * config_mail - what a connection over SMTP has of its own: the server, how the
 * way to it is encrypted, and the login.
 *
 * I1  A password never goes over a connection that isn't encrypted: the two
 *     together are a mistake here. */
#include "engine/rules/config_internal.h"

#include <assert.h>
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/connectors/mailbox.h"

#define PORT_STARTTLS 587 /* RFC 6409, 3.1 */
#define PORT_IMPLICIT 465 /* RFC 8314, 3.3 */

/* A server looks through a message before it takes it; 30 s are often too few. */
#define MAIL_TIMEOUT 120000

static const char *const own[] = { "url", "username", "password", "tls", "hello", NULL };

bool config_mail_owns(const char *setting)
{
	assert(setting != NULL);
	for (size_t i = 0; own[i] != NULL; i++)
		if (strcmp(own[i], setting) == 0)
			return true;
	return false;
}

/* ---- The server. ---- */

static bool is_ipv6(struct text t)
{
	if (t.n < 4 || t.s[0] != '[' || t.s[t.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < t.n; i++)
		if (strchr("0123456789abcdefABCDEF:.", t.s[i]) == NULL || t.s[i] == '\0')
			return false;
	return true;
}

/* Cuts a port off; 0: there is none, -1: it is no port. */
static int64_t take_port(struct text *host)
{
	int64_t port = 0;
	size_t at = host->n;

	while (at > 0 && host->s[at - 1] != ':' && host->s[at - 1] != ']')
		at--;
	if (at == 0 || host->s[at - 1] == ']')
		return 0;
	if (!text_to_int((struct text){ host->s + at, host->n - at }, &port) || port < 1 ||
	    port > 65535)
		return -1;
	host->n = at - 1;
	return port;
}

static void mail_url(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	struct text url, host;
	int64_t port;
	bool implicit;

	if (!config_env_text(c, node, &url) || url.n == 0)
		return;
	implicit = text_starts(url, TEXT("smtps://"));
	if (!implicit && !text_starts(url, TEXT("smtp://"))) {
		reader_error(&c->r, node, "smtp://mail.example.com:587", "this is no mail server");
		return;
	}
	host = (struct text){ url.s + (implicit ? 8 : 7), url.n - (implicit ? 8 : 7) };
	if (host.n > 0 && host.s[host.n - 1] == '/')
		host.n--;
	port = take_port(&host);
	if (port < 0 || (!mailbox_domain(host) && !is_ipv6(host))) {
		reader_error(&c->r, node, "smtp://HOST:PORT; the login has its own settings",
			     "this is no host with a port");
		return;
	}
	if (port == 0)
		port = implicit ? PORT_IMPLICIT : PORT_STARTTLS;
	conn->security = implicit ? MAIL_IMPLICIT : MAIL_STARTTLS;
	conn->base_url = text_printf(c->r.arena, "smtp%s://%.*s:%lld", implicit ? "s" : "",
				     TEXT_ARG(host), (long long)port);
	/* What the operator writes out is allowed; what a variable may lead to isn't. */
	if (text_find(node->text, TEXT("${")) == SIZE_MAX)
		conn->allow_private = true;
}

/* ---- The rest. ---- */

static void mail_tls(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char *const ways[] = { "starttls", "implicit", "none", NULL };
	bool implicit = conn->security == MAIL_IMPLICIT;
	int choice;

	if (!reader_choice(&c->r, node, ways, NULL, &choice) || conn->base_url.n == 0)
		return;
	if (implicit != (choice == MAIL_IMPLICIT)) {
		reader_error(&c->r, node, "smtps:// is implicit, smtp:// is starttls or none",
			     "\"tls\" contradicts \"url\"");
		return;
	}
	conn->security = (enum mail_security)choice;
}

static void mail_login(struct configuring *c, const struct yaml_node *map, struct connection *conn)
{
	const struct yaml_node *username = yaml_get(map, "username");
	const struct yaml_node *password = yaml_get(map, "password");

	if ((username == NULL) != (password == NULL) && !map->damaged) {
		reader_error(&c->r, username != NULL ? username : password,
			     "a login needs both; a server that asks for none needs neither",
			     "\"%s\" is missing", username != NULL ? "password" : "username");
		return;
	}
	if (username == NULL || password == NULL)
		return;
	if (conn->security == MAIL_PLAIN)
		reader_error(&c->r, password, "leave tls away, or use a server without a login",
			     "with tls: none anybody on the way could read the password");
	conn->username = config_secret(c, username);
	conn->password = config_secret(c, password);
}

static void mail_hello(struct configuring *c, const struct yaml_node *map, struct connection *conn)
{
	const struct yaml_node *node = yaml_get(map, "hello"), *from = yaml_get(map, "from");
	struct mailbox sender;
	const char *why;

	if (node == NULL) {
		if (from != NULL && from->kind == YAML_TEXT &&
		    mailbox_parse(from->text, &sender, &why))
			conn->hello = text_dup(c->r.arena, sender.domain);
		return;
	}
	if (!config_text(c, node, &conn->hello))
		return;
	if (!mailbox_domain(conn->hello))
		reader_error(&c->r, node, "tappet.example.com", "this is no host name");
}

void config_mail(struct configuring *c, const struct yaml_node *map, struct connection *conn)
{
	const struct yaml_node *url, *tls = yaml_get(map, "tls");

	assert(c != NULL && map != NULL && conn != NULL);
	conn->timeout = MAIL_TIMEOUT;
	url = reader_need(&c->r, map, "url", "url: smtp://mail.example.com:587");
	if (url != NULL)
		mail_url(c, url, conn);
	if (tls != NULL)
		mail_tls(c, tls, conn);
	mail_login(c, map, conn);
	mail_hello(c, map, conn);
}
