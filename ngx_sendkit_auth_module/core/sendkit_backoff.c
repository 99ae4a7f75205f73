
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_backoff.h"


uint32_t
sendkit_backoff_delay(unsigned failures, uint32_t random)
{
    uint32_t  delay;

    if (failures == 0) {
        return 0;
    }

    delay = SENDKIT_BACKOFF_FIRST;

    while (--failures != 0 && delay < SENDKIT_BACKOFF_LAST) {
        delay *= 2;
    }

    if (delay > SENDKIT_BACKOFF_LAST) {
        delay = SENDKIT_BACKOFF_LAST;
    }

    return delay - random % (delay / 2 + 1);
}
