
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * What Redis holds of a workspace's key, how a key is made of random bytes,
 * and what of it may be shown.
 */


#include "sendkit_key.h"
#include "sendkit_workspace_key.h"
#include "tap.h"


#define TEST_NIL     { NULL, 0 }
#define TEST_32      "0123456789abcdef0123456789abcdef"
#define TEST_DIGEST  TEST_32 TEST_32
#define TEST_TIME    "2025-06-01T10:30:00.000Z"
#define TEST_MASKED  "sk_a1b2...e3f4"

/* what the functions must not reach */

#define TEST_GUARD   0x7e


/* the values, in the order digest, created_at, created_by, masked */

typedef struct {
    const char         *name;
    sendkit_span_t      values[SENDKIT_WORKSPACE_KEY_NFIELDS];
    sendkit_record_e    state;
    const char         *masked;
} test_workspace_key_t;


static void test_workspace_key(tap_t *tap, const test_workspace_key_t *t);
static void test_forms(tap_t *tap);
static void test_form(tap_t *tap, const char *name, size_t field,
    const char *alphabet);
static void test_found_values(sendkit_span_t *values);
static void test_fields(tap_t *tap);
static void test_make(tap_t *tap);
static void test_made(tap_t *tap, const unsigned char *random,
    const char *expected);
static void test_mask(tap_t *tap);


