/* SPDX-License-Identifier: Apache-2.0
 *
 * steps - the `do:` list: each step's action, connection, options and
 * parameters. Steps of on_error lists follow the main ones. */
#include "engine/rules/load.h"

#include <assert.h>

#include "engine/base/limits.h"
#include "engine/rules/reuse.h"
#include "engine/rules/words.h"

#define DEFAULT_ATTEMPTS 8
#define DEFAULT_FIRST    1000        /* ms */
#define DEFAULT_MAX      (5 * 60000) /* ms */
#define DEFAULT_TIMEOUT  30000       /* ms */
#define MAX_ATTEMPTS     1000        /* three days at the ceiling of 5 minutes */
#define MAX_TIMEOUT      600000      /* ms; a connection is held that long */

const char *const step_keys[] = { "as",     "if",  "retry",    "timeout",     "ok",
				  "result", "via", "on_error", "after_doubt", NULL };
static const char *const later_keys[] = { "lookup", "wait_for", "approve",  "parallel",
					  "undo",   "guard",    "budget",   "hold",
					  "echoes", "for",      "debounce", NULL };
/* What a use passes on; the rest belongs to the action's own steps. */
const char *const use_keys[] = { "as", "if", "retry", "timeout", "on_error", NULL };

static bool in_list(struct text word, const char *const *list)
{
	for (; *list != NULL; list++)
		if (text_is(word, *list))
			return true;
	return false;
}

bool step_has_key(struct text key)
{
	assert(key.n == 0 || key.s != NULL);
	return in_list(key, step_keys);
}

/* ---- Which action. ---- */

static const char *key_hint(struct loading *l, struct text key, const struct yaml_pair *action)
{
	const char *hint = reader_nearest(l->r.arena, key, step_keys);

	if (use_hint(l, key)[0] != '\0')
		return use_hint(l, key);
	if (hint[0] != '\0')
		return hint;
	if (action != NULL && action->val->kind == YAML_NULL)
		return "parameters stand beneath their action, two spaces further in";
	return catalog_action_hint(l, key);
}

static const struct yaml_pair *action_pair(struct loading *l, const struct yaml_node *map)
{
	const struct yaml_pair *found = NULL;

	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		if (in_list(key->text, step_keys))
			continue;
		if (in_list(key->text, later_keys)) {
			reader_error(&l->r, key, "the word is reserved for a later version",
				     "\"%.*s\" is not yet supported", TEXT_ARG(key->text));
		} else if (memchr(key->text.s, '.', key->text.n) == NULL) {
			reader_error(&l->r, key, key_hint(l, key->text, found),
				     "a step has no key \"%.*s\"", TEXT_ARG(key->text));
		} else if (found != NULL) {
			reader_error(&l->r, key, "start another item with \"- \"",
				     "one step does one thing: it has \"%.*s\" already",
				     TEXT_ARG(found->key->text));
		} else {
			found = &map->pairs[i];
		}
	}
	return found;
}

/* Connections are named by via; the action's own first word is the connector. */
static const char *connector_hint(struct loading *l, struct text word)
{
	const struct connection *c = config_connection(l->config, word);
	struct text hint;

	if (c == NULL || c->connector == NULL || c->connector->actions == NULL)
		return catalog_connector_hint(l, word);
	hint = text_printf(l->r.arena,
			   "\"%.*s\" is a connection: write an action of %s, such as %s.%s, and "
			   "via: %.*s beside it",
			   TEXT_ARG(word), c->connector->name, c->connector->name,
			   c->connector->actions->name, TEXT_ARG(word));
	return hint.s != NULL ? hint.s : "";
}

/* "slack.post { text: hi }" is one key to YAML. */
static const char *action_hint(struct loading *l, struct text word)
{
	struct text name, rest = text_split(word, ' ', &name);

	if (rest.n > 0 && rest.s[0] == '{')
		return "a colon is missing behind the name of the action: NAME: { ... }";
	return catalog_action_hint(l, word);
}

