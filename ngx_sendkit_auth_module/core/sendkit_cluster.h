
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_CLUSTER_H_INCLUDED_
#define _SENDKIT_CLUSTER_H_INCLUDED_


#include <stdint.h>

#include "sendkit_span.h"


/*
 * What a Redis Cluster says about where keys are ("Cluster specification"),
 * and how new that is: each change of masters has a greater epoch than those
 * before, with Sentinels, too.
 */

#define SENDKIT_CLUSTER_SLOTS  16384


/* The hash tag of a key, in it; without one the key ("Hash tags" there). */

sendkit_span_t sendkit_cluster_tag(sendkit_span_t key);

/* The slot of a key: of its hash tag, if it has one. */

uint16_t sendkit_cluster_slot(sendkit_span_t key);


/* "MOVED slot host:port", "ASK slot host:port"; host may be empty */

typedef enum {
    SENDKIT_REDIRECT_NONE = 0,
    SENDKIT_REDIRECT_MOVED,
    SENDKIT_REDIRECT_ASK
} sendkit_redirect_e;


typedef struct {
    uint16_t                 slot;
    sendkit_span_t           host;
    uint16_t                 port;
} sendkit_redirect_t;


/* NONE: the error is no redirect, or a malformed one */

sendkit_redirect_e sendkit_redirect_parse(sendkit_span_t error,
    sendkit_redirect_t *redirect);


/* a line of CLUSTER NODES */

typedef struct {
    sendkit_span_t           host;      /* empty: of the one that was asked */
    uint16_t                 port;
    int                      master;    /* 1: and it is there */
    int                      failing;   /* 1: it may not be */
    uint64_t                 epoch;
    sendkit_span_t           slots;
} sendkit_cluster_node_t;


typedef struct {
    uint16_t                 first;
    uint16_t                 last;
} sendkit_cluster_range_t;


/*
 * The next node of the reply, or the next range of the slots of a node; *text
 * is what is left of it.  Returns 1; 0 when there is none any more; -1 when it
 * is malformed.
 */

int sendkit_cluster_next_node(sendkit_span_t *text,
    sendkit_cluster_node_t *node);
int sendkit_cluster_next_range(sendkit_span_t *text,
    sendkit_cluster_range_t *range);

/*
 * The epoch of a master, of what a Sentinel says of it (SENTINEL MASTER): n
 * spans, names and values in turn.  Returns 1; 0: there is none.
 */

int sendkit_sentinel_epoch(const sendkit_span_t *fields, size_t n,
    uint64_t *epoch);


#endif /* _SENDKIT_CLUSTER_H_INCLUDED_ */
