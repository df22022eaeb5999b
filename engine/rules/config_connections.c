/* SPDX-License-Identifier: Apache-2.0
 *
 * config_connections - the `connections:` of tappet.yaml, each checked against
 * its connector's table of settings. */
#include "engine/rules/config_internal.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/connectors/mailbox.h"
#include "engine/rules/words.h"

#define MAX_SETTINGS  32   /* of one connector, the common ones included; ours have at most 8 */
#define DEFAULT_SLOTS 8    /* requests at once: what a browser grants a host, and a little more */
#define MAX_SLOTS     1000 /* sockets of one connection */
#define LEAST_POLL    100  /* ms; below that a poll is a busy loop */

const char *const connection_keys[] = { "connector", "allow_private", "rate",    "poll", "webhook",
					"timeout",   "proxy",         "ca_file", NULL };

static void check_setting_keys(struct configuring *c, const struct yaml_node *node,
			       const struct connector *connector)
{
	const char *known[MAX_SETTINGS + 1];
	struct text what = text_printf(c->r.arena, "a %s connection", connector->name);
	size_t n = 0;

	for (size_t i = 0; connection_keys[i] != NULL; i++)
		known[n++] = connection_keys[i];
	for (const struct param *p = connector->settings;
	     p != NULL && p->name != NULL && n < MAX_SETTINGS; p++)
		known[n++] = p->name;
	known[n] = NULL;
	if (what.s != NULL)
		reader_keys(&c->r, node, what.s, known, NULL);
}

/* ---- Settings. ---- */

struct text config_url_host(struct text url)
{
	size_t at = text_find(url, TEXT("://"));
	size_t n = 0;

	if (at != SIZE_MAX)
		url = (struct text){ url.s + at + 3, url.n - at - 3 };
	while (n < url.n && url.s[n] != '/' && url.s[n] != '?' && url.s[n] != '#')
		n++;
	return (struct text){ url.s, n };
}

static struct text behind_host(struct text url)
{
	struct text host = config_url_host(url);
	size_t n = (size_t)(host.s - url.s) + host.n;

	return (struct text){ url.s + n, url.n - n };
}

bool config_url_hides(struct text written, struct text url)
{
	return !text_eq(behind_host(written), behind_host(url));
}

static void base_url(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	struct text url;

	if (!config_env_text(c, node, &url) || url.n == 0)
		return;
	if (!text_starts(url, TEXT("http://")) && !text_starts(url, TEXT("https://"))) {
		reader_error(&c->r, node, "it starts with https://, or http:// inside a network",
			     "this is no URL");
		return;
	}
	if (config_url_host(url).n == 0) {
		reader_error(&c->r, node, "", "this URL has no host");
		return;
	}
	if (memchr(config_url_host(url).s, '@', config_url_host(url).n) != NULL) {
		diags_hide(c->r.diags, node->at, node->to - node->from);
		reader_error(&c->r, node,
			     conn->connector->auth == AUTH_ANY
				 ? "write basic: { user: NAME, password: \"${env:PASSWORD}\" }"
				 : "credentials have settings of their own",
			     "a URL holds no user and password");
		return;
	}
	conn->hides_path = conn->hides_path || config_url_hides(node->text, url);
	while (url.n > 0 && url.s[url.n - 1] == '/')
		url.n--;
	conn->base_url = text_dup(c->r.arena, url);
	/* What the operator writes out is allowed; what a name or variable may lead to isn't. */
	if (text_find(config_url_host(node->text), TEXT("${")) == SIZE_MAX)
		conn->allow_private = true;
}

static bool literal_fits(const struct param *p, const struct yaml_node *node)
{
	switch (p->type) {
	case PARAM_TEXT:
	case PARAM_DATE:
		return node->kind == YAML_TEXT;
	case PARAM_ID:
		return node->kind == YAML_TEXT || node->kind == YAML_INT;
	case PARAM_INT:
		return node->kind == YAML_INT;
	case PARAM_NUMBER:
		return node->kind == YAML_INT || node->kind == YAML_FLOAT;
	case PARAM_BOOL:
		return node->kind == YAML_BOOL;
	case PARAM_LIST:
		return node->kind == YAML_LIST;
	case PARAM_MAIL:
		return node->kind == YAML_TEXT;
	case PARAM_MAP:
		return node->kind == YAML_MAP;
	case PARAM_CHOICE:
	case PARAM_UNIX: /* no connector has such a setting */
	case PARAM_ANY:
		return true;
	}
	return false;
}

