
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <arpa/inet.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "authctl_fail.h"
#include "authctl_tls.h"


static int authctl_tls_set_ca(SSL_CTX *ctx, const authctl_conn_conf_t *conf);
static int authctl_tls_set_cert(SSL_CTX *ctx, const authctl_conn_conf_t *conf);
static SSL *authctl_tls_client(SSL_CTX *ctx, const authctl_conn_conf_t *conf,
    int fd);
static int authctl_tls_set_name(SSL *ssl, const char *name);
static const char *authctl_tls_reason(void);


SSL *
authctl_tls_create(const authctl_conn_conf_t *conf, int fd)
{
    SSL      *ssl;
    SSL_CTX  *ctx;

    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        (void) authctl_fail(AUTHCTL_REDIS, "no TLS: %s", authctl_tls_reason());
        return NULL;
    }

    (void) SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void) SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                                 |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    ssl = authctl_tls_set_ca(ctx, conf) && authctl_tls_set_cert(ctx, conf)
          ? authctl_tls_client(ctx, conf, fd) : NULL;

    /* the connection holds a reference of its own */

    SSL_CTX_free(ctx);

    return ssl;
}


static int
authctl_tls_set_ca(SSL_CTX *ctx, const authctl_conn_conf_t *conf)
{
    if (conf->insecure) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
        return 1;
    }

    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);

    if (conf->ca == NULL) {
        return SSL_CTX_set_default_verify_paths(ctx) == 1
               || authctl_fail(0, "no certificates of authorities: %s",
                               authctl_tls_reason());
    }

    return SSL_CTX_load_verify_file(ctx, conf->ca) == 1
           || authctl_fail(0, "cannot use the certificates in \"%s\": %s",
                           conf->ca, authctl_tls_reason());
}


static int
authctl_tls_set_cert(SSL_CTX *ctx, const authctl_conn_conf_t *conf)
{
    if (conf->cert == NULL) {
        return 1;
    }

    if (SSL_CTX_use_certificate_chain_file(ctx, conf->cert) != 1) {
        return authctl_fail(0, "cannot use the certificate in \"%s\": %s",
                            conf->cert, authctl_tls_reason());
    }

    return SSL_CTX_use_PrivateKey_file(ctx, conf->key, SSL_FILETYPE_PEM) == 1
           || authctl_fail(0, "cannot use the private key in \"%s\": %s",
                           conf->key, authctl_tls_reason());
}


static SSL *
authctl_tls_client(SSL_CTX *ctx, const authctl_conn_conf_t *conf, int fd)
{
    SSL  *ssl;

    ssl = SSL_new(ctx);

    if (ssl == NULL || SSL_set_fd(ssl, fd) != 1
        || !authctl_tls_set_name(ssl, conf->sni != NULL ? conf->sni
                                                        : conf->host))
    {
        (void) authctl_fail(AUTHCTL_REDIS, "no TLS: %s", authctl_tls_reason());
        SSL_free(ssl);
        return NULL;
    }

    return ssl;
}


/* the name that is asked for is the one that is verified */

static int
authctl_tls_set_name(SSL *ssl, const char *name)
{
    unsigned char  ip[sizeof(struct in6_addr)];

    /* an address is no name to be sent (RFC 6066, section 3) */

    if (inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1)
    {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }

    return SSL_set_tlsext_host_name(ssl, name) == 1
           && SSL_set1_host(ssl, name) == 1;
}


const char *
authctl_tls_error(const SSL *ssl)
{
    long  result;

    result = SSL_get_verify_result(ssl);

    if (result != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
        return X509_verify_cert_error_string(result);
    }

    return authctl_tls_reason();
}


static const char *
authctl_tls_reason(void)
{
    const char  *reason;

    reason = ERR_reason_error_string(ERR_peek_error());

    return reason != NULL ? reason : "the connection was closed";
}


void
authctl_tls_free(SSL *ssl)
{
    (void) SSL_shutdown(ssl);
    SSL_free(ssl);
}
