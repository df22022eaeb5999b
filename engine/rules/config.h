/* SPDX-License-Identifier: Apache-2.0
 *
 * config - tappet.yaml as the engine sees it: checked, defaulted, resolved.
 *
 * Secrets (${env:NAME}, ${file:PATH}, ${credential:NAME}) are read here into
 * struct secret and nowhere else; in check mode a missing one is a warning, at
 * run an error.
 * Ownership: config_free frees all, secrets included; immutable otherwise, and
 * counted by config_ref so that a reload can replace it while others read. */
#ifndef TAPPET_RULES_CONFIG_H
#define TAPPET_RULES_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/crypto.h"
#include "engine/base/diag.h"
#include "engine/base/secret.h"
#include "engine/base/text.h"
#include "engine/connectors/connector.h"
#include "engine/rules/tables.h"
#include "engine/value/value.h"

struct poll_config {
	const struct resource *resource;
	int64_t every, full;  /* ms */
	bool baseline_emits;  /* baseline: emit */
	struct text source;   /* "<connection>/<resource>": cursor and source name */
	int64_t silent_after; /* ms without a round that succeeds that are told; 0: never */
	bool hinted;          /* hints: a feed says what to read again */

	/* Of a feed that no poll is written for, but hints: only these subjects are asked for, and
	 * nothing else is told. Ends with NULL; NULL: all. */
	const char *const *subjects;
	struct value settings; /* of a resource with params: a map; else null */
};

/* A piece of what is signed, of a hook's requests or of our own. */
struct signed_part {
	enum {
		SIGNED_TEXT,
		SIGNED_TIMESTAMP,
		SIGNED_ID,
		SIGNED_BODY,
		SIGNED_METHOD, /* from here on: of our own only */
		SIGNED_PATH
	} kind;
	struct text text; /* SIGNED_TEXT */
};

/* How a connection signs its requests (config_auth.c, delivery/sign.c). */
struct signing {
	bool standard;        /* Standard Webhooks; else an HMAC as the rest says */
	struct secret **keys; /* decoded, never none; several: standard, while keys change */
	size_t key_count;
	enum crypto_hash hash;
	const char *header;           /* carries prefix and signature */
	const char *prefix;           /* "" when none */
	const char *timestamp_header; /* NULL: not sent */
	const char *id_header;        /* NULL: not sent */
	bool base64;                  /* else hex */
	enum { STAMP_SECONDS, STAMP_MILLISECONDS, STAMP_ISO8601 } stamp;
	const struct signed_part *parts; /* never none, unless standard */
	size_t part_count;
};

/* How a connection's requests travel, beyond the defaults (config_transport.c). */
struct transport {
	struct secret *proxy; /* URL, may hold a user and password; NULL: none */
	bool proxy_private;   /* its host is written literally, or allow_private says so */
	struct text ca;       /* PEM: trusted instead of the system's authorities; empty: those */
};

enum mail_security { MAIL_STARTTLS, MAIL_IMPLICIT, MAIL_PLAIN };

struct connection {
	struct text name;
	const struct connector *connector;
	struct place at;
	struct value settings; /* a map (base_url, ...); of secrets: true */
	struct secret *token;  /* AUTH_BEARER, AUTH_ANY, AUTH_MEMBER, bearer_setting */
	/* AUTH_ANY: basic and api_key. The whole value of the header, or that of the parameter of
	 * the query; both names empty: neither. */
	struct secret *auth_value;
	struct secret *auth_secret; /* what of auth_value is the secret, as it was given */
	struct text auth_header, auth_query;
	/* A token is fetched (AUTH_CLIENT_CREDENTIALS, AUTH_ANY's oauth2) exactly when token_url
	 * isn't empty. */
	struct secret *client_id, *client_secret;
	struct text token_url;
	struct text token_extra;       /* further fields of the form, encoded: "&scope=a" */
	bool token_basic;              /* the credentials go as Basic, else as fields */
	bool token_private;            /* as allow_private, for token_url */
	const struct signing *signing; /* NULL: requests are not signed */
	struct transport transport;
	struct secret *url;                 /* AUTH_URL */
	struct secret *username, *password; /* AUTH_LOGIN; both or none */
	enum mail_security security;        /* of SMTP; TLS fails or is verified, never less */
	struct text hello;                  /* of SMTP: our name */
	/* Without a trailing slash; empty for AUTH_URL; of SMTP with its port. */
	struct text base_url;
	bool hides_path;          /* what stands behind the host of base_url or token_url comes from
				   * outside: it may be a secret */
	bool allow_private;       /* said so, or base_url's host is written literally */
	double per_second, burst; /* 0: none */
	unsigned slots;           /* requests at once */
	int64_t timeout;          /* ms per attempt, for steps that say nothing; 0: the default */
	struct secret **webhook_secrets; /* received at /hooks/<name>; count 0: not received */
	size_t webhook_secret_count;
	const struct poll_config *polls;
	size_t poll_count;
};

