/* SPDX-License-Identifier: Apache-2.0
 *
 * blueworks_kinds - the objects of Blueworks Live: work, its tasks, comments and
 * attachments.
 *
 * Fields have the API's names. People are ids there; beside each id stands the
 * person (`assignee` beside `assignedTo`). What the API only says by a status is
 * also a flag, because an event is a flag that turns.
 *
 * Whether somebody may delete or manage something depends on who asks, and a
 * person's or an app's name is not the work's: their change is no event.
 *
 * Source: www.ibm.com/docs/en/blueworks-live, WorkDetail. */
#include "engine/connectors/blueworks_parts.h"

#define PERSON(name, what)                                                                         \
	{ name, FIELD_MAP, what, NULL }, { name ".id", FIELD_TEXT, "Their id.", NULL },            \
	{                                                                                          \
		name ".name", FIELD_TEXT, "Their full name; null when unknown.", NULL              \
	}

#define APP                                                                                        \
	{ "app", FIELD_MAP, "Application it was started from.", NULL },                            \
	    { "app.id", FIELD_TEXT, "Id of the application.", NULL },                              \
	    { "app.name", FIELD_TEXT, "Name of the application.", NULL },                          \
	    { "app.type", FIELD_TEXT, "workflow or checklist.", NULL },                            \
	    { "app.subjectTitle", FIELD_TEXT, "Title of the subject's field.", NULL },             \
	{                                                                                          \
		"app.detailsTitle", FIELD_TEXT, "Title of the details' field.", NULL               \
	}

/* Of what belongs to a work. */
#define WORK                                                                                       \
	{ "work", FIELD_MAP, "Work it belongs to.", NULL },                                        \
	    { "work.id", FIELD_TEXT, "Id of the work.", NULL },                                    \
	    { "work.name", FIELD_TEXT, "Name of the work.", NULL },                                \
	    { "work.subject", FIELD_TEXT, "Subject of the work.", NULL },                          \
	    { "work.details", FIELD_TEXT, "Details of the work.", NULL },                          \
	    { "work.status", FIELD_TEXT, "Active, Completed, Cancelled or Overdue.", NULL },       \
	    { "work.startedBy", FIELD_TEXT, "Id of who started the work.", NULL },                 \
	    { "work.startedAt", FIELD_TIMESTAMP, "When the work was started.", NULL },             \
	    { "work.starter", FIELD_MAP, "Who started the work.", NULL },                          \
	    { "work.starter.id", FIELD_TEXT, "Their id.", NULL },                                  \
	{                                                                                          \
		"work.starter.name", FIELD_TEXT, "Their full name; null when unknown.", NULL       \
	}

/* ---- work ---- */

static const struct field work_fields[] = {
	{ "id", FIELD_TEXT, "Identity of the work.", NULL },
	{ "name", FIELD_TEXT, "Name to display.", NULL },
	{ "subject", FIELD_TEXT, "Subject entered by who started it.", NULL },
	{ "details", FIELD_TEXT, "Details entered by who started it.", NULL },
	{ "status", FIELD_TEXT, "Active, Completed, Cancelled or Overdue.", NULL },
	{ "appId", FIELD_TEXT, "Id of the application it was started from.", NULL },
	{ "startedBy", FIELD_TEXT, "Id of who started it.", NULL },
	{ "startedAt", FIELD_TIMESTAMP, "When it was started.", NULL },
	{ "completedBy", FIELD_TEXT, "Id of who completed or cancelled it.", NULL },
	{ "completedAt", FIELD_TIMESTAMP, "When it was completed or cancelled.", NULL },
	PERSON("starter", "Who started it."),
	PERSON("completer", "Who completed or cancelled it; null until then."),
	APP,
	{ "tasks", FIELD_LIST, "Its tasks, each with its assignee; they have events of their own.",
	  NULL },
	{ "attachments", FIELD_LIST, "Its attachments; they have events of their own.", NULL },
	{ "comments", FIELD_LIST, "Its comments; they have events of their own.", NULL },
	{ "canManageWork", FIELD_BOOL, "Whether the user it was read for may manage it.", NULL },
	{ "runtimeVersion", FIELD_LIST, "Its version, which every change moves.", NULL },
	{ "completed", FIELD_BOOL, "Whether its status is Completed.", NULL },
	{ "cancelled", FIELD_BOOL, "Whether its status is Cancelled.", NULL },
	{ "overdue", FIELD_BOOL,
	  "Whether its status is Overdue, or an open task's due date is "
	  "past.",
	  NULL },
	{ "closed", FIELD_BOOL, "Whether it is completed or cancelled.", NULL },
	{ "watchedBy", FIELD_TEXT, "User on whose behalf it was read.", NULL },
	{ .name = NULL },
};

static const char *const work_ignored[] = { "starter",       "completer",   "app",
					    "tasks",         "attachments", "comments",
					    "canManageWork", "completed",   "cancelled",
					    "overdue",       "closed",      "runtimeVersion",
					    "watchedBy",     NULL };

static const char *const work_started_covers[] = { "startedBy", NULL };
static const char *const work_ended_covers[] = { "status", "completedBy", "completedAt", NULL };
static const char *const work_overdue_covers[] = { "status", NULL };

static const struct edge work_edges[] = {
	{ "startedAt", true, "started", true, work_started_covers },
	{ "completed", true, "completed", true, work_ended_covers },
	{ "cancelled", true, "cancelled", true, work_ended_covers },
	{ "overdue", true, "overdue", true, work_overdue_covers },
	{ .field = NULL },
};

