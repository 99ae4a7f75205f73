
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_TLS_CONF_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_TLS_CONF_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "redis/ngx_sendkit_auth_redis_tls.h"


/* The directives "sendkit_auth_redis_ssl_*": in the configuration only. */

typedef struct {
    ngx_str_t                         trusted_certificate;
    ngx_str_t                         certificate;
    ngx_str_t                         certificate_key;
    ngx_str_t                         name;
    ngx_str_t                         ciphers;
    ngx_uint_t                        protocols;
    ngx_flag_t                        verify;
} ngx_sendkit_auth_tls_conf_t;


/* for zeroed memory, before the directives are read */

void ngx_sendkit_auth_tls_conf_create(ngx_sendkit_auth_tls_conf_t *conf);

/*
 * After they were read.
 *
 * address  of the server, if it asks for TLS; otherwise NULL, and then none
 *          of the directives may be there
 * tls      set to what connections take, or to NULL: they have no TLS
 *
 * NGX_ERROR: said in the log.
 */

ngx_int_t ngx_sendkit_auth_tls_conf_init(ngx_conf_t *cf,
    ngx_sendkit_auth_tls_conf_t *conf, const ngx_str_t *address,
    const ngx_sendkit_auth_redis_tls_t **tls);


#if (NGX_SSL)

/* for ngx_conf_set_bitmask_slot() */

extern ngx_conf_bitmask_t  ngx_sendkit_auth_tls_protocols[];

#endif


#endif /* _NGX_SENDKIT_AUTH_TLS_CONF_H_INCLUDED_ */
