
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>

#include "authctl_batch.h"


#define AUTHCTL_BATCH_ARGS      32
#define AUTHCTL_BATCH_TRIES     10
#define AUTHCTL_BATCH_NRECORD   5
#define AUTHCTL_BATCH_NCREATED  4


/* a command that is put together */

typedef struct {
    size_t                n;
    sendkit_span_t        args[AUTHCTL_BATCH_ARGS];
} authctl_batch_command_t;


static int authctl_batch_write(authctl_batch_t *batch);
static int authctl_batch_read_named(authctl_batch_t *batch);
static int authctl_batch_append(authctl_batch_t *batch,
    authctl_batch_item_t *item);
static int authctl_batch_append_role(authctl_batch_t *batch,
    const sendkit_span_t *fields);
static int authctl_batch_append_key(authctl_batch_t *batch,
    const sendkit_span_t *fields);
static int authctl_batch_append_named(authctl_batch_t *batch,
    const authctl_reply_t *reply, const sendkit_span_t *fields);
static void authctl_batch_fields(authctl_batch_command_t *command,
    const sendkit_span_t *fields, const authctl_field_e *wanted, size_t n);
static int authctl_batch_send(authctl_batch_t *batch,
    const authctl_batch_command_t *command);
static int authctl_batch_confirm(authctl_batch_t *batch);
static sendkit_script_e authctl_batch_answer(authctl_batch_t *batch,
    unsigned replies);
static sendkit_script_e authctl_batch_check(const authctl_reply_t *reply);
static int authctl_batch_stop(authctl_batch_t *batch);


static const authctl_field_e  authctl_batch_record[AUTHCTL_BATCH_NRECORD] = {
    AUTHCTL_FIELD_TYPE,
    AUTHCTL_FIELD_USER,
    AUTHCTL_FIELD_WORKSPACE,
    AUTHCTL_FIELD_EXPIRES,
    AUTHCTL_FIELD_STATUS
};


static const authctl_field_e  authctl_batch_created[AUTHCTL_BATCH_NCREATED] = {
    AUTHCTL_FIELD_DIGEST,
    AUTHCTL_FIELD_CREATED_AT,
    AUTHCTL_FIELD_CREATED_BY,
    AUTHCTL_FIELD_MASKED
};


const sendkit_span_t  authctl_batch_role_script = SENDKIT_SPAN(
    "if redis.call('PTTL', KEYS[1]) > 0 then\n"
    "    redis.call('DEL', KEYS[1])\n"
    "end\n"

    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\n"

    "return redis.status_reply('OK')\n"
);


/*
 * Writes the record of a key, and that it is its workspace's own; the one
 * that was so far dies.
 *
 * KEYS  workspace-key:<workspace>, key:<old digest>, key:<digest>, key:
 * ARGV  old digest, workspace, how many words of a record follow, the fields
 *       and values of the record, those of workspace-key
 *
 * CHANGED: the workspace's key is not the old one.  As in sendkit_script.c, all
 * that could fail comes before what could not be undone: deleting what is not
 * there shows that deleting is allowed, and the first HSET that writing is.
 */

static const sendkit_span_t  authctl_batch_named_script = SENDKIT_SPAN(
    "local old, workspace, last = ARGV[1], ARGV[2], 3 + ARGV[3]\n"

    "if (redis.call('HGET', KEYS[1], 'digest') or '') ~= old then\n"
    "    return redis.status_reply('CHANGED')\n"
    "end\n"

    "local other = KEYS[2] ~= KEYS[3]\n"
    "    and redis.call('HGET', KEYS[2], 'workspace') == workspace\n"
    "local there = redis.call('EXISTS', KEYS[1], KEYS[3]) > 0\n"

    "if there then\n"
    "    redis.call('DEL', KEYS[4])\n"
    "end\n"

    "redis.call('HSET', KEYS[3], unpack(ARGV, 4, last))\n"

    "if there then\n"
    "    redis.call('DEL', KEYS[1], KEYS[3])\n"
    "    redis.call('HSET', KEYS[3], unpack(ARGV, 4, last))\n"
    "end\n"

    "redis.call('HSET', KEYS[1], unpack(ARGV, last + 1))\n"

    "if other then\n"
    "    redis.call('DEL', KEYS[2])\n"
    "end\n"

    "return redis.status_reply('OK')\n"
);


void
authctl_batch_init(authctl_batch_t *batch, authctl_t *ctl)
{
    batch->ctl = ctl;
    batch->written = 0;
    batch->stopped = 0;
    batch->done = 0;
    batch->n = 0;
}


int
authctl_batch_add(authctl_batch_t *batch, const authctl_entry_t *entry,
    uint64_t line)
{
    authctl_batch_item_t  *item;

    item = &batch->items[batch->n++];

    item->line = line;
    item->entry = *entry;
    item->named = NULL;

    return batch->n == AUTHCTL_BATCH_MAX ? authctl_batch_flush(batch)
                                         : AUTHCTL_OK;
}


