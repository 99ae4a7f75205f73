
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* What the five fields of a key's record in Redis say. */


#include "sendkit_record.h"
#include "tap.h"


#define TEST_NIL  { NULL, 0 }
#define TEST_32   "0123456789abcdef0123456789abcdef"
#define TEST_64   TEST_32 TEST_32


/* the values, in the order type, user, workspace, expires, status */

typedef struct {
    const char         *name;
    sendkit_span_t      values[SENDKIT_RECORD_NFIELDS];
    sendkit_record_e    state;
    int                 active;
    int64_t             expires;
} test_record_t;


static void test_record(tap_t *tap, const test_record_t *t);
static void test_owner(tap_t *tap, const test_record_t *t,
    const sendkit_record_t *record);
static void test_fields(tap_t *tap);


static const test_record_t  test_records[] = {
    { "a record of five nils",
      { TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_ABSENT, 0, 0 },

    { "the least record of a platform key",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 0 },

    { "the least record of a workspace key",
      { SENDKIT_SPAN("workspace"), TEST_NIL, SENDKIT_SPAN("w1"), TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 0 },

    { "a record with all fields",
      { SENDKIT_SPAN("workspace"), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"),
        SENDKIT_SPAN("1700000000"), SENDKIT_SPAN("active") },
      SENDKIT_RECORD_FOUND, 1, 1700000000 },

    { "a platform record with an odd workspace",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("a.b:c@d-e_f"),
        SENDKIT_SPAN("not an id"), TEST_NIL, SENDKIT_SPAN("active") },
      SENDKIT_RECORD_FOUND, 1, 0 },

    { "a workspace record with an odd user",
      { SENDKIT_SPAN("workspace"), SENDKIT_SPAN("not an id"),
        SENDKIT_SPAN("w1"), TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 0 },

    { "a record with ids of 64 bytes",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN(TEST_64), TEST_NIL, TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 0 },

    { "a status \"suspended\"",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        SENDKIT_SPAN("suspended") },
      SENDKIT_RECORD_FOUND, 0, 0 },

    { "an empty status",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        SENDKIT_SPAN("") },
      SENDKIT_RECORD_FOUND, 0, 0 },

    { "a status \"Active\"",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        SENDKIT_SPAN("Active") },
      SENDKIT_RECORD_FOUND, 0, 0 },

    { "a status \"inactive\"",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        SENDKIT_SPAN("inactive") },
      SENDKIT_RECORD_FOUND, 0, 0 },

    { "a status \"active \"",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        SENDKIT_SPAN("active ") },
      SENDKIT_RECORD_FOUND, 0, 0 },

    { "an expiry of 15 digits",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("999999999999999"), TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 999999999999999 },

    { "an expiry with zeros before it",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("0001700000000"), TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 1700000000 },

    { "an expiry \"0\", long gone",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("0"), TEST_NIL },
      SENDKIT_RECORD_FOUND, 1, 1 },

    { "an expiry of 16 digits",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("9999999999999999"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an empty expiry",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN(""), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a negative expiry",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("-1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an expiry with a sign",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("+1700000000"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an expiry with a fraction",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("1700000000.5"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an expiry before a space",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("1700000000 "), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an expiry \"never\"",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1"), TEST_NIL,
        SENDKIT_SPAN("never"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a record without a type",
      { TEST_NIL, SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"), TEST_NIL,
        SENDKIT_SPAN("active") },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a record with nothing but a status",
      { TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL, SENDKIT_SPAN("active") },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a record with nothing but an empty status",
      { TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL, SENDKIT_SPAN("") },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an empty type",
      { SENDKIT_SPAN(""), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"), TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "an unknown type",
      { SENDKIT_SPAN("root"), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"), TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a type \"Platform\"",
      { SENDKIT_SPAN("Platform"), SENDKIT_SPAN("u1"), SENDKIT_SPAN("w1"),
        TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a platform record without a user",
      { SENDKIT_SPAN("platform"), TEST_NIL, SENDKIT_SPAN("w1"), TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a platform record with an empty user",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN(""), TEST_NIL, TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a platform record with CR LF in its user",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN("u1\r\nX-Role: owner"),
        TEST_NIL, TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a platform record with a user of 65 bytes",
      { SENDKIT_SPAN("platform"), SENDKIT_SPAN(TEST_64 "0"), TEST_NIL,
        TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a workspace record without a workspace",
      { SENDKIT_SPAN("workspace"), SENDKIT_SPAN("u1"), TEST_NIL, TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 },

    { "a workspace record with a user's id for a workspace",
      { SENDKIT_SPAN("workspace"), TEST_NIL, SENDKIT_SPAN("a.b@c"), TEST_NIL,
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, 0, 0 }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    test_fields(&tap);

    for (i = 0; i < sizeof(test_records) / sizeof(test_record_t); i++) {
        test_record(&tap, &test_records[i]);
    }

    return tap_done(&tap);
}


static void
test_record(tap_t *tap, const test_record_t *t)
{
    sendkit_record_t    record;
    static const char  *states[] = {
        "unread", "absent", "malformed", "found"
    };

    /* what is left of another record must not show */

    memset(&record, 0x01, sizeof(sendkit_record_t));

    sendkit_record_parse(&record, t->values);

    tap_number(tap, record.state, t->state, "%s is %s", t->name,
               states[t->state]);

    if (t->state != SENDKIT_RECORD_FOUND) {
        return;
    }

    tap_number(tap, record.active, t->active, "%s is %sactive", t->name,
               t->active ? "" : "not ");
    tap_number(tap, record.expires, t->expires, "%s ends at %lld", t->name,
               (long long) t->expires);

    test_owner(tap, t, &record);
}


static void
test_owner(tap_t *tap, const test_record_t *t, const sendkit_record_t *record)
{
    sendkit_key_e  kind;

    kind = sendkit_key_parse_name(t->values[SENDKIT_RECORD_TYPE]);

    tap_number(tap, record->kind, kind, "%s has the kind of its type",
               t->name);

    if (kind == SENDKIT_KEY_PLATFORM) {
        tap_span(tap, sendkit_id_span(&record->user),
                 t->values[SENDKIT_RECORD_USER], "%s belongs to its user",
                 t->name);
        return;
    }

    tap_span(tap, sendkit_id_span(&record->workspace),
             t->values[SENDKIT_RECORD_WORKSPACE],
             "%s belongs to its workspace", t->name);
}


static void
test_fields(tap_t *tap)
{
    size_t             i;
    static const struct {
        size_t           field;
        const char      *name;
    } fields[] = {
        { SENDKIT_RECORD_TYPE, "type" },
        { SENDKIT_RECORD_USER, "user" },
        { SENDKIT_RECORD_WORKSPACE, "workspace" },
        { SENDKIT_RECORD_EXPIRES, "expires" },
        { SENDKIT_RECORD_STATUS, "status" }
    };

    tap_number(tap, (long long) (sizeof(fields) / sizeof(fields[0])),
               SENDKIT_RECORD_NFIELDS, "a record has five fields");

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        tap_span(tap, sendkit_record_fields[fields[i].field],
                 tap_text(fields[i].name), "the field \"%s\" is asked for",
                 fields[i].name);
    }
}
