
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Of all that Redis may answer, only a well-formed record is found: its ids
 * keep to their limits and alphabets, its time is the one that was written.
 */


#include <stdlib.h>

#include "sendkit_record.h"
#include "fuzz.h"


#define FUZZ_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

#define FUZZ_NIL    0xff
#define FUZZ_WORDS  0xf8    /* from here on a word of the list below */


static sendkit_span_t fuzz_record_value(sendkit_span_t *input);
static sendkit_record_e fuzz_record_expected(const sendkit_span_t *values,
    sendkit_key_e kind);
static void fuzz_record_found(const sendkit_record_t *record,
    const sendkit_span_t *values, sendkit_key_e kind);
static int fuzz_record_is(sendkit_span_t value, const char *word);
static int64_t fuzz_record_expires(sendkit_span_t value);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t            i;
    sendkit_key_e     kind;
    sendkit_span_t    input, values[SENDKIT_RECORD_NFIELDS];
    sendkit_record_t  record;

    input.data = data;
    input.len = size;

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        values[i] = fuzz_record_value(&input);
    }

    memset(&record, (int) fuzz_byte(&input), sizeof(sendkit_record_t));

    sendkit_record_parse(&record, values);

    kind = fuzz_record_is(values[SENDKIT_RECORD_TYPE], "platform")
           ? SENDKIT_KEY_PLATFORM
           : fuzz_record_is(values[SENDKIT_RECORD_TYPE], "workspace")
           ? SENDKIT_KEY_WORKSPACE : SENDKIT_KEY_MALFORMED;

    fuzz_check(record.state == fuzz_record_expected(values, kind));

    if (record.state == SENDKIT_RECORD_FOUND) {
        fuzz_record_found(&record, values, kind);
    }

    return 0;
}


/* a nil, a word that is often right, or some bytes of the input */

static sendkit_span_t
fuzz_record_value(sendkit_span_t *input)
{
    unsigned               choice;
    sendkit_span_t         nil = { NULL, 0 };
    static const char     *words[] = {
        "platform", "workspace", "active", "user_1", "1700000000",
        "999999999999999", "0"
    };

    choice = fuzz_byte(input);

    if (choice == FUZZ_NIL) {
        return nil;
    }

    if (choice >= FUZZ_WORDS) {
        return fuzz_text(words[choice - FUZZ_WORDS]);
    }

    return fuzz_take(input, choice);
}


static sendkit_record_e
fuzz_record_expected(const sendkit_span_t *values, sendkit_key_e kind)
{
    size_t          i, nils;
    sendkit_span_t  id, expires;

    nils = 0;

    for (i = 0; i < SENDKIT_RECORD_NFIELDS; i++) {
        nils += values[i].data == NULL;
    }

    if (nils == SENDKIT_RECORD_NFIELDS) {
        return SENDKIT_RECORD_ABSENT;
    }

    expires = values[SENDKIT_RECORD_EXPIRES];

    if (expires.data != NULL
        && (expires.len < 1 || expires.len > 15
            || !fuzz_has_only(expires, "0123456789")))
    {
        return SENDKIT_RECORD_MALFORMED;
    }

    if (kind == SENDKIT_KEY_MALFORMED) {
        return SENDKIT_RECORD_MALFORMED;
    }

    id = values[kind == SENDKIT_KEY_PLATFORM ? SENDKIT_RECORD_USER
                                             : SENDKIT_RECORD_WORKSPACE];

    if (id.data == NULL || id.len < 1 || id.len > 64
        || !fuzz_has_only(id, kind == SENDKIT_KEY_PLATFORM
                              ? FUZZ_LETTERS "._:@-" : FUZZ_LETTERS "_-"))
    {
        return SENDKIT_RECORD_MALFORMED;
    }

    return SENDKIT_RECORD_FOUND;
}


static void
fuzz_record_found(const sendkit_record_t *record, const sendkit_span_t *values,
    sendkit_key_e kind)
{
    sendkit_span_t  id, status, other;

    fuzz_check(record->kind == kind);
    fuzz_check(record->expires
               == fuzz_record_expires(values[SENDKIT_RECORD_EXPIRES]));

    status = values[SENDKIT_RECORD_STATUS];

    fuzz_check(record->active
               == (status.data == NULL || fuzz_record_is(status, "active")));

    id = sendkit_id_span(&record->user);
    other = sendkit_id_span(&record->workspace);

    if (kind == SENDKIT_KEY_WORKSPACE) {
        id = sendkit_id_span(&record->workspace);
        other = sendkit_id_span(&record->user);
    }

    fuzz_check(other.len == 0);
    fuzz_check(id.len >= 1 && id.len <= SENDKIT_ID_MAX);
    fuzz_check(memchr(id.data, '\r', id.len) == NULL
               && memchr(id.data, '\n', id.len) == NULL
               && memchr(id.data, '\0', id.len) == NULL);
    fuzz_check(sendkit_span_equal(id, values[kind == SENDKIT_KEY_PLATFORM
                                             ? SENDKIT_RECORD_USER
                                             : SENDKIT_RECORD_WORKSPACE]));
}


static int
fuzz_record_is(sendkit_span_t value, const char *word)
{
    return value.data != NULL && sendkit_span_equal(value, fuzz_text(word));
}


/* 0: never; a time that is written is never that */

static int64_t
fuzz_record_expires(sendkit_span_t value)
{
    char     digits[16];
    int64_t  expires;

    if (value.data == NULL) {
        return 0;
    }

    memcpy(digits, value.data, value.len);
    digits[value.len] = '\0';

    expires = strtoll(digits, NULL, 10);

    return expires == 0 ? 1 : expires;
}
