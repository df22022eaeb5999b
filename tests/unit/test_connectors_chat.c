/* SPDX-License-Identifier: Apache-2.0
 *
 * Chat and alert targets: what is sent, how it is shortened, and what each reply
 * means. Replies are written after the vendors' documentation. */
#include "tests/unit/test_connectors_kit.h"

#include "engine/connectors/message.h"

static struct text many(size_t n, const char *piece)
{
	size_t each = strlen(piece);
	char *s = arena_zero(arena, n * each + 1);

	ck_assert_ptr_nonnull(s);
	for (size_t i = 0; i < n; i++)
		memcpy(s + i * each, piece, each);
	return (struct text){ s, n * each };
}

/* Parameters with one text of n pieces, built; the request. */
static struct request request_of(const char *of, const char *name, struct value params)
{
	struct request request;

	call.why[0] = '\0';
	ck_assert_msg(action(of, name)->build(&call, params, &request) == FATE_OK, "%s", call.why);
	return request;
}

static struct value with_text(const char *key, struct text text)
{
	struct value_map_builder b;

	value_map_begin(&b, arena);
	value_map_set(&b, key, value_text(text));
	return value_map_end(&b);
}

static void set_settings(const char *json)
{
	call.settings = parsed(text_of(json));
}

#define NOTE "\xe2\x80\xa6 (shortened)"

/* ---- Shortening. ---- */

static const char *cut(const char *text, size_t most, enum message_unit unit)
{
	struct text t = message_cut(&call, text_of(text), most, unit);

	ck_assert(text_is_utf8(t));
	return text_dup(arena, t).s;
}

START_TEST(texts_are_shortened_at_a_character)
{
	ck_assert_str_eq(cut("short", 30, MESSAGE_CHARACTERS), "short");
	ck_assert_str_eq(cut("123456789012345678901234567890", 30, MESSAGE_CHARACTERS),
			 "123456789012345678901234567890");
	ck_assert_str_eq(cut("1234567890123456789012345678901", 30, MESSAGE_CHARACTERS),
			 "12345678901234567" NOTE);
	ck_assert_str_eq(cut("1234567890123456789012345678901", 30, MESSAGE_BYTES),
			 "123456789012345" NOTE);
	/* Two units each; half of one is none. */
	ck_assert_str_eq(
	    cut("\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
		"\xf0\x9f\x98\x80",
		21, MESSAGE_CHARACTERS),
	    "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80" NOTE);
	ck_assert_uint_eq(message_characters(TEXT("a\xc3\xa4\xf0\x9f\x98\x80")), 4);
}
END_TEST

START_TEST(escapes_stay_whole)
{
	ck_assert_str_eq(cut("12345678&amp;0123456789012345", 24, MESSAGE_CHARACTERS),
			 "12345678" NOTE);
	ck_assert_str_eq(cut("123456&amp;89012345678901234", 24, MESSAGE_CHARACTERS),
			 "123456&amp;" NOTE);
	ck_assert_str_eq(cut("1234567890\\*345678901234567", 24, MESSAGE_CHARACTERS),
			 "1234567890" NOTE);
	ck_assert_str_eq(cut("123456789\\\\2345678901234567", 24, MESSAGE_CHARACTERS),
			 "123456789\\\\" NOTE);
}
END_TEST

START_TEST(every_target_gets_what_it_takes)
{
	struct request r = request_of("slack", "post", with_text("text", many(50000, "x")));

	ck_assert_uint_eq(param_text(parsed(r.body), "text").n, 40000 + 2);
	r = request_of("discord", "post", with_text("text", many(3000, "\xc3\xa4")));
	ck_assert_uint_eq(message_characters(param_text(parsed(r.body), "content")), 2000);
	r = request_of("teams", "post", with_text("text", many(30000, "\"")));
	ck_assert_uint_le(r.body.n, 28000);
	ck_assert_uint_gt(r.body.n, 13000);
	r = request_of("google_chat", "post", with_text("text", many(20000, "\xf0\x9f\x98\x80")));
	ck_assert_uint_le(r.body.n, 32000);
	ck_assert_uint_gt(r.body.n, 31900);
	call.rule = TEXT("r");
	r = request_of("pagerduty", "trigger", with_text("summary", many(2000, "x")));
	ck_assert_uint_eq(
	    message_characters(param_text(param_value(parsed(r.body), "payload"), "summary")),
	    1024);
}
END_TEST

