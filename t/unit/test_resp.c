
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which replies and messages of a Redis server are let through to a parser. */


#include "sendkit_resp.h"
#include "tap.h"


#define TEST_MAX  131072


typedef struct {
    const char      *name;
    sendkit_span_t   bytes;
    int              accepted;
} test_resp_t;


/* a reply with a part that is repeated */

typedef struct {
    const char      *name;
    const char      *before;
    const char      *part;
    size_t           times;
    const char      *after;
    int              accepted;
} test_long_t;


static void test_reply(tap_t *tap, const test_resp_t *t);
static void test_long(tap_t *tap, const test_long_t *t);
static void test_message(tap_t *tap, const test_resp_t *t);
static void test_names(tap_t *tap);
static int test_accept(sendkit_span_t bytes, size_t step, int messages);
static void test_types(tap_t *tap);


static const test_resp_t  test_replies[] = {
    { "nothing", SENDKIT_SPAN(""), 1 },
    { "a status", SENDKIT_SPAN("+OK\r\n"), 1 },
    { "an empty status", SENDKIT_SPAN("+\r\n"), 1 },
    { "an error", SENDKIT_SPAN("-WRONGTYPE Operation against a key\r\n"), 1 },
    { "an integer", SENDKIT_SPAN(":1000\r\n"), 1 },
    { "a negative integer", SENDKIT_SPAN(":-1\r\n"), 1 },
    { "a bulk string", SENDKIT_SPAN("$5\r\nowner\r\n"), 1 },
    { "an empty bulk string", SENDKIT_SPAN("$0\r\n\r\n"), 1 },
    { "a bulk string of CR LF", SENDKIT_SPAN("$4\r\n\r\n\r\n\r\n"), 1 },
    { "a bulk string of NULs", SENDKIT_SPAN("$2\r\n\0\0\r\n"), 1 },
    { "a nil", SENDKIT_SPAN("$-1\r\n"), 1 },
    { "a nil array", SENDKIT_SPAN("*-1\r\n"), 0 },
    { "an empty array", SENDKIT_SPAN("*0\r\n"), 1 },
    { "an array of two", SENDKIT_SPAN("*2\r\n$1\r\na\r\n$-1\r\n"), 1 },
    { "an array of each type",
      SENDKIT_SPAN("*5\r\n+a\r\n-b\r\n:1\r\n$1\r\nc\r\n$-1\r\n"), 1 },
    { "two replies", SENDKIT_SPAN("+OK\r\n$-1\r\n"), 1 },
    { "two arrays", SENDKIT_SPAN("*1\r\n$-1\r\n*1\r\n$-1\r\n"), 1 },
    { "an empty array before another", SENDKIT_SPAN("*0\r\n*1\r\n:1\r\n"), 1 },
    { "an array before a status", SENDKIT_SPAN("*1\r\n:1\r\n+OK\r\n"), 1 },
    { "half of a length", SENDKIT_SPAN("$40"), 1 },
    { "half of a bulk string", SENDKIT_SPAN("$4\r\nab"), 1 },
    { "half of an array", SENDKIT_SPAN("*2\r\n$-1\r\n"), 1 },
    { "a bulk string of 65536", SENDKIT_SPAN("$65536\r\n"), 1 },
    { "a bulk string of 65537", SENDKIT_SPAN("$65537"), 0 },
    { "a bulk string of 99999", SENDKIT_SPAN("$99999"), 0 },
    { "a bulk string of 100000", SENDKIT_SPAN("$100000"), 0 },
    { "a bulk string of 000001", SENDKIT_SPAN("$000001"), 0 },
    { "a bulk string of 2^32", SENDKIT_SPAN("$4294967296"), 0 },
    { "a bulk string of 2^64 + 1",
      SENDKIT_SPAN("$18446744073709551617"), 0 },
    { "an array of 64", SENDKIT_SPAN("*64\r\n"), 1 },
    { "an array of 65", SENDKIT_SPAN("*65"), 0 },
    { "an array of 4096", SENDKIT_SPAN("*4096"), 0 },
    { "a bulk string of -2", SENDKIT_SPAN("$-2\r\n"), 0 },
    { "a bulk string of -10", SENDKIT_SPAN("$-10\r\n"), 0 },
    { "a bulk string of --1", SENDKIT_SPAN("$--1\r\n"), 0 },
    { "a bulk string of 1-1", SENDKIT_SPAN("$1-1\r\n"), 0 },
    { "a bulk string of +1", SENDKIT_SPAN("$+1\r\n"), 0 },
    { "a bulk string without a length", SENDKIT_SPAN("$\r\n"), 0 },
    { "a bulk string with a letter", SENDKIT_SPAN("$1a\r\n"), 0 },
    { "a bulk string with a space", SENDKIT_SPAN("$ 1\r\n"), 0 },
    { "a bulk string of \"-\"", SENDKIT_SPAN("$-\r\n"), 0 },
    { "a bulk string with a bare LF", SENDKIT_SPAN("$1\na\r\n"), 0 },
    { "a bulk string with a bare CR", SENDKIT_SPAN("$1\ra\r\n"), 0 },
    { "a bulk string that is longer", SENDKIT_SPAN("$1\r\nab\r\n"), 0 },
    { "a bulk string that is shorter", SENDKIT_SPAN("$3\r\na\r\n:1\r\n"), 0 },
    { "a bulk string that ends without LF", SENDKIT_SPAN("$1\r\na\r\r"), 0 },
    { "a nil with a bare LF", SENDKIT_SPAN("$-1\n"), 0 },
    { "a nil with two CRs", SENDKIT_SPAN("$-1\r\r\n"), 0 },
    { "a status with a bare LF", SENDKIT_SPAN("+OK\n"), 0 },
    { "a status with a bare CR", SENDKIT_SPAN("+OK\rx\r\n"), 0 },
    { "a status with two CRs", SENDKIT_SPAN("+OK\r\r\n"), 0 },
    { "an array in an array", SENDKIT_SPAN("*1\r\n*"), 0 },
    { "an array that is last in an array",
      SENDKIT_SPAN("*2\r\n:1\r\n*"), 0 },
    { "a nil array in an array", SENDKIT_SPAN("*1\r\n*-1\r\n"), 0 },
    { "an HTTP response", SENDKIT_SPAN("HTTP/1.1 400 Bad Request\r\n"), 0 },
    { "a blank line", SENDKIT_SPAN("\r\n"), 0 },
    { "a blank line after a reply", SENDKIT_SPAN("+OK\r\n\r\n"), 0 },
    { "a NUL", SENDKIT_SPAN("\0"), 0 }
};


