
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_clock.h"
#include "ngx_sendkit_auth_flight.h"


/* PTTL of a key that does not expire; of one that is not there it is -2 */
#define NGX_SENDKIT_AUTH_NO_TTL  (-1)


/* what a worker keeps of them */

typedef struct {
    const ngx_sendkit_auth_lookup_conf_t  *conf;
    ngx_pool_t                            *pool;
    ngx_sendkit_auth_redis_t              *redis;
    ngx_sendkit_auth_redis_watcher_t       watcher;
    ngx_uint_t                             nwaiting;
    ngx_rbtree_t                           shared;
    ngx_rbtree_node_t                      sentinel;
    ngx_queue_t                            free;
} ngx_sendkit_auth_flights_t;


static void ngx_sendkit_auth_flights_changed(void *data);
static ngx_sendkit_auth_flight_t *ngx_sendkit_auth_flight_find(
    const ngx_sendkit_auth_subject_t *subject, uint32_t hash);
static ngx_uint_t ngx_sendkit_auth_flight_is_full(void);
static void ngx_sendkit_auth_flight_join(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_waiter_t *waiter, ngx_msec_t timeout);
static ngx_int_t ngx_sendkit_auth_flight_failed(
    ngx_sendkit_auth_waiter_t *waiter, sendkit_store_e store);

static ngx_uint_t ngx_sendkit_auth_flight_is_outdated(
    const ngx_sendkit_auth_flight_t *flight);
static void ngx_sendkit_auth_flight_unshare(ngx_sendkit_auth_flight_t *flight);

static void ngx_sendkit_auth_flight_handler(ngx_event_t *ev);
static ngx_int_t ngx_sendkit_auth_flight_reply(void *data,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_flight_ttl(void *data,
    sendkit_store_e store, const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_flight_done(ngx_sendkit_auth_flight_t *flight,
    sendkit_store_e store);
static void ngx_sendkit_auth_flight_keep(ngx_sendkit_auth_flight_t *flight);
static void ngx_sendkit_auth_flight_free(ngx_sendkit_auth_flight_t *flight);

static void ngx_sendkit_auth_waiter_timer_handler(ngx_event_t *ev);
static void ngx_sendkit_auth_waiter_done(ngx_sendkit_auth_waiter_t *waiter);


/* the worker's own; set once, before its first request */

static ngx_sendkit_auth_flights_t  *ngx_sendkit_auth_flights;


ngx_int_t
ngx_sendkit_auth_flights_init(ngx_pool_t *pool,
    const ngx_sendkit_auth_lookup_conf_t *conf, ngx_log_t *log)
{
    ngx_sendkit_auth_flights_t  *flights;

    flights = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_flights_t));
    if (flights == NULL) {
        return NGX_ERROR;
    }

    flights->redis = ngx_sendkit_auth_redis_create(pool, &conf->redis, log);
    if (flights->redis == NULL) {
        return NGX_ERROR;
    }

    flights->conf = conf;
    flights->pool = pool;

    flights->watcher.handler = ngx_sendkit_auth_flights_changed;
    flights->watcher.data = flights;

    ngx_sendkit_auth_redis_watch(flights->redis, &flights->watcher);

    ngx_queue_init(&flights->free);
    ngx_rbtree_init(&flights->shared, &flights->sentinel,
                    ngx_str_rbtree_insert_value);

    ngx_sendkit_auth_flights = flights;

    return NGX_OK;
}


void
ngx_sendkit_auth_flights_cleanup(void)
{
    ngx_sendkit_auth_redis_close(ngx_sendkit_auth_flights->redis);

    ngx_sendkit_auth_flights = NULL;
}


ngx_sendkit_auth_redis_t *
ngx_sendkit_auth_flights_redis(void)
{
    return ngx_sendkit_auth_flights->redis;
}


/* those who had the keys before may not have told what they lost */