static bool read_action(struct loading *l, const struct yaml_node *key, struct step *step)
{
	struct text connector, action = text_split(key->text, '.', &connector);
	const struct plugin_config *plugin = config_plugin(l->config, connector);

	if (plugin != NULL)
		return plugin_read_action(l, key, plugin, action, step);
	step->connector = connector_find(connector);
	if (step->connector == NULL) {
		reader_error(&l->r, key, connector_hint(l, connector),
			     "there is no connector \"%.*s\"", TEXT_ARG(connector));
		return false;
	}
	step->action = connector_action(step->connector, action);
	if (step->action == NULL) {
		reader_error(&l->r, key, action_hint(l, key->text), "there is no action \"%.*s\"",
			     TEXT_ARG(key->text));
		return false;
	}
	return true;
}

/* ---- Options. ---- */

static void retry(struct loading *l, const struct yaml_node *node, struct step *step)
{
	static const char *const keys[] = { "attempts", "first", "max", NULL };
	const struct yaml_node *attempts, *first, *max;
	int64_t n;

	if (!reader_map(&l->r, node, "retry", "attempts", "5") ||
	    !reader_keys(&l->r, node, "retry", keys, NULL))
		return;
	attempts = yaml_get(node, "attempts");
	first = yaml_get(node, "first");
	max = yaml_get(node, "max");
	if (attempts != NULL && reader_int(&l->r, attempts, 1, MAX_ATTEMPTS, &n))
		step->attempts = (int)n;
	if (first != NULL && reader_duration(&l->r, first, 1, &step->first) &&
	    step->max < step->first)
		step->max = step->first;
	if (max != NULL && reader_duration(&l->r, max, 1, &step->max) && step->max < step->first)
		reader_error(&l->r, max, "", "the ceiling is below the first wait");
}

static void timeout(struct loading *l, const struct yaml_node *node, struct step *step)
{
	if (!reader_duration(&l->r, node, 1, &step->timeout))
		return;
	if (step->timeout > MAX_TIMEOUT)
		reader_error(&l->r, node, "", "an attempt can take 10m at most");
}

static void ok(struct loading *l, const struct yaml_node *node, struct step *step)
{
	size_t n = node->kind == YAML_LIST ? node->count : 1;
	int *statuses = arena_array(l->r.arena, n, sizeof(*statuses));

	for (size_t i = 0; statuses != NULL && i < n; i++) {
		const struct yaml_node *item = node->kind == YAML_LIST ? node->items[i] : node;
		int64_t status;

		if (reader_int(&l->r, item, 100, 599, &status))
			statuses[step->ok_count++] = (int)status;
	}
	step->ok = statuses;
}

/* "data.items.0.id": what value_path follows. */
static void result(struct loading *l, const struct yaml_node *node, struct step *step)
{
	struct text path, rest, segment;

	if (!reader_text(&l->r, node, &path))
		return;
	rest = path;
	do {
		rest = text_split(rest, '.', &segment);
		if (segment.n == 0 || strcspn(segment.s, "${}[]() ") < segment.n ||
		    text_ends(path, TEXT("."))) {
			reader_error(&l->r, node, "like data.items.0.id",
				     "\"%.*s\" is no path into a reply", TEXT_ARG(path));
			return;
		}
	} while (rest.n > 0);
	step->result = path;
}

static void after_doubt(struct loading *l, const struct yaml_node *node, struct step *step)
{
	static const char *const words[] = { "repeat", "lookup", "park", NULL };
	int choice;

	if (!reader_choice(&l->r, node, words, NULL, &choice))
		return;
	if (choice == DOUBT_LOOKUP && step->action->after_doubt != DOUBT_LOOKUP)
		reader_error(&l->r, node, "repeat or park", "%s.%s can't be looked up",
			     step->connector->name, step->action->name);
	else
		step->after_doubt = (enum doubt)choice;
}

