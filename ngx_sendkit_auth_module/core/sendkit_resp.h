
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_RESP_H_INCLUDED_
#define _SENDKIT_RESP_H_INCLUDED_


#include "sendkit_span.h"


/*
 * Watches a stream of RESP2 replies (the Redis serialization protocol) go
 * by, before a parser allocates what their headers announce.  Refuses what
 * no reply to the gateway's commands can be; and what can be no message of
 * Pub/Sub, which may hold arrays, of any length.
 */

#define SENDKIT_RESP_LINE_MAX    512    /* bytes of "+...", "-...", ":..." */
#define SENDKIT_RESP_BULK_MAX    65536  /* bytes of a bulk string */
#define SENDKIT_RESP_ARRAY_MAX   64     /* elements of an array */


typedef enum {
    SENDKIT_RESP_TYPE = 0,
    SENDKIT_RESP_LINE,
    SENDKIT_RESP_LINE_LF,
    SENDKIT_RESP_LENGTH,
    SENDKIT_RESP_NULL,
    SENDKIT_RESP_NULL_CR,
    SENDKIT_RESP_LENGTH_LF,
    SENDKIT_RESP_BULK,
    SENDKIT_RESP_BULK_LF
} sendkit_resp_e;


/* where in a reply the stream is; cleared before the first byte */

typedef struct {
    int                   messages;     /* 1: of Pub/Sub are expected */
    sendkit_resp_e        state;
    unsigned char         type;         /* of the element: + - : $ * */
    unsigned              digits;       /* of its length so far */
    size_t                length;       /* bytes of it, or elements in it */
    size_t                elements;     /* still to come of an array */
    size_t                outer;        /* the same, of the one around it */
} sendkit_resp_t;


/*
 * Takes the next bytes of the stream, cut anywhere.  Returns 1 to go on, 0
 * when the stream is not acceptable; after that it must not be used.
 */

int sendkit_resp_accept(sendkit_resp_t *resp, sendkit_span_t bytes);


#endif /* _SENDKIT_RESP_H_INCLUDED_ */
