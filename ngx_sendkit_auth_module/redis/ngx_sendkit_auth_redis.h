
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_decision.h"
#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_codec.h"
#include "ngx_sendkit_auth_redis_conn.h"


/*
 * A worker's Redis client: commands go out over one connection, in one write
 * a turn of the event loop; replies are matched in order.  The connection is
 * opened by a command that needs it, never from inside a handler, and after
 * a failure not before a pause (core/sendkit_backoff.h).
 */

typedef struct {
    ngx_addr_t                       *addrs;    /* tried in turn */
    ngx_uint_t                        naddrs;
    ngx_str_t                         db;       /* its number, in digits */
    ngx_str_t                         user;
    ngx_str_t                         password;
    ngx_msec_t                        connect_timeout;
    ngx_msec_t                        read_timeout;
} ngx_sendkit_auth_redis_conf_t;


typedef struct ngx_sendkit_auth_redis_s  ngx_sendkit_auth_redis_t;


/*
 * store  SENDKIT_STORE_OK: *reply is the server's, not an error, valid until
 *        the handler returns; otherwise the log says why, and reply is NULL,
 *        or the server's error
 *
 * Returns NGX_OK; NGX_ERROR when the reply cannot be one to the command: the
 * connection is then closed, for no reply on it can be trusted any more.
 *
 * The handler must not call the client.
 */

typedef ngx_int_t (*ngx_sendkit_auth_redis_reply_pt)(void *data,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply);


/*
 * pool, conf  outlive the client
 * log         of the worker
 *
 * NULL: no memory.
 */

ngx_sendkit_auth_redis_t *ngx_sendkit_auth_redis_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf, ngx_log_t *log);

/*
 * Sends a command of at most NGX_SENDKIT_AUTH_REDIS_ARGS words.
 *
 * NGX_AGAIN     the handler is called later, exactly once
 * NGX_DECLINED  the server is down
 * NGX_ERROR     no memory, or too much is waiting to be sent
 *
 * With the last two the handler is not called.
 */

ngx_int_t ngx_sendkit_auth_redis_send(ngx_sendkit_auth_redis_t *redis,
    const sendkit_span_t *args, ngx_uint_t nargs,
    ngx_sendkit_auth_redis_reply_pt handler, void *data);

/* 1 for an error that says that a script has to be sent again, by EVAL */

ngx_uint_t ngx_sendkit_auth_redis_is_noscript(
    const ngx_sendkit_auth_redis_reply_t *reply);

/* which of conf->addrs the connection leads to, or did last */

ngx_uint_t ngx_sendkit_auth_redis_server(
    const ngx_sendkit_auth_redis_t *redis);

/* no handler is called afterwards */

void ngx_sendkit_auth_redis_close(ngx_sendkit_auth_redis_t *redis);

/*
 * For whoever has a connection: writes a command to it, and leaves no copy of
 * it behind.  NGX_OK; NGX_ERROR: as ngx_sendkit_auth_redis_conn_write().
 */

ngx_int_t ngx_sendkit_auth_redis_put(ngx_sendkit_auth_redis_conn_t *conn,
    const sendkit_span_t *args, ngx_uint_t nargs);

/*
 * How much of the server's error may be logged; to AUTH it ends before the
 * first quote, which holds arguments, as in "unknown command 'AUTH', with ..."
 */

size_t ngx_sendkit_auth_redis_error_len(sendkit_span_t error,
    ngx_uint_t secret);

/* the words of AUTH, and their number; 0: there is no password */

#define NGX_SENDKIT_AUTH_REDIS_AUTH_ARGS  3

ngx_uint_t ngx_sendkit_auth_redis_auth_args(
    const ngx_sendkit_auth_redis_conf_t *conf, sendkit_span_t *args);


#endif /* _NGX_SENDKIT_AUTH_REDIS_H_INCLUDED_ */
