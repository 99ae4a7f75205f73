
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_H_INCLUDED_
#define _AUTHCTL_H_INCLUDED_


#include "authctl_fail.h"
#include "authctl_redis.h"
#include "sendkit_digest.h"
#include "sendkit_schema.h"
#include "sendkit_span.h"


/*
 * The frame of sendkit-authctl: what a command gets, and what it returns.
 * Whoever returns another status than AUTHCTL_OK has said why on stderr, once;
 * but for "explain", where a refused request is the answer, on stdout.
 */

#define AUTHCTL_DIGESTERS  2


typedef struct {
    int                      json;          /* --json */
    sendkit_span_t           prefix;        /* of all names in Redis */
    size_t                   ndigesters;    /* 2 with an old pepper */
    sendkit_digester_t       digesters[AUTHCTL_DIGESTERS];
    authctl_redis_t         *redis;         /* connects when it is used */
} authctl_t;


/*
 * argv[0] is the name of the command; optind is 0, by which getopt_long()
 * begins anew.  Returns an exit status.
 */

typedef int (*authctl_command_pt)(authctl_t *ctl, int argc, char **argv);


typedef struct {
    const char              *name;
    authctl_command_pt       run;
} authctl_command_t;


/* room for a name in Redis */

typedef struct {
    unsigned char            data[SENDKIT_SCHEMA_NAME_MAX];
} authctl_name_t;


/* the commands, and those in their groups */

int authctl_digest(authctl_t *ctl, int argc, char **argv);
int authctl_key(authctl_t *ctl, int argc, char **argv);
int authctl_key_add(authctl_t *ctl, int argc, char **argv);
int authctl_role(authctl_t *ctl, int argc, char **argv);
int authctl_import(authctl_t *ctl, int argc, char **argv);
int authctl_export(authctl_t *ctl, int argc, char **argv);
int authctl_check(authctl_t *ctl, int argc, char **argv);
int authctl_explain(authctl_t *ctl, int argc, char **argv);


/*
 * Runs the command of argv[1] in a table that ends with a name of NULL.
 * group is what stands before it, as "key", or NULL.
 */

int authctl_run(const authctl_command_t *commands, const char *group,
    authctl_t *ctl, int argc, char **argv);

/*
 * For the characters '?' and ':' of getopt_long(), whose string of options
 * has to begin with ":", or "+:": names the option, returns AUTHCTL_USAGE.
 */

int authctl_fail_option(int c, char **argv);

/* AUTHCTL_USAGE: there are not exactly n arguments after the options. */

int authctl_check_arguments(int argc, char **argv, int n);

/* The same for a command that has no options: there are some. */

int authctl_only_arguments(int argc, char **argv, int n);

/*
 * Writes the digest of a key in hex, SENDKIT_DIGEST_HEX_LEN bytes, not
 * terminated.  i is less than ctl->ndigesters: 0 is the pepper in use, 1 the
 * old one.  Returns an exit status.
 */

int authctl_digest_hex(authctl_t *ctl, size_t i, sendkit_span_t key,
    unsigned char *hex);

/* the name of a sendkit_schema.h kind that has no user in it */

sendkit_span_t authctl_name(const authctl_t *ctl, authctl_name_t *name,
    sendkit_schema_e kind, sendkit_span_t id);


static inline sendkit_span_t
authctl_span(const char *text)
{
    sendkit_span_t  span;

    span.data = (const unsigned char *) text;
    span.len = text != NULL ? strlen(text) : 0;

    return span;
}


#endif /* _AUTHCTL_H_INCLUDED_ */
