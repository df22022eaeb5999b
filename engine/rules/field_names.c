/* SPDX-License-Identifier: Apache-2.0
 *
 * field_names - see field_names.h. */
#include "engine/rules/field_names.h"

#include <assert.h>

#include "engine/rules/reader.h"

#define NAMES_MOST 255 /* fields to compare a word with; the largest kinds have some 120 */

/* True when the table lists what is beneath the path, so that anything else is unknown. */
static bool has_parts(const struct object_kind *kind, struct text path)
{
	for (const struct field *f = kind->fields; f != NULL && f->name != NULL; f++) {
		struct text name = text_of(f->name);

		if (name.n > path.n && name.s[path.n] == '.' && text_starts(name, path))
			return true;
	}
	return false;
}

bool field_is_known(const struct object_kind *kind, struct text path)
{
	struct text head = path;

	assert(kind != NULL);
	if (has_parts(kind, path))
		return true;
	while (head.n > 0) {
		if (object_kind_field(kind, head) != NULL)
			return head.n == path.n || !has_parts(kind, head);
		while (head.n > 0 && head.s[head.n - 1] != '.')
			head.n--;
		head.n -= head.n > 0;
	}
	return false;
}

/* Beneath an object whose fields are known, only those are meant. */
static bool same_parent(struct text name, struct text path)
{
	size_t parent = path.n;

	while (parent > 0 && path.s[parent - 1] != '.')
		parent--;
	return parent == 0 || text_starts(name, (struct text){ path.s, parent });
}

/* Products keep custom fields apart, as rows with ids; rules have them by name. */
static const char *custom_hint(struct arena *arena, const struct object_kind *kind,
			       const char *variable, struct text path)
{
	struct text head, name = text_split(path, '.', &head);
	const struct field *custom = object_kind_field(kind, TEXT("custom"));

	if (custom == NULL || custom->type != FIELD_MAP || !text_starts(head, TEXT("custom_")))
		return "";
	if (name.n == 0)
		name = TEXT("NAME");
	if (variable == NULL)
		return text_printf(arena,
				   "custom fields stand under their names: custom: { %.*s: ... }",
				   TEXT_ARG(name))
		    .s;
	if (variable[0] == '\0')
		return text_printf(arena,
				   "custom fields go by their names: data.custom.%.*s, in changed "
				   "and became custom.%.*s",
				   TEXT_ARG(name), TEXT_ARG(name))
		    .s;
	return text_printf(arena,
			   "custom fields are read by their names: %s.custom[\"%.*s\"], "
			   "changed(\"custom.%.*s\")",
			   variable, TEXT_ARG(name), TEXT_ARG(name))
	    .s;
}

const char *field_hint(struct arena *arena, const struct object_kind *const *kinds, size_t count,
		       const char *variable, struct text path)
{
	const char *names[NAMES_MOST + 1], *hint;
	size_t n = 0;

	assert(kinds != NULL);
	for (size_t k = 0; k < count; k++) {
		hint = custom_hint(arena, kinds[k], variable, path);
		if (hint != NULL && hint[0] != '\0')
			return hint;
	}
	for (size_t k = 0; k < count; k++)
		for (const struct field *f = kinds[k]->fields;
		     f != NULL && f->name != NULL && n < NAMES_MOST; f++)
			if (same_parent(text_of(f->name), path))
				names[n++] = f->name;
	names[n] = NULL;
	return reader_nearest(arena, path, names);
}
