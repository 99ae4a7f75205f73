
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_counters.h"


_Static_assert(sizeof(ngx_sendkit_auth_shard_t) == 64,
               "a shard is a cache line");
_Static_assert(NGX_SENDKIT_AUTH_NCOUNTERS <= 8,
               "a shard has room for all counters");


/* during a reload two workers have the same number */

void
ngx_sendkit_auth_counters_add(ngx_sendkit_auth_counters_t *counters,
    ngx_uint_t n, ngx_sendkit_auth_counter_e what)
{
    ngx_sendkit_auth_shard_t  *shard;

    shard = &counters->shards[n % NGX_SENDKIT_AUTH_COUNTER_SHARDS];

    (void) __atomic_fetch_add(&shard->values[what], 1, __ATOMIC_RELAXED);
}


uint64_t
ngx_sendkit_auth_counters_sum(const ngx_sendkit_auth_counters_t *counters,
    ngx_sendkit_auth_counter_e what)
{
    uint64_t    sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < NGX_SENDKIT_AUTH_COUNTER_SHARDS; i++) {
        sum += __atomic_load_n(&counters->shards[i].values[what],
                               __ATOMIC_RELAXED);
    }

    return sum;
}
