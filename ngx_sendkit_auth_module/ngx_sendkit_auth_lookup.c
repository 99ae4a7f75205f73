
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_clock.h"
#include "ngx_sendkit_auth_invalidation.h"
#include "ngx_sendkit_auth_lookup.h"
#include "ngx_sendkit_auth_read_through.h"


/* all that a worker keeps */

typedef struct {
    const ngx_sendkit_auth_lookup_conf_t  *conf;
    ngx_pool_t                            *pool;
    sendkit_digester_t                     digesters[NGX_SENDKIT_AUTH_PEPPERS];
} ngx_sendkit_auth_lookup_t;


static ngx_int_t ngx_sendkit_auth_lookup_digesters(
    ngx_sendkit_auth_lookup_t *lookup);

static ngx_int_t ngx_sendkit_auth_lookup_cached(
    ngx_sendkit_auth_waiter_t *waiter,
    const ngx_sendkit_auth_subject_t *subject);
static ngx_uint_t ngx_sendkit_auth_lookup_is_found(
    const ngx_sendkit_auth_subject_t *subject,
    const ngx_sendkit_auth_result_t *result);

static ngx_int_t ngx_sendkit_auth_lookup_record(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_lookup_role(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_lookup_learn_record(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_lookup_learn_role(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);
static void ngx_sendkit_auth_lookup_keep(ngx_sendkit_auth_flight_t *flight);


/* the worker's own; set once, before its first request */

static ngx_sendkit_auth_lookup_t  *ngx_sendkit_auth_worker;


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

    if (ngx_sendkit_auth_lookup_digesters(lookup) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "OpenSSL provides no SHA-256 or HMAC");
        goto failed;
    }

    if (ngx_sendkit_auth_flights_init(pool, conf, cycle->log) != NGX_OK
        || ngx_sendkit_auth_invalidation_init(pool, conf, cycle->log)
           != NGX_OK)
    {
        goto failed;
    }

    ngx_sendkit_auth_worker = lookup;

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

    lookup = ngx_sendkit_auth_worker;

    if (lookup == NULL) {
        return;
    }

    ngx_sendkit_auth_worker = NULL;

    ngx_sendkit_auth_invalidation_cleanup();
    ngx_sendkit_auth_flights_cleanup();

    for (i = 0; i < lookup->conf->ndigests; i++) {
        sendkit_digest_cleanup(&lookup->digesters[i]);
    }

    ngx_destroy_pool(lookup->pool);
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


ngx_int_t
ngx_sendkit_auth_lookup_digest(sendkit_span_t key, sendkit_digest_t *digests)
{
    ngx_uint_t                  i;
    ngx_sendkit_auth_lookup_t  *lookup;

    lookup = ngx_sendkit_auth_worker;

    for (i = 0; i < lookup->conf->ndigests; i++) {
        if (!sendkit_digest_key(&lookup->digesters[i], key, &digests[i])) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_sendkit_auth_lookup(ngx_sendkit_auth_waiter_t *waiter,
    const ngx_sendkit_auth_subject_t *subject, ngx_msec_t timeout)
{
    ngx_sendkit_auth_step_pt  step;

    step = subject->kind == NGX_SENDKIT_AUTH_OF_ROLE
           ? ngx_sendkit_auth_lookup_role : ngx_sendkit_auth_lookup_record;

    ngx_sendkit_auth_waiter_cancel(waiter);

    if (ngx_sendkit_auth_lookup_cached(waiter, subject) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_sendkit_auth_flight_share(subject, step, waiter, timeout);
}


/* NGX_OK: waiter->result is set; NGX_DECLINED: Redis is to be asked */

static ngx_int_t
ngx_sendkit_auth_lookup_cached(ngx_sendkit_auth_waiter_t *waiter,
    const ngx_sendkit_auth_subject_t *subject)
{
    uint64_t                    now;
    ngx_int_t                   rc;
    ngx_sendkit_auth_cache_t   *cache;
    ngx_sendkit_auth_result_t  *result;

    waiter->cache = NGX_SENDKIT_AUTH_CACHE_BYPASS;

    cache = ngx_sendkit_auth_worker->conf->cache;

    if (cache == NULL) {
        return NGX_DECLINED;
    }

    now = ngx_sendkit_auth_clock();

    if (!ngx_sendkit_auth_cache_is_usable(cache, now)
        || !ngx_sendkit_auth_redis_masters_agree(
               ngx_sendkit_auth_redis_masters(ngx_sendkit_auth_flights_redis()),
               ngx_sendkit_auth_cache_servers(cache)))
    {
        ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_BYPASSES);
        return NGX_DECLINED;
    }

    result = &waiter->result;
    ngx_memzero(result, sizeof(ngx_sendkit_auth_result_t));

    if (subject->kind == NGX_SENDKIT_AUTH_OF_ROLE) {
        rc = ngx_sendkit_auth_cache_find_role(cache, now, &subject->workspace,
                                              &subject->user, subject->origin,
                                              &result->role);

    } else {
        rc = ngx_sendkit_auth_cache_find_record(cache, now, &subject->digest,
                                                subject->origin,
                                                &result->record);
    }

    if (rc != NGX_OK) {
        waiter->cache = NGX_SENDKIT_AUTH_CACHE_MISS;
        ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_MISSES);
        return NGX_DECLINED;
    }

    if (ngx_sendkit_auth_lookup_is_found(subject, result)) {
        waiter->cache = NGX_SENDKIT_AUTH_CACHE_HIT;
        ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_HITS);

    } else {
        waiter->cache = NGX_SENDKIT_AUTH_CACHE_NEGATIVE;
        ngx_sendkit_auth_cache_count(cache, NGX_SENDKIT_AUTH_NEGATIVES);
    }

    result->store = SENDKIT_STORE_OK;

    return NGX_OK;
}


static ngx_uint_t
ngx_sendkit_auth_lookup_is_found(const ngx_sendkit_auth_subject_t *subject,
    const ngx_sendkit_auth_result_t *result)
{
    return subject->kind == NGX_SENDKIT_AUTH_OF_ROLE
           ? result->role != SENDKIT_ROLE_NONE
           : result->record.state == SENDKIT_RECORD_FOUND;
}


void
ngx_sendkit_auth_lookup_answer(ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_answer_t *answer)
{
    ngx_sendkit_auth_flight_t  *flight;

    flight = ngx_sendkit_auth_flight_asked(waiter);

    if (flight != NULL) {
        flight->answer = *answer;
        ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_through_answer);
    }
}


static ngx_int_t
ngx_sendkit_auth_lookup_record(ngx_sendkit_auth_flight_t *flight)
{
    u_char                 buf[SENDKIT_SCHEMA_NAME_MAX];
    sendkit_span_t         words[2 + SENDKIT_RECORD_NFIELDS];
    static sendkit_span_t  hmget = SENDKIT_SPAN("HMGET");

    ngx_sendkit_auth_flight_begin(flight);

    words[0] = hmget;
    words[1] = ngx_sendkit_auth_subject_name(buf, SENDKIT_SCHEMA_KEY,
                                             &flight->subject);

    ngx_memcpy(&words[2], sendkit_record_fields,
               sizeof(sendkit_record_fields));

    return ngx_sendkit_auth_flight_read(flight, words,
                                        2 + SENDKIT_RECORD_NFIELDS,
                                        ngx_sendkit_auth_lookup_learn_record);
}


static ngx_int_t
ngx_sendkit_auth_lookup_role(ngx_sendkit_auth_flight_t *flight)
{
    u_char                 buf[SENDKIT_SCHEMA_NAME_MAX];
    sendkit_span_t         words[3];
    static sendkit_span_t  hget = SENDKIT_SPAN("HGET");

    ngx_sendkit_auth_flight_begin(flight);

    words[0] = hget;
    words[1] = ngx_sendkit_auth_subject_name(buf, SENDKIT_SCHEMA_ROLES,
                                             &flight->subject);
    words[2] = sendkit_id_span(&flight->subject.user);

    return ngx_sendkit_auth_flight_read(flight, words, 3,
                                        ngx_sendkit_auth_lookup_learn_role);
}


static ngx_int_t
ngx_sendkit_auth_lookup_learn_record(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    if (reply->type != NGX_SENDKIT_AUTH_REDIS_ARRAY
        || reply->nvalues != SENDKIT_RECORD_NFIELDS)
    {
        return NGX_ERROR;
    }

    flight->keep = ngx_sendkit_auth_lookup_keep;

    sendkit_record_parse(&flight->result.record, reply->values);

    if (flight->result.record.state == SENDKIT_RECORD_ABSENT
        && flight->subject.origin)
    {
        ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_through_start);
        return NGX_AGAIN;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_lookup_learn_role(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    if (reply->type != NGX_SENDKIT_AUTH_REDIS_STRING
        && reply->type != NGX_SENDKIT_AUTH_REDIS_NIL)
    {
        return NGX_ERROR;
    }

    flight->keep = ngx_sendkit_auth_lookup_keep;

    if (reply->type == NGX_SENDKIT_AUTH_REDIS_NIL && flight->subject.origin) {
        ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_through_start);
        return NGX_AGAIN;
    }

    flight->result.role = sendkit_role_parse(reply->values[0]);

    return NGX_OK;
}


/* what Redis has said of it, or that it has nothing, nor the origin */

static void
ngx_sendkit_auth_lookup_keep(ngx_sendkit_auth_flight_t *flight)
{
    const ngx_sendkit_auth_result_t   *result;
    const ngx_sendkit_auth_subject_t  *subject;

    result = &flight->result;
    subject = &flight->subject;

    if (flight->absent && ngx_sendkit_auth_lookup_is_found(subject, result)) {

        /* gone since then */

        return;
    }

    if (subject->kind == NGX_SENDKIT_AUTH_OF_ROLE) {
        ngx_sendkit_auth_cache_store_role(flight->conf->cache, &flight->fill,
                                          &subject->workspace, &subject->user,
                                          subject->origin, result->role);
        return;
    }

    ngx_sendkit_auth_cache_store_record(flight->conf->cache, &flight->fill,
                                        &subject->digest, subject->origin,
                                        &result->record);
}
