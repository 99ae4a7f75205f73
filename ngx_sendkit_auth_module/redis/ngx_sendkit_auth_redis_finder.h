
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_REDIS_FINDER_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_REDIS_FINDER_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_sendkit_auth_redis_client.h"
#include "ngx_sendkit_auth_redis_masters.h"


/*
 * Finds the masters: asks Sentinels, or nodes of a cluster, one after the
 * other until one answers; again every second, and when it is told to.  From
 * time to time it asks another one, as the one before may have been cut off.
 */

typedef enum {
    NGX_SENDKIT_AUTH_REDIS_FAILED = 0,      /* none answers, said in the log */
    NGX_SENDKIT_AUTH_REDIS_SAME,
    NGX_SENDKIT_AUTH_REDIS_CHANGED
} ngx_sendkit_auth_redis_news_e;


/* called by the event loop only; must not call the finder */

typedef void (*ngx_sendkit_auth_redis_news_pt)(void *data,
    ngx_sendkit_auth_redis_news_e news);


typedef struct {
    ngx_sendkit_auth_redis_masters_t  *masters;
    ngx_sendkit_auth_redis_client_t   *client;
    ngx_event_t                        timer;
    ngx_uint_t                         server;      /* to be asked */
    ngx_uint_t                         last;        /* that was asked */
    ngx_uint_t                         tried;       /* in vain, of them */
    ngx_uint_t                         failures;    /* of all, in a row */
    ngx_uint_t                         asking;
    ngx_uint_t                         refreshed;   /* is to ask another */
    ngx_uint_t                         answers;     /* good ones */
    ngx_uint_t                         has_epoch;   /* of the one asked */
    uint64_t                           epoch;
    ngx_msec_t                         asked;       /* last */
    ngx_sendkit_auth_redis_news_pt     handler;
    void                              *data;
} ngx_sendkit_auth_redis_finder_t;


/* For deployments where masters change.  NGX_OK; NGX_ERROR: no memory. */

ngx_int_t ngx_sendkit_auth_redis_finder_init(
    ngx_sendkit_auth_redis_finder_t *finder,
    ngx_sendkit_auth_redis_masters_t *masters,
    ngx_sendkit_auth_redis_news_pt handler, void *data);

void ngx_sendkit_auth_redis_finder_close(
    ngx_sendkit_auth_redis_finder_t *finder);

/* Configured servers have other addresses: connects to the one anew. */

void ngx_sendkit_auth_redis_finder_named(
    ngx_sendkit_auth_redis_finder_t *finder);

/*
 * What is known may be out of date: asks soon.  Does nothing where there is
 * nobody to ask.
 */

void ngx_sendkit_auth_redis_finder_refresh(
    ngx_sendkit_auth_redis_finder_t *finder);


#endif /* _NGX_SENDKIT_AUTH_REDIS_FINDER_H_INCLUDED_ */
