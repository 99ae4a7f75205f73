
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "ngx_sendkit_auth_redis_conn.h"


#define NGX_SENDKIT_AUTH_REDIS_READ_SIZE   4096
#define NGX_SENDKIT_AUTH_REDIS_READS       64
#define NGX_SENDKIT_AUTH_REDIS_WRITE_SIZE  4096
#define NGX_SENDKIT_AUTH_REDIS_WRITE_MAX   (1024 * 1024)
#define NGX_SENDKIT_AUTH_REDIS_POOL_SIZE   512


static void ngx_sendkit_auth_redis_write_handler(ngx_event_t *wev);
static void ngx_sendkit_auth_redis_flush_handler(ngx_event_t *ev);
static void ngx_sendkit_auth_redis_read_handler(ngx_event_t *rev);
static void ngx_sendkit_auth_redis_conn_exit(
    ngx_sendkit_auth_redis_conn_t *conn);
static ngx_int_t ngx_sendkit_auth_redis_conn_connect(
    ngx_sendkit_auth_redis_conn_t *conn);
static ngx_int_t ngx_sendkit_auth_redis_conn_start(
    ngx_sendkit_auth_redis_conn_t *conn);
static void ngx_sendkit_auth_redis_conn_skip(
    ngx_sendkit_auth_redis_conn_t *conn);
static void ngx_sendkit_auth_redis_conn_next(
    ngx_sendkit_auth_redis_conn_t *conn, sendkit_store_e why);
static void ngx_sendkit_auth_redis_conn_drop(
    ngx_sendkit_auth_redis_conn_t *conn);
static ngx_int_t ngx_sendkit_auth_redis_conn_established(
    ngx_sendkit_auth_redis_conn_t *conn);
static ngx_int_t ngx_sendkit_auth_redis_conn_test(
    ngx_sendkit_auth_redis_conn_t *conn);
static void ngx_sendkit_auth_redis_conn_flush(
    ngx_sendkit_auth_redis_conn_t *conn);
static ngx_int_t ngx_sendkit_auth_redis_conn_grow(
    ngx_sendkit_auth_redis_conn_t *conn, size_t len);
static void ngx_sendkit_auth_redis_conn_lost(
    ngx_sendkit_auth_redis_conn_t *conn, sendkit_store_e why);
static u_char *ngx_sendkit_auth_redis_log_handler(ngx_log_t *log,
    u_char *buf, size_t len);


void
ngx_sendkit_auth_redis_conn_init(ngx_sendkit_auth_redis_conn_t *conn,
    const ngx_sendkit_auth_redis_tls_t *tls, ngx_log_t *log)
{
    conn->tls.tls = tls;

    conn->log = *log;
    conn->log.handler = ngx_sendkit_auth_redis_log_handler;
    conn->log.data = conn;
    conn->log.action = NULL;

    conn->flush.handler = ngx_sendkit_auth_redis_flush_handler;
    conn->flush.data = conn;
    conn->flush.log = &conn->log;
}


ngx_int_t
ngx_sendkit_auth_redis_conn_open(ngx_sendkit_auth_redis_conn_t *conn,
    const ngx_str_t *host, ngx_addr_t *addrs, ngx_uint_t naddrs,
    ngx_msec_t timeout)
{
    conn->tls.host = *host;
    conn->addrs = addrs;
    conn->naddrs = naddrs;
    conn->timeout = timeout;
    conn->tried = 0;

    if (conn->addr >= naddrs) {
        conn->addr = 0;
    }

    return ngx_sendkit_auth_redis_conn_connect(conn);
}


ngx_uint_t
ngx_sendkit_auth_redis_conn_is_open(const ngx_sendkit_auth_redis_conn_t *conn)
{
    return conn->peer.connection != NULL;
}


