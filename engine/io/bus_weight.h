/* SPDX-License-Identifier: Apache-2.0
 *
 * bus_weight - how many bytes libzmq holds for whom. Its high-water marks count
 * messages, whatever they weigh; so what is heavy is handed to it in a parcel, which
 * is counted until libzmq lets go of it.
 *
 * I1  A receiver's parcels are at most `most` bytes together.
 * Ownership: weights_free frees the count; the last parcel must be back by then. A
 * parcel is its holder's until weight_drop.
 * Threads: all is called on one, but weight_drop on any. */
#ifndef TAPPET_IO_BUS_WEIGHT_H
#define TAPPET_IO_BUS_WEIGHT_H

#include <stdint.h>

#include "engine/base/text.h"

struct weights;
struct parcel;

struct weights *weights_new(size_t most);   /* NULL when memory is out */
void weights_free(struct weights *weights); /* NULL is fine */

/* A copy of the bytes for a receiver; NULL: it has too many already, or memory is out. */
struct parcel *weight_take(struct weights *weights, uint32_t receiver, struct text bytes);
void *weight_bytes(struct parcel *parcel);

/* As libzmq calls it, when it has no use for the bytes any more. */
void weight_drop(void *bytes, void *parcel);

#endif