enum verify_scheme {
	VERIFY_NONE,
	VERIFY_HINDSITE,
	VERIFY_GITHUB,
	VERIFY_STANDARD, /* standard-webhooks */
	VERIFY_HMAC,
	VERIFY_BEARER,
	VERIFY_STRIPE,
	VERIFY_SLACK,
	VERIFY_BASIC,
};

/* An hmac hook's key, as the secret spells it. */
enum key_form { KEY_TEXT, KEY_HEX, KEY_BASE64 };

struct hook_config {
	struct text name;
	struct place at;
	enum verify_scheme verify;
	struct secret **secrets;
	size_t secret_count;
	/* hmac: */
	const char *header;           /* NULL when not given */
	bool base64;                  /* else hex */
	bool sha512, sha1;            /* algorithm; default sha256 */
	const char *prefix;           /* "" when none */
	const char *timestamp_header; /* NULL when not given */
	enum key_form key_form;
	/* Count 0: "<timestamp>.<body>" with a timestamp_header, else the body. SIGNED_ID and
	 * SIGNED_TIMESTAMP only where their headers are named. */
	const struct signed_part *signed_parts;
	size_t signed_count;
	/* stripe, slack, standard-webhooks and timestamp_header: */
	int64_t tolerance; /* ms; default 5 min */
	/* basic: */
	struct text user;
	/* any: */
	const char *event_header, *id_header; /* NULL when not given */
	bool dedupe_by_body;
	bool drop_body; /* bodies aren't kept with events */
	/* What of an event's data is left out before anybody sees it: paths in data. */
	const struct text *redact;
	size_t redact_count;
	int64_t dedupe_within; /* ms; 0: retention.dedupe */
	int64_t silent_after;  /* ms without a delivery that are told; 0: never */
	/* Who may ask (CloudEvents' webhook handshake), and what is granted; count 0: nobody. */
	const struct text *origins; /* "*": anybody */
	size_t origin_count;
	int64_t allowed_rate;                /* requests a minute; 0: any */
	const struct connection *connection; /* a connection's own webhook, else NULL */
};

enum on_gap {
	GAP_RUN,
	GAP_SKIP
}; /* planned time does not exist (clocks forward): run after the gap, or skip */
enum on_overlap { OVERLAP_ONCE, OVERLAP_TWICE };      /* planned time exists twice */
enum missed { MISSED_ONCE, MISSED_SKIP, MISSED_ALL }; /* after downtime */

/* Five fields: minute hour day-of-month month day-of-week; names, ranges, lists, steps;
 * day-of-month and day-of-week are alternatives when both are restricted (crontab(5)). Bit sets. */
struct cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays;
	bool any_day, any_weekday;
};

struct zone;

struct schedule_config {
	struct text name;
	struct place at;
	struct cron cron;
	struct zone *zone;
	enum on_gap on_gap;
	enum on_overlap on_overlap;
	enum missed missed;
};

struct manifest;

/* What a plugin's process has in its environment. */
struct plugin_variable {
	struct text name;
	struct secret *value; /* may have come by ${env:} or ${file:} */
	bool open;            /* it didn't: it stands in the file as it is */
};

/* A process that speaks plugins/PROTOCOL.md (config_plugins.c). */
struct plugin_config {
	struct text name;
	struct place at;
	const struct text *command; /* started in config->directory; count 0: by somebody else */
	size_t command_count;
	const struct plugin_variable *environment; /* all that it has, besides TAPPET_* */
	size_t environment_count;
	size_t memory;             /* bytes; 0: unlimited */
	unsigned files;            /* descriptors; 0: as the engine */
	unsigned concurrency;      /* jobs at once; 0: as many as it takes */
	struct text manifest_file; /* resolved; empty: none */
	uint64_t manifest_mark;    /* from before it was read */
	const struct text *keys;   /* public ones that it may come with, of bus.trusted */
	size_t key_count;

	/* Never NULL: the file's, or what the plugin said last (config_learn), or nothing is
	 * known (manifest_is_known). `said`: it isn't the file's. */
	struct manifest *manifest;
	bool said;
};

/* The sockets that plugins talk to. */
struct bus_config {
	bool wanted;                  /* there is `bus` or `plugins` */
	struct text sessions, events; /* "ipc://PATH", resolved, or "tcp://ADDRESS:PORT" */
	struct secret *key;           /* CURVE's secret key; NULL: none, and then no tcp */
	struct text trusted;          /* the file with the plugins' public keys, resolved */
	uint64_t trusted_mark;        /* from before it was read */
};