/* Names within an action are its own. */
static struct text full_name(struct loading *l, struct text name)
{
	return l->use == NULL
		   ? name
		   : text_printf(l->r.arena, "%.*s/%.*s", TEXT_ARG(l->use->prefix), TEXT_ARG(name));
}

/* By a step, or by a use whose steps begin with it. */
static bool name_is_taken(const struct loading *l, struct text name)
{
	for (int i = 0; i < l->step_count; i++) {
		struct text other = l->steps[i].name;

		if (text_starts(other, name) && (other.n == name.n || other.s[name.n] == '/'))
			return true;
	}
	return false;
}

static void name(struct loading *l, const struct yaml_node *node, struct step *step)
{
	struct text t;

	if (!reader_text(&l->r, node, &t))
		return;
	for (size_t i = 0; i < t.n; i++) {
		bool letter = t.s[i] == '_' || ((t.s[i] | 32) >= 'a' && (t.s[i] | 32) <= 'z');

		if (!letter && (i == 0 || t.s[i] < '0' || t.s[i] > '9')) {
			reader_error(&l->r, node, "letters, digits and _, a letter first",
				     "\"%.*s\" is no name for a step", TEXT_ARG(t));
			return;
		}
	}
	if (t.n == 0)
		return;
	t = full_name(l, t);
	if (name_is_taken(l, t))
		reader_error(&l->r, node, "", "another step has the name \"%.*s\"",
			     TEXT_ARG(node->text));
	else
		step->name = t;
}

/* ---- Steps. ---- */

static void read_step(struct loading *l, const struct yaml_node *map);

/* Handlers are read after the main steps: remembered here until then. */
static void on_error(struct loading *l, const struct yaml_node *node, const struct step_use *use,
		     struct step *step)
{
	static const char *const words[] = { "stop", "continue", NULL };
	int choice;

	if (node->kind == YAML_LIST) {
		if (l->handled >= 0)
			reader_error(&l->r, node, "stop or continue",
				     "a step of on_error can't have a list of its own");
		else if (node->count > 0)
			step->on_error = ON_ERROR_STEPS;
		l->pending[l->step_count].list = node;
		l->pending[l->step_count].use = use;
	} else if (reader_choice(&l->r, node, words, NULL, &choice)) {
		step->on_error = choice == 0 ? ON_ERROR_STOP : ON_ERROR_CONTINUE;
	}
}

/* What the step says, else the innermost use that does, else the file. *use: where that stands. */
static const struct yaml_node *option(const struct loading *l, const struct yaml_node *map,
				      const char *key, size_t offset, const struct step_use **use)
{
	const struct yaml_node *node = yaml_get(map, key);

	*use = l->use;
	for (const struct inherited *i = l->inherited; node == NULL && i != NULL; i = i->outer) {
		memcpy(&node, (const char *)i + offset, sizeof(node));
		*use = i->use;
	}
	if (node == NULL) {
		node = parts_default(l, key);
		*use = NULL;
	}
	return node;
}

static void options(struct loading *l, const struct yaml_node *map, struct step *step)
{
	const struct step_use *use;
	const struct yaml_node *node;

	l->pending[l->step_count] =
	    (struct pending_handler){ .own = yaml_get(map, "on_error") != NULL };
	if ((node = yaml_get(map, "as")) != NULL)
		name(l, node, step);
	if ((node = option(l, map, "retry", offsetof(struct inherited, retry), &use)) != NULL)
		retry(l, node, step);
	if ((node = option(l, map, "timeout", offsetof(struct inherited, timeout), &use)) != NULL)
		timeout(l, node, step);
	if ((node = yaml_get(map, "ok")) != NULL)
		ok(l, node, step);
	if ((node = yaml_get(map, "result")) != NULL)
		result(l, node, step);
	node = l->handled < 0 && !load_in_strict_loop(l)
		   ? option(l, map, "on_error", offsetof(struct inherited, on_error), &use)
		   : yaml_get(map, "on_error");
	if (node != NULL)
		on_error(l, node, use, step);
	if ((node = yaml_get(map, "if")) != NULL)
		step->condition = load_condition(l, node);
}

