/* SPDX-License-Identifier: Apache-2.0
 *
 * Custom fields of Kantata by their names: how values are read, and the requests that
 * writing them takes, each with every reply's fate. */
#include "tests/unit/test_connectors_kit.h"

#define SETS                                                                                       \
	"{\"count\":2,\"results\":[{\"key\":\"custom_field_sets\",\"id\":\"1\"},"                  \
	"{\"key\":\"custom_field_sets\",\"id\":\"2\"}],\"custom_field_sets\":{"                    \
	"\"1\":{\"subject_type\":\"Workspace\",\"custom_field_ids\":[\"2\",3,\"4\",\"5\",\"6\","   \
	"\"8\",\"9\",\"99\"]},"                                                                    \
	"\"2\":{\"subject_type\":\"Story\",\"custom_field_ids\":[\"7\"]}},\"custom_fields\":{"     \
	"\"2\":{\"name\":\"PO\",\"value_type\":\"string\"},"                                       \
	"\"3\":{\"name\":\"Region\",\"value_type\":\"single\"},"                                   \
	"\"4\":{\"name\":\"Value\",\"value_type\":\"currency\"},"                                  \
	"\"5\":{\"name\":\"Go-live\",\"value_type\":\"date\"},"                                    \
	"\"6\":{\"name\":\"Seats\",\"value_type\":\"number\"},"                                    \
	"\"7\":{\"name\":\"PO\",\"value_type\":\"string\"},"                                       \
	"\"8\":{\"name\":\"Twice\",\"value_type\":\"string\"},"                                    \
	"\"9\":{\"name\":\"Twice\",\"value_type\":\"string\"}}}"

#define CHOICES                                                                                    \
	"{\"count\":2,\"results\":[{\"key\":\"custom_field_choices\",\"id\":31},"                  \
	"{\"key\":\"custom_field_choices\",\"id\":\"32\"}],\"custom_field_choices\":{"             \
	"\"31\":{\"custom_field_id\":\"3\",\"label\":\"EMEA\"},"                                   \
	"\"32\":{\"custom_field_id\":\"3\",\"label\":\"Americas\"}}}"

#define ASK_SETS    "GET /custom_field_sets?include=custom_fields&per_page=200"
#define ASK_CHOICES "GET /custom_field_choices?active=true&for_custom_fields=3&per_page=200"

/* What the step's own request would bring. */
#define PROJECT                                                                                    \
	"{\"count\":1,\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"7\":{" \
	"\"id\":\"7\",\"title\":\"about custom_field_sets\"}}}"

static const char *update_with(const char *custom)
{
	struct text json = text_printf(arena, "{\"id\":7,\"workspace\":{\"custom\":{%s}}}", custom);
	const char *request = built("kantata", "workspace.update", json.s);

	if (!value_is(kept, VALUE_NULL))
		call.gathered = kept;
	return request;
}

/* Reads a reply of definitions, and goes on with what it gives. */
static void gather(const char *body)
{
	struct reading r;

	ck_assert_msg(read_reply("kantata", "workspace.update", 200, "application/json",
				 text_of(body), &r) == FATE_OK,
		      "%s", call.why);
	ck_assert(r.more);
	ck_assert_ptr_null(r.kind);
	call.gathered = parsed(text_dup(arena, text_of(json_of(r.result))));
}

static enum fate fate_of(const char *body)
{
	struct reading r;

	return read_reply("kantata", "workspace.create", 200, "application/json", text_of(body),
			  &r);
}

