
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis_masters.h"


static ngx_sendkit_auth_redis_master_t *ngx_sendkit_auth_redis_master_find(
    const ngx_sendkit_auth_redis_masters_t *masters, sendkit_span_t host,
    in_port_t port);
static ngx_sendkit_auth_redis_master_t *ngx_sendkit_auth_redis_master_new(
    ngx_sendkit_auth_redis_masters_t *masters);
static ngx_int_t ngx_sendkit_auth_redis_master_place(
    ngx_sendkit_auth_redis_master_t *master, sendkit_span_t host,
    in_port_t port);
static u_char ngx_sendkit_auth_redis_master_number(
    const ngx_sendkit_auth_redis_masters_t *masters,
    const ngx_sendkit_auth_redis_master_t *master);
static ngx_int_t ngx_sendkit_auth_redis_masters_found(
    ngx_sendkit_auth_redis_masters_t *masters);
static ngx_uint_t ngx_sendkit_auth_redis_masters_is_older(
    ngx_sendkit_auth_redis_masters_t *masters, uint64_t epoch);
static void ngx_sendkit_auth_redis_masters_epoch(
    ngx_sendkit_auth_redis_masters_t *masters, uint64_t epoch);
static ngx_int_t ngx_sendkit_auth_redis_masters_read(
    ngx_sendkit_auth_redis_masters_t *masters, sendkit_span_t nodes,
    sendkit_span_t asked);
static ngx_int_t ngx_sendkit_auth_redis_masters_node(
    ngx_sendkit_auth_redis_masters_t *masters, sendkit_cluster_node_t *node);
static void ngx_sendkit_auth_redis_masters_forget(
    ngx_sendkit_auth_redis_masters_t *masters);
static void ngx_sendkit_auth_redis_masters_hash(
    ngx_sendkit_auth_redis_masters_t *masters);


