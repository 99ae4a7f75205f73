
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * The decision table on the full cross product of what can be known of a
 * request, against an oracle: the documented table written down once more,
 * row by row.  Whatever makes one combination answer otherwise fails here.
 */


#include "sendkit_decision.h"
#include "sendkit_error.h"
#include "tap.h"


#define TEST_NOW        1700000000
#define TEST_NRECORDS   27
#define TEST_NROLES     5
#define TEST_NSTORES    5
#define TEST_NRESULTS   (TEST_NRECORDS * TEST_NROLES * TEST_NSTORES)
#define TEST_DUMPS_MAX  10

/* masks of keys times: 8 of roles in a path, 8 by header, none at all */
#define TEST_NKEYS      4
#define TEST_NSCOPES    17
#define TEST_NROUTES    (2 + TEST_NKEYS * TEST_NSCOPES)


/* what one row of the table says */

typedef struct {
    unsigned               row;
    sendkit_need_e         need;
    sendkit_reason_e       reason;
    unsigned               status;      /* 0: forwarded, or not decided */
} test_answer_t;


/* one thing that can be known of a request: "count" ways to set it */

typedef struct {
    unsigned               count;
    void                 (*set)(sendkit_facts_t *facts, unsigned way);
} test_axis_t;


typedef struct {
    sendkit_need_e         need;
    sendkit_reason_e       reason;
} test_result_t;


/* what the traversal has found */

typedef struct {
    unsigned long          combinations;
    unsigned long          wrong;           /* not what the oracle says */
    unsigned long          wrong_status;
    unsigned long          wrong_forward;   /* forwards another reason */
    unsigned long          not_left;        /* a need with a reason */
    unsigned long          changed;         /* by what was learnt later */
    unsigned long          compared;
    unsigned long          reached[SENDKIT_NREASONS];
} test_count_t;


static test_answer_t test_oracle(const sendkit_facts_t *facts);
static test_answer_t test_oracle_request(const sendkit_facts_t *facts);
static test_answer_t test_oracle_record(const sendkit_facts_t *facts);
static test_answer_t test_oracle_workspace(const sendkit_facts_t *facts);
static test_answer_t test_oracle_role(const sendkit_facts_t *facts);
static test_answer_t test_oracle_store(const sendkit_facts_t *facts,
    sendkit_need_e need);
static test_answer_t test_oracle_row(unsigned row, sendkit_reason_e reason,
    unsigned status);

static void test_cross_product(tap_t *tap);
static void test_cross_store(test_count_t *count, sendkit_facts_t *facts);
static void test_combination(test_count_t *count,
    const sendkit_facts_t *facts, test_result_t *result);
static void test_monotonic(test_count_t *count, const test_result_t *results);
static void test_learn(test_count_t *count, const test_result_t *results,
    unsigned record, unsigned role);
static void test_dump(const sendkit_facts_t *facts, test_answer_t expected,
    test_result_t got);
static int test_axes_next(const test_axis_t *axes, size_t naxes,
    unsigned *ways, sendkit_facts_t *facts);
static void test_axes_start(const test_axis_t *axes, size_t naxes,
    unsigned *ways, sendkit_facts_t *facts);

static void test_set_canonical(sendkit_facts_t *facts, unsigned way);
static void test_set_preflight(sendkit_facts_t *facts, unsigned way);
static void test_set_route(sendkit_facts_t *facts, unsigned way);
static void test_set_path(sendkit_facts_t *facts, unsigned way);
static void test_set_asked(sendkit_facts_t *facts, unsigned way);
static void test_set_credential(sendkit_facts_t *facts, unsigned way);
static void test_set_key(sendkit_facts_t *facts, unsigned way);
static void test_set_record(sendkit_facts_t *facts, unsigned way);
static void test_set_role(sendkit_facts_t *facts, unsigned way);
static void test_set_store(sendkit_facts_t *facts, unsigned way);

static void test_closed(tap_t *tap);
static void test_scope(tap_t *tap);
static void test_reasons(tap_t *tap);
static sendkit_facts_t test_facts(const sendkit_route_t *route,
    sendkit_key_e key);
static int test_is_forwarded(const sendkit_facts_t *facts);


/* the last one changes fastest */