START_TEST(values_are_read_by_name)
{
	struct reading r;

	ck_assert_int_eq(
	    read_reply(
		"kantata", "workspace.show", 200, "application/json",
		TEXT("{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"7\":{"
		     "\"id\":\"7\",\"custom_field_value_ids\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\","
		     "\"7\",\"8\",\"9\"]}},\"custom_field_values\":{"
		     "\"1\":{\"custom_field_id\":\"9\",\"custom_field_name\":\"PO\",\"type\":"
		     "\"string\",\"value\":\"late\"},"
		     "\"2\":{\"custom_field_id\":\"2\",\"custom_field_name\":\"PO\",\"type\":"
		     "\"string\",\"value\":\"early\"},"
		     "\"3\":{\"custom_field_name\":\"Value\",\"type\":\"currency\",\"value\":[5,"
		     "\"USD\"]},"
		     "\"4\":{\"custom_field_name\":\"Seats\",\"type\":\"number\",\"value\":\"12\"},"
		     "\"5\":{\"custom_field_name\":\"Region\",\"type\":\"single\",\"value\":[31],"
		     "\"display_value\":\"EMEA\"},"
		     "\"6\":{\"custom_field_name\":\"Two\",\"type\":\"multi\",\"value\":[1,2],"
		     "\"display_value\":\"A, B\"},"
		     "\"7\":{\"custom_field_name\":\"One\",\"type\":\"multi\",\"value\":\"x\","
		     "\"selected_choice_ids\":[\"1\"],\"display_value\":\"A, B\"},"
		     "\"8\":{\"custom_field_name\":\"None\",\"type\":\"date\",\"value\":null},"
		     "\"9\":7}}"),
		&r),
	    FATE_OK);
	ck_assert_str_eq(at(r.result, "custom"),
			 "{\"PO\":\"early\",\"Value\":{\"cents\":5,\"currency\":\"USD\"},"
			 "\"Seats\":12,\"Region\":\"EMEA\",\"Two\":[\"A\",\"B\"],\"One\":[\"A, "
			 "B\"],\"None\":null}");
	ck_assert(value_is(*value_path(r.object, TEXT("custom_field_values")), VALUE_LIST));
}
END_TEST

/* 200 projects of a page have their fields each: reading one must not take an arena's worth. */
START_TEST(many_values_take_little_memory)
{
	struct reading r;
	struct buf b;
	size_t used;

	buf_init(&b, MIB);
	buf_str(&b, "{\"results\":[{\"key\":\"workspaces\",\"id\":\"7\"}],\"workspaces\":{\"7\":{"
		    "\"id\":\"7\",\"custom_field_value_ids\":[");
	for (int i = 1; i <= LIMIT_CUSTOM_VALUES; i++)
		buf_printf(&b, "%s\"%d\"", i > 1 ? "," : "", i);
	buf_str(&b, "]}},\"custom_field_values\":{");
	for (int i = 1; i <= LIMIT_CUSTOM_VALUES; i++)
		buf_printf(&b,
			   "%s\"%d\":{\"custom_field_id\":%d,\"custom_field_name\":\"F%d\","
			   "\"type\":\"string\",\"value\":\"x\"}",
			   i > 1 ? "," : "", i, i, i);
	buf_str(&b, "}}");
	used = arena_used(arena);
	ck_assert_int_eq(
	    read_reply("kantata", "workspace.show", 200, "application/json", buf_view(&b), &r),
	    FATE_OK);
	ck_assert_uint_eq(value_get(r.result, TEXT("custom"))->n, LIMIT_CUSTOM_VALUES);
	ck_assert_uint_lt(arena_used(arena) - used, 512 * KIB);
	buf_fini(&b);
}
END_TEST

START_TEST(a_step_reads_definitions_first)
{
	ck_assert_str_eq(update_with("\"PO\":1,\"Region\":\"EMEA\""), ASK_SETS);
	gather(SETS);
	ck_assert_str_eq(update_with("\"PO\":1,\"Region\":\"EMEA\""), ASK_CHOICES);
	gather(CHOICES);
	ck_assert_str_eq(
	    update_with("\"PO\":1,\"Region\":[\"EMEA\"],\"Value\":[500,\"USD\"],\"Go-live\":"
			"\"2027-01-31\",\"Seats\":\"12\""),
	    "PUT /workspaces/7 (application/json) {\"workspace\":{\"custom_fields\":["
	    "{\"custom_field_id\":\"2\",\"value\":\"1\"},"
	    "{\"custom_field_id\":\"3\",\"value\":[\"31\"]},"
	    "{\"custom_field_id\":\"4\",\"value\":[500,\"USD\"]},"
	    "{\"custom_field_id\":\"5\",\"value\":\"2027-01-31\"},"
	    "{\"custom_field_id\":\"6\",\"value\":\"12\"}]}}");
}
END_TEST