/* json, form, body and multipart are ways to say the same thing, where an action has most of
 * them. */
static void one_body(struct loading *l, const struct yaml_node *map, const struct param *table)
{
	static const char *const ways[] = { "json", "form", "body", "multipart", NULL };
	const struct yaml_node *first = NULL;
	size_t has = 0;

	for (; table != NULL && table->name != NULL; table++)
		has += in_list(text_of(table->name), ways);
	for (size_t i = 0; has >= 3 && i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		if (!in_list(key->text, ways))
			continue;
		if (first != NULL)
			reader_error(&l->r, key, "a request has one body",
				     "\"%.*s\" can't be given together with \"%.*s\"",
				     TEXT_ARG(key->text), TEXT_ARG(first->text));
		first = key;
	}
}

static void params(struct loading *l, const struct yaml_node *node, struct step *step)
{
	struct yaml_node none = { .kind = YAML_MAP, .at = node->at, .source = node->source };

	if (node->kind == YAML_NULL)
		node = &none;
	if (node->kind != YAML_MAP) {
		reader_error(&l->r, node,
			     step->action->example != NULL ? step->action->example : "",
			     "parameters must be a map, not %s", yaml_kind_words(node));
		return;
	}
	if (step->plugin) {
		plugin_params(l, node, step);
		return;
	}
	one_body(l, node, step->action->params);
	step->params = load_template_map(l, node, step->action->params, SLOT_PLAIN);
	step->literal_host = template_names_host(step->params);
}

static void defaults(struct loading *l, const struct yaml_node *map, struct step *step)
{
	*step = (struct step){ .at = reader_place(&l->r, map),
			       .attempts = DEFAULT_ATTEMPTS,
			       .first = DEFAULT_FIRST,
			       .max = DEFAULT_MAX,
			       .on_error = ON_ERROR_STOP,
			       .handler = -1,
			       .next = -1,
			       .resume = -1,
			       .use = l->use,
			       .handles = l->handled,
			       .within = l->within,
			       .what = "" };
}

static void with_action(struct loading *l, const struct yaml_pair *pair,
			const struct yaml_node *map, struct step *step)
{
	const struct yaml_node *node;
	const struct connection *connection;

	step->after_doubt = step->action->after_doubt;
	step->what = text_dup(l->r.arena, pair->key->text).s;
	l->action = pair->key->text;
	params(l, pair->val, step);
	table_uses_step(l, step, pair->val);
	emitted_step(l, step, pair->val);
	/* A URL that names its own host goes there, whatever connections there are. */
	if (step->plugin)
		plugin_connection(l, map, step);
	else if ((node = yaml_get(map, "via")) != NULL)
		step_via(l, node, step);
	else if (!step->connector->connection_optional || !step->literal_host)
		step_only_connection(l, pair->key, step);
	if (yaml_get(map, "via") == NULL && !step->plugin)
		step_relative_url(l, pair->val, step);
	secrets_step(l, step, pair->val);
	if ((node = yaml_get(map, "after_doubt")) != NULL)
		after_doubt(l, node, step);
	connection = step->connection.n > 0 ? config_connection(l->config, step->connection) : NULL;
	if (connection != NULL && step->action->needs != NULL &&
	    value_get(connection->settings, text_of(step->action->needs)) == NULL)
		reader_error(
		    &l->r, pair->key, "use another connection with via, or add the setting",
		    "%.*s needs a connection with \"%s\"; %.*s has none", TEXT_ARG(pair->key->text),
		    step->action->needs, TEXT_ARG(connection->name));
	if (step->timeout == 0)
		step->timeout = step->action->timeout;
	if (step->timeout == 0)
		step->timeout = connection != NULL && connection->timeout > 0 ? connection->timeout
									      : DEFAULT_TIMEOUT;
}

/* ---- Named lists of steps. ---- */

