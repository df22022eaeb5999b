/* SPDX-License-Identifier: Apache-2.0
 *
 * order.c - see order.h. */
#include "engine/plugins/order.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/mem.h"

/* ---- Orders. ---- */

#define ORDER_TEXTS 7

static void order_texts(struct order *order, struct text *out[ORDER_TEXTS])
{
	out[0] = &order->plugin;
	out[1] = &order->action;
	out[2] = &order->key;
	out[3] = &order->rule;
	out[4] = &order->event;
	out[5] = &order->topic;
	out[6] = &order->body;
}

/* Moves the bytes of a text to *at. */
static void settle(struct text *t, char **at)
{
	if (t->n > 0)
		memcpy(*at, t->s, t->n);
	t->s = *at;
	*at += t->n;
}

struct order *order_new(const struct order *from)
{
	struct order fixed = *from, *order;
	struct text *texts[ORDER_TEXTS];
	size_t bytes = 0;
	char *at;

	order_texts(&fixed, texts);
	for (int i = 0; i < ORDER_TEXTS; i++)
		bytes += texts[i]->n;
	order = mem_alloc(sizeof(*order) + bytes);
	if (order == NULL)
		return NULL;
	*order = fixed;
	order->item = (struct queue_item){ NULL, sizeof(*order) + bytes };
	at = order->bytes;
	order_texts(order, texts);
	for (int i = 0; i < ORDER_TEXTS; i++)
		settle(texts[i], &at);
	return order;
}

void order_free(struct order *order)
{
	if (order == NULL)
		return;
	settings_free(order->settings);
	mem_free(order);
}

/* ---- Settings. ---- */

struct settings {
	atomic_uint refs;
	size_t count;
	struct plugin_setting items[]; /* then their keys, then the bytes of all texts */
};

static size_t key_total(const struct plugin_setting *from, size_t count)
{
	size_t keys = 0;

	for (size_t i = 0; i < count; i++)
		keys += from[i].key_count;
	return keys;
}

static size_t byte_total(const struct plugin_setting *from, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		bytes += from[i].name.n;
		for (size_t k = 0; k < from[i].key_count; k++)
			bytes += from[i].keys[k].n;
	}
	return bytes;
}

struct settings *settings_new(const struct plugin_setting *from, size_t count)
{
	size_t keys = key_total(from, count);
	struct settings *settings =
	    mem_zero(1, sizeof(*settings) + count * sizeof(*from) + keys * sizeof(struct text) +
			    byte_total(from, count));
	struct text *key;
	char *at;

	assert(from != NULL || count == 0);
	if (settings == NULL)
		return NULL;
	atomic_init(&settings->refs, 1);
	settings->count = count;
	key = (struct text *)(void *)(settings->items + count);
	at = (char *)(key + keys);
	for (size_t i = 0; i < count; i++) {
		struct plugin_setting *item = &settings->items[i];

		*item = from[i];
		if (item->concurrency == 0)
			item->concurrency = LIMIT_SESSION_JOBS;
		settle(&item->name, &at);
		item->keys = key;
		for (size_t k = 0; k < item->key_count; k++) {
			*key = from[i].keys[k];
			settle(key++, &at);
		}
	}
	return settings;
}

struct settings *settings_ref(struct settings *settings)
{
	assert(settings != NULL);
	atomic_fetch_add(&settings->refs, 1);
	return settings;
}

void settings_free(struct settings *settings)
{
	if (settings != NULL && atomic_fetch_sub(&settings->refs, 1) == 1)
		mem_free(settings);
}

const struct plugin_setting *settings_find(const struct settings *settings, struct text name)
{
	for (size_t i = 0; i < settings->count; i++)
		if (text_eq(name, settings->items[i].name))
			return &settings->items[i];
	return NULL;
}

bool settings_trust(const struct plugin_setting *setting, struct text key)
{
	for (size_t k = 0; k < setting->key_count; k++)
		if (text_eq(key, setting->keys[k]))
			return true;
	return false;
}

bool settings_trust_any(const struct settings *settings, struct text key)
{
	for (size_t i = 0; i < settings->count; i++)
		if (settings_trust(&settings->items[i], key))
			return true;
	return false;
}
