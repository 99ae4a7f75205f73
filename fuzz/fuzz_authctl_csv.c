
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A header and lines of CSV against a plain reader, written from RFC 4180:
 * both have the same verdict on a line and read the same entry.
 */


#include "fuzz_authctl.h"


#define FUZZ_COLUMNS_MAX  16


/* a line, cut at its commas; n == 0: it is none */

typedef struct {
    size_t                n;
    sendkit_span_t        values[FUZZ_COLUMNS_MAX];
    size_t                used;
    unsigned char         bytes[AUTHCTL_LINE_MAX];
} fuzz_row_t;


static sendkit_span_t fuzz_csv_line(sendkit_span_t *input);
static void fuzz_csv_header(authctl_csv_t *csv, const fuzz_row_t *header,
    sendkit_span_t line);
static void fuzz_csv_entry(authctl_csv_t *csv, const fuzz_row_t *header,
    sendkit_span_t line);
static int fuzz_csv_expected(const fuzz_row_t *header, const fuzz_row_t *row,
    authctl_entry_t *entry);
static size_t fuzz_csv_field(sendkit_span_t name);
static void fuzz_csv_split(fuzz_row_t *row, sendkit_span_t line);
static int fuzz_csv_value(fuzz_row_t *row, sendkit_span_t *line);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t        input, line;
    static fuzz_row_t     header;
    static authctl_csv_t  csv;

    if (size > AUTHCTL_LINE_MAX) {
        return 0;
    }

    input.data = data;
    input.len = size;

    fuzz_check(authctl_csv_init(&csv));

    line = fuzz_csv_line(&input);

    if (line.len != 0) {
        fuzz_csv_split(&header, line);
        fuzz_csv_header(&csv, &header, line);
    }

    while (input.len != 0 && csv.ncolumns != 0) {
        line = fuzz_csv_line(&input);

        if (line.len != 0) {
            fuzz_csv_entry(&csv, &header, line);
        }
    }

    authctl_csv_cleanup(&csv);

    return 0;
}


static sendkit_span_t
fuzz_csv_line(sendkit_span_t *input)
{
    sendkit_span_t        line;
    const unsigned char  *lf;

    lf = input->len != 0 ? memchr(input->data, '\n', input->len) : NULL;

    line = fuzz_take(input, lf != NULL ? (size_t) (lf - input->data)
                                       : input->len);
    (void) fuzz_byte(input);

    return line;
}


static void
fuzz_csv_header(authctl_csv_t *csv, const fuzz_row_t *header,
    sendkit_span_t line)
{
    int               good;
    size_t            i, field;
    unsigned          seen;
    authctl_reason_t  reason;

    good = header->n != 0;
    seen = 0;

    for (i = 0; i < header->n && i < FUZZ_COLUMNS_MAX; i++) {
        field = fuzz_csv_field(header->values[i]);

        good = good && field < AUTHCTL_NFIELDS && (seen & 1u << field) == 0;
        seen |= 1u << field;
    }

    good = good && header->n <= FUZZ_COLUMNS_MAX
           && (seen & 1u << AUTHCTL_FIELD_KIND) != 0;

    fuzz_check(authctl_csv_parse_header(csv, line, &reason) == good);

    if (!good) {
        fuzz_authctl_reason(&reason);
        fuzz_check(csv->ncolumns == 0);
    }
}


static void
fuzz_csv_entry(authctl_csv_t *csv, const fuzz_row_t *header,
    sendkit_span_t line)
{
    int                good;
    authctl_entry_t    entry, expected;
    authctl_reason_t   reason;
    static fuzz_row_t  row;

    fuzz_csv_split(&row, line);

    good = fuzz_csv_expected(header, &row, &expected);

    fuzz_check(authctl_csv_parse(csv, line, &entry, &reason) == good);

    if (!good) {
        fuzz_authctl_reason(&reason);
        return;
    }

    fuzz_check(memcmp(&entry, &expected, sizeof(authctl_entry_t)) == 0);
    fuzz_authctl_entry(&entry);
}


static int
fuzz_csv_expected(const fuzz_row_t *header, const fuzz_row_t *row,
    authctl_entry_t *entry)
{
    size_t            i;
    authctl_values_t  values;
    authctl_reason_t  reason;

    if (row->n != header->n) {
        return 0;
    }

    memset(&values, 0, sizeof(authctl_values_t));

    for (i = 0; i < row->n; i++) {
        if (row->values[i].len != 0) {
            values.fields[fuzz_csv_field(header->values[i])] = row->values[i];
        }
    }

    return authctl_entry_parse(entry, &values, &reason);
}


static size_t
fuzz_csv_field(sendkit_span_t name)
{
    size_t  i;

    for (i = 0; i < AUTHCTL_NFIELDS; i++) {
        if (sendkit_span_equal(name, authctl_field_names[i])) {
            break;
        }
    }

    return i;
}


static void
fuzz_csv_split(fuzz_row_t *row, sendkit_span_t line)
{
    row->n = 0;
    row->used = 0;

    for ( ;; ) {
        if (!fuzz_csv_value(row, &line)) {
            row->n = 0;
            return;
        }

        if (line.len == 0) {
            return;
        }

        (void) fuzz_byte(&line);        /* the comma */
    }
}


/* up to a comma or the end; more values than there is room are only counted */

static int
fuzz_csv_value(fuzz_row_t *row, sendkit_span_t *line)
{
    int             quoted;
    unsigned char   c;
    sendkit_span_t  value;

    value.data = row->bytes + row->used;
    value.len = 0;

    quoted = line->len != 0 && line->data[0] == '"';

    if (quoted) {
        (void) fuzz_byte(line);
    }

    while (line->len != 0 && (quoted || line->data[0] != ',')) {
        c = (unsigned char) fuzz_byte(line);

        if (c == '"' && (!quoted || line->len == 0 || line->data[0] != '"')) {
            if (!quoted || (line->len != 0 && line->data[0] != ',')) {
                return 0;
            }

            quoted = 0;
            break;
        }

        if (c == '"') {
            (void) fuzz_byte(line);
        }

        row->bytes[row->used++] = c;
        value.len++;
    }

    if (quoted) {
        return 0;
    }

    if (row->n < FUZZ_COLUMNS_MAX) {
        row->values[row->n] = value;
    }

    row->n++;

    return 1;
}
