
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_id.h"
#include "sendkit_path.h"
#include "sendkit_route.h"


typedef struct {
    sendkit_span_t   name;
    unsigned         bit;
} sendkit_method_t;


static sendkit_route_node_t **sendkit_route_branch(sendkit_route_node_t *node,
    sendkit_span_t segment);
static int sendkit_route_is_refused(const sendkit_route_t *route,
    const sendkit_route_t *other);
static const sendkit_route_t *sendkit_route_search(
    const sendkit_route_node_t *node, sendkit_span_t path);
static void sendkit_route_choose(sendkit_route_match_t *match,
    const sendkit_route_t *route, unsigned method);
static int sendkit_route_is_folded(sendkit_span_t a, sendkit_span_t b);


static const sendkit_span_t  sendkit_route_double_star = SENDKIT_SPAN("**");

/* found where a path has a literal but for the case */

static const sendkit_route_t  sendkit_route_folded;

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


const sendkit_route_t *
sendkit_route_add(sendkit_route_node_t *root, sendkit_route_t *route,
    sendkit_route_node_t *nodes)
{
    sendkit_span_t          rest, segment;
    sendkit_route_t       **last;
    sendkit_route_node_t   *node, **branch;

    node = root;
    rest = route->template;

    while (sendkit_path_next_segment(&rest, &segment)) {

        branch = sendkit_route_branch(node, segment);

        if (*branch == NULL) {
            memset(nodes, 0, sizeof(sendkit_route_node_t));
            nodes->literal = segment;
            *branch = nodes++;
        }

        node = *branch;
    }

    for (last = &node->routes; *last != NULL; last = &(*last)->next) {
        if (sendkit_route_is_refused(route, *last)) {
            return *last;
        }
    }

    route->next = NULL;
    *last = route;

    return NULL;
}


void
sendkit_route_find(sendkit_route_match_t *match,
    const sendkit_route_node_t *root, unsigned method, sendkit_span_t path)
{
    size_t                  i;
    sendkit_id_t            id;
    sendkit_span_t          workspace = { NULL, 0 };
    const sendkit_route_t  *route;

    memset(match, 0, sizeof(sendkit_route_match_t));

    route = sendkit_route_search(root, path);

    if (route == NULL || route == &sendkit_route_folded) {
        return;
    }

    for (i = 0; i < route->workspace_at; i++) {
        (void) sendkit_path_next_segment(&path, &workspace);
    }

    if (workspace.data != NULL && !sendkit_id_set_workspace(&id, workspace)) {
        return;
    }

    match->found = SENDKIT_ROUTE_NO_METHOD;

    for ( /* void */ ; route != NULL; route = route->next) {
        sendkit_route_choose(match, route, method);
    }

    if (workspace.data != NULL && match->route != NULL) {
        match->workspace = workspace;
        match->rest = path;
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


/* where the segment of a template that follows the node's is */

static sendkit_route_node_t **
sendkit_route_branch(sendkit_route_node_t *node, sendkit_span_t segment)
{
    sendkit_route_node_t  **branch;

    if (sendkit_span_equal(segment, sendkit_route_double_star)) {
        return &node->rest;
    }

    if (segment.len != 0 && segment.data[0] == '{') {
        return &node->name;
    }

    branch = &node->literals;

    while (*branch != NULL && !sendkit_span_equal((*branch)->literal, segment))
    {
        branch = &(*branch)->next;
    }

    return branch;
}


/* because of the other one, which ends at the same node */

static int
sendkit_route_is_refused(const sendkit_route_t *route,
    const sendkit_route_t *other)
{
    if (!sendkit_span_equal(route->template, other->template)) {
        return 1;
    }

    return (route->methods == SENDKIT_METHOD_ANY)
           == (other->methods == SENDKIT_METHOD_ANY)
           && (route->methods & other->methods) != 0;
}


/*
 * The routes of the most specific template below a node that matches a path,
 * which is looked for in that order.  As deep as the longest template.
 */

static const sendkit_route_t *
sendkit_route_search(const sendkit_route_node_t *node, sendkit_span_t path)
{
    int                          equal;
    sendkit_span_t               segment;
    const sendkit_route_t       *found, *routes;
    const sendkit_route_node_t  *child;

    if (!sendkit_path_next_segment(&path, &segment)) {
        return node->routes;
    }

    found = NULL;

    for (child = node->literals; child != NULL; child = child->next) {

        equal = sendkit_span_equal(child->literal, segment);

        if (!equal && !sendkit_route_is_folded(child->literal, segment)) {
            continue;
        }

        routes = sendkit_route_search(child, path);

        if (routes != NULL && equal) {
            return routes;
        }

        if (routes != NULL) {
            found = &sendkit_route_folded;
        }
    }

    if (found != NULL || segment.len == 0) {
        return found;
    }

    if (node->name != NULL) {
        found = sendkit_route_search(node->name, path);
    }

    if (found != NULL || node->rest == NULL) {
        return found;
    }

    /* "**": one segment or more, and none of them empty */

    return path.len == 0 || path.data[path.len - 1] != '/'
           ? node->rest->routes : NULL;
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


/* equal, but for the case of letters */

static int
sendkit_route_is_folded(sendkit_span_t a, sendkit_span_t b)
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
