
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


/*
 * A key is accepted just when a regular expression says so; no key is of
 * both kinds, and none has a byte that could end a line or a word.
 */


#include <regex.h>

#include "sendkit_key.h"
#include "fuzz.h"


#define FUZZ_KEY_MAX  256

#define FUZZ_LETTERS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


static void fuzz_key(const char *prefix, sendkit_span_t rest);
static sendkit_key_e fuzz_key_expected(const char *text, size_t len);
static int fuzz_key_matches(const regex_t *expression, const char *text);
static void fuzz_key_compile(regex_t *expression, const char *source);
static void fuzz_key_names(sendkit_span_t word);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sendkit_span_t  input;

    if (size > FUZZ_KEY_MAX) {
        return 0;
    }

    input.data = data;
    input.len = size;

    fuzz_key("", input);
    fuzz_key("sk_", input);
    fuzz_key("sk_user", input);
    fuzz_key("sk_user_", input);

    fuzz_key_names(input);

    return 0;
}


static void
fuzz_key(const char *prefix, sendkit_span_t rest)
{
    char            text[FUZZ_KEY_MAX + 9];
    size_t          len;
    sendkit_key_e   kind;
    sendkit_span_t  key;

    len = strlen(prefix);

    memcpy(text, prefix, len);
    memcpy(text + len, rest.data, rest.len);

    len += rest.len;
    text[len] = '\0';

    key.data = (const unsigned char *) text;
    key.len = len;

    kind = sendkit_key_kind(key);

    fuzz_check(kind == fuzz_key_expected(text, len));

    if (kind == SENDKIT_KEY_MALFORMED) {
        return;
    }

    fuzz_check(kind == SENDKIT_KEY_PLATFORM || kind == SENDKIT_KEY_WORKSPACE);
    fuzz_check(fuzz_has_only(key, FUZZ_LETTERS "_-"));
    fuzz_check((kind == SENDKIT_KEY_PLATFORM)
               == (strncmp(text, "sk_user", 7) == 0));
}


static sendkit_key_e
fuzz_key_expected(const char *text, size_t len)
{
    int             platform, workspace;
    static int      ready;
    static regex_t  platforms, workspaces, reserved;

    if (!ready) {
        fuzz_key_compile(&platforms, "^sk_user_[A-Za-z0-9_-]{16,128}$");
        fuzz_key_compile(&workspaces, "^sk_[A-Za-z0-9_-]{16,128}$");
        fuzz_key_compile(&reserved, "^sk_user");
        ready = 1;
    }

    if (strlen(text) != len) {
        return SENDKIT_KEY_MALFORMED;
    }

    platform = fuzz_key_matches(&platforms, text);
    workspace = fuzz_key_matches(&workspaces, text)
                && !fuzz_key_matches(&reserved, text);

    fuzz_check(!platform || !workspace);

    return platform ? SENDKIT_KEY_PLATFORM
           : workspace ? SENDKIT_KEY_WORKSPACE : SENDKIT_KEY_MALFORMED;
}


static int
fuzz_key_matches(const regex_t *expression, const char *text)
{
    return regexec(expression, text, 0, NULL, 0) == 0;
}


static void
fuzz_key_compile(regex_t *expression, const char *source)
{
    fuzz_check(regcomp(expression, source, REG_EXTENDED|REG_NOSUB) == 0);
}


static void
fuzz_key_names(sendkit_span_t word)
{
    sendkit_key_e  kind;

    kind = sendkit_key_parse_name(word);

    fuzz_check(kind == SENDKIT_KEY_MALFORMED
               || sendkit_span_equal(sendkit_key_name(kind), word));
}
