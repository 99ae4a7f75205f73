
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_ERROR_H_INCLUDED_
#define _SENDKIT_ERROR_H_INCLUDED_


#include "sendkit_decision.h"
#include "sendkit_span.h"


/* the two forms of an error body that the API documents */

typedef enum {
    SENDKIT_ERROR_FLAT = 0,
    SENDKIT_ERROR_ENVELOPE
} sendkit_error_format_e;


/* the HTTP status (RFC 9110, section 15) of a reason that does not forward */

unsigned sendkit_error_status(sendkit_reason_e reason);

/*
 * The JSON body for such a status, or for one of the key service (408, 409,
 * 413); static bytes, the same for each request.
 */

sendkit_span_t sendkit_error_body(unsigned status,
    sendkit_error_format_e format);


#endif /* _SENDKIT_ERROR_H_INCLUDED_ */
