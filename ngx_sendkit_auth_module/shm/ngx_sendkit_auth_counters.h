
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_COUNTERS_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_COUNTERS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What happened in the cache, counted since the zone was created.  Workers
 * count in shards of their own, so that they do not slow each other down;
 * what is read is the sum.
 */

#define NGX_SENDKIT_AUTH_COUNTER_SHARDS  16


typedef enum {
    NGX_SENDKIT_AUTH_HITS = 0,          /* lookups answered by the cache */
    NGX_SENDKIT_AUTH_NEGATIVES,         /* the same, with a "no" */
    NGX_SENDKIT_AUTH_MISSES,            /* lookups for which Redis was asked */
    NGX_SENDKIT_AUTH_BYPASSES,          /* the same, with no cache to trust */
    NGX_SENDKIT_AUTH_EVICTIONS,         /* entries overwritten before time */
    NGX_SENDKIT_AUTH_INVALIDATIONS,     /* names pushed by Redis */
    NGX_SENDKIT_AUTH_FLUSHES,           /* all entries made invalid */
    NGX_SENDKIT_AUTH_NCOUNTERS
} ngx_sendkit_auth_counter_e;


/* a cache line, and in an array of them on its own one */

typedef struct {
    uint64_t     values[8];
} ngx_sendkit_auth_shard_t;


typedef struct {
    ngx_sendkit_auth_shard_t  shards[NGX_SENDKIT_AUTH_COUNTER_SHARDS];
} ngx_sendkit_auth_counters_t;


/* n: of the worker */

void ngx_sendkit_auth_counters_add(ngx_sendkit_auth_counters_t *counters,
    ngx_uint_t n, ngx_sendkit_auth_counter_e what);

uint64_t ngx_sendkit_auth_counters_sum(
    const ngx_sendkit_auth_counters_t *counters,
    ngx_sendkit_auth_counter_e what);


#endif /* _NGX_SENDKIT_AUTH_COUNTERS_H_INCLUDED_ */
