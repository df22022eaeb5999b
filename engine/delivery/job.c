/* SPDX-License-Identifier: Apache-2.0
 *
 * job.c - a piece of work for the delivery thread, in one heap block. */
#include "engine/delivery/internal.h"

#define JOB_FIXED 12

#define JOB_TEXTS                                                                                  \
	(JOB_FIXED +                                                                               \
	 2 * (int)(sizeof(((struct request *)0)->headers) / sizeof(struct request_header)))

static int job_texts(struct job *job, struct text **out)
{
	struct text *const all[JOB_FIXED] = { &job->source,
					      &job->connection,
					      &job->target,
					      &job->key,
					      &job->request.url,
					      &job->request.body,
					      &job->request.mail_from,
					      &job->request.mail_to,
					      &job->request.auth.secret,
					      &job->request.auth.header,
					      &job->request.auth.prefix,
					      &job->request.auth.user };
	int n = 0;

	for (; n < JOB_FIXED; n++)
		out[n] = all[n];
	for (unsigned i = 0; i < job->request.header_count; i++) {
		out[n++] = &job->request.headers[i].name;
		out[n++] = &job->request.headers[i].value;
	}
	assert(n <= JOB_TEXTS);
	return n;
}

static struct job *job_copy(struct job *from)
{
	struct text *texts[JOB_TEXTS];
	size_t bytes = 0;
	int n = job_texts(from, texts);

	for (int i = 0; i < n; i++)
		bytes += texts[i]->n;
	struct job *job = mem_alloc(sizeof(*job) + bytes);

	if (job == NULL)
		return NULL;
	*job = *from;
	job->item.weight = sizeof(*job) + bytes;
	char *at = job->bytes;

	n = job_texts(job, texts);
	for (int i = 0; i < n; i++) {
		if (texts[i]->n > 0)
			memcpy(at, texts[i]->s, texts[i]->n);
		texts[i]->s = at;
		at += texts[i]->n;
	}
	return job;
}

struct job *job_attempt(const struct attempt_out *a)
{
	struct job job = {
		.kind = JOB_ATTEMPT,
		.run = a->run,
		.step = a->step,
		.attempt = a->attempt,
		.connection = a->connection,
		.target = a->target,
		.key = a->key,
		.request = a->request,
		.timeout = a->timeout,
		.allow_private = a->allow_private,
		.inside = a->action->inside,
	};

	return job_copy(&job);
}

struct job *job_fetch(const struct fetch_out *f)
{
	struct job job = {
		.kind = JOB_FETCH,
		.fetch = f->fetch,
		.source = f->source,
		.connection = f->connection,
		.target = f->connection,
		.request = f->request,
		.timeout = f->timeout,
	};

	return job_copy(&job);
}

struct job *job_plain(enum job_kind kind, struct text target)
{
	struct job job = { .kind = kind, .target = target };

	return job_copy(&job);
}

void job_free(struct job *job)
{
	if (job == NULL)
		return;
	config_free(job->config);
	secret_free(job->secret);
	concealer_free(job->cover);
	mem_free(job);
}
