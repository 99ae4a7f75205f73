
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_LEXER_H_INCLUDED_
#define _AUTHCTL_LEXER_H_INCLUDED_


#include <stddef.h>

#include "sendkit_span.h"


/*
 * The words of a configuration file, by the rules of nginx.  No I/O and no
 * memory of its own.
 */

#define AUTHCTL_LEXER_WORDS      6      /* kept of a directive */
#define AUTHCTL_LEXER_WORD_MAX   4096   /* of nginx: a word, or a comment */
#define AUTHCTL_LEXER_ERROR_MAX  64


/* what was found, or ended a directive */

typedef enum {
    AUTHCTL_LEXER_BAD = 0,              /* ->error is set */
    AUTHCTL_LEXER_DIRECTIVE,            /* up to ";" */
    AUTHCTL_LEXER_BLOCK,                /* up to "{" */
    AUTHCTL_LEXER_OPEN,                 /* up to the end of the file */
    AUTHCTL_LEXER_END                   /* no more words */
} authctl_lexer_e;


typedef struct {
    sendkit_span_t         text;
    size_t                 line;        /* on which it begins, from 1 */
} authctl_word_t;


typedef struct {
    size_t                 nwords;      /* also of those not kept */
    authctl_word_t         words[AUTHCTL_LEXER_WORDS];

    size_t                 line;        /* of what comes next; of an error */
    char                   error[AUTHCTL_LEXER_ERROR_MAX];

    unsigned char         *pos;
    unsigned char         *last;
    unsigned char         *start;       /* of what is being read */
    size_t                 start_line;
} authctl_lexer_t;


/* Words are written over the text that they are made of, and stay there. */

void authctl_lexer_init(authctl_lexer_t *lexer, unsigned char *text,
    size_t len);

/* the words of the next directive; after an error there is none */

authctl_lexer_e authctl_lexer_next(authctl_lexer_t *lexer);


#endif /* _AUTHCTL_LEXER_H_INCLUDED_ */
