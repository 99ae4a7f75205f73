
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_CONN_H_INCLUDED_
#define _AUTHCTL_CONN_H_INCLUDED_


#include <stddef.h>


/*
 * A connection over TCP, a UNIX-domain socket, or TLS, that blocks for no
 * longer than its timeout.  It knows nothing of Redis.  Where a function
 * fails it has said why on stderr.
 */

typedef struct authctl_conn_s  authctl_conn_t;


/* strings are NULL where they were not given */

typedef struct {
    const char              *host;
    const char              *port;
    const char              *socket;        /* a path; then no host */
    int                      timeout;       /* ms: connecting, each wait */
    int                      tls;
    int                      insecure;      /* do not verify the server */
    const char              *ca;            /* NULL: those of the system */
    const char              *cert;          /* of the client */
    const char              *key;
    const char              *sni;           /* NULL: the host */
} authctl_conn_conf_t;


/* NULL: it failed */

authctl_conn_t *authctl_conn_open(const authctl_conn_conf_t *conf);
void authctl_conn_close(authctl_conn_t *conn);

/* Writes all of it.  Returns 0 when it failed. */

int authctl_conn_write(authctl_conn_t *conn, const char *data, size_t len);

/* Reads what is there, at least one byte; 0: it failed, or is closed. */

size_t authctl_conn_read(authctl_conn_t *conn, char *data, size_t size);


#endif /* _AUTHCTL_CONN_H_INCLUDED_ */
