/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml - libyaml's events become a tree with positions.
 *
 * A file is first read as it stands. Only when that fails, or meets a tag, an
 * anchor or an alias (mostly a condition that begins with ! & or *), quoting.c
 * explains and mends what it knows, and the mended text is read; what still
 * can't be read is reported, cut out line by line, and the rest read again. So
 * one run tells all mistakes, and a correct file is read once.
 *
 * I1  A mistake is reported in the pass that ends well, or not at all.
 * I2  Offsets and places always mean the file as the user wrote it.
 * The only place that calls libyaml. */
#include "engine/rules/yaml.h"

#include <assert.h>
#include <yaml.h>

#include "engine/base/limits.h"
#include "engine/base/map.h"
#include "engine/base/mem.h"
#include "engine/rules/quoting.h"
#include "engine/rules/walker.h"

/* A mistake kept until the pass is known to end well. */
struct complaint {
	struct complaint *next;
	struct place at;
	const char *what, *hint;
};

enum ending { END_WELL, END_SYNTAX, END_SUSPECT, END_FATAL };

struct pass {
	struct arena *arena;
	const char *file;
	struct text original, mended;
	const struct mends *mends;
	bool strict; /* stop at whatever quoting may explain */

	yaml_parser_t parser;
	struct yaml_node **stack; /* nodes of open maps and lists */
	size_t stacked, room;
	int depth;

	size_t index, byte;    /* characters and bytes walked of `mended` */
	size_t mend, put, cut; /* edits passed, bytes they put and cut */
	size_t mapped;         /* the mended offset that was asked for last */
	struct walker walker;  /* over `original` */

	struct complaint *first, **last;
	enum ending ending;
	size_t stop; /* original offset of the problem that ended the pass */
	const char *problem;
};

/* ---- Positions. ---- */

static size_t byte_of(struct pass *p, size_t index)
{
	const char *s = p->mended.s;

	if (index < p->index) {
		p->index = 0;
		p->byte = 0;
	}
	while (p->index < index && p->byte < p->mended.n) {
		p->byte++;
		while (p->byte < p->mended.n && ((unsigned char)s[p->byte] & 0xc0) == 0x80)
			p->byte++;
		p->index++;
	}
	return p->byte;
}

/* A byte offset of the mended text in the text as written. */
static size_t original_of(struct pass *p, size_t at)
{
	if (at < p->mapped)
		p->mend = p->put = p->cut = 0;
	p->mapped = at;
	while (p->mend < p->mends->count) {
		const struct mend *m = &p->mends->items[p->mend];
		size_t start = m->at + p->put - p->cut;

		if (at < start)
			break;
		if (at < start + m->put.n)
			return m->at;
		p->put += m->put.n;
		p->cut += m->cut;
		p->mend++;
	}
	return at + p->cut - p->put;
}

static size_t offset_of(struct pass *p, const yaml_mark_t *mark)
{
	size_t at = original_of(p, byte_of(p, mark->index));

	return at < p->original.n ? at : p->original.n;
}

/* The wrapping edit that starts exactly here, if any. */
static const struct mend *wrapped_at(const struct pass *p, size_t from)
{
	size_t low = 0, high = p->mends->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (p->mends->items[mid].at < from)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < p->mends->count && p->mends->items[low].at == from && p->mends->items[low].wraps)
		return &p->mends->items[low];
	return NULL;
}

/* Something inside, or on the line after it, could not be read. */
static bool damaged(const struct pass *p, const struct yaml_node *node)
{
	size_t to = p->mends->count > 0 ? quoting_next_line(p->original, node->to) : 0;

	for (size_t i = 0; i < p->mends->count; i++) {
		const struct mend *m = &p->mends->items[i];

		if (m->drops && m->at + m->cut >= node->from && m->at <= to)
			return true;
	}
	return false;
}

/* ---- Mistakes. ---- */

