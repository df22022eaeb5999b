/* SPDX-License-Identifier: Apache-2.0
 *
 * fate - what became of a fallible step, and so what its caller has to do.
 *
 * Retry policy reads this value and nothing else; it never guesses from the
 * text of an error. */
#ifndef TAPPET_BASE_FATE_H
#define TAPPET_BASE_FATE_H

enum fate {
	FATE_OK,     /* done */
	FATE_RETRY,  /* not done and worth trying again later (network, busy, disk) */
	FATE_REJECT, /* the input's fault: trying again with the same input is pointless */
	FATE_BUG,    /* ours: an invariant does not hold */
};

/* The word used in logs, records and JSON: "ok", "retry", "reject", "bug". */
static inline const char *fate_word(enum fate fate)
{
	static const char *const words[] = { "ok", "retry", "reject", "bug" };

	return (unsigned)fate < 4 ? words[fate] : "bug";
}

#endif
