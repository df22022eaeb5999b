/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_plugins - bus and plugins of tappet.yaml, and rules that use what plugins have. */
#include "engine/base/secret.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/rules/render.h"
#include "tests/unit/test_rules_kit.h"

#define RESERVE                                                                                    \
	"\"reserve\":{\"params\":{\"sku\":{\"type\":\"text\",\"required\":true,\"doc\":\"The "     \
	"article.\"},\"count\":{\"type\":\"int\"},\"address\":{\"type\":\"map\",\"members\":{"     \
	"\"city\":{\"type\":\"text\"}}}},\"timeout\":45000,\"after_doubt\":\"park\"}"
#define LOW "\"low\":{\"fields\":{\"sku\":{\"type\":\"text\"},\"left\":{\"type\":\"int\"}}}"

static const char manifest[] = "{\"actions\":{" RESERVE "},\"events\":{" LOW "}}";
static const char grown[] =
    "{\"actions\":{" RESERVE ",\"free\":{\"params\":{\"sku\":{"
    "\"type\":\"text\",\"required\":true}}}},\"events\":{" LOW ",\"out\":{}}}";
static const char shrunk[] = "{\"actions\":{\"other\":{}},\"events\":{}}";

/* Two plugins: one that is known, one that isn't. */
static void plugins(struct kit *k, const char *json)
{
	char words[MANIFEST_WORDS] = "";
	struct manifest *m;

	kit_init(k);
	kit_config(k, "plugins: { inventory: , later: }\n");
	ck_assert_uint_eq(diags_errors(k->diags), 0);
	if (json == NULL)
		return;
	m = manifest_read(TEXT("inventory"), text_of(json), words);
	ck_assert_msg(m != NULL, "%s", words);
	ck_assert(config_learn(k->config, TEXT("inventory"), m));
	ck_assert(config_learn(k->config, TEXT("nobody"), m));
	manifest_free(m);
}

/* ---- tappet.yaml ---- */

START_TEST(what_may_be_said)
{
	const struct plugin_config *p;
	struct kit k;
	char path[200];

	setenv("INVENTORY_TOKEN", "s3cret", 1);
	kit_init(&k);
	kit_config(&k, "bus: { sessions: \"ipc://a/b.sock\", events: \"tcp://10.0.0.5:7601\",\n"
		       "       key: \"${env:INVENTORY_TOKEN}\", trusted: keys }\n"
		       "plugins:\n"
		       "  inventory:\n"
		       "    command: [python3, inventory.py, 5, true]\n"
		       "    environment: { TZ: UTC, TOKEN: \"${env:INVENTORY_TOKEN}\", N: 5 }\n"
		       "    limits: { memory: 256MiB, files: 64 }\n"
		       "    concurrency: 8\n"
		       "  other: { command: ./run }\n"
		       "  plain:\n");
	ck_assert_uint_eq(diags_count(k.diags), 0);
	p = config_plugin(k.config, TEXT("inventory"));
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(p->at.line, 4);
	ck_assert_uint_eq(p->command_count, 4);
	ck_assert(text_is(p->command[0], "python3") && text_is(p->command[2], "5") &&
		  text_is(p->command[3], "true"));
	ck_assert_uint_eq(p->environment_count, 3);
	ck_assert(text_is(p->environment[1].name, "TOKEN"));
	ck_assert(text_is(secret_reveal(p->environment[1].value), "s3cret"));
	ck_assert(text_is(secret_reveal(p->environment[2].value), "5"));
	ck_assert(p->environment[0].open && !p->environment[1].open && p->environment[2].open);
	ck_assert(p->memory == 256 * MIB && p->files == 64 && p->concurrency == 8);
	ck_assert(!manifest_is_known(p->manifest) && !p->said);
	p = config_plugin(k.config, TEXT("other"));
	ck_assert(p->command_count == 1 && text_is(p->command[0], "./run"));
	ck_assert_uint_eq(config_plugin(k.config, TEXT("plain"))->command_count, 0);
	ck_assert_ptr_null(config_plugin(k.config, TEXT("none")));
	ck_assert(k.config->bus.wanted);
	snprintf(path, sizeof(path), "ipc://%.*s/a/b.sock", TEXT_ARG(k.config->directory));
	ck_assert(text_is(k.config->bus.sessions, path));
	ck_assert(text_is(k.config->bus.events, "tcp://10.0.0.5:7601"));
	ck_assert(text_is(secret_reveal(k.config->bus.key), "s3cret"));
	ck_assert(text_ends(k.config->bus.trusted, TEXT("/keys")));
	kit_fini(&k);
}
END_TEST

