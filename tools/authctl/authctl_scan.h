
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_SCAN_H_INCLUDED_
#define _AUTHCTL_SCAN_H_INCLUDED_


#include "authctl.h"


/*
 * Walks through Redis without blocking it: SCAN and HSCAN, never KEYS.  What
 * is there all the time is found; what comes or goes meanwhile may be.
 */

/* what was found: sorted by name, each name once */

typedef struct {
    sendkit_span_t           name;
    sendkit_span_t           value;         /* of a field of a hash */
} authctl_item_t;


typedef struct {
    authctl_item_t          *items;
    size_t                   n;
    size_t                   room;
} authctl_list_t;


/* gets the reply for one of the names; returns an exit status */

typedef int (*authctl_scan_pt)(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);


/*
 * Each returns an exit status; the list is freed by the caller in any case.
 */

/* the names that begin with the prefix and head, which may be empty */

int authctl_scan_names(authctl_t *ctl, sendkit_span_t head,
    authctl_list_t *list);

/* the fields of a hash; none when it is not there */

int authctl_scan_hash(authctl_t *ctl, sendkit_span_t name,
    authctl_list_t *list);

/* For lists of one's own, cleared before: a copy of both; 0: no memory. */

int authctl_list_add(authctl_list_t *list, sendkit_span_t name,
    sendkit_span_t value);

void authctl_list_sort(authctl_list_t *list);
void authctl_list_free(authctl_list_t *list);

/* the index of a name in a sorted list, or list->n */

size_t authctl_list_find(const authctl_list_t *list, sendkit_span_t name);

/*
 * Sends the command for each name, which is put in after the command's first
 * word, many at a time, and calls the handler with each reply, in order.
 */

int authctl_scan_each(authctl_t *ctl, const authctl_list_t *list,
    const sendkit_span_t *args, size_t nargs, authctl_scan_pt handler,
    void *data);

/* what the name of a kind ends with; data == NULL: it is of no such kind */

sendkit_span_t authctl_scan_id(const authctl_t *ctl, sendkit_schema_e kind,
    sendkit_span_t name);


#endif /* _AUTHCTL_SCAN_H_INCLUDED_ */
