
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_KEYS_H_INCLUDED_
#define _NGX_SENDKIT_KEYS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * The key service, a content handler: creates, shows, replaces and deletes
 * the key of the workspace in the path, for a request that the gateway has
 * allowed.
 */

ngx_int_t ngx_sendkit_keys_handler(ngx_http_request_t *r);


extern ngx_module_t  ngx_sendkit_keys_module;


#endif /* _NGX_SENDKIT_KEYS_H_INCLUDED_ */
