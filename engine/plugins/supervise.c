/* SPDX-License-Identifier: Apache-2.0
 *
 * supervise.c - the thread; see supervise.h.
 *
 * Other threads leave what they want under the lock (news, leaving, stopping), and
 * read there what the thread shows after each turn. */
#include "engine/plugins/supervise.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/io/bus.h"
#include "engine/plugins/supervise_parts.h"

/* A configuration: the recipes of all that has a command. */
struct roster {
	size_t count;
	struct recipe *recipes[];
};

struct supervise {
	struct clock clock;
	struct surroundings around;
	char *folder, *sessions, *events;
	int wake; /* an eventfd */
	pthread_t thread;
	bool running; /* there is a thread */

	pthread_mutex_t lock;
	struct roster *news; /* a configuration that wasn't looked at yet */
	char silent[LIMIT_PLUGINS][LIMIT_SESSION_NAME + 1]; /* names; the first silent_count */
	size_t silent_count;
	bool leaving, stopping;
	int64_t patience;
	struct supervise_view *shown; /* by name */
	size_t shown_count, shown_room;

	/* The thread's. */
	struct child *children; /* by name */
	size_t count;
	struct pollfd *polls;
	size_t poll_room;
	char *room; /* LIMIT_PROCESS_READ bytes */
};

static int64_t mono(const struct supervise *s)
{
	return clock_read(&s->clock).mono;
}

/* ---- Configurations. ---- */

static void roster_free(struct roster *roster)
{
	for (size_t i = 0; roster != NULL && i < roster->count; i++)
		recipe_free(roster->recipes[i]);
	mem_free(roster);
}

static struct roster *roster_new(const struct supervise_setting *settings, size_t count)
{
	struct roster *roster = mem_zero(1, sizeof(*roster) + count * sizeof(roster->recipes[0]));

	for (size_t i = 0; roster != NULL && i < count; i++) {
		struct recipe *recipe;

		if (settings[i].command_count == 0)
			continue;
		recipe = recipe_new(&settings[i]);
		if (recipe == NULL) {
			roster_free(roster);
			return NULL;
		}
		roster->recipes[roster->count++] = recipe;
	}
	return roster;
}

/* The recipe of that name, taken out. */
static struct recipe *roster_take(struct roster *roster, struct text name)
{
	for (size_t i = 0; i < roster->count; i++) {
		struct recipe *recipe = roster->recipes[i];

		if (recipe == NULL || !text_eq(recipe->name, name))
			continue;
		roster->recipes[i] = NULL;
		return recipe;
	}
	return NULL;
}

/* Takes the recipe, or logs why not. */
static void add_child(struct supervise *s, struct recipe *recipe, int64_t now)
{
	struct child *child = child_new(recipe, &s->around, now), **at = &s->children;

	if (child == NULL) {
		log_write(LOG_ERROR, "memory is out: a plugin isn't started before a reload",
			  LOG_S("plugin", recipe->name.s));
		recipe_free(recipe);
		return;
	}
	while (*at != NULL && text_cmp((*at)->recipe->name, recipe->name) < 0)
		at = &(*at)->next;
	child->next = *at;
	*at = child;
	s->count++;
}

static void apply(struct supervise *s, struct roster *roster, int64_t now)
{
	for (struct child *c = s->children; c != NULL; c = c->next)
		child_change(c, roster_take(roster, c->recipe->name), now);
	for (size_t i = 0; i < roster->count; i++) {
		struct recipe *recipe = roster->recipes[i];

		roster->recipes[i] = NULL;
		if (recipe != NULL)
			add_child(s, recipe, now);
	}
	roster_free(roster);
}

/* ---- The thread. ---- */

struct orders {
	bool leaving, stopping;
	int64_t patience;
};

/* Under the lock. */
static void take_silent(struct supervise *s, int64_t now)
{
	for (size_t i = 0; i < s->silent_count; i++)
		for (struct child *c = s->children; c != NULL; c = c->next)
			if (text_is(c->recipe->name, s->silent[i]))
				child_hangs(c, now);
	s->silent_count = 0;
}

