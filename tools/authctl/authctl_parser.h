
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_PARSER_H_INCLUDED_
#define _AUTHCTL_PARSER_H_INCLUDED_


#include "authctl_csv.h"
#include "authctl_entry.h"


/* The lines of an import, one after the other, in whatever format they are. */

typedef enum {
    AUTHCTL_FORMAT_UNKNOWN = 0,         /* the first byte will tell */
    AUTHCTL_FORMAT_CSV,
    AUTHCTL_FORMAT_NDJSON
} authctl_format_e;


typedef enum {
    AUTHCTL_PARSED_BAD = 0,             /* *reason says why */
    AUTHCTL_PARSED_BAD_HEADER,          /* no other line can be read */
    AUTHCTL_PARSED_HEADER,
    AUTHCTL_PARSED_ENTRY                /* *entry is filled */
} authctl_parsed_e;


typedef struct {
    authctl_format_e      format;
    authctl_csv_t         csv;
} authctl_parser_t;


/* "csv" or "ndjson", exactly; anything else is unknown */

authctl_format_e authctl_format(const char *name);

/* Returns 1; 0 when there is no memory. */

int authctl_parser_init(authctl_parser_t *parser, authctl_format_e format);

void authctl_parser_cleanup(authctl_parser_t *parser);

/* Goes back to the first line; the format stays. */

void authctl_parser_restart(authctl_parser_t *parser);

/* The next line, which is not empty. */

authctl_parsed_e authctl_parser_line(authctl_parser_t *parser,
    sendkit_span_t line, authctl_entry_t *entry, authctl_reason_t *reason);

/* After the last line: 1 if no header was missing. */

int authctl_parser_is_complete(const authctl_parser_t *parser);


#endif /* _AUTHCTL_PARSER_H_INCLUDED_ */
