
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_CACHE_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_CACHE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_digest.h"
#include "../core/sendkit_record.h"
#include "../core/sendkit_role.h"
#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_validity.h"


/*
 * What Redis has said, for all workers: records of keys, roles, and for a
 * short time that there is none.  Lookups take no lock and write nothing but
 * a counter.  docs/caching.md says how long an entry is good.
 *
 * Times are in ms, on a clock that all processes share and that never goes
 * back; "now" is to be read from it for each call, not once for an event.
 * No pointer into the memory leaves these functions.
 */

#define NGX_SENDKIT_AUTH_CACHE_MIN  65536   /* bytes of a zone */


/*
 * An answer of Redis on its way to the cache.  It is started before the
 * question is sent: what is invalidated after that never becomes a hit.
 */

typedef struct {
    ngx_uint_t                    usable;   /* 0: there is nothing to store */
    uint64_t                      since;
    uint64_t                      life;     /* ms from then on, at most */
    uint32_t                      generation;
    uint16_t                      slots[2]; /* of the names it depends on */
    ngx_uint_t                    nnames;
} ngx_sendkit_auth_fill_t;


/* The handle of a process; NULL: no memory. */

ngx_sendkit_auth_cache_t *ngx_sendkit_auth_cache_create(ngx_pool_t *pool,
    const ngx_sendkit_auth_cache_conf_t *conf);

/*
 * memory  aligned to cache lines; cleared when it is new, else as another
 *         handle with the same size and configuration has left it
 * seed    random, for new memory
 *
 * NGX_OK; NGX_ERROR: it is too small, or not what it should be.
 */

ngx_int_t ngx_sendkit_auth_cache_attach(ngx_sendkit_auth_cache_t *cache,
    u_char *memory, size_t size, uint64_t seed);

/*
 * NGX_OK: *record is found, or absent; *role is one, or none.
 * NGX_DECLINED: Redis is to be asked.
 *
 * origin  the "no" of an origin is asked for as well
 */

ngx_int_t ngx_sendkit_auth_cache_find_record(ngx_sendkit_auth_cache_t *cache,
    uint64_t now, const sendkit_digest_t *digest, ngx_uint_t origin,
    sendkit_record_t *record);
ngx_int_t ngx_sendkit_auth_cache_find_role(ngx_sendkit_auth_cache_t *cache,
    uint64_t now, const sendkit_id_t *workspace, const sendkit_id_t *user,
    ngx_uint_t origin, sendkit_role_e *role);

/* 1: what is found may be used, and what is stored will be found */

ngx_uint_t ngx_sendkit_auth_cache_is_usable(
    const ngx_sendkit_auth_cache_t *cache, uint64_t now);

/* name: of a key in Redis that is about to be read, one or two */

void ngx_sendkit_auth_cache_start(const ngx_sendkit_auth_cache_t *cache,
    uint64_t now, ngx_sendkit_auth_fill_t *fill);
void ngx_sendkit_auth_cache_watch(const ngx_sendkit_auth_cache_t *cache,
    ngx_sendkit_auth_fill_t *fill, sendkit_span_t name);

/* 1: nothing was invalidated since then */

ngx_uint_t ngx_sendkit_auth_cache_is_current(
    const ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill);

/* Store an answer: a record that is found or absent, a role, or none. */

void ngx_sendkit_auth_cache_store_record(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, const sendkit_digest_t *digest,
    ngx_uint_t origin, const sendkit_record_t *record);
void ngx_sendkit_auth_cache_store_role(ngx_sendkit_auth_cache_t *cache,
    const ngx_sendkit_auth_fill_t *fill, const sendkit_id_t *workspace,
    const sendkit_id_t *user, ngx_uint_t origin, sendkit_role_e role);


#endif /* _NGX_SENDKIT_AUTH_CACHE_H_INCLUDED_ */
