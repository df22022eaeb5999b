/* SPDX-License-Identifier: Apache-2.0
 *
 * test_commands_manifests - what plugins say of themselves on its way into the rules. */
#include "engine/commands/manifests.h"

#include "engine/base/limits.h"
#include "engine/rules/plugin_manifest.h"
#include "engine/sequencer/record.h"
#include "engine/store/store.h"
#include "tests/unit/test_rules_kit.h"

static const char low[] = "{\"events\":{\"low\":{}}}";
static const char high[] = "{\"events\":{\"high\":{}}}";

static void count(void *of)
{
	++*(int *)of;
}

static void drop(struct queue *q)
{
	for (struct queue_item *item = queue_take(q), *next; item != NULL; item = next) {
		next = item->next;
		input_free((struct input *)(void *)item);
	}
}

static char why[200]; /* of the last emit */

static bool emits(struct manifests *m, struct text plugin, struct text type, const char *data)
{
	enum fate fate = manifests_emits(m, plugin, type, text_of(data), why, sizeof(why));

	ck_assert(fate == FATE_OK || fate == FATE_REJECT);
	return fate == FATE_OK;
}

START_TEST(what_is_new_is_kept_and_told)
{
	struct queue *inputs = queue_new(2, MIB);
	struct manifests *m;
	char words[200] = "";
	int changes = 0;

	m = manifests_new(count, &changes);
	manifests_keep(m, inputs);
	ck_assert(!emits(m, TEXT("p"), TEXT("low"), "null"));
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(low), words, sizeof(words)), FATE_OK);
	ck_assert_int_eq(changes, 1);
	ck_assert(emits(m, TEXT("p"), TEXT("low"), "null"));
	ck_assert(!emits(m, TEXT("q"), TEXT("low"), "null"));
	struct input *input = (struct input *)(void *)queue_take(inputs);

	ck_assert_ptr_nonnull(input);
	ck_assert(input->kind == INPUT_MANIFEST && input->item.next == NULL);
	ck_assert(text_is(input->manifest.plugin, "p") && text_is(input->manifest.json, low));
	input_free(input);
	/* The same again is nothing. */
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(low), words, sizeof(words)), FATE_OK);
	ck_assert_int_eq(changes, 1);
	ck_assert_ptr_null(queue_take(inputs));
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(high), words, sizeof(words)),
			 FATE_OK);
	ck_assert_int_eq(changes, 2);
	ck_assert(!emits(m, TEXT("p"), TEXT("low"), "null"));
	ck_assert(emits(m, TEXT("p"), TEXT("high"), "null"));
	manifests_free(m);
	drop(inputs);
	queue_free(inputs);
}
END_TEST

START_TEST(what_is_wrong_changes_nothing)
{
	struct queue *inputs = queue_new(1, MIB);
	struct manifests *m;
	char words[200] = "";
	int changes = 0;

	m = manifests_new(count, &changes);
	manifests_keep(m, inputs);
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(low), words, sizeof(words)), FATE_OK);
	ck_assert_int_eq(manifests_take(m, TEXT("p"), TEXT("{\"evnts\":{}}"), words, sizeof(words)),
			 FATE_REJECT);
	ck_assert_str_eq(words, "there is no member \"evnts\"; did you mean \"events\"?");
	/* There is no room for it. */
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(high), words, sizeof(words)),
			 FATE_RETRY);
	ck_assert(emits(m, TEXT("p"), TEXT("low"), "null"));
	ck_assert_int_eq(changes, 1);
	drop(inputs);
	/* A daemon that stops keeps nothing more. */
	manifests_keep(m, NULL);
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(high), words, sizeof(words)),
			 FATE_OK);
	ck_assert_ptr_null(queue_take(inputs));
	manifests_free(m);
	manifests_free(NULL);
	queue_free(inputs);
}
END_TEST

START_TEST(data_is_as_the_manifest_says)
{
	struct manifests *m;
	char words[200] = "";
	int changes = 0;
	struct buf most;

	m = manifests_new(count, &changes);
	ck_assert_int_eq(
	    manifests_take(m, TEXT("p"),
			   TEXT("{\"events\":{\"low\":{\"fields\":{\"left\":{\"type\":\"int\"}}},"
				"\"any\":{}}}"),
			   words, sizeof(words)),
	    FATE_OK);
	ck_assert(emits(m, TEXT("p"), TEXT("low"), "{\"left\":7,\"more\":[]}"));
	ck_assert(!emits(m, TEXT("p"), TEXT("low"), "{\"left\":\"7\"}"));
	ck_assert_str_eq(why, "data.left is not of the type int");
	ck_assert(!emits(m, TEXT("p"), TEXT("low"), "null"));
	ck_assert(!emits(m, TEXT("p"), TEXT("lo"), "{}"));
	ck_assert_str_eq(why, "the manifest has no event of this type");
	ck_assert(emits(m, TEXT("p"), TEXT("any"), "7"));
	/* As many values as fit into a body: that there is no memory for them would be told as
	 * "busy", again and again. */
	buf_init(&most, LIMIT_SESSION_BODY);
	buf_str(&most, "{\"a\":[0");
	while (most.n < LIMIT_SESSION_BODY - 4)
		buf_str(&most, ",0");
	buf_str(&most, "]}");
	ck_assert(emits(m, TEXT("p"), TEXT("low"), buf_cstr(&most)));
	buf_clear(&most);
	buf_char(&most, '{');
	for (int i = 0; most.n < LIMIT_SESSION_BODY - 20; i++)
		buf_printf(&most, "%s\"%d\":0", i > 0 ? "," : "", i);
	buf_char(&most, '}');
	ck_assert(emits(m, TEXT("p"), TEXT("low"), buf_cstr(&most)));
	buf_fini(&most);
	manifests_free(m);
}
END_TEST

