/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as an expression of a rule, with variables of every type: the
 * compiler takes them, or refuses them with words and a place within the text;
 * once more without checks, in a container, without folding. */
#include "engine/cel/cel.h"
#include "tests/fuzz/rule_env.h"

static const struct {
	const char *name;
	enum cel_type type;
} variables[] = {
	{ "n", CEL_INT },         { "u", CEL_UINT },    { "d", CEL_DOUBLE },
	{ "s", CEL_TEXT },        { "b", CEL_BOOL },    { "bytes_", CEL_BYTES },
	{ "l", CEL_LIST },        { "m", CEL_MAP },     { "t", CEL_TIMESTAMP },
	{ "span", CEL_DURATION }, { "kind", CEL_TYPE }, { "maybe", CEL_OPTIONAL },
	{ "a.b.c", CEL_DYN },
};

static void visit(void *of, struct text path)
{
	*(size_t *)of += path.n;
}

static void check_program(const struct cel_program *program)
{
	size_t paths = 0;

	cel_program_paths(program, NULL, visit, &paths);
	cel_program_paths(program, "data", visit, &paths);
	FUZZ_CHECK((unsigned)cel_program_type(program) <= CEL_CIDR, "no type\n");
}

static void compile(struct text text, bool checks)
{
	AUTO(arena_free) struct arena *arena = arena_new("check", FUZZ_ARENA);
	struct loading l;
	struct cel_env *env = fuzz_rule_env(&l, arena);
	const struct cel_program *program;
	struct cel_issue issue;
	enum fate fate;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		cel_env_variable(env, variables[i].name, variables[i].type);
	if (!checks) {
		cel_env_checks(env, false);
		cel_env_folding(env, false);
		cel_env_container(env, "a.b");
	}
	fate = cel_compile(env, arena, text, &program, &issue);
	if (fate == FATE_OK) {
		check_program(program);
		return;
	}
	FUZZ_CHECK(fate == FATE_REJECT && program == NULL, "fate %d\n", (int)fate);
	FUZZ_CHECK(issue.what[0] != '\0' && issue.offset <= text.n, "%s at %zu of %zu\n",
		   issue.what, issue.offset, text.n);
	FUZZ_CHECK(text_is_utf8(text_of(issue.what)) && text_is_utf8(text_of(issue.hint)),
		   "%s | %s\n", issue.what, issue.hint);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	compile(fuzz_text(bytes, n), true);
	compile(fuzz_text(bytes, n), false);
	return 0;
}