/* The settings that are lists hold words: names of users and the like. */
static bool list_fits(struct configuring *c, const struct param *p, const struct yaml_node *node)
{
	bool fits = true;

	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *item = node->items[i];

		if ((item->kind == YAML_TEXT && item->text.n > 0) || item->kind == YAML_INT)
			continue;
		reader_error(&c->r, item, p->doc, "an item of \"%s\" must be text, not %s", p->name,
			     item->kind == YAML_TEXT ? "nothing" : yaml_kind_words(item));
		fits = false;
	}
	return fits;
}

static bool map_fits(struct configuring *c, const struct param *p, const struct yaml_node *node)
{
	const char *known[MAX_SETTINGS + 1];
	bool fits = true;
	size_t n = 0;

	if (p->members == NULL)
		return true;
	for (const struct param *m = p->members; m->name != NULL && n < MAX_SETTINGS; m++) {
		const struct yaml_node *member = yaml_get(node, m->name);

		known[n++] = m->name;
		if (member == NULL || literal_fits(m, member))
			continue;
		reader_error(&c->r, member, m->doc, "\"%s\" has the wrong type: %s", m->name,
			     yaml_kind_words(member));
		fits = false;
	}
	known[n] = NULL;
	return reader_keys(&c->r, node, p->name, known, NULL) && fits;
}

static void plain_setting(struct configuring *c, const struct param *p,
			  const struct yaml_node *node, struct value_map_builder *settings)
{
	struct mailbox mailbox;
	const char *why = "";
	int choice;

	if (!literal_fits(p, node)) {
		reader_error(&c->r, node, p->doc, "\"%s\" has the wrong type: %s", p->name,
			     yaml_kind_words(node));
		return;
	}
	if (p->type == PARAM_CHOICE && !reader_choice(&c->r, node, p->choices, NULL, &choice))
		return;
	if (p->type == PARAM_MAIL && !mailbox_parse(node->text, &mailbox, &why)) {
		reader_error(&c->r, node, "ann@example.com, or \"Ann Example <ann@example.com>\"",
			     "this is no mail address: it %s", why);
		return;
	}
	if ((p->type == PARAM_LIST && !list_fits(c, p, node)) ||
	    (p->type == PARAM_MAP && !map_fits(c, p, node)))
		return;
	value_map_set(settings, p->name,
		      p->type == PARAM_ID ? value_text(text_dup(c->r.arena, node->text))
					  : yaml_value(c->r.arena, node));
}

/* Where a setting that is a credential is kept, or NULL. */
static struct secret **secret_slot(struct connection *conn, const char *name)
{
	const struct connector *connector = conn->connector;
	bool is_auth =
	    connector->auth_setting != NULL && strcmp(name, connector->auth_setting) == 0;

	if ((connector->auth == AUTH_BEARER || connector->auth == AUTH_MEMBER) && is_auth)
		return &conn->token;
	if (connector->bearer_setting != NULL && strcmp(name, connector->bearer_setting) == 0)
		return &conn->token;
	if (connector->auth == AUTH_URL && is_auth)
		return &conn->url;
	if (connector->auth == AUTH_CLIENT_CREDENTIALS && strcmp(name, "client_id") == 0)
		return &conn->client_id;
	if (connector->auth == AUTH_CLIENT_CREDENTIALS && strcmp(name, "client_secret") == 0)
		return &conn->client_secret;
	return NULL;
}

static void url_secret(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	struct text url = conn->url != NULL ? secret_reveal(conn->url) : TEXT_NONE;

	if (url.n > 0 && !text_starts(url, TEXT("http://")) && !text_starts(url, TEXT("https://")))
		reader_error(&c->r, node, "it starts with https://", "this is no URL");
	if (text_find(config_url_host(node->text), TEXT("${")) == SIZE_MAX)
		conn->allow_private = true;
}

