/* SPDX-License-Identifier: Apache-2.0
 *
 * explain_text - an explanation for people: the verdict, then the parts of the
 * rule in the order they are asked, each with the tree of its condition.
 *
 * A line of a tree is a sub-expression and its value; > marks the one that
 * decided. What the evaluation did not need is faint, and says so when it could
 * not be evaluated. */
#include <assert.h>
#include <stdio.h>

#include "engine/base/limits.h"
#include "engine/base/timetext.h"
#include "engine/commands/explain.h"
#include "engine/commands/table.h"

#define TEXT_WIDTH  56  /* characters up to which values stand in one column */
#define VALUE_BYTES 120 /* of a value shown */
#define LINE_BYTES  400 /* of a sub-expression shown */

struct painter {
	struct buf *out;
	struct arena *arena;
	bool colour;
	bool needless; /* of the part above: said there already */
	bool unmarked; /* the tree under way is of a part that decided nothing */
	size_t width;  /* of the texts of the tree under way */
};

/* ---- Trees. ---- */

static size_t characters(struct text t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += ((unsigned char)t.s[i] & 0xC0) != 0x80;
	return n;
}

static struct text line_of(const struct explain_node *node)
{
	return text_head(node->text, LINE_BYTES);
}

static size_t widest(struct explain_nodes nodes, size_t depth, size_t most)
{
	for (uint32_t i = 0; i < nodes.count; i++) {
		const struct explain_node *node = nodes.items[i];
		size_t width = 2 * depth + characters(line_of(node));

		if (width > most && width <= TEXT_WIDTH)
			most = width;
		most = widest((struct explain_nodes){ node->kids, node->count }, depth + 1, most);
	}
	return most;
}

static enum tint value_tint(const struct explain_node *node)
{
	if (!node->needed)
		return TINT_FAINT;
	if (node->value.kind == VALUE_ERROR || node->missing)
		return TINT_WARN;
	if (node->value.kind != VALUE_BOOL)
		return TINT_NONE;
	return node->value.b ? TINT_GOOD : TINT_BAD;
}

/* A part fails for an operand that fails: the words stand there. */
static bool fails_beneath(const struct explain_node *node)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (node->kids[i]->value.kind == VALUE_ERROR || node->kids[i]->missing)
			return true;
	return false;
}

static void put_value(const struct painter *p, const struct explain_node *node)
{
	bool told = node->needed || p->needless;
	struct text shown;

	if (!node->known)
		shown = TEXT("not looked at: too many steps in all");
	else if (node->missing)
		shown = TEXT("missing");
	else if (node->value.kind == VALUE_ERROR && !node->needed)
		shown = told ? TEXT("-") : TEXT("(not needed)");
	else if (node->value.kind == VALUE_ERROR && fails_beneath(node))
		shown = TEXT("error");
	else if (node->value.kind == VALUE_ERROR)
		shown = text_printf(p->arena, "error: %.*s", TEXT_ARG(value_as_text(node->value)));
	else
		shown = explain_value(p->arena, node->value, VALUE_BYTES);
	tint_put(p->out, value_tint(node), shown, p->colour);
	if (!told && node->value.kind != VALUE_ERROR)
		tint_put(p->out, TINT_FAINT, TEXT("  (not needed)"), p->colour);
}

static void put_macro(const struct painter *p, const struct explain_node *node)
{
	if (node->elements == 0 || !node->known || node->value.kind == VALUE_ERROR)
		return;
	if (node->element > 0)
		buf_printf(p->out, "  (element %u of %u)", node->element, node->elements);
	else if (node->value.kind == VALUE_BOOL)
		buf_printf(p->out, "  (%u elements)", node->elements);
}

static void put_nodes(struct painter *p, struct explain_nodes nodes, size_t depth)
{
	bool above = p->needless;

	for (uint32_t i = 0; i < nodes.count; i++) {
		const struct explain_node *node = nodes.items[i];
		struct text line = line_of(node);
		size_t width = 2 * depth + characters(line);

		bool decides = node->decides && !p->unmarked;

		buf_printf(p->out, "    %s %*s", decides ? ">" : " ", (int)(2 * depth), "");
		tint_put(p->out,
			 decides        ? TINT_BOLD
			 : node->needed ? TINT_NONE
					: TINT_FAINT,
			 line, p->colour);
		if (line.n < node->text.n)
			buf_str(p->out, "...");
		buf_printf(p->out, "%*s  ", width < p->width ? (int)(p->width - width) : 0, "");
		put_value(p, node);
		put_macro(p, node);
		buf_char(p->out, '\n');
		p->needless = above || !node->needed;
		put_nodes(p, (struct explain_nodes){ node->kids, node->count }, depth + 1);
		p->needless = above;
	}
}

