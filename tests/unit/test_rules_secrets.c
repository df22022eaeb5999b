/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets that rules name: where they may stand, and that only their names do. */
#include "engine/rules/load.h"
#include "engine/rules/render.h"
#include "tests/unit/test_rules_kit.h"

#define CONFIG                                                                                     \
	"secrets: { crm: \"${env:TAPPET_TEST_CRM}\", spare: \"${env:TAPPET_TEST_SPARE}\" }\n"      \
	"connections: { api: { connector: http, base_url: https://a.example } }\n"                 \
	"hooks: { x: { verify: none } }\n"

static void begin(struct kit *k, const char *config)
{
	ck_assert_int_eq(setenv("TAPPET_TEST_CRM", "hush-hush", 1), 0);
	ck_assert_int_eq(setenv("TAPPET_TEST_SPARE", "more-hush", 1), 0);
	kit_init(k);
	kit_config(k, config);
	if (diags_errors(k->diags) > 0)
		kit_show(k->diags);
	ck_assert_uint_eq(diags_errors(k->diags), 0);
}

#define RULE(rest) "rules:\n  - id: a\n    on: hook.x\n" rest

/* A mistake of the fourth line or the one below. */
static void wrong(const char *rules, int line, int column, const char *what, const char *hint)
{
	struct kit k;

	begin(&k, CONFIG);
	kit_load(&k, rules);
	kit_expect(k.diags, line, column, what, hint);
	kit_fini(&k);
}

static void refused(const char *step, int column, const char *what, const char *hint)
{
	struct buf b;

	buf_init(&b, 64 * KIB);
	buf_printf(&b, RULE("    do:\n      - %s\n"), step);
	wrong(buf_cstr(&b), 5, column, what, hint);
	buf_fini(&b);
}

START_TEST(declared_secrets)
{
	struct kit k;
	const struct declared_secret *found;

	begin(&k, CONFIG);
	found = config_declared(k.config, TEXT("crm"));
	ck_assert_ptr_nonnull(found);
	ck_assert(text_is(secret_reveal(found->secret), "hush-hush"));
	ck_assert_ptr_null(config_declared(k.config, TEXT("cr")));
	ck_assert_ptr_null(config_declared(k.config, TEXT("crm2")));
	ck_assert_uint_eq(k.config->secret_count, 2);
	kit_fini(&k);
	/* Checked without them: a warning, and rules may name it. */
	ck_assert_int_eq(unsetenv("TAPPET_TEST_CRM"), 0);
	kit_init(&k);
	kit_config(&k, CONFIG);
	kit_expect(k.diags, 1, 17, "the environment variable TAPPET_TEST_CRM is not set", "");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert_ptr_nonnull(config_declared(k.config, TEXT("crm")));
	kit_fini(&k);
}
END_TEST

START_TEST(what_a_header_cannot_carry)
{
	struct kit k;

	ck_assert_int_eq(setenv("TAPPET_TEST_LINES", "one\r\nX-Other: two", 1), 0);
	kit_init(&k);
	kit_config(&k, "secrets: { lines: \"${env:TAPPET_TEST_LINES}\" }\n");
	kit_expect(k.diags, 1, 19, "can't be sent in a header", "one line");
	kit_fini(&k);
}
END_TEST

