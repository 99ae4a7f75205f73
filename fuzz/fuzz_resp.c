
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A stream of replies, or of messages, gets one verdict, however it is cut;
 * the verdict is that of a parser which sees it whole; and in what was
 * accepted hiredis finds no length beyond the limits, and no array deeper
 * than there may be.
 */


#include <hiredis/hiredis.h>

#include "sendkit_resp.h"
#include "fuzz.h"


#define FUZZ_RESP_MAX   8192
#define FUZZ_CUTS_MAX   512     /* longer streams are cut at few places */

/* in an input: repeat the byte after the next one, "next" times 24 times */
#define FUZZ_REPEAT     0xff
#define FUZZ_REPEAT_BY  24


/* what the parser has to say about the bytes from some place on */

typedef enum {
    FUZZ_RESP_WHOLE = 0,
    FUZZ_RESP_MORE,
    FUZZ_RESP_BAD
} fuzz_resp_e;


typedef struct {
    size_t                len;
    unsigned char         data[FUZZ_RESP_MAX];
} fuzz_resp_t;


/* the type of a number of elements in hiredis */

#if HIREDIS_MAJOR >= 1
typedef size_t  fuzz_resp_count_t;
#else
typedef int  fuzz_resp_count_t;
#endif


static void fuzz_resp_expand(fuzz_resp_t *stream, sendkit_span_t input);
static void fuzz_resp_verdict(sendkit_span_t stream, sendkit_span_t cuts,
    int messages);
static void fuzz_resp_cut(sendkit_span_t stream, sendkit_span_t cuts,
    int messages, int accepted);
static int fuzz_resp_pieces(sendkit_span_t stream, size_t first, size_t step,
    int messages);

static void fuzz_resp_hiredis(sendkit_span_t stream, int messages);
static void *fuzz_resp_string(const redisReadTask *task, char *text,
    size_t len);
static void *fuzz_resp_array(const redisReadTask *task, fuzz_resp_count_t n);
static void *fuzz_resp_integer(const redisReadTask *task, long long n);
static void *fuzz_resp_nil(const redisReadTask *task);
static void fuzz_resp_free(void *object);

static fuzz_resp_e fuzz_resp_stream(sendkit_span_t *stream, int messages);
static fuzz_resp_e fuzz_resp_reply(sendkit_span_t *stream, int messages);
static fuzz_resp_e fuzz_resp_element(sendkit_span_t *stream, int messages);
static fuzz_resp_e fuzz_resp_names(sendkit_span_t *stream);
static fuzz_resp_e fuzz_resp_line(sendkit_span_t *stream);
static fuzz_resp_e fuzz_resp_bulk(sendkit_span_t *stream);
static fuzz_resp_e fuzz_resp_length(sendkit_span_t *stream, int digits_max,
    long long limit, long long *length);
static fuzz_resp_e fuzz_resp_crlf(sendkit_span_t *stream);


static redisReplyObjectFunctions  fuzz_resp_functions = {
    .createString = fuzz_resp_string,
    .createArray = fuzz_resp_array,
    .createInteger = fuzz_resp_integer,
    .createNil = fuzz_resp_nil,
    .freeObject = fuzz_resp_free
};


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t       input, stream;
    static fuzz_resp_t   bytes;

    input.data = data;
    input.len = size;

    fuzz_resp_expand(&bytes, input);

    stream.data = bytes.data;
    stream.len = bytes.len;

    fuzz_resp_verdict(stream, input, 0);
    fuzz_resp_verdict(stream, input, 1);

    return 0;
}


static void
fuzz_resp_expand(fuzz_resp_t *stream, sendkit_span_t input)
{
    size_t    n;
    unsigned  c;

    stream->len = 0;

    while (input.len != 0 && stream->len < FUZZ_RESP_MAX) {
        c = fuzz_byte(&input);
        n = 1;

        if (c == FUZZ_REPEAT && input.len > 1) {
            n = (size_t) fuzz_byte(&input) * FUZZ_REPEAT_BY;
            c = fuzz_byte(&input);
        }

        n = n < FUZZ_RESP_MAX - stream->len ? n : FUZZ_RESP_MAX - stream->len;

        memset(stream->data + stream->len, (int) c, n);
        stream->len += n;
    }
}


