/* SPDX-License-Identifier: Apache-2.0
 *
 * inside - what the files of value/ share and nobody else includes.
 *
 * Three readers of JSON text divide the work: tape.h is simdjson, fast, without
 * positions or odd numbers; scan.c is strict and finds positions; walk.c trusts
 * a text that one of the two has accepted.
 * Ownership: nothing here owns anything but what its comment says. */
#ifndef TAPPET_VALUE_INSIDE_H
#define TAPPET_VALUE_INSIDE_H

#include "engine/base/buf.h"
#include "engine/base/fate.h"
#include "engine/value/parse.h"
#include "engine/value/value.h"

/* ---- compare.c ---- */

/* value_hash under a seed: the index of a map uses the map's address, which a
 * sender cannot know. */
uint64_t value_hash_seeded(struct value v, uint64_t seed);

/* value_equal, except that NaN is the same as NaN. */
bool value_same(struct value a, struct value b);

/* ---- write.c ---- */

#define VALUE_KEY_MAX 64 /* numbers, bools and times fit */

/* A key as text: itself, or written into `room` without quotes. */
struct text value_key_text(struct value key, char room[VALUE_KEY_MAX]);

/* ---- scan.c ---- */

/* FATE_OK, FATE_REJECT (*error is filled) or FATE_RETRY (memory is out). */
enum fate scan_text(struct text json, struct json_error *error);

/* Fills *error for the byte at `offset`; computes line and column. */
void scan_error(struct json_error *error, struct text json, size_t offset, const char *what);

/* The double nearest to a JSON number of any length; infinite when too large.
 * Never allocates and, unlike strtod, needs no NUL behind the digits. */
double scan_double(struct text number);

/* The character after a backslash and, for \u, its hex digits; *at stands
 * behind the backslash. Puts 1 to 4 bytes of UTF-8 and moves *at on. The escape
 * must be valid. */
size_t scan_unescape(const char **at, char out[4]);

/* ---- walk.c: only for text that was accepted ---- */

/* The tree of the whole text; check arena_failed afterwards. */
struct value walk_build(struct arena *arena, struct text json);

/* The container at `path`, up to the end of the text. FATE_REJECT: there is none;
 * FATE_RETRY: memory is out. */
enum fate walk_find(struct text json, struct text path, struct buf *scratch,
		    struct text *container);

/* FATE_OK, or FATE_RETRY when memory is out. Keys with escapes are decoded into
 * `scratch` and live until the next visit. */
enum fate walk_each(struct text container, struct buf *scratch,
		    bool (*visit)(void *of, struct text key, struct text member), void *of);

#endif
