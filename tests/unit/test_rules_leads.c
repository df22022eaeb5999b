/* SPDX-License-Identifier: Apache-2.0
 *
 * Which rules set off which, and the cycles among them. */
#include "engine/rules/leads.h"
#include "engine/rules/plugin_manifest.h"
#include "tests/unit/test_rules_kit.h"

static struct kit k;
static struct buf seen;

static void begin(void)
{
	kit_init(&k);
	buf_init(&seen, MIB);
}

static void end(void)
{
	buf_fini(&seen);
	kit_fini(&k);
}

static void note(void *of, const struct lead *lead)
{
	(void)of;
	buf_printf(&seen, "%.*s>%.*s [%.*s] %.*s\n", TEXT_ARG(lead->from->id),
		   TEXT_ARG(lead->to->id), TEXT_ARG(lead->fields), TEXT_ARG(lead->never));
}

static const char *leads(const char *rules)
{
	(void)kit_rule(&k, rules);
	buf_clear(&seen);
	ck_assert(leads_each(k.set, k.arena, note, NULL));
	return buf_cstr(&seen);
}

static size_t cycles(void)
{
	size_t before = diags_count(k.diags);

	ck_assert(leads_check(k.set, k.arena, k.diags));
	return diags_count(k.diags) - before;
}

#define RULES        "rules:\n"
#define WRITES(body) "do: [ { kantata.workspace.update: { id: \"7\", workspace: " body " } } ]"
#define UPDATED      "on: kantata.workspace.updated, "

START_TEST(values_written_out_are_compared)
{
	begin();
	ck_assert_str_eq(
	    leads(RULES "  - { id: a, on: hook.x, " WRITES(
		"{ status_key: 350 }") " }\n"
				       "  - { id: b, " UPDATED
				       "match: { data.status.key: \"305\" } }\n"
				       "  - { id: c, " UPDATED
				       "match: { data.status.key: [\"305\", \"350\"] } }\n"
				       "  - { id: d, " UPDATED "when: \"data.title == 'x'\" }\n"
				       "  - { id: e, on: kantata.workspace.created }\n"),
	    "a>b [status.key = 350] it asks for another status.key\n"
	    "a>c [status.key = 350] \n"
	    "a>d [status.key = 350] \n");
	ck_assert_uint_eq(cycles(), 0);
	end();
}
END_TEST

START_TEST(what_must_have_changed_is_compared)
{
	begin();
	ck_assert_str_eq(
	    leads(RULES "  - { id: a, on: hook.x, " WRITES(
		"{ title: \"${data.t}\" }") " }\n"
					    "  - { id: b, " UPDATED
					    "match: { changed: due_date } }\n"
					    "  - { id: c, " UPDATED
					    "match: { changed: [due_date, title] } }\n"
					    "  - { id: d, " UPDATED
					    "when: \"rose_past('percent_of_budget_used', 90)\" }\n"
					    "  - { id: e, " UPDATED "when: \"became('title', 'x') "
					    "|| data.title == 'x'\" }\n"),
	    "a>b [title] due_date isn't written\n"
	    "a>c [title] \n"
	    "a>d [title] percent_of_budget_used isn't written\n"
	    "a>e [title] \n");
	end();
}
END_TEST

START_TEST(edges_of_objects_have_events_of_their_own)
{
	begin();
	ck_assert_str_eq(
	    leads(RULES "  - { id: a, on: hook.x, " WRITES(
		"{ archived: true }") " }\n"
				      "  - { id: b, on: kantata.workspace.archived }\n"
				      "  - { id: c, on: kantata.workspace.unarchived }\n"
				      "  - { id: d, " UPDATED "key: data.id }\n"
				      "  - { id: s, on: hook.x, do: [ { hindsite.work_set.start: { "
				      "id: x } } ] }\n"
				      "  - { id: t, on: \"hindsite.work_set.*\" }\n"),
	    "a>b [archived = true] \n"
	    "s>t [started_at] \n");
	end();
}
END_TEST

START_TEST(what_is_not_known_may_be)
{
	begin();
	ck_assert_str_eq(
	    leads(RULES "  - { id: a, on: hook.x, " WRITES(
		"\"${data.all}\"") " }\n"
				   "  - { id: b, " UPDATED "match: { changed: due_date } }\n"
				   "  - { id: off, " UPDATED "mode: off }\n"
				   "  - { id: shade, mode: shadow, on: hook.x, " WRITES(
				       "{ title: x }") " }\n"),
	    "a>b [any field] \n");
	end();
}
END_TEST

START_TEST(new_and_deleted_objects_lead_on)
{
	begin();
	ck_assert_str_eq(
	    leads(RULES
		  "  - { id: a, on: hook.x, do: [ { kantata.workspace.create: { workspace: "
		  "{ title: x } } } ] }\n"
		  "  - { id: b, on: hook.x, do: [ { kantata.workspace.delete: { id: \"7\" } } "
		  "] }\n"
		  "  - { id: c, on: [kantata.workspace.created, kantata.workspace.deleted] }\n"),
	    "a>c [a new one] \n"
	    "b>c [its end] \n");
	end();
}
END_TEST

/* With a plugin "p", whose manifest has two actions. */
static const char *plugin_leads(const char *rules)
{
	static const char manifest[] =
	    "{\"actions\":{\"act\":{},\"look\":{}},\"events\":{\"ev\":{}}}";
	char words[MANIFEST_WORDS] = "";
	struct manifest *m = manifest_read(TEXT("p"), text_of(manifest), words);

	ck_assert_msg(m != NULL, "%s", words);
	kit_config(&k, "plugins: { p: , q: }\n"
		       "hooks: { x: { verify: none }, y: { verify: none } }\n"
		       "connections: { kantata: { connector: kantata, token: t } }\n");
	ck_assert(config_learn(k.config, TEXT("p"), m));
	manifest_free(m);
	return leads(rules);
}

