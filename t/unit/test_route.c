
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Which route a request is taken for.  The routes of the first table are the
 * policy that is shipped; the others show one rule each.
 */


#include "sendkit_route.h"
#include "tap.h"


#define TEST_NROUTES  16
#define TEST_NWORDS   6
#define TEST_NNODES   128   /* enough for what is added here */


/*
 * found: the line of the route; "404" when there is none, "405" and the
 * Allow header when there is one for other methods
 */

typedef struct {
    const char         *method;
    const char         *path;
    const char         *found;
    const char         *workspace;
} test_request_t;


typedef struct {
    const char         *routes[TEST_NROUTES];
    test_request_t      requests[80];
} test_policy_t;


/* why a route is not added to one that is there */

typedef struct {
    const char         *a;
    const char         *b;
    const char         *refused;
} test_pair_t;


typedef struct {
    sendkit_route_node_t   root;
    sendkit_route_node_t   nodes[TEST_NNODES];
    size_t                 nnodes;
} test_tree_t;


static void test_policy(tap_t *tap, const test_policy_t *policy);
static void test_request(tap_t *tap, const sendkit_route_node_t *root,
    const test_request_t *t);
static const char *test_line(const sendkit_route_t *route);
static int test_parse(sendkit_route_t *route, const char *line);
static void test_methods(tap_t *tap);
static void test_allow(tap_t *tap);
static void test_pairs(tap_t *tap);
static const char *test_refused(const char *first, const char *second);
static const sendkit_route_t *test_add(test_tree_t *tree,
    sendkit_route_t *route);
static void test_no_routes(tap_t *tap);


#define TEST_API_KEY                                                          \
    "GET,POST,DELETE /v1/workspaces/{workspaceId}/api-key"                    \
    " keys=platform roles=owner,admin"
#define TEST_ROTATE                                                           \
    "POST /v1/workspaces/{workspaceId}/api-key/rotate keys=platform"          \
    " roles=owner,admin"
#define TEST_MEMBERS                                                          \
    "POST /v1/workspaces/{workspaceId}/members keys=platform"                 \
    " roles=owner,admin,member"
#define TEST_MEMBER                                                           \
    "DELETE /v1/workspaces/{workspaceId}/members/{userId} keys=platform"      \
    " roles=owner,admin"
#define TEST_GET                                                              \
    "GET /v1/workspaces/{workspaceId} keys=any roles=any"
#define TEST_PATCH                                                            \
    "PATCH /v1/workspaces/{workspaceId} keys=any roles=owner,admin"
#define TEST_DELETE                                                           \
    "DELETE /v1/workspaces/{workspaceId} keys=platform roles=owner"
#define TEST_CREATE  "POST /v1/workspaces keys=platform roles=none"
#define TEST_LIST  "GET /v1/workspaces keys=any roles=none"
#define TEST_INSIDE                                                           \
    "* /v1/workspaces/{workspaceId}/** keys=platform roles=owner,admin"
#define TEST_ACCOUNT  "GET,PATCH /v1/account keys=platform roles=none"
#define TEST_ACCOUNTS  "* /v1/account/** keys=platform"
#define TEST_REST  "* /v1/** keys=any roles=any workspace=header"


