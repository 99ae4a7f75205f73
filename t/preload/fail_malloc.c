
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 *
 * Preloaded by t/fault_memory.t: allocations fail when the file that
 * SENDKIT_AUTH_FAIL_MALLOC names says so.  It holds three numbers that are
 * shared with the test:
 *
 *     after    that many allocations from now on are good; 0: all
 *     then     that many after them fail
 *     failed   how many have failed
 */


#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>


typedef struct {
    int32_t  after;
    int32_t  then;
    int32_t  failed;
} fail_malloc_t;


void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static int fail_malloc_now(void);


static fail_malloc_t  *fail_malloc;


__attribute__((constructor)) static void
fail_malloc_init(void)
{
    int          fd;
    void        *p;
    const char  *name;

    name = getenv("SENDKIT_AUTH_FAIL_MALLOC");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDWR);
    if (fd == -1) {
        abort();
    }

    p = mmap(NULL, sizeof(fail_malloc_t), PROT_READ | PROT_WRITE, MAP_SHARED,
             fd, 0);
    if (p == MAP_FAILED) {
        abort();
    }

    fail_malloc = p;
}


void *
malloc(size_t size)
{
    return fail_malloc_now() ? NULL : __libc_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    return fail_malloc_now() ? NULL : __libc_calloc(n, size);
}


void *
realloc(void *old, size_t size)
{
    return fail_malloc_now() ? NULL : __libc_realloc(old, size);
}


int
posix_memalign(void **p, size_t alignment, size_t size)
{
    if (fail_malloc_now()) {
        return ENOMEM;
    }

    *p = __libc_memalign(alignment, size);

    return *p == NULL ? ENOMEM : 0;
}


static int
fail_malloc_now(void)
{
    if (fail_malloc == NULL || fail_malloc->after == 0) {
        return 0;
    }

    if (fail_malloc->after > 1) {
        fail_malloc->after--;
        return 0;
    }

    if (fail_malloc->then == 0) {
        fail_malloc->after = 0;
        return 0;
    }

    fail_malloc->then--;
    fail_malloc->failed++;
    errno = ENOMEM;

    return 1;
}
