
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_client.h"
#include "ngx_sendkit_auth_redis_command.h"
#include "ngx_sendkit_auth_redis_masters.h"
#include "ngx_sendkit_auth_redis_server.h"


/*
 * Redis as a worker sees it: one server, the master that Sentinels name, or a
 * cluster.  Sends a command to the master that has its key, again where that
 * has moved, and once more if the connection was lost and it only reads.
 */

typedef struct ngx_sendkit_auth_redis_s  ngx_sendkit_auth_redis_t;


/*
 * Other masters than before may have keys, and may not have told of changes.
 * Called by the event loop only; must not call the client.
 */

typedef void (*ngx_sendkit_auth_redis_changed_pt)(void *data);


typedef struct {
    ngx_queue_t                        queue;
    ngx_sendkit_auth_redis_changed_pt  handler;
    void                              *data;
} ngx_sendkit_auth_redis_watcher_t;


typedef struct {
    const sendkit_span_t             *words;    /* at most _REDIS_ARGS */
    ngx_uint_t                        nwords;
    sendkit_span_t                    key;      /* that it is for */
    ngx_uint_t                        reads;    /* 1: and does nothing else */
} ngx_sendkit_auth_redis_query_t;


/*
 * pool, conf  outlive the client
 * log         of the worker
 *
 * NULL: no memory.
 */

ngx_sendkit_auth_redis_t *ngx_sendkit_auth_redis_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf, ngx_log_t *log);

/* Has it told, too, when the masters have changed. */

void ngx_sendkit_auth_redis_watch(ngx_sendkit_auth_redis_t *redis,
    ngx_sendkit_auth_redis_watcher_t *watcher);

/*
 * Sends a command.
 *
 * NGX_AGAIN     the handler is called later, exactly once
 * NGX_DECLINED  the server is down
 * NGX_ERROR     no memory, too many commands are under way, or too much is
 *               waiting to be sent
 *
 * With the last two the handler is not called.  It must not call the client.
 */

ngx_int_t ngx_sendkit_auth_redis_send(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_query_t *query,
    ngx_sendkit_auth_redis_reply_pt handler, void *data);

ngx_sendkit_auth_redis_masters_t *ngx_sendkit_auth_redis_masters(
    ngx_sendkit_auth_redis_t *redis);

/* no handler is called afterwards */

void ngx_sendkit_auth_redis_close(ngx_sendkit_auth_redis_t *redis);


#endif /* _NGX_SENDKIT_AUTH_REDIS_H_INCLUDED_ */
