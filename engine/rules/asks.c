/* SPDX-License-Identifier: Apache-2.0
 *
 * asks - which optional fields the polls must ask for, because rules read them.
 *
 * A field counts as read when an expression of a rule that can see the
 * connection's events names it, something beneath it, or something above it.
 * Reading `data` whole asks for nothing: that would fetch every association of
 * every object. */
#include "engine/rules/load.h"

#include <assert.h>

#define MAX_FIELDS 512 /* of one kind; the largest of ours has about 150 */

/* Fields of one kind that are read, by their row. */
struct asking {
	const struct object_kind *kind;
	bool read[MAX_FIELDS];
};

static bool beneath(struct text path, struct text of)
{
	return path.n > of.n && path.s[of.n] == '.' && text_starts(path, of);
}

static void visit_path(void *of, struct text path)
{
	struct asking *asking = of;
	const struct field *fields = asking->kind->fields;

	for (size_t i = 0; path.n > 0 && fields[i].name != NULL && i < MAX_FIELDS; i++) {
		struct text name = text_of(fields[i].name);

		if (fields[i].ask != NULL && !asking->read[i])
			asking->read[i] =
			    text_eq(path, name) || beneath(path, name) || beneath(name, path);
	}
}

static void visit_program(void *of, const struct cel_program *program)
{
	cel_program_paths(program, "data", visit_path, of);
	cel_program_paths(program, "before", visit_path, of);
	cel_program_paths(program, "object", visit_path, of);
}

static void visit(const struct cel_program *program,
		  void (*see)(void *of, const struct cel_program *program), void *of)
{
	if (program != NULL)
		see(of, program);
}

static void step_programs(const struct step *step,
			  void (*see)(void *of, const struct cel_program *program), void *of)
{
	for (const struct step_use *u = step->use; u != NULL; u = u->outer) {
		visit(u->condition, see, of);
		if (u->args != NULL)
			template_programs(u->args, see, of);
	}
	visit(step->condition, see, of);
	if (step->loop != NULL)
		visit(step->loop->list, see, of);
	if (step->params != NULL)
		template_programs(step->params, see, of);
}

void rule_programs(const struct rule *rule,
		   void (*see)(void *of, const struct cel_program *program), void *of)
{
	assert(rule != NULL && see != NULL);
	visit(rule->match, see, of);
	visit(rule->key, see, of);
	visit(rule->when, see, of);
	visit(rule->live_when, see, of);
	if (rule->lane != NULL)
		template_programs(rule->lane, see, of);
	for (size_t i = 0; i < rule->define_count; i++)
		visit(rule->defines[i].program, see, of);
	for (int i = 0; i < rule->step_count; i++)
		step_programs(&rule->steps[i], see, of);
}

static bool carries(const struct rule *rule, const struct connector *connector,
		    const struct object_kind *kind)
{
	for (const struct event_type *e = connector->events; e != NULL && e->name != NULL; e++)
		for (size_t i = 0; e->kind == kind && i < rule->on_count; i++)
			if (event_glob(rule->on[i], text_of(e->name)))
				return true;
	return false;
}

/* A word may belong to several fields. */
static void add_word(const char **words, size_t *count, const char *word)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(words[i], word) == 0)
			return;
	words[(*count)++] = word;
}

static bool ask(struct ruleset *set, const struct connection *connection,
		const struct resource *resource)
{
	struct asking asking = { .kind = resource->kind };
	struct asked *asked = arena_zero(set->arena, sizeof(*asked));
	const char *words[MAX_FIELDS + 1];
	size_t count = 0;

	if (asked == NULL)
		return false;
	for (size_t i = 0; i < set->count; i++) {
		const struct rule *rule = set->rules[i];

		if ((rule->from.n == 0 || text_eq(rule->from, connection->name)) &&
		    rule->mode != MODE_OFF && carries(rule, connection->connector, resource->kind))
			rule_programs(rule, visit_program, &asking);
	}
	for (size_t i = 0; i < MAX_FIELDS && resource->kind->fields[i].name != NULL; i++)
		if (asking.read[i])
			add_word(words, &count, resource->kind->fields[i].ask);
	words[count++] = NULL;
	asked->connection = connection->name;
	asked->resource = resource;
	asked->words = arena_copy(set->arena, words, count * sizeof(*words));
	asked->next = set->asked;
	set->asked = asked;
	return asked->words != NULL;
}

bool ruleset_index_asks(struct ruleset *set)
{
	const struct config *config = set->config;

	assert(set != NULL);
	for (size_t i = 0; i < config->connection_count; i++) {
		const struct connection *connection = &config->connections[i];

		for (size_t k = 0; k < connection->poll_count; k++) {
			const struct resource *resource = connection->polls[k].resource;

			if (resource->kind != NULL && resource->kind->fields != NULL &&
			    !ask(set, connection, resource))
				return false;
		}
	}
	return true;
}

const char *const *ruleset_asks(const struct ruleset *set, struct text connection,
				const struct resource *resource)
{
	static const char *const none[] = { NULL };

	assert(set != NULL && resource != NULL);
	for (const struct asked *a = set->asked; a != NULL; a = a->next)
		if (a->resource == resource && text_eq(a->connection, connection))
			return a->words;
	return none;
}
