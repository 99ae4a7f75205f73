
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "core/sendkit_path.h"
#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_access.h"
#include "ngx_sendkit_auth_ctx.h"
#include "ngx_sendkit_auth_headers.h"
#include "ngx_sendkit_auth_origin.h"
#include "ngx_sendkit_auth_response.h"
#include "ngx_sendkit_auth_wait.h"


static void ngx_sendkit_auth_access_start(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf);
static int ngx_sendkit_auth_access_is_canonical(ngx_http_request_t *r);

static ngx_int_t ngx_sendkit_auth_access_decide(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx);
static ngx_int_t ngx_sendkit_auth_access_lookup(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx);
static void ngx_sendkit_auth_access_subject(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, ngx_sendkit_auth_subject_t *subject);
static void ngx_sendkit_auth_access_learn(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx);
static ngx_uint_t ngx_sendkit_auth_access_tries(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx);

static void ngx_sendkit_auth_access_ask_handler(void *data);
static void ngx_sendkit_auth_access_wake_handler(void *data);
static void ngx_sendkit_auth_access_wait_handler(ngx_http_request_t *r);

static ngx_int_t ngx_sendkit_auth_access_finish(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf);
static void ngx_sendkit_auth_access_log(ngx_http_request_t *r,
    sendkit_reason_e reason, const ngx_sendkit_auth_loc_conf_t *sacf);


ngx_int_t
ngx_sendkit_auth_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_sendkit_auth_ctx_t       *ctx;
    ngx_sendkit_auth_loc_conf_t  *sacf;

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);

    if (sacf->mode == NGX_SENDKIT_AUTH_OFF) {
        return NGX_DECLINED;
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "sendkit auth access: \"%V\"", &r->uri);

    ctx = ngx_sendkit_auth_access_ctx(r, sacf);
    if (ctx == NULL) {
        return ngx_sendkit_auth_response_send(r, sacf,
                                              SENDKIT_REASON_UNDECIDED, 0);
    }

    if (ctx->state == NGX_SENDKIT_AUTH_WAITING) {
        return NGX_AGAIN;
    }

    if (ctx->state != NGX_SENDKIT_AUTH_DECIDING) {
        ngx_sendkit_auth_access_start(r, ctx, sacf);
    }

    rc = ngx_sendkit_auth_access_decide(r, ctx);

    if (rc == NGX_AGAIN) {
        return ngx_sendkit_auth_wait_start(r,
                                         ngx_sendkit_auth_access_wait_handler);
    }

    return ngx_sendkit_auth_access_finish(r, ctx, sacf);
}


ngx_int_t
ngx_sendkit_auth_preaccess_handler(ngx_http_request_t *r)
{
    ngx_sendkit_auth_ctx_t       *ctx;
    ngx_sendkit_auth_loc_conf_t  *sacf;

    if (r->post_action) {

        /* the client may have left while its request waited, or asked */

        ctx = ngx_sendkit_auth_ctx_find(r);

        if (ctx != NULL) {
            ngx_sendkit_auth_waiter_cancel(&ctx->waiter);
        }
    }

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);

    if (r == r->main || sacf->mode == NGX_SENDKIT_AUTH_OFF) {
        return NGX_DECLINED;
    }

    if (sacf->mode == NGX_SENDKIT_AUTH_REPORT
        && !ngx_sendkit_auth_origin_is_question(r))
    {
        return ngx_sendkit_auth_headers_forward(r, NULL, sacf) == NGX_OK
               ? NGX_DECLINED : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_sendkit_auth_access_log(r, SENDKIT_REASON_SUBREQUEST, sacf);

    return ngx_sendkit_auth_response_send(r, sacf, SENDKIT_REASON_SUBREQUEST,
                                          0);
}


