
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_memory.h"


_Static_assert(offsetof(ngx_sendkit_auth_cache_shared_t, epoch) == 64
               && offsetof(ngx_sendkit_auth_cache_shared_t, alive) == 128
               && offsetof(ngx_sendkit_auth_cache_shared_t, unsupported) == 192
               && offsetof(ngx_sendkit_auth_cache_shared_t, counters) == 256,
               "hot words have cache lines of their own");


void
ngx_sendkit_auth_cache_invalidate(ngx_sendkit_auth_cache_t *cache,
    sendkit_span_t name)
{
    uint16_t  slot;

    slot = ngx_sendkit_auth_cache_slot(cache, name);

    (void) __atomic_fetch_add(&cache->generations[slot], 1, __ATOMIC_SEQ_CST);

    ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_INVALIDATIONS);
}


void
ngx_sendkit_auth_cache_flush(ngx_sendkit_auth_cache_t *cache)
{
    (void) __atomic_fetch_add(&cache->shared->epoch, 1, __ATOMIC_SEQ_CST);

    ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_FLUSHES);
}


uint32_t
ngx_sendkit_auth_cache_generation(const ngx_sendkit_auth_cache_t *cache,
    const uint16_t *slots)
{
    uint32_t    generation, slot;
    ngx_uint_t  i;

    generation = __atomic_load_n(&cache->shared->epoch, __ATOMIC_ACQUIRE);

    for (i = 0; i < 2; i++) {
        slot = slots[i] & (cache->nslots - 1);
        generation += __atomic_load_n(&cache->generations[slot],
                                      __ATOMIC_ACQUIRE);
    }

    return generation;
}


uint16_t
ngx_sendkit_auth_cache_slot(const ngx_sendkit_auth_cache_t *cache,
    sendkit_span_t name)
{
    uint64_t  hash;

    hash = ngx_sendkit_auth_table_hash(cache->shared->seed, name.data,
                                       name.len) >> 32;

    return (uint16_t) (1 + ((hash * (cache->nslots - 1)) >> 32));
}


void
ngx_sendkit_auth_cache_renew(ngx_sendkit_auth_cache_t *cache, uint64_t alive,
    uint32_t servers)
{
    uint64_t                          last;
    ngx_sendkit_auth_cache_shared_t  *shared;

    shared = cache->shared;

    __atomic_store_n(&shared->unsupported, 0, __ATOMIC_RELAXED);
    last = __atomic_load_n(&shared->alive, __ATOMIC_RELAXED);

    if (last < alive) {
        __atomic_store_n(&shared->servers, servers, __ATOMIC_RELEASE);
    }

    while (last < alive
           && !__atomic_compare_exchange_n(&shared->alive, &last, alive, 0,
                                           __ATOMIC_RELEASE,
                                           __ATOMIC_RELAXED))
    {
        /* void */
    }
}


void
ngx_sendkit_auth_cache_lose(ngx_sendkit_auth_cache_t *cache)
{
    __atomic_store_n(&cache->shared->alive, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&cache->shared->unsupported, 0, __ATOMIC_SEQ_CST);
}


void
ngx_sendkit_auth_cache_subscribe(ngx_sendkit_auth_cache_t *cache,
    uint64_t since)
{
    __atomic_store_n(&cache->shared->subscribed, since, __ATOMIC_SEQ_CST);
}


ngx_uint_t
ngx_sendkit_auth_cache_unsubscribe(ngx_sendkit_auth_cache_t *cache,
    uint64_t since)
{
    uint64_t  last;

    last = ngx_sendkit_auth_cache_subscribed(cache);

    while (last <= since) {
        if (__atomic_compare_exchange_n(&cache->shared->subscribed, &last, 0,
                                        0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
        {
            return 1;
        }
    }

    return 0;
}


uint64_t
ngx_sendkit_auth_cache_subscribed(const ngx_sendkit_auth_cache_t *cache)
{
    return __atomic_load_n(&cache->shared->subscribed, __ATOMIC_SEQ_CST);
}


ngx_uint_t
ngx_sendkit_auth_cache_no_channel(ngx_sendkit_auth_cache_t *cache,
    uint32_t servers)
{
    __atomic_store_n(&cache->shared->servers, servers, __ATOMIC_RELEASE);

    if (__atomic_load_n(&cache->shared->unsupported, __ATOMIC_RELAXED)) {
        return 0;
    }

    /* first: from then on what is in the cache is used */

    ngx_sendkit_auth_cache_flush(cache);

    __atomic_store_n(&cache->shared->unsupported, 1, __ATOMIC_SEQ_CST);

    return 1;
}


ngx_sendkit_auth_channel_e
ngx_sendkit_auth_cache_channel(const ngx_sendkit_auth_cache_t *cache,
    uint64_t now)
{
    uint64_t  alive;

    if (__atomic_load_n(&cache->shared->unsupported, __ATOMIC_ACQUIRE)) {
        return NGX_SENDKIT_AUTH_CHANNEL_UNSUPPORTED;
    }

    alive = ngx_sendkit_auth_cache_alive(cache);

    return alive != 0 && now < alive + cache->conf.lease
           ? NGX_SENDKIT_AUTH_CHANNEL_UP : NGX_SENDKIT_AUTH_CHANNEL_DOWN;
}


uint64_t
ngx_sendkit_auth_cache_alive(const ngx_sendkit_auth_cache_t *cache)
{
    return __atomic_load_n(&cache->shared->alive, __ATOMIC_ACQUIRE);
}


uint32_t
ngx_sendkit_auth_cache_servers(const ngx_sendkit_auth_cache_t *cache)
{
    return __atomic_load_n(&cache->shared->servers, __ATOMIC_ACQUIRE);
}


void
ngx_sendkit_auth_cache_count(ngx_sendkit_auth_cache_t *cache,
    ngx_sendkit_auth_counter_e what)
{
    ngx_sendkit_auth_counters_add(&cache->shared->counters, ngx_worker, what);
}


uint64_t
ngx_sendkit_auth_cache_counter(const ngx_sendkit_auth_cache_t *cache,
    ngx_sendkit_auth_counter_e what)
{
    return ngx_sendkit_auth_counters_sum(&cache->shared->counters, what);
}
