/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz - what the harnesses share. A harness is one function that takes any
 * bytes; what must hold is a FUZZ_CHECK, whose failure libFuzzer keeps as a
 * finding.
 *
 * Never: keeps anything from one input to the next but what costs too much to
 * make again and can't be changed by an input. */
#ifndef TAPPET_TESTS_FUZZ_H
#define TAPPET_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/arena.h"
#include "engine/base/cleanup.h"
#include "engine/base/limits.h"
#include "engine/base/text.h"

#define FUZZ_ARENA (64u * MIB) /* more than any one input may need */

#define FUZZ_CHECK(condition, ...)                                                                 \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "does not hold: %s\n", #condition);                        \
			fprintf(stderr, __VA_ARGS__);                                              \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static inline struct text fuzz_text(const uint8_t *bytes, size_t n)
{
	return (struct text){ n > 0 ? (const char *)bytes : "", n };
}

/* Splits the input at the first `mark`; all of it is the head without one. */
static inline struct text fuzz_split(struct text all, const char *mark, struct text *rest)
{
	size_t at = text_find(all, text_of(mark));

	*rest = TEXT("");
	if (at == SIZE_MAX)
		return all;
	rest->s = all.s + at + strlen(mark);
	rest->n = all.n - at - strlen(mark);
	return (struct text){ all.s, at };
}

#endif
