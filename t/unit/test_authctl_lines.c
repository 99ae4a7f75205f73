
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* Where lines begin and end, their numbers, and which cannot be taken. */


#include <stdlib.h>

#include "authctl_lines.h"
#include "tap.h"


#define TEST_LINES_MAX  4


typedef struct {
    uint64_t            number;         /* 0: there are no more */
    const char         *text;           /* NULL: it is bad */
} test_expected_t;


typedef struct {
    const char         *name;
    sendkit_span_t      file;
    test_expected_t     lines[TEST_LINES_MAX];
} test_file_t;


static void test_file(tap_t *tap, const test_file_t *t);
static void test_length(tap_t *tap, size_t len, const char *end, int good);
static void test_cut(tap_t *tap);
static void test_copy(tap_t *tap);
static FILE *test_open(sendkit_span_t bytes);


static const test_file_t  test_files[] = {
    { "a file of two lines", SENDKIT_SPAN("a\nb\n"),
      { { 1, "a" }, { 2, "b" } } },

    { "a file without a line break at its end", SENDKIT_SPAN("a\nb"),
      { { 1, "a" }, { 2, "b" } } },

    { "a file with CR LF", SENDKIT_SPAN("a\r\nb\r\n"),
      { { 1, "a" }, { 2, "b" } } },

    { "a file with CR at its end", SENDKIT_SPAN("a\r"),
      { { 1, "a" } } },

    { "a file with CR in a line", SENDKIT_SPAN("a\rb\r\r\n"),
      { { 1, "a\rb\r" } } },

    { "a file with empty lines", SENDKIT_SPAN("\n\r\na\n\nb\n\n"),
      { { 3, "a" }, { 5, "b" } } },

    { "an empty file", SENDKIT_SPAN(""),
      { { 0, NULL } } },

    { "a file of line breaks", SENDKIT_SPAN("\n\n\r\n"),
      { { 0, NULL } } },

    { "a file with a byte order mark", SENDKIT_SPAN("\xef\xbb\xbf" "a\nb\n"),
      { { 1, "a" }, { 2, "b" } } },

    { "a file of a byte order mark", SENDKIT_SPAN("\xef\xbb\xbf"),
      { { 0, NULL } } },

    { "a file with a byte order mark in line 2",
      SENDKIT_SPAN("a\n\xef\xbb\xbf" "b\n"),
      { { 1, "a" }, { 2, "\xef\xbb\xbf" "b" } } },

    { "a file with a part of a byte order mark", SENDKIT_SPAN("\xef\xbb\n"),
      { { 1, "\xef\xbb" } } },

    { "a file with a NUL in line 2", SENDKIT_SPAN("a\nb\0c\nd\n"),
      { { 1, "a" }, { 2, NULL }, { 3, "d" } } },

    { "a file with a NUL in a line of its own", SENDKIT_SPAN("\0\na\n"),
      { { 1, NULL }, { 2, "a" } } }
};


int
main(void)
{
    tap_t   tap;
    size_t  i;

    memset(&tap, 0, sizeof(tap_t));

    for (i = 0; i < sizeof(test_files) / sizeof(test_file_t); i++) {
        test_file(&tap, &test_files[i]);
    }

    test_length(&tap, AUTHCTL_LINE_MAX - 1, "\n", 1);
    test_length(&tap, AUTHCTL_LINE_MAX, "\n", 1);
    test_length(&tap, AUTHCTL_LINE_MAX, "\r\n", 1);
    test_length(&tap, AUTHCTL_LINE_MAX + 1, "\n", 0);
    test_length(&tap, AUTHCTL_LINE_MAX + 1, "\r\n", 0);
    test_length(&tap, 2 * AUTHCTL_LINE_MAX - 1, "\n", 0);
    test_length(&tap, 2 * AUTHCTL_LINE_MAX, "\n", 0);
    test_length(&tap, 2 * AUTHCTL_LINE_MAX + 1, "\n", 0);
    test_length(&tap, 100 * AUTHCTL_LINE_MAX, "\r\n", 0);

    test_cut(&tap);
    test_copy(&tap);

    return tap_done(&tap);
}


