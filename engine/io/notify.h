/* SPDX-License-Identifier: Apache-2.0
 *
 * notify - telling the service manager how we are: the datagrams of sd_notify(3), without
 * its library.
 *
 * Under no manager (NOTIFY_SOCKET is not set) nothing is told, and nothing is wrong. */
#ifndef TAPPET_IO_NOTIFY_H
#define TAPPET_IO_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* Lines like "READY=1" or "STATUS=text". False: nobody was told. */
bool notify_send(const char *lines);

/* How often the manager wants to hear "WATCHDOG=1", in ms; 0: it doesn't
 * (sd_watchdog_enabled(3)). */
int64_t notify_watchdog(void);

#endif
