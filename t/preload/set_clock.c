
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 *
 * Preloaded by t/fault_clock.t: the time of day is off by as many seconds as the
 * file that SENDKIT_AUTH_SET_CLOCK names says, a number that is shared with the
 * test.  Other clocks go on as they do when somebody sets the time.
 */


#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static volatile int64_t  set_clock_none;
static volatile int64_t  *set_clock = &set_clock_none;


__attribute__((constructor)) static void
set_clock_init(void)
{
    int          fd;
    void        *p;
    const char  *name;

    name = getenv("SENDKIT_AUTH_SET_CLOCK");
    if (name == NULL) {
        return;
    }

    fd = open(name, O_RDONLY);
    if (fd == -1) {
        abort();
    }

    p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        abort();
    }

    set_clock = p;
}


int
clock_gettime(clockid_t clock, struct timespec *ts)
{
    int  rc;

    rc = (int) syscall(SYS_clock_gettime, clock, ts);

    if (rc == 0
        && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    {
        ts->tv_sec += *set_clock;
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    int  rc;

    rc = (int) syscall(SYS_gettimeofday, tv, tz);

    if (rc == 0) {
        tv->tv_sec += *set_clock;
    }

    return rc;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    if (t != NULL) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}