static void
ngx_sendkit_auth_flights_changed(void *data)
{
    ngx_sendkit_auth_flights_t *flights = data;

    if (flights->conf->cache != NULL) {
        ngx_sendkit_auth_cache_flush(flights->conf->cache);
    }
}


ngx_sendkit_auth_flight_t *
ngx_sendkit_auth_flight_create(void)
{
    ngx_queue_t                 *q;
    ngx_sendkit_auth_flight_t   *flight;
    ngx_sendkit_auth_flights_t  *flights;

    flights = ngx_sendkit_auth_flights;

    if (ngx_queue_empty(&flights->free)) {
        flight = ngx_palloc(flights->pool, sizeof(ngx_sendkit_auth_flight_t));
        if (flight == NULL) {
            return NULL;
        }

    } else {
        q = ngx_queue_head(&flights->free);
        ngx_queue_remove(q);
        flight = ngx_queue_data(q, ngx_sendkit_auth_flight_t, queue);
    }

    ngx_memzero(flight, sizeof(ngx_sendkit_auth_flight_t));

    flight->conf = flights->conf;

    ngx_queue_init(&flight->waiters);

    flight->event.handler = ngx_sendkit_auth_flight_handler;
    flight->event.data = flight;
    flight->event.log = ngx_cycle->log;

    return flight;
}


ngx_int_t
ngx_sendkit_auth_flight_start(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_step_pt step, ngx_sendkit_auth_waiter_t *waiter,
    ngx_msec_t timeout)
{
    ngx_int_t        rc;
    sendkit_store_e  store;

    if (ngx_sendkit_auth_flight_is_full()) {
        ngx_sendkit_auth_flight_free(flight);
        return ngx_sendkit_auth_flight_failed(waiter, SENDKIT_STORE_OVERLOAD);
    }

    flight->first = step;
    flight->step = step;

    rc = step(flight);

    if (rc != NGX_AGAIN) {
        store = flight->result.store;
        ngx_sendkit_auth_flight_free(flight);
        return ngx_sendkit_auth_flight_failed(waiter, store);
    }

    ngx_sendkit_auth_flight_join(flight, waiter, timeout);

    return NGX_AGAIN;
}


ngx_int_t
ngx_sendkit_auth_flight_share(const ngx_sendkit_auth_subject_t *subject,
    ngx_sendkit_auth_step_pt step, ngx_sendkit_auth_waiter_t *waiter,
    ngx_msec_t timeout)
{
    uint32_t                    hash;
    ngx_sendkit_auth_flight_t  *flight;

    hash = ngx_murmur_hash2((u_char *) subject,
                            sizeof(ngx_sendkit_auth_subject_t));

    flight = ngx_sendkit_auth_flight_find(subject, hash);

    if (flight != NULL && ngx_sendkit_auth_flight_is_outdated(flight)) {
        ngx_sendkit_auth_flight_unshare(flight);
        flight = NULL;
    }

    if (flight != NULL) {

        if (ngx_sendkit_auth_flight_is_full()) {
            return ngx_sendkit_auth_flight_failed(waiter,
                                                  SENDKIT_STORE_OVERLOAD);
        }

        ngx_sendkit_auth_flight_join(flight, waiter, timeout);
        return NGX_AGAIN;
    }

    flight = ngx_sendkit_auth_flight_create();
    if (flight == NULL) {
        return ngx_sendkit_auth_flight_failed(waiter, SENDKIT_STORE_OVERLOAD);
    }

    flight->subject = *subject;
    flight->shared = 1;

    flight->node.node.key = hash;
    flight->node.str.data = (u_char *) &flight->subject;
    flight->node.str.len = sizeof(ngx_sendkit_auth_subject_t);

    ngx_rbtree_insert(&ngx_sendkit_auth_flights->shared, &flight->node.node);

    return ngx_sendkit_auth_flight_start(flight, step, waiter, timeout);
}


