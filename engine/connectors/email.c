/* SPDX-License-Identifier: Apache-2.0
 *
 * email - messages through a mail server (SMTP submission, RFC 6409).
 *
 * The request's body is the whole message; io/mail_client hands it over. A
 * message is known by its Message-ID, which is made from the step's idempotency
 * key and the sender's domain: sent again after a doubt it has the same one, and the same
 * Date, so mail systems and people see that it is the same.
 *
 * I1  One text is one mailbox: no value adds a recipient or a header (mailbox.h,
 *     mail_message.h).
 * I2  All recipients or none: a server that refuses one gets no message.
 *
 * Sources: RFC 5321 (replies), RFC 4954 (530, 534, 535), RFC 3834 (Auto-Submitted). */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/connectors/mail_message.h"
#include "engine/connectors/mailbox.h"
#include "engine/connectors/message.h"

#define SUBJECT_MOST 250 /* characters: what mail programs show is shorter */

static const struct param send_params[] = {
	{ .name = "to", .type = PARAM_MAIL, .required = true, .doc = "Who gets it." },
	{ .name = "cc", .type = PARAM_MAIL, .doc = "Who gets a copy." },
	{ .name = "bcc", .type = PARAM_MAIL, .doc = "Who gets a copy that the others don't see." },
	{ .name = "reply_to", .type = PARAM_MAIL, .doc = "Where answers go." },
	{ .name = "subject",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "One line; at most 250 characters." },
	{ .name = "text",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "The message, as plain text; at most 1 MiB." },
	{ .name = "html",
	  .type = PARAM_TEXT,
	  .slot = SLOT_HTML,
	  .doc = "The same as HTML, for programs that show it; at most 1 MiB." },
	{ .name = NULL },
};

/* ---- Who. ---- */

struct people {
	struct mailbox list[LIMIT_MAIL_RECIPIENTS];
	size_t count;
};

static enum fate add_one(struct call *call, const char *name, struct value v, struct people *p)
{
	const char *why = "";

	if (p->count == LIMIT_MAIL_RECIPIENTS)
		return call_fail(call, FATE_REJECT, "%s has more than %d addresses", name,
				 LIMIT_MAIL_RECIPIENTS);
	if (!mailbox_parse(value_as_text(v), &p->list[p->count], &why))
		return call_fail(call, FATE_REJECT, "%s: \"%.*s\" %s", name,
				 v.n > 60 ? 60 : (int)v.n, v.s, why);
	p->count++;
	return FATE_OK;
}

static enum fate people_of(struct call *call, struct value params, const char *name,
			   struct people *out)
{
	struct value v = param_value(params, name);
	enum fate fate = FATE_OK;

	out->count = 0;
	if (value_is(v, VALUE_TEXT))
		return add_one(call, name, v, out);
	for (uint32_t i = 0; value_is(v, VALUE_LIST) && i < v.n && fate == FATE_OK; i++)
		fate = add_one(call, name, v.items[i], out);
	return fate;
}

/* ---- The message. ---- */

struct writing {
	struct call *call;
	struct value params;
	struct buf message, to; /* `to`: an address a line, for the envelope */
	struct mailbox from;
	size_t recipients;
};

static enum fate put_people(struct writing *w, const char *name, const char *header, bool gets)
{
	struct people people;
	enum fate fate = people_of(w->call, w->params, name, &people);

	if (fate != FATE_OK || people.count == 0)
		return fate;
	if (header != NULL)
		mail_mailboxes(&w->message, header, people.list, people.count);
	for (size_t i = 0; gets && i < people.count; i++) {
		buf_text(&w->to, people.list[i].address);
		buf_char(&w->to, '\n');
		w->recipients++;
	}
	if (w->recipients > LIMIT_MAIL_RECIPIENTS)
		return call_fail(w->call, FATE_REJECT,
				 "the message has more than %d recipients together",
				 LIMIT_MAIL_RECIPIENTS);
	return FATE_OK;
}

static enum fate put_sender(struct writing *w)
{
	struct text from = param_text(w->call->settings, "from");
	struct text reply_to = param_text(w->call->settings, "reply_to");
	struct mailbox answers;
	const char *why = "";

	/* Outside of a daemon there may be no connection. */
	if (from.n == 0)
		from = TEXT("tappet@localhost");
	if (!mailbox_parse(from, &w->from, &why))
		return call_fail(w->call, FATE_REJECT, "the connection's from %s", why);
	mail_mailboxes(&w->message, "From", &w->from, 1);
	if (!value_is(param_value(w->params, "reply_to"), VALUE_NULL) || reply_to.n == 0)
		return put_people(w, "reply_to", "Reply-To", false);
	if (!mailbox_parse(reply_to, &answers, &why))
		return call_fail(w->call, FATE_REJECT, "the connection's reply_to %s", why);
	mail_mailboxes(&w->message, "Reply-To", &answers, 1);
	return FATE_OK;
}

static enum fate put_heads(struct writing *w)
{
	enum fate fate;

	mail_date(&w->message, w->call->now);
	fate = put_sender(w);
	if (fate == FATE_OK)
		fate = put_people(w, "to", "To", true);
	if (fate == FATE_OK && w->recipients == 0)
		fate = call_fail(w->call, FATE_REJECT, "to is empty");
	if (fate == FATE_OK)
		fate = put_people(w, "cc", "Cc", true);
	if (fate == FATE_OK)
		fate = put_people(w, "bcc", NULL, true);
	return fate;
}