START_TEST(no_expression_reads_one)
{
	static const char *const readers[] = {
		"secrets.crm == data.token",       "'hush' in secrets",
		"size(secrets.crm) > 3",           "has(secrets.crm)",
		"secrets['crm'].startsWith('a')",  "data.x || string(secrets) == ''",
		"[secrets.crm].exists(s, s != 1)", "type(secrets.crm) == string",
	};

	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		struct buf b;

		buf_init(&b, 4 * KIB);
		buf_printf(&b, RULE("    when: \"%s\"\n"), readers[i]);
		wrong(buf_cstr(&b), 4, 0, "secret", "alone, where a secret is taken");
		buf_fini(&b);
	}
	wrong(RULE("    define: { s: secrets.crm }\n"), 4, 26, "secrets.crm is a secret", "alone");
	wrong(RULE("    key: secrets.crm\n"), 4, 18, "secrets.crm is a secret", "alone");
	wrong(RULE("    live_when: secrets.crm == '1'\n"), 4, 24, "is a secret", "alone");
	wrong(RULE("    lane: \"${secrets.crm}\"\n"), 4, 0, "secrets.crm is a secret", "alone");
	wrong(RULE("    define: { secrets: data.x }\n"), 4, 15, "is taken", "");
	refused("{ log.write: { text: \"it is ${secrets.crm}\" } }", 47, "is a secret", "alone");
	refused("{ http.request: { url: /a, headers: { X-Key: \"${secrets.crm}\" } } }", 0,
		"is a secret", "alone");
	refused("{ http.request: { url: \"/a?k=${secrets.crm}\" } }", 0, "is a secret", "alone");
	refused("{ log.write: { text: a }, if: \"secrets.crm != ''\" }", 0, "is a secret", "alone");
}
END_TEST

START_TEST(only_declared_ones_are_taken)
{
	refused("{ http.request: { url: /a, auth: { bearer: \"${secrets.crn}\" } } }", 52,
		"there is no secrets.crn", "\"crm\"");
	refused("{ http.request: { url: /a, auth: { bearer: \"${secrets.other}\" } } }", 52,
		"there is no secrets.other", "add it under secrets in tappet.yaml");
	refused("{ http.request: { url: /a, auth: { bearer: hush } } }", 52,
		"takes a declared secret", "\"${secrets.NAME}\"");
	refused("{ http.request: { url: /a, auth: { bearer: \"${vars.crm}\" } } }", 52,
		"takes a declared secret", "\"${secrets.NAME}\"");
	refused("{ http.request: { url: /a, auth: { bearer: \"x ${secrets.crm}\" } } }", 52,
		"and nothing beside it", "\"${secrets.NAME}\"");
	refused("{ http.request: { url: /a, auth: { bearer: { a: 1 } } } }", 52,
		"takes a declared secret", "\"${secrets.NAME}\"");
	refused("{ http.request: { url: /a, auth: \"${data.auth}\" } }", 42,
		"can't come from elsewhere", "write its members here");
	refused("{ http.request: { url: /a, auth: { basic: \"${data.auth}\" } } }", 51,
		"can't come from elsewhere", "write its members here");
	refused("{ http.request: { url: /a, auth: {} } }", 42, "takes one of its members, not 0",
		"");
	refused("{ http.request: { url: /a, auth: { basic: { user: a } } } }", 0, "\"password\"",
		"");
	refused("{ http.request: { url: /a, auth: { bearer: \"${secrets.crm}\", "
		"header: { name: X-A, value: \"${secrets.crm}\" } } } }",
		42, "takes one of its members, not 2", "");
}
END_TEST

