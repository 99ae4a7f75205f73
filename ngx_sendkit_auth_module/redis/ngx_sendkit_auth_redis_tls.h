
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_TLS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_TLS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The handshake with a Redis server, and whether it is the one it should be.
 * Has no timers and no handlers: the owner of the connection drives it.  In
 * an nginx without SSL each handshake fails.
 */

typedef struct {
    ngx_ssl_t                           *ssl;
    ngx_flag_t                           verify;
    ngx_str_t                            name;      /* len 0: the host */

    /* what decides who is trusted, to be compared with another one's */
    ngx_str_t                            trust;
} ngx_sendkit_auth_redis_tls_t;


/* one for a connection, kept when that is opened again; zeroed at first */

typedef struct {
    const ngx_sendkit_auth_redis_tls_t  *tls;       /* NULL: no TLS */
    ngx_str_t                            host;      /* as it was given */
    ngx_str_t                            name;      /* in use, "\0" follows */
    ngx_uint_t                           address;   /* the name is an IP's */
    void                                *session;   /* of the last one */
} ngx_sendkit_auth_redis_peer_t;


/*
 * For a connection that is established and has a pool; called again whenever
 * it can be read from or written to.
 *
 * NGX_OK     done, and the server is who it should be
 * NGX_AGAIN  not done yet
 * NGX_ERROR  failed, said in the log
 */

ngx_int_t ngx_sendkit_auth_redis_tls_handshake(
    ngx_sendkit_auth_redis_peer_t *peer, ngx_connection_t *c);

/*
 * Before the connection is closed, and whether or not there was a handshake.
 * keep  the session, which can be continued by the next handshake
 */

void ngx_sendkit_auth_redis_tls_close(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c, ngx_uint_t keep);

/* no session is kept any longer; safe to call twice */

void ngx_sendkit_auth_redis_tls_forget(ngx_sendkit_auth_redis_peer_t *peer);


#endif /* _NGX_SENDKIT_AUTH_REDIS_TLS_H_INCLUDED_ */
