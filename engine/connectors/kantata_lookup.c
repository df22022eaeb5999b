/* SPDX-License-Identifier: Apache-2.0
 *
 * kantata_lookup - whether a create happened of which no reply came back.
 *
 * The API knows no idempotency keys, but an object can be created with a link to
 * an object of another system (external_reference), and be found by it. Without
 * one, or for several at once, it can't be told: an operator looks.
 *
 * I1  Found is exactly one object; several with one reference tell nothing.
 *
 * Source: developer.kantata.com, filters external_reference_... of the lists. */
#include "engine/connectors/kantata_parts.h"

#include <assert.h>

#include "engine/base/buf.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"

static void put_filter(struct buf *url, const char *name, struct text t)
{
	buf_printf(url, "&external_reference_%s=", name);
	url_encode(url, t);
}

enum fate kantata_lookup(struct call *call, const struct kantata_kind *kind,
			 const struct param *table, struct value given, struct request *out)
{
	AUTO_FINI(buf_fini) struct buf url;
	struct value params, reference;
	struct text ref;
	enum fate fate;

	assert(call != NULL && kind != NULL && out != NULL);
	buf_init(&url, LIMIT_URL);
	*out = (struct request){ .method = "GET" };
	fate = params_fit(call, table, given, &params);
	if (fate != FATE_OK)
		return fate;
	reference = param_value(param_value(params, kind->one), "external_reference");
	ref = param_text(reference, "service_model_ref");
	if (!value_is(reference, VALUE_MAP))
		return call_fail(call, FATE_REJECT, "there is no %s.external_reference", kind->one);
	if (text_find(ref, TEXT(",")) != SIZE_MAX)
		return call_fail(call, FATE_REJECT, "the external_reference's id has a comma");
	buf_printf(&url, "/%s?%s", kind->plural, kind->shown);
	put_filter(&url, "service_name", param_text(reference, "service_name"));
	put_filter(&url, "service_model", param_text(reference, "service_model"));
	put_filter(&url, "service_model_refs", ref);
	fate = kantata_put_query(call, &url, table, params, '&');
	return fate == FATE_OK ? request_url(call, out, &url) : fate;
}

enum fate kantata_found(struct call *call, const struct kantata_kind *kind,
			const struct reply *reply, struct reading *out)
{
	struct value doc, count, results;
	enum fate fate;

	assert(call != NULL && reply != NULL && out != NULL);
	fate = kantata_doc(call, reply, &doc);
	if (fate != FATE_OK)
		return fate;
	count = param_value(doc, "count");
	results = param_value(doc, "results");
	if (!value_is(count, VALUE_INT) || !value_is(results, VALUE_LIST))
		return call_fail(call, FATE_RETRY, "the reply has no results and count");
	if (count.i > 1 || results.n > 1)
		return call_fail(call, FATE_REJECT, "several %ss have this external_reference",
				 kind->noun);
	if (count.i == 1)
		return kantata_read_one(call, kind, reply, out);
	*out = (struct reading){ .object = value_null(), .absent = true };
	return FATE_OK;
}
