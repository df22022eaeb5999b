/* SPDX-License-Identifier: Apache-2.0
 *
 * Polls of any JSON list: settings that fit and that don't, the requests for each page,
 * replies as they should be and as they must not be, and where the next page may be. */
#include "engine/connectors/http_parts.h"
#include "tests/unit/test_connectors_kit.h"

static void based(const char *base)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_set(&b, "base_url", value_text(text_of(base)));
	call.settings = value_map_end(&b);
}

static struct value settings(const char *json)
{
	return parsed(text_of(json));
}

/* ---- settings ---- */

static const char *fits(const char *json)
{
	const char *where = "";

	call.why[0] = '\0';
	buf_clear(&out);
	if (http_list.fits(&call, settings(json), &where))
		return "fits";
	buf_printf(&out, "%s: %s", where, call.why);
	return buf_cstr(&out);
}

/* A validator needs a place among the headers. */
START_TEST(a_header_is_left_for_the_validator)
{
	struct page_ask ask = { .etag = TEXT("\"e\"") };
	struct request request;
	struct buf json;

	for (int n = 23; n <= 24; n++) {
		buf_init(&json, 64 * KIB);
		buf_str(&json, "{\"path\":\"/a\",\"headers\":{");
		for (int i = 0; i < n; i++)
			buf_printf(&json, "%s\"X-%d\":\"a\"", i > 0 ? "," : "", i);
		buf_str(&json, "}}");
		ck_assert_str_eq(fits(buf_cstr(&json)),
				 n == 23 ? "fits"
					 : "headers: too many headers: one is ours, see "
					   "conditional");
		if (n == 23) {
			ask.settings = settings(buf_cstr(&json));
			ck_assert_int_eq(http_list.ask(&call, &ask, &request), FATE_OK);
			ck_assert_uint_eq(request.header_count, 24);
		}
		buf_fini(&json);
	}
}
END_TEST

START_TEST(settings_fit_or_not)
{
	static const struct {
		const char *json, *words;
	} all[] = {
		{ "{\"path\":\"/a?b=c\"}", "fits" },
		{ "{\"path\":\"a\"}", "path: path begins with /" },
		{ "{\"path\":\"/a b\"}", "path: path has characters" },
		{ "{\"path\":\"/a/../b\"}", "path: path must not" },
		{ "{\"path\":\"/a\",\"items\":\"\"}", "items: a path is names" },
		{ "{\"path\":\"/a\",\"id\":\"a..b\"}", "id: a path is names" },
		{ "{\"path\":\"/a\",\"ignore\":[7]}", "ignore: ignore lists paths" },
		{ "{\"path\":\"/a\",\"query\":{\"x\":{}}}", "query: x: a map" },
		{ "{\"path\":\"/a\",\"headers\":{\"Host\":\"x\"}}", "headers: header Host" },
		{ "{\"path\":\"/a\",\"headers\":{\"Authorization\":\"x\"}}", "headers: header" },
		{ "{\"path\":\"/a\",\"headers\":{\"If-None-Match\":\"x\"}}", "headers: these" },
		{ "{\"path\":\"/a\",\"headers\":{\"Accept\":\"x\"}}", "fits" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"cursor\"}}", "page: next is missing" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"link\",\"next\":\"a\"}}",
		  "page.next: next" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"url\",\"next\":\".a\"}}",
		  "page.next: a path" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"link\",\"param\":\"p\"}}",
		  "page.param: the" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"offset\",\"first\":0}}",
		  "page.first: first" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"number\",\"first\":2}}",
		  "page.first: pages" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"number\",\"size\":0}}",
		  "page.size: a size" },
		{ "{\"path\":\"/a\",\"page\":{\"by\":\"number\",\"size_param\":\"n\"}}",
		  "page.size_param: size_param needs" },
		{ "{\"path\":\"/a\",\"query\":{\"page\":1},\"page\":{\"by\":\"number\"}}",
		  "query: page sets" },
	};

	based("https://h.example/api");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *words = fits(all[i].json);

		ck_assert_msg(strncmp(words, all[i].words, strlen(all[i].words)) == 0, "%s: %s",
			      all[i].json, words);
	}
}
END_TEST

