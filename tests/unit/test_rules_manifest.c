/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_manifest - what plugins say of themselves: the tables it becomes, and what is
 * refused, with its path. */
#include "engine/rules/plugin_manifest.h"

#include "engine/base/fault.h"
#include "tests/unit/test_rules_kit.h"

static const char whole[] =
    "{\"version\":\"1.4.0\",\"doc\":\"Reserves stock.\",\"actions\":{\"reserve\":{"
    "\"doc\":\"Reserves some of an article.\",\"params\":{"
    "\"sku\":{\"type\":\"text\",\"required\":true,\"doc\":\"The article.\"},"
    "\"count\":{\"type\":\"int\"},\"priority\":{\"type\":\"choice\",\"required\":true,"
    "\"choices\":[\"low\",\"high\"]},"
    "\"address\":{\"type\":\"map\",\"members\":{\"city\":{\"type\":\"text\"}}}},"
    "\"result\":{\"reservation\":{\"type\":\"text\"},\"left\":{\"type\":\"int\"}},"
    "\"after_doubt\":\"park\",\"timeout\":45000},\"ping\":{}},"
    "\"events\":{\"low\":{\"doc\":\"An article runs low.\",\"fields\":{\"sku\":{\"type\":\"text\"},"
    "\"left\":{\"type\":\"int\"},\"at\":{\"type\":\"timestamp\"}},"
    "\"example\":{\"sku\":\"A-7\",\"left\":3,\"at\":\"2026-11-22T10:00:00Z\"}},\"odd\":{}}}";

static struct manifest *good(const char *json)
{
	char words[MANIFEST_WORDS] = "";
	struct manifest *m = manifest_read(TEXT("inventory"), text_of(json), words);

	ck_assert_msg(m != NULL, "%s: %s", json, words);
	return m;
}

START_TEST(actions_become_tables)
{
	struct manifest *m = good(whole);
	const struct connector *c = manifest_connector(m);
	const struct action *a = connector_action(c, TEXT("reserve"));

	ck_assert(manifest_is_known(m));
	ck_assert(text_is(manifest_version(m), "1.4.0"));
	ck_assert(text_is(manifest_json(m), whole));
	ck_assert_str_eq(c->name, "inventory");
	ck_assert_str_eq(c->doc, "Reserves stock.");
	ck_assert_ptr_nonnull(a);
	ck_assert(a->after_doubt == DOUBT_PARK && a->timeout == 45000);
	ck_assert_str_eq(a->params[0].name, "sku");
	ck_assert(a->params[0].type == PARAM_TEXT && a->params[0].required);
	ck_assert_str_eq(a->params[0].doc, "The article.");
	ck_assert(a->params[1].type == PARAM_INT && !a->params[1].required);
	ck_assert_str_eq(a->params[2].choices[1], "high");
	ck_assert_ptr_null(a->params[2].choices[2]);
	ck_assert_str_eq(a->params[3].members[0].name, "city");
	ck_assert_ptr_null(a->params[3].members[1].name);
	ck_assert_ptr_null(a->params[4].name);
	ck_assert_str_eq(a->example, "{ sku: \"...\", priority: \"low\" }");
	ck_assert_str_eq(a->result, "A map: reservation (text), left (int).");
	a = connector_action(c, TEXT("ping"));
	ck_assert(a->after_doubt == DOUBT_REPEAT && a->timeout == 30000);
	ck_assert_ptr_null(a->params[0].name);
	ck_assert_str_eq(a->example, "{}");
	ck_assert_ptr_null(connector_action(c, TEXT("pong")));
	manifest_free(m);
}
END_TEST

START_TEST(events_become_tables)
{
	struct manifest *m = good(whole);
	const struct event_type *e = manifest_event(m, TEXT("low"));

	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->name, "plugin.inventory.low");
	ck_assert_str_eq(e->kind->name, "plugin.inventory.low");
	ck_assert(object_kind_field(e->kind, TEXT("at"))->type == FIELD_TIMESTAMP);
	ck_assert_ptr_null(object_kind_field(e->kind, TEXT("nothing")));
	ck_assert_str_eq(e->example,
			 "{\"sku\":\"A-7\",\"left\":3,\"at\":\"2026-11-22T10:00:00Z\"}");
	e = manifest_event(m, TEXT("odd"));
	ck_assert(e != NULL && e->kind == NULL && e->example == NULL);
	ck_assert_ptr_null(manifest_event(m, TEXT("lo")));
	ck_assert_ptr_null(manifest_event(m, TEXT("")));
	manifest_free(m);
}
END_TEST

