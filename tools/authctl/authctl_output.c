
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "authctl_fail.h"
#include "authctl_output.h"
#include "sendkit_id.h"


#define AUTHCTL_FIELD_WIDTH   11
#define AUTHCTL_SECRET_WORDS  16    /* letters after "sk_" that make a key */


static size_t authctl_escape_byte(unsigned char c, char *text);
static int authctl_escape_is_key(sendkit_span_t value, size_t i);


const char *
authctl_escape(authctl_escaped_t *escaped, sendkit_span_t value)
{
    char                 one[4];
    size_t               i, n, len;
    static const size_t  room = AUTHCTL_ESCAPED_MAX - sizeof("......");

    if (value.data == NULL) {
        strcpy(escaped->text, "-");
        return escaped->text;
    }

    len = 0;

    for (i = 0; i < value.len; i++) {
        n = authctl_escape_byte(value.data[i], one);

        if (len + n > room) {
            memcpy(escaped->text + len, "...", 3);
            len += 3;
            break;
        }

        memcpy(escaped->text + len, one, n);
        len += n;
    }

    escaped->text[len] = '\0';

    return escaped->text;
}


static size_t
authctl_escape_byte(unsigned char c, char *text)
{
    static const char  hex[] = "0123456789abcdef";

    if (c == '\\') {
        memcpy(text, "\\\\", 2);
        return 2;
    }

    if (c >= ' ' && c <= '~') {
        text[0] = (char) c;
        return 1;
    }

    memcpy(text, "\\x", 2);
    text[2] = hex[c >> 4];
    text[3] = hex[c & 0xf];

    return 4;
}


const char *
authctl_escape_hidden(authctl_escaped_t *escaped, sendkit_span_t value)
{
    size_t  i;

    for (i = 0; i < value.len; i++) {

        if (authctl_escape_is_key(value, i)) {
            value.len = i + sizeof("sk_") - 1;
            (void) authctl_escape(escaped, value);
            return strcat(escaped->text, "...");
        }
    }

    return authctl_escape(escaped, value);
}


/* "desk_0123456789abcdef" may be an id, so "sk_" has to begin a word */

static int
authctl_escape_is_key(sendkit_span_t value, size_t i)
{
    size_t  n;

    if (value.len - i < sizeof("sk_") - 1
        || memcmp(value.data + i, "sk_", sizeof("sk_") - 1) != 0
        || (i != 0 && sendkit_id_is_word(value.data[i - 1])))
    {
        return 0;
    }

    i += sizeof("sk_") - 1;

    for (n = 0; i + n < value.len; n++) {

        if (!sendkit_id_is_word(value.data[i + n])) {
            break;
        }
    }

    return n >= AUTHCTL_SECRET_WORDS;
}


json_t *
authctl_json_string(sendkit_span_t value)
{
    size_t             i;
    authctl_escaped_t  escaped;

    if (value.data == NULL) {
        return json_null();
    }

    for (i = 0; i < value.len; i++) {

        if (value.data[i] < ' ' || value.data[i] > '~'
            || value.data[i] == '\\')
        {
            return json_string(authctl_escape(&escaped, value));
        }
    }

    return json_stringn((const char *) value.data, value.len);
}


int
authctl_print_json(json_t *value)
{
    int  rc;

    if (value == NULL) {
        return authctl_fail(AUTHCTL_USAGE, "no memory");
    }

    rc = json_dumpf(value, stdout, JSON_COMPACT|JSON_ENCODE_ANY);
    json_decref(value);

    if (rc == -1 || fputc('\n', stdout) == EOF) {
        return authctl_fail(AUTHCTL_USAGE, "cannot write to stdout: %s",
                            strerror(errno));
    }

    return AUTHCTL_OK;
}


void
authctl_print_field(const char *name, sendkit_span_t value)
{
    authctl_escaped_t  escaped;

    if (value.data != NULL) {
        printf("%-*s %s\n", AUTHCTL_FIELD_WIDTH, name,
               authctl_escape(&escaped, value));
    }
}
