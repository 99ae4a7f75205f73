
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../ngx_sendkit_auth.h"
#include "../ngx_sendkit_auth_ctx.h"
#include "../ngx_sendkit_auth_response.h"
#include "../ngx_sendkit_auth_wait.h"
#include "../ngx_sendkit_auth_workspace_key.h"
#include "ngx_sendkit_keys.h"
#include "ngx_sendkit_keys_secret.h"


#define NGX_SENDKIT_KEYS_BODY_MAX   8192    /* bytes of a request body */
#define NGX_SENDKIT_KEYS_BODY_TIME  5000    /* ms for it to come */
#define NGX_SENDKIT_KEYS_TRIES      8       /* while others change the key */

#define NGX_SENDKIT_KEYS_CREATED                                              \
    "{\"success\":true,\"data\":{\"apiKey\":\"%*s\",\"createdAt\":\"%*s\","   \
    "\"createdBy\":\"%*s\"}}"
#define NGX_SENDKIT_KEYS_SHOWN                                                \
    "{\"success\":true,\"data\":{\"maskedKey\":\"%*s\",\"createdAt\":\"%*s\","\
    "\"createdBy\":\"%*s\"}}"


typedef struct ngx_sendkit_keys_ctx_s  ngx_sendkit_keys_ctx_t;

/* NGX_AGAIN: waits for the store; else what to finalize the request with */

typedef ngx_int_t (*ngx_sendkit_keys_pt)(ngx_sendkit_keys_ctx_t *ctx);


typedef enum {
    NGX_SENDKIT_KEYS_SHOW = 0,
    NGX_SENDKIT_KEYS_CREATE,
    NGX_SENDKIT_KEYS_ROTATE,
    NGX_SENDKIT_KEYS_DELETE
} ngx_sendkit_keys_operation_e;


typedef struct {
    sendkit_span_t                    path;     /* after the workspace */
    unsigned                          method;
    const char                       *done;     /* for the log */
    ngx_sendkit_keys_operation_e      operation;
    ngx_sendkit_keys_pt               start;
} ngx_sendkit_keys_operation_t;


struct ngx_sendkit_keys_ctx_s {
    ngx_http_request_t                   *request;
    const ngx_sendkit_auth_loc_conf_t    *sacf;
    const ngx_sendkit_keys_operation_t   *operation;
    ngx_sendkit_keys_pt                   next;     /* when woken */
    ngx_uint_t                            waiting;
    ngx_uint_t                            tries;
    ngx_msec_t                            allowed;  /* when it was */
    ngx_msec_t                            deadline;
    ngx_sendkit_auth_waiter_t             waiter;
    sendkit_key_change_t                  change;
    u_char                               *key;      /* plain, if one is made */
};


static unsigned ngx_sendkit_keys_find(
    const ngx_sendkit_keys_operation_t **operation, ngx_http_request_t *r,
    sendkit_span_t path);
static ngx_uint_t ngx_sendkit_keys_may(const ngx_sendkit_auth_ctx_t *sactx);
static ngx_sendkit_keys_ctx_t *ngx_sendkit_keys_create_ctx(
    ngx_http_request_t *r, const ngx_sendkit_auth_ctx_t *sactx);

