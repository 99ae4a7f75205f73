
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_lookup.h"


#define NGX_SENDKIT_AUTH_KEY_RECORD  "key:"
#define NGX_SENDKIT_AUTH_KEY_ROLES   "roles:"

/* the longest: prefix, "roles:", a workspace, a separator, a user */
#define NGX_SENDKIT_AUTH_NAME_MAX                                             \
    (NGX_SENDKIT_AUTH_PREFIX_MAX + sizeof(NGX_SENDKIT_AUTH_KEY_ROLES)         \
     + 2 * SENDKIT_ID_MAX)


/* where a lookup stands that one or more wait for */

struct ngx_sendkit_auth_flight_s {
    ngx_str_node_t                         node;    /* by name */
    ngx_queue_t                            queue;   /* when unused */
    ngx_queue_t                            waiters;
    ngx_uint_t                             is_role;
    size_t                                 key_len; /* of the Redis key */
    u_char                                 name[NGX_SENDKIT_AUTH_NAME_MAX];
};


/* all that a worker keeps */

typedef struct {
    const ngx_sendkit_auth_lookup_conf_t  *conf;
    ngx_pool_t                            *pool;
    ngx_sendkit_auth_redis_t              *redis;
    sendkit_digester_t                     digesters[NGX_SENDKIT_AUTH_PEPPERS];
    ngx_rbtree_t                           flights;
    ngx_rbtree_node_t                      sentinel;
    ngx_queue_t                            free;
} ngx_sendkit_auth_lookup_t;


static ngx_int_t ngx_sendkit_auth_lookup_digesters(
    ngx_sendkit_auth_lookup_t *lookup);
static ngx_int_t ngx_sendkit_auth_lookup_start(
    ngx_sendkit_auth_waiter_t *waiter, ngx_str_t *name, size_t key_len,
    ngx_uint_t is_role, ngx_msec_t timeout);
static ngx_int_t ngx_sendkit_auth_lookup_failed(
    ngx_sendkit_auth_waiter_t *waiter, sendkit_store_e store);

static ngx_sendkit_auth_flight_t *ngx_sendkit_auth_flight_create(
    ngx_str_t *name, uint32_t hash);
static ngx_int_t ngx_sendkit_auth_flight_start(
    ngx_sendkit_auth_flight_t *flight);
