
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_ZONE_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_digest.h"
#include "ngx_sendkit_auth_cache.h"


/*
 * The shared memory zone of the cache.  After a reload it is kept with all
 * that is in it if the configuration has the same fingerprint, and else a
 * new one is made, so that workers whose answers may differ never share one.
 */

/*
 * For the configuration of a cycle: cf->pool, conf live as long as it.
 *
 * fingerprint  of all that decides what an entry says, and how long it may
 * cache        is usable in the workers of the cycle
 *
 * NGX_OK; NGX_ERROR: no memory, said in the log.
 */

ngx_int_t ngx_sendkit_auth_zone_add(ngx_conf_t *cf, ngx_str_t *name,
    size_t size, const sendkit_digest_t *fingerprint,
    ngx_sendkit_auth_cache_t *cache, void *tag);


#endif /* _NGX_SENDKIT_AUTH_ZONE_H_INCLUDED_ */
