
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A line of NDJSON is an entry that the gateway understands and that can be
 * written and read again, or it is refused with words that can be shown.
 */


#include "fuzz_authctl.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t    line;
    authctl_entry_t   entry;
    authctl_reason_t  reason;

    line.data = data;
    line.len = size;

    if (authctl_ndjson_parse(line, &entry, &reason)) {
        fuzz_authctl_entry(&entry);

    } else {
        fuzz_authctl_reason(&reason);
    }

    return 0;
}
