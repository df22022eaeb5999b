/* SPDX-License-Identifier: Apache-2.0
 *
 * mail_transfer - one message on its way: libcurl's easy handle, what the server
 * said, and what its end means.
 *
 * Private to mail_client, whose threads own one each. A line keeps its connection for the next
 * message to the same server with the same login.
 * Ownership: the line owns its handle; a letter is its caller's. */
#ifndef TAPPET_IO_MAIL_TRANSFER_H
#define TAPPET_IO_MAIL_TRANSFER_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/limits.h"
#include "engine/base/queue.h"
#include "engine/io/mail_client.h"

/* A message and how it ended; one heap block with its texts behind it. */
struct letter {
	struct queue_item item;
	struct letter *next; /* while it waits for a thread */
	struct mail_call call;
	http_done done;
	void *of;
	/* Filled by mail_line_carry: */
	enum http_end end;
	bool sent;
	int status;
	const char *error; /* static */
	int64_t started, ended;
	size_t reply_size;
	char reply[LIMIT_MAIL_REPLY];
	size_t size; /* of bytes */
	char bytes[];
};

struct mail_line;

/* `stop` turns true when the owner wants it to end. NULL when memory is out. */
struct mail_line *mail_line_new(const atomic_bool *stop);

/* Waits until the letter has ended. */
void mail_line_carry(struct mail_line *line, struct letter *letter);

bool mail_line_is_open(const struct mail_line *line); /* keeps a connection */
void mail_line_hang_up(struct mail_line *line);       /* says QUIT and closes */
void mail_line_free(struct mail_line *line);          /* hangs up first */

/* Any thread, after `stop`: whatever the line waits for ends at once. */
void mail_line_cut(struct mail_line *line);

#endif
