
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_SCHEMA_H_INCLUDED_
#define _SENDKIT_SCHEMA_H_INCLUDED_


#include "sendkit_id.h"
#include "sendkit_span.h"


/* The names of what Redis holds; docs/redis-schema.md says what is there. */

#define SENDKIT_SCHEMA_PREFIX_MAX  64

/* prefix, kind, a workspace, ":", a user */
#define SENDKIT_SCHEMA_NAME_MAX                                               \
    (SENDKIT_SCHEMA_PREFIX_MAX + 16 + 2 * SENDKIT_ID_MAX)


typedef enum {
    SENDKIT_SCHEMA_KEY = 0,             /* key:<digest> */
    SENDKIT_SCHEMA_ROLES,               /* roles:<workspace> */
    SENDKIT_SCHEMA_WORKSPACE_KEY,       /* workspace-key:<workspace> */
    SENDKIT_SCHEMA_NO_KEY,              /* no-key:<digest> */
    SENDKIT_SCHEMA_NO_ROLE              /* no-role:<workspace>:<user> */
} sendkit_schema_e;


/*
 * Writes a name to buf, at most SENDKIT_SCHEMA_NAME_MAX bytes, and returns it.
 *
 * prefix  at most SENDKIT_SCHEMA_PREFIX_MAX bytes
 * id      at most SENDKIT_ID_MAX bytes: a digest in hex, or a workspace
 * user    of a SENDKIT_SCHEMA_NO_ROLE; of others len 0
 */

sendkit_span_t sendkit_schema_name(unsigned char *buf, sendkit_span_t prefix,
    sendkit_schema_e kind, sendkit_span_t id, sendkit_span_t user);


#endif /* _SENDKIT_SCHEMA_H_INCLUDED_ */
