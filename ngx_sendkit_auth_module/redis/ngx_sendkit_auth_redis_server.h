
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_SERVER_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_SERVER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis_tls.h"


/* Where a Redis server is, and what is said to any server. */

typedef struct {
    ngx_str_t                         host;     /* as configured, or learnt */
    in_port_t                         port;
    ngx_addr_t                       *addrs;    /* of host, tried in turn */
    ngx_uint_t                        naddrs;
    ngx_uint_t                        named;    /* 1: the host is no address */
} ngx_sendkit_auth_redis_server_t;


#define NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX  4096

typedef struct {
    ngx_str_t                         user;
    ngx_str_t                         password;     /* len 0: no AUTH */
    ngx_str_t                         file;         /* it was read from */
} ngx_sendkit_auth_redis_login_conf_t;


typedef enum {
    NGX_SENDKIT_AUTH_REDIS_ONE = 0,
    NGX_SENDKIT_AUTH_REDIS_SENTINEL,
    NGX_SENDKIT_AUTH_REDIS_CLUSTER
} ngx_sendkit_auth_redis_kind_e;


typedef struct {
    ngx_str_t                         address;  /* as configured */
    ngx_sendkit_auth_redis_kind_e     kind;
    ngx_sendkit_auth_redis_server_t  *servers;  /* it, the Sentinels, nodes */
    ngx_uint_t                        nservers;
    ngx_resolver_t                   *resolver; /* NULL: none */
    ngx_msec_t                        resolver_timeout;
    ngx_str_t                         master;   /* its name at Sentinels */
    ngx_str_t                         db;       /* its number, in digits */
    ngx_sendkit_auth_redis_login_conf_t   login;
    ngx_sendkit_auth_redis_login_conf_t   sentinel_login;
    const ngx_sendkit_auth_redis_tls_t  *tls;   /* NULL: none */
    ngx_msec_t                        connect_timeout;
    ngx_msec_t                        read_timeout;
    ngx_uint_t                        max_commands;     /* under way */
} ngx_sendkit_auth_redis_conf_t;


#endif /* _NGX_SENDKIT_AUTH_REDIS_SERVER_H_INCLUDED_ */