ngx_int_t
ngx_sendkit_auth_redis_masters_init(ngx_sendkit_auth_redis_masters_t *masters,
    ngx_pool_t *pool, const ngx_sendkit_auth_redis_conf_t *conf,
    const ngx_sendkit_auth_redis_server_t *servers, ngx_log_t *log)
{
    ngx_sendkit_auth_redis_master_t  *master;

    masters->conf = conf;
    masters->servers = servers;
    masters->pool = pool;
    masters->log = log;

    if (ngx_sendkit_auth_redis_login_init(&masters->login, pool, &conf->login)
        != NGX_OK
        || ngx_sendkit_auth_redis_login_init(&masters->sentinel_login, pool,
                                             &conf->sentinel_login)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (conf->kind == NGX_SENDKIT_AUTH_REDIS_CLUSTER) {

        masters->map = ngx_palloc(pool, 2 * sizeof(*masters->map));
        if (masters->map == NULL) {
            return NGX_ERROR;
        }

        masters->next = masters->map + 1;

        ngx_memset(masters->map, NGX_SENDKIT_AUTH_REDIS_NO_MASTER,
                   sizeof(*masters->map));
        return NGX_OK;
    }

    master = ngx_sendkit_auth_redis_master_new(masters);
    if (master == NULL) {
        return NGX_ERROR;
    }

    if (conf->kind == NGX_SENDKIT_AUTH_REDIS_ONE) {
        master->used = 1;
        masters->known = 1;
        masters->found = 1;

        ngx_sendkit_auth_redis_masters_named(masters);
    }

    return NGX_OK;
}


void
ngx_sendkit_auth_redis_masters_named(
    ngx_sendkit_auth_redis_masters_t *masters)
{
    ngx_sendkit_auth_redis_master_t  *master;

    master = masters->masters[0];
    master->server = masters->servers[0];

    ngx_sendkit_auth_redis_client_move(master->client, &master->server);
}


void
ngx_sendkit_auth_redis_masters_close(
    ngx_sendkit_auth_redis_masters_t *masters)
{
    ngx_uint_t  i;

    for (i = 0; i < masters->nmasters; i++) {
        ngx_sendkit_auth_redis_client_close(masters->masters[i]->client);
    }

    ngx_sendkit_auth_redis_login_cleanup(&masters->login);
    ngx_sendkit_auth_redis_login_cleanup(&masters->sentinel_login);
}


ngx_sendkit_auth_redis_master_t *
ngx_sendkit_auth_redis_masters_of(
    const ngx_sendkit_auth_redis_masters_t *masters, ngx_uint_t slot)
{
    ngx_uint_t  i;

    i = masters->map != NULL ? masters->map->slots[slot] : 0;

    return masters->known && i != NGX_SENDKIT_AUTH_REDIS_NO_MASTER
           ? masters->masters[i] : NULL;
}


ngx_sendkit_auth_redis_master_t *
ngx_sendkit_auth_redis_masters_at(ngx_sendkit_auth_redis_masters_t *masters,
    sendkit_span_t host, in_port_t port)
{
    ngx_sendkit_auth_redis_master_t  *master;

    master = ngx_sendkit_auth_redis_master_find(masters, host, port);
    if (master != NULL) {
        return master;
    }

    master = ngx_sendkit_auth_redis_master_new(masters);
    if (master == NULL) {
        return NULL;
    }

    if (ngx_sendkit_auth_redis_master_place(master, host, port) != NGX_OK) {
        return NULL;
    }

    master->used = 1;
    master->was_used = 0;

    return master;
}


static ngx_sendkit_auth_redis_master_t *
ngx_sendkit_auth_redis_master_find(
    const ngx_sendkit_auth_redis_masters_t *masters, sendkit_span_t host,
    in_port_t port)
{
    ngx_uint_t                              i;
    const ngx_sendkit_auth_redis_server_t  *server;

    for (i = 0; i < masters->nmasters; i++) {
        server = &masters->masters[i]->server;

        if (server->naddrs != 0 && server->port == port
            && server->host.len == host.len
            && ngx_memcmp(server->host.data, host.data, host.len) == 0)
        {
            return masters->masters[i];
        }
    }

    return NULL;
}


/* one that is not used any more, or another one */

static ngx_sendkit_auth_redis_master_t *
ngx_sendkit_auth_redis_master_new(ngx_sendkit_auth_redis_masters_t *masters)
{
    ngx_uint_t                        i;
    ngx_sendkit_auth_redis_peer_e     peer;
    ngx_sendkit_auth_redis_master_t  *master;

    for (i = 0; i < masters->nmasters; i++) {
        if (masters->masters[i]->server.naddrs == 0) {
            return masters->masters[i];
        }
    }

    if (i == NGX_SENDKIT_AUTH_REDIS_MASTERS) {
        ngx_log_error(NGX_LOG_ERR, masters->log, 0,
                      "redis cluster has more than %d masters",
                      NGX_SENDKIT_AUTH_REDIS_MASTERS);
        return NULL;
    }

    master = ngx_pcalloc(masters->pool,
                         sizeof(ngx_sendkit_auth_redis_master_t));
    if (master == NULL) {
        return NULL;
    }

    peer = masters->conf->kind == NGX_SENDKIT_AUTH_REDIS_SENTINEL
           ? NGX_SENDKIT_AUTH_REDIS_MASTER : NGX_SENDKIT_AUTH_REDIS_SERVER;

    master->client = ngx_sendkit_auth_redis_client_create(masters->pool,
                                                          masters->conf, peer,
                                                          &masters->login,
                                                          masters->log);
    if (master->client == NULL) {
        return NULL;
    }

    masters->masters[i] = master;
    masters->nmasters++;

    return master;
}


static ngx_int_t
ngx_sendkit_auth_redis_master_place(ngx_sendkit_auth_redis_master_t *master,
    sendkit_span_t host, in_port_t port)
{
    in_addr_t        inaddr;
    ngx_addr_t      *addr;
    ngx_sockaddr_t   sockaddr;

    if (host.len > NGX_INET6_ADDRSTRLEN) {
        return NGX_ERROR;
    }

    addr = &master->addr;
    ngx_memzero(&sockaddr, sizeof(ngx_sockaddr_t));

    inaddr = ngx_inet_addr((u_char *) host.data, host.len);

    if (inaddr != INADDR_NONE) {
        sockaddr.sockaddr_in.sin_family = AF_INET;
        sockaddr.sockaddr_in.sin_addr.s_addr = inaddr;
        addr->socklen = sizeof(struct sockaddr_in);

    } else if (ngx_inet6_addr((u_char *) host.data, host.len,
                              sockaddr.sockaddr_in6.sin6_addr.s6_addr)
               == NGX_OK)
    {
        sockaddr.sockaddr_in6.sin6_family = AF_INET6;
        addr->socklen = sizeof(struct sockaddr_in6);

    } else {
        return NGX_ERROR;
    }

    master->sockaddr = sockaddr;
    addr->sockaddr = &master->sockaddr.sockaddr;
    ngx_inet_set_port(addr->sockaddr, port);

    addr->name.data = master->name;
    addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen,
                                   master->name, NGX_SOCKADDR_STRLEN, 1);

    master->id = ngx_murmur_hash2(addr->name.data, addr->name.len);

    ngx_memcpy(master->host, host.data, host.len);

    master->server.host.data = master->host;
    master->server.host.len = host.len;
    master->server.port = port;
    master->server.addrs = addr;
    master->server.naddrs = 1;

    ngx_sendkit_auth_redis_client_move(master->client, &master->server);

    return NGX_OK;
}


