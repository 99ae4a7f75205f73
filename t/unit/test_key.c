
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which strings are keys, and of which kind, told by nothing but the string. */


#include "sendkit_key.h"
#include "tap.h"


#define TEST_16   "0123456789abcdef"
#define TEST_128  TEST_16 TEST_16 TEST_16 TEST_16                             \
                  TEST_16 TEST_16 TEST_16 TEST_16


typedef struct {
    const char      *name;
    sendkit_span_t   key;
    sendkit_key_e    kind;
} test_key_t;


static void test_table(tap_t *tap);
static void test_alphabet(tap_t *tap);
static void test_length(tap_t *tap);
static void test_names(tap_t *tap);


static const test_key_t  test_keys[] = {
    { "no value at all", { NULL, 0 }, SENDKIT_KEY_MALFORMED },
    { "an empty key", SENDKIT_SPAN(""), SENDKIT_KEY_MALFORMED },
    { "a bare \"sk_\"", SENDKIT_SPAN("sk_"), SENDKIT_KEY_MALFORMED },
    { "a bare \"sk_user_\"", SENDKIT_SPAN("sk_user_"), SENDKIT_KEY_MALFORMED },
    { "a platform key of 16", SENDKIT_SPAN("sk_user_" TEST_16),
      SENDKIT_KEY_PLATFORM },
    { "a platform key of 15", SENDKIT_SPAN("sk_user_0123456789abcde"),
      SENDKIT_KEY_MALFORMED },
    { "a platform key of 128", SENDKIT_SPAN("sk_user_" TEST_128),
      SENDKIT_KEY_PLATFORM },
    { "a platform key of 129", SENDKIT_SPAN("sk_user_" TEST_128 "0"),
      SENDKIT_KEY_MALFORMED },
    { "a workspace key of 16", SENDKIT_SPAN("sk_" TEST_16),
      SENDKIT_KEY_WORKSPACE },
    { "a workspace key of 15", SENDKIT_SPAN("sk_0123456789abcde"),
      SENDKIT_KEY_MALFORMED },
    { "a workspace key of 128", SENDKIT_SPAN("sk_" TEST_128),
      SENDKIT_KEY_WORKSPACE },
    { "a workspace key of 129", SENDKIT_SPAN("sk_" TEST_128 "0"),
      SENDKIT_KEY_MALFORMED },
    { "\"sk_user\" without \"_\" and long",
      SENDKIT_SPAN("sk_user" TEST_16 TEST_16), SENDKIT_KEY_MALFORMED },
    { "\"sk_userx\" and long", SENDKIT_SPAN("sk_userx_" TEST_16),
      SENDKIT_KEY_MALFORMED },
    { "\"sk_user-\" and long", SENDKIT_SPAN("sk_user-" TEST_16),
      SENDKIT_KEY_MALFORMED },
    { "\"sk_use_\" and long", SENDKIT_SPAN("sk_use_" TEST_16),
      SENDKIT_KEY_WORKSPACE },
    { "\"sk_User_\" and long", SENDKIT_SPAN("sk_User_" TEST_16),
      SENDKIT_KEY_WORKSPACE },
    { "\"sk__user_\" and long", SENDKIT_SPAN("sk__user_" TEST_16),
      SENDKIT_KEY_WORKSPACE },
    { "\"SK_\" and long", SENDKIT_SPAN("SK_" TEST_16), SENDKIT_KEY_MALFORMED },
    { "\"Sk_\" and long", SENDKIT_SPAN("Sk_" TEST_16), SENDKIT_KEY_MALFORMED },
    { "\"sk-\" and long", SENDKIT_SPAN("sk-" TEST_16), SENDKIT_KEY_MALFORMED },
    { "\"k_\" and long", SENDKIT_SPAN("k_" TEST_16), SENDKIT_KEY_MALFORMED },
    { "a key with \"_\" and \"-\"", SENDKIT_SPAN("sk_----____----____"),
      SENDKIT_KEY_WORKSPACE },
    { "two keys with a comma",
      SENDKIT_SPAN("sk_" TEST_16 ",sk_" TEST_16), SENDKIT_KEY_MALFORMED },
    { "a key after a space", SENDKIT_SPAN(" sk_" TEST_16),
      SENDKIT_KEY_MALFORMED },
    { "a key before a space", SENDKIT_SPAN("sk_" TEST_16 " "),
      SENDKIT_KEY_MALFORMED },
    { "a key before a tab", SENDKIT_SPAN("sk_" TEST_16 "\t"),
      SENDKIT_KEY_MALFORMED },
    { "a key before a NUL", SENDKIT_SPAN("sk_" TEST_16 "\0"),
      SENDKIT_KEY_MALFORMED },
    { "a key with a line feed", SENDKIT_SPAN("sk_" TEST_16 "\nsk_" TEST_16),
      SENDKIT_KEY_MALFORMED },
    { "a key in quotes", SENDKIT_SPAN("\"sk_" TEST_16 "\""),
      SENDKIT_KEY_MALFORMED }
};


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    test_table(&tap);
    test_alphabet(&tap);
    test_length(&tap);
    test_names(&tap);

    return tap_done(&tap);
}


