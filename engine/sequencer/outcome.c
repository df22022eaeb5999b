/* SPDX-License-Identifier: Apache-2.0
 *
 * outcome.c - how an attempt ended, and what that means for its run.
 *
 *   complete 2xx          the connector reads it: done, failed, or a RETRY when
 *                         the body isn't what the product promises
 *   408 425 429 5xx       again later, honouring Retry-After
 *   SMTP's 4yz            again later; 5yz failed
 *   other statuses        failed, in the target's own words (unless `ok` has it)
 *   nothing left          again later
 *   may have left, no     in doubt: repeated with the same Idempotency-Key, looked
 *   complete status       up at the target, or parked for an operator, as the step
 *                         declares
 *
 * A 2xx whose body was cut has had its effect: repeated only where repeating
 * is harmless, else looked up or parked.
 *
 * A reply that is one page of several is kept with the run, and the step goes on
 * with the next request: an attempt of its own, so a restart, a 429 or a lost
 * reply costs that page and not those before it. A page that doesn't fit those
 * before it starts over. Neither pages nor lookups count as tries.
 *
 * What is looked up and not there is looked for once more when it can't be on its
 * way any longer (the action's `settle`), and then sent again.
 *
 * I1  Every outcome that belongs to the attempt in hand leaves one attempt row.
 * I2  The wait before attempt n+1 depends on the step's retry settings, the
 *     idempotency key and n only, and on what the target asked for. */
#include "engine/sequencer/internal.h"

struct judging {
	struct sequencer *s;
	struct run *run;
	const struct step *step;
	const struct ending *end;
	struct event_view event; /* by judge_event */
	bool looked, found;      /* for it, in the store */
	char key[HASH_HEX];      /* the idempotency key */
	struct call *call;
	const char *fate; /* word for the attempt's record */
	struct text error;
};

/* Read when it is needed: the end of a run's last step does without. All zero when it is gone. */
static const struct event_view *judge_event(struct judging *j)
{
	if (!j->looked)
		j->found = emit_load(j->s, j->run->event, &j->event);
	j->looked = true;
	return &j->event;
}

/* False: nothing tells the idempotency key any more. */
static bool judge_key(struct judging *j)
{
	if (j->run->sent != NULL)
		memcpy(j->key, j->run->sent, HASH_HEX);
	else
		run_name(j->run, j->step, judge_event(j)->id, j->key);
	return j->run->sent != NULL || j->found;
}

static void judge_record(struct judging *j)
{
	const char *request = sent_request(j->run);
	struct text reply = j->end->body;

	if (reply.n > LIMIT_REPLY_KEPT)
		reply.n = LIMIT_REPLY_KEPT;
	const struct attempt_record record = {
		.run = j->run->id,
		.step = j->run->step,
		.n = j->run->attempt,
		.started = j->end->started,
		.ended = j->end->ended,
		.status = j->end->status,
		.fate = text_of(j->fate),
		.error = j->error,
		.key = text_of(j->key),
		.request = text_of(request),
		.data_at = request != NULL ? j->run->data_at : 0,
		.reply = reply,
	};

	store_put_attempt(j->s->store, &record);
	board_fate(board_target(j->s->board, j->step->connection), j->fate);
	mem_free(j->run->sent);
	j->run->sent = NULL;
}

/* ---- Waiting. ---- */

static int judge_tries(const struct judging *j)
{
	return j->run->attempt - j->run->base - j->run->pages;
}

/* first, doubling, at most max; less up to a quarter, by a hash: runs that
 * failed together come back spread out. */
static int64_t judge_backoff(const struct judging *j)
{
	int64_t delay = j->step->first;

	for (int n = 1; n < judge_tries(j) && delay < j->step->max; n++)
		delay *= 2;
	if (delay > j->step->max)
		delay = j->step->max;
	uint64_t h = hash64(j->key, HASH_HEX - 1, (uint64_t)j->run->attempt);

	return delay - (int64_t)(h % (uint64_t)(delay / 4 + 1));
}

