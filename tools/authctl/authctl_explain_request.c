
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <string.h>

#include "authctl_explain.h"
#include "sendkit_path.h"


#define AUTHCTL_EXPLAIN_LETTERS                                               \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define AUTHCTL_EXPLAIN_DIGITS  "0123456789"


static sendkit_span_t authctl_explain_path(const char *target);
static const char *authctl_explain_after_host(const char *target);
static size_t authctl_explain_host(const char *host);
static unsigned authctl_explain_nginx(const char *method);
static void authctl_explain_facts(authctl_explain_t *explain);
static int authctl_explain_is_sent(const char *target);
static void authctl_explain_credential(authctl_explain_t *explain);
static void authctl_explain_workspace(authctl_explain_t *explain);
static sendkit_span_t authctl_explain_header(sendkit_span_t value);


void
authctl_explain_request(authctl_explain_t *explain)
{
    explain->path = authctl_explain_path(explain->target);
    explain->nginx = authctl_explain_nginx(explain->method);

    if (explain->nginx == 0) {
        authctl_explain_facts(explain);
    }
}


/* without the query, and of a URL without what stands before the path */

static sendkit_span_t
authctl_explain_path(const char *target)
{
    const char      *p;
    sendkit_span_t   path;

    p = authctl_explain_after_host(target);

    if (p != target && *p == '\0') {
        p = "/";
    }

    path = authctl_span(p);
    path.len = strcspn(p, "?");

    return path;
}


/* the target itself, unless nginx takes it for a URL (RFC 9112, 3.2.2) */

static const char *
authctl_explain_after_host(const char *target)
{
    size_t       n;
    const char  *p;

    if (strspn(target, AUTHCTL_EXPLAIN_LETTERS) == 0) {
        return target;
    }

    n = strspn(target, AUTHCTL_EXPLAIN_LETTERS AUTHCTL_EXPLAIN_DIGITS "+-.");

    if (strncmp(target + n, "://", 3) != 0) {
        return target;
    }

    p = target + n + 3;
    n = authctl_explain_host(p);

    if (n == 0) {
        return target;
    }

    p += n;

    if (*p == ':') {
        p += 1 + strspn(p + 1, AUTHCTL_EXPLAIN_DIGITS);
    }

    return *p == '/' || *p == '?' || *p == '\0' ? p : target;
}


/* the length of a name or an address, 0 for what is neither */

static size_t
authctl_explain_host(const char *host)
{
    size_t  n;

    if (*host != '[') {
        return strspn(host, AUTHCTL_EXPLAIN_LETTERS AUTHCTL_EXPLAIN_DIGITS
                      "-.");
    }

    n = 1 + strspn(host + 1, AUTHCTL_EXPLAIN_DIGITS "ABCDEFabcdef:.");

    return n > 1 && host[n] == ']' ? n + 1 : 0;
}


/* what nginx does with methods that it keeps from the gateway */

static unsigned
authctl_explain_nginx(const char *method)
{
    size_t  n;

    n = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-");

    if (n == 0 || method[n] != '\0') {
        return 400;
    }

    return strcmp(method, "TRACE") == 0 || strcmp(method, "CONNECT") == 0
           ? 405 : 0;
}


static void
authctl_explain_facts(authctl_explain_t *explain)
{
    unsigned          method;
    sendkit_facts_t  *facts;

    facts = &explain->facts;

    method = sendkit_route_method(authctl_span(explain->method));

    /*
     * What nginx makes of a path need not be known here: if it is another one,
     * the path is not canonical in itself.
     */

    facts->canonical_path = authctl_explain_is_sent(explain->target)
                            && sendkit_path_is_canonical(explain->path,
                                                         explain->path);
    facts->preflight = explain->preflight && method == SENDKIT_METHOD_OPTIONS;

    sendkit_route_find(&facts->match, &explain->routes.root, method,
                       explain->path);

    authctl_explain_credential(explain);
    authctl_explain_workspace(explain);
}


/* nginx takes no space and no control byte, not even in the query */

static int
authctl_explain_is_sent(const char *target)
{
    const char  *p;

    for (p = target; *p != '\0'; p++) {
        if ((unsigned char) *p <= ' ' || *p == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static void
authctl_explain_credential(authctl_explain_t *explain)
{
    sendkit_facts_t  *facts;

    facts = &explain->facts;

    if (explain->nkeys == 0) {
        facts->credential = SENDKIT_CREDENTIAL_NONE;
        return;
    }

    if (explain->nkeys > 1) {
        facts->credential = SENDKIT_CREDENTIAL_DUPLICATE;
        return;
    }

    explain->key = authctl_explain_header(
                       authctl_secret_span(&explain->secret));

    facts->credential = SENDKIT_CREDENTIAL_ONE;
    facts->key = sendkit_key_kind(explain->key);
}


static void
authctl_explain_workspace(authctl_explain_t *explain)
{
    sendkit_span_t    id;
    sendkit_facts_t  *facts;

    facts = &explain->facts;

    if (explain->nworkspaces == 0) {
        facts->asked = SENDKIT_ASKED_NONE;
        return;
    }

    facts->asked = SENDKIT_ASKED_MALFORMED;

    id = authctl_explain_header(explain->workspace);

    if (explain->nworkspaces == 1
        && sendkit_id_set_workspace(&facts->asked_workspace, id))
    {
        facts->asked = SENDKIT_ASKED_ONE;
    }
}


/* the value of a header without the spaces around it, as nginx takes it */

static sendkit_span_t
authctl_explain_header(sendkit_span_t value)
{
    while (value.len != 0 && value.data[0] == ' ') {
        value.data++;
        value.len--;
    }

    while (value.len != 0 && value.data[value.len - 1] == ' ') {
        value.len--;
    }

    return value;
}
