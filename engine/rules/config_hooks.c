/* SPDX-License-Identifier: Apache-2.0
 *
 * config_hooks - the `hooks:` and `schedules:` of tappet.yaml. */
#include "engine/rules/config_internal.h"

#include <assert.h>

#include "engine/base/zone.h"

#define DEFAULT_TOLERANCE (5 * 60 * 1000) /* ms; standard-webhooks.com asks for five minutes */

static const char *const schemes[] = { "none", "hindsite", "github", "standard-webhooks",
				       "hmac", "bearer",   NULL };
static const char *const later_schemes[] = { "stripe", "slack", "basic", NULL };

bool config_verify_scheme(const char *word, enum verify_scheme *out)
{
	assert(word != NULL && out != NULL);
	for (int i = 0; schemes[i] != NULL; i++) {
		if (strcmp(word, schemes[i]) == 0) {
			*out = (enum verify_scheme)i;
			return true;
		}
	}
	return false;
}

_Static_assert(VERIFY_BEARER == 5, "schemes[] follows enum verify_scheme");

/* ---- Hooks. ---- */

static const char *const hook_keys[] = { "verify", "secret",    "event_header",     "id_header",
					 "dedupe", "header",    "algorithm",        "encoding",
					 "prefix", "tolerance", "timestamp_header", NULL };

/* A header's name: RFC 9110, 5.6.2 token. */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char c = t.s[i];
		bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';

		if (!letter && !(c >= '0' && c <= '9') && strchr("!#$%&'*+-.^_`|~", c) == NULL)
			return false;
	}
	return t.n > 0;
}

static void header_name(struct configuring *c, const struct yaml_node *map, const char *key,
			const char **out)
{
	const struct yaml_node *node = yaml_get(map, key);
	struct text t;

	if (node == NULL || !config_text(c, node, &t))
		return;
	if (!is_token(t))
		reader_error(&c->r, node, "like X-Signature", "\"%.*s\" is no name of a header",
			     TEXT_ARG(t));
	else
		*out = t.s;
}

static void hmac_options(struct configuring *c, const struct yaml_node *map,
			 struct hook_config *hook)
{
	static const char *const algorithms[] = { "sha256", "sha512", "sha1", NULL };
	static const char *const encodings[] = { "hex", "base64", NULL };
	const struct yaml_node *node;
	struct text t;
	int choice;

	if (hook->header == NULL)
		reader_need(&c->r, map, "header", "the header that carries the signature");
	if ((node = yaml_get(map, "algorithm")) != NULL &&
	    reader_choice(&c->r, node, algorithms, NULL, &choice)) {
		hook->sha512 = choice == 1;
		hook->sha1 = choice == 2;
	}
	if ((node = yaml_get(map, "encoding")) != NULL &&
	    reader_choice(&c->r, node, encodings, NULL, &choice))
		hook->base64 = choice == 1;
	if ((node = yaml_get(map, "prefix")) != NULL && config_text(c, node, &t))
		hook->prefix = t.s;
}

/* Keys that only verify: hmac understands (tolerance: standard-webhooks too). */
static void refuse_options(struct configuring *c, const struct yaml_node *map,
			   enum verify_scheme verify)
{
	static const char *const only_hmac[] = { "header", "algorithm",        "encoding",
						 "prefix", "timestamp_header", NULL };

	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;
		bool mismatch = text_is(key->text, "tolerance") && verify != VERIFY_STANDARD;

		for (size_t k = 0; only_hmac[k] != NULL; k++)
			mismatch = mismatch || text_is(key->text, only_hmac[k]);
		if (mismatch)
			reader_error(&c->r, key, "it belongs to verify: hmac",
				     "verify: %s has no \"%.*s\"", schemes[verify],
				     TEXT_ARG(key->text));
	}
}

static void hook_dedupe(struct configuring *c, const struct yaml_node *node,
			struct hook_config *hook)
{
	static const char *const keys[] = { "by", "within", NULL };
	static const char *const ways[] = { "body", NULL };
	const struct yaml_node *by, *within;
	int choice;

	if (!reader_keys(&c->r, node, "dedupe", keys, NULL))
		return;
	by = reader_need(&c->r, node, "by", "dedupe: { by: body, within: 10m }");
	if (by != NULL && reader_choice(&c->r, by, ways, NULL, &choice))
		hook->dedupe_by_body = true;
	within = yaml_get(node, "within");
	if (within != NULL)
		reader_duration(&c->r, within, 1, &hook->dedupe_within);
}

static void hook_secrets(struct configuring *c, const struct yaml_node *map,
			 struct hook_config *hook)
{
	const struct yaml_node *node = yaml_get(map, "secret");

	if (hook->verify == VERIFY_NONE) {
		if (node != NULL)
			reader_error(&c->r, node, "", "verify: none uses no secret");
	} else if (node != NULL) {
		config_secret_list(c, node, &hook->secrets, &hook->secret_count);
	} else {
		reader_need(&c->r, map, "secret",
			    "secret: \"${env:NAME}\", or a list while keys change");
	}
}

static void hook_options(struct configuring *c, const struct yaml_node *map,
			 struct hook_config *hook)
{
	const struct yaml_node *node;

