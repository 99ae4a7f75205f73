
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A path is accepted just when it has one reading: whoever decodes it, drops
 * its dot segments (RFC 3986, section 5.2.4), merges its slashes and joins it
 * again gets the same bytes.
 */


#include "sendkit_path.h"
#include "fuzz.h"


#define FUZZ_PATH_MAX  1024

#define FUZZ_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define FUZZ_PATH_ALPHABET  FUZZ_LETTERS "-._~!$&'()*+,=:@/"


typedef struct {
    size_t                len;
    unsigned char         data[FUZZ_PATH_MAX + 1];
} fuzz_path_t;


static void fuzz_path_one_reading(sendkit_span_t raw);
static void fuzz_path_segments(sendkit_span_t path);
static void fuzz_path_pair(sendkit_span_t input);
static void fuzz_path_decode(fuzz_path_t *path, sendkit_span_t raw);
static unsigned fuzz_path_hex(unsigned char c);
static void fuzz_path_normalize(fuzz_path_t *path);
static sendkit_span_t fuzz_path_span(const fuzz_path_t *path);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t  input;

    if (size > FUZZ_PATH_MAX) {
        return 0;
    }

    input.data = data;
    input.len = size;

    fuzz_path_one_reading(input);
    fuzz_path_segments(input);
    fuzz_path_pair(input);

    return 0;
}


static void
fuzz_path_one_reading(sendkit_span_t raw)
{
    int             one;
    fuzz_path_t     reading;
    sendkit_span_t  normalized;

    fuzz_path_decode(&reading, raw);
    fuzz_path_normalize(&reading);

    normalized = fuzz_path_span(&reading);

    one = raw.len != 0 && raw.data[0] == '/'
          && sendkit_span_equal(raw, normalized)
          && fuzz_has_only(raw, FUZZ_PATH_ALPHABET);

    fuzz_check(sendkit_path_is_canonical(raw, raw) == one);
    fuzz_check(sendkit_path_is_canonical(raw, normalized) == one);

    /* what was normalized once does not change again */

    raw.data = normalized.data;
    raw.len = normalized.len;

    fuzz_check(sendkit_path_is_canonical(raw, normalized)
               == fuzz_has_only(raw, FUZZ_PATH_ALPHABET));
}


/* the segments of whatever begins with a slash, joined again */

static void
fuzz_path_segments(sendkit_span_t path)
{
    size_t          n, i;
    fuzz_path_t     joined;
    sendkit_span_t  rest, segment;

    if (path.len == 0 || path.data[0] != '/') {
        return;
    }

    rest = path;
    joined.len = 0;
    n = 0;

    while (sendkit_path_next_segment(&rest, &segment)) {
        n++;

        fuzz_check(segment.len == 0
                   || memchr(segment.data, '/', segment.len) == NULL);
        fuzz_check(joined.len + segment.len < path.len);

        joined.data[joined.len++] = '/';
        memcpy(joined.data + joined.len, segment.data, segment.len);
        joined.len += segment.len;
    }

    fuzz_check(rest.len == 0);
    fuzz_check(sendkit_span_equal(fuzz_path_span(&joined), path));

    for (i = 0; i < path.len; i++) {
        n -= path.data[i] == '/';
    }

    fuzz_check(n == 0);
}


/* two paths of one input: what differs is never accepted */

static void
fuzz_path_pair(sendkit_span_t input)
{
    size_t          len;
    sendkit_span_t  raw, normalized;

    len = fuzz_byte(&input);

    raw = fuzz_take(&input, len);
    normalized = input;

    if (sendkit_path_is_canonical(raw, normalized)) {
        fuzz_check(raw.len == normalized.len
                   && memcmp(raw.data, normalized.data, raw.len) == 0);
    }
}


static void
fuzz_path_decode(fuzz_path_t *path, sendkit_span_t raw)
{
    size_t    i;
    unsigned  high, low;

    path->len = 0;

    for (i = 0; i < raw.len; i++) {

        if (raw.data[i] == '%' && i + 2 < raw.len) {
            high = fuzz_path_hex(raw.data[i + 1]);
            low = fuzz_path_hex(raw.data[i + 2]);

            if (high < 16 && low < 16) {
                path->data[path->len++] = (unsigned char) (high * 16 + low);
                i += 2;
                continue;
            }
        }

        path->data[path->len++] = raw.data[i];
    }
}


static unsigned
fuzz_path_hex(unsigned char c)
{
    const char         *p;
    static const char   digits[] = "0123456789abcdef0123456789ABCDEF";

    p = memchr(digits, c, sizeof(digits) - 1);

    return p == NULL ? 16 : (unsigned) (p - digits) % 16;
}


/* in place: what is written is never longer than what was read */

static void
fuzz_path_normalize(fuzz_path_t *path)
{
    size_t          i, end, len, last;
    unsigned char  *data;

    data = path->data;
    len = 0;
    last = path->len;

    for (i = 0; i < last; i = end) {

        /* data[i], the slash before the segment, and the segment */

        for (end = i + 1; end < last && data[end] != '/'; end++) { /* void */ }

        if (end - i == 3 && data[i + 1] == '.' && data[i + 2] == '.') {

            while (len != 0 && data[--len] != '/') { /* void */ }

        } else if (end - i > 2 || (end - i == 2 && data[i + 1] != '.')) {
            data[len++] = '/';
            memmove(data + len, data + i + 1, end - i - 1);
            len += end - i - 1;
            continue;
        }

        /* nothing of "/", "/." and "/.." stays but a slash at the end */

        if (end == last) {
            data[len++] = '/';
        }
    }

    if (last == 0) {
        data[len++] = '/';
    }

    path->len = len;
}


static sendkit_span_t
fuzz_path_span(const fuzz_path_t *path)
{
    sendkit_span_t  span;

    span.data = path->data;
    span.len = path->len;

    return span;
}
