
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_redis_channel.h"
#include "ngx_sendkit_auth_redis_command.h"
#include "ngx_sendkit_auth_redis_conn.h"
#include "ngx_sendkit_auth_redis_hello.h"


#define NGX_SENDKIT_AUTH_CHANNEL_WORDS                                        \
    (6 + 2 * NGX_SENDKIT_AUTH_CHANNEL_PREFIXES)


_Static_assert(NGX_SENDKIT_AUTH_CHANNEL_WORDS <= NGX_SENDKIT_AUTH_REDIS_ARGS,
               "CLIENT TRACKING fits into a command");


/* closed -> id -> tracking -> subscribe -> subscribed -> closed */

typedef enum {
    NGX_SENDKIT_AUTH_CHANNEL_CLOSED = 0,
    NGX_SENDKIT_AUTH_CHANNEL_ID,            /* hello before it */
    NGX_SENDKIT_AUTH_CHANNEL_TRACKING,
    NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBE,
    NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBED
} ngx_sendkit_auth_channel_state_e;


typedef enum {
    NGX_SENDKIT_AUTH_MESSAGE_OTHER = 0,
    NGX_SENDKIT_AUTH_MESSAGE_SUBSCRIBE,
    NGX_SENDKIT_AUTH_MESSAGE_MESSAGE,
    NGX_SENDKIT_AUTH_MESSAGE_PONG
} ngx_sendkit_auth_message_e;


struct ngx_sendkit_auth_channel_s {
    const ngx_sendkit_auth_redis_conf_t        *conf;
    const sendkit_span_t                       *prefixes;
    const ngx_sendkit_auth_channel_handlers_t  *handlers;
    void                                       *data;

    ngx_sendkit_auth_redis_hello_t              hello;
    ngx_sendkit_auth_redis_conn_t               conn;
    ngx_sendkit_auth_redis_codec_t             *codec;
    ngx_sendkit_auth_channel_state_e            state;
    ngx_sendkit_auth_message_e                  message;
    ngx_sendkit_auth_lost_e                     why;
};


static ngx_int_t ngx_sendkit_auth_channel_hello(
    ngx_sendkit_auth_channel_t *channel);
static ngx_int_t ngx_sendkit_auth_channel_track(
    ngx_sendkit_auth_channel_t *channel, int64_t id);

static ngx_int_t ngx_sendkit_auth_channel_read(void *data,
    sendkit_span_t bytes);
static ngx_int_t ngx_sendkit_auth_channel_element(void *data,
    const ngx_sendkit_auth_redis_element_t *element);
static ngx_int_t ngx_sendkit_auth_channel_reply(
    ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_element_t *element);
static ngx_int_t ngx_sendkit_auth_channel_refused(
    ngx_sendkit_auth_channel_t *channel, sendkit_span_t error);
static ngx_uint_t ngx_sendkit_auth_channel_is_unknown(sendkit_span_t error);
static ngx_sendkit_auth_message_e ngx_sendkit_auth_channel_kind(
    sendkit_span_t word);
static ngx_int_t ngx_sendkit_auth_channel_message(
    ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_element_t *element);
static ngx_int_t ngx_sendkit_auth_channel_payload(
    ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_element_t *element);

static ngx_int_t ngx_sendkit_auth_channel_exit(void *data);
static void ngx_sendkit_auth_channel_conn_lost(void *data,
    sendkit_store_e why);
static void ngx_sendkit_auth_channel_lost(ngx_sendkit_auth_channel_t *channel);


ngx_sendkit_auth_channel_t *
ngx_sendkit_auth_channel_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_login_t *login, const sendkit_span_t *prefixes,
    const ngx_sendkit_auth_channel_handlers_t *handlers, void *data,
    ngx_log_t *log)
{
    ngx_sendkit_auth_channel_t  *channel;

    channel = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_channel_t));
    if (channel == NULL) {
        return NULL;
    }

    channel->codec = ngx_sendkit_auth_redis_codec_create(pool,
                                            ngx_sendkit_auth_channel_element,
                                            channel);
    if (channel->codec == NULL) {
        return NULL;
    }

    channel->conf = conf;
    channel->prefixes = prefixes;
    channel->handlers = handlers;
    channel->data = data;

    ngx_sendkit_auth_redis_hello_init(&channel->hello, conf,
                                      NGX_SENDKIT_AUTH_REDIS_A_CHANNEL,
                                      login);
    ngx_sendkit_auth_redis_conn_init(&channel->conn, conf->tls, log);

    channel->conn.read_handler = ngx_sendkit_auth_channel_read;
    channel->conn.lost_handler = ngx_sendkit_auth_channel_conn_lost;
    channel->conn.exit_handler = ngx_sendkit_auth_channel_exit;
    channel->conn.data = channel;

    return channel;
}


