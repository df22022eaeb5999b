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

/* missing ")" in "(": RE2's own words put the colon of its list after the parenthesis. */
static void say_why(const RE2 &re, char *why, size_t why_room)
{
	const char *arg = re.error_arg().c_str();

	switch (re.error_code()) {
	case RE2::ErrorMissingParen:
		std::snprintf(why, why_room, "missing \")\" in \"%s\"", arg);
		break;
	case RE2::ErrorMissingBracket:
		std::snprintf(why, why_room, "missing \"]\" in \"%s\"", arg);
		break;
	default:
		std::snprintf(why, why_room, "%s", re.error().c_str());
		break;
	}
}

struct regex *regex_new(struct text pattern, char *why, size_t why_room)
{
	RE2::Options options;

	options.set_log_errors(false);
	options.set_max_mem(MAX_MEM);
	struct regex *r = new (std::nothrow) regex(re2::StringPiece(pattern.s, pattern.n), options);
	if (r != nullptr && r->re.ok())
		return r;
	if (why != nullptr && why_room > 0 && r != nullptr)
		say_why(r->re, why, why_room);
	else if (why != nullptr && why_room > 0)
		std::snprintf(why, why_room, "memory is out");
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
