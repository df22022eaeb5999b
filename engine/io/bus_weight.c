/* SPDX-License-Identifier: Apache-2.0
 *
 * bus_weight - see bus_weight.h. A receiver for whom nothing is held has no entry: only the
 * owner's thread adds, so one that it finds at 0 stays there. */
#include "engine/io/bus_weight.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/mem.h"

struct weight {
	struct weight *next;
	uint32_t receiver;
	atomic_size_t bytes;
};

struct weights {
	size_t most;
	struct weight *list;
};

struct parcel {
	atomic_bool whole; /* all that follows is written: libzmq's threads hand it on, in ways
			      that sanitizers don't see */
	struct weight *weight;
	size_t n;
	char bytes[];
};

struct weights *weights_new(size_t most)
{
	struct weights *weights = mem_zero(1, sizeof(*weights));

	if (weights != NULL)
		weights->most = most;
	return weights;
}

/* Frees the entries of those for whom nothing is held, but for one receiver's, which is returned;
 * NULL: it has none. */
static struct weight *tidy(struct weights *weights, uint32_t receiver)
{
	struct weight **at = &weights->list, *found = NULL;

	while (*at != NULL) {
		struct weight *weight = *at;

		if (weight->receiver == receiver)
			found = weight;
		if (weight->receiver == receiver || atomic_load(&weight->bytes) > 0) {
			at = &weight->next;
			continue;
		}
		*at = weight->next;
		mem_free(weight);
	}
	return found;
}

void weights_free(struct weights *weights)
{
	if (weights == NULL)
		return;
	while (weights->list != NULL) {
		struct weight *next = weights->list->next;

		assert(atomic_load(&weights->list->bytes) == 0);
		mem_free(weights->list);
		weights->list = next;
	}
	mem_free(weights);
}

static struct weight *weight_of(struct weights *weights, uint32_t receiver)
{
	struct weight *weight = tidy(weights, receiver);

	if (weight != NULL)
		return weight;
	weight = mem_zero(1, sizeof(*weight));
	if (weight == NULL)
		return NULL;
	weight->receiver = receiver;
	atomic_init(&weight->bytes, 0);
	weight->next = weights->list;
	weights->list = weight;
	return weight;
}

struct parcel *weight_take(struct weights *weights, uint32_t receiver, struct text bytes)
{
	struct weight *weight;
	struct parcel *parcel;

	assert(weights != NULL && bytes.n > 0);
	weight = weight_of(weights, receiver);
	if (weight == NULL || atomic_load(&weight->bytes) + bytes.n > weights->most)
		return NULL;
	parcel = mem_alloc(sizeof(*parcel) + bytes.n);
	if (parcel == NULL)
		return NULL;
	parcel->weight = weight;
	parcel->n = bytes.n;
	memcpy(parcel->bytes, bytes.s, bytes.n);
	atomic_store(&parcel->whole, true);
	atomic_fetch_add(&weight->bytes, bytes.n);
	return parcel;
}

void *weight_bytes(struct parcel *parcel)
{
	assert(parcel != NULL);
	return parcel->bytes;
}

void weight_drop(void *bytes, void *of)
{
	struct parcel *parcel = of;
	bool whole = atomic_load(&parcel->whole);
	struct weight *weight;
	size_t n;

	assert(whole);
	(void)whole;
	(void)bytes;
	weight = parcel->weight;
	n = parcel->n;
	mem_free(parcel);
	atomic_fetch_sub(&weight->bytes, n);
	/* The entry may be gone by now. */
}