static void put_tree(struct painter *p, struct explain_nodes nodes, bool cut)
{
	if (cut)
		buf_str(p->out, "      (its parts take too much memory to be looked at)\n");
	p->width = widest(nodes, 0, 0);
	put_nodes(p, nodes, 0);
}

/* ---- Parts. ---- */

static void put_part(const struct painter *p, const char *name, const char *state, enum tint tint,
		     struct text words)
{
	buf_printf(p->out, "  %-9s ", name);
	tint_put(p->out, tint, text_of(state), p->colour);
	if (words.n > 0) {
		buf_printf(p->out, "%*s", (int)(7 - (strlen(state) < 6 ? strlen(state) : 5)), "");
		plain_put(p->out, words);
	}
	buf_char(p->out, '\n');
}

static void put_yes_no(const struct painter *p, const char *name, bool yes, struct text words)
{
	put_part(p, name, yes ? "ok" : "NO", yes ? TINT_GOOD : TINT_BAD, words);
}

static const char *outcome_word(enum explain_outcome outcome)
{
	static const char *const words[] = { [EXPLAIN_NONE] = "-",
					     [EXPLAIN_OK] = "ok",
					     [EXPLAIN_NO] = "NO",
					     [EXPLAIN_BLIND] = "error",
					     [EXPLAIN_LATER] = "-" };

	return words[outcome];
}

static void put_unreached(const struct painter *p, const char *name,
			  const struct explain_part *part)
{
	static const char *const would[] = { [EXPLAIN_NONE] = "not reached",
					     [EXPLAIN_OK] = "not reached; it would be true",
					     [EXPLAIN_NO] = "not reached; it would be false",
					     [EXPLAIN_BLIND] = "not reached",
					     [EXPLAIN_LATER] = "not reached" };
	const char *words = would[part->outcome];

	if (strcmp(name, "key") == 0)
		words = would[EXPLAIN_NONE];
	put_part(p, name, "-", TINT_FAINT, text_of(words));
}

/* match and when. */
static void put_condition(struct painter *p, const char *name, const struct explain_part *part)
{
	if (part->outcome == EXPLAIN_NONE) {
		put_part(p, name, "-", TINT_FAINT, TEXT_NONE);
		return;
	}
	if (!part->reached) {
		put_unreached(p, name, part);
		return;
	}
	if (part->outcome == EXPLAIN_LATER) {
		put_part(p, name, "-", TINT_FAINT, TEXT("decided after the look-ups"));
		return;
	}
	put_part(p, name, outcome_word(part->outcome),
		 part->outcome == EXPLAIN_OK   ? TINT_GOOD
		 : part->outcome == EXPLAIN_NO ? TINT_BAD
					       : TINT_WARN,
		 TEXT_NONE);
	put_tree(p, part->nodes, part->cut);
}

static void put_on(const struct painter *p, const struct explain_view *view)
{
	const struct rule *rule = view->rule;
	struct text words = rule->on_count > 0 ? rule->on[0] : TEXT_NONE;

	for (size_t i = 1; i < rule->on_count; i++)
		words = text_printf(p->arena, "%.*s, %.*s", TEXT_ARG(words), TEXT_ARG(rule->on[i]));
	put_yes_no(p, "on", view->told.on, words);
}

/* Of those that nothing asked for, as the event was out before, only the values. */
static void put_defines(struct painter *p, const struct explain_view *view)
{
	const struct explanation *e = &view->told;
	bool asked = e->on && e->from && e->match.outcome != EXPLAIN_NO;

	if (e->define_count == 0)
		put_part(p, "define", "-", TINT_FAINT, TEXT_NONE);
	for (size_t i = 0; i < e->define_count; i++) {
		const struct explain_define *d = &e->defines[i];
		bool failed = d->value.kind == VALUE_ERROR;
		struct text value = explain_value(p->arena, d->value, VALUE_BYTES);

		put_part(p, i == 0 ? "define" : "",
			 !asked   ? "-"
			 : failed ? "error"
				  : "ok",
			 !asked   ? TINT_FAINT
			 : failed ? TINT_WARN
				  : TINT_GOOD,
			 text_printf(p->arena, "%.*s = %.*s", TEXT_ARG(d->name), TEXT_ARG(value)));
		if (failed && asked)
			put_tree(p, d->nodes, d->cut);
	}
}