static const test_axis_t  test_request_axes[] = {
    { 2, test_set_canonical },
    { 2, test_set_preflight },
    { TEST_NROUTES, test_set_route },
    { 3, test_set_path },
    { 4, test_set_asked },
    { 3, test_set_credential },
    { 3, test_set_key }
};

#define TEST_NREQUEST_AXES                                                    \
    (sizeof(test_request_axes) / sizeof(test_axis_t))

/* way 0 of each: nothing learnt from the store, and nothing wrong with it */

static const test_axis_t  test_store_axes[] = {
    { TEST_NRECORDS, test_set_record },
    { TEST_NROLES, test_set_role },
    { TEST_NSTORES, test_set_store }
};

#define TEST_NSTORE_AXES  (sizeof(test_store_axes) / sizeof(test_axis_t))

static const sendkit_span_t  test_own = SENDKIT_SPAN("ws_own");
static const sendkit_span_t  test_other = SENDKIT_SPAN("ws_other");


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    test_closed(&tap);
    test_cross_product(&tap);
    test_scope(&tap);
    test_reasons(&tap);

    return tap_done(&tap);
}


/* the table of the HTTP contract */

static test_answer_t
test_oracle(const sendkit_facts_t *facts)
{
    test_answer_t  answer;

    answer = test_oracle_request(facts);

    if (answer.row == 0) {
        answer = test_oracle_record(facts);
    }

    if (answer.row == 0) {
        answer = test_oracle_workspace(facts);
    }

    if (answer.row == 0) {
        answer = test_oracle_role(facts);
    }

    if (answer.row == 0) {
        answer = test_oracle_row(12, SENDKIT_REASON_ALLOWED, 0);
    }

    return answer;
}


/* rows 1 to 6: nothing of them is read from the store */

static test_answer_t
test_oracle_request(const sendkit_facts_t *facts)
{
    if (!facts->canonical_path) {
        return test_oracle_row(1, SENDKIT_REASON_BAD_PATH, 400);
    }

    if (facts->preflight) {
        return test_oracle_row(2, SENDKIT_REASON_PREFLIGHT, 0);
    }

    if (facts->match.found == SENDKIT_ROUTE_NOT_FOUND) {
        return test_oracle_row(3, SENDKIT_REASON_NO_ROUTE, 404);
    }

    if (facts->match.found == SENDKIT_ROUTE_NO_METHOD) {
        return test_oracle_row(4, SENDKIT_REASON_METHOD, 405);
    }

    if (facts->credential == SENDKIT_CREDENTIAL_NONE) {
        return test_oracle_row(5, SENDKIT_REASON_NO_KEY, 401);
    }

    if (facts->credential == SENDKIT_CREDENTIAL_DUPLICATE) {
        return test_oracle_row(5, SENDKIT_REASON_DUPLICATE_KEY, 401);
    }

    if (facts->key == SENDKIT_KEY_MALFORMED) {
        return test_oracle_row(5, SENDKIT_REASON_BAD_KEY, 401);
    }

    if ((facts->key == SENDKIT_KEY_PLATFORM
         && (facts->match.route->keys & SENDKIT_KEY_PLATFORM) == 0)
        || (facts->key == SENDKIT_KEY_WORKSPACE
            && (facts->match.route->keys & SENDKIT_KEY_WORKSPACE) == 0))
    {
        return test_oracle_row(6, SENDKIT_REASON_KEY_KIND, 403);
    }

    return test_oracle_row(0, SENDKIT_REASON_UNDECIDED, 0);
}


/* row 7 */

static test_answer_t
test_oracle_record(const sendkit_facts_t *facts)
{
    const sendkit_record_t  *record;

    record = &facts->record;

    if (record->state == SENDKIT_RECORD_UNREAD) {
        return test_oracle_store(facts, SENDKIT_NEEDS_RECORD);
    }

    if (record->state == SENDKIT_RECORD_ABSENT) {
        return test_oracle_row(7, SENDKIT_REASON_UNKNOWN_KEY, 401);
    }

    if (record->state == SENDKIT_RECORD_MALFORMED) {
        return test_oracle_row(11, SENDKIT_REASON_STORE_ERROR, 503);
    }

    if (record->kind != facts->key) {
        return test_oracle_row(7, SENDKIT_REASON_UNKNOWN_KEY, 401);
    }

    if (record->expires != 0 && record->expires <= facts->now) {
        return test_oracle_row(7, SENDKIT_REASON_EXPIRED_KEY, 401);
    }

    if (!record->active) {
        return test_oracle_row(7, SENDKIT_REASON_INACTIVE_KEY, 401);
    }

    return test_oracle_row(0, SENDKIT_REASON_UNDECIDED, 0);
}


