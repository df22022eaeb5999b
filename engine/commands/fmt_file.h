/* SPDX-License-Identifier: Apache-2.0
 *
 * fmt_file - a file that people keep is read, and replaced as a whole.
 *
 * I1  At each moment the path leads to all of the old text or all of the new one, also after a
 *     crash: the new one is a file of its own, synced, then renamed over the old one.
 * I2  Permissions and owner stay; a link stays one, and the file it leads to is replaced.
 * I3  A file that changed since it was read is left alone, and so is one nobody may write. */
#ifndef TAPPET_COMMANDS_FMT_FILE_H
#define TAPPET_COMMANDS_FMT_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "engine/base/buf.h"

#define FMT_WHY 200 /* bytes of a reason */

/* Both say in `why` what keeps them from it, and return false then. */
bool fmt_file_read(const char *path, struct buf *content, struct stat *was, char why[FMT_WHY]);
bool fmt_file_replace(const char *path, const struct stat *was, struct text content,
		      char why[FMT_WHY]);

#endif
