/* SPDX-License-Identifier: Apache-2.0
 *
 * tape - simdjson behind four C functions.
 *
 * What comes out is simdjson's tape (its doc/tape.md): 64-bit words with a
 * letter in the top byte and a payload below.
 *   r          first and last word
 *   [ {        payload: low 32 bits the index behind the closing word, then 24
 *              bits the number of members, saturated at TAPE_MANY
 *   ] }        the end of one; in a map keys (") and values alternate
 *   "          payload: where in `strings` a 32-bit length and the bytes stand
 *   l u d      the next word is an int64, uint64 or double
 *   t f n      true, false, null
 * I1  A tape is valid until the next tape_read or tape_reader_free.
 * Ownership: the reader owns tape and strings, and keeps them for the next text
 * unless they grew beyond LIMIT_JSON_KEEP.
 * Never: throws, or says where a text is wrong. */
#ifndef TAPPET_VALUE_TAPE_H
#define TAPPET_VALUE_TAPE_H

#include <stddef.h>
#include <stdint.h>

#define TAPE_MANY 0xffffffu

struct tape {
	const uint64_t *words;
	const uint8_t *strings;
};

enum tape_result {
	TAPE_OK,
	TAPE_REFUSED, /* not JSON, or an integer beyond 64 bits */
	TAPE_NO_MEMORY,
};

struct tape_reader;

struct tape_reader *tape_reader_new(void); /* NULL when memory is out */
void tape_reader_free(struct tape_reader *reader);

/* Accepts duplicate keys and nesting up to simdjson's own limit of 1024. */
enum tape_result tape_read(struct tape_reader *reader, const char *bytes, size_t n,
			   struct tape *out);

/* Call when done with a tape. */
void tape_release(struct tape_reader *reader);

#endif
