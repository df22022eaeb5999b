/* SPDX-License-Identifier: Apache-2.0
 *
 * setting.c - the configuration and the rules of the scenario; see bridge.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"
#include "tests/power/bridge.h"

#define CONFIG                                                                                     \
	"rules: [rules.yaml]\n"                                                                    \
	"retention: { events: 2h, dedupe: 9d }\n"                                                  \
	"hooks:\n"                                                                                 \
	"  orders: { verify: none, id_header: X-Id }\n"                                            \
	"connections:\n"                                                                           \
	"  api: { connector: http, base_url: \"http://127.0.0.1:1\" }\n"                           \
	"  kantata: { connector: kantata, base_url: \"http://127.0.0.1:1\", token: t,\n"           \
	"    poll: { workspaces: { every: 60s, full: 1h } } }\n"                                   \
	"schedules:\n"                                                                             \
	"  hourly: { cron: \"0 * * * *\", timezone: UTC }\n"

/* %s is what a reload changes. */
static const char rules_text[] =
    "tables:\n"
    "  links: { key: id, columns: { id: text, n: int } }\n"
    "rules:\n"
    "  - id: two\n"
    "    on: hook.orders\n"
    "    key: string(data.k)\n"
    "    do:\n"
    "      - http.request: { method: POST, url: \"/ok/%s/${data.n}\", json: { n: 1 } }\n"
    "        via: api\n"
    "      - http.request: { method: POST, url: \"/flaky/${data.n}\", json: { n: 1 } }\n"
    "        via: api\n"
    "        retry: { attempts: 3, first: 1s, max: 10s }\n"
    "      - table.put: { table: links, row: { id: \"${data.k}\", n: \"${data.n}\" } }\n"
    "  - id: refused\n"
    "    on: hook.orders\n"
    "    when: data.n %% 4 == 1\n"
    "    do: [ { http.request: { method: POST, url: \"/reject/${data.n}\" }, via: api } ]\n"
    "  - id: doubtful\n"
    "    on: hook.orders\n"
    "    when: data.n %% 4 == 2\n"
    "    do:\n"
    "      - http.request: { method: POST, url: \"/cut/${data.n}\" }\n"
    "        via: api\n"
    "        after_doubt: park\n"
    "  - id: rare\n"
    "    on: hook.orders\n"
    "    key: \"'all'\"\n"
    "    throttle: { every: 1h }\n"
    "    do: [ { log.write: { text: rare } } ]\n"
    "  - id: rise\n"
    "    on: hook.orders\n"
    "    key: string(data.k)\n"
    "    when: data.n %% 2 == 0\n"
    "    edge: true\n"
    "    do: [ { http.request: { method: POST, url: /ok/rise }, via: api } ]\n"
    "    clear: [ { http.request: { method: POST, url: /ok/fall }, via: api } ]\n"
    "  - id: each\n"
    "    on: hook.orders\n"
    "    when: data.n %% 4 == 3\n"
    "    do:\n"
    "      - for_each: data.items\n"
    "        as: i\n"
    "        do: [ { http.request: { method: POST, url: \"/ok/each/${item}\" }, via: api } ]\n"
    "  - id: polled\n"
    "    on: \"kantata.workspace.*\"\n"
    "    do: [ { http.request: { method: POST, url: /ok/polled }, via: api } ]\n"
    "  - id: hourly\n"
    "    on: schedule.hourly\n"
    "    do: [ { log.write: { text: it is time } } ]\n";

static void put_file(const struct setting *s, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		exit(2);
	}
}

static void must_be_clean(struct diags *diags)
{
	struct buf text;

	if (diags_errors(diags) == 0)
		return;
	buf_init(&text, 1u << 20);
	diags_print(diags, &text, false);
	(void)fputs(buf_cstr(&text), stderr);
	exit(2);
}

static void put_rules(const struct setting *s, const char *word)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), rules_text, word);
	put_file(s, "rules.yaml", text);
}

static struct ruleset *load_rules(struct setting *s, const char *word)
{
	struct diags *diags = diags_new();
	struct ruleset *rules;

	put_rules(s, word);
	rules = ruleset_load(s->config, s->config->rule_paths, s->config->rule_path_count, diags);
	must_be_clean(diags);
	diags_free(diags);
	return rules;
}

void setting_init(struct setting *s)
{
	struct diags *diags = diags_new();
	char path[128];

	*s = (struct setting){ .folder = "/tmp/tappet-power-XXXXXX" };
	if (mkdtemp(s->folder) == NULL) {
		perror(s->folder);
		exit(2);
	}
	(void)snprintf(s->store_name, sizeof(s->store_name), "sqlite:%s/t.db", s->folder);
	s->database = s->store_name + 7;
	put_file(s, "tappet.yaml", CONFIG);
	put_rules(s, "a");
	(void)snprintf(path, sizeof(path), "%s/tappet.yaml", s->folder);
	s->config = config_load(path, CONFIG_SECRETS_NEEDED, diags);
	must_be_clean(diags);
	diags_free(diags);
	s->rules[1] = load_rules(s, "b");
	s->rules[0] = load_rules(s, "a");
}

void setting_fini(struct setting *s)
{
	static const char *const names[] = { "tappet.yaml", "rules.yaml", "t.db", "t.db.lock" };
	char path[128];

	ruleset_free(s->rules[0]);
	ruleset_free(s->rules[1]);
	config_free(s->config);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(s->folder);
}