/* What is refused isn't shown: it may be the secret. */
START_TEST(a_written_one_is_hidden)
{
	struct kit k;
	struct buf b;

	begin(&k, CONFIG);
	kit_load(&k,
		 RULE("    do:\n      - { http.request: { url: /a, auth: { bearer: hush } } }\n"));
	buf_init(&b, MIB);
	diags_print(k.diags, &b, false);
	ck_assert_ptr_null(strstr(buf_cstr(&b), "hush"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "***"));
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

START_TEST(not_to_where_an_event_says)
{
	struct kit k;

	begin(&k, "secrets: { crm: \"${env:TAPPET_TEST_CRM}\" }\nhooks: { x: { verify: none } }\n");
	kit_load(&k, RULE("    do:\n      - http.request: { url: \"${raw(data.to)}\", "
			  "auth: { bearer: \"${secrets.crm}\" } }\n"));
	kit_expect(k.diags, 5, 55, "isn't sent to a host that the rule doesn't name", "via");
	kit_fini(&k);
	begin(&k, "secrets: { crm: \"${env:TAPPET_TEST_CRM}\" }\nhooks: { x: { verify: none } }\n");
	(void)kit_rule(
	    &k, RULE("    do:\n      - http.request: { url: \"https://b.example/${data.to}\","
		     " auth: { bearer: \"${secrets.crm}\" } }\n"));
	kit_fini(&k);
}
END_TEST

struct sent {
	struct request_auth auth[4];
	int count;
};

static void note(void *of, const struct rendered *rendered)
{
	struct sent *sent = of;

	ck_assert_int_eq(rendered->how, RENDER_SENT);
	sent->auth[sent->count++] = rendered->request.auth;
}

static void expect_auth(const struct request_auth *auth, const char *header, const char *prefix,
			const char *user, const char *secret)
{
	ck_assert(text_is(auth->header, header));
	ck_assert(text_is(auth->prefix, prefix));
	ck_assert(text_is(auth->user, user));
	ck_assert(text_is(auth->secret, secret));
}

#define STEPS                                                                                      \
	RULE("    do:\n"                                                                           \
	     "      - http.request: { url: /a, auth: { bearer: \"${ secrets.crm }\" } }\n"         \
	     "      - http.request: { url: /a, auth: { basic: { user: \"${data.who}\", password: " \
	     "\"${secrets.spare}\" } } }\n"                                                        \
	     "      - http.request: { url: /a, auth: { header: { name: X-Key, value: "             \
	     "\"${secrets.crm}\" } } }\n"                                                          \
	     "      - http.request: { url: /a, auth: null }\n")

START_TEST(requests_have_their_names)
{
	struct kit k;
	struct sent sent = { .count = 0 };
	const struct rule *rule;
	struct value params;
	struct scope *scope;
	struct text why;
	struct buf b;

	begin(&k, CONFIG);
	rule = kit_rule(&k, STEPS);
	scope = kit_event(&k, rule, "hook.x", "null", "{\"who\":\"${secrets.crm}\"}");
	const struct rendering rendering = {
		.config = k.config, .parser = k.parser, .scope = scope, .key = TEXT("7")
	};

	render_steps(&rendering, 0, note, &sent);
	ck_assert_int_eq(sent.count, 4);
	expect_auth(&sent.auth[0], "Authorization", "Bearer ", "", "crm");
	expect_auth(&sent.auth[1], "Authorization", "Basic ", "${secrets.crm}", "spare");
	expect_auth(&sent.auth[2], "X-Key", "", "", "crm");
	ck_assert_uint_eq(sent.auth[3].secret.n, 0);
	ck_assert_int_eq(step_params(scope, &rule->steps[0], &params, &why), FATE_OK);
	buf_init(&b, KIB);
	value_write(&b, params);
	ck_assert_str_eq(buf_cstr(&b), "{\"url\":\"/a\",\"auth\":{\"bearer\":\"${secrets.crm}\"}}");
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

/* A run goes on with the text it began with, whatever became of its secrets. */
START_TEST(a_revision_outlives_its_secret)
{
	struct kit k, after;
	struct ruleset *old;

	begin(&k, CONFIG);
	(void)kit_rule(&k, STEPS);
	begin(&after, "connections: { api: { connector: http, base_url: https://a.example } }\n"
		      "hooks: { x: { verify: none } }\n");
	old = ruleset_load_revision(after.config, TEXT("a"), ruleset_at(k.set, 0)->source,
				    after.diags);
	ck_assert_ptr_nonnull(old);
	ck_assert_uint_eq(diags_errors(after.diags), 0);
	ruleset_free(old);
	kit_fini(&after);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_secrets", declared_secrets, what_a_header_cannot_carry, no_expression_reads_one,
	  only_declared_ones_are_taken, a_written_one_is_hidden, not_to_where_an_event_says,
	  requests_have_their_names, a_revision_outlives_its_secret)