/* rows 8 and 9 */

static test_answer_t
test_oracle_workspace(const sendkit_facts_t *facts)
{
    sendkit_span_t       own;
    sendkit_workspace_e  source;

    own = sendkit_id_span(&facts->record.workspace);
    source = facts->match.route->workspace;

    if (source == SENDKIT_WORKSPACE_HEADER
        && facts->key == SENDKIT_KEY_PLATFORM
        && (facts->asked == SENDKIT_ASKED_NONE
            || facts->asked == SENDKIT_ASKED_MALFORMED))
    {
        return test_oracle_row(8, SENDKIT_REASON_NO_WORKSPACE, 400);
    }

    if (source == SENDKIT_WORKSPACE_PATH
        && facts->key == SENDKIT_KEY_WORKSPACE
        && !sendkit_span_equal(facts->match.workspace, own))
    {
        return test_oracle_row(9, SENDKIT_REASON_OTHER_WORKSPACE, 403);
    }

    if (source == SENDKIT_WORKSPACE_HEADER
        && facts->key == SENDKIT_KEY_WORKSPACE
        && facts->asked == SENDKIT_ASKED_MALFORMED)
    {
        return test_oracle_row(9, SENDKIT_REASON_OTHER_WORKSPACE, 403);
    }

    if (source == SENDKIT_WORKSPACE_HEADER
        && facts->key == SENDKIT_KEY_WORKSPACE
        && facts->asked == SENDKIT_ASKED_ONE
        && !sendkit_span_equal(sendkit_id_span(&facts->asked_workspace), own))
    {
        return test_oracle_row(9, SENDKIT_REASON_OTHER_WORKSPACE, 403);
    }

    return test_oracle_row(0, SENDKIT_REASON_UNDECIDED, 0);
}


/* row 10: the platform user's role */

static test_answer_t
test_oracle_role(const sendkit_facts_t *facts)
{
    unsigned  accepted;

    accepted = facts->match.route->roles;

    if (facts->key != SENDKIT_KEY_PLATFORM || accepted == 0) {
        return test_oracle_row(0, SENDKIT_REASON_UNDECIDED, 0);
    }

    if (facts->role_state == SENDKIT_ROLE_UNREAD) {
        return test_oracle_store(facts, SENDKIT_NEEDS_ROLE);
    }

    if ((facts->role == SENDKIT_ROLE_OWNER
         && (accepted & SENDKIT_ROLE_OWNER) != 0)
        || (facts->role == SENDKIT_ROLE_ADMIN
            && (accepted & SENDKIT_ROLE_ADMIN) != 0)
        || (facts->role == SENDKIT_ROLE_MEMBER
            && (accepted & SENDKIT_ROLE_MEMBER) != 0))
    {
        return test_oracle_row(0, SENDKIT_REASON_UNDECIDED, 0);
    }

    return test_oracle_row(10, SENDKIT_REASON_ROLE, 403);
}


/* row 11: something has to be read */

static test_answer_t
test_oracle_store(const sendkit_facts_t *facts, sendkit_need_e need)
{
    test_answer_t  answer;

    switch (facts->store) {

    case SENDKIT_STORE_TIMEOUT:
        return test_oracle_row(11, SENDKIT_REASON_STORE_TIMEOUT, 503);

    case SENDKIT_STORE_DOWN:
        return test_oracle_row(11, SENDKIT_REASON_STORE_DOWN, 503);

    case SENDKIT_STORE_ERROR:
        return test_oracle_row(11, SENDKIT_REASON_STORE_ERROR, 503);

    case SENDKIT_STORE_OVERLOAD:
        return test_oracle_row(11, SENDKIT_REASON_OVERLOAD, 503);

    case SENDKIT_STORE_OK:
        break;
    }

    answer = test_oracle_row(11, SENDKIT_REASON_UNDECIDED, 0);
    answer.need = need;

    return answer;
}


static test_answer_t
test_oracle_row(unsigned row, sendkit_reason_e reason, unsigned status)
{
    test_answer_t  answer;

    answer.row = row;
    answer.need = SENDKIT_DECIDED;
    answer.reason = reason;
    answer.status = status;

    return answer;
}


