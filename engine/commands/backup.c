/* SPDX-License-Identifier: Apache-2.0
 *
 * backup - a copy of the store, also while a daemon works with it. */
#include <assert.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/commands/json.h"
#include "engine/commands/setup.h"
#include "engine/commands/table.h"

static int tell(struct context *context, struct store *store, const char *path)
{
	struct stat st = { 0 };

	(void)stat(path, &st);
	if (context->format == OUTPUT_JSON) {
		json_open(&context->out, '{');
		json_str(&context->out, "file", path);
		json_int(&context->out, "bytes", (int64_t)st.st_size);
		json_int(&context->out, "last_event", store_last_event(store));
		json_close(&context->out, '}');
		json_line(&context->out);
		return COMMAND_OK;
	}
	plain_put(&context->out, text_of(path));
	buf_printf(&context->out, ": %lld bytes, checked\n", (long long)st.st_size);
	return COMMAND_OK;
}

static int run(struct context *context)
{
	struct clock clock = clock_system();
	struct store_error error;
	int code;

	assert(context->arg_count == 1);
	AUTO(store_close) struct store *store = setup_store(context, &code);

	if (store == NULL)
		return code;
	if (store_backup(store, context->args[0], clock_read(&clock).wall, &error) != FATE_OK)
		return context_fail(context, COMMAND_FAILED, "%s", error.text);
	return tell(context, store, context->args[0]);
}

const struct command command_backup = {
	.name = "backup",
	.arguments = "FILE",
	.doc = "Copies the store into a new file, also while the daemon runs",
	.more = "The copy is the store as it was at one moment, checked and on disk when this "
		"ends; FILE "
		"must not\n"
		"exist. To restore it: stop the daemon, put the copy in the store's place, remove "
		"its -wal "
		"and -shm\n"
		"files, start. docs/OPERATING.md says what that means for what came after it.",
	.least = 1,
	.most = 1,
	.run = run,
};