static void complain(struct pass *p, size_t offset, const char *hint, const char *what)
{
	struct complaint *c = arena_alloc(p->arena, sizeof(*c));

	if (c == NULL)
		return;
	*c = (struct complaint){ NULL, walker_to(&p->walker, p->file, offset), what, hint };
	*p->last = c;
	p->last = &c->next;
}

/* Tags, anchors and aliases: a suspect for quoting.c first, then refused. */
static void refuse_mark(struct pass *p, size_t offset, const char *what)
{
	if (p->strict && p->ending == END_WELL)
		p->ending = END_SUSPECT;
	complain(p, offset,
		 "rules are plain YAML; a text that starts with this character needs quotes", what);
}

static void fail(struct pass *p, enum ending ending, size_t offset, const char *problem)
{
	if (p->ending == END_SYNTAX || p->ending == END_FATAL)
		return;
	p->ending = ending;
	p->stop = offset;
	p->problem = problem;
}

/* "while scanning a quoted scalar", "found unexpected end of stream": the start of the
 * thing is what the reader has to look at. */
static bool context_is_better(const yaml_parser_t *parser)
{
	if (parser->context == NULL || parser->problem == NULL)
		return false;
	return strstr(parser->context, "quoted scalar") != NULL ||
	       strstr(parser->context, "simple key") != NULL ||
	       strstr(parser->context, "flow") != NULL;
}

static void syntax_problem(struct pass *p)
{
	const yaml_parser_t *parser = &p->parser;
	size_t offset;

	if (parser->error == YAML_MEMORY_ERROR) {
		fail(p, END_FATAL, 0, "out of memory");
	} else if (parser->error == YAML_READER_ERROR) {
		offset = original_of(p, parser->problem_offset);
		fail(p, END_SYNTAX, offset, parser->problem);
	} else if (context_is_better(parser)) {
		offset = offset_of(p, &parser->context_mark);
		fail(p, END_SYNTAX, offset, parser->problem);
	} else {
		offset = offset_of(p, &parser->problem_mark);
		fail(p, END_SYNTAX, offset, parser->problem);
	}
}

static bool next_event(struct pass *p, yaml_event_t *event)
{
	if (p->ending == END_SYNTAX || p->ending == END_FATAL)
		return false;
	if (yaml_parser_parse(&p->parser, event))
		return true;
	syntax_problem(p);
	return false;
}

/* ---- Nodes. ---- */

static struct yaml_node *node_new(struct pass *p, enum yaml_kind kind, const yaml_event_t *event)
{
	struct yaml_node *node = arena_zero(p->arena, sizeof(*node));

	if (node == NULL) {
		fail(p, END_FATAL, 0, "the file is too large");
		return NULL;
	}
	node->kind = kind;
	node->from = offset_of(p, &event->start_mark);
	node->to = offset_of(p, &event->end_mark);
	node->source = p->original.s + node->from;
	node->at = walker_to(&p->walker, p->file, node->from);
	return node;
}

static bool push(struct pass *p, struct yaml_node *node)
{
	if (p->stacked == p->room) {
		size_t room = p->room == 0 ? 256 : p->room * 2;
		struct yaml_node **grown = mem_grow(p->stack, room, sizeof(struct yaml_node *));

		if (grown == NULL) {
			fail(p, END_FATAL, 0, "out of memory");
			return false;
		}
		p->stack = grown;
		p->room = room;
	}
	p->stack[p->stacked++] = node;
	return true;
}

static bool comment_after(const struct pass *p, size_t to)
{
	size_t i = to;

	while (i < p->original.n && (p->original.s[i] == ' ' || p->original.s[i] == '\t'))
		i++;
	return i > to && i < p->original.n && p->original.s[i] == '#';
}

static void resolve_plain(struct pass *p, struct yaml_node *node)
{
	node->kind = yaml_resolve(p->arena, node->text, &node->scalar);
	node->comment_follows = comment_after(p, node->to);
	if (node->kind == YAML_FLOAT && node->scalar.kind != VALUE_DOUBLE) {
		complain(p, node->from, "JSON has no such number; in quotes it is a text",
			 "infinity and NaN can't be used here");
		node->kind = YAML_TEXT;
		node->scalar = value_text(node->text);
	}
}