START_TEST(what_is_there_without_a_word)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, "vars: {}\n");
	ck_assert(!k.config->bus.wanted);
	ck_assert(text_ends(k.config->bus.sessions, TEXT("/tappet-plugins.sock")));
	ck_assert(text_ends(k.config->bus.events, TEXT("/tappet-events.sock")));
	ck_assert(text_ends(k.config->bus.trusted, TEXT("/plugin-keys")));
	ck_assert_ptr_null(k.config->bus.key);
	kit_config(&k, "bus:\n");
	ck_assert(k.config->bus.wanted);
	ck_assert_uint_eq(diags_count(k.diags), 0);
	kit_fini(&k);
}
END_TEST

START_TEST(mistakes_in_the_bus)
{
	kit_mistake("bus: 5\n", 1, 6, "map", "");
	kit_mistake("bus: { session: x }\n", 1, 8, "no key \"session\"", "\"sessions\"");
	kit_mistake("bus: { sessions: x }\n", 1, 18, "no address of a socket", "ipc://");
	kit_mistake("bus: { sessions: \"ipc://\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"ipc://@x\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"inproc://x\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"tcp://1.2.3.4\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"tcp://1.2.3.4:0\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"tcp://1.2.3.4:70000\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"tcp://:1\" }\n", 1, 18, "no address", "");
	kit_mistake("bus: { sessions: \"tcp://1.2.3.4:1\" }\n", 1, 18, "needs a key", "keygen");
	kit_mistake("bus: { events: \"tcp://1.2.3.4:1\" }\n", 1, 16, "needs a key", "");
	kit_mistake("bus: { sessions: \"ipc://a\", events: \"ipc://a\" }\n", 1, 37, "one address",
		    "");
	kit_mistake("bus: { key: plainly-written }\n", 1, 13, "a secret is written in the file",
		    "${env:NAME}");
	kit_mistake("bus: { trusted: \"${env:X}\" }\n", 1, 17, "no ${...} here", "");
	kit_mistake(
	    "bus: { sessions: \"ipc://0123456789012345678901234567890123456789012345678901234"
	    "5678901234567890123456789012345678901234567890123456789012345678901\" }\n",
	    1, 18, "at most 107 bytes", "shorter");
}
END_TEST

START_TEST(mistakes_in_plugins)
{
	kit_mistake("plugins: [a]\n", 1, 10, "plugins must be a map", "NAME");
	kit_mistake("plugins: { A: }\n", 1, 12, "no name for a plugin", "small letters");
	kit_mistake("plugins: { a-b: }\n", 1, 12, "no name for a plugin", "_, a letter");
	kit_mistake("plugins: { slack: }\n", 1, 12, "\"slack\" is built in", "rename");
	kit_mistake("plugins: { hook: }\n", 1, 12, "\"hook\" is built in", "");
	kit_mistake("plugins: { use: }\n", 1, 12, "\"use\" is built in", "");
	kit_mistake(
	    "connections: { a: { connector: http, base_url: 'http://x' } }\nplugins: { a: }\n", 2,
	    12, "taken by the connection on line 1", "one namespace");
	kit_mistake("hooks: { a: { verify: none } }\nplugins: { a: }\n", 2, 12,
		    "taken by the hook on line 1", "one namespace");
	kit_mistake("plugins: { a: 5 }\n", 1, 15, "map", "");
	kit_mistake("plugins: { a: { comand: x } }\n", 1, 17, "no key \"comand\"", "\"command\"");
	kit_mistake("plugins: { a: { command: [] } }\n", 1, 26, "the command is empty", "");
	kit_mistake("plugins: { a: { command: [\"\"] } }\n", 1, 26, "name is empty", "");
	kit_mistake("plugins: { a: { command: python3 x.py } }\n", 1, 26, "no shell runs this",
		    "list");
	kit_mistake("plugins: { a: { command: [x, \"${env:X}\"] } }\n", 1, 30, "no ${...} here",
		    "");
	kit_mistake("plugins: { a: { command: { x: y } } }\n", 1, 26, "text", "");
	kit_mistake("plugins: { a: { environment: { X: y } } }\n", 1, 30, "the engine starts",
		    "add command");
	kit_mistake("plugins: { a: { limits: { files: 20 } } }\n", 1, 25, "the engine starts", "");
	kit_mistake("plugins: { a: { command: x, environment: [A] } }\n", 1, 42, "must be a map",
		    "TZ");
	kit_mistake("plugins: { a: { command: x, environment: { 1A: y } } }\n", 1, 44,
		    "no name of a variable", "");
	kit_mistake("plugins: { a: { command: x, environment: { TAPPET_PLUGIN: y } } }\n", 1, 44,
		    "the engine's", "");
	kit_mistake("plugins: { a: { command: x, environment: { A: [y] } } }\n", 1, 47, "a text",
		    "");
	kit_mistake("plugins: { a: { command: x, limits: 5 } }\n", 1, 37, "must be a map",
		    "memory: 5");
	kit_mistake("plugins: { a: { command: x, limits: { files: 3 } } }\n", 1, 46, "between", "");
	kit_mistake("plugins: { a: { command: x, limits: { memory: 5 } } }\n", 1, 47,
		    "at least 1MiB", "");
	kit_mistake("plugins: { a: { concurrency: 0 } }\n", 1, 30, "between", "");
	kit_mistake("plugins: { a: { concurrency: 4097 } }\n", 1, 30, "between", "");
	kit_mistake("plugins: { a: { manifest: nowhere.json } }\n", 1, 27, "can't be read",
		    "relative");
}
END_TEST

START_TEST(no_more_than_so_many)
{
	struct buf b;

	buf_init(&b, MIB);
	buf_str(&b, "plugins:\n");
	for (int i = 0; i <= LIMIT_PLUGINS; i++)
		buf_printf(&b, "  p%d:\n", i);
	kit_mistake(buf_cstr(&b), LIMIT_PLUGINS + 2, 3, "more than 64 plugins", "");
	buf_fini(&b);
}
END_TEST

/* What is in the environment never shows, not even beside a mistake. */
START_TEST(environment_is_hidden)
{
	struct kit k;
	struct buf b;

	kit_init(&k);
	kit_config(&k, "plugins: { a: { command: x, nope: 1, environment: { A: hunter2 } } }\n");
	buf_init(&b, MIB);
	diags_print(k.diags, &b, false);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&b), "nope"));
	ck_assert_ptr_null(strstr(buf_cstr(&b), "hunter2"));
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