static void setting(struct configuring *c, struct connection *conn, const struct yaml_node *map,
		    const struct param *p, struct value_map_builder *settings)
{
	const struct yaml_node *node = yaml_get(map, p->name);
	struct secret **slot = secret_slot(conn, p->name);

	if (node == NULL) {
		if (p->required)
			reader_need(&c->r, map, p->name, p->doc);
		return;
	}
	if (slot != NULL) {
		*slot = config_secret(c, node);
		value_map_set(settings, p->name, value_bool(true));
		if (slot == &conn->url)
			url_secret(c, node, conn);
	} else if (strcmp(p->name, "base_url") == 0) {
		base_url(c, node, conn);
	} else {
		plain_setting(c, p, node, settings);
	}
}

/* A secret URL, or the token that may take its place: one of them. */
static void one_way_in(struct configuring *c, const struct connector *connector,
		       const struct yaml_node *map)
{
	const struct yaml_node *token;

	if (connector->bearer_setting == NULL)
		return;
	token = yaml_get(map, connector->bearer_setting);
	if (yaml_get(map, connector->auth_setting) == NULL && token == NULL && !map->damaged)
		reader_error(&c->r, map, "see tappet connectors",
			     "\"%s\" is missing, and so is \"%s\": one of them is needed",
			     connector->auth_setting, connector->bearer_setting);
	if (yaml_get(map, connector->auth_setting) != NULL && token != NULL)
		reader_error(&c->r, token, "make two connections of them",
			     "\"%s\" can't be given together with \"%s\"",
			     connector->bearer_setting, connector->auth_setting);
}

static void settings(struct configuring *c, struct connection *conn, const struct yaml_node *map)
{
	const struct connector *connector = conn->connector;
	struct value_map_builder b;

	value_map_begin(&b, c->r.arena);
	for (const struct param *p = connector->settings; p != NULL && p->name != NULL; p++)
		if ((connector->auth != AUTH_ANY || !config_auth_owns(p->name)) &&
		    (!connector->smtp || !config_mail_owns(p->name)))
			setting(c, conn, map, p, &b);
	if (connector->smtp)
		config_mail(c, map, conn);
	one_way_in(c, connector, map);
	if (connector->auth == AUTH_ANY)
		config_auth(c, map, conn, &b);
	if (conn->base_url.n == 0 && connector->base_url != NULL)
		conn->base_url = text_of(connector->base_url);
	if (conn->base_url.n > 0)
		value_map_set(&b, "base_url", value_text(conn->base_url));
	if (connector->auth == AUTH_CLIENT_CREDENTIALS)
		conn->token_url = text_printf(c->r.arena, "%.*s%s", TEXT_ARG(conn->base_url),
					      connector->token_path);
	conn->settings = value_map_end(&b);
}

/* ---- The common keys. ---- */

static void rate(struct configuring *c, const struct yaml_node *node, struct connection *conn)
{
	static const char *const keys[] = { "per_second", "burst", "slots", NULL };
	const struct yaml_node *per_second, *burst, *slots;
	int64_t n;

	if (!reader_map(&c->r, node, "rate", "per_second", "5") ||
	    !reader_keys(&c->r, node, "rate", keys, NULL))
		return;
	per_second = yaml_get(node, "per_second");
	burst = yaml_get(node, "burst");
	slots = yaml_get(node, "slots");
	if (per_second != NULL && reader_number(&c->r, per_second, &conn->per_second)) {
		if (!(conn->per_second > 0))
			reader_error(&c->r, per_second, "like 5, or 0.5: one every two seconds",
				     "this must be above 0");
		conn->burst = conn->per_second > 1 ? conn->per_second : 1;
	}
	if (burst != NULL)
		reader_number(&c->r, burst, &conn->burst);
	if (conn->per_second > 0 && conn->burst < 1) {
		reader_error(&c->r, burst != NULL ? burst : node, "",
			     "a burst below 1 would let nothing through");
		conn->burst = 1;
	}
	if (slots != NULL && reader_int(&c->r, slots, 1, MAX_SLOTS, &n))
		conn->slots = (unsigned)n;
}

