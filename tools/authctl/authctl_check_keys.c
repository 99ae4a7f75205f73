
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>
#include <string.h>

#include "authctl_check.h"
#include "authctl_entry.h"
#include "authctl_output.h"
#include "authctl_record.h"


static int authctl_check_records(authctl_check_t *check);
static int authctl_check_record(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_check_values(authctl_check_t *check, sendkit_span_t name,
    const sendkit_span_t *values);
static int authctl_check_owner(authctl_check_t *check, sendkit_span_t name,
    const sendkit_span_t *values);
static int authctl_check_empty(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_check_all_created(authctl_check_t *check);
static int authctl_check_created(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_check_created_values(authctl_check_t *check,
    sendkit_span_t name, const sendkit_span_t *values);
static int authctl_check_field(authctl_check_t *check, sendkit_span_t name,
    sendkit_span_t field, sendkit_span_t value, const char *why);
static int authctl_check_orphans(authctl_check_t *check);
static int authctl_check_orphan(authctl_check_t *check,
    const authctl_item_t *created);
static int authctl_check_others(authctl_check_t *check);
static int authctl_check_other(authctl_check_t *check,
    const authctl_item_t *item);
static int authctl_check_is_left(authctl_check_t *check,
    const authctl_item_t *item, int *left);
static int authctl_check_remember(authctl_list_t *list, sendkit_span_t name,
    sendkit_span_t value);


static const sendkit_span_t  authctl_check_none = { NULL, 0 };


int
authctl_check_keys(authctl_check_t *check)
{
    int  status;

    status = authctl_check_records(check);

    if (status == AUTHCTL_OK) {
        status = authctl_check_all_created(check);
    }

    /* both lists are complete */

    if (status == AUTHCTL_OK) {
        status = authctl_check_orphans(check);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_check_others(check);
    }

    return status;
}


static int
authctl_check_records(authctl_check_t *check)
{
    int             status;
    sendkit_span_t  args[1 + SENDKIT_RECORD_NFIELDS];
    sendkit_span_t  exists = SENDKIT_SPAN("EXISTS");

    authctl_record_command(args);

    status = authctl_scan_each(check->ctl, &check->names[SENDKIT_SCHEMA_KEY],
                               args, 1 + SENDKIT_RECORD_NFIELDS,
                               authctl_check_record, check);

    authctl_list_sort(&check->records);

    if (status != AUTHCTL_OK) {
        return status;
    }

    return authctl_scan_each(check->ctl, &check->empty, &exists, 1,
                             authctl_check_empty, check);
}


static int
authctl_check_record(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    sendkit_span_t     digest;
    authctl_check_t   *check = data;
    authctl_record_t   record;

    memset(&record, 0, sizeof(authctl_record_t));

    digest = authctl_scan_id(check->ctl, SENDKIT_SCHEMA_KEY, name);
    authctl_record_set(&record, digest, reply);

    switch (record.record.state) {

    case SENDKIT_RECORD_FOUND:

        if (record.record.kind != SENDKIT_KEY_WORKSPACE) {
            return AUTHCTL_OK;
        }

        return authctl_check_remember(&check->records, digest,
                                      sendkit_id_span(
                                                  &record.record.workspace));

    case SENDKIT_RECORD_ABSENT:

        /* it went while we looked, or has other fields only */

        return authctl_check_remember(&check->empty, name, name);

    default:
        return authctl_check_values(check, name, record.values);
    }
}


/* which of them makes it malformed; the others do not count any more */

static int
authctl_check_values(authctl_check_t *check, sendkit_span_t name,
    const sendkit_span_t *values)
{
    if (sendkit_key_parse_name(values[SENDKIT_RECORD_TYPE])
        == SENDKIT_KEY_MALFORMED)
    {
        return authctl_check_field(check, name,
                                   sendkit_record_fields[SENDKIT_RECORD_TYPE],
                                   values[SENDKIT_RECORD_TYPE],
                                   "is not \"platform\" or \"workspace\"");
    }

    return authctl_check_owner(check, name, values);
}


static int
authctl_check_owner(authctl_check_t *check, sendkit_span_t name,
    const sendkit_span_t *values)
{
    size_t             i;
    sendkit_record_t   record;
    sendkit_span_t     without[SENDKIT_RECORD_NFIELDS];

    /* with no time it is good: then it is the time */

    memcpy(without, values, sizeof(without));
    without[SENDKIT_RECORD_EXPIRES] = authctl_check_none;

    sendkit_record_parse(&record, without);

    if (record.state == SENDKIT_RECORD_FOUND) {
        i = SENDKIT_RECORD_EXPIRES;
        return authctl_check_field(check, name, sendkit_record_fields[i],
                                   values[i], authctl_not_expires);
    }

    if (record.kind == SENDKIT_KEY_PLATFORM) {
        i = SENDKIT_RECORD_USER;
        return authctl_check_field(check, name, sendkit_record_fields[i],
                                   values[i], authctl_not_user);
    }

    i = SENDKIT_RECORD_WORKSPACE;

    return authctl_check_field(check, name, sendkit_record_fields[i],
                               values[i], authctl_not_workspace);
}


static int
authctl_check_empty(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    authctl_check_t  *check = data;

    if (authctl_reply_integer(reply) == 0) {
        return AUTHCTL_OK;
    }

    return authctl_check_field(check, name,
                               sendkit_record_fields[SENDKIT_RECORD_TYPE],
                               authctl_check_none, "");
}


static int
authctl_check_all_created(authctl_check_t *check)
{
    int             status;
    sendkit_span_t  args[1 + SENDKIT_WORKSPACE_KEY_NFIELDS];

    args[0] = authctl_span("HMGET");
    memcpy(&args[1], sendkit_workspace_key_fields,
           sizeof(sendkit_workspace_key_fields));

    status = authctl_scan_each(check->ctl,
                               &check->names[SENDKIT_SCHEMA_WORKSPACE_KEY],
                               args, 1 + SENDKIT_WORKSPACE_KEY_NFIELDS,
                               authctl_check_created, check);

    authctl_list_sort(&check->created);

    return status;
}


static int
authctl_check_created(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    sendkit_span_t            values[SENDKIT_WORKSPACE_KEY_NFIELDS];
    authctl_check_t          *check = data;
    sendkit_workspace_key_t   key;

    if (!authctl_reply_values(reply, values, SENDKIT_WORKSPACE_KEY_NFIELDS)) {
        authctl_redis_complain(reply);
        return AUTHCTL_REDIS;
    }

    sendkit_workspace_key_parse(&key, values);

    switch (key.state) {

    case SENDKIT_RECORD_FOUND:
        return authctl_check_remember(&check->created,
                        authctl_scan_id(check->ctl,
                                        SENDKIT_SCHEMA_WORKSPACE_KEY, name),
                        values[SENDKIT_WORKSPACE_KEY_DIGEST]);

    case SENDKIT_RECORD_ABSENT:
        return AUTHCTL_OK;

    default:
        return authctl_check_created_values(check, name, values);
    }
}


static int
authctl_check_created_values(authctl_check_t *check, sendkit_span_t name,
    const sendkit_span_t *values)
{
    size_t         i;
    sendkit_id_t   user;
    const char    *why;

    if (!authctl_is_digest(values[SENDKIT_WORKSPACE_KEY_DIGEST])) {
        i = SENDKIT_WORKSPACE_KEY_DIGEST;
        why = authctl_not_digest;

    } else if (!sendkit_id_set_user(&user,
                                    values[SENDKIT_WORKSPACE_KEY_CREATED_BY]))
    {
        i = SENDKIT_WORKSPACE_KEY_CREATED_BY;
        why = authctl_not_user;

    } else {
        i = SENDKIT_WORKSPACE_KEY_CREATED_AT;
        why = "is not of the form 2025-06-01T10:30:00.000Z";
    }

    return authctl_check_field(check, name, sendkit_workspace_key_fields[i],
                               values[i], why);
}


static int
authctl_check_field(authctl_check_t *check, sendkit_span_t name,
    sendkit_span_t field, sendkit_span_t value, const char *why)
{
    authctl_reason_t  reason;

    if (value.data == NULL) {
        authctl_reason_set(&reason, "%s is missing",
                           (const char *) field.data);

    } else {
        authctl_reason_value(&reason, (const char *) field.data, value, why);
    }

    return authctl_check_report(check, AUTHCTL_PROBLEM_BAD_FIELD, name, field,
                                value, reason.text);
}


/* A workspace names a key: that has to be a key of this workspace. */

static int
authctl_check_orphans(authctl_check_t *check)
{
    int              status;
    size_t           i, j;
    authctl_item_t  *created;

    for (i = 0; i < check->created.n; i++) {
        created = &check->created.items[i];
        j = authctl_list_find(&check->records, created->value);

        if (j != check->records.n
            && sendkit_span_equal(check->records.items[j].value,
                                  created->name))
        {
            continue;
        }

        status = authctl_check_orphan(check, created);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    return AUTHCTL_OK;
}


static int
authctl_check_orphan(authctl_check_t *check, const authctl_item_t *created)
{
    int                status;
    const char        *why;
    authctl_name_t     name;
    authctl_record_t   record;

    status = authctl_record_read(check->ctl, &record, created->value,
                                 created->name);
    why = NULL;

    if (status == AUTHCTL_OK
        && record.created[SENDKIT_WORKSPACE_KEY_DIGEST].data != NULL)
    {
        if (record.record.state == SENDKIT_RECORD_ABSENT) {
            why = "names a key that has no record";

        } else if (record.record.kind != SENDKIT_KEY_WORKSPACE
                   || !sendkit_span_equal(
                                  sendkit_id_span(&record.record.workspace),
                                  created->name))
        {
            why = "names a key that is not of this workspace";
        }
    }

    authctl_record_free(&record);

    if (why == NULL) {
        return status;
    }

    return authctl_check_report(check, AUTHCTL_PROBLEM_ORPHAN,
                    authctl_name(check->ctl, &name,
                                 SENDKIT_SCHEMA_WORKSPACE_KEY, created->name),
                    sendkit_workspace_key_fields[SENDKIT_WORKSPACE_KEY_DIGEST],
                    created->value, why);
}


/* A key of a workspace: where that names one as its own, it has to be this. */

static int
authctl_check_others(authctl_check_t *check)
{
    int              status;
    size_t           i, j;
    authctl_item_t  *item;

    for (i = 0; i < check->records.n; i++) {
        item = &check->records.items[i];
        j = authctl_list_find(&check->created, item->value);

        if (j == check->created.n
            || sendkit_span_equal(check->created.items[j].value, item->name))
        {
            continue;
        }

        status = authctl_check_other(check, item);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    return AUTHCTL_OK;
}


/*
 * A change takes the record of the old key away and names the new one in one
 * step: it is left over if it is still there now, after another was named.
 */

static int
authctl_check_other(authctl_check_t *check, const authctl_item_t *item)
{
    int               left, status;
    authctl_name_t    name;
    authctl_reason_t  reason;

    status = authctl_check_is_left(check, item, &left);

    if (status != AUTHCTL_OK || !left) {
        return status;
    }

    authctl_reason_set(&reason, "is alive, but workspace \"%.*s\" names "
                       "another key as its own", (int) item->value.len,
                       (const char *) item->value.data);

    return authctl_check_report(check, AUTHCTL_PROBLEM_OTHER_KEY,
                                authctl_name(check->ctl, &name,
                                             SENDKIT_SCHEMA_KEY, item->name),
                                sendkit_record_fields[
                                                   SENDKIT_RECORD_WORKSPACE],
                                item->value, reason.text);
}


static int
authctl_check_is_left(authctl_check_t *check, const authctl_item_t *item,
    int *left)
{
    int               status;
    sendkit_span_t    created[SENDKIT_WORKSPACE_KEY_NFIELDS];
    authctl_record_t  record;

    status = authctl_record_read(check->ctl, &record, item->name, item->value);

    *left = status == AUTHCTL_OK
            && record.record.state == SENDKIT_RECORD_FOUND
            && record.created[SENDKIT_WORKSPACE_KEY_DIGEST].data == NULL
            && authctl_reply_values(record.replies[1], created,
                                    SENDKIT_WORKSPACE_KEY_NFIELDS)
            && created[SENDKIT_WORKSPACE_KEY_DIGEST].data != NULL;

    authctl_record_free(&record);

    return status;
}


static int
authctl_check_remember(authctl_list_t *list, sendkit_span_t name,
    sendkit_span_t value)
{
    return authctl_list_add(list, name, value)
           ? AUTHCTL_OK : authctl_fail(AUTHCTL_USAGE, "no memory");
}
