
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "core/sendkit_backoff.h"
#include "ngx_sendkit_auth_clock.h"
#include "ngx_sendkit_auth_invalidation.h"
#include "redis/ngx_sendkit_auth_redis_channels.h"


#define NGX_SENDKIT_AUTH_PINGS_A_LEASE      3
#define NGX_SENDKIT_AUTH_TRUST_RETRY        50      /* ms */
#define NGX_SENDKIT_AUTH_PING_RETRY         500     /* ms */
#define NGX_SENDKIT_AUTH_NO_TRACKING_RETRY  60000   /* ms */


typedef enum {
    NGX_SENDKIT_AUTH_SUBSCRIBER_CLOSED = 0,
    NGX_SENDKIT_AUTH_SUBSCRIBER_SUBSCRIBED,
    NGX_SENDKIT_AUTH_SUBSCRIBER_TRUSTED     /* nothing was missed */
} ngx_sendkit_auth_subscriber_state_e;


typedef struct {
    const ngx_sendkit_auth_lookup_conf_t  *conf;
    ngx_sendkit_auth_cache_t              *cache;
    ngx_sendkit_auth_channels_t            *channels;
    ngx_event_t                            timer;
    ngx_log_t                             *log;
    sendkit_span_t                         prefixes
                                          [NGX_SENDKIT_AUTH_CHANNEL_PREFIXES];

    ngx_sendkit_auth_subscriber_state_e    state;
    ngx_uint_t                             failures;    /* in a row */
    uint64_t                               since;       /* subscribed */
    uint64_t                               pinged;      /* last */
    ngx_uint_t                             pinging;
} ngx_sendkit_auth_subscriber_t;


static ngx_int_t ngx_sendkit_auth_subscriber_prefixes(ngx_pool_t *pool,
    ngx_sendkit_auth_subscriber_t *subscriber);
static void ngx_sendkit_auth_subscriber_handler(ngx_event_t *ev);
static void ngx_sendkit_auth_subscriber_ping(
    ngx_sendkit_auth_subscriber_t *subscriber);

static void ngx_sendkit_auth_subscribed(void *data);
static void ngx_sendkit_auth_invalidated(void *data, sendkit_span_t name);
static void ngx_sendkit_auth_flushed(void *data);
static void ngx_sendkit_auth_pong(void *data);
static void ngx_sendkit_auth_unanswered(void *data);
static ngx_uint_t ngx_sendkit_auth_subscriber_trust(
    ngx_sendkit_auth_subscriber_t *subscriber);
static ngx_int_t ngx_sendkit_auth_exiting(void *data);
static void ngx_sendkit_auth_subscriber_leave(
    ngx_sendkit_auth_subscriber_t *subscriber);
static void ngx_sendkit_auth_lost(void *data, ngx_sendkit_auth_lost_e why);
static void ngx_sendkit_auth_subscriber_no_tracking(
    ngx_sendkit_auth_subscriber_t *subscriber);


/* what is read, and may be kept in the cache */

static const sendkit_schema_e  ngx_sendkit_auth_tracked[] = {
    SENDKIT_SCHEMA_KEY,
    SENDKIT_SCHEMA_ROLES,
    SENDKIT_SCHEMA_NO_KEY,
    SENDKIT_SCHEMA_NO_ROLE
};


static const ngx_sendkit_auth_channel_handlers_t  ngx_sendkit_auth_told = {
    ngx_sendkit_auth_subscribed,
    ngx_sendkit_auth_invalidated,
    ngx_sendkit_auth_flushed,
    ngx_sendkit_auth_pong,
    ngx_sendkit_auth_unanswered,
    ngx_sendkit_auth_exiting,
    ngx_sendkit_auth_lost
};


/* the worker's own; set once, before its first request */

static ngx_sendkit_auth_subscriber_t  *ngx_sendkit_auth_subscriber;


