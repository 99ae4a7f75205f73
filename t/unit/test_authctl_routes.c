
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A routes file is read as nginx reads it; what is refused is named by file,
 * line and word.
 */


#include "authctl_lexer.h"
#include "authctl_routes.h"
#include "tap.h"


#define TEST_NAME   "r.conf"
#define TEST_R      "sendkit_auth_route "
#define TEST_SHOWN  1024


/* routes: "LINE TEMPLATE METHODS KEYS ROLES WORKSPACE" of each, and "; " */

typedef struct {
    const char           *text;
    const char           *routes;
} test_good_t;


typedef struct {
    const char           *text;
    const char           *error;
} test_bad_t;


static void test_good(tap_t *tap, const test_good_t *t);
static void test_bad(tap_t *tap, const test_bad_t *t);
static void test_many(tap_t *tap);
static void test_zero(tap_t *tap);
static void test_long(tap_t *tap);
static void test_length(tap_t *tap, const char *before, const char *after,
    size_t len, int good, const char *name);
static void test_file(tap_t *tap, const char *name, const char *error);
static void test_show(const authctl_routes_t *routes, char *shown);
static const char *test_line(const char *text);


static const test_good_t  test_goods[] = {

    /* words and what is between them */

    { TEST_R "GET /a;", "1 /a 1 3 0 0; " },
    { TEST_R "GET /a ;", "1 /a 1 3 0 0; " },
    { TEST_R "GET /a;" TEST_R "PUT /a;", "1 /a 1 3 0 0; 1 /a 4 3 0 0; " },
    { "\n\n" TEST_R "\n\tGET\r\n\n /a\n;\n" TEST_R "GET /b;",
      "3 /a 1 3 0 0; 8 /b 1 3 0 0; " },
    { "# a; { } \" '\n" TEST_R "GET /a; # b\n#", "2 /a 1 3 0 0; " },
    { TEST_R "GET # a\n /a # b;\n keys=any;", "1 /a 1 3 0 0; " },

    /* all that may follow */

    { TEST_R "GET,POST /a keys=platform roles=owner,admin workspace=header;",
      "1 /a 3 1 3 2; " },
    { TEST_R "GET '/{workspaceId}';", "1 /{workspaceId} 1 1 3 1; " },

    /* quotes */

    { TEST_R "\"GET\" '/{a}';", "1 /{a} 1 3 0 0; " },
    { TEST_R "GET \"/a'b\";", "1 /a'b 1 3 0 0; " },
    { TEST_R "GET '/a\\'b';", "1 /a'b 1 3 0 0; " },
    { TEST_R "GET /a'b;", "1 /a'b 1 3 0 0; " },
    { "\"sendkit_auth_route\" GET /a;", "1 /a 1 3 0 0; " },
    { TEST_R "GET '/a'\n;", "1 /a 1 3 0 0; " },

    /* escapes */

    { TEST_R "GET /\\'a;", "1 /'a 1 3 0 0; " },

    { TEST_R "GET /$a$;", "1 /$a$ 1 3 0 0; " }
};


