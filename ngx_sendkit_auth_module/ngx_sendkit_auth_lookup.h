
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_LOOKUP_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_LOOKUP_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/sendkit_answer.h"
#include "core/sendkit_digest.h"
#include "ngx_sendkit_auth_flight.h"


/*
 * Identity and role for a digest: from the cache, from Redis, and where Redis
 * has nothing, from the origin.  Owns what a worker keeps between requests;
 * knows no request.
 */

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
 * Looks up a record, or a role; waiter->cache says how the cache was used.
 *
 * timeout  ms; no handler is called later than that
 *
 * NGX_OK     waiter->result is set
 * NGX_AGAIN  the handler is called later, once, with waiter->result set,
 *            and never after ngx_sendkit_auth_waiter_cancel(); before that,
 *            waiter->ask may be called: the answer of the origin is waited
 *            for by others, too, and is to be given, unless cancelled
 * NGX_ERROR  it cannot be done: waiter->result.store says why
 */

ngx_int_t ngx_sendkit_auth_lookup(ngx_sendkit_auth_waiter_t *waiter,
    const ngx_sendkit_auth_subject_t *subject, ngx_msec_t timeout);

/* Gives the answer of the origin; nothing happens if none is waited for. */

void ngx_sendkit_auth_lookup_answer(ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_answer_t *answer);


#endif /* _NGX_SENDKIT_AUTH_LOOKUP_H_INCLUDED_ */
