
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_FAIL_H_INCLUDED_
#define _AUTHCTL_FAIL_H_INCLUDED_


/* the exit statuses; a script may rely on them */

#define AUTHCTL_OK     0        /* done, or yes */
#define AUTHCTL_NO     1        /* a clear no: not found, already there */
#define AUTHCTL_USAGE  2        /* usage, bad input, an unusable file */
#define AUTHCTL_REDIS  3        /* Redis not reached, or it sent an error */


/* Says "sendkit-authctl: ..." on stderr and returns status. */

int authctl_fail(int status, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));


#endif /* _AUTHCTL_FAIL_H_INCLUDED_ */
