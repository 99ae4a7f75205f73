
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <string.h>

#include "authctl_entry.h"
#include "authctl_output.h"
#include "authctl_secret.h"
#include "authctl_target.h"


static int authctl_target_set_digest(authctl_target_t *target,
    const char *value);
static int authctl_target_set_workspace(authctl_target_t *target,
    const char *value);
static int authctl_target_read_key(authctl_t *ctl, authctl_target_t *target);
static int authctl_target_find_digest(authctl_t *ctl,
    authctl_target_t *target);
static int authctl_target_copy_digest(authctl_target_t *target,
    const authctl_reply_t *reply);


static const struct option  authctl_target_options[] = {
    { "digest", required_argument, NULL, 'd' },
    { "workspace", required_argument, NULL, 'w' },
    { NULL, 0, NULL, 0 }
};


int
authctl_target_parse(authctl_t *ctl, authctl_target_t *target, int argc,
    char **argv, int n)
{
    int  c, status;

    memset(target, 0, sizeof(authctl_target_t));

    status = AUTHCTL_OK;

    while (status == AUTHCTL_OK) {
        c = getopt_long(argc, argv, ":", authctl_target_options, NULL);

        if (c == -1) {
            break;
        }

        switch (c) {

        case 'd':
            status = authctl_target_set_digest(target, optarg);
            break;

        case 'w':
            status = authctl_target_set_workspace(target, optarg);
            break;

        default:
            status = authctl_fail_option(c, argv);
        }
    }

    if (status == AUTHCTL_OK) {
        status = authctl_check_arguments(argc, argv, n);
    }

    if (status != AUTHCTL_OK || target->workspace.len != 0) {
        return status;
    }

    return target->ndigests != 0 ? AUTHCTL_OK
                                 : authctl_target_read_key(ctl, target);
}


static int
authctl_target_set_digest(authctl_target_t *target, const char *value)
{
    authctl_reason_t  reason;

    if (target->ndigests != 0 || target->workspace.len != 0) {
        return authctl_fail(AUTHCTL_USAGE, "more than one \"--digest\" or "
                            "\"--workspace\"");
    }

    if (!authctl_is_digest(authctl_span(value))) {
        authctl_reason_value(&reason, "\"--digest\":", authctl_span(value),
                             authctl_not_digest);
        return authctl_fail(AUTHCTL_USAGE, "%s", reason.text);
    }

    memcpy(target->digests[0], value, SENDKIT_DIGEST_HEX_LEN);
    target->ndigests = 1;

    return AUTHCTL_OK;
}


static int
authctl_target_set_workspace(authctl_target_t *target, const char *value)
{
    sendkit_id_t      id;
    authctl_reason_t  reason;

    if (target->ndigests != 0 || target->workspace.len != 0) {
        return authctl_fail(AUTHCTL_USAGE, "more than one \"--digest\" or "
                            "\"--workspace\"");
    }

    if (!sendkit_id_set_workspace(&id, authctl_span(value))) {
        authctl_reason_value(&reason, "\"--workspace\":", authctl_span(value),
                             authctl_not_workspace);
        return authctl_fail(AUTHCTL_USAGE, "%s", reason.text);
    }

    target->workspace = authctl_span(value);

    return AUTHCTL_OK;
}


static int
authctl_target_read_key(authctl_t *ctl, authctl_target_t *target)
{
    int               status;
    size_t            i;
    sendkit_key_e     kind;
    authctl_secret_t  key;

    status = authctl_secret_read_key(&key, &kind);

    for (i = 0; i < ctl->ndigesters && status == AUTHCTL_OK; i++) {
        status = authctl_digest_hex(ctl, i, authctl_secret_span(&key),
                                    target->digests[i]);
        target->ndigests++;
    }

    authctl_secret_cleanse(&key);

    return status;
}


int
authctl_target_find(authctl_t *ctl, authctl_target_t *target,
    authctl_record_t *record)
{
    int             status;
    size_t          i;
    sendkit_span_t  digest;

    memset(record, 0, sizeof(authctl_record_t));

    if (target->workspace.len != 0) {
        status = authctl_target_find_digest(ctl, target);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    for (i = 0; i < target->ndigests; i++) {
        digest.data = target->digests[i];
        digest.len = SENDKIT_DIGEST_HEX_LEN;

        authctl_record_free(record);

        status = authctl_record_read(ctl, record, digest, target->workspace);

        if (status != AUTHCTL_OK
            || record->record.state != SENDKIT_RECORD_ABSENT)
        {
            return status;
        }
    }

    /* a workspace may name a key whose record has gone */

    if (record->created[SENDKIT_WORKSPACE_KEY_DIGEST].data != NULL) {
        return AUTHCTL_OK;
    }

    return authctl_target_missing(target);
}


int
authctl_target_missing(const authctl_target_t *target)
{
    return authctl_fail(AUTHCTL_NO, "Redis has no record of key id \"%.12s\"",
                        (const char *) target->digests[0]);
}


/* the digest that the workspace names, at each call anew */

static int
authctl_target_find_digest(authctl_t *ctl, authctl_target_t *target)
{
    int               status;
    authctl_name_t    name;
    sendkit_span_t    args[3];
    authctl_reply_t  *reply;

    args[0] = authctl_span("HGET");
    args[1] = authctl_name(ctl, &name, SENDKIT_SCHEMA_WORKSPACE_KEY,
                           target->workspace);
    args[2] = sendkit_workspace_key_fields[SENDKIT_WORKSPACE_KEY_DIGEST];

    reply = authctl_redis_command(ctl->redis, args, 3);
    if (reply == NULL) {
        return AUTHCTL_REDIS;
    }

    status = authctl_target_copy_digest(target, reply);
    authctl_reply_free(reply);

    return status;
}


static int
authctl_target_copy_digest(authctl_target_t *target,
    const authctl_reply_t *reply)
{
    sendkit_span_t    digest;
    authctl_reason_t  reason;

    digest = authctl_reply_text(reply);

    if (digest.data == NULL) {
        return authctl_fail(AUTHCTL_NO, "workspace \"%s\" has no key of its "
                            "own", (const char *) target->workspace.data);
    }

    if (!authctl_is_digest(digest)) {
        authctl_reason_value(&reason, "digest", digest, authctl_not_digest);
        return authctl_fail(AUTHCTL_NO, "workspace \"%s\": %s",
                            (const char *) target->workspace.data,
                            reason.text);
    }

    memcpy(target->digests[0], digest.data, SENDKIT_DIGEST_HEX_LEN);
    target->ndigests = 1;

    return AUTHCTL_OK;
}