/* ---- asking ---- */

static const char *asked(const char *json, struct page_ask ask)
{
	struct request request;

	ask.kind = PAGE_SWEEP;
	ask.settings = settings(json);
	buf_clear(&out);
	ck_assert_int_eq(http_list.ask(&call, &ask, &request), FATE_OK);
	buf_printf(&out, "%s %.*s", request.method, TEXT_ARG(request.url));
	for (unsigned i = 0; i < request.header_count; i++)
		buf_printf(&out, " [%.*s: %.*s]", TEXT_ARG(request.headers[i].name),
			   TEXT_ARG(request.headers[i].value));
	return buf_cstr(&out);
}

#define FIRST  ((struct page_ask){ .pages = 0 })
#define SECOND ((struct page_ask){ .pages = 1, .offset = 20, .next = TEXT("c/2") })

START_TEST(pages_are_asked_for)
{
	based("https://h.example/api");
	ck_assert_str_eq(asked("{\"path\":\"/a\"}", FIRST), "GET /a");
	ck_assert_str_eq(asked("{\"path\":\"/a?x=1\",\"query\":{\"q\":[\"1 2\",3],\"n\":null},"
			       "\"page\":{\"by\":\"number\"}}",
			       FIRST),
			 "GET /a?x=1&q=1%202&q=3&page=1");
	ck_assert_str_eq(
	    asked("{\"path\":\"/a\",\"query\":{\"n\":null},\"page\":{\"by\":\"number\","
		  "\"first\":0,\"param\":\"p\"}}",
		  SECOND),
	    "GET /a?p=1");
	ck_assert_str_eq(asked("{\"path\":\"/a\",\"page\":{\"by\":\"offset\",\"size\":20,"
			       "\"size_param\":\"limit\"}}",
			       SECOND),
			 "GET /a?limit=20&offset=20");
	ck_assert_str_eq(
	    asked("{\"path\":\"/a\",\"page\":{\"by\":\"cursor\",\"next\":\"n\"}}", FIRST),
	    "GET /a");
	ck_assert_str_eq(
	    asked("{\"path\":\"/a\",\"page\":{\"by\":\"cursor\",\"next\":\"n\"}}", SECOND),
	    "GET /a?cursor=c%2F2");
	ck_assert_str_eq(asked("{\"path\":\"/a\",\"page\":{\"by\":\"link\"}}",
			       (struct page_ask){ .pages = 1, .next = TEXT("/b?x=1") }),
			 "GET /b?x=1");
}
END_TEST

START_TEST(validators_are_for_the_first_page)
{
	struct page_ask both = { .etag = TEXT("\"e\""), .last_modified = TEXT("then") };
	struct page_ask time = { .last_modified = TEXT("then") };

	based("https://h.example/api");
	ck_assert_str_eq(asked("{\"path\":\"/a\",\"headers\":{\"Accept\":\"x/y\"}}", both),
			 "GET /a [Accept: x/y] [If-None-Match: \"e\"]");
	ck_assert_str_eq(asked("{\"path\":\"/a\"}", time), "GET /a [If-Modified-Since: then]");
	ck_assert_str_eq(asked("{\"path\":\"/a\",\"conditional\":false}", both), "GET /a");
	both.pages = 1;
	ck_assert_str_eq(asked("{\"path\":\"/a\",\"page\":{\"by\":\"number\"}}", both),
			 "GET /a?page=2");
}
END_TEST

/* ---- reading ---- */

static bool seen(void *of, struct text id, struct text json)
{
	struct buf *rows = of;

	buf_printf(rows, "%.*s=%.*s ", TEXT_ARG(id), TEXT_ARG(json));
	return true;
}

static struct page page;