static const test_long_t  test_longs[] = {
    { "a status of 512 bytes", "+", "a", 512, "\r\n", 1 },
    { "a status of 513 bytes", "+", "a", 513, "", 0 },
    { "an error of 512 bytes", "-", "a", 512, "\r\n", 1 },
    { "an error of 513 bytes", "-", "a", 513, "", 0 },
    { "an integer of 513 digits", ":", "1", 513, "", 0 },
    { "a bulk string of 65536 bytes", "$65536\r\n", "a", 65536,
      "\r\n+OK\r\n", 1 },
    { "a bulk string of 65536 bytes and one more", "$65536\r\n", "a", 65537,
      "\r\n", 0 },
    { "an array of 64 elements", "*64\r\n", "$-1\r\n", 64, "$-1\r\n", 1 },
    { "an array of 64 elements and an array in it", "*64\r\n", "$-1\r\n", 63,
      "*0\r\n", 0 },
    { "1000 replies", "", "$1\r\na\r\n", 1000, "", 1 },
    { "300 arrays", "", "*2\r\n$-1\r\n$1\r\na\r\n", 300, "", 1 }
};


/* where messages are expected; a reply holds none of these arrays */

#define TEST_PUSH  "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"

static const test_resp_t  test_messages[] = {
    { "a message with a name", SENDKIT_SPAN(TEST_PUSH "*1\r\n$1\r\na\r\n"), 1 },
    { "a message with two names",
      SENDKIT_SPAN(TEST_PUSH "*2\r\n$1\r\na\r\n$1\r\nb\r\n"), 1 },
    { "a message with no names", SENDKIT_SPAN(TEST_PUSH "*0\r\n"), 1 },
    { "two messages", SENDKIT_SPAN(TEST_PUSH "*1\r\n$1\r\na\r\n"
                                   TEST_PUSH "*1\r\n$1\r\nb\r\n"), 1 },
    { "a message before a status",
      SENDKIT_SPAN(TEST_PUSH "*1\r\n$1\r\na\r\n+PONG\r\n"), 1 },
    { "an array that is first in a message",
      SENDKIT_SPAN("*2\r\n*1\r\n:1\r\n:2\r\n*64\r\n"), 1 },
    { "two arrays in a message",
      SENDKIT_SPAN("*3\r\n*1\r\n:1\r\n*65\r\n:1\r\n"), 1 },
    { "an array of 65 after an empty one in a message",
      SENDKIT_SPAN("*2\r\n*0\r\n*65\r\n"), 1 },
    { "an array in the second array of a message",
      SENDKIT_SPAN("*3\r\n*1\r\n:1\r\n*1\r\n*"), 0 },
    { "a message with 4294967296 names",
      SENDKIT_SPAN(TEST_PUSH "*4294967296\r\n"), 1 },
    { "a message with 9999999999 names",
      SENDKIT_SPAN(TEST_PUSH "*9999999999\r\n$1\r\na\r\n"), 1 },
    { "a message with 10000000000 names",
      SENDKIT_SPAN(TEST_PUSH "*10000000000"), 0 },
    { "a message with a nil array", SENDKIT_SPAN(TEST_PUSH "*-1\r\n"), 0 },
    { "an array in the array of a message",
      SENDKIT_SPAN(TEST_PUSH "*1\r\n*"), 0 },
    { "an array that is last in the array of a message",
      SENDKIT_SPAN(TEST_PUSH "*2\r\n:1\r\n*"), 0 },
    { "a message with a name of 65537 bytes",
      SENDKIT_SPAN(TEST_PUSH "*1\r\n$65537"), 0 },
    { "65 elements after a message",
      SENDKIT_SPAN(TEST_PUSH "*1\r\n$1\r\na\r\n*65"), 0 },
    { "65 elements after a message with no names",
      SENDKIT_SPAN(TEST_PUSH "*0\r\n*65"), 0 }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_replies) / sizeof(test_resp_t); i++) {
        test_reply(&tap, &test_replies[i]);
    }

    for (i = 0; i < sizeof(test_longs) / sizeof(test_long_t); i++) {
        test_long(&tap, &test_longs[i]);
    }

    for (i = 0; i < sizeof(test_messages) / sizeof(test_resp_t); i++) {
        test_message(&tap, &test_messages[i]);
    }

    test_names(&tap);
    test_types(&tap);

    return tap_done(&tap);
}


