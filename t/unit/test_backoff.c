
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/* How long to wait before a connection is tried again. */


#include "sendkit_backoff.h"
#include "tap.h"


static void test_range(tap_t *tap, unsigned failures, uint32_t most);


int
main(void)
{
    size_t             i;
    tap_t              tap;
    static const struct {
        unsigned       failures;
        uint32_t       most;
    } delays[] = {
        { 1, 50 }, { 2, 100 }, { 3, 200 }, { 4, 400 }, { 5, 800 },
        { 6, 1000 }, { 7, 1000 }, { 32, 1000 }, { 33, 1000 },
        { 0xffffffff, 1000 }
    };

    memset(&tap, 0, sizeof(tap_t));

    tap_number(&tap, sendkit_backoff_delay(0, 0), 0,
               "without a failure there is no pause");
    tap_number(&tap, sendkit_backoff_delay(0, 0xffffffff), 0,
               "without a failure there is no pause, whatever the number");

    for (i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        test_range(&tap, delays[i].failures, delays[i].most);
    }

    return tap_done(&tap);
}


/* the upper half, and all of it */

static void
test_range(tap_t *tap, unsigned failures, uint32_t most)
{
    uint32_t  delay, low, high, random, i;

    low = 0xffffffff;
    high = 0;
    random = 1;

    for (i = 0; i < 20000; i++) {
        delay = sendkit_backoff_delay(failures, random);

        low = delay < low ? delay : low;
        high = delay > high ? delay : high;

        random = i < 2000 ? i : random * 1664525 + 1013904223;
    }

    delay = sendkit_backoff_delay(failures, 0xffffffff);
    low = delay < low ? delay : low;
    high = delay > high ? delay : high;

    tap_number(tap, high, most, "after %u failures the pause is at most %u ms",
               failures, most);
    tap_number(tap, low, most / 2, "after %u failures it is at least %u ms",
               failures, most / 2);
}
