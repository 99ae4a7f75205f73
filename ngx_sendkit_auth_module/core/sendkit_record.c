
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_record.h"


#define SENDKIT_RECORD_EXPIRES_DIGITS  15


static int sendkit_record_is_absent(const sendkit_span_t *values);
static int sendkit_record_parse_expires(sendkit_record_t *record,
    sendkit_span_t value);
static int sendkit_record_parse_owner(sendkit_record_t *record,
    const sendkit_span_t *values);


const sendkit_span_t  sendkit_record_fields[SENDKIT_RECORD_NFIELDS] = {
    SENDKIT_SPAN("type"),
    SENDKIT_SPAN("user"),
    SENDKIT_SPAN("workspace"),
    SENDKIT_SPAN("expires"),
    SENDKIT_SPAN("status")
};


static const sendkit_span_t  sendkit_record_active = SENDKIT_SPAN("active");


void
sendkit_record_parse(sendkit_record_t *record, const sendkit_span_t *values)
{
    sendkit_span_t  status;

    memset(record, 0, sizeof(sendkit_record_t));

    if (sendkit_record_is_absent(values)) {
        record->state = SENDKIT_RECORD_ABSENT;
        return;
    }

    record->state = SENDKIT_RECORD_MALFORMED;

    if (!sendkit_record_parse_owner(record, values)
        || !sendkit_record_parse_expires(record,
                                         values[SENDKIT_RECORD_EXPIRES]))
    {
        return;
    }

    status = values[SENDKIT_RECORD_STATUS];

    record->active = status.data == NULL
                     || sendkit_span_equal(status, sendkit_record_active);

    record->state = SENDKIT_RECORD_FOUND;
}


static int
sendkit_record_is_absent(const sendkit_span_t *values)
{
    size_t  i;

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        if (values[i].data != NULL) {
            return 0;
        }
    }

    return 1;
}


static int
sendkit_record_parse_owner(sendkit_record_t *record,
    const sendkit_span_t *values)
{
    record->kind = sendkit_key_parse_name(values[SENDKIT_RECORD_TYPE]);

    switch (record->kind) {

    case SENDKIT_KEY_PLATFORM:
        return sendkit_id_set_user(&record->user,
                                   values[SENDKIT_RECORD_USER]);

    case SENDKIT_KEY_WORKSPACE:
        return sendkit_id_set_workspace(&record->workspace,
                                        values[SENDKIT_RECORD_WORKSPACE]);

    case SENDKIT_KEY_MALFORMED:
        break;
    }

    return 0;
}


static int
sendkit_record_parse_expires(sendkit_record_t *record, sendkit_span_t value)
{
    size_t  i;

    if (value.data == NULL) {
        return 1;
    }

    if (value.len == 0 || value.len > SENDKIT_RECORD_EXPIRES_DIGITS) {
        return 0;
    }

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return 0;
        }

        record->expires = record->expires * 10 + (value.data[i] - '0');
    }

    /* "0" is a time like any other, long gone, and not "never" */

    if (record->expires == 0) {
        record->expires = 1;
    }

    return 1;
}