static const test_bad_t  test_bads[] = {
    { "", "r.conf:1: there is no \"sendkit_auth_route\"" },
    { "\n# a\n", "r.conf:3: there is no \"sendkit_auth_route\"" },

    /* not ours */

    { TEST_R "GET /a;\ninclude b.conf;",
      "r.conf:2: \"include\" is not \"sendkit_auth_route\", and nothing else "
      "can stand in a routes file" },
    { "\nlocation\n/ { }",
      "r.conf:2: \"location\" is not \"sendkit_auth_route\", and nothing else "
      "can stand in a routes file" },
    { "Sendkit_auth_route GET /a;",
      "r.conf:1: \"Sendkit_auth_route\" is not \"sendkit_auth_route\", and "
      "nothing else can stand in a routes file" },
    { "\xef\xbb\xbfsendkit_auth_route GET /a;",
      "r.conf:1: \"???sendkit_auth_route\" is not "
      "\"sendkit_auth_route\", and nothing else can stand in a routes file" },

    /* how directives end */

    { TEST_R "GET /{workspaceId};",
      "r.conf:1: \"sendkit_auth_route\" is not terminated by \";\": a template "
      "with braces must be quoted" },
    { TEST_R "GET /{workspaceId\\};",
      "r.conf:1: \"sendkit_auth_route\" is not terminated by \";\": a template "
      "with braces must be quoted" },
    { TEST_R "# GET\nGET#\n",
      "r.conf:1: \"sendkit_auth_route\" is not terminated by \";\"" },
    { TEST_R "GET /a\n",
      "r.conf:1: \"sendkit_auth_route\" is not terminated by \";\"" },
    { TEST_R "GET '/a'",
      "r.conf:1: \"sendkit_auth_route\" is not terminated by \";\"" },
    { "\n" TEST_R "\nGET /a",
      "r.conf:3: the word that begins here is not finished" },
    { TEST_R "GET /a\\",
      "r.conf:1: the word that begins here is not finished" },
    { TEST_R "GET\n\"/a;\n",
      "r.conf:2: the quote that begins here is not finished" },
    { TEST_R "GET '/a\\'",
      "r.conf:1: the quote that begins here is not finished" },
    { TEST_R "GET '/a\\", "r.conf:1: the quote that begins here is not "
                          "finished" },
    { ";", "r.conf:1: unexpected \";\"" },
    { TEST_R "GET /a;\n;", "r.conf:2: unexpected \";\"" },
    { "\n{", "r.conf:2: unexpected \"{\"" },
    { TEST_R "GET /a;\n}", "r.conf:2: unexpected \"}\"" },
    { TEST_R "GET /a }", "r.conf:1: unexpected \"}\"" },
    { TEST_R "GET '/a'x;", "r.conf:1: unexpected \"x\" after a quote" },
    { TEST_R "GET '/a'# x", "r.conf:1: unexpected \"#\" after a quote" },
    { TEST_R "GET '/a'\"x\";", "r.conf:1: unexpected \"\"\" after a quote" },

    /* words */

    { TEST_R ";",
      "r.conf:1: \"sendkit_auth_route\" has an invalid number of arguments" },
    { "\n" TEST_R "\nGET;",
      "r.conf:2: \"sendkit_auth_route\" has an invalid number of arguments" },
    { TEST_R "GET /a a b c d;",
      "r.conf:1: \"sendkit_auth_route\" has an invalid number of arguments" },
    { TEST_R "GET /a a b c d e f g h i j k;",
      "r.conf:1: \"sendkit_auth_route\" has an invalid number of arguments" },
    { TEST_R "GET /a;\n" TEST_R "GET /b\n keys=any\n roles=guest;",
      "r.conf:4: \"roles=guest\" is not roles=any, none or a list of owner, "
      "admin, member" },
    { TEST_R "\nGET\nb;", "r.conf:3: \"b\" does not begin with \"/\"" },
    { TEST_R "GET '';", "r.conf:1: \"\" does not begin with \"/\"" },
    { TEST_R "GET ')'); ", "r.conf:1: \")\" does not begin with \"/\"" },
    { TEST_R "'GET')/a;", "r.conf:1: \")/a\" does not begin with \"/\"" },
    { TEST_R "'')/a;",
      "r.conf:1: \"\" is not \"*\" or a list of GET, HEAD, POST, PUT, PATCH, "
      "DELETE, OPTIONS" },
    { TEST_R "GET ''/a;", "r.conf:1: unexpected \"/\" after a quote" },
    { TEST_R "GET a#b;", "r.conf:1: \"a#b\" does not begin with \"/\"" },
    { TEST_R "GET a\"b';", "r.conf:1: \"a\"b'\" does not begin with \"/\"" },
    { TEST_R "GET a}b;", "r.conf:1: \"a}b\" does not begin with \"/\"" },

    /* after "$" a "{" is a byte like any other */

    { TEST_R "GET $;", "r.conf:1: \"$\" does not begin with \"/\"" },
    { TEST_R "GET ${{a;", "r.conf:1: \"${{a\" does not begin with \"/\"" },
    { TEST_R "GET $\\{a;", "r.conf:1: \"$\\{a\" does not begin with \"/\"" },
    { TEST_R "GET a${b}c{", "r.conf:1: \"sendkit_auth_route\" is not "
                            "terminated by \";\": a template with braces must "
                            "be quoted" },
    { TEST_R "GET \"$\";", "r.conf:1: \"$\" does not begin with \"/\"" },

    /* escapes; control bytes are shown as "?" */

    { "sendkit\\_auth_route GET /a;",
      "r.conf:1: \"sendkit\\_auth_route\" is not \"sendkit_auth_route\", and "
      "nothing else can stand in a routes file" },
    { TEST_R "GET a\\;b\\ c\\{;",
      "r.conf:1: \"a\\;b\\ c\\{\" does not begin with \"/\"" },
    { TEST_R "GET 'a\\t\\r\\n.';",
      "r.conf:1: \"a???.\" does not begin with \"/\"" },
    { TEST_R "GET a\\\"\\'\\\\t;",
      "r.conf:1: \"a\"'\\t\" does not begin with \"/\"" },
    { TEST_R "GET \\a\\;", "r.conf:1: the word that begins here is not "
                           "finished" },
    { TEST_R "GET 'a\nb';\n", "r.conf:1: \"a?b\" does not begin with \"/\"" },
    { TEST_R "GET 'a\\\nb' 'c\n' x=\ny;",
      "r.conf:1: \"a\\?b\" does not begin with \"/\"" },
    { TEST_R "GET\n'/a' 'x\n\ny' z;",
      "r.conf:2: \"x??y\" is not keys=, roles= or workspace=" },
    { TEST_R "GET '/a'\n\n'keys=any'\n'x';",
      "r.conf:4: \"x\" is not keys=, roles= or workspace=" },

    /* one with another */

    { TEST_R "GET,PUT /a;\n" TEST_R "POST /a;\n\n" TEST_R "\nHEAD /a;",
      "r.conf:5: \"HEAD\" for \"/a\" is duplicate, see line 1" },
    { TEST_R "GET '/a/{b}';\n" TEST_R "PUT\n'/a/{c}';",
      "r.conf:3: \"/a/{c}\" differs only by names from that of line 1" }
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

    test_many(&tap);
    test_zero(&tap);
    test_long(&tap);

    test_file(&tap, "/nonexistent/r.conf",
              "cannot open \"/nonexistent/r.conf\": No such file or "
              "directory");
    test_file(&tap, "/", "cannot read \"/\": Is a directory");
    test_file(&tap, "/dev/null",
              "/dev/null:1: there is no \"sendkit_auth_route\"");

    return tap_done(&tap);
}


