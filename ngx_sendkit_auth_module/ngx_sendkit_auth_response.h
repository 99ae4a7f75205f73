
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_RESPONSE_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_RESPONSE_H_INCLUDED_


#include "ngx_sendkit_auth.h"


/* Sends the answers that the module gives itself: JSON, never to be stored. */

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

/*
 * For a content handler.  Both take no "100 Continue" and leave the body of
 * the request unread; both return what the request is to be finalized with.
 *
 * status   of core/sendkit_error.h
 * methods  for the Allow header of 405
 * body     lives as long as the request
 */

ngx_int_t ngx_sendkit_auth_response_error(ngx_http_request_t *r,
    const ngx_sendkit_auth_loc_conf_t *sacf, unsigned status,
    unsigned methods);
ngx_int_t ngx_sendkit_auth_response_json(ngx_http_request_t *r,
    unsigned status, const ngx_str_t *body);


#endif /* _NGX_SENDKIT_AUTH_RESPONSE_H_INCLUDED_ */
