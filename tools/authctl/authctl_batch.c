
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "authctl_batch.h"


#define AUTHCTL_BATCH_ARGS_MAX  16


/* a command that is put together */

typedef struct {
    size_t                n;
    sendkit_span_t        args[AUTHCTL_BATCH_ARGS_MAX];
} authctl_batch_command_t;


static int authctl_batch_append_role(authctl_batch_t *batch,
    const authctl_values_t *values);
static int authctl_batch_append_key(authctl_batch_t *batch,
    const authctl_values_t *values);
static int authctl_batch_append_hash(authctl_batch_t *batch,
    sendkit_schema_e kind, sendkit_span_t id, const authctl_values_t *values,
    const authctl_field_e *fields, size_t nfields);
static int authctl_batch_send(authctl_batch_t *batch,
    const authctl_batch_command_t *command);
static int authctl_batch_confirm(authctl_batch_t *batch, unsigned replies);
static int authctl_batch_check(const authctl_reply_t *reply);


static const authctl_field_e  authctl_batch_record[] = {
    AUTHCTL_FIELD_TYPE,
    AUTHCTL_FIELD_USER,
    AUTHCTL_FIELD_WORKSPACE,
    AUTHCTL_FIELD_EXPIRES,
    AUTHCTL_FIELD_STATUS
};


static const authctl_field_e  authctl_batch_created[] = {
    AUTHCTL_FIELD_DIGEST,
    AUTHCTL_FIELD_CREATED_AT,
    AUTHCTL_FIELD_CREATED_BY,
    AUTHCTL_FIELD_MASKED
};


void
authctl_batch_init(authctl_batch_t *batch, authctl_t *ctl)
{
    batch->ctl = ctl;
    batch->written = 0;
    batch->stopped = 0;
    batch->n = 0;
}


int
authctl_batch_add(authctl_batch_t *batch, const authctl_entry_t *entry,
    uint64_t line)
{
    int               ok;
    size_t            before;
    authctl_values_t  values;

    authctl_entry_values(entry, &values);

    before = authctl_redis_pending(batch->ctl->redis);

    ok = entry->kind == AUTHCTL_ENTRY_ROLE
         ? authctl_batch_append_role(batch, &values)
         : authctl_batch_append_key(batch, &values);

    batch->entries[batch->n].line = line;
    batch->entries[batch->n].replies =
        (unsigned) (authctl_redis_pending(batch->ctl->redis) - before);
    batch->n++;

    if (!ok) {
        batch->stopped = batch->entries[0].line;
        return AUTHCTL_REDIS;
    }

    return batch->n == AUTHCTL_BATCH_MAX ? authctl_batch_flush(batch)
                                         : AUTHCTL_OK;
}


static int
authctl_batch_append_role(authctl_batch_t *batch,
    const authctl_values_t *values)
{
    authctl_name_t           name;
    const sendkit_span_t    *fields;
    authctl_batch_command_t  command;

    fields = values->fields;

    command.n = 4;
    command.args[0] = authctl_span("HSET");
    command.args[1] = authctl_name(batch->ctl, &name, SENDKIT_SCHEMA_ROLES,
                                   fields[AUTHCTL_FIELD_WORKSPACE]);
    command.args[2] = fields[AUTHCTL_FIELD_USER];
    command.args[3] = fields[AUTHCTL_FIELD_ROLE];

    return authctl_batch_send(batch, &command);
}


/* no field of an older record stays */

static int
authctl_batch_append_key(authctl_batch_t *batch,
    const authctl_values_t *values)
{
    const sendkit_span_t    *fields;
    authctl_batch_command_t  command;

    fields = values->fields;

    command.n = 1;
    command.args[0] = authctl_span("MULTI");

    if (!authctl_batch_send(batch, &command)
        || !authctl_batch_append_hash(batch, SENDKIT_SCHEMA_KEY,
                                      fields[AUTHCTL_FIELD_DIGEST], values,
                                      authctl_batch_record,
                                      sizeof(authctl_batch_record)
                                      / sizeof(authctl_field_e)))
    {
        return 0;
    }

    if (fields[AUTHCTL_FIELD_CREATED_AT].data != NULL
        && !authctl_batch_append_hash(batch, SENDKIT_SCHEMA_WORKSPACE_KEY,
                                      fields[AUTHCTL_FIELD_WORKSPACE], values,
                                      authctl_batch_created,
                                      sizeof(authctl_batch_created)
                                      / sizeof(authctl_field_e)))
    {
        return 0;
    }

    command.args[0] = authctl_span("EXEC");

    return authctl_batch_send(batch, &command);
}


static int
authctl_batch_append_hash(authctl_batch_t *batch, sendkit_schema_e kind,
    sendkit_span_t id, const authctl_values_t *values,
    const authctl_field_e *fields, size_t nfields)
{
    size_t                   i;
    authctl_name_t           name;
    authctl_batch_command_t  command;

    command.n = 2;
    command.args[0] = authctl_span("DEL");
    command.args[1] = authctl_name(batch->ctl, &name, kind, id);

    if (!authctl_batch_send(batch, &command)) {
        return 0;
    }

    command.args[0] = authctl_span("HSET");

    for (i = 0; i < nfields; i++) {
        if (values->fields[fields[i]].data != NULL) {
            command.args[command.n++] = authctl_field_names[fields[i]];
            command.args[command.n++] = values->fields[fields[i]];
        }
    }

    return authctl_batch_send(batch, &command);
}


static int
authctl_batch_send(authctl_batch_t *batch,
    const authctl_batch_command_t *command)
{
    return authctl_redis_append(batch->ctl->redis, command->args, command->n);
}


int
authctl_batch_flush(authctl_batch_t *batch)
{
    size_t  i;

    for (i = 0; i < batch->n; i++) {
        if (!authctl_batch_confirm(batch, batch->entries[i].replies)) {
            batch->stopped = batch->entries[i].line;
            return AUTHCTL_REDIS;
        }

        batch->written++;
    }

    batch->n = 0;

    return AUTHCTL_OK;
}


static int
authctl_batch_confirm(authctl_batch_t *batch, unsigned replies)
{
    int               ok;
    authctl_reply_t  *reply;

    while (replies-- != 0) {
        reply = authctl_redis_reply(batch->ctl->redis);

        if (reply == NULL) {
            return 0;
        }

        ok = authctl_batch_check(reply);
        authctl_reply_free(reply);

        if (!ok) {
            return 0;
        }
    }

    return 1;
}


/* the reply to EXEC has those to its commands as elements */

static int
authctl_batch_check(const authctl_reply_t *reply)
{
    size_t  i;

    for (i = 0; i < authctl_reply_count(reply); i++) {
        if (!authctl_batch_check(authctl_reply_element(reply, i))) {
            return 0;
        }
    }

    switch (authctl_reply_type(reply)) {

    case AUTHCTL_REPLY_STATUS:
    case AUTHCTL_REPLY_INTEGER:
    case AUTHCTL_REPLY_ARRAY:
        return 1;

    default:
        authctl_redis_complain(reply);
        return 0;
    }
}
