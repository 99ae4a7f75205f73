
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * Of all that Redis may answer about a workspace's key, only what is
 * well-formed is found, and nothing in it needs an escape in JSON.  A key of
 * any random bytes is a workspace key that has these bytes in it, and no two
 * random numbers give the same; of any key no more is shown than its ends.
 */


#include "sendkit_key.h"
#include "sendkit_workspace_key.h"
#include "fuzz.h"


#define FUZZ_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define FUZZ_DIGITS  "0123456789"
#define FUZZ_HEX     FUZZ_DIGITS "abcdef"

#define FUZZ_NIL     0xff
#define FUZZ_WORDS   0xfa   /* from here on a word of the list below */


static void fuzz_workspace_key_parse(sendkit_span_t *input);
static sendkit_span_t fuzz_workspace_key_value(sendkit_span_t *input);
static sendkit_record_e fuzz_workspace_key_expected(
    const sendkit_span_t *values);
static int fuzz_workspace_key_is_time(sendkit_span_t value);
static int fuzz_workspace_key_is_masked(sendkit_span_t value);
static void fuzz_workspace_key_found(const sendkit_workspace_key_t *key,
    const sendkit_span_t *values);
static void fuzz_workspace_key_make(sendkit_span_t *input);
static void fuzz_workspace_key_mask(sendkit_span_t key);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t  input;

    input.data = data;
    input.len = size;

    fuzz_workspace_key_parse(&input);
    fuzz_workspace_key_make(&input);

    if (sendkit_key_kind(input) == SENDKIT_KEY_WORKSPACE) {
        fuzz_workspace_key_mask(input);
    }

    return 0;
}


static void
fuzz_workspace_key_parse(sendkit_span_t *input)
{
    size_t                   i;
    sendkit_span_t           values[SENDKIT_WORKSPACE_KEY_NFIELDS];
    sendkit_workspace_key_t  key;

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_NFIELDS; i++) {
        values[i] = fuzz_workspace_key_value(input);
    }

    memset(&key, (int) fuzz_byte(input), sizeof(sendkit_workspace_key_t));

    sendkit_workspace_key_parse(&key, values);

    fuzz_check(key.state == fuzz_workspace_key_expected(values));

    if (key.state == SENDKIT_RECORD_FOUND) {
        fuzz_workspace_key_found(&key, values);
    }
}


/* a nil, a value that is often right, or some bytes of the input */

