/* SPDX-License-Identifier: Apache-2.0
 *
 * handshake.c - who is let in, and how fast; see handshake.h. */
#include "engine/sources/handshake.h"

#include <assert.h>

static bool is_named(const struct hook_config *hook, struct text origin)
{
	for (size_t i = 0; i < hook->origin_count; i++)
		if (text_is(hook->origins[i], "*") || text_ieq(hook->origins[i], origin))
			return true;
	return false;
}

enum handshake handshake_answer(const struct hook_config *hook, struct text origin,
				struct text asked, int64_t *rate)
{
	int64_t wish = 0;

	assert(hook != NULL && rate != NULL);
	*rate = hook->allowed_rate;
	/* It stands in our answer, so nothing else may. */
	if (!config_is_origin(origin))
		return HANDSHAKE_MALFORMED;
	if (asked.s != NULL && (!text_to_int(asked, &wish) || wish <= 0))
		return HANDSHAKE_MALFORMED;
	if (wish > 0 && (*rate == 0 || wish < *rate))
		*rate = wish;
	return is_named(hook, origin) ? HANDSHAKE_CONSENT : HANDSHAKE_STRANGER;
}