/*
 * Where a workspace names another key than it did when it was asked, which is
 * so for the second one in a batch, too, that entry and all behind it are
 * written once more: the last line for a key counts.
 */

int
authctl_batch_flush(authctl_batch_t *batch)
{
    int     tries;
    size_t  done;

    tries = 0;

    while (batch->done != batch->n) {
        done = batch->done;

        if (!authctl_batch_write(batch)) {
            return authctl_batch_stop(batch);
        }

        tries = batch->done == done ? tries + 1 : 0;

        if (tries == AUTHCTL_BATCH_TRIES) {
            (void) authctl_fail(AUTHCTL_REDIS, "the key of the workspace is "
                                "changed by others all the time");
            return authctl_batch_stop(batch);
        }
    }

    batch->done = 0;
    batch->n = 0;

    return AUTHCTL_OK;
}


/* Each from here on returns 0 when it failed, and has said why. */

static int
authctl_batch_write(authctl_batch_t *batch)
{
    int     ok;
    size_t  i;

    ok = authctl_batch_read_named(batch);

    for (i = batch->done; i < batch->n && ok; i++) {
        ok = authctl_batch_append(batch, &batch->items[i]);
    }

    for (i = batch->done; i < batch->n; i++) {

        if (batch->items[i].named != NULL) {
            authctl_reply_free(batch->items[i].named);
            batch->items[i].named = NULL;
        }
    }

    return ok && authctl_batch_confirm(batch);
}


/* An error is seen once more, and told, when the entry is written. */

static int
authctl_batch_read_named(authctl_batch_t *batch)
{
    size_t                 i;
    authctl_name_t         name;
    sendkit_span_t         args[3];
    authctl_batch_item_t  *item;

    args[0] = authctl_span("HGET");
    args[2] = authctl_field_names[AUTHCTL_FIELD_DIGEST];

    for (i = batch->done; i < batch->n; i++) {
        item = &batch->items[i];

        if (item->entry.created.state != SENDKIT_RECORD_FOUND) {
            continue;
        }

        args[1] = authctl_name(batch->ctl, &name, SENDKIT_SCHEMA_WORKSPACE_KEY,
                               sendkit_id_span(&item->entry.workspace));

        if (!authctl_redis_append(batch->ctl->redis, args, 3)) {
            return 0;
        }
    }

    for (i = batch->done; i < batch->n; i++) {
        item = &batch->items[i];

        if (item->entry.created.state != SENDKIT_RECORD_FOUND) {
            continue;
        }

        item->named = authctl_redis_reply(batch->ctl->redis);

        if (item->named == NULL) {
            return 0;
        }
    }

    return 1;
}


static int
authctl_batch_append(authctl_batch_t *batch, authctl_batch_item_t *item)
{
    int               ok;
    size_t            before;
    authctl_values_t  values;

    authctl_entry_values(&item->entry, &values);

    before = authctl_redis_pending(batch->ctl->redis);

    if (item->entry.kind == AUTHCTL_ENTRY_ROLE) {
        ok = authctl_batch_append_role(batch, values.fields);

    } else if (item->named == NULL) {
        ok = authctl_batch_append_key(batch, values.fields);

    } else {
        ok = authctl_batch_append_named(batch, item->named, values.fields);
    }

    item->replies = (unsigned) (authctl_redis_pending(batch->ctl->redis)
                                - before);

    return ok;
}


static int
authctl_batch_append_role(authctl_batch_t *batch, const sendkit_span_t *fields)
{
    authctl_name_t  name;
    sendkit_span_t  key, args[2];

    key = authctl_name(batch->ctl, &name, SENDKIT_SCHEMA_ROLES,
                       fields[AUTHCTL_FIELD_WORKSPACE]);

    args[0] = fields[AUTHCTL_FIELD_USER];
    args[1] = fields[AUTHCTL_FIELD_ROLE];

    return authctl_redis_append_script(batch->ctl->redis,
                                       authctl_batch_role_script, &key, 1,
                                       args, 2);
}


/* no field of an older record stays */

static int
authctl_batch_append_key(authctl_batch_t *batch, const sendkit_span_t *fields)
{
    authctl_name_t           name;
    authctl_batch_command_t  command;

    command.n = 1;
    command.args[0] = authctl_span("MULTI");

    if (!authctl_batch_send(batch, &command)) {
        return 0;
    }

    command.n = 2;
    command.args[0] = authctl_span("DEL");
    command.args[1] = authctl_name(batch->ctl, &name, SENDKIT_SCHEMA_KEY,
                                   fields[AUTHCTL_FIELD_DIGEST]);

    if (!authctl_batch_send(batch, &command)) {
        return 0;
    }

    command.args[0] = authctl_span("HSET");
    authctl_batch_fields(&command, fields, authctl_batch_record,
                         AUTHCTL_BATCH_NRECORD);

    if (!authctl_batch_send(batch, &command)) {
        return 0;
    }

    command.n = 1;
    command.args[0] = authctl_span("EXEC");

    return authctl_batch_send(batch, &command);
}