static struct orders take_news(struct supervise *s, int64_t now)
{
	struct roster *news;
	struct orders orders;
	uint64_t ignored;

	(void)!read(s->wake, &ignored, sizeof(ignored));
	pthread_mutex_lock(&s->lock);
	news = s->news;
	s->news = NULL;
	orders = (struct orders){ s->leaving, s->stopping, s->patience };
	take_silent(s, now);
	pthread_mutex_unlock(&s->lock);
	if (news != NULL && !orders.leaving)
		apply(s, news, now);
	else
		roster_free(news);
	return orders;
}

/* What has ended and isn't configured any more; when the engine stops, whatever has ended. */
static void sweep(struct supervise *s, bool stopping)
{
	struct child **at = &s->children;

	while (*at != NULL) {
		struct child *c = *at;

		if (child_has_process(c) || !(c->gone || stopping)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		s->count--;
		child_free(c);
	}
}

/* Earlier of the two; -1 is never. */
static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static void show(struct supervise *s)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	if (s->shown_room < s->count) {
		struct supervise_view *more = mem_grow(s->shown, s->count, sizeof(*more));

		s->shown = more != NULL ? more : s->shown;
		s->shown_room = more != NULL ? s->count : s->shown_room;
	}
	for (const struct child *c = s->children; c != NULL && n < s->shown_room; c = c->next) {
		struct supervise_view *v = &s->shown[n++];

		*v = (struct supervise_view){ .state = c->state,
					      .pid = c->process.pid,
					      .starts = c->starts,
					      .failures = c->failures,
					      .lines = c->teller.lines,
					      .dropped = c->teller.dropped };
		(void)snprintf(v->name, sizeof(v->name), "%.*s", TEXT_ARG(c->recipe->name));
		(void)snprintf(v->words, sizeof(v->words), "%s", c->words);
	}
	s->shown_count = n;
	pthread_mutex_unlock(&s->lock);
}