	header_name(c, map, "header", &hook->header);
	header_name(c, map, "timestamp_header", &hook->timestamp_header);
	header_name(c, map, "event_header", &hook->event_header);
	header_name(c, map, "id_header", &hook->id_header);
	if (hook->verify == VERIFY_STANDARD || hook->timestamp_header != NULL)
		hook->tolerance = DEFAULT_TOLERANCE;
	if (hook->verify == VERIFY_HMAC)
		hmac_options(c, map, hook);
	else
		refuse_options(c, map, hook->verify);
	if ((node = yaml_get(map, "tolerance")) != NULL)
		reader_duration(&c->r, node, 1, &hook->tolerance);
	if ((node = yaml_get(map, "dedupe")) != NULL)
		hook_dedupe(c, node, hook);
	hook_secrets(c, map, hook);
}

static void hook(struct configuring *c, const struct yaml_node *key, const struct yaml_node *map)
{
	struct hook_config *hook = &c->hooks[c->config->hook_count];
	const struct yaml_node *verify;
	int choice;

	if (!config_name(c, key, "hook") || !reader_keys(&c->r, map, "a hook", hook_keys, NULL))
		return;
	verify = reader_need(&c->r, map, "verify",
			     "how the sender proves itself; verify: none must be written");
	if (verify == NULL || !reader_choice(&c->r, verify, schemes, later_schemes, &choice))
		return;
	*hook = (struct hook_config){ .name = text_dup(c->r.arena, key->text),
				      .at = reader_place(&c->r, key),
				      .verify = (enum verify_scheme)choice,
				      .prefix = "" };
	hook_options(c, map, hook);
	c->config->hook_count++;
}

void config_hooks(struct configuring *c, const struct yaml_node *map)
{
	assert(c != NULL && map != NULL);
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		hook(c, map->pairs[i].key, map->pairs[i].val);
	if (map->kind != YAML_MAP && map->kind != YAML_NULL)
		reader_error(&c->r, map, "NAME: { verify: ... }", "hooks must be a map, not %s",
			     yaml_kind_words(map));
}

/* ---- Schedules. ---- */

static void let_zone_go(void *of)
{
	zone_free(of);
}

static void schedule_zone(struct configuring *c, const struct yaml_node *node,
			  struct schedule_config *schedule)
{
	struct text name = TEXT("UTC");

	if (node != NULL && !config_text(c, node, &name))
		return;
	schedule->zone = zone_load(name);
	if (schedule->zone == NULL) {
		if (node != NULL)
			reader_error(&c->r, node, "an IANA name like Europe/Berlin, or UTC",
				     "there is no time zone \"%.*s\"", TEXT_ARG(name));
		else
			diags_add(c->r.diags, DIAG_ERROR, schedule->at, "install tzdata",
				  "the time zone UTC can't be read");
	} else if (!arena_on_free(c->r.arena, let_zone_go, schedule->zone)) {
		zone_free(schedule->zone);
		schedule->zone = NULL;
	}
}

static bool schedule_cron(struct configuring *c, const struct yaml_node *map,
			  struct schedule_config *schedule)
{
	static const char hint[] = "cron: \"0 9 * * MON\"";
	const struct yaml_node *node = reader_need(&c->r, map, "cron", hint);
	struct text t;
	char why[160];

	if (node == NULL || !config_text(c, node, &t))
		return false;
	if (cron_parse(t, &schedule->cron, why, sizeof(why)))
		return true;
	reader_error(&c->r, node, hint, "%s", why);
	return false;
}

static void schedule_words(struct configuring *c, const struct yaml_node *map,
			   struct schedule_config *schedule)
{
	static const char *const gaps[] = { "run", "skip", NULL };
	static const char *const overlaps[] = { "once", "twice", NULL };
	static const char *const misses[] = { "once", "skip", "all", NULL };
	const struct yaml_node *node;
	int choice;

	if ((node = yaml_get(map, "on_gap")) != NULL &&
	    reader_choice(&c->r, node, gaps, NULL, &choice))
		schedule->on_gap = (enum on_gap)choice;
	if ((node = yaml_get(map, "on_overlap")) != NULL &&
	    reader_choice(&c->r, node, overlaps, NULL, &choice))
		schedule->on_overlap = (enum on_overlap)choice;
	if ((node = yaml_get(map, "missed")) != NULL &&
	    reader_choice(&c->r, node, misses, NULL, &choice))
		schedule->missed = (enum missed)choice;
}

static void schedule(struct configuring *c, const struct yaml_node *key,
		     const struct yaml_node *map)
{
	static const char *const keys[] = { "cron",       "timezone", "on_gap",
					    "on_overlap", "missed",   NULL };
	struct schedule_config *schedule = &c->schedules[c->config->schedule_count];

	if (!reader_is_name(key->text)) {
		reader_error(&c->r, key, "small letters, digits, _ and -, a letter first",
			     "\"%.*s\" is no name for a schedule", TEXT_ARG(key->text));
		return;
	}
	if (!reader_keys(&c->r, map, "a schedule", keys, NULL))
		return;
	*schedule = (struct schedule_config){ .name = text_dup(c->r.arena, key->text),
					      .at = reader_place(&c->r, key) };
	schedule_words(c, map, schedule);
	schedule_zone(c, yaml_get(map, "timezone"), schedule);
	if (schedule_cron(c, map, schedule) && schedule->zone != NULL)
		c->config->schedule_count++;
}

void config_schedules(struct configuring *c, const struct yaml_node *map)
{
	assert(c != NULL && map != NULL);
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		schedule(c, map->pairs[i].key, map->pairs[i].val);
	if (map->kind != YAML_MAP && map->kind != YAML_NULL)
		reader_error(&c->r, map, "NAME: { cron: ... }", "schedules must be a map, not %s",
			     yaml_kind_words(map));
}
