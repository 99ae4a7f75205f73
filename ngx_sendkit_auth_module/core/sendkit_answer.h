
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_ANSWER_H_INCLUDED_
#define _SENDKIT_ANSWER_H_INCLUDED_


#include "sendkit_decision.h"
#include "sendkit_record.h"
#include "sendkit_role.h"


/*
 * What an origin, the backend that knows all keys and roles, says of a key:
 * by the status and the headers of an HTTP response.
 */

#define SENDKIT_ANSWER_TYPE       SENDKIT_RECORD_TYPE
#define SENDKIT_ANSWER_USER       SENDKIT_RECORD_USER
#define SENDKIT_ANSWER_WORKSPACE  SENDKIT_RECORD_WORKSPACE
#define SENDKIT_ANSWER_EXPIRES    SENDKIT_RECORD_EXPIRES
#define SENDKIT_ANSWER_ROLE       SENDKIT_RECORD_NFIELDS
#define SENDKIT_ANSWER_NHEADERS   (SENDKIT_RECORD_NFIELDS + 1)


/* record and role count only when store is OK */

typedef struct {
    sendkit_store_e       store;
    sendkit_record_t      record;       /* found or absent */
    sendkit_role_e        role;         /* in the workspace asked for */
} sendkit_answer_t;


/* the names of the headers, in lower case; len 0: there is none */

extern const sendkit_span_t  sendkit_answer_headers[SENDKIT_ANSWER_NHEADERS];


/*
 * status     of the response, 200: known, 404: not known
 * values     of the headers; data == NULL: not there
 * kind       of the key, by its prefix
 * workspace  asked for; len 0: none
 * user       known already, asked for a role; len 0: asked for a record
 *
 * Other statuses are an outage: 504 a timeout, 502 and 503 a server that is
 * down.  So is a record that is malformed, one of another kind, or one of a
 * platform key that names another workspace or another user than those asked
 * for.
 */

void sendkit_answer_parse(sendkit_answer_t *answer, unsigned status,
    const sendkit_span_t *values, sendkit_key_e kind,
    sendkit_span_t workspace, sendkit_span_t user);


#endif /* _SENDKIT_ANSWER_H_INCLUDED_ */