START_TEST(every_type)
{
	struct manifest *m = good(
	    "{\"actions\":{\"a\":{\"params\":{\"a\":{\"type\":\"text\"},\"b\":{\"type\":\"id\"},"
	    "\"c\":{\"type\":\"int\"},\"d\":{\"type\":\"number\"},\"e\":{\"type\":\"bool\"},"
	    "\"f\":{\"type\":\"choice\",\"choices\":[\"x\"]},\"g\":{\"type\":\"date\"},"
	    "\"h\":{\"type\":\"map\"},\"i\":{\"type\":\"list\"},\"j\":{\"type\":\"mail\"},"
	    "\"k\":{\"type\":\"any\"}}}},\"events\":{\"e\":{\"fields\":{\"a\":{\"type\":\"text\"},"
	    "\"b\":{\"type\":\"bool\"},\"c\":{\"type\":\"int\"},\"d\":{\"type\":\"number\"},"
	    "\"e\":{\"type\":\"timestamp\"},\"f\":{\"type\":\"date\"},\"g\":{\"type\":\"list\"},"
	    "\"h\":{\"type\":\"map\"},\"i\":{\"type\":\"any\",\"doc\":\"Anything.\"}},"
	    "\"example\":{\"a\":\"x\",\"b\":true,\"c\":1,\"d\":1.5,\"e\":\"2026-11-22T10:00:00Z\","
	    "\"f\":\"2026-11-22\",\"g\":[],\"h\":{},\"i\":null}}}}");
	static const enum param_type params[] = { PARAM_TEXT,   PARAM_ID,   PARAM_INT,
						  PARAM_NUMBER, PARAM_BOOL, PARAM_CHOICE,
						  PARAM_DATE,   PARAM_MAP,  PARAM_LIST,
						  PARAM_MAIL,   PARAM_ANY };
	static const enum field_type fields[] = { FIELD_TEXT,   FIELD_BOOL,      FIELD_INT,
						  FIELD_DOUBLE, FIELD_TIMESTAMP, FIELD_DATE,
						  FIELD_LIST,   FIELD_MAP,       FIELD_ANY };
	const struct action *a = &manifest_connector(m)->actions[0];

	for (size_t i = 0; i < sizeof(params) / sizeof(*params); i++)
		ck_assert_int_eq(a->params[i].type, params[i]);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		ck_assert_int_eq(manifest_event(m, TEXT("e"))->kind->fields[i].type, fields[i]);
	manifest_free(m);
}
END_TEST

