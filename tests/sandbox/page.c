/* SPDX-License-Identifier: Apache-2.0
 *
 * page - page_data.h is page.html as a list of bytes, made by embed.py during the build, so the
 * binary needs no file beside it.
 */
#include "tests/sandbox/page.h"

static const unsigned char page[] = {
#include "page_data.h"
};

const char *page_html(size_t *n)
{
	*n = sizeof(page);
	return (const char *)page;
}
