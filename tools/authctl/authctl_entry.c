
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>

#include "authctl_entry.h"


static int authctl_entry_parse_role(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason);
static int authctl_entry_parse_key(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason);
static int authctl_entry_parse_record(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason);
static int authctl_entry_parse_status(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason);
static int authctl_entry_parse_created(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason);
static int authctl_entry_set_user(sendkit_id_t *user,
    const authctl_values_t *values, authctl_field_e field,
    authctl_reason_t *reason);
static int authctl_entry_set_workspace(sendkit_id_t *workspace,
    const authctl_values_t *values, authctl_reason_t *reason);
static int authctl_entry_has_only(const authctl_values_t *values,
    const unsigned char *allowed, const char *what, authctl_reason_t *reason);
static int authctl_entry_bad(const authctl_values_t *values,
    authctl_field_e field, const char *why, authctl_reason_t *reason);

static sendkit_span_t authctl_span_or_nil(const unsigned char *data,
    size_t len);


const sendkit_span_t  authctl_field_names[AUTHCTL_NFIELDS] = {
    SENDKIT_SPAN("kind"),
    SENDKIT_SPAN("digest"),
    SENDKIT_SPAN("type"),
    SENDKIT_SPAN("user"),
    SENDKIT_SPAN("workspace"),
    SENDKIT_SPAN("role"),
    SENDKIT_SPAN("expires"),
    SENDKIT_SPAN("status"),
    SENDKIT_SPAN("created_at"),
    SENDKIT_SPAN("created_by"),
    SENDKIT_SPAN("masked")
};


const char  authctl_not_digest[] = "is not 64 lower-case hexadecimal digits";
const char  authctl_not_user[] = "is not 1 to 64 of A-Z a-z 0-9 . _ : @ -";
const char  authctl_not_workspace[] = "is not 1 to 64 of A-Z a-z 0-9 _ -";
const char  authctl_not_role[] = "is not \"owner\", \"admin\" or \"member\"";
const char  authctl_not_expires[] = "is not 1 to 15 digits, a Unix time in "
                                    "seconds";
const char  authctl_not_status[] = "is not 1 to 64 of A-Z a-z 0-9 _ -";


static const sendkit_span_t  authctl_kind_key = SENDKIT_SPAN("key");
static const sendkit_span_t  authctl_kind_role = SENDKIT_SPAN("role");


/* by field, 1 where an entry may have a value */

static const unsigned char  authctl_role_fields[AUTHCTL_NFIELDS] = {
    1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0
};


static const unsigned char  authctl_platform_fields[AUTHCTL_NFIELDS] = {
    1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 0
};


static const unsigned char  authctl_workspace_fields[AUTHCTL_NFIELDS] = {
    1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1
};


int
authctl_entry_parse(authctl_entry_t *entry, const authctl_values_t *values,
    authctl_reason_t *reason)
{
    sendkit_span_t  kind;

    memset(entry, 0, sizeof(authctl_entry_t));

    kind = values->fields[AUTHCTL_FIELD_KIND];

    if (sendkit_span_equal(kind, authctl_kind_key)) {
        entry->kind = AUTHCTL_ENTRY_KEY;
        return authctl_entry_parse_key(entry, values, reason);
    }

    if (sendkit_span_equal(kind, authctl_kind_role)) {
        entry->kind = AUTHCTL_ENTRY_ROLE;
        return authctl_entry_parse_role(entry, values, reason);
    }

    return authctl_entry_bad(values, AUTHCTL_FIELD_KIND,
                             "is not \"key\" or \"role\"", reason);
}


static int
authctl_entry_parse_role(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason)
{
    if (!authctl_entry_has_only(values, authctl_role_fields, "a role", reason)
        || !authctl_entry_set_workspace(&entry->workspace, values, reason)
        || !authctl_entry_set_user(&entry->user, values, AUTHCTL_FIELD_USER,
                                   reason))
    {
        return 0;
    }

    entry->role = sendkit_role_parse(values->fields[AUTHCTL_FIELD_ROLE]);

    if (entry->role == SENDKIT_ROLE_NONE) {
        return authctl_entry_bad(values, AUTHCTL_FIELD_ROLE, authctl_not_role,
                                 reason);
    }

    return 1;
}


static int
authctl_entry_parse_key(authctl_entry_t *entry, const authctl_values_t *values,
    authctl_reason_t *reason)
{
    sendkit_span_t  digest;

    digest = values->fields[AUTHCTL_FIELD_DIGEST];

    if (!authctl_is_digest(digest)) {
        return authctl_entry_bad(values, AUTHCTL_FIELD_DIGEST,
                                 authctl_not_digest, reason);
    }

    memcpy(entry->digest, digest.data, SENDKIT_DIGEST_HEX_LEN);

    return authctl_entry_parse_record(entry, values, reason)
           && authctl_entry_parse_status(entry, values, reason)
           && authctl_entry_parse_created(entry, values, reason);
}