static void put_key(struct painter *p, const struct explain_view *view)
{
	const struct explanation *e = &view->told;
	const struct explain_part *key = &e->key;

	if (key->outcome == EXPLAIN_NONE) {
		put_part(p, "key", "-", TINT_FAINT,
			 text_printf(p->arena, "%.*s: %.*s",
				     TEXT_ARG(view->event.subject.n > 0 ? TEXT("the subject")
									: TEXT("the event's id")),
				     TEXT_ARG(view->event.subject.n > 0 ? view->event.subject
									: view->event.id)));
		return;
	}
	if (!key->reached) {
		put_unreached(p, "key", key);
		return;
	}
	put_part(p, "key", outcome_word(key->outcome),
		 key->outcome == EXPLAIN_OK ? TINT_GOOD : TINT_WARN,
		 explain_value(p->arena, key->value, VALUE_BYTES));
	if (key->outcome == EXPLAIN_BLIND)
		put_tree(p, key->nodes, key->cut);
}

static void put_lookups(const struct painter *p, const struct explain_view *view)
{
	const struct explain_lookups *all = &view->lookups;
	const char *title = "lookup";
	struct explain_lookup l;

	if (all->told == LOOKUPS_NONE)
		return;
	if (all->told == LOOKUPS_UNMADE)
		put_part(p, title, "-", TINT_FAINT, TEXT("not made"));
	for (uint32_t i = 0; i < all->entries.n; i++) {
		if (!explain_lookup_at(all, i, &l))
			continue;
		bool failed = text_is(l.state, "failed");

		put_part(p, title, failed ? "error" : "ok", failed ? TINT_WARN : TINT_GOOD,
			 explain_lookup_words(p->arena, &l, VALUE_BYTES));
		title = "";
	}
}

static void put_mode(const struct painter *p, const struct explain_view *view)
{
	static const char *const words[] = { [MODE_LIVE] = "live",
					     [MODE_SHADOW] = "shadow: decides and sends nothing",
					     [MODE_OFF] = "off" };

	put_yes_no(p, "mode", view->rule->mode != MODE_OFF, text_of(words[view->rule->mode]));
}

static struct text throttle_words(const struct painter *p, const struct explain_view *view)
{
	const struct explain_throttle *t = &view->throttle;
	char until[TIMETEXT_MAX] = "a time that is not known", every[TIMETEXT_MAX];
	struct text event = TEXT_NONE;

	timetext_duration_format(view->rule->throttle, every);
	if (t->until > 0)
		timetext_format_ms(t->until, until);
	if (t->event.n > 0)
		event = text_printf(p->arena, " (event %.*s)", TEXT_ARG(t->event));
	switch (t->told) {
	case THROTTLE_NONE:
		break;
	case THROTTLE_UNREACHED:
		return TEXT("not reached");
	case THROTTLE_FREE:
		return text_printf(p->arena, "once in %s: free for key %.*s", every,
				   TEXT_ARG(t->key));
	case THROTTLE_CLOSED:
		if (t->run == 0)
			return text_printf(p->arena, "once in %s: spent for key %.*s", every,
					   TEXT_ARG(t->key));
		return text_printf(p->arena,
				   "once in %s: spent for key %.*s until %s by run %lld%.*s", every,
				   TEXT_ARG(t->key), until, (long long)t->run, TEXT_ARG(event));
	case THROTTLE_SPENT:
		return text_printf(p->arena, "once in %s: spent for key %.*s until %s by this run",
				   every, TEXT_ARG(t->key), until);
	case THROTTLE_RETURNED:
		return text_printf(p->arena,
				   "once in %s: this run gave it back, it died before it did "
				   "anything",
				   every);
	}
	return TEXT_NONE;
}

static void put_throttle(const struct painter *p, const struct explain_view *view)
{
	enum throttle_told told = view->throttle.told;

	if (told == THROTTLE_NONE || told == THROTTLE_UNREACHED)
		put_part(p, "throttle", "-", TINT_FAINT, throttle_words(p, view));
	else
		put_yes_no(p, "throttle", told != THROTTLE_CLOSED, throttle_words(p, view));
}

static void put_edge(const struct painter *p, const struct explain_view *view)
{
	enum edge_told told = view->edge.told;
	struct text words = explain_edge_words(p->arena, &view->edge);

	if (told == EDGE_TOLD_UNREACHED)
		put_part(p, "edge", "-", TINT_FAINT, words);
	else if (told != EDGE_TOLD_NONE)
		put_yes_no(p, "edge", told != EDGE_TOLD_ACTIVE && told != EDGE_TOLD_ARMED, words);
}

static void put_echo(const struct painter *p, const struct explain_view *view)
{
	if (view->echo > 0)
		put_yes_no(p, "echo", false,
			   text_printf(p->arena, "run %lld of this rule wrote all that changed",
				       (long long)view->echo));
}

