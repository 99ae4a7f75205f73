
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_REASON_H_INCLUDED_
#define _AUTHCTL_REASON_H_INCLUDED_


#include "sendkit_span.h"


#define AUTHCTL_REASON_MAX  384


/* why something is refused: text for a person, safe to print on a terminal */

typedef struct {
    char                  text[AUTHCTL_REASON_MAX];
} authctl_reason_t;


/*
 * what "value" why, as in user "a b" is not ...
 *
 * A value that may be a key is not shown, bytes that are no printable ASCII
 * are escaped, a long value is cut.
 */

void authctl_reason_value(authctl_reason_t *reason, const char *what,
    sendkit_span_t value, const char *why);

void authctl_reason_set(authctl_reason_t *reason, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));


#endif /* _AUTHCTL_REASON_H_INCLUDED_ */
