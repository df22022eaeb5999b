/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_config - tappet.yaml: the documented example, defaults, secrets,
 * and what is refused. */
#include "tests/unit/test_rules_kit.h"

#define DATA "tests/unit/data/"

START_TEST(documented_example)
{
	struct diags *diags = diags_new();
	struct config *config;
	const struct connection *kantata, *hindsite, *slack;
	const struct hook_config *hook;

	setenv("KANTATA_TOKEN", "t0ken", 1);
	config = config_load(DATA "tappet.yaml", CONFIG_SECRETS_OPTIONAL, diags);
	ck_assert_ptr_nonnull(config);
	if (diags_errors(diags) > 0)
		kit_show(diags);
	ck_assert_uint_eq(diags_errors(diags), 0);
	ck_assert(text_is(config->listen, "127.0.0.1:8080"));
	ck_assert(text_is(config->admin, "unix:" DATA "tappet.sock"));
	ck_assert(text_is(config->store, "sqlite:" DATA "tappet.db"));
	ck_assert(text_is(config->rule_paths[0], DATA "rules/"));
	ck_assert_int_eq(config->retain_events, 90 * INT64_C(86400000));
	ck_assert_uint_eq(config->body_limit, MIB);
	ck_assert_uint_eq(config->connection_count, 3);
	ck_assert_uint_eq(config->hook_count, 3);
	ck_assert_uint_eq(config->schedule_count, 1);
	kantata = config_connection(config, TEXT("kantata"));
	ck_assert(text_is(secret_reveal(kantata->token), "t0ken"));
	ck_assert(text_is(kantata->base_url, "https://api.mavenlink.com/api/v1"));
	ck_assert(kantata->allow_private);
	ck_assert_uint_ge(kantata->poll_count, 1);
	ck_assert_int_eq(kantata->polls[0].every, 60000);
	ck_assert_int_eq(kantata->polls[0].full, 6 * 3600000);
	ck_assert(text_is(kantata->polls[0].source, "kantata/workspaces"));
	hindsite = config_connection(config, TEXT("hindsite"));
	ck_assert_ptr_nonnull(hindsite->client_secret);
	hook = config_hook(config, TEXT("hindsite"));
	ck_assert_ptr_eq(hook->connection, hindsite);
	ck_assert(hook->verify == VERIFY_HINDSITE && hook->dedupe_by_body);
	slack = config_connection(config, TEXT("slack"));
	ck_assert_ptr_nonnull(slack->url);
	ck_assert(!slack->allow_private);
	hook = config_hook(config, TEXT("billing"));
	ck_assert(hook->verify == VERIFY_STANDARD && hook->secret_count == 2);
	ck_assert_int_eq(hook->tolerance, 300000);
	ck_assert_str_eq(config_hook(config, TEXT("github"))->event_header, "X-GitHub-Event");
	ck_assert(value_get(config->vars, TEXT("recovery_collection")) != NULL);
	config_free(config);
	diags_free(diags);
}
END_TEST

START_TEST(missed_webhooks_need_a_webhook)
{
	kit_mistake("connections:\n  a: { connector: hindsite, client_id: x, client_secret: y,\n"
		    "       poll: { webhook_deliveries: {} } }\n",
		    3, 16, "come as webhooks, and this connection takes none", "webhook: {");
}
END_TEST

#define BLUEWORKS                                                                                  \
	"connections:\n  a:\n    connector: blueworks\n    base_url: https://x\n"                  \
	"    client_id: x\n    client_secret: y\n"

START_TEST(settings_with_parts)
{
	kit_mistake(BLUEWORKS "    on_behalf_of: kim\n", 7, 19, "has the wrong type", "Usernames");
	kit_mistake(BLUEWORKS "    on_behalf_of: [kim, {}]\n", 7, 25, "must be text, not a map",
		    "");
	kit_mistake(BLUEWORKS "    on_behalf_of: ['']\n", 7, 20, "must be text, not nothing", "");
	kit_mistake(BLUEWORKS "    action_types: { complet: x }\n", 7, 21, "has no key \"complet\"",
		    "\"complete\"");
	kit_mistake(BLUEWORKS "    action_types: { approve: 7 }\n", 7, 30, "has the wrong type",
		    "");
	kit_mistake(BLUEWORKS "    poll: { works: {} }\n", 7, 13, "nothing to poll", "\"work\"");
}
END_TEST