static void
test_good(tap_t *tap, const test_good_t *t)
{
    char              shown[TEST_SHOWN];
    authctl_routes_t  routes;

    if (tap_ok(tap,
               authctl_routes_parse(&routes, TEST_NAME, tap_text(t->text)),
               "\"%s\" is read", test_line(t->text)))
    {
        test_show(&routes, shown);
        tap_span(tap, tap_text(shown), tap_text(t->routes),
                 "it has the routes \"%s\"", t->routes);

    } else {
        printf("# %s\n", routes.error);
    }

    authctl_routes_free(&routes);
}


static void
test_bad(tap_t *tap, const test_bad_t *t)
{
    authctl_routes_t  routes;

    tap_ok(tap, !authctl_routes_parse(&routes, TEST_NAME, tap_text(t->text)),
           "\"%s\" is refused", test_line(t->text));
    tap_span(tap, tap_text(routes.error), tap_text(t->error),
             "the reason is %s", t->error);

    authctl_routes_free(&routes);
}


/* more than there is room for at first, twice */

static void
test_many(tap_t *tap)
{
    size_t            i, good, len;
    static char       text[100 * 64];
    authctl_routes_t  routes;

    len = 0;

    for (i = 0; i < 100; i++) {
        len += (size_t) sprintf(text + len, TEST_R "GET /%zu;\n", i);
    }

    if (!tap_ok(tap, authctl_routes_parse(&routes, TEST_NAME, tap_text(text)),
                "100 routes are read"))
    {
        return;
    }

    tap_number(tap, (long long) routes.nroutes, 100, "all of them");

    good = 0;

    for (i = 0; i < routes.nroutes; i++) {
        good += authctl_routes_line(&routes, &routes.routes[i]) == i + 1
                && routes.routes[i].template.data[1] != '/';
    }

    tap_number(tap, (long long) good, 100, "each has its line");

    authctl_routes_free(&routes);
}


