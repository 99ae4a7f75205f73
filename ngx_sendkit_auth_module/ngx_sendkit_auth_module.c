
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_access.h"
#include "ngx_sendkit_auth_conf.h"
#include "ngx_sendkit_auth_address.h"
#include "ngx_sendkit_auth_main_conf.h"
#include "ngx_sendkit_auth_variables.h"


#define NGX_SENDKIT_AUTH_LOCATION                                             \
    (NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF)


static ngx_int_t ngx_sendkit_auth_init(ngx_conf_t *cf);
static ngx_int_t ngx_sendkit_auth_handler(ngx_conf_t *cf,
    ngx_http_phases phase, ngx_http_handler_pt handler);
static ngx_int_t ngx_sendkit_auth_init_process(ngx_cycle_t *cycle);
static void ngx_sendkit_auth_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_sendkit_auth_modes[] = {
    { ngx_string("off"), NGX_SENDKIT_AUTH_OFF },
    { ngx_string("on"), NGX_SENDKIT_AUTH_ON },
    { ngx_string("report"), NGX_SENDKIT_AUTH_REPORT },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_sendkit_auth_error_formats[] = {
    { ngx_string("flat"), SENDKIT_ERROR_FLAT },
    { ngx_string("envelope"), SENDKIT_ERROR_ENVELOPE },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_sendkit_auth_commands[] = {

    { ngx_string("sendkit_auth"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_HTTP_LMT_CONF|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_enum,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_loc_conf_t, mode),
      &ngx_sendkit_auth_modes },

    { ngx_string("sendkit_auth_route"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_TAKE2|NGX_CONF_TAKE3|NGX_CONF_TAKE4
      |NGX_CONF_TAKE5,
      ngx_sendkit_auth_conf_route,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sendkit_auth_bearer"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_loc_conf_t, bearer),
      NULL },

    { ngx_string("sendkit_auth_hide_credentials"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_loc_conf_t, hide_credentials),
      NULL },

    { ngx_string("sendkit_auth_preflight"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_loc_conf_t, preflight),
      NULL },

    { ngx_string("sendkit_auth_error_format"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_enum,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_loc_conf_t, error_format),
      &ngx_sendkit_auth_error_formats },

    { ngx_string("sendkit_auth_realm"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_realm,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sendkit_auth_origin"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_origin,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sendkit_auth_origin_send_key"),
      NGX_SENDKIT_AUTH_LOCATION|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_loc_conf_t, origin_send_key),
      NULL },

    { ngx_string("sendkit_auth_origin_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.origin_ttl),
      NULL },

    { ngx_string("sendkit_auth_negative_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.negative_ttl),
      NULL },

    { ngx_string("sendkit_auth_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sendkit_auth_cache_ttl"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.cache_ttl),
      NULL },

    { ngx_string("sendkit_auth_lease"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.lease),
      NULL },

    { ngx_string("sendkit_auth_redis"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_redis,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sendkit_auth_redis_prefix"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_prefix,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sendkit_auth_redis_user"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.login.user),
      NULL },

    { ngx_string("sendkit_auth_redis_password_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_password_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.login),
      NULL },

    { ngx_string("sendkit_auth_redis_sentinel_user"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.sentinel_login.user),
      NULL },

    { ngx_string("sendkit_auth_redis_sentinel_password_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_sendkit_auth_conf_password_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.sentinel_login),
      NULL },

    { ngx_string("sendkit_auth_redis_max_commands"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.max_commands),
      NULL },

    { ngx_string("sendkit_auth_max_waiting"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.max_waiting),
      NULL },

    { ngx_string("sendkit_auth_redis_connect_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.connect_timeout),
      NULL },

    { ngx_string("sendkit_auth_redis_read_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.redis.read_timeout),
      NULL },

#if (NGX_SSL)

    { ngx_string("sendkit_auth_redis_ssl_trusted_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.trusted_certificate),
      NULL },

    { ngx_string("sendkit_auth_redis_ssl_certificate"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.certificate),
      NULL },

    { ngx_string("sendkit_auth_redis_ssl_certificate_key"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.certificate_key),
      NULL },

    { ngx_string("sendkit_auth_redis_ssl_verify"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.verify),
      NULL },

    { ngx_string("sendkit_auth_redis_ssl_name"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.name),
      NULL },

    { ngx_string("sendkit_auth_redis_ssl_protocols"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.protocols),
      &ngx_sendkit_auth_tls_protocols },

    { ngx_string("sendkit_auth_redis_ssl_ciphers"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, ssl.ciphers),
      NULL },

#endif

    { ngx_string("sendkit_auth_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_sendkit_auth_main_conf_t, lookup.timeout),
      NULL },

    { ngx_string("sendkit_auth_pepper_file"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_sendkit_auth_conf_pepper_file,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_sendkit_auth_module_ctx = {
    ngx_sendkit_auth_variables_init,       /* preconfiguration */
    ngx_sendkit_auth_init,                 /* postconfiguration */

    ngx_sendkit_auth_create_main_conf,     /* create main configuration */
    ngx_sendkit_auth_init_main_conf,       /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_sendkit_auth_create_loc_conf,      /* create location configuration */
    ngx_sendkit_auth_merge_loc_conf        /* merge location configuration */
};


ngx_module_t  ngx_sendkit_auth_module = {
    NGX_MODULE_V1,
    &ngx_sendkit_auth_module_ctx,          /* module context */
    ngx_sendkit_auth_commands,             /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_sendkit_auth_init_process,         /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_sendkit_auth_exit_process,         /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_sendkit_auth_init(ngx_conf_t *cf)
{
    if (ngx_sendkit_auth_handler(cf, NGX_HTTP_PREACCESS_PHASE,
                                 ngx_sendkit_auth_preaccess_handler)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_sendkit_auth_handler(cf, NGX_HTTP_ACCESS_PHASE,
                                    ngx_sendkit_auth_access_handler);
}


static ngx_int_t
ngx_sendkit_auth_handler(ngx_conf_t *cf, ngx_http_phases phase,
    ngx_http_handler_pt handler)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[phase].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = handler;

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_init_process(ngx_cycle_t *cycle)
{
    ngx_sendkit_auth_main_conf_t  *samcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    samcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_sendkit_auth_module);

    if (samcf == NULL || samcf->guarded == 0) {
        return NGX_OK;
    }

    return ngx_sendkit_auth_lookup_init(cycle, &samcf->lookup);
}


static void
ngx_sendkit_auth_exit_process(ngx_cycle_t *cycle)
{
    ngx_sendkit_auth_lookup_cleanup();
}
