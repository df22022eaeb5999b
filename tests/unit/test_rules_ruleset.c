/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_ruleset - files and folders, the index by type, revisions,
 * connections, and what polls are asked for. */
#include <sys/stat.h>

#include "engine/base/fault.h"
#include "tests/unit/test_rules_kit.h"

START_TEST(globs)
{
	ck_assert(event_glob(TEXT("a.b"), TEXT("a.b")));
	ck_assert(!event_glob(TEXT("a.b"), TEXT("a.b.c")));
	ck_assert(!event_glob(TEXT("a.b.c"), TEXT("a.b")));
	ck_assert(event_glob(TEXT("a.*"), TEXT("a.b")));
	ck_assert(!event_glob(TEXT("a.*"), TEXT("a")));
	ck_assert(!event_glob(TEXT("a.*"), TEXT("a.b.c")));
	ck_assert(event_glob(TEXT("*.b"), TEXT("x.b")));
	ck_assert(event_glob(TEXT("a.**"), TEXT("a.b.c")));
	ck_assert(!event_glob(TEXT("a.**"), TEXT("a")));
	ck_assert(event_glob(TEXT("**"), TEXT("a.b")));
	ck_assert(event_glob(TEXT("a.*.c.**"), TEXT("a.b.c.d")));
	ck_assert(!event_glob(TEXT("a.*"), TEXT("a.")));
}
END_TEST

static bool note(void *of, const struct rule *rule, const struct decision *decision)
{
	struct buf *out = of;

	ck_assert_int_eq(decision->verdict, VERDICT_YES);
	buf_text(out, rule->id);
	return true;
}

static void assert_visited(struct kit *k, struct matcher *matcher, const char *type,
			   const char *ids)
{
	struct event_view event = { .id = TEXT("1"), .type = text_of(type), .seq = 1 };
	struct buf b;

	buf_init(&b, KIB);
	ck_assert(matcher_each(matcher, k->arena, &event, 0, note, &b));
	ck_assert_str_eq(buf_cstr(&b), ids);
	buf_fini(&b);
}

START_TEST(visited_in_order)
{
	struct matcher *matcher;
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n  - { id: a, on: x.y }\n  - { id: b, on: 'x.*' }\n"
		     "  - { id: c, on: [x.y, 'x.**', x.y] }\n  - { id: d, on: x.z }\n"
		     "  - { id: e, on: [z.z, x.y] }\n  - { id: f, on: x.y, mode: off }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	matcher = matcher_new(k.set);
	ck_assert_ptr_nonnull(matcher);
	assert_visited(&k, matcher, "x.y", "abce");
	assert_visited(&k, matcher, "x.z", "bcd");
	assert_visited(&k, matcher, "x.*", "bc");
	assert_visited(&k, matcher, "q", "");
	ck_assert_uint_eq(matcher_seen(matcher, ruleset_find(k.set, TEXT("d"))), 1);
	ck_assert_ptr_null(ruleset_find(k.set, TEXT("nobody")));
	matcher_free(matcher);
	kit_fini(&k);
}
END_TEST

static bool count(void *of, const struct rule *rule, const struct decision *decision)
{
	(void)rule;
	ck_assert_int_eq(decision->verdict, VERDICT_YES);
	++*(int *)of;
	return true;
}

/* Matches one event of type x.y with this data; how many rules were looked at, and fired. */
static uint64_t looked_at(struct kit *k, struct matcher *matcher, const char *data, int *fired)
{
	struct event_view event = {
		.id = TEXT("1"), .type = TEXT("x.y"), .seq = 1, .data = kit_json(k, data)
	};
	uint64_t before = matcher_asked(matcher);

	*fired = 0;
	ck_assert(matcher_each(matcher, k->arena, &event, 0, count, fired));
	return matcher_asked(matcher) - before;
}

