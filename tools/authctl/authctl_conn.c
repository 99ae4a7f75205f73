
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "authctl_conn.h"
#include "authctl_fail.h"
#include "authctl_tls.h"


#define AUTHCTL_CONN_NAME_MAX  280


struct authctl_conn_s {
    int                      fd;
    int                      timeout;
    SSL                     *ssl;           /* NULL: without TLS */
    char                     name[AUTHCTL_CONN_NAME_MAX];
};


static int authctl_conn_open_unix(authctl_conn_t *conn,
    const authctl_conn_conf_t *conf);
static int authctl_conn_open_tcp(authctl_conn_t *conn,
    const authctl_conn_conf_t *conf);
static int authctl_conn_connect(authctl_conn_t *conn, int family,
    const struct sockaddr *sockaddr, socklen_t socklen);
static int authctl_conn_handshake(authctl_conn_t *conn,
    const authctl_conn_conf_t *conf);
static ssize_t authctl_conn_send(authctl_conn_t *conn, const char *data,
    size_t len);
static ssize_t authctl_conn_recv(authctl_conn_t *conn, char *data,
    size_t size);
static ssize_t authctl_conn_want(authctl_conn_t *conn, int n);
static int authctl_conn_wait(authctl_conn_t *conn, short events);
static int authctl_conn_fail(authctl_conn_t *conn, const char *what);


authctl_conn_t *
authctl_conn_open(const authctl_conn_conf_t *conf)
{
    int              ok;
    authctl_conn_t  *conn;

    conn = calloc(1, sizeof(authctl_conn_t));
    if (conn == NULL) {
        (void) authctl_fail(AUTHCTL_REDIS, "no memory");
        return NULL;
    }

    conn->fd = -1;
    conn->timeout = conf->timeout;

    ok = conf->socket != NULL ? authctl_conn_open_unix(conn, conf)
                              : authctl_conn_open_tcp(conn, conf);

    if (!ok || (conf->tls && !authctl_conn_handshake(conn, conf))) {
        authctl_conn_close(conn);
        return NULL;
    }

    return conn;
}


static int
authctl_conn_open_unix(authctl_conn_t *conn, const authctl_conn_conf_t *conf)
{
    struct sockaddr_un  sun;

    snprintf(conn->name, sizeof(conn->name), "unix:%s", conf->socket);

    memset(&sun, 0, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;

    if (strlen(conf->socket) >= sizeof(sun.sun_path)) {
        errno = ENAMETOOLONG;
        return authctl_conn_fail(conn, "cannot connect");
    }

    strcpy(sun.sun_path, conf->socket);

    if (!authctl_conn_connect(conn, AF_UNIX, (struct sockaddr *) &sun,
                              sizeof(struct sockaddr_un)))
    {
        return authctl_conn_fail(conn, "cannot connect");
    }

    return 1;
}


/* Tries the addresses of a name one after the other. */

static int
authctl_conn_open_tcp(authctl_conn_t *conn, const authctl_conn_conf_t *conf)
{
    int               rc, one;
    struct addrinfo   hints, *list, *ai;

    snprintf(conn->name, sizeof(conn->name),
             strchr(conf->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
             conf->host, conf->port);

    memset(&hints, 0, sizeof(struct addrinfo));
    hints.ai_socktype = SOCK_STREAM;

    rc = getaddrinfo(conf->host, conf->port, &hints, &list);

    if (rc != 0) {
        (void) authctl_fail(AUTHCTL_REDIS, "cannot find the address of Redis "
                            "at %s: %s", conn->name, gai_strerror(rc));
        return 0;
    }

    for (ai = list; ai != NULL; ai = ai->ai_next) {

        if (authctl_conn_connect(conn, ai->ai_family, ai->ai_addr,
                                 ai->ai_addrlen))
        {
            break;
        }
    }

    freeaddrinfo(list);

    if (ai == NULL) {
        return authctl_conn_fail(conn, "cannot connect");
    }

    one = 1;
    (void) setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(int));

    return 1;
}


/* Returns 0 with errno set. */

static int
authctl_conn_connect(authctl_conn_t *conn, int family,
    const struct sockaddr *sockaddr, socklen_t socklen)
{
    int        err;
    socklen_t  len;

    if (conn->fd != -1) {
        close(conn->fd);
    }

    conn->fd = socket(family, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (conn->fd == -1) {
        return 0;
    }

    if (connect(conn->fd, sockaddr, socklen) == 0) {
        return 1;
    }

    if (errno != EINPROGRESS || !authctl_conn_wait(conn, POLLOUT)) {
        return 0;
    }

    len = sizeof(int);

    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1) {
        return 0;
    }

    errno = err;

    return err == 0;
}


static int
authctl_conn_handshake(authctl_conn_t *conn, const authctl_conn_conf_t *conf)
{
    int  n;

    conn->ssl = authctl_tls_create(conf, conn->fd);
    if (conn->ssl == NULL) {
        return 0;
    }

    ERR_clear_error();

    for ( ;; ) {
        n = SSL_connect(conn->ssl);

        if (n == 1) {
            return 1;
        }

        if (authctl_conn_want(conn, n) == -1) {
            break;
        }
    }

    if (errno == ETIMEDOUT) {
        return authctl_conn_fail(conn, "cannot connect");
    }

    (void) authctl_fail(AUTHCTL_REDIS, "no TLS with Redis at %s: %s",
                        conn->name, authctl_tls_error(conn->ssl));
    return 0;
}


int
authctl_conn_write(authctl_conn_t *conn, const char *data, size_t len)
{
    ssize_t  n;

    while (len != 0) {
        n = authctl_conn_send(conn, data, len);

        if (n == -1) {
            return authctl_conn_fail(conn, "cannot write");
        }

        data += n;
        len -= (size_t) n;
    }

    return 1;
}


size_t
authctl_conn_read(authctl_conn_t *conn, char *data, size_t size)
{
    ssize_t  n;

    do {
        n = authctl_conn_recv(conn, data, size);

    } while (n == 0);

    if (n == -1) {
        (void) authctl_conn_fail(conn, "cannot read");
        return 0;
    }

    return (size_t) n;
}


/* Each of the next three: -1 with errno set, 0 after a wait to try again. */

static ssize_t
authctl_conn_send(authctl_conn_t *conn, const char *data, size_t len)
{
    int      rc;
    size_t   sent;
    ssize_t  n;

    if (conn->ssl != NULL) {
        rc = SSL_write_ex(conn->ssl, data, len, &sent);
        return rc == 1 ? (ssize_t) sent : authctl_conn_want(conn, rc);
    }

    n = send(conn->fd, data, len, MSG_NOSIGNAL);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return authctl_conn_wait(conn, POLLOUT) ? 0 : -1;
    }

    return n;
}


