
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_access.h"
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
    ngx_sendkit_auth_ctx_t       *ctx;
    static const sendkit_span_t   none = SENDKIT_SPAN("-");
    static const sendkit_span_t   bypass = SENDKIT_SPAN("bypass");

    ctx = ngx_sendkit_auth_ctx_find(r);

    return ngx_sendkit_auth_variable_set(v, ctx != NULL && ctx->lookups != 0
                                            ? bypass : none);
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
