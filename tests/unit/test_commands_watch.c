/* SPDX-License-Identifier: Apache-2.0
 *
 * test_commands_watch - files that change before, while and after they are read. */
#include "engine/commands/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/diag.h"
#include "engine/base/mark.h"
#include "engine/rules/config.h"
#include "tests/unit/unit_main.h"

struct place_of {
	char folder[64];
	char yaml[96], key[96];
};

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void begin(struct place_of *p)
{
	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/tappet-watch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	(void)snprintf(p->yaml, sizeof(p->yaml), "%s/tappet.yaml", p->folder);
	(void)snprintf(p->key, sizeof(p->key), "%s/key", p->folder);
	put(p->yaml, "hooks: { orders: { verify: bearer, secret: \"${file:key}\" } }\n");
	put(p->key, "one");
}

static void end(const struct place_of *p)
{
	(void)unlink(p->yaml);
	(void)unlink(p->key);
	(void)rmdir(p->folder);
}

static struct config *load(const struct place_of *p)
{
	struct diags *diags = diags_new();
	struct config *config = config_load(p->yaml, CONFIG_SECRETS_NEEDED, diags);

	ck_assert_ptr_nonnull(config);
	ck_assert_int_eq(diags_errors(diags), 0);
	ck_assert_uint_eq(config->secret_file_count, 1);
	diags_free(diags);
	return config;
}

/* The daemon begins to look at files after it has read them, and may be held up on the way. */
START_TEST(what_changes_between_reading_and_looking_is_seen)
{
	struct watch secrets = { 0 }, files = { 0 };
	struct place_of p;
	struct config *config;

	begin(&p);
	config = load(&p);
	put(p.key, "another");
	watch_init(&secrets, config->secret_files, 1, config->secrets_mark);
	watch_init(&files, &config->files[0].path, 1, config->files[0].mark);
	ck_assert(watch_changed(&secrets));
	ck_assert(!watch_changed(&secrets));
	ck_assert(!watch_changed(&files));
	config_free(config);

	config = load(&p);
	put(p.yaml, "hooks: { orders: { verify: bearer, secret: \"${file:key}\" } }\n\n");
	watch_init(&secrets, config->secret_files, 1, config->secrets_mark);
	watch_init(&files, &config->files[0].path, 1, config->files[0].mark);
	ck_assert(!watch_changed(&secrets));
	ck_assert(watch_changed(&files));
	config_free(config);
	end(&p);
}
END_TEST

/* Told at the first look at which nothing moves any more, and once, also when it was no good. */
START_TEST(a_change_is_told_once_when_it_is_over)
{
	struct watch w = { 0 };
	struct place_of p;
	struct text path;

	begin(&p);
	path = text_of(p.key);
	watch_init(&w, &path, 1, mark_of(path));
	ck_assert(!watch_changed(&w));
	put(p.key, "half");
	ck_assert(!watch_changed(&w));
	put(p.key, "the whole");
	ck_assert(!watch_changed(&w));
	ck_assert(watch_changed(&w));
	ck_assert(!watch_changed(&w));
	watch_init(&w, &path, 1, 17); /* what runs is older: the new one was refused */
	ck_assert(!watch_changed(&w));
	ck_assert_int_eq(unlink(p.key), 0);
	ck_assert(!watch_changed(&w));
	ck_assert(watch_changed(&w));
	end(&p);
}
END_TEST

UNIT_MAIN("commands_watch", what_changes_between_reading_and_looking_is_seen,
	  a_change_is_told_once_when_it_is_over)