static void
test_file(tap_t *tap, const test_file_t *t)
{
    FILE                    *file;
    size_t                   i;
    sendkit_span_t           line;
    authctl_line_e           found;
    authctl_reason_t         reason;
    const test_expected_t   *e;
    static authctl_lines_t   lines;

    file = test_open(t->file);

    authctl_lines_init(&lines, file, NULL);

    for (i = 0; i < TEST_LINES_MAX && t->lines[i].number != 0; i++) {
        e = &t->lines[i];
        found = authctl_lines_next(&lines, &line, &reason);

        tap_number(tap, (long long) lines.number, (long long) e->number,
                   "%s has a line %u", t->name, (unsigned) e->number);

        if (e->text == NULL) {
            tap_number(tap, found, AUTHCTL_LINE_BAD, "%s has a bad line",
                       t->name);
            tap_span(tap, tap_text(reason.text), tap_text("has a NUL byte"),
                     "%s has a line that is bad for its NUL", t->name);

        } else if (tap_number(tap, found, AUTHCTL_LINE_GOOD,
                              "%s has a good line", t->name))
        {
            tap_span(tap, line, tap_text(e->text), "%s has it whole", t->name);
        }
    }

    tap_number(tap, authctl_lines_next(&lines, &line, &reason),
               AUTHCTL_LINE_END, "%s ends", t->name);
    tap_number(tap, authctl_lines_next(&lines, &line, &reason),
               AUTHCTL_LINE_END, "%s stays at its end", t->name);
    tap_number(tap, lines.error, 0, "%s was read", t->name);
    tap_number(tap, (long long) lines.bytes, (long long) t->file.len,
               "%s was read as a whole", t->name);

    fclose(file);
}


/* one line of "len" bytes, and another behind it */

static void
test_length(tap_t *tap, size_t len, const char *end, int good)
{
    FILE                   *file;
    unsigned char          *p;
    sendkit_span_t          bytes, line;
    authctl_line_e          found;
    authctl_reason_t        reason;
    static authctl_lines_t  lines;

    bytes.len = len + strlen(end) + 2;
    p = malloc(bytes.len);
    bytes.data = p;

    if (p == NULL) {
        tap_ok(tap, 0, "there is memory");
        return;
    }

    memset(p, 'x', len);
    memcpy(p + len, end, strlen(end));
    memcpy(p + len + strlen(end), "a\n", 2);

    file = test_open(bytes);

    authctl_lines_init(&lines, file, NULL);

    found = authctl_lines_next(&lines, &line, &reason);

    tap_number(tap, found, good ? AUTHCTL_LINE_GOOD : AUTHCTL_LINE_BAD,
               "a line of %zu bytes is %s", len, good ? "good" : "bad");

    if (good) {
        tap_number(tap, (long long) line.len, (long long) len,
                   "a line of %zu bytes is whole", len);

    } else {
        tap_span(tap, tap_text(reason.text),
                 tap_text("is longer than 65536 bytes"),
                 "a line of %zu bytes is bad for its length", len);
    }

    found = authctl_lines_next(&lines, &line, &reason);

    tap_ok(tap, found == AUTHCTL_LINE_GOOD && lines.number == 2
                && sendkit_span_equal(line, tap_text("a")),
           "the line after one of %zu bytes is read", len);
    tap_number(tap, authctl_lines_next(&lines, &line, &reason),
               AUTHCTL_LINE_END, "it is the last one");

    fclose(file);
    free(p);
}


/* the longest line, with the end of what is read at once before its LF */

static void
test_cut(tap_t *tap)
{
    FILE                    *file;
    size_t                   before;
    sendkit_span_t           bytes, line;
    authctl_line_e           found;
    authctl_reason_t         reason;
    static unsigned char     buf[2 * AUTHCTL_LINE_MAX + 1];
    static authctl_lines_t   lines;

    before = AUTHCTL_LINE_MAX - 2;

    memset(buf, 'x', sizeof(buf));
    buf[before] = '\n';
    memcpy(buf + sizeof(buf) - 2, "\r\n", 2);

    bytes.data = buf;
    bytes.len = sizeof(buf);

    file = test_open(bytes);

    authctl_lines_init(&lines, file, NULL);

    (void) authctl_lines_next(&lines, &line, &reason);

    tap_number(tap, (long long) line.len, (long long) before,
               "a line before the longest one is whole");

    found = authctl_lines_next(&lines, &line, &reason);

    tap_ok(tap, found == AUTHCTL_LINE_GOOD && line.len == AUTHCTL_LINE_MAX,
           "the longest line is whole, though it is read in two parts");

    fclose(file);
}


static void
test_copy(tap_t *tap)
{
    FILE                   *file, *full;
    sendkit_span_t          line;
    authctl_reason_t        reason;
    static authctl_lines_t  lines;

    file = test_open(tap_text("a\nb\n"));
    full = fopen("/dev/full", "w");

    if (full == NULL) {
        tap_ok(tap, 0, "there is a /dev/full");
        return;
    }

    setbuf(full, NULL);

    authctl_lines_init(&lines, file, full);

    tap_number(tap, authctl_lines_next(&lines, &line, &reason),
               AUTHCTL_LINE_END, "no line is read that cannot be copied");
    tap_ok(tap, lines.error != 0, "and the reader says so");

    fclose(full);
    fclose(file);
}


static FILE *
test_open(sendkit_span_t bytes)
{
    FILE  *file;

    file = tmpfile();

    if (file == NULL
        || fwrite(bytes.data, 1, bytes.len, file) != bytes.len
        || fseek(file, 0, SEEK_SET) != 0)
    {
        abort();
    }

    return file;
}
