
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* What may be written in sendkit_auth_route, and what it then means. */


#include "sendkit_route.h"
#include "tap.h"


#define TEST_NWORDS  8
#define TEST_ALL     SENDKIT_METHOD_ANY
#define TEST_STAFF   (SENDKIT_ROLE_OWNER|SENDKIT_ROLE_ADMIN)

#define TEST_NONE    SENDKIT_WORKSPACE_NONE
#define TEST_PATH    SENDKIT_WORKSPACE_PATH
#define TEST_HEADER  SENDKIT_WORKSPACE_HEADER


typedef struct {
    const char           *line;
    unsigned              methods;
    unsigned              keys;
    unsigned              roles;
    sendkit_workspace_e   workspace;
} test_good_t;


/* bad: the index of the word that is to blame */

typedef struct {
    const char           *line;
    size_t                bad;
    const char           *error;
} test_bad_t;


static void test_good(tap_t *tap, const test_good_t *t);
static void test_bad(tap_t *tap, const test_bad_t *t);
static size_t test_words(sendkit_span_t *words, const char *line);


static const test_good_t  test_goods[] = {
    { "GET /a", SENDKIT_METHOD_GET, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "HEAD /a", SENDKIT_METHOD_GET, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "GET,HEAD /a", SENDKIT_METHOD_GET, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "POST,DELETE /a", SENDKIT_METHOD_POST|SENDKIT_METHOD_DELETE,
      SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "PUT,PATCH,OPTIONS /a",
      SENDKIT_METHOD_PUT|SENDKIT_METHOD_PATCH|SENDKIT_METHOD_OPTIONS,
      SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /a", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /**", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /a/", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /a/{x}/b/{y_2-Z}/**", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /-._~!$&'()+,=:@", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /...", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },

    { "* /{workspaceId}", TEST_ALL, SENDKIT_KEY_PLATFORM, TEST_STAFF,
      TEST_PATH },
    { "* /a/{workspaceId}/**", TEST_ALL, SENDKIT_KEY_PLATFORM, TEST_STAFF,
      TEST_PATH },
    { "* /a/{workspaceid}", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /{workspaceId} keys=any", TEST_ALL, SENDKIT_KEY_ANY, TEST_STAFF,
      TEST_PATH },
    { "* /{workspaceId} keys=workspace", TEST_ALL, SENDKIT_KEY_WORKSPACE,
      TEST_STAFF, TEST_PATH },
    { "* /{workspaceId} roles=none", TEST_ALL, SENDKIT_KEY_PLATFORM, 0,
      TEST_PATH },
    { "* /{workspaceId} roles=any", TEST_ALL, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_ANY, TEST_PATH },
    { "* /{workspaceId} roles=owner", TEST_ALL, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_OWNER, TEST_PATH },
    { "* /{workspaceId} roles=member,owner", TEST_ALL, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_OWNER|SENDKIT_ROLE_MEMBER, TEST_PATH },
    { "* /{workspaceId} workspace=path", TEST_ALL, SENDKIT_KEY_PLATFORM,
      TEST_STAFF, TEST_PATH },
    { "* /{workspaceId} roles=none keys=any workspace=none", TEST_ALL,
      SENDKIT_KEY_ANY, 0, TEST_NONE },
    { "* /{workspaceId} workspace=header roles=admin keys=any", TEST_ALL,
      SENDKIT_KEY_ANY, SENDKIT_ROLE_ADMIN, TEST_HEADER },

    { "* /a keys=platform", TEST_ALL, SENDKIT_KEY_PLATFORM, 0, TEST_NONE },
    { "* /a keys=workspace", TEST_ALL, SENDKIT_KEY_WORKSPACE, 0, TEST_NONE },
    { "* /a workspace=header", TEST_ALL, SENDKIT_KEY_ANY, 0, TEST_HEADER },
    { "* /a workspace=header roles=any", TEST_ALL, SENDKIT_KEY_ANY,
      SENDKIT_ROLE_ANY, TEST_HEADER },
    { "* /a roles=any workspace=header keys=workspace", TEST_ALL,
      SENDKIT_KEY_WORKSPACE, SENDKIT_ROLE_ANY, TEST_HEADER },
    { "* /a roles=none workspace=none keys=any", TEST_ALL, SENDKIT_KEY_ANY, 0,
      TEST_NONE }
};


#define TEST_BAD_METHOD                                                       \
    "is not \"*\" or a list of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
#define TEST_BAD_SEGMENT                                                      \
    "has a segment that is not a literal, \"{name}\" or \"**\""
#define TEST_BAD_NAME    "has a bad name in braces"
#define TEST_BAD_REST    "has \"**\" before its last segment"
#define TEST_BAD_START   "does not begin with \"/\""
#define TEST_BAD_KEYS    "is not keys=platform, workspace or any"
#define TEST_BAD_ROLES                                                        \
    "is not roles=any, none or a list of owner, admin, member"
#define TEST_BAD_SOURCE  "is not workspace=path, header or none"
#define TEST_BAD_OPTION  "is not keys=, roles= or workspace="
#define TEST_BAD_SCOPE   "has roles but no workspace to hold them in"

static const test_bad_t  test_bads[] = {
    { "GET", 0, "is not followed by a template" },
    { "/a", 0, "is not followed by a template" },

    { "get /a", 0, TEST_BAD_METHOD },
    { "TRACE /a", 0, TEST_BAD_METHOD },
    { "GET,* /a", 0, TEST_BAD_METHOD },
    { "*,GET /a", 0, TEST_BAD_METHOD },
    { "** /a", 0, TEST_BAD_METHOD },
    { "GET, /a", 0, TEST_BAD_METHOD },
    { ",GET /a", 0, TEST_BAD_METHOD },
    { "GET,,POST /a", 0, TEST_BAD_METHOD },
    { "GET|POST /a", 0, TEST_BAD_METHOD },
    { "/a GET", 0, TEST_BAD_METHOD },
    { " /a", 0, TEST_BAD_METHOD },

    { "GET a", 1, TEST_BAD_START },
    { "GET keys=any", 1, TEST_BAD_START },
    { "GET  keys=any", 1, TEST_BAD_START },
    { "GET *", 1, TEST_BAD_START },
    { "GET //", 1, TEST_BAD_SEGMENT },
    { "GET //a", 1, TEST_BAD_SEGMENT },
    { "GET /a//b", 1, TEST_BAD_SEGMENT },
    { "GET /a//", 1, TEST_BAD_SEGMENT },
    { "GET /./a", 1, TEST_BAD_SEGMENT },
    { "GET /a/..", 1, TEST_BAD_SEGMENT },
    { "GET /a/../b", 1, TEST_BAD_SEGMENT },
    { "GET /a%20b", 1, TEST_BAD_SEGMENT },
    { "GET /a;b", 1, TEST_BAD_SEGMENT },
    { "GET /a?b", 1, TEST_BAD_SEGMENT },
    { "GET /a\\b", 1, TEST_BAD_SEGMENT },
    { "GET /\xc3\xa4", 1, TEST_BAD_SEGMENT },
    { "GET /*", 1, TEST_BAD_SEGMENT },
    { "GET /a*", 1, TEST_BAD_SEGMENT },
    { "GET /***", 1, TEST_BAD_SEGMENT },
    { "GET /a**", 1, TEST_BAD_SEGMENT },
    { "GET /**/a", 1, TEST_BAD_REST },
    { "GET /**/", 1, TEST_BAD_REST },
    { "GET /a/**/**", 1, TEST_BAD_REST },
    { "GET /{}", 1, TEST_BAD_SEGMENT },
    { "GET /{a", 1, TEST_BAD_SEGMENT },
    { "GET /a}", 1, TEST_BAD_SEGMENT },
    { "GET /{a}b", 1, TEST_BAD_SEGMENT },
    { "GET /a{b}", 1, TEST_BAD_SEGMENT },
    { "GET /{", 1, TEST_BAD_SEGMENT },
    { "GET /{a}{b}", 1, TEST_BAD_NAME },
    { "GET /{a.b}", 1, TEST_BAD_NAME },
    { "GET /{{a}}", 1, TEST_BAD_NAME },
    { "GET /{*}", 1, TEST_BAD_NAME },
    { "GET /{workspaceId}/{workspaceId}", 1,
      "has more than one \"{workspaceId}\"" },

    { "GET /a keys=", 2, TEST_BAD_KEYS },
    { "GET /a keys=user", 2, TEST_BAD_KEYS },
    { "GET /a keys=Any", 2, TEST_BAD_KEYS },
    { "GET /a keys=platform,workspace", 2, TEST_BAD_KEYS },
    { "GET /a workspace=header roles=", 3, TEST_BAD_ROLES },
    { "GET /a workspace=header roles=guest", 3, TEST_BAD_ROLES },
    { "GET /a workspace=header roles=owner,", 3, TEST_BAD_ROLES },
    { "GET /a workspace=header roles=,owner", 3, TEST_BAD_ROLES },
    { "GET /a workspace=header roles=owner,any", 3, TEST_BAD_ROLES },
    { "GET /a workspace=header roles=none,owner", 3, TEST_BAD_ROLES },
    { "GET /a workspace=header roles=Owner", 3, TEST_BAD_ROLES },
    { "GET /a workspace=", 2, TEST_BAD_SOURCE },
    { "GET /a workspace=query", 2, TEST_BAD_SOURCE },
    { "GET /a role=any", 2, TEST_BAD_OPTION },
    { "GET /a Keys=any", 2, TEST_BAD_OPTION },
    { "GET /a keys", 2, TEST_BAD_OPTION },
    { "GET /a keys=any any", 3, TEST_BAD_OPTION },
    { "GET /a ", 2, TEST_BAD_OPTION },
    { "GET /a keys=any keys=any", 3, "is duplicate" },
    { "GET /a keys=any workspace=header keys=platform", 4, "is duplicate" },
    { "GET /{workspaceId} roles=owner roles=admin", 3, "is duplicate" },
    { "GET /{workspaceId} roles=none roles=admin", 3, "is duplicate" },
    { "GET /{workspaceId} workspace=none workspace=path", 3, "is duplicate" },

    { "GET /a roles=owner", 1, TEST_BAD_SCOPE },
    { "GET /a roles=any keys=any", 1, TEST_BAD_SCOPE },
    { "GET /{workspaceId} workspace=none roles=owner", 1, TEST_BAD_SCOPE },
    { "GET /a workspace=path", 1, "has no \"{workspaceId}\" for "
                                  "workspace=path" },
    { "GET /{workspaceid} workspace=path", 1, "has no \"{workspaceId}\" for "
                                              "workspace=path" }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_goods) / sizeof(test_good_t); i++) {
        test_good(&tap, &test_goods[i]);
    }

    for (i = 0; i < sizeof(test_bads) / sizeof(test_bad_t); i++) {
        test_bad(&tap, &test_bads[i]);
    }

    return tap_done(&tap);
}


