
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_access.h"
#include "ngx_sendkit_auth_clock.h"
#include "ngx_sendkit_auth_ctx.h"
#include "ngx_sendkit_auth_variables.h"


static ngx_int_t ngx_sendkit_auth_reason_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_key_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_identity_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_route_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_time_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_counter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_channel_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_lease_left_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_sendkit_auth_variable_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t n);
static ngx_int_t ngx_sendkit_auth_variable_set(ngx_http_variable_value_t *v,
    sendkit_span_t value);


static ngx_http_variable_t  ngx_sendkit_auth_variables[] = {

    { ngx_string("sendkit_auth_reason"), NULL,
      ngx_sendkit_auth_reason_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_key_type"), NULL,
      ngx_sendkit_auth_identity_variable, NGX_SENDKIT_AUTH_KEY_TYPE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_key_id"), NULL,
      ngx_sendkit_auth_key_id_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_user"), NULL,
      ngx_sendkit_auth_identity_variable, NGX_SENDKIT_AUTH_USER,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_workspace"), NULL,
      ngx_sendkit_auth_identity_variable, NGX_SENDKIT_AUTH_WORKSPACE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_role"), NULL,
      ngx_sendkit_auth_identity_variable, NGX_SENDKIT_AUTH_ROLE,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_route"), NULL,
      ngx_sendkit_auth_route_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache"), NULL,
      ngx_sendkit_auth_cache_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_time"), NULL,
      ngx_sendkit_auth_time_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_hits"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_HITS,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_negatives"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_NEGATIVES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_misses"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_MISSES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_bypasses"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_BYPASSES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_evictions"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_EVICTIONS,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_invalidations"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_INVALIDATIONS,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_cache_flushes"), NULL,
      ngx_sendkit_auth_counter_variable, NGX_SENDKIT_AUTH_FLUSHES,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_channel"), NULL,
      ngx_sendkit_auth_channel_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sendkit_auth_lease_left"), NULL,
      ngx_sendkit_auth_lease_left_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    ngx_http_null_variable
};


ngx_int_t
ngx_sendkit_auth_variables_init(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_sendkit_auth_variables; v->name.len != 0; v++) {

        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_reason_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sendkit_span_t           value = { NULL, 0 };
    ngx_sendkit_auth_ctx_t  *ctx;

    ctx = ngx_sendkit_auth_ctx_find(r);

    if (ctx != NULL && ctx->reason != SENDKIT_REASON_UNDECIDED) {
        value = sendkit_reason_name(ctx->reason);
    }

    return ngx_sendkit_auth_variable_set(v, value);
}


/* known before ACCESS, for limit_req and limit_conn */

static ngx_int_t
ngx_sendkit_auth_key_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sendkit_span_t                value = { NULL, 0 };
    ngx_sendkit_auth_ctx_t       *ctx;
    ngx_sendkit_auth_loc_conf_t  *sacf;

    sacf = ngx_http_get_module_loc_conf(r, ngx_sendkit_auth_module);

    ctx = sacf->mode != NGX_SENDKIT_AUTH_OFF
          ? ngx_sendkit_auth_access_ctx(r, sacf)
          : ngx_sendkit_auth_ctx_find(r);

    if (ctx != NULL && ctx->facts.key != SENDKIT_KEY_MALFORMED
        && ngx_sendkit_auth_ctx_digest(ctx) == NGX_OK)
    {
        value = ngx_sendkit_auth_ctx_identity(ctx, NGX_SENDKIT_AUTH_KEY_ID);
    }

    return ngx_sendkit_auth_variable_set(v, value);
}


static ngx_int_t
ngx_sendkit_auth_identity_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sendkit_span_t           value = { NULL, 0 };
    ngx_sendkit_auth_ctx_t  *ctx;

    ctx = ngx_sendkit_auth_ctx_find(r);

    if (ctx != NULL) {
        value = ngx_sendkit_auth_ctx_identity(ctx,
                                          (ngx_sendkit_auth_identity_e) data);
    }

    return ngx_sendkit_auth_variable_set(v, value);
}


