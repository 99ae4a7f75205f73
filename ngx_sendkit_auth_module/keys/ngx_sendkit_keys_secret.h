
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_KEYS_SECRET_H_INCLUDED_
#define _NGX_SENDKIT_KEYS_SECRET_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/sendkit_workspace_key.h"


/* New keys, and the memory that may hold them. */

/*
 * Makes a key of SENDKIT_WORKSPACE_KEY_LEN bytes, in such memory, and fills
 * in of its record what is known by that: all but who has made it.
 *
 * NGX_OK; NGX_ERROR: no memory, or OpenSSL failed, which is said in the log.
 */

ngx_int_t ngx_sendkit_keys_secret_make(ngx_http_request_t *r, u_char **key,
    sendkit_workspace_key_t *record);

/* memory that is overwritten when the request ends; NULL: none */

u_char *ngx_sendkit_keys_secret_alloc(ngx_http_request_t *r, size_t len);


#endif /* _NGX_SENDKIT_KEYS_SECRET_H_INCLUDED_ */
