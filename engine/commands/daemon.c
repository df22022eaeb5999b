/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon.c - the parts of `tappet run`; see daemon.h. */
#include "engine/commands/daemon.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/admin/admin.h"
#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/commands/outside.h"
#include "engine/commands/pump.h"
#include "engine/sequencer/board.h"
#include "engine/sources/hook.h"
#include "engine/store/store.h"

struct daemon {
	struct clock clock;
	struct config *config;
	struct store *store;
	struct queue *inputs;
	struct delivery *delivery;
	struct outside *outside; /* plugins; NULL: there is no bus */
	struct secret *bus_key;  /* that it was opened with; NULL: none */
	struct sequencer *sequencer;
	struct pump *pump;
	struct pump_stats pumped;
	struct hooks *hooks;
	struct admin *admin;
	struct http_server *_Atomic server; /* read by the pump's thread */
	struct outside *_Atomic shown;      /* the same, once it runs; read by the server's */
};

/* ---- One address, two parts: /hooks/... and the rest. ---- */

static bool is_hook(const struct http_request *request)
{
	return text_starts(http_request_path(request), TEXT("/hooks/"));
}

static enum http_next public_begin(void *of, const struct http_request *request, size_t *body_limit,
				   struct http_answer *answer)
{
	struct daemon *d = of;

	if (is_hook(request))
		return hooks_begin(d->hooks, request, body_limit, answer);
	return admin_public_begin(d->admin, request, body_limit, answer);
}

static enum http_next public_done(void *of, const struct http_request *request, struct text body,
				  http_ticket ticket, struct http_answer *answer)
{
	struct daemon *d = of;

	if (is_hook(request))
		return hooks_done(d->hooks, request, body, ticket, answer);
	return admin_public_done(d->admin, request, body, ticket, answer);
}

static bool daemon_room(void *of)
{
	const struct daemon *d = of;

	return sequencer_has_room(d->sequencer);
}

static struct http_server *daemon_server(void *of)
{
	struct daemon *d = of;

	return d->server;
}

static void daemon_plugin_metrics(void *of, struct buf *out)
{
	struct daemon *d = of;
	struct outside *outside = d->shown;

	if (outside != NULL)
		outside_metrics(outside, out);
}

static void daemon_board_metrics(void *of, struct buf *out)
{
	struct daemon *d = of;

	board_metrics(sequencer_board(d->sequencer), out);
}

static void daemon_pump_metrics(void *of, struct buf *out)
{
	const struct daemon *d = of;

	pump_metrics(&d->pumped, out);
}

static void daemon_plugin_list(void *of, struct buf *out)
{
	struct daemon *d = of;
	struct outside *outside = d->shown;

	if (outside != NULL)
		outside_list(outside, out);
}

static void daemon_paused(void *of, const struct pause_row *pauses, size_t count)
{
	struct daemon *d = of;

	admin_set_pauses(d->admin, pauses, count);
}

/* Any thread: the main thread waits for signals and does the work. */
static void daemon_ask_reload(void *of)
{
	(void)of;
	(void)kill(getpid(), SIGHUP);
}

/* ---- Starting. ---- */

static void say_store(const struct store_error *error, char *why, size_t room)
{
	const char *hint = store_hint(error);

	(void)snprintf(why, room, "%s%s%s", error->text, hint[0] != '\0' ? "\n   hint: " : "",
		       hint);
}

static enum fate daemon_decide(struct daemon *d, struct ruleset *rules, char *why, size_t room)
{
	static const struct sequencer_options options = { .polls = true,
							  .schedules = true,
							  .retention = true };
	struct store_error error;
	char *name = text_heap(d->config->store);
	enum fate fate = store_open(name, &d->store, &error);

	mem_free(name);
	if (fate != FATE_OK) {
		say_store(&error, why, room);
		return fate;
	}
	d->inputs = queue_new(LIMIT_QUEUE, d->config->memory_limit);
	if (d->inputs == NULL ||
	    sequencer_new(d->store, d->config, rules, &options, clock_read(&d->clock),
			  &d->sequencer) != FATE_OK ||
	    delivery_start(d->config, d->inputs, d->clock, &d->delivery) != FATE_OK) {
		(void)snprintf(why, room, "memory, threads or descriptors are out");
		return FATE_RETRY;
	}
	return FATE_OK;
}

