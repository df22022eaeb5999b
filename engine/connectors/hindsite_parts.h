/* SPDX-License-Identifier: Apache-2.0
 *
 * hindsite_parts - what the files of the HINDSITE connector share.
 *
 * hindsite.c has the work set, its events and the webhooks, hindsite_actions.c
 * the actions, hindsite_assets.c those that read lists, hindsite_deliveries.c
 * the webhook deliveries: read, sent again, and caught up with.
 * Ownership: everything made lives in the arena given. */
#ifndef TAPPET_CONNECTORS_HINDSITE_PARTS_H
#define TAPPET_CONNECTORS_HINDSITE_PARTS_H

#include "engine/connectors/connector.h"

/* ---- hindsite.c ---- */

extern const struct object_kind hindsite_work_set;

/* The product's own words in a reply, cut; empty when there are none. */
struct text hindsite_words(struct value doc);

/* The JSON object or list of a 2xx reply. FATE_RETRY when it is no JSON, FATE_REJECT when it is
 * nothing but an error. */
enum fate hindsite_doc(struct call *call, const struct reply *reply, struct value *out);

/* ---- hindsite_actions.c ---- */

extern const struct action hindsite_actions[];

/* A list whose items are ids, each as text. FATE_REJECT with call->why naming the first that is
 * none. */
enum fate hindsite_ids(struct call *call, const char *name, struct value *list);

/* ---- hindsite_assets.c: of struct action ---- */

extern const struct param hindsite_asset_list_params[];
extern const struct param hindsite_asset_show_params[];
extern const struct param hindsite_asset_search_params[];
enum fate hindsite_build_asset_list(struct call *call, struct value given, struct request *out);
enum fate hindsite_build_asset_show(struct call *call, struct value given, struct request *out);
enum fate hindsite_build_asset_search(struct call *call, struct value given, struct request *out);
enum fate hindsite_read_assets(struct call *call, const struct reply *reply, struct reading *out);

/* ---- hindsite_deliveries.c: of struct action, and the resource ---- */

extern const struct param hindsite_delivery_list_params[];
extern const struct param hindsite_delivery_again_params[];
extern const struct param hindsite_deliveries_again_params[];
enum fate hindsite_build_deliveries(struct call *call, struct value given, struct request *out);
enum fate hindsite_build_again(struct call *call, struct value given, struct request *out);
enum fate hindsite_build_again_many(struct call *call, struct value given, struct request *out);
enum fate hindsite_read_deliveries(struct call *call, const struct reply *reply,
				   struct reading *out);
enum fate hindsite_read_again_many(struct call *call, const struct reply *reply,
				   struct reading *out);
extern const struct resource hindsite_resources[];

/* Documented: "webhook_deliveries" with "meta". Pages are numbered from 1; 0: as meta says. */
struct hindsite_page {
	struct value rows; /* a list of maps that have an id */
	bool more;         /* meta says so, or doesn't say and there are rows */
	bool told;         /* meta says how many there are */
};

enum fate hindsite_delivery_rows(struct call *call, const struct reply *reply, unsigned page,
				 struct hindsite_page *out);

#endif