/* However many rules there are, an event looks at those that its fields name. */
START_TEST(looks_at_few)
{
	struct matcher *matcher;
	struct kit k;
	struct buf b;
	int fired;

	kit_init(&k);
	buf_init(&b, MIB);
	buf_str(&b, "rules:\n");
	for (int i = 0; i < 200; i++)
		buf_printf(
		    &b,
		    "  - { id: a%d, on: x.y, when: 'data.id == \"%d\" && data.flag' }\n"
		    "  - { id: b%d, on: x.y, when: 'data.used >= %d.5 && data.kind == \"k\"' }\n"
		    "  - { id: c%d, on: x.y, when: 'data.title.startsWith(\"t%03d\")' }\n",
		    i, i, i, 1000 + i, i, i);
	kit_load(&k, buf_cstr(&b));
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	matcher = matcher_new(k.set);
	ck_assert_ptr_nonnull(matcher);
	ck_assert_uint_eq(
	    looked_at(&k, matcher,
		      "{\"id\":\"7\",\"flag\":true,\"used\":3,\"kind\":\"k\",\"title\":\"t\"}",
		      &fired),
	    1);
	ck_assert_int_eq(fired, 1);
	ck_assert_uint_eq(
	    looked_at(
		&k, matcher,
		"{\"id\":\"7\",\"flag\":false,\"used\":1001,\"kind\":\"k\",\"title\":\"t0071\"}",
		&fired),
	    2);
	ck_assert_int_eq(fired, 2);
	ck_assert_uint_eq(
	    looked_at(&k, matcher,
		      "{\"id\":7,\"flag\":true,\"used\":2000,\"kind\":\"q\",\"title\":\"x\"}",
		      &fired),
	    0);
	matcher_free(matcher);
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

static void assert_story(const struct kit *k, size_t rule, const char *found, const char *left)
{
	struct index_story story = ruleset_story(k->set, k->arena, rule);

	ck_assert_str_eq(story.found.s, found);
	ck_assert_str_eq(story.left.s, left);
}

START_TEST(the_index_tells_how_rules_are_found)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n"
		     "  - { id: a, on: x.y, when: 'data.a == 1 && size(data.l) > 2' }\n"
		     "  - { id: b, on: x.y, when: 'data.a == 1 || data.b >= 2' }\n"
		     "  - { id: c, on: x.y, when: 'data.t.contains(\"x\")' }\n"
		     "  - { id: d, on: x.y, mode: off }\n");
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	assert_story(&k, 0, "data.a =", "size(data.l) > 2");
	assert_story(&k, 1, "data.a =; or in 1 other way", "data.a == 1 || data.b >= 2");
	assert_story(&k, 2, "", "data.t.contains(\"x\")");
	ck_assert(ruleset_story(k.set, k.arena, 3).off);
	ck_assert_uint_eq(ruleset_index_size(k.set).always, 1);
	kit_fini(&k);
}
END_TEST

/* A rule whose conditions are a choice of 16 and 60 more: what is known of it while the index is
 * built takes some 700 KiB, and must not be kept for all of them. */
static void put_broad_rule(struct buf *b, int number)
{
	buf_printf(b, "  - id: r%d\n    on: x.y\n    when: (data.a == %d", number, number);
	for (int i = 1; i < 16; i++)
		buf_printf(b, " || data.a%d == %d", i, number);
	buf_str(b, ")");
	for (int i = 0; i < 60; i++)
		buf_printf(b, " && data.b%d >= %d", i, i);
	buf_char(b, '\n');
}

