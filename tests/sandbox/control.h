/* SPDX-License-Identifier: Apache-2.0
 *
 * control - the page at / and everything under /_sandbox/: looking at the state, changing it, and
 * setting faults. README.md describes each call.
 */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "tests/sandbox/routes.h"

extern const struct vendor control;

answer_fn control_page;
answer_fn control_journal;
answer_fn control_journal_clear;
answer_fn control_reset;
answer_fn control_state;
answer_fn control_switches;
answer_fn control_switches_set;
answer_fn control_faults;
answer_fn control_faults_add;
answer_fn control_faults_clear;
answer_fn control_clock;
answer_fn control_messages;
answer_fn control_seed;
answer_fn control_touch;
answer_fn control_merge;
answer_fn control_delete;
answer_fn control_hours;
answer_fn control_archive;
answer_fn control_unarchive;
answer_fn control_work_set_merge;
answer_fn control_work_set_complete;
answer_fn control_work_set_approve;
answer_fn control_work_set_progress;
answer_fn control_work_set_burst;
answer_fn control_report_export;

#endif