static ngx_sendkit_auth_flight_t *
ngx_sendkit_auth_flight_find(const ngx_sendkit_auth_subject_t *subject,
    uint32_t hash)
{
    ngx_str_t  name;

    name.data = (u_char *) subject;
    name.len = sizeof(ngx_sendkit_auth_subject_t);

    return (ngx_sendkit_auth_flight_t *)
               ngx_str_rbtree_lookup(&ngx_sendkit_auth_flights->shared, &name,
                                     hash);
}


/* something has changed in Redis, maybe after it was read */

static ngx_uint_t
ngx_sendkit_auth_flight_is_outdated(const ngx_sendkit_auth_flight_t *flight)
{
    return flight->conf->cache != NULL
           && !ngx_sendkit_auth_cache_is_current(flight->conf->cache,
                                                 &flight->fill);
}


static ngx_uint_t
ngx_sendkit_auth_flight_is_full(void)
{
    return ngx_sendkit_auth_flights->nwaiting
           >= ngx_sendkit_auth_flights->conf->max_waiting;
}


static void
ngx_sendkit_auth_flight_join(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_waiter_t *waiter, ngx_msec_t timeout)
{
    waiter->timer.handler = ngx_sendkit_auth_waiter_timer_handler;
    waiter->timer.data = waiter;
    waiter->timer.log = waiter->log;
    waiter->waiting = 1;

    ngx_sendkit_auth_flights->nwaiting++;

    ngx_queue_insert_tail(&flight->waiters, &waiter->queue);
    ngx_add_timer(&waiter->timer, timeout);
}


static ngx_int_t
ngx_sendkit_auth_flight_failed(ngx_sendkit_auth_waiter_t *waiter,
    sendkit_store_e store)
{
    waiter->result.store = store;

    return NGX_ERROR;
}


void
ngx_sendkit_auth_flight_step(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_step_pt step)
{
    flight->step = step;

    ngx_post_event(&flight->event, &ngx_posted_events);
}


static void
ngx_sendkit_auth_flight_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_flight_t  *flight;

    flight = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0, "sendkit auth flight");

    if (flight->step(flight) != NGX_AGAIN) {
        ngx_sendkit_auth_flight_done(flight, flight->result.store);
    }
}


sendkit_span_t
ngx_sendkit_auth_flight_name(u_char *buf, sendkit_schema_e kind,
    sendkit_span_t id, sendkit_span_t user)
{
    sendkit_span_t  prefix;

    prefix.data = ngx_sendkit_auth_flights->conf->prefix.data;
    prefix.len = ngx_sendkit_auth_flights->conf->prefix.len;

    return sendkit_schema_name(buf, prefix, kind, id, user);
}


sendkit_span_t
ngx_sendkit_auth_subject_name(u_char *buf, sendkit_schema_e kind,
    const ngx_sendkit_auth_subject_t *subject)
{
    u_char          hex[SENDKIT_DIGEST_HEX_LEN];
    sendkit_span_t  id, user = { NULL, 0 };

    if (kind == SENDKIT_SCHEMA_KEY || kind == SENDKIT_SCHEMA_NO_KEY) {
        sendkit_digest_hex(&subject->digest, hex);

        id.data = hex;
        id.len = SENDKIT_DIGEST_HEX_LEN;

    } else {
        id = sendkit_id_span(&subject->workspace);
    }

    if (kind == SENDKIT_SCHEMA_NO_ROLE) {
        user = sendkit_id_span(&subject->user);
    }

    return ngx_sendkit_auth_flight_name(buf, kind, id, user);
}


ngx_int_t
ngx_sendkit_auth_flight_send(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_query_t *query,
    ngx_sendkit_auth_learn_pt learn)
{
    ngx_int_t  rc;

    flight->learn = learn;

    rc = ngx_sendkit_auth_redis_send(ngx_sendkit_auth_flights->redis, query,
                                     ngx_sendkit_auth_flight_reply, flight);
    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    flight->result.store = rc == NGX_DECLINED ? SENDKIT_STORE_DOWN
                                              : SENDKIT_STORE_OVERLOAD;
    return NGX_ERROR;
}


