/* SPDX-License-Identifier: Apache-2.0
 *
 * session_jobs - jobs at work in plugins, and the credit for more.
 *
 * Credit is what the plugin said it takes. The sequencer spends it in the commit
 * that records an attempt, so it is lent beforehand (sessions_lend) and comes back
 * with the job or by itself. What is lent is counted per name, not per session: what
 * was lent before a session ended must not be lent a second time to the sequencer,
 * which still holds it.
 *
 *   may be lent = min(credit, concurrency - at work) - lent
 *
 * I1  A job that was sent is in its session's list and map and in the heap of
 *     deadlines, until job_ended. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/plugins/session_parts.h"

/* Members of RESULT, in the order of the table. */
enum { RESULT_ID, RESULT_FATE, RESULT_JOBS, RESULT_AFTER, RESULT_ERROR };

static const char *const fate_words[] = {
	[JOB_OK] = "ok", [JOB_RETRY] = "retry", [JOB_REJECT] = "reject", [JOB_DOUBT] = "doubt"
};

/* ---- Credit. ---- */

static unsigned available(const struct plugin *plugin)
{
	const struct session *session = plugin->session;
	unsigned free;

	if (session == NULL || session->over != NULL || session->leaving >= 0)
		return 0;
	free =
	    session->concurrency > session->working ? session->concurrency - session->working : 0;
	if (free > session->credit)
		free = session->credit;
	return free > plugin->lent ? free - plugin->lent : 0;
}

static void tell_credit(struct session *session)
{
	struct sessions *s = session->all;

	if (available(session->plugin) > 0)
		s->host.credit(s->host.of, text_of(session->plugin->name));
}

/* False: the session has ended. */
static bool add_credit(struct session *session, int64_t count)
{
	assert(count >= 0);
	if (count > LIMIT_SESSION_JOBS || session->credit + (unsigned)count > LIMIT_SESSION_JOBS) {
		session_fail(session, "flood", "more than 4096 jobs at once", TEXT("jobs"));
		return false;
	}
	session->credit += (unsigned)count;
	return true;
}

bool jobs_credit(struct session *session, int64_t count)
{
	if (!add_credit(session, count))
		return false;
	tell_credit(session);
	return true;
}

unsigned sessions_lend(struct sessions *s, struct text name, unsigned most)
{
	struct plugin *plugin;
	unsigned count;

	assert(s != NULL);
	plugin = plugin_find(s, name);
	if (plugin == NULL)
		return 0;
	count = available(plugin);
	if (count > most)
		count = most;
	plugin->lent += count;
	return count;
}

static void take_back(struct plugin *plugin, unsigned count)
{
	plugin->lent -= count < plugin->lent ? count : plugin->lent;
}

void sessions_return(struct sessions *s, struct text name, unsigned count)
{
	struct plugin *plugin;

	assert(s != NULL);
	plugin = plugin_find(s, name);
	if (plugin != NULL)
		take_back(plugin, count);
}

/* ---- Out. ---- */

static void write_job(struct sessions *s, const struct session_job *job)
{
	frame_begin(s);
	frame_text(s, "id", job->id);
	frame_text(s, "action", job->action);
	frame_text(s, "key", job->key);
	frame_int(s, "attempt", job->attempt);
	frame_int(s, "timeout", job->timeout);
	if (job->rule.n > 0)
		frame_text(s, "rule", job->rule);
	if (job->event.n > 0)
		frame_text(s, "event", job->event);
}

/* In the map, the list and the heap; NULL when memory is out. */
static struct job *keep_job(struct session *session, const struct session_job *from, int64_t now)
{
	struct job *job = mem_zero(1, sizeof(*job) + from->id.n);

	if (job == NULL)
		return NULL;
	job->session = session;
	job->ref = from->ref;
	job->timeout = from->timeout;
	job->latest = now + LIMIT_SESSION_JOB;
	job->due.at = now + from->timeout;
	job->bytes = from->body.n;
	job->id_size = from->id.n;
	memcpy(job->id, from->id.s, from->id.n);
	if (!heap_push(&session->all->due, &job->due) || !map_put(session->jobs, from->id, job)) {
		heap_drop(&session->all->due, &job->due);
		mem_free(job);
		return NULL;
	}
	job->next = session->jobs_list;
	if (job->next != NULL)
		job->next->previous = job;
	session->jobs_list = job;
	session->working++;
	session->bytes += job->bytes;
	return job;
}

static void drop_job(struct job *job)
{
	struct session *session = job->session;

	heap_drop(&session->all->due, &job->due);
	(void)map_drop(session->jobs, (struct text){ job->id, job->id_size });
	if (job->next != NULL)
		job->next->previous = job->previous;
	if (job->previous != NULL)
		job->previous->next = job->next;
	else
		session->jobs_list = job->next;
	session->working--;
	session->bytes -= job->bytes;
	mem_free(job);
}

static void end_job(struct job *job, const struct job_end *end)
{
	struct sessions *s = job->session->all;
	uint64_t ref = job->ref;

	drop_job(job);
	s->host.job_ended(s->host.of, ref, end);
}

/* NULL: it may be sent. */
static const char *hindrance(const struct session *session, const struct session_job *job)
{
	if (session == NULL || session->over != NULL)
		return "the plugin isn't connected";
	if (session->leaving >= 0)
		return "the engine is stopping";
	if (session->credit == 0)
		return "the plugin takes no more jobs";
	if (session->working > 0 && session->bytes + job->body.n > LIMIT_SESSION_BYTES)
		return "the plugin has too much at hand";
	if (map_get(session->jobs, job->id) != NULL)
		return "the same attempt is at work";
	return NULL;
}