static const test_workspace_key_t  test_workspace_keys[] = {
    { "a record of four nils",
      { TEST_NIL, TEST_NIL, TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_ABSENT, NULL },

    { "a record of all fields",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_FOUND, TEST_MASKED },

    { "a record that shows nothing of its key",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_FOUND, "sk_..." },

    { "a record with all letters of an id to show",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN("sk_Az-_...09zA") },
      SENDKIT_RECORD_FOUND, "sk_Az-_...09zA" },

    { "a record with nothing at all to show",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN("") },
      SENDKIT_RECORD_FOUND, "sk_..." },

    { "a record with a quote to show",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN("sk_a1b\"...e3f4") },
      SENDKIT_RECORD_FOUND, "sk_..." },

    { "a record with two dots to show",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN("sk_a1b2..xe3f4") },
      SENDKIT_RECORD_FOUND, "sk_..." },

    { "a record with one letter more to show",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN(TEST_MASKED "5") },
      SENDKIT_RECORD_FOUND, "sk_..." },

    { "a record with a whole key to show",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), SENDKIT_SPAN("sk_" TEST_32 "0123456789abcdef") },
      SENDKIT_RECORD_FOUND, "sk_..." },

    { "a record of a user with all letters",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("aZ0._:@-"), SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_FOUND, TEST_MASKED },

    { "a record of a user of 64 bytes",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_FOUND, TEST_MASKED },

    { "a record of a user of 65 bytes",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN(TEST_DIGEST "0"), SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record without a digest",
      { TEST_NIL, SENDKIT_SPAN(TEST_TIME), SENDKIT_SPAN("u1"),
        SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record without a time",
      { SENDKIT_SPAN(TEST_DIGEST), TEST_NIL, SENDKIT_SPAN("u1"),
        SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record without a user",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME), TEST_NIL,
        SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record of nothing but a digest",
      { SENDKIT_SPAN(TEST_DIGEST), TEST_NIL, TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record of nothing but a time",
      { TEST_NIL, SENDKIT_SPAN(TEST_TIME), TEST_NIL, TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record of nothing but a user",
      { TEST_NIL, TEST_NIL, SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record of nothing but what may be shown",
      { TEST_NIL, TEST_NIL, TEST_NIL, SENDKIT_SPAN(TEST_MASKED) },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a record of nothing but an empty value",
      { TEST_NIL, TEST_NIL, TEST_NIL, SENDKIT_SPAN("") },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "an empty digest",
      { SENDKIT_SPAN(""), SENDKIT_SPAN(TEST_TIME), SENDKIT_SPAN("u1"),
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a digest of 63 digits",
      { SENDKIT_SPAN(TEST_32 "0123456789abcdef0123456789abcde"),
        SENDKIT_SPAN(TEST_TIME), SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a digest of 65 digits",
      { SENDKIT_SPAN(TEST_DIGEST "0"), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "an empty time",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(""), SENDKIT_SPAN("u1"),
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a time without milliseconds",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN("2025-06-01T10:30:00Z"),
        SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a time of another zone",
      { SENDKIT_SPAN(TEST_DIGEST),
        SENDKIT_SPAN("2025-06-01T10:30:00.000+00:00"), SENDKIT_SPAN("u1"),
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a time with microseconds",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN("2025-06-01T10:30:00.000000Z"),
        SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a time in Unix seconds",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN("1748773800"),
        SENDKIT_SPAN("u1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "an empty user",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME), SENDKIT_SPAN(""),
        TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a user with a quote",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u\"1"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL },

    { "a user with CR LF",
      { SENDKIT_SPAN(TEST_DIGEST), SENDKIT_SPAN(TEST_TIME),
        SENDKIT_SPAN("u1\r\nX: y"), TEST_NIL },
      SENDKIT_RECORD_MALFORMED, NULL }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    test_fields(&tap);

    for (i = 0; i < sizeof(test_workspace_keys) / sizeof(test_workspace_key_t);
         i++)
    {
        test_workspace_key(&tap, &test_workspace_keys[i]);
    }

    test_forms(&tap);
    test_make(&tap);
    test_mask(&tap);

    return tap_done(&tap);
}


static void
test_workspace_key(tap_t *tap, const test_workspace_key_t *t)
{
    sendkit_span_t           span;
    sendkit_workspace_key_t  key;
    static const char       *states[] = {
        "unread", "absent", "malformed", "found"
    };

    /* what is left of another record must not show */

    memset(&key, 0x01, sizeof(sendkit_workspace_key_t));

    sendkit_workspace_key_parse(&key, t->values);

    tap_number(tap, key.state, t->state, "%s is %s", t->name,
               states[t->state]);

    if (t->state != SENDKIT_RECORD_FOUND) {
        return;
    }

    span.data = key.digest;
    span.len = SENDKIT_DIGEST_HEX_LEN;
    tap_span(tap, span, t->values[SENDKIT_WORKSPACE_KEY_DIGEST],
             "%s has its digest", t->name);

    span.data = key.created_at;
    span.len = SENDKIT_WORKSPACE_KEY_TIME_LEN;
    tap_span(tap, span, t->values[SENDKIT_WORKSPACE_KEY_CREATED_AT],
             "%s has its time", t->name);

    tap_span(tap, sendkit_id_span(&key.created_by),
             t->values[SENDKIT_WORKSPACE_KEY_CREATED_BY], "%s has its user",
             t->name);

    span.data = key.masked;
    span.len = key.masked_len;
    tap_span(tap, span, tap_text(t->masked), "%s shows \"%s\"", t->name,
             t->masked);
}


/* each byte in each place of a value of that form */

static void
test_forms(tap_t *tap)
{
    test_form(tap, "digest", SENDKIT_WORKSPACE_KEY_DIGEST,
              "0123456789abcdef");
    test_form(tap, "time", SENDKIT_WORKSPACE_KEY_CREATED_AT, "0123456789");
    test_form(tap, "masked key", SENDKIT_WORKSPACE_KEY_MASKED,
              "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
              "0123456789_-");
}


/*
 * A byte of the alphabet may stand where one of it stands in the right value,
 * but for the "sk_" and the "T" and "Z", which only stand for themselves.
 */

static void
test_form(tap_t *tap, const char *name, size_t field, const char *alphabet)
{
    int                      c, expected, got, wrong;
    size_t                   i;
    unsigned char            value[SENDKIT_DIGEST_HEX_LEN];
    sendkit_span_t           right, values[SENDKIT_WORKSPACE_KEY_NFIELDS];
    sendkit_workspace_key_t  key;

    test_found_values(values);
    right = values[field];
    values[field].data = value;
    wrong = 0;

    for (i = 0; i < right.len; i++) {
        for (c = 0; c <= 0xff; c++) {
            memcpy(value, right.data, right.len);
            value[i] = (unsigned char) c;

            expected = c == right.data[i]
                       || (c != 0 && strchr(alphabet, c) != NULL
                           && strchr(alphabet, right.data[i]) != NULL
                           && (field != SENDKIT_WORKSPACE_KEY_MASKED
                               || i >= sizeof("sk_") - 1));

            sendkit_workspace_key_parse(&key, values);

            got = field == SENDKIT_WORKSPACE_KEY_MASKED
                  ? key.masked_len == right.len
                    && memcmp(key.masked, value, right.len) == 0
                  : key.state == SENDKIT_RECORD_FOUND;

            wrong += got != expected;
        }
    }

    tap_number(tap, wrong, 0, "each byte of a %s has its alphabet", name);
}


static void
test_found_values(sendkit_span_t *values)
{
    values[SENDKIT_WORKSPACE_KEY_DIGEST] = tap_text(TEST_DIGEST);
    values[SENDKIT_WORKSPACE_KEY_CREATED_AT] = tap_text(TEST_TIME);
    values[SENDKIT_WORKSPACE_KEY_CREATED_BY] = tap_text("u1");
    values[SENDKIT_WORKSPACE_KEY_MASKED] = tap_text(TEST_MASKED);
}


static void
test_fields(tap_t *tap)
{
    size_t             i;
    static const struct {
        size_t           field;
        const char      *name;
    } fields[] = {
        { SENDKIT_WORKSPACE_KEY_DIGEST, "digest" },
        { SENDKIT_WORKSPACE_KEY_CREATED_AT, "created_at" },
        { SENDKIT_WORKSPACE_KEY_CREATED_BY, "created_by" },
        { SENDKIT_WORKSPACE_KEY_MASKED, "masked" }
    };

    tap_number(tap, (long long) (sizeof(fields) / sizeof(fields[0])),
               SENDKIT_WORKSPACE_KEY_NFIELDS,
               "what is known of a workspace's key are four fields");

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_NFIELDS; i++) {
        tap_span(tap, sendkit_workspace_key_fields[fields[i].field],
                 tap_text(fields[i].name), "the field \"%s\" is asked for",
                 fields[i].name);
    }
}


static void
test_make(tap_t *tap)
{
    size_t         i;
    unsigned char  random[SENDKIT_WORKSPACE_KEY_RANDOM];

    memset(random, 0, sizeof(random));
    test_made(tap, random,
              "sk_000000000000000000000000000000000000000000000000");

    memset(random, 0xff, sizeof(random));
    test_made(tap, random,
              "sk_ffffffffffffffffffffffffffffffffffffffffffffffff");

    for (i = 0; i < sizeof(random); i++) {
        random[i] = (unsigned char) (0x11 * (i % 16) + (i > 15));
    }

    test_made(tap, random,
              "sk_00112233445566778899aabbccddeeff0112233445566778");
}


static void
test_made(tap_t *tap, const unsigned char *random, const char *expected)
{
    sendkit_span_t  made;
    unsigned char   key[SENDKIT_WORKSPACE_KEY_LEN + 1];

    memset(key, TEST_GUARD, sizeof(key));

    sendkit_workspace_key_make(random, key);

    made.data = key;
    made.len = SENDKIT_WORKSPACE_KEY_LEN;

    tap_span(tap, made, tap_text(expected), "%s is made of its bytes",
             expected);
    tap_number(tap, key[SENDKIT_WORKSPACE_KEY_LEN], TEST_GUARD,
               "%s has 51 letters and no more are written", expected);
    tap_number(tap, sendkit_key_kind(made), SENDKIT_KEY_WORKSPACE,
               "%s is a workspace key", expected);
}


static void
test_mask(tap_t *tap)
{
    size_t             i;
    sendkit_span_t     shown;
    unsigned char      masked[SENDKIT_WORKSPACE_KEY_MASKED_LEN + 1];
    static const struct {
        const char      *key;
        const char      *masked;
    } keys[] = {
        { "sk_a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4",
          "sk_a1b2...e3f4" },
        { "sk_0123456789abcdef", "sk_0123...cdef" },
        { "sk_A-_z____________________0-_9", "sk_A-_z...0-_9" }
    };

    shown.data = masked;
    shown.len = SENDKIT_WORKSPACE_KEY_MASKED_LEN;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        memset(masked, TEST_GUARD, sizeof(masked));

        sendkit_workspace_key_mask(tap_text(keys[i].key), masked);

        tap_span(tap, shown, tap_text(keys[i].masked), "%s is shown as %s",
                 keys[i].key, keys[i].masked);
        tap_number(tap, masked[SENDKIT_WORKSPACE_KEY_MASKED_LEN], TEST_GUARD,
                   "%s: no more than that is written", keys[i].key);
    }
}
