
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_sendkit_auth.h"
#include "ngx_sendkit_auth_address.h"


#define NGX_SENDKIT_AUTH_REDIS_PORT     6379
#define NGX_SENDKIT_AUTH_SENTINEL_PORT  26379


typedef struct {
    ngx_str_t                         name;
    ngx_sendkit_auth_redis_kind_e     kind;
    in_port_t                         port;
    ngx_uint_t                        tls;
} ngx_sendkit_auth_scheme_t;


static const ngx_sendkit_auth_scheme_t *ngx_sendkit_auth_address_scheme(
    ngx_str_t *address);
static ngx_int_t ngx_sendkit_auth_address_servers(ngx_conf_t *cf,
    const ngx_sendkit_auth_scheme_t *scheme, ngx_str_t hosts,
    ngx_str_t *path, ngx_sendkit_auth_redis_conf_t *redis);
static ngx_int_t ngx_sendkit_auth_address_server(ngx_conf_t *cf,
    ngx_str_t host, in_port_t port, ngx_str_t *path,
    ngx_sendkit_auth_redis_conf_t *redis);
static ngx_int_t ngx_sendkit_auth_address_resolve(ngx_conf_t *cf,
    ngx_url_t *u, ngx_sendkit_auth_redis_server_t *server);
static ngx_int_t ngx_sendkit_auth_address_path(ngx_conf_t *cf, ngx_str_t path,
    ngx_sendkit_auth_redis_conf_t *redis);
static ngx_int_t ngx_sendkit_auth_address_db(ngx_conf_t *cf, ngx_str_t path,
    ngx_sendkit_auth_redis_conf_t *redis);


static const ngx_sendkit_auth_scheme_t  ngx_sendkit_auth_schemes[] = {

    { ngx_string("redis://"), NGX_SENDKIT_AUTH_REDIS_ONE,
      NGX_SENDKIT_AUTH_REDIS_PORT, 0 },

    { ngx_string("rediss://"), NGX_SENDKIT_AUTH_REDIS_ONE,
      NGX_SENDKIT_AUTH_REDIS_PORT, 1 },

    { ngx_string("sentinel://"), NGX_SENDKIT_AUTH_REDIS_SENTINEL,
      NGX_SENDKIT_AUTH_SENTINEL_PORT, 0 },

    { ngx_string("rediss+sentinel://"), NGX_SENDKIT_AUTH_REDIS_SENTINEL,
      NGX_SENDKIT_AUTH_SENTINEL_PORT, 1 },

    { ngx_string("cluster://"), NGX_SENDKIT_AUTH_REDIS_CLUSTER,
      NGX_SENDKIT_AUTH_REDIS_PORT, 0 },

    { ngx_string("rediss+cluster://"), NGX_SENDKIT_AUTH_REDIS_CLUSTER,
      NGX_SENDKIT_AUTH_REDIS_PORT, 1 },

    { ngx_string("unix:"), NGX_SENDKIT_AUTH_REDIS_ONE, 0, 0 },

    { ngx_null_string, NGX_SENDKIT_AUTH_REDIS_ONE, 0, 0 }
};


