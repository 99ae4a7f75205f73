
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authctl_csv.h"
#include "authctl_ndjson.h"
#include "authctl_output.h"
#include "authctl_record.h"
#include "authctl_scan.h"


#define AUTHCTL_EXPORT_SKEW  10     /* s, by which two clocks may differ */


/* what a workspace says of its own key */

typedef struct {
    int                      taken;         /* that key was printed */
    sendkit_workspace_key_t  key;
} authctl_export_created_t;


typedef struct {
    authctl_t                 *ctl;
    int                        csv;

    authctl_list_t             names;       /* workspace-key:<workspace> */
    authctl_export_created_t  *created;     /* as many */
    size_t                     ncreated;    /* read so far */

    long long                 *ttls;        /* of a list of names, ms */
    size_t                     nttls;       /* read so far */
    size_t                     n;           /* of the name at hand */

    size_t                     left_out;
    size_t                     copies;      /* of what an origin knows */
} authctl_export_t;


static int authctl_export_options(authctl_export_t *export, int argc,
    char **argv);
static int authctl_export_run(authctl_export_t *export);
static int authctl_export_read_created(authctl_export_t *export);
static int authctl_export_created(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_export_read_ttls(authctl_export_t *export,
    const authctl_list_t *list);
static int authctl_export_ttl(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_export_keys(authctl_export_t *export);
static int authctl_export_key(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_export_is_copy(const sendkit_record_t *record,
    long long ttl);
static void authctl_export_set_created(authctl_export_t *export,
    const sendkit_record_t *record, sendkit_span_t digest,
    authctl_values_t *values);
static void authctl_export_check_created(authctl_export_t *export);
static int authctl_export_roles(authctl_export_t *export);
static int authctl_export_workspace(authctl_export_t *export,
    sendkit_span_t name);
static void authctl_export_entry(authctl_export_t *export,
    sendkit_span_t name, const authctl_values_t *values);
static void authctl_export_leave_out(authctl_export_t *export,
    sendkit_span_t name, const char *why);


static const struct option  authctl_export_long[] = {
    { "csv", no_argument, NULL, 'c' },
    { NULL, 0, NULL, 0 }
};


int
authctl_export(authctl_t *ctl, int argc, char **argv)
{
    int               status;
    authctl_export_t  export;

    memset(&export, 0, sizeof(authctl_export_t));

    export.ctl = ctl;

    status = authctl_export_options(&export, argc, argv);

    if (status == AUTHCTL_OK) {
        status = authctl_export_run(&export);
    }

    authctl_list_free(&export.names);
    free(export.created);
    free(export.ttls);

    if (status == AUTHCTL_OK && export.copies != 0) {
        (void) authctl_fail(AUTHCTL_OK, "%zu left out, which will expire: "
                            "copies of what an origin knows", export.copies);
    }

    if (status == AUTHCTL_OK && export.left_out != 0) {
        return authctl_fail(AUTHCTL_NO, "%zu left out, which cannot be "
                            "imported", export.left_out);
    }

    return status;
}


static int
authctl_export_options(authctl_export_t *export, int argc, char **argv)
{
    int  c;

    for ( ;; ) {
        c = getopt_long(argc, argv, ":", authctl_export_long, NULL);

        switch (c) {

        case -1:
            return authctl_check_arguments(argc, argv, 0);

        case 'c':
            export->csv = 1;
            break;

        default:
            return authctl_fail_option(c, argv);
        }
    }
}


static int
authctl_export_run(authctl_export_t *export)
{
    int  status;

    if (export->csv) {
        fputs(authctl_csv_header, stdout);
    }

    status = authctl_export_read_created(export);

    if (status == AUTHCTL_OK) {
        status = authctl_export_keys(export);
    }

    if (status == AUTHCTL_OK) {
        authctl_export_check_created(export);
        status = authctl_export_roles(export);
    }

    return status;
}


/* First of all, for a line has both what is in a record and what is here. */

static int
authctl_export_read_created(authctl_export_t *export)
{
    int             status;
    sendkit_span_t  args[1 + SENDKIT_WORKSPACE_KEY_NFIELDS];

    status = authctl_scan_names(export->ctl, authctl_span("workspace-key:"),
                                &export->names);

    if (status != AUTHCTL_OK || export->names.n == 0) {
        return status;
    }

    export->created = calloc(export->names.n,
                             sizeof(authctl_export_created_t));
    if (export->created == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "no memory");
    }

    args[0] = authctl_span("HMGET");
    memcpy(&args[1], sendkit_workspace_key_fields,
           sizeof(sendkit_workspace_key_fields));

    return authctl_scan_each(export->ctl, &export->names, args,
                             1 + SENDKIT_WORKSPACE_KEY_NFIELDS,
                             authctl_export_created, export);
}


static int
authctl_export_created(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    authctl_export_t          *export = data;
    sendkit_span_t             values[SENDKIT_WORKSPACE_KEY_NFIELDS];
    authctl_export_created_t  *created;

    created = &export->created[export->ncreated++];

    if (authctl_reply_values(reply, values, SENDKIT_WORKSPACE_KEY_NFIELDS)) {
        sendkit_workspace_key_parse(&created->key, values);

    } else {
        created->key.state = SENDKIT_RECORD_MALFORMED;
    }

    if (created->key.state == SENDKIT_RECORD_MALFORMED) {
        authctl_export_leave_out(export, name, "is malformed");
    }

    return AUTHCTL_OK;
}


static int
authctl_export_read_ttls(authctl_export_t *export, const authctl_list_t *list)
{
    sendkit_span_t  command = SENDKIT_SPAN("PTTL");

    free(export->ttls);

    export->ttls = calloc(list->n + 1, sizeof(long long));
    if (export->ttls == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "no memory");
    }

    export->nttls = 0;
    export->n = 0;

    return authctl_scan_each(export->ctl, list, &command, 1,
                             authctl_export_ttl, export);
}


/* negative: it does not expire, or is not there */

static int
authctl_export_ttl(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    authctl_export_t  *export = data;

    (void) name;

    if (authctl_reply_type(reply) != AUTHCTL_REPLY_INTEGER) {
        authctl_redis_complain(reply);
        return AUTHCTL_REDIS;
    }

    export->ttls[export->nttls++] = authctl_reply_integer(reply);

    return AUTHCTL_OK;
}


static int
authctl_export_keys(authctl_export_t *export)
{
    int             status;
    authctl_list_t  list;
    sendkit_span_t  args[1 + SENDKIT_RECORD_NFIELDS];

    status = authctl_scan_names(export->ctl, authctl_span("key:"), &list);

    if (status == AUTHCTL_OK) {
        status = authctl_export_read_ttls(export, &list);
    }

    if (status == AUTHCTL_OK) {
        authctl_record_command(args);
        status = authctl_scan_each(export->ctl, &list, args,
                                   1 + SENDKIT_RECORD_NFIELDS,
                                   authctl_export_key, export);
    }

    authctl_list_free(&list);

    return status;
}


static int
authctl_export_key(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    long long          ttl;
    sendkit_span_t    *fields;
    authctl_export_t  *export = data;
    authctl_record_t   record;
    authctl_values_t   values;

    ttl = export->ttls[export->n++];

    memset(&record, 0, sizeof(authctl_record_t));
    memset(&values, 0, sizeof(authctl_values_t));

    authctl_record_set(&record, authctl_scan_id(export->ctl,
                                                SENDKIT_SCHEMA_KEY, name),
                       reply);

    switch (record.record.state) {

    case SENDKIT_RECORD_FOUND:
        break;

    case SENDKIT_RECORD_ABSENT:
        return AUTHCTL_OK;

    default:
        authctl_export_leave_out(export, name, "is malformed");
        return AUTHCTL_OK;
    }

    fields = values.fields;

    fields[AUTHCTL_FIELD_KIND] = authctl_span("key");
    fields[AUTHCTL_FIELD_DIGEST] = record.digest;
    fields[AUTHCTL_FIELD_TYPE] = record.values[SENDKIT_RECORD_TYPE];
    fields[AUTHCTL_FIELD_EXPIRES] = record.values[SENDKIT_RECORD_EXPIRES];
    fields[AUTHCTL_FIELD_STATUS] = record.values[SENDKIT_RECORD_STATUS];

    /* an id that the type does not call for is not read by the gateway */

    if (record.record.kind == SENDKIT_KEY_PLATFORM) {
        fields[AUTHCTL_FIELD_USER] = record.values[SENDKIT_RECORD_USER];

    } else {
        fields[AUTHCTL_FIELD_WORKSPACE] =
                                    record.values[SENDKIT_RECORD_WORKSPACE];
        authctl_export_set_created(export, &record.record, record.digest,
                                   &values);
    }

    if (authctl_export_is_copy(&record.record, ttl)) {
        export->copies++;
        return AUTHCTL_OK;
    }

    authctl_export_entry(export, name, &values);

    return AUTHCTL_OK;
}


/*
 * A record of one's own may expire after its end (docs/redis-schema.md), but
 * not before; imported, it would be good until then.
 */

static int
authctl_export_is_copy(const sendkit_record_t *record, long long ttl)
{
    if (ttl < 0) {
        return 0;
    }

    return record->expires == 0
           || (int64_t) time(NULL) + ttl / 1000 + AUTHCTL_EXPORT_SKEW
              < record->expires;
}


static void
authctl_export_set_created(authctl_export_t *export,
    const sendkit_record_t *record, sendkit_span_t digest,
    authctl_values_t *values)
{
    size_t                     i;
    authctl_name_t             name;
    sendkit_span_t            *fields, named;
    authctl_export_created_t  *created;

    i = authctl_list_find(&export->names,
                          authctl_name(export->ctl, &name,
                                       SENDKIT_SCHEMA_WORKSPACE_KEY,
                                       sendkit_id_span(&record->workspace)));

    if (i == export->names.n) {
        return;
    }

    created = &export->created[i];

    named.data = created->key.digest;
    named.len = SENDKIT_DIGEST_HEX_LEN;

    if (created->key.state != SENDKIT_RECORD_FOUND
        || !sendkit_span_equal(named, digest))
    {
        return;
    }

    created->taken = 1;
    fields = values->fields;

    fields[AUTHCTL_FIELD_CREATED_AT].data = created->key.created_at;
    fields[AUTHCTL_FIELD_CREATED_AT].len = SENDKIT_WORKSPACE_KEY_TIME_LEN;
    fields[AUTHCTL_FIELD_CREATED_BY] =
                                    sendkit_id_span(&created->key.created_by);

    /* shorter is what core shows when there is none */

    if (created->key.masked_len == SENDKIT_WORKSPACE_KEY_MASKED_LEN) {
        fields[AUTHCTL_FIELD_MASKED].data = created->key.masked;
        fields[AUTHCTL_FIELD_MASKED].len = SENDKIT_WORKSPACE_KEY_MASKED_LEN;
    }
}


static void
authctl_export_check_created(authctl_export_t *export)
{
    size_t  i;

    for (i = 0; i < export->ncreated; i++) {

        if (export->created[i].key.state == SENDKIT_RECORD_FOUND
            && !export->created[i].taken)
        {
            authctl_export_leave_out(export, export->names.items[i].name,
                                     "names a key that the workspace does "
                                     "not have");
        }
    }
}


static int
authctl_export_roles(authctl_export_t *export)
{
    int             status;
    size_t          i;
    authctl_list_t  list;

    status = authctl_scan_names(export->ctl, authctl_span("roles:"), &list);

    if (status == AUTHCTL_OK) {
        status = authctl_export_read_ttls(export, &list);
    }

    for (i = 0; i < list.n && status == AUTHCTL_OK && !ferror(stdout); i++) {

        if (export->ttls[i] >= 0) {
            export->copies++;
            continue;
        }

        status = authctl_export_workspace(export, list.items[i].name);
    }

    authctl_list_free(&list);

    return status;
}


static int
authctl_export_workspace(authctl_export_t *export, sendkit_span_t name)
{
    int                status;
    size_t             i;
    authctl_list_t     list;
    authctl_values_t   values;
    authctl_escaped_t  escaped;

    memset(&values, 0, sizeof(authctl_values_t));

    values.fields[AUTHCTL_FIELD_KIND] = authctl_span("role");
    values.fields[AUTHCTL_FIELD_WORKSPACE] =
                   authctl_scan_id(export->ctl, SENDKIT_SCHEMA_ROLES, name);

    status = authctl_scan_hash(export->ctl, name, &list);

    if (status != AUTHCTL_OK) {
        (void) authctl_fail(status, "cannot read \"%s\"",
                            authctl_escape(&escaped, name));
    }

    for (i = 0; i < list.n && status == AUTHCTL_OK; i++) {
        values.fields[AUTHCTL_FIELD_USER] = list.items[i].name;
        values.fields[AUTHCTL_FIELD_ROLE] = list.items[i].value;

        authctl_export_entry(export, name, &values);
    }

    authctl_list_free(&list);

    return status;
}


static void
authctl_export_entry(authctl_export_t *export, sendkit_span_t name,
    const authctl_values_t *values)
{
    char              text[AUTHCTL_TEXT_MAX];
    size_t            len;
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    if (!authctl_entry_parse(&entry, values, &reason)) {
        authctl_export_leave_out(export, name, reason.text);
        return;
    }

    len = export->csv ? authctl_csv_write(&entry, text)
                      : authctl_ndjson_write(&entry, text);

    (void) fwrite(text, 1, len, stdout);
}


static void
authctl_export_leave_out(authctl_export_t *export, sendkit_span_t name,
    const char *why)
{
    authctl_escaped_t  escaped;

    export->left_out++;

    (void) authctl_fail(AUTHCTL_NO, "left out: \"%s\": %s",
                        authctl_escape_hidden(&escaped, name), why);
}