static void ngx_sendkit_keys_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_sendkit_keys_start(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_create(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_read(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_found(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_change(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_changed(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_send(ngx_sendkit_keys_ctx_t *ctx);

static ngx_msec_t ngx_sendkit_keys_left(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_wait(ngx_sendkit_keys_ctx_t *ctx,
    ngx_sendkit_keys_pt next, ngx_int_t rc);
static void ngx_sendkit_keys_wake_handler(void *data);
static void ngx_sendkit_keys_wait_handler(ngx_http_request_t *r);
static void ngx_sendkit_keys_cleanup(void *data);

static ngx_int_t ngx_sendkit_keys_error(ngx_sendkit_keys_ctx_t *ctx,
    unsigned status);
static ngx_int_t ngx_sendkit_keys_unavailable(ngx_sendkit_keys_ctx_t *ctx);
static ngx_int_t ngx_sendkit_keys_json(ngx_sendkit_keys_ctx_t *ctx,
    unsigned status, const char *format, sendkit_span_t key,
    const sendkit_workspace_key_t *record);
static void ngx_sendkit_keys_log(ngx_sendkit_keys_ctx_t *ctx);


static const ngx_sendkit_keys_operation_t  ngx_sendkit_keys_operations[] = {
    { SENDKIT_SPAN("/api-key"), SENDKIT_METHOD_GET, "shown",
      NGX_SENDKIT_KEYS_SHOW, ngx_sendkit_keys_read },

    { SENDKIT_SPAN("/api-key"), SENDKIT_METHOD_POST, "created",
      NGX_SENDKIT_KEYS_CREATE, ngx_sendkit_keys_create },

    { SENDKIT_SPAN("/api-key"), SENDKIT_METHOD_DELETE, "deleted",
      NGX_SENDKIT_KEYS_DELETE, ngx_sendkit_keys_read },

    { SENDKIT_SPAN("/api-key/rotate"), SENDKIT_METHOD_POST, "rotated",
      NGX_SENDKIT_KEYS_ROTATE, ngx_sendkit_keys_read }
};

#define NGX_SENDKIT_KEYS_NOPERATIONS                                          \
    (sizeof(ngx_sendkit_keys_operations)                                      \
     / sizeof(ngx_sendkit_keys_operation_t))


ngx_int_t
ngx_sendkit_keys_handler(ngx_http_request_t *r)
{
    unsigned                             methods;
    ngx_int_t                            rc;
    ngx_sendkit_keys_ctx_t              *ctx;
    ngx_sendkit_auth_ctx_t              *sactx;
    ngx_sendkit_auth_loc_conf_t         *sacf;
    const ngx_sendkit_keys_operation_t  *operation;

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "sendkit keys: \"%V\"", &r->uri);

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);
    sactx = ngx_sendkit_auth_ctx_find(r);

    if (sactx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->header_sent) {

        /* post_action: there is nobody to answer */

        return NGX_OK;
    }

    /* of the path that was decided about: try_files may have set another */

    methods = ngx_sendkit_keys_find(&operation, r, sactx->facts.match.rest);

    if (methods == 0) {
        return ngx_sendkit_auth_response_error(r, sacf, NGX_HTTP_NOT_FOUND, 0);
    }

    if (operation == NULL) {
        return ngx_sendkit_auth_response_error(r, sacf, NGX_HTTP_NOT_ALLOWED,
                                               methods);
    }

    if (!ngx_sendkit_keys_may(sactx)) {
        return ngx_sendkit_auth_response_error(r, sacf, NGX_HTTP_FORBIDDEN, 0);
    }

    if (r->headers_in.content_length_n > NGX_SENDKIT_KEYS_BODY_MAX) {
        return ngx_sendkit_auth_response_error(r, sacf,
                                      NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, 0);
    }

    ctx = ngx_sendkit_keys_create_ctx(r, sactx);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->sacf = sacf;
    ctx->operation = operation;

    /* first of all: a request that is not complete changes nothing */

    rc = ngx_http_read_client_request_body(r, ngx_sendkit_keys_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_sendkit_keys_body_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_sendkit_keys_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_sendkit_keys_module);

    rc = ngx_sendkit_keys_start(ctx);

    if (ctx->waiting) {
        rc = ngx_sendkit_auth_wait_start(r, ngx_sendkit_keys_wait_handler);

        if (rc == NGX_AGAIN) {
            return;
        }
    }

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_sendkit_keys_start(ngx_sendkit_keys_ctx_t *ctx)
{
    ngx_http_request_t            *r;
    ngx_sendkit_auth_main_conf_t  *samcf;

    r = ctx->request;

    if (r->headers_in.content_length_n > NGX_SENDKIT_KEYS_BODY_MAX) {

        /* it came in chunks */

        return ngx_sendkit_keys_error(ctx, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE);
    }

    if (ngx_current_msec - ctx->allowed > NGX_SENDKIT_KEYS_BODY_TIME) {

        /* who was allowed then may not be any more */

        return ngx_sendkit_keys_error(ctx, NGX_HTTP_REQUEST_TIME_OUT);
    }

    samcf = ngx_http_get_module_main_conf(r, ngx_sendkit_auth_module);

    ctx->deadline = ngx_current_msec + samcf->lookup.timeout;

    return ctx->operation->start(ctx);
}


/* the methods of the path, 0: it is none of ours; NULL: not by this method */

static unsigned
ngx_sendkit_keys_find(const ngx_sendkit_keys_operation_t **operation,
    ngx_http_request_t *r, sendkit_span_t path)
{
    unsigned                             method, methods;
    ngx_uint_t                           i;
    sendkit_span_t                       name;
    const ngx_sendkit_keys_operation_t  *op;

    name.data = r->method_name.data;
    name.len = r->method_name.len;

    method = sendkit_route_method(name);
    methods = 0;
    *operation = NULL;

    for (i = 0; i < NGX_SENDKIT_KEYS_NOPERATIONS; i++) {
        op = &ngx_sendkit_keys_operations[i];

        if (!sendkit_span_equal(path, op->path)) {
            continue;
        }

        methods |= op->method;

        if (op->method == method) {
            *operation = op;
        }
    }

    return methods;
}


/* whatever the route says: only owners and admins, by their platform keys */

static ngx_uint_t
ngx_sendkit_keys_may(const ngx_sendkit_auth_ctx_t *sactx)
{
    return sactx->state == NGX_SENDKIT_AUTH_DECIDED
           && sactx->reason == SENDKIT_REASON_ALLOWED
           && sactx->facts.key == SENDKIT_KEY_PLATFORM
           && sactx->facts.match.route->workspace == SENDKIT_WORKSPACE_PATH
           && sendkit_decision_scope_is_checked(&sactx->facts)
           && (sactx->facts.role & (SENDKIT_ROLE_OWNER|SENDKIT_ROLE_ADMIN));
}


static ngx_sendkit_keys_ctx_t *
ngx_sendkit_keys_create_ctx(ngx_http_request_t *r,
    const ngx_sendkit_auth_ctx_t *sactx)
{
    ngx_http_cleanup_t      *cln;
    ngx_sendkit_keys_ctx_t  *ctx;

    cln = ngx_http_cleanup_add(r, sizeof(ngx_sendkit_keys_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;

    ngx_memzero(ctx, sizeof(ngx_sendkit_keys_ctx_t));

    ctx->request = r;
    ctx->allowed = ngx_current_msec;

    ctx->waiter.handler = ngx_sendkit_keys_wake_handler;
    ctx->waiter.data = ctx;
    ctx->waiter.log = r->connection->log;

    (void) sendkit_id_set_workspace(&ctx->change.workspace,
                                    sactx->facts.match.workspace);
    ctx->change.from.state = SENDKIT_RECORD_ABSENT;
    ctx->change.to.state = SENDKIT_RECORD_ABSENT;
    ctx->change.to.created_by = sactx->facts.record.user;

    cln->handler = ngx_sendkit_keys_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_sendkit_keys_module);

    return ctx;
}


static ngx_int_t
ngx_sendkit_keys_create(ngx_sendkit_keys_ctx_t *ctx)
{
    if (ngx_sendkit_keys_secret_make(ctx->request, &ctx->key, &ctx->change.to)
        != NGX_OK)
    {
        return ngx_sendkit_keys_unavailable(ctx);
    }

    return ngx_sendkit_keys_change(ctx);
}


static ngx_int_t
ngx_sendkit_keys_read(ngx_sendkit_keys_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_msec_t  left;

    left = ngx_sendkit_keys_left(ctx);
    if (left == 0) {
        return ngx_sendkit_keys_unavailable(ctx);
    }

    rc = ngx_sendkit_auth_workspace_key_lookup(&ctx->waiter,
                                       sendkit_id_span(&ctx->change.workspace),
                                       left);

    return ngx_sendkit_keys_wait(ctx, ngx_sendkit_keys_found, rc);
}


static ngx_int_t
ngx_sendkit_keys_found(ngx_sendkit_keys_ctx_t *ctx)
{
    sendkit_span_t                  masked;
    const sendkit_workspace_key_t  *key;

    key = &ctx->waiter.result.key;

    if (key->state == SENDKIT_RECORD_ABSENT) {
        return ngx_sendkit_keys_error(ctx, NGX_HTTP_NOT_FOUND);
    }

    if (key->state != SENDKIT_RECORD_FOUND) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "redis has malformed record of the key of workspace "
                      "\"%*s\"", (size_t) ctx->change.workspace.len,
                      ctx->change.workspace.data);
        return ngx_sendkit_keys_unavailable(ctx);
    }

    if (ctx->operation->operation == NGX_SENDKIT_KEYS_SHOW) {
        masked.data = key->masked;
        masked.len = key->masked_len;

        return ngx_sendkit_keys_json(ctx, NGX_HTTP_OK, NGX_SENDKIT_KEYS_SHOWN,
                                     masked, key);
    }

    ctx->change.from = *key;

    if (ctx->operation->operation == NGX_SENDKIT_KEYS_ROTATE
        && ctx->key == NULL
        && ngx_sendkit_keys_secret_make(ctx->request, &ctx->key,
                                        &ctx->change.to)
           != NGX_OK)
    {
        return ngx_sendkit_keys_unavailable(ctx);
    }

    return ngx_sendkit_keys_change(ctx);
}


static ngx_int_t
ngx_sendkit_keys_change(ngx_sendkit_keys_ctx_t *ctx)
{
    ngx_int_t   rc;
    ngx_msec_t  left;

    left = ngx_sendkit_keys_left(ctx);
    if (left == 0) {
        return ngx_sendkit_keys_unavailable(ctx);
    }

    rc = ngx_sendkit_auth_workspace_key_change(&ctx->waiter, &ctx->change,
                                               left);

    return ngx_sendkit_keys_wait(ctx, ngx_sendkit_keys_changed, rc);
}


static ngx_int_t
ngx_sendkit_keys_changed(ngx_sendkit_keys_ctx_t *ctx)
{
    if (ctx->waiter.result.script == SENDKIT_SCRIPT_OK) {
        ngx_sendkit_keys_log(ctx);
        return ngx_sendkit_keys_send(ctx);
    }

    if (ctx->operation->operation == NGX_SENDKIT_KEYS_CREATE) {
        return ngx_sendkit_keys_error(ctx, NGX_HTTP_CONFLICT);
    }

    /* another request was faster: once more from what there is now */

    if (++ctx->tries == NGX_SENDKIT_KEYS_TRIES) {
        return ngx_sendkit_keys_unavailable(ctx);
    }

    return ngx_sendkit_keys_read(ctx);
}


static ngx_int_t
ngx_sendkit_keys_send(ngx_sendkit_keys_ctx_t *ctx)
{
    sendkit_span_t    key;
    static ngx_str_t  deleted = ngx_string("{\"success\":true,\"data\":"
                                           "{\"message\":"
                                           "\"API key deleted\"}}");

    if (ctx->operation->operation == NGX_SENDKIT_KEYS_DELETE) {
        return ngx_sendkit_auth_response_json(ctx->request, NGX_HTTP_OK,
                                              &deleted);
    }

    key.data = ctx->key;
    key.len = SENDKIT_WORKSPACE_KEY_LEN;

    return ngx_sendkit_keys_json(ctx,
                                 ctx->operation->operation
                                 == NGX_SENDKIT_KEYS_CREATE
                                 ? NGX_HTTP_CREATED : NGX_HTTP_OK,
                                 NGX_SENDKIT_KEYS_CREATED, key,
                                 &ctx->change.to);
}


static ngx_msec_t
ngx_sendkit_keys_left(ngx_sendkit_keys_ctx_t *ctx)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (ctx->deadline - ngx_current_msec);

    return left > 0 ? left : 0;
}


static ngx_int_t
ngx_sendkit_keys_wait(ngx_sendkit_keys_ctx_t *ctx, ngx_sendkit_keys_pt next,
    ngx_int_t rc)
{
    if (rc != NGX_AGAIN) {
        return ngx_sendkit_keys_unavailable(ctx);
    }

    ctx->next = next;
    ctx->waiting = 1;

    return NGX_AGAIN;
}


static void
ngx_sendkit_keys_wake_handler(void *data)
{
    ngx_sendkit_keys_ctx_t  *ctx = data;

    ctx->waiting = 0;

    ngx_sendkit_auth_wait_wake(ctx->request);
}


static void
ngx_sendkit_keys_wait_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_sendkit_keys_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_sendkit_keys_module);

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0, "sendkit keys");

    rc = NGX_OK;

    if (!ctx->waiting) {
        rc = ctx->waiter.result.store == SENDKIT_STORE_OK
             ? ctx->next(ctx)
             : ngx_sendkit_keys_unavailable(ctx);
    }

    if (ctx->waiting) {
        rc = ngx_sendkit_auth_wait_again(r);

        if (rc == NGX_OK) {
            return;
        }
    }

    ngx_http_finalize_request(r, rc);
}


/* run when the client leaves, and when the request is freed */

static void
ngx_sendkit_keys_cleanup(void *data)
{
    ngx_sendkit_keys_ctx_t  *ctx = data;

    ngx_sendkit_auth_waiter_cancel(&ctx->waiter);
}


static ngx_int_t
ngx_sendkit_keys_error(ngx_sendkit_keys_ctx_t *ctx, unsigned status)
{
    return ngx_sendkit_auth_response_error(ctx->request, ctx->sacf, status, 0);
}


static ngx_int_t
ngx_sendkit_keys_unavailable(ngx_sendkit_keys_ctx_t *ctx)
{
    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "sendkit keys: could not be %s, key of workspace \"%*s\"",
                  ctx->operation->done, (size_t) ctx->change.workspace.len,
                  ctx->change.workspace.data);

    return ngx_sendkit_keys_error(ctx, NGX_HTTP_SERVICE_UNAVAILABLE);
}


