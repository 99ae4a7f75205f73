
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_ADDRESS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_ADDRESS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/* The setter of "sendkit_auth_redis": where Redis is. */

char *ngx_sendkit_auth_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_SENDKIT_AUTH_ADDRESS_H_INCLUDED_ */
