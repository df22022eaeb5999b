/* SPDX-License-Identifier: Apache-2.0
 *
 * tappet fmt: the normal form, what is refused, and how files are replaced. */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/limits.h"
#include "engine/commands/fmt_file.h"
#include "engine/commands/fmt_text.h"
#include "engine/commands/setup.h"
#include "engine/rules/reader.h"
#include "tests/unit/unit_main.h"

/* ---- Forms. ---- */

/* What comes out of `in`: text, or "LINE:COLUMN: WHAT" of the first mistake. */
static void format(struct text in, struct buf *out)
{
	struct diags *diags = diags_new();
	enum fmt_end end;

	buf_init(out, LIMIT_YAML_FILE);
	end = fmt_text(diags, "f", in, out);
	ck_assert_msg(end != FMT_BUG, "BUG\nin:\n%.*s\nout:\n%s", TEXT_ARG(in), buf_cstr(out));
	ck_assert_int_eq(end == FMT_REFUSED, diags_errors(diags) > 0);
	if (end == FMT_REFUSED) {
		const struct diag *d = diags_at(diags, 0);

		buf_clear(out);
		buf_printf(out, "%d:%d: %s", d->at.line, d->at.column, d->what);
	}
	diags_free(diags);
}

static void becomes_text(struct text in, const char *want)
{
	struct buf out, again;

	format(in, &out);
	ck_assert_msg(strcmp(buf_cstr(&out), want) == 0, "in:\n%.*s\nout:\n%s\nwanted:\n%s",
		      TEXT_ARG(in), buf_cstr(&out), want);
	format(text_of(want), &again);
	ck_assert_str_eq(buf_cstr(&again), want);
	buf_fini(&again);
	buf_fini(&out);
}

static void becomes(const char *in, const char *want)
{
	becomes_text(text_of(in), want);
}

static void refused(const char *in, const char *why)
{
	struct buf out;

	format(text_of(in), &out);
	ck_assert_msg(strncmp(buf_cstr(&out), why, strlen(why)) == 0, "%s\n%s", in, buf_cstr(&out));
	buf_fini(&out);
}

START_TEST(maps_and_lists_are_indented_by_two)
{
	becomes("a:\n    b:\n          c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n");
	becomes("a:\n- 1\n- b: 2\n  c: 3\n", "a:\n  - 1\n  - b: 2\n    c: 3\n");
	becomes("a:\n-    b: 2\n     c:\n     -  3\n", "a:\n  - b: 2\n    c:\n      - 3\n");
	becomes("a:\n  -\n    b: 1\n  -\n\n    - 2\n    -    - 3\n",
		"a:\n  - b: 1\n  - - 2\n    - - 3\n");
	becomes("a:\n  -\n  - \n  - 1\n", "a:\n  -\n  -\n  - 1\n");
	becomes("a : 1\n\"b\"   :    2\nc:\t3\n", "a: 1\n\"b\": 2\nc: 3\n");
	becomes("   a: 1\n   b:\n   c: ~\n", "a: 1\nb:\nc: ~\n");
}
END_TEST

START_TEST(braces_and_brackets)
{
	becomes("a: {b: 1,c:   2 , d : {e: [ 1,2 ]}}\n", "a: { b: 1, c: 2, d: { e: [1, 2] } }\n");
	becomes("a: {   }\nb: [ ]\nc: [\n]\n", "a: {}\nb: []\nc: []\n");
	becomes("a: [{b: 1},{c: 2}]\nb: [[1,2],[ 3 ]]\n",
		"a: [ { b: 1 }, { c: 2 } ]\nb: [[1, 2], [3]]\n");
	becomes("a: [b: 1, \"c\":2]\nb: {c, d: , e:\n}\n",
		"a: [ b: 1, \"c\": 2 ]\nb: { c, d: , e:\n}\n");
	becomes("a: [1, 2, ]\nb: {c: 1, }\n", "a: [1, 2,]\nb: { c: 1, }\n");
	becomes("{a: 1}", "{ a: 1 }\n");
	becomes("a: {'b':1, \"c\":[]}\n", "a: { 'b': 1, \"c\": [] }\n");
}
END_TEST