START_TEST(blocks_of_slack)
{
	struct buf b;

	buf_init(&b, MIB);
	buf_str(&b, "{\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"");
	buf_text(&b, many(3001, "x"));
	buf_str(&b, "\"},\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"");
	buf_text(&b, many(2001, "x"));
	buf_str(&b, "\"},7]},{\"type\":\"header\",\"text\":{\"text\":\"");
	buf_text(&b, many(151, "x"));
	buf_str(&b, "\"}},{\"type\":\"markdown\",\"text\":\"");
	buf_text(&b, many(12001, "x"));
	buf_str(&b, "\"},{\"type\":\"section\"},5,{\"type\":\"image\",\"text\":[]}]}");
	struct value v = parsed(request_of("slack", "post", parsed(buf_view(&b))).body);

	ck_assert_uint_eq(value_path(v, TEXT("blocks.0.text.text"))->n, 3002);
	ck_assert_uint_eq(value_path(v, TEXT("blocks.0.fields.0.text"))->n, 2002);
	ck_assert_uint_eq(value_path(v, TEXT("blocks.1.text.text"))->n, 152);
	ck_assert_uint_eq(value_path(v, TEXT("blocks.2.text"))->n, 12002);
	ck_assert_str_eq(at(v, "blocks.4"), "5");
	buf_clear(&b);
	buf_str(&b, "{\"blocks\":[0");
	for (int i = 0; i < 50; i++)
		buf_str(&b, ",{}");
	buf_str(&b, "]}");
	ck_assert_str_eq(built("slack", "post", buf_cstr(&b)),
			 "reject: a message has at most 50 blocks, not 51");
	buf_fini(&b);
}
END_TEST

/* ---- Slack as an app. ---- */

START_TEST(slack_methods)
{
	ck_assert_str_eq(
	    built("slack", "update", "{\"channel\":\"C1\",\"ts\":\"1.2\",\"text\":\"x\"}"),
	    "POST /chat.update (application/json; charset=utf-8) "
	    "{\"channel\":\"C1\",\"ts\":\"1.2\",\"text\":\"x\"}");
	ck_assert_str_eq(built("slack", "update", "{\"channel\":\"C1\",\"ts\":1.2,\"text\":\"x\"}"),
			 "reject: ts must be an id, not double");
	set_settings("{\"token\":true}");
	ck_assert_str_eq(built("slack", "post", "{\"text\":\"x\"}"),
			 "reject: channel is needed, here or in the connection");
	ck_assert_str_eq(built("slack", "post", "{\"text\":\"x\",\"channel\":\"#a\"}"),
			 "POST /chat.postMessage (application/json; charset=utf-8) "
			 "{\"text\":\"x\",\"channel\":\"#a\"}");
	set_settings("{\"token\":true,\"channel\":\"C7\"}");
	ck_assert_str_eq(built("slack", "post", "{\"text\":\"x\"}"),
			 "POST /chat.postMessage (application/json; charset=utf-8) "
			 "{\"text\":\"x\",\"channel\":\"C7\"}");
	ck_assert_str_eq(action("slack", "update")->needs, "token");
}
END_TEST

static const struct {
	const char *body;
	enum fate fate;
	const char *why;
	bool gone;
} slack_replies[] = {
	{ "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.2\",\"message\":{\"text\":\"x\"},\"x\":1}",
	  FATE_OK, "", false },
	{ "{\"ok\":false,\"error\":\"channel_not_found\"}", FATE_REJECT,
	  "Slack says: channel_not_found (there is none, or the app can't see it: invite it)",
	  false },
	{ "{\"ok\":false,\"error\":\"not_in_channel\"}", FATE_REJECT,
	  "Slack says: not_in_channel (invite the app to the channel)", false },
	{ "{\"ok\":false,\"error\":\"invalid_blocks\",\"response_metadata\":{\"messages\":[\"["
	  "ERROR] "
	  "must be less than 3001 characters\"]}}",
	  FATE_REJECT, "Slack says: invalid_blocks [ERROR] must be less than 3001 characters",
	  false },
	{ "{\"ok\":false,\"error\":\"ratelimited\"}", FATE_RETRY, "Slack says: ratelimited",
	  false },
	{ "{\"ok\":false,\"error\":\"internal_error\"}", FATE_RETRY, "Slack says: internal_error",
	  false },
	{ "{\"ok\":false,\"error\":\"token_revoked\"}", FATE_REJECT, "Slack says: token_revoked",
	  true },
	{ "{\"ok\":false}", FATE_REJECT, "Slack says: {\"ok\":false}", false },
	{ "{\"ok\":\"yes\"}", FATE_RETRY, "the reply doesn't say whether it is ok", false },
	{ "{\"ok\":true}", FATE_RETRY, "the reply has no channel and ts", false },
	{ "{\"ok\":true,\"channel\":\"C1\",\"ts\":\"1.", FATE_RETRY, NULL, false },
	{ "<html>", FATE_RETRY, NULL, false },
	{ "", FATE_RETRY, NULL, false },
	{ "[]", FATE_RETRY, NULL, false },
};

static bool is_gone(const char *of, int status, const char *body, int64_t *retry_after)
{
	struct reply reply = { status, text_of(body), TEXT("application/json") };
	struct standing standing = { .retry_after = -1 };

	connector(of)->standing(&call, &reply, &standing);
	if (retry_after != NULL)
		*retry_after = standing.retry_after;
	return standing.gone;
}

START_TEST(slack_failures_inside_a_200)
{
	struct reading r;

	set_settings("{\"token\":true}");
	for (size_t i = 0; i < sizeof(slack_replies) / sizeof(slack_replies[0]); i++) {
		enum fate fate = read_reply("slack", "post", 200, "application/json",
					    text_of(slack_replies[i].body), &r);

		ck_assert_msg(fate == slack_replies[i].fate, "%s: %s", slack_replies[i].body,
			      call.why);
		if (slack_replies[i].why != NULL)
			ck_assert_str_eq(call.why, slack_replies[i].why);
		ck_assert_msg(is_gone("slack", 200, slack_replies[i].body, NULL) ==
				  slack_replies[i].gone,
			      "%s", slack_replies[i].body);
	}
	ck_assert_int_eq(read_reply("slack", "update", 200, "", text_of(slack_replies[0].body), &r),
			 FATE_OK);
	ck_assert_str_eq(json_of(r.result),
			 "{\"channel\":\"C1\",\"ts\":\"1.2\",\"message\":{\"text\":\"x\"}}");
}
END_TEST

START_TEST(dead_webhooks_of_slack)
{
	ck_assert(is_gone("slack", 404, "no_service", NULL));
	ck_assert(is_gone("slack", 410, "channel_is_archived", NULL));
	ck_assert(is_gone("slack", 403, "invalid_token", NULL));
	ck_assert(!is_gone("slack", 200, "ok", NULL));
	ck_assert(!is_gone("slack", 400, "invalid_payload", NULL));
	ck_assert(!is_gone("slack", 404, "channel_not_found", NULL));
	ck_assert(!is_gone("slack", 500, "rollup_error", NULL));
	ck_assert(!is_gone("slack", 502, "\xff\xfe", NULL));
	set_settings("{\"token\":true}");
	ck_assert(!is_gone("slack", 200, "{\"ok\":false,\"error\":\"channel_is_archived\"}", NULL));
}
END_TEST

/* ---- Teams. ---- */

START_TEST(cards_of_teams)
{
	struct reading r;

	ck_assert_str_eq(
	    built("teams", "post",
		  "{\"text\":\"x\",\"title\":\"t\",\"facts\":[{\"title\":\"a\",\"value\":1}],"
		  "\"buttons\":[{\"title\":\"b\",\"url\":\"https://u\"}],\"wide\":true}"),
	    "POST  (application/json) {\"type\":\"message\",\"attachments\":[{\"contentType\":"
	    "\"application/vnd.microsoft.card.adaptive\",\"contentUrl\":null,\"content\":{"
	    "\"$schema\":\"http://adaptivecards.io/schemas/adaptive-card.json\",\"type\":"
	    "\"AdaptiveCard\",\"version\":\"1.4\",\"body\":[{\"type\":\"TextBlock\",\"weight\":"
	    "\"Bolder\",\"size\":\"Medium\",\"text\":\"t\",\"wrap\":true},{\"type\":\"TextBlock\","
	    "\"text\":\"x\",\"wrap\":true},{\"type\":\"FactSet\",\"facts\":[{\"title\":\"a\","
	    "\"value\":\"1\"}]}],\"actions\":[{\"type\":\"Action.OpenUrl\",\"title\":\"b\",\"url\":"
	    "\"https://u\"}],\"msteams\":{\"width\":\"Full\"}}}]}");
	ck_assert_str_eq(built("teams", "post", "{}"), "reject: text, title or card is needed");
	ck_assert_str_eq(built("teams", "post", "{\"card\":{\"a\":1},\"text\":\"x\"}"),
			 "reject: card takes the place of all other parameters");
	ck_assert_str_eq(built("teams", "post", "{\"text\":\"x\",\"facts\":[{\"title\":\"a\"}]}"),
			 "reject: facts.value is missing");
	ck_assert_int_eq(read_reply("teams", "post", 202, "", TEXT(""), &r), FATE_OK);
	ck_assert_int_eq(r.result.kind, VALUE_NULL);
	ck_assert_int_eq(read_reply("teams", "post", 200, "", TEXT("1"), &r), FATE_OK);
}
END_TEST

START_TEST(a_card_that_is_too_large)
{
	struct value card = with_text("a", many(30000, "x"));
	struct value_map_builder b;
	struct request request;

	value_map_begin(&b, arena);
	value_map_set(&b, "card", card);
	ck_assert_int_eq(action("teams", "post")->build(&call, value_map_end(&b), &request),
			 FATE_REJECT);
	ck_assert_ptr_nonnull(strstr(call.why, "at most 28000 are taken"));
}
END_TEST

START_TEST(replies_of_teams)
{
	static const char off[] = "{\"error\":{\"code\":\"WorkflowTriggerIsNotEnabled\","
				  "\"message\":\"It is\\noff.\"}}";
	struct reply reply = { 400, text_of(off), TEXT_NONE };

	ck_assert(text_is(connector("teams")->error_words(&call, &reply), "It is off."));
	reply.body = TEXT("<html>");
	ck_assert(text_is(connector("teams")->error_words(&call, &reply), "<html>"));
	ck_assert(is_gone("teams", 400, off, NULL));
	ck_assert(is_gone("teams", 404, "", NULL));
	ck_assert(is_gone("teams", 401, "{\"error\":", NULL));
	ck_assert(!is_gone("teams", 202, "", NULL));
	ck_assert(!is_gone("teams", 429, "{\"error\":{\"code\":7}}", NULL));
	ck_assert(!is_gone("teams", 413, "", NULL));
}
END_TEST

/* ---- PagerDuty. ---- */

START_TEST(alerts_have_a_key)
{
	struct text long_key = many(300, "x");

	ck_assert_str_eq(built("pagerduty", "resolve", "{}"),
			 "reject: dedup_key is needed outside of rules");
	call.rule = TEXT("disk");
	call.key = TEXT("db1");
	ck_assert_str_eq(built("pagerduty", "resolve", "{}"),
			 "POST /v2/enqueue (application/json) "
			 "{\"event_action\":\"resolve\",\"dedup_key\":\"disk/db1\"}");
	ck_assert_str_eq(built("pagerduty", "acknowledge", "{\"dedup_key\":7}"),
			 "POST /v2/enqueue (application/json) "
			 "{\"event_action\":\"acknowledge\",\"dedup_key\":\"7\"}");
	ck_assert_str_eq(
	    built("pagerduty", "trigger", "{\"summary\":\"s\",\"class\":\"c\"}"),
	    "POST /v2/enqueue (application/json) {\"event_action\":\"trigger\",\"dedup_key\":"
	    "\"disk/db1\",\"payload\":{\"summary\":\"s\",\"source\":\"tappet\",\"severity\":"
	    "\"error\",\"class\":\"c\"},\"client\":\"tappet\"}");
	ck_assert_str_eq(
	    built("pagerduty", "trigger", "{\"summary\":\"s\",\"severity\":\"bad\"}"),
	    "reject: severity must be one of critical error warning info, not \"bad\"");
	struct text a = param_text(
	    parsed(request_of("pagerduty", "resolve", with_text("dedup_key", long_key)).body),
	    "dedup_key");
	long_key.n--;
	struct text b = param_text(
	    parsed(request_of("pagerduty", "resolve", with_text("dedup_key", long_key)).body),
	    "dedup_key");

	ck_assert_uint_le(a.n, 255);
	ck_assert(!text_eq(a, b));
}
END_TEST

START_TEST(details_give_way)
{
	struct value_map_builder b;
	struct request r;

	call.rule = TEXT("r");
	value_map_begin(&b, arena);
	value_map_set(&b, "summary", value_text(TEXT("s")));
	value_map_set(&b, "custom_details", with_text("log", many(600000, "x")));
	r = request_of("pagerduty", "trigger", value_map_end(&b));
	ck_assert_uint_lt(r.body.n, 512000);
	ck_assert_str_eq(at(parsed(r.body), "payload.custom_details"),
			 "{\"note\":\"left out: the event was larger than PagerDuty takes\"}");
	ck_assert_str_eq(built("pagerduty", "change", "{\"summary\":\"s\"}"),
			 "POST /v2/change/enqueue (application/json) "
			 "{\"payload\":{\"summary\":\"s\",\"source\":\"tappet\"}}");
	value_map_begin(&b, arena);
	value_map_set(&b, "summary", value_text(TEXT("s")));
	value_map_set(&b, "source", value_text(many(600000, "x")));
	ck_assert_int_eq(action("pagerduty", "change")->build(&call, value_map_end(&b), &r),
			 FATE_REJECT);
}
END_TEST

START_TEST(replies_of_pagerduty)
{
	struct reply reply = { 400,
			       TEXT("{\"status\":\"invalid event\",\"message\":\"Event object is "
				    "invalid\",\"errors\":[\"Length of 'routing_key' is "
				    "incorrect\"]}"),
			       TEXT_NONE };
	struct reading r;

	ck_assert(text_is(connector("pagerduty")->error_words(&call, &reply),
			  "Event object is invalid: Length of 'routing_key' is incorrect"));
	reply.body =
	    TEXT("{\"status\":\"throttle exceeded\",\"message\":\"Requests for this service "
		 "are arriving too quickly.\"}");
	ck_assert(text_is(connector("pagerduty")->error_words(&call, &reply),
			  "Requests for this service are arriving too quickly."));
	ck_assert_int_eq(read_reply("pagerduty", "trigger", 202, "",
				    TEXT("{\"status\":\"success\",\"message\":\"Event processed\","
					 "\"dedup_key\":\"k\"}"),
				    &r),
			 FATE_OK);
	ck_assert_str_eq(at(r.result, "dedup_key"), "\"k\"");
	ck_assert_int_eq(read_reply("pagerduty", "trigger", 202, "", TEXT("{\"status\":\"suc"), &r),
			 FATE_RETRY);
	ck_assert_int_eq(read_reply("pagerduty", "trigger", 202, "", TEXT("[]"), &r), FATE_RETRY);
	ck_assert(connector("pagerduty")->auth == AUTH_MEMBER);
}
END_TEST

/* ---- Discord. ---- */

START_TEST(messages_of_discord)
{
	ck_assert_str_eq(built("discord", "post", "{\"text\":\"@everyone\"}"),
			 "POST ?wait=true (application/json) {\"content\":\"@everyone\","
			 "\"allowed_mentions\":{\"parse\":[]}}");
	ck_assert_str_eq(built("discord", "post",
			       "{\"text\":\"x\",\"allowed_mentions\":{\"parse\":[\"everyone\"]},"
			       "\"thread_id\":12,\"username\":\"u\",\"silent\":true}"),
			 "POST ?wait=true&thread_id=12 (application/json) {\"content\":\"x\","
			 "\"allowed_mentions\":{\"parse\":[\"everyone\"]},\"username\":\"u\","
			 "\"flags\":4096}");
	ck_assert_str_eq(built("discord", "update", "{\"id\":\"../7\",\"text\":\"x\"}"),
			 "PATCH /messages/..%2F7 (application/json) {\"content\":\"x\","
			 "\"allowed_mentions\":{\"parse\":[]}}");
	ck_assert_str_eq(built("discord", "post", "{\"username\":\"u\"}"),
			 "reject: text or embeds is needed");
	ck_assert_str_eq(
	    built("discord", "post", "{\"embeds\":[{},{},{},{},{},{},{},{},{},{},{}]}"),
	    "reject: a message has at most 10 embeds, not 11");
	ck_assert_str_eq(built("discord", "post", "{\"embeds\":[{\"colour\":1}]}"),
			 "reject: embeds.colour is no parameter");
}
END_TEST

START_TEST(embeds_of_discord)
{
	struct buf b;

	buf_init(&b, MIB);
	buf_str(&b, "{\"embeds\":[{\"title\":\"");
	buf_text(&b, many(300, "x"));
	buf_str(&b, "\",\"description\":\"");
	buf_text(&b, many(4097, "x"));
	buf_str(&b, "\",\"footer\":{\"text\":\"f\"},\"fields\":[{\"name\":\"n\",\"value\":\"");
	buf_text(&b, many(1025, "x"));
	buf_str(&b, "\"}]}");
	size_t one = b.n;

	buf_str(&b, "]}");
	struct value v = parsed(request_of("discord", "post", parsed(buf_view(&b))).body);

	ck_assert_uint_eq(value_path(v, TEXT("embeds.0.title"))->n, 256 + 2);
	ck_assert_uint_eq(value_path(v, TEXT("embeds.0.description"))->n, 4096 + 2);
	ck_assert_uint_eq(value_path(v, TEXT("embeds.0.fields.0.value"))->n, 1024 + 2);
	b.n = one;
	buf_str(&b, ",{\"description\":\"");
	buf_text(&b, many(1000, "x"));
	buf_str(&b, "\"}]}");
	ck_assert_str_eq(built("discord", "post", text_dup(arena, buf_view(&b)).s),
			 "reject: the embeds have 6378 characters together, and at most 6000 are "
			 "taken");
	buf_fini(&b);
}
END_TEST

START_TEST(replies_of_discord)
{
	struct reply reply = { 400,
			       TEXT("{\"code\":50035,\"message\":\"Invalid Form Body\",\"errors\":{"
				    "\"embeds\":{\"0\":{\"title\":{\"_errors\":[{\"code\":\"X\","
				    "\"message\":\"Too long.\"}]}}}}}"),
			       TEXT_NONE };
	struct reading r;
	int64_t wait;

	ck_assert(text_is(connector("discord")->error_words(&call, &reply),
			  "Invalid Form Body: Too long."));
	ck_assert(!is_gone("discord", 429,
			   "{\"message\":\"You are being rate limited.\",\"retry_after\":64.571,"
			   "\"global\":false}",
			   &wait));
	ck_assert_int_eq(wait, 64571);
	ck_assert(!is_gone("discord", 429, "{\"retry_after\":2}", &wait));
	ck_assert_int_eq(wait, 2000);
	ck_assert(!is_gone("discord", 429, "{\"retry_after\":1e300}", &wait));
	ck_assert_int_eq(wait, LIMIT_RETRY_AFTER);
	ck_assert(!is_gone("discord", 429, "{\"retry_after\":-1}", &wait));
	ck_assert_int_eq(wait, -1);
	ck_assert(!is_gone("discord", 429, "<html>", &wait));
	ck_assert_int_eq(wait, -1);
	ck_assert(
	    is_gone("discord", 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}", NULL));
	ck_assert(is_gone("discord", 401, "{\"code\":50027}", NULL));
	ck_assert(
	    !is_gone("discord", 404, "{\"message\":\"Unknown Message\",\"code\":10008}", NULL));
	ck_assert(!is_gone("discord", 500, "", NULL));
	ck_assert_int_eq(read_reply("discord", "post", 200, "", TEXT("{\"id\":\"7\"}"), &r),
			 FATE_OK);
	ck_assert_int_eq(read_reply("discord", "post", 200, "", TEXT("{\"id\":\"7\""), &r),
			 FATE_RETRY);
	ck_assert_int_eq(read_reply("discord", "post", 200, "", TEXT("{}"), &r), FATE_RETRY);
}
END_TEST

/* ---- Google Chat. ---- */

START_TEST(messages_of_google_chat)
{
	ck_assert_str_eq(built("google_chat", "post", "{\"text\":\"x\"}"),
			 "POST ?requestId=k (application/json) {\"text\":\"x\"}");
	ck_assert_str_eq(
	    built("google_chat", "post", "{\"text\":\"x\",\"thread\":7}"),
	    "POST ?requestId=k&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD "
	    "(application/json) {\"text\":\"x\",\"thread\":{\"threadKey\":\"7\"}}");
	call.idempotency_key = "";
	ck_assert_str_eq(built("google_chat", "post", "{\"cards\":[{\"cardId\":\"a\"}]}"),
			 "POST  (application/json) {\"cardsV2\":[{\"cardId\":\"a\"}]}");
	ck_assert_str_eq(built("google_chat", "post", "{\"thread\":7}"),
			 "reject: text or cards is needed");
}
END_TEST

START_TEST(replies_of_google_chat)
{
	struct reply reply = { 429,
			       TEXT("{\"error\":{\"code\":429,\"message\":\"Resource has been "
				    "exhausted (e.g. check quota).\",\"status\":"
				    "\"RESOURCE_EXHAUSTED\"}}"),
			       TEXT_NONE };
	struct reading r;

	ck_assert(text_is(connector("google_chat")->error_words(&call, &reply),
			  "Resource has been exhausted (e.g. check quota)."));
	ck_assert(!is_gone("google_chat", 429, reply.body.s, NULL));
	ck_assert(is_gone("google_chat", 404, "", NULL));
	ck_assert(is_gone("google_chat", 403, "", NULL));
	ck_assert(!is_gone("google_chat", 400, "", NULL));
	ck_assert_int_eq(read_reply("google_chat", "post", 200, "",
				    TEXT("{\"name\":\"spaces/A/messages/B\",\"thread\":{\"name\":"
					 "\"spaces/A/threads/C\"}}"),
				    &r),
			 FATE_OK);
	ck_assert_str_eq(at(r.result, "thread.name"), "\"spaces/A/threads/C\"");
	ck_assert_int_eq(read_reply("google_chat", "post", 200, "", TEXT("{\"name\":7}"), &r),
			 FATE_RETRY);
	ck_assert_int_eq(read_reply("google_chat", "post", 200, "", TEXT("{"), &r), FATE_RETRY);
}
END_TEST

static void add_replies(TCase *cases)
{
	tcase_add_test(cases, slack_failures_inside_a_200);
	tcase_add_test(cases, dead_webhooks_of_slack);
	tcase_add_test(cases, replies_of_teams);
	tcase_add_test(cases, replies_of_pagerduty);
	tcase_add_test(cases, replies_of_discord);
	tcase_add_test(cases, replies_of_google_chat);
}

int main(void)
{
	Suite *suite = suite_create("connectors_chat");
	TCase *cases = tcase_create("chat");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, texts_are_shortened_at_a_character);
	tcase_add_test(cases, escapes_stay_whole);
	tcase_add_test(cases, every_target_gets_what_it_takes);
	tcase_add_test(cases, blocks_of_slack);
	tcase_add_test(cases, slack_methods);
	tcase_add_test(cases, cards_of_teams);
	tcase_add_test(cases, a_card_that_is_too_large);
	tcase_add_test(cases, alerts_have_a_key);
	tcase_add_test(cases, details_give_way);
	tcase_add_test(cases, messages_of_discord);
	tcase_add_test(cases, embeds_of_discord);
	tcase_add_test(cases, messages_of_google_chat);
	add_replies(cases);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
