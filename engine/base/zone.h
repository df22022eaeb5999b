/* SPDX-License-Identifier: Apache-2.0
 *
 * zone - time zones, read from the system's TZif files (RFC 8536).
 *
 * glibc offers no re-entrant way to ask for a zone other than the process's,
 * so this reader does, including the footer's POSIX TZ rule for years beyond
 * the table.
 * Ownership: zone_load returns a zone that the caller frees; a zone is
 * immutable and may be read by any thread. */
#ifndef TAPPET_BASE_ZONE_H
#define TAPPET_BASE_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/text.h"
#include "engine/base/timetext.h"

struct zone;

/* An IANA name ("Europe/Berlin", "UTC"); NULL when there is no such zone. The
 * name is checked before it becomes a path: letters, digits, "+-_/" only. */
struct zone *zone_load(struct text name);
void zone_free(struct zone *zone);

int32_t zone_offset(const struct zone *zone, int64_t seconds); /* seconds east of UTC */
struct civil zone_civil(const struct zone *zone, int64_t seconds);

enum zone_hit { ZONE_ONCE, ZONE_TWICE, ZONE_GAP };

/* The instant(s) at which clocks of the zone show `c`. ZONE_ONCE: *first;
 * ZONE_TWICE (clocks went back): *first and *second; ZONE_GAP (clocks went
 * forward): *first is the first instant after the gap. */
enum zone_hit zone_instant(const struct zone *zone, const struct civil *c, int64_t *first,
			   int64_t *second);

#endif
