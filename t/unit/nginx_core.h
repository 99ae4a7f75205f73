
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _NGINX_CORE_H_INCLUDED_
#define _NGINX_CORE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * What the files of shm/ use of nginx's core, for a program that is not
 * nginx.  It sets ngx_pid itself, again after each fork().  Memory is cleared
 * and never freed.
 */

ngx_pid_t   ngx_pid;
ngx_uint_t  ngx_worker;


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    u_char         *p;
    static size_t   used;
    static u_char   memory[65536] __attribute__ ((aligned (16)));

    (void) pool;

    size = ngx_align(size, NGX_ALIGNMENT);

    if (size > sizeof(memory) - used) {
        return NULL;
    }

    p = memory + used;
    used += size;

    return p;
}


#endif /* _NGINX_CORE_H_INCLUDED_ */
