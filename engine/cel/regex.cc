/* SPDX-License-Identifier: Apache-2.0
 *
 * regex - RE2 behind the C functions of regex.h; the only file that names it.
 *
 * RE2 neither throws nor logs as it is set up here; memory beyond max_mem makes
 * it slower or the pattern is refused, never larger. */
#include <cstdio>
#include <new>

#include <re2/re2.h>

/* The C headers use compound literals, which C++ compilers have but ISO C++ has not. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
extern "C" {
#include "engine/cel/regex.h"
}
#pragma GCC diagnostic pop

namespace
{
constexpr int64_t MAX_MEM = 1 << 20; /* program and automata of one pattern */
}

struct regex {
	explicit regex(re2::StringPiece pattern, const RE2::Options &options) : re(pattern, options)
	{
	}
	RE2 re;
};

struct regex *regex_new(struct text pattern, char *why, size_t why_room)
{
	RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(MAX_MEM);
	struct regex *r = new (std::nothrow) regex(re2::StringPiece(pattern.s, pattern.n), options);
	if (r != nullptr && r->re.ok())
		return r;
	if (why != nullptr && why_room > 0)
		std::snprintf(why, why_room, "%s",
			      r != nullptr ? r->re.error().c_str() : "memory is out");
	delete r;
	return nullptr;
}

void regex_free(struct regex *regex)
{
	delete regex;
}

bool regex_search(const struct regex *regex, struct text in)
{
	return RE2::PartialMatch(re2::StringPiece(in.s, in.n), regex->re);
}
