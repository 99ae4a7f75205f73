
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_LOOKUP_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_LOOKUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "core/sendkit_decision.h"
#include "core/sendkit_digest.h"
#include "redis/ngx_sendkit_auth_redis.h"


/*
 * Identity and role for a digest, from Redis.  Owns what a worker keeps
 * between requests; knows no request.  Lookups of the same thing that are
 * under way at the same time share one command.
 */

#define NGX_SENDKIT_AUTH_PEPPERS     2
#define NGX_SENDKIT_AUTH_PREFIX_MAX  64


/* what the configuration says of it */

typedef struct {
    ngx_sendkit_auth_redis_conf_t     redis;
    ngx_str_t                         prefix;
    ngx_str_t                         peppers[NGX_SENDKIT_AUTH_PEPPERS];
    ngx_uint_t                        ndigests;     /* 1, or 2: old pepper */
    ngx_msec_t                        timeout;      /* of a whole lookup */
} ngx_sendkit_auth_lookup_conf_t;


typedef struct ngx_sendkit_auth_flight_s  ngx_sendkit_auth_flight_t;

typedef void (*ngx_sendkit_auth_lookup_pt)(void *data);


/* record or role, as was asked for; only when store is OK */

typedef struct {
    sendkit_store_e                   store;
    sendkit_record_t                  record;
    sendkit_role_e                    role;
} ngx_sendkit_auth_result_t;


/*
 * Somebody who waits for a lookup.  Cleared by its owner once, then used for
 * one lookup at a time; must be cancelled before it is freed.
 */

typedef struct {
    ngx_queue_t                       queue;
    ngx_event_t                       timer;
    ngx_uint_t                        waiting;

    /* set by the owner */
    ngx_sendkit_auth_lookup_pt        handler;
    void                             *data;
    ngx_log_t                        *log;

    ngx_sendkit_auth_result_t         result;   /* set by the lookup */
} ngx_sendkit_auth_waiter_t;


/*
 * For a worker's start and end.  conf outlives the worker.  NGX_OK;
 * NGX_ERROR: no memory, or OpenSSL gives no SHA-256, said in the log.
 */

ngx_int_t ngx_sendkit_auth_lookup_init(ngx_cycle_t *cycle,
    const ngx_sendkit_auth_lookup_conf_t *conf);
void ngx_sendkit_auth_lookup_cleanup(void);

/*
 * The digests of a key, conf->ndigests of them: the one that its record
 * should have first.  NGX_OK, NGX_ERROR.
 */

ngx_int_t ngx_sendkit_auth_lookup_digest(sendkit_span_t key,
    sendkit_digest_t *digests);

/*
 * Look up the record of a digest, or the role of a user in a workspace.
 *
 * timeout  ms; no handler is called later than that
 *
 * NGX_AGAIN  the handler is called later, once, with waiter->result set,
 *            and never after _cancel
 * NGX_ERROR  it cannot be done: waiter->result.store says why
 */

ngx_int_t ngx_sendkit_auth_lookup_record(ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_digest_t *digest, ngx_msec_t timeout);
ngx_int_t ngx_sendkit_auth_lookup_role(ngx_sendkit_auth_waiter_t *waiter,
    sendkit_span_t workspace, sendkit_span_t user, ngx_msec_t timeout);

/* safe to call at any time */

void ngx_sendkit_auth_lookup_cancel(ngx_sendkit_auth_waiter_t *waiter);

#endif /* _NGX_SENDKIT_AUTH_LOOKUP_H_INCLUDED_ */
