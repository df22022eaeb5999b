/* SPDX-License-Identifier: Apache-2.0
 *
 * sequencer_orders - a world whose hook takes orders {"k": KEY, "n": ID}, and a rule
 * that makes two requests of each. */
#ifndef TAPPET_TESTS_SEQUENCER_ORDERS_H
#define TAPPET_TESTS_SEQUENCER_ORDERS_H

#include "tests/unit/sequencer_world.h"

#define ORDERS_CONFIG                                                                              \
	"rules: [rules.yaml]\n"                                                                    \
	"hooks:\n"                                                                                 \
	"  orders: { verify: none, id_header: X-Id }\n"                                            \
	"connections:\n"                                                                           \
	"  hindsite: { connector: hindsite, base_url: \"http://127.0.0.1:1\", client_id: a, "      \
	"client_secret: b }\n"

/* Two steps, the order by k, the host by p. */
#define ORDERS_RULES(word)                                                                         \
	"rules:\n"                                                                                 \
	"  - id: two\n"                                                                            \
	"    on: hook.orders\n"                                                                    \
	"    key: string(data.k)\n"                                                                \
	"    do:\n"                                                                                \
	"      - http.request: { url: \"http://127.0.0.1:1/" word "/1\", json: { n: "              \
	"\"${data.n}\" } }\n"                                                                      \
	"        retry: { attempts: 3, first: 1s, max: 10s }\n"                                    \
	"      - http.request: { url: \"http://127.0.0.1:1/" word "/2\", json: { n: "              \
	"\"${data.n}\" } }\n"

/* An order, for the next batch. */
static inline void orders_post(struct world *w, int id, const char *key)
{
	char name[16], body[64];

	(void)snprintf(name, sizeof(name), "%d", id);
	(void)snprintf(body, sizeof(body), "{\"k\":\"%s\",\"n\":%d}", key, id);
	world_hook(w, "orders", name, body);
}

static inline void orders_command(struct world *w, enum command_kind kind, int64_t run)
{
	const struct input input = { .kind = INPUT_COMMAND,
				     .command = { .ticket = 9, .kind = kind, .run = run } };

	world_push(w, &input);
}

#endif
