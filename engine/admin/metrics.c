/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics.c - the page for Prometheus: text exposition format 0.0.4.
 *
 * A counter of the sequencer is one row of the table below. Counters of one
 * family stand together, as the format demands.
 * Never: a label whose values strangers choose. */
#include "engine/admin/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/log.h"

/* ---- Writing. ---- */

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void sample(struct buf *out, const char *name, const char *labels, uint64_t n)
{
	buf_printf(out, "%s%s %llu\n", name, labels, (unsigned long long)n);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, uint64_t n)
{
	family(out, name, type, help);
	sample(out, name, "", n);
}

static void seconds(struct buf *out, const char *name, const char *type, const char *help,
		    int64_t ms)
{
	family(out, name, type, help);
	buf_printf(out, "%s %lld.%03d\n", name, (long long)(ms / 1000), (int)(ms % 1000));
}

/* ---- The sequencer. ---- */

struct counter {
	const char *name, *labels;
	const char *help; /* NULL: of the family above */
	size_t offset;
};

#define STAT(member) offsetof(struct sequencer_stats, member)

static const struct counter counters[] = {
	{ "tappet_events_total", "", "Events recorded.", STAT(events) },
	{ "tappet_event_repeats_total", "", "Deliveries received before and recognised.",
	  STAT(repeats) },
	{ "tappet_events_refused_total", "", "Deliveries that were not what their hook takes.",
	  STAT(refused) },
	{ "tappet_matches_total", "", "Rules that matched an event.", STAT(matches) },
	{ "tappet_rules_blind_total", "", "Conditions and keys that could not be evaluated.",
	  STAT(blind) },
	{ "tappet_echoes_total", "",
	  "Matches that rules ignored, as they wrote the change themselves.", STAT(echoes) },
	{ "tappet_runs_total", "{state=\"done\"}", "Runs that ended, by state.", STAT(runs_done) },
	{ "tappet_runs_total", "{state=\"dead\"}", NULL, STAT(runs_dead) },
	{ "tappet_runs_total", "{state=\"skipped\"}", NULL, STAT(runs_skipped) },
	{ "tappet_runs_total", "{state=\"in_doubt\"}", NULL, STAT(runs_doubt) },
	{ "tappet_runs_total", "{state=\"held\"}", NULL, STAT(runs_held) },
	{ "tappet_attempts_total", "", "Requests of actions decided on.", STAT(attempts) },
	{ "tappet_retries_total", "", "Attempts that failed and are made again.", STAT(retries) },
	{ "tappet_batches_total", "", "Commits.", STAT(batches) },
	{ "tappet_failed_batches_total", "", "Commits that failed.", STAT(failed_batches) },
	{ "tappet_polls_total", "{result=\"ok\"}", "Polls by result.", STAT(polls_ok) },
	{ "tappet_polls_total", "{result=\"failed\"}", NULL, STAT(polls_failed) },
};

static void write_counter(struct buf *out, const struct sequencer_stats *stats,
			  const struct counter *c)
{
	const atomic_uint_fast64_t *at =
	    (const void *)((const char *)(const void *)stats + c->offset);

	if (c->help != NULL)
		family(out, c->name, "counter", c->help);
	sample(out, c->name, c->labels, atomic_load_explicit(at, memory_order_relaxed));
}

