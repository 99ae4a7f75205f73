
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


/* What any connection to Redis says and hears: commands, errors. */

/*
 * Writes a command to a connection, and leaves no copy of it behind.
 * NGX_OK; NGX_ERROR: as ngx_sendkit_auth_redis_conn_write().
 */

ngx_int_t ngx_sendkit_auth_redis_put(ngx_sendkit_auth_redis_conn_t *conn,
    const sendkit_span_t *args, ngx_uint_t nargs);

/*
 * How much of the server's error may be logged; to AUTH it ends before the
 * first quote, which holds arguments, as in "unknown command 'AUTH', with ..."
 */

size_t ngx_sendkit_auth_redis_error_len(sendkit_span_t error,
    ngx_uint_t secret);

/* 1: the reply is an error that begins so, as "NOSCRIPT " */

ngx_uint_t ngx_sendkit_auth_redis_is_error(
    const ngx_sendkit_auth_redis_reply_t *reply, const char *prefix);

sendkit_span_t ngx_sendkit_auth_redis_span(ngx_str_t str);


#endif /* _NGX_SENDKIT_AUTH_REDIS_COMMAND_H_INCLUDED_ */