static const test_policy_t  test_shipped = {
    {
        TEST_API_KEY, TEST_ROTATE, TEST_MEMBERS, TEST_MEMBER, TEST_GET,
        TEST_PATCH, TEST_DELETE, TEST_CREATE, TEST_LIST, TEST_INSIDE,
        TEST_ACCOUNT, TEST_ACCOUNTS, TEST_REST, NULL
    }, {
        { "POST", "/v1/workspaces/w1/api-key", TEST_API_KEY, "w1" },
        { "DELETE", "/v1/workspaces/w1/api-key", TEST_API_KEY, "w1" },
        { "GET", "/v1/workspaces/w1/api-key", TEST_API_KEY, "w1" },
        { "HEAD", "/v1/workspaces/w1/api-key", TEST_API_KEY, "w1" },
        { "OPTIONS", "/v1/workspaces/w1/api-key",
          "405 GET, HEAD, POST, DELETE", "" },
        { "post", "/v1/workspaces/w1/api-key",
          "405 GET, HEAD, POST, DELETE", "" },
        { "POST", "/v1/workspaces/w1/api-key/", "404", "" },
        { "POST", "/v1/workspaces/w1/API-KEY", "404", "" },
        { "POST", "/v1/workspaces/w1/api-keY", "404", "" },
        { "POST", "/V1/workspaces/w1/api-key", "404", "" },
        { "POST", "/v1/Workspaces/w1/api-key", "404", "" },
        { "POST", "/v1/workspaces/w.1/api-key", "404", "" },
        { "POST", "/v1/workspaces/~/api-key", "404", "" },
        { "POST", "/v1/workspaces/W1/api-key", TEST_API_KEY, "W1" },
        { "POST", "/v1/workspaces/api-key", "405 GET, HEAD, PATCH, DELETE",
          "" },
        { "POST", "/v1/workspaces/w1/api-key/rotate", TEST_ROTATE, "w1" },
        { "GET", "/v1/workspaces/w1/api-key/rotate", "405 POST", "" },
        { "POST", "/v1/workspaces/w1/api-key/Rotate", "404", "" },
        { "POST", "/v1/workspaces/w1/api-key/other", TEST_INSIDE, "w1" },
        { "POST", "/v1/workspaces/w1/api-key/rotate/x", TEST_INSIDE, "w1" },
        { "POST", "/v1/workspaces/w1/members", TEST_MEMBERS, "w1" },
        { "GET", "/v1/workspaces/w1/members", "405 POST", "" },
        { "POST", "/v1/workspaces/w1/members/", "404", "" },
        { "DELETE", "/v1/workspaces/w1/members/u1", TEST_MEMBER, "w1" },
        { "DELETE", "/v1/workspaces/w1/members/a.b@c", TEST_MEMBER, "w1" },
        { "PATCH", "/v1/workspaces/w1/members/u1", "405 DELETE", "" },
        { "DELETE", "/v1/workspaces/w1/MEMBERS/u1", "404", "" },
        { "DELETE", "/v1/workspaces/w1/members/**", TEST_MEMBER, "w1" },
        { "GET", "/v1/workspaces/w1", TEST_GET, "w1" },
        { "HEAD", "/v1/workspaces/w1", TEST_GET, "w1" },
        { "PATCH", "/v1/workspaces/w1", TEST_PATCH, "w1" },
        { "DELETE", "/v1/workspaces/w1", TEST_DELETE, "w1" },
        { "PUT", "/v1/workspaces/w1", "405 GET, HEAD, PATCH, DELETE", "" },
        { "GET", "/v1/workspaces/w1/", "404", "" },
        { "GET", "/v1/workspaces/w.1", "404", "" },
        { "GET", "/v1/workspaces/**", "404", "" },
        { "PUT", "/v1/workspaces/w.1", "404", "" },
        { "GET", "/v1/workspaces/" "0123456789abcdef0123456789abcdef"
                                   "0123456789abcdef0123456789abcdef",
          TEST_GET, "0123456789abcdef0123456789abcdef"
                    "0123456789abcdef0123456789abcdef" },
        { "GET", "/v1/workspaces/" "0123456789abcdef0123456789abcdef"
                                   "0123456789abcdef0123456789abcdef0",
          "404", "" },
        { "POST", "/v1/workspaces", TEST_CREATE, "" },
        { "GET", "/v1/workspaces", TEST_LIST, "" },
        { "HEAD", "/v1/workspaces", TEST_LIST, "" },
        { "DELETE", "/v1/workspaces", "405 GET, HEAD, POST", "" },
        { "GET", "/v1/workspaces/", "404", "" },
        { "GET", "/v1/WORKSPACES", "404", "" },
        { "GET", "/v1/workspaces/w1/usage", TEST_INSIDE, "w1" },
        { "BREW", "/v1/workspaces/w1/usage", TEST_INSIDE, "w1" },
        { "GET", "/v1/workspaces/w1/usage/by/day", TEST_INSIDE, "w1" },
        { "GET", "/v1/workspaces/w.1/usage", "404", "" },
        { "GET", "/v1/workspaces/w1/usage/", "404", "" },
        { "GET", "/v1/workspaces/w1/**", TEST_INSIDE, "w1" },
        { "GET", "/v1/workspaces/w1/**/x", TEST_INSIDE, "w1" },
        { "GET", "/v1/account", TEST_ACCOUNT, "" },
        { "PATCH", "/v1/account", TEST_ACCOUNT, "" },
        { "POST", "/v1/account", "405 GET, HEAD, PATCH", "" },
        { "GET", "/v1/Account", "404", "" },
        { "GET", "/v1/account/", "404", "" },
        { "GET", "/v1/account/billing", TEST_ACCOUNTS, "" },
        { "GET", "/v1/ACCOUNT/billing", "404", "" },
        { "GET", "/v1/accounts", TEST_REST, "" },
        { "GET", "/v1/campaigns", TEST_REST, "" },
        { "POST", "/v1/campaigns/c1/leads", TEST_REST, "" },
        { "OPTIONS", "/v1/campaigns", TEST_REST, "" },
        { "PROPFIND", "/v1/campaigns", TEST_REST, "" },
        { "GET", "/v1/campaigns/", "404", "" },
        { "GET", "/v1/**", TEST_REST, "" },
        { "GET", "/v1/**/x", TEST_REST, "" },
        { "GET", "/v1/", "404", "" },
        { "GET", "/v1", "404", "" },
        { "GET", "/V1/campaigns", "404", "" },
        { "GET", "/v2/campaigns", "404", "" },
        { "GET", "/", "404", "" },
        { NULL, NULL, NULL, NULL }
    }
};


