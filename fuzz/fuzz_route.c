
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Routes against a plain matcher, written from their description: both pick
 * the same template.  Their order means nothing, and one that is added does
 * not touch a request that a more specific one takes.
 */


#include "sendkit_path.h"
#include "sendkit_route.h"
#include "fuzz.h"


#define FUZZ_ROUTES_MAX    8
#define FUZZ_SEGMENTS_MAX  24
#define FUZZ_NODES_MAX     ((FUZZ_ROUTES_MAX + 1) * FUZZ_SEGMENTS_MAX)
#define FUZZ_BYTES_MAX     2048
#define FUZZ_WORDS_MAX     5

#define FUZZ_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* ranks of a segment; they compare as the letters of a word do */

#define FUZZ_REST     1
#define FUZZ_NAME     2
#define FUZZ_FOLDED   3
#define FUZZ_LITERAL  4


/* a template or a path, in pieces */

typedef struct {
    size_t                n;
    sendkit_span_t        segments[FUZZ_SEGMENTS_MAX];
} fuzz_split_t;


/* how a template matches a path: the ranks of its segments; n == 0: not */

typedef struct {
    size_t                n;
    unsigned char         ranks[FUZZ_SEGMENTS_MAX];
} fuzz_rank_t;


typedef struct {
    size_t                n;
    sendkit_route_t       routes[FUZZ_ROUTES_MAX];
    sendkit_span_t        path;
    unsigned              method;
    size_t                used;
    unsigned char         bytes[FUZZ_BYTES_MAX];    /* of the templates */
} fuzz_case_t;


/* routes, and the tree of them */

typedef struct {
    size_t                n;
    sendkit_route_t       routes[FUZZ_ROUTES_MAX + 1];
    sendkit_route_node_t  root;
    sendkit_route_node_t  nodes[FUZZ_NODES_MAX];
    size_t                nnodes;
} fuzz_tree_t;


static void fuzz_route_build(fuzz_case_t *c, sendkit_span_t input);
static void fuzz_route_words(fuzz_case_t *c, sendkit_span_t *input);
static void fuzz_route_structured(fuzz_case_t *c, sendkit_span_t *input);
static sendkit_span_t fuzz_route_join(fuzz_case_t *c, sendkit_span_t *input,
    const char *const *alphabet, size_t nalphabet);
static void fuzz_route_add(fuzz_case_t *c, const sendkit_route_t *route);
static int fuzz_route_usable(const fuzz_case_t *c);

static void fuzz_tree_init(fuzz_tree_t *tree);
static const sendkit_route_t *fuzz_tree_add(fuzz_tree_t *tree,
    const sendkit_route_t *route);

static void fuzz_route_winner(const fuzz_case_t *c);
static void fuzz_route_order(const fuzz_case_t *c);
static void fuzz_route_added(const fuzz_case_t *c);
static void fuzz_route_check_found(const fuzz_case_t *c,
    const sendkit_route_match_t *match, const fuzz_rank_t *best);

static void fuzz_route_best(fuzz_rank_t *best, const fuzz_case_t *c,
    size_t without);
static void fuzz_route_rank(fuzz_rank_t *rank, sendkit_span_t template,
    sendkit_span_t path);
static unsigned char fuzz_route_segment(sendkit_span_t pattern,
    sendkit_span_t segment);
static int fuzz_route_compare(const fuzz_rank_t *a, const fuzz_rank_t *b);
static int fuzz_route_refuses(const sendkit_route_t *a,
    const sendkit_route_t *b);
static sendkit_span_t fuzz_route_workspace(sendkit_span_t template,
    sendkit_span_t path, int *present);
static int fuzz_route_is_id(sendkit_span_t id);
static void fuzz_route_split(fuzz_split_t *split, sendkit_span_t path);
static int fuzz_route_same(const sendkit_route_match_t *a,
    const sendkit_route_match_t *b);


static const char *const  fuzz_patterns[] = {
    "a", "b", "A", "aB", "{x}", "{y}", "{workspaceId}", "**", "", "@", "-"
};


static const char *const  fuzz_segments[] = {
    "a", "b", "A", "B", "aB", "ab", "w.1", "**", "", "@", "*", "`"
};

