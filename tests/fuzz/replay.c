/* SPDX-License-Identifier: Apache-2.0
 *
 * replay - a main function for a harness that is built without libFuzzer, as
 * every ordinary build does, so that a harness is never left behind by the
 * code it calls. Gives it each file named, one after the other. */
#include "engine/base/buf.h"
#include "tests/fuzz/fuzz.h"

static bool replay(const char *path)
{
	AUTO_FINI(buf_fini) struct buf content;
	FILE *in = fopen(path, "r");
	char chunk[4096];
	size_t n;

	buf_init(&content, FUZZ_ARENA);
	if (in == NULL) {
		perror(path);
		return false;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		buf_put(&content, chunk, n);
	fclose(in);
	LLVMFuzzerTestOneInput((const uint8_t *)content.s, content.n);
	return true;
}

int main(int argc, char **argv)
{
	bool good = true;

	for (int i = 1; i < argc; i++)
		good = replay(argv[i]) && good;
	return good ? 0 : 1;
}
