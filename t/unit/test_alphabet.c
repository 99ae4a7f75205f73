
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which bytes are of which alphabet, and which texts are spelled with one. */


#include "sendkit_alphabet.h"
#include "tap.h"


#define TEST_WORD                                                             \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


typedef struct {
    const char      *name;
    unsigned         alphabet;
    sendkit_span_t   bytes;
} test_alphabet_t;


static void test_alphabet(tap_t *tap, const test_alphabet_t *t);


static const test_alphabet_t  test_alphabets[] = {
    { "words", SENDKIT_ALPHABET_WORD, SENDKIT_SPAN(TEST_WORD) },
    { "user ids", SENDKIT_ALPHABET_USER, SENDKIT_SPAN(TEST_WORD ".:@") },
    { "paths", SENDKIT_ALPHABET_PATH,
      SENDKIT_SPAN(TEST_WORD ".:@/~!$&'()*+,=") }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_alphabets) / sizeof(test_alphabet_t); i++) {
        test_alphabet(&tap, &test_alphabets[i]);
    }

    return tap_done(&tap);
}


static void
test_alphabet(tap_t *tap, const test_alphabet_t *t)
{
    int             expected;
    size_t          at, bad, spelled;
    unsigned        c;
    sendkit_span_t  text;
    unsigned char   bytes[3];

    bad = 0;
    spelled = 0;
    text.data = bytes;
    text.len = sizeof(bytes);

    for (c = 0; c < 256; c++) {

        expected = memchr(t->bytes.data, (int) c, t->bytes.len) != NULL;

        bad += sendkit_alphabet_has(t->alphabet, (unsigned char) c)
               != expected;

        for (at = 0; at < sizeof(bytes); at++) {
            memset(bytes, 'a', sizeof(bytes));
            bytes[at] = (unsigned char) c;

            spelled += sendkit_alphabet_spells(t->alphabet, text) != expected;
        }
    }

    tap_number(tap, (long long) bad, 0, "%s have these bytes and no others",
               t->name);
    tap_number(tap, (long long) spelled, 0,
               "a byte counts at each place of a text, in %s", t->name);

    text.len = 0;

    tap_ok(tap, sendkit_alphabet_spells(t->alphabet, text),
           "an empty text is spelled with that of %s", t->name);
}
