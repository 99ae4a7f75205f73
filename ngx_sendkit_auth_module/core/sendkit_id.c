
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_alphabet.h"
#include "sendkit_id.h"


static int sendkit_id_set(sendkit_id_t *id, sendkit_span_t value,
    unsigned alphabet);


int
sendkit_id_set_workspace(sendkit_id_t *id, sendkit_span_t value)
{
    return sendkit_id_set(id, value, SENDKIT_ALPHABET_WORD);
}


int
sendkit_id_set_user(sendkit_id_t *id, sendkit_span_t value)
{
    return sendkit_id_set(id, value, SENDKIT_ALPHABET_USER);
}


sendkit_span_t
sendkit_id_span(const sendkit_id_t *id)
{
    sendkit_span_t  span;

    span.data = id->data;
    span.len = id->len;

    return span;
}


int
sendkit_id_is_word(unsigned char c)
{
    return sendkit_alphabet_has(SENDKIT_ALPHABET_WORD, c);
}


static int
sendkit_id_set(sendkit_id_t *id, sendkit_span_t value, unsigned alphabet)
{
    id->len = 0;

    if (value.data == NULL || value.len == 0 || value.len > SENDKIT_ID_MAX
        || !sendkit_alphabet_spells(alphabet, value))
    {
        return 0;
    }

    memcpy(id->data, value.data, value.len);
    id->len = (unsigned char) value.len;

    return 1;
}
