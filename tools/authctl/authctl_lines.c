
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>

#include "authctl_lines.h"


static int authctl_lines_take(authctl_lines_t *lines, sendkit_span_t *line);
static void authctl_lines_fill(authctl_lines_t *lines);
static void authctl_lines_trim(authctl_lines_t *lines, sendkit_span_t *line);


void
authctl_lines_init(authctl_lines_t *lines, FILE *file, FILE *copy)
{
    lines->file = file;
    lines->copy = copy;
    lines->number = 0;
    lines->bytes = 0;
    lines->error = 0;
    lines->end = 0;
    lines->skipping = 0;
    lines->pos = 0;
    lines->last = 0;
}


authctl_line_e
authctl_lines_next(authctl_lines_t *lines, sendkit_span_t *line,
    authctl_reason_t *reason)
{
    int  skipped;

    do {
        if (!authctl_lines_take(lines, line)) {
            return AUTHCTL_LINE_END;
        }

        lines->number++;
        skipped = lines->skipping;
        lines->skipping = 0;

        authctl_lines_trim(lines, line);

    } while (line->len == 0 && !skipped);

    if (skipped || line->len > AUTHCTL_LINE_MAX) {
        authctl_reason_set(reason, "is longer than %d bytes",
                           AUTHCTL_LINE_MAX);
        return AUTHCTL_LINE_BAD;
    }

    if (memchr(line->data, '\0', line->len) != NULL) {
        authctl_reason_set(reason, "has a NUL byte");
        return AUTHCTL_LINE_BAD;
    }

    return AUTHCTL_LINE_GOOD;
}


/* the bytes up to a LF or the end of the file; of a long line the last ones */

static int
authctl_lines_take(authctl_lines_t *lines, sendkit_span_t *line)
{
    size_t                seen;
    const unsigned char  *p, *lf;

    seen = 0;

    for ( ;; ) {
        p = lines->buf + lines->pos;
        line->data = p;
        line->len = lines->last - lines->pos;

        lf = memchr(p + seen, '\n', line->len - seen);

        if (lf != NULL) {
            line->len = (size_t) (lf - p);
            lines->pos += line->len + 1;
            return 1;
        }

        if (lines->end) {
            lines->pos = lines->last;
            return line->len != 0 || lines->skipping;
        }

        if (line->len > AUTHCTL_LINE_MAX + 1) {
            lines->skipping = 1;
            lines->pos = lines->last;
        }

        seen = lines->last - lines->pos;

        authctl_lines_fill(lines);
    }
}


static void
authctl_lines_fill(authctl_lines_t *lines)
{
    size_t  n, rest;

    rest = lines->last - lines->pos;

    memmove(lines->buf, lines->buf + lines->pos, rest);
    lines->pos = 0;
    lines->last = rest;

    errno = 0;
    n = fread(lines->buf + rest, 1, sizeof(lines->buf) - rest, lines->file);

    lines->last += n;
    lines->bytes += n;

    if (n == 0) {
        lines->end = 1;
    }

    if (ferror(lines->file)
        || (lines->copy != NULL
            && fwrite(lines->buf + rest, 1, n, lines->copy) != n))
    {
        lines->error = errno != 0 ? errno : EIO;
        lines->end = 1;
        lines->last = 0;
    }
}


static void
authctl_lines_trim(authctl_lines_t *lines, sendkit_span_t *line)
{
    static const unsigned char  bom[] = { 0xef, 0xbb, 0xbf };

    if (lines->number == 1 && line->len >= sizeof(bom)
        && memcmp(line->data, bom, sizeof(bom)) == 0)
    {
        line->data += sizeof(bom);
        line->len -= sizeof(bom);
    }

    if (line->len != 0 && line->data[line->len - 1] == '\r') {
        line->len--;
    }
}