static const struct yaml_pair *use_pair(const struct yaml_node *map)
{
	for (size_t i = 0; i < map->count; i++)
		if (use_is(map->pairs[i].key->text))
			return &map->pairs[i];
	return NULL;
}

static void check_use_keys(struct loading *l, const struct yaml_node *map,
			   const struct yaml_pair *pair)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = map->pairs[i].key;

		if (&map->pairs[i] == pair || in_list(key->text, use_keys))
			continue;
		if (in_list(key->text, step_keys))
			reader_error(&l->r, key, "write it in the action, beside its step",
				     "\"%.*s\" belongs to a single step, not to a use",
				     TEXT_ARG(key->text));
		else
			reader_error(&l->r, key, reader_nearest(l->r.arena, key->text, use_keys),
				     "a use has no key \"%.*s\"", TEXT_ARG(key->text));
	}
}

/* "NAME", or "NAME.2" where the rule uses it again without names of its own. */
static struct text use_prefix(struct loading *l, const struct yaml_node *map, struct text action)
{
	const struct yaml_node *as = yaml_get(map, "as");
	struct text prefix;

	if (as != NULL) {
		struct step named = { .name = TEXT_NONE };

		name(l, as, &named);
		if (named.name.n > 0)
			return named.name;
	}
	prefix = full_name(l, action);
	for (int n = 2; n < (int)LIMIT_STEPS && name_is_taken(l, prefix); n++)
		prefix = full_name(l, text_printf(l->r.arena, "%.*s.%d", TEXT_ARG(action), n));
	return prefix;
}

static const struct step_use *make_use(struct loading *l, const struct yaml_node *map,
				       const struct yaml_pair *pair, const struct reusable *action)
{
	struct yaml_node none = { .kind = YAML_MAP, .at = pair->key->at, .source = "" };
	const struct yaml_node *given = pair->val->kind == YAML_NULL ? &none : pair->val;
	struct step_use *use = arena_zero(l->r.arena, sizeof(*use));
	const struct yaml_node *node;

	if (use == NULL)
		return NULL;
	use->outer = l->use;
	use->name = text_dup(l->r.arena, action->key->text);
	use->prefix = use_prefix(l, map, use->name);
	use->at = reader_place(&l->r, pair->key);
	use->params = action->params;
	use->defaults = action->defaults;
	l->action = pair->key->text;
	if (given->kind == YAML_MAP)
		use->args = load_template_map(l, given, action->params, SLOT_PLAIN);
	else
		reader_error(&l->r, given, "", "parameters must be a map, not %s",
			     yaml_kind_words(given));
	if ((node = yaml_get(map, "if")) != NULL)
		use->condition = load_condition(l, node);
	return use;
}

/* A step of an action that has no name gets its place there as one: it is part of the idempotency
 * key, and other uses of the action have steps at the same place. */
static void name_step(struct loading *l, int step, size_t place)
{
	if (l->steps[step].name.n == 0)
		l->steps[step].name = full_name(l, text_printf(l->r.arena, "%zu", place + 1));
}

static void read_steps_of(struct loading *l, const struct reusable *action)
{
	for (size_t i = 0; i < action->steps->count; i++) {
		int first = l->step_count;

		read_step(l, action->steps->items[i]);
		if (l->step_count == first + 1 && l->steps[first].use == l->use)
			name_step(l, first, i);
	}
}