/* Files that are laid over each other. */
START_TEST(later_files_win)
{
	struct diags *diags = diags_new();
	struct kit_file base, over;
	const char *paths[2] = { base.path, over.path };
	const struct plugin_config *p;
	struct config *config;

	kit_write(&base, "tappet.yaml",
		  "plugins: { a: { command: [x, y], concurrency: 2 }, b: { concurrency: 3 } }\n");
	kit_write(&over, "more.yaml",
		  "plugins: { a: { concurrency: 7 }, b: ~, c: { command: z } }\n");
	config = config_load_all(paths, 2, CONFIG_SECRETS_OPTIONAL, diags);
	ck_assert_uint_eq(diags_errors(diags), 0);
	p = config_plugin(config, TEXT("a"));
	ck_assert(p != NULL && p->concurrency == 7 && p->command_count == 2);
	ck_assert_ptr_null(config_plugin(config, TEXT("b")));
	ck_assert_ptr_nonnull(config_plugin(config, TEXT("c")));
	config_free(config);
	kit_remove(&base);
	kit_remove(&over);
	diags_free(diags);
}
END_TEST

static struct config *with_file(struct diags *diags, const char *json)
{
	struct kit_file file, yaml;
	struct config *config;
	char text[300];

	kit_write(&file, "inventory.json", json);
	snprintf(text, sizeof(text), "plugins: { inventory: { manifest: %s } }\n", file.path);
	kit_write(&yaml, "tappet.yaml", text);
	config = config_load(yaml.path, CONFIG_SECRETS_OPTIONAL, diags);
	kit_remove(&file);
	kit_remove(&yaml);
	return config;
}

