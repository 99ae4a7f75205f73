
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_tls_conf.h"


#define NGX_SENDKIT_AUTH_TLS_DEPTH  9


/* a directive whose value is a string */

typedef struct {
    const char                       *name;
    size_t                            offset;
} ngx_sendkit_auth_tls_string_t;


static ngx_int_t ngx_sendkit_auth_tls_conf_check(ngx_conf_t *cf,
    const ngx_sendkit_auth_tls_conf_t *conf);
static const ngx_str_t *ngx_sendkit_auth_tls_conf_string(
    const ngx_sendkit_auth_tls_conf_t *conf, ngx_uint_t i);
static const char *ngx_sendkit_auth_tls_conf_given(
    const ngx_sendkit_auth_tls_conf_t *conf);
static ngx_int_t ngx_sendkit_auth_tls_conf_make(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    ngx_sendkit_auth_redis_tls_t *tls);


static const ngx_sendkit_auth_tls_string_t  ngx_sendkit_auth_tls_strings[] = {
    { "sendkit_auth_redis_ssl_trusted_certificate",
      offsetof(ngx_sendkit_auth_tls_conf_t, trusted_certificate) },
    { "sendkit_auth_redis_ssl_certificate",
      offsetof(ngx_sendkit_auth_tls_conf_t, certificate) },
    { "sendkit_auth_redis_ssl_certificate_key",
      offsetof(ngx_sendkit_auth_tls_conf_t, certificate_key) },
    { "sendkit_auth_redis_ssl_name",
      offsetof(ngx_sendkit_auth_tls_conf_t, name) },
    { "sendkit_auth_redis_ssl_ciphers",
      offsetof(ngx_sendkit_auth_tls_conf_t, ciphers) },
    { NULL, 0 }
};


void
ngx_sendkit_auth_tls_conf_create(ngx_sendkit_auth_tls_conf_t *conf)
{
    conf->verify = NGX_CONF_UNSET;
}