START_TEST(lines_within_braces_stay_lines)
{
	becomes("a: {\nb: 1,\n        c: [\n 2,\n\n\n\n3 ],\n\td: 4\n }\n",
		"a: {\n  b: 1,\n  c: [\n    2,\n\n    3],\n  d: 4\n}\n");
	becomes("a:\n  - {\n b: 1 }\n  - - [ 1,\n2\n]\n",
		"a:\n  - {\n      b: 1 }\n  - - [1,\n        2\n      ]\n");
	becomes("a: [ { b: 1 # one\n   , c: 2 },\n # two\n 3 ] # three\n",
		"a: [ { b: 1 # one\n  , c: 2 },\n  # two\n  3 ] # three\n");
	becomes("a:\n     {b:\n  1}\n", "a:\n  { b:\n    1 }\n");
	becomes("a: [ {\nb: 1\n} ]\n", "a: [ {\n  b: 1\n} ]\n");
	becomes("a: {b\nc, d}\n", "a: { b\n  c, d }\n");
	becomes("a: [#x\n1]\n", "a: [ #x\n  1]\n");
}
END_TEST

START_TEST(quotes_and_texts_stay)
{
	becomes("a:   'it''s'\nb:   \"x # y\"\nc:  x#y\nd:  \"\"\n",
		"a: 'it''s'\nb: \"x # y\"\nc: x#y\nd: \"\"\n");
	becomes("a: plain text\n     that goes on  \n\n   behind\nb: 1\n",
		"a: plain text\n  that goes on\n\n  behind\nb: 1\n");
	becomes("a:\n      - one\n        two\n      - 'three  \n\n\n  four'\n",
		"a:\n  - one\n    two\n  - 'three\n\n\n    four'\n");
	becomes("a: \"one \\\n     two\\ \n   three\\\t \n  \\  four\\\\  \n five\"\n",
		"a: \"one \\\n  two\\ \n  three\\\t\n  \\  four\\\\ \n  five\"\n");
	becomes("a:\n        a long text\nb:\n  # why\n       2\n",
		"a:\n  a long text\nb:\n  # why\n  2\n");
	becomes("a: {b: one\n   two, c: \"three\n four\"}\n",
		"a: { b: one\n  two, c: \"three\n  four\" }\n");
}
END_TEST

START_TEST(blocks_keep_their_text)
{
	becomes("a: |\n     one\n       two  \n\n     three\nb: 1\n",
		"a: |\n  one\n    two  \n\n  three\nb: 1\n");
	becomes("a:\n    b: >-   # why\n     one\n\n\n\nc: |2\n      x\n    y\n",
		"a:\n  b: >-   # why\n    one\n\nc: |2\n      x\n    y\n");
	becomes("a:\n- |1\n  x\n y\n- |+\n   z\n\n\n- 1\n",
		"a:\n  - |1\n    x\n   y\n  - |+\n    z\n\n\n  - 1\n");
	becomes("a: |+\n\n\nb: |-\n\n\nc: |\n# comment\nd: >\n", /* nothing in them */
		"a: |+\n\n\nb: |-\n\nc: |\n# comment\nd: >\n");
	becomes("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n");
	becomes("a: |\n  x\n  \n      \n# c\nb: 1\n", "a: |\n  x\n\n      \n# c\nb: 1\n");
	becomes("a: |2-\n   \tx\n\nb: |\r\n   y\r\n\r\n   z\r\n",
		"a: |2-\n   \tx\n\nb: |\n  y\n\n  z\n");
	/* Without a line end at the end the text has none either. */
	becomes("a: |\n    x", "a: |-\n  x\n");
	becomes("a: >2+ # why +\n    x\n     ", "a: >-2 # why +\n    x\n     \n");
	becomes("a: |#+b\n    x", "a: |-#+b\n  x\n");
	becomes("a: |-\n    x", "a: |-\n  x\n");
	becomes("a: |\n  x\n  ", "a: |\n  x\n");
	becomes("a: |", "a: |\n");
}
END_TEST