static void read_use(struct loading *l, const struct yaml_node *map, const struct yaml_pair *pair)
{
	struct reusable *action = use_find(l, pair->key);
	/* As long as the file: the steps of a for_each are read later. */
	struct inherited *inherited = arena_zero(l->scratch, sizeof(*inherited));
	const struct step_use *use;
	int first = l->step_count;

	check_use_keys(l, map, pair);
	if (action == NULL || action->steps == NULL || inherited == NULL)
		return;
	*inherited = (struct inherited){ .outer = l->inherited,
					 .retry = yaml_get(map, "retry"),
					 .timeout = yaml_get(map, "timeout"),
					 .on_error = yaml_get(map, "on_error"),
					 .use = l->use };
	if (action->open) {
		reader_error(&l->r, pair->key, "leave this step out",
			     "the action \"%.*s\" would use itself", TEXT_ARG(action->key->text));
		return;
	}
	use = make_use(l, map, pair, action);
	if (use == NULL)
		return;
	action->open = action->used = action->ever_used = true;
	l->use = use;
	l->inherited = inherited;
	read_steps_of(l, action);
	l->use = use->outer;
	l->inherited = inherited->outer;
	action->open = false;
	/* A use that is to go on after a failure goes on after all of its steps. */
	for (int i = first; inherited->on_error != NULL && i < l->step_count; i++)
		if (l->steps[i].on_error == ON_ERROR_CONTINUE && l->steps[i].resume < 0 &&
		    !l->pending[i].own)
			l->steps[i].resume = l->step_count;
}

static void add_step(struct loading *l, const struct step *step)
{
	l->steps[l->step_count++] = *step;
	if (l->handled < 0 && l->within < 0)
		l->visible = l->step_count;
}

static void read_loop(struct loading *l, const struct yaml_node *map)
{
	struct loop *loop = load_loop(l, map);
	struct step step;

	if (loop == NULL)
		return;
	defaults(l, map, &step);
	options(l, map, &step);
	step.what = "for_each";
	step.loop = loop;
	l->pending[l->step_count].body = yaml_get(map, "do");
	l->pending[l->step_count].loop = loop;
	l->pending[l->step_count].body_use = l->use;
	l->pending[l->step_count].inherited = l->inherited;
	add_step(l, &step);
}

static void read_step(struct loading *l, const struct yaml_node *map)
{
	const struct yaml_pair *pair;
	struct step step;

	if (map->kind != YAML_MAP) {
		reader_error(&l->r, map, "- slack.post: { text: \"...\" }",
			     "a step must be a map, not %s", yaml_kind_words(map));
		return;
	}
	if (l->step_count == LIMIT_STEPS) {
		reader_error(&l->r, map, "split the rule", "more than %d steps", LIMIT_STEPS);
		return;
	}
	pair = use_pair(map);
	if (pair != NULL) {
		read_use(l, map, pair);
		return;
	}
	if (yaml_get(map, "for_each") != NULL) {
		read_loop(l, map);
		return;
	}
	defaults(l, map, &step);
	pair = action_pair(l, map);
	if (pair == NULL && !map->damaged)
		reader_error(&l->r, map, "- slack.post: { text: \"...\" }",
			     "this step names no action");
	options(l, map, &step);
	if (pair != NULL && read_action(l, pair->key, &step))
		with_action(l, pair, map, &step);
	add_step(l, &step);
}

/* Each goes on with the one behind it; a failed one that may, where its use says. */
static void chain(struct loading *l, int first, int end)
{
	for (int i = first; i < end; i++) {
		struct step *step = &l->steps[i];

		step->next = i + 1 < end ? i + 1 : -1;
		if (step->resume < 0)
			step->resume = step->next;
		else if (step->resume >= end)
			step->resume = -1;
	}
}

static void handlers(struct loading *l, const struct pending_handler *pending, int step)
{
	int first = l->step_count;

	assert(step >= 0 && step < l->step_count);
	l->handled = step;
	l->visible = step + 1;
	l->use = pending->use;
	l->steps[step].handler = first;
	for (size_t i = 0; i < pending->list->count; i++)
		read_step(l, pending->list->items[i]);
	chain(l, first, l->step_count);
	if (l->step_count == first) {
		l->steps[step].on_error = ON_ERROR_STOP;
		l->steps[step].handler = -1;
	}
	l->handled = -1;
	l->use = NULL;
}

static void read_handlers(struct loading *l, int first, int end)
{
	for (int i = first; i < end; i++)
		if (l->steps[i].on_error == ON_ERROR_STEPS && l->pending[i].list != NULL)
			handlers(l, &l->pending[i], i);
}