START_TEST(manifests_in_files)
{
	struct diags *diags = diags_new();
	struct config *config = with_file(diags, manifest);
	const struct plugin_config *p = config_plugin(config, TEXT("inventory"));

	ck_assert_uint_eq(diags_errors(diags), 0);
	ck_assert(manifest_is_known(p->manifest) && !p->said);
	ck_assert(text_ends(p->manifest_file, TEXT("/inventory.json")));
	ck_assert_ptr_nonnull(config_event(config, TEXT("plugin.inventory.low")));
	ck_assert_ptr_null(config_event(config, TEXT("plugin.inventory.high")));
	ck_assert_ptr_null(config_event(config, TEXT("plugin.other.low")));
	ck_assert_ptr_null(config_event(config, TEXT("plugin.")));
	ck_assert_ptr_null(config_event(config, TEXT("plugin")));
	ck_assert_ptr_nonnull(config_event(config, TEXT("kantata.workspace.updated")));
	config_free(config);
	config = with_file(diags, "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"x\"}}}}}");
	kit_expect(diags, 1, 0, "actions.a.params.p.type: there is no type \"x\"", "PROTOCOL.md");
	ck_assert_ptr_nonnull(config_plugin(config, TEXT("inventory")));
	config_free(config);
	diags_free(diags);
}
END_TEST

/* ---- Rules. ---- */

#define RULE(on, step) "rules:\n  - id: a\n    on: " on "\n    do:\n      - " step "\n"

START_TEST(actions_of_plugins)
{
	const struct rule *rule;
	struct kit k;

	plugins(&k, manifest);
	rule = kit_rule(&k, RULE("plugin.inventory.low",
				 "inventory.reserve: { sku: \"${data.sku}\", count: 2 }"));
	ck_assert_uint_eq(diags_count(k.diags), 0);
	ck_assert_str_eq(rule->steps[0].what, "inventory.reserve");
	ck_assert(rule->steps[0].plugin);
	ck_assert(text_is(rule->steps[0].connection, "inventory"));
	ck_assert_int_eq(rule->steps[0].timeout, 45000);
	ck_assert(rule->steps[0].after_doubt == DOUBT_PARK);
	rule = kit_rule(&k, RULE("plugin.inventory.low",
				 "inventory.reserve: { sku: x }\n        timeout: 5s\n"
				 "        after_doubt: repeat"));
	ck_assert_int_eq(rule->steps[0].timeout, 5000);
	ck_assert(rule->steps[0].after_doubt == DOUBT_REPEAT);
	kit_fini(&k);
}
END_TEST

static void rule_mistake(const char *json, const char *text, int line, int column, const char *what,
			 const char *hint)
{
	struct kit k;

	plugins(&k, json);
	kit_load(&k, text);
	ck_assert_uint_ge(diags_errors(k.diags), 1);
	kit_expect(k.diags, line, column, what, hint);
	kit_fini(&k);
}

START_TEST(what_a_plugin_has_not)
{
	rule_mistake(manifest, RULE("a.b", "inventory.resrve: { sku: x }"), 5, 9,
		     "the plugin inventory has no action \"resrve\"", "\"reserve\"");
	rule_mistake(manifest, RULE("a.b", "inventory.xyz: { sku: x }"), 5, 9, "no action \"xyz\"",
		     "it has: reserve");
	rule_mistake("{}", RULE("a.b", "inventory.reserve: { sku: x }"), 5, 9, "no action",
		     "no actions");
	rule_mistake(manifest, RULE("a.b", "inventory.reserve: { skku: x, sku: y }"), 5, 30,
		     "no parameter \"skku\"", "\"sku\"");
	rule_mistake(manifest, RULE("a.b", "inventory.reserve: { }"), 5, 28, "\"sku\" is missing",
		     "The article.");
	rule_mistake(manifest, RULE("a.b", "inventory.reserve:"), 5, 27, "\"sku\" is missing", "");
	rule_mistake(manifest, RULE("a.b", "inventory.reserve: { sku: x, count: many }"), 5, 45,
		     "\"count\" must be a whole number", "");
	rule_mistake(manifest, RULE("a.b", "inventory.reserve: { sku: x, address: { cty: y } }"), 5,
		     49, "no parameter \"cty\"", "\"city\"");
	rule_mistake(manifest, RULE("a.b", "inventory.reserve: { sku: x }\n        via: y"), 6, 14,
		     "goes to that plugin", "leave it out");
	rule_mistake(manifest,
		     RULE("a.b", "inventory.reserve: { sku: x }\n        after_doubt: "
				 "lookup"),
		     6, 22, "", "");
	rule_mistake(manifest, RULE("a.b", "inventry.reserve: { sku: x }"), 5, 9,
		     "there is no connector \"inventry\"", "\"inventory\"");
	rule_mistake(NULL, RULE("a.b", "later.Thing: {}"), 5, 9, "no name of an action", "");
	rule_mistake(
	    manifest,
	    "rules:\n  - id: a\n    on: a.b\n    lookup: { x: { inventory.reserve: { sku: x "
	    "} } }\n",
	    4, 20, "may change something", "");
}
END_TEST

