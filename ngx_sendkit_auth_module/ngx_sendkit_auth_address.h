
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_ADDRESS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_ADDRESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "redis/ngx_sendkit_auth_redis_server.h"


/* The setter of "sendkit_auth_redis": where Redis is. */

char *ngx_sendkit_auth_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * After all directives of "http": takes its resolver.  NGX_ERROR: a host was
 * not found, and there is none; said in the log.
 */

ngx_int_t ngx_sendkit_auth_conf_resolver(ngx_conf_t *cf,
    ngx_sendkit_auth_redis_conf_t *redis);


#endif /* _NGX_SENDKIT_AUTH_ADDRESS_H_INCLUDED_ */
