/* SPDX-License-Identifier: Apache-2.0
 *
 * page - the web page, page.html, as it was at build time. Static; nobody frees it.
 */
#ifndef SANDBOX_PAGE_H
#define SANDBOX_PAGE_H

#include <stddef.h>

const char *page_html(size_t *n);

#endif
