/* SPDX-License-Identifier: Apache-2.0
 *
 * sqlite_checkpoint - moves committed pages from the log into the store's file
 * without holding up the writer.
 *
 * SQLite's automatic checkpoint runs inside a commit, which then takes as long as
 * the copying. Here a thread with a connection of its own does it (PASSIVE: waits
 * for nobody), woken when a commit leaves the log longer than WAKE_PAGES.
 *
 * While the writer keeps writing, such a checkpoint never reaches the end of the
 * log, and the log starts again from its beginning only once it did. So when the
 * log is longer than FULL_PAGES, the writer copies the little that is left itself
 * after the thread has done the bulk: the log stays bounded, unless a reader
 * holds on to an old state for long.
 *
 * I1  The thread touches only its own connection and what `mutex` guards.
 * I2  sq_checkpointer_free returns after the thread has ended.
 * Never: fails a batch. A checkpoint that fails is logged and tried again. */
#include <assert.h>
#include <pthread.h>
#include <signal.h>

#include "engine/base/limits.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/store/sqlite_internal.h"

#define PAGE_SIZE  4096u
#define WAKE_PAGES (int)(LIMIT_STORE_LOG_WAKE / PAGE_SIZE)
#define FULL_PAGES (int)(LIMIT_STORE_LOG / PAGE_SIZE)

struct checkpointer {
	sqlite3 *db; /* the thread's; not touched by others while it runs */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool wanted, working, stopping; /* guarded by mutex */
};

static void copy_log(sqlite3 *db)
{
	int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		log_write(LOG_WARN, "the store's log could not be copied into its file",
			  LOG_S("error", sqlite3_errmsg(db)));
}

static void *work(void *of)
{
	struct checkpointer *c = of;

	pthread_mutex_lock(&c->mutex);
	while (!c->stopping) {
		if (!c->wanted) {
			pthread_cond_wait(&c->changed, &c->mutex);
			continue;
		}
		c->wanted = false;
		c->working = true;
		pthread_mutex_unlock(&c->mutex);
		copy_log(c->db);
		pthread_mutex_lock(&c->mutex);
		c->working = false;
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->mutex);
	return NULL;
}

/* Signals are the main thread's business. */
static bool start_thread(struct checkpointer *c)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int error;

	sigfillset(&all);
	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, 256u * KIB); /* a smaller default is fine too */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&c->thread, &attr, work, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return error == 0;
}

static void release(struct checkpointer *c)
{
	sqlite3_close(c->db);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
	mem_free(c);
}

struct checkpointer *sq_checkpointer_new(const char *path, int *rc)
{
	struct checkpointer *c = mem_zero(1, sizeof(*c));

	assert(path != NULL && rc != NULL);
	*rc = SQLITE_NOMEM;
	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->mutex, NULL);
	pthread_cond_init(&c->changed, NULL);
	*rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (*rc == SQLITE_OK)
		*rc = sq_exec(c->db, "PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL;"
				     "PRAGMA cache_size = 8; PRAGMA mmap_size = 0;");
	if (*rc == SQLITE_OK && !start_thread(c))
		*rc = SQLITE_NOMEM;
	if (*rc == SQLITE_OK)
		return c;
	release(c);
	return NULL;
}

void sq_checkpointer_free(struct checkpointer *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->mutex);
	c->stopping = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
	pthread_join(c->thread, NULL);
	release(c);
}

static void wake(struct checkpointer *c)
{
	pthread_mutex_lock(&c->mutex);
	c->wanted = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->mutex);
}

static void wait_for_thread(struct checkpointer *c)
{
	pthread_mutex_lock(&c->mutex);
	while (c->working)
		pthread_cond_wait(&c->changed, &c->mutex);
	pthread_mutex_unlock(&c->mutex);
}

/* A reader may keep the log from starting again; then the writer tries anew only
 * after it has grown by another FULL_PAGES. */
void sq_checkpoint_after_commit(struct store *store)
{
	assert(!store->in_batch);
	if (store->checker == NULL)
		return;
	if (store->wal_pages < store->wal_woken) /* it has started again */
		store->wal_woken = store->wal_tried = 0;
	if (store->wal_pages >= store->wal_tried + FULL_PAGES) {
		wait_for_thread(store->checker);
		copy_log(store->db);
		store->wal_woken = store->wal_tried = store->wal_pages;
	} else if (store->wal_pages >= store->wal_woken + WAKE_PAGES) {
		wake(store->checker);
		store->wal_woken = store->wal_pages;
	}
}