START_TEST(many_broad_rules)
{
	struct buf b;
	struct kit k;

	kit_init(&k);
	buf_init(&b, 16 * MIB);
	buf_str(&b, "rules:\n");
	for (int i = 0; i < 1500; i++)
		put_broad_rule(&b, i);
	kit_load(&k, buf_cstr(&b));
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert_uint_eq(ruleset_index_size(k.set).always, 0);
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

/* data.id in [0, 1, ...]: found by its values up to 1,024 of them. */
static size_t always_with_list(int values)
{
	struct buf b;
	struct kit k;
	size_t always;

	kit_init(&k);
	buf_init(&b, MIB);
	buf_str(&b, "rules:\n  - id: r\n    on: x.y\n    when: data.id in [0");
	for (int i = 1; i < values; i++)
		buf_printf(&b, ",%d", i);
	buf_str(&b, "]\n");
	kit_load(&k, buf_cstr(&b));
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	always = ruleset_index_size(k.set).always;
	buf_fini(&b);
	kit_fini(&k);
	return always;
}

START_TEST(long_lists)
{
	ck_assert_uint_eq(always_with_list(64), 0);
	ck_assert_uint_eq(always_with_list(65), 0);
	ck_assert_uint_eq(always_with_list(1024), 0);
	ck_assert_uint_eq(always_with_list(1025), 1);
}
END_TEST

/* Each type is one partition, however often and among however many it stands. */
START_TEST(many_types)
{
	struct buf b;
	struct kit k;

	kit_init(&k);
	buf_init(&b, 4 * MIB);
	buf_str(&b, "rules:\n  - id: r\n    on: [x.y");
	for (int i = 0; i < 100000; i++)
		buf_printf(&b, ", x.t%d", i % 50000);
	buf_str(&b, "]\n");
	kit_load(&k, buf_cstr(&b));
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert_uint_eq(ruleset_index_size(k.set).types, 50001);
	buf_fini(&b);
	kit_fini(&k);
}
END_TEST

static void put(const char *folder, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(folders)
{
	char folder[] = "/tmp/tappet-rules-XXXXXX", sub[64], path[200];
	static const char *const files[] = { "b.yaml", "a.yml", "sub/c.yaml", "no.txt",
					     ".hidden.yaml" };
	struct kit k;
	struct text t;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(sub, sizeof(sub), "%s/sub", folder);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	put(folder, "b.yaml", "rules: [{ id: b, on: x.y }, { id: a, on: x.y }]\n");
	put(folder, "a.yml", "rules: [{ id: a, on: x.y }]\n");
	put(folder, "sub/c.yaml", "# nothing yet\n");
	put(folder, "no.txt", "]\n");
	put(folder, ".hidden.yaml", "]\n");
	kit_init(&k);
	t = text_of(folder);
	k.set = ruleset_load(k.config, &t, 1, k.diags);
	ck_assert_uint_eq(diags_count(k.diags), 1);
	kit_expect(k.diags, 1, 35, "another rule has the id \"a\"", "");
	ck_assert(text_is(ruleset_at(k.set, 0)->id, "a"));
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(sub);
	rmdir(folder);
	kit_fini(&k);
}
END_TEST

START_TEST(a_path_that_is_not_there)
{
	struct text t = TEXT("/nowhere/rules");
	struct kit k;

	kit_init(&k);
	k.set = ruleset_load(k.config, &t, 1, k.diags);
	ck_assert_uint_eq(diags_errors(k.diags), 1);
	kit_fini(&k);
}
END_TEST

/* Permissions don't bite root: the rules are read as somebody else. */
static void load_as_nobody(struct kit *k, const char *path)
{
	struct text t = text_of(path);
	bool root = geteuid() == 0;

	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	k->set = ruleset_load(k->config, &t, 1, k->diags);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
}

START_TEST(what_is_unreadable_is_not_taken_for_empty)
{
	char folder[] = "/tmp/tappet-rules-XXXXXX", sub[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(sub, sizeof(sub), "%s/sub", folder);
	ck_assert_int_eq(mkdir(sub, 0), 0);
	for (int i = 0; i < 2; i++) {
		const char *place = i == 0 ? sub : folder;
		struct kit k;

		ck_assert_int_eq(chmod(folder, i == 0 ? 0755 : 0), 0);
		kit_init(&k);
		load_as_nobody(&k, folder);
		ck_assert_uint_eq(diags_errors(k.diags), 1);
		ck_assert_str_eq(diags_at(k.diags, 0)->at.file, place);
		ck_assert_str_eq(diags_at(k.diags, 0)->what, "can't be read: Permission denied");
		kit_fini(&k);
	}
	ck_assert_int_eq(chmod(folder, 0700), 0);
	rmdir(sub);
	rmdir(folder);
}
END_TEST

/* A link that leads nowhere, or back up for ever. */
START_TEST(links_that_lead_nowhere)
{
	static const char *const targets[] = { "nowhere", "a.yaml", "." };
	char folder[] = "/tmp/tappet-rules-XXXXXX", path[64];
	struct text t = text_of(folder);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.yaml", folder);
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		struct kit k;

		ck_assert_int_eq(symlink(targets[i], path), 0);
		kit_init(&k);
		k.set = ruleset_load(k.config, &t, 1, k.diags);
		ck_assert_uint_eq(diags_errors(k.diags), 1);
		ck_assert_ptr_nonnull(strstr(diags_at(k.diags, 0)->what, "can't be read: "));
		kit_fini(&k);
		unlink(path);
	}
	rmdir(folder);
}
END_TEST

START_TEST(a_configuration_without_rule_files)
{
	char folder[] = "/tmp/tappet-rules-XXXXXX", text[100];
	struct kit k;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	put(folder, "rules.txt", "rules: []\n");
	snprintf(text, sizeof(text), "rules: [%s]\n", folder);
	kit_init(&k);
	kit_config(&k, text);
	k.set = ruleset_load(k.config, k.config->rule_paths, 1, k.diags);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	ck_assert_uint_eq(diags_count(k.diags), 1);
	ck_assert_str_eq(diags_at(k.diags, 0)->what, "there is no rule file here");
	snprintf(text, sizeof(text), "%s/rules.txt", folder);
	unlink(text);
	rmdir(folder);
	kit_fini(&k);
}
END_TEST

START_TEST(revisions_load_alone)
{
	static const char *const texts[] = {
		"rules:\n  - id: a\n    on: x.y\n    when: >\n      data.a &&\n\n      data.b\n"
		"    define:\n      t: |\n        'x'\n",
		"rules: [{ id: a, on: x.y,\n  when: data.a, do: [{ slack.post: { text: \"a\n  b\" "
		"} }] }]\n",
		"rules:\n  - on: x.y\n    # comment\n    id: a\n    do:\n    - slack.post:\n       "
		" text: |\n"
		"          one\n            two\n\n          three ${data.a}\n",
	};
	struct text path = TEXT("tests/unit/data/rules/over-budget.yaml");
	struct ruleset *again;
	const struct rule *rule, *same;
	struct kit k;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		kit_init(&k);
		rule = kit_rule(&k, texts[i]);
		again = ruleset_load_revision(k.config, rule->id, rule->source, k.diags);
		if (again == NULL)
			kit_show(k.diags);
		ck_assert_ptr_nonnull(again);
		same = ruleset_at(again, 0);
		ck_assert(text_eq(same->source, rule->source));
		ck_assert(text_eq(same->revision, rule->revision));
		ck_assert_int_eq(same->step_count, rule->step_count);
		ruleset_free(again);
		kit_fini(&k);
	}
	kit_init(&k);
	k.set = ruleset_load(k.config, &path, 1, k.diags);
	rule = ruleset_at(k.set, 0);
	again = ruleset_load_revision(k.config, rule->id, rule->source, k.diags);
	ck_assert_ptr_nonnull(again);
	same = ruleset_at(again, 0);
	ck_assert(text_eq(same->revision, rule->revision));
	ck_assert(text_eq(cel_program_text(same->match), cel_program_text(rule->match)));
	ruleset_free(again);
	ck_assert_ptr_null(ruleset_load_revision(k.config, TEXT("x"), TEXT("id: [\n"), k.diags));
	ck_assert_ptr_null(ruleset_load_revision(k.config, TEXT("x"), TEXT("5"), k.diags));
	kit_fini(&k);
}
END_TEST

/* What check refuses today may have been accepted when the run began. */
START_TEST(revisions_are_not_checked_again)
{
	static const char *const conditions[] = {
		"data.id == 5",
		"data.a.all(x, data.a.all(y, data.a.all(z, x == y && y == z)))",
		"data.price_in_cents / 100 > 5",
	};
	char text[300];
	struct kit k;

	kit_init(&k);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		struct ruleset *set;

		snprintf(text, sizeof(text), "id: a\non: kantata.workspace.updated\nwhen: %s\n",
			 conditions[i]);
		set = ruleset_load_revision(k.config, TEXT("a"), text_of(text), k.diags);
		ck_assert_ptr_nonnull(set);
		ruleset_free(set);
	}
	kit_fini(&k);
}
END_TEST