ngx_uint_t
ngx_sendkit_auth_redis_masters_moved(
    ngx_sendkit_auth_redis_masters_t *masters, ngx_uint_t slot,
    const ngx_sendkit_auth_redis_master_t *master)
{
    u_char  number;

    number = ngx_sendkit_auth_redis_master_number(masters, master);

    if (masters->map == NULL || masters->map->slots[slot] == number) {
        return 0;
    }

    masters->map->slots[slot] = number;

    ngx_sendkit_auth_redis_masters_hash(masters);

    return 1;
}


static u_char
ngx_sendkit_auth_redis_master_number(
    const ngx_sendkit_auth_redis_masters_t *masters,
    const ngx_sendkit_auth_redis_master_t *master)
{
    u_char  i;

    for (i = 0; masters->masters[i] != master; i++) { /* void */ }

    return i;
}


ngx_int_t
ngx_sendkit_auth_redis_masters_set(ngx_sendkit_auth_redis_masters_t *masters,
    sendkit_span_t host, in_port_t port, uint64_t epoch)
{
    ngx_sendkit_auth_redis_master_t  *master;

    if (ngx_sendkit_auth_redis_masters_is_older(masters, epoch)) {
        return NGX_ERROR;
    }

    master = masters->masters[0];

    if (ngx_sendkit_auth_redis_master_find(masters, host, port) == master) {
        masters->known = 1;
        ngx_sendkit_auth_redis_masters_epoch(masters, epoch);
        return NGX_DECLINED;
    }

    if (ngx_sendkit_auth_redis_master_place(master, host, port) != NGX_OK) {
        return NGX_ERROR;
    }

    master->used = 1;
    ngx_sendkit_auth_redis_masters_epoch(masters, epoch);

    return ngx_sendkit_auth_redis_masters_found(masters);
}


/* what is found first changes nothing: nobody was asked for keys before */

static ngx_int_t
ngx_sendkit_auth_redis_masters_found(ngx_sendkit_auth_redis_masters_t *masters)
{
    ngx_uint_t  found;

    found = masters->found;

    masters->known = 1;
    masters->found = 1;

    return found ? NGX_OK : NGX_DECLINED;
}


/* somebody who has not heard of what was changed since, or is cut off */

static ngx_uint_t
ngx_sendkit_auth_redis_masters_is_older(
    ngx_sendkit_auth_redis_masters_t *masters, uint64_t epoch)
{
    if (epoch >= masters->epoch) {
        return 0;
    }

    masters->older++;

    return 1;
}


static void
ngx_sendkit_auth_redis_masters_epoch(
    ngx_sendkit_auth_redis_masters_t *masters, uint64_t epoch)
{
    masters->epoch = epoch;
    masters->older = 0;
}


void
ngx_sendkit_auth_redis_masters_asked(ngx_sendkit_auth_redis_masters_t *masters,
    ngx_uint_t servers)
{
    if (2 * masters->older > servers) {
        masters->epoch = 0;
    }

    masters->older = 0;
}


ngx_int_t
ngx_sendkit_auth_redis_masters_map(ngx_sendkit_auth_redis_masters_t *masters,
    sendkit_span_t nodes, sendkit_span_t asked)
{
    uint32_t                       id;
    ngx_int_t                      rc;
    ngx_uint_t                     i, same;
    ngx_sendkit_auth_redis_map_t  *map;

    id = ngx_sendkit_auth_redis_masters_id(masters);

    for (i = 0; i < masters->nmasters; i++) {
        masters->masters[i]->named = 0;
        masters->masters[i]->was_used = masters->masters[i]->used;
    }

    ngx_memset(masters->next, NGX_SENDKIT_AUTH_REDIS_NO_MASTER,
               sizeof(*masters->next));

    rc = ngx_sendkit_auth_redis_masters_read(masters, nodes, asked);

    if (rc != NGX_OK) {

        for (i = 0; i < masters->nmasters; i++) {
            masters->masters[i]->named = masters->masters[i]->was_used;
        }
    }

    ngx_sendkit_auth_redis_masters_forget(masters);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    same = ngx_memcmp(masters->map, masters->next, sizeof(*masters->map)) == 0
           && id == ngx_sendkit_auth_redis_masters_id(masters);

    map = masters->map;
    masters->map = masters->next;
    masters->next = map;

    ngx_sendkit_auth_redis_masters_hash(masters);

    rc = ngx_sendkit_auth_redis_masters_found(masters);

    return same ? NGX_DECLINED : rc;
}


