
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which lines of NDJSON are entries, and how an entry is written. */


#include "authctl_ndjson.h"
#include "tap.h"


#define TEST_DIGEST                                                           \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEST_TIME  "2025-06-01T10:30:00.000Z"
#define TEST_KEY   "sk_user_0123456789abcdef"


typedef struct {
    const char         *name;
    sendkit_span_t      line;
    const char         *written;        /* NULL: it is refused */
    const char         *reason;
} test_line_t;


static void test_line(tap_t *tap, const test_line_t *t);


static const test_line_t  test_lines[] = {
    { "a platform key",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":1790000000,"
                   "\"status\":\"active\"}"),
      "{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\",\"user\":\"u1\","
      "\"expires\":1790000000,\"status\":\"active\"}\n",
      NULL },

    { "a workspace key",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"workspace\","
                   "\"workspace\":\"w1\"}"),
      "{\"key\":\"" TEST_DIGEST "\",\"type\":\"workspace\","
      "\"workspace\":\"w1\"}\n",
      NULL },

    { "the key of a workspace",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"workspace\","
                   "\"workspace\":\"w1\",\"created_at\":\"" TEST_TIME "\","
                   "\"created_by\":\"u1\",\"masked\":\"sk_a1b2...e3f4\"}"),
      "{\"key\":\"" TEST_DIGEST "\",\"type\":\"workspace\","
      "\"workspace\":\"w1\",\"created_at\":\"" TEST_TIME "\","
      "\"created_by\":\"u1\",\"masked\":\"sk_a1b2...e3f4\"}\n",
      NULL },

    { "a role with members in another order, escapes and spaces",
      SENDKIT_SPAN(" { \"role\" : \"\\u006fwner\",\"user\":\"u1\" ,\t"
                   "\"workspace\":\"w1\" } "),
      "{\"user\":\"u1\",\"workspace\":\"w1\",\"role\":\"owner\"}\n",
      NULL },

    { "a time long gone",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":0}"),
      "{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\",\"user\":\"u1\","
      "\"expires\":1}\n",
      NULL },

    { "the last time that there is",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":999999999999999}"),
      "{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\",\"user\":\"u1\","
      "\"expires\":999999999999999}\n",
      NULL },

    { "an object without members",
      SENDKIT_SPAN("{}"),
      NULL, "workspace is missing" },

    { "a value that core refuses",
      SENDKIT_SPAN("{\"workspace\":\"w1\",\"user\":\"u1\","
                   "\"role\":\"root\"}"),
      NULL, "role \"root\" is not \"owner\", \"admin\" or \"member\"" },

    { "an empty value",
      SENDKIT_SPAN("{\"workspace\":\"w1\",\"user\":\"\","
                   "\"role\":\"owner\"}"),
      NULL, "user \"\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a key with a role",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"role\":\"owner\"}"),
      NULL, "a platform key has no \"role\"" },

    { "a member of CSV",
      SENDKIT_SPAN("{\"kind\":\"role\",\"workspace\":\"w1\",\"user\":\"u1\","
                   "\"role\":\"owner\"}"),
      NULL, "member \"kind\" is unknown" },

    { "a member in upper case",
      SENDKIT_SPAN("{\"Workspace\":\"w1\",\"user\":\"u1\","
                   "\"role\":\"owner\"}"),
      NULL, "member \"Workspace\" is unknown" },

    { "a member that is a key",
      SENDKIT_SPAN("{\"" TEST_KEY "\":\"u1\"}"),
      NULL, "member \"sk_...\" is unknown" },

    { "a member twice",
      SENDKIT_SPAN("{\"workspace\":\"w1\",\"user\":\"u1\",\"role\":\"owner\","
                   "\"role\":\"owner\"}"),
      NULL, "has a member twice, the second near byte 51" },

    { "a number for an id",
      SENDKIT_SPAN("{\"workspace\":\"w1\",\"user\":1,\"role\":\"owner\"}"),
      NULL, "user is not a string" },

    { "null for an id",
      SENDKIT_SPAN("{\"workspace\":\"w1\",\"user\":null,"
                   "\"role\":\"owner\"}"),
      NULL, "user is not a string" },

    { "an object for a role",
      SENDKIT_SPAN("{\"workspace\":\"w1\",\"user\":\"u1\",\"role\":{}}"),
      NULL, "role is not a string" },

    { "a string for a time",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":\"1790000000\"}"),
      NULL, "expires is not an integer" },

    { "a fraction for a time",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":1790000000.0}"),
      NULL, "expires is not an integer" },

    { "a time before 1970",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":-1}"),
      NULL, "expires \"-1\" is not 1 to 15 digits, a Unix time in seconds" },

    { "a time of 19 digits",
      SENDKIT_SPAN("{\"key\":\"" TEST_DIGEST "\",\"type\":\"platform\","
                   "\"user\":\"u1\",\"expires\":-9223372036854775808}"),
      NULL, "expires \"-9223372036854775808\" is not 1 to 15 digits, a Unix "
            "time in seconds" },

    { "a time of 20 digits",
      SENDKIT_SPAN("{\"expires\":92233720368547758070}"),
      NULL, "is not valid JSON near byte 31" },

    { "an array",
      SENDKIT_SPAN("[1]"),
      NULL, "is not a JSON object" },

    { "a string",
      SENDKIT_SPAN("\"role\""),
      NULL, "is not valid JSON near byte 6" },

    { "a line that ends early",
      SENDKIT_SPAN("{\"workspace\":\"w1\""),
      NULL, "is not valid JSON near byte 17" },

    { "two objects",
      SENDKIT_SPAN("{} {}"),
      NULL, "is not valid JSON near byte 4" },

    { "a key that is no JSON",
      SENDKIT_SPAN("{\"key\":" TEST_KEY "}"),
      NULL, "is not valid JSON near byte 9" },

    { "a value that is no UTF-8",
      SENDKIT_SPAN("{\"user\":\"\xff\"}"),
      NULL, "is not valid JSON near byte 9" },

    { "a value with a NUL",
      SENDKIT_SPAN("{\"user\":\"u1\\u0000\"}"),
      NULL, "is not valid JSON near byte 18" },

    { "a line of blanks",
      SENDKIT_SPAN("  "),
      NULL, "is not valid JSON near byte 2" }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_lines) / sizeof(test_line_t); i++) {
        test_line(&tap, &test_lines[i]);
    }

    return tap_done(&tap);
}


static void
test_line(tap_t *tap, const test_line_t *t)
{
    int               ok;
    char              text[AUTHCTL_TEXT_MAX];
    sendkit_span_t    written;
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    reason.text[0] = '\0';

    ok = authctl_ndjson_parse(t->line, &entry, &reason);

    if (t->written == NULL) {
        tap_number(tap, ok, 0, "%s is refused", t->name);
        tap_span(tap, tap_text(reason.text), tap_text(t->reason),
                 "%s is refused with its reason", t->name);
        return;
    }

    if (!tap_number(tap, ok, 1, "%s is accepted", t->name)) {
        return;
    }

    written.data = (unsigned char *) text;
    written.len = authctl_ndjson_write(&entry, text);

    tap_span(tap, written, tap_text(t->written), "%s is written", t->name);
}
