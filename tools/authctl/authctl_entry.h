
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_ENTRY_H_INCLUDED_
#define _AUTHCTL_ENTRY_H_INCLUDED_


#include <stdint.h>

#include "sendkit_digest.h"
#include "sendkit_id.h"
#include "sendkit_record.h"
#include "sendkit_role.h"
#include "sendkit_workspace_key.h"
#include "authctl_reason.h"


/*
 * What one line of an import or export says: the record of a key, or a role.
 * No I/O and no memory of its own.
 */

/* the fields that a line may have, in the order of the columns of CSV */

typedef enum {
    AUTHCTL_FIELD_KIND = 0,             /* "key" or "role" */
    AUTHCTL_FIELD_DIGEST,
    AUTHCTL_FIELD_TYPE,
    AUTHCTL_FIELD_USER,
    AUTHCTL_FIELD_WORKSPACE,
    AUTHCTL_FIELD_ROLE,
    AUTHCTL_FIELD_EXPIRES,
    AUTHCTL_FIELD_STATUS,
    AUTHCTL_FIELD_CREATED_AT,
    AUTHCTL_FIELD_CREATED_BY,
    AUTHCTL_FIELD_MASKED
} authctl_field_e;

#define AUTHCTL_NFIELDS  (AUTHCTL_FIELD_MASKED + 1)


typedef enum {
    AUTHCTL_ENTRY_NONE = 0,
    AUTHCTL_ENTRY_KEY,
    AUTHCTL_ENTRY_ROLE
} authctl_entry_e;


typedef struct {
    authctl_entry_e          kind;

    sendkit_id_t             user;          /* of a platform key, of a role */
    sendkit_id_t             workspace;     /* of a workspace key, of a role */

    sendkit_role_e           role;

    unsigned char            digest[SENDKIT_DIGEST_HEX_LEN];
    sendkit_key_e            type;
    int64_t                  expires;       /* Unix time, s; 0: never */
    sendkit_id_t             status;        /* len 0: none, so active */
    sendkit_workspace_key_t  created;       /* found: what the key service
                                               knows of the workspace's key */
} authctl_entry_t;


#define AUTHCTL_EXPIRES_MAX  24     /* any int64_t, and a NUL */

/* the values of a line; data == NULL: it does not have that field */

typedef struct {
    sendkit_span_t           fields[AUTHCTL_NFIELDS];
    unsigned char            expires[AUTHCTL_EXPIRES_MAX];
} authctl_values_t;


#define AUTHCTL_TEXT_MAX  1024      /* bytes of an entry in either format */


/* the names of the fields */

extern const sendkit_span_t  authctl_field_names[AUTHCTL_NFIELDS];

/* what is said of values that are no such thing */

extern const char  authctl_not_digest[];
extern const char  authctl_not_user[];
extern const char  authctl_not_workspace[];
extern const char  authctl_not_role[];
extern const char  authctl_not_expires[];
extern const char  authctl_not_status[];


/*
 * Returns 1 with *entry filled, 0 with *reason: a field is missing, its value
 * is not what core/ accepts, or it has no place in an entry of that kind.
 */

int authctl_entry_parse(authctl_entry_t *entry, const authctl_values_t *values,
    authctl_reason_t *reason);

/*
 * The inverse of it.  The values point into *entry and *values, which must
 * not be copied.
 */

void authctl_entry_values(const authctl_entry_t *entry,
    authctl_values_t *values);

/* 1 for 64 lower-case hexadecimal digits */

int authctl_is_digest(sendkit_span_t value);


#endif /* _AUTHCTL_ENTRY_H_INCLUDED_ */