/* A secret that rules name: secrets.NAME. */
struct declared_secret {
	struct text name;
	struct secret *secret; /* never NULL in a configuration without errors */
};

/* One as it was read: config_again reads it anew. */
struct config_file {
	struct text path, content;
	uint64_t mark; /* from before it was read (base/mark.h) */
};

struct config {
	struct text file;                /* as given; of several the first */
	const struct config_file *files; /* in the order given: later ones win */
	size_t file_count;
	struct text directory;         /* paths are relative to it */
	struct text listen, admin;     /* "127.0.0.1:8080", "unix:tappet.sock" (path resolved) */
	struct text tls_certificate;   /* PEM, of `listen`; empty: plain HTTP */
	struct secret *tls_key;        /* PEM; NULL without a certificate */
	struct secret *admin_token;    /* required with a TCP admin address */
	struct text store;             /* "sqlite:/abs/or/relative path resolved" */
	const struct text *rule_paths; /* resolved */
	size_t rule_path_count;
	struct value vars; /* a map */
	struct table_list tables;
	int max_mode;   /* enum rule_mode: no rule is livelier than that */
	bool rehearsed; /* nothing is sent: rules in shadow do as live ones, whatever max_mode */
	int64_t retain_events, retain_dedupe; /* ms */
	size_t body_limit, memory_limit;
	bool incomplete; /* a connection, hook or schedule was left out for its mistakes */
	const struct text *secret_files; /* what ${file:} and ${credential:} were read from */
	size_t secret_file_count;
	uint64_t secrets_mark; /* of all of them, from before they were read (base/mark.h) */
	bool watch;            /* reload: watch */
	const struct connection *connections;
	size_t connection_count;
	const struct hook_config *hooks; /* those of connections included */
	size_t hook_count;
	const struct schedule_config *schedules;
	size_t schedule_count;
	const struct declared_secret *secrets;
	size_t secret_count;
	struct bus_config bus;
	struct plugin_config *plugins;
	size_t plugin_count;

	/* Rules that don't fit what a plugin said of itself are told and loaded: a daemon goes on
	 * when a plugin has changed. */
	bool lenient;
};

enum config_secrets { CONFIG_SECRETS_NEEDED, CONFIG_SECRETS_OPTIONAL };

/* Reads and checks `path`. Mistakes go to diags; NULL when the file can't be used at all. A caller
 * goes on only when diags_errors() is 0. */
struct config *config_load(const char *path, enum config_secrets secrets, struct diags *diags);

/* The same of several files that are laid over each other (overlay.h). */
struct config *config_load_all(const char *const *paths, size_t count, enum config_secrets secrets,
			       struct diags *diags);

/* What the files come to, as YAML that names where each value stands; of secrets only references
 * are shown. False after reporting that a file can't be used. */
struct buf;
bool config_effective(const char *const *paths, size_t count, struct diags *diags, struct buf *out);

/* The same text once more, for secrets whose files have changed. */
struct config *config_again(const struct config *config, struct diags *diags);

/* A configuration with nothing but defaults, for rules checked on their own:
 * every connector then counts as connected once under its own name. */
struct config *config_bare(void);
bool config_is_bare(const struct config *config);

struct config *config_ref(struct config *config);
void config_free(struct config *config);

const struct connection *config_connection(const struct config *config, struct text name);
const struct hook_config *config_hook(const struct config *config, struct text name);
const struct plugin_config *config_plugin(const struct config *config, struct text name);
const struct declared_secret *config_declared(const struct config *config, struct text name);

/* What a plugin has said of itself, in place of what was known. Before rules are loaded with the
 * configuration, and before another thread sees it. Another reference is taken; a plugin that isn't
 * configured is passed over. False: memory is out. */
bool config_learn(struct config *config, struct text plugin, struct manifest *manifest);

/* The row of an event's type: a connector's, or one of a plugin's manifest; NULL: unknown. */
const struct event_type *config_event(const struct config *config, struct text type);

/* config_trusted.c: a public key in Z85. */
#define CONFIG_KEY 40
bool config_is_key(struct text t);

/* The next line of a file of keys, taken off its front. */
enum config_trust { TRUST_END, TRUST_EMPTY, TRUST_KEY, TRUST_WRONG };
enum config_trust config_trust_line(struct text *rest, struct text *name, struct text *key);

/* What names a sender in a handshake: what a DNS name may be written with. */
bool config_is_origin(struct text t);

/* cron.c: the first planned time after `after` (seconds since the epoch) by the schedule's zone and
 * gap/overlap rules; INT64_MAX when there is none within 8 years. */
bool cron_parse(struct text t, struct cron *out, char *why, size_t why_room);
int64_t cron_next(const struct schedule_config *schedule, int64_t after);

#endif
