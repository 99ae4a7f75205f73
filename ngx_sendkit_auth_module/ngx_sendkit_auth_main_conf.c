
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_address.h"
#include "ngx_sendkit_auth_main_conf.h"
#include "shm/ngx_sendkit_auth_zone.h"


#define NGX_SENDKIT_AUTH_PEPPER_MIN   16
#define NGX_SENDKIT_AUTH_SECRET_MAX   NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX
#define NGX_SENDKIT_AUTH_TTL_MAX      (365 * 86400 * (ngx_msec_t) 1000)
#define NGX_SENDKIT_AUTH_LEASE_MIN    100
#define NGX_SENDKIT_AUTH_LEASE_MAX    3600000


static char *ngx_sendkit_auth_conf_check_redis(ngx_conf_t *cf,
    const ngx_sendkit_auth_lookup_conf_t *lookup);
static char *ngx_sendkit_auth_conf_check_times(ngx_conf_t *cf,
    const ngx_sendkit_auth_lookup_conf_t *lookup);
static char *ngx_sendkit_auth_conf_cache(ngx_conf_t *cf,
    ngx_sendkit_auth_main_conf_t *samcf);
static ngx_int_t ngx_sendkit_auth_conf_fingerprint(ngx_conf_t *cf,
    const ngx_sendkit_auth_lookup_conf_t *lookup,
    sendkit_digest_t *fingerprint);
static ngx_int_t ngx_sendkit_auth_conf_mix(ngx_conf_t *cf,
    sendkit_digester_t *digester, const void *data, size_t len,
    sendkit_digest_t *fingerprint);
static char *ngx_sendkit_auth_conf_secret(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *secret);
static ngx_int_t ngx_sendkit_auth_conf_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_str_t *secret);


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
     *     samcf->lookup.cache = NULL;
     *     samcf->zone = { 0, NULL };
     *     samcf->zone_size = 0;
     *     samcf->guarded = 0;
     */

    samcf->lookup.timeout = NGX_CONF_UNSET_MSEC;
    samcf->lookup.origin_ttl = NGX_CONF_UNSET_MSEC;
    samcf->lookup.negative_ttl = NGX_CONF_UNSET_MSEC;
    samcf->lookup.cache_ttl = NGX_CONF_UNSET_MSEC;
    samcf->lookup.lease = NGX_CONF_UNSET_MSEC;
    samcf->lookup.redis.connect_timeout = NGX_CONF_UNSET_MSEC;
    samcf->lookup.redis.read_timeout = NGX_CONF_UNSET_MSEC;
    samcf->lookup.redis.max_commands = NGX_CONF_UNSET_UINT;
    samcf->lookup.max_waiting = NGX_CONF_UNSET_UINT;

    ngx_sendkit_auth_tls_conf_create(&samcf->ssl);

    return samcf;
}


char *
ngx_sendkit_auth_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    ngx_conf_init_msec_value(samcf->lookup.timeout, 250);
    ngx_conf_init_msec_value(samcf->lookup.origin_ttl, 60000);
    ngx_conf_init_msec_value(samcf->lookup.negative_ttl, 5000);
    ngx_conf_init_msec_value(samcf->lookup.cache_ttl, 60000);
    ngx_conf_init_msec_value(samcf->lookup.lease, 3000);
    ngx_conf_init_msec_value(samcf->lookup.redis.connect_timeout, 200);
    ngx_conf_init_msec_value(samcf->lookup.redis.read_timeout, 100);
    ngx_conf_init_uint_value(samcf->lookup.redis.max_commands, 4096);
    ngx_conf_init_uint_value(samcf->lookup.max_waiting, 4096);

    if (samcf->lookup.prefix.data == NULL) {
        ngx_str_set(&samcf->lookup.prefix, "sendkit:");
    }

    samcf->lookup.ndigests = samcf->lookup.peppers[1].len != 0 ? 2 : 1;

    if (ngx_sendkit_auth_conf_check_redis(cf, &samcf->lookup) != NGX_CONF_OK
        || ngx_sendkit_auth_conf_resolver(cf, &samcf->lookup.redis) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_sendkit_auth_tls_conf_init(cf, &samcf->ssl,
                                       samcf->rediss.len != 0 ? &samcf->rediss
                                                              : NULL,
                                       &samcf->lookup.redis.tls)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_sendkit_auth_conf_check_times(cf, &samcf->lookup) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_sendkit_auth_conf_cache(cf, samcf);
}


