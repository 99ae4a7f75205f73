
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_RESPONSE_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_RESPONSE_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/*
 * Sends a denial and finalizes the request, which must not be touched
 * afterwards.  Always returns NGX_DONE, for the phase handler to return.
 *
 * reason   one that does not forward
 * methods  for the Allow header of SENDKIT_REASON_METHOD
 */

ngx_int_t ngx_sendkit_auth_response_send(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf, sendkit_reason_e reason,
    unsigned methods);


#endif /* _NGX_SENDKIT_AUTH_RESPONSE_H_INCLUDED_ */
