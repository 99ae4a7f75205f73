
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Digests of keys: SHA-256 and HMAC-SHA-256 against published vectors, so
 * that any other program computes the same names of Redis keys.
 */


#include "sendkit_digest.h"
#include "tap.h"


#define TEST_AA10  "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define TEST_AA50  TEST_AA10 TEST_AA10 TEST_AA10 TEST_AA10 TEST_AA10
#define TEST_DD10  "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
#define TEST_CD10  "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
#define TEST_0B10  "\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"


typedef struct {
    const char      *name;
    sendkit_span_t   pepper;
    sendkit_span_t   key;
    const char      *hex;
} test_digest_t;


static void test_vectors(tap_t *tap);
static void test_again(tap_t *tap);
static void test_side_by_side(tap_t *tap);
static int test_equals(sendkit_digester_t *digester, sendkit_span_t key,
    const char *hex);


static const test_digest_t  test_digests[] = {
    { "SHA-256 of \"abc\" (FIPS 180)", SENDKIT_SPAN(""), SENDKIT_SPAN("abc"),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "SHA-256 of 56 bytes (FIPS 180)", SENDKIT_SPAN(""),
      SENDKIT_SPAN("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmno"
                   "mnopnopq"),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "SHA-256 of nothing", SENDKIT_SPAN(""), SENDKIT_SPAN(""),
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "SHA-256 of nothing, with no pepper at all", { NULL, 0 }, { NULL, 0 },
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "SHA-256 of a key, as sha256sum prints it", SENDKIT_SPAN(""),
      SENDKIT_SPAN("sk_user_0123456789abcdef"),
      "bc45d02b5fa079ac37ea948f0f1c07c9012683fe7c42acd7e45083510ab290bd" },
    { "HMAC-SHA-256, RFC 4231, test case 1",
      SENDKIT_SPAN(TEST_0B10 TEST_0B10), SENDKIT_SPAN("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "HMAC-SHA-256, RFC 4231, test case 2", SENDKIT_SPAN("Jefe"),
      SENDKIT_SPAN("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { "HMAC-SHA-256, RFC 4231, test case 3",
      SENDKIT_SPAN(TEST_AA10 TEST_AA10),
      SENDKIT_SPAN(TEST_DD10 TEST_DD10 TEST_DD10 TEST_DD10 TEST_DD10),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
    { "HMAC-SHA-256, RFC 4231, test case 4",
      SENDKIT_SPAN("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
                   "\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19"),
      SENDKIT_SPAN(TEST_CD10 TEST_CD10 TEST_CD10 TEST_CD10 TEST_CD10),
      "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
    { "HMAC-SHA-256, RFC 4231, test case 6",
      SENDKIT_SPAN(TEST_AA50 TEST_AA50 TEST_AA10 TEST_AA10 TEST_AA10 "\xaa"),
      SENDKIT_SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { "HMAC-SHA-256, RFC 4231, test case 7",
      SENDKIT_SPAN(TEST_AA50 TEST_AA50 TEST_AA10 TEST_AA10 TEST_AA10 "\xaa"),
      SENDKIT_SPAN("This is a test using a larger than block-size key and a "
                   "larger than block-size data. The key needs to be hashed "
                   "before being used by the HMAC algorithm."),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" }
};


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    test_vectors(&tap);
    test_again(&tap);
    test_side_by_side(&tap);

    return tap_done(&tap);
}


static void
test_vectors(tap_t *tap)
{
    size_t                i;
    sendkit_digester_t    digester;
    const test_digest_t  *t;

    for (i = 0; i < sizeof(test_digests) / sizeof(test_digest_t); i++) {
        t = &test_digests[i];

        if (!tap_ok(tap, sendkit_digest_init(&digester, t->pepper),
                    "OpenSSL gives %s", t->name))
        {
            continue;
        }

        tap_ok(tap, test_equals(&digester, t->key, t->hex), "%s is right",
               t->name);
        tap_ok(tap, test_equals(&digester, t->key, t->hex),
               "%s is right a second time", t->name);

        sendkit_digest_cleanup(&digester);
    }
}


/* one digester for all of its process's life */

static void
test_again(tap_t *tap)
{
    int                   ok;
    size_t                i, n;
    sendkit_digester_t    digester;
    const test_digest_t  *t;

    ok = sendkit_digest_init(&digester, test_digests[0].pepper);

    for (n = 0; ok && n < 1000; n++) {
        for (i = 0; i < 5; i++) {
            t = &test_digests[i];
            ok = ok && test_equals(&digester, t->key, t->hex);
        }
    }

    tap_ok(tap, ok, "the 5000th digest of one digester is right");

    sendkit_digest_cleanup(&digester);
    sendkit_digest_cleanup(&digester);

    tap_ok(tap, 1, "a digester can be cleaned up twice");
}


/* as with an old and a new pepper */

static void
test_side_by_side(tap_t *tap)
{
    int                   ok;
    size_t                n;
    sendkit_digester_t    one, two;
    const test_digest_t  *t;

    t = &test_digests[5];

    ok = sendkit_digest_init(&one, t[0].pepper)
         && sendkit_digest_init(&two, t[1].pepper);

    for (n = 0; ok && n < 100; n++) {
        ok = test_equals(&one, t[0].key, t[0].hex)
             && test_equals(&two, t[1].key, t[1].hex);
    }

    tap_ok(tap, ok, "two peppers in turns give each its own digests");
    tap_ok(tap, !test_equals(&two, t[0].key, t[0].hex),
           "another pepper gives another digest");

    sendkit_digest_cleanup(&one);
    sendkit_digest_cleanup(&two);
}


static int
test_equals(sendkit_digester_t *digester, sendkit_span_t key, const char *hex)
{
    unsigned char     text[SENDKIT_DIGEST_HEX_LEN + 1];
    sendkit_digest_t  digest;

    memset(&digest, 0, sizeof(sendkit_digest_t));
    memset(text, '!', sizeof(text));

    if (!sendkit_digest_key(digester, key, &digest)) {
        return 0;
    }

    sendkit_digest_hex(&digest, text);

    return strlen(hex) == SENDKIT_DIGEST_HEX_LEN
           && memcmp(text, hex, SENDKIT_DIGEST_HEX_LEN) == 0
           && text[SENDKIT_DIGEST_HEX_LEN] == '!';
}
