
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_ctx.h"


static ngx_sendkit_auth_ctx_t *ngx_sendkit_auth_ctx_revive(
    ngx_http_request_t *r, ngx_sendkit_auth_ctx_t *ctx);
static void ngx_sendkit_auth_ctx_cleanup(void *data);


ngx_sendkit_auth_ctx_t *
ngx_sendkit_auth_ctx_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t      *cln;
    ngx_sendkit_auth_ctx_t  *ctx;

    r = r->main;

    ctx = ngx_http_get_module_ctx(r, ngx_sendkit_auth_module);

    if (ctx != NULL) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {
        if (cln->handler == ngx_sendkit_auth_ctx_cleanup) {
            return ngx_sendkit_auth_ctx_revive(r, cln->data);
        }
    }

    return NULL;
}


/*
 * After an internal redirect what was under way for the location before is
 * void: nginx makes one even while a lookup is waited for, for a post_action
 * when the client has left.
 */

static ngx_sendkit_auth_ctx_t *
ngx_sendkit_auth_ctx_revive(ngx_http_request_t *r, ngx_sendkit_auth_ctx_t *ctx)
{
    ngx_sendkit_auth_waiter_cancel(&ctx->waiter);

    if (ctx->state != NGX_SENDKIT_AUTH_NEW) {
        ctx->state = NGX_SENDKIT_AUTH_DECIDED;
    }

    ngx_http_set_ctx(r, ctx, ngx_sendkit_auth_module);

    return ctx;
}


ngx_sendkit_auth_ctx_t *
ngx_sendkit_auth_ctx_create(ngx_http_request_t *r)
{
    ngx_http_cleanup_t      *leave;
    ngx_pool_cleanup_t      *cln;
    ngx_sendkit_auth_ctx_t  *ctx;

    /* this one is run as soon as the client has left */

    leave = ngx_http_cleanup_add(r, 0);
    if (leave == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_sendkit_auth_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;

    ngx_memzero(ctx, sizeof(ngx_sendkit_auth_ctx_t));

    ctx->request = r;

    leave->handler = ngx_sendkit_auth_ctx_cleanup;
    leave->data = ctx;
    cln->handler = ngx_sendkit_auth_ctx_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_sendkit_auth_module);

    return ctx;
}


ngx_int_t
ngx_sendkit_auth_ctx_digest(ngx_sendkit_auth_ctx_t *ctx)
{
    ngx_sendkit_auth_main_conf_t  *samcf;

    if (ctx->ndigests != 0) {
        return NGX_OK;
    }

    if (ngx_sendkit_auth_lookup_digest(ctx->key, ctx->digests) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "OpenSSL failed to make digest of key");
        return NGX_ERROR;
    }

    samcf = ngx_http_get_module_main_conf(ctx->request,
                                          ngx_sendkit_auth_module);
    ctx->ndigests = samcf->lookup.ndigests;

    (void) ngx_hex_dump(ctx->key_id, ctx->digests[0].bytes,
                        NGX_SENDKIT_AUTH_KEY_ID_LEN / 2);

    return NGX_OK;
}


sendkit_span_t
ngx_sendkit_auth_ctx_identity(const ngx_sendkit_auth_ctx_t *ctx,
    ngx_sendkit_auth_identity_e what)
{
    sendkit_span_t  value = { NULL, 0 };

    switch (what) {

    case NGX_SENDKIT_AUTH_KEY_TYPE:
        return sendkit_key_name(ctx->facts.key);

    case NGX_SENDKIT_AUTH_KEY_ID:

        if (ctx->ndigests != 0) {
            value.data = ctx->key_id;
            value.len = NGX_SENDKIT_AUTH_KEY_ID_LEN;
        }

        return value;

    case NGX_SENDKIT_AUTH_USER:
        return sendkit_id_span(&ctx->facts.record.user);

    case NGX_SENDKIT_AUTH_WORKSPACE:
        return ctx->facts.record.state == SENDKIT_RECORD_FOUND
               ? sendkit_decision_scope(&ctx->facts) : value;

    case NGX_SENDKIT_AUTH_ROLE:
        return sendkit_role_name(ctx->facts.role);

    case NGX_SENDKIT_AUTH_NIDENTITY:
        break;
    }

    return value;
}


/* run when the client leaves and when the pool is destroyed */

static void
ngx_sendkit_auth_ctx_cleanup(void *data)
{
    ngx_sendkit_auth_ctx_t  *ctx = data;

    ngx_sendkit_auth_waiter_cancel(&ctx->waiter);
}
