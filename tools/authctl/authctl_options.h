
/*
 * Copyright (C) the ngx_sendkit_auth_module authors
 */


#ifndef _AUTHCTL_OPTIONS_H_INCLUDED_
#define _AUTHCTL_OPTIONS_H_INCLUDED_


#include "authctl_redis.h"


/* The options before the command: as in redis-cli, where it has them. */

typedef enum {
    AUTHCTL_OPTIONS_RUN = 0,
    AUTHCTL_OPTIONS_HELP,
    AUTHCTL_OPTIONS_VERSION
} authctl_options_e;


/* strings are those of argv, or NULL where there was none */

typedef struct {
    authctl_options_e        what;
    int                      json;
    const char              *prefix;
    const char              *pepper_file;
    const char              *old_pepper_file;
    const char              *password_file;
    authctl_redis_conf_t     redis;         /* all but its password */
} authctl_options_t;


/*
 * Returns an exit status; optind is then the index of the command.  Parts of
 * "-u" are cut out of argv where they stand.
 */

int authctl_options_parse(authctl_options_t *options, int argc, char **argv);


#endif /* _AUTHCTL_OPTIONS_H_INCLUDED_ */
