
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "authctl_ndjson.h"
#include "authctl_parser.h"


authctl_format_e
authctl_format(const char *name)
{
    if (strcmp(name, "csv") == 0) {
        return AUTHCTL_FORMAT_CSV;
    }

    if (strcmp(name, "ndjson") == 0) {
        return AUTHCTL_FORMAT_NDJSON;
    }

    return AUTHCTL_FORMAT_UNKNOWN;
}


int
authctl_parser_init(authctl_parser_t *parser, authctl_format_e format)
{
    parser->format = format;

    return authctl_csv_init(&parser->csv);
}


void
authctl_parser_cleanup(authctl_parser_t *parser)
{
    authctl_csv_cleanup(&parser->csv);
}


void
authctl_parser_restart(authctl_parser_t *parser)
{
    parser->csv.ncolumns = 0;
}


authctl_parsed_e
authctl_parser_line(authctl_parser_t *parser, sendkit_span_t line,
    authctl_entry_t *entry, authctl_reason_t *reason)
{
    int  ok;

    if (parser->format == AUTHCTL_FORMAT_UNKNOWN) {
        parser->format = line.data[0] == '{' ? AUTHCTL_FORMAT_NDJSON
                                             : AUTHCTL_FORMAT_CSV;
    }

    if (parser->format == AUTHCTL_FORMAT_NDJSON) {
        ok = authctl_ndjson_parse(line, entry, reason);

    } else if (parser->csv.ncolumns != 0) {
        ok = authctl_csv_parse(&parser->csv, line, entry, reason);

    } else if (authctl_csv_parse_header(&parser->csv, line, reason)) {
        return AUTHCTL_PARSED_HEADER;

    } else {
        return AUTHCTL_PARSED_BAD_HEADER;
    }

    return ok ? AUTHCTL_PARSED_ENTRY : AUTHCTL_PARSED_BAD;
}


int
authctl_parser_is_complete(const authctl_parser_t *parser)
{
    return parser->format != AUTHCTL_FORMAT_CSV || parser->csv.ncolumns != 0;
}
