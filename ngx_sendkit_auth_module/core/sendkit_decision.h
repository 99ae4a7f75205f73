
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_DECISION_H_INCLUDED_
#define _SENDKIT_DECISION_H_INCLUDED_


#include <stdint.h>

#include "sendkit_id.h"
#include "sendkit_key.h"
#include "sendkit_record.h"
#include "sendkit_role.h"
#include "sendkit_route.h"


/* Why a request is forwarded or refused.  What is not set is refused. */

typedef enum {
    SENDKIT_REASON_UNDECIDED = 0,
    SENDKIT_REASON_ALLOWED,
    SENDKIT_REASON_PREFLIGHT,
    SENDKIT_REASON_BAD_PATH,
    SENDKIT_REASON_SUBREQUEST,
    SENDKIT_REASON_NO_ROUTE,
    SENDKIT_REASON_METHOD,
    SENDKIT_REASON_NO_KEY,
    SENDKIT_REASON_DUPLICATE_KEY,
    SENDKIT_REASON_BAD_KEY,
    SENDKIT_REASON_KEY_KIND,
    SENDKIT_REASON_UNKNOWN_KEY,
    SENDKIT_REASON_EXPIRED_KEY,
    SENDKIT_REASON_INACTIVE_KEY,
    SENDKIT_REASON_NO_WORKSPACE,
    SENDKIT_REASON_OTHER_WORKSPACE,
    SENDKIT_REASON_ROLE,
    SENDKIT_REASON_STORE_TIMEOUT,
    SENDKIT_REASON_STORE_DOWN,
    SENDKIT_REASON_STORE_ERROR,
    SENDKIT_REASON_OVERLOAD
} sendkit_reason_e;

#define SENDKIT_NREASONS  (SENDKIT_REASON_OVERLOAD + 1)


/* the credential lines of a request, taken together */

typedef enum {
    SENDKIT_CREDENTIAL_NONE = 0,
    SENDKIT_CREDENTIAL_DUPLICATE,       /* several lines, or they disagree */
    SENDKIT_CREDENTIAL_ONE
} sendkit_credential_e;


/* the X-Workspace-Id lines of a request, taken together */

typedef enum {
    SENDKIT_ASKED_NONE = 0,
    SENDKIT_ASKED_MALFORMED,            /* not an id, or several lines */
    SENDKIT_ASKED_ONE
} sendkit_asked_e;


/* how the store has answered so far */

typedef enum {
    SENDKIT_STORE_OK = 0,
    SENDKIT_STORE_TIMEOUT,
    SENDKIT_STORE_DOWN,
    SENDKIT_STORE_ERROR,
    SENDKIT_STORE_OVERLOAD
} sendkit_store_e;


typedef enum {
    SENDKIT_ROLE_UNREAD = 0,
    SENDKIT_ROLE_READ
} sendkit_role_state_e;


/*
 * All that is known of a request.  Cleared, it is refused; what is learnt
 * from the store is filled in when sendkit_decision() asks for it.
 */

typedef struct {
    int                      canonical_path;    /* sendkit_path.h */
    int                      preflight;         /* to be let through */
    sendkit_route_match_t    match;
    sendkit_credential_e     credential;
    sendkit_key_e            key;               /* by its prefix */
    sendkit_asked_e          asked;
    sendkit_id_t             asked_workspace;   /* by X-Workspace-Id */

    int64_t                  now;               /* Unix time, s */
    sendkit_store_e          store;
    sendkit_record_t         record;
    sendkit_role_state_e     role_state;
    sendkit_role_e           role;              /* in the scope below */
} sendkit_facts_t;


typedef enum {
    SENDKIT_DECIDED = 0,
    SENDKIT_NEEDS_RECORD,               /* facts.record */
    SENDKIT_NEEDS_ROLE                  /* facts.role of the user in scope */
} sendkit_need_e;


/*
 * The decision table.  Returns SENDKIT_DECIDED with *reason set, or what it
 * must know first, with *reason left "undecided".  A decision that was made
 * does not change when more is learnt from the store.
 */

sendkit_need_e sendkit_decision(const sendkit_facts_t *facts,
    sendkit_reason_e *reason);

/*
 * The workspace the request is for: that of a workspace key, known only
 * after its record was read, or the one that the route takes from the
 * request; len 0 when there is none.
 */

sendkit_span_t sendkit_decision_scope(const sendkit_facts_t *facts);

/*
 * 1 when an allowed request's right to its scope has been seen: a role in
 * it, or its own workspace key.
 */

int sendkit_decision_scope_is_checked(const sendkit_facts_t *facts);

/* 1 for the two reasons that forward */

int sendkit_reason_forwards(sendkit_reason_e reason);

/* the word of logs and variables, lower case */

sendkit_span_t sendkit_reason_name(sendkit_reason_e reason);


#endif /* _SENDKIT_DECISION_H_INCLUDED_ */
