
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_WORKSPACE_KEY_H_INCLUDED_
#define _SENDKIT_WORKSPACE_KEY_H_INCLUDED_


#include "sendkit_digest.h"
#include "sendkit_id.h"
#include "sendkit_record.h"
#include "sendkit_span.h"


/*
 * The key of a workspace as the key service knows it: which it is, since
 * when, by whom, and what of it may be shown.
 */

#define SENDKIT_WORKSPACE_KEY_RANDOM      24    /* bytes of it */
#define SENDKIT_WORKSPACE_KEY_LEN         51    /* "sk_" and 48 hex digits */
#define SENDKIT_WORKSPACE_KEY_MASKED_LEN  14    /* "sk_a1b2...e3f4" */

/* "2025-06-01T10:30:00.000Z" (RFC 3339, UTC, ms) */
#define SENDKIT_WORKSPACE_KEY_TIME_LEN    24


/* the fields of workspace-key:<workspace>, in the order they are asked for */

#define SENDKIT_WORKSPACE_KEY_DIGEST      0
#define SENDKIT_WORKSPACE_KEY_CREATED_AT  1
#define SENDKIT_WORKSPACE_KEY_CREATED_BY  2
#define SENDKIT_WORKSPACE_KEY_MASKED      3
#define SENDKIT_WORKSPACE_KEY_NFIELDS     4


/* what follows state counts only when it is found; nothing is terminated */

typedef struct {
    sendkit_record_e      state;
    unsigned char         digest[SENDKIT_DIGEST_HEX_LEN];
    unsigned char         created_at[SENDKIT_WORKSPACE_KEY_TIME_LEN];
    sendkit_id_t          created_by;       /* a user */
    unsigned char         masked[SENDKIT_WORKSPACE_KEY_MASKED_LEN];
    size_t                masked_len;
} sendkit_workspace_key_t;


/* a replacement; a key that is absent was not there, or shall not be there */

typedef struct {
    sendkit_id_t             workspace;
    sendkit_workspace_key_t  from;          /* its digest counts */
    sendkit_workspace_key_t  to;
} sendkit_key_change_t;


/* the names of the fields */

extern const sendkit_span_t
    sendkit_workspace_key_fields[SENDKIT_WORKSPACE_KEY_NFIELDS];


/*
 * Reads the values of the fields; data == NULL is a nil.
 *
 * absent     all are nil
 * malformed  a digest that is not 64 lower-case hex digits, a time of another
 *            form, or no user
 *
 * "masked" is for people only: where it is not of its form it is "sk_...".
 */

void sendkit_workspace_key_parse(sendkit_workspace_key_t *key,
    const sendkit_span_t *values);

/* writes SENDKIT_WORKSPACE_KEY_LEN bytes, the key made of random bytes */

void sendkit_workspace_key_make(const unsigned char *random,
    unsigned char *key);

/*
 * Writes SENDKIT_WORKSPACE_KEY_MASKED_LEN bytes, what may be shown of a
 * workspace key: its prefix, 4 letters, "...", and its last 4 letters.
 */

void sendkit_workspace_key_mask(sendkit_span_t key, unsigned char *masked);


#endif /* _SENDKIT_WORKSPACE_KEY_H_INCLUDED_ */
