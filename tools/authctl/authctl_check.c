
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>
#include <string.h>

#include "authctl_check.h"
#include "authctl_entry.h"
#include "authctl_output.h"


/* what a kind is in Redis, and what is wrong with an id in a name, or NULL */

typedef struct {
    const char              *type;
    const char              *what;
    const char             *(*bad)(sendkit_span_t id);
} authctl_check_kind_t;


static int authctl_check_run(authctl_check_t *check);
static int authctl_check_names(authctl_check_t *check);
static int authctl_check_name(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_check_kind(authctl_check_t *check, sendkit_schema_e kind,
    sendkit_span_t name, sendkit_span_t id, sendkit_span_t type);
static const char *authctl_check_digest(sendkit_span_t id);
static const char *authctl_check_workspace(sendkit_span_t id);
static const char *authctl_check_member(sendkit_span_t id);
static int authctl_check_roles(authctl_check_t *check);
static int authctl_check_role(authctl_check_t *check, sendkit_span_t name,
    const authctl_item_t *item);
static int authctl_check_markers(authctl_check_t *check,
    sendkit_schema_e kind);
static int authctl_check_marker(void *data, sendkit_span_t name,
    const authctl_reply_t *reply);
static int authctl_check_finish(authctl_check_t *check, int status);
static const char *authctl_check_show(authctl_escaped_t *escaped,
    sendkit_span_t value);


/* in the order of sendkit_schema_e */

static const authctl_check_kind_t  authctl_check_kinds[] = {
    { "hash", "digest", authctl_check_digest },
    { "hash", "workspace", authctl_check_workspace },
    { "hash", "workspace", authctl_check_workspace },
    { "string", "digest", authctl_check_digest },
    { "string", "workspace:user", authctl_check_member }
};


/* in the order of authctl_problem_e */

static const char *const  authctl_check_problems[] = {
    "unknown_name",
    "bad_name",
    "wrong_type",
    "bad_field",
    "bad_user",
    "unknown_role",
    "no_expiry",
    "orphan",
    "other_key"
};


static const sendkit_span_t  authctl_check_none = { NULL, 0 };


int
authctl_check(authctl_t *ctl, int argc, char **argv)
{
    int              kind, status;
    authctl_check_t  check;

    status = authctl_only_arguments(argc, argv, 0);
    if (status != AUTHCTL_OK) {
        return status;
    }

    memset(&check, 0, sizeof(authctl_check_t));

    check.ctl = ctl;

    status = authctl_check_run(&check);

    for (kind = 0; kind < AUTHCTL_CHECK_KINDS; kind++) {
        authctl_list_free(&check.names[kind]);
    }

    authctl_list_free(&check.records);
    authctl_list_free(&check.created);
    authctl_list_free(&check.empty);

    return authctl_check_finish(&check, status);
}


static int
authctl_check_run(authctl_check_t *check)
{
    int  status;

    status = authctl_check_names(check);

    if (status == AUTHCTL_OK) {
        status = authctl_check_keys(check);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_check_roles(check);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_check_markers(check, SENDKIT_SCHEMA_NO_KEY);
    }

    if (status == AUTHCTL_OK) {
        status = authctl_check_markers(check, SENDKIT_SCHEMA_NO_ROLE);
    }

    return status;
}


/* Leaves in check->names what has a good name and the type of its kind. */

static int
authctl_check_names(authctl_check_t *check)
{
    int             status;
    authctl_list_t  list;
    sendkit_span_t  type = SENDKIT_SPAN("TYPE");

    status = authctl_scan_names(check->ctl, authctl_check_none, &list);

    if (status == AUTHCTL_OK) {
        check->nnames = list.n;
        status = authctl_scan_each(check->ctl, &list, &type, 1,
                                   authctl_check_name, check);
    }

    authctl_list_free(&list);

    return status;
}


static int
authctl_check_name(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    int               kind;
    sendkit_span_t    id, type;
    authctl_check_t  *check = data;

    type = authctl_reply_text(reply);

    /* it went while we looked */

    if (sendkit_span_equal(type, authctl_span("none"))) {
        return AUTHCTL_OK;
    }

    for (kind = 0; kind < AUTHCTL_CHECK_KINDS; kind++) {
        id = authctl_scan_id(check->ctl, (sendkit_schema_e) kind, name);

        if (id.data != NULL) {
            return authctl_check_kind(check, (sendkit_schema_e) kind, name, id,
                                      type);
        }
    }

    return authctl_check_report(check, AUTHCTL_PROBLEM_UNKNOWN_NAME, name,
                                authctl_check_none, authctl_check_none,
                                "is not a name that the gateway knows");
}


static int
authctl_check_kind(authctl_check_t *check, sendkit_schema_e kind,
    sendkit_span_t name, sendkit_span_t id, sendkit_span_t type)
{
    const char                  *why;
    authctl_reason_t             reason;
    const authctl_check_kind_t  *known;

    known = &authctl_check_kinds[kind];

    why = known->bad(id);

    if (why != NULL) {
        authctl_reason_value(&reason, known->what, id, why);
        return authctl_check_report(check, AUTHCTL_PROBLEM_BAD_NAME, name,
                                    authctl_check_none, id, reason.text);
    }

    if (!sendkit_span_equal(type, authctl_span(known->type))) {
        authctl_reason_set(&reason, "is a %.*s of Redis, not a %s",
                           (int) type.len, (const char *) type.data,
                           known->type);
        return authctl_check_report(check, AUTHCTL_PROBLEM_WRONG_TYPE, name,
                                    authctl_check_none, type, reason.text);
    }

    return authctl_list_add(&check->names[kind], name, name)
           ? AUTHCTL_OK : authctl_fail(AUTHCTL_USAGE, "no memory");
}


static const char *
authctl_check_digest(sendkit_span_t id)
{
    return authctl_is_digest(id) ? NULL : authctl_not_digest;
}


static const char *
authctl_check_workspace(sendkit_span_t id)
{
    sendkit_id_t  workspace;

    return sendkit_id_set_workspace(&workspace, id) ? NULL
                                                    : authctl_not_workspace;
}


/* <workspace>:<user>, of which only the user may have a colon */

static const char *
authctl_check_member(sendkit_span_t id)
{
    size_t                i;
    sendkit_id_t          user;
    sendkit_span_t        workspace, rest;
    const unsigned char  *colon;

    colon = id.len != 0 ? memchr(id.data, ':', id.len) : NULL;

    if (colon == NULL) {
        return "has no user";
    }

    i = (size_t) (colon - id.data);

    workspace.data = id.data;
    workspace.len = i;

    rest.data = colon + 1;
    rest.len = id.len - i - 1;

    if (!sendkit_id_set_user(&user, rest)) {
        return "has a user that is not 1 to 64 of A-Z a-z 0-9 . _ : @ -";
    }

    return authctl_check_workspace(workspace);
}


static int
authctl_check_roles(authctl_check_t *check)
{
    int              status;
    size_t           i, j;
    sendkit_span_t   name;
    authctl_list_t  *names, list;

    names = &check->names[SENDKIT_SCHEMA_ROLES];

    for (i = 0; i < names->n && !ferror(stdout); i++) {
        name = names->items[i].name;
        status = authctl_scan_hash(check->ctl, name, &list);

        for (j = 0; j < list.n && status == AUTHCTL_OK; j++) {
            status = authctl_check_role(check, name, &list.items[j]);
        }

        authctl_list_free(&list);

        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    return AUTHCTL_OK;
}


static int
authctl_check_role(authctl_check_t *check, sendkit_span_t name,
    const authctl_item_t *item)
{
    int                status;
    sendkit_id_t       user;
    authctl_reason_t   reason;
    authctl_escaped_t  escaped;

    status = AUTHCTL_OK;

    if (!sendkit_id_set_user(&user, item->name)) {
        authctl_reason_value(&reason, "user", item->name, authctl_not_user);
        status = authctl_check_report(check, AUTHCTL_PROBLEM_BAD_USER, name,
                                      item->name, item->value, reason.text);

    } else if (sendkit_role_parse(item->value) == SENDKIT_ROLE_NONE) {
        authctl_reason_value(&reason, authctl_escape(&escaped, item->name),
                             item->value, authctl_not_role);
        status = authctl_check_report(check, AUTHCTL_PROBLEM_UNKNOWN_ROLE,
                                      name, item->name, item->value,
                                      reason.text);
    }

    return status;
}


static int
authctl_check_markers(authctl_check_t *check, sendkit_schema_e kind)
{
    sendkit_span_t  ttl = SENDKIT_SPAN("PTTL");

    return authctl_scan_each(check->ctl, &check->names[kind], &ttl, 1,
                             authctl_check_marker, check);
}


/* -1: it never expires, so that a key or role stays unknown for ever */

static int
authctl_check_marker(void *data, sendkit_span_t name,
    const authctl_reply_t *reply)
{
    authctl_check_t  *check = data;

    if (authctl_reply_integer(reply) != -1) {
        return AUTHCTL_OK;
    }

    return authctl_check_report(check, AUTHCTL_PROBLEM_NO_EXPIRY, name,
                                authctl_check_none, authctl_check_none,
                                "never expires, and a marker has to");
}


int
authctl_check_report(authctl_check_t *check, authctl_problem_e problem,
    sendkit_span_t name, sendkit_span_t field, sendkit_span_t value,
    const char *why)
{
    json_t             *object;
    const char         *word;
    authctl_escaped_t   shown[3];

    check->nproblems++;

    word = authctl_check_problems[problem];

    if (!check->ctl->json) {
        printf("%s: %s: %s\n", authctl_check_show(&shown[0], name), word, why);
        return AUTHCTL_OK;
    }

    object = json_pack("{s:s, s:s, s:s?, s:s?, s:s}",
                       "name", authctl_check_show(&shown[0], name),
                       "problem", word,
                       "field", authctl_check_show(&shown[1], field),
                       "value", authctl_check_show(&shown[2], value),
                       "message", why);

    return authctl_print_json(object);
}


static const char *
authctl_check_show(authctl_escaped_t *escaped, sendkit_span_t value)
{
    return value.data != NULL ? authctl_escape_hidden(escaped, value) : NULL;
}


static int
authctl_check_finish(authctl_check_t *check, int status)
{
    if (status != AUTHCTL_OK) {
        return status;
    }

    if (check->nproblems != 0) {
        return authctl_fail(AUTHCTL_NO, "%zu problem%s in %zu name%s",
                            check->nproblems, check->nproblems == 1 ? "" : "s",
                            check->nnames, check->nnames == 1 ? "" : "s");
    }

    if (!check->ctl->json) {
        printf("no problem in %zu name%s\n", check->nnames,
               check->nnames == 1 ? "" : "s");
    }

    return AUTHCTL_OK;
}
