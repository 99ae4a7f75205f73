
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authctl_entry.h"
#include "authctl_output.h"
#include "authctl_record.h"


static int authctl_record_read_created(authctl_t *ctl,
    authctl_record_t *record, sendkit_span_t workspace);
static int authctl_record_hmget(authctl_t *ctl, sendkit_span_t name,
    const sendkit_span_t *fields, size_t nfields, authctl_reply_t **reply);
static const char *authctl_record_state(const authctl_record_t *record);
static json_t *authctl_record_json_value(size_t field, sendkit_span_t value);


static const sendkit_span_t  authctl_record_hmget_word = SENDKIT_SPAN("HMGET");


int
authctl_record_read(authctl_t *ctl, authctl_record_t *record,
    sendkit_span_t digest, sendkit_span_t workspace)
{
    int             status;
    authctl_name_t  name;

    memset(record, 0, sizeof(authctl_record_t));

    status = authctl_record_hmget(ctl, authctl_name(ctl, &name,
                                                    SENDKIT_SCHEMA_KEY,
                                                    digest),
                                  sendkit_record_fields,
                                  SENDKIT_RECORD_NFIELDS,
                                  &record->replies[0]);
    if (status != AUTHCTL_OK) {
        return status;
    }

    authctl_record_set(record, digest, record->replies[0]);

    if (workspace.len == 0 && record->record.state == SENDKIT_RECORD_FOUND) {
        workspace = sendkit_id_span(&record->record.workspace);
    }

    return workspace.len != 0
           ? authctl_record_read_created(ctl, record, workspace)
           : AUTHCTL_OK;
}


static int
authctl_record_read_created(authctl_t *ctl, authctl_record_t *record,
    sendkit_span_t workspace)
{
    int             status;
    authctl_name_t  name;
    sendkit_span_t  values[SENDKIT_WORKSPACE_KEY_NFIELDS];

    status = authctl_record_hmget(ctl, authctl_name(ctl, &name,
                                                SENDKIT_SCHEMA_WORKSPACE_KEY,
                                                workspace),
                                  sendkit_workspace_key_fields,
                                  SENDKIT_WORKSPACE_KEY_NFIELDS,
                                  &record->replies[1]);
    if (status != AUTHCTL_OK) {
        return status;
    }

    if (authctl_reply_values(record->replies[1], values,
                             SENDKIT_WORKSPACE_KEY_NFIELDS)
        && values[SENDKIT_WORKSPACE_KEY_DIGEST].data != NULL
        && sendkit_span_equal(values[SENDKIT_WORKSPACE_KEY_DIGEST],
                              record->digest))
    {
        memcpy(record->created, values, sizeof(values));
    }

    return AUTHCTL_OK;
}


static int
authctl_record_hmget(authctl_t *ctl, sendkit_span_t name,
    const sendkit_span_t *fields, size_t nfields, authctl_reply_t **reply)
{
    sendkit_span_t  args[2 + SENDKIT_RECORD_NFIELDS];

    args[0] = authctl_record_hmget_word;
    args[1] = name;
    memcpy(&args[2], fields, nfields * sizeof(sendkit_span_t));

    *reply = authctl_redis_command(ctl->redis, args, 2 + nfields);

    return *reply != NULL ? AUTHCTL_OK : AUTHCTL_REDIS;
}


void
authctl_record_free(authctl_record_t *record)
{
    size_t  i;

    for (i = 0; i < 2; i++) {
        if (record->replies[i] != NULL) {
            authctl_reply_free(record->replies[i]);
            record->replies[i] = NULL;
        }
    }
}


void
authctl_record_set(authctl_record_t *record, sendkit_span_t digest,
    const authctl_reply_t *reply)
{
    record->digest = digest;

    if (!authctl_reply_values(reply, record->values, SENDKIT_RECORD_NFIELDS)) {
        memset(record->values, 0, sizeof(record->values));
        record->record.state = SENDKIT_RECORD_MALFORMED;
        return;
    }

    sendkit_record_parse(&record->record, record->values);

    /* under another name no key has it */

    if (!authctl_is_digest(digest)) {
        record->record.state = SENDKIT_RECORD_MALFORMED;
    }
}