static sendkit_span_t
fuzz_workspace_key_value(sendkit_span_t *input)
{
    unsigned               choice;
    sendkit_span_t         nil = { NULL, 0 };
    static const char     *words[] = {
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "2025-06-01T10:30:00.000Z", "user_1", "sk_a1b2...e3f4", "sk_..."
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
fuzz_workspace_key_expected(const sendkit_span_t *values)
{
    size_t          i, nils;
    sendkit_span_t  digest, user;

    nils = 0;

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_NFIELDS; i++) {
        nils += values[i].data == NULL;
    }

    if (nils == SENDKIT_WORKSPACE_KEY_NFIELDS) {
        return SENDKIT_RECORD_ABSENT;
    }

    digest = values[SENDKIT_WORKSPACE_KEY_DIGEST];
    user = values[SENDKIT_WORKSPACE_KEY_CREATED_BY];

    if (digest.len != SENDKIT_DIGEST_HEX_LEN
        || !fuzz_has_only(digest, FUZZ_HEX)
        || !fuzz_workspace_key_is_time(
                                    values[SENDKIT_WORKSPACE_KEY_CREATED_AT])
        || user.len < 1 || user.len > SENDKIT_ID_MAX
        || !fuzz_has_only(user, FUZZ_LETTERS "._:@-"))
    {
        return SENDKIT_RECORD_MALFORMED;
    }

    return SENDKIT_RECORD_FOUND;
}


/* "2025-06-01T10:30:00.000Z": what is between the digits, and the digits */

static int
fuzz_workspace_key_is_time(sendkit_span_t value)
{
    size_t             i, mark;
    static const char  marks[] = "--T::.Z";
    static const int   digits[] = { 4, 2, 2, 2, 2, 2, 3 };

    if (value.len != SENDKIT_WORKSPACE_KEY_TIME_LEN) {
        return 0;
    }

    i = 0;

    for (mark = 0; mark < sizeof(marks) - 1; mark++) {
        sendkit_span_t  number = { value.data + i, digits[mark] };

        i += number.len;

        if (!fuzz_has_only(number, FUZZ_DIGITS) || value.data[i] != marks[mark])
        {
            return 0;
        }

        i++;
    }

    return 1;
}


static int
fuzz_workspace_key_is_masked(sendkit_span_t value)
{
    sendkit_span_t  head, tail;

    if (value.len != SENDKIT_WORKSPACE_KEY_MASKED_LEN) {
        return 0;
    }

    head.data = value.data + 3;
    tail.data = value.data + 10;
    head.len = tail.len = 4;

    return memcmp(value.data, "sk_", 3) == 0
           && memcmp(value.data + 7, "...", 3) == 0
           && fuzz_has_only(head, FUZZ_LETTERS "_-")
           && fuzz_has_only(tail, FUZZ_LETTERS "_-");
}


static void
fuzz_workspace_key_found(const sendkit_workspace_key_t *key,
    const sendkit_span_t *values)
{
    sendkit_span_t  masked, shown;

    fuzz_check(memcmp(key->digest, values[SENDKIT_WORKSPACE_KEY_DIGEST].data,
                      SENDKIT_DIGEST_HEX_LEN) == 0);
    fuzz_check(memcmp(key->created_at,
                      values[SENDKIT_WORKSPACE_KEY_CREATED_AT].data,
                      SENDKIT_WORKSPACE_KEY_TIME_LEN) == 0);
    fuzz_check(sendkit_span_equal(sendkit_id_span(&key->created_by),
                                  values[SENDKIT_WORKSPACE_KEY_CREATED_BY]));

    masked = values[SENDKIT_WORKSPACE_KEY_MASKED];

    if (!fuzz_workspace_key_is_masked(masked)) {
        masked = fuzz_text("sk_...");
    }

    shown.data = key->masked;
    shown.len = key->masked_len;

    fuzz_check(sendkit_span_equal(shown, masked));
}


static void
fuzz_workspace_key_make(sendkit_span_t *input)
{
    size_t          i;
    unsigned char   random[SENDKIT_WORKSPACE_KEY_RANDOM];
    unsigned char   key[SENDKIT_WORKSPACE_KEY_LEN];
    sendkit_span_t  made, digits;
    const char     *hex;

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_RANDOM; i++) {
        random[i] = (unsigned char) fuzz_byte(input);
    }

    sendkit_workspace_key_make(random, key);

    made.data = key;
    made.len = SENDKIT_WORKSPACE_KEY_LEN;
    digits.data = key + 3;
    digits.len = made.len - 3;

    fuzz_check(sendkit_key_kind(made) == SENDKIT_KEY_WORKSPACE);
    fuzz_check(memcmp(key, "sk_", 3) == 0 && fuzz_has_only(digits, FUZZ_HEX));

    hex = FUZZ_HEX;

    for (i = 0; i < SENDKIT_WORKSPACE_KEY_RANDOM; i++) {
        fuzz_check((strchr(hex, digits.data[2 * i]) - hex) * 16
                   + (strchr(hex, digits.data[2 * i + 1]) - hex)
                   == random[i]);
    }

    fuzz_workspace_key_mask(made);
}


static void
fuzz_workspace_key_mask(sendkit_span_t key)
{
    unsigned char   masked[SENDKIT_WORKSPACE_KEY_MASKED_LEN];
    sendkit_span_t  shown;

    sendkit_workspace_key_mask(key, masked);

    shown.data = masked;
    shown.len = SENDKIT_WORKSPACE_KEY_MASKED_LEN;

    fuzz_check(fuzz_workspace_key_is_masked(shown));
    fuzz_check(memcmp(masked, key.data, 7) == 0);
    fuzz_check(memcmp(masked + 10, key.data + key.len - 4, 4) == 0);
}
