/* SPDX-License-Identifier: Apache-2.0
 *
 * http_auth - a step's own credential: a secret of tappet.yaml that goes along in a
 * header of its request.
 *
 * Only its name is known here; delivery puts in what it is.
 * I1  A connection's own header is never taken from it.
 * Sources: RFC 6750 (bearer), RFC 7617 (basic). */
#include "engine/connectors/http_parts.h"

#include <assert.h>

const struct param http_basic_members[] = {
	{ .name = "user", .type = PARAM_TEXT, .required = true, .doc = "Name of the user." },
	{ .name = "password",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "Password.",
	  .secret = true },
	{ .name = NULL },
};

static const struct param header_members[] = {
	{ .name = "name",
	  .type = PARAM_TEXT,
	  .required = true,
	  .slot = SLOT_HEADER,
	  .doc = "Header that carries the key, such as X-Api-Key." },
	{ .name = "value",
	  .type = PARAM_TEXT,
	  .required = true,
	  .doc = "The key.",
	  .secret = true },
	{ .name = "prefix",
	  .type = PARAM_TEXT,
	  .slot = SLOT_HEADER,
	  .doc = "What stands before it, such as \"Token \"." },
	{ .name = NULL },
};

const struct param http_auth_members[] = {
	{ .name = "bearer",
	  .type = PARAM_TEXT,
	  .doc = "Token to send as Authorization: Bearer.",
	  .secret = true },
	{ .name = "basic",
	  .type = PARAM_MAP,
	  .doc = "User and password to send as Authorization: Basic.",
	  .members = http_basic_members },
	{ .name = "header",
	  .type = PARAM_MAP,
	  .doc = "A key in a header.",
	  .members = header_members },
	{ .name = NULL },
};

static enum fate basic(struct call *call, struct request_auth *auth, struct value given)
{
	struct text user = param_text(given, "user");

	if (user.n == 0 || text_find(user, TEXT(":")) != SIZE_MAX || !http_header_value(user))
		return call_fail(call, FATE_REJECT,
				 "a user's name is not empty, has no colon and no control "
				 "characters");
	(void)secret_reference(param_text(given, "password"), &auth->secret);
	auth->header = TEXT("Authorization");
	auth->prefix = TEXT("Basic ");
	auth->user = user;
	return FATE_OK;
}

static enum fate header(struct call *call, struct request_auth *auth, struct value given)
{
	(void)secret_reference(param_text(given, "value"), &auth->secret);
	auth->header = param_text(given, "name");
	auth->prefix = param_text(given, "prefix");
	if (!http_header_value(auth->prefix))
		return call_fail(call, FATE_REJECT, "header %.*s has control characters",
				 TEXT_ARG(auth->header));
	return FATE_OK;
}

enum fate http_auth(struct call *call, struct request *out, struct value auth)
{
	struct value way;
	enum fate fate = FATE_OK;

	assert(call != NULL && out != NULL);
	if (value_is(auth, VALUE_NULL))
		return FATE_OK;
	way = auth.n == 1 ? auth.pairs[0].val : value_null();
	if (value_is(way, VALUE_NULL))
		return call_fail(call, FATE_REJECT, "auth takes one of bearer, basic and header");
	if (value_get(auth, TEXT("basic")) != NULL) {
		fate = basic(call, &out->auth, way);
	} else if (value_get(auth, TEXT("header")) != NULL) {
		fate = header(call, &out->auth, way);
	} else {
		(void)secret_reference(value_as_text(way), &out->auth.secret);
		out->auth.header = TEXT("Authorization");
		out->auth.prefix = TEXT("Bearer ");
	}
	if (fate == FATE_OK)
		fate = http_header_name(call, out, out->auth.header);
	if (fate == FATE_OK && text_ieq(out->auth.header, TEXT("content-type")))
		fate = call_fail(call, FATE_REJECT, "header Content-Type carries no key");
	return fate;
}
