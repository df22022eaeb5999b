/* SPDX-License-Identifier: Apache-2.0
 *
 * test_client - starts a sandbox, talks HTTP to it, and plays the receiver of its webhooks.
 *
 * Every helper ends the running test when something fails that the test isn't about.
 * Ownership: who gets a struct result drops it with drop().
 */
#ifndef SANDBOX_TEST_CLIENT_H
#define SANDBOX_TEST_CLIENT_H

#include <check.h>
#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define HOOK_SECRET "test-secret"

struct blob {
	char *data;
	size_t len;
};

struct result {
	CURLcode code;
	long status;
	struct blob body;
	struct blob head;
	json_t *json; /* NULL if the body isn't JSON */
};

struct listener {
	int fd;
	char request[16384];
};

/* Starts the binary on a free port; ends it and checks that it ended well. */
void start_server(const char *binary);
void stop_server(void);

/* Resets the sandbox; the next calls carry Kantata's token. */
void fresh(void);

/* The header line the next calls carry besides their content type; "" for none. */
void set_header(const char *line);
void fetch_token(void);

struct result call(const char *method, const char *path, const char *type, const char *body);
struct result get(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct result post(const char *path, const char *json);
void drop(struct result *r);

/* A control call that must work; the reply is dropped. */
void control(const char *path, const char *json);

/* The value at a path of member names and indexes, separated by dots. */
json_t *at(const struct result *r, const char *path);
const char *text(const struct result *r, const char *path);
json_int_t number(const struct result *r, const char *path);
bool has_header(const struct result *r, const char *line);

/* Listens on a free port and has the sandbox send its webhooks there. */
void listener_open(struct listener *l);
void listener_close(struct listener *l);

/* Takes one request and answers it with that status line; its body. */
const char *listener_take(struct listener *l, const char *status);

/* The ids that a list of projects with these parameters must have, in order, as one text. */
void expect_ids(const char *query, const char *ids);

/* Adds the tests of test_feed.c. */
void feed_tests(TCase *tc);

/* Adds the tests of test_blueworks.c. */
void blueworks_tests(TCase *tc);

/* Adds the tests of test_timesheets.c. */
void timesheet_tests(TCase *tc);

/* Does the signature of the last request fit its body? */
bool signed_well(const struct listener *l);

#endif