/* The rows, and how it goes on; or why not. */
static const char *read_page(const char *json, const char *body)
{
	struct page_ask ask = { .kind = PAGE_SWEEP, .settings = settings(json) };
	struct reply reply = { 200, text_of(body), TEXT("application/json") };

	call.why[0] = '\0';
	buf_clear(&out);
	if (http_list.read(&call, &ask, &reply, seen, &out, &page) != FATE_OK) {
		ck_assert_uint_eq(out.n, 0);
		return call.why;
	}
	buf_printf(&out, "%s %.*s%s", page.more ? "more" : "end", TEXT_ARG(page.next),
		   page.validates ? "!" : "");
	return buf_cstr(&out);
}

START_TEST(rows_are_found)
{
	based("https://h.example/api");
	ck_assert_str_eq(
	    read_page("{\"path\":\"/a\"}", " [{\"id\":1}, {\"id\":\"b c\",\"x\":[]}] "),
	    "1={\"id\":1} b c={\"id\":\"b c\",\"x\":[]} end !");
	ck_assert_str_eq(read_page("{\"path\":\"/a\"}", "[]"), "end !");
	ck_assert_str_eq(read_page("{\"path\":\"/a\",\"items\":\"a\"}", "\n { \"a\" : [ ] }\n"),
			 "end !");
	ck_assert_str_eq(read_page("{\"path\":\"/a\"}", "\xef\xbb\xbf[]"), "end !");
	ck_assert_str_eq(
	    read_page("{\"path\":\"/a\",\"items\":\"d.rows\",\"id\":\"k.id\"}",
		      "{\"d\":{\"n\":1,\"rows\":[{\"k\":{\"id\":18446744073709551615}}]}}"),
	    "18446744073709551615={\"k\":{\"id\":18446744073709551615}} end !");
	ck_assert_str_eq(
	    read_page("{\"path\":\"/a\",\"items\":\"a.b\"}", "{\"a.b\":[{\"id\":\"1\"}]}"),
	    "1={\"id\":\"1\"} end !");
}
END_TEST

START_TEST(what_is_no_list_says_so)
{
	static const struct {
		const char *body, *words;
	} all[] = {
		{ "", "the page is no JSON" },
		{ "{\"rows\":[{\"id\":1}", "the page is no JSON" },
		{ "<html>", "the page is no JSON" },
		{ "[]", "the page has no list at rows" },
		{ "{\"rows\":{}}", "the page has no list at rows" },
		{ "{\"rows\":null}", "the page has no list at rows" },
		{ "{\"error\":\"busy\"}", "the page has no list at rows" },
		{ "{\"rows\":[1]}", "row 1 is no object" },
		{ "{\"rows\":[{\"id\":1},{}]}", "row 2 has no id at id" },
		{ "{\"rows\":[{\"id\":null}]}", "row 1 has no id at id" },
		{ "{\"rows\":[{\"id\":\"\"}]}", "row 1 has no id at id" },
		{ "{\"rows\":[{\"id\":1.5}]}", "row 1 has no id at id" },
		{ "{\"rows\":[{\"id\":true}]}", "row 1 has no id at id" },
		{ "{\"rows\":[{\"id\":[1]}]}", "row 1 has no id at id" },
		{ "{\"rows\":[{\"id\":2},{\"id\":1},{\"id\":\"2\"}]}", "two rows have the id 2" },
		{ "{\"rows\":[{\"id\":1,\"id\":2}]}", "the page is no JSON" },
	};

	based("https://h.example/api");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *words = read_page("{\"path\":\"/a\",\"items\":\"rows\"}", all[i].body);

		ck_assert_msg(strncmp(words, all[i].words, strlen(all[i].words)) == 0, "%s: %s",
			      all[i].body, words);
	}
	ck_assert_str_eq(read_page("{\"path\":\"/a\"}", "{}"), "the page is no list");
}
END_TEST

