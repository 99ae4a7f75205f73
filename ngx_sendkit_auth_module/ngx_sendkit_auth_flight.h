
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_FLIGHT_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_FLIGHT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "core/sendkit_answer.h"
#include "core/sendkit_decision.h"
#include "core/sendkit_digest.h"
#include "core/sendkit_schema.h"
#include "core/sendkit_script.h"
#include "core/sendkit_workspace_key.h"
#include "redis/ngx_sendkit_auth_redis.h"
#include "shm/ngx_sendkit_auth_cache.h"


/*
 * Flights: what is under way in Redis, a command or several after each other,
 * and who waits for its result.  A flight belongs to the worker process and
 * goes on when nobody waits any more; knows no request.  Used by the units of
 * the lookup only, but for the waiter, which its owner holds.
 */

#define NGX_SENDKIT_AUTH_PEPPERS  2


/* what the configuration says of it */

typedef struct {
    ngx_sendkit_auth_redis_conf_t     redis;
    ngx_str_t                         prefix;
    ngx_str_t                         peppers[NGX_SENDKIT_AUTH_PEPPERS];
    ngx_uint_t                        ndigests;     /* 1, or 2: old pepper */
    ngx_msec_t                        timeout;      /* of a whole lookup */
    ngx_uint_t                        max_waiting;  /* requests of a worker */
    ngx_msec_t                        origin_ttl;   /* of what it has said */
    ngx_msec_t                        negative_ttl; /* that it knows nothing */
    ngx_msec_t                        cache_ttl;
    ngx_msec_t                        lease;
    ngx_sendkit_auth_cache_t         *cache;        /* NULL: no zone */
} ngx_sendkit_auth_lookup_conf_t;


typedef struct ngx_sendkit_auth_flight_s  ngx_sendkit_auth_flight_t;

typedef void (*ngx_sendkit_auth_waiter_pt)(void *data);


/* what the cache had to say */

typedef enum {
    NGX_SENDKIT_AUTH_CACHE_UNASKED = 0,
    NGX_SENDKIT_AUTH_CACHE_HIT,
    NGX_SENDKIT_AUTH_CACHE_NEGATIVE,        /* a hit: there is none */
    NGX_SENDKIT_AUTH_CACHE_MISS,
    NGX_SENDKIT_AUTH_CACHE_BYPASS           /* it is not to be trusted now */
} ngx_sendkit_auth_cache_use_e;


/* what was asked for is set, and only when store is OK */

typedef struct {
    sendkit_store_e                   store;
    sendkit_record_t                  record;
    sendkit_role_state_e              role_state;   /* known with a record? */
    sendkit_role_e                    role;
    sendkit_workspace_key_t           key;
    sendkit_script_e                  script;
} ngx_sendkit_auth_result_t;


/*
 * Somebody who waits for a flight.  Cleared by its owner once, then used for
 * one at a time; must be cancelled before it is freed.
 */

typedef struct {
    ngx_queue_t                       queue;
    ngx_event_t                       timer;
    ngx_uint_t                        waiting;
    ngx_sendkit_auth_flight_t        *asking;   /* it asks the origin */

    /* set by the owner */
    ngx_sendkit_auth_waiter_pt        handler;  /* the result is there */
    ngx_sendkit_auth_waiter_pt        ask;      /* the origin is to be asked */
    void                             *data;
    ngx_log_t                        *log;

    ngx_sendkit_auth_cache_use_e      cache;
    ngx_sendkit_auth_result_t         result;
} ngx_sendkit_auth_waiter_t;


typedef enum {
    NGX_SENDKIT_AUTH_OF_RECORD = 0,
    NGX_SENDKIT_AUTH_OF_ROLE
} ngx_sendkit_auth_subject_e;


/*
 * What is looked up.  Cleared before it is filled: its bytes are its name,
 * by which those who want the same find each other.
 */

typedef struct {
    u_char                            kind;     /* _subject_e */
    u_char                            origin;   /* ask it, if need be */
    sendkit_digest_t                  digest;   /* of a record, or to ask */
    sendkit_id_t                      workspace;
    sendkit_id_t                      user;     /* of a role */
} ngx_sendkit_auth_subject_t;


/*
 * Sends a command, or has the origin asked.
 *
 * NGX_AGAIN  done so
 * NGX_ERROR  flight->result.store says why not
 */

typedef ngx_int_t (*ngx_sendkit_auth_step_pt)(
    ngx_sendkit_auth_flight_t *flight);

/*
 * Reads the reply to the command of a step.
 *
 * NGX_OK     flight->result is complete
 * NGX_AGAIN  ngx_sendkit_auth_flight_step() was called
 * NGX_ERROR  no reply to that command can look so
 */

typedef ngx_int_t (*ngx_sendkit_auth_learn_pt)(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);

/* Stores the result in the cache. */

typedef void (*ngx_sendkit_auth_keep_pt)(ngx_sendkit_auth_flight_t *flight);


/* step -> learn -> step ... -> done */