#define FUZZ_NPATTERNS  (sizeof(fuzz_patterns) / sizeof(fuzz_patterns[0]))
#define FUZZ_NSEGMENTS  (sizeof(fuzz_segments) / sizeof(fuzz_segments[0]))


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t       input;
    static fuzz_case_t   c;

    input.data = data;
    input.len = size;

    fuzz_route_build(&c, input);

    if (!fuzz_route_usable(&c)) {
        return 0;
    }

    fuzz_route_winner(&c);
    fuzz_route_order(&c);
    fuzz_route_added(&c);

    return 0;
}


/* one byte says which way; then come method, path and routes */

static void
fuzz_route_build(fuzz_case_t *c, sendkit_span_t input)
{
    unsigned  way;

    c->n = 0;
    c->used = 0;

    way = fuzz_byte(&input);

    c->method = 1u << fuzz_byte(&input) % 7;

    c->path = (way & 1) != 0 ? fuzz_take(&input, fuzz_byte(&input) % 64)
              : fuzz_route_join(c, &input, fuzz_segments, FUZZ_NSEGMENTS);

    while (input.len != 0 && c->n < FUZZ_ROUTES_MAX) {
        if ((way & 2) != 0) {
            fuzz_route_words(c, &input);

        } else {
            fuzz_route_structured(c, &input);
        }
    }
}


/* a line of words, as in a configuration file */

static void
fuzz_route_words(fuzz_case_t *c, sendkit_span_t *input)
{
    size_t                 n, bad;
    unsigned               byte;
    const char            *error;
    sendkit_span_t         words[FUZZ_WORDS_MAX];
    sendkit_route_t        route;
    const unsigned char   *start;

    n = 0;
    byte = ' ';

    while (input->len != 0 && byte != '\n' && n < FUZZ_WORDS_MAX) {
        start = input->data;

        do {
            byte = fuzz_byte(input);
        } while (byte != ' ' && byte != '\n' && input->len != 0);

        words[n].data = start;
        words[n].len = (size_t) (input->data - start)
                       - (byte == ' ' || byte == '\n');
        n++;
    }

    bad = FUZZ_WORDS_MAX;
    error = sendkit_route_parse(&route, words, n, &bad);

    if (error != NULL) {
        fuzz_check(n == 0 ? bad == 0 : bad < n);
        return;
    }

    fuzz_check(sendkit_span_equal(route.template, words[1]));
    fuzz_check(route.methods != 0
               && (route.methods & ~(unsigned) SENDKIT_METHOD_ANY) == 0);
    fuzz_check(route.keys != 0
               && (route.keys & ~(unsigned) SENDKIT_KEY_ANY) == 0);
    fuzz_check((route.roles & ~(unsigned) SENDKIT_ROLE_ANY) == 0);
    fuzz_check(route.roles == 0 || route.workspace != SENDKIT_WORKSPACE_NONE);

    fuzz_route_add(c, &route);
}


static void
fuzz_route_structured(fuzz_case_t *c, sendkit_span_t *input)
{
    size_t           bad, used;
    unsigned         methods;
    sendkit_span_t   words[2];
    sendkit_route_t  route;

    used = c->used;
    methods = fuzz_byte(input) & 0x7f;

    words[0] = fuzz_text("*");
    words[1] = fuzz_route_join(c, input, fuzz_patterns, FUZZ_NPATTERNS);

    if (sendkit_route_parse(&route, words, 2, &bad) != NULL) {
        c->used = used;
        return;
    }

    if ((methods & SENDKIT_METHOD_OTHER) == 0) {
        route.methods = methods != 0 ? methods : SENDKIT_METHOD_GET;
    }

    fuzz_route_add(c, &route);
}


/* a count of segments, then each of them by its number */

static sendkit_span_t
fuzz_route_join(fuzz_case_t *c, sendkit_span_t *input,
    const char *const *alphabet, size_t nalphabet)
{
    size_t          n;
    sendkit_span_t  joined, segment;

    joined.data = c->bytes + c->used;
    joined.len = 0;

    for (n = fuzz_byte(input) % 5 + 1; n != 0; n--) {
        segment = fuzz_text(alphabet[fuzz_byte(input) % nalphabet]);

        c->bytes[c->used++] = '/';
        memcpy(c->bytes + c->used, segment.data, segment.len);
        c->used += segment.len;
        joined.len += segment.len + 1;
    }

    return joined;
}


