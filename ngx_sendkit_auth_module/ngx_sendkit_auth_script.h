
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_SCRIPT_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_SCRIPT_H_INCLUDED_


#include "ngx_sendkit_auth_flight.h"


/* the scripts of core/sendkit_script.h */

typedef enum {
    NGX_SENDKIT_AUTH_SCRIPT_WORKSPACE_KEY = 0,
    NGX_SENDKIT_AUTH_SCRIPT_ADD_RECORD,
    NGX_SENDKIT_AUTH_SCRIPT_ADD_ROLE,
    NGX_SENDKIT_AUTH_NSCRIPTS
} ngx_sendkit_auth_script_e;


/*
 * For steps: runs a script, by EVALSHA, and when Redis does not know it, by
 * EVAL in the same step once more.
 *
 * words  first the names of its nkeys keys, then its arguments
 *
 * Returns what a step does.
 */

ngx_int_t ngx_sendkit_auth_script_run(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_script_e script, const sendkit_span_t *words,
    ngx_uint_t nkeys, ngx_uint_t nwords, ngx_sendkit_auth_learn_pt learn);

/* For learning: the answer of a script, or of a command that says "OK". */

sendkit_script_e ngx_sendkit_auth_script_answer(
    const ngx_sendkit_auth_redis_reply_t *reply);


#endif /* _NGX_SENDKIT_AUTH_SCRIPT_H_INCLUDED_ */
