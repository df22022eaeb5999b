/* SPDX-License-Identifier: Apache-2.0
 *
 * multipart - a body of parts with names, some of them files: multipart/form-data
 * (RFC 7578), as browsers write it.
 *
 * I1  The boundary follows from the content, so the same parameters give the same
 *     bytes, and it stands in none of the parts.
 * I2  Nothing of a name, a file's name or a type ends its line or its quotes.
 * Ownership: the body lives in call->arena. */
#include "engine/connectors/connector.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/hash.h"
#include "engine/base/limits.h"

struct part {
	struct text name, content;
	struct text file, type; /* empty: none */
	bool is_file;
};

struct parts {
	struct call *call;
	struct part all[LIMIT_FORM_PARTS];
	size_t count;
	size_t bytes;
};

/* Text and bytes as they are, lists and maps as JSON, other values as templates print them. */
static bool content_of(struct call *call, struct value v, struct text *out)
{
	AUTO_FINI(buf_fini) struct buf plain;

	buf_init(&plain, LIMIT_REQUEST);
	if (value_is(v, VALUE_TEXT) || value_is(v, VALUE_BYTES)) {
		*out = value_as_text(v);
		return true;
	}
	value_write_plain(&plain, v);
	*out = text_dup(call->arena, buf_view(&plain));
	return !buf_failed(&plain) && out->s != NULL;
}

static enum fate add_content(struct parts *parts, struct part part, struct value content)
{
	if (parts->count == LIMIT_FORM_PARTS)
		return call_fail(parts->call, FATE_REJECT, "a form has at most %d parts",
				 LIMIT_FORM_PARTS);
	if (!content_of(parts->call, content, &part.content) ||
	    part.content.n > LIMIT_REQUEST - parts->bytes)
		return call_fail(parts->call, FATE_REJECT, "the body is larger than %u bytes",
				 LIMIT_REQUEST);
	parts->bytes += part.content.n;
	parts->all[parts->count++] = part;
	return FATE_OK;
}

/* A type goes into a header as it is: RFC 9110, 8.3.1 has nothing but ASCII in it. */
static bool type_is_fine(struct text type)
{
	for (size_t i = 0; i < type.n; i++)
		if (type.s[i] < ' ' || type.s[i] > '~')
			return false;
	return text_find(type, TEXT("/")) != SIZE_MAX;
}

/* { content, filename, content_type } */
static enum fate add_file(struct parts *parts, struct text name, struct value file)
{
	struct part part = { .name = name,
			     .file = param_text(file, "filename"),
			     .type = param_text(file, "content_type"),
			     .is_file = value_get(file, TEXT("filename")) != NULL };

	for (uint32_t i = 0; i < file.n; i++) {
		struct value key = file.pairs[i].key;

		if (!value_is(key, VALUE_TEXT) || (!text_is(value_as_text(key), "content") &&
						   !text_is(value_as_text(key), "filename") &&
						   !text_is(value_as_text(key), "content_type")))
			return call_fail(parts->call, FATE_REJECT,
					 "multipart.%.*s: a part has content, filename and "
					 "content_type",
					 TEXT_ARG(name));
	}
	if (value_get(file, TEXT("content")) == NULL)
		return call_fail(parts->call, FATE_REJECT, "multipart.%.*s has no content",
				 TEXT_ARG(name));
	if (value_get(file, TEXT("content_type")) != NULL && !type_is_fine(part.type))
		return call_fail(parts->call, FATE_REJECT,
				 "multipart.%.*s: this is no content type", TEXT_ARG(name));
	if (part.is_file && part.type.n == 0)
		part.type = TEXT("application/octet-stream");
	return add_content(parts, part, param_value(file, "content"));
}

static enum fate add_value(struct parts *parts, struct text name, struct value v)
{
	if (value_is(v, VALUE_NULL))
		return FATE_OK;
	if (value_is(v, VALUE_MAP))
		return add_file(parts, name, v);
	return add_content(parts, (struct part){ .name = name }, v);
}