static bool judge_again(struct judging *j, const char *why, int64_t retry_after)
{
	int tries = judge_tries(j);

	if (tries >= j->step->attempts && j->run->doubt > 0) {
		run_end(j->s, j->run, RUN_IN_DOUBT, why);
		return false;
	}
	if (tries >= j->step->attempts)
		return run_step_failed(j->s, j->run, j->end->status,
				       text_printf(j->s->work, "given up after %d attempt%s: %s",
						   tries, tries == 1 ? "" : "s", why)
					   .s);
	int64_t delay = judge_backoff(j);

	if (retry_after > LIMIT_RETRY_AFTER)
		retry_after = LIMIT_RETRY_AFTER;
	run_wait(j->s, j->run, retry_after > delay ? retry_after : delay);
	return false;
}

/* A request that was refused wrote nothing. */
static void judge_unwritten(struct judging *j)
{
	if (j->step->action->writes != NULL && j->run->doubt == 0)
		guard_refused(j->s, j->run, run_params(j->s, j->run, judge_event(j)));
}

static bool judge_retry(struct judging *j, struct text why)
{
	int status = j->end->status;

	if (j->end->how == END_NO_REPLY || status == 429 || status == 425)
		judge_unwritten(j); /* nothing left, or it came too early */
	j->fate = "retry";
	j->error = why;
	judge_record(j);
	return judge_again(j, why.s, j->end->retry_after);
}

static bool judge_reject(struct judging *j, struct text why)
{
	if (j->end->how == END_REFUSED || j->end->status >= 300)
		judge_unwritten(j);
	j->fate = "reject";
	j->error = why;
	judge_record(j);
	if (j->run->doubt > 0) { /* the lookup was refused, which tells nothing of the step */
		run_end(j->s, j->run, RUN_IN_DOUBT, why.s);
		return false;
	}
	return run_step_failed(j->s, j->run, j->end->status, why.s);
}

/* The target is asked before anything is repeated. */
static bool judge_look(struct judging *j, struct text why)
{
	const char *not = "";

	j->run->doubt = seq_steady(j->s);
	if (!run_can_look(j->s, j->run, judge_event(j), &not )) {
		j->run->doubt = 0;
		run_end(
		    j->s, j->run, RUN_IN_DOUBT,
		    text_printf(j->s->work, "%.*s; it can't be looked up: %s", TEXT_ARG(why), not )
			.s);
		return false;
	}
	steps_keep(j->s, j->run, value_null());
	return judge_again(j, why.s, j->end->retry_after);
}

static bool judge_is_get(const struct judging *j)
{
	static const char get[] = "{\"method\":\"GET\"";

	const char *request = sent_request(j->run);

	return request != NULL && strncmp(request, get, sizeof(get) - 1) == 0;
}

/* The request only read what the step's own is made of (connector.h). */
static bool judge_prepares(const struct judging *j)
{
	return j->step->action->prepares && judge_is_get(j);
}

/* The request only read: that, or a page of several. */
static bool judge_reads(const struct judging *j)
{
	return judge_prepares(j) || (j->run->gathered && judge_is_get(j));
}

static bool judge_doubt(struct judging *j, struct text why)
{
	bool reads = judge_reads(j); /* before the request goes into the record */

	j->fate = "doubt";
	j->error = why;
	judge_record(j);
	if (j->step->after_doubt == DOUBT_REPEAT || j->run->doubt > 0 || reads)
		return judge_again(j, why.s, j->end->retry_after);
	if (j->step->after_doubt == DOUBT_LOOKUP)
		return judge_look(j, why);
	run_end(j->s, j->run, RUN_IN_DOUBT, why.s);
	return false;
}

/* Why a result can't be kept; TEXT_NONE when it can. */
static struct text judge_too_large(const struct judging *j, struct value result)
{
	struct text json;

	if (value_is_deeper(result, LIMIT_RESULT_DEPTH))
		return text_printf(j->s->work,
				   "status %d: the result is nested deeper than %d levels; take a "
				   "part of it by `result`",
				   j->end->status, LIMIT_RESULT_DEPTH);
	json = seq_json(j->s, result);
	if (json.n > LIMIT_RESULT)
		return TEXT("the result is larger than 1 MiB; narrow the request");
	if (json.n + (j->run->gathered ? j->run->entry : j->run->steps.n) > LIMIT_RESULTS)
		return TEXT("the results of the run's steps are larger than 2 MiB "
			    "together; narrow the requests");
	return TEXT_NONE;
}

