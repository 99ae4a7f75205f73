
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_COMMAND_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_COMMAND_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_codec.h"
#include "ngx_sendkit_auth_redis_conn.h"
#include "ngx_sendkit_auth_redis_server.h"


/* What any connection to Redis says and hears: commands, logins, errors. */

/*
 * Writes a command to a connection, and leaves no copy of it behind.
 * NGX_OK; NGX_ERROR: as ngx_sendkit_auth_redis_conn_write().
 */

ngx_int_t ngx_sendkit_auth_redis_put(ngx_sendkit_auth_redis_conn_t *conn,
    const sendkit_span_t *args, ngx_uint_t nargs);

/* the words of AUTH, and their number; 0: there is no password */

#define NGX_SENDKIT_AUTH_REDIS_AUTH_ARGS  3

ngx_uint_t ngx_sendkit_auth_redis_auth_args(
    const ngx_sendkit_auth_redis_login_t *login, sendkit_span_t *args);

/*
 * How much of the server's error may be logged; to AUTH it ends before the
 * first quote, which holds arguments, as in "unknown command 'AUTH', with ..."
 */

size_t ngx_sendkit_auth_redis_error_len(sendkit_span_t error,
    ngx_uint_t secret);

/* 1: the reply is an error that begins so, as "NOSCRIPT " */

ngx_uint_t ngx_sendkit_auth_redis_is_error(
    const ngx_sendkit_auth_redis_reply_t *reply, const char *prefix);

/* 1: the reply to INFO replication is that of a master */

ngx_uint_t ngx_sendkit_auth_redis_is_master(
    const ngx_sendkit_auth_redis_reply_t *reply);

sendkit_span_t ngx_sendkit_auth_redis_span(ngx_str_t str);


#endif /* _NGX_SENDKIT_AUTH_REDIS_COMMAND_H_INCLUDED_ */
