
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_decision.h"


static sendkit_reason_e sendkit_decision_request(const sendkit_facts_t *facts);
static sendkit_reason_e sendkit_decision_store(sendkit_store_e store);
static sendkit_reason_e sendkit_decision_record(const sendkit_facts_t *facts);
static sendkit_reason_e sendkit_decision_scoped(const sendkit_facts_t *facts);
static int sendkit_decision_is_other(const sendkit_facts_t *facts);
static int sendkit_decision_has_role(const sendkit_facts_t *facts);


static const sendkit_span_t  sendkit_reason_names[SENDKIT_NREASONS] = {
    SENDKIT_SPAN("undecided"),
    SENDKIT_SPAN("allowed"),
    SENDKIT_SPAN("preflight"),
    SENDKIT_SPAN("bad_path"),
    SENDKIT_SPAN("subrequest"),
    SENDKIT_SPAN("no_route"),
    SENDKIT_SPAN("method"),
    SENDKIT_SPAN("no_key"),
    SENDKIT_SPAN("duplicate_key"),
    SENDKIT_SPAN("bad_key"),
    SENDKIT_SPAN("key_kind"),
    SENDKIT_SPAN("unknown_key"),
    SENDKIT_SPAN("expired_key"),
    SENDKIT_SPAN("inactive_key"),
    SENDKIT_SPAN("no_workspace"),
    SENDKIT_SPAN("other_workspace"),
    SENDKIT_SPAN("role"),
    SENDKIT_SPAN("store_timeout"),
    SENDKIT_SPAN("store_down"),
    SENDKIT_SPAN("store_error"),
    SENDKIT_SPAN("overload")
};


sendkit_need_e
sendkit_decision(const sendkit_facts_t *facts, sendkit_reason_e *reason)
{
    *reason = sendkit_decision_request(facts);

    if (*reason != SENDKIT_REASON_UNDECIDED) {
        return SENDKIT_DECIDED;
    }

    if (facts->record.state == SENDKIT_RECORD_UNREAD) {
        *reason = sendkit_decision_store(facts->store);

        return *reason == SENDKIT_REASON_UNDECIDED ? SENDKIT_NEEDS_RECORD
                                                   : SENDKIT_DECIDED;
    }

    *reason = sendkit_decision_record(facts);

    if (*reason != SENDKIT_REASON_UNDECIDED) {
        return SENDKIT_DECIDED;
    }

    *reason = sendkit_decision_scoped(facts);

    if (*reason != SENDKIT_REASON_UNDECIDED) {
        return SENDKIT_DECIDED;
    }

    if (facts->key == SENDKIT_KEY_WORKSPACE
        || facts->match.route->roles == SENDKIT_ROLE_NONE)
    {
        *reason = SENDKIT_REASON_ALLOWED;
        return SENDKIT_DECIDED;
    }

    if (facts->role_state == SENDKIT_ROLE_UNREAD) {
        *reason = sendkit_decision_store(facts->store);

        return *reason == SENDKIT_REASON_UNDECIDED ? SENDKIT_NEEDS_ROLE
                                                   : SENDKIT_DECIDED;
    }

    *reason = sendkit_decision_has_role(facts) ? SENDKIT_REASON_ALLOWED
                                               : SENDKIT_REASON_ROLE;

    return SENDKIT_DECIDED;
}


sendkit_span_t
sendkit_decision_scope(const sendkit_facts_t *facts)
{
    sendkit_span_t  none = { NULL, 0 };

    if (facts->match.route == NULL) {
        return none;
    }

    if (facts->key == SENDKIT_KEY_WORKSPACE) {
        return sendkit_id_span(&facts->record.workspace);
    }

    switch (facts->match.route->workspace) {

    case SENDKIT_WORKSPACE_PATH:
        return facts->match.workspace;

    case SENDKIT_WORKSPACE_HEADER:
        return sendkit_id_span(&facts->asked_workspace);

    case SENDKIT_WORKSPACE_NONE:
        break;
    }

    return none;
}


int
sendkit_decision_scope_is_checked(const sendkit_facts_t *facts)
{
    return facts->key == SENDKIT_KEY_WORKSPACE
           || (facts->match.route != NULL
               && facts->match.route->roles != SENDKIT_ROLE_NONE);
}


int
sendkit_reason_forwards(sendkit_reason_e reason)
{
    return reason == SENDKIT_REASON_ALLOWED
           || reason == SENDKIT_REASON_PREFLIGHT;
}


