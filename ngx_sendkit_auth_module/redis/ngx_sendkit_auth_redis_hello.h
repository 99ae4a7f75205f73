
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_HELLO_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_HELLO_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_codec.h"
#include "ngx_sendkit_auth_redis_conn.h"
#include "ngx_sendkit_auth_redis_login.h"
#include "ngx_sendkit_auth_redis_server.h"


/*
 * What is said first on a connection.  What follows it need not wait for its
 * replies: they come first, and unless each of them is good the connection is
 * closed.
 */

/* who is talked to */

typedef enum {
    NGX_SENDKIT_AUTH_REDIS_SERVER = 0,  /* AUTH, CLIENT SETNAME, SELECT */
    NGX_SENDKIT_AUTH_REDIS_MASTER,      /* and INFO: it must be one */
    NGX_SENDKIT_AUTH_REDIS_A_SENTINEL,  /* AUTH, CLIENT SETNAME */
    NGX_SENDKIT_AUTH_REDIS_A_CHANNEL    /* the same */
} ngx_sendkit_auth_redis_peer_e;


#define NGX_SENDKIT_AUTH_REDIS_STEPS  4

typedef enum {
    NGX_SENDKIT_AUTH_REDIS_AUTH = 0,
    NGX_SENDKIT_AUTH_REDIS_SETNAME,
    NGX_SENDKIT_AUTH_REDIS_SELECT,
    NGX_SENDKIT_AUTH_REDIS_INFO
} ngx_sendkit_auth_redis_step_e;


typedef struct {
    const ngx_sendkit_auth_redis_conf_t  *conf;
    ngx_sendkit_auth_redis_login_t       *login;
    ngx_sendkit_auth_redis_peer_e         peer;
    ngx_sendkit_auth_redis_step_e         steps[NGX_SENDKIT_AUTH_REDIS_STEPS];
    ngx_uint_t                            nsteps;   /* said */
    ngx_uint_t                            next;     /* not answered yet */
} ngx_sendkit_auth_redis_hello_t;


/* conf, login outlive it */

void ngx_sendkit_auth_redis_hello_init(ngx_sendkit_auth_redis_hello_t *hello,
    const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_peer_e peer,
    ngx_sendkit_auth_redis_login_t *login);

/* Says it.  NGX_OK; NGX_ERROR: as ngx_sendkit_auth_redis_conn_write() */

ngx_int_t ngx_sendkit_auth_redis_hello_say(
    ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_conn_t *conn);

/* 1: the next reply is one to it */

ngx_uint_t ngx_sendkit_auth_redis_hello_waits(
    const ngx_sendkit_auth_redis_hello_t *hello);

/*
 * NGX_OK        the reply is good
 * NGX_DECLINED  it refuses the client, said in the log
 * NGX_AGAIN     the same, but there is another password to be tried now
 * NGX_ERROR     it can be none to that command
 */

ngx_int_t ngx_sendkit_auth_redis_hello_reply(
    ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_reply_e type, sendkit_span_t value,
    ngx_log_t *log);


#endif /* _NGX_SENDKIT_AUTH_REDIS_HELLO_H_INCLUDED_ */