static ngx_int_t
ngx_sendkit_auth_redis_masters_read(ngx_sendkit_auth_redis_masters_t *masters,
    sendkit_span_t nodes, sendkit_span_t asked)
{
    int                     more;
    uint64_t                epoch;
    ngx_uint_t              failing, owners;
    sendkit_cluster_node_t  node;

    epoch = 0;
    failing = 0;
    owners = 0;

    while ((more = sendkit_cluster_next_node(&nodes, &node)) == 1) {

        if (node.slots.len != 0) {
            owners++;
            epoch = ngx_max(epoch, node.epoch);
            failing += node.failing;
        }

        if (!node.master) {
            continue;
        }

        if (node.host.len == 0) {
            node.host = asked;
        }

        if (ngx_sendkit_auth_redis_masters_node(masters, &node) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    /*
     * a node that has left its cluster knows of none, and one that is cut off
     * sees most of them fail
     */

    if (more != 0 || owners <= 2 * failing
        || ngx_sendkit_auth_redis_masters_is_older(masters, epoch))
    {
        return NGX_ERROR;
    }

    ngx_sendkit_auth_redis_masters_epoch(masters, epoch);

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_masters_node(ngx_sendkit_auth_redis_masters_t *masters,
    sendkit_cluster_node_t *node)
{
    int                               more;
    u_char                            number;
    sendkit_cluster_range_t           range;
    ngx_sendkit_auth_redis_master_t  *master;

    master = ngx_sendkit_auth_redis_masters_at(masters, node->host,
                                               node->port);
    if (master == NULL) {
        return NGX_ERROR;
    }

    master->named = 1;

    number = ngx_sendkit_auth_redis_master_number(masters, master);

    while ((more = sendkit_cluster_next_range(&node->slots, &range)) == 1) {
        ngx_memset(masters->next->slots + range.first, number,
                   range.last - range.first + 1);
    }

    return more == 0 ? NGX_OK : NGX_ERROR;
}


/* those that are none any more; one without slots may be given some */

static void
ngx_sendkit_auth_redis_masters_forget(
    ngx_sendkit_auth_redis_masters_t *masters)
{
    ngx_uint_t                        i;
    ngx_sendkit_auth_redis_master_t  *master;

    for (i = 0; i < masters->nmasters; i++) {
        master = masters->masters[i];

        if (master->used && !master->named) {
            master->used = 0;
            master->server.naddrs = 0;
            ngx_sendkit_auth_redis_client_move(master->client, NULL);
        }
    }
}


/* by the addresses of their owners: each worker numbers masters by itself */

static void
ngx_sendkit_auth_redis_masters_hash(
    ngx_sendkit_auth_redis_masters_t *masters)
{
    u_char      number;
    uint32_t    id;
    ngx_uint_t  i;

    masters->slots = 0;

    for (i = 0; i < SENDKIT_CLUSTER_SLOTS; i++) {
        number = masters->map->slots[i];

        id = number != NGX_SENDKIT_AUTH_REDIS_NO_MASTER
             ? masters->masters[number]->id : 0;

        masters->slots = masters->slots * 31 + id;
    }
}


uint32_t
ngx_sendkit_auth_redis_masters_slots(
    const ngx_sendkit_auth_redis_masters_t *masters)
{
    return masters->slots;
}


ngx_uint_t
ngx_sendkit_auth_redis_masters_agree(
    const ngx_sendkit_auth_redis_masters_t *masters, uint32_t id)
{
    return masters->conf->kind == NGX_SENDKIT_AUTH_REDIS_ONE
           || (masters->known
               && ngx_sendkit_auth_redis_masters_id(masters) == id);
}


uint32_t
ngx_sendkit_auth_redis_masters_id(
    const ngx_sendkit_auth_redis_masters_t *masters)
{
    uint32_t                                id;
    ngx_uint_t                              i;
    const ngx_sendkit_auth_redis_master_t  *master;

    if (masters->conf->kind == NGX_SENDKIT_AUTH_REDIS_ONE) {
        return ngx_sendkit_auth_redis_client_addr(masters->masters[0]->client);
    }

    id = masters->slots;

    for (i = 0; i < masters->nmasters; i++) {
        master = masters->masters[i];

        if (master->used) {
            id += master->id;
        }
    }

    return id;
}
