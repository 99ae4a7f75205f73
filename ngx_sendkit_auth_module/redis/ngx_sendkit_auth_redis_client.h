
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_CLIENT_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_CLIENT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_decision.h"
#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_codec.h"
#include "ngx_sendkit_auth_redis_hello.h"
#include "ngx_sendkit_auth_redis_login.h"
#include "ngx_sendkit_auth_redis_server.h"


/*
 * A worker's client of one server: commands go out over one connection, in
 * one write a turn of the event loop; replies are matched in order.  The
 * connection is opened by a command that needs it, never from inside a
 * handler, and after a failure not before a pause (core/sendkit_backoff.h).
 * When it has failed several times, one command at a time tries it.
 */

typedef struct ngx_sendkit_auth_redis_client_s
    ngx_sendkit_auth_redis_client_t;


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


/* pool, conf, login outlive it; log: of the worker.  NULL: no memory */

ngx_sendkit_auth_redis_client_t *ngx_sendkit_auth_redis_client_create(
    ngx_pool_t *pool, const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_peer_e peer,
    ngx_sendkit_auth_redis_login_t *login, ngx_log_t *log);

/*
 * The server it is to talk to from now on, kept by the caller.  Commands that
 * are under way fail, by SENDKIT_STORE_DOWN; their handlers are called.
 */

void ngx_sendkit_auth_redis_client_move(
    ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_server_t *server);

/*
 * Sends a command.
 *
 * bytes   of it, encoded
 * asking  its key is on its way to this server (Redis Cluster, "ASKING")
 *
 * NGX_AGAIN     the handler is called later, exactly once
 * NGX_DECLINED  the server is down
 * NGX_ERROR     no memory, or too much is waiting to be sent
 *
 * With the last two the handler is not called.
 */

ngx_int_t ngx_sendkit_auth_redis_client_send(
    ngx_sendkit_auth_redis_client_t *client, sendkit_span_t bytes,
    ngx_uint_t asking, ngx_sendkit_auth_redis_reply_pt handler, void *data);

/* a number for the address that it talks to, or would */

uint32_t ngx_sendkit_auth_redis_client_addr(
    const ngx_sendkit_auth_redis_client_t *client);

/* the IP that it talks to, written to buf: NGX_SOCKADDR_STRLEN bytes */

sendkit_span_t ngx_sendkit_auth_redis_client_ip(
    const ngx_sendkit_auth_redis_client_t *client, u_char *buf);

/* no handler is called afterwards */

void ngx_sendkit_auth_redis_client_close(
    ngx_sendkit_auth_redis_client_t *client);


#endif /* _NGX_SENDKIT_AUTH_REDIS_CLIENT_H_INCLUDED_ */
