
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_alphabet.h"
#include "sendkit_key.h"


#define SENDKIT_KEY_SECRET_MIN  16
#define SENDKIT_KEY_SECRET_MAX  128


static int sendkit_key_has_secret(sendkit_span_t key, sendkit_span_t prefix);
static int sendkit_key_has_prefix(sendkit_span_t key, sendkit_span_t prefix);


static const sendkit_span_t  sendkit_key_platform = SENDKIT_SPAN("sk_user_");
static const sendkit_span_t  sendkit_key_workspace = SENDKIT_SPAN("sk_");
static const sendkit_span_t  sendkit_key_reserved = SENDKIT_SPAN("sk_user");

static const sendkit_span_t  sendkit_key_names[] = {
    SENDKIT_SPAN(""),
    SENDKIT_SPAN("platform"),
    SENDKIT_SPAN("workspace")
};


sendkit_key_e
sendkit_key_kind(sendkit_span_t key)
{
    /* "sk_user_" also begins with "sk_": the longer prefix goes first */

    if (sendkit_key_has_prefix(key, sendkit_key_reserved)) {
        return sendkit_key_has_secret(key, sendkit_key_platform)
               ? SENDKIT_KEY_PLATFORM : SENDKIT_KEY_MALFORMED;
    }

    return sendkit_key_has_secret(key, sendkit_key_workspace)
           ? SENDKIT_KEY_WORKSPACE : SENDKIT_KEY_MALFORMED;
}


sendkit_key_e
sendkit_key_parse_name(sendkit_span_t name)
{
    if (sendkit_span_equal(name, sendkit_key_names[SENDKIT_KEY_PLATFORM])) {
        return SENDKIT_KEY_PLATFORM;
    }

    if (sendkit_span_equal(name, sendkit_key_names[SENDKIT_KEY_WORKSPACE])) {
        return SENDKIT_KEY_WORKSPACE;
    }

    return SENDKIT_KEY_MALFORMED;
}


sendkit_span_t
sendkit_key_name(sendkit_key_e kind)
{
    return sendkit_key_names[kind];
}


static int
sendkit_key_has_secret(sendkit_span_t key, sendkit_span_t prefix)
{
    /* all of it: a prefix is a word, too */

    return sendkit_key_has_prefix(key, prefix)
           && key.len >= prefix.len + SENDKIT_KEY_SECRET_MIN
           && key.len <= prefix.len + SENDKIT_KEY_SECRET_MAX
           && sendkit_alphabet_spells(SENDKIT_ALPHABET_WORD, key);
}


static int
sendkit_key_has_prefix(sendkit_span_t key, sendkit_span_t prefix)
{
    return key.len >= prefix.len
           && memcmp(key.data, prefix.data, prefix.len) == 0;
}
