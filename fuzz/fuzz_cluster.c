
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Whatever a server says of a cluster: what is read of it is part of it,
 * slots are below 16384, ports are none but 0, and reading comes to an end.
 */


#include "sendkit_cluster.h"
#include "fuzz.h"


static void fuzz_cluster_nodes(sendkit_span_t text);
static void fuzz_cluster_ranges(sendkit_span_t text);
static void fuzz_cluster_redirect(sendkit_span_t error);
static void fuzz_cluster_addr(sendkit_span_t text, sendkit_span_t host,
    uint16_t port);
static void fuzz_cluster_slot(sendkit_span_t key);
static void fuzz_cluster_inside(sendkit_span_t text, sendkit_span_t part);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t  input;

    input.data = data;
    input.len = size;

    fuzz_cluster_nodes(input);
    fuzz_cluster_ranges(input);
    fuzz_cluster_redirect(input);
    fuzz_cluster_slot(input);

    return 0;
}


static void
fuzz_cluster_nodes(sendkit_span_t text)
{
    int                     more;
    sendkit_span_t          left;
    sendkit_cluster_node_t  node;

    left = text;

    while ((more = sendkit_cluster_next_node(&left, &node)) == 1) {

        fuzz_cluster_inside(text, left);
        fuzz_cluster_inside(text, node.slots);
        fuzz_check(node.slots.len == 0
                   || memchr(node.slots.data, '\n', node.slots.len) == NULL);
        fuzz_cluster_ranges(node.slots);

        if (node.master) {
            fuzz_cluster_addr(text, node.host, node.port);
        }

        text = left;
    }

    fuzz_check(more == 0 ? left.len == 0 : more == -1);
}


static void
fuzz_cluster_ranges(sendkit_span_t text)
{
    int                      more;
    sendkit_span_t           left;
    sendkit_cluster_range_t  range;

    left = text;

    while ((more = sendkit_cluster_next_range(&left, &range)) == 1) {
        fuzz_check(range.first <= range.last);
        fuzz_check(range.last < SENDKIT_CLUSTER_SLOTS);

        fuzz_check(left.len < text.len);
        fuzz_cluster_inside(text, left);

        text = left;
    }

    fuzz_check(more == 0 ? left.len == 0 : more == -1);
}


/* it begins with its word, and names a slot and an address */

static void
fuzz_cluster_redirect(sendkit_span_t error)
{
    size_t              len;
    sendkit_redirect_e  kind;
    sendkit_redirect_t  redirect;

    kind = sendkit_redirect_parse(error, &redirect);

    if (kind == SENDKIT_REDIRECT_NONE) {
        return;
    }

    len = kind == SENDKIT_REDIRECT_MOVED ? strlen("MOVED ") : strlen("ASK ");

    fuzz_check(error.len > len
               && memcmp(error.data, kind == SENDKIT_REDIRECT_MOVED
                                     ? "MOVED " : "ASK ", len) == 0);
    fuzz_check(redirect.slot < SENDKIT_CLUSTER_SLOTS);
    fuzz_cluster_addr(error, redirect.host, redirect.port);
}


/* "host:port", and more behind it only where a node is read */

static void
fuzz_cluster_addr(sendkit_span_t text, sendkit_span_t host, uint16_t port)
{
    unsigned              n;
    const unsigned char  *p, *end;

    fuzz_check(port != 0);
    fuzz_cluster_inside(text, host);

    p = host.data + host.len;
    end = text.data + text.len;

    fuzz_check(p < end && *p == ':');

    for (n = 0, p++; p < end && *p >= '0' && *p <= '9'; p++) {
        n = n * 10 + (unsigned) (*p - '0');
    }

    fuzz_check(n == port);
}


/* a tag has the slot of its key, and what is around it has no part in it */

static void
fuzz_cluster_slot(sendkit_span_t key)
{
    size_t          i, open;
    sendkit_span_t  tag;

    fuzz_check(sendkit_cluster_slot(key) < SENDKIT_CLUSTER_SLOTS);

    for (open = 0; open < key.len && key.data[open] != '{'; open++) {
        /* void */
    }

    for (i = open + 1; i < key.len && key.data[i] != '}'; i++) { /* void */ }

    if (i >= key.len || i == open + 1) {
        return;
    }

    tag.data = key.data + open;
    tag.len = i - open + 1;

    fuzz_check(sendkit_cluster_slot(key) == sendkit_cluster_slot(tag));
}


static void
fuzz_cluster_inside(sendkit_span_t text, sendkit_span_t part)
{
    fuzz_check(part.data >= text.data
               && part.data + part.len <= text.data + text.len);
}