static struct yaml_node *scalar_node(struct pass *p, const yaml_event_t *event)
{
	struct yaml_node *node = node_new(p, YAML_TEXT, event);
	struct text t = { (const char *)event->data.scalar.value, event->data.scalar.length };
	yaml_scalar_style_t style = event->data.scalar.style;
	const struct mend *wrap;

	if (node == NULL)
		return NULL;
	if (event->data.scalar.anchor != NULL)
		refuse_mark(p, node->from, "anchors (&name) are not supported");
	if (event->data.scalar.tag != NULL)
		refuse_mark(p, node->from, "tags (!name) are not supported");
	wrap = wrapped_at(p, node->from);
	if (wrap != NULL)
		t = (struct text){ p->original.s + wrap->at, wrap->cut };
	node->block = style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
	node->mended = wrap != NULL;
	node->quoted = wrap == NULL && style != YAML_PLAIN_SCALAR_STYLE;
	if (!node->quoted && node->to - node->from == t.n &&
	    (t.n == 0 || memcmp(node->source, t.s, t.n) == 0))
		node->text = (struct text){ node->source, t.n };
	else
		node->text = text_dup(p->arena, t);
	node->scalar = value_text(node->text);
	if (!node->quoted && wrap == NULL)
		resolve_plain(p, node);
	return node;
}

static struct yaml_node *build(struct pass *p, yaml_event_t *event);

static struct yaml_node *alias_node(struct pass *p, const yaml_event_t *event)
{
	struct yaml_node *node = node_new(p, YAML_NULL, event);

	if (node == NULL)
		return NULL;
	node->text = TEXT(""); /* it may stand for a key */
	refuse_mark(p, node->from, "aliases (*name) are not supported");
	return node;
}

static void check_marks(struct pass *p, const struct yaml_node *node, const yaml_char_t *anchor,
			const yaml_char_t *tag)
{
	if (anchor != NULL)
		refuse_mark(p, node->from, "anchors (&name) are not supported");
	if (tag != NULL)
		refuse_mark(p, node->from, "tags (!name) are not supported");
}

/* Builds members until the end event; they are left on the stack. */
static bool members(struct pass *p, yaml_event_type_t end, size_t *end_offset)
{
	yaml_event_t event;

	while (next_event(p, &event)) {
		struct yaml_node *member;

		if (event.type == end) {
			*end_offset = offset_of(p, &event.end_mark);
			yaml_event_delete(&event);
			return true;
		}
		member = build(p, &event);
		if (member == NULL || !push(p, member))
			return false;
	}
	return false;
}

static bool enter(struct pass *p, const struct yaml_node *node)
{
	if (p->depth >= LIMIT_YAML_DEPTH) {
		fail(p, END_FATAL, node->from, "nested too deeply");
		return false;
	}
	p->depth++;
	return true;
}

static struct yaml_node *list_node(struct pass *p, const yaml_event_t *event)
{
	struct yaml_node *node = node_new(p, YAML_LIST, event);
	bool block = event->data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE;
	size_t base = p->stacked, end;

