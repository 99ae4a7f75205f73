
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_CODEC_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_CODEC_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_resp.h"
#include "../core/sendkit_span.h"


/*
 * RESP2, the Redis serialization protocol, by hiredis.  Knows no socket and
 * no command.  Owned by one connection of the Redis client.
 */

#define NGX_SENDKIT_AUTH_REDIS_ARGS    16
#define NGX_SENDKIT_AUTH_REDIS_VALUES  SENDKIT_RESP_ARRAY_MAX


typedef enum {
    NGX_SENDKIT_AUTH_REDIS_OTHER = 0,   /* none of those below */
    NGX_SENDKIT_AUTH_REDIS_STATUS,
    NGX_SENDKIT_AUTH_REDIS_ERROR,
    NGX_SENDKIT_AUTH_REDIS_NIL,
    NGX_SENDKIT_AUTH_REDIS_STRING,
    NGX_SENDKIT_AUTH_REDIS_INTEGER,
    NGX_SENDKIT_AUTH_REDIS_ARRAY        /* of strings and nils */
} ngx_sendkit_auth_redis_reply_e;


/* one value, or those of an array; a nil is data == NULL */

typedef struct {
    ngx_sendkit_auth_redis_reply_e    type;
    ngx_uint_t                        nvalues;
    sendkit_span_t                    values[NGX_SENDKIT_AUTH_REDIS_VALUES];
    int64_t                           integer;
} ngx_sendkit_auth_redis_reply_t;


typedef struct ngx_sendkit_auth_redis_codec_s  ngx_sendkit_auth_redis_codec_t;


/* an element of a reply, or a whole one */

typedef struct {
    ngx_sendkit_auth_redis_reply_e    type;
    ngx_uint_t                        depth;    /* 0: a whole reply */
    ngx_uint_t                        index;    /* in the array around it */
    sendkit_span_t                    value;
    int64_t                           integer;
} ngx_sendkit_auth_redis_element_t;


/* NGX_OK; NGX_ERROR: it cannot be what was expected */

typedef ngx_int_t (*ngx_sendkit_auth_redis_element_pt)(void *data,
    const ngx_sendkit_auth_redis_element_t *element);


/*
 * Replies are taken one after the other by _reply().  With a handler, which
 * is for messages of Pub/Sub, _feed() calls it for each element as soon as it
 * has come, an array before those that it holds.  None is kept, so there may
 * be any number.  The handler must not call these functions.
 *
 * NULL: no memory
 */

ngx_sendkit_auth_redis_codec_t *ngx_sendkit_auth_redis_codec_create(
    ngx_pool_t *pool, ngx_sendkit_auth_redis_element_pt handler, void *data);

/* Forgets what was fed, for a new connection.  NGX_OK; NGX_ERROR: no memory */

ngx_int_t ngx_sendkit_auth_redis_codec_reset(
    ngx_sendkit_auth_redis_codec_t *codec);

void ngx_sendkit_auth_redis_codec_free(ngx_sendkit_auth_redis_codec_t *codec);

/*
 * Takes bytes from the server, cut anywhere.  NGX_OK; NGX_ERROR: these can
 * be no reply to any of our commands (core/sendkit_resp.h), or the handler
 * says so, or no memory: the connection is to be closed.
 */

ngx_int_t ngx_sendkit_auth_redis_codec_feed(
    ngx_sendkit_auth_redis_codec_t *codec, sendkit_span_t bytes);

/*
 * NGX_OK: the next reply is in *reply, its values valid until the next call
 * on this codec; NGX_AGAIN: it is not complete; NGX_ERROR: as above.
 */

ngx_int_t ngx_sendkit_auth_redis_codec_reply(
    ngx_sendkit_auth_redis_codec_t *codec,
    ngx_sendkit_auth_redis_reply_t *reply);

/*
 * Encodes a command of at most NGX_SENDKIT_AUTH_REDIS_ARGS words.  Returns
 * its bytes, to be given back to ngx_sendkit_auth_redis_codec_done(), and
 * their number in *len; NULL: no memory.
 */

u_char *ngx_sendkit_auth_redis_codec_encode(const sendkit_span_t *args,
    ngx_uint_t nargs, size_t *len);

void ngx_sendkit_auth_redis_codec_done(u_char *command);


#endif /* _NGX_SENDKIT_AUTH_REDIS_CODEC_H_INCLUDED_ */