static void ngx_sendkit_auth_flight_join(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_waiter_t *waiter, ngx_msec_t timeout);
static ngx_int_t ngx_sendkit_auth_flight_done(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_flight_free(ngx_sendkit_auth_flight_t *flight);

static ngx_int_t ngx_sendkit_auth_result_record(
    ngx_sendkit_auth_result_t *result,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_result_role(
    ngx_sendkit_auth_result_t *result,
    const ngx_sendkit_auth_redis_reply_t *reply);

static void ngx_sendkit_auth_waiter_timer_handler(ngx_event_t *ev);
static void ngx_sendkit_auth_waiter_done(ngx_sendkit_auth_waiter_t *waiter,
    const ngx_sendkit_auth_result_t *result);


static sendkit_span_t  ngx_sendkit_auth_hmget = SENDKIT_SPAN("HMGET");
static sendkit_span_t  ngx_sendkit_auth_hget = SENDKIT_SPAN("HGET");

/* the worker's own; set once, before its first request */

static ngx_sendkit_auth_lookup_t  *ngx_sendkit_auth_lookup;


ngx_int_t
ngx_sendkit_auth_lookup_init(ngx_cycle_t *cycle,
    const ngx_sendkit_auth_lookup_conf_t *conf)
{
    ngx_pool_t                 *pool;
    ngx_sendkit_auth_lookup_t  *lookup;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    lookup = ngx_pcalloc(pool, sizeof(ngx_sendkit_auth_lookup_t));
    if (lookup == NULL) {
        goto failed;
    }

    lookup->conf = conf;
    lookup->pool = pool;

    ngx_queue_init(&lookup->free);
    ngx_rbtree_init(&lookup->flights, &lookup->sentinel,
                    ngx_str_rbtree_insert_value);

    lookup->redis = ngx_sendkit_auth_redis_create(pool, &conf->redis,
                                                  cycle->log);
    if (lookup->redis == NULL) {
        goto failed;
    }

    if (ngx_sendkit_auth_lookup_digesters(lookup) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "OpenSSL provides no SHA-256 or HMAC");
        goto failed;
    }

    ngx_sendkit_auth_lookup = lookup;

    return NGX_OK;

failed:

    ngx_destroy_pool(pool);

    return NGX_ERROR;
}


void
ngx_sendkit_auth_lookup_cleanup(void)
{
    ngx_uint_t                  i;
    ngx_sendkit_auth_lookup_t  *lookup;

    lookup = ngx_sendkit_auth_lookup;

    if (lookup == NULL) {
        return;
    }

    ngx_sendkit_auth_lookup = NULL;

    ngx_sendkit_auth_redis_close(lookup->redis);

    for (i = 0; i < lookup->conf->ndigests; i++) {
        sendkit_digest_cleanup(&lookup->digesters[i]);
    }

    ngx_destroy_pool(lookup->pool);
}


ngx_int_t
ngx_sendkit_auth_lookup_digest(sendkit_span_t key, sendkit_digest_t *digests)
{
    ngx_uint_t                  i;
    ngx_sendkit_auth_lookup_t  *lookup;

    lookup = ngx_sendkit_auth_lookup;

    for (i = 0; i < lookup->conf->ndigests; i++) {
        if (!sendkit_digest_key(&lookup->digesters[i], key, &digests[i])) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_sendkit_auth_lookup_record(ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_digest_t *digest, ngx_msec_t timeout)
{
    u_char      buf[NGX_SENDKIT_AUTH_NAME_MAX], *p;
    ngx_str_t   name;

    p = ngx_cpymem(buf, ngx_sendkit_auth_lookup->conf->prefix.data,
                   ngx_sendkit_auth_lookup->conf->prefix.len);
    p = ngx_cpymem(p, NGX_SENDKIT_AUTH_KEY_RECORD,
                   sizeof(NGX_SENDKIT_AUTH_KEY_RECORD) - 1);

    sendkit_digest_hex(digest, p);
    p += SENDKIT_DIGEST_HEX_LEN;

    name.data = buf;
    name.len = p - buf;

    return ngx_sendkit_auth_lookup_start(waiter, &name, name.len, 0, timeout);
}


ngx_int_t
ngx_sendkit_auth_lookup_role(ngx_sendkit_auth_waiter_t *waiter,
    sendkit_span_t workspace, sendkit_span_t user, ngx_msec_t timeout)
{
    u_char      buf[NGX_SENDKIT_AUTH_NAME_MAX], *p;
    size_t      key_len;
    ngx_str_t   name;

    p = ngx_cpymem(buf, ngx_sendkit_auth_lookup->conf->prefix.data,
                   ngx_sendkit_auth_lookup->conf->prefix.len);
    p = ngx_cpymem(p, NGX_SENDKIT_AUTH_KEY_ROLES,
                   sizeof(NGX_SENDKIT_AUTH_KEY_ROLES) - 1);
    p = ngx_cpymem(p, workspace.data, workspace.len);

    key_len = p - buf;

    /* no id holds a NUL, so that no two names are the same */

    *p++ = '\0';
    p = ngx_cpymem(p, user.data, user.len);

    name.data = buf;
    name.len = p - buf;

    return ngx_sendkit_auth_lookup_start(waiter, &name, key_len, 1, timeout);
}


void
ngx_sendkit_auth_lookup_cancel(ngx_sendkit_auth_waiter_t *waiter)
{
    if (!waiter->waiting) {
        return;
    }

    waiter->waiting = 0;

    ngx_queue_remove(&waiter->queue);
    ngx_del_timer(&waiter->timer);
}


static ngx_int_t
ngx_sendkit_auth_lookup_digesters(ngx_sendkit_auth_lookup_t *lookup)
{
    ngx_uint_t        i;
    sendkit_span_t    pepper;
    const ngx_str_t  *peppers;

    peppers = lookup->conf->peppers;

    for (i = 0; i < lookup->conf->ndigests; i++) {

        pepper.data = peppers[i].data;
        pepper.len = peppers[i].len;

        if (!sendkit_digest_init(&lookup->digesters[i], pepper)) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_lookup_start(ngx_sendkit_auth_waiter_t *waiter,
    ngx_str_t *name, size_t key_len, ngx_uint_t is_role, ngx_msec_t timeout)
{
    uint32_t                    hash;
    ngx_int_t                   rc;
    ngx_sendkit_auth_flight_t  *flight;

    if (timeout == 0) {
        return ngx_sendkit_auth_lookup_failed(waiter, SENDKIT_STORE_TIMEOUT);
    }

    hash = ngx_crc32_short(name->data, name->len);

    flight = (ngx_sendkit_auth_flight_t *)
                 ngx_str_rbtree_lookup(&ngx_sendkit_auth_lookup->flights,
                                       name, hash);

    if (flight == NULL) {

        flight = ngx_sendkit_auth_flight_create(name, hash);
        if (flight == NULL) {
            return ngx_sendkit_auth_lookup_failed(waiter,
                                                  SENDKIT_STORE_OVERLOAD);
        }

        flight->key_len = key_len;
        flight->is_role = is_role;

        rc = ngx_sendkit_auth_flight_start(flight);

        if (rc != NGX_AGAIN) {
            ngx_sendkit_auth_flight_free(flight);
            return ngx_sendkit_auth_lookup_failed(waiter,
                                     rc == NGX_DECLINED
                                     ? SENDKIT_STORE_DOWN
                                     : SENDKIT_STORE_OVERLOAD);
        }
    }

    ngx_sendkit_auth_flight_join(flight, waiter, timeout);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_sendkit_auth_lookup_failed(ngx_sendkit_auth_waiter_t *waiter,
    sendkit_store_e store)
{
    waiter->result.store = store;

    return NGX_ERROR;
}


static ngx_sendkit_auth_flight_t *
ngx_sendkit_auth_flight_create(ngx_str_t *name, uint32_t hash)
{
    ngx_queue_t                *q;
    ngx_sendkit_auth_flight_t  *flight;
    ngx_sendkit_auth_lookup_t  *lookup;

    lookup = ngx_sendkit_auth_lookup;

    if (ngx_queue_empty(&lookup->free)) {
        flight = ngx_palloc(lookup->pool, sizeof(ngx_sendkit_auth_flight_t));
        if (flight == NULL) {
            return NULL;
        }

    } else {
        q = ngx_queue_head(&lookup->free);
        ngx_queue_remove(q);
        flight = ngx_queue_data(q, ngx_sendkit_auth_flight_t, queue);
    }

    ngx_queue_init(&flight->waiters);
    ngx_memcpy(flight->name, name->data, name->len);

    flight->node.node.key = hash;
    flight->node.str.data = flight->name;
    flight->node.str.len = name->len;

    ngx_rbtree_insert(&lookup->flights, &flight->node.node);

    return flight;
}


static ngx_int_t
ngx_sendkit_auth_flight_start(ngx_sendkit_auth_flight_t *flight)
{
    ngx_uint_t      n;
    sendkit_span_t  args[NGX_SENDKIT_AUTH_REDIS_ARGS];

    args[0] = flight->is_role ? ngx_sendkit_auth_hget
                              : ngx_sendkit_auth_hmget;
    args[1].data = flight->name;
    args[1].len = flight->key_len;

    if (flight->is_role) {
        args[2].data = flight->name + flight->key_len + 1;
        args[2].len = flight->node.str.len - flight->key_len - 1;
        n = 3;

    } else {
        ngx_memcpy(&args[2], sendkit_record_fields,
                   sizeof(sendkit_record_fields));
        n = 2 + SENDKIT_RECORD_NFIELDS;
    }

    return ngx_sendkit_auth_redis_send(ngx_sendkit_auth_lookup->redis, args, n,
                                       ngx_sendkit_auth_flight_done, flight);
}


static void
ngx_sendkit_auth_flight_join(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_waiter_t *waiter, ngx_msec_t timeout)
{
    waiter->timer.handler = ngx_sendkit_auth_waiter_timer_handler;
    waiter->timer.data = waiter;
    waiter->timer.log = waiter->log;
    waiter->waiting = 1;

    ngx_queue_insert_tail(&flight->waiters, &waiter->queue);
    ngx_add_timer(&waiter->timer, timeout);
}


static ngx_int_t
ngx_sendkit_auth_flight_done(void *data, sendkit_store_e store,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    ngx_int_t                   rc;
    ngx_queue_t                *q;
    ngx_sendkit_auth_flight_t  *flight;
    ngx_sendkit_auth_result_t   result;
    ngx_sendkit_auth_waiter_t  *waiter;

    flight = data;

    ngx_memzero(&result, sizeof(ngx_sendkit_auth_result_t));
    result.store = store;

    rc = NGX_OK;

    if (store == SENDKIT_STORE_OK) {
        rc = flight->is_role ? ngx_sendkit_auth_result_role(&result, reply)
                             : ngx_sendkit_auth_result_record(&result, reply);
        result.store = rc == NGX_OK ? SENDKIT_STORE_OK : SENDKIT_STORE_ERROR;
    }

    while (!ngx_queue_empty(&flight->waiters)) {
        q = ngx_queue_head(&flight->waiters);
        waiter = ngx_queue_data(q, ngx_sendkit_auth_waiter_t, queue);

        ngx_sendkit_auth_waiter_done(waiter, &result);
    }

    ngx_sendkit_auth_flight_free(flight);

    return rc;
}


static void
ngx_sendkit_auth_flight_free(ngx_sendkit_auth_flight_t *flight)
{
    ngx_rbtree_delete(&ngx_sendkit_auth_lookup->flights, &flight->node.node);
    ngx_queue_insert_head(&ngx_sendkit_auth_lookup->free, &flight->queue);
}


static ngx_int_t
ngx_sendkit_auth_result_record(ngx_sendkit_auth_result_t *result,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    if (reply->type != NGX_SENDKIT_AUTH_REDIS_ARRAY
        || reply->nvalues != SENDKIT_RECORD_NFIELDS)
    {
        return NGX_ERROR;
    }

    sendkit_record_parse(&result->record, reply->values);

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_result_role(ngx_sendkit_auth_result_t *result,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    if (reply->type != NGX_SENDKIT_AUTH_REDIS_STRING
        && reply->type != NGX_SENDKIT_AUTH_REDIS_NIL)
    {
        return NGX_ERROR;
    }

    result->role = sendkit_role_parse(reply->values[0]);

    return NGX_OK;
}


static void
ngx_sendkit_auth_waiter_timer_handler(ngx_event_t *ev)
{
    ngx_sendkit_auth_result_t   result;
    ngx_sendkit_auth_waiter_t  *waiter;

    waiter = ev->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, ev->log, 0,
                   "sendkit auth lookup timed out");

    ngx_memzero(&result, sizeof(ngx_sendkit_auth_result_t));
    result.store = SENDKIT_STORE_TIMEOUT;

    ngx_sendkit_auth_waiter_done(waiter, &result);
}


static void
ngx_sendkit_auth_waiter_done(ngx_sendkit_auth_waiter_t *waiter,
    const ngx_sendkit_auth_result_t *result)
{
    waiter->waiting = 0;
    waiter->result = *result;

    ngx_queue_remove(&waiter->queue);

    if (waiter->timer.timer_set) {
        ngx_del_timer(&waiter->timer);
    }

    waiter->handler(waiter->data);
}
