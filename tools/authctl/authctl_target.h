
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_TARGET_H_INCLUDED_
#define _AUTHCTL_TARGET_H_INCLUDED_


#include "authctl_record.h"


/*
 * Which key a command is about: one that is read from stdin, "--digest HEX",
 * or "--workspace ID" for that workspace's own.
 */

typedef struct {
    sendkit_span_t           workspace;     /* len 0: by its digest */
    size_t                   ndigests;
    unsigned char            digests[AUTHCTL_DIGESTERS]
                                    [SENDKIT_DIGEST_HEX_LEN];
} authctl_target_t;


/*
 * Reads the options of a command that has n arguments besides, and the key
 * where they name none.  optind is then the index of the first argument.
 * Returns an exit status.
 */

int authctl_target_parse(authctl_t *ctl, authctl_target_t *target, int argc,
    char **argv, int n);

/*
 * Reads what Redis holds of it, which the caller frees in any case; of two
 * digests the first that has a record counts.  Returns an exit status:
 * AUTHCTL_NO when there is nothing.
 */

int authctl_target_find(authctl_t *ctl, authctl_target_t *target,
    authctl_record_t *record);

/* Says that there is no record, and returns AUTHCTL_NO. */

int authctl_target_missing(const authctl_target_t *target);


#endif /* _AUTHCTL_TARGET_H_INCLUDED_ */
