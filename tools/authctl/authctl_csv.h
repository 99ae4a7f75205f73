
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_CSV_H_INCLUDED_
#define _AUTHCTL_CSV_H_INCLUDED_


#include <csv.h>

#include "authctl_entry.h"
#include "authctl_lines.h"


/*
 * CSV as in RFC 4180, with a header.  A record is one line, for no value may
 * have a line break in it; so an open quote ends with its line.  An empty
 * value, in quotes or not, is none.
 */

typedef struct {
    struct csv_parser     parser;
    size_t                ncolumns;     /* 0: no header yet */
    authctl_field_e       columns[AUTHCTL_NFIELDS];

    /* the line that is read, with one value more than a good one has */
    size_t                nvalues;
    sendkit_span_t        values[AUTHCTL_NFIELDS + 1];
    size_t                used;
    unsigned char         bytes[AUTHCTL_LINE_MAX];
} authctl_csv_t;


/* the header line that goes with authctl_csv_write() */

extern const char  authctl_csv_header[];


/* Returns 1; 0 when there is no memory. */

int authctl_csv_init(authctl_csv_t *csv);

void authctl_csv_cleanup(authctl_csv_t *csv);

/*
 * The first line, which names the columns.  Returns 1, or 0 with *reason:
 * no other line can be read then.
 */

int authctl_csv_parse_header(authctl_csv_t *csv, sendkit_span_t line,
    authctl_reason_t *reason);

/*
 * Another line, of at most AUTHCTL_LINE_MAX bytes.  Returns 1 with *entry
 * filled, 0 with *reason.
 */

int authctl_csv_parse(authctl_csv_t *csv, sendkit_span_t line,
    authctl_entry_t *entry, authctl_reason_t *reason);

/* Writes an entry as a line, at most AUTHCTL_TEXT_MAX bytes; its length. */

size_t authctl_csv_write(const authctl_entry_t *entry, char *text);


#endif /* _AUTHCTL_CSV_H_INCLUDED_ */
