
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "authctl_explain.h"


#define AUTHCTL_EXPLAIN_ROUTES  "/etc/nginx/sendkit_v1_routes.conf"


typedef enum {
    AUTHCTL_EXPLAIN_OPTION_ROUTES = 256,
    AUTHCTL_EXPLAIN_OPTION_KEY,
    AUTHCTL_EXPLAIN_OPTION_WORKSPACE,
    AUTHCTL_EXPLAIN_OPTION_PREFLIGHT,
    AUTHCTL_EXPLAIN_OPTION_FORMAT
} authctl_explain_option_e;


static int authctl_explain_options(authctl_explain_t *explain, int argc,
    char **argv);
static int authctl_explain_set(authctl_explain_t *explain, int c);
static int authctl_explain_run(authctl_explain_t *explain);
static int authctl_explain_read(authctl_explain_t *explain);
static int authctl_explain_result(const authctl_explain_t *explain);
static void authctl_explain_free(authctl_explain_t *explain);


static const struct option  authctl_explain_long_options[] = {
    { "routes", required_argument, NULL, AUTHCTL_EXPLAIN_OPTION_ROUTES },
    { "key", required_argument, NULL, AUTHCTL_EXPLAIN_OPTION_KEY },
    { "workspace-id", required_argument, NULL,
      AUTHCTL_EXPLAIN_OPTION_WORKSPACE },
    { "preflight", no_argument, NULL, AUTHCTL_EXPLAIN_OPTION_PREFLIGHT },
    { "error-format", required_argument, NULL, AUTHCTL_EXPLAIN_OPTION_FORMAT },
    { NULL, 0, NULL, 0 }
};


int
authctl_explain(authctl_t *ctl, int argc, char **argv)
{
    int                 status;
    authctl_explain_t  *explain;

    explain = calloc(1, sizeof(authctl_explain_t));
    if (explain == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "no memory");
    }

    explain->ctl = ctl;
    explain->file = AUTHCTL_EXPLAIN_ROUTES;

    status = authctl_explain_options(explain, argc, argv);

    if (status == AUTHCTL_OK) {
        status = authctl_explain_run(explain);
    }

    authctl_explain_free(explain);

    return status;
}


unsigned
authctl_explain_status(const authctl_explain_t *explain)
{
    if (explain->nginx != 0) {
        return explain->nginx;
    }

    return sendkit_reason_forwards(explain->reason)
           ? 0 : sendkit_error_status(explain->reason);
}


static int
authctl_explain_options(authctl_explain_t *explain, int argc, char **argv)
{
    int  c, status;

    for ( ;; ) {
        c = getopt_long(argc, argv, ":", authctl_explain_long_options, NULL);

        if (c == -1) {
            break;
        }

        if (c == '?' || c == ':') {
            return authctl_fail_option(c, argv);
        }

        status = authctl_explain_set(explain, c);

        if (status != AUTHCTL_OK) {
            return status;
        }
    }

    status = authctl_check_arguments(argc, argv, 2);

    if (status == AUTHCTL_OK) {
        explain->method = argv[optind];
        explain->target = argv[optind + 1];
    }

    return status;
}


static int
authctl_explain_set(authctl_explain_t *explain, int c)
{
    switch (c) {

    case AUTHCTL_EXPLAIN_OPTION_ROUTES:
        explain->file = optarg;
        break;

    case AUTHCTL_EXPLAIN_OPTION_KEY:

        /* not shown, for it may be a key */

        if (strcmp(optarg, "-") != 0) {
            return authctl_fail(AUTHCTL_USAGE, "a key is read from stdin "
                                "only: \"--key -\"");
        }

        explain->nkeys++;
        break;

    case AUTHCTL_EXPLAIN_OPTION_WORKSPACE:
        explain->nworkspaces++;
        explain->workspace = authctl_span(optarg);
        break;

    case AUTHCTL_EXPLAIN_OPTION_PREFLIGHT:
        explain->preflight = 1;
        break;

    case AUTHCTL_EXPLAIN_OPTION_FORMAT:

        if (strcmp(optarg, "envelope") == 0) {
            explain->format = SENDKIT_ERROR_ENVELOPE;

        } else if (strcmp(optarg, "flat") != 0) {
            return authctl_fail(AUTHCTL_USAGE, "\"--error-format\" takes "
                                "\"flat\" or \"envelope\"");
        }

        break;
    }

    return AUTHCTL_OK;
}


static int
authctl_explain_run(authctl_explain_t *explain)
{
    int  status;

    status = authctl_explain_read(explain);

    if (status != AUTHCTL_OK) {
        return status;
    }

    authctl_explain_request(explain);

    if (explain->nginx == 0) {
        authctl_explain_decide(explain);
    }

    status = explain->ctl->json ? authctl_explain_print_json(explain)
                                : authctl_explain_print(explain);

    return status != AUTHCTL_OK ? status : authctl_explain_result(explain);
}


static int
authctl_explain_read(authctl_explain_t *explain)
{
    if (!authctl_routes_read(&explain->routes, explain->file)) {
        return authctl_fail(AUTHCTL_USAGE, "%s", explain->routes.error);
    }

    /* where X-Api-Key is there more than once, it is not looked at */

    return explain->nkeys == 1 ? authctl_secret_read_line(&explain->secret)
                               : AUTHCTL_OK;
}


/* a refusal is what was asked for: no word of it on stderr */

static int
authctl_explain_result(const authctl_explain_t *explain)
{
    unsigned  status;

    status = authctl_explain_status(explain);

    if (status == 0) {
        return AUTHCTL_OK;
    }

    if (status != 503) {
        return AUTHCTL_NO;
    }

    if (explain->reason == SENDKIT_REASON_STORE_DOWN) {

        /* the connection has said why */

        return AUTHCTL_REDIS;
    }

    return authctl_fail(AUTHCTL_REDIS, "what Redis has sent is of no use to "
                        "the gateway");
}


static void
authctl_explain_free(authctl_explain_t *explain)
{
    size_t  i;

    for (i = 0; i < explain->nlookups; i++) {
        authctl_reply_free(explain->lookups[i].reply);
    }

    authctl_secret_cleanse(&explain->secret);
    authctl_routes_free(&explain->routes);

    free(explain);
}