START_TEST(defaults)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "{}\n");
	ck_assert_uint_eq(diags_count(k.diags), 0);
	ck_assert(text_is(k.config->listen, "127.0.0.1:8080"));
	ck_assert(text_ends(k.config->store, TEXT("/tappet.db")));
	ck_assert_int_eq(k.config->retain_dedupe, 9 * INT64_C(86400000));
	ck_assert(!k.config->watch && !config_is_bare(k.config));
	kit_fini(&k);
}
END_TEST

START_TEST(bare)
{
	struct config *config = config_bare();

	ck_assert(config_is_bare(config));
	ck_assert(text_is(config->store, "sqlite:tappet.db"));
	ck_assert_ptr_eq(config_ref(config), config);
	config_free(config);
	config_free(config);
}
END_TEST

START_TEST(secrets)
{
	struct kit k;
	FILE *f = fopen("/tmp/tappet-test-secret", "w");

	ck_assert_ptr_nonnull(f);
	fputs("from file\n", f);
	fclose(f);
	setenv("TAPPET_TEST", "x y", 1);
	kit_init(&k);
	kit_config(&k, "connections:\n"
		       "  a: { connector: kantata, token: \"1${env:TAPPET_TEST}2\" }\n"
		       "  b: { connector: kantata, token: \"${file:/tmp/tappet-test-secret}\" }\n"
		       "  c: { connector: kantata, token: abc }\n"
		       "  d: { connector: kantata, token: \"${env:TAPPET_TEST}\","
		       " base_url: \"http://${env:TAPPET_TEST}/x/\" }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	kit_expect(k.diags, 4, 35, "secret is written", "${env:NAME}");
	ck_assert(text_is(secret_reveal(k.config->connections[0].token), "1x y2"));
	ck_assert(text_is(secret_reveal(k.config->connections[1].token), "from file"));
	ck_assert(text_is(k.config->connections[3].base_url, "http://x y/x"));
	ck_assert(!k.config->connections[3].allow_private);
	unlink("/tmp/tappet-test-secret");
	kit_fini(&k);
}
END_TEST

START_TEST(a_missing_secret_is_an_error_at_run)
{
	struct diags *diags = diags_new();
	struct config *config;
	struct kit_file f;

	kit_write(&f, "tappet.yaml",
		  "connections:\n  a: { connector: kantata, token: \"${env:TAPPET_NONE}\" }\n");
	config = config_load(f.path, CONFIG_SECRETS_NEEDED, diags);
	kit_expect(diags, 2, 35, "TAPPET_NONE is not set", "after a restart");
	ck_assert_uint_eq(diags_errors(diags), 1);
	config_free(config);
	kit_remove(&f);
	diags_free(diags);
}
END_TEST

START_TEST(top_level_mistakes)
{
	kit_mistake("lisen: 1\n", 1, 1, "no key \"lisen\"", "\"listen\"");
	kit_mistake("secrets: [a]\n", 1, 10, "secrets must be a map", "${env:CRM_TOKEN}");
	kit_mistake("secrets: { a-b: \"${env:X}\" }\n", 1, 12, "no name for a secret", "letters");
	kit_mistake("secrets: { a: plainly }\n", 1, 15, "is written in the file", "${env:NAME}");
	kit_mistake("secrets: { a: 5 }\n", 1, 15, "must be a text", "quotes");
	kit_mistake("secrets: { a: \"${vars.x}\" }\n", 1, 15, "can't be used here", "${env:NAME}");
	kit_mistake("secrets: { a: \"${file:/no/where}\" }\n", 1, 15,
		    "the file /no/where can't be read: No such file or directory", "");
	kit_mistake("calendars: {}\n", 1, 1, "not yet", "");
	kit_mistake("listen: nowhere\n", 1, 9, "no address", "");
	kit_mistake("listen: 1.2.3.4:70000\n", 1, 9, "no address", "");
	kit_mistake("listen: \"${env:X}\"\n", 1, 9, "no ${...} here", "");
	kit_mistake("admin: { listen: \"0.0.0.0:1\" }\n", 1, 18, "needs a token", "");
	kit_mistake("store: postgres://x\n", 1, 8, "not yet", "");
	kit_mistake("listen: 8180\n", 1, 9, "no address", "like 127.0.0.1:8180");
	kit_mistake("listen: ':8180'\n", 1, 9, "no address", "like 127.0.0.1:8180");
	kit_mistake("limits: { body: 64MiB }\n", 1, 17, "between 1KiB and 32MiB", "");
	kit_mistake("limits: { memory: 1MiB }\n", 1, 19, "at least 16MiB", "");
	kit_mistake("schedules: { a: { cron: '0 0 30 2 *' } }\n", 1, 25, "never happens", "");
	kit_mistake("hooks: { a: { verify: github, secret: '${file:/no/where}' } }\n", 1, 39,
		    "the file /no/where can't be read: No such file or directory", "");
	kit_mistake("connections: { c: { connector: http, base_url: 'http://a.b', rate: 5 } }\n", 1,
		    68, "must be a map", "rate: { per_second: 5 }");
	kit_mistake("connections: { c: { connector: http, base_url: 'http://a.b',\n"
		    "  rate: { per_second: 0 } } }\n",
		    2, 23, "above 0", "");
	kit_mistake("vars: { channel: #ops, vip: 1 }\n", 1, 18, "for a comment", "\"#ops\"");
	kit_mistake("rules: [nothing/]\n", 1, 9, "no file or folder", "relative");
	kit_mistake("vars: { a: \"${env:X}\" }\n", 1, 12, "no ${...} here", "");
	kit_mistake("vars: 5\n", 1, 7, "must be a map", "");
	kit_mistake("retention: { events: 5 }\n", 1, 22, "duration", "5m");
	kit_mistake("limits: { body: 1GiB }\n", 1, 17, "between", "");
	kit_mistake("limits: { body: 1 pound }\n", 1, 17, "size", "MiB");
	kit_mistake("reload: wach\n", 1, 9, "\"wach\"", "\"watch\"");
}
END_TEST

START_TEST(connection_mistakes)
{
	kit_mistake("connections: { A: { connector: slack } }\n", 1, 16, "no name",
		    "small letters");
	kit_mistake("connections: { a: { connector: slak } }\n", 1, 32, "no connector",
		    "\"slack\"");
	kit_mistake("connections: { a: {} }\n", 1, 19, "\"connector\" is missing", "");
	kit_mistake("connections: { a: { conector: slack } }\n", 1, 21, "no key \"conector\"",
		    "\"connector\"");
	kit_mistake("connections: { a: { connector: slack } }\n", 1, 19,
		    "\"webhook_url\" is missing", "");
	kit_mistake(
	    "connections: { a: { connector: slack, token: '${env:A}', webhook_url: '${env:B}' } "
	    "}\n",
	    1, 46, "can't be given together", "two connections");
	kit_mistake("connections: { a: { connector: kantata, tokn: x } }\n", 1, 41, "\"tokn\"",
		    "\"token\"");
	kit_mistake("connections: { a: { connector: kantata, token: x, base_url: ftp://a } }\n", 1,
		    61, "no URL", "https");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x, poll: { workspace: {} } } }\n", 1,
	    59, "nothing to poll", "\"workspaces\"");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x, poll: { workspaces: { evry: 1s "
	    "} } } }\n",
	    1, 73, "\"evry\"", "\"every\"");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x, poll: { workspaces: { hints: x "
	    "} } } }\n",
	    1, 80, "\"x\"", "subscribed_events");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x, poll: { subscribed_events: { "
	    "hints: subscribed_events } } } }\n",
	    1, 87, "nothing gives hints about subscribed_events", "");
	kit_mistake(
	    "connections: { a: { connector: hindsite, base_url: 'http://h', client_id: a, "
	    "client_secret: b, webhook: { secret: s }, poll: { webhook_deliveries: { hints: x "
	    "} } } "
	    "}\n",
	    1, 157, "nothing gives hints", "");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x, webhook: { secret: y } } }\n", 1, 60,
	    "sends no webhooks", "");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x, rate: { per_second: -1 } } }\n", 1,
	    71, "number", "");
	kit_mistake("connections: { a: { connector: kantata, token: \"${vault:x}\" } }\n", 1, 48,
		    "can't be used", "credential");
}
END_TEST

