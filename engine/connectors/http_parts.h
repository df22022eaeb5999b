/* SPDX-License-Identifier: Apache-2.0
 *
 * http_parts - what the files of the http connector share.
 *
 * Ownership: as connector.h says. */
#ifndef TAPPET_CONNECTORS_HTTP_PARTS_H
#define TAPPET_CONNECTORS_HTTP_PARTS_H

#include "engine/connectors/connector.h"

/* ---- http.c ---- */

/* Adds a map of headers to a request; those that are the client's own are refused. */
enum fate http_headers(struct call *call, struct request *out, struct value headers);

/* FATE_REJECT for what can't name a further header of the request. */
enum fate http_header_name(struct call *call, const struct request *out, struct text name);
bool http_header_value(struct text t);

/* ---- http_auth.c ---- */

/* A user and a password, of a connection or of a step. */
extern const struct param http_basic_members[];

/* What the parameter `auth` takes, and what it does to the request; null: nothing. */
extern const struct param http_auth_members[];
enum fate http_auth(struct call *call, struct request *out, struct value auth);

/* ---- http_link.c ---- */

/* Resolves a reference to the next page (RFC 3986, 5.2; a path without "." and ".." segments)
 * against `asked`, the path and query of this page beneath the connection's base_url. *rest is the
 * next page's, beneath it as well. FATE_RETRY with call->why when it leads elsewhere. */
enum fate http_next(struct call *call, struct text asked, struct text reference, struct text *rest);

/* The target of rel="next" in Link fields (RFC 8288); empty when there is none. FATE_RETRY when
 * they can't be read. */
enum fate http_link_next(struct call *call, struct text fields, struct text *target);

/* ---- http_list.c ---- */

extern const struct resource http_list;

#endif