static void
test_cross_product(tap_t *tap)
{
    size_t           i;
    unsigned         ways[TEST_NREQUEST_AXES];
    unsigned         unreached;
    test_count_t     count;
    sendkit_facts_t  facts;

    memset(&count, 0, sizeof(test_count_t));
    memset(&facts, 0, sizeof(sendkit_facts_t));

    facts.now = TEST_NOW;

    test_axes_start(test_request_axes, TEST_NREQUEST_AXES, ways, &facts);

    do {

        /* a route that takes the workspace from the path has one there */

        if (facts.match.found == SENDKIT_ROUTE_FOUND
            && facts.match.route->workspace == SENDKIT_WORKSPACE_PATH
            && facts.match.workspace.len == 0)
        {
            continue;
        }

        test_cross_store(&count, &facts);

    } while (test_axes_next(test_request_axes, TEST_NREQUEST_AXES, ways,
                            &facts));

    unreached = 0;

    for (i = 0; i < SENDKIT_NREASONS; i++) {
        unreached += count.reached[i] == 0 && i != SENDKIT_REASON_SUBREQUEST;
    }

    tap_number(tap, (long long) count.wrong, 0,
               "the table decides each combination of facts");
    tap_number(tap, (long long) count.wrong_status, 0,
               "each reason is answered with the status of its row");
    tap_number(tap, (long long) count.wrong_forward, 0,
               "only \"allowed\" and \"preflight\" are forwarded");
    tap_number(tap, (long long) count.not_left, 0,
               "what is needed first leaves the reason undecided");
    tap_number(tap, (long long) count.changed, 0,
               "a decision stays when more is learnt from the store");
    tap_number(tap, unreached, 0, "each reason of the table is reached");

    printf("# %lu combinations of facts\n", count.combinations);
    printf("# %lu pairs of one decision and more facts\n", count.compared);
}


/* all that the store can say to one request */

static void
test_cross_store(test_count_t *count, sendkit_facts_t *facts)
{
    size_t         i;
    unsigned       ways[TEST_NSTORE_AXES];
    test_result_t  results[TEST_NRESULTS];

    test_axes_start(test_store_axes, TEST_NSTORE_AXES, ways, facts);

    i = 0;

    do {
        test_combination(count, facts, &results[i++]);

    } while (test_axes_next(test_store_axes, TEST_NSTORE_AXES, ways, facts));

    test_monotonic(count, results);
}


static void
test_combination(test_count_t *count, const sendkit_facts_t *facts,
    test_result_t *result)
{
    int            forwards;
    test_answer_t  expected;

    expected = test_oracle(facts);

    /* who forgets to set the reason must not be lucky */

    result->reason = SENDKIT_REASON_ALLOWED;
    result->need = sendkit_decision(facts, &result->reason);

    count->combinations++;
    count->reached[result->reason]++;

    if (result->need != expected.need || result->reason != expected.reason) {

        if (++count->wrong <= TEST_DUMPS_MAX) {
            test_dump(facts, expected, *result);
        }
    }

    if (result->need != SENDKIT_DECIDED) {
        count->not_left += result->reason != SENDKIT_REASON_UNDECIDED;
        return;
    }

    forwards = result->reason == SENDKIT_REASON_ALLOWED
               || result->reason == SENDKIT_REASON_PREFLIGHT;

    count->wrong_forward += sendkit_reason_forwards(result->reason)
                            != forwards;
    count->wrong_status += !forwards && expected.status
                           != sendkit_error_status(result->reason);
}


/*
 * One request, from each state of knowledge with the store in order to each
 * that knows more.  What was decided because the store had failed is out of
 * question here: nothing is read after it.
 */

static void
test_monotonic(test_count_t *count, const test_result_t *results)
{
    unsigned              record, role;
    const test_result_t  *before;

    for (record = 0; record < TEST_NRECORDS; record++) {
        for (role = 0; role < TEST_NROLES; role++) {

            before = &results[(record * TEST_NROLES + role) * TEST_NSTORES];

            if (before->need == SENDKIT_DECIDED) {
                test_learn(count, results, record, role);
            }
        }
    }
}


