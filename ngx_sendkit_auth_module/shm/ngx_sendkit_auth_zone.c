
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_table.h"
#include "ngx_sendkit_auth_zone.h"


static ngx_int_t ngx_sendkit_auth_zone_name(ngx_conf_t *cf, ngx_str_t *name,
    const sendkit_digest_t *fingerprint, ngx_str_t *unique);
static ngx_int_t ngx_sendkit_auth_init_zone(ngx_shm_zone_t *shm_zone,
    void *data);
static u_char *ngx_sendkit_auth_zone_memory(ngx_slab_pool_t *shpool,
    size_t *size);


ngx_int_t
ngx_sendkit_auth_zone_add(ngx_conf_t *cf, ngx_str_t *name, size_t size,
    const sendkit_digest_t *fingerprint, ngx_sendkit_auth_cache_t *cache,
    void *tag)
{
    ngx_str_t        unique;
    ngx_shm_zone_t  *shm_zone;

    if (ngx_sendkit_auth_zone_name(cf, name, fingerprint, &unique) != NGX_OK) {
        return NGX_ERROR;
    }

    shm_zone = ngx_shared_memory_add(cf, &unique, size, tag);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    shm_zone->init = ngx_sendkit_auth_init_zone;
    shm_zone->data = cache;

    return NGX_OK;
}


/*
 * nginx gives a zone of the same name and size to the new cycle.  The flag
 * that forbids this, shm_zone->noreuse, also has the zone of the cycle before
 * freed or not freed by the wrong one of the two cycles.
 */

static ngx_int_t
ngx_sendkit_auth_zone_name(ngx_conf_t *cf, ngx_str_t *name,
    const sendkit_digest_t *fingerprint, ngx_str_t *unique)
{
    u_char  *p;

    unique->len = name->len + 1 + SENDKIT_DIGEST_HEX_LEN;

    unique->data = ngx_pnalloc(cf->pool, unique->len);
    if (unique->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(unique->data, name->data, name->len);
    *p++ = ':';

    sendkit_digest_hex(fingerprint, p);

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    size_t                     size;
    u_char                    *memory;
    uint64_t                   seed;
    ngx_slab_pool_t           *shpool;
    ngx_sendkit_auth_cache_t  *cache;

    cache = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    memory = ngx_sendkit_auth_zone_memory(shpool, &size);

    seed = ((uint64_t) ngx_random() << 32) ^ (uint64_t) ngx_random();

    if (memory == NULL
        || ngx_sendkit_auth_cache_attach(cache, memory, size, seed)
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
