
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_PATH_H_INCLUDED_
#define _SENDKIT_PATH_H_INCLUDED_


#include "sendkit_span.h"


/*
 * A request path that every server reads alike.  Where two readings are
 * possible (percent-encoding, dot segments, empty segments), the gateway and
 * the backend could disagree about the route, so such a path is refused.
 */

/*
 * raw         the path as it was sent, without the query
 * normalized  the path as the server understood it
 *
 * Returns 1 when both are the same bytes, each of them is one of
 * A-Z a-z 0-9 - . _ ~ ! $ & ' ( ) * + , = : @ / (RFC 3986, pchar without
 * "%" and ";"), the first is "/", and no segment is "." or ".." or, but for
 * the last, empty.  Otherwise 0.
 */

int sendkit_path_is_canonical(sendkit_span_t raw, sendkit_span_t normalized);


/*
 * Takes the next segment off *rest, which begins with "/" or is empty.
 * Returns 0 when there is none left.  "/a/" has the segments "a" and "".
 */

static inline int
sendkit_path_next_segment(sendkit_span_t *rest, sendkit_span_t *segment)
{
    size_t  i;

    if (rest->len == 0) {
        return 0;
    }

    for (i = 1; i < rest->len && rest->data[i] != '/'; i++) { /* void */ }

    segment->data = rest->data + 1;
    segment->len = i - 1;

    rest->data += i;
    rest->len -= i;

    return 1;
}


#endif /* _SENDKIT_PATH_H_INCLUDED_ */