static void
test_reply(tap_t *tap, const test_resp_t *t)
{
    tap_number(tap, test_accept(t->bytes, t->bytes.len + 1, 0), t->accepted,
               "%s is %s", t->name, t->accepted ? "accepted" : "refused");
    tap_number(tap, test_accept(t->bytes, 1, 0), t->accepted,
               "%s is %s byte by byte", t->name,
               t->accepted ? "accepted" : "refused");
}


static void
test_long(tap_t *tap, const test_long_t *t)
{
    size_t          i, n;
    sendkit_span_t  bytes;
    unsigned char   text[TEST_MAX];

    n = strlen(t->before);
    memcpy(text, t->before, n);

    for (i = 0; i < t->times; i++) {
        memcpy(text + n, t->part, strlen(t->part));
        n += strlen(t->part);
    }

    memcpy(text + n, t->after, strlen(t->after));
    n += strlen(t->after);

    bytes.data = text;
    bytes.len = n;

    tap_number(tap, test_accept(bytes, n, 0), t->accepted, "%s is %s", t->name,
               t->accepted ? "accepted" : "refused");
    tap_number(tap, test_accept(bytes, 7, 0), t->accepted,
               "%s is %s in pieces of 7", t->name,
               t->accepted ? "accepted" : "refused");
}


static void
test_message(tap_t *tap, const test_resp_t *t)
{
    tap_number(tap, test_accept(t->bytes, t->bytes.len, 1), t->accepted,
               "%s is %s", t->name, t->accepted ? "accepted" : "refused");
    tap_number(tap, test_accept(t->bytes, 1, 1), t->accepted,
               "%s is %s byte by byte", t->name,
               t->accepted ? "accepted" : "refused");
    tap_number(tap, test_accept(t->bytes, t->bytes.len, 0), 0,
               "%s is no reply", t->name);
}


/* more names than a reply has elements, each counted */

static void
test_names(tap_t *tap)
{
    char            text[64];
    size_t          i;
    sendkit_resp_t  resp;

    memset(&resp, 0, sizeof(sendkit_resp_t));
    resp.messages = 1;

    (void) sendkit_resp_accept(&resp, tap_text(TEST_PUSH));
    (void) snprintf(text, sizeof(text), "*%u\r\n", TEST_MAX);
    (void) sendkit_resp_accept(&resp, tap_text(text));

    for (i = 0; i < TEST_MAX; i++) {
        if (resp.outer != 1
            || !sendkit_resp_accept(&resp, tap_text("$3\r\nabc\r\n")))
        {
            break;
        }
    }

    tap_number(tap, (long long) i, TEST_MAX, "a message has %u names",
               TEST_MAX);
    tap_number(tap, resp.elements + resp.outer, 0, "and ends after the last");
    tap_number(tap, sendkit_resp_accept(&resp, tap_text("*64\r\n*1\r\n")), 1,
               "and another one follows");
}


static int
test_accept(sendkit_span_t bytes, size_t step, int messages)
{
    sendkit_span_t  piece;
    sendkit_resp_t  resp;

    memset(&resp, 0, sizeof(sendkit_resp_t));
    resp.messages = messages;

    while (bytes.len != 0) {
        piece.data = bytes.data;
        piece.len = step < bytes.len ? step : bytes.len;

        if (!sendkit_resp_accept(&resp, piece)) {
            return 0;
        }

        bytes.data += piece.len;
        bytes.len -= piece.len;
    }

    return 1;
}


static void
test_types(tap_t *tap)
{
    int                 expected;
    unsigned            c, bad;
    sendkit_span_t      bytes;
    unsigned char       type;
    static const char   types[] = "+-:$*";

    bad = 0;
    bytes.data = &type;
    bytes.len = 1;

    for (c = 0; c < 256; c++) {
        type = (unsigned char) c;
        expected = memchr(types, (int) c, sizeof(types) - 1) != NULL;
        bad += test_accept(bytes, 1, 0) != expected;
    }

    tap_number(tap, bad, 0, "a reply begins with one of the five types");
}
