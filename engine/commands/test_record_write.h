/* SPDX-License-Identifier: Apache-2.0
 *
 * test_record_write - a recording as a `tests:` entry, redacted. */
#ifndef TAPPET_COMMANDS_TEST_RECORD_WRITE_H
#define TAPPET_COMMANDS_TEST_RECORD_WRITE_H

#include "engine/commands/test_record.h"

/* The entry with what it expects. False after a message. */
bool record_write(struct recording *r, struct buf *out, struct value expect);

/* An entry of `expect`: the step with those of its parameters in which nothing would be replaced.
 */
struct value record_expected(struct recording *r, struct text name, struct value params);

#endif
