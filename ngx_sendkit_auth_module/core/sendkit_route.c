
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_id.h"
#include "sendkit_path.h"
#include "sendkit_route.h"


/* how a template's segment meets a path's, the more specific the higher */

typedef enum {
    SENDKIT_SEGMENT_DIFFERS = 0,
    SENDKIT_SEGMENT_REST,
    SENDKIT_SEGMENT_NAME,
    SENDKIT_SEGMENT_FOLDED,             /* a literal, but for the case */
    SENDKIT_SEGMENT_LITERAL
} sendkit_segment_e;


typedef struct {
    sendkit_span_t   name;
    unsigned         bit;
} sendkit_method_t;


static int sendkit_route_is_alike(const sendkit_route_t *a,
    const sendkit_route_t *b);
static int sendkit_route_matches(const sendkit_route_t *route,
    sendkit_span_t path);
static int sendkit_route_is_exact(const sendkit_route_t *route,
    sendkit_span_t path);
static int sendkit_route_compare(const sendkit_route_t *a,
    const sendkit_route_t *b, sendkit_span_t path);
static void sendkit_route_choose(sendkit_route_match_t *match,
    const sendkit_route_t *route, unsigned method);
static void sendkit_route_set_workspace(sendkit_route_match_t *match,
    sendkit_span_t template, sendkit_span_t path);
static sendkit_segment_e sendkit_segment_match(sendkit_span_t pattern,
    sendkit_span_t segment);
static int sendkit_segment_is_folded(sendkit_span_t a, sendkit_span_t b);
static int sendkit_segment_is_name(sendkit_span_t pattern);
static int sendkit_segment_is_rest(sendkit_span_t pattern);


static const sendkit_span_t  sendkit_segment_rest = SENDKIT_SPAN("**");
static const sendkit_span_t  sendkit_segment_workspace =
    SENDKIT_SPAN("{workspaceId}");

static const sendkit_method_t  sendkit_methods[] = {
    { SENDKIT_SPAN("GET"), SENDKIT_METHOD_GET },
    { SENDKIT_SPAN("HEAD"), SENDKIT_METHOD_GET },
    { SENDKIT_SPAN("POST"), SENDKIT_METHOD_POST },
    { SENDKIT_SPAN("PUT"), SENDKIT_METHOD_PUT },
    { SENDKIT_SPAN("PATCH"), SENDKIT_METHOD_PATCH },
    { SENDKIT_SPAN("DELETE"), SENDKIT_METHOD_DELETE },
    { SENDKIT_SPAN("OPTIONS"), SENDKIT_METHOD_OPTIONS },
    { { NULL, 0 }, SENDKIT_METHOD_OTHER }
};


void
sendkit_route_find(sendkit_route_match_t *match, const sendkit_route_t *routes,
    size_t nroutes, unsigned method, sendkit_span_t path)
{
    size_t                  i;
    const sendkit_route_t  *best;

    memset(match, 0, sizeof(sendkit_route_match_t));

    best = NULL;

    for (i = 0; i < nroutes; i++) {
        if (sendkit_route_matches(&routes[i], path)
            && (best == NULL
                || sendkit_route_compare(&routes[i], best, path) > 0))
        {
            best = &routes[i];
        }
    }

    if (best == NULL || !sendkit_route_is_exact(best, path)) {
        return;
    }

    match->found = SENDKIT_ROUTE_NO_METHOD;

    for (i = 0; i < nroutes; i++) {
        if (sendkit_route_matches(&routes[i], path)
            && sendkit_route_compare(&routes[i], best, path) == 0)
        {
            sendkit_route_choose(match, &routes[i], method);
        }
    }

    if (match->route != NULL) {
        sendkit_route_set_workspace(match, match->route->template, path);
    }
}


unsigned
sendkit_route_method(sendkit_span_t name)
{
    const sendkit_method_t  *p;

    p = sendkit_methods;

    while (p->name.data != NULL && !sendkit_span_equal(name, p->name)) {
        p++;
    }

    return p->bit;
}


size_t
sendkit_route_allow(unsigned methods, char *value)
{
    char                    *last;
    const sendkit_method_t  *p;

    last = value;

    for (p = sendkit_methods; p->name.data != NULL; p++) {
        if ((methods & p->bit) == 0) {
            continue;
        }

        if (last != value) {
            memcpy(last, ", ", 2);
            last += 2;
        }

        memcpy(last, p->name.data, p->name.len);
        last += p->name.len;
    }

    return (size_t) (last - value);
}


int
sendkit_route_is_duplicate(const sendkit_route_t *a, const sendkit_route_t *b)
{
    return (a->methods == SENDKIT_METHOD_ANY)
           == (b->methods == SENDKIT_METHOD_ANY)
           && (a->methods & b->methods) != 0
           && sendkit_route_is_alike(a, b);
}


int
sendkit_route_is_renamed(const sendkit_route_t *a, const sendkit_route_t *b)
{
    return !sendkit_span_equal(a->template, b->template)
           && sendkit_route_is_alike(a, b);
}


/* do they match the same paths? */