#define MAIL "connections:\n  a:\n    connector: email\n    from: t@x.com\n"

START_TEST(mail_mistakes)
{
	static const struct {
		const char *text;
		int line, column;
		const char *what, *hint;
	} cases[] = {
		{ MAIL "    url: https://x.com\n", 5, 10, "this is no mail server", "smtp://" },
		{ MAIL "    url: smtp://me:secret@x.com\n", 5, 10, "this is no host with a port",
		  "login" },
		{ MAIL "    url: smtp://x.com:0\n", 5, 10, "this is no host with a port", "PORT" },
		{ MAIL "    url: smtp://x.com/a\n", 5, 10, "this is no host with a port", "" },
		{ MAIL "    url: smtp://x.com?a\n", 5, 10, "this is no host with a port", "" },
		{ MAIL "    url: \"smtp://[::1\"\n", 5, 10, "this is no host with a port", "" },
		{ MAIL "    username: x\n    password: y\n", 3, 5, "\"url\" is missing",
		  "smtp://" },
		{ MAIL "    url: smtp://x.com\n    username: x\n", 6, 15, "\"password\" is missing",
		  "both" },
		{ MAIL "    url: smtp://x.com\n    tls: none\n    username: x\n    password: y\n",
		  8, 15, "anybody on the way could read the password", "leave tls away" },
		{ MAIL "    url: smtps://x.com\n    tls: starttls\n", 6, 10,
		  "\"tls\" contradicts \"url\"", "smtps:// is implicit" },
		{ MAIL "    url: smtp://x.com\n    tls: implicit\n", 6, 10,
		  "\"tls\" contradicts \"url\"", "smtps:// is implicit" },
		{ MAIL "    url: smtp://x.com\n    hello: a b\n", 6, 12, "this is no host name",
		  "" },
		{ MAIL "    url: smtp://x.com\n    reply_to: a b\n", 6, 15,
		  "this is no mail address: it has no @", "ann@example.com" },
		{ MAIL "    url: smtp://x.com\n    ca_file: nowhere.pem\n", 6, 14, "nowhere.pem",
		  "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		kit_mistake(cases[i].text, cases[i].line, cases[i].column, cases[i].what,
			    cases[i].hint);
}
END_TEST

static void check_mail(const char *line, const char *url, enum mail_security security, bool private)
{
	char text[300];
	const struct connection *c;
	struct kit k;

	kit_init(&k);
	setenv("MAIL_HOST", "smtp://other.example.com", 1);
	(void)snprintf(text, sizeof(text), "%s    %s\n", MAIL, line);
	kit_config(&k, text);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	c = config_connection(k.config, TEXT("a"));
	ck_assert_msg(text_is(c->base_url, url), "%.*s", TEXT_ARG(c->base_url));
	ck_assert_int_eq(c->security, security);
	ck_assert_int_eq(c->allow_private, private);
	ck_assert(text_is(c->hello, "x.com"));
	ck_assert_int_eq(c->timeout, 120000);
	ck_assert_ptr_null(c->password);
	kit_fini(&k);
}

START_TEST(mail_servers)
{
	check_mail("url: smtp://a.b", "smtp://a.b:587", MAIL_STARTTLS, true);
	check_mail("url: smtp://a.b/", "smtp://a.b:587", MAIL_STARTTLS, true);
	check_mail("url: smtps://a.b", "smtps://a.b:465", MAIL_IMPLICIT, true);
	check_mail("url: smtps://a.b:2525", "smtps://a.b:2525", MAIL_IMPLICIT, true);
	check_mail("url: \"smtp://[::1]:25\"", "smtp://[::1]:25", MAIL_STARTTLS, true);
	check_mail("url: \"smtp://a.b:25\"\n    tls: none", "smtp://a.b:25", MAIL_PLAIN, true);
	check_mail("url: \"${env:MAIL_HOST}\"", "smtp://other.example.com:587", MAIL_STARTTLS,
		   false);
}
END_TEST

START_TEST(hook_mistakes)
{
	kit_mistake("hooks: { a: { secret: x } }\n", 1, 13, "\"verify\" is missing", "none");
	kit_mistake("hooks: { a: { verify: stripe } }\n", 1, 13, "\"secret\" is missing", "");
	kit_mistake("hooks: { a: { verify: github, secret: x, tolerance: 1m } }\n", 1, 42,
		    "has no \"tolerance\"", "standard-webhooks, hmac, stripe, slack");
	kit_mistake("hooks: { a: { verify: basic, secret: x } }\n", 1, 13, "\"user\" is missing",
		    "");
	kit_mistake("hooks: { a: { verify: basic, user: 'a:b', secret: x } }\n", 1, 36, "no colon",
		    "");
	kit_mistake("hooks: { a: { verify: slack, secret: x, handshake: {} } }\n", 1, 52,
		    "\"origins\" is missing", "");
	kit_mistake("hooks: { a: { verify: none, handshake: { origins: 'a b' } } }\n", 1, 51,
		    "no name of a sender", "");
	kit_mistake("hooks: { a: { verify: none, handshake: { origins: '*', rate: 0 } } }\n", 1, 62,
		    "between 1", "");
	kit_mistake("hooks: { a: { verify: githb } }\n", 1, 23, "\"githb\"", "\"github\"");
	kit_mistake("hooks: { a: { verify: none, keep_body: 1 } }\n", 1, 40, "true or false", "");
	kit_mistake("hooks: { a: { verify: none, redact: [email] } }\n", 1, 38,
		    "part of the event's data", "data.customer.email");
	kit_mistake("hooks: { a: { verify: none, redact: data..email } }\n", 1, 37, "single dots",
		    "");
	kit_mistake("hooks: { a: { verify: none, redact: [data.a], keep_body: true } }\n", 1, 58,
		    "what redact leaves out", "leave it away");
	kit_mistake("hooks: { a: { verify: none, silent_after: 2 } }\n", 1, 43, "a duration", "2h");
	kit_mistake("hooks: { a: { verify: none, silent_after: 10ms } }\n", 1, 43, "at least 1s",
		    "");
	kit_mistake("connections:\n  a: { connector: kantata, token: x,\n"
		    "    poll: { workspaces: { every: 5m, silent_after: 300s } } }\n",
		    3, 52, "longer than every (5m, line 3 of ", "several times");
	kit_mistake("hooks: { a: { verify: github } }\n", 1, 13, "\"secret\" is missing", "");
	kit_mistake("hooks: { a: { verify: hmac, secret: x } }\n", 1, 13, "\"header\" is missing",
		    "");
	kit_mistake("hooks: { a: { verify: standard-webhooks, secret: [AAAA, 'whsec_!'] } }\n", 1,
		    57, "not base64", "copy it whole");
	kit_mistake(
	    "hooks: { a: { verify: hmac, header: H, secret: xyz, secret_encoding: hex } }\n", 1, 48,
	    "not hex", "copy it whole");
	kit_mistake("hooks: { a: { verify: github, secret: x, header: y } }\n", 1, 42,
		    "has no \"header\"", "hmac");
	kit_mistake("hooks: { a: { verify: none, secret: x } }\n", 1, 37, "no secret", "");
	kit_mistake("hooks: { a: { verify: none, id_header: \"a b\" } }\n", 1, 40,
		    "no name of a header", "");
	kit_mistake("hooks: { a: { verify: none, dedupe: { by: bdy } } }\n", 1, 43, "\"bdy\"",
		    "\"body\"");
	kit_mistake(
	    "connections: { a: { connector: kantata, token: x } }\nhooks: { a: { verify: none "
	    "} }\n",
	    2, 10, "taken by the connection on line 1", "namespace");
	kit_mistake("schedules: { a: { cron: \"61 * * * *\" } }\n", 1, 25, "no minute", "");
	kit_mistake("schedules: { a: { cron: \"* * * * *\", timezone: Europe/Berln } }\n", 1, 48,
		    "no time zone", "Europe/Berlin");
	kit_mistake("schedules: { a: { cron: \"* * * * *\", missed: al } }\n", 1, 46, "\"al\"",
		    "all");
}
END_TEST

/* What `signed` may say; columns are those of its text. */
START_TEST(signed_mistakes)
{
	static const struct {
		const char *options, *what;
	} wrong[] = {
		{ "signed: '{timestamp}.{body}'", "nothing tells {timestamp}" },
		{ "signed: '{id}.{body}'", "nothing tells {id}" },
		{ "signed: 'v0:'", "the body isn't signed" },
		{ "signed: '{bdy}'", "no such value" },
		{ "signed: '{body}{body}'", "nothing separates" },
		{ "signed: '{body}.{body}'", "signed twice" },
		{ "signed: '{body}.{id}', id_header: I", "after the body" },
		{ "signed: '{body}', timestamp_header: T", "proves nothing" },
		{ "signed: '{timestamp}{body}', timestamp_header: T", "nothing separates" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[300];

		snprintf(text, sizeof(text),
			 "hooks:\n  a: { verify: hmac, secret: x, header: H,\n    %s }\n",
			 wrong[i].options);
		kit_mistake(text, 3, 13, wrong[i].what, "");
	}
	kit_mistake("hooks: { a: { verify: hmac, secret: x, header: H, tolerance: 1m } }\n", 1, 62,
		    "nothing tells when", "timestamp_header");
}
END_TEST

START_TEST(any_webhook)
{
	struct kit k;
	const struct hook_config *hook;

	kit_init(&k);
	kit_config(&k,
		   "hooks:\n  a: { verify: hmac, secret: AAAA, header: H, timestamp_header: T,\n"
		   "       id_header: I, signed: 'v1:{id}:{timestamp}:{body}',\n"
		   "       secret_encoding: base64 }\n"
		   "  b: { verify: slack, secret: x }\n"
		   "  c: { verify: basic, user: u, secret: [x, y] }\n"
		   "  d: { verify: stripe, secret: x, tolerance: 1m,\n"
		   "       handshake: { origins: [a.example, b.example], rate: 60 } }\n"
		   "  e: { verify: hindsite, secret: x, keep_body: false }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	hook = config_hook(k.config, TEXT("a"));
	ck_assert_uint_eq(hook->signed_count, 6);
	ck_assert(text_is(hook->signed_parts[0].text, "v1:"));
	ck_assert_int_eq(hook->signed_parts[3].kind, SIGNED_TIMESTAMP);
	ck_assert_int_eq(hook->key_form, KEY_BASE64);
	hook = config_hook(k.config, TEXT("b"));
	ck_assert(hook->verify == VERIFY_SLACK && hook->tolerance == 300000);
	ck_assert(hook->dedupe_by_body && !hook->drop_body);
	hook = config_hook(k.config, TEXT("c"));
	ck_assert(hook->verify == VERIFY_BASIC && text_is(hook->user, "u"));
	hook = config_hook(k.config, TEXT("d"));
	ck_assert(hook->verify == VERIFY_STRIPE && hook->tolerance == 60000);
	ck_assert_uint_eq(hook->origin_count, 2);
	ck_assert_int_eq(hook->allowed_rate, 60);
	hook = config_hook(k.config, TEXT("e"));
	ck_assert(hook->dedupe_by_body && hook->drop_body);
	kit_fini(&k);
}
END_TEST

START_TEST(hmac_hook)
{
	struct kit k;
	const struct hook_config *hook;

	kit_init(&k);
	kit_config(&k, "hooks:\n  a: { verify: hmac, secret: x, header: X-Sig, algorithm: sha512,\n"
		       "       encoding: base64, prefix: \"v1=\", timestamp_header: X-Time,\n"
		       "       tolerance: 1m, dedupe: { by: body, within: 10m } }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	hook = config_hook(k.config, TEXT("a"));
	ck_assert_ptr_nonnull(hook);
	ck_assert(hook->sha512 && hook->base64 && !hook->sha1);
	ck_assert_str_eq(hook->prefix, "v1=");
	ck_assert_str_eq(hook->timestamp_header, "X-Time");
	ck_assert_int_eq(hook->tolerance, 60000);
	ck_assert_int_eq(hook->dedupe_within, 600000);
	kit_fini(&k);
}
END_TEST

START_TEST(a_file_that_is_not_there)
{
	struct diags *diags = diags_new();

	ck_assert_ptr_null(config_load("/nowhere/tappet.yaml", CONFIG_SECRETS_NEEDED, diags));
	ck_assert_uint_eq(diags_errors(diags), 1);
	diags_free(diags);
}
END_TEST

/* The same text, its one poll as given. */
static void poll_mistake(const char *poll, int column, const char *what, const char *hint)
{
	char text[300];

	(void)snprintf(text, sizeof(text),
		       "connections: { a: { connector: http, base_url: https://h.example,\n"
		       "  poll: { %s } } }\n",
		       poll);
	kit_mistake(text, 2, column, what, hint);
}

START_TEST(list_mistakes)
{
	poll_mistake("Rows: { path: /a }", 11, "no name for a poll", "a-z");
	poll_mistake("rows: {}", 17, "\"path\" is missing", "beneath base_url");
	poll_mistake("rows: 7", 17, "must be a map", "");
	poll_mistake("rows: { path: 7 }", 25, "wrong type", "");
	poll_mistake("rows: { path: a }", 25, "begins with /", "/tickets");
	poll_mistake("rows: { path: '/${env:A}' }", 25, "no ${...} here", "");
	poll_mistake("rows: { path: /a, query: { t: '${env:A}' } }", 41, "no ${...} here", "");
	poll_mistake("rows: { path: /a, itmes: b }", 29, "\"itmes\"", "\"items\"");
	poll_mistake("rows: { path: /a, fields: auto }", 29, "\"fields\"", "");
	poll_mistake("rows: { path: /a, every: 1 }", 36, "", "");
	poll_mistake("rows: { path: /a, page: { by: pages } }", 41, "not possible", "cursor");
	poll_mistake("rows: { path: /a, page: {} }", 35, "\"by\" is missing", "");
	poll_mistake("rows: { path: /a, page: { by: link, sise: 1 } }", 47, "\"sise\"", "\"size\"");
	poll_mistake("rows: { path: /a, page: { by: cursor } }", 35, "next is missing", "");
	poll_mistake("rows: { path: /a, page: { by: link, size: 0 } }", 53, "1 to 100000", "Rows");
	poll_mistake("rows: { path: /a, headers: { Host: b } }", 38, "header Host", "");
}
END_TEST

START_TEST(lists_of_any_api)
{
	struct kit k;
	const struct connection *c;
	const struct resource *r;

	kit_init(&k);
	kit_config(
	    &k, "connections:\n  a: { connector: http, base_url: https://h.example,\n"
		"       poll: { rows: { path: /a, ignore: [x, y.z], every: 1m, baseline: emit },\n"
		"               more: { path: /b } } }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	c = config_connection(k.config, TEXT("a"));
	ck_assert_uint_eq(c->poll_count, 2);
	r = c->polls[0].resource;
	ck_assert_str_eq(r->kind->name, "http.a.rows");
	ck_assert_str_eq(c->polls[1].resource->kind->name, "http.a.more");
	ck_assert_str_eq(r->kind->ignored[1], "y.z");
	ck_assert_ptr_null(r->kind->ignored[2]);
	ck_assert(text_is(c->polls[0].source, "a/rows") && c->polls[0].baseline_emits);
	ck_assert_int_eq(c->polls[0].every, 60000);
	ck_assert_int_eq(c->polls[1].every, 300000);
	ck_assert_ptr_nonnull(value_get(c->polls[0].settings, TEXT("path")));
	kit_fini(&k);
}
END_TEST

/* ---- Several files. ---- */

struct overlaid {
	struct kit_file files[2];
	const char *paths[2];
};

static struct config *overlay(struct kit *k, struct overlaid *o, const char *base, const char *over)
{
	kit_write(&o->files[0], "base.yaml", base);
	kit_write(&o->files[1], "over.yaml", over);
	o->paths[0] = o->files[0].path;
	o->paths[1] = o->files[1].path;
	config_free(k->config);
	k->config = config_load_all(o->paths, 2, CONFIG_SECRETS_OPTIONAL, k->diags);
	return k->config;
}

static void overlay_remove(struct overlaid *o)
{
	kit_remove(&o->files[0]);
	kit_remove(&o->files[1]);
}

START_TEST(later_files_win)
{
	struct overlaid o;
	struct kit k;
	const struct config *c;

	kit_init(&k);
	c = overlay(&k, &o,
		    "listen: 127.0.0.1:1\n"
		    "vars: { a: 1, b: 2, m: { x: 1, y: 2 }, gone: 1 }\n"
		    "hooks: { one: { verify: none }, two: { verify: none } }\n",
		    "listen: 127.0.0.1:2\n"
		    "vars: { b: 3, m: { y: 5 }, gone: null, fresh: x }\n"
		    "hooks: { two: { verify: bearer, secret: s }, three: { verify: none } }\n"
		    "store: sqlite:here.db\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert(text_is(c->listen, "127.0.0.1:2"));
	ck_assert_int_eq(value_get(c->vars, TEXT("b"))->i, 3);
	ck_assert_int_eq(value_get(*value_get(c->vars, TEXT("m")), TEXT("x"))->i, 1);
	ck_assert_int_eq(value_get(*value_get(c->vars, TEXT("m")), TEXT("y"))->i, 5);
	ck_assert_ptr_null(value_get(c->vars, TEXT("gone")));
	ck_assert_ptr_nonnull(value_get(c->vars, TEXT("fresh")));
	ck_assert_uint_eq(c->hook_count, 3);
	ck_assert_int_eq(config_hook(c, TEXT("two"))->verify, VERIFY_BEARER);
	/* Relative to the file that says so; what nobody says, to the first. */
	ck_assert(text_find(c->store, text_of(o.files[1].folder)) != SIZE_MAX);
	ck_assert(text_find(c->admin, text_of(o.files[0].folder)) != SIZE_MAX);
	ck_assert_str_eq(config_hook(c, TEXT("three"))->at.file, o.paths[1]);
	ck_assert_str_eq(config_hook(c, TEXT("one"))->at.file, o.paths[0]);
	overlay_remove(&o);
	kit_fini(&k);
}
END_TEST

START_TEST(overlays_that_do_not_fit)
{
	struct overlaid o;
	struct kit k;

	kit_init(&k);
	(void)overlay(&k, &o, "vars: { a: 1, l: [1], m: {} }\nhooks: { one: { verify: none } }\n",
		      "vars: { a: \"1\", l: 5, m: [1] }\nhooks: []\nnope: 1\n");
	kit_expect(k.diags, 1, 12, "\"a\" is a text here, but a whole number in", "");
	kit_expect(k.diags, 1, 20, "\"l\" is a whole number here, but a list", "");
	kit_expect(k.diags, 1, 26, "\"m\" is a list", "");
	kit_expect(k.diags, 2, 8, "\"hooks\" is a list", "");
	kit_expect(k.diags, 3, 1, "no key \"nope\"", "");
	ck_assert_uint_eq(diags_errors(k.diags), 5);
	overlay_remove(&o);
	kit_fini(&k);
}
END_TEST

START_TEST(what_they_come_to)
{
	struct overlaid o;
	struct kit k;
	struct buf b;

	kit_init(&k);
	(void)overlay(&k, &o,
		      "connections:\n"
		      "  crm: { connector: http, base_url: \"https://u:pw@x.example/\", bearer: "
		      "\"abc${env:NOPE}def\" }\n"
		      "  odd: { connector: http, base_url: \"https://u:p@s3cret@y.example\" }\n"
		      "  slack: { connector: slack, webhook_url: https://hooks.example/s3cret }\n",
		      "vars: { a: \"x: y\", n: 5 }\n");
	buf_init(&b, MIB);
	ck_assert(config_effective(o.paths, 2, k.diags, &b));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "base_url: \"https://***@x.example/\"  # "));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "base_url: \"https://***@y.example\"  # "));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "bearer: \"***${env:NOPE}***\""));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "webhook_url: \"***\""));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "a: \"x: y\"  # "));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "over.yaml:1"));
	ck_assert_ptr_null(strstr(buf_cstr(&b), "s3cret"));
	buf_fini(&b);
	overlay_remove(&o);
	kit_fini(&k);
}
END_TEST