START_TEST(data_fits_its_fields)
{
	static const char *const none[] = { "null",
					    "7",
					    "[]",
					    "\"\"",
					    "{\"a\":7}",
					    "{\"b\":\"true\"}",
					    "{\"c\":\"7\"}",
					    "{\"c\":7.0}",
					    "{\"c\":1e2}",
					    "{\"d\":\"1.5\"}",
					    "{\"e\":\"yesterday\"}",
					    "{\"e\":1795309825}",
					    "{\"f\":\"2026-02-30\"}",
					    "{\"f\":\"2026-11-22T10:00:00Z\"}",
					    "{\"g\":{}}",
					    "{\"h\":[]}",
					    "{\"a\":\"x\",\"h\":\"a secret\"}" };
	static const char *const fine[] = {
		"{}",
		"{\"a\":null,\"h\":null}",
		"{\"a\":\"\",\"b\":false,\"c\":-7,\"d\":-1.5e9}",
		"{\"c\":18446744073709551615,\"d\":1}",
		"{\"e\":\"2026-11-22T10:00:00.5+01:00\",\"f\":\"2024-02-29\",\"g\":[1,\"x\"]}",
		"{\"h\":{\"x\":1},\"i\":7,\"another\":{\"a\":7}}"
	};
	struct manifest *m = good(
	    "{\"events\":{\"e\":{\"fields\":{\"a\":{\"type\":\"text\"},\"b\":{\"type\":\"bool\"},"
	    "\"c\":{\"type\":\"int\"},\"d\":{\"type\":\"number\"},\"e\":{\"type\":\"timestamp\"},"
	    "\"f\":{\"type\":\"date\"},\"g\":{\"type\":\"list\"},\"h\":{\"type\":\"map\"},"
	    "\"i\":{\"type\":\"any\"}}},\"bare\":{\"fields\":{}},\"any\":{}}}");
	const struct event_type *e = manifest_event(m, TEXT("e"));
	struct json_parser *parser = json_parser_new();
	struct arena *arena = arena_new("test", MIB);
	char words[MANIFEST_WORDS] = "";
	struct json_error error;
	struct value v;

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		ck_assert_int_eq(json_parse(parser, arena, text_of(none[i]), &v, &error), FATE_OK);
		ck_assert_msg(!manifest_fits(e, v, words), "%s", none[i]);
	}
	ck_assert_str_eq(words, "data.h is not of the type map");
	for (size_t i = 0; i < sizeof(fine) / sizeof(*fine); i++) {
		ck_assert_int_eq(json_parse(parser, arena, text_of(fine[i]), &v, &error), FATE_OK);
		ck_assert_msg(manifest_fits(e, v, words), "%s: %s", fine[i], words);
	}
	ck_assert(!manifest_fits(manifest_event(m, TEXT("bare")), value_null(), words));
	ck_assert_str_eq(words, "the data is to be an object");
	ck_assert(manifest_fits(manifest_event(m, TEXT("any")), value_null(), words));
	manifest_free(m);
	json_parser_free(parser);
	arena_free(arena);
}
END_TEST

static void wrong(const char *json, const char *expected)
{
	char words[MANIFEST_WORDS] = "";
	struct manifest *m = manifest_read(TEXT("inventory"), text_of(json), words);

	ck_assert_msg(m == NULL, "taken: %s", json);
	ck_assert_msg(strstr(words, expected) == words, "%s: \"%s\" instead of \"%s\"", json, words,
		      expected);
}

