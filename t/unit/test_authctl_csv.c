
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which headers and lines of CSV are read, and how an entry is written. */


#include "authctl_csv.h"
#include "tap.h"


#define TEST_DIGEST                                                           \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEST_TIME  "2025-06-01T10:30:00.000Z"
#define TEST_KEY   "sk_user_0123456789abcdef"
#define TEST_ALL                                                              \
    "kind,digest,type,user,workspace,role,expires,status,created_at,"         \
    "created_by,masked"


typedef struct {
    const char         *name;
    const char         *header;
    const char         *reason;         /* NULL: it is accepted */
} test_header_t;


typedef struct {
    const char         *name;
    const char         *header;
    sendkit_span_t      line;
    const char         *written;        /* NULL: it is refused */
    const char         *reason;
} test_line_t;


static void test_header(tap_t *tap, authctl_csv_t *csv,
    const test_header_t *t);
static void test_line(tap_t *tap, authctl_csv_t *csv, const test_line_t *t);
static void test_is_owner(tap_t *tap, authctl_csv_t *csv, const char *after);


static const test_header_t  test_headers[] = {
    { "a header with all columns", TEST_ALL, NULL },
    { "a header of one column", "kind", NULL },
    { "a header in another order", "role,user,kind,workspace", NULL },
    { "a header in quotes", "\"kind\",\"user\"", NULL },

    { "a header without a kind", "user,workspace,role",
      "header has no column \"kind\"" },
    { "a header with an unknown column", "kind,name",
      "column \"name\" is unknown" },
    { "a header in upper case", "Kind,user",
      "column \"Kind\" is unknown" },
    { "a header with a space", "kind, user",
      "column \" user\" is unknown" },
    { "a header with an empty column", "kind,user,",
      "column \"\" is unknown" },
    { "a header with semicolons", "kind;user",
      "column \"kind;user\" is unknown" },
    { "a header with a column twice", "kind,user,role,user",
      "column \"user\" is there twice" },
    { "a header with all columns and one more", TEST_ALL ",kind",
      "column \"kind\" is there twice" },
    { "a header that is a key", TEST_KEY,
      "column \"sk_...\" is unknown" },
    { "a header with an open quote", "kind,\"user",
      "has a quote out of place, in or after value 2" }
};


static const test_line_t  test_lines[] = {
    { "a platform key", TEST_ALL,
      SENDKIT_SPAN("key," TEST_DIGEST ",platform,u1,,,1790000000,active,,,"),
      "key," TEST_DIGEST ",platform,u1,,,1790000000,active,,,\n",
      NULL },

    { "the key of a workspace", TEST_ALL,
      SENDKIT_SPAN("key," TEST_DIGEST ",workspace,,w1,,,," TEST_TIME
                   ",u1,sk_a1b2...e3f4"),
      "key," TEST_DIGEST ",workspace,,w1,,,," TEST_TIME
      ",u1,sk_a1b2...e3f4\n",
      NULL },

    { "a role", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1,owner"),
      "role,,,u1,w1,owner,,,,,\n",
      NULL },

    { "a role in quotes", "kind,workspace,user,role",
      SENDKIT_SPAN("\"role\",\"w1\",\"u1\",\"owner\""),
      "role,,,u1,w1,owner,,,,,\n",
      NULL },

    { "a role with empty quotes for what it has not",
      "kind,digest,workspace,user,role",
      SENDKIT_SPAN("role,\"\",w1,u1,owner"),
      "role,,,u1,w1,owner,,,,,\n",
      NULL },

    { "a time with zeros before it", "kind,digest,type,user,expires",
      SENDKIT_SPAN("key," TEST_DIGEST ",platform,u1,0001790000000"),
      "key," TEST_DIGEST ",platform,u1,,,1790000000,,,,\n",
      NULL },

    { "a line with fewer values", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1"),
      NULL, "has fewer values than the header has columns" },

    { "a line with more values", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1,owner,"),
      NULL, "has more values than the header has columns" },

    { "a line with many more values", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1,owner,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,"),
      NULL, "has more values than the header has columns" },

    { "a line with all values and one more", TEST_ALL,
      SENDKIT_SPAN("role,,,u1,w1,owner,,,,,,x"),
      NULL, "has more values than the header has columns" },

    { "a line without a kind", "kind,workspace,user,role",
      SENDKIT_SPAN(",w1,u1,owner"),
      NULL, "kind is missing" },

    { "a line that lacks a value", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,,owner"),
      NULL, "user is missing" },

    { "a key without a column for its digest", "kind,type,user",
      SENDKIT_SPAN("key,platform,u1"),
      NULL, "digest is missing" },

    { "a space before a value", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1, u1,owner"),
      NULL, "user \" u1\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a space after a value", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1,owner "),
      NULL, "role \"owner \" is not \"owner\", \"admin\" or \"member\"" },

    { "a line of blanks", "kind,workspace,user,role",
      SENDKIT_SPAN("  "),
      NULL, "has fewer values than the header has columns" },

    { "a CR in a line", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1\r,owner"),
      NULL, "user \"u1\\x0d\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a comma in quotes", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,\"u,1\",owner"),
      NULL, "user \"u,1\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a quote in quotes", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,\"u\"\"1\",owner"),
      NULL, "user \"u\"1\" is not 1 to 64 of A-Z a-z 0-9 . _ : @ -" },

    { "a quote within a value", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u\"1,owner"),
      NULL, "has a quote out of place, in or after value 3" },

    { "a letter after a quote", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,\"u\"1,owner"),
      NULL, "has a quote out of place, in or after value 3" },

    { "a space after a quote", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,\"u1\" ,owner"),
      NULL, "has a quote out of place, in or after value 3" },

    { "a quote that is open", "kind,workspace,user,role",
      SENDKIT_SPAN("role,w1,u1,\"owner"),
      NULL, "has a quote out of place, in or after value 4" },

    { "a quote alone", "kind,workspace,user,role",
      SENDKIT_SPAN("\""),
      NULL, "has a quote out of place, in or after value 1" }
};