char *
ngx_sendkit_auth_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_sendkit_auth_main_conf_t *samcf = conf;

    u_char                           *p, *last;
    ngx_str_t                        *value, hosts, path;
    ngx_sendkit_auth_redis_conf_t    *redis;
    const ngx_sendkit_auth_scheme_t  *scheme;

    redis = &samcf->lookup.redis;

    if (redis->nservers != 0) {
        return "is duplicate";
    }

    value = cf->args->elts;
    redis->address = value[1];

    if (ngx_strlchr(value[1].data, value[1].data + value[1].len, '@')
        != NULL)
    {
        /* not printed: it is where others put a password */

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sendkit_auth_redis\" takes no credentials, use "
                           "\"sendkit_auth_redis_user\" and "
                           "\"sendkit_auth_redis_password_file\"");
        return NGX_CONF_ERROR;
    }

    scheme = ngx_sendkit_auth_address_scheme(&value[1]);

    if (scheme == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"sendkit_auth_redis\" is not "
                           "\"redis://host:port/db\", \"unix:/path\", "
                           "\"sentinel://hosts/name\" or "
                           "\"cluster://hosts\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    redis->kind = scheme->kind;

    if (scheme->tls) {
        samcf->rediss = value[1];
    }

    last = value[1].data + value[1].len;

    hosts.data = value[1].data;

    if (scheme->port != 0) {
        hosts.data += scheme->name.len;
    }

    p = scheme->kind != NGX_SENDKIT_AUTH_REDIS_ONE
        ? ngx_strlchr(hosts.data, last, '/') : NULL;

    hosts.len = (p != NULL ? p : last) - hosts.data;

    path.data = p;
    path.len = p != NULL ? last - p : 0;

    if (ngx_sendkit_auth_address_servers(cf, scheme, hosts, &path, redis)
        != NGX_OK
        || ngx_sendkit_auth_address_path(cf, path, redis) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static const ngx_sendkit_auth_scheme_t *
ngx_sendkit_auth_address_scheme(ngx_str_t *address)
{
    const ngx_sendkit_auth_scheme_t  *scheme;

    for (scheme = ngx_sendkit_auth_schemes; scheme->name.len != 0; scheme++) {
        if (address->len > scheme->name.len
            && ngx_strncmp(address->data, scheme->name.data, scheme->name.len)
               == 0)
        {
            return scheme;
        }
    }

    return NULL;
}


/* one of them, with its path; or several, between commas */

static ngx_int_t
ngx_sendkit_auth_address_servers(ngx_conf_t *cf,
    const ngx_sendkit_auth_scheme_t *scheme, ngx_str_t hosts,
    ngx_str_t *path, ngx_sendkit_auth_redis_conf_t *redis)
{
    u_char     *p, *last;
    ngx_str_t   host;

    if (redis->kind == NGX_SENDKIT_AUTH_REDIS_ONE) {
        return ngx_sendkit_auth_address_server(cf, hosts, scheme->port, path,
                                               redis);
    }

    last = hosts.data + hosts.len;

    for (host.data = hosts.data; /* void */; host.data = p + 1) {

        p = ngx_strlchr(host.data, last, ',');

        host.len = (p != NULL ? p : last) - host.data;

        if (ngx_sendkit_auth_address_server(cf, host, scheme->port, NULL,
                                            redis)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (p == NULL) {
            return NGX_OK;
        }
    }
}


static ngx_int_t
ngx_sendkit_auth_address_server(ngx_conf_t *cf, ngx_str_t host,
    in_port_t port, ngx_str_t *path, ngx_sendkit_auth_redis_conf_t *redis)
{
    ngx_url_t                         u;
    ngx_sendkit_auth_redis_server_t  *servers;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = host;
    u.default_port = port;
    u.uri_part = path != NULL;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "%s in \"%V\" of \"sendkit_auth_redis\"",
                           u.err != NULL ? u.err : "error", &redis->address);
        return NGX_ERROR;
    }

    if (path != NULL) {
        *path = u.uri;
    }

    servers = ngx_palloc(cf->pool, (redis->nservers + 1)
                                * sizeof(ngx_sendkit_auth_redis_server_t));
    if (servers == NULL) {
        return NGX_ERROR;
    }

    if (redis->nservers != 0) {
        ngx_memcpy(servers, redis->servers,
                   redis->nservers * sizeof(ngx_sendkit_auth_redis_server_t));
    }

    redis->servers = servers;
    servers += redis->nservers++;

    servers->host = port != 0 ? u.host : host;
    servers->port = u.port;
    servers->addrs = u.addrs;
    servers->naddrs = u.naddrs;
    servers->named = port != 0 && u.naddrs == 0
                     && ngx_inet_addr(u.host.data, u.host.len) == INADDR_NONE;

    return u.naddrs == 0 ? ngx_sendkit_auth_address_resolve(cf, &u, servers)
                         : NGX_OK;
}


/* a name that is not found is no error yet: there may be a resolver */

static ngx_int_t
ngx_sendkit_auth_address_resolve(ngx_conf_t *cf, ngx_url_t *u,
    ngx_sendkit_auth_redis_server_t *server)
{
    if (ngx_inet_resolve_host(cf->pool, u) != NGX_OK) {
        return u->err != NULL ? NGX_OK : NGX_ERROR;
    }

    server->addrs = u->addrs;
    server->naddrs = u->naddrs;

    return NGX_OK;
}


ngx_int_t
ngx_sendkit_auth_conf_resolver(ngx_conf_t *cf,
    ngx_sendkit_auth_redis_conf_t *redis)
{
    ngx_uint_t                              i;
    ngx_http_core_loc_conf_t               *clcf;
    const ngx_sendkit_auth_redis_server_t  *server;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* without servers: "resolver" is not there */

    if (clcf->resolver != NULL && clcf->resolver->connections.nelts != 0) {
        redis->resolver = clcf->resolver;
        redis->resolver_timeout = clcf->resolver_timeout;

        ngx_conf_init_msec_value(redis->resolver_timeout, 30000);
    }

    for (i = 0; i < redis->nservers; i++) {
        server = &redis->servers[i];

        if (!server->named || server->naddrs != 0) {
            continue;
        }

        if (redis->resolver == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "host not found in \"%V\" of "
                               "\"sendkit_auth_redis\"", &redis->address);
            return NGX_ERROR;
        }

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "host \"%V\" in \"sendkit_auth_redis\" is not "
                           "found, it is resolved later", &server->host);
    }

    return NGX_OK;
}


/* "/2"; where there are Sentinels, "/name" or "/name/2" */

static ngx_int_t
ngx_sendkit_auth_address_path(ngx_conf_t *cf, ngx_str_t path,
    ngx_sendkit_auth_redis_conf_t *redis)
{
    u_char     *p, *last;
    ngx_str_t   name;

    if (redis->kind == NGX_SENDKIT_AUTH_REDIS_SENTINEL) {

        last = path.data + path.len;

        name.data = path.len != 0 ? path.data + 1 : path.data;

        p = ngx_strlchr(name.data, last, '/');

        name.len = (p != NULL ? p : last) - name.data;

        if (name.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" in \"sendkit_auth_redis\" has no name "
                               "of a master", &redis->address);
            return NGX_ERROR;
        }

        redis->master = name;

        path.data = p;
        path.len = p != NULL ? last - p : 0;
    }

    if (ngx_sendkit_auth_address_db(cf, path, redis) != NGX_OK) {
        return NGX_ERROR;
    }

    if (redis->kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER && redis->db.len != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" in \"sendkit_auth_redis\": a cluster has "
                           "no database but 0", &redis->address);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* "/2" selects database 2; "", "/" and "/0" are the one a client begins in */

static ngx_int_t
ngx_sendkit_auth_address_db(ngx_conf_t *cf, ngx_str_t path,
    ngx_sendkit_auth_redis_conf_t *redis)
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
                           "not the number of a database", &path,
                           &redis->address);
        return NGX_ERROR;
    }

    if (n != 0) {
        redis->db = path;
    }

    return NGX_OK;
}