START_TEST(no_choices_no_second_request)
{
	call.gathered = value_null();
	ck_assert_str_eq(update_with("\"PO\":1"), ASK_SETS);
	gather(SETS);
	ck_assert_str_eq(update_with("\"PO\":null"),
			 "PUT /workspaces/7 (application/json) {\"workspace\":{\"custom_fields\":["
			 "{\"custom_field_id\":\"2\",\"value\":null}]}}");
	ck_assert_str_eq(built("kantata", "workspace.create_many",
			       "{\"workspaces\":[{\"title\":\"A\",\"custom\":{\"PO\":\"x\"}},{"
			       "\"title\":\"B\"}]}"),
			 "POST /workspaces (application/json) {\"workspaces\":[{\"title\":\"A\","
			 "\"custom_fields\":[{\"custom_field_id\":\"2\",\"value\":\"x\"}]},{"
			 "\"title\":\"B\"}]}");
}
END_TEST

START_TEST(without_names_it_is_one_request)
{
	ck_assert_str_eq(update_with(""), "PUT /workspaces/7 (application/json) {\"workspace\":{"
					  "\"custom_fields\":[]}}");
	ck_assert_str_eq(built("kantata", "workspace.create", "{\"workspace\":{\"title\":\"A\"}}"),
			 "POST /workspaces (application/json) {\"workspace\":{\"title\":\"A\"}}");
}
END_TEST

START_TEST(what_does_not_fit_is_named)
{
	static const char *const cases[][2] = {
		{ "\"Po\":1", "reject: custom.Po: no custom field of projects has this name, or "
			      "the token's user may not see it" },
		{ "\"Twice\":1", "reject: custom.Twice: 2 custom fields of projects have this "
				 "name; give custom_fields with the id" },
		{ "\"PO\":{}", "reject: custom.PO must be text, not map" },
		{ "\"Seats\":1.5", "reject: custom.Seats must be a whole number, not double" },
		{ "\"Region\":\"APAC\"", "reject: custom.Region: there is no choice \"APAC\"" },
		{ "\"Region\":{}", "reject: custom.Region: there is no choice \"\"" },
		{ "\"Region\":[\"EMEA\",\"EMEA\"]",
		  "reject: custom.Region takes one choice, not 2" },
		{ "\"Value\":{\"cents\":5}", "reject: custom.Value must be cents and a currency: { "
					     "cents: 5000, currency: USD }" },
		{ "\"Value\":[\"a\",\"USD\"]", "reject: custom.Value must be a whole number, not "
					       "\"a\"" },
	};

	ck_assert_str_eq(update_with("\"PO\":1"), ASK_SETS);
	gather(SETS);
	ck_assert_str_eq(update_with("\"Region\":\"EMEA\""), ASK_CHOICES);
	gather(CHOICES);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(update_with(cases[i][0]), cases[i][1]);
	ck_assert_str_eq(
	    built("kantata", "workspace.update",
		  "{\"id\":7,\"workspace\":{\"custom\":{\"PO\":\"1\"},\"custom_fields\":"
		  "[{\"custom_field_id\":2,\"value\":\"2\"}]}}"),
	    "reject: custom.PO: custom_fields has it, too");
	ck_assert_str_eq(
	    built("kantata", "workspace.update", "{\"id\":7,\"workspace\":{\"custom\":[]}}"),
	    "reject: workspace.custom must be a map, not list");
}
END_TEST

