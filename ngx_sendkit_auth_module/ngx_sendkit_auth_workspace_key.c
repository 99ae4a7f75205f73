
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_workspace_key.h"
#include "ngx_sendkit_auth_script.h"


static ngx_int_t ngx_sendkit_auth_workspace_key_read(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_workspace_key_learn(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_workspace_key_swap(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_workspace_key_swapped(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_workspace_key_start(
    ngx_sendkit_auth_waiter_t *waiter, const sendkit_key_change_t *change,
    ngx_sendkit_auth_step_pt step, ngx_msec_t timeout);
static void ngx_sendkit_auth_workspace_key_log(
    ngx_sendkit_auth_flight_t *flight);
static sendkit_span_t ngx_sendkit_auth_workspace_key_digest(
    const sendkit_workspace_key_t *key);


static const sendkit_span_t  ngx_sendkit_auth_nothing = { NULL, 0 };


ngx_int_t
ngx_sendkit_auth_workspace_key_lookup(ngx_sendkit_auth_waiter_t *waiter,
    sendkit_span_t workspace, ngx_msec_t timeout)
{
    sendkit_key_change_t  change;

    ngx_memzero(&change, sizeof(sendkit_key_change_t));

    (void) sendkit_id_set_workspace(&change.workspace, workspace);

    return ngx_sendkit_auth_workspace_key_start(waiter, &change,
                                        ngx_sendkit_auth_workspace_key_read,
                                        timeout);
}


ngx_int_t
ngx_sendkit_auth_workspace_key_change(ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_key_change_t *change, ngx_msec_t timeout)
{
    return ngx_sendkit_auth_workspace_key_start(waiter, change,
                                        ngx_sendkit_auth_workspace_key_swap,
                                        timeout);
}


/* the flight has its own copy: it may outlive who waits for it */

static ngx_int_t
ngx_sendkit_auth_workspace_key_start(ngx_sendkit_auth_waiter_t *waiter,
    const sendkit_key_change_t *change, ngx_sendkit_auth_step_pt step,
    ngx_msec_t timeout)
{
    ngx_sendkit_auth_flight_t  *flight;

    ngx_sendkit_auth_waiter_cancel(waiter);

    flight = ngx_sendkit_auth_flight_create();
    if (flight == NULL) {
        waiter->result.store = SENDKIT_STORE_OVERLOAD;
        return NGX_ERROR;
    }

    flight->change = *change;

    return ngx_sendkit_auth_flight_start(flight, step, waiter, timeout);
}


static ngx_int_t
ngx_sendkit_auth_workspace_key_read(ngx_sendkit_auth_flight_t *flight)
{
    u_char                          buf[SENDKIT_SCHEMA_NAME_MAX];
    sendkit_span_t                  words[2 + SENDKIT_WORKSPACE_KEY_NFIELDS];
    static sendkit_span_t           hmget = SENDKIT_SPAN("HMGET");
    ngx_sendkit_auth_redis_query_t  query;

    words[0] = hmget;
    words[1] = ngx_sendkit_auth_flight_name(buf, SENDKIT_SCHEMA_WORKSPACE_KEY,
                                  sendkit_id_span(&flight->change.workspace),
                                  ngx_sendkit_auth_nothing);

    ngx_memcpy(&words[2], sendkit_workspace_key_fields,
               sizeof(sendkit_workspace_key_fields));

    query.words = words;
    query.nwords = 2 + SENDKIT_WORKSPACE_KEY_NFIELDS;
    query.key = words[1];
    query.reads = 1;

    return ngx_sendkit_auth_flight_send(flight, &query,
                                        ngx_sendkit_auth_workspace_key_learn);
}


static ngx_int_t
ngx_sendkit_auth_workspace_key_learn(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    if (reply->type != NGX_SENDKIT_AUTH_REDIS_ARRAY
        || reply->nvalues != SENDKIT_WORKSPACE_KEY_NFIELDS)
    {
        return NGX_ERROR;
    }

    sendkit_workspace_key_parse(&flight->result.key, reply->values);

    return NGX_OK;
}


static ngx_int_t
ngx_sendkit_auth_workspace_key_swap(ngx_sendkit_auth_flight_t *flight)
{
    u_char                       pointer[SENDKIT_SCHEMA_NAME_MAX];
    u_char                       from[SENDKIT_SCHEMA_NAME_MAX];
    u_char                       to[SENDKIT_SCHEMA_NAME_MAX];
    sendkit_span_t               words[9];
    const sendkit_key_change_t  *change;

    change = &flight->change;

    words[3] = ngx_sendkit_auth_workspace_key_digest(&change->from);
    words[4] = ngx_sendkit_auth_workspace_key_digest(&change->to);
    words[5] = sendkit_id_span(&change->workspace);
    words[6].data = change->to.created_at;
    words[6].len = SENDKIT_WORKSPACE_KEY_TIME_LEN;
    words[7] = sendkit_id_span(&change->to.created_by);
    words[8].data = change->to.masked;
    words[8].len = change->to.masked_len;

    words[0] = ngx_sendkit_auth_flight_name(pointer,
                                            SENDKIT_SCHEMA_WORKSPACE_KEY,
                                            words[5],
                                            ngx_sendkit_auth_nothing);
    words[1] = ngx_sendkit_auth_flight_name(from, SENDKIT_SCHEMA_KEY, words[3],
                                            ngx_sendkit_auth_nothing);
    words[2] = ngx_sendkit_auth_flight_name(to, SENDKIT_SCHEMA_KEY, words[4],
                                            ngx_sendkit_auth_nothing);

    return ngx_sendkit_auth_script_run(flight,
                                       NGX_SENDKIT_AUTH_SCRIPT_WORKSPACE_KEY,
                                       words, 3, 9,
                                       ngx_sendkit_auth_workspace_key_swapped);
}


static ngx_int_t
ngx_sendkit_auth_workspace_key_swapped(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    flight->result.script = ngx_sendkit_auth_script_answer(reply);

    if (flight->result.script == SENDKIT_SCRIPT_OK
        && ngx_queue_empty(&flight->waiters))
    {
        ngx_sendkit_auth_workspace_key_log(flight);
    }

    return flight->result.script != SENDKIT_SCRIPT_UNKNOWN ? NGX_OK
                                                           : NGX_ERROR;
}


/* the request that would have said so is gone */

static void
ngx_sendkit_auth_workspace_key_log(ngx_sendkit_auth_flight_t *flight)
{
    const sendkit_id_t  *user, *workspace;

    user = &flight->change.to.created_by;
    workspace = &flight->change.workspace;

    ngx_log_error(NGX_LOG_NOTICE, flight->event.log, 0,
                  "sendkit keys: user \"%*s\" changed key of workspace "
                  "\"%*s\", but got no answer", (size_t) user->len,
                  user->data, (size_t) workspace->len, workspace->data);
}


static sendkit_span_t
ngx_sendkit_auth_workspace_key_digest(const sendkit_workspace_key_t *key)
{
    sendkit_span_t  digest;

    if (key->state != SENDKIT_RECORD_FOUND) {
        return ngx_sendkit_auth_nothing;
    }

    digest.data = key->digest;
    digest.len = SENDKIT_DIGEST_HEX_LEN;

    return digest;
}
