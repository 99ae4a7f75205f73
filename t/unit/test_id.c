
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* What may stand in a Redis key and in an HTTP header as an id. */


#include "sendkit_id.h"
#include "tap.h"


#define TEST_32  "0123456789abcdef0123456789ABCDEF"
#define TEST_64  TEST_32 TEST_32


typedef struct {
    const char      *name;
    sendkit_span_t   value;
    int              workspace;
    int              user;
} test_id_t;


static void test_table(tap_t *tap);
static void test_alphabet(tap_t *tap);
static void test_length(tap_t *tap);


static const test_id_t  test_ids[] = {
    { "no value at all", { NULL, 0 }, 0, 0 },
    { "an empty value", SENDKIT_SPAN(""), 0, 0 },
    { "one letter", SENDKIT_SPAN("a"), 1, 1 },
    { "one digit", SENDKIT_SPAN("0"), 1, 1 },
    { "a UUID", SENDKIT_SPAN("123e4567-e89b-12d3-a456-426614174000"), 1, 1 },
    { "upper and lower case", SENDKIT_SPAN("Ws_A-z"), 1, 1 },
    { "an address", SENDKIT_SPAN("a.b@example.com"), 0, 1 },
    { "a colon", SENDKIT_SPAN("auth0:1"), 0, 1 },
    { "a slash", SENDKIT_SPAN("a/b"), 0, 0 },
    { "a space", SENDKIT_SPAN("a b"), 0, 0 },
    { "a leading space", SENDKIT_SPAN(" a"), 0, 0 },
    { "a trailing line feed", SENDKIT_SPAN("a\n"), 0, 0 },
    { "CR LF", SENDKIT_SPAN("a\r\nX-Role: owner"), 0, 0 },
    { "a trailing NUL", SENDKIT_SPAN("a\0"), 0, 0 },
    { "a plus", SENDKIT_SPAN("a+b"), 0, 0 },
    { "a letter outside of ASCII", SENDKIT_SPAN("\xc3\xa4"), 0, 0 },
    { "64 bytes", SENDKIT_SPAN(TEST_64), 1, 1 },
    { "65 bytes", SENDKIT_SPAN(TEST_64 "0"), 0, 0 },
    { "320 bytes", SENDKIT_SPAN(TEST_64 TEST_64 TEST_64 TEST_64 TEST_64), 0,
      0 }
};


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    test_table(&tap);
    test_alphabet(&tap);
    test_length(&tap);

    return tap_done(&tap);
}


static void
test_table(tap_t *tap)
{
    size_t            i;
    sendkit_id_t      id;
    sendkit_span_t    expected;
    const test_id_t  *t;

    for (i = 0; i < sizeof(test_ids) / sizeof(test_id_t); i++) {
        t = &test_ids[i];

        memset(&id, 0xff, sizeof(sendkit_id_t));
        tap_number(tap, sendkit_id_set_workspace(&id, t->value), t->workspace,
                   "%s is %s workspace id", t->name, t->workspace ? "a" : "no");

        expected = t->workspace ? t->value : tap_text("");
        tap_span(tap, sendkit_id_span(&id), expected,
                 "after %s the workspace id is %s", t->name,
                 t->workspace ? "that" : "empty");

        memset(&id, 0xff, sizeof(sendkit_id_t));
        tap_number(tap, sendkit_id_set_user(&id, t->value), t->user,
                   "%s is %s user id", t->name, t->user ? "a" : "no");

        expected = t->user ? t->value : tap_text("");
        tap_span(tap, sendkit_id_span(&id), expected,
                 "after %s the user id is %s", t->name,
                 t->user ? "that" : "empty");
    }
}


/* each byte, at the beginning, in the middle and at the end */

static void
test_alphabet(tap_t *tap)
{
    int                 word, user;
    size_t              at;
    unsigned            c, bad_word, bad_workspace, bad_user;
    sendkit_id_t        id;
    sendkit_span_t      value;
    unsigned char       text[3];
    static const char   words[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    static const char   users[] = ".:@";

    bad_word = 0;
    bad_workspace = 0;
    bad_user = 0;

    for (c = 0; c < 256; c++) {

        word = memchr(words, (int) c, sizeof(words) - 1) != NULL;
        user = word || memchr(users, (int) c, sizeof(users) - 1) != NULL;

        bad_word += sendkit_id_is_word((unsigned char) c) != word;

        for (at = 0; at < sizeof(text); at++) {
            memset(text, 'x', sizeof(text));
            text[at] = (unsigned char) c;

            value.data = text;
            value.len = sizeof(text);

            bad_workspace += sendkit_id_set_workspace(&id, value) != word;
            bad_user += sendkit_id_set_user(&id, value) != user;
        }
    }

    tap_number(tap, bad_word, 0, "a word has letters, digits, \"_\" and \"-\"");
    tap_number(tap, bad_workspace, 0,
               "a workspace id has the bytes of a word and no others");
    tap_number(tap, bad_user, 0,
               "a user id has \".\", \":\" and \"@\" besides, and no others");
}


static void
test_length(tap_t *tap)
{
    size_t          len;
    unsigned        bad;
    sendkit_id_t    id;
    sendkit_span_t  value;
    unsigned char   text[600];

    memset(text, 'a', sizeof(text));

    bad = 0;
    value.data = text;

    for (len = 0; len <= sizeof(text); len++) {
        value.len = len;

        bad += sendkit_id_set_workspace(&id, value) != (len >= 1 && len <= 64);
        bad += sendkit_id_set_user(&id, value) != (len >= 1 && len <= 64);
    }

    tap_number(tap, bad, 0, "an id has 1 to 64 bytes, of lengths up to 600");
}