START_TEST(mistakes_name_their_path)
{
	static const struct {
		const char *json, *words;
	} all[] = {
		{ "", "no JSON, line 1, column 1: " },
		{ "{\"a\":", "no JSON, line 1, column 6: " },
		{ "{} {}", "no JSON, line 1, column 4: " },
		{ "{\"actions\":{},\"actions\":{}}", "no JSON, " },
		{ "\"\xff\"", "no JSON, " },
		{ "[]", "must be an object" },
		{ "null", "must be an object" },
		{ "{\"action\":{}}", "there is no member \"action\"; did you mean \"actions\"?" },
		{ "{\"\\u001b[2J\":1}", "there is no member \"(not printable)\"" },
		{ "{\"\\u009b2J\":1}", "there is no member \"(not printable)\"" },
		{ "{\"version\":1}", "version: must be a text" },
		{ "{\"version\":null}", "version: must be a text" },
		{ "{\"doc\":\"a\\nb\"}", "doc: has control characters" },
		{ "{\"doc\":\"a\\u0000b\"}", "doc: has control characters" },
		{ "{\"doc\":\"a\\u0085b\"}", "doc: has control characters" },
		{ "{\"actions\":null}", "actions: must be an object" },
		{ "{\"actions\":[]}", "actions: must be an object" },
		{ "{\"actions\":{\"Reserve\":{}}}",
		  "actions: \"Reserve\" is no name for an action: " },
		{ "{\"actions\":{\"\":{}}}", "actions: \"\" is no name" },
		{ "{\"actions\":{\"1a\":{}}}", "actions: \"1a\" is no name" },
		{ "{\"actions\":{\"a.b\":{}}}", "actions: \"a.b\" is no name" },
		{ "{\"actions\":{\"a\\u0000\":{}}}", "actions: \"(not printable)\" is no name" },
		{ "{\"actions\":{\"a\":1}}", "actions.a: must be an object" },
		{ "{\"actions\":{\"a\":{\"parms\":{}}}}",
		  "actions.a: there is no member \"parms\"; did you mean \"params\"?" },
		{ "{\"actions\":{\"a\":{\"timeout\":99}}}", "actions.a.timeout: must be a whole" },
		{ "{\"actions\":{\"a\":{\"timeout\":86400001}}}", "actions.a.timeout: must be" },
		{ "{\"actions\":{\"a\":{\"timeout\":500.5}}}", "actions.a.timeout: must be" },
		{ "{\"actions\":{\"a\":{\"timeout\":\"30s\"}}}", "actions.a.timeout: must be" },
		{ "{\"actions\":{\"a\":{\"after_doubt\":\"lookup\"}}}",
		  "actions.a.after_doubt: must be \"repeat\" or \"park\"" },
		{ "{\"actions\":{\"a\":{\"params\":[]}}}", "actions.a.params: must be an object" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{}}}}}",
		  "actions.a.params.p.type: must be a text" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"inte\"}}}}}",
		  "actions.a.params.p.type: there is no type \"inte\": text, id" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"int\",\"required\":1}}}}}",
		  "actions.a.params.p.required: must be true or false" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"choice\"}}}}}",
		  "actions.a.params.p.choices: must be a list of texts" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"choice\",\"choices\":[]}}}}}",
		  "actions.a.params.p.choices: must be a list of texts" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"choice\",\"choices\":[1]}}}}"
		  "}",
		  "actions.a.params.p.choices: must be a list of texts" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"choice\",\"choices\":[\"\"]}}"
		  "}}}",
		  "actions.a.params.p.choices: a choice is empty" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"text\",\"choices\":[]}}}}}",
		  "actions.a.params.p.choices: belongs to the type choice" },
		{ "{\"actions\":{\"a\":{\"params\":{\"p\":{\"type\":\"list\",\"members\":{}}}}}}",
		  "actions.a.params.p.members: belongs to the type map" },
		{ "{\"actions\":{\"a\":{\"result\":{\"r\":{\"type\":\"mail\"}}}}}",
		  "actions.a.result.r.type: there is no type \"mail\": text, bool" },
		{ "{\"events\":{\"e\":{\"field\":{}}}}",
		  "events.e: there is no member \"field\"; did you mean \"fields\"?" },
		{ "{\"events\":{\"e\":{\"fields\":{\"f\":{}}}}}",
		  "events.e.fields.f.type: must be a text" },
		{ "{\"events\":{\"e\":{\"fields\":{\"f\":{\"type\":\"int\"}},\"example\":1}}}",
		  "events.e.example: must be an object" },
		{ "{\"events\":{\"e\":{\"fields\":{\"f\":{\"type\":\"int\"}},\"example\":{\"g\":1}}"
		  "}}",
		  "events.e.example: fields has no \"g\"" },
		{ "{\"events\":{\"e\":{\"fields\":{\"f\":{\"type\":\"int\"}},"
		  "\"example\":{\"f\":\"1\"}}}}",
		  "events.e.example: \"f\" is not of the type int" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		wrong(all[i].json, all[i].words);
}
END_TEST

/* ---- Limits. ---- */

static void put_many(struct buf *b, const char *what, int count)
{
	buf_printf(b, "{\"%s\":{", what);
	for (int i = 0; i < count; i++)
		buf_printf(b, "%s\"a%d\":{}", i > 0 ? "," : "", i);
	buf_str(b, "}}");
}

START_TEST(so_many_and_no_more)
{
	struct buf b;

	buf_init(&b, 2 * MIB);
	put_many(&b, "actions", LIMIT_MANIFEST_ACTIONS);
	manifest_free(good(buf_cstr(&b)));
	buf_clear(&b);
	put_many(&b, "actions", LIMIT_MANIFEST_ACTIONS + 1);
	wrong(buf_cstr(&b), "actions: has more than 64 actions");
	buf_clear(&b);
	put_many(&b, "events", LIMIT_MANIFEST_EVENTS);
	manifest_free(good(buf_cstr(&b)));
	buf_clear(&b);
	put_many(&b, "events", LIMIT_MANIFEST_EVENTS + 1);
	wrong(buf_cstr(&b), "events: has more than 64 events");
	buf_clear(&b);
	buf_printf(&b, "{\"doc\":\"%*s\"}", (int)LIMIT_SESSION_MANIFEST, "x");
	wrong(buf_cstr(&b), "a manifest has at most 262144 bytes");
	buf_clear(&b);
	buf_printf(&b, "{\"doc\":\"%*s\"}", LIMIT_MANIFEST_WORDS + 1, "x");
	wrong(buf_cstr(&b), "doc: has more than 2048 bytes");
	buf_clear(&b);
	buf_printf(&b, "{\"events\":{\"a%064d\":{}}}", 1);
	wrong(buf_cstr(&b), "events: \"a000");
	buf_fini(&b);
}
END_TEST

