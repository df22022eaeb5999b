/* SPDX-License-Identifier: Apache-2.0
 *
 * What actions write: the tables hang together, and parameters become fields as they
 * are read. */
#include "tests/unit/test_connectors_kit.h"

static const struct param *member_of(const struct param *table, const char *name)
{
	for (; table != NULL && table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static void check_row(const char *where, const struct writes *w, const struct param *body,
		      const struct write_field *row)
{
	ck_assert_msg(row->member == NULL || member_of(body, row->member) != NULL, "%s: %s", where,
		      row->member);
	ck_assert_msg(row->field == NULL || object_kind_field(w->kind, text_of(row->field)) != NULL,
		      "%s: %s", where, row->field);
	ck_assert_msg(row->member != NULL || row->turns || row->value != NULL, "%s: %s", where,
		      row->field);
	for (const char *const *also = row->also; also != NULL && *also != NULL; also++)
		ck_assert_msg(object_kind_field(w->kind, text_of(*also)) != NULL, "%s: %s", where,
			      *also);
}

static void check_writes(const char *where, const struct action *a)
{
	const struct writes *w = a->writes;
	const struct param *body = a->params;

	ck_assert_msg(w->id == NULL || member_of(a->params, w->id) != NULL, "%s", where);
	ck_assert_msg(w->how != WRITES_END || w->id != NULL, "%s", where);
	if (w->body != NULL && w->body[0] != '\0') {
		ck_assert_msg(member_of(a->params, w->body) != NULL, "%s", where);
		body = member_of(a->params, w->body)->members;
	}
	for (const struct write_field *row = w->fields;
	     row != NULL && (row->member != NULL || row->field != NULL); row++)
		check_row(where, w, body, row);
}

START_TEST(rows_name_what_there_is)
{
	size_t count = 0;

	for (const struct connector *const *c = connectors_all(); *c != NULL; c++)
		for (const struct action *a = (*c)->actions; a->name != NULL; a++) {
			if (a->writes == NULL)
				continue;
			check_writes(a->name, a);
			count++;
		}
	ck_assert_uint_ge(count, 13);
}
END_TEST

static struct wrote wrote(const char *product, const char *action, const char *params)
{
	return action_wrote(connector_action(connector(product), text_of(action)), arena,
			    parsed(text_of(params)));
}

START_TEST(parameters_become_fields)
{
	struct wrote w =
	    wrote("kantata", "workspace.update",
		  "{\"id\":7,\"include\":[\"creator\"],\"workspace\":{\"status_key\":305,\"title\":"
		  "\" Acme \",\"due_date\":\"2026-12-18\",\"approver_id\":null,\"custom\":{\"PO "
		  "number\":4711,\"Tags\":[\"b\",\"a\"]},\"external_reference\":{\"service_name\":"
		  "\"x\"},\"project_tracker_template_id\":\"5\"}}");

	ck_assert_str_eq(w.id.s, "7");
	ck_assert_str_eq(json_of(w.set),
			 "{\"status.key\":\"305\",\"title\":\"Acme\",\"due_date\":\"2026-12-18\","
			 "\"effective_due_date\":\"2026-12-18\",\"approver_id\":\"\",\"custom.PO "
			 "number\":\"4711\",\"custom.Tags\":\"[\\\"a\\\"\\\"b\\\"]\"}");
	ck_assert(strstr(json_of(w.also), "status.message") != NULL);
	ck_assert(strstr(json_of(w.also), "custom_field_values") != NULL);
}
END_TEST

START_TEST(some_writes_have_no_value_ahead)
{
	struct wrote w = wrote("hindsite", "work_set.start", "{\"id\":\"01J\",\"asset_id\":3}");

	ck_assert_str_eq(w.id.s, "01J");
	ck_assert_str_eq(json_of(w.set), "{\"asset_id\":\"3\"}");
	ck_assert_str_eq(json_of(w.any), "[\"started_at\"]");
	w = wrote("kantata", "workspace.unarchive_with_approvals", "{\"id\":\"7\"}");
	ck_assert_str_eq(json_of(w.set), "{\"archived\":\"false\"}");
	w = wrote("kantata", "workspace.create", "{\"workspace\":{\"title\":\"x\"}}");
	ck_assert_uint_eq(w.id.n, 0); /* nobody knows yet */
	w = wrote("kantata", "workspace.show", "{\"id\":\"7\"}");
	ck_assert_uint_eq(w.id.n, 0);
	/* A body that is no map writes nothing. */
	w = wrote("kantata", "workspace.update", "{\"id\":\"7\",\"workspace\":[1]}");
	ck_assert_str_eq(json_of(w.set), "{}");
}
END_TEST

/* Templates give any type; what is remembered is what is sent. */
START_TEST(parameters_are_remembered_as_they_are_sent)
{
	struct value_map_builder b, fields, custom;
	const struct value when = { .kind = VALUE_TIMESTAMP, .i = 1806487200 };
	struct wrote w;

	value_map_begin(&custom, arena);
	value_map_set(&custom, "Go-live", when); /* a day or a time: the field's type says which */
	value_map_set(&custom, "Value", parsed(TEXT("[1999.0,\"EUR\"]")));
	value_map_set(&custom, "Sizes", parsed(TEXT("[1,2]")));
	value_map_begin(&fields, arena);
	value_map_set(&fields, "due_date", when);
	value_map_set(&fields, "status_key", value_text(TEXT("305")));
	value_map_set(&fields, "price", value_double(5000));
	value_map_set(&fields, "custom", value_map_end(&custom));
	value_map_begin(&b, arena);
	value_map_set(&b, "id", value_int(7));
	value_map_set(&b, "workspace", value_map_end(&fields));
	w = action_wrote(connector_action(connector("kantata"), TEXT("workspace.update")), arena,
			 value_map_end(&b));
	ck_assert_str_eq(w.id.s, "7");
	ck_assert_str_eq(
	    json_of(w.set),
	    "{\"due_date\":\"2027-03-31\",\"effective_due_date\":\"2027-03-31\","
	    "\"status.key\":\"305\",\"price_in_cents\":\"5000\",\"custom.Value.cents\":"
	    "\"1999\",\"custom.Value.currency\":\"EUR\",\"custom.Sizes\":"
	    "\"[\\\"1\\\"\\\"2\\\"]\"}");
	ck_assert_str_eq(json_of(w.any), "[\"custom.Go-live\"]");
}
END_TEST

static const char *token(const char *json)
{
	return written_token(arena, parsed(text_of(json))).s;
}

START_TEST(tokens_compare_what_means_the_same)
{
	char longest[400] = "\"", other[400];

	ck_assert_str_eq(token("305"), token("\"305\""));
	ck_assert_str_eq(token("20.0"), token("20"));
	ck_assert_str_eq(token("null"), token("\"\""));
	ck_assert_str_eq(token("true"), "true");
	ck_assert_str_eq(token("\" a\\n\""), "a");
	ck_assert_str_eq(token("[2,\"1\"]"), token("[\"1\",\"2\"]"));
	ck_assert_str_eq(token("{\"b\":1,\"a\":2}"), token("{\"a\":2,\"b\":1}"));
	ck_assert_str_eq(token("[]"), token("null"));
	ck_assert_str_eq(token("[7]"), token("\"7\""));
	ck_assert_str_eq(token("[\"a\",\"b\",\"a\"]"), token("[\"b\",\"a\"]"));
	ck_assert_str_ne(token("[\"a\",\"b\"]"), token("[\"a\",\"c\"]"));
	ck_assert_str_eq(token("\"one\\r\\ntwo\""), token("\"one\\ntwo\""));
	ck_assert_str_ne(token("\"one\\rtwo\""), token("\"onetwo\""));
	ck_assert_str_ne(token("[\"a\",\"b\"]"), token("[\"a\\\"\\\"b\"]"));
	memset(longest + 1, 'x', 300);
	(void)strcpy(longest + 301, "\"");
	(void)strcpy(other, longest);
	other[300] = 'y';
	ck_assert_uint_lt(strlen(token(longest)), 40);
	ck_assert_str_ne(token(longest), token(other));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("connectors_writes");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rows_name_what_there_is);
	tcase_add_test(tc, parameters_become_fields);
	tcase_add_test(tc, some_writes_have_no_value_ahead);
	tcase_add_test(tc, parameters_are_remembered_as_they_are_sent);
	tcase_add_test(tc, tokens_compare_what_means_the_same);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());

	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
