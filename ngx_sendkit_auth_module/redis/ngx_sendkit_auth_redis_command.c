
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis_command.h"


#define NGX_SENDKIT_AUTH_REDIS_ERROR_LOGGED  128


ngx_int_t
ngx_sendkit_auth_redis_put(ngx_sendkit_auth_redis_conn_t *conn,
    const sendkit_span_t *args, ngx_uint_t nargs)
{
    size_t      len;
    u_char     *bytes;
    ngx_int_t   rc;

    bytes = ngx_sendkit_auth_redis_codec_encode(args, nargs, &len);
    if (bytes == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_sendkit_auth_redis_conn_write(conn, bytes, len);

    ngx_explicit_memzero(bytes, len);
    ngx_sendkit_auth_redis_codec_done(bytes);

    return rc;
}


ngx_uint_t
ngx_sendkit_auth_redis_auth_args(const ngx_sendkit_auth_redis_login_t *login,
    sendkit_span_t *args)
{
    ngx_uint_t             n;
    static sendkit_span_t  auth = SENDKIT_SPAN("AUTH");

    if (login->password.len == 0) {
        return 0;
    }

    n = 0;
    args[n++] = auth;

    if (login->user.len != 0) {
        args[n++] = ngx_sendkit_auth_redis_span(login->user);
    }

    args[n++] = ngx_sendkit_auth_redis_span(login->password);

    return n;
}


size_t
ngx_sendkit_auth_redis_error_len(sendkit_span_t error, ngx_uint_t secret)
{
    size_t  i, len;

    len = ngx_min(error.len, NGX_SENDKIT_AUTH_REDIS_ERROR_LOGGED);

    if (!secret) {
        return len;
    }

    for (i = 0; i < len; i++) {
        if (memchr("'`\"", error.data[i], 3) != NULL) {
            break;
        }
    }

    return i;
}


ngx_uint_t
ngx_sendkit_auth_redis_is_error(const ngx_sendkit_auth_redis_reply_t *reply,
    const char *prefix)
{
    size_t  len;

    len = ngx_strlen(prefix);

    return reply->type == NGX_SENDKIT_AUTH_REDIS_ERROR
           && reply->values[0].len >= len
           && ngx_memcmp(reply->values[0].data, prefix, len) == 0;
}


/* "# Replication", then a line for each field */

ngx_uint_t
ngx_sendkit_auth_redis_is_master(const ngx_sendkit_auth_redis_reply_t *reply)
{
    const sendkit_span_t  *info;

    info = &reply->values[0];

    return reply->type == NGX_SENDKIT_AUTH_REDIS_STRING
           && ngx_strnstr((u_char *) info->data, "\nrole:master\r",
                          info->len)
              != NULL;
}


sendkit_span_t
ngx_sendkit_auth_redis_span(ngx_str_t str)
{
    sendkit_span_t  span;

    span.data = str.data;
    span.len = str.len;

    return span;
}
