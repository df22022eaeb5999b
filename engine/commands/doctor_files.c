/* SPDX-License-Identifier: Apache-2.0
 *
 * doctor_files - who may read and write what the daemon trusts; and the clock. */
#include "engine/commands/doctor.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>

#define AHEAD 60000 /* ms that the newest event may lie in the future: a step of the clock */

static bool mode_of(struct doctor *d, struct text path, mode_t *mode)
{
	struct text z = text_dup(d->context->arena, path);
	struct stat st;

	if (z.s == NULL || stat(z.s, &st) != 0)
		return false;
	*mode = st.st_mode;
	return true;
}

/* `deny`: the bits that must not be set. */
static void file(struct doctor *d, const char *what, struct text path, mode_t deny,
		 const char *what_to_do, unsigned *fine)
{
	mode_t mode;

	if (!mode_of(d, path, &mode))
		return;
	if ((mode & deny) == 0)
		(*fine)++;
	else
		doctor_say(d, FINDING_FAIL, "permissions", path, what_to_do,
			   "%s with mode %04o: others may %s it", what, (unsigned)(mode & 07777),
			   (mode & deny & 022) != 0 ? "change" : "read");
}

static struct text behind_colon(struct text t)
{
	struct text kind;

	return text_split(t, ':', &kind);
}

/* Whoever may write there can put another store in its place. */
static void folder(struct doctor *d, unsigned *fine)
{
	char at[PATH_MAX];
	mode_t mode;
	struct text path;

	(void)snprintf(at, sizeof(at), "%.*s", TEXT_ARG(behind_colon(d->config->store)));
	path = text_of(dirname(at));
	if (!mode_of(d, path, &mode))
		return;
	if ((mode & S_IWOTH) == 0 || (mode & S_ISVTX) != 0)
		(*fine)++;
	else
		doctor_say(d, FINDING_FAIL, "permissions", path, "chmod o-w",
			   "the store's folder with mode %04o: others may change it",
			   (unsigned)(mode & 07777));
}

static bool is_first(const struct config *c, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (text_eq(c->secret_files[i], c->secret_files[at]))
			return false;
	return true;
}

void doctor_files(struct doctor *d)
{
	const struct config *c = d->config;
	unsigned failed = d->failed, fine = 0;

	for (size_t i = 0; i < d->context->config_count; i++)
		file(d, "the configuration", text_of(d->context->config_files[i]), S_IWOTH,
		     "chmod o-w", &fine);
	for (size_t i = 0; i < c->secret_file_count; i++)
		if (is_first(c, i))
			file(d, "a secret", c->secret_files[i], S_IRWXO | S_IWGRP, "chmod 0600",
			     &fine);
	if (text_starts(c->store, TEXT("sqlite:"))) {
		file(d, "the store", behind_colon(c->store), S_IRWXG | S_IRWXO, "chmod 0600",
		     &fine);
		folder(d, &fine);
	}
	if (text_starts(c->admin, TEXT("unix:")))
		file(d, "the admin socket", behind_colon(c->admin), S_IWGRP | S_IWOTH,
		     "chmod 0600; the daemon makes it so at its start", &fine);
	if (d->failed == failed)
		doctor_say(d, FINDING_OK, "permissions", TEXT_NONE, NULL,
			   "%u files and folders are as they should be", fine);
}

/* Signatures with a time are refused, and throttles go wrong, by a clock that does. */
void doctor_clock(struct doctor *d)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	if (d->newest > d->now + AHEAD)
		doctor_say(d, FINDING_FAIL, "clock", TEXT_NONE, "set the clock",
			   "the newest event was recorded %lld s later than it is now",
			   (long long)((d->newest - d->now) / 1000));
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
		doctor_say(d, FINDING_WARN, "clock", TEXT_NONE,
			   "let NTP (systemd-timesyncd, chrony) keep it right",
			   "nothing keeps it synchronised");
	else
		doctor_say(d, FINDING_OK, "clock", TEXT_NONE, NULL, "synchronised");
}
