
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <string.h>
#include <time.h>

#include "authctl_explain.h"
#include "sendkit_resp.h"


static void authctl_explain_lookup(authctl_explain_t *explain,
    sendkit_need_e need);
static sendkit_store_e authctl_explain_record(authctl_explain_t *explain,
    authctl_explain_lookup_t *lookup);
static sendkit_store_e authctl_explain_role(authctl_explain_t *explain,
    authctl_explain_lookup_t *lookup);
static sendkit_store_e authctl_explain_ask(authctl_explain_t *explain,
    authctl_explain_lookup_t *lookup, const sendkit_span_t *args,
    size_t nargs);
static sendkit_store_e authctl_explain_values(
    authctl_explain_lookup_t *lookup);


void
authctl_explain_decide(authctl_explain_t *explain)
{
    sendkit_need_e  need;

    for ( ;; ) {
        explain->facts.now = time(NULL);

        need = sendkit_decision(&explain->facts, &explain->reason);

        if (need == SENDKIT_DECIDED) {
            return;
        }

        authctl_explain_lookup(explain, need);
    }
}


static void
authctl_explain_lookup(authctl_explain_t *explain, sendkit_need_e need)
{
    authctl_explain_lookup_t  *lookup;

    lookup = &explain->lookups[explain->nlookups++];

    lookup->need = need;
    lookup->store = need == SENDKIT_NEEDS_RECORD
                    ? authctl_explain_record(explain, lookup)
                    : authctl_explain_role(explain, lookup);

    explain->facts.store = lookup->store;
}


static sendkit_store_e
authctl_explain_record(authctl_explain_t *explain,
    authctl_explain_lookup_t *lookup)
{
    sendkit_span_t    digest, args[2 + SENDKIT_RECORD_NFIELDS];
    sendkit_store_e   store;
    sendkit_record_t  record;

    digest.data = explain->digests[explain->ndigests];
    digest.len = SENDKIT_DIGEST_HEX_LEN;

    if (authctl_digest_hex(explain->ctl, explain->ndigests, explain->key,
                           explain->digests[explain->ndigests])
        != AUTHCTL_OK)
    {
        return SENDKIT_STORE_ERROR;
    }

    explain->ndigests++;

    lookup->name = authctl_name(explain->ctl, &lookup->buf, SENDKIT_SCHEMA_KEY,
                                digest);

    args[0] = authctl_span("HMGET");
    args[1] = lookup->name;
    memcpy(&args[2], sendkit_record_fields, sizeof(sendkit_record_fields));

    store = authctl_explain_ask(explain, lookup, args,
                                2 + SENDKIT_RECORD_NFIELDS);

    if (store != SENDKIT_STORE_OK) {
        return store;
    }

    sendkit_record_parse(&record, lookup->values);

    /* if there is none, it may still be under the digest of the old pepper */

    if (record.state != SENDKIT_RECORD_ABSENT
        || explain->ndigests == explain->ctl->ndigesters)
    {
        explain->facts.record = record;
    }

    return SENDKIT_STORE_OK;
}


static sendkit_store_e
authctl_explain_role(authctl_explain_t *explain,
    authctl_explain_lookup_t *lookup)
{
    sendkit_span_t   args[3];
    sendkit_store_e  store;

    lookup->name = authctl_name(explain->ctl, &lookup->buf,
                                SENDKIT_SCHEMA_ROLES,
                                sendkit_decision_scope(&explain->facts));

    args[0] = authctl_span("HGET");
    args[1] = lookup->name;
    args[2] = sendkit_id_span(&explain->facts.record.user);

    store = authctl_explain_ask(explain, lookup, args, 3);

    if (store == SENDKIT_STORE_OK) {
        explain->facts.role_state = SENDKIT_ROLE_READ;
        explain->facts.role = sendkit_role_parse(lookup->values[0]);
    }

    return store;
}


static sendkit_store_e
authctl_explain_ask(authctl_explain_t *explain,
    authctl_explain_lookup_t *lookup, const sendkit_span_t *args, size_t nargs)
{
    if (!authctl_redis_append(explain->ctl->redis, args, nargs)) {
        return SENDKIT_STORE_DOWN;
    }

    lookup->reply = authctl_redis_reply(explain->ctl->redis);

    return lookup->reply == NULL ? SENDKIT_STORE_DOWN
                                 : authctl_explain_values(lookup);
}


/* an error, and another reply than the command's, are of no use */

static sendkit_store_e
authctl_explain_values(authctl_explain_lookup_t *lookup)
{
    int              ok;
    size_t           i;
    authctl_reply_e  type;

    if (lookup->need == SENDKIT_NEEDS_RECORD) {
        ok = authctl_reply_values(lookup->reply, lookup->values,
                                  SENDKIT_RECORD_NFIELDS);

    } else {
        type = authctl_reply_type(lookup->reply);
        ok = type == AUTHCTL_REPLY_STRING || type == AUTHCTL_REPLY_NIL;

        lookup->values[0] = authctl_reply_text(lookup->reply);
    }

    for (i = 0; ok && i < SENDKIT_RECORD_NFIELDS; i++) {
        ok = lookup->values[i].len <= SENDKIT_RESP_BULK_MAX;
    }

    return ok ? SENDKIT_STORE_OK : SENDKIT_STORE_ERROR;
}
