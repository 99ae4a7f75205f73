
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Which paths have one reading only, and how one falls into segments. */


#include "sendkit_path.h"
#include "tap.h"


typedef struct {
    const char      *name;
    sendkit_span_t   path;
    int              canonical;
} test_path_t;


static void test_table(tap_t *tap);
static void test_alphabet(tap_t *tap);
static void test_normalized(tap_t *tap);
static void test_segments(tap_t *tap);


static const test_path_t  test_paths[] = {
    { "an empty path", SENDKIT_SPAN(""), 0 },
    { "the root", SENDKIT_SPAN("/"), 1 },
    { "a path", SENDKIT_SPAN("/v1/workspaces"), 1 },
    { "a trailing slash", SENDKIT_SPAN("/v1/workspaces/"), 1 },
    { "a path without its first slash", SENDKIT_SPAN("v1/workspaces"), 0 },
    { "a double slash", SENDKIT_SPAN("/v1//workspaces"), 0 },
    { "a double slash at the beginning", SENDKIT_SPAN("//v1"), 0 },
    { "a double slash at the end", SENDKIT_SPAN("/v1//"), 0 },
    { "nothing but two slashes", SENDKIT_SPAN("//"), 0 },
    { "a dot segment", SENDKIT_SPAN("/v1/./workspaces"), 0 },
    { "a dot segment at the beginning", SENDKIT_SPAN("/./v1"), 0 },
    { "a dot segment at the end", SENDKIT_SPAN("/v1/."), 0 },
    { "a dot segment and a slash at the end", SENDKIT_SPAN("/v1/./"), 0 },
    { "a segment of two dots", SENDKIT_SPAN("/v1/../v2"), 0 },
    { "two dots at the beginning", SENDKIT_SPAN("/../v2"), 0 },
    { "two dots at the end", SENDKIT_SPAN("/v1/.."), 0 },
    { "nothing but a dot", SENDKIT_SPAN("/."), 0 },
    { "nothing but two dots", SENDKIT_SPAN("/.."), 0 },
    { "a segment of three dots", SENDKIT_SPAN("/v1/..."), 1 },
    { "a segment that begins with a dot", SENDKIT_SPAN("/v1/.well-known"), 1 },
    { "a segment that ends with a dot", SENDKIT_SPAN("/v1/a."), 1 },
    { "a segment of two that begins with a dot", SENDKIT_SPAN("/v1/.a"), 1 },
    { "a segment that begins with two dots", SENDKIT_SPAN("/v1/..a"), 1 },
    { "an encoded letter", SENDKIT_SPAN("/v1/%61"), 0 },
    { "an encoded slash", SENDKIT_SPAN("/v1%2fworkspaces"), 0 },
    { "an encoded dot segment", SENDKIT_SPAN("/v1/%2e%2e/v2"), 0 },
    { "a bare percent sign", SENDKIT_SPAN("/v1/100%"), 0 },
    { "a semicolon", SENDKIT_SPAN("/v1/workspaces;a=b"), 0 },
    { "dots before a semicolon", SENDKIT_SPAN("/v1/..;/v2"), 0 },
    { "a backslash", SENDKIT_SPAN("/v1\\workspaces"), 0 },
    { "a number sign", SENDKIT_SPAN("/v1#workspaces"), 0 },
    { "a question mark", SENDKIT_SPAN("/v1?a"), 0 },
    { "a space", SENDKIT_SPAN("/v1/a b"), 0 },
    { "a NUL in the middle", SENDKIT_SPAN("/v1\0/workspaces"), 0 },
    { "a NUL at the end", SENDKIT_SPAN("/v1\0"), 0 },
    { "a line feed", SENDKIT_SPAN("/v1\n"), 0 },
    { "a byte outside of ASCII", SENDKIT_SPAN("/v1/\xc3\xa4"), 0 },
    { "an overlong slash", SENDKIT_SPAN("/v1/\xc0\xaf"), 0 },
    { "an absolute form", SENDKIT_SPAN("http://example.com/v1"), 0 },
    { "an asterisk for the server", SENDKIT_SPAN("*"), 0 },
    { "all of the marks", SENDKIT_SPAN("/-._~!$&'()*+,=:@"), 1 }
};