/* NULL: it was sent. */
static const char *send_job(struct session *session, const struct session_job *job, int64_t now)
{
	const char *why = hindrance(session, job);
	struct job *kept;
	enum bus_sent sent;

	if (why != NULL)
		return why;
	kept = keep_job(session, job, now);
	if (kept == NULL)
		return "memory is out";
	write_job(session->all, job);
	sent = frame_try(session, "JOB", job->body);
	if (sent == BUS_SENT) {
		session->credit--;
		return NULL;
	}
	drop_job(kept);
	return sent == BUS_GONE ? "the plugin isn't connected"
				: "the plugin doesn't read what it is sent";
}

void sessions_job(struct sessions *s, const struct session_job *job, int64_t now)
{
	struct job_end end = { .after = -1 };
	struct plugin *plugin;
	const char *why;

	assert(s != NULL && job != NULL && job->id.n > 0 && job->timeout > 0);
	assert(job->key.n <= LIMIT_SESSION_KEY);
	plugin = plugin_find(s, job->plugin);
	if (plugin != NULL)
		take_back(plugin, 1);
	if (job->body.n > LIMIT_SESSION_BODY) {
		end.fate = JOB_REJECT;
		why = "the parameters are larger than 1 MiB";
	} else {
		end.fate = JOB_UNSENT;
		why = send_job(plugin != NULL ? plugin->session : NULL, job, now);
	}
	if (why != NULL) {
		end.error = text_of(why);
		s->host.job_ended(s->host.of, job->ref, &end);
	}
	session_settle(s, now);
}

/* ---- Back. ---- */

static struct job *job_of(struct session *session, struct text id)
{
	return map_get(session->jobs, id);
}

static void unknown_job(struct session *session, struct text id, int64_t now)
{
	struct complaint c = { .code = "unknown-job",
			       .words = "this job isn't at work in this session",
			       .about = text_head(id, LIMIT_SESSION_EMIT_ID) };

	frame_complain(session, &c, now);
}

/* NULL: it is a fine result. */
static const char *read_end(const struct frame *frame, struct job_end *end)
{
	struct value fate = frame->members[RESULT_FATE], after = frame->members[RESULT_AFTER];
	struct json_error error;
	size_t i = 0;

	while (i < sizeof(fate_words) / sizeof(fate_words[0]) &&
	       !text_is(value_as_text(fate), fate_words[i]))
		i++;
	*end = (struct job_end){ .fate = JOB_DOUBT, .after = -1 };
	if (i == sizeof(fate_words) / sizeof(fate_words[0]))
		return "\"fate\" is none of ok, retry, reject, doubt";
	if (frame->body.n > 0 && json_check(frame->body, &error) != FATE_OK)
		return "the body is no JSON";
	end->fate = (enum job_fate)i;
	end->body = frame->body.n > 0 ? frame->body : TEXT("null");
	if (after.kind == VALUE_INT)
		end->after = after.i < LIMIT_RETRY_AFTER ? after.i : LIMIT_RETRY_AFTER;
	if (frame->members[RESULT_ERROR].kind == VALUE_TEXT)
		end->error = text_head(value_as_text(frame->members[RESULT_ERROR]), LIMIT_WORDS);
	return NULL;
}

void jobs_result(struct session *session, const struct frame *frame)
{
	struct text id = value_as_text(frame->members[RESULT_ID]);
	struct job *job = job_of(session, id);
	struct job_end end;
	const char *why;

	/* Whoever answers too late has room again, too. */
	if (frame->members[RESULT_JOBS].kind == VALUE_INT &&
	    !add_credit(session, frame->members[RESULT_JOBS].i))
		return;
	if (job == NULL) {
		unknown_job(session, id, frame->now);
		tell_credit(session);
		return;
	}
	why = read_end(frame, &end);
	if (why != NULL) {
		struct complaint c = { .code = "bad-result", .words = why, .about = id };

		end.error = text_of(why);
		frame_complain(session, &c, frame->now);
	}
	end_job(job, &end);
	tell_credit(session);
}

void jobs_progress(struct session *session, const struct frame *frame)
{
	struct text id = value_as_text(frame->members[0]);
	struct job *job = job_of(session, id);
	struct heap *due = &session->all->due;

	if (job == NULL) {
		unknown_job(session, id, frame->now);
		return;
	}
	if (!session_useless(session, frame->now))
		return;
	heap_drop(due, &job->due);
	job->due.at = frame->now + job->timeout;
	if (job->due.at > job->latest)
		job->due.at = job->latest;
	/* There is room for the node that has just left. */
	(void)heap_push(due, &job->due);
	assert(heap_holds(&job->due));
}

void jobs_late(struct sessions *s, int64_t now)
{
	struct heap_node *top;

	while ((top = heap_top(&s->due)) != NULL && top->at <= now) {
		struct job *job = HEAP_OWNER(top, struct job, due);
		struct session *session = job->session;
		struct job_end end = { .fate = JOB_DOUBT, .after = -1 };
		char words[64];

		(void)snprintf(words, sizeof(words), "no RESULT within %lld ms",
			       (long long)job->timeout);
		end.error = text_of(words);
		frame_begin(s);
		frame_text(s, "id", (struct text){ job->id, job->id_size });
		if (session->over == NULL)
			frame_send(session, "CANCEL");
		end_job(job, &end);
		tell_credit(session);
	}
}

void jobs_end_all(struct session *session)
{
	char words[SESSION_WORDS + 40];
	struct job_end end = { .fate = JOB_DOUBT, .after = -1 };

	(void)snprintf(words, sizeof(words), "the plugin's session ended: %s", session->words);
	end.error = text_of(words);
	while (session->jobs_list != NULL)
		end_job(session->jobs_list, &end);
}
