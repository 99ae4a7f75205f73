
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_ROUTE_H_INCLUDED_
#define _SENDKIT_ROUTE_H_INCLUDED_


#include "sendkit_key.h"
#include "sendkit_role.h"
#include "sendkit_span.h"


/* HTTP methods (RFC 9110, section 9; PATCH: RFC 5789) as bits of a mask */

#define SENDKIT_METHOD_GET      0x01    /* and HEAD */
#define SENDKIT_METHOD_POST     0x02
#define SENDKIT_METHOD_PUT      0x04
#define SENDKIT_METHOD_PATCH    0x08
#define SENDKIT_METHOD_DELETE   0x10
#define SENDKIT_METHOD_OPTIONS  0x20
#define SENDKIT_METHOD_OTHER    0x40
#define SENDKIT_METHOD_ANY      0x7f

/* room for what sendkit_route_allow() writes */
#define SENDKIT_ROUTE_ALLOW_MAX  64


/* where a request names its workspace */

typedef enum {
    SENDKIT_WORKSPACE_NONE = 0,
    SENDKIT_WORKSPACE_PATH,
    SENDKIT_WORKSPACE_HEADER
} sendkit_workspace_e;


/* one sendkit_auth_route; the template's bytes belong to the caller */

typedef struct sendkit_route_s  sendkit_route_t;

struct sendkit_route_s {
    sendkit_span_t        template;
    size_t                nsegments;    /* of the template */
    size_t                workspace_at; /* which is {workspaceId}; 0: none */
    unsigned              methods;      /* SENDKIT_METHOD_ bits */
    unsigned              keys;         /* sendkit_key_e bits */
    unsigned              roles;        /* sendkit_role_e bits, 0: none */
    sendkit_workspace_e   workspace;
    sendkit_route_t      *next;         /* of the same template */
};


/*
 * Routes in a tree, with a node for each segment of their templates.  What can
 * follow a segment is found without a look at the other routes.  A node that
 * is all zero is the root of a tree without routes.
 */

typedef struct sendkit_route_node_s  sendkit_route_node_t;

struct sendkit_route_node_s {
    sendkit_span_t         literal;     /* the segment, if it is one */
    sendkit_route_node_t  *next;        /* another literal in its place */
    sendkit_route_node_t  *literals;    /* that may follow */
    sendkit_route_node_t  *name;        /* likewise, {name} */
    sendkit_route_node_t  *rest;        /* likewise, "**" */
    sendkit_route_t       *routes;      /* whose template ends here */
};


typedef enum {
    SENDKIT_ROUTE_NOT_FOUND = 0,        /* no template matches */
    SENDKIT_ROUTE_NO_METHOD,            /* one does, not for this method */
    SENDKIT_ROUTE_FOUND
} sendkit_route_e;


/* what is known of a request's route */

typedef struct {
    sendkit_route_e         found;
    const sendkit_route_t  *route;      /* set when found */
    unsigned                methods;    /* of the template that matched */
    sendkit_span_t          workspace;  /* in the path; len 0: none there */
    sendkit_span_t          rest;       /* of the path, after the workspace */
} sendkit_route_match_t;


/*
 * Reads METHODS TEMPLATE [keys=...] [roles=...] [workspace=...] into *route.
 *
 * Returns NULL when the words are in order; else what is wrong, as the end
 * of a sentence that begins with the bad word, whose index is then in *bad.
 */

const char *sendkit_route_parse(sendkit_route_t *route,
    const sendkit_span_t *words, size_t nwords, size_t *bad);

/*
 * Adds a route that was parsed.
 *
 * nodes  room for route->nsegments; they and the route live as long as the
 *        tree does
 *
 * Returns NULL; or the first of the routes there that matches the same paths
 * and cannot be meant together with this one, which then is not added:
 *
 * - its template is another one, with other names in braces, so that
 *   "{workspaceId}" would be the workspace for one method only;
 * - it is a duplicate: both list a method by name, or both are for "*".
 */

const sendkit_route_t *sendkit_route_add(sendkit_route_node_t *root,
    sendkit_route_t *route, sendkit_route_node_t *nodes);

/*
 * Finds the route of a canonical path (sendkit_path.h) and a method, which
 * is one SENDKIT_METHOD_ bit.  The most specific template that matches wins:
 * segment by segment a literal beats {name}, and {name} beats "**".  The
 * method is looked at only in the template that won, where a method that is
 * listed by name beats "*".
 *
 * A path that equals a literal but for the case of its letters is not found:
 * a backend that ignores case would serve it as that route.  Nor is one whose
 * {workspaceId} is no workspace id.
 */

void sendkit_route_find(sendkit_route_match_t *match,
    const sendkit_route_node_t *root, unsigned method, sendkit_span_t path);

/* the bit of a request's method; SENDKIT_METHOD_OTHER for all unlisted ones */

unsigned sendkit_route_method(sendkit_span_t name);

/*
 * Writes the value of an Allow header (RFC 9110, section 10.2.1), at most
 * SENDKIT_ROUTE_ALLOW_MAX bytes, not NUL-terminated; returns their number.
 */

size_t sendkit_route_allow(unsigned methods, char *value);


#endif /* _SENDKIT_ROUTE_H_INCLUDED_ */
