
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_ORIGIN_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_ORIGIN_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/*
 * Asks the origin for the record or the role that the request waits for, by
 * a subrequest in the background: neither the answer to the client nor those
 * who wait for the same have to wait for it longer than they would.  Its
 * answer goes to the lookup.
 */

void ngx_sendkit_auth_origin_ask(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx);

/* 1 for such a subrequest */

ngx_uint_t ngx_sendkit_auth_origin_is_question(ngx_http_request_t *r);


#endif /* _NGX_SENDKIT_AUTH_ORIGIN_H_INCLUDED_ */