static void put_lane(const struct painter *p, const struct explain_view *view)
{
	const struct explanation *e = &view->told;

	if (view->rule->lane != NULL && e->laneless.n > 0)
		put_part(p, "lane", "error", TINT_WARN, e->laneless);
	else if (view->rule->lane != NULL && e->lane.n == 0)
		put_part(p, "lane", "-", TINT_FAINT, TEXT("not reached"));
	else if (view->rule->lane != NULL)
		put_part(p, "lane", "ok", TINT_GOOD, e->lane);
}

static void put_run(const struct painter *p, const struct explain_view *view)
{
	const struct run_record *run = &view->run;
	struct text reason = TEXT_NONE;

	if (!view->has_run)
		return;
	if (run->reason.n > 0)
		reason = text_printf(p->arena, ": %.*s", TEXT_ARG(run->reason));
	put_part(p, "run", "", TINT_NONE,
		 text_printf(p->arena, "%lld %s%.*s, revision %.*s; tappet runs %lld shows it",
			     (long long)run->id, run_state_word(run->state), TEXT_ARG(reason),
			     TEXT_ARG(run->revision), (long long)run->id));
}

/* ---- The whole. ---- */

static void put_head(const struct painter *p, const struct explain_view *view)
{
	const struct event_view *e = &view->event;
	char when[TIMETEXT_MAX];

	timetext_format_ms(e->time, when);
	buf_str(p->out, "rule ");
	tint_put(p->out, TINT_BOLD, view->rule->id, p->colour);
	buf_printf(p->out, ", revision %.*s (%s:%d)\nevent ", TEXT_ARG(view->rule->revision),
		   view->at.file, view->at.line);
	tint_put(p->out, TINT_BOLD, e->id, p->colour);
	buf_str(p->out, ", ");
	plain_put(p->out, e->type);
	if (e->subject.n > 0) {
		buf_str(p->out, " of ");
		plain_put(p->out, e->subject);
	}
	buf_printf(p->out, ", %s", when);
	if (e->seq > 0)
		buf_printf(p->out, ", seq %lld", (long long)e->seq);
	buf_char(p->out, '\n');
}

static enum tint verdict_tint(const char *verdict)
{
	if (strcmp(verdict, "fired") == 0 || strcmp(verdict, "would_fire") == 0)
		return TINT_GOOD;
	return strcmp(verdict, "no") == 0 ? TINT_BAD : TINT_WARN;
}

static void put_verdict(const struct painter *p, const struct explain_view *view)
{
	struct place at = explain_place(view, view->told.at);

	tint_put(p->out, verdict_tint(view->verdict), view->why, p->colour);
	buf_char(p->out, '\n');
	if (at.line > 0) {
		buf_printf(p->out, "  at %s:%d", at.file, at.line);
		if (at.column > 0)
			buf_printf(p->out, ":%d", at.column);
		buf_char(p->out, '\n');
	}
	for (size_t i = 0; i < view->note_count; i++) {
		buf_str(p->out, "note: ");
		plain_put(p->out, view->notes[i]);
		buf_char(p->out, '\n');
	}
}

/* Where one part settled it, marks in others would lead astray. */
static bool decides(const struct explain_view *view, const char *part)
{
	bool settled = strcmp(view->verdict, "no") == 0 || strcmp(view->verdict, "blind") == 0;

	return !settled || strcmp(view->part, part) == 0;
}

void explain_text(struct buf *out, struct arena *arena, const struct explain_view *view,
		  bool colour)
{
	struct painter p = { .out = out, .arena = arena, .colour = colour };

	assert(out != NULL && arena != NULL && view != NULL && view->verdict != NULL);
	put_head(&p, view);
	put_verdict(&p, view);
	buf_char(out, '\n');
	put_on(&p, view);
	if (view->rule->from.n == 0)
		put_part(&p, "from", "-", TINT_FAINT, TEXT_NONE);
	else
		put_yes_no(&p, "from", view->told.from, view->rule->from);
	p.unmarked = !decides(view, "match");
	put_condition(&p, "match", &view->told.match);
	p.unmarked = strcmp(view->verdict, "no") == 0;
	put_defines(&p, view);
	p.unmarked = !decides(view, "key");
	put_key(&p, view);
	put_lookups(&p, view);
	p.unmarked = !decides(view, "when");
	put_condition(&p, "when", &view->told.when);
	put_mode(&p, view);
	put_edge(&p, view);
	put_echo(&p, view);
	put_throttle(&p, view);
	put_lane(&p, view);
	put_run(&p, view);
}
