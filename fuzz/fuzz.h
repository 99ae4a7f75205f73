
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sendkit_span.h"


/*
 * What the drivers share.  Each reads its input as a list of choices; after
 * its end all choices are 0, so that any input is a whole one.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* stops where a property does not hold */

static inline void
fuzz_check(int holds)
{
    if (!holds) {
        __builtin_trap();
    }
}


static inline unsigned
fuzz_byte(sendkit_span_t *input)
{
    if (input->len == 0) {
        return 0;
    }

    input->len--;

    return *input->data++;
}


static inline sendkit_span_t
fuzz_take(sendkit_span_t *input, size_t len)
{
    sendkit_span_t  taken;

    taken.data = input->data;
    taken.len = len < input->len ? len : input->len;

    input->data += taken.len;
    input->len -= taken.len;

    return taken;
}


static inline sendkit_span_t
fuzz_text(const char *text)
{
    sendkit_span_t  span;

    span.data = (const unsigned char *) text;
    span.len = strlen(text);

    return span;
}


/* 1 when a span has no bytes but those of "alphabet" */

static inline int
fuzz_has_only(sendkit_span_t span, const char *alphabet)
{
    size_t  i;

    for (i = 0; i < span.len; i++) {
        if (memchr(alphabet, span.data[i], strlen(alphabet)) == NULL) {
            return 0;
        }
    }

    return 1;
}


#endif /* _FUZZ_H_INCLUDED_ */
