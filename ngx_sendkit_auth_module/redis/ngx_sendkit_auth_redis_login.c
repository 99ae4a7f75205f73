
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis_command.h"
#include "ngx_sendkit_auth_redis_login.h"


static ngx_int_t ngx_sendkit_auth_redis_login_read(
    ngx_sendkit_auth_redis_login_t *login, ngx_str_t *password,
    ngx_log_t *log);
static ngx_int_t ngx_sendkit_auth_redis_login_bad(
    ngx_sendkit_auth_redis_login_t *login, ngx_log_t *log, ngx_err_t err,
    const char *why);


ngx_int_t
ngx_sendkit_auth_redis_login_init(ngx_sendkit_auth_redis_login_t *login,
    ngx_pool_t *pool, const ngx_sendkit_auth_redis_login_conf_t *conf)
{
    login->conf = conf;
    login->password = conf->password;

    if (conf->password.len == 0) {
        return NGX_OK;
    }

    login->buf = ngx_pcalloc(pool, NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX);

    return login->buf != NULL ? NGX_OK : NGX_ERROR;
}


void
ngx_sendkit_auth_redis_login_cleanup(ngx_sendkit_auth_redis_login_t *login)
{
    if (login->buf != NULL) {
        ngx_explicit_memzero(login->buf, NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX);
    }

    login->password.len = 0;
}


ngx_uint_t
ngx_sendkit_auth_redis_login_args(const ngx_sendkit_auth_redis_login_t *login,
    sendkit_span_t *args)
{
    ngx_uint_t             n;
    static sendkit_span_t  auth = SENDKIT_SPAN("AUTH");

    if (login->password.len == 0) {
        return 0;
    }

    n = 0;
    args[n++] = auth;

    if (login->conf->user.len != 0) {
        args[n++] = ngx_sendkit_auth_redis_span(login->conf->user);
    }

    args[n++] = ngx_sendkit_auth_redis_span(login->password);

    return n;
}


ngx_uint_t
ngx_sendkit_auth_redis_login_refused(ngx_sendkit_auth_redis_login_t *login,
    ngx_log_t *log)
{
    u_char      buf[NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX + 1];
    ngx_str_t   password;
    ngx_uint_t  changed;

    changed = 0;
    password.len = 0;
    password.data = buf;

    if (ngx_sendkit_auth_redis_login_read(login, &password, log) == NGX_OK) {

        login->failed = 0;

        changed = password.len != login->password.len
                  || ngx_memcmp(password.data, login->password.data,
                                password.len)
                     != 0;
    }

    if (changed) {
        ngx_sendkit_auth_redis_login_cleanup(login);
        ngx_memcpy(login->buf, password.data, password.len);

        login->password.data = login->buf;
        login->password.len = password.len;

        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "redis password was read again from \"%V\"",
                      &login->conf->file);
    }

    ngx_explicit_memzero(buf, sizeof(buf));

    return changed;
}


/* all bytes, but for one newline at the end; as at start */

static ngx_int_t
ngx_sendkit_auth_redis_login_read(ngx_sendkit_auth_redis_login_t *login,
    ngx_str_t *password, ngx_log_t *log)
{
    ssize_t     n;
    ngx_file_t  file;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = login->conf->file;
    file.log = log;

    /* not to wait for the writer of a pipe */

    file.fd = ngx_open_file(file.name.data,
                            NGX_FILE_RDONLY|NGX_FILE_NONBLOCK, NGX_FILE_OPEN,
                            0);

    if (file.fd == NGX_INVALID_FILE) {
        return ngx_sendkit_auth_redis_login_bad(login, log, ngx_errno,
                                                "cannot be opened");
    }

    n = ngx_read_fd(file.fd, password->data,
                    NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX + 1);

    if (n == -1) {
        (void) ngx_sendkit_auth_redis_login_bad(login, log, ngx_errno,
                                                "cannot be read");
    }

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_file_n " \"%V\" failed", &file.name);
    }

    if (n == -1) {
        return NGX_ERROR;
    }

    if (n > NGX_SENDKIT_AUTH_REDIS_PASSWORD_MAX) {
        return ngx_sendkit_auth_redis_login_bad(login, log, 0, "is too long");
    }

    if (n != 0 && password->data[n - 1] == '\n') {
        n--;
    }

    if (n == 0) {
        return ngx_sendkit_auth_redis_login_bad(login, log, 0, "is empty");
    }

    password->len = (size_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_redis_login_bad(ngx_sendkit_auth_redis_login_t *login,
    ngx_log_t *log, ngx_err_t err, const char *why)
{
    if (!login->failed) {
        ngx_log_error(NGX_LOG_ERR, log, err,
                      "file \"%V\" of the refused redis password %s, "
                      "the password is kept", &login->conf->file, why);
    }

    login->failed = 1;

    return NGX_ERROR;
}
