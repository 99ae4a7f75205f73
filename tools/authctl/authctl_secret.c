
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "authctl_fail.h"
#include "authctl_prompt.h"
#include "authctl_secret.h"


static int authctl_secret_read(authctl_secret_t *secret, int fd,
    const char *name);
static void authctl_secret_chop(authctl_secret_t *secret);


int
authctl_secret_read_key(authctl_secret_t *secret, sendkit_key_e *kind)
{
    int  status;

    status = authctl_secret_read_line(secret);
    if (status != AUTHCTL_OK) {
        return status;
    }

    *kind = sendkit_key_kind(authctl_secret_span(secret));

    if (*kind == SENDKIT_KEY_MALFORMED) {

        /* not shown: it may be a key with one letter too many */

        return authctl_fail(AUTHCTL_USAGE, "what was read has not the form of "
                            "a key, \"sk_user_\" or \"sk_\" and 16 to 128 "
                            "letters, digits, \"_\" and \"-\"");
    }

    return AUTHCTL_OK;
}


int
authctl_secret_read_line(authctl_secret_t *secret)
{
    int                   status;
    const unsigned char  *end;

    secret->len = 0;

    status = isatty(STDIN_FILENO)
             ? authctl_prompt_read(secret, "Key: ")
             : authctl_secret_read(secret, STDIN_FILENO, "stdin");

    if (status != AUTHCTL_OK) {
        return status;
    }

    authctl_secret_chop(secret);

    end = memchr(secret->data, '\n', secret->len);

    if (end != NULL) {
        return authctl_fail(AUTHCTL_USAGE, "more than one line on stdin, where "
                            "one key was expected");
    }

    if (secret->len == 0) {
        return authctl_fail(AUTHCTL_USAGE, "no key on stdin");
    }

    return AUTHCTL_OK;
}


int
authctl_secret_read_file(authctl_secret_t *secret, const char *file,
    size_t min)
{
    int  fd, status;

    secret->len = 0;

    fd = open(file, O_RDONLY|O_CLOEXEC);

    if (fd == -1) {
        return authctl_fail(AUTHCTL_USAGE, "cannot open \"%s\": %s", file,
                            strerror(errno));
    }

    status = authctl_secret_read(secret, fd, file);
    close(fd);

    if (status != AUTHCTL_OK) {
        return status;
    }

    /* one newline and no carriage return, as the gateway does it */

    if (secret->len != 0 && secret->data[secret->len - 1] == '\n') {
        secret->len--;
    }

    if (secret->len < min) {
        return authctl_fail(AUTHCTL_USAGE, "the secret in \"%s\" is shorter "
                            "than %zu byte%s", file, min, min == 1 ? "" : "s");
    }

    return AUTHCTL_OK;
}


/* read(), for a stream would keep a copy */

static int
authctl_secret_read(authctl_secret_t *secret, int fd, const char *name)
{
    ssize_t  n;

    for ( ;; ) {
        n = read(fd, secret->data + secret->len,
                 sizeof(secret->data) - secret->len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n == -1) {
            return authctl_fail(AUTHCTL_USAGE, "cannot read \"%s\": %s", name,
                                strerror(errno));
        }

        secret->len += (size_t) n;

        if (n == 0) {
            return AUTHCTL_OK;
        }

        if (secret->len > AUTHCTL_SECRET_MAX) {
            return authctl_fail(AUTHCTL_USAGE, "\"%s\" has more than %d bytes",
                                name, AUTHCTL_SECRET_MAX);
        }
    }
}


/* the end of a line, LF or CR LF, is no part of a key */

static void
authctl_secret_chop(authctl_secret_t *secret)
{
    if (secret->len != 0 && secret->data[secret->len - 1] == '\n') {
        secret->len--;

        if (secret->len != 0 && secret->data[secret->len - 1] == '\r') {
            secret->len--;
        }
    }
}


void
authctl_secret_cleanse(authctl_secret_t *secret)
{
    OPENSSL_cleanse(secret, sizeof(authctl_secret_t));
}


sendkit_span_t
authctl_secret_span(const authctl_secret_t *secret)
{
    sendkit_span_t  span;

    span.data = secret->data;
    span.len = secret->len;

    return span;
}