static void
test_learn(test_count_t *count, const test_result_t *results, unsigned record,
    unsigned role)
{
    unsigned              i, j, k, last_record, last_role;
    const test_result_t  *before, *after;

    before = &results[(record * TEST_NROLES + role) * TEST_NSTORES];

    /* 0 is not known yet, and can become anything */

    last_record = record == 0 ? TEST_NRECORDS - 1 : record;
    last_role = role == 0 ? TEST_NROLES - 1 : role;

    for (i = record; i <= last_record; i++) {
        for (j = role; j <= last_role; j++) {

            after = &results[(i * TEST_NROLES + j) * TEST_NSTORES];

            for (k = 0; k < TEST_NSTORES; k++) {
                count->compared++;
                count->changed += after[k].need != SENDKIT_DECIDED
                                  || after[k].reason != before->reason;
            }
        }
    }
}


static void
test_dump(const sendkit_facts_t *facts, test_answer_t expected,
    test_result_t got)
{
    const sendkit_route_t  *route;

    route = facts->match.route;

    printf("# row %u: need %d reason %d, got need %d reason %d:",
           expected.row, expected.need, expected.reason, got.need,
           got.reason);
    printf(" canonical %d, preflight %d, found %d",
           facts->canonical_path, facts->preflight, facts->match.found);

    if (route != NULL) {
        printf(" (keys %u roles %u workspace %d)", route->keys, route->roles,
               route->workspace);
    }

    printf(", path \"%.*s\", asked %d \"%.*s\", credential %d, key %d",
           (int) facts->match.workspace.len,
           (const char *) facts->match.workspace.data, facts->asked,
           facts->asked_workspace.len,
           (const char *) facts->asked_workspace.data, facts->credential,
           facts->key);
    printf(", record %d (kind %d active %d expires %+d)",
           facts->record.state, facts->record.kind, facts->record.active,
           facts->record.expires == 0 ? 0
           : (int) (facts->record.expires - facts->now));
    printf(", role %d %d, store %d\n", facts->role_state, facts->role,
           facts->store);
}


static void
test_axes_start(const test_axis_t *axes, size_t naxes, unsigned *ways,
    sendkit_facts_t *facts)
{
    size_t  i;

    for (i = 0; i < naxes; i++) {
        ways[i] = 0;
        axes[i].set(facts, 0);
    }
}


/* goes on to the next combination; 0: that was the last */

static int
test_axes_next(const test_axis_t *axes, size_t naxes, unsigned *ways,
    sendkit_facts_t *facts)
{
    size_t  i;

    for (i = naxes; i-- != 0; /* void */ ) {

        if (++ways[i] < axes[i].count) {
            axes[i].set(facts, ways[i]);
            return 1;
        }

        ways[i] = 0;
        axes[i].set(facts, 0);
    }

    return 0;
}


static void
test_set_canonical(sendkit_facts_t *facts, unsigned way)
{
    facts->canonical_path = (int) way;
}


static void
test_set_preflight(sendkit_facts_t *facts, unsigned way)
{
    facts->preflight = (int) way;
}


static void
test_set_route(sendkit_facts_t *facts, unsigned way)
{
    unsigned                scope;
    static sendkit_route_t  route;

    memset(&route, 0, sizeof(sendkit_route_t));

    facts->match.route = NULL;
    facts->match.methods = SENDKIT_METHOD_GET;

    if (way < 2) {
        facts->match.found = way == 0 ? SENDKIT_ROUTE_NOT_FOUND
                                      : SENDKIT_ROUTE_NO_METHOD;
        return;
    }

    scope = (way - 2) % TEST_NSCOPES;

    route.methods = SENDKIT_METHOD_GET;
    route.keys = (way - 2) / TEST_NSCOPES;
    route.roles = scope < 16 ? scope % 8 : 0;
    route.workspace = scope < 8 ? SENDKIT_WORKSPACE_PATH
                      : scope < 16 ? SENDKIT_WORKSPACE_HEADER
                      : SENDKIT_WORKSPACE_NONE;

    facts->match.found = SENDKIT_ROUTE_FOUND;
    facts->match.route = &route;
}


static void
test_set_path(sendkit_facts_t *facts, unsigned way)
{
    static const sendkit_span_t  none = { NULL, 0 };

    facts->match.workspace = way == 0 ? none
                             : way == 1 ? test_own : test_other;
}


