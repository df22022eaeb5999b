/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract every connector keeps: each row has its words and an example that
 * works, tables are well formed, functions take what they are given. And the
 * parts they share: finding rows, typing objects, URLs and bodies. */
#include "tests/unit/test_connectors_kit.h"

/* ---- the contract ---- */

static void check_doc(const char *where, const char *doc)
{
	ck_assert_msg(doc != NULL && strlen(doc) > 3, "%s has no doc", where);
	ck_assert_msg(doc[strlen(doc) - 1] == '.', "%s: \"%s\" is no sentence", where, doc);
	ck_assert_msg(text_is_utf8(text_of(doc)), "%s", where);
}

static bool is_word(const char *s, const char *more)
{
	for (; *s != '\0'; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '_' ||
		      strchr(more, *s) != NULL))
			return false;
	return true;
}

static void check_params(const char *where, const struct param *table)
{
	ck_assert_msg(table != NULL, "%s has no table", where);
	for (const struct param *p = table; p->name != NULL; p++) {
		char inside[200];

		(void)snprintf(inside, sizeof(inside), "%s.%s", where, p->name);
		ck_assert_msg(is_word(p->name, ""), "%s", inside);
		check_doc(inside, p->doc);
		ck_assert_msg((p->type == PARAM_CHOICE) == (p->choices != NULL) ||
				  p->type == PARAM_LIST,
			      "%s", inside);
		ck_assert_msg(p->choices == NULL || p->choices[0] != NULL, "%s", inside);
		for (const struct param *q = table; q < p; q++)
			ck_assert_msg(strcmp(q->name, p->name) != 0, "%s is there twice", inside);
		if (p->members == NULL)
			continue;
		ck_assert_msg(p->type == PARAM_MAP || p->type == PARAM_LIST, "%s", inside);
		check_params(inside, p->members);
	}
}

