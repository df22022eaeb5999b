/* SPDX-License-Identifier: Apache-2.0
 *
 * http_secure - see http_secure.h. */
#include "engine/io/http_secure.h"

#include <assert.h>
#include <stdint.h>

bool http_secure(CURL *easy, const char *protocols)
{
	assert(easy != NULL && protocols != NULL);
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
		   CURLE_OK;
}

/* The system's folder of authorities would be trusted beside the given ones. */
bool http_authorities(CURL *easy, struct text ca)
{
	struct curl_blob blob = { .data = (void *)(uintptr_t)ca.s,
				  .len = ca.n,
				  .flags = CURL_BLOB_COPY };

	assert(easy != NULL);
	return ca.n == 0 || (curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
			     curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK &&
			     curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob) == CURLE_OK &&
			     curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL) == CURLE_OK);
}
