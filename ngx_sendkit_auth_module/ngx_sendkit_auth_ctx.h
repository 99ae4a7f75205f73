
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_CTX_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_CTX_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/*
 * The state of a client's request.  nginx forgets a module's context at each
 * internal redirect; this one is found again by its pool cleanup.
 */

/* what the identity headers carry, in the order they are sent */

typedef enum {
    NGX_SENDKIT_AUTH_KEY_TYPE = 0,
    NGX_SENDKIT_AUTH_KEY_ID,
    NGX_SENDKIT_AUTH_USER,
    NGX_SENDKIT_AUTH_WORKSPACE,
    NGX_SENDKIT_AUTH_ROLE,
    NGX_SENDKIT_AUTH_NIDENTITY
} ngx_sendkit_auth_identity_e;


/* NULL: the request has none yet; for a subrequest its main request's */

ngx_sendkit_auth_ctx_t *ngx_sendkit_auth_ctx_find(ngx_http_request_t *r);

/* NULL: no memory; only for a main request that has none */

ngx_sendkit_auth_ctx_t *ngx_sendkit_auth_ctx_create(ngx_http_request_t *r);

/* Makes the digests of the key, once.  NGX_OK; NGX_ERROR: OpenSSL failed. */

ngx_int_t ngx_sendkit_auth_ctx_digest(ngx_sendkit_auth_ctx_t *ctx);

/*
 * What is known of an identity, whatever was decided; len 0: nothing.  Valid
 * as long as the request.
 */

sendkit_span_t ngx_sendkit_auth_ctx_identity(
    const ngx_sendkit_auth_ctx_t *ctx, ngx_sendkit_auth_identity_e what);


#endif /* _NGX_SENDKIT_AUTH_CTX_H_INCLUDED_ */