/* The result can be kept. */
static bool judge_finish(struct judging *j, struct value result)
{
	j->fate = "ok";
	judge_record(j);
	if (j->run->recall != NULL)
		lookup_keep(j->s, text_of(j->run->recall), j->end->status, result);
	return run_step_done(j->s, j->run, j->end->status, result);
}

static bool judge_done(struct judging *j, struct value result)
{
	struct text why = judge_too_large(j, result);

	return why.n > 0 ? judge_reject(j, why) : judge_finish(j, result);
}

/* The step goes on with another request, which is no further try. */
static bool judge_on(struct judging *j, struct value gathered)
{
	j->fate = "ok";
	judge_record(j);
	j->run->pages++;
	steps_keep(j->s, j->run, gathered);
	run_move(j->run, RUN_PENDING);
	return true;
}

static bool judge_page(struct judging *j, struct value gathered)
{
	struct text why = judge_too_large(j, gathered);

	return why.n > 0 ? judge_reject(j, why) : judge_on(j, gathered);
}

/* Not there: it may still be on its way until the action's `settle` has passed. */
static bool judge_absent(struct judging *j)
{
	int64_t left = j->run->doubt + j->step->action->settle - seq_steady(j->s);

	if (left > j->step->action->settle)
		left = j->step->action->settle; /* the wall clock was set back between two starts */
	if (left <= 0) {
		j->run->doubt = 0;
		return judge_on(j, value_null());
	}
	j->fate = "ok";
	j->error = TEXT("not there yet: looked for again before it is sent again");
	judge_record(j);
	j->run->pages++;
	steps_keep(j->s, j->run, value_null());
	run_wait(j->s, j->run, left);
	return false;
}

/* ---- Replies. ---- */

#define QUOTED 200 /* bytes of a reply in a message */

struct text seq_quote(struct sequencer *s, struct text body)
{
	struct text head = text_head(body, QUOTED), quote;
	struct buf b;

	if (body.n == 0)
		return TEXT("an empty body");
	if (!text_is_utf8(head))
		return TEXT("bytes that are not text");
	buf_init(&b, 4 * LIMIT_REPLY_KEPT);
	for (size_t i = 0; i < head.n; i++)
		buf_char(&b, (unsigned char)head.s[i] < 0x20 ? ' ' : head.s[i]);
	if (head.n < body.n)
		buf_str(&b, "...");
	quote = text_dup(s->work, buf_view(&b));
	buf_fini(&b);
	return quote;
}

static struct text judge_words(struct judging *j)
{
	const struct reply reply = { j->end->status, j->end->body, j->end->content_type };
	struct text words = TEXT_NONE;

	if (j->step->connector->error_words != NULL)
		words = j->step->connector->error_words(j->call, &reply);
	if (words.n == 0)
		words = seq_quote(j->s, j->end->body);
	return text_printf(j->s->work, "status %d: %.*s", j->end->status, TEXT_ARG(words));
}

static bool judge_is_retry(const struct judging *j)
{
	int status = j->end->status;

	if (j->step->connector->smtp)
		return status < 500;
	return status == 408 || status == 425 || status == 429 || status >= 500;
}

static bool judge_ok_listed(const struct judging *j)
{
	for (size_t i = 0; i < j->step->ok_count; i++)
		if (j->step->ok[i] == j->end->status)
			return true;
	return false;
}

/* JSON as it is, else the text; for statuses the step accepts by `ok`. */
static struct value judge_body(struct judging *j)
{
	struct json_error error;
	struct value v;

	if (j->end->body.n == 0)
		return value_null();
	if (json_parse(j->s->parser, j->s->work, j->end->body, &v, &error) == FATE_OK)
		return v;
	return text_is_utf8(j->end->body) ? value_text(j->end->body) : value_null();
}

/* What a look-up asked for isn't there when the status says so: a page of error is no object. */
static struct value judge_accepted(struct judging *j)
{
	return j->step->reads && j->end->status >= 400 ? value_null() : judge_body(j);
}

