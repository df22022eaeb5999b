/* SPDX-License-Identifier: Apache-2.0
 *
 * sandbox - see sandbox.h.
 */
#include "tests/sandbox/sandbox.h"

#include "tests/sandbox/allocations.h"
#include "tests/sandbox/blueworks.h"
#include "tests/sandbox/chat.h"
#include "tests/sandbox/faults.h"
#include "tests/sandbox/feed.h"
#include "tests/sandbox/hindsite.h"
#include "tests/sandbox/journal.h"
#include "tests/sandbox/lists.h"
#include "tests/sandbox/resources.h"
#include "tests/sandbox/times.h"
#include "tests/sandbox/webhooks.h"
#include "tests/sandbox/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void default_switches(struct sandbox *sb)
{
	sb->switches = (struct switches){
		.kantata_token = "kantata-token",
		.financials = true,
		.hindsite_admin = true,
		.kantata_admin = true,
		.blueworks_no_user_status = 400,
		.blueworks_token_s = BLUEWORKS_TOKEN_S,
		.token_lifetime_s = TOKEN_LIFETIME_S,
		.utc_offset_min = -420, /* the zone of the vendor's samples */
		.hook_retry_ms = 500,
		.hook_attempts = 10,
	};
	(void)snprintf(sb->switches.hook_url, sizeof(sb->switches.hook_url), "%s",
		       sb->options.hook_url ? sb->options.hook_url : "");
	(void)snprintf(sb->switches.hook_secret, sizeof(sb->switches.hook_secret), "%s",
		       sb->options.hook_secret ? sb->options.hook_secret : "hindsite-hook-secret");
}

static void populate(struct sandbox *sb)
{
	int64_t now = sandbox_now(sb);

	default_switches(sb);
	if (sb->options.demo)
		seed_demo(sb->world, now);
	else
		seed_many(sb->world, sb->options.seed, now);
	if (sb->options.demo)
		resources_seed(sb, 1001, now);
	for (int64_t id = 1001; sb->options.demo && id <= 1004; id++)
		feed_know_workspace(sb, world_find(sb->world, id));
	hindsite_seed(sb->hindsite, sandbox_now_ms(sb));
	blueworks_seed(sb->blueworks, sandbox_now_ms(sb));
}

struct sandbox *sandbox_new(const struct options *options)
{
	struct sandbox *sb = must_alloc(1, sizeof(*sb));

	assert(options && options->journal_max > 0);
	sb->options = *options;
	(void)pthread_mutex_init(&sb->lock, NULL);
	sb->world = world_new();
	sb->resources = resources_new();
	sb->allocations = allocations_new();
	sb->feed = feed_new();
	sb->journal = journal_new(options->journal_max);
	sb->faults = faults_new();
	sb->hindsite = hindsite_new();
	sb->hooks = hooks_new();
	sb->chat = chat_new();
	sb->lists = lists_new();
	sb->blueworks = blueworks_new();
	populate(sb);
	return sb;
}

void sandbox_free(struct sandbox *sb)
{
	if (!sb)
		return;
	hooks_free(sb->hooks);
	hindsite_free(sb->hindsite);
	chat_free(sb->chat);
	lists_free(sb->lists);
	blueworks_free(sb->blueworks);
	faults_free(sb->faults);
	journal_free(sb->journal);
	world_free(sb->world);
	resources_free(sb->resources);
	allocations_free(sb->allocations);
	feed_free(sb->feed);
	(void)pthread_mutex_destroy(&sb->lock);
	free(sb);
}

void sandbox_reset(struct sandbox *sb)
{
	assert(sb);
	sb->clock_offset_ms = 0;
	sb->any.serial = 0;
	sb->any.until_ms = 0;
	sb->any.signature[0] = '\0';
	sb->stopped_ms = 0;
	world_clear(sb->world);
	resources_clear(sb->resources);
	allocations_clear(sb->allocations);
	feed_clear(sb->feed);
	journal_clear(sb->journal);
	faults_clear(sb->faults, NULL);
	hindsite_clear(sb->hindsite);
	hooks_clear(sb->hooks);
	chat_clear(sb->chat);
	lists_clear(sb->lists);
	blueworks_clear(sb->blueworks);
	populate(sb);
}

int64_t sandbox_now_ms(const struct sandbox *sb)
{
	return (sb->stopped_ms != 0 ? sb->stopped_ms : times_wall_ms()) + sb->clock_offset_ms;
}

int64_t sandbox_now(const struct sandbox *sb)
{
	return sandbox_now_ms(sb) / 1000;
}
