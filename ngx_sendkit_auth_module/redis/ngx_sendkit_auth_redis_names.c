
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_redis_names.h"


#define NGX_SENDKIT_AUTH_REDIS_ASK_AGAIN  1000      /* ms */


static ngx_int_t ngx_sendkit_auth_redis_names_add(
    ngx_sendkit_auth_redis_names_t *names, ngx_pool_t *pool,
    ngx_sendkit_auth_redis_server_t *server);
static void ngx_sendkit_auth_redis_name_handler(ngx_event_t *ev);
static void ngx_sendkit_auth_redis_name_resolved(ngx_resolver_ctx_t *ctx);
static void ngx_sendkit_auth_redis_name_learn(
    ngx_sendkit_auth_redis_name_t *name, const ngx_resolver_ctx_t *ctx);
static void ngx_sendkit_auth_redis_name_use(
    ngx_sendkit_auth_redis_name_t *name);

static void ngx_sendkit_auth_redis_addrs_add(
    ngx_sendkit_auth_redis_addrs_t *addrs, const struct sockaddr *sockaddr,
    socklen_t socklen, in_port_t port);
static void ngx_sendkit_auth_redis_addrs_print(
    ngx_sendkit_auth_redis_addrs_t *addrs);


ngx_int_t
ngx_sendkit_auth_redis_names_init(ngx_sendkit_auth_redis_names_t *names,
    ngx_pool_t *pool, const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_log_t *log)
{
    ngx_uint_t  i;

    names->conf = conf;
    names->log = log;

    names->servers = ngx_palloc(pool, conf->nservers
                                * sizeof(ngx_sendkit_auth_redis_server_t));
    if (names->servers == NULL) {
        return NGX_ERROR;
    }

    names->names = ngx_pcalloc(pool, conf->nservers
                                * sizeof(ngx_sendkit_auth_redis_name_t));
    if (names->names == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->nservers; i++) {

        names->servers[i] = conf->servers[i];

        if (conf->resolver != NULL && conf->servers[i].named
            && ngx_sendkit_auth_redis_names_add(names, pool,
                                                &names->servers[i])
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* with the addresses that it had when the configuration was read */

static ngx_int_t
ngx_sendkit_auth_redis_names_add(ngx_sendkit_auth_redis_names_t *names,
    ngx_pool_t *pool, ngx_sendkit_auth_redis_server_t *server)
{
    ngx_uint_t                      i;
    ngx_sendkit_auth_redis_name_t  *name;

    name = &names->names[names->nnames++];

    name->addrs = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_redis_addrs_t));
    if (name->addrs == NULL) {
        return NGX_ERROR;
    }

    name->next = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_redis_addrs_t));
    if (name->next == NULL) {
        return NGX_ERROR;
    }

    name->names = names;
    name->server = server;

    name->timer.handler = ngx_sendkit_auth_redis_name_handler;
    name->timer.data = name;
    name->timer.log = names->log;
    name->timer.cancelable = 1;

    for (i = 0; i < server->naddrs; i++) {
        ngx_sendkit_auth_redis_addrs_add(name->next,
                                         server->addrs[i].sockaddr,
                                         server->addrs[i].socklen,
                                         server->port);
    }

    ngx_sendkit_auth_redis_name_use(name);

    return NGX_OK;
}


void
ngx_sendkit_auth_redis_names_start(ngx_sendkit_auth_redis_names_t *names,
    ngx_sendkit_auth_redis_named_pt handler, void *data)
{
    ngx_uint_t  i;

    names->handler = handler;
    names->data = data;

    for (i = 0; i < names->nnames; i++) {
        ngx_add_timer(&names->names[i].timer, 1);
    }
}


void
ngx_sendkit_auth_redis_names_cancel(ngx_sendkit_auth_redis_names_t *names)
{
    ngx_uint_t                      i;
    ngx_sendkit_auth_redis_name_t  *name;

    for (i = 0; i < names->nnames; i++) {
        name = &names->names[i];

        if (name->ctx != NULL) {
            ngx_resolve_name_done(name->ctx);
            name->ctx = NULL;
        }

        if (name->timer.timer_set) {
            ngx_del_timer(&name->timer);
        }
    }
}


static void
ngx_sendkit_auth_redis_name_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_redis_name_t *name = ev->data;

    ngx_resolver_ctx_t                   *ctx;
    const ngx_sendkit_auth_redis_conf_t  *conf;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "redis name \"%V\"", &name->server->host);

    conf = name->names->conf;

    /* not with one that is under way; if there is no memory, the next time */

    ngx_add_timer(&name->timer, NGX_SENDKIT_AUTH_REDIS_ASK_AGAIN);

    if (name->ctx != NULL) {
        return;
    }

    ctx = ngx_resolve_start(conf->resolver, NULL);
    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        return;
    }

    ctx->name = name->server->host;
    ctx->handler = ngx_sendkit_auth_redis_name_resolved;
    ctx->data = name;
    ctx->timeout = conf->resolver_timeout;
    ctx->cancelable = 1;

    name->ctx = ctx;

    /* may call the handler, and frees the context if it fails */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        name->ctx = NULL;
    }
}


