
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_HEADERS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_HEADERS_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/* Reads request headers, and decides which of them go to the upstream. */

/*
 * The headers of an identity but for their values, which the configuration of
 * a location holds.  NULL: no memory.
 */

ngx_table_elt_t *ngx_sendkit_auth_headers_init(ngx_pool_t *pool);

/*
 * Fills the credential, the workspace asked for and the sign of a CORS
 * preflight from the request's headers.  bearer: Authorization counts.
 */

void ngx_sendkit_auth_headers_read(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, ngx_uint_t bearer);

/*
 * Replaces the request's headers by those for the upstream: without what a
 * client may not say, with the identity when the request was allowed.  ctx is
 * NULL for a subrequest, which has no identity.
 *
 * NGX_OK; NGX_ERROR: no memory, the headers are as they were.
 */

ngx_int_t ngx_sendkit_auth_headers_forward(ngx_http_request_t *r,
    const ngx_sendkit_auth_ctx_t *ctx,
    const ngx_sendkit_auth_loc_conf_t *sacf);

/*
 * Adds a header to a list of request headers.
 *
 * names  as sent, and in lower case; they and the value outlive the list
 *
 * NGX_OK; NGX_ERROR: no memory.
 */

ngx_int_t ngx_sendkit_auth_headers_add(ngx_list_t *headers,
    const ngx_str_t *names, sendkit_span_t value);


#endif /* _NGX_SENDKIT_AUTH_HEADERS_H_INCLUDED_ */
