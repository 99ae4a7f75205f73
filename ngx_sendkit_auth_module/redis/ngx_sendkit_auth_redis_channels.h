
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_CHANNELS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_CHANNELS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis.h"
#include "ngx_sendkit_auth_redis_channel.h"


/*
 * The channels to all masters, which are one for their owner, the subscriber
 * of an nginx instance: subscribed when each is, lost as soon as one is, or
 * as there are other masters; the others are closed then.
 */

typedef struct ngx_sendkit_auth_channels_s  ngx_sendkit_auth_channels_t;


/* as ngx_sendkit_auth_channel_create(); redis outlives them, too */

ngx_sendkit_auth_channels_t *ngx_sendkit_auth_channels_create(
    ngx_pool_t *pool, const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_t *redis, const sendkit_span_t *prefixes,
    const ngx_sendkit_auth_channel_handlers_t *handlers, void *data,
    ngx_log_t *log);

/*
 * NGX_OK: one of the handlers is called later; NGX_DECLINED: no master is
 * known yet; NGX_ERROR: it failed at once.
 */

ngx_int_t ngx_sendkit_auth_channels_open(
    ngx_sendkit_auth_channels_t *channels);

/* as for one channel */

void ngx_sendkit_auth_channels_ping(ngx_sendkit_auth_channels_t *channels,
    ngx_msec_t timeout);
void ngx_sendkit_auth_channels_close(ngx_sendkit_auth_channels_t *channels);

/* as ngx_sendkit_auth_redis_masters_id(), of those they lead to, or did last */

uint32_t ngx_sendkit_auth_channels_servers(
    const ngx_sendkit_auth_channels_t *channels);


#endif /* _NGX_SENDKIT_AUTH_REDIS_CHANNELS_H_INCLUDED_ */
