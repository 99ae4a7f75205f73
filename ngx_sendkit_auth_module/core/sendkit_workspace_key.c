
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_workspace_key.h"


#define SENDKIT_WORKSPACE_KEY_SHOWN  4      /* letters at either end */


static int sendkit_workspace_key_parse_digest(sendkit_workspace_key_t *key,
    sendkit_span_t value);
static int sendkit_workspace_key_parse_time(sendkit_workspace_key_t *key,
    sendkit_span_t value);
static void sendkit_workspace_key_parse_masked(sendkit_workspace_key_t *key,
    sendkit_span_t value);
static int sendkit_workspace_key_has_form(sendkit_span_t value,
    sendkit_span_t form);


const sendkit_span_t  sendkit_workspace_key_fields[] = {
    SENDKIT_SPAN("digest"),
    SENDKIT_SPAN("created_at"),
    SENDKIT_SPAN("created_by"),
    SENDKIT_SPAN("masked")
};


/* "0" stands for a digit, "x" for a letter of an id, others for themselves */

static const sendkit_span_t  sendkit_workspace_key_time =
    SENDKIT_SPAN("0000-00-00T00:00:00.000Z");
static const sendkit_span_t  sendkit_workspace_key_masked =
    SENDKIT_SPAN("sk_xxxx...xxxx");
static const sendkit_span_t  sendkit_workspace_key_unknown =
    SENDKIT_SPAN("sk_...");


void
sendkit_workspace_key_parse(sendkit_workspace_key_t *key,
    const sendkit_span_t *values)
{
    size_t  i;

    memset(key, 0, sizeof(sendkit_workspace_key_t));

    key->state = SENDKIT_RECORD_ABSENT;

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_NFIELDS; i++) {
        if (values[i].data != NULL) {
            key->state = SENDKIT_RECORD_MALFORMED;
        }
    }

    if (!sendkit_workspace_key_parse_digest(key,
                                       values[SENDKIT_WORKSPACE_KEY_DIGEST])
        || !sendkit_workspace_key_parse_time(key,
                                   values[SENDKIT_WORKSPACE_KEY_CREATED_AT])
        || !sendkit_id_set_user(&key->created_by,
                                values[SENDKIT_WORKSPACE_KEY_CREATED_BY]))
    {
        return;
    }

    sendkit_workspace_key_parse_masked(key,
                                       values[SENDKIT_WORKSPACE_KEY_MASKED]);

    key->state = SENDKIT_RECORD_FOUND;
}


void
sendkit_workspace_key_make(const unsigned char *random, unsigned char *key)
{
    size_t             i;
    static const char  hex[] = "0123456789abcdef";

    *key++ = 's';
    *key++ = 'k';
    *key++ = '_';

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_RANDOM; i++) {
        *key++ = (unsigned char) hex[random[i] >> 4];
        *key++ = (unsigned char) hex[random[i] & 0xf];
    }
}


void
sendkit_workspace_key_mask(sendkit_span_t key, unsigned char *masked)
{
    size_t  i, tail;

    memcpy(masked, sendkit_workspace_key_masked.data,
           SENDKIT_WORKSPACE_KEY_MASKED_LEN);

    tail = SENDKIT_WORKSPACE_KEY_MASKED_LEN - SENDKIT_WORKSPACE_KEY_SHOWN;

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_SHOWN; i++) {
        masked[sizeof("sk_") - 1 + i] = key.data[sizeof("sk_") - 1 + i];
        masked[tail + i] = key.data[key.len - SENDKIT_WORKSPACE_KEY_SHOWN + i];
    }
}


static int
sendkit_workspace_key_parse_digest(sendkit_workspace_key_t *key,
    sendkit_span_t value)
{
    size_t  i;

    if (value.len != SENDKIT_DIGEST_HEX_LEN) {
        return 0;
    }

    for (i = 0; i < value.len; i++) {
        if ((value.data[i] < '0' || value.data[i] > '9')
            && (value.data[i] < 'a' || value.data[i] > 'f'))
        {
            return 0;
        }
    }

    memcpy(key->digest, value.data, value.len);

    return 1;
}


static int
sendkit_workspace_key_parse_time(sendkit_workspace_key_t *key,
    sendkit_span_t value)
{
    if (!sendkit_workspace_key_has_form(value, sendkit_workspace_key_time)) {
        return 0;
    }

    memcpy(key->created_at, value.data, value.len);

    return 1;
}


static void
sendkit_workspace_key_parse_masked(sendkit_workspace_key_t *key,
    sendkit_span_t value)
{
    if (!sendkit_workspace_key_has_form(value, sendkit_workspace_key_masked)) {
        value = sendkit_workspace_key_unknown;
    }

    memcpy(key->masked, value.data, value.len);
    key->masked_len = value.len;
}


static int
sendkit_workspace_key_has_form(sendkit_span_t value, sendkit_span_t form)
{
    size_t         i;
    unsigned char  c;

    if (value.len != form.len) {
        return 0;
    }

    for (i = 0; i < form.len; i++) {
        c = value.data[i];

        switch (form.data[i]) {

        case '0':

            if (c < '0' || c > '9') {
                return 0;
            }

            break;

        case 'x':

            if (!sendkit_id_is_word(c)) {
                return 0;
            }

            break;

        default:

            if (c != form.data[i]) {
                return 0;
            }
        }
    }

    return 1;
}