ngx_int_t
ngx_sendkit_auth_redis_conn_write(ngx_sendkit_auth_redis_conn_t *conn,
    const u_char *data, size_t len)
{
    if (conn->len + len > conn->size
        && ngx_sendkit_auth_redis_conn_grow(conn, len) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memcpy(conn->buf + conn->len, data, len);
    conn->len += len;

    if (!conn->connecting) {
        ngx_post_event(&conn->flush, &ngx_posted_events);
    }

    return NGX_OK;
}


void
ngx_sendkit_auth_redis_conn_deadline(ngx_sendkit_auth_redis_conn_t *conn,
    ngx_msec_t at)
{
    ngx_event_t     *rev;
    ngx_msec_int_t   left;

    conn->deadline = at;
    conn->has_deadline = 1;

    rev = conn->peer.connection->read;

    if (rev->timer_set) {

        if (rev->timer.key == at) {
            return;
        }

        /* ngx_add_timer() keeps a timer that is set for about the same time */

        ngx_del_timer(rev);
    }

    left = (ngx_msec_int_t) (at - ngx_current_msec);

    ngx_add_timer(rev, left > 0 ? (ngx_msec_t) left : 1);
}


void
ngx_sendkit_auth_redis_conn_no_deadline(ngx_sendkit_auth_redis_conn_t *conn)
{
    conn->has_deadline = 0;

    if (conn->peer.connection->read->timer_set) {
        ngx_del_timer(conn->peer.connection->read);
    }
}


void
ngx_sendkit_auth_redis_conn_close(ngx_sendkit_auth_redis_conn_t *conn)
{
    if (conn->flush.posted) {
        ngx_delete_posted_event(&conn->flush);
    }

    if (conn->peer.connection != NULL) {
        ngx_sendkit_auth_redis_conn_drop(conn);
    }

    conn->has_deadline = 0;

    if (conn->buf != NULL) {
        ngx_explicit_memzero(conn->buf, conn->size);
        ngx_free(conn->buf);
        conn->buf = NULL;
    }

    conn->size = 0;
    conn->len = 0;
    conn->sent = 0;
}


void
ngx_sendkit_auth_redis_conn_done(ngx_sendkit_auth_redis_conn_t *conn)
{
    ngx_sendkit_auth_redis_conn_close(conn);
    ngx_sendkit_auth_redis_tls_forget(&conn->tls);
}


static void
ngx_sendkit_auth_redis_write_handler(ngx_event_t *wev)
{
    ngx_int_t                       rc;
    ngx_connection_t               *c;
    ngx_sendkit_auth_redis_conn_t  *conn;

    c = wev->data;
    conn = c->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, wev->log, 0, "redis write handler");

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_ERR, wev->log, NGX_ETIMEDOUT,
                      conn->connected ? "redis SSL handshake timed out"
                                      : "redis connect timed out");
        ngx_sendkit_auth_redis_conn_next(conn, SENDKIT_STORE_TIMEOUT);
        return;
    }

    if (conn->connecting) {
        rc = ngx_sendkit_auth_redis_conn_established(conn);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (rc != NGX_OK) {
            ngx_sendkit_auth_redis_conn_next(conn, SENDKIT_STORE_DOWN);
            return;
        }
    }

    ngx_sendkit_auth_redis_conn_flush(conn);
}


static void
ngx_sendkit_auth_redis_flush_handler(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "redis flush handler");

    ngx_sendkit_auth_redis_conn_flush(ev->data);
}


static void
ngx_sendkit_auth_redis_read_handler(ngx_event_t *rev)
{
    u_char                          buf[NGX_SENDKIT_AUTH_REDIS_READ_SIZE];
    ssize_t                         n;
    ngx_int_t                       rc;
    ngx_uint_t                      i;
    sendkit_span_t                  bytes;
    ngx_connection_t               *c;
    ngx_sendkit_auth_redis_conn_t  *conn;

    c = rev->data;
    conn = c->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, rev->log, 0, "redis read handler");

    if (c->close) {
        ngx_sendkit_auth_redis_conn_exit(conn);
        return;
    }

    if (rev->timedout) {
        ngx_log_error(NGX_LOG_ERR, rev->log, NGX_ETIMEDOUT,
                      "redis read timed out");
        ngx_sendkit_auth_redis_conn_lost(conn, SENDKIT_STORE_TIMEOUT);
        return;
    }

    if (conn->connecting) {
        rc = ngx_sendkit_auth_redis_conn_established(conn);

        if (rc == NGX_AGAIN) {
            return;
        }

        if (rc != NGX_OK) {
            ngx_sendkit_auth_redis_conn_next(conn, SENDKIT_STORE_DOWN);
            return;
        }
    }

    for (i = 0; i < NGX_SENDKIT_AUTH_REDIS_READS; i++) {

        n = c->recv(c, buf, NGX_SENDKIT_AUTH_REDIS_READ_SIZE);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0 || n == NGX_ERROR) {
            ngx_log_error(NGX_LOG_INFO, rev->log, 0,
                          "redis closed connection");
            ngx_sendkit_auth_redis_conn_lost(conn, SENDKIT_STORE_DOWN);
            return;
        }

        bytes.data = buf;
        bytes.len = (size_t) n;

        if (conn->read_handler(conn->data, bytes) != NGX_OK) {
            return;
        }
    }

    if (i == NGX_SENDKIT_AUTH_REDIS_READS) {

        /* others have waited for their turn */

        ngx_post_event(rev, &ngx_posted_next_events);
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        ngx_sendkit_auth_redis_conn_lost(conn, SENDKIT_STORE_DOWN);
    }
}


