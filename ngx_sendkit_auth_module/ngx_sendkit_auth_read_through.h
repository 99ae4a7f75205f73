
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_READ_THROUGH_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_READ_THROUGH_H_INCLUDED_


#include "ngx_sendkit_auth_flight.h"


/*
 * Read-through: where Redis has no record or no role, the origin is asked,
 * and its answer is kept in Redis for some time.  Steps of a flight:
 *
 * start -> ask ... answer -> keep the role -> keep the record
 *      \-> it has said no before      \-> keep that there is none
 *
 * What appears in Redis meanwhile is not overwritten: it is read again.
 */

/* the first step, after Redis had nothing */

ngx_int_t ngx_sendkit_auth_through_start(ngx_sendkit_auth_flight_t *flight);

/* the step after the answer, which is in flight->answer */

ngx_int_t ngx_sendkit_auth_through_answer(ngx_sendkit_auth_flight_t *flight);


#endif /* _NGX_SENDKIT_AUTH_READ_THROUGH_H_INCLUDED_ */
