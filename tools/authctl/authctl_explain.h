
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_EXPLAIN_H_INCLUDED_
#define _AUTHCTL_EXPLAIN_H_INCLUDED_


#include "authctl.h"
#include "authctl_routes.h"
#include "authctl_secret.h"
#include "sendkit_decision.h"
#include "sendkit_error.h"


/*
 * What the gateway would do with a request, and why: its own core decides,
 * from facts that are gathered here as it gathers them.
 */

#define AUTHCTL_EXPLAIN_LOOKUPS  (AUTHCTL_DIGESTERS + 1)
#define AUTHCTL_EXPLAIN_KEY_ID   12     /* letters of the digest */


/* one question to Redis, and what it said */

typedef struct {
    sendkit_need_e           need;          /* a record or a role */
    authctl_name_t           buf;
    sendkit_span_t           name;          /* in buf */
    sendkit_store_e          store;
    authctl_reply_t         *reply;         /* NULL: none */
    sendkit_span_t           values[SENDKIT_RECORD_NFIELDS];    /* of it */
} authctl_explain_lookup_t;


typedef struct {
    authctl_t               *ctl;

    /* what was given; strings are terminated */
    const char              *file;          /* of the routes */
    const char              *method;
    const char              *target;
    int                      preflight;
    size_t                   nkeys;         /* X-Api-Key lines */
    size_t                   nworkspaces;   /* X-Workspace-Id lines */
    sendkit_span_t           workspace;     /* the last of them */
    sendkit_error_format_e   format;

    /* what was made of it */
    authctl_routes_t         routes;
    sendkit_span_t           path;
    authctl_secret_t         secret;
    sendkit_span_t           key;           /* in secret */
    unsigned char            digests[AUTHCTL_DIGESTERS]
                                    [SENDKIT_DIGEST_HEX_LEN];
    size_t                   ndigests;      /* made so far */
    sendkit_facts_t          facts;

    size_t                   nlookups;
    authctl_explain_lookup_t lookups[AUTHCTL_EXPLAIN_LOOKUPS];

    unsigned                 nginx;         /* the status that nginx itself
                                               answers with; 0: it does not */
    sendkit_reason_e         reason;        /* otherwise */
} authctl_explain_t;


/* Sets ->nginx, and where that is 0 the facts that need no Redis. */

void authctl_explain_request(authctl_explain_t *explain);

/* Asks Redis as far as need be; sets ->reason. */

void authctl_explain_decide(authctl_explain_t *explain);

/* Each returns an exit status. */

int authctl_explain_print(const authctl_explain_t *explain);
int authctl_explain_print_json(const authctl_explain_t *explain);

/* of the response; 0: there is none, the request is forwarded */

unsigned authctl_explain_status(const authctl_explain_t *explain);


#endif /* _AUTHCTL_EXPLAIN_H_INCLUDED_ */