	if (node == NULL || !enter(p, node))
		return NULL;
	check_marks(p, node, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	if (!members(p, YAML_SEQUENCE_END_EVENT, &end))
		return NULL;
	p->depth--;
	node->count = p->stacked - base;
	node->items = arena_array(p->arena, node->count, sizeof(struct yaml_node *));
	if (node->items == NULL) {
		fail(p, END_FATAL, node->from, "the file is too large");
		return NULL;
	}
	if (node->count > 0)
		memcpy(node->items, p->stack + base, node->count * sizeof(struct yaml_node *));
	p->stacked = base;
	node->to = end;
	if (block && node->count > 0)
		node->to = node->items[node->count - 1]->to;
	node->damaged = damaged(p, node);
	return node;
}

static void duplicate_key(struct pass *p, const struct yaml_node *key,
			  const struct yaml_node *other)
{
	struct text what = text_printf(p->arena, "the key \"%.*s\" is here twice, first on line %d",
				       TEXT_ARG(key->text), other->at.line);

	if (what.s != NULL)
		complain(p, key->from, "a key can be given once; remove one of the two", what.s);
}

static void check_keys_hashed(struct pass *p, const struct yaml_node *node)
{
	struct map *seen = map_new();

	for (size_t i = 0; seen != NULL && i < node->count; i++) {
		struct yaml_node *other = map_get(seen, node->pairs[i].key->text);

		if (other != NULL)
			duplicate_key(p, node->pairs[i].key, other);
		else if (!map_put(seen, node->pairs[i].key->text, node->pairs[i].key))
			fail(p, END_FATAL, node->from, "out of memory");
	}
	map_free(seen);
}

static void check_keys(struct pass *p, const struct yaml_node *node)
{
	if (node->count > 16) {
		check_keys_hashed(p, node);
		return;
	}
	for (size_t i = 1; i < node->count; i++) {
		for (size_t k = 0; k < i; k++) {
			if (text_eq(node->pairs[i].key->text, node->pairs[k].key->text)) {
				duplicate_key(p, node->pairs[i].key, node->pairs[k].key);
				break;
			}
		}
	}
}

static bool fill_pairs(struct pass *p, struct yaml_node *node, size_t base)
{
	node->count = (p->stacked - base) / 2;
	node->pairs = arena_array(p->arena, node->count, sizeof(*node->pairs));
	if (node->pairs == NULL) {
		fail(p, END_FATAL, node->from, "the file is too large");
		return false;
	}
	for (size_t i = 0; i < node->count; i++) {
		struct yaml_node *key = p->stack[base + 2 * i];

		if (key->kind == YAML_LIST || key->kind == YAML_MAP) {
			/* {a b}: {…} parses, and is always meant differently. */
			if (p->strict && p->ending == END_WELL)
				p->ending = END_SUSPECT;
			complain(p, key->from, "a text with braces or brackets needs quotes",
				 "a key must be a plain word");
			key->text = TEXT("");
		}
		node->pairs[i].key = key;
		node->pairs[i].val = p->stack[base + 2 * i + 1];
		node->pairs[i].val->key = key;
	}
	p->stacked = base;
	return true;
}

static struct yaml_node *map_node(struct pass *p, const yaml_event_t *event)
{
	struct yaml_node *node = node_new(p, YAML_MAP, event);
	bool block = event->data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE;
	size_t base = p->stacked, end;

	if (node == NULL || !enter(p, node))
		return NULL;
	check_marks(p, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	if (!members(p, YAML_MAPPING_END_EVENT, &end) || !fill_pairs(p, node, base))
		return NULL;
	p->depth--;
	node->to = end;
	if (block && node->count > 0)
		node->to = node->pairs[node->count - 1].val->to;
	check_keys(p, node);
	node->damaged = damaged(p, node);
	return node;
}

/* Takes the event over. */
static struct yaml_node *build(struct pass *p, yaml_event_t *event)
{
	struct yaml_node *node = NULL;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		node = scalar_node(p, event);
		break;
	case YAML_ALIAS_EVENT:
		node = alias_node(p, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		node = list_node(p, event);
		break;
	case YAML_MAPPING_START_EVENT:
		node = map_node(p, event);
		break;
	default:
		fail(p, END_SYNTAX, offset_of(p, &event->start_mark), "unexpected end");
		break;
	}
	yaml_event_delete(event);
	return node;
}

/* ---- Passes. ---- */

static struct yaml_node *empty_document(struct pass *p)
{
	struct yaml_node *node = arena_zero(p->arena, sizeof(*node));

	if (node != NULL) {
		node->kind = YAML_NULL;
		node->at = (struct place){ p->file, 1, 1 };
		node->source = p->original.s;
	}
	return node;
}

static struct yaml_node *document(struct pass *p)
{
	struct yaml_node *root = NULL;
	yaml_event_t event;