START_TEST(events_of_plugins)
{
	rule_mistake(manifest, RULE("plugin.inventory.lw", "log.write: { text: x }"), 3, 9,
		     "no event \"plugin.inventory.lw\"", "\"plugin.inventory.low\"");
	rule_mistake(manifest, RULE("plugin.inventory.xyz", "log.write: { text: x }"), 3, 9,
		     "no event", "\"plugin.inventory.low\"");
	rule_mistake("{}", RULE("plugin.inventory.xyz", "log.write: { text: x }"), 3, 9, "no event",
		     "no events");
	rule_mistake(manifest, RULE("plugin.nobody.xyz", "log.write: { text: x }"), 3, 9,
		     "no event", "plugins in tappet.yaml: inventory, later");
	rule_mistake(manifest,
		     "rules:\n  - id: a\n    on: plugin.inventory.low\n    when: data.left < 'x'\n",
		     4, 0, "data.left is int", "");
}
END_TEST

static void warned(const char *text, int line, const char *what, const char *hint)
{
	struct kit k;

	plugins(&k, manifest);
	kit_load(&k, text);
	if (diags_errors(k.diags) > 0)
		kit_show(k.diags);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	if (what == NULL)
		ck_assert_uint_eq(diags_count(k.diags), 0);
	else
		kit_expect(k.diags, line, 0, what, hint);
	kit_fini(&k);
}

START_TEST(what_is_only_told)
{
	warned(RULE("a.b", "later.thing: { a: 1, b: [x] }"), 5, "the plugin later hasn't said yet",
	       "manifest");
	warned(RULE("plugin.later.thing", "log.write: { text: x }"), 3, "hasn't said yet", "");
	warned(RULE("plugin.inventory.*", "log.write: { text: \"${data.left}\" }"), 0, NULL, NULL);
	warned(RULE("plugin.*.low", "log.write: { text: x }"), 0, NULL, NULL);
	warned(RULE("plugin.**", "log.write: { text: x }"), 0, NULL, NULL);
	warned(RULE("plugin.later.*", "log.write: { text: x }"), 0, NULL, NULL);
	warned(RULE("plugin.nobody.*", "log.write: { text: x }"), 3, "no known event matches", "");
	warned(RULE("plugin.inventory.low", "log.write: { text: \"${data.lft}\" }"), 5,
	       "no known field \"lft\"", "\"left\"");
	/* What another plugin may have isn't known. */
	warned(RULE("plugin.*.low", "log.write: { text: \"${data.lft}\" }"), 0, NULL, NULL);
	warned("rules:\n  - id: a\n    on: plugin.inventory.low\n    from: inventory\n", 0, NULL,
	       NULL);
}
END_TEST

/* ---- A plugin that changes. ---- */

static struct value params_of(struct kit *k, const struct rule *rule, const char **why)
{
	const struct step *step = &rule->steps[0];
	const struct action *action = step_action(k->config, k->arena, step, why);
	struct call call = { .arena = k->arena, .parser = k->parser, .action = action };
	struct request request;
	struct value params;
	struct text error;

	*why = action != NULL ? "" : *why;
	if (action == NULL)
		return value_null();
	ck_assert_int_eq(step_params(kit_event(k, rule, "a.b", "null", "{\"sku\":\"A\"}"), step,
				     &params, &error),
			 FATE_OK);
	if (action->build(&call, params, &request) == FATE_OK)
		return params;
	*why = text_dup(k->arena, text_of(call.why)).s;
	return value_null();
}