/* When memory is out, those for which there is no room wait for the next turn. */
static size_t fill_polls(struct supervise *s)
{
	size_t want = 1 + s->count * CHILD_FDS, n = 1;

	if (s->poll_room < want) {
		struct pollfd *more = mem_grow(s->polls, want, sizeof(*more));

		s->polls = more != NULL ? more : s->polls;
		s->poll_room = more != NULL ? want : s->poll_room;
	}
	s->polls[0] = (struct pollfd){ .fd = s->wake, .events = POLLIN };
	for (struct child *c = s->children; c != NULL && n + CHILD_FDS <= s->poll_room;
	     c = c->next) {
		int fds[CHILD_FDS];

		child_watch(c, fds);
		for (size_t i = 0; i < CHILD_FDS; i++)
			s->polls[n++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	return n;
}

static void wait_for(struct supervise *s, int64_t due, int64_t now)
{
	size_t count = fill_polls(s), n = 1;
	int64_t ms = due < 0 ? -1 : due - now > 0 ? due - now : 0;
	bool ready[CHILD_FDS];

	if (count < 1 + s->count * CHILD_FDS)
		ms = LIMIT_PROCESS_PAUSE;
	ms = clock_patience(&s->clock, ms < LIMIT_PROCESS_PAUSES ? ms : LIMIT_PROCESS_PAUSES);
	if (poll(s->polls, (nfds_t)count, (int)ms) < 0)
		return; /* memory is out, or a signal: the next turn looks again */
	now = mono(s);
	for (struct child *c = s->children; c != NULL && n + CHILD_FDS <= count; c = c->next) {
		for (size_t i = 0; i < CHILD_FDS; i++)
			ready[i] = s->polls[n++].revents != 0;
		child_ready(c, ready, s->room, now);
	}
}

static void *supervise_thread(void *of)
{
	struct supervise *s = of;

	for (;;) {
		int64_t now = mono(s), due = -1;
		struct orders orders = take_news(s, now);

		for (struct child *c = s->children; c != NULL; c = c->next) {
			if (orders.stopping)
				child_stop(c, orders.patience, now);
			due = earlier(due, child_tick(c, !orders.leaving, now));
		}
		sweep(s, orders.stopping);
		show(s);
		if (orders.stopping && s->count == 0)
			return NULL;
		wait_for(s, due, now);
	}
}

/* ---- Life. ---- */

static void wake(struct supervise *s)
{
	static const uint64_t one = 1;

	(void)!write(s->wake, &one, sizeof(one));
}

static char *endpoint(const char *from)
{
	struct buf out;
	size_t n;

	buf_init(&out, LIMIT_PROCESS_SETTINGS);
	bus_endpoint(&out, text_of(from));
	return buf_take(&out, &n);
}

static bool make(struct supervise *s, const struct supervise_parts *parts)
{
	s->folder = text_heap(parts->folder.n > 0 ? parts->folder : TEXT("."));
	s->sessions = endpoint(parts->sessions);
	s->events = endpoint(parts->events);
	s->around = (struct surroundings){ s->folder, s->sessions, s->events };
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->news = roster_new(parts->settings, parts->count);
	s->room = mem_alloc(LIMIT_PROCESS_READ);
	s->polls = mem_zero(1, sizeof(*s->polls));
	s->poll_room = 1;
	return s->folder != NULL && s->sessions != NULL && s->events != NULL && s->wake >= 0 &&
	       s->news != NULL && s->room != NULL && s->polls != NULL;
}

static void free_all(struct supervise *s)
{
	assert(s->children == NULL);
	roster_free(s->news);
	mem_free(s->shown);
	mem_free(s->polls);
	mem_free(s->room);
	mem_free(s->folder);
	mem_free(s->sessions);
	mem_free(s->events);
	if (s->wake >= 0)
		(void)close(s->wake);
	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

/* Signals are the main thread's business, and launch_start asks for it. */
static bool start_thread(struct supervise *s)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->running = pthread_create(&s->thread, NULL, supervise_thread, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return s->running;
}

enum fate supervise_start(const struct supervise_parts *parts, struct supervise **out)
{
	struct supervise *s = mem_zero(1, sizeof(*s));

	assert(parts != NULL && out != NULL);
	assert(parts->sessions != NULL && parts->events != NULL);
	if (s == NULL)
		return FATE_RETRY;
	pthread_mutex_init(&s->lock, NULL);
	s->wake = -1;
	s->clock = parts->clock;
	if (!make(s, parts) || !start_thread(s)) {
		free_all(s);
		return FATE_RETRY;
	}
	*out = s;
	return FATE_OK;
}

bool supervise_reload(struct supervise *s, const struct supervise_setting *settings, size_t count)
{
	struct roster *roster = roster_new(settings, count), *old;

	assert(s != NULL);
	if (roster == NULL)
		return false;
	pthread_mutex_lock(&s->lock);
	old = s->news;
	s->news = roster;
	pthread_mutex_unlock(&s->lock);
	roster_free(old);
	wake(s);
	return true;
}

void supervise_silent(struct supervise *s, struct text plugin)
{
	assert(s != NULL && plugin.n <= LIMIT_SESSION_NAME);
	pthread_mutex_lock(&s->lock);
	if (s->silent_count < LIMIT_PLUGINS)
		(void)snprintf(s->silent[s->silent_count++], sizeof(s->silent[0]), "%.*s",
			       TEXT_ARG(plugin));
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void supervise_leave(struct supervise *s)
{
	assert(s != NULL);
	pthread_mutex_lock(&s->lock);
	s->leaving = true;
	pthread_mutex_unlock(&s->lock);
	wake(s);
}

void supervise_stop(struct supervise *s, int64_t patience)
{
	if (s == NULL)
		return;
	assert(patience >= 0);
	pthread_mutex_lock(&s->lock);
	s->leaving = true;
	s->stopping = true;
	s->patience = patience;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	(void)pthread_join(s->thread, NULL);
	free_all(s);
}

size_t supervise_list(struct supervise *s, struct supervise_view *out, size_t room)
{
	size_t count;

	assert(s != NULL && (out != NULL || room == 0));
	pthread_mutex_lock(&s->lock);
	count = s->shown_count;
	for (size_t i = 0; i < count && i < room; i++)
		out[i] = s->shown[i];
	pthread_mutex_unlock(&s->lock);
	return count;
}
