
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>

#include "authctl_csv.h"


static int authctl_csv_parse_column(authctl_csv_t *csv, sendkit_span_t name,
    authctl_reason_t *reason);
static int authctl_csv_read(authctl_csv_t *csv, sendkit_span_t line,
    authctl_reason_t *reason);
static void authctl_csv_value(void *data, size_t len, void *arg);
static int authctl_csv_never(unsigned char c);


const char  authctl_csv_header[] =
    "kind,digest,type,user,workspace,role,expires,status,created_at,"
    "created_by,masked\n";


/*
 * Without these libcsv drops spaces around a value and takes a CR for the end
 * of a line.
 */

int
authctl_csv_init(authctl_csv_t *csv)
{
    csv->ncolumns = 0;

    if (csv_init(&csv->parser, CSV_STRICT|CSV_STRICT_FINI) != 0) {
        return 0;
    }

    csv_set_space_func(&csv->parser, authctl_csv_never);
    csv_set_term_func(&csv->parser, authctl_csv_never);

    return 1;
}


void
authctl_csv_cleanup(authctl_csv_t *csv)
{
    csv_free(&csv->parser);
}


int
authctl_csv_parse_header(authctl_csv_t *csv, sendkit_span_t line,
    authctl_reason_t *reason)
{
    size_t  i;

    csv->ncolumns = 0;

    if (!authctl_csv_read(csv, line, reason)) {
        return 0;
    }

    for (i = 0; i < csv->nvalues; i++) {
        if (!authctl_csv_parse_column(csv, csv->values[i], reason)) {
            csv->ncolumns = 0;
            return 0;
        }
    }

    for (i = 0; i < csv->ncolumns; i++) {
        if (csv->columns[i] == AUTHCTL_FIELD_KIND) {
            return 1;
        }
    }

    authctl_reason_set(reason, "header has no column \"kind\"");
    csv->ncolumns = 0;

    return 0;
}


/* the last of AUTHCTL_NFIELDS + 1 columns is unknown or there twice */

static int
authctl_csv_parse_column(authctl_csv_t *csv, sendkit_span_t name,
    authctl_reason_t *reason)
{
    size_t           i;
    authctl_field_e  field;

    for (field = AUTHCTL_FIELD_KIND; field < AUTHCTL_NFIELDS; field++) {
        if (sendkit_span_equal(name, authctl_field_names[field])) {
            break;
        }
    }

    if (field == AUTHCTL_NFIELDS) {
        authctl_reason_value(reason, "column", name, "is unknown");
        return 0;
    }

    for (i = 0; i < csv->ncolumns; i++) {
        if (csv->columns[i] == field) {
            authctl_reason_value(reason, "column", name, "is there twice");
            return 0;
        }
    }

    csv->columns[csv->ncolumns++] = field;

    return 1;
}


int
authctl_csv_parse(authctl_csv_t *csv, sendkit_span_t line,
    authctl_entry_t *entry, authctl_reason_t *reason)
{
    size_t            i;
    authctl_values_t  values;

    if (!authctl_csv_read(csv, line, reason)) {
        return 0;
    }

    if (csv->nvalues != csv->ncolumns) {
        authctl_reason_set(reason, "has %s values than the header has columns",
                           csv->nvalues < csv->ncolumns ? "fewer" : "more");
        return 0;
    }

    memset(&values, 0, sizeof(authctl_values_t));

    for (i = 0; i < csv->ncolumns; i++) {
        if (csv->values[i].len != 0) {
            values.fields[csv->columns[i]] = csv->values[i];
        }
    }

    return authctl_entry_parse(entry, &values, reason);
}


static int
authctl_csv_read(authctl_csv_t *csv, sendkit_span_t line,
    authctl_reason_t *reason)
{
    csv->nvalues = 0;
    csv->used = 0;

    if (csv_parse(&csv->parser, line.data, line.len, authctl_csv_value, NULL,
                  csv) == line.len
        && csv_fini(&csv->parser, authctl_csv_value, NULL, csv) == 0)
    {
        return 1;
    }

    if (csv_error(&csv->parser) == CSV_EPARSE) {
        authctl_reason_set(reason, "has a quote out of place, in or after "
                           "value %u", (unsigned) csv->nvalues + 1);

    } else {
        authctl_reason_set(reason, "is too much for the memory");
    }

    /* only an end that is not strict leads the parser to its start again */

    (void) csv_set_opts(&csv->parser, CSV_STRICT);
    (void) csv_fini(&csv->parser, NULL, NULL, NULL);
    (void) csv_set_opts(&csv->parser, CSV_STRICT|CSV_STRICT_FINI);

    return 0;
}


/* libcsv has the next value where this one was */

static void
authctl_csv_value(void *data, size_t len, void *arg)
{
    authctl_csv_t *csv = arg;

    unsigned char  *p;

    if (csv->nvalues > AUTHCTL_NFIELDS) {
        return;
    }

    p = csv->bytes + csv->used;

    memcpy(p, data, len);
    csv->used += len;

    csv->values[csv->nvalues].data = p;
    csv->values[csv->nvalues].len = len;
    csv->nvalues++;
}


static int
authctl_csv_never(unsigned char c)
{
    (void) c;

    return 0;
}


/* no value that an entry can have needs quotes */

size_t
authctl_csv_write(const authctl_entry_t *entry, char *text)
{
    char              *p;
    sendkit_span_t    *value;
    authctl_field_e    field;
    authctl_values_t   values;

    authctl_entry_values(entry, &values);

    p = text;

    for (field = AUTHCTL_FIELD_KIND; field < AUTHCTL_NFIELDS; field++) {
        value = &values.fields[field];

        if (value->len != 0) {
            memcpy(p, value->data, value->len);
            p += value->len;
        }

        *p++ = field == AUTHCTL_FIELD_MASKED ? '\n' : ',';
    }

    return (size_t) (p - text);
}
