/* SPDX-License-Identifier: Apache-2.0
 *
 * Mail: which addresses are taken, and the bytes of a message. */
#include "engine/base/fault.h"
#include "engine/connectors/mail_message.h"
#include "engine/connectors/mailbox.h"
#include "tests/unit/test_connectors_kit.h"

/* ---- Addresses. ---- */

START_TEST(mailboxes_are_read)
{
	static const struct {
		const char *text, *name, *address, *domain;
	} cases[] = {
		{ "ann@example.com", "", "ann@example.com", "example.com" },
		{ " ann@example.com ", "", "ann@example.com", "example.com" },
		{ "<ann@example.com>", "", "ann@example.com", "example.com" },
		{ "Ann <ann@example.com>", "Ann", "ann@example.com", "example.com" },
		{ "\"Roe, Jo\" <j@x>", "Roe, Jo", "j@x", "x" },
		{ "Zo\xc3\xab R. <z.r+t@mail.xn--bcher-kva.example>", "Zo\xc3\xab R.",
		  "z.r+t@mail.xn--bcher-kva.example", "mail.xn--bcher-kva.example" },
		{ "a, b@c <d@e.f>", "a, b@c", "d@e.f", "e.f" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailbox m;
		const char *why = "";

		ck_assert_msg(mailbox_parse(text_of(cases[i].text), &m, &why), "%s %s",
			      cases[i].text, why);
		ck_assert(text_is(m.name, cases[i].name));
		ck_assert(text_is(m.address, cases[i].address));
		ck_assert(text_is(m.domain, cases[i].domain));
	}
}
END_TEST

START_TEST(what_is_no_mailbox_is_refused)
{
	static const char *const cases[] = {
		"",
		" ",
		"ann",
		"@example.com",
		"ann@",
		"ann@@example.com",
		"ann@example..com",
		"ann@.example.com",
		"ann@example.com.",
		"ann@-example.com",
		"ann@exa_mple.com",
		"ann@[127.0.0.1]",
		".ann@example.com",
		"ann.@example.com",
		"a..b@example.com",
		"a b@example.com",
		"\"a b\"@example.com",
		"ann@\xc3\xbc.example",
		"z\xc3\xab@example.com",
		"ann@example.com,eve@example.com",
		"ann@example.com, eve@example.com",
		"ann@example.com eve@example.com",
		"ann@example.com\neve@example.com",
		"ann@example.com\r\nBcc: eve@example.com",
		"Ann\r\nBcc: eve@example.com <ann@example.com>",
		"Ann\t<ann@example.com>",
		"Ann <ann@example.com> <eve@example.com>",
		"<eve@example.com> <ann@example.com>",
		"Ann > <ann@example.com>",
		"\"Ann <ann@example.com>",
		"\"A\"nn\" <ann@example.com>",
		"\"Ann\\\" <ann@example.com>",
		"Ann <ann@example.com",
		"Ann ann@example.com>",
		"Ann <>",
		"Ann <ann@example.com>x",
		"ann@example.com>",
		"Ann <ann@exam\x7fple.com>",
	};
	char much[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailbox m;
		const char *why = NULL;

		ck_assert_msg(!mailbox_parse(text_of(cases[i]), &m, &why), "%s", cases[i]);
		ck_assert(why != NULL && strlen(why) > 5);
	}
	for (size_t n = 60; n < sizeof(much); n += 20) {
		struct mailbox m;
		const char *why;

		memset(much, 'x', sizeof(much));
		memcpy(much + n - 4, "@x.y", 4);
		ck_assert_int_eq(mailbox_parse((struct text){ much, n }, &m, &why), n <= 68);
		ck_assert(!mailbox_domain((struct text){ much, n }));
	}
}
END_TEST

/* ---- Header lines. ---- */

static const char *header(const char *value)
{
	buf_clear(&out);
	mail_text(&out, "Subject", text_of(value));
	return buf_cstr(&out);
}

START_TEST(plain_subjects_stay)
{
	ck_assert_str_eq(header("<!channel> & co"), "Subject: <!channel> & co\r\n");
	ck_assert_str_eq(header(""), "Subject: \r\n");
	ck_assert_str_eq(header(" \t a  b \n"), "Subject: a  b\r\n");
	ck_assert_str_eq(header("one\r\nBcc: eve@example.com\r\n\r\nbody"),
			 "Subject: one  Bcc: eve@example.com    body\r\n");
}
END_TEST

START_TEST(long_subjects_are_folded)
{
	char much[100], wanted[120];

	memset(much, 'g', 90);
	(void)snprintf(much + 90, sizeof(much) - 90, " h");
	(void)snprintf(wanted, sizeof(wanted), "Subject: %.90s\r\n h\r\n", much);
	ck_assert_str_eq(header(much), wanted);
}
END_TEST

START_TEST(other_subjects_become_encoded_words)
{
	ck_assert_str_eq(header("\xc3\x84rger"), "Subject: =?UTF-8?B?w4RyZ2Vy?=\r\n");
	ck_assert_str_eq(header("=?UTF-8?Q?x?="), "Subject: =?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=\r\n");
	/* Fifty characters of three bytes: whole ones in each word, no line beyond 76. */
	ck_assert_str_eq(
	    header("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		   "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
		   "\xe2\x82\xac\xe2\x82\xac"),
	    "Subject: =?UTF-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n"
	    " =?UTF-8?B?4oKs?=\r\n");
}
END_TEST

START_TEST(no_header_is_too_long_or_broken)
{
	static const char piece[] = "\xf0\x9f\x98\x80 x\xc3\xbc\t\"<>,@\xe2\x82\xac\r\n";
	char value[LIMIT_MAIL_NAME + 20];

	for (size_t n = 1; n < LIMIT_MAIL_NAME; n++) {
		size_t line = 0;
		struct text t;

		for (size_t i = 0; i < n; i++)
			value[i] = piece[(i + n) % (sizeof(piece) - 1)];
		t = text_head((struct text){ value, n }, n);
		if (!text_is_utf8(t))
			continue;
		buf_clear(&out);
		mail_text(&out, "Subject", t);
		ck_assert(!buf_failed(&out));
		for (size_t i = 0; i < out.n; i++) {
			unsigned char c = (unsigned char)out.s[i];

			line = c == '\n' ? 0 : line + 1;
			ck_assert_uint_le(line, 77); /* with its CR */
			ck_assert(c == '\r' || c == '\n' || (c >= ' ' && c <= '~'));
			ck_assert(c != '\n' || i + 1 == out.n || out.s[i + 1] == ' ');
		}
	}
}
END_TEST

START_TEST(dates_are_in_utc)
{
	buf_clear(&out);
	mail_date(&out, INT64_C(1795309825999));
	mail_date(&out, 0);
	mail_date(&out, -1);
	ck_assert_str_eq(buf_cstr(&out), "Date: Sun, 22 Nov 2026 01:10:25 +0000\r\n"
					 "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n"
					 "Date: Wed, 31 Dec 1969 23:59:59 +0000\r\n");
}
END_TEST

/* ---- Content. ---- */

static const char *content(const char *text)
{
	const char *body;

	buf_clear(&out);
	mail_content(&out, text_of(text), TEXT(""), TEXT("k"));
	body = strstr(buf_cstr(&out), "\r\n\r\n");
	ck_assert_ptr_nonnull(body);
	return body + 4;
}

START_TEST(texts_are_quoted_printable)
{
	char much[201], wanted[300];

	ck_assert_str_eq(content("a = b"), "a =3D b\r\n");
	ck_assert_str_eq(content(""), "\r\n");
	ck_assert_str_eq(content("a\nb\r\nc\rd\n"), "a\r\nb\r\nc\r\nd\r\n");
	ck_assert_str_eq(content("blank \ntab\t\n \nx"), "blank=20\r\ntab=09\r\n=20\r\nx\r\n");
	ck_assert_str_eq(content("From x\n>From y\nFrom\n"), "=46rom x\r\n>From y\r\nFrom\r\n");
	ck_assert_str_eq(content("a caf\xc3\xa9 a b c d e f g"), "a caf=C3=A9 a b c d e f g\r\n");
	ck_assert_str_eq(content("bell\x07 is a control character"),
			 "bell=07 is a control character\r\n");
	memset(much, 'x', 200);
	much[200] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "%.75s=\r\n%.75s=\r\n%.50s\r\n", much, much, much);
	ck_assert_str_eq(content(much), wanted);
}
END_TEST

