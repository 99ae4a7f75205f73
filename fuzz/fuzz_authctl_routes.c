
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A routes file gives just the routes that its words give, however they are
 * quoted and laid out; and any routes that were read from whatever bytes are
 * read again when they are written as plainly as can be.
 */


#include <stdio.h>
#include <stdlib.h>

#include "authctl_routes.h"
#include "fuzz.h"


#define FUZZ_ROUTES_MAX    2048     /* bytes of the input */
#define FUZZ_ROUTES_WORDS  7
#define FUZZ_ROUTES_PLAIN                                                     \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"          \
    "-._~!&'()*+,=:@/"


/* a file that is being written, and on which line its end is */

typedef struct {
    size_t                len;
    size_t                line;
    unsigned char         data[8 * FUZZ_ROUTES_MAX];
} fuzz_text_t;


static void fuzz_routes_bytes(sendkit_span_t input);
static void fuzz_routes_again(const authctl_routes_t *routes);
static void fuzz_routes_words(sendkit_span_t input);
static void fuzz_routes_compare(const fuzz_text_t *text,
    const sendkit_span_t *words, size_t nwords, const size_t *lines);
static sendkit_span_t fuzz_routes_choose(sendkit_span_t *input);

static void fuzz_text_route(fuzz_text_t *text, const sendkit_route_t *route);
static void fuzz_text_space(fuzz_text_t *text, unsigned choice);
static void fuzz_text_word(fuzz_text_t *text, sendkit_span_t word,
    unsigned choice);
static void fuzz_text_quoted(fuzz_text_t *text, unsigned char c,
    unsigned char quote, int escape);
static void fuzz_text_add(fuzz_text_t *text, const char *bytes);
static void fuzz_text_byte(fuzz_text_t *text, unsigned char c);
static int fuzz_route_equal(const sendkit_route_t *a,
    const sendkit_route_t *b);


static const char *const  fuzz_routes_dictionary[] = {
    "GET", "*", "POST,DELETE", "/", "/a", "/a/**", "/{workspaceId}/b",
    "/{a}", "keys=any", "keys=platform", "keys=workspace", "roles=any",
    "roles=none", "roles=owner,member", "workspace=header", "workspace=none"
};

#define FUZZ_ROUTES_NDICTIONARY                                               \
    (sizeof(fuzz_routes_dictionary) / sizeof(const char *))


static const char *const  fuzz_routes_spaces[] = {
    " ", "\n", "\t \r\n", " # ; { } \" ' \\\n", "\n#\n\n "
};

#define FUZZ_ROUTES_NSPACES                                                   \
    (sizeof(fuzz_routes_spaces) / sizeof(const char *))


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t  input;

    if (size > FUZZ_ROUTES_MAX) {
        return 0;
    }

    input.data = data;
    input.len = size;

    fuzz_routes_bytes(input);
    fuzz_routes_words(input);

    return 0;
}


static void
fuzz_routes_bytes(sendkit_span_t input)
{
    int               ok;
    authctl_routes_t  routes;

    ok = authctl_routes_parse(&routes, "f", input);

    fuzz_check(ok == (routes.error[0] == '\0'));
    fuzz_check(ok || strncmp(routes.error, "f:", 2) == 0);
    fuzz_check(!ok || routes.nroutes != 0);

    if (ok) {
        fuzz_routes_again(&routes);
    }

    authctl_routes_free(&routes);
}


/* no two of them are for the same, so that their order is all there is */

static void
fuzz_routes_again(const authctl_routes_t *routes)
{
    size_t               i;
    sendkit_span_t       span;
    authctl_routes_t     again;
    static fuzz_text_t   text;

    text.len = 0;

    for (i = 0; i < routes->nroutes; i++) {

        /* each takes 21 bytes of the input, and may take 100 more here */

        if (text.len > sizeof(text.data) - FUZZ_ROUTES_MAX - 256) {
            return;
        }

        fuzz_text_route(&text, &routes->routes[i]);
    }

    span.data = text.data;
    span.len = text.len;

    fuzz_check(authctl_routes_parse(&again, "f", span));
    fuzz_check(again.nroutes == routes->nroutes);

    for (i = 0; i < routes->nroutes; i++) {
        fuzz_check(fuzz_route_equal(&routes->routes[i], &again.routes[i]));
        fuzz_check(authctl_routes_line(&again, &again.routes[i]) == i + 1);
    }

    authctl_routes_free(&again);
}


/* one directive, of words and a layout that the input chooses */

static void
fuzz_routes_words(sendkit_span_t input)
{
    size_t              i, nwords, lines[FUZZ_ROUTES_WORDS];
    sendkit_span_t      words[FUZZ_ROUTES_WORDS];
    static fuzz_text_t  text;

    text.len = 0;
    text.line = 1;

    nwords = fuzz_byte(&input) % (FUZZ_ROUTES_WORDS + 1);

    fuzz_text_space(&text, fuzz_byte(&input));

    lines[0] = text.line;
    fuzz_text_word(&text, fuzz_text("sendkit_auth_route"), fuzz_byte(&input));

    for (i = 0; i < nwords; i++) {
        words[i] = fuzz_routes_choose(&input);

        fuzz_text_space(&text, fuzz_byte(&input));

        if (i + 1 < FUZZ_ROUTES_WORDS) {
            lines[i + 1] = text.line;
        }

        fuzz_text_word(&text, words[i], fuzz_byte(&input));
    }

    fuzz_text_add(&text, ";");
    fuzz_text_space(&text, fuzz_byte(&input));

    fuzz_routes_compare(&text, words, nwords, lines);
}