static void
fuzz_route_add(fuzz_case_t *c, const sendkit_route_t *route)
{
    int                  refused;
    size_t               i;
    fuzz_split_t         split;
    static fuzz_tree_t   tree;

    fuzz_route_split(&split, route->template);

    if (split.n == FUZZ_SEGMENTS_MAX) {
        return;
    }

    fuzz_check(split.n == route->nsegments);

    fuzz_tree_init(&tree);
    refused = 0;

    for (i = 0; i < c->n; i++) {
        fuzz_check(fuzz_tree_add(&tree, &c->routes[i]) == NULL);
        refused = refused || fuzz_route_refuses(&c->routes[i], route);
    }

    fuzz_check((fuzz_tree_add(&tree, route) != NULL) == refused);

    if (!refused) {
        c->routes[c->n++] = *route;
    }
}


/* a path that is looked for is canonical, and not too long here */

static int
fuzz_route_usable(const fuzz_case_t *c)
{
    fuzz_split_t  split;

    if (!sendkit_path_is_canonical(c->path, c->path)) {
        return 0;
    }

    fuzz_route_split(&split, c->path);

    return split.n != FUZZ_SEGMENTS_MAX;
}


static void
fuzz_tree_init(fuzz_tree_t *tree)
{
    tree->n = 0;
    tree->nnodes = 0;

    memset(&tree->root, 0, sizeof(sendkit_route_node_t));
    memset(tree->nodes, 0xff, sizeof(tree->nodes));
}


static const sendkit_route_t *
fuzz_tree_add(fuzz_tree_t *tree, const sendkit_route_t *route)
{
    sendkit_route_t       *added;
    sendkit_route_node_t  *nodes;

    added = &tree->routes[tree->n++];
    *added = *route;

    nodes = &tree->nodes[tree->nnodes];
    tree->nnodes += route->nsegments;

    return sendkit_route_add(&tree->root, added, nodes);
}


/* the plain matcher picks the same template */

static void
fuzz_route_winner(const fuzz_case_t *c)
{
    size_t                 i;
    fuzz_rank_t            best;
    static fuzz_tree_t     tree;
    sendkit_route_match_t  match;

    fuzz_tree_init(&tree);

    for (i = 0; i < c->n; i++) {
        (void) fuzz_tree_add(&tree, &c->routes[i]);
    }

    memset(&match, 0xff, sizeof(sendkit_route_match_t));
    sendkit_route_find(&match, &tree.root, c->method, c->path);

    fuzz_route_best(&best, c, c->n);

    if (best.n == 0 || memchr(best.ranks, FUZZ_FOLDED, best.n) != NULL) {
        fuzz_check(match.found == SENDKIT_ROUTE_NOT_FOUND);
        fuzz_check(match.route == NULL && match.workspace.len == 0);
        return;
    }

    fuzz_route_check_found(c, &match, &best);
}


static void
fuzz_route_check_found(const fuzz_case_t *c,
    const sendkit_route_match_t *match, const fuzz_rank_t *best)
{
    int                     present;
    size_t                  i, all, bad;
    unsigned                methods, named, any;
    fuzz_rank_t             rank;
    sendkit_span_t          workspace;
    const sendkit_route_t  *route;

    methods = 0;
    named = 0;
    any = 0;
    all = 0;
    bad = 0;

    for (i = 0; i < c->n; i++) {
        route = &c->routes[i];

        fuzz_route_rank(&rank, route->template, c->path);

        if (rank.n == 0 || fuzz_route_compare(&rank, best) != 0) {
            continue;
        }

        workspace = fuzz_route_workspace(route->template, c->path, &present);

        all++;
        bad += present && !fuzz_route_is_id(workspace);

        methods |= route->methods;

        if (route->methods == SENDKIT_METHOD_ANY) {
            any = 1;

        } else {
            named |= route->methods & c->method;
        }
    }

    if (match->found == SENDKIT_ROUTE_NOT_FOUND) {
        fuzz_check(bad != 0);
        fuzz_check(match->route == NULL);
        return;
    }

    fuzz_check(bad != all);
    fuzz_check(match->methods == methods);

    if (match->found == SENDKIT_ROUTE_NO_METHOD) {
        fuzz_check((methods & c->method) == 0 && match->route == NULL);
        return;
    }

    route = match->route;

    fuzz_check(named != 0 || any != 0);
    fuzz_check((route->methods & c->method) != 0);
    fuzz_check((route->methods != SENDKIT_METHOD_ANY) == (named != 0));

    fuzz_route_rank(&rank, route->template, c->path);
    fuzz_check(fuzz_route_compare(&rank, best) == 0);

    workspace = fuzz_route_workspace(route->template, c->path, &present);
    fuzz_check(sendkit_span_equal(match->workspace, workspace));
    fuzz_check(!present || fuzz_route_is_id(workspace));
}


