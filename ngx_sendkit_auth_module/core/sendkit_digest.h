
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _SENDKIT_DIGEST_H_INCLUDED_
#define _SENDKIT_DIGEST_H_INCLUDED_


#include <openssl/evp.h>

#include "sendkit_span.h"


#define SENDKIT_DIGEST_LEN      32
#define SENDKIT_DIGEST_HEX_LEN  64


/*
 * What stands for a key everywhere but in the request: SHA-256 of the key
 * (FIPS 180-4), or with a pepper HMAC-SHA-256 (RFC 2104).
 */

typedef struct {
    unsigned char         bytes[SENDKIT_DIGEST_LEN];
} sendkit_digest_t;


/* OpenSSL's objects for one way of making digests; belongs to one process */

typedef struct {
    EVP_MD               *md;
    EVP_MD_CTX           *md_ctx;
    EVP_MAC              *mac;
    EVP_MAC_CTX          *mac_ctx;
    sendkit_span_t        pepper;       /* len 0: plain SHA-256 */
} sendkit_digester_t;


/*
 * pepper  the HMAC key, which the caller keeps; len 0 for none
 *
 * Returns 1; 0 when OpenSSL does not give SHA-256 or HMAC, with nothing
 * left to clean up.
 */

int sendkit_digest_init(sendkit_digester_t *digester, sendkit_span_t pepper);

void sendkit_digest_cleanup(sendkit_digester_t *digester);

/* Returns 1 with *digest filled, 0 when OpenSSL failed. */

int sendkit_digest_key(sendkit_digester_t *digester, sendkit_span_t key,
    sendkit_digest_t *digest);

/* writes SENDKIT_DIGEST_HEX_LEN lower-case letters, not NUL-terminated */

void sendkit_digest_hex(const sendkit_digest_t *digest, unsigned char *hex);


#endif /* _SENDKIT_DIGEST_H_INCLUDED_ */
