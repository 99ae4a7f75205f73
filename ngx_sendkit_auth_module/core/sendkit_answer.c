
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_answer.h"


static sendkit_store_e sendkit_answer_status(unsigned status);
static int sendkit_answer_agrees(const sendkit_record_t *record,
    sendkit_span_t named, sendkit_span_t workspace, sendkit_span_t user);


const sendkit_span_t  sendkit_answer_headers[SENDKIT_ANSWER_NHEADERS] = {
    SENDKIT_SPAN("x-sendkit-key-type"),
    SENDKIT_SPAN("x-sendkit-user-id"),
    SENDKIT_SPAN("x-sendkit-workspace-id"),
    SENDKIT_SPAN("x-sendkit-key-expires"),
    SENDKIT_SPAN(""),           /* a key that is not active is not known */
    SENDKIT_SPAN("x-sendkit-role")
};


void
sendkit_answer_parse(sendkit_answer_t *answer, unsigned status,
    const sendkit_span_t *values, sendkit_key_e kind,
    sendkit_span_t workspace, sendkit_span_t user)
{
    memset(answer, 0, sizeof(sendkit_answer_t));

    answer->store = sendkit_answer_status(status);

    if (answer->store != SENDKIT_STORE_OK) {
        return;
    }

    if (status == 404) {
        answer->record.state = SENDKIT_RECORD_ABSENT;
        return;
    }

    answer->store = SENDKIT_STORE_ERROR;

    sendkit_record_parse(&answer->record, values);

    if (answer->record.state != SENDKIT_RECORD_FOUND
        || answer->record.kind != kind
        || !sendkit_answer_agrees(&answer->record,
                                  values[SENDKIT_ANSWER_WORKSPACE],
                                  workspace, user))
    {
        return;
    }

    answer->store = SENDKIT_STORE_OK;

    if (answer->record.kind == SENDKIT_KEY_PLATFORM && workspace.len != 0) {
        answer->role = sendkit_role_parse(values[SENDKIT_ANSWER_ROLE]);
    }
}


static sendkit_store_e
sendkit_answer_status(unsigned status)
{
    switch (status) {

    case 200:
    case 404:
        return SENDKIT_STORE_OK;

    case 502:
    case 503:
        return SENDKIT_STORE_DOWN;

    case 504:
        return SENDKIT_STORE_TIMEOUT;

    default:
        return SENDKIT_STORE_ERROR;
    }
}


static int
sendkit_answer_agrees(const sendkit_record_t *record, sendkit_span_t named,
    sendkit_span_t workspace, sendkit_span_t user)
{
    if (record->kind != SENDKIT_KEY_PLATFORM) {
        return user.len == 0;
    }

    if (named.data != NULL && !sendkit_span_equal(named, workspace)) {
        return 0;
    }

    return user.len == 0
           || sendkit_span_equal(sendkit_id_span(&record->user), user);
}
