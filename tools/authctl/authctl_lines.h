
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_LINES_H_INCLUDED_
#define _AUTHCTL_LINES_H_INCLUDED_


#include <stdint.h>
#include <stdio.h>

#include "authctl_reason.h"


#define AUTHCTL_LINE_MAX  65536     /* bytes of a line without its end */


/*
 * A file line by line, in bounded memory.  A line ends with LF, CR LF or the
 * file; a byte order mark (UTF-8) before the first is skipped.
 */

typedef struct {
    FILE                 *file;
    FILE                 *copy;         /* gets what is read; or NULL */
    uint64_t              number;       /* of the line, from 1 */
    uint64_t              bytes;        /* read so far */
    int                   error;        /* errno of what failed, or 0 */

    int                   end;          /* of the file */
    int                   skipping;     /* in a line that is too long */
    size_t                pos;          /* what was not taken yet */
    size_t                last;
    unsigned char         buf[2 * AUTHCTL_LINE_MAX];
} authctl_lines_t;


typedef enum {
    AUTHCTL_LINE_END = 0,
    AUTHCTL_LINE_GOOD,
    AUTHCTL_LINE_BAD
} authctl_line_e;


void authctl_lines_init(authctl_lines_t *lines, FILE *file, FILE *copy);

/*
 * The next line that is not empty.
 *
 * good  *line is valid until the next call
 * bad   *reason says why: it is too long, or has a NUL
 * end   of the file, or with error set what failed was reading it or
 *       writing the copy
 */

authctl_line_e authctl_lines_next(authctl_lines_t *lines, sendkit_span_t *line,
    authctl_reason_t *reason);


#endif /* _AUTHCTL_LINES_H_INCLUDED_ */
