/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an expression: the parser takes or refuses them, and what it took
 * survives being printed and parsed, with macros and without. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/test_cel_tree.h"

static void check(struct text text, bool macros)
{
	AUTO(arena_free) struct arena *arena = arena_new("parse", FUZZ_ARENA);
	AUTO_FINI(buf_fini) struct buf out;
	const char *lost;

	buf_init(&out, MIB);
	lost = tree_lost(arena, &out, text, macros);
	FUZZ_CHECK(lost == NULL, "macros %d: %.*s\nprinted: %s\n", macros, TEXT_ARG(text), lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text text = fuzz_text(bytes, n);

	if (n > LIMIT_EXPR || !text_is_utf8(text)) /* cel_compile refuses these before */
		return 0;
	check(text, true);
	check(text, false);
	return 0;
}