ngx_sendkit_auth_ctx_t *
ngx_sendkit_auth_access_ctx(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf)
{
    ngx_sendkit_auth_ctx_t  *ctx;

    ctx = ngx_sendkit_auth_ctx_find(r);

    if (ctx == NULL && r == r->main) {

        ctx = ngx_sendkit_auth_ctx_create(r);
        if (ctx == NULL) {
            return NULL;
        }

        ctx->waiter.handler = ngx_sendkit_auth_access_wake_handler;
        ctx->waiter.ask = ngx_sendkit_auth_access_ask_handler;
        ctx->waiter.data = ctx;
        ctx->waiter.log = r->connection->log;
    }

    if (ctx != NULL && ctx->state == NGX_SENDKIT_AUTH_NEW) {

        /* once more in ACCESS, should the location have changed by then */

        ctx->ndigests = 0;
        ngx_sendkit_auth_headers_read(r, ctx, sacf->bearer);
    }

    return ctx;
}


/* what is to be decided about this location, from the identity we have */

static void
ngx_sendkit_auth_access_start(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf)
{
    unsigned                       method;
    sendkit_span_t                 name, path;
    sendkit_facts_t               *facts;
    ngx_sendkit_auth_main_conf_t  *samcf;

    samcf = ngx_http_get_module_main_conf(r, ngx_sendkit_auth_module);

    name.data = r->method_name.data;
    name.len = r->method_name.len;
    path.data = r->uri.data;
    path.len = r->uri.len;

    method = sendkit_route_method(name);

    ctx->state = NGX_SENDKIT_AUTH_DECIDING;
    ctx->reason = SENDKIT_REASON_UNDECIDED;
    ctx->deadline = ngx_current_msec + samcf->lookup.timeout;

    facts = &ctx->facts;

    facts->canonical_path = ngx_sendkit_auth_access_is_canonical(r);
    facts->preflight = sacf->preflight && ctx->preflight
                       && method == SENDKIT_METHOD_OPTIONS;
    facts->store = SENDKIT_STORE_OK;

    sendkit_route_find(&facts->match, sacf->routes, method, path);

    if (!sendkit_span_equal(sendkit_decision_scope(facts),
                            sendkit_id_span(&ctx->role_workspace)))
    {
        facts->role_state = SENDKIT_ROLE_UNREAD;
        facts->role = SENDKIT_ROLE_NONE;
    }
}


static int
ngx_sendkit_auth_access_is_canonical(ngx_http_request_t *r)
{
    u_char          *query;
    sendkit_span_t   raw, uri;

    /* nginx calls a post_action HTTP/0.9 */

    if (r->http_version < NGX_HTTP_VERSION_10 && !r->post_action) {
        return 0;
    }

    uri.data = r->uri.data;
    uri.len = r->uri.len;
    raw.data = r->unparsed_uri.data;
    raw.len = r->unparsed_uri.len;

    query = ngx_strlchr(r->unparsed_uri.data,
                        r->unparsed_uri.data + r->unparsed_uri.len, '?');
    if (query != NULL) {
        raw.len = query - raw.data;
    }

    if (r->internal && !r->valid_unparsed_uri) {

        /* another path since then: a backend may go by the one or the other */

        return sendkit_path_is_canonical(raw, raw)
               && sendkit_path_is_canonical(uri, uri);
    }

    return sendkit_path_is_canonical(raw, uri);
}


/*
 * NGX_OK: ctx->reason is set; NGX_AGAIN: a lookup has been started.  The time
 * is not that of nginx, which is that of the last event: a worker may have
 * been stopped since then.
 */

static ngx_int_t
ngx_sendkit_auth_access_decide(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx)
{
    struct timeval  now;

    for ( ;; ) {

        /* time() is behind by up to a tick of the kernel */

        ngx_gettimeofday(&now);

        ctx->facts.now = now.tv_sec;
        ctx->need = sendkit_decision(&ctx->facts, &ctx->reason);

        if (ctx->need == SENDKIT_DECIDED) {
            return NGX_OK;
        }

        if (ngx_sendkit_auth_access_lookup(r, ctx) == NGX_AGAIN) {
            ctx->state = NGX_SENDKIT_AUTH_WAITING;
            return NGX_AGAIN;
        }

        ngx_sendkit_auth_access_learn(r, ctx);
    }
}