/* `what` "a.b" needs a map "a". */
static void check_field(const struct object_kind *kind, const struct field *f)
{
	struct text name = text_of(f->name);
	const struct field *above;
	size_t dot = name.n;

	check_doc(f->name, f->doc);
	ck_assert_msg(is_word(f->name, ".ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "%s", f->name);
	ck_assert_ptr_eq(object_kind_field(kind, name), f);
	if (f->ask != NULL)
		ck_assert_msg(strchr(f->ask, '=') != NULL, "%s: %s", f->name, f->ask);
	while (dot > 0 && name.s[dot - 1] != '.')
		dot--;
	if (dot == 0)
		return;
	above = object_kind_field(kind, (struct text){ name.s, dot - 1 });
	ck_assert_msg(above != NULL && above->type == FIELD_MAP, "%s hangs in the air", f->name);
}

static void check_kind(const struct connector *c, const struct object_kind *kind)
{
	struct text prefix = text_of(kind->name);

	ck_assert(text_starts(prefix, text_of(c->name)));
	ck_assert_ptr_nonnull(object_kind_field(kind, text_of(kind->id)));
	for (const struct field *f = kind->fields; f->name != NULL; f++)
		check_field(kind, f);
	for (size_t i = 0; kind->ignored != NULL && kind->ignored[i] != NULL; i++)
		ck_assert_ptr_nonnull(object_kind_field(kind, text_of(kind->ignored[i])));
	for (const struct edge *e = kind->edges; e->field != NULL; e++) {
		struct text type = text_printf(arena, "%s.%s", kind->name, e->event);

		ck_assert_ptr_nonnull(object_kind_field(kind, text_of(e->field)));
		ck_assert_msg(connectors_event(type) != NULL, "no event %s", type.s);
		for (size_t i = 0; e->covers != NULL && e->covers[i] != NULL; i++)
			ck_assert_ptr_nonnull(object_kind_field(kind, text_of(e->covers[i])));
	}
	for (int i = 0; i < 3; i++) {
		static const char *const words[] = { "created", "updated", "deleted" };
		bool there[] = { kind->created, kind->updated, kind->deleted };
		struct text type = text_printf(arena, "%s.%s", kind->name, words[i]);

		ck_assert_msg((connectors_event(type) != NULL) == there[i], "%s", type.s);
	}
}

/* The length of the bare word at s; a colon belongs to it unless a space follows. */
static size_t bare_word(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '_' ||
	       (n > 0 && s[n] == ':' && s[n + 1] != ' '))
		n++;
	return n;
}

/* Flow YAML as examples use it, as JSON: bare words get quotes. */
static struct text json_of_flow(const char *yaml)
{
	struct buf json;
	struct text made;
	bool quoted = false;

	buf_init(&json, 64 * KIB);
	for (const char *s = yaml; *s != '\0';) {
		size_t n = quoted ? 0 : bare_word(s);
		struct text word = { s, n };

		if (n == 0) {
			quoted = quoted != (*s == '"');
			buf_char(&json, *s++);
			continue;
		}
		if (text_is(word, "true") || text_is(word, "false") || text_is(word, "null"))
			buf_text(&json, word);
		else
			buf_printf(&json, "\"%.*s\"", TEXT_ARG(word));
		s += n;
	}
	made = text_dup(arena, buf_view(&json));
	buf_fini(&json);
	return made;
}

static void check_action(const struct connector *c, const struct action *a)
{
	struct request request;
	struct reading reading;
	struct reply reply = { .status = 200 };
	char where[100];

	(void)snprintf(where, sizeof(where), "%s.%s", c->name, a->name);
	check_doc(where, a->doc);
	check_doc(where, a->result);
	check_params(where, a->params);
	ck_assert_msg(is_word(a->name, "."), "%s", where);
	ck_assert_ptr_eq(connector_action(c, text_of(a->name)), a);
	ck_assert_msg(a->example != NULL && a->build != NULL && a->read != NULL, "%s", where);
	call.why[0] = '\0';
	ck_assert_msg(a->build(&call, parsed(json_of_flow(a->example)), &request) == FATE_OK,
		      "%s: %s", where, call.why);
	ck_assert_msg(request.method != NULL && strlen(request.method) > 2, "%s", where);
	ck_assert_msg(c->auth == AUTH_URL || request.absolute || request.url.s[0] == '/', "%s",
		      where);
	ck_assert_int_ne(a->build(&call, value_null(), &request), FATE_OK);
	ck_assert_int_ne(a->build(&call, parsed(TEXT("{\"no such parameter\":1}")), &request),
			 FATE_OK);
	ck_assert_int_ne(a->read(&call, &reply, &reading), FATE_BUG);
}

static void check_event(const struct connector *c, const struct event_type *e)
{
	struct value data;

	ck_assert(text_starts(text_of(e->name), text_of(c->name)));
	check_doc(e->name, e->doc);
	ck_assert_ptr_eq(connectors_event(text_of(e->name)), e);
	ck_assert_ptr_nonnull(e->example);
	data = parsed(text_of(e->example));
	if (e->kind == NULL || value_is(data, VALUE_NULL))
		return;
	ck_assert_ptr_nonnull(value_get(data, text_of(e->kind->id)));
	for (uint32_t i = 0; i < data.n; i++)
		ck_assert_msg(object_kind_field(e->kind, value_as_text(data.pairs[i].key)) != NULL,
			      "%s: %.*s", e->name, TEXT_ARG(value_as_text(data.pairs[i].key)));
}

static void check_auth(const struct connector *c)
{
	bool found = c->auth_setting == NULL;

	ck_assert((c->auth == AUTH_BEARER || c->auth == AUTH_URL || c->auth == AUTH_MEMBER) ==
		  (c->auth_setting != NULL));
	ck_assert((c->auth == AUTH_CLIENT_CREDENTIALS) == (c->token_path != NULL));
	for (const struct param *p = c->settings; p->name != NULL; p++)
		found = found || (strcmp(p->name, c->auth_setting) == 0 && p->secret);
	ck_assert_msg(found, "%s: no secret setting %s", c->name, c->auth_setting);
}

/* Polls of any name: the pattern has no fields, and a kind whose name is the connector's. */
static void check_any_resource(const struct connector *c)
{
	const struct resource *r = c->any_resource;

	if (r == NULL)
		return;
	check_doc(c->name, r->doc);
	check_params(c->name, r->params);
	ck_assert(r->kind != NULL && r->kind->fields == NULL && r->kind->edges == NULL);
	ck_assert(r->whole && r->every > 0 && r->full > r->every);
	ck_assert(r->fits != NULL && r->ask != NULL && r->read != NULL);
}

START_TEST(every_row_is_whole)
{
	size_t count = 0;

	for (const struct connector *const *c = connectors_all(); *c != NULL; c++, count++) {
		ck_assert_ptr_eq(connector_find(text_of((*c)->name)), *c);
		ck_assert(is_word((*c)->name, "") && (*c)->title != NULL);
		check_doc((*c)->name, (*c)->doc);
		check_params((*c)->name, (*c)->settings);
		check_auth(*c);
		ck_assert((*c)->error_words != NULL);
		for (const struct action *a = (*c)->actions; a->name != NULL; a++)
			check_action(*c, a);
		for (const struct event_type *e = (*c)->events; e != NULL && e->name != NULL; e++) {
			ck_assert(text_starts(text_of(e->name), text_of((*c)->name)));
			check_event(*c, e);
			if (e->kind != NULL)
				check_kind(*c, e->kind);
		}
		for (const struct resource *r = (*c)->resources; r != NULL && r->name != NULL;
		     r++) {
			check_doc(r->name, r->doc);
			ck_assert_ptr_eq(connector_resource(*c, text_of(r->name)), r);
			ck_assert(r->every > 0 && r->full > r->every && r->overlap > 0);
			ck_assert(r->page_size > 0 && r->ask != NULL && r->read != NULL);
			if (r->feed == NULL)
				continue;
			ck_assert(r->subject == NULL && r->kind != NULL && r->catch_up == NULL);
			ck_assert(r->feed->row != NULL && r->feed->off != NULL);
			ck_assert(r->feed->keeps > r->feed->look_back &&
				  r->feed->look_back > r->overlap);
		}
		check_any_resource(*c);
	}
	ck_assert_uint_ge(count, 8);
}
END_TEST

START_TEST(unknown_names_are_null)
{
	ck_assert_ptr_null(connector_find(TEXT("nope")));
	ck_assert_ptr_null(connector_find(TEXT("")));
	ck_assert_ptr_null(connector_action(connector("slack"), TEXT("pots")));
	ck_assert_ptr_null(connector_resource(connector("slack"), TEXT("workspaces")));
	ck_assert_ptr_null(connectors_event(TEXT("kantata.workspace.nope")));
	ck_assert_ptr_null(connectors_event(TEXT("hindsite.webhook.")));
	ck_assert_ptr_null(connectors_event(TEXT("hindsite.webhook")));
	ck_assert_ptr_null(connectors_event(TEXT("hindsite.webhook.a.b")));
	ck_assert_str_eq(connectors_event(TEXT("hindsite.webhook.form_completed"))->name,
			 "hindsite.webhook.*");
	ck_assert_str_eq(connectors_event(TEXT("kantata.feed.story.created"))->name,
			 "kantata.feed.*.*");
	ck_assert_ptr_null(connectors_event(TEXT("kantata.feed.story")));
	ck_assert_ptr_null(connectors_event(TEXT("kantata.feed..created")));
	ck_assert_ptr_null(connectors_event(TEXT("kantata.feed.story.")));
	ck_assert_ptr_null(connectors_event(TEXT("kantata.feed.story.created.twice")));
}
END_TEST

START_TEST(fields_by_path)
{
	const struct object_kind *kind = connectors_event(TEXT("kantata.workspace.updated"))->kind;

	ck_assert_int_eq(object_kind_field(kind, TEXT("status.key"))->type, FIELD_TEXT);
	ck_assert_ptr_null(object_kind_field(kind, TEXT("status.nope")));
	ck_assert_str_eq(object_kind_nearest(kind, TEXT("status.nope"))->name, "status");
	ck_assert_str_eq(object_kind_nearest(kind, TEXT("creator.full_name"))->ask,
			 "include=creator");
	ck_assert_str_eq(object_kind_nearest(kind, TEXT("creator.a.b.c"))->name, "creator");
	ck_assert_ptr_null(object_kind_nearest(kind, TEXT("creatorx.a")));
	ck_assert_ptr_null(object_kind_nearest(kind, TEXT("")));
	ck_assert_ptr_null(object_kind_nearest(kind, TEXT(".")));
}
END_TEST

/* ---- typing ---- */

static struct value typed(const char *event, const char *json)
{
	return object_kind_typed(connectors_event(text_of(event))->kind, arena,
				 parsed(text_of(json)));
}

#define WORKSPACE "kantata.workspace.updated"
#define WORK_SET  "hindsite.work_set.updated"

static void check_kind_at(struct value v, const char *path, enum value_kind kind)
{
	const struct value *found = value_path(v, text_of(path));

	ck_assert_msg(found != NULL && found->kind == kind, "%s: %s", path, at(v, path));
}

START_TEST(known_fields_get_their_types)
{
	struct value v =
	    typed(WORKSPACE,
		  "{\"id\":7,\"account_id\":70001,\"percent_of_budget_used\":96,"
		  "\"price_in_cents\":5e2,\"status\":{\"key\":305,\"other\":1},\"due_date\":"
		  "\"2026-12-18\",\"created_at\":\"2026-03-02T09:00:00-07:00\",\"unknown\":1}");

	ck_assert_str_eq(at(v, "id"), "\"7\"");
	ck_assert_str_eq(at(v, "account_id"), "\"70001\"");
	check_kind_at(v, "percent_of_budget_used", VALUE_DOUBLE);
	check_kind_at(v, "price_in_cents", VALUE_INT);
	ck_assert_str_eq(at(v, "status.key"), "\"305\"");
	check_kind_at(v, "status.other", VALUE_INT);
	check_kind_at(v, "unknown", VALUE_INT);
	check_kind_at(v, "due_date", VALUE_TEXT);
	check_kind_at(v, "created_at", VALUE_TIMESTAMP);
	ck_assert_str_eq(at(v, "created_at"), "\"2026-03-02T16:00:00Z\"");
}
END_TEST

START_TEST(what_does_not_fit_stays)
{
	struct value v =
	    typed(WORKSPACE, "{\"id\":null,\"account_id\":[1],\"percent_of_budget_used\":\"96\","
			     "\"price_in_cents\":1.5,\"status\":7,\"created_at\":\"yesterday\","
			     "\"updated_at\":7,\"archived\":\"no\",\"title\":true,"
			     "\"budget_used_in_cents\":1e300}");

	ck_assert_str_eq(at(v, "id"), "null");
	ck_assert_str_eq(at(v, "account_id"), "[1]");
	ck_assert_str_eq(at(v, "percent_of_budget_used"), "\"96\"");
	ck_assert_str_eq(at(v, "price_in_cents"), "1.5");
	ck_assert_str_eq(at(v, "status"), "7");
	ck_assert_str_eq(at(v, "created_at"), "\"yesterday\"");
	ck_assert_str_eq(at(v, "updated_at"), "7");
	ck_assert_str_eq(at(v, "archived"), "\"no\"");
	ck_assert_str_eq(at(v, "title"), "true");
	check_kind_at(v, "budget_used_in_cents", VALUE_DOUBLE);
	ck_assert_int_eq(typed(WORKSPACE, "null").kind, VALUE_NULL);
	ck_assert_int_eq(typed(WORKSPACE, "[1]").kind, VALUE_LIST);
	ck_assert_str_eq(json_of(typed(WORKSPACE, "{}")), "{}");
}
END_TEST

START_TEST(unix_and_iso_times_are_one)
{
	struct value a = typed(WORK_SET, "{\"id\":\"x\",\"started_at\":1795309825}");
	struct value b =
	    typed(WORK_SET, "{\"id\":\"x\",\"started_at\":\"2026-11-22T01:10:25.250Z\"}");
	struct value c = typed(WORK_SET, "{\"id\":\"x\",\"started_at\":1795309825.0}");

	check_kind_at(a, "started_at", VALUE_TIMESTAMP);
	ck_assert(value_equal(a, b));
	ck_assert(value_equal(a, c));
	check_kind_at(typed(WORK_SET, "{\"started_at\":99999999999999}"), "started_at", VALUE_INT);
	check_kind_at(typed(WORK_SET, "{\"started_at\":1e300}"), "started_at", VALUE_DOUBLE);
	check_kind_at(typed(WORK_SET, "{\"started_at\":null}"), "started_at", VALUE_NULL);
}
END_TEST

/* Also through JSON, as snapshots go. */
START_TEST(typing_twice_is_typing_once)
{
	struct value once = typed(WORK_SET, recorded("hindsite_start.json").s);
	struct text json;

	json_of(once);
	json = text_dup(arena, buf_view(&out));
	ck_assert(value_equal(once, typed(WORK_SET, json.s)));
	once = typed(WORKSPACE, "{\"id\":7,\"percent_of_budget_used\":96,\"created_at\":"
				"\"2026-03-02T09:00:00.5-07:00\",\"status\":{\"key\":305}}");
	json_of(once);
	json = text_dup(arena, buf_view(&out));
	ck_assert(value_equal(once, typed(WORKSPACE, json.s)));
}
END_TEST

START_TEST(odd_keys_are_no_fields)
{
	struct value v = typed(WORKSPACE, "{\"id\\u0000\":7,\"\":1,\"status.key\":5,\"status\":{"
					  "\"key.x\":1,\"\":2},\"i\":3,\"idx\":4}");

	ck_assert_str_eq(json_of(v),
			 "{\"id\\u0000\":7,\"\":1,\"status.key\":\"5\",\"status\":{\"key.x\":1,"
			 "\"\":2},\"i\":3,\"idx\":4}");
}
END_TEST

/* ---- helpers ---- */

START_TEST(urls_are_encoded)
{
	struct buf url;

	buf_init(&url, KIB);
	url_encode(&url, TEXT("aZ09-._~ /?#[]@!$&'()*+,;=%\"\xc3\xbc\x00"));
	ck_assert_str_eq(buf_cstr(&url), "aZ09-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C"
					 "%3B%3D%25%22%C3%BC%00");
	buf_fini(&url);
}
END_TEST

START_TEST(long_ids_and_urls_are_refused)
{
	struct request request = { .method = "GET" };
	char id[LIMIT_ID + 1];
	struct buf url;

	memset(id, 'x', sizeof(id));
	buf_init(&url, 100);
	ck_assert_int_eq(url_segment(&call, &url, (struct text){ id, sizeof(id) }), FATE_REJECT);
	ck_assert_int_eq(url_segment(&call, &url, (struct text){ id, sizeof(id) - 1 }), FATE_OK);
	ck_assert_int_eq(request_url(&call, &request, &url), FATE_REJECT);
	buf_fini(&url);
}
END_TEST

START_TEST(forms_are_encoded)
{
	struct request request = { .method = "POST" };

	ck_assert_int_eq(request_form(&call, &request,
				      parsed(TEXT("{\"a b\":\"x&y=z\",\"n\":1.0,\"t\":true,"
						  "\"none\":null,\"l\":[1,\"\xc3\xbc\"]}"))),
			 FATE_OK);
	ck_assert(text_is(request.body, "a%20b=x%26y%3Dz&n=1&t=true&l=1&l=%C3%BC"));
	ck_assert_str_eq(request.content_type, "application/x-www-form-urlencoded");
	ck_assert_int_eq(request_form(&call, &request, parsed(TEXT("{\"a\":{\"b\":1}}"))),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "a: a map can't stand here");
	ck_assert_int_eq(request_form(&call, &request, parsed(TEXT("{\"a\":[[1]]}"))), FATE_REJECT);
	ck_assert_int_eq(request_form(&call, &request, parsed(TEXT("[1]"))), FATE_REJECT);
}
END_TEST

START_TEST(large_bodies_are_refused)
{
	struct request request = { .method = "POST" };
	size_t n = LIMIT_REQUEST;
	char *much = arena_alloc(arena, n);

	memset(much, 'x', n);
	ck_assert_int_eq(request_json(&call, &request, value_text((struct text){ much, n })),
			 FATE_REJECT);
	ck_assert_int_eq(request_json(&call, &request, value_text((struct text){ much, n - 2 })),
			 FATE_OK);
}
END_TEST

START_TEST(reasons_are_utf8)
{
	char much[400];

	for (size_t i = 0; i + 2 < sizeof(much); i += 2)
		memcpy(much + i, "\xc3\xbc", 3);
	ck_assert_int_eq(call_fail(&call, FATE_RETRY, "%s", much), FATE_RETRY);
	ck_assert_uint_eq(strlen(call.why), sizeof(call.why) - 2);
	ck_assert(text_is_utf8(text_of(call.why)));
	ck_assert_int_eq(call_fail(&call, FATE_REJECT, "a\xff\xfe z"), FATE_REJECT);
	ck_assert_str_eq(call.why, "a?? z");
	ck_assert_uint_eq(words_cut((struct text){ much, 398 }).n, 398);
}
END_TEST

START_TEST(words_are_cut_between_characters)
{
	char much[2 * LIMIT_WORDS];

	memset(much, 'x', sizeof(much));
	memcpy(much + LIMIT_WORDS - 1, "\xe2\x80\x93", 3);
	ck_assert_uint_eq(words_cut((struct text){ much, sizeof(much) }).n, LIMIT_WORDS - 1);
	much[3] = (char)0xff;
	ck_assert_uint_eq(words_cut((struct text){ much, sizeof(much) }).n, 0);
}
END_TEST

START_TEST(parameters_take_their_types)
{
	static const char *const kinds[] = { "a", "b", NULL };
	static const struct param table[] = {
		{ .name = "text", .type = PARAM_TEXT },
		{ .name = "id", .type = PARAM_ID },
		{ .name = "int", .type = PARAM_INT },
		{ .name = "number", .type = PARAM_NUMBER },
		{ .name = "date", .type = PARAM_DATE },
		{ .name = "any", .type = PARAM_ANY },
		{ .name = "list", .type = PARAM_LIST },
		{ .name = "flag", .type = PARAM_BOOL },
		{ .name = "kind", .type = PARAM_CHOICE, .choices = kinds },
		{ .name = NULL },
	};
	struct value_map_builder map;
	struct value v;

	ck_assert_int_eq(params_fit(&call, table,
				    parsed(TEXT("{\"text\":1.0,\"id\":18446744073709551615,"
						"\"int\":305.0,\"number\":1.5,\"any\":{\"x\":[]},"
						"\"list\":[1,{}],\"flag\":false,\"kind\":\"b\","
						"\"date\":null}")),
				    &v),
			 FATE_OK);
	ck_assert_str_eq(json_of(v), "{\"text\":\"1\",\"id\":\"18446744073709551615\",\"int\":305,"
				     "\"number\":1.5,\"any\":{\"x\":[]},\"list\":[1,{}],"
				     "\"flag\":false,\"kind\":\"b\"}");
	value_map_begin(&map, arena);
	value_map_set(&map, "date", value_timestamp_ms(INT64_C(1795309825000)));
	ck_assert_int_eq(params_fit(&call, table, value_map_end(&map), &v), FATE_OK);
	ck_assert_str_eq(json_of(v), "{\"date\":\"2026-11-22\"}");
	value_map_begin(&map, arena);
	value_map_set(&map, "number", value_double(1e308 * 10));
	ck_assert_int_eq(params_fit(&call, table, value_map_end(&map), &v), FATE_REJECT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors");
	TCase *cases = tcase_create("connectors");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, every_row_is_whole);
	tcase_add_test(cases, unknown_names_are_null);
	tcase_add_test(cases, fields_by_path);
	tcase_add_test(cases, known_fields_get_their_types);
	tcase_add_test(cases, what_does_not_fit_stays);
	tcase_add_test(cases, unix_and_iso_times_are_one);
	tcase_add_test(cases, typing_twice_is_typing_once);
	tcase_add_test(cases, odd_keys_are_no_fields);
	tcase_add_test(cases, urls_are_encoded);
	tcase_add_test(cases, long_ids_and_urls_are_refused);
	tcase_add_test(cases, forms_are_encoded);
	tcase_add_test(cases, large_bodies_are_refused);
	tcase_add_test(cases, reasons_are_utf8);
	tcase_add_test(cases, words_are_cut_between_characters);
	tcase_add_test(cases, parameters_take_their_types);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