static void judge_observe(struct judging *j, const struct reading *r)
{
	const struct observation o = {
		.kind = r->kind,
		.connection = j->step->connection,
		.source = j->step->connection,
		.object = r->object,
		.how = OBSERVED_REPLY,
		.whole = r->whole,
		.happened = r->happened,
		.time = INT64_MIN,
		.cause = j->run->id,
		.depth = judge_event(j)->depth + 1,
	};

	if (r->happened != NULL && strcmp(r->happened, "created") == 0)
		guard_made(j->s, j->run, judge_event(j)->depth, r->kind,
			   observe_id(j->s, r->kind, r->object));
	(void)observe(j->s, &o, NULL);
}

/* Why the row can't be kept, or NULL. */
static const char *judge_row(struct judging *j, const struct reading *r)
{
	if (r->keeps.what == ROW_PUT)
		return tables_put(j->s, r->keeps.table, r->keeps.row);
	if (r->keeps.what == ROW_DROP)
		return tables_drop(j->s, r->keeps.table, r->keeps.row);
	return NULL;
}

/* What an inside action tells others. */
static void judge_tell(struct judging *j, const struct reading *r)
{
	const struct emission e = {
		.source = TEXT("tappet"),
		.type = r->emits.type,
		.subject = r->emits.subject,
		.time = j->s->now.wall,
		.cause = j->run->id,
		.depth = judge_event(j)->depth + 1,
		.data = r->emits.data,
	};

	if (r->says.n > 0 && !j->s->options.keep_params)
		log_write(r->level, "a rule says",
			  LOG_S("rule", text_dup(j->s->work, j->run->rule->id).s),
			  LOG_I("run", j->run->id), LOG_S("text", text_dup(j->s->work, r->says).s));
	if (e.type.n > 0)
		(void)emit(j->s, &e);
}

/* The effect is there but its report isn't readable. */
static bool judge_unreadable(struct judging *j, const char *why)
{
	struct text text = text_printf(j->s->work, "status %d, %s: %.*s", j->end->status, why,
				       TEXT_ARG(seq_quote(j->s, j->end->body)));
	bool again = j->step->after_doubt == DOUBT_REPEAT || judge_reads(j);

	if (j->run->gathered)
		steps_keep(j->s, j->run, value_null()); /* from the first page on */
	if (again)
		return judge_retry(j, text);
	return judge_doubt(j, text);
}

/* The part that the step keeps, of the result as the action reads it, in *part. What isn't there is
 * the rule's mistake or the target's; asking again would repeat an effect. TEXT_NONE, or why the
 * step fails. */
static struct text judge_part(struct judging *j, struct value whole, struct value *part)
{
	const struct value *found = &whole;

	if (j->step->result.n > 0)
		found = value_path(whole, j->step->result);
	if (found == NULL)
		return text_printf(j->s->work, "status %d, the reply has no %.*s: %.*s",
				   j->end->status, TEXT_ARG(j->step->result),
				   TEXT_ARG(seq_quote(j->s, j->end->body)));
	*part = *found;
	return judge_too_large(j, *part);
}

/* An action that was done. What an inside one does happens only now, when nothing else can make
 * the step fail. */
static bool judge_effect(struct judging *j, const struct reading *r)
{
	struct value part;
	struct text why;
	const char *refused;

	if (r->kind != NULL)
		judge_observe(j, r);
	why = judge_part(j, r->result, &part);
	if (why.n > 0)
		return judge_reject(j, why);
	if ((refused = judge_row(j, r)) != NULL)
		return judge_reject(j, text_of(refused));
	if (j->step->action->inside)
		judge_tell(j, r);
	return judge_finish(j, part);
}

static bool judge_success(struct judging *j)
{
	const struct reply reply = { j->end->status, j->end->body, j->end->content_type };
	struct reading r = { .result = value_null() };

	if (j->end->how == END_CUT)
		return judge_unreadable(j, "the reply was cut off");
	bool looking = j->run->doubt > 0;

	j->call->gathered = steps_gathered(j->s, j->run);
	if (looking)
		j->call->params = run_params(j->s, j->run, judge_event(j));
	switch ((looking ? j->step->action->found : j->step->action->read)(j->call, &reply, &r)) {
	case FATE_OK:
		if (looking && r.absent)
			return judge_absent(j);
		if (r.more)
			return judge_page(j, r.result);
		return judge_effect(j, &r);
	case FATE_RETRY:
		return judge_unreadable(j, j->call->why);
	case FATE_REJECT:
	case FATE_BUG:
		break;
	}
	return judge_reject(j,
			    text_printf(j->s->work, "status %d: %s", j->end->status, j->call->why));
}