START_TEST(other_texts_are_base64)
{
	ck_assert_str_eq(content("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\n"),
			 "0J/RgNC40LLQtdGCDQo=\r\n");
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\r\nContent-Transfer-Encoding: base64\r\n"));
}
END_TEST

/* ---- The whole. ---- */

static struct request request;

static const char *send_with(const char *params)
{
	enum fate fate;

	call.idempotency_key = "0123456789abcdef0123456789abcdef";
	call.now = INT64_C(1795309825000);
	call.why[0] = '\0';
	fate = action("email", "send")->build(&call, parsed(text_of(params)), &request);
	buf_clear(&out);
	if (fate == FATE_OK)
		buf_text(&out, request.body);
	else
		buf_printf(&out, "%s: %s", fate_word(fate), call.why);
	return buf_cstr(&out);
}

START_TEST(a_message_is_written)
{
	call.settings = parsed(TEXT("{\"from\":\"Tappet <t@example.com>\","
				    "\"reply_to\":\"desk@example.com\"}"));
	ck_assert_str_eq(send_with("{\"to\":[\"ann@x.com\",\"Jo <jo@x.com>\"],\"cc\":\"c@x.com\","
				   "\"bcc\":[\"b@x.com\"],\"subject\":\"S\",\"text\":\"T\"}"),
			 "Date: Sun, 22 Nov 2026 01:10:25 +0000\r\n"
			 "From: Tappet <t@example.com>\r\n"
			 "Reply-To: desk@example.com\r\n"
			 "To: ann@x.com, Jo <jo@x.com>\r\n"
			 "Cc: c@x.com\r\n"
			 "Subject: S\r\n"
			 "Message-ID: <0123456789abcdef0123456789abcdef@example.com>\r\n"
			 "MIME-Version: 1.0\r\n"
			 "Auto-Submitted: auto-generated\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\nT\r\n");
	ck_assert(text_is(request.mail_from, "t@example.com"));
	ck_assert(text_is(request.mail_to, "ann@x.com\njo@x.com\nc@x.com\nb@x.com\n"));
	ck_assert_str_eq(request.method, "MAIL");
	send_with("{\"to\":\"a@x.com\",\"reply_to\":\"r@x.com\",\"subject\":\"S\",\"text\":\"T\"}");
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\r\nReply-To: r@x.com\r\n"));
}
END_TEST