static enum fate daemon_pump(struct daemon *d, char *why, size_t room)
{
	const struct pump_parts parts = { .sequencer = d->sequencer,
					  .inputs = d->inputs,
					  .stats = &d->pumped,
					  .delivery = d->delivery,
					  .plugins = outside_plugins(d->outside),
					  .clock = d->clock,
					  .server = daemon_server,
					  .of = d,
					  .paused = daemon_paused };

	if (pump_start(&parts, &d->pump) == FATE_OK)
		return FATE_OK;
	if (store_last_error(d->store)->text[0] != '\0')
		say_store(store_last_error(d->store), why, room);
	else
		(void)snprintf(why, room, "memory or threads are out");
	return FATE_RETRY;
}

static struct http_tls daemon_tls(const struct config *config)
{
	if (config->tls_key == NULL)
		return (struct http_tls){ .key = TEXT_NONE };
	return (struct http_tls){ config->tls_certificate, secret_reveal(config->tls_key) };
}

static enum fate daemon_listen(struct daemon *d, char *why, size_t room)
{
	static const struct http_server_limits limits = {
		.connections = LIMIT_CONNECTIONS,
		.idle_seconds = LIMIT_IDLE_SECONDS,
		.request_seconds = LIMIT_REQUEST_SECONDS,
		.header_bytes = LIMIT_HEADERS,
		.body_bytes_total = LIMIT_BODIES,
	};
	char *listen = text_heap(d->config->listen), *admin = text_heap(d->config->admin);
	const struct http_listen listens[2] = {
		{ listen, { public_begin, public_done, d }, daemon_tls(d->config) },
		{ .listen = admin, .site = { admin_api_begin, admin_api_done, d->admin } },
	};
	struct http_server *server = NULL;
	enum fate fate = FATE_RETRY;

	if (listen != NULL && admin != NULL)
		fate = http_server_start(listens, 2, &limits, &server, why, room);
	d->server = server;
	mem_free(listen);
	mem_free(admin);
	return fate;
}

static enum fate daemon_edges(struct daemon *d, char *why, size_t room)
{
	struct admin_metrics metrics[] = { { .write = hooks_metrics },
					   { daemon_plugin_metrics, d },
					   { daemon_board_metrics, d },
					   { daemon_pump_metrics, d } };
	const struct admin_parts parts = {
		.config = d->config,
		.inputs = d->inputs,
		.stats = sequencer_stats(d->sequencer),
		.clock = d->clock,
		.has_room = daemon_room,
		.server = daemon_server,
		.reload = daemon_ask_reload,
		.of = d,
		.metrics = metrics,
		.metrics_count = 4,
		.plugins = { daemon_plugin_list, d },
	};
	const struct hooks_parts hooks = {
		.config = d->config,
		.inputs = d->inputs,
		.stats = sequencer_stats(d->sequencer),
		.has_room = daemon_room,
		.of = d,
		.clock = d->clock,
	};

	d->hooks = hooks_new(&hooks);
	metrics[0].of = d->hooks;
	d->admin = d->hooks != NULL ? admin_new(&parts) : NULL;
	if (d->hooks == NULL || d->admin == NULL) {
		(void)snprintf(why, room, "memory is out");
		return FATE_RETRY;
	}
	return daemon_listen(d, why, room);
}

enum fate daemon_start(struct config *config, struct ruleset *rules, struct manifests *manifests,
		       struct clock clock, struct daemon **out, char *why, size_t why_room)
{
	struct daemon *d = mem_zero(1, sizeof(*d));

	assert(config != NULL && rules != NULL && out != NULL);
	assert(manifests != NULL);
	if (d == NULL)
		return FATE_RETRY;
	d->clock = clock;
	d->config = config_ref(config);
	d->bus_key = config->bus.key != NULL ? secret_ref(config->bus.key) : NULL;
	enum fate fate = daemon_decide(d, rules, why, why_room);

	if (fate == FATE_OK)
		fate = daemon_edges(d, why, why_room);
	if (fate == FATE_OK && config->bus.wanted)
		fate =
		    outside_open(config, manifests, d->inputs, clock, &d->outside, why, why_room);
	/* Nothing leaves before the door is open: a poll may ask for webhooks to be sent again, and
	 * a daemon that can't listen must not have acted. What comes in meanwhile waits. */
	if (fate == FATE_OK)
		fate = daemon_pump(d, why, why_room);
	if (fate == FATE_OK && d->outside != NULL)
		fate = outside_launch(d->outside, config, why, why_room);
	if (fate == FATE_OK)
		d->shown = d->outside;
	if (fate != FATE_OK) {
		(void)daemon_stop(d, 0);
		return fate;
	}
	admin_set_state(d->admin, ADMIN_READY);
	*out = d;
	return FATE_OK;
}