static void
ngx_sendkit_auth_redis_name_resolved(ngx_resolver_ctx_t *ctx)
{
    ngx_sendkit_auth_redis_name_t *name = ctx->data;

    ngx_uint_t                       changed;
    ngx_sendkit_auth_redis_names_t  *names;

    names = name->names;
    changed = 0;

    if (ctx->state != NGX_OK) {

        if (!name->failed) {
            ngx_log_error(NGX_LOG_WARN, names->log, 0,
                          "redis host \"%V\" could not be resolved (%i: %s), "
                          "its addresses are kept", &ctx->name, ctx->state,
                          ngx_resolver_strerror(ctx->state));
        }

        name->failed = 1;

    } else {
        name->failed = 0;

        ngx_sendkit_auth_redis_name_learn(name, ctx);

        /* what is behind the addresses is zero */

        changed = name->next->naddrs != name->addrs->naddrs
                  || ngx_memcmp(name->next->sockaddrs, name->addrs->sockaddrs,
                                name->next->naddrs * sizeof(ngx_sockaddr_t))
                     != 0;
    }

    ngx_resolve_name_done(ctx);
    name->ctx = NULL;

    if (changed) {
        ngx_sendkit_auth_redis_name_use(name);

        ngx_log_error(NGX_LOG_NOTICE, names->log, 0,
                      "redis host \"%V\" has other addresses, "
                      "the first is \"%V\"", &name->server->host,
                      &name->server->addrs[0].name);

        names->handler(names->data);
    }
}


static void
ngx_sendkit_auth_redis_name_learn(ngx_sendkit_auth_redis_name_t *name,
    const ngx_resolver_ctx_t *ctx)
{
    ngx_uint_t  i;

    name->next->naddrs = 0;
    ngx_memzero(name->next->sockaddrs, sizeof(name->next->sockaddrs));

    for (i = 0; i < ctx->naddrs; i++) {
        ngx_sendkit_auth_redis_addrs_add(name->next, ctx->addrs[i].sockaddr,
                                         ctx->addrs[i].socklen,
                                         name->server->port);
    }
}


/* those before stay where they are: a connection to one may still name it */

static void
ngx_sendkit_auth_redis_name_use(ngx_sendkit_auth_redis_name_t *name)
{
    ngx_sendkit_auth_redis_addrs_t  *addrs;

    addrs = name->next;
    name->next = name->addrs;
    name->addrs = addrs;

    ngx_sendkit_auth_redis_addrs_print(addrs);

    name->server->addrs = addrs->addrs;
    name->server->naddrs = addrs->naddrs;
}


/* in order; of too many the first ones */

static void
ngx_sendkit_auth_redis_addrs_add(ngx_sendkit_auth_redis_addrs_t *addrs,
    const struct sockaddr *sockaddr, socklen_t socklen, in_port_t port)
{
    ngx_int_t        order;
    ngx_uint_t       i;
    ngx_sockaddr_t   sa;

    ngx_memzero(&sa, sizeof(ngx_sockaddr_t));
    ngx_memcpy(&sa, sockaddr, ngx_min(socklen, sizeof(ngx_sockaddr_t)));
    ngx_inet_set_port(&sa.sockaddr, port);

    order = 1;

    for (i = 0; i < addrs->naddrs; i++) {

        order = ngx_memcmp(&addrs->sockaddrs[i], &sa, sizeof(ngx_sockaddr_t));

        if (order >= 0) {
            break;
        }
    }

    if (i == NGX_SENDKIT_AUTH_REDIS_ADDRS
        || (i < addrs->naddrs && order == 0))
    {
        return;
    }

    if (addrs->naddrs < NGX_SENDKIT_AUTH_REDIS_ADDRS) {
        addrs->naddrs++;
    }

    ngx_memmove(&addrs->sockaddrs[i + 1], &addrs->sockaddrs[i],
                (addrs->naddrs - i - 1) * sizeof(ngx_sockaddr_t));

    addrs->sockaddrs[i] = sa;
}


static void
ngx_sendkit_auth_redis_addrs_print(ngx_sendkit_auth_redis_addrs_t *addrs)
{
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    for (i = 0; i < addrs->naddrs; i++) {
        addr = &addrs->addrs[i];

        addr->sockaddr = &addrs->sockaddrs[i].sockaddr;
        addr->socklen = addr->sockaddr->sa_family == AF_INET
                        ? sizeof(struct sockaddr_in)
                        : sizeof(struct sockaddr_in6);

        addr->name.data = addrs->texts[i];
        addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen,
                                       addrs->texts[i], NGX_SOCKADDR_STRLEN,
                                       1);
    }
}
