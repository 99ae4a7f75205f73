
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <openssl/core_names.h>
#include <openssl/params.h>

#include "sendkit_digest.h"


static int sendkit_digest_init_hash(sendkit_digester_t *digester);
static int sendkit_digest_init_mac(sendkit_digester_t *digester);
static int sendkit_digest_mac(sendkit_digester_t *digester,
    sendkit_span_t key, sendkit_digest_t *digest);


int
sendkit_digest_init(sendkit_digester_t *digester, sendkit_span_t pepper)
{
    int  ok;

    memset(digester, 0, sizeof(sendkit_digester_t));

    digester->pepper = pepper;

    ok = pepper.len == 0 ? sendkit_digest_init_hash(digester)
                         : sendkit_digest_init_mac(digester);

    if (!ok) {
        sendkit_digest_cleanup(digester);
    }

    return ok;
}


int
sendkit_digest_key(sendkit_digester_t *digester, sendkit_span_t key,
    sendkit_digest_t *digest)
{
    unsigned int  len;

    if (digester->pepper.len != 0) {
        return sendkit_digest_mac(digester, key, digest);
    }

    len = 0;

    return EVP_DigestInit_ex2(digester->md_ctx, digester->md, NULL) == 1
           && EVP_DigestUpdate(digester->md_ctx, key.data, key.len) == 1
           && EVP_DigestFinal_ex(digester->md_ctx, digest->bytes, &len) == 1
           && len == SENDKIT_DIGEST_LEN;
}


void
sendkit_digest_hex(const sendkit_digest_t *digest, unsigned char *hex)
{
    size_t             i;
    static const char  digits[] = "0123456789abcdef";

    for (i = 0; i < SENDKIT_DIGEST_LEN; i++) {
        hex[2 * i] = (unsigned char) digits[digest->bytes[i] >> 4];
        hex[2 * i + 1] = (unsigned char) digits[digest->bytes[i] & 0x0f];
    }
}


void
sendkit_digest_cleanup(sendkit_digester_t *digester)
{
    EVP_MD_CTX_free(digester->md_ctx);
    EVP_MD_free(digester->md);
    EVP_MAC_CTX_free(digester->mac_ctx);
    EVP_MAC_free(digester->mac);

    memset(digester, 0, sizeof(sendkit_digester_t));
}


static int
sendkit_digest_init_hash(sendkit_digester_t *digester)
{
    /* fetched once: an implicit fetch costs more than the hash itself */

    digester->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    digester->md_ctx = EVP_MD_CTX_new();

    return digester->md != NULL && digester->md_ctx != NULL;
}


static int
sendkit_digest_init_mac(sendkit_digester_t *digester)
{
    OSSL_PARAM   params[2];
    static char  sha256[] = "SHA256";

    digester->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (digester->mac == NULL) {
        return 0;
    }

    digester->mac_ctx = EVP_MAC_CTX_new(digester->mac);
    if (digester->mac_ctx == NULL) {
        return 0;
    }

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                                 sha256, 0);
    params[1] = OSSL_PARAM_construct_end();

    return EVP_MAC_CTX_set_params(digester->mac_ctx, params) == 1;
}


static int
sendkit_digest_mac(sendkit_digester_t *digester, sendkit_span_t key,
    sendkit_digest_t *digest)
{
    size_t  len;

    len = 0;

    /*
     * The pepper is given each time: with NULL in its place, to go on with
     * the one before, OpenSSL 3.0.0 to 3.0.2 return wrong MACs.
     */

    return EVP_MAC_init(digester->mac_ctx, digester->pepper.data,
                        digester->pepper.len, NULL) == 1
           && EVP_MAC_update(digester->mac_ctx, key.data, key.len) == 1
           && EVP_MAC_final(digester->mac_ctx, digest->bytes, &len,
                            SENDKIT_DIGEST_LEN) == 1
           && len == SENDKIT_DIGEST_LEN;
}