START_TEST(comments_stay_where_they_belong)
{
	becomes("#a\n\n\n# b  \na: 1   # c\t\nbb: 2  # d\n#e",
		"#a\n\n# b\na: 1   # c\nbb: 2  # d\n#e\n");
	becomes("a:\n    b:\n        - 1\n        # of the list\n    # of b\n# of the file\nc: 1\n",
		"a:\n  b:\n    - 1\n    # of the list\n  # of b\n# of the file\nc: 1\n");
	becomes("a:\n- 1\n# of c\nc: 2\n", "a:\n  - 1\n# of c\nc: 2\n");
	becomes("a:\n- 1\n# of 2\n- 2\n  # last\n", "a:\n  - 1\n  # of 2\n  - 2\n  # last\n");
	becomes("a: # x\n# y\n    b: # z\n       1\n   # too far\nc: 1\n",
		"a: # x\n  # y\n  b: # z\n    1\n# too far\nc: 1\n");
	becomes("a:\n  - # one\n    b: 1\n  -   # two\n    - 2\n",
		"a:\n  - # one\n    b: 1\n  -   # two\n    - 2\n");
	becomes("a: \"b\"#c\nd: 1\n", "a: \"b\" #c\nd: 1\n");
	becomes("a: |\n   x\n # of the file\n", "a: |\n  x\n# of the file\n");
}
END_TEST

START_TEST(documents)
{
	becomes("", "");
	becomes("\n \n\n", "");
	becomes("# only\n\n", "# only\n");
	becomes("\n\na: 1\n\n\n", "a: 1\n");
	becomes("a: 1", "a: 1\n");
	becomes("\xef\xbb\xbf"
		"a: 1\n",
		"a: 1\n");
	becomes("a: 1\r\nb:\r\n    c: 2\rd: 3\r", "a: 1\nb:\n  c: 2\nd: 3\n");
	becomes("---\na: 1\n...\n", "a: 1\n");
	becomes("# c\n--- # d\n\n\na: 1\n...\n# e\n... # f", "# c\n# d\n\na: 1\n# e\n# f\n");
	becomes("--- {a: 1}\n", "{ a: 1 }\n");
	becomes("---\n# nothing\n...\n", "# nothing\n");
	becomes("%YAML 1.2 \n--- {a: 1}\n", "%YAML 1.2\n---\n{ a: 1 }\n");
	becomes("# a\n%YAML 1.2\n---   # b\na: 1\n", "# a\n%YAML 1.2\n---   # b\na: 1\n");
	becomes("null", "null\n");
}
END_TEST

START_TEST(what_cant_be_formatted_is_refused)
{
	refused("a: 1\n\tb: 2\n", "2:");
	refused("a: &x 1\n", "1:4: ");
	refused("a: *x\n", "1:4: ");
	refused("a: !x 1\n", "1:4: ");
	refused("a: 1\na: 2\n", "2:1: the key");
	refused("a: {b: 1\n", "1:4: ");
	refused("a: 1\n---\nb: 2\n", "2:1: a second document");
	refused("- a\n", "1:1: the file must be a map, not a list");
	refused("text\n", "1:1: the file must be a map, not a text");
	refused("--- |\n x\n", "1:5: the file must be a map, not a text");
	refused("a: 1\n? b\n: 2\n", "2:1: keys behind");
	refused("a:\n  {? b : 2}\n", "2:4: keys behind");
	refused("a: [? b : 2]\n", "1:5: keys behind");
	refused("a: 1\nb: \"x\xe2\x80\xa8y\"\n", "2:6: a character that not every reader");
	refused("a: 1 # x\xc2\x85"
		"b: 2\n",
		"1:9: a character that not every reader");
	refused("\xef\xbb\xbf\xef\xbb\xbf"
		"a: 1\n",
		"1:1: a character");
	refused("a: 1\n\xef\xbb\xbf\n", "2:1: a character");
	refused("  --- a: 1\n", "1:3: this key would look like");
	refused("  a: 1\n  ... b: 1\n", "2:3: this key would look like");
	becomes("  ---: 1\n", "---: 1\n");
	refused("a: \xff\n", "1:4: not valid UTF-8");
	refused("a: \x01\n", "1:4: ");
	refused("a: .inf\n", "1:4: infinity");
}
END_TEST