static char *
ngx_sendkit_auth_conf_check_redis(ngx_conf_t *cf,
    const ngx_sendkit_auth_lookup_conf_t *lookup)
{
    ngx_uint_t                                  i;
    const ngx_sendkit_auth_redis_login_conf_t  *logins[2];

    logins[0] = &lookup->redis.login;
    logins[1] = &lookup->redis.sentinel_login;

    for (i = 0; i < 2; i++) {

        if (logins[i]->user.len != 0 && logins[i]->password.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"sendkit_auth_redis%s_user\" is \"%V\" but "
                               "there is no "
                               "\"sendkit_auth_redis%s_password_file\"",
                               i == 0 ? "" : "_sentinel", &logins[i]->user,
                               i == 0 ? "" : "_sentinel");
            return NGX_CONF_ERROR;
        }
    }

    if (lookup->redis.sentinel_login.password.len != 0
        && lookup->redis.kind != NGX_SENDKIT_AUTH_REDIS_SENTINEL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_redis_sentinel_password_file\" is "
                           "there but no Sentinel in \"sendkit_auth_redis\"");
        return NGX_CONF_ERROR;
    }

    if (lookup->redis.max_commands == 0 || lookup->max_waiting == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"0\" in \"sendkit_auth_redis_max_commands\" or "
                           "\"sendkit_auth_max_waiting\" would refuse all "
                           "requests");
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sendkit_auth_conf_check_times(ngx_conf_t *cf,
    const ngx_sendkit_auth_lookup_conf_t *lookup)
{
    if (lookup->timeout == 0
        || lookup->redis.connect_timeout == 0
        || lookup->redis.read_timeout == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"0\" in \"sendkit_auth_timeout\", "
                           "\"sendkit_auth_redis_connect_timeout\" or "
                           "\"sendkit_auth_redis_read_timeout\" would refuse "
                           "all requests");
        return NGX_CONF_ERROR;
    }

    if (lookup->origin_ttl == 0
        || lookup->origin_ttl > NGX_SENDKIT_AUTH_TTL_MAX
        || lookup->negative_ttl == 0
        || lookup->negative_ttl > NGX_SENDKIT_AUTH_TTL_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_origin_ttl\" and "
                           "\"sendkit_auth_negative_ttl\" must be from 1ms "
                           "to 365d, they are %M ms and %M ms",
                           lookup->origin_ttl, lookup->negative_ttl);
        return NGX_CONF_ERROR;
    }

    if (lookup->cache_ttl == 0
        || lookup->cache_ttl > NGX_SENDKIT_AUTH_TTL_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_cache_ttl\" must be from 1ms to "
                           "365d, it is %M ms", lookup->cache_ttl);
        return NGX_CONF_ERROR;
    }

    if (lookup->lease < NGX_SENDKIT_AUTH_LEASE_MIN
        || lookup->lease > NGX_SENDKIT_AUTH_LEASE_MAX)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_lease\" must be from %d ms to 1h, "
                           "it is %M ms", NGX_SENDKIT_AUTH_LEASE_MIN,
                           lookup->lease);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static char *
ngx_sendkit_auth_conf_cache(ngx_conf_t *cf,
    ngx_sendkit_auth_main_conf_t *samcf)
{
    sendkit_digest_t                fingerprint;
    ngx_sendkit_auth_cache_conf_t   conf;
    ngx_sendkit_auth_lookup_conf_t  *lookup;

    if (samcf->zone.len == 0) {
        return NGX_CONF_OK;
    }

    lookup = &samcf->lookup;

    if (lookup->redis.nservers == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_zone\" is \"%V\" but there is no "
                           "\"sendkit_auth_redis\"", &samcf->zone);
        return NGX_CONF_ERROR;
    }

    conf.ttl = lookup->cache_ttl;
    conf.negative_ttl = lookup->negative_ttl;
    conf.lease = lookup->lease;

    lookup->cache = ngx_sendkit_auth_cache_create(cf->pool, &conf);
    if (lookup->cache == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_sendkit_auth_conf_fingerprint(cf, lookup, &fingerprint) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "OpenSSL provides no SHA-256");
        return NGX_CONF_ERROR;
    }

    return ngx_sendkit_auth_zone_add(cf, &samcf->zone, samcf->zone_size,
                                     &fingerprint, lookup->cache,
                                     &ngx_sendkit_auth_module)
           == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* of all that decides what an entry of the cache says, and for how long */