void
authctl_record_command(sendkit_span_t *args)
{
    args[0] = authctl_record_hmget_word;
    memcpy(&args[1], sendkit_record_fields, sizeof(sendkit_record_fields));
}


/* how the gateway takes it */

static const char *
authctl_record_state(const authctl_record_t *record)
{
    switch (record->record.state) {

    case SENDKIT_RECORD_FOUND:
        break;

    case SENDKIT_RECORD_ABSENT:
        return "absent";

    default:
        return "malformed";
    }

    /* in the order of sendkit_decision() */

    if (record->record.expires != 0
        && (int64_t) time(NULL) >= record->record.expires)
    {
        return "expired";
    }

    return record->record.active ? "active" : "inactive";
}


json_t *
authctl_record_json(const authctl_record_t *record)
{
    size_t              i;
    json_t             *object;
    authctl_escaped_t   digest;

    object = json_object();

    if (object == NULL) {
        return NULL;
    }

    (void) json_object_set_new(object, "digest",
                               json_string(authctl_escape_hidden(&digest,
                                                          record->digest)));
    (void) json_object_set_new(object, "state",
                               json_string(authctl_record_state(record)));

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        if (record->values[i].data != NULL) {
            (void) json_object_set_new(object,
                           (const char *) sendkit_record_fields[i].data,
                           authctl_record_json_value(i, record->values[i]));
        }
    }

    /* the digest is there already */

    for (i = SENDKIT_WORKSPACE_KEY_CREATED_AT;
         i < SENDKIT_WORKSPACE_KEY_NFIELDS;
         i++)
    {
        if (record->created[i].data != NULL) {
            (void) json_object_set_new(object,
                           (const char *) sendkit_workspace_key_fields[i].data,
                           authctl_json_string(record->created[i]));
        }
    }

    return object;
}


/* a time is a number where it is one, as in an export */

static json_t *
authctl_record_json_value(size_t field, sendkit_span_t value)
{
    size_t     i;
    json_int_t  n;

    if (field != SENDKIT_RECORD_EXPIRES || value.len == 0 || value.len > 15) {
        return authctl_json_string(value);
    }

    n = 0;

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return authctl_json_string(value);
        }

        n = n * 10 + (value.data[i] - '0');
    }

    return json_integer(n);
}


void
authctl_record_print(const authctl_record_t *record)
{
    size_t  i;

    authctl_print_field("digest", record->digest);
    authctl_print_field("state", authctl_span(authctl_record_state(record)));

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        authctl_print_field((const char *) sendkit_record_fields[i].data,
                            record->values[i]);
    }

    for (i = SENDKIT_WORKSPACE_KEY_CREATED_AT;
         i < SENDKIT_WORKSPACE_KEY_NFIELDS;
         i++)
    {
        authctl_print_field((const char *) sendkit_workspace_key_fields[i].data,
                            record->created[i]);
    }
}


void
authctl_record_print_line(const authctl_record_t *record)
{
    sendkit_span_t     owner;
    authctl_escaped_t  digest, type, id, end;

    owner = record->record.kind == SENDKIT_KEY_WORKSPACE
            ? record->values[SENDKIT_RECORD_WORKSPACE]
            : record->values[SENDKIT_RECORD_USER];

    printf("%-64s  %-9s  %-9s  %-24s  %s\n",
           authctl_escape_hidden(&digest, record->digest),
           authctl_escape(&type, record->values[SENDKIT_RECORD_TYPE]),
           authctl_record_state(record), authctl_escape(&id, owner),
           authctl_escape(&end, record->values[SENDKIT_RECORD_EXPIRES]));
}