int
main(void)
{
    tap_t                 tap;
    size_t                i;
    static authctl_csv_t  csv;

    memset(&tap, 0, sizeof(tap_t));

    if (!tap_ok(&tap, authctl_csv_init(&csv), "a reader is made")) {
        return tap_done(&tap);
    }

    for (i = 0; i < sizeof(test_headers) / sizeof(test_header_t); i++) {
        test_header(&tap, &csv, &test_headers[i]);
    }

    for (i = 0; i < sizeof(test_lines) / sizeof(test_line_t); i++) {
        test_line(&tap, &csv, &test_lines[i]);
    }

    authctl_csv_cleanup(&csv);

    return tap_done(&tap);
}


static void
test_header(tap_t *tap, authctl_csv_t *csv, const test_header_t *t)
{
    int               ok;
    authctl_reason_t  reason;

    reason.text[0] = '\0';

    ok = authctl_csv_parse_header(csv, tap_text(t->header), &reason);

    if (t->reason == NULL) {
        tap_number(tap, ok, 1, "%s is accepted", t->name);

    } else {
        tap_number(tap, ok, 0, "%s is refused", t->name);
        tap_span(tap, tap_text(reason.text), tap_text(t->reason),
                 "%s is refused with its reason", t->name);
    }
}


static void
test_line(tap_t *tap, authctl_csv_t *csv, const test_line_t *t)
{
    int               ok;
    char              text[AUTHCTL_TEXT_MAX];
    sendkit_span_t    written;
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    reason.text[0] = '\0';

    ok = authctl_csv_parse_header(csv, tap_text(t->header), &reason)
         && authctl_csv_parse(csv, t->line, &entry, &reason);

    if (t->written == NULL) {
        tap_number(tap, ok, 0, "%s is refused", t->name);
        tap_span(tap, tap_text(reason.text), tap_text(t->reason),
                 "%s is refused with its reason", t->name);

        test_is_owner(tap, csv, t->name);
        return;
    }

    if (!tap_number(tap, ok, 1, "%s is accepted", t->name)) {
        return;
    }

    written.data = (unsigned char *) text;
    written.len = authctl_csv_write(&entry, text);

    tap_span(tap, written, tap_text(t->written), "%s is written", t->name);
}


/* the line after one that was refused is read from its first byte on */

static void
test_is_owner(tap_t *tap, authctl_csv_t *csv, const char *after)
{
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    memset(&entry, 0, sizeof(authctl_entry_t));

    tap_ok(tap,
           authctl_csv_parse_header(csv, tap_text("kind,workspace,user,role"),
                                    &reason)
           && authctl_csv_parse(csv, tap_text("role,w1,u1,owner"), &entry,
                                &reason)
           && entry.role == SENDKIT_ROLE_OWNER,
           "an owner is read after %s", after);
}
