
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* What the answer of an origin says of a key and of a role. */


#include "sendkit_answer.h"
#include "tap.h"


#define TEST_NIL  { NULL, 0 }


/* headers in the order type, user, workspace, expires, -, role */

typedef struct {
    const char         *name;
    unsigned            status;
    sendkit_span_t      values[SENDKIT_ANSWER_NHEADERS];
    const char         *workspace;      /* asked for */
    const char         *user;           /* known */
    sendkit_store_e     store;
    sendkit_record_e    state;
    sendkit_key_e       kind;
    sendkit_role_e      role;
} test_answer_t;


typedef struct {
    unsigned            status;
    sendkit_store_e     store;
} test_status_t;


static void test_answer(tap_t *tap, const test_answer_t *t);
static void test_headers(tap_t *tap);


static const test_answer_t  test_answers[] = {
    { "a user and a role", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_OWNER },

    { "a role of the workspace that was asked for", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"),
        TEST_NIL, TEST_NIL, SENDKIT_SPAN("admin") }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_ADMIN },

    { "a role of another workspace", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w2"),
        TEST_NIL, TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "a workspace where none was asked for", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"),
        TEST_NIL, TEST_NIL, SENDKIT_SPAN("owner") }, "", "",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "a role where no workspace was asked for", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "a user without a role", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, TEST_NIL }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "a role in other letters", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("Owner") }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "two roles in one header", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner, member") }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "the role of the user that is known", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("member") }, "w1", "u1",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_MEMBER },

    { "the role of another user than the one that is known", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u2"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "u1",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "a workspace key where the user is known", 200,
      { SENDKIT_SPAN("workspace"), TEST_NIL, SENDKIT_SPAN("w1"), TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "u1",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_FOUND, SENDKIT_KEY_WORKSPACE,
      SENDKIT_ROLE_NONE },

    { "a workspace key, which has no role", 200,
      { SENDKIT_SPAN("workspace"), TEST_NIL, SENDKIT_SPAN("w2"), TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_WORKSPACE,
      SENDKIT_ROLE_NONE },

    { "a key that expires", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("1790000000"), TEST_NIL, TEST_NIL }, "", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_FOUND, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "a time that is no number", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("never"), TEST_NIL, TEST_NIL }, "", "",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_MALFORMED, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "no type", 200,
      { TEST_NIL, SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL, TEST_NIL,
        SENDKIT_SPAN("owner") }, "w1", "",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_MALFORMED, SENDKIT_KEY_MALFORMED,
      SENDKIT_ROLE_NONE },

    { "a user of other letters", 200,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u 1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_MALFORMED, SENDKIT_KEY_PLATFORM,
      SENDKIT_ROLE_NONE },

    { "no header at all", 200,
      { TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL },
      "w1", "",
      SENDKIT_STORE_ERROR, SENDKIT_RECORD_ABSENT, SENDKIT_KEY_MALFORMED,
      SENDKIT_ROLE_NONE },

    { "a key that is not known, whatever its headers say", 404,
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL, SENDKIT_SPAN("owner") }, "w1", "",
      SENDKIT_STORE_OK, SENDKIT_RECORD_ABSENT, SENDKIT_KEY_MALFORMED,
      SENDKIT_ROLE_NONE }
};


/* the same good headers under each of these */

static const test_status_t  test_statuses[] = {
    { 0, SENDKIT_STORE_ERROR },
    { 201, SENDKIT_STORE_ERROR },
    { 204, SENDKIT_STORE_ERROR },
    { 206, SENDKIT_STORE_ERROR },
    { 302, SENDKIT_STORE_ERROR },
    { 304, SENDKIT_STORE_ERROR },
    { 401, SENDKIT_STORE_ERROR },
    { 403, SENDKIT_STORE_ERROR },
    { 410, SENDKIT_STORE_ERROR },
    { 429, SENDKIT_STORE_ERROR },
    { 500, SENDKIT_STORE_ERROR },
    { 502, SENDKIT_STORE_DOWN },
    { 503, SENDKIT_STORE_DOWN },
    { 504, SENDKIT_STORE_TIMEOUT },
    { 599, SENDKIT_STORE_ERROR }
};


int
main(void)
{
    size_t            i;
    tap_t             tap;
    sendkit_answer_t  answer;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_answers) / sizeof(test_answer_t); i++) {
        test_answer(&tap, &test_answers[i]);
    }

    for (i = 0; i < sizeof(test_statuses) / sizeof(test_status_t); i++) {
        memset(&answer, 0xff, sizeof(sendkit_answer_t));

        sendkit_answer_parse(&answer, test_statuses[i].status,
                             test_answers[0].values, SENDKIT_KEY_PLATFORM,
                             tap_text("w1"), tap_text(""));

        tap_number(&tap, answer.store, test_statuses[i].store,
                   "status %u is an outage", test_statuses[i].status);
        tap_number(&tap, answer.role, SENDKIT_ROLE_NONE,
                   "status %u gives no role", test_statuses[i].status);
    }

    test_headers(&tap);

    return tap_done(&tap);
}


static void
test_answer(tap_t *tap, const test_answer_t *t)
{
    sendkit_key_e     kind;
    sendkit_answer_t  answer;

    memset(&answer, 0xff, sizeof(sendkit_answer_t));

    kind = t->kind == SENDKIT_KEY_MALFORMED ? SENDKIT_KEY_PLATFORM : t->kind;

    sendkit_answer_parse(&answer, t->status, t->values, kind,
                         tap_text(t->workspace), tap_text(t->user));

    tap_number(tap, answer.store, t->store, "%s: the store", t->name);
    tap_number(tap, answer.record.state, t->state, "%s: the record", t->name);
    tap_number(tap, answer.record.kind, t->kind, "%s: the kind", t->name);
    tap_number(tap, answer.role, t->role, "%s: the role", t->name);

    if (t->status != 200) {
        return;
    }

    sendkit_answer_parse(&answer, t->status, t->values,
                         kind == SENDKIT_KEY_PLATFORM ? SENDKIT_KEY_WORKSPACE
                                                      : SENDKIT_KEY_PLATFORM,
                         tap_text(t->workspace), tap_text(t->user));

    tap_number(tap, answer.store, SENDKIT_STORE_ERROR,
               "%s: no answer for a key of another kind", t->name);
    tap_number(tap, answer.role, SENDKIT_ROLE_NONE,
               "%s: no role for a key of another kind", t->name);
}


static void
test_headers(tap_t *tap)
{
    tap_span(tap, sendkit_answer_headers[SENDKIT_ANSWER_TYPE],
             tap_text("x-sendkit-key-type"), "the header of the type");
    tap_span(tap, sendkit_answer_headers[SENDKIT_ANSWER_USER],
             tap_text("x-sendkit-user-id"), "the header of the user");
    tap_span(tap, sendkit_answer_headers[SENDKIT_ANSWER_WORKSPACE],
             tap_text("x-sendkit-workspace-id"),
             "the header of the workspace");
    tap_span(tap, sendkit_answer_headers[SENDKIT_ANSWER_EXPIRES],
             tap_text("x-sendkit-key-expires"), "the header of the time");
    tap_span(tap, sendkit_answer_headers[SENDKIT_ANSWER_ROLE],
             tap_text("x-sendkit-role"), "the header of the role");
    tap_number(tap, sendkit_answer_headers[SENDKIT_RECORD_STATUS].len, 0,
               "there is no header for the status of a key");
}
