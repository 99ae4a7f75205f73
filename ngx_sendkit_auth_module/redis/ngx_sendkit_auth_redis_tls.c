
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_redis_tls.h"


#if (NGX_SSL)

#include <openssl/x509v3.h>


static ngx_int_t ngx_sendkit_auth_redis_tls_start(
    ngx_sendkit_auth_redis_peer_t *peer, ngx_connection_t *c);
static ngx_int_t ngx_sendkit_auth_redis_tls_name(
    ngx_sendkit_auth_redis_peer_t *peer, ngx_connection_t *c);
static ngx_int_t ngx_sendkit_auth_redis_tls_verify(
    ngx_sendkit_auth_redis_peer_t *peer, ngx_connection_t *c);
static long ngx_sendkit_auth_redis_tls_result(ngx_connection_t *c);
static ngx_int_t ngx_sendkit_auth_redis_tls_match(
    ngx_sendkit_auth_redis_peer_t *peer, ngx_connection_t *c);


ngx_int_t
ngx_sendkit_auth_redis_tls_handshake(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c)
{
    ngx_int_t               rc;
    ngx_event_handler_pt    read, write;

    if (c->ssl == NULL
        && ngx_sendkit_auth_redis_tls_start(peer, c) != NGX_OK)
    {
        return NGX_ERROR;
    }

    read = c->read->handler;
    write = c->write->handler;

    rc = ngx_ssl_handshake(c);

    /* it leaves its own, which would know neither timers nor the exit */

    c->read->handler = read;
    c->write->handler = write;

    if (rc != NGX_OK || !peer->tls->verify) {
        return rc;
    }

    return ngx_sendkit_auth_redis_tls_verify(peer, c);
}


static ngx_int_t
ngx_sendkit_auth_redis_tls_start(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c)
{
    if (ngx_sendkit_auth_redis_tls_name(peer, c) != NGX_OK
        || ngx_ssl_create_connection(peer->tls->ssl, c, NGX_SSL_CLIENT)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* what could not be written may be elsewhere when it is tried again */

    SSL_set_mode(c->ssl->connection, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    /* addresses are no server names (RFC 6066, 3) */

    if (!peer->address
        && SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) peer->name.data)
           == 0)
    {
        ngx_ssl_error(NGX_LOG_ERR, c->log, 0,
                      "SSL_set_tlsext_host_name(\"%V\") failed", &peer->name);
        return NGX_ERROR;
    }

    return ngx_ssl_set_session(c, peer->session);
}


static ngx_int_t
ngx_sendkit_auth_redis_tls_name(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c)
{
    ngx_str_t   name;
    ngx_addr_t  addr;

    name = peer->tls->name.len != 0 ? peer->tls->name : peer->host;

    if (name.len > 2 && name.data[0] == '[') {
        name.data++;
        name.len -= 2;
    }

    peer->name.len = name.len;
    peer->name.data = ngx_pnalloc(c->pool, name.len + 1);

    if (peer->name.data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(peer->name.data, name.data, name.len) = '\0';

    peer->address = ngx_parse_addr(c->pool, &addr, peer->name.data,
                                   peer->name.len)
                    == NGX_OK;

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_tls_verify(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c)
{
    long  rc;

    rc = ngx_sendkit_auth_redis_tls_result(c);

    if (rc != X509_V_OK) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "redis SSL certificate verify error: (%l:%s)",
                      rc, X509_verify_cert_error_string(rc));
        return NGX_ERROR;
    }

    if (ngx_sendkit_auth_redis_tls_match(peer, c) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "redis SSL certificate does not match \"%V\"",
                      &peer->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a session that goes on has the result of its beginning */

static long
ngx_sendkit_auth_redis_tls_result(ngx_connection_t *c)
{
    long   rc;
    X509  *cert;

    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK || !SSL_session_reused(c->ssl->connection)) {
        return rc;
    }

    cert = SSL_get0_peer_certificate(c->ssl->connection);

    if (cert == NULL
        || X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
    {
        return X509_V_ERR_CERT_HAS_EXPIRED;
    }

    return X509_V_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_tls_match(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c)
{
    X509  *cert;

    if (!peer->address) {
        return ngx_ssl_check_host(c, &peer->name);
    }

    cert = SSL_get0_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NGX_ERROR;
    }

    return X509_check_ip_asc(cert, (char *) peer->name.data, 0) == 1
           ? NGX_OK : NGX_ERROR;
}


void
ngx_sendkit_auth_redis_tls_close(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c, ngx_uint_t keep)
{
    ngx_ssl_session_t  *session;

    if (c->ssl == NULL) {
        return;
    }

    ngx_sendkit_auth_redis_tls_forget(peer);

    if (keep) {
        session = ngx_ssl_get_session(c);

        if (session != NULL && SSL_SESSION_is_resumable(session)) {
            peer->session = session;

        } else if (session != NULL) {
            ngx_ssl_free_session(session);
        }
    }

    /* it would not wait anyway, and what is told ends with its last reply */

    c->ssl->no_wait_shutdown = 1;
    c->ssl->no_send_shutdown = 1;

    (void) ngx_ssl_shutdown(c);
}


void
ngx_sendkit_auth_redis_tls_forget(ngx_sendkit_auth_redis_peer_t *peer)
{
    if (peer->session != NULL) {
        ngx_ssl_free_session(peer->session);
        peer->session = NULL;
    }
}


#else


ngx_int_t
ngx_sendkit_auth_redis_tls_handshake(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c)
{
    return NGX_ERROR;
}


void
ngx_sendkit_auth_redis_tls_close(ngx_sendkit_auth_redis_peer_t *peer,
    ngx_connection_t *c, ngx_uint_t keep)
{
    /* void */
}


void
ngx_sendkit_auth_redis_tls_forget(ngx_sendkit_auth_redis_peer_t *peer)
{
    /* void */
}


#endif