/* what waits for an answer shall have it, unless there is no time left */

static void
ngx_sendkit_auth_redis_conn_exit(ngx_sendkit_auth_redis_conn_t *conn)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = conn->peer.connection;

    if (c->error) {
        rc = NGX_OK;

    } else if (conn->exit_handler != NULL) {
        rc = conn->exit_handler(conn->data);

    } else {
        rc = c->read->timer_set ? NGX_AGAIN : NGX_OK;
    }

    if (rc == NGX_AGAIN) {
        c->close = 0;

        /* this is not called in a turn of the event loop, which would do it */

        if (conn->flush.posted) {
            ngx_delete_posted_event(&conn->flush);
            ngx_sendkit_auth_redis_conn_flush(conn);
        }

        return;
    }

    /* at worker_shutdown_timeout nothing is sent again */

    ngx_sendkit_auth_redis_conn_lost(conn, c->error ? SENDKIT_STORE_ERROR
                                                    : SENDKIT_STORE_DOWN);
}


/* begins with the address in use, and ends when each had its turn */

static ngx_int_t
ngx_sendkit_auth_redis_conn_connect(ngx_sendkit_auth_redis_conn_t *conn)
{
    while (conn->tried < conn->naddrs) {

        if (ngx_sendkit_auth_redis_conn_start(conn) == NGX_OK) {
            return NGX_OK;
        }

        ngx_sendkit_auth_redis_conn_skip(conn);
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_sendkit_auth_redis_conn_start(ngx_sendkit_auth_redis_conn_t *conn)
{
    ngx_int_t          rc;
    ngx_addr_t        *addr;
    ngx_connection_t  *c;

    addr = &conn->addrs[conn->addr];

    conn->id = ngx_murmur_hash2(addr->name.data, addr->name.len);

    ngx_memzero(&conn->peer, sizeof(ngx_peer_connection_t));

    conn->peer.sockaddr = addr->sockaddr;
    conn->peer.socklen = addr->socklen;
    conn->peer.name = &addr->name;
    conn->peer.get = ngx_event_get_peer;
    conn->peer.log = &conn->log;
    conn->peer.log_error = NGX_ERROR_ERR;
    conn->peer.so_keepalive = 1;

    rc = ngx_event_connect_peer(&conn->peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        conn->peer.connection = NULL;
        return NGX_ERROR;
    }

    c = conn->peer.connection;

    c->data = conn;
    c->log = &conn->log;
    c->idle = 1;
    c->read->handler = ngx_sendkit_auth_redis_read_handler;
    c->write->handler = ngx_sendkit_auth_redis_write_handler;

    conn->log.connection = c->number;
    conn->connecting = 1;
    conn->connected = 0;

    if (conn->tls.tls != NULL) {
        c->pool = ngx_create_pool(NGX_SENDKIT_AUTH_REDIS_POOL_SIZE, c->log);

        if (c->pool == NULL) {
            ngx_sendkit_auth_redis_conn_drop(conn);
            return NGX_ERROR;
        }
    }

    ngx_add_timer(c->write, conn->timeout);

    if (rc == NGX_OK) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    return NGX_OK;
}


static void
ngx_sendkit_auth_redis_conn_skip(ngx_sendkit_auth_redis_conn_t *conn)
{
    conn->tried++;
    conn->addr = (conn->addr + 1) % conn->naddrs;
}


/* nothing has been written yet: another address may do as well */

static void
ngx_sendkit_auth_redis_conn_next(ngx_sendkit_auth_redis_conn_t *conn,
    sendkit_store_e why)
{
    ngx_sendkit_auth_redis_conn_drop(conn);
    ngx_sendkit_auth_redis_conn_skip(conn);

    if (ngx_sendkit_auth_redis_conn_connect(conn) != NGX_OK) {
        ngx_sendkit_auth_redis_conn_lost(conn, why);
        return;
    }

    if (conn->has_deadline) {
        ngx_sendkit_auth_redis_conn_deadline(conn, conn->deadline);
    }
}


static void
ngx_sendkit_auth_redis_conn_drop(ngx_sendkit_auth_redis_conn_t *conn)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    c = conn->peer.connection;

    /* a server that was not verified leaves no session */

    ngx_sendkit_auth_redis_tls_close(&conn->tls, c, !conn->connecting);

    pool = c->pool;

    ngx_close_connection(c);

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    conn->peer.connection = NULL;
}


/* NGX_AGAIN: not yet, TLS is being agreed upon */

static ngx_int_t
ngx_sendkit_auth_redis_conn_established(ngx_sendkit_auth_redis_conn_t *conn)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = conn->peer.connection;

    if (!conn->connected) {

        if (ngx_sendkit_auth_redis_conn_test(conn) != NGX_OK) {
            return NGX_ERROR;
        }

        conn->connected = 1;
    }

    if (conn->tls.tls != NULL) {

        rc = ngx_sendkit_auth_redis_tls_handshake(&conn->tls, c);
        if (rc != NGX_OK) {
            return rc;
        }

        /* what came behind the handshake is read already, but not by us */

        ngx_post_event(c->read, &ngx_posted_events);
    }

    conn->connecting = 0;

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    if (conn->open_handler != NULL) {
        conn->open_handler(conn->data);
    }

    ngx_post_event(&conn->flush, &ngx_posted_events);

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_conn_test(ngx_sendkit_auth_redis_conn_t *conn)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c;

    c = conn->peer.connection;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err != 0) {
        (void) ngx_connection_error(c, err, "connect() failed");
        return NGX_ERROR;
    }

    return ngx_tcp_nodelay(c);
}


