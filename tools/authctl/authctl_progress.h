
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_PROGRESS_H_INCLUDED_
#define _AUTHCTL_PROGRESS_H_INCLUDED_


#include <stdint.h>


/* A bar on stderr, if that is a terminal, in its last line. */

typedef struct {
    int                   on;           /* stderr is a terminal */
    int                   drawn;
    const char           *what;         /* is going on */
    uint64_t              total;        /* bytes; 0: not known */
    int64_t               next;         /* ms, not before it is drawn again */
} authctl_progress_t;


void authctl_progress_start(authctl_progress_t *progress, const char *what,
    uint64_t total);

/* to be called often */

void authctl_progress_update(authctl_progress_t *progress, uint64_t bytes,
    uint64_t lines);

/* Takes the bar away, before something else is written or at the end. */

void authctl_progress_clear(authctl_progress_t *progress);


#endif /* _AUTHCTL_PROGRESS_H_INCLUDED_ */
