/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest - what a plugin says of itself: it is refused with words that may be shown, or it has
 * tables that hold what they promise, whose own example is taken and whose JSON reads the same
 * again. A second line of the input, where there is one, is the parameters of each action. */
#include "engine/rules/plugin_manifest.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static const struct text plugin = { "p", 1 };

#define must(condition) FUZZ_CHECK(condition, "\n")

static void shown(const char *text)
{
	must(text != NULL);
	must(text_is_utf8(text_of(text)));
	for (const char *c = text; *c != '\0'; c++)
		must((unsigned char)*c >= ' ' && *c != 0x7f);
}

static unsigned check_params(const struct param *p, unsigned depth)
{
	unsigned n = 0;

	must(p != NULL && depth <= LIMIT_MANIFEST_DEPTH);
	for (; p->name != NULL; p++, n++) {
		must(manifest_is_name(text_of(p->name)));
		shown(p->doc);
		must((p->type == PARAM_CHOICE) == (p->choices != NULL));
		for (const char *const *c = p->choices; c != NULL && *c != NULL; c++)
			shown(*c);
		must(p->members == NULL || p->type == PARAM_MAP);
		if (p->members != NULL)
			n += check_params(p->members, depth + 1);
	}
	return n;
}

static void call(const struct action *a, struct text json)
{
	struct arena *arena = arena_new("fuzz", 16 * MIB);
	struct json_parser *parser = json_parser_new();
	struct call c = { .arena = arena, .parser = parser, .action = a };
	struct json_error error;
	struct request request;
	struct value given, again;

	if (json_parse(parser, arena, json, &given, &error) == FATE_OK) {
		if (a->build(&c, given, &request) == FATE_OK)
			must(json_parse(parser, arena, request.body, &again, &error) == FATE_OK);
		else
			must(c.why[0] != '\0');
	}
	json_parser_free(parser);
	arena_free(arena);
}

static void check(const struct manifest *m, struct text params)
{
	const struct connector *c = manifest_connector(m);
	size_t n = 0;

	shown(c->doc);
	must(manifest_is_known(m));
	for (const struct action *a = c->actions; a->name != NULL; a++, n++) {
		must(manifest_is_name(text_of(a->name)));
		must(connector_action(c, text_of(a->name)) == a);
		must(a->timeout >= 100 && a->timeout <= LIMIT_MANIFEST_TIMEOUT);
		shown(a->doc);
		shown(a->example);
		shown(a->result);
		(void)check_params(a->params, 1);
		call(a, params);
	}
	must(n <= LIMIT_MANIFEST_ACTIONS);
	n = 0;
	for (const struct event_type *e = c->events; e->name != NULL; e++, n++) {
		must(strncmp(e->name, "plugin.p.", 9) == 0);
		must(manifest_event(m, text_of(e->name + 9)) == e);
		shown(e->doc);
		must(e->kind == NULL || e->kind->fields != NULL);
	}
	must(n <= LIMIT_MANIFEST_EVENTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text params, json = fuzz_split(fuzz_text(bytes, n), "\n", &params);
	char words[MANIFEST_WORDS] = "";
	struct manifest *m, *again;

	m = manifest_read(plugin, json, words);
	if (m == NULL) {
		shown(words);
		must(words[0] != '\0');
		return 0;
	}
	check(m, params);
	again = manifest_read(plugin, manifest_json(m), words);
	must(again != NULL && text_eq(manifest_json(again), manifest_json(m)));
	manifest_free(again);
	manifest_free(m);
	return 0;
}