START_TEST(a_daemon_goes_on)
{
	static const char text[] = RULE("[plugin.inventory.low, a.b]",
					"inventory.reserve: { sku: \"${data.sku}\", nope: 1 }");
	struct kit k;
	const char *why;

	plugins(&k, manifest);
	k.config->lenient = true;
	kit_load(&k, text);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	kit_expect(k.diags, 5, 50, "no parameter \"nope\"", "");
	(void)params_of(&k, ruleset_at(k.set, 0), &why);
	ck_assert_str_eq(why, "nope is no parameter");
	kit_fini(&k);

	plugins(&k, shrunk);
	k.config->lenient = true;
	kit_load(&k, text);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	kit_expect(k.diags, 3, 10, "no event \"plugin.inventory.low\"", "");
	kit_expect(k.diags, 5, 9, "no action \"reserve\"", "it has: other");
	(void)params_of(&k, ruleset_at(k.set, 0), &why);
	ck_assert_str_eq(why, "the plugin inventory has no action \"reserve\"");
	kit_fini(&k);
}
END_TEST

/* A mistake that has nothing to do with the manifest stays one. */
START_TEST(other_mistakes_stay)
{
	struct kit k;

	plugins(&k, manifest);
	k.config->lenient = true;
	kit_load(&k, RULE("a.b", "inventory.reserve: { sku: \"${dta.x}\", nope: 1 }"));
	ck_assert_uint_eq(diags_errors(k.diags), 1);
	kit_fini(&k);
}
END_TEST

/* A file's manifest is the user's own word. */
START_TEST(files_are_meant)
{
	struct kit k;

	kit_init(&k);
	config_free(k.config);
	k.config = with_file(k.diags, manifest);
	k.config->lenient = true;
	kit_load(&k, RULE("a.b", "inventory.resrve: { sku: x }"));
	ck_assert_uint_eq(diags_errors(k.diags), 1);
	kit_fini(&k);
}
END_TEST

/* A rule that was loaded before the plugin said anything, or said something else. */
START_TEST(steps_follow_the_plugin)
{
	const struct rule *rule;
	struct config *first;
	const char *why;
	struct kit k;

	plugins(&k, NULL);
	rule = kit_rule(&k, RULE("a.b", "inventory.free: { sku: \"${data.sku}\", x: 1 }"));
	ck_assert(value_is(params_of(&k, rule, &why), VALUE_MAP));
	first = config_ref(k.config);
	config_free(k.config);

	/* The rule lives on; the configuration is another. */
	struct kit next;

	plugins(&next, grown);
	k.config = next.config;
	(void)params_of(&k, rule, &why);
	ck_assert_str_eq(why, "x is no parameter");
	k.config = first;
	next.set = NULL;
	kit_fini(&next);
	plugins(&next, shrunk);
	k.config = next.config;
	(void)params_of(&k, rule, &why);
	ck_assert_str_eq(why, "the plugin inventory has no action \"free\"");
	k.config = first;
	kit_config(&next, "vars: {}\n");
	k.config = next.config;
	(void)params_of(&k, rule, &why);
	ck_assert_str_eq(why, "its plugin is no longer configured");
	k.config = first;
	kit_fini(&next);
	kit_fini(&k);
}
END_TEST

/* A stored revision loads whatever the plugin says now. */
START_TEST(revisions_load)
{
	struct diags *diags = diags_new();
	struct ruleset *set;
	struct kit k;

	plugins(&k, shrunk);
	set = ruleset_load_revision(
	    k.config, TEXT("a"),
	    TEXT("id: a\non: plugin.inventory.low\ndo:\n  - inventory.reserve: { sku: x, y: 1 }\n"),
	    diags);
	ck_assert_ptr_nonnull(set);
	ruleset_free(set);
	diags_free(diags);
	kit_fini(&k);
}
END_TEST

struct seen {
	char text[400];
};

static void note(void *of, const struct rendered *r)
{
	struct seen *seen = of;

	if (r->how == RENDER_SENT)
		snprintf(seen->text, sizeof(seen->text), "%s %.*s %.*s", r->request.method,
			 TEXT_ARG(r->request.url), TEXT_ARG(r->request.body));
	else
		snprintf(seen->text, sizeof(seen->text), "%.*s", TEXT_ARG(r->why));
}

