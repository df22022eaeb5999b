/* SPDX-License-Identifier: Apache-2.0
 *
 * The only file that knows simdjson; see tape.h. simdjson is used through its
 * error codes, so nothing throws; its buffers come from operator new(nothrow). */
#include <cassert>
#include <new>

#include <simdjson.h>

extern "C" {
#include "engine/base/limits.h"
#include "engine/value/tape.h"
}

static_assert(simdjson::SIMDJSON_VERSION_MAJOR >= 1, "the tape has had its form since 1.0");

struct tape_reader {
	simdjson::dom::parser parser;
};

struct tape_reader *tape_reader_new(void)
{
	return new (std::nothrow) tape_reader;
}

void tape_reader_free(struct tape_reader *reader)
{
	delete reader;
}

enum tape_result tape_read(struct tape_reader *reader, const char *bytes, size_t n,
			   struct tape *out)
{
	assert(reader != nullptr && out != nullptr);
	assert(bytes != nullptr || n == 0);
	if (n == 0)
		return TAPE_REFUSED;
	/* Copies into a buffer with the padding that simdjson reads into. */
	simdjson::error_code code = reader->parser.parse(bytes, n, true).error();
	if (code == simdjson::MEMALLOC)
		return TAPE_NO_MEMORY;
	if (code != simdjson::SUCCESS)
		return TAPE_REFUSED;
	out->words = reader->parser.doc.tape.get();
	out->strings = reader->parser.doc.string_buf.get();
	assert(out->words[0] >> 56 == 'r');
	return TAPE_OK;
}

void tape_release(struct tape_reader *reader)
{
	assert(reader != nullptr);
	if (reader->parser.capacity() > LIMIT_JSON_KEEP)
		reader->parser = simdjson::dom::parser();
}
