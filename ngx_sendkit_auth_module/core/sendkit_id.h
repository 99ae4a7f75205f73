
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_ID_H_INCLUDED_
#define _SENDKIT_ID_H_INCLUDED_


#include "sendkit_span.h"


/*
 * Ids of workspaces and users: 1 to 64 bytes of a closed alphabet, so that
 * an id can stand in a Redis key and in an HTTP header as it is.
 */

#define SENDKIT_ID_MAX  64


typedef struct {
    unsigned char         len;
    unsigned char         data[SENDKIT_ID_MAX];
} sendkit_id_t;


/*
 * Each copies an id that is valid into *id and returns 1; otherwise returns
 * 0 and leaves *id empty (len 0).
 *
 * workspace: [A-Za-z0-9_-], user: [A-Za-z0-9._:@-]
 */

int sendkit_id_set_workspace(sendkit_id_t *id, sendkit_span_t value);
int sendkit_id_set_user(sendkit_id_t *id, sendkit_span_t value);

/* the bytes of an id, valid as long as *id is */

sendkit_span_t sendkit_id_span(const sendkit_id_t *id);

/* 1 for a byte of [A-Za-z0-9_-], the alphabet of keys and workspace ids */

int sendkit_id_is_word(unsigned char c);


#endif /* _SENDKIT_ID_H_INCLUDED_ */
