/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_reach - whether the host of each connection answers, over the connection's own proxy
 * and authorities: names, addresses, TLS. Its Date tells how far the clocks are apart
 * (RFC 9110, 6.6.1).
 *
 * Asked is HEAD / without credentials, and whatever is answered is an answer; of mail servers a
 * greeting, the login and NOOP. Never: a call that could change anything, or a path or token that
 * somebody might log. */
#include "engine/commands/doctor.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/conceal.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/setup.h"
#include "engine/io/http_client.h"
#include "engine/io/mail_client.h"

#define WAIT      10000  /* ms for one host */
#define SKEW_WARN 30000  /* ms: a Date has whole seconds, and replies are under way for a while */
#define SKEW_FAIL 300000 /* ms: what signed webhooks tolerate by default */

DEFINE_AUTO(http_client_free, struct http_client *)
DEFINE_AUTO(mail_client_free, struct mail_client *)

struct reach {
	struct doctor *d;
	struct text name;
	const struct secret *password; /* of mail: a refusal may quote it */
	bool mail, ended;
	struct clock clock;
};

static void say_skew(struct reach *r, const struct http_outcome *o)
{
	int64_t date, now = clock_read(&r->clock).wall, apart;

	if (!timetext_parse_http(o->date, &date))
		return;
	apart = llabs(now - date);
	if (apart < SKEW_WARN)
		return;
	doctor_say(r->d, apart < SKEW_FAIL ? FINDING_WARN : FINDING_FAIL, "clock", r->name,
		   "compare both with a third one", "this machine's is %lld s %s the host's",
		   (long long)(apart / 1000), now > date ? "ahead of" : "behind");
}

/* A mail server's words, and what it quotes of a login as stars. */
static void say_refusal(struct reach *r, const struct http_outcome *o)
{
	struct concealer *cover = concealer_new();
	struct text words;
	struct buf b;

	buf_init(&b, LIMIT_ACTION_REPLY);
	if (cover != NULL && r->password != NULL)
		concealer_add(cover, secret_reveal(r->password), TEXT("***"));
	words = cover != NULL ? conceal(cover, o->body, &b) : TEXT_NONE;
	doctor_say(r->d, FINDING_FAIL, "connection", r->name, "look at its username and password",
		   "it refuses: %d %.*s", o->status, TEXT_ARG(text_head(words, 200)));
	buf_fini(&b);
	concealer_free(cover);
}

static void done(void *of, const struct http_outcome *o)
{
	struct reach *r = of;

	r->ended = true;
	if (o->end == HTTP_REFUSED || o->status == 0)
		doctor_say(r->d, FINDING_FAIL, "connection", r->name,
			   o->end == HTTP_REFUSED
			       ? "see \"Nothing gets out\" in docs/OPERATING.md"
			       : "look at its address, proxy, ca_file, the network",
			   "%s", o->error);
	else if (r->mail && o->status >= 400)
		say_refusal(r, o);
	else if (o->status >= 500)
		doctor_say(r->d, FINDING_WARN, "connection", r->name,
			   "it may be down; runs wait for it", "it answers with status %d",
			   o->status);
	else
		doctor_say(r->d, FINDING_OK, "connection", r->name, NULL,
			   "it answers within %lld ms", (long long)(o->ended - o->started));
	if (o->status > 0)
		say_skew(r, o);
}

/* "https://host:port/": what stands behind it may be a secret. */
static struct text origin(struct arena *arena, struct text url)
{
	size_t at = text_find(url, TEXT("://"));

	if (at == SIZE_MAX)
		return TEXT_NONE;
	for (at += 3; at < url.n && url.s[at] != '/' && url.s[at] != '?' && url.s[at] != '#'; at++)
		;
	return text_printf(arena, "%.*s/", (int)at, url.s);
}

static void reach_http(struct reach *r, const struct connection *c, struct text url)
{
	AUTO(http_client_free) struct http_client *client = http_client_new(r->clock);
	struct http_call call = {
		.method = "HEAD",
		.url = url,
		.pool = c->allow_private ? HTTP_ANY_ADDRESS : HTTP_PUBLIC_ONLY,
		.proxy_any_address = c->transport.proxy_private,
		.ca = c->transport.ca,
		.timeout_ms = WAIT,
		.reply_limit = LIMIT_ACTION_REPLY,
	};

	if (c->transport.proxy != NULL)
		call.proxy = secret_reveal(c->transport.proxy);
	if (client == NULL || http_client_start(client, &call, done, r) == NULL)
		return;
	while (!r->ended)
		http_client_turn(client, WAIT);
}

static struct text secret_text(const struct secret *secret)
{
	return secret != NULL ? secret_reveal(secret) : TEXT("");
}

static void reach_mail(struct reach *r, const struct connection *c)
{
	static const enum mail_wire wires[] = { [MAIL_STARTTLS] = MAIL_WIRE_STARTTLS,
						[MAIL_IMPLICIT] = MAIL_WIRE_IMPLICIT,
						[MAIL_PLAIN] = MAIL_WIRE_PLAIN };
	AUTO(mail_client_free) struct mail_client *client = mail_client_new(r->clock);
	const struct mail_call call = {
		.url = c->base_url,
		.wire = wires[c->security],
		.hello = c->hello,
		.username = secret_text(c->username),
		.password = secret_text(c->password),
		.ca = c->transport.ca,
		.probe = true,
		.pool = c->allow_private ? HTTP_ANY_ADDRESS : HTTP_PUBLIC_ONLY,
		.timeout_ms = WAIT,
	};

	if (client == NULL || !mail_client_start(client, &call, done, r))
		return;
	while (!r->ended) {
		struct pollfd fd = { .fd = mail_client_fd(client), .events = POLLIN };

		(void)poll(&fd, 1, WAIT);
		mail_client_turn(client);
	}
}

static void reach_one(struct doctor *d, const struct connection *c)
{
	struct reach r = {
		.d = d, .name = c->name, .password = c->password, .clock = clock_system()
	};
	struct text url = c->url != NULL ? secret_reveal(c->url) : c->base_url;

	r.mail = text_starts(url, TEXT("smtp"));
	if (!r.mail)
		url = origin(d->context->arena, url);
	if (url.n == 0)
		doctor_say(d, FINDING_WARN, "connection", c->name,
			   "run this with the daemon's environment",
			   "its address is a secret that "
			   "isn't there");
	else if (r.mail)
		reach_mail(&r, c);
	else
		reach_http(&r, c, url);
	if (url.n > 0 && !r.ended)
		doctor_say(d, FINDING_FAIL, "connection", c->name, NULL, "memory is out");
}

void doctor_reach(struct doctor *d)
{
	assert(d != NULL && d->config != NULL);
	for (size_t i = 0; i < d->config->connection_count; i++)
		reach_one(d, &d->config->connections[i]);
}
