
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_WAIT_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_WAIT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * A request that waits for the store, as one that limit_req delays: a client
 * that leaves is noticed, and the request goes on in an event of its own.
 */

/*
 * handler  is called when the request has been woken, and at other times
 *
 * NGX_AGAIN; NGX_ERROR: the event could not be added.
 */

ngx_int_t ngx_sendkit_auth_wait_start(ngx_http_request_t *r,
    ngx_http_event_handler_pt handler);

/* has the handler called, later */

void ngx_sendkit_auth_wait_wake(ngx_http_request_t *r);

/* the handler was called and there is still to be waited; as below */

ngx_int_t ngx_sendkit_auth_wait_again(ngx_http_request_t *r);

/*
 * The waiting is over: nothing is read until somebody wants to.  NGX_OK;
 * NGX_ERROR: the request is to be finalized with it.
 */

ngx_int_t ngx_sendkit_auth_wait_done(ngx_http_request_t *r);


#endif /* _NGX_SENDKIT_AUTH_WAIT_H_INCLUDED_ */