static void
test_set_asked(sendkit_facts_t *facts, unsigned way)
{
    memset(&facts->asked_workspace, 0, sizeof(sendkit_id_t));

    facts->asked = SENDKIT_ASKED_NONE;

    if (way == 1) {
        facts->asked = SENDKIT_ASKED_MALFORMED;

    } else if (way != 0) {
        facts->asked = SENDKIT_ASKED_ONE;
        (void) sendkit_id_set_workspace(&facts->asked_workspace,
                                        way == 2 ? test_own : test_other);
    }
}


static void
test_set_credential(sendkit_facts_t *facts, unsigned way)
{
    static const sendkit_credential_e  credentials[] = {
        SENDKIT_CREDENTIAL_NONE,
        SENDKIT_CREDENTIAL_DUPLICATE,
        SENDKIT_CREDENTIAL_ONE
    };

    facts->credential = credentials[way];
}


static void
test_set_key(sendkit_facts_t *facts, unsigned way)
{
    static const sendkit_key_e  keys[] = {
        SENDKIT_KEY_MALFORMED,
        SENDKIT_KEY_PLATFORM,
        SENDKIT_KEY_WORKSPACE
    };

    facts->key = keys[way];
}


/* unread, absent, malformed, and 3 kinds x 4 times x active or not */

static void
test_set_record(sendkit_facts_t *facts, unsigned way)
{
    sendkit_record_t            *record;
    static const int64_t         expires[] = {
        0, TEST_NOW - 1, TEST_NOW, TEST_NOW + 1
    };
    static const sendkit_key_e   kinds[] = {
        SENDKIT_KEY_MALFORMED, SENDKIT_KEY_PLATFORM, SENDKIT_KEY_WORKSPACE
    };
    static const sendkit_span_t  user = SENDKIT_SPAN("user_1");

    record = &facts->record;

    memset(record, 0, sizeof(sendkit_record_t));

    if (way < 3) {
        record->state = way == 0 ? SENDKIT_RECORD_UNREAD
                        : way == 1 ? SENDKIT_RECORD_ABSENT
                        : SENDKIT_RECORD_MALFORMED;
        return;
    }

    way -= 3;

    record->state = SENDKIT_RECORD_FOUND;
    record->kind = kinds[way % 3];
    record->expires = expires[way / 3 % 4];
    record->active = way / 12 == 0;

    if (record->kind == SENDKIT_KEY_PLATFORM) {
        (void) sendkit_id_set_user(&record->user, user);
    }

    if (record->kind == SENDKIT_KEY_WORKSPACE) {
        (void) sendkit_id_set_workspace(&record->workspace, test_own);
    }
}


static void
test_set_role(sendkit_facts_t *facts, unsigned way)
{
    static const sendkit_role_e  roles[] = {
        SENDKIT_ROLE_NONE,
        SENDKIT_ROLE_NONE,
        SENDKIT_ROLE_OWNER,
        SENDKIT_ROLE_ADMIN,
        SENDKIT_ROLE_MEMBER
    };

    facts->role_state = way == 0 ? SENDKIT_ROLE_UNREAD : SENDKIT_ROLE_READ;
    facts->role = roles[way];
}


static void
test_set_store(sendkit_facts_t *facts, unsigned way)
{
    static const sendkit_store_e  stores[] = {
        SENDKIT_STORE_OK,
        SENDKIT_STORE_TIMEOUT,
        SENDKIT_STORE_DOWN,
        SENDKIT_STORE_ERROR,
        SENDKIT_STORE_OVERLOAD
    };

    facts->store = stores[way];
}


/* what nobody has filled in, or filled in with nonsense */

