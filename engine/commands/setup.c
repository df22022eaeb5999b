/* SPDX-License-Identifier: Apache-2.0
 *
 * setup - see setup.h. */
#include "engine/commands/setup.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/manifests.h"
#include "engine/rules/plugin_manifest.h"

#define PAUSE_MS 200 /* --follow: short for people, nothing for the machine */

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool setup_complain(struct diags *diags)
{
	struct buf out;

	buf_init(&out, LIMIT_COMMAND_OUTPUT);
	diags_print(diags, &out, isatty(STDERR_FILENO));
	if (out.n > 0)
		(void)fwrite(out.s, 1, out.n, stderr);
	buf_fini(&out);
	return diags_errors(diags) > 0;
}

static bool config_is_there(struct context *context, int *code)
{
	for (size_t i = 0; i < context->config_count; i++) {
		if (exists(context->config_files[i]))
			continue;
		*code =
		    context_fail(context, COMMAND_USAGE, "there is no %s; -c FILE names another",
				 context->config_files[i]);
		return false;
	}
	return true;
}

struct config *setup_config(struct context *context, int *code)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct config *config;

	assert(context != NULL && code != NULL);
	if (!config_is_there(context, code))
		return NULL;
	if (diags == NULL) {
		*code = context_fail(context, COMMAND_FAILED, "memory is out");
		return NULL;
	}
	config = config_load_all(context->config_files, context->config_count,
				 CONFIG_SECRETS_OPTIONAL, diags);
	if (diags_errors(diags) == 0 && config != NULL) {
		manifests_recall(config);
		return config;
	}
	(void)setup_complain(diags);
	config_free(config);
	*code = COMMAND_FAILED;
	return NULL;
}

static struct ruleset *load_named(struct context *context, const struct config *config,
				  const char *const *paths, int count, struct diags *diags)
{
	struct text *texts = arena_array(context->arena, (size_t)count, sizeof(*texts));

	if (texts == NULL)
		return NULL;
	for (int i = 0; i < count; i++)
		texts[i] = text_of(paths[i]);
	return ruleset_load(config, texts, (size_t)count, diags);
}

struct config *setup_rules(struct context *context, const char *const *paths, int count,
			   struct diags *diags, struct ruleset **rules, int *code)
{
	struct config *config;

	assert(context != NULL && diags != NULL && rules != NULL && code != NULL);
	*rules = NULL;
	if (count > 0 && !context->config_given && !exists(context->config_files[0]))
		config = config_bare();
	else if (!config_is_there(context, code))
		return NULL;
	else
		config = config_load_all(context->config_files, context->config_count,
					 CONFIG_SECRETS_OPTIONAL, diags);
	*code = COMMAND_FAILED;
	if (config == NULL)
		return NULL;
	config->rehearsed = context->command->rehearses;
	manifests_recall(config);
	if (count > 0)
		*rules = load_named(context, config, paths, count, diags);
	else
		*rules = ruleset_load(config, config->rule_paths, config->rule_path_count, diags);
	if (*rules != NULL)
		return config;
	(void)context_fail(context, COMMAND_FAILED, "memory is out");
	config_free(config);
	return NULL;
}

static struct config *quiet_config(struct context *context)
{
	AUTO(diags_free) struct diags *diags = diags_new();
	struct config *config = NULL;

	if (diags == NULL || (!context->config_given && !exists(context->config_files[0])))
		return NULL;
	config = config_load_all(context->config_files, context->config_count,
				 CONFIG_SECRETS_OPTIONAL, diags);
	if (context->config_given)
		(void)setup_complain(diags);
	if (config != NULL && diags_errors(diags) == 0) {
		manifests_recall(config);
		return config;
	}
	config_free(config);
	return NULL;
}

const struct connector *const *setup_connectors(struct context *context, struct config **config)
{
	const struct connector *const *built_in = connectors_all();
	const struct connector **all;
	size_t n = 0, plugins;

	assert(context != NULL && config != NULL);
	*config = quiet_config(context);
	plugins = *config != NULL ? (*config)->plugin_count : 0;
	while (built_in[n] != NULL)
		n++;
	all = arena_array(context->arena, n + plugins + 1, sizeof(*all));
	if (all == NULL)
		return NULL;
	memcpy(all, built_in, n * sizeof(*all));
	for (size_t i = 0; i < plugins; i++)
		all[n++] = manifest_connector((*config)->plugins[i].manifest);
	all[n] = NULL;
	return all;
}

struct store *setup_store(struct context *context, int *code)
{
	AUTO(config_free) struct config *config = setup_config(context, code);
	struct store_error error = { 0 };
	struct store *store = NULL;

	if (config == NULL)
		return NULL;
	if (store_open_reader(text_dup(context->arena, config->store).s, &store, &error) == FATE_OK)
		return store;
	const char *hint = store_hint(&error);

	*code = context_fail(context, COMMAND_ABSENT, "%s%s%s", error.text,
			     hint[0] != '\0' ? "\n   hint: " : "", hint);
	return NULL;
}

bool setup_since(struct context *context, int64_t *ms)
{
	const char *value = option_value(context, "since");
	struct clock clock = clock_system();
	int64_t back;

	*ms = 0;
	if (value == NULL || timetext_parse_ms(text_of(value), ms))
		return true;
	if (!timetext_duration(text_of(value), &back)) {
		(void)context_usage(context,
				    "--since takes a duration (10m, 2h, 1d) or a time "
				    "(2026-01-31T08:00:00Z), not \"%s\"",
				    value);
		return false;
	}
	*ms = clock_read(&clock).wall - back;
	return true;
}

bool setup_number(struct context *context, const char *option, size_t *out)
{
	const char *value = option_value(context, option);
	int64_t n = 0;

	*out = 0;
	if (value == NULL)
		return true;
	if (!text_to_int(text_of(value), &n) || n < 1) {
		(void)context_usage(context, "--%s takes a whole number from 1, not \"%s\"", option,
				    value);
		return false;
	}
	*out = (size_t)n;
	return true;
}

void setup_pause(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };

	(void)nanosleep(&pause, NULL);
}
