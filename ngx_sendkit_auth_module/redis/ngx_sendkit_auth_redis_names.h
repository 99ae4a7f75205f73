
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_NAMES_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_NAMES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_redis_server.h"


/*
 * The configured servers as a worker knows them: with a resolver it is asked
 * every second for the addresses of those that have a name (it keeps what is
 * valid, so that costs nothing).  What it does not know stays as it was.
 */

#define NGX_SENDKIT_AUTH_REDIS_ADDRS  16    /* of one name */


/* a server has other addresses now; called by the event loop only */

typedef void (*ngx_sendkit_auth_redis_named_pt)(void *data);


/* addresses, in an order that does not depend on that of an answer */

typedef struct {
    ngx_addr_t                        addrs[NGX_SENDKIT_AUTH_REDIS_ADDRS];
    ngx_sockaddr_t                    sockaddrs[NGX_SENDKIT_AUTH_REDIS_ADDRS];
    u_char                            texts[NGX_SENDKIT_AUTH_REDIS_ADDRS]
                                           [NGX_SOCKADDR_STRLEN];
    ngx_uint_t                        naddrs;
} ngx_sendkit_auth_redis_addrs_t;


typedef struct ngx_sendkit_auth_redis_names_s
    ngx_sendkit_auth_redis_names_t;


typedef struct {
    ngx_sendkit_auth_redis_names_t   *names;
    ngx_sendkit_auth_redis_server_t  *server;
    ngx_sendkit_auth_redis_addrs_t   *addrs;    /* in use */
    ngx_sendkit_auth_redis_addrs_t   *next;     /* those that came */
    ngx_resolver_ctx_t               *ctx;      /* NULL: is not asked for */
    ngx_event_t                       timer;
    ngx_uint_t                        failed;   /* said in the log */
} ngx_sendkit_auth_redis_name_t;


struct ngx_sendkit_auth_redis_names_s {
    const ngx_sendkit_auth_redis_conf_t  *conf;
    ngx_log_t                            *log;
    ngx_sendkit_auth_redis_server_t      *servers;  /* as those of conf */
    ngx_sendkit_auth_redis_name_t        *names;
    ngx_uint_t                            nnames;
    ngx_sendkit_auth_redis_named_pt       handler;
    void                                 *data;
};


/* pool, conf outlive it; log: of the worker.  NGX_OK; NGX_ERROR: no memory */

ngx_int_t ngx_sendkit_auth_redis_names_init(
    ngx_sendkit_auth_redis_names_t *names, ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf, ngx_log_t *log);

/* Begins to ask.  handler: for each change from now on */

void ngx_sendkit_auth_redis_names_start(ngx_sendkit_auth_redis_names_t *names,
    ngx_sendkit_auth_redis_named_pt handler, void *data);

/* the handler is not called afterwards; safe to call twice */

void ngx_sendkit_auth_redis_names_cancel(
    ngx_sendkit_auth_redis_names_t *names);


#endif /* _NGX_SENDKIT_AUTH_REDIS_NAMES_H_INCLUDED_ */