static ngx_int_t
ngx_sendkit_auth_route_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sendkit_span_t           value = { NULL, 0 };
    ngx_sendkit_auth_ctx_t  *ctx;

    ctx = ngx_sendkit_auth_ctx_find(r);

    if (ctx != NULL && ctx->facts.match.route != NULL) {
        value = ctx->facts.match.route->template;
    }

    return ngx_sendkit_auth_variable_set(v, value);
}


static ngx_int_t
ngx_sendkit_auth_cache_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_sendkit_auth_ctx_t        *ctx;
    ngx_sendkit_auth_cache_use_e   use;

    static const sendkit_span_t  names[] = {
        SENDKIT_SPAN("-"),
        SENDKIT_SPAN("hit"),
        SENDKIT_SPAN("negative"),
        SENDKIT_SPAN("miss"),
        SENDKIT_SPAN("bypass")
    };

    ctx = ngx_sendkit_auth_ctx_find(r);
    use = ctx != NULL ? ctx->cache : NGX_SENDKIT_AUTH_CACHE_UNASKED;

    return ngx_sendkit_auth_variable_set(v, names[use]);
}


static ngx_int_t
ngx_sendkit_auth_time_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                  *p;
    sendkit_span_t           value = { NULL, 0 };
    ngx_sendkit_auth_ctx_t  *ctx;

    ctx = ngx_sendkit_auth_ctx_find(r);

    if (ctx != NULL && ctx->lookups != 0) {

        p = ngx_pnalloc(r->pool, NGX_TIME_T_LEN + sizeof(".mmm"));
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%T.%03M", (time_t) (ctx->waited / 1000),
                                ctx->waited % 1000)
                    - p;
    }

    return ngx_sendkit_auth_variable_set(v, value);
}


/* those of the zone are found only if there is one */

static ngx_int_t
ngx_sendkit_auth_counter_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_sendkit_auth_main_conf_t  *samcf;

    samcf = ngx_http_get_module_main_conf(r, ngx_sendkit_auth_module);

    if (samcf->lookup.cache == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    return ngx_sendkit_auth_variable_number(r, v,
                 ngx_sendkit_auth_cache_counter(samcf->lookup.cache,
                                          (ngx_sendkit_auth_counter_e) data));
}


static ngx_int_t
ngx_sendkit_auth_channel_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sendkit_span_t                 value = { NULL, 0 };
    ngx_sendkit_auth_channel_e     channel;
    ngx_sendkit_auth_main_conf_t  *samcf;

    static const sendkit_span_t  names[] = {
        SENDKIT_SPAN("down"),
        SENDKIT_SPAN("up"),
        SENDKIT_SPAN("unsupported")
    };

    samcf = ngx_http_get_module_main_conf(r, ngx_sendkit_auth_module);

    if (samcf->lookup.cache != NULL) {
        channel = ngx_sendkit_auth_cache_channel(samcf->lookup.cache,
                                                 ngx_sendkit_auth_clock());
        value = names[channel];
    }

    return ngx_sendkit_auth_variable_set(v, value);
}


static ngx_int_t
ngx_sendkit_auth_lease_left_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    uint64_t                       alive, end, now;
    ngx_sendkit_auth_main_conf_t  *samcf;

    samcf = ngx_http_get_module_main_conf(r, ngx_sendkit_auth_module);

    if (samcf->lookup.cache == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    now = ngx_sendkit_auth_clock();
    alive = ngx_sendkit_auth_cache_alive(samcf->lookup.cache);
    end = alive != 0 ? alive + samcf->lookup.lease : 0;

    return ngx_sendkit_auth_variable_number(r, v, end > now ? end - now : 0);
}


static ngx_int_t
ngx_sendkit_auth_variable_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t n)
{
    sendkit_span_t  value;

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf((u_char *) value.data, "%uL", n) - value.data;

    return ngx_sendkit_auth_variable_set(v, value);
}


static ngx_int_t
ngx_sendkit_auth_variable_set(ngx_http_variable_value_t *v,
    sendkit_span_t value)
{
    if (value.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = (u_char *) value.data;
    v->len = (unsigned) value.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