START_TEST(what_cannot_be_sent_is_refused)
{
	call.settings = parsed(TEXT("{\"from\":\"t@example.com\"}"));
	ck_assert_str_eq(send_with("{\"to\":[],\"subject\":\"S\",\"text\":\"T\"}"),
			 "reject: to is empty");
	ck_assert_str_eq(send_with("{\"to\":\"a@x.com\",\"text\":\"T\"}"),
			 "reject: subject is missing");
	ck_assert_str_eq(send_with("{\"to\":\"a\",\"subject\":\"S\",\"text\":\"T\"}"),
			 "reject: to: \"a\" has no @");
	ck_assert_str_eq(send_with("{\"to\":[\"a@b\",7],\"subject\":\"S\",\"text\":\"T\"}"),
			 "reject: to must be a mail address, not int");
	ck_assert_str_eq(
	    send_with("{\"to\":\"a@b\",\"cc\":\"a@b, c@d\",\"subject\":\"S\",\"text\":\"T\"}"),
	    "reject: cc: \"a@b, c@d\" has no host name behind the @ (other letters than a to z "
	    "are written xn--)");
}
END_TEST

/* 60 and 60: each list is fine, both together are not. */
START_TEST(recipients_are_bounded)
{
	struct buf json;

	buf_init(&json, MIB);
	for (int more = 40; more <= 60; more += 20) {
		buf_clear(&json);
		buf_str(&json, "{\"subject\":\"S\",\"text\":\"T\",\"to\":[\"a@b\"");
		for (int i = 1; i < 60; i++)
			buf_str(&json, ",\"a@b\"");
		buf_str(&json, "],\"bcc\":[\"a@b\"");
		for (int i = 1; i < more; i++)
			buf_str(&json, ",\"a@b\"");
		buf_str(&json, "]}");
		send_with(buf_cstr(&json));
		ck_assert_int_eq(text_starts(buf_view(&out), TEXT("Date")), more == 40);
	}
	ck_assert_str_eq(buf_cstr(&out),
			 "reject: the message has more than 100 recipients together");
	buf_fini(&json);
}
END_TEST

