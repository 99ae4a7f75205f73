
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_read_through.h"
#include "ngx_sendkit_auth_script.h"


static ngx_int_t ngx_sendkit_auth_through_learn_no(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);

static ngx_int_t ngx_sendkit_auth_through_no(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_through_record(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_through_learn_record(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);
static ngx_int_t ngx_sendkit_auth_through_role(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_through_learn_role(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);

static ngx_int_t ngx_sendkit_auth_through_learn_kept(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply);

static ngx_int_t ngx_sendkit_auth_through_remember_no(
    ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_subject_t *subject, sendkit_schema_e kind,
    ngx_sendkit_auth_learn_pt learn);
static ngx_int_t ngx_sendkit_auth_through_again(
    ngx_sendkit_auth_flight_t *flight);
static ngx_int_t ngx_sendkit_auth_through_give_up(
    ngx_sendkit_auth_flight_t *flight);
static sendkit_schema_e ngx_sendkit_auth_through_marker(
    const ngx_sendkit_auth_flight_t *flight);
static sendkit_span_t ngx_sendkit_auth_through_number(u_char *buf, int64_t n);


ngx_int_t
ngx_sendkit_auth_through_start(ngx_sendkit_auth_flight_t *flight)
{
    u_char                 buf[SENDKIT_SCHEMA_NAME_MAX];
    sendkit_span_t         words[2];
    static sendkit_span_t  get = SENDKIT_SPAN("GET");

    words[0] = get;
    words[1] = ngx_sendkit_auth_subject_name(buf,
                                     ngx_sendkit_auth_through_marker(flight),
                                     &flight->subject);

    return ngx_sendkit_auth_flight_read(flight, words, 2,
                                        ngx_sendkit_auth_through_learn_no);
}


/* there is a marker, which says that the origin knows nothing, or not */

static ngx_int_t
ngx_sendkit_auth_through_learn_no(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    switch (reply->type) {

    case NGX_SENDKIT_AUTH_REDIS_STRING:
        return NGX_OK;

    case NGX_SENDKIT_AUTH_REDIS_NIL:
        flight->keep = NULL;
        ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_flight_ask);
        return NGX_AGAIN;

    default:
        return NGX_ERROR;
    }
}


ngx_int_t
ngx_sendkit_auth_through_answer(ngx_sendkit_auth_flight_t *flight)
{
    if (flight->answer.store != SENDKIT_STORE_OK) {
        flight->result.store = flight->answer.store;
        return NGX_ERROR;
    }

    if (flight->answer.record.state == SENDKIT_RECORD_ABSENT) {
        return ngx_sendkit_auth_through_no(flight);
    }

    /* the role first: who finds the record would look for it */

    if (flight->answer.record.kind == SENDKIT_KEY_PLATFORM
        && flight->subject.workspace.len != 0)
    {
        return ngx_sendkit_auth_through_role(flight);
    }

    return ngx_sendkit_auth_through_record(flight);
}


static ngx_int_t
ngx_sendkit_auth_through_no(ngx_sendkit_auth_flight_t *flight)
{
    return ngx_sendkit_auth_through_remember_no(flight, &flight->subject,
                                     ngx_sendkit_auth_through_marker(flight),
                                     ngx_sendkit_auth_through_learn_kept);
}


static ngx_int_t
ngx_sendkit_auth_through_record(ngx_sendkit_auth_flight_t *flight)
{
    u_char                    buf[SENDKIT_SCHEMA_NAME_MAX];
    u_char                    ttl[NGX_INT64_LEN], expires[NGX_INT64_LEN];
    ngx_uint_t                field, n;
    sendkit_span_t            words[8];
    const sendkit_record_t   *record;

    record = &flight->answer.record;

    field = record->kind == SENDKIT_KEY_PLATFORM ? SENDKIT_RECORD_USER
                                                 : SENDKIT_RECORD_WORKSPACE;
    n = 0;

    words[n++] = ngx_sendkit_auth_subject_name(buf, SENDKIT_SCHEMA_KEY,
                                               &flight->subject);
    words[n++] = ngx_sendkit_auth_through_number(ttl, flight->conf->origin_ttl);
    words[n++] = sendkit_record_fields[SENDKIT_RECORD_TYPE];
    words[n++] = sendkit_key_name(record->kind);
    words[n++] = sendkit_record_fields[field];
    words[n++] = sendkit_id_span(field == SENDKIT_RECORD_USER
                                 ? &record->user : &record->workspace);

    if (record->expires != 0) {
        words[n++] = sendkit_record_fields[SENDKIT_RECORD_EXPIRES];
        words[n++] = ngx_sendkit_auth_through_number(expires, record->expires);
    }

    return ngx_sendkit_auth_script_run(flight,
                                       NGX_SENDKIT_AUTH_SCRIPT_ADD_RECORD,
                                       words, 1, n,
                                       ngx_sendkit_auth_through_learn_record);
}


static ngx_int_t
ngx_sendkit_auth_through_learn_record(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    switch (ngx_sendkit_auth_script_answer(reply)) {

    case SENDKIT_SCRIPT_OK:
        flight->result.record = flight->answer.record;
        return NGX_OK;

    case SENDKIT_SCRIPT_CHANGED:
        return ngx_sendkit_auth_through_again(flight);

    default:
        return NGX_ERROR;
    }
}


static ngx_int_t
ngx_sendkit_auth_through_role(ngx_sendkit_auth_flight_t *flight)
{
    u_char                      buf[SENDKIT_SCHEMA_NAME_MAX];
    u_char                      ttl[NGX_INT64_LEN];
    sendkit_span_t              words[4];
    ngx_sendkit_auth_subject_t  subject;

    subject = flight->subject;
    subject.user = flight->answer.record.user;

    if (flight->answer.role == SENDKIT_ROLE_NONE) {
        return ngx_sendkit_auth_through_remember_no(flight, &subject,
                                          SENDKIT_SCHEMA_NO_ROLE,
                                          ngx_sendkit_auth_through_learn_role);
    }

    words[0] = ngx_sendkit_auth_subject_name(buf, SENDKIT_SCHEMA_ROLES,
                                             &subject);
    words[1] = ngx_sendkit_auth_through_number(ttl, flight->conf->origin_ttl);
    words[2] = sendkit_id_span(&subject.user);
    words[3] = sendkit_role_name(flight->answer.role);

    return ngx_sendkit_auth_script_run(flight,
                                       NGX_SENDKIT_AUTH_SCRIPT_ADD_ROLE,
                                       words, 1, 4,
                                       ngx_sendkit_auth_through_learn_role);
}


static ngx_int_t
ngx_sendkit_auth_through_learn_role(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    switch (ngx_sendkit_auth_script_answer(reply)) {

    case SENDKIT_SCRIPT_OK:
        flight->result.role_state = SENDKIT_ROLE_READ;
        flight->result.role = flight->answer.role;
        break;

    case SENDKIT_SCRIPT_CHANGED:

        if (flight->subject.kind == NGX_SENDKIT_AUTH_OF_ROLE) {
            return ngx_sendkit_auth_through_again(flight);
        }

        /* it is looked up on its own then */

        break;

    default:
        return NGX_ERROR;
    }

    if (flight->subject.kind == NGX_SENDKIT_AUTH_OF_ROLE) {
        return NGX_OK;
    }

    ngx_sendkit_auth_flight_step(flight, ngx_sendkit_auth_through_record);

    return NGX_AGAIN;
}


static ngx_int_t
ngx_sendkit_auth_through_learn_kept(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_redis_reply_t *reply)
{
    return ngx_sendkit_auth_script_answer(reply) == SENDKIT_SCRIPT_OK
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_sendkit_auth_through_remember_no(ngx_sendkit_auth_flight_t *flight,
    const ngx_sendkit_auth_subject_t *subject, sendkit_schema_e kind,
    ngx_sendkit_auth_learn_pt learn)
{
    u_char                          buf[SENDKIT_SCHEMA_NAME_MAX];
    u_char                          ttl[NGX_INT64_LEN];
    sendkit_span_t                  words[5];
    static sendkit_span_t           px = SENDKIT_SPAN("PX");
    static sendkit_span_t           set = SENDKIT_SPAN("SET");
    static sendkit_span_t           value = SENDKIT_SPAN("1");
    ngx_sendkit_auth_redis_query_t  query;

    words[0] = set;
    words[1] = ngx_sendkit_auth_subject_name(buf, kind, subject);
    words[2] = value;
    words[3] = px;
    words[4] = ngx_sendkit_auth_through_number(ttl,
                                               flight->conf->negative_ttl);

    query.words = words;
    query.nwords = 5;
    query.key = words[1];
    query.reads = 0;

    return ngx_sendkit_auth_flight_send(flight, &query, learn);
}


/* somebody was faster: what is in Redis now counts */

static ngx_int_t
ngx_sendkit_auth_through_again(ngx_sendkit_auth_flight_t *flight)
{
    ngx_sendkit_auth_flight_step(flight, flight->restarted
                                         ? ngx_sendkit_auth_through_give_up
                                         : flight->first);
    flight->restarted = 1;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_sendkit_auth_through_give_up(ngx_sendkit_auth_flight_t *flight)
{
    flight->result.store = SENDKIT_STORE_ERROR;

    return NGX_ERROR;
}


static sendkit_schema_e
ngx_sendkit_auth_through_marker(const ngx_sendkit_auth_flight_t *flight)
{
    return flight->subject.kind == NGX_SENDKIT_AUTH_OF_ROLE
           ? SENDKIT_SCHEMA_NO_ROLE : SENDKIT_SCHEMA_NO_KEY;
}


static sendkit_span_t
ngx_sendkit_auth_through_number(u_char *buf, int64_t n)
{
    sendkit_span_t  number;

    number.data = buf;
    number.len = ngx_sprintf(buf, "%L", n) - buf;

    return number;
}
