/* SPDX-License-Identifier: Apache-2.0
 *
 * yaml_write - values as YAML that people read and the rules' reader takes.
 *
 * Maps and lists in blocks, short ones of scalars in one line; texts in double
 * quotes unless they are plain words.
 * Ownership: none. */
#ifndef TAPPET_COMMANDS_YAML_WRITE_H
#define TAPPET_COMMANDS_YAML_WRITE_H

#include "engine/base/buf.h"
#include "engine/value/value.h"

/* What follows "key:" or "-": " VALUE\n" in one line, or a block that is `indent` deep. */
void yaml_write(struct buf *out, struct value v, unsigned indent);

/* A text as a scalar, without a line's end. */
void yaml_write_text(struct buf *out, struct text t);

void yaml_write_indent(struct buf *out, unsigned indent);

#endif
