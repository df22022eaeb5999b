/* SPDX-License-Identifier: Apache-2.0
 *
 * mark - a fingerprint of a file or folder: whether it is as it was.
 *
 * Of the path, and of size, modification time and inode of the file, or of all files beneath the
 * folder. Marks of several paths are added up. Who reads a file takes its mark before: what is
 * written meanwhile then differs from it. */
#ifndef TAPPET_BASE_MARK_H
#define TAPPET_BASE_MARK_H

#include <stdint.h>

#include "engine/base/text.h"

uint64_t mark_of(struct text path); /* 0: there is none */

#endif