ngx_int_t
ngx_sendkit_auth_invalidation_init(ngx_pool_t *pool,
    const ngx_sendkit_auth_lookup_conf_t *conf, ngx_log_t *log)
{
    ngx_sendkit_auth_subscriber_t  *subscriber;

    if (conf->cache == NULL || ngx_worker != 0) {
        return NGX_OK;
    }

    subscriber = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_subscriber_t));
    if (subscriber == NULL) {
        return NGX_ERROR;
    }

    subscriber->conf = conf;
    subscriber->cache = conf->cache;
    subscriber->log = log;

    if (ngx_sendkit_auth_subscriber_prefixes(pool, subscriber) != NGX_OK) {
        return NGX_ERROR;
    }

    subscriber->channels = ngx_sendkit_auth_channels_create(pool, &conf->redis,
                                             ngx_sendkit_auth_flights_redis(),
                                             subscriber->prefixes,
                                             &ngx_sendkit_auth_told,
                                             subscriber, log);
    if (subscriber->channels == NULL) {
        return NGX_ERROR;
    }

    subscriber->timer.handler = ngx_sendkit_auth_subscriber_handler;
    subscriber->timer.data = subscriber;
    subscriber->timer.log = log;
    subscriber->timer.cancelable = 1;

    ngx_add_timer(&subscriber->timer, 1);

    ngx_sendkit_auth_subscriber = subscriber;

    return NGX_OK;
}


void
ngx_sendkit_auth_invalidation_cleanup(void)
{
    ngx_sendkit_auth_subscriber_t  *subscriber;

    subscriber = ngx_sendkit_auth_subscriber;

    if (subscriber == NULL) {
        return;
    }

    ngx_sendkit_auth_subscriber = NULL;

    if (subscriber->timer.timer_set) {
        ngx_del_timer(&subscriber->timer);
    }

    ngx_sendkit_auth_channels_close(subscriber->channels);
}


static ngx_int_t
ngx_sendkit_auth_subscriber_prefixes(ngx_pool_t *pool,
    ngx_sendkit_auth_subscriber_t *subscriber)
{
    u_char          *buf;
    ngx_uint_t       i;
    sendkit_span_t   none = { NULL, 0 };

    for (i = 0; i < NGX_SENDKIT_AUTH_CHANNEL_PREFIXES; i++) {

        buf = ngx_pnalloc(pool, SENDKIT_SCHEMA_NAME_MAX);
        if (buf == NULL) {
            return NGX_ERROR;
        }

        subscriber->prefixes[i] = ngx_sendkit_auth_flight_name(buf,
                                                 ngx_sendkit_auth_tracked[i],
                                                 none, none);
    }

    return NGX_OK;
}


/* time to connect, or to send a PING */

static void
ngx_sendkit_auth_subscriber_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_subscriber_t *subscriber = ev->data;

    ngx_int_t  rc;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "sendkit auth subscriber");

    if (ngx_exiting) {
        return;
    }

    if (subscriber->state != NGX_SENDKIT_AUTH_SUBSCRIBER_CLOSED) {
        ngx_sendkit_auth_subscriber_ping(subscriber);
        return;
    }

    rc = ngx_sendkit_auth_channels_open(subscriber->channels);

    if (rc == NGX_DECLINED) {
        ngx_add_timer(&subscriber->timer, NGX_SENDKIT_AUTH_TRUST_RETRY);

    } else if (rc != NGX_OK) {
        ngx_sendkit_auth_lost(subscriber, NGX_SENDKIT_AUTH_CHANNEL_FAILED);
    }
}


static void
ngx_sendkit_auth_subscriber_ping(ngx_sendkit_auth_subscriber_t *subscriber)
{
    subscriber->pinging = 1;
    subscriber->pinged = ngx_sendkit_auth_clock();

    ngx_sendkit_auth_channels_ping(subscriber->channels,
                                  ngx_exiting
                                  ? subscriber->conf->redis.read_timeout
                                  : subscriber->conf->lease);
}