static void
test_closed(tap_t *tap)
{
    sendkit_facts_t  facts;
    sendkit_route_t  route;

    memset(&facts, 0, sizeof(sendkit_facts_t));
    tap_ok(tap, !test_is_forwarded(&facts), "cleared facts are refused");

    facts.canonical_path = 1;
    tap_ok(tap, !test_is_forwarded(&facts),
           "cleared facts with a canonical path are refused");

    memset(&route, 0, sizeof(sendkit_route_t));

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    tap_ok(tap, !test_is_forwarded(&facts), "a cleared route is refused");

    route.keys = SENDKIT_KEY_ANY;

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    tap_ok(tap, test_is_forwarded(&facts),
           "a key without fault on a route without roles is forwarded");

    facts.credential = (sendkit_credential_e) 99;
    tap_ok(tap, !test_is_forwarded(&facts),
           "an unknown state of the credential is refused");

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    facts.record.state = (sendkit_record_e) 99;
    tap_ok(tap, !test_is_forwarded(&facts),
           "an unknown state of the record is refused");

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    facts.record.state = SENDKIT_RECORD_UNREAD;
    facts.store = (sendkit_store_e) 99;
    tap_ok(tap, !test_is_forwarded(&facts),
           "an unknown state of the store is refused");

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    facts.match.found = (sendkit_route_e) 99;
    tap_ok(tap, !test_is_forwarded(&facts),
           "an unknown outcome of the route is refused");

    route.workspace = SENDKIT_WORKSPACE_HEADER;
    route.roles = SENDKIT_ROLE_ANY;

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    facts.role_state = SENDKIT_ROLE_UNREAD;
    facts.role = SENDKIT_ROLE_OWNER;
    tap_ok(tap, !test_is_forwarded(&facts),
           "a role that was not read is refused");

    facts = test_facts(&route, SENDKIT_KEY_WORKSPACE);
    memset(&facts.record.workspace, 0, sizeof(sendkit_id_t));
    memset(&facts.asked_workspace, 0, sizeof(sendkit_id_t));
    tap_ok(tap, !test_is_forwarded(&facts),
           "a workspace key of no workspace does not match an empty id");

    route.workspace = SENDKIT_WORKSPACE_PATH;

    facts = test_facts(&route, SENDKIT_KEY_WORKSPACE);
    memset(&facts.record.workspace, 0, sizeof(sendkit_id_t));
    facts.match.workspace.len = 0;
    tap_ok(tap, !test_is_forwarded(&facts),
           "a workspace key of no workspace does not match an empty segment");
}


/* facts that would be forwarded */

static sendkit_facts_t
test_facts(const sendkit_route_t *route, sendkit_key_e key)
{
    sendkit_facts_t  facts;

    memset(&facts, 0, sizeof(sendkit_facts_t));

    facts.canonical_path = 1;
    facts.match.found = SENDKIT_ROUTE_FOUND;
    facts.match.route = route;
    facts.match.workspace = test_own;
    facts.credential = SENDKIT_CREDENTIAL_ONE;
    facts.key = key;
    facts.asked = SENDKIT_ASKED_ONE;
    (void) sendkit_id_set_workspace(&facts.asked_workspace, test_own);
    facts.now = TEST_NOW;
    facts.record.state = SENDKIT_RECORD_FOUND;
    facts.record.kind = key;
    facts.record.active = 1;
    (void) sendkit_id_set_user(&facts.record.user, tap_text("user_1"));
    (void) sendkit_id_set_workspace(&facts.record.workspace, test_own);
    facts.role_state = SENDKIT_ROLE_READ;
    facts.role = SENDKIT_ROLE_OWNER;

    return facts;
}


static int
test_is_forwarded(const sendkit_facts_t *facts)
{
    sendkit_need_e    need;
    sendkit_reason_e  reason;

    reason = SENDKIT_REASON_ALLOWED;
    need = sendkit_decision(facts, &reason);

    return sendkit_reason_forwards(reason)
           || (need == SENDKIT_DECIDED && reason == SENDKIT_REASON_UNDECIDED);
}


