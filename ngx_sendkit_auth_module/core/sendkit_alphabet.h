
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_ALPHABET_H_INCLUDED_
#define _SENDKIT_ALPHABET_H_INCLUDED_


#include "sendkit_span.h"


/*
 * Closed sets of bytes, as bits: what a key, an id and a path may be spelled
 * with.  All of them are in one table, as each byte of a request's key and of
 * its path is looked up there.
 */

#define SENDKIT_ALPHABET_WORD  0x01     /* A-Z a-z 0-9 _ - */
#define SENDKIT_ALPHABET_USER  0x02     /* the same and . : @ */
#define SENDKIT_ALPHABET_PATH  0x04     /* and / ~ ! $ & ' ( ) * + , = */


extern const unsigned char  sendkit_alphabets[256];


/* 1 when the byte is of the alphabet, else 0 */

static inline int
sendkit_alphabet_has(unsigned alphabet, unsigned char c)
{
    return (sendkit_alphabets[c] & alphabet) != 0;
}


/* 1 when all bytes of the text are, also if it is empty; else 0 */

static inline int
sendkit_alphabet_spells(unsigned alphabet, sendkit_span_t text)
{
    size_t  i;

    for (i = 0; i < text.len; i++) {
        if (!sendkit_alphabet_has(alphabet, text.data[i])) {
            return 0;
        }
    }

    return 1;
}


#endif /* _SENDKIT_ALPHABET_H_INCLUDED_ */
