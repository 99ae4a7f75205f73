
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "authctl_lexer.h"
#include "authctl_routes.h"


#define AUTHCTL_ROUTES_CHUNK     65536  /* of a file */

/* bytes of the file's name and of a word in ->error */
#define AUTHCTL_ROUTES_NAME_MAX  255
#define AUTHCTL_ROUTES_WORD_MAX  128

/* the directive and what nginx lets follow it */
#define AUTHCTL_ROUTES_LEAST     3
#define AUTHCTL_ROUTES_MOST      AUTHCTL_LEXER_WORDS


typedef struct {
    authctl_routes_t      *routes;
    const char            *name;        /* of the file */
    authctl_lexer_t        lexer;
} authctl_routes_parser_t;


typedef struct {
    char                   text[AUTHCTL_ROUTES_WORD_MAX + 1];
} authctl_routes_word_t;


static int authctl_routes_alloc(authctl_routes_t *routes, sendkit_span_t text);
static sendkit_span_t authctl_routes_load(authctl_routes_t *routes,
    const char *name, FILE *file);
static int authctl_routes_parse_all(authctl_routes_parser_t *parser);
static int authctl_routes_directive(authctl_routes_parser_t *parser,
    authctl_lexer_e found);
static int authctl_routes_add(authctl_routes_parser_t *parser);
static int authctl_routes_refuse(authctl_routes_parser_t *parser,
    const sendkit_route_t *route, const sendkit_route_t *other);

static int authctl_routes_fail(authctl_routes_parser_t *parser, size_t line,
    const char *fmt, ...) __attribute__ ((format (printf, 3, 4)));
static int authctl_routes_blame(authctl_routes_parser_t *parser, size_t i,
    const char *error);
static const char *authctl_routes_word(authctl_routes_word_t *shown,
    const authctl_word_t *word);


static const sendkit_span_t  authctl_routes_name =
    SENDKIT_SPAN("sendkit_auth_route");


int
authctl_routes_read(authctl_routes_t *routes, const char *name)
{
    int             ok;
    FILE           *file;
    sendkit_span_t  text;

    memset(routes, 0, sizeof(authctl_routes_t));

    file = fopen(name, "rb");

    if (file == NULL) {
        snprintf(routes->error, AUTHCTL_ROUTES_ERROR_MAX,
                 "cannot open \"%s\": %s", name, strerror(errno));
        return 0;
    }

    text = authctl_routes_load(routes, name, file);

    (void) fclose(file);

    if (text.data == NULL) {
        return 0;
    }

    ok = authctl_routes_parse(routes, name, text);

    free((void *) text.data);

    return ok;
}


int
authctl_routes_parse(authctl_routes_t *routes, const char *name,
    sendkit_span_t text)
{
    authctl_routes_parser_t  parser;

    memset(routes, 0, sizeof(authctl_routes_t));

    if (!authctl_routes_alloc(routes, text)) {
        snprintf(routes->error, AUTHCTL_ROUTES_ERROR_MAX, "%s: no memory",
                 name);
        return 0;
    }

    /* a copy: words are written over the bytes that they are made of */

    if (text.len != 0) {
        memcpy(routes->text, text.data, text.len);
    }

    parser.routes = routes;
    parser.name = name;

    authctl_lexer_init(&parser.lexer, routes->text, text.len);

    return authctl_routes_parse_all(&parser);
}


void
authctl_routes_free(authctl_routes_t *routes)
{
    free(routes->routes);
    free(routes->lines);
    free(routes->nodes);
    free(routes->text);

    memset(routes, 0, sizeof(authctl_routes_t));
}


size_t
authctl_routes_line(const authctl_routes_t *routes,
    const sendkit_route_t *route)
{
    return routes->lines[route - routes->routes];
}


/* each route ends with a ";", and each segment of a template begins with "/" */

static int
authctl_routes_alloc(authctl_routes_t *routes, sendkit_span_t text)
{
    size_t  i, nroutes, nsegments;

    nroutes = 1;
    nsegments = 1;

    for (i = 0; i < text.len; i++) {
        nroutes += text.data[i] == ';';
        nsegments += text.data[i] == '/';
    }

    routes->text = malloc(text.len + 1);
    routes->routes = calloc(nroutes, sizeof(sendkit_route_t));
    routes->lines = calloc(nroutes, sizeof(size_t));
    routes->nodes = calloc(nsegments, sizeof(sendkit_route_node_t));

    return routes->text != NULL && routes->routes != NULL
           && routes->lines != NULL && routes->nodes != NULL;
}


/* the whole file, or data == NULL: it may be a pipe, whose size none knows */

static sendkit_span_t
authctl_routes_load(authctl_routes_t *routes, const char *name, FILE *file)
{
    size_t          n;
    unsigned char  *data, *grown;
    sendkit_span_t  text = { NULL, 0 };

    data = NULL;

    for ( ;; ) {
        grown = realloc(data, text.len + AUTHCTL_ROUTES_CHUNK);
        if (grown == NULL) {
            break;
        }

        data = grown;
        n = fread(data + text.len, 1, AUTHCTL_ROUTES_CHUNK, file);
        text.len += n;

        if (n == 0 && !ferror(file)) {
            text.data = data;
            return text;
        }

        if (n == 0) {
            break;
        }
    }

    snprintf(routes->error, AUTHCTL_ROUTES_ERROR_MAX, "cannot read \"%s\": %s",
             name, strerror(errno));

    free(data);

    return text;
}


