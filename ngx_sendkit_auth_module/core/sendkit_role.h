
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_ROLE_H_INCLUDED_
#define _SENDKIT_ROLE_H_INCLUDED_


#include "sendkit_span.h"


/* A user's role in a workspace; bits of a route's mask. */

typedef enum {
    SENDKIT_ROLE_NONE = 0,
    SENDKIT_ROLE_OWNER = 1,
    SENDKIT_ROLE_ADMIN = 2,
    SENDKIT_ROLE_MEMBER = 4
} sendkit_role_e;

#define SENDKIT_ROLE_ANY                                                      \
    (SENDKIT_ROLE_OWNER|SENDKIT_ROLE_ADMIN|SENDKIT_ROLE_MEMBER)


/*
 * "owner", "admin" or "member", exactly; anything else, and no value at
 * all, is SENDKIT_ROLE_NONE.
 */

sendkit_role_e sendkit_role_parse(sendkit_span_t word);

/* the word of one role; "" for SENDKIT_ROLE_NONE */

sendkit_span_t sendkit_role_name(sendkit_role_e role);


#endif /* _SENDKIT_ROLE_H_INCLUDED_ */
