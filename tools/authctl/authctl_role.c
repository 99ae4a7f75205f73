
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "authctl_batch.h"
#include "authctl_output.h"
#include "authctl_scan.h"


static int authctl_role_set(authctl_t *ctl, int argc, char **argv);
static int authctl_role_write(authctl_t *ctl, const sendkit_span_t *words);
static int authctl_role_unset(authctl_t *ctl, int argc, char **argv);
static int authctl_role_remove(authctl_t *ctl, const sendkit_span_t *words);
static int authctl_role_list(authctl_t *ctl, int argc, char **argv);
static int authctl_role_list_print(authctl_t *ctl, sendkit_span_t workspace,
    const authctl_list_t *list);
static int authctl_role_arguments(int argc, char **argv, int n,
    sendkit_span_t *words);
static int authctl_role_bad(const char *what, sendkit_span_t value,
    const char *why);
static int authctl_role_print(authctl_t *ctl, sendkit_span_t workspace,
    sendkit_span_t user, sendkit_span_t role);


static const authctl_command_t  authctl_role_commands[] = {
    { "set", authctl_role_set },
    { "unset", authctl_role_unset },
    { "list", authctl_role_list },
    { NULL, NULL }
};


int
authctl_role(authctl_t *ctl, int argc, char **argv)
{
    return authctl_run(authctl_role_commands, "role", ctl, argc, argv);
}


static int
authctl_role_set(authctl_t *ctl, int argc, char **argv)
{
    int             status;
    sendkit_span_t  words[3];

    status = authctl_role_arguments(argc, argv, 3, words);

    return status == AUTHCTL_OK ? authctl_role_write(ctl, words) : status;
}


static int
authctl_role_write(authctl_t *ctl, const sendkit_span_t *words)
{
    authctl_name_t  name;
    sendkit_span_t  key;

    key = authctl_name(ctl, &name, SENDKIT_SCHEMA_ROLES, words[0]);

    if (authctl_redis_script(ctl->redis, authctl_batch_role_script, &key, 1,
                             &words[1], 2)
        != SENDKIT_SCRIPT_OK)
    {
        return AUTHCTL_REDIS;
    }

    return authctl_role_print(ctl, words[0], words[1], words[2]);
}


static int
authctl_role_unset(authctl_t *ctl, int argc, char **argv)
{
    int             status;
    sendkit_span_t  words[3];

    status = authctl_role_arguments(argc, argv, 2, words);

    return status == AUTHCTL_OK ? authctl_role_remove(ctl, words) : status;
}


static int
authctl_role_remove(authctl_t *ctl, const sendkit_span_t *words)
{
    long long         n;
    authctl_name_t    name;
    sendkit_span_t    args[3], none = { NULL, 0 };
    authctl_reply_t  *reply;

    args[0] = authctl_span("HDEL");
    args[1] = authctl_name(ctl, &name, SENDKIT_SCHEMA_ROLES, words[0]);
    args[2] = words[1];

    reply = authctl_redis_command(ctl->redis, args, 3);
    if (reply == NULL) {
        return AUTHCTL_REDIS;
    }

    n = authctl_reply_integer(reply);
    authctl_reply_free(reply);

    if (n == 0) {
        return authctl_fail(AUTHCTL_NO, "user \"%s\" has no role in workspace "
                            "\"%s\"", (const char *) words[1].data,
                            (const char *) words[0].data);
    }

    return authctl_role_print(ctl, words[0], words[1], none);
}


static int
authctl_role_list(authctl_t *ctl, int argc, char **argv)
{
    int             status;
    authctl_list_t  list;
    authctl_name_t  name;
    sendkit_span_t  words[3];

    status = authctl_role_arguments(argc, argv, 1, words);
    if (status != AUTHCTL_OK) {
        return status;
    }

    status = authctl_scan_hash(ctl, authctl_name(ctl, &name,
                                                 SENDKIT_SCHEMA_ROLES,
                                                 words[0]), &list);
    if (status == AUTHCTL_OK) {
        status = authctl_role_list_print(ctl, words[0], &list);
    }

    authctl_list_free(&list);

    return status;
}


static int
authctl_role_list_print(authctl_t *ctl, sendkit_span_t workspace,
    const authctl_list_t *list)
{
    int     status;
    size_t  i;

    if (list->n == 0) {
        return authctl_fail(AUTHCTL_NO, "nobody has a role in workspace "
                            "\"%s\"", (const char *) workspace.data);
    }

    for (i = 0; i < list->n; i++) {
        status = authctl_role_print(ctl, workspace, list->items[i].name,
                                    list->items[i].value);
        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    return AUTHCTL_OK;
}


/* workspace, user and role, as many of them as the command takes */

static int
authctl_role_arguments(int argc, char **argv, int n, sendkit_span_t *words)
{
    int           i, status;
    sendkit_id_t  id;

    status = authctl_only_arguments(argc, argv, n);
    if (status != AUTHCTL_OK) {
        return status;
    }

    for (i = 0; i < n; i++) {
        words[i] = authctl_span(argv[optind + i]);
    }

    if (!sendkit_id_set_workspace(&id, words[0])) {
        return authctl_role_bad("workspace", words[0], authctl_not_workspace);
    }

    if (n > 1 && !sendkit_id_set_user(&id, words[1])) {
        return authctl_role_bad("user", words[1], authctl_not_user);
    }

    if (n > 2 && sendkit_role_parse(words[2]) == SENDKIT_ROLE_NONE) {
        return authctl_role_bad("role", words[2], authctl_not_role);
    }

    return AUTHCTL_OK;
}


static int
authctl_role_bad(const char *what, sendkit_span_t value, const char *why)
{
    authctl_reason_t  reason;

    authctl_reason_value(&reason, what, value, why);

    return authctl_fail(AUTHCTL_USAGE, "%s", reason.text);
}


/* a role that was taken away is null, or "-" */

static int
authctl_role_print(authctl_t *ctl, sendkit_span_t workspace,
    sendkit_span_t user, sendkit_span_t role)
{
    authctl_escaped_t  id, word;

    if (ctl->json) {
        return authctl_print_json(json_pack("{s:o, s:o, s:o}", "workspace",
                                            authctl_json_string(workspace),
                                            "user", authctl_json_string(user),
                                            "role", authctl_json_string(role)));
    }

    printf("%-24s  %-24s  %s\n", (const char *) workspace.data,
           authctl_escape(&id, user), authctl_escape(&word, role));

    return AUTHCTL_OK;
}