static int
authctl_routes_parse_all(authctl_routes_parser_t *parser)
{
    authctl_lexer_e  found;

    for ( ;; ) {
        found = authctl_lexer_next(&parser->lexer);

        if (found == AUTHCTL_LEXER_BAD) {
            return authctl_routes_fail(parser, parser->lexer.line, "%s",
                                       parser->lexer.error);
        }

        if (found == AUTHCTL_LEXER_END) {
            break;
        }

        if (!authctl_routes_directive(parser, found)) {
            return 0;
        }
    }

    if (parser->routes->nroutes == 0) {
        return authctl_routes_fail(parser, parser->lexer.line,
                                   "there is no \"sendkit_auth_route\"");
    }

    return 1;
}


static int
authctl_routes_directive(authctl_routes_parser_t *parser,
    authctl_lexer_e found)
{
    authctl_lexer_t  *lexer;

    lexer = &parser->lexer;

    if (found == AUTHCTL_LEXER_OPEN) {
        return authctl_routes_blame(parser, 0, "is not terminated by \";\"");
    }

    if (!sendkit_span_equal(lexer->words[0].text, authctl_routes_name)) {
        return authctl_routes_blame(parser, 0,
                                    "is not \"sendkit_auth_route\", and "
                                    "nothing else can stand in a routes file");
    }

    if (found == AUTHCTL_LEXER_BLOCK) {
        return authctl_routes_blame(parser, 0,
                                    "is not terminated by \";\": a template "
                                    "with braces must be quoted");
    }

    if (lexer->nwords < AUTHCTL_ROUTES_LEAST
        || lexer->nwords > AUTHCTL_ROUTES_MOST)
    {
        return authctl_routes_blame(parser, 0,
                                    "has an invalid number of arguments");
    }

    return authctl_routes_add(parser);
}


static int
authctl_routes_add(authctl_routes_parser_t *parser)
{
    size_t                  i, bad;
    const char             *error;
    sendkit_span_t          words[AUTHCTL_ROUTES_MOST];
    sendkit_route_t        *route;
    authctl_lexer_t        *lexer;
    authctl_routes_t       *routes;
    const sendkit_route_t  *other;

    lexer = &parser->lexer;
    routes = parser->routes;
    route = &routes->routes[routes->nroutes];

    for (i = 1; i < lexer->nwords; i++) {
        words[i - 1] = lexer->words[i].text;
    }

    error = sendkit_route_parse(route, words, lexer->nwords - 1, &bad);

    if (error != NULL) {
        return authctl_routes_blame(parser, bad + 1, error);
    }

    other = sendkit_route_add(&routes->root, route,
                              &routes->nodes[routes->nnodes]);

    if (other != NULL) {
        return authctl_routes_refuse(parser, route, other);
    }

    routes->lines[routes->nroutes++] = lexer->words[0].line;
    routes->nnodes += route->nsegments;

    return 1;
}


static int
authctl_routes_refuse(authctl_routes_parser_t *parser,
    const sendkit_route_t *route, const sendkit_route_t *other)
{
    size_t                  line;
    const authctl_word_t   *words;
    authctl_routes_word_t   methods, template;

    words = parser->lexer.words;
    line = authctl_routes_line(parser->routes, other);

    (void) authctl_routes_word(&methods, &words[1]);
    (void) authctl_routes_word(&template, &words[2]);

    if (!sendkit_span_equal(route->template, other->template)) {
        return authctl_routes_fail(parser, words[2].line,
                                   "\"%s\" differs only by names from that "
                                   "of line %zu", template.text, line);
    }

    return authctl_routes_fail(parser, words[1].line,
                               "\"%s\" for \"%s\" is duplicate, see line %zu",
                               methods.text, template.text, line);
}


/* returns 0 for those who return what it does */

static int
authctl_routes_fail(authctl_routes_parser_t *parser, size_t line,
    const char *fmt, ...)
{
    int      n;
    char    *error, *p;
    va_list  args;

    error = parser->routes->error;

    n = snprintf(error, AUTHCTL_ROUTES_ERROR_MAX / 2, "%.*s:%zu: ",
                 AUTHCTL_ROUTES_NAME_MAX, parser->name, line);

    va_start(args, fmt);
    (void) vsnprintf(error + n, AUTHCTL_ROUTES_ERROR_MAX - (size_t) n, fmt,
                     args);
    va_end(args);

    /* a terminal must not obey what stands in a file */

    for (p = error; *p != '\0'; p++) {
        if (*p < ' ' || *p > '~') {
            *p = '?';
        }
    }

    return 0;
}


/* for an error that begins with a word of the directive */

static int
authctl_routes_blame(authctl_routes_parser_t *parser, size_t i,
    const char *error)
{
    const authctl_word_t   *word;
    authctl_routes_word_t   shown;

    word = &parser->lexer.words[i];

    return authctl_routes_fail(parser, word->line, "\"%s\" %s",
                               authctl_routes_word(&shown, word), error);
}


/* terminated, and as it may be printed */

static const char *
authctl_routes_word(authctl_routes_word_t *shown, const authctl_word_t *word)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < word->text.len && i < AUTHCTL_ROUTES_WORD_MAX; i++) {
        c = word->text.data[i];
        shown->text[i] = c < ' ' || c > '~' ? '?' : (char) c;
    }

    shown->text[i] = '\0';

    return shown->text;
}