struct ngx_sendkit_auth_flight_s {
    ngx_str_node_t                    node;     /* by subject */
    ngx_queue_t                       queue;    /* when unused */
    ngx_queue_t                       waiters;
    ngx_event_t                       event;    /* the step is due */
    ngx_event_t                       timer;    /* of the origin's answer */
    ngx_sendkit_auth_step_pt          first;
    ngx_sendkit_auth_step_pt          step;
    ngx_sendkit_auth_learn_pt         learn;

    const ngx_sendkit_auth_lookup_conf_t  *conf;

    ngx_sendkit_auth_keep_pt          keep;     /* NULL: not to be kept */
    ngx_sendkit_auth_fill_t           fill;
    uint32_t                          servers;  /* when it began */

    unsigned                          shared:1; /* others may join */
    unsigned                          eval:1;   /* Redis lacks the script */
    unsigned                          restarted:1;
    unsigned                          absent:1; /* the key, for PTTL */
    unsigned                          landed:1; /* but for what is below */
    ngx_uint_t                        ttls;     /* replies of PTTL to come */

    ngx_sendkit_auth_subject_t        subject;
    ngx_sendkit_auth_waiter_t        *asker;
    sendkit_answer_t                  answer;   /* of the origin */
    sendkit_key_change_t              change;
    ngx_sendkit_auth_result_t         result;
};


/*
 * For a worker's start and end; pool and conf outlive it.
 *
 * NGX_OK; NGX_ERROR: no memory.
 */

ngx_int_t ngx_sendkit_auth_flights_init(ngx_pool_t *pool,
    const ngx_sendkit_auth_lookup_conf_t *conf, ngx_log_t *log);
void ngx_sendkit_auth_flights_cleanup(void);

/* the worker's client of Redis */

ngx_sendkit_auth_redis_t *ngx_sendkit_auth_flights_redis(void);

/* a new flight that nobody else finds; NULL: no memory */

ngx_sendkit_auth_flight_t *ngx_sendkit_auth_flight_create(void);

/*
 * Makes the first step of a new flight and waits for it.
 *
 * timeout  ms; the handler is not called later than that
 *
 * NGX_AGAIN  the handler is called later, once, with waiter->result set,
 *            and never after _cancel
 * NGX_ERROR  it cannot be done: waiter->result.store says why
 */

ngx_int_t ngx_sendkit_auth_flight_start(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_step_pt step, ngx_sendkit_auth_waiter_t *waiter,
    ngx_msec_t timeout);

/*
 * The same for the flight of a subject: joins the one that is under way, or
 * starts it.  One that began before something was invalidated is not joined.
 */

ngx_int_t ngx_sendkit_auth_flight_share(
    const ngx_sendkit_auth_subject_t *subject, ngx_sendkit_auth_step_pt step,
    ngx_sendkit_auth_waiter_t *waiter, ngx_msec_t timeout);

/* The step follows in an event of its own. */

void ngx_sendkit_auth_flight_step(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_step_pt step);

/* For first steps: what was learnt before counts no more. */

void ngx_sendkit_auth_flight_begin(ngx_sendkit_auth_flight_t *flight);

/* For steps: sends a command, and returns what a step does. */

ngx_int_t ngx_sendkit_auth_flight_send(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_query_t *query,
    ngx_sendkit_auth_learn_pt learn);

/*
 * The same for a command that reads the key words[1].  If its result may be
 * kept in the cache, asks for its time to live, too.  The flight lands when
 * both are known.
 */

ngx_int_t ngx_sendkit_auth_flight_read(ngx_sendkit_auth_flight_t *flight,
    const sendkit_span_t *words, ngx_uint_t nwords,
    ngx_sendkit_auth_learn_pt learn);

/*
 * Writes the name of something in Redis to buf, with the prefix (core/
 * sendkit_schema.h), and returns it.
 */

sendkit_span_t ngx_sendkit_auth_flight_name(u_char *buf,
    sendkit_schema_e kind, sendkit_span_t id, sendkit_span_t user);

/* the same for what belongs to a subject */

sendkit_span_t ngx_sendkit_auth_subject_name(u_char *buf,
    sendkit_schema_e kind, const ngx_sendkit_auth_subject_t *subject);

/*
 * For steps: has one of those who wait ask the origin, and after some time
 * another one.  With nobody left there is nobody who could.
 */

ngx_int_t ngx_sendkit_auth_flight_ask(ngx_sendkit_auth_flight_t *flight);

/* Takes the flight back from the waiter that asks; NULL: it does not. */

ngx_sendkit_auth_flight_t *ngx_sendkit_auth_flight_asked(
    ngx_sendkit_auth_waiter_t *waiter);

/*
 * Leaves its flight, safe to call at any time.  If it was to ask the origin,
 * another one does.
 */

void ngx_sendkit_auth_waiter_cancel(ngx_sendkit_auth_waiter_t *waiter);


#endif /* _NGX_SENDKIT_AUTH_FLIGHT_H_INCLUDED_ */
