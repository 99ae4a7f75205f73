
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_table.h"
#include "ngx_sendkit_auth_zone.h"


typedef struct {
    ngx_sendkit_auth_cache_t  *cache;
    sendkit_digest_t           fingerprint;
} ngx_sendkit_auth_zone_t;


static ngx_uint_t ngx_sendkit_auth_zone_differs(ngx_conf_t *cf,
    ngx_shm_zone_t *shm_zone);
static ngx_int_t ngx_sendkit_auth_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static u_char *ngx_sendkit_auth_zone_memory(ngx_slab_pool_t *shpool,
    size_t *size);


ngx_int_t
ngx_sendkit_auth_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    const sendkit_digest_t *fingerprint, ngx_sendkit_auth_cache_t *cache,
    void *tag)
{
    ngx_shm_zone_t           *shm_zone;
    ngx_sendkit_auth_zone_t  *zone;

    zone = ngx_palloc(cf->pool, sizeof(ngx_sendkit_auth_zone_t));
    if (zone == NULL) {
        return NGX_ERROR;
    }

    zone->cache = cache;
    zone->fingerprint = *fingerprint;

    shm_zone = ngx_shared_memory_add(cf, name, size, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_sendkit_auth_init_zone;
    shm_zone->data = zone;
    shm_zone->noreuse = ngx_sendkit_auth_zone_differs(cf, shm_zone);

    return NGX_OK;
}


/* 1: the cycle before has a zone of that name, for another configuration */

static ngx_uint_t
ngx_sendkit_auth_zone_differs(ngx_conf_t *cf, ngx_shm_zone_t *shm_zone)
{
    ngx_uint_t                i;
    ngx_list_part_t          *part;
    ngx_shm_zone_t           *old;
    ngx_sendkit_auth_zone_t  *zone, *was;

    zone = shm_zone->data;

    for (part = &cf->cycle->old_cycle->shared_memory.part;
         part != NULL;
         part = part->next)
    {
        old = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (old[i].tag != shm_zone->tag
                || old[i].shm.name.len != shm_zone->shm.name.len
                || ngx_memcmp(old[i].shm.name.data, shm_zone->shm.name.data,
                              shm_zone->shm.name.len)
                   != 0)
            {
                continue;
            }

            was = old[i].data;

            return ngx_memcmp(was->fingerprint.bytes, zone->fingerprint.bytes,
                              SENDKIT_DIGEST_LEN)
                   != 0;
        }
    }

    return 0;
}


static ngx_int_t
ngx_sendkit_auth_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                    size;
    u_char                   *memory;
    uint64_t                  seed;
    ngx_slab_pool_t          *shpool;
    ngx_sendkit_auth_zone_t  *zone;

    zone = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    memory = ngx_sendkit_auth_zone_memory(shpool, &size);

    seed = ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random();

    if (memory == NULL
        || ngx_sendkit_auth_cache_attach(zone->cache, memory, size, seed)
           != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "zone \"%V\" of \"sendkit_auth_zone\" cannot be used",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * All of the zone that the slab allocator can give in one piece, which a
 * reload or another process finds again by what is noted in shpool->data.
 */

static u_char *
ngx_sendkit_auth_zone_memory(ngx_slab_pool_t *shpool, size_t *size)
{
    *size = (size_t) (shpool->last - shpool->pages) * ngx_pagesize;

    if (shpool->data == NULL) {
        shpool->log_nomem = 0;
        shpool->data = ngx_slab_alloc(shpool, *size);

        if (shpool->data != NULL) {
            ngx_memzero(shpool->data, *size);
        }
    }

    return shpool->data;
}