static ssize_t
authctl_conn_recv(authctl_conn_t *conn, char *data, size_t size)
{
    int      rc;
    size_t   received;
    ssize_t  n;

    if (conn->ssl != NULL) {
        rc = SSL_read_ex(conn->ssl, data, size, &received);
        return rc == 1 ? (ssize_t) received : authctl_conn_want(conn, rc);
    }

    n = recv(conn->fd, data, size, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return authctl_conn_wait(conn, POLLIN) ? 0 : -1;
    }

    if (n == 0) {
        errno = ECONNRESET;
        return -1;
    }

    return n;
}


static ssize_t
authctl_conn_want(authctl_conn_t *conn, int n)
{
    switch (SSL_get_error(conn->ssl, n)) {

    case SSL_ERROR_WANT_READ:
        return authctl_conn_wait(conn, POLLIN) ? 0 : -1;

    case SSL_ERROR_WANT_WRITE:
        return authctl_conn_wait(conn, POLLOUT) ? 0 : -1;

    case SSL_ERROR_SYSCALL:

        if (errno == 0) {
            errno = ECONNRESET;
        }

        return -1;

    case SSL_ERROR_ZERO_RETURN:
        errno = ECONNRESET;
        return -1;

    default:
        errno = EPROTO;
        return -1;
    }
}


/* Returns 0 with errno set. */

static int
authctl_conn_wait(authctl_conn_t *conn, short events)
{
    int            n;
    struct pollfd  pfd;

    pfd.fd = conn->fd;
    pfd.events = events;

    do {
        n = poll(&pfd, 1, conn->timeout);

    } while (n == -1 && errno == EINTR);

    if (n == 0) {
        errno = ETIMEDOUT;
    }

    return n == 1;
}


static int
authctl_conn_fail(authctl_conn_t *conn, const char *what)
{
    const char  *why;

    why = errno == ECONNRESET ? "the connection was closed" : strerror(errno);

    if (conn->ssl != NULL && errno == EPROTO) {
        why = authctl_tls_error(conn->ssl);
    }

    return authctl_fail(0, "%s: Redis at %s: %s", what, conn->name, why);
}


void
authctl_conn_close(authctl_conn_t *conn)
{
    if (conn->ssl != NULL) {
        authctl_tls_free(conn->ssl);
    }

    if (conn->fd != -1) {
        close(conn->fd);
    }

    free(conn);
}