static bool judge_reply(struct judging *j)
{
	int status = j->end->status;

	if (j->run->doubt == 0 && judge_ok_listed(j) && !j->step->action->inside &&
	    !judge_prepares(j)) {
		if (status >= 300)
			judge_unwritten(j);
		return judge_done(j, judge_accepted(j));
	}
	if (status >= 200 && status < 300)
		return judge_success(j);
	if (judge_is_retry(j))
		return judge_retry(j, judge_words(j));
	if (status >= 300 && status < 400 && !j->step->connector->smtp)
		return judge_reject(
		    j, text_printf(j->s->work,
				   "status %d: redirects are not followed; set the "
				   "connection's base_url%s%.*s",
				   status, j->end->error.n > 0 ? ", " : " to where it points",
				   TEXT_ARG(j->end->error)));
	return judge_reject(j, judge_words(j));
}

static bool judge(struct judging *j)
{
	switch (j->end->how) {
	case END_REPLIED:
	case END_CUT:
		return judge_reply(j);
	case END_NO_REPLY:
		return j->end->sent ? judge_doubt(j, j->end->error) : judge_retry(j, j->end->error);
	case END_REFUSED:
		return judge_reject(j, j->end->error);
	case END_RESULT:
		return judge_done(j, judge_body(j));
	}
	return false;
}

static void judge_next(struct judging *j)
{
	const struct event_view *event = judge_event(j);

	if (j->found)
		run_act(j->s, j->run, event);
	else
		run_end(j->s, j->run, RUN_DEAD, "its event is no longer in the store");
}

static void judge_run(struct sequencer *s, struct run *run, const struct ending *end)
{
	struct judging j = {
		.s = s,
		.run = run,
		.step = &run->rule->steps[run->step],
		.end = end,
		.call = arena_zero(s->work, sizeof(*j.call)),
	};

	if (j.call == NULL) {
		seq_break(s);
		return;
	}
	const struct connection *c = config_connection(s->config, j.step->connection);

	*j.call = (struct call){ .arena = s->work,
				 .parser = s->parser,
				 .settings = c != NULL ? c->settings : value_null(),
				 .idempotency_key = "" };
	run_dirty(s, run);
	s->turn_from = arena_used(s->work);
	if (!judge_key(&j))
		run_end(s, run, RUN_DEAD, "its event is no longer in the store");
	else if (judge(&j))
		judge_next(&j);
}

/* The run whose attempt this is the end of, or NULL. Takes the credit that comes with it. */
static struct run *outcome_run(struct sequencer *s, const struct outcome_input *o)
{
	struct run *run = run_find(s, o->run);
	int64_t *ended = vector_add(s, &s->ended, sizeof(*ended));

	if (ended != NULL)
		*ended = o->run;
	if (o->credits > 0)
		target_grant(s, &(struct grant_input){
				    .target = o->target, .credits = o->credits, .lent = o->lent });
	if (o->shut)
		target_shut(s, o->target);
	/* A run that was given up meanwhile is looked up in vain: normal. */
	if (run == NULL || run->state != RUN_STARTED || run->step != o->step ||
	    run->attempt != o->attempt)
		return NULL;
	return run;
}

void outcome_take(struct sequencer *s, const struct outcome_input *o, bool again)
{
	struct run *run = outcome_run(s, o);

	s->untried = !again;
	if (run != NULL)
		judge_run(s, run, &o->ending);
	s->untried = false;
}

void outcome_drop(struct sequencer *s, const struct outcome_input *o)
{
	struct run *run = outcome_run(s, o);

	if (run != NULL)
		run_end(s, run, RUN_IN_DOUBT,
			"the request was answered; going on takes more memory than one event may");
}

void outcome_doubt(struct sequencer *s, struct run *run, const char *why, int64_t retry_after)
{
	const struct ending end = {
		.how = END_NO_REPLY,
		.sent = true,
		.error = text_of(why),
		.retry_after = retry_after,
		.started = run->began,
		.ended = s->now.wall,
	};

	run_request(s, run);
	judge_run(s, run, &end);
}