	while (next_event(p, &event)) {
		yaml_event_type_t type = event.type;

		if (type == YAML_STREAM_END_EVENT) {
			yaml_event_delete(&event);
			return root != NULL ? root : empty_document(p);
		}
		if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_END_EVENT) {
			yaml_event_delete(&event);
		} else if (type == YAML_DOCUMENT_START_EVENT) {
			if (root != NULL)
				complain(p, offset_of(p, &event.start_mark),
					 "write further rules into the same list, or another file",
					 "a second document in one file");
			yaml_event_delete(&event);
		} else {
			struct yaml_node *node = build(p, &event);

			if (root == NULL)
				root = node;
		}
	}
	return NULL;
}

static void pass_init(struct pass *p, struct arena *arena, const char *file, struct text original,
		      const struct mends *mends)
{
	*p = (struct pass){ .arena = arena, .file = file, .original = original, .mends = mends };
	p->mended = mends->count == 0 ? original : mends_apply(mends, original);
	p->walker = walker_of(original);
	p->last = &p->first;
}

static struct yaml_node *pass_run(struct pass *p)
{
	struct yaml_node *root;

	if (p->mended.s == NULL || !yaml_parser_initialize(&p->parser)) {
		fail(p, END_FATAL, 0, "out of memory");
		return NULL;
	}
	yaml_parser_set_encoding(&p->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p->parser, (const unsigned char *)p->mended.s, p->mended.n);
	root = document(p);
	yaml_parser_delete(&p->parser);
	mem_free(p->stack);
	if (root != NULL && arena_failed(p->arena))
		fail(p, END_FATAL, 0, "the file is too large");
	return p->ending == END_SYNTAX || p->ending == END_FATAL ? NULL : root;
}

static void flush(const struct pass *p, struct diags *diags)
{
	for (const struct complaint *c = p->first; c != NULL; c = c->next)
		diags_add(diags, DIAG_ERROR, c->at, c->hint, "%s", c->what);
}

struct wording {
	const char *libyaml, *what, *hint;
};

static const struct wording wordings[] = {
	{ "mapping values are not allowed", "\": \" can't stand here",
	  "check the indentation of this line; a text that holds \": \" needs quotes" },
	{ "did not find expected key", "expected a key here",
	  "check the indentation: keys of one map start in the same column" },
	{ "did not find expected '-'", "expected \"- \" here",
	  "check the indentation: items of one list start in the same column" },
	{ "did not find expected ',' or '}'",
	  "this \"{\" is not closed where a \"}\" or \",\" is expected",
	  "texts inside {…} that hold { } [ ] or , need quotes" },
	{ "did not find expected ',' or ']'",
	  "this \"[\" is not closed where a \"]\" or \",\" is expected",
	  "texts inside […] that hold { } [ ] or , need quotes" },
	{ "could not find expected ':'", "expected \": \" after this key",
	  "a key is written as name, colon, space, value" },
	{ "unexpected end of stream", "this quote is never closed", "add the closing quote" },
	{ "unexpected document indicator", "this quote is never closed", "add the closing quote" },
	{ "cannot start any token", "this character can't start a text", "put the text in quotes" },
	{ "block sequence entries are not allowed", "a list can't start here",
	  "write the items on lines of their own, each with \"- \"" },
	{ "block mapping", "a map can't start here", "check the indentation" },
	{ "unknown escape character", "there is no such escape in YAML's double quotes",
	  "write the value in single quotes: backslashes stay as they are there" },
	{ "control characters are not allowed", "a control character", "remove it" },
};

static void report_problem(struct pass *p, struct diags *diags)
{
	struct place at = walker_to(&p->walker, p->file, p->stop);
	const char *problem = p->problem != NULL ? p->problem : "not YAML";

	for (size_t i = 0; i < sizeof(wordings) / sizeof(*wordings); i++) {
		if (strstr(problem, wordings[i].libyaml) != NULL) {
			diags_add(diags, DIAG_ERROR, at, wordings[i].hint, "%s", wordings[i].what);
			return;
		}
	}
	diags_add(diags, DIAG_ERROR, at, "", "%s", problem);
}

/* Cuts the line of the problem out, with all that is indented beneath it. False when it is cut
 * out already: there is nothing more to gain. */
static bool cut_out(struct mends *mends, struct text content, size_t offset)
{
	size_t from = offset < content.n ? offset : content.n, to, indent;

	while (from > 0 && (from == content.n || content.s[from] == '\n') && content.n > 0 &&
	       (content.s[from - 1] == '\n' || content.s[from - 1] == ' '))
		from--;
	while (from > 0 && content.s[from - 1] != '\n')
		from--;
	indent = quoting_indent(content, from);
	to = quoting_next_line(content, from);
	while (to < content.n) {
		size_t inner = quoting_indent(content, to);

		if (inner <= indent && content.s[to + inner] != '\n' &&
		    content.s[to + inner] != '\r')
			break;
		to = quoting_next_line(content, to);
	}
	if (to == from)
		return false;
	for (size_t i = 0; i < mends->count; i++)
		if (mends->items[i].drops && mends->items[i].at <= from &&
		    mends->items[i].at + mends->items[i].cut >= to)
			return false;
	mends_add(mends,
		  (struct mend){ .at = from, .cut = to - from, .put = TEXT(""), .drops = true });
	return true;
}

/* The text is broken: explain, mend, cut out, until the rest can be read. */
static struct yaml_node *read_broken(struct arena *arena, struct diags *diags, const char *file,
				     struct text content)
{
	struct mends mends = { .arena = arena };

