
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "../core/sendkit_backoff.h"
#include "ngx_sendkit_auth_redis_client.h"
#include "ngx_sendkit_auth_redis_command.h"
#include "ngx_sendkit_auth_redis_conn.h"


/* after that many failures in a row one command at a time is let through */
#define NGX_SENDKIT_AUTH_REDIS_FAILURES  3


/* a command whose reply has not come */

typedef struct {
    ngx_queue_t                           queue;
    ngx_msec_t                            deadline;
    ngx_sendkit_auth_redis_reply_pt       handler;  /* NULL: of ASKING */
    void                                 *data;
} ngx_sendkit_auth_redis_command_t;


struct ngx_sendkit_auth_redis_client_s {
    const ngx_sendkit_auth_redis_conf_t    *conf;
    const ngx_sendkit_auth_redis_server_t  *server;
    ngx_sendkit_auth_redis_hello_t          hello;
    ngx_sendkit_auth_redis_conn_t           conn;
    ngx_sendkit_auth_redis_codec_t         *codec;
    ngx_pool_t                             *pool;

    ngx_queue_t                             commands;   /* as sent */
    ngx_queue_t                             free;
    ngx_uint_t                              waiting;    /* but ASKING */

    ngx_uint_t                              failures;   /* in a row */
    ngx_msec_t                              retry;      /* not before */
};


static ngx_int_t ngx_sendkit_auth_redis_client_open(
    ngx_sendkit_auth_redis_client_t *client);
static ngx_int_t ngx_sendkit_auth_redis_client_asking(
    ngx_sendkit_auth_redis_client_t *client);
static ngx_int_t ngx_sendkit_auth_redis_client_write(
    ngx_sendkit_auth_redis_client_t *client, sendkit_span_t bytes,
    ngx_sendkit_auth_redis_reply_pt handler, void *data);
static void ngx_sendkit_auth_redis_client_await(
    ngx_sendkit_auth_redis_client_t *client,
    ngx_sendkit_auth_redis_command_t *command);

static void ngx_sendkit_auth_redis_client_opened(void *data);
static ngx_int_t ngx_sendkit_auth_redis_client_read(void *data,
    sendkit_span_t bytes);
static ngx_int_t ngx_sendkit_auth_redis_client_drained(
    ngx_sendkit_auth_redis_client_t *client);
static ngx_int_t ngx_sendkit_auth_redis_client_reply(
    ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_redis_client_pass(
    ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_command_t *command,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_client_log_error(
    ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_redis_client_rearm(
    ngx_sendkit_auth_redis_client_t *client);
static void ngx_sendkit_auth_redis_client_lost(void *data,
    sendkit_store_e why);
static void ngx_sendkit_auth_redis_client_fail(
    ngx_sendkit_auth_redis_client_t *client, sendkit_store_e why);
static void ngx_sendkit_auth_redis_client_pause(
    ngx_sendkit_auth_redis_client_t *client);

static ngx_sendkit_auth_redis_command_t *ngx_sendkit_auth_redis_client_oldest(
    ngx_sendkit_auth_redis_client_t *client);
static ngx_sendkit_auth_redis_command_t *ngx_sendkit_auth_redis_client_alloc(
    ngx_sendkit_auth_redis_client_t *client);
static void ngx_sendkit_auth_redis_client_free(
    ngx_sendkit_auth_redis_client_t *client,
    ngx_sendkit_auth_redis_command_t *command);


ngx_sendkit_auth_redis_client_t *
ngx_sendkit_auth_redis_client_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_peer_e peer, ngx_sendkit_auth_redis_login_t *login,
    ngx_log_t *log)
{
    ngx_sendkit_auth_redis_client_t  *client;

    client = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_redis_client_t));
    if (client == NULL) {
        return NULL;
    }

    client->codec = ngx_sendkit_auth_redis_codec_create(pool, NULL, NULL);
    if (client->codec == NULL) {
        return NULL;
    }

    client->conf = conf;
    client->pool = pool;

    ngx_queue_init(&client->commands);
    ngx_queue_init(&client->free);

    ngx_sendkit_auth_redis_hello_init(&client->hello, conf, peer, login);
    ngx_sendkit_auth_redis_conn_init(&client->conn, conf->tls, log);

    client->conn.open_handler = ngx_sendkit_auth_redis_client_opened;
    client->conn.read_handler = ngx_sendkit_auth_redis_client_read;
    client->conn.lost_handler = ngx_sendkit_auth_redis_client_lost;
    client->conn.data = client;

    return client;
}