/* The steps of the for_each at `step`, then their handlers. */
static void body(struct loading *l, const struct pending_handler *pending, int step)
{
	struct cel_env *outside = l->env;
	int first = l->step_count, end;

	l->env = load_loop_env(l, pending->loop);
	l->within = l->visible = step;
	l->body_from = first;
	l->use = pending->body_use;
	l->inherited = pending->inherited;
	for (size_t i = 0; l->env != NULL && i < pending->body->count; i++)
		read_step(l, pending->body->items[i]);
	end = l->step_count;
	chain(l, first, end);
	read_handlers(l, first, end);
	pending->loop->first = first;
	pending->loop->end = l->step_count;
	l->use = NULL;
	l->inherited = NULL;
	l->within = -1;
	l->env = outside;
}

/* Steps from l->step_count on, then their handlers and what they repeat; how many steps without
 * those. */
static int read_list(struct loading *l, const char *word, const struct yaml_node *list)
{
	int first = l->step_count, end;

	l->visible = l->visible_from = first;
	l->handled = l->within = -1;
	if (list->kind != YAML_LIST) {
		if (list->kind != YAML_NULL)
			reader_error(&l->r, list, "a list: [ { slack.post: { text: \"...\" } } ]",
				     "%s must be a list of steps, not %s", word,
				     yaml_kind_words(list));
		return 0;
	}
	for (size_t i = 0; i < list->count; i++)
		read_step(l, list->items[i]);
	end = l->step_count;
	chain(l, first, end);
	read_handlers(l, first, end);
	for (int i = first; i < end; i++)
		if (l->steps[i].loop != NULL)
			body(l, &l->pending[i], i);
	return end - first;
}

static void keep_steps(struct loading *l)
{
	l->rule->step_count = l->step_count;
	l->rule->steps =
	    arena_copy(l->r.arena, l->steps, (size_t)l->step_count * sizeof(*l->steps));
}

void load_steps(struct loading *l, const struct yaml_node *list)
{
	assert(l != NULL && list != NULL);
	l->step_count = 0;
	l->rule->main_count = read_list(l, "do", list);
	keep_steps(l);
}

void load_clear(struct loading *l, const struct yaml_node *list)
{
	int first = l->step_count;

	assert(l != NULL && list != NULL);
	if (read_list(l, "clear", list) > 0)
		l->rule->clear_first = first;
	keep_steps(l);
}

/* One look-up: a step of its own kind, named "lookup.NAME". */
static void read_lookup(struct loading *l, const struct yaml_pair *entry)
{
	const struct yaml_pair *pair = lookup_action(l, entry->val);
	struct step step;

	if (l->step_count == LIMIT_STEPS) {
		reader_error(&l->r, entry->key, "split the rule", "more than %d steps",
			     LIMIT_STEPS);
		return;
	}
	if (pair == NULL)
		return;
	defaults(l, entry->val, &step);
	options(l, entry->val, &step);
	step.reads = true;
	step.name = lookup_step_name(l->r.arena, entry->key->text);
	if (step.on_error == ON_ERROR_CONTINUE)
		step.on_error = ON_ERROR_STOP;
	if (read_action(l, pair->key, &step)) {
		with_action(l, pair, entry->val, &step);
		step.after_doubt = DOUBT_REPEAT; /* it only reads, whatever the action may */
		lookup_finish(l, entry->val, pair, &step);
	}
	l->steps[l->step_count++] = step;
}

void load_lookups(struct loading *l, const struct yaml_node *map)
{
	int first = l->step_count, end;

	assert(l != NULL && map != NULL);
	l->visible = l->visible_from = first;
	l->handled = l->within = -1;
	l->looking = true;
	for (size_t i = 0; i < map->count; i++) {
		l->looked_up = i;
		read_lookup(l, &map->pairs[i]);
	}
	l->looked_up = map->count;
	l->looking = false;
	end = l->step_count;
	chain(l, first, end);
	read_handlers(l, first, end);
	if (end > first)
		l->rule->lookup_first = first;
	keep_steps(l);
}
