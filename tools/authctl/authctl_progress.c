
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "authctl_progress.h"


#define AUTHCTL_PROGRESS_MS     100
#define AUTHCTL_PROGRESS_WIDTH  40


static int64_t authctl_progress_now(void);


void
authctl_progress_start(authctl_progress_t *progress, const char *what,
    uint64_t total)
{
    progress->on = isatty(STDERR_FILENO);
    progress->drawn = 0;
    progress->what = what;
    progress->total = total;
    progress->next = 0;
}


void
authctl_progress_update(authctl_progress_t *progress, uint64_t bytes,
    uint64_t lines)
{
    int      filled;
    char     bar[AUTHCTL_PROGRESS_WIDTH + 1];
    int64_t  now;

    if (!progress->on) {
        return;
    }

    now = authctl_progress_now();

    if (now < progress->next) {
        return;
    }

    progress->next = now + AUTHCTL_PROGRESS_MS;
    progress->drawn = 1;

    if (progress->total == 0) {
        fprintf(stderr, "\r%s: %llu lines", progress->what,
                (unsigned long long) lines);
        return;
    }

    if (bytes > progress->total) {
        bytes = progress->total;
    }

    filled = (int) (bytes * AUTHCTL_PROGRESS_WIDTH / progress->total);

    memset(bar, ' ', AUTHCTL_PROGRESS_WIDTH);
    memset(bar, '#', (size_t) filled);
    bar[AUTHCTL_PROGRESS_WIDTH] = '\0';

    fprintf(stderr, "\r%s [%s] %3d %%", progress->what, bar,
            (int) (bytes * 100 / progress->total));
}


void
authctl_progress_clear(authctl_progress_t *progress)
{
    if (progress->drawn) {
        fprintf(stderr, "\r%*s\r", AUTHCTL_PROGRESS_WIDTH + 20, "");
        progress->drawn = 0;
        progress->next = 0;
    }
}


static int64_t
authctl_progress_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