static void
test_table(tap_t *tap)
{
    size_t              i;
    const char         *kind;
    const test_key_t   *t;
    static const char  *kinds[] = { "malformed", "platform", "workspace" };

    for (i = 0; i < sizeof(test_keys) / sizeof(test_key_t); i++) {
        t = &test_keys[i];
        kind = kinds[t->kind];

        tap_number(tap, sendkit_key_kind(t->key), t->kind, "%s is %s", t->name,
                   kind);
    }
}


/* each byte at each place of a key of either kind */

static void
test_alphabet(tap_t *tap)
{
    int                  expected;
    size_t               i, at;
    unsigned             c, bad;
    unsigned char        text[24];
    sendkit_span_t       key;
    static const char    words[] = "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    static const struct {
        const char      *key;
        size_t           prefix;
        sendkit_key_e    kind;
    } keys[] = {
        { "sk_user_" TEST_16, 8, SENDKIT_KEY_PLATFORM },
        { "sk_0123456789abcdefghijk", 3, SENDKIT_KEY_WORKSPACE }
    };

    for (i = 0; i < 2; i++) {
        bad = 0;

        for (at = keys[i].prefix; at < sizeof(text); at++) {
            for (c = 0; c < 256; c++) {
                memcpy(text, keys[i].key, sizeof(text));
                text[at] = (unsigned char) c;

                key.data = text;
                key.len = sizeof(text);

                expected = memchr(words, (int) c, sizeof(words) - 1) != NULL
                           ? keys[i].kind : SENDKIT_KEY_MALFORMED;

                bad += (int) sendkit_key_kind(key) != expected;
            }
        }

        tap_number(tap, bad, 0, "\"%.*s\" is followed by letters, digits, "
                   "\"_\" and \"-\" only", (int) keys[i].prefix, keys[i].key);
    }

    bad = 0;

    for (at = 0; at < 3; at++) {
        for (c = 0; c < 256; c++) {
            memcpy(text, keys[1].key, sizeof(text));
            text[at] = (unsigned char) c;

            key.data = text;
            key.len = sizeof(text);

            bad += (sendkit_key_kind(key) != SENDKIT_KEY_MALFORMED)
                   != (text[at] == (unsigned char) "sk_"[at]);
        }
    }

    tap_number(tap, bad, 0, "no byte of \"sk_\" can be another one");
}


static void
test_length(tap_t *tap)
{
    size_t          len, bad;
    sendkit_span_t  key;
    unsigned char   text[400];

    memset(text, 'a', sizeof(text));

    key.data = text;

    memcpy(text, "sk_", 3);

    for (bad = 0, len = 0; len <= sizeof(text); len++) {
        key.len = len;
        bad += (sendkit_key_kind(key) == SENDKIT_KEY_WORKSPACE)
               != (len >= 19 && len <= 131);
    }

    tap_number(tap, (long long) bad, 0,
               "a workspace key has 19 to 131 bytes, of lengths up to 400");

    memcpy(text, "sk_user_", 8);

    for (bad = 0, len = 0; len <= sizeof(text); len++) {
        key.len = len;
        bad += (sendkit_key_kind(key) == SENDKIT_KEY_PLATFORM)
               != (len >= 24 && len <= 136);
        bad += sendkit_key_kind(key) == SENDKIT_KEY_WORKSPACE;
    }

    tap_number(tap, (long long) bad, 0,
               "a platform key has 24 to 136 bytes, of lengths up to 400");
}


static void
test_names(tap_t *tap)
{
    size_t             i;
    static const struct {
        sendkit_span_t   name;
        sendkit_key_e    kind;
    } names[] = {
        { SENDKIT_SPAN("platform"), SENDKIT_KEY_PLATFORM },
        { SENDKIT_SPAN("workspace"), SENDKIT_KEY_WORKSPACE },
        { SENDKIT_SPAN(""), SENDKIT_KEY_MALFORMED },
        { SENDKIT_SPAN("Platform"), SENDKIT_KEY_MALFORMED },
        { SENDKIT_SPAN("platform "), SENDKIT_KEY_MALFORMED },
        { SENDKIT_SPAN("platforms"), SENDKIT_KEY_MALFORMED },
        { SENDKIT_SPAN("workspac"), SENDKIT_KEY_MALFORMED },
        { SENDKIT_SPAN("any"), SENDKIT_KEY_MALFORMED },
        { { NULL, 0 }, SENDKIT_KEY_MALFORMED }
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tap_number(tap, sendkit_key_parse_name(names[i].name), names[i].kind,
                   "\"%.*s\"%s is %s", (int) names[i].name.len,
                   names[i].name.data == NULL
                   ? "" : (const char *) names[i].name.data,
                   names[i].name.data == NULL ? " as a nil" : "",
                   names[i].kind == SENDKIT_KEY_MALFORMED
                   ? "no name of a kind" : "the name of its kind");
    }

    tap_span(tap, sendkit_key_name(SENDKIT_KEY_PLATFORM), tap_text("platform"),
             "a platform key is called \"platform\"");
    tap_span(tap, sendkit_key_name(SENDKIT_KEY_WORKSPACE),
             tap_text("workspace"), "a workspace key is called \"workspace\"");
    tap_span(tap, sendkit_key_name(SENDKIT_KEY_MALFORMED), tap_text(""),
             "a malformed key has no name");
}
