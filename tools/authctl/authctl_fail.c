
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdarg.h>
#include <stdio.h>

#include "authctl_fail.h"


int
authctl_fail(int status, const char *format, ...)
{
    va_list  args;

    /* what was printed so far comes first where both go to one place */

    (void) fflush(stdout);

    fputs("sendkit-authctl: ", stderr);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fputc('\n', stderr);

    return status;
}