static ngx_int_t
ngx_sendkit_auth_access_lookup(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx)
{
    ngx_int_t                   rc;
    ngx_msec_int_t              left;
    ngx_sendkit_auth_subject_t  subject;

    ctx->ask = 0;
    ctx->lookups++;
    ctx->started = ngx_current_msec;
    ctx->waiter.result.store = SENDKIT_STORE_ERROR;

    if (r->post_action || ngx_sendkit_auth_ctx_digest(ctx) != NGX_OK) {

        /* after the response nothing may wait */

        return NGX_ERROR;
    }

    left = (ngx_msec_int_t) (ctx->deadline - ngx_current_msec);

    if (left <= 0) {
        ctx->waiter.result.store = SENDKIT_STORE_TIMEOUT;
        return NGX_ERROR;
    }

    ngx_sendkit_auth_access_subject(r, ctx, &subject);

    rc = ngx_sendkit_auth_lookup(&ctx->waiter, &subject, left);

    /* one for which Redis was asked outweighs those after it */

    if (ctx->cache < NGX_SENDKIT_AUTH_CACHE_MISS
        || ctx->waiter.cache > ctx->cache)
    {
        ctx->cache = ctx->waiter.cache;
    }

    return rc;
}


static void
ngx_sendkit_auth_access_subject(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, ngx_sendkit_auth_subject_t *subject)
{
    sendkit_span_t                scope;
    ngx_sendkit_auth_loc_conf_t  *sacf;

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);

    ngx_memzero(subject, sizeof(ngx_sendkit_auth_subject_t));

    scope = sendkit_decision_scope(&ctx->facts);

    if (ctx->need == SENDKIT_NEEDS_RECORD) {
        subject->kind = NGX_SENDKIT_AUTH_OF_RECORD;
        subject->digest = ctx->digests[ctx->tries % ctx->ndigests];
        subject->origin = sacf->origin.len != 0
                          && ctx->tries + 1
                             == ngx_sendkit_auth_access_tries(r, ctx);

        if (subject->origin) {
            (void) sendkit_id_set_workspace(&subject->workspace, scope);
        }

        return;
    }

    subject->kind = NGX_SENDKIT_AUTH_OF_ROLE;
    subject->origin = sacf->origin.len != 0;
    subject->user = ctx->facts.record.user;
    (void) sendkit_id_set_workspace(&subject->workspace, scope);

    if (subject->origin) {
        subject->digest = ctx->digests[ctx->tries % ctx->ndigests];
    }
}


/*
 * How often a record is looked for: with an old pepper under its digest, too,
 * and the origin is asked after both, for the digest of the new one.
 */

static ngx_uint_t
ngx_sendkit_auth_access_tries(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx)
{
    ngx_sendkit_auth_loc_conf_t  *sacf;

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);

    return ctx->ndigests + (sacf->origin.len != 0 && ctx->ndigests > 1);
}


static void
ngx_sendkit_auth_access_learn(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx)
{
    ngx_sendkit_auth_result_t  *result;

    result = &ctx->waiter.result;

    ctx->waited += ngx_current_msec - ctx->started;
    ctx->facts.store = result->store;

    if (result->store != SENDKIT_STORE_OK) {
        return;
    }

    if (ctx->need == SENDKIT_NEEDS_ROLE
        || result->role_state == SENDKIT_ROLE_READ)
    {
        ctx->facts.role_state = SENDKIT_ROLE_READ;
        ctx->facts.role = result->role;

        (void) sendkit_id_set_workspace(&ctx->role_workspace,
                                        sendkit_decision_scope(&ctx->facts));
    }

    if (ctx->need == SENDKIT_NEEDS_ROLE) {
        return;
    }

    if (result->record.state == SENDKIT_RECORD_ABSENT
        && ctx->tries + 1 < ngx_sendkit_auth_access_tries(r, ctx))
    {
        ctx->tries++;
        return;
    }

    if (result->record.state == SENDKIT_RECORD_MALFORMED) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "redis has malformed record of key id \"%*s\"",
                      (size_t) NGX_SENDKIT_AUTH_KEY_ID_LEN, ctx->key_id);
    }

    ctx->facts.record = result->record;
}


