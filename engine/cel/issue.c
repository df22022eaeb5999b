/* SPDX-License-Identifier: Apache-2.0
 *
 * issue - what is wrong with an expression, and where; see issue.h. */
#include "engine/cel/issue.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

/* Where the words had to be cut: not within a character. */
static void end_whole(char *words)
{
	words[text_head(text_of(words), SIZE_MAX).n] = '\0';
}

bool cel_refuse(struct cel_issue *issue, size_t offset, const char *hint, const char *format, ...)
{
	va_list args;

	assert(issue != NULL && hint != NULL && format != NULL);
	if (issue->what[0] != '\0')
		return false;
	issue->offset = offset;
	va_start(args, format);
	vsnprintf(issue->what, sizeof(issue->what), format, args);
	va_end(args);
	snprintf(issue->hint, sizeof(issue->hint), "%s", hint);
	end_whole(issue->what);
	end_whole(issue->hint);
	return false;
}

void cel_hint(struct cel_issue *issue, const char *format, ...)
{
	va_list args;

	assert(issue != NULL && format != NULL);
	if (issue->hint[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(issue->hint, sizeof(issue->hint), format, args);
	va_end(args);
	end_whole(issue->hint);
}

bool cel_refuse_size(struct cel_issue *issue, size_t offset)
{
	return cel_refuse(issue, offset, "", "the memory set aside for expressions is used up");
}
