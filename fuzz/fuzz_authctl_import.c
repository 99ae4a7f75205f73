
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A file is cut into the lines that it has in memory, whatever their length;
 * and what was found good when it was checked is found good, and the same,
 * when it is written.
 */


#include <stdio.h>
#include <stdlib.h>

#include "authctl_lines.h"
#include "authctl_parser.h"
#include "fuzz_authctl.h"


#define FUZZ_FILE_MAX   (5 * AUTHCTL_LINE_MAX)

/* in an input: repeat the byte after the next one, "next" times 600 times */
#define FUZZ_REPEAT     0xff
#define FUZZ_REPEAT_BY  600


/* what was found in one pass; a sum stands for the entries */

typedef struct {
    uint64_t              entries;
    uint64_t              bad;
    uint64_t              sum;
} fuzz_pass_t;


static void fuzz_import_expand(sendkit_span_t *file, sendkit_span_t input);
static void fuzz_import_pass(authctl_parser_t *parser, sendkit_span_t file,
    fuzz_pass_t *pass);
static int fuzz_import_line(authctl_parser_t *parser, sendkit_span_t line,
    fuzz_pass_t *pass);
static authctl_line_e fuzz_import_expected(sendkit_span_t *rest,
    uint64_t *number, sendkit_span_t *line);
static FILE *fuzz_import_open(sendkit_span_t file);


static unsigned char  fuzz_file[FUZZ_FILE_MAX];


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                 format;
    fuzz_pass_t              checked, written;
    sendkit_span_t           input, file;
    static authctl_parser_t  parser;

    input.data = data;
    input.len = size;

    format = fuzz_byte(&input) % 3;

    fuzz_import_expand(&file, input);

    fuzz_check(authctl_parser_init(&parser, (authctl_format_e) format));

    fuzz_import_pass(&parser, file, &checked);
    authctl_parser_restart(&parser);
    fuzz_import_pass(&parser, file, &written);

    fuzz_check(memcmp(&checked, &written, sizeof(fuzz_pass_t)) == 0);

    authctl_parser_cleanup(&parser);

    return 0;
}


static void
fuzz_import_expand(sendkit_span_t *file, sendkit_span_t input)
{
    size_t    n, len;
    unsigned  c;

    len = 0;

    while (input.len != 0 && len < FUZZ_FILE_MAX) {
        c = fuzz_byte(&input);
        n = 1;

        if (c == FUZZ_REPEAT && input.len > 1) {
            n = (size_t) fuzz_byte(&input) * FUZZ_REPEAT_BY;
            c = fuzz_byte(&input);
        }

        n = n < FUZZ_FILE_MAX - len ? n : FUZZ_FILE_MAX - len;

        memset(fuzz_file + len, (int) c, n);
        len += n;
    }

    file->data = fuzz_file;
    file->len = len;
}


static void
fuzz_import_pass(authctl_parser_t *parser, sendkit_span_t file,
    fuzz_pass_t *pass)
{
    FILE                    *stream;
    uint64_t                 number;
    sendkit_span_t           line, rest, expected;
    authctl_line_e           found;
    authctl_reason_t         reason;
    static authctl_lines_t   lines;

    stream = fuzz_import_open(file);
    rest = file;
    number = 0;

    memset(pass, 0, sizeof(fuzz_pass_t));
    authctl_lines_init(&lines, stream, NULL);

    do {
        found = authctl_lines_next(&lines, &line, &reason);

        fuzz_check(found == fuzz_import_expected(&rest, &number, &expected));
        fuzz_check(found == AUTHCTL_LINE_END || lines.number == number);

        if (found == AUTHCTL_LINE_BAD) {
            fuzz_authctl_reason(&reason);
            pass->bad++;
        }

        if (found == AUTHCTL_LINE_GOOD) {
            fuzz_check(sendkit_span_equal(line, expected));

            if (!fuzz_import_line(parser, line, pass)) {
                break;
            }
        }

    } while (found != AUTHCTL_LINE_END);

    fuzz_check(lines.error == 0);
    fclose(stream);
}


static int
fuzz_import_line(authctl_parser_t *parser, sendkit_span_t line,
    fuzz_pass_t *pass)
{
    size_t            i;
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    switch (authctl_parser_line(parser, line, &entry, &reason)) {

    case AUTHCTL_PARSED_ENTRY:
        fuzz_authctl_entry(&entry);
        pass->entries++;

        for (i = 0; i < sizeof(authctl_entry_t); i++) {
            pass->sum = pass->sum * 31 + ((unsigned char *) &entry)[i];
        }

        return 1;

    case AUTHCTL_PARSED_HEADER:
        return 1;

    case AUTHCTL_PARSED_BAD:
        fuzz_authctl_reason(&reason);
        pass->bad++;
        return 1;

    default:
        fuzz_authctl_reason(&reason);
        pass->bad++;
        return 0;
    }
}


/* the next line that is not empty */

static authctl_line_e
fuzz_import_expected(sendkit_span_t *rest, uint64_t *number,
    sendkit_span_t *line)
{
    const unsigned char  *lf;

    do {
        if (rest->len == 0) {
            return AUTHCTL_LINE_END;
        }

        lf = memchr(rest->data, '\n', rest->len);

        *line = fuzz_take(rest, lf != NULL ? (size_t) (lf - rest->data)
                                           : rest->len);
        (void) fuzz_byte(rest);

        if (++*number == 1 && line->len >= 3
            && memcmp(line->data, "\xef\xbb\xbf", 3) == 0)
        {
            (void) fuzz_take(line, 3);
        }

        if (line->len != 0 && line->data[line->len - 1] == '\r') {
            line->len--;
        }

    } while (line->len == 0);

    if (line->len > AUTHCTL_LINE_MAX
        || memchr(line->data, '\0', line->len) != NULL)
    {
        return AUTHCTL_LINE_BAD;
    }

    return AUTHCTL_LINE_GOOD;
}


static FILE *
fuzz_import_open(sendkit_span_t file)
{
    FILE  *stream;

    stream = fmemopen(fuzz_file, file.len != 0 ? file.len : 1, "r");

    if (stream == NULL) {
        abort();
    }

    /* fmemopen() takes no length of 0 */

    if (file.len == 0) {
        (void) fgetc(stream);
    }

    return stream;
}