static int
authctl_entry_parse_record(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason)
{
    size_t                        i;
    sendkit_span_t                fields[SENDKIT_RECORD_NFIELDS];
    sendkit_record_t              record;
    static const authctl_field_e  order[SENDKIT_RECORD_NFIELDS] = {
        AUTHCTL_FIELD_TYPE,
        AUTHCTL_FIELD_USER,
        AUTHCTL_FIELD_WORKSPACE,
        AUTHCTL_FIELD_EXPIRES,
        AUTHCTL_FIELD_STATUS
    };

    entry->type = sendkit_key_parse_name(values->fields[AUTHCTL_FIELD_TYPE]);

    switch (entry->type) {

    case SENDKIT_KEY_PLATFORM:

        if (!authctl_entry_has_only(values, authctl_platform_fields,
                                    "a platform key", reason)
            || !authctl_entry_set_user(&entry->user, values,
                                       AUTHCTL_FIELD_USER, reason))
        {
            return 0;
        }

        break;

    case SENDKIT_KEY_WORKSPACE:

        if (!authctl_entry_has_only(values, authctl_workspace_fields,
                                    "a workspace key", reason)
            || !authctl_entry_set_workspace(&entry->workspace, values, reason))
        {
            return 0;
        }

        break;

    default:
        return authctl_entry_bad(values, AUTHCTL_FIELD_TYPE,
                                 "is not \"platform\" or \"workspace\"",
                                 reason);
    }

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        fields[i] = values->fields[order[i]];
    }

    /* with the type and the id that it calls for, only the time is left */

    sendkit_record_parse(&record, fields);

    if (record.state != SENDKIT_RECORD_FOUND) {
        return authctl_entry_bad(values, AUTHCTL_FIELD_EXPIRES,
                                 authctl_not_expires, reason);
    }

    entry->expires = record.expires;

    return 1;
}


static int
authctl_entry_parse_status(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason)
{
    sendkit_span_t  status;

    status = values->fields[AUTHCTL_FIELD_STATUS];

    /* any word: those other than "active" lock the key */

    if (status.data != NULL
        && !sendkit_id_set_workspace(&entry->status, status))
    {
        return authctl_entry_bad(values, AUTHCTL_FIELD_STATUS,
                                 authctl_not_status, reason);
    }

    return 1;
}


static int
authctl_entry_parse_created(authctl_entry_t *entry,
    const authctl_values_t *values, authctl_reason_t *reason)
{
    sendkit_id_t     user;
    sendkit_span_t   masked, fields[SENDKIT_WORKSPACE_KEY_NFIELDS];

    masked = values->fields[AUTHCTL_FIELD_MASKED];

    if (values->fields[AUTHCTL_FIELD_CREATED_AT].data == NULL
        && values->fields[AUTHCTL_FIELD_CREATED_BY].data == NULL
        && masked.data == NULL)
    {
        return 1;
    }

    if (!authctl_entry_set_user(&user, values, AUTHCTL_FIELD_CREATED_BY,
                                reason))
    {
        return 0;
    }

    fields[SENDKIT_WORKSPACE_KEY_DIGEST] = values->fields[AUTHCTL_FIELD_DIGEST];
    fields[SENDKIT_WORKSPACE_KEY_CREATED_AT] =
        values->fields[AUTHCTL_FIELD_CREATED_AT];
    fields[SENDKIT_WORKSPACE_KEY_CREATED_BY] =
        values->fields[AUTHCTL_FIELD_CREATED_BY];
    fields[SENDKIT_WORKSPACE_KEY_MASKED] = masked;

    /* with digest and user, only the time is left */

    sendkit_workspace_key_parse(&entry->created, fields);

    if (entry->created.state != SENDKIT_RECORD_FOUND) {
        return authctl_entry_bad(values, AUTHCTL_FIELD_CREATED_AT,
                                 "is not of the form 2025-06-01T10:30:00.000Z",
                                 reason);
    }

    /* what core does not take for one it shows in another way */

    if (masked.data != NULL
        && (masked.len != entry->created.masked_len
            || memcmp(masked.data, entry->created.masked, masked.len) != 0))
    {
        return authctl_entry_bad(values, AUTHCTL_FIELD_MASKED,
                                 "is not of the form sk_a1b2...e3f4", reason);
    }

    return 1;
}


