
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_redis_command.h"
#include "ngx_sendkit_auth_redis_hello.h"


static ngx_int_t ngx_sendkit_auth_redis_hello_step(
    ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_conn_t *conn, ngx_sendkit_auth_redis_step_e step,
    const sendkit_span_t *args, ngx_uint_t nargs);
static ngx_int_t ngx_sendkit_auth_redis_hello_refused(
    ngx_sendkit_auth_redis_hello_t *hello, ngx_sendkit_auth_redis_step_e step,
    sendkit_span_t error, ngx_log_t *log);
static ngx_int_t ngx_sendkit_auth_redis_hello_role(
    ngx_sendkit_auth_redis_reply_e type, sendkit_span_t info, ngx_log_t *log);


void
ngx_sendkit_auth_redis_hello_init(ngx_sendkit_auth_redis_hello_t *hello,
    const ngx_sendkit_auth_redis_conf_t *conf,
    ngx_sendkit_auth_redis_peer_e peer, ngx_sendkit_auth_redis_login_t *login)
{
    hello->conf = conf;
    hello->peer = peer;
    hello->login = login;
}


ngx_int_t
ngx_sendkit_auth_redis_hello_say(ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_conn_t *conn)
{
    u_char                 name[sizeof("sendkit-auth--") + 2 * NGX_INT64_LEN];
    ngx_uint_t             n;
    sendkit_span_t         auth[NGX_SENDKIT_AUTH_REDIS_LOGIN_ARGS];
    static sendkit_span_t  info[] = {
        SENDKIT_SPAN("INFO"), SENDKIT_SPAN("replication")
    };
    sendkit_span_t         select[] = { SENDKIT_SPAN("SELECT"), { NULL, 0 } };
    sendkit_span_t         setname[] = {
        SENDKIT_SPAN("CLIENT"), SENDKIT_SPAN("SETNAME"), { NULL, 0 }
    };

    hello->nsteps = 0;
    hello->next = 0;

    n = ngx_sendkit_auth_redis_login_args(hello->login, auth);

    if (n != 0
        && ngx_sendkit_auth_redis_hello_step(hello, conn,
                                             NGX_SENDKIT_AUTH_REDIS_AUTH,
                                             auth, n)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    setname[2].data = name;
    setname[2].len = ngx_sprintf(name, "sendkit-auth-%P-%ui", ngx_pid,
                                 ngx_worker)
                     - name;

    if (ngx_sendkit_auth_redis_hello_step(hello, conn,
                                          NGX_SENDKIT_AUTH_REDIS_SETNAME,
                                          setname, 3)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (hello->peer == NGX_SENDKIT_AUTH_REDIS_A_SENTINEL
        || hello->peer == NGX_SENDKIT_AUTH_REDIS_A_CHANNEL)
    {
        return NGX_OK;
    }

    select[1] = ngx_sendkit_auth_redis_span(hello->conf->db);

    if (select[1].len != 0
        && ngx_sendkit_auth_redis_hello_step(hello, conn,
                                             NGX_SENDKIT_AUTH_REDIS_SELECT,
                                             select, 2)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (hello->peer != NGX_SENDKIT_AUTH_REDIS_MASTER) {
        return NGX_OK;
    }

    return ngx_sendkit_auth_redis_hello_step(hello, conn,
                                             NGX_SENDKIT_AUTH_REDIS_INFO,
                                             info, 2);
}


static ngx_int_t
ngx_sendkit_auth_redis_hello_step(ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_conn_t *conn, ngx_sendkit_auth_redis_step_e step,
    const sendkit_span_t *args, ngx_uint_t nargs)
{
    hello->steps[hello->nsteps++] = step;

    return ngx_sendkit_auth_redis_put(conn, args, nargs);
}


ngx_uint_t
ngx_sendkit_auth_redis_hello_waits(const ngx_sendkit_auth_redis_hello_t *hello)
{
    return hello->next != hello->nsteps;
}


ngx_int_t
ngx_sendkit_auth_redis_hello_reply(ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_reply_e type, sendkit_span_t value, ngx_log_t *log)
{
    ngx_sendkit_auth_redis_step_e  step;
    static const sendkit_span_t    ok = SENDKIT_SPAN("OK");

    step = hello->steps[hello->next++];

    if (type == NGX_SENDKIT_AUTH_REDIS_ERROR) {
        return ngx_sendkit_auth_redis_hello_refused(hello, step, value, log);
    }

    if (step == NGX_SENDKIT_AUTH_REDIS_INFO) {
        return ngx_sendkit_auth_redis_hello_role(type, value, log);
    }

    return type == NGX_SENDKIT_AUTH_REDIS_STATUS
           && sendkit_span_equal(value, ok) ? NGX_OK : NGX_ERROR;
}


/* a name is for the eyes of an operator only */

static ngx_int_t
ngx_sendkit_auth_redis_hello_refused(ngx_sendkit_auth_redis_hello_t *hello,
    ngx_sendkit_auth_redis_step_e step, sendkit_span_t error, ngx_log_t *log)
{
    char    *action;
    size_t   len;

    len = ngx_sendkit_auth_redis_error_len(error, 1);

    if (step == NGX_SENDKIT_AUTH_REDIS_SETNAME) {
        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "redis refused CLIENT SETNAME: \"%*s\"", len,
                      error.data);
        return NGX_OK;
    }

    action = log->action;

    if (action == NULL) {
        log->action = "authenticating";
    }

    ngx_log_error(NGX_LOG_ERR, log, 0, "redis sent error \"%*s\"", len,
                  error.data);

    log->action = action;

    if (step == NGX_SENDKIT_AUTH_REDIS_AUTH
        && ngx_sendkit_auth_redis_login_refused(hello->login, log))
    {
        return NGX_AGAIN;
    }

    return NGX_DECLINED;
}


/* "# Replication", then a line for each field */

static ngx_int_t
ngx_sendkit_auth_redis_hello_role(ngx_sendkit_auth_redis_reply_e type,
    sendkit_span_t info, ngx_log_t *log)
{
    if (type != NGX_SENDKIT_AUTH_REDIS_STRING) {
        return NGX_ERROR;
    }

    if (ngx_strnstr((u_char *) info.data, "\nrole:master\r", info.len)
        != NULL)
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, log, 0, "redis is no master");

    return NGX_DECLINED;
}
