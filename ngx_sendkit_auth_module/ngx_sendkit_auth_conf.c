
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_conf.h"


#define NGX_SENDKIT_AUTH_REDIS_PORT   6379
#define NGX_SENDKIT_AUTH_REALM_MAX    64
#define NGX_SENDKIT_AUTH_PEPPER_MIN   16
#define NGX_SENDKIT_AUTH_SECRET_MAX   4096
#define NGX_SENDKIT_AUTH_TTL_MAX      (365 * 86400 * (ngx_msec_t) 1000)

/* NGX_CONF_TAKE5, the most that the directive has */
#define NGX_SENDKIT_AUTH_ROUTE_WORDS  5


static char *ngx_sendkit_auth_conf_check(ngx_conf_t *cf,
    ngx_sendkit_auth_loc_conf_t *sacf);
static ngx_int_t ngx_sendkit_auth_conf_challenge(ngx_conf_t *cf,
    ngx_sendkit_auth_loc_conf_t *sacf);
static ngx_int_t ngx_sendkit_auth_conf_url(ngx_conf_t *cf, ngx_str_t *address,
    ngx_url_t *u);
static ngx_int_t ngx_sendkit_auth_conf_db(ngx_conf_t *cf, ngx_str_t *address,
    ngx_str_t path, ngx_str_t *db);
static char *ngx_sendkit_auth_conf_secret(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *secret);
static ngx_int_t ngx_sendkit_auth_conf_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *secret);


static const ngx_str_t  ngx_sendkit_auth_scheme = ngx_string("redis://");
static const ngx_str_t  ngx_sendkit_auth_unix = ngx_string("unix:");