START_TEST(depth_is_bounded)
{
	struct buf deep, out;
	char want[20];

	buf_init(&deep, MIB);
	buf_str(&deep, "a: ");
	for (int i = 0; i < LIMIT_YAML_DEPTH - 1; i++)
		buf_str(&deep, "[");
	for (int i = 0; i < LIMIT_YAML_DEPTH - 1; i++)
		buf_str(&deep, "\n]");
	format(buf_view(&deep), &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\n  ]\n]\n") == NULL
				  ? strstr(buf_cstr(&out), "[[[]\n]\n]\n")
				  : buf_cstr(&out));
	buf_fini(&out);
	buf_clear(&deep);
	for (int i = 0; i < LIMIT_YAML_DEPTH + 1; i++)
		buf_printf(&deep, "%*sa:\n", 3 * i, "");
	(void)snprintf(want, sizeof(want), "%d:%d: ", LIMIT_YAML_DEPTH + 1,
		       3 * LIMIT_YAML_DEPTH + 1);
	refused(buf_cstr(&deep), want);
	buf_fini(&deep);
}
END_TEST

/* ---- The repository's own files. ---- */

static void read_all(const char *path, struct buf *out)
{
	const char *why;

	ck_assert_msg(reader_file(text_of(path), LIMIT_YAML_FILE, out, &why), "%s: %s", path, why);
}

static struct text rest_of(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

static size_t blanks_of(struct text line)
{
	size_t n = 0;

	while (n < line.n && line.s[n] == ' ')
		n++;
	return n;
}

static bool opens_block(struct text line)
{
	return text_ends(line, TEXT(": |")) || text_ends(line, TEXT(": |-")) ||
	       text_ends(line, TEXT(": >")) || text_ends(line, TEXT(": >-"));
}

/* The same file as somebody else might have typed it; lines of a block are only shifted. */
static void deform(struct text in, struct buf *out)
{
	size_t key = SIZE_MAX, shift = 0; /* of a block: its key's indentation, its own move */
	struct text line;

	buf_init(out, MIB);
	buf_str(out, "\r\n---\r\n");
	while (in.n > 0) {
		in = text_split(in, '\n', &line);
		size_t blanks = blanks_of(line);

		if (key != SIZE_MAX && (line.n == 0 || blanks > key)) {
			buf_printf(out, "%*s%.*s\r\n", line.n > 0 ? (int)shift : 0, "",
				   TEXT_ARG(line));
			continue;
		}
		key = opens_block(line) ? blanks : SIZE_MAX;
		shift = blanks;
		buf_printf(out, "%*s", (int)blanks * 2, "");
		for (line = rest_of(line, blanks); text_starts(line, TEXT("- "));
		     line = rest_of(line, 2), shift += 2)
			buf_str(out, "-   ");
		buf_printf(out, "%.*s%s\r\n", TEXT_ARG(line), line.n > 0 ? " \t" : "\r\n  ");
	}
	buf_str(out, "...\r\n");
}

static struct ruleset *load(const struct config *config, const char *path, struct text content)
{
	struct diags *diags = diags_new();
	struct ruleset *set = ruleset_load_text(config, text_of(path), content, diags);

	ck_assert_uint_eq(diags_errors(diags), 0);
	diags_free(diags);
	return set;
}

static void rules_are_the_same(const char *path, struct text before, struct text after)
{
	struct config *config = config_bare();
	struct ruleset *a = load(config, path, before), *b = load(config, path, after);

	ck_assert_uint_eq(ruleset_count(a), ruleset_count(b));
	for (size_t i = 0; i < ruleset_count(a); i++) {
		ck_assert(text_eq(ruleset_at(a, i)->source, ruleset_at(b, i)->source));
		ck_assert(text_eq(ruleset_at(a, i)->revision, ruleset_at(b, i)->revision));
	}
	ruleset_free(a);
	ruleset_free(b);
	config_free(config);
}

START_TEST(our_own_files_are_in_that_form_and_come_back_to_it)
{
	static const char *const patterns[] = { "rules/*.yaml", "tests/differential/*.yaml",
						"deploy/demo/*.yaml", NULL };
	glob_t found;

	for (size_t i = 0; patterns[i] != NULL; i++)
		ck_assert_int_eq(glob(patterns[i], i > 0 ? GLOB_APPEND : 0, NULL, &found), 0);
	ck_assert_uint_gt(found.gl_pathc, 10);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct buf file, deformed, out;

		read_all(found.gl_pathv[i], &file);
		format(buf_view(&file), &out);
		ck_assert_msg(text_eq(buf_view(&out), buf_view(&file)),
			      "%s isn't in the form of tappet fmt: tappet fmt %s",
			      found.gl_pathv[i], found.gl_pathv[i]);
		buf_fini(&out);
		deform(buf_view(&file), &deformed);
		format(buf_view(&deformed), &out);
		ck_assert_msg(text_eq(buf_view(&out), buf_view(&file)), "%s deformed",
			      found.gl_pathv[i]);
		if (strstr(found.gl_pathv[i], "demo") == NULL)
			rules_are_the_same(found.gl_pathv[i], buf_view(&file), buf_view(&out));
		buf_fini(&out);
		buf_fini(&deformed);
		buf_fini(&file);
	}
	globfree(&found);
}
END_TEST