#define CALLS "do: [ { p.act: {} } ]"

START_TEST(actions_of_a_plugin_lead_to_its_events)
{
	begin();
	ck_assert_str_eq(plugin_leads(RULES "  - { id: a, on: hook.x, " CALLS " }\n"
					    "  - { id: b, on: plugin.p.ev }\n"
					    "  - { id: c, on: [hook.y, \"plugin.*.ev\"] }\n"
					    "  - { id: d, on: \"plugin.**\" }\n"
					    "  - { id: e, on: \"plugin.q.*\" }\n"
					    "  - { id: f, on: \"plugin.p.*\", mode: off }\n"
					    "  - { id: g, on: \"plugin.*.*\", from: kantata }\n"
					    "  - { id: h, on: \"plugin.*\" }\n"),
			 "a>b [p.act] \na>c [p.act] \na>d [p.act] \n");
	ck_assert_uint_eq(cycles(), 0);
	end();
}
END_TEST

START_TEST(a_rule_that_feeds_its_plugin_is_a_cycle)
{
	begin();
	ck_assert_str_eq(plugin_leads(RULES "  - { id: a, on: plugin.p.ev, " CALLS " }\n"),
			 "a>a [p.act] \n");
	ck_assert_uint_eq(cycles(), 1);
	kit_expect(k.diags, 2, 5, "a calls p.act, which may bring plugin.p.*, which a takes",
		   "throttle");
	end();
}
END_TEST

START_TEST(cycles_through_plugins_and_products_are_one)
{
	begin();
	(void)plugin_leads(RULES "  - { id: a, on: plugin.p.ev, " WRITES(
	    "{ title: x }") " }\n"
			    "  - { id: b, " UPDATED CALLS " }\n");
	ck_assert_uint_eq(cycles(), 1);
	end();
}
END_TEST

/* Whoever gave the rule a throttle or a condition has thought of it. */
START_TEST(careful_rules_are_no_cycle_through_a_plugin)
{
	begin();
	(void)plugin_leads(RULES
			   "  - { id: a, on: plugin.p.ev, throttle: { every: 1h }, " CALLS " }\n"
			   "  - { id: b, on: plugin.p.ev, when: data.n < 3, " CALLS " }\n"
			   "  - { id: c, on: plugin.p.ev, match: { data.n: 3 }, " CALLS " }\n");
	ck_assert_uint_eq(cycles(), 0);
	end();
}
END_TEST

START_TEST(cycles_are_told_at_their_first_rule)
{
	begin();
	(void)leads(RULES "  - { id: a, " UPDATED WRITES(
	    "{ title: \"${data.id}\" }") " }\n"
					 "  - { id: b, " UPDATED
					 "match: { changed: title }, " WRITES(
					     "{ description: \"${data.title}\" "
					     "}") " }\n"
						  "  - { id: c, on: "
						  "hook.x, " WRITES("{ title: x }") " }\n");
	ck_assert_uint_eq(cycles(), 1);
	kit_expect(k.diags, 2, 0,
		   "a writes kantata.workspace (title), which b takes; b writes kantata.workspace "
		   "(description), which a takes",
		   "depth 8");
	end();
}
END_TEST

START_TEST(own_echoes_are_a_cycle_only_where_they_are_wanted)
{
	begin();
	(void)leads(RULES "  - { id: a, " UPDATED WRITES("{ title: x }") " }\n");
	ck_assert_uint_eq(cycles(), 0);
	(void)leads(RULES "  - { id: a, echoes: allow, " UPDATED WRITES("{ title: x }") " }\n");
	ck_assert_uint_eq(cycles(), 1);
	/* What it writes isn't what it asks for. */
	(void)leads(RULES "  - { id: a, echoes: allow, match: { data.title: y }, " UPDATED WRITES(
	    "{ title: x }") " }\n");
	ck_assert_uint_eq(cycles(), 0);
	end();
}
END_TEST

START_TEST(other_connections_are_other_objects)
{
	begin();
	kit_config(&k, "connections:\n"
		       "  one: { connector: kantata, token: \"${env:T}\" }\n"
		       "  two: { connector: kantata, token: \"${env:T}\" }\n");
	ck_assert_str_eq(
	    leads(RULES
		  "  - id: a\n"
		  "    on: kantata.workspace.updated\n"
		  "    from: one\n"
		  "    do: [ { kantata.workspace.update: { id: \"7\", workspace: { title: x } }, "
		  "via: two } ]\n"
		  "  - { id: b, from: one, on: kantata.workspace.updated }\n"
		  "  - { id: c, from: two, on: kantata.workspace.updated }\n"),
	    "a>c [title = x] \n");
	end();
}
END_TEST

START_TEST(echoes_has_two_words)
{
	begin();
	kit_load(&k, RULES "  - { id: a, on: hook.x, echoes: never }\n");
	kit_expect(k.diags, 2, 34, "never", "ignore, allow");
	end();
}
END_TEST

UNIT_MAIN("rules_leads", values_written_out_are_compared, what_must_have_changed_is_compared,
	  edges_of_objects_have_events_of_their_own, what_is_not_known_may_be,
	  new_and_deleted_objects_lead_on, actions_of_a_plugin_lead_to_its_events,
	  a_rule_that_feeds_its_plugin_is_a_cycle, cycles_through_plugins_and_products_are_one,
	  careful_rules_are_no_cycle_through_a_plugin, cycles_are_told_at_their_first_rule,
	  own_echoes_are_a_cycle_only_where_they_are_wanted, other_connections_are_other_objects,
	  echoes_has_two_words)