void
ngx_sendkit_auth_flight_begin(ngx_sendkit_auth_flight_t *flight)
{
    flight->keep = NULL;
    ngx_memzero(&flight->result, sizeof(ngx_sendkit_auth_result_t));

    flight->servers = ngx_sendkit_auth_redis_masters_id(
               ngx_sendkit_auth_redis_masters(ngx_sendkit_auth_flights->redis));

    if (flight->conf->cache != NULL) {
        ngx_sendkit_auth_cache_start(flight->conf->cache,
                                     ngx_sendkit_auth_clock(), &flight->fill);
    }
}


ngx_int_t
ngx_sendkit_auth_flight_read(ngx_sendkit_auth_flight_t *flight,
    const sendkit_span_t *words, ngx_uint_t nwords,
    ngx_sendkit_auth_learn_pt learn)
{
    sendkit_span_t                  command[2];
    ngx_sendkit_auth_redis_query_t  query;
    static sendkit_span_t           pttl = SENDKIT_SPAN("PTTL");

    flight->absent = 0;

    if (flight->conf->cache != NULL) {
        ngx_sendkit_auth_cache_watch(flight->conf->cache, &flight->fill,
                                     words[1]);
    }

    query.words = words;
    query.nwords = nwords;
    query.key = words[1];
    query.reads = 1;

    if (ngx_sendkit_auth_flight_send(flight, &query, learn) != NGX_AGAIN) {
        return NGX_ERROR;
    }

    if (!flight->fill.usable) {
        return NGX_AGAIN;
    }

    command[0] = pttl;
    command[1] = words[1];

    /* not again, if it is lost: that might be to another server */

    query.words = command;
    query.nwords = 2;
    query.reads = 0;

    if (ngx_sendkit_auth_redis_send(ngx_sendkit_auth_flights->redis, &query,
                                    ngx_sendkit_auth_flight_ttl, flight)
        == NGX_AGAIN)
    {
        flight->ttls++;

    } else {
        flight->fill.usable = 0;
    }

    return NGX_AGAIN;
}


static ngx_int_t
ngx_sendkit_auth_flight_reply(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_int_t                   rc;
    ngx_sendkit_auth_flight_t  *flight;

    flight = data;

    if (!flight->eval && reply != NULL
        && ngx_sendkit_auth_redis_is_error(reply, "NOSCRIPT "))
    {
        flight->eval = 1;
        ngx_sendkit_auth_flight_step(flight, flight->step);
        return NGX_OK;
    }

    if (store != SENDKIT_STORE_OK) {
        ngx_sendkit_auth_flight_done(flight, store);
        return NGX_OK;
    }

    flight->eval = 0;

    rc = flight->learn(flight, reply);

    if (rc != NGX_AGAIN) {
        ngx_sendkit_auth_flight_done(flight, rc == NGX_OK
                                             ? SENDKIT_STORE_OK
                                             : SENDKIT_STORE_ERROR);
    }

    return rc == NGX_ERROR ? NGX_ERROR : NGX_OK;
}


/* a key that is not there has none: what was found of it is gone meanwhile */

static ngx_int_t
ngx_sendkit_auth_flight_ttl(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_sendkit_auth_flight_t *flight = data;

    ngx_int_t  rc = NGX_OK;

    if (store != SENDKIT_STORE_OK) {
        flight->fill.usable = 0;

    } else if (reply->type != NGX_SENDKIT_AUTH_REDIS_INTEGER) {

        /* nor can then be what came before it */

        flight->fill.usable = 0;
        flight->result.store = SENDKIT_STORE_ERROR;
        rc = NGX_ERROR;

    } else if (reply->integer >= 0) {
        flight->fill.life = ngx_min(flight->fill.life,
                                    (uint64_t) reply->integer);

    } else if (reply->integer != NGX_SENDKIT_AUTH_NO_TTL) {
        flight->absent = 1;
    }

    flight->ttls--;

    if (flight->landed) {
        ngx_sendkit_auth_flight_done(flight, flight->result.store);
    }

    return rc;
}