static int
authctl_entry_set_user(sendkit_id_t *user, const authctl_values_t *values,
    authctl_field_e field, authctl_reason_t *reason)
{
    if (!sendkit_id_set_user(user, values->fields[field])) {
        return authctl_entry_bad(values, field, authctl_not_user, reason);
    }

    return 1;
}


static int
authctl_entry_set_workspace(sendkit_id_t *workspace,
    const authctl_values_t *values, authctl_reason_t *reason)
{
    if (!sendkit_id_set_workspace(workspace,
                                  values->fields[AUTHCTL_FIELD_WORKSPACE]))
    {
        return authctl_entry_bad(values, AUTHCTL_FIELD_WORKSPACE,
                                 authctl_not_workspace, reason);
    }

    return 1;
}


static int
authctl_entry_has_only(const authctl_values_t *values,
    const unsigned char *allowed, const char *what, authctl_reason_t *reason)
{
    size_t  i;

    for (i = 0; i < AUTHCTL_NFIELDS; i++) {
        if (values->fields[i].data != NULL && !allowed[i]) {
            authctl_reason_set(reason, "%s has no \"%s\"", what,
                               (const char *) authctl_field_names[i].data);
            return 0;
        }
    }

    return 1;
}


static int
authctl_entry_bad(const authctl_values_t *values, authctl_field_e field,
    const char *why, authctl_reason_t *reason)
{
    const char  *name;

    name = (const char *) authctl_field_names[field].data;

    if (values->fields[field].data == NULL) {
        authctl_reason_set(reason, "%s is missing", name);

    } else {
        authctl_reason_value(reason, name, values->fields[field], why);
    }

    return 0;
}


void
authctl_entry_values(const authctl_entry_t *entry, authctl_values_t *values)
{
    int                             n;
    sendkit_span_t                 *fields;
    const sendkit_workspace_key_t  *created;

    memset(values, 0, sizeof(authctl_values_t));

    fields = values->fields;
    created = &entry->created;

    fields[AUTHCTL_FIELD_USER] = authctl_span_or_nil(entry->user.data,
                                                     entry->user.len);
    fields[AUTHCTL_FIELD_WORKSPACE] = authctl_span_or_nil(
                                                     entry->workspace.data,
                                                     entry->workspace.len);

    if (entry->kind == AUTHCTL_ENTRY_ROLE) {
        fields[AUTHCTL_FIELD_KIND] = authctl_kind_role;
        fields[AUTHCTL_FIELD_ROLE] = sendkit_role_name(entry->role);
        return;
    }

    fields[AUTHCTL_FIELD_KIND] = authctl_kind_key;
    fields[AUTHCTL_FIELD_DIGEST] = authctl_span_or_nil(entry->digest,
                                                       SENDKIT_DIGEST_HEX_LEN);
    fields[AUTHCTL_FIELD_TYPE] = sendkit_key_name(entry->type);
    fields[AUTHCTL_FIELD_STATUS] = authctl_span_or_nil(entry->status.data,
                                                       entry->status.len);

    if (entry->expires != 0) {
        n = snprintf((char *) values->expires, sizeof(values->expires), "%lld",
                     (long long) entry->expires);
        fields[AUTHCTL_FIELD_EXPIRES] = authctl_span_or_nil(values->expires,
                                                            (size_t) n);
    }

    if (created->state != SENDKIT_RECORD_FOUND) {
        return;
    }

    fields[AUTHCTL_FIELD_CREATED_AT] = authctl_span_or_nil(created->created_at,
                                              SENDKIT_WORKSPACE_KEY_TIME_LEN);
    fields[AUTHCTL_FIELD_CREATED_BY] = sendkit_id_span(&created->created_by);

    /* shorter is what core shows when there is none */

    if (created->masked_len == SENDKIT_WORKSPACE_KEY_MASKED_LEN) {
        fields[AUTHCTL_FIELD_MASKED] = authctl_span_or_nil(created->masked,
                                                         created->masked_len);
    }
}


static sendkit_span_t
authctl_span_or_nil(const unsigned char *data, size_t len)
{
    sendkit_span_t  span;

    span.data = len != 0 ? data : NULL;
    span.len = len;

    return span;
}


int
authctl_is_digest(sendkit_span_t value)
{
    size_t  i;

    if (value.len != SENDKIT_DIGEST_HEX_LEN) {
        return 0;
    }

    for (i = 0; i < value.len; i++) {
        if ((value.data[i] < '0' || value.data[i] > '9')
            && (value.data[i] < 'a' || value.data[i] > 'f'))
        {
            return 0;
        }
    }

    return 1;
}
