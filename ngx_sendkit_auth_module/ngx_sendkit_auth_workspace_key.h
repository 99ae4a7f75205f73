
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_WORKSPACE_KEY_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_WORKSPACE_KEY_H_INCLUDED_


#include "ngx_sendkit_auth_flight.h"


/*
 * The key of a workspace in Redis: which it is, and its replacement, in one
 * atomic step.  For those who change keys: what they read is never shared
 * with somebody who has asked before.
 */

/*
 * Both return what ngx_sendkit_auth_lookup() does, and set result.key or
 * result.script.  After a timeout it is not known whether the change was
 * made, but it was made as a whole or not at all.
 */

ngx_int_t ngx_sendkit_auth_workspace_key_lookup(
    ngx_sendkit_auth_waiter_t *waiter, sendkit_span_t workspace,
    ngx_msec_t timeout);
ngx_int_t ngx_sendkit_auth_workspace_key_change(
    ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_key_change_t *change, ngx_msec_t timeout);


#endif /* _NGX_SENDKIT_AUTH_WORKSPACE_KEY_H_INCLUDED_ */
