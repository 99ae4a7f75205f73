
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_BATCH_H_INCLUDED_
#define _AUTHCTL_BATCH_H_INCLUDED_


#include <stdint.h>

#include "authctl.h"
#include "authctl_entry.h"


/*
 * Writes entries to Redis, many with one round trip.  Each is written whole
 * or not at all, and a workspace has one key of its own at any time.
 */

#define AUTHCTL_BATCH_MAX  2000     /* entries that are sent together */


typedef struct {
    uint64_t              line;
    unsigned              replies;      /* that are due */
    authctl_entry_t       entry;
    authctl_reply_t      *named;        /* the digest that the workspace of the
                                           entry names now, or NULL */
} authctl_batch_item_t;


typedef struct {
    authctl_t            *ctl;
    uint64_t              written;      /* entries that Redis has confirmed */
    uint64_t              stopped;      /* 0, or the line of the first entry
                                           that it has not */
    size_t                done;         /* of n */
    size_t                n;
    authctl_batch_item_t  items[AUTHCTL_BATCH_MAX];
} authctl_batch_t;


/*
 * Gives a user a role in a workspace.  Where the roles of the workspace expire
 * they are copies of what an origin knows: to stay beside this one would make
 * them somebody's own, so they go.
 *
 * KEYS  roles:<workspace>
 * ARGV  user, role
 */

extern const sendkit_span_t  authctl_batch_role_script;


void authctl_batch_init(authctl_batch_t *batch, authctl_t *ctl);

/*
 * Each returns an exit status.  After another than AUTHCTL_OK the batch must
 * not be used again.
 */

/* the entry of a line; it may not be sent before the next flush */

int authctl_batch_add(authctl_batch_t *batch, const authctl_entry_t *entry,
    uint64_t line);

int authctl_batch_flush(authctl_batch_t *batch);


#endif /* _AUTHCTL_BATCH_H_INCLUDED_ */
