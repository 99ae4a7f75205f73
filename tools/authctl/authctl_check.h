
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_CHECK_H_INCLUDED_
#define _AUTHCTL_CHECK_H_INCLUDED_


#include "authctl_reason.h"
#include "authctl_scan.h"


/*
 * What "check" looks at, and how it tells what it finds.  Redis goes on to
 * change meanwhile: what two reads disagree about is read once more.
 */

#define AUTHCTL_CHECK_KINDS  (SENDKIT_SCHEMA_NO_ROLE + 1)


typedef enum {
    AUTHCTL_PROBLEM_UNKNOWN_NAME = 0,   /* under the prefix, but not ours */
    AUTHCTL_PROBLEM_BAD_NAME,           /* no digest or id where one must be */
    AUTHCTL_PROBLEM_WRONG_TYPE,         /* of Redis: a list, not a hash */
    AUTHCTL_PROBLEM_BAD_FIELD,          /* missing, or malformed */
    AUTHCTL_PROBLEM_BAD_USER,           /* in a hash of roles */
    AUTHCTL_PROBLEM_UNKNOWN_ROLE,
    AUTHCTL_PROBLEM_NO_EXPIRY,          /* of a marker */
    AUTHCTL_PROBLEM_ORPHAN,             /* names a key that is not there */
    AUTHCTL_PROBLEM_OTHER_KEY           /* alive, but replaced by another */
} authctl_problem_e;


typedef struct {
    authctl_t               *ctl;
    size_t                   nnames;
    size_t                   nproblems;

    authctl_list_t           names[AUTHCTL_CHECK_KINDS];

    /* good ones: digest and its workspace, workspace and its digest */
    authctl_list_t           records;
    authctl_list_t           created;

    authctl_list_t           empty;     /* records without a field of ours */
} authctl_check_t;


/* Each returns an exit status. */

/* key records and the keys of workspaces, whose names are good */

int authctl_check_keys(authctl_check_t *check);

/*
 * Tells a problem.
 *
 * name   in Redis
 * field  of a hash; data == NULL: the problem is with no single one
 * value  data == NULL: there is none
 * why    what is wrong, the end of a sentence that begins with the name
 */

int authctl_check_report(authctl_check_t *check, authctl_problem_e problem,
    sendkit_span_t name, sendkit_span_t field, sendkit_span_t value,
    const char *why);


#endif /* _AUTHCTL_CHECK_H_INCLUDED_ */