static void
ngx_sendkit_auth_subscribed(void *data)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    subscriber->state = NGX_SENDKIT_AUTH_SUBSCRIBER_SUBSCRIBED;
    subscriber->since = ngx_sendkit_auth_clock();

    ngx_sendkit_auth_cache_subscribe(subscriber->cache, subscriber->since);
    ngx_sendkit_auth_subscriber_ping(subscriber);
}


/* what is no name of ours was not told by Redis: it is taken for anything */

static void
ngx_sendkit_auth_invalidated(void *data, sendkit_span_t name)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    ngx_uint_t             i;
    const sendkit_span_t  *prefix;

    for (i = 0; i < NGX_SENDKIT_AUTH_CHANNEL_PREFIXES; i++) {
        prefix = &subscriber->prefixes[i];

        if (name.len > prefix->len
            && ngx_memcmp(name.data, prefix->data, prefix->len) == 0)
        {
            ngx_sendkit_auth_cache_invalidate(subscriber->cache, name);
            return;
        }
    }

    ngx_sendkit_auth_cache_flush(subscriber->cache);
}


static void
ngx_sendkit_auth_flushed(void *data)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    ngx_sendkit_auth_cache_flush(subscriber->cache);
}


/* what the server had to tell when the PING was sent is in the cache */

static void
ngx_sendkit_auth_pong(void *data)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    ngx_msec_t  next;

    subscriber->pinging = 0;

    if (ngx_exiting) {
        ngx_sendkit_auth_subscriber_leave(subscriber);
        return;
    }

    next = NGX_SENDKIT_AUTH_TRUST_RETRY;

    if (ngx_sendkit_auth_subscriber_trust(subscriber)) {
        next = subscriber->conf->lease / NGX_SENDKIT_AUTH_PINGS_A_LEASE;
        subscriber->failures = 0;

        ngx_sendkit_auth_cache_renew(subscriber->cache, subscriber->pinged,
                             ngx_sendkit_auth_channels_servers(
                                                       subscriber->channels));
    }

    ngx_add_timer(&subscriber->timer, next);
}


static void
ngx_sendkit_auth_unanswered(void *data)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    subscriber->pinging = 0;

    ngx_add_timer(&subscriber->timer,
                  ngx_min(subscriber->conf->lease
                          / NGX_SENDKIT_AUTH_PINGS_A_LEASE,
                          NGX_SENDKIT_AUTH_PING_RETRY));
}


/*
 * A new subscriber may have missed what was told before.  Nothing is missed
 * if another one, that of the worker before a reload, was still alive when
 * this one was subscribed.  Otherwise all is forgotten, but not before the
 * trust in the one before has ended: until then it cannot be told.
 */

static ngx_uint_t
ngx_sendkit_auth_subscriber_trust(ngx_sendkit_auth_subscriber_t *subscriber)
{
    uint64_t                   alive;
    ngx_sendkit_auth_cache_t  *cache;

    if (subscriber->state == NGX_SENDKIT_AUTH_SUBSCRIBER_TRUSTED) {
        return 1;
    }

    cache = subscriber->cache;
    alive = ngx_sendkit_auth_cache_alive(cache);

    if (ngx_sendkit_auth_cache_channel(cache, ngx_sendkit_auth_clock())
        != NGX_SENDKIT_AUTH_CHANNEL_UP)
    {
        ngx_sendkit_auth_cache_flush(cache);

        ngx_log_error(NGX_LOG_NOTICE, subscriber->log, 0,
                      "sendkit auth is told by redis what changes, "
                      "cache is used");

    } else if (alive <= subscriber->since
               || ngx_sendkit_auth_cache_servers(cache)
                  != ngx_sendkit_auth_channels_servers(subscriber->channels))
    {
        return 0;
    }

    subscriber->state = NGX_SENDKIT_AUTH_SUBSCRIBER_TRUSTED;

    return 1;
}