static void put_rest(struct writing *w)
{
	struct text key = text_of(w->call->idempotency_key);
	struct text id =
	    text_printf(w->call->arena, "<%.*s@%.*s>", TEXT_ARG(key), TEXT_ARG(w->from.domain));

	mail_text(&w->message, "Subject",
		  message_cut(w->call, param_text(w->params, "subject"), SUBJECT_MOST,
			      MESSAGE_CHARACTERS));
	mail_plain(&w->message, "Message-ID", id);
	mail_plain(&w->message, "MIME-Version", TEXT("1.0"));
	mail_plain(&w->message, "Auto-Submitted", TEXT("auto-generated"));
	mail_content(
	    &w->message,
	    message_cut(w->call, param_text(w->params, "text"), LIMIT_MAIL_TEXT, MESSAGE_BYTES),
	    param_text(w->params, "html"), key);
}

static enum fate take(struct writing *w, struct request *out)
{
	if (w->message.starved || w->to.starved)
		return call_starved(w->call);
	if (buf_failed(&w->message) || buf_failed(&w->to))
		return call_fail(w->call, FATE_REJECT, "the message is larger than %u bytes",
				 LIMIT_REQUEST);
	out->body = text_dup(w->call->arena, buf_view(&w->message));
	out->mail_to = text_dup(w->call->arena, buf_view(&w->to));
	out->mail_from = text_dup(w->call->arena, w->from.address);
	if (arena_failed(w->call->arena))
		return call_fail(w->call, FATE_REJECT, "the message takes too much memory");
	return FATE_OK;
}

static enum fate build_send(struct call *call, struct value given, struct request *out)
{
	struct writing w = { .call = call };
	enum fate fate;

	assert(call != NULL && out != NULL);
	*out = (struct request){ .method = "MAIL", .url = TEXT("/") };
	fate = params_fit(call, send_params, given, &w.params);
	if (fate != FATE_OK)
		return fate;
	if (param_text(w.params, "html").n > LIMIT_MAIL_TEXT)
		return call_fail(call, FATE_REJECT, "html is larger than %u bytes",
				 LIMIT_MAIL_TEXT);
	buf_init(&w.message, LIMIT_REQUEST);
	buf_init(&w.to, LIMIT_MAIL_RECIPIENTS * (LIMIT_MAIL_ADDRESS + 1));
	fate = put_heads(&w);
	if (fate == FATE_OK) {
		put_rest(&w);
		fate = take(&w, out);
	}
	buf_fini(&w.message);
	buf_fini(&w.to);
	return fate;
}

/* ---- Replies. ---- */

static enum fate read_taken(struct call *call, const struct reply *reply, struct reading *out)
{
	struct value_map_builder b;

	assert(call != NULL && reply != NULL && out != NULL);
	*out = (struct reading){ .result = value_null() };
	value_map_begin(&b, call->arena);
	value_map_set(&b, "reply", value_text(message_line(call, reply->body)));
	out->result = value_map_end(&b);
	return FATE_OK;
}

static struct text error_words(struct call *call, const struct reply *reply)
{
	assert(call != NULL && reply != NULL);
	return message_line(call, reply->body);
}

/* RFC 4954, 6: 530 wants a login, 534 a stronger one, 535 doesn't know this one. */
static void standing(struct call *call, const struct reply *reply, struct standing *out)
{
	assert(call != NULL && reply != NULL && out != NULL);
	(void)call;
	out->gone = reply->status == 530 || reply->status == 534 || reply->status == 535;
}

static const struct action actions[] = {
	{ .name = "send",
	  .doc = "Sends a message. Its Message-ID is the same at every attempt.",
	  .params = send_params,
	  .after_doubt = DOUBT_REPEAT, /* recognised by its Message-ID; rather twice than never */
	  .example = "{ to: [\"ann@example.com\"], subject: \"Acme rollout is over budget\", "
		     "text: \"It used more than planned.\" }",
	  .result = "A map with reply: the server's words, mostly with its number for the message.",
	  .build = build_send,
	  .read = read_taken },
	{ .name = NULL },
};

static const char *const ways[] = { "starttls", "implicit", "none", NULL };

static const struct param settings[] = {
	{ .name = "url",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "The mail server: smtp://HOST (port 587) or smtps://HOST (465), or with a port." },
	{ .name = "from",
	  .type = PARAM_MAIL,
	  .required = true,
	  .doc = "The sender: an address, or a name and an address in < and >." },
	{ .name = "username", .type = PARAM_TEXT, .doc = "To log in with.", .secret = true },
	{ .name = "password", .type = PARAM_TEXT, .doc = "To log in with.", .secret = true },
	{ .name = "tls",
	  .type = PARAM_CHOICE,
	  .choices = ways,
	  .doc = "How the connection is encrypted; starttls, with smtps:// implicit. Nothing is "
		 "sent when that fails." },
	{ .name = "reply_to",
	  .type = PARAM_MAIL,
	  .doc = "Where answers go, unless the action says." },
	{ .name = "hello",
	  .type = PARAM_TEXT,
	  .doc = "The name we call ourselves by (EHLO); the domain of from." },
	{ .name = NULL },
};

const struct connector connector_email = {
	.name = "email",
	.title = "E-mail",
	.doc = "Messages through a mail server, over SMTP.",
	.settings = settings,
	.auth = AUTH_LOGIN,
	.smtp = true,
	.actions = actions,
	.per_second = 1, /* providers take 20 to 60 a minute; servers of one's own take more */
	.burst = 10,
	.error_words = error_words,
	.standing = standing,
};