static const test_policy_t  test_policies[] = {

    /* a literal, then {name}, then "**", segment by segment */

    { { "GET /a/b", "GET /a/{x}", "GET /a/**", "GET /**", NULL },
      { { "GET", "/a/b", "GET /a/b", "" },
        { "GET", "/a/c", "GET /a/{x}", "" },
        { "GET", "/a/c/d", "GET /a/**", "" },
        { "GET", "/a/b/c", "GET /a/**", "" },
        { "GET", "/b", "GET /**", "" },
        { "GET", "/a", "GET /**", "" },
        { "GET", "/a/**", "GET /a/{x}", "" },
        { "GET", "/a/*", "GET /a/{x}", "" },
        { "GET", "/", "404", "" },
        { NULL, NULL, NULL, NULL } } },

    /* the order of the routes means nothing */

    { { "GET /**", "GET /a/**", "GET /a/{x}", "GET /a/b", NULL },
      { { "GET", "/a/b", "GET /a/b", "" },
        { "GET", "/a/c", "GET /a/{x}", "" },
        { "GET", "/a/c/d", "GET /a/**", "" },
        { "GET", "/b", "GET /**", "" },
        { NULL, NULL, NULL, NULL } } },

    /* the first segment that differs decides, not their number */

    { { "GET /{x}/b/c", "GET /a/{y}/{z}", "GET /a/b/**", "GET /a/**", NULL },
      { { "GET", "/a/b/c", "GET /a/b/**", "" },
        { "GET", "/a/x/c", "GET /a/{y}/{z}", "" },
        { "GET", "/q/b/c", "GET /{x}/b/c", "" },
        { "GET", "/a/b", "GET /a/**", "" },
        { "GET", "/a/b/c/d", "GET /a/b/**", "" },
        { "GET", "/q/b/d", "404", "" },
        { NULL, NULL, NULL, NULL } } },

    /* a literal that leads nowhere does not hide a {name} that matches */

    { { "GET /a/b/c", "GET /a/{x}/d", NULL },
      { { "GET", "/a/b/c", "GET /a/b/c", "" },
        { "GET", "/a/b/d", "GET /a/{x}/d", "" },
        { "GET", "/a/b/e", "404", "" },
        { NULL, NULL, NULL, NULL } } },

    /* a wildcard does not open a method that the better template lacks */

    { { "GET /a/b", "POST /a/{x}", "* /a/**", NULL },
      { { "GET", "/a/b", "GET /a/b", "" },
        { "POST", "/a/b", "405 GET, HEAD", "" },
        { "POST", "/a/c", "POST /a/{x}", "" },
        { "DELETE", "/a/c", "405 POST", "" },
        { "DELETE", "/a/c/d", "* /a/**", "" },
        { NULL, NULL, NULL, NULL } } },

    /* in one template a method by name beats "*", in any order */

    { { "* /a", "GET /a keys=platform", "POST /a keys=workspace", NULL },
      { { "GET", "/a", "GET /a keys=platform", "" },
        { "HEAD", "/a", "GET /a keys=platform", "" },
        { "POST", "/a", "POST /a keys=workspace", "" },
        { "PUT", "/a", "* /a", "" },
        { "BREW", "/a", "* /a", "" },
        { NULL, NULL, NULL, NULL } } },
    { { "POST /a keys=workspace", "GET /a keys=platform", "* /a", NULL },
      { { "GET", "/a", "GET /a keys=platform", "" },
        { "POST", "/a", "POST /a keys=workspace", "" },
        { "PUT", "/a", "* /a", "" },
        { NULL, NULL, NULL, NULL } } },

    /* one template for several routes */

    { { "GET /a/{x}", "POST /a/{x}", "DELETE /a/{x}", NULL },
      { { "GET", "/a/1", "GET /a/{x}", "" },
        { "POST", "/a/1", "POST /a/{x}", "" },
        { "PUT", "/a/1", "405 GET, HEAD, POST, DELETE", "" },
        { NULL, NULL, NULL, NULL } } },

    /* HEAD is GET, on both sides */

    { { "HEAD /a", "PUT,OPTIONS /b", NULL },
      { { "GET", "/a", "HEAD /a", "" },
        { "HEAD", "/a", "HEAD /a", "" },
        { "POST", "/a", "405 GET, HEAD", "" },
        { "OPTIONS", "/b", "PUT,OPTIONS /b", "" },
        { "HEAD", "/b", "405 PUT, OPTIONS", "" },
        { "BREW", "/b", "405 PUT, OPTIONS", "" },
        { NULL, NULL, NULL, NULL } } },

    /* a trailing slash is part of the template */

    { { "GET /a/", "GET /b", "GET /c/{x}/", "GET /", "GET /d/**", NULL },
      { { "GET", "/a/", "GET /a/", "" },
        { "GET", "/a", "404", "" },
        { "GET", "/b", "GET /b", "" },
        { "GET", "/b/", "404", "" },
        { "GET", "/c/1/", "GET /c/{x}/", "" },
        { "GET", "/c/1", "404", "" },
        { "GET", "/c/", "404", "" },
        { "GET", "/", "GET /", "" },
        { "GET", "/d", "404", "" },
        { "GET", "/d/", "404", "" },
        { "GET", "/d/1", "GET /d/**", "" },
        { "GET", "/d/1/", "404", "" },
        { "GET", "/d/1/2", "GET /d/**", "" },
        { "GET", "/d/1/2/", "404", "" },
        { NULL, NULL, NULL, NULL } } },

    /* the case of a literal hides the wildcards, that of a name does not */

    { { "POST /admin", "* /{any}", "* /**", "GET /u/{id}", NULL },
      { { "POST", "/admin", "POST /admin", "" },
        { "POST", "/Admin", "404", "" },
        { "GET", "/ADMIN", "404", "" },
        { "POST", "/Admins", "* /{any}", "" },
        { "POST", "/admin/x", "* /**", "" },
        { "GET", "/u/ID", "GET /u/{id}", "" },
        { "GET", "/U/1", "404", "" },
        { "GET", "/@dmin", "* /{any}", "" },
        { NULL, NULL, NULL, NULL } } },

    /* a literal's marks have no case: "@" and "`", "_" and DEL, and so on */

    { { "GET /a@b", "GET /a_b", "* /{any}", NULL },
      { { "GET", "/a@b", "GET /a@b", "" },
        { "GET", "/A@b", "404", "" },
        { "GET", "/a_B", "404", "" },
        { "GET", "/a-b", "* /{any}", "" },
        { NULL, NULL, NULL, NULL } } },

    /* literals that differ only by case, if somebody must */

    { { "GET /a", "GET /A", NULL },
      { { "GET", "/a", "GET /a", "" },
        { "GET", "/A", "GET /A", "" },
        { NULL, NULL, NULL, NULL } } },

    /* the workspace is where the template says */

    { { "GET /{workspaceId}", "GET /x/{a}/{workspaceId}/{b}",
        "GET /y/{workspaceid}", "GET /z/{workspaceId} workspace=header", NULL },
      { { "GET", "/w1", "GET /{workspaceId}", "w1" },
        { "GET", "/w:1", "404", "" },
        { "GET", "/x/1/w2/3", "GET /x/{a}/{workspaceId}/{b}", "w2" },
        { "GET", "/x/1/w:2/3", "404", "" },
        { "GET", "/x/:/w2/:", "GET /x/{a}/{workspaceId}/{b}", "w2" },
        { "GET", "/y/w:2", "GET /y/{workspaceid}", "" },
        { "GET", "/z/w3", "GET /z/{workspaceId} workspace=header", "w3" },
        { NULL, NULL, NULL, NULL } } }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    test_policy(&tap, &test_shipped);

    for (i = 0; i < sizeof(test_policies) / sizeof(test_policy_t); i++) {
        test_policy(&tap, &test_policies[i]);
    }

    test_methods(&tap);
    test_allow(&tap);
    test_pairs(&tap);
    test_no_routes(&tap);

    return tap_done(&tap);
}