/* a NUL is a byte like any other */

static void
test_zero(tap_t *tap)
{
    sendkit_span_t    text = SENDKIT_SPAN(TEST_R "GET '/a' '\0' \0;");
    authctl_routes_t  routes;

    tap_ok(tap, !authctl_routes_parse(&routes, TEST_NAME, text),
           "a word of a NUL is refused");
    tap_span(tap, tap_text(routes.error),
             tap_text("r.conf:1: \"?\" is not keys=, roles= or workspace="),
             "as an option that there is not");

    authctl_routes_free(&routes);
}


/* nginx has a buffer of 4096 bytes, in which a word and its end must fit */

static void
test_long(tap_t *tap)
{
    test_length(tap, TEST_R "GET ", ";", 4095, 1, "a word");
    test_length(tap, TEST_R "GET ", ";", 4096, 0, "a word");
    test_length(tap, TEST_R "GET ", " ;", 4094, 1, "a word and a space");
    test_length(tap, TEST_R "GET ", " ;", 4095, 0, "a word and a space");
    test_length(tap, TEST_R "GET \"", "\";", 4094, 1, "a quote");
    test_length(tap, TEST_R "GET \"", "\";", 4095, 0, "a quote");
    test_length(tap, TEST_R "GET /a; # ", "\n", 4093, 1, "a comment");
    test_length(tap, TEST_R "GET /a; # ", "\n", 4094, 0, "a comment");
    test_length(tap, TEST_R "GET /a; # ", "", 4094, 1, "the last comment");
}


static void
test_length(tap_t *tap, const char *before, const char *after, size_t len,
    int good, const char *name)
{
    char              text[2 * AUTHCTL_LEXER_WORD_MAX], *last;
    authctl_routes_t  routes;

    last = text + sprintf(text, "%s/", before);
    memset(last, 'a', len - 1);
    strcpy(last + len - 1, after);

    tap_number(tap, authctl_routes_parse(&routes, TEST_NAME, tap_text(text)),
               good, "%s of %zu bytes is %s", name, len,
               good ? "read" : "too long");

    authctl_routes_free(&routes);
}


static void
test_file(tap_t *tap, const char *name, const char *error)
{
    authctl_routes_t  routes;

    tap_ok(tap, !authctl_routes_read(&routes, name), "\"%s\" is refused",
           name);
    tap_span(tap, tap_text(routes.error), tap_text(error), "the reason is %s",
             error);

    authctl_routes_free(&routes);
}


static void
test_show(const authctl_routes_t *routes, char *shown)
{
    size_t                  i;
    const sendkit_route_t  *route;

    *shown = '\0';

    for (i = 0; i < routes->nroutes; i++) {
        route = &routes->routes[i];

        shown += sprintf(shown, "%zu %.*s %x %u %u %d; ",
                         authctl_routes_line(routes, route),
                         (int) route->template.len, route->template.data,
                         route->methods, route->keys, route->roles,
                         (int) route->workspace);
    }
}


/* on one line, as the name of a check must be */

static const char *
test_line(const char *text)
{
    size_t       i;
    static char  line[TEST_SHOWN];

    for (i = 0; text[i] != '\0' && i + 1 < TEST_SHOWN; i++) {
        line[i] = text[i] < ' ' || text[i] > '~' || text[i] == '#'
                  ? '~' : text[i];
    }

    line[i] = '\0';

    return line;
}