static void
test_good(tap_t *tap, const test_good_t *t)
{
    size_t           n, bad;
    const char      *error;
    sendkit_span_t   words[TEST_NWORDS];
    sendkit_route_t  route;

    n = test_words(words, t->line);

    memset(&route, 0x01, sizeof(sendkit_route_t));

    error = sendkit_route_parse(&route, words, n, &bad);

    if (!tap_ok(tap, error == NULL, "\"%s\" is a route", t->line)) {
        printf("# %s\n", error);
        return;
    }

    tap_span(tap, route.template, words[1], "\"%s\" has its template",
             t->line);
    tap_number(tap, route.methods, t->methods, "\"%s\" has methods 0x%02x",
               t->line, t->methods);
    tap_number(tap, route.keys, t->keys, "\"%s\" takes keys %u", t->line,
               t->keys);
    tap_number(tap, route.roles, t->roles, "\"%s\" takes roles %u", t->line,
               t->roles);
    tap_number(tap, route.workspace, t->workspace,
               "\"%s\" has its workspace from %s", t->line,
               t->workspace == TEST_NONE ? "nowhere"
               : t->workspace == TEST_PATH ? "the path" : "the header");
}


static void
test_bad(tap_t *tap, const test_bad_t *t)
{
    size_t           n, bad;
    const char      *error;
    sendkit_span_t   words[TEST_NWORDS];
    sendkit_route_t  route;

    n = test_words(words, t->line);

    bad = 99;
    error = sendkit_route_parse(&route, words, n, &bad);

    if (!tap_ok(tap, error != NULL, "\"%s\" is refused", t->line)) {
        return;
    }

    tap_span(tap, tap_text(error), tap_text(t->error),
             "\"%s\" is refused for the right reason", t->line);
    tap_number(tap, (long long) bad, (long long) t->bad,
               "in \"%s\" word %u is to blame", t->line, (unsigned) t->bad);
}


/* each space ends a word: two of them have an empty word between them */

static size_t
test_words(sendkit_span_t *words, const char *line)
{
    size_t       n;
    const char  *end;

    for (n = 0; n < TEST_NWORDS; n++) {
        end = strchr(line, ' ');

        words[n].data = (const unsigned char *) line;
        words[n].len = end == NULL ? strlen(line) : (size_t) (end - line);

        if (end == NULL) {
            return n + 1;
        }

        line = end + 1;
    }

    return n;
}