static enum fate add_all(struct parts *parts, struct value fields)
{
	enum fate fate = FATE_OK;

	for (uint32_t i = 0; i < fields.n && fate == FATE_OK; i++) {
		struct text name = value_as_text(fields.pairs[i].key);
		struct value v = fields.pairs[i].val;

		if (!value_is(fields.pairs[i].key, VALUE_TEXT))
			return call_fail(parts->call, FATE_REJECT, "a name is no text");
		if (!value_is(v, VALUE_LIST))
			fate = add_value(parts, name, v);
		else
			for (uint32_t k = 0; k < v.n && fate == FATE_OK; k++)
				fate = add_value(parts, name, v.items[k]);
	}
	return fate;
}

/* A hash of the contents, and another one should a part happen to hold it. */
static bool boundary_of(const struct parts *parts, char out[HASH_HEX])
{
	struct text all[LIMIT_FORM_PARTS + 1] = { TEXT_NONE };

	for (size_t i = 0; i < parts->count; i++)
		all[i + 1] = parts->all[i].content;
	for (int tries = 0; tries < 100; tries++) {
		bool taken = false;

		hash_name(all, parts->count + 1, out);
		for (size_t i = 1; i <= parts->count && !taken; i++)
			taken = text_find(all[i], (struct text){ out, HASH_HEX - 1 }) != SIZE_MAX;
		if (!taken)
			return true;
		all[0].s = "................................................................"
			   "....................................";
		all[0].n++;
	}
	return false;
}

/* RFC 7578, 4.2, as the HTML standard has it ("multipart/form-data encoding algorithm"). */
static void put_quoted(struct buf *out, struct text t)
{
	buf_char(out, '"');
	for (size_t i = 0; i < t.n; i++) {
		if (t.s[i] == '"')
			buf_str(out, "%22");
		else if (t.s[i] == '\r')
			buf_str(out, "%0D");
		else if (t.s[i] == '\n')
			buf_str(out, "%0A");
		else
			buf_char(out, t.s[i]);
	}
	buf_char(out, '"');
}

static void put_part(struct buf *out, const struct part *part, const char *boundary)
{
	buf_printf(out, "--%s\r\nContent-Disposition: form-data; name=", boundary);
	put_quoted(out, part->name);
	if (part->is_file) {
		buf_str(out, "; filename=");
		put_quoted(out, part->file);
	}
	if (part->type.n > 0) {
		buf_str(out, "\r\nContent-Type: ");
		buf_text(out, part->type);
	}
	buf_str(out, "\r\n\r\n");
	buf_text(out, part->content);
	buf_str(out, "\r\n");
}

enum fate request_multipart(struct call *call, struct request *request, struct value fields)
{
	AUTO_FINI(buf_fini) struct buf body;
	struct parts parts = { .call = call };
	char boundary[HASH_HEX];
	struct text type;
	enum fate fate;

	assert(call != NULL && request != NULL && value_is(fields, VALUE_MAP));
	buf_init(&body, LIMIT_REQUEST);
	fate = add_all(&parts, fields);
	if (fate != FATE_OK)
		return fate;
	if (parts.count == 0)
		return call_fail(call, FATE_REJECT, "a form needs at least one part");
	if (!boundary_of(&parts, boundary))
		return call_fail(call, FATE_REJECT, "no boundary fits these parts");
	for (size_t i = 0; i < parts.count; i++)
		put_part(&body, &parts.all[i], boundary);
	buf_printf(&body, "--%s--\r\n", boundary);
	if (buf_failed(&body))
		return call_fail(call, FATE_REJECT, "the body is larger than %u bytes",
				 LIMIT_REQUEST);
	type = text_printf(call->arena, "multipart/form-data; boundary=%s", boundary);
	request->body = text_dup(call->arena, buf_view(&body));
	if (request->body.s == NULL || type.s == NULL)
		return call_fail(call, FATE_REJECT, "the parameters take too much memory");
	request_header(request, "Content-Type", type);
	return FATE_OK;
}
