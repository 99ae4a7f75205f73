
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_sendkit_auth_clock.h"


#ifdef CLOCK_BOOTTIME
#define NGX_SENDKIT_AUTH_CLOCK  CLOCK_BOOTTIME
#else
#define NGX_SENDKIT_AUTH_CLOCK  CLOCK_MONOTONIC
#endif


uint64_t
ngx_sendkit_auth_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(NGX_SENDKIT_AUTH_CLOCK, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}