static int
sendkit_route_is_alike(const sendkit_route_t *a, const sendkit_route_t *b)
{
    sendkit_span_t  arest, asegment, brest, bsegment;

    arest = a->template;
    brest = b->template;

    while (sendkit_path_next_segment(&arest, &asegment)) {
        if (!sendkit_path_next_segment(&brest, &bsegment)) {
            return 0;
        }

        if (!sendkit_span_equal(asegment, bsegment)
            && !(sendkit_segment_is_name(asegment)
                 && sendkit_segment_is_name(bsegment)))
        {
            return 0;
        }
    }

    return brest.len == 0;
}


static int
sendkit_route_matches(const sendkit_route_t *route, sendkit_span_t path)
{
    sendkit_span_t     pattern, segment, template;
    sendkit_segment_e  rank;

    template = route->template;

    while (sendkit_path_next_segment(&template, &pattern)) {

        if (!sendkit_path_next_segment(&path, &segment)) {
            return 0;
        }

        rank = sendkit_segment_match(pattern, segment);

        if (rank == SENDKIT_SEGMENT_DIFFERS) {
            return 0;
        }

        if (rank == SENDKIT_SEGMENT_REST) {

            /* one segment or more, and none of them empty */

            return path.len == 0 || path.data[path.len - 1] != '/';
        }
    }

    return path.len == 0;
}


/* the two below are asked only about templates that match the path */

static int
sendkit_route_is_exact(const sendkit_route_t *route, sendkit_span_t path)
{
    sendkit_id_t    id;
    sendkit_span_t  pattern, segment, template;

    template = route->template;

    while (sendkit_path_next_segment(&template, &pattern)
           && sendkit_path_next_segment(&path, &segment))
    {
        if (sendkit_segment_match(pattern, segment)
            == SENDKIT_SEGMENT_FOLDED)
        {
            return 0;
        }

        if (sendkit_span_equal(pattern, sendkit_segment_workspace)
            && !sendkit_id_set_workspace(&id, segment))
        {
            return 0;
        }
    }

    return 1;
}


static int
sendkit_route_compare(const sendkit_route_t *a, const sendkit_route_t *b,
    sendkit_span_t path)
{
    int             diff;
    sendkit_span_t  arest, asegment, brest, bsegment, segment;

    arest = a->template;
    brest = b->template;

    while (sendkit_path_next_segment(&path, &segment)
           && sendkit_path_next_segment(&arest, &asegment)
           && sendkit_path_next_segment(&brest, &bsegment))
    {
        diff = (int) sendkit_segment_match(asegment, segment)
               - (int) sendkit_segment_match(bsegment, segment);

        if (diff != 0) {
            return diff;
        }
    }

    return 0;
}


static void
sendkit_route_choose(sendkit_route_match_t *match,
    const sendkit_route_t *route, unsigned method)
{
    match->methods |= route->methods;

    if ((route->methods & method) == 0) {
        return;
    }

    if (match->route == NULL || route->methods != SENDKIT_METHOD_ANY) {
        match->route = route;
        match->found = SENDKIT_ROUTE_FOUND;
    }
}


static void
sendkit_route_set_workspace(sendkit_route_match_t *match,
    sendkit_span_t template, sendkit_span_t path)
{
    sendkit_span_t  pattern, segment;

    while (sendkit_path_next_segment(&template, &pattern)
           && sendkit_path_next_segment(&path, &segment))
    {
        if (sendkit_span_equal(pattern, sendkit_segment_workspace)) {
            match->workspace = segment;
            match->rest = path;
        }
    }
}


static sendkit_segment_e
sendkit_segment_match(sendkit_span_t pattern, sendkit_span_t segment)
{
    if (segment.len == 0) {
        return pattern.len == 0 ? SENDKIT_SEGMENT_LITERAL
                                : SENDKIT_SEGMENT_DIFFERS;
    }

    /* "**" before literals: a path may have a segment of two asterisks */

    if (sendkit_segment_is_rest(pattern)) {
        return SENDKIT_SEGMENT_REST;
    }

    if (sendkit_segment_is_name(pattern)) {
        return SENDKIT_SEGMENT_NAME;
    }

    if (sendkit_span_equal(pattern, segment)) {
        return SENDKIT_SEGMENT_LITERAL;
    }

    return sendkit_segment_is_folded(pattern, segment)
           ? SENDKIT_SEGMENT_FOLDED : SENDKIT_SEGMENT_DIFFERS;
}


static int
sendkit_segment_is_folded(sendkit_span_t a, sendkit_span_t b)
{
    size_t         i;
    unsigned char  ca, cb;

    if (a.len != b.len) {
        return 0;
    }

    for (i = 0; i < a.len; i++) {
        ca = a.data[i];
        cb = b.data[i];

        if (ca == cb) {
            continue;
        }

        ca |= 0x20;
        cb |= 0x20;

        if (ca != cb || ca < 'a' || ca > 'z') {
            return 0;
        }
    }

    return 1;
}


static int
sendkit_segment_is_name(sendkit_span_t pattern)
{
    return pattern.len != 0 && pattern.data[0] == '{';
}


static int
sendkit_segment_is_rest(sendkit_span_t pattern)
{
    return sendkit_span_equal(pattern, sendkit_segment_rest);
}