START_TEST(no_user_in_a_base_url)
{
	struct kit k;
	struct buf b;

	kit_init(&k);
	kit_config(&k,
		   "connections:\n"
		   "  crm: { connector: http, base_url: \"https://kim:psst@x.example/api\" }\n");
	kit_expect(k.diags, 2, 37, "a URL holds no user and password", "basic: { user");
	buf_init(&b, MIB);
	diags_print(k.diags, &b, false);
	ck_assert_ptr_null(strstr(buf_cstr(&b), "psst"));
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

START_TEST(secrets_are_not_quoted)
{
	struct kit k;
	struct buf b;

	kit_init(&k);
	kit_config(&k, "connections:\n"
		       "  slack: { connector: slack, webhook_url: "
		       "'https://x/h\u00fcsh${env:NOPE}psst', nope: 1 }\n"
		       "  crm: { connector: http, bearer: topsecret, odd: 1 }\n");
	buf_init(&b, MIB);
	diags_print(k.diags, &b, false);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "has no key \"odd\""));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "bearer: *********, odd: 1 }"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "${env:NOPE}****'"));
	ck_assert_ptr_null(strstr(buf_cstr(&b), "topsecret"));
	ck_assert_ptr_null(strstr(buf_cstr(&b), "psst"));
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_config", later_files_win, overlays_that_do_not_fit, what_they_come_to,
	  secrets_are_not_quoted, no_user_in_a_base_url, documented_example,
	  missed_webhooks_need_a_webhook, settings_with_parts, defaults, bare, secrets,
	  a_missing_secret_is_an_error_at_run, top_level_mistakes, connection_mistakes,
	  mail_mistakes, mail_servers, hook_mistakes, signed_mistakes, any_webhook, hmac_hook,
	  list_mistakes, lists_of_any_api, a_file_that_is_not_there)