static void put_deep(struct buf *b, int depth)
{
	buf_str(b, "{\"actions\":{\"a\":{\"params\":");
	for (int i = 1; i < depth; i++)
		buf_str(b, "{\"p\":{\"type\":\"map\",\"members\":");
	buf_str(b, "{\"p\":{\"type\":\"text\"}}");
	for (int i = 1; i < depth; i++)
		buf_str(b, "}}");
	buf_str(b, "}}}");
}

START_TEST(so_deep_and_no_deeper)
{
	char name[LIMIT_MANIFEST_NAME + 1];
	struct buf b;

	buf_init(&b, MIB);
	put_deep(&b, LIMIT_MANIFEST_DEPTH);
	manifest_free(good(buf_cstr(&b)));
	buf_clear(&b);
	put_deep(&b, LIMIT_MANIFEST_DEPTH + 1);
	wrong(buf_cstr(&b), "actions.a.params.p.members.p.members.p.members.p.members: "
			    "parameters are nested more than 4 deep");
	/* The longest path leaves room for words. */
	memset(name, 'n', LIMIT_MANIFEST_NAME);
	name[LIMIT_MANIFEST_NAME] = '\0';
	buf_clear(&b);
	buf_printf(&b,
		   "{\"actions\":{\"%s\":{\"params\":{\"%s\":{\"type\":\"map\",\"members\":{\"%s\":"
		   "{\"type\":\"map\",\"members\":{\"%s\":{\"type\":\"map\",\"members\":{\"%s\":"
		   "{\"type\":\"odd\"}}}}}}}}}}}",
		   name, name, name, name, name);
	wrong(buf_cstr(&b), "actions.nnn");
	buf_fini(&b);
}
END_TEST

/* The most that 256 KiB can be made to hold. */
START_TEST(the_largest_fits_its_arena)
{
	static const char shortest[] = "\":{\"type\":\"any\"}";
	char words[MANIFEST_WORDS];
	struct manifest *m;
	struct buf b;

	buf_init(&b, 2 * MIB);
	buf_str(&b, "{\"actions\":{\"a\":{\"params\":{");
	for (int i = 0; b.n < LIMIT_SESSION_MANIFEST - 64; i++)
		buf_printf(&b, "%s\"p%x%s", i > 0 ? "," : "", (unsigned)i, shortest);
	buf_str(&b, "}}}}");
	m = good(buf_cstr(&b));
	manifest_free(m);
	buf_clear(&b);
	/* An example of nothing but small values. */
	buf_str(&b, "{\"events\":{\"e\":{\"example\":[0");
	while (b.n < LIMIT_SESSION_MANIFEST - 64)
		buf_str(&b, ",0");
	buf_str(&b, "]}}}");
	m = manifest_read(TEXT("p"), buf_view(&b), words);
	ck_assert_msg(m != NULL, "%s", words);
	manifest_free(m);
	buf_fini(&b);
}
END_TEST

START_TEST(references_are_counted)
{
	struct manifest *m = good("{}");

	ck_assert_ptr_eq(manifest_ref(m), m);
	manifest_free(m);
	ck_assert(manifest_is_known(m));
	manifest_free(m);
	m = manifest_unknown(TEXT("later"));
	ck_assert(!manifest_is_known(m));
	ck_assert_str_eq(manifest_connector(m)->name, "later");
	ck_assert_ptr_null(manifest_connector(m)->actions[0].name);
	ck_assert_ptr_null(manifest_event(m, TEXT("x")));
	manifest_free(m);
	manifest_free(NULL);
}
END_TEST

START_TEST(memory_gives_out_anywhere)
{
#ifdef TAPPET_FAULTS
	char words[MANIFEST_WORDS];
	bool any = false;

	for (int n = 1; n < 400 && !any; n++) {
		struct manifest *m;

		words[0] = '\0';
		fault_arm("memory", n, false);
		m = manifest_read(TEXT("inventory"), text_of(whole), words);
		any = !fault_disarm();
		ck_assert(m != NULL || words[0] != '\0');
		manifest_free(m);
	}
	ck_assert(any);
#endif
}
END_TEST