static void unknown_resource(struct configuring *c, const struct yaml_node *key,
			     const struct connector *connector)
{
	const char *names[64];
	size_t n = 0;

	for (const struct resource *r = connector->resources;
	     r != NULL && r->name != NULL && n < 63; r++)
		names[n++] = r->name;
	names[n] = NULL;
	reader_error(&c->r, key, reader_nearest(c->r.arena, key->text, names),
		     "%s has nothing to poll called \"%.*s\"", connector->name,
		     TEXT_ARG(key->text));
}

/* The feed of a connector, or NULL. */
static const struct resource *feed_of(const struct connector *connector)
{
	for (const struct resource *r = connector->resources; r != NULL && r->name != NULL; r++)
		if (r->feed != NULL)
			return r;
	return NULL;
}

static void poll_hints(struct configuring *c, const struct yaml_node *node,
		       const struct connector *connector, struct poll_config *poll)
{
	const struct resource *feed = feed_of(connector);
	const char *const names[] = { feed != NULL ? feed->name : NULL, NULL };
	int choice;

	if (feed == NULL || poll->resource->subject == NULL)
		reader_error(&c->r, node, "", "nothing gives hints about %s of %s",
			     poll->resource->name, connector->title);
	else if (reader_choice(&c->r, node, names, NULL, &choice))
		poll->hinted = true;
}

/* Whether the poll's keys are known. */
static bool poll_keys(struct configuring *c, const struct yaml_node *node,
		      const struct resource *resource)
{
	const char *keys[MAX_SETTINGS + 1] = { "every",        "full",   "baseline",
					       "silent_after", "fields", "hints" };
	size_t n = resource->params == NULL ? 6 : 4;

	for (const struct param *p = resource->params;
	     p != NULL && p->name != NULL && n < MAX_SETTINGS; p++)
		keys[n++] = p->name;
	keys[n] = NULL;
	return reader_keys(&c->r, node, "a poll", keys, NULL);
}

/* Once `every` is known. */
static void poll_silence(struct configuring *c, const struct yaml_node *node,
			 struct poll_config *poll)
{
	const struct yaml_node *given = yaml_get(node, "every");
	struct text where = TEXT(" by default");
	char every[TIMETEXT_MAX];

	if (!config_silent_after(c, node, &poll->silent_after) || poll->silent_after == 0 ||
	    poll->silent_after > poll->every)
		return;
	timetext_duration_format(poll->every, every);
	if (given != NULL)
		where = text_printf(c->r.arena, ", line %d of %s", given->at.line,
				    reader_place(&c->r, given).file);
	reader_error(&c->r, yaml_get(node, "silent_after"), "several times as long as every",
		     "silent_after must be longer than every (%s%.*s), or it is always silent",
		     every, TEXT_ARG(where));
}

static void poll_settings(struct configuring *c, const struct connection *conn,
			  const struct yaml_node *node, struct poll_config *poll)
{
	static const char *const baselines[] = { "silent", "emit", NULL };
	static const char *const fields[] = { "auto", NULL };
	const struct yaml_node *every, *full, *baseline, *which, *hints;
	int choice = 0;

	if ((node->kind == YAML_NULL && poll->resource->params == NULL) ||
	    !poll_keys(c, node, poll->resource))
		return;
	if (poll->resource->params != NULL)
		config_poll_settings(c, conn, node, poll);
	every = yaml_get(node, "every");
	full = yaml_get(node, "full");
	baseline = yaml_get(node, "baseline");
	which = yaml_get(node, "fields");
	hints = yaml_get(node, "hints");
	if (every != NULL)
		reader_duration(&c->r, every, LEAST_POLL, &poll->every);
	if (full != NULL)
		reader_duration(&c->r, full, LEAST_POLL, &poll->full);
	if (baseline != NULL && reader_choice(&c->r, baseline, baselines, NULL, &choice))
		poll->baseline_emits = choice == 1;
	if (which != NULL)
		reader_choice(&c->r, which, fields, NULL, &choice);
	poll_silence(c, node, poll);
	if (hints != NULL)
		poll_hints(c, hints, conn->connector, poll);
}