START_TEST(what_would_be_sent)
{
	const struct rule *rule;
	struct seen seen = { "" };
	struct kit k;

	plugins(&k, manifest);
	rule = kit_rule(
	    &k, RULE("plugin.inventory.low",
		     "inventory.reserve: { sku: \"${data.sku}\", count: \"${data.left}\" }"));
	struct rendering r = { .config = k.config,
			       .parser = k.parser,
			       .scope = kit_event(&k, rule, "plugin.inventory.low", "null",
						  "{\"sku\":\"A-7\",\"left\":3}"),
			       .key = TEXT("k") };

	render_steps(&r, 0, note, &seen);
	ck_assert_str_eq(seen.text, "PLUGIN reserve {\"sku\":\"A-7\",\"count\":3}");
	r.scope =
	    kit_event(&k, rule, "plugin.inventory.low", "null", "{\"sku\":\"A-7\",\"left\":\"x\"}");
	render_steps(&r, 0, note, &seen);
	ck_assert_str_eq(seen.text, "count must be a whole number, not \"x\"");
	kit_fini(&k);
}
END_TEST

/* ---- Keys. ---- */

#define KEY_A "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
#define KEY_B "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"

static void lines_of(const char *text, const char *wanted)
{
	static const char words[] = "-0k!"; /* by enum config_trust */
	struct text rest = text_of(text), name, key;
	enum config_trust what;
	char seen[20] = "";
	size_t n = 0;

	while ((what = config_trust_line(&rest, &name, &key)) != TRUST_END)
		seen[n++] = words[what];
	ck_assert_str_eq(seen, wanted);
}

START_TEST(lines_of_keys)
{
	struct text rest = TEXT("  a  " KEY_A "\n"), name, key;

	lines_of("", "");
	lines_of("# all\n\na " KEY_A "\r\n b_2   " KEY_B " ", "00kk");
	lines_of("a\na x\nA " KEY_A "\na " KEY_A "x\na " KEY_A " x\n" KEY_A, "!!!!!!");
	lines_of("a rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf'", "!");
	ck_assert_int_eq(config_trust_line(&rest, &name, &key), TRUST_KEY);
	ck_assert(text_is(name, "a") && text_is(key, KEY_A));
}
END_TEST

/* In the folder of tappet.yaml, which other tests share. */
static void keys_are(const char *text, size_t a, size_t b, const char *wrong)
{
	const struct plugin_config *p;
	char name[] = "/tmp/tappet-keys-XXXXXX", yaml[200];
	int fd = mkstemp(name);
	struct kit k;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	(void)snprintf(yaml, sizeof(yaml), "bus: { trusted: %s }\nplugins: { a: , b: }\n", name);
	kit_init(&k);
	kit_config(&k, yaml);
	ck_assert_int_eq(unlink(name), 0);
	ck_assert_uint_eq(diags_errors(k.diags), wrong != NULL);
	if (wrong != NULL)
		ck_assert_ptr_nonnull(strstr(diags_at(k.diags, 0)->what, wrong));
	p = config_plugin(k.config, TEXT("a"));
	ck_assert_uint_eq(p->key_count, a);
	ck_assert(a == 0 || text_is(p->keys[0], KEY_A));
	ck_assert_uint_eq(config_plugin(k.config, TEXT("b"))->key_count, b);
	kit_fini(&k);
}

START_TEST(keys_in_files)
{
	keys_are("", 0, 0, NULL);
	keys_are("a " KEY_A "\n", 1, 0, NULL);
	keys_are("gone " KEY_B "\na " KEY_A "\n", 1, 0, NULL);
	keys_are("a " KEY_A "\na " KEY_B "\n", 2, 0, NULL);
	keys_are("a " KEY_A "\na " KEY_A "\nb " KEY_B, 2, 1, NULL);
	keys_are("a " KEY_A "\n\nb " KEY_A, 0, 0, "line 3");
	keys_are("# keys\na " KEY_A "\nwho?", 0, 0, "line 3");
}
END_TEST

UNIT_MAIN("rules_plugins", lines_of_keys, keys_in_files, what_may_be_said,
	  what_is_there_without_a_word, mistakes_in_the_bus, mistakes_in_plugins,
	  no_more_than_so_many, environment_is_hidden, later_files_win, manifests_in_files,
	  actions_of_plugins, what_a_plugin_has_not, events_of_plugins, what_is_only_told,
	  a_daemon_goes_on, other_mistakes_stay, files_are_meant, steps_follow_the_plugin,
	  revisions_load, what_would_be_sent)