START_TEST(what_means_something_else_is_found)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "a: 1\n", "a:   1\n", true },
		{ "a: 1 # x\n", "# x\na: 1\n", true },
		{ "a: 1\n", "a: 2\n", false },
		{ "a: 1\n", "a: '1'\n", false },
		{ "a: '1'\n", "a: \"1\"\n", true },
		{ "a: |\n  x\n", "a: \"x\\n\"\n", false },
		{ "a: ~\n", "a:\n", false },
		{ "a: 1\nb: 2\n", "b: 2\na: 1\n", false },
		{ "a: [1]\n", "a: [1, 2]\n", false },
		{ "a: 1 # x\n", "a: 1\n", false },
		{ "a: 1\n", "a: 1\n# x\n", false },
		{ "a: 1 # x\n# y\n", "a: 1 # y\n# x\n", false },
		{ "a: | # x\n  # y\n", "a: |\n  # y\n", false },
		{ "a: |  # x\n  # y\n# z\n", "a: | # x\n    # y\n  # z\n", true },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct arena *arena = arena_new("test", MIB);
		struct diags *diags = diags_new();
		struct fmt_side a = { .content = text_of(pairs[i].a) };
		struct fmt_side b = { .content = text_of(pairs[i].b) };

		a.root = yaml_read(arena, diags, "a", a.content);
		b.root = yaml_read(arena, diags, "b", b.content);
		ck_assert_uint_eq(diags_errors(diags), 0);
		ck_assert_msg(fmt_same(&a, &b) == pairs[i].same, "%s%s", pairs[i].a, pairs[i].b);
		diags_free(diags);
		arena_free(arena);
	}
}
END_TEST

/* ---- Files. ---- */

struct folder {
	char path[64], file[96], why[FMT_WHY];
	struct stat was;
	struct buf content;
};