static ngx_int_t
ngx_sendkit_auth_conf_fingerprint(ngx_conf_t *cf,
    const ngx_sendkit_auth_lookup_conf_t *lookup,
    sendkit_digest_t *fingerprint)
{
    ngx_int_t            rc;
    ngx_msec_t           times[3];
    ngx_uint_t           i, n;
    sendkit_span_t       none = { NULL, 0 };
    const ngx_str_t     *strings[6], *name;
    static ngx_str_t     no_tls = ngx_null_string;
    sendkit_digester_t   digester;

    if (!sendkit_digest_init(&digester, none)) {
        return NGX_ERROR;
    }

    times[0] = lookup->cache_ttl;
    times[1] = lookup->negative_ttl;
    times[2] = lookup->lease;

    strings[0] = &lookup->redis.address;
    strings[1] = &lookup->redis.login.user;
    strings[2] = &lookup->prefix;
    strings[3] = &lookup->peppers[0];
    strings[4] = &lookup->peppers[1];
    strings[5] = lookup->redis.tls != NULL ? &lookup->redis.tls->trust
                                           : &no_tls;

    ngx_memzero(fingerprint, sizeof(sendkit_digest_t));

    rc = ngx_sendkit_auth_conf_mix(cf, &digester, times, sizeof(times),
                                   fingerprint);

    for (i = 0; rc == NGX_OK && i < 6; i++) {
        rc = ngx_sendkit_auth_conf_mix(cf, &digester, strings[i]->data,
                                       strings[i]->len, fingerprint);
    }

    for (i = 0; rc == NGX_OK && i < lookup->redis.nservers; i++) {
        for (n = 0; rc == NGX_OK && n < lookup->redis.servers[i].naddrs; n++) {
            name = &lookup->redis.servers[i].addrs[n].name;

            rc = ngx_sendkit_auth_conf_mix(cf, &digester, name->data,
                                           name->len, fingerprint);
        }
    }

    sendkit_digest_cleanup(&digester);

    return rc;
}


/* the digest of what was there, and of that */

static ngx_int_t
ngx_sendkit_auth_conf_mix(ngx_conf_t *cf, sendkit_digester_t *digester,
    const void *data, size_t len, sendkit_digest_t *fingerprint)
{
    u_char          *p;
    sendkit_span_t   text;

    p = ngx_pnalloc(cf->temp_pool, SENDKIT_DIGEST_LEN + len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text.data = p;
    text.len = SENDKIT_DIGEST_LEN + len;

    p = ngx_cpymem(p, fingerprint->bytes, SENDKIT_DIGEST_LEN);

    if (len != 0) {
        ngx_memcpy(p, data, len);
    }

    return sendkit_digest_key(digester, text, fingerprint) ? NGX_OK
                                                           : NGX_ERROR;
}


char *
ngx_sendkit_auth_conf_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    u_char     *p;
    ssize_t     size;
    ngx_str_t  *value, number;

    if (samcf->zone.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;
    size = NGX_ERROR;

    p = (u_char *) ngx_strchr(value[1].data, ':');

    if (p != NULL && p != value[1].data) {
        number.data = p + 1;
        number.len = value[1].data + value[1].len - number.data;

        size = ngx_parse_size(&number);
    }

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"%V\" is not a name, \":\" and a size",
                           &value[1], &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_SENDKIT_AUTH_CACHE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone in \"%V\" of \"%V\" is smaller than %d bytes",
                           &value[1], &cmd->name, NGX_SENDKIT_AUTH_CACHE_MIN);
        return NGX_CONF_ERROR;
    }

    samcf->zone.data = value[1].data;
    samcf->zone.len = p - value[1].data;
    samcf->zone_size = (size_t) size;

    return NGX_CONF_OK;
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
    char  *p = conf;

    ngx_str_t                            *value;
    ngx_sendkit_auth_redis_login_conf_t  *login;

    login = (ngx_sendkit_auth_redis_login_conf_t *) (p + cmd->offset);

    if (login->password.len != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;
    login->file = value[1];

    return ngx_sendkit_auth_conf_secret(cf, &login->file, &login->password);
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


/* the bytes of a file, but for one newline at its end; sets its full name */

static char *
ngx_sendkit_auth_conf_secret(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *secret)
{
    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK
        || ngx_sendkit_auth_conf_read(cf, name, secret) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (secret->len > NGX_SENDKIT_AUTH_SECRET_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "file \"%V\" is longer than %d bytes", name,
                           NGX_SENDKIT_AUTH_SECRET_MAX);
        return NGX_CONF_ERROR;
    }

    if (secret->len != 0 && secret->data[secret->len - 1] == '\n') {
        secret->len--;
    }

    if (secret->len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "file \"%V\" is empty",
                           name);
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