static void
test_scope(tap_t *tap)
{
    sendkit_facts_t  facts;
    sendkit_route_t  route;

    memset(&facts, 0, sizeof(sendkit_facts_t));
    tap_number(tap, (long long) sendkit_decision_scope(&facts).len, 0,
               "cleared facts name no workspace");

    memset(&route, 0, sizeof(sendkit_route_t));

    route.keys = SENDKIT_KEY_ANY;
    route.roles = SENDKIT_ROLE_ANY;
    route.workspace = SENDKIT_WORKSPACE_PATH;

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    facts.match.workspace = test_other;
    tap_span(tap, sendkit_decision_scope(&facts), test_other,
             "workspace=path names the one in the path, not in the header");
    tap_ok(tap, sendkit_decision_scope_is_checked(&facts),
           "a role that was seen checks the workspace of the path");

    facts = test_facts(&route, SENDKIT_KEY_WORKSPACE);
    tap_span(tap, sendkit_decision_scope(&facts), test_own,
             "workspace=path names the path's workspace with its own key");
    tap_ok(tap, sendkit_decision_scope_is_checked(&facts),
           "a workspace's own key checks the workspace of the path");

    route.workspace = SENDKIT_WORKSPACE_HEADER;

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    facts.match.workspace = test_other;
    tap_span(tap, sendkit_decision_scope(&facts), test_own,
             "workspace=header names the one in the header, not in the path");
    tap_ok(tap, sendkit_decision_scope_is_checked(&facts),
           "a role that was seen checks the workspace of the header");

    facts = test_facts(&route, SENDKIT_KEY_WORKSPACE);
    facts.asked = SENDKIT_ASKED_NONE;
    facts.asked_workspace.len = 0;
    tap_span(tap, sendkit_decision_scope(&facts), test_own,
             "a workspace key without a header names its own workspace");
    tap_ok(tap, sendkit_decision_scope_is_checked(&facts),
           "a workspace key without a header checks its own workspace");

    facts.record.state = SENDKIT_RECORD_UNREAD;
    facts.record.workspace.len = 0;
    tap_number(tap, (long long) sendkit_decision_scope(&facts).len, 0,
               "a workspace key names its workspace only after its record");

    route.roles = 0;

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    tap_span(tap, sendkit_decision_scope(&facts), test_own,
             "a route without roles still names the workspace asked for");
    tap_ok(tap, !sendkit_decision_scope_is_checked(&facts),
           "a workspace without a role that was seen is not checked");

    route.workspace = SENDKIT_WORKSPACE_NONE;

    facts = test_facts(&route, SENDKIT_KEY_PLATFORM);
    tap_number(tap, (long long) sendkit_decision_scope(&facts).len, 0,
               "workspace=none names none with a platform key");
    tap_ok(tap, !sendkit_decision_scope_is_checked(&facts),
           "workspace=none has nothing to check with a platform key");
}


static void
test_reasons(tap_t *tap)
{
    int              different;
    size_t           i, n;
    sendkit_span_t   name;
    static const struct {
        sendkit_reason_e   reason;
        const char        *name;
    } reasons[] = {
        { SENDKIT_REASON_ALLOWED, "allowed" },
        { SENDKIT_REASON_PREFLIGHT, "preflight" },
        { SENDKIT_REASON_BAD_PATH, "bad_path" },
        { SENDKIT_REASON_NO_ROUTE, "no_route" },
        { SENDKIT_REASON_METHOD, "method" },
        { SENDKIT_REASON_NO_KEY, "no_key" },
        { SENDKIT_REASON_DUPLICATE_KEY, "duplicate_key" },
        { SENDKIT_REASON_BAD_KEY, "bad_key" },
        { SENDKIT_REASON_KEY_KIND, "key_kind" },
        { SENDKIT_REASON_UNKNOWN_KEY, "unknown_key" },
        { SENDKIT_REASON_EXPIRED_KEY, "expired_key" },
        { SENDKIT_REASON_INACTIVE_KEY, "inactive_key" },
        { SENDKIT_REASON_NO_WORKSPACE, "no_workspace" },
        { SENDKIT_REASON_OTHER_WORKSPACE, "other_workspace" },
        { SENDKIT_REASON_ROLE, "role" },
        { SENDKIT_REASON_STORE_TIMEOUT, "store_timeout" },
        { SENDKIT_REASON_STORE_DOWN, "store_down" },
        { SENDKIT_REASON_STORE_ERROR, "store_error" },
        { SENDKIT_REASON_OVERLOAD, "overload" }
    };

    n = sizeof(reasons) / sizeof(reasons[0]);

    for (i = 0; i < n; i++) {
        tap_span(tap, sendkit_reason_name(reasons[i].reason),
                 tap_text(reasons[i].name), "\"%s\" is the word of its reason",
                 reasons[i].name);
    }

    different = 1;

    for (i = 1; i < SENDKIT_NREASONS; i++) {
        name = sendkit_reason_name((sendkit_reason_e) i);

        different = different && name.len != 0
                    && !sendkit_span_equal(name, sendkit_reason_name(
                                               (sendkit_reason_e) (i - 1)));
    }

    tap_ok(tap, different, "each reason has a word of its own");

    tap_ok(tap, !sendkit_reason_forwards(SENDKIT_REASON_UNDECIDED)
                && !sendkit_reason_forwards(SENDKIT_REASON_SUBREQUEST)
                && !sendkit_reason_forwards((sendkit_reason_e)
                                            SENDKIT_NREASONS),
           "no decision, a subrequest and an unknown reason do not forward");
}
