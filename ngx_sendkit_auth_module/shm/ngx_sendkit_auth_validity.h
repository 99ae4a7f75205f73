
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_VALIDITY_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_VALIDITY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "../core/sendkit_span.h"
#include "ngx_sendkit_auth_counters.h"


/*
 * Whether what is in the cache is still true: what has changed, and whether
 * that is known.  Times are as in ngx_sendkit_auth_cache.h.
 */

typedef struct ngx_sendkit_auth_cache_s  ngx_sendkit_auth_cache_t;


typedef struct {
    uint64_t                      ttl;
    uint64_t                      negative_ttl;
    uint64_t                      lease;
} ngx_sendkit_auth_cache_conf_t;


/* how it is learnt that something has changed in Redis */

typedef enum {
    NGX_SENDKIT_AUTH_CHANNEL_DOWN = 0,      /* not at all: do not ask me */
    NGX_SENDKIT_AUTH_CHANNEL_UP,            /* it is told, in time */
    NGX_SENDKIT_AUTH_CHANNEL_UNSUPPORTED    /* never: entries live out */
} ngx_sendkit_auth_channel_e;


/* Something has changed under that name in Redis, or anything may have. */

void ngx_sendkit_auth_cache_invalidate(ngx_sendkit_auth_cache_t *cache,
    sendkit_span_t name);
void ngx_sendkit_auth_cache_flush(ngx_sendkit_auth_cache_t *cache);

/*
 * The channel: it was alive at some time, and so what was invalidated before
 * is known; it is lost; there is none on these servers, which returns 1 if
 * that is new.  servers: a number that tells the addresses it leads to from
 * others.
 */

void ngx_sendkit_auth_cache_renew(ngx_sendkit_auth_cache_t *cache,
    uint64_t alive, uint32_t servers);
void ngx_sendkit_auth_cache_lose(ngx_sendkit_auth_cache_t *cache);
ngx_uint_t ngx_sendkit_auth_cache_no_channel(ngx_sendkit_auth_cache_t *cache,
    uint32_t servers);

ngx_sendkit_auth_channel_e ngx_sendkit_auth_cache_channel(
    const ngx_sendkit_auth_cache_t *cache, uint64_t now);

/*
 * Since when whoever has come last is told what changes; 0 if that one has left
 * again, or there was none.  Leaving returns 1 if nobody has come later.
 */

void ngx_sendkit_auth_cache_subscribe(ngx_sendkit_auth_cache_t *cache,
    uint64_t since);
ngx_uint_t ngx_sendkit_auth_cache_unsubscribe(ngx_sendkit_auth_cache_t *cache,
    uint64_t since);
uint64_t ngx_sendkit_auth_cache_subscribed(
    const ngx_sendkit_auth_cache_t *cache);

/* when it was alive last; 0: it is lost, or there was none yet */

uint64_t ngx_sendkit_auth_cache_alive(const ngx_sendkit_auth_cache_t *cache);

/* the servers it leads to */

uint32_t ngx_sendkit_auth_cache_servers(
    const ngx_sendkit_auth_cache_t *cache);

void ngx_sendkit_auth_cache_count(ngx_sendkit_auth_cache_t *cache,
    ngx_sendkit_auth_counter_e what);
uint64_t ngx_sendkit_auth_cache_counter(
    const ngx_sendkit_auth_cache_t *cache, ngx_sendkit_auth_counter_e what);

/* for the cache: */

/*
 * The sum of the epoch and of what is counted for two slots.  All these only
 * ever grow, so it is what it was only if each of them is: nothing was
 * flushed, and no name of the two slots was invalidated.
 */

uint32_t ngx_sendkit_auth_cache_generation(
    const ngx_sendkit_auth_cache_t *cache, const uint16_t *slots);

/* of a name; slot 0 belongs to none */

uint16_t ngx_sendkit_auth_cache_slot(const ngx_sendkit_auth_cache_t *cache,
    sendkit_span_t name);


#endif /* _NGX_SENDKIT_AUTH_VALIDITY_H_INCLUDED_ */