static struct poll_config poll_of(struct configuring *c, const struct connection *conn,
				  const struct resource *resource)
{
	return (struct poll_config){
		.resource = resource,
		.every = resource->every,
		.full = resource->full,
		.source = text_printf(c->r.arena, "%.*s/%s", TEXT_ARG(conn->name), resource->name),
	};
}

/* With a feed that is written, its news of all that is polled are hints. One that is only named by
 * `hints` is asked for nothing but those. */
static void poll_feed(struct configuring *c, struct connection *conn, struct poll_config *list)
{
	const struct resource *feed = feed_of(conn->connector);
	const char **subjects = arena_zero(c->r.arena, (conn->poll_count + 1) * sizeof(*subjects));
	bool written = false;
	size_t n = 0;

	for (size_t i = 0; i < conn->poll_count && subjects != NULL; i++) {
		written = written || list[i].resource == feed;
		if (list[i].hinted)
			subjects[n++] = list[i].resource->subject;
	}
	for (size_t i = 0; i < conn->poll_count; i++)
		list[i].hinted = list[i].hinted || (written && list[i].resource->subject != NULL);
	if (n == 0 || written || feed == NULL)
		return;
	list[conn->poll_count] = poll_of(c, conn, feed);
	list[conn->poll_count++].subjects = subjects;
}

/* `receives`: the connection takes its product's webhooks. */
static void polls(struct configuring *c, const struct yaml_node *node, struct connection *conn,
		  bool receives)
{
	struct poll_config *list;

	if (node->kind != YAML_MAP) {
		reader_error(&c->r, node, "poll: { workspaces: { every: 60s } }",
			     "poll must be a map, not %s", yaml_kind_words(node));
		return;
	}
	list = arena_array(c->r.arena, node->count + 1, sizeof(*list));
	for (size_t i = 0; list != NULL && i < node->count; i++) {
		const struct yaml_node *key = node->pairs[i].key;
		const struct resource *resource = connector_resource(conn->connector, key->text);

		if (resource == NULL && conn->connector->any_resource != NULL) {
			resource = config_any_poll(c, conn, key);
			if (resource == NULL)
				continue;
		}
		if (resource == NULL) {
			unknown_resource(c, key, conn->connector);
			continue;
		}
		list[conn->poll_count] = poll_of(c, conn, resource);
		poll_settings(c, conn, node->pairs[i].val, &list[conn->poll_count++]);
		if (resource->catch_up != NULL && !receives)
			reader_error(&c->r, key, "webhook: { secret: \"${env:NAME}\" }",
				     "%.*s come as webhooks, and this connection takes none",
				     TEXT_ARG(key->text));
	}
	if (list != NULL)
		poll_feed(c, conn, list);
	conn->polls = list;
}

static void connection_webhook(struct configuring *c, const struct yaml_node *node,
			       struct connection *conn)
{
	static const char *const keys[] = { "secret", "keep_body", "silent_after", NULL };
	const struct webhook *webhook = conn->connector->webhook;
	struct hook_config *hook;
	const struct yaml_node *secret;

	if (webhook == NULL) {
		reader_error(&c->r, node, "", "%s sends no webhooks", conn->connector->title);
		return;
	}
	if (!config_secret_map(c, node, "webhook", "webhook: { secret: \"${env:NAME}\" }") ||
	    !reader_keys(&c->r, node, "webhook", keys, NULL))
		return;
	secret = reader_need(&c->r, node, "secret", "webhook: { secret: \"${env:NAME}\" }");
	if (secret == NULL ||
	    !config_secret_list(c, secret, &conn->webhook_secrets, &conn->webhook_secret_count))
		return;
	hook = &c->hooks[c->config->hook_count];
	*hook = (struct hook_config){ .name = conn->name,
				      .at = conn->at,
				      .secrets = conn->webhook_secrets,
				      .secret_count = conn->webhook_secret_count,
				      .prefix = "",
				      .dedupe_by_body = webhook->bodies_unique,
				      .connection = conn };
	config_keep_body(c, node, hook);
	config_silent_after(c, node, &hook->silent_after);
	if (config_verify_scheme(webhook->verify, &hook->verify))
		c->config->hook_count++;
}