const struct object_kind blueworks_work = {
	.name = "blueworks.work",
	.id = "id",
	.fields = work_fields,
	.ignored = work_ignored,
	.updated = true,
	.edges = work_edges,
};

/* ---- tasks ---- */

static const struct field task_fields[] = {
	{ "id", FIELD_TEXT, "Identity of the task.", NULL },
	{ "name", FIELD_TEXT, "Name of the task.", NULL },
	{ "status", FIELD_TEXT, "Pending, NotStarted, InProgress, Completed or Reassigned.", NULL },
	{ "assignedTo", FIELD_TEXT, "Id of whom it is assigned to.", NULL },
	{ "actioner", FIELD_TEXT, "Id of who changed it last, unless that is its owner.", NULL },
	{ "dueDate", FIELD_TIMESTAMP, "When it is due; absent without a due date.", NULL },
	{ "reassignmentReason", FIELD_TEXT,
	  "TaskReassigned, OwnerDowngraded or OwnerArchived; only when reassigned.", NULL },
	{ "approvalStep", FIELD_BOOL, "Whether it is to be approved or rejected.", NULL },
	{ "isApproved", FIELD_BOOL, "What was decided; only in a completed approval step.", NULL },
	PERSON("assignee", "Whom it is assigned to."),
	PERSON("actor", "Who changed it last, unless that is its owner."),
	WORK,
	APP,
	{ "assigned", FIELD_BOOL, "Whether its status is NotStarted or InProgress.", NULL },
	{ "completed", FIELD_BOOL, "Whether its status is Completed.", NULL },
	{ "approved", FIELD_BOOL, "Whether it is a completed approval step that was approved.",
	  NULL },
	{ "rejected", FIELD_BOOL, "Whether it is a completed approval step that was rejected.",
	  NULL },
	{ "reassigned", FIELD_BOOL, "Whether its status is Reassigned.", NULL },
	{ "overdue", FIELD_BOOL, "Whether it is open and its due date is past.", NULL },
	{ .name = NULL },
};

static const char *const task_ignored[] = { "actioner", "assignee",   "actor",     "work",
					    "app",      "assigned",   "completed", "approved",
					    "rejected", "reassigned", "overdue",   NULL };

static const char *const task_assigned_covers[] = { "status", "assignedTo", NULL };
static const char *const task_ended_covers[] = { "status", "isApproved", NULL };
static const char *const task_reassigned_covers[] = { "status", "reassignmentReason", "assignedTo",
						      NULL };

static const struct edge task_edges[] = {
	{ "assigned", true, "assigned", true, task_assigned_covers },
	{ "completed", true, "completed", true, task_ended_covers },
	{ "approved", true, "approved", true, task_ended_covers },
	{ "rejected", true, "rejected", true, task_ended_covers },
	{ "reassigned", true, "reassigned", true, task_reassigned_covers },
	{ "overdue", true, "overdue", true, NULL },
	{ .field = NULL },
};

const struct object_kind blueworks_task = {
	.name = "blueworks.task",
	.id = "id",
	.fields = task_fields,
	.ignored = task_ignored,
	.updated = true,
	.edges = task_edges,
};

/* ---- comments ---- */

static const struct field comment_fields[] = {
	{ "id", FIELD_TEXT, "Identity of the comment.", NULL },
	{ "text", FIELD_TEXT, "What it says.", NULL },
	{ "from", FIELD_TEXT, "Id of who wrote it.", NULL },
	{ "commentDate", FIELD_TIMESTAMP, "When it was written.", NULL },
	{ "canDelete", FIELD_BOOL, "Whether the user it was read for may delete it.", NULL },
	{ "parentCommentId", FIELD_TEXT, "Id of the comment it answers; null when it answers none.",
	  NULL },
	PERSON("author", "Who wrote it."),
	WORK,
	APP,
	{ .name = NULL },
};

static const struct edge comment_edges[] = {
	{ "id", true, "added", true, NULL },
	{ .field = NULL },
};

const struct object_kind blueworks_comment = {
	.name = "blueworks.comment",
	.id = "id",
	.fields = comment_fields,
	.edges = comment_edges,
};

/* ---- attachments ---- */

static const struct field attachment_fields[] = {
	{ "id", FIELD_TEXT, "Identity of the attachment.", NULL },
	{ "name", FIELD_TEXT, "Name of the file.", NULL },
	{ "size", FIELD_DOUBLE, "Its size in bytes.", NULL },
	{ "type", FIELD_INT, "What kind of file it is, a number.", NULL },
	{ "uploadedBy", FIELD_TEXT, "Id of who uploaded it.", NULL },
	{ "uploadedOn", FIELD_TIMESTAMP, "When it was uploaded.", NULL },
	{ "canDelete", FIELD_BOOL, "Whether the user it was read for may delete it.", NULL },
	{ "deletedOn", FIELD_TIMESTAMP, "When it was deleted from the account; absent until then.",
	  NULL },
	{ "deletedBy", FIELD_TEXT, "Name (no id) of who deleted it; absent until then.", NULL },
	PERSON("uploader", "Who uploaded it."),
	WORK,
	APP,
	{ "present", FIELD_BOOL, "Whether it is there.", NULL },
	{ "removed", FIELD_BOOL, "Whether it was removed from the work or deleted.", NULL },
	{ .name = NULL },
};

static const struct edge attachment_edges[] = {
	{ "present", true, "added", true, NULL },
	{ "removed", true, "removed", false, NULL },
	{ .field = NULL },
};

const struct object_kind blueworks_attachment = {
	.name = "blueworks.attachment",
	.id = "id",
	.fields = attachment_fields,
	.edges = attachment_edges,
};
