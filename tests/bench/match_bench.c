/* SPDX-License-Identifier: Apache-2.0
 *
 * match_bench - how fast one thread takes events through a rule set, stage by stage: simdjson's
 * parse alone, our parse into values, and parse and match together.
 *
 *   bench-match CONFIG RULES EVENTS.jsonl [SECONDS]
 *
 * Prints one line of name and value pairs. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "engine/base/limits.h"
#include "engine/commands/event_line.h"
#include "engine/commands/lines.h"
#include "engine/rules/index.h"
#include "engine/rules/reader.h"
#include "engine/value/parse.h"
#include "engine/value/tape.h"
