
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


sendkit_span_t
ngx_sendkit_auth_redis_span(ngx_str_t str)
{
    sendkit_span_t  span;

    span.data = str.data;
    span.len = str.len;

    return span;
}
