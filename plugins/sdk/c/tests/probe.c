/* SPDX-License-Identifier: Apache-2.0
 *
 * probe - the plugin of testkit/contract.py, with this library. The same exists in Python. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tappet_plugin.h>

/* A job that waits: for a gate, or for the answer to an emit. */
struct waiting {
	struct waiting *next;
	struct tappet_job *job;
	char *what;
};

struct probe {
	struct tappet_plugin *plugin;
	struct waiting *held, *emitting;
	json_t *seen, *gaps;
};

static const char manifest[] =
    "{\"version\":\"1\",\"actions\":{"
    "\"echo\":{\"doc\":\"Gives back what it is given.\",\"params\":{\"value\":{\"type\":\"any\"}}},"
    "\"fate\":{\"params\":{\"fate\":{\"type\":\"text\",\"required\":true},"
    "\"after\":{\"type\":\"int\"}},\"after_doubt\":\"park\",\"timeout\":5000},"
    "\"hold\":{\"params\":{\"gate\":{\"type\":\"id\",\"required\":true}}},"
    "\"open\":{\"params\":{\"gate\":{\"type\":\"id\",\"required\":true}}},"
    "\"emit\":{\"params\":{\"id\":{\"type\":\"text\",\"required\":true},"
    "\"data\":{\"type\":\"map\",\"required\":true}}},"
    "\"told\":{}},"
    "\"events\":{\"seen\":{\"doc\":\"For tests.\",\"fields\":{\"number\":{\"type\":\"int\"}}}}}";

static void end_ok(struct tappet_job *job, json_t *value)
{
	tappet_job_end(job, "ok", NULL, value);
}

static const char *param(const struct tappet_job *job, const char *name)
{
	const char *text = json_string_value(json_object_get(job->params, name));

	return text != NULL ? text : "";
}

static void keep(struct waiting **list, struct tappet_job *job, const char *what)
{
	struct waiting *w = malloc(sizeof(*w));

	if (w == NULL)
		abort();
	*w = (struct waiting){ *list, job, strdup(what) };
	*list = w;
}

/* The job that waits for this, or is this; NULL: none does. */
static struct tappet_job *take_out(struct waiting **at, const char *what,
				   const struct tappet_job *job)
{
	struct waiting *w;
	struct tappet_job *found;

	while (*at != NULL && (what != NULL ? strcmp((*at)->what, what) != 0 : (*at)->job != job))
		at = &(*at)->next;
	w = *at;
	if (w == NULL)
		return NULL;
	*at = w->next;
	found = w->job;
	free(w->what);
	free(w);
	return found;
}

static void echo(void *of, struct tappet_job *job)
{
	json_t *value = json_object_get(job->params, "value");

	(void)of;
	end_ok(job,
	       json_pack("{s:o,s:I}", "value", value != NULL ? json_incref(value) : json_null(),
			 "attempt", job->said.attempt));
}

static void fate(void *of, struct tappet_job *job)
{
	const char *word = param(job, "fate");
	json_int_t n = json_integer_value(json_object_get(job->params, "after"));
	char *words = calloc((size_t)n + 1, 2);

	(void)of;
	if (words == NULL)
		abort();
	for (json_int_t i = 0; i < n; i++)
		(void)memcpy(words + 2 * i, "\303\274", 2); /* ü */
	if (strcmp(word, "retry") == 0)
		tappet_job_end(job, word, json_pack("{s:s,s:I}", "error", "later", "after", n),
			       NULL);
	else
		tappet_job_end(job, word, json_pack("{s:s}", "error", n > 0 ? words : "as told"),
			       NULL);
	free(words);
}

static void hold(void *of, struct tappet_job *job)
{
	struct probe *probe = of;

	tappet_job_progress(job);
	keep(&probe->held, job, param(job, "gate"));
}

static void open_gate(void *of, struct tappet_job *job)
{
	struct probe *probe = of;
	struct tappet_job *held;

	while ((held = take_out(&probe->held, param(job, "gate"), NULL)) != NULL)
		end_ok(held, json_pack("{s:s}", "gate", param(job, "gate")));
	end_ok(job, NULL);
}

static void cancelled(void *of, struct tappet_job *job)
{
	struct probe *probe = of;

	if (take_out(&probe->held, NULL, job) != NULL)
		tappet_job_end(job, "doubt", NULL, NULL);
}

static void emit(void *of, struct tappet_job *job)
{
	struct probe *probe = of;

	keep(&probe->emitting, job, param(job, "id"));
	if (!tappet_emit(probe->plugin,
			 json_pack("{s:s,s:s,s:s,s:s}", "id", param(job, "id"), "type", "seen",
				   "subject", "a subject", "job", job->said.id),
			 json_incref(json_object_get(job->params, "data"))))
		abort();
}

static void emitted(void *of, const struct tappet_message *answer)
{
	struct probe *probe = of;
	struct tappet_job *job;

	while ((job = take_out(&probe->emitting, answer->id, NULL)) != NULL)
		end_ok(job, answer->code != NULL ? json_pack("{s:s}", "refused", answer->message)
						 : json_pack("{s:I,s:b}", "seq", answer->seq,
							     "repeat", answer->repeat));
}

static void told(void *of, struct tappet_job *job)
{
	struct probe *probe = of;

	end_ok(job, json_pack("{s:O,s:O}", "seen", probe->seen, "gaps", probe->gaps));
}

static void event(void *of, const struct tappet_message *e)
{
	struct probe *probe = of;
	json_t *text = json_loadb(e->body, e->size, 0, NULL);

	assert(strncmp(json_string_value(json_object_get(text, "type")), "test.", 5) == 0);
	json_decref(text);
	(void)json_array_append_new(probe->seen, json_integer(e->seq));
	tappet_ack(probe->plugin, e->cursor, e->seq);
}

static void gap(void *of, const struct tappet_message *m)
{
	struct probe *probe = of;

	(void)json_array_append_new(probe->gaps, json_pack("[I,I]", m->from, m->to));
	tappet_ack(probe->plugin, m->cursor, m->to);
}

static void forget_all(struct waiting **list)
{
	while (*list != NULL)
		(void)take_out(list, (*list)->what, NULL);
}

int main(void)
{
	static const struct tappet_action actions[] = {
		{ "echo", echo }, { "fate", fate }, { "hold", hold }, { "open", open_gate },
		{ "emit", emit }, { "told", told }, { NULL, NULL },
	};
	struct probe probe = { .seen = json_array(), .gaps = json_array() };
	int code;

	probe.plugin = tappet_plugin_new(&(struct tappet_options){
	    .name = "probe",
	    .manifest = manifest,
	    .actions = actions,
	    .jobs = 4,
	    .of = &probe,
	    .cancelled = cancelled,
	    .emitted = emitted,
	    .event = event,
	    .gap = gap,
	});
	if (probe.plugin == NULL)
		return 2;
	if (!tappet_subscribe(probe.plugin,
			      json_pack("{s:s,s:[s],s:s,s:i}", "cursor", "probe", "types",
					"test.**", "from", "start", "window", 10)))
		return 2;
	code = tappet_plugin_run(probe.plugin);
	tappet_plugin_free(probe.plugin);
	forget_all(&probe.held);
	forget_all(&probe.emitting);
	json_decref(probe.seen);
	json_decref(probe.gaps);
	return code;
}
