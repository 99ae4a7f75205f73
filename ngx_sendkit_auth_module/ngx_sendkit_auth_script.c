
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_sha1.h>

#include "ngx_sendkit_auth_script.h"


#define NGX_SENDKIT_AUTH_SHA1_LEN  20


static sendkit_span_t ngx_sendkit_auth_script_name(
    ngx_sendkit_auth_script_e script, u_char *buf);


static const sendkit_span_t  *ngx_sendkit_auth_scripts[] = {
    &sendkit_script_workspace_key,
    &sendkit_script_add_record,
    &sendkit_script_add_role
};


ngx_int_t
ngx_sendkit_auth_script_run(ngx_sendkit_auth_flight_t *flight,
    ngx_sendkit_auth_script_e script, const sendkit_span_t *words,
    ngx_uint_t nkeys, ngx_uint_t nwords, ngx_sendkit_auth_learn_pt learn)
{
    u_char                          digit, sha1[2 * NGX_SENDKIT_AUTH_SHA1_LEN];
    sendkit_span_t                  command[NGX_SENDKIT_AUTH_REDIS_ARGS];
    static sendkit_span_t           eval = SENDKIT_SPAN("EVAL");
    static sendkit_span_t           evalsha = SENDKIT_SPAN("EVALSHA");
    ngx_sendkit_auth_redis_query_t  query;

    if (flight->eval) {
        command[0] = eval;
        command[1] = *ngx_sendkit_auth_scripts[script];

    } else {
        command[0] = evalsha;
        command[1] = ngx_sendkit_auth_script_name(script, sha1);
    }

    digit = (u_char) ('0' + nkeys);

    command[2].data = &digit;
    command[2].len = 1;

    ngx_memcpy(&command[3], words, nwords * sizeof(sendkit_span_t));

    query.words = command;
    query.nwords = nwords + 3;
    query.key = words[0];
    query.reads = 0;

    return ngx_sendkit_auth_flight_send(flight, &query, learn);
}


/* Redis names a script by the SHA-1 of its source */

static sendkit_span_t
ngx_sendkit_auth_script_name(ngx_sendkit_auth_script_e script, u_char *buf)
{
    u_char                 sha1[NGX_SENDKIT_AUTH_SHA1_LEN];
    ngx_sha1_t             ctx;
    sendkit_span_t         name;
    const sendkit_span_t  *source;

    source = ngx_sendkit_auth_scripts[script];

    ngx_sha1_init(&ctx);
    ngx_sha1_update(&ctx, source->data, source->len);
    ngx_sha1_final(sha1, &ctx);

    name.data = buf;
    name.len = ngx_hex_dump(buf, sha1, NGX_SENDKIT_AUTH_SHA1_LEN) - buf;

    return name;
}


sendkit_script_e
ngx_sendkit_auth_script_answer(const ngx_sendkit_auth_redis_reply_t *reply)
{
    return reply->type == NGX_SENDKIT_AUTH_REDIS_STATUS
           ? sendkit_script_answer(reply->values[0]) : SENDKIT_SCRIPT_UNKNOWN;
}