void
ngx_sendkit_auth_redis_client_move(ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_server_t *server)
{
    ngx_sendkit_auth_redis_conn_done(&client->conn);

    client->conn.addr = 0;
    client->server = server;
    client->failures = 0;

    ngx_sendkit_auth_redis_client_fail(client, SENDKIT_STORE_DOWN);
}


ngx_int_t
ngx_sendkit_auth_redis_client_send(ngx_sendkit_auth_redis_client_t *client,
    sendkit_span_t bytes, ngx_uint_t asking,
    ngx_sendkit_auth_redis_reply_pt handler, void *data)
{
    ngx_int_t  rc;

    if (!ngx_sendkit_auth_redis_conn_is_open(&client->conn)) {

        rc = ngx_sendkit_auth_redis_client_open(client);
        if (rc != NGX_OK) {
            return rc;
        }

    } else if (client->failures > NGX_SENDKIT_AUTH_REDIS_FAILURES
               && client->waiting != 0)
    {
        return NGX_DECLINED;
    }

    if (asking && ngx_sendkit_auth_redis_client_asking(client) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_sendkit_auth_redis_client_write(client, bytes, handler, data);
}


uint32_t
ngx_sendkit_auth_redis_client_addr(
    const ngx_sendkit_auth_redis_client_t *client)
{
    const ngx_str_t  *name;

    if (ngx_sendkit_auth_redis_conn_is_open(&client->conn)) {
        return client->conn.id;
    }

    if (client->server == NULL || client->server->naddrs == 0) {
        return 0;
    }

    name = &client->server->addrs[client->conn.addr].name;

    return ngx_murmur_hash2(name->data, name->len);
}


sendkit_span_t
ngx_sendkit_auth_redis_client_ip(
    const ngx_sendkit_auth_redis_client_t *client, u_char *buf)
{
    sendkit_span_t  ip;

    ip.data = buf;
    ip.len = ngx_sock_ntop(client->conn.peer.sockaddr,
                           client->conn.peer.socklen, buf,
                           NGX_SOCKADDR_STRLEN, 0);
    return ip;
}


void
ngx_sendkit_auth_redis_client_close(ngx_sendkit_auth_redis_client_t *client)
{
    ngx_sendkit_auth_redis_conn_done(&client->conn);
    ngx_sendkit_auth_redis_codec_free(client->codec);
}


static ngx_int_t
ngx_sendkit_auth_redis_client_open(ngx_sendkit_auth_redis_client_t *client)
{
    if (client->server == NULL) {
        return NGX_DECLINED;
    }

    if (client->failures != 0
        && (ngx_msec_int_t) (client->retry - ngx_current_msec) > 0)
    {
        return NGX_DECLINED;
    }

    if (ngx_sendkit_auth_redis_codec_reset(client->codec) != NGX_OK) {
        return NGX_ERROR;
    }

    client->conn.log.action = NULL;

    /* a failure until the server has given a good reply */

    client->failures++;

    if (ngx_sendkit_auth_redis_conn_open(&client->conn,
                                         &client->server->host,
                                         client->server->addrs,
                                         client->server->naddrs,
                                         client->conf->connect_timeout)
        != NGX_OK)
    {
        ngx_sendkit_auth_redis_client_pause(client);
        return NGX_DECLINED;
    }

    if (ngx_sendkit_auth_redis_hello_say(&client->hello, &client->conn)
        != NGX_OK)
    {
        ngx_sendkit_auth_redis_conn_close(&client->conn);
        ngx_sendkit_auth_redis_client_lost(client, SENDKIT_STORE_ERROR);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what comes to the command behind it will tell if that was good */

static ngx_int_t
ngx_sendkit_auth_redis_client_asking(ngx_sendkit_auth_redis_client_t *client)
{
    static sendkit_span_t              asking = SENDKIT_SPAN("ASKING");
    ngx_sendkit_auth_redis_command_t  *command;

    command = ngx_sendkit_auth_redis_client_alloc(client);
    if (command == NULL) {
        return NGX_ERROR;
    }

    if (ngx_sendkit_auth_redis_put(&client->conn, &asking, 1) != NGX_OK) {
        ngx_sendkit_auth_redis_client_free(client, command);
        return NGX_ERROR;
    }

    command->handler = NULL;

    ngx_sendkit_auth_redis_client_await(client, command);

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_client_write(ngx_sendkit_auth_redis_client_t *client,
    sendkit_span_t bytes, ngx_sendkit_auth_redis_reply_pt handler, void *data)
{
    ngx_sendkit_auth_redis_command_t  *command;

    command = ngx_sendkit_auth_redis_client_alloc(client);
    if (command == NULL) {
        return NGX_ERROR;
    }

    if (ngx_sendkit_auth_redis_conn_write(&client->conn, bytes.data, bytes.len)
        != NGX_OK)
    {
        ngx_sendkit_auth_redis_client_free(client, command);
        return NGX_ERROR;
    }

    command->handler = handler;
    command->data = data;

    client->waiting++;

    ngx_sendkit_auth_redis_client_await(client, command);

    return NGX_AGAIN;
}


static void
ngx_sendkit_auth_redis_client_await(ngx_sendkit_auth_redis_client_t *client,
    ngx_sendkit_auth_redis_command_t *command)
{
    command->deadline = ngx_current_msec + client->conf->read_timeout;

    if (client->conn.connecting) {
        command->deadline += client->conf->connect_timeout;
    }

    ngx_queue_insert_tail(&client->commands, &command->queue);
    ngx_sendkit_auth_redis_client_rearm(client);
}


/* what was written meanwhile is sent now */

static void
ngx_sendkit_auth_redis_client_opened(void *data)
{
    ngx_sendkit_auth_redis_client_t *client = data;

    ngx_queue_t                       *q;
    ngx_sendkit_auth_redis_command_t  *command;

    for (q = ngx_queue_head(&client->commands);
         q != ngx_queue_sentinel(&client->commands);
         q = ngx_queue_next(q))
    {
        command = ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);
        command->deadline = ngx_current_msec + client->conf->read_timeout;
    }

    ngx_sendkit_auth_redis_client_rearm(client);
}


static ngx_int_t
ngx_sendkit_auth_redis_client_read(void *data, sendkit_span_t bytes)
{
    ngx_sendkit_auth_redis_client_t *client = data;

    ngx_int_t                       rc;
    sendkit_store_e                 why;
    ngx_sendkit_auth_redis_reply_t  reply;

    rc = ngx_sendkit_auth_redis_codec_feed(client->codec, bytes);

    while (rc == NGX_OK) {

        rc = ngx_sendkit_auth_redis_codec_reply(client->codec, &reply);

        if (rc == NGX_AGAIN) {
            return ngx_sendkit_auth_redis_client_drained(client);
        }

        if (rc == NGX_OK) {
            rc = ngx_sendkit_auth_redis_hello_waits(&client->hello)
                 ? ngx_sendkit_auth_redis_hello_reply(&client->hello,
                                                      reply.type,
                                                      reply.values[0],
                                                      &client->conn.log)
                 : ngx_sendkit_auth_redis_client_reply(client, &reply);
        }
    }

    why = SENDKIT_STORE_ERROR;

    if (rc == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, &client->conn.log, 0,
                      "redis sent unacceptable reply");

    } else if (rc == NGX_AGAIN) {

        /* with another password, as if the connection was lost: at once */

        why = SENDKIT_STORE_DOWN;
        client->failures = 0;
    }

    ngx_sendkit_auth_redis_conn_close(&client->conn);
    ngx_sendkit_auth_redis_client_lost(client, why);

    return NGX_ERROR;
}


/* a worker that exits gives up its connection after the last reply */

static ngx_int_t
ngx_sendkit_auth_redis_client_drained(ngx_sendkit_auth_redis_client_t *client)
{
    if (!ngx_exiting || !ngx_queue_empty(&client->commands)) {
        return NGX_OK;
    }

    ngx_sendkit_auth_redis_conn_close(&client->conn);

    return NGX_ERROR;
}


/*
 * NGX_OK        matched to its command
 * NGX_DECLINED  the server has forgotten who the client is
 * NGX_ERROR     no command waits for it, or it is none to that command
 */

static ngx_int_t
ngx_sendkit_auth_redis_client_reply(ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_int_t                          rc;
    ngx_sendkit_auth_redis_command_t  *command;

    ngx_sendkit_auth_redis_client_log_error(client, reply);

    command = ngx_sendkit_auth_redis_client_oldest(client);

    if (command == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_remove(&command->queue);
    ngx_sendkit_auth_redis_client_rearm(client);

    rc = NGX_OK;

    if (command->handler != NULL) {
        client->waiting--;
        rc = ngx_sendkit_auth_redis_client_pass(client, command, reply);
    }

    ngx_sendkit_auth_redis_client_free(client, command);

    return rc;
}


static ngx_int_t
ngx_sendkit_auth_redis_client_pass(ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_command_t *command,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_int_t  rc;

    if (reply->type == NGX_SENDKIT_AUTH_REDIS_ERROR) {
        rc = command->handler(command->data, SENDKIT_STORE_ERROR, reply);

        return ngx_sendkit_auth_redis_is_error(reply, "NOAUTH ")
               ? NGX_DECLINED : rc;
    }

    rc = command->handler(command->data, SENDKIT_STORE_OK, reply);

    if (rc == NGX_OK) {
        client->failures = 0;
    }

    return rc;
}


/* but for what is no error: where to find the key, or that it is a script */

static void
ngx_sendkit_auth_redis_client_log_error(
    ngx_sendkit_auth_redis_client_t *client,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    size_t  len;

    if (reply->type != NGX_SENDKIT_AUTH_REDIS_ERROR
        || ngx_sendkit_auth_redis_is_error(reply, "NOSCRIPT ")
        || ngx_sendkit_auth_redis_is_error(reply, "MOVED ")
        || ngx_sendkit_auth_redis_is_error(reply, "ASK "))
    {
        return;
    }

    len = ngx_sendkit_auth_redis_error_len(reply->values[0], 0);

    ngx_log_error(NGX_LOG_ERR, &client->conn.log, 0,
                  "redis sent error \"%*s\"", len, reply->values[0].data);
}


/* the deadline of the connection is that of its oldest command */

static void
ngx_sendkit_auth_redis_client_rearm(ngx_sendkit_auth_redis_client_t *client)
{
    ngx_sendkit_auth_redis_command_t  *command;

    command = ngx_sendkit_auth_redis_client_oldest(client);

    if (command == NULL) {
        ngx_sendkit_auth_redis_conn_no_deadline(&client->conn);
        return;
    }

    ngx_sendkit_auth_redis_conn_deadline(&client->conn, command->deadline);
}


static void
ngx_sendkit_auth_redis_client_lost(void *data, sendkit_store_e why)
{
    ngx_sendkit_auth_redis_client_t *client = data;

    if (client->failures == 0) {

        if (ngx_queue_empty(&client->commands)) {

            /* an idle connection was closed, which is no failure */

            return;
        }

        /* the server was good: it may be again, at once */

        client->failures = 1;
        client->retry = ngx_current_msec;

    } else {
        ngx_sendkit_auth_redis_client_pause(client);
    }

    ngx_sendkit_auth_redis_client_fail(client, why);
}


static void
ngx_sendkit_auth_redis_client_fail(ngx_sendkit_auth_redis_client_t *client,
    sendkit_store_e why)
{
    ngx_queue_t                       *q, commands;
    ngx_sendkit_auth_redis_command_t  *command;

    ngx_queue_init(&commands);

    if (!ngx_queue_empty(&client->commands)) {
        ngx_queue_add(&commands, &client->commands);
        ngx_queue_init(&client->commands);
    }

    client->waiting = 0;

    while (!ngx_queue_empty(&commands)) {

        q = ngx_queue_head(&commands);
        ngx_queue_remove(q);

        command = ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);

        if (command->handler != NULL) {
            (void) command->handler(command->data, why, NULL);
        }

        ngx_sendkit_auth_redis_client_free(client, command);
    }
}


static void
ngx_sendkit_auth_redis_client_pause(ngx_sendkit_auth_redis_client_t *client)
{
    client->failures = ngx_max(client->failures, 1);
    client->retry = ngx_current_msec
                    + sendkit_backoff_delay(client->failures,
                                            (uint32_t) ngx_random());
}


/* NULL: no reply is due */

static ngx_sendkit_auth_redis_command_t *
ngx_sendkit_auth_redis_client_oldest(ngx_sendkit_auth_redis_client_t *client)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&client->commands)) {
        return NULL;
    }

    q = ngx_queue_head(&client->commands);

    return ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);
}


static ngx_sendkit_auth_redis_command_t *
ngx_sendkit_auth_redis_client_alloc(ngx_sendkit_auth_redis_client_t *client)
{
    ngx_queue_t  *q;

    if (ngx_queue_empty(&client->free)) {
        return ngx_palloc(client->pool,
                          sizeof(ngx_sendkit_auth_redis_command_t));
    }

    q = ngx_queue_head(&client->free);
    ngx_queue_remove(q);

    return ngx_queue_data(q, ngx_sendkit_auth_redis_command_t, queue);
}


static void
ngx_sendkit_auth_redis_client_free(ngx_sendkit_auth_redis_client_t *client,
    ngx_sendkit_auth_redis_command_t *command)
{
    ngx_queue_insert_head(&client->free, &command->queue);
}