/* ---- Which one counts. ---- */

struct home {
	struct kit_file yaml;
	char store[256], manifest[256];
};

static void place_init(struct home *p, const char *text)
{
	kit_write(&p->yaml, "tappet.yaml", text);
	snprintf(p->store, sizeof(p->store), "%s/tappet.db", p->yaml.folder);
	snprintf(p->manifest, sizeof(p->manifest), "%s/p.json", p->yaml.folder);
}

static void place_fini(struct home *p)
{
	char path[300];

	(void)unlink(p->manifest);
	(void)unlink(p->store);
	snprintf(path, sizeof(path), "%s.lock", p->store);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s-wal", p->store);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s-shm", p->store);
	(void)unlink(path);
	kit_remove(&p->yaml);
}

static struct config *place_load(const struct home *p)
{
	struct diags *diags = diags_new();
	struct config *config = config_load(p->yaml.path, CONFIG_SECRETS_OPTIONAL, diags);

	if (diags_errors(diags) > 0)
		kit_show(diags);
	ck_assert_uint_eq(diags_errors(diags), 0);
	diags_free(diags);
	return config;
}

static void place_keep(const struct home *p, const char *plugin, const char *json)
{
	struct store_error error;
	struct store *store;
	char name[300];

	snprintf(name, sizeof(name), "sqlite:%s", p->store);
	ck_assert_int_eq(store_open(name, &store, &error), FATE_OK);
	store_begin(store);
	store_put_manifest(store, text_of(plugin), text_of(json), 7);
	ck_assert_int_eq(store_commit(store), FATE_OK);
	store_close(store);
}

static void has(const struct config *config, const char *type, bool said)
{
	ck_assert_msg(config_event(config, text_of(type)) != NULL, "%s", type);
	ck_assert(config_plugin(config, TEXT("p"))->said == said);
}

START_TEST(which_one_counts)
{
	struct home p;
	struct config *config;
	struct manifests *m;
	char words[200];
	int changes = 0;
	FILE *f;

	m = manifests_new(count, &changes);
	place_init(&p, "plugins: { p: }\n");
	config = place_load(&p);
	ck_assert(manifests_apply(m, config)); /* there is no store */
	ck_assert(config->lenient);
	ck_assert(!manifest_is_known(config->plugins[0].manifest));
	config_free(config);

	place_keep(&p, "p", low);
	config = place_load(&p);
	manifests_recall(config);
	ck_assert(!config->lenient);
	has(config, "plugin.p.low", true);
	ck_assert(manifests_apply(m, config));
	has(config, "plugin.p.low", true);
	config_free(config);

	/* What it says now goes before what it said. */
	ck_assert_int_eq(manifests_take(m, TEXT("p"), text_of(high), words, sizeof(words)),
			 FATE_OK);
	config = place_load(&p);
	ck_assert(manifests_apply(m, config));
	has(config, "plugin.p.high", true);
	ck_assert_ptr_null(config_event(config, TEXT("plugin.p.low")));
	config_free(config);

	/* A file goes before the store, and after what it says now. */
	f = fopen(p.manifest, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs("{\"events\":{\"file\":{}}}", f), 0);
	fclose(f);
	f = fopen(p.yaml.path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs("plugins: { p: { manifest: p.json } }\n", f), 0);
	fclose(f);
	config = place_load(&p);
	manifests_recall(config);
	has(config, "plugin.p.file", false);
	ck_assert(manifests_apply(m, config));
	has(config, "plugin.p.high", true);
	config_free(config);
	manifests_free(m);
	place_fini(&p);
}
END_TEST

/* One that can't be read any more is as good as none. */
START_TEST(an_old_one_may_be_refused)
{
	struct home p;
	struct config *config;

	place_init(&p, "plugins: { p: , q: }\n");
	place_keep(&p, "p", "{\"gone\":1}");
	place_keep(&p, "q", low);
	config = place_load(&p);
	manifests_recall(config);
	ck_assert(!manifest_is_known(config->plugins[0].manifest));
	ck_assert(manifest_is_known(config->plugins[1].manifest));
	config_free(config);
	place_fini(&p);
}
END_TEST

UNIT_MAIN("commands_manifests", what_is_new_is_kept_and_told, what_is_wrong_changes_nothing,
	  data_is_as_the_manifest_says, which_one_counts, an_old_one_may_be_refused)