static void
test_policy(tap_t *tap, const test_policy_t *policy)
{
    size_t                 i;
    test_tree_t            tree;
    sendkit_route_t        routes[TEST_NROUTES];
    const test_request_t  *t;

    memset(&tree, 0, sizeof(test_tree_t));

    for (i = 0; policy->routes[i] != NULL; i++) {
        tap_ok(tap, test_parse(&routes[i], policy->routes[i]),
               "\"%s\" is a route", policy->routes[i]);
        tap_ok(tap, test_add(&tree, &routes[i]) == NULL,
               "\"%s\" can stand with those before it", policy->routes[i]);
    }

    for (t = policy->requests; t->method != NULL; t++) {
        test_request(tap, &tree.root, t);
    }
}


static void
test_request(tap_t *tap, const sendkit_route_node_t *root,
    const test_request_t *t)
{
    char                   found[4 + SENDKIT_ROUTE_ALLOW_MAX + 1];
    size_t                 len;
    const char            *end;
    sendkit_span_t         got;
    sendkit_route_match_t  match;

    memset(&match, 0x01, sizeof(sendkit_route_match_t));

    sendkit_route_find(&match, root,
                       sendkit_route_method(tap_text(t->method)),
                       tap_text(t->path));

    got = tap_text("404");

    if (match.found == SENDKIT_ROUTE_FOUND) {
        got = tap_text(test_line(match.route));
    }

    if (match.found == SENDKIT_ROUTE_NO_METHOD) {
        memcpy(found, "405 ", 4);
        len = sendkit_route_allow(match.methods, found + 4);

        got.data = (const unsigned char *) found;
        got.len = len + 4;
    }

    tap_span(tap, got, tap_text(t->found), "%s %s is %s", t->method, t->path,
             t->found);
    tap_span(tap, match.workspace, tap_text(t->workspace),
             "%s %s names workspace \"%s\"", t->method, t->path, t->workspace);
    tap_ok(tap, (match.route != NULL) == (match.found == SENDKIT_ROUTE_FOUND),
           "%s %s has a route only when found", t->method, t->path);

    end = match.workspace.len != 0
          ? (const char *) match.workspace.data + match.workspace.len
          : t->path + strlen(t->path);

    tap_span(tap, match.rest, tap_text(end),
             "%s %s goes on with \"%s\"", t->method, t->path, end);
}


