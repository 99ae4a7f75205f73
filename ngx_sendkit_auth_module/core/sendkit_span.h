
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_SPAN_H_INCLUDED_
#define _SENDKIT_SPAN_H_INCLUDED_


#include <stddef.h>
#include <string.h>


/*
 * A piece of somebody else's memory: never NUL-terminated, never owned.
 * data == NULL says that there is no value at all (a Redis nil), which is
 * not the same as an empty one.
 */

typedef struct {
    const unsigned char  *data;
    size_t                len;
} sendkit_span_t;


#define SENDKIT_SPAN(text)                                                    \
    { (const unsigned char *) text, sizeof(text) - 1 }


/* 1 when both spans hold the same bytes, else 0 */

static inline int
sendkit_span_equal(sendkit_span_t a, sendkit_span_t b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


#endif /* _SENDKIT_SPAN_H_INCLUDED_ */
