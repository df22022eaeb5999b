/* SPDX-License-Identifier: Apache-2.0
 *
 * admin.c - life of the admin, and the public site: health and readiness. */
#include "engine/admin/internal.h"

#include "engine/base/mem.h"

/* ---- Answers. ---- */

enum http_next admin_answer(struct http_answer *answer, int status, const char *body)
{
	assert(answer != NULL && body != NULL);
	*answer = (struct http_answer){ .status = status, .body = text_of(body) };
	return HTTP_ANSWERED;
}

enum http_next admin_refuse_method(struct http_answer *answer, const char *allow)
{
	admin_answer(answer, 405, "{\"error\":\"this path does not take that method\"}");
	answer->allow = allow;
	return HTTP_ANSWERED;
}

/* ---- State. ---- */

void admin_set_state(struct admin *admin, enum admin_state state)
{
	assert(admin != NULL);
	assert(state == ADMIN_STARTING || state == ADMIN_READY || state == ADMIN_DRAINING);
	atomic_store(&admin->state, (int)state);
}

static struct secret *token_of(const struct config *config)
{
	return config->admin_token != NULL ? secret_ref(config->admin_token) : NULL;
}

void admin_reload(struct admin *admin, const struct config *config)
{
	struct secret *old;

	assert(admin != NULL && config != NULL);
	pthread_mutex_lock(&admin->lock);
	old = admin->token;
	admin->token = token_of(config);
	pthread_mutex_unlock(&admin->lock);
	secret_free(old);
}

const char *admin_state_word(const struct admin *admin)
{
	static const char *const words[] = { "starting", "ready", "draining" };

	return words[atomic_load(&admin->state)];
}

const char *admin_reason(const struct admin *admin)
{
	const struct admin_parts *parts = &admin->parts;
	int state = atomic_load(&admin->state);

	if (state == ADMIN_STARTING)
		return "starting";
	if (state == ADMIN_DRAINING)
		return "draining";
	if (atomic_load(&parts->stats->store_down))
		return "store down";
	if (!parts->has_room(parts->of) || queue_depth(parts->inputs) >= LIMIT_QUEUE)
		return "intake full";
	return NULL;
}

/* ---- The public site. ---- */

enum http_next admin_public_begin(void *of, const struct http_request *request, size_t *body_limit,
				  struct http_answer *answer)
{
	struct text path = http_request_path(request);
	struct text method = http_request_method(request);

	assert(of != NULL && body_limit != NULL && answer != NULL);
	if (!text_is(path, "/healthz") && !text_is(path, "/readyz") && !text_is(path, "/metrics"))
		return admin_answer(answer, 404, "{\"error\":\"no such page\"}");
	if (!text_is(method, "GET") && !text_is(method, "HEAD"))
		return admin_refuse_method(answer, "GET, HEAD");
	*body_limit = 0;
	return HTTP_GO_ON;
}

static enum http_next readyz(struct admin *admin, struct http_answer *answer)
{
	const char *reason = admin_reason(admin);

	if (reason == NULL)
		return admin_answer(answer, 200, "{\"status\":\"ready\"}");
	buf_clear(&admin->page);
	buf_printf(&admin->page, "{\"status\":\"not ready\",\"reason\":\"%s\"}", reason);
	return admin_answer(answer, 503, buf_cstr(&admin->page));
}

static enum http_next metrics(struct admin *admin, struct http_answer *answer)
{
	metrics_write(admin);
	if (buf_failed(&admin->page))
		return admin_answer(answer, 503, "{\"error\":\"the page would be too large\"}");
	*answer =
	    (struct http_answer){ .status = 200,
				  .body = buf_view(&admin->page),
				  .content_type = "text/plain; version=0.0.4; charset=utf-8" };
	return HTTP_ANSWERED;
}

enum http_next admin_public_done(void *of, const struct http_request *request, struct text body,
				 http_ticket ticket, struct http_answer *answer)
{
	struct text path = http_request_path(request);
	struct admin *admin = of;

	assert(admin != NULL && answer != NULL);
	(void)body; /* empty: the limit is 0 */
	(void)ticket;
	if (text_is(path, "/readyz"))
		return readyz(admin, answer);
	if (text_is(path, "/metrics"))
		return metrics(admin, answer);
	return admin_answer(answer, 200, "{\"status\":\"ok\"}");
}

/* ---- Life. ---- */

struct admin *admin_new(const struct admin_parts *parts)
{
	struct admin *admin = mem_zero(1, sizeof(*admin));

	assert(parts != NULL && parts->config != NULL && parts->inputs != NULL &&
	       parts->stats != NULL);
	assert(parts->has_room != NULL && parts->reload != NULL && parts->server != NULL);
	assert(parts->metrics_count <= LIMIT_ADMIN_METRICS);
	if (admin == NULL)
		return NULL;
	admin->parts = *parts;
	for (size_t i = 0; i < parts->metrics_count; i++)
		admin->metrics[i] = parts->metrics[i];
	admin->parts.config = NULL;
	pthread_mutex_init(&admin->lock, NULL);
	admin->token = token_of(parts->config);
	admin->started = clock_read(&parts->clock);
	atomic_init(&admin->state, ADMIN_STARTING);
	buf_init(&admin->page, LIMIT_ADMIN_PAGE);
	buf_init(&admin->pauses_json, LIMIT_ADMIN_PAGE / 4);
	buf_init(&admin->pauses_metrics, LIMIT_ADMIN_PAGE / 4);
	admin->parser = json_parser_new();
	if (admin->parser != NULL)
		return admin;
	admin_free(admin);
	return NULL;
}

void admin_free(struct admin *admin)
{
	if (admin == NULL)
		return;
	json_parser_free(admin->parser);
	buf_fini(&admin->page);
	buf_fini(&admin->pauses_json);
	buf_fini(&admin->pauses_metrics);
	secret_free(admin->token);
	pthread_mutex_destroy(&admin->lock);
	mem_free(admin);
}
