
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/sendkit_backoff.h"
#include "ngx_sendkit_auth_redis.h"
#include "ngx_sendkit_auth_redis_conn.h"


#define NGX_SENDKIT_AUTH_REDIS_ERROR_LOGGED  128


/* a command whose reply has not come; without a handler, of the handshake */

typedef struct {
    ngx_queue_t                           queue;
    ngx_msec_t                            deadline;
    ngx_sendkit_auth_redis_reply_pt       handler;
    void                                 *data;
} ngx_sendkit_auth_redis_command_t;


struct ngx_sendkit_auth_redis_s {
    const ngx_sendkit_auth_redis_conf_t  *conf;
    ngx_sendkit_auth_redis_conn_t         conn;
    ngx_sendkit_auth_redis_codec_t       *codec;
    ngx_pool_t                           *pool;

    ngx_queue_t                           commands;     /* as sent */
    ngx_queue_t                           free;

    ngx_uint_t                            failures;     /* in a row */
    ngx_msec_t                            retry;        /* not before */
};


static ngx_int_t ngx_sendkit_auth_redis_open(ngx_sendkit_auth_redis_t *redis);
static ngx_int_t ngx_sendkit_auth_redis_handshake(
    ngx_sendkit_auth_redis_t *redis);
static ngx_int_t ngx_sendkit_auth_redis_select(
    ngx_sendkit_auth_redis_t *redis);
static ngx_int_t ngx_sendkit_auth_redis_write(ngx_sendkit_auth_redis_t *redis,
    const sendkit_span_t *args, ngx_uint_t nargs,
    ngx_sendkit_auth_redis_reply_pt handler, void *data);

static ngx_int_t ngx_sendkit_auth_redis_read(void *data,
    sendkit_span_t bytes);
static ngx_int_t ngx_sendkit_auth_redis_drained(
    ngx_sendkit_auth_redis_t *redis);
static ngx_int_t ngx_sendkit_auth_redis_reply(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_log_error(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_rearm(ngx_sendkit_auth_redis_t *redis);
static void ngx_sendkit_auth_redis_lost(void *data, sendkit_store_e why);
static void ngx_sendkit_auth_redis_pause(ngx_sendkit_auth_redis_t *redis);

static ngx_sendkit_auth_redis_command_t *ngx_sendkit_auth_redis_oldest(
    ngx_sendkit_auth_redis_t *redis);
static ngx_sendkit_auth_redis_command_t *ngx_sendkit_auth_redis_alloc(
    ngx_sendkit_auth_redis_t *redis);
static void ngx_sendkit_auth_redis_free(ngx_sendkit_auth_redis_t *redis,
    ngx_sendkit_auth_redis_command_t *command);
static sendkit_span_t ngx_sendkit_auth_redis_span(ngx_str_t str);


static const sendkit_span_t  ngx_sendkit_auth_redis_ok = SENDKIT_SPAN("OK");


ngx_sendkit_auth_redis_t *
ngx_sendkit_auth_redis_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf, ngx_log_t *log)
{
    ngx_sendkit_auth_redis_t  *redis;

    redis = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_redis_t));
    if (redis == NULL) {
        return NULL;
    }

    redis->codec = ngx_sendkit_auth_redis_codec_create(pool, NULL, NULL);
    if (redis->codec == NULL) {
        return NULL;
    }

    redis->conf = conf;
    redis->pool = pool;

    ngx_queue_init(&redis->commands);
    ngx_queue_init(&redis->free);

    ngx_sendkit_auth_redis_conn_init(&redis->conn, log);

    redis->conn.read_handler = ngx_sendkit_auth_redis_read;
    redis->conn.lost_handler = ngx_sendkit_auth_redis_lost;
    redis->conn.data = redis;

    return redis;
}


