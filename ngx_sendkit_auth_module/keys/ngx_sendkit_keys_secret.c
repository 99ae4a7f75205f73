
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "../ngx_sendkit_auth_lookup.h"
#include "ngx_sendkit_keys_secret.h"


static void ngx_sendkit_keys_secret_time(u_char *time);
static void ngx_sendkit_keys_secret_cleanup(void *data);


ngx_int_t
ngx_sendkit_keys_secret_make(ngx_http_request_t *r, u_char **key,
    sendkit_workspace_key_t *record)
{
    int               rc;
    u_char            random[SENDKIT_WORKSPACE_KEY_RANDOM];
    sendkit_span_t    span;
    sendkit_digest_t  digests[NGX_SENDKIT_AUTH_PEPPERS];

    *key = ngx_sendkit_keys_secret_alloc(r, SENDKIT_WORKSPACE_KEY_LEN);
    if (*key == NULL) {
        return NGX_ERROR;
    }

    rc = RAND_priv_bytes(random, SENDKIT_WORKSPACE_KEY_RANDOM);

    sendkit_workspace_key_make(random, *key);
    OPENSSL_cleanse(random, SENDKIT_WORKSPACE_KEY_RANDOM);

    span.data = *key;
    span.len = SENDKIT_WORKSPACE_KEY_LEN;

    if (rc != 1 || ngx_sendkit_auth_lookup_digest(span, digests) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "OpenSSL failed to make a key");
        return NGX_ERROR;
    }

    sendkit_digest_hex(&digests[0], record->digest);
    ngx_sendkit_keys_secret_time(record->created_at);
    sendkit_workspace_key_mask(span, record->masked);
    record->masked_len = SENDKIT_WORKSPACE_KEY_MASKED_LEN;
    record->state = SENDKIT_RECORD_FOUND;

    return NGX_OK;
}


static void
ngx_sendkit_keys_secret_time(u_char *time)
{
    ngx_tm_t     tm;
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    ngx_gmtime(tp->sec, &tm);

    (void) ngx_sprintf(time, "%4d-%02d-%02dT%02d:%02d:%02d.%03MZ",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec,
                       tp->msec);
}


u_char *
ngx_sendkit_keys_secret_alloc(ngx_http_request_t *r, size_t len)
{
    ngx_str_t           *secret;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_str_t));
    if (cln == NULL) {
        return NULL;
    }

    secret = cln->data;

    secret->data = ngx_pnalloc(r->pool, len);
    if (secret->data == NULL) {
        return NULL;
    }

    secret->len = len;

    cln->handler = ngx_sendkit_keys_secret_cleanup;

    return secret->data;
}


static void
ngx_sendkit_keys_secret_cleanup(void *data)
{
    ngx_str_t  *secret = data;

    OPENSSL_cleanse(secret->data, secret->len);
}
