
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_ROUTES_H_INCLUDED_
#define _AUTHCTL_ROUTES_H_INCLUDED_


#include <stddef.h>

#include "sendkit_route.h"
#include "sendkit_span.h"


/*
 * A routes file, as nginx reads it where it is included: the same lexical
 * rules, the same words, the same refusals.  Only sendkit_auth_route may stand
 * in it: what other directives mean, nginx alone knows.
 */

#define AUTHCTL_ROUTES_ERROR_MAX  1024


typedef struct {
    sendkit_route_t       *routes;
    size_t                *lines;   /* of the routes in the file, from 1 */
    size_t                 nroutes;

    sendkit_route_node_t   root;    /* of the tree of the routes */
    sendkit_route_node_t  *nodes;
    size_t                 nnodes;

    unsigned char         *text;    /* the bytes of the templates */
    char                   error[AUTHCTL_ROUTES_ERROR_MAX];
} authctl_routes_t;


/*
 * Each returns 1; or 0 with ->error set, one line without a newline that names
 * file, line and word.  In both cases the routes must be freed.
 *
 * name  of the file, for ->error
 */

int authctl_routes_read(authctl_routes_t *routes, const char *name);
int authctl_routes_parse(authctl_routes_t *routes, const char *name,
    sendkit_span_t text);

void authctl_routes_free(authctl_routes_t *routes);

/* the line in the file of one of the routes */

size_t authctl_routes_line(const authctl_routes_t *routes,
    const sendkit_route_t *route);


#endif /* _AUTHCTL_ROUTES_H_INCLUDED_ */
