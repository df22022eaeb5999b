/* SPDX-License-Identifier: Apache-2.0
 *
 * server.c - see server.h. */
#include "server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS_MOST 16
#define RETRY_PAUSE  500 /* ms between two attempts to connect */

void say(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	(void)fprintf(stderr, "nats-bridge: %s\n", line);
}

static void on_connected(natsConnection *nc, void *of)
{
	(void)nc, (void)of;
	say("connected");
}

static void on_reconnected(natsConnection *nc, void *of)
{
	const struct server_options *o = of;

	on_connected(nc, NULL);
	o->connected(o->of);
}

static void on_disconnected(natsConnection *nc, void *of)
{
	(void)nc, (void)of;
	say("the server is gone");
}

static void on_closed(natsConnection *nc, void *of)
{
	const struct server_options *o = of;
	const char *why = NULL;

	(void)natsConnection_GetLastError(nc, &why);
	o->closed(o->of);
	if (why != NULL && why[0] != '\0')
		say("the connection has ended: %s", why);
}

/* What it would tell is told by those whom it concerns; the library's own prints it. */
static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus err, void *of)
{
	(void)nc, (void)sub, (void)err, (void)of;
}

static natsStatus set_servers(natsOptions *n, const char *urls)
{
	const char *list[SERVERS_MOST];
	char *copy = strdup(urls), *rest = copy, *url;
	natsStatus s = NATS_NO_MEMORY;
	int count = 0;

	while (copy != NULL && count < SERVERS_MOST && (url = strtok_r(rest, ",", &rest)) != NULL)
		list[count++] = url;
	if (count > 0)
		s = natsOptions_SetServers(n, list, count);
	else if (copy != NULL)
		s = NATS_ADDRESS_MISSING;
	free(copy);
	return s;
}

static natsStatus set_secrets(natsOptions *n, const struct server_options *o)
{
	const char *user = getenv("NATS_USER"), *password = getenv("NATS_PASSWORD");
	const char *token = getenv("NATS_TOKEN");
	natsStatus s = NATS_OK;

	if (o->credentials != NULL)
		s = natsOptions_SetUserCredentialsFromFiles(n, o->credentials, NULL);
	if (s == NATS_OK && user != NULL)
		s = natsOptions_SetUserInfo(n, user, password != NULL ? password : "");
	if (s == NATS_OK && token != NULL)
		s = natsOptions_SetToken(n, token);
	return s;
}

static natsStatus set_tls(natsOptions *n, const struct server_options *o)
{
	natsStatus s = NATS_OK;

	if (o->ca != NULL || o->certificate != NULL || strstr(o->url, "tls://") != NULL)
		s = natsOptions_SetSecure(n, true);
	if (s == NATS_OK && o->ca != NULL)
		s = natsOptions_LoadCATrustedCertificates(n, o->ca);
	if (s == NATS_OK && o->certificate != NULL)
		s = natsOptions_LoadCertificatesChain(n, o->certificate, o->key);
	return s;
}

static natsStatus set_calls(natsOptions *n, const struct server_options *o)
{
	natsStatus s = natsOptions_SetName(n, "tappet-nats-bridge");

	if (s == NATS_OK)
		s = natsOptions_SetMaxReconnect(n, -1);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(n, RETRY_PAUSE);
	if (s == NATS_OK)
		s = natsOptions_SetRetryOnFailedConnect(n, true, on_connected, NULL);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectedCB(n, on_reconnected, (void *)o);
	if (s == NATS_OK)
		s = natsOptions_SetDisconnectedCB(n, on_disconnected, NULL);
	if (s == NATS_OK)
		s = natsOptions_SetErrorHandler(n, on_error, NULL);
	if (s == NATS_OK)
		s = natsOptions_SetClosedCB(n, on_closed, (void *)o);
	return s;
}

natsConnection *server_connect(const struct server_options *o)
{
	natsConnection *nc = NULL;
	natsOptions *n = NULL;
	natsStatus s = natsOptions_Create(&n);

	if (s == NATS_OK)
		s = set_servers(n, o->url);
	if (s == NATS_OK)
		s = set_secrets(n, o);
	if (s == NATS_OK)
		s = set_tls(n, o);
	if (s == NATS_OK)
		s = set_calls(n, o);
	if (s == NATS_OK)
		s = natsConnection_Connect(&nc, n);
	natsOptions_Destroy(n);
	if (s == NATS_OK || s == NATS_NOT_YET_CONNECTED)
		return nc;
	say("can't connect: %s", natsStatus_GetText(s));
	natsConnection_Destroy(nc);
	return NULL;
}

bool server_is_there(natsConnection *nc)
{
	return natsConnection_Status(nc) == NATS_CONN_STATUS_CONNECTED;
}