/* backwards, and from each place on in a circle */

static void
fuzz_route_order(const fuzz_case_t *c)
{
    size_t                 i, from;
    static fuzz_tree_t     tree, turned;
    sendkit_route_match_t  match, other;

    fuzz_tree_init(&tree);
    fuzz_tree_init(&turned);

    for (i = 0; i < c->n; i++) {
        (void) fuzz_tree_add(&tree, &c->routes[i]);
        (void) fuzz_tree_add(&turned, &c->routes[c->n - 1 - i]);
    }

    sendkit_route_find(&match, &tree.root, c->method, c->path);
    sendkit_route_find(&other, &turned.root, c->method, c->path);

    fuzz_check(fuzz_route_same(&match, &other));

    for (from = 1; from < c->n; from++) {
        fuzz_tree_init(&turned);

        for (i = 0; i < c->n; i++) {
            (void) fuzz_tree_add(&turned, &c->routes[(from + i) % c->n]);
        }

        sendkit_route_find(&other, &turned.root, c->method, c->path);
        fuzz_check(fuzz_route_same(&match, &other));
    }
}


/* each route in turn is the one that was added last */

static void
fuzz_route_added(const fuzz_case_t *c)
{
    size_t                 i, k;
    fuzz_rank_t            best, rank;
    static fuzz_tree_t     tree;
    sendkit_route_match_t  before, after;

    for (i = 0; i < c->n; i++) {
        fuzz_route_best(&best, c, i);
        fuzz_route_rank(&rank, c->routes[i].template, c->path);

        if (rank.n != 0
            && (best.n == 0 || fuzz_route_compare(&rank, &best) >= 0))
        {
            continue;
        }

        fuzz_tree_init(&tree);

        for (k = 0; k < c->n; k++) {
            if (k != i) {
                (void) fuzz_tree_add(&tree, &c->routes[k]);
            }
        }

        sendkit_route_find(&before, &tree.root, c->method, c->path);

        (void) fuzz_tree_add(&tree, &c->routes[i]);

        sendkit_route_find(&after, &tree.root, c->method, c->path);

        fuzz_check(fuzz_route_same(&before, &after));
    }
}


/* the best rank of all routes but one; n == 0: none matches */

static void
fuzz_route_best(fuzz_rank_t *best, const fuzz_case_t *c, size_t without)
{
    size_t       i;
    fuzz_rank_t  rank;

    best->n = 0;

    for (i = 0; i < c->n; i++) {
        fuzz_route_rank(&rank, c->routes[i].template, c->path);

        if (i != without && rank.n != 0
            && (best->n == 0 || fuzz_route_compare(&rank, best) > 0))
        {
            *best = rank;
        }
    }
}


static void
fuzz_route_rank(fuzz_rank_t *rank, sendkit_span_t template,
    sendkit_span_t path)
{
    size_t        i, last;
    fuzz_split_t  patterns, segments;

    fuzz_route_split(&patterns, template);
    fuzz_route_split(&segments, path);

    rank->n = 0;
    last = patterns.n;

    if (sendkit_span_equal(patterns.segments[last - 1], fuzz_text("**"))) {

        if (segments.n < last) {
            return;
        }

        for (i = last - 1; i < segments.n; i++) {
            if (segments.segments[i].len == 0) {
                return;
            }
        }

        last--;
        rank->ranks[last] = FUZZ_REST;

    } else if (segments.n != last) {
        return;
    }

    for (i = 0; i < last; i++) {
        rank->ranks[i] = fuzz_route_segment(patterns.segments[i],
                                            segments.segments[i]);

        if (rank->ranks[i] == 0) {
            return;
        }
    }

    rank->n = patterns.n;
}


