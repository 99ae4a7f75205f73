
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include "sendkit_resp.h"


#define SENDKIT_RESP_DIGITS_MAX         5
#define SENDKIT_RESP_NAMES_DIGITS_MAX  10


static int sendkit_resp_byte(sendkit_resp_t *resp, unsigned char c);
static int sendkit_resp_type(sendkit_resp_t *resp, unsigned char type);
static int sendkit_resp_line(sendkit_resp_t *resp, unsigned char c);
static int sendkit_resp_length(sendkit_resp_t *resp, unsigned char c);
static int sendkit_resp_bulk(sendkit_resp_t *resp, unsigned char c);
static int sendkit_resp_length_done(sendkit_resp_t *resp);
static int sendkit_resp_element_done(sendkit_resp_t *resp);
static int sendkit_resp_expect(sendkit_resp_t *resp, unsigned char c,
    unsigned char expected, sendkit_resp_e next);


int
sendkit_resp_accept(sendkit_resp_t *resp, sendkit_span_t bytes)
{
    size_t  i;

    for (i = 0; i < bytes.len; i++) {
        if (!sendkit_resp_byte(resp, bytes.data[i])) {
            return 0;
        }
    }

    return 1;
}


static int
sendkit_resp_byte(sendkit_resp_t *resp, unsigned char c)
{
    switch (resp->state) {

    case SENDKIT_RESP_TYPE:
        return sendkit_resp_type(resp, c);

    case SENDKIT_RESP_LINE:
        return sendkit_resp_line(resp, c);

    case SENDKIT_RESP_LENGTH:
        return sendkit_resp_length(resp, c);

    case SENDKIT_RESP_NULL:
        return sendkit_resp_expect(resp, c, '1', SENDKIT_RESP_NULL_CR);

    case SENDKIT_RESP_NULL_CR:
        return sendkit_resp_expect(resp, c, '\r', SENDKIT_RESP_LINE_LF);

    case SENDKIT_RESP_LENGTH_LF:
        return c == '\n' && sendkit_resp_length_done(resp);

    case SENDKIT_RESP_BULK:
        return sendkit_resp_bulk(resp, c);

    case SENDKIT_RESP_LINE_LF:
    case SENDKIT_RESP_BULK_LF:
        return c == '\n' && sendkit_resp_element_done(resp);
    }

    return 0;
}


static int
sendkit_resp_type(sendkit_resp_t *resp, unsigned char type)
{
    resp->type = type;
    resp->length = 0;
    resp->digits = 0;

    switch (type) {

    case '+':
    case '-':
    case ':':
        resp->state = SENDKIT_RESP_LINE;
        return 1;

    case '$':
        resp->state = SENDKIT_RESP_LENGTH;
        return 1;

    case '*':
        resp->state = SENDKIT_RESP_LENGTH;
        return resp->elements == 0
               || (resp->messages && resp->outer == 0);

    default:
        return 0;
    }
}


static int
sendkit_resp_line(sendkit_resp_t *resp, unsigned char c)
{
    if (c == '\r') {
        resp->state = SENDKIT_RESP_LINE_LF;
        return 1;
    }

    return c != '\n' && ++resp->length <= SENDKIT_RESP_LINE_MAX;
}


static int
sendkit_resp_length(sendkit_resp_t *resp, unsigned char c)
{
    /* hiredis does not tell a null array from a null string */

    if (c == '-' && resp->digits == 0 && resp->type == '$') {
        resp->state = SENDKIT_RESP_NULL;
        return 1;
    }

    if (c == '\r' && resp->digits != 0) {
        resp->state = SENDKIT_RESP_LENGTH_LF;
        return 1;
    }

    if (c < '0' || c > '9') {
        return 0;
    }

    resp->digits++;
    resp->length = resp->length * 10 + (size_t) (c - '0');

    if (resp->type == '*' && resp->elements != 0) {
        return resp->digits <= SENDKIT_RESP_NAMES_DIGITS_MAX;
    }

    return resp->digits <= SENDKIT_RESP_DIGITS_MAX
           && resp->length <= (resp->type == '*' ? SENDKIT_RESP_ARRAY_MAX
                                                 : SENDKIT_RESP_BULK_MAX);
}


static int
sendkit_resp_length_done(sendkit_resp_t *resp)
{
    if (resp->type == '$') {
        resp->state = SENDKIT_RESP_BULK;
        return 1;
    }

    if (resp->elements != 0) {

        if (resp->length == 0) {
            return sendkit_resp_element_done(resp);
        }

        resp->outer = resp->elements;
    }

    resp->elements = resp->length;
    resp->state = SENDKIT_RESP_TYPE;

    return 1;
}


static int
sendkit_resp_bulk(sendkit_resp_t *resp, unsigned char c)
{
    if (resp->length != 0) {
        resp->length--;
        return 1;
    }

    return sendkit_resp_expect(resp, c, '\r', SENDKIT_RESP_BULK_LF);
}


static int
sendkit_resp_element_done(sendkit_resp_t *resp)
{
    if (resp->elements != 0) {
        resp->elements--;
    }

    if (resp->elements == 0 && resp->outer != 0) {
        resp->elements = resp->outer - 1;
        resp->outer = 0;
    }

    resp->state = SENDKIT_RESP_TYPE;

    return 1;
}


static int
sendkit_resp_expect(sendkit_resp_t *resp, unsigned char c,
    unsigned char expected, sendkit_resp_e next)
{
    resp->state = next;

    return c == expected;
}