START_TEST(a_cut_page_is_no_page)
{
	static const char whole[] = "{\"rows\":[{\"id\":1,\"a\":\"x\"},{\"id\":2}],\"next\":\"c\"}";
	char part[sizeof(whole)];

	based("https://h.example/api");
	for (size_t n = 0; n + 1 < sizeof(whole); n++) {
		memcpy(part, whole, n);
		part[n] = '\0';
		ck_assert(strncmp(read_page("{\"path\":\"/a\",\"items\":\"rows\",\"page\":{\"by\":"
					    "\"cursor\",\"next\":\"next\"}}",
					    part),
				  "the page", 8) == 0);
	}
}
END_TEST

#define ONE        "[{\"id\":1}]"
#define BY(more)   "{\"path\":\"/a\",\"items\":\"r\",\"page\":{\"by\":" more "}}"
#define WITH(next) "{\"r\":[]," next "}"

START_TEST(the_end_is_told_as_settings_say)
{
	const char *cursor = BY("\"cursor\",\"next\":\"m.c\""), *url = BY("\"url\",\"next\":\"u\"");

	based("https://h.example/api");
	ck_assert_str_eq(read_page("{\"path\":\"/a\",\"page\":{\"by\":\"number\"}}", ONE),
			 "1={\"id\":1} more ");
	ck_assert_str_eq(read_page("{\"path\":\"/a\",\"page\":{\"by\":\"number\"}}", "[]"), "end ");
	ck_assert_str_eq(
	    read_page("{\"path\":\"/a\",\"page\":{\"by\":\"offset\",\"size\":1}}", ONE),
	    "1={\"id\":1} more ");
	ck_assert_str_eq(
	    read_page("{\"path\":\"/a\",\"page\":{\"by\":\"offset\",\"size\":2}}", ONE),
	    "1={\"id\":1} end !");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":\"x\"}")), "more x");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":12}")), "more 12");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":null}")), "end !");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":\"\"}")), "end !");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":false}")), "end !");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":null")), "end !");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":{}}")),
			 "what stands at m.c is no cursor or URL");
	ck_assert_str_eq(read_page(cursor, WITH("\"m\":{\"c\":true}")),
			 "what stands at m.c is no cursor or URL");
	ck_assert_str_eq(read_page(url, WITH("\"u\":\"https://h.example/api/a?c=2\"")),
			 "more /a?c=2");
	ck_assert_str_eq(read_page(BY("\"url\",\"next\":\"@odata.nextLink\""),
				   WITH("\"@odata.nextLink\":\"a?c=2\"")),
			 "more /a?c=2");
}
END_TEST

static const char *linked(const char *fields)
{
	call.link = text_of(fields);
	return read_page("{\"path\":\"/a\",\"page\":{\"by\":\"link\"}}", "[]");
}