unsigned daemon_port(const struct daemon *d)
{
	return http_server_port(d->server, 0);
}

bool daemon_hangs(const struct daemon *d, int64_t ms)
{
	int64_t since = atomic_load(&d->pumped.working);

	return since > 0 && clock_micros() - since > ms * 1000;
}

/* ---- Reloading. ---- */

static const char *daemon_fixed(const struct config *now, const struct config *next)
{
	if (!text_eq(now->listen, next->listen))
		return "listen";
	if (!text_eq(now->admin, next->admin))
		return "admin";
	if ((now->tls_key == NULL) != (next->tls_key == NULL))
		return "tls";
	if (!text_eq(now->store, next->store))
		return "store";
	if (now->bus.wanted != next->bus.wanted ||
	    !text_eq(now->bus.sessions, next->bus.sessions) ||
	    !text_eq(now->bus.events, next->bus.events) ||
	    (now->bus.key == NULL) != (next->bus.key == NULL))
		return "bus";
	return NULL;
}

/* Connections that are open finish with the certificate they have. */
static void daemon_renew_tls(struct daemon *d, const struct config *next)
{
	struct http_tls tls = daemon_tls(next);

	if (next->tls_key == NULL ||
	    (text_eq(d->config->tls_certificate, next->tls_certificate) &&
	     secret_equals(d->config->tls_key, secret_reveal(next->tls_key))))
		return;
	if (!http_server_renew(d->server, 0, &tls))
		log_write(LOG_ERROR, "memory is out: hooks keep their certificate");
}

/* Another key in the same place holds up nothing else: plugins go on with the one they know. */
static void tell_bus_key(const struct daemon *d, const struct config *next)
{
	if (d->bus_key != NULL && next->bus.key != NULL &&
	    !secret_equals(d->bus_key, secret_reveal(next->bus.key)))
		log_write(LOG_WARN,
			  "bus.key has changed: the bus goes on with the key it has until "
			  "tappet is restarted; plugins then need the new public key");
}

bool daemon_reload(struct daemon *d, struct config *config, struct ruleset *rules, char *why,
		   size_t why_room)
{
	const char *fixed = daemon_fixed(d->config, config);
	struct input input = { .kind = INPUT_RELOAD };
	struct input *copy;

	if (fixed != NULL) {
		(void)snprintf(why, why_room, "%s differs: that needs a restart", fixed);
		return false;
	}
	copy = input_new(&input);
	if (copy == NULL) {
		(void)snprintf(why, why_room, "memory is out");
		return false;
	}
	copy->reload.config = config_ref(config);
	copy->reload.rules = ruleset_ref(rules);
	tell_bus_key(d, config);
	/* Connections first: an attempt decided under the new rules needs them. Hooks last: what
	 * they accept must be known to the sequencer. */
	delivery_reload(d->delivery, config);
	if (d->outside != NULL)
		outside_reload(d->outside, config);
	queue_force(d->inputs, &copy->item);
	if (!hooks_reload(d->hooks, config))
		log_write(LOG_ERROR, "memory is out: hooks stay as they were");
	admin_reload(d->admin, config);
	daemon_renew_tls(d, config);
	config_free(d->config);
	d->config = config_ref(config);
	return true;
}

/* ---- Stopping. ---- */

size_t daemon_stop(struct daemon *d, int64_t patience_ms)
{
	size_t cut = 0;

	if (d == NULL)
		return 0;
	if (d->admin != NULL)
		admin_set_state(d->admin, ADMIN_DRAINING);
	/* Meanwhile the server still answers: what comes in is kept for the next start, and
	 * /readyz says why nothing is begun. */
	if (d->outside != NULL)
		outside_leave(d->outside, patience_ms);
	cut = pump_stop(d->pump, patience_ms);
	if (d->server != NULL)
		http_server_drain(d->server);
	delivery_stop(d->delivery);
	http_server_stop(d->server); /* its thread may be looking at what is outside */
	outside_stop(d->outside);
	hooks_free(d->hooks);
	admin_free(d->admin);
	sequencer_free(d->sequencer); /* the server's thread read its counters until now */
	for (struct queue_item *item = d->inputs != NULL ? queue_take(d->inputs) : NULL, *next;
	     item != NULL; item = next) {
		next = item->next;
		input_free((struct input *)(void *)item);
	}
	queue_free(d->inputs);
	store_close(d->store);
	secret_free(d->bus_key);
	config_free(d->config);
	mem_free(d);
	return cut;
}