void *
ngx_sendkit_auth_create_main_conf(ngx_conf_t *cf)
{
    ngx_sendkit_auth_main_conf_t  *samcf;

    samcf = ngx_pcalloc(cf->pool, sizeof(ngx_sendkit_auth_main_conf_t));
    if (samcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     samcf->lookup.redis = { 0 };
     *     samcf->lookup.prefix = { 0, NULL };
     *     samcf->lookup.peppers = { { 0, NULL } };
     *     samcf->guarded = 0;
     */

    samcf->lookup.timeout = NGX_CONF_UNSET_MSEC;
    samcf->lookup.origin_ttl = NGX_CONF_UNSET_MSEC;
    samcf->lookup.negative_ttl = NGX_CONF_UNSET_MSEC;
    samcf->lookup.redis.connect_timeout = NGX_CONF_UNSET_MSEC;
    samcf->lookup.redis.read_timeout = NGX_CONF_UNSET_MSEC;

    return samcf;
}


char *
ngx_sendkit_auth_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    ngx_conf_init_msec_value(samcf->lookup.timeout, 250);
    ngx_conf_init_msec_value(samcf->lookup.origin_ttl, 60000);
    ngx_conf_init_msec_value(samcf->lookup.negative_ttl, 5000);
    ngx_conf_init_msec_value(samcf->lookup.redis.connect_timeout, 200);
    ngx_conf_init_msec_value(samcf->lookup.redis.read_timeout, 100);

    if (samcf->lookup.prefix.data == NULL) {
        ngx_str_set(&samcf->lookup.prefix, "sendkit:");
    }

    samcf->lookup.ndigests = samcf->lookup.peppers[1].len != 0 ? 2 : 1;

    if (samcf->lookup.redis.user.len != 0
        && samcf->lookup.redis.password.len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_redis_user\" is \"%V\" but there "
                           "is no \"sendkit_auth_redis_password_file\"",
                           &samcf->lookup.redis.user);
        return NGX_CONF_ERROR;
    }

    if (samcf->lookup.timeout == 0
        || samcf->lookup.redis.connect_timeout == 0
        || samcf->lookup.redis.read_timeout == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"0\" in \"sendkit_auth_timeout\", "
                           "\"sendkit_auth_redis_connect_timeout\" or "
                           "\"sendkit_auth_redis_read_timeout\" would refuse "
                           "all requests");
        return NGX_CONF_ERROR;
    }

    if (samcf->lookup.origin_ttl == 0
        || samcf->lookup.origin_ttl > NGX_SENDKIT_AUTH_TTL_MAX
        || samcf->lookup.negative_ttl == 0
        || samcf->lookup.negative_ttl > NGX_SENDKIT_AUTH_TTL_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_origin_ttl\" and "
                           "\"sendkit_auth_negative_ttl\" must be from 1ms "
                           "to 365d, they are %M ms and %M ms",
                           samcf->lookup.origin_ttl,
                           samcf->lookup.negative_ttl);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


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

    if (samcf->lookup.redis.naddrs == 0) {
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

    size_t            bad, i, nwords;
    ngx_str_t        *value;
    const char       *error;
    sendkit_span_t    words[NGX_SENDKIT_AUTH_ROUTE_WORDS];
    sendkit_route_t  *route, *routes;

    value = cf->args->elts;
    nwords = cf->args->nelts - 1;

    for (i = 0; i < nwords; i++) {
        words[i].data = value[i + 1].data;
        words[i].len = value[i + 1].len;
    }

    if (sacf->routes == NGX_CONF_UNSET_PTR) {

        sacf->routes = ngx_array_create(cf->pool, 16, sizeof(sendkit_route_t));
        if (sacf->routes == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    route = ngx_array_push(sacf->routes);
    if (route == NULL) {
        return NGX_CONF_ERROR;
    }

    error = sendkit_route_parse(route, words, nwords, &bad);
    if (error != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" in \"%V\" %s",
                           &value[bad + 1], &cmd->name, error);
        return NGX_CONF_ERROR;
    }

    routes = sacf->routes->elts;

    for (i = 0; i + 1 < sacf->routes->nelts; i++) {

        if (sendkit_route_is_renamed(&routes[i], route)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" in \"%V\" differs only by names from "
                               "\"%*s\"", &value[2], &cmd->name,
                               routes[i].template.len,
                               routes[i].template.data);
            return NGX_CONF_ERROR;
        }

        if (sendkit_route_is_duplicate(&routes[i], route)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate \"%V\" for \"%V\" \"%V\"",
                               &cmd->name, &value[1], &value[2]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


char *
ngx_sendkit_auth_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    ngx_url_t                       u;
    ngx_str_t                      *value;
    ngx_sendkit_auth_redis_conf_t  *redis;

    redis = &samcf->lookup.redis;

    if (redis->naddrs != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_sendkit_auth_conf_url(cf, &value[1], &u) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_sendkit_auth_conf_db(cf, &value[1], u.uri, &redis->db) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    redis->addrs = u.addrs;
    redis->naddrs = u.naddrs;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_sendkit_auth_conf_url(ngx_conf_t *cf, ngx_str_t *address, ngx_url_t *u)
{
    ngx_memzero(u, sizeof(ngx_url_t));

    u->url = *address;
    u->default_port = NGX_SENDKIT_AUTH_REDIS_PORT;
    u->uri_part = 1;

    if (ngx_strlchr(u->url.data, u->url.data + u->url.len, '@') != NULL) {

        /* not printed: it is where others put a password */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_redis\" takes no credentials, use "
                           "\"sendkit_auth_redis_user\" and "
                           "\"sendkit_auth_redis_password_file\"");
        return NGX_ERROR;
    }

    if (address->len > ngx_sendkit_auth_scheme.len
        && ngx_strncmp(address->data, ngx_sendkit_auth_scheme.data,
                       ngx_sendkit_auth_scheme.len) == 0)
    {
        u->url.data += ngx_sendkit_auth_scheme.len;
        u->url.len -= ngx_sendkit_auth_scheme.len;

    } else if (address->len <= ngx_sendkit_auth_unix.len
               || ngx_strncmp(address->data, ngx_sendkit_auth_unix.data,
                              ngx_sendkit_auth_unix.len) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"sendkit_auth_redis\" is not "
                           "\"redis://host:port/db\" or \"unix:/path\"",
                           address);
        return NGX_ERROR;
    }

    if (ngx_parse_url(cf->pool, u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in \"%V\" of \"sendkit_auth_redis\"",
                           u->err != NULL ? u->err : "error", address);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* "/2" selects database 2; "", "/" and "/0" are the one a client begins in */

static ngx_int_t
ngx_sendkit_auth_conf_db(ngx_conf_t *cf, ngx_str_t *address, ngx_str_t path,
    ngx_str_t *db)
{
    ngx_int_t  n;

    if (path.len == 0 || (path.len == 1 && path.data[0] == '/')) {
        return NGX_OK;
    }

    n = NGX_ERROR;

    if (path.data[0] == '/') {
        path.data++;
        path.len--;

        n = ngx_atoi(path.data, path.len);
    }

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" of \"sendkit_auth_redis\" is "
                           "not the number of a database", &path, address);
        return NGX_ERROR;
    }

    if (n != 0) {
        *db = path;
    }

    return NGX_OK;
}


char *
ngx_sendkit_auth_conf_prefix(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    ngx_str_t  *value;

    if (samcf->lookup.prefix.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len > SENDKIT_SCHEMA_PREFIX_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" is longer than %d bytes",
                           &value[1], &cmd->name, SENDKIT_SCHEMA_PREFIX_MAX);
        return NGX_CONF_ERROR;
    }

    samcf->lookup.prefix = value[1];

    return NGX_CONF_OK;
}


char *
ngx_sendkit_auth_conf_password_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    ngx_str_t  *value;

    if (samcf->lookup.redis.password.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    return ngx_sendkit_auth_conf_secret(cf, &value[1],
                                        &samcf->lookup.redis.password);
}


char *
ngx_sendkit_auth_conf_pepper_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    char        *rv;
    ngx_str_t   *peppers, *value;
    ngx_uint_t   i;

    peppers = samcf->lookup.peppers;

    if (peppers[0].len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i + 1 < cf->args->nelts; i++) {

        rv = ngx_sendkit_auth_conf_secret(cf, &value[i + 1], &peppers[i]);
        if (rv != NGX_CONF_OK) {
            return rv;
        }

        if (peppers[i].len < NGX_SENDKIT_AUTH_PEPPER_MIN) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "pepper in \"%V\" is shorter than %d bytes",
                               &value[i + 1], NGX_SENDKIT_AUTH_PEPPER_MIN);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
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


/* the bytes of a file, but for one newline at its end */

static char *
ngx_sendkit_auth_conf_secret(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *secret)
{
    ngx_str_t  path;

    path = *name;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK
        || ngx_sendkit_auth_conf_read(cf, &path, secret) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (secret->len > NGX_SENDKIT_AUTH_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" is longer than %d bytes", &path,
                           NGX_SENDKIT_AUTH_SECRET_MAX);
        return NGX_CONF_ERROR;
    }

    if (secret->len != 0 && secret->data[secret->len - 1] == '\n') {
        secret->len--;
    }

    if (secret->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "file \"%V\" is empty",
                           &path);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_sendkit_auth_conf_read(ngx_conf_t *cf, ngx_str_t *path, ngx_str_t *secret)
{
    ssize_t     n;
    ngx_file_t  file;

    secret->data = ngx_pnalloc(cf->pool, NGX_SENDKIT_AUTH_SECRET_MAX + 1);
    if (secret->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *path;
    file.log = cf->log;
    file.fd = ngx_open_file(path->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", path);
        return NGX_ERROR;
    }

    n = ngx_read_file(&file, secret->data, NGX_SENDKIT_AUTH_SECRET_MAX + 1, 0);

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", path);
    }

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" cannot be read",
                           path);
        return NGX_ERROR;
    }

    secret->len = (size_t) n;

    return NGX_OK;
}