sendkit_span_t
sendkit_reason_name(sendkit_reason_e reason)
{
    return sendkit_reason_names[reason];
}


/* what the request alone tells, without the store */

static sendkit_reason_e
sendkit_decision_request(const sendkit_facts_t *facts)
{
    if (!facts->canonical_path) {
        return SENDKIT_REASON_BAD_PATH;
    }

    if (facts->preflight) {
        return SENDKIT_REASON_PREFLIGHT;
    }

    if (facts->match.found == SENDKIT_ROUTE_NO_METHOD) {
        return SENDKIT_REASON_METHOD;
    }

    if (facts->match.found != SENDKIT_ROUTE_FOUND) {
        return SENDKIT_REASON_NO_ROUTE;
    }

    if (facts->credential == SENDKIT_CREDENTIAL_NONE) {
        return SENDKIT_REASON_NO_KEY;
    }

    if (facts->credential != SENDKIT_CREDENTIAL_ONE) {
        return SENDKIT_REASON_DUPLICATE_KEY;
    }

    if (facts->key == SENDKIT_KEY_MALFORMED) {
        return SENDKIT_REASON_BAD_KEY;
    }

    if ((facts->match.route->keys & facts->key) == 0) {
        return SENDKIT_REASON_KEY_KIND;
    }

    return SENDKIT_REASON_UNDECIDED;
}


static sendkit_reason_e
sendkit_decision_store(sendkit_store_e store)
{
    switch (store) {

    case SENDKIT_STORE_OK:
        return SENDKIT_REASON_UNDECIDED;

    case SENDKIT_STORE_TIMEOUT:
        return SENDKIT_REASON_STORE_TIMEOUT;

    case SENDKIT_STORE_DOWN:
        return SENDKIT_REASON_STORE_DOWN;

    case SENDKIT_STORE_OVERLOAD:
        return SENDKIT_REASON_OVERLOAD;

    case SENDKIT_STORE_ERROR:
        break;
    }

    return SENDKIT_REASON_STORE_ERROR;
}


static sendkit_reason_e
sendkit_decision_record(const sendkit_facts_t *facts)
{
    const sendkit_record_t  *record;

    record = &facts->record;

    if (record->state == SENDKIT_RECORD_ABSENT) {
        return SENDKIT_REASON_UNKNOWN_KEY;
    }

    if (record->state != SENDKIT_RECORD_FOUND) {
        return SENDKIT_REASON_STORE_ERROR;
    }

    if (record->kind != facts->key) {
        return SENDKIT_REASON_UNKNOWN_KEY;
    }

    if (record->expires != 0 && facts->now >= record->expires) {
        return SENDKIT_REASON_EXPIRED_KEY;
    }

    if (!record->active) {
        return SENDKIT_REASON_INACTIVE_KEY;
    }

    return SENDKIT_REASON_UNDECIDED;
}


/* the key is good: is it good here? */

static sendkit_reason_e
sendkit_decision_scoped(const sendkit_facts_t *facts)
{
    if (facts->key == SENDKIT_KEY_WORKSPACE) {
        return sendkit_decision_is_other(facts)
               ? SENDKIT_REASON_OTHER_WORKSPACE : SENDKIT_REASON_UNDECIDED;
    }

    if (facts->match.route->workspace == SENDKIT_WORKSPACE_HEADER
        && facts->asked != SENDKIT_ASKED_ONE)
    {
        return SENDKIT_REASON_NO_WORKSPACE;
    }

    return SENDKIT_REASON_UNDECIDED;
}


static int
sendkit_decision_is_other(const sendkit_facts_t *facts)
{
    sendkit_span_t  own;

    own = sendkit_id_span(&facts->record.workspace);

    if (own.len == 0) {
        return 1;
    }

    switch (facts->match.route->workspace) {

    case SENDKIT_WORKSPACE_NONE:
        return 0;

    case SENDKIT_WORKSPACE_PATH:
        return !sendkit_span_equal(own, facts->match.workspace);

    case SENDKIT_WORKSPACE_HEADER:

        if (facts->asked == SENDKIT_ASKED_NONE) {
            return 0;
        }

        return facts->asked != SENDKIT_ASKED_ONE
               || !sendkit_span_equal(own,
                                   sendkit_id_span(&facts->asked_workspace));
    }

    return 1;
}


static int
sendkit_decision_has_role(const sendkit_facts_t *facts)
{
    return (facts->match.route->roles & facts->role) != 0;
}
