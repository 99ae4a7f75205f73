
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_OUTPUT_H_INCLUDED_
#define _AUTHCTL_OUTPUT_H_INCLUDED_


#include <jansson.h>

#include "sendkit_span.h"


/*
 * What goes to stdout.  Values come from Redis or from a file and may hold
 * anything: what is no printable ASCII is shown as "\x1b", a backslash as
 * "\\".
 */

#define AUTHCTL_ESCAPED_MAX  264


/* room for a value that is shown; a longer one is cut and ends with "..." */

typedef struct {
    char                     text[AUTHCTL_ESCAPED_MAX];
} authctl_escaped_t;


/* Writes the value to *escaped, terminated, and returns it; nil: "-". */

const char *authctl_escape(authctl_escaped_t *escaped, sendkit_span_t value);

/*
 * The same, for what should hold no key but may: one is cut after its "sk_".
 */

const char *authctl_escape_hidden(authctl_escaped_t *escaped,
    sendkit_span_t value);

/* A JSON string; nil: null.  NULL: no memory. */

json_t *authctl_json_string(sendkit_span_t value);

/*
 * Prints the value as one line and gives up the reference to it; it may be
 * NULL, for no memory.  Returns an exit status.
 */

int authctl_print_json(json_t *value);

/* "name       value" on a line of its own, nothing for a nil */

void authctl_print_field(const char *name, sendkit_span_t value);


#endif /* _AUTHCTL_OUTPUT_H_INCLUDED_ */
