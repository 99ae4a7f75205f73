
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_MEMORY_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_MEMORY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_counters.h"
#include "ngx_sendkit_auth_table.h"
#include "ngx_sendkit_auth_validity.h"


/* The memory of the cache and its handle, for the two files of it only. */

typedef enum {
    NGX_SENDKIT_AUTH_TABLE_RECORDS = 0,
    NGX_SENDKIT_AUTH_TABLE_ROLES,
    NGX_SENDKIT_AUTH_TABLE_MISSES,
    NGX_SENDKIT_AUTH_NTABLES
} ngx_sendkit_auth_table_e;


/* what the memory begins with; each word that is hot has its own cache line */

typedef struct {
    uint64_t                      version;      /* 0: not made yet */
    uint64_t                      size;
    uint64_t                      seed;
    u_char                        unused1[40];

    uint32_t                      epoch;
    u_char                        unused2[60];

    uint64_t                      alive;
    u_char                        unused3[56];

    uint32_t                      unsupported;
    uint32_t                      servers;
    uint64_t                      subscribed;
    u_char                        unused4[48];

    ngx_sendkit_auth_counters_t   counters;
} ngx_sendkit_auth_cache_shared_t;


struct ngx_sendkit_auth_cache_s {
    ngx_sendkit_auth_cache_conf_t     conf;
    ngx_sendkit_auth_cache_shared_t  *shared;
    uint32_t                         *generations;
    uint32_t                          nslots;
    ngx_sendkit_auth_table_t          tables[NGX_SENDKIT_AUTH_NTABLES];
};


#endif /* _NGX_SENDKIT_AUTH_MEMORY_H_INCLUDED_ */