/* the line that a route was read from: its template points into it */

static const char *
test_line(const sendkit_route_t *route)
{
    size_t                  i, k;
    const char             *line, *template;
    const test_policy_t    *policy;

    template = (const char *) route->template.data;

    for (i = 0; i <= sizeof(test_policies) / sizeof(test_policy_t); i++) {
        policy = i == 0 ? &test_shipped : &test_policies[i - 1];

        for (k = 0; policy->routes[k] != NULL; k++) {
            line = policy->routes[k];

            if (template > line && template < line + strlen(line)) {
                return line;
            }
        }
    }

    return "";
}


static int
test_parse(sendkit_route_t *route, const char *line)
{
    size_t          n, bad;
    const char     *end;
    sendkit_span_t  words[TEST_NWORDS];

    for (n = 0; n < TEST_NWORDS && *line != '\0'; n++) {
        end = strchr(line, ' ');

        words[n].data = (const unsigned char *) line;
        words[n].len = end == NULL ? strlen(line) : (size_t) (end - line);

        line += words[n].len + (end != NULL);
    }

    return sendkit_route_parse(route, words, n, &bad) == NULL;
}


static void
test_methods(tap_t *tap)
{
    size_t  i;
    static const struct {
        const char      *name;
        unsigned         bit;
    } methods[] = {
        { "GET", SENDKIT_METHOD_GET },
        { "HEAD", SENDKIT_METHOD_GET },
        { "POST", SENDKIT_METHOD_POST },
        { "PUT", SENDKIT_METHOD_PUT },
        { "PATCH", SENDKIT_METHOD_PATCH },
        { "DELETE", SENDKIT_METHOD_DELETE },
        { "OPTIONS", SENDKIT_METHOD_OPTIONS },
        { "TRACE", SENDKIT_METHOD_OTHER },
        { "CONNECT", SENDKIT_METHOD_OTHER },
        { "PROPFIND", SENDKIT_METHOD_OTHER },
        { "get", SENDKIT_METHOD_OTHER },
        { "GE", SENDKIT_METHOD_OTHER },
        { "GETS", SENDKIT_METHOD_OTHER },
        { "*", SENDKIT_METHOD_OTHER },
        { "", SENDKIT_METHOD_OTHER },
        { NULL, SENDKIT_METHOD_OTHER }
    };

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        tap_number(tap, sendkit_route_method(tap_text(methods[i].name)),
                   methods[i].bit, "method \"%s\"%s is %s",
                   methods[i].name == NULL ? "" : methods[i].name,
                   methods[i].name == NULL ? " as a nil" : "",
                   methods[i].bit == SENDKIT_METHOD_OTHER
                   ? "another one" : "known");
    }
}