/* called by the lookup: the request goes on in its own event */

static void
ngx_sendkit_auth_access_wake_handler(void *data)
{
    ngx_sendkit_auth_ctx_t  *ctx = data;

    ctx->state = NGX_SENDKIT_AUTH_DECIDING;

    ngx_sendkit_auth_access_learn(ctx->request, ctx);
    ngx_sendkit_auth_wait_wake(ctx->request);
}


static void
ngx_sendkit_auth_access_ask_handler(void *data)
{
    ngx_sendkit_auth_ctx_t  *ctx = data;

    /* the answer to a question before is none to this one */

    ctx->ask = 1;
    ctx->question = NULL;

    ngx_sendkit_auth_wait_wake(ctx->request);
}


static void
ngx_sendkit_auth_access_wait_handler(ngx_http_request_t *r)
{
    ngx_sendkit_auth_ctx_t  *ctx;

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "sendkit auth wait");

    ctx = ngx_sendkit_auth_ctx_find(r);

    if (ctx->ask) {
        ctx->ask = 0;

        if (ctx->state == NGX_SENDKIT_AUTH_WAITING) {
            ngx_sendkit_auth_origin_ask(r, ctx);

        } else {

            /* too late for this one: another one may ask */

            ngx_sendkit_auth_waiter_cancel(&ctx->waiter);
        }
    }

    if (ctx->state == NGX_SENDKIT_AUTH_WAITING) {

        if (ngx_sendkit_auth_wait_again(r) != NGX_OK) {
            ngx_http_finalize_request(r, NGX_ERROR);
        }

        return;
    }

    if (ngx_sendkit_auth_wait_done(r) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
        return;
    }

    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_sendkit_auth_access_finish(ngx_http_request_t *r,
    ngx_sendkit_auth_ctx_t *ctx, const ngx_sendkit_auth_loc_conf_t *sacf)
{
    ctx->state = NGX_SENDKIT_AUTH_DECIDED;

    if (ctx->waiter.asking != NULL) {

        /* the next request would wait until the question is answered */

        r->keepalive = 0;
    }

    if (!sendkit_reason_forwards(ctx->reason)) {

        ngx_sendkit_auth_access_log(r, ctx->reason, sacf);

        if (sacf->mode != NGX_SENDKIT_AUTH_REPORT) {
            return ngx_sendkit_auth_response_send(r, sacf, ctx->reason,
                                                  ctx->facts.match.methods);
        }
    }

    if (ngx_sendkit_auth_headers_forward(r, ctx, sacf) != NGX_OK) {
        return ngx_sendkit_auth_response_send(r, sacf,
                                              SENDKIT_REASON_UNDECIDED, 0);
    }

    return NGX_OK;
}


static void
ngx_sendkit_auth_access_log(ngx_http_request_t *r, sendkit_reason_e reason,
    const ngx_sendkit_auth_loc_conf_t *sacf)
{
    ngx_uint_t      level;
    sendkit_span_t  name;

    name = sendkit_reason_name(reason);

    if (sacf->mode == NGX_SENDKIT_AUTH_REPORT) {
        ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                      "sendkit auth would refuse request: %*s",
                      name.len, name.data);
        return;
    }

    level = sendkit_error_status(reason) < NGX_HTTP_INTERNAL_SERVER_ERROR
            ? NGX_LOG_INFO : NGX_LOG_ERR;

    ngx_log_error(level, r->connection->log, 0,
                  "sendkit auth refused request: %*s", name.len, name.data);
}