START_TEST(links_are_read_as_the_standard_says)
{
	based("https://h.example/api");
	ck_assert_str_eq(linked(""), "end ");
	ck_assert_str_eq(linked("<https://h.example/api/a?p=2>; rel=\"next\""), "more /a?p=2");
	ck_assert_str_eq(linked("<?p=1>; rel=prev , <?p=3> ; title=\"a;,<>\\\"\" ; REL = NEXT"),
			 "more /a?p=3");
	ck_assert_str_eq(linked("<?p=3>; rel=\"last next\", <?p=4>; rel=next"), "more /a?p=3");
	ck_assert_str_eq(linked("<?p=3>; rel=last; rel=next"), "end ");
	ck_assert_str_eq(linked("<?p=3>; rel=next; anchor=\"/x\""), "end ");
	ck_assert_str_eq(linked("<?p=3>; rel=nextish"), "end ");
	/* Empty parameters are none. */
	ck_assert_str_eq(linked("<?p=3>; rel=next;"), "more /a?p=3");
	ck_assert_str_eq(linked("<?p=3>;; rel=\"next\" ; , <?p=4>; rel=last;"), "more /a?p=3");
	ck_assert_str_eq(linked("<?p=3>;"), "end ");
	static const char *const bad[] = { "?",
					   "<?p=3",
					   "<?p=3> rel=next",
					   "<?p=3>; ;=next",
					   "<?p=3>; rel=\"next",
					   "<?p=3>; rel=next,x" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(strncmp(linked(bad[i]), "the Link header", 15) == 0, "%s", bad[i]);
	call.link = TEXT_NONE;
}
END_TEST

static const char *next(const char *asked_for, const char *reference)
{
	struct text rest;

	call.why[0] = '\0';
	if (http_next(&call, text_of(asked_for), text_of(reference), &rest) != FATE_OK)
		return call.why;
	buf_clear(&out);
	buf_text(&out, rest);
	return buf_cstr(&out);
}

#define AWAY "the next page is not beneath base_url"

START_TEST(the_next_page_stays_beneath_base_url)
{
	static const struct {
		const char *reference, *rest;
	} all[] = {
		{ "https://h.example/api/a?p=2#top", "/a?p=2" },
		{ "HTTPS://H.Example/api/a?p=2", "/a?p=2" },
		{ "//h.example/api/a", "/a" },
		{ "/api/x?p=2", "/x?p=2" },
		{ "/api?p=2", "?p=2" },
		{ "?p=2", "/a/b?p=2" },
		{ "c?p=2", "/a/c?p=2" },
		{ "c?back=https://x.example/", "/a/c?back=https://x.example/" },
		{ "https://h.example:443/api/a?p=2", "/a?p=2" },
		{ "https://h.example:/api/a", "/a" },
		{ "//h.example:443/api/a", "/a" },
		{ "https://h.example:80/api/a", AWAY ": https://h.example:80" },
		{ "http://h.example:443/api/a", AWAY ": http://h.example:443" },
		{ "https://h.example:443@evil/api/a", AWAY ": a URL with a user" },
		{ "https://h.example:443:443/api/a", AWAY ": https://h.example:443:443" },
		{ "https://[h.example:443]/api/a", AWAY ": https://[h.example:443]" },
		{ "https://h.example:443x/api/a", AWAY ": https://h.example:443x" },
		{ "http://h.example/api/a", AWAY ": http://h.example" },
		{ "https://h.example:8443/api/a", AWAY ": https://h.example:8443" },
		{ "https://h.example.evil/api/a?t=hush", AWAY ": https://h.example.evil" },
		{ "https://u:p@h.example/api/a", AWAY ": a URL with a user" },
		{ "//evil.example/api", AWAY ": https://evil.example" },
		{ "/apix/a", AWAY ": https://h.example" },
		{ "/other", AWAY ": https://h.example" },
		{ "ftp://h.example/api/a", "/a/ftp://h.example/api/a" },
		{ "../secret", "the next page's URL has . or .. in its path" },
		{ "/api/%2e%2e/x", "the next page's URL has . or .. in its path" },
		{ "/api/a b", "the next page's URL can't be read" },
		{ "", "the next page's URL can't be read" },
		{ "#top", "the next page's URL can't be read" },
	};

	based("https://h.example/api");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ck_assert_str_eq(next("/a/b?p=1", all[i].reference), all[i].rest);
	based("http://h.example:80/api");
	ck_assert_str_eq(next("/a", "http://h.example/api/a?p=2"), "/a?p=2");
	ck_assert_str_eq(next("/a", "/api/a?p=2"), "/a?p=2");
	based("http://[::1]:8080/api");
	ck_assert_str_eq(next("/a", "http://[::1]:8080/api/a?p=2"), "/a?p=2");
	ck_assert_str_eq(next("/a", "http://[::1]/api/a?p=2"), AWAY ": http://[::1]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_http_list");
	TCase *cases = tcase_create("http_list");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, settings_fit_or_not);
	tcase_add_test(cases, a_header_is_left_for_the_validator);
	tcase_add_test(cases, pages_are_asked_for);
	tcase_add_test(cases, validators_are_for_the_first_page);
	tcase_add_test(cases, rows_are_found);
	tcase_add_test(cases, what_is_no_list_says_so);
	tcase_add_test(cases, a_cut_page_is_no_page);
	tcase_add_test(cases, the_end_is_told_as_settings_say);
	tcase_add_test(cases, links_are_read_as_the_standard_says);
	tcase_add_test(cases, the_next_page_stays_beneath_base_url);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