static void
ngx_sendkit_auth_redis_conn_flush(ngx_sendkit_auth_redis_conn_t *conn)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = conn->peer.connection;

    while (conn->sent < conn->len) {

        n = c->send(c, conn->buf + conn->sent, conn->len - conn->sent);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            ngx_sendkit_auth_redis_conn_lost(conn, SENDKIT_STORE_DOWN);
            return;
        }

        conn->sent += n;
    }

    if (conn->sent == conn->len) {
        ngx_explicit_memzero(conn->buf, conn->len);
        conn->sent = 0;
        conn->len = 0;
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        ngx_sendkit_auth_redis_conn_lost(conn, SENDKIT_STORE_DOWN);
    }
}


static ngx_int_t
ngx_sendkit_auth_redis_conn_grow(ngx_sendkit_auth_redis_conn_t *conn,
    size_t len)
{
    u_char  *buf;
    size_t   size;

    size = conn->size != 0 ? conn->size : NGX_SENDKIT_AUTH_REDIS_WRITE_SIZE;

    while (size < conn->len + len) {
        size *= 2;
    }

    if (size > NGX_SENDKIT_AUTH_REDIS_WRITE_MAX) {
        return NGX_ERROR;
    }

    buf = ngx_alloc(size, &conn->log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    if (conn->buf != NULL) {
        ngx_memcpy(buf, conn->buf, conn->len);
        ngx_explicit_memzero(conn->buf, conn->size);
        ngx_free(conn->buf);
    }

    conn->buf = buf;
    conn->size = size;

    return NGX_OK;
}


static void
ngx_sendkit_auth_redis_conn_lost(ngx_sendkit_auth_redis_conn_t *conn,
    sendkit_store_e why)
{
    ngx_sendkit_auth_redis_conn_close(conn);

    conn->lost_handler(conn->data, why);
}


static u_char *
ngx_sendkit_auth_redis_log_handler(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char                         *p;
    ngx_sendkit_auth_redis_conn_t  *conn;

    conn = log->data;
    p = buf;

    if (log->action != NULL) {
        p = ngx_snprintf(buf, len, " while %s", log->action);
        len -= p - buf;
        buf = p;
    }

    if (conn->peer.name != NULL) {
        p = ngx_snprintf(buf, len, ", redis: %V", conn->peer.name);
    }

    return p;
}