ngx_int_t
ngx_sendkit_auth_channel_open(ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_server_t *server)
{
    if (ngx_sendkit_auth_redis_codec_reset(channel->codec) != NGX_OK) {
        return NGX_ERROR;
    }

    channel->conn.log.action = "subscribing to invalidations";
    channel->why = NGX_SENDKIT_AUTH_CHANNEL_FAILED;

    if (ngx_sendkit_auth_redis_conn_open(&channel->conn, &server->host,
                                         server->addrs, server->naddrs,
                                         channel->conf->connect_timeout)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_sendkit_auth_channel_hello(channel) != NGX_OK) {
        ngx_sendkit_auth_channel_close(channel);
        return NGX_ERROR;
    }

    ngx_sendkit_auth_redis_conn_deadline(&channel->conn,
                                         ngx_current_msec
                                         + channel->conf->connect_timeout
                                         + channel->conf->read_timeout);
    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_channel_hello(ngx_sendkit_auth_channel_t *channel)
{
    static sendkit_span_t  client_id[] = {
        SENDKIT_SPAN("CLIENT"), SENDKIT_SPAN("ID")
    };

    channel->state = NGX_SENDKIT_AUTH_CHANNEL_ID;

    if (ngx_sendkit_auth_redis_hello_say(&channel->hello, &channel->conn)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_sendkit_auth_redis_put(&channel->conn, client_id, 2);
}


/* tracking ignores the number of the database */

static ngx_int_t
ngx_sendkit_auth_channel_track(ngx_sendkit_auth_channel_t *channel,
    int64_t id)
{
    u_char                 digits[NGX_INT64_LEN];
    ngx_uint_t             i, n;
    sendkit_span_t         args[NGX_SENDKIT_AUTH_CHANNEL_WORDS];
    static sendkit_span_t  prefix = SENDKIT_SPAN("PREFIX");
    static sendkit_span_t  tracking[] = {
        SENDKIT_SPAN("CLIENT"), SENDKIT_SPAN("TRACKING"), SENDKIT_SPAN("ON"),
        SENDKIT_SPAN("BCAST"), SENDKIT_SPAN("REDIRECT")
    };
    static sendkit_span_t  subscribe[] = {
        SENDKIT_SPAN("SUBSCRIBE"), SENDKIT_SPAN("__redis__:invalidate")
    };

    n = 5;
    ngx_memcpy(args, tracking, sizeof(tracking));

    args[n].data = digits;
    args[n++].len = ngx_sprintf(digits, "%L", id) - digits;

    for (i = 0; i < NGX_SENDKIT_AUTH_CHANNEL_PREFIXES; i++) {
        args[n++] = prefix;
        args[n++] = channel->prefixes[i];
    }

    if (ngx_sendkit_auth_redis_put(&channel->conn, args, n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sendkit_auth_redis_put(&channel->conn, subscribe, 2);
}


void
ngx_sendkit_auth_channel_ping(ngx_sendkit_auth_channel_t *channel,
    ngx_msec_t timeout)
{
    static sendkit_span_t  ping = SENDKIT_SPAN("PING");

    /* one that cannot be sent is one that is not answered in time */

    (void) ngx_sendkit_auth_redis_put(&channel->conn, &ping, 1);

    ngx_sendkit_auth_redis_conn_deadline(&channel->conn,
                                         ngx_current_msec + timeout);
}


uint32_t
ngx_sendkit_auth_channel_addr(const ngx_sendkit_auth_channel_t *channel)
{
    return channel->conn.id;
}


static ngx_int_t
ngx_sendkit_auth_channel_read(void *data, sendkit_span_t bytes)
{
    ngx_sendkit_auth_channel_t *channel = data;

    if (ngx_sendkit_auth_redis_codec_feed(channel->codec, bytes) == NGX_OK) {
        return NGX_OK;
    }

    if (channel->state != NGX_SENDKIT_AUTH_CHANNEL_CLOSED) {
        ngx_log_error(NGX_LOG_ERR, &channel->conn.log, 0,
                      "redis sent unacceptable message");
    }

    ngx_sendkit_auth_channel_lost(channel);

    return NGX_ERROR;
}


static ngx_int_t
ngx_sendkit_auth_channel_element(void *data,
    const ngx_sendkit_auth_redis_element_t *element)
{
    ngx_sendkit_auth_channel_t *channel = data;

    if (element->depth != 0) {
        return ngx_sendkit_auth_channel_message(channel, element);
    }

    if (element->type == NGX_SENDKIT_AUTH_REDIS_ARRAY) {
        channel->message = NGX_SENDKIT_AUTH_MESSAGE_OTHER;
        return NGX_OK;
    }

    return ngx_sendkit_auth_channel_reply(channel, element);
}


static ngx_int_t
ngx_sendkit_auth_channel_reply(ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_element_t *element)
{
    ngx_int_t                    rc;
    static const sendkit_span_t  ok = SENDKIT_SPAN("OK");

    if (ngx_sendkit_auth_redis_hello_waits(&channel->hello)) {
        rc = ngx_sendkit_auth_redis_hello_reply(&channel->hello,
                                                element->type, element->value,
                                                &channel->conn.log);

        if (rc == NGX_DECLINED || rc == NGX_AGAIN) {
            channel->state = NGX_SENDKIT_AUTH_CHANNEL_CLOSED;
        }

        return rc == NGX_OK ? NGX_OK : NGX_ERROR;
    }

    if (element->type == NGX_SENDKIT_AUTH_REDIS_ERROR) {
        return ngx_sendkit_auth_channel_refused(channel, element->value);
    }

    if (channel->state == NGX_SENDKIT_AUTH_CHANNEL_ID
        && element->type == NGX_SENDKIT_AUTH_REDIS_INTEGER)
    {
        channel->state = NGX_SENDKIT_AUTH_CHANNEL_TRACKING;
        return ngx_sendkit_auth_channel_track(channel, element->integer);
    }

    if (element->type != NGX_SENDKIT_AUTH_REDIS_STATUS
        || !sendkit_span_equal(element->value, ok))
    {
        return NGX_ERROR;
    }

    if (channel->state != NGX_SENDKIT_AUTH_CHANNEL_TRACKING) {
        return NGX_ERROR;
    }

    channel->state = NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBE;

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_channel_refused(ngx_sendkit_auth_channel_t *channel,
    sendkit_span_t error)
{
    size_t  len;

    if ((channel->state == NGX_SENDKIT_AUTH_CHANNEL_ID
         || channel->state == NGX_SENDKIT_AUTH_CHANNEL_TRACKING)
        && ngx_sendkit_auth_channel_is_unknown(error))
    {
        channel->why = NGX_SENDKIT_AUTH_CHANNEL_NO_TRACKING;

    } else {
        len = ngx_sendkit_auth_redis_error_len(error, 0);

        ngx_log_error(NGX_LOG_ERR, &channel->conn.log, 0,
                      "redis sent error \"%*s\"", len, error.data);
    }

    if (channel->state == NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBED
        && channel->conn.has_deadline)
    {
        /* to PING, as "-BUSY": what has changed is told still */

        ngx_sendkit_auth_redis_conn_no_deadline(&channel->conn);
        channel->handlers->unanswered(channel->data);

        return NGX_OK;
    }

    channel->state = NGX_SENDKIT_AUTH_CHANNEL_CLOSED;

    return NGX_ERROR;
}


/* as a server says it that has no such command, in words of its time */

static ngx_uint_t
ngx_sendkit_auth_channel_is_unknown(sendkit_span_t error)
{
    ngx_uint_t                   i;
    static const sendkit_span_t  texts[] = {
        SENDKIT_SPAN("ERR unknown "), SENDKIT_SPAN("ERR syntax error")
    };

    for (i = 0; i < 2; i++) {
        if (error.len >= texts[i].len
            && ngx_strncasecmp((u_char *) error.data,
                               (u_char *) texts[i].data, texts[i].len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_sendkit_auth_message_e
ngx_sendkit_auth_channel_kind(sendkit_span_t word)
{
    static const sendkit_span_t  pong = SENDKIT_SPAN("pong");
    static const sendkit_span_t  message = SENDKIT_SPAN("message");
    static const sendkit_span_t  subscribe = SENDKIT_SPAN("subscribe");

    if (sendkit_span_equal(word, message)) {
        return NGX_SENDKIT_AUTH_MESSAGE_MESSAGE;
    }

    if (sendkit_span_equal(word, pong)) {
        return NGX_SENDKIT_AUTH_MESSAGE_PONG;
    }

    return sendkit_span_equal(word, subscribe)
           ? NGX_SENDKIT_AUTH_MESSAGE_SUBSCRIBE
           : NGX_SENDKIT_AUTH_MESSAGE_OTHER;
}


/*
 * ["subscribe", CHANNEL, 1], ["message", CHANNEL, PAYLOAD], ["pong", ""];
 * messages may come as soon as the server is subscribed to
 */

static ngx_int_t
ngx_sendkit_auth_channel_message(ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_element_t *element)
{
    if (element->depth == 1 && element->index == 0) {
        channel->message = element->type == NGX_SENDKIT_AUTH_REDIS_STRING
                           ? ngx_sendkit_auth_channel_kind(element->value)
                           : NGX_SENDKIT_AUTH_MESSAGE_OTHER;
        return NGX_OK;
    }

    switch (channel->message) {

    case NGX_SENDKIT_AUTH_MESSAGE_SUBSCRIBE:

        if (element->index == 1) {
            return NGX_OK;
        }

        if (channel->state != NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBE) {
            return NGX_ERROR;
        }

        channel->state = NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBED;
        channel->conn.log.action = NULL;

        ngx_sendkit_auth_redis_conn_no_deadline(&channel->conn);
        channel->handlers->subscribed(channel->data);

        return NGX_OK;

    case NGX_SENDKIT_AUTH_MESSAGE_PONG:

        if (channel->state != NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBED
            || !channel->conn.has_deadline)
        {
            return NGX_ERROR;
        }

        ngx_sendkit_auth_redis_conn_no_deadline(&channel->conn);
        channel->handlers->pong(channel->data);

        return NGX_OK;

    case NGX_SENDKIT_AUTH_MESSAGE_MESSAGE:
        return ngx_sendkit_auth_channel_payload(channel, element);

    case NGX_SENDKIT_AUTH_MESSAGE_OTHER:
        break;
    }

    return NGX_ERROR;
}


/* names, or a nil for all of them; a string, if a client has published it */

static ngx_int_t
ngx_sendkit_auth_channel_payload(ngx_sendkit_auth_channel_t *channel,
    const ngx_sendkit_auth_redis_element_t *element)
{
    if (element->depth == 1 && element->index == 1) {
        return NGX_OK;
    }

    switch (element->type) {

    case NGX_SENDKIT_AUTH_REDIS_STRING:
        channel->handlers->invalidated(channel->data, element->value);
        return NGX_OK;

    case NGX_SENDKIT_AUTH_REDIS_NIL:
        channel->handlers->flushed(channel->data);
        return NGX_OK;

    case NGX_SENDKIT_AUTH_REDIS_ARRAY:
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_sendkit_auth_channel_exit(void *data)
{
    ngx_sendkit_auth_channel_t *channel = data;

    if (channel->state != NGX_SENDKIT_AUTH_CHANNEL_SUBSCRIBED) {
        return NGX_OK;
    }

    return channel->handlers->exiting(channel->data);
}


static void
ngx_sendkit_auth_channel_conn_lost(void *data, sendkit_store_e why)
{
    ngx_sendkit_auth_channel_lost(data);
}


static void
ngx_sendkit_auth_channel_lost(ngx_sendkit_auth_channel_t *channel)
{
    ngx_sendkit_auth_channel_close(channel);

    channel->handlers->lost(channel->data, channel->why);
}


void
ngx_sendkit_auth_channel_close(ngx_sendkit_auth_channel_t *channel)
{
    channel->state = NGX_SENDKIT_AUTH_CHANNEL_CLOSED;

    ngx_sendkit_auth_redis_conn_done(&channel->conn);
    ngx_sendkit_auth_redis_codec_free(channel->codec);
}
