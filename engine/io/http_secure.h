/* SPDX-License-Identifier: Apache-2.0
 *
 * http_secure - what every handle of libcurl's begins with, for HTTP and for mail:
 * nothing ambient, TLS verified. */
#ifndef TAPPET_IO_HTTP_SECURE_H
#define TAPPET_IO_HTTP_SECURE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "engine/base/text.h"

/* Proxies of the environment, other protocols than these ("http,https") and redirects off (.netrc
 * is by default); TLS at least 1.2. False when libcurl can't. */
bool http_secure(CURL *easy, const char *protocols);

/* PEM: these authorities instead of the system's, also for a proxy; empty: those. */
bool http_authorities(CURL *easy, struct text ca);

#endif
