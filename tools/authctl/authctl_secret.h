
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_SECRET_H_INCLUDED_
#define _AUTHCTL_SECRET_H_INCLUDED_


#include "sendkit_key.h"
#include "sendkit_span.h"


/* What must be seen by nobody: keys, peppers, passwords. */

#define AUTHCTL_SECRET_MAX  4096    /* bytes, as in the gateway's files */


typedef struct {
    size_t                   len;
    unsigned char            data[AUTHCTL_SECRET_MAX + 2];  /* CR LF */
} authctl_secret_t;


/*
 * Each returns an exit status.  The caller cleanses the secret, also where it
 * was not read.
 */

/*
 * Reads one line: from a prompt without echo when stdin is a terminal, else
 * from stdin.  It need not have the form of a key.
 */

int authctl_secret_read_line(authctl_secret_t *secret);

/* The same, and AUTHCTL_USAGE when it has not the form of a key. */

int authctl_secret_read_key(authctl_secret_t *secret, sendkit_key_e *kind);

/*
 * Reads a file that holds one secret, of min bytes or more, and maybe a
 * newline after it.
 */

int authctl_secret_read_file(authctl_secret_t *secret, const char *file,
    size_t min);

void authctl_secret_cleanse(authctl_secret_t *secret);

sendkit_span_t authctl_secret_span(const authctl_secret_t *secret);


#endif /* _AUTHCTL_SECRET_H_INCLUDED_ */
