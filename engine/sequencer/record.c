/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - inputs as single heap blocks; see record.h.
 *
 * Every text of an input is listed once, in input_texts, so that measuring,
 * copying and re-pointing can't disagree. */
#include "engine/sequencer/record.h"

#include <assert.h>

#include "engine/base/mem.h"
#include "engine/rules/config.h"
#include "engine/rules/rule.h"

#define INPUT_TEXTS_MAX 12

static unsigned ending_texts(struct ending *e, struct text **out)
{
	out[0] = &e->body;
	out[1] = &e->content_type;
	out[2] = &e->error;
	out[3] = &e->etag;
	out[4] = &e->last_modified;
	out[5] = &e->link;
	return 6;
}

static unsigned hook_texts(struct hook_input *h, struct text **out)
{
	struct text *const all[] = { &h->hook,       &h->body,   &h->media,     &h->event,
				     &h->sender_id,  &h->ce_id,  &h->ce_source, &h->ce_type,
				     &h->ce_subject, &h->ce_time };

	memcpy(out, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static unsigned event_texts(struct event_input *e, struct text **out)
{
	struct text *const all[] = { &e->type, &e->source, &e->subject, &e->connection,
				     &e->id,   &e->data,   &e->before };

	memcpy(out, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

/* The addresses of all texts of an input. */
static unsigned input_texts(struct input *input, struct text *out[INPUT_TEXTS_MAX])
{
	switch (input->kind) {
	case INPUT_HOOK:
		return hook_texts(&input->hook, out);
	case INPUT_EVENT:
		return event_texts(&input->event, out);
	case INPUT_FETCHED:
		out[0] = &input->fetched.source;
		return 1 + ending_texts(&input->fetched.ending, out + 1);
	case INPUT_OUTCOME:
		out[0] = &input->outcome.target;
		return 1 + ending_texts(&input->outcome.ending, out + 1);
	case INPUT_GRANT:
		out[0] = &input->grant.target;
		return 1;
	case INPUT_BREAKER:
		out[0] = &input->breaker.target;
		out[1] = &input->breaker.why;
		return 2;
	case INPUT_TABLE:
		out[0] = &input->table.table;
		out[1] = &input->table.json;
		return 2;
	case INPUT_PLACE:
		out[0] = &input->place.plugin;
		out[1] = &input->place.cursor;
		return 2;
	case INPUT_MANIFEST:
		out[0] = &input->manifest.plugin;
		out[1] = &input->manifest.json;
		return 2;
	case INPUT_PAUSE:
		out[0] = &input->pause.name;
		out[1] = &input->pause.of;
		out[2] = &input->pause.who;
		out[3] = &input->pause.why;
		return 4;
	case INPUT_RELOAD:
	case INPUT_COMMAND:
		return 0;
	}
	return 0;
}

struct input *input_new(const struct input *from)
{
	struct text *texts[INPUT_TEXTS_MAX] = { NULL };
	struct input head;
	size_t bytes = 0;
	unsigned count;

	assert(from != NULL);
	head = *from;
	count = input_texts(&head, texts);
	assert(count <= INPUT_TEXTS_MAX);
	for (unsigned i = 0; i < count; i++)
		bytes += texts[i]->n + 1;
	struct input *input = mem_alloc(sizeof(*input) + bytes);

	if (input == NULL)
		return NULL;
	*input = head;
	input->item = (struct queue_item){ .weight = sizeof(*input) + bytes };
	count = input_texts(input, texts);
	char *at = input->bytes;

	for (unsigned i = 0; i < count; i++) {
		if (texts[i]->n > 0)
			memcpy(at, texts[i]->s, texts[i]->n);
		at[texts[i]->n] = '\0'; /* an error's words are used as a string */
		texts[i]->s = at;
		at += texts[i]->n + 1;
	}
	return input;
}

void input_free(struct input *input)
{
	if (input == NULL)
		return;
	if (input->kind == INPUT_RELOAD) {
		config_free(input->reload.config);
		ruleset_free(input->reload.rules);
	}
	mem_free(input);
}