static void folder_init(struct folder *f, const char *content)
{
	FILE *file;

	(void)snprintf(f->path, sizeof(f->path), "/tmp/tappet-fmt-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	(void)snprintf(f->file, sizeof(f->file), "%s/rules.yaml", f->path);
	file = fopen(f->file, "w");
	ck_assert_ptr_nonnull(file);
	(void)fputs(content, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert(fmt_file_read(f->file, &f->content, &f->was, f->why));
}

/* Also: nothing else was left in the folder. */
static void folder_fini(struct folder *f)
{
	ck_assert_int_eq(unlink(f->file), 0);
	ck_assert_int_eq(rmdir(f->path), 0);
	buf_fini(&f->content);
}

static void holds(const struct folder *f, const char *want)
{
	struct buf now;

	read_all(f->file, &now);
	ck_assert_str_eq(buf_cstr(&now), want);
	buf_fini(&now);
}

START_TEST(a_file_is_replaced_with_its_permissions)
{
	struct folder f;
	struct stat now;

	folder_init(&f, "old");
	ck_assert_int_eq(chmod(f.file, 0640), 0);
	ck_assert_int_eq(stat(f.file, &f.was), 0);
	ck_assert(fmt_file_replace(f.file, &f.was, TEXT("new"), f.why));
	holds(&f, "new");
	ck_assert_int_eq(stat(f.file, &now), 0);
	ck_assert_uint_eq(now.st_mode & 07777, 0640);
	ck_assert_uint_ne(now.st_ino, f.was.st_ino);
	folder_fini(&f);
}
END_TEST

START_TEST(a_link_stays_a_link)
{
	struct folder f;
	struct stat now;
	char link[128];

	folder_init(&f, "old");
	(void)snprintf(link, sizeof(link), "%s/link.yaml", f.path);
	ck_assert_int_eq(symlink("rules.yaml", link), 0);
	ck_assert(fmt_file_replace(link, &f.was, TEXT("new"), f.why));
	holds(&f, "new");
	ck_assert_int_eq(lstat(link, &now), 0);
	ck_assert(S_ISLNK(now.st_mode));
	ck_assert_int_eq(unlink(link), 0);
	folder_fini(&f);
}
END_TEST

START_TEST(a_read_only_file_is_left_alone)
{
	struct folder f;

	folder_init(&f, "old");
	ck_assert_int_eq(chmod(f.file, 0444), 0);
	ck_assert_int_eq(stat(f.file, &f.was), 0);
	ck_assert(!fmt_file_replace(f.file, &f.was, TEXT("new"), f.why));
	ck_assert_str_eq(f.why, "is read-only");
	holds(&f, "old");
	folder_fini(&f);
}
END_TEST

START_TEST(a_file_that_changed_meanwhile_is_left_alone)
{
	struct folder f;

	folder_init(&f, "old");
	f.was.st_size++;
	ck_assert(!fmt_file_replace(f.file, &f.was, TEXT("new"), f.why));
	ck_assert_str_eq(f.why, "changed meanwhile");
	holds(&f, "old");
	folder_fini(&f);
}
END_TEST

START_TEST(a_full_disk_costs_nothing)
{
#ifdef TAPPET_FAULTS
	static const char *const points[] = { "fmt-write", "fmt-rename", NULL };
	struct folder f;

	folder_init(&f, "old");
	for (size_t i = 0; points[i] != NULL; i++) {
		fault_arm(points[i], 1, true);
		ck_assert(!fmt_file_replace(f.file, &f.was, TEXT("new"), f.why));
		ck_assert(fault_disarm());
		holds(&f, "old");
	}
	folder_fini(&f);
#endif
}
END_TEST

START_TEST(only_files_are_read)
{
	char why[FMT_WHY];
	struct stat was;
	struct buf content;

	ck_assert(!fmt_file_read("/dev/null", &content, &was, why));
	ck_assert_str_eq(why, "is no regular file");
	buf_fini(&content);
	ck_assert(!fmt_file_read("/nonexistent/x.yaml", &content, &was, why));
	ck_assert_str_eq(why, "can't be read: No such file or directory");
	buf_fini(&content);
}
END_TEST

UNIT_MAIN("commands_fmt", maps_and_lists_are_indented_by_two, braces_and_brackets,
	  lines_within_braces_stay_lines, quotes_and_texts_stay, blocks_keep_their_text,
	  comments_stay_where_they_belong, documents, what_cant_be_formatted_is_refused,
	  depth_is_bounded, our_own_files_are_in_that_form_and_come_back_to_it,
	  what_means_something_else_is_found, a_file_is_replaced_with_its_permissions,
	  a_link_stays_a_link, a_read_only_file_is_left_alone,
	  a_file_that_changed_meanwhile_is_left_alone, a_full_disk_costs_nothing,
	  only_files_are_read)
