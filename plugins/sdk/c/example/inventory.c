/* SPDX-License-Identifier: Apache-2.0
 *
 * inventory - an example: it has some of each article, reserves them, and tells when few are
 * left. In a rule:
 *
 *     - inventory.reserve: { sku: "${data.sku}", count: 2 }
 *
 * It keeps its stock in memory; what it has carried out is remembered by key, so that a
 * repeat is no second reservation. */
#include <stdio.h>
#include <stdlib.h>
#include <tappet_plugin.h>

#define FEW 3

struct inventory {
	struct tappet_plugin *plugin;
	json_t *stock; /* sku -> left */
	json_t *done;  /* key -> what was answered */
};

static const char manifest[] =
    "{ \"version\": \"1.0\", \"doc\": \"Reserves stock.\","
    "  \"actions\": { \"reserve\": { \"doc\": \"Reserves some of an article.\","
    "    \"params\": { \"sku\": { \"type\": \"text\", \"required\": true },"
    "                \"count\": { \"type\": \"int\", \"doc\": \"1 when left out.\" } },"
    "    \"result\": { \"left\": { \"type\": \"int\" } } } },"
    "  \"events\": { \"low\": { \"doc\": \"An article runs low.\","
    "    \"fields\": { \"sku\": { \"type\": \"text\" }, \"left\": { \"type\": \"int\" } } } } }";

/* The id says which event it is: the same key brings the same one. */
static void tell_low(struct inventory *inventory, const struct tappet_job *job, const char *sku,
		     json_int_t left)
{
	char id[128];

	(void)snprintf(id, sizeof(id), "low-%s", job->said.key);
	if (!tappet_emit(inventory->plugin,
			 json_pack("{s:s,s:s,s:s,s:s}", "id", id, "type", "low", "subject", sku,
				   "job", job->said.id),
			 json_pack("{s:s,s:I}", "sku", sku, "left", left)))
		perror("emit");
}

static void reserve(void *of, struct tappet_job *job)
{
	struct inventory *inventory = of;
	const char *sku = json_string_value(json_object_get(job->params, "sku"));
	json_t *wanted = json_object_get(job->params, "count"), *before;
	json_int_t count = wanted != NULL ? json_integer_value(wanted) : 1, left;

	before = json_object_get(inventory->done, job->said.key);
	if (before != NULL) {
		tappet_job_end(job, "ok", NULL, json_incref(before));
		return;
	}
	left = json_integer_value(json_object_get(inventory->stock, sku)) - count;
	if (left < 0) {
		tappet_job_end(job, "reject", json_pack("{s:s}", "error", "there aren't that many"),
			       NULL);
		return;
	}
	(void)json_object_set_new(inventory->stock, sku, json_integer(left));
	(void)json_object_set_new(inventory->done, job->said.key, json_pack("{s:I}", "left", left));
	if (left < FEW)
		tell_low(inventory, job, sku, left);
	tappet_job_end(job, "ok", NULL, json_pack("{s:I}", "left", left));
}

int main(void)
{
	static const struct tappet_action actions[] = { { "reserve", reserve }, { NULL, NULL } };
	struct inventory inventory = { .stock = json_pack("{s:i,s:i}", "A-7", 5, "B-1", 100),
				       .done = json_object() };
	int code;

	inventory.plugin = tappet_plugin_new(&(struct tappet_options){
	    .name = "inventory",
	    .manifest = manifest,
	    .actions = actions,
	    .jobs = 8,
	    .of = &inventory,
	});
	if (inventory.plugin == NULL) {
		perror("inventory");
		return 1;
	}
	code = tappet_plugin_run(inventory.plugin);
	tappet_plugin_free(inventory.plugin);
	json_decref(inventory.stock);
	json_decref(inventory.done);
	return code;
}