static void
test_allow(tap_t *tap)
{
    char            value[SENDKIT_ROUTE_ALLOW_MAX];
    size_t          i, len, longest;
    sendkit_span_t  got;
    static const struct {
        unsigned         methods;
        const char      *value;
    } allows[] = {
        { 0, "" },
        { SENDKIT_METHOD_OTHER, "" },
        { SENDKIT_METHOD_GET, "GET, HEAD" },
        { SENDKIT_METHOD_OPTIONS, "OPTIONS" },
        { SENDKIT_METHOD_POST|SENDKIT_METHOD_DELETE, "POST, DELETE" },
        { SENDKIT_METHOD_GET|SENDKIT_METHOD_OPTIONS, "GET, HEAD, OPTIONS" },
        { SENDKIT_METHOD_ANY,
          "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" }
    };

    got.data = (const unsigned char *) value;

    for (i = 0; i < sizeof(allows) / sizeof(allows[0]); i++) {
        got.len = sendkit_route_allow(allows[i].methods, value);

        tap_span(tap, got, tap_text(allows[i].value),
                 "methods 0x%02x are allowed as \"%s\"", allows[i].methods,
                 allows[i].value);
    }

    longest = 0;

    for (i = 0; i <= SENDKIT_METHOD_ANY; i++) {
        len = sendkit_route_allow((unsigned) i, value);
        longest = len > longest ? len : longest;
    }

    tap_ok(tap, longest <= SENDKIT_ROUTE_ALLOW_MAX,
           "no set of methods needs more room than there is");
}


