
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_ACCESS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_ACCESS_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/*
 * Phase handlers.
 *
 * ACCESS     decides about a client's request, waiting for the store where
 *            it must
 * PREACCESS  refuses subrequests, for which nginx skips ACCESS
 *
 * NGX_DECLINED  not guarded here
 * NGX_OK        forward (ACCESS)
 * NGX_AGAIN     decided later (ACCESS)
 * NGX_DONE      refused, and the request is finalized
 */

ngx_int_t ngx_sendkit_auth_access_handler(ngx_http_request_t *r);
ngx_int_t ngx_sendkit_auth_preaccess_handler(ngx_http_request_t *r);

/* Finds or makes the context and reads the credential; NULL: no memory. */

ngx_sendkit_auth_ctx_t *ngx_sendkit_auth_access_ctx(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf);


#endif /* _NGX_SENDKIT_AUTH_ACCESS_H_INCLUDED_ */