ngx_int_t
ngx_sendkit_auth_tls_conf_init(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    const ngx_sendkit_auth_redis_tls_t **tls)
{
    const char                    *name;
    ngx_sendkit_auth_redis_tls_t  *made;

    *tls = NULL;

    if (address == NULL) {

        name = ngx_sendkit_auth_tls_conf_given(conf);
        if (name == NULL) {
            return NGX_OK;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "there is \"%s\" but the address in "
                           "\"sendkit_auth_redis\" does not begin with "
                           "\"rediss\"", name);
        return NGX_ERROR;
    }

    if (ngx_sendkit_auth_tls_conf_check(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    made = ngx_pcalloc(cf->pool, sizeof(ngx_sendkit_auth_redis_tls_t));
    if (made == NULL) {
        return NGX_ERROR;
    }

    *tls = made;

    return ngx_sendkit_auth_tls_conf_make(cf, conf, address, made);
}


static ngx_int_t
ngx_sendkit_auth_tls_conf_check(ngx_conf_t *cf,
    const ngx_sendkit_auth_tls_conf_t *conf)
{
    ngx_uint_t        i;
    const ngx_str_t  *value;

    for (i = 0; ngx_sendkit_auth_tls_strings[i].name != NULL; i++) {

        value = ngx_sendkit_auth_tls_conf_string(conf, i);

        if (value->data != NULL && value->len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" is empty",
                               ngx_sendkit_auth_tls_strings[i].name);
            return NGX_ERROR;
        }
    }

    if (conf->certificate.len != 0 && conf->certificate_key.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_redis_ssl_certificate\" is \"%V\" "
                           "but there is no "
                           "\"sendkit_auth_redis_ssl_certificate_key\"",
                           &conf->certificate);
        return NGX_ERROR;
    }

    if (conf->certificate_key.len != 0 && conf->certificate.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_redis_ssl_certificate_key\" is "
                           "\"%V\" but there is no "
                           "\"sendkit_auth_redis_ssl_certificate\"",
                           &conf->certificate_key);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const ngx_str_t *
ngx_sendkit_auth_tls_conf_string(const ngx_sendkit_auth_tls_conf_t *conf,
    ngx_uint_t i)
{
    return (const ngx_str_t *)
               ((const char *) conf + ngx_sendkit_auth_tls_strings[i].offset);
}


/* the name of the first directive that is there */

static const char *
ngx_sendkit_auth_tls_conf_given(const ngx_sendkit_auth_tls_conf_t *conf)
{
    ngx_uint_t  i;

    for (i = 0; ngx_sendkit_auth_tls_strings[i].name != NULL; i++) {
        if (ngx_sendkit_auth_tls_conf_string(conf, i)->data != NULL) {
            return ngx_sendkit_auth_tls_strings[i].name;
        }
    }

    if (conf->protocols != 0) {
        return "sendkit_auth_redis_ssl_protocols";
    }

    return conf->verify != NGX_CONF_UNSET ? "sendkit_auth_redis_ssl_verify"
                                          : NULL;
}


#if (NGX_SSL)

/* nginx has the name since 1.27.3 */

#ifndef NGX_SSL_DEFAULT_PROTOCOLS
#define NGX_SSL_DEFAULT_PROTOCOLS  (NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3)
#endif


static ngx_int_t ngx_sendkit_auth_tls_conf_verify(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    ngx_ssl_t *ssl);
static ngx_int_t ngx_sendkit_auth_tls_conf_trust(ngx_conf_t *cf,
    const ngx_sendkit_auth_tls_conf_t *conf, ngx_str_t *trust);


ngx_conf_bitmask_t  ngx_sendkit_auth_tls_protocols[] = {
    { ngx_string("TLSv1"), NGX_SSL_TLSv1 },
    { ngx_string("TLSv1.1"), NGX_SSL_TLSv1_1 },
    { ngx_string("TLSv1.2"), NGX_SSL_TLSv1_2 },
    { ngx_string("TLSv1.3"), NGX_SSL_TLSv1_3 },
    { ngx_null_string, 0 }
};


static ngx_int_t
ngx_sendkit_auth_tls_conf_make(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    ngx_sendkit_auth_redis_tls_t *tls)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    ngx_conf_init_value(conf->verify, 1);

    if (conf->protocols == 0) {
        conf->protocols = NGX_SSL_DEFAULT_PROTOCOLS;
    }

    if (conf->ciphers.data == NULL) {
        ngx_str_set(&conf->ciphers, "DEFAULT");
    }

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_ssl_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ssl = cln->data;
    ngx_memzero(ssl, sizeof(ngx_ssl_t));
    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, conf->protocols, NULL) != NGX_OK) {
        return NGX_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;

    if (ngx_ssl_ciphers(cf, ssl, &conf->ciphers, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf->certificate.len != 0
        && ngx_ssl_certificate(cf, ssl, &conf->certificate,
                               &conf->certificate_key, NULL)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->verify
        && ngx_sendkit_auth_tls_conf_verify(cf, conf, address, ssl) != NGX_OK)
    {
        return NGX_ERROR;
    }

    tls->ssl = ssl;
    tls->verify = conf->verify;
    tls->name = conf->name;

    return ngx_sendkit_auth_tls_conf_trust(cf, conf, &tls->trust);
}


static ngx_int_t
ngx_sendkit_auth_tls_conf_verify(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    ngx_ssl_t *ssl)
{
    if (conf->trusted_certificate.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"sendkit_auth_redis\" needs "
                           "\"sendkit_auth_redis_ssl_trusted_certificate\", "
                           "or \"sendkit_auth_redis_ssl_verify off\"",
                           address);
        return NGX_ERROR;
    }

    return ngx_ssl_trusted_certificate(cf, ssl, &conf->trusted_certificate,
                                       NGX_SENDKIT_AUTH_TLS_DEPTH);
}


static ngx_int_t
ngx_sendkit_auth_tls_conf_trust(ngx_conf_t *cf,
    const ngx_sendkit_auth_tls_conf_t *conf, ngx_str_t *trust)
{
    u_char  *p;
    size_t   size;

    size = sizeof("rediss\0off\0\0") + conf->trusted_certificate.len
           + conf->name.len;

    p = ngx_pnalloc(cf->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    trust->data = p;

    p = ngx_sprintf(p, "rediss%Z%s%Z%V%Z%V", conf->verify ? "on" : "off",
                    &conf->trusted_certificate, &conf->name);

    trust->len = p - trust->data;

    return NGX_OK;
}


#else


static ngx_int_t
ngx_sendkit_auth_tls_conf_make(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    ngx_sendkit_auth_redis_tls_t *tls)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\" in \"sendkit_auth_redis\" needs an nginx that "
                       "was built with SSL", address);

    return NGX_ERROR;
}


#endif