START_TEST(definitions_have_pages)
{
	ck_assert_str_eq(update_with("\"PO\":1"), ASK_SETS);
	gather("{\"count\":3,\"results\":[{\"key\":\"custom_field_sets\",\"id\":\"1\"}],"
	       "\"custom_field_sets\":{\"1\":{\"subject_type\":\"Workspace\",\"custom_field_ids\":["
	       "\"2\"]}},\"custom_fields\":{\"2\":{\"name\":\"A\",\"value_type\":\"string\"}}}");
	ck_assert_str_eq(update_with("\"PO\":1"),
			 "GET /custom_field_sets?include=custom_fields&limit=200&offset=1");
	gather(SETS);
	ck_assert_str_eq(update_with("\"A\":\"x\""),
			 "PUT /workspaces/7 (application/json) {\"workspace\":{\"custom_fields\":["
			 "{\"custom_field_id\":\"2\",\"value\":\"x\"}]}}");
}
END_TEST

START_TEST(each_reply_has_its_fate)
{
	static const struct {
		const char *body;
		enum fate fate;
	} cases[] = {
		{ "{\"count\":0,\"results\":[],\"custom_field_sets\":{}}", FATE_OK },
		{ "{\"count\":1,\"results\":[],\"custom_field_sets\":{}}", FATE_RETRY },
		{ "{\"count\":1,\"results\":[7],\"custom_field_sets\":{}}", FATE_RETRY },
		{ "{\"results\":[],\"custom_field_sets\":{}}", FATE_RETRY },
		{ "{\"count\":5001,\"results\":[],\"custom_field_sets\":{}}", FATE_REJECT },
		{ "{\"count\":0,\"results\":[],\"custom_field_choices\":{}}", FATE_RETRY },
		{ "{\"count\":0,\"results\":[]}", FATE_RETRY },
		{ PROJECT, FATE_RETRY },
		{ "{\"errors\":[{\"message\":\"custom_field_sets\"}]}", FATE_REJECT },
		{ "{\"custom_field_sets\":{}", FATE_RETRY },
		{ "{\"custom_field_sets\":7}", FATE_RETRY },
	};

	ck_assert_str_eq(update_with("\"PO\":1"), ASK_SETS);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(fate_of(cases[i].body) == cases[i].fate, "%s: %s", cases[i].body,
			      call.why);
	for (size_t n = 1; n < sizeof(SETS) - 2; n += 7)
		ck_assert_int_eq(fate_of(text_printf(arena, "%.*s", (int)n, SETS).s), FATE_RETRY);
}
END_TEST

/* Also behind the sets, where only some steps ask for choices. */
START_TEST(a_project_is_no_choice)
{
	ck_assert_str_eq(update_with("\"Region\":\"EMEA\""), ASK_SETS);
	gather(SETS);
	ck_assert_str_eq(update_with("\"Region\":\"EMEA\""), ASK_CHOICES);
	ck_assert_int_eq(fate_of(PROJECT), FATE_RETRY);
	ck_assert_str_eq(call.why, "result 1 is none of custom_field_choices");
	gather(CHOICES);
	ck_assert_int_eq(strncmp(update_with("\"Region\":\"EMEA\""), "PUT /workspaces/7 ", 18), 0);
	/* The reply to that is the project, whatever it is about. */
	ck_assert_int_eq(fate_of(PROJECT), FATE_OK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_kantata_custom");
	TCase *cases = tcase_create("kantata_custom");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, values_are_read_by_name);
	tcase_add_test(cases, many_values_take_little_memory);
	tcase_add_test(cases, a_step_reads_definitions_first);
	tcase_add_test(cases, no_choices_no_second_request);
	tcase_add_test(cases, without_names_it_is_one_request);
	tcase_add_test(cases, what_does_not_fit_is_named);
	tcase_add_test(cases, definitions_have_pages);
	tcase_add_test(cases, each_reply_has_its_fate);
	tcase_add_test(cases, a_project_is_no_choice);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
