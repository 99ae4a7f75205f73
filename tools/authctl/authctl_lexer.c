
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#include <stdarg.h>
#include <stdio.h>

#include "authctl_lexer.h"


static int authctl_lexer_skip(authctl_lexer_t *lexer, int ch);
static int authctl_lexer_plain(authctl_lexer_t *lexer, int ch);
static int authctl_lexer_quoted(authctl_lexer_t *lexer, int quote);
static void authctl_lexer_word(authctl_lexer_t *lexer);
static size_t authctl_lexer_unescape(unsigned char *start,
    const unsigned char *end);
static int authctl_lexer_byte(authctl_lexer_t *lexer);
static int authctl_lexer_is_space(int ch);
static int authctl_lexer_unfinished(authctl_lexer_t *lexer, const char *what);
static int authctl_lexer_fail(authctl_lexer_t *lexer, size_t line,
    const char *fmt, ...) __attribute__ ((format (printf, 3, 4)));


void
authctl_lexer_init(authctl_lexer_t *lexer, unsigned char *text, size_t len)
{
    memset(lexer, 0, sizeof(authctl_lexer_t));

    lexer->pos = text;
    lexer->last = text + len;
    lexer->line = 1;
}


/*
 * Here and below ch is the byte that was read last, -1 at the end of the file
 * and after an error.
 */

authctl_lexer_e
authctl_lexer_next(authctl_lexer_t *lexer)
{
    int  ch;

    lexer->nwords = 0;
    lexer->start = lexer->pos;

    ch = authctl_lexer_skip(lexer, authctl_lexer_byte(lexer));

    while (ch != -1 && ch != ';' && ch != '{' && ch != '}') {

        ch = ch == '"' || ch == '\'' ? authctl_lexer_quoted(lexer, ch)
                                     : authctl_lexer_plain(lexer, ch);

        ch = authctl_lexer_skip(lexer, ch);
    }

    if (lexer->error[0] != '\0') {
        return AUTHCTL_LEXER_BAD;
    }

    if (ch == -1) {
        return lexer->nwords != 0 ? AUTHCTL_LEXER_OPEN : AUTHCTL_LEXER_END;
    }

    if (ch == '}' || lexer->nwords == 0) {
        authctl_lexer_fail(lexer, lexer->line, "unexpected \"%c\"", ch);
        return AUTHCTL_LEXER_BAD;
    }

    return ch == ';' ? AUTHCTL_LEXER_DIRECTIVE : AUTHCTL_LEXER_BLOCK;
}


/* over white space and comments, to a byte that begins or ends something */

static int
authctl_lexer_skip(authctl_lexer_t *lexer, int ch)
{
    while (ch != -1) {

        lexer->start = lexer->pos - 1;
        lexer->start_line = lexer->line;

        if (ch == '#') {

            do {
                ch = authctl_lexer_byte(lexer);
            } while (ch != '\n' && ch != -1);

            continue;
        }

        if (!authctl_lexer_is_space(ch)) {
            break;
        }

        ch = authctl_lexer_byte(lexer);
    }

    return ch;
}


/*
 * A word without quotes.  "{" ends it, but not after "$", and "}", "#" and
 * quotes do not.
 */

static int
authctl_lexer_plain(authctl_lexer_t *lexer, int ch)
{
    int  dollar;

    dollar = 0;

    for ( ;; ) {

        if (ch != '{' || !dollar) {

            if (ch == ';' || ch == '{' || authctl_lexer_is_space(ch)) {
                break;
            }

            dollar = ch == '$';
        }

        if (ch == '\\') {
            (void) authctl_lexer_byte(lexer);
        }

        ch = authctl_lexer_byte(lexer);

        if (ch == -1) {
            return authctl_lexer_unfinished(lexer, "word");
        }
    }

    authctl_lexer_word(lexer);

    return authctl_lexer_is_space(ch) ? authctl_lexer_byte(lexer) : ch;
}


static int
authctl_lexer_quoted(authctl_lexer_t *lexer, int quote)
{
    int  ch;

    lexer->start++;

    do {
        ch = authctl_lexer_byte(lexer);

        if (ch == '\\') {
            ch = authctl_lexer_byte(lexer) == -1 ? -1 : '\\';
        }

        if (ch == -1) {
            return authctl_lexer_unfinished(lexer, "quote");
        }

    } while (ch != quote);

    authctl_lexer_word(lexer);

    ch = authctl_lexer_byte(lexer);

    if (authctl_lexer_is_space(ch)) {
        return authctl_lexer_byte(lexer);
    }

    if (ch != -1 && ch != ';' && ch != '{' && ch != ')') {
        return authctl_lexer_fail(lexer, lexer->line,
                                  "unexpected \"%c\" after a quote", ch);
    }

    return ch;
}


/* what lies between ->start and the last byte */

static void
authctl_lexer_word(authctl_lexer_t *lexer)
{
    authctl_word_t  *word;

    if (lexer->nwords < AUTHCTL_LEXER_WORDS) {
        word = &lexer->words[lexer->nwords];

        word->text.data = lexer->start;
        word->text.len = authctl_lexer_unescape(lexer->start, lexer->pos - 1);
        word->line = lexer->start_line;
    }

    lexer->nwords++;
}


/* in place; returns the new length.  Unknown escapes stay as they are. */

static size_t
authctl_lexer_unescape(unsigned char *start, const unsigned char *end)
{
    const char           *p;
    unsigned char        *dst;
    const unsigned char  *src;
    static const char     escapes[] = "\"\"''\\\\t\tr\rn\n";

    dst = start;

    for (src = start; src < end; src++) {

        if (*src != '\\') {
            *dst++ = *src;
            continue;
        }

        src++;

        for (p = escapes; *p != '\0' && *src != (unsigned char) *p; p += 2) {
            /* void */
        }

        if (*p == '\0') {
            *dst++ = '\\';
            *dst++ = *src;

        } else {
            *dst++ = (unsigned char) p[1];
        }
    }

    return (size_t) (dst - start);
}


static int
authctl_lexer_byte(authctl_lexer_t *lexer)
{
    if (lexer->pos == lexer->last || lexer->error[0] != '\0') {
        return -1;
    }

    if (lexer->pos - lexer->start == AUTHCTL_LEXER_WORD_MAX) {
        return authctl_lexer_fail(lexer, lexer->start_line,
                                  "\"%.10s...\" is too long", lexer->start);
    }

    if (*lexer->pos == '\n') {
        lexer->line++;
    }

    return *lexer->pos++;
}


static int
authctl_lexer_is_space(int ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}


static int
authctl_lexer_unfinished(authctl_lexer_t *lexer, const char *what)
{
    if (lexer->error[0] != '\0') {
        return -1;
    }

    return authctl_lexer_fail(lexer, lexer->start_line,
                              "the %s that begins here is not finished", what);
}


/* returns -1 for those who return what it does */

static int
authctl_lexer_fail(authctl_lexer_t *lexer, size_t line, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(lexer->error, AUTHCTL_LEXER_ERROR_MAX, fmt, args);
    va_end(args);

    lexer->line = line;

    return -1;
}