START_TEST(revisions_tell_rules_apart)
{
	struct kit k;

	kit_init(&k);
	kit_load(&k, "rules:\n  - { id: a, on: x.y }\n  - { id: b, on: x.y }\n");
	ck_assert(!text_eq(ruleset_at(k.set, 0)->revision, ruleset_at(k.set, 1)->revision));
	ck_assert(text_is(ruleset_at(k.set, 0)->source, "{ id: a, on: x.y }\n"));
	kit_fini(&k);
}
END_TEST

#define TWO                                                                                        \
	"connections:\n  k1: { connector: kantata, token: \"${env:A}\", timeout: 7s,\n"            \
	"        poll: { workspaces: {} } }\n"                                                     \
	"  k2: { connector: kantata, token: \"${env:A}\" }\n"                                      \
	"  chat: { connector: slack, webhook_url: \"${env:A}\" }\n"                                \
	"vars: { room: ops }\nhooks: { gh: { verify: none, event_header: X-E }, b: { verify: "     \
	"none } }\n"                                                                               \
	"schedules: { monday: { cron: \"0 9 * * 1\" } }\n"

static void with_two(const char *rule, int line, const char *what, const char *hint)
{
	char text[1000];
	struct kit k;

	kit_init(&k);
	kit_config(&k, TWO);
	ck_assert_uint_eq(diags_errors(k.diags), 0);
	diags_free(k.diags);
	k.diags = diags_new();
	snprintf(text, sizeof(text), "rules:\n  - id: a\n%s", rule);
	kit_load(&k, text);
	if (line > 0)
		kit_expect(k.diags, line, 0, what, hint);
	else if (diags_count(k.diags) > 0)
		kit_show(k.diags);
	if (line == 0)
		ck_assert_uint_eq(diags_count(k.diags), 0);
	kit_fini(&k);
}

