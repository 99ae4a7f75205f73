
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_INVALIDATION_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_INVALIDATION_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_flight.h"


/*
 * The subscriber of an nginx instance, in its first worker: passes on what
 * Redis tells to the cache, and vouches for the channel by PING, so that no
 * worker trusts the cache for longer than the lease after it was lost.
 *
 * closed -> subscribed -> trusted -> closed
 */

/*
 * For a worker's start and end; pool and conf outlive it.  Does nothing
 * without a cache, and in workers that are not the first.
 *
 * NGX_OK; NGX_ERROR: no memory.
 */

ngx_int_t ngx_sendkit_auth_invalidation_init(ngx_pool_t *pool,
    const ngx_sendkit_auth_lookup_conf_t *conf, ngx_log_t *log);
void ngx_sendkit_auth_invalidation_cleanup(void);


#endif /* _NGX_SENDKIT_AUTH_INVALIDATION_H_INCLUDED_ */
