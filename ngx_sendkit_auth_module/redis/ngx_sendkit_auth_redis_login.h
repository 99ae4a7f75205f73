
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_LOGIN_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_LOGIN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_server.h"


/*
 * As whom a worker logs in, shared by all of its connections to servers that
 * know this user.  The password is the configured one until it is refused:
 * then its file is read again, so that a new one needs no reload.
 */

typedef struct {
    const ngx_sendkit_auth_redis_login_conf_t  *conf;
    ngx_str_t                                   password;   /* in use */
    u_char                                     *buf;        /* its own */
    ngx_uint_t                                  failed;     /* to read it */
} ngx_sendkit_auth_redis_login_t;


/* pool, conf outlive it.  NGX_OK; NGX_ERROR: no memory */

ngx_int_t ngx_sendkit_auth_redis_login_init(
    ngx_sendkit_auth_redis_login_t *login, ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_login_conf_t *conf);

/* leaves no password behind that was read by the worker */

void ngx_sendkit_auth_redis_login_cleanup(
    ngx_sendkit_auth_redis_login_t *login);

/* the words of AUTH, and their number; 0: there is no password */

#define NGX_SENDKIT_AUTH_REDIS_LOGIN_ARGS  3

ngx_uint_t ngx_sendkit_auth_redis_login_args(
    const ngx_sendkit_auth_redis_login_t *login, sendkit_span_t *args);

/*
 * A server has refused it: reads the file again.  Returns 1 if it has another
 * password, which is used from now on; what is wrong with the file is said in
 * the log, once.
 */

ngx_uint_t ngx_sendkit_auth_redis_login_refused(
    ngx_sendkit_auth_redis_login_t *login, ngx_log_t *log);


#endif /* _NGX_SENDKIT_AUTH_REDIS_LOGIN_H_INCLUDED_ */