static int
authctl_batch_append_named(authctl_batch_t *batch,
    const authctl_reply_t *reply, const sendkit_span_t *fields)
{
    char                     count[sizeof("10")];
    authctl_name_t           names[4];
    sendkit_span_t           old, keys[4], none = SENDKIT_SPAN("");
    authctl_batch_command_t  command;

    old = none;

    if (authctl_reply_type(reply) == AUTHCTL_REPLY_STRING) {
        old = authctl_reply_text(reply);
    }

    keys[0] = authctl_name(batch->ctl, &names[0], SENDKIT_SCHEMA_WORKSPACE_KEY,
                           fields[AUTHCTL_FIELD_WORKSPACE]);
    keys[1] = authctl_name(batch->ctl, &names[1], SENDKIT_SCHEMA_KEY,
                           authctl_is_digest(old) ? old : none);
    keys[2] = authctl_name(batch->ctl, &names[2], SENDKIT_SCHEMA_KEY,
                           fields[AUTHCTL_FIELD_DIGEST]);
    keys[3] = authctl_name(batch->ctl, &names[3], SENDKIT_SCHEMA_KEY, none);

    command.n = 3;
    authctl_batch_fields(&command, fields, authctl_batch_record,
                         AUTHCTL_BATCH_NRECORD);

    command.args[0] = old;
    command.args[1] = fields[AUTHCTL_FIELD_WORKSPACE];
    command.args[2].data = (const unsigned char *) count;
    command.args[2].len = (size_t) snprintf(count, sizeof(count), "%u",
                                            (unsigned) command.n - 3);

    authctl_batch_fields(&command, fields, authctl_batch_created,
                         AUTHCTL_BATCH_NCREATED);

    return authctl_redis_append_script(batch->ctl->redis,
                                       authctl_batch_named_script, keys, 4,
                                       command.args, command.n);
}


/* names and values of those that the entry has */

static void
authctl_batch_fields(authctl_batch_command_t *command,
    const sendkit_span_t *fields, const authctl_field_e *wanted, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {

        if (fields[wanted[i]].data != NULL) {
            command->args[command->n++] = authctl_field_names[wanted[i]];
            command->args[command->n++] = fields[wanted[i]];
        }
    }
}


static int
authctl_batch_send(authctl_batch_t *batch,
    const authctl_batch_command_t *command)
{
    return authctl_redis_append(batch->ctl->redis, command->args, command->n);
}


/* Takes all replies; done is as far as there was none of CHANGED. */

static int
authctl_batch_confirm(authctl_batch_t *batch)
{
    int     changed;
    size_t  i;

    changed = 0;

    for (i = batch->done; i < batch->n; i++) {

        switch (authctl_batch_answer(batch, batch->items[i].replies)) {

        case SENDKIT_SCRIPT_OK:
            break;

        case SENDKIT_SCRIPT_CHANGED:
            changed = 1;
            break;

        default:
            return 0;
        }

        if (!changed) {
            batch->done++;
            batch->written++;
        }
    }

    return 1;
}


static sendkit_script_e
authctl_batch_answer(authctl_batch_t *batch, unsigned replies)
{
    authctl_reply_t   *reply;
    sendkit_script_e   answer;

    answer = SENDKIT_SCRIPT_OK;

    while (replies-- != 0 && answer == SENDKIT_SCRIPT_OK) {
        reply = authctl_redis_reply(batch->ctl->redis);

        if (reply == NULL) {
            return SENDKIT_SCRIPT_UNKNOWN;
        }

        answer = authctl_batch_check(reply);
        authctl_reply_free(reply);
    }

    return answer;
}


/* the reply to EXEC has those to its commands as elements */

static sendkit_script_e
authctl_batch_check(const authctl_reply_t *reply)
{
    size_t            i;
    sendkit_script_e  answer;

    for (i = 0; i < authctl_reply_count(reply); i++) {
        answer = authctl_batch_check(authctl_reply_element(reply, i));

        if (answer != SENDKIT_SCRIPT_OK) {
            return answer;
        }
    }

    switch (authctl_reply_type(reply)) {

    case AUTHCTL_REPLY_STATUS:
        return sendkit_script_answer(authctl_reply_text(reply))
               == SENDKIT_SCRIPT_CHANGED ? SENDKIT_SCRIPT_CHANGED
                                         : SENDKIT_SCRIPT_OK;

    case AUTHCTL_REPLY_INTEGER:
    case AUTHCTL_REPLY_ARRAY:
        return SENDKIT_SCRIPT_OK;

    default:
        authctl_redis_complain(reply);
        return SENDKIT_SCRIPT_UNKNOWN;
    }
}


static int
authctl_batch_stop(authctl_batch_t *batch)
{
    batch->stopped = batch->items[batch->done].line;

    return AUTHCTL_REDIS;
}
