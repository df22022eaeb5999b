/* SPDX-License-Identifier: Apache-2.0
 *
 * timesheets - who approves the time of a project, and the weeks that were handed in.
 *
 * There are no calls for them: tests set `approver_ids` and `timesheet_submissions` of a project,
 * and the list of projects shows them through its includes and its filter.
 */
#ifndef SANDBOX_TIMESHEETS_H
#define SANDBOX_TIMESHEETS_H

#include "tests/sandbox/text.h"
#include "tests/sandbox/world.h"

#define APPROVERS_MAX 2

/* Dates as numbers; both ends belong to it. */
struct timesheet_range {
	int32_t from, to;
};

/* Is it one of the two fields? Then false in *fine says that the value is no such list. */
bool timesheets_set(struct workspace *ws, const char *name, const json_t *value, bool *fine);

size_t timesheets_approvers(const struct workspace *ws, int64_t ids[APPROVERS_MAX]);

/* `2026-11-02;2026-11-29`; false when it is none. */
bool timesheets_range(const char *text, struct timesheet_range *out);

/* Does a week that overlaps the range wait for approval? */
bool timesheets_wait(const struct workspace *ws, const struct timesheet_range *range);

/* `[..]` of timesheet_submission_ids, and the rows of the map timesheet_submissions. */
void timesheets_write_ids(const struct workspace *ws, struct text *out);
void timesheets_write_rows(const struct workspace *ws, struct text *out);

#endif
