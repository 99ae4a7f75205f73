
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_KEY_H_INCLUDED_
#define _SENDKIT_KEY_H_INCLUDED_


#include "sendkit_span.h"


/* The kind of an API key, told by its prefix alone; bits of a route's mask. */

typedef enum {
    SENDKIT_KEY_MALFORMED = 0,
    SENDKIT_KEY_PLATFORM = 1,
    SENDKIT_KEY_WORKSPACE = 2
} sendkit_key_e;

#define SENDKIT_KEY_ANY  (SENDKIT_KEY_PLATFORM|SENDKIT_KEY_WORKSPACE)


/*
 * platform   "sk_user_" and 16 to 128 of [A-Za-z0-9_-]
 * workspace  "sk_" and 16 to 128 of the same, not beginning "sk_user"
 * malformed  anything else; the letters' case counts
 */

sendkit_key_e sendkit_key_kind(sendkit_span_t key);

/* the inverse of sendkit_key_name(); SENDKIT_KEY_MALFORMED: no such word */

sendkit_key_e sendkit_key_parse_name(sendkit_span_t name);

/* "platform" or "workspace", as in Redis and in headers; "" for malformed */

sendkit_span_t sendkit_key_name(sendkit_key_e kind);


#endif /* _SENDKIT_KEY_H_INCLUDED_ */
