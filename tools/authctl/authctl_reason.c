
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdarg.h>
#include <stdio.h>

#include "authctl_output.h"
#include "authctl_reason.h"


#define AUTHCTL_REASON_SHOWN  64    /* bytes of a value */


static int authctl_reason_is_secret(sendkit_span_t value);


void
authctl_reason_value(authctl_reason_t *reason, const char *what,
    sendkit_span_t value, const char *why)
{
    const char         *rest;
    authctl_escaped_t   escaped;

    if (authctl_reason_is_secret(value)) {
        authctl_reason_set(reason, "%s \"sk_...\" %s", what, why);
        return;
    }

    rest = "";

    if (value.len > AUTHCTL_REASON_SHOWN) {
        value.len = AUTHCTL_REASON_SHOWN;
        rest = "...";
    }

    authctl_reason_set(reason, "%s \"%s%s\" %s", what,
                       authctl_escape(&escaped, value), rest, why);
}


/* whatever has the beginning of a key in it */

static int
authctl_reason_is_secret(sendkit_span_t value)
{
    size_t  i;

    for (i = 0; i + 3 <= value.len; i++) {
        if (memcmp(value.data + i, "sk_", 3) == 0) {
            return 1;
        }
    }

    return 0;
}


void
authctl_reason_set(authctl_reason_t *reason, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(reason->text, AUTHCTL_REASON_MAX, format, args);
    va_end(args);
}
