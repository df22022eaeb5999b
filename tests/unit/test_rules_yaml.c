/* SPDX-License-Identifier: Apache-2.0
 *
 * test_rules_yaml - trees, positions and the refusals of rules/yaml.c. */
#include "engine/rules/yaml.h"

#include "tests/unit/test_rules_kit.h"

struct world {
	struct arena *arena;
	struct diags *diags;
	struct yaml_node *root;
};

static void read_bytes(struct world *w, const char *bytes, size_t n)
{
	const char *file;

	w->arena = arena_new("yaml", 256 * MIB);
	w->diags = diags_new();
	ck_assert_ptr_nonnull(w->arena);
	ck_assert_ptr_nonnull(w->diags);
	file = diags_source(w->diags, "t.yaml", (struct text){ bytes, n });
	w->root = yaml_read(w->arena, w->diags, file, (struct text){ bytes, n });
}

static void read_text(struct world *w, const char *text)
{
	read_bytes(w, text, strlen(text));
}

static void fini(struct world *w)
{
	arena_free(w->arena);
	diags_free(w->diags);
}

static void refused(const char *text, int line, int column, const char *what)
{
	struct world w;

	read_text(&w, text);
	kit_expect(w.diags, line, column, what, "");
	fini(&w);
}

START_TEST(core_schema)
{
	static const struct {
		const char *key;
		enum yaml_kind kind;
	} all[] = { { "a", YAML_TEXT },  { "b", YAML_TEXT },  { "c", YAML_BOOL },
		    { "d", YAML_BOOL },  { "e", YAML_NULL },  { "f", YAML_NULL },
		    { "g", YAML_NULL },  { "h", YAML_INT },   { "i", YAML_INT },
		    { "j", YAML_INT },   { "k", YAML_FLOAT }, { "l", YAML_FLOAT },
		    { "m", YAML_TEXT },  { "n", YAML_TEXT },  { "o", YAML_INT },
		    { "p", YAML_FLOAT }, { "q", YAML_TEXT },  { "r", YAML_TEXT },
		    { "s", YAML_TEXT } };
	struct world w;

	read_text(&w, "a: yes\nb: off\nc: true\nd: FALSE\ne: null\nf: ~\ng:\nh: -12\ni: 0x1F\n"
		      "j: 0o17\nk: 1.5\nl: 1e3\nm: 1_000\nn: \"12\"\no: 18446744073709551615\n"
		      "p: 99999999999999999999\nq: 0x\nr: -x\ns: 1.2.3\n");
	ck_assert_ptr_nonnull(w.root);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		ck_assert_msg(yaml_get(w.root, all[i].key)->kind == all[i].kind, "%s", all[i].key);
	ck_assert_int_eq(yaml_get(w.root, "h")->scalar.i, -12);
	ck_assert_int_eq(yaml_get(w.root, "i")->scalar.i, 31);
	ck_assert_int_eq(yaml_get(w.root, "j")->scalar.i, 15);
	ck_assert(yaml_get(w.root, "o")->scalar.kind == VALUE_UINT);
	ck_assert(yaml_get(w.root, "l")->scalar.d == 1000.0);
	ck_assert_uint_eq(diags_count(w.diags), 0);
	fini(&w);
}
END_TEST

START_TEST(positions_count_characters)
{
	struct world w;
	const struct yaml_node *list, *item;

	read_text(&w,
		  "\xef\xbb\xbf# \xc3\xa4\n\"\xc3\xa4\xc3\xb6\": [\xe2\x82\xac, b,\r\n  {c: d}]\n");
	ck_assert_ptr_nonnull(w.root);
	list = w.root->pairs[0].val;
	ck_assert_int_eq(list->at.line, 2);
	ck_assert_int_eq(list->at.column, 7);
	ck_assert_int_eq(list->items[1]->at.column, 11);
	item = list->items[2]->pairs[0].val;
	ck_assert_int_eq(item->at.line, 3);
	ck_assert_int_eq(item->at.column, 7);
	ck_assert_int_eq(item->source[0], 'd');
	fini(&w);
}
END_TEST

static void inside(const char *text, const char *needle, int line, int column)
{
	struct world w;
	const struct yaml_node *node;
	struct place at;

	read_text(&w, text);
	ck_assert_ptr_nonnull(w.root);
	node = w.root->pairs[0].val;
	at = yaml_inside(node, text_find(node->text, text_of(needle)));
	ck_assert_msg(at.line == line && at.column == column, "%s in %s: %d:%d", needle, text,
		      at.line, at.column);
	fini(&w);
}

