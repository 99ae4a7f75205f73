
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_RECORD_H_INCLUDED_
#define _SENDKIT_RECORD_H_INCLUDED_


#include <stdint.h>

#include "sendkit_id.h"
#include "sendkit_key.h"


/* the fields of a key's record in Redis, in the order they are asked for */

#define SENDKIT_RECORD_TYPE       0
#define SENDKIT_RECORD_USER       1
#define SENDKIT_RECORD_WORKSPACE  2
#define SENDKIT_RECORD_EXPIRES    3
#define SENDKIT_RECORD_STATUS     4
#define SENDKIT_RECORD_NFIELDS    5


typedef enum {
    SENDKIT_RECORD_UNREAD = 0,
    SENDKIT_RECORD_ABSENT,
    SENDKIT_RECORD_MALFORMED,
    SENDKIT_RECORD_FOUND
} sendkit_record_e;


/* who a key belongs to; what follows state counts only when it is found */

typedef struct {
    sendkit_record_e      state;
    sendkit_key_e         kind;
    int                   active;       /* 1: status is "active" or unset */
    int64_t               expires;      /* Unix time, s; 0: never, while
                                           "0" in Redis is long gone */
    sendkit_id_t          user;         /* of a platform key */
    sendkit_id_t          workspace;    /* of a workspace key */
} sendkit_record_t;


/* the names of the fields */

extern const sendkit_span_t  sendkit_record_fields[SENDKIT_RECORD_NFIELDS];


/*
 * Reads the values of the fields; data == NULL is a nil.
 *
 * absent     all are nil
 * malformed  no type or an unknown one, "expires" not 1 to 15 digits, the id
 *            that the type calls for not an id
 */

void sendkit_record_parse(sendkit_record_t *record,
    const sendkit_span_t *values);


#endif /* _SENDKIT_RECORD_H_INCLUDED_ */
