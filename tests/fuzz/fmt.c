/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a file to format.
 *
 * It is refused with words and a place, or comes out; what comes out loads the same (fmt_text says
 * so, or that it found a mistake of its own), and formatting it again changes nothing. */
#include <stdio.h>

#include "engine/base/buf.h"
#include "engine/base/diag.h"
#include "engine/commands/fmt_text.h"
#include "tests/fuzz/fuzz.h"

static void check_again(struct text formatted)
{
	AUTO_FINI(buf_fini) struct buf out;
	struct diags *diags = diags_new();

	buf_init(&out, FUZZ_ARENA);
	FUZZ_CHECK(fmt_text(diags, "again", formatted, &out) == FMT_DONE, "refused:\n%.*s\n",
		   TEXT_ARG(formatted));
	FUZZ_CHECK(text_eq(buf_view(&out), formatted), "first:\n%.*s\nsecond:\n%.*s\n",
		   TEXT_ARG(formatted), TEXT_ARG(buf_view(&out)));
	FUZZ_CHECK(formatted.n == 0 || formatted.s[formatted.n - 1] == '\n', "no line end\n");
	FUZZ_CHECK(text_find(formatted, TEXT("\r")) == SIZE_MAX, "a CR\n");
	diags_free(diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	AUTO_FINI(buf_fini) struct buf out;
	struct text content = fuzz_text(bytes, n);
	struct diags *diags = diags_new();
	enum fmt_end end;

	buf_init(&out, FUZZ_ARENA);
	end = fmt_text(diags, "text", content, &out);
	FUZZ_CHECK(end != FMT_BUG, "in:\n%.*s\nout:\n%.*s\n", TEXT_ARG(content),
		   TEXT_ARG(buf_view(&out)));
	FUZZ_CHECK((end == FMT_REFUSED) == (diags_errors(diags) > 0), "errors\n");
	if (end == FMT_DONE)
		check_again(buf_view(&out));
	diags_free(diags);
	return 0;
}
