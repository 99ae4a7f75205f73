
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_PROMPT_H_INCLUDED_
#define _AUTHCTL_PROMPT_H_INCLUDED_


#include "authctl_secret.h"


/*
 * Asks on the terminal, /dev/tty, and reads a line that is not shown.  The
 * terminal shows what is typed again afterwards, also when a signal ends or
 * stops the process meanwhile; when it goes on, it asks again.
 *
 * Returns an exit status; the line has its newline.
 */

int authctl_prompt_read(authctl_secret_t *secret, const char *prompt);


#endif /* _AUTHCTL_PROMPT_H_INCLUDED_ */