START_TEST(sizes_are_bounded)
{
	static char much[LIMIT_MAIL_TEXT + 2];
	struct text t = { much, sizeof(much) - 1 };
	struct value_map_builder b;

	memset(much, 'x', sizeof(much) - 1);
	value_map_begin(&b, arena);
	value_map_set(&b, "to", value_text(TEXT("a@b")));
	value_map_set(&b, "subject", value_text(t));
	value_map_set(&b, "text", value_text(t));
	ck_assert_int_eq(action("email", "send")->build(&call, value_map_end(&b), &request),
			 FATE_OK);
	ck_assert_uint_lt(request.body.n, 2 * LIMIT_MAIL_TEXT);
	ck_assert(text_ends(request.body, TEXT(")\r\n"))); /* of the note that it is shorter */
	ck_assert_uint_ne(text_find(request.body, TEXT("Subject: =?UTF-8?B?")), SIZE_MAX);
	value_map_begin(&b, arena);
	value_map_set(&b, "to", value_text(TEXT("a@b")));
	value_map_set(&b, "subject", value_text(TEXT("")));
	value_map_set(&b, "text", value_text(TEXT("")));
	value_map_set(&b, "html", value_text(t));
	ck_assert_int_eq(action("email", "send")->build(&call, value_map_end(&b), &request),
			 FATE_REJECT);
	ck_assert_str_eq(call.why, "html is larger than 1048576 bytes");
}
END_TEST

START_TEST(replies_are_read)
{
	struct reading reading;
	struct standing standing = { .retry_after = -1 };
	static const int gone[] = { 530, 534, 535 };
	static const int fine[] = { 250, 421, 450, 454, 501, 550, 552, 554 };

	ck_assert_int_eq(
	    read_reply("email", "send", 250, "", TEXT("2.0.0 queued\r\nas 7"), &reading), FATE_OK);
	ck_assert_str_eq(json_of(reading.result), "{\"reply\":\"2.0.0 queued  as 7\"}");
	ck_assert_int_eq(read_reply("email", "send", 250, "", TEXT("\xff"), &reading), FATE_OK);
	ck_assert_str_eq(json_of(reading.result), "{\"reply\":\"\"}");
	for (size_t i = 0; i < 3; i++) {
		const struct reply reply = { .status = gone[i] };

		connector("email")->standing(&call, &reply, &standing);
		ck_assert(standing.gone);
	}
	for (size_t i = 0; i < 8; i++) {
		const struct reply reply = { .status = fine[i], .body = TEXT("5.1.1 no\tone") };

		connector("email")->standing(&call, &reply, &standing);
		ck_assert(!standing.gone && standing.retry_after == -1);
		ck_assert(text_is(connector("email")->error_words(&call, &reply), "5.1.1 no one"));
	}
}
END_TEST

START_TEST(memory_runs_out_anywhere)
{
	bool hit = true;
	struct value params =
	    parsed(TEXT("{\"to\":[\"Z\xc3\xab <a@b>\",\"\\\"x, \\\\\\\"y\\\" <c@d>\"],\"subject\":"
			"\"\xc3\xa4\",\"text\":\"\xd0\x9f\xd0\x9f\",\"html\":\"<p>\"}"));

	for (int n = 1; hit; n++) {
		struct arena *small = arena_new("mail", MIB);
		enum fate fate;

		call.arena = small;
		fault_arm("memory", n, true);
		fate = action("email", "send")->build(&call, params, &request);
		hit = fault_disarm();
		ck_assert(hit ? arena_failed(small) : fate == FATE_OK);
		call.arena = arena;
		arena_free(small);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connectors_email");
	TCase *cases = tcase_create("email");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_set_timeout(cases, 60);
	tcase_add_test(cases, mailboxes_are_read);
	tcase_add_test(cases, what_is_no_mailbox_is_refused);
	tcase_add_test(cases, plain_subjects_stay);
	tcase_add_test(cases, long_subjects_are_folded);
	tcase_add_test(cases, other_subjects_become_encoded_words);
	tcase_add_test(cases, no_header_is_too_long_or_broken);
	tcase_add_test(cases, dates_are_in_utc);
	tcase_add_test(cases, texts_are_quoted_printable);
	tcase_add_test(cases, other_texts_are_base64);
	tcase_add_test(cases, a_message_is_written);
	tcase_add_test(cases, what_cannot_be_sent_is_refused);
	tcase_add_test(cases, recipients_are_bounded);
	tcase_add_test(cases, sizes_are_bounded);
	tcase_add_test(cases, replies_are_read);
	tcase_add_test(cases, memory_runs_out_anywhere);
	suite_add_tcase(suite, cases);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
