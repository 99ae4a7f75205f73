
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _TAP_H_INCLUDED_
#define _TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>

#include "sendkit_span.h"


/*
 * The Test Anything Protocol, version 12, as far as the unit tests need it.
 * A program clears a tap_t, makes its checks and returns tap_done().  The
 * name of a check is a sentence that holds when it passes.
 */

typedef struct {
    unsigned              tests;
    unsigned              failed;
} tap_t;


static inline int tap_ok(tap_t *tap, int ok, const char *name, ...)
    __attribute__ ((format (printf, 3, 4)));
static inline int tap_number(tap_t *tap, long long got, long long expected,
    const char *name, ...) __attribute__ ((format (printf, 4, 5)));
static inline int tap_span(tap_t *tap, sendkit_span_t got,
    sendkit_span_t expected, const char *name, ...)
    __attribute__ ((format (printf, 4, 5)));


static inline int
tap_report(tap_t *tap, int ok, const char *name, va_list args)
{
    tap->tests++;

    if (!ok) {
        tap->failed++;
        printf("not ");
    }

    printf("ok %u - ", tap->tests);
    vprintf(name, args);
    printf("\n");

    return ok;
}


/* Each of the three returns 1 when the check has passed. */

static inline int
tap_ok(tap_t *tap, int ok, const char *name, ...)
{
    va_list  args;

    va_start(args, name);
    ok = tap_report(tap, ok, name, args);
    va_end(args);

    return ok;
}


static inline int
tap_number(tap_t *tap, long long got, long long expected, const char *name,
    ...)
{
    int      ok;
    va_list  args;

    va_start(args, name);
    ok = tap_report(tap, got == expected, name, args);
    va_end(args);

    if (!ok) {
        printf("#      got: %lld\n# expected: %lld\n", got, expected);
    }

    return ok;
}


static inline int
tap_span(tap_t *tap, sendkit_span_t got, sendkit_span_t expected,
    const char *name, ...)
{
    int      ok;
    va_list  args;

    va_start(args, name);
    ok = tap_report(tap, sendkit_span_equal(got, expected), name, args);
    va_end(args);

    if (!ok) {
        printf("#      got: \"%.*s\"\n", (int) got.len,
               (const char *) got.data);
        printf("# expected: \"%.*s\"\n", (int) expected.len,
               (const char *) expected.data);
    }

    return ok;
}


/* a string without its NUL; NULL gives the span without a value */

static inline sendkit_span_t
tap_text(const char *text)
{
    sendkit_span_t  span;

    span.data = (const unsigned char *) text;
    span.len = text == NULL ? 0 : strlen(text);

    return span;
}


/* Prints the plan.  Returns the exit code of the program. */

static inline int
tap_done(const tap_t *tap)
{
    printf("1..%u\n", tap->tests);

    if (tap->failed != 0) {
        printf("# %u of %u checks failed\n", tap->failed, tap->tests);
    }

    return tap->failed != 0 || tap->tests == 0;
}


#endif /* _TAP_H_INCLUDED_ */