/* gives the result to all who wait */

static void
ngx_sendkit_auth_flight_done(ngx_sendkit_auth_flight_t *flight,
    sendkit_store_e store)
{
    ngx_queue_t                *q;
    ngx_sendkit_auth_waiter_t  *waiter;

    flight->result.store = store;

    if (flight->ttls != 0) {
        flight->landed = 1;
        return;
    }

    ngx_sendkit_auth_flight_keep(flight);

    while (!ngx_queue_empty(&flight->waiters)) {
        q = ngx_queue_head(&flight->waiters);
        waiter = ngx_queue_data(q, ngx_sendkit_auth_waiter_t, queue);

        waiter->result = flight->result;
        ngx_sendkit_auth_waiter_done(waiter);
    }

    ngx_sendkit_auth_flight_free(flight);
}


/* only what was read from those servers that tell of changes */

static void
ngx_sendkit_auth_flight_keep(ngx_sendkit_auth_flight_t *flight)
{
    uint32_t                   servers;
    ngx_sendkit_auth_cache_t  *cache;

    cache = flight->conf->cache;

    if (cache == NULL || flight->keep == NULL
        || flight->result.store != SENDKIT_STORE_OK)
    {
        return;
    }

    servers = ngx_sendkit_auth_redis_masters_id(
               ngx_sendkit_auth_redis_masters(ngx_sendkit_auth_flights->redis));

    if (flight->servers == servers
        && ngx_sendkit_auth_cache_servers(cache) == servers)
    {
        flight->keep(flight);
    }
}


static void
ngx_sendkit_auth_flight_free(ngx_sendkit_auth_flight_t *flight)
{
    ngx_sendkit_auth_flight_unshare(flight);

    ngx_queue_insert_head(&ngx_sendkit_auth_flights->free, &flight->queue);
}


static void
ngx_sendkit_auth_flight_unshare(ngx_sendkit_auth_flight_t *flight)
{
    if (flight->shared) {
        flight->shared = 0;
        ngx_rbtree_delete(&ngx_sendkit_auth_flights->shared,
                          &flight->node.node);
    }
}


void
ngx_sendkit_auth_waiter_cancel(ngx_sendkit_auth_waiter_t *waiter)
{
    ngx_sendkit_auth_flight_t  *flight;

    if (waiter->waiting) {
        waiter->waiting = 0;
        ngx_sendkit_auth_flights->nwaiting--;

        ngx_queue_remove(&waiter->queue);
        ngx_del_timer(&waiter->timer);
    }

    flight = ngx_sendkit_auth_flight_asked(waiter);

    if (flight != NULL) {
        ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_flight_ask);
    }
}


/* it may still be the one that asks the origin: others wait for that */

static void
ngx_sendkit_auth_waiter_timer_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_waiter_t  *waiter;

    waiter = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "sendkit auth lookup timed out");

    ngx_memzero(&waiter->result, sizeof(ngx_sendkit_auth_result_t));
    waiter->result.store = SENDKIT_STORE_TIMEOUT;

    ngx_sendkit_auth_waiter_done(waiter);
}


static void
ngx_sendkit_auth_waiter_done(ngx_sendkit_auth_waiter_t *waiter)
{
    waiter->waiting = 0;
    ngx_sendkit_auth_flights->nwaiting--;

    ngx_queue_remove(&waiter->queue);

    if (waiter->timer.timer_set) {
        ngx_del_timer(&waiter->timer);
    }

    waiter->handler(waiter->data);
}
