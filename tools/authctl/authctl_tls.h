
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_TLS_H_INCLUDED_
#define _AUTHCTL_TLS_H_INCLUDED_


#include <openssl/ssl.h>

#include "authctl_conn.h"


/* What a connection needs of OpenSSL, but for the reading and writing. */

/*
 * A client on the socket: TLS 1.2 or later, the server's certificate verified,
 * its name too, unless the configuration says "insecure".  NULL: it failed,
 * which was said on stderr.
 */

SSL *authctl_tls_create(const authctl_conn_conf_t *conf, int fd);

void authctl_tls_free(SSL *ssl);

/* why the last call has failed */

const char *authctl_tls_error(const SSL *ssl);


#endif /* _AUTHCTL_TLS_H_INCLUDED_ */