int
main(void)
{
    tap_t  tap;

    memset(&tap, 0, sizeof(tap_t));

    test_table(&tap);
    test_alphabet(&tap);
    test_normalized(&tap);
    test_segments(&tap);

    return tap_done(&tap);
}


static void
test_table(tap_t *tap)
{
    size_t              i;
    const test_path_t  *t;

    for (i = 0; i < sizeof(test_paths) / sizeof(test_path_t); i++) {
        t = &test_paths[i];

        tap_number(tap, sendkit_path_is_canonical(t->path, t->path),
                   t->canonical, "%s is %s", t->name,
                   t->canonical ? "accepted" : "refused");
    }
}


static void
test_alphabet(tap_t *tap)
{
    int                 expected;
    size_t              at;
    unsigned            c, bad;
    unsigned char       text[5];
    sendkit_span_t      path;
    static const char   accepted[] = "abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                     "-._~!$&'()*+,=:@";

    bad = 0;

    for (c = 0; c < 256; c++) {

        if (c == '/') {
            continue;
        }

        expected = memchr(accepted, (int) c, sizeof(accepted) - 1) != NULL;

        for (at = 1; at < sizeof(text); at++) {
            memcpy(text, "/abcd", sizeof(text));
            text[at] = (unsigned char) c;

            path.data = text;
            path.len = sizeof(text);

            bad += sendkit_path_is_canonical(path, path) != expected;
        }
    }

    tap_number(tap, bad, 0, "a segment has the listed bytes and no others");
}


static void
test_normalized(tap_t *tap)
{
    size_t             i;
    static const struct {
        const char      *name;
        sendkit_span_t   raw;
        sendkit_span_t   normalized;
    } pairs[] = {
        { "was decoded", SENDKIT_SPAN("/v1/%61"), SENDKIT_SPAN("/v1/a") },
        { "was merged", SENDKIT_SPAN("/v1//a"), SENDKIT_SPAN("/v1/a") },
        { "lost its dots", SENDKIT_SPAN("/v1/../a"), SENDKIT_SPAN("/a") },
        { "became another", SENDKIT_SPAN("/v1/a"), SENDKIT_SPAN("/v1/b") },
        { "changed its case", SENDKIT_SPAN("/v1/A"), SENDKIT_SPAN("/v1/a") },
        { "became shorter", SENDKIT_SPAN("/v1/a"), SENDKIT_SPAN("/v1/") },
        { "became longer", SENDKIT_SPAN("/v1/"), SENDKIT_SPAN("/v1/a") },
        { "became empty", SENDKIT_SPAN("/v1"), SENDKIT_SPAN("") },
        { "was empty before", SENDKIT_SPAN(""), SENDKIT_SPAN("/v1") },
        { "has no value", SENDKIT_SPAN("/v1"), { NULL, 0 } },
        { "had no value before", { NULL, 0 }, SENDKIT_SPAN("/v1") }
    };

    for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        tap_ok(tap, !sendkit_path_is_canonical(pairs[i].raw,
                                               pairs[i].normalized),
               "a path that %s is refused", pairs[i].name);
    }
}


static void
test_segments(tap_t *tap)
{
    size_t             i, n;
    sendkit_span_t     rest, segment;
    static const struct {
        const char      *path;
        const char      *segments[4];
    } paths[] = {
        { "", { NULL } },
        { "/", { "", NULL } },
        { "/a", { "a", NULL } },
        { "/a/", { "a", "", NULL } },
        { "/v1/workspaces/w", { "v1", "workspaces", "w", NULL } }
    };

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        rest = tap_text(paths[i].path);

        for (n = 0; paths[i].segments[n] != NULL; n++) {
            tap_ok(tap, sendkit_path_next_segment(&rest, &segment) == 1,
                   "\"%s\" has segment %u", paths[i].path, (unsigned) n + 1);
            tap_span(tap, segment, tap_text(paths[i].segments[n]),
                     "segment %u of \"%s\" is \"%s\"", (unsigned) n + 1,
                     paths[i].path, paths[i].segments[n]);
        }

        tap_ok(tap, sendkit_path_next_segment(&rest, &segment) == 0,
               "\"%s\" has %u segments", paths[i].path, (unsigned) n);
    }
}
