
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGX_SENDKIT_AUTH_CLOCK_H_INCLUDED_
#define _NGX_SENDKIT_AUTH_CLOCK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The clock of the cache, in ms: never set, the same for all processes, and
 * it goes on while the machine sleeps.  Read for each call, while nginx's own
 * time is that of the last event, which is old in a process that was stopped.
 */

uint64_t ngx_sendkit_auth_clock(void);


#endif /* _NGX_SENDKIT_AUTH_CLOCK_H_INCLUDED_ */
