
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_CONN_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_event_connect.h>

#include "../core/sendkit_decision.h"
#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_tls.h"


/*
 * One socket of a worker to a Redis server: opens, writes, reads, times out.
 * Knows no command.  What is written in one turn of the event loop leaves
 * together.  The handlers are called by the event loop only, never from
 * inside a call of these functions.
 */

/* the connection is established; may set a deadline, and nothing else */
typedef void (*ngx_sendkit_auth_redis_open_pt)(void *data);

/* bytes were read; NGX_ERROR: the connection was closed by the handler */
typedef ngx_int_t (*ngx_sendkit_auth_redis_read_pt)(void *data,
    sendkit_span_t bytes);

/* the connection was lost, and is closed; said in the log */
typedef void (*ngx_sendkit_auth_redis_lost_pt)(void *data,
    sendkit_store_e why);


/* the worker exits; NGX_AGAIN: the owner closes the connection later */
typedef ngx_int_t (*ngx_sendkit_auth_redis_exit_pt)(void *data);


typedef struct {
    ngx_peer_connection_t             peer;
    ngx_event_t                       flush;
    ngx_log_t                         log;
    u_char                           *buf;      /* still to be written */
    size_t                            size;
    size_t                            len;
    size_t                            sent;
    ngx_uint_t                        connecting;   /* TLS included */
    ngx_uint_t                        connected;    /* TLS is what is left */
    ngx_sendkit_auth_redis_peer_t     tls;

    ngx_addr_t                       *addrs;
    ngx_uint_t                        naddrs;
    ngx_uint_t                        addr;     /* in use, or to begin with */
    uint32_t                          id;       /* of the one in use */
    ngx_uint_t                        tried;    /* in vain, of them */
    ngx_msec_t                        timeout;
    ngx_msec_t                        deadline;
    ngx_uint_t                        has_deadline;

    /* set by the owner before the first open */
    ngx_sendkit_auth_redis_open_pt    open_handler;     /* or NULL */
    ngx_sendkit_auth_redis_read_pt    read_handler;
    ngx_sendkit_auth_redis_lost_pt    lost_handler;
    ngx_sendkit_auth_redis_exit_pt    exit_handler;     /* NULL: as below */
    void                             *data;
} ngx_sendkit_auth_redis_conn_t;


/*
 * tls  NULL: none; outlives the connection
 * log  of the worker; what the connection logs names the server as well
 */

void ngx_sendkit_auth_redis_conn_init(ngx_sendkit_auth_redis_conn_t *conn,
    const ngx_sendkit_auth_redis_tls_t *tls, ngx_log_t *log);

/*
 * host     what the server was given as, an address or a name, for TLS;
 *          kept by the caller, as addrs
 * addrs    of one server: tried in turn, beginning with the one that was good
 *          the last time
 * timeout  ms, for the connection to an address to be established, with its
 *          TLS handshake
 *
 * NGX_OK: it is being established, and can be written to at once;
 * NGX_ERROR: it could not be, said in the log.
 */

ngx_int_t ngx_sendkit_auth_redis_conn_open(
    ngx_sendkit_auth_redis_conn_t *conn, const ngx_str_t *host,
    ngx_addr_t *addrs, ngx_uint_t naddrs, ngx_msec_t timeout);

ngx_uint_t ngx_sendkit_auth_redis_conn_is_open(
    const ngx_sendkit_auth_redis_conn_t *conn);

/* copies the bytes; NGX_ERROR: no memory, or too much is unsent already */

ngx_int_t ngx_sendkit_auth_redis_conn_write(
    ngx_sendkit_auth_redis_conn_t *conn, const u_char *data, size_t len);

/*
 * Loses the connection by SENDKIT_STORE_TIMEOUT unless the deadline is moved
 * or lifted first.  at: on the clock of ngx_current_msec
 */

void ngx_sendkit_auth_redis_conn_deadline(
    ngx_sendkit_auth_redis_conn_t *conn, ngx_msec_t at);
void ngx_sendkit_auth_redis_conn_no_deadline(
    ngx_sendkit_auth_redis_conn_t *conn);

/*
 * Safe to call twice; no handler is called afterwards.  When the worker exits
 * a connection is lost, unless it has a deadline: then something waits.
 */

void ngx_sendkit_auth_redis_conn_close(ngx_sendkit_auth_redis_conn_t *conn);

/* the same for one that is not opened again: it leaves nothing behind */

void ngx_sendkit_auth_redis_conn_done(ngx_sendkit_auth_redis_conn_t *conn);


#endif /* _NGX_SENDKIT_AUTH_REDIS_CONN_H_INCLUDED_ */
