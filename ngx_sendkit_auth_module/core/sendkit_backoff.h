
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_BACKOFF_H_INCLUDED_
#define _SENDKIT_BACKOFF_H_INCLUDED_


#include <stdint.h>


#define SENDKIT_BACKOFF_FIRST  50      /* ms */
#define SENDKIT_BACKOFF_LAST   1000    /* ms */


/*
 * The pause before the next connection attempt, in ms: doubles with each
 * failure in a row from FIRST to LAST, and lies at random in the upper half
 * of that, so that workers which lost a server together do not come back
 * together.
 *
 * failures  failed attempts in a row; 0 means no pause
 * random    any number
 */

uint32_t sendkit_backoff_delay(unsigned failures, uint32_t random);


#endif /* _SENDKIT_BACKOFF_H_INCLUDED_ */
