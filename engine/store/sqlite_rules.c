/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_rules - the texts of rule revisions, and the state rules keep.
 *
 * I1  A revision's text never changes; where it was last seen (file, line) may. */
#include <assert.h>

#include "engine/store/sqlite_internal.h"

void store_put_revision(struct store *store, const struct revision_record *revision)
{
	struct sq q;

	assert(store != NULL && store->in_batch && revision != NULL);
	q = sq_use(store, SQ_REVISION_PUT,
		   "INSERT INTO revisions (rule, revision, line, file, text)"
		   " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (rule, revision)"
		   " DO UPDATE SET line = excluded.line, file = excluded.file"
		   " WHERE line <> excluded.line OR file <> excluded.file");
	sq_put_name(&q, revision->rule);
	sq_put_name(&q, revision->revision);
	sq_put_int(&q, revision->line);
	sq_put_text(&q, revision->file);
	sq_put_text(&q, revision->text);
	sq_run(&q);
}

bool store_get_revision(struct store *store, struct arena *arena, struct text rule,
			struct text revision, struct revision_record *out)
{
	int64_t rule_number, number;
	struct sq q;

	assert(store != NULL && arena != NULL && out != NULL);
	rule_number = sq_name_find(store, rule);
	number = rule_number == SQ_NAME_NEW ? SQ_NAME_NEW : sq_name_find(store, revision);
	if (number == SQ_NAME_NEW)
		return false;
	q = sq_use(store, SQ_REVISION_GET,
		   "SELECT line, file, text FROM revisions WHERE rule = ?1 AND revision = ?2");
	sq_put_int(&q, rule_number);
	sq_put_int(&q, number);
	if (!sq_row(&q))
		return false;
	out->rule = text_dup(arena, rule);
	out->revision = text_dup(arena, revision);
	out->line = (int)sq_int(&q, 0);
	out->file = text_dup(arena, sq_text(&q, 1));
	out->text = text_dup(arena, sq_text(&q, 2));
	sq_done(&q);
	return true;
}

/* Steps to the row of a state, if there is one. */
static bool find_state(struct store *store, enum sq_slot slot, const char *sql, struct text rule,
		       struct text what, struct text key, struct sq *q)
{
	int64_t rule_number = sq_name_find(store, rule);
	int64_t what_number = rule_number == SQ_NAME_NEW ? SQ_NAME_NEW : sq_name_find(store, what);

	if (what_number == SQ_NAME_NEW)
		return false;
	*q = sq_use(store, slot, sql);
	sq_put_int(q, rule_number);
	sq_put_int(q, what_number);
	sq_put_text(q, key);
	return sq_row(q);
}

bool store_get_state(struct store *store, struct arena *arena, struct text rule, struct text what,
		     struct text key, struct text *json)
{
	static const char sql[] =
	    "SELECT json FROM states WHERE rule = ?1 AND what = ?2 AND key = ?3";
	struct sq q;

	assert(store != NULL && arena != NULL && json != NULL);
	if (!find_state(store, SQ_STATE_GET, sql, rule, what, key, &q))
		return false;
	*json = text_dup(arena, sq_text(&q, 0));
	sq_done(&q);
	return true;
}

void store_each_state(struct store *store, struct text what,
		      bool (*visit)(void *of, struct text rule, struct text key, struct text json),
		      void *of)
{
	bool go_on = true;
	struct sq q;

	assert(store != NULL && visit != NULL);
	q = sq_ask(store, "SELECT n.name, s.key, s.json FROM states s JOIN names n ON n.id = s.rule"
			  " WHERE s.what = (SELECT w.id FROM names w WHERE w.name = ?1)");
	sq_put_text(&q, what);
	while (go_on && sq_row(&q))
		go_on = visit(of, sq_text(&q, 0), sq_text(&q, 1), sq_text(&q, 2));
	sq_drop(&q);
}

void store_put_state(struct store *store, struct text rule, struct text what, struct text key,
		     struct text json, int64_t now)
{
	struct sq q;

	assert(store != NULL && store->in_batch);
	q = sq_use(store, SQ_STATE_PUT,
		   "INSERT OR REPLACE INTO states (rule, what, key, touched, json)"
		   " VALUES (?1, ?2, ?3, ?4, ?5)");
	sq_put_name(&q, rule);
	sq_put_name(&q, what);
	sq_put_text(&q, key);
	sq_put_int(&q, now);
	sq_put_text(&q, json);
	sq_run(&q);
}

void store_drop_state(struct store *store, struct text rule, struct text what, struct text key)
{
	static const char sql[] = "DELETE FROM states WHERE rule = ?1 AND what = ?2 AND key = ?3";
	struct sq q;

	assert(store != NULL && store->in_batch);
	(void)find_state(store, SQ_STATE_DROP, sql, rule, what, key, &q);
}