static ngx_int_t
ngx_sendkit_auth_exiting(void *data)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    if (subscriber->pinging
        || !ngx_sendkit_auth_subscriber_trust(subscriber))
    {
        return NGX_OK;
    }

    ngx_sendkit_auth_subscriber_ping(subscriber);

    return NGX_AGAIN;
}


/*
 * Says up to when it was alive, for the next one to go on from there.  If that
 * one is not told yet what changes, nobody will be for a while.
 */

static void
ngx_sendkit_auth_subscriber_leave(ngx_sendkit_auth_subscriber_t *subscriber)
{
    ngx_sendkit_auth_cache_t *cache = subscriber->cache;

    if (ngx_sendkit_auth_cache_unsubscribe(cache, subscriber->since)) {
        ngx_sendkit_auth_cache_lose(cache);

    } else if (ngx_sendkit_auth_cache_subscribed(cache)
               >= subscriber->pinged)
    {
        ngx_sendkit_auth_subscriber_ping(subscriber);

    } else {
        ngx_sendkit_auth_cache_renew(cache, subscriber->pinged,
                      ngx_sendkit_auth_channels_servers(subscriber->channels));
    }
}


static void
ngx_sendkit_auth_lost(void *data, ngx_sendkit_auth_lost_e why)
{
    ngx_sendkit_auth_subscriber_t *subscriber = data;

    ngx_sendkit_auth_subscriber_state_e  state;

    state = subscriber->state;

    subscriber->state = NGX_SENDKIT_AUTH_SUBSCRIBER_CLOSED;
    subscriber->pinging = 0;

    if (subscriber->timer.timer_set) {
        ngx_del_timer(&subscriber->timer);
    }

    /* another one may have left in the belief that this one is there */

    if (state != NGX_SENDKIT_AUTH_SUBSCRIBER_CLOSED
        && ngx_sendkit_auth_cache_unsubscribe(subscriber->cache,
                                              subscriber->since))
    {
        ngx_sendkit_auth_cache_lose(subscriber->cache);
    }

    if (ngx_exiting) {
        return;
    }

    if (why == NGX_SENDKIT_AUTH_CHANNEL_NO_TRACKING) {
        ngx_sendkit_auth_subscriber_no_tracking(subscriber);
        return;
    }

    /* one that was not trusted yet may not speak for others */

    if (state == NGX_SENDKIT_AUTH_SUBSCRIBER_TRUSTED
        || ngx_sendkit_auth_cache_channel(subscriber->cache,
                                          ngx_sendkit_auth_clock())
           == NGX_SENDKIT_AUTH_CHANNEL_UNSUPPORTED)
    {
        ngx_sendkit_auth_cache_lose(subscriber->cache);

        ngx_log_error(NGX_LOG_WARN, subscriber->log, 0,
                      "sendkit auth is not told any more by redis what "
                      "changes, cache is not used");
    }

    subscriber->failures++;

    ngx_add_timer(&subscriber->timer,
                  sendkit_backoff_delay(subscriber->failures,
                                        (uint32_t) ngx_random()));
}


static void
ngx_sendkit_auth_subscriber_no_tracking(
    ngx_sendkit_auth_subscriber_t *subscriber)
{
    uint32_t  servers;

    servers = ngx_sendkit_auth_channels_servers(subscriber->channels);

    if (ngx_sendkit_auth_cache_no_channel(subscriber->cache, servers)) {
        ngx_log_error(NGX_LOG_WARN, subscriber->log, 0,
                      "redis has no CLIENT TRACKING, sendkit auth may use "
                      "what it said for %M ms", subscriber->conf->cache_ttl);
    }

    ngx_add_timer(&subscriber->timer, NGX_SENDKIT_AUTH_NO_TRACKING_RETRY);
}