static unsigned char
fuzz_route_segment(sendkit_span_t pattern, sendkit_span_t segment)
{
    size_t         i;
    unsigned char  a, b, rank;

    if (pattern.len != 0 && pattern.data[0] == '{') {
        return segment.len != 0 ? FUZZ_NAME : 0;
    }

    if (pattern.len != segment.len) {
        return 0;
    }

    rank = FUZZ_LITERAL;

    for (i = 0; i < pattern.len; i++) {
        a = pattern.data[i];
        b = segment.data[i];

        if (a == b) {
            continue;
        }

        a = a >= 'A' && a <= 'Z' ? (unsigned char) (a - 'A' + 'a') : a;
        b = b >= 'A' && b <= 'Z' ? (unsigned char) (b - 'A' + 'a') : b;

        if (a != b) {
            return 0;
        }

        rank = FUZZ_FOLDED;
    }

    return rank;
}


static int
fuzz_route_compare(const fuzz_rank_t *a, const fuzz_rank_t *b)
{
    int     diff;
    size_t  n;

    n = a->n < b->n ? a->n : b->n;

    diff = memcmp(a->ranks, b->ranks, n);

    /* of two that match, the shorter ends with "**" where they differ */

    fuzz_check(diff != 0 || a->n == b->n);

    return diff;
}


/* can a configuration have only one of them? */

static int
fuzz_route_refuses(const sendkit_route_t *a, const sendkit_route_t *b)
{
    int           any_a, any_b;
    size_t        i;
    fuzz_split_t  one, two;

    fuzz_route_split(&one, a->template);
    fuzz_route_split(&two, b->template);

    if (one.n != two.n) {
        return 0;
    }

    for (i = 0; i < one.n; i++) {
        if (one.segments[i].len != 0 && one.segments[i].data[0] == '{'
            && two.segments[i].len != 0 && two.segments[i].data[0] == '{')
        {
            continue;
        }

        if (!sendkit_span_equal(one.segments[i], two.segments[i])) {
            return 0;
        }
    }

    any_a = a->methods == SENDKIT_METHOD_ANY;
    any_b = b->methods == SENDKIT_METHOD_ANY;

    return !sendkit_span_equal(a->template, b->template)
           || (any_a == any_b && (a->methods & b->methods) != 0);
}


/* what stands in a path where its template has {workspaceId} */

static sendkit_span_t
fuzz_route_workspace(sendkit_span_t template, sendkit_span_t path,
    int *present)
{
    size_t          i;
    fuzz_split_t    patterns, segments;
    sendkit_span_t  none = { NULL, 0 };

    fuzz_route_split(&patterns, template);
    fuzz_route_split(&segments, path);

    for (i = 0; i < patterns.n; i++) {
        if (sendkit_span_equal(patterns.segments[i],
                               fuzz_text("{workspaceId}")))
        {
            *present = 1;
            return segments.segments[i];
        }
    }

    *present = 0;

    return none;
}


static int
fuzz_route_is_id(sendkit_span_t id)
{
    return id.len >= 1 && id.len <= 64
           && fuzz_has_only(id, FUZZ_LETTERS "_-");
}


/* n == FUZZ_SEGMENTS_MAX: too many, perhaps */

static void
fuzz_route_split(fuzz_split_t *split, sendkit_span_t path)
{
    size_t           i;
    sendkit_span_t  *segment;

    split->n = 0;
    segment = NULL;

    for (i = 0; i < path.len; i++) {

        if (path.data[i] != '/') {
            segment->len++;
            continue;
        }

        if (split->n == FUZZ_SEGMENTS_MAX) {
            return;
        }

        segment = &split->segments[split->n++];
        segment->data = path.data + i + 1;
        segment->len = 0;
    }
}


static int
fuzz_route_same(const sendkit_route_match_t *a, const sendkit_route_match_t *b)
{
    if (a->found != b->found || a->methods != b->methods
        || !sendkit_span_equal(a->workspace, b->workspace))
    {
        return 0;
    }

    if (a->route == NULL || b->route == NULL) {
        return a->route == b->route;
    }

    return a->route->template.data == b->route->template.data
           && a->route->methods == b->route->methods
           && a->route->keys == b->route->keys
           && a->route->roles == b->route->roles
           && a->route->workspace == b->route->workspace;
}