START_TEST(connections)
{
	with_two("    on: hook.b\n    do: [{ kantata.workspace.show: { id: 1 } }]\n", 4,
		 "several connections", "k1, k2");
	with_two("    on: hook.b\n    do: [{ kantata.workspace.show: { id: 1 }, via: k2 }]\n", 0,
		 "", "");
	with_two("    on: hook.b\n    do: [{ kantata.workspace.show: { id: 1 }, via: k3 }]\n", 4,
		 "no connection \"k3\"", "k1, k2");
	with_two("    on: hook.b\n    do: [{ kantata.workspace.show: { id: 1 }, via: chat }]\n", 4,
		 "is a slack connection", "");
	with_two("    on: hook.b\n    do: [{ slack.post: { text: '${vars.room}' } }]\n", 0, "", "");
	with_two("    on: hook.b\n    do: [{ slack.post: { text: '${vars.rom}' } }]\n", 4,
		 "no vars.rom", "\"room\"");
	with_two("    on: hook.b\n    do: [{ hindsite.work_set.start: { id: x } }]\n", 4,
		 "no connection uses", "");
	with_two("    on: hook.b\n    do: [{ http.request: { url: \"http://h/\" } }]\n", 0, "", "");
	with_two("    on: hook.gh.push\n", 0, "", "");
	with_two("    on: hook.gh\n", 3, "no event", "");
	with_two("    on: hook.bb\n", 3, "no event", "\"hook.b\"");
	with_two("    on: schedule.mondey\n", 3, "no event", "\"schedule.monday\"");
	with_two("    on: schedule.monday\n", 0, "", "");
	with_two("    on: com.example.made\n", 0, "", "");
	with_two("    on: hindsite.work_set.completed\n", 3, "never happens", "");
	with_two("    on: kantata.workspace.updated\n    from: k3\n", 4, "no connection", "");
}
END_TEST

START_TEST(timeouts_come_from_the_connection)
{
	struct kit k;

	kit_init(&k);
	kit_config(&k, TWO);
	kit_load(&k, "rules:\n  - id: a\n    on: hook.b\n    do:\n"
		     "      - { kantata.workspace.show: { id: 1 }, via: k1 }\n"
		     "      - { kantata.workspace.show: { id: 1 }, via: k2 }\n");
	ck_assert_int_eq(ruleset_at(k.set, 0)->steps[0].timeout, 7000);
	ck_assert_int_eq(ruleset_at(k.set, 0)->steps[1].timeout, 30000);
	ck_assert(text_is(ruleset_at(k.set, 0)->steps[1].connection, "k2"));
	kit_fini(&k);
}
END_TEST

static bool asked(const struct kit *k, const char *connection, const char *word)
{
	const struct connection *c = config_connection(k->config, TEXT("k1"));
	const char *const *words = ruleset_asks(k->set, text_of(connection), c->polls[0].resource);

	for (; *words != NULL; words++)
		if (strstr(*words, word) != NULL)
			return true;
	return false;
}

/* Three optional fields of the kind: read in a condition, a change function and, beneath a
 * map, a template. */
START_TEST(polls_ask_for_what_rules_read)
{
	const char *fields[4] = { NULL };
	const struct object_kind *kind;
	char text[1000];
	size_t n = 0;
	struct kit k;

	kit_init(&k);
	kit_config(&k, TWO);
	kind = config_connection(k.config, TEXT("k1"))->polls[0].resource->kind;
	for (const struct field *f = kind->fields; f->name != NULL && n < 4; f++)
		if (f->ask != NULL && strchr(f->name, '.') == NULL &&
		    (n == 2) == (f->type == FIELD_MAP))
			fields[n++] = f->name;
	ck_assert_uint_eq(n, 4);
	snprintf(
	    text, sizeof(text),
	    "rules:\n  - id: a\n    on: kantata.workspace.updated\n    when: data.%s != null\n"
	    "    match: { changed: %s }\n    do: [{ slack.post: { text: '${before.%s.x}' } }]\n"
	    "  - id: b\n    on: hook.b\n    when: data.%s\n",
	    fields[0], fields[1], fields[2], fields[3]);
	kit_load(&k, text);
	ck_assert(asked(&k, "k1", object_kind_field(kind, text_of(fields[0]))->ask));
	ck_assert(asked(&k, "k1", object_kind_field(kind, text_of(fields[1]))->ask));
	ck_assert(asked(&k, "k1", object_kind_field(kind, text_of(fields[2]))->ask));
	ck_assert(!asked(&k, "k1", object_kind_field(kind, text_of(fields[3]))->ask));
	ck_assert(!asked(&k, "k2", ""));
	kit_fini(&k);
}
END_TEST