START_TEST(places_inside_scalars)
{
	inside("a: one two X\n", "X", 1, 12);
	inside("a: one\n  two\n  X\n", "X", 3, 3);
	inside("a: one\n\n  X\n", "X", 3, 3);
	inside("a: \"x\\\"\\u00e4 X\"\n", "X", 1, 15);
	inside("a: 'it''s X'\n", "X", 1, 11);
	inside("a: \"one\n   X\"\n", "X", 2, 4);
	inside("a: |\n   one\n   two X\n", "X", 3, 8);
	inside("a: |\n  one\n    X\n", "X", 3, 5);
	inside("a: >\n  one\n  two X\n", "X", 3, 7);
	inside("a: >\n  one\n\n  X\n", "X", 4, 3);
	inside("a: \xc3\xa4 X\n", "X", 1, 6);
}
END_TEST

START_TEST(refusals)
{
	refused("a: 1\nb: 2\na: 3\n", 3, 1, "twice");
	refused("a: {b: 1, b: 2}\n", 1, 11, "twice");
	refused("a: &x 1\n", 1, 4, "anchor");
	refused("a: 1\nb: *a\n", 2, 4, "alias");
	refused("a: !!int 1\n", 1, 4, "tag");
	refused("a:\n  b: 1\n\tc: 2\n", 3, 1, "tab");
	refused("a: 1\n---\nb: 2\n", 2, 1, "second document");
	refused("a: .inf\n", 1, 4, "infinity");
	refused("a: 1e999\n", 1, 4, "infinity");
	refused("a: \"b\n", 1, 4, "never closed");
	refused("a: \xff\n", 1, 4, "UTF-8");
	refused("a: \x01\n", 1, 4, "control");
	refused("? [a]\n: b\n", 1, 3, "plain word");
}
END_TEST

START_TEST(many_keys_are_checked_too)
{
	struct world w;
	struct buf b;

	buf_init(&b, MIB);
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "k%d: 1\n", i == 99 ? 5 : i);
	read_text(&w, buf_cstr(&b));
	kit_expect(w.diags, 100, 1, "\"k5\" is here twice, first on line 6", "once");
	buf_fini(&b);
	fini(&w);
}
END_TEST

START_TEST(depth_is_bounded)
{
	static char deep[200000];
	struct world w;

	memset(deep, '[', sizeof(deep) - 1);
	read_text(&w, deep);
	ck_assert_ptr_null(w.root);
	kit_expect(w.diags, 1, 0, "nested too deeply", "");
	fini(&w);
}
END_TEST

START_TEST(size_is_bounded)
{
	size_t n = LIMIT_YAML_FILE + 1;
	char *big = malloc(n);
	struct world w;

	ck_assert_ptr_nonnull(big);
	memset(big, '#', n);
	read_bytes(&w, big, n);
	ck_assert_ptr_null(w.root);
	kit_expect(w.diags, 1, 1, "larger", "split");
	free(big);
	fini(&w);
}
END_TEST

START_TEST(goes_on_after_syntax_errors)
{
	struct world w;

	read_text(&w, "a:\n  - x: 1\n   y: 2\n  - z: 3\nb: {c: 1\nd: 4\nd: 5\n");
	ck_assert_ptr_nonnull(w.root);
	kit_expect(w.diags, 3, 0, "", "indentation");
	kit_expect(w.diags, 5, 0, "{", "");
	kit_expect(w.diags, 7, 1, "twice", "");
	ck_assert_ptr_nonnull(yaml_get(w.root, "d"));
	fini(&w);
}
END_TEST

START_TEST(plain_data)
{
	struct world w;
	struct value v;
	struct buf b;

	read_text(&w, "a: [1, two, {b: true}]\nc: |\n  x\n");
	v = yaml_value(w.arena, w.root);
	buf_init(&b, KIB);
	value_write(&b, v);
	ck_assert_str_eq(buf_cstr(&b), "{\"a\":[1,\"two\",{\"b\":true}],\"c\":\"x\\n\"}");
	buf_fini(&b);
	fini(&w);
}
END_TEST

/* Every prefix of a file, and every byte replaced: no crash, and no silent failure. */
START_TEST(survives_mangled_files)
{
	static const char text[] =
	    "rules:\n  - id: a\n    when: \"x\" in data.l && !data.b # c\n"
	    "    do:\n      - slack.post: { text: '${a[\"b\"]} %', c: [1, {d: @e}] }\n"
	    "        if: |\n          x\n";
	static const char poison[] = "\"'{}[]:#,&*!|>%@`\t\n\\$- ?";
	char copy[sizeof(text)];

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		struct world w;

		read_bytes(&w, text, i);
		ck_assert(w.root != NULL || diags_errors(w.diags) > 0);
		fini(&w);
		for (size_t k = 0; k < sizeof(poison); k++) {
			memcpy(copy, text, sizeof(text));
			copy[i] = poison[k];
			read_bytes(&w, copy, sizeof(text) - 1);
			ck_assert(w.root != NULL || diags_errors(w.diags) > 0);
			fini(&w);
		}
	}
}
END_TEST

UNIT_MAIN("rules_yaml", core_schema, positions_count_characters, places_inside_scalars, refusals,
	  many_keys_are_checked_too, depth_is_bounded, size_is_bounded, goes_on_after_syntax_errors,
	  plain_data, survives_mangled_files)
