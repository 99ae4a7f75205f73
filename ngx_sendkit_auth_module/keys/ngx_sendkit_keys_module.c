
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "../core/sendkit_cluster.h"
#include "../ngx_sendkit_auth.h"
#include "ngx_sendkit_keys.h"


typedef struct {
    ngx_flag_t                        enable;
} ngx_sendkit_keys_loc_conf_t;


static void *ngx_sendkit_keys_create_loc_conf(ngx_conf_t *cf);
static char *ngx_sendkit_keys_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_sendkit_keys_check_cluster(ngx_conf_t *cf);
static char *ngx_sendkit_keys_conf(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_command_t  ngx_sendkit_keys_commands[] = {

    { ngx_string("sendkit_keys"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_sendkit_keys_conf,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_sendkit_keys_module_ctx = {
    NULL,                                  /* preconfiguration */
    NULL,                                  /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_sendkit_keys_create_loc_conf,      /* create location configuration */
    ngx_sendkit_keys_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_sendkit_keys_module = {
    NGX_MODULE_V1,
    &ngx_sendkit_keys_module_ctx,          /* module context */
    ngx_sendkit_keys_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_sendkit_keys_create_loc_conf(ngx_conf_t *cf)
{
    ngx_sendkit_keys_loc_conf_t  *skcf;

    skcf = ngx_palloc(cf->pool, sizeof(ngx_sendkit_keys_loc_conf_t));
    if (skcf == NULL) {
        return NULL;
    }

    skcf->enable = NGX_CONF_UNSET;

    return skcf;
}


/*
 * Handlers are not inherited by locations, but "if" and limit_except, which
 * are locations without a name, go on with that of the location around them.
 */

static char *
ngx_sendkit_keys_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_sendkit_keys_loc_conf_t *prev = parent;
    ngx_sendkit_keys_loc_conf_t *conf = child;

    ngx_http_core_loc_conf_t     *clcf;
    ngx_sendkit_auth_loc_conf_t  *sacf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    sacf = ngx_http_conf_get_module_loc_conf(cf, ngx_sendkit_auth_module);

    if (conf->enable == NGX_CONF_UNSET) {
        conf->enable = clcf->noname && prev->enable == 1
                       && clcf->handler == NULL;

        if (conf->enable) {
            clcf->handler = ngx_sendkit_keys_handler;
        }
    }

    if (conf->enable && sacf->mode != NGX_SENDKIT_AUTH_ON) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_keys\" in \"%V\" needs \"sendkit_auth "
                           "on\"", &clcf->name);
        return NGX_CONF_ERROR;
    }

    return conf->enable ? ngx_sendkit_keys_check_cluster(cf) : NGX_CONF_OK;
}


/* a change takes several names, and a cluster wants them in one slot */

static char *
ngx_sendkit_keys_check_cluster(ngx_conf_t *cf)
{
    sendkit_span_t                  prefix;
    ngx_http_core_loc_conf_t       *clcf;
    ngx_sendkit_auth_main_conf_t   *samcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    samcf = ngx_http_conf_get_module_main_conf(cf, ngx_sendkit_auth_module);

    prefix.data = samcf->lookup.prefix.data;
    prefix.len = samcf->lookup.prefix.len;

    if (samcf->lookup.redis.kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER
        && sendkit_cluster_tag(prefix).len == prefix.len)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_keys\" in \"%V\" needs a hash tag in "
                           "\"sendkit_auth_redis_prefix\" with a Redis "
                           "Cluster, as in \"{sendkit}:\", it is \"%V\"",
                           &clcf->name, &samcf->lookup.prefix);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sendkit_keys_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_keys_loc_conf_t *skcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    if (skcf->enable != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    clcf->handler = ngx_sendkit_keys_handler;
    skcf->enable = 1;

    return NGX_CONF_OK;
}