static void
fuzz_routes_compare(const fuzz_text_t *text, const sendkit_span_t *words,
    size_t nwords, const size_t *lines)
{
    int               ok;
    char              place[64];
    size_t            bad;
    const char       *error;
    sendkit_span_t    span;
    sendkit_route_t   route;
    authctl_routes_t  routes;

    span.data = text->data;
    span.len = text->len;

    ok = authctl_routes_parse(&routes, "f", span);

    if (nwords < 2 || nwords > 5) {
        error = "has an invalid number of arguments";
        bad = (size_t) -1;

    } else {
        error = sendkit_route_parse(&route, words, nwords, &bad);
    }

    fuzz_check(ok == (error == NULL));

    if (ok) {
        fuzz_check(routes.nroutes == 1);
        fuzz_check(authctl_routes_line(&routes, routes.routes) == lines[0]);
        fuzz_check(fuzz_route_equal(routes.routes, &route));

    } else {
        snprintf(place, sizeof(place), "f:%zu: \"", lines[bad + 1]);

        fuzz_check(strncmp(routes.error, place, strlen(place)) == 0);
        fuzz_check(strstr(routes.error, error) != NULL);
    }

    authctl_routes_free(&routes);
}


static sendkit_span_t
fuzz_routes_choose(sendkit_span_t *input)
{
    unsigned  choice;

    choice = fuzz_byte(input);

    if (choice < 128) {
        return fuzz_text(fuzz_routes_dictionary[choice
                                                % FUZZ_ROUTES_NDICTIONARY]);
    }

    return fuzz_take(input, choice - 128);
}


/* in words of which none was left out */

static void
fuzz_text_route(fuzz_text_t *text, const sendkit_route_t *route)
{
    size_t                    i;
    static const char *const  methods[] = { "GET", "POST", "PUT", "PATCH",
                                            "DELETE", "OPTIONS" };
    static const char *const  keys[] = { "?", "platform", "workspace", "any" };
    static const char *const  workspaces[] = { "none", "path", "header" };
    static const char *const  roles[] = { "none", "owner", "admin",
                                          "owner,admin", "member",
                                          "owner,member", "admin,member",
                                          "any" };

    fuzz_text_add(text, "sendkit_auth_route ");

    if (route->methods == SENDKIT_METHOD_ANY) {
        fuzz_text_add(text, "*");

    } else {
        for (i = 0; i < sizeof(methods) / sizeof(const char *); i++) {
            if ((route->methods & (1u << i)) == 0) {
                continue;
            }

            if ((route->methods & ((1u << i) - 1)) != 0) {
                fuzz_text_add(text, ",");
            }

            fuzz_text_add(text, methods[i]);
        }
    }

    fuzz_text_add(text, " ");
    fuzz_text_word(text, route->template, 1);

    fuzz_text_add(text, " keys=");
    fuzz_text_add(text, keys[route->keys]);
    fuzz_text_add(text, " roles=");
    fuzz_text_add(text, roles[route->roles]);
    fuzz_text_add(text, " workspace=");
    fuzz_text_add(text, workspaces[route->workspace]);
    fuzz_text_add(text, ";\n");
}


static void
fuzz_text_space(fuzz_text_t *text, unsigned choice)
{
    fuzz_text_add(text, fuzz_routes_spaces[choice % FUZZ_ROUTES_NSPACES]);
}


/* bare where that is the same, else in quotes of one kind or the other */

static void
fuzz_text_word(fuzz_text_t *text, sendkit_span_t word, unsigned choice)
{
    size_t         i;
    unsigned char  quote;

    if (choice % 3 == 0 && word.len != 0 && word.data[0] != '\''
        && fuzz_has_only(word, FUZZ_ROUTES_PLAIN))
    {
        quote = '\0';

    } else {
        quote = choice % 3 == 1 ? '"' : '\'';
        fuzz_text_byte(text, quote);
    }

    for (i = 0; i < word.len; i++) {

        if (quote == '\0') {
            fuzz_text_byte(text, word.data[i]);

        } else {
            fuzz_text_quoted(text, word.data[i], quote, choice > 127);
        }
    }

    if (quote != '\0') {
        fuzz_text_byte(text, quote);
    }
}


static void
fuzz_text_quoted(fuzz_text_t *text, unsigned char c, unsigned char quote,
    int escape)
{
    const char         *p;
    static const char   controls[] = "\tt\rr\nn";

    for (p = controls; escape && *p != '\0'; p += 2) {
        if (c == (unsigned char) *p) {
            fuzz_text_byte(text, '\\');
            fuzz_text_byte(text, (unsigned char) p[1]);
            return;
        }
    }

    if (c == quote || c == '\\') {
        fuzz_text_byte(text, '\\');
    }

    fuzz_text_byte(text, c);
}


static void
fuzz_text_add(fuzz_text_t *text, const char *bytes)
{
    while (*bytes != '\0') {
        fuzz_text_byte(text, (unsigned char) *bytes++);
    }
}


static void
fuzz_text_byte(fuzz_text_t *text, unsigned char c)
{
    fuzz_check(text->len < sizeof(text->data));

    text->data[text->len++] = c;
    text->line += c == '\n';
}


static int
fuzz_route_equal(const sendkit_route_t *a, const sendkit_route_t *b)
{
    return sendkit_span_equal(a->template, b->template)
           && a->methods == b->methods && a->keys == b->keys
           && a->roles == b->roles && a->workspace == b->workspace;
}
