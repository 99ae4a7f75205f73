
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_id.h"


static int sendkit_id_is_user(unsigned char c);
static int sendkit_id_set(sendkit_id_t *id, sendkit_span_t value,
    int (*accepts)(unsigned char c));


int
sendkit_id_set_workspace(sendkit_id_t *id, sendkit_span_t value)
{
    return sendkit_id_set(id, value, sendkit_id_is_word);
}


int
sendkit_id_set_user(sendkit_id_t *id, sendkit_span_t value)
{
    return sendkit_id_set(id, value, sendkit_id_is_user);
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
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_' || c == '-';
}


static int
sendkit_id_is_user(unsigned char c)
{
    return sendkit_id_is_word(c) || c == '.' || c == ':' || c == '@';
}


static int
sendkit_id_set(sendkit_id_t *id, sendkit_span_t value,
    int (*accepts)(unsigned char c))
{
    size_t  i;

    id->len = 0;

    if (value.data == NULL || value.len == 0 || value.len > SENDKIT_ID_MAX) {
        return 0;
    }

    for (i = 0; i < value.len; i++) {
        if (!accepts(value.data[i])) {
            return 0;
        }
    }

    memcpy(id->data, value.data, value.len);
    id->len = (unsigned char) value.len;

    return 1;
}