static void write_sequencer(struct buf *out, const struct sequencer_stats *stats)
{
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		write_counter(out, stats, &counters[i]);
	one(out, "tappet_open_runs", "gauge", "Runs that have not ended.",
	    atomic_load(&stats->open_runs) + atomic_load(&stats->stored_runs));
	one(out, "tappet_stored_runs", "gauge", "Those of them that are in the store alone.",
	    atomic_load(&stats->stored_runs));
	family(out, "tappet_runs_kept", "gauge", "Runs in the store that people should look at.");
	sample(out, "tappet_runs_kept", "{state=\"dead\"}",
	       (uint64_t)atomic_load(&stats->kept_dead));
	sample(out, "tappet_runs_kept", "{state=\"in_doubt\"}",
	       (uint64_t)atomic_load(&stats->kept_doubt));
	one(out, "tappet_attempts_in_flight", "gauge", "Requests of actions under way.",
	    atomic_load(&stats->in_flight));
	one(out, "tappet_runs_paused", "gauge", "Open runs that wait for the end of a pause.",
	    atomic_load(&stats->runs_parked));
	one(out, "tappet_store_up", "gauge", "1 while the store can be written.",
	    atomic_load(&stats->store_down) ? 0 : 1);
	seconds(out, "tappet_last_commit_timestamp_seconds", "gauge",
		"When the last commit was made, 0 before the first.",
		(int64_t)atomic_load(&stats->last_commit_ms));
}

/* ---- The HTTP server and the queue. ---- */

static void write_http(struct buf *out, const struct http_server *server)
{
	struct http_server_stats stats;

	if (server == NULL)
		return;
	stats = http_server_stats(server);
	one(out, "tappet_http_requests_total", "counter", "Requests received.", stats.requests);
	one(out, "tappet_http_body_bytes_total", "counter", "Bytes of bodies received.",
	    stats.body_bytes);
	one(out, "tappet_http_connections", "gauge", "Connections open.", stats.connections);
	one(out, "tappet_http_parked", "gauge", "Requests that wait for their commit.",
	    stats.parked);
}

/* ---- The process: names and meanings as Prometheus' client libraries have them. ---- */

/* The second number of /proc/self/statm: resident pages. 0 when unreadable. */
static uint64_t resident_pages(void)
{
	char line[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, line, sizeof(line)) : -1;
	struct text second;
	int64_t pages;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	(void)text_split(text_split((struct text){ line, (size_t)n }, ' ', &second), ' ', &second);
	return text_to_int(second, &pages) && pages > 0 ? (uint64_t)pages : 0;
}

/* Entries of /proc/self/fd without ".", ".." and the one it is read through. */
static uint64_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n > 3 ? n - 3 : 0;
}

static void write_log(struct buf *out)
{
	struct log_losses losses = log_losses();

	family(out, "tappet_log_suppressed_total", "counter", "Lines of the log left out.");
	sample(out, "tappet_log_suppressed_total", "{reason=\"repeat\"}", losses.repeats);
	sample(out, "tappet_log_suppressed_total", "{reason=\"blocked\"}", losses.blocked);
}

static void write_process(struct buf *out, struct instant started)
{
	struct rusage used;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	one(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
	    resident_pages() * page);
	one(out, "process_open_fds", "gauge", "Number of open file descriptors.",
	    open_descriptors());
	seconds(out, "process_start_time_seconds", "gauge",
		"Start time of the process since the epoch in seconds.", started.wall);
	if (getrusage(RUSAGE_SELF, &used) == 0)
		seconds(out, "process_cpu_seconds_total", "counter",
			"Total user and system CPU time spent in seconds.",
			(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
			    (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000);
}

void metrics_write(struct admin *admin)
{
	struct buf *out = &admin->page;

	assert(admin != NULL);
	buf_clear(out);
	family(out, "tappet_build_info", "gauge", "Always 1; what runs is in the labels.");
	sample(out, "tappet_build_info", "{version=\"" TAPPET_VERSION "\"}", 1);
	one(out, "tappet_ready", "gauge", "1 while /readyz says so.",
	    admin_reason(admin) == NULL ? 1 : 0);
	write_sequencer(out, admin->parts.stats);
	pauses_write_metrics(admin);
	one(out, "tappet_inputs_waiting", "gauge", "Inputs the sequencer has not taken yet.",
	    queue_depth(admin->parts.inputs));
	write_http(out, admin->parts.server(admin->parts.of));
	for (size_t i = 0; i < admin->parts.metrics_count; i++)
		admin->metrics[i].write(admin->metrics[i].of, out);
	write_log(out);
	write_process(out, admin->started);
}
