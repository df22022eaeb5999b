/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole configuration from memory: a tappet.yaml, a line "=====", a rules
 * file. Without the line it is rules only.
 *
 * Loading ends, with places within the text for every mistake; a rule without
 * mistakes loads again from the source that runs keep, as the same revision;
 * deciding on an event ends. */
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/diag.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"
#include "tests/fuzz/fuzz.h"

struct memory_file {
	int fd;
	char path[32];
};

static void file_open(struct memory_file *f, struct text content)
{
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_CHECK(f->fd >= 0, "memfd_create\n");
	FUZZ_CHECK(write(f->fd, content.s, content.n) == (ssize_t)content.n, "write\n");
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static void check_diags(struct diags *diags)
{
	AUTO_FINI(buf_fini) struct buf out;

	buf_init(&out, FUZZ_ARENA);
	for (size_t i = 0; i < diags_count(diags); i++) {
		const struct diag *d = diags_at(diags, i);

		FUZZ_CHECK(d->what[0] != '\0' && d->at.line >= 0 && d->at.column >= 0,
			   "a mistake without words or place\n");
		FUZZ_CHECK(text_is_utf8(text_of(d->what)) && text_is_utf8(text_of(d->hint)),
			   "%s | %s\n", d->what, d->hint);
	}
	diags_print(diags, &out, false);
}

static struct config *load_config(struct text content, struct diags *diags)
{
	struct memory_file file;
	struct config *config;

	if (content.n == 0)
		return config_bare();
	file_open(&file, content);
	config = config_load(file.path, CONFIG_SECRETS_OPTIONAL, diags);
	close(file.fd);
	return config != NULL ? config : config_bare();
}

static struct ruleset *load_rules(const struct config *config, struct text content,
				  struct diags *diags)
{
	struct memory_file file;
	struct text path;
	struct ruleset *set;

	file_open(&file, content);
	path = text_of(file.path);
	set = ruleset_load(config, &path, 1, diags);
	close(file.fd);
	FUZZ_CHECK(set != NULL, "no set\n");
	return set;
}

/* I5 of the store: a run finishes under the rule it began with. */
static void check_revision(const struct config *config, const struct rule *rule)
{
	struct diags *diags = diags_new();
	struct ruleset *again = ruleset_load_revision(config, rule->id, rule->source, diags);

	check_diags(diags);
	FUZZ_CHECK(again != NULL && ruleset_count(again) == 1, "doesn't load again:\n%.*s\n",
		   TEXT_ARG(rule->source));
	FUZZ_CHECK(text_eq(ruleset_at(again, 0)->revision, rule->revision), "other revision\n");
	ruleset_free(again);
	diags_free(diags);
}

static void decide(const struct rule *rule)
{
	AUTO(arena_free) struct arena *arena = arena_new("scope", FUZZ_ARENA);
	struct event_view event = { .id = TEXT("e1"),
				    .source = TEXT("fuzz"),
				    .type = rule->on_count > 0 ? rule->on[0] : TEXT("a.b"),
				    .connection = rule->from,
				    .time = 1700000000123 };
	struct scope scope = { .arena = arena, .rule = rule, .event = &event };
	struct value params;
	struct text why;

	rule_decide(&scope);
	for (int i = 0; i < rule->step_count; i++) {
		step_condition(&scope, &rule->steps[i], &why);
		step_params(&scope, &rule->steps[i], &params, &why);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct text rules, head = fuzz_split(fuzz_text(bytes, n), "\n=====\n", &rules);
	struct text settings = rules.n > 0 ? head : TEXT("");
	struct diags *diags = diags_new();
	struct config *config = load_config(settings, diags);
	struct ruleset *set = load_rules(config, rules.n > 0 ? rules : head, diags);

	check_diags(diags);
	if (diags_errors(diags) == 0) {
		for (size_t i = 0; i < ruleset_count(set); i++) {
			check_revision(config, ruleset_at(set, i));
			decide(ruleset_at(set, i));
		}
	}
	ruleset_free(set);
	config_free(config);
	diags_free(diags);
	return 0;
}