static void
test_pairs(tap_t *tap)
{
    const test_pair_t         *t;
    static const test_pair_t   pairs[] = {
        { "GET /a", "GET /a", "a duplicate" },
        { "GET /a", "HEAD /a", "a duplicate" },
        { "GET /a", "POST /a", "not refused" },
        { "GET,POST /a", "POST,PUT /a", "a duplicate" },
        { "GET /a keys=platform", "GET /a keys=workspace", "a duplicate" },
        { "GET /a", "GET /b", "not refused" },
        { "GET /a", "GET /A", "not refused" },
        { "GET /a", "GET /a/", "not refused" },
        { "GET /a", "GET /a/b", "not refused" },
        { "GET /a/{x}", "GET /a/{x}", "a duplicate" },
        { "GET /a/{x}", "GET /a/{y}", "renamed" },
        { "GET /a/{workspaceId}", "GET /a/{y}", "renamed" },
        { "GET /a/{workspaceId}", "POST /a/{y}", "renamed" },
        { "GET /a/{x}/{y}", "GET /a/{y}/{x}", "renamed" },
        { "GET /a/{x}/**", "* /a/{y}/**", "renamed" },
        { "GET /a/{x}", "POST /a/{x}", "not refused" },
        { "GET /a/{x}", "POST /a/{y}/", "not refused" },
        { "GET /a/{x}/b", "GET /a/{y}/c", "not refused" },
        { "GET /a/{x}", "GET /a/b", "not refused" },
        { "GET /a/{x}", "GET /a/**", "not refused" },
        { "GET /a/**", "GET /a/**", "a duplicate" },
        { "GET /a/b", "GET /a/**", "not refused" },
        { "GET /a/{x}/b", "GET /a/{x}/**", "not refused" },
        { "* /a", "* /a", "a duplicate" },
        { "* /a", "GET /a", "not refused" },
        { "* /a", "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS /a", "not refused" },
        { "* /a/**", "* /**", "not refused" },
        { "* /", "* /", "a duplicate" },
        { "* /", "* /**", "not refused" },
        { NULL, NULL, NULL }
    };

    for (t = pairs; t->a != NULL; t++) {
        tap_span(tap, tap_text(test_refused(t->a, t->b)),
                 tap_text(t->refused), "\"%s\" after \"%s\" is %s", t->b,
                 t->a, t->refused);
        tap_span(tap, tap_text(test_refused(t->b, t->a)),
                 tap_text(t->refused), "\"%s\" after \"%s\" is %s", t->a,
                 t->b, t->refused);
    }
}


static const char *
test_refused(const char *first, const char *second)
{
    test_tree_t             tree;
    sendkit_route_t         a, b;
    const sendkit_route_t  *other;

    memset(&tree, 0, sizeof(test_tree_t));

    if (!test_parse(&a, first) || !test_parse(&b, second)
        || test_add(&tree, &a) != NULL)
    {
        return "no route";
    }

    other = test_add(&tree, &b);

    if (other == NULL) {
        return "not refused";
    }

    if (other != &a) {
        return "refused for another one";
    }

    return sendkit_span_equal(a.template, b.template) ? "a duplicate"
                                                      : "renamed";
}


static const sendkit_route_t *
test_add(test_tree_t *tree, sendkit_route_t *route)
{
    sendkit_route_node_t  *nodes;

    nodes = &tree->nodes[tree->nnodes];
    tree->nnodes += route->nsegments;

    return sendkit_route_add(&tree->root, route, nodes);
}


static void
test_no_routes(tap_t *tap)
{
    sendkit_route_node_t   root;
    sendkit_route_match_t  match;

    memset(&root, 0, sizeof(sendkit_route_node_t));
    memset(&match, 0x01, sizeof(sendkit_route_match_t));

    sendkit_route_find(&match, &root, SENDKIT_METHOD_GET, tap_text("/a"));

    tap_ok(tap, match.found == SENDKIT_ROUTE_NOT_FOUND && match.route == NULL
                && match.methods == 0 && match.workspace.len == 0,
           "without routes nothing is found");
}