/* the values are of closed alphabets: nothing has to be escaped */

static ngx_int_t
ngx_sendkit_keys_json(ngx_sendkit_keys_ctx_t *ctx, unsigned status,
    const char *format, sendkit_span_t key,
    const sendkit_workspace_key_t *record)
{
    size_t     len;
    ngx_str_t  body;

    len = ngx_strlen(format) + key.len + SENDKIT_WORKSPACE_KEY_TIME_LEN
          + record->created_by.len;

    body.data = ngx_sendkit_keys_secret_alloc(ctx->request, len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = ngx_sprintf(body.data, format, key.len, key.data,
                           (size_t) SENDKIT_WORKSPACE_KEY_TIME_LEN,
                           record->created_at,
                           (size_t) record->created_by.len,
                           record->created_by.data)
               - body.data;

    return ngx_sendkit_auth_response_json(ctx->request, status, &body);
}


static void
ngx_sendkit_keys_log(ngx_sendkit_keys_ctx_t *ctx)
{
    const u_char        *digest;
    const sendkit_id_t  *user, *workspace;

    digest = ctx->change.to.state == SENDKIT_RECORD_FOUND
             ? ctx->change.to.digest : ctx->change.from.digest;
    user = &ctx->change.to.created_by;
    workspace = &ctx->change.workspace;

    ngx_log_error(NGX_LOG_NOTICE, ctx->request->connection->log, 0,
                  "sendkit keys: user \"%*s\" %s key of workspace \"%*s\", "
                  "key id \"%*s\"", (size_t) user->len, user->data,
                  ctx->operation->done, (size_t) workspace->len,
                  workspace->data, (size_t) NGX_SENDKIT_AUTH_KEY_ID_LEN,
                  digest);
}