#define EVERY_KIND                                                                                 \
	"rules:\n"                                                                                 \
	"  - { id: a, on: x.y, when: 'data.id == 7 && data.n > 1' }\n"                             \
	"  - { id: b, on: [x.y, 'x.*'], when: 'data.n >= 1 || data.t.startsWith(\"q\")' }\n"       \
	"  - { id: c, on: x.y, key: data.t, match: { rose_past: { n: 3 } } }\n"                    \
	"  - { id: d, on: x.y, when: 'data.missing == 1 && data.n > 1' }\n"                        \
	"  - { id: e, on: '**', define: { half: data.n / 2 }, when: half == 4 }\n"

static bool note_any(void *of, const struct rule *rule, const struct decision *decision)
{
	struct buf *out = of;

	buf_text(out, rule->id);
	if (decision->verdict == VERDICT_BLIND)
		buf_char(out, '?');
	return true;
}

static void match_short_of_memory(struct kit *k, struct matcher *matcher,
				  const struct event_view *event)
{
	char visited[100];
	struct buf b = { .s = NULL };
	bool good;

	buf_init(&b, KIB);
	good = matcher_each(matcher, k->arena, event, 0, note_any, &b);
	snprintf(visited, sizeof(visited), "%s", buf_failed(&b) ? "" : buf_cstr(&b));
	/* Memory that is out is told, by the matcher, the event's arena or who takes the answer. */
	if (good && !arena_failed(k->arena) && !buf_failed(&b))
		ck_assert_str_eq(visited, "abcd?e");
	buf_fini(&b);
	arena_reset(k->arena);
}

/* Loads, and matches two events, while allocation number n fails; false when there are less. */
static bool run_short_of_memory(const struct text *path, int n)
{
	struct arena *kept = arena_new("event", MIB);
	struct matcher *matcher = NULL;
	struct event_view event;
	bool hit;
	struct kit k;

	kit_init(&k);
	event = (struct event_view){
		.id = TEXT("1"),
		.type = TEXT("x.y"),
		.seq = 1,
		.data = value_copy(kept, kit_json(&k, "{\"id\":7,\"n\":8,\"t\":\"q1\"}")),
		.before = value_copy(kept, kit_json(&k, "{\"id\":7,\"n\":1,\"t\":\"q1\"}")),
	};
	arena_reset(k.arena);
	fault_arm("memory", n, false);
	k.set = ruleset_load(k.config, path, 1, k.diags);
	if (k.set != NULL && diags_errors(k.diags) == 0)
		matcher = matcher_new(k.set);
	for (int i = 0; i < 2 && matcher != NULL; i++)
		match_short_of_memory(&k, matcher, &event);
	hit = fault_disarm();
	ck_assert(hit || matcher != NULL);
	matcher_free(matcher);
	kit_fini(&k);
	arena_free(kept);
	return hit;
}

START_TEST(memory_runs_out)
{
	struct kit_file f;
	struct text path;
	int n = 1;

	kit_write(&f, "rules.yaml", EVERY_KIND);
	path = text_of(f.path);
	while (run_short_of_memory(&path, n))
		n++;
	kit_remove(&f);
#ifdef TAPPET_FAULTS
	ck_assert_int_gt(n, 20);
#endif
}
END_TEST

UNIT_MAIN("rules_ruleset", globs, visited_in_order, looks_at_few,
	  the_index_tells_how_rules_are_found, many_broad_rules, long_lists, many_types, folders,
	  a_path_that_is_not_there, what_is_unreadable_is_not_taken_for_empty,
	  links_that_lead_nowhere, a_configuration_without_rule_files, revisions_load_alone,
	  revisions_are_not_checked_again, revisions_tell_rules_apart, connections,
	  timeouts_come_from_the_connection, polls_ask_for_what_rules_read, memory_runs_out)