static void common(struct configuring *c, const struct yaml_node *map, struct connection *conn)
{
	const struct yaml_node *node;

	conn->per_second = conn->connector->per_second;
	conn->burst = conn->connector->burst;
	conn->slots = DEFAULT_SLOTS;
	if (conn->connector->auth == AUTH_CLIENT_CREDENTIALS)
		conn->token_private = conn->allow_private;
	config_transport(c, map, conn);
	if ((node = yaml_get(map, "allow_private")) != NULL &&
	    reader_bool(&c->r, node, &conn->allow_private))
		conn->token_private = conn->transport.proxy_private = conn->allow_private;
	if ((node = yaml_get(map, "rate")) != NULL)
		rate(c, node, conn);
	if ((node = yaml_get(map, "timeout")) != NULL)
		reader_duration(&c->r, node, 1, &conn->timeout);
	if ((node = yaml_get(map, "poll")) != NULL)
		polls(c, node, conn, yaml_get(map, "webhook") != NULL);
	if ((node = yaml_get(map, "webhook")) != NULL)
		connection_webhook(c, node, conn);
}

/* ---- Connections. ---- */

static const struct connector *connector_named(struct configuring *c, const struct yaml_node *node)
{
	const char *names[64];
	const struct connector *found = connector_find(node->text);
	size_t n = 0;

	if (found != NULL)
		return found;
	for (const struct connector *const *all = connectors_all(); *all != NULL && n < 63; all++)
		names[n++] = (*all)->name;
	names[n] = NULL;
	reader_error(&c->r, node, reader_nearest(c->r.arena, node->text, names),
		     "there is no connector \"%.*s\"", TEXT_ARG(node->text));
	return NULL;
}

/* A misspelt "connector" is told as what it is, where it stands. */
static const struct yaml_node *connector_word(const struct configuring *c,
					      const struct yaml_node *map)
{
	static const char *const names[] = { "connector", NULL };

	for (size_t i = 0; i < map->count && yaml_get(map, names[0]) == NULL; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		if (text_nearest(key->text, names) == NULL)
			continue;
		reader_error(&c->r, key, reader_nearest(c->r.arena, key->text, names),
			     "a connection has no key \"%.*s\"", TEXT_ARG(key->text));
		return NULL;
	}
	return reader_need(&c->r, map, names[0], "connector: NAME; see tappet connectors");
}

static void connection(struct configuring *c, const struct yaml_node *key,
		       const struct yaml_node *map)
{
	struct connection *conn = &c->connections[c->config->connection_count];
	const struct yaml_node *word;

	if (!config_name(c, key, "connection"))
		return;
	if (map->kind != YAML_MAP) {
		reader_error(&c->r, map, "{ connector: NAME, ... }",
			     "a connection must be a map, not %s", yaml_kind_words(map));
		return;
	}
	word = connector_word(c, map);
	*conn = (struct connection){ .name = text_dup(c->r.arena, key->text),
				     .at = reader_place(&c->r, key) };
	if (word == NULL || (conn->connector = connector_named(c, word)) == NULL)
		return;
	check_setting_keys(c, map, conn->connector);
	settings(c, conn, map);
	common(c, map, conn);
	c->config->connection_count++;
}

void config_connections(struct configuring *c, const struct yaml_node *map)
{
	assert(c != NULL && map != NULL);
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		connection(c, map->pairs[i].key, map->pairs[i].val);
	if (map->kind != YAML_MAP && map->kind != YAML_NULL)
		reader_error(&c->r, map, "NAME: { connector: ... }",
			     "connections must be a map, not %s", yaml_kind_words(map));
}