static void
fuzz_resp_verdict(sendkit_span_t stream, sendkit_span_t cuts, int messages)
{
    int             accepted;
    fuzz_resp_e     expected;
    sendkit_span_t  rest;

    rest = stream;
    expected = fuzz_resp_stream(&rest, messages);

    accepted = fuzz_resp_pieces(stream, stream.len, 1, messages);

    fuzz_check(accepted == (expected != FUZZ_RESP_BAD));

    fuzz_resp_cut(stream, cuts, messages, accepted);

    if (accepted) {
        fuzz_resp_hiredis(stream, messages);
    }
}


static void
fuzz_resp_cut(sendkit_span_t stream, sendkit_span_t cuts, int messages,
    int accepted)
{
    size_t  i;

    fuzz_check(fuzz_resp_pieces(stream, 0, 1, messages) == accepted);

    for (i = 0; i < stream.len && stream.len <= FUZZ_CUTS_MAX; i++) {
        fuzz_check(fuzz_resp_pieces(stream, i, stream.len, messages)
                   == accepted);
    }

    if (cuts.len > 1) {
        fuzz_check(fuzz_resp_pieces(stream, cuts.data[0],
                                    cuts.data[cuts.len - 1] + 1u, messages)
                   == accepted);
    }
}


/* the first piece, then pieces of "step" bytes */

static int
fuzz_resp_pieces(sendkit_span_t stream, size_t first, size_t step,
    int messages)
{
    sendkit_resp_t  resp;

    memset(&resp, 0, sizeof(sendkit_resp_t));
    resp.messages = messages;

    if (!sendkit_resp_accept(&resp, fuzz_take(&stream, first))) {
        return 0;
    }

    while (stream.len != 0) {
        if (!sendkit_resp_accept(&resp, fuzz_take(&stream, step))) {
            return 0;
        }
    }

    return 1;
}


/* it may find an error: that an integer is one, for example, is left to it */

static void
fuzz_resp_hiredis(sendkit_span_t stream, int messages)
{
    void         *reply;
    redisReader  *reader;

    reader = redisReaderCreateWithFunctions(&fuzz_resp_functions);
    fuzz_check(reader != NULL);

    reader->privdata = &messages;

    fuzz_check(redisReaderFeed(reader, (const char *) stream.data, stream.len)
               == REDIS_OK);

    do {
        reply = NULL;

    } while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL);

    redisReaderFree(reader);
}


static void *
fuzz_resp_string(const redisReadTask *task, char *text, size_t len)
{
    (void) text;

    fuzz_check(len <= (task->type == REDIS_REPLY_STRING
                       ? SENDKIT_RESP_BULK_MAX : SENDKIT_RESP_LINE_MAX));

    return task->privdata;
}


static void *
fuzz_resp_array(const redisReadTask *task, fuzz_resp_count_t n)
{
    int  *messages;

    messages = task->privdata;

    if (task->parent == NULL) {
        fuzz_check(n <= SENDKIT_RESP_ARRAY_MAX);

    } else {
        fuzz_check(*messages && task->parent->parent == NULL);
    }

    return task->privdata;
}


static void *
fuzz_resp_integer(const redisReadTask *task, long long n)
{
    (void) n;

    return task->privdata;
}


static void *
fuzz_resp_nil(const redisReadTask *task)
{
    return task->privdata;
}


static void
fuzz_resp_free(void *object)
{
    (void) object;
}


static fuzz_resp_e
fuzz_resp_stream(sendkit_span_t *stream, int messages)
{
    fuzz_resp_e  rc;

    while (stream->len != 0) {
        rc = fuzz_resp_reply(stream, messages);

        if (rc != FUZZ_RESP_WHOLE) {
            return rc;
        }
    }

    return FUZZ_RESP_WHOLE;
}


/* an element, or an array of such */