/* ---- Jobs. ---- */

static void params(struct kit *k, const char *action, const char *json, const char *body,
		   const char *why)
{
	struct manifest *m = good(whole);
	struct call call = { .arena = k->arena,
			     .parser = k->parser,
			     .action = connector_action(manifest_connector(m), text_of(action)) };
	struct request request;
	struct json_error error;
	struct value given;
	enum fate fate;

	ck_assert_int_eq(json_parse(k->parser, k->arena, text_of(json), &given, &error), FATE_OK);
	fate = manifest_build(&call, given, &request);
	if (why != NULL) {
		ck_assert_int_eq(fate, FATE_REJECT);
		ck_assert_str_eq(call.why, why);
	} else {
		ck_assert_int_eq(fate, FATE_OK);
		ck_assert_str_eq(request.method, "PLUGIN");
		ck_assert(text_is(request.url, action) && !request.absolute);
		ck_assert_msg(text_is(request.body, body), "%.*s", TEXT_ARG(request.body));
	}
	manifest_free(m);
}

START_TEST(parameters_become_a_body)
{
	struct kit k;

	kit_init(&k);
	params(&k, "reserve", "{\"sku\":7,\"count\":2.0,\"priority\":\"low\"}",
	       "{\"sku\":\"7\",\"count\":2,\"priority\":\"low\"}", NULL);
	params(&k, "reserve", "{\"sku\":\"a\",\"priority\":\"low\",\"address\":{\"city\":\"Ulm\"}}",
	       "{\"sku\":\"a\",\"priority\":\"low\",\"address\":{\"city\":\"Ulm\"}}", NULL);
	params(&k, "ping", "{}", "{}", NULL);
	params(&k, "reserve", "{\"priority\":\"low\"}", NULL, "sku is missing");
	params(&k, "reserve", "{\"sku\":\"a\",\"priority\":\"mid\"}", NULL,
	       "priority must be one of low high, not \"mid\"");
	params(&k, "ping", "{\"x\":1}", NULL, "x is no parameter");
	kit_fini(&k);
}
END_TEST

START_TEST(results_are_any_json)
{
	struct kit k;
	struct reading r;
	struct reply reply = { 200, TEXT("{\"reservation\":\"R-19\"}"), TEXT("application/json") };

	kit_init(&k);
	struct call call = { .arena = k.arena, .parser = k.parser };

	ck_assert_int_eq(manifest_result(&call, &reply, &r), FATE_OK);
	ck_assert(text_is(value_as_text(*value_get(r.result, TEXT("reservation"))), "R-19"));
	reply.body = TEXT("null");
	ck_assert_int_eq(manifest_result(&call, &reply, &r), FATE_OK);
	ck_assert(value_is(r.result, VALUE_NULL));
	reply.body = TEXT("");
	ck_assert_int_eq(manifest_result(&call, &reply, &r), FATE_OK);
	reply.body = TEXT("{\"cut");
	ck_assert_int_eq(manifest_result(&call, &reply, &r), FATE_RETRY);
	reply = (struct reply){ 422, TEXT("{\"error\":\"no such article\"}"), TEXT("") };
	ck_assert(text_is(manifest_error_words(&call, &reply), "no such article"));
	reply.body = TEXT("[]");
	ck_assert_uint_eq(manifest_error_words(&call, &reply).n, 0);
	reply.body = TEXT("{\"error\":1}");
	ck_assert_uint_eq(manifest_error_words(&call, &reply).n, 0);
	reply.body = TEXT("nothing");
	ck_assert_uint_eq(manifest_error_words(&call, &reply).n, 0);
	kit_fini(&k);
}
END_TEST

UNIT_MAIN("rules_manifest", actions_become_tables, events_become_tables, every_type,
	  data_fits_its_fields, mistakes_name_their_path, so_many_and_no_more,
	  so_deep_and_no_deeper, the_largest_fits_its_arena, references_are_counted,
	  memory_gives_out_anywhere, parameters_become_a_body, results_are_any_json)
