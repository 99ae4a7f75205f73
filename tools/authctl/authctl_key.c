
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "authctl_entry.h"
#include "authctl_output.h"
#include "authctl_scan.h"
#include "authctl_target.h"


#define AUTHCTL_KEY_TRIES  10


static int authctl_key_show(authctl_t *ctl, int argc, char **argv);
static int authctl_key_status(authctl_t *ctl, int argc, char **argv);
static int authctl_key_set_status(authctl_t *ctl,
    const authctl_target_t *target, const char *word);
static size_t authctl_key_names(authctl_t *ctl, const authctl_target_t *target,
    authctl_name_t *names, sendkit_span_t *keys);
static int authctl_key_revoke(authctl_t *ctl, int argc, char **argv);
static int authctl_key_remove(authctl_t *ctl, authctl_target_t *target,
    int *again);
static int authctl_key_remove_named(authctl_t *ctl,
    const authctl_record_t *record, sendkit_span_t workspace, int *again);
static int authctl_key_remove_records(authctl_t *ctl,
    const authctl_target_t *target, int gone);
static int authctl_key_list(authctl_t *ctl, int argc, char **argv);
static int authctl_key_list_print(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_key_done(authctl_t *ctl, sendkit_span_t digest,
    const char *done);


static const authctl_command_t  authctl_key_commands[] = {
    { "add", authctl_key_add },
    { "show", authctl_key_show },
    { "status", authctl_key_status },
    { "revoke", authctl_key_revoke },
    { "list", authctl_key_list },
    { NULL, NULL }
};


/*
 * KEYS  key:<digest>, also the one with the old pepper
 * ARGV  status
 *
 * HSET alone would make a record of nothing but a status.
 */

static const sendkit_span_t  authctl_key_status_script = SENDKIT_SPAN(
    "local answer = 'CHANGED'\n"

    "for _, key in ipairs(KEYS) do\n"
    "    if redis.call('EXISTS', key) == 1 then\n"
    "        redis.call('HSET', key, 'status', ARGV[1])\n"
    "        answer = 'OK'\n"
    "    end\n"
    "end\n"

    "return redis.status_reply(answer)\n"
);


int
authctl_key(authctl_t *ctl, int argc, char **argv)
{
    return authctl_run(authctl_key_commands, "key", ctl, argc, argv);
}


static int
authctl_key_show(authctl_t *ctl, int argc, char **argv)
{
    int               status;
    authctl_record_t  record;
    authctl_target_t  target;

    status = authctl_target_parse(ctl, &target, argc, argv, 0);
    if (status != AUTHCTL_OK) {
        return status;
    }

    status = authctl_target_find(ctl, &target, &record);

    if (status == AUTHCTL_OK && ctl->json) {
        status = authctl_print_json(authctl_record_json(&record));

    } else if (status == AUTHCTL_OK) {
        authctl_record_print(&record);
    }

    authctl_record_free(&record);

    return status;
}


static int
authctl_key_status(authctl_t *ctl, int argc, char **argv)
{
    int               status;
    const char       *word;
    sendkit_id_t      id;
    authctl_record_t  record;
    authctl_reason_t  reason;
    authctl_target_t  target;

    status = authctl_target_parse(ctl, &target, argc, argv, 1);
    if (status != AUTHCTL_OK) {
        return status;
    }

    word = argv[optind];

    /* a status has the bytes of an id, so that each can be exported */

    if (!sendkit_id_set_workspace(&id, authctl_span(word))) {
        authctl_reason_value(&reason, "status", authctl_span(word),
                             authctl_not_status);
        return authctl_fail(AUTHCTL_USAGE, "%s", reason.text);
    }

    status = authctl_target_find(ctl, &target, &record);

    if (status == AUTHCTL_OK) {
        status = authctl_key_set_status(ctl, &target, word);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_key_done(ctl, record.digest, word);
    }

    authctl_record_free(&record);

    return status;
}


static int
authctl_key_set_status(authctl_t *ctl, const authctl_target_t *target,
    const char *word)
{
    size_t          n;
    authctl_name_t  names[AUTHCTL_DIGESTERS];
    sendkit_span_t  value, keys[AUTHCTL_DIGESTERS];

    n = authctl_key_names(ctl, target, names, keys);
    value = authctl_span(word);

    switch (authctl_redis_script(ctl->redis, authctl_key_status_script, keys,
                                 n, &value, 1))
    {

    case SENDKIT_SCRIPT_OK:
        return AUTHCTL_OK;

    case SENDKIT_SCRIPT_CHANGED:
        return authctl_target_missing(target);

    default:
        return AUTHCTL_REDIS;
    }
}


/* all of the key's records, for the gateway falls back to the old pepper */

static size_t
authctl_key_names(authctl_t *ctl, const authctl_target_t *target,
    authctl_name_t *names, sendkit_span_t *keys)
{
    size_t          i;
    sendkit_span_t  digest;

    for (i = 0; i < target->ndigests; i++) {
        digest.data = target->digests[i];
        digest.len = SENDKIT_DIGEST_HEX_LEN;

        keys[i] = authctl_name(ctl, &names[i], SENDKIT_SCHEMA_KEY, digest);
    }

    return target->ndigests;
}


static int
authctl_key_revoke(authctl_t *ctl, int argc, char **argv)
{
    int               i, again, status;
    authctl_target_t  target;

    status = authctl_target_parse(ctl, &target, argc, argv, 0);
    if (status != AUTHCTL_OK) {
        return status;
    }

    for (i = 0; i < AUTHCTL_KEY_TRIES; i++) {
        again = 0;
        status = authctl_key_remove(ctl, &target, &again);

        if (!again) {
            return status;
        }
    }

    return authctl_fail(AUTHCTL_NO, "the key of the workspace is changed by "
                        "others all the time, it was not revoked");
}


/* sets *again when what was read has changed before it could be removed */

static int
authctl_key_remove(authctl_t *ctl, authctl_target_t *target, int *again)
{
    int               named, status;
    sendkit_span_t    workspace;
    authctl_record_t  record;

    status = authctl_target_find(ctl, target, &record);

    named = record.created[SENDKIT_WORKSPACE_KEY_DIGEST].data != NULL;

    if (status == AUTHCTL_OK && named) {
        workspace = target->workspace.len != 0
                    ? target->workspace
                    : sendkit_id_span(&record.record.workspace);

        status = authctl_key_remove_named(ctl, &record, workspace, again);
    }

    if (status == AUTHCTL_OK && (!named || target->ndigests > 1)) {
        status = authctl_key_remove_records(ctl, target, named);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_key_done(ctl, record.digest, "revoked");
    }

    authctl_record_free(&record);

    return status;
}


/* the key that a workspace names as its own */

static int
authctl_key_remove_named(authctl_t *ctl, const authctl_record_t *record,
    sendkit_span_t workspace, int *again)
{
    authctl_name_t  names[3];
    sendkit_span_t  keys[3], args[6], none = SENDKIT_SPAN("");

    keys[0] = authctl_name(ctl, &names[0], SENDKIT_SCHEMA_WORKSPACE_KEY,
                           workspace);
    keys[1] = authctl_name(ctl, &names[1], SENDKIT_SCHEMA_KEY,
                           record->digest);
    keys[2] = authctl_name(ctl, &names[2], SENDKIT_SCHEMA_KEY, none);

    args[0] = record->digest;
    args[1] = none;
    args[2] = workspace;
    args[3] = none;
    args[4] = none;
    args[5] = none;

    switch (authctl_redis_script(ctl->redis, sendkit_script_workspace_key,
                                 keys, 3, args, 6))
    {

    case SENDKIT_SCRIPT_OK:
        return AUTHCTL_OK;

    case SENDKIT_SCRIPT_CHANGED:
        *again = 1;
        return AUTHCTL_NO;

    default:
        return AUTHCTL_REDIS;
    }
}


/* gone: that there is no record is no failure */

static int
authctl_key_remove_records(authctl_t *ctl, const authctl_target_t *target,
    int gone)
{
    size_t            n;
    long long         removed;
    authctl_name_t    names[AUTHCTL_DIGESTERS];
    sendkit_span_t    args[1 + AUTHCTL_DIGESTERS];
    authctl_reply_t  *reply;

    args[0] = authctl_span("DEL");
    n = authctl_key_names(ctl, target, names, &args[1]);

    reply = authctl_redis_command(ctl->redis, args, 1 + n);
    if (reply == NULL) {
        return AUTHCTL_REDIS;
    }

    removed = authctl_reply_integer(reply);
    authctl_reply_free(reply);

    return removed == 0 && !gone ? authctl_target_missing(target)
                                 : AUTHCTL_OK;
}


static int
authctl_key_list(authctl_t *ctl, int argc, char **argv)
{
    int             status;
    authctl_list_t  list;
    sendkit_span_t  args[1 + SENDKIT_RECORD_NFIELDS];

    status = authctl_only_arguments(argc, argv, 0);
    if (status != AUTHCTL_OK) {
        return status;
    }

    status = authctl_scan_names(ctl, authctl_span("key:"), &list);

    if (status == AUTHCTL_OK) {
        authctl_record_command(args);
        status = authctl_scan_each(ctl, &list, args,
                                   1 + SENDKIT_RECORD_NFIELDS,
                                   authctl_key_list_print, ctl);
    }

    authctl_list_free(&list);

    return status;
}


static int
authctl_key_list_print(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    authctl_t         *ctl = data;
    authctl_record_t   record;

    memset(&record, 0, sizeof(authctl_record_t));

    authctl_record_set(&record, authctl_scan_id(ctl, SENDKIT_SCHEMA_KEY, name),
                       reply);

    /* it went while we looked */

    if (record.record.state == SENDKIT_RECORD_ABSENT) {
        return AUTHCTL_OK;
    }

    if (ctl->json) {
        return authctl_print_json(authctl_record_json(&record));
    }

    authctl_record_print_line(&record);

    return AUTHCTL_OK;
}


static int
authctl_key_done(authctl_t *ctl, sendkit_span_t digest, const char *done)
{
    json_t  *object;

    if (!ctl->json) {
        authctl_print_field("digest", digest);
        authctl_print_field("status", authctl_span(done));
        return AUTHCTL_OK;
    }

    object = json_pack("{s:o, s:s}", "digest",
                       authctl_json_string(digest), "status", done);

    return authctl_print_json(object);
}