	quoting_scan(&mends, diags, file, content);
	for (int round = 0; round < LIMIT_YAML_ROUNDS; round++) {
		struct pass p;
		struct yaml_node *root;

		pass_init(&p, arena, file, content, &mends);
		root = pass_run(&p);
		if (root != NULL) {
			flush(&p, diags);
			return root;
		}
		report_problem(&p, diags);
		if (p.ending == END_FATAL || !cut_out(&mends, content, p.stop))
			return NULL;
	}
	return NULL;
}

static bool acceptable(struct diags *diags, const char *file, struct text content)
{
	struct place at = { file, 1, 1 };

	if (content.n > LIMIT_YAML_FILE) {
		diags_add(diags, DIAG_ERROR, at, "split it into several files in one folder",
			  "the file is larger than %u MiB", LIMIT_YAML_FILE / MIB);
		return false;
	}
	if (!text_is_utf8(content)) {
		struct walker w = walker_of(content);
		uint32_t code;
		size_t i = 0, n;

		while (i < content.n && (n = text_char(content, i, &code)) > 0)
			i += n;
		diags_add(diags, DIAG_ERROR, walker_to(&w, file, i), "save the file as UTF-8",
			  "not valid UTF-8");
		return false;
	}
	return true;
}

struct yaml_node *yaml_read(struct arena *arena, struct diags *diags, const char *file,
			    struct text content)
{
	const struct mends none = { .arena = arena };
	struct yaml_node *root;
	struct pass p;

	assert(arena != NULL && diags != NULL);
	assert(file != NULL);
	if (!acceptable(diags, file, content))
		return NULL;
	if (text_starts(content, TEXT("\xef\xbb\xbf")))
		content = (struct text){ content.s + 3, content.n - 3 };
	content = text_dup(arena, content);
	if (content.s == NULL) {
		diags_add(diags, DIAG_ERROR, (struct place){ file, 1, 1 }, "", "out of memory");
		return NULL;
	}
	pass_init(&p, arena, file, content, &none);
	p.strict = true;
	root = pass_run(&p);
	if (p.ending == END_SYNTAX || p.ending == END_SUSPECT)
		return read_broken(arena, diags, file, content);
	if (root == NULL)
		report_problem(&p, diags);
	flush(&p, diags);
	return root;
}
