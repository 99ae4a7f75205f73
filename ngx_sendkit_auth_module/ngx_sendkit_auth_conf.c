
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_conf.h"
#include "ngx_sendkit_auth_headers.h"


#define NGX_SENDKIT_AUTH_REALM_MAX    64

/* NGX_CONF_TAKE5, the most that the directive has */
#define NGX_SENDKIT_AUTH_ROUTE_WORDS  5


static char *ngx_sendkit_auth_conf_check(ngx_conf_t *cf,
    ngx_sendkit_auth_loc_conf_t *sacf);
static ngx_int_t ngx_sendkit_auth_conf_challenge(ngx_conf_t *cf,
    ngx_sendkit_auth_loc_conf_t *sacf);


void *
ngx_sendkit_auth_create_loc_conf(ngx_conf_t *cf)
{
    ngx_sendkit_auth_loc_conf_t  *sacf;

    sacf = ngx_pcalloc(cf->pool, sizeof(ngx_sendkit_auth_loc_conf_t));
    if (sacf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     sacf->identity = NULL;
     *     sacf->realm = { 0, NULL };
     *     sacf->challenge = { 0, NULL };
     *     sacf->origin = { 0, NULL };
     */

    sacf->mode = NGX_CONF_UNSET_UINT;
    sacf->routes = NGX_CONF_UNSET_PTR;
    sacf->bearer = NGX_CONF_UNSET;
    sacf->hide_credentials = NGX_CONF_UNSET;
    sacf->preflight = NGX_CONF_UNSET;
    sacf->error_format = NGX_CONF_UNSET_UINT;
    sacf->origin_send_key = NGX_CONF_UNSET;

    return sacf;
}


char *
ngx_sendkit_auth_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_sendkit_auth_loc_conf_t *prev = parent;
    ngx_sendkit_auth_loc_conf_t *conf = child;

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_SENDKIT_AUTH_OFF);
    ngx_conf_merge_ptr_value(conf->routes, prev->routes, NULL);
    ngx_conf_merge_value(conf->bearer, prev->bearer, 0);
    ngx_conf_merge_value(conf->hide_credentials, prev->hide_credentials, 1);
    ngx_conf_merge_value(conf->preflight, prev->preflight, 0);
    ngx_conf_merge_uint_value(conf->error_format, prev->error_format,
                              SENDKIT_ERROR_FLAT);
    ngx_conf_merge_str_value(conf->realm, prev->realm, "sendkit");
    ngx_conf_merge_str_value(conf->origin, prev->origin, "");
    ngx_conf_merge_value(conf->origin_send_key, prev->origin_send_key, 0);

    if (conf->mode == NGX_SENDKIT_AUTH_OFF) {
        return NGX_CONF_OK;
    }

    conf->identity = ngx_sendkit_auth_headers_init(cf->pool);
    if (conf->identity == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_sendkit_auth_conf_challenge(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_sendkit_auth_conf_check(cf, conf);
}


/* what a guarded location must have, and what it must not have */

static char *
ngx_sendkit_auth_conf_check(ngx_conf_t *cf, ngx_sendkit_auth_loc_conf_t *sacf)
{
    ngx_str_t                     *name;
    static ngx_str_t               server = ngx_string("(server)");
    ngx_http_core_loc_conf_t      *clcf;
    ngx_sendkit_auth_main_conf_t  *samcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    samcf = ngx_http_conf_get_module_main_conf(cf, ngx_sendkit_auth_module);

    name = clcf->name.len != 0 ? &clcf->name : &server;

    if (sacf->routes == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth\" is on in \"%V\" but there is no "
                           "\"sendkit_auth_route\"", name);
        return NGX_CONF_ERROR;
    }

    if (samcf->lookup.redis.nservers == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth\" is on in \"%V\" but there is no "
                           "\"sendkit_auth_redis\"", name);
        return NGX_CONF_ERROR;
    }

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"satisfy any\" in \"%V\" would let others "
                           "overrule \"sendkit_auth\"", name);
        return NGX_CONF_ERROR;
    }

    samcf->guarded++;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_sendkit_auth_conf_challenge(ngx_conf_t *cf,
    ngx_sendkit_auth_loc_conf_t *sacf)
{
    u_char  *p;
    size_t   len;

    len = sizeof("ApiKey realm=\"\"") - 1 + sacf->realm.len;

    p = ngx_pnalloc(cf->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    sacf->challenge.data = p;
    sacf->challenge.len = len;

    (void) ngx_sprintf(p, "ApiKey realm=\"%V\"", &sacf->realm);

    return NGX_OK;
}


char *
ngx_sendkit_auth_conf_enum(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t        *value;
    ngx_uint_t       *slot;
    ngx_conf_enum_t  *e;

    slot = (ngx_uint_t *) ((char *) conf + cmd->offset);

    if (*slot != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (e = cmd->post; e->name.len != 0; e++) {

        if (e->name.len == value[1].len
            && ngx_strcasecmp(e->name.data, value[1].data) == 0)
        {
            *slot = e->value;
            return NGX_CONF_OK;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid value \"%V\" in \"%V\"",
                       &value[1], &cmd->name);

    return NGX_CONF_ERROR;
}


char *
ngx_sendkit_auth_conf_route(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_loc_conf_t *sacf = conf;

    size_t                  bad, i, nwords;
    ngx_str_t              *value;
    const char             *error;
    sendkit_span_t          words[NGX_SENDKIT_AUTH_ROUTE_WORDS];
    sendkit_route_t        *route;
    sendkit_route_node_t   *nodes;
    const sendkit_route_t  *other;

    value = cf->args->elts;
    nwords = cf->args->nelts - 1;

    for (i = 0; i < nwords; i++) {
        words[i].data = value[i + 1].data;
        words[i].len = value[i + 1].len;
    }

    if (sacf->routes == NGX_CONF_UNSET_PTR) {

        sacf->routes = ngx_pcalloc(cf->pool, sizeof(sendkit_route_node_t));
        if (sacf->routes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    route = ngx_palloc(cf->pool, sizeof(sendkit_route_t));
    if (route == NULL) {
        return NGX_CONF_ERROR;
    }

    error = sendkit_route_parse(route, words, nwords, &bad);
    if (error != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" in \"%V\" %s",
                           &value[bad + 1], &cmd->name, error);
        return NGX_CONF_ERROR;
    }

    nodes = ngx_palloc(cf->pool,
                       route->nsegments * sizeof(sendkit_route_node_t));
    if (nodes == NULL) {
        return NGX_CONF_ERROR;
    }

    other = sendkit_route_add(sacf->routes, route, nodes);

    if (other == NULL) {
        return NGX_CONF_OK;
    }

    if (sendkit_span_equal(other->template, route->template)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate \"%V\" for \"%V\" \"%V\"",
                           &cmd->name, &value[1], &value[2]);

    } else {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" differs only by names from "
                           "\"%*s\"", &value[2], &cmd->name,
                           other->template.len, other->template.data);
    }

    return NGX_CONF_ERROR;
}


char *
ngx_sendkit_auth_conf_realm(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_loc_conf_t *sacf = conf;

    size_t      i;
    ngx_str_t  *value;

    if (sacf->realm.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    /* it stands in a quoted-string (RFC 9110, section 5.6.4) */

    for (i = 0; i < value[1].len; i++) {
        if (value[1].data[i] < ' ' || value[1].data[i] > '~'
            || value[1].data[i] == '"' || value[1].data[i] == '\\')
        {
            break;
        }
    }

    if (i == 0 || i != value[1].len || i > NGX_SENDKIT_AUTH_REALM_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" is not 1 to %d printable ASCII "
                           "characters without quote and backslash",
                           &value[1], &cmd->name, NGX_SENDKIT_AUTH_REALM_MAX);
        return NGX_CONF_ERROR;
    }

    sacf->realm = value[1];

    return NGX_CONF_OK;
}


char *
ngx_sendkit_auth_conf_origin(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_loc_conf_t *sacf = conf;

    ngx_str_t  *value;

    if (sacf->origin.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        ngx_str_set(&sacf->origin, "");
        return NGX_CONF_OK;
    }

    if (value[1].data[0] != '/'
        || strpbrk((char *) value[1].data, "?$#") != NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" is not \"off\" or a URI that "
                           "begins with \"/\", without arguments and variables",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    sacf->origin = value[1];

    return NGX_CONF_OK;
}
