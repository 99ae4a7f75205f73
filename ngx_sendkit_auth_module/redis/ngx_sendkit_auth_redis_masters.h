
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_MASTERS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_MASTERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_cluster.h"
#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_redis_client.h"
#include "ngx_sendkit_auth_redis_login.h"
#include "ngx_sendkit_auth_redis_server.h"


/*
 * The masters that a worker knows, each with its client, and which of them
 * has a key.  One server and a master that Sentinels name are cases with one
 * master, which has all keys.
 */

#define NGX_SENDKIT_AUTH_REDIS_MASTERS    255
#define NGX_SENDKIT_AUTH_REDIS_NO_MASTER  255


typedef struct {
    ngx_sendkit_auth_redis_server_t   server;
    ngx_addr_t                        addr;
    ngx_sockaddr_t                    sockaddr;
    u_char                            name[NGX_SOCKADDR_STRLEN];
    u_char                            host[NGX_INET6_ADDRSTRLEN];
    ngx_sendkit_auth_redis_client_t  *client;
    uint32_t                          id;       /* of the address */
    ngx_uint_t                        used;     /* is asked for keys */
    ngx_uint_t                        named;    /* in what is being read */
    ngx_uint_t                        was_used; /* before that */
} ngx_sendkit_auth_redis_master_t;


/* a map of the slots of a cluster: the numbers of masters */

typedef struct {
    u_char                            slots[SENDKIT_CLUSTER_SLOTS];
} ngx_sendkit_auth_redis_map_t;


typedef struct {
    const ngx_sendkit_auth_redis_conf_t    *conf;
    const ngx_sendkit_auth_redis_server_t  *servers;    /* as known now */
    ngx_pool_t                             *pool;
    ngx_log_t                              *log;
    ngx_sendkit_auth_redis_login_t          login;
    ngx_sendkit_auth_redis_login_t          sentinel_login;

    ngx_uint_t                              known;      /* the map is */
    ngx_uint_t                              found;      /* one was, ever */
    uint64_t                                epoch;      /* of what is known */
    ngx_uint_t                              older;      /* said so, in a row */
    uint32_t                                slots;      /* a number for map */
    ngx_sendkit_auth_redis_master_t        *masters
                                            [NGX_SENDKIT_AUTH_REDIS_MASTERS];
    ngx_uint_t                              nmasters;   /* ever used */
    ngx_sendkit_auth_redis_map_t           *map;        /* NULL: one master */
    ngx_sendkit_auth_redis_map_t           *next;       /* being read */
} ngx_sendkit_auth_redis_masters_t;


/*
 * pool, conf, servers  outlive it
 * servers              the configured ones, with their addresses
 *
 * NGX_OK; NGX_ERROR: no memory
 */

ngx_int_t ngx_sendkit_auth_redis_masters_init(
    ngx_sendkit_auth_redis_masters_t *masters, ngx_pool_t *pool,
    const ngx_sendkit_auth_redis_conf_t *conf,
    const ngx_sendkit_auth_redis_server_t *servers, ngx_log_t *log);

void ngx_sendkit_auth_redis_masters_close(
    ngx_sendkit_auth_redis_masters_t *masters);

/* The one server has other addresses.  The commands to it fail. */

void ngx_sendkit_auth_redis_masters_named(
    ngx_sendkit_auth_redis_masters_t *masters);

/* The master that has the keys of a slot; NULL: nobody has. */

ngx_sendkit_auth_redis_master_t *ngx_sendkit_auth_redis_masters_of(
    const ngx_sendkit_auth_redis_masters_t *masters, ngx_uint_t slot);

/*
 * The master at that address, an IP; a new one is added to those that are
 * known, but has no keys.  NULL: it is no IP, or no memory, or too many.
 */

ngx_sendkit_auth_redis_master_t *ngx_sendkit_auth_redis_masters_at(
    ngx_sendkit_auth_redis_masters_t *masters, sendkit_span_t host,
    in_port_t port);

/* It has a slot.  Returns 1 if that is news. */

ngx_uint_t ngx_sendkit_auth_redis_masters_moved(
    ngx_sendkit_auth_redis_masters_t *masters, ngx_uint_t slot,
    const ngx_sendkit_auth_redis_master_t *master);

/*
 * Takes what is known now for what a node of the cluster says (CLUSTER
 * NODES), or a Sentinel: the one master.  The commands to masters that are
 * none any more fail.
 *
 * asked  the IP of the node that says so, which may not know its own
 * epoch  of the master
 *
 * NGX_OK        something has changed
 * NGX_DECLINED  nothing has, or this is found first
 * NGX_ERROR     it is malformed, or of a node without a cluster, or older than
 *               what is known, which is counted: nothing is changed
 */

ngx_int_t ngx_sendkit_auth_redis_masters_map(
    ngx_sendkit_auth_redis_masters_t *masters, sendkit_span_t nodes,
    sendkit_span_t asked);
ngx_int_t ngx_sendkit_auth_redis_masters_set(
    ngx_sendkit_auth_redis_masters_t *masters, sendkit_span_t host,
    in_port_t port, uint64_t epoch);

/*
 * All servers were asked, and none was believed.  If most of them know nothing
 * newer, as after all Sentinels were set up anew, they are next time.
 */

void ngx_sendkit_auth_redis_masters_asked(
    ngx_sendkit_auth_redis_masters_t *masters, ngx_uint_t servers);

/* A number for their addresses and slots: the same if those are the same. */

uint32_t ngx_sendkit_auth_redis_masters_id(
    const ngx_sendkit_auth_redis_masters_t *masters);

/* The part of it for slots; the rest is the sum of numbers of addresses. */

uint32_t ngx_sendkit_auth_redis_masters_slots(
    const ngx_sendkit_auth_redis_masters_t *masters);

/* 1: these are the masters of that number, as far as that can change */

ngx_uint_t ngx_sendkit_auth_redis_masters_agree(
    const ngx_sendkit_auth_redis_masters_t *masters, uint32_t id);


#endif /* _NGX_SENDKIT_AUTH_REDIS_MASTERS_H_INCLUDED_ */