static fuzz_resp_e
fuzz_resp_reply(sendkit_span_t *stream, int messages)
{
    long long    length;
    fuzz_resp_e  rc;

    if (stream->data[0] != '*') {
        return fuzz_resp_element(stream, 0);
    }

    (void) fuzz_byte(stream);

    rc = fuzz_resp_length(stream, 5, SENDKIT_RESP_ARRAY_MAX, &length);

    while (rc == FUZZ_RESP_WHOLE && length-- > 0) {
        rc = fuzz_resp_element(stream, messages);
    }

    return rc;
}


/* in a message it may be an array of elements that are none */

static fuzz_resp_e
fuzz_resp_element(sendkit_span_t *stream, int messages)
{
    if (stream->len == 0) {
        return FUZZ_RESP_MORE;
    }

    switch (fuzz_byte(stream)) {

    case '+':
    case '-':
    case ':':
        return fuzz_resp_line(stream);

    case '$':
        return fuzz_resp_bulk(stream);

    case '*':
        return messages ? fuzz_resp_names(stream) : FUZZ_RESP_BAD;

    default:
        return FUZZ_RESP_BAD;
    }
}


static fuzz_resp_e
fuzz_resp_names(sendkit_span_t *stream)
{
    long long    length;
    fuzz_resp_e  rc;

    rc = fuzz_resp_length(stream, 10, INT64_MAX, &length);

    while (rc == FUZZ_RESP_WHOLE && length-- > 0) {
        rc = fuzz_resp_element(stream, 0);
    }

    return rc;
}


static fuzz_resp_e
fuzz_resp_line(sendkit_span_t *stream)
{
    size_t                n;
    const unsigned char  *data;

    data = stream->data;

    for (n = 0; n < stream->len && data[n] != '\r' && data[n] != '\n'; n++) {
        /* void */
    }

    if (n > SENDKIT_RESP_LINE_MAX) {
        return FUZZ_RESP_BAD;
    }

    (void) fuzz_take(stream, n);

    return fuzz_resp_crlf(stream);
}


static fuzz_resp_e
fuzz_resp_bulk(sendkit_span_t *stream)
{
    long long    length;
    fuzz_resp_e  rc;

    rc = fuzz_resp_length(stream, 5, SENDKIT_RESP_BULK_MAX, &length);

    if (rc != FUZZ_RESP_WHOLE || length < 0) {
        return rc;
    }

    (void) fuzz_take(stream, (size_t) length);

    return fuzz_resp_crlf(stream);
}


/* "-1" for a bulk string, or digits that are not above the limit */

static fuzz_resp_e
fuzz_resp_length(sendkit_span_t *stream, int digits_max, long long limit,
    long long *length)
{
    int  digits;

    *length = -1;

    if (stream->len != 0 && stream->data[0] == '-'
        && limit == SENDKIT_RESP_BULK_MAX)
    {
        (void) fuzz_byte(stream);

        if (stream->len == 0) {
            return FUZZ_RESP_MORE;
        }

        return fuzz_byte(stream) == '1' ? fuzz_resp_crlf(stream)
                                        : FUZZ_RESP_BAD;
    }

    *length = 0;

    for (digits = 0;
         stream->len != 0 && stream->data[0] >= '0' && stream->data[0] <= '9';
         digits++)
    {
        *length = *length * 10 + (long long) (fuzz_byte(stream) - '0');

        if (digits == digits_max || *length > limit) {
            return FUZZ_RESP_BAD;
        }
    }

    if (digits == 0) {
        return stream->len == 0 ? FUZZ_RESP_MORE : FUZZ_RESP_BAD;
    }

    return fuzz_resp_crlf(stream);
}


static fuzz_resp_e
fuzz_resp_crlf(sendkit_span_t *stream)
{
    if (stream->len == 0) {
        return FUZZ_RESP_MORE;
    }

    if (fuzz_byte(stream) != '\r') {
        return FUZZ_RESP_BAD;
    }

    if (stream->len == 0) {
        return FUZZ_RESP_MORE;
    }

    return fuzz_byte(stream) == '\n' ? FUZZ_RESP_WHOLE : FUZZ_RESP_BAD;
}