ngx_int_t
ngx_sendkit_auth_redis_send(ngx_sendkit_auth_redis_t *redis,
    const sendkit_span_t *args, ngx_uint_t nargs,
    ngx_sendkit_auth_redis_reply_pt handler, void *data)
{
    ngx_int_t  rc;

    if (!ngx_sendkit_auth_redis_conn_is_open(&redis->conn)) {

        rc = ngx_sendkit_auth_redis_open(redis);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_sendkit_auth_redis_write(redis, args, nargs, handler, data);
}


ngx_uint_t
ngx_sendkit_auth_redis_server(const ngx_sendkit_auth_redis_t *redis)
{
    return redis->conn.addr;
}


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
ngx_sendkit_auth_redis_auth_args(const ngx_sendkit_auth_redis_conf_t *conf,
    sendkit_span_t *args)
{
    ngx_uint_t             n;
    static sendkit_span_t  auth = SENDKIT_SPAN("AUTH");

    if (conf->password.len == 0) {
        return 0;
    }

    n = 0;
    args[n++] = auth;

    if (conf->user.len != 0) {
        args[n++] = ngx_sendkit_auth_redis_span(conf->user);
    }

    args[n++] = ngx_sendkit_auth_redis_span(conf->password);

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
ngx_sendkit_auth_redis_is_noscript(
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    static const sendkit_span_t  noscript = SENDKIT_SPAN("NOSCRIPT ");

    return reply->type == NGX_SENDKIT_AUTH_REDIS_ERROR
           && reply->values[0].len >= noscript.len
           && ngx_memcmp(reply->values[0].data, noscript.data, noscript.len)
              == 0;
}


void
ngx_sendkit_auth_redis_close(ngx_sendkit_auth_redis_t *redis)
{
    ngx_sendkit_auth_redis_conn_close(&redis->conn);
    ngx_sendkit_auth_redis_codec_free(redis->codec);
}


static ngx_int_t
ngx_sendkit_auth_redis_open(ngx_sendkit_auth_redis_t *redis)
{
    if (redis->failures != 0
        && (ngx_msec_int_t) (redis->retry - ngx_current_msec) > 0)
    {
        return NGX_DECLINED;
    }

    if (ngx_sendkit_auth_redis_codec_reset(redis->codec) != NGX_OK) {
        return NGX_ERROR;
    }

    redis->conn.log.action = NULL;

    /* a failure until the server has given a good reply */

    redis->failures++;

    if (ngx_sendkit_auth_redis_conn_open(&redis->conn,
                                         redis->conf->addrs,
                                         redis->conf->naddrs,
                                         redis->conf->connect_timeout)
        != NGX_OK)
    {
        ngx_sendkit_auth_redis_pause(redis);
        return NGX_DECLINED;
    }

    if (ngx_sendkit_auth_redis_handshake(redis) != NGX_OK) {
        ngx_sendkit_auth_redis_conn_close(&redis->conn);
        ngx_sendkit_auth_redis_lost(redis, SENDKIT_STORE_ERROR);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * What follows the handshake need not wait for its replies: they come first,
 * and unless each of them is "+OK" the connection is closed.
 */

static ngx_int_t
ngx_sendkit_auth_redis_handshake(ngx_sendkit_auth_redis_t *redis)
{
    ngx_uint_t      n;
    sendkit_span_t  args[NGX_SENDKIT_AUTH_REDIS_AUTH_ARGS];

    n = ngx_sendkit_auth_redis_auth_args(redis->conf, args);

    if (n != 0
        && ngx_sendkit_auth_redis_write(redis, args, n, NULL, NULL)
           != NGX_AGAIN)
    {
        return NGX_ERROR;
    }

    if (redis->conf->db.len != 0
        && ngx_sendkit_auth_redis_select(redis) != NGX_AGAIN)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_select(ngx_sendkit_auth_redis_t *redis)
{
    sendkit_span_t         args[2];
    static sendkit_span_t  select = SENDKIT_SPAN("SELECT");

    args[0] = select;
    args[1] = ngx_sendkit_auth_redis_span(redis->conf->db);

    return ngx_sendkit_auth_redis_write(redis, args, 2, NULL, NULL);
}


static ngx_int_t
ngx_sendkit_auth_redis_write(ngx_sendkit_auth_redis_t *redis,
    const sendkit_span_t *args, ngx_uint_t nargs,
    ngx_sendkit_auth_redis_reply_pt handler, void *data)
{
    ngx_sendkit_auth_redis_command_t  *command;

    command = ngx_sendkit_auth_redis_alloc(redis);
    if (command == NULL) {
        return NGX_ERROR;
    }

    if (ngx_sendkit_auth_redis_put(&redis->conn, args, nargs) != NGX_OK) {
        ngx_sendkit_auth_redis_free(redis, command);
        return NGX_ERROR;
    }

    command->handler = handler;
    command->data = data;
    command->deadline = ngx_current_msec + redis->conf->read_timeout;

    if (redis->conn.connecting) {
        command->deadline += redis->conf->connect_timeout;
    }

    ngx_queue_insert_tail(&redis->commands, &command->queue);
    ngx_sendkit_auth_redis_rearm(redis);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_sendkit_auth_redis_read(void *data, sendkit_span_t bytes)
{
    ngx_int_t                        rc;
    ngx_sendkit_auth_redis_t        *redis;
    ngx_sendkit_auth_redis_reply_t   reply;

    redis = data;

    rc = ngx_sendkit_auth_redis_codec_feed(redis->codec, bytes);

    while (rc == NGX_OK) {

        rc = ngx_sendkit_auth_redis_codec_reply(redis->codec, &reply);

        if (rc == NGX_AGAIN) {
            return ngx_sendkit_auth_redis_drained(redis);
        }

        if (rc == NGX_OK) {
            rc = ngx_sendkit_auth_redis_reply(redis, &reply);
        }
    }

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, &redis->conn.log, 0,
                      "redis sent unacceptable reply");
    }

    ngx_sendkit_auth_redis_conn_close(&redis->conn);
    ngx_sendkit_auth_redis_lost(redis, SENDKIT_STORE_ERROR);

    return NGX_ERROR;
}


/* a worker that exits gives up its connection after the last reply */

static ngx_int_t
ngx_sendkit_auth_redis_drained(ngx_sendkit_auth_redis_t *redis)
{
    if (!ngx_exiting || !ngx_queue_empty(&redis->commands)) {
        return NGX_OK;
    }

    ngx_sendkit_auth_redis_conn_close(&redis->conn);

    return NGX_ERROR;
}


/*
 * NGX_OK        matched to its command
 * NGX_DECLINED  the handshake was refused, said in the log
 * NGX_ERROR     no command waits for it, or it is none to that command
 */

static ngx_int_t
ngx_sendkit_auth_redis_reply(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_int_t                          rc;
    ngx_sendkit_auth_redis_command_t  *command;

    if (reply->type == NGX_SENDKIT_AUTH_REDIS_ERROR
        && !ngx_sendkit_auth_redis_is_noscript(reply))
    {
        ngx_sendkit_auth_redis_log_error(redis, reply);
    }

    command = ngx_sendkit_auth_redis_oldest(redis);

    if (command == NULL) {
        return NGX_ERROR;
    }

    if (command->handler == NULL
        && (reply->type != NGX_SENDKIT_AUTH_REDIS_STATUS
            || !sendkit_span_equal(reply->values[0],
                                   ngx_sendkit_auth_redis_ok)))
    {
        return NGX_DECLINED;
    }

    ngx_queue_remove(&command->queue);
    ngx_sendkit_auth_redis_rearm(redis);

    rc = NGX_OK;

    if (command->handler == NULL) {

        /* void */

    } else if (reply->type == NGX_SENDKIT_AUTH_REDIS_ERROR) {
        rc = command->handler(command->data, SENDKIT_STORE_ERROR, reply);

    } else {
        rc = command->handler(command->data, SENDKIT_STORE_OK, reply);

        if (rc == NGX_OK) {
            redis->failures = 0;
        }
    }

    ngx_sendkit_auth_redis_free(redis, command);

    return rc;
}


static void
ngx_sendkit_auth_redis_log_error(ngx_sendkit_auth_redis_t *redis,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    size_t                             len;
    ngx_uint_t                         auth;
    ngx_sendkit_auth_redis_command_t  *command;

    command = ngx_sendkit_auth_redis_oldest(redis);
    auth = command != NULL && command->handler == NULL;

    if (auth) {
        redis->conn.log.action = "authenticating";
    }

    len = ngx_sendkit_auth_redis_error_len(reply->values[0], auth);

    ngx_log_error(NGX_LOG_ERR, &redis->conn.log, 0,
                  "redis sent error \"%*s\"", len, reply->values[0].data);

    redis->conn.log.action = NULL;
}


/* the deadline of the connection is that of its oldest command */

static void
ngx_sendkit_auth_redis_rearm(ngx_sendkit_auth_redis_t *redis)
{
    ngx_sendkit_auth_redis_command_t  *command;

    command = ngx_sendkit_auth_redis_oldest(redis);

    if (command == NULL) {
        ngx_sendkit_auth_redis_conn_no_deadline(&redis->conn);
        return;
    }

    ngx_sendkit_auth_redis_conn_deadline(&redis->conn, command->deadline);
}


static void
ngx_sendkit_auth_redis_lost(void *data, sendkit_store_e why)
{
    ngx_queue_t                       *q, commands;
    ngx_sendkit_auth_redis_t          *redis;
    ngx_sendkit_auth_redis_command_t  *command;

    redis = data;

    if (redis->failures == 0 && ngx_queue_empty(&redis->commands)) {

        /* an idle connection was closed, which is no failure */

        return;
    }

    ngx_sendkit_auth_redis_pause(redis);

    ngx_queue_init(&commands);

    if (!ngx_queue_empty(&redis->commands)) {
        ngx_queue_add(&commands, &redis->commands);
        ngx_queue_init(&redis->commands);
    }

    while (!ngx_queue_empty(&commands)) {

        q = ngx_queue_head(&commands);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);

        if (command->handler != NULL) {
            (void) command->handler(command->data, why, NULL);
        }

        ngx_sendkit_auth_redis_free(redis, command);
    }
}


static void
ngx_sendkit_auth_redis_pause(ngx_sendkit_auth_redis_t *redis)
{
    redis->failures = ngx_max(redis->failures, 1);
    redis->retry = ngx_current_msec
                   + sendkit_backoff_delay(redis->failures,
                                           (uint32_t) ngx_random());
}


/* NULL: no reply is due */

static ngx_sendkit_auth_redis_command_t *
ngx_sendkit_auth_redis_oldest(ngx_sendkit_auth_redis_t *redis)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&redis->commands)) {
        return NULL;
    }

    q = ngx_queue_head(&redis->commands);

    return ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);
}


static ngx_sendkit_auth_redis_command_t *
ngx_sendkit_auth_redis_alloc(ngx_sendkit_auth_redis_t *redis)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&redis->free)) {
        return ngx_palloc(redis->pool,
                          sizeof(ngx_sendkit_auth_redis_command_t));
    }

    q = ngx_queue_head(&redis->free);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);
}


static void
ngx_sendkit_auth_redis_free(ngx_sendkit_auth_redis_t *redis,
    ngx_sendkit_auth_redis_command_t *command)
{
    ngx_queue_insert_head(&redis->free, &command->queue);
}


static sendkit_span_t
ngx_sendkit_auth_redis_span(ngx_str_t str)
{
    sendkit_span_t  span;

    span.data = str.data;
    span.len = str.len;

    return span;
}
