
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_CHANNEL_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_CHANNEL_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_login.h"
#include "ngx_sendkit_auth_redis_server.h"


/*
 * The channel on which a server tells what has changed: one connection on
 * which broadcasting CLIENT TRACKING is redirected to itself, where its
 * messages come by Pub/Sub (RESP2).
 *
 * open -> subscribed -> (invalidated | flushed | pong)* -> lost
 */

typedef enum {
    NGX_SENDKIT_AUTH_CHANNEL_FAILED = 0,    /* said in the log */
    NGX_SENDKIT_AUTH_CHANNEL_NO_TRACKING    /* the server has none */
} ngx_sendkit_auth_lost_e;


/*
 * Called by the event loop only, never from inside a call of a function; must
 * not open or close the channel.
 */

typedef struct {
    /* whatever changes from now on is told */
    void                      (*subscribed)(void *data);

    /* the key of that name has changed */
    void                      (*invalidated)(void *data, sendkit_span_t name);

    /* any key may have */
    void                      (*flushed)(void *data);

    /* the PING is answered, and what the server wrote before was read */
    void                      (*pong)(void *data);

    /* the PING is refused, for now: it says nothing */
    void                      (*unanswered)(void *data);

    /* the worker exits; NGX_AGAIN: it is closed later, NGX_OK: now */
    ngx_int_t                 (*exiting)(void *data);

    /* it is closed */
    void                      (*lost)(void *data,
                                  ngx_sendkit_auth_lost_e why);
} ngx_sendkit_auth_channel_handlers_t;


typedef struct ngx_sendkit_auth_channel_s  ngx_sendkit_auth_channel_t;


/*
 * pool, conf, login, prefixes, handlers  outlive the channel
 * prefixes   of the names of keys, none of which begins with another one
 * log        of the worker
 *
 * NULL: no memory.
 */

#define NGX_SENDKIT_AUTH_CHANNEL_PREFIXES  4

ngx_sendkit_auth_channel_t *ngx_sendkit_auth_channel_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_login_t *login, const sendkit_span_t *prefixes,
    const ngx_sendkit_auth_channel_handlers_t *handlers, void *data,
    ngx_log_t *log);

/*
 * server  kept by the caller
 *
 * NGX_OK: one of the handlers is called later; NGX_ERROR: it failed at once.
 */

ngx_int_t ngx_sendkit_auth_channel_open(ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_server_t *server);

/*
 * For a channel that is subscribed, and has no PING under way.
 *
 * timeout  ms; the channel is lost unless the pong comes before
 */

void ngx_sendkit_auth_channel_ping(ngx_sendkit_auth_channel_t *channel,
    ngx_msec_t timeout);

/* a number for the address that it leads to, or did last */

uint32_t ngx_sendkit_auth_channel_addr(
    const ngx_sendkit_auth_channel_t *channel);

/* no handler is called afterwards; safe to call twice */

void ngx_sendkit_auth_channel_close(ngx_sendkit_auth_channel_t *channel);


#endif /* _NGX_SENDKIT_AUTH_REDIS_CHANNEL_H_INCLUDED_ */
